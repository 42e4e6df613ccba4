"""`wattlab study plan FILE`: every run that will be made, how long it takes and what energy, before anything starts."""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from statistics import mean
from typing import Literal, TypeAlias

from rich.console import Console

from harness.cli.called import command
from harness.cli.documents import Document
from harness.cli.progress import at_work
from harness.cli.screen import Sheet, columns, counted, lasting, say
from harness.cli.studies import RunnableStudy, StudyCampaign, read_study
from harness.cli.types import add_json_argument
from harness.evidence.study_progress import progress_of
from harness.measure.agenda import begun_otherwise
from harness.measure.lab_file import LabConfig
from harness.measure.plan import PlannedRun, make_plan
from harness.record import standing
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.entries import Entry, RunBegin, RunEnd, of
from harness.record.environments import Expected
from harness.record.levels import Levels
from reports.results.environment import GivenUp

KnownBy: TypeAlias = Literal["runs", "declared", "not-known"]
SECONDS_PER_HOUR = 3600.0
MOST_LINES = 60
"""Of the table; of more cells those of a scenario share one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCell:
    """A scenario, a cell of it, or the baseline, in one environment."""

    scenario: str
    """Its name."""
    table: str
    """The scenario of the study file that it is a cell of, or that it is."""
    cell: Levels | None
    """Factor -> level; null where it has no factors."""
    runs: int
    """How many are planned."""
    left: int
    """How many are to be made."""
    each_s: float | None
    """How long one takes, with all that stands around it; null: not known until the first one was made."""
    each_wh: float | None
    """Its energy at the meter within the rating interval; null: not known."""
    known_by: KnownBy
    """`runs`: the mean of those that were made; `declared`: by the study file, of the baseline by its duration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedRun:
    """A run, in its place."""

    ordinal: int
    """From 1 over the campaign."""
    scenario: str
    """Its scenario, cell, or the baseline."""
    repetition: int
    """From 1 per scenario."""
    seed: int
    """What its program is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEnvironment:
    """The campaign of one environment."""

    name: str
    """Its name in the study file."""
    title: str
    """Its title."""
    lab: str
    """The lab.toml of its room."""
    sut: str
    """Its SUT there; empty where lab.toml has one without a name."""
    folder: str
    """Where its campaign lies."""
    cells: tuple[PlannedCell, ...]
    """The baseline, and every cell."""
    runs: tuple[OrderedRun, ...]
    """Every run, in the order in which they are made."""
    given_up: tuple[GivenUp, ...]
    """What cannot be run there, by the runs so far."""
    lacking: tuple[str, ...]
    """What was sealed there and is gone, or is another than was sealed: none is made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStudy(Document):
    """A study before, or while, it is run."""

    study: str
    """Its name."""
    seed: int
    """Of the order of the runs, and of their own seeds; the same in each environment."""
    environments: tuple[PlannedEnvironment, ...]
    """In the order of the file, in which they are run."""
    runs: int
    """How many runs are planned in all."""
    left: int
    """How many are to be made."""
    left_hours: float
    """How long those take whose length is known."""
    left_wh: float
    """The energy of those of which it is known."""
    unknown_length: int
    """How many of those left have no known length."""
    unknown_energy: int
    """How many of those left have no known energy."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Say every run that a study will make in each of its environments, how long they take and how much energy, and "
        "refuse a design that cannot answer what the study asks. Nothing is started."
    )
    verb.add_argument("file", type=Path, help="study file with [environments.NAME] (docs/studies.md)")
    verb.add_argument("--runs", action="store_true", help="also a line for every run, in order")
    add_json_argument(verb, "every cell and every run", PlannedStudy)
    verb.set_defaults(call=call, interrupted="nothing was started")


def call(arguments: argparse.Namespace) -> int:
    """Print the plan."""
    study = read_study(arguments.file)
    plan = plan_of(study)
    arguments.answer = plan
    if not arguments.json:
        _show(study, plan, with_runs=arguments.runs)
    return 0


def plan_of(study: RunnableStudy) -> PlannedStudy:
    """The plan of a study, with what its runs so far say of those that are left."""
    environments = tuple(_environment(study, campaign) for campaign in study.campaigns)
    cells = [cell for one in environments for cell in one.cells]
    return PlannedStudy(
        study=study.declared.study.name,
        seed=study.campaigns[0].config.file.campaign.seed,
        environments=environments,
        runs=sum(cell.runs for cell in cells),
        left=sum(cell.left for cell in cells),
        left_hours=sum(cell.left * (cell.each_s or 0.0) for cell in cells) / SECONDS_PER_HOUR,
        left_wh=sum(cell.left * (cell.each_wh or 0.0) for cell in cells),
        unknown_length=sum(cell.left for cell in cells if cell.each_s is None),
        unknown_energy=sum(cell.left for cell in cells if cell.each_wh is None),
    )


def _environment(study: RunnableStudy, campaign: StudyCampaign) -> PlannedEnvironment:
    config = campaign.config
    folder, runs = config.campaign_folder, make_plan(config)
    left, lengths_s, energies_wh = list(runs), dict[str, float](), dict[str, float]()
    if (folder / CAMPAIGN).is_file():
        entries = CampaignFolder(folder).entries()
        done = standing.done(entries, config.file.campaign.max_failed_attempts)
        left = [run for run in runs if run.ordinal not in done]
        lengths_s, energies_wh = _lengths_s(entries), _energies_wh(folder, entries)
    counts, remaining = Counter(run.scenario for run in runs), Counter(run.scenario for run in left)
    cells = []
    for scenario in (config.baseline, *config.scenarios):
        declared = _declared(study, campaign, scenario.section, scenario.name)
        each_s, each_wh, known_by = _expected(
            campaign, lengths_s.get(scenario.name), energies_wh.get(scenario.name), declared
        )
        cells.append(PlannedCell(
            scenario=scenario.name, table=scenario.section, cell=scenario.cell, runs=counts[scenario.name],
            left=remaining[scenario.name], each_s=each_s, each_wh=each_wh, known_by=known_by,
        ))  # fmt: skip
    name = campaign.name
    progress = progress_of(name, campaign.environment, study.path.parent, study.declared.campaigns[name].folder, None)
    return PlannedEnvironment(
        name=name, title=campaign.environment.title, lab=str(config.path), sut=config.sut_name, folder=str(folder),
        cells=tuple(cells), runs=tuple(map(_ordered, runs)), given_up=progress.given_up,
        lacking=progress.lacking,
    )  # fmt: skip


def _ordered(run: PlannedRun) -> OrderedRun:
    return OrderedRun(ordinal=run.ordinal, scenario=run.scenario, repetition=run.repetition, seed=run.seed)


def _declared(study: RunnableStudy, campaign: StudyCampaign, section: str, name: str) -> Expected | None:
    """What the study file expects of a cell: the environment's own word first, the cell's before the scenario's."""
    if name == campaign.config.baseline.name:
        return Expected(duration_s=campaign.config.file.baseline.duration_s)
    places = (campaign.environment.expected, study.declared.expected)
    return next((place[key] for place in places for key in (name, section) if key in place), None)


def _expected(
    campaign: StudyCampaign, made_s: float | None, made_wh: float | None, declared: Expected | None
) -> tuple[float | None, float | None, KnownBy]:
    """Length and energy of one run, and by what they are known."""
    of = campaign.config.file.campaign
    if made_s is not None:
        return made_s + of.pause_s, made_wh, "runs"
    if declared is None:
        return None, None, "not-known"
    around_s = of.stabilization_s + of.supplementary_s + of.pause_s + standing.BEGIN_S
    energy_wh = declared.power_w * declared.duration_s / SECONDS_PER_HOUR
    return declared.duration_s + around_s, energy_wh or None, "declared"


def _lengths_s(entries: Sequence[Entry]) -> dict[str, float]:
    """Scenario -> mean length of its successful runs, from the beginning of an attempt to its end in the log."""
    scenarios = {run["ordinal"]: str(run["scenario"]) for run in standing.planned(entries)}
    begun = {begin.folder: datetime.fromisoformat(begin.utc) for begin in of(RunBegin, entries)}
    found: dict[str, list[float]] = {}
    for end in of(RunEnd, entries):
        if end.exit_status == "success" and end.folder in begun and end.ordinal in scenarios:
            length_s = (datetime.fromisoformat(end.utc) - begun[end.folder]).total_seconds()
            found.setdefault(scenarios[end.ordinal], []).append(length_s)
    return {scenario: mean(lengths) for scenario, lengths in found.items()}


def _energies_wh(folder: Path, entries: Sequence[Entry]) -> dict[str, float]:
    """Scenario, or the baseline -> mean energy of its runs so far; nothing where none was made."""
    if not any(end.exit_status == "success" for end in of(RunEnd, entries)):
        return {}
    with at_work("reading the runs made so far"):
        from reports.campaign.analyse import analyse  # numpy and pandas cost what a new study need not pay

        runs = analyse(folder).numbers.runs
    found: dict[str, list[float]] = {}
    for run in runs:
        if run.included and run.energy_wh is not None and run.energy_wh.value is not None:
            found.setdefault(run.scenario, []).append(run.energy_wh.value)
    return {scenario: mean(values) for scenario, values in found.items()}


# --- shown ------------------------------------------------------------------------------------------------------


def _show(study: RunnableStudy, plan: PlannedStudy, *, with_runs: bool) -> None:
    console = Console()
    console.print(study_sheet(plan))
    if not is_small(plan):
        say(console, "--runs lists every run.")
    for place in plan.environments if with_runs else ():
        say(console, f"{place.name}: {place.title}, in {place.folder}")
        for run in place.runs:
            say(console, f"  {run.ordinal:>5}  {run.scenario}  #{run.repetition}  seed {run.seed}")
    say(console, totals(plan))
    for place in plan.environments:
        for lost in place.given_up:
            say(console, given_up_text(place.name, lost), "yellow")
        if place.lacking:
            gone = f"In {place.name}, {'; '.join(place.lacking)}. What was sealed is not made again"
            say(console, f"{gone}: bring it back, or begin anew in another folder.", "yellow")
    for campaign in study.campaigns:
        if problem := _begun_otherwise(campaign.config):
            say(console, f"{campaign.name} cannot be continued: {problem}", "yellow")
    if plan.left:
        say(console, f"Next: {command('study', 'prepare', study.path)}, then {command('study', 'run', study.path)}.")
    else:
        say(console, f"Next: {command('study', 'report', study.path)}.")


def _begun_otherwise(config: LabConfig) -> str | None:
    if not (config.campaign_folder / CAMPAIGN).is_file():
        return None
    return begun_otherwise(config, CampaignFolder(config.campaign_folder).entries())


def study_sheet(plan: PlannedStudy) -> Sheet:
    """A line for each cell of each environment, and for its baseline."""
    rows = []
    for place in plan.environments:
        for cell in place.cells if is_small(plan) else _by_scenario(place.cells):
            each, all_of = (
                ("?", "?") if cell.each_s is None else (lasting(cell.each_s), lasting(cell.left * cell.each_s))
            )
            energy = "?" if cell.each_wh is None else f"{cell.left * cell.each_wh:.3g}"
            nothing = ("", "", "") if not cell.left else (each, all_of, energy)
            rows.append((place.name, cell.scenario, str(cell.runs), str(cell.left), *nothing))
    numbers = ("runs", "left", "each", "all left", "Wh left")
    title = f"Study {plan.study}, seed {plan.seed}"
    return Sheet(columns("environment", "scenario", *numbers, numbers=numbers), rows, title)


def is_small(plan: PlannedStudy) -> bool:
    """Whether every cell has a line of its own."""
    return sum(len(place.cells) for place in plan.environments) <= MOST_LINES


def _by_scenario(cells: Sequence[PlannedCell]) -> Iterator[PlannedCell]:
    """One line for all cells of a scenario, which last and take what their mean does."""
    for name, same in groupby(cells, key=lambda cell: cell.table):
        group = list(same)
        left = sum(cell.left for cell in group)
        lengths_s = [cell.each_s for cell in group if cell.each_s is not None and cell.left]
        energies_wh = [cell.each_wh for cell in group if cell.each_wh is not None and cell.left]
        is_known = all(cell.each_s is not None for cell in group if cell.left)
        yield PlannedCell(
            scenario=name if len(group) == 1 else f"{name} ({len(group)} cells)", table=name, cell=None,
            runs=sum(cell.runs for cell in group), left=left,
            each_s=mean(lengths_s) if lengths_s and is_known else None,
            each_wh=mean(energies_wh) if energies_wh and len(energies_wh) == len(lengths_s) and is_known else None,
            known_by=group[0].known_by,
        )  # fmt: skip


def totals(plan: PlannedStudy) -> str:
    """The last sentence under the table."""
    made = plan.runs - plan.left
    done = f", {made} are made or given up" if made else ""
    text = f"{counted(plan.runs, 'run')} in {counted(len(plan.environments), 'environment')}{done}."
    if not plan.left:
        return f"{text} None is left to be made."
    least = "at least " if plan.unknown_length else ""
    text += f" The {plan.left} that are left take {least}{lasting(SECONDS_PER_HOUR * plan.left_hours)}"
    text += f" and {plan.left_wh:.3g} Wh within their rating intervals." if plan.left_wh else "."
    unknown = [(plan.unknown_length, "length"), (plan.unknown_energy, "energy")]
    if said := [f"the {what} of {counted(count, 'run')}" for count, what in unknown if count]:
        text += (
            f" Not known (?): {' and '.join(said)}, until the first repetition of each is made, or [expected.SCENARIO] "
            "says it."
        )
    return text


WHY: Mapping[str, str] = {
    "memory": "does not fit into memory",
    "killed": "was killed, as the kernel kills what takes more memory than there is",
    "failed": "fails",
}


def given_up_text(environment: str, lost: GivenUp) -> str:
    """A sentence of a cell that cannot be run."""
    return f"{environment}: {lost.scenario} {WHY[lost.why]}: {counted(lost.runs, 'run')} not made. {lost.reason}"
