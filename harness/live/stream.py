"""One power stream while it grows: its readings as the report will read them, and what is drawn of them.

Knows the CSV of a stream by the report's own readers. Knows no other stream and no energy.
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.live.columns import Column, Envelope, Floats
from harness.live.tail import Tail
from harness.record.documents import PowerDescriptor
from harness.record.errors import AnalysisError, DocumentError, why

if TYPE_CHECKING:
    from reports.readings.series import PowerSeries
    from reports.readings.table import Table

KEPT = frozenset({"time_ns", "power_w", "window_s", "flags"})
"""Columns that the view holds; the mains and the registers are the report's."""
LONG_BYTES = 1 << 18
"""A piece of so many bytes is read by pandas: what a run has when it is opened late."""
STEPS = 64
"""So many of the last readings tell how often one comes."""


class Stream:
    """The readings of one meter. `problem`: why nothing more of it is read. `origin_ns`: 0 s of its traces."""

    def __init__(self, folder: Path, descriptor: PowerDescriptor, origin_ns: int) -> None:
        self.descriptor = descriptor
        self.problem: str | None = None
        self.envelope = Envelope()
        self._folder, self._origin_ns = folder, origin_ns
        self._tail = Tail(folder / descriptor.stream)
        self._head = b""
        self._times_ns, self._power_w, self._window_s = Column(np.int64), Column(np.float64), Column(np.float64)
        self._stale, self._overrange = Column(np.bool_), Column(np.bool_)

    def poll(self) -> int:
        """Read what is new; the number of new readings.

        Raises:
            Replaced: the file is another one now.
        """
        before = self._times_ns.size
        while self.problem is None and (lines := self._tail.lines()):
            try:
                self._take(lines)
            except (AnalysisError, DocumentError, ValueError) as error:
                self.problem = why(error).replace(f"{self._folder.parent}/", "")
        return self._times_ns.size - before

    def _take(self, lines: bytes) -> None:
        if not self._head:
            self._head, _, lines = lines.partition(b"\n")
            self._head += b"\n"
        if not lines:
            return
        table = _reader(lines)(self._tail.path, io.BytesIO(self._head + lines), KEPT, ("stale", "overrange"))
        if not {"time_ns", "power_w"} <= table.columns.keys():
            raise AnalysisError(f"{self._tail.path}: no column time_ns or power_w; was it written by another tool?")
        times_ns, power_w = table.stamps("time_ns"), table.numbers("power_w")
        if not (known := np.isfinite(power_w)).all():
            power_w = np.where(known, power_w, np.nan)
        at_s: Floats = (times_ns - self._origin_ns) * np.float64(1e-9)
        if np.any(np.diff(times_ns, prepend=self._times_ns.values[-1:]) < 0):
            raise AnalysisError(f"{self._tail.path}: time goes back; the file was edited")
        more = round(1.02 * table.size * self._tail.left_bytes / len(lines))  # rows are about as long as these
        self._power_w.extend(power_w, more)
        window_s = table.numbers("window_s") if "window_s" in table else np.full(table.size, np.nan)
        self._window_s.extend(window_s, more)
        self._stale.extend(table.flagged["stale"], more)
        self._overrange.extend(table.flagged["overrange"], more)
        self._times_ns.extend(times_ns, more)
        self.envelope.extend(at_s, power_w)

    @property
    def count(self) -> int:
        """How many readings there are."""
        return self._times_ns.size

    @property
    def last(self) -> tuple[float, float | None] | None:
        """The last reading: when (s), and its power (W), None where it has no value. None without any."""
        if not self.count:
            return None
        power_w = float(self._power_w.values[-1])
        return self._at_s(-1), None if np.isnan(power_w) else power_w

    @property
    def step_s(self) -> float:
        """How often a reading comes (the median of the last steps); 0 where that is not known."""
        steps_s = np.diff(self._times_ns.values[-STEPS:]) * 1e-9
        return float(np.median(steps_s)) if steps_s.size else 0.0

    def _at_s(self, place: int) -> float:
        return float((int(self._times_ns.values[place]) - self._origin_ns) * 1e-9)

    def since(self, begin_s: float) -> tuple[Floats, Floats]:
        """Times (s) and powers (W, NaN without a value) from `begin_s` on, and one reading before."""
        times_ns, power_w = self._times_ns.values, self._power_w.values
        first = max(int(np.searchsorted(times_ns, self._origin_ns + round(begin_s * 1e9))) - 1, 0)
        return (times_ns[first:] - self._origin_ns) * 1e-9, power_w[first : times_ns.size]

    def series(self) -> "PowerSeries":
        """The readings so far as the report has them.

        Raises:
            AnalysisError: the report would refuse them.
        """
        from reports.readings.series import power_series
        from reports.readings.table import Table

        size = self.count
        table = Table(
            size,
            {
                "time_ns": self._times_ns.values[:size],
                "power_w": self._power_w.values[:size],
                "window_s": self._window_s.values[:size],
            },
            {"stale": self._stale.values[:size], "overrange": self._overrange.values[:size]},
        )
        return power_series(self._folder, self.descriptor, table)


def _reader(lines: bytes) -> "Callable[..., Table]":
    from reports.readings.table import read_by_pandas, read_table

    return read_by_pandas if len(lines) > LONG_BYTES else read_table
