"""One stream of indicators while it grows: what the SUT, or the room's sensors, said of themselves.

Knows the CSV of such a stream by the report's own readers, and which of its columns are one picture. Knows no power
stream and no clock model: a picture takes the last exchange, the report's rules the model that they are given.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.live.columns import Column, Floats
from harness.live.tail import Tail
from harness.record.documents import IndicatorDescriptor
from harness.record.errors import AnalysisError, DocumentError, why

if TYPE_CHECKING:
    from reports.readings.clock import ClockModel
    from reports.readings.series import Indicators

OF_BOARD = re.compile(r"gpu\d+_")
NUMBERED = re.compile(r"\bGPU \d+\b")


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn together: one quantity, of each board that has it."""

    title: str
    unit: str
    names: tuple[str, ...]


class Samples:
    """The rows of one stream. `problem`: why nothing more of it is read."""

    def __init__(self, folder: Path, descriptor: IndicatorDescriptor) -> None:
        self.descriptor = descriptor
        self.problem: str | None = None
        self._folder = folder
        self._tail = Tail(folder / descriptor.stream)
        self._head = b""
        self._stamps_ns = Column(np.int64)
        self._columns: dict[str, Column[np.float64]] = {}
        self._odd: Counter[str] = Counter()

    def poll(self) -> None:
        """Read what is new.

        Raises:
            Replaced: the file is another one now.
        """
        while self.problem is None and (lines := self._tail.lines()):
            try:
                self._take(lines)
            except (AnalysisError, DocumentError, ValueError) as error:
                self.problem = why(error).replace(f"{self._folder.parent}/", "")

    def _take(self, lines: bytes) -> None:
        from reports.readings.series import samples_of, stamp_of

        if not self._head:
            self._head, _, lines = lines.partition(b"\n")
            self._head += b"\n"
        if not lines:
            return
        table, odd = samples_of(self._tail.path, self._head + lines, self.descriptor)
        stamp = stamp_of(self.descriptor)
        if stamp not in table:
            raise AnalysisError(f"{self._tail.path}: no column {stamp}; was it written by another tool?")
        for name in table.columns.keys() - {stamp}:
            self._columns.setdefault(name, Column(np.float64)).extend(table.numbers(name))
        self._stamps_ns.extend(table.stamps(stamp))
        self._odd.update(odd)

    @property
    def charts(self) -> list[Chart]:
        """What can be drawn of it: gauges, those of several boards together."""
        charts: dict[str, Chart] = {}
        for column in self.descriptor.columns:
            name = str(column.get("name"))
            if name not in self._columns or column.get("kind", "gauge") != "gauge":
                continue
            key, title = OF_BOARD.sub("gpu_", name), NUMBERED.sub("GPU", str(column.get("quantity") or name))
            known = charts.get(key, Chart(title, str(column.get("unit", "")), ()))
            charts[key] = Chart(known.title, known.unit, (*known.names, name))
        return list(charts.values())

    def trace(self, name: str, origin_ns: int) -> tuple[Floats, Floats]:
        """Times (s since `origin_ns`, which is on the clock that stamps the rows) and values of one column, those that
        have one."""
        values = self._columns[name].values
        known = np.isfinite(values)
        return (self._stamps_ns.values[known] - origin_ns) * 1e-9, values[known]

    def indicators(self, clock: "ClockModel | None") -> "Indicators | None":
        """The rows so far as the report has them; None without any, or where nothing maps their clock.

        Raises:
            AnalysisError: the report would refuse them.
        """
        from reports.readings.series import indicators_of, stamp_of
        from reports.readings.table import Table

        size = self._stamps_ns.size
        if not size or (self.descriptor.clock == "sut" and clock is None):
            return None
        columns = {name: column.values[:size] for name, column in self._columns.items()}
        table = Table(size, columns | {stamp_of(self.descriptor): self._stamps_ns.values[:size]})
        return indicators_of(self._folder, self.descriptor, clock, table, self._odd)

    @property
    def cells(self) -> Iterator[tuple[str, float, str]]:
        """Name, value and unit of each indicator that has a value in the last row."""
        for column in self.descriptor.columns:
            name = str(column.get("name"))
            value = float(self._columns[name].values[-1]) if name in self._columns else np.nan
            if np.isfinite(value):
                yield name, value, str(column.get("unit", ""))
