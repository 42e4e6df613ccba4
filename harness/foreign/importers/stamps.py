"""Time stamps as text -> nanoseconds since 1970 of the clock that wrote them.

Knows dates, times of day and columns of them. Knows no format and no file: a format brings the pattern of its stamps,
with the groups `year month day hour minute second` and, where it has them, `part` (digits behind the point), `milli` (a
whole number of milliseconds) and `offset` (what is said of the zone, which is read and not applied).

A column is read at once: stamps as long as the first of that length, with digits where that has digits of a group and
the same characters elsewhere, need no pattern of their own. The others are matched one by one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

SECOND_NS, MILLI_NS = 1_000_000_000, 1_000_000
FIRST_YEAR, LAST_YEAR = 1678, 2261
"""Whole years that 64 bits of nanoseconds hold."""
CENTURY_SINCE = 69
"""Years of two digits from this one on are of the last century (POSIX, strptime)."""
CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
"""The time of day in a pattern, as most write it."""
UNITS = ("year", "month", "day", "hour", "minute", "second")
LONGEST = 64
"""No stamp is longer; a longer text is looked at by itself."""
ZERO, NINE = ord("0"), ord("9")
Stamps = NDArray[np.int64]
Places = NDArray[np.intp]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class StampColumn:
    """A column as read: ns since 1970 per row, what it says of the zone -> the first row that says so, and the first
    row that is no stamp (None: every one is; from it on nothing counts)."""

    times_ns: Stamps
    offsets: Mapping[str, int]
    odd: int | None


def read_stamps(texts: Sequence[str], pattern: re.Pattern[str]) -> StampColumn:
    """A column of stamps of one pattern."""
    times_ns = np.zeros(len(texts), dtype=np.int64)
    first_of: dict[str, int] = {}
    odd: list[int] = []
    for places, offset, values_ns in _groups(texts, pattern):
        if values_ns is None:
            odd.append(int(places[0]))
            continue
        times_ns[places] = values_ns
        first_of[offset] = min(int(places[0]), first_of.get(offset, len(texts)))
    in_order = dict(sorted(first_of.items(), key=lambda item: item[1]))
    return StampColumn(times_ns, in_order, min(odd, default=None))


def _groups(texts: Sequence[str], pattern: re.Pattern[str]) -> Iterator[tuple[Places, str, Stamps | None]]:
    """Rows that are read together, what they say of the zone, and their times; None: the first of them is no stamp."""
    lengths = np.fromiter(map(len, texts), dtype=np.intp, count=len(texts))
    for length in np.unique(lengths).tolist():
        places = np.flatnonzero(lengths == length)
        match = pattern.fullmatch(texts[places[0]])
        if match is None or length > LONGEST:
            yield from _one_by_one(texts, places, pattern)
            continue
        same = texts if places.size == len(texts) else [texts[place] for place in places.tolist()]
        characters = np.frombuffer("".join(same).encode("ascii", "replace"), dtype=np.uint8)
        times_ns, alike = _together(characters.reshape(places.size, length).T.copy(), match)
        if alike.any():
            yield places[alike], _offset_of(match), times_ns[alike]
        yield from _one_by_one(texts, places[~alike], pattern)


def _one_by_one(
    texts: Sequence[str], places: Places, pattern: re.Pattern[str]
) -> Iterator[tuple[Places, str, Stamps | None]]:
    """Rows up to the first that is no stamp, each by itself."""
    for place in places.tolist():
        match = pattern.fullmatch(texts[place])
        time_ns = None if match is None else time_of(match)
        if match is None or time_ns is None:
            yield np.array([place]), "", None
            return
        yield np.array([place]), _offset_of(match), np.array([time_ns], dtype=np.int64)


def _offset_of(match: re.Match[str]) -> str:
    return match.groupdict().get("offset") or ""


def _together(characters: Bytes, match: re.Match[str]) -> tuple[Stamps, NDArray[np.bool_]]:
    """Times of rows of one length by their characters, shape (length, rows), and which rows are of the form of the
    match (the first of them) and a time that there is."""
    spans = {name: match.span(name) for name in (*UNITS, "part", "milli") if match.groupdict().get(name)}
    free = np.zeros(len(characters), dtype=bool)
    for begin, end in spans.values():
        free[begin:end] = True
    digits = characters - np.uint8(ZERO)  # what stands before the zero wraps round to a large number
    alike = (digits[free] <= NINE - ZERO).all(axis=0) & (characters[~free] == characters[~free, :1]).all(axis=0)
    numbers = {name: _number(digits[begin:end]) for name, (begin, end) in spans.items()}
    if spans["year"][1] - spans["year"][0] == 2:
        numbers["year"] += np.where(numbers["year"] < CENTURY_SINCE, 2000, 1900)
    parts = len(match["part"]) if "part" in numbers else 0
    fraction_ns = numbers["part"] * 10 ** (9 - parts) if parts else numbers.get("milli", np.int64(0)) * MILLI_NS
    seconds, known = _seconds(*(numbers[name] for name in UNITS))
    return seconds * SECOND_NS + fraction_ns, alike & known


def _number(digits: Bytes) -> Stamps:
    """Whole numbers of their digits, shape (digits, rows)."""
    number: Stamps = digits[0].astype(np.int64)
    for digit in digits[1:]:
        number = number * 10 + digit
    return number


def _seconds(
    year: Stamps, month: Stamps, day: Stamps, hour: Stamps, minute: Stamps, second: Stamps
) -> tuple[Stamps, NDArray[np.bool_]]:
    """Seconds since 1970, and whether there is such a moment."""
    known = (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12)
    months = np.where(known, (year - 1970) * 12 + month - 1, 0)
    earliest = int(months.min())
    firsts = np.arange(earliest, int(months.max()) + 2).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    first_day, next_month = firsts[months - earliest], firsts[months - earliest + 1]  # days since 1970
    known &= (day >= 1) & (day <= next_month - first_day) & (hour < 24) & (minute < 60) & (second < 60)
    return (first_day + day - 1) * 86_400 + hour * 3600 + minute * 60 + second, known


def time_of(match: re.Match[str]) -> int | None:
    """Ns since 1970 of a matched stamp; None where there is no such moment."""
    year, *others = (int(match[name]) for name in UNITS)
    if len(match["year"]) == 2:
        year += 2000 if year < CENTURY_SINCE else 1900
    groups = match.groupdict()
    fraction_ns = int(groups.get("milli") or 0) * MILLI_NS + int((groups.get("part") or "").ljust(9, "0"))
    return wall_ns(year, *others, fraction_ns=fraction_ns)


def wall_ns(
    year: int, month: int, day: int, hour: int, minute: int, second: int, *, fraction_ns: int = 0
) -> int | None:  # fmt: skip
    """Ns since 1970 of a wall clock; None where there is no such moment."""
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * SECOND_NS + fraction_ns if FIRST_YEAR <= year <= LAST_YEAR else None


def moment_of(time_ns: int) -> str:
    """A stamp for people, in whole seconds."""
    return f"{datetime.fromtimestamp(time_ns // SECOND_NS, UTC):%Y-%m-%d %H:%M:%S}"
