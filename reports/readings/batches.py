"""The batches that a service logged in a run -> arrays on the run's time base.

Knows `batches.csv` among the artifacts of a run. Knows no energy. The file has a row a batch: `begin_ns`, `end_ns` (the
SUT's monotonic clock), `size` (its items), `hold_ns` (how long its oldest request was held before), `queue` (requests
that waited when it began). A last line that was cut off is left out.
"""

import io
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import AnalysisError
from reports.readings.series import RunSeries, whole_lines
from reports.readings.table import read_table

FILE = "batches.csv"
COLUMNS = frozenset({"begin_ns", "end_ns", "size", "hold_ns", "queue"})
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Batches:
    """Batches of one run: begin and end (s from the begin of its rating interval), size, how long its oldest request
    was held before (s)."""

    begins_s: Floats
    ends_s: Floats
    sizes: Floats
    holds_s: Floats


def read_batches(series: RunSeries) -> Batches | None:
    """The batches that touch the rating interval; None where the run has no such file, no clock of the SUT, or no
    interval.

    Raises:
        AnalysisError: the file is not what it should be.
    """
    path = series.run.path / "artifacts" / FILE
    content = whole_lines(path)
    if content is None or series.clock is None or series.begin_ns is None or series.end_ns is None:
        return None
    table = read_table(path, io.BytesIO(content), COLUMNS)
    if missing := sorted(name for name in COLUMNS if name not in table):
        raise AnalysisError(f"{path}:1: no column {missing[0]}; a service writes {', '.join(sorted(COLUMNS))}")
    to_s = partial(_seconds, origin_ns=series.begin_ns)
    begins_s, ends_s = (to_s(series.clock.to_host(table.stamps(name))) for name in ("begin_ns", "end_ns"))
    sizes, holds_s = table.numbers("size"), table.stamps("hold_ns") * 1e-9
    wrong = ~((ends_s >= begins_s) & (sizes >= 1) & (holds_s >= 0))
    if wrong.any():
        line = int(np.argmax(wrong)) + 2
        raise AnalysisError(
            f"{path}:{line}: expected an end_ns that is not below begin_ns, a size of 1 or more and a hold_ns of 0 or "
            "more; mend what writes the file"
        )
    inside = (ends_s > 0) & (begins_s < to_s(np.array([series.end_ns]))[0])
    return Batches(begins_s[inside], ends_s[inside], sizes[inside], holds_s[inside])


def _seconds(stamps_ns: NDArray[np.int64], origin_ns: int) -> Floats:
    return np.asarray((stamps_ns - origin_ns) * 1e-9, dtype=np.float64)
