"""What a campaign recorded beside its energies, for the audit report: mains, room, clocks, phases, digests of inputs,
of programs and of packages.

Knows the series of every run. Judges nothing (`findings` does) and knows no power.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json, PhaseEvent, Start, dump
from reports.readings.series import Indicators, PowerSeries, RunSeries
from reports.results.uncertainty import mean_of

NS = 1e-9
UNITS = {"voltage_v": "V", "frequency_hz": "Hz", "voltage_thd_percent": "%"}
SETTINGS, PROGRAM, ON_SUT = "settings", "program", "on-sut"
ORDER = (SETTINGS, PROGRAM, "trackers", "markers", ON_SUT)
"""Whose a file is, in the order of the table."""
Floats = NDArray[np.float64]


def evaluate(runs: Sequence[RunSeries]) -> Json:
    """The `records` block of results.json; `runs` in the order they were begun, excluded ones too."""
    return {
        "supply": _summaries(_supply(runs)),
        "ambient": _summaries(_ambient(runs)),
        "clocks": [_clock(run) for run in runs],
        "phases": [_phases(run) for run in runs],
        "inputs": _inputs(runs),
        "programs": _programs(runs),
        "environments": _environments(runs),
    }


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


def _summaries(entries: Iterator[tuple[str, str, str, Floats]]) -> list[Json]:
    """Per source and quantity: mean over the runs' means, least and greatest value."""
    gathered: dict[tuple[str, str, str], list[Floats]] = {}
    for source, name, unit, values in entries:
        if values.size:
            gathered.setdefault((source, name, unit), []).append(values)
    rows = []
    for (source, name, unit), groups in gathered.items():
        mean = mean_of([float(group.mean()) for group in groups], unit)
        edges = {
            "least": min(float(group.min()) for group in groups),
            "greatest": max(float(group.max()) for group in groups),
        }
        rows.append({"source": source, "quantity": name, "unit": unit, "mean": mean and mean.to_json(), **edges})
    return rows


def _clock(run: RunSeries) -> Json:
    """The fitted clock of a run; nulls where no exchange was recorded."""
    model = run.clock
    plain: Json = {"folder": run.run.path.name, "time_base": run.run.start.time_base}
    if model is None:
        return plain | dict.fromkeys(("exchanges", "bound_s", "drift_ppm", "steps"))
    steps = [{"side": step.side, "jump_s": step.jump_ns * NS} for step in model.steps]
    drift = {"drift_ppm": model.drift * 1e6, "steps": steps}
    return plain | {"exchanges": model.exchanges, "bound_s": model.bound_ns * NS} | drift


def _phases(run: RunSeries) -> Json:
    """Phase -> its length (s), of those that were marked at both ends."""
    edges: dict[str, dict[str, int]] = {}
    for event in run.run.events:
        if isinstance(event, PhaseEvent):
            edges.setdefault(event.name, {}).setdefault(event.edge, event.time_ns)
    lengths = {
        f"{name}_s": (both["end"] - both["begin"]) * NS for name, both in edges.items() if {"begin", "end"} <= set(both)
    }
    return {"folder": run.run.path.name, **lengths}


def _inputs(runs: Sequence[RunSeries]) -> list[Json]:
    """Which file of which digest went into which scenario's runs, and how many of them."""
    rows: dict[str, Json] = {}
    for run in runs:
        for row in _files(run.run.start):
            found = rows.setdefault(dump(row), row | {"n_runs": 0})
            found["n_runs"] += 1

    def place(row: Json) -> tuple[str, int, str, str]:
        return row["scenario"], ORDER.index(row["of"]), row["file"], str(row["sha256"])

    return sorted(rows.values(), key=place)


def _files(start: Start) -> Iterator[Json]:
    """Every file of a run: settings and agent, what was staged, what the command names on the SUT besides."""
    plain: Json = {"scenario": start.scenario, "bytes": None, "kept": True, "why": None}
    for name, digest in start.inputs.items():
        yield plain | {"of": SETTINGS, "file": name, "sha256": digest}
    for name, staged in (start.staged or {}).items():
        of = str(staged.get("of"))
        told = {key: staged.get(key) for key in ("sha256", "bytes", "kept")}
        yield plain | {"of": of if of in ORDER else PROGRAM, "file": name, **told}
    for one in start.on_sut or []:
        told = {key: one.get(key) for key in ("sha256", "bytes", "why")}
        yield plain | {"of": ON_SUT, "file": str(one.get("path")), "kept": False, **told}


def _programs(runs: Sequence[RunSeries]) -> Json:
    """Of how many scenario runs it is recorded what they are made of."""
    starts = [run.run.start for run in runs if run.run.start.kind == "scenario"]
    return {"n_runs": len(starts), "recorded": sum(start.staged is not None for start in starts)}


def _environments(runs: Sequence[RunSeries]) -> list[Json]:
    """Every Python that ran a scenario's command, with its packages, and in how many of its runs."""
    rows: dict[str, Json] = {}
    for run in runs:
        if (environment := run.run.start.environment) is not None:
            row = {"scenario": run.run.start.scenario, **environment}
            rows.setdefault(dump(row), row | {"n_runs": 0})["n_runs"] += 1
    return sorted(rows.values(), key=lambda row: (row["scenario"], str(row.get("sha256"))))
