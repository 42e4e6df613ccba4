"""The emulator as a process of its own: against raw bytes, against the driver, with every fault."""

from __future__ import annotations

import io
import itertools
import os
import re
import select
import signal
import time
import tty
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters import wattsup
from meters.emulators.virtual_sut import PowerSpan, parse_profile
from meters.emulators.wattsup import NAMES, WattsUpDevice, encode_line
from meters.meter import Meter, MeterGarbage, MeterTimeout, MeterUnavailable, MeterUnplugged
from meters.reading import Reading
from meters.registry import open_meter
from meters.splitters import FrameSplitter
from meters.wire import Chunk
from meters.wire_log import read_capture
from tests.meters.conftest import StartEmulator, wait_until

FAST = ("--interval", "0.03", "--profile", "watts=50")


# --- the emulator against bytes that are not the driver's ------------------------------------------------------


class RawClient:
    """A client of a few system calls that knows nothing of ours."""

    def __init__(self, port: Path) -> None:
        self.fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)
        self.heard = b""

    def ask(self, request: bytes, pattern: bytes, timeout_s: float = 12.0) -> re.Match[bytes] | None:
        os.write(self.fd, request)
        end = time.monotonic() + timeout_s
        while (match := re.search(pattern, self.heard)) is None and time.monotonic() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                self.heard += os.read(self.fd, 4096)
        if match is not None:
            self.heard = self.heard[match.end() :]
        return match


def test_the_emulator_answers_a_raw_client_as_the_protocol_says(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--interval", "0.1")
    client = RawClient(emulator.port)
    try:
        version = client.ask(b"#V,R,0;", rb"#v,-,8((,[^,;]*){8});\r\n")
        assert version is not None
        assert b"EMULATED" in version.group(1)
        header = client.ask(b"#H,R,0;", rb"#h,-,18,W,V,A,WH,Cost,WH/Mo,Cost/Mo,Wmax,.*,PF,DC,PC,Hz,VA;\r\n")
        assert header is not None
        assert client.ask(b"#X,Y,0;noise#", rb"#", timeout_s=0.3) is None
        line = client.ask(b"#L,W,3,E,,1;#L,W,3,E,-,1;", rb"#d,-,18,(\d+),(\d+),(\d+),(\d+)(,\d+){14};\r\n")
        assert line is not None
        assert float(line.group(1)) / 10 == 50.0
        assert 2290 < int(line.group(2)) < 2310
        selected = client.ask(b"#C,W,18,1" + b",0" * 17 + b";", rb"#d,-,18,500(,_){17};\r\n")
        assert selected is not None
        client.ask(b"#L,R,0;", rb"never", timeout_s=0.3)
        client.heard = b""
        assert client.ask(b"", rb"#d", timeout_s=0.4) is None
    finally:
        os.close(client.fd)


def test_the_register_counts_from_the_clearing_of_the_memory() -> None:
    device = WattsUpDevice(ScriptedWatts(3600.0 * 2), seed=1)
    device.receive(b"#L,W,3,E,0,1;", 0.0)
    wh = [int(device.push(float(second))[0].split(b",")[6]) for second in (1, 2)]
    device.receive(b"#R,W,0;", 2.0)
    wh.append(int(device.push(3.0)[0].split(b",")[6]))
    assert wh == [20, 40, 20]


def test_a_step_within_an_interval_counts_with_its_share_and_shows_in_minimum_and_maximum() -> None:
    device = WattsUpDevice(parse_profile("watts=0:0,0.75:1440", 1), seed=1)
    device.receive(b"#L,W,3,E,0,1;", 0.0)
    fields = device.push(1.0)[0].split(b",")
    assert (fields[3], fields[10], fields[13]) == (b"3600", b"14400", b"0")
    assert device.energy_wh == pytest.approx(0.1)


def test_a_reset_meter_is_mute_and_does_not_push() -> None:
    device = WattsUpDevice(ScriptedWatts(50.0), seed=1)
    device.receive(b"#L,W,3,E,0,1;", 0.0)
    assert device.receive(b"#V,W,0;#V,R,0;", 1.0) == []
    assert device.next_push_s is None
    assert device.receive(b"#V,R,0;", 14.9) == []
    assert len(device.receive(b"#V,R,0;", 16.1)) == 1


class ScriptedWatts:
    """Constant power, written here so that the register test does not lean on the scripts of the emulator."""

    def __init__(self, power_w: float) -> None:
        self.power_w = power_w

    def advance(self, to_s: float) -> PowerSpan:
        return PowerSpan(self.power_w, self.power_w, self.power_w)


# --- the two codecs against each other ---------------------------------------------------------------------------

TRIPLES = {
    name: st.lists(st.integers(0, highest), min_size=3, max_size=3).map(sorted)
    for name, highest in (("W", 60_000), ("V", 3_000), ("A", 20_000))
}
OTHERS = st.fixed_dictionaries(
    {name: st.integers(0, 10**9) for name in ("WH", "Cost", "WH/Mo", "Cost/Mo", "PC")}
    | {"PF": st.integers(0, 100), "DC": st.integers(0, 100)}
    | {"Hz": st.just(0) | st.integers(400, 700), "VA": st.integers(0, 60_000)}
)


@given(st.fixed_dictionaries(TRIPLES), OTHERS, st.lists(st.booleans(), min_size=18, max_size=18))
def test_what_the_emulator_encodes_the_driver_decodes_to_the_same_counts(
    triples: dict[str, list[int]], counts: dict[str, int], selected: list[bool]
) -> None:
    for name, (low, middle, high) in triples.items():
        counts |= {name + "min": low, name: middle, name + "max": high}
    line = encode_line(counts, NAMES, selected)
    (frame,) = FrameSplitter(b"#", b";", wattsup.FRAME_LIMIT).feed(Chunk(1, line))
    expected = {name: counts[name] if chosen else None for name, chosen in zip(NAMES, selected, strict=True)}
    assert wattsup.decode_data(wattsup.decode_packet(frame.body), 18) == expected


# --- the driver on the emulator, with faults ---------------------------------------------------------------------


def test_the_driver_reads_the_emulator_and_marks_it_emulated(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*FAST)
    sink = io.BytesIO()
    meter = open_meter("wattsup", str(emulator.port), capture=sink, options={})
    try:
        readings = [meter.read(2.0) for _ in range(20)]
        assert {reading.power_w for reading in readings} == {50.0}
        assert all(reading.voltage_v and 229 < reading.voltage_v < 231 for reading in readings)
        assert not any(reading.flags for reading in readings)
        assert meter.identify().emulated
        assert meter.origin().kind == "emulated"
        assert meter.origin().evidence["device_major"] in range(136, 144)
        document = meter.describe().document(meter.identify(), meter.origin())
        assert document["origin"] == "emulated"
    finally:
        meter.close()
    replayed = FrameSplitter(b"#", b";", wattsup.FRAME_LIMIT)
    lines = [
        frame
        for part in read_capture(io.BytesIO(sink.getvalue()), "log")
        if part.direction == "<"
        for frame in replayed.feed(Chunk(part.time_ns, part.data))
        if frame.body.startswith(b"d")
    ]
    again = [
        wattsup.to_reading(wattsup.decode_data(wattsup.decode_packet(line.body), 18), line.time_ns, 1800.0, False)
        for line in lines
    ]
    assert again[: len(readings)] == readings


def test_an_old_meter_with_16_fields_is_read_without_frequency(
    start_emulator: StartEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wattsup, "LOG_WAIT_S", 0.3)
    emulator = start_emulator(*FAST, "--fields", "16", "--reserved", "-")
    meter = open_meter("wattsup", str(emulator.port), capture=None, options={"baud": 38400})
    try:
        reading = meter.read(2.0)
        assert (reading.power_w, reading.frequency_hz) == (50.0, None)
        names = [column.name for column in meter.describe().columns]
        assert names == ["power_w", "voltage_v", "current_a", "power_factor", "energy_wh"]
    finally:
        meter.close()


DAMAGING = ("garbage=3", "half=3", "tail=3", "extra=3", "digits=3", "half", "garbage")
HARMLESS = ("nul=3", "stray=3", "split=3")


@pytest.mark.parametrize("fault", [*DAMAGING, *HARMLESS])
def test_a_fault_in_mid_stream_never_becomes_a_number_and_the_meter_comes_back(
    start_emulator: StartEmulator, fault: str
) -> None:
    emulator = start_emulator(*FAST)
    meter = open_meter("wattsup", str(emulator.port), capture=None, options={})
    try:
        readings = [meter.read(2.0) for _ in range(3)]
        emulator.fault(fault)
        readings += [meter.read(2.0) for _ in range(20)]
        assert {reading.power_w for reading in readings} == {50.0}
        assert {reading.energy_wh for reading in readings} == {0.0}
        resynced = [reading for reading in readings if "resynced" in reading.flags]
        assert bool(resynced) == (fault in DAMAGING)
        assert not readings[-1].flags
    finally:
        meter.close()


def test_every_line_torn_is_garbage_at_the_deadline_and_not_a_hang(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*FAST)
    meter = open_meter("wattsup", str(emulator.port), capture=None, options={})
    try:
        emulator.fault("digits=always")
        begin = time.monotonic()
        with pytest.raises(MeterGarbage, match=r"no valid line before the deadline"):
            read_many(meter, 10, 0.5)
        assert time.monotonic() - begin < 20.0
        emulator.fault("clear")
        reading = meter.read(2.0)
        assert (reading.power_w, reading.flags) == (50.0, frozenset({"resynced"}))
    finally:
        meter.close()


def test_duplicate_lines_are_delivered_as_they_came(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--interval", "0.03", "--profile", "load=0.5")
    meter = open_meter("wattsup", str(emulator.port), capture=None, options={})
    try:
        meter.read(2.0)
        emulator.fault("duplicate=5")
        readings = [meter.read(2.0) for _ in range(25)]
        repeated = [pair for pair in itertools.pairwise(readings) if values_of(pair[0]) == values_of(pair[1])]
        assert len(repeated) >= 5
    finally:
        meter.close()


def read_many(meter: Meter, count: int, timeout_s: float) -> list[Reading]:
    return [meter.read(timeout_s) for _ in range(count)]


def values_of(reading: Reading) -> tuple[float | None, ...]:
    return (reading.power_w, reading.voltage_v, reading.current_a, reading.apparent_power_va)


def test_a_silent_meter_is_a_timeout_until_it_speaks_again(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*FAST)
    meter = open_meter("wattsup", str(emulator.port), capture=None, options={})
    try:
        emulator.fault("silence")
        with pytest.raises(MeterTimeout):
            read_many(meter, 10, 0.3)
        emulator.fault("speak")
        assert meter.read(2.0).power_w == 50.0
        emulator.fault("late=0.6")
        with pytest.raises(MeterTimeout):
            read_many(meter, 10, 0.3)
        assert meter.read(2.0).power_w == 50.0
    finally:
        meter.close()


def test_unplugging_is_noticed_and_replugging_gives_readings_again(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*FAST)
    meter = open_meter("wattsup", str(emulator.port), capture=None, options={})
    try:
        for _round in range(2):
            emulator.fault("half")
            time.sleep(0.1)  # or the half line would be the answer after the replugging, which costs a retry
            emulator.fault("unplug")
            begin = time.monotonic()
            with pytest.raises(MeterUnplugged, match="went away"):
                read_many(meter, 50, 1.0)
            assert time.monotonic() - begin < 12.0
            assert not emulator.port.is_symlink()
            with pytest.raises(MeterUnavailable, match="no such port"):
                meter.reopen()
            emulator.fault("replug")
            wait_until(emulator.port.exists, "the port")
            meter.reopen()
            readings = [meter.read(2.0) for _ in range(3)]
            assert [reading.power_w for reading in readings] == [50.0] * 3
            assert [bool(reading.flags) for reading in readings] == [True, False, False]
    finally:
        meter.close()


def test_a_late_answer_to_an_earlier_question_does_not_confuse_the_start(
    start_emulator: StartEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wattsup, "REPLY_WAIT_S", 0.3)
    emulator = start_emulator(*FAST, "--fault", "late=0.5")
    meter = open_meter("wattsup", str(emulator.port), capture=None, options={})
    try:
        assert [meter.read(2.0).power_w for _ in range(3)] == [50.0] * 3
    finally:
        meter.close()


def test_the_meter_counts_on_while_nobody_listens_but_keeps_no_old_lines(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--interval", "0.002", "--no-throttle", "--profile", "watts=0:20,2:80")
    open_meter("wattsup", str(emulator.port), capture=None, options={}).close()
    time.sleep(2.5)
    meter = open_meter("wattsup", str(emulator.port), capture=None, options={})
    try:
        assert meter.read(2.0).power_w == 80.0  # an old line would say 20
    finally:
        meter.close()


def test_a_thousand_readings_a_second_arrive_all_and_in_order(start_emulator: StartEmulator, tmp_path: Path) -> None:
    log = tmp_path / "sent.log"
    arguments = ("--interval", "0.001", "--no-throttle", "--profile", "watts=50", "--capture", str(log))
    emulator = start_emulator(*arguments)
    sink = io.BytesIO()
    meter = open_meter("wattsup", str(emulator.port), capture=sink, options={})
    try:
        readings = [meter.read(2.0) for _ in range(2000)]
    finally:
        meter.close()
    assert emulator.stop() == (0, "")
    assert not any(reading.flags for reading in readings)
    with log.open("rb") as file:
        sent = b"".join(part.data for part in read_capture(file, "sent") if part.direction == "<")
    got = b"".join(part.data for part in read_capture(io.BytesIO(sink.getvalue()), "got") if part.direction == "<")
    assert got.count(b"#d") >= 2000
    assert sent.startswith(got)


# --- the process --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_emulator_cleanly(start_emulator: StartEmulator, number: signal.Signals) -> None:
    emulator = start_emulator()
    assert emulator.ready["port"] == str(emulator.port)
    assert emulator.ready["device"] == os.path.realpath(emulator.port)
    assert Path(emulator.ready["control"]).is_fifo()
    assert emulator.stop(number) == (0, "")
    assert list(emulator.port.parent.iterdir()) == []


def test_a_killed_emulator_leaves_nothing_in_the_way_of_the_next(start_emulator: StartEmulator, tmp_path: Path) -> None:
    port = str(tmp_path / "again")
    assert start_emulator("--link", port).stop(signal.SIGKILL)[0] == -signal.SIGKILL
    emulator = start_emulator("--link", port, *FAST)
    meter = open_meter("wattsup", port, capture=None, options={})
    assert meter.read(2.0).power_w == 50.0
    meter.close()
    second = start_emulator("--link", port)
    code, text = second.stop()
    assert (code, second.ready) == (1, {})
    assert "in use by another emulator" in text
    assert emulator.process.poll() is None


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--profile", "gpu"), "expected cpu, load=L"),
        (("--fault", "explode"), "expected one of clear, replug"),
        (("--interval", "0"), "--interval 0.0: expected a number above 0"),
        (("--baud", "-1"), "--baud -1: expected a number above 0"),
        (("--link", "/nowhere/wall"), "/nowhere/wall.control: No such file or directory"),
        (("--control", "/dev/null"), "/dev/null: in use by another emulator, or no pipe"),
        (("--link", "/etc/passwd", "--control", "CONTROL"), "/etc/passwd exists and is no symbolic link"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_exit_code_1(
    start_emulator: StartEmulator, tmp_path: Path, arguments: tuple[str, ...], text: str
) -> None:
    code, said = start_emulator(*(part.replace("CONTROL", str(tmp_path / "c")) for part in arguments)).stop()
    assert code == 1
    assert text in said
    assert said.count("\n") == 1


def test_an_unknown_fault_at_run_time_is_reported_and_changes_nothing(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*FAST)
    emulator.fault("explode")
    emulator.fault("unplug")
    wait_until(lambda: not emulator.port.is_symlink(), "the port to go")
    code, said = emulator.stop()
    assert code == 0
    assert "fault 'explode': expected one of" in said


def test_a_line_held_back_does_not_hold_back_the_end(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*FAST, "--fault", "late=50")
    client = RawClient(emulator.port)
    os.write(client.fd, b"#V,R,0;")
    time.sleep(0.3)
    begin = time.monotonic()
    assert emulator.stop() == (0, "")
    assert time.monotonic() - begin < 20.0
    os.close(client.fd)


def test_the_log_of_the_emulator_holds_only_what_somebody_could_take(
    start_emulator: StartEmulator, tmp_path: Path
) -> None:
    log = tmp_path / "sent.log"
    emulator = start_emulator(*FAST, "--capture", str(log))
    client = RawClient(emulator.port)
    assert client.ask(b"#L,W,3,E,0,1;", rb"#d[^;]*;") is not None
    os.close(client.fd)
    time.sleep(0.2)
    size = log.stat().st_size
    time.sleep(0.3)
    assert log.stat().st_size == size


def test_a_line_too_slow_for_its_meter_still_obeys_and_stops(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--interval", "0.001", "--baud", "9600", "--profile", "watts=50")
    meter = open_meter("wattsup", str(emulator.port), capture=None, options={})
    try:
        read_many(meter, 20, 2.0)
        emulator.fault("unplug")
        with pytest.raises(MeterUnplugged):
            read_many(meter, 50, 1.0)
    finally:
        meter.close()
    assert emulator.stop() == (0, "")


def test_a_meter_that_is_late_leaves_lines_out_and_loses_no_energy() -> None:
    device = WattsUpDevice(ScriptedWatts(3600.0), seed=1)
    device.receive(b"#L,W,3,E,0,1;", 0.0)
    lines = device.push(1.0) + device.push(30.0)
    assert device.next_push_s == 30.0
    assert [int(line.split(b",")[6]) for line in lines] == [10, 300]


def test_the_wire_takes_as_long_as_its_baud_rate_says(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*FAST, "--baud", "1200")
    client = RawClient(emulator.port)
    try:
        begin = time.monotonic()
        reply = client.ask(b"#H,R,0;", rb"#h[^;]*;\r\n")
        assert reply is not None
        assert time.monotonic() - begin >= len(reply.group(0)) * 10 / 1200
    finally:
        os.close(client.fd)
