"""The SML codec and driver against dumps of real meters, and against SMLLib."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smllib.reader import SmlStreamReader
from smllib.sml.response_get_list import SmlGetListResponse

from meters.emulators.sml import crc16, entry, frame, listed, message, octets, signed, unsigned
from meters.meter import Meter, MeterError, MeterGarbage, MeterMismatch, MeterOptionError, MeterTimeout
from meters.reading import Identity, Reading
from meters.sml import dialogue as sml_dialogue
from meters.sml import elements as sml_elements
from meters.sml import frame as sml_frame
from meters.sml import registers as sml_registers
from meters.wire import Chunk
from meters.wire_log import read_capture
from tests.meters.conftest import BarePty

# Real dumps, one telegram of each: devZer0/libsml-testing, files *.hex (a collection of captures of its contributors);
# the last of Holley: spacemanspiff2007/SmlLib tests/test_frames.py, frame 2.
EMH_GW8 = bytes.fromhex(  # EMH_eHZ-GW8E2A500AK2.hex, first telegram; its README: 14798112.9 Wh, 2012.4 Wh, 13.8 W
    "1B1B1B1B010101017607004300001D256200620072630101760101070043044D09B7093032323830383136010163F8CC007607004300001D26"
    "620062007263070177010930323238303831360172620165044DE7ED7677078181C78203FF0101010104454D480177070100000000FF010101"
    "010930323238303831360177070100010801FF63018001621E52FF560008D203490177070100010802FF63018001621E52FF560000004E9C01"
    "770700006001FFFF010101010B303030323238303831360177070100010700FF0101621B52FF550000008A010101635D81007607004300001D"
    "276200620072630201710163C18000001B1B1B1B1A01443A"
)
EMH_ED300L_DRAWS = bytes.fromhex(  # EMH-ED300L_consumption.hex, first whole telegram
    "1B1B1B1B01010101760700160452CA7862006200726301017601010700160F65EE280B06454D4801027156CD4501016360F500760700160452"
    "CA79620062007263070177010B06454D4801027156CD4501726201650F6576E37777078181C78203FF0101010104454D480177070100000009"
    "FF010101010B06454D4801027156CD450177070100010800FF63018201621E52FF56000A4721130177070100010801FF0101621E52FF56000A"
    "4721130177070100010802FF0101621E52FF56000000000001770701000F0700FF0101621B52FF550000055B0177078181C78205FF01010101"
    "8302E83051EF18A388DC0B4605DBFF2F27B9CBCB80A3B295FD9C7A5016D42774B2D086DBB1573CBE193842429840EDDB06A0010101634C0000"
    "760700160452CA7C6200620072630201710163DF8800001B1B1B1B1A01B01F"
)
EMH_ED300L_DELIVERS = bytes.fromhex(  # EMH-ED300L_delivery.hex, first whole telegram
    "1B1B1B1B010101017607001604530F6C62006200726301017601010700160F6505240B06454D4801027156CD4501016324A800760700160453"
    "0F6D620062007263070177010B06454D4801027156CD4501726201650F659D1B7777078181C78203FF0101010104454D480177070100000009"
    "FF010101010B06454D4801027156CD450177070100010800FF6301B001621E52FF56000A472D140177070100010801FF0101621E52FF56000A"
    "472D140177070100010802FF0101621E52FF56000000000001770701000F0700FF0101621B52FF55000004F20177078181C78205FF01010101"
    "8302E83051EF18A388DC0B4605DBFF2F27B9CBCB80A3B295FD9C7A5016D42774B2D086DBB1573CBE193842429840EDDB06A001010163980300"
    "7607001604530F7062006200726302017101630E1600001B1B1B1B1A0114D8"
)
ISKRA_MT631 = bytes.fromhex(  # ISKRA_MT631-D1A52-K0z-H01_with_PIN.hex, first telegram
    "1B1B1B1B010101017605099DFAAC6200620072630101760101050334A8E40B0A0149534B00047A5544726201650334A737620163D0BB007605"
    "099DFAAD620062007263070177010B0A0149534B00047A5544070100620AFFFF726201650334A7377577070100603201010101010104495"
    "34B0177070100600100FF010101010B0A0149534B00047A55440177070100010800FF650010010401621E52FF650137C0C70177070100020"
    "800FF0101621E52FF62000177070100100700FF0101621B52005300C101010163F376007605099DFAAE620062007263020171016342DD001B"
    "1B1B1B1A0038EB"
)
ISKRA_LOCKED = bytes.fromhex(  # ISKRA_MT631-D1A52-K0z-H01_without_PIN.hex, first telegram: energy in kWh, no power
    "1B1B1B1B010101017605099DF3EC6200620072630101760101050334A6A40B0A0149534B00047A5544726201650334A4F7620163F23E007605"
    "099DF3ED620062007263070177010B0A0149534B00047A5544070100620AFFFF726201650334A4F774770701006032010101010101044953"
    "4B0177070100600100FF010101010B0A0149534B00047A55440177070100010800FF650010010401621E52036307FB0177070100020800FF"
    "0101621E5203620001010163D9E6007605099DF3EE6200620072630201710163FE9F001B1B1B1B1A002101"
)
DZG_WRONG_SIGN = bytes.fromhex(  # DZG_DVS-7412.2_jmberg.hex; FILES: "Wrongly encoded power value 356.24 as -299.12"
    "1B1B1B1B010101017605F12CAD07620062007263010176010102310B0A01445A47000282225E7262016505E748D7620263955C007605F22CAD"
    "07620062007263070177010B0A01445A47000282225E070100620AFFFF7262016505E748D77577070100603201010172620162006200520004"
    "445A470177070100600100FF017262016200620052000B0A01445A47000282225E0177070100010800FF641C01047262016200621E52FF6503"
    "3C93890177070100020800FF017262016200621E52FF650FA49A9E0177070100100700FF017262016200621B52FE538B28010101636B9900"
    "7605F32CAD076200620072630201710163D90C00001B1B1B1B1A01C3E1"
)
DZG_DELIVERS = bytes.fromhex(  # DZG_DVS-7420.2V.G2_mtr2_neg.hex, first; FILES: "Generator, has 2-bytes negative value"
    "1B1B1B1B0101010176051338B301620062007263010176010102310B0A01445A4700039E2053726201649128386202632F2B0076051438B301"
    "620062007263070177010B0A01445A4700039E2053070100620AFFFF726201649128387577070100603201010172620162006200520004445A"
    "470177070100600100FF017262016200620052000B0A01445A4700039E20530177070100010800FF641C69047262016200621E52FF640204E9"
    "0177070100020800FF017262016200621E52FF64E4EE4D0177070100100700FF017262016200621B52FE53D6CA01010163A890007605153"
    "8B301620062007263020171016350C300001B1B1B1B1A010DE3"
)
HOLLEY = bytes.fromhex(  # HOLLEY_DTZ541-BDBA_with_PIN.hex, first telegram
    "1B1B1B1B01010101760400000162006200726500000101760101070000017162A80B0A01484C5902000D6BE672620165017162A801638C8800"
    "7604000002620062007265000007017707FFFFFFFFFFFF0B0A01484C5902000D6BE6070100620AFFFF72620165017162A87477070100603201"
    "010101010104484C590177070100600100FF010101010B0A01484C5902000D6BE60177070100010800FF65001C010472620165017162A8621E"
    "52FF6501677C7A0177070100100700FF0101621B520053017801010163764D00760400000362006200726500000201710163E823001B1B1B1B"
    "1A001B4C"
)
HOLLEY_BARE_TIMES = bytes.fromhex(
    "1b1b1b1b0101010176040000016200620072650000010176010107000002dba23c0b0a01484c5902000424a0010163945b0076040000026200"
    "620072650000070177010b0a01484c5902000424a00101f10477070100603201010101010104484c590177070100600100ff010101010b0a01"
    "484c5902000424a00177070100010800ff65001c81046502dba23d621e52ff6502aea1320177070100020800ff65001c81046502dba23d621e"
    "52ff62000177070100100700ff0101621b52005300890177070100200700ff0101622352ff6309280177070100340700ff0101622352ff6309"
    "290177070100480700ff0101622352ff63092201770701001f0700ff0101622152fe62290177070100330700ff0101622152fe624e01770701"
    "00470700ff0101622152fe622e0177070100510701ff01016208520062f00177070100510702ff01016208520062780177070100510704ff01"
    "0162085200630110017707010051070fff010162085200630138017707010051071aff01016208520063011101770701000e0700ff0101622c"
    "52ff6301f40177070100000200000101010109312e30322e3030370177070100605a02010101010105413031410177070100600500ff010101"
    "0165001c810401010163fc1e00760400000362006200726500000201710163e8230000001b1b1b1b1a0222ed"
)
DUMPS = [
    EMH_GW8,
    EMH_ED300L_DRAWS,
    EMH_ED300L_DELIVERS,
    ISKRA_MT631,
    ISKRA_LOCKED,
    DZG_WRONG_SIGN,
    DZG_DELIVERS,
    HOLLEY,
    HOLLEY_BARE_TIMES,
]


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


def with_kermit(telegram: bytes) -> bytes:
    inside, out, begin = telegram[8:-8], b"", 0
    for mark in ("638C88", "63764D", "63E823"):
        check = inside.index(bytes.fromhex(mark), begin)
        out += inside[begin:check] + b"\x63" + sml_frame.crc_bytes(inside[begin:check], "kermit") + b"\0"
        begin = check + 4
    framed = sml_frame.START + out + telegram[-8:-2]
    return framed + sml_frame.crc_bytes(framed, "kermit")


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


# --- the driver ---------------------------------------------------------------------------------------------------


def opened(pty: BarePty, first: bytes, capture: io.BytesIO | None = None, **options: object) -> Meter:
    """The driver on a pty that pushes `first` a moment after the port was opened."""
    push = threading.Timer(0.1, pty.send, (first,))
    push.start()
    try:
        return sml_dialogue.open_sml(pty.path, capture=capture, options=options)
    finally:
        push.join()


def test_dumped_telegrams_through_a_bare_pty_are_readings_and_nothing_is_ever_written(bare_pty: BarePty) -> None:
    sink = io.BytesIO()
    meter = opened(bare_pty, HOLLEY[150:] + ISKRA_MT631, sink, accuracy_class="B")
    try:
        assert meter.identify() == Identity("ISK", "", "1ISK0075126084", "")
        description = meter.describe()
        power, energy = description.columns
        assert (power.name, power.resolution, energy.name, energy.resolution) == ("power_w", 1.0, "energy_wh", 0.1)
        assert power.accuracy is not None
        assert power.accuracy.reading_percent == 1.0
        assert description.latency_s == len(ISKRA_MT631) * 10 / 9600
        first = meter.read(1.0)
        assert (first.power_w, first.flags) == (193.0, frozenset())
        bare_pty.send(ISKRA_MT631)
        repeated = meter.read(1.0)
        assert (repeated.power_w, repeated.flags) == (193.0, frozenset({"stale"}))
        assert repeated.time_ns > first.time_ns
    finally:
        meter.close()
    assert bare_pty.heard == b""
    assert {part.direction for part in read_capture(io.BytesIO(sink.getvalue()), "log")} == {"<"}


def test_the_limits_of_error_are_unknown_unless_the_lab_knows_the_class(bare_pty: BarePty) -> None:
    meter = opened(bare_pty, ISKRA_MT631)
    meter.close()
    assert [column.accuracy for column in meter.describe().columns] == [None, None]


def test_a_telegram_across_two_calls_is_no_garbage_and_one_of_another_meter_is(bare_pty: BarePty) -> None:
    meter = opened(bare_pty, ISKRA_MT631)
    try:
        meter.read(1.0)
        bare_pty.send(ISKRA_MT631[:80])
        with pytest.raises(MeterTimeout):
            meter.read(0.1)
        bare_pty.send(ISKRA_MT631[80:])
        assert meter.read(1.0).power_w == 193.0
        bare_pty.send(HOLLEY)
        with pytest.raises(MeterGarbage, match="expected 0a0149534b00047a5544"):
            meter.read(0.1)
        bare_pty.send(ISKRA_MT631)
        assert meter.read(1.0).flags == {"resynced", "stale"}
        bare_pty.send(ISKRA_MT631 + b"xyz" + ISKRA_MT631)
        assert [meter.read(1.0).flags for _reading in range(2)] == [{"stale"}, {"resynced", "stale"}]
    finally:
        meter.close()


def test_silence_is_a_timeout_and_noise_is_a_mismatch_at_the_start(bare_pty: BarePty) -> None:
    begin = time.monotonic()
    with pytest.raises(MeterTimeout):
        sml_dialogue.open_sml(bare_pty.path, capture=None, options={"wait_s": 0.2})
    with pytest.raises(MeterMismatch, match="26 bytes outside any telegram"):
        opened(bare_pty, b"/EMH5\\@01\r\n" * 3, wait_s=0.3)
    with pytest.raises(MeterMismatch, match="would match checksum 'kermit'"):
        opened(bare_pty, with_kermit(HOLLEY), wait_s=0.3)
    assert time.monotonic() - begin < 20.0


@pytest.mark.parametrize(("name", "value"), [("checksum", "crc32"), ("accuracy_class", "2"), ("baud", "fast")])
def test_an_option_that_is_none_is_refused(name: str, value: str) -> None:
    with pytest.raises(MeterOptionError, match=f"sml: option {name}"):
        sml_dialogue.open_sml("/dev/null", capture=None, options={name: value})
