"""What the page shows, as JSON: the state of the campaign (`state`), and the drawn power (`power`).

Knows the live campaign and what was assessed of it. Knows no HTML, no server and no arithmetic on energies. Names go
out as they are: the page sets every one as text.
"""

import json
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.live.assessment import Assessment, advice_of, mark_of
from harness.live.campaign import LiveCampaign, Standing
from harness.live.columns import Floats, thinned, with_breaks
from harness.live.run import LiveRun, summed_up
from harness.record.documents import (
    ActionEvent,
    Event,
    GapEvent,
    Json,
    NoteEvent,
    PhaseEvent,
    PowerDescriptor,
    RangeChangeEvent,
    WaitEvent,
    tame,
)
from harness.record.levels import levels_text

NOW_S = (10.0, 60.0, 600.0)
"""Lengths of what is "now"; the page chooses one."""
MOST_ACTIONS = 200
"""So many of the last actions stand on the page; of the others it says how many there are."""
MOST_FINDINGS = 100
LATE_STEPS = 3.0
"""A line is not drawn over more than so many usual steps (and a second): there was no reading."""
SUM = "sum"
ENDED = {"success": "ended", "fail": "failed", "abort": "aborted"}


@dataclass(frozen=True, slots=True)
class Baseline:
    """The baseline so far: pooled power (W) of so many blocks, and the origins of their readings."""

    mean_w: float
    blocks: int
    origins: Collection[str]

    def to_json(self) -> Json:
        """With the word of its mark."""
        mark = mark_of(self.origins)
        return {"mean_w": self.mean_w, "blocks": self.blocks, "mark": None if mark is None else mark[0]}


def state_of(
    campaign: LiveCampaign, assessed: Assessment, baseline: Baseline | None, origins: Collection[str], now: datetime
) -> Json:
    """All but the drawn power. `origins`: of all readings of the campaign that are known; a mark stays."""
    run, header = campaign.run, campaign.header
    plan = campaign.standing(now)
    mark = mark_of(origins)
    state: Json = {
        "campaign": {"name": header.name if header else campaign.path.name, "begun": header is not None},
        "mark": None if mark is None else {"word": mark[0], "sentence": mark[1]},
        "plan": {"runs": list(plan.runs), "done": plan.done, "left_s": plan.left_s},
        "unreadable": campaign.unreadable + (run.unreadable if run is not None else 0),
        "baseline": None if baseline is None else baseline.to_json(),
        "is_done": is_done(plan),
        "run": None,
    }
    if run is None or run.start is None:
        return state
    return state | {"run": _run(campaign, run, assessed)}


def is_done(plan: Standing) -> bool:
    """Whether nothing of the plan is left to be done."""
    return bool(plan.runs) and plan.done == len(plan.runs)


def _run(campaign: LiveCampaign, run: LiveRun, assessed: Assessment) -> Json:
    start, end = run.start, campaign.end
    assert start is not None
    status = run.stop.exit_status if run.stop is not None else None if end is None else end.exit_status
    reason = run.stop.reason if run.stop is not None else None if end is None else end.reason
    rating = assessed.rating_s
    return {
        "folder": run.folder.name,
        "scenario": start.scenario,
        "cell": levels_text(start.cell) if start.cell else None,
        "kind": start.kind,
        "ordinal": start.ordinal,
        "repetition": start.repetition,
        "attempt": start.attempt,
        "utc": start.utc,
        "ended": None if status is None else ENDED[status],
        "reason": reason,
        "phases": phases_of(run),
        "rating": None if rating is None else {"begin_s": rating[0], "end_s": rating[1]},
        "energy_wh": assessed.energy_wh,
        "mean_w": assessed.mean_w,
        "problem": assessed.problem,
        "actions": [
            {
                "name": action.name, "index": action.index, "begin_s": action.begin_s, "end_s": action.end_s,
                "energy_wh": action.energy_wh,
                "metrics": action.metrics,
            }
            for action in assessed.actions[-MOST_ACTIONS:]
        ],
        "n_actions": len(assessed.actions),
        "open": open_actions(run),
        "meters": list(_meters(run)),
        "indicators": [
            {"name": name, "value": value, "unit": unit, "stream": samples.descriptor.stream}
            for samples in run.samples.values()
            for name, value, unit in samples.cells
        ],
        "findings": findings_of(campaign, run, assessed)[-MOST_FINDINGS:],
    }  # fmt: skip


def phases_of(run: LiveRun) -> list[Json]:
    """The phases on the run's time (s); the end of one that goes on is null."""
    phases: list[Json] = []
    for event in run.events:
        if isinstance(event, PhaseEvent):
            at_s = _at_s(run, event)
            if event.edge == "begin":
                phases.append({"name": event.name, "begin_s": at_s, "end_s": None})
            else:
                of_name = [phase for phase in phases if phase["name"] == event.name and phase["end_s"] is None]
                for phase in of_name[-1:]:
                    phase["end_s"] = at_s
    return phases


def open_actions(run: LiveRun) -> list[Json]:
    """The actions that were begun and not ended, in order."""
    begun: dict[tuple[str, int], float] = {}
    for event in run.events:
        if isinstance(event, ActionEvent):
            key = event.name, event.index
            if event.edge == "begin":
                begun[key] = _at_s(run, event)
            else:
                begun.pop(key, None)
    goes_on = run.stop is None
    return [{"name": name, "index": index, "begin_s": at_s} for (name, index), at_s in begun.items() if goes_on]


def _meters(run: LiveRun) -> Iterator[Json]:
    counted = run.counted
    for meter, stream in run.streams.items():
        identity, last = stream.descriptor.identity, stream.last
        yield {
            "meter": meter,
            "model": " ".join(str(identity[key]) for key in ("maker", "model") if identity.get(key)),
            "circuit": stream.descriptor.circuit,
            "origin": stream.descriptor.origin,
            "counted": stream in counted,
            "readings": stream.count,
            "last_w": None if last is None else last[1],
            "last_s": None if last is None else last[0],
            "decimals": decimals_of(stream.descriptor),
            "problem": stream.problem,
        }


def decimals_of(descriptor: PowerDescriptor) -> int:
    """Digits behind the point with which the meter indicates power; three where it is not known."""
    steps = [column.get("resolution") for column in descriptor.columns if column.get("name") == "power_w"]
    step_w = steps[0] if steps and isinstance(steps[0], int | float) and 0 < steps[0] < 1e6 else 1e-3
    return min(6, max(0, math.ceil(-math.log10(step_w) - 1e-9)))


def findings_of(campaign: LiveCampaign, run: LiveRun, assessed: Assessment) -> list[Json]:
    """What speaks against the run so far: what the lab noted, what the report's rules say of the readings, and what the
    log says of its end."""
    found = [line for event in run.events if (line := _noted(run, event)) is not None]
    for finding in assessed.findings:
        meaning, remedy = advice_of(finding.code)
        found.append({"severity": finding.severity, "code": finding.code, "text": meaning, "remedy": remedy})
    end = campaign.end
    if end is not None and end.thrown_out:
        found.append({"severity": "invalid", "code": "thrown-out", "text": f"The run enters no mean: {end.thrown_out}"})
    if end is not None and end.exit_status != "success":
        code = "run-failed" if end.exit_status == "fail" else "run-aborted"
        found.append({"severity": "warn", "code": code, "text": end.reason or "", "remedy": advice_of(code)[1]})
    return found


def _noted(run: LiveRun, event: Event) -> Json | None:
    """What the lab noted in the run's journal, as a line of the list."""
    at_s = round((event.time_ns - (run.start.time_ns if run.start else 0)) * 1e-9, 1)
    match event:
        case GapEvent():
            length_s = (event.to_ns - event.from_ns) * 1e-9
            text = f"{event.stream}: no reading for {length_s:.1f} s ({event.cause})"
            return {"severity": "warn", "code": "gap", "at_s": at_s, "text": text}
        case RangeChangeEvent():
            text = f"{event.stream}: {event.text}"
            return {"severity": "info", "code": "range", "at_s": at_s, "text": text}
        case WaitEvent() if event.outcome == "limit":
            text = f"waited {event.waited_s:.0f} s, the limit, and was not there: {event.name}"
            return {"severity": "warn", "code": f"{event.name}-limit", "at_s": at_s, "text": text}
        case NoteEvent():
            return {"severity": "info", "code": event.code, "at_s": at_s, "text": event.text}
        case _:
            return None


def _at_s(run: LiveRun, event: PhaseEvent | ActionEvent) -> float:
    """When an event was noted, on the run's time (s). The clocks' fit moves it a little: the report's business."""
    assert run.start is not None
    return (event.time_ns - run.start.time_ns) * 1e-9


# --- the drawn power ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drawing:
    """A trace of each meter, and of the sum where several count, over a stretch of the run's time (s)."""

    begin_s: float
    end_s: float
    traces: tuple[tuple[str, Floats, Floats, float], ...]
    """Name, times (s), powers (W), the longest step over which a line is drawn (s)."""

    def to_json(self, columns: int) -> Json:
        """At most two points a trace and column."""
        drawn = []
        for name, times_s, power_w, longest_s in self.traces:
            thin_s, thin_w = thinned(times_s, power_w, self.begin_s, self.end_s, columns)
            width_s = (self.end_s - self.begin_s) / columns
            at_s, shown_w = with_breaks(thin_s, thin_w, max(longest_s, 2 * width_s))
            drawn.append({"name": name, "t": at_s, "w": shown_w})
        return {"begin_s": self.begin_s, "end_s": self.end_s, "traces": drawn}


def now_of(run: LiveRun, length_s: float) -> Drawing:
    """The last `length_s` before the last reading."""
    end_s = max(run.last_s, 1.0)
    begin_s = max(0.0, end_s - length_s)
    parts = {meter: _known(*stream.since(begin_s)) for meter, stream in run.streams.items()}
    traces = [(meter, *parts[meter], _longest_s(stream.step_s)) for meter, stream in run.streams.items()]
    counted = run.counted
    if len(counted) > 1:
        times_s, sum_w = summed_up([parts[stream.descriptor.meter] for stream in counted])
        until_s = min(stream.last[0] if stream.last else 0.0 for stream in counted)
        known = (times_s <= until_s) & (sum_w == sum_w)
        traces.append((SUM, times_s[known], sum_w[known], _longest_s(max(stream.step_s for stream in counted))))
    return Drawing(begin_s, end_s, tuple(traces))


def whole_of(run: LiveRun) -> Drawing:
    """Everything since the run's start, by least and greatest value."""
    end_s = max(run.last_s, 1.0)
    traces = [
        (meter, *stream.envelope.trace, max(_longest_s(stream.step_s), 2 * stream.envelope.width_s))
        for meter, stream in run.streams.items()
    ]
    if len(run.counted) > 1:
        slowest_s = max(stream.step_s for stream in run.counted)
        traces.append((SUM, *run.sum.trace, max(_longest_s(slowest_s), 2 * run.sum.width_s)))
    return Drawing(0.0, end_s, tuple(traces))


def _known(times_s: Floats, power_w: Floats) -> tuple[Floats, Floats]:
    """Without the readings that have no value."""
    known = power_w == power_w
    return times_s[known], power_w[known]


def _longest_s(step_s: float) -> float:
    return max(1.0, LATE_STEPS * step_s)


def encoded(event: str, value: Json) -> bytes:
    """One event of a stream of server-sent events (WHATWG HTML, 9.2)."""
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)  # ASCII, on one line
    except ValueError:
        text = json.dumps(tame(value, "", []), separators=(",", ":"), allow_nan=False)
    return f"event: {event}\ndata: {text}\n\n".encode()


def last_of(run: LiveRun) -> Sequence[Json]:
    """The last reading of each meter: what changes with every frame."""
    return [
        {
            "meter": meter,
            "w": None if stream.last is None else stream.last[1],
            "s": None if stream.last is None else stream.last[0],
            "readings": stream.count,
        }
        for meter, stream in run.streams.items()
    ]
