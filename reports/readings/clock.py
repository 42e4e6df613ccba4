"""Recorded clock exchanges -> offset and drift of the SUT's clock, a bound on the error, steps of the wall clocks, and
stretches in which a machine stood still.

Knows the exchanges (method.md section 5) and maps SUT stamps to the host's time base. Knows no wire and no file.

An exchange proves that at SUT time t_sut the host's clock stood between t0 and t1: its middle is wrong by half the
round trip at most. The line through the best exchanges (weighted by the inverse square of that half) is offset and
drift. Its bound is the largest |residual| + half round trip over the exchanges it was fitted to, widened for the
stretch before the first and after the last of them; and where any other exchange proves a larger error, that error.
For a clock that drifts steadily this holds whatever the delays were and however unequal; where the exchanges are too
close together to show the drift, for a clock that drifts by SLEW at most.

A machine that sleeps, or whose hypervisor stops it, stops its monotonic clock: it then advanced less between two
exchanges than the other's did at least; and its boot clock, where it is recorded, tells a sleep exactly.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import ClockEvent
from harness.record.errors import AnalysisError

BINS = 16
"""The best exchange of each so many equal stretches of the run is kept, so that drift is seen over all of it."""
GOOD_ROUND_TRIP = 2.0
"""A stretch whose best round trip is longer than so many times the median of all stretches' best ones is left out."""
DRIFT_SPAN_NS = 1_000_000_000
"""Exchanges closer together than 1 s say little of drift; it is then taken as 0, and SLEW goes into the bound."""
STEP_NS = 1_000_000
"""A wall clock that moved against its monotonic clock by more than this, and faster than SLEW, was stepped."""
ROUNDING_NS = 3
STOP_NS = 100_000_000
"""A clock that lost more than this against the other one, and more than SLEW explains, stood still."""
QUICK_NS = 1_000_000_000
"""Of two clocks' advance only exchanges that took less say anything: a machine that sleeps answers late."""
SLEW = 600e-6
"""NTP slews by 500 ppm at most (adjtimex(2)); the rest is for the oscillator."""


@dataclass(frozen=True, slots=True)
class WallStep:
    """A wall clock jumped by `jump_ns` between the exchanges that ended at `from_ns` and `to_ns` (host clock)."""

    side: Literal["sut", "host"]
    from_ns: int
    to_ns: int
    jump_ns: int


@dataclass(frozen=True, slots=True)
class Standstill:
    """A machine stood still for `lost_ns` between two moments (host clock)."""

    side: Literal["sut", "host"]
    from_ns: int
    to_ns: int
    lost_ns: int


@dataclass(frozen=True, slots=True)
class ClockModel:
    """host = sut + offset_ns + drift * (sut - origin_ns), wrong by `bound_ns` at most between the first and the last
    exchange."""

    origin_ns: int
    offset_ns: int
    drift: float
    bound_ns: int
    exchanges: int
    kept: int
    first_sut_ns: int
    last_sut_ns: int
    steps: tuple[WallStep, ...]
    standstills: tuple[Standstill, ...] = ()

    @overload
    def to_host(self, sut_ns: int) -> int: ...
    @overload
    def to_host(self, sut_ns: NDArray[np.int64]) -> NDArray[np.int64]: ...
    def to_host(self, sut_ns: int | NDArray[np.int64]) -> int | NDArray[np.int64]:
        """SUT monotonic stamps (ns, one or an array of any shape) on the host's monotonic clock (ns)."""
        if isinstance(sut_ns, np.ndarray):
            since = (sut_ns - self.origin_ns).astype(np.float64)
            return sut_ns + self.offset_ns + np.rint(self.drift * since).astype(np.int64)
        return int(sut_ns) + self.offset_ns + round(self.drift * (int(sut_ns) - self.origin_ns))


def fit(exchanges: Sequence[ClockEvent]) -> ClockModel:
    """The clock model of one run.

    Raises:
        AnalysisError: no exchange, or one whose answer came before its question.
    """
    if not exchanges:
        raise AnalysisError("no clock exchange was recorded: SUT stamps cannot be put on the host's time base")
    if any(exchange.t1_ns < exchange.t0_ns for exchange in exchanges):
        raise AnalysisError("a clock exchange ends before it begins (t1_ns < t0_ns): the journal was edited")
    origin = exchanges[0].t_sut_ns
    sut = np.array([e.t_sut_ns - origin for e in exchanges], dtype=np.float64)
    half = np.array([(e.t1_ns - e.t0_ns) / 2 for e in exchanges])
    # In whole numbers first: a host stamp has more digits than a float.
    base = (exchanges[0].t0_ns + exchanges[0].t1_ns) // 2 - origin
    offset = np.array([(e.t0_ns + e.t1_ns - 2 * (e.t_sut_ns + base)) / 2 for e in exchanges])
    kept = _best(sut, half)
    intercept, drift = _line(sut[kept], offset[kept], half[kept])
    error = np.abs(offset - (intercept + drift * sut))
    unknown = SLEW * float(np.ptp(sut)) if np.ptp(sut[kept]) < DRIFT_SPAN_NS else 0.0
    bound = unknown + max(float(np.max(error[kept] + half[kept])) * _widening(sut, kept), float(np.max(error - half)))
    return ClockModel(
        origin_ns=origin,
        offset_ns=base + round(intercept),
        drift=drift,
        bound_ns=int(np.ceil(bound)) + ROUNDING_NS,
        exchanges=len(exchanges),
        kept=int(kept.size),
        first_sut_ns=min(e.t_sut_ns for e in exchanges),
        last_sut_ns=max(e.t_sut_ns for e in exchanges),
        steps=tuple(_steps(exchanges)),
        standstills=tuple(_standstills(exchanges)),
    )


def _best(sut: NDArray[np.float64], half: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of the exchanges to fit: the shortest round trip of every stretch, without stretches that had no good
    one."""
    span = float(np.ptp(sut))
    place = np.zeros(sut.size, dtype=np.intp)
    if span > 0:
        place = np.minimum((sut - sut.min()) / span * BINS, BINS - 1).astype(np.intp)
    best = np.array(
        [members[np.argmin(half[members])] for b in np.unique(place) for members in [np.flatnonzero(place == b)]]
    )
    good: NDArray[np.intp] = best[half[best] <= GOOD_ROUND_TRIP * np.median(half[best])]
    # A line through one end of the run would be a guess at the other.
    return good if 2 * np.ptp(sut[good]) >= span else best


def _widening(sut: NDArray[np.float64], kept: NDArray[np.intp]) -> float:
    """How much larger than among the kept exchanges the error of a line can be before the first and after the last."""
    first, last = float(sut[kept].min()), float(sut[kept].max())
    if last - first < DRIFT_SPAN_NS:
        return 1.0
    return 1.0 + 2.0 * max(first - float(sut.min()), float(sut.max()) - last) / (last - first)


def _line(sut: NDArray[np.float64], offset: NDArray[np.float64], half: NDArray[np.float64]) -> tuple[float, float]:
    """Intercept and slope of the weighted least squares line; slope 0 where the exchanges span too little."""
    weight = 1.0 / np.maximum(half, 1.0) ** 2
    mean_sut, mean_offset = np.average(sut, weights=weight), np.average(offset, weights=weight)
    if np.ptp(sut) < DRIFT_SPAN_NS:
        return float(mean_offset), 0.0
    away = sut - mean_sut
    slope = float(np.sum(weight * away * (offset - mean_offset)) / np.sum(weight * away * away))
    return float(mean_offset - slope * mean_sut), slope


def _steps(exchanges: Sequence[ClockEvent]) -> list[WallStep]:
    """Where a wall clock and its monotonic clock parted faster than any slewing, in order of time."""
    found = []
    ordered = sorted(exchanges, key=lambda exchange: exchange.t_sut_ns)
    for one, two in itertools.pairwise(ordered):
        moved = {
            "sut": (two.sut_wall_ns - one.sut_wall_ns, two.t_sut_ns - one.t_sut_ns),
            "host": (two.host_wall_ns - one.host_wall_ns, two.t1_ns - one.t1_ns),
        }
        for side, (wall_ns, monotonic_ns) in moved.items():
            if abs(wall_ns - monotonic_ns) > STEP_NS + SLEW * monotonic_ns:
                jump = wall_ns - monotonic_ns
                found.append(WallStep("sut" if side == "sut" else "host", one.t1_ns, two.t1_ns, jump))
    return found


def _standstills(exchanges: Sequence[ClockEvent]) -> list[Standstill]:
    """Where either machine stood still, in order of time."""
    quick = sorted((e for e in exchanges if e.t1_ns - e.t0_ns < QUICK_NS), key=lambda exchange: exchange.t0_ns)
    standstills = []
    for before, after in itertools.pairwise(quick):
        sut_ns = after.t_sut_ns - before.t_sut_ns
        lost = {
            "sut": max(after.t0_ns - before.t1_ns - sut_ns, _slept(before.sut_boot_ns, after.sut_boot_ns, sut_ns)),
            "host": max(
                sut_ns - (after.t1_ns - before.t0_ns),
                _slept(before.host_boot_ns, after.host_boot_ns, after.t1_ns - before.t1_ns),
            ),
        }
        for side, lost_ns in lost.items():
            if lost_ns > STOP_NS + SLEW * sut_ns:
                standstills.append(Standstill("sut" if side == "sut" else "host", before.t1_ns, after.t0_ns, lost_ns))
    return standstills


def _slept(before_ns: int | None, after_ns: int | None, monotonic_ns: int) -> int:
    """How much more the boot clock advanced than the monotonic one; 0 where it is not known."""
    return 0 if before_ns is None or after_ns is None else after_ns - before_ns - monotonic_ns
