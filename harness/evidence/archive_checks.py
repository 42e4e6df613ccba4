"""What an archived campaign is worth: its entry, every part, its sealed files, and whether the rows follow from them.

Knows an archive's index and parts, and how a campaign's folder is verified. Changes nothing and prints nothing. A row
group of a part is held at a time, and as many rows that the sealed files give.
"""

import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from harness.attest import signer
from harness.attest.signer import OF_ARCHIVE, PublicKey
from harness.evidence.archives import entry_of, others_of, rows_of, unpacked
from harness.evidence.verification import INCOMPLETE, NOT_MEASURED
from harness.evidence.verification import verify as verify_campaign
from harness.evidence.wire import WIRE
from harness.record.campaign_folder import CampaignFolder
from harness.record.errors import LabError
from harness.record.steps import steps
from harness.record.verify import Check, examine
from reports.archive.errors import ArchiveError
from reports.archive.index import FOLDER, PARTS, Entry, Found, Part, newest, required_in, signature_of
from reports.archive.parts import Span, descriptor_in, is_only_of, pieces_of, wrong_statistics
from reports.archive.store import Store
from reports.archive.tables import METER, Rows, are_alike
from reports.campaign.analyse import analyse
from reports.results.document import CampaignNumbers

ANOTHER = "the signature is of another entry"
STATISTICS = ("time_ns", "utc_ns", "window_s", "flags")
"""Columns whose statistics say which row groups are read (`reports.archive.energies`)."""
OF_CAMPAIGN = ("customer", "sut", "host", "release", "begun_utc", "verdict", "origin", "logs", "log_bytes")
"""What the index says of a campaign beside its parts and runs, and the sealed files too."""

Key: TypeAlias = tuple[str, str | None, str]
"""What tells a part from all others of its campaign: table, run, path without digest."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a campaign that were looked at."""

    sound: dict[Key, tuple[Part, Path]] = field(default_factory=dict)
    """With its bytes on this machine."""
    broken: set[Key] = field(default_factory=set)
    """Told already."""


def verify(store: Store, campaign: str, key: PublicKey | None) -> list[Check]:
    """Every check of an archived campaign.

    Raises:
        ArchiveError: there is no archive, or no such campaign.
    """
    try:
        found = required_in(store, campaign)
    except ArchiveError as error:
        if campaign not in newest(store):
            raise
        return [Check(campaign, "entry", passed=False, detail=str(error))]
    entry = found.entry
    checks = [_signed(store, found, key)]
    parts, problems = _Parts(), list[str]()
    with ExitStack() as kept:
        for part in steps("reading every part", entry.parts):
            with ExitStack() as passing:
                own = list(_faults(store, entry, part, kept if entry.raw else passing, parts))
            if own:
                parts.broken.add(_key(part))
            problems += own
        checks.append(_check(campaign, "parts", problems, f"{len(entry.parts)} parts are as they were added"))
        if entry.raw is None:
            text = "no sealed files were archived (--raw): that the rows are what was read, the index alone says"
            return [*checks, Check(campaign, "computed", passed=True, detail=text)]
        return [*checks, *_against_sealed(store, entry, parts)]


def _key(part: Part) -> Key:
    return part.table, part.run, part.path.rpartition("--")[0]


def _faults(store: Store, entry: Entry, part: Part, kept: ExitStack, parts: _Parts) -> Iterator[str]:
    """What is wrong with a part by itself; `kept` holds its bytes as long as they may be asked for."""
    where, count, span = store.path(part.path), 0, Span()
    try:
        file = kept.enter_context(store.fetched(part.path))
        is_own = True
        for rows in pieces_of(file, part, where):
            count += rows.num_rows
            span.add(rows)
            is_own = is_own and is_only_of(rows, entry.uid, entry.name)
        odd = next(wrong_statistics(file, STATISTICS), None)
    except ArchiveError as error:
        yield str(error)
        return
    if _key(part) in parts.sound:
        yield f"{where}: the index names two such parts"
    parts.sound[_key(part)] = part, file
    said = {"rows": part.rows, "bytes": part.bytes, "first_ns": part.first_ns, "last_ns": part.last_ns}
    true = {"rows": count, "bytes": file.stat().st_size, "first_ns": span.first_ns, "last_ns": span.last_ns}
    yield from (
        f"{where}: the index says {name} {said[name]}, found {true[name]}" for name in said if said[name] != true[name]
    )
    if odd is not None:
        yield f"{where}: the statistics of {odd} are not those of its values"
    if not is_own:
        yield f"{where}: has rows of another campaign"


def _against_sealed(store: Store, entry: Entry, parts: _Parts) -> Iterator[Check]:
    """The sealed files are whole, hold by themselves, and give the rows."""
    with tempfile.TemporaryDirectory(prefix="wattlab-") as scratch:
        try:
            folder = unpacked(store, entry, Path(scratch))
            seen = examine(folder)
            broken = [f"{check.subject}, {check.name}: {check.detail}" for check in seen.broken]
            numbers = analyse(folder, seen).numbers
        except LabError as error:
            yield Check(entry.name, "sealed", passed=False, detail=str(error))
            return
        if dict(numbers.inputs) != entry.runs:
            broken.append("the sealed files have other runs, or other seals, than the index says")
        if entry.raw is not None and entry.raw.others != others_of(folder) and entry.raw.others:
            broken.append("the sealed files have another statement, or other results, than the index says")
        sealed = sum(digest is not None for digest in entry.runs.values())
        without = f", {len(entry.runs) - sealed} without a seal" if sealed < len(entry.runs) else ""
        runs = "1 run is as it was sealed" if sealed == 1 else f"{sealed} runs are as they were sealed"
        yield _check(entry.name, "sealed", broken, f"{runs}{without}")
        yield _verified(entry, folder, {(check.subject, check.name) for check in seen.awaited})
        try:
            unlike = list(_unlike(store, folder, numbers, entry, parts))
        except LabError as error:
            unlike = [str(error)]
        yield _check(entry.name, "computed", unlike, "every row follows from the sealed files")


def _verified(entry: Entry, folder: Path, awaited: Collection[tuple[str, str]]) -> Check:
    """What `wattlab verify` says of the campaign's folder; that runs which were planned are not there yet, or the last
    one is not sealed yet (`awaited`), is no fault of an archive."""
    outcome = verify_campaign(folder, None)
    missing = [one for one in outcome.failed if one.name == INCOMPLETE and one.detail.endswith(NOT_MEASURED)]
    waiting = [one for one in outcome.failed if (one.subject, one.name) in awaited or one in missing]
    broken = [f"{one.subject}, {one.name}: {one.detail}" for one in outcome.failed if one not in waiting]
    wires = sum(one.name == WIRE for one in outcome.checks)
    against = f"{wires} of them of readings against the bytes of a meter" if wires else "none against bytes of a meter"
    good = f"{len(outcome.checks) - len(waiting)} checks of `wattlab verify` hold, {against}"
    return _check(entry.name, "verified", broken, good)


def _unlike(store: Store, folder: Path, numbers: CampaignNumbers, entry: Entry, parts: _Parts) -> Iterator[str]:
    fresh = entry_of(numbers, entry.uid, CampaignFolder(folder), entry.revision)
    yield from (
        f"campaigns: {name} of {entry.name} is another than the sealed files give"
        for name in OF_CAMPAIGN if getattr(fresh, name) != getattr(entry, name)
    )  # fmt: skip
    left = dict(parts.sound)
    for rows in rows_of(folder, numbers, entry.uid):
        key = rows.table, rows.run, f"{PARTS}/{entry.name}/{rows.table}/{rows.where}"
        if key in parts.broken:
            left.pop(key, None)
        elif key not in left:
            yield f"{_name(entry, rows)}: not in the archive"
        else:
            part, file = left.pop(key)
            if descriptor_in(file) != (rows.schema.metadata or {}).get(METER):
                yield f"{_name(entry, rows)}: it is said to be of another meter than the sealed files have"
            if not are_alike(rows.pieces, pieces_of(file, part, store.path(part.path))):
                yield f"{_name(entry, rows)}: other rows than the sealed files give"
    yield from (f"{_name(entry, part)}: in the archive, and not in the sealed files" for part, _ in left.values())


def _name(entry: Entry, rows: Rows | Part) -> str:
    return f"{rows.table} of {rows.run or entry.name}"


def _signed(store: Store, found: Found, key: PublicKey | None) -> Check:
    campaign, name = found.entry.name, signature_of(found.path, found.content)
    if not store.exists(name):
        others = f"{found.path.removesuffix('.json')}."
        if any(other.startswith(others) and other.endswith(".sig") for other in store.names(FOLDER)):
            return Check(campaign, "signed", passed=False, detail=ANOTHER)
        text = "the entry is not signed" if key is None else "the entry is not signed, and a key was given"
        return Check(campaign, "signed", passed=key is None, detail=text)
    signature = store.read(name)
    if key is not None:
        problem = signer.problem_of(found.content, signature, key, OF_ARCHIVE)
        return Check(campaign, "signed", passed=problem is None, detail=problem or f"signed by {key.fingerprint}")
    signed_by = signer.signer_of(found.content, signature, OF_ARCHIVE)
    text = f"signed by {signed_by}; whose key that is, nobody was asked"
    return Check(campaign, "signed", passed=signed_by is not None, detail=text if signed_by else ANOTHER)


def _check(campaign: str, name: str, broken: list[str], good: str) -> Check:
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    return Check(campaign, name, passed=not broken, detail=f"{broken[0]}{more}" if broken else good)
