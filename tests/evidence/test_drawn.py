"""A plan that is not the one that follows from the campaign's seed and its lab.toml is found."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.drawn import plan_problems
from harness.measure.lab_file import LabConfig, load
from harness.measure.plan import make_plan
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import VERSION
from harness.station.station import APPLICATION
from tests.harness.stations import station_file

Runs = list[dict[str, Any]]
CAMPAIGNS = sorted((APPLICATION / "workloads" / "campaigns").glob("*.toml"))
SEARCHED = """
schema = 1
[scenarios.train]
command = ["bench", "{{net}}"]
repetitions = 2
artifacts = ["summary.json"]
parameters = {{ rate = 0.5 }}
factors = {{ net = ["a", "b"] }}
[scenarios.train.search]
strategy = "random"
rounds = {rounds}
objective = "accuracy"
space = {{ rate = {{ low = 0.0, high = 1.0 }} }}
"""
UTC = "2026-11-28T08:00:00.000Z"


def problems(folder: Path, config: LabConfig, runs: Runs, *, version: str = VERSION, **plan: object) -> list[str]:
    """What is found in a log that says so."""
    campaign = CampaignFolder.create(folder)
    software = {"name": "wattlab", "version": version, "lock_sha256": "0" * 64}
    header = {
        "schema": 2, "name": "one", "uid": "d01b577f", "seed": config.file.campaign.seed, "design": "", "customer": "",
        "software": software, "config": config.to_json(),
    }  # fmt: skip
    campaign.append("campaign", UTC, header)
    campaign.append("plan", UTC, {"stage": "first", "rule": None, "runs": runs} | plan)
    return list(plan_problems(campaign.entries()))


def planned(config: LabConfig) -> Runs:
    return [run.to_json() for run in make_plan(config)]


@pytest.fixture
def config() -> LabConfig:
    return load(APPLICATION / "lab.toml")


@pytest.mark.parametrize("file", CAMPAIGNS, ids=lambda file: file.stem)
def test_every_plan_of_ours_is_drawn_again(tmp_path: Path, file: Path) -> None:
    """Cells, searches, orders as listed among them."""
    config = load(file) if "\n[sut]\n" in file.read_text() else load(station_file(tmp_path), file)
    assert problems(tmp_path / "c", config, planned(config)) == []


@pytest.mark.parametrize("rounds", [1, 3])
def test_trials_of_a_search_in_cells_have_the_seeds_of_their_place(tmp_path: Path, rounds: int) -> None:
    file = tmp_path / "searched.toml"
    file.write_text(SEARCHED.format(rounds=rounds))
    config = load(station_file(tmp_path), file)
    runs = planned(config)
    assert problems(tmp_path / "c", config, runs) == []
    at = next(place for place, run in enumerate(runs) if "trial" in run)
    runs[at] = runs[at] | {"seed": 1}
    assert "seed 1; seed and lab.toml give" in problems(tmp_path / "d", config, runs)[0]


def numbered(runs: Runs) -> Runs:
    return [run | {"ordinal": ordinal} for ordinal, run in enumerate(runs, 1)]


def without(name: str, repetition: int) -> Callable[[Runs], Runs]:
    """The plan without a run that did not please."""
    return lambda runs: numbered([run for run in runs if (run["scenario"], run["repetition"]) != (name, repetition)])


def relabelled(runs: Runs) -> Runs:
    """Two runs called by the other's name."""
    first, second = (next(at for at, run in enumerate(runs) if run["scenario"] == name) for name in ("cnn", "idle"))
    changed = [dict(run) for run in runs]
    changed[first]["scenario"], changed[second]["scenario"] = "idle", "cnn"
    return changed


def reordered(runs: Runs) -> Runs:
    return numbered(random.Random(1).sample(runs, len(runs)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("cnn", 2), "16 runs are planned, seed and lab.toml give 17"),
        (without("baseline", 3), "16 runs are planned, seed and lab.toml give 17"),
        (relabelled, "a planned run is ordinal"),
        (reordered, "a planned run is ordinal"),
        (lambda runs: [run | {"seed": 1} for run in runs], "seed 1; seed and lab.toml give"),
        (lambda _runs: [], "0 runs are planned"),
    ],
)
def test_a_plan_that_was_changed_is_found(
    tmp_path: Path, config: LabConfig, change: Callable[[Runs], Runs], said: str
) -> None:
    [problem] = problems(tmp_path / "c", config, change(planned(config)))
    assert said in problem
    assert problems(tmp_path / "d", config, change(planned(config)), stage=None) == [problem]


def test_the_plan_of_another_version_is_left_alone(tmp_path: Path, config: LabConfig) -> None:
    assert problems(tmp_path / "c", config, reordered(planned(config)), version="0.1.0") == []


def test_a_configuration_that_asks_for_too_much_is_not_drawn(tmp_path: Path, config: LabConfig) -> None:
    written = json.loads(json.dumps(config.to_json()))
    written["scenarios"]["cnn"]["repetitions"] = 10**12
    campaign = CampaignFolder.create(tmp_path / "c")
    software = {"version": VERSION, "lock_sha256": "0" * 64}
    header = {"schema": 2, "name": "one", "uid": "d01b577f", "seed": 1, "design": "", "customer": "",
              "software": software, "config": written}  # fmt: skip
    campaign.append("campaign", UTC, header)
    campaign.append("plan", UTC, {"stage": "first", "rule": None, "runs": planned(config)})
    assert "17 runs are planned" in next(iter(plan_problems(campaign.entries())))
