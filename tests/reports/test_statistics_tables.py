"""Statistics as they are printed: no p is hidden, n, k and df always stand there, a refusal is a sentence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.inference import statistics
from reports.pages import statistics_tables as printed
from reports.pages.numbers import NOTHING, Scale

EFFECT = {"name": "partial-eta-squared", "value": 0.8304, "interval": [0.791, 0.857], "word": "large"}
WELCH = {
    "name": "welch-anova", "statistic": 239.092, "symbol": "F", "df": [4, 63.07], "p": 2.2514e-38,
    "n": [30, 30, 26, 25, 30], "effect": EFFECT, "refused": None,
}  # fmt: skip
PAIR = {
    "first": "mobilenet", "second": "vgg16", "difference": -0.2196, "interval": [-0.2391, -0.2002], "statistic": -31.4,
    "df": 57.99, "p": 0.0496, "effect": None, "n": [30, 29], "refused": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (2.2514e-38, "2.25e-38"), (0.0496, "0.0496"), (0.5, "0.500"), (1.0, "1"), (5.6e-8, "5.60e-8"),
        (0.0, "< 1e-307"), (None, NOTHING), (float("nan"), NOTHING),
    ],
)  # fmt: skip
def test_a_p_value_is_printed_as_people_read_it(p: float | None, text: str) -> None:
    assert printed.p_text(p) == text


@given(st.floats(1e-300, 1.0))
def test_no_p_value_hides_its_size(p: float) -> None:
    assert float(printed.p_text(p)) == pytest.approx(p, rel=6e-3)


def test_a_row_of_a_test_holds_n_k_statistic_df_p_and_effect() -> None:
    row = printed.test_row("architecture", WELCH)
    assert row.cells == (
        "architecture", "Welch's ANOVA", "141 (30, 30, 26, 25, 30)", "5", "F = 239.092", "4; 63.07", "2.25e-38",
        "partial η² = 0.830 [0.791, 0.857], large",
    )  # fmt: skip
    assert len(row.cells) == len(printed.TEST_HEADS)


def test_equal_groups_are_counted_shortly() -> None:
    assert printed.n_text([30] * 5) == "150 (5 × 30)"
    assert printed.n_text([30]) == "30"
    assert printed.n_text([]) == NOTHING


@pytest.mark.parametrize("code", list(printed.REFUSED))
def test_a_refused_test_says_why(code: str) -> None:
    refused = {**WELCH, "refused": code, "statistic": None, "p": None, "effect": None, "df": []}
    cells = printed.test_row("a", refused).cells
    assert cells[-1].startswith("not computed: ")
    assert " " in cells[-1].removeprefix("not computed: ")
    assert code not in cells[-1]


def test_every_code_of_the_analysis_has_words() -> None:
    documented = str(statistics.__doc__)
    codes = [line.split()[0] for line in documented.splitlines() if line.startswith("    ") and line[4] != " "]
    assert len(codes) >= 8
    assert set(codes) | {"transform-domain", "not-positive"} == set(printed.REFUSED)  # two more of studies
    assert set(statistics.BANDS) == set(printed.EFFECTS)


def test_a_pair_is_read_with_its_interval_and_at_its_level() -> None:
    cells = printed.pair_row(PAIR, 0.05, Scale("mWh", 1e3), ("MobileNet", "VGG16")).cells
    assert cells[:3] == ("MobileNet − VGG16", "30 + 29", "−220 [−239, −200]")
    assert cells[-1] == "differ"
    assert printed.pair_row(PAIR, 0.01).cells[-1] == "not shown to differ"
    assert printed.pair_row({**PAIR, "refused": "too-few", "p": None}, 0.05).cells[-1] == (
        "not computed: too few values for it"
    )
    assert len(cells) == len(printed.pair_heads("mWh"))


def test_equivalence_stands_with_its_interval_and_what_the_runs_can_show() -> None:
    pair: dict[str, Any] = {
        "n": [30, 29], "low": -0.01, "high": 0.03, "p": 0.002, "equivalent": True, "refused": None, "power_now": 0.874,
        "required_n": 1234, "detectable": 0.0412,
    }  # fmt: skip
    cells = printed.equivalence_row(pair, ("a", "b")).cells
    assert cells == (
        "a − b", "30 + 29", "−0.010 to 0.030", "0.00200", "equivalent", "0.87", "1\u202f234", "0.0412",
    )  # fmt: skip
    assert len(cells) == len(printed.equivalence_heads("Wh", 0.8))
    not_shown = printed.equivalence_row(pair | {"equivalent": False, "required_n": None}, ("a", "b")).cells
    assert (not_shown[4], not_shown[6]) == ("not shown to be equivalent", "over ten million")
    refused = printed.equivalence_row(pair | {"low": None, "refused": "too-few"}, ("a", "b")).cells
    assert refused[4] == "not computed: too few values for it"
    assert len(refused) == len(cells)


def test_the_choice_of_a_test_is_explained_in_words() -> None:
    text = printed.why({"test": "welch", "transform": "sqrt", "reason": "as in the paper"})
    assert text.startswith("The study declares Welch's analysis of variance.")
    assert "square roots" in text
    assert text.endswith("Its reason: as in the paper.")
