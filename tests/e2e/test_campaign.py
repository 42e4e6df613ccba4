"""Whole campaigns through the command line: real sshd on loopback, emulated meter on a pty, killed and continued."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import ActionEvent, GapEvent, PhaseEvent
from harness.record.run_folder import RunFolder

pytestmark = pytest.mark.timeout(900)
HANGS_S = 400
"""What no command takes, on a machine several times slower than one that does nothing else."""
LAB = """\
schema = 1
[lab]
name = "test lab"
operator = "<b>tester</b>"
[campaign]
name = "c"
seed = 5
order = "shuffled"
stabilization_s = 0.5
supplementary_s = 1.5
[thresholds]
foreign_load_invalid_percent = 1000.0  # other tests run beside
[baseline]
blocks = 2
duration_s = 2
[sut]
host = "embedded"
python = ".venv-sut/bin/python"
reconnect_s = 5
[meters.wall]
driver = "wattsup"
port = "embedded"
circuit = "sut-ac-inlet"
[scenarios.steps]
command = ["{python}", "steps.py", "MARKER"]
files = ["steps.py"]
artifacts = ["result.json"]
repetitions = 2
"""
STEPS = """\
import json, os, pathlib, sys, time
from wattlab_markers import action
with action("training"):
    for index in range(2):
        with action("epoch") as epoch:
            time.sleep(float(os.environ.get("STEP_S", "1.0")))
artifacts = pathlib.Path(os.environ["WATTLAB_ARTIFACTS"])
(artifacts / "result.json").write_text(json.dumps({"seed": os.environ["WATTLAB_SEED"]}))
print("argument", sys.argv[1])
"""


class LabUnderTest:
    """A lab in a folder of its own, driven as its user would: by the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.campaign = folder / "runs" / "c"
        self.marker = f"wattlab-test-{os.getpid()}-{folder.name}"
        self.write(LAB)
        (folder / "steps.py").write_text(STEPS)

    def write(self, text: str) -> None:
        (self.folder / "lab.toml").write_text(text.replace("MARKER", self.marker))

    def start(self, *words: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "harness.cli", *words]
        # A shell's background job is started with SIGINT ignored, what nohup starts with SIGHUP; and so would be what
        # the tests start from there.
        return subprocess.Popen(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: [signal.signal(one, signal.SIG_DFL) for one in (signal.SIGINT, signal.SIGHUP)],
        )

    def call(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "harness.cli", *words]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=HANGS_S, check=False)

    def runs(self) -> list[RunFolder]:
        return CampaignFolder(self.campaign).runs()

    def entries(self, kind: str) -> list[dict[str, Any]]:
        return [entry.raw for entry in CampaignFolder(self.campaign).entries() if kind == entry.TYPE]

    def loads(self) -> list[psutil.Process]:
        """The processes of the scenario that are alive."""
        return [p for p in psutil.process_iter(["cmdline"]) if self.marker in (p.info["cmdline"] or [])]

    def wait_for_load(self, process: "subprocess.Popen[str]") -> None:
        wait_for(lambda: bool(self.loads()) or process.poll() is not None, HANGS_S)
        assert process.poll() is None, process.communicate()


def wait_for(condition: Callable[[], bool], timeout_s: float) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "the condition was never met"
        time.sleep(0.05)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabUnderTest]:
    lab = LabUnderTest(tmp_path)
    yield lab
    assert lab.loads() == [], "a load was left running on the SUT"


def test_a_campaign_from_lab_toml_to_a_verified_report(lab: LabUnderTest) -> None:
    done = lab.call("run", "--view")
    assert done.returncode in (0, 3), done.stderr
    assert "Live view: http://127.0.0.1:" in done.stdout
    assert "Traceback" not in done.stderr
    everything = lab.runs()
    assert {run.exit_status for run in everything} == {"success"}
    runs = last_attempts(everything)
    assert [run.start.scenario for run in runs] == ["baseline", "steps", "steps", "baseline"]
    assert len({run.start.seed for run in runs if run.start.kind == "scenario"}) == 2
    for run in runs:
        assert [e.edge for e in run.events if isinstance(e, PhaseEvent) and e.name == "rating"] == ["begin", "end"]
        assert run.power[0].origin == "emulated"
        assert all(summary["rows"] > 3 for summary in run.stop.streams.values()) if run.stop else False
    steps = next(run for run in runs if run.start.scenario == "steps")
    epochs = [e for e in steps.events if isinstance(e, ActionEvent) and e.name == "epoch"]
    assert [(e.index, e.edge) for e in epochs] == [(0, "begin"), (0, "end"), (1, "begin"), (1, "end")]
    assert json.loads((steps.path / "artifacts" / "result.json").read_text()) == {"seed": str(steps.start.seed)}
    assert (steps.path / "artifacts" / "stdout.txt").read_text() == f"argument {lab.marker}\n"
    results = json.loads((lab.campaign / "derived" / "results.json").read_text())
    assert results["scenarios"]["steps"]["n_runs"]["value"] == 2
    assert results["measurement"]["origin"] == "emulated"
    assert (lab.campaign / "derived" / "report.html").stat().st_size > 20_000
    verified = lab.call("verify", "runs/c")
    assert verified.returncode == done.returncode, verified.stdout
    again = lab.call("run")
    assert "is done" in again.stdout
    assert len(lab.runs()) == len(everything)


def last_attempts(runs: list[RunFolder]) -> list[RunFolder]:
    """One run for each that was planned; a busy machine may have had to measure one again."""
    return list({run.start.ordinal: run for run in runs}.values())


def test_a_killed_campaign_is_continued_and_both_attempts_stay_in_the_audit_trail(lab: LabUnderTest) -> None:
    process = lab.start("run")
    lab.wait_for_load(process)
    process.kill()
    process.communicate()
    measured = {path: path.stat().st_size for path in lab.campaign.glob("*/readings-wall.csv")}
    done = lab.call("run")
    assert done.returncode in (0, 3), done.stderr
    assert "cut off" in done.stdout
    runs = lab.runs()
    (killed,) = (run for run in runs if run.exit_status != "success")
    again = runs[runs.index(killed) + 1]
    assert (killed.exit_status, killed.start.attempt, again.start.attempt) == ("abort", 1, 2)
    assert killed.start.ordinal == again.start.ordinal
    assert [run.start.ordinal for run in last_attempts(runs)] == [1, 2, 3, 4]
    assert "without a stop document" in str(killed.reason)
    assert all(path.stat().st_size >= size for path, size in measured.items())
    assert lab.call("verify", "runs/c").returncode == done.returncode
    results = json.loads((lab.campaign / "derived" / "results.json").read_text())
    assert results["scenarios"]["steps"]["n_runs"]["value"] == 2
    excluded = [run for run in results["runs"] if not run["included"]]
    assert [run["status"] for run in excluded if run["status"] != "success"] == ["abort"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_with_a_stop_document_and_no_load(lab: LabUnderTest, number: signal.Signals) -> None:
    process = lab.start("run")
    lab.wait_for_load(process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=HANGS_S)
    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    assert lab.loads() == []
    last = lab.runs()[-1]
    assert last.stop is not None
    assert last.stop.exit_status == "abort"
    assert last.manifest_sha256 == lab.entries("run-end")[-1]["manifest"]


def test_unplugging_the_meter_in_mid_run_is_a_gap_and_the_run_succeeds(lab: LabUnderTest) -> None:
    (lab.folder / "steps.py").write_text(STEPS.replace('"1.0"', '"4.0"'))
    lab.write(LAB.replace("repetitions = 2", "repetitions = 1"))
    process = lab.start("run")
    lab.wait_for_load(process)
    control = lab.folder / "runs" / ".embedded" / "meter-wall.control"
    time.sleep(1.5)
    control.write_text("unplug\n")
    time.sleep(1.5)
    control.write_text("replug\n")
    _, errors = process.communicate(timeout=HANGS_S)
    assert process.returncode in (0, 3), errors
    steps = next(run for run in lab.runs() if run.start.scenario == "steps")
    assert steps.exit_status == "success"
    assert [event.cause for event in steps.events if isinstance(event, GapEvent)].count("unplugged") == 1
    results = json.loads((lab.campaign / "derived" / "results.json").read_text())
    assert any(finding["code"] == "gap" for finding in results["findings"])


def test_a_failing_command_is_kept_tried_again_and_then_named(lab: LabUnderTest) -> None:
    (lab.folder / "steps.py").write_text("import sys\nprint('no such data set', file=sys.stderr)\nsys.exit(3)\n")
    done = lab.call("run")
    assert done.returncode == 1
    assert "exit code 3 after 'no such data set'" in done.stderr
    failed = [run for run in lab.runs() if run.exit_status == "fail"]
    assert [run.start.attempt for run in failed] == [1, 2]
    assert "no such data set" in (failed[0].path / "artifacts" / "stderr.txt").read_text()
    assert lab.call("verify", "runs/c").returncode == 0


def test_a_changed_lab_toml_does_not_continue_another_campaign(lab: LabUnderTest) -> None:
    lab.write(LAB.replace('["{python}", "steps.py", "MARKER"]', '["{python}", "-c", "pass", "MARKER"]'))
    assert lab.call("run").returncode in (0, 3)
    lab.write(LAB.replace("duration_s = 2", "duration_s = 3"))
    done = lab.call("run")
    assert done.returncode == 1
    assert "baseline.duration_s" in done.stderr
    assert "campaign.name" in done.stderr


def test_the_embedded_lab_serves_one_wattlab_at_a_time(lab: LabUnderTest) -> None:
    process = lab.start("run")
    lab.wait_for_load(process)
    second = lab.call("check")
    assert (second.returncode, "another wattlab uses this embedded lab" in second.stderr) == (1, True)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=HANGS_S)


def test_check_lists_every_reason_at_once(lab: LabUnderTest) -> None:
    unreachable = LAB.replace('host = "embedded"', 'host = "127.0.0.1"\nport = 1')
    lab.write(unreachable.replace('port = "embedded"', 'port = "/dev/ttyNOMETER"'))
    done = lab.call("check")
    assert done.returncode == 1
    assert done.stdout.count("REFUSED") >= 2
    assert "/dev/ttyNOMETER" in done.stdout
    assert not lab.campaign.exists()


def addresses_listened_at(pid: int) -> list[str]:
    """Where a process and all it started wait for connections."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return [
        connection.laddr.ip
        for member in family
        for connection in member.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]


METERS = """\
[meters.second]
driver = "tasmota"
port = "embedded"
circuit = "sut-ac-inlet"
[meters.gpu]
driver = "wt310"
port = "embedded"
circuit = "gpu-supply"
options = { voltage_range_v = 300, current_range_a = 1 }
[scenarios.steps]
"""


def test_three_meters_over_three_kinds_of_wire_give_one_sum_and_a_cross_check(lab: LabUnderTest) -> None:
    text = LAB.replace("[scenarios.steps]\n", METERS).replace("repetitions = 2", "repetitions = 1")
    lab.write(text.replace("reconnect_s = 5", 'reconnect_s = 5\ncircuits = ["sut-ac-inlet", "gpu-supply"]'))
    process = lab.start("run")
    lab.wait_for_load(process)
    listening = addresses_listened_at(process.pid)
    _, errors = process.communicate(timeout=HANGS_S)
    assert process.returncode == 0, errors
    assert len(listening) >= 2  # sshd, and the meter that speaks HTTP
    assert set(listening) == {"127.0.0.1"}
    results = json.loads((lab.campaign / "derived" / "results.json").read_text())
    roles = {meter["meter"]: (meter["role"], meter["ranging"]) for meter in results["meters"]}
    assert roles == {
        "wall": ("headline", "none"), "second": ("cross-check", "none"), "gpu": ("headline", "fixed")
    }  # fmt: skip
    assert results["measurement"]["circuits"] == ["gpu-supply", "sut-ac-inlet"]
    (check,) = results["cross_checks"]
    assert check["meters"] == ["wall", "second"]
    assert check["limit"] is None  # nobody states limits of error for a plug
    codes = [finding["code"] for finding in results["findings"]]
    assert "cross-check-open" in codes
    assert "auto-range" not in codes
    for run in results["runs"]:
        parts = [
            float(line.split(",")[1])
            for meter in ("wall", "gpu")
            for line in (lab.campaign / run["folder"] / f"readings-{meter}.csv").read_text().splitlines()[2:-2]
        ]
        assert run["mean_power_w"]["value"] > 1.5 * min(parts)  # the sum of two, each at least the idle power


def test_the_ranging_run_leaves_the_ranges_to_the_meter_and_says_which_to_fix(lab: LabUnderTest) -> None:
    gpu_alone = METERS[METERS.index("[meters.gpu]") :].replace("gpu-supply", "sut-ac-inlet").replace("gpu]", "wall]")
    begin, end = LAB.index("[meters.wall]"), LAB.index("[scenarios.steps]\n")
    lab.write(LAB[:begin] + gpu_alone + LAB[end + len("[scenarios.steps]\n") :])
    done = lab.call("run", "--ranging")
    assert done.returncode == 0, done.stderr
    (kept,) = (lab.folder / "runs").glob("c-ranging-*")
    runs = CampaignFolder(kept).runs()
    assert sorted(run.start.kind for run in runs) == ["baseline", "scenario"]
    assert {run.power[0].ranging for run in runs} == {"auto"}
    tables = [(run.path / "readings-wall.csv").read_text().splitlines() for run in runs]
    column = tables[0][0].split(",").index("current_a")
    highest_a = max(float(row.split(",")[column]) for rows in tables for row in rows[1:])
    steps_a = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
    expected_a = min(step for step in steps_a if step >= 1.1 * highest_a)
    assert f"current_range_a = {expected_a:g} }}" in done.stdout
    assert "voltage_range_v = 300" in done.stdout
    assert "it is no measurement" in done.stdout
    assert not lab.campaign.exists()
