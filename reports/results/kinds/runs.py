"""Kinds of findings: runs that did not end as planned. Knows no rule that finds one."""

from collections.abc import Mapping

from reports.results.kinds.code import FindingCode
from reports.results.kinds.kind import FindingKind

KINDS: Mapping[FindingCode, FindingKind] = {
    "run-failed": FindingKind(
        ("info",),
        when="the workload failed; the run is listed; evidence `reason`",
        meaning="The workload failed; the run is listed and enters no mean.",
        remedy="Read artifacts/stderr.txt and stdout.txt of the run, mend the workload; `wattlab run` repeats it.",
        is_deviation=True,
        is_of_lost_run=True,
    ),
    "run-aborted": FindingKind(
        ("info",),
        when="the lab's side ended the run, or it has not ended yet; it is listed; evidence `reason`",
        meaning=(
            "The run was ended by the lab's side, not by the workload, or is still being measured; it is listed and "
            "enters no mean."
        ),
        remedy=(
            "Look in the table of all runs whether it was repeated; if it was not, `wattlab run` repeats it. One that "
            "is being measured counts as soon as it has ended: give `wattlab report` again then."
        ),
        is_deviation=True,
        is_of_lost_run=True,
    ),
    "aborted-after-rating": FindingKind(
        ("warn",),
        when=(
            "the lab's side ended the run when its rating interval was over; evidence has its energy, `alternatives` "
            "the mean with it"
        ),
        meaning=(
            "The run was ended by the lab's side when its rating interval was over, so its energy was known; it "
            "enters no mean. The table of other rules gives the mean with it."
        ),
        remedy=(
            "State why it was aborted (`wattlab annotate`). Giving up runs for what they showed makes the mean of "
            "the others wrong."
        ),
        since="0.2.0",
        is_deviation=True,
        is_of_lost_run=True,
    ),
    "run-lost": FindingKind(
        ("warn",),
        when=(
            "the log saw the run begin (and its start document on disk), and its folder or journal was removed "
            "before it ended; counted by `success-fraction`"
        ),
        meaning=(
            "The log saw this run begin, and somebody removed what had been recorded of it: what it came to is not "
            "known."
        ),
        remedy="Ask who removed it and why; put the folder back from a copy, or measure the campaign again.",
        since="0.2.0",
        is_deviation=True,
        is_of_lost_run=True,
    ),
    "thrown-out": FindingKind(
        ("warn",),
        when=(
            "thrown out and repeated when it was measured (`run-end` of the log says why), and nothing found today "
            "keeps it out of the means; it stays out"
        ),
        meaning=(
            "The run was thrown out and repeated when it was measured, by that day's rules; by today's it would count."
        ),
        remedy="Compare its value with that of the run that replaced it; the evidence says why it was thrown out.",
        since="0.2.0",
        is_deviation=True,
        is_of_lost_run=True,
    ),
    "no-rating": FindingKind(
        ("invalid",),
        when="the interval was never marked",
        meaning="The run's rating interval was never marked, so nothing says which readings belong to it.",
        remedy="Read the run's journal for the reason, then repeat the run.",
        takes_run_out="its rating interval was never marked",
    ),
    "no-power": FindingKind(
        ("invalid",),
        when="no reading overlaps the run's interval",
        meaning="There is no power reading in the run's interval, so it has no energy.",
        remedy=(
            "Check that the meter sends readings: `wattlab meter read NAME` shows them as they come. Then repeat the "
            "run."
        ),
        takes_run_out="no power reading lies in its rating interval",
    ),
    "computational-incorrect": FindingKind(
        ("invalid",),
        when="summary.json is not what `[verification]` of scenario.toml demands (docs/run-folder.md)",
        meaning=(
            "The workload did not do the work it was to do, so its energy is not that of this work; it enters no mean."
        ),
        remedy="Compare found and expected, read the run's artifacts/stdout.txt, mend the workload, repeat the run.",
        takes_run_out="its workload did not do the work it was to do",
    ),
    "artifact-missing": FindingKind(
        ("warn",),
        when="the run did not leave a file that `artifacts` of its scenario names; `said`: why it was not taken",
        meaning="The run did not leave all the files that its scenario promises.",
        remedy="Read the run's artifacts/stdout.txt, mend the command, or take the names out of `artifacts`.",
        since="0.2.0",
        is_noted=True,
    ),
    "unreadable": FindingKind(
        ("invalid",),
        when="a journal or a stream of a run is not what it should be; the run enters no mean",
        meaning="A journal or a stream of the run is not what it should be, so nothing of this run was used.",
        remedy="Run `wattlab verify`: it names every file that changed. Restore it from a copy, or repeat the run.",
        takes_run_out="it cannot be read",
    ),
    "agent-missing": FindingKind(
        ("info",),
        when="a run without hardware indicators",
        meaning="There are no hardware indicators for this run.",
        remedy="Run `wattlab sut prepare`: it brings the agent and what it needs to the SUT.",
        is_deviation=True,
    ),
    "work-contradicted": FindingKind(
        ("warn",),
        when=(
            "a run's program marked another amount of a unit of useful work than its summary.json says; the marks "
            "count. Evidence: unit -> `{marked, summary, key}`"
        ),
        meaning="The program marked another amount of useful work than its summary.json says; the marks count.",
        remedy="Count each unit in one place: by `work(...)`, or in summary.json (docs/markers.md).",
        since="0.2.0",
    ),
    "work-missing": FindingKind(
        ("warn",),
        when=(
            "some runs of a scenario mark a unit of useful work that others do not mark; what is per that unit is of "
            "the runs that do. Evidence: unit -> run folders that lack it"
        ),
        meaning=(
            "Some runs mark a unit of useful work that others of the same scenario do not; its energy per unit and its "
            "efficiency factor are of the runs that do."
        ),
        remedy="Mark every unit in every run, also where it is 0: `work(tokens=0)` (docs/markers.md).",
        since="0.2.0",
    ),
}
