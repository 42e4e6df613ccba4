"""A run that was removed after it began to be recorded is never "cut off before anything was recorded" (attack A6)."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.measure.campaign import Campaign
from harness.measure.lab_file import LabConfig
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Start, encode
from harness.record.run_folder import JOURNAL
from harness.record.run_writer import RunWriter
from harness.record.seal import MANIFEST
from harness.record.verify import verify_campaign
from reports.render import audit_html
from tests.documents import write_results
from tests.evidence.conftest import SHAPE
from tests.evidence.witnessing import cut_back
from tests.harness.start import START
from tests.harness.test_config import MINIMAL
from tests.harness.test_run_folder import UTC
from tests.harness.test_stages import SOFTWARE, config_of
from tests.reports.make_campaign import make_campaign

NAME = "20261128T100000Z-r01-0123abcd"


@pytest.fixture
def config(tmp_path: Path) -> LabConfig:
    return config_of(tmp_path, MINIMAL)


def begin(campaign: Campaign, *, folder: bool, start: bool, logged: bool) -> Path:
    """A run as a kill left it: its folder made, its start document on disk, the log told so."""
    path = campaign.folder.path / NAME
    campaign.folder.append("run-begin", UTC, {"ordinal": 1, "folder": NAME, "attempt": 1})
    digest = ""
    if folder:
        with RunWriter(path) as writer:
            fields: dict[str, Any] = START | {"inputs": {"lab.toml": writer.write_file("inputs/lab.toml", b"x")}}
            digest = writer.begin(Start(**fields)) if start else ""
    if logged:
        campaign.folder.append("run-start", UTC, {"ordinal": 1, "folder": NAME, "start": digest})
    return path


def counts(_run: Path) -> str | None:
    """A judge that throws nothing out."""
    return None


def last(campaign: Campaign) -> dict[str, Any]:
    return campaign.folder.entries()[-1].raw


def test_a_folder_removed_after_its_start_document_was_on_disk_is_gone(config: LabConfig) -> None:
    campaign = Campaign(config, SOFTWARE)
    shutil.rmtree(begin(campaign, folder=True, start=True, logged=True))
    (sentence,) = campaign.seal_cut_off(counts)
    assert "its folder is gone: somebody removed it" in sentence
    assert (last(campaign)["lost"], last(campaign)["manifest"]) == ("gone", None)


def test_a_folder_that_was_never_there_is_gone_too_for_it_is_made_right_after_the_begin(config: LabConfig) -> None:
    campaign = Campaign(config, SOFTWARE)
    begin(campaign, folder=False, start=False, logged=False)
    assert "its folder is not there: removed, or the kill came" in campaign.seal_cut_off(counts)[0]
    assert last(campaign)["lost"] == "gone"


@pytest.mark.parametrize("torn", [b"", b'{"type":"start","sch'])
def test_a_folder_in_which_nothing_was_recorded_yet_is_empty_and_leaves_nothing(config: LabConfig, torn: bytes) -> None:
    campaign = Campaign(config, SOFTWARE)
    path = begin(campaign, folder=True, start=False, logged=False)
    (path / JOURNAL).write_bytes(torn)
    assert "cut off before anything was recorded" in campaign.seal_cut_off(counts)[0]
    assert (last(campaign)["lost"], path.exists()) == ("empty", False)


@pytest.mark.parametrize("emptied", ["journal removed", "journal emptied"])
def test_a_journal_removed_from_its_folder_is_gone_and_what_is_left_stays(config: LabConfig, emptied: str) -> None:
    campaign = Campaign(config, SOFTWARE)
    path = begin(campaign, folder=True, start=True, logged=True)
    if emptied == "journal removed":
        (path / JOURNAL).unlink()
    else:
        (path / JOURNAL).write_bytes(b"")
    assert "its journal is gone" in campaign.seal_cut_off(counts)[0]
    assert last(campaign)["lost"] == "gone"
    assert (path / "inputs" / "lab.toml").exists()


def test_a_run_that_was_cut_off_is_sealed_as_found(config: LabConfig) -> None:
    campaign = Campaign(config, SOFTWARE)
    path = begin(campaign, folder=True, start=True, logged=True)
    campaign.seal_cut_off(counts)
    assert (last(campaign)["lost"], last(campaign)["exit_status"]) == (None, "abort")
    assert (path / MANIFEST).is_file()


def test_a_journal_that_cannot_be_read_does_not_stop_the_campaign(config: LabConfig) -> None:
    campaign = Campaign(config, SOFTWARE)
    path = begin(campaign, folder=True, start=True, logged=True)
    (path / JOURNAL).write_bytes(b"{}\n")
    assert "its journal cannot be read" in campaign.seal_cut_off(counts)[0]
    assert last(campaign)["exit_status"] == "abort"
    assert campaign.seal_cut_off(counts) == []


def test_the_digest_in_the_log_is_that_of_the_start_document_on_disk(tmp_path: Path) -> None:
    import hashlib

    start = Start(**START)
    with RunWriter(tmp_path / "r") as writer:
        digest = writer.begin(start)
    assert digest == hashlib.sha256(encode(start).encode()).hexdigest()
    assert (tmp_path / "r" / JOURNAL).read_text() == encode(start) + "\n"


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six runs, the last of which was made to vanish: killed after the rating, its folder removed, `wattlab run`."""
    shape = replace(SHAPE, duration_s=10)
    made = make_campaign(tmp_path_factory.mktemp("lost"), shape)
    folder = CampaignFolder(made)
    run = next(path for path in folder.run_paths() if "-r05-" in path.name)
    begun, started, *_ = cut_back(made, run.name)
    for other in folder.run_paths()[4:]:
        shutil.rmtree(other)
    body = {"ordinal": 5, "folder": run.name}
    folder.append("run-begin", begun["utc"], body | {"attempt": 1})
    folder.append("run-start", started["utc"], body | {"start": started["start"]})
    lost = {"exit_status": "abort", "reason": "its journal was on disk, and its folder is gone", "manifest": None}
    folder.append("run-end", started["utc"], body | lost | {"lost": "gone", "signature": None, "unsigned": None})
    return made


def test_a_lost_run_is_a_counted_finding(campaign: Path) -> None:
    results = json.loads(write_results(campaign).read_text())
    (finding,) = [one for one in results["findings"] if one["code"] == "run-lost"]
    assert finding["severity"] == "warn"
    assert finding["evidence"]["scenario"] == "cnn"
    (lost,) = results["campaign"]["lost"]
    assert (lost["ordinal"], lost["kind"], lost["scenario"]) == (5, "scenario", "cnn")
    assert results["scenarios"]["cnn"]["n_excluded"]["value"] == 1
    (fraction,) = [one for one in results["findings"] if one["code"] == "success-fraction"]
    assert (fraction["evidence"]["runs"], fraction["evidence"]["in_the_means"]) == (3, 2)
    assert results["verdict"]["word"] != "valid"


def test_the_audit_report_says_that_a_run_was_begun_and_removed(campaign: Path) -> None:
    html = audit_html(campaign, write_results(campaign).read_text())
    assert "1 more was begun and removed: see the findings." in html
    assert "somebody removed what had been recorded of it" in html
    assert "lost: its journal was on disk, and its folder is gone" in html


def test_a_log_of_before_does_not_say_whether_a_folder_was_gone_or_empty(campaign: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(campaign, old)
    entries = CampaignFolder(old).entries()
    (old / "campaign.jsonl").write_bytes(b"")
    log = CampaignFolder(old)
    for entry in entries:
        drop = ("seq", "prev", "utc", "type", "line_sha256", "lost", "signature", "unsigned")
        if entry.TYPE != "run-start":
            log.append(entry.TYPE, entry.utc, {key: entry.raw[key] for key in entry.raw if key not in drop})
    results = json.loads(write_results(old).read_text())
    codes = [finding["code"] for finding in results["findings"]]
    assert "run-lost" not in codes
    assert "run-aborted" in codes
    assert results["scenarios"]["cnn"]["n_excluded"]["value"] == 0
    assert all(check.passed for check in verify_campaign(old))
