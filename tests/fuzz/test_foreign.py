"""The mutation fuzzer of valid foreign files: that it judges, and every mutation of every form a time or two."""

from pathlib import Path
from random import Random

import pytest

from harness.foreign.importers.imported import Summary
from harness.record.errors import ImportFileError
from tests.fuzz.foreign import Form, Mutated, Outcome, Reading, Tally, attempt, imported, play, verdict
from tests.fuzz.forms import FORMS

CASES = [(form, mutation) for form in FORMS.values() for mutation in form.mutations]
FORM = Form("plain", lambda _random: {"a": b"1"}, lambda _source, _campaign: Reading(), {})


@pytest.mark.parametrize(("form", "mutation"), CASES, ids=[f"{form.name}-{mutation}" for form, mutation in CASES])
def test_a_mutation_of_valid_files_has_the_outcome_that_it_declares(form: Form, mutation: str) -> None:
    tally, seed = Tally(), 20260304
    while not tally.tried:  # it does not apply to every file
        assert attempt(form, mutation, seed, tally) is None
        seed += 1


BEFORE = Reading(values={"a.energy_wh": 1.0}, flags=frozenset({"known"}), shown={"rows": 3})


@pytest.mark.parametrize(
    ("outcome", "after", "problem"),
    [
        ("preserved", BEFORE, None),
        ("preserved", Reading(values={"a.energy_wh": 1.1}), "a.energy_wh is 1.1, was 1.0 (new: [])"),
        ("preserved", Reading(values={}), "a.energy_wh is nan, was 1.0 (new: [])"),
        ("preserved", Reading(refused="x.csv:1: no"), "refused: x.csv:1: no"),
        ("flagged", Reading(refused="x.csv:1: no"), None),
        ("flagged", Reading(values={"a.energy_wh": 7.0}, flags=frozenset({"known", "new"})), None),
        ("flagged", BEFORE, "nothing is said; values {'a.energy_wh': 1.0}"),
        ("undetectable", Reading(values={"a.energy_wh": 0.9}, shown={"rows": 2}), None),
        (
            "undetectable",
            Reading(values={"a.energy_wh": 0.9}, shown={"rows": 3}),
            "what is shown is as before: {'rows': 3}",
        ),
    ],
)
def test_an_outcome_that_was_not_declared_breaks(outcome: Outcome, after: Reading, problem: str | None) -> None:
    assert verdict(FORM, BEFORE, after, outcome) == problem


def test_a_crash_breaks_whatever_was_declared_and_a_file_that_was_never_valid_too() -> None:
    def read(source: Path, _campaign: Path) -> Reading:
        content = (source / "a").read_bytes()
        if content == b"2":
            raise ZeroDivisionError("by zero")
        return Reading(refused="a:1: not valid") if content == b"3" else Reading()

    def form(seed: bytes, mutant: bytes) -> Form:
        change = {"change": lambda _random, _files: Mutated({"a": mutant}, "flagged", "one digit")}
        return Form("plain", lambda _random: {"a": seed}, read, change)

    tally = Tally()
    play(form(b"1", b"2"), ["change"], Random(1), tally)
    play(form(b"3", b"1"), ["change"], Random(1), tally)
    assert [broken.split("): ")[1] for broken in tally.broken] == [
        "one digit: ZeroDivisionError: by zero",
        "the files are not valid before anything was changed: a:1: not valid",
    ]
    assert tally.tried["change"] == 2


def test_only_refusals_of_ours_are_refusals(tmp_path: Path) -> None:
    def refuse(_source: Path, _campaign: Path) -> Summary:
        raise ImportFileError("x.csv:1: no")

    assert imported(refuse, tmp_path, tmp_path / "c").refused == "x.csv:1: no"
