"""OSCAR measurements (DE-UZ 215): power, actions and hardware files of each scenario -> one run folder per test run.

Knows which files belong to a scenario (their names, or oscar.toml), and how power, test runs and hardware indicators of
one scenario go together. Knows no form of a file (oscar_power, oscar_actions, collectl, perfmon), no run folder
(imported.py) and no energy. docs/importing.md is the page on it.

Decisions
- The scenario named `baseline` becomes baseline blocks; every other name a scenario; each startTestrun/stopTestrun
  pair one run.
- A run that the power file does not cover is refused.
- Action logs and collectl's stamps are the SUT's local time. Stamps that are UTC (GUDE's, collectl's `#UTC`) are moved
  by `utc_offset_h` of oscar.toml, else by what the hardware file says of its time zone, else not at all; which it was
  is said.
"""

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from harness.foreign.importers.grouping import Grouping, placed
from harness.foreign.importers.imported import MARGIN_S, ZONE_NOTE, ImportedRun, OnProgress, Summary, write_campaign
from harness.foreign.importers.oscar.actions import Actions, TestRun, read_actions
from harness.foreign.importers.oscar.collectl import COLLECTL, Hardware, read_collectl
from harness.foreign.importers.oscar.kinds import require_kind
from harness.foreign.importers.oscar.perfmon import read_perfmon
from harness.foreign.importers.oscar.power import Power, read_power
from harness.foreign.importers.remarks import Remark, listed
from harness.foreign.importers.source import SourceFile, read_source
from harness.foreign.importers.stamps import SECOND_NS, Stamps, moment_of
from harness.record.documents import (
    ActionEvent,
    Event,
    IndicatorDescriptor,
    Json,
    NoteEvent,
    PhaseEvent,
    PowerDescriptor,
)
from harness.record.errors import ImportFileError, why

ROLES = ("power", "actions", "hardware")
SCENARIO_KEYS = (*ROLES, "utc_offset_h")
METER_KEYS = ("maker", "model", "serial", "firmware", "stamp", "window_s")
FARTHEST_H = 14.0
"""No clock on earth is farther from UTC."""
COVER_S = 2
"""A run may begin or end so many seconds outside the power data before it counts as not covered."""
_NAME = re.compile(r"(.+)-(?:(power|actions|hardware)\.csv(?:\.gz)?|hardware(?:\.csv)?(?:-.+)?\.tab(?:\.gz)?)")
"""`sus-power.csv`; collectl adds host and day to the name it is given: `sus-hardware.csv-pc7-20240603.tab.gz`."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one scenario; `utc_offset_h` shifts stamps that are UTC to the actions' local time, None: not
    stated."""

    power: Path
    actions: Path
    hardware: tuple[Path, ...]
    utc_offset_h: float | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """What is imported of a folder: scenario name -> files, and what oscar.toml says of meter, SUT and columns."""

    folder: Path
    scenarios: dict[str, Files]
    meter: Json = field(default_factory=dict)
    sut: Json = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One scenario as read: power and hardware on the actions' clock, and what has to be said of its files."""

    power: Power
    actions: Actions
    hardware: Hardware | None
    remarks: tuple[Remark, ...]

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """Every file of it."""
        return (self.power.source, self.actions.source, *(self.hardware.sources if self.hardware else ()))


def import_oscar(
    folder: Path, campaign: Path, *, grouping: Grouping | None = None, on_progress: OnProgress | None = None
) -> Summary:
    """Import every scenario of `folder` into a new campaign; with a grouping also those of folders below.

    Raises:
        ImportFileError: a file is missing, damaged, of another kind, or does not cover a run; with file and line.
        RunFolderError: the campaign exists already.
    """
    grouping = grouping or Grouping()
    layouts = [find_layout(folder)] if grouping.how is None else _layouts_below(folder)
    runs: list[ImportedRun] = []
    units: list[Path] = []
    remarks = [f"{MARGIN_S} s of readings are kept on either side of every run", ZONE_NOTE]
    for layout, name, files in ((one, name, files) for one in layouts for name, files in one.scenarios.items()):
        measurement = read_scenario(files, layout)
        found = _scenario_runs(name, measurement, layout)
        runs += found
        units += [layout.folder / name] * len(found)
        remarks += map(str, measurement.remarks)
    runs, left_out = placed(runs, units, grouping)
    return write_campaign(campaign, "oscar", runs, [*dict.fromkeys(remarks), *left_out], on_progress)


def _layouts_below(folder: Path) -> list[Layout]:
    """What is in a folder and in those below it."""
    below = [path for path in sorted(folder.rglob("*")) if path.is_dir() and _has_files(path)]
    own = [folder] if _has_files(folder) or not below else []
    return [find_layout(path) for path in (*own, *below)]


def _has_files(folder: Path) -> bool:
    """Whether files of a measurement lie in a folder itself."""
    return any(path.name == "oscar.toml" or _NAME.fullmatch(path.name) for path in folder.iterdir())


def find_layout(folder: Path) -> Layout:
    """Which files belong to which scenario: oscar.toml where there is one, else the file names.

    Raises:
        ImportFileError: nothing to import, a scenario without its files, an oscar.toml that cannot be read.
    """
    if not folder.is_dir():
        raise ImportFileError(f"{folder}: no such folder; name the one with <scenario>-{{power,actions,hardware}}.csv")
    if (folder / "oscar.toml").is_file():
        return _layout_from_toml(folder / "oscar.toml")
    named: dict[str, dict[str, list[Path]]] = {}
    for path in sorted(folder.iterdir()):
        if match := _NAME.fullmatch(path.name):
            named.setdefault(match[1], {}).setdefault(match[2] or "hardware", []).append(path)
    if not named:
        below = [path.name for path in sorted(folder.iterdir()) if path.is_dir() and _has_files(path)]
        remedy = "name the files so, or write an oscar.toml, docs/importing.md"
        if below:
            remedy = f"but in {listed(below)}: name one of them, or say with --group which belong together"
        raise ImportFileError(f"{folder}: no <scenario>-power.csv[.gz] and no oscar.toml in it; {remedy}")
    return Layout(folder, {name: _complete(folder, name, roles) for name, roles in named.items()})


def _complete(where: Path, name: str, roles: Mapping[str, Sequence[Path]], utc_offset_h: float | None = None) -> Files:
    for role, paths in roles.items():
        if len(paths) > 1 and not (role == "hardware" and all(".tab" in path.suffixes for path in paths)):
            raise ImportFileError(f"{paths[1]}: {paths[0].name} is there too; keep one of them")
    for role in ("power", "actions"):
        if not roles.get(role):
            raise ImportFileError(f"{where}: scenario {name!r} has no {role} file ({name}-{role}.csv or .csv.gz)")
    return Files(roles["power"][0], roles["actions"][0], tuple(roles.get("hardware", ())), utc_offset_h)


def _layout_from_toml(path: Path) -> Layout:
    try:
        raw = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ImportFileError(f"{path}: cannot be read: {why(error)}") from None
    tables = {key: raw.pop(key, {}) for key in ("scenarios", "meter", "sut", "columns")}
    if raw or not all(isinstance(table, dict) for table in tables.values()) or not tables["scenarios"]:
        raise ImportFileError(
            f"{path}: expected tables [scenarios.NAME] ({', '.join(SCENARIO_KEYS)}), [meter], [sut] and [columns]; "
            f"found also {sorted(raw) or 'no scenarios'}"
        )
    scenarios = {name: _files_of(path, name, entry) for name, entry in tables["scenarios"].items()}
    return Layout(
        path.parent, scenarios, _meter_of(path, tables["meter"]), _plain(path, "sut", tables["sut"]),
        _columns_of(path, tables["columns"]),
    )  # fmt: skip


def _files_of(path: Path, name: str, entry: object) -> Files:
    """One table [scenarios.NAME]."""
    if not isinstance(entry, dict) or not set(entry) <= set(SCENARIO_KEYS):
        odd = sorted(set(entry) - set(SCENARIO_KEYS)) if isinstance(entry, dict) else entry
        raise ImportFileError(
            f"{path}: scenarios.{name}: expected the keys {', '.join(SCENARIO_KEYS)}; found {odd!r:.60}"
        )
    roles: dict[str, list[Path]] = {}
    for role in ROLES:
        told = entry.get(role, [])
        names = [told] if isinstance(told, str) else told
        if not isinstance(names, list) or not all(isinstance(one, str) and one for one in names):
            raise ImportFileError(f"{path}: scenarios.{name}.{role}: found {told!r:.60}, expected a file's name")
        if len(names) > 1 and role != "hardware":
            raise ImportFileError(f"{path}: scenarios.{name}.{role}: several files; only hardware may be a list")
        roles[role] = [path.parent / one for one in names]
    offset_h = entry.get("utc_offset_h")
    if offset_h is not None and not (_is_number(offset_h) and abs(offset_h) <= FARTHEST_H):
        raise ImportFileError(
            f"{path}: scenarios.{name}.utc_offset_h: found {offset_h!r:.40}, expected hours that the actions' clock is "
            f"ahead of UTC, from -{FARTHEST_H:g} to {FARTHEST_H:g}"
        )
    files = _complete(path, name, {role: paths[:1] if role != "hardware" else [] for role, paths in roles.items()})
    return replace(files, hardware=tuple(roles["hardware"]), utc_offset_h=None if offset_h is None else float(offset_h))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _meter_of(path: Path, meter: Mapping[str, Any]) -> Json:
    """The table [meter]."""
    for key, value in meter.items():
        if key not in METER_KEYS:
            raise ImportFileError(f"{path}: meter.{key}: unknown key; expected one of {', '.join(sorted(METER_KEYS))}")
        if key == "stamp" and value not in ("end", "start", "unknown"):
            raise ImportFileError(f"{path}: meter.stamp: found {value!r:.40}, expected 'end', 'start' or 'unknown'")
        if key == "window_s" and not (_is_number(value) and 0 < value <= 3600):
            raise ImportFileError(f"{path}: meter.window_s: found {value!r:.40}, expected seconds above 0")
        if key != "window_s" and not isinstance(value, str):
            raise ImportFileError(f"{path}: meter.{key}: found {value!r:.40}, expected a text in quotes")
    return dict(meter)


def _plain(path: Path, where: str, value: Any) -> Any:  # noqa: ANN401  decoded TOML
    """The value, where JSON knows its like: TOML has dates and infinite numbers too."""
    if isinstance(value, date | time) or (isinstance(value, float) and not math.isfinite(value)):
        raise ImportFileError(f"{path}: {where}: found {value}, expected a text in quotes")
    if isinstance(value, dict):
        return {key: _plain(path, f"{where}.{key}", one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(path, where, one) for one in value]
    return value


def _columns_of(path: Path, columns: Mapping[str, Any]) -> dict[str, str]:
    """The table [columns]: collectl's column -> what the hardware files call it."""
    for key, value in columns.items():
        if key not in COLLECTL or not isinstance(value, str) or not value:
            raise ImportFileError(
                f"{path}: columns.{key}: found {value!r:.40}; expected one of {', '.join(COLLECTL)} = the name that it "
                "has in the hardware files"
            )
    return dict(columns)


def read_scenario(files: Files, layout: Layout) -> Measurement:
    """Read the files of one scenario and put them on one clock.

    Raises:
        ImportFileError: a file is missing, damaged or of another kind.
    """
    power_source, actions_source = read_source(files.power, partial=True), read_source(files.actions)
    require_kind(power_source, "power")
    require_kind(actions_source, "actions")
    power, actions = read_power(power_source), read_actions(actions_source)
    parts = [_read_hardware(path, layout.columns) for path in files.hardware]
    hardware = _joined(parts) if parts else None
    offset_h, said = _offset_h(files, power, hardware)
    shift_ns = round(offset_h * 3600) * SECOND_NS
    if power.is_utc:
        power = replace(power, times_ns=power.times_ns + shift_ns)
    if hardware is not None and hardware.is_utc:
        hardware = replace(hardware, times_ns=hardware.times_ns + shift_ns)
    remarks = [*power.remarks, *actions.remarks, *(hardware.remarks if hardware else ()), *said]
    return Measurement(power, actions, hardware, (*remarks, *_absent(hardware)))


def _read_hardware(path: Path, columns: Mapping[str, str]) -> Hardware:
    source = read_source(path, partial=True)
    is_collectl = require_kind(source, "hardware", columns) == "hardware-collectl"
    return read_collectl(source, columns) if is_collectl else read_perfmon(source)


def _joined(parts: Sequence[Hardware]) -> Hardware:
    """Several files of one recording (collectl begins a new one at midnight), one after the other."""
    parts = sorted(parts, key=lambda part: int(part.times_ns[0]))
    first = parts[0]
    for before, after in pairwise(parts):
        path = after.sources[0].path
        if after.columns.keys() != first.columns.keys() or after.is_utc != first.is_utc:
            raise ImportFileError(
                f"{path}:1: other columns than in {first.sources[0].path.name}; leave one of them out"
            )
        if after.times_ns[0] < before.times_ns[-1]:
            raise ImportFileError(
                f"{path}:1: begins at {moment_of(int(after.times_ns[0]))}, before {before.sources[0].path.name} ends; "
                "leave one of both out"
            )
    return replace(
        first,
        sources=tuple(source for part in parts for source in part.sources),
        times_ns=np.concatenate([part.times_ns for part in parts]),
        columns={name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns},
        remarks=tuple(remark for part in parts for remark in part.remarks),
    )


def _offset_h(files: Files, power: Power, hardware: Hardware | None) -> tuple[float, list[Remark]]:
    """By how many hours stamps that are UTC are moved, and who says so."""
    utc = power.source if power.is_utc else hardware.sources[0] if hardware and hardware.is_utc else None
    stated, told = files.utc_offset_h, hardware.offset_h if hardware else None
    if utc is None:
        words = "utc_offset_h of oscar.toml moves stamps that are UTC only, and here are none; nothing was moved"
        return 0.0, [Remark("utc-offset", power.source, 0, words)] if stated else []
    if stated is not None:
        words = f"the machine's clock was {told or 0:+g} h from UTC, oscar.toml says {stated:+g} h; moved by the latter"
        odd = hardware is not None and told not in (None, stated)
        return stated, [Remark("utc-offset", hardware.sources[0], 0, words)] if hardware is not None and odd else []
    if told is not None and hardware is not None:
        words = f"its stamps are UTC; moved by {told:+g} h, which {hardware.sources[0].path.name} says of its machine"
        return told, [Remark("utc-offset", utc, 0, words)]
    words = "its stamps are UTC, and nothing says how far the actions' clock is from it: taken as 0 h (utc_offset_h)"
    return 0.0, [Remark("utc-offset", utc, 0, words)]


def _absent(hardware: Hardware | None) -> list[Remark]:
    """What of the six indicators a hardware file does not hold."""
    if hardware is None:
        return []
    absent = [name for name, one in COLLECTL.items() if one.name not in hardware.columns]
    words = f"without {', '.join(absent)}: not recorded"
    return [Remark("hardware-partial", hardware.sources[0], 0, words)] if absent else []


def _scenario_runs(name: str, measured: Measurement, layout: Layout) -> list[ImportedRun]:
    """One run for each test run; what has to be said of the files is said of the last one."""
    runs = []
    for repetition, test_run in enumerate(measured.actions.runs, 1):
        _require_cover(test_run, measured.actions.source, measured.power)
        streams: list[tuple[PowerDescriptor | IndicatorDescriptor, bytes]] = [
            _power_stream(test_run, measured.power, layout.meter)
        ]
        if measured.hardware is not None and (stream := _hardware_stream(test_run, measured.hardware)):
            streams.append(stream)
        said = measured.remarks if test_run is measured.actions.runs[-1] else ()
        runs.append(
            ImportedRun(
                kind="baseline" if name == "baseline" else "scenario",
                scenario=name,
                repetition=repetition,
                begin_ns=test_run.begin_ns,
                end_ns=test_run.end_ns,
                streams=tuple(streams),
                events=tuple(_events(test_run, said, has_hardware=len(streams) > 1)),
                files=measured.sources,
                note=f"{ZONE_NOTE}; rows of the run and {MARGIN_S} s on either side of it; test run at line "
                f"{test_run.line} of {measured.actions.source.path.name}",
                sut=layout.sut,
            )
        )
    return runs


def _require_cover(test_run: TestRun, actions: SourceFile, power: Power) -> None:
    """The power data reaches over the run, up to COVER_S at either end."""
    if _covers(power.times_ns, test_run):
        return
    offset_h = next((h for h in _offsets_h() if _covers(power.times_ns + round(h * 3600) * SECOND_NS, test_run)), None)
    remedy = "are files swapped, is one cut off, or do the clocks differ?"
    if power.is_utc and offset_h is not None:
        remedy = (
            f"its stamps are UTC, and moved by {offset_h:+g} h they would cover it; if the actions' clock is so far "
            "ahead of UTC, say so in oscar.toml (utc_offset_h)"
        )
    raise ImportFileError(
        f"{actions.path}:{test_run.line}: the test run {moment_of(test_run.begin_ns)} to {moment_of(test_run.end_ns)} "
        f"is not covered by {power.source.path}, which reaches from {moment_of(int(power.times_ns[0]))} to "
        f"{moment_of(int(power.times_ns[-1]))}; {remedy}"
    )


def _offsets_h() -> list[float]:
    """Every half hour that a clock may be from UTC, the nearest first."""
    return sorted((half / 2 for half in range(-24, 29)), key=abs)


def _covers(times_ns: Stamps, test_run: TestRun) -> bool:
    slack = COVER_S * SECOND_NS
    first, last = np.searchsorted(times_ns, [test_run.begin_ns - slack, test_run.end_ns + slack])
    inside = times_ns[first:last]
    return bool(inside.size and inside[0] <= test_run.begin_ns + slack and inside[-1] >= test_run.end_ns - slack)


def _slice(times_ns: Stamps, test_run: TestRun) -> slice:
    edges = [test_run.begin_ns - MARGIN_S * SECOND_NS, test_run.end_ns + MARGIN_S * SECOND_NS]
    return slice(int(np.searchsorted(times_ns, edges[0])), int(np.searchsorted(times_ns, edges[1], side="right")))


def _power_stream(test_run: TestRun, power: Power, meter: Json) -> tuple[PowerDescriptor, bytes]:
    window_s = float(meter.get("window_s", 1.0)) if power.averaging == "window" else 0.0
    identity: dict[str, Any] = {
        "maker": meter.get("maker", ""), "model": meter.get("model", power.title), "serial": meter.get("serial", ""),
        "firmware": meter.get("firmware", ""), "driver": power.driver,
    }  # fmt: skip
    descriptor = PowerDescriptor(
        stream="readings-wall.csv", meter="wall", circuit="sut-ac-inlet", identity=identity, origin="imported",
        evidence={"file": power.source.path.name, "sha256": power.source.sha256}, averaging=power.averaging,
        window_s=window_s, stamp=meter.get("stamp", "unknown" if power.averaging == "window" else "end"), latency_s=0.0,
        columns=[{"name": "power_w", "unit": "W", "resolution": power.resolution_w, "range": None, "accuracy": None}],
    )  # fmt: skip
    rows = _slice(power.times_ns, test_run)
    pairs = zip(power.times_ns[rows].tolist(), power.power_w[rows].tolist(), strict=True)
    lines = [
        f"{time_ns},,{window_s!r},nan\n" if math.isnan(power_w) else f"{time_ns},{power_w!r},{window_s!r},\n"
        for time_ns, power_w in pairs
    ]
    return descriptor, ("time_ns,power_w,window_s,flags\n" + "".join(lines)).encode()


def _hardware_stream(test_run: TestRun, hardware: Hardware) -> tuple[IndicatorDescriptor, bytes] | None:
    rows = _slice(hardware.times_ns, test_run)
    if rows.start == rows.stop:
        return None
    columns = [
        {"name": one.name, "unit": one.unit, "quantity": one.quantity, "method": hardware.methods[one.name],
         "kind": "gauge"}
        for one in hardware.indicators
    ]  # fmt: skip
    descriptor = IndicatorDescriptor(
        stream="samples-agent.csv", period_s=hardware.period_s, clock="source-wall", columns=columns
    )
    table = [
        hardware.times_ns[rows].tolist(),
        *(hardware.columns[one.name][rows].tolist() for one in hardware.indicators),
    ]
    lines = [",".join("" if cell != cell else repr(cell) for cell in row) + "\n" for row in zip(*table, strict=True)]
    header = ",".join(["time_ns", *(one.name for one in hardware.indicators)])
    return descriptor, (header + "\n" + "".join(lines)).encode()


def _events(test_run: TestRun, remarks: Sequence[Remark], *, has_hardware: bool) -> list[Event]:
    edges: list[Event] = []
    for name, index, begin_ns, end_ns in test_run.actions:
        edges.append(ActionEvent(time_ns=begin_ns, name=name, index=index, edge="begin"))
        edges.append(ActionEvent(time_ns=end_ns, name=name, index=index, edge="end"))
    events: list[Event] = [
        PhaseEvent(time_ns=test_run.begin_ns, name="rating", edge="begin"),
        *sorted(edges, key=lambda event: event.time_ns),
        PhaseEvent(time_ns=test_run.end_ns, name="rating", edge="end"),
    ]
    if not has_hardware:
        text = "no hardware indicators were recorded over this run"
        events.append(NoteEvent(time_ns=test_run.end_ns, code="hardware-missing", text=text))
    events += [NoteEvent(time_ns=test_run.end_ns, code=remark.code, text=remark.note) for remark in remarks]
    return events
