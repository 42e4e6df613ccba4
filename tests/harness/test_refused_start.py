"""A campaign that ends before its first run is begun leaves nothing; one that began a run is kept, whatever ends it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn, cast

import pytest

from harness.cli import run
from harness.cli.run import opened
from harness.cli.screen import lasting
from harness.measure.agenda import estimate_s, is_done
from harness.measure.campaign import Campaign
from harness.measure.campaign_lock import locked
from harness.measure.embedded import Wires
from harness.measure.lab_file import LabConfig
from harness.measure.plan import PlannedRun
from harness.measure.preflight import of_files
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.errors import LabError, LabNotReady, RunFolderError
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
    assert [entry.TYPE for entry in kept.entries()] == ["campaign", "plan", "attachment", "run-begin"]


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

    monkeypatch.setattr("harness.measure.campaign_lock.fcntl.flock", removed)
    with pytest.raises(RunFolderError, match="give the command again"), locked(campaign.folder):
        raise AssertionError


def test_the_time_left_is_that_of_what_was_measured_and_of_the_pauses() -> None:
    left = [PlannedRun(ordinal=n, kind="scenario", scenario=name, repetition=n, seed=1, block=None)
            for n, name in enumerate("aab", 1)]  # fmt: skip
    estimate = partial(estimate_s, known_s=40.0, pause_s=3.0)
    assert estimate(left, durations_s={}) == 3 * 40.0 + 2 * 3.0
    assert estimate(left, durations_s={"a": [2.0, 4.0]}) == 3 * 3.0 + 2 * 3.0
    assert estimate(left, durations_s={"a": [2.0], "b": [8.0]}) == 2 * 2.0 + 8.0 + 2 * 3.0
    assert estimate([], durations_s={}) == 0.0
    assert [lasting(s) for s in (0.2, 8.4, 89.0, 91.0, 5399.0, 9000.0)] == [
        "1 s", "8 s", "89 s", "2 min", "90 min", "2.5 h",
    ]  # fmt: skip


def test_a_baseline_shorter_than_a_load_is_remarked_with_the_length_that_suffices(tmp_path: Path) -> None:
    load = '[scenarios.load]\nfolder = "workloads/constant-load"\nrepetitions = 2\nparameters = { load_s = 90.0 }\n'
    short = config_of(tmp_path, MINIMAL + load)
    block_s = short.file.baseline.duration_s
    (remark,) = [reason for reason in of_files(short) if "load_s" in reason.text]
    assert remark.severity == "warn"
    assert f"load_s = 90) than a baseline block (baseline.duration_s = {block_s:g})" in remark.text
    assert remark.subject == "baseline"
    assert "a block is to last 90 s at least" in remark.text
    enough = config_of(tmp_path, MINIMAL + load.replace("90.0", f"{block_s}"))
    assert not [reason for reason in of_files(enough) if "load_s" in reason.text]


def test_a_complete_campaign_has_no_next_run(config: LabConfig) -> None:
    assert not is_done(config)
    campaign = Campaign(config, SOFTWARE)
    assert not is_done(config)
    succeed(campaign)
    assert is_done(config)


def test_nothing_is_shown_of_a_campaign_that_does_not_start(config: LabConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    @contextmanager
    def viewed() -> Iterator[None]:
        told.append("an address")
        yield

    def refused(*_: object) -> NoReturn:
        raise LabNotReady("no")

    def begun(*_: object) -> NoReturn:
        raise LabError("the bench")

    monkeypatch.setattr(run, "software_facts", lambda _: SOFTWARE)
    monkeypatch.setattr(run, "check", refused)
    monkeypatch.setattr(run, "open_bench", begun)
    with pytest.raises(LabNotReady):
        run.measure(config, cast("Wires", None), viewed=viewed())
    assert told == []
    monkeypatch.setattr(run, "check", lambda *_: None)
    with pytest.raises(LabError, match="the bench"):
        run.measure(config, cast("Wires", None), viewed=viewed())
    assert told == ["an address"]
