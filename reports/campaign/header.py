"""What a campaign is: names, plan, source, attachments, what preflight remarked.

Knows the entries of its log and its runs' start documents. Computes nothing.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.record.entries import Attachment, Entry, Header, Plan, Preflight, header_of, of
from reports.campaign.run import AnalysedRun
from reports.results.document import SCHEMA
from reports.results.header import AttachedFile, CampaignHeader, LostRun, PreflightRemark, Source


def header_section(entries: Sequence[Entry], runs: Sequence[AnalysedRun], lost: Sequence[LostRun]) -> CampaignHeader:
    """`campaign` of results.json."""
    first = runs[0].run.start
    header = header_of(entries) or Header(seq=0, utc="", raw={}, schema=SCHEMA, name=first.campaign)
    plans = [len(plan.runs) for plan in of(Plan, entries)]
    lab = (header.config or {}).get("lab", {})
    ends = [run.run.stop.utc if run.run.stop else run.run.start.utc for run in runs]
    notes = sorted({str(run.run.start.source["note"]) for run in runs if run.run.start.source and len(runs) == 1})
    source = None if first.source is None else Source(
        first.source.get("format"),
        {name: sha for run in runs for name, sha in (run.run.start.source or {}).get("files", {}).items()},
        notes[0] if notes else str(first.source.get("note", "")).split("; test run")[0],
        "utc" if all((run.run.start.source or {}).get("clock") == "utc" for run in runs) else "local",
    )  # fmt: skip
    attachments = (attachment.raw for attachment in of(Attachment, entries))
    return CampaignHeader(
        name=header.name, uid=header.uid or None, seed=header.seed, design=header.design,
        customer=header.customer, lab=lab.get("name", ""), place=lab.get("place", ""),
        operator=first.operator, software=first.software if header.software is None else header.software,
        created_utc=header.utc or None, first_utc=min(run.run.start.utc for run in runs), last_utc=max(ends),
        config=header.config, source=source, plan=sum(plans) if plans else None,
        attachments=tuple(
            AttachedFile(*(raw.get(key) for key in ("path", "sha256", "note", "run"))) for raw in attachments
        ),
        preflight=tuple(_preflight(entries)), lost=tuple(lost),
    )  # fmt: skip


def _preflight(entries: Sequence[Entry]) -> Iterator[PreflightRemark]:
    """What preflight did not find in order, each remark once."""
    first_utc: dict[tuple[str, str, str], str] = {}
    times: Counter[tuple[str, str, str]] = Counter()
    for preflight in of(Preflight, entries):
        for reason in preflight.reasons:
            remark = str(reason.get("severity")), str(reason.get("subject")), str(reason.get("text"))
            if remark[0] != "ok":
                first_utc.setdefault(remark, preflight.utc)
                times[remark] += 1
    for remark, utc in first_utc.items():
        yield PreflightRemark(*remark, utc, times[remark])
