"""Whether a campaign, a run or a sealed folder is what was sealed: digests, chain, completeness, origins.

Knows files, digests and documents. Knows no numbers; what a stream means is not its business. Behind a fault the rest
is checked all the same.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.record.alike import Alike
from harness.record.campaign_folder import (
    ANNOTATIONS,
    CAMPAIGN,
    DERIVED,
    RECEIPTS,
    STATEMENT,
    CampaignFolder,
)
from harness.record.chain import ChainedLog
from harness.record.documents import PowerDescriptor
from harness.record.entries import (
    Attachment,
    Entry,
    Plan,
    Receipt,
    RunBegin,
    RunEnd,
    RunStart,
    Timestamp,
    header_of,
    of,
)
from harness.record.errors import DocumentError, RunFolderError, why
from harness.record.origins import LOCAL_HOSTS, NETWORK, local_of, problems_of, words_of
from harness.record.plain_files import below, inside, is_plain, read_plain, regular_files, sha256_of
from harness.record.run_folder import BEGUN_WITH, WORK, RunFolder
from harness.record.seal import MANIFEST, SEAL_SIGNATURE, read_manifest, signature_of
from harness.record.steps import steps
from harness.record.wire_log import forms_of, standing_in
from meters.reading import EMULATOR_MARK, ESTIMATE_DRIVERS

BETWEEN_WORDS = re.compile(r"[\s(),;]+")
"""A firmware is put into words, `4.12 (20070928120000), hardware 5.2`, where the meter sends fields."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a verification: what was checked, whether it holds, what was found."""

    subject: str
    """The run's folder, the file, or the campaign's name."""
    name: str
    """Of the check."""
    passed: bool
    """It holds."""
    detail: str
    """What was found."""


@dataclass(frozen=True, slots=True)
class Examination:
    """A campaign read once: every check, the log, the annotations and the receipts as far as they can be read, the
    readable runs by the names of their folders, and why the others cannot be read."""

    checks: list[Check]
    entries: list[Entry]
    annotations: list[Entry]
    receipts: list[Entry]
    runs: dict[str, RunFolder]
    unreadable: dict[str, str]
    unended: str | None = None
    """The run that the log began last and does not say the end of: it is being measured, or was cut off."""
    awaited: frozenset[Check] = frozenset()
    """Checks that fail because that run is not sealed yet, and for nothing else."""

    @property
    def broken(self) -> list[Check]:
        """Checks that fail of what is sealed, and of what was removed or added."""
        return [check for check in self.checks if not check.passed and check not in self.awaited]


def verify_campaign(path: Path) -> list[Check]:
    """Digests of every run, the chain of manifests, and completeness (no run removed, added, replaced or reordered)."""
    return examine(path).checks


def verify_run(path: Path) -> list[Check]:
    """Recompute every digest of one sealed run: nothing changed, nothing added, nothing missing."""
    return _examine_run(path)[0]


def verify_sealed(path: Path) -> list[Check]:
    """Recompute every digest of a folder that `write_sealed` made: nothing changed, nothing added, nothing missing."""
    return _verify_bytes(path)[0]


def examine(path: Path) -> Examination:
    """Read a campaign once, every check made; behind a broken chain the rest is checked all the same.

    Raises:
        RunFolderError: the folder is no campaign.
    """
    campaign = CampaignFolder(path)
    before = {
        run.name for run in campaign.run_paths()
    }  # of a campaign that is being measured the log goes on meanwhile
    entries, checks = _examine_log(campaign.log, path.name, "chain")
    checks.append(_verify_plain(path, entries))
    annotations, noted = _examine_log(campaign.annotations, path.name, "annotations")
    checks += noted if annotations or not all(check.passed for check in noted) else []
    receipts, chained = _examine_log(campaign.receipts, path.name, "receipts")
    checks += chained if receipts or not all(check.passed for check in chained) else []
    checks += _verify_receipts(path.name, receipts, campaign.log.lines())
    checks += _verify_whole(path, entries)
    begun = {begin.folder: begin for begin in of(RunBegin, entries)}
    started = {start.folder: start for start in of(RunStart, entries)}
    ended = {end.folder: end for end in of(RunEnd, entries)}
    on_disk = [run.name for run in campaign.run_paths() if run.name in before or run.name in begun]
    last = next(reversed(begun), None) if checks[0].passed else None
    unended = None if last in ended else last
    gaps = _gaps(entries, ended, on_disk)
    checks.append(Check(path.name, "complete", not gaps, "; ".join(gaps) or f"{len(begun)} runs"))
    own = set() if unended is None else {_never_ended(unended)}
    own |= set() if unended is None or unended in started else {_missing(unended)}  # its folder is about to be made
    awaited = [checks[-1]] if own.issuperset(gaps) else []
    runs: dict[str, RunFolder] = {}
    unreadable: dict[str, str] = {}
    header, alike = header_of(entries), Alike()
    previous: str | None = None
    ordered = [*(name for name in begun if name in on_disk), *(name for name in on_disk if name not in begun)]
    for name in steps("checking the bytes of the runs", ordered):
        found, run = _examine_run(path / name)
        if name == unended and not all(check.passed for check in found):
            found, run = _examine_run(path / name)  # it may have been sealed while it was read
        if name == unended and not (path / name / MANIFEST).exists():
            awaited += [check for check in found if not check.passed and check.name != "plain"]
        checks += found
        if isinstance(run, str):
            unreadable[name] = run
        else:
            runs[name] = alike.run(run)
            if name in begun:
                links = _verify_link(run, previous, ended.get(name))
                awaited += links if name == unended else []
                checks += links
                checks.append(
                    _verify_place(run, begun[name], started.get(name), None if header is None else header.name)
                )
        previous = (ended[name].manifest if name in ended else None) or previous
    checks += [_verify_attachment(path, attachment) for attachment in of(Attachment, entries)]
    return Examination(checks, entries, annotations, receipts, runs, unreadable, unended, frozenset(awaited))


def _never_ended(name: str) -> str:
    return f"{name} was begun but never ended; `wattlab run` seals it"


def _missing(name: str) -> str:
    return f"{name} is missing"


def _examine_log(log: ChainedLog, subject: str, name: str) -> tuple[list[Entry], list[Check]]:
    """A log's entries, as far as they can be read, and whether its chain holds."""
    try:
        entries = log.entries()
        return entries, [Check(subject, name, True, f"{len(entries)} entries, head {log.head()}")]
    except (DocumentError, RunFolderError) as error:
        checks = [Check(subject, name, False, str(error))]
    try:
        return log.readable(), checks
    except RunFolderError:
        return [], checks


def _verify_whole(path: Path, entries: Sequence[Entry]) -> Iterator[Check]:
    """No log of a campaign that ended, or was signed, ends with half a line: nothing chains or counts it, and somebody
    who reads the file takes it for a part. Of one that is being measured a kill may leave one; it is cut away."""
    begun, ended = of(RunBegin, entries), [end.ordinal for end in of(RunEnd, entries)]
    planned = [run.get("ordinal") for plan in of(Plan, entries) for run in plan.runs]
    is_over = len(begun) == len(ended) and all(ordinal in ended for ordinal in planned)
    if not is_over and not (path / STATEMENT).exists():
        return
    for name in (CAMPAIGN, ANNOTATIONS, RECEIPTS):
        try:
            rest = read_plain(path / name).rpartition(b"\n")[2]
        except OSError:
            continue  # not there, or a link, which `plain` names
        if rest:
            detail = f"{name} ends with half a line, which is in no chain: {rest[:60]!r}; it was added, or cut off"
            yield Check(path.name, "whole", False, detail)


def _verify_receipts(subject: str, receipts: Sequence[Entry], lines: Sequence[bytes]) -> Iterator[Check]:
    """Every receipt is of a line that stands in the log as the witness was told it: none was cut off or rewritten."""
    if not receipts:
        return
    heads = dict(enumerate((hashlib.sha256(line).hexdigest() for line in lines), 1))
    problems = [
        f"line {receipt.raw.get('of')} of {CAMPAIGN} is not the one that the witness was told: the log was cut back or "
        "rewritten"
        for receipt in receipts
        if not isinstance(receipt, Receipt | Timestamp) or heads.get(receipt.of) != receipt.head
    ]
    found = "; ".join(dict.fromkeys(problems)) or f"{len(receipts)} receipts, each of a line of the log"
    yield Check(subject, "receipts", not problems, found)


def _verify_plain(path: Path, entries: Sequence[Entry]) -> Check:
    """No link, pipe or device stands in the campaign's folder, nor anywhere below `derived` and what was attached, and
    no folder there that holds nothing (the runs' own are checked with them)."""
    attached = {attachment.top for attachment in of(Attachment, entries)}
    places = [path / name for name in sorted({DERIVED} | attached) if "\0" not in name]
    items = [item for place in places if place.is_dir() and not place.is_symlink() for item in below(place)]
    odd = [item for item in [*sorted(path.iterdir()), *items] if not is_plain(item)]
    empty = [item for item in items if is_plain(item) and item.is_dir() and not any(item.iterdir())]
    problems = [f"{item.relative_to(path)}: a link, pipe or device, not followed" for item in odd]
    problems += [f"{item.relative_to(path)}: a folder with nothing in it, which nothing lists" for item in empty]
    return Check(path.name, "plain", not problems, "; ".join(problems) or "plain files and folders only")


def _gaps(entries: Sequence[Entry], ended: Mapping[str, RunEnd], on_disk: Sequence[str]) -> list[str]:
    """What the log names and is not there or not ended, and what is there and the log does not name."""
    begun = [begin.folder for begin in of(RunBegin, entries)]
    # A run that was cut off before anything was recorded ends with the manifest null and has no folder.
    recorded = {name for name in begun if name not in ended or ended[name].manifest is not None}
    problems = [_missing(name) for name in begun if name in recorded and name not in on_disk]
    problems += [f"{name} is not in the campaign's log" for name in sorted(set(on_disk) - set(begun))]
    problems += [_never_ended(name) for name in begun if name not in ended]
    return problems + [f"{name} is listed twice" for name in sorted({n for n in begun if begun.count(n) > 1})]


def _verify_link(run: RunFolder, previous: str | None, end: RunEnd | None) -> list[Check]:
    """The run names the manifest before it, and the campaign's log names this run's manifest and how it ended."""
    name = run.path.name
    if end is None:
        return [Check(name, "link", False, "the log does not say yet how it ended, so nothing holds its seal")]
    if end.manifest != run.manifest_sha256:
        detail = "its manifest is not the one in the campaign's log: replaced or resealed"
        return [Check(name, "link", False, detail)]
    if run.start.previous_manifest != previous:
        return [Check(name, "link", False, "it does not follow the run before it: replaced or reordered")]
    if end.signature != signature_of(run.path):
        return [Check(name, "link", False, "the signature of its seal is not the one in the campaign's log")]
    if end.exit_status != run.exit_status:
        detail = f"the campaign's log says it ended with {end.exit_status}, its journal says {run.exit_status}"
        return [Check(name, "link", False, f"{detail}: the journal was cut off or edited")]
    return [Check(name, "link", True, "follows the run before it")]


def _verify_place(run: RunFolder, begin: RunBegin, started: RunStart | None, campaign: str | None) -> Check:
    """The run is the one that the campaign's log began: same campaign, ordinal, attempt and start document."""
    start, problems = run.start, []
    if started is not None and started.start != run.start_sha256:
        problems.append("its start document is not the one that the log saw on disk: exchanged")
    if campaign is not None and start.campaign != campaign:
        problems.append(f"it was measured for the campaign {start.campaign!r}, this is {campaign!r}")
    if start.ordinal != begin.ordinal:
        problems.append(f"it is run {start.ordinal}, the log began run {begin.ordinal} here")
    if start.attempt != begin.attempt:
        problems.append(f"it is attempt {start.attempt}, the log began attempt {begin.attempt} here")
    return Check(run.path.name, "place", not problems, "; ".join(problems) or "the run that the log began")


def _verify_attachment(folder: Path, attachment: Attachment) -> Check:
    """An attachment of the campaign is there and as it was attached."""
    name = attachment.path
    try:
        path = folder / inside(name)
        if any(above.is_symlink() for above in path.parents if above != folder and folder in above.parents):
            raise RunFolderError(f"{path}: behind a link")
        same = sha256_of(path) == attachment.sha256
    except (OSError, RunFolderError) as error:
        return Check(name, "attachment", False, f"cannot be read ({why(error)})")
    return Check(name, "attachment", same, "as attached" if same else "differs from what was attached")


def _examine_run(path: Path) -> tuple[list[Check], RunFolder | str]:
    """The checks of one run and its documents, or why they cannot be read. Every file is hashed once."""
    checks, digests = _verify_bytes(path)
    if digests is None:
        return checks, checks[0].detail
    try:
        run = RunFolder.open(path)
    except (RunFolderError, DocumentError) as error:
        return [*checks, Check(path.name, "journal", False, str(error))], str(error)
    checks.append(Check(path.name, "journal", True, f"ended: {run.exit_status}"))
    checks += _verify_stop(run, digests)
    checks += _verify_base(run)
    checks += [_verify_origin(run, descriptor) for descriptor in run.power]
    return checks, run


def _verify_bytes(path: Path) -> tuple[list[Check], dict[str, str] | None]:
    """The run's files against its manifest, and their digests as they are now; None where a link stands among them:
    then nothing of the run may be read."""
    subject, manifest = path.name, path / MANIFEST
    try:
        digests = {
            name: sha256_of(path / name) for name in regular_files(path) if name not in (MANIFEST, SEAL_SIGNATURE)
        }
    except (RunFolderError, OSError) as error:
        return [Check(subject, "plain", False, str(error))], None
    if not manifest.is_file():
        detail = f"{MANIFEST} is missing: the run is being measured, or was cut off and `wattlab run` seals it as it is"
        detail += "; where the log says that it ended, its seal was taken out"
        return [Check(subject, "sealed", False, detail)], digests
    try:
        listed = read_manifest(manifest)
    except (RunFolderError, OSError) as error:
        return [Check(subject, "manifest", False, str(error))], digests
    problems = [f"{name} is missing" for name in sorted(listed.keys() - digests.keys())]
    problems += [f"{name} is a folder with nothing in it, which no run has" for name in _empty_folders(path)]
    problems += [f"{name} is not in the manifest" for name in sorted(digests.keys() - listed.keys())]
    problems += [
        f"{name}: sha256 {digests[name]} differs from the sealed {listed[name]}"
        for name in sorted(digests.keys() & listed.keys())
        if digests[name] != listed[name]
    ]
    return [Check(subject, "bytes", not problems, "; ".join(problems) or f"{len(listed)} files as sealed")], digests


def _empty_folders(run: Path) -> list[str]:
    """Folders of a run that hold nothing, those left out that every run begins with."""
    folders = (item for item in below(run) if item.is_dir() and not item.is_symlink() and not any(item.iterdir()))
    return [name for item in folders if (name := item.relative_to(run).as_posix()) not in BEGUN_WITH]


def _verify_stop(run: RunFolder, digests: Mapping[str, str]) -> list[Check]:
    """What start and stop document say of inputs, of what was staged, and of streams, against the files."""
    if run.stop is None:
        return []
    problems = [
        f"{name} differs from the stop document"
        for name, summary in run.stop.streams.items()
        if digests.get(name) != summary.get("sha256")
    ]
    problems += [
        f"inputs/{name} differs from the start document"
        for name, digest in run.start.inputs.items()
        if digests.get(f"inputs/{name}") != digest
    ]
    problems += [
        f"{WORK}/{name} differs from what the start document says was staged"
        for name, staged in (run.start.staged or {}).items()
        if staged.get("kept") and digests.get(f"{WORK}/{name}") != staged.get("sha256")
    ]
    return [Check(run.path.name, "streams", not problems, "; ".join(problems) or "as in start and stop")]


OF_IMPORTS = ("imported", "emulated", "estimated")
"""Origins of what another program recorded; a source may say itself that nothing measured it."""


def _verify_base(run: RunFolder) -> Iterator[Check]:
    """Whose clock stamps it, whether it names a source, and where its streams come from say the same: it was measured
    here, or it was imported. What is neither would be held against no wire log and no clock."""
    imported, by_source = run.start.source is not None, run.start.time_base == "source-wall"
    if imported != by_source:
        base = "the clock of a source, and it names none" if by_source else "this host's clock, and it names a source"
        yield Check(run.path.name, "origin", False, f"it is stamped by {base}: it was neither measured nor imported")
    for one in run.power if imported else ():
        if one.origin not in OF_IMPORTS:
            yield Check(run.path.name, "origin", False, f"meter {one.meter}: {one.origin}, in a run that was imported")


def _verify_origin(run: RunFolder, descriptor: PowerDescriptor) -> Check:
    """A stream that claims to come from an instrument needs positive evidence: port, serial number, identity bytes; on
    a network the register's key or declaration in place of the port. What answered from this machine, or bears an
    emulator's mark, is emulated and nothing else."""
    claim = f"meter {descriptor.meter}: {descriptor.origin}"
    driver = descriptor.identity.get("driver")
    if driver in ESTIMATE_DRIVERS and descriptor.origin not in ("estimated", "emulated", "imported"):
        detail = f"{claim}, but its driver {driver!r} computes what it gives, which is estimated, never measured"
        return Check(run.path.name, "origin", False, detail)
    if descriptor.origin == "emulated" or run.start.source is not None:
        return Check(run.path.name, "origin", True, claim)
    evidence, mark, log = descriptor.evidence, EMULATOR_MARK.encode(), run.path / f"wire-{descriptor.meter}.log"
    said_of_itself = " ".join(str(descriptor.identity.get(key) or "") for key in ("model", "serial", "firmware"))
    words = [word for word in BETWEEN_WORDS.split(said_of_itself) if word]
    forms = {form for word in words for form in forms_of(word)}
    said = standing_in(log, forms | {mark}, LOCAL_HOSTS)
    problems = local_of(evidence)
    if not problems and not LOCAL_HOSTS.isdisjoint(said):
        problems.append("its wire log says that it was reached on this machine")
    if descriptor.origin in NETWORK:
        claim += words_of(descriptor)
        problems += problems_of(descriptor, run.read_input)
    if descriptor.origin == "instrument" and evidence.get("device_major") is None:
        problems.append("its port is no hardware device")
    if descriptor.origin == "instrument" and not evidence.get("sysfs_serial"):
        problems.append("its port has no serial number")
    if descriptor.origin in ("instrument", *NETWORK) and forms.isdisjoint(said):
        problems.append("its identity does not stand in the wire log")
    if mark in said or EMULATOR_MARK in " ".join(words):
        problems.append("its wire log carries the mark of an emulator")
    return Check(run.path.name, "origin", not problems, f"{claim}{', but ' if problems else ''}{'; '.join(problems)}")
