"""The HM8115-2 codec and driver against the examples of the maker's manual; no real instrument was ever captured."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters import hm8115
from meters.meter import MeterError, MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused, MeterTimeout
from meters.reading import Identity
from meters.registry import open_meter
from meters.wire_log import read_capture
from tests.meters.far_ends import BarePty

# The manual, p. 18 (manualslib 226505): 225.6 V in the 500 V range, 0.243 A in the 1.6 A range, 23.3 var; one
# language of it prints the last with a comma.
MANUAL_POINT = b"U3= 225.6E+0\rI2= 0.243E+0\rVAR= 23.3E+0\r"
MANUAL_COMMA = b"U3= 225.6E+0\rI2= 0.243E+0\rVAR= 23,3E+0\r"
MANUAL_FACTOR = b"U3, I2, PF= 0.87E+0"

# Made up after its pattern.
WATTS = b"U3= 230.1E+0\rI2= 0.280E+0\rWATT= 50.0E+0\r"
QUICK: dict[str, object] = {"interval_s": 0.01, "reply_s": 0.2}


# --- the codec ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [MANUAL_POINT, MANUAL_COMMA, MANUAL_COMMA.replace(b"\r", b" ")])
def test_the_answer_of_the_manual_decodes_to_the_values_beside_it(answer: bytes) -> None:
    assert hm8115.decode_values(answer) == hm8115.Values(3, 2, 225.6, 0.243, "VAR", 23.3)


def test_the_short_answer_of_the_manual_decodes_to_ranges_function_and_value() -> None:
    assert hm8115.decode_values(MANUAL_FACTOR) == hm8115.Values(3, 2, None, None, "PF", 0.87, shown=False)


def test_the_identity_and_the_version_of_the_manual_decode() -> None:
    assert hm8115.decode_identity(b"HAMEG HM8115-2") == "HM8115-2"
    assert hm8115.decode_version(b"version 1.01") == "1.01"
    for answer in (b"", b"HAMEG", b"HM8115-2", b"HAMEG HM8115-2 9.9", b"\xff\xfe"):
        with pytest.raises(MeterGarbage, match="expected 'HAMEG HM8115-2'"):
            hm8115.decode_identity(answer)
    for answer in (b"", b"version", b"1.01", b"version 1.01;", b"version " + b"1" * 25):
        with pytest.raises(MeterGarbage, match=r"expected 'version 1\.01'"):
            hm8115.decode_version(answer)


def test_active_power_is_a_reading_without_what_the_meter_does_not_say() -> None:
    reading = hm8115.to_reading(hm8115.decode_values(WATTS), 5)
    assert (reading.time_ns, reading.power_w, reading.voltage_v, reading.current_a) == (5, 50.0, 230.1, 0.28)
    assert (reading.power_factor, reading.energy_wh, reading.window_s) == (None, None, 0.0)
    assert not reading.flags


def test_another_function_than_active_power_is_refused() -> None:
    for answer in (MANUAL_POINT, MANUAL_FACTOR):
        with pytest.raises(MeterGarbage, match="expected WATT"):
            hm8115.to_reading(hm8115.decode_values(answer), 1)


@pytest.mark.parametrize(
    "answer",
    [
        WATTS.replace(b"50.0E+0", b"OF"),
        WATTS.replace(b"0.280E+0", b"OF"),
        WATTS.replace(b"230.1E+0", b"OF"),
        b"U3= OF I3= OF WATT= OF",
        b"U3, I2, WATT= OF",
    ],
)
def test_of_in_any_value_is_overrange_and_no_number(answer: bytes) -> None:
    reading = hm8115.to_reading(hm8115.decode_values(answer), 1)
    assert reading.power_w is None
    assert reading.flags == {"overrange"}


def test_kilowatts_and_power_fed_back_decode() -> None:
    answer = b"U3= 230.0E+0 I3= 10.00E+0 WATT= -2.100E+3"
    assert hm8115.to_reading(hm8115.decode_values(answer), 1).power_w == -2100.0


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (b"50.0E+0", b"80.0E+0", "WATT: found 80, expected at most 68.1"),
        (b"230.1E+0", b"930.1E+0", "U: found 930.1, expected 0 to 500"),
        (b"U3", b"U2", "U: found 230.1, expected 0 to 150"),
        (b"I2", b"I1", "I: found 0.28, expected 0 to 0.16"),
        (b"230.1E+0", b"-30.1E+0", "U: found -30.1"),
        (b"WATT= 50.0E+0", b"PF= 1.20E+0", "PF: found 1.2, expected at most 1"),
        (b"50.0E+0", b"50.0E+", "expected `U3="),
        (b"50.0E+0", b"5 0.0E+0", "expected `U3="),
        (b"50.0E+0", b"50.0.0E+0", "expected `U3="),
        (b"50.0E+0", b"50,,0E+0", "expected `U3="),
        (b"50.0E+0", b"OVER", "expected `U3="),
        (b"50.0E+0", b"nan", "expected `U3="),
        (b"WATT", b"WAT", "expected `U3="),
        (b"U3", b"U4", "expected `U3="),
        (b"I2= 0.280E+0\r", b"", "expected `U3="),
    ],
)
def test_an_answer_that_is_torn_or_contradicts_itself_is_refused(old: bytes, new: bytes, text: str) -> None:
    with pytest.raises(MeterGarbage, match=text):
        hm8115.decode_values(WATTS.replace(old, new))


@given(st.lists(st.sampled_from([WATTS, WATTS[:9], WATTS[9:20], WATTS[20:], b"\r", b"OF", b","]), max_size=7))
def test_torn_and_glued_answers_never_become_a_power_nobody_sent(pieces: list[bytes]) -> None:
    try:
        values = hm8115.decode_values(b"".join(pieces))
    except MeterGarbage:
        return
    assert values.value in (50.0, None)


def test_nothing_but_the_known_commands_can_be_sent() -> None:
    for command in ("MA1", "VAS?", "FAV0", "BEEP1", "SET:U4", "val?", "WATT\rBEEP", ""):
        with pytest.raises(MeterRefused, match="does not send"):
            hm8115.encode(command)
    assert hm8115.encode("SET:U3") == b"SET:U3\r"


# --- the dialogue with a bare pty ---------------------------------------------------------------------------------


@pytest.fixture
def meter_end(bare_pty: BarePty) -> BarePty:
    """A far end that answers as the manual says."""
    bare_pty.request = rb"[^\r]*\r"
    bare_pty.answers = [
        (rb"\*IDN\?\r", b"HAMEG HM8115-2\r"),
        (rb"VERSION\?\r", b"version 1.01\r"),
        (rb"VAL\?\r", WATTS),
    ]
    return bare_pty


def test_the_start_up_dialogue_and_a_question_are_these_bytes_and_no_others(meter_end: BarePty) -> None:
    sink = io.BytesIO()
    meter = open_meter(
        "hm8115", meter_end.path, capture=sink, options={**QUICK, "voltage_range_v": 500, "current_range_a": 1.6}
    )
    assert meter.read(1.0).power_w == 50.0
    meter.close()
    question = b"*IDN?\rVERSION?\r"
    assert meter_end.heard == b"\rMA0\r" + 2 * question + b"WATT\rSET:U3\rSET:I2\rVAL?\rVAL?\r"
    sent = b"".join(part.data for part in read_capture(io.BytesIO(sink.getvalue()), "log") if part.direction == ">")
    assert sent == meter_end.heard
    assert meter.describe().ranging == "fixed"
    assert meter.describe().columns[0].range == (-800.0, 800.0)


def test_ranges_are_left_to_the_instrument_unless_the_lab_fixes_them(meter_end: BarePty) -> None:
    meter = open_meter("hm8115", meter_end.path, capture=None, options=QUICK)
    assert meter_end.heard.endswith(b"WATT\rAUTO:U\rAUTO:I\rVAL?\r")
    assert meter.identify() == Identity("HAMEG", "HM8115-2", "", "1.01")
    description = meter.describe()
    assert (description.ranging, description.tier, description.stamp) == ("auto", "indicative", "unknown")
    assert [column.accuracy for column in description.columns] == [None] * 3
    meter.close()


def test_values_in_one_line_and_with_line_feeds_are_read_like_three_lines(meter_end: BarePty) -> None:
    meter = open_meter("hm8115", meter_end.path, capture=None, options=QUICK)
    try:
        for answer in (WATTS[:-1].replace(b"\r", b"; ") + b"\r", WATTS.replace(b"\r", b"\r\n"), WATTS):
            meter_end.answers[2] = (rb"VAL\?\r", answer)
            assert meter.read(1.0).power_w == 50.0
    finally:
        meter.close()


def test_an_answer_with_another_range_or_function_or_form_is_refused_and_both_are_set_again(meter_end: BarePty) -> None:
    meter = open_meter("hm8115", meter_end.path, capture=None, options={**QUICK, "voltage_range_v": 500})
    try:
        for answer, text in (
            (MANUAL_POINT, "found the function VAR"),
            (b"U3, I2, WATT= 50.0E+0\r", "the answer to another question"),
            (b"U2= 130.0E+0 I2= 0.280E+0 WATT= 30.0E+0\r", "found the range U2, expected U3"),
        ):
            meter_end.answers[2] = (rb"VAL\?\r", answer)
            with pytest.raises(MeterGarbage, match=text):
                meter.read(1.0)
            meter_end.answers[2] = (rb"VAL\?\r", WATTS)
            assert meter.read(1.0).flags == {"resynced"}
            assert meter_end.heard.endswith(b"WATT\rSET:U3\rAUTO:I\rVAL?\r")
    finally:
        meter.close()


@pytest.mark.parametrize(
    ("number", "reply", "error", "text"),
    [
        (0, b"", MeterTimeout, "what its display shows at power-up"),
        (0, b"HAMEG HM8115\r", MeterMismatch, "found HM8115, expected HM8115-2"),
        (0, b"ZES ZIMMER,LMG95,1,2\r", MeterMismatch, "expected 'HAMEG HM8115-2'; correct driver"),
        (1, b"2.01\r", MeterMismatch, r"expected 'version 1\.01'"),
        (2, MANUAL_POINT, MeterMismatch, "found the function VAR"),
        (2, b"\x80\xe0" * 60, MeterTimeout, "no answer within 3 x 0.2 s"),
    ],
)
def test_what_is_no_hm8115_is_refused_at_the_start_with_the_reason(
    meter_end: BarePty, number: int, reply: bytes, error: type[MeterError], text: str
) -> None:
    meter_end.answers[number] = (meter_end.answers[number][0], reply)
    with pytest.raises(error, match=text) as caught:
        open_meter("hm8115", meter_end.path, capture=None, options=QUICK)
    assert meter_end.path in str(caught.value)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"voltage_range_v": 4}, "option voltage_range_v is 4, expected a number from 50 to 500 or one of auto"),
        ({"current_range_a": 1.5}, "option current_range_a is 1.5, expected one of 0.16, 1.6, 16, auto"),
        ({"baud": "auto"}, "option baud is 'auto'"),
        ({"range": 1}, "unknown option 'range'"),
    ],
)
def test_an_option_the_driver_does_not_have_is_refused(options: dict[str, object], text: str) -> None:
    with pytest.raises(MeterOptionError, match=text):
        open_meter("hm8115", "/dev/null", capture=None, options=options)
