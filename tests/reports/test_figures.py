"""Figures: same numbers, same bytes; nothing but the page's own colours; hostile names are text; no peak is lost."""

import re
import xml.etree.ElementTree as ET
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import figures, sheet
from reports.figures import Bar, BarPanel, Curve, CurvePanel, Span, Strip, StripPanel, TracePanel
from reports.sheet import Floats, Labelled

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
        "traces": figures.traces(label("a", watermark), [trace(name), trace(name, runs=0)], "W"),
        "bars": figures.bars(label("b", watermark), [bar, bar, bar], 2),
        "strips": figures.strips(label("c", watermark), [StripPanel(name, name, [Strip(name, 0, [1.0] * 6)])]),
        "curves": figures.curves(label("d", watermark), [panel, panel, panel]),
    }


@pytest.mark.parametrize("kind", ["traces", "bars", "strips", "curves"])
def test_a_figure_is_well_formed_whatever_its_names_are(kind: str) -> None:
    svg = every_figure(HOSTILE)[kind]
    ET.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
    assert "\x01" not in svg


def test_the_same_numbers_give_the_same_bytes() -> None:
    assert every_figure("cnn", "EMULATED") == every_figure.__wrapped__("cnn", "EMULATED")


@pytest.mark.parametrize("kind", ["traces", "bars", "strips", "curves"])
def test_every_colour_is_a_variable_of_the_page(kind: str) -> None:
    svg = every_figure("cnn", "EMULATED")[kind]
    assert re.findall(r"#[0-9a-f]{6}\b", svg) == []
    assert set(re.findall(r"var\(--([a-z0-9]+)\)", svg)) <= {*sheet.VARIABLES.values(), "sans"}


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


def test_a_figure_is_read_aloud_with_its_numbers() -> None:
    svg = figures.bars(label(), [BarPanel("Power", "W", [Bar("cnn", 0, 100.0, "100")])], 1)
    assert '<desc id="f1-d">Mean power of cnn 100.0 W</desc>' in svg
    assert 'role="img" aria-labelledby="f1-t f1-d"' in svg


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=400), st.integers(1, 40))
def test_decimation_keeps_the_extremes_and_invents_nothing(values: list[float], columns: int) -> None:
    x, y = np.arange(len(values), dtype=float), np.asarray(values)
    short_x, short_y = figures.decimate(x, y, columns)
    assert len(short_y) <= max(2 * columns, 1)
    assert short_y.min() == y.min()
    assert short_y.max() == y.max()
    assert np.all(np.diff(short_x) > 0)
    assert all(y[int(at)] == value for at, value in zip(short_x, short_y, strict=True))


def test_decimation_leaves_a_gap_open() -> None:
    y: Floats = np.full(100, np.nan)
    y[:50] = 1.0
    _, short = figures.decimate(np.arange(100.0), y, 10)
    assert np.isnan(short).any()
    assert (short[~np.isnan(short)] == 1.0).all()
