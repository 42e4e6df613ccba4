"""A search through the command line: real sshd on loopback, an emulated meter; killed while a trial runs, continued,
reported, verified."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.record.campaign_folder import CampaignFolder
from harness.record.searches import trials_of
from tests.e2e.test_campaign import LAB, LabUnderTest

pytestmark = pytest.mark.timeout(900)
SEARCHING = LAB.replace('artifacts = ["result.json"]\nrepetitions = 2', 'artifacts = ["summary.json"]\nrepetitions = 1')
SEARCHING += """\
parameters = { rate = 0.01, width = 16 }
[scenarios.steps.search]
strategy = "bayes-pi"
rounds = 3
objective = "quality.score"
[scenarios.steps.search.space]
rate = { low = 1e-4, high = 1e-1, scale = "log" }
width = { choices = [16, 32, 64] }
"""
PROGRAM = """\
import json, math, os, pathlib, time
time.sleep(4)
given = json.loads(os.environ["WATTLAB_PARAMETERS"])
score = given["width"] / 64 - abs(math.log10(given["rate"]) + 3)
path = pathlib.Path(os.environ["WATTLAB_ARTIFACTS"]) / "summary.json"
path.write_text(json.dumps({"quality": {"score": score}, "given": given}))
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabUnderTest]:
    lab = LabUnderTest(tmp_path)
    lab.write(SEARCHING)
    (tmp_path / "steps.py").write_text(PROGRAM)
    yield lab
    assert lab.loads() == [], "a load was left running on the SUT"


def test_a_search_is_killed_continued_reported_and_verified(lab: LabUnderTest) -> None:
    planned = json.loads(lab.call("plan", "--json").stdout)["runs"]
    assert [(run["search"], run["trial"]) for run in planned if run["kind"] == "scenario"] == [(1, 1), (1, 2), (1, 3)]
    first = lab.start("run")
    lab.wait_for_load(first)
    time.sleep(2)  # the meter speaks once a second
    first.send_signal(signal.SIGKILL)
    first.communicate()
    stored = [entry["values"] for entry in lab.entries("suggestion")]
    assert len(stored) == 1
    done = lab.call("run")
    assert done.returncode in (0, 3), done.stderr
    assert "search 1 trial 3" in done.stdout
    assert [entry["values"] for entry in lab.entries("suggestion")][:1] == stored
    results = json.loads((lab.campaign / "derived" / "results.json").read_text())
    (search,) = results["searches"]
    assert (search["ended"], search["without_value"], search["host"]["energy_wh"]) == (3, 0, None)
    assert [cut["trial"] for cut in search["cut"]] == [1]
    assert search["cut"][0]["energy_wh"]["value"] > 0
    assert search["energy_wh"]["n"] == 4
    for trial, logged in zip(search["trials"], trials_of(CampaignFolder(lab.campaign).entries()), strict=True):
        left = json.loads((lab.campaign / trial["folder"] / "artifacts" / "summary.json").read_text())
        assert left["given"] == trial["values"]
        assert logged.registered is not None
        assert trial["objective"] == logged.registered.value == left["quality"]["score"]
    assert "Trials of the searches" in (lab.campaign / "derived" / "report.html").read_text()
    verified = lab.call("verify", "runs/c")
    assert verified.returncode == done.returncode, verified.stdout
