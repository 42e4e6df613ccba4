"""Who sets the clock, and whether it is synchronised.

Knows chrony, timedatectl and ntpq.
"""

import re
from collections.abc import Iterator, Mapping

from harness.record.documents import Json
from harness.station.conditions.diagnosis import HIDDEN, Diagnosis, unknown

CLOCK_TOOLS = {
    "chronyd": "chrony", "systemd-timesyn": "systemd-timesyncd", "ntpd": "ntpd", "ntpdate": "ntpdate",
    "openntpd": "openntpd",
}  # fmt: skip
"""Name of the process (15 characters, proc(5)) -> what people call it."""


def of_clock_tools(state: Json) -> Iterator[Diagnosis]:
    """Who sets the clock of a machine, and whether it is synchronised."""
    tools = sorted({CLOCK_TOOLS[p["name"]] for p in state["processes"] if p["name"] in CLOCK_TOOLS})
    if len(tools) > 1:
        text = f"{' and '.join(tools)} both set the clock, against each other; stop all but one"
        yield Diagnosis("clock-tools", "warn", text)
    synchronised = _synchronised(state["commands"])
    by = f" by {' and '.join(tools)}" if tools else ""
    if synchronised:
        yield Diagnosis("clock-sync", "info", f"the clock is synchronised{by}")
    elif synchronised is False:
        text = f"the clock is not synchronised{' yet' if tools else ''}; dates in files may be wrong: is NTP reachable?"
        yield Diagnosis("clock-sync", "warn", text)
    else:
        none = "nothing that sets the clock runs" if state["sees_all"] else HIDDEN
        none = none if not tools else f"{' and '.join(tools)} says nothing"
        yield unknown("clock-sync", "clock synchronisation", none)


def _synchronised(commands: Mapping[str, Json]) -> bool | None:
    """What timedatectl, chronyc and ntpq say; the first that answers counts. None: none of them says."""
    for name, pattern in (
        ("chrony", r"^Leap status\s*:\s*(?!Not synchronised)\S"),
        ("clock", r"^NTPSynchronized=yes$"),
        ("ntp", r"^[*o]\S"),
    ):
        if commands[name]["code"] == 0 and commands[name]["output"].strip():
            return re.search(pattern, commands[name]["output"], re.MULTILINE) is not None
    return None
