"""Every entry of the logs and every start document on its own, and what it says of others: its form, its counts, its
names.

Knows the documents of runs and log. Knows no number, no key and no clock: stamps against each other are `dates` and
`clock`. What an older wattlab did not write is not asked of its campaigns.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, islice
from typing import Any, Literal, TypeAlias

from harness.evidence.changes import newer_of, precedes
from harness.measure.ambient import STREAM as ROOM
from harness.record.documents import (
    ClockEvent,
    GapEvent,
    Json,
    PhaseEvent,
    RangeChangeEvent,
    WindowEvent,
    describe,
    load_object,
    matches,
    table_of,
)
from harness.record.entries import (
    IN_ANNOTATIONS,
    IN_LOG,
    Annotation,
    Entry,
    Forms,
    Header,
    Preflight,
    RunBegin,
    RunEnd,
    RunStart,
    misfits,
    of,
)
from harness.record.errors import DocumentError
from harness.record.plain_files import lines_of, open_plain, read_plain
from harness.record.run_folder import JOURNAL, WORK, RunFolder
from harness.record.verify import Check, Examination
from harness.record.work import declared_in, read_declaration

Form: TypeAlias = Mapping[str, Any]
Text: TypeAlias = str | None
REASON: Form = {"severity": Literal["ok", "warn", "unknown", "refuse"], "subject": str, "text": str}
TWICE = {"name": "campaign.name", "seed": "campaign.seed", "design": "campaign.design", "customer": "lab.customer"}
"""Fields of the log's first line -> the same in its configuration."""
STARTED, STARTED_CODEC, STARTED_BY = 2, 2, "0.2.0"
"""The journal's schema from which on the log names every start document, the drivers' codec and the version of then."""
BOOT_NS = 1_000_000_000
"""The boot clock never lies behind the monotonic one; both are read one after the other."""
VERSION_CHECK = "version"
"""The name of the check that fails where a newer wattlab recorded."""
COUNTED = frozenset({"rows", "sha256"})
OF_IMPORTS = (RangeChangeEvent, WindowEvent)


def check_forms(subject: str, seen: Examination) -> Iterator[Check]:
    """One check of the campaign's log, one of the annotations, one of the start documents of what was measured here;
    one of the log and of each run that a newer wattlab recorded."""
    yield from _of_newer(subject, seen)
    measured = [run for run in seen.runs.values() if _is_measured(run)]
    yield _check(subject, "entries", _of_log(seen.entries, measured), f"{len(seen.entries)} entries in form and order")
    if seen.annotations:
        yield _check(subject, "entries", _of_notes(seen.annotations), f"{len(seen.annotations)} notes in form")
    problems = (problem for run in measured for problem in _of_run(run))
    yield _check(subject, "start", problems, "start documents, folders and streams name the same")


def _of_newer(subject: str, seen: Examination) -> Iterator[Check]:
    """What a newer wattlab recorded has what this one cannot judge."""
    recorded = [(subject, header.software) for header in of(Header, seen.entries)]
    recorded += [(name, run.start.software) for name, run in seen.runs.items()]
    for name, software in recorded:
        if newer := newer_of(str((software or {}).get("version"))):
            yield Check(name, VERSION_CHECK, False, newer)


def _is_measured(run: RunFolder) -> bool:
    return run.start.time_base == "host-monotonic" and run.start.source is None


def _check(subject: str, name: str, problems: Iterator[str], held: str) -> Check:
    shown = list(problems)
    return Check(subject, name, not shown, "; ".join(shown[:5]) or held)


# --- entries ---


def _of_log(entries: Sequence[Entry], measured: Sequence[RunFolder]) -> Iterator[str]:
    for entry in entries:
        yield from _of_entry(entry, "campaign.jsonl", IN_LOG)
    yield from _of_header(entries)
    yield from _of_attempts(entries)
    yield from _of_preflight(entries)
    named = {start.folder for start in of(RunStart, entries)}
    for run in measured:
        # One that was cut off may have been killed before the log could name its start document.
        if run.stop is not None and _schema_of(run) >= STARTED and run.path.name not in named:
            yield f"no run-start names {run.path.name}, whose journal says that it ended"


def _schema_of(run: RunFolder) -> int:
    """The schema that the start document was written by."""
    try:
        written = load_object(read_plain(run.path / JOURNAL).split(b"\n", 1)[0], JOURNAL).get("schema")
    except (OSError, DocumentError):
        return 1
    return written if isinstance(written, int) else 1


def _of_entry(entry: Entry, log: str, forms: Forms) -> Iterator[str]:
    """The form of one entry, and that it is stamped."""
    where, cls = f"{log}:{entry.raw.get('seq')!r:.10}", forms.get(str(entry.raw.get("type")))
    for key, value, hint in misfits(entry.raw, cls) if cls else ():
        yield f"{where}: {key} is {value!r:.60}, expected {describe(hint)}"
    if not _is_stamp(entry.raw.get("utc")):
        yield f"{where}: it is stamped {entry.raw.get('utc')!r:.40}, which is no moment with its zone"


def _of_form(entry: Json, form: Form, where: str) -> Iterator[str]:
    for key, hint in form.items():
        if key in entry and not matches(entry[key], hint):
            yield f"{where}: {key} is {entry[key]!r:.60}, expected {describe(hint)}"


def _is_stamp(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _of_header(entries: Sequence[Entry]) -> Iterator[str]:
    """What the first line says beside its own configuration."""
    headers = of(Header, entries)
    if len(headers) > 1:
        yield "campaign.jsonl says twice what campaign it is"
    for key, path in TWICE.items():
        table, _, name = path.partition(".")
        for header in headers[:1]:
            settings = table_of((header.config or {}).get(table))
            if key in header.raw and name in settings and header.raw[key] != settings[name]:
                here, there = header.raw[key], settings[name]
                yield f"campaign.jsonl:1: {key} is {here!r:.40}, its config has {path} {there!r:.40}"


def _of_attempts(entries: Sequence[Entry]) -> Iterator[str]:
    """Attempts are counted from 1 for each run; a run begins, starts and ends, once each, in this order."""
    order = (RunBegin.TYPE, RunStart.TYPE, RunEnd.TYPE)
    attempts: dict[int, int] = {}
    places: dict[str, list[tuple[str, int]]] = {}
    for entry in entries:
        if isinstance(entry, RunBegin):
            ordinal = entry.ordinal
            attempts[ordinal] = attempts.get(ordinal, 0) + 1
            if entry.attempt != attempts[ordinal]:
                yield f"campaign.jsonl:{entry.seq}: attempt {entry.attempt} of run {ordinal}, "\
                      f"which is its attempt {attempts[ordinal]}"  # fmt: skip
        if isinstance(entry, RunBegin | RunStart | RunEnd):
            places.setdefault(repr(entry.folder), []).append((entry.TYPE, entry.ordinal))
    for folder, told in places.items():
        kinds = [kind for kind, _ in told]
        if len({ordinal for _, ordinal in told}) > 1 or kinds != [kind for kind in order if kind in kinds]:
            yield f"campaign.jsonl has {', '.join(f'{kind} of run {ordinal}' for kind, ordinal in told)} of {folder}"


def _of_preflight(entries: Sequence[Entry]) -> Iterator[str]:
    """Checks of the lab were made before the first run, in form, and none that refused a start was followed by one."""
    refused, is_begun, is_checked = False, False, False
    for entry in entries:
        where = f"campaign.jsonl:{entry.seq}"
        if isinstance(entry, RunBegin):
            if refused:
                yield f"{where}: a run was begun although the preflight before it refused a start"
            refused, is_begun = False, True
        if isinstance(entry, Preflight):
            for reason in entry.reasons:
                yield from _of_form(reason, REASON, f"{where}: reasons")
                if reason.keys() != REASON.keys():
                    yield f"{where}: reasons has {', '.join(reason) or 'nothing'}, expected {', '.join(REASON)}"
            if is_begun and not is_checked:
                yield f"{where}: the lab was first checked after the first run was begun"
            refused, is_checked = any(reason.get("severity") == "refuse" for reason in entry.reasons), True


def _of_notes(notes: Sequence[Entry]) -> Iterator[str]:
    for number, note in enumerate(notes, 1):
        yield from _of_entry(note, "annotations.jsonl", IN_ANNOTATIONS)
        if not isinstance(note, Annotation):
            continue
        empty = [key for key, words in (("operator", note.operator), ("text", note.text)) if not words.strip()]
        if empty:
            yield f"annotations.jsonl:{number}: {', '.join(empty)}: found nothing, expected who noted what"
        if note.exclude is not None and note.run is None:
            yield f"annotations.jsonl:{number}: it excludes without a run"


# --- start documents ---


def _of_run(run: RunFolder) -> Iterator[str]:
    of_start = [*_of_version(run), *_of_names(run), *_of_environment(run), *_of_staged(run), *_of_scenario(run)]
    problems = [*of_start, *_of_streams(run), *_of_events(run), *_of_gaps(run), *_of_end(run)]
    yield from (f"{run.path.name}: {problem}" for problem in problems)


def _of_version(run: RunFolder) -> Iterator[str]:
    """Schema and codec are those of the version that measured, and what it records is there."""
    start, version = run.start, str(run.start.software.get("version"))
    schema, is_first = _schema_of(run), precedes(version, STARTED_BY)
    codecs = {power.codec for power in run.power}
    if is_first != (schema < STARTED) or any(is_first != (codec < STARTED_CODEC) for codec in codecs):
        told = f"schema {schema}, codec {', '.join(map(str, sorted(codecs)))}"
        yield f"it was measured by wattlab {version:.20}, it says, and written in {told}"
    if schema >= STARTED and start.staged is None:
        yield "it does not say what was staged, which every run of its schema does"
    has_command = start.kind == "scenario" and _list(start.scenario_config.get("command")) != []
    if schema >= STARTED and has_command and (start.environment is None or start.on_sut is None):
        yield "it does not say what its command is made of on the SUT, which every run of its schema does"


def _of_names(run: RunFolder) -> Iterator[str]:
    """Uid and ordinal stand in the folder's name too, the operator in the configuration."""
    start = run.start
    if not run.path.name.endswith(f"-r{start.ordinal:02d}-{start.uid}"):
        yield f"its start document says ordinal {start.ordinal}, uid {start.uid!r:.20}"
    operator = table_of(start.config.get("lab")).get("operator", start.operator)
    if start.operator != operator:
        yield f"operator is {start.operator!r:.40}, its config has lab.operator {operator!r:.40}"


def _of_environment(run: RunFolder) -> Iterator[str]:
    """The packages, against their own digest (`harness.measure.material.Inventory`)."""
    environment = run.start.environment or {}
    packages = environment.get("packages")
    listed = [str(one) for one in packages] if isinstance(packages, list) else []
    digest = hashlib.sha256("".join(f"{one}\n" for one in listed).encode()).hexdigest() if listed else None
    if environment and environment.get("sha256") != digest:
        yield f"environment.sha256 is {environment.get('sha256')!r:.20}, its {len(listed)} packages give {digest!r:.20}"


def _of_staged(run: RunFolder) -> Iterator[str]:
    """What was staged, and whether the run folder holds just that of it."""
    if run.start.staged is None:
        return
    kept = {name for name, staged in run.start.staged.items() if staged.get("kept")}
    folder = run.path / WORK
    there = {item.relative_to(folder).as_posix(): item for item in folder.rglob("*") if item.is_file()}
    if odd := sorted(there.keys() - kept):
        yield f"{WORK}/{odd[0]} is a staged file that its start document does not name"
    for name in sorted(there.keys() & kept):
        size, said = there[name].stat().st_size, run.start.staged[name].get("bytes")
        if said != size:
            yield f"staged {name} has {said!r:.20} bytes in its start document, {size} in {WORK}"
    inputs = {item.name for item in (run.path / "inputs").glob("*") if item.is_file()}
    if odd := sorted(inputs - run.start.inputs.keys()):
        yield f"inputs/{odd[0]} is an input that its start document does not name"


def _of_scenario(run: RunFolder) -> Iterator[str]:
    """Name and kind of the scenario, which its configuration has too."""
    told, start = run.start.scenario_config, run.start
    if told.get("name", start.scenario) != start.scenario:
        yield f"it is of the scenario {start.scenario!r:.40}, its scenario_config of {told['name']!r:.40}"
    if told and (start.kind == "baseline") != (told.get("kind") == "baseline"):
        yield f"it is a {start.kind}, its scenario_config is of the kind {told.get('kind')!r:.20}"
    yield from read_declaration(declared_in(told))[1]


def _of_streams(run: RunFolder) -> Iterator[str]:
    """Streams are what lab.toml has instruments for, and files that the stop document counted."""
    meters, ambient = (table_of(run.start.config.get(key)) for key in ("meters", "ambient"))
    recorded = [power.meter for power in run.power]
    if len(set(recorded)) < len(recorded):
        yield "a meter has two streams"
    if run.exit_status == "success" and (lacking := sorted(meters.keys() - set(recorded))):
        yield f"it has no stream of meter {lacking[0]}"
    streams = [descriptor.stream for descriptor in run.indicators]
    if ROOM in streams and not ambient.get("file"):
        yield f"it has {ROOM}, and lab.toml names no thermometer ([ambient] file)"
    if ambient.get("file") and run.exit_status == "success" and ROOM not in streams:
        yield f"lab.toml names a thermometer, and it has no {ROOM}"
    yield from _of_indicators(run)
    if run.stop is None:
        return
    files = {path.name for suffix in ("csv", "log") for path in run.path.glob(f"*.{suffix}")}
    for name in sorted(files ^ run.stop.streams.keys()):
        yield f"{name} is {'no stream of its stop document' if name in files else 'counted, and not there'}"
    for name in sorted(files & run.stop.streams.keys()):
        rows = lines_of(path := run.path / name) - (name.endswith(".csv") and path.stat().st_size > 0)
        if run.stop.streams[name].keys() != COUNTED:
            yield f"{name} is counted by {', '.join(sorted(run.stop.streams[name]))}, expected rows, sha256"
        if run.stop.streams[name].get("rows") != rows:
            yield f"{name} has {rows} rows, its stop document says {run.stop.streams[name].get('rows')!r:.20}"


def _of_indicators(run: RunFolder) -> Iterator[str]:
    """Period and clock of the agent's samples and the room's are those of lab.toml; their columns head the stream."""
    for one in run.indicators:
        table, key, clock = ("ambient", "period_s", "host") if one.stream == ROOM else ("sut", "sample_period_s", "sut")
        period_s = table_of(run.start.config.get(table)).get(key, one.period_s)
        if (one.period_s, one.clock) != (period_s, clock):
            yield f"{one.stream} comes every {one.period_s!r:.20} s by the clock {one.clock!r}, it says; by lab.toml "\
                  f"every {period_s!r:.20} s by the clock {clock!r}"  # fmt: skip
        stamps = ["time_ns"] if clock == "host" else ["sut_ns", "sut_wall_ns"]
        header = ",".join([*stamps, *(str(column.get("name")) for column in one.columns)])
        try:
            with open_plain(run.path / one.stream) as file:
                written = file.readline().removesuffix(b"\n").decode(errors="replace")
        except OSError:
            continue  # a stream that is gone: `bytes` has failed, or it was cut off
        if written and written != header:
            yield f"{one.stream} is headed {written:.60}, its descriptor has {header:.60}"


# --- events ---


def _of_events(run: RunFolder) -> Iterator[str]:
    """Events of the record, each within it, of kinds that a measurement has."""
    end_ns = run.start.time_ns if run.stop is None else run.stop.time_ns
    outside = [one for one in run.events if one.time_ns < run.start.time_ns or (run.stop and one.time_ns > end_ns)]
    if outside and _schema_of(run) >= STARTED:
        yield f"an event is stamped {outside[0].time_ns}, outside its record"
    if odd := [one for one in run.events if isinstance(one, OF_IMPORTS)]:
        yield f"it has a {type(odd[0]).__name__}, which imports alone have"
    edges = [one.edge for one in run.events if isinstance(one, PhaseEvent) and one.name == "rating"]
    if edges not in ([], ["begin"], ["begin", "end"]):
        yield f"its rating interval has the edges {', '.join(edges)}"
    for one in run.events:
        if isinstance(one, ClockEvent) and (one.t0_ns > one.t1_ns or one.time_ns != one.t1_ns):
            yield f"a clock exchange was asked at {one.t0_ns}, answered at {one.t1_ns} and noted at {one.time_ns}"
    clocks = [(run.start.boot_ns, run.start.time_ns)]
    clocks += [(one.host_boot_ns, one.t1_ns) for one in run.events if isinstance(one, ClockEvent)]
    if any(boot_ns is not None and boot_ns < at_ns - BOOT_NS for boot_ns, at_ns in clocks):
        yield "the host's boot clock lies behind its monotonic one"


def _of_gaps(run: RunFolder) -> Iterator[str]:
    """A gap is one of a stream that is there, and no reading lies in it."""
    streams = {power.stream for power in run.power}
    gaps = [one for one in run.events if isinstance(one, GapEvent)]
    for name in sorted({gap.stream for gap in gaps}):
        own = [gap for gap in gaps if gap.stream == name]
        if name not in streams or any(not run.start.time_ns <= gap.from_ns <= gap.to_ns for gap in own):
            yield f"a gap of {name!r:.60} is one of no stream, or not within its record"
            continue
        ends = sorted((gap.from_ns, gap.to_ns) for gap in own)
        begins, latest = [begin for begin, _ in ends], list(accumulate((end for _, end in ends), max))
        try:
            with open_plain(run.path / name) as file:
                stamps = (int(row.split(b",", 1)[0]) for row in islice(file, 1, None) if row.endswith(b"\n"))
                is_read = any((at := bisect_left(begins, stamp)) and stamp < latest[at - 1] for stamp in stamps)
        except (OSError, ValueError):
            continue  # `bytes` or `wire` has failed
        if is_read:
            yield f"readings of {name} lie in a gap of it"


def _of_end(run: RunFolder) -> Iterator[str]:
    """How it ended, and why, say the same."""
    if run.stop is None:
        return
    if run.stop.time_ns < run.start.time_ns:
        yield f"it ended at {run.stop.time_ns}, before it began at {run.start.time_ns}"
    if (run.stop.reason is None) != (run.stop.exit_status == "success"):
        yield f"it ended with {run.stop.exit_status}, its reason is {run.stop.reason!r:.60}"
    codes = [one.exit_code for one in run.events if isinstance(one, PhaseEvent) and one.exit_code not in (None, 0)]
    if codes and run.stop.exit_status == "success":
        yield f"it ended with success, its command with exit code {codes[0]}"


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
