"""reports.pages.qualification: what the page of a certificate says first, and of what it says nothing."""

import html
import math
import re
from dataclasses import replace

import pytest

from reports.pages.qualification import tables
from reports.pages.qualification.page import qualification_page
from reports.pages.qualification.statements import answer, lag_line, seen_line, statement, use_line
from reports.pages.qualification.statements import test_line as decided_line
from reports.pages.qualification.tables import short_table
from reports.qualification.aligned import AlignedTraces
from reports.render import qualification_html, render
from reports.results.qualification import Qualification
from reports.results.software_meter import OlympicTest, Refusal, SoftwareMeter
from reports.results.uncertainty import Estimate, Number, t_quantile
from tests.reports.qualifications import example, meter, number

SOUND = replace(
    example(), qualifies=True, not_because=(),
    reference=replace(example().reference, origin="instrument", meters=(
        replace(example().reference.meters[0], origin="instrument", sentence="The meter wall was read."),
    )),
)  # fmt: skip
"""The same certificate as if a real instrument had measured the wall."""
SHORT = Refusal("too-short", "Both traces cover 4 whole minutes of this load; the test needs 5.")
TRACES = AlignedTraces(meter().name, "half-01", ([0.0, 1.0, 2.0], [60.0, 140.0, 60.0]), ([0.5, 1.5], [20.0, 92.0]))


def text_of(document: Qualification, *aligned: AlignedTraces) -> str:
    """The words of the page, without its figures."""
    page = qualification_html(document, aligned)
    body = re.sub(r"<(style|script|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def changed(document: Qualification, own: SoftwareMeter) -> Qualification:
    return replace(document, meters=(own,))


def test_what_qualifies_nothing_says_so_in_its_first_sentence_with_the_reason() -> None:
    assert answer(example()).startswith(
        "This certificate qualifies nothing. The wall was read from an emulated meter: a demonstration, not a "
        "measurement."
    )
    words = text_of(example())
    assert words.index("This certificate qualifies nothing.") < words.index(meter().name)
    assert "EMULATED" in words
    assert use_line(example(), meter()) == "not usable for correction: this certificate qualifies nothing"


def test_what_qualifies_says_of_each_meter_what_it_sees_its_lag_and_its_use() -> None:
    assert answer(SOUND) == (
        "The software meter does not read within 5\u202f% of the wall on every load. Later records of it can be "
        "corrected to the wall."
    )
    assert statement(SOUND, meter()) == (
        f"{meter().name}: sees (65.71 ± 0.75)\u202f% of the wall on full and (33.33 ± 0.75)\u202f% on idle; lag (0.420 "
        "± 0.086)\u202fs; usable for correction."
    )
    assert "EMULATED" not in text_of(SOUND)


def test_a_meter_without_a_transfer_function_is_of_no_use_and_says_why() -> None:
    refused = replace(meter(), transfer=Refusal("too-few-levels", "Kind cpu has 2 levels; 5 are needed."))
    document = changed(SOUND, refused)
    assert use_line(document, refused) == "not usable for correction: Kind cpu has 2 levels; 5 are needed"
    assert answer(document).endswith("Later records of it cannot be corrected to the wall.")
    assert f"{refused.name}: no transfer function. Kind cpu has 2 levels" in text_of(document)


def test_a_reason_that_holds_for_several_loads_stands_once_with_their_names() -> None:
    loads = tuple(replace(load, olympic=SHORT) for load in meter().loads)
    words = text_of(changed(SOUND, replace(meter(), loads=loads)))
    assert words.count(SHORT.text) == 1
    assert f"idle, half, full: {SHORT.text}" in words
    assert words.count("not tested") == 6


def test_passing_without_u_and_failing_with_it_stand_beside_each_other() -> None:
    first, *others = meter().loads
    assert isinstance(first.olympic, OlympicTest)
    near = replace(first.olympic, passed=True, decision="cannot-be-decided", ratio=number(0.96, "1", 0.01))
    own = replace(meter(), loads=(replace(first, olympic=near), *others))
    assert decided_line(SOUND, own) == "within 5\u202f% of the wall on none of 3 loads, 1 cannot be decided"
    assert "passes cannot be decided" in text_of(changed(SOUND, own))


def test_a_meter_of_which_nothing_is_known_has_words_in_every_place() -> None:
    gone = Refusal("no-record", "No run of this load has a record of this software meter.")
    loads = tuple(replace(load, software_w=gone, olympic=gone, seen=gone) for load in meter().loads)
    own = replace(
        meter(), loads=loads, transfer=gone, lag_switched=gone, lag_natural=gone, boxcar=gone, first_order=gone,
        sampling=gone,
    )  # fmt: skip
    document = changed(SOUND, own)
    assert (seen_line(own), lag_line(own)) == ("its share of the wall is not known", "lag not known")
    words = text_of(document)
    assert "five-minute test: not made" in words
    assert "Share of the wall that each" not in words  # no figure without a value
    assert short_table(document)[2] == [(own.name, "–", "–", "–", "not tested")]


def test_a_tracker_has_no_lag_and_stands_in_no_table_of_traces() -> None:
    own = replace(meter("codecarbon"), kind="tracker")
    words = text_of(changed(SOUND, own))
    assert "no lag: it gives one energy a run" in words
    assert "Update interval" not in words


def test_the_traces_are_drawn_as_stamped_and_moved_by_the_lag() -> None:
    page = qualification_html(SOUND, [TRACES])
    figure = page[page.index('id="fig-traces"') :]
    assert "moved by its lag" in figure
    assert f"{meter().name}: lag" in figure
    assert 'id="fig-traces"' not in qualification_html(SOUND, [])


def test_what_it_holds_for_and_how_it_is_recomputed_stand_there() -> None:
    words = text_of(SOUND)
    for part in ("Example 1000", "1.2.3", "6.1.0", "60.0 to 140.0 W", "wattlab qualify CAMPAIGN", "c" * 64, "a" * 64):
        assert part in words
    assert "0.30 % of the reading: below the limit of the test" in words


def test_a_limit_that_was_chosen_afterwards_is_said_to_be() -> None:
    assert "5 %, declared before the first run" in text_of(SOUND)
    later = replace(SOUND, limit_is_declared=False)
    assert "5 %, chosen when this was computed" in text_of(later)


def test_who_measured_stands_below_the_title_where_somebody_is_named() -> None:
    named = replace(SOUND, campaign=replace(SOUND.campaign, lab="Power lab", operator="A. Operator"))
    assert "Measured by Power lab, A. Operator" in text_of(named)
    assert "Measured by" not in text_of(SOUND)


def test_remarks_stand_below_the_answer() -> None:
    words = text_of(replace(example(), remarks=("No run counts of these declared loads: memory.",)))
    assert words.index(example().not_because[0]) < words.index("No run counts of these declared loads: memory.")


def test_why_several_meters_have_no_transfer_function_stands_once() -> None:
    refusal = Refusal("too-few-levels", "Kind cpu has 2 levels; 5 are needed.")
    meters = tuple(replace(meter(name), transfer=refusal) for name in ("agent/one_w", "agent/two_w"))
    words = text_of(replace(example(), meters=meters))
    assert f"agent/one_w, agent/two_w: no transfer function. {refusal.text}" in words
    assert words.count(refusal.text) == 1


def test_the_page_is_the_same_each_time() -> None:
    page = qualification_page(example(), [TRACES])
    assert render(page, "document.html.j2") == qualification_html(example(), [TRACES])


@pytest.mark.parametrize(
    ("value", "expanded", "text"),
    [
        (0.8, 4.2, "cannot be told"),
        (0.8, 0.3, "at least 50"),
        (0.1, 0.3, "at most 40"),
        (0.5, 0.1, "50 ± 10"),
    ],
)
def test_a_share_of_time_lies_between_none_and_all(value: float, expanded: float, text: str) -> None:
    assert tables._sampled(Number(Estimate(value, expanded / t_quantile(math.inf), math.inf), "1")) == text


def test_a_certificate_of_an_unnamed_machine_is_called_by_its_campaign() -> None:
    document = example()
    nameless = replace(document, validity=replace(document.validity, machine=""))
    assert qualification_page(nameless, []).title == f"Qualification of software meters: {document.campaign.name}"
