"""The queue of a fleet with stations that are functions: who gets what after which answer."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

import pytest

from harness.fleet import queue
from harness.fleet.claims import Claims
from harness.fleet.connection import Connection, StationAway
from harness.fleet.queue import Lane
from harness.fleet.station_report import StationReport
from harness.record.documents import Json
from harness.record.errors import FleetError

REPORT = StationReport(
    station="a",
    lab="lab.toml",
    machine="m",
    software="s",
    certificate_until=None,
    meters=(),
    refused=None,
    underway=None,
)


class AnsweredAtOnce:
    """What a station was asked, and has answered."""

    is_answered = True

    def __init__(self, answer: Callable[[], Any]) -> None:
        self._answer = answer

    def answer(self) -> Any:  # noqa: ANN401  what the task returns
        return self._answer()


class StationOfFunctions:
    """A connection to one station with campaigns of two runs; `faults` are raised by what it is given, in turn."""

    def __init__(self, *faults: Exception) -> None:
        self.given: list[str] = []
        self.made: dict[str, list[int]] = {}
        self.names: dict[str, str] = {}
        self.otherwise: dict[str, str] = {}
        self._faults = list(faults)

    def to_ask(self, _station: str, _task: object, file: str) -> AnsweredAtOnce:
        made = self.made.setdefault(file, [])
        left = [ordinal for ordinal in (1, 2) if ordinal not in made]
        runs = [{"ordinal": ordinal, "scenario": "load", "repetition": ordinal} for ordinal in (1, 2)]
        answer: Json = {
            "name": self.names.get(file, file), "folder": f"/runs/{self.names.get(file, file)}", "runs": runs,
            "left": left, "is_done": not left, "otherwise": self.otherwise.get(file),
        }  # fmt: skip
        return AnsweredAtOnce(lambda: answer)

    def to_measure(self, _station: str, task: Callable[..., Any], file: str, last: object) -> AnsweredAtOnce:
        self.given.append(f"{task.__name__} {file} {last}")
        fault = self._faults.pop(0) if self._faults else None

        def answer() -> str:
            if fault is not None:
                raise fault
            if isinstance(last, int):
                self.made[file].append(last)
            return f"/runs/{file}/{last}"

        return AnsweredAtOnce(answer)


def brought(lane: Lane, station: StationOfFunctions) -> None:
    """Step until it is over."""
    for _ in range(50):
        lane.step(cast("Connection", station), REPORT)
    assert lane.is_over


def lane(said: list[str], files: tuple[str, ...] = ("core",), archive: str = "/srv/archive") -> Lane:
    return Lane("a", list(files), archive, Claims(archive), said.append, wait_s=60.0)


def test_lines_are_given_in_the_order_of_the_plan_and_a_complete_campaign_is_handed_in() -> None:
    said: list[str] = []
    mine, station = lane(said, ("core", "night")), StationOfFunctions()
    brought(mine, station)
    assert station.given == [
        "measure core 1", "measure core 2", "hand_in core /srv/archive",
        "measure night 1", "measure night 2", "hand_in night /srv/archive",
    ]  # fmt: skip
    assert [(one.made, one.is_archived, one.problem) for one in mine.campaigns] == [(2, True, None)] * 2
    assert said[1] == "a: core, 2 of 2: run 2 (load, repetition 2) is sealed, 2"


def test_runs_that_were_made_while_nobody_looked_are_told_each_once() -> None:
    said: list[str] = []
    mine, station = lane(said), StationOfFunctions(StationAway("gone"))
    for _ in range(4):
        mine.step(cast("Connection", station), REPORT)
    station.made["core"] = [1, 2]
    brought(mine, station)
    assert said[1:3] == [
        "a: core, 1 of 2: run 1 (load, repetition 1) was made meanwhile, or left out",
        "a: core, 2 of 2: run 2 (load, repetition 2) was made meanwhile, or left out",
    ]
    assert said[3] == "a: core: the archive has it"
    again: list[str] = []
    brought(lane(again), station)
    assert again == ["a: core: the archive has it"]


def test_a_line_whose_station_went_away_is_asked_for_again() -> None:
    said: list[str] = []
    station = StationOfFunctions(StationAway("gone"))
    brought(lane(said), station)
    assert station.given[:3] == ["measure core 1", "measure core 1", "measure core 2"]
    assert said[0] == "a: went away; core, run 1 (load, repetition 1) is asked for again when it is back"


def test_a_station_that_goes_whenever_it_is_asked_is_left() -> None:
    mine, station = lane([]), StationOfFunctions(*[StationAway("gone")] * queue.MOST_LOST)
    brought(mine, station)
    assert station.given == ["measure core 1"] * queue.MOST_LOST
    assert str(mine.campaigns[0].problem).startswith("the station went away 10 times; the last time it was asked for")


def test_a_campaign_that_cannot_go_on_is_handed_in_as_it_is_and_the_next_one_follows() -> None:
    said: list[str] = []
    mine, station = lane(said, ("core", "night")), StationOfFunctions()
    station.made["core"] = [1]
    station._faults.append(FleetError("the meter is gone"))
    brought(mine, station)
    assert station.given[:3] == ["measure core 2", "hand_in core /srv/archive", "measure night 1"]
    assert [(one.problem, one.is_archived) for one in mine.campaigns] == [("the meter is gone", True), (None, True)]


def test_a_campaign_that_was_begun_otherwise_is_not_complete_and_what_is_made_of_it_is_handed_in() -> None:
    mine, station = lane([], ("core", "night")), StationOfFunctions()
    station.made["core"], station.otherwise["core"] = [1, 2], "campaign.seed differ from when it was begun"
    brought(mine, station)
    assert station.given[:2] == ["hand_in core /srv/archive", "measure night 1"]
    assert [(one.problem, one.is_archived) for one in mine.campaigns] == [
        (station.otherwise["core"], True),
        (None, True),
    ]


def test_two_files_of_a_station_that_are_one_campaign_are_measured_once() -> None:
    mine, station = lane([], ("core", "./core"), archive=""), StationOfFunctions()
    station.names["./core"] = "core"
    brought(mine, station)
    assert station.given == ["measure core 1", "measure core 2"]
    assert mine.campaigns[0].problem is None
    assert str(mine.campaigns[1].problem).startswith("its folder is /runs/core, as that of core; name it once")


def test_two_campaigns_of_one_name_are_refused_before_the_second_is_measured_where_an_archive_takes_them() -> None:
    first, second = ({"folder": f"/{name}/core", "name": "core"} for name in "ab")
    assert Claims("").refusal("a", "core", first) is None
    claims, nowhere = Claims("/srv/archive"), Claims("")
    for each in (claims, nowhere):
        assert [each.refusal("a", "core", first) for _ in "12"] == [None, None]
    assert "its folder is called core as one of a, and an archive has" in str(claims.refusal("b", "core", second))
    assert "as one of a" in str(claims.refusal("a", "other", second))
    assert nowhere.refusal("b", "core", second) is None


def test_what_went_wrong_first_is_said_beside_what_went_wrong_with_the_archive() -> None:
    mine, station = lane([]), StationOfFunctions(FleetError("interrupted"), FleetError("no space"))
    station.made["core"] = [1]
    brought(mine, station)
    assert mine.campaigns[0].problem == "interrupted; no space"


def test_without_an_archive_nothing_is_handed_in() -> None:
    station = StationOfFunctions()
    brought(lane([], archive=""), station)
    assert station.given == ["measure core 1", "measure core 2"]


def test_a_station_of_another_version_is_asked_nothing() -> None:
    raw = asdict(REPORT)
    assert StationReport.from_json(raw, "a") == REPORT
    mine, station = lane([]), StationOfFunctions()
    mine.step(cast("Connection", station), StationReport.from_json(raw | {"tomorrow": 1}, "a"))
    assert mine.is_over
    assert mine.campaigns[0].problem == "it speaks as another wattlab; bring both up to date"
    assert station.given == []


def test_a_station_that_stays_away_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s, said = [0.0], list[str]()
    monkeypatch.setattr("time.monotonic", lambda: now_s[0])
    mine = lane(said)
    for now_s[0] in (3.0, 30.0, 59.0):
        mine.step(cast("Connection", StationOfFunctions()), None)
    assert not mine.is_over
    assert said == ["a: is away; what it measures goes on there, and is handed in when it is back"]
    now_s[0] = 61.0
    mine.step(None, None)
    assert mine.is_over
    assert mine.campaigns[0].problem == "the station was away for 60 s"
