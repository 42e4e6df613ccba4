"""A host that slept or whose wall clock was set is a finding with its size; a forged order is still found."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.verification import verify
from harness.record.verify import Check
from reports.campaign.analyse import analyse
from tests.evidence.conftest import SHAPE
from tests.evidence.forger import copied, journal_of, reforge, write_journal
from tests.reports.make_campaign import make_campaign

S = 10**9
HERE = 3
"""The accident lies between the begin of this run and that of the next."""


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_campaign(tmp_path_factory.mktemp("quiet"), SHAPE)


def clock_check(campaign: Path) -> Check:
    (check,) = (check for check in verify(campaign, None).checks if check.name == "clock")
    return check


def later(utc: str, by_s: float) -> str:
    return (datetime.fromisoformat(utc) + timedelta(seconds=by_s)).isoformat(timespec="milliseconds")


def with_accident(
    quiet: Path, folder: Path, by_s: float, *, slept: bool = False, within: bool = False, shown: bool = True
) -> Path:
    """From the run after HERE on (within: from HERE's second exchange on) the wall clock is another; slept: the boot
    clock too."""
    campaign = copied(quiet, folder)

    def edit(run: Path) -> None:
        documents, ordinal = journal_of(run), int(run.name.split("-r")[1][:2])
        moved_s = by_s if ordinal > HERE else 0.0
        start = documents[0]
        start["utc"] = later(start["utc"], moved_s)
        documents[-1]["utc"] = later(documents[-1]["utc"], by_s if within and ordinal == HERE else moved_s)
        if slept:
            start["boot_ns"] = start["time_ns"] + int(moved_s * S)
        clocks = [one for one in documents if one.get("kind") == "clock"]
        for place, one in enumerate(clocks):
            is_moved = ordinal > HERE or (within and ordinal == HERE and place > 0)
            one["host_wall_ns"] += int(by_s * S) if is_moved and shown else 0
        write_journal(run, documents)

    def rewrite(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        ended = next(at for at, entry in enumerate(entries) if entry["type"] == "run-end" and entry["ordinal"] == HERE)
        for entry in entries[ended if within else ended + 1 :]:
            entry["utc"] = later(entry["utc"], by_s)
        return entries

    reforge(campaign, edit, rewrite, results=False)
    return campaign


@pytest.mark.parametrize(
    ("by_s", "how", "code", "key"),
    [
        (8 * 3600, {"slept": True}, "host-slept", "slept_s"),
        (8 * 3600, {}, "host-clock-step", "jump_s"),
        (8, {}, "host-clock-step", "jump_s"),
        (-8, {}, "host-clock-step", "jump_s"),
        (-3600, {}, "host-clock-step", "jump_s"),
    ],
)
def test_an_honest_accident_passes_and_is_a_finding_with_its_size(
    quiet: Path, tmp_path: Path, by_s: float, how: dict[str, bool], code: str, key: str
) -> None:
    campaign = with_accident(quiet, tmp_path, by_s, **how)
    check = clock_check(campaign)
    assert check.passed, check.detail
    if code == "host-clock-step":
        assert f"set by {by_s:+.0f} s before" in check.detail
    found = [finding for finding in analyse(campaign).numbers.findings if finding.code.startswith("host-")]
    assert [(finding.code, finding.severity, finding.evidence[key]) for finding in found] == [
        (code, "warn", pytest.approx(by_s, abs=0.01))
    ]


@pytest.mark.parametrize("by_s", [-8, 8])
def test_a_step_within_a_run_passes_and_is_that_runs_own(quiet: Path, tmp_path: Path, by_s: float) -> None:
    campaign = with_accident(quiet, tmp_path, by_s, within=True)
    assert clock_check(campaign).passed
    found = [finding for finding in analyse(campaign).numbers.findings if "clock-step" in finding.code]
    assert [(finding.code, finding.evidence["jump_s"]) for finding in found] == [("clock-step", by_s)]


def test_a_step_that_no_clock_exchange_shows_is_a_failed_check(quiet: Path, tmp_path: Path) -> None:
    check = clock_check(with_accident(quiet, tmp_path, -3600, shown=False))
    assert not check.passed
    assert "its own clock exchanges do not show that" in check.detail


Edit = Callable[[list[dict[str, Any]]], None]


def test_runs_in_another_order_than_their_monotonic_clock_are_a_failed_check(quiet: Path, tmp_path: Path) -> None:
    campaign = with_accident(quiet, tmp_path, -8)

    def edit(run: Path) -> None:
        documents = journal_of(run)
        if "-r05-" in run.name:
            documents[0]["time_ns"] -= 1000 * S
        write_journal(run, documents)

    reforge(campaign, edit, results=False)
    check = clock_check(campaign)
    assert not check.passed
    assert "the monotonic clock went back within one boot" in check.detail


def test_a_recorded_step_explains_no_larger_one_of_the_log(quiet: Path, tmp_path: Path) -> None:
    campaign = with_accident(quiet, tmp_path, -8)

    def rewrite(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        begin = next(at for at, entry in enumerate(entries) if entry.get("ordinal") == HERE + 1)
        for entry in entries[begin:]:
            entry["utc"] = later(entry["utc"], -60)
        return entries

    reforge(campaign, rewrite=rewrite, results=False)
    check = clock_check(campaign)
    assert not check.passed
    assert "clock set back" in check.detail
