"""What a forger changes in one place and leaves in another is found without key or witness; honest accidents are not
taken for forgery."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.contradictions import check_contradictions
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import NoteEvent
from harness.record.plain_files import sha256_of
from harness.record.run_folder import JOURNAL, RunFolder
from harness.record.verify import examine
from harness.sut.bundle import agent_source
from tests.evidence.forger import copied, journal_of, reforge, unlock, write_journal

Documents = list[dict[str, Any]]
Entries = list[dict[str, Any]]


def problems(campaign: Path) -> list[str]:
    seen = examine(campaign)
    checks = [*seen.checks, *check_contradictions(campaign.name, seen)]
    return [f"{check.name}: {check.detail}" for check in checks if not check.passed]


def with_start(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """Every run's start document changed."""

    def edit(run: Path) -> None:
        documents = journal_of(run)
        change(documents[0])
        write_journal(run, documents)

    return edit


def looser(start: dict[str, Any]) -> None:
    start["config"]["thresholds"]["gap_single_s"] = 1000.0


def another_operator(start: dict[str, Any]) -> None:
    start["config"]["lab"]["operator"] = "M. Allory"


def another_operator_in_the_log(entries: Entries) -> Entries:
    entries[0]["config"]["lab"]["operator"] = "M. Allory"
    return entries


def in_lab_toml(old: str, new: str) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        lab = run / "inputs" / "lab.toml"
        lab.write_text(lab.read_text().replace(old, new))
        documents = journal_of(run)
        documents[0]["inputs"]["lab.toml"] = sha256_of(lab)
        write_journal(run, documents)

    return edit


def declares_quality(start: dict[str, Any]) -> None:
    """Levels that no scenario.toml of the campaign declares."""
    quality = {"metric": "f1", "title": "F1", "levels": [0.5]}
    if start["kind"] == "scenario":
        start["scenario_config"] = start["scenario_config"] | {"quality": quality, "repeats": "epoch"}


def with_parameters(told: dict[str, Any], written: str) -> Callable[[Path], None]:
    """A scenario.toml in the inputs, and other parameters in the start document."""

    def edit(run: Path) -> None:
        documents = journal_of(run)
        if documents[0]["kind"] == "scenario":
            toml = run / "inputs" / "scenario.toml"
            toml.write_text(written)
            documents[0]["inputs"]["scenario.toml"] = sha256_of(toml)
            documents[0]["scenario_config"]["parameters"] = told
        write_journal(run, documents)

    return edit


def a_day_back(stamp: str) -> str:
    return f"{datetime.fromisoformat(stamp) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"


def dated_a_day_back(run: Path) -> None:
    documents = journal_of(run)
    for document in (documents[0], documents[-1]):
        document["utc"] = a_day_back(document["utc"])
    write_journal(run, documents)


def log_dated_a_day_back(entries: Entries) -> Entries:
    return [entry | {"utc": a_day_back(entry["utc"])} for entry in entries]


def rating_ends_early(run: Path) -> None:
    """The end of the rating moved before the end of its actions: less time, less energy."""
    documents = journal_of(run)
    for document in documents:
        if document.get("kind") == "phase" and document.get("edge") == "end":
            for key in ("time_ns", "sut_ns", "sut_wall_ns"):
                document[key] -= 20 * 10**9
    write_journal(run, documents)


def rating_ends_early_and_in_its_place(run: Path) -> None:
    """The same, its line moved to where it would have arrived then."""
    rating_ends_early(run)
    documents = journal_of(run)
    stamped = [document for document in documents if document["type"] == "event"]
    others = [document for document in documents if document["type"] != "event"]
    ordered = sorted(stamped, key=lambda document: int(document["time_ns"]))
    write_journal(run, [*others[:-1], *ordered, others[-1]])


@pytest.mark.parametrize(
    ("edit", "rewrite", "message"),
    [
        (
            with_start(looser),
            None,
            r"config: \S+: thresholds.gap_single_s is 1000.0 in its .*10.0 in the campaign's log",
        ),
        (with_start(another_operator), None, r"config: .*lab.operator is 'M. Allory' .* in the campaign's log"),
        (with_start(another_operator), another_operator_in_the_log, r"config: .* 'A. Operator' in inputs/lab.toml"),
        (in_lab_toml("stabilization_s = 2.0", "stabilization_s = 9.0"), None, r"config: .*9.0 in inputs/lab.toml"),
        (with_parameters({"size": 3}, "[parameters]\nsize = 1\n"), None, "config: .* its parameters are not those of"),
        (with_parameters({"size": 3}, '{"parameters":{"size":2}}'), None, "config: .* its parameters are not those of"),
        (with_start(declares_quality), None, r"config: \S+: scenario_config.quality is in its start document, not in"),
        (dated_a_day_back, log_dated_a_day_back, r"dates: \S+: its start document is stamped 2026-11-20T"),
        (dated_a_day_back, log_dated_a_day_back, r"dates: .*its clock exchanges put it 86400 s from 2026-11-20T"),
        (rating_ends_early, None, "order: .*: a mark arrived before the one before it"),
        (rating_ends_early, None, r"order: .* marks of actions are stamped after the end of its rating interval"),
        (rating_ends_early_and_in_its_place, None, r"order: .* marks of actions stand behind the end of its rating"),
    ],
)
def test_a_contradiction_is_found(
    unsigned: Path,
    tmp_path: Path,
    edit: Callable[[Path], None],
    rewrite: Callable[[Entries], Entries] | None,
    message: str,
) -> None:
    campaign = copied(unsigned, tmp_path)
    reforge(campaign, edit, rewrite or (lambda entries: entries), results=False)
    assert any(re.search(message, found) for found in problems(campaign)), problems(campaign)


def test_a_campaign_as_measured_contradicts_nothing(unsigned: Path) -> None:
    assert problems(unsigned) == []


def events_of(documents: Documents, kind: str) -> Documents:
    return [document for document in documents if document["type"] == "event" and document["kind"] == kind]


def marker_with_the_wall_clock(documents: Documents) -> Documents:
    """A program marked with `time.time_ns()`."""
    events_of(documents, "action")[1]["sut_ns"] = 1_795_861_828_000_000_000
    return documents


def a_process_that_outlived_its_command(documents: Documents) -> Documents:
    """Its action ends behind the rating, and the agent noted why."""
    last = events_of(documents, "action")[-1]
    end = next(one for one in events_of(documents, "phase") if one["edge"] == "end")
    note = {"type": "event", "kind": "note", "code": "left-running", "text": "1 processes"}
    late = last | {key: end[key] + 10**9 for key in ("time_ns", "sut_ns")}
    return [*documents[:-1], note | {"time_ns": end["time_ns"]}, late, documents[-1]]


def a_clock_that_was_set_in_mid_run(documents: Documents) -> Documents:
    for exchange in events_of(documents, "clock")[4:]:
        exchange["host_wall_ns"] += 8 * 10**9
    return documents


@pytest.mark.parametrize(
    "accident", [marker_with_the_wall_clock, a_process_that_outlived_its_command, a_clock_that_was_set_in_mid_run]
)
def test_an_honest_accident_is_no_contradiction(
    unsigned: Path, tmp_path: Path, accident: Callable[[Documents], Documents]
) -> None:
    campaign = copied(unsigned, tmp_path)

    def edit(run: Path) -> None:
        documents = journal_of(run)
        if documents[0]["kind"] == "scenario":
            write_journal(run, accident(documents))

    reforge(campaign, edit, results=False)
    assert problems(campaign) == []


def test_the_notes_that_excuse_a_late_mark_are_those_that_the_agent_writes() -> None:
    from harness.evidence.contradictions import OUTLIVED

    source = agent_source().decode()
    assert all(re.search(rf'\.note\(\s*"{code}"', source) for code in OUTLIVED)
    assert NoteEvent(time_ns=0, code="left-running", text="").code in OUTLIVED


def test_a_start_document_exchanged_after_the_log_saw_it_is_found(unsigned: Path, tmp_path: Path) -> None:
    campaign = copied(unsigned, tmp_path)
    run = CampaignFolder(campaign).run_paths()[1]
    unlock(run)
    journal = run / JOURNAL
    journal.write_bytes(journal.read_bytes().replace(b'"seed":1000', b'"seed":1001', 1))
    assert RunFolder.open(run).start.seed == 1001
    assert any("place: its start document is not the one that the log saw on disk" in one for one in problems(campaign))


def test_a_table_of_the_room_in_the_campaign_file_is_refused_as_plan_refuses_it(unsigned: Path, tmp_path: Path) -> None:
    campaign = copied(unsigned, tmp_path)

    def edit(run: Path) -> None:
        file = run / "inputs" / "campaign.toml"
        file.write_text('schema = 1\n[meters.x]\ndriver = "wattsup"\n')
        documents = journal_of(run)
        documents[0]["inputs"]["campaign.toml"] = sha256_of(file)
        write_journal(run, documents)

    reforge(campaign, edit, results=False)
    (config,) = [line for line in problems(campaign) if line.startswith("config")]
    assert "meters is in inputs/campaign.toml: it is of the room, which stands in lab.toml only" in config
