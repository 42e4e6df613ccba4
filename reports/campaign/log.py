"""What the log and the operator say of runs: which were thrown out, excluded, lost, never recorded.

Knows entries of the log and annotations. Knows no stream of a run.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.record.campaign_folder import LOST
from harness.record.entries import Annotation, Entry, Plan, RunBegin, RunEnd, of
from reports.campaign.run import AnalysedRun
from reports.results.finding import Finding
from reports.results.header import LostRun

PULSE: Mapping[str, Any] = {"kind": "sync", "scenario": "sync", "repetition": None}
"""What no plan holds: a sync pulse, of ordinal 0."""


def reasons_excluded(annotations: Sequence[Entry]) -> dict[str, str]:
    """Run folder -> why the operator took it out, with who and when."""
    return {
        note.run: f"excluded by {note.operator}, {note.utc}: {note.exclude}"
        for note in of(Annotation, annotations)
        if note.exclude and note.run
    }


def reasons_thrown_out(entries: Sequence[Entry]) -> dict[str, str]:
    """Run folder -> why it was thrown out when it was measured."""
    return {
        end.folder: f"thrown out when it was measured: {end.thrown_out}"
        for end in of(RunEnd, entries)
        if end.thrown_out
    }


def thrown_out_findings(runs: Sequence[AnalysedRun], reasons: Mapping[str, str]) -> list[Finding]:
    """`thrown-out`: runs that were thrown out when they were measured, and that nothing found today keeps out."""
    return [
        Finding("thrown-out", "warn", run.run.path.name, {"reason": run.exclusion})
        for run in runs
        if run.run.path.name in reasons and run.excluded_because == run.exclusion
    ]


def lost_runs(entries: Sequence[Entry]) -> list[LostRun]:
    """Runs that had been begun and of which nothing is left, in the order they were begun."""
    planned = {str(run.get("ordinal")): run for plan in of(Plan, entries) for run in plan.runs}
    begun = {begin.folder: begin for begin in of(RunBegin, entries)}
    lost = []
    for end in of(RunEnd, entries):
        if end.lost == LOST:
            begin, plan = begun.get(end.folder), planned.get(str(end.ordinal), PULSE)
            lost.append(LostRun(
                end.ordinal, begin.attempt if begin else None,
                plan.get("kind"), plan.get("scenario"), plan.get("repetition"),
                end.folder, begin.utc if begin else None, end.reason,
            ))  # fmt: skip
    return lost


def never_recorded(entries: Sequence[Entry], lost: Sequence[LostRun]) -> list[Finding]:
    """Runs that the log knows and that left no folder: removed, or cut off before anything was recorded."""
    gone = {run.folder for run in lost}
    aborted = [
        Finding("run-aborted", "info", end.folder, {"reason": end.reason})
        for end in of(RunEnd, entries)
        if end.manifest is None and end.folder not in gone
    ]
    keys = ("ordinal", "attempt", "scenario", "begun_utc", "reason")
    return aborted + [Finding("run-lost", "warn", run.folder, {key: getattr(run, key) for key in keys}) for run in lost]
