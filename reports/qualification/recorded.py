"""The runs of a qualification: which are of which load, and in each the wall and every software meter beside it.

Knows analysed runs, the table [qualification] of their campaign, and software traces. Computes no result.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from harness.record.counter import counted
from harness.record.errors import AnalysisError
from harness.record.qualification import Load, Qualification
from reports.campaign.run import AnalysedRun
from reports.qualification.share import WallError
from reports.qualification.trace import EnergyTrace, Floats, of_counter, of_gauge, of_windows
from reports.qualification.wall import own_u_w, wall_error, wall_trace
from reports.readings.software import SoftwareTrace, software_traces
from reports.results.rules import Rule, was

NS = 1e-9
SWITCHED = 0.05
"""Standard deviation of the power of a rating interval over its mean, above which its load was switched."""


@dataclass(frozen=True, slots=True)
class RecordedMeter:
    """A software meter in one run: its trace as it was recorded, and as energy over seconds from the beginning of the
    rating interval; `why_not`: why the latter is not there."""

    trace: SoftwareTrace
    times_s: Floats
    energy: EnergyTrace | None
    why_not: str = ""

    @property
    def n_resets(self) -> int:
        """How often a counter that states where it begins anew fell elsewhere."""
        told = self.trace
        if told.kind != "counter" or told.range_j is None or was(Rule.COUNTER_FALLS):
            return 0
        return counted(self.times_s, told.values, told.range_j).n_resets

    def span_s(self, duration_s: float) -> tuple[float, float]:
        """What of a rating interval of `duration_s` is held against the wall: all of it, or as much as a trace covers
        that begins and ends within the run, as a tracker's does."""
        if self.trace.is_whole or self.times_s.size == 0:
            return 0.0, duration_s
        return max(0.0, float(self.times_s[0])), min(duration_s, float(self.times_s[-1]))

    def readings_w(self, begin_s: float, end_s: float) -> Floats:
        """A gauge's readings within a span, shape (n,); empty of a counter."""
        inside = (self.times_s > begin_s) & (self.times_s <= end_s)
        return self.trace.values[inside] if self.trace.kind == "gauge" else np.zeros(0)


@dataclass(frozen=True)
class RecordedRun:
    """A run that counts: its place in the order of measuring, its load (empty: of none), the wall over seconds from the
    beginning of its rating interval, what is known of the wall's error, every software meter by its name."""

    place: int
    name: str
    scenario: str
    duration_s: float
    wall: EnergyTrace
    wall_w: float
    wall_u_w: float
    error: WallError
    meters: Mapping[str, RecordedMeter]
    analysed: AnalysedRun = field(repr=False)
    is_beside: bool
    """Whether its scenario was declared to be no load: it is there to be switched."""

    @cached_property
    def is_switched(self) -> bool:
        """Whether its load was switched on and off while it was rated: a constant load moves by far less."""
        return self.is_beside or moved_w(self, 0.0, self.duration_s) > SWITCHED * self.wall_w


def recorded_runs(runs: Sequence[AnalysedRun], declared: Qualification | None) -> list[RecordedRun]:
    """Every run that enters the means, in the order of measuring."""
    counted = [run for run in runs if run.excluded_because is None]
    return list(_recorded(counted, declared))


def _recorded(runs: Sequence[AnalysedRun], declared: Qualification | None) -> Iterator[RecordedRun]:
    for place, run in enumerate(runs):
        if run.interval_ns is None or run.function is None:
            continue
        start, (begin_ns, _) = run.run.start, run.interval_ns
        meters = {name: _meter(trace, begin_ns) for name, trace in software_traces(run.series).items()}
        yield RecordedRun(
            place, run.run.path.name, start.scenario, run.duration_s, wall_trace(run.function, begin_ns),
            run.mean_power_w, own_u_w(run), wall_error(run), meters, run,
            declared is not None and start.kind == "scenario" and start.scenario not in declared.loads,
        )  # fmt: skip


def _meter(trace: SoftwareTrace, begin_ns: int) -> RecordedMeter:
    times_s = np.asarray((trace.times_ns - begin_ns) * NS)
    try:
        return RecordedMeter(trace, times_s, _energy(trace, times_s))
    except AnalysisError as error:
        return RecordedMeter(trace, times_s, None, str(error))


def _energy(trace: SoftwareTrace, times_s: Floats) -> EnergyTrace:
    if trace.kind == "counter":
        return of_counter(times_s, trace.values, trace.range_j)
    if trace.window_s:
        return of_windows(times_s, trace.values, trace.window_s)
    return of_gauge(times_s, trace.values)


def moved_w(run: RecordedRun, begin_s: float = -math.inf, end_s: float = math.inf) -> float:
    """How much the wall moved over a stretch of a run, by default over all of its record: standard deviation (W)."""
    inside = (run.wall.times_s >= begin_s) & (run.wall.times_s <= end_s)
    times_s, energy_j = run.wall.times_s[inside], run.wall.energy_j[inside]
    return float(np.std(np.diff(energy_j) / np.diff(times_s))) if times_s.size > 1 else 0.0


def liveliest(runs: Sequence[RecordedRun]) -> list[RecordedRun]:
    """The runs, those of a switched load first, then by how much the wall moved."""
    return sorted(runs, key=lambda run: (not run.is_switched, -moved_w(run)))


def loads_of(declared: Qualification | None, runs: Sequence[RecordedRun]) -> dict[str, Load | None]:
    """The loads of a campaign in the order of its file; where it declares none, every scenario that was measured, of
    which nobody says what it keeps busy."""
    if declared is not None:
        return dict(declared.loads)
    return dict.fromkeys(run.scenario for run in runs)
