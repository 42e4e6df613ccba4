"""The runs of a campaign on the clock by which a tracker's stamps can be lined up, and rows on that clock.

Knows clocks, zones and rating intervals. Knows no energy.

Decisions
- A row belongs to a run when [timestamp - duration, timestamp] lies within the run's rating interval, `SLACK_S` more on
  either side, on the SUT's wall clock (rating edges), else on the host's start stamp; of an import on the source's
  clock, which is UTC where the import knew its zone. Which zone a stamp without one is in decides about the run, so
  nobody guesses it: `--timezone`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from harness.foreign.importers.imported import ZONE_NOTE
from harness.foreign.importers.stamps import SECOND_NS
from harness.foreign.importers.tracker.row import Row
from harness.foreign.importers.tracker.source import Choice
from harness.foreign.importers.zones import zone_of
from harness.record.documents import ClockEvent, PhaseEvent
from harness.record.errors import RunFolderError
from harness.record.run_folder import RunFolder

SLACK_S = 2.0
"""A stamp in whole seconds, and the time between the tracker's end and the writing of its stamp."""
SHOWN = 12
"""Candidates that a message lists."""


@dataclass(frozen=True, slots=True)
class Window:
    """The rating interval of a run on the clock by which rows are lined up (`clock`: docs/trackers.md), ns."""

    folder: str
    ordinal: int
    clock: str
    begin_ns: int
    end_ns: int
    bound_s: float
    has_zone: bool = True
    """Whether its clock is UTC; the stamps of most imports are a wall clock whose zone nobody said."""

    def zone(self, stated: str | None) -> tzinfo:
        """In which zone stamps without one are lined up with it: the stated one, else its own."""
        return UTC if stated is None or not self.has_zone else zone_of(stated, "--timezone")

    def __str__(self) -> str:
        """For a list of candidates."""
        return f"run {self.ordinal} ({self.folder}): {shown(self.begin_ns)} to {shown(self.end_ns)}"


def windows_of(runs: Sequence[RunFolder]) -> Iterator[Window]:
    """The scenario runs that have a rating interval, each on the clock by which a tracker's stamps can be lined up."""
    for run in runs:
        rating = [event for event in run.events if isinstance(event, PhaseEvent) and event.name == "rating"]
        begins, ends = ([e for e in rating if e.edge == edge] for edge in ("begin", "end"))
        if run.start.kind != "scenario" or not begins or not ends:
            continue
        first, last, name, ordinal = begins[0], ends[-1], run.path.name, run.start.ordinal
        if run.start.time_base == "source-wall":
            without = ZONE_NOTE in str((run.start.source or {}).get("note"))
            yield Window(name, ordinal, "source-wall", first.time_ns, last.time_ns, 0.0, has_zone=not without)
        elif first.sut_wall_ns and last.sut_wall_ns and any(isinstance(e, ClockEvent) for e in run.events):
            yield Window(name, ordinal, "sut-wall", first.sut_wall_ns, last.sut_wall_ns, 0.0)
        else:
            shift_ns = int(datetime.fromisoformat(run.start.utc).timestamp()) * SECOND_NS - run.start.time_ns
            # The start's stamp is cut to seconds.
            yield Window(name, ordinal, "host-utc", first.time_ns + shift_ns, last.time_ns + shift_ns, 1.0)


def chosen_windows(windows: list[Window], choice: Choice, campaign: Path) -> list[Window]:
    """The run that the operator named; every one where none is named.

    Raises:
        RunFolderError: no such run, or it was attempted several times.
    """
    if choice.run is None:
        return windows
    found = [window for window in windows if choice.run in (window.folder, str(window.ordinal))]
    if len(found) == 1:
        return found
    known = f"\n  {listing(windows)}"
    if found:
        raise RunFolderError(f"run {choice.run} was attempted {len(found)} times; name one of the folders{known}")
    raise RunFolderError(f"{campaign}: no scenario run {choice.run!r}; name a run's folder or its ordinal{known}")


def _end_ns(row: Row, zone: tzinfo) -> int:
    """The row's end as nanoseconds since 1970, in the middle of what its stamp leaves open."""
    assert row.end is not None  # problem_of was asked
    moment = row.end if row.end.tzinfo is not None else row.end.replace(tzinfo=zone)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    whole_ns = (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1000
    return whole_ns + (SECOND_NS // 2 if row.whole_seconds else 0)


def fits(row: Row, window: Window, zone: str | None) -> bool:
    """Whether a row's interval lies within a run's, with the slack that its stamp needs."""
    end_ns, slack_ns = _end_ns(row, window.zone(zone)), round((SLACK_S + window.bound_s) * SECOND_NS)
    begin_ns = end_ns - round(row.duration_s * SECOND_NS)
    return window.begin_ns - slack_ns <= begin_ns and end_ns <= window.end_ns + slack_ns


def interval_ns(row: Row, window: Window, zone: str | None) -> tuple[int, int]:
    """Begin and end of a row on a run's clock."""
    end_ns = _end_ns(row, window.zone(zone))
    return end_ns - round(row.duration_s * SECOND_NS), end_ns


def span(row: Row, windows: Sequence[Window], zone: str | None) -> str:
    """The interval of a row for a message."""
    stated = UTC if zone is None else zone_of(zone, "--timezone")
    end_ns = _end_ns(row, windows[0].zone(zone) if windows else stated)
    return f"{shown(end_ns - round(row.duration_s * SECOND_NS))} to {shown(end_ns)}"


def listing(windows: Sequence[Window]) -> str:
    """Runs for a message, a line each."""
    more = [f"and {len(windows) - SHOWN} more"] if len(windows) > SHOWN else []
    return "\n  ".join([*map(str, windows[:SHOWN]), *more])


def shown(ns: int) -> str:
    """A wall clock's nanoseconds, in UTC (of an import: as its source's clock stood)."""
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ns // SECOND_NS):%Y-%m-%d %H:%M:%S}"
