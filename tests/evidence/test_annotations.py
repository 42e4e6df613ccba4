"""A note stands beside the runs, chained; an exclusion is visible wherever the campaign is shown."""

import json
import shutil
from pathlib import Path

import pytest

from harness import cli
from harness.evidence.annotations import annotate
from harness.evidence.verification import verify
from harness.record.campaign_folder import ANNOTATIONS, CampaignFolder
from harness.record.errors import EvidenceBroken, RunFolderError
from harness.record.plain_files import sha256_of
from harness.record.verify import verify_campaign
from reports.campaign.analyse import analyse
from tests.campaign_results import complete
from tests.documents import write_report, write_results
from tests.evidence.forger import copied


@pytest.fixture
def campaign(unsigned: Path, tmp_path: Path) -> Path:
    return copied(unsigned, tmp_path)


def scenario_run(campaign: Path) -> str:
    return next(r.path.name for r in CampaignFolder(campaign).runs() if r.start.kind == "scenario")


def test_an_excluded_run_leaves_the_means_with_who_when_and_why(campaign: Path) -> None:
    before, name = complete(analyse(campaign)), scenario_run(campaign)
    annotate(campaign, name, operator="A. Operator", text="the fan failed", exclude="fan failure")
    after = complete(analyse(campaign))
    [run] = [run for run in after["runs"] if run["folder"] == name]
    assert run["included"] is False
    assert run["excluded_because"].startswith("excluded by A. Operator, 20")
    assert run["excluded_because"].endswith(": fan failure")
    assert run["energy_wh"] == next(r["energy_wh"] for r in before["runs"] if r["folder"] == name)
    counts = [found["scenarios"]["cnn"]["n_runs"]["value"] for found in (before, after)]
    assert counts == [3, 2]
    assert after["scenarios"]["cnn"]["n_excluded"]["value"] == 1
    [finding] = [one for one in after["findings"] if one["code"] == "excluded-by-operator"]
    assert (finding["severity"], finding["subject"]) == ("warn", name)
    assert {finding["evidence"][key] for key in ("operator", "reason", "text")} == {
        "A. Operator",
        "fan failure",
        "the fan failed",
    }


def test_an_exclusion_and_a_note_stand_in_the_report_as_text(campaign: Path) -> None:
    annotate(campaign, scenario_run(campaign), operator="<i>me</i>", text="smoke", exclude="a <b>fire</b>")
    annotate(campaign, None, operator="me", text="measured on a Sunday", exclude=None)
    html = write_report(campaign).read_text()
    assert "a &lt;b&gt;fire&lt;/b&gt;" in html
    assert "&lt;i&gt;me&lt;/i&gt;" in html
    assert "measured on a Sunday" in html
    assert "<b>fire" not in html


def test_a_note_alone_moves_no_number(campaign: Path) -> None:
    before = complete(analyse(campaign))
    annotate(campaign, "2", operator="me", text="a door was opened", exclude=None)
    after = complete(analyse(campaign))
    assert {key for key in before if before[key] != after[key]} <= {"findings", "runs", "verdict"}
    assert [run["energy_wh"] for run in before["runs"]] == [run["energy_wh"] for run in after["runs"]]
    assert before["scenarios"] == after["scenarios"]


def test_a_sealed_run_is_never_touched(campaign: Path) -> None:
    name = scenario_run(campaign)
    files = {path: sha256_of(path) for path in (campaign / name).rglob("*") if path.is_file()}
    annotate(campaign, name, operator="me", text="t", exclude="r")
    assert {path: sha256_of(path) for path in (campaign / name).rglob("*") if path.is_file()} == files
    assert all(check.passed for check in verify_campaign(campaign))


def test_the_notes_are_a_chain_of_their_own_campaign(campaign: Path, tmp_path: Path) -> None:
    for text in ("one", "two", "three"):
        annotate(campaign, None, operator="me", text=text, exclude=None)
    log = campaign / ANNOTATIONS
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0] + lines[2])
    with pytest.raises(EvidenceBroken, match=r"annotations.jsonl:2: the chain is broken"):
        CampaignFolder(campaign).annotations.entries()
    assert any(one.name == "annotations" and not one.passed for one in verify_campaign(campaign))
    assert any(one.code == "broken-seal" for one in analyse(campaign).numbers.findings)
    other = CampaignFolder.create(tmp_path / "other")
    other.append("campaign", "2026-11-21T10:00:00Z", {"schema": 1, "name": "other"})
    shutil.copyfile(log, other.path / ANNOTATIONS)
    with pytest.raises(EvidenceBroken, match=r"annotations.jsonl:1: the chain is broken"):
        other.annotations.entries()


def test_results_from_before_an_exclusion_no_longer_verify(campaign: Path) -> None:
    annotate(campaign, scenario_run(campaign), operator="me", text="t", exclude="r")
    failed = {one.name for one in verify(campaign, None).failed}
    assert {"results", "findings"} <= failed
    write_results(campaign)
    assert verify(campaign, None).failed == []


@pytest.mark.parametrize(
    ("run", "exclude", "message"),
    [
        ("99", "r", "no run '99' in its log"),
        ("../study", "r", "no run '../study' in its log"),
        (None, "r", "an exclusion needs a run and a reason"),
        ("1", " ", "an exclusion needs a run and a reason"),
    ],
)
def test_a_note_on_nothing_is_refused(campaign: Path, run: str | None, exclude: str, message: str) -> None:
    with pytest.raises(RunFolderError, match=message):
        annotate(campaign, run, operator="me", text="t", exclude=exclude)
    assert not (campaign / ANNOTATIONS).exists()


def test_the_command_notes_who_by_default_the_login_name(campaign: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["annotate", str(campaign), "1", "--text", "x", "--exclude", "y", "--operator", "me"]) == 0
    assert "-r01-" in capsys.readouterr().out
    [entry] = [json.loads(line) for line in (campaign / ANNOTATIONS).read_bytes().splitlines()]
    assert (entry["operator"], entry["text"], entry["exclude"]) == ("me", "x", "y")
