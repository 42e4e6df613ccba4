"""Findings on the load that an emulator made, and on what became of it (method.md section 8): the accuracy of the user
emulation, and computational correctness.

Knows what one run served and the thresholds. Knows no power, no other run and no sentence.

A run whose stimulus is not what its parameter set says is no run of that parameter set. Nor is one whose emulator was
the bottleneck: it took its CPU, or submitted so late that the service had less to do than it was to have.
"""

from collections.abc import Iterator

from harness.record.documents import Json, Thresholds
from reports.ratings.served import Served
from reports.ratings.stimulus import Pace
from reports.results.finding import Finding


def of_served(run: str, served: Served, limits: Thresholds) -> Iterator[Finding]:
    """All of them; `run`: the name of its folder."""
    own, pace = served.stimulus, served.stimulus.pace
    if not pace.intended:
        yield Finding("no-tasks", "invalid", run, {"population": served.name})
        return
    wrong: Json = {
        f"{one.user_type} {one.chain}".strip(): {"observed": one.observed, "expected": one.expected, "n": one.count}
        for one in own.frequencies
        if one.away_percent > limits.stimulus_q_percent
    }
    if wrong:
        yield Finding("stimulus-q", "invalid", run, wrong)
    wrong = {
        f"{one.user_type} {one.task_type} {one.preparation}": {
            "mean_s": one.mean_s, "expected_s": one.expected_mean_s, "n": one.count,
        }
        for one in own.thinking
        if one.mean_away_percent > limits.stimulus_h_percent
    }  # fmt: skip
    if wrong:
        yield Finding("stimulus-h", "invalid", run, wrong)
    wrong = {
        f"{one.user_type} {one.task_type} {one.preparation}": {
            "sd_s": one.sd_s, "expected_s": one.expected_sd_s, "n": one.count,
        }
        for one in own.thinking
        if one.sd_away_percent > limits.stimulus_s_percent
    }  # fmt: skip
    if wrong:
        yield Finding("stimulus-s", "invalid", run, wrong)
    if own.disorder:
        yield Finding("stimulus-order", "invalid", run, {"tasks": own.disorder})
    yield from _of_pace(run, pace, limits)
    yield from _of_failures(run, served, limits)


def _of_pace(run: str, pace: Pace, limits: Thresholds) -> Iterator[Finding]:
    if pace.away_percent > limits.stimulus_rate_percent:
        evidence = {
            "intended": pace.intended, "submitted": pace.submitted, "declared": pace.declared, "made": pace.made,
            "away_percent": pace.away_percent,
        }  # fmt: skip
        yield Finding("stimulus-rate", "invalid", run, evidence)
    lag_ms = 1e3 * pace.lag_p99_s
    is_busy = pace.cpu_percent is not None and pace.cpu_percent > limits.stimulus_cpu_percent
    if lag_ms > limits.stimulus_lag_ms or is_busy:
        is_bottleneck = lag_ms > limits.stimulus_lag_invalid_ms or is_busy
        evidence = {
            "lag_p99_ms": lag_ms, "lag_largest_ms": 1e3 * pace.lag_max_s, "cpu_percent": pace.cpu_percent,
            "queued": pace.queued,
        }  # fmt: skip
        yield Finding("stimulus-lag", "invalid" if is_bottleneck else "warn", run, evidence)


def _of_failures(run: str, served: Served, limits: Thresholds) -> Iterator[Finding]:
    """Tasks that were not done, by reason, and connections that failed."""
    submitted = sum(one.count for one in served.types.values())
    failed = submitted - sum(one.done for one in served.types.values())
    errors = served.stimulus.pace.errors
    if not failed and not errors:
        return
    evidence: Json = {"failed": failed, "of": submitted, "connections": errors, **served.reasons}
    is_wrong = 100 * failed > limits.tasks_failed_percent * submitted
    yield Finding("tasks-failed", "invalid" if is_wrong else "warn", run, evidence)
