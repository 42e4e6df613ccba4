"""The rows that DE-UZ 215 asks for (formats.md).

Knows runs, their indicators' means and the Numbers of baseline and scenarios. Does not know whether the measurement is
complete (label_checks.py), nor a page.

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
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Thresholds
from reports.campaign.label_checks import BASELINE, IDLE, LabelRun, checks_of
from reports.campaign.reference_system import reference_system
from reports.readings.series import RunSeries
from reports.results.baseline import BaselineResult
from reports.results.label import Allocation, AllocationRow, Label, LabelRow
from reports.results.rules import Rule, was
from reports.results.scenario import ScenarioResult
from reports.results.uncertainty import Number, Term, mean_of, mean_with_shared, single, standard_error

FULL_LOAD = "full-load"
Asked: TypeAlias = Literal["gross", "net"]
Floats = NDArray[np.float64]


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
    runs: Mapping[str, Sequence[LabelRun]], units: Mapping[str, str], baseline: BaselineResult | None,
    scenarios: Mapping[str, ScenarioResult], limits: Thresholds, everyone: Sequence[RunSeries], photos: int,
) -> Label:  # fmt: skip
    """The label's section of results.json. `runs`: part (`baseline` or a scenario) -> its runs that enter the means,
    each with a rating interval; `units`: indicator -> unit of its means; `baseline`, `scenarios`: those sections of
    results.json; `everyone`: every run, excluded ones too; `photos`: how many are attached."""
    rows = [row.of(units) for row in (*ROWS, *EXTENSIONS)]
    base = runs.get(BASELINE, ())
    usages = [name for name in scenarios if name not in (IDLE, FULL_LOAD) and runs.get(name)]
    first = next((run.series.run.start for part in runs.values() for run in part), None)
    return Label(
        baseline=_baseline_rows(rows, base, baseline) if base else None,
        idle=_idle_rows(rows, runs[IDLE], base, scenarios[IDLE], baseline) if runs.get(IDLE) else None,
        usage={name: _usage_rows(rows, runs[name], base, scenarios[name]) for name in usages},
        allocation={name: _allocation(rows, runs[name], base, runs.get(FULL_LOAD, ())) for name in usages},
        reference_system=reference_system(first),
        checks=checks_of(runs, usages, limits, everyone, photos),
    )


def _row(row: Row, unit: str, asked: Asked, gross: Number | None, net: Number | None) -> LabelRow:
    return LabelRow(row.letter, row.quantity, unit, row.extension, asked, gross, net, tuple(row.factors))


def _last(quantity: str, unit: str, asked: Asked, gross: Number | None, net: Number | None) -> LabelRow:
    """Row e, its Numbers as they stand in the results."""
    is_extension = quantity.startswith("gpu")
    return LabelRow("" if is_extension else "e", quantity, unit, is_extension, asked, gross, net, ())


def _baseline_rows(
    rows: Sequence[Row], base: Sequence[LabelRun], baseline: BaselineResult | None
) -> tuple[LabelRow, ...]:
    parts = [_row(row, row.unit, "gross", mean_of(row.values(base), row.unit), None) for row in _present(rows, base)]
    parts.append(_last("power", "W", "gross", None if baseline is None else baseline.mean_power_w, None))
    if baseline is not None and baseline.gpu_power_w is not None:
        parts.append(_last("gpu-power", "W", "gross", baseline.gpu_power_w, None))
    return _own_first(parts)


def _idle_rows(
    rows: Sequence[Row], runs: Sequence[LabelRun], base: Sequence[LabelRun], scenario: ScenarioResult,
    baseline: BaselineResult | None,
) -> tuple[LabelRow, ...]:  # fmt: skip
    parts = []
    for row in _present(rows, runs):
        values = row.values(runs)
        parts.append(_row(row, row.unit, "net", mean_of(values, row.unit), _net(row, values, base, None)))
    parts.append(_last("power", "W", "net", scenario.mean_power_w, scenario.induced_power_w))
    gpu_w = None if scenario.gpu is None else scenario.gpu.mean_power_w
    if gpu_w is not None and baseline is not None and baseline.gpu_power_w is not None:
        parts.append(_last("gpu-power", "W", "net", gpu_w, None))
    return _own_first(parts)


def _usage_rows(
    rows: Sequence[Row], runs: Sequence[LabelRun], base: Sequence[LabelRun], scenario: ScenarioResult
) -> tuple[LabelRow, ...]:
    durations_s = np.array([run.duration_s for run in runs])
    parts = []
    for row in _present(rows, runs):
        unit, values = _work_unit(row.unit), row.values(runs)
        gross = mean_of(values * durations_s, unit)
        parts.append(_row(row, unit, "net", gross, _net(row, values, base, durations_s)))
    parts.append(_last("energy", "Wh", "net", scenario.energy_wh, scenario.induced_energy_wh))
    if (gpu := scenario.gpu) is not None:
        parts.append(_last("gpu-energy", "Wh", "net", gpu.energy_wh, gpu.induced_energy_wh))
    return _own_first(parts)


def _own_first(rows: Sequence[LabelRow]) -> tuple[LabelRow, ...]:
    """The label's rows a to e, then the extensions."""
    return tuple(sorted(rows, key=lambda row: row.extension))


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
) -> Allocation:
    """Edition 1, row by row; empty with a reason where full load or baseline was not measured."""
    if not full or not base:
        return Allocation("no-full-load-scenario" if base else "no-baseline", ())
    duration_s = float(np.mean([run.duration_s for run in runs]))
    allocated = (_allocated(row, (base, runs, full), duration_s) for row in _present(rows, runs))
    return Allocation(None, tuple(row for row in allocated if row is not None))


def _allocated(row: Row, parts: Sequence[Sequence[LabelRun]], duration_s: float) -> AllocationRow | None:
    """One row of base, load and full load; None where full load is not above the baseline, or one is not known."""
    means = [mean_of(row.values(part), row.unit) for part in parts]
    base, load, full = (None if mean is None else mean.value for mean in means)
    if base is None or load is None or full is None or full <= base:
        return None
    net = load - base
    factor = net / (full - base)
    effective = net + factor * base
    return AllocationRow(
        row.letter, row.quantity, row.unit, row.extension, single(base, row.unit), single(load, row.unit),
        single(full, row.unit), single(net, row.unit), single(effective, row.unit), single(factor, "1"),
        single(effective * duration_s, _work_unit(row.unit)),
    )  # fmt: skip
