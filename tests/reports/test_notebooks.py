"""`import wattlab`: the frames against results.json and the raw files, what they say of their origin, when they are
computed anew, and the program of docs/notebooks.md."""

import csv
import json
import math
import os
import shutil
import subprocess
import sys
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.record.errors import AnalysisError
from reports.api import Campaign, ResultsRecomputed, open_campaign
from reports.frames import derived, raw
from tests.documents import write_results
from tests.reports.make_campaign import LOADS, Shape, make_campaign

ROOT = Path(__file__).parents[2]
ARCHIVES = ROOT / "tests" / "data" / "archives"
PAGE = (ROOT / "docs" / "notebooks.md").read_text()
SHAPE = Shape(loads={"cnn": replace(LOADS["cnn"], epochs=3, tokens=5000)}, broken={4: "abort"}, duration_s=30)
FRAMES = (
    "runs",
    "actions",
    "epochs",
    "scenarios",
    "action_means",
    "efficiency",
    "work",
    "findings",
    "instruments",
    "other_circuits",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    campaign = make_campaign(tmp_path_factory.mktemp("notebook"), SHAPE)
    write_results(campaign)
    return campaign


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "derived" / "results.json").read_text())
    return document


@pytest.fixture
def campaign(folder: Path) -> Campaign:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return open_campaign(folder)


def same(row: "pd.Series[Any]", name: str, number: dict[str, Any] | None) -> None:
    """A quantity of a row is a Number of results.json, uncertainty and all."""
    stem, _, unit = name.rpartition("_")
    cells = [row[name], row[f"{stem}_u_{unit}"], row[f"{stem}_U_{unit}"]]
    wanted = [math.nan] * 3 if number is None else [number["value"], number["u"], number["U"]]
    assert cells == pytest.approx([math.nan if one is None else one for one in wanted], nan_ok=True, rel=1e-12)


def test_runs_are_those_of_results_json(campaign: Campaign, document: dict[str, Any]) -> None:
    runs = campaign.runs
    assert list(runs["run"]) == [run["folder"] for run in document["runs"]]
    for (_, row), run in zip(runs.iterrows(), document["runs"], strict=True):
        for name, key in (
            ("energy_wh", "energy_wh"), ("induced_energy_wh", "induced_energy_wh"), ("mean_power_w", "mean_power_w"),
            ("gpu_board_energy_wh", "gpu_energy_wh"), ("gap_energy_wh", "gap_energy_wh"),
        ):  # fmt: skip
            same(row, name, run[key])
        assert row["gpu_provenance"] == ("none" if run["gpu_energy_wh"] is None else "estimated (NVML)")
        assert row["duration_s"] == run["duration_s"]["value"]
        assert row["start_utc"] == pd.Timestamp(run["start_utc"])
        assert bool(row["included"]) is run["included"]
        assert row["indicator.cpu_percent"] == run["indicators"]["cpu_percent"]
    marked = runs[(runs["scenario"] == "cnn") & runs["included"]]
    assert set(marked["work.tokens"]) == {15_000}
    assert set(runs["provenance"]) == {"emulated"}


def test_actions_and_their_means_are_those_of_results_json(campaign: Campaign, document: dict[str, Any]) -> None:
    rows = [(run, row) for run in document["runs"] for row in run["actions"]]
    actions = campaign.actions
    assert len(actions) == len(rows)
    for (_, mine), (run, row) in zip(actions.iterrows(), rows, strict=True):
        assert (mine["run"], mine["action"], mine["index"]) == (run["folder"], row["name"], row["index"])
        for kind in ("energy", "induced_energy", "cumulative_energy"):
            number = {"value": row[f"{kind}_wh"], "u": row[f"{kind}_u_wh"], "U": row[f"{kind}_U_wh"]}
            same(mine, f"{kind}_wh", number)
        assert mine["begin_s"] == row["begin_s"]
    assert list(campaign.epochs["action"].unique()) == ["epoch"]
    assert campaign.epochs["metric.val_loss"].notna().all()
    means = campaign.action_means
    part = document["scenarios"]["cnn"]
    for (_, mine), row in zip(means.iterrows(), [*part["actions"], *part["epochs"]], strict=True):
        same(mine, "induced_energy_wh", row["induced_energy_wh"])
        same(mine, "duration_s", row["duration_s"])


def test_scenarios_factors_and_work_are_those_of_results_json(campaign: Campaign, document: dict[str, Any]) -> None:
    part = document["scenarios"]["cnn"]
    [(_, row)] = campaign.scenarios.iterrows()
    for name in ("energy_wh", "induced_energy_wh", "mean_power_w", "induced_power_w", "duration_s"):
        same(row, name, part[name])
    assert (row["n_runs"], row["provenance"]) == (part["n_runs"]["value"], "emulated")
    factors = campaign.efficiency.set_index(["factor", "energy"])
    for energy in ("total", "induced"):
        for kind, number in part["efficiency"][f"per_{energy}"].items():
            mine = factors.loc[kind, energy]
            assert (mine["value"], mine["u"], mine["unit"]) == (number["value"], number["u"], number["unit"])
            assert [mine["interval_low"], mine["interval_high"]] == part["efficiency"]["intervals"][energy][kind]
    work = campaign.work
    whole = work[work["action"] == ""].iloc[0]
    same(whole, "energy_per_unit_wh", part["energy_per_work"][0]["energy_wh"])
    assert (whole["work"], whole["amount"], len(work)) == ("tokens", 15_000, 5)
    assert list(campaign.findings["code"]) == [one["code"] for one in document["findings"]]
    assert json.loads(campaign.findings["evidence"][0]) == document["findings"][0]["evidence"]
    [meter] = campaign.instruments.to_dict("records")
    assert (meter["meter"], meter["model"], meter["provenance"]) == ("wall", "Watts up? PRO", "emulated")


def test_readings_are_the_rows_of_the_files_on_the_time_base_of_the_run(campaign: Campaign, folder: Path) -> None:
    run = next(one for one in campaign.results.runs if one.scenario == "cnn" and one.included)
    readings = campaign.readings(run.folder)
    with (folder / run.folder / "readings-wall.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [str(one) for one in readings["time_ns"]] == [row["time_ns"] for row in rows]
    assert [f"{one:.1f}" for one in readings["power_w"]] == [row["power_w"] for row in rows]
    rated = readings[readings["in_rating"]]
    assert run.duration_s is not None
    assert run.energy_wh is not None
    assert len(rated) == int(run.duration_s.value)
    ends = readings["time_s"].clip(0, run.duration_s.value)
    begins = (readings["time_s"] - readings["window_s"]).clip(0, run.duration_s.value)
    assert (readings["power_w"] * (ends - begins)).sum() / 3600 == pytest.approx(run.energy_wh.value, rel=1e-9)
    first = readings.iloc[0]
    start = pd.Timestamp(run.start_utc)
    assert abs((first["utc"] - start).total_seconds()) < 2
    assert len(campaign.readings()) > len(campaign.readings(1, 2)) > len(readings)
    assert set(readings["provenance"]) == {"emulated"}


def test_samples_are_of_software_and_stand_on_the_same_time_base(campaign: Campaign, folder: Path) -> None:
    samples = campaign.samples(2)
    run = campaign.results.runs[1]
    with (folder / run.folder / "samples-agent.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert samples["cpu_percent"].to_list() == [float(row["cpu_percent"]) for row in rows]
    assert set(samples["provenance"]) == {"software"}
    assert run.duration_s is not None
    assert samples["in_rating"].sum() == int(run.duration_s.value)


def test_a_run_that_is_not_there_is_named(campaign: Campaign, tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="no run 'r99'"):
        campaign.readings("r99")
    with pytest.raises(AnalysisError, match="no such folder"):
        open_campaign(tmp_path / "nowhere")


def test_results_that_are_absent_or_stale_are_computed_now_and_nothing_is_written(
    folder: Path, campaign: Campaign, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "campaign"))
    results = other / "derived" / "results.json"
    assert "those of derived/results.json" in open_campaign(other).basis

    def reason() -> str:
        with pytest.warns(ResultsRecomputed) as caught:
            again = open_campaign(other)
        pd.testing.assert_frame_equal(again.runs, campaign.runs)
        pd.testing.assert_frame_equal(again.action_means, campaign.action_means)
        return str(caught[0].message)

    text = results.read_text()
    results.write_text(text.replace('"version": "0.2.0"', '"version": "0.1.9"', 1))
    assert "wattlab 0.1.9 wrote" in reason()
    results.write_text(text.replace(next(iter(campaign.results.inputs)), "20260101T000000Z-r01-00000001"))
    assert "runs were added, removed or sealed anew" in reason()
    results.write_text("{}")
    assert "not of this version" in reason()
    results.write_text(text)
    later = results.stat().st_mtime + 5
    os.utime(other / "campaign.jsonl", (later, later))
    assert "log, annotations or receipts are younger" in reason()
    results.unlink()
    assert "there is no derived/results.json" in reason()
    assert not results.exists()
    assert "it was asked for" in open_campaign(other, recompute=True).basis


def test_every_column_has_its_type_also_without_a_row_and_stands_on_the_page(campaign: Campaign) -> None:
    bare = Campaign(campaign.path, replace(campaign.results, runs=(), scenarios={}, findings=(), meters=()), "")
    for name in FRAMES:
        full, empty = getattr(campaign, name), getattr(bare, name)
        assert list(empty) == [column for column in full if "." not in column]
        for column in empty:
            assert full[column].dtype == empty[column].dtype, (name, column)
            assert f"`{column}`" in PAGE or column in _of_quantities(), (name, column)
    for column in (*raw.READINGS, *raw.SAMPLES, *derived.WORK):
        assert f"`{column}`" in PAGE or column in _of_quantities(), column


def _of_quantities() -> set[str]:
    """The columns beside a quantity that the page explains once."""
    named = [word.rpartition("_") for word in PAGE.split("`")[1::2] if "_" in word and " " not in word]
    return {name for stem, _, unit in named for name in (f"{stem}_u_{unit}", f"{stem}_U_{unit}", f"{stem}_dof")}


@pytest.mark.parametrize(("archive", "origin"), [("okular", "imported"), ("cells", "emulated"), ("traces", "imported")])
def test_stored_campaigns_of_others_and_of_before_open_with_their_origin(
    archive: str, origin: str, tmp_path: Path
) -> None:
    with zipfile.ZipFile(ARCHIVES / f"{archive}.zip") as packed:
        packed.extractall(tmp_path)
    [log] = tmp_path.rglob("campaign.jsonl")
    with pytest.warns(ResultsRecomputed, match="wattlab|not of this version"):
        campaign = open_campaign(log.parent)
    scenarios = campaign.scenarios
    assert set(scenarios["provenance"]) == {origin}
    assert (campaign.runs["energy_wh"] > 0).any()
    one = campaign.runs["run"][0]
    assert set(campaign.readings(one)["provenance"]) == {origin}
    stored = json.loads((log.parent / "derived" / "results.json").read_text())["runs"]
    before = {run["folder"]: run["energy_wh"]["value"] for run in stored if run["energy_wh"]}
    now = campaign.runs.set_index("run")["energy_wh"]
    assert len(before) > len(now) / 2
    assert {run: now[run] for run in before} == pytest.approx(before, rel=1e-3)


def test_the_program_of_the_page_runs_with_the_name_wattlab_from_anywhere(folder: Path, tmp_path: Path) -> None:
    [text] = [block.partition("\n")[2] for block in PAGE.split("```")[1::2] if block.startswith("python\n")]
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "core-study").symlink_to(folder)
    both = "import reports.api\nassert wattlab.Campaign is reports.api.Campaign\n"
    (tmp_path / "notebook.py").write_text(f"{text}\n{both}")
    done = subprocess.run([sys.executable, "notebook.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "emulated" in done.stdout
    assert done.stderr == ""
