"""A software meter's log on the clocks of a run: which of its rows belong to it, and as which stream.

Knows clocks of runs and streams of indicators. Knows no format of a log and no campaign's log.

Decisions
- A log is placed by wall clock. The SUT's stands in both edges of the rating interval beside its monotonic clock, so
  rows become stamps of that one; a run without clock exchanges has the host's start stamp, cut to seconds; an import
  has the clock of its source.
- A run gets the rows of its rating interval, `MARGIN_S` and one usual step of the log more on either side.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal

import numpy as np

from harness.foreign.importers.csv_rows import csv_of, number_text, stamps_text
from harness.foreign.importers.imported import MARGIN_S
from harness.foreign.importers.software.trace import SoftwareTrace
from harness.foreign.importers.stamps import SECOND_NS, Stamps
from harness.foreign.importers.tracker.windows import Window
from harness.foreign.importers.zones import zone_of
from harness.record.documents import IndicatorDescriptor, PhaseEvent
from harness.record.errors import ImportFileError
from harness.record.run_folder import RunFolder

HOUR_S = 3600
DRIFT = 1e-3
"""A wall clock that ran so much faster or slower than the monotonic one during a run was set in it."""


@dataclass(frozen=True, slots=True)
class Part:
    """What of a log belongs to a run: the stream's descriptor, its CSV, how many rows, and how wrong its stamps may be
    on the run's time base beside what the run knows itself (s)."""

    descriptor: IndicatorDescriptor
    content: bytes
    rows: int
    bound_s: float


def wall_ns(trace: SoftwareTrace, window: Window, zone: str | None, where: str) -> Stamps:
    """A log's stamps on the wall clock of a run: UTC, but for an import without a zone.

    Raises:
        ImportFileError: its zone, or that of an import, is needed and not named.
    """
    named = None if zone is None else zone_of(zone, "--timezone")
    if window.has_zone:
        return trace.utc_ns(named, where)
    if trace.clock == "local":  # of the same lab as the import, whose stamps name no zone either
        return trace.time_ns
    if named is None:
        raise ImportFileError(
            f"{where}: its stamps are UTC, but those of this imported campaign are a wall clock without a zone; say "
            "which zone that was: --timezone Europe/Berlin, or --timezone +01:00"
        )
    hours, place = np.unique(trace.time_ns // (HOUR_S * SECOND_NS), return_inverse=True)
    ahead_ns = np.array([_ahead_ns(hour, named) for hour in hours.tolist()], dtype=np.int64)
    return trace.time_ns + ahead_ns[place]


def _ahead_ns(hour: int, zone: tzinfo) -> int:
    offset = datetime.fromtimestamp(hour * HOUR_S, UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds()) * SECOND_NS


def part_of(trace: SoftwareTrace, times_ns: Stamps, run: RunFolder, window: Window) -> Part | None:
    """The rows of a log, stamped on the run's wall clock, that belong to it; None without any.

    Raises:
        ImportFileError: the SUT's wall clock was set during the run.
    """
    steps_ns = np.diff(times_ns)
    usual_ns = int(np.median(steps_ns)) if steps_ns.size else 0
    reach_ns = MARGIN_S * SECOND_NS + usual_ns
    first, last = np.searchsorted(times_ns, [window.begin_ns - reach_ns, window.end_ns + reach_ns + 1])
    inside = np.searchsorted(times_ns, [window.begin_ns, window.end_ns])
    if inside[0] == inside[1]:
        return None
    clock, stamps = _on_base(times_ns[first:last], run, window)
    descriptor = IndicatorDescriptor(
        stream=f"samples-{trace.name}.csv", period_s=usual_ns / SECOND_NS, clock=clock, columns=trace.columns
    )
    names = ["sut_ns" if clock == "sut" else "time_ns", *(str(column["name"]) for column in trace.columns)]
    cells = [list(map(number_text, column.tolist())) for column in trace.values[first:last].T]
    content = csv_of(names, [stamps_text(stamps.tolist()), *cells])
    return Part(descriptor, content, int(last - first), window.bound_s)


def _on_base(times_ns: Stamps, run: RunFolder, window: Window) -> tuple[Literal["sut", "host", "source-wall"], Stamps]:
    """Whose clock the stream's stamps are, and they."""
    if window.clock == "source-wall":
        return "source-wall", times_ns
    rating = [event for event in run.events if isinstance(event, PhaseEvent) and event.name == "rating"]
    first, last = rating[0], rating[-1]
    if window.clock == "host-utc":
        return "host", times_ns - window.begin_ns + first.time_ns
    assert first.sut_ns is not None  # a window on the SUT's clock has edges with both of its clocks
    assert last.sut_ns is not None
    rate = (last.sut_ns - first.sut_ns) / (window.end_ns - window.begin_ns)
    if abs(rate - 1) > DRIFT:
        raise ImportFileError(
            f"{run.path.name}: the SUT's wall clock was set during this run (it ran {1 / rate:.4g} times as fast as "
            "the monotonic one), so a log with wall-clock stamps has no place in it"
        )
    return "sut", first.sut_ns + np.rint((times_ns - window.begin_ns) * rate).astype(np.int64)
