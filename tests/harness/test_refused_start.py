"""A campaign that ends before its first run is begun leaves nothing; one that began a run is kept, whatever ends it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.campaign import Campaign, is_done, locked
from harness.cli.run import opened
from harness.config import LabConfig
from harness.errors import LabNotReady, RunFolderError
from harness.run_folder import CAMPAIGN, CampaignFolder
from tests.harness.test_config import MINIMAL
from tests.harness.test_run_folder import UTC
from tests.harness.test_stages import SOFTWARE, config_of, succeed

NAME = "20261128T100000Z-r01-0123abcd"
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 40


@pytest.fixture
def config(tmp_path: Path) -> LabConfig:
    (tmp_path / "rack.png").write_bytes(PNG)
    return config_of(tmp_path, MINIMAL.replace("[lab]\n", '[lab]\nphotos = ["rack.png"]\n'))


def ended(config: LabConfig, error: BaseException, before: Callable[[Campaign], None] = lambda _: None) -> None:
    def measured() -> None:
        with opened(config) as campaign:
            before(campaign)
            raise error

    with pytest.raises(type(error)):
        measured()


@pytest.mark.parametrize("error", [LabNotReady("no"), KeyboardInterrupt(), RuntimeError("a bug")], ids=repr)
def test_what_is_refused_before_its_first_run_leaves_no_file_and_no_folder(
    config: LabConfig, error: BaseException, tmp_path: Path
) -> None:
    there = sorted(tmp_path.rglob("*"))
    ended(config, error)
    assert sorted(tmp_path.rglob("*")) == there


def test_what_lay_in_the_campaigns_folder_before_stays(config: LabConfig) -> None:
    config.campaign_folder.mkdir(parents=True)
    (config.campaign_folder / "mine.txt").write_text("mine")
    ended(config, LabNotReady("no"))
    assert [path.name for path in config.campaign_folder.iterdir()] == ["mine.txt"]


def test_a_campaign_that_began_a_run_is_kept(config: LabConfig) -> None:
    ended(
        config,
        KeyboardInterrupt(),
        lambda campaign: campaign.folder.append("run-begin", UTC, {"ordinal": 1, "folder": NAME, "attempt": 1}),
    )
    kept = CampaignFolder(config.campaign_folder)
    assert [entry["type"] for entry in kept.entries()] == ["campaign", "plan", "attachment", "run-begin"]


def test_a_campaign_that_was_there_is_kept_though_no_run_of_it_was_begun(config: LabConfig) -> None:
    Campaign(config, SOFTWARE)
    log = (config.campaign_folder / CAMPAIGN).read_bytes()
    ended(config, LabNotReady("no"))
    assert (config.campaign_folder / CAMPAIGN).read_bytes() == log


def test_who_finds_the_campaign_removed_by_another_start_is_told_so(
    config: LabConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = Campaign(config, SOFTWARE)

    def removed(*_: object) -> None:
        shutil.rmtree(config.campaign_folder)

    monkeypatch.setattr("harness.campaign.fcntl.flock", removed)
    with pytest.raises(RunFolderError, match="give the command again"), locked(campaign.folder):
        raise AssertionError


def test_a_complete_campaign_has_no_next_run(config: LabConfig) -> None:
    assert not is_done(config)
    campaign = Campaign(config, SOFTWARE)
    assert not is_done(config)
    succeed(campaign)
    assert is_done(config)
