"""EnergiBridge's CSV -> a trace: watts of the system (Apple), or joules of RAPL's counters (Intel).

Knows the columns `Delta,Time,..`. Seen: 60 files of an Intel machine under Windows and 122 of an Apple one
(vincentvvliet/sse-project-group-24), 66 of another Apple one (kuuroooo/GreenLab). `Time` is ms since 1970 (UTC) and
stands just before the readings of its row; `Delta` is the time until the row was written, that is to the NEXT row and
not since the one before: it is not read. Counters are RAPL's raw 32-bit ones times their unit, so they begin anew at
2^32 units: the unit is a power of two, and told from the values where `ENOUGH` of them differ.
"""

import re

import numpy as np

from harness.foreign.importers.software.text import csv_table, word
from harness.foreign.importers.software.trace import SoftwareTrace, Values, counter, gauge
from harness.foreign.importers.source import SourceFile, lines_of
from harness.foreign.importers.text_table import require_rising
from harness.record.documents import Json
from harness.record.errors import ImportFileError

NAME = "energibridge"
WHAT = "EnergiBridge's columns Delta,Time,..."
ENOUGH = 10
"""So many values that differ tell the unit of a counter: that all of them are even happens once in 2^10."""
BITS = 32
_ENERGY = re.compile(r"(\w+)_ENERGY \(J\)")
_POWER = re.compile(r"(\w+)_POWER \((Watts|mWatts)\)")


def read_energibridge(source: SourceFile) -> SoftwareTrace:
    """Powers and counters of a file.

    Raises:
        ImportFileError: another file, a damaged line, no column of power or energy; with file and line.
    """
    head = lines_of(source)[0]
    separator = head[len("Delta") : len("Delta") + 1] if head.startswith("Delta") else ","
    wanted = ["Time", *(name for name in head.split(separator) if _ENERGY.fullmatch(name) or _POWER.fullmatch(name))]
    table, known, header = csv_table(source, wanted, WHAT, separator)
    if len(known) < 2:
        raise ImportFileError(
            f"{source.path}:1: no column of power or energy among {len(header)}; EnergiBridge found no counter on that "
            "machine (it needs the right to read them)"
        )
    times_ns = np.rint(table.numbers_of(known["Time"])).astype(np.int64) * 1_000_000
    require_rising(table, times_ns)
    columns: list[Json] = []
    values: list[Values] = []
    for name in wanted[1:]:
        column, figures = _column(name, table.numbers_of(known[name]))
        columns.append(column)
        values.append(figures)
    notes = [f"{source.path}: {column['name']} never changes" for column, figures in zip(columns, values, strict=True)
             if column["unit"] == "J" and np.unique(figures).size < 2]  # fmt: skip
    notes += [str(remark) for remark in table.remarks]
    kept = np.append(np.diff(times_ns) > 0, True)  # of two rows of one ms the later, whose counters are newer
    return SoftwareTrace(NAME, columns, times_ns[kept], np.column_stack(values)[kept], tuple(notes))


def _column(name: str, figures: Values) -> tuple[Json, Values]:
    if match := _ENERGY.fullmatch(name):
        method = f"EnergiBridge {name}: RAPL's counter times its unit"
        return counter(f"{word(match[1])}_energy_j", f"energy of {word(match[1])}", method, _range_j(figures)), figures
    match = _POWER.fullmatch(name)
    assert match is not None  # it was asked for by one of the two patterns
    scale = 1e-3 if match[2] == "mWatts" else 1.0
    return gauge(f"{word(match[1])}_power_w", f"power of {word(match[1])}", f"EnergiBridge {name}"), figures * scale


def _range_j(figures: Values) -> float | None:
    """Where a counter begins anew: 2^32 of its unit, the largest power of two that divides every value."""
    told = np.unique(figures[np.isfinite(figures)])
    if told.size < ENOUGH:
        return None
    for halvings in range(BITS + 1):
        if np.all(np.ldexp(told, halvings) % 1 == 0):
            return float(2.0 ** (BITS - halvings)) if halvings else None
    return None
