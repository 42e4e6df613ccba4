"""What software said of the machine's power -> indicator streams, a stream a program.

Knows columns that the mapping calls `software`, and logs of programs beside the CSV. Knows no meter and no run folder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.foreign.importers.csv_rows import csv_of, number_text, stamps_text
from harness.foreign.importers.imported import MARGIN_S
from harness.foreign.importers.power_csv.columns import Raw
from harness.foreign.importers.power_csv.mapping import PowerColumn
from harness.foreign.importers.power_csv.names import indicator_of
from harness.foreign.importers.power_csv.table import Floats
from harness.foreign.importers.stamps import SECOND_NS, Stamps
from harness.record.documents import IndicatorDescriptor, Json


@dataclass(frozen=True, slots=True)
class Samples:
    """An indicator stream: its name, its columns, times (ns, shape (n,), rising), values (shape (n, k), NaN where a row
    has none)."""

    name: str
    columns: tuple[Json, ...]
    times_ns: Stamps
    values: Floats
    path: Path

    def stream(self, begin_ns: int, end_ns: int) -> tuple[IndicatorDescriptor, bytes] | None:
        """The rows of a run and its margins, and one row further where rows are seldom; None without any."""
        steps_ns = np.diff(self.times_ns)
        usual_ns = int(np.median(steps_ns)) if steps_ns.size else 0
        reach_ns = max(MARGIN_S * SECOND_NS, usual_ns)
        first, last = np.searchsorted(self.times_ns, [begin_ns - reach_ns, end_ns + reach_ns])
        if first == last:
            return None
        descriptor = IndicatorDescriptor(
            stream=f"samples-{self.name}.csv", period_s=usual_ns / SECOND_NS, clock="source-wall",
            columns=list(self.columns),
        )  # fmt: skip
        names = [str(column["name"]) for column in self.columns]
        cells = [list(map(number_text, column.tolist())) for column in self.values[first:last].T]
        return descriptor, csv_of(["time_ns", *names], [stamps_text(self.times_ns[first:last].tolist()), *cells])


def samples_of(name: str, columns: Sequence[PowerColumn], raws: Sequence[Raw], path: Path) -> Samples:
    """Columns of one program as one stream, a row for each time that one of them has."""
    times_ns = np.unique(np.concatenate([raw.times_ns for raw in raws]))
    values = np.full((times_ns.size, len(columns)), np.nan)
    for at, raw in enumerate(raws):
        values[np.searchsorted(times_ns, raw.times_ns), at] = raw.values
    return Samples(name, tuple(map(_described, columns)), times_ns, values, path)


def _described(column: PowerColumn) -> Json:
    described: Json = {
        "name": indicator_of(column), "unit": "J" if column.is_energy else "W",
        "quantity": "energy" if column.is_energy else "power",
        "method": f"column {column.column} ({column.taken_as})",
        "kind": "counter" if column.is_energy else "gauge",
    }  # fmt: skip
    if column.wraps_at is not None:
        described["range_j"] = column.wraps_at * column.si
    return described | ({"window_s": column.window_s} if column.window_s else {})
