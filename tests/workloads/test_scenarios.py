"""The scenario files and the published campaign: they fit the program they name and the harness that reads them."""

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest

from harness.measure.joined import ROOM
from harness.measure.lab_file import load
from harness.measure.material import needs_of
from harness.measure.plan import make_plan
from tests.harness.stations import station_file
from tests.workloads.conftest import ROOT

WORKLOADS = ROOT / "workloads"


def read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


def fields_of_parameters(program: str = "training") -> set[str]:
    tree = ast.parse((WORKLOADS / program / "train.py").read_text())
    (record,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Parameters"]
    return {
        node.target.id for node in record.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


@pytest.mark.parametrize("name", ["idle", "cnn", "transfer"])
def test_a_scenario_gives_the_program_every_parameter_it_knows(name: str) -> None:
    scenario = read(WORKLOADS / name / "scenario.toml")
    optional = {"idle_s"} if name != "idle" else set()
    assert set(scenario["parameters"]) == fields_of_parameters() - optional
    assert scenario["command"][-2:] == ["train.py", name]


@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_a_training_in_any_framework_gives_its_program_every_parameter(network: str) -> None:
    scenario = read(WORKLOADS / f"frameworks-{network}" / "scenario.toml")
    assert set(scenario["parameters"]) == fields_of_parameters("frameworks")
    assert scenario["command"][-2:] == ["train.py", network]


@pytest.mark.parametrize("name", ["idle", "cnn", "transfer", "frameworks-mlp", "frameworks-cnn"])
def test_a_scenario_ships_every_module_its_program_imports(name: str) -> None:
    shipped = [WORKLOADS / name / file for file in read(WORKLOADS / name / "scenario.toml")["files"]]
    names = {path.stem for path in shipped} | {"wattlab_markers"}
    rooms = (".", "training", "frameworks" if name.startswith("frameworks") else "trackers", "markers")
    ours = {path.stem for folder in rooms for path in (WORKLOADS / folder).glob("*.py")}
    for path in shipped:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module in ours:
                assert node.module in names


def test_the_published_campaign_has_the_published_numbers(tmp_path: Path) -> None:
    guldner = load(station_file(tmp_path), WORKLOADS / "campaigns" / "guldner.toml")
    made = {scenario.name: scenario for scenario in guldner.scenarios}
    assert {name: scenario.repetitions for name, scenario in made.items()} == dict.fromkeys(
        ("idle", "cnn", "transfer"), 30
    )
    assert guldner.baseline.repetitions == 30
    assert made["idle"].parameters["idle_s"] == 600
    for name, target in (("cnn", 0.80), ("transfer", 0.85)):
        parameters = made[name].parameters
        published = {"image_size": 224, "batch_size": 100, "target": target, "max_epochs": 100, "fixed_epochs": 0}
        assert published.items() <= parameters.items()


def test_the_published_campaign_differs_from_the_embedded_default_only_in_numbers_and_has_no_tracker() -> None:
    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {key: shape(part) for key, part in value.items() if key not in ("parameters", "campaign")}
        return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else value

    default, published = read(ROOT / "lab.toml"), read(WORKLOADS / "campaigns" / "guldner.toml")
    assert default["scenarios"].pop("transfer-codecarbon")["trackers"] == ["codecarbon"]
    assert default.pop("thresholds") == {"foreign_load_invalid_percent": 100.0}
    for table in (*ROOM, "lab"):
        default.pop(table, None)
    assert shape(published) == shape(default)
    assert set(published["campaign"]) == set(default["campaign"]) - {"runs_folder"}


def test_the_campaign_of_frameworks_crosses_them_with_batch_and_input_size(tmp_path: Path) -> None:
    config = load(station_file(tmp_path), WORKLOADS / "campaigns" / "frameworks.toml")
    of_mlp = [scenario for scenario in config.scenarios if scenario.section == "mlp"]
    assert (len(of_mlp), len(config.scenarios)) == (16, 28)
    levels = [scenario.cell or {} for scenario in of_mlp]
    assert {tuple(level) for level in levels} == {("framework", "batch_size", "image_size")}
    assert all(scenario.python == scenario.parameters["framework"] for scenario in config.scenarios)
    needs = needs_of(config)
    assert needs.packages == ("tensorflow", "pillow")
    assert needs.environments == {
        "jax": ("jax", "keras", "pillow"), "torch": ("torch", "numpy", "pillow"), "sklearn": ("scikit-learn", "pillow"),
    }  # fmt: skip
    runs = make_plan(config)
    for repetition in range(1, 31):
        seeds = {run.seed for run in runs if run.kind == "scenario" and run.repetition == repetition}
        assert len(seeds) == 1, "every framework begins with the same weights"
