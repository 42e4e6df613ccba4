"""A study file as the campaign file of one of its environments: at which levels, with which words, in which rows."""

from typing import Any

import pytest

from harness.measure.environments import environment_of, tables_of
from harness.record.errors import ConfigError
from reports.study.fractions import rows_of


def study(environment: dict[str, Any], **section: Any) -> dict[str, Any]:  # noqa: ANN401
    """A study with one environment and one scenario."""
    return {
        "schema": 1,
        "study": {"name": "s"},
        "environments": {"here": {"title": "Here"} | environment},
        "campaign": {"seed": 5},
        "scenarios": {"train": {"command": ["bench", "{net}"], "repetitions": 2} | section},
        "questions": {"q": {}},
    }


def train(raw: dict[str, Any]) -> Any:  # noqa: ANN401
    return tables_of(raw, "here", rows_of)["scenarios"].get("train")


CROSSED = {"net": ["a", "b"], "size": [1, 2], "kind": "x"}


def test_the_campaign_is_the_study_s_and_goes_on_without_what_fails() -> None:
    tables = tables_of(study({"sut": "bench-a"}), "here", rows_of)
    assert tables["campaign"] == {
        "runs_folder": "runs", "when_failed": "leave-out", "seed": 5, "name": "s.here", "sut": "bench-a",
    }  # fmt: skip
    assert "questions" not in tables
    assert environment_of(study({}), "s.here") == "here"
    assert environment_of(study({}), "s.there") == ""


def test_the_words_of_an_environment_stand_before_those_of_a_scenario() -> None:
    assert train(study({"prefix": ["taskset", "-c", "0"]}, prefix=["nice"]))["prefix"] == ["taskset", "-c", "0", "nice"]


def test_only_the_levels_of_an_environment_are_run_there() -> None:
    there = train(study({"only": {"size": [2]}}, factors=CROSSED))
    assert there["factors"] == {"net": ["a", "b"], "size": [2], "kind": "x"}
    assert train(study({"only": {"kind": ["y"]}}, factors=CROSSED)) is None
    assert train(study({"only": {"size": [3]}}, factors=CROSSED)) is None


def test_rows_with_a_level_that_is_not_run_there_go() -> None:
    there = train(study({"only": {"size": [2]}}, factors=CROSSED, rows=[["a", 1], ["a", 2]]))
    assert there["rows"] == [["a", 2]]
    assert there["factors"] == {"net": ["a"], "size": [2], "kind": "x"}
    strange = study({}, factors=CROSSED, rows=[["a", 1], ["b", 7]])
    assert train(strange)["rows"] == [["a", 1], ["b", 7]], "what is no level is for the loader to refuse"


def test_a_fraction_becomes_rows() -> None:
    raw = study({}, factors={"net": ["a", "b"], "size": [1, 2], "deep": [False, True]})
    rows = train(raw | {"fractions": {"train": "a b ab"}})["rows"]
    assert sorted(rows, key=str) == [["a", 1, True], ["a", 2, False], ["b", 1, False], ["b", 2, True]]


@pytest.mark.parametrize(
    ("generators", "levels", "says"),
    [
        ("a b", [[1, 2]], "expected a word for each factor"),
        ("a", [[1, 2, 3]], "each of two levels; their numbers of levels are 3"),
        ("a b a1", [[1, 2]] * 3, "which makes no fraction"),
        (" ".join("abcdefghijklmnopqrst"), [[1, 2]] * 20, "more than 14 factors that are crossed in full"),
    ],
)
def test_generators_that_make_no_fraction_are_refused(generators: str, levels: list[list[Any]], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rows_of(generators, levels)
    assert says in str(caught.value)
