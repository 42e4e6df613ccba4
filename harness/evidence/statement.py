"""What a signature over a campaign says: a JSON document beside the log, and how a campaign is compared with it.

Knows which digests stand for the whole campaign: the head of campaign.jsonl, every run's manifest, the head of the
annotations, every derived file. Knows no keys and recomputes nothing; per run it also holds rows, energy and findings,
so that a run that was exchanged is described by what changed in it, not by a digest alone.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.record.campaign_folder import ANNOTATIONS, CAMPAIGN, DERIVED, RECEIPTS, STATEMENT, CampaignFolder
from harness.record.chain import ChainedLog
from harness.record.documents import Json, describe, load_object, matches
from harness.record.entries import Attachment, Entry, Header, RunBegin, RunEnd, of
from harness.record.errors import DocumentError, EvidenceBroken
from harness.record.plain_files import sha256_of
from harness.record.run_folder import RunFolder
from harness.record.verify import Check, Examination

SIGNATURE = "campaign.statement.json.sig"
SCHEMA = 1
"""Schema history of the statement: 1, 2026-11-21, first version."""
CLAIM = (
    "The holder of the signing key states that this campaign, its raw data, its operator's notes and its derived "
    "documents are those whose digests stand here. What was forged before this signature is outside this claim, unless "
    "the receipt of a witness contradicts it; so are bytes of the meter that were false when they were recorded."
)
AFTER = "came after the signature"
"""What is said of what the signature does not cover, though nothing of what it covers need have changed."""
RELATIVE = 1e-9
"""Energies of one run that are further apart are told apart."""
FIELDS: dict[str, Any] = {
    "schema": int,
    "campaign": str,
    "folder": str,
    "utc": str,
    "incomplete": str | None,
    "head": str,
    "entries": int,
    "annotations": Json,
    "runs": list[Json],
    "derived": Json,
}
RUN_FIELDS: dict[str, Any] = {
    "folder": str,
    "manifest": str | None,
    "rows": Json,
    "energy_wh": float | None,
    "findings": list[str],
}


def make_statement(
    campaign: CampaignFolder, seen: Examination, results: Json, *, signer: Json, software: Json, incomplete: str | None
) -> Json:
    """The statement about a campaign as it stands; `incomplete` says what of its plan is missing, and why."""
    header = of(Header, seen.entries)[0]
    return {
        "type": "wattlab-campaign-statement", "schema": SCHEMA, "claim": CLAIM,
        "campaign": header.name, "uid": header.uid or None, "folder": campaign.path.resolve().name,
        "utc": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "signer": signer, "software": software,
        "origin": results["measurement"]["origin"], "incomplete": incomplete,
        "head": campaign.head(), "entries": len(seen.entries),
        "annotations": {"head": campaign.annotations.head(), "entries": len(seen.annotations)},
        "receipts": {"head": campaign.receipts.head(), "entries": len(seen.receipts)},
        "n_runs": len(seen.runs), "runs": describe_runs(seen, results), "derived": derived_digests(campaign.path),
    }  # fmt: skip


def describe_runs(seen: Examination, results: Json) -> list[Json]:
    """Every run that the log began, in its order: its place, how it ended, its manifest, rows per stream, energy."""
    figures = figures_of(results)
    ended = {end.folder: end for end in of(RunEnd, seen.entries)}
    return [
        {
            "ordinal": begin.ordinal, "attempt": begin.attempt, "folder": begin.folder,
            "exit_status": ended[begin.folder].exit_status, "manifest": ended[begin.folder].manifest,
            "rows": rows_of(seen.runs.get(begin.folder)),
            **figures.get(begin.folder, {"energy_wh": None, "findings": []}),
        }
        for begin in of(RunBegin, seen.entries)
        if begin.folder in ended
    ]  # fmt: skip


def figures_of(results: Json | None) -> dict[str, Json]:
    """Run folder -> its energy (Wh, null where unknown) and the codes of its findings."""
    return {
        str(run["folder"]): {"energy_wh": (run["energy_wh"] or {}).get("value"), "findings": run["findings"]}
        for run in (results or {"runs": []})["runs"]
    }


def rows_of(run: RunFolder | None) -> Json:
    """Stream -> rows, as the stop document counts them; empty for a run that was cut off."""
    return {} if run is None or run.stop is None else {n: s.get("rows") for n, s in run.stop.streams.items()}


def parts_of(entries: Sequence[Entry]) -> set[str]:
    """Names in a campaign's folder that belong to it: logs, statement, derived files, its runs, its attachments."""
    parts = {CAMPAIGN, ANNOTATIONS, RECEIPTS, STATEMENT, SIGNATURE, DERIVED}
    parts |= {begin.folder for begin in of(RunBegin, entries)}
    return parts | {attachment.top for attachment in of(Attachment, entries)}


def derived_digests(campaign: Path) -> dict[str, str]:
    """Name -> sha256 of every plain file in `derived`."""
    folder = campaign / DERIVED
    if folder.is_symlink() or not folder.is_dir():
        return {}
    return {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def to_bytes(statement: Json) -> bytes:
    """The statement as it is signed and stored."""
    return json.dumps(statement, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"


def from_bytes(content: bytes) -> Json:
    """The statement of a file; what it holds may come from anyone.

    Raises:
        DocumentError: it is no statement, or a newer one; the message names the field.
    """
    found = load_object(content, STATEMENT)
    if isinstance(found.get("schema"), int) and found["schema"] > SCHEMA:
        raise DocumentError(f"{STATEMENT}: schema {found['schema']} is newer than {SCHEMA}; update wattlab")
    _require(found, FIELDS, STATEMENT)
    for number, run in enumerate(found["runs"]):
        _require(run, RUN_FIELDS, f"{STATEMENT}: runs[{number}]")
    return found


def _require(found: Mapping[str, Any], fields: Mapping[str, Any], where: str) -> None:
    for name, hint in fields.items():
        if name not in found or not matches(found[name], hint):
            raise DocumentError(f"{where}: {name} is {found.get(name)!r:.60}, expected {describe(hint)}")


def compare(statement: Json, campaign: CampaignFolder, seen: Examination, results: Json | None) -> list[Check]:
    """Whether the campaign is the one that was signed; `results` are the recomputed ones, None where there are none."""
    subject, annotations = campaign.path.name, statement["annotations"]
    return [
        _same_log(subject, "signed log", campaign.log, str(statement["head"])),
        _same_log(subject, "signed notes", campaign.annotations, str(annotations.get("head"))),
        *_same_receipts(subject, campaign.receipts, statement.get("receipts")),
        *_same_runs(subject, statement["runs"], seen, results),
        _same_derived(subject, statement["derived"], derived_digests(campaign.path)),
    ]


def _same_log(subject: str, name: str, log: ChainedLog, signed: str) -> Check:
    """A log whose chain holds and ends where it ended when it was signed."""
    digests = [log.genesis, *(hashlib.sha256(line).hexdigest() for line in log.lines())]
    try:
        log.entries()
    except (DocumentError, EvidenceBroken):
        return Check(subject, name, False, f"{log.path.name} is not the signed one: its chain is broken")
    if digests[-1] == signed:
        what = f"{log.path.name} is the signed one" if len(digests) > 1 else "there are none, as when it was signed"
        return Check(subject, name, True, what)
    if signed in digests:
        later = len(digests) - 1 - digests.index(signed)
        return Check(subject, name, False, f"{later} {'line' if later == 1 else 'lines'} of {log.path.name} {AFTER}")
    return Check(subject, name, False, f"{log.path.name} is not the signed one: rewritten, cut off or removed")


def _same_receipts(subject: str, log: ChainedLog, signed: object) -> Iterator[Check]:
    """The receipts that were there when it was signed are there; later ones are the witness's, and welcome. Statements
    of a wattlab that knew no witness do not name them."""
    if not isinstance(signed, dict):
        return
    digests = [log.genesis, *(hashlib.sha256(line).hexdigest() for line in log.lines())]
    if signed.get("head") in digests:
        later = len(digests) - 1 - digests.index(str(signed["head"]))
        yield Check(subject, "signed receipts", True, f"as signed{f', and {later} since' if later else ''}")
    else:
        yield Check(subject, "signed receipts", False, f"{log.path.name} is not the signed one: rewritten or cut off")


def _same_runs(subject: str, signed: Sequence[Json], seen: Examination, results: Json | None) -> Iterator[Check]:
    """One line for the list of runs, one for each run that is not as it was signed."""
    begun = [begin.folder for begin in of(RunBegin, seen.entries)]
    listed = [str(run["folder"]) for run in signed]
    problems = [f"{name} was signed and is no longer in the log" for name in listed if name not in begun]
    problems += [f"{name} is in the log and was not signed" for name in begun if name not in listed]
    if not problems and begun != listed:
        problems.append("the runs stand in another order than signed")
    yield Check(subject, "signed runs", not problems, "; ".join(problems) or f"the {len(listed)} signed runs, in order")
    figures = figures_of(results)
    for then in signed:
        name = str(then["folder"])
        run = seen.runs.get(name)
        if then["manifest"] is not None and name in begun and (run is None or run.manifest_sha256 != then["manifest"]):
            detail = _what_changed(then, run, figures.get(name))
            yield Check(name, "signed run", False, f"not the run that was signed: {detail}")


def _what_changed(then: Json, run: RunFolder | None, now: Json | None) -> str:
    if run is None or now is None:
        return "it is gone, or it cannot be read"
    rows = rows_of(run)
    found = [
        f"{name} has {rows.get(name, 0)} rows, {count} were signed"
        for name, count in then["rows"].items()
        if rows.get(name) != count
    ]
    energy_wh, signed_wh = now["energy_wh"], then["energy_wh"]
    if (energy_wh is None) != (signed_wh is None) or abs((energy_wh or 0) - (signed_wh or 0)) > RELATIVE * abs(
        signed_wh or 0
    ):
        found.append(f"its energy is {_watt_hours(energy_wh)}, {_watt_hours(signed_wh)} was signed")
    gone, new = (
        sorted(set(then["findings"]) - set(now["findings"])),
        sorted(set(now["findings"]) - set(then["findings"])),
    )
    found += [f"its findings no longer say {', '.join(gone)}"] if gone else []
    found += [f"its findings now say {', '.join(new)}"] if new else []
    return "; ".join(found) or "its files were changed and sealed again"


def _watt_hours(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.6g} Wh"


def _same_derived(subject: str, signed: Json, found: Mapping[str, str]) -> Check:
    problems = [f"{name} is gone" for name in signed if name not in found]
    problems += [f"{name} {AFTER}" for name in found if name not in signed]
    problems += [f"{name} is not the signed file" for name in found if name in signed and found[name] != signed[name]]
    return Check(subject, "signed documents", not problems, "; ".join(problems) or f"{len(signed)} files as signed")
