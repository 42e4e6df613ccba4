"""Comma-separated logs of Windows' performance counters (perfmon, logman, relog, typeperf): hardware indicators.

Knows PDH's text form: a header `"(PDH-CSV 4.0) (ZONE)(MINUTES)","\\\\HOST\\Object(Instance)\\Counter",...`, stamps
`MM/DD/YYYY HH:MM:SS.mmm` of the machine's local time whatever its language, quoted values, a blank where a rate has no
value yet, and typeperf's closing sentences. MINUTES is what is added to local time for UTC. Knows no run.

Decisions
- Counters are known by their English and their German names. CPU: the total of `% Processor Time`; disk: the total of
  the physical disks; network: all interfaces together. `Processor Utility` is another quantity and not read.
- Bytes per second are recorded as KiB/s, converted once.
- Memory has no counter that says how much there is: what is available or committed is not what is in use, so memory is
  not read.
"""

import csv
import re
from collections.abc import Sequence

import numpy as np

from harness.errors import ImportFileError
from harness.importers.collectl import COLLECTL, Hardware, Indicator
from harness.importers.imported import SourceFile
from harness.importers.text_table import CUT, Remark, TextTable, Values, lines_of, require_rising, wall_ns

MARK = "(PDH-CSV"
STAMP = (r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d\.\d{3}", "%m/%d/%Y %H:%M:%S.%f", "09/22/2022 09:02:39.004")
PROCESSORS = r"(Processor( Information)?|Prozessor(informationen)?)\(_Total\)"
DISKS = r"(PhysicalDisk|Physikalischer Datentr.+ger)\(_Total\)"
NETWORK = r"(Network Interface|Netzwerkschnittstelle)\(.+\)"
COUNTERS = {
    "[CPU]Totl%": (PROCESSORS, r"(% Processor Time|Prozessorzeit \(%\))"),
    "[DSK]ReadKBTot": (DISKS, r"(Disk Read Bytes/sec|Bytes gelesen/s)"),
    "[DSK]WriteKBTot": (DISKS, r"(Disk Write Bytes/sec|Bytes geschrieben/s)"),
    "[NET]RxKBTot": (NETWORK, r"(Bytes Received/sec|Empfangene Bytes/s(ek\.)?)"),
    "[NET]TxKBTot": (NETWORK, r"(Bytes Sent/sec|Gesendete Bytes/s(ek\.)?)"),
}
"""collectl's column of the same quantity -> patterns of the counters' objects and names."""


def read_perfmon(source: SourceFile) -> Hardware:
    """A log of performance counters.

    Raises:
        ImportFileError: none of the counters, a damaged line, time that goes back.
    """
    lines = lines_of(source)
    at = next(n for n, line in enumerate(lines) if line.lstrip('" ').startswith(MARK))
    header = _cells(lines[at])
    places = {name: _places(header, *patterns) for name, patterns in COUNTERS.items()}
    places = {name: found for name, found in places.items() if found}
    if not places:
        raise ImportFileError(
            f"{source.path}:{at + 1}: none of the performance counters that are read; log "
            r"`\Processor(_Total)\% Processor Time`, `\PhysicalDisk(_Total)\Disk Read Bytes/sec`, `...Disk Write "
            r"Bytes/sec`, `\Network Interface(*)\Bytes Received/sec`, `...Bytes Sent/sec` (or their German names)"
        )
    if not header[-1].startswith("\\"):
        header.pop()  # a collector set's description of itself
    table = _table(source, lines, at, len(header))
    times_ns = wall_ns(table, table.cells[0], [STAMP])
    require_rising(table, times_ns)
    indicators = {name: COLLECTL[name] for name in places}
    return Hardware(
        (source,), times_ns,
        {one.name: _values(table, places[name], one) for name, one in indicators.items()},
        tuple(indicators.values()),
        {one.name: f"performance counter {_named(header, places[name])}" for name, one in indicators.items()},
        offset_h=_offset_h(header[0]), remarks=table.remarks,
    )  # fmt: skip


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line]), [])]


def _places(header: Sequence[str], instance: str, counter: str) -> list[int]:
    known = re.compile(rf"\\\\[^\\]+\\{instance}\\{counter}", re.IGNORECASE)
    return [place for place, cell in enumerate(header) if known.fullmatch(cell)]


def _named(header: Sequence[str], places: Sequence[int]) -> str:
    return " + ".join("\\" + header[place].lstrip("\\").partition("\\")[2] for place in places)


def _table(source: SourceFile, lines: Sequence[str], at: int, width: int) -> TextTable:
    """The data lines; what typeperf says when it ends is none."""
    rows = [(n, _cells(line)[:width]) for n, line in enumerate(lines[at + 1 :], at + 2) if line.startswith('"')]
    remarks: list[Remark] = []
    if rows and (len(rows[-1][1]) < width or not lines[rows[-1][0] - 1].rstrip().endswith('"')):
        remarks.append(Remark("truncated-source", source, rows.pop()[0], CUT))
    if not rows:
        raise ImportFileError(f"{source.path}:{at + 2}: no data line behind the header; the file is cut off")
    damaged = next((number for number, cells in rows if len(cells) != width), None)
    if damaged is not None:
        raise ImportFileError(
            f"{source.path}:{damaged}: not {width} fields as in the header; the line is damaged: export the file again"
        )
    columns = [list(column) for column in zip(*(cells for _, cells in rows), strict=True)]
    return TextTable(source, [number for number, _ in rows], columns, tuple(remarks))


def _values(table: TextTable, places: Sequence[int], indicator: Indicator) -> Values:
    """Percent as it stands, of one counter; bytes per second of all together, in KiB/s."""
    if indicator.unit == "%":
        return table.numbers_of(places[0])
    return np.asarray(np.sum([table.numbers_of(place) for place in places], axis=0) / 1024)


def _offset_h(head: str) -> float | None:
    """`(PDH-CSV 4.0) (W. Europe Standard Time)(-60)` -> 1.0."""
    match = re.search(r"\((-?\d{1,3})\)$", head)
    return -int(match[1]) / 60 if match else None
