"""`nvidia-smi --query-gpu=... --format=csv` logs -> run folders; one file of one GPU is one run.

Knows both spellings of the header and both forms of the date, values with units, `[N/A]`, a last line that was cut
off, and missing seconds. Knows no run folder (imported.py) and no energy.

Decisions
- The run's interval is from the first to the last complete row; the scenario is the file's name without its ending.
- A last line without a newline, or with fewer fields than the header, was cut off while it was written: it is left
  out and noted.
- Rows more than `GAP_FACTOR` median spacings apart are a gap, and noted as such.
- `power.draw` is taken as instantaneous at its stamp (trapezoid); some boards average it over up to one second.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.documents import Event, GapEvent, IndicatorDescriptor, NoteEvent, PhaseEvent, PowerDescriptor
from harness.errors import ImportFileError
from harness.importers.imported import (
    SECOND_NS,
    ZONE_NOTE,
    ImportedRun,
    OnProgress,
    SourceFile,
    Summary,
    read_source,
    write_campaign,
)

GAP_FACTOR = 1.5
SPELLINGS = {
    "gpu_name": "name",
    "gpu_usage": "utilization.gpu",
    "gpu_memory_usage": "utilization.memory",
    "gpu_total_memory": "memory.total",
    "gpu_memory_used": "memory.used",
    "gpu_power_draw": "power.draw",
    "gpu_max_power": "power.max_limit",
    "gpu_temperature": "temperature.gpu",
}
"""Renamed columns of the older logs -> nvidia-smi's own names."""
INDICATORS = {
    "temperature.gpu": ("gpu0_temperature_c", "°C", "GPU core temperature"),
    "utilization.gpu": ("gpu0_load_percent", "%", "GPU load"),
    "utilization.memory": ("gpu0_memory_load_percent", "%", "GPU memory load"),
    "memory.used": ("gpu0_memory_used_mib", "MiB", "GPU memory allocated"),
    "power.draw": ("gpu0_power_w", "W", "GPU power"),
    "clocks.sm": ("gpu0_sm_clock_mhz", "MHz", "GPU SM clock"),
    "clocks.mem": ("gpu0_memory_clock_mhz", "MHz", "GPU memory clock"),
}
_STAMP = re.compile(r"(\d{4})([-/])(\d{2})\2(\d{2}) (\d{2}):(\d{2}):(\d{2})\.(\d{3})")
_VALUE = re.compile(r"(-?\d+(?:\.\d+)?)(?: (?:%|MiB|W|MHz|C))?")
_ABSENT = re.compile(r"\[?(N/A|Not Supported|Unknown Error|GPU is lost)\]?", re.IGNORECASE)


class Trace:
    """One log: stamps (source-wall ns), a column of values per field of nvidia-smi, NaN where the log has none."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        lines = source.content.decode("utf-8", "replace").split("\n")
        self.fields = _fields(source, lines[0])
        body = [line.rstrip("\r") for line in lines[1:]]
        self.truncated_line: int | None = None
        last = body.pop()  # what follows the last newline: empty, or a line cut off
        if last.strip():
            self.truncated_line = len(body) + 2
        elif body and len(body[-1].split(",")) < len(self.fields):
            self.truncated_line = len(body) + 1
            body.pop()
        rows = [self._cells(number, line) for number, line in enumerate(body, 2) if line.strip()]
        if len(rows) < 2:
            raise ImportFileError(f"{source.path}:2: fewer than two complete rows: there is no energy between them")
        self.times_ns = np.array([_stamp_ns(source, number, cells[0]) for number, cells in rows], dtype=np.int64)
        self._require_rising([number for number, _ in rows])
        self.name = self._single_name(rows)
        self.values = {
            field: np.array([_value(source, number, field, cells[index]) for number, cells in rows])
            for index, field in enumerate(self.fields)
            if field in INDICATORS
        }
        if np.isnan(self.values["power.draw"]).any():
            line = rows[int(np.argmax(np.isnan(self.values["power.draw"])))][0]
            raise ImportFileError(f"{source.path}:{line}: no power in this row; this board does not report power.draw")

    def _cells(self, number: int, line: str) -> tuple[int, list[str]]:
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != len(self.fields):
            raise ImportFileError(
                f"{self.source.path}:{number}: found {len(cells)} fields in {line!r:.60}, expected {len(self.fields)} "
                "as in the header; the line is damaged"
            )
        return number, cells

    def _require_rising(self, numbers: list[int]) -> None:
        back = np.flatnonzero(np.diff(self.times_ns) <= 0)
        if back.size:
            raise ImportFileError(
                f"{self.source.path}:{numbers[int(back[0]) + 1]}: time does not go on here; log one GPU per file "
                "(nvidia-smi -i 0) and do not join files"
            )

    def _single_name(self, rows: list[tuple[int, list[str]]]) -> str:
        if "name" not in self.fields:
            return ""
        index = self.fields.index("name")
        for number, cells in rows:
            if cells[index] != rows[0][1][index]:
                raise ImportFileError(
                    f"{self.source.path}:{number}: another GPU; log one GPU per file (nvidia-smi -i 0)"
                )
        return rows[0][1][index]

    def gaps(self) -> list[tuple[int, int]]:
        """(from, to) in ns wherever rows are missing."""
        steps: NDArray[np.int64] = np.diff(self.times_ns)
        where = np.flatnonzero(steps > GAP_FACTOR * float(np.median(steps)))
        return [(int(self.times_ns[i]), int(self.times_ns[i + 1])) for i in where]


def import_nvidia_smi(files: Sequence[Path], campaign: Path, *, on_progress: OnProgress | None = None) -> Summary:
    """Import every log into a new campaign.

    Raises:
        ImportFileError: no nvidia-smi log, a damaged line; with file and line.
        RunFolderError: the campaign exists already.
    """
    traces = [Trace(read_source(path)) for path in files]
    names = [scenario_name(trace.source.path) for trace in traces]
    if len(set(names)) != len(names):
        raise ImportFileError("two logs have the same file name; rename one, the name becomes the scenario")
    remarks = [ZONE_NOTE]
    for trace in traces:
        if trace.truncated_line:
            remarks.append(f"{trace.source.path}:{trace.truncated_line}: cut off in mid-line; the line is left out")
        if gaps := trace.gaps():
            remarks.append(f"{trace.source.path}: {len(gaps)} gaps")
    runs = [_run(name, trace) for name, trace in zip(names, traces, strict=True)]
    return write_campaign(campaign, "nvidia-smi", runs, remarks, on_progress)


def scenario_name(path: Path) -> str:
    """`gpu-cloud-vgg16.csv.gz` -> `gpu-cloud-vgg16`."""
    return path.name.removesuffix(".gz").removesuffix(".csv").removesuffix(".log")


def _fields(source: SourceFile, line: str) -> list[str]:
    names = [re.sub(r" \[.*\]$", "", cell.strip()) for cell in line.split(",")]
    fields = [SPELLINGS.get(name, name) for name in names]
    for needed in ("timestamp", "power.draw"):
        if needed not in fields:
            raise ImportFileError(
                f"{source.path}:1: no column {needed!r} in {line.strip()!r:.80}; expected a log of "
                "nvidia-smi --query-gpu=timestamp,power.draw,... --format=csv"
            )
    if fields[0] != "timestamp":
        raise ImportFileError(f"{source.path}:1: the first column is {fields[0]!r}, expected 'timestamp'")
    return fields


def _stamp_ns(source: SourceFile, number: int, text: str) -> int:
    match = _STAMP.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        year, _, month, day, hour, minute, second, milli = match.groups()
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        raise ImportFileError(
            f"{source.path}:{number}: found the time {text!r:.40}, expected one like '2023/03/08 14:56:21.991' or "
            "'2022-12-05 09:55:42.535'"
        ) from None
    return int(moment.timestamp()) * SECOND_NS + int(milli) * 1_000_000


def _value(source: SourceFile, number: int, field: str, text: str) -> float:
    if _ABSENT.fullmatch(text):
        return float("nan")
    match = _VALUE.fullmatch(text)
    if match is None:
        raise ImportFileError(f"{source.path}:{number}: found {text!r:.40} as {field}, expected a number with its unit")
    return float(match[1])


def _run(name: str, trace: Trace) -> ImportedRun:
    begin_ns, end_ns = int(trace.times_ns[0]), int(trace.times_ns[-1])
    return ImportedRun(
        kind="scenario",
        scenario=name,
        repetition=1,
        begin_ns=begin_ns,
        end_ns=end_ns,
        streams=(_power(trace), _indicators(trace)),
        events=tuple(_events(trace)),
        files=(trace.source,),
        note=f"{ZONE_NOTE}; the run is the whole trace",
        sut={"gpus": [{"name": trace.name}]} if trace.name else {},
    )


def _power(trace: Trace) -> tuple[PowerDescriptor, bytes]:
    descriptor = PowerDescriptor(
        stream="readings-gpu.csv", meter="gpu", circuit="gpu-dc-board",
        identity={"maker": "NVIDIA", "model": trace.name, "serial": "", "firmware": "", "driver": "nvidia-smi"},
        origin="imported", evidence={"file": trace.source.path.name, "sha256": trace.source.sha256},
        averaging="instantaneous", window_s=0.0, stamp="end", latency_s=0.0,
        columns=[{"name": "power_w", "unit": "W", "resolution": 0.01, "range": None, "accuracy": None}],
    )  # fmt: skip
    pairs = zip(trace.times_ns.tolist(), trace.values["power.draw"].tolist(), strict=True)
    lines = [f"{time_ns},{power_w!r},0.0,\n" for time_ns, power_w in pairs]
    return descriptor, ("time_ns,power_w,window_s,flags\n" + "".join(lines)).encode()


def _indicators(trace: Trace) -> tuple[IndicatorDescriptor, bytes]:
    fields = [field for field in INDICATORS if field in trace.values]
    columns = [
        {"name": name, "unit": unit, "quantity": quantity, "method": f"nvidia-smi {field}", "kind": "gauge"}
        for field in fields
        for name, unit, quantity in [INDICATORS[field]]
    ]
    period_s = float(np.median(np.diff(trace.times_ns))) / SECOND_NS
    descriptor = IndicatorDescriptor(
        stream="samples-agent.csv", period_s=period_s, clock="source-wall", columns=columns
    )
    table = zip(trace.times_ns.tolist(), *(trace.values[field].tolist() for field in fields), strict=True)
    lines = [",".join("" if value != value else repr(value) for value in row) + "\n" for row in table]
    header = ",".join(["time_ns", *(str(column["name"]) for column in columns)])
    return descriptor, (header + "\n" + "".join(lines)).encode()


def _events(trace: Trace) -> list[Event]:
    begin_ns, end_ns = int(trace.times_ns[0]), int(trace.times_ns[-1])
    events: list[Event] = [PhaseEvent(time_ns=begin_ns, name="rating", edge="begin")]
    gaps = trace.gaps()
    for from_ns, to_ns in gaps:
        events.append(
            GapEvent(time_ns=to_ns, stream="readings-gpu.csv", cause="rows missing", from_ns=from_ns, to_ns=to_ns)
        )
    if gaps:
        text = f"{len(gaps)} gaps: rows are missing from the log"
        events.append(NoteEvent(time_ns=end_ns, code="gaps-in-source", text=text))
    if trace.truncated_line:
        text = f"line {trace.truncated_line} of {trace.source.path.name} is cut off; it was left out"
        events.append(NoteEvent(time_ns=end_ns, code="truncated-source", text=text))
    events.append(PhaseEvent(time_ns=end_ns, name="rating", edge="end"))
    return events
