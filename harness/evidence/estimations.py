"""estimation.json with its report.html: the kind of derived document that scored estimators have, sealed.

Knows what stands in its folder and where its campaigns lay. Knows no estimator and no key: it is not signed, the
campaigns it rests on are, each by itself.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.evidence.changes import writer_of_sealed
from harness.evidence.derived import CheckOrNote, Derived, Digests, NotRecomputed
from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import Json
from harness.record.plain_files import read_plain
from reports.estimation.assessment import assess
from reports.estimation.cases import cases_of
from reports.estimation.facts import FactTable, facts_of
from reports.estimation.training import Source
from reports.render import REPORT, estimation_html
from reports.results.estimation import ESTIMATION, FACTS, SCHEMA, EstimatedCampaign, Estimation, estimation_of
from reports.results.software import Software


@dataclass(frozen=True, slots=True)
class EstimationInputs:
    """The campaigns, what a table says of their runs (None: there is none), whose energy, STEP's first epoch and
    window, what computes it, and the folder that it lies in or is meant for."""

    campaigns: Sequence[Path]
    facts: bytes | None
    source: Source
    start: int
    window: int
    software: Software
    into: Path


def _inputs(folder: Path, written: Json) -> EstimationInputs:
    document = estimation_of(written)
    facts = None if document.facts_sha256 is None else read_plain(folder / FACTS)
    campaigns, found = [folder / campaign.place for campaign in document.campaigns], document.assessment
    return EstimationInputs(campaigns, facts, found.source, found.start, found.window, document.software, folder)


def _compute(inputs: EstimationInputs) -> Estimation:
    places = {path: os.path.relpath(path.resolve(), inputs.into.resolve()) for path in inputs.campaigns}
    if absent := [place for path, place in places.items() if not path.is_dir()]:
        raise NotRecomputed(f"there is no campaign at {', '.join(absent)} (seen from {inputs.into}).")
    facts = FactTable() if inputs.facts is None else facts_of(Path(FACTS), inputs.facts)
    cases, left_out = cases_of(inputs.campaigns, inputs.source, facts)
    return Estimation(
        schema=SCHEMA,
        software=inputs.software,
        campaigns=tuple(EstimatedCampaign(place, CampaignFolder(path).head()) for path, place in places.items()),
        facts_sha256=_digest_of(inputs.facts),
        assessment=assess(cases, inputs.source, left_out, inputs.start, inputs.window),
    )


def _digest_of(facts: bytes | None) -> str | None:
    return None if facts is None else hashlib.sha256(facts).hexdigest()


def _digests(document: Estimation) -> Digests:
    heads = {campaign.place: campaign.chain_head for campaign in document.campaigns}
    return heads | ({} if document.facts_sha256 is None else {FACTS: document.facts_sha256})


def _digests_now(document: Estimation, inputs: EstimationInputs) -> Digests:
    folders = {one.place: Path(os.path.normpath(inputs.into.resolve() / one.place)) for one in document.campaigns}
    heads = {place: CampaignFolder(folder).head() for place, folder in folders.items()}
    return heads | ({} if inputs.facts is None else {FACTS: _digest_of(inputs.facts)})


def _further(_: EstimationInputs) -> Iterator[CheckOrNote]:
    yield "The campaigns themselves were not verified: `wattlab verify` on each does that."


ESTIMATION_DOCUMENT: Derived[EstimationInputs, Estimation] = Derived(
    name=ESTIMATION,
    verb="estimate score",
    read=estimation_of,
    writer=lambda written, _: writer_of_sealed(written),
    inputs=_inputs,
    digests=_digests,
    digests_now=_digests_now,
    input_words=("as when it was scored", "its digest is {now}, the document names {then}"),
    compute=_compute,
    computed_from="the campaigns' raw data",
    pages={REPORT: lambda document, _text, _inputs: estimation_html(document)},
    checks=("estimation",),
    further=_further,
)
"""Estimators beside what was measured."""
