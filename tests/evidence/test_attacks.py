"""A stranger with the folder and the public key finds every forgery, each with a message of its own."""

import json
import re
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.attest.signer import OF_SEAL, read_public_key, sign
from harness.evidence import verification
from harness.evidence.statement import SIGNATURE, to_bytes
from harness.evidence.verification import sign_campaign, verify
from harness.evidence.verifier import Outcome
from harness.record.campaign_folder import ANNOTATIONS, CAMPAIGN, STATEMENT, CampaignFolder
from harness.record.documents import dump
from harness.record.run_folder import JOURNAL
from harness.record.seal import MANIFEST
from harness.record.verify import verify_campaign
from tests.documents import write_results
from tests.evidence.conftest import SHAPE
from tests.evidence.forger import copied, edit_rows, journal_of, reforge, unlock, write_journal
from tests.reports import make_campaign as synthetic

Attack = Callable[[Path], None]


def check(campaign: Path, key: Path) -> Outcome:
    return verify(campaign, read_public_key(key.with_name(key.name + ".pub")))


def said(outcome: Outcome) -> list[str]:
    return [f"{one.subject} {one.name}: {one.detail}" for one in outcome.failed]


def assert_found(outcome: Outcome, message: str) -> None:
    assert any(re.search(message, line) for line in said(outcome)), said(outcome)


def power_scaled_up(campaign: Path) -> None:
    def edit(run: Path) -> None:
        edit_rows(run, lambda _, row: [row[0], f"{float(row[1]) * 1.05:.1f}", *row[2:]], wire=True)

    reforge(campaign, edit)


def half_the_samples_deleted(campaign: Path) -> None:
    reforge(campaign, lambda run: edit_rows(run, lambda index, row: row if index % 2 else None))


def half_the_samples_replaced_by_minus_one(campaign: Path) -> None:
    reforge(campaign, lambda run: edit_rows(run, lambda index, row: row if index % 2 else [row[0], "-1", *row[2:]]))


def the_indicators_cannot_be_placed(campaign: Path) -> None:
    def edit(run: Path) -> None:
        documents = journal_of(run)
        write_journal(run, [one for one in documents if (one["type"], one.get("kind")) != ("event", "clock")])

    reforge(campaign, edit)


def the_last_run_removed(campaign: Path) -> None:
    gone = CampaignFolder(campaign).run_paths()[-1]
    unlock(campaign)
    shutil.rmtree(gone)
    reforge(campaign, rewrite=lambda entries: [e for e in entries if e.get("folder") != gone.name])


def a_folder_removed(campaign: Path) -> None:
    shutil.rmtree(CampaignFolder(campaign).run_paths()[2])


def two_runs_in_another_order(campaign: Path) -> None:
    def rewrite(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*entries[:2], *entries[4:6], *entries[2:4], *entries[6:]]

    reforge(campaign, rewrite=rewrite)


def results_edited(campaign: Path) -> None:
    results = campaign / "derived" / "results.json"
    content = json.loads(results.read_text())
    content["scenarios"]["cnn"]["energy_wh"]["value"] *= 1 - 1e-6
    results.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def a_finding_taken_out_of_the_results(campaign: Path) -> None:
    results = campaign / "derived" / "results.json"
    content = json.loads(results.read_text())
    content["findings"] = [one for one in content["findings"] if one["code"] != "emulated"]
    results.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def report_edited(campaign: Path) -> None:
    report = campaign / "derived" / "report.html"
    html = report.read_text()
    assert "emulated" in html
    report.write_text(html.replace("emulated", "calibrated", 1))


def report_removed(campaign: Path) -> None:
    (campaign / "derived" / "report.html").unlink()


def a_document_slipped_in(campaign: Path) -> None:
    (campaign / "derived" / "certificate.pdf").write_bytes(b"%PDF-1.7")


def journal_cut_off(campaign: Path) -> None:
    journal = CampaignFolder(campaign).run_paths()[3] / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-40])


def journal_cut_off_and_sealed_again(campaign: Path) -> None:
    last = CampaignFolder(campaign).run_paths()[-1]

    def edit(run: Path) -> None:
        if run == last:
            write_journal(run, journal_of(run)[:-1])

    reforge(campaign, edit)


def clock_set_back(campaign: Path) -> None:
    def rewrite(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for entry in entries[6:]:
            entry["utc"] = f"{datetime.fromisoformat(entry['utc']) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        return entries

    reforge(campaign, rewrite=rewrite)


def wall_clock_of_a_run_moved(campaign: Path) -> None:
    target = CampaignFolder(campaign).run_paths()[2]

    def edit(run: Path) -> None:
        documents = journal_of(run)
        if run == target:
            documents[0]["time_ns"] += 40 * 10**9
        write_journal(run, documents)

    reforge(campaign, edit)


def emulator_passed_off_as_an_instrument(campaign: Path) -> None:
    def edit(run: Path) -> None:
        documents = journal_of(run)
        documents[1] |= {
            "origin": "instrument",
            "identity": {"maker": "YOKOGAWA", "model": "WT310E", "serial": "C2PH13047V", "firmware": "F1.03"},
            "evidence": {"device": "/dev/usbtmc0", "device_major": 180, "sysfs_serial": "C2PH13047V"},
        }
        write_journal(run, documents)

    reforge(campaign, edit)


def statement_edited(campaign: Path) -> None:
    statement = campaign / STATEMENT
    statement.write_bytes(statement.read_bytes().replace(b'"origin": "emulated"', b'"origin": "instrument"'))


def signature_removed(campaign: Path) -> None:
    (campaign / SIGNATURE).unlink()


def statement_and_signature_removed(campaign: Path) -> None:
    (campaign / SIGNATURE).unlink()
    (campaign / STATEMENT).unlink()


def signature_is_nonsense(campaign: Path) -> None:
    (campaign / SIGNATURE).write_text("-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n")


def statement_is_nonsense(campaign: Path) -> None:
    (campaign / STATEMENT).write_bytes(b'{"schema": 1, "runs": [3]}')


def log_appended(campaign: Path) -> None:
    CampaignFolder(campaign).append("attachment", "2026-11-22T10:00:00Z", {"path": CAMPAIGN, "sha256": "", "note": ""})


def note_appended(campaign: Path) -> None:
    body = {"operator": "m", "run": None, "text": "all was well", "exclude": None}
    CampaignFolder(campaign).annotations.append("annotation", "2026-11-22T10:00:00Z", body)


def a_folder_linked_from_elsewhere(campaign: Path) -> None:
    run = CampaignFolder(campaign).run_paths()[1]
    away = campaign.parent / "elsewhere"
    run.rename(away)
    run.symlink_to(away)


def results_linked_from_elsewhere(campaign: Path) -> None:
    results = campaign / "derived" / "results.json"
    results.rename(campaign.parent / "results.json")
    results.symlink_to(campaign.parent / "results.json")


ATTACKS: list[tuple[Attack, str]] = [
    (power_scaled_up, r"signed run: .*its energy is [\d.]+ Wh, [\d.]+ Wh was signed"),
    (half_the_samples_deleted, r"signed run: .*readings-wall.csv has 34 rows, 68 were signed"),
    (half_the_samples_replaced_by_minus_one, r"signed run: .*its findings now say .*negative"),
    (the_indicators_cannot_be_placed, r"signed run: .*its findings now say agent-missing"),
    (the_last_run_removed, r"study signed runs: \S+-r06-\S+ was signed and is no longer in the log"),
    (the_last_run_removed, r"study planned: 1 of 6 planned runs have no successful attempt: run 6; .*or removed"),
    (a_folder_removed, r"study complete: \S+-r03-\S+ is missing"),
    (two_runs_in_another_order, r"study signed runs: the runs stand in another order than signed"),
    (two_runs_in_another_order, r"study planned: the runs were not begun in the order of the plan"),
    (results_edited, r"results.json results: scenarios.cnn.energy_wh.value is [\d.]+, recomputed [\d.]+$"),
    (a_finding_taken_out_of_the_results, r"findings: emulated \(warn, campaign\) was found and is not in the file"),
    (a_document_slipped_in, r"signed documents: certificate.pdf came after the signature"),
    (journal_cut_off, r"-r04-\S+ bytes: run.jsonl: sha256 \S+ differs from the sealed"),
    (journal_cut_off, r"-r04-\S+ link: .*says it ended with success, its journal says abort: the journal was cut off"),
    (journal_cut_off_and_sealed_again, r"-r06-\S+ link: .*says it ended with success, its journal says abort"),
    (clock_set_back, r"study clock: campaign.jsonl:7 is stamped \d+ s before the line before it: clock set back"),
    (wall_clock_of_a_run_moved, r"study clock: \S+-r03-\S+: the host's wall clock was set by -40 s"),
    (emulator_passed_off_as_an_instrument, r"origin: meter wall: instrument, but its identity does not stand in the"),
    (statement_edited, r"study signature: .*the statement was changed after it was signed"),
    (signature_removed, r"study signature: there is a statement, but its signature is gone"),
    (statement_and_signature_removed, r"study signature: there is no campaign.statement.json: .*is not signed, or"),
    (signature_is_nonsense, r"study signature: the signature is not one of this statement"),
    (statement_is_nonsense, r"study signature: campaign.statement.json: campaign is None, expected str"),
    (log_appended, r"study signed log: 1 line of campaign.jsonl came after the signature"),
    (note_appended, r"study signed notes: 1 line of annotations.jsonl came after the signature"),
    (a_folder_linked_from_elsewhere, r"study plain: \S+-r02-\S+: a link, pipe or device, not followed"),
    (results_linked_from_elsewhere, r"study plain: derived/results.json: a link, pipe or device, not followed"),
]


ON_THE_REPORT: list[tuple[Attack, str]] = [
    (report_edited, r"report.html report: line \d+ is .*calibrated.*, rendered now .*emulated"),
    (report_edited, r"signed documents: report.html is not the signed file$"),
    (report_removed, r"signed documents: report.html is gone"),
]


@pytest.mark.parametrize(("attack", "message"), ATTACKS, ids=[attack.__name__ for attack, _ in ATTACKS])
def test_an_attack_on_a_signed_campaign_is_found(
    signed: Path, key: Path, tmp_path: Path, attack: Attack, message: str
) -> None:
    campaign = copied(signed, tmp_path)
    attack(campaign)
    assert_found(check(campaign, key), message)


@pytest.mark.parametrize(("attack", "message"), ON_THE_REPORT)
def test_a_report_edited_by_hand_is_found(
    reported: Path, key: Path, tmp_path: Path, attack: Attack, message: str
) -> None:
    campaign = copied(reported, tmp_path)
    attack(campaign)
    assert_found(check(campaign, key), message)


def test_the_messages_of_the_attacks_differ() -> None:
    messages = [message for _, message in (*ATTACKS, *ON_THE_REPORT)]
    assert len(set(messages)) == len(messages)


def test_a_signed_campaign_passes_every_check_and_says_who_signed_what(reported: Path, key: Path) -> None:
    outcome = check(reported, key)
    assert {"signature", "chain", "results", "findings", "report"} <= {one.name for one in outcome.checks}
    assert said(outcome) == []
    fingerprint = read_public_key(key.with_name("lab.pub")).fingerprint
    assert any(note.startswith("Signed ") and fingerprint in note for note in outcome.notes)
    assert "meter wall: emulated: no evidence about a real machine" in outcome.notes


def test_without_a_key_verify_says_that_nothing_proves_who_made_it(signed: Path, unsigned: Path) -> None:
    for campaign in (signed, unsigned):
        outcome = verify(campaign, None)
        assert said(outcome) == []
        assert any(note.startswith("Nothing proves who made this campaign") for note in outcome.notes)


def test_a_swapped_public_key_does_not_pass_for_the_labs(
    signed: Path, key: Path, other_key: Path, tmp_path: Path
) -> None:
    campaign = copied(signed, tmp_path)
    power_scaled_up(campaign)
    sign_campaign(campaign, other_key, None)
    assert said(check(campaign, other_key)) == []
    mallory = read_public_key(other_key.with_name("mallory.pub")).fingerprint
    assert_found(
        check(campaign, key), f"signature: signed with another key, {re.escape(mallory)}; the given public key"
    )


@pytest.mark.parametrize("namespace", ["file", OF_SEAL])
def test_a_signature_made_for_another_purpose_does_not_pass(
    signed: Path, key: Path, tmp_path: Path, namespace: str
) -> None:
    campaign = copied(signed, tmp_path)
    (campaign / SIGNATURE).write_bytes(sign((campaign / STATEMENT).read_bytes(), key, namespace))
    assert_found(check(campaign, key), "the signature is not one of this statement")


def test_a_run_copied_from_another_campaign_is_named_as_such(signed: Path, key: Path, tmp_path: Path) -> None:
    campaign = copied(signed, tmp_path / "here")
    other = synthetic.make_campaign(tmp_path, synthetic.Shape(**fields_of(SHAPE) | {"name": "other"}))
    unlock(other)
    target = CampaignFolder(campaign).run_paths()[1]
    shutil.rmtree(target)
    shutil.copytree(CampaignFolder(other).run_paths()[1], target)
    reforge(campaign)
    assert_found(check(campaign, key), r"place: it was measured for the campaign 'other', this is 'study'")
    assert_found(verify(campaign, None), r"place: it was measured for the campaign 'other', this is 'study'")


def test_a_warning_of_the_meter_in_mid_run_is_found_and_cannot_be_taken_out(
    unsigned: Path, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The made up meter has no bytes for what it states.
    monkeypatch.setattr(verification, "check_wires", lambda *_: [])
    campaign = copied(unsigned, tmp_path)
    reforge(campaign, lambda run: meter_states(run, warning=0.05))
    computed = json.loads((campaign / "derived" / "results.json").read_text())
    assert all("meter-uncertainty" in run["findings"] for run in computed["runs"])
    sign_campaign(campaign, key, None)
    assert said(check(campaign, key)) == []
    reforge(campaign, lambda run: meter_states(run, warning=0.001))
    assert_found(check(campaign, key), r"signed run: .*its findings no longer say meter-uncertainty")


def meter_states(run: Path, *, warning: float) -> None:
    """What a meter states of its own readings: little, but `warning` of ten readings in mid-run."""
    stream = run / "readings-wall.csv"
    rows = [row.split(",") for row in stream.read_text().splitlines()[1:]]
    stated = [warning if 30 <= index < 40 else 0.001 for index in range(len(rows))]
    lines = [f"{row[0]},{row[1]},{value},{row[-2]},{row[-1]}" for row, value in zip(rows, stated, strict=True)]
    stream.write_text("\n".join(["time_ns,power_w,relative_uncertainty,window_s,flags", *lines, ""]))


def fields_of(shape: synthetic.Shape) -> dict[str, Any]:
    return {name: getattr(shape, name) for name in shape.__dataclass_fields__}


def test_a_run_replaced_by_an_older_one_is_named_as_such(
    signed: Path, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = copied(signed, tmp_path / "here")
    with monkeypatch.context() as patch:
        patch.setattr(synthetic, "EPOCH", synthetic.EPOCH - timedelta(days=3))
        older = synthetic.make_campaign(tmp_path / "older", SHAPE)
    unlock(older)
    target = CampaignFolder(campaign).run_paths()[1]
    shutil.rmtree(target)
    shutil.copytree(CampaignFolder(older).run_paths()[1], target)
    reforge(campaign)
    message = r"study clock: .*was measured at 2026-11-18\S+, 259200 s before the log began it: another, older run"
    assert_found(check(campaign, key), message)
    assert_found(verify(campaign, None), message)
    assert_found(check(campaign, key), r"signed run: not the run that was signed")


def test_an_error_is_not_masked_by_an_earlier_one(reported: Path, key: Path, tmp_path: Path) -> None:
    campaign = copied(reported, tmp_path)
    first, *_, last = CampaignFolder(campaign).run_paths()
    log = campaign / CAMPAIGN
    log.write_bytes(log.read_bytes().replace(b'"seed":7', b'"seed":8', 1))
    (first / MANIFEST).unlink()
    (last / "readings-wall.csv").write_bytes(b"time_ns,power_w,window_s,flags\n")
    report_edited(campaign)
    results_edited(campaign)
    outcome = check(campaign, key)
    for message in (
        "study chain: .*it was changed",
        f"{first.name} sealed: ",
        f"{last.name} bytes: readings-wall.csv",
        "report.html report: ",
        "results.json results: ",
        "study signed log: campaign.jsonl is not the signed one: its chain is broken",
        f"study validity: .*{last.name}",
    ):
        assert_found(outcome, message)


def test_exclusions_that_were_signed_stay_and_cannot_be_taken_back(unsigned: Path, key: Path, tmp_path: Path) -> None:
    campaign = copied(unsigned, tmp_path)
    run = CampaignFolder(campaign).run_paths()[1].name
    body = {"operator": "o", "run": run, "text": "the window stood open", "exclude": "draught"}
    CampaignFolder(campaign).annotations.append("annotation", "2026-11-22T10:00:00Z", body)
    write_results(campaign)
    sign_campaign(campaign, key, None)
    assert said(check(campaign, key)) == []
    (campaign / ANNOTATIONS).unlink()
    assert_found(
        check(campaign, key), "signed notes: annotations.jsonl is not the signed one: rewritten, cut off or rem"
    )


def test_an_attachment_that_the_log_names_outside_the_campaign_is_not_read(unsigned: Path, tmp_path: Path) -> None:
    campaign = copied(unsigned, tmp_path)
    (tmp_path / "secret").write_text("x")
    CampaignFolder(campaign).append(
        "attachment", "2026-11-22T10:00:00Z", {"path": "../secret", "sha256": "", "note": ""}
    )
    [found] = [one for one in verify_campaign(campaign) if one.name == "attachment"]
    assert not found.passed
    assert "may not climb out" in found.detail


def test_a_statement_written_by_a_newer_wattlab_is_refused_not_guessed_at(
    signed: Path, key: Path, tmp_path: Path
) -> None:
    campaign = copied(signed, tmp_path)
    statement = json.loads((campaign / STATEMENT).read_bytes()) | {"schema": 2}
    (campaign / STATEMENT).write_bytes(to_bytes(statement))
    assert_found(check(campaign, key), "schema 2 is newer than 1; update wattlab")


def test_a_forged_journal_line_does_not_stop_the_verification(signed: Path, key: Path, tmp_path: Path) -> None:
    campaign = copied(signed, tmp_path)
    run = CampaignFolder(campaign).run_paths()[0]
    documents = journal_of(run)
    write_journal(run, [*documents[:-1], json.loads(dump({"type": "event", "kind": "unheard-of"})), documents[-1]])
    assert_found(check(campaign, key), r"-r01-\S+ journal: .*unknown document")
