"""A run that its own findings throw out is tried again like one that failed, in its place in the plan."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.campaign import Campaign
from harness.documents import Json
from harness.run_folder import CampaignFolder
from tests.harness.lying import Lie, LyingSut, bench_of, config_in

SOFTWARE = {"version": "0", "commit": None, "dirty": None}
GAPS = "gaps in its power readings exceed the limits"


def measured(folder: Path, verdicts: Iterator[str | None]) -> Campaign:
    """A campaign of two blocks and a run, judged in this order."""
    config = config_in(folder)
    campaign = Campaign(config, SOFTWARE)
    campaign.measure(bench_of(config, LyingSut(Lie())), lambda _: None, lambda _: next(verdicts))
    return campaign


def ends(campaign: Campaign) -> list[tuple[int, str | None]]:
    entries: list[Json] = CampaignFolder(campaign.folder.path).entries()
    return [(entry["ordinal"], entry["thrown_out"]) for entry in entries if entry["type"] == "run-end"]


def test_a_run_that_is_thrown_out_once_is_made_again_at_once(tmp_path: Path) -> None:
    campaign = measured(tmp_path, iter([None, GAPS, None, None]))
    assert ends(campaign) == [(1, None), (2, GAPS), (2, None), (3, None)]
    attempts = [run.start.attempt for run in campaign.folder.runs()]
    assert attempts == [1, 1, 2, 1]
    assert campaign.remaining() == []
    assert campaign.in_no_mean() == []


def test_after_max_failed_attempts_the_campaign_goes_on_and_says_what_is_in_no_mean(tmp_path: Path) -> None:
    campaign = measured(tmp_path, iter([None, GAPS, GAPS, None]))
    assert ends(campaign) == [(1, None), (2, GAPS), (2, GAPS), (3, None)]
    assert campaign.remaining() == []
    assert campaign.in_no_mean() == [f"run 2 (work, repetition 1), 2 times: {GAPS}"]
    # A campaign that is opened again knows it by its log.
    assert Campaign(config_in(tmp_path), SOFTWARE).in_no_mean() == campaign.in_no_mean()


def test_an_interruption_between_two_attempts_leaves_the_second_to_the_next_start(tmp_path: Path) -> None:
    def verdicts() -> Iterator[str | None]:
        yield from (None, GAPS)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measured(tmp_path, verdicts())
    campaign = Campaign(config_in(tmp_path), SOFTWARE)
    # The interrupted attempt was sealed and logged; nobody judged it, so it counts.
    assert ends(campaign) == [(1, None), (2, GAPS), (2, None)]
    assert [run.ordinal for run in campaign.remaining()] == [3]
    body = {"ordinal": 3, "folder": "x", "exit_status": "success", "reason": None, "manifest": None}
    campaign.folder.append("run-end", "2026-11-28T08:00:00Z", body | {"thrown_out": GAPS})
    assert [run.ordinal for run in campaign.remaining()] == [3]


def test_a_log_without_verdicts_is_read_as_before(tmp_path: Path) -> None:
    campaign = Campaign(config_in(tmp_path), SOFTWARE)
    for run in campaign.remaining():
        end = {"ordinal": run.ordinal, "folder": f"r{run.ordinal}", "exit_status": "success", "reason": None}
        campaign.folder.append("run-end", "2026-11-21T08:00:00Z", end | {"manifest": "0" * 64})
    assert campaign.remaining() == []
    assert campaign.in_no_mean() == []
