"""Comma-separated logs of Windows' performance counters (perfmon, logman, relog, typeperf): hardware indicators.

Knows PDH's text form: a header `"(PDH-CSV 4.0) (ZONE)(MINUTES)","\\\\HOST\\Object(Instance)\\Counter",...`, stamps
`MM/DD/YYYY HH:MM:SS.mmm` of the machine's local time whatever its language, quoted values, a blank where a rate has no
value yet, and typeperf's closing sentences. MINUTES is what is added to local time for UTC. Knows no run.

Decisions
- Counters are known by their English and their German names. CPU: the total of `% Processor Time`; disk: the total of
  the physical disks; network: all interfaces together. `Processor Utility` is another quantity and not read.
- Bytes per second are recorded as KiB/s, converted once.
- What is a row is decided by what stands in it, and cells count the same with and without quotes (spreadsheets and
  scripts save a log without). Only sentences behind the last row, and empty lines, are none; every other line has a
  stamp in its first cell and as many cells as the header, or is refused as damage.
- A header whose first cells were renamed is not read: the zone stood there, and which counter is meant.
- Memory has no counter that says how much there is: what is available or committed is not what is in use, so memory is
  not read.
"""

import csv
import re
from collections.abc import Sequence

import numpy as np

from harness.foreign.importers.oscar.collectl import COLLECTL, Hardware, Indicator
from harness.foreign.importers.remarks import Remark, cut_line, cut_stream
from harness.foreign.importers.source import SourceFile, lines_of
from harness.foreign.importers.stamps import CLOCK
from harness.foreign.importers.text_table import StampForm, TextTable, Values, require_rising, times_of
from harness.record.errors import ImportFileError

MARK = "(PDH-CSV"
COUNTER = re.compile(r"\\\\[^\\]+\\[^\\]+\\[^\\]+")
"""The name of any counter: machine, object, counter."""
STAMP = StampForm(
    re.compile(r"(?P<month>\d\d)/(?P<day>\d\d)/(?P<year>\d{4}) " + CLOCK + r"\.(?P<part>\d{3})", re.ASCII),
    "09/22/2022 09:02:39.004",
)
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
    at = next(n for n, line in enumerate(lines) if is_header(line))
    header = _cells(lines[at])
    places = {name: _places(header, *patterns) for name, patterns in COUNTERS.items()}
    places = {name: found for name, found in places.items() if found}
    if not places:
        raise ImportFileError(
            f"{source.path}:{at + 1}: none of the performance counters that are read; log "
            r"`\Processor(_Total)\% Processor Time`, `\PhysicalDisk(_Total)\Disk Read Bytes/sec`, `...Disk Write "
            r"Bytes/sec`, `\Network Interface(*)\Bytes Received/sec`, `...Bytes Sent/sec` (or their German names)"
        )
    table = _table(source, lines, at, header)
    times_ns = times_of(table, table.cells[0], [STAMP])
    require_rising(table, times_ns)
    indicators = {name: COLLECTL[name] for name in places}
    return Hardware(
        (source,), times_ns,
        {one.name: _values(table, places[name], one) for name, one in indicators.items()},
        tuple(indicators.values()),
        {one.name: f"performance counter {_named(header, places[name])}" for name, one in indicators.items()},
        offset_h=_offset_h(header[0]), remarks=table.remarks,
    )  # fmt: skip


def is_header(line: str) -> bool:
    """Whether a line is the header as Windows writes it."""
    first = next(iter(_cells(line)), "")
    return first.startswith(MARK) and not set(";\t") & set(first)


def changed_header(line: str) -> str | None:
    """Of a header that names counters and is not as Windows writes it: what to restore; None of other lines."""
    separator = max(",;\t", key=line.count)
    cells = _cells(line, separator)
    if not any(COUNTER.fullmatch(cell) for cell in cells):
        return None
    faults = [] if separator == "," else [f"its fields are separated by {separator!r}, expected commas"]
    if not cells[0].startswith(MARK):
        expected = f"{MARK} 4.0) (TIME ZONE)(MINUTES)"
        faults.append(f"its first cell is {cells[0]!r:.40}, expected {expected!r}, which says the zone of the stamps")
    if not faults:
        return None
    return (
        f"Windows' performance counters under a header that was changed: {'; '.join(faults)}. Give the file as perfmon "
        "or relog -f CSV wrote it, or write that and the counters' own names into the header again"
    )


def _cells(line: str, separator: str = ",") -> list[str]:
    """A line's fields; of a line that is no CSV the line itself."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return [line]


def _places(header: Sequence[str], instance: str, counter: str) -> list[int]:
    known = re.compile(rf"\\\\[^\\]+\\{instance}\\{counter}", re.IGNORECASE)
    return [place for place, cell in enumerate(header) if known.fullmatch(cell)]


def _named(header: Sequence[str], places: Sequence[int]) -> str:
    return " + ".join("\\" + header[place].lstrip("\\").partition("\\")[2] for place in places)


def _table(source: SourceFile, lines: Sequence[str], at: int, header: Sequence[str]) -> TextTable:
    """The rows; a last one that was cut off is left out and said.

    Raises:
        ImportFileError: no row, a line behind the header that is none.
    """
    described = not header[-1].startswith("\\")  # the last cell is a collector set's description of itself
    width = len(header) - described
    rows = [(n, line, _cells(line)) for n, line in _rows(lines, at + 1)]
    remarks: list[Remark] = []
    if rows and _is_cut(*rows[-1][1:], width, ended=rows[-1][0] < len(lines)):
        remarks.append(cut_line(source, rows.pop()[0]))
    remarks += cut_stream(source)
    if not rows:
        raise ImportFileError(f"{source.path}:{at + 2}: no data line behind the header; the file is cut off")
    for number, line, cells in rows:
        if not width <= len(cells) <= len(header):
            raise ImportFileError(
                f"{source.path}:{number}: found {line.strip()!r:.70}, not {width} fields as in the header; the line is "
                "damaged: export the file again"
            )
    columns = [list(column) for column in zip(*(cells[:width] for _, _, cells in rows), strict=True)]
    return TextTable(source, [number for number, _, _ in rows], columns, tuple(remarks))


def _rows(lines: Sequence[str], begin: int) -> list[tuple[int, str]]:
    """Every line from index `begin` on that holds anything, but for the sentences behind the last row with which
    typeperf ends, in the language of its machine."""
    rows = [(n, line) for n, line in enumerate(lines[begin:], begin + 1) if line.strip(" \t\0")]
    while rows and rows[-1][1].strip()[0].isalpha() and '"' not in rows[-1][1]:
        rows.pop()
    return rows


def _is_cut(line: str, cells: Sequence[str], width: int, *, ended: bool) -> bool:
    """Whether the last row stops before its end: cells are missing, a quote is open, or a bare number may go on."""
    text = line.rstrip()
    return len(cells) < width or text.count('"') % 2 == 1 or not (ended or text.endswith('"'))


def _values(table: TextTable, places: Sequence[int], indicator: Indicator) -> Values:
    """Percent as it stands, of one counter; bytes per second of all together, in KiB/s."""
    if indicator.unit == "%":
        return table.numbers_of(places[0])
    return np.asarray(np.sum([table.numbers_of(place) for place in places], axis=0) / 1024)


def _offset_h(head: str) -> float | None:
    """`(PDH-CSV 4.0) (W. Europe Standard Time)(-60)` -> 1.0."""
    match = re.search(r"\((-?\d{1,3})\)$", head)
    return -int(match[1]) / 60 if match else None
