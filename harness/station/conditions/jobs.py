"""What starts by itself within a campaign: systemd's timers, cron.

Knows which of it is due (`harness.station.timers` reads the tables).
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from harness.record.documents import Json
from harness.station.conditions.diagnosis import HIDDEN, Diagnosis, some, unknown
from harness.station.timers import cron_due, timers_due


def of_timers(state: Json, horizon_s: float) -> Iterator[Diagnosis]:
    """Timers of systemd that are due within `horizon_s`."""
    timers = state["commands"]["timers"]
    if timers["code"] != 0:
        yield unknown("timers", "systemd's timers", (timers["error"].splitlines() or ["no answer"])[0])
        return
    now = _now(state)
    due = timers_due(timers["output"], now, now + timedelta(seconds=horizon_s))
    span = _duration(horizon_s)
    if due:
        named = some([f"{one.name} at {one.at:%a %H:%M} UTC" for one in due])
        text = f"within the campaign (about {span}) start {named}; `systemctl stop` them for so long"
        yield Diagnosis("timers", "warn", text)
    else:
        yield Diagnosis("timers", "info", f"no timer of systemd is due within the campaign (about {span})")


def of_cron(state: Json, horizon_s: float) -> Iterator[Diagnosis]:
    """Lines of cron tables that are due within `horizon_s`."""
    if not state["sees_all"]:
        yield unknown("cron", "cron", HIDDEN)
        return
    if not any(p["name"] in ("cron", "crond", "anacron", "fcron") for p in state["processes"]):
        yield Diagnosis("cron", "info", "no cron runs")
        return
    now, found, unclear = _now(state), [], []
    tables = {path: text for path, text in state["texts"].items() if re.match(r"/etc/crontab|/etc/cron\.d/", path)}
    tables |= {path: text for path, text in state["texts"].items() if path.startswith("/var/spool/cron/")}
    if state["commands"]["crontab"]["code"] == 0:
        tables["the login's crontab"] = state["commands"]["crontab"]["output"]
    for path, text in tables.items():
        due, odd = cron_due(text, now, now + timedelta(seconds=horizon_s), int(state["utc_offset_s"]))
        found += [f"{path} {one.name} at {one.at:%a %H:%M} UTC" for one in due]
        unclear += [f"{path} {name}" for name in odd]
    hidden = [path for path in state["unreadable"] if path.startswith("/var/spool/cron")]
    if found:
        text = f"cron starts within the campaign (about {_duration(horizon_s)}): {some(found)}; stop cron for so long"
        yield Diagnosis("cron", "warn", text)
    else:
        yield Diagnosis("cron", "info", f"nothing of cron that can be read is due (about {_duration(horizon_s)})")
    if unclear or hidden:
        why = [*(f"{one} is no schedule" for one in unclear), *(f"{path} cannot be read" for path in hidden)]
        yield unknown("cron-hidden", "the rest of cron", some(why))


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{max(seconds / 60, 1):.0f} min"


def _now(state: Json) -> datetime:
    """The machine's own idea of the time."""
    return datetime.fromtimestamp(state["begin_wall_ns"] / 1e9, UTC)
