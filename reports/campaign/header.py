"""What a campaign is: names, plan, source, attachments, what preflight remarked.

Knows the entries of its log and its runs' start documents. Computes nothing.
"""

from collections.abc import Sequence

from harness.record.documents import Json
from reports.campaign.run import AnalysedRun


def header_section(entries: Sequence[Json], runs: Sequence[AnalysedRun]) -> Json:
    """`campaign` of results.json, but for the lost runs."""
    header = next((entry for entry in entries if entry.get("type") == "campaign"), {})
    plans = [len(entry.get("runs", [])) for entry in entries if entry.get("type") == "plan"]
    config = header.get("config") if isinstance(header.get("config"), dict) else None
    lab = (config or {}).get("lab", {})
    first = runs[0].run.start
    ends = [run.run.stop.utc if run.run.stop else run.run.start.utc for run in runs]
    notes = sorted({str(run.run.start.source["note"]) for run in runs if run.run.start.source and len(runs) == 1})
    source = None if first.source is None else {
        "format": first.source.get("format"),
        "files": {name: sha for run in runs for name, sha in (run.run.start.source or {}).get("files", {}).items()},
        "note": notes[0] if notes else str(first.source.get("note", "")).split("; test run")[0],
    }  # fmt: skip
    return {
        "name": header.get("name", first.campaign), "uid": header.get("uid"), "seed": header.get("seed"),
        "design": header.get("design", ""), "customer": header.get("customer", ""), "lab": lab.get("name", ""),
        "place": lab.get("place", ""), "operator": first.operator, "software": header.get("software", first.software),
        "created_utc": header.get("utc"), "first_utc": min(run.run.start.utc for run in runs), "last_utc": max(ends),
        "config": config, "source": source, "plan": sum(plans) if plans else None,
        "attachments": [
            {key: entry.get(key) for key in ("path", "sha256", "note", "run")}
            for entry in entries
            if entry.get("type") == "attachment"
        ],
        "preflight": _preflight(entries),
    }  # fmt: skip


def _preflight(entries: Sequence[Json]) -> list[Json]:
    """What preflight did not find in order, each remark once: `{severity, subject, text, utc, times}`."""
    found: dict[tuple[str, ...], Json] = {}
    for entry in entries:
        for reason in (entry.get("reasons") or []) if entry.get("type") == "preflight" else []:
            said = {key: str(reason.get(key)) for key in ("severity", "subject", "text")}
            if said["severity"] != "ok":
                found.setdefault(tuple(said.values()), {**said, "utc": entry.get("utc"), "times": 0})["times"] += 1
    return list(found.values())
