"""The MCP39F511N codec: golden requests, and replies computed from the data sheet (no capture exists)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.mcp39f511n import codec as mcp39f511n_codec
from meters.mcp39f511n.codec import Scale
from meters.meter import (
    MeterError,
    MeterGarbage,
    MeterMismatch,
    MeterRefused,
)
from meters.reading import Identity
from tests.meters.mcp39f511n_samples import (
    GOLDEN_READS,
    GOLDEN_WRITES,
    README_APPARENT,
    README_READING,
    SCALE,
    computed_frame,
    computed_reply,
)


def reading_of(frame: bytes, *, channel: str = "1", sign_bits: str = "0-3", scale: Scale = SCALE) -> object:
    return mcp39f511n_codec.to_reading(mcp39f511n_codec.decode_frame(frame), scale, channel, sign_bits, 3450.0, 7)


# --- requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "address", "count"), GOLDEN_READS)
def test_a_read_is_encoded_byte_for_byte_as_others_send_it(text: str, address: int, count: int) -> None:
    assert mcp39f511n_codec.encode_read(address, count) == bytes.fromhex(text)


def test_setting_the_interval_is_encoded_byte_for_byte_as_others_send_it() -> None:
    assert mcp39f511n_codec.encode_accumulation(1) == bytes.fromhex(GOLDEN_WRITES[1])


@pytest.mark.parametrize("text", GOLDEN_WRITES)
def test_the_checksum_is_that_of_the_golden_writes(text: str) -> None:
    frame = bytes.fromhex(text)
    assert (mcp39f511n_codec.sum8(frame[:-1]), len(frame)) == (frame[-1], frame[1])


@pytest.mark.parametrize(
    "commands",
    [
        *(
            bytes([opcode, *rest])
            for opcode in (0x53, 0x42, 0x50, 0x4F, 0x5A, 0x7A, 0x76)
            for rest in ([], [0], [0] * 17)
        ),
        bytes.fromhex("4100a84d020000"),  # N = 0
        bytes.fromhex("4100a84d020900"),  # N = 9
        bytes.fromhex("4100a84d02040053"),  # an interval, then flash
        bytes.fromhex("4100024e2053"),
        bytes.fromhex("4100dc4d020100"),
        bytes.fromhex("4100ae4d04120c0600"),
        bytes.fromhex("4100a04d0400030000"),
        bytes.fromhex("4100764d020080"),  # a gain
        bytes.fromhex("4d020400"),
        bytes.fromhex("4100024e21"),
        bytes.fromhex("4100024e00"),
        b"",
    ],
)
def test_flash_eeprom_calibration_and_other_registers_can_not_be_sent(commands: bytes) -> None:
    with pytest.raises(MeterRefused, match="does not send"):
        mcp39f511n_codec.encode_request(commands)


@given(st.binary(max_size=12))
def test_nothing_but_reads_and_the_interval_can_be_sent(commands: bytes) -> None:
    try:
        frame = mcp39f511n_codec.encode_request(commands)
    except MeterRefused:
        return
    assert (frame[2:4], frame[5]) in {(b"\x41\x00", 0x4E), (b"\x41\x00", 0x4D)}
    assert frame[5] == 0x4E or frame[4] == 0xA8


# --- replies, computed from the data sheet ----------------------------------------------------------------------------


def test_a_reply_is_taken_apart_at_every_split_and_with_noise_around_it() -> None:
    reply = computed_reply(computed_frame())
    for at in range(len(reply)):
        assert mcp39f511n_codec.decode_reply(reply[:at], 28) is None
    assert mcp39f511n_codec.decode_reply(reply, 28) == computed_frame()
    assert mcp39f511n_codec.decode_reply(b"\0\0" + reply + b"\0", 28) == computed_frame()
    assert mcp39f511n_codec.decode_reply(b"\x06", 0) == b""


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x15", "does not understand"),
        (b"\x51", "request reached the chip damaged"),
        (b"\x00\x15", "does not understand"),
        (b"\xa5\x08", "begins with 06"),
        (b"\x06\x1e", "expected a reply of 31 bytes"),
        (computed_reply(bytes(32)), "expected a reply of 31 bytes"),
        (computed_reply(bytes(28))[:-1] + b"\x00", "expected the checksum 25"),
        (computed_reply(computed_frame()) * 2, "nothing after its 31 bytes"),
        (bytes(300), "more than 256 times 00"),
    ],
)
def test_what_is_not_exactly_the_reply_is_garbage(data: bytes, text: str) -> None:
    with pytest.raises(MeterGarbage, match=text):
        mcp39f511n_codec.decode_reply(data, 28)


def test_every_single_flipped_bit_of_a_reply_is_found() -> None:
    reply = computed_reply(computed_frame())
    for bit in range(8 * len(reply)):
        damaged = bytearray(reply)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(MeterGarbage):
            mcp39f511n_codec.decode_reply(bytes(damaged), 28)


def test_zeros_put_into_a_reply_are_found_although_they_do_not_change_the_sum() -> None:
    reply = computed_reply(computed_frame())
    for at in range(3, len(reply) - 1):
        with pytest.raises(MeterGarbage):
            mcp39f511n_codec.decode_reply(reply[:at] + b"\0" + reply[at:] + b"\x01", 28)


def test_a_computed_frame_decodes_to_its_values() -> None:
    reading = mcp39f511n_codec.to_reading(mcp39f511n_codec.decode_frame(computed_frame()), SCALE, "1", "0-3", 3450.0, 7)
    assert (reading.power_w, reading.voltage_v, reading.current_a) == (103.5, 230.0, 0.5)
    assert reading.power_factor == pytest.approx(0.9, abs=2**-15)
    assert (reading.frequency_hz, reading.window_s, reading.time_ns) == (50.0, 0.32, 7)
    assert (reading.energy_wh, reading.apparent_power_va, reading.flags) == (None, None, frozenset())


def test_the_counts_of_a_published_reading_agree_with_each_other_at_the_scales_of_the_data_sheet() -> None:
    counts = mcp39f511n_codec.decode_frame(README_READING)
    for index, channel in enumerate("12"):
        reading = mcp39f511n_codec.to_reading(counts, SCALE, channel, "0-3", 3450.0, 1)
        assert reading.voltage_v is not None
        assert reading.current_a is not None
        assert reading.power_factor is not None
        apparent_va = reading.voltage_v * reading.current_a
        assert apparent_va == pytest.approx(README_APPARENT[index] * 0.01, abs=0.011)
        assert reading.power_w == pytest.approx(apparent_va * abs(reading.power_factor), abs=0.02)
        assert reading.window_s == pytest.approx(16 / 59.976)


def test_both_outlets_are_a_sum_without_current_and_power_factor() -> None:
    frame = computed_frame(currents=(5000, 2000), factors=(29_491, 30_000), powers=(10_350, 4_211))
    reading = mcp39f511n_codec.to_reading(mcp39f511n_codec.decode_frame(frame), SCALE, "both", "0-3", 3450.0, 1)
    assert reading.power_w == pytest.approx(145.61)
    assert (reading.current_a, reading.power_factor, reading.voltage_v) == (None, None, 230.0)
    second = mcp39f511n_codec.to_reading(mcp39f511n_codec.decode_frame(frame), SCALE, "2", "0-3", 3450.0, 1)
    assert (second.power_w, second.current_a) == (42.11, 0.2)


# Ranges 16 and 6 as green-metrics-tool's client scales them (1.25 mW; raw * 10000 >> 13 uW), 19 as the data sheet does.
@pytest.mark.parametrize(
    ("power_range", "lsb_w"), [(19, 0.01), (18, 0.005), (20, 0.02), (16, 1.25e-3), (6, 10000 / 2**13 * 1e-6)]
)
def test_the_power_scale_halves_with_each_step_of_the_range_and_meets_the_known_ones(
    power_range: int, lsb_w: float
) -> None:
    assert mcp39f511n_codec.power_steps(power_range) / 100 == pytest.approx(lsb_w, rel=1e-12)
    scale = mcp39f511n_codec.decode_scale(b"\x01\x00", bytes([18, 12, power_range, 0]), bytes([0, 12, 19, 0]))
    assert scale == Scale(2, (mcp39f511n_codec.power_steps(power_range), 1.0))
    counts = mcp39f511n_codec.decode_frame(computed_frame(powers=(round(50 / lsb_w), 0)))
    assert mcp39f511n_codec.to_reading(counts, scale, "1", "0-3", 3450.0, 1).power_w == pytest.approx(50.0, abs=lsb_w)


@pytest.mark.parametrize(
    ("accumulation", "range_1", "range_2", "error"),
    [
        ("0000", "120c1300", "120c1300", MeterRefused),
        ("0900", "120c1300", "120c1300", MeterMismatch),
        ("0401", "120c1300", "120c1300", MeterMismatch),
        ("0400", "110c1300", "120c1300", MeterMismatch),
        ("0400", "120b1300", "120c1300", MeterMismatch),
        ("0400", "120c1300", "120d1300", MeterMismatch),
        ("0400", "120c0000", "120c1300", MeterMismatch),
        ("0400", "120c1300", "120c2000", MeterMismatch),
        ("0400", "00000000", "00000000", MeterMismatch),
    ],
)
def test_settings_without_a_known_scale_are_refused(
    accumulation: str, range_1: str, range_2: str, error: type[MeterError]
) -> None:
    with pytest.raises(error, match="at 0xA8"):
        mcp39f511n_codec.decode_scale(bytes.fromhex(accumulation), bytes.fromhex(range_1), bytes.fromhex(range_2))


@pytest.mark.parametrize(
    ("status", "sign_bits", "powers_negative"),
    [
        (0x0000, "0-3", (False, False)),
        (0x0001, "0-3", (True, False)),
        (0x0002, "0-3", (False, True)),
        (0x000C, "0-3", (False, False)),
        (0x0050, "4-7", (False, False)),
        (0x0040, "4-7", (True, False)),
        (0x0010, "4-7", (False, True)),
        (0x005F, "4-7", (False, False)),
    ],
)
def test_the_sign_stands_in_the_bits_the_option_names(
    status: int, sign_bits: str, powers_negative: tuple[bool, bool]
) -> None:
    frame = computed_frame(status=status, currents=(5000, 5000), powers=(10_000, 10_000))
    for index, channel in enumerate("12"):
        reading = mcp39f511n_codec.to_reading(
            mcp39f511n_codec.decode_frame(frame), SCALE, channel, sign_bits, 3450.0, 1
        )
        assert reading.power_w == (-100.0 if powers_negative[index] else 100.0)


def test_a_status_word_that_contradicts_the_option_is_refused_and_not_guessed_at() -> None:
    with pytest.raises(MeterGarbage, match=r"0050 with bits 4 to 7 in use.* set sign_bits = '4-7'"):
        reading_of(computed_frame(status=0x0050))
    with pytest.raises(MeterGarbage, match=r"0001 with none of bits 4 to 7 set.* set sign_bits = '0-3'"):
        reading_of(computed_frame(status=0x0001), sign_bits="4-7")


def test_no_power_is_plain_zero_whatever_the_sign_bits_say() -> None:
    counts = mcp39f511n_codec.decode_frame(computed_frame(powers=(0, 0), status=1))
    power_w = mcp39f511n_codec.to_reading(counts, SCALE, "1", "4-7", 3450.0, 1).power_w
    assert str(power_w) == "0.0"


@pytest.mark.parametrize(
    "frame",
    [
        computed_frame(powers=(0xFFFFFFFF, 0)),
        computed_frame(currents=(0xFFFFFFFF, 0)),
        computed_frame(powers=(345_001, 0), currents=(200_000, 0)),
    ],
)
@pytest.mark.parametrize("channel", ["1", "both"])
def test_a_register_at_its_end_and_power_above_the_rating_are_overrange_and_no_number(
    frame: bytes, channel: str
) -> None:
    reading = mcp39f511n_codec.to_reading(mcp39f511n_codec.decode_frame(frame), SCALE, channel, "0-3", 3450.0, 1)
    assert (reading.power_w, reading.flags) == (None, frozenset({"overrange"}))


def test_more_power_than_volts_times_amperes_is_no_reading() -> None:
    with pytest.raises(MeterGarbage, match=r"found 200\.00 W on outlet 1, expected no more than V \* I = 115\.00 VA"):
        reading_of(computed_frame(powers=(20_000, 0)))


def test_without_mains_there_is_no_window_and_no_reading() -> None:
    with pytest.raises(MeterGarbage, match=r"line frequency of 0\.000 Hz"):
        reading_of(computed_frame(millihertz=0))


def test_the_map_of_the_single_channel_chip_is_recognised_under_load_and_refused() -> None:
    # Computed from the map of the single-channel chip: status, version, V, f, analog input, PF, I, P, Q, S.
    single = struct.pack("<HHHHHhIIII", 0x30, 0x5A17, 2300, 50_000, 511, 29_491, 5000, 10_350, 5013, 11_500)
    with pytest.raises(MeterMismatch, match=r"single-channel MCP39F511 and MCP39F511A"):
        mcp39f511n_codec.check_two_channels(single)
    for sound in (computed_frame(), README_READING, computed_frame(currents=(0, 0), powers=(0, 0))):
        mcp39f511n_codec.check_two_channels(sound)


@given(st.integers(0, 2_000_000), st.integers(0, 2_000_000), st.integers(0, 32767), st.integers(0, 32767))
def test_two_loads_of_any_size_are_not_mistaken_for_the_single_channel_chip(
    current_1: int, current_2: int, factor_1: int, factor_2: int
) -> None:
    currents, factors = (current_1, current_2), (factor_1, factor_2)
    powers = [round(120.0 * amps * 1e-4 * factor / 32768 * 100) for amps, factor in zip(currents, factors, strict=True)]
    frame = computed_frame(volts=1200, currents=currents, factors=factors, powers=(powers[0], powers[1]))
    mcp39f511n_codec.check_two_channels(frame)


def test_the_version_is_a_date_or_the_chip_is_another() -> None:
    assert mcp39f511n_codec.decode_version(b"\x17\x63") == Identity("Microchip", "MCP39F511N", "", "6317", asked=False)
    for data in (b"\x00\x00", b"\xff\xff", b"\x17\x60", b"\x00\x63"):
        with pytest.raises(MeterGarbage, match="expected a date code"):
            mcp39f511n_codec.decode_version(data)


@given(st.binary(max_size=80), st.sampled_from([0, 2, 4, 28, 32]))
def test_arbitrary_bytes_are_a_sound_reply_or_a_typed_error(data: bytes, count: int) -> None:
    for raw in (data, computed_reply(data) if data else data):
        try:
            reply = mcp39f511n_codec.decode_reply(raw, count)
        except MeterGarbage:
            continue
        if reply is not None and count >= 28:
            try:
                reading_of(reply)
            except MeterGarbage:
                continue
