"""The Modbus codec and the register maps against bytes that nothing of ours produced.

Marks of the bytes: [R] a real capture, [M] a maker's manual, [X] a comment in somebody's source, [S] computed from the
standard. [R] frames of PZEM meters stand in tests/data/wire, with their sources in tests/data/ATTRIBUTION.md.
"""

from __future__ import annotations

import itertools
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters import register_maps
from meters.dialogue import Repetitions
from meters.meter import MeterGarbage, MeterRefused
from meters.modbus import frames as modbus_frames
from meters.modbus.frames import (
    ExceptionReply,
    Question,
    Rtu,
    Tcp,
    rtu_request,
    rtu_words,
    tcp_request,
    tcp_words,
)
from meters.reading import Reading
from meters.register_maps import PZEM, SDM120, SDM230, UMG604, RegisterMap, decode_block, to_reading
from tests.meters.modbus_frames import REAL, REAL_FRAMES
from tests.meters.modbus_samples import ASK_PZEM, with_crc


def series(issue: str) -> list[tuple[int, bytes]]:
    return [(second, frame) for name, second, frame in REAL if name == issue]


def pzem(frame: bytes) -> dict[str, float | None]:
    return decode_block(PZEM, 0, rtu_words(frame, ASK_PZEM))


def pzem_reading(frame: bytes) -> Reading:
    return to_reading(PZEM, pzem(frame), 1, 23_000.0, stale=False)


# --- golden bytes -------------------------------------------------------------------------------------------------

# V, A, W, Wh, Hz, PF as the sources print them; None where they print nothing.
PRINTED = [
    # [R] arendst/Tasmota issues; the high words of P, E and I in the last four prove that the low word comes first
    (
        "01 04 14 09 7D 34 42 00 00 76 69 00 00 1F 57 00 00 01 F4 00 5D 00 00 C2 6A",
        (242.9, 13.378, 3031.3, 8023, 50.0, 0.93),
    ),
    (
        "01 04 14 09 7D 35 0D 00 00 78 99 00 00 1F 59 00 00 01 F4 00 5E 00 00 64 EE",
        (242.9, 13.581, 3087.3, 8025, None, None),
    ),
    (
        "01 04 14 09 7D 35 0D 00 00 78 99 00 00 1F 5A 00 00 01 F4 00 5E 00 00 70 1E",
        (242.9, 13.581, 3087.3, 8026, None, None),
    ),
    (
        "01 04 14 09 6D 71 91 00 00 0D 88 00 01 1E F8 00 00 01 F4 00 62 00 00 75 E0",
        (None, None, 6900.0, None, None, None),
    ),
    (
        "01 04 14 08 B7 08 9F 00 00 12 B8 00 00 FE D4 00 01 01 F4 00 61 00 00 F5 98",
        (223.1, 2.207, 479.2, 130772, None, None),
    ),
    (
        "01 04 14 04 D0 63 46 00 01 90 FC 00 00 1D EA 00 02 02 58 00 21 00 00 D4 BB",
        (123.2, 90.950, 3711.6, 138730, 60.0, None),
    ),
    # [X] a comment in Tasmota xnrg_05_pzem_ac.ino and esphome pzemac.cpp; another comment; a decoder of Dragino
    (
        "01 04 14 08 D1 00 6C 00 00 00 F4 00 00 00 26 00 00 01 F4 00 64 00 00 51 34",
        (225.7, 0.108, 24.4, 38, None, None),
    ),
    (
        "01 04 14 09 59 02 04 00 00 03 85 00 00 12 29 00 00 01 F3 00 49 00 00 D3 EA",
        (None, None, 90.1, None, None, None),
    ),
    ("01 04 14 08 9a 00 29 00 00 00 12 00 00 00 ed 00 00 02 57 00 14 00 00 51 38", (None, None, 1.8, None, None, None)),
]


@pytest.mark.parametrize(("text", "printed"), PRINTED)
def test_a_pzem_frame_decodes_to_the_values_printed_beside_it(text: str, printed: tuple[float | None, ...]) -> None:
    reading = pzem_reading(bytes.fromhex(text))
    found = (reading.voltage_v, reading.current_a, reading.power_w, reading.energy_wh)
    for value, expected in zip((*found, reading.frequency_hz, reading.power_factor), printed, strict=True):
        assert expected is None or value == expected


@pytest.mark.parametrize("frame", REAL_FRAMES, ids=lambda frame: frame[-2:].hex())
def test_power_in_every_real_frame_is_voltage_times_current_times_power_factor(frame: bytes) -> None:
    reading = pzem_reading(frame)
    assert reading.voltage_v is not None
    assert reading.current_a is not None
    assert reading.power_factor is not None
    apparent = reading.voltage_v * reading.current_a
    assert reading.power_w is not None
    assert reading.power_w / apparent == pytest.approx(reading.power_factor, abs=0.005)  # a step of it is .01
    assert reading.frequency_hz in (49.9, 50.0, 59.9, 60.0)
    assert reading.flags == frozenset()


def test_there_are_27_real_frames_and_each_has_its_check_sum() -> None:
    assert len(REAL_FRAMES) == 27
    assert all(modbus_frames.rtu_sound(frame) for frame in REAL_FRAMES)


def test_the_power_of_the_real_series_adds_up_to_its_counter_within_1_wh() -> None:
    readings = [pzem_reading(frame) for _second, frame in series("#11817")]
    seconds = [second for second, _frame in series("#11817")]
    assert [b - a for a, b in itertools.pairwise(seconds)] == [1] * 10
    joules = sum(reading.power_w or 0.0 for reading in readings[1:])
    assert readings[0].energy_wh is not None
    assert readings[-1].energy_wh is not None
    assert joules / 3600 == pytest.approx(readings[-1].energy_wh - readings[0].energy_wh, abs=1.0)


@pytest.mark.parametrize("issue", ["#11817", "#11118", "#6050", "#9687"])
def test_no_real_frame_of_a_meter_polled_once_a_second_is_stale(issue: str) -> None:
    repetitions = Repetitions(PZEM.refresh_s)
    for second, frame in series(issue):  # some repeat V, I, P and power factor while the counter goes on
        assert not repetitions.is_repeated(rtu_words(frame, ASK_PZEM), second * 10**9)


def test_the_real_frames_do_repeat_power_while_the_counter_moves_on() -> None:
    readings = [pzem_reading(frame) for _second, frame in series("#11817")]
    repeated = [
        (before.energy_wh, after.energy_wh)
        for before, after in itertools.pairwise(readings)
        if (before.power_w, before.voltage_v, before.current_a) == (after.power_w, after.voltage_v, after.current_a)
    ]
    assert repeated
    assert all(before != after for before, after in repeated)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (Question(1, 4, 0, 10), "01 04 00 00 00 0A 70 0D"),  # [R]
        (Question(0xF8, 4, 0, 10), "F8 04 00 00 00 0A 64 64"),  # [M] general address
        (Question(1, 4, 0x00, 2), "01 04 00 00 00 02 71 CB"),  # [M] Eastron
        (Question(1, 4, 0x48, 2), "01 04 00 48 00 02 F1 DD"),  # [R] syssi/esphome-solax-x1-mini issue #20
        (Question(1, 4, 0x0C, 2), "01 04 00 0C 00 02 B1 C8"),  # [R] same
        (Question(1, 4, 0x156, 2), "01 04 01 56 00 02 90 27"),  # [M] SDM320Y manual, p. 41
        (Question(1, 3, 0x0C, 2), "01 03 00 0C 00 02 04 08"),  # [M] SDM320Y manual, p. 42
    ],
)
def test_a_question_is_these_bytes(question: Question, text: str) -> None:
    assert rtu_request(question) == bytes.fromhex(text)


@pytest.mark.parametrize(
    ("start", "text", "quantity", "printed", "digits"),
    [
        (0x00, "01 04 04 43 66 33 34 1B 38", "voltage_v", 230.2, 1),  # [M] Eastron
        (0x48, "01 04 04 46 2A 75 21 29 8C", "energy_wh", 10909.28e3, -1),  # [R] SDM230, syssi issue #20: kWh
        (0x0C, "01 04 04 45 8E 3C 35 5F B4", "power_w", 4551.53, 2),  # [R] same
        (0x00, "01 04 04 43 69 69 78 10 6E", "voltage_v", 233.41, 2),  # [R] same
        (0x06, "01 04 04 3F B7 CE D9 D2 4C", "current_a", 1.436, 3),  # [R] SDM630, Tasmota #6878; value computed
        (0x0C, "01 04 04 00 00 00 00 FB 84", "power_w", 0.0, 3),  # [R] SDM630, Tasmota #6878
    ],
)
def test_an_sdm_reply_decodes_to_the_value_printed_beside_it(
    start: int, text: str, quantity: str, printed: float, digits: int
) -> None:
    values = decode_block(SDM230, start, rtu_words(bytes.fromhex(text), Question(1, 4, start, 2)))
    value = values[quantity]
    assert value is not None
    assert round(value, digits) == printed
    assert list(values) == [quantity]


def test_stray_zero_bytes_round_a_reply_are_dropped() -> None:
    question = Question(1, 4, 0, 2)
    for before, after in itertools.product(range(4), range(3)):
        splitter = Rtu().splitter(question)
        frame = splitter.feed(bytes(before) + bytes.fromhex("01 04 04 43 69 69 78 10 6E") + bytes(after))
        assert frame == bytes.fromhex("01 04 04 43 69 69 78 10 6E")


# --- what is no reply ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "question", "trouble"),
    [
        # an invented conversation in somebody's terminal-story.tsx
        (
            "F8 04 14 09 4B 00 00 00 8C 00 00 00 00 01 F4 00 64 00 00 00 00 E5",
            Question(0xF8, 4, 0, 10),
            "with check sum 00 E5, expected",
        ),
        # [R] esphome/issues #2162: bits were lost; the log shows these bytes of the reply
        ("01 10 94 29 00 00 00", ASK_PZEM, "with check sum 00 00, expected"),
        ("01 04 14 09", ASK_PZEM, "expected a reply of 25 bytes"),
    ],
)
def test_an_invented_and_a_corrupted_reply_are_refused(text: str, question: Question, trouble: str) -> None:
    with pytest.raises(MeterGarbage, match=trouble):
        rtu_words(bytes.fromhex(text), question)
    assert Rtu().splitter(question).feed(bytes.fromhex(text)) is None


def test_no_changed_bit_of_a_real_reply_passes() -> None:
    frame = REAL_FRAMES[3]
    for bit in range(8 * len(frame)):
        changed = bytearray(frame)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(MeterGarbage):
            rtu_words(bytes(changed), ASK_PZEM)
        assert Rtu().splitter(ASK_PZEM).feed(bytes(changed)) is None


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (with_crc("02 04 14" + 20 * "00"), "reply of the meter at address 2, expected 1"),
        (with_crc("01 03 14" + 20 * "00"), "expected function 4 and 20 bytes"),
        (with_crc("01 04 12" + 18 * "00"), "expected function 4 and 20 bytes"),
        (with_crc("01 04 14" + 18 * "00"), "expected function 4 and 20 bytes"),
    ],
)
def test_a_reply_to_another_question_is_refused(reply: bytes, trouble: str) -> None:
    with pytest.raises(MeterGarbage, match=trouble):
        rtu_words(reply, ASK_PZEM)
    assert Rtu().splitter(ASK_PZEM).feed(reply) is None


def test_an_exception_is_an_error_with_its_meaning() -> None:
    reply = with_crc("01 84 02")
    assert Rtu().splitter(ASK_PZEM).feed(b"\0" + reply) == reply
    with pytest.raises(ExceptionReply, match=r"found exception 2 \(illegal data address\)") as caught:
        rtu_words(reply, ASK_PZEM)
    assert caught.value.code == 2


@given(st.binary(max_size=30), st.data())
def test_a_reply_is_found_after_noise_however_it_is_torn(noise: bytes, data: st.DataObject) -> None:
    stream = noise + REAL_FRAMES[5]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    splitter = Rtu().splitter(ASK_PZEM)
    found = [splitter.feed(stream[a:b]) for a, b in itertools.pairwise([0, *cuts, len(stream)])]
    assert REAL_FRAMES[5] in found


def test_a_reply_is_found_behind_a_false_beginning_an_echo_and_half_of_itself() -> None:
    frame = REAL_FRAMES[5]
    for before in (b"\x01\x04\x14", b"\x01\x84", rtu_request(ASK_PZEM), frame[:-1], frame[:13], b"\x01\x01\x04"):
        assert Rtu().splitter(ASK_PZEM).feed(before + frame) == frame
        torn = Rtu().splitter(ASK_PZEM)
        found = [torn.feed(bytes([byte])) for byte in before + frame]
        assert found[-1] == frame
        assert found.count(None) == len(found) - 1


@given(st.lists(st.one_of(st.binary(max_size=200), st.just(b"\x01\x04\x14"), st.just(b"\x01\x84")), max_size=9))
def test_what_is_held_is_bounded_whatever_comes(chunks: list[bytes]) -> None:
    for framing in (Rtu(), Tcp()):
        framing.request(ASK_PZEM)
        splitter = framing.splitter(ASK_PZEM)
        for chunk in chunks:
            splitter.feed(chunk)
            assert splitter.held_bytes < 30
            assert len(splitter.heard) <= modbus_frames.FRAME_LIMIT


@pytest.mark.parametrize("function", [0x01, 0x05, 0x06, 0x0F, 0x10, 0x16, 0x17, 0x41, 0x42, 0x44])
def test_nothing_but_reading_can_be_sent(function: int) -> None:
    with pytest.raises(MeterRefused, match=f"does not send function 0x{function:02X}"):
        rtu_request(Question(0xF8, function, 0x3721, 1))
    with pytest.raises(MeterRefused, match="does not send"):
        tcp_request(Question(1, function, 0, 1), 1)


def test_a_question_beyond_the_standard_is_not_sent() -> None:
    for question in (Question(1, 3, 0, 126), Question(1, 3, 0, 0), Question(0, 4, 0, 1), Question(1, 4, 70_000, 1)):
        with pytest.raises(MeterRefused, match="expected an address 1 to 255"):
            rtu_request(question)


# --- TCP ----------------------------------------------------------------------------------------------------------


def test_frames_of_a_network_are_as_the_standard_has_them() -> None:  # [S] Modbus Messaging on TCP/IP, 3.1.3
    question = Question(1, 3, 19050, 2)
    assert tcp_request(question, 0x1501) == bytes.fromhex("15 01 00 00 00 06 01 03 4A 6A 00 02")
    reply = bytes.fromhex("15 01 00 00 00 07 01 03 04 42 48 00 00")
    words = tcp_words(reply, question, 0x1501)
    assert decode_block(UMG604["sum"], 19050, words) == {"frequency_hz": 50.0}


def test_a_late_reply_on_a_network_has_another_number() -> None:
    framing, question = Tcp(), Question(1, 3, 19050, 2)
    framing.request(question)
    late = bytes.fromhex("00 01 00 00 00 07 01 03 04 42 48 00 00")
    assert framing.splitter(question).feed(late) == late
    framing.request(question)
    assert framing.splitter(question).feed(late) is None
    with pytest.raises(MeterGarbage, match="found transaction 1, protocol 0, length 7"):
        framing.words(late, question)
    with pytest.raises(MeterGarbage, match="expected a reply of 13 bytes"):
        framing.words(late[:8], question)


def test_the_number_of_a_question_starts_again_after_65535() -> None:
    framing = Tcp()
    numbers = [struct.unpack(">H", framing.request(ASK_PZEM)[:2])[0] for _ in range(0x10001)]
    assert (numbers[0], numbers[0xFFFE], numbers[0xFFFF]) == (1, 0xFFFF, 1)


# --- maps ---------------------------------------------------------------------------------------------------------

MAPS = [PZEM, SDM120, SDM230, *UMG604.values()]


@pytest.mark.parametrize("register_map", MAPS, ids=lambda entry: entry.driver)
def test_two_questions_in_a_row_never_have_replies_of_the_same_length(register_map: RegisterMap) -> None:
    rounds = [block.counts for block in register_map.blocks]
    asked = [counts[turn % len(counts)] for turn in range(6) for counts in rounds]
    assert all(first != second for first, second in itertools.pairwise(asked))
    for block in register_map.blocks:
        for ask in register_map.asks:
            assert (ask.count, 3) not in {(count, register_map.function) for count in block.counts}


@pytest.mark.parametrize("register_map", MAPS, ids=lambda entry: entry.driver)
def test_every_quantity_stands_in_every_question_for_its_block(register_map: RegisterMap) -> None:
    for turn in range(2):
        found: dict[str, float | None] = {}
        for block in register_map.blocks:
            words = [0] * block.counts[turn % len(block.counts)]
            found |= decode_block(register_map, block.start, words)
        assert sorted(found) == sorted(register.quantity for register in register_map.registers)


def words_of(values: dict[int, float]) -> list[int]:
    words = [0] * 0x20
    for at, value in values.items():
        words[at : at + 2] = struct.unpack(">HH", struct.pack(">f", value))
    return words


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_power_that_is_no_number_is_nan_and_other_values_that_are_none_are_left_out(value: float) -> None:
    reading = to_reading(SDM230, decode_block(SDM230, 0, words_of({0x00: 230.0, 0x0C: value})), 1, 1e4, stale=False)
    assert (reading.power_w, reading.voltage_v, reading.flags) == (None, 230.0, frozenset({"nan"}))
    reading = to_reading(SDM230, decode_block(SDM230, 0, words_of({0x00: value, 0x0C: 50.0})), 1, 1e4, stale=False)
    assert (reading.power_w, reading.voltage_v, reading.flags) == (50.0, None, frozenset())


@pytest.mark.parametrize("power_w", [10_001.0, -10_001.0, 3e38])
def test_power_above_the_range_is_overrange_and_no_number(power_w: float) -> None:
    reading = to_reading(SDM230, decode_block(SDM230, 0, words_of({0x0C: power_w})), 1, 10_000.0, stale=False)
    assert (reading.power_w, reading.flags) == (None, frozenset({"overrange"}))


def test_a_meter_that_measures_both_directions_reports_a_negative_power() -> None:
    assert decode_block(SDM120, 0, words_of({0x0C: -170.5}))["power_w"] == -170.5


@pytest.mark.parametrize(
    ("at", "value", "quantity"),
    [
        (0x00, 400.0, "voltage_v"),
        (0x06, -1.0, "current_a"),
        (0x1E, 1.01, "power_factor"),
        (0x12, 2e5, "apparent_power_va"),
    ],
)
def test_one_implausible_value_costs_that_quantity_alone(at: int, value: float, quantity: str) -> None:
    found = decode_block(SDM230, 0, words_of({0x0C: 60.0} | {at: value}))
    assert found[quantity] is None
    assert found["power_w"] == 60.0
    assert [name for name, one in found.items() if one is None] == [quantity]


def test_several_implausible_values_are_another_meter() -> None:
    with pytest.raises(MeterGarbage, match=r"register 0 \(voltage_v\).*register 30 \(power_factor\): found 1.2"):
        decode_block(SDM230, 0, words_of({0x00: 400.0, 0x0C: 60.0, 0x1E: 1.2}))


def test_one_implausible_pzem_register_costs_that_quantity_alone() -> None:
    sound = list(rtu_words(REAL_FRAMES[0], ASK_PZEM))
    for at, value, quantity in (
        (0, 3001, "voltage_v"),
        (2, 2, "current_a"),
        (7, 701, "frequency_hz"),
        (8, 101, "power_factor"),
    ):
        found = decode_block(PZEM, 0, [*sound[:at], value, *sound[at + 1 :]])
        assert (found[quantity], found["power_w"]) == (None, 3031.3)
    with pytest.raises(MeterGarbage, match="power_factor"):
        decode_block(PZEM, 0, [3001, *sound[1:8], 101, *sound[9:]])


def test_the_limits_of_error_are_those_of_the_sheets() -> None:
    def limit(register_map: RegisterMap, quantity: str, value: float, range_w: float) -> float:
        (column,) = [entry for entry in register_maps.columns(register_map, range_w) if entry.name == quantity]
        assert column.accuracy is not None
        return column.accuracy.reading_percent / 100 * value + column.accuracy.range_percent / 100 * column.range[1]

    assert limit(PZEM, "power_w", 100.0, 23_000.0) == pytest.approx(0.5)
    assert limit(SDM120, "power_w", 100.0, 10_350.0) == pytest.approx(103.5)
    assert limit(SDM120, "energy_wh", 100.0, 10_350.0) == pytest.approx(1.0)
    assert all(column.accuracy is None for column in register_maps.columns(UMG604["sum"], 69_000.0))


def test_each_phase_of_a_umg604_has_its_own_registers() -> None:
    words = list(struct.unpack(">72H", struct.pack(">36f", *range(36))))
    expected = {"L1": (0, 6, 10, 31), "L2": (1, 7, 11, 32), "L3": (2, 8, 12, 33), "sum": (None, None, 13, 34)}
    for phase, numbers in expected.items():
        values = decode_block(UMG604[phase], 19000, words)
        names = ("voltage_v", "current_a", "power_w", "energy_wh")
        assert tuple(values.get(name) for name in names) == numbers
