"""Figures on trackers: bars of the meter and of each tracker, and Bland and Altman's plot.

Knows `trackers` of results.json and what a figure is drawn from. Does not know how it is drawn.
"""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from reports.figures import grouped_bars, scatter
from reports.figures.grouped_bars import GroupedPanel
from reports.figures.palette import BASELINE
from reports.figures.scatter import Line, Points, ScatterPanel
from reports.figures.sheet import Labelled
from reports.pages.bar_series import bar_series
from reports.pages.blocks import Figure
from reports.pages.numbers import page_scale, scale_for
from reports.pages.trackers.ratios import agreed
from reports.pages.trackers.sentences import comparisons_of, keys_of
from reports.pages.trackers.words import name_of
from reports.results.agreement import Agreement
from reports.results.document import Results
from reports.results.trackers import ComparedRun, Trackers
from reports.results.uncertainty import Number


def bars(trackers: Trackers, stamp: str) -> Figure | None:
    """Figure 9: the meter and the trackers, by scenario; where no scenario has two trackers, a panel for each."""
    scenarios, keys = trackers.scenarios, keys_of(trackers)
    if not scenarios:
        return None
    caption = "Energy of a run by the meter and by each tracker, gross."
    if any(len(by_tracker) > 1 for by_tracker in scenarios.values()):
        caption += (
            " The meter's bar is over the interval of the tracker named first in the scenario; every tracker's own "
            "interval stands in the table."
        )
        panels = [_bar_panel(trackers, "Meter and trackers", list(scenarios), keys)]
    else:
        panels = [_bar_panel(trackers, name_of(key), list(comparisons_of(trackers, key)), [key]) for key in keys]
    ends = [end for panel in panels for series in panel.series for end in series.low if end is not None]
    caption += " Whiskers: U at 95 %." if ends else " No U is known."
    spoken = " ".join(
        f"{panel.title}, {panel.axis}: {group}, {series.label} {series.texts[place]}."
        for panel in panels for place, group in enumerate(panel.groups) for series in panel.series
        if series.values[place] is not None
    )  # fmt: skip
    svg = grouped_bars.grouped(Labelled("fig-trackers", caption, spoken, stamp), panels)
    return Figure("fig-trackers", caption, Markup(svg))


def _bar_panel(trackers: Trackers, title: str, groups: Sequence[str], keys: Sequence[str]) -> GroupedPanel:
    style_of = {key: style for style, key in enumerate(keys_of(trackers))}
    chosen = [{key: own for key, own in trackers.scenarios[name].items() if key in keys} for name in groups]
    meter: list[Number | None] = [next(iter(by_tracker.values())).meter_wh for by_tracker in chosen]
    columns = {
        key: [by_tracker[key].tracker_wh if key in by_tracker else None for by_tracker in chosen] for key in keys
    }
    scale = scale_for([*meter, *(number for numbers in columns.values() for number in numbers)])
    series = [bar_series("meter", BASELINE, meter, scale)]
    series += [bar_series(name_of(key), style_of[key], numbers, scale) for key, numbers in columns.items()]
    return GroupedPanel(title, scale.axis("energy"), groups, series)


def agreement_figure(results: Results, trackers: Trackers, stamp: str) -> Figure | None:
    """Bland and Altman: every run's ratio over its size, with bias and limits of agreement of each scenario."""
    scale = page_scale(results, "Wh")
    panels, spoken = [], []
    for key in keys_of(trackers):
        points: list[Points] = []
        lines: list[Line] = []
        for style, scenario in enumerate(trackers.scenarios):
            runs = list(_shown(trackers, scenario, key))
            if not runs:
                continue
            x = [mean_wh * scale.factor for mean_wh, _ in runs]
            points.append(Points(scenario, style, x, [ratio for _, ratio in runs]))
            agreement = trackers.scenarios[scenario][key].agreement
            lines += _lines(agreement, (min(x), max(x)), style)
            spoken.append(f"{name_of(key)}, {scenario}: {agreed(agreement)}.")
        if points:
            panels.append(ScatterPanel(name_of(key), scale.axis("mean of both"), "tracker / meter", points, lines))
    if not panels:
        return None
    caption = (
        "Bland-Altman: tracker over meter of every run, against the geometric mean of both. Lines of each scenario: "
        "its bias, and outside of it the 95 % limits of agreement."
    )
    label = Labelled("fig-agreement", caption, " ".join(spoken), stamp)
    return Figure("fig-agreement", caption, Markup(scatter.scatters(label, panels)))


def _shown(trackers: Trackers, scenario: str, key: str) -> Iterator[tuple[float, float]]:
    """Mean of both energies and ratio of each run in the comparison."""

    def is_of_it(run: ComparedRun) -> bool:
        return run.included and (run.scenario, run.tracker) == (scenario, key)

    for run in filter(is_of_it, trackers.runs):
        if run.pair_mean_wh is not None and run.ratio is not None:
            yield run.pair_mean_wh, run.ratio.value


def _lines(agreement: Agreement, reach: tuple[float, float], style: int) -> Iterator[Line]:
    """Bias and limits over the stretch that the scenario's runs take."""
    for level, dashed in ((agreement.bias, False), (agreement.low, True), (agreement.high, True)):
        if level is not None:
            yield Line("", reach, (level.value, level.value), style, dashed)
