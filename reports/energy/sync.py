"""The sync pulse: a meter's latency, stamp convention and window, from a load that was switched (method.md section 5).

Knows sync runs: their `full_load` actions are the moments of switching, their power streams what the meters made of
them. The fit is `selftest.fit_window`. Knows no baseline and no energy.

What is found is delta, the stamp minus the end of the window: latency and stamp convention together, which cannot be
told apart. Where a meter's stamp is `unknown`, delta of the run's own session is used (`placed`), else the mean over
all sessions; its descriptor then counts as "stamps mark the end, latency delta". Where the convention is known, a delta
that contradicts it is the finding `stamp-contradicted`, and the stated one stays.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.record.documents import Json, PowerDescriptor
from harness.record.errors import AnalysisError
from reports.energy.selftest import WindowFit, fit_window, window_check
from reports.readings.series import PowerSeries, RunSeries
from reports.results.clock import SyncPulse
from reports.results.finding import Finding
from reports.results.uncertainty import Estimate, Number, Term, combine

ACTION = "full_load"
NS = 1e-9
AROUND_S = 5.0
"""Readings so long before the first and after the last switching are fitted, and no fewer than of three windows."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What one sync run shows of one meter; `reason` is why it shows nothing, else None."""

    folder: str
    session: str
    descriptor: PowerDescriptor
    fit: WindowFit | None
    reason: str | None
    edges: int

    @property
    def stated_offset_s(self) -> float | None:
        """The stamp minus the end of the window as the descriptor has it; None where it is unknown."""
        return stated_offset_s(self.descriptor)

    @property
    def contradicted(self) -> bool:
        """Whether a known convention is not what was found."""
        if self.fit is None or self.stated_offset_s is None:
            return False
        checks = window_check(self.fit, self.stated_offset_s, self.descriptor.window_s)
        return any(check.name == "stamp" and check.grade == "bad" for check in checks)

    def record(self) -> SyncPulse:
        """The same for `clock.pulses` of results.json."""
        fit, stated = self.fit, self.descriptor
        return SyncPulse(
            folder=self.folder, meter=stated.meter, reason=self.reason, edges=self.edges,
            offset_s=None if fit is None else Number(fit.offset, "s"),
            window_s=None if fit is None else Number(fit.window, "s"),
            low_w=None if fit is None else fit.low_w, high_w=None if fit is None else fit.high_w,
            residual_w=None if fit is None else fit.residual_w,
            stated_stamp=stated.stamp, stated_offset_s=self.stated_offset_s, stated_window_s=stated.window_s,
            contradicted=self.contradicted,
        )  # fmt: skip


def stated_offset_s(descriptor: PowerDescriptor) -> float | None:
    """The stamp minus the end of the window, as a descriptor states it; None where the convention is unknown."""
    if descriptor.averaging == "window" and descriptor.stamp == "unknown":
        return None
    width_s = descriptor.window_s if descriptor.averaging == "window" and descriptor.stamp == "start" else 0.0
    return descriptor.latency_s - width_s


def pulses_of(series: RunSeries, session: str) -> Iterator[Pulse]:
    """What a sync run shows of each of its meters."""
    edges_ns = [edge for action in series.actions if action.name == ACTION for edge in (action.begin_ns, action.end_ns)]
    bound_s = 0.0 if series.clock is None else series.clock.bound_ns * NS
    for power in series.power.values():
        fit, reason = _fit(power, edges_ns, bound_s)
        yield Pulse(series.run.path.name, session, power.descriptor, fit, reason, len(edges_ns))


def _fit(power: PowerSeries, edges_ns: Sequence[int], bound_s: float) -> tuple[WindowFit | None, str | None]:
    """The fit, with the SUT's clock bound as a rectangular part of the offset's uncertainty; or why there is none."""
    if not edges_ns:
        return None, "no switching was marked"
    around_ns = int(max(AROUND_S, 3 * float(np.median(power.window_s))) / NS)
    first, last = np.searchsorted(power.times_ns, [edges_ns[0] - around_ns, edges_ns[-1] + around_ns])
    times_s = np.asarray((power.times_ns[first:last] - edges_ns[0]) * NS, dtype=np.float64)
    edges_s = [(edge - edges_ns[0]) * NS for edge in edges_ns]
    if times_s.size < 2:
        return None, "no reading near the switchings"
    try:
        fit = fit_window(times_s, power.power_w[first:last], edges_s, first_on=True)
    except AnalysisError as error:
        return None, str(error)
    terms = [Term(fit.offset.u or 0.0, fit.offset.dof or math.inf), Term(bound_s / math.sqrt(3), math.inf)]
    return replace(fit, offset=combine(fit.offset.value, terms)), None


@dataclass(frozen=True, slots=True)
class SyncPulses:
    """Every pulse of a campaign."""

    pulses: tuple[Pulse, ...]

    def offset(self, descriptor: PowerDescriptor, session: str) -> Estimate | None:
        """delta of a meter in a session: of its own pulses, else of all; None where no pulse shows it."""
        fitted = [(p.session, p.fit.offset) for p in self.pulses if p.fit and p.descriptor.meter == descriptor.meter]
        found = [offset for place, offset in fitted if place == session] or [offset for _, offset in fitted]
        if not found:
            return None
        value = float(np.mean([offset.value for offset in found]))
        return combine(value, [Term((o.u or 0.0) / len(found), o.dof or math.inf) for o in found])

    def placed(self, series: RunSeries, session: str) -> RunSeries:
        """The run with every unknown stamp convention replaced by what the pulses found; else as it is."""
        power = tuple(self._placed(descriptor, session) for descriptor in series.run.power)
        return series if power == series.run.power else replace(series, run=replace(series.run, power=power))

    def _placed(self, descriptor: PowerDescriptor, session: str) -> PowerDescriptor:
        offset = self.offset(descriptor, session) if stated_offset_s(descriptor) is None else None
        return descriptor if offset is None else replace(descriptor, stamp="end", latency_s=offset.value)

    def findings(self) -> Iterator[Finding]:
        """`stamp-contradicted`, and `sync-failed` where a pulse shows nothing."""
        for pulse in self.pulses:
            if pulse.fit is None:
                evidence: Json = {"meter": pulse.descriptor.meter, "reason": pulse.reason}
                yield Finding("sync-failed", "info", pulse.folder, evidence)
            elif pulse.contradicted:
                found = {"offset_s": pulse.fit.offset.value, "U_s": pulse.fit.offset.expanded}
                stated = {"stated_offset_s": pulse.stated_offset_s, "stated_stamp": pulse.descriptor.stamp}
                yield Finding(
                    "stamp-contradicted", "warn", pulse.folder, {"meter": pulse.descriptor.meter} | found | stated
                )

    def used(self, names: Sequence[str]) -> dict[str, Number]:
        """Of each meter of `names` with an unknown convention the delta that is used."""
        return {
            pulse.descriptor.meter: Number(offset, "s")
            for pulse in self.pulses
            if pulse.descriptor.meter in names and pulse.stated_offset_s is None
            if (offset := self.offset(pulse.descriptor, "")) is not None
        }
