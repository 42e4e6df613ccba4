"""The emulated LMG: against bytes that are not the driver's, against its own clock, and against the driver.

No client that somebody else wrote runs here: cuveland/lmgtools is in no package registry. What its `lmg95.py` sends
through the whole sequence of its `powerlog95.py` was captured once, against this emulator, and stands here.
"""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.emulators.tcp_wire import BreakableTcpWire
from meters.emulators.virtual_sut import parse_profile
from meters.emulators.zes import LmgDevice
from meters.meter import Meter, MeterGarbage, MeterRefused, MeterTimeout
from meters.reading import Reading
from meters.registry import open_meter
from meters.zes import codec as zes_codec
from meters.zes import dialects as zes_dialects
from meters.zes import dialogue as zes_dialogue
from tests.meters.conftest import EmulatorProcess, StartEmulator

SHORT_CYCLE: dict[str, object] = {"cycle_s": 0.05}
ROW = b"actn;count?;sctc?;cycr?;freq?;utrms?;itrms?;p?;s?;pf?\r\ncont on\r\n"


# --- the device in virtual time -----------------------------------------------------------------------------------


def started(profile: str, kind: str = "lmg95", cycle_s: str = "0.5", row: bytes = ROW) -> LmgDevice:
    device = LmgDevice(parse_profile(profile, 1), seed=1, kind=kind)
    language = b"*zlang short\n" if kind == "lmg670" else b"syst:lang short\r\n"
    device.receive(language + b"cycl " + cycle_s.encode() + b"\r\n" + row, 0.0)
    return device


def rows_until(device: LmgDevice, end_s: float) -> list[dict[str, float]]:
    rows = []
    while device.next_push_s is not None and device.next_push_s <= end_s:
        rows += [zes_codec.decode_row(line, zes_dialects.LMG95.names) for line in device.push(device.next_push_s)]
    return rows


def test_the_true_cycles_hold_whole_periods_and_are_the_nominal_one_on_average() -> None:
    rows = rows_until(started("watts=50"), 100.01)
    assert {round(row["cycr"] * row["freq"], 3) for row in rows} == {24.0, 25.0}
    assert sum(row["cycr"] for row in rows) / len(rows) == pytest.approx(0.5, abs=0.0002)
    assert [row["count"] for row in rows] == list(range(10267, 10267 + len(rows)))


def test_the_energy_of_a_step_comes_out_with_the_true_cycle_and_not_with_the_nominal_one() -> None:
    rows = rows_until(started("watts=0:20,3.3:120", cycle_s="0.05"), 10.0)
    last_s = sum(row["cycr"] for row in rows)
    energy_j = sum(row["p"] * row["cycr"] for row in rows)
    assert energy_j == pytest.approx(20 * 3.3 + 120 * (last_s - 3.3), rel=1e-4)


@pytest.mark.parametrize("kind", ["lmg95", "lmg450", "lmg670"])
@given(watts=st.floats(0.01, 3600.0))
def test_what_the_emulator_sends_the_driver_decodes_to_the_power_it_was_given(kind: str, watts: float) -> None:
    dialect = {"lmg95": zes_dialects.LMG95, "lmg450": zes_dialects.LMG450, "lmg670": zes_dialects.LMG670}[kind]
    action = "actn;" + ";".join(item + "?" for item in dialect.items(dialect.channels)) + "\ncont on\n"
    device = started(f"watts={watts!r}", kind, row=action.encode())
    assert device.next_push_s is not None
    (line,) = device.push(device.next_push_s)
    row = zes_codec.decode_row(line, dialect.names)
    zes_codec.check_row(row, 0.5)
    reading = zes_codec.to_reading(row, 1, frozenset())
    assert reading.power_w == pytest.approx(watts, rel=1e-5)


def test_a_break_or_a_reset_ends_the_stream_and_only_the_first_keeps_the_settings() -> None:
    for mark in (b"\xff\xf3", b"\0"):
        device = started("watts=50")
        assert device.receive(b"half a comm" + mark + b"*idn?\r\n", 1.0)[0].startswith(b"ZES ZIMMER")
        assert device.next_push_s is None
        device.receive(b"cont on\r\n", 1.0)
        assert device.push(1.5)[0].count(b";") == 8
    device.receive(b"*rst\r\ncont on\r\n", 2.0)
    assert device.push(2.5) == [b"\r\n"]


def test_an_unknown_command_is_kept_as_an_error_until_it_is_asked_for() -> None:
    device = started("watts=50")
    assert device.receive(b"cal:date 1;urng x;*opc?\r\nlang scpi\r\n", 0.1) == [b"1\r\n"]
    assert device.receive(b"syst:err:all?\r\nsyst:err:all?\r\n", 0.2) == [
        b'-113,"Undefined header",-113,"Undefined header"\r\n',
        b'0,"No error"\r\n',
    ]


PUBLISHED_CLIENT = [  # lmgtools: what it sends, and how many lines it then waits for
    (b"syst:lang short\r\ncont off\r\n\xff\xf3*cls;*OPC?\r\n", [b"1\r\n"]),
    (b"*rst;*OPC?\r\n", [b"1\r\n"]),
    (b"*idn?\r\n", [b"ZES ZIMMER Electronic Systems GmbH,LMG95,EMULATED,0.0\r\n"]),
    (b"lang scpi\r\nsyst:err:all?\r\n", [b'0,"No error"\r\n']),
    (b"syst:lang short\r\nCYCL 0.5;*OPC?\r\n", [b"1\r\n"]),
    (b"FAAF 0;*OPC?\r\nFILT 4;*OPC?\r\n", [b"1\r\n"] * 2),
    (b"iam manual;*OPC?\r\nirng 10.0;*OPC?\r\n", [b"1\r\n"] * 2),
    (b"uam manual;*OPC?\r\nurng 250.0;*OPC?\r\n", [b"1\r\n"] * 2),
    (b"actn;count?;sctc?;cycr?;freq?;utrms?;itrms?;udc?;idc?;ucf?;icf?;uff?;iff?;p?;q?;s?;pf?\r\ncont on\r\n", []),
]


def test_the_bytes_a_published_client_sends_get_what_it_waits_for() -> None:
    device = LmgDevice(parse_profile("watts=50", 1), seed=1, kind="lmg95")
    for said, expected in PUBLISHED_CLIENT:
        assert device.receive(said, 0.0) == expected
    assert device.next_push_s is not None
    (row,) = device.push(device.next_push_s)
    values = [float(text) for text in row.removesuffix(b"\r\n").split(b";")]
    assert (len(values), values[12]) == (16, 50.0)
    assert device.receive(b"cont off\r\nlang scpi\r\nsyst:err:all?\r\ngtl\r\n", 1.0) == [b'0,"No error"\r\n']
    assert device.next_push_s is None


# --- the process against a client of a few system calls ------------------------------------------------------------


def test_the_emulator_answers_the_published_dialogue_of_an_lmg670(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", name="lmg670")
    host, port = emulator.address.removeprefix("socket://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as client, client.makefile("rb") as file:
        client.sendall(b"*rst;*cls;*opc?\n*idn?\n*zlang short\niauto1 0;uauto1 0;irng1 10.0;urng1 250.0;*opc?\n")
        assert file.readline() == b"1\n"
        assert file.readline() == b"ZES ZIMMER Electronic Systems GmbH,LMG670,EMULATED,0.0\n"
        assert file.readline() == b"1\n"
        client.sendall(b"cycl 0.05\nactn;tsnorm1?;durnorm1?;utrms1?;p1?;pf1?;fcyc1?\ncont on\n")
        fields = file.readline().strip().split(b";")
        assert fields[0].startswith(b"2026:01:01D00:00:0")
        assert fields[3] == b"5.000000E+01"
        client.sendall(b"cont off\n*zlang scpi\nsyst:err:all?\n")
        rest = next(line for line in iter(file.readline, b"") if line.count(b";") != 5)
        assert rest == b'0,"No error"\n'


# --- the driver on the emulator -------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zes_dialogue, "QUIET_S", 0.08)


@pytest.fixture
def emulator(start_emulator: StartEmulator) -> EmulatorProcess:
    return start_emulator("--profile", "watts=50", name="lmg95")


@pytest.fixture
def meter(emulator: EmulatorProcess) -> Iterator[Meter]:
    opened = open_meter("lmg95", emulator.address, capture=None, options=SHORT_CYCLE)
    yield opened
    opened.close()


def read_many(meter: Meter, count: int) -> list[Reading]:
    return [meter.read(2.0) for _ in range(count)]


def test_every_row_arrives_once_with_its_true_cycle_and_is_marked_emulated(meter: Meter) -> None:
    readings = read_many(meter, 20)
    assert {reading.power_w for reading in readings} == {50.0}
    assert not any(reading.flags for reading in readings)
    assert {round(reading.window_s, 3) for reading in readings} == {0.04, 0.06}
    assert meter.identify().emulated
    assert meter.origin().kind == "emulated"
    arrived_s = (readings[-1].time_ns - readings[0].time_ns) / 1e9
    assert sum(reading.window_s for reading in readings[1:]) == pytest.approx(arrived_s, abs=0.05)


SHOWN: list[tuple[str, list[set[str]], list[float | None]]] = [
    ("no-value=2", [{"nan"}, {"nan"}], [None, None]),
    ("overrange=2", [{"overrange"}, {"overrange"}], [None, None]),
    ("repeat", [{"stale"}], [50.0]),
    ("duplicate", [{"stale"}], [50.0]),
    ("lost=2", [{"resynced"}], [50.0]),
    ("counter-wrap", [{"resynced"}], [50.0]),
    ("half", [{"resynced"}], [50.0]),
]


def read_until_it_ends(meter: Meter, flagged: int) -> list[Reading]:
    """The readings until so many bore a flag, and three behind them. The emulator takes a fault when it comes to it."""
    readings: list[Reading] = []
    while sum(bool(reading.flags) for reading in readings) < flagged:
        assert len(readings) < 400, "the emulator never took the fault"
        readings += read_many(meter, 1)
    return readings + read_many(meter, 3)


def test_a_fault_shows_as_its_flag_and_ends(meter: Meter, emulator: EmulatorProcess) -> None:
    for fault, flags, powers in SHOWN:
        read_many(meter, 1)
        emulator.fault(fault)
        readings = read_until_it_ends(meter, len(flags))
        marked = [reading for reading in readings if reading.flags]
        assert [set(reading.flags) for reading in marked] == flags, fault
        assert [reading.power_w for reading in marked] == powers, fault
        assert {reading.power_w for reading in readings if not reading.flags} == {50.0}, fault


def test_the_counters_start_again_at_0_without_a_flag(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--fault", "counter-wrap", name="lmg95")
    meter = open_meter("lmg95", emulator.address, capture=None, options=SHORT_CYCLE)
    try:
        assert not any(reading.flags for reading in read_many(meter, 5))
    finally:
        meter.close()


def test_a_setting_the_instrument_refuses_is_an_error_at_the_start(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--fault", "refuse", name="lmg95")
    with pytest.raises(MeterRefused, match="refused a setting: found '-113"):
        open_meter("lmg95", emulator.address, capture=None, options=SHORT_CYCLE)


def test_an_answer_that_fails_to_come_is_asked_for_again(
    start_emulator: StartEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zes_dialogue, "REPLY_WAIT_S", 0.3)
    emulator = start_emulator("--profile", "watts=50", "--fault", "mute", name="lmg450")
    meter = open_meter("lmg450", emulator.address, capture=None, options={**SHORT_CYCLE, "channel": 3})
    try:
        assert [reading.power_w for reading in read_many(meter, 3)] == [50.0] * 3
    finally:
        meter.close()


def test_a_stream_that_a_killed_program_left_behind_is_stopped_at_the_start(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", name="lmg670")
    host, port = emulator.address.removeprefix("socket://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        client.sendall(b"*zlang short\ncycl 0.05\nactn;p1?\ncont on\n")
        assert client.recv(64)
    meter = open_meter("lmg670", emulator.address, capture=None, options=SHORT_CYCLE)
    try:
        assert [reading.power_w for reading in read_many(meter, 3)] == [50.0] * 3
    finally:
        meter.close()


def test_silence_is_a_timeout_and_the_rows_after_it_are_resynced(meter: Meter, emulator: EmulatorProcess) -> None:
    emulator.fault("silence")
    begin = time.monotonic()
    with pytest.raises(MeterTimeout):
        read_until_error(meter)
    assert time.monotonic() - begin < 12.0
    emulator.fault("speak")
    readings = read_many(meter, 3)
    assert [bool(reading.flags) for reading in readings] == [True, False, False]


def test_rows_that_are_all_torn_are_garbage_in_time(meter: Meter, emulator: EmulatorProcess) -> None:
    emulator.fault("digits=always")
    with pytest.raises(MeterGarbage, match="no valid row before the deadline"):
        read_until_error(meter)
    emulator.fault("clear")
    assert meter.read(2.0).flags == {"resynced"}


def read_until_error(meter: Meter) -> None:
    for _row in itertools.repeat(None, 50):
        meter.read(0.3)


def test_the_second_port_of_an_lmg670_takes_a_break_and_says_so() -> None:
    wire = BreakableTcpWire("127.0.0.1", 0, bytes_per_s=None, sink=None)
    try:
        host, _colon, port = wire.address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as first:
            first.sendall(b"cont on\n")
            with socket.create_connection((host, int(port) + 1), timeout=30) as beside:
                beside.sendall(b"bre")
                heard = b"".join(wire.receive() for _turn in range(3))
                beside.sendall(b"ak\n")
                while b"\xff\xf3" not in heard:
                    heard += wire.receive()
                assert beside.recv(64) == b"0 ok\n"
        wire.unplug()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((host, int(port) + 1), timeout=30)
    finally:
        wire.unplug()


def test_a_second_port_that_is_taken_is_said_where_the_first_was_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1] - 1
        with pytest.raises(OSError, match="in use"):
            BreakableTcpWire("127.0.0.1", port, bytes_per_s=None, sink=None)
