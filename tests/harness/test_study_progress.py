"""How far an environment of a study is, and what proves that its analysis was declared before the first run."""

import shutil
import tomllib
from pathlib import Path

import pytest

from harness.evidence.study_progress import progress_of
from harness.record.campaign_folder import CampaignFolder
from harness.record.environments import Environment
from harness.record.seal import seal_folder
from reports.results.environment import EnvironmentProgress

UTC = "2026-11-30T08:00:00Z"
STUDY = """\
[study]
alpha = 0.05
[questions.net]
test = "welch"
[choices.where]
of = "net"
"""
DECLARED_LATE = STUDY.replace('"welch"', '"kruskal"')


def names() -> list[str]:
    return [f"20261130T08000{ordinal}Z-r0{ordinal}-0000000{ordinal}" for ordinal in (1, 2)]


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """A campaign of two sealed runs that keep the study file."""
    folder = CampaignFolder.create(tmp_path / "runs" / "s.a")
    folder.append("campaign", UTC, {"schema": 1, "name": "s.a"})
    for ordinal, name in enumerate(names(), 1):
        body = {"ordinal": ordinal, "folder": name}
        folder.append("run-begin", UTC, body | {"attempt": 1})
        (folder.path / name / "inputs").mkdir(parents=True)
        (folder.path / name / "inputs" / "campaign.toml").write_text(STUDY)
        end = {"exit_status": "success", "reason": None, "manifest": seal_folder(folder.path / name)}
        folder.append("run-end", UTC, body | end)
        for path in [folder.path / name, *(folder.path / name).rglob("*")]:
            path.chmod(0o755)
    return folder.path


def progress(campaign: Path, now: str) -> EnvironmentProgress:
    return progress_of("a", Environment(title="A"), campaign.parent, campaign.name, tomllib.loads(now))


def test_a_sealed_run_that_is_gone_is_named_before_anything_is_planned(campaign: Path) -> None:
    shutil.rmtree(campaign / names()[1])
    planned = progress_of("a", Environment(title="A"), campaign.parent, campaign.name, None)
    assert planned.lacking == (f"run 2 ({names()[1]}) is gone",)


def test_every_part_of_the_analysis_is_held_against_what_the_first_run_kept(campaign: Path) -> None:
    assert (progress(campaign, STUDY).changed, progress(campaign, STUDY).lacking) == ((), ())
    assert progress(campaign, DECLARED_LATE).changed == ("questions.net",)
    more = '[[unmeasured]]\nreason = "x"\n[increases.more]\nover = []\n'
    assert progress(campaign, STUDY.replace('of = "net"', 'of = "size"') + more).changed == (
        "choices.where", "increases.more", "unmeasured[0]",
    )  # fmt: skip


def test_a_study_file_that_was_exchanged_in_the_first_run_proves_nothing(campaign: Path) -> None:
    (campaign / names()[0] / "inputs" / "campaign.toml").write_text(DECLARED_LATE)
    found = progress(campaign, DECLARED_LATE)
    assert found.changed == ()
    assert found.lacking == (f"the study file of run 1 ({names()[0]}) is not the one that was sealed",)
    manifest = campaign / names()[0] / "MANIFEST.sha256"
    manifest.unlink()
    seal_folder(campaign / names()[0])  # sealed anew: the log names another seal
    assert progress(campaign, DECLARED_LATE).lacking == found.lacking
    manifest.unlink()
    assert progress(campaign, DECLARED_LATE).lacking == found.lacking


def test_a_run_that_was_removed_is_named(campaign: Path) -> None:
    shutil.rmtree(campaign / names()[0])
    (campaign / names()[1] / "inputs" / "campaign.toml").write_text(STUDY)
    assert progress(campaign, STUDY).lacking == (f"run 1 ({names()[0]}) is gone",)
