"""The section `statistics` of results.json: the scenarios of a campaign beside each other (method.md section 10).

Knows results.json without this section, and which test is used for what. Knows no R (`statistics`), no file, no words
for readers.

Decisions
- The replicate is the run. A run that enters no mean enters no test. The baseline is no level: it is what is
  subtracted. Seconds and epochs are never replicates.
- Which test is used was declared in lab.toml (`[analysis] test`) before the first run. Tests of assumptions are shown
  and choose nothing. They get the very values that the tests get.
- A scenario is a level of a response where at least two of its runs have a value. Where one has, nothing can be tested;
  it is named in `left_out`.
- The campaign is a randomised complete block design: repetition i of every scenario with one seed, in drawn order. The
  tests do not use the blocks; what they have in common makes the tests wider, never narrower, and `blocks` says how
  many are complete.
- Epochs of one run are not independent. Of a correlation over all epochs only the coefficient is given; what is
  inferred rests on runs: one coefficient of each run, then their mean on Fisher's scale with Student's interval over
  the runs, and the correlation of the runs' means.
- Energy and temperature both rise with the time in the run. `partial` takes the time out as a straight line, within
  each run; `same_epoch` takes out every course that all runs share, straight or not, by comparing epoch k with epoch k.
- Values are sorted before they are tested, so that the order of runs changes no digit.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json
from harness.record.errors import AnalysisError
from reports.energy import efficiency
from reports.inference import coefficients, effects, intervals, planning, power_analysis, statistics
from reports.readings.bounded import number
from reports.results.codec import widened
from reports.results.inference import Interval, Pair, Test
from reports.results.rules import Rule, was
from reports.results.statistics import (
    Absence,
    AllEpochs,
    Blocks,
    Correlations,
    CourseName,
    Declared,
    Detectable,
    EpochCorrelation,
    FinalName,
    LevelResult,
    OverRuns,
    Planning,
    ResponseName,
    ResponseResult,
    RunCorrelation,
    SameEpoch,
    ScenarioPair,
    Statistics,
    Variation,
    WithinRuns,
)
from reports.results.uncertainty import Estimate, Number, sample_mean

RESPONSES: Mapping[ResponseName, str] = {
    "energy_wh": "Wh", "induced_energy_wh": "Wh", "duration_s": "s", "val_accuracy_per_induced_wh": "1/Wh",
}  # fmt: skip
"""What is compared, with its unit."""
EPOCH = "epoch"
TEMPERATURE: CourseName = "gpu_temperature_c"
COURSES: tuple[CourseName, ...] = (TEMPERATURE, "val_accuracy", "val_loss")
"""What the energy of an epoch is correlated with."""
FINALS: tuple[FinalName, ...] = ("val_accuracy", "val_loss")
"""What the energy of a run is correlated with."""
POWER = 0.8
SHARE = 0.9
"""In how many of all campaigns the planned half-width is to be kept."""
MOST = 500
"""More runs or blocks than this are not planned."""
PERFECT = 1 - 1e-12
"""A coefficient above has no place on Fisher's scale."""
LEAST_RUNS = 3
LEAST_POINTS = 10
"""Epochs of a run, less one for a control, below which the mean coefficient of the runs has no interval."""
Floats: TypeAlias = NDArray[np.float64]


def evaluate(results: Json) -> Statistics:
    """`statistics` of results.json, from the rest of it.

    Without R, or with nothing to test, `available` is false and `reason` says which; R is started only where there is
    something to test.
    """
    declared, values = _declared(results), values_of(results)
    planned = _planning(results)
    if (reason := _absence(values)) is not None:
        return Statistics(False, reason, declared, planned, None, {}, (), ())
    runs = rated_runs(results)
    return Statistics(
        available=True,
        reason=None,
        test=declared,
        planning=planned,
        blocks=_blocks(runs),
        responses={key: _response(RESPONSES[key], levels, declared) for key, levels in values.items() if levels},
        epochs=tuple(
            _epochs(name, key, runs[name]) for name in runs for key in COURSES if _has_course(runs[name], key)
        ),
        runs=tuple(row for key in FINALS if (row := _finals(key, runs)) is not None),
    )


def _absence(values: Mapping[ResponseName, Mapping[str, Floats]]) -> Absence | None:
    """Why no test can be made; None where one can."""
    if not any(_testable(levels) for levels in values.values()):
        return "nothing-to-test"
    return statistics.absence()


def _declared(results: Json) -> Declared:
    """`[analysis] test` of lab.toml; a campaign from before there was one, and an import, have the method's default."""
    config = results["campaign"].get("config")
    section = config.get("analysis") if isinstance(config, dict) else None
    return "rank" if isinstance(section, dict) and section.get("test") == "rank" else "welch"


def rated_runs(results: Json) -> dict[str, list[Json]]:
    """Scenario -> its runs that enter the means."""
    rated: dict[str, list[Json]] = {name: [] for name in results["scenarios"]}
    for run in results["runs"]:
        if run["included"] and run["kind"] == "scenario":
            rated[run["scenario"]].append(run)
    return rated


def values_of(results: Json) -> dict[ResponseName, dict[str, Floats]]:
    """Response -> scenario -> value of each run that has one, in rising order."""
    of_responses: dict[ResponseName, dict[str, Floats]] = {}
    for key in RESPONSES:
        of_responses[key] = {}
        for name, runs in rated_runs(results).items():
            suppressed = results["scenarios"][name]["efficiency"]["suppressed"] is not None
            values = np.array([_value(run, key, suppressed) for run in runs])
            finite = values[np.isfinite(values)]
            if finite.size:
                of_responses[key][name] = np.sort(finite)
    return of_responses


def _value(run: Json, key: str, suppressed: bool) -> float:
    if key != "val_accuracy_per_induced_wh":
        return _number(run[key])
    work = _number(efficiency.work_of(run["final_metrics"], 0).get("val_accuracy_per_wh"))
    energy_wh = _number(run["induced_energy_wh"])
    return math.nan if suppressed or not energy_wh > 0 else work / energy_wh


def _number(part: Any) -> float:  # noqa: ANN401  a part of results.json
    """The value of a Number, or a plain number; NaN for anything else, and for what no square can hold."""
    return number(part.get("value") if isinstance(part, Mapping) else part)


def _testable(levels: Mapping[str, Floats]) -> bool:
    """Two scenarios with two runs each, or three runs of one."""
    sizes = [values.size for values in levels.values()]
    return sum(size >= 2 for size in sizes) >= 2 or max(sizes, default=0) >= LEAST_RUNS


def _planning(results: Json) -> Planning | None:
    """Runs and blocks of a new campaign that keeps the half-width of `[thresholds]`; None where nothing is known."""
    percent = float(results["thresholds"]["half_width_percent"])
    try:
        scenarios = {name: _measured(part) for name, part in results["scenarios"].items()}
        pilots, baseline = planning.pilots_from(_measured(results["baseline"] or {}, "mean_power_w"), scenarios)
    except AnalysisError:
        return None
    wanted = planning.Wanted(percent / 100, SHARE, MOST, MOST, keeps_pilot=False)
    sizes = planning.sizes(pilots, baseline, wanted)
    runs = {name: sizes.runs.get(name) for name in pilots}
    return Planning(percent, 100 * SHARE, sizes.blocks if sizes.runs else None, runs, dict(sizes.unreachable))


def _measured(part: Json, quantity: str = "induced_energy_wh") -> planning.Measured:
    """A quantity and the duration, as the records that they are."""
    numbers = (part.get(key) for key in (quantity, "duration_s"))
    quantity_of, duration = (None if raw is None else Number.of_json(raw) for raw in numbers)
    return quantity_of, duration


def _blocks(runs: Mapping[str, Sequence[Json]]) -> Blocks:
    """How many repetitions every scenario has, of all there are."""
    repetitions = [{run["repetition"] for run in group} for group in runs.values() if group]
    return Blocks(
        complete=len(set.intersection(*repetitions)) if repetitions else 0,
        begun=len(set.union(*repetitions)) if repetitions else 0,
    )


def _response(unit: str, everyone: Mapping[str, Floats], declared: Declared) -> ResponseResult:
    values_of_levels = {name: values for name, values in everyone.items() if values.size >= 2}
    left_out = tuple(name for name in everyone if name not in values_of_levels)
    levels = {name: _level(values, unit) for name, values in values_of_levels.items()}
    if len(levels) < 2:
        return ResponseResult(unit, levels, left_out, None, None, (), ())
    omnibus, pairs = _tests(values_of_levels, declared)
    return ResponseResult(
        unit,
        levels,
        left_out,
        levene=statistics.levene(values_of_levels),
        omnibus=omnibus,
        post_hoc=tuple(_with_delta(pair, values_of_levels) for pair in pairs),
        detectable=tuple(_detectable(unit, a, b, values_of_levels) for a, b in combinations(values_of_levels, 2)),
    )


def _tests(levels: Mapping[str, Floats], declared: Declared) -> tuple[Test, tuple[Pair, ...]]:
    """The declared test over all levels, and that of every pair."""
    if declared == "welch":
        return statistics.welch_anova(levels), statistics.games_howell(levels)
    return statistics.kruskal(levels), statistics.dunn(levels)


def _with_delta(pair: Pair, levels: Mapping[str, Floats]) -> ScenarioPair:
    delta = effects.cliffs_delta(levels[pair.first], levels[pair.second])
    return widened(ScenarioPair, pair, cliffs_delta=delta)


def _level(values: Floats, unit: str) -> LevelResult:
    mean = sample_mean(values, unit)
    return LevelResult(
        mean,
        median=Number(Estimate(float(np.median(values)), None, None), unit, None, values.size),
        cv=Variation(*_variation(values, mean)),
        shapiro=statistics.normality(values),
        qq=statistics.normal_plot(values),
    )


def _variation(values: Floats, mean: Number) -> tuple[float | None, Interval | None]:
    """SD / mean where the mean is told from zero, with an interval where a distribution shows at all."""
    variation = intervals.coefficient_of_variation(values)
    if was(Rule.SHOWN_STATISTICS):
        return variation or (None, None)
    if mean.expanded is None or mean.value <= mean.expanded or variation is None:
        return None, None
    return variation[0], variation[1] if values.size >= statistics.LEAST_FOR_NORMALITY else None


def _detectable(unit: str, first: str, second: str, levels: Mapping[str, Floats]) -> Detectable:
    """The difference that a Welch test of these two finds with a power of .8: equal groups of the harmonic mean of both
    sizes, with the spread that gives the difference of the means its standard error."""
    n, sd = power_analysis.as_equal_groups(levels[first], levels[second])
    difference = power_analysis.detectable_difference(n, sd, POWER) if sd > 0 else None
    return Detectable(first, second, n, sd, unit, POWER, difference)


@dataclass(frozen=True, slots=True)
class Course:
    """The epochs of one run in order: time in the run (middle, s), what is correlated, energy (Wh); shape (epochs,)."""

    index: NDArray[np.int64]
    time_s: Floats
    x: Floats
    energy_wh: Floats


def _has_course(runs: Sequence[Json], key: str) -> bool:
    return any(course.x.size >= 2 for course in courses(runs, key))


def courses(runs: Sequence[Json], key: str) -> list[Course]:
    """One course per run, of the epochs that have both the quantity and an energy."""
    of_runs = []
    for run in runs:
        rows = [
            (row["index"], row["begin_s"] + row["duration_s"] / 2, _course_value(row, key), _number(row["energy_wh"]))
            for row in run["actions"]
            if row["name"] == EPOCH
        ]
        table = np.array(rows, dtype=np.float64).reshape(-1, 4)
        table = table[np.isfinite(table).all(axis=1)]
        table = table[np.argsort(table[:, 1], kind="stable")]
        of_runs.append(Course(table[:, 0].astype(np.int64), table[:, 1], table[:, 2], table[:, 3]))
    return of_runs


def _course_value(row: Json, key: str) -> float:
    return _number(row[key] if key == TEMPERATURE else row["metrics"].get(key))


def _epochs(scenario: str, key: CourseName, runs: Sequence[Json]) -> EpochCorrelation:
    """The energy of an epoch with something else, in one scenario."""
    of_runs = [course for course in courses(runs, key) if course.x.size >= 2]
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


def over_runs(coefficients: Sequence[float], points: Sequence[int]) -> OverRuns:
    """The mean of the runs' coefficients on Fisher's scale, where each is r/(2(m-1)) too far out (Hotelling 1953), m
    its points less the controls; Student's interval over the runs from `LEAST_POINTS` on: with fewer it covers less
    than 93 % where the coefficient is near 1."""
    known = sorted((r, m) for r, m in zip(coefficients, points, strict=True) if math.isfinite(r))
    left_out = len(coefficients) - len(known)
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


def _finals(key: FinalName, runs: Mapping[str, Sequence[Json]]) -> RunCorrelation | None:
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


def _final_pairs(key: str, runs: Sequence[Json]) -> Floats:
    """(value, energy in Wh) of every run that has both, sorted; shape (runs, 2)."""
    rows = [(_final(run, key), _number(run["energy_wh"])) for run in runs]
    table = np.array(sorted(row for row in rows if all(map(math.isfinite, row))), dtype=np.float64)
    return table.reshape(-1, 2)


def _final(run: Json, key: str) -> float:
    """The metric as the run's summary says it, else of its last epoch."""
    summary = _number(run["final_metrics"].get(key))
    last = run["history"].get(key) or [math.nan]
    return summary if math.isfinite(summary) else _number(last[-1])


def _both(table: Floats) -> Correlations:
    x, y = table[:, 0], table[:, 1]
    return Correlations(coefficients.pearson(x, y), coefficients.spearman(x, y))
