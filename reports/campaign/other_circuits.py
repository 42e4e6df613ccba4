"""`other_circuits` of results.json: the meters on circuits of their own, over runs, scenarios and the baseline.

Knows analysed runs, their terms and the campaign's meters. Adds nothing to the SUT's energy.

A ratio's error is that of both meters, taken as independent: what their edges and clocks have in common would make it
smaller.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.record.documents import Thresholds
from reports.campaign.means import mean_energy, mean_power, power_over
from reports.campaign.other_streams import OtherStream
from reports.campaign.run import AT_RUN, AnalysedRun
from reports.energy import budget
from reports.energy.contributions import RunTerms
from reports.energy.energy import WH
from reports.findings.reading_rules import gaps_fail
from reports.results.meters import Meter
from reports.results.other_circuits import OtherCircuit, OtherMean, OtherRun
from reports.results.uncertainty import Estimate, Number, Term, count, mean_with_shared, single


@dataclass(frozen=True, slots=True)
class MeteredRun:
    """One run by a meter on another circuit; `main`: the terms of the SUT's energy, None where it has none."""

    run: AnalysedRun
    other: OtherStream
    main: RunTerms | None
    is_covered: bool
    """Whether gaps in this meter's readings stay within the limits."""

    @property
    def included(self) -> bool:
        """Whether it enters this meter's means."""
        return self.is_covered and self.run.excluded_because is None

    @property
    def ratio_percent(self) -> float:
        """This meter's energy in % of the SUT's; NaN where that is not known, or not above zero."""
        main_j = float("nan") if self.main is None else float(self.main.energy_j[AT_RUN])
        return 100 * float(self.other.terms.energy_j[AT_RUN]) / main_j if main_j > 0 else float("nan")


def evaluate(
    runs: Sequence[AnalysedRun], terms: Mapping[int, RunTerms], meters: Sequence[Meter], limits: Thresholds
) -> tuple[OtherCircuit, ...]:
    """The section; `terms`: by the identity of a run, its terms against the baseline."""
    metered: dict[str, list[MeteredRun]] = {}
    for run in runs:
        for one in run.others:
            if np.isfinite(one.terms.energy_j[AT_RUN]):
                main = terms.get(id(run), run.own_terms)
                own = MeteredRun(run, one, main, _is_covered(run, one, limits))
                metered.setdefault(one.descriptor.meter, []).append(own)
    return tuple(_circuit(meter, metered[meter.meter]) for meter in meters if meter.meter in metered)


def _is_covered(run: AnalysedRun, one: OtherStream, limits: Thresholds) -> bool:
    return not gaps_fail(one.gap_s, one.longest_gap_s, run.duration_s, limits)


def _circuit(meter: Meter, metered: Sequence[MeteredRun]) -> OtherCircuit:
    counted = [one for one in metered if one.included]
    names = sorted({one.run.run.start.scenario for one in counted if one.run.run.start.kind == "scenario"})
    by_scenario = {name: [one for one in counted if one.run.run.start.scenario == name] for name in names}
    blocks = [one for one in counted if one.run.run.start.kind == "baseline"]
    errors = [part.error for one in metered for part in one.other.terms.parts if part.reported_j is None]
    return OtherCircuit(
        meter=meter.meter, circuit=meter.circuit, origin=meter.origin, tier=meter.tier,
        complete=all(error.known for error in errors), baseline=_pooled(blocks) if blocks else None,
        scenarios={name: mean for name, own in by_scenario.items() if (mean := _mean(own)) is not None},
        runs=tuple(_runs(metered)),
    )  # fmt: skip


def _runs(metered: Sequence[MeteredRun]) -> Iterator[OtherRun]:
    for one in metered:
        energy = budget.of_one(one.other.terms, "gross").number(AT_RUN)
        power = power_over(energy, one.run.duration_s)
        if energy is not None and power is not None:
            gap = single(one.other.gap_s, "s")
            yield OtherRun(one.run.run.path.name, one.included, power, energy, gap, _ratio_of_one(one))


def _ratio_of_one(one: MeteredRun) -> Number | None:
    """The ratio of a run with what is known of both meters' errors."""
    if one.main is None or not math.isfinite(one.ratio_percent):
        return None
    both = [budget.of_one(terms, "gross").number(AT_RUN) for terms in (one.other.terms, one.main)]
    parts = [_relative(number.estimate.u, number.value) for number in both if number is not None]
    u = one.ratio_percent * math.hypot(*parts)
    return Number(Estimate(one.ratio_percent, u, math.inf) if math.isfinite(u) else
                  Estimate(one.ratio_percent, None, None), "%", n=1)  # fmt: skip


def _relative(u: float | None, value: float) -> float:
    return abs(u / value) if u is not None and value else float("nan")


def _mean(own: Sequence[MeteredRun]) -> OtherMean | None:
    """The means over some runs, in order of time."""
    terms, at = [one.other.terms for one in own], [AT_RUN] * len(own)
    power, energy = mean_power(terms, at), mean_energy(terms, at, "gross")
    if power is None or energy is None:
        return None
    return OtherMean(count(len(own)), power, energy, _mean_ratio(own))


def _mean_ratio(own: Sequence[MeteredRun]) -> Number | None:
    known = [(one, one.main) for one in own if one.main is not None and math.isfinite(one.ratio_percent)]
    if not known:
        return None
    ratios = np.array([one.ratio_percent for one, _ in known])
    mean = float(ratios.mean())
    shared = [_shared([one.other.terms for one, _ in known]), _shared([main for _, main in known])]
    both = None if None in shared else Term(mean * math.hypot(*(part for part in shared if part is not None)), math.inf)
    return mean_with_shared(ratios, "%", both)


def _shared(terms: Sequence[RunTerms]) -> float | None:
    """What the energies of some runs by one side share of their error, as a part of them."""
    mean = budget.of_mean(terms, [AT_RUN] * len(terms), np.full(len(terms), 1 / WH), "Wh", "gross")
    return None if mean is None or not mean.number.value else abs(mean.shared.u / mean.number.value)


def _pooled(blocks: Sequence[MeteredRun]) -> OtherMean | None:
    """The means over blocks; the power is their energy over their time, as that of the SUT's baseline."""
    mean = _mean(blocks)
    if mean is None:
        return None
    energy_j, length_s = (math.fsum(values) for values in zip(*map(_energy_and_length, blocks), strict=True))
    power = replace(mean.mean_power_w, estimate=replace(mean.mean_power_w.estimate, value=energy_j / length_s))
    return replace(mean, mean_power_w=power)


def _energy_and_length(one: MeteredRun) -> tuple[float, float]:
    return float(one.other.terms.energy_j[AT_RUN]), one.run.duration_s
