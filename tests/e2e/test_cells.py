"""A campaign of two crossed factors through the command line, from the plan to a signature that a changed level breaks;
and a study that reads its factors."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.record.levels import are_same
from tests.e2e.test_campaign import LAB, LabUnderTest, last_attempts
from tests.evidence.forger import journal_of, unlock, write_journal

pytestmark = pytest.mark.timeout(900)
CROSSED = LAB.replace('["{python}", "steps.py", "MARKER"]', '["{python}", "steps.py", "MARKER", "{mode}"]')
CROSSED = CROSSED.replace("repetitions = 2", "parameters = { size = 1 }\nrepetitions = 2")
CROSSED += '[scenarios.steps.factors]\nmode = ["fast", "slow"]\nsize = [16, 32]\nframework = "none"\n'
PROGRAM = """\
import json, os, pathlib, sys, time
time.sleep(2.5)
told = {"mode": sys.argv[2], **json.loads(os.environ["WATTLAB_PARAMETERS"])}
(pathlib.Path(os.environ["WATTLAB_ARTIFACTS"]) / "result.json").write_text(json.dumps(told))
"""
STUDY = """\
schema = 1
[study]
name = "crossed"
title = "Two crossed factors"
alpha = 0.05
[campaigns.c]
folder = "runs/c"
[factors.mode]
title = "Mode"
column = "factor.mode"
levels = ["fast", "slow"]
[factors.size]
title = "Size"
column = "factor.size"
levels = ["16", "32"]
[responses.energy]
title = "Energy"
formula = "energy_wh"
unit = "Wh"
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabUnderTest]:
    lab = LabUnderTest(tmp_path)
    lab.write(CROSSED)
    (tmp_path / "steps.py").write_text(PROGRAM)
    yield lab
    assert lab.loads() == [], "a load was left running on the SUT"


def test_two_crossed_factors_from_the_plan_to_a_signature(lab: LabUnderTest) -> None:
    shown = lab.call("plan").stdout
    assert next(line.split() for line in shown.splitlines() if "none" in line) == [
        "steps.mode-fast.size-16", "fast", "16", "none", "2",
    ]  # fmt: skip
    done = lab.call("run")
    assert done.returncode in (0, 3), done.stderr
    runs = [run for run in last_attempts(lab.runs()) if run.start.kind == "scenario"]
    assert [run.start.repetition for run in runs] == [1] * 4 + [2] * 4
    planned = {run["ordinal"]: run for run in lab.entries("plan")[0]["runs"]}
    for run in runs:
        cell, told = run.start.cell or {}, json.loads((run.path / "artifacts" / "result.json").read_text())
        assert are_same({"mode": told["mode"], "size": told["size"], "framework": "none"}, cell)
        assert are_same(planned[run.start.ordinal]["cell"], cell)
        assert run.start.scenario == f"steps.mode-{cell['mode']}.size-{cell['size']}"
    results = json.loads((lab.campaign / "derived" / "results.json").read_text())
    assert {name: part["cell"] for name, part in results["scenarios"].items()} == {
        run.start.scenario: run.start.cell for run in runs
    }
    assert {part["n_runs"]["value"] for part in results["scenarios"].values()} == {2}
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", lab.folder / "key"], check=True)
    assert lab.call("report", "runs/c").returncode == done.returncode
    signed = lab.call("sign", "runs/c", "--key", "key")
    assert signed.returncode == 0, signed.stderr
    verified = lab.call("verify", "runs/c", "--public-key", "key.pub")
    assert verified.returncode == 0, verified.stdout
    (lab.folder / "study.toml").write_text(STUDY)
    studied = lab.call("study", "report", "study.toml", "--json")
    assert studied.returncode == 0, studied.stderr
    counted = [cell["n"] for cell in json.loads(studied.stdout)["descriptive"][0]["cells"]]
    assert counted == [2, 2, 2, 2]
    shutil.copytree(lab.campaign, lab.folder / "forged" / "c")
    forged = lab.folder / "forged" / "c" / runs[0].path.name
    unlock(forged)
    documents = journal_of(forged)
    documents[0]["cell"]["mode"] = {"fast": "slow", "slow": "fast"}[documents[0]["cell"]["mode"]]
    write_journal(forged, documents)
    told = lab.call("verify", "forged/c", "--public-key", "key.pub")
    assert told.returncode == 3
    assert f"{runs[0].path.name} was planned with the cell" in told.stdout.replace("\n", " ")
