"""Useful work that a scenario.toml declares: what a run records of it, and what is refused."""

import dataclasses
from pathlib import Path

import pytest

from harness.measure.scenario import Scenario
from harness.record.errors import ConfigError
from harness.record.work import DECLARED, read_declaration
from reports.results.undeclared import UNDECLARED, goal_of
from reports.results.useful_work import declared_by
from tests.harness.test_cells import of_folder
from tests.harness.test_config import MINIMAL, read

WORK = '[[work]]\nname = "requests_per_j"\ntitle = "requests"\nkey = "requests"\nunit = "1/J"\n'
QUALITY = '[quality]\nmetric = "hits"\ntitle = "hit rate"\nlevels = [0.5, 0.9]\n'
OWN = '[scenarios.own]\nfolder = "own"\nrepetitions = 1\n'


def scenario(tmp_path: Path, head: str) -> Scenario:
    of_folder(tmp_path, head)
    return read(tmp_path, MINIMAL + OWN).scenarios[-1]


def mistakes(tmp_path: Path, head: str) -> str:
    with pytest.raises(ConfigError) as caught:
        scenario(tmp_path, head)
    return str(caught.value)


def test_a_start_document_has_it_as_it_is_written(tmp_path: Path) -> None:
    told = scenario(tmp_path, f'repeats = "batch"\n{WORK}{QUALITY}').to_json()
    assert told["work"] == [{"name": "requests_per_j", "title": "requests", "key": "requests", "unit": "1/J"}]
    assert told["repeats"] == "batch"
    declared = declared_by(told)
    assert declared is not None
    assert (declared.work[0].drawn, declared.correlated) == (True, ())
    assert declared.quality is not None
    assert declared.quality.levels == [0.5, 0.9]


def test_target_task_and_published_study_stand_by_themselves(tmp_path: Path) -> None:
    told = scenario(tmp_path, 'task = "serving"\n[target]\nkey = "done"\n').to_json()
    assert (told["task"], told["target"]) == ("serving", {"key": "done"})
    goal = goal_of(told)
    assert (goal.task, goal.reached({"done": True, "reached": False}), goal.fixed_work({"fixed_epochs": 3})) == (
        "serving", True, None,
    )  # fmt: skip
    assert goal.published == goal_of({}).published
    assert declared_by(told) is None, "useful work has its default still"


def test_where_it_cannot_be_read_no_target_holds() -> None:
    goal = goal_of({"target": {"key": 3}})
    assert (goal.target, goal.reached({"reached": True}), goal.task, goal.published) == (None, None, "", {})


def test_a_scenario_that_declares_nothing_has_nothing_of_it_in_its_start_document(tmp_path: Path) -> None:
    told = scenario(tmp_path, "").to_json()
    assert not told.keys() & {*DECLARED, "declared"}
    assert declared_by(told) is None


@pytest.mark.parametrize("name", ["cnn", "transfer"])
def test_the_core_study_declares_what_holds_where_nothing_is_declared(tmp_path: Path, name: str) -> None:
    own = f'[scenarios.{name}]\nfolder = "workloads/{name}"\nrepetitions = 1\n'
    told = read(tmp_path, MINIMAL + own).scenarios[-1].to_json()
    assert declared_by(told) == UNDECLARED
    assert told.keys() >= {*DECLARED}
    assert goal_of(told) == goal_of({})


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (WORK.replace('"1/J"', '"1/kg"'), "work[0].unit: found '1/kg', expected"),
        (
            WORK.replace("_per_j", "_per_wh"),
            "work[0].name: found 'requests_per_wh', expected letters, digits and _, then",
        ),
        (WORK.replace("requests_per_j", "_per_j"), "work[0].name: found '_per_j', expected"),
        (WORK.replace('key = "requests"\n', ""), "work[0].key: missing"),
        (WORK.replace('"requests"', '" "', 1), "work[0].title: found ' ', expected text that is not empty"),
        (WORK + WORK, "work[1].name: found 'requests_per_j' a second time"),
        (WORK + 'colour = "red"\n', "work[0].colour: unknown key"),
        (QUALITY, "repeats: missing; [quality] is read at the end of an action that repeats"),
        (
            'repeats = "a"\n' + QUALITY.replace("0.5, 0.9", "0.9, 0.5"),
            "quality.levels: found [0.9, 0.5], expected rising",
        ),
        ('repeats = "a"\n' + QUALITY.replace("0.5, 0.9", "50, 90"), "quality.levels: found [50, 90], expected rising"),
        ('[[correlated]]\nmetric = ""\ntitle = "x"\n', "correlated[0].metric: found '', expected text"),
        ("work = 3\n", "work: found 3, expected tables [[work]]"),
        ('[target]\nkey = " "\n', "target.key: found ' ', expected text that is not empty"),
        ('[target]\nuntil = "x"\n', "target.until: unknown key"),
    ],
)
def test_a_mistake_is_said_with_its_place_beside_all_others_of_the_file(tmp_path: Path, head: str, says: str) -> None:
    told = mistakes(tmp_path, f'files = ["nowhere.py"]\nextra = 1\n{head}')
    assert told.startswith(f"{tmp_path / 'own' / 'scenario.toml'}: ")
    assert f"  - {says}" in told
    assert "extra: unknown key" in told
    assert "nowhere.py is no file" in told


def test_one_mistake_hides_no_other(tmp_path: Path) -> None:
    wrong = QUALITY.replace("0.5, 0.9", "0.9, 0.5") + WORK.replace('"1/J"', "3") + WORK.replace("_per_j", "")
    text = mistakes(tmp_path, f'repeats = "batch"\n{wrong}')
    assert "work[0].unit: found 3, expected" in text
    assert "work[0].name" not in text
    assert "work[1].name: found 'requests', expected" in text
    assert "quality.levels: found [0.9, 0.5]" in text


def test_a_start_document_that_declares_what_cannot_be_declares_no_work() -> None:
    forged = {"work": [{"name": "x", "unit": 7}], "quality": "good", "repeats": ["epoch"]}
    declared = declared_by(forged)
    assert declared is not None
    assert dataclasses.astuple(declared) == ((), None, "", ())
    assert read_declaration(forged)[1]
