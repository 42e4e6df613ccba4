"""What a campaign is: names, plan, source, attachments, what preflight remarked.

Knows the entries of its log and its runs' start documents. Computes nothing.
"""

from collections.abc import Sequence

from harness.record.documents import Json
from harness.record.entries import Attachment, Entry, Header, Plan, Preflight, header_of, of
from reports.campaign.document import SCHEMA
from reports.campaign.run import AnalysedRun


def header_section(entries: Sequence[Entry], runs: Sequence[AnalysedRun]) -> Json:
    """`campaign` of results.json, but for the lost runs."""
    first = runs[0].run.start
    header = header_of(entries) or Header(seq=0, utc="", raw={}, schema=SCHEMA, name=first.campaign)
    plans = [len(plan.runs) for plan in of(Plan, entries)]
    lab = (header.config or {}).get("lab", {})
    ends = [run.run.stop.utc if run.run.stop else run.run.start.utc for run in runs]
    notes = sorted({str(run.run.start.source["note"]) for run in runs if run.run.start.source and len(runs) == 1})
    source = None if first.source is None else {
        "format": first.source.get("format"),
        "files": {name: sha for run in runs for name, sha in (run.run.start.source or {}).get("files", {}).items()},
        "note": notes[0] if notes else str(first.source.get("note", "")).split("; test run")[0],
    }  # fmt: skip
    return {
        "name": header.name, "uid": header.uid or None, "seed": header.seed, "design": header.design,
        "customer": header.customer, "lab": lab.get("name", ""), "place": lab.get("place", ""),
        "operator": first.operator, "software": first.software if header.software is None else header.software,
        "created_utc": header.utc or None, "first_utc": min(run.run.start.utc for run in runs), "last_utc": max(ends),
        "config": header.config, "source": source, "plan": sum(plans) if plans else None,
        "attachments": [
            {key: attachment.raw.get(key) for key in ("path", "sha256", "note", "run")}
            for attachment in of(Attachment, entries)
        ],
        "preflight": _preflight(entries),
    }  # fmt: skip


def _preflight(entries: Sequence[Entry]) -> list[Json]:
    """What preflight did not find in order, each remark once: `{severity, subject, text, utc, times}`."""
    found: dict[tuple[str, ...], Json] = {}
    for preflight in of(Preflight, entries):
        for reason in preflight.reasons:
            said = {key: str(reason.get(key)) for key in ("severity", "subject", "text")}
            if said["severity"] != "ok":
                found.setdefault(tuple(said.values()), {**said, "utc": preflight.utc, "times": 0})["times"] += 1
    return list(found.values())
