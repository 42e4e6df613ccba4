"""`host-on-sut`: what measuring itself did to a SUT that is the measuring machine too.

Knows the counters of CPU time that the agent records there of itself and of the host's process (`host_cpu_s`, only
where both are one machine), and what a busy CPU takes where the campaign shows it. Its power stands in every gross
energy; in an induced energy only what the runs have of it above the baseline.
"""

from collections.abc import Sequence

import numpy as np

from harness.record.documents import Json
from reports.findings.foreign_load import BusyCpu, around
from reports.readings.series import RunSeries
from reports.results.finding import Finding

COUNTERS = ("host_cpu_s", "agent_cpu_s")


def of_host(runs: Sequence[RunSeries], cpu: BusyCpu | None) -> list[Finding]:
    """One finding where any run was recorded on the machine that measured: CPU seconds a second, in runs and in blocks
    of the baseline, and what they take by `cpu` (None: the campaign does not show it)."""
    blocks = _busy([run for run in runs if run.run.start.kind == "baseline"])
    rated = _busy([run for run in runs if run.run.start.kind == "scenario"])
    if blocks is None and rated is None:
        return []
    above = None if blocks is None or rated is None else rated - blocks
    evidence: Json = {
        "busy_cpus_in_runs": rated, "busy_cpus_in_baseline": blocks, "busy_cpus_above_baseline": above,
        "watts_of_a_busy_cpu": None if cpu is None else cpu.power_w, "shown_by": None if cpu is None else cpu.source,
    }  # fmt: skip
    if cpu is not None:
        parts = {"power_in_runs_w": rated, "power_above_baseline_w": above}
        evidence |= {name: None if busy is None else busy * cpu.power_w for name, busy in parts.items()}
    return [Finding("host-on-sut", "warn", "campaign", evidence)]


def _busy(runs: Sequence[RunSeries]) -> float | None:
    """Mean over some runs of what agent and host had of a CPU; None where no run says it."""
    shares = [share for run in runs if (share := _share(run)) is not None]
    return float(np.mean(shares)) if shares else None


def _share(run: RunSeries) -> float | None:
    indicators = run.indicators
    if indicators is None or run.begin_ns is None or run.end_ns is None:
        return None
    if not all(name in indicators.columns for name in COUNTERS):
        return None
    first, last = around(indicators, run.begin_ns, run.end_ns)
    length_s = float(indicators.times_ns[last] - indicators.times_ns[first]) * 1e-9
    spent_s = sum(float(indicators.columns[name][last] - indicators.columns[name][first]) for name in COUNTERS)
    return spent_s / length_s if length_s > 0 and np.isfinite(spent_s) else None
