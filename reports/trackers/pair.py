"""A pair: one tracker's figure of one run, and the meter's energy of the same interval.

Knows the account, its placement and the run's meters. Does not know other runs.

A tracker says E_T = reported / factor for its own interval [begin, end] on the SUT's clock; the factor is what it
multiplied by (a data centre's PUE), and is undone. The meter's E_M is the gross energy of the same interval on the
host's time base: gross against gross, for no tracker knows a baseline. A figure that counts several stretches of an
interval (tasks, passes) stands beside the sum of the meter's energies of those stretches. What the agent adds is really
drawn, from the meter's view and from the tracker's, so it is no error of either here.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from harness.record.documents import Thresholds
from reports.energy import budget, hardware
from reports.energy.contributions import RunTerms
from reports.energy.power_function import NS
from reports.energy.stretches import joined
from reports.energy.touched import SHORT
from reports.results.rules import Rule, was
from reports.results.trackers import ComparedRun, Exclusion
from reports.results.uncertainty import Estimate, Number
from reports.trackers.account import Account, Stretch
from reports.trackers.placement import Placement, placement_of
from reports.trackers.run import TrackedRun

WHOLE = 0
"""Where a tracker's whole interval stands among `Pair.terms`; its stretches follow."""


@dataclass(frozen=True)
class Pair:
    """One tracker's figure of one run beside the meter's. `placement` is None where it cannot be placed; `because`: the
    code of why it enters no comparison."""

    run: TrackedRun
    account: Account
    placement: Placement | None
    because: Exclusion | None

    @property
    def scenario(self) -> str:
        """Its scenario."""
        return self.run.run.start.scenario

    @property
    def folder(self) -> str:
        """Its run."""
        return self.run.run.path.name

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """What the tracker reports by itself, on the run's time base."""
        return () if self.placement is None else self.placement.stretches

    @property
    def energy_wh(self) -> float:
        """The tracker's figure, its factor undone; NaN where it gave none."""
        return math.nan if self.account.energy_wh is None else self.account.energy_wh

    @cached_property
    def terms(self) -> RunTerms | None:
        """The meter's energies of the whole interval and of its stretches, and what makes them uncertain."""
        if self.placement is None or not self.run.streams:
            return None
        spans_ns, parts = self.placement.spans_ns, self.placement.stretches
        begins, ends = zip(*spans_ns, *((part.begin_ns, part.end_ns) for part in parts), strict=True)
        edges = np.array(begins, dtype=np.int64), np.array(ends, dtype=np.int64)
        return joined(self.run.terms_over(*edges, self.account.bound_s), len(spans_ns))

    @cached_property
    def meter(self) -> Number | None:
        """The meter's energy of the whole interval (Wh)."""
        return None if self.terms is None else budget.of_one(self.terms, "gross").number(WHOLE)

    @property
    def meter_wh(self) -> float:
        """Its value; NaN where unknown."""
        return math.nan if self.meter is None else self.meter.value

    @cached_property
    def gpu(self) -> hardware.GpuEnergy | None:
        """GPU energy of the same interval by the agent's own record."""
        if self.placement is None:
            return None
        begins_ns, ends_ns = (np.array(edges, dtype=np.int64) for edges in zip(*self.placement.spans_ns, strict=True))
        record = hardware.gpu_energy(self.run.series.indicators, begins_ns, ends_ns)
        return None if record is None else replace(record, energy_j=record.energy_j.sum(keepdims=True))

    @property
    def least_s(self) -> float:
        """The shortest interval of which every meter says something."""
        return max(SHORT * stream.series.reach_s for stream in self.run.streams)

    def record(self) -> ComparedRun:
        """A row of `trackers.runs`."""
        account, placement = self.account, self.placement
        return ComparedRun(
            folder=self.folder, scenario=self.scenario, tracker=account.key, version=account.version,
            imported=account.imported, clock=account.clock, begin_s=self._begin_s(),
            duration_s=None if placement is None else placement.counted_s,
            outside_s=0.0 if placement is None else placement.outside_s,
            included=self.because is None, excluded_because=self.because, reported_wh=account.reported_wh,
            factor=account.factor, energy_wh=account.energy_wh, meter_wh=self.meter, ratio=self._ratio(),
            pair_mean_wh=self._mean_wh(), parts_wh=account.parts_wh, polls=account.polls, problems=account.problems,
            spans=1 if placement is None else len(placement.spans_ns),
        )  # fmt: skip

    def _begin_s(self) -> float | None:
        """Begin of the tracker's interval after that of the run."""
        if self.placement is None or self.run.interval_ns is None:
            return None
        return (self.placement.interval_ns[0] - self.run.interval_ns[0]) * NS

    def _mean_wh(self) -> float | None:
        """Geometric mean of both energies."""
        are_positive = self.energy_wh > 0 and self.meter_wh > 0
        return math.sqrt(self.energy_wh * self.meter_wh) if are_positive else None

    def _ratio(self) -> Number | None:
        """The tracker's figure over the meter's; uncertain by the meter's energy alone."""
        if self.meter is None or not math.isfinite(self.energy_wh) or not self.meter_wh > 0:
            return None
        meter, ratio = self.meter.estimate, self.energy_wh / self.meter_wh
        u = None if meter.u is None else ratio * meter.u / meter.value
        return Number(Estimate(ratio, u, meter.dof), "1", n=1)


def pair_of(run: TrackedRun, account: Account, limits: Thresholds) -> Pair:
    """One account, placed on the run's time base and judged."""
    placement, silent = placement_of(run, account), _silent(run, account)
    if placement is None:
        return Pair(run, account, None, silent or "unplaced")
    allowed_s = limits.gap_total_percent / 100 * placement.counted_ns * NS
    if silent is None and placement.outside_s > allowed_s:
        silent = "outside-record"
    pair = Pair(run, account, placement, silent)
    unresolved = None if pair.because is not None or was(Rule.NEW_FINDINGS) else _unresolved(pair)
    return pair if unresolved is None else replace(pair, because=unresolved)


def _silent(run: TrackedRun, account: Account) -> Exclusion | None:
    """Why there is nothing to compare, whatever the clocks say."""
    if run.excluded_because is not None:
        return "run-excluded"
    if account.reported_wh is None:
        return "no-number"
    return "negative" if account.reported_wh < 0 else None


def _unresolved(pair: Pair) -> Exclusion | None:
    """Why the meter gives nothing that a figure could stand against: between its momentary values a load of that length
    is not seen, or it shows none."""
    if pair.meter is None:
        return "too-short"
    return None if pair.meter_wh > 0 else "no-energy"
