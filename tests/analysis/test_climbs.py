"""Levels of accuracy: which epoch reached them, and what one more percentage point cost."""

import json
import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.energy.climbs import Climb, climbs, first_at
from reports.results.undeclared import UNDECLARED
from tests.documents import write_results
from tests.reports.make_campaign import LOADS, Shape, make_campaign

LEVELS = [] if UNDECLARED.quality is None else UNDECLARED.quality.levels
Accuracies = st.lists(st.floats(0, 1, allow_nan=False), max_size=30)


def test_a_level_is_reached_at_its_first_epoch_whatever_comes_later() -> None:
    assert first_at([0.4, 0.62, 0.55, 0.61, 0.7], LEVELS) == {0.5: 1, 0.6: 1, 0.7: 4}


def test_a_climb_has_the_points_between_both_epochs_and_not_those_between_the_levels() -> None:
    (climb,) = climbs([0.4, 0.62, 0.55, 0.78], LEVELS)
    assert climb == Climb(0.6, 0.7, 1, 3, climb.points)
    assert climb.points == pytest.approx(16.0)


def test_an_epoch_that_reached_two_levels_at_once_tells_nothing_between_them() -> None:
    assert climbs([0.3, 0.92], LEVELS) == []


def test_an_accuracy_that_is_no_number_reaches_nothing() -> None:
    assert first_at([math.nan, 0.5], LEVELS) == {0.5: 1}
    assert climbs([], LEVELS) == []


@given(Accuracies)
def test_every_climb_leads_upwards_in_time_and_in_accuracy(accuracies: list[float]) -> None:
    for climb in climbs(accuracies, LEVELS):
        assert climb.start < climb.stop
        assert climb.points > 0
        assert accuracies[climb.start] < climb.high <= accuracies[climb.stop]
        assert (climb.low, climb.high) in pairwise(LEVELS)


@given(Accuracies, Accuracies)
def test_what_comes_after_the_last_level_changes_nothing(before: list[float], after: list[float]) -> None:
    whole = [*before, 1.0]
    assert climbs([*whole, *after], LEVELS) == climbs(whole, LEVELS)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    shape = Shape(loads={name: LOADS[name] for name in ("cnn", "idle")}, repetitions=4, duration_s=60)
    found: dict[str, Any] = json.loads(
        write_results(make_campaign(tmp_path_factory.mktemp("climb"), shape)).read_text()
    )
    return found


def test_the_energy_of_a_point_is_that_between_the_ends_of_two_epochs_by_its_points(campaign: dict[str, Any]) -> None:
    runs = [run for run in campaign["runs"] if run["scenario"] == "cnn"]
    rows = {(row["low"], row["high"]): row for row in campaign["scenarios"]["cnn"]["marginal_energy"]}
    seen = 0
    for (low, high), row in rows.items():
        per_point = []
        for run in runs:
            epochs = [action for action in run["actions"] if action["name"] == "epoch"]
            at = first_at([epoch["metrics"]["val_accuracy"] for epoch in epochs], LEVELS)
            if high in at and at[high] > at[low]:
                first, last = epochs[at[low]], epochs[at[high]]
                gained = 100 * (last["metrics"]["val_accuracy"] - first["metrics"]["val_accuracy"])
                per_point.append((last["cumulative_energy_wh"] - first["cumulative_energy_wh"]) / gained)
        assert row["n"] == len(per_point)
        assert row["n"] + row["n_at_once"] + row["n_not_reached"] <= len(runs)
        if per_point:
            seen += 1
            assert row["energy_per_point"]["value"] == pytest.approx(sum(per_point) / len(per_point), rel=1e-9)
            assert row["energy_per_point"]["unit"] == "Wh/pp"
            assert (row["energy_per_point"]["U"] is not None) == (len(per_point) > 1)
        else:
            assert row["energy_per_point"] is None
    assert seen >= 2


def test_the_last_points_of_accuracy_cost_more_than_the_first(campaign: dict[str, Any]) -> None:
    rows = [row["energy_per_point"]["value"] for row in campaign["scenarios"]["cnn"]["marginal_energy"] if row["n"]]
    assert rows[-1] > rows[0]


def test_a_level_says_how_many_of_the_trained_runs_reached_it(campaign: dict[str, Any]) -> None:
    rows = campaign["scenarios"]["cnn"]["energy_to_accuracy"]
    assert [row["level"] for row in rows] == [level for level in LEVELS if level <= rows[-1]["level"]]
    assert {row["n"] for row in rows} == {4}
    assert all(earlier["n_reached"] >= later["n_reached"] for earlier, later in pairwise(rows))


def test_a_scenario_without_epochs_has_no_levels(campaign: dict[str, Any]) -> None:
    idle = campaign["scenarios"]["idle"]
    assert (idle["energy_to_accuracy"], idle["marginal_energy"]) == ([], [])
