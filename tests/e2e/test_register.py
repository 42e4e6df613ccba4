"""The instrument register through the command line: refused, labelled, cited in the report."""

import json
from pathlib import Path

import pytest

from tests.e2e.test_campaign import LAB, LabUnderTest

pytestmark = pytest.mark.timeout(900)
REGISTER = """\
schema = 1
[instruments.plug]
maker = "Electronic Educational Devices"
model = "Watts up? PRO"
[[instruments.plug.certificates]]
number = "K-2024-<b>7</b>"
laboratory = "Cal lab"
date = 2024-01-10
expires = 2025-01-10
k = 2
points = [{ load_w = 50.0, error_w = 0.5, U_w = 0.1 }]
"""
REGISTERED = (
    LAB.replace('operator = "', 'instruments = "instruments.toml"\noperator = "')
    .replace('circuit = "', 'instrument = "plug"\ncircuit = "')
    .replace("repetitions = 2", "repetitions = 1")
)


def lab(folder: Path, text: str) -> LabUnderTest:
    made = LabUnderTest(folder)
    made.write(text)
    (folder / "instruments.toml").write_text(REGISTER)
    return made


def test_check_asks_everything_of_the_embedded_lab_and_an_expired_certificate_refuses(tmp_path: Path) -> None:
    strict = lab(tmp_path, REGISTERED.replace('instruments = "', 'expired_instrument = "refuse"\ninstruments = "'))
    done = strict.call("check", "--all")
    assert (done.returncode, done.stderr) == (1, "")
    told = " ".join(done.stdout.split())
    assert "REFUSED meter wall certificate K-2024-<b>7</b> of Cal lab, 2024-01-10 expired on 2025-01-10" in told
    assert "1 reason not to start." in told
    for topic in (
        "identity", "disk", "governor", "turbo", "idle-states", "battery", "temperature", "clock-sync", "foreign-load",
        "swap", "updates-automatic", "users", "timers", "cron",
    ):  # fmt: skip
        assert f" SUT {topic} " in told
    assert not strict.campaign.exists()
    refused = strict.call("run")
    assert refused.returncode == 1
    assert "not started" in refused.stderr
    assert "meter wall: certificate K-2024-<b>7</b> of Cal lab, 2024-01-10 expired" in refused.stderr
    assert not strict.campaign.exists()


def test_a_labelled_run_cites_its_certificate_in_descriptor_findings_and_report(tmp_path: Path) -> None:
    labelled = lab(tmp_path, REGISTERED)
    done = labelled.call("run")
    assert done.returncode in (0, 3), done.stderr
    assert "Traceback" not in done.stderr
    for run in labelled.runs():
        calibration = run.power[0].calibration
        assert calibration is not None
        assert (calibration["instrument"], calibration["matched_by"]) == ("plug", "name")
        assert calibration["points"] == [{"load_w": 50.0, "error_w": 0.5, "U_w": 0.1}]
        assert (run.path / "inputs" / "instruments.toml").read_text() == REGISTER
        assert "instruments.toml" in run.start.inputs
    results = json.loads((labelled.campaign / "derived" / "results.json").read_text())
    (finding,) = [finding for finding in results["findings"] if finding["code"] == "calibration-expired"]
    assert finding["subject"] == "wall"
    assert finding["evidence"]["state"] == "expired"
    assert finding["evidence"]["runs"] == len(labelled.runs())
    assert {row["subject"] for row in results["campaign"]["preflight"]} >= {"meter wall"}
    page = (labelled.campaign / "derived" / "report.html").read_text()
    assert (
        "K-2024-&lt;b&gt;7&lt;/b&gt;, Cal lab; 2024-01-10 to 2025-01-10; 50 W: error 0.5000 W, U 0.1000 W (k = 2)"
        in page
    )
    assert "Before the start" in page
    assert labelled.call("verify", "runs/c").returncode == done.returncode
