"""What an archive cannot be without being told so: no index, an older copy, a campaign that was taken out of it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import main
from harness.evidence.annotations import annotate
from harness.evidence.archive_checks import verify
from harness.evidence.archives import add
from harness.record.campaign_folder import CampaignFolder
from harness.record.seal import MANIFEST
from reports.archive.compaction import compact, faults
from reports.archive.errors import ArchiveError
from reports.archive.index import entries, newest
from reports.archive.store import Store
from tests.reports.make_campaign import Load, Shape, make_campaign

SHAPE = Shape(loads={"cnn": Load(52.0, 34.0, epochs=1)}, repetitions=2, baseline_blocks=2, duration_s=10, gpu=False)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_campaign(tmp_path_factory.mktemp("campaigns"), SHAPE)


@pytest.fixture
def store(campaign: Path, tmp_path: Path) -> Store:
    store = Store(str(tmp_path / "archive"))
    add(campaign, store, raw=True, key=None)
    return store


def copy(campaign: Path, folder: Path) -> Path:
    """A copy of a campaign whose files may be changed."""
    shutil.copytree(campaign, folder / campaign.name)
    for path in (folder / campaign.name).rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder / campaign.name


def index_of(store: Store) -> Path:
    return Path(store.path("index"))


def test_an_archive_without_an_index_was_not_verified(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(index_of(store))
    assert main(["archive", "verify", store.url]) == 1
    assert "nothing was checked" in capsys.readouterr().err


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(index_of(store))
    index_of(store).write_text("")  # root reads every folder, and no file as one
    for verb in ("verify", "list"):
        assert main(["archive", verb, store.url]) == 1
        assert "index" in capsys.readouterr().err


def test_a_run_without_a_seal_is_told_and_grows_into_the_sealed_one(
    campaign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    underway, into = copy(campaign, tmp_path / "early"), str(tmp_path / "archive")
    log = CampaignFolder(underway).log.path
    last = next(line for line in reversed(log.read_text().splitlines()) if '"run-end"' in line)
    log.write_text(log.read_text()[: log.read_text().index(last)])
    (underway / json.loads(last)["folder"] / MANIFEST).unlink()
    assert main(["archive", "add", str(underway), "--into", into, "--raw"]) == 0
    assert "1 run of" in capsys.readouterr().out
    assert any("1 without a seal" in check.detail for check in verify(Store(into), campaign.name, None))
    add(campaign, Store(into), raw=True, key=None)
    assert all(check.passed for check in verify(Store(into), campaign.name, None))


def test_an_older_copy_does_not_take_the_place_of_a_newer_one(campaign: Path, store: Store, tmp_path: Path) -> None:
    noted = copy(campaign, tmp_path / "noted")
    run = next(run for run in entries(store)[0].runs if "-r02-" in run)
    annotate(noted, run, operator="A. Operator", text="the window was open", exclude="the room was cold")
    add(noted, store, raw=True, key=None)
    with pytest.raises(ArchiveError, match=r"annotations\.jsonl of it that goes on or goes otherwise"):
        add(campaign, store, raw=True, key=None)


def test_what_was_packed_and_is_gone_or_older_is_found(campaign: Path, store: Store, tmp_path: Path) -> None:
    before = store.read(newest(store)[campaign.name])
    noted = copy(campaign, tmp_path / "noted")
    run = next(run for run in entries(store)[0].runs if "-r02-" in run)
    annotate(noted, run, operator="A. Operator", text="the window was open", exclude="the room was cold")
    add(noted, store, raw=True, key=None)
    compact(store)
    assert list(faults(store)) == []
    (index_of(store) / f"{campaign.name}.2.json").unlink()
    assert any("is not there" in fault for fault in faults(store))
    (index_of(store) / f"{campaign.name}.1.json").write_bytes(before)
    assert any("is at revision 1" in fault for fault in faults(store))


def test_what_the_index_says_of_a_campaign_follows_from_its_sealed_files(campaign: Path, store: Store) -> None:
    path = Path(store.path(newest(store)[campaign.name]))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"customer": "another", "verdict": "valid"}))
    (check,) = [check for check in verify(store, campaign.name, None) if check.name == "computed"]
    assert not check.passed
    assert "customer of" in check.detail


def test_an_entry_that_cannot_be_read_is_one_failed_check_and_the_others_are_looked_at(
    campaign: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_campaign(tmp_path, replace(SHAPE, name="other"))
    add(other, store, raw=True, key=None)
    path = Path(store.path(newest(store)[campaign.name]))
    path.write_bytes(store.read(newest(store)["other"]))
    assert main(["archive", "verify", store.url, "--json"]) == 3
    told = json.loads(capsys.readouterr().out)["checks"]
    failed = [check for check in told if not check["passed"]]
    assert [(check["subject"], check["name"]) for check in failed] == [(campaign.name, "entry")]
    assert "under another name" in failed[0]["detail"]
    assert {check["name"] for check in told if check["subject"] == "other"} >= {"sealed", "computed"}
    assert main(["archive", "verify", store.url, "nobody"]) == 1


def test_a_campaign_that_is_refused_keeps_out_no_other(
    campaign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forged, into = copy(campaign, tmp_path / "forged"), str(tmp_path / "archive")
    other = make_campaign(tmp_path, replace(SHAPE, name="other"))
    next(forged.glob("*/readings-*.csv")).write_text("time_ns,power_w\n")
    assert main(["archive", "add", str(tmp_path / "none"), str(forged), str(other), "--into", into]) == 1
    told = capsys.readouterr()
    assert [entry.name for entry in entries(Store(into))] == ["other"]
    assert "refused  none" in told.out
    assert "added    other" in told.out
    assert "it is not as it was sealed" in told.err
    assert "2 of 3 campaigns were not added; the others were" in told.err
