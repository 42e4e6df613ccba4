"""Every tampering of the attack on evidence, once: what finds it without a witness, and what with one.

The attack counted 66: after signing 5, derived files 8, before signing 3, notes 5, forged between seal and signature
15, games without forging 7, zip tricks 23; a later one forged in 4 ways more. Where the list does not give the wording
of one, it was reconstructed (docs/evidence.md). Outcomes: `check` (one of verify fails), `refused` (sign, or the bag,
is), `finding` (in results and report), `named` (verify says so beside its checks), `harmless` (what is checked is what
was packed), `-` (nothing).
"""

import json
import os
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from harness.attest.signer import read_public_key
from harness.evidence import campaigns
from harness.evidence.bag import unpack_bag, write_bag
from harness.evidence.verification import sign_campaign, verify
from harness.evidence.witnesses import check_witnesses, read_witnesses
from harness.record.campaign_folder import ANNOTATIONS, CAMPAIGN, CampaignFolder
from harness.record.documents import NoteEvent
from harness.record.errors import SigningError
from harness.record.plain_files import sha256_of
from harness.record.verify import examine
from reports.render import GENERATOR
from tests.documents import write_results
from tests.evidence.conftest import SHAPE
from tests.evidence.forger import copied, edit_rows, journal_of, reforge, write_journal
from tests.evidence.test_witnesses import redo
from tests.evidence.witnessing import cut_back, receive
from tests.reports import make_campaign as synthetic
from tests.reports.make_campaign import Load, SyntheticRun

Attack = Callable[[Path], None]
Journal = list[dict[str, Any]]
Entries = list[dict[str, Any]]
SMALL = replace(
    SHAPE,
    loads={"cnn": Load(52.0, 34.0, epochs=2), "transfer": Load(38.0, 22.0, epochs=1)},
    repetitions=2,
    baseline_blocks=2,
    duration_s=10,
)
DOCS = Path(__file__).parents[2] / "docs" / "evidence.md"


class Noted(SyntheticRun):
    """A run whose agent noted something."""

    def _events(self) -> Iterator[Any]:
        yield from super()._events()
        yield NoteEvent(time_ns=self._start_ns + 1, code="sample-garbled", text="cell 3 of a sample is no number")


@dataclass(frozen=True, slots=True)
class Tampering:
    """One of them: its words in docs/evidence.md, what it does, and what then shows."""

    name: str
    attack: Attack
    without: str
    with_witness: str
    message: str = ""
    """A part of the failed check."""


# --- after signing --------------------------------------------------------------------------------------------------


def half_a_line_in_the_log(campaign: Path) -> None:
    with (campaign / CAMPAIGN).open("ab") as file:
        file.write(b'{"type":"attachment","note":"measured with a calibrated WT310E"}')


def half_a_line_in_the_notes(campaign: Path) -> None:
    (campaign / ANNOTATIONS).write_bytes(b"All runs were supervised.")


def deep(campaign: Path) -> Path:
    folder = campaign / "derived" / "sub"
    folder.mkdir()
    return folder


def a_link_deep_in_derived(campaign: Path) -> None:
    (deep(campaign) / "results.json").symlink_to("/etc/hostname")


def a_pipe_deep_in_derived(campaign: Path) -> None:
    os.mkfifo(deep(campaign) / "pipe")


def an_empty_folder_in_a_run(campaign: Path) -> None:
    (CampaignFolder(campaign).run_paths()[1] / "calibration").mkdir()


AFTER_SIGNING = [
    Tampering("half a line added to campaign.jsonl", half_a_line_in_the_log, "check", "check", "whole: campaign.jsonl"),
    Tampering("half a line added to annotations.jsonl", half_a_line_in_the_notes, "check", "check", "whole: annot"),
    Tampering("a link below derived/sub", a_link_deep_in_derived, "check", "check", "plain: derived/sub/results.json"),
    Tampering("a pipe below derived/sub", a_pipe_deep_in_derived, "check", "check", "plain: derived/sub/pipe"),
    Tampering("an empty folder in a sealed run", an_empty_folder_in_a_run, "check", "check", "calibration is a folder"),
]

# --- derived files --------------------------------------------------------------------------------------------------


def results(change: Callable[[bytes], bytes]) -> Attack:
    def attack(campaign: Path) -> None:
        path = campaign / "derived" / "results.json"
        path.write_bytes(change(path.read_bytes()))

    return attack


def page(change: Callable[[bytes], bytes]) -> Attack:
    def attack(campaign: Path) -> None:
        path = campaign / "derived" / "report.html"
        path.write_bytes(change(path.read_bytes()))

    return attack


def with_value(text: bytes) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        document = json.loads(content)
        document["scenarios"]["cnn"]["energy_wh"]["value"] = "HERE"
        return json.dumps(document).encode().replace(b'"HERE"', text)

    return change


def doubled(content: bytes) -> bytes:
    return content.replace(b"{", b'{"scenarios": {"cnn": {"energy_wh": {"value": 0.01}}},', 1)


def as_decimal(content: bytes) -> bytes:
    document = json.loads(content)
    document["schema"] = float(document["schema"])
    return json.dumps(document).encode()


DERIVED = [
    Tampering("results.json with NaN", results(with_value(b"NaN")), "check", "check", "results: scenarios.cnn"),
    Tampering("results.json with another key", results(lambda c: c.replace(b"{", b'{"x": 1,', 1)), "check", "check"),
    Tampering("results.json with 3.0 for 3", results(as_decimal), "check", "check", "results: schema is"),
    Tampering("results.json with a name twice", results(doubled), "check", "check", "'scenarios' stands twice"),
    Tampering("results.json that is no UTF-8", results(lambda c: c.replace(b"cnn", b"c\xffn", 1)), "check", "check"),
    Tampering("report.html with a script", page(lambda c: c + b"<script>0</script>"), "check", "check", "report: line"),
    Tampering("report.html with a line end more", page(lambda c: c + b"\n"), "check", "check", "report: line"),
    Tampering("report.html with CRLF", page(lambda c: c.replace(b"\n", b"\r\n")), "check", "check", "report: line 1"),
]

# --- before signing -------------------------------------------------------------------------------------------------


def beside(name: str, content: bytes) -> Attack:
    def attack(campaign: Path) -> None:
        (campaign / "derived" / name).write_bytes(content)

    return attack


BEFORE_SIGNING = [
    Tampering("results.json with a name twice, then signed", results(doubled), "refused", "refused", "stands twice"),
    Tampering("a made up report.pdf, then signed", beside("report.pdf", b"%PDF-1.7"), "named", "named"),
    Tampering("a made up certificate.html, then signed", beside("certificate.html", b"<p>A</p>"), "named", "named"),
]

# --- notes ----------------------------------------------------------------------------------------------------------


def note(utc: str, run: int | str | None = None, exclude: str | None = None) -> Attack:
    def attack(campaign: Path) -> None:
        name = CampaignFolder(campaign).run_paths()[run].name if isinstance(run, int) else run
        body = {"operator": "m", "run": name, "text": "it was so", "exclude": exclude}
        CampaignFolder(campaign).annotations.append("annotation", utc, body)
        write_results(campaign)

    return attack


def stamped_back(campaign: Path) -> None:
    note("2026-11-22T10:00:00Z")(campaign)
    note("2026-11-22T09:00:00Z")(campaign)


NOTES = [
    Tampering("an exclusion stamped before the campaign", note("2026-11-20T08:00:00Z", 0, "odd"), "check", "check"),
    Tampering("a note stamped before the one before it", stamped_back, "check", "check", "notes: note 2 is stamped"),
    Tampering("a note stamped `never`", note("never"), "check", "check", "'never', which is no time"),
    Tampering("an exclusion of a run that there is not", note("2026-11-22T10:00:00Z", "no-such-run", "odd"), "check",
              "check", "'no-such-run', which is no run"),
    Tampering("a note stamped before its run", note("2026-11-21T08:00:01Z", -1), "check", "check", "s before 2026"),
]  # fmt: skip

# --- forged between seal and signature ------------------------------------------------------------------------------


def forged(
    edit: Callable[[Path], None] = lambda run: None, rewrite: Callable[[Entries], Entries] = lambda e: e
) -> Attack:
    return lambda campaign: reforge(campaign, edit, rewrite)


def documents(change: Callable[[Journal], Journal | None]) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        journal = journal_of(run)
        write_journal(run, change(journal) or journal)

    return edit


def less(_index: int, row: list[str]) -> list[str]:
    return [row[0], f"{float(row[1]) * 0.9:.1f}", *row[2:]]


def sixty(index: int, row: list[str]) -> list[str]:
    return [row[0], "60.0", *row[2:]] if index % 2 else row


def empty_wire(run: Path) -> None:
    (run / "wire-wall.log").write_bytes(b"")


def no_wire(run: Path) -> None:
    (run / "wire-wall.log").unlink()
    documents(lambda journal: journal[-1]["streams"].pop("wire-wall.log") and None)(run)


def stamped_by_a_source(run: Path) -> None:
    """Of another clock, as an import: no clock exchange, and readings that no wire log is held against."""
    edit_rows(run, less)
    journal = [document for document in journal_of(run) if document.get("kind") != "clock"]
    journal[0]["time_base"] = "source-wall"
    write_journal(run, journal)


def from_a_source(origin: str) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        stamped_by_a_source(run)
        journal = journal_of(run)
        journal[0]["source"] = {"format": "power-csv", "files": {}, "note": ""}
        for document in journal:
            if "origin" in document:
                document["origin"] = origin
        write_journal(run, journal)

    return edit


def in_one_run(edit: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda run: edit(run) if "-r03-" in run.name else None


def rating_ends_early(journal: Journal) -> None:
    for document in journal:
        if document.get("kind") == "phase" and document.get("edge") == "end":
            for key in ("time_ns", "sut_ns", "sut_wall_ns"):
                document[key] -= 4 * 10**9


def looser(journal: Journal) -> None:
    journal[0]["config"]["thresholds"]["gap_single_s"] = 1000.0


def a_day_back(stamp: str) -> str:
    return f"{datetime.fromisoformat(stamp) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"


def dated_back(journal: Journal) -> None:
    for document in (journal[0], journal[-1]):
        document["utc"] = a_day_back(document["utc"])


def shifted(journal: Journal) -> None:
    for document in journal:
        if document.get("kind") == "clock":
            document["t_sut_ns"] += 3 * 10**9


def other_parameters(run: Path) -> None:
    toml = run / "inputs" / "scenario.toml"
    toml.write_text("[parameters]\nfixed_epochs = 2\n")
    journal = journal_of(run)
    journal[0]["inputs"]["scenario.toml"] = sha256_of(toml)
    if journal[0]["kind"] == "scenario":
        journal[0]["scenario_config"]["parameters"] = {"fixed_epochs": 5}
    write_journal(run, journal)


def an_input(name: str, content: str) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        path = run / "inputs" / name
        path.write_text(content if not path.exists() else path.read_text().replace("stabilization_s = 2.0", content))
        journal = journal_of(run)
        journal[0]["inputs"][name] = sha256_of(path)
        write_journal(run, journal)

    return edit


def artifacts_exchanged(campaign: Path) -> None:
    runs = [run for run in CampaignFolder(campaign).runs() if run.start.kind == "scenario"]
    one, other = (next(run.path for run in runs if run.start.scenario == name) for name in ("cnn", "transfer"))
    for name in ("history.json", "summary.json"):
        contents = [(run / "artifacts" / name).read_bytes() for run in (one, other)]
        for run, content in zip((other, one), contents, strict=True):
            (run / "artifacts" / name).write_bytes(content)
    reforge(campaign)


def without_notes(journal: Journal) -> Journal:
    return [document for document in journal if document.get("kind") != "note"]


def an_indicator_emptied(run: Path) -> None:
    stream = run / "samples-agent.csv"
    head, *rows = stream.read_text().splitlines()
    emptied = [",".join([*row.split(",")[:2], "", *row.split(",")[3:]]) for row in rows]
    stream.write_text("\n".join([head, *emptied, ""]))


def a_fact_changed(journal: Journal) -> None:
    journal[0]["sut"]["cpu"] = "a CPU of which more was sold"


FORGED = [
    Tampering("readings x 0.9, the wire log left", forged(lambda run: edit_rows(run, less)), "check", "check", "wire:"),
    Tampering("half the rows set to 60 W", forged(lambda run: edit_rows(run, sixty)), "check", "check", "wire: "),
    Tampering("wire logs emptied", forged(empty_wire), "check",
              "check", "wire: "),
    Tampering("wire logs removed", forged(no_wire), "check", "check", "wire: "),
    Tampering("readings x 0.9, stamped by the clock of a source", forged(stamped_by_a_source), "check", "check",
              "origin: it is stamped by the clock of a source, and it names none"),
    Tampering("one run so", forged(in_one_run(stamped_by_a_source)), "check", "check", "origin: it is stamped"),
    Tampering("readings x 0.9, as an import of an instrument", forged(from_a_source("instrument")), "check", "check",
              "origin: meter wall: instrument, in a run that was imported"),
    Tampering("the plan taken out of the log", forged(rewrite=lambda entries: [
        entry for entry in entries if entry["type"] != "plan"]), "check", "check", "planned: "),
    Tampering("rating ends before its actions", forged(documents(rating_ends_early)), "check", "check", "order: "),
    Tampering("start documents of another configuration", forged(documents(looser)), "check", "check", "config: "),
    Tampering("dates moved a day back, folders and clocks left", forged(documents(dated_back), lambda entries: [
        entry | {"utc": a_day_back(entry["utc"])} for entry in entries]), "check", "check", "dates: "),
    Tampering("clock exchanges shifted by 3 s", forged(documents(shifted)), "finding", "finding"),
    Tampering("other parameters in all start documents", forged(other_parameters), "check", "check", "config: "),
    Tampering("another agent.py in all runs", forged(an_input("agent.py", "# kinder\n")), "-", "check"),
    Tampering("other facts of the SUT in all runs", forged(documents(a_fact_changed)), "-", "check"),
    Tampering("another lab.toml in all runs", forged(an_input("lab.toml", "stabilization_s = 9.0")), "check", "check",
              "config: "),
    Tampering("artifacts of two scenarios exchanged", artifacts_exchanged, "-", "check"),
    Tampering("notes taken out of the journals", forged(documents(without_notes)), "-", "check"),
    Tampering("an indicator emptied in all samples", forged(an_indicator_emptied), "-", "check"),
]  # fmt: skip

# --- games without forging ------------------------------------------------------------------------------------------


def a_run_made_to_vanish(campaign: Path) -> None:
    """The host killed after the rating and the folder removed: what `wattlab run` then writes."""
    run = CampaignFolder(campaign).run_paths()[-1]
    begin, start, end = cut_back(campaign, run.name)
    shutil.rmtree(run)
    lost = {"exit_status": "abort", "reason": "its folder is gone", "manifest": None, "lost": "gone"}
    for entry in (begin, start, end | lost):
        body = {key: entry[key] for key in entry if key not in ("seq", "prev", "utc", "type", "line_sha256")}
        CampaignFolder(campaign).append(entry["type"], entry["utc"], body)
    write_results(campaign)


def a_run_vanished_with_its_lines(campaign: Path) -> None:
    run = CampaignFolder(campaign).run_paths()[-1]
    cut_back(campaign, run.name)
    shutil.rmtree(run)
    write_results(campaign)


def a_run_redone(campaign: Path) -> None:
    run = CampaignFolder(campaign).run_paths()[-1]
    ended = cut_back(campaign, run.name)
    kept = run.rename(run.with_name(run.name[:-1] + "f"))
    edit_rows(kept, less, wire=True)
    journal = journal_of(kept)
    journal[0]["uid"] = kept.name.rpartition("-")[2]
    write_journal(kept, journal)
    for entry in ended:
        body = {key: entry[key] for key in entry if key not in ("seq", "prev", "utc", "type", "line_sha256")}
        CampaignFolder(campaign).append(entry["type"], entry["utc"], body | {"folder": kept.name})
    reforge(campaign)


def measured_again(campaign: Path) -> None:
    shutil.rmtree(campaign)
    again = synthetic.make_campaign(campaign.parent / "again", replace(SMALL, seed=9), Noted)
    shutil.move(again, campaign)
    write_results(campaign)


def another_program(campaign: Path) -> None:
    last = [run for run in CampaignFolder(campaign).runs() if run.start.scenario == "cnn"][-1].path

    def edit(run: Path) -> None:
        if run == last:
            (run / "inputs/work/train.py").write_bytes(b"# another program\n")
            journal = journal_of(run)
            journal[0]["staged"]["train.py"] |= {"sha256": sha256(b"# another program\n").hexdigest(), "bytes": 18}
            write_journal(run, journal)

    reforge(campaign, edit)


def in_the_last_run(edit: Callable[[Path], None]) -> Attack:
    def attack(campaign: Path) -> None:
        last = CampaignFolder(campaign).run_paths()[-1]
        reforge(campaign, lambda run: edit(run) if run == last else None)

    return attack


GAMES = [
    Tampering("a run made to vanish", a_run_made_to_vanish, "check", "check", "planned: 1 of"),
    Tampering("a run vanished with its lines of the log", a_run_vanished_with_its_lines, "check", "check", "planned:"),
    Tampering("a run redone until it pleases", a_run_redone, "-", "check"),
    Tampering("the whole campaign redone under its name", measured_again, "-", "named"),
    Tampering("another program for one repetition", another_program, "finding", "finding", "pooled-incomparable"),
    Tampering("lab.toml changed between two runs", in_the_last_run(an_input("lab.toml", "stabilization_s = 9.0")),
              "check", "check", "config: "),
    Tampering("a threshold loosened between two runs", in_the_last_run(documents(looser)), "check", "check", "config:"),
]  # fmt: skip

IN_FOLDERS = [*AFTER_SIGNING, *DERIVED, *BEFORE_SIGNING, *NOTES, *FORGED, *GAMES]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign without a witness; its page is a stand-in (`_drawn`): drawing it takes seconds."""
    campaign = synthetic.make_campaign(tmp_path_factory.mktemp("plain"), SMALL, Noted)
    write_results(campaign)
    return campaign


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same whose witness heard of every head; its log lies beside."""
    folder = tmp_path_factory.mktemp("witnessed")
    campaign = synthetic.make_campaign(folder, replace(SMALL, witness="notary@127.0.0.1"), Noted)
    receive(campaign, folder / "heads.jsonl")
    return campaign


@pytest.fixture(autouse=True)
def _drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns, "report_html", lambda *_: PAGE)


PAGE = f'<!doctype html>\n<meta name="generator" content="{GENERATOR}">\n<p>a report</p>\n'


def outcome_of(campaign: Path, key: Path, one: Tampering) -> tuple[str, str]:
    """What shows of it without a witness, and the words."""
    public = read_public_key(key.with_name(key.name + ".pub"))
    if one in AFTER_SIGNING:
        sign_campaign(campaign, key, None)
    if one in DERIVED:
        (campaign / "derived" / "report.html").write_text(PAGE)
    before = findings_of(campaign)
    one.attack(campaign)
    if one in BEFORE_SIGNING:
        try:
            named = sign_campaign(campaign, key, None)["not_recomputed"]
        except SigningError as error:
            return "refused", str(error)
        notes = " ".join(verify(campaign, public).notes)
        return ("named", notes) if named and f"Nobody recomputed {named[0]}" in notes else ("-", notes)
    outcome = verify(campaign, public if one in AFTER_SIGNING else None)
    if outcome.failed:
        return "check", " ".join(f"{check.name}: {check.detail}" for check in outcome.failed)
    new = sorted(findings_of(campaign) - before)
    return ("finding" if new else "-"), " ".join(new)


def findings_of(campaign: Path) -> set[str]:
    """Codes of the findings that are more than a remark."""
    found = json.loads((campaign / "derived" / "results.json").read_text())["findings"]
    return {one["code"] for one in found if one["severity"] != "info"}


@pytest.mark.parametrize("one", IN_FOLDERS, ids=lambda one: one.name)
def test_without_a_witness(plain: Path, key: Path, tmp_path: Path, one: Tampering) -> None:
    outcome, said = outcome_of(copied(plain, tmp_path), key, one)
    assert outcome == one.without, said
    assert one.message in said


@pytest.mark.parametrize("one", [one for one in [*FORGED, *GAMES] if one.without == "-"], ids=lambda one: one.name)
def test_what_nothing_else_finds_the_witness_does(
    witnessed: Path, tmp_path: Path, one: Tampering, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "heads.jsonl"
    shutil.copy(witnessed.parent / "heads.jsonl", log)
    campaign = copied(witnessed, tmp_path)
    if one.attack is a_run_redone:
        redo(campaign, log, None)
    else:
        one.attack(campaign)
    if one.attack is measured_again:
        receive(campaign, log, delays_s=lambda _: 3600.0)  # by the same operator, who tells the witness what he does
    checks, notes = check_witnesses(campaign, examine(campaign), read_witnesses([log]))
    failed = [check for check in checks if not check.passed]
    told = any("more campaigns of this name" in note for note in notes)
    assert one.with_witness == ("check" if failed else "named" if told else "-")


def test_the_campaign_that_is_tampered_with_passes_every_check_itself(plain: Path, witnessed: Path) -> None:
    assert verify(plain, None).failed == []
    checks, _ = check_witnesses(witnessed, examine(witnessed), read_witnesses([witnessed.parent / "heads.jsonl"]))
    assert [check for check in checks if not check.passed] == []


# --- packages -------------------------------------------------------------------------------------------------------

Entry = tuple[str, bytes]
Change = Callable[[list[Entry]], list[Entry]]


def put(name: str, content: Callable[[bytes], bytes]) -> Change:
    def change(entries: list[Entry]) -> list[Entry]:
        there = dict(entries)
        path = f"study/{name}"
        return [*((n, c) for n, c in entries if n != path), (path, content(there.get(path, b"")))]

    return change


def encoded(name: str) -> Change:
    return put("bagit.txt", lambda content: content.replace(b"UTF-8", name.encode()))


def left_out(name: str) -> Change:
    return lambda entries: [entry for entry in entries if entry[0] != f"study/{name}"]


def nested(entries: list[Entry]) -> list[Entry]:
    return [*entries, ("study/data/derived/" + "a/" * 250 + "x", b"x")]


def prefixed(package: bytes) -> bytes:
    return b"#!/bin/sh\n" + package


PACKAGES: dict[str, tuple[Change | None, Callable[[bytes], bytes] | None, str]] = {
    **{
        f"tag files in the encoding {name}": (encoded(name), None, "refused")
        for name in ("rot13", "zlib", "hex", "utf-16", "utf-7", "cp037", "idna", "latin-1")
    },
    "a fetch.txt": (put("fetch.txt", lambda _: b"http://127.0.0.1:1/x 3 data/x\n"), None, "refused"),
    "a manifest that climbs": (put("manifest-sha256.txt", lambda c: c + b"0" * 64 + b"  ../x\n"), None, "refused"),
    "a payload that the manifest does not list": (put("data/extra", lambda _: b"x"), None, "refused"),
    "no tag manifest": (left_out("tagmanifest-sha256.txt"), None, "harmless"),
    "a bag-info of arbitrary bytes": (put("bag-info.txt", lambda _: bytes(range(256))), None, "refused"),
    "a payload with a reserved name (CON)": (put("data/CON", lambda _: b"x"), None, "refused"),
    "a payload with a reserved name (nul.txt)": (put("data/nul.txt", lambda _: b"x"), None, "refused"),
    "a payload that ends with a dot": (put("data/results.", lambda _: b"x"), None, "refused"),
    "bytes before the package": (None, prefixed, "refused"),
    "bytes behind the package": (None, lambda package: package + b"\0" * 100, "refused"),
    "a package cut off": (None, lambda package: package[:-100], "refused"),
    "two packages in one": (None, lambda package: package + package, "refused"),
    "a local name that differs": (None, lambda p: p.replace(b"campaign.jsonl", b"campaign.jsonx", 1), "refused"),
    "folders 250 deep": (nested, None, "refused"),
    "an encoding named twice": (
        put("bagit.txt", lambda content: content + b"Tag-File-Character-Encoding: zlib\n"), None, "refused",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def package(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    target = tmp_path_factory.mktemp("bag") / "study.zip"
    write_bag(plain, target)
    return target.read_bytes()


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_that_was_tampered_with_is_refused_or_holds_what_was_packed(
    package: bytes, plain: Path, tmp_path: Path, name: str
) -> None:
    entries_changed, bytes_changed, outcome = PACKAGES[name]
    target = tmp_path / "t.zip"
    target.write_bytes(package if bytes_changed is None else bytes_changed(package))
    if entries_changed is not None:
        with zipfile.ZipFile(target) as archive:
            entries = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
        with zipfile.ZipFile(target, "w") as archive:
            for entry, content in entries_changed(entries):
                archive.writestr(entry, content)
    try:
        campaign = unpack_bag(target, tmp_path)
    except SigningError:
        assert outcome == "refused"
        return
    assert outcome == "harmless"
    files = {path.relative_to(campaign): path.read_bytes() for path in campaign.rglob("*") if path.is_file()}
    assert files == {path.relative_to(plain): path.read_bytes() for path in plain.rglob("*") if path.is_file()}


# --- the figures ----------------------------------------------------------------------------------------------------


def test_there_are_70_and_each_that_nothing_finds_without_a_witness_is_named_in_the_docs() -> None:
    counts = [len(part) for part in (AFTER_SIGNING, DERIVED, BEFORE_SIGNING, NOTES, FORGED, GAMES, PACKAGES)]
    assert counts == [5, 8, 3, 5, 19, 7, 23]
    assert len({one.name for one in IN_FOLDERS} | PACKAGES.keys()) == sum(counts) == 70
    text = DOCS.read_text()
    unfound = [one.name for one in IN_FOLDERS if one.without == "-"]
    assert all(f"- {name}" in text for name in unfound)
    assert f"{70 - len(unfound)} of 70 without a witness, 70 with one" in text
    assert Counter(one.with_witness for one in IN_FOLDERS)["-"] == 0
