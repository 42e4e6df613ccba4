"""Which share of the wall a software meter sees on one load: software / wall over repetitions (method.md section 13).

Knows the means of runs and what is known of both sides' errors. Knows no trace but for the mean of one run.

    share = mean of software_i / wall_i over n repetitions
    u^2   = s^2 tau / n  +  type B, each common to all repetitions: limits of error of the wall, quantum, edges

The scatter s of the repetitions holds what differs between them, and the sampling of the software meter with it (JCGM
100, 4.3.10): sampling is a line of its own only where one run stands alone. tau is the autocorrelation time. A term of
type B makes no U smaller than the scatter's alone, as Welch-Satterthwaite's degrees of freedom would.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reports.energy.budget import autocorrelation_time
from reports.inference.contrast import never_narrower
from reports.qualification.trace import EnergyTrace, Floats
from reports.results.software_meter import Lag, Refusal, SeenShare, ShareLine
from reports.results.uncertainty import Number, Term, mean_of

ASSUMED_LAG_S = 5.0
"""Limit of the lag where the record could not tell it."""
ROOT_3 = math.sqrt(3.0)


@dataclass(frozen=True, slots=True)
class RunMeans:
    """Mean powers (W) of one run over its span, and standard uncertainties (W) of the software meter's: `sampling_u_w`
    of what lies between its readings, `edges_u_w` of where the span begins and ends in its
    trace, with the sign of the difference there: one lag moves all runs alike."""

    run: str
    wall_w: float
    software_w: float
    sampling_u_w: float
    edges_u_w: float


@dataclass(frozen=True, slots=True)
class WallError:
    """Standard uncertainty of the wall that all runs have in common: a part of the reading, and W."""

    relative: float
    offset_w: float

    def of(self, power_w: float) -> float:
        """Relative standard uncertainty at a power."""
        return math.hypot(self.relative, self.offset_w / power_w)


def run_means(
    run: str,
    wall: EnergyTrace,
    software: EnergyTrace,
    span_s: tuple[float, float],
    lag: Lag | Refusal,
    readings_w: Floats,
) -> RunMeans | Refusal:
    """The means of one run over `span_s` (begin, end).

    The software meter's span begins and ends later by its lag; what is not known of the lag moves energy over the
    edges: |P(end) - P(begin)| u(lag) / T. `readings_w`: a gauge's readings within the span, shape (n,), whose steps say
    what may lie between two of them, sqrt(mean step^2 / 2) / sqrt(n) (method.md section 6, u_int); empty of a counter.
    """
    begin_s, end_s = span_s
    lag_s, lag_u_s = _lag(lag)
    moved = begin_s + lag_s, end_s + lag_s
    if (resets_s := software.resets_between(*moved)).size:
        return Refusal(
            "no-record",
            f"The counter was reset in {run} {resets_s[0]:.6g} s after its rating interval began: it falls there and "
            "cannot have begun anew, so nobody knows what it counted. Measure the run again.",
        )
    if not (wall.covers(begin_s, end_s) and _reaches(software, *moved)):
        return Refusal(
            "no-overlap",
            f"Wall and software meter do not both cover {run} from {begin_s:.6g} s to {end_s:.6g} s. Check the clocks.",
        )
    wall_w = float(wall.mean_w(np.array([begin_s]), np.array([end_s]))[0])
    software_w = float(software.mean_w(np.array([moved[0]]), np.array([moved[1]]))[0])
    ends_s = np.array(moved)
    margin_s = max(lag_u_s, software.usual_step_s)
    before_w = software.mean_w(ends_s - margin_s, ends_s + margin_s)
    edges_u_w = float(before_w[1] - before_w[0]) * lag_u_s / (end_s - begin_s)
    steps_w = np.diff(readings_w)
    sampling_u_w = math.sqrt(float(np.mean(steps_w**2)) / 2 / readings_w.size) if steps_w.size else 0.0
    return RunMeans(run, wall_w, software_w, sampling_u_w, edges_u_w)


def _lag(lag: Lag | Refusal) -> tuple[float, float]:
    """The lag and its standard uncertainty; not known: 0 and a rectangle of `ASSUMED_LAG_S`."""
    if isinstance(lag, Refusal):
        return 0.0, ASSUMED_LAG_S / ROOT_3
    return lag.lag_s.value, lag.lag_s.estimate.u or 0.0


def _reaches(trace: EnergyTrace, begin_s: float, end_s: float) -> bool:
    """Whether a trace covers a span but for one of its steps at each end."""
    step_s = trace.usual_step_s
    return trace.covers(max(begin_s, float(trace.times_s[0])), min(end_s, float(trace.times_s[-1]))) and (
        begin_s >= trace.times_s[0] - step_s and end_s <= trace.times_s[-1] + step_s
    )


def seen_share(runs: Sequence[RunMeans], wall: WallError, quantum_u_w: float) -> SeenShare | Refusal:
    """The share over the repetitions of one load, in the order in which they were measured.

    `quantum_u_w`: standard uncertainty of the software meter's mean by its steps (`sampling.quantum_u_w`), common to
    all repetitions.
    """
    if not runs:
        return Refusal("no-record", "No run of this load has a record of both the wall and this software meter.")
    if not all(run.wall_w > 0 for run in runs):
        lowest_w = min(run.wall_w for run in runs)
        return Refusal("not-above-zero", f"The wall shows {lowest_w:.6g} W in a run; a share needs a power above 0.")
    ratios = np.array([run.software_w / run.wall_w for run in runs])
    share = float(ratios.mean())
    lines = tuple(_lines(runs, ratios, wall, quantum_u_w))
    terms = [Term(line.u, math.inf if line.dof is None else line.dof) for line in lines]
    sd = float(ratios.std(ddof=1)) if ratios.size > 1 else None
    number = Number(never_narrower(share, [terms[:1], terms]), "1", sd, ratios.size)
    return SeenShare(number, lines)


def _lines(runs: Sequence[RunMeans], ratios: Floats, wall: WallError, quantum_u_w: float) -> Iterator[ShareLine]:
    n, wall_w = ratios.size, float(np.mean([run.wall_w for run in runs]))
    if n > 1:
        tau = autocorrelation_time(ratios)
        yield ShareLine("scatter", "A", float(ratios.std(ddof=1)) * math.sqrt(tau / n), max(n / tau - 1, 1.0))
    else:
        yield ShareLine("software-sampling", "B", runs[0].sampling_u_w / wall_w, None)
    yield ShareLine("wall-limits", "B", abs(float(ratios.mean())) * wall.of(wall_w), None)
    yield ShareLine("software-quantum", "B", quantum_u_w / wall_w, None)
    yield ShareLine("edges", "B", abs(float(np.mean([run.edges_u_w for run in runs]))) / wall_w, None)


def mean_power(runs: Sequence[RunMeans]) -> Number | Refusal:
    """The software meter's mean power on one load: what it says, with no uncertainty but the scatter of the runs."""
    if (mean := mean_of([run.software_w for run in runs], "W")) is None:
        return Refusal("no-record", "No run of this load has a record of this software meter.")
    return mean
