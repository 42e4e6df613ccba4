"""The label's rows in the audit report: DE-UZ 215 asks, the campaign answers, the check list says what is missing.

Knows `label` of results.json and the label's words. Computes no result. Every value stands in the label's own unit.
"""

from typing import Any

from reports.pages.blocks import Block, Facts, Head, Paragraph, Row, Table
from reports.pages.lookup import Results, listed, number_at, pick, words
from reports.pages.numbers import NOTHING, Scale, bare
from reports.pages.tables import as_text

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
NOTE = (
    "Value ± U at 95 %. Rows marked extension are this laboratory's and not the label's. 1 MByte is 1 000 000 byte; "
    "bandwidth is received and sent together. "
)
USAGE_NOTE = "Asked for is net for a usage scenario, gross for a long-term test."
CHECKS = {
    "parts-measured": "Baseline, idle and a usage scenario were measured",
    "equal-lengths": "Baseline, idle and scenario are of equal length",
    "five-minutes": "Each lasts at least five minutes",
    "repetitions": "The scenario was repeated 30 times, baseline and idle 10 times",
    "wait": "Sixty seconds passed before each run",
    "one-second-data": "Power and hardware data once a second",
    "clocks-synchronised": "Clocks were synchronised",
    "documentation": "The measurement system is documented",
}
REASONS = {
    "no-full-load-scenario": "no scenario named full-load was measured",
    "no-baseline": "no baseline was measured",
}


def label_blocks(results: Results) -> list[Block]:
    """Every table of the label; a sentence where the campaign has no baseline, idle or usage."""
    label = pick(results, "label")
    if not label:
        return [Paragraph("Label rows: not stated.", "note")]
    blocks: list[Block] = [_checks(label)]
    blocks += _rows("baseline", "3.1.1.3 Baseline of the reference system", MEANS, listed(label, "baseline"), NOTE)
    blocks += _rows("idle", "3.1.1.3 Idle: caused by the product", MEANS, listed(label, "idle"), NOTE)
    for name, rows in (pick(label, "usage") or {}).items():
        blocks += _rows(f"usage-{len(blocks)}", f"3.1.1.4 Usage: {name}", WORK, rows, NOTE + USAGE_NOTE)
    if not pick(label, "usage"):
        blocks.append(Paragraph("Usage (3.1.1.4): no scenario run entered a mean.", "note"))
    for name, allocation in (pick(label, "allocation") or {}).items():
        blocks += _allocation(f"allocation-{len(blocks)}", str(name), allocation)
    reference = pick(label, "reference_system") or {}
    items = tuple((words(str(key)).upper() if len(key) < 4 else words(str(key)), as_text(value) or "not stated")
                  for key, value in reference.items())  # fmt: skip
    return [*blocks, Facts("Reference system (backward compatibility)", items)]


def _rows(name: str, caption: str, quantities: dict[str, str], rows: Any, note: str) -> list[Block]:  # noqa: ANN401
    if not rows:
        return [Paragraph(f"{caption}: not measured.", "note")]
    found = []
    for row in rows:
        letter = EXTENSION if row.get("extension") else str(row.get("letter"))
        quantity, scale = str(row.get("quantity")), Scale(str(row.get("unit")))
        gross, net = (bare(number_at(row, kind), scale) for kind in ("gross", "net"))
        if gross == net == NOTHING:
            gross = NOT_RECORDED
        kinds = [MEMORY[name] for name in listed(row, "indicators") if name in MEMORY]
        words_of = quantities.get(quantity, quantity) + (f" ({', '.join(kinds)})" if kinds else "")
        found.append(Row((letter, words_of, scale.unit, gross, net, str(row.get("asked")))))
    heads = (Head("Row", False), Head("Quantity", False), Head("Unit", False), Head("Gross"), Head("Net"))
    return [Table(f"label-{name}", caption, (*heads, Head("Asked for", False)), tuple(found), note)]


def _allocation(name: str, scenario: str, allocation: Any) -> list[Block]:  # noqa: ANN401  decoded JSON
    caption = f"Edition 1, allocation factors: {scenario}"
    if reason := allocation.get("reason"):
        return [Paragraph(f"{caption}: not given, {REASONS.get(str(reason), str(reason))}.", "note")]
    columns = ("base", "load", "full", "net", "factor", "effective", "utilisation")
    rows = []
    for row in listed(allocation, "rows"):
        letter = EXTENSION if row.get("extension") else str(row.get("letter"))
        cells = tuple(bare(number_at(row, column), Scale("")) for column in columns)
        unit = pick(row, "utilisation", "unit")
        rows.append(Row((letter, MEANS.get(row["quantity"], ""), str(row.get("unit")), *cells, as_text(unit))))
    heads = [Head("Row", False), Head("Quantity", False), Head("Unit", False)]
    heads += [Head(t) for t in ("Base load", "Load", "Full load", "Net", "Factor", "Effective", "Utilisation")]
    note = (
        "Factor = net / (full load − base load); effective = net + factor × base load; utilisation = effective × time."
    )
    return [Table(name, caption, (*heads, Head("Unit of utilisation", False)), tuple(rows), note)]


def _evidence(evidence: Any) -> str:  # noqa: ANN401  decoded JSON
    """What a check found, each with its name; an empty list is none."""
    shown = ((words(str(key)), as_text(value)) for key, value in (evidence or {}).items())
    return "; ".join(f"{name}: {text or 'none'}" for name, text in shown)


def _checks(label: Any) -> Table:  # noqa: ANN401  decoded JSON
    rows = []
    for check in listed(label, "checks"):
        code = str(check.get("code"))
        passed = "pass" if check.get("passed") else "FAIL"
        rows.append(Row((CHECKS.get(code, words(code)), passed, _evidence(check.get("evidence")))))
    heads = (Head("Required", False), Head("Found", False), Head("Evidence", False))
    note = "What cannot be shown from the record is not passed. Lengths count as equal within 1 %."
    return Table("label-checks", "Completeness of the measurement after DE-UZ 215", heads, tuple(rows), note)
