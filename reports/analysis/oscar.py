"""The OSCAR rule (method.md section 2), always beside ours: the first N rows with t >= the run's beginning.

Knows rows and runs. Knows no window overlap: the rule ignores it, and takes one row for one second.

N is the scenario's length in whole seconds: the mean duration of its runs, rounded up (217 for Okular's 216.86 s and 216.43 s; the published
report uses the same N for the baseline). Wh = sum(W) / 3600; induced = mean(Wh run) - mean(Wh baseline). `sd_over_runs_w` is the mean over the N
seconds of the standard deviation across runs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.analysis.series import Indicators, PowerSeries

RULE = "first N rows with t >= startTestrun; Wh = sum(W)/3600; induced = mean(Wh run) - mean(Wh baseline)"


@dataclass(frozen=True, slots=True)
class OscarInput:
    """One run: its power stream, its indicators, its beginning (ns)."""

    power: PowerSeries | None
    indicators: Indicators | None
    begin_ns: int


@dataclass(frozen=True, slots=True)
class OscarValues:
    """What the rule gives for a scenario; per-run arrays of shape (runs,). `reason` says why there is nothing."""

    seconds: int
    reason: str | None
    mean_power_w: NDArray[np.float64]
    sd_over_runs_w: float | None
    energy_wh: NDArray[np.float64]
    baseline_energy_wh: NDArray[np.float64]
    baseline_power_w: NDArray[np.float64]
    hardware: dict[str, NDArray[np.float64]]


def evaluate(
    durations_s: NDArray[np.float64], runs: Sequence[OscarInput], baseline: Sequence[OscarInput]
) -> OscarValues:
    """Apply the rule to the runs of one scenario and the baseline runs."""
    seconds = math.ceil(float(durations_s.mean()) - 1e-6)
    rows = [_first_rows(run, seconds) for run in runs]
    blocks = [_first_rows(run, seconds) for run in baseline]
    reason = _reason(runs, rows, seconds)
    empty = np.zeros(0)
    if reason:
        return OscarValues(seconds, reason, empty, None, empty, empty, empty, {})
    table = np.array([row for row in rows if row is not None])
    base = np.array([row for row in blocks if row is not None])
    complete = base.size > 0 and len(base) == len(blocks)
    return OscarValues(
        seconds,
        None if complete else "the baseline has fewer rows than the rule wants: no induced energy",
        table.mean(axis=1),
        float(table.std(axis=0, ddof=1).mean()) if len(table) > 1 else None,
        table.sum(axis=1) / 3600,
        base.sum(axis=1) / 3600 if complete else empty,
        base.mean(axis=1) if complete else empty,
        _hardware(runs, seconds),
    )


def _reason(runs: Sequence[OscarInput], rows: Sequence[NDArray[np.float64] | None], seconds: int) -> str | None:
    for run in runs:
        if run.power is None:
            return "a run without power readings"
        steps = np.diff(run.power.times_ns)
        if not steps.size or abs(float(np.median(steps)) * 1e-9 - 1) > 0.1:
            return "the rule takes one row for one second, and this meter does not give one row a second"
    if any(row is None for row in rows):
        return f"a run has fewer than {seconds} rows from its beginning on"
    return None


def _first_rows(run: OscarInput, seconds: int) -> NDArray[np.float64] | None:
    if run.power is None:
        return None
    first = int(np.searchsorted(run.power.times_ns, run.begin_ns))
    rows = run.power.power_w[first : first + seconds]
    return rows if rows.size == seconds else None


def _hardware(runs: Sequence[OscarInput], seconds: int) -> dict[str, NDArray[np.float64]]:
    """Indicator -> mean of its first N rows, per run that has them."""
    values: dict[str, list[float]] = {}
    for run in runs:
        if run.indicators is None:
            continue
        first = int(np.searchsorted(run.indicators.times_ns, run.begin_ns))
        rows = run.indicators.values[first : first + seconds]
        if len(rows) == seconds:
            for name, column in zip(run.indicators.names, rows.T, strict=True):
                values.setdefault(name, []).append(float(column.mean()))
    return {name: np.array(column) for name, column in values.items()}
