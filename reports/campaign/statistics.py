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
- Values are sorted before they are tested, so that the order of runs changes no digit.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from harness.record.errors import AnalysisError
from harness.record.work import Work
from reports.campaign.correlations import LEAST_RUNS, Floats, epoch_correlations, run_correlations
from reports.energy import efficiency
from reports.inference import effects, intervals, planning, power_analysis, r_session, statistics
from reports.readings.bounded import number
from reports.results.codec import widened
from reports.results.document import CampaignNumbers
from reports.results.inference import Interval, Pair, Test
from reports.results.rules import Rule, was
from reports.results.run import RunResult
from reports.results.statistics import (
    Absence,
    Blocks,
    Declared,
    Detectable,
    LevelResult,
    Planning,
    ResponseResult,
    ScenarioPair,
    Statistics,
    Variation,
)
from reports.results.uncertainty import Estimate, Number, sample_mean
from reports.results.undeclared import UNDECLARED
from reports.results.useful_work import UsefulWork, response_of, responses_of

MEASURED: Mapping[str, str] = {"energy_wh": "Wh", "induced_energy_wh": "Wh", "duration_s": "s"}
"""What is compared in every campaign, with its unit; beside it the kind of work that each scenario declares first."""
POWER = 0.8
SHARE = 0.9
"""In how many of all campaigns the planned half-width is to be kept."""
MOST = 500
"""More runs or blocks than this are not planned."""


def evaluate(results: CampaignNumbers) -> Statistics:
    """`statistics` of results.json, from the rest of it.

    Without R, or with nothing to test, `available` is false and `reason` says which; R is started only where there is
    something to test.
    """
    declared, values = _declared(results), values_of(results)
    planned = _planning(results)
    if (reason := _absence(values)) is not None:
        return Statistics(False, reason, declared, planned, None, {}, (), ())
    runs, works = rated_runs(results), works_of(results)
    units = {**MEASURED, **{key: work.unit for key, work in responses_of(works.values()).items()}}
    return Statistics(
        available=True,
        reason=None,
        test=declared,
        planning=planned,
        blocks=_blocks(runs),
        responses={key: _response(units[key], levels, declared) for key, levels in values.items() if levels},
        epochs=epoch_correlations(runs, works),
        runs=run_correlations(runs, works),
    )


def _absence(values: Mapping[str, Mapping[str, Floats]]) -> Absence | None:
    """Why no test can be made; None where one can."""
    if not any(_testable(levels) for levels in values.values()):
        return "nothing-to-test"
    return r_session.absence()


def _declared(results: CampaignNumbers) -> Declared:
    """`[analysis] test` of lab.toml; a campaign from before there was one, and an import, have the method's default."""
    section = (results.campaign.config or {}).get("analysis")
    return "rank" if isinstance(section, dict) and section.get("test") == "rank" else "welch"


def rated_runs(results: CampaignNumbers) -> dict[str, list[RunResult]]:
    """Scenario -> its runs that enter the means. One that searches has none: its trials are no replicates, for each is
    run with other parameters, and what is tried depends on the trials before."""
    searching = {one.scenario for one in results.searches}
    rated: dict[str, list[RunResult]] = {name: [] for name in results.scenarios if name not in searching}
    for run in results.runs:
        if run.included and run.kind == "scenario" and run.scenario not in searching:
            rated[run.scenario].append(run)
    return rated


def works_of(results: CampaignNumbers) -> dict[str, UsefulWork]:
    """Scenario -> the useful work that it declares, or what holds where it declares nothing."""
    return {name: part.declared or UNDECLARED for name, part in results.scenarios.items()}


def values_of(results: CampaignNumbers) -> dict[str, dict[str, Floats]]:
    """Response -> scenario -> value of each run that has one, in rising order."""
    works = works_of(results)
    of_responses: dict[str, dict[str, Floats]] = {}
    for key in (*MEASURED, *responses_of(works.values())):
        of_responses[key] = {}
        for name, runs in rated_runs(results).items():
            suppressed = results.scenarios[name].efficiency.suppressed is not None
            kinds = {} if suppressed else {response_of(work): work for work in works[name].work}
            values = np.array([_value(run, key, kinds) for run in runs])
            finite = values[np.isfinite(values)]
            if finite.size:
                of_responses[key][name] = np.sort(finite)
    return of_responses


def _value(run: RunResult, key: str, kinds: Mapping[str, Work]) -> float:
    """A response of a run; NaN where it has none. `kinds`: those that are useful work by induced energy."""
    if key in MEASURED:
        quantity: Number | None = getattr(run, key)
        return math.nan if quantity is None else quantity.value
    energy_wh = math.nan if run.induced_energy_wh is None else run.induced_energy_wh.value
    if key not in kinds or not energy_wh > 0:
        return math.nan
    marked = Counter(action.name for action in run.actions)
    amount = number(efficiency.work_of(run.final_metrics, [kinds[key]], marked, run.work or {}).get(kinds[key].name))
    return amount / (energy_wh * efficiency.unit_of_wh(kinds[key]))


def _testable(levels: Mapping[str, Floats]) -> bool:
    """Two scenarios with two runs each, or three runs of one."""
    sizes = [values.size for values in levels.values()]
    return sum(size >= 2 for size in sizes) >= 2 or max(sizes, default=0) >= LEAST_RUNS


def _planning(results: CampaignNumbers) -> Planning | None:
    """Runs and blocks of a new campaign that keeps the half-width of `[thresholds]`; None where nothing is known."""
    percent = float(results.thresholds["half_width_percent"])
    try:
        pilots, baseline = planning.pilots_of(results.baseline, results.scenarios)
    except AnalysisError:
        return None
    wanted = planning.Wanted(percent / 100, SHARE, MOST, MOST, keeps_pilot=False)
    sizes = planning.sizes(pilots, baseline, wanted)
    runs = {name: sizes.runs.get(name) for name in pilots}
    return Planning(percent, 100 * SHARE, sizes.blocks if sizes.runs else None, runs, dict(sizes.unreachable))


def _blocks(runs: Mapping[str, Sequence[RunResult]]) -> Blocks:
    """How many repetitions every scenario has, of all there are."""
    repetitions = [{run.repetition for run in group} for group in runs.values() if group]
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
