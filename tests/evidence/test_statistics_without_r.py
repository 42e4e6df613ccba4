"""`wattlab verify` where R is on one side only: the statistics are not recomputed and said so, everything else is."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.verification import verify
from tests.documents import write_report
from tests.evidence.forger import copied
from tests.reports.make_campaign import Load, Shape, make_campaign

APPLICATION = Path(__file__).parents[2]
SHAPE = Shape(
    name="both", loads={"cnn": Load(52.0, 34.0, epochs=2), "idle": Load(1.0, 2.0)}, repetitions=3, duration_s=20,
    baseline_blocks=3,
)  # fmt: skip


def without_r(verb: str, campaign: Path) -> subprocess.CompletedProcess[str]:
    """Run a verb on a machine on which no R is found."""
    environment = {key: value for key, value in os.environ.items() if key != "R_HOME"}
    environment |= {"PATH": str(APPLICATION / "no-such-folder"), "COLUMNS": "400"}
    command = [sys.executable, "-m", "harness.cli", verb, str(campaign)]
    return subprocess.run(command, env=environment, cwd=APPLICATION, capture_output=True, text=True, check=False)


def results_of(campaign: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((campaign / "derived" / "results.json").read_text())
    return found


def rewritten(campaign: Path, change: dict[str, Any]) -> None:
    (campaign / "derived" / "results.json").write_text(json.dumps(results_of(campaign) | change))


@pytest.fixture(scope="module")
def with_r(tmp_path_factory: pytest.TempPathFactory) -> Path:
    campaign = make_campaign(tmp_path_factory.mktemp("with-r"), SHAPE)
    write_report(campaign)
    return campaign


@pytest.fixture(scope="module")
def written_without_r(with_r: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same campaign, reported where R is missing."""
    campaign = copied(with_r, tmp_path_factory.mktemp("without-r"))
    done = without_r("report", campaign)
    assert (done.returncode, done.stderr) == (0, "")
    return campaign


@pytest.fixture(scope="module")
def numbers_only(with_r: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The campaign without its page, which takes time to draw anew."""
    campaign = copied(with_r, tmp_path_factory.mktemp("numbers"))
    (campaign / "derived" / "report.html").unlink()
    return campaign


def checks_named(campaign: Path, name: str) -> list[tuple[bool, str]]:
    return [(check.passed, check.detail) for check in verify(campaign, None).checks if check.name == name]


def test_where_r_is_missing_everything_else_is_reported_and_the_command_that_installs_it(
    with_r: Path, written_without_r: Path
) -> None:
    found, whole = results_of(written_without_r), results_of(with_r)
    assert (found["statistics"]["available"], found["statistics"]["reason"]) == (False, "r-missing")
    apart = ("statistics", "computed_by")  # the command names its commit, the function does not
    assert {key: value for key, value in found.items() if key not in apart} == {
        key: value for key, value in whole.items() if key not in apart
    }
    assert "apt-get install r-base-core" in (written_without_r / "derived" / "report.html").read_text()


def test_results_with_statistics_verify_where_r_is_missing_and_it_is_said(with_r: Path) -> None:
    done = without_r("verify", with_r)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Statistics not recomputed, every other number was: R, which the statistics need, is not" in done.stdout
    assert "apt-get install r-base-core" in done.stdout


def test_results_without_statistics_verify_where_r_is_there_and_it_is_said(written_without_r: Path) -> None:
    outcome = verify(written_without_r, None)
    assert outcome.failed == []
    assert any("written where R was not there" in note for note in outcome.notes)


def test_another_number_is_found_wrong_without_r_too(numbers_only: Path, tmp_path: Path) -> None:
    campaign = copied(numbers_only, tmp_path)
    changed = results_of(campaign)["scenarios"]
    changed["cnn"]["energy_wh"]["value"] *= 1.001
    rewritten(campaign, {"scenarios": changed})
    done = without_r("verify", campaign)
    assert done.returncode == 3
    assert "scenarios.cnn.energy_wh.value is" in done.stdout


@pytest.mark.parametrize("change", ["p", "reason", "gone", "text"])
def test_with_r_every_change_of_the_statistics_is_found(numbers_only: Path, tmp_path: Path, change: str) -> None:
    campaign = copied(numbers_only, tmp_path)
    statistics: Any = results_of(campaign)["statistics"]
    if change == "p":
        statistics["responses"]["energy_wh"]["omnibus"]["p"] *= 2
    elif change == "reason":
        statistics |= {"available": False, "reason": "nothing-to-test"}
    elif change == "gone":
        statistics = None
    else:
        statistics = "r-missing"
    rewritten(campaign, {"statistics": statistics})
    assert [passed for passed, _ in checks_named(campaign, "statistics")] == [False]


def test_with_r_on_both_sides_the_statistics_are_recomputed(numbers_only: Path) -> None:
    assert checks_named(numbers_only, "statistics") == [(True, "every number as recomputed from the raw data")]
    assert verify(numbers_only, None).failed == []


def test_a_page_whose_statistics_were_changed_fails_where_r_is_there(with_r: Path, tmp_path: Path) -> None:
    campaign = copied(with_r, tmp_path)
    page = campaign / "derived" / "report.html"
    assert "Welch" in page.read_text()
    page.write_text(page.read_text().replace("Welch", "Student"))
    assert [check.name for check in verify(campaign, None).failed] == ["report"]
