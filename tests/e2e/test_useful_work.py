"""A server that counts its requests: a campaign by the command line, with the factor that its scenario declares."""

import json
from pathlib import Path

import pytest

from tests.e2e.test_campaign import LAB, LabUnderTest

pytestmark = pytest.mark.timeout(600)
SCENARIO = """\
schema = 1
name = "server"
title = "A server"
kind = "scenario"
command = ["{python}", "serve.py"]
files = ["serve.py"]
artifacts = ["summary.json"]
repeats = "batch"
[[work]]
name = "requests_per_j"
title = "requests answered"
key = "requests"
unit = "1/J"
"""
PROGRAM = """\
import json, os, pathlib, time
from wattlab_markers import action, work
for batch in range(3):
    with action("batch"):
        time.sleep(1)
        work(documents=400)
(pathlib.Path(os.environ["WATTLAB_ARTIFACTS"]) / "summary.json").write_text(json.dumps({"requests": 7200}))
"""


def test_requests_by_joule_from_the_declaration_to_the_terminal(tmp_path: Path) -> None:
    lab = LabUnderTest(tmp_path)
    head, _, _ = LAB.partition("[scenarios.steps]")
    lab.write(f'{head}[scenarios.server]\nfolder = "server"\nrepetitions = 2\n')
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "scenario.toml").write_text(SCENARIO)
    (tmp_path / "server" / "serve.py").write_text(PROGRAM)
    done = lab.call("run")
    assert done.returncode in (0, 3), done.stderr
    assert "requests answered per J" in done.stdout
    derived = lab.campaign / "derived"
    part = json.loads((derived / "results.json").read_text())["scenarios"]["server"]
    factor = part["efficiency"]["per_total"]["requests_per_j"]
    assert list(part["efficiency"]["per_total"]) == ["requests_per_j", "documents_per_wh"]
    assert factor["value"] == pytest.approx(7200 / (part["energy_wh"]["value"] * 3600), rel=1e-9)
    assert [row["name"] for row in part["epochs"]] == ["batch"] * 3
    assert "requests answered per J" in (derived / "report.html").read_text()
    [per_document] = part["energy_per_work"]
    assert per_document["energy_wh"]["value"] == pytest.approx(part["energy_wh"]["value"] / 1200)
    assert [row["energy_per_work"][0]["amount"]["value"] for row in part["epochs"]] == [400] * 3
    assert "energy of 1000 documents: " in done.stdout
    checked = lab.call("verify", "runs/c")
    assert checked.returncode == 0, checked.stdout
