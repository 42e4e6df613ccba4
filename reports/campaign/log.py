"""What the log and the operator say of runs: which were thrown out, excluded, lost, never recorded.

Knows entries of the log and annotations. Knows no stream of a run.
"""

from collections.abc import Mapping, Sequence

from harness.record.documents import Json
from harness.record.run_folder import LOST
from reports.campaign.run import AnalysedRun
from reports.results.finding import Finding

PULSE: Json = {"kind": "sync", "scenario": "sync", "repetition": None}
"""What no plan holds: a sync pulse, of ordinal 0."""


def reasons_excluded(annotations: Sequence[Json]) -> dict[str, str]:
    """Run folder -> why the operator took it out, with who and when."""
    return {
        str(note["run"]): f"excluded by {note.get('operator')}, {note.get('utc')}: {note['exclude']}"
        for note in annotations
        if note.get("exclude") and note.get("run")
    }


def reasons_thrown_out(entries: Sequence[Json]) -> dict[str, str]:
    """Run folder -> why it was thrown out when it was measured."""
    return {
        str(entry.get("folder")): f"thrown out when it was measured: {entry['thrown_out']}"
        for entry in entries
        if entry.get("type") == "run-end" and entry.get("thrown_out")
    }


def thrown_out_findings(runs: Sequence[AnalysedRun], reasons: Mapping[str, str]) -> list[Finding]:
    """`thrown-out`: runs that were thrown out when they were measured, and that nothing found today keeps out."""
    return [
        Finding("thrown-out", "warn", run.run.path.name, {"reason": run.exclusion})
        for run in runs
        if run.run.path.name in reasons and run.excluded_because == run.exclusion
    ]


def lost_runs(entries: Sequence[Json]) -> list[Json]:
    """Runs that had been begun and of which nothing is left: `{ordinal, attempt, kind, scenario, repetition, folder,
    begun_utc, reason}`, in the order they were begun."""
    plans = [run for e in entries if e.get("type") == "plan" for run in e.get("runs") or []]
    planned = {str(run.get("ordinal")): run for run in plans if isinstance(run, dict)}
    begun = {str(e.get("folder")): e for e in entries if e.get("type") == "run-begin"}
    found = []
    for entry in entries:
        if entry.get("type") == "run-end" and entry.get("lost") == LOST:
            begin, plan = begun.get(str(entry.get("folder")), {}), planned.get(str(entry.get("ordinal")), PULSE)
            found.append({
                "ordinal": entry.get("ordinal"), "attempt": begin.get("attempt"),
                **{key: plan.get(key) for key in ("kind", "scenario", "repetition")},
                "folder": str(entry.get("folder")), "begun_utc": begin.get("utc"), "reason": entry.get("reason"),
            })  # fmt: skip
    return found


def never_recorded(entries: Sequence[Json], lost: Sequence[Json]) -> list[Finding]:
    """Runs that the log knows and that left no folder: removed, or cut off before anything was recorded."""
    gone = {one["folder"] for one in lost}
    aborted = [
        Finding("run-aborted", "info", str(entry.get("folder")), {"reason": entry.get("reason")})
        for entry in entries
        if entry.get("type") == "run-end" and entry.get("manifest") is None and str(entry.get("folder")) not in gone
    ]
    keys = ("ordinal", "attempt", "scenario", "begun_utc", "reason")
    return aborted + [Finding("run-lost", "warn", one["folder"], {key: one[key] for key in keys}) for one in lost]
