"""Runs as OSCAR's files have them: on the wall clock, on whole seconds, actions that lie in no other.

Knows clocks, readings and actions of a run. Knows no form of a file and no statistics.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from harness.foreign.exporters.oscar.hardware import hardware_of
from harness.foreign.exporters.oscar.omissions import Omissions
from harness.foreign.exporters.oscar.seconds import (
    MILLI_NS,
    SECOND_NS,
    Floats,
    Rows,
    Times,
    is_steady,
    moved,
    near,
    rounded_up,
    whole_seconds,
)
from harness.record.documents import PowerDescriptor
from reports.energy.power_function import power_function, summed
from reports.readings.series import RunSeries


@dataclass(frozen=True, slots=True)
class ExportedRun:
    """One run on the wall clock: interval and actions as (text, begin, end) in ms steps, its rows."""

    begin_ns: int
    end_ns: int
    actions: tuple[tuple[str, int, int], ...]
    power: Rows
    hardware: Rows | None
    decimals: int


def exported(series: RunSeries, columns: Sequence[str], omissions: Omissions) -> ExportedRun:
    """One run: rows onto whole seconds, everything else moved with them."""
    assert series.begin_ns is not None
    assert series.end_ns is not None
    ahead_ns = wall_ahead_ns(series)
    times_ns, power_w = second_rows(series)
    kept = near(times_ns, series.begin_ns, series.end_ns)
    times_ns, power_w = times_ns[kept] + ahead_ns, power_w[kept]
    begin_ns, end_ns = series.begin_ns + ahead_ns, series.end_ns + ahead_ns
    seconds_ns = whole_seconds(times_ns)
    begin = moved(begin_ns, times_ns, seconds_ns)
    length_ns = rounded_up(end_ns - begin_ns, MILLI_NS)
    offset_ns = ahead_ns + begin - begin_ns
    actions = tuple(
        (
            text,
            max(begin, rounded_up(from_ns + offset_ns, MILLI_NS)),
            min(begin + length_ns, rounded_up(to_ns + offset_ns, MILLI_NS)),
        )
        for text, from_ns, to_ns in _flat_actions(series, omissions)
    )
    hardware = hardware_of(series, columns, ahead_ns, begin_ns, begin, omissions) if columns else None
    decimals = max(_decimals(part.descriptor) for part in series.parts)
    return ExportedRun(begin, begin + length_ns, actions, Rows(seconds_ns, power_w), hardware, decimals)


def wall_ahead_ns(series: RunSeries) -> int:
    """What is added to a time of the run's base to get wall time (UTC, or the source's), in ns since 1970."""
    start = series.run.start
    if start.time_base == "source-wall":
        return 0
    moment = datetime.fromisoformat(start.utc)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1000 - start.time_ns


def second_rows(series: RunSeries) -> tuple[Times, Floats]:
    """Time and power of every row: as read where it is one a second, else one second each by exact overlap."""
    parts = series.parts
    if len(parts) == 1 and is_steady(parts[0].times_ns):
        return parts[0].times_ns, parts[0].power_w
    assert series.begin_ns is not None
    function = summed([power_function(part) for part in parts])
    first_ns = max(int(part.times_ns[0]) for part in parts)
    last_ns = min(int(part.times_ns[-1]) for part in parts)
    before = max((series.begin_ns - first_ns) // SECOND_NS, 0)
    ends_ns = np.arange(series.begin_ns - before * SECOND_NS, last_ns + 1, SECOND_NS, dtype=np.int64)[1:]
    return ends_ns, function.energy_j(ends_ns - SECOND_NS, ends_ns)


def _flat_actions(series: RunSeries, omissions: Omissions) -> Iterator[tuple[str, int, int]]:
    """Actions that lie in no other, in order; those in others, or beside the interval, are named."""
    reached_ns = series.begin_ns or 0
    for action in sorted(series.actions, key=lambda action: (action.begin_ns, -action.end_ns)):
        if action.begin_ns < reached_ns or action.end_ns > (series.end_ns or 0):
            omissions.note(
                f"left out: action {one_line(action.name)} ({series.run.start.scenario}), inside another or a gap"
            )
            continue
        reached_ns = action.end_ns
        yield one_line(action.name), action.begin_ns, action.end_ns


def one_line(name: str) -> str:
    """A name on one line, without the separator."""
    return " ".join(re.sub(r"[;\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", name).split()) or "action"


def _decimals(descriptor: PowerDescriptor) -> int:
    """Decimals that show the meter's resolution."""
    steps = [column.get("resolution") for column in descriptor.columns if column.get("name") == "power_w"]
    step = next((float(step) for step in steps if isinstance(step, int | float) and step > 0), 1.0)
    return max(0, round(-math.log10(step)))
