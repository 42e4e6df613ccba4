"""The Yokogawa codec and dialogue against a real conversation, and an instrument of literal bytes on a bare pty."""

from __future__ import annotations

import io
import os
import re
import select
import threading
import tty
from collections.abc import Iterator, Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.emulators.yokogawa.spelling import engineering
from meters.meter import (
    Meter,
    MeterError,
    MeterGarbage,
    MeterMismatch,
    MeterOptionError,
    MeterRefused,
    MeterTimeout,
)
from meters.options import read_options
from meters.reading import Identity
from meters.wire_log import read_capture
from meters.yokogawa import codec as yokogawa_codec
from meters.yokogawa import dialogue as yokogawa_dialogue
from meters.yokogawa import setup as yokogawa_setup
from meters.yokogawa.codec import decode_reply, same_setting
from meters.yokogawa.dialects import QUANTITIES, WT210_DIALECT, WT310_DIALECT
from meters.yokogawa.models import MODELS
from tests.meters.conftest import wait_until

# [R] A WT333E, as PTDaemon logged it: mlcommons/inference_results_v1.0, closed/Krai/results/
# rpi4coral-fan.on-tflite-v2.4.1-ruy/resnet50/offline/performance/power/ptd_logs.txt. Questions, reply, what it says.
IDENTITY = b"YOKOGAWA,WT333E,C3VD30030E,F1.04"
CONVERSATION = [
    (":INTEGRATE:STATE?", b"RES", ["RES"]),
    (":MEAS:AVER:STATE?;:MEAS:AVER:TYPE?", b":MEAS:AVER 0;:MEAS:AVER:TYPE LIN", ["0", "LIN"]),
    (":SYNC?", b":SYNC CURR", ["CURR"]),
    (
        ":CFAC?;:CURR:RANG?;:CURR:AUTO?;:VOLT:RANG?;:VOLT:AUTO?",
        b"3;500.0E-03;0;300.0E+00;0",
        ["3", "500.0E-03", "0", "300.0E+00", "0"],
    ),
    (
        ":CURR:RANG?;:CURRENT:AUTO?;:VOLT:RANG?;:VOLT:AUTO?",
        b"500.0E-03;1;300.0E+00;1",
        ["500.0E-03", "1", "300.0E+00", "1"],
    ),
    (":FILT:LINE?", b"0", ["0"]),
    (":FILT:FREQ?", b"1", ["1"]),
]
# [S] mlcommons/power-dev tests/unit/test_server.py: this was taken for the voltage, the reply answered something else.
OUT_OF_STEP = b"1.000E+00;1;300.0E+00;1"


# --- the codec ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("questions", "reply", "answers"), CONVERSATION)
def test_every_reply_of_the_real_conversation_decodes_to_what_it_says(
    questions: str, reply: bytes, answers: list[str]
) -> None:
    assert list(decode_reply(reply, questions.count("?"))) == answers
    assert list(decode_reply(reply + b"\r", questions.count("?"))) == answers
    for wrong in (questions.count("?") - 1, questions.count("?") + 1):
        with pytest.raises(MeterGarbage, match="out of step"):
            decode_reply(reply, wrong)


def test_the_identities_of_two_real_instruments_are_read() -> None:
    assert yokogawa_codec.decode_identity(IDENTITY) == Identity("Yokogawa", "WT333E", "C3VD30030E", "F1.04")
    # [S] mlcommons/power-dev, the second identity
    second = yokogawa_codec.decode_identity(b"YOKOGAWA,WT310,C2PH13047V,F1.03\r")
    assert second == Identity("Yokogawa", "WT310", "C2PH13047V", "F1.03")


@pytest.mark.parametrize(
    "body",
    [
        b"ZES ZIMMER,LMG95,1,3.0",
        b"YOKOGAWA,WT333E,C3VD30030E",
        b"YOKOGAWA,WT333E,,F1.04",
        b"KOGAWA,WT333E,C3VD30030E,F1.04",
        b"YOKOGAWA,WT333E,C3VD30030E,F1.04;117",
        b"YOKOGAWA,WT333E,C3VD3\xff030E,F1.04",
        b"",
    ],
)
def test_what_is_no_identity_of_a_yokogawa_is_refused(body: bytes) -> None:
    with pytest.raises(MeterGarbage, match="expected `YOKOGAWA"):
        yokogawa_codec.decode_identity(body)


@pytest.mark.parametrize(
    ("found", "wanted", "same"),
    [
        ("0", "OFF", True),
        ("1", "OFF", False),
        ("ON", "ON", True),
        ("500.0E-03", "0.5", True),
        ("300.0E+00", "300", True),
        ("300.0E+00", "600", False),
        ("CURR", "CURR", True),
        ("CURRENT", "CURR", True),
        ("CURR", "VOLT", False),
        ("LIN", "LIN", True),
        ("", "LIN", False),
        ("RES", "STAR", False),
        ("START", "STAR", True),
        ("P,1", "P,1", True),
        ("PHI,1", "P,1", False),
        ("WHP,1", "WH,1", False),
        ("LAMBDA,1", "LAMB,1", True),
        ("P,2", "P,1", False),
        ("LIN,8", "LIN,16", False),
        ("P", "P,1", False),
        ("0,0,0", "0,0,0", True),
    ],
)
def test_settings_are_compared_by_what_they_mean(found: str, wanted: str, same: bool) -> None:
    assert same_setting(found, wanted) == same


def test_the_reply_that_was_once_believed_is_recognised_as_out_of_step() -> None:
    for count in (2, 3, 5, 6):
        with pytest.raises(MeterGarbage, match="out of step"):
            decode_reply(OUT_OF_STEP, count)
    *answers, tag = decode_reply(OUT_OF_STEP, 4)
    with pytest.raises(MeterGarbage, match="found '1' at the end of a reply, expected the number of the question"):
        yokogawa_codec.decode_tag(tag)
    with pytest.raises(MeterGarbage, match=r"found 1 values in '1\.000E\+00', expected 7"):
        yokogawa_codec.decode_values(answers[0], QUANTITIES)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("104.75E+00", 104.75),
        ("-0.38E+00", -0.38),
        ("500.0E-03", 0.5),
        (" 0.0E+00", 0.0),
        ("NAN", "no data"),
        ("INF", "over"),
        ("-INF", "over"),
        ("OL", "over"),
        ("--OL-", "over"),
        ("9.91E+37", "no data"),
        ("9.9E+37", "over"),
        ("-9.9E+37", "over"),
        ("9.9000E+37", "over"),
    ],
)
def test_a_value_is_a_number_or_says_why_there_is_none(text: str, value: float | str) -> None:
    assert yokogawa_codec.decode_value(text) == value


@pytest.mark.parametrize("text", ["", "1", "1.0", "nan", "1e5", "1.0E+10", "5.0E+37", "1.0E+5", "0x10", "1.0E+00 W"])
def test_what_is_no_value_is_refused(text: str) -> None:
    with pytest.raises(MeterGarbage, match="found the value"):
        yokogawa_codec.decode_value(text)


@given(st.floats(-1e6, 1e6, allow_nan=False), st.sampled_from([4, 5]))
def test_what_an_instrument_writes_is_read_back_to_its_last_digit(value: float, digits: int) -> None:
    value = 0.0 if abs(value) < 1e-9 else value
    read = yokogawa_codec.decode_value(engineering(value, digits))
    assert isinstance(read, float)
    assert read == pytest.approx(value, rel=0.6 * 10.0 ** (1 - digits))


VALUES = "230.10E+00,217.30E-03,50.000E+00,50.001E+00,0.9999E+00,49.998E+00,12.345E+00"


def reading_of(values: str, *, over: bool = False, stale: bool = False, counted: bool = True) -> dict[str, object]:
    decoded = yokogawa_codec.decode_values(values, QUANTITIES)
    reading = yokogawa_codec.to_reading(decoded, 5, 1.0, over=over, stale=stale, counted=counted)
    found = {name: getattr(reading, name) for name in QUANTITIES} | {"flags": set(reading.flags)}
    return {name: value for name, value in found.items() if value is not None}


def test_values_become_a_reading() -> None:
    assert reading_of(VALUES) == {
        **{"voltage_v": 230.1, "current_a": 0.2173, "power_w": 50.0, "apparent_power_va": 50.001},
        **{"power_factor": 0.9999, "frequency_hz": 49.998, "energy_wh": 12.345, "flags": set()},
    }
    assert "energy_wh" not in reading_of(VALUES, counted=False)
    assert reading_of(VALUES, stale=True)["flags"] == {"stale"}


@pytest.mark.parametrize(
    ("old", "new", "flag"),
    [
        ("50.000E+00", "NAN", "nan"),
        ("50.000E+00", "9.91E+37", "nan"),
        ("50.000E+00", "INF", "overrange"),
        ("50.000E+00", "9.9E+37", "overrange"),
        ("217.30E-03", "INF", "overrange"),
        ("230.10E+00", "INF", "overrange"),
    ],
)
def test_no_data_and_overrange_are_flags_and_never_numbers(old: str, new: str, flag: str) -> None:
    found = reading_of(VALUES.replace(old, new))
    assert "power_w" not in found
    assert found["flags"] == {flag}


def test_a_range_that_the_condition_register_calls_exceeded_is_overrange_whatever_the_number() -> None:
    found = reading_of(VALUES, over=True)
    assert "power_w" not in found
    assert found["flags"] == {"overrange"}
    # IM WT310E-17EN 7-5: OVR1 6, POV1 7, POA1 8; element 2 from 9, element 3 from 12
    assert [yokogawa_codec.overrange_bits(element) for element in (1, 2, 3)] == [0x01C0, 0x0E00, 0x7000]


def test_a_lost_power_factor_or_frequency_loses_no_power() -> None:
    found = reading_of(VALUES.replace("0.9999E+00", "INF").replace("49.998E+00", "NAN"))
    assert found["power_w"] == 50.0
    assert not {"power_factor", "frequency_hz"} & set(found)


@pytest.mark.parametrize("old", ["0.9999E+00", "49.998E+00", "230.10E+00"])
def test_an_implausible_value_beside_the_power_costs_that_quantity_alone(old: str) -> None:
    values = yokogawa_codec.decode_values(VALUES.replace(old, "999.99E+06"), QUANTITIES)
    assert values["power_w"] == 50.0
    assert list(values.values()).count("no data") == 1


def test_a_value_that_is_no_number_at_all_is_refused() -> None:
    with pytest.raises(MeterGarbage, match="expected at most"):
        yokogawa_codec.decode_values(VALUES.replace("0.9999E+00", "999.99E+09"), QUANTITIES)


@given(st.binary(max_size=120), st.integers(1, 8))
def test_arbitrary_bytes_are_answers_or_a_typed_error(body: bytes, count: int) -> None:
    with suppress(MeterGarbage):
        assert len(decode_reply(body, count)) == count


def test_an_error_text_may_hold_what_separates_answers() -> None:
    assert decode_reply(b'813,"Invalid; integrating";117', 2) == ('813,"Invalid; integrating"', "117")


# --- what can be sent -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unit",
    [
        *("*RST", "*CAL?", "*SAV 1", "*RCL 1", "*TST?", "*PSC 0", "*ESE 1;*RST", "*ESE 1000", "*ESE"),
        *(":STOR:STAT ON", ":FILE:DEL", ":SYST:COMM:COMM WT200", ":SYST:KLOC ON", ":COMM:LOCK ON", ":COMM:WAIT 65535"),
        *(":INP:VOLT:RANG 300;*RST", ":INP:VOLT:RANG", ":INP:VOLT:RANG? 300", ":INP:SCAL:VT 2", ":INP:CFAC 3\n*RST"),
        *(":NUM:NORM:CLE ALL", ":NUM:NORM:ITEM1 P,1;*RST", ":INTEG:ACAL ON", ":CONF:SCAL:PT 2", "", "?"),
    ],
)
def test_zeroing_calibration_reset_and_memory_can_not_be_sent(unit: str) -> None:
    with pytest.raises(MeterRefused, match="does not send"):
        yokogawa_codec.encode([unit])
    with pytest.raises(MeterRefused, match="does not send"):
        yokogawa_codec.encode(["*IDN?", unit])


def test_one_message_is_one_line() -> None:
    assert yokogawa_codec.encode(["*ESE 101", ":RATE?", "*ESE?"]) == b"*ESE 101;:RATE?;*ESE?\n"


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"range": 1}, "unknown option 'range'"),
        ({"crest_factor": 4}, "option crest_factor is 4.0, expected one of 3, 6"),
        ({"averaging": "mean"}, "option averaging is 'mean', expected one of off, lin, exp"),
        ({"averaging_count": 10}, "expected one of 8, 16, 32, 64"),
        ({"integration": 0.5}, "option integration is 0.5, expected one of 0, 1"),
        (
            {"voltage_range_v": "wide"},
            "option voltage_range_v is 'wide', expected a number from 0 to 1000 or one of auto",
        ),
        ({"sync": True}, "option sync is True"),
        ({"element": 4}, "option element is 4"),
    ],
)
def test_an_option_out_of_place_is_refused_before_anything_is_opened(options: dict[str, object], text: str) -> None:
    with pytest.raises(MeterOptionError, match=re.escape(text)):
        yokogawa_dialogue.open_wt310("/dev/ttyUSB99", capture=None, options=options)


def test_the_ranges_of_the_models_are_those_of_the_manual() -> None:
    fine, high = MODELS["WT310E"], MODELS["WT310EH"]
    assert fine.voltage_ranges(3) == (15, 30, 60, 150, 300, 600)
    assert fine.voltage_ranges(6) == (7.5, 15, 30, 75, 150, 300)
    assert fine.current_ranges(6) == (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
    assert high.current_ranges(3) == (1, 2, 5, 10, 20, 40)
    assert MODELS["WT333E"].current_ranges(6) == (0.25, 0.5, 1, 2.5, 5, 10)


@pytest.mark.parametrize(
    ("model", "crest_factor", "line_filter", "limits"),
    [
        ("WT310E", 3, False, (0.1, 0.05)),
        ("WT333E", 3, True, (0.4, 0.05)),
        ("WT310E", 6, False, (0.1, 0.1)),
        ("WT310", 3, False, (0.1, 0.1)),
        ("WT310", 6, True, (0.4, 0.2)),
    ],
)
def test_the_limits_of_error_follow_model_crest_factor_and_line_filter(
    model: str, crest_factor: int, line_filter: bool, limits: tuple[float, float]
) -> None:
    accuracy = MODELS[model].accuracy(crest_factor, line_filter)
    assert accuracy.reading_percent == pytest.approx(limits[0])
    assert accuracy.range_percent == pytest.approx(limits[1])
    assert accuracy.counts == 0.0
    assert "7-7, 7-8" in accuracy.source


def test_an_average_makes_the_window_longer() -> None:
    windows = {}
    for kind in ("off", "lin", "exp"):
        options = {"rate_s": 0.5, "averaging": kind}
        windows[kind] = yokogawa_setup.make_setup(
            "wt310", read_options("wt310", yokogawa_setup.WT310_OPTIONS, options)
        ).window_s
    assert windows == {"off": 0.5, "lin": 4.0, "exp": 7.5}


# --- the dialogue with an instrument of literal bytes -----------------------------------------------------------------


class LiteralInstrument:
    """A pty whose far end answers with literal bytes, the settings as the real WT333E gave them.

    `answers`: question to answer; a question without one is a setting that is as it should be, which is never so.
    """

    def __init__(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self._slave = slave
        self.path = os.ttyname(slave)
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
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        pending = b""
        while not self._closing.is_set():
            if select.select([self.master], [], [], 0.02)[0]:
                *lines, pending = (pending + os.read(self.master, 4096)).split(b"\n")
                for line in lines:
                    self._hear(line.decode("ascii"))

    def _hear(self, line: str) -> None:
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
        os.write(self.master, reply)

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        os.close(self.master)
        os.close(self._slave)


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
