"""Columns of times -> ns since 1970: of UTC where a zone is known, else of the clock that wrote them.

Knows forms of stamps and time zones. Knows no column's meaning.

Decisions
- Stamps that say their offset are moved by it. The others are moved by the zone that the mapping names; `unknown` keeps
  the clock's own time, and then every clock of an import has to be unknown.
- A stamp of the hour that exists twice when summer time ends, or of the one that does not exist when it begins, is
  refused: nothing in it tells which it was.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

import numpy as np
from numpy.typing import NDArray

from harness.foreign.importers.power_csv.formats import ISO, fault_of, pattern_of
from harness.foreign.importers.power_csv.mapping import OPEN, TimeColumn
from harness.foreign.importers.power_csv.stamp_forms import formats_of, whole_milliseconds
from harness.foreign.importers.power_csv.table import Rows, plain_numbers
from harness.foreign.importers.remarks import times
from harness.foreign.importers.stamps import SECOND_NS, Stamps, moment_of, read_stamps
from harness.foreign.importers.zones import ahead_s, offset_text, year_ahead_s, zone_of
from harness.record.errors import ImportFileError

UNKNOWN = "unknown"
NS_OF = {"s": SECOND_NS, "ms": 1_000_000, "us": 1_000, "ns": 1, "min": 60 * SECOND_NS, "h": 3600 * SECOND_NS}
ELAPSED = tuple(f"elapsed-{unit}" for unit in NS_OF)
COUNTED = (*(f"epoch-{unit}" for unit in ("s", "ms", "us", "ns")), *ELAPSED)
FIRST_S, LAST_S = -(2**33), 2**33
"""Seconds since 1970 that nanoseconds in 64 bits hold (1697 to 2242)."""
QUARTER_S = 900
EXACT = 2.0**51
"""Whole numbers below this, of which a double knows the halves."""


def is_known(time: TimeColumn) -> bool:
    """Whether its times become UTC."""
    return time.zone != UNKNOWN


def times_of(rows: Rows, time: TimeColumn, places: NDArray[np.intp] | None = None) -> Stamps:
    """Times (ns) of the rows at `places`, or of all.

    Raises:
        ImportFileError: a stamp of another form, a zone that is not named or that there is not.
    """
    texts = rows.joined(time.column)
    if places is not None:
        texts = [texts[place] for place in places.tolist()]
    where = places if places is not None else np.arange(len(texts))
    shift_ns = round(time.shift_s * SECOND_NS)
    if time.format in COUNTED:
        return _counted(rows, time, texts, where) + shift_ns
    if time.format == OPEN:
        raise ImportFileError(f"{rows.where(0)}: found {texts[0]!r:.40}; say in [time] format how it is read")
    return _stamps(rows, time, texts, where) + shift_ns


def _counted(rows: Rows, time: TimeColumn, texts: Sequence[str], places: NDArray[np.intp]) -> Stamps:
    kind, _, unit = time.format.partition("-")
    found = _together(texts, NS_OF[unit])
    if found is None:
        read = _whole_reader(NS_OF[unit], rows.form.decimal)
        values = [read(text) for text in texts]
        if None in values:
            at = values.index(None)
            remedy = _no_stamp(texts[at]) or "is it another format, or a damaged line?"
            raise ImportFileError(
                f"{rows.where(int(places[at]))}: found the time {texts[at]!r:.40}, expected a number ({time.format}); "
                f"{remedy}"
            )
        found = np.array(values, dtype=np.int64)
    if kind == "epoch":
        return found
    if not time.start or time.start == OPEN:
        raise ImportFileError(
            f"{rows.where(0)}: times since a beginning that nothing states; say it in [time] start, such as "
            "2026-11-21T10:00:00"
        )
    match = ISO.fullmatch(time.start)
    first = read_stamps([time.start], ISO) if match else None
    if match is None or first is None or first.odd is not None:
        raise ImportFileError(f"[time] start: found {time.start!r:.40}, expected one like 2026-11-21T10:00:00")
    start = _to_utc(lambda _: "[time] start", time.zone, first.times_ns, [match["offset"] or ""])
    return found + int(start[0])


def _together(texts: Sequence[str], factor: int) -> Stamps | None:
    """Ns of plain numbers whose written digits a double holds exactly; None of others."""
    numbers = plain_numbers(texts)
    if numbers is None:
        return None
    decimals = max(len(text.partition(".")[2]) for text in texts)
    parts = 10**decimals
    if factor % parts or not np.abs(numbers).max() * parts < EXACT:
        return None
    return np.asarray(np.rint(numbers * parts).astype(np.int64) * (factor // parts))


def _whole_reader(factor: int, decimal: str) -> Callable[[str], int | None]:
    """What makes ns of a text, exactly; None of one that is no number."""

    def read(text: str) -> int | None:
        if text.isdecimal() and text.isascii():
            value = int(text) * factor
        else:
            try:
                number = Decimal(text.replace(decimal, "."))
            except InvalidOperation:
                return None
            if not number.is_finite() or abs(number) > Decimal(LAST_S) * NS_OF["s"]:
                return None
            value = round(number * factor)
        return value if FIRST_S * SECOND_NS < value < LAST_S * SECOND_NS else None

    return read


def _stamps(rows: Rows, time: TimeColumn, texts: Sequence[str], places: NDArray[np.intp]) -> Stamps:
    def where(row: int) -> str:
        return rows.where(int(places[row]))

    pattern = ISO if time.format == "iso" else pattern_of(time.format)
    if pattern is None:
        return _row_by_row(where, time, texts)
    column = read_stamps(texts, pattern)
    if column.odd is not None:
        raise _odd(where(column.odd), texts, column.odd, time)
    back = np.flatnonzero(np.diff(column.times_ns) < 0)
    if back.size and (whole := whole_milliseconds(time.format, texts)):
        raise ImportFileError(
            f"{where(int(back[0]) + 1)}: found the time {texts[int(back[0]) + 1]!r:.40} behind "
            f"{texts[int(back[0])]!r:.40}: by {time.format!r} time runs backwards {times(back.size)}, with whole "
            f"milliseconds behind the sign it never does; say format = {whole!r}"
        )
    offsets = (
        list(column.offsets)
        if len(column.offsets) == 1
        else [match["offset"] or "" if (match := pattern.fullmatch(text)) else "" for text in texts]
        if column.offsets
        else [""]
    )
    return _to_utc(where, time.zone, column.times_ns, offsets)


def _odd(where: str, texts: Sequence[str], at: int, time: TimeColumn) -> ImportFileError:
    form = time.format.replace("%L", "500")
    example = "2026-11-21T10:00:00.5+01:00" if form == "iso" else f"{datetime(2026, 11, 21, 10):{form}}"
    whole, alone = formats_of(texts), formats_of(texts[at : at + 1])
    found = whole or [form for form in alone if form != time.format]
    remedy = (
        f"{' or '.join(map(repr, found))} reads {'every stamp' if whole else 'this one'}"
        if found
        else _no_stamp(texts[at]) or "is it another format, or a damaged line?"
    )
    return ImportFileError(
        f"{where}: found the time {texts[at]!r:.40}, expected one like {example!r} (format {time.format!r}); {remedy}"
    )


def _no_stamp(text: str) -> str:
    """What a text without a digit among times may be; empty of others."""
    if not text or any(map(str.isdigit, text)):
        return ""
    return "where the header of another table stands here, split the file before it; else the line is damaged"


def _row_by_row(where: Callable[[int], str], time: TimeColumn, texts: Sequence[str]) -> Stamps:
    if fault := fault_of(time.format):
        raise ImportFileError(
            f"[time] format: found {time.format!r} ({fault}), expected iso, {', '.join(COUNTED)}, or one of strptime "
            "such as %d.%m.%Y %H:%M:%S"
        )
    moments: list[datetime] = []
    for row, text in enumerate(texts):
        try:
            moments.append(datetime.strptime(text, time.format.strip()))
        except ValueError:
            raise _odd(where(row), texts, row, time) from None
    epoch = datetime(1970, 1, 1)
    walls = [(moment.replace(tzinfo=None) - epoch) // timedelta(microseconds=1) * 1000 for moment in moments]
    offsets = ["" if moment.tzinfo is None else f"{moment:%z}"[:5] for moment in moments]
    return _to_utc(where, time.zone, np.array(walls, dtype=np.int64), offsets)


def _to_utc(where: Callable[[int], str], zone: str, walls_ns: Stamps, offsets: Sequence[str]) -> Stamps:
    """Wall times moved by what each says of its offset (one for all, or one each), else by the zone."""
    found = np.zeros(walls_ns.size, dtype=np.int64)
    for offset in dict.fromkeys(offsets):
        same = [text == offset for text in offsets]
        places = np.flatnonzero(np.array(same if len(offsets) > 1 else same * walls_ns.size, dtype=bool))
        if offset:
            found[places] = walls_ns[places] - (ahead_s(zone_of(offset, "offset"), 0) or 0) * SECOND_NS
        else:
            found[places] = _by_zone(lambda row, at=places: where(int(at[row])), zone, walls_ns[places])  # type: ignore[misc]
    return found


def _by_zone(where: Callable[[int], str], zone: str, walls_ns: Stamps) -> Stamps:
    if zone == UNKNOWN:
        return walls_ns
    if not zone or zone == OPEN:
        raise ImportFileError(
            f"{where(0)}: the stamps do not say their time zone; say it with zone in the table that names their "
            'column (Europe/Berlin, +01:00, UTC), or zone = "unknown"'
        )
    clock = zone_of(zone, "zone")
    quarters, inverse = np.unique(walls_ns // (QUARTER_S * SECOND_NS), return_inverse=True)
    moves = [ahead_s(clock, quarter * QUARTER_S) for quarter in quarters.tolist()]
    if None in moves:
        first = int(np.flatnonzero(inverse == moves.index(None))[0])
        winter, summer = (offset_text(seconds) for seconds in year_ahead_s(clock, int(walls_ns[first]) // SECOND_NS))
        raise ImportFileError(
            f"{where(first)}: {moment_of(int(walls_ns[first]))} exists twice or not at all in {zone}, where summer "
            f'time begins or ends; where no clock was moved within the files, say zone = "{summer}" (summer time) or '
            f'"{winter}"; else export the stamps as UTC or with their offset, or leave that hour out'
        )
    return walls_ns - np.array(moves, dtype=np.int64)[inverse] * SECOND_NS
