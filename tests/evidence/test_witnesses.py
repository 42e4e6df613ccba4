"""What a lab could do before it signs, a witness shows: the log cut back, a run redone or gone, readings forged after
the seal. And what a receipt, a key or a log of the witness proves by itself, and what not."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.attest.receipts import read_log
from harness.attest.receiver import own_digest
from harness.attest.signer import read_public_key
from harness.attest.witness import untold
from harness.evidence.witnesses import Witnesses, check_witnesses, read_witnesses
from harness.record.campaign_folder import RECEIPTS, CampaignFolder
from harness.record.documents import Thresholds
from harness.record.errors import DocumentError, WitnessError
from harness.record.verify import examine
from reports.campaign.witnessed import evaluate
from tests.documents import write_results
from tests.evidence.conftest import SHAPE, make_key
from tests.evidence.forger import copied, edit_rows, reforge
from tests.evidence.witnessing import cut_back, receive, rewrite_receipts
from tests.reports import make_campaign as synthetic

WITNESSED = replace(SHAPE, witness="notary@127.0.0.1", repetitions=2, baseline_blocks=2, duration_s=10)


@pytest.fixture(scope="session")
def witness_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("witness") / "witness")


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, witness_key: Path) -> tuple[Path, Path]:
    """A campaign of four runs whose heads a witness received at once, and the witness's log."""
    folder = tmp_path_factory.mktemp("witnessed")
    campaign = synthetic.make_campaign(folder, WITNESSED)
    receive(campaign, folder / "heads.jsonl", key=witness_key)
    return campaign, folder / "heads.jsonl"


@pytest.fixture
def campaign(original: tuple[Path, Path], tmp_path: Path) -> Path:
    shutil.copy(original[1], tmp_path / "heads.jsonl")
    return copied(original[0], tmp_path)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The witness's log as it is when somebody verifies."""
    return tmp_path / "heads.jsonl"


def problems(campaign: Path, *files: Path) -> list[str]:
    seen = examine(campaign)
    checks, _ = check_witnesses(campaign, seen, read_witnesses(files))
    return [f"{check.name}: {check.detail}" for check in [*seen.checks, *checks] if not check.passed]


def notes(campaign: Path, *files: Path) -> str:
    return " ".join(check_witnesses(campaign, examine(campaign), read_witnesses(files))[1])


def a_tenth_less(run: Path) -> None:
    edit_rows(run, lambda _, row: [row[0], f"{float(row[1]) * 0.9:.1f}", *row[2:]], wire=True)


def redo(campaign: Path, log: Path, key: Path | None) -> str:
    """A7: the last run cut out of log, folder and receipts, and measured again until it pleased."""
    run = CampaignFolder(campaign).run_paths()[-1]
    ended = cut_back(campaign, run.name)
    kept = run.rename(run.with_name(run.name[:-1] + "f"))
    a_tenth_less(kept)
    folder = CampaignFolder(campaign)
    for entry in ended:
        body = {k: entry[k] for k in entry if k not in ("seq", "prev", "utc", "type", "line_sha256")}
        folder.append(entry["type"], entry["utc"], body | {"folder": kept.name})
    reforge(campaign, results=False)
    rewrite_receipts(campaign, [one for one in json_lines(campaign / RECEIPTS) if holds(campaign, one)])
    receive(campaign, log, key=key)
    return run.name


def json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def holds(campaign: Path, receipt: dict[str, Any]) -> bool:
    lines = CampaignFolder(campaign).log.lines()
    at = receipt["of"]
    return bool(at <= len(lines) and hashlib.sha256(lines[at - 1]).hexdigest() == receipt["head"])


def test_a_campaign_that_its_witness_knows_passes_by_log_key_and_by_nothing(
    campaign: Path, log: Path, witness_key: Path
) -> None:
    assert problems(campaign) == []
    assert problems(campaign, log) == []
    assert problems(campaign, witness_key.with_name("witness.pub")) == []
    assert "were not compared with the witness" in notes(campaign)
    assert notes(campaign, log) == ""


def test_a_run_that_was_redone_is_found_by_the_witnesss_log_and_by_its_key(
    campaign: Path, log: Path, witness_key: Path
) -> None:
    gone = redo(campaign, log, witness_key)
    assert any(
        f"the begin of run 4 ({gone}), which is not in the log any more" in one for one in problems(campaign, log)
    )
    numbers = [one for one in problems(campaign, witness_key.with_name("witness.pub")) if "receipt numbers" in one]
    assert numbers == ["receipt numbers: receipt 7 is not here; receipt 8 is not here"]


def test_a_run_that_vanished_with_its_lines_is_found_by_the_witnesss_log(campaign: Path, log: Path) -> None:
    run = CampaignFolder(campaign).run_paths()[-1]
    cut_back(campaign, run.name)
    shutil.rmtree(run)
    found = problems(campaign, log)
    assert len(found) == 1
    assert found[0].startswith("witness: at 2026-11-21T")
    assert f"the seal of run 4 ({run.name})" in found[0]


def test_readings_forged_after_the_seal_contradict_the_receipts_even_without_the_witness(campaign: Path) -> None:
    reforge(
        campaign,
        lambda run: edit_rows(run, lambda _, row: [row[0], f"{float(row[1]) * 0.9:.1f}", *row[2:]], wire=True),
        results=False,
    )
    assert any("is not the one that the witness was told: the log was cut back" in one for one in problems(campaign))


def test_forged_readings_without_the_receipts_are_found_by_the_log_and_missed_in_the_report(
    campaign: Path, log: Path
) -> None:
    reforge(
        campaign,
        lambda run: edit_rows(run, lambda _, row: [row[0], f"{float(row[1]) * 0.9:.1f}", *row[2:]], wire=True),
        results=False,
    )
    (campaign / RECEIPTS).unlink()
    assert problems(campaign) == []
    assert any("which is not in the log any more" in one for one in problems(campaign, log))
    results = json.loads(write_results(campaign).read_text())
    missing = [one for one in results["findings"] if one["code"] == "receipt-missing"]
    assert len(missing) == 8
    assert results["evidence"]["witness"] == {
        "kinds": ["ssh"], "expected": 8, "received": 0, "late": 0, "longest_s": None, "shortest_s": None,
    }  # fmt: skip


def edited(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def edit(campaign: Path) -> None:
        receipts = json_lines(campaign / RECEIPTS)
        change(receipts[2])
        rewrite_receipts(campaign, receipts)

    return edit


def another_stamp(receipt: dict[str, Any]) -> None:
    receipt["line"] = receipt["line"].replace('"utc":"2026', '"utc":"2025')


def signed_by_nobody(receipt: dict[str, Any]) -> None:
    receipt["signature"] = None


def one_taken_out(campaign: Path) -> None:
    receipts = json_lines(campaign / RECEIPTS)
    rewrite_receipts(campaign, receipts[:2] + receipts[3:])


@pytest.mark.parametrize(
    ("attack", "given", "message"),
    [
        (edited(another_stamp), (), "receipt numbers: no receipt, or not as the witness wrote it"),
        (edited(signed_by_nobody), ("witness.pub",), "receipt signatures: the receipt of line 6 is not signed by it"),
        (edited(lambda one: None), ("mallory.pub",), "receipt signatures: .* signed with another key, SHA256:"),
        (one_taken_out, (), "receipt numbers: receipt 3 is not here"),
    ],
    ids=["another stamp", "not signed", "another key", "taken out"],
)
def test_a_receipt_that_is_not_the_witnesss_is_found(
    campaign: Path,
    witness_key: Path,
    other_key: Path,
    attack: Callable[[Path], None],
    given: tuple[str, ...],
    message: str,
) -> None:
    keys = {"witness.pub": witness_key.with_name("witness.pub"), "mallory.pub": other_key.with_name("mallory.pub")}
    attack(campaign)
    assert any(re.search(message, one) for one in problems(campaign, *(keys[name] for name in given)))


def test_an_answer_that_was_lost_is_a_remark_where_the_witnesss_log_is_there(campaign: Path, log: Path) -> None:
    receipts = json_lines(campaign / RECEIPTS)
    rewrite_receipts(campaign, receipts[:-1])
    assert problems(campaign, log) == []
    assert "1 receipts stand in the witness's log only" in notes(campaign, log)


def test_a_receipt_of_another_witnesss_log_is_none(campaign: Path, tmp_path: Path) -> None:
    other = synthetic.make_campaign(tmp_path / "other", replace(WITNESSED, seed=9))
    receive(other, tmp_path / "other.jsonl")
    (found,) = problems(campaign, tmp_path / "other.jsonl")
    assert "it never heard of this campaign; receipt 1 is not in its log" in found


def test_a_campaign_without_receipts_does_not_pass_for_a_witnessed_one(
    campaign: Path, log: Path, witness_key: Path
) -> None:
    (campaign / RECEIPTS).unlink()
    assert problems(campaign, log) == []
    assert "8 receipts stand in the witness's log only" in notes(campaign, log)
    found = problems(campaign, witness_key.with_name("witness.pub"))
    assert found == ["receipt signatures: the campaign has no receipt of a witness"]


def test_a_campaign_begun_anew_under_its_name_is_told_by_the_witness(campaign: Path, log: Path, tmp_path: Path) -> None:
    again = synthetic.make_campaign(tmp_path / "again", replace(WITNESSED, seed=9))
    receive(again, log, delays_s=lambda _: 3600.0)
    assert problems(again, log) == []
    assert "The witness knows 1 more campaigns of this name" in notes(again, log)


def test_a_witnesss_log_that_was_edited_is_found(campaign: Path, log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:2] + lines[3:]))
    assert any(one.startswith("witness's log: ") and "the chain is broken" in one for one in problems(campaign, log))


def test_late_and_missing_receipts_are_findings_with_their_span(tmp_path: Path) -> None:
    campaign = synthetic.make_campaign(tmp_path, WITNESSED)
    delays_s = {("run-begin", 2): 600.0, ("run-end", 2): None, ("run-begin", 3): -60.0}
    receive(campaign, tmp_path / "log", delays_s=lambda one: delays_s.get((one["event"], one["ordinal"]), 0.3))
    results = json.loads(write_results(campaign).read_text())
    found = {one["code"]: one["evidence"] for one in results["findings"] if one["code"].startswith(("rec", "wit"))}
    assert set(found) == {"receipt-late", "receipt-missing", "witness-clock"}
    assert found["receipt-late"]["span_s"] == 600.0
    assert found["receipt-late"]["limit_s"] == 60.0
    # The next head that the witness has covers it: that of run 3's begin, which is stamped a minute early.
    assert found["receipt-missing"]["event"] == "run-end"
    assert found["receipt-missing"]["span_s"] == pytest.approx(-60.0, abs=1.0)
    assert found["witness-clock"]["span_s"] == -60.0
    assert results["evidence"]["witness"]["received"] == 7
    assert results["evidence"]["witness"]["late"] == 1


def test_verify_takes_log_and_key_and_says_what_is_not_proved(
    campaign: Path, log: Path, witness_key: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    write_results(campaign)
    words = ["--witness", str(log), "--witness", str(witness_key.with_name("witness.pub"))]
    assert cli.main(["verify", str(campaign), *words, "--all"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "8 heads that it received stand in the campaign's log" in said
    assert "8 receipts signed with SHA256:" in said
    assert "A witness received 8 of 8 heads of this campaign, none of them late." in said
    assert "It is not proved that the bytes of the meter are true" in said


ODD: tuple[object, ...] = (None, [], {}, True, -1, 10**400, "\ud800", "9999-99-99T00:00:00Z", "AAAA")


def append_plainly(campaign: Path, kind: str, body: dict[str, Any]) -> None:
    """A line of receipts.jsonl as a forger writes it: in ASCII, so that it may hold half a character."""
    log = CampaignFolder(campaign).receipts
    entry = {"seq": len(log.lines()) + 1, "prev": log.head(), "utc": "2026-11-21T08:00:00Z", "type": kind, **body}
    unclosed = json.dumps(entry, separators=(",", ":")).encode()[:-1]
    with log.path.open("ab") as file:
        file.write(unclosed + own_digest(unclosed) + b"\n")


@pytest.mark.parametrize("key", ["of", "head", "line", "signature", "stamp", "token"])
def test_receipts_that_hold_anything_are_said_to_be_none_and_nothing_crashes(
    campaign: Path, log: Path, witness_key: Path, key: str
) -> None:
    plain: dict[str, Any] = {"of": 3, "head": "a" * 64, "line": "{}", "signature": None}
    plain |= {"stamp": "2026-11-21T08:00:00Z", "authority": "x", "token": "AAAA"}
    rewrite_receipts(campaign, [])
    for value in ODD:
        for kind in ("receipt", "timestamp"):
            append_plainly(campaign, kind, plain | {key: value})
    witnesses = Witnesses((read_log(log),), (read_public_key(witness_key.with_name("witness.pub")),), (log,))
    seen = examine(campaign)
    assert len(seen.receipts) == 2 * len(ODD)
    checks, _ = check_witnesses(campaign, seen, witnesses)
    failed = {check.name for check in [*seen.checks, *checks] if not check.passed}
    assert {"receipts", "receipt numbers", "receipt signatures", "time stamps"} <= failed
    assert evaluate(seen.entries, seen.receipts, Thresholds(receipt_late_s=60.0)).witness.expected == 8
    with pytest.raises(DocumentError, match=rf"receipts\.jsonl:\d+: {key} is "):
        untold(CampaignFolder(campaign), "ssh")


def test_a_file_that_is_nothing_of_a_witness_is_refused_by_name(campaign: Path, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello\n")
    with pytest.raises(WitnessError, match="holds no receipt"):
        read_witnesses([tmp_path / "x"])
    with pytest.raises(WitnessError, match="cannot read"):
        read_witnesses([tmp_path / "nowhere"])
    key = read_public_key(make_key(tmp_path / "k").with_name("k.pub"))
    assert read_witnesses([tmp_path / "k.pub"]) == Witnesses(keys=(key,))
