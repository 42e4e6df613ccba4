"""OSCAR measurements (DE-UZ 215): power, actions and hardware files of each scenario -> one run folder per test run.

Knows the forms of formats.md: power of GridVis, of KEcoLab and GUDE raw; action logs with BOM, unpadded month and
unpadded milliseconds (`27.18` is 27.018 s) and the handbook's variant; collectl's hardware log. Knows no run folder
(imported.py) and no energy.

Decisions
- The scenario named `baseline` becomes baseline blocks; every other name a scenario; each startTestrun/stopTestrun
  pair one run.
- Decimal comma or decimal point: a file with `;` between fields is unambiguous as long as *all* its values agree; a
  file that mixes them is refused, with the line.
- Handbook variant: an empty second field; a type in the third field stands for the second, any other text there begins
  an action that ends where the next line begins.
- A time that goes back (summer time, files joined in the wrong order) is refused; a run that the power file does not
  cover is refused.
- GUDE stamps are UTC, action logs are local: `utc_offset_h` in oscar.toml is added to the former. GUDE values are
  instantaneous.
- GridVis does not say whether its stamps mark the end or the start of a window: the descriptor says `unknown`.
"""

import io
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.documents import (
    ActionEvent,
    Event,
    IndicatorDescriptor,
    Json,
    NoteEvent,
    PhaseEvent,
    PowerDescriptor,
)
from harness.errors import ImportFileError
from harness.importers.grouping import Grouping, placed
from harness.importers.imported import (
    MARGIN_S,
    SECOND_NS,
    ZONE_NOTE,
    ImportedRun,
    OnProgress,
    SourceFile,
    Summary,
    read_source,
    write_campaign,
)

ROLES = ("power", "actions", "hardware")
TYPES = ("startTestrun", "stopTestrun", "startAction", "stopAction")
COLLECTL = {
    "[CPU]Totl%": ("cpu_percent", "%", "SUT total CPU load"),
    "[MEM]Used": ("ram_used_kb", "kB", "SUT memory in use"),
    "[DSK]ReadKBTot": ("disk_read_kb", "kB", "read from disk"),
    "[DSK]WriteKBTot": ("disk_write_kb", "kB", "written to disk"),
    "[NET]RxKBTot": ("net_received_kb", "kB", "received from the network"),
    "[NET]TxKBTot": ("net_sent_kb", "kB", "sent to the network"),
}
"""collectl's column -> our name, unit, quantity. ReadTot and WriteTot are operations and not used."""
COVER_S = 2
"""A run may begin or end so many seconds outside the power data before it counts as not covered."""
_STAMP = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,3}))?")


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one scenario; `utc_offset_h` shifts stamps that are UTC (GUDE) to the actions' local time."""

    power: Path
    actions: Path
    hardware: Path | None
    utc_offset_h: float = 0.0


@dataclass(frozen=True, slots=True)
class Layout:
    """What is imported: scenario name -> files, and what oscar.toml says of the meter and the SUT."""

    scenarios: dict[str, Files]
    meter: Json
    sut: Json


@dataclass(frozen=True, slots=True)
class Power:
    """A power file: source-wall ns and W per row, and how it was written."""

    source: SourceFile
    times_ns: NDArray[np.int64]
    power_w: NDArray[np.float64]
    title: str
    driver: str
    averaging: Literal["window", "instantaneous"]
    resolution_w: float


@dataclass(frozen=True, slots=True)
class Hardware:
    """A collectl file: source-wall ns and the six indicators per row."""

    source: SourceFile
    times_ns: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]


@dataclass(slots=True)
class TestRun:
    """One test run of an action log: its interval and its actions as (name, index, begin_ns, end_ns)."""

    __test__ = False  # not a test of pytest's

    line: int
    begin_ns: int
    end_ns: int = 0
    actions: list[tuple[str, int, int, int]] = field(default_factory=list)


def import_oscar(
    folder: Path, campaign: Path, *, grouping: Grouping | None = None, on_progress: OnProgress | None = None
) -> Summary:
    """Import every scenario of `folder` into a new campaign.

    Raises:
        ImportFileError: a file is missing, cut off, of another kind, or does not cover a run; with file and line.
        RunFolderError: the campaign exists already.
    """
    layout = find_layout(folder)
    runs: list[ImportedRun] = []
    for name, files in layout.scenarios.items():
        runs += _scenario_runs(name, files, layout)
    units = [run.files[0].path.parent / run.scenario for run in runs]
    runs, left_out = placed(runs, units, grouping or Grouping())
    remarks = [f"{MARGIN_S} s of readings are kept on either side of every run", ZONE_NOTE, *left_out]
    return write_campaign(campaign, "oscar", runs, remarks, on_progress)


def find_layout(folder: Path) -> Layout:
    """Which files belong to which scenario: oscar.toml where there is one, else the file names.

    Raises:
        ImportFileError: nothing to import, a scenario without its files, an oscar.toml that cannot be read.
    """
    if not folder.is_dir():
        raise ImportFileError(f"{folder}: no such folder; name the one with <scenario>-{{power,actions,hardware}}.csv")
    if (folder / "oscar.toml").is_file():
        return _layout_from_toml(folder / "oscar.toml")
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        match = re.fullmatch(r"(.+)-(power|actions|hardware)\.csv(\.gz)?", path.name)
        if match:
            roles = found.setdefault(match[1], {})
            if match[2] in roles:
                raise ImportFileError(f"{path}: {roles[match[2]].name} is there too; keep one of them")
            roles[match[2]] = path
    if not found:
        raise ImportFileError(
            f"{folder}: no <scenario>-power.csv[.gz] and no oscar.toml in it; name the files so, or write an oscar.toml"
        )
    return Layout({name: _complete(folder, name, roles) for name, roles in found.items()}, {}, {})


def _complete(where: Path, name: str, roles: dict[str, Path], utc_offset_h: float = 0.0) -> Files:
    for role in ("power", "actions"):
        if role not in roles:
            raise ImportFileError(f"{where}: scenario {name!r} has no {role} file ({name}-{role}.csv or .csv.gz)")
    return Files(roles["power"], roles["actions"], roles.get("hardware"), utc_offset_h)


def _layout_from_toml(path: Path) -> Layout:
    try:
        raw = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ImportFileError(f"{path}: cannot be read: {error}") from None
    tables = {key: raw.pop(key, {}) for key in ("scenarios", "meter", "sut")}
    if raw or not all(isinstance(table, dict) for table in tables.values()) or not tables["scenarios"]:
        raise ImportFileError(
            f"{path}: expected tables [scenarios.NAME] (power, actions, hardware, utc_offset_h), [meter] and [sut]; "
            f"found also {sorted(raw) or 'no scenarios'}"
        )
    scenarios = {}
    for name, entry in tables["scenarios"].items():
        if not isinstance(entry, dict) or not set(entry) <= {*ROLES, "utc_offset_h"}:
            raise ImportFileError(f"{path}: scenarios.{name}: expected the keys power, actions, hardware, utc_offset_h")
        offset = entry.get("utc_offset_h", 0.0)
        if not all(isinstance(entry.get(role, ""), str) for role in ROLES) or not isinstance(offset, int | float):
            raise ImportFileError(f"{path}: scenarios.{name}: file names are texts, utc_offset_h is a number")
        roles = {role: path.parent / entry[role] for role in ROLES if role in entry}
        scenarios[name] = _complete(path, name, roles, float(offset))
    known = {"maker", "model", "serial", "firmware", "stamp", "window_s"}
    meter = tables["meter"]
    if unknown := sorted(set(meter) - known):
        raise ImportFileError(f"{path}: meter.{unknown[0]}: unknown key; expected one of {', '.join(sorted(known))}")
    if meter.get("stamp", "unknown") not in ("end", "start", "unknown"):
        raise ImportFileError(f"{path}: meter.stamp: found {meter['stamp']!r}, expected 'end', 'start' or 'unknown'")
    return Layout(scenarios, meter, tables["sut"])


def _scenario_runs(name: str, files: Files, layout: Layout) -> list[ImportedRun]:
    power = read_power(read_source(files.power), files.utc_offset_h)
    actions = read_source(files.actions)
    test_runs = read_actions(actions)
    hardware = read_hardware(read_source(files.hardware)) if files.hardware else None
    sources = (power.source, actions) if hardware is None else (power.source, actions, hardware.source)
    runs = []
    for repetition, test_run in enumerate(test_runs, 1):
        _require_cover(test_run, actions, power)
        streams: list[tuple[PowerDescriptor | IndicatorDescriptor, bytes]] = [_power_stream(test_run, power, layout)]
        if hardware is not None and (stream := _hardware_stream(test_run, hardware)):
            streams.append(stream)
        runs.append(
            ImportedRun(
                kind="baseline" if name == "baseline" else "scenario",
                scenario=name,
                repetition=repetition,
                begin_ns=test_run.begin_ns,
                end_ns=test_run.end_ns,
                streams=tuple(streams),
                events=tuple(_events(test_run, has_hardware=len(streams) > 1)),
                files=sources,
                note=f"{ZONE_NOTE}; rows of the run and {MARGIN_S} s on either side of it; test run at line "
                f"{test_run.line} of {files.actions.name}",
                sut=layout.sut,
            )
        )
    return runs


def kind_of(source: SourceFile) -> str:
    """What a file looks like: `power-gridvis`, `power-kecolab`, `power-gude`, `actions`, `hardware` or `unknown`."""
    head = [line.strip() for line in source.content[:4096].decode("utf-8", "replace").splitlines()[:3]]
    if any(line.startswith("Nummer;Zeit;") for line in head[:2]):
        return "power-gridvis"
    if any(re.match(r"Zeit;.*\[W\]", line) for line in head[:2]):
        return "power-kecolab"
    if re.match(r"#?Date( Time)?;", head[0]) and "[" in head[0]:
        return "hardware"
    if _STAMP.match(head[0]):
        return "actions"
    return "power-gude" if re.fullmatch(r"\d{16} \S+", head[0]) else "unknown"


def _require_kind(source: SourceFile, role: str) -> str:
    kind = kind_of(source)
    if not kind.startswith(role):
        first = source.content.split(b"\n", 1)[0].decode("utf-8", "replace").strip()
        looks = "no known file" if kind == "unknown" else f"a {kind.partition('-')[0]} file"
        raise ImportFileError(
            f"{source.path}:1: expected a {role} file, found {looks} ({first!r:.70}); are files swapped, "
            "or is the header line missing?"
        )
    return kind


def read_power(source: SourceFile, utc_offset_h: float = 0.0) -> Power:
    """A power file of any of the three forms.

    Raises:
        ImportFileError: another kind of file, a line that cannot be read, time that goes back.
    """
    kind = _require_kind(source, "power")
    if kind == "power-gude":
        frame = _table(source, 0, ["time", "power"], [0, 1], " ", 2)
        times_ns = frame["time"].to_numpy(np.int64) * 1000 + int(utc_offset_h * 3600) * SECOND_NS
        skip, title, averaging = 0, "GUDE raw log", "instantaneous"
        power_w = _decimal(source, frame["power"], skip)
    else:
        lines = source.content[:4096].decode("utf-8", "replace").splitlines()
        skip = 1 if lines[0].startswith(("Nummer;", "Zeit;")) else 2
        title = "" if skip == 1 else lines[0].strip()
        header = [cell for cell in lines[skip - 1].strip().split(";") if cell]
        average = next((i for i, cell in enumerate(header) if re.search(r"avg\s*\[W\]", cell)), None)
        if average is None:
            raise ImportFileError(f"{source.path}:{skip}: no column '...-avg[W]' in {lines[skip - 1]!r:.90}")
        # KEcoLab's header lacks the number's column, its rows have it.
        shift = 1 if kind == "power-kecolab" else 0
        where = [header.index("Zeit") + shift, average + shift]
        frame = _table(source, skip, ["time", "power"], where, ";", len(header) + shift)
        times_ns = _wall_ns(source, frame["time"], "%d.%m.%y, %H:%M:%S", "25.01.24, 12:00:00", skip)
        power_w, averaging = _decimal(source, frame["power"], skip), "window"
    _require_rising(source, times_ns, skip)
    digits = len(re.split("[.,]", str(frame["power"].iloc[0]) + ".")[1])
    return Power(
        source, times_ns, power_w, title, f"oscar {kind}",
        "window" if averaging == "window" else "instantaneous", 10.0**-digits,
    )  # fmt: skip


def read_hardware(source: SourceFile) -> Hardware:
    """A collectl file (`collectl -s cdmn -P --sep 59`).

    Raises:
        ImportFileError: another kind of file, a missing column, a line that cannot be read, time that goes back.
    """
    _require_kind(source, "hardware")
    header = source.content.split(b"\n", 1)[0].decode("utf-8", "replace").strip().split(";")
    for column in ("Date Time", *COLLECTL):
        if column not in header:
            raise ImportFileError(f"{source.path}:1: no column {column!r}; record with `collectl -s cdmn -P --sep 59`")
    names = ["Date Time", *COLLECTL]
    frame = _table(source, 1, names, [header.index(name) for name in names], ";", len(header))
    times_ns = _wall_ns(source, frame["Date Time"], "%d.%m.%Y %H:%M:%S", "22.09.2022 09:02:39", 1)
    _require_rising(source, times_ns, 1)
    columns = {COLLECTL[name][0]: _decimal(source, frame[name], 1) for name in COLLECTL}
    return Hardware(source, times_ns, columns)


def _table(
    source: SourceFile, skip: int, names: Sequence[str], where: Sequence[int], separator: str, width: int
) -> "pd.DataFrame":
    """The wanted columns as text, one row a line, every line with at least `width` fields.

    Raises:
        ImportFileError: a line with fewer fields (named), no data line at all.
    """
    body = source.content.split(b"\n", skip)[skip] if source.content.count(b"\n") >= skip else b""
    if not body.strip():
        raise ImportFileError(f"{source.path}:{skip + 1}: no data line behind the header; the file is cut off")
    wide = max(width, max(where) + 1)
    try:
        frame = pd.read_csv(
            io.BytesIO(body), sep=separator, header=None, names=range(wide), usecols=[*where, width - 1], dtype=str,
            index_col=False, engine="c", encoding_errors="replace", skip_blank_lines=False, na_filter=False, quoting=3,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.ParserWarning, ValueError):
        frame = None
    if frame is None or (frame[width - 1] == "").any() or _last_cut(body, separator):
        raise _short_line(source, skip, separator, width)
    return frame[list(where)].set_axis(list(names), axis=1)


def _last_cut(body: bytes, separator: str) -> bool:
    """Whether the last line has no newline and fewer separators than the first: cut off while it was written."""
    first, last = body.split(b"\n", 1)[0], body[body.rfind(b"\n") + 1 :]
    return bool(last.strip()) and last.count(separator.encode()) < first.count(separator.encode())


def _short_line(source: SourceFile, skip: int, separator: str, width: int) -> ImportFileError:
    lines = source.content.decode("utf-8", "replace").split("\n")
    usual = lines[skip].count(separator)
    end = len(lines) - (lines[-1] == "")
    for number, line in enumerate(lines[skip:end], skip + 1):
        cells = line.rstrip("\r").split(separator)
        if line.count(separator) != usual or len(cells) < width or "" in cells[:width]:
            what = "the file is cut off here" if number == end else "the line is damaged"
            return ImportFileError(
                f"{source.path}:{number}: found {line!r:.70} with {line.count(separator) + 1} fields, expected "
                f"{max(usual + 1, width)}; {what}: export it again"
            )
    return ImportFileError(f"{source.path}:{skip + 1}: not a table with {width} fields separated by {separator!r}")


def _decimal(source: SourceFile, texts: "pd.Series[str]", skip: int) -> NDArray[np.float64]:
    """Numbers written with a decimal comma or with a decimal point, all alike."""
    joined = "\n".join(texts)
    comma = "," in joined
    try:
        if comma and "." in joined:
            raise ValueError
        values = np.array((joined.replace(",", ".") if comma else joined).split("\n"), dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError
    except ValueError:
        good = re.compile(r"\s*-?\d+(,\d+)?\s*" if comma else r"\s*-?\d+(\.\d+)?([eE][-+]?\d+)?\s*")
        line, text = next((i, t) for i, t in enumerate(texts) if not good.fullmatch(t))
        raise ImportFileError(
            f"{source.path}:{line + skip + 1}: found {text!r}, expected a number with a decimal "
            f"{'comma' if comma else 'point'} like the rest of the file"
        ) from None
    return values


def _wall_ns(source: SourceFile, texts: "pd.Series[str]", form: str, example: str, skip: int) -> NDArray[np.int64]:
    stamps = pd.to_datetime(texts, format=form, errors="coerce")
    if stamps.isna().any():
        line = int(np.argmax(stamps.isna().to_numpy()))
        raise ImportFileError(
            f"{source.path}:{line + skip + 1}: found the time {texts.iloc[line]!r:.40}, expected one like {example!r}"
        )
    return stamps.to_numpy("datetime64[ns]").astype(np.int64)


def _require_rising(source: SourceFile, times_ns: NDArray[np.int64], skip: int) -> None:
    back = np.flatnonzero(np.diff(times_ns) < 0)
    if back.size:
        at = int(back[0]) + 1
        raise ImportFileError(
            f"{source.path}:{at + skip + 1}: time goes back here, from {_text(int(times_ns[at - 1]))} to "
            f"{_text(int(times_ns[at]))} (summer time, or files joined in the wrong order); sort or split the file"
        )


def read_actions(source: SourceFile) -> list[TestRun]:
    """The test runs of an action log, in order.

    Raises:
        ImportFileError: a line that cannot be read, a run or action that does not begin or end, time that goes back.
    """
    _require_kind(source, "actions")
    try:
        lines = source.content.decode().splitlines()
    except UnicodeDecodeError as error:
        at = source.content[: error.start].count(b"\n") + 1
        raise ImportFileError(f"{source.path}:{at}: not UTF-8; save the file as UTF-8") from None
    log = _ActionLog(source.path)
    for number, text in enumerate(lines, 1):
        if text.strip():
            log.take(number, text)
    return log.finish()


class _ActionLog:
    """Reads an action log line by line: which run and which action is open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runs: list[TestRun] = []
        self._run: TestRun | None = None
        self._action: tuple[str, int, bool] | None = None  # name, begin, whether the next line ends it
        self._last_ns = 0

    def take(self, number: int, line: str) -> None:
        where = f"{self._path}:{number}"
        cells = [cell.strip() for cell in line.split(";")]
        stamp_ns = _stamp_ns(where, cells[0])
        if stamp_ns < self._last_ns:
            raise ImportFileError(f"{where}: time goes back here; sort the log or split it at this line")
        self._last_ns = stamp_ns
        kind, text = _type_and_text(where, cells)
        if self._action and (self._action[2] or kind in ("stopAction", "stopTestrun")):
            self._close_action(stamp_ns)
            if kind == "stopAction":
                return
        if kind == "startTestrun":
            if self._run is not None:
                raise ImportFileError(f"{where}: startTestrun, but the test run of line {self._run.line} is still open")
            self._run = TestRun(number, stamp_ns)
        elif self._run is None:
            raise ImportFileError(
                f"{where}: {kind or text!r} outside of a test run; a startTestrun is missing before it"
            )
        elif kind == "stopTestrun":
            if stamp_ns <= self._run.begin_ns:
                raise ImportFileError(f"{where}: the test run of line {self._run.line} has no duration")
            self._run.end_ns = stamp_ns
            self._runs.append(self._run)
            self._run = None
        elif kind == "stopAction":
            raise ImportFileError(f"{where}: stopAction, but no action was begun")
        else:
            if self._action:
                raise ImportFileError(f"{where}: the action {self._action[0]!r} is still open; a stopAction is missing")
            self._action = (text or "action", stamp_ns, kind == "")

    def _close_action(self, stamp_ns: int) -> None:
        assert self._run is not None
        assert self._action is not None
        name, begin_ns, _ = self._action
        index = sum(action[0] == name for action in self._run.actions)
        self._run.actions.append((name, index, begin_ns, stamp_ns))
        self._action = None

    def finish(self) -> list[TestRun]:
        if self._run is not None:
            raise ImportFileError(
                f"{self._path}:{self._run.line}: the test run that begins here has no stopTestrun; the file is cut off"
            )
        if not self._runs:
            raise ImportFileError(f"{self._path}:1: no startTestrun in the file: there is nothing to import")
        return self._runs


def _type_and_text(where: str, cells: list[str]) -> tuple[str, str]:
    """Type and text; type '' is the handbook's action without a type."""
    kind, text = [*cells, "", ""][1:3]
    if kind in TYPES:
        return kind, text
    if kind == "" and text in TYPES:
        return text, (cells + [""] * 4)[3]
    if kind == "" and text:
        return "", text
    raise ImportFileError(
        f"{where}: found the type {kind!r:.40}, expected one of {', '.join(TYPES)}; is the line cut off?"
    )


def _stamp_ns(where: str, text: str) -> int:
    match = _STAMP.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        parts = [int(part) for part in match.groups(default="0")]
        moment = datetime(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], tzinfo=UTC)
    except ValueError:
        raise ImportFileError(
            f"{where}: found the time {text!r:.40}, expected one like '2022-9-22 09:03:57.179'"
        ) from None
    return int(moment.timestamp()) * SECOND_NS + parts[6] * 1_000_000


def _require_cover(test_run: TestRun, actions: SourceFile, power: Power) -> None:
    """The power data reaches over the run, up to COVER_S at either end."""
    times_ns, slack = power.times_ns, COVER_S * SECOND_NS
    first, last = np.searchsorted(times_ns, [test_run.begin_ns - slack, test_run.end_ns + slack])
    inside = times_ns[first:last]
    if not inside.size or inside[0] > test_run.begin_ns + slack or inside[-1] < test_run.end_ns - slack:
        raise ImportFileError(
            f"{actions.path}:{test_run.line}: the test run {_text(test_run.begin_ns)} to {_text(test_run.end_ns)} is "
            f"not covered by {power.source.path}, which reaches from {_text(int(times_ns[0]))} to "
            f"{_text(int(times_ns[-1]))}; "
            "are files swapped, is one cut off, or do the clocks differ?"
        )


def _slice(times_ns: NDArray[np.int64], test_run: TestRun) -> slice:
    edges = [test_run.begin_ns - MARGIN_S * SECOND_NS, test_run.end_ns + MARGIN_S * SECOND_NS]
    return slice(int(np.searchsorted(times_ns, edges[0])), int(np.searchsorted(times_ns, edges[1], side="right")))


def _power_stream(test_run: TestRun, power: Power, layout: Layout) -> tuple[PowerDescriptor, bytes]:
    meter = layout.meter
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
    lines = [f"{time_ns},{power_w!r},{window_s!r},\n" for time_ns, power_w in pairs]
    return descriptor, ("time_ns,power_w,window_s,flags\n" + "".join(lines)).encode()


def _hardware_stream(test_run: TestRun, hardware: Hardware) -> tuple[IndicatorDescriptor, bytes] | None:
    rows = _slice(hardware.times_ns, test_run)
    if rows.start == rows.stop:
        return None
    columns = [
        {"name": name, "unit": unit, "quantity": quantity, "method": f"collectl {column}", "kind": "gauge"}
        for column, (name, unit, quantity) in COLLECTL.items()
    ]
    descriptor = IndicatorDescriptor(stream="samples-agent.csv", period_s=1.0, clock="source-wall", columns=columns)
    table = [hardware.times_ns[rows].tolist(), *(hardware.columns[str(c["name"])][rows].tolist() for c in columns)]
    lines = [",".join(map(repr, row)) + "\n" for row in zip(*table, strict=True)]
    header = ",".join(["time_ns", *(str(column["name"]) for column in columns)])
    return descriptor, (header + "\n" + "".join(lines)).encode()


def _events(test_run: TestRun, *, has_hardware: bool) -> list[Event]:
    events: list[Event] = [PhaseEvent(time_ns=test_run.begin_ns, name="rating", edge="begin")]
    for name, index, begin_ns, end_ns in test_run.actions:
        events.append(ActionEvent(time_ns=begin_ns, name=name, index=index, edge="begin"))
        events.append(ActionEvent(time_ns=end_ns, name=name, index=index, edge="end"))
    events.append(PhaseEvent(time_ns=test_run.end_ns, name="rating", edge="end"))
    if not has_hardware:
        text = "no hardware indicators were recorded over this run"
        events.append(NoteEvent(time_ns=test_run.end_ns, code="hardware-missing", text=text))
    return events


def _text(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S}"
