"""The rating parts that are plugged into a run: what each adds to the phases, seen in the sealed journal."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.measure.attempt import Ended, execute
from harness.measure.gate import Condition
from harness.measure.lab_file import LabConfig
from harness.measure.observer import observer_scenarios
from harness.measure.plan import PlannedRun, warm_up
from harness.measure.rating.without_agent import MARGIN_S
from harness.measure.rating.words import OUTPUTS, last_words
from harness.measure.scenario import Scenario
from harness.record.documents import ClockEvent, Json, PhaseEvent, RunKind, WaitEvent
from harness.record.run_folder import RunFolder
from meters.meter import Meter
from tests.harness.lying import LAB, MATERIAL, WINDOW_S, Lie, LyingSut, SteadyMeter, bench_of, config_in, encoded

BLOCK_S = 0.3


class WatchedSut(LyingSut):
    """An honest SUT that writes down what the host does to it."""

    def __init__(self) -> None:
        super().__init__(Lie())
        self.steps: list[str] = []

    def attach(self, folder: str) -> Any:  # noqa: ANN401
        self.steps.append("agent")
        return super().attach(folder)

    def start_load(self, work: str, seconds: float) -> None:
        self.steps.append(f"load {seconds:g}")

    def close(self) -> None:
        self.steps.append("close")


def executed(
    folder: Path, config: LabConfig, sut: LyingSut, kind: RunKind, scenario: Scenario,
    meter: Callable[[], Meter] = SteadyMeter,
) -> Ended:  # fmt: skip
    planned = PlannedRun(ordinal=1, kind=kind, scenario=scenario.name, repetition=1, seed=1, block=1)
    return execute(
        bench_of(config, sut, meter), planned, scenario, folder, MATERIAL, attempt=1, previous_manifest=None,
        on_start=lambda _: None, on_phase=lambda *_: None, reference=None,
    )  # fmt: skip


def ends_of(folder: Path) -> tuple[int, int]:
    """When the rating interval of a run ended, and when its last reading came (ns)."""
    events = [event for event in RunFolder.open(folder).events if isinstance(event, PhaseEvent)]
    (ended_ns,) = [event.time_ns for event in events if (event.name, event.edge) == ("rating", "end")]
    return ended_ns, int((folder / "readings-wall.csv").read_text().splitlines()[-1].split(",")[0])


def test_a_run_goes_on_until_a_slow_meter_has_told_what_its_end_took(tmp_path: Path) -> None:
    config, folder = config_in(tmp_path), tmp_path / "20260101T000000Z-r01-0e"
    slow = partial(SteadyMeter, window_s=1.5)
    executed(folder, config, LyingSut(Lie()), "scenario", config.scenarios[0], slow)
    ended_ns, last_ns = ends_of(folder)
    assert last_ns >= ended_ns


def test_a_meter_that_has_fallen_silent_is_not_waited_for_without_end(tmp_path: Path) -> None:
    config, folder = config_in(tmp_path), tmp_path / "20260101T000000Z-r01-0f"
    silent = partial(SteadyMeter, end_ns=time.monotonic_ns() + 100_000_000)
    assert executed(folder, config, LyingSut(Lie()), "scenario", config.scenarios[0], silent).exit_status == "success"
    ended_ns, last_ns = ends_of(folder)
    assert last_ns < ended_ns


def phases(run: RunFolder) -> list[str]:
    return [f"{event.name} {event.edge}" for event in run.events if isinstance(event, PhaseEvent)]


@pytest.mark.parametrize("scenario", observer_scenarios(BLOCK_S), ids=lambda scenario: scenario.name)
def test_an_observer_block_is_marked_by_the_host_and_runs_nothing_else(tmp_path: Path, scenario: Scenario) -> None:
    config, sut = config_in(tmp_path), WatchedSut()
    assert executed(tmp_path / "20260101T000000Z-r01-0a", config, sut, "observer", scenario).exit_status == "success"
    run = RunFolder.open(tmp_path / "20260101T000000Z-r01-0a")
    assert phases(run) == [
        f"{name} {edge}" for name in ("stage", "stabilization", "rating", "unstage") for edge in ("begin", "end")
    ]
    begin, end = (e for e in run.events if isinstance(e, PhaseEvent) and e.name == "rating")
    assert (end.time_ns - begin.time_ns) * 1e-9 == pytest.approx(BLOCK_S, abs=2 * WINDOW_S)
    has_agent, is_loaded = scenario.parameters["agent"], scenario.parameters["load"] == "load"
    load = [f"load {config.file.campaign.stabilization_s + BLOCK_S + MARGIN_S:g}"] if is_loaded else []
    assert sut.steps == [*(["agent"] if has_agent else []), *load, *([] if has_agent else ["close"])]
    assert ("samples-agent.csv" in run.stop.streams if run.stop else None) is has_agent


def test_a_baseline_block_is_a_pause_between_clock_exchanges_and_a_supplementary_run(tmp_path: Path) -> None:
    config, sut = config_in(tmp_path), WatchedSut()
    block = replace(config.baseline, duration_s=BLOCK_S)
    assert executed(tmp_path / "20260101T000000Z-r01-0b", config, sut, "baseline", block).exit_status == "success"
    run = RunFolder.open(tmp_path / "20260101T000000Z-r01-0b")
    assert phases(run)[-6:] == [
        "rating begin", "rating end", "supplementary begin", "supplementary end", "unstage begin", "unstage end",
    ]  # fmt: skip
    assert sum(isinstance(event, ClockEvent) for event in run.events) >= 16


@pytest.mark.parametrize(("kills", "is_said"), [((2.0, 3.0), True), ((2.0, 2.0), False), ((None, None), False)])
def test_a_command_that_fails_while_the_kernel_kills_for_memory_failed_for_want_of_it(
    tmp_path: Path, kills: tuple[float | None, float | None], is_said: bool
) -> None:
    """`kills`: what the SUT's kernel counts before and after the command."""
    ended: list[bool] = []

    def outgoing(message: Json) -> Iterable[bytes]:
        journal = message.get("journal", {})
        if journal.get("rec") == "descriptor":
            journal["columns"][1]["name"] = "oom_kills"
        elif journal.get("rec") == "sample":
            journal["values"][1] = kills[bool(ended)]
        elif journal.get("edge") == "end":
            journal["exit_code"] = -9
            ended.append(True)
        return [encoded(message)]

    config = config_in(tmp_path)
    (scenario,) = config.scenarios
    folder = tmp_path / "20260101T000000Z-r01-0c"
    done = executed(folder, config, LyingSut(Lie(outgoing=outgoing)), "scenario", scenario)
    assert done.exit_status == "fail"
    assert done.reason is not None
    assert ("exit code -9 (out of memory: " in done.reason) is is_said
    assert RunFolder.open(folder).reason == done.reason


@pytest.mark.parametrize("has_begun", [False, True])
def test_a_warm_up_waits_for_nothing_and_is_no_reference(tmp_path: Path, has_begun: bool) -> None:
    gated = LAB.replace("supplementary_s = 0.1", "supplementary_s = 0.1\ngate = { limit_s = 0.2, mean_s = 0.1 }")
    config = config_in(tmp_path, gated)
    (scenario,) = config.scenarios
    planned = warm_up(1, 1)
    ended = execute(
        bench_of(config, LyingSut(Lie())), planned, replace(scenario, name=planned.scenario),
        tmp_path / "20260101T000000Z-r00-0d", MATERIAL, attempt=1, previous_manifest=None, on_start=lambda _: None,
        on_phase=lambda *_: None, reference=Condition({"wall": 1.0}, {}) if has_begun else None,
    )  # fmt: skip
    assert ended.exit_status == "success"
    assert (ended.reference is not None) is has_begun
    run = RunFolder.open(tmp_path / "20260101T000000Z-r00-0d")
    assert phases(run)[2:6] == ["stabilization begin", "stabilization end", "rating begin", "rating end"]
    assert not any(isinstance(event, WaitEvent) for event in run.events)


def test_what_a_command_wrote_last_is_told_wherever_it_wrote_it(tmp_path: Path) -> None:
    artifacts = tmp_path / "artifacts"
    artifacts.mkdir()
    assert last_words(tmp_path) == ""
    for name in OUTPUTS:
        (artifacts / name).write_text("\n")
    assert last_words(tmp_path) == "; it wrote nothing"
    (artifacts / "stdout.txt").write_text("begins\n oops \n\n")
    whole = f"; all that it wrote is in {tmp_path.name}/artifacts: "
    assert last_words(tmp_path) == f" after 'oops'{whole}stdout.txt"
    (artifacts / "stderr.txt").write_text("ValueError: no data\n")
    assert last_words(tmp_path) == f" after 'ValueError: no data'{whole}stderr.txt and stdout.txt"
