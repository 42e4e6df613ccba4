"""qualification.json with qualification.html: the kind of derived document that a campaign has which qualifies software
meters.

Knows what it is computed of, and that the limit of the test is the campaign's where that declares one. It lies beside
results.json, so that what signs a campaign signs it too. Knows no key and no number.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from harness.evidence.derived import Derived, Digests
from harness.record.campaign_folder import DERIVED, CampaignFolder
from harness.record.documents import Json
from harness.record.verify import Examination, examine
from reports.qualification.certificate import Certified, certify
from reports.render import QUALIFIED, qualification_html
from reports.results.qualification import QUALIFICATION, Qualification, qualification_of
from reports.results.rules import Rule
from reports.results.software import Software

LOG = "campaign.jsonl"


@dataclass(frozen=True)
class QualificationInputs:
    """A campaign's folder, the program that computes, x in % where it was chosen afterwards; `examination`: what
    `examine` found, where it was called before."""

    path: Path
    software: Software
    limit_percent: float | None = None
    examination: Examination | None = None
    certified: list[Certified] = field(default_factory=list)
    """Filled by `compute`, so that the page reads no run again: first what the document was written by."""

    @cached_property
    def seen(self) -> Examination:
        """The campaign, read once."""
        return self.examination or examine(self.path)


def _inputs(folder: Path, written: Json) -> QualificationInputs:
    document = qualification_of(written)
    limit = None if document.limit_is_declared else document.limit_percent
    return QualificationInputs(folder, document.computed_by, limit)


def _compute(inputs: QualificationInputs) -> Qualification:
    inputs.certified.append(certify(inputs.path, inputs.seen, inputs.software, inputs.limit_percent))
    return inputs.certified[-1].document


def _within(written: Json) -> frozenset[Rule]:
    """A document that names no counter as reset, and has one that began anew, may be of before resets were told from
    wraps; where there was none, either rule gives the same."""
    meters = written["meters"]
    began_anew = any(
        meter["range_j"] is not None and meter["sampling"].get("n_wraps", 1) and meter["kind"] == "counter"
        for meter in meters
    )
    is_named = any("n_resets" in meter for meter in meters)
    return frozenset({Rule.COUNTER_FALLS}) if began_anew and not is_named else frozenset()


def _page(document: Qualification, _: str, inputs: QualificationInputs) -> str:
    if not inputs.certified:
        _compute(inputs)
    return qualification_html(document, inputs.certified[0].aligned)


def _digests(document: Qualification) -> Digests:
    return {LOG: document.campaign.chain_head, **document.campaign.runs}


def _digests_now(_: Qualification, inputs: QualificationInputs) -> Digests:
    runs = {name: run.manifest_sha256 for name, run in inputs.seen.runs.items()}
    return {LOG: CampaignFolder(inputs.path).head(), **runs}


QUALIFICATION_DOCUMENT: Derived[QualificationInputs, Qualification] = Derived(
    name=QUALIFICATION,
    folder=DERIVED,
    verb="qualify",
    read=qualification_of,
    writer_key="computed_by",
    writer=lambda written, _: str(written["computed_by"]["version"]),
    within=_within,
    inputs=_inputs,
    digests=_digests,
    digests_now=_digests_now,
    input_check="",  # it is recomputed with the digests of its runs
    compute=_compute,
    computed_from="the raw data",
    pages={QUALIFIED: _page},
    checks=("qualification",),
)
"""A campaign's certificate of its software meters."""
