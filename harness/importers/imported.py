"""Writes a campaign of sealed run folders from what an importer has parsed, and reads source files whole.

Knows the run folder, the campaign's chain, that sources are kept verbatim, gzip and UTF-16 (what PowerShell's `>`
writes). Knows no foreign format.

Stamps of a source are local wall times, usually without a zone: they are kept as they are, counted as nanoseconds
since 1970-01-01 of that clock (`time_base: "source-wall"`), and printed as if they were UTC. A run holds the rows of
its interval and `MARGIN_S` seconds on either side.
"""

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from harness.config import APPLICATION
from harness.documents import (
    SCHEMA,
    Event,
    ExitStatus,
    IndicatorDescriptor,
    Json,
    PowerDescriptor,
    Start,
    Stop,
    Thresholds,
)
from harness.errors import ImportFileError, RunFolderError
from harness.provenance import host_facts, software_facts
from harness.run_folder import CAMPAIGN, CampaignFolder, RunWriter

MARGIN_S = 5
"""Seconds of readings kept before and after a run's interval."""
SECOND_NS = 1_000_000_000
MAX_BYTES = 2**30
"""A source that is larger unpacked is none."""
ZONE_NOTE = "time stamps are the source's local wall clock without a zone, printed as if they were UTC"
OnProgress = Callable[[int, int], None]
"""Told how many runs of how many are written."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A source file: its verbatim bytes, and its text (bytes, gzip unpacked, UTF-16 turned into UTF-8, BOM removed).

    `cut`: its gzip stream has no end, what is there was taken.
    """

    path: Path
    verbatim: bytes
    content: bytes
    cut: bool = False

    @property
    def sha256(self) -> str:
        """Digest of the verbatim bytes."""
        return hashlib.sha256(self.verbatim).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRun:
    """One test run as parsed: interval (source-wall ns), streams as (descriptor, CSV bytes), events by time; `reason`
    says why a run that is no `success` enters no mean."""

    kind: Literal["baseline", "scenario"]
    scenario: str
    repetition: int
    begin_ns: int
    end_ns: int
    streams: tuple[tuple[PowerDescriptor | IndicatorDescriptor, bytes], ...]
    events: tuple[Event, ...]
    files: tuple[SourceFile, ...]
    note: str
    sut: Json = field(default_factory=dict)
    exit_status: ExitStatus = "success"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What an import made: runs per scenario, and remarks worth reading."""

    campaign: Path
    runs: dict[str, int]
    remarks: tuple[str, ...]

    def __str__(self) -> str:
        """For the terminal."""
        counts = ", ".join(f"{name} {count}" for name, count in self.runs.items())
        lines = [f"Imported {sum(self.runs.values())} runs into {self.campaign}: {counts}."]
        return "\n".join(lines + [f"  {remark}" for remark in self.remarks])


def read_source(path: Path, *, partial: bool = False) -> SourceFile:
    """A source file, whole; `.gz` is unpacked. `partial`: of a gzip stream without an end, what is there.

    Raises:
        ImportFileError: it cannot be read, is empty or too large, or its gzip stream is cut off (the message names the
            line).
    """
    try:
        if path.is_char_device() or path.is_block_device():
            raise ImportFileError(f"{path}: a device, which has no end; name a file that is there")
        verbatim = path.read_bytes()
    except OSError as error:
        raise ImportFileError(f"{path}: cannot read ({error.strerror}); name a file that is there") from None
    content, cut = _unpacked(path, verbatim, partial=partial) if path.suffix == ".gz" else (verbatim, False)
    text = utf8(content)
    if not text.strip():
        raise ImportFileError(f"{path}:1: the file is empty; export it again")
    return SourceFile(path, verbatim, text, cut)


def utf8(content: bytes) -> bytes:
    """Text as UTF-8 without a BOM, whether it was UTF-8 or UTF-16 (known by its BOM)."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace").encode()
    return content.removeprefix(codecs.BOM_UTF8)


def _unpacked(path: Path, verbatim: bytes, *, partial: bool) -> tuple[bytes, bool]:
    """What a gzip file holds, and whether its end is missing."""
    cut = False
    try:
        with gzip.open(io.BytesIO(verbatim)) as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        content, cut = _salvaged(verbatim), True
        if not (partial and isinstance(error, EOFError) and content):
            lines = content.count(b"\n")
            raise ImportFileError(
                f"{path}:{lines + 1}: the gzip stream is cut off or damaged here ({error}); copy the file again"
            ) from None
    if len(content) > MAX_BYTES:
        raise ImportFileError(f"{path}: more than {MAX_BYTES // 2**20} MiB unpacked; no measurement's file is as large")
    return content, cut


def _salvaged(verbatim: bytes) -> bytes:
    """What can be had of a gzip file whose end is missing or damaged, stream by stream."""
    parts, rest = b"", verbatim
    while rest and len(parts) <= MAX_BYTES:
        stream = zlib.decompressobj(wbits=31)
        try:
            parts += stream.decompress(rest, MAX_BYTES)
        except zlib.error:
            break
        rest = stream.unused_data
    return parts


def write_campaign(
    path: Path, form: str, runs: Sequence[ImportedRun], remarks: Sequence[str], on_progress: OnProgress | None
) -> Summary:
    """Write all runs, in order of their begin, with the sources attached once; return what was made.

    Raises:
        RunFolderError: the campaign exists already, or the disk refuses.
    """
    if (path / CAMPAIGN).exists():
        raise RunFolderError(f"{path}: a campaign is there already; choose another name for --into")
    campaign = CampaignFolder.create(path)
    software = software_facts(APPLICATION)
    campaign.append("campaign", _now(), _header(path, runs, software))
    _attach(campaign, runs)
    host = host_facts()
    previous: str | None = None
    ordered = sorted(runs, key=lambda run: (run.begin_ns, run.scenario))
    for ordinal, run in enumerate(ordered, 1):
        uid = hashlib.sha256("".join([run.scenario, str(run.begin_ns), *(f.sha256 for f in run.files)]).encode())
        name = f"{_wall(run.begin_ns):%Y%m%dT%H%M%SZ}-r{ordinal:02d}-{uid.hexdigest()[:8]}"
        campaign.append("run-begin", _now(), {"ordinal": ordinal, "folder": name, "attempt": 1})
        start = _start(path.name, form, ordinal, uid.hexdigest()[:8], run, previous, host, software)
        previous = _write_run(path / name, start, run)
        end = {"ordinal": ordinal, "folder": name, "exit_status": run.exit_status, "reason": run.reason}
        campaign.append("run-end", _now(), end | {"manifest": previous})
        if on_progress:
            on_progress(ordinal, len(runs))
    counts: dict[str, int] = {}
    for run in ordered:
        counts[run.scenario] = counts.get(run.scenario, 0) + 1
    return Summary(path, counts, tuple(remarks))


def _header(path: Path, runs: Sequence[ImportedRun], software: Json) -> Json:
    digest = hashlib.sha256("".join(sorted({f.sha256 for run in runs for f in run.files})).encode()).hexdigest()
    return {
        "schema": SCHEMA, "name": path.name, "uid": digest[:8], "seed": None,
        "design": "imported: in the order in which the other lab measured", "customer": "", "software": software,
        "config": None,
    }  # fmt: skip


def _attach(campaign: CampaignFolder, runs: Sequence[ImportedRun]) -> None:
    """Copy every source file once, verbatim, and chain its digest."""
    files = {source.path: source for run in runs for source in run.files}
    folder = campaign.path / "sources"
    folder.mkdir()
    taken: set[str] = set()
    for source in files.values():
        name = source.path.name
        if name in taken:
            name = f"{source.sha256[:8]}-{name}"
        taken.add(name)
        with (folder / name).open("xb") as file:
            file.write(source.verbatim)
        (folder / name).chmod(0o444)
        body = {"path": f"sources/{name}", "sha256": source.sha256, "note": "verbatim source of the import"}
        campaign.append("attachment", _now(), body)


def _start(
    name: str, form: str, ordinal: int, uid: str, run: ImportedRun, previous: str | None, host: Json, software: Json
) -> Start:
    source = {"format": form, "files": {f.path.name: f.sha256 for f in run.files}, "note": run.note}
    return Start(
        uid=uid,
        campaign=name,
        ordinal=ordinal,
        attempt=1,
        kind=run.kind,
        scenario=run.scenario,
        repetition=run.repetition,
        seed=0,
        block=run.repetition if run.kind == "baseline" else None,
        time_base="source-wall",
        time_ns=run.begin_ns,
        utc=_wall(run.begin_ns).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        previous_manifest=previous,
        sut=run.sut,
        host=host,
        inputs={},
        software=software,
        operator="",
        config={"thresholds": asdict(Thresholds())},
        scenario_config={},
        source=source,
    )


def _write_run(folder: Path, start: Start, run: ImportedRun) -> str:
    with RunWriter(folder) as writer:
        writer.append(start)
        for descriptor, content in run.streams:
            writer.append(descriptor)
            with writer.open_stream(descriptor.stream) as stream:
                stream.write(content)
        for event in run.events:
            writer.append(event)
        utc = _wall(run.end_ns).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        streams = writer.stream_summary()
        stop = Stop(time_ns=run.end_ns, utc=utc, exit_status=run.exit_status, reason=run.reason, streams=streams)
        return writer.seal(stop)


def _wall(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // 1_000_000 / 1000, UTC)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
