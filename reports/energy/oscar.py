"""The OSCAR rule (method.md section 2), always beside ours: the first N rows with t >= the run's beginning.

Knows rows and runs. Knows no window overlap: the rule ignores it, and takes one row for one second.

N is the scenario's length in whole seconds: the mean duration of its runs, rounded up (217 for Okular's 216.86 s and
216.43 s; the published report uses the same N for the baseline). Wh = sum(W) / 3600; induced = mean(Wh run) - mean(Wh
baseline). `sd_over_runs_w` is the mean over the N seconds of the standard deviation across runs. A run with fewer rows
gives those it has, a shorter baseline its mean power for N seconds; `reason` then says so.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.readings.series import Indicators, PowerSeries, period_s

RULE = "first N rows with t >= startTestrun; Wh = sum(W)/3600; induced = mean(Wh run) - mean(Wh baseline)"


@dataclass(frozen=True, slots=True)
class OscarInput:
    """One run: its power stream, its indicators, its beginning (ns)."""

    power: PowerSeries
    indicators: Indicators | None
    begin_ns: int


@dataclass(frozen=True, slots=True)
class OscarValues:
    """What the rule gives for a scenario; per-run arrays of shape (runs,). `reason` says what is missing."""

    seconds: int
    reason: str | None
    mean_power_w: NDArray[np.float64]
    sd_over_runs_w: float | None
    energy_wh: NDArray[np.float64]
    baseline_energy_wh: NDArray[np.float64]
    baseline_power_w: NDArray[np.float64]
    hardware: dict[str, NDArray[np.float64]]


def evaluate(
    durations_s: NDArray[np.float64], runs: Iterable[OscarInput], baseline: Iterable[OscarInput]
) -> OscarValues:
    """Apply the rule to the runs of one scenario and the baseline runs, each of which is asked for once."""
    seconds = math.ceil(float(durations_s.mean()) - 1e-6)
    taken, empty = [], np.zeros(0)
    for run in runs:
        if reason := _unusable(run):
            return OscarValues(seconds, reason, empty, None, empty, empty, empty, {})
        taken.append(_Taken(_first_rows(run, seconds), _indicator_means(run, seconds)))
    rows, base = [run.rows for run in taken], [_first_rows(run, seconds) for run in baseline]
    common = min(row.size for row in rows)
    table = np.array([row[:common] for row in rows])
    short = sum(row.size < seconds for row in rows), sum(row.size < seconds for row in base)
    baseline_w = np.array([row.mean() for row in base if row.size])
    return OscarValues(
        seconds,
        f"{short[0]} runs and {short[1]} baseline blocks have fewer than {seconds} rows" if any(short) else None,
        np.array([row.mean() for row in rows]),
        float(table.std(axis=0, ddof=1).mean()) if len(table) > 1 else None,
        np.array([row.sum() for row in rows]) / 3600,
        baseline_w * seconds / 3600,
        baseline_w,
        _hardware(taken),
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    """What the rule takes of one run: rows, mean of each indicator's rows."""

    rows: NDArray[np.float64]
    means: dict[str, float]


def _unusable(run: OscarInput) -> str | None:
    if abs(period_s(run.power.times_ns) - 1) > 0.1:
        return "the rule takes one row for one second, and this meter does not give one row a second"
    if run.power.times_ns[-1] < run.begin_ns:
        return "a run without power readings"
    return None


def _first_rows(run: OscarInput, seconds: int) -> NDArray[np.float64]:
    """The rows alone, so that the rest of the stream can be let go."""
    first = int(np.searchsorted(run.power.times_ns, run.begin_ns))
    return run.power.power_w[first : first + seconds].copy()


def _indicator_means(run: OscarInput, seconds: int) -> dict[str, float]:
    """Indicator -> mean of its first N rows; empty where the run has none."""
    if run.indicators is None:
        return {}
    first = int(np.searchsorted(run.indicators.times_ns, run.begin_ns))
    rows = run.indicators.values[first : first + seconds]
    if not len(rows):
        return {}
    return {name: float(column.mean()) for name, column in zip(run.indicators.names, rows.T, strict=True)}


def _hardware(runs: Sequence[_Taken]) -> dict[str, NDArray[np.float64]]:
    """Indicator -> its means, per run that has any."""
    values: dict[str, list[float]] = {}
    for run in runs:
        for name, mean in run.means.items():
            values.setdefault(name, []).append(mean)
    return {name: np.array(column) for name, column in values.items()}
