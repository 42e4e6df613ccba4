"""When what a machine does by itself is due: systemd's timers and cron's lines, from their texts.

Knows `systemctl list-timers` and crontab(5). Knows no machine and no clock: both moments are the caller's."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NAMES = {
    name: str(number)
    for names, first in (("jan feb mar apr may jun jul aug sep oct nov dec", 1), ("sun mon tue wed thu fri sat", 0))
    for number, name in enumerate(names.split(), first)
}
SHORT = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
LONGEST = timedelta(days=8)
"""A schedule is looked through no further."""
_NEXT = re.compile(r"^(?:\w{3} )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC\b")
_SETTING = re.compile(r"^\s*[A-Za-z_]\w*\s*=")


@dataclass(frozen=True, slots=True)
class Due:
    """Something that starts by itself: its name, the first time (UTC) in the span asked about."""

    name: str
    at: datetime


def timers_due(text: str, now: datetime, until: datetime) -> list[Due]:
    """The timers of `systemctl list-timers --all --no-legend` (TZ=UTC, LC_ALL=C) that are due in a span, soonest first.

    A timer without a next time (`n/a` or `-`) is not due.
    """
    found = []
    for line in text.splitlines():
        match, words = _NEXT.match(line.strip()), line.split()
        if match is None or len(words) < 4:
            continue
        at = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
        if at <= until:
            unit = next((word for word in words if word.endswith(".timer")), words[-2])
            found.append(Due(unit, max(at, now)))
    return sorted(found, key=lambda due: due.at)


def cron_due(text: str, now: datetime, until: datetime, utc_offset_s: int) -> tuple[list[Due], list[str]]:
    """(lines of a crontab that are due in a span, lines that are no schedule); a name is "line N".

    Commands are not told: they may hold secrets. A `@reboot` line is not due. The user column of a system's crontab
    makes no difference, for it comes after the schedule. Cron goes by the local time of its machine.
    """
    due: list[Due] = []
    unclear: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#") or _SETTING.match(stripped) or stripped.startswith("@reboot"):
            continue
        name = f"line {number}"
        fields = SHORT.get(stripped.split()[0], stripped).split()[:5]
        try:
            at = _first(fields, now, min(until, now + LONGEST), utc_offset_s)
        except ValueError:
            unclear.append(name)
            continue
        if at is not None:
            due.append(Due(name, at))
    return due, unclear


def _first(fields: list[str], now: datetime, until: datetime, utc_offset_s: int) -> datetime | None:
    """The first whole minute of a span that five fields of crontab(5) allow."""
    if len(fields) != 5:
        raise ValueError("a schedule has five fields")
    minutes, hours, days, months, weekdays = (
        set(_values(field, *limits)) for field, limits in zip(fields, LIMITS, strict=True)
    )
    weekdays = {day % 7 for day in weekdays}
    # crontab(5): with both restricted, either is enough; a field that begins with * is not restricted.
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    at = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while at <= until:
        local = at + timedelta(seconds=utc_offset_s)
        on_day, on_weekday = local.day in days, local.isoweekday() % 7 in weekdays
        is_day = local.month in months and ((on_day or on_weekday) if either else (on_day and on_weekday))
        if not is_day:
            at += timedelta(minutes=(24 - local.hour) * 60 - local.minute)
        elif local.hour not in hours:
            at += timedelta(minutes=60 - local.minute)
        elif local.minute not in minutes:
            at += timedelta(minutes=1)
        else:
            return at
    return None


def _values(field: str, lowest: int, highest: int) -> Iterator[int]:
    """The numbers of one field: lists of `*`, `a`, `a-b`, each with an optional `/step`; names of months and days."""
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = (NAMES.get(span.lower(), span) if "-" not in span else span).partition("-")
        first, last = NAMES.get(first.lower(), first), NAMES.get(last.lower(), last)
        if span == "*":
            begin, end = lowest, highest
        else:
            begin = int(first)
            end = int(last) if dash else (highest if step else begin)
        stride = int(step) if step else 1
        if not lowest <= begin <= end <= highest or stride < 1:
            raise ValueError(f"{field!r} is no field of a crontab")
        yield from range(begin, end + 1, stride)
