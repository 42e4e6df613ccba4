"""Runs of another lab as an importer has parsed them -> a campaign of sealed run folders.

Knows the run folder, the campaign's chain, and that sources are kept verbatim. Knows no foreign format and no text.

Stamps of a source are local wall times, usually without a zone: they are kept as they are, counted as nanoseconds
since 1970-01-01 of that clock (`time_base: "source-wall"`), and printed as if they were UTC. A run holds the rows of
its interval and `MARGIN_S` seconds on either side.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Literal, TypeAlias

from harness.foreign.importers.remarks import counted, listed
from harness.foreign.importers.source import Source
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.documents import (
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
from harness.record.errors import RunFolderError
from harness.record.run_writer import RunWriter
from harness.station.provenance import host_facts, software_facts
from harness.station.station import APPLICATION

MARGIN_S = 5
"""Seconds of readings kept before and after a run's interval."""
METHODS_OWN = Thresholds()
"""What findings are judged by where the operator says nothing else."""
ZONE_NOTE = "time stamps are the source's local wall clock without a zone, printed as if they were UTC"
SCENARIOS_SHOWN = 12
OnProgress: TypeAlias = Callable[[int, int], None]
"""Told how many steps of how many are done: a file read, a run written."""
Content: TypeAlias = bytes | Callable[[], bytes]
"""The CSV of a stream, or what makes it when it is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRun:
    """One test run as parsed: interval (source-wall ns), streams as (descriptor, CSV), events by time; `repetition` 0
    is for `grouping.numbered` to fill in; `reason` says why a run that is no `success` enters no mean."""

    kind: Literal["baseline", "scenario", "ranging"]
    scenario: str
    repetition: int
    begin_ns: int
    end_ns: int
    streams: tuple[tuple[PowerDescriptor | IndicatorDescriptor, Content], ...]
    events: tuple[Event, ...]
    files: tuple[Source, ...]
    note: str
    sut: Json = field(default_factory=dict)
    exit_status: ExitStatus = "success"
    reason: str | None = None
    clock: Literal["utc", "local"] = "local"
    """Whose time the stamps are: UTC, or the wall clock of the source."""
    circuits: tuple[str, ...] = ()
    """Those whose sum is the SUT's power; empty: the inlet, all boards, or the only one."""
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    """Files of the run's `artifacts/`."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What an import made: runs per scenario, and remarks worth reading."""

    campaign: Path
    runs: dict[str, int]
    remarks: tuple[str, ...]

    def __str__(self) -> str:
        """For the terminal."""
        counts = listed([f"{name} {count}" for name, count in self.runs.items()], SCENARIOS_SHOWN)
        lines = [f"Imported {counted(sum(self.runs.values()), 'run')} into {self.campaign}: {counts}."]
        return "\n".join(lines + [f"  {remark}" for remark in self.remarks])


def write_campaign(
    path: Path,
    form: str,
    runs: Sequence[ImportedRun],
    remarks: Sequence[str],
    on_progress: OnProgress | None,
    thresholds: Thresholds = METHODS_OWN,
) -> Summary:
    """Write all runs, in order of their begin, with the sources attached once; return what was made. Every run keeps
    the `thresholds` that its findings are judged by.

    Raises:
        RunFolderError: the campaign exists already, or the disk refuses.
    """
    if (path / CAMPAIGN).exists():
        raise RunFolderError(f"{path}: a campaign is there already; choose another name for --into")
    campaign = CampaignFolder.create(path)
    software = software_facts(APPLICATION)
    campaign.append("campaign", _now(), _header(path, runs, software))
    names = _attach(campaign, runs)
    host = host_facts()
    previous: str | None = None
    ordered = sorted(runs, key=lambda run: (run.begin_ns, run.scenario))
    for ordinal, run in enumerate(ordered, 1):
        uid = hashlib.sha256("".join([run.scenario, str(run.begin_ns), *(f.sha256 for f in run.files)]).encode())
        name = f"{_wall(run.begin_ns):%Y%m%dT%H%M%SZ}-r{ordinal:02d}-{uid.hexdigest()[:8]}"
        campaign.append("run-begin", _now(), {"ordinal": ordinal, "folder": name, "attempt": 1})
        files = {names[file.path]: file.sha256 for file in run.files}
        source = {"format": form, "files": files, "note": run.note} | ({"clock": "utc"} if run.clock == "utc" else {})
        start = _start(path.name, source, ordinal, uid.hexdigest()[:8], run, previous, host, software, thresholds)
        previous = _write_run(path / name, start, run)
        end = {"ordinal": ordinal, "folder": name, "exit_status": run.exit_status, "reason": run.reason}
        campaign.append("run-end", _now(), end | {"manifest": previous})
        if on_progress:
            on_progress(ordinal, len(runs))
    counts: dict[str, int] = {}
    for run in ordered:
        name = "ranging" if run.kind == "ranging" else run.scenario
        counts[name] = counts.get(name, 0) + 1
    return Summary(path, counts, tuple(remarks))


def _header(path: Path, runs: Sequence[ImportedRun], software: Json) -> Json:
    digest = hashlib.sha256("".join(sorted({f.sha256 for run in runs for f in run.files})).encode()).hexdigest()
    return {
        "schema": SCHEMA, "name": path.name, "uid": digest[:8], "seed": None,
        "design": "imported: in the order in which the other lab measured", "customer": "", "software": software,
        "config": None,
    }  # fmt: skip


def _attach(campaign: CampaignFolder, runs: Sequence[ImportedRun]) -> dict[Path, str]:
    """Copy every source file once, verbatim, and chain its digest; return the names of the copies."""
    files = {source.path: source for run in runs for source in run.files}
    folder = campaign.path / "sources"
    folder.mkdir()
    names: dict[Path, str] = {}
    taken: set[str] = set()
    for source in files.values():
        name = names[source.path] = _free_name(source.path.name, source.sha256, taken)
        taken.add(name)
        with (folder / name).open("xb") as file:
            source.write_to(file)
        (folder / name).chmod(0o444)
        body = {"path": f"sources/{name}", "sha256": source.sha256, "note": "verbatim source of the import"}
        campaign.append("attachment", _now(), body)
    return names


def _free_name(name: str, sha256: str, taken: Collection[str]) -> str:
    """A name for the copy of a file: its own; its digest before it where another file has that, and a number where an
    equal one lies in another folder."""
    names = chain([name, f"{sha256[:8]}-{name}"], (f"{sha256[:8]}-{nth}-{name}" for nth in count(2)))
    return next(free for free in names if free not in taken)


def _start(
    name: str,
    source: Json,
    ordinal: int,
    uid: str,
    run: ImportedRun,
    previous: str | None,
    host: Json,
    software: Json,
    thresholds: Thresholds,
) -> Start:
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
        config={"thresholds": asdict(thresholds)} | ({"sut": {"circuits": list(run.circuits)}} if run.circuits else {}),
        scenario_config={},
        source=source,
    )


def _write_run(folder: Path, start: Start, run: ImportedRun) -> str:
    with RunWriter(folder) as writer:
        writer.append(start)
        for descriptor, content in run.streams:
            writer.append(descriptor)
            with writer.open_stream(descriptor.stream) as stream:
                stream.write(content if isinstance(content, bytes) else content())
        for name, artifact in run.artifacts.items():
            writer.write_file(f"artifacts/{name}", artifact)
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
