"""Sync pulse, gate, settling, two stages and the observer effect, through the command line on the embedded lab."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.measure.lab_file import load
from harness.measure.plan import make_plan
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import ActionEvent, PhaseEvent, WaitEvent
from harness.record.run_folder import RunFolder
from harness.station.station import APPLICATION
from tests.e2e.test_campaign import LAB, LabUnderTest

pytestmark = pytest.mark.timeout(900)
PLANNED = """\
supplementary_s = 1.5
sync_pulse = true
design = "two-stage: the smallest pilot"
two_stage = { half_width_percent = 90.0 }
gate = { limit_s = 1.0, power_percent = 30.0, mean_s = 1.5 }
settle = { limit_s = 5.0, mean_s = 1.5, percent = 30.0 }
"""
WARM_UP = """
[warm_up]
folder = "workloads/constant-load"
parameters = { load_s = 1.0 }
pause_s = 0.5
"""


@pytest.fixture
def lab(tmp_path: Path) -> LabUnderTest:
    """A lab whose sync pulse is a short one: its own scenario.toml stands before wattlab's."""
    for name in ("load", "sync"):
        shutil.copytree(APPLICATION / "workloads" / name, tmp_path / "workloads" / name)
    toml = tmp_path / "workloads" / "sync" / "scenario.toml"
    short = toml.read_text().replace("edges = 16", "edges = 6").replace("= 2.3", "= 0.8").replace("= 4.1", "= 1.4")
    toml.write_text(short)
    return LabUnderTest(tmp_path)


def waits(run: RunFolder) -> list[tuple[str, str]]:
    return [(event.name, event.outcome) for event in run.events if isinstance(event, WaitEvent)]


def results_of(lab: LabUnderTest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((lab.campaign / "derived" / "results.json").read_text())
    return found


def test_warm_up_and_pulse_begin_a_session_and_every_run_waits_to_be_back_where_it_began(
    lab: LabUnderTest,
) -> None:
    lab.write(LAB.replace("supplementary_s = 1.5\n", PLANNED) + WARM_UP)
    done = lab.call("run")
    assert done.returncode in (0, 3), done.stderr
    warm, pulse, *rated = lab.runs()
    assert (warm.start.kind, warm.start.scenario, warm.start.ordinal) == ("warm-up", "warm-up", 0)
    assert (warm.exit_status, waits(warm)) == ("success", [])
    assert warm.start.scenario_config["parameters"]["load_s"] == 1.0
    assert pulse.start.time_ns - warm.stop.time_ns >= 500_000_000  # type: ignore[union-attr]
    assert (pulse.start.kind, pulse.start.ordinal, pulse.exit_status) == ("sync", 0, "success")
    edges = [event for event in pulse.events if isinstance(event, ActionEvent) and event.name == "full_load"]
    assert [(event.index, event.edge) for event in edges] == [(k, e) for k in range(3) for e in ("begin", "end")]
    assert ("gate", "reference") in waits(pulse)
    for run in rated:
        (gate,) = [outcome for name, outcome in waits(run) if name == "gate"]
        assert gate in ("reached", "limit")
        assert [name for name, _ in waits(run)].count("settle") == 1
        begun = [event.name for event in run.events if isinstance(event, PhaseEvent) and event.edge == "begin"]
        assert begun == ["stage", "gate", "stabilization", "rating", "supplementary", "unstage"]
    first, second = lab.entries("plan")
    assert first["rule"]["half_width_percent"] == 90
    assert second["stage"] == "second"
    results = results_of(lab)
    assert results["clock"]["pulses"][0]["edges"] == 6
    assert (results["clock"]["pulses"][0]["offset_s"] is None) == bool(results["clock"]["pulses"][0]["reason"])
    listed = {run["kind"]: run for run in results["runs"] if run["kind"] in ("sync", "warm-up")}
    assert [run["included"] for run in listed.values()] == [False, False]
    assert listed["warm-up"]["excluded_because"].startswith("a warm-up: ")
    assert results["scenarios"]["steps"]["tail"]["n"] == results["scenarios"]["steps"]["n_runs"]["value"]
    assert "gate" in (lab.campaign / "derived" / "report.html").read_text()
    verified = lab.call("verify", "runs/c")
    assert verified.returncode == 0, verified.stdout
    assert "is done" in lab.call("run").stdout  # the second stage is sized once


def test_the_observer_effect_becomes_part_of_the_campaign(lab: LabUnderTest) -> None:
    done = lab.call("observer", "--blocks", "2", "--seconds", "2")
    assert done.returncode in (0, 3), done.stderr
    blocks = lab.runs()
    assert [run.start.scenario for run in blocks] == [
        f"observer-{load}-{agent}-agent"
        for load in ("idle", "load")
        for agent in ("with", "without", "without", "with")
    ]
    for run in blocks:
        sampled = "samples-agent.csv" in (run.stop.streams if run.stop else {})
        assert sampled is run.start.scenario_config["parameters"]["agent"]
    loaded = results_of(lab)["observer"]
    assert {key: loaded[key]["difference_w"]["n"] for key in ("idle", "load")} == {"idle": 4, "load": 4}
    planned = [run for entry in lab.entries("plan") for run in entry["runs"]]
    assert [run["ordinal"] for run in planned] == list(range(1, len(planned) + 1))
    assert planned[: len(planned) - 8] == [
        {name: getattr(run, name) for name in planned[0]} for run in make_plan(load(lab.folder / "lab.toml"))
    ]
    # What was planned beside it is not measured yet; everything else holds.
    said = lab.call("verify", "runs/c").stdout
    assert "4 of 12 planned runs have no" in said
    assert "1 of " in said[said.rindex("\n", 0, said.index("checks FAILED")) :]
    assert CampaignFolder(lab.campaign).entries()[1].raw["stage"] == "first"
