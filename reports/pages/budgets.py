"""The uncertainty budgets of the campaign's report: a table each, a bar each, and the sentence what dominates.

Knows the form of `budget` in results.json (docs/results.md) and the words for its sources. Computes no result.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from reports.figures import campaign as figures
from reports.figures.campaign import Bar, BarPanel
from reports.figures.sheet import Labelled
from reports.pages.blocks import Block, Figure, Head, Paragraph, Row, Table
from reports.pages.lookup import Results, listed, number_at, pick, scenarios
from reports.pages.numbers import NOTHING, Number, Scale, bare, fixed, is_finite, scale_for, significant

SOURCES = {
    "runs": "spread of runs",
    "autocorrelation": "autocorrelation",
    "baseline": "baseline",
    "baseline-shape": "between blocks",
    "gain": "gain of the meter",
    "assumed": "assumed of the meter",
    "certificate": "calibration",
    "stability": "drift since then",
    "offset": "offset of the meter",
    "reported": "stated limits",
    "resolution": "resolution",
    "edges": "load steps",
    "short-interval": "touched windows",
    "clock": "clocks",
    "gaps": "gaps",
    "observer": "agent and link",
    "stamp-convention": "stamp convention",
}
"""Source of a line -> its name in table and bar (18 characters fit beside a bar)."""
TIERS = {
    "reference": "an instrument of the reference tier",
    "working": "an instrument of the working tier",
    "indicative": "an indicative meter",
    "uncalibrated": "an uncalibrated plug",
}
"""Tier of a meter in words."""
KINDS = {"induced": "induced energy", "gross": "energy"}
TYPE_A, TYPE_B = 0, 1
"""Styles of the bars."""
SHARE_DRAWN = 0.001
DIGITS = 3
CAPTION = "Share of each contribution in the variance; type A: spread of values (hatched ///), type B: the rest."
NOTE = (
    "u = |sensitivity| × input, in the result's unit; combined by root sum of squares, degrees of freedom by "
    "Welch-Satterthwaite, U = t u at 95 % (GUM). What is assumed of several meters adds up. Type A alone: runs "
    "and baseline blocks as independent replicates."
)


def budget_blocks(results: Results, stamp: str) -> list[Block]:
    """Sentences, figure and tables; empty where there is no budget."""
    sentences = [Paragraph(text, "note") for text in incomplete(results)]
    found = list(_budgets(results))
    texts = [text for name, kind, budget in found if (text := _dominating(name, kind, budget))]
    sentences += [Paragraph(f"What dominates: {'; '.join(texts)}.")] if texts else []
    sentences += [Paragraph(NOTE, "note")] if found else []
    tables = [_table(index, name, kind, budget) for index, (name, kind, budget) in enumerate(found)]
    figure = _figure(found, stamp)
    return [*sentences, *([figure] if figure else []), *tables]


def incomplete(results: Results) -> Iterator[str]:
    """What U on the page only assumes: one sentence for the meters without limits of error."""
    meters = dict.fromkeys(
        str(part.get("meter"))
        for _, _, budget in _budgets(results)
        for part in listed(budget, "missing")
        if part.get("what") == "limits-of-error"
    )
    if meters:
        yield (
            f"Limits of error unknown: {assumed(results, list(meters))}. U is not complete: "
            "true values may lie outside of it."
        )


def assumed(results: Results, names: Sequence[str]) -> str:
    """'wall, so U assumes ± 3 % of the reading (an uncalibrated meter)'; meters of one kind together."""
    meters = {str(one.get("meter")): one for one in listed(results, "meters")}
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(_assumption(meters.get(name, {})), []).append(name)
    return "; ".join(f"{', '.join(own)}{what}" for what, own in alike.items())


def _assumption(meter: dict[str, Any]) -> str:
    percent = meter.get("assumed_percent")
    if percent is None or not is_finite(percent):
        return ""
    kind = TIERS.get(str(meter.get("tier")), "a meter of unknown kind")
    return f", so U assumes ±\u202f{significant(float(percent), 2)}\u202f% of the reading ({kind})"


def _budgets(results: Results) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, what it is of, and the budget, of all that are there."""
    for name, part in scenarios(results).items():
        for kind, title in KINDS.items():
            if budget := pick(part, "budget", kind):
                yield name, title, budget
    if budget := pick(results, "baseline", "budget"):
        yield "baseline", "mean power", budget


def _dominating(name: str, kind: str, budget: dict[str, Any]) -> str:
    line: dict[str, Any] = max(listed(budget, "lines"), key=lambda line: line.get("share") or 0.0, default={})
    if not is_finite(line.get("share")):
        return ""
    share = fixed(100 * float(line["share"]), 0)
    return f"{name}, {kind}: {_source(line)} ({share} % of the variance)"


def _source(line: dict[str, Any]) -> str:
    code = str(line.get("source"))
    return SOURCES.get(code, code.replace("-", " "))


def _table(index: int, name: str, kind: str, budget: dict[str, Any]) -> Table:
    result, type_a = number_at(budget, "result"), number_at(budget, "type_a")
    scale = scale_for([result])
    several = len({line.get("meter") for line in listed(budget, "lines") if line.get("meter")}) > 1
    rows = [_row(line, scale, several) for line in listed(budget, "lines")]
    rows += [_sum("type A alone", type_a, scale), _sum("combined", result, scale)]
    for part in listed(budget, "missing"):
        what = str(part.get("what")).replace("-", " ")
        of = f" of {part['meter']}" if part.get("meter") else ""
        rows.append(Row((f"{what}{of}", "", "", "", "", "unknown", "", "", "not in U")))
    heads = (
        Head("Contribution", False), Head("Type", False), Head("Distribution", False), Head("Sensitivity"),
        Head("Input u"), Head(scale.axis("u")), Head("dof"), Head("Share / %"), Head("Note", False),
    )  # fmt: skip
    head = number_at(budget, "result")
    caption = f"Uncertainty budget, {name}: {kind} {bare(head, scale)} {scale.unit}".rstrip()
    return Table(f"budget-{index}", caption, heads, tuple(rows), folded=kind != KINDS["induced"])


def _row(line: dict[str, Any], scale: Scale, several: bool) -> Row:
    meter = f", {line['meter']}" if several and line.get("meter") else ""
    own = not line.get("input_unit") or line["input_unit"] == "Wh"
    factor = scale.factor if own else 1.0
    unit = "" if own else str(line["input_unit"]).replace("1", "")
    share = line.get("share")
    return Row((
        _source(line) + meter,
        str(line.get("type")),
        str(line.get("distribution")),
        NOTHING if own else f"{_short(line.get('sensitivity'), scale.factor)} {scale.unit}{'/' + unit if unit else ''}",
        f"{_short(line.get('input_u'), factor)} {unit or (scale.unit if own else '')}".rstrip(),
        _short(line.get("u"), scale.factor),
        _dof(line.get("dof")),
        fixed(100 * float(share), 1) if is_finite(share) and share is not None else NOTHING,
        str(line.get("note") or ""),
    ))  # fmt: skip


def _sum(title: str, number: Number | None, scale: Scale) -> Row:
    u, expanded = (number or {}).get("u"), (number or {}).get("U")
    note = f"U = {_short(expanded, scale.factor)} {scale.unit} at 95 %" if is_finite(expanded) else "no U"
    dof = _dof((number or {}).get("dof")) if is_finite(u) else NOTHING
    return Row((title, "", "", "", "", _short(u, scale.factor), dof, "", note))


def _short(value: object, factor: float) -> str:
    if not is_finite(value) or not isinstance(value, int | float):
        return NOTHING
    return significant(float(value) * factor, DIGITS)


def _dof(value: object) -> str:
    if not is_finite(value) or not isinstance(value, int | float) or value > 1000:
        return "∞"
    return fixed(float(value), 1)


def _figure(found: Sequence[tuple[str, str, dict[str, Any]]], stamp: str) -> Figure | None:
    """One panel for each scenario's induced energy; without a baseline, for its energy."""
    induced = [entry for entry in found if entry[1] == KINDS["induced"]]
    chosen = induced or [entry for entry in found if entry[1] == KINDS["gross"]]
    panels, spoken = [], []
    for name, kind, budget in chosen:
        lines = [line for line in listed(budget, "lines") if (line.get("share") or 0.0) >= SHARE_DRAWN]
        bars = [_bar(line) for line in lines]
        if bars:
            panels.append(BarPanel(f"{name}: {kind}", "share of the variance / %", bars))
            spoken.append(f"{name}, {kind}: " + ", ".join(f"{bar.label} {bar.text}" for bar in bars) + ".")
    if not panels:
        return None
    label = Labelled("fig-budget", CAPTION, " ".join(spoken), stamp)
    return Figure("fig-budget", CAPTION, Markup(figures.bars(label, panels)))


def _bar(line: dict[str, Any]) -> Bar:
    percent = 100 * float(line["share"])
    style = TYPE_A if line.get("type") == "A" else TYPE_B
    return Bar(_source(line), style, percent, f"{fixed(percent, 1)} %")
