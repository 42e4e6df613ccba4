"""The uncertainty budgets of the campaign's report: a table each, a bar each, and the sentence what dominates.

Knows the form of `budget` in results.json (docs/results.md) and the words for its sources. Computes no result.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup

from reports.figures import campaign as figures
from reports.figures.campaign import Bar, BarPanel
from reports.figures.sheet import Labelled
from reports.pages.blocks import Block, Figure, Head, Paragraph, Row, Table
from reports.pages.numbers import NOTHING, Scale, bare, fixed, is_finite, scale_for, significant
from reports.results.budget import BudgetLine, BudgetTable
from reports.results.document import Results
from reports.results.meters import Meter, Tier
from reports.results.uncertainty import Number

SOURCES = {
    "runs": "spread of runs",
    "autocorrelation": "autocorrelation",
    "baseline": "baseline",
    "baseline-shape": "between blocks",
    "gain": "gain of the meter",
    "assumed": "assumed of the meter",
    "transfer": "software to wall",
    "kind": "kind of load",
    "scatter": "runs at the wall",
    "wall": "wall it is held to",
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
TIERS: Mapping[Tier, str] = {
    "reference": "an instrument of the reference tier",
    "working": "an instrument of the working tier",
    "indicative": "an indicative meter",
    "uncalibrated": "an uncalibrated meter",
}
"""Tier of a meter in words."""
KINDS = {"induced": "induced energy", "gross": "energy"}
TYPE_A, TYPE_B = 0, 1
"""Styles of the bars."""
SYMBOLS = {
    "s": "SD", "u": "relative u", "rho": "correlation with the baseline's offset",
    "rho_g": "correlation with the baseline's gain",
}  # fmt: skip
"""Symbol in the note of a line -> what is printed for it."""
OF_RESULT = frozenset({"s", "difference"})
"""Symbols whose figure is in the unit of the result."""
_SYMBOL = re.compile(r"\b(\w+)=(\d+(?:\.\d+)?(?:e[-+]?\d+)?)")
SHARE_DRAWN = 0.001
DIGITS = 3
CAPTION = "Share of each contribution in the variance; type A: spread of values (hatched ///), type B: the rest."
NOTE = (
    "Each u is |sensitivity| × input u, in the unit of the result. They are combined by the root of the sum of "
    "squares, their degrees of freedom (dof) by Welch-Satterthwaite; U = t u at 95 % (GUM). What is assumed of several "
    "meters adds up. Type A alone: only the spread of runs and baseline blocks, taken as independent."
)


def budget_blocks(results: Results, stamp: str) -> list[Block]:
    """Sentences, figure and tables; empty where there is no budget."""
    sentences = [Paragraph(text, "note") for text in incomplete(results)]
    budgets = list(_budgets(results))
    texts = [text for name, kind, budget in budgets if (text := _dominating(name, kind, budget))]
    sentences += [Paragraph(f"What dominates: {'; '.join(texts)}.")] if texts else []
    sentences += [Paragraph(NOTE, "note")] if budgets else []
    tables = [_table(index, name, kind, budget) for index, (name, kind, budget) in enumerate(budgets)]
    figure = _figure(budgets, stamp)
    return [*sentences, *([figure] if figure else []), *tables]


def incomplete(results: Results) -> Iterator[str]:
    """What U on the page only assumes: one sentence for the meters without limits of error."""
    meters = dict.fromkeys(
        str(part.meter)
        for _, _, budget in _budgets(results)
        for part in budget.missing
        if part.what == "limits-of-error"
    )
    if meters:
        yield (
            f"Limits of error unknown: {assumed(results.meters, list(meters))}. U is not complete: "
            "true values may lie outside of it."
        )


def assumed(meters: Sequence[Meter], names: Sequence[str]) -> str:
    """'wall, so U assumes ± 3 % of the reading (an uncalibrated meter)'; meters of one kind together."""
    named = {meter.meter: meter for meter in meters}
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(_assumption(named.get(name)), []).append(name)
    return "; ".join(f"{', '.join(own)}{assumption}" for assumption, own in alike.items())


def _assumption(meter: Meter | None) -> str:
    if meter is None or meter.assumed_percent is None:
        return ""
    kind = "a meter of unknown kind" if meter.tier is None else TIERS[meter.tier]
    kind = "an estimate that no instrument was held against" if meter.origin == "estimated" else kind
    return f", so U assumes ±\u202f{significant(meter.assumed_percent, 2)}\u202f% of the reading ({kind})"


def _budgets(results: Results) -> Iterator[tuple[str, str, BudgetTable]]:
    """Name, what it is of, and the budget, of all that are there."""
    for name, part in results.scenarios.items():
        for kind, budget in (("induced", part.budget.induced), ("gross", part.budget.gross)):
            if budget is not None:
                yield name, KINDS[kind], budget
    if results.baseline is not None and results.baseline.budget is not None:
        yield "baseline", "mean power", results.baseline.budget


def _dominating(name: str, kind: str, budget: BudgetTable) -> str:
    shares = [(line.share, line) for line in budget.lines if line.share is not None]
    if not shares:
        return ""
    share, line = max(shares, key=lambda entry: entry[0])
    return f"{name}, {kind}: {_source(line)} ({fixed(100 * share, 0)} % of the variance)"


def _source(line: BudgetLine) -> str:
    return SOURCES.get(line.source, line.source.replace("-", " "))


def _table(index: int, name: str, kind: str, budget: BudgetTable) -> Table:
    scale = scale_for([budget.result])
    several = len({line.meter for line in budget.lines if line.meter}) > 1
    rows = [_row(line, scale, several) for line in budget.lines]
    rows += [_sum("type A alone", budget.type_a, scale), _sum("combined", budget.result, scale)]
    for part in budget.missing:
        of = f" of {part.meter}" if part.meter else ""
        rows.append(Row((f"{part.what.replace('-', ' ')}{of}", "", "", "", "", "unknown", "", "", "not in U")))
    heads = (
        Head("Contribution", False), Head("Type", False), Head("Distribution", False), Head("Sensitivity"),
        Head("Input u"), Head(scale.axis("u")), Head("dof"), Head("Share / %"), Head("Note", False),
    )  # fmt: skip
    caption = f"Uncertainty budget, {name}: {kind} {bare(budget.result, scale)} {scale.unit}".rstrip()
    return Table(f"budget-{index}", caption, heads, tuple(rows), folded=kind != KINDS["induced"])


def _row(line: BudgetLine, scale: Scale, several: bool) -> Row:
    meter = f", {line.meter}" if several and line.meter else ""
    own = line.input_unit in ("", "Wh")
    factor = scale.factor if own else 1.0
    unit = "" if own else line.input_unit.replace("1", "")
    return Row((
        _source(line) + meter,
        line.type,
        line.distribution,
        NOTHING if own else f"{_short(line.sensitivity, scale.factor)} {scale.unit}{'/' + unit if unit else ''}",
        f"{_short(line.input_u, factor)} {unit or (scale.unit if own else '')}".rstrip(),
        _short(line.u, scale.factor),
        _dof(line.dof),
        NOTHING if line.share is None else fixed(100 * line.share, 1),
        _note(line.note, scale),
    ))  # fmt: skip


def _note(text: str, scale: Scale) -> str:
    """A line's note, its symbols in words and its figures to three digits, in the table's unit: 'SD 16.5 mWh, n 3'."""

    def told(found: re.Match[str]) -> str:
        word = SYMBOLS.get(found[1], found[1])
        if found[1] in OF_RESULT:
            return f"{word} {_short(float(found[2]), scale.factor)} {scale.unit}".rstrip()
        return f"{word} {_rounded(found[2])}"

    return _SYMBOL.sub(told, text)


def _rounded(figure: str) -> str:
    return figure if figure.isdigit() else significant(float(figure), DIGITS)


def _sum(title: str, number: Number, scale: Scale) -> Row:
    u, expanded = number.estimate.u, number.expanded
    note = "no U" if expanded is None else f"U = {_short(expanded, scale.factor)} {scale.unit} at 95 %"
    dof = NOTHING if u is None else _dof(number.estimate.dof)
    return Row((title, "", "", "", "", _short(u, scale.factor), dof, "", note))


def _short(value: float | None, factor: float) -> str:
    if value is None or not is_finite(value):
        return NOTHING
    return significant(value * factor, DIGITS)


def _dof(value: float | None) -> str:
    if value is None or value > 1000:
        return "∞"
    return fixed(value, 1)


def _figure(budgets: Sequence[tuple[str, str, BudgetTable]], stamp: str) -> Figure | None:
    """One panel for each scenario's induced energy; without a baseline, for its energy."""
    induced = [entry for entry in budgets if entry[1] == KINDS["induced"]]
    chosen = induced or [entry for entry in budgets if entry[1] == KINDS["gross"]]
    panels, spoken = [], []
    for name, kind, budget in chosen:
        bars = [_bar(line, share) for line in budget.lines if (share := line.share or 0.0) >= SHARE_DRAWN]
        if bars:
            panels.append(BarPanel(f"{name}: {kind}", "share of the variance / %", bars))
            spoken.append(f"{name}, {kind}: " + ", ".join(f"{bar.label} {bar.text}" for bar in bars) + ".")
    if not panels:
        return None
    label = Labelled("fig-budget", CAPTION, " ".join(spoken), stamp)
    return Figure("fig-budget", CAPTION, Markup(figures.bars(label, panels)))


def _bar(line: BudgetLine, share: float) -> Bar:
    percent = 100 * share
    style = TYPE_A if line.type == "A" else TYPE_B
    return Bar(_source(line), style, percent, f"{fixed(percent, 1)} %")
