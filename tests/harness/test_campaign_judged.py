"""A run that its own findings throw out is tried again like one that failed, in its place in the plan."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from harness.measure import speaking
from harness.measure.bench import Bench
from harness.measure.campaign import Campaign, Progress
from harness.measure.speaking import MeterAway, require_speaking
from harness.record.campaign_folder import CampaignFolder
from harness.record.entries import RunBegin, RunEnd, of
from meters.meter import Meter, MeterMismatch
from meters.registry import open_meter
from tests.harness.emulated import emulator
from tests.harness.lying import Lie, LyingSut, SteadyMeter, bench_of, config_in

SOFTWARE = {"version": "0", "commit": None, "dirty": None}
GAPS = "gaps in its power readings exceed the limits"


def measured(folder: Path, verdicts: Iterator[str | None]) -> Campaign:
    """A campaign of two blocks and a run, judged in this order."""
    config = config_in(folder)
    campaign = Campaign(config, SOFTWARE)
    campaign.measure(bench_of(config, LyingSut(Lie())), lambda _: None, lambda _: next(verdicts))
    return campaign


def ends(campaign: Campaign) -> list[tuple[int, str | None]]:
    return [(end.ordinal, end.thrown_out) for end in of(RunEnd, CampaignFolder(campaign.folder.path).entries())]


def test_a_run_that_is_thrown_out_once_is_made_again_at_once(tmp_path: Path) -> None:
    campaign = measured(tmp_path, iter([None, GAPS, None, None]))
    assert ends(campaign) == [(1, None), (2, GAPS), (2, None), (3, None)]
    attempts = [run.start.attempt for run in campaign.folder.runs()]
    assert attempts == [1, 1, 2, 1]
    assert campaign.remaining() == []
    assert campaign.in_no_mean() == []


def test_after_max_failed_attempts_the_campaign_goes_on_and_says_what_is_in_no_mean(tmp_path: Path) -> None:
    campaign = measured(tmp_path, iter([None, GAPS, GAPS, None]))
    assert ends(campaign) == [(1, None), (2, GAPS), (2, GAPS), (3, None)]
    assert campaign.remaining() == []
    assert campaign.in_no_mean() == [f"run 2 (work, repetition 1), 2 times: {GAPS}"]
    # A campaign that is opened again knows it by its log.
    assert Campaign(config_in(tmp_path), SOFTWARE).in_no_mean() == campaign.in_no_mean()


def test_an_interruption_between_two_attempts_leaves_the_second_to_the_next_start(tmp_path: Path) -> None:
    def verdicts() -> Iterator[str | None]:
        yield from (None, GAPS)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measured(tmp_path, verdicts())
    campaign = Campaign(config_in(tmp_path), SOFTWARE)
    # The interrupted attempt was sealed and logged; nobody judged it, so it counts.
    assert ends(campaign) == [(1, None), (2, GAPS), (2, None)]
    assert [run.ordinal for run in campaign.remaining()] == [3]
    body = {"ordinal": 3, "folder": "x", "exit_status": "success", "reason": None, "manifest": None}
    campaign.folder.append("run-end", "2026-11-28T08:00:00Z", body | {"thrown_out": GAPS})
    assert [run.ordinal for run in campaign.remaining()] == [3]


def test_a_log_without_verdicts_is_read_as_before(tmp_path: Path) -> None:
    campaign = Campaign(config_in(tmp_path), SOFTWARE)
    for run in campaign.remaining():
        end = {"ordinal": run.ordinal, "folder": f"r{run.ordinal}", "exit_status": "success", "reason": None}
        campaign.folder.append("run-end", "2026-11-21T08:00:00Z", end | {"manifest": "0" * 64})
    assert campaign.remaining() == []
    assert campaign.in_no_mean() == []


# --- a meter that is away costs no attempt ---


@pytest.fixture
def wall(tmp_path: Path) -> Iterator[Path]:
    """The port of an emulated meter; its control pipe lies beside it."""
    with emulator(tmp_path / "wall") as ready:
        yield Path(ready["port"])


def fault(port: Path, *names: str) -> None:
    port.with_name(f"{port.name}.control").write_text("".join(f"{name}\n" for name in names))


def on_wire(bench: Bench, port: Path) -> Bench:
    def opened(wire: BinaryIO) -> Meter:
        return open_meter("wattsup", str(port), capture=wire, options={})

    return replace(bench, open_meters={"wall": opened})


def measuring(folder: Path, port: Path, on_progress: Callable[[Progress], None]) -> Campaign:
    """A campaign of two blocks and a run, by the emulated meter."""
    config = config_in(folder)
    campaign = Campaign(config, SOFTWARE)
    bench = on_wire(bench_of(config, LyingSut(Lie())), port)
    campaign.measure(bench, on_progress, lambda _: None)
    return campaign


def test_a_meter_that_was_unplugged_stops_the_campaign_and_costs_no_attempt(
    tmp_path: Path, wall: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "BACK_S", 1.5)
    phases = []

    def on_progress(progress: Progress) -> None:
        if progress.current.ordinal == 1 and progress.phase == "rating":
            fault(wall, "unplug")
        phases.append(progress.phase)

    with pytest.raises(MeterAway) as stopped:
        measuring(tmp_path, wall, on_progress)
    for text in (
        "meter wall: ",
        str(wall),
        "waited 1.5 s",
        "Attempt 1 at run 2 (",
        "was not begun",
        "`wattlab run` goes on",
    ):
        assert text in str(stopped.value)
    assert "waiting for meter wall" in phases
    log = CampaignFolder(Campaign(config_in(tmp_path), SOFTWARE).folder.path)
    assert [begin.ordinal for begin in of(RunBegin, log.entries())] == [1]
    fault(wall, "replug")
    campaign = measuring(tmp_path, wall, lambda _: None)
    assert [run.start.attempt for run in campaign.folder.runs()] == [1, 1, 1]


def test_a_meter_that_comes_back_is_waited_for(tmp_path: Path, wall: Path) -> None:
    fault(wall, "unplug")
    time.sleep(0.2)
    waits = []

    def on_progress(progress: Progress) -> None:
        if progress.phase == "waiting for meter wall":
            waits.append(progress.current.ordinal)
            fault(wall, "replug")

    campaign = measuring(tmp_path, wall, on_progress)
    assert set(waits) == {1}
    assert [run.start.attempt for run in campaign.folder.runs()] == [1, 1, 1]


def test_another_instrument_in_its_place_is_not_waited_for() -> None:
    def opened(_: BinaryIO) -> Meter:
        raise MeterMismatch("/dev/ttyUSB0: a GUDE answers, expected a Watts Up?")

    steady = {"a": lambda _: SteadyMeter(), "wall": opened}
    with pytest.raises(MeterAway, match="meter wall: /dev/ttyUSB0: a GUDE answers"):
        require_speaking(steady, {}, lambda _: pytest.fail("nothing is waited for"))
