"""Correlations of energy in a campaign: of an epoch (the action that repeats) with temperature and the
declared metrics; of a run with where these ended (method.md section 10).

Knows the runs that enter the means. Knows no comparison of scenarios, no file, no words for readers.

Decisions
- Epochs of one run are not independent. Of a correlation over all epochs only the coefficient is given; what is
  inferred rests on runs: one coefficient of each run, then their mean on Fisher's scale with Student's interval over
  the runs, and the correlation of the runs' means.
- Energy and temperature both rise with the time in the run. `partial` takes the time out as a straight line, within
  each run; `same_epoch` takes out every course that all runs share, straight or not, by comparing epoch k with epoch k.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reports.inference import coefficients, intervals
from reports.readings.bounded import number
from reports.results.action import RunAction
from reports.results.inference import Test
from reports.results.run import RunResult
from reports.results.statistics import (
    AllEpochs,
    Correlations,
    EpochCorrelation,
    OverRuns,
    RunCorrelation,
    SameEpoch,
    WithinRuns,
)
from reports.results.useful_work import UsefulWork, metrics_of

TEMPERATURE = "gpu_temperature_c"
"""What the energy of an epoch is correlated with, beside the declared metrics."""
Works: TypeAlias = Mapping[str, UsefulWork]
"""Scenario -> what it declares."""
PERFECT = 1 - 1e-12
"""A coefficient above has no place on Fisher's scale."""
LEAST_RUNS = 3
LEAST_POINTS = 10
"""Epochs of a run, less one for a control, below which the mean coefficient of the runs has no interval."""
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Course:
    """The epochs of one run in order: time in the run (middle, s), what is correlated, energy (Wh); shape (epochs,)."""

    index: NDArray[np.int64]
    time_s: Floats
    x: Floats
    energy_wh: Floats


def epoch_correlations(runs: Mapping[str, Sequence[RunResult]], works: Works) -> tuple[EpochCorrelation, ...]:
    """The energy of an epoch with everything that it is correlated with, in every scenario that has it."""
    return tuple(
        _epochs(name, key, of_runs)
        for name in runs
        for key in (TEMPERATURE, *metrics_of([works[name]]))
        if (of_runs := courses(runs[name], key, works[name].repeats))
    )


def run_correlations(runs: Mapping[str, Sequence[RunResult]], works: Works) -> tuple[RunCorrelation, ...]:
    """The energy of a run with where its metrics ended."""
    keys = metrics_of(works[name] for name in runs)
    return tuple(row for key in keys if (row := _finals(key, _declaring(key, runs, works))) is not None)


def _declaring(key: str, runs: Mapping[str, Sequence[RunResult]], works: Works) -> Mapping[str, Sequence[RunResult]]:
    return {name: of_scenario for name, of_scenario in runs.items() if key in metrics_of([works[name]])}


def courses(runs: Sequence[RunResult], key: str, repeats: str) -> list[Course]:
    """One course per run that has two or more, of the epochs (the action that `repeats`) that have both the quantity
    and an energy."""
    of_runs = []
    for run in runs:
        rows = [
            (row.index, row.begin_s + row.duration_s / 2, _course_value(row, key), number(row.energy_wh))
            for row in run.actions
            if row.name == repeats
        ]
        table = np.array(rows, dtype=np.float64).reshape(-1, 4)
        table = table[np.isfinite(table).all(axis=1)]
        table = table[np.argsort(table[:, 1], kind="stable")]
        of_runs.append(Course(table[:, 0].astype(np.int64), table[:, 1], table[:, 2], table[:, 3]))
    return [course for course in of_runs if course.x.size >= 2]


def _course_value(row: RunAction, key: str) -> float:
    return number(row.gpu_temperature_c if key == TEMPERATURE else row.metrics.get(key))


def _epochs(scenario: str, key: str, of_runs: Sequence[Course]) -> EpochCorrelation:
    """The energy of an epoch with something else, in one scenario."""
    time_s, x, energy_wh = (
        np.concatenate([getattr(course, name) for course in of_runs]) for name in ("time_s", "x", "energy_wh")
    )
    means = np.array([[course.x.mean(), course.energy_wh.mean()] for course in of_runs])
    return EpochCorrelation(
        scenario,
        key,
        "energy_wh",
        n_runs=len(of_runs),
        n_epochs=int(x.size),
        all_epochs=AllEpochs(
            pearson=_coefficient(coefficients.pearson(x, energy_wh)),
            spearman=_coefficient(coefficients.spearman(x, energy_wh)),
            partial=_coefficient(coefficients.partial(x, energy_wh, [time_s])),
        ),
        within_runs=WithinRuns(
            raw=over_runs([correlation(c.x, c.energy_wh) for c in of_runs], [c.x.size for c in of_runs]),
            partial=over_runs(
                [partial_correlation(c.x, c.energy_wh, c.time_s) for c in of_runs], [c.x.size - 1 for c in of_runs]
            ),
        ),
        same_epoch=same_epoch(of_runs),
        run_means=coefficients.pearson(means[:, 0], means[:, 1]),
    )


def _coefficient(test: Test) -> float | None:
    """A coefficient over all epochs, without the p that would take them as independent."""
    return None if test.effect is None else test.effect.value


def correlation(x: Floats, y: Floats) -> float:
    """Pearson's coefficient; NaN for fewer than three points or where one of both does not vary."""
    if x.size < 3:
        return math.nan
    dx, dy = x - x.mean(), y - y.mean()
    scale = math.sqrt(float(dx @ dx) * float(dy @ dy))
    vary = np.ptp(x) > 1e-12 * np.abs(x).max() and np.ptp(y) > 1e-12 * np.abs(y).max()
    return min(1.0, max(-1.0, float(dx @ dy) / scale)) if vary and scale > 0 else math.nan


def partial_correlation(x: Floats, y: Floats, control: Floats) -> float:
    """Pearson's coefficient of what a straight line in `control` leaves of both; NaN for fewer than four points, or
    where it leaves nothing."""
    if x.size < 4:
        return math.nan
    rx, ry, rxy = correlation(x, control), correlation(y, control), correlation(x, y)
    left = (1 - rx * rx) * (1 - ry * ry)
    return min(1.0, max(-1.0, (rxy - rx * ry) / math.sqrt(left))) if left > 1e-12 else math.nan


def over_runs(per_run: Sequence[float], points: Sequence[int]) -> OverRuns:
    """The mean of the runs' coefficients on Fisher's scale, where each is r/(2(m-1)) too far out (Hotelling 1953), m
    its points less the controls; Student's interval over the runs from `LEAST_POINTS` on: with fewer it covers less
    than 93 % where the coefficient is near 1."""
    known = sorted((r, m) for r, m in zip(per_run, points, strict=True) if math.isfinite(r))
    left_out = len(per_run) - len(known)
    if not known:
        return OverRuns(0, left_out, None, None, None, None)
    r, m = np.array(known, dtype=np.float64).T
    scaled = np.abs(r).max() < PERFECT
    z = np.arctanh(r) - r / (2 * (m - 1)) if scaled else r
    enough = scaled and r.size >= LEAST_RUNS and m.min() >= LEAST_POINTS
    interval = intervals.t_interval(z) if enough else None
    ends = None if interval is None else (math.tanh(interval.low), math.tanh(interval.high))
    mean = float(np.tanh(z.mean()) if scaled else z.mean())
    return OverRuns(len(known), left_out, mean, ends, least=float(r[0]), greatest=float(r[-1]))


def same_epoch(of_runs: Sequence[Course]) -> SameEpoch | None:
    """The coefficient of what run and epoch leave of both (two-way residuals), over the epochs that all runs have; None
    for fewer than three runs or two such epochs, or where nothing is left."""
    common = sorted(set.intersection(*({int(k) for k in course.index} for course in of_runs)))
    if len(of_runs) < LEAST_RUNS or len(common) < 2:
        return None
    tables = []
    for name in ("x", "energy_wh"):
        rows = [dict(zip(course.index.tolist(), getattr(course, name).tolist(), strict=True)) for course in of_runs]
        table = np.array([[row[k] for k in common] for row in rows])
        tables.append(table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean())
    value = correlation(tables[0].ravel(), tables[1].ravel())
    return SameEpoch(value, len(of_runs), len(common)) if math.isfinite(value) else None


def _finals(key: str, runs: Mapping[str, Sequence[RunResult]]) -> RunCorrelation | None:
    """The energy of a run with where its training ended: in every scenario, over all runs, and over the medians of the
    scenarios beside it. None where fewer than three runs have it."""
    pairs = {name: _final_pairs(key, group) for name, group in runs.items()}
    pairs = {name: table for name, table in pairs.items() if len(table)}
    together = np.concatenate([*pairs.values()]) if pairs else np.empty((0, 2))
    if len(together) < LEAST_RUNS:
        return None
    medians = np.array([np.median(table, axis=0) for table in pairs.values()])
    of_scenarios = {name: _both(table) for name, table in pairs.items()}
    return RunCorrelation(key, "energy_wh", of_scenarios, all_runs=_both(together), medians=_both(medians))


def _final_pairs(key: str, runs: Sequence[RunResult]) -> Floats:
    """(value, energy in Wh) of every run that has both, sorted; shape (runs, 2)."""
    rows = [(_final(run, key), math.nan if run.energy_wh is None else run.energy_wh.value) for run in runs]
    table = np.array(sorted(row for row in rows if all(map(math.isfinite, row))), dtype=np.float64)
    return table.reshape(-1, 2)


def _final(run: RunResult, key: str) -> float:
    """The metric as the run's summary says it, else of its last epoch."""
    summary = number(run.final_metrics.get(key))
    last = run.history.get(key) or [math.nan]
    return summary if math.isfinite(summary) else number(last[-1])


def _both(table: Floats) -> Correlations:
    x, y = table[:, 0], table[:, 1]
    return Correlations(coefficients.pearson(x, y), coefficients.spearman(x, y))
