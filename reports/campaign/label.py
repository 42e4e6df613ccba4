"""The rows that DE-UZ 215 asks for, and whether the measurement is complete (formats.md).

Knows runs, their indicators' means and the Numbers of baseline and scenarios. Knows no file of a page and no sentence:
checks are codes with evidence.

    baseline (3.1.1.3)     a mean CPU, b mean RAM, c permanent storage, d bandwidth, e mean power, all gross
    idle     (3.1.1.3)     a1 ... d1 what the product causes (mean minus baseline's mean), e1 mean power, net
    usage    (3.1.1.4)     a, b, c, d as work: mean times duration of each run, e energy; net (long-term test: gross)
    edition 1              net = load - base, factor = net / (full load - base), effective = net + factor base,
                           utilisation = effective duration
The idle scenario is the one named `idle`, full load the one named `full-load`; every other scenario is a usage.

Decisions
- 1 MByte is 1 000 000 byte; what was recorded in kB (1000 byte), KiB (1024) or MiB (1024 KiB) is converted once, by
  FACTORS. Bandwidth is received and sent together, 8 bits a byte.
- b is memory that is not free (total - free, caches included), as collectl counts it and the published evaluations do;
  total - available stands beside it as an extension. A row names the indicators it is made of. Where no run has that
  one (until 2026-11) b is what was recorded as in use.
- c is storage in use; nothing records it, so the row is empty. What is recorded, the amount read and written, stands
  beside it as an extension, as does everything of a GPU.
- u of a net value holds the spread of the runs and the baseline's (mean_with_shared); row e takes over the Number that
  stands in the results, with its budget.
- A check that cannot be shown is not passed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json, Thresholds, facts_of_sut
from reports.readings.series import RunSeries
from reports.results.rules import Rule, was
from reports.results.uncertainty import Number, Term, mean_of, mean_with_shared, single, standard_error

IDLE, FULL_LOAD, BASELINE = "idle", "full-load", "baseline"
WAIT_S = 60.0
LENGTH_TOLERANCE = 0.01
"""Lengths count as equal within 1 %."""
PERIOD_S = 1.1
"""Data count as once a second when the median distance of two rows is not above this."""
CLOCK_BOUND_S = 0.5
"""Clocks count as synchronised when no stamp is wrong by more than half a second: a row falls into its own second."""
NS = 1e-9
REFERENCE = ("year", "model", "cpu", "cores", "clock", "ram", "disk", "gpu", "network", "psu", "board", "os")
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelRun:
    """One run that enters the means: its streams and the mean of each indicator over its interval."""

    series: RunSeries
    means: Mapping[str, float]

    @property
    def interval_ns(self) -> tuple[int, int]:
        """The rating interval."""
        assert self.series.begin_ns is not None
        assert self.series.end_ns is not None
        return self.series.begin_ns, self.series.end_ns

    @property
    def duration_s(self) -> float:
        """Its length."""
        return (self.interval_ns[1] - self.interval_ns[0]) * NS


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the label: which indicators it sums (patterns, the first that matches counts), its unit as a mean.

    `average`: the mean over the matching indicators, not their sum (the load of several GPUs). `least`: so many
    indicators make the sum, without one of them there is none. `factors`: indicator -> from its unit to the row's.
    """

    letter: str
    quantity: str
    patterns: tuple[str, ...]
    unit: str
    extension: bool = False
    average: bool = False
    least: int = 1
    factors: Mapping[str, float] = field(default_factory=dict)

    def of(self, units: Mapping[str, str]) -> "Row":
        """This row, made of what was recorded. `units`: indicator -> unit of its means."""
        for pattern in self.patterns:
            known = {name: FACTORS.get((unit, self.unit)) for name, unit in units.items()}
            factors = {n: factor for n, factor in known.items() if factor is not None and re.fullmatch(pattern, n)}
            if len(factors) >= (1 if was(Rule.LABEL_HALVES) else self.least):
                return replace(self, factors=factors)
        return self

    def values(self, runs: Sequence[LabelRun]) -> Floats:
        """Mean over each run's interval, shape (runs,); NaN where a run has none of it."""
        return np.array([self._of(run.means) for run in runs], dtype=np.float64)

    def _of(self, means: Mapping[str, float]) -> float:
        values = [means[name] * factor for name, factor in self.factors.items() if name in means]
        if not values or (len(values) < len(self.factors) and not self.average):
            return float("nan")
        return float(np.mean(values)) if self.average else float(np.sum(values))


ROWS = (
    Row("a", "processor", ("cpu_percent",), "%"),
    Row("b", "memory", ("ram_not_free_kib", "ram_used_kb"), "MByte"),
    Row("c", "storage", (), "MByte"),
    Row("d", "network", ("net_(received|sent)_kb", "net_(received|sent)_kib_per_s"), "Mbit/s", least=2),
)
EXTENSIONS = (
    Row("", "memory-unavailable", ("ram_used_kib",), "MByte", extension=True),
    Row(
        "",
        "storage-traffic",
        ("disk_(read|write)_kb", "disk_(read|write)_kib_per_s"),
        "MByte/s",
        extension=True,
        least=2,
    ),
    Row("", "gpu-processor", (r"gpu\d+_load_percent",), "%", extension=True, average=True),
    Row("", "gpu-memory", (r"gpu\d+_memory_used_mib",), "MByte", extension=True),
)
FACTORS = {
    ("%", "%"): 1.0,
    ("kB", "MByte"): 1e-3, ("KiB", "MByte"): 1.024e-3, ("MiB", "MByte"): 1.048576,
    ("kB/s", "MByte/s"): 1e-3, ("KiB/s", "MByte/s"): 1.024e-3,
    ("kB/s", "Mbit/s"): 8e-3, ("KiB/s", "Mbit/s"): 8.192e-3,
}  # fmt: skip
"""(unit of an indicator's mean, unit of the row) -> factor."""


def evaluate(
    runs: Mapping[str, Sequence[LabelRun]], units: Mapping[str, str], baseline: Json | None,
    scenarios: Mapping[str, Json], limits: Thresholds, everyone: Sequence[RunSeries], photos: int,
) -> Json:  # fmt: skip
    """The label's block of results.json. `runs`: part (`baseline` or a scenario) -> its runs that enter the means, each
    with a rating interval; `units`: indicator -> unit of its means; `baseline`, `scenarios`: those parts of
    results.json; `everyone`: every run, excluded ones too; `photos`: how many are attached."""
    rows = [row.of(units) for row in (*ROWS, *EXTENSIONS)]
    base = runs.get(BASELINE, ())
    usages = [name for name in scenarios if name not in (IDLE, FULL_LOAD) and runs.get(name)]
    return {
        "baseline": _baseline_rows(rows, base, baseline) if base else None,
        "idle": _idle_rows(rows, runs[IDLE], base, scenarios[IDLE], baseline) if runs.get(IDLE) else None,
        "usage": {name: _usage_rows(rows, runs[name], base, scenarios[name]) for name in usages},
        "allocation": {name: _allocation(rows, runs[name], base, runs.get(FULL_LOAD, ())) for name in usages},
        "reference_system": reference_system(runs),
        "checks": [*_measurement_checks(runs, usages, limits, everyone), *_record_checks(runs, photos)],
    }


def _row(row: Row, unit: str, asked: str, gross: Number | None, net: Number | None) -> Json:
    plain = {"letter": row.letter, "quantity": row.quantity, "unit": unit, "extension": row.extension}
    return plain | {"asked": asked, "gross": _json(gross), "net": _json(net), "indicators": list(row.factors)}


def _last(quantity: str, unit: str, asked: str, gross: Json | None, net: Json | None) -> Json:
    """Row e, its Numbers as they stand in the results."""
    letter, extension = ("e", False) if not quantity.startswith("gpu") else ("", True)
    plain = {"letter": letter, "quantity": quantity, "unit": unit, "extension": extension}
    return plain | {"asked": asked, "gross": gross, "net": net, "indicators": []}


def _baseline_rows(rows: Sequence[Row], base: Sequence[LabelRun], baseline: Json | None) -> list[Json]:
    found = [_row(row, row.unit, "gross", mean_of(row.values(base), row.unit), None) for row in _present(rows, base)]
    found.append(_last("power", "W", "gross", (baseline or {}).get("mean_power_w"), None))
    if gpu_w := (baseline or {}).get("gpu_power_w"):
        found.append(_last("gpu-power", "W", "gross", gpu_w, None))
    return _own_first(found)


def _idle_rows(
    rows: Sequence[Row], runs: Sequence[LabelRun], base: Sequence[LabelRun], scenario: Json, baseline: Json | None
) -> list[Json]:
    found = []
    for row in _present(rows, runs):
        values = row.values(runs)
        found.append(_row(row, row.unit, "net", mean_of(values, row.unit), _net(row, values, base, None)))
    found.append(_last("power", "W", "net", scenario.get("mean_power_w"), scenario.get("induced_power_w")))
    if (scenario.get("gpu") or {}).get("mean_power_w") and (baseline or {}).get("gpu_power_w"):
        found.append(_last("gpu-power", "W", "net", scenario["gpu"]["mean_power_w"], None))
    return _own_first(found)


def _usage_rows(rows: Sequence[Row], runs: Sequence[LabelRun], base: Sequence[LabelRun], scenario: Json) -> list[Json]:
    durations_s = np.array([run.duration_s for run in runs])
    found = []
    for row in _present(rows, runs):
        unit, values = _work_unit(row.unit), row.values(runs)
        gross = mean_of(values * durations_s, unit)
        found.append(_row(row, unit, "net", gross, _net(row, values, base, durations_s)))
    found.append(_last("energy", "Wh", "net", scenario.get("energy_wh"), scenario.get("induced_energy_wh")))
    if gpu := scenario.get("gpu"):
        found.append(_last("gpu-energy", "Wh", "net", gpu.get("energy_wh"), gpu.get("induced_energy_wh")))
    return _own_first(found)


def _own_first(rows: list[Json]) -> list[Json]:
    """The label's rows a to e, then the extensions."""
    return sorted(rows, key=lambda row: bool(row["extension"]))


def _work_unit(unit: str) -> str:
    """The unit of a mean times seconds."""
    return {"MByte/s": "MByte", "Mbit/s": "Mbit/s·s"}.get(unit, f"{unit}·s")


def _present(rows: Sequence[Row], runs: Sequence[LabelRun]) -> list[Row]:
    """The label's own rows, and the extensions that were recorded."""
    return [row for row in rows if not row.extension or np.isfinite(row.values(runs)).any()]


def _net(row: Row, values: Floats, base: Sequence[LabelRun], durations_s: Floats | None) -> Number | None:
    """Mean of (value minus the baseline's mean), times each run's duration where one is given."""
    blocks = row.values(base)
    level = mean_of(blocks, row.unit)
    if level is None:
        return None
    over, shared = values - level.estimate.value, standard_error(blocks)
    if durations_s is None:
        return mean_with_shared(over, row.unit, shared)
    longer = None if shared is None else Term(shared.u * float(durations_s.mean()), shared.dof)
    return mean_with_shared(over * durations_s, _work_unit(row.unit), longer)


def _allocation(
    rows: Sequence[Row], runs: Sequence[LabelRun], base: Sequence[LabelRun], full: Sequence[LabelRun]
) -> Json:
    """Edition 1, row by row; empty with a reason where full load or baseline was not measured."""
    if not full or not base:
        return {"reason": "no-full-load-scenario" if base else "no-baseline", "rows": []}
    duration_s = float(np.mean([run.duration_s for run in runs]))
    parts = []
    for row in _present(rows, runs):
        found = [mean_of(row.values(part), row.unit) for part in (base, runs, full)]
        base_level, load, full_level = (None if number is None else number.estimate.value for number in found)
        if base_level is None or load is None or full_level is None or full_level <= base_level:
            continue
        net = load - base_level
        factor = net / (full_level - base_level)
        effective = net + factor * base_level
        levels = {"base": base_level, "load": load, "full": full_level, "net": net, "effective": effective}
        parts.append(
            {"letter": row.letter, "quantity": row.quantity, "unit": row.unit, "extension": row.extension}
            | {name: single(level, row.unit).to_json() for name, level in levels.items()}
            | {"factor": single(factor, "1").to_json()}
            | {"utilisation": single(effective * duration_s, _work_unit(row.unit)).to_json()}
        )
    return {"reason": None, "rows": parts}


def reference_system(runs: Mapping[str, Sequence[LabelRun]]) -> Json:
    """The columns of the backward-compatibility table; null where neither the SUT nor lab.toml says it."""
    first = next((run.series.run.start for part in runs.values() for run in part), None)
    if first is None:
        return dict.fromkeys(REFERENCE)
    config = first.config.get("sut")
    told = config.get("description") if isinstance(config, dict) else None
    described: Json = told if isinstance(told, dict) else {}
    sut = facts_of_sut(first.sut)
    gpus = [str(gpu["name"]) for gpu in sut.get("gpus") or [] if isinstance(gpu, dict) and gpu.get("name")]
    memory = sut.get("memory_kib")
    clock = sut.get("cpu_max_khz")
    asked: Json = {
        "model": sut.get("system"), "cores": sut.get("cpu_count"), "clock": None if clock is None else f"{clock} kHz",
        "ram": None if memory is None else f"{memory} {'kB' if was(Rule.UNITS) else 'KiB'}",
        "gpu": ", ".join(gpus) or ("none" if "gpus" in sut else None),
    }  # fmt: skip
    return {key: described.get(key) or sut.get(key) or asked.get(key) or None for key in REFERENCE}


def _measurement_checks(
    runs: Mapping[str, Sequence[LabelRun]],
    usages: Sequence[str],
    limits: Thresholds,
    everyone: Sequence[RunSeries],
) -> list[Json]:
    """Lengths, repetitions, waits: of baseline, idle and each usage."""
    parts = {name: list(runs.get(name, ())) for name in (BASELINE, IDLE, *usages)}
    lengths_s = {name: float(np.mean([run.duration_s for run in part])) for name, part in parts.items() if part}
    absent = [name for name, part in parts.items() if not part] + ([] if usages else ["usage"])
    longest_s, shortest_s = max(lengths_s.values(), default=0.0), min(lengths_s.values(), default=0.0)
    spread = (longest_s - shortest_s) / longest_s if longest_s else 0.0
    needed = {name: int(limits.min_scenario_runs if name in usages else limits.min_baseline_runs) for name in parts}
    counts = {name: len(part) for name, part in parts.items()}
    waits_s = _waits_s(runs, everyone)
    least = {name: min(waits_s[name]) for name in parts if waits_s.get(name)}
    return [
        _check("parts-measured", not absent, {"absent": absent}),
        _check("equal-lengths", not absent and spread <= LENGTH_TOLERANCE,
               {"lengths_s": lengths_s, "spread": spread, "limit": LENGTH_TOLERANCE}),
        _check("five-minutes", bool(lengths_s) and shortest_s >= limits.min_interval_s,
               {"shortest_s": shortest_s, "limit_s": limits.min_interval_s}),
        _check("repetitions", bool(usages) and all(counts[name] >= needed[name] for name in parts),
               {"runs": counts, "needed": needed}),
        _check("wait", not absent and set(least) == set(parts) and all(least[name] >= WAIT_S for name in parts),
               {"shortest_wait_s": least, "limit_s": WAIT_S}),
    ]  # fmt: skip


def _waits_s(runs: Mapping[str, Sequence[LabelRun]], everyone: Sequence[RunSeries]) -> dict[str, list[float]]:
    """Part -> time between the end of the run before (whatever it was, on the same clock) and the beginning; of a first
    run, what it recorded before it began."""
    part_of = {run.series.run.path: name for name, part in runs.items() for run in part}
    waits: dict[str, list[float]] = {}
    ends: dict[tuple[str, object], int] = {}
    for series in sorted(everyone, key=lambda one: one.run.start.utc):
        start = series.run.start
        if series.begin_ns is None or series.end_ns is None:
            continue
        measured = start.time_base == "host-monotonic"
        clock = (start.time_base, start.host.get("boot_id") if measured else "")
        since = ends.get(clock, start.time_ns if measured else None)
        if since is not None and (name := part_of.get(series.run.path)):
            waits.setdefault(name, []).append((series.begin_ns - since) * NS)
        ends[clock] = series.end_ns
    return waits


def _record_checks(runs: Mapping[str, Sequence[LabelRun]], photos: int) -> list[Json]:
    """Data once a second, clocks synchronised, the measurement system documented."""
    everyone = [run.series for part in runs.values() for run in part]
    periods = [period_s for series in everyone for period_s in series.periods_s]
    samples = [series.sample_period_s for series in everyone if series.sample_period_s is not None]
    bounds = [series.clock.bound_ns * NS for series in everyone if series.clock is not None]
    known = bool(everyone) and len(bounds) == len(everyone)
    # One reading alone has no period: the largest is then unknown, which is no data once a second.
    slowest = {
        name: max(lengths_s) if lengths_s and np.isfinite(lengths_s).all() else None
        for name, lengths_s in (("readings_s", periods), ("indicators_s", samples))
    }
    whole = len(samples) == len(everyone) and bool(periods)
    missing = _undocumented(everyone, photos)
    return [
        _check("one-second-data", whole and all(one is not None and one <= PERIOD_S for one in slowest.values()),
               slowest | {"runs_without_indicators": len(everyone) - len(samples), "limit_s": PERIOD_S}),
        _check("clocks-synchronised", known and max(bounds) <= CLOCK_BOUND_S,
               {"largest_bound_s": max(bounds, default=None), "runs_without_exchanges": len(everyone) - len(bounds),
                "limit_s": CLOCK_BOUND_S}),
        _check("documentation", bool(everyone) and not missing, {"missing": missing}),
    ]  # fmt: skip


def _undocumented(everyone: Sequence[RunSeries], photos: int) -> list[str]:
    """What of the measurement system is not in the record, by name."""
    if not everyone:
        return []
    run = everyone[0].run
    columns = [column for descriptor in run.indicators for column in descriptor.columns]
    there = {
        "host": run.start.time_base == "host-monotonic" and bool(run.start.host.get("hostname")),
        "sut": bool(run.start.sut.get("cpu")),
        "meter": bool(run.power) and all(one.identity.get("model") for one in run.power),
        "meter-serial": bool(run.power) and all(one.identity.get("serial") for one in run.power),
        "link": any(one.evidence.get(key) for one in run.power for key in ("port", "device", "url")),
        "where-stamps-are-made": bool(run.power) and all(one.stamp != "unknown" for one in run.power),
        "averaging": bool(run.power),
        "source-of-counters": bool(columns) and all(column.get("method") for column in columns),
        "photo": photos > 0,
    }
    return [name for name, known in there.items() if not known]


def _check(code: str, passed: bool, evidence: Json) -> Json:
    return {"code": code, "passed": bool(passed), "evidence": evidence}


def _json(number: Number | None) -> Json | None:
    return None if number is None else number.to_json()
