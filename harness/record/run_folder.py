"""Run folders and the campaign's chained logs: create, append, seal, open, verify. Used by both halves.

Knows files, digests and documents. Knows no hardware, no threads, no numbers: what a stream means is not its business.

Rules (docs/run-folder.md): directories by exclusive mkdir, files by open(..., "x"), writers only append and flush; a
run is never resumed; `seal` hashes, then drops write permission; a folder without a stop document is an aborted run.
No link is followed and no device opened: what is no plain file inside the campaign's folder is an error.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeAlias

from harness.record.documents import (
    Document,
    Event,
    ExitStatus,
    IndicatorDescriptor,
    Json,
    PowerDescriptor,
    Start,
    Stop,
    decode,
    dump,
    encode,
    load_object,
    upgrade,
)
from harness.record.errors import DocumentError, EvidenceBroken, RunFolderError, why
from harness.record.origins import NETWORK, problems_of, words_of

MANIFEST = "MANIFEST.sha256"
SEAL_SIGNATURE = "MANIFEST.sha256.sig"
"""The OpenSSH signature of a manifest, made when the run was sealed; beside the manifest, and not in it."""
JOURNAL = "run.jsonl"
CAMPAIGN = "campaign.jsonl"
STUDY_FILE = "study.toml"
"""The study file in the folder of a study: what makes a folder one."""
ANNOTATIONS = "annotations.jsonl"
RECEIPTS = "receipts.jsonl"
"""What a witness answered to the heads of campaign.jsonl."""
DERIVED = "derived"
PHOTO = "photo"
"""The note of an attachment that is a photograph of the set-up."""
TRACKER = "tracker"
"""The note of an attachment that is a tracker's file; its entry has `run` too, and `tracker`: what it said of it."""
MAX_PHOTO_BYTES = 4 * 1024 * 1024
BEGUN_WITH = ("inputs", "artifacts")
"""Folders of every run, whether anything comes into them or not."""
STATEMENT = "campaign.statement.json"
"""What is signed (harness.evidence.statement)."""
WORK = "inputs/work"
"""What was staged to the SUT, as its work folder had it."""
IMAGE_TYPES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
"""First bytes of a file -> its type: nothing else is attached or shown as a photograph, whatever its name says."""
GENESIS = "0" * 64
"""`prev` of a campaign's first line."""
PTY_MAJORS = frozenset({2, 3, *range(128, 144)})
"""Character devices that are pseudo terminals (Linux, Documentation/admin-guide/devices.txt)."""
EMULATOR_MARK = b"EMULATED"
"""What every emulator of ours says of itself on the wire."""
OWN_DIGEST_BYTES = len(',"line_sha256":""}') + 64
REQUIRED: dict[str, frozenset[str]] = {
    "campaign": frozenset({"schema", "name"}),
    "plan": frozenset({"runs"}),
    "preflight": frozenset({"reasons"}),
    "run-begin": frozenset({"ordinal", "folder", "attempt"}),
    "run-start": frozenset({"ordinal", "folder", "start"}),
    "run-end": frozenset({"ordinal", "folder", "exit_status", "reason", "manifest"}),
    "attachment": frozenset({"path", "sha256", "note"}),
}
"""Fields that every entry of campaign.jsonl of a type has."""
ANNOTATION: dict[str, frozenset[str]] = {"annotation": frozenset({"operator", "run", "text", "exclude"})}
"""The same of annotations.jsonl: `run` is a run folder or null, `exclude` the reason for taking it out, or null."""
RECEIPT: dict[str, frozenset[str]] = {
    "receipt": frozenset({"of", "head", "line", "signature"}),
    "timestamp": frozenset({"of", "head", "stamp", "authority", "token"}),
}
"""The same of receipts.jsonl: `of` is the `seq` of a line of campaign.jsonl, `head` its sha256."""
RECEIPT_OF = {"ssh": "receipt", "rfc3161": "timestamp"}
"""Kind of witness, as a key of [witness] in lab.toml -> type of its entries."""
WITNESSED = ("run-begin", "run-end")
"""Entries of campaign.jsonl whose heads a witness is told."""
LOST, EMPTY = "gone", "empty"
"""`lost` of a run-end without a manifest: the run was removed, or nothing had been recorded of it."""
Sign: TypeAlias = Callable[[bytes], bytes]
"""Makes the signature of a seal; empty where none can be made: no run is lost for want of one."""
READ_ONLY_FILE = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
READ_ONLY_FOLDER = READ_ONLY_FILE | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


def open_plain(path: Path) -> BufferedReader:
    """Open a plain file for reading; its last part may be no link, pipe or device (OSError)."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(f"{path} is no plain file")
    return os.fdopen(handle, "rb")


def read_plain(path: Path) -> bytes:
    """The bytes of a plain file (`open_plain`)."""
    with open_plain(path) as file:
        return file.read()


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a plain file's bytes."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unsigned(_content: bytes) -> bytes:
    """Nobody signs the seals."""
    return b""


def _unwitnessed() -> None:
    """Nobody is told the heads."""


def _sync(path: Path) -> None:
    """Put a file, or the names in a folder, on disk: fsync of a file does not do that of its name (fsync(2))."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_derived(campaign: Path, name: str, content: str | bytes) -> Path:
    """Write `derived/NAME` of a campaign, whole or not at all; a link that stands there is replaced, never followed.

    Raises:
        RunFolderError: the disk refuses, or `derived` is no folder of this campaign.
    """
    folder, target = campaign / DERIVED, campaign / DERIVED / name
    draft = folder / f".{name}.draft"
    try:
        folder.mkdir(exist_ok=True)
        if folder.is_symlink():
            raise RunFolderError(f"{folder}: a link; derived files belong into the campaign, remove the link")
        draft.unlink(missing_ok=True)
        with draft.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        draft.replace(target)
    except OSError as error:
        raise RunFolderError(
            f"{target}: cannot write ({error.strerror}); free space or give write permission"
        ) from error
    return target


class RunWriter:
    """One run folder being written. Appends only; `seal` ends it.

    Raises:
        RunFolderError: the folder or a file of that name exists, or the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=False)
            for name in BEGUN_WITH:
                (folder / name).mkdir()
            # Unbuffered: what a full disk refused is not tried again when the file is closed.
            self._journal: BinaryIO = (folder / JOURNAL).open("xb", buffering=0)
        except OSError as error:
            raise RunFolderError(f"{folder}: cannot create the run folder ({why(error)})") from error
        self.folder = folder

    def append(self, document: Document) -> None:
        """Append one document to run.jsonl and hand it to the operating system at once, whole or not at all.

        Raises:
            DocumentError: no reader would take it; nothing was written. RunFolderError: the disk refuses.
        """
        line = encode(document).encode() + b"\n"
        try:
            length = self._journal.tell()
            if self._journal.write(line) != len(line):
                self._journal.truncate(length)
                self._journal.seek(length)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise _refused(self.folder / JOURNAL, "append", error) from error
        except ValueError as error:  # what a closed file raises
            raise RunFolderError(f"{self.folder / JOURNAL}: the folder was closed before this was written") from error

    def begin(self, start: Start) -> str:
        """Append the start document; it and every input are on disk (fsync) before this returns its line's sha256."""
        self.append(start)
        try:
            for path in (*self.folder.rglob("*"), self.folder, self.folder.parent):
                _sync(path)
        except OSError as error:
            raise _refused(self.folder / JOURNAL, "put it on disk", error) from error
        return hashlib.sha256(encode(start).encode()).hexdigest()

    def open_stream(self, name: str) -> BinaryIO:
        """A new append-only file of the run (`readings-wall.csv`), unbuffered: one write is one system call."""
        try:
            return (self.folder / name).open("xb", buffering=0)
        except OSError as error:
            raise _refused(self.folder / name, "create the stream", error) from error

    def write_file(self, name: str, content: bytes) -> str:
        """Write `inputs/x` or `artifacts/x` verbatim; return its sha256. The name may not leave the folder."""
        target = self.folder / _inside(name)
        try:
            target.parent.mkdir(exist_ok=True, parents=True)
            with target.open("xb") as file:
                file.write(content)
        except OSError as error:
            raise _refused(target, "write", error) from error
        return hashlib.sha256(content).hexdigest()

    def stream_summary(self) -> dict[str, Json]:
        """Rows (header not counted; lines for logs) and sha256 of every stream, for the stop document."""
        summary: dict[str, Json] = {}
        for path in sorted(self.folder.glob("*.csv")) + sorted(self.folder.glob("*.log")):
            try:
                content = path.read_bytes()
            except OSError as error:
                raise RunFolderError(f"{path}: cannot be read back ({why(error)})") from error
            rows = content.count(b"\n") - (path.suffix == ".csv" and len(content) > 0)
            summary[path.name] = {"rows": rows, "sha256": hashlib.sha256(content).hexdigest()}
        return summary

    def seal(self, stop: Stop, sign: Sign = unsigned) -> str:
        """Write the stop document and the manifest, drop write permission; return the manifest's sha256."""
        self.append(stop)
        self._journal.close()
        return seal_folder(self.folder, sign)

    def close(self) -> None:
        """Close the journal without sealing (the next start seals the folder as found)."""
        self._journal.close()

    def __enter__(self) -> Self:
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the journal."""
        self.close()


def _refused(path: Path, what: str, error: OSError) -> RunFolderError:
    """The disk refuses a run: which file, why, and what to do."""
    return RunFolderError(f"{path}: cannot {what} ({why(error)}); `wattlab run` continues")


def seal_folder(folder: Path, sign: Sign = unsigned) -> str:
    """Write MANIFEST.sha256 over every file as found, drop write permission, return the manifest's sha256.

    The manifest appears whole or not at all, so a seal that was cut off is taken up again. What `sign` makes of its
    bytes is written beside it.

    Raises:
        RunFolderError: a link or device stands where a file should, or the disk refuses.
    """
    draft = folder / (MANIFEST + ".draft")
    try:
        draft.unlink(missing_ok=True)
        if not (folder / MANIFEST).exists():
            lines = [f"{sha256_of(folder / name)}  {name}\n" for name in _files(folder)]
            _write_whole(draft, "".join(lines).encode(), folder / MANIFEST)
        if not (folder / SEAL_SIGNATURE).exists() and (signature := sign(read_plain(folder / MANIFEST))):
            folder.chmod(stat.S_IRWXU)  # dropped already where a kill came between the seal and the log
            _write_whole(draft, signature, folder / SEAL_SIGNATURE)
        for path in sorted(folder.rglob("*"), reverse=True):
            path.chmod(READ_ONLY_FOLDER if path.is_dir() else READ_ONLY_FILE)
        folder.chmod(READ_ONLY_FOLDER)
    except OSError as error:
        raise _refused(folder, "seal", error) from error
    return sha256_of(folder / MANIFEST)


def _write_whole(draft: Path, content: bytes, target: Path) -> None:
    """Write a file that appears whole, on disk, or not at all."""
    with draft.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(target)


def signature_of(folder: Path) -> str | None:
    """Digest of the signature of a folder's seal; None where the seal is not signed."""
    signature = folder / SEAL_SIGNATURE
    return sha256_of(signature) if signature.exists() else None


def write_sealed(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A new folder that holds `files` (relative name -> content, text as UTF-8) and is sealed; returns it.

    Raises:
        RunFolderError: the folder exists, a name leaves it, or the disk refuses.
    """
    targets = {folder / _inside(name): content for name, content in files.items()}
    try:
        folder.mkdir(parents=True)
        for target, content in targets.items():
            target.parent.mkdir(exist_ok=True, parents=True)
            with target.open("xb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
    except FileExistsError:
        raise RunFolderError(
            f"{folder}: is there already, and what is sealed is never overwritten; name another with --into"
        ) from None
    except OSError as error:
        raise RunFolderError(
            f"{folder}: cannot write ({error.strerror}); free space or give write permission"
        ) from error
    seal_folder(folder)
    return folder


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A sealed run, read: its documents in order. `stop` is None when the run was cut off."""

    path: Path
    start: Start
    power: tuple[PowerDescriptor, ...]
    indicators: tuple[IndicatorDescriptor, ...]
    events: tuple[Event, ...]
    stop: Stop | None

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Read run.jsonl. A half-written last line is accepted only where the run has no stop document.

        Raises:
            DocumentError: a line is not a document; the message names file and line.
            RunFolderError: no journal.
        """
        journal = path / JOURNAL
        try:
            lines = read_plain(journal).split(b"\n")
        except OSError as error:
            raise RunFolderError(f"{journal}: cannot read ({why(error)}); is this a run folder?") from error
        tail = lines.pop()  # what follows the last newline: empty, or a line cut off by a kill
        documents = [decode(line, f"{journal}:{number}") for number, line in enumerate(lines, 1)]
        stops = [d for d in documents if isinstance(d, Stop)]
        if tail and stops:
            raise DocumentError(f"{journal}:{len(lines) + 1}: text after the stop document")
        if not documents or not isinstance(start := documents[0], Start):
            raise DocumentError(f"{journal}:1: expected a start document")
        if len(stops) > 1 or (stops and documents[-1] is not stops[0]):
            raise DocumentError(f"{journal}: documents after the stop document")
        streams = [d.stream for d in documents if isinstance(d, PowerDescriptor | IndicatorDescriptor)]
        meters = [d.meter for d in documents if isinstance(d, PowerDescriptor)]
        if odd := [name for name in (*streams, *meters) if "/" in name or "\0" in name or name in ("", ".", "..")]:
            raise DocumentError(f"{journal}: {odd[0]!r:.80} is no name of a stream or meter inside the run")
        if any(isinstance(d, Start) for d in documents[1:]):
            raise DocumentError(f"{journal}: a second start document; a run is never resumed")
        return cls(
            path=path,
            start=start,
            power=tuple(d for d in documents if isinstance(d, PowerDescriptor)),
            indicators=tuple(d for d in documents if isinstance(d, IndicatorDescriptor)),
            events=tuple(d for d in documents if isinstance(d, Event)),
            stop=stops[0] if stops else None,
        )

    def read_input(self, name: str) -> bytes | None:
        """The content of one of its inputs; None where it has none of that name."""
        try:
            return read_plain(self.path / "inputs" / name)
        except OSError:
            return None

    @property
    def exit_status(self) -> ExitStatus:
        """`success`, `abort` or `fail`; a run without a stop document was aborted."""
        return self.stop.exit_status if self.stop else "abort"

    @property
    def reason(self) -> str | None:
        """Why it did not succeed."""
        return self.stop.reason if self.stop else "cut off without a stop document (killed, or the host went down)"

    @property
    def manifest_sha256(self) -> str | None:
        """Digest of the manifest; None when the run is not sealed."""
        manifest = self.path / MANIFEST
        return sha256_of(manifest) if manifest.exists() else None

    @property
    def start_sha256(self) -> str:
        """Digest of the start document's line, as a `run-start` of the campaign's log names it."""
        return hashlib.sha256(read_plain(self.path / JOURNAL).split(b"\n", 1)[0]).hexdigest()


class ChainedLog:
    """An append-only file of JSON lines, each naming the digest of the line before (`prev`) and its own.

    `required`: type of an entry -> fields it has. `genesis` is `prev` of the first line.
    """

    def __init__(self, path: Path, required: Mapping[str, frozenset[str]], genesis: str = GENESIS) -> None:
        self.path = path
        self.genesis = genesis
        self._required = required

    def lines(self) -> list[bytes]:
        """Its whole lines without their newlines; none where there is no file. A half-written last line is left out."""
        try:
            return read_plain(self.path).split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RunFolderError(f"{self.path}: cannot read ({why(error)})") from error

    def entries(self) -> list[Json]:
        """Every line, the chain checked.

        A half-written last line (a kill in mid-write) is dropped: `append` cuts it away.

        Raises:
            EvidenceBroken: a line was changed, removed or moved; the message names the line.
            DocumentError: a line is no entry of this log.
        """
        entries: list[Json] = []
        previous = self.genesis
        for number, line in enumerate(self.lines(), 1):
            entries.append(self._entry(line, number, previous))
            previous = hashlib.sha256(line).hexdigest()
        return entries

    def readable(self) -> list[Json]:
        """Whatever of it can be read, behind a broken chain too."""
        entries = []
        for line in self.lines():
            try:
                entries.append(load_object(line, str(self.path)))
            except DocumentError:
                continue
        return entries

    def _entry(self, line: bytes, number: int, previous: str) -> Json:
        where = f"{self.path}:{number}"
        if not line.endswith(_own_digest(line[:-OWN_DIGEST_BYTES])):
            raise EvidenceBroken(f"{where}: the line does not fit its own digest: it was changed")
        entry = upgrade(load_object(line, where), where)
        if entry.get("prev") != previous or entry.get("seq") != number:
            raise EvidenceBroken(
                f"{where}: the chain is broken here: prev is {str(entry.get('prev'))[:64]}, the line before has "
                f"sha256 {previous}; a line was changed, removed or inserted"
            )
        missing = self._required.get(str(entry.get("type")), frozenset({"a known type"})) - entry.keys()
        if missing:
            raise DocumentError(f"{where}: an entry of type {entry.get('type')!r} lacks {', '.join(sorted(missing))}")
        return entry

    def append(self, kind: str, utc: str, body: Mapping[str, Any]) -> None:
        """Append one chained entry, on disk (fsync) before this returns.

        Raises:
            RunFolderError: the disk refuses; a half line that it left is cut away by the next call.
        """
        try:
            content = read_plain(self.path) if self.path.exists() else b""
            whole = content[: content.rfind(b"\n") + 1]
            if whole != content:
                os.truncate(self.path, len(whole))
        except OSError as error:
            raise RunFolderError(f"{self.path}: cannot be read or mended ({why(error)})") from error
        lines = whole.split(b"\n")[:-1]
        previous = hashlib.sha256(lines[-1]).hexdigest() if lines else self.genesis
        entry = {"seq": len(lines) + 1, "prev": previous, "utc": utc, "type": kind, **body}
        unclosed = dump(entry).encode()[:-1]
        try:
            with self.path.open("ab") as file:
                file.write(unclosed + _own_digest(unclosed) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunFolderError(
                f"{self.path}: cannot append ({error.strerror}); free the disk or give write permission, then try again"
            ) from error

    def head(self) -> str:
        """sha256 of the last line: what the next line will name as `prev`."""
        lines = self.lines()
        return hashlib.sha256(lines[-1]).hexdigest() if lines else self.genesis


class CampaignFolder:
    """A campaign: its chained log, its annotations and its runs.

    Raises:
        RunFolderError: the folder exists already (create) or is no campaign (open).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not (path / CAMPAIGN).is_file():
            raise RunFolderError(f"{path}: no {CAMPAIGN} in it; name the folder of a campaign, such as runs/core-study")
        self.log = ChainedLog(path / CAMPAIGN, REQUIRED)
        self.on_head: Callable[[], None] = _unwitnessed
        """Called when the log has a new head that a witness is told; returns at once."""

    @classmethod
    def create(cls, path: Path) -> "CampaignFolder":
        """A new, empty campaign folder (its first entry must be of type `campaign`)."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / CAMPAIGN).open("x").close()
            _sync(path)
        except OSError as error:
            raise RunFolderError(f"{path}: cannot create the campaign ({why(error)})") from error
        return cls(path)

    @property
    def identity(self) -> str:
        """sha256 of the log's first line, which holds name, uid and configuration: what tells it from any other."""
        lines = self.log.lines()
        return hashlib.sha256(lines[0]).hexdigest() if lines else GENESIS

    @property
    def annotations(self) -> ChainedLog:
        """The operator's notes; their chain begins at the campaign's first line, so they fit no other campaign."""
        return ChainedLog(self.path / ANNOTATIONS, ANNOTATION, self.identity)

    @property
    def receipts(self) -> ChainedLog:
        """What a witness answered; chained like the notes."""
        return ChainedLog(self.path / RECEIPTS, RECEIPT, self.identity)

    def entries(self) -> list[Json]:
        """Every line of campaign.jsonl, the chain checked (`ChainedLog.entries`)."""
        return self.log.entries()

    def append(self, kind: str, utc: str, body: Mapping[str, Any]) -> None:
        """Append one chained entry to campaign.jsonl; a head that a witness is told is told on."""
        self.log.append(kind, utc, body)
        if kind in WITNESSED:
            self.on_head()

    def head(self) -> str:
        """sha256 of the last line of campaign.jsonl."""
        return self.log.head()

    def run_paths(self) -> list[Path]:
        """Run folders on disk, in the order of their names (UTC start, ordinal)."""
        return sorted(path.parent for path in self.path.glob(f"*/{JOURNAL}") if not path.parent.is_symlink())

    def runs(self) -> list[RunFolder]:
        """Every run that the campaign's log names, in the order they were begun."""
        return [
            RunFolder.open(self.path / _inside(str(entry["folder"])))
            for entry in self.entries()
            if entry["type"] == "run-begin" and (self.path / _inside(str(entry["folder"])) / JOURNAL).is_file()
        ]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a verification: what was checked, whether it holds, what was found."""

    subject: str
    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Examination:
    """A campaign read once: every check, the log, the annotations and the receipts as far as they can be read, the
    readable runs by the names of their folders, and why the others cannot be read."""

    checks: list[Check]
    entries: list[Json]
    annotations: list[Json]
    receipts: list[Json]
    runs: dict[str, RunFolder]
    unreadable: dict[str, str]


def verify_run(path: Path) -> list[Check]:
    """Recompute every digest of one sealed run: nothing changed, nothing added, nothing missing."""
    return _examine_run(path)[0]


def verify_sealed(path: Path) -> list[Check]:
    """Recompute every digest of a folder that `write_sealed` made: nothing changed, nothing added, nothing missing."""
    return _verify_bytes(path)[0]


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
    checks += [_verify_origin(run, descriptor) for descriptor in run.power]
    return checks, run


def _verify_bytes(path: Path) -> tuple[list[Check], dict[str, str] | None]:
    """The run's files against its manifest, and their digests as they are now; None where a link stands among them:
    then nothing of the run may be read."""
    subject, manifest = path.name, path / MANIFEST
    try:
        digests = {name: sha256_of(path / name) for name in _files(path) if name not in (MANIFEST, SEAL_SIGNATURE)}
    except (RunFolderError, OSError) as error:
        return [Check(subject, "plain", False, str(error))], None
    if not manifest.is_file():
        detail = f"{MANIFEST} is missing: the run was never sealed or was tampered with"
        return [Check(subject, "sealed", False, detail)], digests
    try:
        listed = _read_manifest(manifest)
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


def _verify_origin(run: RunFolder, descriptor: PowerDescriptor) -> Check:
    """A stream that claims to come from an instrument needs positive evidence: port, serial number, identity bytes; on
    a network the register's key or declaration in place of the port."""
    claim = f"meter {descriptor.meter}: {descriptor.origin}"
    if descriptor.origin not in ("instrument", *NETWORK):
        return Check(run.path.name, "origin", True, claim)
    evidence, said = descriptor.evidence, _received(run.path / f"wire-{descriptor.meter}.log")
    words = " ".join(str(descriptor.identity.get(key) or "") for key in ("model", "serial", "firmware")).split()
    problems = []
    if descriptor.origin in NETWORK:
        claim += words_of(descriptor)
        problems += problems_of(descriptor, run.read_input)
    elif evidence.get("device_major") is None or evidence["device_major"] in PTY_MAJORS:
        problems.append("its port is no hardware device")
    if descriptor.origin == "instrument" and not evidence.get("sysfs_serial"):
        problems.append("its port has no serial number")
    if not any(_stands_in(word, said) for word in words):
        problems.append("its identity does not stand in the wire log")
    if EMULATOR_MARK in said or EMULATOR_MARK.decode() in " ".join(words):
        problems.append("its wire log carries the mark of an emulator")
    return Check(run.path.name, "origin", not problems, f"{claim}{', but ' if problems else ''}{'; '.join(problems)}")


def _stands_in(word: str, said: bytes) -> bool:
    """Whether a word of an identity stands in a meter's bytes: as text, or, of a binary protocol, the number it ends
    with as 32 bits, high byte first (Modbus registers, DIN 43863-5); a number of 16 bits would stand anywhere."""
    if len(word) > 2 and word.encode() in said:
        return True
    digits = word[len(word.rstrip("0123456789")) :]
    numbers = {int(part) for part in (digits, digits[-8:]) if part and part.isascii()}
    return any(0xFFFF < number <= 0xFFFFFFFF and number.to_bytes(4, "big") in said for number in numbers)


def _received(wire_log: Path) -> bytes:
    """What the meter said, from the wire log (`<time_ns> < <hex>` a line); empty where there is none."""
    try:
        lines = [line.split(b" ") for line in read_plain(wire_log).split(b"\n")]
        return b"".join(bytes.fromhex(line[2].decode()) for line in lines if len(line) == 3 and line[1] == b"<")
    except (OSError, ValueError):
        return b""


def verify_campaign(path: Path) -> list[Check]:
    """Digests of every run, the chain of manifests, and completeness (no run removed, added, replaced or reordered)."""
    return examine(path).checks


def examine(path: Path) -> Examination:
    """Read a campaign once, every check made; behind a broken chain the rest is checked all the same.

    Raises:
        RunFolderError: the folder is no campaign.
    """
    campaign = CampaignFolder(path)
    entries, checks = _examine_log(campaign.log, path.name, "chain")
    checks.append(_verify_plain(path, entries))
    annotations, noted = _examine_log(campaign.annotations, path.name, "annotations")
    checks += noted if annotations or not all(check.passed for check in noted) else []
    receipts, received = _examine_log(campaign.receipts, path.name, "receipts")
    checks += received if receipts or not all(check.passed for check in received) else []
    checks += _verify_receipts(path.name, receipts, campaign.log.lines())
    checks += _verify_whole(path, entries)
    begun, started, ended = (
        {str(e["folder"]): e for e in entries if e.get("type") == kind and "folder" in e}
        for kind in ("run-begin", "run-start", "run-end")
    )
    on_disk = [run.name for run in campaign.run_paths()]
    checks.append(_verify_complete(path.name, entries, ended, on_disk))
    runs: dict[str, RunFolder] = {}
    unreadable: dict[str, str] = {}
    name_of_campaign = next((e.get("name") for e in entries if e.get("type") == "campaign"), None)
    previous: str | None = None
    for name in [*(name for name in begun if name in on_disk), *(name for name in on_disk if name not in begun)]:
        found, run = _examine_run(path / name)
        checks += found
        if isinstance(run, str):
            unreadable[name] = run
        else:
            runs[name] = run
            if name in begun:
                checks += _verify_link(run, previous, ended.get(name))
                checks.append(_verify_place(run, begun[name], started.get(name), name_of_campaign))
        previous = ended.get(name, {}).get("manifest") or previous
    checks += [_verify_attachment(path, entry) for entry in entries if entry.get("type") == "attachment"]
    return Examination(checks, entries, annotations, receipts, runs, unreadable)


def _examine_log(log: ChainedLog, subject: str, name: str) -> tuple[list[Json], list[Check]]:
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


def _verify_whole(path: Path, entries: Sequence[Json]) -> Iterator[Check]:
    """No log of a campaign that ended, or was signed, ends with half a line: nothing chains or counts it, and somebody
    who reads the file takes it for a part. Of one that is being measured a kill may leave one; it is cut away."""
    begun, ended = ([e.get("ordinal") for e in entries if e.get("type") == kind] for kind in ("run-begin", "run-end"))
    plans = [e["runs"] for e in entries if e.get("type") == "plan" and isinstance(e.get("runs"), list)]
    planned = [run.get("ordinal") for plan in plans for run in plan if isinstance(run, dict)]
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


def _verify_receipts(subject: str, receipts: Sequence[Json], lines: Sequence[bytes]) -> Iterator[Check]:
    """Every receipt is of a line that stands in the log as the witness was told it: none was cut off or rewritten."""
    if not receipts:
        return
    heads = dict(enumerate((hashlib.sha256(line).hexdigest() for line in lines), 1))
    problems = [
        f"line {receipt.get('of')} of {CAMPAIGN} is not the one that the witness was told: the log was cut back or "
        "rewritten"
        for receipt in receipts
        if not isinstance(receipt.get("of"), int) or heads.get(receipt["of"]) != receipt.get("head")
    ]
    found = "; ".join(dict.fromkeys(problems)) or f"{len(receipts)} receipts, each of a line of the log"
    yield Check(subject, "receipts", not problems, found)


def _verify_plain(path: Path, entries: Sequence[Json]) -> Check:
    """No link, pipe or device stands in the campaign's folder, nor anywhere below `derived` and what was attached, and
    no folder there that holds nothing (the runs' own are checked with them)."""
    attached = {str(entry.get("path")).split("/")[0] for entry in entries if entry.get("type") == "attachment"}
    places = [path / name for name in sorted({DERIVED} | attached) if "\0" not in name]
    below = [item for place in places if place.is_dir() and not place.is_symlink() for item in _below(place)]
    odd = [item for item in [*sorted(path.iterdir()), *below] if not _is_plain(item)]
    empty = [item for item in below if _is_plain(item) and item.is_dir() and not any(item.iterdir())]
    problems = [f"{item.relative_to(path)}: a link, pipe or device, not followed" for item in odd]
    problems += [f"{item.relative_to(path)}: a folder with nothing in it, which nothing lists" for item in empty]
    return Check(path.name, "plain", not problems, "; ".join(problems) or "plain files and folders only")


def _below(folder: Path) -> list[Path]:
    """Everything below a folder, sorted, however deep; links are told, never followed."""
    items, places = [], [folder]
    while places:
        inside = list(places.pop().iterdir())
        items += inside
        places += [item for item in inside if item.is_dir() and not item.is_symlink()]
    return sorted(items)


def _is_plain(item: Path) -> bool:
    mode = item.lstat().st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _verify_complete(subject: str, entries: Sequence[Json], ended: Mapping[str, Json], on_disk: Sequence[str]) -> Check:
    begun = [str(entry["folder"]) for entry in entries if entry.get("type") == "run-begin" and "folder" in entry]
    # A run that was cut off before anything was recorded ends with the manifest null and has no folder.
    recorded = {name for name in begun if ended.get(name, {}).get("manifest", "") is not None}
    problems = [f"{name} is missing" for name in begun if name in recorded and name not in on_disk]
    problems += [f"{name} is not in the campaign's log" for name in sorted(set(on_disk) - set(begun))]
    problems += [f"{name} was begun but never ended; `wattlab run` seals it" for name in begun if name not in ended]
    problems += [f"{name} is listed twice" for name in sorted({n for n in begun if begun.count(n) > 1})]
    return Check(subject, "complete", not problems, "; ".join(problems) or f"{len(begun)} runs")


def _verify_link(run: RunFolder, previous: str | None, end: Json | None) -> list[Check]:
    """The run names the manifest before it, and the campaign's log names this run's manifest and how it ended."""
    name, end = run.path.name, end or {}
    if end.get("manifest") != run.manifest_sha256:
        detail = "its manifest is not the one in the campaign's log: replaced or resealed"
        return [Check(name, "link", False, detail)]
    if run.start.previous_manifest != previous:
        return [Check(name, "link", False, "it does not follow the run before it: replaced or reordered")]
    if end.get("signature") != signature_of(run.path):
        return [Check(name, "link", False, "the signature of its seal is not the one in the campaign's log")]
    if end.get("exit_status") != run.exit_status:
        detail = f"the campaign's log says it ended with {end.get('exit_status')}, its journal says {run.exit_status}"
        return [Check(name, "link", False, f"{detail}: the journal was cut off or edited")]
    return [Check(name, "link", True, "follows the run before it")]


def _verify_place(run: RunFolder, begin: Json, started: Json | None, campaign: object) -> Check:
    """The run is the one that the campaign's log began: same campaign, ordinal, attempt and start document."""
    start, problems = run.start, []
    if started is not None and started.get("start") != run.start_sha256:
        problems.append("its start document is not the one that the log saw on disk: exchanged")
    if campaign is not None and start.campaign != campaign:
        problems.append(f"it was measured for the campaign {start.campaign!r}, this is {campaign!r}")
    if start.ordinal != begin.get("ordinal"):
        problems.append(f"it is run {start.ordinal}, the log began run {begin.get('ordinal')} here")
    if start.attempt != begin.get("attempt"):
        problems.append(f"it is attempt {start.attempt}, the log began attempt {begin.get('attempt')} here")
    return Check(run.path.name, "place", not problems, "; ".join(problems) or "the run that the log began")


def _verify_attachment(folder: Path, entry: Json) -> Check:
    """An attachment of the campaign is there and as it was attached."""
    name = str(entry.get("path"))
    try:
        path = folder / _inside(name)
        if any(above.is_symlink() for above in path.parents if above != folder and folder in above.parents):
            raise RunFolderError(f"{path}: behind a link")
        same = sha256_of(path) == entry.get("sha256")
    except (OSError, RunFolderError) as error:
        return Check(name, "attachment", False, f"cannot be read ({why(error)})")
    return Check(name, "attachment", same, "as attached" if same else "differs from what was attached")


def _own_digest(unclosed: bytes) -> bytes:
    """The end of a line of campaign.jsonl: the digest of all that stands before it (`unclosed` lacks its brace)."""
    return b',"line_sha256":"' + hashlib.sha256(unclosed).hexdigest().encode() + b'"}'


def _files(folder: Path) -> list[str]:
    """Relative POSIX names of every regular file below a folder, sorted; links and devices are refused."""
    names = []
    for path in _below(folder):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            names.append(path.relative_to(folder).as_posix())
        elif not stat.S_ISDIR(mode):
            raise RunFolderError(f"{path}: a link, pipe or device in a run folder; only plain files can be sealed")
    return sorted(names)


def _empty_folders(run: Path) -> list[str]:
    """Folders of a run that hold nothing, those left out that every run begins with."""
    folders = (item for item in _below(run) if item.is_dir() and not item.is_symlink() and not any(item.iterdir()))
    return [name for item in folders if (name := item.relative_to(run).as_posix()) not in BEGUN_WITH]


def _read_manifest(manifest: Path) -> dict[str, str]:
    listed: dict[str, str] = {}
    for number, line in enumerate(read_plain(manifest).decode(errors="replace").splitlines(), 1):
        digest, separator, name = line.partition("  ")
        if not separator or len(digest) != 64 or name in listed:
            raise RunFolderError(f"{manifest}:{number}: expected '<sha256>  <path>', found {line!r:.80}")
        listed[str(_inside(name))] = digest
    return listed


def _inside(name: str) -> Path:
    """A relative path that stays in its folder.

    Raises:
        RunFolderError: absolute, empty, or climbing out.
    """
    path = Path(name)
    if not name or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise RunFolderError(f"{name!r}: a path inside a run folder must be relative and may not climb out of it")
    return path
