"""Kinds of findings: the load that an emulator made, and what became of its tasks. Knows no rule that finds one."""

from collections.abc import Mapping

from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import FindingKind

LONGER = "Make the rating interval longer; `wattlab plan` says how long it has to be."

KINDS: Mapping[FindingCode, FindingKind] = {
    "no-tasks": FindingKind(
        ("invalid",),
        when="no task was to be submitted in the rating interval; evidence `population`",
        meaning="No task was to be submitted in the rating interval, so there is nothing to rate.",
        remedy="Make the rating interval longer than the longest preparation time, then repeat the run.",
        takes_run_out="no task was to be submitted in its rating interval",
        since="0.2.0",
    ),
    "stimulus-q": FindingKind(
        ("invalid",),
        when=(
            "a relative frequency q of the run is further from the parameter set than allowed. Evidence: user type and "
            "chain (of a load shape the task type) -> `{observed, expected, n}`"
        ),
        meaning=(
            "Chains did not occur as often as the parameter set says, so the run was made by other users than those "
            "that it names."
        ),
        remedy=LONGER,
        limits=("stimulus_q_percent",),
        takes_run_out="its chains were not as frequent as the parameter set says",
        since="0.2.0",
    ),
    "stimulus-h": FindingKind(
        ("invalid",),
        when=(
            "a mean preparation time h is further from the parameter set than allowed. Evidence: user type, task type "
            "and preparation -> `{mean_s, expected_s, n}`"
        ),
        meaning="Users took more or less time between their tasks than the parameter set says.",
        remedy=f"{LONGER} Where the emulator submitted late, `stimulus-lag` says so: give it a faster machine.",
        limits=("stimulus_h_percent",),
        takes_run_out="its users' mean preparation times were not those of the parameter set",
        since="0.2.0",
    ),
    "stimulus-s": FindingKind(
        ("invalid",),
        when=(
            "a standard deviation s of preparation times is further from the parameter set than allowed (of a constant "
            "time, in % of its mean). Evidence: user type, task type and preparation -> `{sd_s, expected_s, n}`"
        ),
        meaning="The users' preparation times scattered otherwise than the parameter set says.",
        remedy=LONGER,
        limits=("stimulus_s_percent",),
        takes_run_out="its users' preparation times did not scatter as the parameter set says",
        since="0.2.0",
    ),
    "stimulus-order": FindingKind(
        ("invalid",),
        when="tasks that are not what follows the user's task before; evidence `tasks`",
        meaning="Users did not do the tasks of their chains one after the other.",
        remedy="Repeat the run; if it happens again, report it as a bug of the emulator with the run's tasks-*.csv.",
        takes_run_out="its users did not keep to the order of their chains",
        since="0.2.0",
    ),
    "stimulus-rate": FindingKind(
        ("invalid",),
        when=(
            "tasks submitted in the rating interval against those that were to be, or the made rate (of a closed load "
            "the number in flight) against the declared one; evidence `intended`, `submitted`, `declared`, `made`"
        ),
        meaning="The load was not made at the rate that was asked for.",
        remedy=(
            "Look at `lag_p99_s` and `queued` of the run: raise `connections` in the population file where tasks "
            "waited for one; lower the rate, or give the emulator a faster machine, where it was late."
        ),
        limits=("stimulus_rate_percent",),
        takes_run_out="its load was not made at the rate that was asked for",
        since="0.2.0",
    ),
    "stimulus-lag": FindingKind(
        ("warn", "invalid"),
        when=(
            "99 % of the tasks were submitted later than allowed (invalid: later than `stimulus_lag_invalid_ms`, or "
            "the emulator took more of one CPU than `stimulus_cpu_percent`); evidence `lag_p99_ms`, `lag_largest_ms`, "
            "`cpu_percent`, `queued`"
        ),
        meaning="Tasks were submitted late: the machine that makes the load was a bottleneck beside the service.",
        remedy=(
            "Keep other programs off the workload generator, or give it a faster machine; then repeat the run. Where "
            "tasks waited for a connection, raise `connections` in the population file."
        ),
        limits=("stimulus_lag_ms", "stimulus_lag_invalid_ms", "stimulus_cpu_percent"),
        takes_run_out="the emulator that made its load was the bottleneck",
        since="0.2.0",
    ),
    "tasks-failed": FindingKind(
        ("warn", "invalid"),
        when=(
            "tasks of the rating interval were not completed, or not correctly (invalid: more than allowed), or "
            "connections failed; evidence `failed`, `of`, `connections`, and reason -> how many"
        ),
        meaning=(
            "Some tasks of the rating interval failed: they count as submitted and as never complete, and their energy "
            "as spent."
        ),
        remedy=(
            "Read the reasons, and the service's own log; [population.md](population.md) says what each reason is. "
            "Then repeat the run."
        ),
        limits=("tasks_failed_percent",),
        takes_run_out="too many of its tasks failed",
        since="0.2.0",
    ),
}
