"""A record of a software meter alone, corrected to the wall by a certificate: per run and in total, each with U.

Knows the certificate, the runs of a campaign, a table of stamps and values. Knows no file name and no terminal.

The energy of a run is that of `reports/readings/rated.py`, with every source of its uncertainty. In a total the errors
of the certificate (line, misfit of a kind of load, wall) and what runs of one cause share (lag, edges, gaps) are one
error in all of them and add up; what is random in a run's readings adds by squares. Nothing here is a measurement.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import AnalysisError
from reports.campaign.run import AnalysedRun
from reports.energy import budget
from reports.energy.contributions import RunTerms, Stream, run_terms
from reports.energy.energy import WH
from reports.energy.meter_error import ROOT_3, error_of
from reports.energy.power_function import NS, power_function
from reports.energy.sample import MeasuredRun, Sample
from reports.energy.sources import contributions
from reports.readings.rated import LAG_U, SoftwarePower, against_record, estimated, lag_ns, power_of, wall_of
from reports.readings.series import SUT_INLET, RunSeries
from reports.readings.software import SoftwareTrace
from reports.results.applicability import chosen
from reports.results.qualification import Qualification
from reports.results.uncertainty import Estimate, Number, Term, combine, single

EDGES = "edges"
RANDOM = frozenset({"sampling", "spill", "resolution", "scatter"})
"""Sources that are another error in every run; all others add up."""


@dataclass(frozen=True, slots=True)
class CorrectedRun:
    """One run, or a log; with a reason in `against` it has no number."""

    name: str
    kind: str
    against: tuple[str, ...]
    outside_percent: float = 0.0
    energy_wh: Number | None = None
    power_w: Number | None = None
    duration_s: float = math.nan
    terms: RunTerms | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Correction:
    """Every run of a record, and the sum of those that have a number; `meter` is empty where none can estimate."""

    meter: str
    runs: tuple[CorrectedRun, ...]

    @property
    def corrected(self) -> tuple[CorrectedRun, ...]:
        """Those that have a number."""
        return tuple(run for run in self.runs if run.terms is not None)

    @property
    def total_wh(self) -> Number | None:
        """Their energy; None where there is none."""
        return total_of(self.corrected)


def corrected_run(
    series: RunSeries, certificate: Qualification, sha256: str, named: str, kind: str, *, is_same_machine: bool
) -> CorrectedRun:
    """One run of a campaign without a meter; arguments as in `rated.estimated`."""
    name = series.run.path.name
    if series.run.exit_status != "success" or series.begin_ns is None or series.end_ns is None:
        reason = series.run.reason or "its rating interval was never marked"
        return CorrectedRun(name, kind, (f"the run did not succeed: {reason}",))
    rated = estimated(series, certificate, sha256, named, kind, is_same_machine=is_same_machine)
    assert rated.applied is not None
    if rated.applied.against:
        return CorrectedRun(name, kind, rated.applied.against)
    run = AnalysedRun(rated.run, rated)
    if not run.feeding:
        return CorrectedRun(name, kind, (f"{rated.applied.meter} said nothing in the rating interval",))
    edges_ns = np.array([series.begin_ns]), np.array([series.end_ns])
    return _with_numbers(name, kind, rated.applied.outside_percent, run.terms_over(*edges_ns, 0.0))


def corrected_log(trace: SoftwareTrace, certificate: Qualification, sha256: str, kind: str) -> CorrectedRun:
    """A table of a software meter, from its first stamp to its last; whoever gave it answers for the machine. The
    trace's name is that of a software meter of the certificate."""
    meter = chosen(certificate, trace.name)
    if isinstance(meter, str):
        return CorrectedRun(trace.name, kind, (meter,))
    try:
        said = power_of(trace)
    except AnalysisError as error:
        return CorrectedRun(trace.name, kind, (str(error),))
    if said.times_ns.size < 2:
        return CorrectedRun(trace.name, kind, (f"{said.times_ns.size} values of power; two are needed",))
    edges_ns = _ends_ns(said, lag_ns(meter))
    against, outside = against_record(certificate, meter, kind, None, trace.period_s, said, edges_ns)
    if against:
        return CorrectedRun(trace.name, kind, against)
    estimate = wall_of(said, meter, certificate, sha256, SUT_INLET)
    stream = Stream(estimate, power_function(estimate), error_of(estimate.descriptor, certificate.validity.date), None)
    bound_s = ROOT_3 * estimate.descriptor.evidence[LAG_U]
    ends = np.array([edges_ns[0]]), np.array([edges_ns[1]])
    return _with_numbers(trace.name, kind, outside, run_terms([stream], *ends, None, (), bound_s, None))


def _ends_ns(said: SoftwarePower, late_ns: int) -> tuple[int, int]:
    """What a log covers: from its first value, of a counter from the one before, to its last."""
    first_ns = int(said.times_ns[0]) - round(float(said.window_s[0]) / NS)
    return first_ns - late_ns, int(said.times_ns[-1]) - late_ns


def _with_numbers(name: str, kind: str, outside_percent: float, terms: RunTerms) -> CorrectedRun:
    energy_wh, duration_s = budget.of_one(terms, "gross").number(0), float(terms.duration_s[0])
    if energy_wh is None:
        return CorrectedRun(name, kind, ("it is too short for the software meter",))
    per_wh, u = WH / duration_s, energy_wh.estimate.u
    mean = Estimate(energy_wh.value * per_wh, None if u is None else u * per_wh, energy_wh.estimate.dof)
    return CorrectedRun(name, kind, (), outside_percent, energy_wh, Number(mean, "W", n=1), duration_s, terms)


def total_of(runs: Sequence[CorrectedRun]) -> Number | None:
    """The energy of several runs by one certificate; None of none."""
    known = [run for run in runs if run.energy_wh is not None]
    if not known:
        return None
    total_wh = math.fsum(run.energy_wh.value for run in known if run.energy_wh is not None)
    if len(known) == 1:
        return known[0].energy_wh
    terms = list(_terms_of(known))
    return Number(combine(total_wh, terms), "Wh") if terms else single(total_wh, "Wh")


def _terms_of(runs: Sequence[CorrectedRun]) -> Iterator[Term]:
    """Every source of a sum: what is random in single runs by squares, every other error once, with its sign."""
    common: dict[str, dict[tuple[object, ...], float]] = {}
    dofs: dict[str, float] = {}
    for run in runs:
        assert run.terms is not None
        sample = Sample([MeasuredRun(run.terms, None)], "gross", run.kind)
        for source in contributions(sample):
            size, dof = _only(source.size) / WH, _only(source.dof)
            # Of the loss at the edges the mean says so in its note; what single runs depart from it by is random.
            if source.name in RANDOM or (source.name == EDGES and not source.note):
                yield Term(size, dof if dof > 0 else math.inf)
                continue
            shares = common.setdefault(source.name, {})
            dofs[source.name] = min(dof, dofs.get(source.name, math.inf))
            for (group, part), share in source.shares.items():
                key = (*group, part)
                shares[key] = shares.get(key, 0.0) + _only(share) * _only(source.u) / WH
    for name, shares in common.items():
        yield Term(math.sqrt(math.fsum(share**2 for share in shares.values())), dofs[name])


def _only(value: float | NDArray[np.float64]) -> float:
    """The one interval of a run."""
    return float(np.asarray(value).reshape(-1)[0])
