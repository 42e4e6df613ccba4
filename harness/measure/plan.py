"""The plan of a campaign: config + seed -> an ordered list of planned runs. Pure; knows no clock and no hardware.

The plan of lab.toml is the first stage; a second stage (method.md section 8) and the blocks of the observer effect are
plans of their own, with ordinals that go on. A sync pulse and a warm-up belong to a session, not to the plan:
their ordinal is 0.
"""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Literal

from harness.measure.campaign_file import SYNC, WARM_UP
from harness.measure.lab_file import LabConfig, name_key
from harness.measure.scenario import Scenario
from harness.record.documents import Json, RunKind
from harness.record.levels import Levels, are_same, levels_text

OBSERVER_LOADS = ("idle", "load")
OBSERVER_AGENT = ("with", "without")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One run to be made: `ordinal` counts from 1 over the campaign, `repetition` from 1 per scenario, over all runs of
    it: in a search over the trials of every search."""

    ordinal: int
    kind: RunKind
    scenario: str
    repetition: int
    seed: int
    block: int | None
    cell: Levels | None = None
    """Factor -> level, where the scenario has factors."""
    search: int | None = None
    """The search that it is a trial of, from 1 per scenario; None: no trial."""
    trial: int | None = None
    """Which of its trials, from 1."""

    def to_json(self) -> Json:
        """For the log; without a cell, and where it is no trial, there are no such keys."""
        return {key: value for key, value in asdict(self).items() if value is not None or key not in YOUNGER}


YOUNGER = ("cell", "search", "trial")


@cache
def repetition_seed(campaign_seed: int, repetition: int) -> int:
    """The workload's random seed (31 bits): the same list for every scenario, so that they pair (method.md 1)."""
    return _seed(f"wattlab repetition seed {campaign_seed} {repetition}")


def search_seed(campaign_seed: int, search: int) -> int:
    """The seed from which a search suggests (31 bits): the same list for every scenario, so that strategies pair."""
    return _seed(f"wattlab search seed {campaign_seed} {search}")


def trial_seed(campaign_seed: int, search: int, trial: int) -> int:
    """The workload's random seed in a trial (31 bits): the same for every scenario."""
    return _seed(f"wattlab trial seed {campaign_seed} {search} {trial}")


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def make_plan(config: LabConfig) -> list[PlannedRun]:
    """Every run of the campaign, in order.

    `shuffled`: randomised complete blocks, every repetition of all scenarios (of one with cells: of all its cells) in
    an order drawn from the campaign seed. Baseline blocks are spread evenly, the first before and the last after the
    scenario runs. Of searches each trial is a block: the same trial of every search in drawn order, so that strategies
    share the conditions of the session.
    """
    campaign, baseline = config.file.campaign, config.baseline
    counts = {one.name: (one.repetitions, _rounds(one)) for one in config.scenarios}
    shuffled = campaign.order == "shuffled"
    drawn = draw(counts, baseline.name, baseline.repetitions, campaign.seed, shuffled=shuffled)
    return _in_cells(config, drawn)


def draw(
    counts: Mapping[str, tuple[int, int | None]], baseline: str, blocks: int, seed: int, *, shuffled: bool
) -> list[PlannedRun]:
    """The runs of a first stage without their cells, in order: scenario -> repetitions, and, where each is a search,
    its rounds."""
    rounds = {name: each or 1 for name, (_, each) in counts.items()}
    runs = {name: range(1, repetitions * rounds[name] + 1) for name, (repetitions, _) in counts.items()}
    order = _scenario_order(runs, random.Random(seed), rounds, shuffled=shuffled)
    drawn = _interleaved(order, range(1, blocks + 1), baseline, seed, first_ordinal=1)
    return [_as_trial(run, counts.get(run.scenario, (0, None))[1], seed) for run in drawn]


def _rounds(scenario: Scenario) -> int | None:
    """The rounds of each search of a scenario; None where it has none."""
    return None if scenario.search is None else scenario.search.rounds


def _as_trial(run: PlannedRun, rounds: int | None, campaign_seed: int) -> PlannedRun:
    """The run with its place in its search, and a trial's seed, where it is one."""
    if rounds is None:
        return run
    search, trial = _place(run.repetition, rounds)
    return replace(run, search=search, trial=trial, seed=trial_seed(campaign_seed, search, trial))


def make_second_stage(
    config: LabConfig, planned: Sequence[PlannedRun], repetitions: Mapping[str, int], blocks: int
) -> list[PlannedRun]:
    """The runs that bring every scenario to `repetitions` and the baseline to `blocks`, none where nothing is missing.

    Laid out like the first stage; with any new run there are at least two new blocks, before and after the new runs,
    for they may be another session.
    """
    campaign = config.file.campaign
    made = {name: sum(run.scenario == name for run in planned) for name in (*repetitions, config.baseline.name)}
    missing = {name: range(made[name] + 1, wanted + 1) for name, wanted in repetitions.items()}
    dice = random.Random(f"second stage {campaign.seed}")
    order = _scenario_order(missing, dice, dict.fromkeys(missing, 1), shuffled=campaign.order == "shuffled")
    first = made[config.baseline.name] + 1
    last = max(blocks, first + 1) if order else blocks
    ordinal = 1 + max((run.ordinal for run in planned), default=0)
    added = _interleaved(order, range(first, last + 1), config.baseline.name, campaign.seed, first_ordinal=ordinal)
    rounds = {scenario.name: _rounds(scenario) for scenario in config.scenarios}
    return _in_cells(config, [_as_trial(run, rounds.get(run.scenario), campaign.seed) for run in added])


def replanned(config: LabConfig, planned: Sequence[PlannedRun]) -> str | None:
    """Why runs that were planned cannot be made with this configuration: a scenario.toml states another level now.
    None: they can. (lab.toml's own levels are compared with the rest of it.)"""
    cells = {scenario.name: scenario.cell for scenario in config.scenarios}
    for run in planned:
        if run.kind == "scenario" and not are_same(run.cell, cells.get(run.scenario)):
            return (
                f"{config.path}: run {run.ordinal} ({run.scenario}) was planned with the factors "
                f"{levels_text(run.cell)}, its scenario.toml and lab.toml give "
                f"{levels_text(cells.get(run.scenario))}; restore them, or give {name_key(config)} a new value"
            )
    return None


def make_observer_plan(seed: int, blocks: int, first_ordinal: int) -> list[PlannedRun]:
    """The blocks of the observer effect, `blocks` with and as many without the agent, first idle, then under load.

    Ordered ABBA ABBA ..., so that a linear drift of the machine falls on both alike.
    """
    plan: list[PlannedRun] = []
    for load in OBSERVER_LOADS:
        for place in range(2 * blocks):
            agent = OBSERVER_AGENT[place % 4 in (1, 2)]
            repetition = 1 + place // 2
            ordinal = first_ordinal + len(plan)
            name = observer_scenario(load, agent)
            plan.append(_planned(ordinal, "observer", name, repetition, seed, repetition))
    return plan


def observer_scenario(load: str, agent: str) -> str:
    """The name of a condition of the observer effect."""
    return f"observer-{load}-{agent}-agent"


def sync_pulse(seed: int, repetition: int) -> PlannedRun:
    """The sync pulse of the campaign's nth session."""
    return _planned(0, "sync", SYNC, repetition, seed, None)


def warm_up(seed: int, repetition: int) -> PlannedRun:
    """The campaign's nth warm-up."""
    return _planned(0, "warm-up", WARM_UP, repetition, seed, None)


def _planned(ordinal: int, kind: RunKind, scenario: str, repetition: int, seed: int, block: int | None) -> PlannedRun:
    return PlannedRun(
        ordinal=ordinal, kind=kind, scenario=scenario, repetition=repetition,
        seed=repetition_seed(seed, repetition), block=block,
    )  # fmt: skip


def _in_cells(config: LabConfig, plan: Sequence[PlannedRun]) -> list[PlannedRun]:
    """The plan with the cell of every run that has one."""
    cells = {scenario.name: scenario.cell for scenario in config.scenarios if scenario.cell}
    return [replace(run, cell=cells[run.scenario]) if run.scenario in cells else run for run in plan]


def _place(repetition: int, rounds: int) -> tuple[int, int]:
    """Search and trial of a scenario's nth run."""
    return 1 + (repetition - 1) // rounds, 1 + (repetition - 1) % rounds


def _interleaved(
    scenario_runs: Sequence[tuple[str, int]], blocks: range, baseline: str, seed: int, *, first_ordinal: int
) -> list[PlannedRun]:
    """Scenario runs with baseline blocks spread evenly between them, the first before and the last after."""
    before: dict[int, list[int]] = {}
    for place, block in enumerate(blocks):
        before.setdefault(round(place * len(scenario_runs) / max(len(blocks) - 1, 1)), []).append(block)
    plan: list[PlannedRun] = []

    def add(kind: Literal["baseline", "scenario"], scenario: str, repetition: int, block: int | None) -> None:
        plan.append(_planned(first_ordinal + len(plan), kind, scenario, repetition, seed, block))

    for position in range(len(scenario_runs) + 1):
        for block in before.get(position, ()):
            add("baseline", baseline, block, block)
        if position < len(scenario_runs):
            add("scenario", *scenario_runs[position], None)
    return plan


def _scenario_order(
    repetitions: Mapping[str, range], dice: random.Random, rounds: Mapping[str, int], *, shuffled: bool
) -> list[tuple[str, int]]:
    """Scenario and which of its runs, in order: block by block, each a trial of one search after another, or a
    repetition."""
    if not shuffled:
        return [(name, repetition) for name, numbers in repetitions.items() for repetition in numbers]
    blocks: dict[tuple[int, int], dict[str, int]] = {}
    for name, numbers in repetitions.items():
        for repetition in numbers:
            blocks.setdefault(_place(repetition, rounds[name]), {})[name] = repetition
    order: list[tuple[str, int]] = []
    for place in sorted(blocks):
        names = list(blocks[place])
        dice.shuffle(names)
        order += [(name, blocks[place][name]) for name in names]
    return order
