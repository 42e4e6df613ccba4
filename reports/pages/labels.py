"""The label's rows in the audit report: DE-UZ 215 asks, the campaign answers, the check list says what is missing.

Knows `label` of results.json and the label's words. Computes no result. Every value stands in the label's own unit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from harness.record.documents import Json
from reports.pages.blocks import Block, Facts, Head, Paragraph, Row, Table
from reports.pages.document import NOT_STATED
from reports.pages.lookup import words
from reports.pages.numbers import NOTHING, Scale, bare
from reports.pages.plain_words import as_text
from reports.pages.result_tables import has_u
from reports.results.label import (
    Allocation,
    AllocationRow,
    Label,
    LabelCheck,
    LabelCheckCode,
    LabelRow,
    NoAllocation,
    ReferenceSystem,
)

MEANS = {
    "processor": "processor load, mean", "memory": "working memory, mean", "storage": "permanent storage in use, mean",
    "network": "bandwidth to the network, mean", "power": "electric power, mean",
    "memory-unavailable": "working memory in use, mean",
    "storage-traffic": "permanent storage, read and written, mean", "gpu-processor": "GPU load, mean",
    "gpu-memory": "GPU memory, mean", "gpu-power": "GPU power, mean (DC board)",
}  # fmt: skip
WORK = {
    "processor": "processor work", "memory": "working memory, work", "storage": "permanent storage, work",
    "memory-unavailable": "working memory in use, work",
    "network": "data volume over the network", "energy": "energy", "storage-traffic": "storage, read and written",
    "gpu-processor": "GPU work", "gpu-memory": "GPU memory, work", "gpu-energy": "GPU energy (DC board)",
}  # fmt: skip
MEMORY = {
    "ram_not_free_kib": "total − free", "ram_used_kib": "total − available", "ram_used_kb": "as recorded in use",
}  # fmt: skip
NOT_RECORDED = "not recorded"
EXTENSION = "extension"
WITH_U = "Value ± U at 95 %. "
NOTE = WITH_U + (
    "Rows marked extension are this laboratory's and not the label's. 1 MByte is 1 000 000 byte; "
    "bandwidth is received and sent together. "
)
USAGE_NOTE = "Asked for is net for a usage scenario, gross for a long-term test."
CHECKS: Mapping[LabelCheckCode, str] = {
    "parts-measured": "Baseline, idle and a usage scenario were measured",
    "equal-lengths": "Baseline, idle and scenario are of equal length",
    "five-minutes": "Each lasts at least five minutes",
    "repetitions": "The scenario was repeated 30 times, baseline and idle 10 times",
    "wait": "Sixty seconds passed before each run",
    "one-second-data": "Power and hardware data once a second",
    "clocks-synchronised": "Clocks were synchronised",
    "documentation": "The measurement system is documented",
}
REASONS: Mapping[NoAllocation, str] = {
    "no-full-load-scenario": "no scenario named full-load was measured",
    "no-baseline": "no baseline was measured",
}


def label_blocks(label: Label) -> list[Block]:
    """Every table of the label; a sentence where the campaign has no baseline, idle or usage."""
    blocks: list[Block] = [_checks(label.checks)]
    blocks.append(_rows("baseline", "3.1.1.3 Baseline of the reference system", MEANS, label.baseline, NOTE))
    blocks.append(_rows("idle", "3.1.1.3 Idle: caused by the product", MEANS, label.idle, NOTE))
    for name, rows in label.usage.items():
        blocks.append(_rows(f"usage-{len(blocks)}", f"3.1.1.4 Usage: {name}", WORK, rows, NOTE + USAGE_NOTE))
    if not label.usage:
        blocks.append(Paragraph("Usage (3.1.1.4): no scenario run entered a mean.", "note"))
    for name, allocation in label.allocation.items():
        blocks.append(_allocation(f"allocation-{len(blocks)}", name, allocation))
    return [*blocks, _reference(label.reference_system)]


def _reference(system: ReferenceSystem) -> Facts:
    names = [spec.name for spec in fields(system)]
    items = tuple((words(name).upper() if len(name) < 4 else words(name), as_text(getattr(system, name)) or NOT_STATED)
                  for name in names)  # fmt: skip
    return Facts("Reference system (backward compatibility)", items)


def _rows(
    name: str, caption: str, quantities: Mapping[str, str], rows: Sequence[LabelRow] | None, note: str
) -> Table | Paragraph:
    if not rows:
        return Paragraph(f"{caption}: not measured.", "note")
    heads = (Head("Row", False), Head("Quantity", False), Head("Unit", False), Head("Gross"), Head("Net"))
    printed = tuple(_row(row, quantities) for row in rows)
    if not has_u(printed):
        note = note.removeprefix(WITH_U)
    return Table(f"label-{name}", caption, (*heads, Head("Asked for", False)), printed, note)


def _row(row: LabelRow, quantities: Mapping[str, str]) -> Row:
    gross, net = (bare(number, Scale(row.unit)) for number in (row.gross, row.net))
    if gross == net == NOTHING:
        gross = NOT_RECORDED
    kinds = [MEMORY[name] for name in row.indicators if name in MEMORY]
    quantity = quantities.get(row.quantity, row.quantity) + (f" ({', '.join(kinds)})" if kinds else "")
    return Row((_letter(row), quantity, row.unit, gross, net, row.asked))


def _letter(row: LabelRow | AllocationRow) -> str:
    return EXTENSION if row.extension else row.letter


def _allocation(name: str, scenario: str, allocation: Allocation) -> Table | Paragraph:
    caption = f"Edition 1, allocation factors: {scenario}"
    if allocation.reason is not None:
        return Paragraph(f"{caption}: not given, {REASONS[allocation.reason]}.", "note")
    heads = [Head("Row", False), Head("Quantity", False), Head("Unit", False)]
    heads += [Head(t) for t in ("Base load", "Load", "Full load", "Net", "Factor", "Effective", "Utilisation")]
    note = (
        "Factor = net / (full load − base load); effective = net + factor × base load; utilisation = effective × time."
    )
    rows = tuple(map(_allocation_row, allocation.rows))
    return Table(name, caption, (*heads, Head("Unit of utilisation", False)), rows, note)


def _allocation_row(row: AllocationRow) -> Row:
    numbers = (row.base, row.load, row.full, row.net, row.factor, row.effective, row.utilisation)
    of_means = (None if number is None else replace(number, n=None) for number in numbers)  # n: no single run
    cells = tuple(bare(number, Scale("")) for number in of_means)
    return Row((_letter(row), MEANS.get(row.quantity, ""), row.unit, *cells, row.utilisation.unit))


def _evidence(evidence: Json) -> str:
    """What a check found, each with its name; an empty list is none."""
    shown = ((words(key), as_text(value)) for key, value in evidence.items())
    return "; ".join(f"{name}: {text or 'none'}" for name, text in shown)


def _checks(checks: Sequence[LabelCheck]) -> Table:
    rows = tuple(
        Row((CHECKS[check.code], "pass" if check.passed else "FAIL", _evidence(check.evidence))) for check in checks
    )
    heads = (Head("Required", False), Head("Found", False), Head("Evidence", False))
    note = "What cannot be shown from the record is not passed. Lengths count as equal within 1 %."
    return Table("label-checks", "Completeness of the measurement after DE-UZ 215", heads, rows, note)
