"""What a tracker itself costs: the same scenario with it and without it (method.md section 9).

Knows the runs of scenarios against the campaign's baseline. Knows no tracker's figure, no file and no sentence: a
reason for refusing is a code.

    D = mean(E_ind,i with - E_ind,i without)        over the repetitions i that both have

A pair is two scenarios of the same folder (or command) and parameters, one without trackers. Both did a fixed amount of
work from the same seed: with a stop at a target the difference would be that of luck. Meter,
range, baseline blocks and clock are the same, and what they err in common cancels: everything but the spread of the
differences comes from `budget.of_mean` over both groups at once, the runs without the tracker with a negative weight.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Thresholds
from reports.energy import budget
from reports.energy.contributions import RunTerms
from reports.energy.energy import WH
from reports.findings import campaign as findings_campaign
from reports.results.trackers import NoCost, OwnEnergy
from reports.results.uncertainty import Number, count, mean_of, mean_with_shared
from reports.results.undeclared import goal_of, useful_work_of
from reports.trackers.run import TrackedRun, named_in, work_of

AT_RUN = 0
"""Where the rating interval stands among a run's terms."""


class MeasuredGroup(Protocol):
    """The included runs of one scenario against a baseline: `campaign.group.Group`."""

    @property
    def runs(self) -> Sequence[TrackedRun]:
        """In order of time."""
        ...

    @property
    def terms(self) -> Sequence[RunTerms]:
        """What makes each run's energies uncertain."""
        ...

    @property
    def durations_s(self) -> NDArray[np.float64]:
        """Of each run."""
        ...

    @property
    def induced_wh(self) -> NDArray[np.float64]:
        """Of each run; NaN without a baseline."""
        ...


def evaluate(groups: Mapping[str, MeasuredGroup], limits: Thresholds) -> list[OwnEnergy]:
    """`trackers.own_induced`: one record for each scenario with trackers that has runs."""
    firsts = {name: group.runs[0].run.start for name, group in groups.items() if group.runs}
    costs = []
    for name, start in firsts.items():
        if not (names := named_in(start)):
            continue
        plain = (other for other, its in firsts.items() if not named_in(its) and work_of(its) == work_of(start))
        partner = next(plain, None)
        cost = Difference("no-partner", None) if partner is None else _difference(groups[name], groups[partner], limits)
        costs.append(OwnEnergy(
            with_trackers=name, without=partner, trackers=tuple(names), refused=cost.refused, n=count(cost.pairs),
            order_confounded=cost.confounded, induced_energy_wh=cost.induced_wh, duration_s=cost.longer_s,
        ))  # fmt: skip
    return costs


@dataclass(frozen=True, slots=True)
class Difference:
    """With minus without: the number of pairs, induced energy and duration; or the code of why there is none."""

    refused: NoCost | None
    confounded: bool | None
    pairs: int = 0
    induced_wh: Number | None = None
    longer_s: Number | None = None


def _difference(tracked: MeasuredGroup, plain: MeasuredGroup, limits: Thresholds) -> Difference:
    """The mean paired difference with its U."""
    confounded = bool(findings_campaign.of_order(
        {"with": [run.run.start.ordinal for run in tracked.runs], "without": [r.run.start.ordinal for r in plain.runs]},
        limits,
    ))  # fmt: skip
    if not _fixed([*tracked.runs, *plain.runs]):
        return Difference("epochs-not-fixed", confounded)
    pairs = list(_pairs(tracked.runs, plain.runs))
    if not pairs:
        return Difference("no-pairs", confounded)
    if any(tracked.runs[i].run.start.seed != plain.runs[k].run.start.seed for i, k in pairs):
        return Difference("seeds-differ", confounded)
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    differences_wh = tracked.induced_wh[first] - plain.induced_wh[second]
    if not np.isfinite(differences_wh).all():
        return Difference("no-baseline", confounded)
    weights = np.repeat([2 / WH, -2 / WH], len(pairs))
    terms = [*(tracked.terms[i] for i in first), *(plain.terms[k] for k in second)]
    both = budget.of_mean(terms, [AT_RUN] * len(terms), weights, "Wh", "induced")
    shared = None if both is None or ("spread-of-baseline", None) in both.missing else both.shared
    induced = mean_with_shared(differences_wh, "Wh", shared)
    longer = mean_of(tracked.durations_s[first] - plain.durations_s[second], "s")
    return Difference(None, confounded, len(pairs), induced, longer)


def _fixed(runs: Sequence[TrackedRun]) -> bool:
    """Whether no run could end at a target: a fixed amount of work, or no action that repeats."""
    for run in runs:
        config = run.run.start.scenario_config
        fixed, repeats = goal_of(config).fixed_work(config.get("parameters")), useful_work_of(config).repeats
        if not fixed and any(action.name == repeats for action in run.series.actions):
            return False
    return True


def _pairs(one: Sequence[TrackedRun], other: Sequence[TrackedRun]) -> Iterator[tuple[int, int]]:
    """Places of the runs of the same repetition."""
    places = {run.run.start.repetition: place for place, run in enumerate(other)}
    for place, run in enumerate(one):
        if run.run.start.repetition in places:
            yield place, places[run.run.start.repetition]
