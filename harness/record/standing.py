"""Where a campaign stands by its log: which runs are planned, done, thrown out, and about how long the rest takes.

Knows the entries of campaign.jsonl. Knows no files, no clocks and no readings: whether a run is thrown out, the log
says.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import mean

from harness.record.documents import Json
from harness.record.entries import Entry, Plan, RunBegin, RunEnd, header_of, of
from harness.record.searches import is_trial

LEAVES_OUT = "leave-out"
"""The value of `campaign.when_failed` by which a campaign goes on without what fails."""
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
    """Ordinals of the runs that are not made again: a success, unless it was thrown out and may be tried once more, a
    trial of a search whose program failed, which is what it gave, and those that are given up."""
    ends = of(RunEnd, entries)
    trials = {run["ordinal"] for run in planned(entries) if is_trial(run)}
    failed = {end.ordinal for end in ends if end.exit_status == "fail" and end.ordinal in trials}
    successes = {end.ordinal for end in ends if end.exit_status == "success"}
    return (
        given_up(entries).keys()
        | failed
        | successes - {at for at, reasons in thrown_out(entries).items() if len(reasons) < most_attempts}
    )


def given_up(entries: Sequence[Entry]) -> dict[int, str]:
    """Ordinal -> why, of the runs that are left out because the workload failed, where `campaign.when_failed` says so:
    those of which every attempt was used up, and, where none of a scenario succeeded, the rest of its runs. No trial of
    a search is: the next one is run with other parameters."""
    header = header_of(entries)
    campaign = (header.config if header is not None and header.config else {}).get("campaign")
    if not isinstance(campaign, dict) or campaign.get("when_failed") != LEAVES_OUT:
        return {}
    failures: dict[int, list[str]] = {}
    for end in of(RunEnd, entries):
        if end.exit_status == "fail":
            failures.setdefault(end.ordinal, []).append(end.reason or "")
    if not failures:
        return {}
    most, rejected = int(campaign.get("max_failed_attempts", 1)), thrown_out(entries)
    succeeded = {end.ordinal for end in of(RunEnd, entries) if end.exit_status == "success"}
    plans = [run for run in planned(entries) if run.get("kind") == "scenario" and not is_trial(run)]
    lost = {
        ordinal: reasons[-1]
        for ordinal, reasons in failures.items()
        if len(reasons) + len(rejected.get(ordinal, [])) >= most and (ordinal not in succeeded or ordinal in rejected)
    }
    hopeless = {run["scenario"]: lost[run["ordinal"]] for run in plans if run["ordinal"] in lost}
    hopeless = {
        name: reason
        for name, reason in hopeless.items()
        if not any(run["ordinal"] in succeeded for run in plans if run["scenario"] == name)
    }
    found = {run["ordinal"]: lost.get(run["ordinal"], hopeless.get(run["scenario"])) for run in plans}
    return {ordinal: reason for ordinal, reason in found.items() if reason is not None}


def counting(entries: Sequence[Entry], ordinal: int) -> RunEnd:
    """The end of the attempt of a run that counts, of a run that is `done`: its success that was not thrown out, else
    its last attempt that succeeded or failed."""
    ends = [end for end in of(RunEnd, entries) if end.ordinal == ordinal and end.exit_status != "abort"]
    return next((end for end in ends if end.exit_status == "success" and end.thrown_out is None), ends[-1])


def durations_s(entries: Sequence[Entry]) -> dict[str, list[float]]:
    """Scenario -> how long its runs took (s) that ended with success, by the log's stamps."""
    scenarios = {
        run["ordinal"]: str(run.get("scenario")) for run in planned(entries) if isinstance(run.get("ordinal"), int)
    }
    begun = {begin.folder: moment(begin.utc) for begin in of(RunBegin, entries)}
    lengths: dict[str, list[float]] = {}
    for end in of(RunEnd, entries):
        first, last = begun.get(end.folder), moment(end.utc)
        if end.exit_status == "success" and end.ordinal in scenarios and first is not None and last is not None:
            lengths.setdefault(scenarios[end.ordinal], []).append((last - first).total_seconds())
    return lengths


def moment(utc: str) -> datetime | None:
    """A stamp of the log; None where it is none."""
    try:
        found = datetime.fromisoformat(utc)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def estimate_s(
    left: Sequence[str], *, durations_s: Mapping[str, Sequence[float]], known_s: float, pause_s: float
) -> float:
    """Time for the runs left (the scenario of each), from the mean duration of each scenario so far (where there is
    none, the mean of all, else what is known of a baseline block), and the pauses between them."""
    means = {name: mean(values) for name, values in durations_s.items()}
    fallback = mean(means.values()) if means else known_s
    return sum(means.get(scenario, fallback) for scenario in left) + pause_s * max(0, len(left) - 1)
