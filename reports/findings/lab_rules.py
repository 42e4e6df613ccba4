"""Findings on what the lab itself said: origin, thresholds, ending, promised files, annotations, notes.

Knows the order of findings, the thresholds, and which finding keeps its run out. The rules on one run are in
reading_rules.py, meter_rules.py, mark_rules.py and surroundings.py, those about time in stamps.py, those on a whole
campaign in campaign.py (method.md sections 3, 5 and 7). What a code means and what follows from it is in the catalogue
(`reports.results.finding_kinds`).
"""

from collections.abc import Sequence
from dataclasses import asdict, fields

from harness.record.documents import STATED_LIMITS, Json, NoteEvent, Thresholds
from harness.record.entries import Annotation, Entry, of
from harness.record.errors import AnalysisError
from harness.record.run_folder import RunFolder
from reports.energy.meter_error import assumed_of, certificate_of, power_limits
from reports.results.finding import Finding, Severity
from reports.results.finding_kinds import KINDS, kind_of
from reports.results.kinds.code import FindingCode
from reports.results.meters import QUALIFIED, Meter
from reports.results.rules import Rule, was

RANK = {"invalid": 0, "warn": 1, "info": 2}
NEUTRAL = frozenset({"ambient_c", "settle_window_s"})
"""Thresholds that are neither stricter nor looser when they are larger."""
TAKES_RUN_OUT = {code: kind.takes_run_out for code, kind in KINDS.items() if kind.takes_run_out}
"""Code of an invalid finding of a run -> why the run enters no mean; the campaign's result stays what it is."""
SECOND = frozenset(code for code, kind in KINDS.items() if kind.since == "0.2.0")
"""Codes that wattlab 0.1.0 did not know."""
ORIGINS: dict[FindingCode, Severity] = {
    "emulated": "warn",
    "estimated": "warn",
    "unattested": "warn",
    "imported": "info",
    "declared": "warn",
}


def takes_run_out(finding: Finding) -> bool:
    """Whether a finding of a run keeps it out of the means."""
    return finding.severity == "invalid" and finding.code in TAKES_RUN_OUT


def thresholds_of(run: RunFolder) -> Thresholds:
    """The limits the campaign was measured under; the method's own for a rule that is younger than the campaign.

    Raises:
        AnalysisError: the start document does not hold them.
    """
    own, known = _recorded_limits(run), {field.name for field in fields(Thresholds)}
    return Thresholds(**{key: value for key, value in own.items() if key in known})


def limits_entry(run: RunFolder) -> Json:
    """`thresholds` of results.json: the same, and what else the start document names as one."""
    return asdict(Thresholds()) | _recorded_limits(run)


def _recorded_limits(run: RunFolder) -> Json:
    recorded = run.start.config.get("thresholds")
    if not isinstance(recorded, dict):
        raise AnalysisError(
            f"{run.path}: the start document's config has no thresholds; was it written by another tool?"
        )
    return recorded


def of_thresholds(limits: Thresholds) -> list[Finding]:
    """Limits that this lab made looser than the method's."""
    loose = {
        key: {"applied": getattr(limits, key), "method": own}
        for key, own in asdict(Thresholds()).items()
        if key not in NEUTRAL and (getattr(limits, key) < own if key.startswith("min_") else getattr(limits, key) > own)
    }
    return [Finding("limits-loosened", "warn", "campaign", loose)] if loose else []


def of_stated_limits(runs: Sequence[RunFolder]) -> list[Finding]:
    """Meters whose limits of error are the lab's own word; each once, by its narrowest. It is a warning where they are
    narrower than what would be assumed of the meter (without any limits), and no certificate bears them out."""
    worst: dict[str, tuple[bool, float, float]] = {}
    for descriptor in (one for run in runs for one in run.power):
        limits = power_limits(descriptor).accuracy
        if limits is None or limits.source != STATED_LIMITS:
            continue
        assumed_percent = 100 * assumed_of(descriptor.tier)
        is_bold = limits.reading_percent < assumed_percent and certificate_of(descriptor) is None
        found = (not is_bold, limits.reading_percent, assumed_percent)
        worst[descriptor.meter] = min(found, worst.get(descriptor.meter, found))
    return [
        Finding("limits-stated", "info" if fair else "warn", meter, {
            "meter": meter, "stated_percent": stated_percent, "assumed_percent": assumed_percent,
        })
        for meter, (fair, stated_percent, assumed_percent) in sorted(worst.items())
    ]  # fmt: skip


def of_origins(meters: Sequence[Meter], *, certify_declared: bool) -> list[Finding]:
    """Whose readings these are, each origin once; `certify_declared`: the lab's policy in every run."""
    found = []
    for origin, severity in ORIGINS.items():
        own = sorted((meter for meter in meters if meter.origin == origin), key=lambda meter: meter.meter)
        if not own:
            continue
        if was(Rule.EACH_ORIGIN):
            return [Finding(origin, severity, "campaign", {"meters": sorted(meter.meter for meter in meters)})]
        evidence: Json = {"meters": [meter.meter for meter in own]}
        if origin == "declared":
            evidence["declared"] = [declared_words(meter.evidence) for meter in own]
        if remedies := [f"{meter.meter}: {text}" for meter in own if (text := meter.evidence.get("remedy"))]:
            evidence["remedy"] = remedies
        code: FindingCode = "declared-certified" if origin == "declared" and certify_declared else origin
        if certificates := [one for meter in own if isinstance(one := meter.evidence.get(QUALIFIED), dict)]:
            evidence["qualification"] = certificates
            code = "estimated-qualified" if origin == "estimated" else code
        found.append(Finding(code, severity, "campaign", evidence))
    return found


def declared_words(evidence: Json) -> str:
    """Who declares what of a meter."""
    where = f"{evidence.get('declared_address')} ({evidence.get('declared_link')})"
    who = f"{evidence.get('declared_by')} on {evidence.get('declared_on')}"
    return f"{evidence.get('instrument')} at {where}, by {who}"


def of_ending(run: RunFolder) -> list[Finding]:
    """A run that did not succeed, or whose source was cut off."""
    found = []
    if run.exit_status != "success":
        code: FindingCode = "run-failed" if run.exit_status == "fail" else "run-aborted"
        found.append(Finding(code, "info", run.path.name, {"reason": run.reason}))
    found += [
        Finding("truncated-source", "warn", run.path.name, {"text": event.text})
        for event in run.events
        if isinstance(event, NoteEvent) and event.code == "truncated-source"
    ]
    return found


def of_artifacts(run: RunFolder) -> list[Finding]:
    """`artifact-missing`: files that the scenario promises and the run did not leave, with what was noted of them."""
    promised, trackers = (run.start.scenario_config.get(key) or [] for key in ("artifacts", "trackers"))
    names = [str(name) for name in promised] if isinstance(promised, list) else []
    # Each tracker's two files stand last (`harness.measure.scenario`), before them its trace; what they lack is told by
    # `tracker-no-number`.
    of_trackers = {f"tracker-{name}-trace.csv" for name in trackers}
    names = [name for name in names[: len(names) - 2 * len(trackers)] if name not in of_trackers]
    missing = sorted(name for name in names if not (run.path / "artifacts" / name).is_file())
    notes = [event.text for event in run.events if isinstance(event, NoteEvent) and event.code == "artifact-missing"]
    return [Finding("artifact-missing", "warn", run.path.name, {"names": missing, "said": notes})] if missing else []


def of_annotations(annotations: Sequence[Entry]) -> list[Finding]:
    """What the operator noted beside the runs: a run taken out of the means is a warning, with who, when and why."""
    return [
        Finding(
            "excluded-by-operator" if note.exclude else "annotation",
            "warn" if note.exclude else "info",
            note.run or "campaign",
            {"operator": note.operator, "utc": note.utc, "text": note.text}
            | ({"reason": note.exclude} if note.exclude else {}),
        )
        for note in of(Annotation, annotations)
    ]


def of_notes(runs: Sequence[RunFolder]) -> list[Finding]:
    """What was noted while the runs were made; a note that several runs share is one finding of the campaign."""
    noted: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        for event in run.events:
            if isinstance(event, NoteEvent) and not kind_of(event.code).is_noted:
                noted.setdefault((event.code, event.text), []).append(run.path.name)
    return [
        Finding(
            "note",
            "info",
            names[0] if len(names) == 1 else "campaign",
            {"code": code, "text": text, "times": len(names)},
        )
        for (code, text), names in noted.items()
    ]


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """Worst first; within a severity in the order they were found."""
    return sorted(findings, key=lambda finding: RANK[finding.severity])


def is_of_first(finding: Finding) -> bool:
    """Whether wattlab 0.1.0 could find it."""
    return finding.code not in SECOND and (finding.code, finding.subject) != ("success-fraction", "baseline")
