"""What measuring takes of a SUT that is the measuring machine: by hand, where the numbers are known."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from reports.findings.foreign_load import BusyCpu
from reports.findings.own_load import of_host
from reports.readings.series import RunSeries

SECOND = 1_000_000_000


def series(kind: str, host: float | None, agent: float) -> RunSeries:
    """A run of 10 s, sampled once a second; what host and agent take of a CPU (None: the host is another machine)."""
    seconds = np.arange(14)
    columns: dict[str, Any] = {"agent_cpu_s": seconds * agent}
    if host is not None:
        columns["host_cpu_s"] = seconds * host
    indicators = SimpleNamespace(times_ns=seconds * SECOND, columns=columns)
    run = SimpleNamespace(start=SimpleNamespace(kind=kind))
    parts = SimpleNamespace(indicators=indicators, begin_ns=SECOND, end_ns=11 * SECOND, run=run)
    return cast(RunSeries, parts)


def test_the_cost_is_that_of_host_and_agent_in_runs_beside_the_baseline() -> None:
    runs = [series("baseline", 0.02, 0.01), series("scenario", 0.05, 0.02), series("scenario", 0.03, 0.02)]
    (finding,) = of_host(runs, BusyCpu(10.0, "sync pulse"))
    assert (finding.code, finding.severity) == ("host-on-sut", "warn")
    assert finding.evidence["busy_cpus_in_runs"] == pytest.approx(0.06)
    assert finding.evidence["busy_cpus_in_baseline"] == pytest.approx(0.03)
    assert finding.evidence["power_in_runs_w"] == pytest.approx(0.6)
    assert finding.evidence["power_above_baseline_w"] == pytest.approx(0.3)
    assert finding.evidence["shown_by"] == "sync pulse"


def test_watts_are_not_said_where_the_campaign_does_not_show_them() -> None:
    (finding,) = of_host([series("scenario", 0.05, 0.02)], None)
    assert finding.evidence["watts_of_a_busy_cpu"] is None
    assert "power_in_runs_w" not in finding.evidence
    assert finding.evidence["busy_cpus_above_baseline"] is None


def test_another_machine_has_no_such_cost() -> None:
    assert of_host([series("baseline", None, 0.01), series("scenario", None, 0.01)], BusyCpu(10.0, "x")) == []
