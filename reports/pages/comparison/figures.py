"""The figures of a comparison: ratios with their intervals, and every run.

Knows the record of a comparison in the units of its page. Knows no table.
"""

from markupsafe import Markup

from reports.figures import campaign as figures
from reports.figures import forest
from reports.figures.campaign import Strip, StripPanel
from reports.figures.forest import IntervalPanel, Stretch
from reports.figures.sheet import Labelled
from reports.pages.blocks import Figure
from reports.pages.comparison.tables import RATIO, label_of_pair
from reports.pages.comparison.words import label_of, margin_in_words
from reports.pages.lookup import words
from reports.pages.numbers import bare, quantity, scale_for
from reports.results.compared_pair import ComparedPair, Interval, PairQuantity
from reports.results.comparison import PLAIN, ComparedSet, Comparison


def ratios(document: Comparison, of_set: ComparedSet, anchor: str, stamp: str) -> Figure | None:
    """Forest plot: the ratio of every quantity of every pair, with the margin."""
    margin = document.options.margin
    band = _limits(of_set) if margin and margin.relative else None
    panels, spoken = [], []
    for pair in of_set.pairs:
        stretches = _stretches(pair)
        spoken += [f"{stretch.label} {stretch.text}" for stretch in stretches]
        if stretches:
            panels.append(IntervalPanel(label_of_pair(of_set, pair), "ratio", stretches, 1.0, band))
    if not panels:
        return None
    caption = "Ratios, second to first, with their 95 % intervals (type B included). Hollow: no difference shown."
    caption += f" Band: the stated margin of {margin_in_words(document, margin)}." if band and margin else ""
    svg = forest.intervals(Labelled(f"{anchor}-ratios", caption, "; ".join(spoken), stamp), panels)
    return Figure(f"{anchor}-ratios", caption, Markup(svg))


def _limits(of_set: ComparedSet) -> Interval | None:
    """The limits by the margin, which are those of every quantity."""
    tests = (part.equivalence for pair in of_set.pairs for part in pair.quantities.values())
    return next((test.limits for test in tests if test and test.limits), None)


def _stretches(pair: ComparedPair) -> list[Stretch]:
    """One for every quantity whose ratio has an interval."""
    stretches = (_stretch(name, part) for name, part in pair.quantities.items())
    return [stretch for stretch in stretches if stretch is not None]


def _stretch(name: str, part: PairQuantity) -> Stretch | None:
    if part.ratio is None or part.ratio_interval is None:
        return None
    low, high = part.ratio_interval
    style, hollow = int(name in PLAIN), part.verdict == "not-shown"
    return Stretch(label_of(name), style, part.ratio.value, low, high, bare(part.ratio, RATIO), hollow)


def boxes(of_set: ComparedSet, anchor: str, stamp: str) -> Figure | None:
    """Every run of every side: energy, induced energy, duration."""
    panels, spoken = [], []
    for name in PLAIN:
        sides = [(s.label, s.quantities[name]) for s in of_set.sides if s.quantities[name].number]
        if not sides:
            continue
        scale = scale_for([part.number for _, part in sides])
        strips = [
            Strip(label, style, [value * scale.factor for value in part.values if value is not None])
            for style, (label, part) in enumerate(sides)
        ]
        panels.append(StripPanel(words(name), scale.axis(words(name).lower()), strips))
        spoken.append(f"{words(name)}: " + "; ".join(f"{label} {quantity(part.number)}" for label, part in sides))
    if not panels:
        return None
    caption = "Every run. From five runs on with a box plot: median, quartiles, whiskers to 1.5 interquartile ranges."
    svg = figures.strips(Labelled(f"{anchor}-boxes", caption, ". ".join(spoken), stamp), panels)
    return Figure(f"{anchor}-boxes", caption, Markup(svg))
