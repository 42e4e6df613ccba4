"""The ratings of a scenario: what its runs' tasks came to together, after ISO/IEC 14756, and the energy of each.

Knows the included runs of a scenario, what each served, and the budgets of its means. Knows no finding and no page.

Rates are ratios of sums over the runs, so their u is that of a ratio of means (`energy.efficiency`): runs are the
replicates, tasks of a run are not. Energy per task has the errors that the runs' energies share in common.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.record.documents import Thresholds
from harness.record.population import Population
from reports.campaign.batches import batches_section
from reports.campaign.group import Group
from reports.campaign.means import number_of
from reports.campaign.work import per_unit
from reports.energy import budget, efficiency
from reports.energy.energy import WH
from reports.ratings import iso14756
from reports.ratings.latency import LEAST_SECTIONS, Latencies, joined, mean, percentiles
from reports.ratings.served import BINS, Served, ServedType, timeliness_of
from reports.results.action import EnergyPerWork
from reports.results.ratings import (
    LatencyResult,
    ObservedFrequency,
    ObservedPreparation,
    Percentile,
    Rates,
    RatingsResult,
    Significance,
    SteadyStateResult,
    StimulusResult,
    TaskTypeRating,
)
from reports.results.uncertainty import Estimate, Number, Term, count, mean_of, t_quantile

LEAST_TASKS = 30
"""b over the campaign, below which a mean execution time is not significant."""
RULE = (
    "from when the declared number of requests is in flight for the first time to when the last full batch ends; "
    "what was completed in it counts"
)
NO_SHARED = Term(0.0, math.inf)
"""Counts and times have no error in common."""
POINTS = 80
"""Of a picture of a distribution."""


@dataclass(frozen=True)
class Ratings:
    """The runs of a scenario that served the same parameter set; `is_finished`: none that was planned is missing."""

    group: Group
    limits: Thresholds
    is_finished: bool

    @cached_property
    def served(self) -> list[Served]:
        """What each run served."""
        return [run.served for run in self.group.runs if run.served is not None]

    @cached_property
    def population(self) -> Population:
        """The parameter set."""
        return self.served[0].population

    @cached_property
    def references(self) -> Mapping[str, float]:
        """B_Ref of every task type that has one (1/s)."""
        return iso14756.reference_throughput(self.population)

    @cached_property
    def result(self) -> RatingsResult | None:
        """`scenarios.NAME.ratings`; None where not every run has tasks of one and the same parameter set."""
        digests = {own.digest for own in self.served}
        if not self.served or len(self.served) < len(self.group.runs) or len(digests) > 1:
            return None
        types = {name: self._rating(name) for name in self.population.task_types}
        verdicts = [rating.passed for rating in types.values()]
        return RatingsResult(
            population=self.served[0].name,
            digest=self.served[0].digest,
            shape=self.population.shape,
            declared=dataclasses.asdict(self.population),
            n_runs=len(self.served),
            rated_s=Number(Estimate(float(self.group.durations_s.sum()), None, None), "s", n=len(self.served)),
            task_types=types,
            passed=None if None in verdicts else all(verdicts),
            energy_per=self._energy_per(),
            rates=self._rates(),
            steady_state=steady_state_section(self.group) if self.population.shape == "closed" else None,
            batches=batches_section(self.group),
        )

    def _energy_per(self) -> tuple[EnergyPerWork, ...]:
        shared = [None if own is None else own.shared for own in (self.group.gross_budget, self.group.induced_budget)]
        amounts = [own.amounts for own in self.served]
        return per_unit(amounts, (self.group.energies_wh, self.group.induced_wh), shared)

    def _rating(self, name: str) -> TaskTypeRating:
        own = [served.types[name] for served in self.served]
        function = timeliness_of(self.population, name)
        throughput = self._rate([one.count for one in own])
        execution = joined([one.execution for one in own])
        mean_s = self._mean_execution(own) if execution.n else None
        timely = None if function is None else [one.counted_as_timely(function) for one in own]
        on_time = None if timely is None else self._rate(timely)
        reference_s = self.population.reference_s(name) or None
        is_drawn = self.population.shape == "poisson"
        reference = throughput.value if is_drawn else self.references.get(name)
        ratings = (
            None if not reference else _scaled(throughput, 1 / reference, is_exact=is_drawn),
            None if reference_s is None or mean_s is None else _inverse(mean_s, reference_s),
            None if timely is None else self._share(timely, [one.count for one in own]),
        )
        return TaskTypeRating(
            waits=self.population.task_types[name].wait,
            timeliness=function,
            submitted=count(sum(one.count for one in own)),
            done=count(sum(one.done for one in own)),
            reasons=dict(sum((Counter(one.reasons) for one in own), Counter())),
            throughput=throughput,
            mean_execution_s=mean_s,
            timely=None if timely is None else count(sum(timely)),
            timely_throughput=on_time,
            reference_s=reference_s,
            reference_throughput=reference,
            throughput_rating=ratings[0],
            execution_rating=ratings[1],
            timeliness_rating=ratings[2],
            passed=None if None in ratings else all(one is not None and one.value >= 1 for one in ratings),
            significance=self._significance(own, execution, mean_s),
            goodput=self._rate([one.timely for one in own]),
            latency=latency_section([one.execution for one in own], own),
            first_token=latency_section([one.first_token for one in own]),
            per_token=latency_section([one.per_token for one in own]),
            longest_gap_s=max((one.longest_gap_s for one in own if one.longest_gap_s is not None), default=None),
        )

    def _rate(self, counts: Sequence[float]) -> Number:
        """So many over T_R (1/s)."""
        return efficiency.ratio_of_means(
            np.array(counts, dtype=np.float64), self.group.durations_s, NO_SHARED, "1/s"
        ).number

    def _share(self, some: Sequence[float], all_of: Sequence[float]) -> Number | None:
        if not sum(all_of):
            return None
        above, below = (np.array(values, dtype=np.float64) for values in (some, all_of))
        return efficiency.ratio_of_means(above, below, NO_SHARED, "1").number

    def _mean_execution(self, own: Sequence[ServedType]) -> Number:
        sums_s = np.array([one.execution.sum_s for one in own])
        counts = np.array([float(one.execution.n) for one in own])
        return efficiency.ratio_of_means(sums_s, counts, NO_SHARED, "s").number

    def _significance(self, own: Sequence[ServedType], execution: Latencies, mean_s: Number | None) -> Significance:
        by_runs = None if mean_s is None or len(own) < 3 or mean_s.expanded is None else mean_s.expanded / mean_s.value
        by_tasks = t_quantile(execution.n - 1.0) * execution.u_of_mean_s / execution.mean_s if execution.n > 1 else None
        widths = None if by_runs is None else 100 * by_runs, None if by_tasks is None else 100 * by_tasks
        limit, submitted = self.limits.half_width_percent, sum(one.count for one in own)
        met = all(one is not None and one <= limit for one in widths) and submitted >= LEAST_TASKS
        reason = None if self.is_finished else "campaign-not-finished"
        return Significance(
            *widths, limit_percent=limit, least=LEAST_TASKS, met=met if self.is_finished else None, reason=reason
        )

    def _rates(self) -> Rates:
        steps_s = self.group.durations_s / BINS
        means = [
            tuple(np.mean([np.array(own.rates[at]) / step_s for own, step_s in
                           zip(self.served, steps_s, strict=True)], axis=0).tolist())
            for at in range(3)
        ]  # fmt: skip
        return Rates(float(steps_s.mean()), means[0], means[1], means[2])


def latency_section(parts: Sequence[Latencies], types: Sequence[ServedType] = ()) -> LatencyResult | None:
    """Latencies of some runs together; `types`: whose parts of a run stand in where runs are too few."""
    whole = joined(parts)
    if not whole.n:
        return None
    of_parts = [part for one in types for part in one.parts]
    by_runs = len(parts) >= LEAST_SECTIONS
    sections = parts if by_runs else of_parts
    mean_s = mean(whole, sections)
    found = percentiles(whole, sections)
    return LatencyResult(
        n=whole.n,
        mean_s=Number(mean_s, "s", n=len(sections) or None),
        least_s=whole.least_s,
        largest_s=whole.largest_s,
        dropped=whole.dropped,
        sections=None if mean_s.u is None else "runs" if by_runs else "parts-of-run",
        percentiles=tuple(
            Percentile(percent, Number(own, "s", n=len(sections) or None) if math.isfinite(own.value) else None)
            for percent, own in found.items()
        ),
        shares=whole.shares(POINTS),
    )


def steady_state_section(group: Group) -> SteadyStateResult:
    """`steady_state`: the energy of every run's window, and of what was completed in it."""
    own = [
        (terms, run.at_window, run.served.window)
        for run, terms in zip(group.runs, group.terms, strict=True)
        if run.served is not None and run.served.window is not None
    ]
    terms, at = [one for one, _, _ in own], [place for _, place, _ in own]
    windows = [window for _, _, window in own]
    gross_wh = np.array([one.energy_j[k] / WH for one, k in zip(terms, at, strict=True)])
    induced_wh = np.array([one.induced_j[k] / WH for one, k in zip(terms, at, strict=True)])
    factors = np.full(len(own), 1 / WH)
    gross = budget.of_mean(terms, at, factors, "Wh", "gross") if own else None
    induced = budget.of_mean(terms, at, factors, "Wh", "induced") if own else None
    shared = [None if one is None else one.shared for one in (gross, induced)]
    return SteadyStateResult(
        rule=RULE,
        n=len(own),
        duration_s=mean_of([(window.end_ns - window.begin_ns) * 1e-9 for window in windows], "s"),
        energy_wh=number_of(gross),
        induced_energy_wh=number_of(induced),
        energy_per=per_unit([window.amounts for window in windows], (gross_wh, induced_wh), shared),
    )


def stimulus_entry(served: Served) -> StimulusResult:
    """`runs[].stimulus`."""
    own, pace = served.stimulus, served.stimulus.pace
    return StimulusResult(
        intended=pace.intended,
        submitted=pace.submitted,
        done=sum(one.done for one in served.types.values()),
        declared=pace.declared,
        made=pace.made,
        lag_p99_s=pace.lag_p99_s,
        lag_largest_s=pace.lag_max_s,
        cpu_percent=pace.cpu_percent,
        queued=pace.queued,
        errors=pace.errors,
        disorder=own.disorder,
        frequencies=tuple(
            ObservedFrequency(one.user_type, one.chain, one.expected, one.observed, one.count)
            for one in own.frequencies
        ),
        preparation=tuple(
            ObservedPreparation(
                one.user_type, one.task_type, one.preparation, one.count, one.expected_mean_s, one.mean_s,
                one.expected_sd_s, one.sd_s,
            ) for one in own.thinking
        ),
    )  # fmt: skip


def _scaled(number: Number, factor: float, *, is_exact: bool) -> Number:
    """A number times an exact factor, as a ratio; `is_exact`: the factor is of this very number."""
    own = number.estimate
    if is_exact:
        return Number(Estimate(own.value * factor, 0.0, math.inf), "1", None, number.n)
    u = None if own.u is None else own.u * factor
    return Number(Estimate(own.value * factor, u, own.dof), "1", None, number.n)


def _inverse(number: Number, above: float) -> Number | None:
    """An exact number over one, to first order."""
    own = number.estimate
    if not own.value:
        return None
    u = None if own.u is None else own.u * above / own.value**2
    return Number(Estimate(above / own.value, u, own.dof), "1", None, number.n)
