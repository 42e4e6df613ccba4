"""Blocks of what surrounds the runs: sync pulses, observer effect, thermal tails, the two-stage plan's promise.

Knows results.json (docs/results.md) and the rounding rule. Knows no figure and no run folder.
"""

from reports.pages.blocks import Block, Head, Row, Table
from reports.pages.lookup import run_name
from reports.pages.numbers import Scale, bare, fixed, page_scale, quantity, scale_for, significant
from reports.results.clock import SyncPulse
from reports.results.document import Results
from reports.results.observer import ObserverCondition
from reports.results.run import RunResult

TAIL_NOTE = (
    "A tail is the energy above the baseline from the end of the rating interval to the end of the record. It is not "
    "part of the induced energy. Where a run is not back at the baseline by then, its tail is longer than the record."
)
OBSERVER_NOTE = (
    "The meter shows what the agent and the SSH link add to the power. What they add under load beyond what they add "
    "in idle does not cancel in an induced energy: it is a line of its budget."
)
PROMISE_NOTE = (
    "The size of the second stage was computed once, from the first stage, by the rule in the campaign's log. This "
    "interval uses the spread of the first stage (Stein 1945), so that look costs no coverage."
)
PULSE_NOTE = (
    "Offset: the stamp less the end of the averaging window, so latency and stamp convention together. It was found by "
    "a load that was switched at irregular moments. It replaces a stamp convention that is unknown; a known one stays."
)


def wait_words(run: RunResult) -> str:
    """What a run waited for, as in 'gate 45 s, settling 62 s (limit reached)'; empty where it waited for nothing."""
    names = {"gate": "gate", "settle": "settling"}
    parts = []
    for wait in run.waits:
        if wait.outcome != "reference":
            limit = " (limit reached)" if wait.outcome == "limit" else ""
            parts.append(f"{names.get(wait.name, wait.name)} {fixed(wait.waited_s, 0)} s{limit}")
    return ", ".join(parts)


def planned_blocks(results: Results) -> list[Block]:
    """The tables that this campaign has something for."""
    tables = (_pulses(results), _observer(results), _tails(results), _promise(results))
    return [table for table in tables if table is not None]


def _tails(results: Results) -> Table | None:
    tails = [(name, part.tail) for name, part in results.scenarios.items() if part.tail is not None]
    if not tails:
        return None
    scale = scale_for(tail.energy_wh for _, tail in tails)
    rows = [
        Row((name, bare(tail.energy_wh, scale), quantity(tail.duration_s), f"{tail.settled} of {tail.n}"))
        for name, tail in tails
    ]
    heads = (Head("Scenario", False), Head(scale.axis("Tail")), Head("Recorded for"), Head("Back at the baseline"))
    return Table("tails", "Thermal tail after the runs", heads, tuple(rows), TAIL_NOTE)


def _observer(results: Results) -> Table | None:
    observer = results.observer
    if observer is None or (observer.idle is None and observer.load is None):
        return None
    scale = page_scale(results, "W")
    conditions = (("idle", observer.idle), ("full load", observer.load))
    rows = [_condition_row(title, part, scale) for title, part in conditions if part is not None]
    rows.append(Row(("full load less idle", "", "", bare(observer.induced_power_w, Scale("W")))))
    heads = (Head("Condition", False), Head("With agent / W"), Head("Without / W"), Head("Difference / W"))
    return Table("observer", "Observer effect", heads, tuple(rows), OBSERVER_NOTE)


def _condition_row(title: str, condition: ObserverCondition, scale: Scale) -> Row:
    numbers = (condition.with_w, condition.without_w, condition.difference_w)
    return Row((title, *(bare(number, scale) for number in numbers)))


def _promise(results: Results) -> Table | None:
    rows = []
    for name, part in results.scenarios.items():
        if (stage := part.two_stage) is not None:
            number = stage.induced_energy_wh
            asked = f"± {significant(stage.half_width_percent)} %"
            runs = f"{stage.pilot_runs} + {(number.n or 0) - stage.pilot_runs}"
            rows.append(Row((name, runs, asked, quantity(number), "yes" if stage.reached else "no")))
    heads = (Head("Scenario", False), Head("Runs"), Head("Wanted"), Head("Induced energy"), Head("Reached", False))
    return Table("two-stage", "Two-stage plan", heads, tuple(rows), PROMISE_NOTE) if rows else None


def _pulses(results: Results) -> Table | None:
    if not results.clock.pulses:
        return None
    heads = (
        Head("Meter", False), Head("Run", False), Head("Edges"), Head("Offset"), Head("Window"), Head("Stated", False),
        Head("Outcome", False),
    )  # fmt: skip
    rows = tuple(_pulse_row(results, pulse) for pulse in results.clock.pulses)
    return Table("sync-pulses", "Sync pulses", heads, rows, PULSE_NOTE)


def _pulse_row(results: Results, pulse: SyncPulse) -> Row:
    offset_s = pulse.stated_offset_s
    at = "unknown" if offset_s is None else f"offset {significant(offset_s)} s"
    stated = f"{at}, window {significant(pulse.stated_window_s)} s"
    outcome = pulse.reason or ("contradicts the stated offset" if pulse.contradicted else "agrees")
    start = (pulse.meter, run_name(results, pulse.folder), str(pulse.edges))
    return Row((*start, quantity(pulse.offset_s), quantity(pulse.window_s), stated, outcome))
