"""P1 telegrams: those of published meters against dsmr-parser, the driver on a pty, the emulated meter against both.

The telegrams are those that dsmr-parser is tested with (tests/data/ATTRIBUTION.md); it decodes them here again.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from dsmr_parser import telegram_specifications
from dsmr_parser.clients.socket_ import SocketReader
from dsmr_parser.objects import Telegram
from dsmr_parser.parsers import TelegramParser

from meters.emulators.p1 import CRC_FAULTS, FAULTS, P1Device
from meters.emulators.virtual_sut import PowerSpan, parse_profile
from meters.iec62056.data_lines import DataSet, decode_block
from meters.iec62056.messages import from_wire
from meters.iec62056.p1 import open_p1
from meters.iec62056.p1_telegram import (
    WHOLE_AMPERES,
    P1Registers,
    P1Splitter,
    clock_s,
    crc16,
    decode_telegram,
    identify_p1,
)
from meters.meter import Meter, MeterGarbage, MeterMismatch
from meters.reading import Reading
from meters.registry import open_meter
from meters.wire import Chunk
from tests.meters.codecs import TELEGRAMS
from tests.meters.conftest import StartEmulator
from tests.meters.far_ends import BarePty

SPECIFICATIONS = {
    "v2_2": telegram_specifications.V2_2,
    "v3": telegram_specifications.V3,
    "v4_2": telegram_specifications.V4,
    "v5": telegram_specifications.V5,
    "fluvius_v171": telegram_specifications.BELGIUM_FLUVIUS,
    "fluvius_v171_alt": telegram_specifications.BELGIUM_FLUVIUS,
    "sagemcom_t210_d_r": telegram_specifications.SAGEMCOM_T210_D_R | {"general_global_cipher": False},  # decrypted
    "v5_eon_hu": telegram_specifications.EON_HUNGARY,
}


def telegram(name: str) -> bytes:
    return (TELEGRAMS / f"{name}.txt").read_bytes()


def sets_of(data: bytes) -> dict[str, DataSet]:
    return decode_block(decode_telegram(data, "none")[1])


def reading_of(data: bytes) -> Reading:
    return P1Registers(sets_of(data)).reading(1, 41400.0, frozenset())


def theirs(found: Telegram, name: str) -> tuple[float | None, float | None, float | None]:
    """Power in W, energy drawn in Wh and the voltage of L1 as dsmr-parser has them."""

    def value(key: str) -> float | None:
        one = getattr(found, key, None)
        return None if one is None or one.value is None else float(one.value) * {"k": 1000}.get((one.unit or "")[:1], 1)

    drawn, delivered = value("CURRENT_ELECTRICITY_USAGE"), value("CURRENT_ELECTRICITY_DELIVERY")
    total = value("ELECTRICITY_IMPORTED_TOTAL")
    parts = [value(f"ELECTRICITY_USED_TARIFF_{number}") for number in (1, 2, 3, 4)]
    energy = sum(part for part in parts if part is not None) if total is None else total
    assert drawn is not None, name
    return drawn - (delivered or 0.0), energy, value("INSTANTANEOUS_VOLTAGE_L1")


@pytest.mark.parametrize("name", sorted(SPECIFICATIONS))
def test_the_telegrams_of_dsmr_parser_say_the_same_to_both(name: str) -> None:
    found = TelegramParser(SPECIFICATIONS[name]).parse(telegram(name).decode("ascii"), throw_ex=True)
    reading = reading_of(telegram(name))
    power_w, energy_wh, voltage_v = theirs(found, name)
    assert reading.power_w == pytest.approx(power_w, abs=1e-6)
    assert reading.energy_wh == pytest.approx(energy_wh, abs=1e-3)
    assert reading.voltage_v == voltage_v


@pytest.mark.parametrize(
    ("name", "power_w", "energy_wh", "current_a", "serial"),
    [
        ("v2_2", 1010.0, 2002.0, None, "00000000000000"),
        ("v4_2", 2027.0, 3016829.0, None, "3960221976967177082151037881335713"),
        ("v5", 244.0, 6825.0, None, "K8EG004046395507"),
        ("fluvius_v171_alt", 338.0, 571562.0, None, "1SAG3100721326"),
        ("sagemcom_t210_d_r", 286.0, 6545766.0, None, ""),
        ("v5_eon_hu", -2601.0, 173640.0, None, "890082200002160"),
    ],
)
def test_power_is_import_less_export_and_energy_the_total_or_the_sum_of_the_tariffs(
    name: str, power_w: float, energy_wh: float, current_a: float | None, serial: str
) -> None:
    reading = reading_of(telegram(name))
    assert (reading.power_w, reading.energy_wh, reading.current_a) == (power_w, energy_wh, current_a)
    assert identify_p1(decode_telegram(telegram(name), "none")[0], sets_of(telegram(name))).serial == serial


def test_steps_are_those_of_the_decimals_and_whole_amperes_are_left_out() -> None:
    columns = P1Registers(sets_of(telegram("v4_2"))).describe("p1", 0.0, 41400.0, None)
    assert {column.name: column.resolution for column in columns.columns} == {"power_w": 1.0, "energy_wh": 1.0}
    assert WHOLE_AMPERES in columns.remarks
    old = P1Registers(sets_of(telegram("v2_2"))).describe("p1", 0.0, 41400.0, None)
    assert old.columns[0].resolution == 10.0
    single = telegram("fluvius_v171_alt")
    for line in (b"1-0:51.7.0(000.88*A)\r\n", b"1-0:71.7.0(000.52*A)\r\n"):
        single = single.replace(line, b"")
    block = single[: single.rindex(b"!") + 1]
    assert reading_of(block + f"{crc16(block):04X}\r\n".encode()).current_a == 0.27


def test_a_meter_without_electricity_has_no_power_and_a_check_sum_may_lack_its_zeros() -> None:
    data = telegram("unpadded_crc")
    assert reading_of(data).flags == {"nan"}
    assert decode_telegram(data, "crc16") == decode_telegram(data.replace(b"!B9F", b"!0B9F"), "crc16")


def test_no_flipped_bit_passes_the_check_sum() -> None:
    data = telegram("v5")
    for at, bit in itertools.product(range(0, len(data) - 2, 7), range(8)):
        damaged = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
        if damaged.upper() == data.upper() and damaged[:-6] == data[:-6]:
            continue  # a letter of the check sum is a small one
        with pytest.raises(MeterGarbage):
            decode_telegram(damaged, "crc16")


def test_a_telegram_without_a_check_sum_is_one_of_an_old_meter_only_where_the_lab_says_so() -> None:
    with pytest.raises(MeterGarbage, match='meters before DSMR 4 send none: for one of these set checksum = "none"'):
        decode_telegram(telegram("v2_2"), "crc16")
    assert decode_telegram(telegram("v2_2"), "none")[0].maker == "ISk"
    with pytest.raises(MeterGarbage, match="found the check sum 6EEF, expected 6EEE"):
        decode_telegram(telegram("v5").replace(b"!6EEE", b"!6EEF"), "none")


def test_the_clock_goes_on_through_the_hour_that_autumn_has_twice_and_is_no_other_time() -> None:
    def at(stamp: str) -> float | None:
        return clock_s({"0-1.0.0": DataSet(stamp, "")})

    summer, winter = at("261025023000S"), at("261025023000W")
    assert summer is not None
    assert winter == summer + 3600
    assert at("261025030000W") == summer + 5400
    assert [at(text) for text in ("632525252525W", "261025023000", "")] == [None] * 3


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_telegrams_are_cut_out_of_noise_in_whatever_pieces_they_come(size: int) -> None:
    whole, other = telegram("v4_2"), telegram("v2_2")
    stream = whole[300:] + whole + b"\0\0" + other + whole[:200] + whole
    splitter, frames = P1Splitter(), []
    for at in range(0, len(stream), size):
        frames += splitter.feed(Chunk(at, stream[at : at + size]))
    assert [(frame.body, frame.resynced) for frame in frames] == [(whole, True), (other, False), (whole, True)]
    assert splitter.held_bytes == 0


# --- the driver -------------------------------------------------------------------------------------------------------


def stamped(stamp: str, watts: int) -> bytes:
    block = f"/EMU5METER\r\n\r\n0-0:1.0.0({stamp})\r\n1-0:1.7.0({watts / 1000:06.3f}*kW)\r\n!".encode()
    return block + f"{crc16(block):04X}\r\n".encode()


def push(pty: BarePty, data: bytes) -> None:
    """Send once the driver has opened the port, which drops what came before."""
    threading.Timer(0.4, os.write, (pty.master, data)).start()


@pytest.fixture
def pushed(bare_pty: BarePty) -> Iterator[tuple[BarePty, Meter]]:
    """A meter that has said two telegrams ten seconds apart by its clock, all at once."""
    push(bare_pty, stamped("260701120000S", 60) * 2 + stamped("260701120010S", 61))
    with closing(open_p1(bare_pty.path, capture=None, options={"reply_s": 5.0})) as meter:
        yield bare_pty, meter


def test_how_often_a_meter_sends_is_measured_and_a_telegram_that_comes_again_is_stale(
    pushed: tuple[BarePty, Meter],
) -> None:
    pty, meter = pushed
    described = meter.describe()
    assert (described.interval_s, described.averaging, described.tier) == (10.0, "instantaneous", "indicative")
    os.write(pty.master, stamped("260701120010S", 61) + stamped("260701120020S", 61))
    found = [meter.read(1.0) for _reading in range(4)]
    assert [reading.power_w for reading in found] == [60.0, 61.0, 61.0, 61.0]
    assert [set(reading.flags) for reading in found] == [set(), set(), {"stale"}, set()]
    os.write(pty.master, stamped("260701120030S", 62).replace(b"62", b"63") + stamped("260701120040S", 64))
    reading = meter.read(1.0)
    assert (reading.power_w, reading.flags) == (64.0, frozenset({"resynced"}))
    assert pty.heard == b""


def test_an_optical_heads_telegram_is_named(bare_pty: BarePty) -> None:
    push(bare_pty, telegram("v2_2"))
    with pytest.raises(
        MeterMismatch, match=r"without a check sum.*set checksum = \"none\".*and that the meter does not"
    ):
        open_p1(bare_pty.path, capture=None, options={"reply_s": 1.2})


# --- the emulated meter -----------------------------------------------------------------------------------------------


class Constant:
    """A power of either sign."""

    def __init__(self, watts: float) -> None:
        self.span = PowerSpan(watts, watts, watts)

    def advance(self, to_s: float) -> PowerSpan:
        return self.span


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("watts", [50.0, -2600.0])
def test_dsmr_parser_reads_the_emulated_meter(generation: int, watts: float) -> None:
    device = P1Device(Constant(watts), seed=1, generation=generation)
    device.push(1.0)
    (data,) = device.push(3601.0)
    text = from_wire(data, "7E1") if generation == 1 else data
    specification = telegram_specifications.V2_2 if generation == 1 else telegram_specifications.V5
    found = TelegramParser(specification).parse(text.decode("ascii"), throw_ex=True)
    assert theirs(found, "emulated")[0] == watts
    assert float(found.ELECTRICITY_DELIVERED_TARIFF_1.value) == pytest.approx(2.601 if watts < 0 else 0, abs=0.002)
    assert theirs(found, "emulated")[1] == pytest.approx(3016829.0 + max(0.0, watts), abs=2.0)
    reading = reading_of(text)
    assert reading.power_w == watts
    assert reading.energy_wh == pytest.approx(theirs(found, "emulated")[1], abs=1e-3)
    if generation == 2:
        assert found.P1_MESSAGE_TIMESTAMP.value.isoformat() == "2026-07-01T10:00:02+00:00"


def test_the_reader_of_dsmr_parser_listens_to_the_emulated_port(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(
        *("--listen", "127.0.0.1:0", "--profile", "watts=50", "--interval", "0.1", "--no-throttle"), name="p1"
    )
    host, _mark, port = emulator.address.removeprefix("socket://").rpartition(":")
    with closing(SocketReader(host, int(port), telegram_specifications.V5).read()) as found:
        assert [float(next(found).CURRENT_ELECTRICITY_USAGE.value) for _telegram in range(2)] == [0.05, 0.05]


EXPECTED = {
    **{fault: {"resynced"} for fault in ("bad-crc", "no-crc", "wrong-meter")},
    **{fault: {"nan"} for fault in ("no-value", "wrong-unit")},
    **{"overrange": {"overrange"}, "same-second": {"stale"}, "counter-wrap": set(), "wrong-obis": set()},
}
"""Where the power of all phases lacks, that of the only phase stands for it."""


def test_each_fault_of_the_protocol_is_flagged_and_no_wrong_number(start_emulator: StartEmulator) -> None:
    assert set(EXPECTED) == FAULTS | CRC_FAULTS
    emulator = start_emulator("--profile", "watts=50", "--no-throttle", "--interval", "0.05", name="p1")
    with closing(open_meter("p1", emulator.address, capture=None, options={})) as meter:
        for fault, expected in EXPECTED.items():
            assert meter.read(5.0).power_w == 50.0
            emulator.fault(fault)
            flags: set[str] = set()
            attempts, end_s = 0, time.monotonic() + 20.0
            # The emulator takes a fault when it comes to it: as many attempts as that takes.
            while attempts < 4 or (flags != expected and time.monotonic() < end_s):
                attempts += 1
                reading = meter.read(2.0)
                assert reading.power_w in (50.0, None)
                flags |= reading.flags
            assert flags == expected, fault


def test_the_emulator_of_an_old_meter_is_read_over_a_bridge_and_a_line(start_emulator: StartEmulator) -> None:
    slow = ("--generation", "1", "--interval", "0.1", "--no-throttle", "--profile", "watts=50")
    for wire in ((), ("--listen", "127.0.0.1:0")):
        emulator = start_emulator(*slow, *wire, name="p1")
        options = {"baud": 9600.0, "characters": "7E1", "checksum": "none"}
        with closing(open_meter("p1", emulator.address, capture=None, options=options)) as meter:
            assert (meter.read(5.0).power_w, meter.identify().model) == (50.0, "\\2EMULATED-22")
            assert meter.origin().kind == "emulated"


def test_the_register_counts_mean_power_times_time() -> None:
    device = P1Device(parse_profile("watts=0:0,1800:7200", 1), seed=1)
    assert reading_of(device.push(3600.0)[0]).energy_wh == 3016829.0 + 3600.0
