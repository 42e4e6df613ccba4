"""Figures of a study: parts of study.json -> drawn SVG blocks with captions and spoken descriptions.

Knows study.json and the figures. Knows no table and computes no result.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from markupsafe import Markup

from reports.figures import campaign as figures
from reports.figures import statistics as statistics_figures
from reports.figures.campaign import Strip, StripPanel
from reports.figures.palette import BASELINE
from reports.figures.sheet import Labelled
from reports.figures.statistics import (
    GroupedPanel,
    IntervalPanel,
    Line,
    Points,
    ScatterPanel,
    Series,
    Straight,
    Stretch,
)
from reports.pages.blocks import Figure
from reports.pages.numbers import NOTHING, Scale, is_finite, significant
from reports.pages.statistics_tables import interval_text, p_text

Study: TypeAlias = Mapping[str, Any]
MOST_GROUPS, MOST_PANELS, MOST_QUANTILES, MOST_PAIRS = 24, 6, 12, 28
"""Above these a figure is no picture any more; the numbers stand in the tables."""
WIDE = 50.0
"""Greatest over least of positive values from which an axis is logarithmic."""
IMPORTED = "imported-table"


def unit_text(unit: object) -> str:
    """A unit as it is printed: products with a dot; nothing for a plain number."""
    text = str(unit or "1")
    return "" if text == "1" else text.replace(" ", "·")


def axis_of(study: Study, response: str) -> str:
    """Title and unit of a response, for an axis."""
    found = response_of(study, response)
    return Scale(unit_text(found.get("unit"))).axis(str(found.get("title") or response))


def response_of(study: Study, name: str) -> Mapping[str, Any]:
    """A response by its name; empty where the study has none of that name."""
    return next((one for one in study["responses"] if one["name"] == name), {})


def medians_figure(study: Study, stamp: str) -> Figure | None:
    """Medians of every response over all combinations of levels (figure 1 of del Rey et al.)."""
    panels: list[GroupedPanel] = []
    for table in study["descriptive"]:
        varying = [cell for cell in table["cells"] if cell["least"]["value"] != cell["greatest"]["value"]]
        if varying and table["factors"] and len(panels) < MOST_PANELS:
            panels += _median_panel(study, table)
    if not panels:
        return None
    spoken = " ".join(
        f"{panel.axis}: " + "; ".join(
            f"{series.label}, {group}: {text}"
            for series in panel.series for group, text in zip(panel.groups, series.texts, strict=True) if text
        ) + "." for panel in panels
    )  # fmt: skip
    caption = "Medians over the runs of every combination of levels."
    return _figure("fig-medians", caption, spoken, lambda label: statistics_figures.grouped(label, panels), stamp)


def _median_panel(study: Study, table: Study) -> list[GroupedPanel]:
    """Groups are the combinations of all factors but the first, whose levels are the series."""
    first, *rest = table["factors"] if len(table["factors"]) > 1 else ["", *table["factors"]]
    labels = {(factor["name"], level["level"]): str(level["label"])
              for factor in study["factors"] for level in factor["levels"]}  # fmt: skip
    found: dict[tuple[str, str], float] = {}
    for cell in table["cells"]:
        group = ", ".join(labels[name, cell["levels"][name]] for name in rest)
        found[labels[first, cell["levels"][first]] if first else "", group] = float(cell["median"]["value"])
    groups = list(dict.fromkeys(group for _, group in found))
    if len(groups) > MOST_GROUPS:
        return []
    series = []
    for style, name in enumerate(dict.fromkeys(name for name, _ in found)):
        values = [found.get((name, group)) for group in groups]
        texts = ["" if value is None else significant(value, 3) for value in values]
        series.append(Series(name, style, values, texts))
    axis = Scale(unit_text(table["unit"])).axis("median")
    return [GroupedPanel(str(response_of(study, table["response"]).get("title")), axis, groups, series)]


def values_figure(study: Study, question: Study, stamp: str) -> Figure | None:
    """Every value of a question, a row per level, with box plots."""
    rows = [Strip(str(level["label"]), style, level["values"])
            for style, level in enumerate(question["values"]) if level["values"]]  # fmt: skip
    if not rows:
        return None
    least, greatest = min(min(r.values) for r in rows), max(max(r.values) for r in rows)
    is_wide = least > 0 and greatest > WIDE * least
    panel = StripPanel("", axis_of(study, question["response"]), rows, is_wide)
    spoken = " ".join(
        f"{row.label}: {len(row.values)} runs, {min(row.values):.4g} to {max(row.values):.4g}." for row in rows
    )
    caption = "Every run one point; box plots from five runs on."
    return _figure(f"fig-{question['name']}", caption, spoken, lambda label: figures.strips(label, [panel]), stamp)


def pairs_figure(question: Study, stamp: str) -> Figure | None:
    """Differences of all pairs with their intervals; none where the post-hoc test gives no interval."""
    pairs = [pair for pair in question["posthoc"] if pair["interval"] and is_finite(pair["difference"])]
    if not pairs or len(pairs) > MOST_PAIRS:
        return None
    rows = [_stretch(pair) for pair in pairs]
    axis = Scale(unit_text(question["scale"])).axis("difference of means")
    margin = (question["relevant"] or {}).get("margin")
    band = (-float(margin["value"]), float(margin["value"])) if margin else None
    panel = IntervalPanel("First less second", axis, rows, reference=0.0, band=band)
    spoken = " ".join(f"{row.label}: {row.text}." for row in rows)
    caption = "Differences of all pairs with 95 % intervals for all pairs at once; hollow: not shown to differ."
    caption += " Band: differences that are declared irrelevant." if band else ""
    name = f"fig-pairs-{question['name']}"
    return _figure(name, caption, spoken, lambda label: statistics_figures.intervals(label, [panel]), stamp)


def _stretch(pair: Study) -> Stretch:
    low, high = pair["interval"]
    text = f"{interval_text(pair['difference'], pair['interval'])}, p = {p_text(pair['p'])}"
    label, style = f"{pair['first_label']} − {pair['second_label']}", 0 if pair["differ"] else BASELINE
    return Stretch(label, style, float(pair["difference"]), low, high, text, hollow=not pair["differ"])


def quantiles_figure(question: Study, stamp: str) -> Figure | None:
    """Q-Q plots of every level, folded: assumptions are shown, they choose nothing."""
    panels = [
        ScatterPanel(
            str(plot["label"]), "normal quantile", Scale(unit_text(question["scale"])).axis("value"),
            [Points("", style, plot["theoretical"], plot["ordered"])],
            [Straight("", plot["slope"], plot["intercept"])],
        )
        for style, plot in enumerate(question["assumptions"]["qq"]) if plot["ordered"]
    ]  # fmt: skip
    if not panels or len(panels) > MOST_QUANTILES:
        return None
    spoken = "Ordered values against quantiles of a normal distribution: " + "; ".join(p.title for p in panels) + "."
    caption = "Q-Q plots of the values that the test uses: points on the line are normally distributed."
    name = f"fig-qq-{question['name']}"
    drawn = _figure(name, caption, spoken, lambda label: statistics_figures.scatters(label, panels, 3), stamp)
    return replace(drawn, folded=True)


def correlations_figure(study: Study, stamp: str) -> Figure | None:
    """Every correlation as a scatter with the straight line of least squares (figures 2 and 3 of del Rey et al.)."""
    panels = []
    for one in study["correlations"][:MOST_PANELS]:
        groups = [Points(str(p["label"]), style, p["x"], p["y"]) for style, p in enumerate(one["points"]) if p["x"]]
        if not groups:
            continue
        fit = one["fit"]
        lines = [Straight("least squares over the runs", fit["slope"], fit["intercept"], dashed=True)] if fit else []
        panels.append(
            ScatterPanel(str(one["title"]), axis_of(study, one["x"]), axis_of(study, one["y"]), groups, lines)
        )
    if not panels:
        return None
    spoken = " ".join(
        f"{panel.title}: {', '.join(f'{p.label} {len(p.x)} runs' for p in panel.points)}." for panel in panels
    )
    caption = "Every run one point, coloured by group; dashed: straight line of least squares over the runs."
    columns = 2 if len(panels) > 1 else 1
    return _figure("fig-correlations", caption, spoken,
                   lambda label: statistics_figures.scatters(label, panels, columns), stamp)  # fmt: skip


def pareto_figure(study: Study, part: Study, stamp: str) -> Figure | None:
    """Medians of two responses, the front as steps, every combination named."""
    is_falling = part["better"]["x"] == "higher"
    front = sorted((p for p in part["points"] if p["on_front"]), key=lambda p: float(p["x"]), reverse=is_falling)
    beaten = [p for p in part["points"] if not p["on_front"]]
    if not front:
        return None
    groups = [
        Points(label, style, [p["x"] for p in found], [p["y"] for p in found], tags=[str(p["label"]) for p in found])
        for label, style, found in (("on the front", 0, front), ("beaten by another", BASELINE, beaten))
        if found
    ]
    xs, ys = ([float(p[axis]) for p in front] for axis in ("x", "y"))
    lines = [Line("Pareto front", xs, ys, style=0, stepped=True)] if len(front) > 1 else []
    panel = ScatterPanel(str(part["title"]), axis_of(study, part["x"]), axis_of(study, part["y"]), groups, lines)
    spoken = "On the front: " + "; ".join(str(p["label"]) for p in front) + "."
    caption = "Medians of every combination of levels. What is on the front is beaten by no other in both at once."
    name = f"fig-pareto-{part['name']}"
    return _figure(name, caption, spoken, lambda label: statistics_figures.scatters(label, [panel], 1), stamp)


def _figure(name: str, caption: str, spoken: str, draw: Callable[[Labelled], str], stamp: str) -> Figure:
    return Figure(name, caption, Markup(draw(Labelled(name, caption, spoken, stamp))))


def value_text(value: object, unit: object = "1") -> str:
    """A plain value with its unit, four significant digits."""
    if not isinstance(value, int | float) or not is_finite(value):
        return NOTHING
    return significant(float(value), 4) + Scale(unit_text(unit)).suffix


def named(labels: Iterable[str]) -> str:
    """'a, b and c'."""
    *most, last = list(labels)
    return f"{', '.join(most)} and {last}" if most else last
