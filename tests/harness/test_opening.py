"""Several meters: opened and asked at the same time, recorded in the order of lab.toml, let go where nobody waits."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from harness.measure import preflight_meters, speaking
from harness.measure.bench import Bench
from harness.measure.journal import Journal, seal_run
from harness.measure.opening import at_once
from harness.measure.recorder import MeterRecorder
from harness.measure.recorders import begin_all
from harness.measure.speaking import MeterAway, require_speaking
from harness.record.documents import Start, Stop
from harness.record.run_folder import RunFolder
from harness.record.run_writer import RunWriter
from harness.sut.machine import Sut
from meters.meter import Meter, MeterMismatch, MeterUnavailable
from meters.reading import Reading
from tests.harness.lying import LAB, SteadyMeter, bench_of, config_in
from tests.harness.start import START

LONG_S = 60.0
PORTS = {"wall": "/dev/ttyUSB0", "bmc": "ipmi://bmc", "topic": "mqtt://broker"}
SECTIONS = "".join(
    f'[meters.{name}]\ndriver = "{driver}"\nport = "{PORTS[name]}"\ncircuit = "{name}"\n'
    for name, driver in (("bmc", "ipmi"), ("topic", "mqtt"))
)
Opener = Callable[[BinaryIO], Meter]


@dataclass
class ClosedMeter(SteadyMeter):
    """One that says whether it was closed."""

    closed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__()

    def close(self) -> None:
        self.closed.set()


@dataclass
class Recording:
    """A run folder that meters of `bench` are recorded into."""

    bench: Bench
    writer: RunWriter
    journal: Journal
    recorders: list[MeterRecorder] = field(default_factory=list)

    def begin(self, **openers: Opener) -> None:
        begin_all(self.recorders, replace(self.bench, open_meters=openers), self.writer, self.journal)

    def sealed(self) -> RunFolder:
        for recorder in self.recorders:
            recorder.stop()
        stop = Stop(time_ns=9, utc="", exit_status="success", reason=None, streams=self.writer.stream_summary())
        seal_run(self.writer, self.journal, stop)
        return RunFolder.open(self.writer.folder)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return bench_of(config_in(tmp_path, LAB + SECTIONS), cast("Sut", SutWithoutData()))


@dataclass(frozen=True)
class SutWithoutData:
    """As much of a SUT as an inventory asks of it."""

    data_folder: str = "/data"


@pytest.fixture
def recording(bench: Bench, tmp_path: Path) -> Iterator[Recording]:
    with RunWriter(tmp_path / "run") as writer:
        writer.append(Start(**START))
        journal = Journal(writer)
        try:
            yield Recording(bench, writer, journal)
        finally:
            journal.close()


def together(barrier: threading.Barrier) -> Opener:
    """Opens when all others open too."""

    def opened(_: BinaryIO) -> Meter:
        barrier.wait(LONG_S)
        return SteadyMeter()

    return opened


def late(go: threading.Event, meter: Meter) -> Opener:
    """Opens when it is told."""

    def opened(wire: BinaryIO) -> Meter:
        assert go.wait(LONG_S)
        return meter

    return opened


def refused(_: BinaryIO) -> Meter:
    raise MeterMismatch("ipmi://bmc: another one")


def test_meters_are_opened_at_the_same_time(recording: Recording) -> None:
    opener = together(threading.Barrier(3))
    recording.begin(wall=opener, bmc=opener, topic=opener)
    assert all(recorder.wait_spoken(LONG_S) for recorder in recording.recorders)
    assert [one.meter for one in recording.sealed().power] == ["wall", "bmc", "topic"]


def test_the_one_that_opens_last_keeps_its_place_and_holds_up_no_reading(recording: Recording) -> None:
    opened = threading.Event()

    class Telling(SteadyMeter):
        def read(self, timeout_s: float) -> Reading:
            opened.set()
            return super().read(timeout_s)

    recording.begin(wall=late(opened, SteadyMeter()), bmc=lambda _: Telling(), topic=lambda _: SteadyMeter())
    assert [recorder.name for recorder in recording.recorders] == ["wall", "bmc", "topic"]
    assert [one.meter for one in recording.sealed().power] == ["wall", "bmc", "topic"]


def test_one_that_cannot_be_opened_ends_it_at_once_and_the_late_one_is_closed(recording: Recording) -> None:
    go, slow = threading.Event(), ClosedMeter()
    with pytest.raises(MeterMismatch, match="another one"):
        recording.begin(wall=late(go, slow), bmc=refused, topic=lambda _: SteadyMeter())
    run = recording.sealed()
    assert {one.meter for one in run.power} <= {"topic"}
    go.set()
    assert slow.closed.wait(LONG_S)
    assert RunFolder.open(run.path).power == run.power


def test_what_a_late_meter_says_is_no_part_of_the_run(recording: Recording) -> None:
    go, said = threading.Event(), threading.Event()

    def opened(wire: BinaryIO) -> Meter:
        assert go.wait(LONG_S)
        try:
            wire.write(b"1 < 00\n")
        finally:
            said.set()
        return SteadyMeter()

    with pytest.raises(MeterMismatch):
        recording.begin(wall=opened, bmc=refused, topic=lambda _: SteadyMeter())
    go.set()
    assert said.wait(LONG_S)
    assert (recording.writer.folder / "wire-wall.log").read_bytes() == b""


def test_jobs_behind_one_port_follow_one_another(bench: Bench) -> None:
    sections = dict(bench.config.file.meters)
    sections["topic"] = replace(sections["topic"], port=sections["bmc"].port)
    inside, most, lock = [0], [0], threading.Lock()

    def job() -> None:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.05)
        with lock:
            inside[0] -= 1

    for future in at_once({"bmc": job, "topic": job}, sections).values():
        future.result(LONG_S)
    assert most == [1]


def test_all_meters_are_asked_for_a_reading_at_the_same_time(bench: Bench) -> None:
    opener = together(threading.Barrier(3))
    openers = dict.fromkeys(("wall", "bmc", "topic"), opener)
    require_speaking(openers, bench.config.file.meters, lambda _: None)


def test_every_meter_that_is_away_is_named_while_it_is_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "AGAIN_S", 0.01)
    named: set[str] = set()

    def back(name: str) -> Opener:
        def opened(_: BinaryIO) -> Meter:
            if named >= {"bmc", "topic"}:
                return SteadyMeter()
            raise MeterUnavailable(f"{name}: nothing answers")

        return opened

    openers = {"wall": lambda _: SteadyMeter(), "bmc": back("bmc"), "topic": back("topic")}
    require_speaking(openers, bench.config.file.meters, named.add)
    assert named == {"bmc", "topic"}


def test_another_instrument_is_told_while_a_meter_is_still_waited_for(bench: Bench) -> None:
    go = threading.Event()
    try:
        openers = {"wall": late(go, SteadyMeter()), "bmc": refused}
        with pytest.raises(MeterAway, match="meter bmc: ipmi://bmc: another one"):
            require_speaking(openers, bench.config.file.meters, lambda _: None)
    finally:
        go.set()


def test_the_check_asks_all_meters_at_the_same_time_and_tells_in_the_order_of_lab_toml(bench: Bench) -> None:
    barrier = threading.Barrier(2)
    openers = {"wall": together(barrier), "bmc": refused, "topic": together(barrier)}
    reasons = list(preflight_meters.of_meters(bench.config, None, openers))
    subjects = list(dict.fromkeys(reason.subject for reason in reasons))
    assert subjects == ["meter wall", "meter bmc", "meter topic"]
    assert [reason.severity for reason in reasons if reason.subject == "meter bmc"] == ["refuse"]


def test_the_check_says_what_a_meter_of_a_house_that_delivers_can_not_measure(bench: Bench) -> None:
    class Delivering(SteadyMeter):
        def read(self, timeout_s: float) -> Reading:
            return replace(super().read(timeout_s), power_w=-500.0)

    openers: dict[str, Opener] = {"wall": lambda _: Delivering(), "bmc": lambda _: Delivering()}
    told = [
        (reason.subject, reason.severity, reason.text)
        for reason in preflight_meters.of_meters(bench.config, None, openers)
    ]
    assert ("meter wall", "warn", preflight_meters.DELIVERED) in told
    assert ("meter bmc", "warn", preflight_meters.DELIVERED) not in told
