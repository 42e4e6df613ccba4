"""Any CSV of power, by its mapping -> run folders.

Knows which files belong to a mapping and how many records they make. Knows no text (table.py, clock.py), no run
(runs.py) and no run folder (imported.py).

Decisions
- With a file of events the CSV files are one record, whatever their order, and each event is a run. Without one each
  CSV is a record and a run.
- The mapping is kept with the sources: it says what was made of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from harness.foreign.importers.apart import seems_off
from harness.foreign.importers.grouping import ENDINGS, Grouping, Place, left_out, numbered
from harness.foreign.importers.imported import METHODS_OWN, ZONE_NOTE, ImportedRun, OnProgress, Summary, write_campaign
from harness.foreign.importers.lags import with_lags
from harness.foreign.importers.power_csv.clock import is_known
from harness.foreign.importers.power_csv.columns import Raw, Readings, joined, raw_of, readings_of, sorted_once
from harness.foreign.importers.power_csv.events import read_events
from harness.foreign.importers.power_csv.logs import read_logs
from harness.foreign.importers.power_csv.mapping import NAME, PowerColumn, PowerCsv, TimeColumn, read_mapping
from harness.foreign.importers.power_csv.names import meter_of
from harness.foreign.importers.power_csv.run_tables import require_readings
from harness.foreign.importers.power_csv.runs import UTC_NOTE, Record, runs_of, whole_run
from harness.foreign.importers.power_csv.samples import Samples, samples_of
from harness.foreign.importers.power_csv.table import Rows, read_rows
from harness.foreign.importers.remarks import listed
from harness.foreign.importers.source import SourceFile, read_source
from harness.foreign.importers.spool import Spool
from harness.foreign.importers.stamps import moment_of
from harness.record.documents import Json, Thresholds
from harness.record.errors import ImportFileError

MANY = 5
"""So many files that are a scenario each are worth a remark."""
SHOWN = 12
"""Remarks on the terminal; the rest are counted."""


def mapping_beside(paths: Sequence[Path]) -> Path:
    """Where the mapping of some files is looked for: in the folder, or beside the first file."""
    return (paths[0] if paths[0].is_dir() else paths[0].parent) / NAME


def import_power_csv(
    paths: Sequence[Path], campaign: Path, mapping: Path, *, grouping: Grouping | None = None,
    on_progress: OnProgress | None = None,
    thresholds: Thresholds = METHODS_OWN,
) -> Summary:  # fmt: skip
    """Import CSV files, and those in folders, by a mapping into a new campaign.

    Raises:
        ImportFileError: a mapping that contradicts itself or the files, damage; with file and line.
        RunFolderError: the campaign exists already.
    """
    told, text = read_mapping(mapping)
    kept = SourceFile(mapping, text, text)
    files = _files(paths, told, mapping)
    grouping = grouping or Grouping()
    is_utc = _is_utc(told, mapping)
    reading = None if on_progress is None else partial(_half, on_progress, 0)
    with Spool() as spool:
        if told.events is None:
            runs, remarks = _a_run_each(files, told, kept, grouping, spool, reading)
        else:
            runs, remarks = _a_run_an_event(files, told, kept, grouping, reading)
        remarks = [UTC_NOTE if is_utc else ZONE_NOTE, *dict.fromkeys(remarks)]
        more = [f"and {len(remarks) - SHOWN} more remarks, in the runs"] if len(remarks) > SHOWN else []
        written = None if on_progress is None else partial(_half, on_progress, 1)
        runs = [with_lags(run) for run in runs]
        return write_campaign(campaign, "power-csv", runs, [*remarks[:SHOWN], *more], written, thresholds)


def _a_run_each(
    files: Sequence[Path], told: PowerCsv, kept: SourceFile, grouping: Grouping, spool: Spool,
    on_progress: OnProgress | None,
) -> tuple[list[ImportedRun], list[str]]:  # fmt: skip
    """Every file as a run; one at a time lies in memory."""
    places = grouping.places(files)
    runs, remarks = list[ImportedRun](), left_out(files, places)
    seen: dict[str, Path] = {}
    for done, (file, place) in enumerate(zip(files, places, strict=True), 1):
        if place is not None:
            record, odd = _record([file], told, kept, seen, None)
            runs.append(_released(whole_run(record, place), spool))
            _require_overlap(record, runs[-1:])
            remarks += odd
        if on_progress:
            on_progress(done, len(files))
    if grouping.how is None and len(runs) >= MANY:
        remarks.append(
            f"{len(runs)} files are {len(runs)} scenarios of one run each; --group makes repetitions of them"
        )
    return numbered(runs), remarks


def _a_run_an_event(
    files: Sequence[Path], told: PowerCsv, kept: SourceFile, grouping: Grouping, on_progress: OnProgress | None
) -> tuple[list[ImportedRun], list[str]]:
    """Every event as a run of all files together."""
    assert told.events is not None
    if grouping.how is not None:
        raise ImportFileError(
            f"{kept.path}: its [events] say which run is of which scenario; leave --group out, or the [events]"
        )
    events = read_events(read_source(kept.path.parent / told.events.file), told.events)
    record, odd = _record(files, told, kept, {}, on_progress, events.source)
    runs, remarks = runs_of(record, events)
    _require_overlap(record, runs)
    places = grouping.with_baseline([Place(run.scenario, run.repetition, _kind(run)) for run in runs])
    chosen = zip(runs, (place for place in places if place is not None), strict=True)
    runs = [replace(run, scenario=place.scenario, kind=place.kind) for run, place in chosen]
    return numbered(runs), [*odd, *remarks]


def _require_overlap(record: Record, runs: Sequence[ImportedRun]) -> None:
    """Raises ImportFileError where what a program said overlaps no run: its clock, or its zone, is another."""
    for samples in record.samples:
        times_ns = samples.times_ns
        edges = [np.searchsorted(times_ns, [run.begin_ns, run.end_ns + 1]) for run in runs]
        if any(first < last for first, last in edges):
            continue
        begin_ns, end_ns = int(times_ns[0]), int(times_ns[-1])
        spans = [(run.begin_ns, run.end_ns) for run in runs]
        raise ImportFileError(
            f"{samples.path}: what {samples.name} says reaches from {moment_of(begin_ns)} to {moment_of(end_ns)} and "
            f"overlaps no run{seems_off(begin_ns, end_ns, spans)}; name the zone of its clock"
        )


def _kind(run: ImportedRun) -> Literal["baseline", "scenario"]:
    return "baseline" if run.kind == "baseline" else "scenario"


def _half(on_progress: OnProgress, nth: int, done: int, total: int) -> None:
    on_progress(nth * total + done, 2 * total)


def _files(paths: Sequence[Path], told: PowerCsv, mapping: Path) -> list[Path]:
    """The files that are named and the CSV files of folders, but those that the mapping names otherwise.

    Raises:
        ImportFileError: none, or one twice.
    """
    others = [told.events.file] if told.events is not None else []
    others += [log.file for log in told.software]
    beside = {(mapping.parent / name).resolve() for name in others}
    found: list[Path] = []
    for path in paths:
        below = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [
            file
            for file in below
            if file == path or (file.is_file() and file.name.endswith(ENDINGS) and file.resolve() not in beside)
        ]
    if not found:
        raise ImportFileError(f"{paths[0]}: no CSV in it or below ({', '.join(ENDINGS)}); name the files")
    named: dict[Path, Path] = {}
    for file in found:
        if named.setdefault(file.resolve(), file) is not file:
            raise ImportFileError(f"{file}: named twice; name each file once")
    return found


def _is_utc(told: PowerCsv, mapping: Path) -> bool:
    """Whether the clocks of all files become UTC.

    Raises:
        ImportFileError: some do and some do not.
    """
    clocks = [told.time, *(column.time for column in told.power if column.time is not None)]
    known = [is_known(clock) for clock in clocks]
    if told.events is not None:
        known.append(is_known(TimeColumn(column="", format=told.events.format, zone=told.events.zone)))
    known += [log.zone != "unknown" for log in told.software]
    if len(set(known)) > 1:
        raise ImportFileError(
            f'{mapping}: one clock has the zone "unknown" and another one is known: they cannot stand beside each '
            "other; name the zone, or call all of them unknown"
        )
    return known[0]


def _record(
    files: Sequence[Path], told: PowerCsv, kept: SourceFile, seen: dict[str, Path], on_progress: OnProgress | None,
    *others: SourceFile,
) -> tuple[Record, list[str]]:  # fmt: skip
    """What some files say together, and remarks for the terminal; `seen`: digest -> file of those before."""
    wanted = set(_columns_of(told))
    mapping, sources, tables = kept.path, list[SourceFile](), list[Rows]()
    for done, path in enumerate(files, 1):
        source = read_source(path, partial=True)
        if seen.setdefault(source.sha256, path) != path:
            raise ImportFileError(
                f"{path} is {seen[source.sha256]} again; a copy is no other measurement: name each once"
            )
        sources.append(source)
        tables.append(read_rows(source, told.file, wanted))
        require_readings(path, told.file.header or 1, tables[-1].names)
        if on_progress:
            on_progress(done, len(files))
    notes = [(remark.code, remark.note) for table in tables for remark in table.remarks]
    meters: dict[str, Readings] = {}
    software: dict[str, list[tuple[PowerColumn, Raw]]] = {}
    for column in sorted(told.power, key=lambda column: column.role != "added"):
        raw = joined([raw_of(table, nth, column, told.time, wanted) for nth, table in enumerate(tables)])
        raw, odd = sorted_once(raw, column, tables)
        notes += odd
        name = meter_of(column)
        if column.role == "software":
            software.setdefault(name, []).append((column, raw))
            continue
        if name in meters:
            raise ImportFileError(f"{mapping}: two meters are called {name!r}; give each its own name: meter = ...")
        meters[name] = readings_of(raw, column, [], str(files[0]))
        notes += meters[name].notes
    samples = [
        samples_of(name, [column for column, _ in parts], [raw for _, raw in parts], files[0])
        for name, parts in software.items()
        if any(raw.times_ns.size for _, raw in parts)
    ]
    logs, log_notes, log_sources = read_logs(told.software, mapping.parent)
    notes += log_notes
    evidence: Json = {"file": sources[0].path.name, "sha256": sources[0].sha256}
    record = Record(
        meters, _once_each([*samples, *logs], mapping), (*sources, kept, *others, *log_sources), evidence,
        tuple(dict.fromkeys(notes)), _is_utc(told, mapping), told.sut,
        frozenset(label for table in tables for label in table.labels),
    )  # fmt: skip
    where = f"{files[0]}: " if len(files) == 1 else ""
    return record, [text if str(files[0]) in text else f"{where}{text}" for _, text in record.notes]


def _columns_of(told: PowerCsv) -> Iterator[str]:
    """The columns whose cells count."""
    for column in told.power:
        yield from (column.column, column.voltage, column.current)
        time = (column.time or told.time).column
        yield from [time] if isinstance(time, str) else time


def _once_each(samples: Sequence[Samples], mapping: Path) -> tuple[Samples, ...]:
    names = [one.name for one in samples]
    if len(set(names)) < len(names):
        raise ImportFileError(f"{mapping}: two software meters share a name ({listed(names)}); give each its own")
    return tuple(samples)


def _released(run: ImportedRun, spool: Spool) -> ImportedRun:
    """The run, its files and streams put aside."""
    streams = tuple(
        (descriptor, spool.put(content) if isinstance(content, bytes) else content)
        for descriptor, content in run.streams
    )
    files = tuple(file.released(spool) if isinstance(file, SourceFile) else file for file in run.files)
    return replace(run, streams=streams, files=files)
