"""Time that no reading covers: U holds whatever the load did there, and the finding says where and why."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.record.documents import Event, GapEvent, Json
from reports.campaign.analyse import analyse
from reports.energy import budget
from reports.energy.contributions import Stream, run_terms
from reports.energy.gaps import holes, is_open
from reports.energy.meter_error import error_of
from reports.energy.power_function import power_function
from reports.pages.remarks import remarks
from reports.results.rules import Rule, as_before
from tests.analysis.monitored import Fault, Monitored, Table, campaign_of
from tests.analysis.streams import at, descriptor, stream
from tests.analysis.test_every_finding import keep
from tests.campaign_results import complete, plain, read
from tests.reports.make_campaign import Floats

DAY = "2026-11-21T08:00:00Z"
IDLE_W, FULL_W, BEGIN_S, END_S, RECORDED_S = 40.0, 100.0, 10, 70, 80


def load_w(random: np.random.Generator, kind: str, count: int) -> Floats:
    """What a load within the bound does in the seconds that nobody read."""
    if kind == "steps":
        return random.uniform(IDLE_W, FULL_W, count)
    level_w = {"any level": random.uniform(IDLE_W, FULL_W), "idle": IDLE_W, "full load": FULL_W}[kind]
    return np.full(count, level_w)


def covered(kind: str, end: str, idle_w: tuple[float, ...]) -> float:
    """How often value +- U of a run holds the energy put in, its meter read for a part of it."""
    random, hits, campaigns = np.random.default_rng(5), 0, 50
    how = replace(descriptor(), columns=[{"name": "power_w", "unit": "W", "resolution": 0.01}])
    for _ in range(campaigns):
        seconds = np.arange(RECORDED_S)
        inside = (seconds >= BEGIN_S) & (seconds < END_S)
        seen_w = random.choice([IDLE_W + 5, 70.0, FULL_W])
        power_w = np.where(inside, random.choice([seen_w, FULL_W], RECORDED_S), IDLE_W)
        cut_s = int(random.integers(BEGIN_S + 5, END_S - 5))
        # What is known of the load is that some of it ran at the most, and the idle level from where it is said.
        read = (seconds < cut_s) if end == "behind" else (seconds >= cut_s)
        read &= inside if idle_w else True
        power_w[np.flatnonzero(read & inside)[2]] = FULL_W
        lost = inside & ~read
        power_w[lost] = load_w(random, kind, int(lost.sum()))
        series = stream((seconds[read] + 1).tolist(), power_w[read].tolist(), how)
        one = Stream(series, power_function(series), error_of(how, DAY), None, idle_w)
        edges_ns = np.array([at(BEGIN_S)]), np.array([at(END_S)])
        single = budget.of_one(run_terms([one], *edges_ns, None, (), 0.0, None), "gross")
        hits += bool(abs(single.energy_j[0] - power_w[inside].sum()) <= single.expanded_j[0])
    return hits / campaigns


@pytest.mark.parametrize("idle_w", [(), (IDLE_W, IDLE_W + 0.2)], ids=["idle recorded", "idle by blocks"])
@pytest.mark.parametrize("end", ["behind", "before"])
@pytest.mark.parametrize("kind", ["any level", "idle", "full load", "steps"])
def test_u_holds_what_a_load_within_the_bound_did_while_nobody_read(
    kind: str, end: str, idle_w: tuple[float, ...]
) -> None:
    assert covered(kind, end, idle_w) >= 0.95


def test_by_the_rule_of_before_u_did_not_hold_a_load_that_changed() -> None:
    with as_before({Rule.OPEN_ENDS}):
        assert covered("idle", "behind", ()) < 0.5


def test_at_an_open_end_the_farther_bound_is_the_limit_of_error() -> None:
    how = descriptor()
    series = stream(list(range(1, 31)), [40.0] * 10 + [100.0] * 10 + [90.0] * 10, how)
    one = Stream(series, power_function(series), error_of(how, DAY), None, (30.0, 35.0))
    edges_ns = np.array([at(5), at(35), at(20)]), np.array([at(40), at(40), at(30)])
    (part,) = run_terms([one], *edges_ns, None, (), 0.0, None).parts
    assert part.gap_j == pytest.approx([10 * 60 / math.sqrt(3), 5 * 60 / math.sqrt(3), 0])
    assert [(h.place, h.length_s) for h in holes(one.function, at(-3), at(40))] == [
        ("before the first reading", 2.5),
        ("behind the last reading", 10.0),
    ]
    assert is_open(one.function, at(5), at(40))
    assert not is_open(one.function, at(5), at(30))


# --- in a campaign ---


def silent(from_s: float, to_s: float = 1e3, cause: str = "unplugged") -> dict[str, Any]:
    """The meter is away for some seconds of the interval; the journal says why."""

    def noted(events: list[Event]) -> list[Event]:
        begin_ns = next(event.time_ns for event in events if getattr(event, "name", "") == "rating")
        stamps = (begin_ns + round(second * 1e9) for second in (from_s, to_s))
        gap = dict(zip(("from_ns", "to_ns"), stamps, strict=True))
        return [*events, GapEvent(time_ns=events[-1].time_ns, stream="readings-wall.csv", cause=cause, **gap)]

    return {"readings": keep(lambda table: (table["t"] < from_s) | (table["t"] > to_s)), "events": noted}


def cut(after_s: float) -> Callable[[Table], None]:
    """No reading behind."""
    return keep(lambda table: table["t"] <= after_s)


SHORT = Monitored(repetitions=2, baseline_blocks=2, margin_s=20)


def gap_of(folder: Path) -> tuple[str, Json, Json]:
    """Severity and evidence of the one finding `gap`, and its run."""
    results = analyse(folder)
    ((finding),) = [one for one in results.numbers.findings if one.code == "gap"]
    return (
        finding.severity,
        finding.evidence,
        next(r for r in plain(results)["runs"] if r["folder"] == finding.subject),
    )


def test_a_meter_that_dies_in_a_run_costs_the_run_its_digits_and_the_finding_says_where_and_why(tmp_path: Path) -> None:
    fault = Fault(only=frozenset({2}), **silent(40.0))
    severity, evidence, run = gap_of(campaign_of(tmp_path, replace(SHORT, fault=fault)))
    assert severity == "invalid"
    ((place, (hole,)),) = evidence["holes"].items()
    assert (place, hole["cause"]) == ("behind the last reading", "unplugged")
    assert (hole["from_s"], hole["to_s"], hole["length_s"]) == pytest.approx((40, 70, 30), abs=1.1)
    assert evidence["gaps"] == 1
    # 30 s in which the load may have ended: 93 W as read, or 41 W as in the baseline.
    open_wh = hole["length_s"] * 52 / 3600
    assert evidence["gap_U_wh"] == pytest.approx(1.96 / math.sqrt(3) * open_wh, rel=0.15)
    assert run["energy_wh"]["U"] > open_wh
    assert run["gap_energy_wh"]["U"] == pytest.approx(evidence["gap_U_wh"])


def test_the_page_says_where_how_long_and_why(tmp_path: Path) -> None:
    fault = Fault(only=frozenset({2}), readings=cut(40.0))
    results = complete(analyse(campaign_of(tmp_path, replace(SHORT, fault=fault))))
    ((remark),) = [one for one in remarks(read(results)) if one.code == "gap"]
    place = "behind the last reading: from: 40 s, to: 69.07 s, length: 29.07 s, cause: not recorded"
    for text in (place, "Energy in gaps: ", "U of it: "):
        assert text in remark.evidence
    assert remark.evidence.startswith("gaps: 1, ")


def test_where_the_run_holds_no_idle_reading_the_baseline_bounds_it(tmp_path: Path) -> None:
    fault = Fault(only=frozenset({2}), readings=keep(lambda table: (table["t"] >= 8) & (table["t"] <= 60)))
    _, evidence, run = gap_of(campaign_of(tmp_path, replace(SHORT, fault=fault)))
    assert list(evidence["holes"]) == ["before the first reading", "behind the last reading"]
    missing_s = sum(hole["length_s"] for own in evidence["holes"].values() for hole in own)
    assert run["energy_wh"]["U"] > missing_s * 45 / 3600


def test_below_the_limit_an_open_end_is_in_u_of_the_mean(tmp_path: Path) -> None:
    shape = replace(SHORT, repetitions=3, duration_s=400, block_s=70)
    whole = plain(analyse(campaign_of(tmp_path / "whole", shape)))["scenarios"]["cnn"]["budget"]["gross"]["lines"]
    assert not [line for line in whole if line["source"] == "gaps"]
    fault = Fault(only=frozenset({2}), readings=cut(394.0))
    results = analyse(campaign_of(tmp_path / "cut", replace(shape, fault=fault)))
    assert plain(results)["scenarios"]["cnn"]["n_runs"]["value"] == 3
    (gap_s,) = [run["gap_s"]["value"] for run in plain(results)["runs"] if run["gap_s"]["value"]]
    ((line),) = [
        one for one in plain(results)["scenarios"]["cnn"]["budget"]["gross"]["lines"] if one["source"] == "gaps"
    ]
    assert line["u"] == pytest.approx(gap_s * 52 / math.sqrt(3) / 3 / 3600, rel=0.3)
