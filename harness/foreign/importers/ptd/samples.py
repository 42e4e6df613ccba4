"""The samples of PTDaemon's logs: one row a sample, and what its numbers mean.

Knows the row as PTDaemon prints it (log.py lists the forms), its codes for no value, and the date in a mark. Knows no
file as a whole.

Decisions
- Dates are month first: PTDaemon prints 12-23-2020, and MLCommons' checker reads `%m-%d-%Y`. Where a mark carries the
  session's ISO date, both must agree within `SESSION_DAYS`; a log that disagrees is refused. (The hours may differ:
  PTDaemon was seen an hour off its own host in summer, power-dev issue 253.)
- A value outside its range is printed as -(value + 3) and is no value (`meters.ptdaemon.codec.outside_range`).
- PTDaemon's sum of several channels is that of the channels that have a value: one that missed its sample is left out,
  and the sum is still printed and counted as valid (535 rows of inference_results_v2.0). Such a row has no power here,
  unless nothing is connected to that channel: in the whole log it shows no volt, ampere and watt (as in those rows).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from harness.foreign.importers.source import SourceFile
from harness.foreign.importers.stamps import SECOND_NS, wall_ns
from harness.record.errors import ImportFileError
from meters.ptdaemon.codec import ERROR, MARK_OFFSET, MISSED, outside_range

OUTSIDE = "outside the analyser's range"
LACKING = "the sum lacks channel"
"""How the cause of such a row begins."""
Values: TypeAlias = tuple[float, float, float, float]
"""Power (W), volts, amperes, power factor, as printed."""
NOTHING: Values = (ERROR, ERROR, ERROR, ERROR)
FIRST_YEAR = 2006
"""PTDaemon's copyright begins here."""
SESSION_DAYS = 7
"""A row lies at most so many days after, and one day before, the date in its mark."""
ISO_MARK = re.compile(r"(\d{4})-(\d\d)-(\d\d)_\d\d-\d\d-\d\d(?:_|$)")
"""A mark that begins with the date and time of its session."""

DATE = r"(\d\d)-(\d\d)-(\d{4}) (\d\d):(\d\d):(\d\d)\.(\d{3})"
NUMBER = r"(-?\d{1,9}(?:\.\d{1,9})?)"
COUNT = r"(\d{1,9})"
_VALUES = f"Watts,{NUMBER},Volts,{NUMBER},Amps,{NUMBER},PF,{NUMBER}"
_VALUE = re.compile(r"(?:Watts|Volts|Amps|PF),([^,]+)")
_CHANNELS = re.compile(f",(?:Ch{COUNT},)?{_VALUES}")
_ROW = re.compile(f"(?:Time,)?{DATE},{_VALUES}(?:,Mark,([^,]+))?((?:{_CHANNELS.pattern})*)")


@dataclass(frozen=True, slots=True)
class Row:
    """One sample: line of the file, source-wall ns, power (W), volts, amperes, power factor, the same per channel."""

    line: int
    time_ns: int
    values: Values
    mark: str
    channels: tuple[tuple[int, Values], ...]
    unused: frozenset[int] = frozenset()
    """Channels to which nothing is connected."""

    @property
    def cause(self) -> str | None:
        """Why it has no power; None where it has."""
        told = [self.values, *(values for _, values in self.channels)]
        if any(any(outside_range(*values)) for values in told):
            return OUTSIDE
        own = {ERROR: "analyser error (-1)", MISSED: "missed sample (-2)"}.get(self.values[0])
        return own or (f"{LACKING} {', '.join(map(str, self.lacking))}, which has no value" if self.lacking else None)

    @property
    def lacking(self) -> tuple[int, ...]:
        """The channels in use that have no power."""
        missed = (number for number, values in self.channels if values[0] in (ERROR, MISSED))
        return tuple(number for number in missed if number not in self.unused)

    @property
    def counted(self) -> bool:
        """Whether PTDaemon counts it as valid and averages it."""
        return self.values[0] not in (ERROR, MISSED) and not outside_range(*self.values)[0]


def numbers_of(values: Values) -> list[float | None]:
    """The values that are values: no code of an error, no mark of a value outside its range."""
    marked = (*outside_range(*values), False)
    pairs = zip(values, marked, strict=True)
    return [None if value in (ERROR, MISSED) or outside else value for value, outside in pairs]


def with_unused(rows: Sequence[Row]) -> list[Row]:
    """The rows of a log, those that miss a channel with what is not connected in the whole log."""
    if not any(row.lacking for row in rows):
        return list(rows)
    seen, used = set[int](), set[int]()
    for row in rows:
        for number, values in row.channels:
            known = [value for value in values if value not in (ERROR, MISSED)]
            seen |= {number} if known else set()
            used |= {number} if any(known) else set()
    unused = frozenset(seen - used)
    return [replace(row, unused=unused) if unused and row.lacking else row for row in rows]


def within_range(value: float) -> float:
    """What a marked value stands for."""
    return -value - MARK_OFFSET


def match_row(text: str) -> re.Match[str] | None:
    """A row; None where its last number was cut off, for PTDaemon prints as many decimals of every number."""
    match = _ROW.fullmatch(text)
    even = match is not None and len({len(value.partition(".")[2]) for value in _VALUE.findall(text)}) == 1
    return match if even else None


def row_of(source: SourceFile, number: int, match: re.Match[str]) -> Row:
    """The sample of a line that `match_row` knows.

    Raises:
        ImportFileError: a time that is none, a date that contradicts its mark.
    """
    stamp, values, mark, channels = match.groups()[:7], match.groups()[7:11], match[12] or "", match[13]
    time_ns = stamp_ns(source, number, stamp)
    _require_date(source, number, time_ns, mark, stamp)
    # A reply names no channel: they come in order, from 1 where all are asked for.
    per_channel = tuple(
        (int(channel[1] or place), _quadruple(channel.groups()[1:]))
        for place, channel in enumerate(_CHANNELS.finditer(channels), 1)
    )
    return Row(number, time_ns, _quadruple(values), mark, per_channel)


def _quadruple(values: Sequence[str]) -> Values:
    power_w, voltage_v, current_a, power_factor = map(float, values)
    return power_w, voltage_v, current_a, power_factor


def stamp_ns(source: SourceFile, number: int, stamp: Sequence[str]) -> int:
    """Ns since 1970 of the parts of `DATE`.

    Raises:
        ImportFileError: there is no such time.
    """
    month, day, year, hour, minute, second, milli = map(int, stamp)
    time_ns = wall_ns(year, month, day, hour, minute, second, fraction_ns=milli * 1_000_000)
    if time_ns is None or year < FIRST_YEAR:
        raise ImportFileError(
            f"{source.path}:{number}: found the time {'-'.join(stamp[:3])} {':'.join(stamp[3:6])}, expected month-day-"
            "year and a time of day, as PTDaemon prints them; was the log rewritten?"
        )
    return time_ns


def _require_date(source: SourceFile, number: int, time_ns: int, mark: str, stamp: Sequence[str]) -> None:
    """The date of a row against the ISO date of the session in its mark."""
    match = ISO_MARK.match(mark)
    if match is None:
        return
    try:
        begun = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return
    day = datetime.fromtimestamp(time_ns // SECOND_NS, UTC).date()
    if not begun - timedelta(days=1) <= day <= begun + timedelta(days=SESSION_DAYS):
        raise ImportFileError(
            f"{source.path}:{number}: the date {'-'.join(stamp[:3])} means {day} (month first), the mark {mark!r} says "
            f"{begun}; day and month seem swapped, or the mark is of another session"
        )
