"""collectl's plot files (`collectl -P`), of every separator and form of time, and what OSCAR's recipes make of them.

Knows what collectl 4.3.1 writes (formatit.ph, printPlot and printPlotHeaders; docs/importing.md lists the forms) and
the converted `Date Time` form of KEcoLab. Knows no run.

Decisions
- Columns are found by name, whatever stands between them; which of the six are there is read, the rest is not recorded.
- KB of collectl is 1024 byte, of memory, disk and network alike, and disk and network are per second whatever the
  interval (`$intSecs`): they are recorded as KiB and KiB/s, as written. [MEM]Used is total - free, caches included.
  [DSK]ReadTot and WriteTot are operations and not used.
- With -on CPU is in jiffies and amounts are per interval: refused, the header says it (`/int`).
- Lines that begin with `#` (the block of a file, headers that repeat) and `waiting for ...` are no data; headers that
  repeat must be alike.
- `#UTC` stamps are UTC. The block of a file names the machine's time zone (`TZ:`), which tells how far its local clock
  is from UTC.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.foreign.importers.remarks import Remark
from harness.foreign.importers.source import SourceFile, lines_of
from harness.foreign.importers.stamps import CLOCK, SECOND_NS, Stamps
from harness.foreign.importers.text_table import StampForm, TextTable, Values, read_table, require_rising, times_of
from harness.record.errors import ImportFileError

RECIPE = "collectl -s cdmn -i1 -P --sep 59 > NAME-hardware.csv"
PLAYBACK = "collectl -p FILE.raw.gz -s cdmn -P --sep 59 > NAME-hardware.csv"


@dataclass(frozen=True, slots=True)
class Indicator:
    """A hardware indicator of ours: name, unit, what it is."""

    name: str
    unit: str
    quantity: str


COLLECTL = {
    "[CPU]Totl%": Indicator("cpu_percent", "%", "SUT total CPU load"),
    "[MEM]Used": Indicator("ram_not_free_kib", "KiB", "SUT memory that is not free: total - free, caches included"),
    "[DSK]ReadKBTot": Indicator("disk_read_kib_per_s", "KiB/s", "SUT disk read"),
    "[DSK]WriteKBTot": Indicator("disk_write_kib_per_s", "KiB/s", "SUT disk written"),
    "[NET]RxKBTot": Indicator("net_received_kib_per_s", "KiB/s", "SUT network received"),
    "[NET]TxKBTot": Indicator("net_sent_kib_per_s", "KiB/s", "SUT network sent"),
}
"""collectl's column -> our indicator."""
WAITING = "waiting for "
_PART = r"\.(?P<part>\d{1,6})"
_PLAIN = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d) " + CLOCK
_DAY_FIRST = r"(?P<day>\d\d)\.(?P<month>\d\d)\.(?P<year>\d{4}) " + CLOCK
_ISO = r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d) " + CLOCK
TIMES = tuple(
    StampForm(re.compile(pattern, re.ASCII), example)
    for pattern, example in (
        (_PLAIN, "20220922 09:02:39"),
        (_PLAIN + _PART, "20220922 09:02:39.004"),
        (_DAY_FIRST, "22.09.2022 09:02:39"),
        (_DAY_FIRST + _PART, "22.09.2022 09:02:39.004"),
        (_ISO, "2022-09-22 09:02:39"),
    )
)
"""Forms of a stamp."""
_HEADER = re.compile(r'"?#?(?:Date(?P<between>.)Time|Date|UTC)"?(?P<separator>[^\w\["])(?=\S)')
_ROW = re.compile(r"(\d{8}|\d\d/\d\d|\d\d\.\d\d\.\d{4})[^\w\[]\d\d:\d\d:\d\d")
_ROW_AS_COMMENT = re.compile(r'#[#\s"]*\d')


@dataclass(frozen=True, slots=True)
class Hardware:
    """Hardware indicators of one source: source-wall ns and values per row.

    `methods`: indicator -> where it came from; `offset_h`: how far the machine's local clock is ahead of UTC, where the
    file says it.
    """

    sources: tuple[SourceFile, ...]
    times_ns: Stamps
    columns: dict[str, Values]
    indicators: tuple[Indicator, ...]
    methods: Mapping[str, str]
    is_utc: bool = False
    offset_h: float | None = None
    remarks: tuple[Remark, ...] = field(default=())

    @property
    def period_s(self) -> float:
        """Usual distance of two rows, in hundredths of a second; of rows within one second of whole stamps the mean."""
        steps: NDArray[np.int64] = np.diff(self.times_ns)
        usual_s = float(np.median(steps) or steps.mean()) / SECOND_NS if steps.size else 0.0
        return max(round(usual_s, 2), 0.01) if usual_s else 1.0


def header_line(lines: Sequence[str], renamed: Mapping[str, str]) -> int | None:
    """Index of the line that names the columns; None where none of the first does."""
    names = ("[", *map(_by_r, COLLECTL), *renamed.values())
    return next(
        (
            n
            for n, line in enumerate(lines[:60])
            if _HEADER.match(line) and (line.startswith("#") or any(name in line for name in names))
        ),
        None,
    )


def _by_r(name: str) -> str:
    """What R's read.table makes of a column's name: `[CPU]Totl%` -> `X.CPU.Totl.`."""
    return "X" + re.sub(r"\W", ".", name)


def is_headless(line: str) -> bool:
    """Whether a line is one of collectl's, or of a converted file, without its header."""
    return bool(_ROW.match(line))


def read_collectl(source: SourceFile, renamed: Mapping[str, str]) -> Hardware:
    """A plot file of collectl. `renamed`: collectl's column -> what the file calls it.

    Raises:
        ImportFileError: no header, none of the six columns, another header further down, a damaged line, time that goes
            back, values that are not what their columns say.
    """
    lines = lines_of(source)
    at = header_line(lines, renamed)
    if at is None:
        raise ImportFileError(
            f"{source.path}:1: found no line of headers, `#Date Time ...` or `#UTC ...`; record it with `{RECIPE}`"
        )
    header, separator, stamp_places = _fields(lines[at])
    _require_one_header(source, lines, at)
    _require_no_row_as_comment(source, lines)
    if missing := [own for own in renamed.values() if own not in header]:
        raise ImportFileError(
            f"{source.path}:{at + 1}: no column {missing[0]!r}, which oscar.toml names; found {_shortly(header)}"
        )
    own = {name: [renamed[name]] if name in renamed else [name, _by_r(name)] for name in COLLECTL}
    wanted = {name: header.index(one) for name, names in own.items() for one in names if one in header}
    if not wanted:
        raise ImportFileError(
            f"{source.path}:{at + 1}: none of the columns {', '.join(COLLECTL)}; found {_shortly(header)}; record the "
            f"summaries (-s cdmn, small letters): `{RECIPE}`, or name the columns in oscar.toml, [columns]"
        )
    _require_normalised(source, lines[: at + 1], at)
    places = [*stamp_places, *wanted.values()]
    table = read_table(source, lines, at + 1, places, separator, len(header), _is_comment)
    is_utc = header[0] == "#UTC"
    times_ns = _epoch_ns(table) if is_utc else times_of(table, _stamps(table, len(stamp_places)), TIMES)
    require_rising(table, times_ns)
    first = len(stamp_places)
    return Hardware(
        (source,), times_ns,
        {COLLECTL[name].name: table.numbers_of(first + k) for k, name in enumerate(wanted)},
        tuple(COLLECTL[name] for name in wanted),
        {COLLECTL[name].name: f"collectl {name}" for name in wanted},
        is_utc, _offset_h(lines[:at]), table.remarks,
    )  # fmt: skip


def _fields(line: str) -> tuple[list[str], str, list[int]]:
    """The header's fields, what separates them, where the stamp stands."""
    match = _HEADER.match(line)
    assert match is not None
    separator = match["separator"]
    header = [cell.strip(' "') for cell in line.split(separator)]
    while header and not header[-1]:
        header.pop()
    return header, separator, [0, 1] if match["between"] == separator else [0]


def _is_comment(line: str) -> bool:
    return line.startswith(("#", WAITING))


def _require_one_header(source: SourceFile, lines: Sequence[str], at: int) -> None:
    for number, line in enumerate(lines[at + 1 :], at + 2):
        if line.startswith("#") and _HEADER.match(line) and line.rstrip() != lines[at].rstrip():
            raise ImportFileError(
                f"{source.path}:{number}: another header than in line {at + 1}: two recordings of other columns were "
                "joined; split the file at this line"
            )


def _require_no_row_as_comment(source: SourceFile, lines: Sequence[str]) -> None:
    """collectl writes no row behind '#'; that somebody did is no reason to leave it out without a word."""
    for number, line in enumerate(lines, 1):
        if _ROW_AS_COMMENT.match(line):
            raise ImportFileError(
                f"{source.path}:{number}: found {line!r:.70}, a row that was made a comment; collectl writes none: "
                "take the # away, or delete the line if it is not to count"
            )


def _require_normalised(source: SourceFile, head: Sequence[str], at: int) -> None:
    block = " ".join(head)
    if "/int" in head[-1] or re.search(r"# SubSys:.*Options: \S*n\S* +Interval", block):
        raise ImportFileError(
            f"{source.path}:{at + 1}: recorded with -on: CPU stands in jiffies, disk and network per interval, not in "
            f"percent and per second; record without it: `{RECIPE}`"
        )


def _shortly(names: Sequence[str]) -> str:
    text = ", ".join(names)
    return text if len(text) <= 90 else f"{text[:90]}…"


def _stamps(table: TextTable, parts: int) -> list[str]:
    """Date and time as one text; a month without a year is refused here, where its reason is known."""
    texts = [" ".join(pair) for pair in zip(*table.cells[:parts], strict=True)]
    if re.match(r"\d\d/\d\d \d", texts[0]):
        raise ImportFileError(
            f"{table.where(0)}: found the time {texts[0]!r}, which has no year (-od); record without -od, or play the "
            f"raw file back: `{PLAYBACK}`"
        )
    return texts


def _epoch_ns(table: TextTable) -> Stamps:
    """Seconds since 1970 with or without `.mmm` (-oU, -oUm), in ns, digit by digit."""
    pattern = re.compile(r"(\d{9,10})(?:\.(\d{1,9}))?", re.ASCII)
    matches = [pattern.fullmatch(text) for text in table.cells[0]]
    if None in matches:
        row = matches.index(None)
        raise ImportFileError(
            f"{table.where(row)}: found the time {table.cells[0][row]!r:.40}, expected one like '1663830159' or "
            "'1663830159.004'"
        )
    pairs = [(match[1], match[2] or "") for match in matches if match]
    return np.array([int(whole) * SECOND_NS + int(part.ljust(9, "0")) for whole, part in pairs], dtype=np.int64)


def _offset_h(block: Sequence[str]) -> float | None:
    """`# Date: 20220922-090237  Secs: 1663830157 TZ: +0200` -> 2.0."""
    match = next((m for line in block if (m := re.search(r"^# Date:.* TZ: ([+-])(\d\d)(\d\d)\b", line))), None)
    if match is None:
        return None
    hours = int(match[2]) + int(match[3]) / 60
    return -hours if match[1] == "-" else hours
