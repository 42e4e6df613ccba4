"""The reference in docs/ is what the records of the derived documents say, and says all of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from reports.results.codec import keyed
from reports.results.reference import BEGIN, DOCS, END, PAGES, reference, type_in_words, with_reference
from reports.results.uncertainty import Number


@dataclass(frozen=True)
class Inner:
    """An inner
    record."""

    value: float
    """In W,
    or less | more."""
    bare: int


@dataclass(frozen=True)
class Above:
    """What both have."""

    shared: str
    """Said above."""


@dataclass(frozen=True)
class Outer(Above):
    """The document."""

    shared: str
    """Said below."""
    parts: Mapping[str, tuple[Inner, ...]]
    """The parts."""
    again: Inner | None = field(metadata=keyed("U_again"))
    """Once more."""
    note: str = field(default="", metadata=keyed(left_out=True))
    """A note."""


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_of_every_page_is_that_of_the_records(name: str) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    assert with_reference(page, PAGES[name]) == page, f"docs/{name}: run `python -m reports.results.reference`"


@pytest.mark.parametrize("name", PAGES)
def test_every_key_says_what_it_is_or_its_record_does(name: str) -> None:
    for section in reference(PAGES[name]).split("\n### "):
        opening, _, table = section.partition("\n\n")
        rows = re.findall(r"^\| `(.+?)` \| (.+?) \| (.*) \|$", table, re.MULTILINE)
        assert rows
        assert [key for key, _, what in rows if not what and f"`{key}`" not in opening] == []


def test_a_record_is_a_table_of_its_keys_with_type_and_docstring() -> None:
    assert reference(Outer) == (
        "The document.\n\n| key | is | what |\n|---|---|---|\n"
        "| `shared` | text | Said below. |\n"
        "| `parts` | names, each with list of [Inner](#inner) | The parts. |\n"
        "| `U_again` | [Inner](#inner), or null | Once more. |\n"
        "| `note` | text; or left out | A note. |\n\n"
        "### Inner\nAt `parts.*[]`, `U_again`. An inner record.\n\n| key | is | what |\n|---|---|---|\n"
        "| `value` | number | In W, or less \\| more. |\n"
        "| `bare` | whole number |  |"
    )


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (float | None, "number, or null"),
        (tuple[float | None, ...], "list of (number, or null)"),
        (tuple[float, float] | None, "list of 2 numbers, or null"),
        (tuple[str, int], "list of 2 (text, whole number)"),
        (tuple[tuple[str, ...], ...], "list of list of texts"),
        (list[Number], "list of Numbers"),
        (Literal["a"], "`a`"),
        (Literal["a", "b", 3], "`a`, `b` or `3`"),
        (tuple[Literal["a", "b", "c"], ...], "list of (`a`, `b` or `c`)"),
        (Mapping[str, str | None], "names, each with (text, or null)"),
        (dict[str, Any], "any object"),
        (bool | str, "true or false, or text"),
        (Literal["a", "b"] | Literal["none"], "`a`, `b` or `none`"),
        (None | float | Literal["auto"], "`auto`, or number, or null"),
    ],
)
def test_a_type_is_said_for_readers_of_json(hint: object, words: str) -> None:
    assert type_in_words(hint) == words


def test_two_records_of_one_name_are_refused() -> None:
    other: type = dataclass(type("Inner", (), {"__annotations__": {"x": int}}))
    both: type = dataclass(type("Both", (), {"__annotations__": {"one": Inner, "two": other}}))
    with pytest.raises(ValueError, match="Both: two records have the name Inner"):
        reference(both)


def test_a_page_keeps_what_stands_around_the_reference_and_has_to_have_a_place_for_it() -> None:
    page = with_reference(f"before\n{BEGIN}\nold\n{END}\nafter\n", Inner)
    assert page == f"before\n{BEGIN}\n{reference(Inner)}\n{END}\nafter\n"
    assert with_reference(page, Inner) == page
    for text in ("", BEGIN, f"{END}\n{BEGIN}"):
        with pytest.raises(ValueError, match="no place for the reference"):
            with_reference(text, Inner)
