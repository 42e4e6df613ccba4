"""Estimators beside what was measured: every training estimated by each, and scored.

Knows trainings and estimators. Knows no campaign and no page.

With the length `known` an estimator is told how many epochs the training had, and how long it took, as published scores
are made; nobody can be told that before the end where training stops early. With the length `predicted` the number of
epochs is the mean of the other trainings of the configuration, of all others where it has none; their time is what had
passed when the window was full, and the window's mean epoch for each epoch to come. A calculator sees no window: to it
the time is the mean of those other trainings.

Where STEP begins when power has settled: FLUSS looks at a whole trace, the rest of the training included. So with the
length known, STEP begins at the epoch after the training's own change; with the length predicted, at the epoch before
which 90 % of those other trainings had settled.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from reports.estimation.facts import Facts
from reports.estimation.proportional import scored_proxies
from reports.estimation.proxies import Nameplate, green_algorithms, mlco2
from reports.estimation.scores import score
from reports.estimation.step import (
    START,
    WINDOW,
    Estimate,
    Extent,
    ahead,
    is_early_enough,
    mean_epoch,
    step_epoch,
    step_power,
)
from reports.estimation.training import Source, Training
from reports.results.estimation import (
    Assessment,
    CurvePoint,
    EstimatedEnergy,
    Estimator,
    Known,
    ScoredEstimator,
    ScoredProxy,
    ScoredTraining,
    Settling,
    Without,
)

EXTENTS: tuple[Known, ...] = ("known", "predicted")
STEPS: Mapping[Estimator, Callable[[Training, Extent, int, int], Estimate]] = {
    "step-power": step_power,
    "step-epoch": step_epoch,
}
SETTLED_STEPS: Mapping[Estimator, Callable[[Training, Extent, int, int], Estimate]] = {
    "step-power-settled": step_power,
    "step-epoch-settled": step_epoch,
}
SETTLED_SHARE = 0.9
"""Of the trainings; as the paper chose its constant s."""
WINDOWS, STARTS = (1, 2, 3, 5, 8, 10, 15, 20), (0, 1, 2, 3, 5, 8, 10, 15, 20, 30, 40)
"""Of the curves."""
TDP, MEMORY = "tdp_w", "memory_gb"
"""Columns of the table of facts that calculators need, the second where it is there."""


@dataclass(frozen=True, slots=True)
class Case:
    """A training, where it lies, what a table says of it, the mean use of its GPUs (0 to 1; None: not recorded), what
    its meters stand before and the origins of their readings, on which machine it ran, and when its power settled."""

    campaign: str
    training: Training
    facts: Facts
    gpu_use: float | None
    circuits: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    machine: str = ""
    settling: Settling | None = None
    own: Facts = field(default_factory=dict)
    """What the run says of itself: its scenario's parameters that are features of PRE."""


def assess(
    cases: Sequence[Case], source: Source, left_out: Mapping[str, str], start: int = START, window: int = WINDOW
) -> Assessment:
    """Every estimate and every score; `left_out`: runs that are no training, and why."""
    estimates = [_estimates(case, cases, start, window) for case in cases]
    return Assessment(
        source=source,
        circuits=tuple(dict.fromkeys(circuit for case in cases for circuit in case.circuits)),
        origins=tuple(dict.fromkeys(origin for case in cases for origin in case.origins)),
        start=start,
        window=window,
        scores=tuple(_scores(cases, estimates)),
        proxies=tuple(_proxies(cases)),
        settled=settled(cases),
        curves=tuple(_curves([case.training for case in cases], start, window)),
        trainings=tuple(_row(case, own) for case, own in zip(cases, estimates, strict=True)),
        left_out=dict(left_out),
    )


def _estimates(case: Case, cases: Sequence[Case], start: int, window: int) -> tuple[EstimatedEnergy, ...]:
    training = case.training
    found: list[EstimatedEnergy] = []
    alike_cases = _alike(case, cases)
    alike = [other.training for other in alike_cases]
    for extent in EXTENTS:
        is_known, made = extent == "known", dict[Estimator, Estimate]()
        if is_early_enough(training, start, window) and (is_known or alike):
            length = _known(training) if is_known else _predicted(training, alike, start, window)
            made |= {name: estimate(training, length, start, window) for name, estimate in STEPS.items()}
        first = settled([case] if is_known else alike_cases)
        if first is not None and is_early_enough(training, first, window):
            length = _known(training) if is_known else _predicted(training, alike, first, window)
            made |= {name: estimate(training, length, first, window) for name, estimate in SETTLED_STEPS.items()}
        if is_early_enough(training, 0, window) and (is_known or alike):
            length = _known(training) if is_known else _predicted(training, alike, 0, window)
            made["mean-epoch"] = mean_epoch(training, length, window)
        if (tdp_w := case.facts.get(TDP)) is not None and (is_known or alike):
            plate = Nameplate(tdp_w, case.facts.get(MEMORY, 0.0))
            length = _known(training) if is_known else _mean_of(alike)
            made["mlco2"] = mlco2(plate, length)
            if case.gpu_use is not None:
                made["green-algorithms"] = green_algorithms(plate, case.gpu_use, length)
        found.extend(
            EstimatedEnergy(name, extent, own.energy_j, own.half_width_j if np.isfinite(own.half_width_j) else None)
            for name, own in made.items()
        )
    return tuple(found)


def _known(training: Training) -> Extent:
    return Extent(training.epochs, training.duration_s)


def _alike(case: Case, cases: Sequence[Case]) -> list[Case]:
    """The other trainings of its configuration, or all others where it has none."""
    others = [other for other in cases if other is not case]
    return [other for other in others if other.training.configuration == case.training.configuration] or others


def settled(cases: Sequence[Case]) -> int | None:
    """The first epoch before which the power of nine tenths of these trainings has settled, of those that settle."""
    after = [case.settling.epoch + 1 for case in cases if case.settling is not None]
    return int(np.quantile(after, SETTLED_SHARE, method="inverted_cdf")) if after else None


def _mean_of(alike: Sequence[Training]) -> Extent:
    return Extent(
        float(np.mean([other.epochs for other in alike])), float(np.mean([other.duration_s for other in alike]))
    )


def _predicted(training: Training, alike: Sequence[Training], start: int, window: int) -> Extent:
    return ahead(training, _mean_of(alike).epochs, start, window)


def _scores(cases: Sequence[Case], estimates: Sequence[tuple[EstimatedEnergy, ...]]) -> list[ScoredEstimator]:
    names: tuple[Estimator, ...] = (*STEPS, *SETTLED_STEPS, "mean-epoch", "green-algorithms", "mlco2")
    found = []
    for name in names:
        for extent in EXTENTS:
            chosen = [
                (own.energy_j, np.nan if own.half_width_j is None else own.half_width_j, case.training.energy_j)
                for case, of_case in zip(cases, estimates, strict=True)
                for own in of_case
                if (own.estimator, own.extent) == (name, extent)
            ]
            scored = score(*np.array(chosen, dtype=np.float64).T) if chosen else None
            found.append(ScoredEstimator(name, extent, scored, len(cases) - len(chosen)))
    return found


def _proxies(cases: Sequence[Case]) -> list[ScoredProxy]:
    told = [(case.facts, case.gpu_use, _known(case.training)) for case in cases]
    energy_j = np.array([case.training.energy_j for case in cases])
    groups: Mapping[Without, list[str]] = {
        "training": [str(place) for place in range(len(cases))],
        "configuration": [case.training.configuration for case in cases],
        "machine": [case.machine for case in cases],
    }
    return scored_proxies(told, energy_j, groups)


def _curves(trainings: Sequence[Training], start: int, window: int) -> list[CurvePoint]:
    """Each with the trainings that are long enough for it: n goes down as the window or its beginning goes up."""
    wanted = [*((start, other) for other in WINDOWS), *((other, window) for other in STARTS)]
    points = []
    for name, estimate in STEPS.items():
        for first, counted in dict.fromkeys(wanted):
            long = [training for training in trainings if is_early_enough(training, first, counted)]
            if long:
                errors = [estimate(one, _known(one), first, counted).energy_j - one.energy_j for one in long]
                rmse_j = float(np.sqrt(np.mean(np.square(errors))))
                points.append(CurvePoint(name, first, counted, len(long), rmse_j))
    return points


def _row(case: Case, estimates: tuple[EstimatedEnergy, ...]) -> ScoredTraining:
    training = case.training
    return ScoredTraining(
        case.campaign, training.run, training.configuration, training.epochs, training.is_uniform, training.duration_s,
        training.energy_j, case.machine, case.settling, estimates,
    )  # fmt: skip
