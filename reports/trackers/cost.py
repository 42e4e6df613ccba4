"""What a tracker itself costs: the same scenario with it and without it (method.md section 9).

Knows the runs of scenarios against the campaign's baseline. Knows no tracker's figure, no file and no sentence: a
reason for refusing is a code.

    D = mean(E_ind,i with - E_ind,i without)        over the repetitions i that both have

A pair is two scenarios of the same folder (or command) and parameters, one without trackers. Both trained a fixed
number of epochs from the same seed: with a stop at a target accuracy the difference would be that of luck. Meter,
range, baseline blocks and clock are the same, and what they err in common cancels: everything but the spread of the
differences comes from `budget.of_mean` over both groups at once, the runs without the tracker with a negative weight.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json, Thresholds
from reports.energy import budget
from reports.energy.contributions import RunTerms
from reports.energy.energy import WH
from reports.findings import campaign as findings_campaign
from reports.results.uncertainty import count, mean_of, mean_with_shared
from reports.trackers.compared import TrackedRun, named_in, work_of

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


def evaluate(groups: Mapping[str, MeasuredGroup], limits: Thresholds) -> list[Json]:
    """`trackers.own_induced`: one record for each scenario with trackers that has runs.

    Refused: `no-partner` (no such scenario without trackers), `epochs-not-fixed`, `no-baseline`, `no-pairs` (no
    repetition that both have), `seeds-differ`.
    """
    firsts = {name: group.runs[0].run.start for name, group in groups.items() if group.runs}
    found = []
    for name, start in firsts.items():
        names = named_in(start)
        if not names:
            continue
        partner = next((n for n, s in firsts.items() if not named_in(s) and work_of(s) == work_of(start)), None)
        plain = {"with": name, "without": partner, "trackers": names}
        if partner is None:
            found.append(plain | _refused("no-partner"))
        else:
            found.append(plain | _difference(groups[name], groups[partner], limits))
    return found


def _refused(code: str, *, confounded: bool | None = None) -> Json:
    nothing = dict.fromkeys(("induced_energy_wh", "duration_s"))
    return {"refused": code, "n": count(0).to_json(), "order_confounded": confounded, **nothing}


def _difference(tracked: MeasuredGroup, plain: MeasuredGroup, limits: Thresholds) -> Json:
    """The mean paired difference with its U."""
    confounded = bool(findings_campaign.of_order(
        {"with": [run.run.start.ordinal for run in tracked.runs], "without": [r.run.start.ordinal for r in plain.runs]},
        limits,
    ))  # fmt: skip
    if not _fixed([*tracked.runs, *plain.runs]):
        return _refused("epochs-not-fixed", confounded=confounded)
    pairs = list(_pairs(tracked.runs, plain.runs))
    if not pairs:
        return _refused("no-pairs", confounded=confounded)
    if any(tracked.runs[i].run.start.seed != plain.runs[k].run.start.seed for i, k in pairs):
        return _refused("seeds-differ", confounded=confounded)
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    differences_wh = tracked.induced_wh[first] - plain.induced_wh[second]
    if not np.isfinite(differences_wh).all():
        return _refused("no-baseline", confounded=confounded)
    weights = np.repeat([2 / WH, -2 / WH], len(pairs))
    terms = [*(tracked.terms[i] for i in first), *(plain.terms[k] for k in second)]
    at = [AT_RUN] * len(terms)
    both = budget.of_mean(terms, at, weights, "Wh", "induced")
    shared = None if both is None or ("spread-of-baseline", None) in both.missing else both.shared
    induced = mean_with_shared(differences_wh, "Wh", shared)
    longer = mean_of(tracked.durations_s[first] - plain.durations_s[second], "s")
    return {
        "refused": None, "n": count(len(pairs)).to_json(), "order_confounded": confounded,
        "induced_energy_wh": None if induced is None else induced.to_json(),
        "duration_s": None if longer is None else longer.to_json(),
    }  # fmt: skip


def _fixed(runs: Sequence[TrackedRun]) -> bool:
    """Whether no run could end at a target accuracy: a fixed number of epochs, or no epochs at all."""
    for run in runs:
        parameters = run.run.start.scenario_config.get("parameters")
        fixed = parameters.get("fixed_epochs") if isinstance(parameters, dict) else None
        trains = any(action.name == "epoch" for action in run.series.actions)
        if trains and not fixed:
            return False
    return True


def _pairs(one: Sequence[TrackedRun], other: Sequence[TrackedRun]) -> Iterator[tuple[int, int]]:
    """Places of the runs of the same repetition."""
    places = {run.run.start.repetition: place for place, run in enumerate(other)}
    for place, run in enumerate(one):
        if run.run.start.repetition in places:
            yield place, places[run.run.start.repetition]
