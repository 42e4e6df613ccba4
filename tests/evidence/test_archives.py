"""Campaigns that commit 68f151b (wattlab 0.1.0) measured, reported and signed verify for ever: every number is what its
rules give, what moved since is named by an entry of "Changes to results", and nothing is forged in the shade of one."""

import json
import shutil
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.attest.signer import PublicKey, read_public_key
from harness.evidence.bag import unpack_bag
from harness.evidence.campaigns import CHANGE, RESULTS_DOCUMENT, CampaignInputs
from harness.evidence.changes import ADDED, CHANGES, FIRST, precedes
from harness.evidence.comparisons import COMPARISON_DOCUMENT
from harness.evidence.derived import Recomputed
from harness.evidence.studies import STUDY_DOCUMENT
from harness.evidence.verification import verify
from harness.evidence.verifier import Outcome, check_page, judged, recomputed, verify_document
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import VERSION, Json
from harness.record.verify import Check
from reports.campaign.analyse import analyse
from reports.render import GENERATOR, REPORT, audit_html
from reports.results.codec import document_text
from reports.results.document import RESULTS
from reports.results.rules import Rule
from tests.evidence.forger import copied

ROOT = Path(__file__).parents[2]
ARCHIVES = ROOT / "tests" / "data" / "archives"
SYNTHETIC = {"binary-units", "clocks-in-durations", "short-intervals"}
ALL: dict[str, tuple[str, set[str]]] = {
    "agent-units": (
        "synthetic", {"binary-units", "clocks-in-durations", "few-baseline-blocks", "short-intervals"},
    ),
    "attached": ("synthetic", SYNTHETIC | {"few-baseline-blocks", "new-findings"}),
    "averaged": (
        "archive",
        {"binary-units", "foreign-load-by-size", "moving-averages", "new-findings", "short-intervals"},
    ),
    "cells": ("synthetic", SYNTHETIC | {"damaged-cells", "few-baseline-blocks", "new-findings"}),
    "halves": ("synthetic", SYNTHETIC | {"few-baseline-blocks", "label-halves"}),
    "late": ("synthetic", SYNTHETIC | {"late-stamps", "new-findings"}),
    "late-rows": ("synthetic", {"assumed-limits", "imported-rates", "late-rows", "open-ends"}),
    "markers": ("synthetic", SYNTHETIC | {"few-baseline-blocks", "markers", "new-findings"}),
    "mlperf": ("archive", {"assumed-limits"}),
    "negative": ("synthetic", {"binary-units", "new-findings", "odd-readings", "short-intervals"}),
    "of-68f151b": ("of-68f151b", {"binary-units", "clocks-in-durations", "few-baseline-blocks", "short-intervals"}),
    "okular": ("archive", {"assumed-limits", "binary-units"}),
    "oscar-import": ("oscar-import", {"assumed-limits", "binary-units", "few-baseline-blocks"}),
    "polled": (
        "archive",
        {"binary-units", "clocks-in-durations", "foreign-load-by-size", "new-findings", "repetitions",
         "short-intervals"},
    ),
    "ptd-ranging": ("ptd-ranging", {"assumed-limits", "odd-readings"}),
    "steps": (
        "archive",
        {"binary-units", "clocks-in-durations", "edges-with-sign", "foreign-load-by-size", "indicated-readings",
         "new-findings", "short-intervals"},
    ),
    "traces": ("archive", {"assumed-limits"}),
    "tracked": ("archive", {"assumed-limits"}),
    "two-verdicts": ("", SYNTHETIC | {"verdict-by-scenario"}),
}  # fmt: skip
"""Archive -> whose key signed it (nobody's: its verdict of then could not be signed), and the changes that it meets: no
more and no fewer."""
MADE_UP = frozenset(
    {"agent-units", "attached", "cells", "halves", "late", "markers", "negative", "of-68f151b", "two-verdicts"}
)
"""Made by the tests of then, which wrote no wire logs: `wire` says so."""
Opened = Callable[[str], Path]
Verified = Callable[[str], Outcome]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return cache(lambda name: unpack_bag(ARCHIVES / f"{name}.zip", tmp_path_factory.mktemp(name)))


@pytest.fixture(scope="module")
def verified(opened: Opened) -> Verified:
    return cache(lambda name: verify(opened(name), key_of(name)))


@pytest.fixture(scope="module")
def archive(opened: Opened) -> Path:
    return opened("of-68f151b")


def key_of(name: str) -> PublicKey | None:
    return read_public_key(ARCHIVES / f"{ALL[name][0]}.pub") if ALL[name][0] else None


def moved_by(outcome: Outcome) -> set[str]:
    return {check.detail.split(":")[0] for check in outcome.checks if check.name == CHANGE}


@pytest.mark.parametrize("name", ALL)
def test_an_archive_verifies_and_what_moved_since_is_named_by_change(name: str, verified: Verified) -> None:
    outcome = verified(name)
    failed = [check for check in outcome.failed if check.name != "wire" or name not in MADE_UP]
    assert [f"{check.subject}: {check.name}: {check.detail}" for check in failed] == []
    assert moved_by(outcome) == ALL[name][1]
    details = {check.name: check.detail for check in outcome.checks if check.subject.startswith("derived/")}
    assert details["results"] == "as wattlab 0.1.0 computes it from the raw data"
    if "report" in details:
        assert details["report"].startswith(f"written by wattlab 0.1.0, this is {VERSION}: not compared")


def test_every_archive_is_tested_and_every_old_rule_has_one() -> None:
    assert {path.stem for path in ARCHIVES.glob("*.zip")} == set(ALL)
    met = {name for _, changes in ALL.values() for name in changes}
    # The sealed comparison and study have those of statistics and comparisons; no archive has runs that were aborted
    # late, meters of several origins, or of several certificates, blocks of the observer effect, a study with cells
    # that could not be measured, or a certificate of software meters.
    without = {Rule.ABORTED_LATE, Rule.EACH_ORIGIN, Rule.POOLED_CALIBRATIONS, Rule.OBSERVER_OF_RUNS}
    without |= {Rule.UNMEASURED_CELLS, Rule.COUNTER_FALLS}
    sealed = {rule for rule in Rule if rule.name.startswith("COMPARED_")} | {Rule.SHOWN_STATISTICS}
    sealed |= {Rule.ETA_INTERVAL, Rule.G_INTERVAL}
    assert set(Rule) - met == sealed | without


def test_a_change_is_named_with_both_values(verified: Verified) -> None:
    details = [check.detail for check in verified("mlperf").checks if check.name == CHANGE]
    assert details[0].startswith("assumed-limits: runs.0.mean_power_w.u 0.0070034 -> 5.96145; runs.0.mean_power_w.U ")
    assert f'Moved since ("Changes to results"), {details[0]}.' in verified("mlperf").notes
    assert any(note.startswith("derived/report.html: written by wattlab 0.1.0") for note in verified("mlperf").notes)


def test_what_was_recorded_and_signed_before_schema_2_holds_and_contradicts_nothing(verified: Verified) -> None:
    outcome = verified("of-68f151b")
    names = {check.name for check in outcome.checks if check.passed}
    assert {"signature", "signed log", "signed runs", "link", "place", "config", "dates", "order", "clock"} <= names
    assert "No key signed the seals and no witness received them" in outcome.notes[-1]


def test_its_program_is_said_to_be_not_recorded_and_that_is_no_finding(archive: Path) -> None:
    assert {run.start.staged for run in CampaignFolder(archive).runs()} == {None}
    result = analyse(archive)
    assert "pooled-incomparable" not in {finding.code for finding in result.numbers.findings}
    page = audit_html(archive, document_text(result.results))
    assert "Digests of the program: not recorded." in page


def test_an_archive_that_was_renamed_verifies(opened: Opened, tmp_path: Path) -> None:
    renamed = tmp_path / "another name"
    shutil.copytree(opened("tracked"), renamed)
    assert not verify(renamed, key_of("tracked")).failed


@pytest.fixture(scope="module")
def sealed(opened: Opened, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison and a study, with the campaign of the comparison where it lay."""
    folder = tmp_path_factory.mktemp("sealed")
    shutil.unpack_archive(ARCHIVES / "sealed.tar.gz", folder)
    shutil.copytree(opened("steps"), folder / "steps" / "runs" / "steps")
    return folder


def test_a_comparison_of_then_verifies_by_its_rules_and_is_said_to_be_impossible_today(sealed: Path) -> None:
    outcome = verify_document(COMPARISON_DOCUMENT, sealed / "comparison")
    assert not outcome.failed
    details = {check.name: check.detail for check in outcome.checks}
    assert details["comparison"] == "every number as wattlab 0.1.0 computes it from the campaigns' raw data"
    assert outcome.notes[0].startswith('By today\'s rules ("Changes to results") it cannot be made: ')


def test_a_study_of_then_verifies_by_its_rules_and_what_moved_since_is_named(sealed: Path) -> None:
    outcome = verify_document(STUDY_DOCUMENT, sealed / "study")
    assert not outcome.failed
    assert outcome.notes[0].startswith('By today\'s rules ("Changes to results") it would be another: ')
    for moved in ("questions.0.omnibus.effect.interval.0 0.9475", "questions.0.posthoc.0.effect.interval.0 -31.74"):
        assert moved in outcome.notes[0]


def test_a_number_forged_in_a_comparison_of_then_is_found(sealed: Path, tmp_path: Path) -> None:
    shutil.copytree(sealed / "comparison", tmp_path / "comparison")
    (tmp_path / "steps").symlink_to(sealed / "steps")
    target = tmp_path / "comparison" / "comparison.json"
    written = json.loads(target.read_text())
    scaled(written, "sets", 0, "pairs", 0, "quantities", "energy_wh", "difference", "value")
    target.chmod(0o644)
    target.write_text(json.dumps(written))
    assert "comparison" in {
        check.name for check in verify_document(COMPARISON_DOCUMENT, tmp_path / "comparison").failed
    }


# --- a forger who writes in the shade of a predicted change, before anything is signed


def written_in(campaign: Path) -> Json:
    found: Json = json.loads((campaign / "derived" / RESULTS).read_text())
    return found


def recompute(campaign: Path) -> Recomputed:
    return recomputed(RESULTS_DOCUMENT, written_in(campaign), CampaignInputs(campaign))


def check_results(campaign: Path, computed: Recomputed) -> list[Check]:
    said = judged(RESULTS_DOCUMENT, written_in(campaign), computed, CampaignInputs(campaign))
    return [check for check in said if isinstance(check, Check)]


@pytest.fixture(scope="module")
def computed(archive: Path) -> Recomputed:
    return recompute(archive)


def edited(archive: Path, folder: Path, edit: Callable[[Json], object]) -> Path:
    campaign = copied(archive, folder)
    target = campaign / "derived" / RESULTS
    results = json.loads(target.read_text())
    edit(results)
    target.chmod(0o644)
    target.write_text(document_text(results))
    return campaign


def scaled(results: Any, *place: str | int) -> None:  # noqa: ANN401  a table or a list
    *way, last = place
    for key in way:
        results = results[key]
    assert isinstance(results[last], float)
    results[last] *= 0.9


FORGERIES: dict[str, Callable[[Json], object]] = {
    "a number that no change moves": lambda r: scaled(r, "scenarios", "cnn", "energy_wh", "value"),
    "a number that a change moves": lambda r: scaled(r, "scenarios", "cnn", "induced_energy_wh", "U"),
    "a line of a budget": lambda r: scaled(r, "scenarios", "cnn", "budget", "induced", "lines", 0, "u"),
    "a row of the label": lambda r: scaled(r, "label", "baseline", 1, "gross", "value"),
    "one action's energy": lambda r: scaled(r, "runs", 1, "actions", 0, "energy_wh"),
    "today's number, which its writer could not have": lambda r: r["scenarios"]["cnn"]["induced_energy_wh"].update(
        u=0.006546982292046271, U=0.03421853705624672, dof=1.6707670292464092
    ),
    "a scenario left out": lambda r: r["scenarios"].pop("cnn"),
    "a key that its writer had": lambda r: r["campaign"].pop("uid"),
    "a key that nobody has": lambda r: r["scenarios"]["cnn"].update(certified=True),
    "a finding left out": lambda r: r["findings"].pop(0),
    "a finding made up": lambda r: r["findings"].append(dict(r["findings"][0], code="calibrated")),
    "another verdict": lambda r: r["verdict"].update(word="valid"),
    "a threshold": lambda r: scaled(r, "thresholds", "gap_windows"),
    "a section left out": lambda r: r.pop("statistics"),
    "another version that was never one": lambda r: r.update(computed_by={"version": "0.1.7"}),
    "no version at all": lambda r: r.update(computed_by={"version": "newest"}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_number_forged_beside_a_predicted_change_is_found(
    forgery: str, archive: Path, computed: Recomputed, tmp_path: Path
) -> None:
    campaign = edited(archive, tmp_path, FORGERIES[forgery])
    found = computed if "version" not in forgery else recompute(campaign)
    assert any(not check.passed for check in check_results(campaign, found))


def test_the_unforged_one_passes_these_checks(archive: Path, computed: Recomputed) -> None:
    assert all(check.passed for check in check_results(archive, computed))


def test_a_change_whose_condition_a_campaign_does_not_meet_predicts_nothing_of_it(
    opened: Opened, tmp_path: Path
) -> None:
    # All its meters' limits of error are assumed: its U is wider since. A U that widened for a reason which is not
    # there (circuits, blocks) is no prediction.
    folder = opened("traces")
    case = recompute(folder)
    now: Any = json.loads(json.dumps(case.now))
    for meter in now["meters"]:
        meter["assumed_percent"] = None
    found = check_results(folder, Recomputed(lambda rules: case.then if len(rules) > 1 else now, case.writer))
    assert [check.name for check in found if not check.passed] == ["results"]


def test_results_cannot_be_older_than_what_measured_their_runs(unsigned: Path, tmp_path: Path) -> None:
    def backdated(results: Json) -> None:
        del results["computed_by"]
        results["schema"] = 1

    campaign = edited(unsigned, tmp_path, backdated)
    computed = recompute(campaign)
    assert computed.writer == VERSION
    assert any(not check.passed for check in check_results(campaign, computed))


def test_results_of_a_newer_wattlab_are_not_judged_but_refused_with_the_reason(unsigned: Path, tmp_path: Path) -> None:
    campaign = edited(unsigned, tmp_path, lambda results: results["computed_by"].update(version="99.0.0"))
    (check,) = check_results(campaign, recompute(campaign))
    assert (check.passed, check.detail) == (
        False, f"computed by wattlab 99.0.0, this is {VERSION}: verify it with that version or a later one",
    )  # fmt: skip


# --- pages


def report_check(campaign: Path) -> Check:
    return check_page(RESULTS_DOCUMENT, campaign, REPORT, CampaignInputs(campaign))


def repaged(reported: Path, folder: Path, *changes: tuple[str, str]) -> Path:
    campaign = copied(reported, folder)
    page = campaign / "derived" / REPORT
    page.chmod(0o644)
    text = page.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    page.write_text(text)
    return campaign


OTHER = GENERATOR.replace("figures ", "figures 1.")


def test_a_page_whose_figures_were_drawn_otherwise_is_named_and_not_failed(reported: Path, tmp_path: Path) -> None:
    redrawn = (GENERATOR, OTHER), ('<path d="M', '<path d="M1')
    check = report_check(repaged(reported, tmp_path, *redrawn))
    assert check.passed
    assert check.detail.startswith(f"text as rendered now; figures drawn by {OTHER}, this is {GENERATOR}: not compared")


def test_its_text_is_compared_all_the_same(reported: Path, tmp_path: Path) -> None:
    check = report_check(repaged(reported, tmp_path, (GENERATOR, OTHER), ("Wh", "mWh")))
    assert not check.passed


def test_figures_drawn_in_the_same_way_are_compared(reported: Path, tmp_path: Path) -> None:
    assert not report_check(repaged(reported, tmp_path, ('<path d="M', '<path d="M1'))).passed


def test_a_page_cannot_say_that_another_version_wrote_it_than_results_json_does(reported: Path, tmp_path: Path) -> None:
    check = report_check(repaged(reported, tmp_path, (GENERATOR, "wattlab 0.1.0"), ("Wh", "mWh")))
    assert (check.passed, check.detail) == (
        False, f"it says that wattlab 0.1.0 wrote it, {RESULTS} that wattlab {VERSION} did",
    )  # fmt: skip


def test_a_campaign_whose_folder_was_renamed_verifies(reported: Path, tmp_path: Path) -> None:
    campaign = tmp_path / "demo b"
    shutil.copytree(reported, campaign)
    for statement in campaign.glob("campaign.statement.json*"):
        statement.unlink()
    assert [check for check in verify(campaign, None).failed if check.name != "planned"] == []


# --- the catalogue


def test_every_change_stands_in_the_changelog_by_its_id() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    unreleased = text[text.index("### Changes to results") :]
    assert [change.id for change in CHANGES if f"`{change.id}`" not in unreleased] == []


def test_every_rule_of_before_is_a_change_and_is_asked_where_it_counts() -> None:
    assert {change.id for change in CHANGES if change.relation is None} == set(Rule)
    sources = "".join(path.read_text() for path in (ROOT / "reports").rglob("*.py"))
    assert [rule.name for rule in Rule if f"was(Rule.{rule.name})" not in sources] == []


def test_changes_lie_between_versions_that_there_were() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
    versions = {change.until for change in CHANGES} | set(ADDED)
    assert versions == {FIRST}
    assert all(precedes(version, VERSION) for version in versions)
    assert (precedes("0.2.0", "0.10.0"), precedes("0.2.0", "0.2.0"), precedes("unknown", "0.2.0")) == (
        True, False, False,
    )  # fmt: skip


def test_no_change_may_move_what_was_recorded_beside_the_readings() -> None:
    outside = (
        "inputs/x",
        "thresholds/gap_windows",
        "campaign/uid",
        "meters/0/identity/serial",
        "sut/cpu",
        "runs/0/seed",
    )
    moved = [(change.id, place) for change in CHANGES for place in outside if change.may_move(tuple(place.split("/")))]
    assert moved == []
