"""The SML codec against dumps of real meters, and against SMLLib."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smllib.reader import SmlStreamReader
from smllib.sml.response_get_list import SmlGetListResponse

from meters.emulators.sml import crc16, entry, frame, listed, message, octets, signed, unsigned
from meters.meter import MeterError, MeterGarbage
from meters.reading import Identity, Reading
from meters.sml import elements as sml_elements
from meters.sml import frame as sml_frame
from meters.sml import registers as sml_registers
from meters.wire import Chunk
from tests.meters.sml_samples import (
    DUMPS,
    DZG_DELIVERS,
    DZG_WRONG_SIGN,
    EMH_ED300L_DELIVERS,
    EMH_ED300L_DRAWS,
    EMH_GW8,
    HOLLEY,
    HOLLEY_BARE_TIMES,
    ISKRA_LOCKED,
    ISKRA_MT631,
    with_kermit,
)


def reading_of(telegram: bytes, range_w: float = 41400.0) -> Reading:
    return sml_registers.to_reading(sml_elements.decode_telegram(telegram, "x25"), 5, range_w, frozenset())


# --- dumps --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("telegram", "power_w", "energy_wh", "serial", "maker"),
    [
        (EMH_GW8, 13.8, 14798112.9 + 2012.4, "02280816", "EMH"),
        (EMH_ED300L_DRAWS, 137.1, 17243368.3, "06454d4801027156cd45", "EMH"),
        (EMH_ED300L_DELIVERS, -126.6, 17243675.6, "06454d4801027156cd45", "EMH"),
        (ISKRA_MT631, 193.0, 2043104.7, "1ISK0075126084", "ISK"),
        (DZG_WRONG_SIGN, 356.24, 5430157.7, "1DZG0042082910", "DZG"),
        (DZG_DELIVERS, -105.5, 13232.9, "1DZG0060694611", "DZG"),
        (HOLLEY, 376.0, 2355929.0, "1HLY0200879590", "HLY"),
        (HOLLEY_BARE_TIMES, 137.0, 4499896.2, "1HLY0200271520", "HLY"),
    ],
)
def test_a_dump_of_a_real_meter_decodes(
    telegram: bytes, power_w: float, energy_wh: float, serial: str, maker: str
) -> None:
    reading = reading_of(telegram)
    assert (reading.power_w, reading.energy_wh, reading.flags) == (power_w, energy_wh, frozenset())
    identity = sml_registers.identify(sml_elements.decode_telegram(telegram, "x25"))
    assert (identity.maker, identity.serial) == (maker, serial)


@pytest.mark.parametrize(
    ("status", "drawn"),
    [
        (0x0180, True),  # EMH eHZ-GW8, 13.8 W
        (0x0182, True),  # EMH ED300L, file "consumption"
        (0x01B0, False),  # EMH ED300L, file "delivery"
        (0x0101A2, False),  # EMH in SmlLib tests/test_frames.py (identity made anonymous), 16.7.0 = -177.2 W
        (0x1C0104, True),  # Holley, 376 W
        (0x1C8104, True),  # Holley, 137 W
        (0x100104, True),  # ISKRA MT631, 193 W
        (0x1C6904, False),  # DZG DVS-7420, -105.5 W
        (0x1C7904, False),  # DZG DWSB20.2TH (dzg_dwsb20_2th_2byte.hex), -310.2 W while 2.8.0 counts
        (0x010000, None),  # Dr. Neuhaus SMARTY, 0 W: a layout not understood
    ],
)
def test_the_direction_in_the_status_word_agrees_with_the_sign_of_power_in_dumps(
    status: int, drawn: bool | None
) -> None:
    register = sml_elements.Entry(status, None, sml_registers.WH, -1, sml_elements.Number(7, False, 4))
    assert sml_registers.draws(sml_elements.Telegram(b"x", None, {sml_elements.ENERGY: register})) is drawn
    assert sml_registers.draws(sml_elements.Telegram(b"x", None, {sml_registers.ENERGY_TARIFFS[0]: register})) is drawn


def test_a_locked_meter_sends_no_power_which_is_nan_with_its_energy() -> None:
    reading = reading_of(ISKRA_LOCKED)
    assert (reading.power_w, reading.energy_wh, reading.flags) == (None, 2043000.0, frozenset({"nan"}))


def test_a_three_phase_meter_gives_the_voltage_of_its_first_phase_and_no_current() -> None:
    reading = reading_of(HOLLEY_BARE_TIMES)
    assert (reading.voltage_v, reading.current_a, reading.frequency_hz) == (234.4, None, 50.0)
    assert sml_registers.identify(sml_elements.decode_telegram(HOLLEY_BARE_TIMES, "x25")) == Identity(
        "HLY", "", "1HLY0200271520", "1.02.007"
    )


@pytest.mark.parametrize("telegram", DUMPS)
def test_smllib_and_this_codec_agree_on_every_entry_of_every_dump(telegram: bytes) -> None:
    assert_agrees_with_smllib(telegram)


def assert_agrees_with_smllib(telegram: bytes) -> None:
    reader = SmlStreamReader()
    reader.add(telegram)
    theirs = reader.get_frame()
    assert theirs is not None
    (body,) = [one.message_body for one in theirs.parse_frame() if isinstance(one.message_body, SmlGetListResponse)]
    ours = sml_elements.decode_telegram(telegram, "x25")
    assert body.server_id == ours.server_id.hex()
    assert len(body.val_list) == len(ours.entries)
    for one in body.val_list:
        mine = ours.entries[bytes.fromhex(str(one.obis))]
        assert (one.unit, one.scaler or 0, one.status) == (mine.unit, mine.scaler, mine.status)
        if isinstance(mine.value, sml_elements.Number):
            assert one.value == mine.value.value
        elif isinstance(mine.value, bytes):
            assert one.value in (mine.value.hex(), mine.value.decode(errors="ignore"))


def test_the_old_holley_check_sum_is_taken_only_where_it_was_asked_for() -> None:
    # First message of a real telegram over RS-485, spacemanspiff2007/SmlLib issue 22; its check is 54 7D.
    head = (
        b"v\x04\x00\x00\x01b\x00b\x00re\x00\x00\x01\x01v\x01\x01\x07\x00\x00\nWXR\x0b\n\x01HLY\x02\x00\x01Y\xbb\x01\x01"
    )
    assert sml_frame.crc_bytes(head, "kermit") == bytes.fromhex("547D")
    # No whole telegram of that meter is at hand: this one is the real HOLLEY with its four check sums computed anew.
    telegram = with_kermit(HOLLEY)
    assert sml_registers.TelegramRegisters(sml_elements.decode_telegram(telegram, "kermit")).power().value == 376.0
    with pytest.raises(MeterGarbage, match="it would match checksum 'kermit'"):
        sml_elements.decode_telegram(telegram, "x25")
    reader = SmlStreamReader(crc="kermit")
    reader.add(telegram)
    assert reader.get_frame() is not None


# --- single faults ------------------------------------------------------------------------------------------------


def test_no_flipped_bit_of_a_real_telegram_passes() -> None:
    for at in range(8 * 8, 8 * len(ISKRA_MT631)):
        changed = bytearray(ISKRA_MT631)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(MeterGarbage):
            sml_elements.decode_telegram(bytes(changed), "x25")


def test_a_message_whose_own_check_is_wrong_is_refused_though_the_telegram_is_right() -> None:
    inside = bytearray(ISKRA_MT631[8:-8])
    inside[inside.index(bytes.fromhex("5300C1")) + 2] ^= 1
    with pytest.raises(MeterGarbage, match="found the check"):
        sml_elements.decode_telegram(frame(bytes(inside)), "x25")


def telegram_of(*entries: bytes) -> bytes:
    """Computed, by the encoder of the emulator."""
    body = listed(b"\x01", octets(b"meter"), b"\x01", b"\x01", listed(*entries), b"\x01", b"\x01")
    return frame(message(1, 0x0701, body, False))


def power_entry(value: bytes, unit: int = 27, scaler: int = 0, code: str = "0100100700FF") -> bytes:
    return entry(code, b"\x01", unsigned(unit, 1), signed(scaler, 1), value)


ENERGY_ENTRY = entry("0100010800FF", b"\x01", unsigned(30, 1), signed(-1, 1), unsigned(70, 4))


def remarks_of(telegram: bytes) -> tuple[str, ...]:
    decoded = sml_elements.decode_telegram(telegram, "x25")
    return (*decoded.troubles, sml_registers.TelegramRegisters(decoded).power().remark)


@pytest.mark.parametrize(
    ("entries", "remark"),
    [
        ((power_entry(signed(5, 2), unit=28),), "1-0:16.7.0*255 is not read: found unit 28, expected 27"),
        ((power_entry(signed(5, 2)), power_entry(signed(6, 2))), "1-0:16.7.0*255 twice with different values"),
        ((power_entry(signed(5, 2), scaler=17),), "found the scaler 17 of 0100100700ff"),
        ((listed(octets(b"abc"), *[b"\x01"] * 6),), "found the OBIS code b'abc', expected 6 bytes"),
    ],
)
def test_an_entry_that_is_not_understood_costs_that_quantity_alone(entries: tuple[bytes, ...], remark: str) -> None:
    telegram = telegram_of(ENERGY_ENTRY, *entries)
    reading = reading_of(telegram)
    assert (reading.power_w, reading.energy_wh, reading.flags) == (None, 7.0, frozenset({"nan"}))
    assert any(remark in said for said in remarks_of(telegram))


# --- power by phase -----------------------------------------------------------------------------------------------

ONE_PHASE = bytes.fromhex((Path(__file__).parents[1] / "data" / "telegrams" / "sml_phase_power_only.hex").read_text())


def phase_entry(group: int, watts: int, size: int = 4) -> bytes:
    return power_entry(signed(watts, size), code=f"0100{group:02X}0700FF")


def voltage_entry(group: int) -> bytes:
    return entry(f"0100{group:02X}0700FF", b"\x01", unsigned(35, 1), signed(-1, 1), unsigned(2300, 2))


def test_a_one_phase_meter_that_sends_its_power_at_its_phase_alone_is_read_unsigned_as_dzg_means_it() -> None:
    reading = reading_of(ONE_PHASE)
    assert (reading.power_w, reading.energy_wh) == (507.0, 10000000.1)
    assert remarks_of(ONE_PHASE) == ("power is taken from the phases: 1-0:36.7.0*255",)


@pytest.mark.parametrize(
    ("entries", "power_w"),
    [
        ((phase_entry(36, 150), phase_entry(56, 40), phase_entry(76, 210)), 400.0),
        ((phase_entry(36, 150), phase_entry(56, -40), phase_entry(76, 210)), 320.0),
        ((phase_entry(21, 150), phase_entry(41, 40), phase_entry(61, 210)), 400.0),
        (
            (phase_entry(21, 150), phase_entry(22, 0), phase_entry(41, 0), phase_entry(42, 40), phase_entry(61, 5)),
            115.0,
        ),
        ((phase_entry(21, 150),), 150.0),
        ((phase_entry(1, 0), phase_entry(2, 90)), -90.0),
        ((phase_entry(36, 1), phase_entry(1, 7)), 7.0),
        ((phase_entry(36, 150), phase_entry(56, 40)), None),
        ((phase_entry(36, 150), voltage_entry(52)), None),
        ((phase_entry(36, 150), phase_entry(56, 40), power_entry(b"\x01", code="01004C0700FF")), None),
    ],
)
def test_phases_are_summed_where_every_phase_of_the_meter_has_a_power(
    entries: tuple[bytes, ...], power_w: float | None
) -> None:
    reading = reading_of(telegram_of(*entries))
    assert reading.power_w == power_w
    assert (power_w is None) == ("nan" in reading.flags)


def test_power_at_some_phases_only_is_said() -> None:
    (said,) = remarks_of(telegram_of(phase_entry(36, 150), voltage_entry(52)))
    assert said == "power stands at 1-0:36.7.0*255 only, without L2: phases that lack give no sum"


def test_a_negative_phase_of_a_dzg_with_several_is_not_guessed_at() -> None:
    maker = entry("0100603201 01", b"\x01", b"\x01", b"\x01", octets(b"DZG"))
    register = entry("0100010800FF", unsigned(0x010104, 3), unsigned(30, 1), signed(-1, 1), unsigned(70, 4))
    phases = (phase_entry(36, -14836, 2), phase_entry(56, 40, 2), phase_entry(76, 210, 2))
    reading = reading_of(telegram_of(maker, register, *phases))
    assert (reading.power_w, reading.flags) == (None, frozenset({"nan"}))
    assert "-14836 of a DZG" in remarks_of(telegram_of(maker, register, *phases))[-1]


def test_power_without_a_value_is_nan_and_power_above_the_range_is_overrange() -> None:
    assert reading_of(telegram_of(power_entry(b"\x01"))).flags == {"nan"}
    above = reading_of(telegram_of(power_entry(signed(-101, 2))), range_w=100.0)
    assert (above.power_w, above.flags) == (None, frozenset({"overrange"}))


def test_power_without_direction_is_no_power_when_the_status_word_is_not_understood() -> None:
    absolute = power_entry(unsigned(100, 2), code="01000F0700FF")
    register = entry("0100010800FF", unsigned(0x10000, 3), unsigned(30, 1), signed(0, 1), unsigned(7, 4))
    assert reading_of(telegram_of(absolute)).flags == {"nan"}
    assert reading_of(telegram_of(absolute, register)).flags == {"nan"}
    assert reading_of(telegram_of(power_entry(unsigned(0, 2), code="01000F0700FF"))).power_w == 0.0


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (b"\x76\x01\x01\x01\x01\x63\x00\x00\x00", "found the check"),
        (b"\x75\x01", "expected the start of a message"),
        (b"\x76" + b"\x71" * 40, "depth 8"),
        (b"\x76\x7f", "a list of 15"),
        (b"\x76\x8f\x8f\x8f\x8f\x0f", "at most 3 bytes"),
        (b"\x76\x05ab", "only 3 are there"),
        (b"\x76\x00\x00\x00\x00", "0 bytes"),
        (b"\x76\x51", "type 5 with 0 bytes"),
        (b"\x76\x33\x00\x00", "type 3 with 2 bytes"),
        (b"", "found 0 value lists"),
    ],
)
def test_what_is_no_message_is_refused_with_the_reason(inside: bytes, text: str) -> None:
    with pytest.raises(MeterGarbage, match=text):
        sml_elements.decode_telegram(frame(inside), "x25")


@pytest.mark.parametrize("fill", [4, 8])
def test_more_than_three_fill_bytes_are_refused(fill: int) -> None:
    head = ISKRA_MT631[:-8] + bytes(fill) + sml_frame.ESCAPE + bytes([sml_frame.END, fill])
    with pytest.raises(MeterGarbage, match=f"{fill} fill bytes"):
        sml_frame.unpack(head + crc16(head).to_bytes(2, "little"), "x25")


def test_fill_bytes_that_are_not_zero_are_refused() -> None:
    head = ISKRA_MT631[:-8] + b"\0\1" + sml_frame.ESCAPE + bytes([sml_frame.END, 2])
    with pytest.raises(MeterGarbage, match="2 fill bytes 0001"):
        sml_frame.unpack(head + crc16(head).to_bytes(2, "little"), "x25")


# --- random -------------------------------------------------------------------------------------------------------

VALUES = st.one_of(
    st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(4, 8)).map(lambda pair: signed(*pair)),
    st.tuples(st.integers(0, 2**16 - 1), st.integers(2, 8)).map(lambda pair: unsigned(*pair)),
    st.binary(min_size=1, max_size=40).map(octets),
)

CODES = st.binary(min_size=3, max_size=3).map(lambda middle: "0100" + middle.hex() + "ff")

ENTRIES = st.lists(
    st.tuples(CODES, st.integers(0, 2**32 - 1), st.integers(0, 255), st.integers(-9, 9), VALUES),
    min_size=1,
    max_size=40,
    unique_by=lambda item: item[0],
)


@given(ENTRIES)
@settings(max_examples=60, deadline=None)
def test_smllib_and_this_codec_agree_on_random_valid_telegrams(
    items: list[tuple[str, int, int, int, bytes]],
) -> None:
    lines = [
        entry(code, unsigned(status, 4), unsigned(unit, 1), signed(scaler, 1), value)
        for code, status, unit, scaler, value in items
    ]
    body = listed(
        b"\x01", octets(b"\x0a\x01EMU\x00\x00\x00\x00\x01"), b"\x01", b"\x01", listed(*lines), b"\x01", b"\x01"
    )
    opened = listed(b"\x01", b"\x01", octets(b"\x00\x01"), octets(b"x"), b"\x01", b"\x01")
    telegram = frame(message(1, 0x0101, opened, False) + message(2, 0x0701, body, False))
    assert_agrees_with_smllib(telegram)


@given(st.lists(st.one_of(st.binary(max_size=200), st.sampled_from(DUMPS)), max_size=6))
@settings(deadline=None)
def test_arbitrary_bytes_give_a_value_or_a_typed_error_and_a_bounded_buffer(chunks: list[bytes]) -> None:
    splitter = sml_frame.TelegramSplitter(sml_frame.FRAME_LIMIT)
    for data in chunks:
        for found in splitter.feed(Chunk(1, data)):
            try:
                sml_registers.to_reading(sml_elements.decode_telegram(found.body, "x25"), 1, 1e5, frozenset())
            except MeterError:
                continue
        assert splitter.held_bytes <= sml_frame.FRAME_LIMIT
    assert splitter.feed(Chunk(2, ISKRA_MT631))[-1].body == ISKRA_MT631


@given(st.binary(max_size=120))
@settings(deadline=None)
def test_arbitrary_content_behind_right_check_sums_gives_a_value_or_garbage(content: bytes) -> None:
    head = b"\x76\x02a\x62\x00\x62\x00" + content
    inside = head + b"\x63" + crc16(head).to_bytes(2, "little") + b"\0"
    try:
        sml_registers.to_reading(sml_elements.decode_telegram(frame(inside), "x25"), 1, 1e5, frozenset())
    except MeterGarbage:
        return


# --- the splitter -------------------------------------------------------------------------------------------------


def test_a_telegram_split_at_every_byte_comes_out_whole_and_unmarked() -> None:
    for at in range(len(HOLLEY) + 1):
        splitter = sml_frame.TelegramSplitter(sml_frame.FRAME_LIMIT)
        frames = splitter.feed(Chunk(1, HOLLEY[:at])) + splitter.feed(Chunk(2, HOLLEY[at:]))
        assert [(found.body, found.resynced) for found in frames] == [(HOLLEY, False)]


def test_escapes_inside_the_data_are_no_end() -> None:
    value = octets(b"\x1b" * 9 + b"\x1a\x01\x02\x03")
    telegram = telegram_of(entry("0100605A0201", b"\x01", b"\x01", b"\x01", value), power_entry(signed(5, 2)))
    for at in range(len(telegram)):
        splitter = sml_frame.TelegramSplitter(sml_frame.FRAME_LIMIT)
        (found,) = splitter.feed(Chunk(1, telegram[:at])) + splitter.feed(Chunk(2, telegram[at:]))
        assert reading_of(found.body).power_w == 5.0


def test_a_cut_telegram_is_dropped_and_marks_the_next() -> None:
    splitter = sml_frame.TelegramSplitter(sml_frame.FRAME_LIMIT)
    frames = splitter.feed(Chunk(1, HOLLEY[:100] + ISKRA_MT631 + b"\0\0" + HOLLEY + b"x" + HOLLEY))
    assert [(found.body, found.resynced) for found in frames] == [
        (ISKRA_MT631, True),
        (HOLLEY, False),
        (HOLLEY, True),
    ]
    assert splitter.dropped_bytes == 103


def test_a_telegram_without_end_is_given_up() -> None:
    splitter = sml_frame.TelegramSplitter(sml_frame.FRAME_LIMIT)
    assert splitter.feed(Chunk(1, sml_frame.START + b"a" * 3 * sml_frame.FRAME_LIMIT)) == []
    assert splitter.held_bytes < 8
    assert [found.body for found in splitter.feed(Chunk(2, HOLLEY))] == [HOLLEY]
