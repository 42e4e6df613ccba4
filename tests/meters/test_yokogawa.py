"""The Yokogawa codec, options and tables against a real conversation and the manuals."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.emulators.yokogawa.spelling import engineering
from meters.meter import (
    MeterGarbage,
    MeterOptionError,
    MeterRefused,
)
from meters.options import read_options
from meters.reading import Identity
from meters.yokogawa import codec as yokogawa_codec
from meters.yokogawa import dialogue as yokogawa_dialogue
from meters.yokogawa import setup as yokogawa_setup
from meters.yokogawa.codec import decode_reply, same_setting
from meters.yokogawa.dialects import QUANTITIES
from meters.yokogawa.models import MODELS
from tests.meters.yokogawa_samples import CONVERSATION, IDENTITY, OUT_OF_STEP, VALUES

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
