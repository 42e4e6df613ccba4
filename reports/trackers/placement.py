"""Where a tracker's account stands on the run's time base.

Knows the clocks that a tracker's stamps can be on, and the reach of the meters' readings. Does not know an energy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.record.documents import ClockEvent
from reports.energy.power_function import NS
from reports.trackers.account import Account, Stretch
from reports.trackers.run import TrackedRun

Span = tuple[int, int]
"""Begin and end, ns."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A tracker's interval on the run's time base (ns), what of it the figure counts, the parts that it reports by
    themselves and that lie within the readings, and how much of it (s) does not."""

    interval_ns: Span
    spans_ns: tuple[Span, ...]
    stretches: tuple[Stretch, ...]
    outside_s: float

    @property
    def counted_ns(self) -> int:
        """The time that the figure counts."""
        return sum(end - begin for begin, end in self.spans_ns)

    @property
    def counted_s(self) -> float:
        """The same in seconds."""
        return self.counted_ns * NS

    @property
    def shortest_s(self) -> float:
        """The shortest stretch that the figure counts."""
        return min(end - begin for begin, end in self.spans_ns) * NS


def placement_of(run: TrackedRun, account: Account) -> Placement | None:
    """An account on the run's time base; None where nothing maps its clock, or it ends before it begins."""
    interval_ns = _interval_ns(run, account)
    if interval_ns is None or interval_ns[1] <= interval_ns[0]:
        return None
    shift_ns = interval_ns[0] - (account.begin_ns or 0)
    spans = tuple((begin + shift_ns, end + shift_ns) for begin, end in account.spans_ns) or (interval_ns,)
    stretches = (
        Stretch(part.name, part.index, part.begin_ns + shift_ns, part.end_ns + shift_ns, part.energy_wh)
        for part in account.stretches
    )
    within = tuple(part for part in stretches if _outside_s(run, part.begin_ns, part.end_ns) == 0)
    return Placement(interval_ns, spans, within, sum(_outside_s(run, *span) for span in spans))


def _outside_s(run: TrackedRun, begin_ns: int, end_ns: int) -> float:
    """Time (s) of an interval before the first or after the last reading of any meter."""
    if not run.streams:
        return (end_ns - begin_ns) * NS
    functions = [stream.function for stream in run.streams]
    first_ns = max(f.origin_ns + round(f.first_s / NS) for f in functions)
    last_ns = min(f.origin_ns + round(f.last_s / NS) for f in functions)
    return (max(first_ns - begin_ns, 0) + max(end_ns - last_ns, 0)) * NS


def _interval_ns(run: TrackedRun, account: Account) -> Span | None:
    """A tracker's interval on the run's time base (ns); None where nothing maps its clock.

    `sut-monotonic` by the clock exchanges; `sut-wall` (UTC, ns since 1970) by the wall clock noted with the nearest
    exchange, unless that clock was stepped in the run; `host-utc` by the run's stamp of its start; `source-wall` is the
    time base of an import; `run`: the operator said that the figure is of the run's own interval.
    """
    if account.clock == "run":
        return run.interval_ns
    if account.begin_ns is None or account.end_ns is None:
        return None
    edges_ns = account.begin_ns, account.end_ns
    start, clock = run.run.start, run.series.clock
    if account.clock == "sut-monotonic" and clock is not None:
        return clock.to_host(edges_ns[0]), clock.to_host(edges_ns[1])
    if account.clock == "source-wall" and start.time_base == "source-wall":
        return edges_ns
    if account.clock == "host-utc" and start.time_base == "host-monotonic":
        utc_ns = int(datetime.fromisoformat(start.utc).timestamp()) * 1_000_000_000
        return edges_ns[0] - utc_ns + start.time_ns, edges_ns[1] - utc_ns + start.time_ns
    if account.clock == "sut-wall" and clock is not None and not any(step.side == "sut" for step in clock.steps):
        exchanges = run.series.exchanges
        return _by_wall(exchanges, edges_ns[0]), _by_wall(exchanges, edges_ns[1])
    return None


def _by_wall(exchanges: Sequence[ClockEvent], wall_ns: int) -> int:
    """A moment of the SUT's wall clock on the host's clock, by the exchange nearest to it."""
    nearest = min(exchanges, key=lambda event: abs(event.sut_wall_ns - wall_ns))
    return (nearest.t0_ns + nearest.t1_ns) // 2 + wall_ns - nearest.sut_wall_ns
