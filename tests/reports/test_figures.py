"""Figures: same numbers, same bytes; nothing but the page's own colours; hostile names are text; no peak is lost."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.figures import campaign as figures
from reports.figures import forest, grouped_bars, palette, scale, scatter, sheet, strokes
from reports.figures.campaign import Bar, BarPanel, Curve, CurvePanel, Span, Strip, StripPanel, TracePanel
from reports.figures.forest import IntervalPanel, Stretch
from reports.figures.grouped_bars import GroupedPanel, Series
from reports.figures.scale import Floats
from reports.figures.scatter import Level, Line, Points, ScatterPanel, Straight
from reports.figures.sheet import Labelled
from reports.readings import outline

HOSTILE = '<script>alert("x")</script> & $\\frac{1}{0}$ \x01'


def label(name: str = "f1", watermark: str = "") -> Labelled:
    return Labelled(name, "Power", "Mean power of cnn 100.0 W", watermark)


def trace(name: str = "cnn", runs: int = 3, seconds: int = 50) -> TracePanel:
    x = np.arange(seconds, dtype=float)
    lines = [(x, 60 + run + np.sin(x)) for run in range(runs)]
    return TracePanel(name, 0, lines, (x, 61 + np.sin(x)), [Span("training", 5, 45, 0), Span("epoch", 5, 20, 1)])


@cache
def every_figure(name: str, watermark: str = "") -> dict[str, str]:
    bar = BarPanel(name, name, [Bar(name, -1, 40.0, name), Bar("b", 1, -2.0, "−2.0 ± 0.1", 0.1, 1.0)])
    curve = Curve(name, 1, [1, 2, 3], [1.0, 2.0, 3.0], half_width=[0.1, None, 0.1])
    panel = CurvePanel(name, name, name, [Curve("", 1, [1, 2], [1.0, 2.0], faint=True), curve], [curve], name)
    return {
        "traces": figures.traces(label("a", watermark), [trace(name), trace(name, runs=0)], "time / s", "power / W"),
        "bars": figures.bars(label("b", watermark), [bar, bar, bar]),
        "strips": figures.strips(label("c", watermark), [StripPanel(name, name, [Strip(name, 0, [1.0] * 6)])]),
        "curves": figures.curves(label("d", watermark), [panel, panel, panel]),
    }


@pytest.mark.parametrize("kind", ["traces", "bars", "strips", "curves"])
def test_a_figure_is_well_formed_whatever_its_names_are(kind: str) -> None:
    svg = every_figure(HOSTILE)[kind]
    ET.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" '))
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
    assert "\x01" not in svg


@pytest.mark.usefixtures("nothing_remembered")
def test_the_same_numbers_give_the_same_bytes() -> None:
    assert every_figure("cnn", "EMULATED") == every_figure.__wrapped__("cnn", "EMULATED")


@pytest.mark.parametrize("kind", ["traces", "bars", "strips", "curves"])
def test_every_colour_is_a_variable_of_the_page(kind: str) -> None:
    svg = every_figure("cnn", "EMULATED")[kind]
    assert re.findall(r"#[0-9a-f]{6}\b", svg) == []
    assert set(re.findall(r"var\(--([a-z0-9]+)\)", svg)) <= {
        *palette.NAMES,
        *(f"c{index}" for index in range(6)),
        "sans",
    }


def test_figures_on_one_page_share_no_identifier() -> None:
    names = [found for svg in every_figure("cnn").values() for found in re.findall(r' id="([^"]+)"', svg)]
    assert len(names) == len(set(names))
    for svg in every_figure("cnn").values():
        targets = re.findall(r'(?:href="#|url\(#)([^")]+)', svg)
        assert set(targets) <= set(re.findall(r' id="([^"]+)"', svg))


@pytest.mark.parametrize("kind", ["traces", "bars", "strips", "curves"])
def test_an_emulated_figure_carries_the_mark_and_a_measured_one_does_not(kind: str) -> None:
    assert "EMULATED" in every_figure("cnn", "EMULATED")[kind]
    assert "EMULATED" not in every_figure("cnn")[kind]


@pytest.mark.parametrize("kind", ["traces", "bars", "strips", "curves"])
def test_the_mark_is_whole_in_print_too(kind: str) -> None:
    """WeasyPrint cuts a centred text in half that is transparent as a group; its fill may be."""
    svg = every_figure("cnn", "EMULATED")[kind]
    assert 'fill-opacity="' in svg
    assert not re.search(r'\sopacity="', svg)


@pytest.mark.parametrize("kind", ["traces", "bars", "strips", "curves"])
def test_every_chart_has_its_own_mark_and_none_lies_over_two(kind: str) -> None:
    svg = every_figure("cnn", "EMULATED")[kind]
    charts = re.findall(r"<svg .*?</svg>", svg, re.DOTALL)
    assert len(charts) == {"traces": 2, "bars": 3, "strips": 1, "curves": 3}[kind]
    assert [chart.count(">EMULATED<") for chart in charts] == [1] * len(charts)


def test_the_panels_of_one_figure_are_read_aloud_once() -> None:
    svg = every_figure("cnn")["bars"]
    assert svg.count('role="img"') == 1
    assert svg.count('aria-hidden="true"') == 2


LONG = "transfer-learning-with-codecarbon-and-a-very-long-name-of-a-scenario"


def texts_of(svg: str) -> str:
    """Everything written in a figure, one after the other, without spaces: a name goes on in the next line."""
    return "".join("".join(re.findall(r">([^<>]+)</(?:text|tspan)>", svg)).split())


def test_no_title_and_no_label_is_cut() -> None:
    bar, strip = Bar(LONG, 0, 1.0, "1.0"), Strip(LONG, 0, [1.0, 2.0])
    curve = Curve(LONG, 0, [1, 2], [1.0, 2.0])
    stretch = Stretch(LONG, 0, 1.0, 0.5, 1.5, LONG)
    other = Curve("other", 1, [1, 2], [1.0, 2.0])
    drawn_figures = {
        "bars": (figures.bars(label(), [BarPanel(f"{LONG}: induced energy", "x", [bar])]), 2),
        "strips": (figures.strips(label(), [StripPanel(f"{LONG}: induced energy", "x", [strip])]), 2),
        "curves": (figures.curves(label(), [CurvePanel(f"{LONG}: energy", "x", "y", [curve, other])]), 2),
        "traces": (figures.traces(label(), [trace(LONG)], "time / s", "power / W"), 1),
        "intervals": (forest.intervals(label(), [IntervalPanel(LONG, "x", [stretch])]), 3),
    }
    for kind, (svg, times) in drawn_figures.items():
        assert "…" not in svg, kind
        assert texts_of(svg).count(LONG) == times, kind


def test_the_axis_of_time_has_a_name_and_a_unit() -> None:
    svg = figures.traces(label(), [trace()], "time / s", "power / W")
    assert ">time / s<" in svg
    assert ">power / W<" in svg


@pytest.mark.parametrize(
    ("count", "most", "columns"), [(1, 4, 1), (3, 2, 3), (4, 3, 2), (4, 4, 4), (5, 4, 3), (6, 4, 4)]
)
def test_no_panel_is_left_alone_in_the_last_row(count: int, most: int, columns: int) -> None:
    assert sheet.without_hole(count, most) == columns


def test_a_figure_is_read_aloud_with_its_numbers() -> None:
    svg = figures.bars(label(), [BarPanel("Power", "W", [Bar("cnn", 0, 100.0, "100")])])
    assert '<desc id="f1-d">Mean power of cnn 100.0 W</desc>' in svg
    assert 'role="img" aria-labelledby="f1-t f1-d"' in svg


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=400), st.integers(1, 40))
def test_decimation_keeps_the_extremes_and_invents_nothing(values: list[float], columns: int) -> None:
    x, y = np.arange(len(values), dtype=float), np.asarray(values)
    short_x, short_y = outline.thinned(x, y, columns)
    assert len(short_y) <= 2 * columns + 2
    assert short_y.min() == y.min()
    assert short_y.max() == y.max()
    assert (short_x[0], short_x[-1]) == (x[0], x[-1])
    assert np.all(np.diff(short_x) > 0)
    assert all(y[int(at)] == value for at, value in zip(short_x, short_y, strict=True))


def test_decimation_leaves_a_gap_open() -> None:
    y: Floats = np.full(100, np.nan)
    y[:50] = 1.0
    _, short = outline.thinned(np.arange(100.0), y, 10)
    assert np.isnan(short).any()
    assert (short[~np.isnan(short)] == 1.0).all()


STATISTICS = ["scatters", "intervals", "grouped", "boxes"]


def scatter_panel(name: str = "cnn", **given: bool) -> ScatterPanel:
    group = Points(name, 0, [1.0, 2.0, 4.0], [2.0, 3.0, 5.0], [0.1, None, 0.2], [None, 0.3, 0.1], (name, "b", "c"))
    lines: list[Line | Straight] = [Line(name, [1, 4], [2, 5], 1, stepped=True), Straight("fit", 1.0, 0.5, dashed=True)]
    return ScatterPanel(name, name, name, [group], lines, [Level(name, 3.0), Level("bias", 3.1, dashed=False)], **given)


@cache
def every_statistics_figure(name: str, watermark: str = "") -> dict[str, str]:
    logarithmic = scatter_panel(name, log_x=True, log_y=True, falling_x=True)
    stretches = [Stretch(name, 0, 1.0, 0.5, 1.5, name), Stretch("none", 7, 1.2, None, None, hollow=True)]
    rows = IntervalPanel(name, name, stretches, 1.0, (0.8, 1.25), log=True)
    series = [Series(name, 0, [1.0, None], [name, ""], [0.5], [1.5]), Series("ml", 1, [2.0, 3.0])]
    boxes = StripPanel(name, name, [Strip(name, 0, [1.0, 2.0, 3.0, 4.0, 50.0] * 3)], log=True)
    return {
        "scatters": scatter.scatters(label("s", watermark), [scatter_panel(name), logarithmic, logarithmic]),
        "intervals": forest.intervals(label("i", watermark), [rows, rows]),
        "grouped": grouped_bars.grouped(label("g", watermark), [GroupedPanel(name, name, [name, "b"], series)]),
        "boxes": figures.strips(label("b", watermark), [boxes, boxes, boxes]),
    }


@pytest.mark.parametrize("kind", STATISTICS)
def test_a_figure_of_statistics_is_well_formed_whatever_its_names_are(kind: str) -> None:
    svg = every_statistics_figure(HOSTILE)[kind]
    ET.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" '))
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
    assert re.findall(r"#[0-9a-f]{6}\b", svg) == []


@pytest.mark.usefixtures("nothing_remembered")
def test_the_same_statistics_give_the_same_bytes_and_carry_the_mark() -> None:
    emulated = every_statistics_figure("cnn", "EMULATED")
    assert emulated == every_statistics_figure.__wrapped__("cnn", "EMULATED")
    assert all("EMULATED" in svg for svg in emulated.values())
    assert not any("EMULATED" in svg for svg in every_statistics_figure("cnn").values())


def test_a_logarithmic_axis_is_labelled_with_plain_numbers_and_says_what_it_is() -> None:
    panel = ScatterPanel("p", "FLOPs / GFLOP", "y", [Points("a", 0, [0.615, 30.96], [1.0, 2.0])], log_x=True)
    words = re.findall(r">([^<>]+)</text>", scatter.scatters(label(), [panel]))
    assert {"1", "2", "5", "10", "20"} <= set(words)
    assert "FLOPs / GFLOP (log scale)" in words


def test_a_logarithmic_axis_refuses_what_it_cannot_hold() -> None:
    panel = ScatterPanel("energy", "x", "y", [Points("a", 0, [1.0, 0.0], [1.0, 2.0])], log_x=True)
    with pytest.raises(ValueError, match=r"panel 'energy' of figure f1: a logarithmic axis cannot hold 0"):
        scatter.scatters(label(), [panel])


@pytest.mark.parametrize(
    "draw",
    [
        lambda: scatter.scatters(label(), []),
        lambda: scatter.scatters(label(), [ScatterPanel("p", "x", "y", [Points("a", 0, [np.nan], [1.0])])]),
        lambda: forest.intervals(label(), [IntervalPanel("p", "x", [])]),
        lambda: grouped_bars.grouped(label(), [GroupedPanel("p", "x", ["a"], [Series("s", 0, [None])])]),
    ],
)
def test_an_empty_panel_is_refused(draw: Callable[[], str]) -> None:
    with pytest.raises(ValueError, match="leave"):
        draw()


def boxes_of(svg: str, words: list[str]) -> list[tuple[float, float, float, float]]:
    """Left, top, right, bottom in points of the small texts beside points, with a letter's mean width."""
    found = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" font-size="6.5"[^>]*>([^<]+)<', svg)
    return [(float(x), float(y) - 5, float(x) + 3.4 * len(t), float(y)) for x, y, t in found if t in words]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=15))
@settings(max_examples=15, deadline=None)
def test_names_beside_points_never_overlap(places: list[tuple[float, float]]) -> None:
    names = [f"architecture {index}" for index in range(len(places))]
    xs, ys = zip(*places, strict=True)
    svg = scatter.scatters(label(), [ScatterPanel("p", "x", "y", [Points("", 0, xs, ys, tags=names)])], 1)
    areas = boxes_of(svg, names)
    for index, (left, top, right, bottom) in enumerate(areas):
        for other in areas[:index]:
            assert left >= other[2] - 0.5 or other[0] >= right - 0.5 or top >= other[3] or other[1] >= bottom


def test_names_of_few_points_are_all_printed() -> None:
    names = [f"name {index}" for index in range(15)]
    xs, ys = [float(7 * i % 15) for i in range(15)], [float(i) for i in range(15)]
    svg = scatter.scatters(label(), [ScatterPanel("p", "x", "y", [Points("", 0, xs, ys, tags=names)])], 1)
    assert len(boxes_of(svg, names)) == 15


def test_a_name_keeps_off_the_error_bars_where_there_is_another_place() -> None:
    bars = [Points("", 0, [1.0, 3.0], [1.0, 3.0], [0.5, 0.5], [0.5, 0.5], tags=["first", "second"])]
    svg = scatter.scatters(label(), [ScatterPanel("p", "x", "y", bars)], 1)
    without = [replace(bars[0], x_half_width=(), y_half_width=())]
    bare = scatter.scatters(
        label(), [ScatterPanel("p", "x", "y", without, lines=[Line("", [0.5, 3.5], [0.5, 3.5])])], 1
    )
    places, beside = (boxes_of(one, ["first", "second"]) for one in (svg, bare))
    assert len(places) == len(beside) == 2
    assert all(bottom != level for (*_, bottom), (*_, level) in zip(places, beside, strict=True))


def test_thinning_keeps_every_point_that_can_be_told_from_its_neighbours() -> None:
    x, y = np.linspace(1, 100, 100), np.linspace(5, 6, 100)
    assert len(sheet.told_apart(x, y)[0]) == 100
    many_x, many_y = np.repeat(x, 50), np.repeat(y, 50)
    short_x, short_y = sheet.told_apart(many_x, many_y, (True, False))
    assert len(short_x) <= 100
    assert (short_x.min(), short_x.max(), short_y.min(), short_y.max()) == (1.0, 100.0, 5.0, 6.0)


def test_markers_of_one_look_carry_it_once() -> None:
    points = [Points("a", 0, [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), Points("b", 1, [1.0, 2.0], [3.0, 1.0])]
    svg = scatter.scatters(label(), [ScatterPanel("p", "x", "y", points)])
    paths = re.findall(r'<path d="([^"]+)" fill="var\(--(c\d)\)"', svg)
    assert [(path.count("M"), colour) for path, colour in paths][:2] == [(3, "c0"), (2, "c1")]


@pytest.mark.parametrize("spread", [[0.0, 0.0, 0.0], [0.1, 0.12, 0.9], [0.5]])
def test_labels_of_levels_keep_their_distance_and_their_order(spread: list[float]) -> None:
    placed = scatter.apart(spread, 0.1)
    assert all(after - before >= 0.1 - 1e-12 for before, after in pairwise(placed))
    assert sum(placed) == pytest.approx(sum(spread))


# --- scales


def test_ticks_are_round_and_lie_on_the_scale() -> None:
    assert scale.Scale(-0.2, 10.3).ticks(6) == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert scale.Scale(0.0, 0.27).ticks(4) == [0.0, 0.1, 0.2]
    assert scale.Scale(1.2, 4.1).ticks(7, whole=True) == [2.0, 3.0, 4.0]
    assert scale.Scale(0.5, 40.0, logarithmic=True).ticks(6) == [0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
    assert scale.Scale(1.0, 1e30, logarithmic=True).ticks(6)[:2] == [1.0, 1e3]


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e6), st.integers(3, 10), st.booleans())
def test_every_scale_has_ticks_within_it(low: float, reach: float, most: int, whole: bool) -> None:
    ticks = scale.Scale(low, low + reach).ticks(most, whole=whole)
    assert len(ticks) <= most + 1
    assert all(-1e-6 * reach <= tick - low <= 1.000001 * reach for tick in ticks)
    assert whole or len(ticks) >= 2


def test_a_scale_holds_all_values_and_leaves_room() -> None:
    assert scale.scale_over([1.0, np.nan, 3.0], 0.05) == scale.Scale(0.9, 3.1)
    alone = scale.scale_over([5.0], 0.05)
    assert alone.low < 5.0 < alone.high
    assert alone.part(5.0) == pytest.approx(0.5)
    falling = scale.Scale(1.0, 100.0, logarithmic=True, falling=True)
    assert falling.part(10.0) == pytest.approx(0.5)
    assert falling.part(100.0) == 0.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_dust_of_a_constant_is_no_curve(sign: float) -> None:
    dust = scale.scale_over([sign * 100.000123, sign * 100.000124], 0.05)
    assert dust.high - dust.low == pytest.approx(0.11, rel=1e-3)
    assert dust.part(sign * 100.000123) == pytest.approx(0.5, abs=1e-4)
    assert dust.ticks(5)[0] == pytest.approx(sign * 100, abs=0.1)
    fine = scale.scale_over([sign * 100.0, sign * 100.2], 0.0)
    assert fine.high - fine.low == pytest.approx(0.2)
    many = scale.scale_over([100.0, 100.01], 0.0, logarithmic=True)
    assert many.high / many.low == pytest.approx(1.001, rel=1e-5)


def test_a_fine_path_counts_in_tenths_of_a_point_and_does_not_drift() -> None:
    x = np.array([0.0, 0.04, 0.08, 0.12, np.nan, 1.0])
    assert strokes.fine_path(x, np.zeros(6)) == "M0 0l1 0M10 0h0"
    far = np.linspace(0, 100, 1234)
    steps = re.findall(r"-?\d+", strokes.fine_path(far, far).partition("l")[2])
    assert sum(map(int, steps[::2])) == 1000


def test_long_numbers_push_the_name_of_their_axis_aside() -> None:
    x = np.arange(50, dtype=float)
    flat = TracePanel("cnn", 0, [(x, 1003.2 + np.sin(x) / 50)], (x, np.full(50, 1003.2)))
    for panel, is_wider in ((flat, True), (trace(), False)):
        svg = figures.traces(label(), [panel], "time / s", "power / W")
        box = re.search(r'viewBox="(\S+) 0 ', svg)
        name = re.search(r"rotate\(-90[ ,](-?[\d.]+)", svg)
        assert box is not None
        assert name is not None
        assert (float(box[1]) < -1) == is_wider
        assert float(name[1]) - 8 >= float(box[1]) - 0.01  # whole at 10 points, too: a phone has these


def test_nothing_upright_of_a_forest_plot_crosses_the_text_of_a_row() -> None:
    rows = [Stretch(f"row {name}", 0, 0.0, -1.0, 1.0, "0.0 [−1.0, 1.0]") for name in "abc"]
    svg = forest.intervals(label(), [IntervalPanel("p", "difference", rows, 0.0, (-0.5, 0.5))])
    baselines = [float(found[1]) for found in re.finditer(r'<text x="[\d.]+" y="([\d.]+)"[^>]*>(?:row|0\.0)', svg)]
    uprights = [(float(y0), float(y1)) for x0, y0, x1, y1 in
                re.findall(r'd="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"', svg) if x0 == x1]  # fmt: skip
    assert (len(baselines), len(uprights) % 3, len(uprights) > 3) == (6, 0, True)
    for baseline in baselines:
        assert not any(min(ends) < baseline and max(ends) > baseline - 6 for ends in uprights)
