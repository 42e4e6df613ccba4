"""The page of estimates: what it opens with, how it is marked, and what it does where there is little."""

from dataclasses import replace

import pytest

from reports.estimation.assessment import Case, assess
from reports.pages.estimation.figures import settling_figures
from reports.pages.estimation.page import estimation_page
from reports.render import estimation_html
from reports.results.estimation import EstimatedCampaign, Estimation, Settling
from reports.results.software import Software
from tests.estimation.test_step import training
from tests.reports.test_campaign_page import checked

SOFTWARE = Software("wattlab", "0.2.0", None, None, None, "3.11")


def document(*cases: Case) -> Estimation:
    """The estimates of these trainings."""
    campaigns = (EstimatedCampaign("../runs/a", "00"),)
    return Estimation(1, SOFTWARE, campaigns, None, assess(cases, "meter", {"r9": "it marks no epochs"}))


def case(epochs: int, run: str, origin: str = "emulated", settling: Settling | None = None) -> Case:
    """A training of epochs of 100 J that grow a little."""
    one = training([100.0 + place % 3 for place in range(epochs)], run=run)
    return Case("a", one, {"tdp_w": 150.0}, 0.5, ("inlet (emulated)",), (origin,), "m", settling)


def test_the_page_is_sound_marked_and_opens_with_the_nearest_estimator() -> None:
    found = document(
        case(30, "r1", settling=Settling(4, 4.5, 0.1)), case(40, "r2", settling=Settling(6, 9.5, 0.2)), case(50, "r3")
    )
    page = estimation_page(found)
    assert page.answer.startswith("Told how long each training was, ")
    assert (page.stamp, [card.title for card in page.cards][:2]) == (
        "EMULATED", ["STEP, energy of epochs", "STEP, power"],
    )  # fmt: skip
    html = estimation_html(found)
    assert checked(html).problems == []
    assert "r9 was left out: it marks no epochs." in html


def test_bars_of_many_epochs_are_joined() -> None:
    found = document(*(case(30, f"r{n}", settling=Settling(n * 20, 1.0, 0.0)) for n in range(5)))
    histogram, share = settling_figures(found.assessment, "")
    assert "0–2" in histogram.svg
    assert "90 %" in share.svg


def test_nothing_settles_nothing_is_drawn() -> None:
    assert settling_figures(document(case(30, "r1"), case(31, "r2")).assessment, "") == []


@pytest.mark.parametrize("epochs", [2, 8])
def test_a_short_training_still_has_a_page(epochs: int) -> None:
    found = document(replace(case(epochs, "r1"), facts={}))
    html = estimation_html(found)
    assert checked(html).problems == []
    assert "One training alone has none beside it" in html


def test_a_mark_is_that_of_the_readings_that_prove_least() -> None:
    assert estimation_page(document(case(20, "r1", "instrument"), case(21, "r2", "instrument"))).stamp == ""
    mixed = document(case(20, "r1", "instrument"), case(21, "r2", "emulated"))
    assert estimation_page(mixed).stamp == "EMULATED"
