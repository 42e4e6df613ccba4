"""A software meter's log as it was read: columns of watts or joules over time, and what a reader has to know of them.

Knows no format (a module each) and no run. What a column is follows `IndicatorDescriptor.columns`: unit `W` of a gauge,
`J` of a counter, `range_j` where that begins anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.foreign.importers.source import SourceFile
from harness.foreign.importers.stamps import SECOND_NS, Stamps
from harness.record.documents import Json
from harness.record.errors import ImportFileError

Values = NDArray[np.float64]
Clock = Literal["utc", "local"]
"""Whose nanoseconds since 1970 stamps are: of UTC, or of a wall clock whose zone no line names."""


@dataclass(frozen=True, slots=True)
class SoftwareTrace:
    """Shapes: `time_ns` (n,), rising; `values` (n, k), one column of `columns` each, NaN where a row has none."""

    name: str
    columns: list[Json]
    time_ns: Stamps
    values: Values
    notes: tuple[str, ...] = ()
    clock: Clock = "utc"

    def utc_ns(self, zone: tzinfo | None, where: str) -> Stamps:
        """Its stamps as nanoseconds since 1970 of UTC; `zone` is that of a wall clock without one.

        Raises:
            ImportFileError: its stamps name no zone and none is given; `where` names the file.
        """
        if self.clock == "utc":
            return self.time_ns
        if zone is None:
            raise ImportFileError(
                f"{where}: the stamps of a {self.name} log name no time zone; say which one its machine was set to, "
                "such as Europe/Berlin or +01:00 (`--timezone`; in a mapping `zone` of [[software]])"
            )
        offsets = {hour: _offset_ns(hour, zone) for hour in np.unique(self.time_ns // (3600 * SECOND_NS)).tolist()}
        return self.time_ns - np.array(
            [offsets[hour] for hour in (self.time_ns // (3600 * SECOND_NS)).tolist()], dtype=np.int64
        )


def _offset_ns(hour: int, zone: tzinfo) -> int:
    """What a zone's wall clock is ahead of UTC in an hour of its own."""
    offset = datetime.fromtimestamp(hour * 3600, UTC).replace(tzinfo=zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds()) * SECOND_NS


def gauge(name: str, quantity: str, method: str) -> Json:
    """A column of watts."""
    return {"name": name, "unit": "W", "quantity": quantity, "method": method, "kind": "gauge"}


def counter(name: str, quantity: str, method: str, range_j: float | None = None) -> Json:
    """A column of joules that add up; `range_j`: where it begins anew."""
    column: Json = {"name": name, "unit": "J", "quantity": quantity, "method": method, "kind": "counter"}
    return column if range_j is None else column | {"range_j": range_j}


def pivoted(
    source: SourceFile, times_ns: Stamps, keys: Sequence[str], values: Values
) -> tuple[list[str], Stamps, Values, list[str]]:
    """Rows of one value each -> names in their order, rising times (n,), values (n, k), notes: of a name that stands
    twice at one time the first value is taken, and rows are sorted by time.

    Raises:
        ImportFileError: no row.
    """
    if not len(keys):
        raise ImportFileError(f"{source.path}: no row has a power; give the log that the program wrote")
    names = sorted(set(keys))
    times, rows = np.unique(times_ns, return_inverse=True)
    places = {name: place for place, name in enumerate(names)}
    columns = np.array([places[key] for key in keys])
    table = np.full((times.size, len(names)), np.nan)
    table[rows[::-1], columns[::-1]] = values[::-1]  # the first of two is written last
    twice = len(keys) - len({*zip(rows.tolist(), columns.tolist(), strict=True)})
    notes = [f"{twice} values stand twice at one time; the first of them counts"] if twice else []
    notes += ["rows are not in order of time; they were sorted"] if np.any(np.diff(times_ns) < 0) else []
    return names, times, table, notes
