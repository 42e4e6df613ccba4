"""What may be added to a campaign's plan, and when: the rule stands in the log before the first run."""

from pathlib import Path

import pytest

from harness.measure.agenda import OBSERVER
from harness.measure.campaign import Campaign
from harness.measure.lab_file import LabConfig, load
from harness.record.entries import Plan, of
from harness.record.errors import ConfigError, RunFolderError
from tests.harness.test_config import MINIMAL

DECLARED = '[campaign]\ndesign = "two-stage"\ntwo_stage = { half_width_percent = 5.0 }\n'
SOFTWARE = {"version": "0", "commit": None, "dirty": None}


def config_of(folder: Path, text: str) -> LabConfig:
    (folder / "lab.toml").write_text(text.replace("repetitions = 1", "repetitions = 2"))
    return load(folder / "lab.toml")


@pytest.fixture
def declared(tmp_path: Path) -> LabConfig:
    return config_of(tmp_path, MINIMAL.replace("[campaign]\n", DECLARED))


def succeed(campaign: Campaign) -> None:
    """As if every planned run had been made."""
    for run in campaign.remaining():
        end = {"ordinal": run.ordinal, "folder": f"r{run.ordinal}", "exit_status": "success", "reason": None}
        campaign.folder.append("run-end", "2026-11-21T08:00:00Z", end | {"manifest": "0" * 64})


def test_a_second_stage_is_sized_once_and_only_when_the_first_is_done(declared: LabConfig) -> None:
    campaign = Campaign(declared, SOFTWARE)
    rule = of(Plan, campaign.folder.entries())[0].rule
    assert rule is not None
    assert (rule["half_width_percent"], rule["share_percent"]) == (5.0, 90.0)
    with pytest.raises(RunFolderError, match="no second stage may be added"):
        campaign.add_second_stage({}, 5, {})
    first = campaign.plan
    succeed(campaign)
    assert campaign.second_stage_due
    wanted = {scenario.name: scenario.repetitions + 2 for scenario in declared.scenarios}
    added = campaign.add_second_stage(wanted, 4, {})
    assert campaign.plan == first + added
    assert campaign.remaining() == added
    succeed(campaign)
    assert not campaign.second_stage_due
    with pytest.raises(RunFolderError, match="sized once"):
        campaign.add_second_stage(wanted, 9, {})


def test_a_stage_that_needs_no_run_is_written_down_all_the_same(declared: LabConfig) -> None:
    campaign = Campaign(declared, SOFTWARE)
    succeed(campaign)
    made = {scenario.name: scenario.repetitions for scenario in declared.scenarios}
    assert campaign.add_second_stage(made, declared.baseline.repetitions, {}) == []
    assert not campaign.second_stage_due


def test_nobody_peeks_where_lab_toml_declared_no_second_stage(tmp_path: Path) -> None:
    campaign = Campaign(config_of(tmp_path, MINIMAL), SOFTWARE)
    succeed(campaign)
    assert not campaign.second_stage_due
    with pytest.raises(RunFolderError, match="declared before the first run"):
        campaign.add_second_stage({}, 9, {})


def test_the_rule_cannot_be_changed_after_the_campaign_was_begun(declared: LabConfig, tmp_path: Path) -> None:
    Campaign(declared, SOFTWARE)
    changed = config_of(tmp_path, MINIMAL.replace("[campaign]\n", DECLARED.replace("5.0", "9.0")))
    with pytest.raises(ConfigError, match=r"campaign\.two_stage\.half_width_percent"):
        Campaign(changed, SOFTWARE)


def test_observer_blocks_are_planned_beside_the_runs_and_not_twice(declared: LabConfig) -> None:
    campaign = Campaign(declared, SOFTWARE)
    rated = campaign.remaining()
    campaign.add_observer_blocks(2, 5.0)
    campaign.add_observer_blocks(2, 5.0)
    assert campaign.remaining() == rated
    assert len(campaign.remaining(OBSERVER)) == 8
