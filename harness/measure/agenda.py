"""What is left to do of a plan: by the log of a campaign, and how long it takes.

Knows the entries of the log. Starts nothing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.measure.lab_file import LabConfig, changed_since
from harness.measure.plan import PlannedRun, make_plan, replanned
from harness.record import standing
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.documents import ExitStatus, RunKind
from harness.record.entries import Entry, Plan, header_of, of
from harness.record.errors import DocumentError, RunFolderError
from harness.record.run_folder import RunFolder

RATED: tuple[RunKind, ...] = ("baseline", "scenario")

OBSERVER: tuple[RunKind, ...] = ("observer",)


def is_done(config: LabConfig) -> bool:
    """Whether the campaign of lab.toml was begun and `wattlab run` has nothing left to do; nothing is written."""
    path, campaign = config.campaign_folder, config.file.campaign
    if not (path / CAMPAIGN).is_file():
        return False
    entries = CampaignFolder(path).entries()
    stages = {plan.stage for plan in of(Plan, entries)}
    is_sized = not campaign.two_stage.half_width_percent or "second" in stages
    return bool(stages) and is_sized and not remaining_runs(entries, campaign.max_failed_attempts, RATED)


def begun_otherwise(config: LabConfig, entries: Sequence[Entry], *, is_done: bool = False) -> str | None:
    """Why the campaign of this log is not the one that lab.toml and campaign file ask for, so that it cannot be
    continued; None: it is, or nothing was begun. Of one that `is_done` the room may have changed.

    Raises:
        ConfigError: it was begun with what this version does not know.
    """
    header = header_of(entries)
    if header is None:
        return None
    if header.config is None:
        return f"{config.campaign_folder}: an imported campaign cannot be continued; choose another name"
    return changed_since(config, header.config, is_done=is_done) or replanned(config, planned_runs(entries))


def planned_runs(entries: Sequence[Entry]) -> list[PlannedRun]:
    """Every planned run of every stage, in order."""
    return [PlannedRun(**run) for run in standing.planned(entries)]


def remaining_runs(entries: Sequence[Entry], most_attempts: int, kinds: tuple[RunKind, ...]) -> list[PlannedRun]:
    """Runs of these kinds that have no success yet, or one that was thrown out and may be made again."""
    done = standing.done(entries, most_attempts)
    return [run for run in planned_runs(entries) if run.ordinal not in done and run.kind in kinds]


def ending_of(path: Path) -> tuple[ExitStatus, str | None]:
    """How a run ended, and why, by its journal."""
    try:
        run = RunFolder.open(path)
    except (DocumentError, RunFolderError) as error:
        return "abort", f"its journal cannot be read: {error}"
    return run.exit_status, run.reason


def estimate_s(
    left: Sequence[PlannedRun], *, durations_s: Mapping[str, Sequence[float]], known_s: float, pause_s: float
) -> float:
    """Time for the runs left (`standing.estimate_s`)."""
    scenarios = [run.scenario for run in left]
    return standing.estimate_s(scenarios, durations_s=durations_s, known_s=known_s, pause_s=pause_s)


def horizon_s(config: LabConfig) -> float:
    """How long the campaign may take (s): every run for as long as a baseline block, which lasts as long as a scenario
    run at least."""
    campaign = config.file.campaign
    each_s = campaign.stabilization_s + config.file.baseline.duration_s + campaign.supplementary_s + campaign.pause_s
    return len(make_plan(config)) * each_s
