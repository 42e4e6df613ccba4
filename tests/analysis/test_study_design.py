"""What a study asks against the runs that it plans: effects that cannot be told apart are refused with their pair."""

from itertools import product

import pytest

from reports.study.design import design_problems
from reports.study.environments import resolved
from reports.study.file import Factor, Interaction, Question, Response, Study, StudyFile
from reports.study.fractions import rows_of


def study(*factors: str, questions: tuple[str, ...] = (), pairs: tuple[tuple[str, str], ...] = ()) -> StudyFile:
    """Factors of two levels, + and -, and what is asked of them."""
    asked = {
        f"q-{name}": Question(title="", response="energy", factor=name, test="welch", transform="none")
        for name in questions
    }
    both = {"-".join(pair): Interaction(title="", response="energy", factors=list(pair)) for pair in pairs}
    return resolved(StudyFile(
        schema=1,
        study=Study(name="s", title="", alpha=0.05),
        factors={name: Factor(title=name, column=f"factor.{name}", levels=["+", "-"]) for name in factors},
        responses={"energy": Response(title="", formula="energy_wh", unit="Wh")},
        questions=asked,
        interactions=both,
    ))  # fmt: skip


def cells(factors: str, rows: list[tuple[str, ...]]) -> list[dict[str, str]]:
    """Planned cells by their columns."""
    return [
        {"scenario": "-".join(row), **{f"factor.{name}": level for name, level in zip(factors, row, strict=True)}}
        for row in rows
    ]


def fraction(generators: str) -> list[tuple[str, ...]]:
    """The rows of a fraction."""
    return [tuple(map(str, row)) for row in rows_of(generators, [["-", "+"]] * len(generators.split()))]


FULL = list(product("+-", repeat=3))


def test_a_full_factorial_answers_everything() -> None:
    asked = study(*"abc", questions=tuple("abc"), pairs=(("a", "b"), ("a", "c"), ("b", "c")))
    assert list(design_problems(asked, cells("abc", FULL))) == []


def test_a_factor_that_follows_another_is_confounded_with_it() -> None:
    rows = [row for row in FULL if row[0] == row[2]]
    ((place, problem),) = design_problems(study(*"abc", questions=("a",)), cells("abc", rows))
    assert place == "questions.q-a"
    assert problem.startswith("'a' and 'c' are confounded")


def test_nothing_asked_is_every_pair_of_factors() -> None:
    rows = [row for row in FULL if row[0] == row[2]]
    ((place, problem),) = design_problems(study(*"abc"), cells("abc", rows))
    assert (place, problem[:28]) == ("factors.c", "'a' and 'c' are confounded: ")


def test_two_halves_that_share_no_level_are_confounded_though_no_factor_follows_the_other() -> None:
    asked = study("net", "room", questions=("net",))
    for factor in asked.factors.values():
        factor.levels[:] = ["1", "2", "3", "4"]
    rows = [(net, room) for net, room in product("1234", repeat=2) if (net in "12") == (room in "12")]
    planned = [{"scenario": "s", "factor.net": net, "factor.room": room} for net, room in rows]
    ((_, problem),) = design_problems(asked, planned)
    assert problem.startswith("'net' and 'room' are confounded")


@pytest.mark.parametrize(
    ("generators", "pair", "other"),
    [("a b ab", ("a", "b"), "'a x b' and 'c'"), ("a b c abc", ("a", "b"), "'a x b' and 'c x d'")],
)
def test_a_fraction_confounds_an_interaction_with_what_its_generator_says(
    generators: str, pair: tuple[str, str], other: str
) -> None:
    names = "abcd"[: len(generators.split())]
    rest = [pair, ("c", "d")] if len(names) == 4 else [pair]
    asked = study(*names, questions=tuple(names), pairs=tuple(rest))
    problems = dict(design_problems(asked, cells(names, fraction(generators))))
    assert not any(place.startswith("questions") for place in problems), "its main effects stand by themselves"
    assert other in problems["interactions.a-b"]


def test_an_interaction_names_the_combination_that_lacks() -> None:
    asked = study(*"ab", pairs=(("a", "b"),))
    ((place, problem),) = design_problems(asked, cells("ab", [("+", "+"), ("+", "-"), ("-", "+")]))
    assert place == "interactions.a-b"
    assert "no run has a = - and b = -" in problem


def test_a_run_without_a_level_and_a_level_without_a_run_are_refused() -> None:
    planned = [*cells("ab", [("+", "+"), ("-", "+")]), {"scenario": "idle", "factor.a": "+"}]
    ((place, problem),) = design_problems(study(*"ab"), planned)
    assert (place, "the runs of idle have no level of it" in problem) == ("factors.b", True)
    ((place, problem),) = design_problems(study(*"ab"), planned[:2])
    assert (place, "no run will have the level '-'" in problem) == ("factors.b.levels", True)


def test_a_column_that_no_run_has_is_refused_before_the_first_run() -> None:
    asked = study("a")
    asked.responses["energy"] = Response(title="", formula="energy_w", unit="Wh")
    ((place, problem),) = design_problems(asked, cells("a", [("+",), ("-",)]))
    assert (place, "no run has 'energy_w'" in problem) == ("responses.energy.formula", True)


def test_one_run_of_a_combination_is_refused_because_it_has_no_spread() -> None:
    asked, planned = study(*"ab", questions=("a",), pairs=(("a", "b"),)), cells("ab", list(product("+-", repeat=2)))
    ((place, problem),) = design_problems(asked, planned, [2, 1, 2, 2])
    assert place == "interactions.a-b"
    assert problem.startswith("one run is planned of a = +, b = -, and one run has no spread")
    assert list(design_problems(asked, planned, [2, 2, 2, 2])) == []
