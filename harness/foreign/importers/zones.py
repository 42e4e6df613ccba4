"""Time zones by their name or their offset from UTC, and what moves a wall clock to UTC.

Knows zoneinfo. Knows no file and no format.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harness.record.errors import ImportFileError


def zone_of(text: str, asked: str) -> tzinfo:
    """A time zone by its name or its offset from UTC; `asked` is the option or key that names it.

    Raises:
        ImportFileError: it is neither.
    """
    if offset := re.fullmatch(r"([+-])(\d{2}):?(\d{2})", text):
        minutes = int(offset[2]) * 60 + int(offset[3])
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=minutes if offset[1] == "+" else -minutes))
    try:
        return UTC if text.upper() in ("UTC", "Z") else ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ImportFileError(
            f"{asked} {text}: no such zone; expected a name like Europe/Berlin, or an offset like +01:00"
        ) from None


def ahead_s(zone: tzinfo, wall_s: int) -> int | None:
    """How far a wall time (s since 1970 of that clock) is ahead of UTC; None where it exists twice or not at all, as
    summer time ends or begins."""
    wall = datetime(1970, 1, 1) + timedelta(seconds=wall_s)
    both = {wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}
    if len(both) != 1:
        return None
    return int((both.pop() or timedelta()).total_seconds())


def year_ahead_s(zone: tzinfo, wall_s: int) -> tuple[int, int]:
    """How far winter and summer time of the year of a wall time are ahead of UTC (s), the smaller one first."""
    year = (datetime(1970, 1, 1) + timedelta(seconds=wall_s)).year
    offsets = [datetime(year, month, 15, tzinfo=zone).utcoffset() or timedelta() for month in range(1, 13)]
    return int(min(offsets).total_seconds()), int(max(offsets).total_seconds())


def offset_text(seconds: int) -> str:
    """An offset from UTC as it is written: `+02:00`."""
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02d}:{minutes:02d}"
