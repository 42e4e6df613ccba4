"""The figures of estimates: RMSE against window and first epoch, estimated against measured, when power settles.

Knows their records and the figures. Knows no table and computes nothing but counts.
"""

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from reports.figures import grouped_bars, scatter
from reports.figures.grouped_bars import GroupedPanel, Series
from reports.figures.palette import BASELINE
from reports.figures.scatter import Level, Line, Points, ScatterPanel, Straight
from reports.figures.sheet import Labelled
from reports.pages.blocks import Figure
from reports.pages.estimation.words import KJ, NAMES
from reports.results.estimation import Assessment, CurvePoint, Estimator

STEPS: Sequence[Estimator] = ("step-epoch", "step-power")
MOST_BARS = 30
SHARE = 90.0


def curves_figure(found: Assessment, mark: str) -> Figure | None:
    """RMSE of STEP against its window, and against its first epoch."""
    by_window = [point for point in found.curves if point.start == found.start]
    by_start = [point for point in found.curves if point.window == found.window]
    panels = [
        *_curve_panel(f"First epoch {found.start}", "window / epochs", by_window, "window"),
        *_curve_panel(f"Window of {found.window} epochs", "first epoch", by_start, "start"),
    ]
    if not panels:
        return None
    counts = [point.n for point in found.curves]
    caption = "RMSE of STEP with other windows and other first epochs, the length known."
    if min(counts) < max(counts):
        caption += f" Points rest on {max(counts)} trainings down to {min(counts)}: not every one is so long."
    spoken = " ".join(f"{NAMES[point.estimator]}, first epoch {point.start}, window {point.window}: "
                      f"{KJ.factor * point.rmse_j:.3g} kJ." for point in found.curves)  # fmt: skip
    svg = scatter.scatters(Labelled("fig-curves", caption, spoken, mark), panels)
    return Figure("fig-curves", caption, Markup(svg))


def _curve_panel(title: str, axis: str, points: Sequence[CurvePoint], along: str) -> list[ScatterPanel]:
    groups, lines = [], []
    for style, name in enumerate(STEPS):
        own = sorted((getattr(one, along), KJ.factor * one.rmse_j) for one in points if one.estimator == name)
        if own:
            x, y = zip(*own, strict=True)
            groups.append(Points(NAMES[name], style, x, y))
            lines.append(Line("", x, y, style))
    return [ScatterPanel(title, axis, KJ.axis("RMSE"), groups, lines)] if groups else []


def estimated_figure(found: Assessment, mark: str) -> Figure | None:
    """What each estimator says beside what was measured, a panel each, told the length and not told."""
    panels = []
    for name in NAMES:
        groups = []
        for style, extent in enumerate(("known", "predicted")):
            pairs = [
                (KJ.factor * training.energy_j, KJ.factor * one.energy_j)
                for training in found.trainings
                for one in training.estimates
                if (one.estimator, one.extent) == (name, extent)
            ]
            if pairs:
                x, y = zip(*pairs, strict=True)
                groups.append(Points(f"length {extent}", style, x, y))
        if groups:
            same = Straight("estimated = measured", 1.0, 0.0, style=BASELINE, dashed=True)
            panels.append(ScatterPanel(NAMES[name], KJ.axis("measured"), KJ.axis("estimated"), groups, [same]))
    if not panels:
        return None
    caption = "What each estimator says, beside what was measured. On the dashed line both are equal."
    spoken = " ".join(f"{panel.title}: {len(panel.points[0].x)} trainings." for panel in panels)
    svg = scatter.scatters(Labelled("fig-estimated", caption, spoken, mark), panels, 3)
    return Figure("fig-estimated", caption, Markup(svg))


def settling_figures(found: Assessment, mark: str) -> list[Figure]:
    """In which epoch power settles: how many trainings in each, and the share that has settled by then."""
    counts = Counter(one.settling.epoch for one in found.trainings if one.settling is not None)
    if not counts:
        return []
    n, last = counts.total(), max(counts)
    wide = -(-(last + 1) // MOST_BARS)
    firsts = range(0, last + 1, wide)
    bars = [float(sum(counts[epoch] for epoch in range(first, first + wide))) for first in firsts]
    names = [str(first) if wide == 1 else f"{first}–{first + wide - 1}" for first in firsts]
    spoken = " ".join(f"Epoch {epoch}: {counts[epoch]}." for epoch in sorted(counts))
    caption = "Trainings by the epoch in which their power settles (FLUSS)."
    texts = [f"{bar:.0f}" if bar else "" for bar in bars]
    panel = GroupedPanel("", "trainings", names, [Series("", 0, bars, texts)])
    histogram = grouped_bars.grouped(Labelled("fig-settling", caption, spoken, mark), [panel])
    epochs = sorted(counts)
    shares = [100.0 * sum(counts[other] for other in epochs if other <= epoch) / n for epoch in epochs]
    line = Line("", [0, *epochs, last + 1], [0.0 if epochs[0] else shares[0], *shares, 100.0], 0, stepped=True)
    curve = ScatterPanel(
        "", "epoch in which power settles", "trainings that have settled / %",
        [Points("", 0, epochs, shares)], [line], [Level("90 %", SHARE)],
    )  # fmt: skip
    also = f"Share of {n} trainings that have settled by an epoch; dashed: nine tenths, by which the paper chose s."
    ecdf = scatter.scatters(Labelled("fig-settled", also, spoken, mark), [curve], 1)
    return [Figure("fig-settling", caption, Markup(histogram)), Figure("fig-settled", also, Markup(ecdf))]
