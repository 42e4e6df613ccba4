"""What `perf stat -I <ms> -x,` counts of power/energy-*/ -> a trace: joules of RAPL that add up.

Knows the lines `<s since begin>,<J>,Joules,power/energy-pkg/,<ns>,100.00,,` of all sockets together (`-a`). Seen: two
logs of public notes (handong32's peakler and EEHPA). Per socket or CPU (`--per-socket`, `-A`) was not seen and is
refused. A line has no time of day: the begin is given, or stands in the file's `# started on` (local time, whole
seconds; perf writes it with `-o`). Each line is the energy since the line before; here they add up from 0 at the begin.
"""

import re
from datetime import UTC, datetime

import numpy as np

from harness.foreign.importers.remarks import CUT
from harness.foreign.importers.software.text import word
from harness.foreign.importers.software.trace import SoftwareTrace, Values, counter, pivoted
from harness.foreign.importers.source import SourceFile, lines_of
from harness.foreign.importers.stamps import SECOND_NS
from harness.record.errors import ImportFileError

NAME = "perf-stat"
WHOLE = 99.99
"""Percent of the time in which an event was counted; less is scaled by perf, and said."""
_LINE = re.compile(r" *(\d+\.\d+),(\d+\.\d+),Joules,power/energy-(\w+)/,\d+,(\d+\.\d+),.*")
_STARTED = re.compile(r"# started on (.+)")
_OTHER = re.compile(r" *\d+\.\d+,.*")


def read_perf_stat(source: SourceFile, begin_ns: int | None) -> SoftwareTrace:
    """The energies of a log; `begin_ns`: the wall clock's nanoseconds since 1970 at its begin.

    Raises:
        ImportFileError: no such line, no begin, lines per socket, an energy not counted; with file and line.
    """
    notes: list[str] = []
    rows: list[tuple[float, str, float]] = []
    lines = lines_of(source)
    for number, line in enumerate(lines, 1):
        if match := _LINE.fullmatch(line):
            rows.append((float(match[1]), f"{word(match[3])}_energy_j", float(match[2])))
            if float(match[4]) < WHOLE:
                notes.append(f"perf counted power/energy-{match[3]}/ only part of the time and scaled it")
        elif match := _STARTED.match(line):
            begin_ns = _started_ns(source, number, match[1]) if begin_ns is None else begin_ns
        elif "power/energy" in line:
            if number == len(lines):
                notes.append(f"{source.path}:{number}: {CUT}")
                continue
            raise ImportFileError(
                f"{source.path}:{number}: found {line!r:.80}, expected '1.001,19.63,Joules,power/energy-pkg/,...' as "
                "perf stat -a -I 1000 -x, prints it, of all sockets together"
            )
    if begin_ns is None or not rows:
        lack = "no energy of an interval" if not rows else "no begin: its lines count seconds since perf began"
        raise ImportFileError(f"{source.path}:1: {lack}; give a log of perf stat -a -I, and when it began")
    columns = sorted({name for _, name, _ in rows})
    elapsed_s = np.array([0.0] * len(columns) + [seconds for seconds, _, _ in rows])
    keys = [*columns, *(name for _, name, _ in rows)]
    since_before = np.array([0.0] * len(columns) + [energy for _, _, energy in rows])
    names, times, values, more = pivoted(
        source, begin_ns + np.rint(elapsed_s * SECOND_NS).astype(np.int64), keys, since_before
    )
    described = [counter(name, f"energy of {name[:-9]}, RAPL", "perf stat: counts added up") for name in names]
    return SoftwareTrace(NAME, described, times, _added(values), tuple(dict.fromkeys(notes + more)), "local")


def _added(values: Values) -> Values:
    """Sums over the rows; where a column has no count, its sum is not known and stays as it was."""
    sums: Values = np.where(np.isfinite(values), np.nancumsum(values, axis=0), np.nan)
    return sums


def _started_ns(source: SourceFile, number: int, text: str) -> int:
    try:
        moment = datetime.strptime(text.strip(), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        raise ImportFileError(
            f"{source.path}:{number}: found the begin {text!r:.40}, expected one like 'Sun Aug 24 12:00:00 2025'"
        ) from None
    return int(moment.timestamp()) * SECOND_NS
