"""A command with trackers around it, through the command line on the embedded lab: wrapped, fetched, compared."""

import json
from pathlib import Path

import pytest

from harness.record.documents import ActionEvent
from reports.readings.series import read_run
from reports.readings.software import software_traces
from tests.e2e.test_campaign import LAB, LabUnderTest

pytestmark = pytest.mark.timeout(900)
TRACKED = 'repetitions = 1\ntrackers = ["codecarbon", "nvml-rapl"]\ntracker_periods_s = { codecarbon = 0.5 }\n'


def test_a_tracked_command_is_measured_by_meter_and_trackers_over_the_same_interval(tmp_path: Path) -> None:
    lab = LabUnderTest(tmp_path)
    lab.write(LAB.replace("repetitions = 2\n", TRACKED))
    done = lab.call("run")
    assert done.returncode in (0, 3), done.stderr
    (run,) = [run for run in lab.runs() if run.start.kind == "scenario"]
    assert run.start.scenario_config["trackers"] == ["codecarbon", "nvml-rapl"]
    assert run.start.scenario_config["tracker_periods_s"] == {"codecarbon": 0.5, "nvml-rapl": 1.0}
    artifacts = run.path / "artifacts"
    assert (artifacts / "stdout.txt").read_text() == f"argument {lab.marker}\n"
    said = {name: json.loads((artifacts / f"tracker-{name}.json").read_text()) for name in ("codecarbon", "nvml-rapl")}
    stamps = [event.sut_ns or 0 for event in run.events if isinstance(event, ActionEvent)]
    for name, document in said.items():
        assert document["begin_ns"] < min(stamps)
        assert max(stamps) < document["end_ns"]
        assert (artifacts / document["raw"]).is_file(), name
    series = read_run(run)
    trace = software_traces(series)["codecarbon/energy_j"]
    assert series.begin_ns is not None
    assert series.end_ns is not None
    assert series.begin_ns < trace.times_ns[0] < trace.times_ns[-1] < series.end_ns
    assert 0 < trace.values[-1] <= said["codecarbon"]["reported_wh"] * 3600 * (1 + 1e-6)
    results = json.loads((lab.campaign / "derived" / "results.json").read_text())
    compared = results["trackers"]["scenarios"]["steps"]["codecarbon"]
    assert compared["tracker_wh"]["value"] * 3600 == said["codecarbon"]["reported_wh"] * 3600
    assert 0.0 < compared["ratio"]["value"] == compared["tracker_wh"]["value"] / compared["meter_wh"]["value"]
