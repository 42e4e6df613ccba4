"""Runs whose workload fails whenever it is tried: what is left out of a plan that goes on without them."""

from harness.record import standing
from harness.record.documents import Json
from harness.record.entries import Entry, Header, Plan, RunEnd

BIG, SMALL = "train.net-big", "train.net-small"


def log(*ends: tuple[int, str], when_failed: str = "leave-out") -> list[Entry]:
    """A log of two blocks of two cells (ordinals 1 to 4, big first), and how attempts at them ended."""
    runs: list[Json] = [
        {"ordinal": at, "kind": "scenario", "scenario": name} for at, name in enumerate((BIG, SMALL) * 2, start=1)
    ]
    campaign = {"when_failed": when_failed, "max_failed_attempts": 2}
    head = {"schema": 2, "name": "c", "config": {"campaign": campaign}}
    made = [
        {"ordinal": at, "folder": "f", "exit_status": status, "reason": f"{at} {status}", "manifest": None}
        for at, status in ends
    ]
    bodies: list[tuple[type[Entry], Json]] = [(Header, head), (Plan, {"runs": runs}), *((RunEnd, end) for end in made)]
    return [cls(seq=seq, utc="2026-11-30T00:00:00.000Z", raw=body, **body) for seq, (cls, body) in enumerate(bodies)]


def test_a_cell_none_of_whose_runs_succeeded_is_given_up_as_a_whole() -> None:
    entries = log((1, "fail"), (1, "fail"), (2, "success"))
    assert standing.given_up(entries) == {1: "1 fail", 3: "1 fail"}
    assert standing.done(entries, 2) == {1, 2, 3}


def test_a_cell_that_has_succeeded_loses_the_run_alone() -> None:
    assert standing.given_up(log((1, "success"), (3, "fail"), (3, "fail"))) == {3: "3 fail"}


def test_another_attempt_is_made_first() -> None:
    assert standing.given_up(log((1, "fail"), (1, "abort"), (1, "abort"))) == {}


def test_without_the_rule_nothing_is_given_up() -> None:
    assert standing.given_up(log((1, "fail"), (1, "fail"), when_failed="stop")) == {}
