"""The page of a qualification: what each software meter sees of the wall first, then every load, then what it rests on.

Knows the record of qualification.json and the blocks of a page. Knows no run folder, and computes nothing.
"""

from collections.abc import Iterator, Sequence

from reports.pages.blocks import Block, Card, Facts, Head, Paragraph, Row, Section, Table
from reports.pages.document import NOT_STATED, DocumentPage, document_page, section_of
from reports.pages.qualification.figures import shares, traces, transfers
from reports.pages.qualification.statements import answer, lag_line, seen_line, test_line, use_line
from reports.pages.qualification.tables import (
    lag_table,
    load_table,
    reference_facts,
    sampling_table,
    transfer_blocks,
    validity_facts,
)
from reports.pages.qualification.words import RULE, SHARE_NOTE, VALID_NOTE, limit_of, percent_of, shares_of
from reports.qualification.aligned import AlignedTraces
from reports.results.qualification import Qualification
from reports.results.software_meter import SoftwareMeter

STYLES = 6


def qualification_page(document: Qualification, aligned: Sequence[AlignedTraces]) -> DocumentPage:
    """The page of one certificate."""
    return document_page(
        title=f"Qualification of software meters: {document.validity.machine or document.campaign.name}",
        origin=document.reference.origin,
        identity=_identity(document),
        answer=answer(document),
        cards=[_card(document, meter, place % STYLES) for place, meter in enumerate(document.meters)],
        opening=_opening(document),
        sections=_sections(document, aligned),
        colophon=_colophon(document),
        numbers="qualification.json",
    )


def _identity(document: Qualification) -> Iterator[str]:
    campaign, day = document.campaign, document.validity.date
    yield f"Campaign {campaign.name}, uid {campaign.uid or 'none'}, {len(campaign.runs)} runs, until {day}"
    if campaign.lab or campaign.operator:
        yield f"Measured by {', '.join(filter(None, (campaign.lab, campaign.operator)))}"
    declared = "declared before the first run" if document.limit_is_declared else "chosen when this was computed"
    yield f"Limit of the five-minute test: {limit_of(document)}, {declared}"


def _card(document: Qualification, meter: SoftwareMeter, style: int) -> Card:
    shares, lines = (
        list(shares_of(meter).items()),
        [test_line(document, meter), lag_line(meter), use_line(document, meter)],
    )
    if not shares:
        return Card(meter.name, NOT_STATED, seen_line(meter), tuple(lines), style)
    (least, low), (most, high) = shares[0], shares[-1]
    also = [f"the least: {percent_of(low)} on {least}"] if least != most else []
    claim = f"of the wall on {most}, with U at 95 %"
    return Card(meter.name, percent_of(high), claim, (*also, *lines), style)


def _opening(document: Qualification) -> Iterator[Block]:
    yield from (Paragraph(remark, "note") for remark in document.remarks)
    if figure := shares(document):
        yield figure


def _sections(document: Qualification, aligned: Sequence[AlignedTraces]) -> Iterator[Section | None]:
    tables = [load_table(document, meter, f"m{place}") for place, meter in enumerate(document.meters)]
    yield section_of("loads", "Every load", _explained(tables), tables)
    yield section_of("transfer", "From software to wall", transfers(document), transfer_blocks(document))
    yield section_of("lag", "Lag and response", traces(document, aligned), lag_table(document))
    yield section_of("sampling", "Sampling", sampling_table(document))
    yield section_of("validity", "What it holds for", validity_facts(document), Paragraph(VALID_NOTE, "note"))
    yield section_of("wall", "What it was held against", reference_facts(document))
    yield section_of("evidence", "How to recompute it", _evidence(document))


def _explained(tables: Sequence[Table]) -> list[Block]:
    """What the columns of the tables say, once for all of them."""
    return [Paragraph(RULE), Paragraph(SHARE_NOTE)] if tables else []


def _evidence(document: Qualification) -> list[Block]:
    """The command, the log's head, every run's digest."""
    software = document.computed_by
    state = ", with uncommitted changes" if software.dirty else ""
    facts = Facts("Inputs", (
        ("Again", "wattlab qualify CAMPAIGN"),
        ("Checked by", "wattlab verify CAMPAIGN --public-key KEY.pub"),
        ("Computed with", f"wattlab {software.version}, commit {software.commit or NOT_STATED}{state}"),
        ("Head of the campaign's log", document.campaign.chain_head),
    ))  # fmt: skip
    heads = (Head("Run", numeric=False), Head("SHA-256 of its manifest", numeric=False))
    rows = tuple(Row((run, digest or "not sealed")) for run, digest in document.campaign.runs.items())
    return [facts, Table("manifests", "Every run of the campaign", heads, rows, folded=True)]


def _colophon(document: Qualification) -> tuple[str, ...]:
    return (
        f"Computed by wattlab {document.computed_by.version} from the raw data of the campaign; again: "
        "wattlab qualify CAMPAIGN",
        f"qualification.json, schema {document.schema}",
    )
