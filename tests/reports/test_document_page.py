"""The page of a document that is no campaign: answer first, figures in their order, marked as its readings are."""

from markupsafe import Markup

from reports.figures import campaign as figures
from reports.figures.campaign import Bar, BarPanel
from reports.figures.sheet import Labelled
from reports.pages.blocks import Block, Card, Facts, Figure, Head, Paragraph, Row, Section, Table
from reports.pages.document import DocumentPage, document_page, section_of
from reports.render import render
from tests.reports.test_campaign_page import HOSTILE, checked


def drawn(name: str, stamp: str = "") -> Figure:
    panel = BarPanel(
        "Energy", "energy / Wh", [Bar("cnn", 0, 1.2, "1.20 ± 0.05", 0.05), Bar("transfer", 1, 0.4, "0.40")]
    )
    return Figure(name, f"Energy, {name}", Markup(figures.bars(Labelled(name, "Energy", "cnn 1.2 Wh", stamp), [panel])))


def page(origin: str = "emulated", text: str = "cnn") -> DocumentPage:
    table = Table("differences", "Differences", (Head("Pair", False), Head("Difference / Wh")), (Row((text, "0.80")),))
    blocks: list[Block] = [drawn("fig-second"), table]
    return document_page(
        f"Comparison: {text}",
        origin,
        [f"Campaigns: {text}"],
        f"{text} needs three times the energy.",
        [section_of("results", "Results", blocks), section_of("empty", "Empty", None), Section("more", "More", ())],
        ["Rebuild with: wattlab compare"],
        "comparison.json",
        cards=[Card(text, "1.2 Wh", "n = 30", ("one line",), 0)],
        opening=[drawn("fig-first"), Facts("Inputs", ((text, text),)), Paragraph(text)],
    )


def html_of(shown: DocumentPage) -> str:
    return render(shown, "document.html.j2")


def test_the_answer_stands_before_figures_and_sections() -> None:
    html = html_of(page())
    order = ['class="lead"', 'class="card s0"', 'id="fig-first"', "<nav", 'id="results"', 'id="fig-second"', "<footer"]
    assert [html.index(part) for part in order] == sorted(html.index(part) for part in order)


def test_figures_are_numbered_from_the_opening_on_and_empty_sections_left_out() -> None:
    shown = page()
    assert [block.number for block in shown.opening if isinstance(block, Figure)] == [1]
    assert [b.number for part in shown.sections for b in part.blocks if isinstance(b, Figure)] == [2]
    assert [part.name for part in shown.sections] == ["results", "more"]


def test_emulated_readings_are_marked_on_screen_and_in_print_and_measured_ones_are_not() -> None:
    emulated, measured = html_of(page("emulated")), html_of(page("measured"))
    assert '<div class="banner" role="note"><strong>EMULATED</strong>' in emulated
    assert '@top-right { content: "EMULATED"' in emulated
    assert "EMULATED" not in measured
    assert 'class="banner"' not in measured


def test_hostile_text_is_shown_as_text_in_a_well_formed_page() -> None:
    text = checked(html_of(page(text=HOSTILE))).text
    assert text.count("<script>alert(1)</script>") >= 6
    assert "{{ 7*7 }}" in text
