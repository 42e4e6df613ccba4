"""A fleet campaign by campaign: each station is asked what is left, and given one line of the plan after the other.

Knows who does what next, who is away, and when to stop waiting. Measures nothing and keeps nothing: what is made, the
stations know, so that the queue may be ended and begun anew at any time, by anybody.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.fleet import tasks
from harness.fleet.claims import Claims
from harness.fleet.cluster import Link
from harness.fleet.connection import Asked, Connection, SchedulerAway, StationAway
from harness.fleet.fleet_file import Fleet
from harness.fleet.station import NEXT, words_of
from harness.fleet.station_report import OTHER_VERSION, StationReport
from harness.record.documents import Json
from harness.record.errors import FleetError, LabError

POLL_S = 0.2
MOST_LOST = 10
"""A station that goes so often while it is asked for the same thing is not asked any more."""
MOMENT_S = 6.0
"""A station that is away for less is not worth a word."""


@dataclass(slots=True, kw_only=True)
class CampaignStanding:
    """A campaign of a station, as far as this queue brought it."""

    station: str
    """The station's name."""
    campaign: str
    """The campaign file."""
    folder: str = ""
    """Its folder at the station; empty while that is not known."""
    made: int = 0
    """Planned runs that are made."""
    planned: int = 0
    """Planned runs."""
    is_archived: bool = False
    """Whether the archive has what is made."""
    problem: str | None = None
    """Why it is not complete, or not archived; null: it is."""
    is_over: bool = False
    """Whether this queue is done with it."""
    lines: dict[int, Json] = field(default_factory=dict)
    """Ordinal -> line of the plan."""
    told: set[int] = field(default_factory=set)
    """Ordinals of lines that were made when this queue began, or of which it was told since."""


@dataclass(slots=True)
class _Doing:
    """What a station was given: `what` is agenda, measure or hand_in."""

    what: str
    asked: Asked
    ordinal: int = NEXT


class Lane:
    """One station: its campaigns in order, one thing at a time."""

    def __init__(
        self, name: str, files: list[str], archive: str, claims: Claims, tell: Callable[[str], None], wait_s: float
    ) -> None:
        self.name = name
        self._claims = claims
        self.campaigns = [CampaignStanding(station=name, campaign=file) for file in files]
        self._archive = archive
        self._tell = tell
        self._wait_s = wait_s
        self._doing: _Doing | None = None
        self._next: tuple[str, int] = ("agenda", NEXT)
        self._seen_s = self._connected_s = time.monotonic()
        self._is_away = False
        self._lost = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be done here."""
        return all(one.is_over for one in self.campaigns)

    def forget(self) -> None:
        """The scheduler is gone: what was asked will not be answered."""
        self._doing = None
        self._next = ("agenda", NEXT)

    def reconnected(self) -> None:
        """The scheduler is back; so will be the station, in a moment."""
        self._connected_s = time.monotonic()

    def step(self, connection: Connection | None, report: StationReport | None) -> None:
        """See whether the answer is there; give the next thing."""
        if self.is_over:
            return
        if report is not None and not report.is_understood:
            return self._leave(str(report.refused))
        if connection is None or not self._is_here(report):
            return self._wait(is_known=connection is not None)
        if self._doing is None:
            self._give(connection)
        elif self._doing.asked.is_answered:
            self._take(self._doing)

    def _is_here(self, report: StationReport | None) -> bool:
        if report is None:
            return self._doing is not None and self._doing.asked.is_answered
        self._seen_s = time.monotonic()
        if self._is_away:
            self._tell(f"{self.name}: is back")
            self._is_away = False
        return True

    def _wait(self, *, is_known: bool) -> None:
        now_s = time.monotonic()
        away_s = now_s - self._seen_s
        if is_known and not self._is_away and now_s - max(self._seen_s, self._connected_s) > MOMENT_S:
            self._is_away = True
            self._tell(f"{self.name}: is away; what it measures goes on there, and is handed in when it is back")
        if away_s > self._wait_s:
            self._leave(f"the station was away for {self._wait_s:g} s")

    def _leave(self, problem: str) -> None:
        """Nothing more is asked of this station."""
        for one in self.campaigns:
            if not one.is_over:
                one.problem, one.is_over = problem, True

    def _give(self, connection: Connection) -> None:
        what, ordinal = self._next
        file = self._current.campaign
        if what == "measure":
            asked = connection.to_measure(self.name, tasks.measure, file, ordinal)
        elif what == "hand_in":
            asked = connection.to_measure(self.name, tasks.hand_in, file, self._archive)
        else:
            asked = connection.to_ask(self.name, tasks.agenda, file)
        self._doing = _Doing(what, asked, ordinal)

    @property
    def _current(self) -> CampaignStanding:
        return next(one for one in self.campaigns if not one.is_over)

    def _take(self, doing: _Doing) -> None:
        self._doing = None
        current = self._current
        try:
            answer = doing.asked.answer()
        except StationAway:
            self._lose(self._what_of(doing, current))
        except LabError as error:
            self._fail(current, str(error), hand_in=doing.what == "measure")
        else:
            getattr(self, f"_after_{doing.what}")(current, doing, answer)

    def _lose(self, what: str) -> None:
        self._lost += 1
        if self._lost >= MOST_LOST:
            return self._leave(f"the station went away {self._lost} times; the last time it was asked for {what}")
        self._tell(f"{self.name}: went away; {what} is asked for again when it is back")
        self._next = ("agenda", NEXT)

    def _what_of(self, doing: _Doing, current: CampaignStanding) -> str:
        line = current.lines.get(doing.ordinal)
        return f"{current.campaign}, {words_of(line)}" if doing.what == "measure" and line else current.campaign

    def _fail(self, current: CampaignStanding, problem: str, *, hand_in: bool) -> None:
        """It does not go on; where `hand_in`, what is made of it is handed in."""
        current.problem = problem if current.problem is None else f"{current.problem}; {problem}"
        self._tell(f"{self.name}: {current.campaign}: {problem}")
        if hand_in and self._archive and current.made:
            self._next = ("hand_in", NEXT)
        else:
            self._end(current)

    def _after_agenda(self, current: CampaignStanding, _doing: _Doing, answer: Json) -> None:
        runs, left = answer["runs"], answer["left"]
        is_first = not current.lines
        current.lines = {run["ordinal"]: run for run in runs}
        for ordinal in sorted(current.lines.keys() - set(left) - current.told):
            current.told.add(ordinal)
            if not is_first:
                self._tell_of(current, ordinal, "was made meanwhile, or left out")
        current.folder, current.planned, current.made = answer["folder"], len(runs), len(runs) - len(left)
        if (claimed := self._claims.refusal(self.name, current.campaign, answer)) is not None:
            self._fail(current, claimed, hand_in=False)
        elif (otherwise := answer.get("otherwise", OTHER_VERSION)) is not None:
            self._fail(current, otherwise, hand_in=True)
        elif answer["is_done"]:
            self._next = ("hand_in", NEXT)
            if not self._archive:
                self._end(current)
        else:
            self._next = ("measure", left[0] if left else NEXT)

    def _after_measure(self, current: CampaignStanding, doing: _Doing, answer: str) -> None:
        self._next, self._lost = ("agenda", NEXT), 0
        if doing.ordinal in current.lines:
            current.told.add(doing.ordinal)
            current.made = len(current.told)
            where = f"is sealed, {Path(answer).name}" if answer else "is left out: its workload failed every time"
            self._tell_of(current, doing.ordinal, where)

    def _tell_of(self, current: CampaignStanding, ordinal: int, what: str) -> None:
        place = f"{len(current.told)} of {len(current.lines)}"
        self._tell(f"{self.name}: {current.campaign}, {place}: {words_of(current.lines[ordinal])} {what}")

    def _after_hand_in(self, current: CampaignStanding, _doing: _Doing, _answer: str) -> None:
        current.is_archived = True
        self._tell(f"{self.name}: {current.campaign}: the archive has it")
        self._end(current)

    def _end(self, current: CampaignStanding) -> None:
        current.is_over = True
        self._next = ("agenda", NEXT)


def run(
    fleet: Fleet, tell: Callable[[str], None], show: Callable[[Mapping[str, StationReport]], None], wait_s: float
) -> list[CampaignStanding]:
    """Have every campaign of the fleet measured and archived, as far as it can be; how far each is. A station or a
    scheduler that is away is waited for, `wait_s` at most. `tell` is told what happened, `show` who is there.

    Raises:
        FleetError: no scheduler answers at the start.
    """
    archive = fleet.file.archive
    claims = Claims(archive)
    lanes = [Lane(name, one.campaigns, archive, claims, tell, wait_s) for name, one in fleet.file.stations.items()]
    connection: Connection | None = Connection(fleet.link)
    try:
        while not all(lane.is_over for lane in lanes):
            present: dict[str, StationReport] = {}
            try:
                connection = connection or _again(fleet.link, lanes, tell)
                present = {} if connection is None else connection.stations()
            except SchedulerAway as away:
                tell(f"{away}; what the stations measure goes on there")
                if connection is not None:
                    connection.close()
                connection = None
                for lane in lanes:
                    lane.forget()
            show(present)
            for lane in lanes:
                lane.step(connection, present.get(lane.name))
            time.sleep(POLL_S)
    finally:
        if connection is not None:
            connection.close()
    return [one for lane in lanes for one in lane.campaigns]


def _again(link: Link, lanes: list[Lane], tell: Callable[[str], None]) -> Connection | None:
    """The scheduler, once it is back."""
    try:
        connection = Connection(link)
    except FleetError:
        return None
    tell(f"{link.address}: the scheduler is back")
    for lane in lanes:
        lane.reconnected()
    return connection
