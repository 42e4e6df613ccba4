"""Findings on what SUT and agent say of one run: its clock, its marks, cells of its indicators (method.md section 7).

Knows one run's series and the thresholds. Knows no other run and no sentence.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import ClockEvent, Json, Thresholds
from reports.readings.actions import UNPAIRED, Lost
from reports.readings.series import RunSeries
from reports.results.finding import Finding
from reports.results.kinds.code import FindingCode

Floats = NDArray[np.float64]

SHOWN = 5
"""Actions, or stretches without a reading, that a finding names."""


def of_clock(series: RunSeries, energy_j: float, step_w: float, limits: Thresholds) -> Iterator[Finding]:
    """The SUT's clock: a bound that matters for this energy (step of power at the edges `step_w`), jumps of a wall
    clock."""
    if series.clock is None:
        return
    error_j = series.clock.bound_ns * 1e-9 * abs(step_w)
    if error_j > limits.clock_bound_percent / 100 * abs(energy_j):
        evidence = {"bound_s": series.clock.bound_ns * 1e-9, "step_w": step_w, "energy_j": energy_j}
        yield Finding("clock-bound", "warn", series.run.path.name, evidence)
    for step in series.clock.steps:
        if abs(step.jump_ns) > limits.clock_step_ms * 1e6:
            jump: Json = {"side": step.side, "jump_s": step.jump_ns * 1e-9}
            yield Finding("clock-step", "info", series.run.path.name, jump)


def of_markers(series: RunSeries) -> Iterator[Finding]:
    """`unpaired-action` and `action-outside-record`: markers that are no action, and so have no energy."""
    lost_by: Mapping[FindingCode, list[Lost]] = {
        "unpaired-action": [one for one in series.lost if one.reason in UNPAIRED],
        "action-outside-record": [one for one in series.lost if one.reason not in UNPAIRED],
    }
    for code, lost in lost_by.items():
        if lost:
            reasons = dict.fromkeys(one.reason for one in lost)
            evidence: Json = {str(reason): _named([x for x in lost if x.reason == reason]) for reason in reasons}
            yield Finding(code, "warn", series.run.path.name, evidence)


def _named(lost: Sequence[Lost]) -> Json:
    """How many, and the first of them by name and index."""
    return {"times": len(lost), "actions": [f"{one.name} {one.index}" for one in lost[:SHOWN]]}


def of_odd_cells(series: RunSeries) -> Iterator[Finding]:
    """`unreadable-values`: indicators and clock exchanges that are no numbers that can be; each costs itself."""
    odd: Json = {}
    for indicators in (series.indicators, series.room):
        if indicators is not None and indicators.odd:
            odd[indicators.descriptor.stream] = dict(indicators.odd)
    exchanges = sum(isinstance(event, ClockEvent) for event in series.run.events) - len(series.exchanges)
    if exchanges:
        odd["clock exchanges"] = exchanges
    if odd:
        yield Finding("unreadable-values", "warn", series.run.path.name, odd)
