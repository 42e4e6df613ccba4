"""A service that users use, through the command line: the embedded lab's sshd, a real service behind an SSH forward, an
emulated meter, the emulator; sealed, verified, and with a baseline above which it is induced."""

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from harness.record.documents import NoteEvent, PhaseEvent
from harness.record.run_folder import RunFolder
from tests.e2e.test_campaign import LAB, LabUnderTest, last_attempts
from tests.harness.population_files import USERS
from tests.terminal import echo

pytestmark = pytest.mark.timeout(900)
SERVED = LAB[: LAB.index("[scenarios.steps]")].replace("duration_s = 2", "duration_s = 2\nSTATE")
SERVED += """\
[scenarios.serve]
command = ["{python}", "echo.py", "PORT", "MARKER"]
files = ["echo.py"]
population = "visitors.toml"
repetitions = 1
[scenarios.serve.service]
port = PORT
live = "/"
ready = "/v2/health/ready"
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabUnderTest]:
    lab = LabUnderTest(tmp_path)
    shutil.copy(echo.__file__, tmp_path / "echo.py")
    (tmp_path / "visitors.toml").write_text(USERS.replace("stabilization_s = 0.5", "stabilization_s = 2.0"))
    yield lab
    assert lab.loads() == [], "a service was left running on the SUT"


def notes(run: RunFolder) -> dict[str, str]:
    return {event.code: event.text for event in run.events if isinstance(event, NoteEvent)}


def test_a_service_is_started_used_rated_and_ended(lab: LabUnderTest) -> None:
    lab.write(
        SERVED.replace("PORT", str(echo.free_port())).replace("STATE", 'state = "gpu-context"\nscenario = "serve"')
    )
    shown = lab.call("plan").stdout
    assert "population serve" in shown, "the interval is too short for what it declares, and plan says so"
    done = lab.call("run")
    assert done.returncode in (0, 3), done.stderr
    runs = last_attempts(lab.runs())
    assert [run.exit_status for run in runs] == ["success"] * 3
    for block in (run for run in runs if run.start.kind == "baseline"):
        assert block.start.scenario_config["baseline_state"] == "gpu-context"
        assert notes(block)["service-used"].endswith("none failed")
        assert "killed by the host" in notes(block)["service-ended"]
        assert block.tasks == (), "nobody used it in the block"
    (run,) = (run for run in runs if run.start.kind == "scenario")
    (described,) = run.tasks
    assert (described.shape, described.connection, described.seed) == ("users", "forward", run.start.seed)
    tasks = pd.read_csv(run.path / described.stream)
    phased = [event for event in run.events if isinstance(event, PhaseEvent)]
    edges = {event.edge: event.time_ns for event in phased if event.name == "rating"}
    assert edges["end"] - edges["begin"] == 2_000_000_000
    rated = tasks[tasks.phase == "rating"]
    assert rated.intended_ns.between(edges["begin"], edges["end"] - 1).all()
    assert rated.reason.isna().all()
    assert len(rated) > 20
    # The supplementary run goes on until the last of them is complete, and no longer.
    assert [event.name for event in phased if event.edge == "begin"] == [
        "stage", "stabilization", "rating", "supplementary", "unstage",
    ]  # fmt: skip
    assert notes(run)["load-ended"].startswith("complete: ")
    assert all(before.time_ns <= after.time_ns + 2_000_000_000 for before, after in pairwise(run.events))
    assert (run.path / "inputs" / "population.toml").read_bytes() == (lab.folder / "visitors.toml").read_bytes()
    verified = lab.call("verify", "runs/c")
    assert "every byte of runs/c is as it was sealed" in verified.stdout, verified.stdout + verified.stderr


def test_a_service_that_does_not_start_or_is_never_ready_fails_the_run_and_says_why(lab: LabUnderTest) -> None:
    text = SERVED.replace("STATE", "").replace("blocks = 2", "blocks = 1").replace('"echo.py", "PORT"', '"-c", "1/0"')
    lab.write(text.replace("PORT", str(echo.free_port())).replace("seed = 5", "seed = 5\nmax_failed_attempts = 1"))
    done = lab.call("run")
    assert done.returncode == 1, done.stdout
    failed = next(run for run in lab.runs() if run.exit_status == "fail")
    assert failed.reason is not None
    assert "the service ended by itself with exit code 1" in failed.reason
    assert b"ZeroDivisionError" in (failed.path / "artifacts" / "stderr.txt").read_bytes()
