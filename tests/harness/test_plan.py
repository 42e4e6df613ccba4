"""The plan is a pure function of configuration and seed."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.campaign_file import Baseline
from harness.measure.lab_file import LabConfig, load
from harness.measure.plan import make_observer_plan, make_plan, make_second_stage, repetition_seed
from harness.measure.scenario import Scenario
from tests.harness.test_config import MINIMAL


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> LabConfig:
    file = tmp_path_factory.mktemp("plan") / "lab.toml"
    file.write_text(MINIMAL)
    return load(file)


def lab(config: LabConfig, seed: int, repetitions: list[int], blocks: int, order: str = "shuffled") -> LabConfig:
    idle = config.scenarios[0]
    scenarios: tuple[Scenario, ...] = tuple(
        replace(idle, name=f"s{index}", repetitions=count) for index, count in enumerate(repetitions)
    )
    campaign = replace(config.file.campaign, seed=seed, order="shuffled" if order == "shuffled" else "as-listed")
    file = replace(config.file, campaign=campaign, baseline=Baseline(blocks=blocks, duration_s=3))
    return replace(config, file=file, scenarios=scenarios, baseline=replace(config.baseline, repetitions=blocks))


settings = st.tuples(st.integers(0, 2**40), st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(1, 9))


@given(settings)
def test_every_repetition_of_every_scenario_stands_in_the_plan_once(
    config: LabConfig, s: tuple[int, list[int], int]
) -> None:
    plan = make_plan(lab(config, *s))
    expected = {(f"s{i}", r) for i, count in enumerate(s[1]) for r in range(1, count + 1)}
    assert {(run.scenario, run.repetition) for run in plan if run.kind == "scenario"} == expected
    assert [run.block for run in plan if run.kind == "baseline"] == list(range(1, s[2] + 1))
    assert [run.ordinal for run in plan] == list(range(1, len(plan) + 1))
    assert len(plan) == sum(s[1]) + s[2]


@given(settings)
def test_a_baseline_block_stands_first_and_with_two_or_more_also_last(
    config: LabConfig, s: tuple[int, list[int], int]
) -> None:
    plan = make_plan(lab(config, *s))
    assert plan[0].kind == "baseline"
    assert s[2] == 1 or plan[-1].kind == "baseline"


@given(settings)
def test_the_plan_follows_from_the_seed_and_repetitions_share_their_seed(
    config: LabConfig, s: tuple[int, list[int], int]
) -> None:
    plan = make_plan(lab(config, *s))
    assert plan == make_plan(lab(config, *s))
    assert all(run.seed == repetition_seed(s[0], run.repetition) for run in plan)


@given(settings)
def test_each_repetition_of_all_scenarios_is_complete_before_the_next_begins(
    config: LabConfig, s: tuple[int, list[int], int]
) -> None:
    repetitions = [run.repetition for run in make_plan(lab(config, *s)) if run.kind == "scenario"]
    assert repetitions == sorted(repetitions)


def test_another_seed_gives_another_order(config: LabConfig) -> None:
    orders = {tuple(run.scenario for run in make_plan(lab(config, seed, [5, 5, 5], 3))) for seed in range(20)}
    assert len(orders) > 10


def test_as_listed_keeps_the_order_of_the_file(config: LabConfig) -> None:
    plan = make_plan(lab(config, 1, [2, 2], 1, "as-listed"))
    assert [run.scenario for run in plan] == ["baseline", "s0", "s0", "s1", "s1"]


def test_seeds_differ_between_repetitions_and_fit_31_bits() -> None:
    seeds = {repetition_seed(7, repetition) for repetition in range(1, 1001)}
    assert len(seeds) == 1000
    assert 0 <= min(seeds) <= max(seeds) < 2**31


def test_the_campaign_folder_lies_beside_lab_toml(config: LabConfig) -> None:
    assert config.campaign_folder == Path(config.path.parent, "runs", "c")


@given(settings, st.integers(0, 8), st.integers(0, 8))
def test_a_second_stage_goes_on_where_the_first_ended_with_blocks_around_it(
    config: LabConfig, s: tuple[int, list[int], int], more: int, more_blocks: int
) -> None:
    config = lab(config, *s)
    first = make_plan(config)
    wanted = {f"s{index}": count + more for index, count in enumerate(s[1])}
    second = make_second_stage(config, first, wanted, s[2] + more_blocks)
    assert [run.ordinal for run in first + second] == list(range(1, len(first + second) + 1))
    for name, count in wanted.items():
        assert sorted(run.repetition for run in first + second if run.scenario == name) == list(range(1, count + 1))
    blocks = [run.block for run in first + second if run.kind == "baseline"]
    assert blocks == list(range(1, len(blocks) + 1))
    assert len(blocks) == s[2] + (max(more_blocks, 2) if more else more_blocks)
    if more:
        assert (second[0].kind, second[-1].kind) == ("baseline", "baseline")


@given(st.integers(0, 2**40), st.integers(2, 9), st.integers(1, 500))
def test_the_blocks_of_the_observer_effect_stand_abba_so_that_a_drift_falls_on_both_alike(
    seed: int, blocks: int, first: int
) -> None:
    plan = make_observer_plan(seed, blocks, first)
    assert [run.ordinal for run in plan] == list(range(first, first + 4 * blocks))
    for condition in ("idle", "load"):
        agents = ["without" not in run.scenario for run in plan if f"-{condition}-" in run.scenario]
        assert agents[:4] == [True, False, False, True]
        assert sum(agents) == blocks
        places = [sum(place for place, agent in enumerate(agents) if agent is kind) for kind in (True, False)]
        assert abs(places[0] - places[1]) <= blocks % 2
