"""A campaign -> OSCAR files (DE-UZ 215): power, actions and hardware of each scenario, in the forms of formats.md.

Knows the forms, and how runs with stamps in nanoseconds become rows with stamps in whole seconds. Knows no statistics:
which runs enter the means is what results.json says.

Decisions
- Power in KEcoLab's form: it asks for the mean of each second only. GridVis' form also has least and greatest value of
  the second, which a meter read once a second does not give.
- Actions with unpadded month and unpadded milliseconds, hardware with BOM and CRLF, as OSCAR's own tools write them.
- Stamps are UTC (of an import: the source's wall clock). OSCAR counts whole seconds: the rows of a run are moved
  together by less than a second onto whole ones, and its actions with them. Which rows come at or after a begin never
  changes; so its rule, the first N rows with t >= startTestrun, gives the same sum of the same rows.
- A meter that does not read once a second, and several meters at once, give rows of one second each by exact overlap.
- Power is what the analysis uses: a certificate's known error is off. Runs that enter no mean are left out, and named.
- An action inside another is left out (OSCAR's tools know no nesting), and named.
- Hardware in collectl's own units: KB is 1024 byte, disk and network are per second, [MEM]Used is total - free. What
  was not recorded as such is no column, and named: psutil's `used`, say, is another quantity.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json, PowerDescriptor
from harness.record.errors import ExportError
from reports.campaign.analyse import analyse
from reports.energy.energy import power_function, summed
from reports.energy.hardware import AMOUNTS, OLD_MEMORY, recorded_unit
from reports.energy.oscar import RULE
from reports.readings.series import Indicators, RunSeries, read_run
from reports.results.header import CampaignHeader

SECOND_NS, MILLI_NS = 1_000_000_000, 1_000_000
MARGIN_S = 5
"""Rows kept before and after a run's interval."""
STEADY = 0.1
"""Rows count as one a second when their median distance is within 10 % of it."""
COLUMNS = {
    "[CPU]Totl%": ("cpu_percent",), "[MEM]Used": ("ram_not_free_kib", OLD_MEMORY),
    "[NET]RxKBTot": ("net_received_kib_per_s", "net_received_kb"),
    "[NET]TxKBTot": ("net_sent_kib_per_s", "net_sent_kb"),
    "[DSK]ReadKBTot": ("disk_read_kib_per_s", "disk_read_kb"),
    "[DSK]WriteKBTot": ("disk_write_kib_per_s", "disk_write_kb"),
}  # fmt: skip
"""collectl's column -> our indicators that are the same quantity."""
KB_PER_KIB = 1.024
Times = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and what was left out and why."""

    folder: Path
    runs: dict[str, int]
    remarks: tuple[str, ...]

    def __str__(self) -> str:
        """For the terminal."""
        counts = ", ".join(f"{name} {count}" for name, count in self.runs.items())
        lines = [f"Wrote {sum(self.runs.values())} runs to {self.folder}: {counts}.", f"Window rule: {RULE}."]
        return "\n".join([*lines, *(f"  {remark}" for remark in self.remarks)])


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one file: whole-second stamps (ns, rising) and values, shape (n,) or (n, k)."""

    times_ns: Times
    values: Floats


@dataclass(frozen=True, slots=True)
class ExportedRun:
    """One run on the wall clock: interval and actions as (text, begin, end) in ms steps, its rows."""

    begin_ns: int
    end_ns: int
    actions: tuple[tuple[str, int, int], ...]
    power: Rows
    hardware: Rows | None
    decimals: int


@dataclass(slots=True)
class _Log:
    """What was left out, each remark once."""

    remarks: dict[str, None] = field(default_factory=dict)

    def note(self, text: str) -> None:
        self.remarks.setdefault(text)


def export_oscar(campaign: Path, folder: Path) -> Exported:
    """Write `<scenario>-{power,actions,hardware}.csv`, oscar.toml and README.txt into a new folder.

    Raises:
        ExportError: the folder exists, no run enters a mean, or the runs of a scenario overlap in time.
        LabError: the campaign cannot be read.
    """
    numbers = analyse(campaign).numbers
    if folder.exists():
        raise ExportError(f"{folder}: exists already; choose another name for --into")
    log = _Log()
    runs = {run.path.name: run for run in CampaignFolder(campaign).runs()}
    grouped: dict[str, list[RunSeries]] = {}
    for run in numbers.runs:
        if run.included:
            grouped.setdefault(run.scenario, []).append(read_run(runs[run.folder]))
        else:
            log.note(f"left out: run {run.ordinal} ({run.scenario}), {run.excluded_because}")
    if not grouped:
        raise ExportError(f"{campaign}: no run enters a mean, so there is nothing to export; see `wattlab report`")
    files: dict[str, bytes] = {}
    named = _stems(grouped)
    for name, members in grouped.items():
        columns = _columns_of(name, members, log)
        files |= _scenario_files(named[name], [_exported(one, columns, log) for one in members], columns, log)
    first = next(iter(grouped.values()))[0]
    files["oscar.toml"] = _layout(named, files, first).encode()
    files["README.txt"] = _readme(numbers.campaign, first, log).encode()
    _write(folder, files)
    return Exported(folder, {name: len(members) for name, members in grouped.items()}, tuple(log.remarks))


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True)
        for name, content in files.items():
            with (folder / name).open("xb") as file:
                file.write(content)
    except OSError as error:
        raise ExportError(f"{folder}: cannot write ({error.strerror}); free space or choose another folder") from None


def _stems(names: Mapping[str, object]) -> dict[str, str]:
    """Scenario -> the beginning of its files' names: plain characters only, no two alike."""
    stems: dict[str, str] = {}
    for name in names:
        stem = re.sub(r"[^A-Za-z0-9_.-]", "_", name).lstrip(".") or "scenario"
        while stem in stems.values():
            stem += "_"
        stems[name] = stem
    return stems


def _columns_of(scenario: str, members: Sequence[RunSeries], log: _Log) -> tuple[str, ...]:
    """Which of collectl's columns every run of a scenario has; the others are named."""
    recorded = [_as_collectl(one.indicators) if one.indicators else {} for one in members]
    columns = tuple(name for name in COLUMNS if all(name in one for one in recorded))
    absent = [name for name in COLUMNS if name not in columns]
    if absent:
        what = "no hardware file" if not columns else "a hardware file without a part"
        log.note(f"{what} of {scenario}: not recorded as collectl counts it: {', '.join(absent)}")
    return columns


def _as_collectl(indicators: Indicators) -> dict[str, Floats]:
    """Indicators in collectl's quantities and units, by its columns."""
    told = {str(column.get("name")): column for column in indicators.descriptor.columns}
    found: dict[str, Floats] = {}
    for column, names in COLUMNS.items():
        name = next((one for one in names if one in indicators.names), None)
        if name is None or (name == OLD_MEMORY and not str(told[name].get("method", "")).startswith("collectl ")):
            continue
        values = indicators.columns[name]
        if name in AMOUNTS:
            values = values / indicators.descriptor.period_s
        found[column] = values / KB_PER_KIB if recorded_unit(told[name]) == "kB" else values
    return found


def _exported(series: RunSeries, columns: Sequence[str], log: _Log) -> ExportedRun:
    """One run: rows onto whole seconds, everything else moved with them."""
    assert series.begin_ns is not None
    assert series.end_ns is not None
    ahead_ns = _wall_ahead_ns(series)
    times_ns, power_w = _readings(series)
    kept = _near(times_ns, series.begin_ns, series.end_ns)
    times_ns, power_w = times_ns[kept] + ahead_ns, power_w[kept]
    begin_ns, end_ns = series.begin_ns + ahead_ns, series.end_ns + ahead_ns
    seconds_ns = whole_seconds(times_ns)
    begin = moved(begin_ns, times_ns, seconds_ns)
    length_ns = _up(end_ns - begin_ns, MILLI_NS)
    offset_ns = ahead_ns + begin - begin_ns
    actions = tuple(
        (text, max(begin, _up(from_ns + offset_ns, MILLI_NS)), min(begin + length_ns, _up(to_ns + offset_ns, MILLI_NS)))
        for text, from_ns, to_ns in _flat_actions(series, log)
    )
    hardware = _hardware(series, columns, ahead_ns, begin_ns, begin, log) if columns else None
    decimals = max(_decimals(part.descriptor) for part in series.parts)
    return ExportedRun(begin, begin + length_ns, actions, Rows(seconds_ns, power_w), hardware, decimals)


def _wall_ahead_ns(series: RunSeries) -> int:
    """What is added to a time of the run's base to get wall time (UTC, or the source's), in ns since 1970."""
    start = series.run.start
    if start.time_base == "source-wall":
        return 0
    moment = datetime.fromisoformat(start.utc)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1000 - start.time_ns


def _readings(series: RunSeries) -> tuple[Times, Floats]:
    """Time and power of every row: as read where it is one a second, else one second each by exact overlap."""
    parts = series.parts
    if len(parts) == 1 and _is_steady(parts[0].times_ns):
        return parts[0].times_ns, parts[0].power_w
    assert series.begin_ns is not None
    function = summed([power_function(part) for part in parts])
    first_ns = max(int(part.times_ns[0]) for part in parts)
    last_ns = min(int(part.times_ns[-1]) for part in parts)
    before = max((series.begin_ns - first_ns) // SECOND_NS, 0)
    ends_ns = np.arange(series.begin_ns - before * SECOND_NS, last_ns + 1, SECOND_NS, dtype=np.int64)[1:]
    return ends_ns, function.energy_j(ends_ns - SECOND_NS, ends_ns)


def _is_steady(times_ns: Times) -> bool:
    return times_ns.size > 1 and abs(float(np.median(np.diff(times_ns))) / SECOND_NS - 1) <= STEADY


def _near(times_ns: Times, begin_ns: int, end_ns: int) -> slice:
    edges = [begin_ns - MARGIN_S * SECOND_NS, end_ns + MARGIN_S * SECOND_NS]
    return slice(int(np.searchsorted(times_ns, edges[0])), int(np.searchsorted(times_ns, edges[1], side="right")))


def whole_seconds(times_ns: Times) -> Times:
    """Rows about a second apart -> whole seconds, strictly rising: moved by one amount, then each to the nearest."""
    if not times_ns.size:
        return times_ns
    away = np.angle(np.mean(np.exp(2j * np.pi * (times_ns % SECOND_NS) / SECOND_NS))) / (2 * np.pi)
    nearest = np.rint((times_ns - round(away * SECOND_NS)) / SECOND_NS).astype(np.int64)
    rising = np.maximum.accumulate(nearest - np.arange(nearest.size)) + np.arange(nearest.size)
    return np.asarray(rising * SECOND_NS)


def moved(time_ns: int, rows_ns: Times, seconds_ns: Times) -> int:
    """Where a time goes when rows go to `seconds_ns`: as long before the next row as it was, in whole ms, and never
    onto or before the row it came after."""
    place = int(np.searchsorted(rows_ns, time_ns))
    if place == rows_ns.size:
        return _up(time_ns + int(seconds_ns[-1] - rows_ns[-1]), MILLI_NS)
    to_next_ns = (int(rows_ns[place]) - time_ns) // MILLI_NS * MILLI_NS
    least_ns = int(seconds_ns[place - 1]) + MILLI_NS if place else 0
    return max(int(seconds_ns[place]) - to_next_ns, least_ns)


def _up(value_ns: int, step_ns: int) -> int:
    return -(-value_ns // step_ns) * step_ns


def _flat_actions(series: RunSeries, log: _Log) -> Iterator[tuple[str, int, int]]:
    """Actions that lie in no other, in order; those in others, or beside the interval, are named in the log."""
    reached_ns = series.begin_ns or 0
    for action in sorted(series.actions, key=lambda one: (one.begin_ns, -one.end_ns)):
        if action.begin_ns < reached_ns or action.end_ns > (series.end_ns or 0):
            log.note(f"left out: action {_text(action.name)} ({series.run.start.scenario}), inside another or a gap")
            continue
        reached_ns = action.end_ns
        yield _text(action.name), action.begin_ns, action.end_ns


def _text(name: str) -> str:
    """A name on one line, without the separator."""
    return " ".join(re.sub(r"[;\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", name).split()) or "action"


def _hardware(
    series: RunSeries, columns: Sequence[str], ahead_ns: int, begin_ns: int, begin: int, log: _Log
) -> Rows | None:
    """These of collectl's columns; None, with a remark, where the run has no row."""
    found = series.indicators
    assert found is not None
    recorded = _as_collectl(found)
    table = np.column_stack([recorded[name] for name in columns])
    known = np.isfinite(table).all(axis=1)
    times_ns, table = found.times_ns[known] + ahead_ns, table[known]
    kept = _near(times_ns, begin_ns, begin_ns + (series.end_ns or 0) - (series.begin_ns or 0))
    times_ns, table = times_ns[kept] + (begin - begin_ns), table[kept]
    if not times_ns.size:
        log.note(f"no hardware rows of run {series.run.start.ordinal}")
        return None
    if not _is_steady(times_ns):
        return _per_second(times_ns, table)
    return Rows(_on_seconds(times_ns, begin), table)


def _on_seconds(times_ns: Times, begin: int) -> Times:
    """Whole seconds, strictly rising, so that a row comes at or after `begin` where it did before: the next second for
    all, or the one before for all."""
    for towards in (np.ceil, np.floor):
        seconds = towards(times_ns / SECOND_NS).astype(np.int64)
        seconds = np.maximum.accumulate(seconds - np.arange(seconds.size)) + np.arange(seconds.size)
        if np.array_equal(seconds * SECOND_NS >= begin, times_ns >= begin):
            break
    return np.asarray(seconds * SECOND_NS)


def _per_second(times_ns: Times, table: Floats) -> Rows:
    """Means over each second."""
    second = -(-times_ns // SECOND_NS)
    stamps, place = np.unique(second, return_inverse=True)
    totals = np.zeros((stamps.size, table.shape[1]))
    np.add.at(totals, place, table)
    return Rows(stamps * SECOND_NS, totals / np.bincount(place)[:, None])


def _decimals(descriptor: PowerDescriptor) -> int:
    """Decimals that show the meter's resolution."""
    steps = [column.get("resolution") for column in descriptor.columns if column.get("name") == "power_w"]
    step = next((float(one) for one in steps if isinstance(one, int | float) and one > 0), 1.0)
    return max(0, round(-math.log10(step)))


def _scenario_files(stem: str, runs: Sequence[ExportedRun], columns: Sequence[str], log: _Log) -> dict[str, bytes]:
    ordered = sorted(runs, key=lambda run: run.begin_ns)
    for before, after in pairwise(ordered):
        if after.begin_ns < before.end_ns:
            raise ExportError(
                f"{stem}: two runs overlap at {_wall(after.begin_ns):%Y-%m-%d %H:%M:%S}: the clock was set back "
                "between them, and OSCAR's files know the wall clock only"
            )
    power = _joined([run.power for run in ordered])
    decimals = max(run.decimals for run in ordered)
    lines = [
        f"{number};{_wall(time_ns):%d.%m.%y, %H:%M:%S};{_number(value, decimals)};\n"
        for number, (time_ns, value) in enumerate(zip(power.times_ns.tolist(), power.values.tolist(), strict=True), 1)
    ]
    files = {
        f"{stem}-power.csv": ("Zeit;Wert 1-avg[W];\n" + "".join(lines)).encode(),
        f"{stem}-actions.csv": "".join(line for run in ordered for line in _action_lines(run)).encode(),
    }
    blocks = [run.hardware for run in ordered if run.hardware is not None]
    if len(blocks) == len(ordered):
        files[f"{stem}-hardware.csv"] = _collectl(_joined(blocks), columns)
    return files


def _joined(blocks: Sequence[Rows]) -> Rows:
    """One after the other; what an earlier block already reached is not repeated."""
    times: list[Times] = []
    values: list[Floats] = []
    reached_ns = -1
    for block in blocks:
        new = block.times_ns > reached_ns
        times.append(block.times_ns[new])
        values.append(block.values[new])
        reached_ns = max(reached_ns, int(block.times_ns[-1]))
    return Rows(np.concatenate(times), np.concatenate(values))


def _action_lines(run: ExportedRun) -> Iterator[str]:
    yield f"{_stamp(run.begin_ns)};startTestrun\n"
    for text, begin_ns, end_ns in run.actions:
        yield f"{_stamp(begin_ns)};startAction;{text}\n"
        yield f"{_stamp(end_ns)};stopAction\n"
    yield f"{_stamp(run.end_ns)};stopTestrun\n"


def _stamp(time_ns: int) -> str:
    """'2022-9-22 09:02:57.18': month and milliseconds unpadded."""
    moment = _wall(time_ns)
    return f"{moment.year}-{moment.month}-{moment:%d %H:%M:%S}.{time_ns % SECOND_NS // MILLI_NS}"


def _collectl(rows: Rows, columns: Sequence[str]) -> bytes:
    header = ";".join(["Date Time", *columns])
    lines = [
        ";".join([f"{_wall(time_ns):%d.%m.%Y %H:%M:%S}", *(_number(value, 0) for value in row)])
        for time_ns, row in zip(rows.times_ns.tolist(), rows.values.tolist(), strict=True)
    ]
    return ("\ufeff" + "\r\n".join([header, *lines, ""])).encode()


def _number(value: float, decimals: int) -> str:
    """The shortest decimal that reads back as the same number, with so many decimals at least."""
    text = np.format_float_positional(value, unique=True, trim="k", min_digits=decimals)
    return text.removesuffix(".")


def _wall(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC)


def _layout(stems: Mapping[str, str], files: Mapping[str, bytes], first: RunSeries) -> str:
    """oscar.toml: which files belong together, and what they do not say of meter and SUT."""
    lines = []
    for name, stem in stems.items():
        lines.append(f"[scenarios.{_toml(name)}]")
        roles = [role for role in ("power", "actions", "hardware") if f"{stem}-{role}.csv" in files]
        lines += [f"{role} = {_toml(f'{stem}-{role}.csv')}" for role in roles] + [""]
    descriptor = first.parts[0].descriptor
    resampled = len(first.parts) > 1 or not _is_steady(first.parts[0].times_ns)
    meter: Json = {key: str(descriptor.identity.get(key) or "") for key in ("maker", "model", "serial", "firmware")}
    meter |= {"stamp": "end", "window_s": 1.0} if resampled else {"stamp": descriptor.stamp, "window_s": 1.0}
    lines += ["[meter]", *(f"{key} = {_toml(value)}" for key, value in meter.items()), ""]
    known = {key: value for key, value in first.run.start.sut.items() if value is not None}
    lines += ["[sut]", *(f"{_toml(key)} = {_toml(value)}" for key, value in known.items()), ""]
    return "\n".join(lines)


def _toml(value: object) -> str:
    """A TOML value: JSON's form, with what TOML has otherwise (inline tables, no null, no raw DEL)."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(str(k))} = {_toml(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value if item is not None) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _readme(campaign: CampaignHeader, first: RunSeries, log: _Log) -> str:
    descriptor = first.parts[0].descriptor
    meant = {
        "end": "A power row's stamp marks the end of its window",
        "start": "A power row's stamp marks the beginning of its window",
        "unknown": "Whether a power row's stamp marks the end or the beginning of its window is not known",
    }
    zone = "the source's wall clock" if first.run.start.time_base == "source-wall" else "UTC"
    lines = [
        f"OSCAR files of the campaign {_text(campaign.name)} ({campaign.uid}), written by wattlab.",
        f"Window rule: {RULE}.",
        "Power: KEcoLab's form, one row a second, decimal point. Actions: month and milliseconds unpadded.",
        "Hardware: columns, quantities and units of collectl -s cdmn -P --sep 59 (KB of 1024 byte; disk and network "
        "per second; [MEM]Used is total - free); BOM, CRLF.",
        f"Stamps: {zone}. {meant[descriptor.stamp]}, its readings are of averaging {descriptor.averaging!r}.",
        "The rows of a run are moved together by less than a second onto whole seconds, its actions with them.",
        "oscar.toml is read by `wattlab import oscar`, not by OSCAR.",
    ]
    return "\n".join([*lines, *log.remarks, ""])
