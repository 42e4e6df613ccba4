"""The searches of a campaign while it is measured: what a trial is run with is recorded before it is begun, and what it
gave when it has ended. There is no other memory of a search than the campaign's log.

Knows the log and sealed runs. Knows no strategy: who suggests is handed in, for it needs libraries that what measures
does without. What was suggested is never computed again, what was registered never read again.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from harness.measure.lab_file import LabConfig
from harness.measure.plan import PlannedRun, search_seed
from harness.measure.scenario import Scenario
from harness.measure.search_section import SUMMARY
from harness.record import standing
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json, load_object, matches
from harness.record.entries import Entry, RunEnd
from harness.record.errors import DocumentError, why
from harness.record.plain_files import read_plain
from harness.record.searches import Trial, trials_of
from workloads.search.space import Search, Told


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a strategy suggests, what that took on this host (CPU seconds of all threads, seconds), and which packages
    computed it."""

    values: Json
    cpu_s: float
    duration_s: float
    software: Json


Suggest: TypeAlias = Callable[[Search, Sequence[Told], int, int], Suggested]
"""Suggests what a trial is run with: of the search, its trials so far, its seed and the trial's number."""


def with_suggestion(scenario: Scenario, planned: PlannedRun, entries: Sequence[Entry]) -> Scenario:
    """The scenario as it is run: a trial's parameters are those that were suggested."""
    if planned.trial is None:
        return scenario
    suggestion = next(one.suggestion for one in trials_of(entries) if one.ordinal == planned.ordinal)
    assert suggestion is not None
    return replace(scenario, parameters=scenario.parameters | suggestion.values)


def suggest_for(
    folder: CampaignFolder, config: LabConfig, planned: PlannedRun, suggest: Suggest, utc: Callable[[], str]
) -> None:
    """Record what a trial is run with, where that does not stand in the log yet."""
    own = [one for one in trials_of(folder.entries()) if (one.scenario, one.search) == _search_of(planned)]
    here = next(one for one in own if one.ordinal == planned.ordinal)
    if here.suggestion is not None:
        return
    section = next(scenario.search for scenario in config.scenarios if scenario.name == planned.scenario)
    assert section is not None
    assert planned.search is not None
    told = [_told(one) for one in own if one.trial < here.trial]
    seed = search_seed(config.file.campaign.seed, planned.search)
    found = suggest(section.declared, told, seed, here.trial)
    known = sum(one.objective is not None for one in told)
    body = {"ordinal": planned.ordinal, "values": found.values, "told": known, "cpu_s": found.cpu_s}
    folder.append("suggestion", utc(), body | {"duration_s": found.duration_s, "software": found.software})


def register(folder: CampaignFolder, config: LabConfig, utc: Callable[[], str]) -> None:
    """Record what every trial gave that has ended and does not stand in the log yet, in the order of the plan."""
    entries = folder.entries()
    open_trials = [one for one in trials_of(entries) if one.registered is None]
    done = standing.done(entries, config.file.campaign.max_failed_attempts) if open_trials else set()
    objectives = {scenario.name: scenario.search.objective for scenario in config.scenarios if scenario.search}
    for one in open_trials:
        if one.ordinal in done:
            end = standing.counting(entries, one.ordinal)
            value, reason = _value(folder.path, end, objectives[one.scenario])
            body = {"ordinal": one.ordinal, "folder": end.folder, "value": value, "reason": reason}
            folder.append("registered", utc(), body)


def objective_in(path: Path, objective: str) -> tuple[float | None, str | None]:
    """The objective of a run by what its program left, or why there is none."""
    try:
        summary: Any = load_object(read_plain(path / "artifacts" / SUMMARY), SUMMARY)
    except OSError as error:
        return None, f"{SUMMARY} cannot be read ({why(error)})"
    except DocumentError as error:
        return None, str(error)
    for key in objective.split("."):
        if not isinstance(summary, dict) or key not in summary:
            return None, f"{SUMMARY} has no {objective}"
        summary = summary[key]
    if not matches(summary, float) or not math.isfinite(summary):
        return None, f"{objective} is {summary!r:.40}, no number"
    return float(summary), None


def _value(campaign: Path, end: RunEnd, objective: str) -> tuple[float | None, str | None]:
    """What a trial is registered with: only a complete run has a value."""
    if end.exit_status != "success":
        return None, f"its program failed: {end.reason}"
    if end.thrown_out is not None:
        return None, f"thrown out when it was measured: {end.thrown_out}"
    return objective_in(campaign / end.folder, objective)


def _search_of(planned: PlannedRun) -> tuple[str, int | None]:
    return planned.scenario, planned.search


def _told(one: Trial) -> Told:
    """A trial for the strategy. One that is not done yet (nobody planned it so) has told nothing."""
    values = {} if one.suggestion is None else one.suggestion.values
    return Told(values, None if one.registered is None else one.registered.value)
