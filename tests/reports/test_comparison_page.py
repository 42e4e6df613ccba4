"""The page of a comparison: what it says, and which notes stand on it, of records."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.record.errors import DocumentError
from reports.pages.blocks import Facts, Figure, Paragraph, Table
from reports.pages.comparison.evidence import command_of
from reports.pages.comparison.page import comparison_page
from reports.pages.comparison.statements import mark, statements
from reports.pages.document import DocumentPage
from reports.results.budget import Missing
from reports.results.codec import decoded, encoded
from reports.results.compared_pair import ComparedPair, EfficiencyValues, PairEquivalence, PairQuantity
from reports.results.compared_side import ComparedSide, JoinedPair, SidePart
from reports.results.comparison import Comparison, Margin, NamedPart, Options, comparison_of
from tests.reports.comparisons import comparison, number, pair_quantity, present, with_quantity

UNTOLD = pair_quantity(0.01, reference=0.5)
ENERGY = encoded(pair_quantity(0.1))


def with_sides(document: Comparison, change: Callable[[ComparedSide], ComparedSide]) -> Comparison:
    (of_set,) = document.sets
    return replace(document, sets=(replace(of_set, sides=tuple(map(change, of_set.sides))),))


def with_pair(document: Comparison, change: Callable[[ComparedPair], ComparedPair]) -> Comparison:
    (of_set,) = document.sets
    return replace(document, sets=(replace(of_set, pairs=tuple(map(change, of_set.pairs))),))


def notes(page: DocumentPage) -> list[str]:
    return [block.text for block in page.opening if isinstance(block, Paragraph) and block.tone == "note"]


def tables(page: DocumentPage) -> dict[str, Table]:
    return {b.name: b for section in page.sections for b in section.blocks if isinstance(b, Table)}


def test_a_difference_is_said_in_percent_with_its_uncertainty() -> None:
    assert statements(comparison())[0] == (
        "cnn: new used (10.0 ± 2.6)\u202f% more induced energy per run than old (95 %, type B included)."
    )


def test_less_is_said_without_a_sign_and_of_an_emulated_meter_in_the_subjunctive() -> None:
    document = with_quantity(comparison(), "induced_energy_wh", pair_quantity(-0.05, reference=0.5))
    (sentence, _) = statements(replace(document, origin="emulated"))
    assert sentence.startswith("cnn: new would have used (10.0 ± 2.6)\u202f% less induced energy per run than old")


def test_without_a_relative_difference_it_is_said_as_an_energy() -> None:
    absolute = replace(pair_quantity(-0.05), relative=None)
    (sentence, _) = statements(with_quantity(comparison(), "induced_energy_wh", absolute))
    assert "new used (50 ± 26)\u202fmWh less induced energy" in sentence


def test_where_nothing_is_shown_it_is_said_what_is_excluded() -> None:
    (sentence, _) = statements(with_quantity(comparison(), "induced_energy_wh", UNTOLD))
    assert sentence == (
        "cnn: no difference in induced energy was shown between new and old; differences above 0.0357\u202fWh "
        "(7.1 % of old) are excluded."
    )


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("too-few-runs", "the samples are too few (6 and 6 runs)"),
        ("no-spread", "the runs of both sides do not differ at all"),
    ],
)
def test_of_too_few_runs_nothing_is_said(reason: str, why: str) -> None:
    few = replace(UNTOLD, verdict="too-few", reason=reason, interval=None)
    (sentence, _) = statements(with_quantity(comparison(), "induced_energy_wh", few))
    assert sentence.startswith(f"cnn: nothing can be said of the induced energy of new against old: {why}")


@pytest.mark.parametrize(
    ("margin", "equivalent", "says"),
    [
        (Margin(0.1, "1"), True, " They are equivalent within the stated margin of 10\u202f%."),
        (Margin(0.1, "1"), False, " They were not shown to be equivalent within the stated margin of 10\u202f%."),
        (Margin(0.02, "Wh"), True, " They are equivalent within the stated margin of 20\u202fmWh."),
        (Margin(0.1, "1"), None, " No verdict on equality: fewer than three runs on a side"),
    ],
)
def test_equality_is_said_of_a_stated_margin_alone(margin: Margin, equivalent: bool | None, says: str) -> None:
    test = PairEquivalence(0.95, 1.05, (0.9, 1.1), 0.01, equivalent, None if equivalent is not None else "too-few-runs")
    document = with_quantity(comparison(), "induced_energy_wh", replace(UNTOLD, equivalence=test))
    (sentence,) = statements(replace(document, options=Options(margin=margin)))
    assert says in sentence
    assert "No margin was stated" in statements(document)[-1]


def test_the_margin_is_printed_in_the_unit_of_the_page() -> None:
    test = PairEquivalence(-0.01, 0.01, (-0.02, 0.02), 0.01, True, None)
    document = with_quantity(comparison(), "induced_energy_wh", replace(UNTOLD, equivalence=test))
    page = comparison_page(replace(document, options=Options(margin=Margin(0.02, "Wh"))))
    assert "within the stated margin of 0.02000\u202fWh" in page.answer


def test_a_measured_comparison_has_no_mark_and_sessions_that_differ_are_said() -> None:
    page = comparison_page(comparison())
    assert (page.stamp, mark(comparison())) == ("", "")
    assert [note[:66] for note in notes(page)] == ["Sides were measured one after the other, in different sessions: wh"]
    once = with_pair(comparison(), lambda pair: replace(pair, sessions="same", one_campaign=True))
    assert notes(comparison_page(once)) == []


@pytest.mark.parametrize(("origin", "stamp"), [("emulated", "EMULATED"), ("none", "NOT MEASURED"), ("imported", "")])
def test_readings_that_are_no_measurement_of_this_lab_are_marked(origin: str, stamp: str) -> None:
    document = comparison_of(encoded(comparison()) | {"origin": origin})
    assert comparison_page(document).stamp == stamp
    assert mark(document)


def test_what_is_wrong_with_a_side_is_noted() -> None:
    document = with_sides(
        comparison(),
        lambda side: replace(side, verdicts=("invalid",), quantities={
            name: replace(quantity, skewed=True, missing=(Missing("limits-of-error", "wall"),))
            for name, quantity in side.quantities.items()
        }),
    )  # fmt: skip
    text = "\n".join(notes(comparison_page(document)))
    assert "new is of a campaign with the verdict invalid" in text
    assert "The runs of old (energy), old (induced energy)" in text
    assert "are more skewed than an exponential distribution." in text
    assert "this is not known: new: limits of error of wall; old: limits of error of wall." in text


def test_all_numbers_of_one_kind_stand_in_one_unit() -> None:
    rows = {row.cells[0]: row.cells for row in tables(comparison_page(comparison()))["s0-p0-result-table"].rows}
    assert list(rows) == ["Energy\u00a0/\u00a0Wh", "Induced energy\u00a0/\u00a0Wh", "Duration\u00a0/\u00a0s"]
    assert rows["Energy\u00a0/\u00a0Wh"] == (
        "Energy\u00a0/\u00a0Wh", "1.000 ± 0.026", "1.100 ± 0.026", "0.100 ± 0.026", "± 0.013", "1.100 ± 0.026",
        "1.070 to 1.130", "more",
    )  # fmt: skip


def test_a_quantity_that_cannot_be_compared_says_why_and_has_no_test() -> None:
    written = dict.fromkeys(encoded(UNTOLD)) | {"unit": "Wh", "reason": "no-baseline"}
    none = decoded(PairQuantity, written, "")
    page = comparison_page(with_quantity(comparison(), "induced_energy_wh", none))
    row = tables(page)["s0-p0-result-table"].rows[1]
    assert row.cells[-1] == "a side has no baseline, so it has no induced energy"
    assert len(tables(page)["s0-p0-test-table"].rows) == 2
    assert page.answer.startswith("cnn: new and old cannot be compared: a side has no baseline")


def test_keys_that_differ_stand_apart_from_those_that_do_not() -> None:
    page = comparison_page(comparison())
    assert tables(page)["s0-differing"].rows[0].cells == ("kernel", "software", "6.1", "6.12", "differs")
    assert tables(page)["s0-same"].rows[0].cells == ("command", "work", "train", "train", "")


def test_what_was_joined_stands_beside_each_other() -> None:
    joined = JoinedPair("a:cnn", "b:cnn", "energy_wh", number(0.03), "not-shown")
    page = comparison_page(with_sides(comparison(), lambda side: replace(side, pooled=(joined,))))
    assert tables(page)["s0-pools"].rows[0].cells == (
        "b:cnn against a:cnn", "Energy", "(0.030 ± 0.026)\u202fWh", "no difference shown",
    )  # fmt: skip


def test_efficiency_values_of_two_machines_are_none_with_the_reason() -> None:
    none = EfficiencyValues("other-sut", None, None, None, None, None)
    page = comparison_page(with_pair(comparison(), lambda pair: replace(pair, iso14756=none)))
    assert "s0-iso-table" not in tables(page)
    texts = [b.text for section in page.sections for b in section.blocks if isinstance(b, Paragraph)]
    assert any("new against old: the sides were measured on different machines" in text for text in texts)


def test_an_efficiency_value_without_an_interval_is_said_to_show_nothing() -> None:
    def unbounded(pair: ComparedPair) -> ComparedPair:
        values = replace(pair.iso14756, energy=replace(present(pair.iso14756.energy), interval=None))
        return replace(pair, iso14756=values)

    assert "No interval" not in tables(comparison_page(comparison()))["s0-iso-table"].note
    assert "No interval" in tables(comparison_page(with_pair(comparison(), unbounded)))["s0-iso-table"].note


def test_a_figure_of_ratios_has_a_band_only_of_a_relative_margin() -> None:
    test = PairEquivalence(0.95, 1.05, (0.9, 1.1), 0.01, True, None)
    document = with_quantity(comparison(), "energy_wh", replace(UNTOLD, equivalence=test))
    captions = [
        next(block.caption for section in comparison_page(replace(document, options=Options(margin=margin))).sections
             for block in section.blocks if isinstance(block, Figure))
        for margin in (Margin(0.1, "1"), Margin(0.1, "Wh"))
    ]  # fmt: skip
    assert captions[0].endswith("Band: the stated margin of 10\u202f%.")
    assert "Band" not in captions[1]


def test_the_command_repeats_every_option_and_name() -> None:
    options = Options(Margin(0.05, "1"), "rank", ("parameters",), ((60.0, 0.9), (120.0, 1.0)), ("before", ""))
    sides = ((NamedPart("a", "../a", "cnn"), NamedPart("b", "../b", "cnn")), (NamedPart("my c", "../c", None),))
    assert command_of(replace(comparison(), options=options, sides=sides)) == (
        "wattlab compare before=a:cnn,b:cnn 'my c' --test rank --margin 5% --differs parameters "
        "--timeliness 60s:90%,120s:100%"
    )


def test_the_evidence_names_campaigns_runs_and_program() -> None:
    (section,) = [section for section in comparison_page(comparison()).sections if section.name == "evidence"]
    facts, runs = section.blocks
    assert isinstance(facts, Facts)
    assert isinstance(runs, Table)
    assert facts.items[0] == ("Campaign old (folder old)", f"uid 1234, head of its log {'c' * 64}")
    assert runs.rows[0].cells == ("old", "r01", "d" * 64)


def test_a_side_of_many_campaigns_is_called_after_the_first_unless_it_has_a_name() -> None:
    def joined(side: ComparedSide) -> ComparedSide:
        parts = tuple(SidePart(name, "c" * 64, "cnn", "CNN") for name in "abcd")
        return replace(side, label="a+b+c+d" if side.label == "old" else "mine", parts=parts)

    assert comparison_page(with_sides(comparison(), joined)).title == "Comparison: a and 3 more and mine"


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (("sets", 0, "pairs", 0, "design"), "paired", "comparison.json.sets[0].pairs[0].design: found 'paired'"),
        (("sets", 0, "pairs", 0, "quantities", "energy_wh", "difference"), 0.1, "energy_wh.difference: found 0.1"),
        (
            ("sets", 0, "pairs", 0, "quantities", "energy_wh", "test", "n"),
            [6],
            "test.n: found [6], expected a list of 2",
        ),
        (("sets", 0, "sides", 0, "verdicts"), ["certified"], "sides[0].verdicts[0]: found 'certified'"),
        (("options", "margin"), {"value": 1, "unit": "%"}, "options.margin.unit: found '%', expected '1' | 'Wh'"),
        (("origin",), "real", "comparison.json.origin: found 'real'"),
        (("schema",), 2, "comparison.json: schema 2 is newer than this wattlab knows (1); update wattlab"),
        (("schema",), 0, "comparison.json.schema: found 0, expected 1"),
        (("sets", 0, "pairs", 0, "first"), -1, "sets[0].pairs[0]: first -1 and second 1 are no places among 2 sides"),
        (("sets", 0, "pairs", 0, "quantities"), {}, "sets[0].pairs[0].quantities: lacks energy_wh"),
        (("sets", 0, "pairs", 0, "quantities", "x.total"), ENERGY, "quantities: has 'x.total', which a side has not"),
        (("sets", 0, "sides", 1, "quantities"), {}, "comparison.json.sets[0].sides[1].quantities: lacks energy_wh"),
        (("sets", 0, "keys", 0, "values"), ["6.1"], "keys[0].values: found 1, expected one for each of 2 sides"),
        (("options", "labels"), ["a"], "comparison.json.options.labels: found 1, expected one for each of 2 sides"),
        (("software", "version"), None, "software.version: found None, expected str"),
    ],
)
def test_what_is_no_comparison_is_refused_with_its_place(
    place: tuple[str | int, ...], value: object, says: str
) -> None:
    written = encoded(comparison())
    part = written
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    with pytest.raises(DocumentError) as refused:
        comparison_of(written)
    assert says in str(refused.value)


def test_a_comparison_is_read_as_it_was_written() -> None:
    assert comparison_of(encoded(comparison())) == comparison()
