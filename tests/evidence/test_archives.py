"""A campaign that an earlier wattlab measured and signed is still what it was, and claims nothing it did not record."""

from pathlib import Path

import pytest

from harness.attest.signer import read_public_key
from harness.evidence import verification
from harness.evidence.bag import unpack_bag
from harness.evidence.verification import verify
from harness.run_folder import CampaignFolder, Check
from reports.analysis.results import analyse, results_text
from reports.render import audit_html

ARCHIVES = Path(__file__).parents[1] / "data" / "archives"
RECOMPUTED = frozenset({"results", "findings", "statistics", "report", "wire"})
"""Checks that compare what is computed now with what was computed then. This one was made up: it has no wire logs."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_bag(ARCHIVES / "of-68f151b.zip", tmp_path_factory.mktemp("archive"))


def test_what_was_recorded_and_signed_before_schema_2_holds_and_contradicts_nothing(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Drawing the page anew takes seconds, and says nothing of what was recorded.
    monkeypatch.setattr(verification, "check_report", lambda *_: Check("report.html", "report", True, "not drawn"))
    outcome = verify(archive, read_public_key(ARCHIVES / "of-68f151b.pub"))
    assert {check.name for check in outcome.failed} <= RECOMPUTED
    names = {check.name for check in outcome.checks if check.passed}
    assert {"signature", "signed log", "signed runs", "link", "place", "config", "dates", "order", "clock"} <= names
    assert "No key signed the seals and no witness received them" in outcome.notes[-1]


def test_its_program_is_said_to_be_not_recorded_and_that_is_no_finding(archive: Path) -> None:
    assert {run.start.staged for run in CampaignFolder(archive).runs()} == {None}
    result = analyse(archive)
    assert "pooled-incomparable" not in {finding.code for finding in result.findings}
    page = audit_html(archive, results_text(result.to_json()), archive.name)
    assert "Digests of the program: not recorded." in page
