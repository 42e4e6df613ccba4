"""Findings about time: what stood still, who was late, which stamps contradict what the host saw (method.md section 5).

Knows one run's clock model, events and samples, and the start documents of neighbouring runs. Knows no energy.

Rules that need more words than their functions
- `frozen`: the process that stamps the end of the command was frozen, or the command was, or a machine stood still (it
  slept, its hypervisor stopped it) in the rating interval. The interval's end may lie anywhere in such a stretch, and
  the command's own time holds it.
- `agent-late`: hardware indicators are missing. The interval's edges are not the agent's, so they stand. In journals
  of schema 1 they were: there an agent that was away across the end stamped it when it came back.
- `arrival-contradicted`: an edge that reached the host before it was, that lies before the host asked for the interval,
  or that took longer than a message takes while nothing hindered it: no lost link, no answer to the host that took as
  long, and an agent that gave signs of life (samples, answers to the heartbeat) all along.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import ClockEvent, Json, NoteEvent, PhaseEvent, Thresholds
from harness.record.run_folder import RunFolder
from reports.readings.clock import SLEW, ClockModel
from reports.readings.series import RunSeries
from reports.results.finding import Finding, Severity

ROUNDING_S = 0.01
"""Within so much two stamps of one moment may differ beyond the clocks' bound."""
LEAST_DELAY_S, MOST_DELAY_S, DELAY_PART = 0.75, 2.0, 0.01
"""What a message from the SUT may take: a part of the interval, between the two."""
SIGN_S = 1.25
"""The host's heartbeat is answered every second: an agent without a sign of life for longer was away."""
LINK_SILENT_S = 5.0
"""A link that is noted as lost was silent for as long before, at most (`harness.sut.session.LINK_SILENT_S`, and a
second)."""
CLOCK_STEP_S = 1.0
"""A host's wall clock that moved by more between two runs, beyond what NTP slews, was set."""


def of_frozen(series: RunSeries, begin_ns: int, end_ns: int, limits: Thresholds) -> Iterator[Finding]:
    """`frozen`: invalid above `frozen_s` in all, else a warning."""
    rating = [e for e in series.run.events if isinstance(e, PhaseEvent) and e.name == "rating"]
    stretches_s = [(to_ns - from_ns) * 1e-9 for event in rating for from_ns, to_ns in event.frozen_ns]
    evidence: Json = {"processes_s": sum(stretches_s)}
    for side in ("sut", "host"):
        stood = [
            stop.lost_ns * 1e-9
            for stop in (series.clock.standstills if series.clock else ())
            if stop.side == side and stop.from_ns < end_ns and stop.to_ns > begin_ns
        ]
        evidence[f"{side}_clock_s"] = sum(stood)
    frozen_s = sum(evidence.values())
    if frozen_s:
        severity: Severity = "invalid" if frozen_s > limits.frozen_s else "warn"
        yield Finding("frozen", severity, series.run.path.name, evidence | {"limit_s": limits.frozen_s})


def of_agent(series: RunSeries, begin_ns: int, end_ns: int, limits: Thresholds) -> Iterator[Finding]:
    """`agent-late`: samples of the rating interval that came more than `agent_late_s` after they were due; invalid
    where the agent that was late stamped the end."""
    indicators = series.indicators
    if indicators is None or indicators.descriptor.clock != "sut":
        return
    first, last = np.searchsorted(indicators.times_ns, [begin_ns, end_ns])
    times_ns, period_s = indicators.times_ns[max(first - 1, 0) : last + 1], indicators.descriptor.period_s
    late = np.flatnonzero(np.diff(times_ns) * 1e-9 > period_s + limits.agent_late_s)
    if late.size:
        late_s = np.diff(times_ns)[late] * 1e-9 - period_s
        across = (times_ns[late] < end_ns) & (end_ns <= times_ns[late + 1] + int(LEAST_DELAY_S * 1e9))
        evidence: Json = {"times": int(late.size), "late_s": float(late_s.sum()), "longest_s": float(late_s.max())}
        severity: Severity = "invalid" if across.any() and not _is_stamped_by_waiter(series.run) else "warn"
        yield Finding("agent-late", severity, series.run.path.name, evidence | {"limit_s": limits.agent_late_s})


def _is_stamped_by_waiter(run: RunFolder) -> bool:
    """Whether the end comes with an exit code, as it does since it is not the agent that stamps it."""
    return any(isinstance(e, PhaseEvent) and e.name == "rating" and e.exit_code is not None for e in run.events)


def of_arrival(series: RunSeries, begin_ns: int, end_ns: int) -> Iterator[Finding]:
    """`arrival-contradicted`: edges of the rating interval that the host cannot have seen so."""
    clock = series.clock
    if clock is None:
        return
    rating = [e for e in series.run.events if isinstance(e, PhaseEvent) and e.name == "rating" and e.sut_ns is not None]
    bound_s = clock.bound_ns * 1e-9 + ROUNDING_S
    allowed_s = bound_s + min(max(DELAY_PART * (end_ns - begin_ns) * 1e-9, LEAST_DELAY_S), MOST_DELAY_S)
    for event in rating:
        at_ns = clock.to_host(event.sut_ns or 0)
        delay_s = (event.time_ns - at_ns) * 1e-9
        evidence: Json = {"edge": event.edge, "delay_s": delay_s, "bound_s": bound_s}
        if delay_s < -bound_s:
            yield Finding("arrival-contradicted", "invalid", series.run.path.name, evidence | {"what": "in the future"})
        elif delay_s > allowed_s and not _is_explained(series, clock, at_ns, event.time_ns, allowed_s):
            yield Finding("arrival-contradicted", "invalid", series.run.path.name, evidence | {"what": "too old"})
    asked_ns = [e.time_ns for e in series.run.events if isinstance(e, PhaseEvent) and e.name == "stabilization"]
    early_s = (asked_ns[-1] - begin_ns) * 1e-9 if asked_ns else 0.0
    if early_s > bound_s:
        early: Json = {"edge": "begin", "early_s": early_s, "bound_s": bound_s, "what": "before it was asked for"}
        yield Finding("arrival-contradicted", "invalid", series.run.path.name, early)


def _is_explained(series: RunSeries, clock: ClockModel, at_ns: int, arrival_ns: int, allowed_s: float) -> bool:
    """Whether the link was lost meanwhile, an answer to the host was under way as long, or the agent gave no sign of
    life from before the edge to its arrival."""
    lost_ns = [e.time_ns - int(LINK_SILENT_S * 1e9) for e in _notes(series.run, "link-lost")]
    back_ns = [e.time_ns + int(LINK_SILENT_S * 1e9) for e in _notes(series.run, "link-restored")]
    if any(lost <= arrival_ns and at_ns <= back for lost, back in zip(lost_ns, back_ns, strict=False)):
        return True
    least_ns = int(LEAST_DELAY_S * 1e9)
    slow = [e for e in series.run.events if isinstance(e, ClockEvent) and e.t1_ns - e.t0_ns > least_ns]
    if any(e.t0_ns <= at_ns + least_ns and arrival_ns <= e.t1_ns + least_ns for e in slow):
        return True
    signs_ns = _signs_ns(series, clock)
    after = int(np.searchsorted(signs_ns, at_ns))
    if not 0 < after < signs_ns.size:
        return False
    silence_s = float(signs_ns[after] - signs_ns[after - 1]) * 1e-9
    return silence_s > SIGN_S and float(arrival_ns - signs_ns[after]) * 1e-9 <= allowed_s


def _signs_ns(series: RunSeries, clock: ClockModel) -> NDArray[np.int64]:
    """When the agent showed that it ran (host clock): its samples and its answers."""
    answers = [e.t_sut_ns for e in series.run.events if isinstance(e, ClockEvent)]
    known = [clock.to_host(np.array(answers, dtype=np.int64))]
    if series.indicators is not None and series.indicators.descriptor.clock == "sut":
        known.append(series.indicators.times_ns)
    return np.sort(np.concatenate(known))


def _notes(run: RunFolder, code: str) -> list[NoteEvent]:
    return [event for event in run.events if isinstance(event, NoteEvent) and event.code == code]


def of_host_clock(runs: Sequence[RunSeries]) -> Iterator[Finding]:
    """`host-slept`, `host-clock-step`: between a run's start and the next one's, by the start documents of one boot.
    What a run's own exchanges saw of a step is that run's `clock-step`."""
    for earlier, later in pairwise(runs):
        before, after = earlier.run.start, later.run.start
        if before.time_base != "host-monotonic" or before.time_base != after.time_base:
            continue
        seconds = [_seconds(start.utc) for start in (before, after)]
        if before.host.get("boot_id") != after.host.get("boot_id") or None in seconds:
            continue
        passed_s = (after.time_ns - before.time_ns) * 1e-9
        known = before.boot_ns is not None and after.boot_ns is not None
        slept_s = ((after.boot_ns or 0) - (before.boot_ns or 0)) * 1e-9 - passed_s if known else 0.0
        seen_s = (
            sum(step.jump_ns for step in (earlier.clock.steps if earlier.clock else ()) if step.side == "host") * 1e-9
        )
        jump_s = float((seconds[1] or 0.0) - (seconds[0] or 0.0)) - passed_s - slept_s - seen_s
        about: Json = {"after": earlier.run.path.name}
        if slept_s > CLOCK_STEP_S:
            yield Finding("host-slept", "warn", later.run.path.name, {"slept_s": slept_s} | about)
        if abs(jump_s) > CLOCK_STEP_S + SLEW * passed_s:
            yield Finding("host-clock-step", "warn", later.run.path.name, {"jump_s": jump_s} | about)


def _seconds(utc: str) -> float | None:
    try:
        return datetime.fromisoformat(utc).timestamp()
    except ValueError:
        return None
