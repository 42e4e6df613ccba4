"""SNMP's codec and the PDUs' tables against bytes and values that nothing of ours produced.

[N] datagrams as net-snmp 5.9.3 (snmpget, snmpd on loopback) printed them with -d, 2026-11-30. [W] values of published
walks of real devices: raritan-pdu_px2 and sentry4 of LibreNMS; the outlet of an Eaton ePDU (177 W, power factor -892).
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.meter import MeterGarbage, MeterRefused
from meters.snmp import ber
from meters.snmp.messages import (
    Answer,
    Binding,
    check_error,
    decode_answer,
    encode_get,
    withhold_community,
)
from meters.snmp.mibs import Mib, Objects, Point, reading_of, scaled, scales_of
from meters.snmp.pdus import EPDU, MIBS, PX, RPDU2, SENTRY4

RARITAN = "1.3.6.1.4.1.13742.6"
POWER, DIGITS = f"{RARITAN}.5.4.3.1.4.1.3.5", f"{RARITAN}.3.5.4.1.7.1.3.1"
ASKED = (POWER, DIGITS, "1.3.6.1.4.1.9.9.9", "1.3.6.1.4.1.534.6.6.7.6.5.1.6.0.1", "1.3.6.1.2.1.1.3.0")

QUESTION = bytes.fromhex(  # [N]
    "30 79 02 01 01 04 06 70 75 62 6C 69 63 A0 6C 02 04 1B C2 13 25 02 01 00 02 01 00 30 5E 30 14 06"
    "10 2B 06 01 04 01 EB 2E 06 05 04 03 01 04 01 03 05 05 00 30 14 06 10 2B 06 01 04 01 EB 2E 06 03"
    "05 04 01 07 01 03 01 05 00 30 0C 06 08 2B 06 01 04 01 09 09 09 05 00 30 14 06 10 2B 06 01 04 01"
    "84 16 06 06 07 06 05 01 06 00 01 05 00 30 0C 06 08 2B 06 01 02 01 01 03 00 05 00"
)
ANSWER = bytes.fromhex(  # [N]
    "30 7F 02 01 01 04 06 70 75 62 6C 69 63 A2 72 02 04 1B C2 13 25 02 01 00 02 01 00 30 64 30 15 06"
    "10 2B 06 01 04 01 EB 2E 06 05 04 03 01 04 01 03 05 42 01 44 30 15 06 10 2B 06 01 04 01 EB 2E 06"
    "03 05 04 01 07 01 03 01 42 01 03 30 0C 06 08 2B 06 01 04 01 09 09 09 80 00 30 16 06 10 2B 06 01"
    "04 01 84 16 06 06 07 06 05 01 06 00 01 02 02 FC 84 30 0E 06 08 2B 06 01 02 01 01 03 00 43 02 00"
    "95"
)
ANSWER_V1 = bytes.fromhex(  # [N] noSuchName at the second of two
    "30 3F 02 01 00 04 06 70 75 62 6C 69 63 A2 32 02 04 09 CE AA 95 02 01 02 02 01 02 30 24 30 14 06"
    "10 2B 06 01 04 01 EB 2E 06 05 04 03 01 04 01 03 05 05 00 30 0C 06 08 2B 06 01 04 01 09 09 09 05"
    "00"
)


# --- messages ---------------------------------------------------------------------------------------------------------


def test_a_question_is_byte_for_byte_that_of_snmpget() -> None:
    assert encode_get("2c", "public", 0x1BC21325, ASKED) == QUESTION


def test_an_answer_of_snmpd_is_read() -> None:
    answer = decode_answer(ANSWER, "2c")
    assert answer.request_id == 0x1BC21325
    assert answer.bindings == (
        Binding(POWER, 68),
        Binding(DIGITS, 3),
        Binding("1.3.6.1.4.1.9.9.9", None, "no such object"),
        Binding("1.3.6.1.4.1.534.6.6.7.6.5.1.6.0.1", -892),
        Binding("1.3.6.1.2.1.1.3.0", 149),
    )
    assert check_error(answer, ASKED) is None


def test_an_object_that_is_not_there_costs_an_answer_of_v1_and_is_named() -> None:
    answer = decode_answer(ANSWER_V1, "1")
    assert [binding.value for binding in answer.bindings] == [None, None]
    assert check_error(answer, (POWER, "1.3.6.1.4.1.9.9.9")) == "1.3.6.1.4.1.9.9.9"


@pytest.mark.parametrize(
    ("error", "kind"), [(5, MeterGarbage), (16, MeterRefused), (6, MeterRefused), (99, MeterGarbage)]
)
def test_an_error_of_the_agent_is_a_sentence(error: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="the agent answers"):
        check_error(Answer(1, error, 1, ()), ASKED)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (QUESTION, "expected an answer"),
        (ANSWER_V1, "found SNMP version field 0, expected 1"),
        (ANSWER[:-1], "of a value of 127"),
        (ANSWER + b"\0", "expected a length"),
        (b"", "found 0 values"),
        (b"\x30\x84\xff\xff\xff\xff", "found 0 bytes of a value of 4294967295"),
        (b"\x30\x80\x00\x00", "expected a length of 1 to 4 bytes"),
    ],
)
def test_what_is_no_answer_is_refused_with_what_was_found(data: bytes, words: str) -> None:
    with pytest.raises(MeterGarbage, match=words):
        decode_answer(data, "2c")


def test_a_community_is_in_no_log() -> None:
    for data in (QUESTION, ANSWER, b"public is here", ber.encode(4, b"public")):
        assert b"public" not in withhold_community(data, "public")
    shown = withhold_community(ANSWER, "public")
    assert b"(withheld)" in shown
    assert decode_answer(shown, "2c") == decode_answer(ANSWER, "2c")
    asked = encode_get("2c", "(withheld)", 0x1BC21325, ASKED)
    assert withhold_community(QUESTION, "public") == asked  # so that a replay says the same


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_whole_number_comes_back(number: int) -> None:
    data = ber.encode_number(number)
    assert ber.decode_number(ber.decode_one(data)) == number
    assert len(data) == 2 or data[2:4] not in (b"\x00\x00", b"\xff\xff")


@given(st.tuples(st.sampled_from((0, 1, 2)), st.integers(0, 39)), st.lists(st.integers(0, 2**32 - 1), max_size=20))
def test_an_identifier_comes_back(head: tuple[int, int], rest: list[int]) -> None:
    oid = ".".join(map(str, (*head, *rest)))
    assert ber.decode_oid(ber.decode_one(ber.encode_oid(oid))) == oid


def test_a_counter_without_the_zero_before_it_is_no_negative_number() -> None:
    assert ber.decode_number(ber.Item(ber.COUNTER32, bytes.fromhex("FF FF FF FE"))) == 4_294_967_294
    assert ber.decode_number(ber.Item(ber.COUNTER32, bytes.fromhex("00 FF FF FF FE"))) == 4_294_967_294


# --- the PDUs' tables -----------------------------------------------------------------------------------------------


def values(mib: Mib, point: Point, objects: Objects) -> dict[str, float | None]:
    quantities = list(scaled(mib, point, objects))
    reading = reading_of(quantities, objects, 1, 7400.0, available=True, stale=False)
    return {quantity.name: getattr(reading, quantity.name) for quantity in quantities}


def test_a_raritan_says_itself_how_its_numbers_are_scaled() -> None:
    point = Point(1, 3)
    objects = {POWER: 68, f"{RARITAN}.5.4.3.1.4.1.3.1": 311, DIGITS: 3, f"{RARITAN}.3.5.4.1.7.1.3.5": 0}  # [W]
    assert set(objects) & set(scales_of(PX, point)) == {DIGITS, f"{RARITAN}.3.5.4.1.7.1.3.5"}
    assert values(PX, point, objects) == {"power_w": 68.0, "current_a": 0.311}


def test_the_inlet_of_a_raritan() -> None:
    inlet, digits = f"{RARITAN}.5.2.3.1.4.1.1", f"{RARITAN}.3.3.4.1.7.1.1"
    measured = {1: (680, 3), 4: (233, 0), 5: (138, 0), 23: (500, 1)}  # [W]
    objects: dict[str, int | bytes | str | None] = {}
    for kind, (count, places) in measured.items():
        objects |= {f"{inlet}.{kind}": count, f"{digits}.{kind}": places}
    found = values(PX, Point(1, 0), objects)
    assert found == {"power_w": 138.0, "current_a": 0.68, "voltage_v": 233.0, "frequency_hz": 50.0}


def test_a_power_of_another_unit_is_refused_and_any_other_quantity_left_out() -> None:
    digits, code = f"{RARITAN}.3.5.4.1.7.1.3", f"{RARITAN}.3.5.4.1.6.1.3"
    objects: dict[str, int | bytes | str | None] = {f"{digits}.5": 0, f"{code}.5": 4}
    with pytest.raises(MeterGarbage, match=r"unit 4 of the power .* expected 0 to 9 and 3 \(W\)"):
        list(scaled(PX, Point(1, 3), objects))
    objects = {f"{digits}.5": 0, f"{code}.5": 3, f"{digits}.1": 3, f"{code}.1": 7}
    assert [quantity.name for quantity in scaled(PX, Point(1, 3), objects)] == ["power_w"]


def test_the_power_factor_of_an_eaton_is_negative_by_convention() -> None:
    row = "1.3.6.1.4.1.534.6.6.7.6.5.1"
    found = values(EPDU, Point(0, 1), {f"{row}.3.0.1": 177, f"{row}.6.0.1": -892})  # [W]
    assert (found["power_w"], found["power_factor"]) == (177.0, 0.892)


def test_the_input_cord_of_a_sentry() -> None:
    row = "1.3.6.1.4.1.1718.4.1.3.3.1"
    walk = {f"{row}.{column}.1.1": count for column, count in ((3, 1701), (5, 1790), (8, 95), (10, 8937), (11, 600))}
    found = values(SENTRY4, Point(1, 0), walk)  # [W]
    assert found == {
        "power_w": 1701.0, "apparent_power_va": 1790.0, "power_factor": 0.95, "energy_wh": 893_700.0,
        "frequency_hz": 60.0,
    }  # fmt: skip
    assert found["power_w"] / found["apparent_power_va"] == pytest.approx(0.95, abs=0.005)  # type: ignore[operator]


def test_the_same_word_has_two_units_in_an_apc() -> None:
    base = "1.3.6.1.4.1.318.1.1.26"
    unit = values(RPDU2, Point(1, 0), {f"{base}.4.3.1.5.1": 23, f"{base}.4.3.1.9.1": 7})
    outlet = values(RPDU2, Point(1, 8), {f"{base}.9.4.3.1.7.8": 23, f"{base}.9.4.3.1.11.8": 7})
    assert (unit["power_w"], unit["energy_wh"]) == (230.0, 700.0)
    assert (outlet["power_w"], outlet["energy_wh"]) == (23.0, 700.0)


@pytest.mark.parametrize("name", [name for name, mib in MIBS.items() if mib.places])
def test_what_is_not_there_is_no_value(name: str) -> None:
    mib = MIBS[name]
    for outlet, phase in ((0, 0), (1, 0), (0, 1)):
        point = Point(mib.first_unit, outlet, phase)
        scales: Objects = {oid: 0 if ".7." in oid else None for oid in scales_of(mib, point)}
        quantities = list(scaled(mib, point, scales))
        for gone in (dict.fromkeys((quantity.oid for quantity in quantities), -1), {}):
            reading = reading_of(quantities, gone, 1, 7400.0, available=True, stale=False)
            assert (reading.power_w, reading.flags) == (None, frozenset({"nan"}))
            assert reading.energy_wh is None


def test_a_power_that_is_text_or_absurd_is_refused() -> None:
    oid = "1.3.6.1.4.1.318.1.1.26.9.4.3.1.7.8"
    for absurd in (b"23", 2**40):
        with pytest.raises(MeterGarbage, match="expected a power"):
            values(RPDU2, Point(1, 8), {oid: absurd})
    assert values(RPDU2, Point(1, 8), {oid: 8000})["power_w"] is None  # beyond the range
