"""Ordinary accidents in a whole campaign: processes stopped across the end of a run, a meter that is gone for a while,
a closed terminal. What comes out is right, or thrown out and measured again."""

import json
import signal
import time
from typing import Any

import psutil
import pytest

from harness.record.documents import GapEvent
from harness.record.verify import verify_campaign
from tests.e2e.test_campaign import HANGS_S, LAB, STEPS, LabUnderTest, lab, wait_for

__all__ = ["lab"]  # the fixture
pytestmark = pytest.mark.timeout(900)

BUSY = """
import time
begin_ns = time.monotonic_ns()
while time.monotonic_ns() < begin_ns + 2_000_000_000:
    pass
"""


def agent_of(lab: LabUnderTest) -> psutil.Process:
    """The agent of the lab's SUT; its waiter has the same command line."""
    folder = str(lab.folder / "runs" / ".embedded")
    serving = {
        process.pid: process
        for process in psutil.process_iter(["cmdline", "ppid"])
        if "serve" in (words := process.info["cmdline"] or []) and any(folder in word for word in words)
    }
    (agent,) = (process for process in serving.values() if process.info["ppid"] not in serving)
    return agent


def stop(processes: list[psutil.Process], duration_s: float) -> None:
    for process in processes:
        process.suspend()
    time.sleep(duration_s)
    for process in processes:
        process.resume()


def wait_until_begun(lab: LabUnderTest, runs: int) -> None:
    """Until so many attempts stand in the campaign's log."""
    log = lab.campaign / "campaign.jsonl"
    wait_for(lambda: log.is_file() and log.read_text().count('"type":"run-begin"') >= runs, HANGS_S)


def results_of(lab: LabUnderTest) -> Any:  # noqa: ANN401  JSON
    return json.loads((lab.campaign / "derived" / "results.json").read_text())


def test_a_stopped_agent_changes_nothing_and_a_frozen_run_is_measured_again(lab: LabUnderTest) -> None:
    (lab.folder / "steps.py").write_text(BUSY)
    lab.write(LAB.replace('artifacts = ["result.json"]\n', ""))
    process = lab.start("run")
    lab.wait_for_load(process)
    stop([agent_of(lab)], 3.4)
    wait_for(lambda: len(lab.entries("run-end")) >= 2, HANGS_S)
    lab.wait_for_load(process)
    agent = agent_of(lab)
    stop([agent, *agent.children()], 3.4)
    output, errors = process.communicate(timeout=HANGS_S)
    assert process.returncode in (0, 3), errors
    ends = lab.entries("run-end")
    assert [end["ordinal"] for end in ends] == [1, 2, 3, 3, 4]
    assert [end["thrown_out"] for end in ends] == [
        None, None, "it was frozen, or a machine stood still, while it ran", None, None
    ]  # fmt: skip
    assert "planned runs are in no mean" not in output
    results = results_of(lab)
    late, frozen, again = (run for run in results["runs"] if run["scenario"] == "steps")
    assert [run["included"] for run in (late, frozen, again)] == [True, False, True]
    assert "agent-late" in late["findings"]
    assert "frozen" in frozen["findings"]
    for run in (late, again):
        # The command takes 2 s and what its interpreter takes to start and to end; nobody was stopped for 3.4 s in it.
        assert 2.0 < run["duration_s"]["value"] < 5.0
        assert run["energy_wh"]["value"] * 3600 == pytest.approx(
            run["mean_power_w"]["value"] * run["duration_s"]["value"], rel=1e-9
        )
    assert results["scenarios"]["steps"]["n_runs"]["value"] == 2
    assert [check for check in verify_campaign(lab.campaign) if not check.passed] == []


def test_a_run_with_gaps_is_tried_again_and_the_last_lines_name_one_that_is_in_no_mean(lab: LabUnderTest) -> None:
    (lab.folder / "steps.py").write_text(STEPS.replace('"1.0"', '"1.5"'))
    lab.write(LAB.replace("repetitions = 2", "repetitions = 1"))
    process = lab.start("run")
    control = lab.folder / "runs" / ".embedded" / "meter-wall.control"
    for attempt in (1, 2):
        wait_until_begun(lab, 1 + attempt)
        lab.wait_for_load(process)
        time.sleep(0.5)
        control.write_text("unplug\n")
        time.sleep(1.2)
        control.write_text("replug\n")
    output, errors = process.communicate(timeout=HANGS_S)
    assert process.returncode in (0, 3), errors
    runs = [run for run in lab.runs() if run.start.scenario == "steps"]
    assert [(run.start.attempt, run.exit_status) for run in runs] == [(1, "success"), (2, "success")]
    assert all([event for event in run.events if isinstance(event, GapEvent)] for run in runs)
    said = "1 of 3 planned runs are in no mean:\n  run 2 (steps, repetition 1), 2 times: gaps in its power readings"
    assert said in output
    assert output.rindex(said) > output.rindex("numbers")
    # It is left as it is, and said again.
    again = lab.call("run")
    assert "is done" in again.stdout
    assert said in again.stdout
    assert len(lab.runs()) == 4


def test_a_closed_terminal_ends_the_run_like_sigterm(lab: LabUnderTest) -> None:
    process = lab.start("run")
    lab.wait_for_load(process)
    assert process.stdout is not None
    assert process.stderr is not None
    process.send_signal(signal.SIGHUP)  # first: what is printed before it finds no reader ends the run in another way
    process.stdout.close()
    process.stderr.close()
    assert process.wait(HANGS_S) == 128 + signal.SIGHUP
    assert lab.loads() == []
    last = lab.runs()[-1]
    assert last.stop is not None
    assert (last.exit_status, str(last.reason)[:16]) == ("abort", "ended by SIGHUP;")
