"""Foreign load: what other processes than the load and the agent did to the energy of a run (method.md section 12).

Knows one run's CPU counters, the baseline's share beside them, what a busy CPU takes, and the limits. Knows no other
finding and no sentence.

The share is what all CPUs did, less the command with its descendants, less the agent; from the last sample before the
interval to the second one after it, when every child of the command has been counted. What was the same in the baseline
is subtracted with it, so judged is the difference of both (of either sign: what a load pushes aside lacks in its own
energy too),

    |share of the run - share of the baseline| CPUs * watts of a busy CPU * duration   against   U of its induced energy

Watts of a busy CPU come from this campaign alone: a sync pulse's full load, the observer effect's load, the scenario
`full-load`, each less idle, by the number of CPUs. Where none was measured, or the run's U is not known, fixed
percentages of all CPUs take the place (`harness.record.documents.foreign_load_grade`), which are conventions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.record.documents import Json, Thresholds, foreign_load_grade
from reports.energy.observer import ObserverEffect
from reports.energy.sync import SyncPulses
from reports.readings.series import Indicators, RunSeries
from reports.results.finding import Finding, Severity
from reports.results.rules import Rule, was

COUNTERS = ("busy_cpu_s", "load_cpu_s", "agent_cpu_s")


@dataclass(frozen=True, slots=True)
class BusyCpu:
    """What a busy CPU takes (W), and what of the campaign shows it."""

    power_w: float
    source: str


def share_percent(series: RunSeries, begin_ns: int, end_ns: int) -> float | None:
    """CPU time of neither the load nor the agent, in % of all CPUs; None where it was not recorded."""
    indicators, cpus = series.indicators, cpus_of(series)
    if indicators is None or cpus is None or any(name not in indicators.columns for name in COUNTERS):
        return None
    first, last = around(indicators, begin_ns, end_ns)
    busy, load, agent = (float(indicators.columns[name][last] - indicators.columns[name][first]) for name in COUNTERS)
    duration_s = float(indicators.times_ns[last] - indicators.times_ns[first]) * 1e-9
    share = 100 * (busy - load - agent) / (cpus * duration_s) if duration_s > 0 else float("nan")
    return share if np.isfinite(share) else None


def cpus_of(series: RunSeries) -> int | None:
    """How many CPUs the SUT has; None where it did not say."""
    cpus = series.run.start.sut.get("cpu_count")
    return cpus if isinstance(cpus, int) and 0 < cpus < 1_000_000 else None


def around(indicators: Indicators, begin_ns: int, end_ns: int) -> tuple[int, int]:
    """The last sample before the interval and the second one after it."""
    first = int(np.searchsorted(indicators.times_ns, begin_ns, side="right")) - 1
    last = int(np.searchsorted(indicators.times_ns, end_ns)) + 1
    return max(first, 0), min(last, indicators.times_ns.size - 1)


def busy_cpu(
    runs: Sequence[RunSeries], pulses: SyncPulses, observer: ObserverEffect | None, full_load_w: Sequence[float]
) -> BusyCpu | None:
    """What a busy CPU takes, by the first of the sources that shows it; `full_load_w`: mean power above the baseline of
    every run of the scenario `full-load`."""
    counts = [cpus for run in runs if (cpus := cpus_of(run)) is not None]
    if not counts:
        return None
    for source, above_w in (
        ("sync pulse", _by_pulses(runs, pulses)),
        ("observer effect", _by_observer(observer)),
        ("scenario full-load", float(np.mean(full_load_w)) if len(full_load_w) else None),
    ):
        if above_w is not None and above_w > 0:  # NaN is not
            return BusyCpu(above_w / counts[0], source)
    return None


def _by_pulses(runs: Sequence[RunSeries], pulses: SyncPulses) -> float | None:
    """Full load less idle (W), over the pulses that every meter of the SUT's circuits shows."""
    meters = {run.run.path.name: run.primary_meters for run in runs}
    steps_w: dict[str, dict[str, float]] = {}
    for pulse in pulses.pulses:
        if pulse.fit is not None:
            steps_w.setdefault(pulse.folder, {})[pulse.descriptor.meter] = pulse.fit.high_w - pulse.fit.low_w
    whole = [
        sum(own[meter] for meter in meters[folder])
        for folder, own in steps_w.items()
        if meters.get(folder) and all(meter in own for meter in meters[folder])
    ]
    return float(np.mean(whole)) if whole else None


def _by_observer(observer: ObserverEffect | None) -> float | None:
    if observer is None or observer.load is None or observer.idle is None:
        return None
    load, idle = observer.load.with_agent, observer.idle.with_agent
    return None if load is None or idle is None else load.estimate.value - idle.estimate.value


@dataclass(frozen=True, slots=True)
class Judged:
    """One run that is judged: its shares in % of all CPUs, its length (s), U of its induced energy (J, None where it is
    not known)."""

    folder: str
    percent: float
    baseline_percent: float
    cpus: int
    duration_s: float
    expanded_j: float | None


def findings_of(run: Judged, cpu: BusyCpu | None, limits: Thresholds) -> Iterator[Finding]:
    """`foreign-load`: a warning, or invalid: then the run enters no mean."""
    if was(Rule.FOREIGN_LOAD):
        if run.percent > limits.foreign_load_percent:
            known = {"percent_of_all_cpus": run.percent, "limit_percent": limits.foreign_load_percent}
            yield Finding("foreign-load", "warn", run.folder, known)
        return
    away = run.percent - run.baseline_percent
    evidence: Json = {"percent_of_all_cpus": run.percent, "baseline_percent": run.baseline_percent}
    if cpu is None or run.expanded_j is None:
        grade = foreign_load_grade(run.percent, run.baseline_percent, limits)
        keys = {"warn": "foreign_load_percent", "invalid": "foreign_load_invalid_percent"}
        if grade is not None:
            yield Finding("foreign-load", grade, run.folder, evidence | {"limit_percent": getattr(limits, keys[grade])})
        return
    energy_j = abs(away) / 100 * run.cpus * cpu.power_w * run.duration_s
    severity = _by_energy(energy_j, run.expanded_j, limits)
    if severity is not None:
        evidence |= {"watts_of_a_busy_cpu": cpu.power_w, "shown_by": cpu.source}
        yield Finding(
            "foreign-load",
            severity,
            run.folder,
            evidence | {"energy_wh": energy_j / 3600, "U_wh": run.expanded_j / 3600},
        )


def _by_energy(energy_j: float, expanded_j: float, limits: Thresholds) -> Severity | None:
    if energy_j > limits.foreign_energy_invalid_percent / 100 * expanded_j:
        return "invalid"
    return "warn" if energy_j > limits.foreign_energy_percent / 100 * expanded_j else None
