"""A plain table of a software meter: one column of time and one of power or energy, for `wattlab correct`.

Knows its header: `time_s` (seconds of any clock), `time_ns`, or `time` (ISO 8601 with a zone), and one of `power_w`,
`energy_j`, `energy_wh` (a counter). Any other file is read by `wattlab import power-csv` and its mapping.
"""

import csv
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np

from harness.foreign.importers.remarks import counted
from harness.foreign.importers.software.trace import SoftwareTrace, counter, gauge
from harness.foreign.importers.source import lines_of, read_source
from harness.foreign.importers.stamps import SECOND_NS
from harness.record.documents import LAST_STAMP_NS
from harness.record.errors import ImportFileError

TIMES = ("time_s", "time_ns", "time")
VALUES: Mapping[str, float] = {"power_w": 1.0, "energy_j": 1.0, "energy_wh": 3600.0}
"""Column -> what its unit is in W or J."""
LEAST_ROWS = 2
OTHERWISE = "`wattlab import power-csv` reads any other table by a mapping, and its campaign can be corrected"


def read_plain_log(path: Path) -> SoftwareTrace:
    """The one column of the table, with its stamps in ns.

    Raises:
        ImportFileError: it is no such table; with file and line.
    """
    reader = csv.reader(lines_of(read_source(path)))
    rows = [(reader.line_num, row) for row in reader if row]
    header = [name.strip() for name in rows[0][1]] if rows else []
    times, values = ([name for name in header if name in known] for known in (TIMES, VALUES))
    if len(times) != 1 or len(values) != 1:
        raise ImportFileError(
            f"{path}:1: found the columns {', '.join(header) or 'none'}, expected one of {', '.join(TIMES)} and one of "
            f"{', '.join(VALUES)}; {OTHERWISE}"
        )
    at, of = header.index(times[0]), header.index(values[0])
    stamps, cells = list[int](), list[float]()
    for number, row in rows[1:]:
        where = f"{path}:{number}"
        if len(row) != len(header):
            raise ImportFileError(f"{where}: found {len(row)} fields, the header has {len(header)}")
        stamps.append(_stamp(row[at].strip(), times[0], where))
        cells.append(_number(row[of].strip(), where) * VALUES[values[0]])
        if len(stamps) > 1 and stamps[-1] <= stamps[-2]:
            raise ImportFileError(f"{where}: found {row[at]} at or before the stamp above it; sort the rows by time")
    if len(stamps) < LEAST_ROWS:
        raise ImportFileError(f"{path}: found {counted(len(stamps), 'row')}, expected {LEAST_ROWS} at least")
    column = (gauge if values[0] == "power_w" else counter)(values[0], "what a software meter said", path.name)
    return SoftwareTrace(
        path.name, [column], np.array(stamps, dtype=np.int64), np.array(cells, dtype=np.float64)[:, None]
    )


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ImportFileError(f"{where}: found {text!r:.40}, expected a number with a decimal point") from None
    if not np.isfinite(value):
        raise ImportFileError(f"{where}: found {text!r:.40}, expected a finite number; leave the row out")
    return value


def _stamp(text: str, column: str, where: str) -> int:
    """A stamp in ns."""
    if column == "time":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            example = "2026-11-29T10:00:01+00:00"
            raise ImportFileError(f"{where}: found {text!r:.40}, expected a stamp like {example}") from None
        if moment.tzinfo is None:
            raise ImportFileError(f"{where}: {text} names no time zone; write it, as in 2026-11-29T10:00:01+00:00")
        whole = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
        since = moment - whole
        return (since.days * 86400 + since.seconds) * SECOND_NS + since.microseconds * 1000
    value = _number(text, where) * (1e9 if column == "time_s" else 1.0)
    if abs(value) >= LAST_STAMP_NS:
        raise ImportFileError(f"{where}: found {text!r:.40}, which no clock shows")
    return int(text) if column == "time_ns" and text.lstrip("-").isdigit() else round(value)
