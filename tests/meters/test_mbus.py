"""The M-Bus codec against telegrams of real meters, the values that libmbus gives for them, and pyMeterBus."""

from __future__ import annotations

import struct

import meterbus
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.mbus import frames, quantities
from meters.mbus.records import Answer, check_electricity, decode_answer
from meters.meter import MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused
from meters.reading import Identity
from meters.wire import Chunk
from tests.meters.mbus_samples import (
    EMH_DIZ,
    EMMOD206,
    EMU_PROFESSIONAL,
    HEAT,
    KAMSTRUP_382,
    NZR_DHZ,
    SAIA_ALE3,
    SDM630,
)

TELEGRAMS = (EMU_PROFESSIONAL, SAIA_ALE3, NZR_DHZ, KAMSTRUP_382, EMH_DIZ, SDM630, EMMOD206, HEAT)
UNITS = {"MeasureUnit.W": "W", "MeasureUnit.WH": "Wh", "MeasureUnit.V": "V", "MeasureUnit.A": "A"}


def answer(frame: bytes) -> Answer:
    (found,) = frames.MbusSplitter().feed(Chunk(1, frame))
    return decode_answer(frames.decode_telegram(found.body))


def chosen(frame: bytes, place: int | None = None) -> dict[str, float | None]:
    choices = quantities.choices_of(answer(frame).records, place)
    return {quantity: choice.value.value for quantity, choice in choices.items()}


def telegram(records: str, header: str = "785634122D2C010201000000") -> bytes:
    """A telegram with these records, whole, of a Kamstrup."""
    body = bytes.fromhex("080172" + header + records)
    head = bytes((0x68, len(body), len(body), 0x68))
    return head + body + bytes((sum(body) & 0xFF, 0x16))


# --- frames -----------------------------------------------------------------------------------------------------------


def test_what_a_master_says_is_what_pymeterbus_says() -> None:
    class Sent:
        data = b""

        def write(self, data: bytes) -> None:
            self.data = bytes(data)

    sent = Sent()
    meterbus.send_ping_frame(sent, 5)
    assert sent.data == frames.encode_reset(5)
    meterbus.send_request_frame(sent, 5)
    assert sent.data in (frames.encode_request(5, count_bit=True), frames.encode_request(5, count_bit=False))
    for secondary, whole in (("12345678", "12345678FFFFFFFF"), ("12345678B5151002", "12345678B5151002")):
        meterbus.send_select_frame(sent, whole)
        ours = frames.encode_selection(secondary)
        assert (sent.data[:4], sent.data[5:-2]) == (ours[:4], ours[5:-2])  # but for its frame count bit
    for wrong in ("1234567", "1234567x", "123456789"):
        with pytest.raises(MeterOptionError, match="expected the 8 digits of the meter's number"):
            frames.encode_selection(wrong)


@given(
    st.lists(st.sampled_from([b"\xe5", *TELEGRAMS, b"\0", b"\x68", b"\x10\x40", b"\x68\x03\x03"])), st.integers(1, 99)
)
def test_frames_are_cut_whatever_stands_between(parts: list[bytes], size: int) -> None:
    data = b"".join(parts) + bytes(300)  # a frame that only begins never ends
    splitter = frames.MbusSplitter()
    found = [frame.body for at in range(0, len(data), size) for frame in splitter.feed(Chunk(1, data[at : at + size]))]
    wanted = [part for part in parts if part in TELEGRAMS]
    assert [frame for frame in found if len(frame) > 1] == wanted
    assert sum(map(len, found)) + splitter.dropped_bytes + splitter.held_bytes == len(data)
    assert splitter.held_bytes <= frames.FRAME_LIMIT


def test_an_echo_of_ours_is_no_answer_and_a_wrong_bit_is_no_frame() -> None:
    echo = frames.encode_reset(5) + frames.encode_selection("12345678")
    assert frames.MbusSplitter().feed(Chunk(1, echo)) == []
    for at in range(len(NZR_DHZ)):
        wrong = bytearray(NZR_DHZ)
        wrong[at] ^= 1
        bodies = [frame.body for frame in frames.MbusSplitter().feed(Chunk(1, bytes(wrong)))]
        assert all(body == frames.ACKNOWLEDGED for body in bodies)
    with pytest.raises(MeterGarbage, match="found e5, expected a telegram"):
        frames.decode_telegram(frames.ACKNOWLEDGED)
    with pytest.raises(MeterGarbage, match="the control field 73"):
        frames.decode_telegram(frames.encode_selection("12345678"))


# --- records against others -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", TELEGRAMS)
def test_electrical_values_are_those_of_pymeterbus(frame: bytes) -> None:
    theirs = meterbus.load(frame)
    ours = answer(frame)
    compared = 0
    for record, other in zip(ours.records, theirs.records, strict=False):
        unit = UNITS.get(str(other.interpreted["unit"]))
        if unit is None:
            continue
        assert record.unit == unit
        assert record.value == pytest.approx(float(other.value))
        assert record.storage == other.interpreted["storage_number"]
        compared += 1
    assert compared >= 2


def test_headers_say_who_is_there() -> None:
    for frame, who, medium in (
        (EMU_PROFESSIONAL, Identity("EMU", "", "00032629", "version 16"), 2),
        (SAIA_ALE3, Identity("SBC", "", "0500023e", "version 18"), 2),
        (HEAT, Identity("EDC", "", "11120895", "version 2"), 4),
    ):
        found = answer(frame)
        assert quantities.identify(found.header, found.records) == who
        assert found.header.medium == medium
    check_electricity(answer(SDM630).header)
    with pytest.raises(MeterMismatch, match="found the meter 11120895 of EDC for heat, expected one for electricity"):
        check_electricity(answer(HEAT).header)


# --- which record is the power ----------------------------------------------------------------------------------------


def test_the_power_of_now_is_the_one_that_nothing_qualifies() -> None:
    assert chosen(EMU_PROFESSIONAL) == {"power_w": -2.0, "energy_wh": 1364.0}  # beside phases, a part's, extremes
    assert chosen(KAMSTRUP_382) == {"power_w": 0.0, "energy_wh": 0.0}  # beside a maximum
    assert chosen(NZR_DHZ) == {"power_w": 0.0, "voltage_v": 237.2, "current_a": 0.0, "energy_wh": 1274.0}


def test_a_total_that_the_maker_qualifies_is_taken_with_a_remark_and_tariffs_are_summed() -> None:
    choices = quantities.choices_of(answer(SAIA_ALE3).records)
    power, energy = choices["power_w"], choices["energy_wh"]
    assert (power.value.value, power.value.step) == (3200.0, 10.0)  # the phases: 790, 810, 1600
    assert power.remark.startswith("the power is record 17, which the maker qualifies by 00")
    assert (energy.value.value, energy.remark) == (17_756_850.0, "the energy is the sum of 2 tariffs")


@pytest.mark.parametrize(
    ("frame", "error", "words"),
    [
        (SDM630, MeterOptionError, "found 4 records of power that nothing tells apart .record 10: 12345.6 W; "),
        (EMMOD206, MeterOptionError, "found powers of parts only .record 6: 224 W, part 1; record 7: -202 W, part 1"),
        (EMH_DIZ, MeterGarbage, "found no power of now, only others .record 1: 0 W, storage 1"),
        (telegram("0C0400000000"), MeterGarbage, "found 1 records and none in watts"),
        (
            telegram("02ABFF010100" "02ABFF020200"),
            MeterOptionError,
            "found no total among the powers .record 0: 1 W, qualified by 01; record 1: 2 W, ",
        ),
    ],
)  # fmt: skip
def test_where_a_meter_does_not_tell_which_power_is_meant_the_lab_has_to(
    frame: bytes, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        chosen(frame)


def test_the_lab_names_a_record() -> None:
    assert chosen(EMMOD206, 6)["power_w"] == 224.0
    assert chosen(SDM630, 13)["power_w"] == 12345.6
    with pytest.raises(MeterOptionError, match="option record is 0, expected the place of a power; there are: "):
        chosen(SDM630, 0)


def test_import_and_export_are_told_apart() -> None:
    assert chosen(telegram("02AB3BE80302AB3C6400"))["power_w"] == 900.0
    assert chosen(telegram("02AB3BE803"))["power_w"] == 1000.0


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "value", "step"),
    [
        ("012B32", 50.0, 1.0),
        ("022AF401", 50.0, 0.1),
        ("0328D0FB01", 130.0, 1e-3),
        ("042DFFFFFFFF", -100.0, 100.0),
        ("052B00004842", 50.0, 1.0),
        ("062B320000000000", 50.0, 1.0),
        ("072B3200000000000000", 50.0, 1.0),
        ("092B50", 50.0, 1.0),
        ("0A2B50F0", -50.0, 1.0),
        ("0D2BC15A", None, 1.0),
        ("0D2BC150", 50.0, 1.0),
        ("0D2BD150", -50.0, 1.0),
        ("0D2BE23200", 50.0, 1.0),
        ("02FB280500", 500_000.0, 100_000.0),
        ("02AB743200", 0.5, 0.01),
        ("02AB7D3200", 50_000.0, 1000.0),
        ("022B0080", None, 1.0),
        ("012B80", None, 1.0),
        ("052B0000C07F", None, 1.0),
    ],
)
def test_numbers_have_the_step_of_their_last_digit(record: str, value: float | None, step: float) -> None:
    power = quantities.power_of(answer(telegram(record)).records)
    assert power.value.value == value
    assert power.value.step == pytest.approx(step)


def test_what_is_not_a_power_keeps_its_place() -> None:
    records = answer(telegram("2F0DFD0C0343424102FC03485225740D00012B050F1234")).records
    assert [(record.unit, record.text, record.value) for record in records] == [
        ("", "ABC", None), ("%RH", "", None), ("W", "", 5.0),
    ]  # fmt: skip
    assert records[1].unit == "%RH"
    assert answer(telegram("012B051F")).goes_on
    assert not answer(telegram("012B050F")).goes_on


@pytest.mark.parametrize("cut", ["04", "042B", "042B0000", "0D", "0D2B", "0D2B05AA", "80", "02FC", "02FC05AA", "02FD"])
def test_a_record_that_ends_too_early_is_garbage(cut: str) -> None:
    with pytest.raises(MeterGarbage, match="record 0: found the end of the telegram"):
        answer(telegram(cut))


def test_endless_extensions_a_report_and_an_encrypted_telegram_are_named() -> None:
    with pytest.raises(MeterGarbage, match="found more than 10 extensions"):
        answer(telegram("84" + "80" * 12 + "002B00000000"))
    for frame, error, words in (
        (frames.Telegram(1, 0x70, b"\x08"), MeterGarbage, "the meter reports too busy"),
        (frames.Telegram(1, 0x73, b""), MeterGarbage, "73 .the fixed data structure, which has no power., expected 72"),
        (frames.Telegram(1, 0x72, bytes(5)), MeterGarbage, "found 5 bytes of a telegram, expected 12 or more"),
        (frames.Telegram(1, 0x72, struct.pack("<10xH", 0x0500)), MeterRefused, "the meter encrypts its telegrams"),
    ):
        with pytest.raises(error, match=words):
            decode_answer(frame)


@given(st.binary(max_size=250))
def test_any_user_data_is_records_or_garbage(data: bytes) -> None:
    try:
        found = decode_answer(frames.Telegram(1, 0x72, bytes(12) + data))
    except MeterGarbage:
        return
    for record in found.records:
        assert record.value is None or record.unit
