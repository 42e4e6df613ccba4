"""Useful work that programs mark: placed in actions and runs, energy per unit of it, and what contradicts it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.record.documents import Event, WorkEvent
from reports.campaign.analyse import analyse
from reports.pages.blocks import Table
from reports.pages.campaign import efficiency_lines
from reports.pages.declared import vocabulary
from reports.pages.result_tables import action_tables, work_table
from reports.readings.work_marks import work_marks_of
from reports.results.codec import decoded
from reports.results.scenario import ScenarioResult
from reports.results.undeclared import UNDECLARED, useful_work_of
from tests.campaign_results import example, plain
from tests.reports.make_campaign import LOADS, Load, Shape, SyntheticRun, make_campaign

S = 10**9
MARKED = replace(LOADS["cnn"], epochs=4, tokens=50_000)
SHAPE = Shape(loads={"cnn": MARKED, "idle": LOADS["idle"]}, repetitions=4)


class Uneven(SyntheticRun):
    """Runs that did not all do the same work: the second scenario run more, the third marks none of it."""

    def _events(self) -> Iterator[Event]:
        for event in super()._events():
            if not isinstance(event, WorkEvent):
                yield event
            elif self.plain["repetition"] == 2:
                yield replace(event, amounts={"tokens": 75_000, "answers": 3})
            elif self.plain["repetition"] != 3:
                yield event


class Contradicted(SyntheticRun):
    """The summary counts otherwise."""

    def _summary(self) -> dict[str, Any]:
        return super()._summary() | {"tokens": 199_999}


def analysed(folder: Path, kind: type[SyntheticRun], load: Load = MARKED) -> dict[str, Any]:
    campaign = make_campaign(folder, replace(SHAPE, loads={"cnn": load, "idle": LOADS["idle"]}), kind)
    results: dict[str, Any] = json.loads(json.dumps(plain(analyse(campaign))))
    return results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return analysed(tmp_path_factory.mktemp("marked"), SyntheticRun)


def event(at_s: float, **amounts: float) -> WorkEvent:
    return WorkEvent(time_ns=int(at_s * S), sut_ns=int(at_s * S), sut_wall_ns=0, amounts=amounts)


def test_work_belongs_to_what_began_before_it_and_ends_no_earlier() -> None:
    events = [event(1, tokens=10), event(2, tokens=20, answers=0.5), event(4, tokens=0), event(9, tokens=1)]
    marks, lost = work_marks_of(events, lambda one: one.sut_ns, (0, 8 * S), 0)
    assert [one.reason for one in lost] == ["outside-the-record"]
    assert marks.totals == {"tokens": 30, "answers": 0.5}
    assert marks.between(0, 2 * S) == {"tokens": 30, "answers": 0.5}
    assert marks.between(S, 2 * S) == {"tokens": 20, "answers": 0.5}
    assert marks.between(2 * S, 8 * S) == {}


def test_a_stamp_later_than_its_line_arrived_or_that_no_clock_shows_is_lost() -> None:
    events = [replace(event(2, tokens=1), time_ns=S), replace(event(1, tokens=1), sut_ns=2**63 - 1)]
    marks, lost = work_marks_of(events, lambda one: one.sut_ns, (0, 8 * S), 0)
    assert (marks.totals, [one.reason for one in lost]) == ({}, ["after-its-arrival", "odd-number"])


def test_marked_units_are_the_factors_of_a_scenario_that_declares_none_and_follow_a_declaration() -> None:
    marked = useful_work_of({}, ["tokens", "correct_answers"])
    assert [(work.name, work.title, work.unit) for work in marked.work] == [
        ("tokens_per_wh", "tokens", "1/Wh"), ("correct_answers_per_wh", "correct answers", "1/Wh"),
    ]  # fmt: skip
    assert (marked.repeats, marked.quality) == (UNDECLARED.repeats, UNDECLARED.quality)
    own = {"name": "tokens_per_j", "title": "tokens", "key": "tokens", "unit": "1/J"}
    both = useful_work_of({"work": [own]}, ["tokens", "requests"])
    assert [work.name for work in both.work] == ["tokens_per_j", "requests_per_wh"]


def test_work_adds_up_over_run_and_action_and_each_unit_has_its_energy(results: dict[str, Any]) -> None:
    part = results["scenarios"]["cnn"]
    runs = [run for run in results["runs"] if run["scenario"] == "cnn"]
    assert [run["work"] for run in runs] == [{"tokens": 200_000}] * 4
    worked = {(row["name"], row["index"]): row.get("work") for row in runs[0]["actions"]}
    assert worked["training", 0] == {"tokens": 200_000}
    assert [worked["epoch", index] for index in range(4)] == [{"tokens": 50_000}] * 4
    assert worked["export", 0] is None
    assert list(part["efficiency"]["per_total"]) == ["tokens_per_wh"]
    assert [work["name"] for work in part["declared"]["work"]] == ["tokens_per_wh"]
    [per] = part["energy_per_work"]
    assert (per["work"], per["amount"]["value"], per["energy_wh"]["unit"]) == ("tokens", 200_000, "Wh/tokens")
    for key, factor in (("energy_wh", "per_total"), ("induced_energy_wh", "per_induced")):
        assert per[key]["value"] == pytest.approx(part[key]["value"] / 200_000)
        inverse = part["efficiency"][factor]["tokens_per_wh"]
        assert per[key]["value"] * inverse["value"] == pytest.approx(1)
        assert per[key]["u"] / per[key]["value"] == pytest.approx(inverse["u"] / inverse["value"])
        assert per[key]["u"] == pytest.approx(part[key]["u"] / 200_000, rel=1e-6)
    for epoch in part["epochs"]:
        [own] = epoch["energy_per_work"]
        assert own["energy_wh"]["value"] == pytest.approx(epoch["energy_wh"]["value"] / 50_000)
        assert own["induced_energy_wh"]["u"] == pytest.approx(epoch["induced_energy_wh"]["u"] / 50_000, rel=1e-6)


def test_a_scenario_that_marks_no_work_has_no_key_of_it(results: dict[str, Any]) -> None:
    idle = results["scenarios"]["idle"]
    assert not {"energy_per_work", "declared"} & set(idle)
    assert not any("work" in run for run in results["runs"] if run["scenario"] == "idle")


def test_pages_and_terminal_tell_the_energy_of_a_thousand(results: dict[str, Any]) -> None:
    part = decoded(ScenarioResult, results["scenarios"]["cnn"], "cnn")
    page = replace(example(), scenarios={"cnn": part})
    line = efficiency_lines(part, vocabulary(page, "cnn"))[-1]
    assert line.startswith("induced energy of 1000 tokens: ")
    assert "±" in line
    table = work_table(page)
    assert table is not None
    [row] = table.rows
    assert row.cells[:3] == ("cnn", "200\u202f000", "1000 tokens")
    assert "±" in row.cells[4]
    [epochs] = action_tables(page, "epochs", "Epochs")
    assert isinstance(epochs, Table)
    assert any(head.text.startswith("Induced energy of 1000 tokens") for head in epochs.heads)


def test_runs_of_unlike_work_are_a_ratio_of_means_and_a_missing_unit_is_a_finding(tmp_path: Path) -> None:
    results = analysed(tmp_path, Uneven)
    [finding] = [one for one in results["findings"] if one["code"] == "work-missing"]
    runs = [run for run in results["runs"] if run["scenario"] == "cnn"]
    lacking = [run["folder"] for run in runs if "work" not in run]
    assert finding["evidence"]["tokens"] == lacking
    assert len(finding["evidence"]["answers"]) == 3
    tokens = next(one for one in results["scenarios"]["cnn"]["energy_per_work"] if one["work"] == "tokens")
    marked = [run for run in runs if "work" in run]
    energies = np.array([run["energy_wh"]["value"] for run in marked])
    amounts = np.array([run["work"]["tokens"] for run in marked])
    assert sorted(amounts) == [200_000, 200_000, 300_000]
    assert tokens["energy_wh"]["value"] == pytest.approx(energies.mean() / amounts.mean())
    assert tokens["energy_wh"]["n"] == 3


def test_a_summary_that_counts_otherwise_is_a_finding_and_the_marks_count(tmp_path: Path) -> None:
    results = analysed(tmp_path, Contradicted)
    found = [one for one in results["findings"] if one["code"] == "work-contradicted"]
    assert len(found) == 4
    assert found[0]["evidence"] == {"tokens": {"marked": 200_000.0, "summary": 199_999.0, "key": "tokens"}}
    part = results["scenarios"]["cnn"]
    factor = part["efficiency"]["per_total"]["tokens_per_wh"]["value"]
    assert factor == pytest.approx(200_000 / part["energy_wh"]["value"])
