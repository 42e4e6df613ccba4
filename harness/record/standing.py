"""Where a campaign stands by its log: which runs are planned, done, thrown out, and about how long the rest takes.

Knows the entries of campaign.jsonl. Knows no files, no clocks and no readings: whether a run is thrown out, the log
says.
"""

from collections.abc import Mapping, Sequence
from statistics import mean

from harness.record.documents import Json
from harness.record.entries import Entry, Plan, RunEnd, of

BEGIN_S = 5.0
"""About so long a run takes to begin (files, agent, meters, clocks); what was measured of the first run replaces it."""


def planned(entries: Sequence[Entry]) -> list[Json]:
    """Every planned run of every stage, in order."""
    return [run for plan in of(Plan, entries) for run in plan.runs]


def thrown_out(entries: Sequence[Entry]) -> dict[int, list[str]]:
    """Ordinal -> why its attempts were thrown out, of the runs of which no other attempt counts."""
    reasons: dict[int, list[str]] = {}
    counts: set[int] = set()
    for end in of(RunEnd, entries):
        if end.exit_status == "success":
            if end.thrown_out is None:
                counts.add(end.ordinal)
            else:
                reasons.setdefault(end.ordinal, []).append(end.thrown_out)
    return {ordinal: texts for ordinal, texts in reasons.items() if ordinal not in counts}


def done(entries: Sequence[Entry], most_attempts: int) -> set[int]:
    """Ordinals of the runs that are not made again: a success, unless it was thrown out and may be tried once more."""
    successes = {end.ordinal for end in of(RunEnd, entries) if end.exit_status == "success"}
    return successes - {at for at, reasons in thrown_out(entries).items() if len(reasons) < most_attempts}


def estimate_s(
    left: Sequence[str], *, durations_s: Mapping[str, Sequence[float]], known_s: float, pause_s: float
) -> float:
    """Time for the runs left (the scenario of each), from the mean duration of each scenario so far (where there is
    none, the mean of all, else what is known of a baseline block), and the pauses between them."""
    means = {name: mean(values) for name, values in durations_s.items()}
    fallback = mean(means.values()) if means else known_s
    return sum(means.get(scenario, fallback) for scenario in left) + pause_s * max(0, len(left) - 1)
