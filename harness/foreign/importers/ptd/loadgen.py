"""MLPerf LoadGen's log: the window over which MLPerf counts a power measurement, and where it lies among the samples.

Knows the lines `power_begin` and `power_end` of `mlperf_log_detail.txt` and how their clock is told from that of the
samples. Knows no run and no energy.

Both lines hold a time, month first (`07-23-2024 13:47:29.313`), in UTC: as the `value` of an MLLOG object, or in the
text of an older log. PTDaemon's rows stand in UTC too where MLPerf's power server started it (it sets TZ to UTC), in
local time where it did not; `server.json` and `client.json` name the zone of their machine either way. So the zone
proves nothing: the offset is the one at which the window lies among the rows. It is looked for among none at all, the
stated zones and their difference, then the same with an hour of summer time; where no zone is stated, and none at all
does not fit, among the quarters of an hour. No offset, or two, is no window (`Unplaced`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

from harness.foreign.importers.source import SourceFile
from harness.foreign.importers.stamps import SECOND_NS, wall_ns

NAME = "mlperf_log_detail.txt"
HOUR_S = 3600
QUARTERS_S = tuple(range(-14 * HOUR_S, 14 * HOUR_S + 1, 900))
"""Every offset of a zone to another one."""
LEAST_COVER = 0.5
"""A window of which the samples cover less is none of theirs."""
CLOCKS_S = 0.4
"""MLPerf's power server and client start no measurement where their clocks are further apart (power-dev,
lib/time_sync.py)."""

_LINE = re.compile(rb"power_(begin|end)\b(.*)", re.IGNORECASE)
_TIME = re.compile(rb"(\d{1,2})-(\d{1,2})-(\d{4}) (\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge of a window: its line in the log, what stands there, and the time it means (ns since 1970 of its own
    clock)."""

    line: int
    text: str
    time_ns: int


@dataclass(frozen=True, slots=True)
class Window:
    """A window placed among the samples: its edges as written, and what was added to their times (s)."""

    source: SourceFile
    begin: Edge
    end: Edge
    offset_s: int
    is_covered: bool

    @property
    def from_ns(self) -> int:
        """Its beginning on the samples' clock."""
        return self.begin.time_ns + self.offset_s * SECOND_NS

    @property
    def to_ns(self) -> int:
        """Its end on the samples' clock."""
        return self.end.time_ns + self.offset_s * SECOND_NS


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Why a log gives no window, in words."""

    text: str


def read_windows(source: SourceFile) -> list[tuple[Edge, Edge]] | Unplaced:
    """Begin and end of every window of a log, in order; empty where it has none."""
    edges = list(_edges(source.content))
    if unread := [text for kind, edge, text in edges if edge is None]:
        return Unplaced(f"found {unread[0]!r:.90}, expected a time such as 07-23-2024 13:47:29.313")
    kinds = [kind for kind, _, _ in edges]
    if kinds != ["begin", "end"] * (len(kinds) // 2):
        return Unplaced(f"found {' '.join(f'power_{kind}' for kind in kinds)}, expected power_begin and then power_end")
    times = [edge for _, edge, _ in edges if edge is not None]
    pairs = list(zip(times[::2], times[1::2], strict=True))
    if late := [begin for begin, end in pairs if end.time_ns <= begin.time_ns]:
        return Unplaced(f"line {late[0].line}: the window ends before it begins")
    return pairs


def _edges(content: bytes) -> Iterator[tuple[str, Edge | None, str]]:
    """Kind, edge (None where its time is none) and text of every line that has one."""
    if not re.search(rb"power_(?:begin|end)", content, re.IGNORECASE):
        return
    for number, line in enumerate(content.split(b"\n"), 1):
        if match := _LINE.search(line):
            kind, text = match[1].decode().lower(), match[2].decode("utf-8", "replace").strip()
            time = _TIME.search(match[2])
            time_ns = None if time is None else _time_ns(time)
            stamp = text if time is None else time[0].decode()
            yield kind, None if time_ns is None else Edge(number, stamp, time_ns), stamp


def _time_ns(match: re.Match[bytes]) -> int | None:
    month, day, year, hour, minute, second = (int(part) for part in match.groups()[:6])
    return wall_ns(year, month, day, hour, minute, second, fraction_ns=int((match[7] or b"0").ljust(9, b"0")))


def place(
    source: SourceFile, pairs: Sequence[tuple[Edge, Edge]], first_ns: int, last_ns: int, zones_s: Sequence[int]
) -> Window | Unplaced:
    """The window among samples that reach from `first_ns` to `last_ns`, or why there is none.

    `zones_s` are the stated zones: what must be added to local time for UTC, as server.json has it.
    """
    candidates: list[Window] = []
    for offsets_s in _offsets_s(zones_s) if zones_s else ((0,), QUARTERS_S):
        candidates = candidates or list(_placed(source, pairs, first_ns, last_ns, offsets_s))
    whole = [window for window in candidates if window.is_covered]
    fitting = whole or candidates
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        begin, end = pairs[0]
        return Unplaced(
            f"the window {begin.text} to {end.text} lies outside the samples, which reach from {_wall(first_ns)} to "
            f"{_wall(last_ns)}, at every offset that a time zone could explain"
        )
    places = ", ".join(f"{window.begin.text} {window.offset_s:+d} s" for window in fitting)
    return Unplaced(f"{len(fitting)} places among the samples fit ({places}): which is meant cannot be told")


def _placed(
    source: SourceFile, pairs: Sequence[tuple[Edge, Edge]], first_ns: int, last_ns: int, offsets_s: Iterable[int]
) -> Iterator[Window]:
    for (begin, end), offset_s in product(pairs, offsets_s):
        from_ns, to_ns = begin.time_ns + offset_s * SECOND_NS, end.time_ns + offset_s * SECOND_NS
        covered_ns = min(to_ns, last_ns) - max(from_ns, first_ns)
        if covered_ns >= LEAST_COVER * (to_ns - from_ns):
            yield Window(source, begin, end, offset_s, first_ns <= from_ns and to_ns <= last_ns)


def _offsets_s(zones_s: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """What may lie between the window's clock and the samples': nothing, a stated zone, the difference of two; and the
    same an hour off, where a zone was stated without its summer time."""
    plain = {0, *zones_s, *(-zone for zone in zones_s), *(one - other for one, other in product(zones_s, repeat=2))}
    return sorted(plain), sorted({offset + summer for offset in plain for summer in (-HOUR_S, HOUR_S)} - plain)


def _wall(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns / SECOND_NS, UTC):%m-%d-%Y %H:%M:%S}"
