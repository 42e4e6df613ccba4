"""A CSV of runs (begin, end, scenario ...) -> the runs of a record.

Knows the columns that `[events]` names. Knows no power.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.foreign.importers.grouping import NO, YES, Place
from harness.foreign.importers.power_csv.clock import times_of
from harness.foreign.importers.power_csv.mapping import SI, Events, TimeColumn, TrackerColumns
from harness.foreign.importers.power_csv.table import Floats, Rows, read_rows
from harness.foreign.importers.source import SourceFile
from harness.foreign.importers.stamps import SECOND_NS, Stamps, moment_of
from harness.record.errors import ImportFileError

LONGEST_S = 366 * 86_400.0
"""A run that is longer is a wrong unit."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What a tracker said of a run: its name, the energy that it reported (Wh), the factor in it."""

    name: str
    energy_wh: float
    factor: float


@dataclass(frozen=True, slots=True)
class Span:
    """One run: from when to when (ns), what it is in the study, its line, the texts of begin and end as written, the
    energy that somebody states of it (Wh), what a tracker said of it."""

    begin_ns: int
    end_ns: int
    place: Place
    line: int
    texts: tuple[str, str]
    stated_wh: float | None
    reported: Reported | None


@dataclass(frozen=True, slots=True)
class EventList:
    """The runs of a file, in its order."""

    source: SourceFile
    spans: tuple[Span, ...]
    events: Events


def read_events(source: SourceFile, events: Events) -> EventList:
    """The runs.

    Raises:
        ImportFileError: a column that is not there, a stamp or number that is none, a run that ends before it begins.
    """
    rows = read_rows(source, events.csv)
    count = len(rows.numbers)
    begin = TimeColumn(column=events.begin, format=events.format, zone=events.zone, shift_s=events.shift_s)
    begins_ns = times_of(rows, begin)
    ends_ns, ended = _ends(rows, events, begins_ns)
    scenarios = _names(rows, events)
    repetitions = rows.texts(events.repetition) if events.repetition else [""] * count
    marked = rows.texts(events.baseline) if events.baseline else [""] * count
    stated = None if events.stated is None else _numbers(rows, events.stated.column) * SI[events.stated.unit] / 3600
    begun = rows.joined(events.begin)
    reported = _reported(rows, events)
    spans = []
    for row, line in enumerate(rows.numbers):
        begin_ns, end_ns = int(begins_ns[row]), int(ends_ns[row])
        if not 0 < end_ns - begin_ns < LONGEST_S * SECOND_NS:
            raise ImportFileError(
                f"{rows.where(row)}: found a run from {moment_of(begin_ns)} to {moment_of(end_ns)}; it has to end "
                "after it begins, within a year: are the columns and the format right?"
            )
        place = _place(rows, row, scenarios[row], repetitions[row], marked[row])
        energy_wh = None if stated is None or not np.isfinite(stated[row]) else float(stated[row])
        spans.append(Span(begin_ns, end_ns, place, line, (begun[row], ended[row]), energy_wh, reported[row]))
    return EventList(source, tuple(spans), events)


def _ends(rows: Rows, events: Events, begins_ns: Stamps) -> tuple[Stamps, Sequence[str]]:
    if events.end:
        end = TimeColumn(column=events.end, format=events.format, zone=events.zone, shift_s=events.shift_s)
        return times_of(rows, end), rows.joined(events.end)
    texts = rows.texts(events.duration)
    seconds = rows.values(events.duration, np.arange(len(texts)))
    if not np.isfinite(seconds).all():
        row = int(np.flatnonzero(~np.isfinite(seconds))[0])
        raise ImportFileError(f"{rows.where(row)}: found the duration {texts[row]!r:.40}, expected seconds")
    return begins_ns + np.rint(np.clip(seconds, -LONGEST_S, LONGEST_S) * SECOND_NS).astype(np.int64), texts


def _names(rows: Rows, events: Events) -> Sequence[str]:
    names = [events.scenario] if isinstance(events.scenario, str) else events.scenario
    return ["-".join(parts) for parts in zip(*(rows.texts(name) for name in names), strict=True)]


def _place(rows: Rows, row: int, scenario: str, repetition: str, marked: str) -> Place:
    if not scenario.strip("-"):
        raise ImportFileError(f"{rows.where(row)}: the scenario is missing")
    if repetition and (not repetition.isdecimal() or not int(repetition)):
        raise ImportFileError(
            f"{rows.where(row)}: found the repetition {repetition!r:.40}, expected a number from 1 on, or nothing"
        )
    if marked.lower() not in YES | NO:
        raise ImportFileError(f"{rows.where(row)}: found baseline {marked!r:.40}, expected yes or no")
    return Place(scenario, int(repetition) if repetition else None, "baseline" if marked.lower() in YES else "scenario")


def _reported(rows: Rows, events: Events) -> list[Reported | None]:
    told = events.tracker
    if told is None:
        return [None] * len(rows.numbers)
    names = rows.texts(told.name)
    energies_wh = _numbers(rows, told.energy) * SI[told.unit] / 3600
    factors = _numbers(rows, told.factor) if told.factor else np.full(len(names), np.nan)
    return [
        Reported("-".join(name.lower().split()), float(energy_wh), _factor(told, name, float(factor)))
        if name and np.isfinite(energy_wh)
        else None
        for name, energy_wh, factor in zip(names, energies_wh, factors, strict=True)
    ]


def _factor(told: TrackerColumns, name: str, stated: float) -> float:
    return stated if np.isfinite(stated) and stated > 0 else told.factors.get(name, 1.0)


def _numbers(rows: Rows, name: str) -> Floats:
    """A column of numbers; NaN where a cell is empty."""
    texts = rows.texts(name)
    places = np.flatnonzero(np.array([text != "" for text in texts], dtype=bool))
    found = np.full(len(texts), np.nan)
    found[places] = rows.values(name, places)
    return found
