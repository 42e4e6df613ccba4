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
DELREY = ["delrey", "inception-caltech101", "inception-stanford-dogs"]


def read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


def fields_of_parameters(program: str) -> set[str]:
    tree = ast.parse((WORKLOADS / program).read_text())
    (record,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Parameters"]
    return {
        node.target.id for node in record.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


@pytest.mark.parametrize("name", ["idle", "cnn", "transfer"])
def test_a_scenario_gives_the_program_every_parameter_it_knows(name: str) -> None:
    scenario = read(WORKLOADS / name / "scenario.toml")
    optional = {"idle_s"} if name != "idle" else set()
    assert set(scenario["parameters"]) == fields_of_parameters("training/train.py") - optional
    assert scenario["command"][-2:] == ["train.py", name]


@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_a_training_in_any_framework_gives_its_program_every_parameter(network: str) -> None:
    scenario = read(WORKLOADS / f"frameworks-{network}" / "scenario.toml")
    assert set(scenario["parameters"]) == fields_of_parameters("frameworks/train.py")
    assert scenario["command"][-2:] == ["train.py", network]


@pytest.mark.parametrize("name", DELREY)
def test_a_scenario_of_del_rey_gives_its_program_every_parameter(name: str) -> None:
    scenario = read(WORKLOADS / name / "scenario.toml")
    assert set(scenario["parameters"]) == fields_of_parameters("training/finetune.py")
    assert scenario["prepared"] == [scenario["parameters"]["data"], "imagenet"]


@pytest.mark.parametrize("name", ["idle", "cnn", "transfer", "frameworks-mlp", "frameworks-cnn", *DELREY])
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


def shape(value: object, *skipped: str) -> object:
    """A file's tables with every number alike."""
    if isinstance(value, dict):
        return {key: shape(part, *skipped) for key, part in value.items() if key not in skipped}
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def test_the_published_campaign_differs_from_the_embedded_default_only_in_numbers_and_has_no_tracker() -> None:
    default, published = read(ROOT / "lab.toml"), read(WORKLOADS / "campaigns" / "guldner.toml")
    assert default["scenarios"].pop("transfer-codecarbon")["trackers"] == ["codecarbon"]
    assert default.pop("thresholds") == {"foreign_load_invalid_percent": 100.0}
    for table in (*ROOM, "lab"):
        default.pop(table, None)
    assert shape(published, "parameters", "campaign") == shape(default, "parameters", "campaign")
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


def test_the_campaign_of_del_rey_has_the_published_numbers(tmp_path: Path) -> None:
    delrey = load(station_file(tmp_path), WORKLOADS / "campaigns" / "delrey.toml")
    networks = ["mobilenet_v2", "nasnet_mobile", "xception", "resnet50", "vgg16"]
    assert [scenario.parameters["architecture"] for scenario in delrey.scenarios] == networks
    assert {scenario.repetitions for scenario in delrey.scenarios} == {30}
    published = {
        "image_size": 128, "batch_size": 32, "test_fraction": 0.3,
        "top_epochs": 10, "top_learning_rate": 1e-4,
        "fine_epochs": 140, "fine_learning_rate": 1e-5, "fine_momentum": 0.9,
        "monitor": "val_binary_accuracy", "patience": 20, "min_delta": 1e-3,
        "reduce_patience": 10, "reduce_factor": 0.1,
        "limit_s": 0.0, "ram_limit_gb": 0.0, "images_per_class": 0, "train_per_class": 0,
    }  # fmt: skip
    for scenario in delrey.scenarios:
        assert published.items() <= scenario.parameters.items()
    assert delrey.file.campaign.pause_s == 300
    assert delrey.warm_up is not None
    assert delrey.file.warm_up is not None
    assert (delrey.warm_up.parameters["architecture"], delrey.warm_up.parameters["limit_s"]) == ("xception", 600.0)
    assert delrey.file.warm_up.pause_s == 300


def test_the_campaign_of_del_rey_differs_from_the_small_one_only_in_numbers_and_in_whether_a_pulse_begins_it() -> None:
    published, small = (read(WORKLOADS / "campaigns" / f"{name}.toml") for name in ("delrey", "delrey-demo"))
    assert (published["campaign"].pop("name"), small["campaign"].pop("name")) == ("delrey", "delrey-demo")
    assert (published["campaign"].pop("sync_pulse"), small["campaign"].pop("sync_pulse")) == (True, False)
    assert shape(published) == shape(small)
    assert published != small


def test_the_commented_scenarios_of_the_campaign_of_del_rey_can_be_loaded(tmp_path: Path) -> None:
    text = (WORKLOADS / "campaigns" / "delrey.toml").read_text()
    begin = text.index("# [scenarios.inputs]")
    lines = text[begin : text.index("# [thresholds]")].splitlines()
    commented = [line for line in lines if " = " in line or line.startswith("# [")]
    campaign = tmp_path / "more.toml"
    campaign.write_text(text[:begin] + "\n".join(line.removeprefix("# ") for line in commented) + "\n")
    found = load(station_file(tmp_path), campaign)
    assert len(found.scenarios) == 5 + 9 + 4
    limits = [one.parameters["ram_limit_gb"] for one in found.scenarios if one.section == "memory"]
    assert limits == [8.0, 16.0, 24.0, 32.0]
