"""Statistics as they are printed: no p is hidden, n, k and df always stand there, a refusal is a sentence."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.record.errors import DocumentError
from reports.inference import effects, statistics
from reports.pages import statistics_tables as printed
from reports.pages.numbers import NOTHING, Scale
from reports.results.codec import decoded, encoded
from reports.results.inference import Effect, EffectName, Pair, Refusal, Symbol, Test, TestName

EFFECT = Effect("partial-eta-squared", 0.8304, (0.791, 0.857), "large")
WELCH = Test("welch-anova", 239.092, "F", (4, 63.07), 2.2514e-38, (30, 30, 26, 25, 30), EFFECT, None)
PAIR = Pair("mobilenet", "vgg16", -0.2196, (-0.2391, -0.2002), -31.4, 57.99, 0.0496, None, (30, 29), None)


def refused(code: Refusal) -> Test:
    return replace(WELCH, refused=code, statistic=None, p=None, effect=None, df=())


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


@pytest.mark.parametrize("code", get_args(Refusal))
def test_a_refused_test_says_why(code: Refusal) -> None:
    cells = printed.test_row("a", refused(code)).cells
    assert cells[-1].startswith("not computed: ")
    assert " " in cells[-1].removeprefix("not computed: ")
    assert code not in cells[-1]


def test_every_code_of_the_analysis_has_words() -> None:
    documented = str(statistics.__doc__)
    codes = [line.split()[0] for line in documented.splitlines() if line.startswith("    ") and line[4] != " "]
    assert len(codes) >= 8
    assert set(codes) | {"transform-domain"} == set(get_args(Refusal))  # one more of studies
    assert {*get_args(Refusal), "not-positive"} == set(printed.REFUSED)  # and one that is of no test
    assert set(effects.BANDS) == set(printed.EFFECTS) == set(get_args(EffectName))
    assert set(printed.TESTS) == set(get_args(TestName))
    assert set(printed.SYMBOLS) == set(get_args(Symbol))


def test_a_code_that_no_version_writes_is_refused_with_its_place() -> None:
    with pytest.raises(DocumentError, match=r"study\.json\.omnibus\.refused: found 'for-fun', expected 'too-few'"):
        decoded(Test, encoded(refused("too-few")) | {"refused": "for-fun"}, "study.json.omnibus")


def test_a_pair_is_read_with_its_interval_and_at_its_level() -> None:
    cells = printed.pair_row(PAIR, 0.05, Scale("mWh", 1e3), ("MobileNet", "VGG16")).cells
    assert cells[:3] == ("MobileNet − VGG16", "30 + 29", "−220 [−239, −200]")
    assert cells[-1] == "differ"
    assert printed.pair_row(PAIR, 0.01).cells[-1] == "not shown to differ"
    assert printed.pair_row(replace(PAIR, refused="too-few", p=None), 0.05).cells[-1] == (
        "not computed: too few values for it"
    )
    assert len(cells) == len(printed.pair_heads("mWh"))


def test_the_choice_of_a_test_is_explained_in_words() -> None:
    text = printed.why("welch", "sqrt", "as in the paper")
    assert text.startswith("The study declares Welch's analysis of variance.")
    assert "square roots" in text
    assert text.endswith("Its reason: as in the paper.")
