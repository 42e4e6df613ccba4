"""What a campaign recorded beside its energies, for the audit report: mains, room, clocks, phases, digests of inputs,
of programs and of packages.

Knows the series of every run. Does not know a power, and judges nothing (`findings` does).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json, PhaseEvent, Start, dump, matches
from reports.readings.series import Indicators, PowerSeries, RunSeries
from reports.results.recorded import (
    Recorded,
    RecordedClock,
    RecordedFile,
    RecordedPrograms,
    RecordedQuantity,
    RecordedStep,
    Whose,
)
from reports.results.uncertainty import mean_of

NS = 1e-9
UNITS = {"voltage_v": "V", "frequency_hz": "Hz", "voltage_thd_percent": "%"}
ORDER: tuple[Whose, ...] = get_args(Whose)
Floats = NDArray[np.float64]


def evaluate(runs: Sequence[RunSeries]) -> Recorded:
    """The `records` section of results.json; `runs` in the order they were begun, excluded ones too."""
    return Recorded(
        supply=tuple(_summaries(_supply(runs))), ambient=tuple(_summaries(_ambient(runs))),
        clocks=tuple(map(_clock, runs)), phases=tuple(map(_phases, runs)), inputs=_inputs(runs),
        programs=_programs(runs), environments=tuple(_environments(runs)),
    )  # fmt: skip


def _supply(runs: Sequence[RunSeries]) -> Iterator[tuple[str, str, str, Floats]]:
    """Source, quantity, unit, values within the interval; one entry for each run."""
    for run in runs:
        for meter, stream in run.power.items():
            for name, values in stream.supply.items():
                yield meter, name, UNITS.get(name, ""), _within(run, stream, values)


def _ambient(runs: Sequence[RunSeries]) -> Iterator[tuple[str, str, str, Floats]]:
    for run in runs:
        if (room := run.room) is not None:
            units = {str(column.get("name")): str(column.get("unit", "")) for column in room.descriptor.columns}
            for name, values in room.columns.items():
                yield room.descriptor.stream, name, units.get(name, ""), _within(run, room, values)


def _within(run: RunSeries, stream: PowerSeries | Indicators, values: Floats) -> Floats:
    """The known values stamped in the rating interval; of an unmarked run all of them."""
    times_ns = stream.times_ns
    inside = np.isfinite(values)
    if run.begin_ns is not None and run.end_ns is not None:
        inside &= (times_ns > run.begin_ns) & (times_ns <= run.end_ns)
    return values[inside]


def _summaries(entries: Iterator[tuple[str, str, str, Floats]]) -> Iterator[RecordedQuantity]:
    """Per source and quantity: mean over the runs' means, least and greatest value."""
    gathered: dict[tuple[str, str, str], list[Floats]] = {}
    for source, name, unit, values in entries:
        if values.size:
            gathered.setdefault((source, name, unit), []).append(values)
    for (source, name, unit), groups in gathered.items():
        mean = mean_of([float(group.mean()) for group in groups], unit)
        least, greatest = min(float(group.min()) for group in groups), max(float(group.max()) for group in groups)
        yield RecordedQuantity(source, name, unit, mean, least, greatest)


def _clock(run: RunSeries) -> RecordedClock:
    """The fitted clock of a run."""
    model, folder, time_base = run.clock, run.run.path.name, run.run.start.time_base
    if model is None:
        return RecordedClock(folder, time_base, None, None, None, None)
    steps = tuple(RecordedStep(step.side, step.jump_ns * NS) for step in model.steps)
    return RecordedClock(folder, time_base, model.exchanges, model.bound_ns * NS, model.drift * 1e6, steps)


def _phases(run: RunSeries) -> dict[str, str | float]:
    """Phase -> its length (s), of those that were marked at both ends."""
    edges: dict[str, dict[str, int]] = {}
    for event in run.run.events:
        if isinstance(event, PhaseEvent):
            edges.setdefault(event.name, {}).setdefault(event.edge, event.time_ns)
    lengths = {
        f"{name}_s": (both["end"] - both["begin"]) * NS for name, both in edges.items() if {"begin", "end"} <= set(both)
    }
    return {"folder": run.run.path.name, **lengths}


def _inputs(runs: Sequence[RunSeries]) -> tuple[RecordedFile, ...]:
    """Which file of which digest went into which scenario's runs, and how many of them."""
    counts = Counter(file for run in runs for file in _files(run.run.start))
    files = [replace(file, n_runs=times) for file, times in counts.items()]
    return tuple(sorted(files, key=lambda file: (file.scenario, ORDER.index(file.of), file.file, str(file.sha256))))


def _files(start: Start) -> Iterator[RecordedFile]:
    """Every file of a run: settings and agent, what was staged, what the command names on the SUT besides."""
    for name, digest in start.inputs.items():
        yield RecordedFile(start.scenario, None, True, None, "settings", name, digest, n_runs=0)
    for name, staged in (start.staged or {}).items():
        whose = cast("Whose", staged["of"]) if staged.get("of") in ORDER else "program"
        yield RecordedFile(
            start.scenario, _size(staged.get("bytes")), staged.get("kept") is True, None, whose, name,
            _text(staged.get("sha256")), n_runs=0,
        )  # fmt: skip
    for named in start.on_sut or []:
        yield RecordedFile(
            start.scenario, _size(named.get("bytes")), False, _text(named.get("why")), "on-sut",
            str(named.get("path")), _text(named.get("sha256")), n_runs=0,
        )  # fmt: skip


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _size(value: object) -> int | None:
    return value if isinstance(value, int) and matches(value, int) else None


def _programs(runs: Sequence[RunSeries]) -> RecordedPrograms:
    """Of how many scenario runs it is recorded what they are made of."""
    starts = [run.run.start for run in runs if run.run.start.kind == "scenario"]
    return RecordedPrograms(len(starts), sum(start.staged is not None for start in starts))


def _environments(runs: Sequence[RunSeries]) -> list[Json]:
    """Every Python that ran a scenario's command, with its packages, and in how many of its runs."""
    rows: dict[str, Json] = {}
    for run in runs:
        if (environment := run.run.start.environment) is not None:
            row = {"scenario": run.run.start.scenario, **environment}
            rows.setdefault(dump(row), row | {"n_runs": 0})["n_runs"] += 1
    return sorted(rows.values(), key=lambda row: (row["scenario"], str(row.get("sha256"))))
