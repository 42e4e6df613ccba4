"""The Yokogawa dialogue with an instrument of literal bytes on a bare pty."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping

import pytest

from meters.meter import (
    Meter,
    MeterError,
    MeterGarbage,
    MeterMismatch,
    MeterOptionError,
    MeterRefused,
    MeterTimeout,
)
from meters.reading import Identity
from meters.wire_log import read_capture
from meters.yokogawa import dialogue as yokogawa_dialogue
from meters.yokogawa.dialects import QUANTITIES, WT210_DIALECT, WT310_DIALECT
from meters.yokogawa.models import MODELS
from tests.meters.conftest import wait_until
from tests.meters.far_ends import FarEnd
from tests.meters.yokogawa_samples import IDENTITY, VALUES

# --- the dialogue with an instrument of literal bytes -----------------------------------------------------------------


class LiteralInstrument(FarEnd):
    """A pty whose far end answers with literal bytes, the settings as the real WT333E gave them.

    `answers`: question to answer; a question without one is a setting that is as it should be, which is never so.
    """

    def __init__(self) -> None:
        self.identity = IDENTITY
        self.answers: dict[str, str] = {
            **{":INP:CFAC?": "3", ":INP:CURR:RANG?": "500.0E-03", ":INP:CURR:AUTO?": "0"},
            **{":INP:VOLT:RANG?": "300.0E+00", ":INP:VOLT:AUTO?": "0", ":INP:SYNC?": ":SYNC CURR"},
            **{":INP:FILT:LINE?": "0", ":INP:FILT:FREQ?": "1", ":MEAS:AVER:STAT?": ":MEAS:AVER 0"},
            **{":HOLD?": "0", ":MEAS:MHOL?": "0", ":INP:MODE?": "RMS", ":INP:SCAL:STAT?": "0", ":RATE?": "100.0E-03"},
            **{":NUM:FORM?": "ASC", ":NUM:NORM:NUM?": "6", ":STAT:FILT1?": "FALL", ":STAT:ERR?": '0,"No error"'},
            **{f":NUM:NORM:ITEM{place}?": f"{name},1" for place, name in enumerate(ITEMS, start=1)},
            **{":NUM:NORM:VAL?": VALUES.rpartition(",")[0], ":STAT:EESR?": "1", ":STAT:COND?": "0"},
        }
        self.heard: list[str] = []
        self.one_late = False
        self.mute = 0
        self.lost: list[str] = []
        self.errors: list[str] = []
        self._held_back: list[bytes] = []
        self._pending = b""
        super().__init__()

    def hear(self, data: bytes) -> None:
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            self._hear_line(line.decode("ascii"))

    def _hear_line(self, line: str) -> None:
        units = line.split(";")
        self.heard += units
        if units == ["*CLS"]:
            self._held_back.clear()
            self.one_late = False
        if units == ["*IDN?"]:
            self._say(self.identity + b"\n")
        elif set(self.lost) & set(units):
            self.lost.remove(units[1])
        elif units[-1] == "*ESE?":
            tag = units[0].partition(" ")[2]
            answers = [self._answer(unit) for unit in units[1:-1] if unit.endswith("?")]
            self._say((";".join([*answers, tag]) + "\n").encode("ascii"))

    def _answer(self, question: str) -> str:
        if question == ":STAT:ERR?" and self.errors:
            return self.errors.pop(0)
        return self.answers[question]

    def _say(self, reply: bytes) -> None:
        if self.mute:
            self.mute -= 1
            return
        if self.one_late:
            self._held_back.append(reply)
            reply = self._held_back.pop(0) if len(self._held_back) > 1 else b""
        self.send(reply)


ITEMS = ("U", "I", "P", "S", "LAMB", "FU")

AS_IT_IS: Mapping[str, object] = {"rate_s": 0.1, "voltage_range_v": 300, "current_range_a": 0.5, "sync": "current"}


@pytest.fixture
def instrument() -> Iterator[LiteralInstrument]:
    literal = LiteralInstrument()
    yield literal
    literal.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waits of a real instrument; a busy machine answers within these."""
    monkeypatch.setattr(yokogawa_dialogue, "ANSWER_S", 0.3)
    monkeypatch.setattr(yokogawa_dialogue, "STALL_S", 0.1)
    monkeypatch.setattr(yokogawa_dialogue, "QUIET_S", 0.02)


def opened(instrument: LiteralInstrument, **options: object) -> Meter:
    return yokogawa_dialogue.open_wt310(instrument.path, capture=None, options={**AS_IT_IS, **options})


def test_an_instrument_that_is_set_up_is_only_asked(instrument: LiteralInstrument) -> None:
    sink = io.BytesIO()
    meter = yokogawa_dialogue.open_wt310(instrument.path, capture=sink, options=AS_IT_IS)
    reading = meter.read(1.0)
    meter.close()
    assert meter.identify() == Identity("Yokogawa", "WT333E", "C3VD30030E", "F1.04")
    assert meter.origin().kind == "emulated"  # an honest identity does not make a pty an instrument
    assert (reading.power_w, reading.voltage_v, reading.window_s) == (50.0, 230.1, 0.1)
    assert reading.flags == frozenset()
    wait_until(lambda: ":COMM:REM OFF" in instrument.heard, "the farewell")
    orders = [unit for unit in instrument.heard if unit and not unit.endswith("?") and not unit.startswith("*ESE")]
    assert orders == ["*CLS", "*CLS", ":COMM:REM ON", ":COMM:HEAD OFF", ":COMM:WAIT 1", ":COMM:REM OFF"]
    sent = b"".join(part.data for part in read_capture(io.BytesIO(sink.getvalue()), "log") if part.direction == ">")
    assert sent.startswith(b"\n*CLS\n*CLS\n*IDN?\n*IDN?\n:COMM:REM ON\n*ESE 101;:STAT:ERR?;*ESE?\n:COMM:HEAD OFF\n")
    assert b"*ESE 128;:COMM:WAIT 1;:NUM:NORM:VAL?;:NUM:NORM:VAL?;:STAT:EESR?;:STAT:COND?;*ESE?\n" in sent


def test_20_w_in_the_150_w_range_of_a_wt333e_are_known_to_95_mw(instrument: LiteralInstrument) -> None:
    meter = opened(instrument)
    meter.close()
    description = meter.describe()
    column = description.columns[0]
    assert column.accuracy is not None
    low, high = column.range
    limit_w = 20 * column.accuracy.reading_percent / 100 + (high - low) * column.accuracy.range_percent / 100
    assert high == 150.0
    assert limit_w == pytest.approx(0.095)
    assert (description.ranging, description.stamp, description.latency_s > 0) == ("fixed", "end", True)
    assert (description.window_s, description.interval_s) == (0.1, 0.1)
    choices = {choice.option: choice.steps for choice in description.range_choices}
    assert choices == {"voltage_range_v": MODELS["WT333E"].voltage_ranges(3), "current_range_a": (0.5, 1, 2, 5, 10, 20)}
    assert (column.resolution, description.tier) == (0.01, "reference")


def test_a_setting_that_differs_is_made_and_looked_at_again(instrument: LiteralInstrument) -> None:
    instrument.answers[":INP:SYNC?"] = ":SYNC VOLT"
    with pytest.raises(MeterRefused, match=r":INP:SYNC stays 'VOLT', expected CURR; set it on the panel"):
        opened(instrument)
    assert ":INP:SYNC CURR" in instrument.heard


def test_a_setting_the_instrument_refuses_is_reported_in_its_words(instrument: LiteralInstrument) -> None:
    instrument.answers |= {":INP:SYNC?": "VOLT", ":STAT:ERR?": '813,"Invalid operation"'}
    with pytest.raises(MeterRefused, match=r"refuses ':COMM:REM ON': error 813 \"Invalid operation\"; its integrator"):
        opened(instrument)


def test_the_errors_that_draining_makes_are_no_refusals_but_what_stands_behind_them_is(
    instrument: LiteralInstrument,
) -> None:
    instrument.errors = ['420,"Query UNTERMINATED"', "-410"]
    opened(instrument).close()
    instrument.errors = ['420,"Query UNTERMINATED"', '113,"Undefined header"']
    with pytest.raises(MeterRefused, match=r"refuses ':COMM:REM ON': error 113 .* command type to WT300 on the panel"):
        opened(instrument)


def test_current_through_the_external_sensor_input_is_refused(instrument: LiteralInstrument) -> None:
    instrument.answers |= {":INP:CURR:AUTO?": "1", ":INP:CURR:RANG?": "EXTERNAL,2.50E+00"}
    with pytest.raises(MeterRefused, match="external sensor input; choose a range in A"):
        opened(instrument, current_range_a="auto")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"current_range_a": 0.2}, "option current_range_a is 0.2, expected one of 0.5, 1, 2, 5, 10, 20 (WT333E, "),
        ({"voltage_range_v": 250}, "option voltage_range_v is 250, expected one of 15, 30, 60, 150, 300, 600"),
        (
            {"crest_factor": 6, "current_range_a": 2},
            "expected one of 0.25, 0.5, 1, 2.5, 5, 10 (WT333E, crest factor 6)",
        ),
        ({"rate_s": 3}, "option rate_s is 3, expected one of 0.1, 0.25, 0.5, 1, 2, 5, 10, 20"),
    ],
)
def test_a_range_the_model_does_not_have_is_refused_with_the_list(
    instrument: LiteralInstrument, options: dict[str, object], text: str
) -> None:
    with pytest.raises(MeterOptionError, match=re.escape(text)):
        opened(instrument, **options)
    assert not [unit for unit in instrument.heard if ":INP" in unit]


@pytest.mark.parametrize(
    ("identity", "text"),
    [
        (b"YOKOGAWA,WT1800,91M1,F1.04", "found a WT1800, expected one of WT310E"),
        (b"YOKOGAWA,760401,0,F2.01", "found a 760401, expected one of WT310E"),
        (b"ZES ZIMMER,LMG95,1,3.0", "expected `YOKOGAWA"),
    ],
)
def test_another_instrument_is_refused_with_what_it_says(
    instrument: LiteralInstrument, identity: bytes, text: str
) -> None:
    instrument.identity = identity
    with pytest.raises(MeterMismatch, match=text) as caught:
        opened(instrument)
    assert str(caught.value).startswith(f"{instrument.path}: ")


def test_an_instrument_that_is_silent_is_a_timeout_with_what_to_do(instrument: LiteralInstrument) -> None:
    instrument.mute = 100
    with pytest.raises(MeterTimeout, match=r"no answer to \*IDN\?.* command type to WT300"):
        opened(instrument)
    with pytest.raises(MeterTimeout, match=r"no answer to \*IDN\?.* 488\.2 mode on the panel"):
        yokogawa_dialogue.open_wt210(instrument.path, capture=None, options={})


def test_a_question_that_got_lost_during_the_set_up_is_asked_again(instrument: LiteralInstrument) -> None:
    instrument.lost = [":INP:CFAC?", ":NUM:FORM?", ":NUM:FORM?"]
    meter = opened(instrument)
    meter.close()
    assert [instrument.heard.count(question) for question in (":INP:CFAC?", ":NUM:FORM?", ":RATE?")] == [2, 3, 1]


def test_replies_one_question_late_are_recognised_and_not_believed(instrument: LiteralInstrument) -> None:
    meter = opened(instrument)
    try:
        assert meter.read(1.0).power_w == 50.0
        instrument.one_late = True
        instrument.answers[":NUM:NORM:VAL?"] = VALUES.rpartition(",")[0].replace("50.000E+00", "99.000E+00")
        with pytest.raises(MeterTimeout):
            meter.read(1.0)  # the first reply is held back
        again = meter.read(1.0)  # *CLS, then the identity: in step again
        assert (again.power_w, again.flags) == (99.0, frozenset({"resynced"}))
        assert not meter.read(1.0).flags
    finally:
        meter.close()


def test_a_reply_to_an_earlier_question_is_dropped_and_the_right_one_awaited(instrument: LiteralInstrument) -> None:
    meter = opened(instrument)
    try:
        stale = VALUES.rpartition(",")[0].replace("50.000E+00", "77.000E+00")
        os.write(instrument.master, f"{stale};{stale};1;0;107\n".encode("ascii"))
        assert meter.read(1.0).power_w == 50.0
        os.write(instrument.master, IDENTITY + b"\n")
        assert meter.read(1.0).power_w == 50.0
    finally:
        meter.close()


@pytest.mark.parametrize(
    ("question", "answer", "text"),
    [
        (":NUM:NORM:VAL?", "1.000E+00;1;300.0E+00;1", "out of step"),
        (":NUM:NORM:VAL?", "230.10E+00,217.30E-03", "found 2 values"),
        (":STAT:COND?", "x", "expected a register"),
        (":STAT:EESR?", "70000", "expected a register"),
    ],
)
def test_a_reply_that_is_no_answer_is_garbage_and_the_next_reading_is_marked(
    instrument: LiteralInstrument, question: str, answer: str, text: str
) -> None:
    meter = opened(instrument)
    try:
        right, instrument.answers[question] = instrument.answers[question], answer
        with pytest.raises(MeterGarbage, match=text) as caught:
            meter.read(1.0)
        assert str(caught.value).startswith(f"{instrument.path}: ")
        instrument.answers[question] = right
        reading = meter.read(1.0)
        assert (reading.power_w, reading.flags) == (50.0, frozenset({"resynced"}))
    finally:
        meter.close()


@pytest.mark.parametrize(
    ("question", "answer", "flags"),
    [
        (":STAT:EESR?", "0", {"stale"}),
        (":STAT:COND?", "64", {"overrange"}),
        (":STAT:COND?", "256", {"overrange"}),
        (":STAT:COND?", "512", set()),
    ],
)
def test_the_status_registers_become_flags(
    instrument: LiteralInstrument, question: str, answer: str, flags: set[str]
) -> None:
    meter = opened(instrument)
    try:
        instrument.answers[question] = answer
        assert meter.read(1.0).flags == flags
    finally:
        meter.close()


def test_every_read_of_a_stream_that_never_ends_has_its_end(instrument: LiteralInstrument) -> None:
    meter = opened(instrument)
    try:
        instrument.answers[":STAT:COND?"] = "9" * 9000
        with pytest.raises(MeterError):
            meter.read(1.0)
        instrument.answers[":STAT:COND?"] = "0"
        assert meter.read(1.0).power_w == 50.0
    finally:
        meter.close()


def test_both_dialects_name_every_setting_and_every_value() -> None:
    assert set(WT310_DIALECT.headers) - set(WT210_DIALECT.headers) == {"averaging_count"}
    assert len(WT310_DIALECT.items) == len(WT210_DIALECT.items) == len(QUANTITIES)
