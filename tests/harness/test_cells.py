"""Factors of a scenario: which cells they give, how a level reaches the program, what is refused."""

import re
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.campaign import Campaign
from harness.measure.cells import MOST_CELLS, cells_of, of_count, with_levels
from harness.measure.lab_file import LabConfig, changed_since, load
from harness.measure.plan import make_plan, make_second_stage, replanned
from harness.measure.preflight import _continued
from harness.measure.scenario import Scenario
from harness.record.documents import dump
from harness.record.errors import ConfigError
from harness.record.levels import Level, are_same, level_text
from tests.harness.searching import SOFTWARE
from tests.harness.stations import station_file
from tests.harness.test_config import MINIMAL, read

OWN = """\
[scenarios.train]
command = ["bench", "--mode={mode}", "{print $1}", "{size}"]
parameters = { size = 8, depth = 2.0, deep = true }
repetitions = 3
"""
CROSSED = OWN + '[scenarios.train.factors]\nmode = ["fast", "org/slow"]\nsize = [16, 32]\nframework = "torch"\n'


def cells(tmp_path: Path, text: str = CROSSED) -> dict[str, Scenario]:
    """The scenarios of a lab.toml by their names, but its first."""
    return {scenario.name: scenario for scenario in read(tmp_path, MINIMAL + text).scenarios[1:]}


def of_folder(tmp_path: Path, head: str = "", parameters: str = "size = 8", command: str = '["bench"]') -> Path:
    """A scenario's folder of one's own."""
    folder = tmp_path / "own"
    folder.mkdir(exist_ok=True)
    text = f'schema = 1\nname = "own"\ntitle = "Own"\nkind = "scenario"\ncommand = {command}\n'
    (folder / "scenario.toml").write_text(f"{text}{head}\n[parameters]\n{parameters}\n")
    return folder


def test_a_scenario_gives_one_cell_for_each_combination_and_each_is_named_by_what_varies(tmp_path: Path) -> None:
    assert {name: dict(scenario.cell or {}) for name, scenario in cells(tmp_path).items()} == {
        f"train.mode-{called}.size-{size}": {"mode": mode, "size": size, "framework": "torch"}
        for mode, called in (("fast", "fast"), ("org/slow", "org_slow"))
        for size in (16, 32)
    }
    assert {scenario.section for scenario in cells(tmp_path).values()} == {"train"}


def test_a_level_reaches_the_program_as_a_parameter_and_as_a_word_of_the_command(tmp_path: Path) -> None:
    cell = cells(tmp_path)["train.mode-org_slow.size-32"]
    assert cell.command == ("bench", "--mode=org/slow", "{print $1}", "32")
    assert cell.parameters == {"size": 32, "depth": 2.0, "deep": True}
    assert cell.to_json() | {"command": list(cell.command), "cell_of": "train"} == cell.to_json()


def test_a_level_keeps_its_type(tmp_path: Path) -> None:
    written = OWN + "[scenarios.train.factors]\ndepth = [0.5, 1.0]\ndeep = [true, false]\n"
    levels = [scenario.cell for scenario in cells(tmp_path, written).values()]
    assert dump({"cells": levels}) == (
        '{"cells":[{"depth":0.5,"deep":true},{"depth":0.5,"deep":false},'
        '{"depth":1.0,"deep":true},{"depth":1.0,"deep":false}]}'
    )
    assert list(cells(tmp_path, written)) == [
        f"train.depth-{depth}.deep-{deep}" for depth in ("0.5", "1.0") for deep in ("true", "false")
    ]


def test_a_scenario_that_only_states_its_levels_keeps_its_name(tmp_path: Path) -> None:
    (scenario,) = cells(tmp_path, OWN + 'factors = { framework = "torch", size = 16 }\n').values()
    assert (scenario.name, scenario.cell_of, scenario.cell) == ("train", "", {"framework": "torch", "size": 16})
    assert scenario.parameters["size"] == 16
    assert "cell_of" not in scenario.to_json()


def test_scenario_toml_states_what_its_program_is_and_lab_toml_crosses_its_parameters(tmp_path: Path) -> None:
    of_folder(tmp_path, '[factors]\nframework = "torch"', command='["bench", "{framework}"]')
    own = '[scenarios.own]\nfolder = "own"\nrepetitions = 1\nfactors = { size = [16, 32] }\n'
    found = cells(tmp_path, own)
    assert [dict(scenario.cell or {}) for scenario in found.values()] == [
        {"framework": "torch", "size": 16}, {"framework": "torch", "size": 32},
    ]  # fmt: skip
    assert found["own.size-32"].command == ("bench", "torch")


def test_a_tracker_goes_around_every_cell(tmp_path: Path) -> None:
    found = cells(tmp_path, CROSSED.replace("repetitions = 3", 'repetitions = 3\ntrackers = ["codecarbon"]'))
    tracked = found["train.mode-fast.size-16"]
    assert tracked.command == ("{python}", "around.py", "--", "bench", "--mode=fast", "{print $1}", "16")
    assert tracked.trackers == ("codecarbon",)


def test_a_program_that_a_level_names_has_to_be_copied(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("")
    own = '[scenarios.own]\ncommand = ["{python}", "{net}.py"]\nrepetitions = 1\nfactors = { net = ["a", "b"] }\n'
    assert [scenario.command[1] for scenario in cells(tmp_path, own + 'files = ["a.py", "b.py"]\n').values()] == [
        "a.py", "b.py",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match=r"scenarios\.own\.command: b\.py is not copied to the SUT"):
        read(tmp_path, MINIMAL + own + 'files = ["a.py"]\n')


def test_the_level_of_one_factor_is_no_placeholder_of_another() -> None:
    assert with_levels(["{one} {two} {three}"], {"one": "{two}", "two": 2}) == ("{two} 2 {three}",)


@pytest.mark.parametrize(
    ("factors", "says"),
    [
        ("size = []", "size: found an empty list, expected the levels to be crossed"),
        ("size = [16, 16]", "size[1]: the level 16 stands there twice"),
        ("size = [16, 16.0]", "size[1]: the level 16.0 stands there twice"),
        ('size = [16, "32"]', "size: found [16, '32'], expected levels of one type"),
        ("deep = [true, 1]", "deep: found [True, 1], expected levels of one type"),
        ("size = [[16]]", "size[0]: found [16], expected a level: text of one line"),
        ("size = 2026-11-29", "size: found datetime.date(2026, 11, 29), expected dates and times as text, in quotes"),
        ("size = { a = 1 }", "size: found {'a': 1}, expected a level"),
        ("size = 9223372036854775808", "size: found 9223372036854775808, expected a level"),
        ('mode = ["fast", ""]', "mode[1]: found '', expected a level"),
        ('mode = ["fast", "a\\nb"]', "mode[1]: found 'a\\nb', expected a level"),
        ('mode = ["fast", " b"]', "mode[1]: found ' b', expected a level"),
        ('mode = ["a b", "a_b"]', "factors: mode = a b and mode = a_b would both be called 'train.mode-a_b'"),
        ('mode = ["fast", "' + 95 * "x" + '"]', "has more than 100 characters; shorten factors or levels"),
        ('"a b" = 1', "factors.a b: found the name 'a b', expected a letter and up to 39 letters"),
        ('python = ["a", "b"]', "factors.python: {python} is the SUT's interpreter"),
        ("batch = [16, 32]", "batch: no parameter is called so and no word of the command has {batch}: every cell"),
        ("size = [16.5, 32]", "factors.size: found 16.5, expected int like 8"),
        ('size = ["a", "b"]', "factors.size: found 'a', expected int like 8"),
        ("deep = [1, 2]", "factors.deep: found 1, expected bool like True"),
    ],
)
def test_a_mistake_is_named_by_its_toml_path_with_what_to_do(tmp_path: Path, factors: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, MINIMAL + OWN + f"[scenarios.train.factors]\n{factors}\n")
    assert str(caught.value).startswith(f"{tmp_path / 'lab.toml'}: ")
    assert "scenarios.train.factors" in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("value", "says"), [("3", "expected a table, such as { NAME = ... }"), ("{ size = nan }", "a finite number")]
)
def test_factors_that_are_no_table_of_levels_are_refused_as_a_whole(tmp_path: Path, value: str, says: str) -> None:
    with pytest.raises(ConfigError, match=rf"scenarios\.train\.factors: found .*{re.escape(says)}$"):
        read(tmp_path, MINIMAL + OWN + f"factors = {value}\n")


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (
            "[factors]\nframework = ['a', 'b']",
            "factors.framework: found a list, expected the one level of this program",
        ),
        (
            "[factors]\nframework = 2026-11-29",
            "factors.framework: found datetime.date(2026, 11, 29), expected dates and times as text, in quotes",
        ),
        ("[factors]\nsize = 9", "factors.size: it is a parameter here, whose level lab.toml sets"),
        ("[factors]\nmode = 'a'", "scenarios.own.factors.mode: {folder}/scenario.toml states it as 'a'; remove it in"),
    ],
)
def test_a_mistake_of_scenario_toml_names_the_file_where_it_is(tmp_path: Path, head: str, says: str) -> None:
    folder = of_folder(tmp_path, head)
    own = '[scenarios.own]\nfolder = "own"\nrepetitions = 1\nfactors = { mode = "b", size = 9 }\n'
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, MINIMAL + own)
    assert says.format(folder=folder) in str(caught.value)


def test_a_baseline_has_no_factors(tmp_path: Path) -> None:
    folder = tmp_path / "workloads" / "baseline"
    folder.mkdir(parents=True)
    text = 'schema = 1\nname = "baseline"\ntitle = "Baseline"\nkind = "baseline"\n[factors]\nos = "debian"\n'
    (folder / "scenario.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"scenario\.toml: factors\.os: a baseline has no factors; remove it"):
        read(tmp_path, MINIMAL)


def test_what_is_wrong_with_factors_hides_nothing_else_that_is_wrong(tmp_path: Path) -> None:
    wrong = (
        CROSSED.replace("[16, 32]", "[]").replace('["bench"', '["bench\\u0000"').replace("deep = true", "deep = nan")
    )
    with pytest.raises(ConfigError, match="3 mistakes") as caught:
        read(tmp_path, MINIMAL + wrong)
    assert "scenarios.train.command: found a NUL in a word" in str(caught.value)
    assert "scenarios.train.parameters: found" in str(caught.value)
    assert "scenarios.train.factors.size: found an empty list" in str(caught.value)


def test_more_cells_than_a_lab_can_measure_are_refused_before_they_are_made() -> None:
    factors = {f"f{index}": list(range(100)) for index in range(20)}
    assert list(of_count("w", factors, None)) == [
        f"w.factors: {100**20} cells, expected at most {MOST_CELLS}; cross fewer levels, or in several scenarios"
    ]


def test_a_cell_and_a_scenario_of_one_name_are_refused(tmp_path: Path) -> None:
    other = '[scenarios."train.mode-fast.size-16"]\ncommand = ["x"]\nrepetitions = 1\n'
    with pytest.raises(ConfigError, match=r"scenarios\.train\.mode-fast\.size-16: it and scenarios\.train both have"):
        read(tmp_path, MINIMAL + CROSSED + other)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("train.mode-fast.size-16", None),
        ("idle", None),
        (
            "train",
            "decision.scenario: 'train' is measured in cells; name the one that the limit is for: train.mode-fas",
        ),
        ("train.mode-fast.size-17", "no scenario 'train.mode-fast.size-17' here; did you mean train.mode-fast.size-16"),
    ],
)
def test_a_limit_is_one_for_a_cell(tmp_path: Path, name: str, says: str | None) -> None:
    text = MINIMAL + CROSSED + f'[decision]\nscenario = "{name}"\nlimit_wh = 1.0\n'
    if says is None:
        assert read(tmp_path, text).file.decision.scenario == name
    else:
        with pytest.raises(ConfigError) as caught:
            read(tmp_path, text)
        assert says in str(caught.value)


def lab(tmp_path: Path, text: str = CROSSED) -> LabConfig:
    return read(tmp_path, MINIMAL + text)


def test_every_repetition_of_all_cells_is_a_complete_block_with_one_seed(tmp_path: Path) -> None:
    rated = [run for run in make_plan(lab(tmp_path)) if run.kind == "scenario" and run.scenario != "idle"]
    blocks = [list(runs) for _, runs in groupby(rated, key=lambda run: run.repetition)]
    names = sorted(cells(tmp_path))
    assert [sorted(run.scenario for run in block) for block in blocks] == [names, names, names]
    assert [len({run.seed for run in block}) for block in blocks] == [1, 1, 1]
    assert len({tuple(run.scenario for run in block) for block in blocks}) > 1


def test_the_plan_says_of_every_run_what_its_cell_is(tmp_path: Path) -> None:
    config = lab(tmp_path)
    known = {scenario.name: scenario.cell for scenario in config.scenarios}
    first = make_plan(config)
    second = make_second_stage(config, first, dict.fromkeys(known, 5), 4)
    assert {run.kind for run in second} == {"baseline", "scenario"}
    for run in (*first, *second):
        assert run.cell == known.get(run.scenario)
        assert run.to_json().get("cell", "absent") == (known.get(run.scenario) or "absent")


def test_a_lab_without_factors_says_nothing_of_them(tmp_path: Path) -> None:
    config = lab(tmp_path, OWN.replace("{mode}", "a").replace("{size}", "b"))
    assert "factors" not in dump(config.to_json())
    assert not any("factors" in dump({"source": scenario.source.decode()}) for scenario in config.scenarios[1:])
    assert not any({"cell", "cell_of"} & scenario.to_json().keys() for scenario in config.scenarios)
    assert not any("cell" in run.to_json() for run in make_plan(config))


def test_a_campaign_is_not_continued_with_other_levels(tmp_path: Path) -> None:
    begun = lab(tmp_path)
    other = lab(tmp_path, CROSSED.replace("[16, 32]", "[16, 64]"))
    assert changed_since(begun, begun.to_json()) is None
    assert ": scenarios.train.factors.size differ from" in str(changed_since(other, begun.to_json()))
    assert replanned(begun, make_plan(begun)) is None


@pytest.mark.parametrize("level", ["'tensorflow'", "1", "true"])
def test_a_campaign_is_not_continued_where_scenario_toml_states_another_level(tmp_path: Path, level: str) -> None:
    own = '[scenarios.own]\nfolder = "own"\nrepetitions = 1\n'
    of_folder(tmp_path, "[factors]\nframework = 1.0")
    campaign = Campaign(lab(tmp_path, own), SOFTWARE)
    assert _continued(lab(tmp_path, own), campaign.folder).severity == "ok"
    of_folder(tmp_path, f"[factors]\nframework = {level}")
    problem = str(replanned(lab(tmp_path, own), campaign.plan))
    assert "(own) was planned with the factors framework = 1.0, its scenario.toml and lab.toml give" in problem
    checked = _continued(lab(tmp_path, own), campaign.folder)
    assert (checked.severity, checked.text) == ("refuse", problem)


LEVELS = st.one_of(st.text(min_size=1), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans())


@given(st.dictionaries(st.sampled_from("abcd"), LEVELS, min_size=1), st.randoms())
def test_two_cells_are_the_same_whatever_the_order_of_their_factors(levels: dict[str, Any], dice: Any) -> None:  # noqa: ANN401
    order = list(levels)
    dice.shuffle(order)
    assert are_same(levels, {factor: levels[factor] for factor in order})
    for factor, level in levels.items():
        assert not are_same(levels, levels | {factor: [level]})
    assert not are_same(levels, None)


def test_levels_of_another_type_are_other_levels() -> None:
    levels: list[Level] = [1, 1.0, True, "1", "true"]
    assert [are_same({"a": one}, {"a": other}) for one in levels for other in levels].count(True) == len(levels)
    assert [level_text(level) for level in levels] == ["1", "1.0", "true", "1", "true"]


@given(st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(0, 99), min_size=1, max_size=4, unique=True)))
def test_every_combination_of_levels_is_one_cell_with_a_name_of_its_own(factors: dict[str, list[int]]) -> None:
    found = cells_of("s", factors, {"stated": "x"})
    expected = 1
    for levels in factors.values():
        expected *= len(levels)
    assert len(found) == len({cell.name for cell in found}) == expected
    assert all(cell.levels["stated"] == "x" and cell.levels.keys() == factors.keys() | {"stated"} for cell in found)


def test_the_shipped_campaigns_have_no_cells(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    guldner = load(station_file(tmp_path), root / "workloads/campaigns/guldner.toml")
    for config in (load(root / "lab.toml"), guldner):
        assert not any(scenario.cell for scenario in config.scenarios)
