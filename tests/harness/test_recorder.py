"""The recorder against an emulated meter in its own process: it never hangs, never invents, always comes back."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.measure.agent_recorder import AgentRecorder
from harness.measure.journal import Journal, seal_run
from harness.measure.recorder import MeterRecorder
from harness.record.documents import (
    ActionEvent,
    GapEvent,
    IndicatorDescriptor,
    NoteEvent,
    PhaseEvent,
    PowerDescriptor,
    Start,
    Stop,
    WorkEvent,
)
from harness.record.run_folder import RunFolder
from harness.record.run_writer import RunWriter
from meters.meter import MeterGarbage
from meters.reading import Description, Identity, Origin, Reading
from meters.registry import open_meter
from tests.harness.emulated import emulator
from tests.harness.start import START


@dataclass
class Bench:
    writer: RunWriter
    journal: Journal
    port: str
    control: Path

    def recorder(self) -> MeterRecorder:
        wire = self.writer.open_stream("wire-wall.log")
        meter = open_meter("wattsup", self.port, capture=wire, options={})
        recorder = MeterRecorder("wall", "sut-ac-inlet", meter, wire, self.writer, self.journal)
        recorder.announce()
        return recorder

    def fault(self, line: str) -> None:
        with self.control.open("w") as pipe:
            pipe.write(line + "\n")

    def sealed(self) -> RunFolder:
        stop = Stop(time_ns=9, utc="", exit_status="success", reason=None, streams=self.writer.stream_summary())
        seal_run(self.writer, self.journal, stop)
        return RunFolder.open(self.writer.folder)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with emulator(tmp_path / "port") as ready, RunWriter(tmp_path / "run") as writer:
        writer.append(Start(**START))
        journal = Journal(writer)
        try:
            yield Bench(writer, journal, ready["port"], Path(ready["control"]))
        finally:
            journal.close()


def wait_for(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "the condition was never met"
        time.sleep(0.02)


def rows(run: RunFolder) -> list[list[str]]:
    return [line.split(",") for line in (run.path / "readings-wall.csv").read_text().splitlines()]


def powers(run: RunFolder) -> set[str]:
    table = rows(run)
    return {row[table[0].index("power_w")] for row in table[1:]}


def gaps(run: RunFolder) -> list[GapEvent]:
    return [event for event in run.events if isinstance(event, GapEvent)]


def test_readings_land_in_the_stream_and_the_descriptor_says_emulated(bench: Bench) -> None:
    recorder = bench.recorder()
    assert recorder.wait_spoken(40)
    time.sleep(0.6)
    recorder.stop()
    run = bench.sealed()
    assert powers(run) == {"100.0"}
    assert rows(run)[0][:2] == ["time_ns", "power_w"]
    assert rows(run)[0][-2:] == ["window_s", "flags"]
    times = [int(row[0]) for row in rows(run)[1:]]
    assert times == sorted(times)
    [descriptor] = run.power
    assert isinstance(descriptor, PowerDescriptor)
    assert (descriptor.origin, descriptor.meter, descriptor.circuit) == ("emulated", "wall", "sut-ac-inlet")
    assert "EMULATED" in json.dumps(descriptor.identity)
    assert gaps(run) == []


def test_unplugging_in_mid_run_is_a_gap_and_the_run_recovers_on_replug(bench: Bench) -> None:
    recorder = bench.recorder()
    assert recorder.wait_spoken(40)
    bench.fault("unplug")
    time.sleep(1.5)
    bench.fault("replug")
    before = recorder.last
    wait_for(lambda: recorder.last is not before)
    recorder.stop()
    run = bench.sealed()
    assert powers(run) == {"100.0"}
    [gap] = gaps(run)
    assert gap.cause == "unplugged"
    assert gap.to_ns - gap.from_ns > 1.4e9
    assert recorder.failure is None
    stamps = [int(row[0]) for row in rows(run)[1:]]
    assert not [stamp for stamp in stamps if gap.from_ns < stamp < gap.to_ns]


def test_a_meter_that_never_comes_back_is_a_gap_until_the_end_and_hangs_nothing(bench: Bench) -> None:
    recorder = bench.recorder()
    assert recorder.wait_spoken(40)
    bench.fault("unplug")
    time.sleep(1.0)
    begin = time.monotonic()
    recorder.stop()
    assert time.monotonic() - begin < 40
    [gap] = gaps(bench.sealed())
    assert gap.cause == "unplugged"


def test_a_silent_meter_is_a_gap_and_is_heard_again(bench: Bench) -> None:
    recorder = bench.recorder()
    assert recorder.wait_spoken(40)
    bench.fault("silence")
    time.sleep(4.5)
    bench.fault("speak")
    before = recorder.last
    wait_for(lambda: recorder.last is not before)
    recorder.stop()
    run = bench.sealed()
    assert [gap.cause for gap in gaps(run)] == ["silent"]
    assert powers(run) == {"100.0"}


@pytest.mark.parametrize(
    "fault", ["garbage=20", "nul=20", "half=20", "tail=20", "extra=20", "digits=20", "split=20", "stray=20"]
)
def test_no_damaged_line_becomes_a_number(bench: Bench, fault: str) -> None:
    recorder = bench.recorder()
    assert recorder.wait_spoken(40)
    bench.fault(fault)
    time.sleep(2.5)
    before = recorder.last
    wait_for(lambda: recorder.last is not before)
    recorder.stop()
    run = bench.sealed()
    assert powers(run) <= {"100.0", ""}
    assert recorder.failure is None


class ScriptedMeter:
    """A meter that does what a test says, to reach what no wire of ours does."""

    def __init__(self, script: list[Reading | Exception]) -> None:
        self._script = script

    def identify(self) -> Identity:
        return Identity("maker", "model", "1", "fw")

    def origin(self) -> Origin:
        return Origin("unattested", {})

    def describe(self) -> Description:
        return Description("scripted", "window", 1.0, "end", 0.0, (), "uncalibrated")

    def read(self, timeout_s: float) -> Reading:
        if not self._script:
            time.sleep(timeout_s)
            raise MeterGarbage("nothing left")
        step = self._script.pop(0)
        if isinstance(step, Exception):
            raise step
        return replace(step, time_ns=time.monotonic_ns())

    def reopen(self) -> None:
        raise AssertionError("not asked for")

    def close(self) -> None:
        pass


def test_another_instrument_at_the_port_ends_the_stream_with_its_error(bench: Bench) -> None:
    from meters.meter import MeterMismatch

    script: list[Reading | Exception] = [Reading(0, 5.0), MeterMismatch("another meter")]
    wire = bench.writer.open_stream("wire-wall.log")
    recorder = MeterRecorder("wall", "c", ScriptedMeter(script), wire, bench.writer, bench.journal)
    recorder.announce()
    wait_for(lambda: recorder.failure is not None)
    recorder.stop()
    assert str(recorder.failure) == "another meter"


def agent_records() -> list[dict[str, Any]]:
    stamp = {"sut_ns": 5, "sut_wall_ns": 6}
    return [
        {"rec": "descriptor", "columns": [{"name": "cpu_percent", "unit": "%"}, {"name": "ram_used_kb", "unit": "kB"}]},
        {"rec": "sample", "values": [None, 17], **stamp},
        {"rec": "phase", "name": "rating", "edge": "begin", **stamp},
        {"rec": "marker", "action": "epoch", "index": 2, "edge": "end", "metrics": {"loss": float("nan")}, **stamp},
        {"rec": "sample", "values": [1.0], **stamp},
        {"rec": "marker", "edge": "end"},
        {"rec": "new-kind", **stamp},
    ]


def test_work_is_an_event_of_its_own_and_bad_work_costs_itself_alone(bench: Bench) -> None:
    recorder = AgentRecorder(bench.writer, bench.journal, 1.0)
    stamp = {"sut_ns": 5, "sut_wall_ns": 6}
    end = {"rec": "marker", "action": "epoch", "index": 0, "edge": "end", **stamp}
    bad: list[Any] = [
        {"tokens": -1}, {"tokens": "many"}, {"tokens": float("nan")}, [1], {f"unit{i}": 1 for i in range(21)},
    ]  # fmt: skip
    for record in (
        {"rec": "marker", "work": {"early": 1}, **stamp},
        {"rec": "phase", "name": "rating", "edge": "begin", **stamp},
        {"rec": "marker", "work": {"tokens": 512, "sentences": 2.5}, **stamp},
        {**end, "work": {"tokens": 3}},
        *({**end, "index": 1 + place, "work": work} for place, work in enumerate(bad)),
    ):
        recorder.on_record(record)
    recorder.close()
    events = bench.sealed().events
    work = [event for event in events if isinstance(event, WorkEvent)]
    assert [event.amounts for event in work] == [{"tokens": 512, "sentences": 2.5}, {"tokens": 3}]
    assert [event.index for event in events if isinstance(event, ActionEvent)] == list(range(1 + len(bad)))
    notes = [event.text for event in events if isinstance(event, NoteEvent)]
    assert len(notes) == 1 + len(bad)
    assert all(text.startswith("work: ") for text in notes)


def test_agent_records_become_samples_events_and_notes_and_nothing_is_dropped(bench: Bench) -> None:
    recorder = AgentRecorder(bench.writer, bench.journal, 1.0)
    for record in agent_records():
        recorder.on_record(record)
    recorder.close()
    run = bench.sealed()
    assert (run.path / "samples-agent.csv").read_text() == "sut_ns,sut_wall_ns,cpu_percent,ram_used_kb\n5,6,,17\n"
    assert [type(d) for d in run.indicators] == [IndicatorDescriptor]
    assert [e.sut_ns for e in run.events if isinstance(e, PhaseEvent)] == [5]
    [epoch] = [e for e in run.events if isinstance(e, ActionEvent)]
    assert (epoch.index, epoch.metrics) == (2, {"loss": None})
    codes = [e.code for e in run.events if isinstance(e, NoteEvent)]
    assert codes == ["not-finite", "agent-garbled", "agent-garbled", "agent-unknown"]
