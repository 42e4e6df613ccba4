"""What is left to do of a plan: by the log of a campaign, and how long it takes.

import io
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, Literal
from harness.measure.reason import Reason, Severity
from harness.attest.signer import OF_SEAL, sign
from harness.attest.witness import channels_of, clock_of
from harness.measure.ambient import read_temperature_c
from harness.measure.diagnosis import diagnose
from harness.measure.lab_file import LabConfig, changed_since
from harness.measure.material import needs_of, read_staged
from harness.measure.photos import problems_of
from harness.measure.plan import make_plan
from harness.measure.scenario import Scenario
from harness.measure.speaking import FIRST_READING_S
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.documents import Json, matches
from harness.record.entries import header_of
from harness.record.errors import ConfigError, LabError, LabNotReady, SigningError, WitnessError, printable
from harness.record.run_folder import RunFolder
from harness.record.verify import verify_campaign
from harness.station.check_loads import is_fresh, last_check_load
from harness.station.conditions.clock import of_clock_tools
from harness.station.conditions.load import of_foreign_load, of_swap
from harness.station.conditions.updates import of_updates
from harness.station.instruments import certificate_on, validity_on
from harness.station.register import Match, Register, load_register
from harness.station.station import EMBEDDED, MeterSection, SutSection
from harness.sut.agent.survey import machine_state
from harness.sut.machine import Sut
from meters.meter import Meter, MeterError
from meters.reading import Description, Origin
from meters.registry import remedy, why
from workloads.trackers.tracking import TRACKERS
Knows the entries of the log. Starts nothing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

from harness.measure.lab_file import LabConfig
from harness.measure.plan import PlannedRun, make_plan
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.documents import ExitStatus, RunKind
from harness.record.entries import Entry, Plan, RunEnd, of
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


def planned_runs(entries: Sequence[Entry]) -> list[PlannedRun]:
    """Every planned run of every stage, in order."""
    return [PlannedRun(**run) for plan in of(Plan, entries) for run in plan.runs]


def remaining_runs(entries: Sequence[Entry], most_attempts: int, kinds: tuple[RunKind, ...]) -> list[PlannedRun]:
    """Runs of these kinds that have no success yet, or one that was thrown out and may be made again."""
    done = {end.ordinal for end in of(RunEnd, entries) if end.exit_status == "success"}
    again = {ordinal for ordinal, reasons in thrown_out_runs(entries).items() if len(reasons) < most_attempts}
    return [run for run in planned_runs(entries) if run.ordinal not in done - again and run.kind in kinds]


def thrown_out_runs(entries: Sequence[Entry]) -> dict[int, list[str]]:
    """Ordinal -> why each of its successful attempts was thrown out; without those of which a later one counts."""
    reasons: dict[int, list[str]] = {}
    counts: set[int] = set()
    for end in of(RunEnd, entries):
        if end.exit_status == "success":
            if end.thrown_out is None:
                counts.add(end.ordinal)
            else:
                reasons.setdefault(end.ordinal, []).append(end.thrown_out)
    return {ordinal: texts for ordinal, texts in reasons.items() if ordinal not in counts}


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
    """Time for the runs left, from the mean duration of each scenario so far (where there is none, the mean of all,
    else what is known of a baseline block), and the pauses between them."""
    means = {name: mean(values) for name, values in durations_s.items()}
    fallback = mean(means.values()) if means else known_s
    return sum(means.get(run.scenario, fallback) for run in left) + pause_s * max(0, len(left) - 1)


def horizon_s(config: LabConfig) -> float:
    """How long the campaign may take (s): every run for as long as a baseline block, which lasts as long as a scenario
    run at least."""
    campaign = config.file.campaign
    each_s = campaign.stabilization_s + config.file.baseline.duration_s + campaign.supplementary_s + campaign.pause_s
    return len(make_plan(config)) * each_s
