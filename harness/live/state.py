"""What the page shows beside its pictures, as JSON: the campaign, its plan, and one run of it.

Knows the live campaign and what was assessed of it. Knows no HTML, no server and no arithmetic on energies. Names go
out as they are: the page sets every one as text.
"""

import json
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from harness.live.assessment import Assessment, EndedAction, advice_of, mark_of
from harness.live.campaign import LiveCampaign, Standing
from harness.live.drawing import charts_of
from harness.live.run import LiveRun
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
from harness.record.entries import RunBegin, of
from harness.record.levels import levels_text

NOW_S = (10.0, 60.0, 600.0)
"""Lengths of what is "now"; the page chooses one."""
MOST_ACTIONS = 200
"""So many of the last actions stand on the page; of the others it says how many there are."""
MOST_FINDINGS = 100
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
    campaign: LiveCampaign, run: Json | None, baseline: Baseline | None, origins: Collection[str], now: datetime
) -> Json:
    """All but the pictures. `run`: the one that is shown (`run_of`); `origins`: of all readings of the campaign that
    are known; a mark stays."""
    header, plan = campaign.header, campaign.standing(now)
    mark = mark_of(origins)
    return {
        "campaign": {"name": header.name if header else campaign.path.name, "begun": header is not None},
        "mark": None if mark is None else {"word": mark[0], "sentence": mark[1]},
        "plan": {"runs": list(plan.runs), "done": plan.done, "left_s": plan.left_s},
        "unreadable": campaign.unreadable + (campaign.run.unreadable if campaign.run is not None else 0),
        "baseline": None if baseline is None else baseline.to_json(),
        "is_done": is_done(plan),
        "begun": [
            {"number": number, "ordinal": begin.ordinal, "attempt": begin.attempt, "ended": ended_of(campaign, begin)}
            for number, begin in enumerate(of(RunBegin, campaign.entries), 1)
        ],
        "run": run,
    }


def ended_of(campaign: LiveCampaign, begin: RunBegin) -> str | None:
    """How a run ended; None while it goes on, or where nobody noted it."""
    end = campaign.end_of(begin.folder)
    return None if end is None else "thrown out" if end.thrown_out else ENDED[end.exit_status]


def is_done(plan: Standing) -> bool:
    """Whether nothing of the plan is left to be done."""
    return bool(plan.runs) and plan.done == len(plan.runs)


def run_of(campaign: LiveCampaign, run: LiveRun | None, assessed: Assessment) -> Json | None:
    """One run as far as it was read; None before its start document."""
    if run is None or run.start is None:
        return None
    start, end = run.start, campaign.end_of(run.folder.name)
    status = run.stop.exit_status if run.stop is not None else None if end is None else end.exit_status
    reason = run.stop.reason if run.stop is not None else None if end is None else end.reason
    rating, ended = assessed.rating_s, ended_actions(run, assessed)
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
        "computed_until_s": assessed.until_s,
        "problem": assessed.problem,
        "actions": [
            {
                "name": action.name, "index": action.index, "begin_s": action.begin_s, "end_s": action.end_s,
                "energy_wh": action.energy_wh,
                "metrics": action.metrics,
            }
            for action in ended[-MOST_ACTIONS:]
        ],
        "n_actions": len(ended),
        "open": open_actions(run),
        "meters": list(_meters(run)),
        "indicators": [
            {"name": name, "value": value, "unit": unit, "stream": samples.descriptor.stream}
            for samples in run.samples.values()
            for name, value, unit in samples.cells
        ],
        "charts": [{"title": chart.title, "unit": chart.unit} for _, chart in charts_of(run)],
        "problems": [samples.problem for samples in run.samples.values() if samples.problem is not None],
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
    begun, _ = _actions_of(run)
    goes_on = run.stop is None
    return [{"name": name, "index": index, "begin_s": at_s} for (name, index), at_s in begun.items() if goes_on]


def ended_actions(run: LiveRun, assessed: Assessment) -> list[EndedAction]:
    """The actions that have ended, in order: those that were assessed, then those since, without an energy."""
    known = {(action.name, action.index) for action in assessed.actions}
    _, ended = _actions_of(run)
    return [*assessed.actions, *(action for action in ended if (action.name, action.index) not in known)]


def _actions_of(run: LiveRun) -> tuple[dict[tuple[str, int], float], list[EndedAction]]:
    """The actions as the journal has them by now: when (s) those were begun that go on; those that have ended."""
    begun: dict[tuple[str, int], float] = {}
    ended = []
    for event in run.events:
        if isinstance(event, ActionEvent):
            key, at_s = (event.name, event.index), _at_s(run, event)
            if event.edge == "begin":
                begun[key] = at_s
            elif (begin_s := begun.pop(key, None)) is not None:
                ended.append(EndedAction(event.name, event.index, begin_s, at_s, None, event.metrics))
    return begun, ended


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
    end = campaign.end_of(run.folder.name)
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


def encoded(event: str, value: Json) -> bytes:
    """One event of a stream of server-sent events (WHATWG HTML, 9.2)."""
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)  # ASCII, on one line
    except ValueError:
        text = json.dumps(tame(value, "", []), separators=(",", ":"), allow_nan=False)
    return f"event: {event}\ndata: {text}\n\n".encode()
