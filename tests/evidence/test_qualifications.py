"""harness.evidence.qualifications: a certificate of software meters is recomputed, and signed with its campaign."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.attest.signer import public_half
from harness.evidence.derived import write
from harness.evidence.qualifications import QUALIFICATION_DOCUMENT, QualificationInputs
from harness.evidence.verification import sign_campaign, verify
from harness.record.documents import Json
from harness.record.errors import SigningError
from harness.station.provenance import software_facts
from harness.station.station import APPLICATION
from reports.results.codec import decoded
from reports.results.qualification import QUALIFICATION
from reports.results.rules import Rule, as_before
from reports.results.software import Software
from tests.documents import write_results
from tests.evidence.forger import copied
from tests.reports.make_campaign import make_campaign
from tests.reports.qualified import SHORT, Qualified, ResetRun, qualified_campaign, shaped

SHAPE = Qualified(declared=SHORT, repetitions=1, baseline_blocks=1, duration_s=70, switched_s=70, with_tracker=False)


def write_certificate(campaign: Path, limit_percent: float | None = None) -> Path:
    software = decoded(Software, software_facts(APPLICATION), "this program")
    return write(QUALIFICATION_DOCUMENT, QualificationInputs(campaign, software, limit_percent), campaign)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign with results and certificate."""
    campaign = qualified_campaign(tmp_path_factory.mktemp("certified"), SHAPE)
    write_results(campaign)
    write_certificate(campaign)
    return campaign


def failures(campaign: Path) -> dict[str, str]:
    return {f"{check.subject} {check.name}": check.detail for check in verify(campaign, None).failed}


def test_a_certificate_is_recomputed_with_its_page(made: Path) -> None:
    outcome = verify(made, None)
    assert outcome.failed == []
    own = [(check.subject, check.name, check.detail) for check in outcome.checks if "qualification" in check.subject]
    assert [(subject, name) for subject, name, _ in own] == [
        ("derived/qualification.json", "qualification"), ("derived/qualification.html", "report"),
    ]  # fmt: skip
    assert own[0][2].startswith("every number as wattlab ")
    assert not any("Nobody recomputed" in note for note in outcome.notes)


def forged(made: Path, into: Path, edit: Callable[[Json], object]) -> dict[str, str]:
    campaign = copied(made, into)
    target = campaign / "derived" / QUALIFICATION
    written = json.loads(target.read_text())
    edit(written)
    target.write_text(json.dumps(written))
    return failures(campaign)


def test_one_changed_digit_is_found_with_its_place(made: Path, tmp_path: Path) -> None:
    def edit(written: Json) -> None:
        share = written["meters"][0]["loads"][2]["seen"]["share"]
        share["value"] = float(f"{share['value']:.3f}") + 0.001

    failed = forged(made, tmp_path, edit)
    assert failed["derived/qualification.json qualification"].startswith("meters.0.loads.2.seen.share.value is 0.")
    assert "derived/qualification.html report" in failed


def test_a_certificate_that_is_said_to_qualify_is_found(made: Path, tmp_path: Path) -> None:
    failed = forged(made, tmp_path, lambda written: written.update(qualifies=True, not_because=[]))
    assert failed["derived/qualification.json qualification"].startswith("qualifies is True, recomputed False; ")


def test_a_limit_that_was_not_declared_is_found(made: Path, tmp_path: Path) -> None:
    def looser(written: Json) -> None:
        written.update(limit_percent=60.0, limit_is_declared=False)

    assert "the campaign declared 5 %" in forged(made, tmp_path, looser)["derived/qualification.json qualification"]


def test_a_changed_page_is_found(made: Path, tmp_path: Path) -> None:
    campaign = copied(made, tmp_path)
    page = campaign / "derived" / "qualification.html"
    page.write_text(page.read_text().replace("This certificate qualifies nothing.", "Qualified."))
    assert failures(campaign).keys() == {"derived/qualification.html report"}


def test_a_certificate_without_results_is_recomputed_too(made: Path, tmp_path: Path) -> None:
    campaign = copied(made, tmp_path)
    (campaign / "derived" / "results.json").unlink()
    checks = [check.name for check in verify(campaign, None).checks if check.passed]
    assert "qualification" in checks
    assert "results" not in checks


def test_what_signs_a_campaign_signs_its_certificate(made: Path, tmp_path: Path, key: Path) -> None:
    campaign = copied(made, tmp_path)
    statement = sign_campaign(campaign, key, None)
    assert {"qualification.json", "qualification.html"} <= statement["derived"].keys()
    assert verify(campaign, public_half(key)).failed == []
    (campaign / "derived" / QUALIFICATION).unlink()
    failed = {check.name: check.detail for check in verify(campaign, public_half(key)).failed}
    assert failed["signed documents"] == "qualification.json is gone"


def test_a_forged_certificate_is_not_signed(made: Path, tmp_path: Path, key: Path) -> None:
    campaign = copied(made, tmp_path)
    target = campaign / "derived" / QUALIFICATION
    target.write_text(target.read_text().replace('"limit_percent": 5.0', '"limit_percent": 50.0'))
    with pytest.raises(SigningError, match=r"qualification\.json: qualification: limit_percent is 50"):
        sign_campaign(campaign, key, None)


def test_a_limit_that_was_chosen_afterwards_is_recomputed_as_it_was_chosen(tmp_path: Path) -> None:
    campaign = qualified_campaign(tmp_path, replace(SHAPE, declares=False))
    written = json.loads(write_certificate(campaign, 3.0).read_text())
    assert (written["limit_percent"], written["limit_is_declared"]) == (3.0, False)
    assert failures(campaign) == {}


def test_a_certificate_of_before_resets_were_told_from_wraps_holds_by_the_rule_of_then(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path / "c", shaped(SHAPE), ResetRun)
    write_results(campaign)
    with as_before({Rule.COUNTER_FALLS}):
        write_certificate(campaign)
    outcome = verify(campaign, None)
    assert outcome.failed == []
    [moved] = [note for note in outcome.notes if note.startswith("By today's rules")]
    assert "meters.1.loads.2.software_w.value 55.7" in moved
    write_certificate(campaign)
    outcome = verify(campaign, None)
    assert outcome.failed == []
    assert not any(note.startswith("By today's rules") for note in outcome.notes)


def test_a_reset_that_is_left_out_of_a_certificate_is_found(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path / "c", shaped(SHAPE), ResetRun)
    write_results(campaign)
    write_certificate(campaign)
    failed = forged(
        campaign, tmp_path / "forged", lambda written: [one.pop("n_resets", 0) for one in written["meters"]]
    )
    assert "derived/qualification.json qualification" in failed
