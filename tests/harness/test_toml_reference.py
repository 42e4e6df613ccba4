"""docs/ has every key of lab.toml and scenario.toml as the records have it, and every environment variable."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from harness.cli.toml_reference import BEGIN, END, PAGES, files_reference, tables_of, with_reference
from harness.measure.lab_tables import LabFile, Suts
from harness.measure.scenario_file import ScenarioFile
from reports.inference.r_session import QUIET_START, UNSET
from reports.results.reference import DOCS, meaning

ROOT = DOCS.parent
ROOMS = ("harness", "meters", "reports", "workloads")
NAME = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b")


@dataclass(frozen=True, kw_only=True)
class Inner:
    """An inner table (`harness.x.y`)."""

    share_percent: float = field(default=1.5, metadata={"minimum": 0, "maximum": 100})
    """See docs/method.md,
    a | b."""


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A file."""

    tables: dict[str, Inner]
    """Of several."""
    schema: int
    """1."""


def test_a_table_has_type_bounds_unit_default_and_meaning_of_its_keys() -> None:
    assert files_reference(Whole) == (
        "| key | what | is | default |\n|---|---|---|---|\n"
        "| `schema` | 1. | whole number | **needed** |\n\n"
        "## `[tables.NAME]`\nAn inner table.\n\n"
        "| key | what | is | default |\n|---|---|---|---|\n"
        "| `share_percent` | See [method](method.md), a \\| b. | number (%), from 0 to 100 | `1.5` |"
    )


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_are_what_the_records_say(name: str) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    assert with_reference(page, PAGES[name]()) == page, f"docs/{name}: run `python -m harness.cli.toml_reference`"


def test_every_key_says_what_it_is() -> None:
    tables = tables_of(LabFile, Suts) | tables_of(ScenarioFile)
    assert len(tables) > 20
    silent = [
        f"{t.heading} {spec.name}" for t in tables.values() for spec in t.keys if not meaning(t.record, spec.name)
    ]
    assert [place for place in silent if not place.startswith("[thresholds]")] == []


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for the reference"):
        with_reference("nothing", "x")
    assert with_reference(f"a\n{BEGIN}\nold\n{END}\nz", "new") == f"a\n{BEGIN}\nnew\n{END}\nz"


def named_in_code() -> Iterator[str]:
    """Environment variables that the rooms read or set: what is asked of `environ`, names that begin with WATTLAB_."""
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Constant(value=str() as name) if re.fullmatch(r"WATTLAB_[A-Z_]+", name):
                    yield name
                case ast.Call(ast.Attribute(ast.Attribute(attr="environ")) | ast.Attribute(attr="getenv"), words):
                    yield from (str(word.value) for word in words[:1] if isinstance(word, ast.Constant))
                case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(value=str() as name)):
                    yield name
                case ast.Call(func=ast.Name(id="dict"), args=[ast.Attribute(attr="environ")], keywords=named):
                    yield from (word.arg for word in named if word.arg)
    yield from (*QUIET_START, *UNSET)


def named_in_script() -> Iterator[str]:
    """Those that `./lab` exports, takes away, or reads with a default."""
    text = re.sub(r"^#.*$", "", (ROOT / "lab").read_text(encoding="utf-8"), flags=re.MULTILINE)
    for line in text.splitlines():
        if exported := re.search(r"\b(?:export|unset) (.*)", line):
            yield from NAME.findall(re.sub(r'"[^"]*"|=\S+', " ", exported[1]))
        yield from re.findall(r"\$\{([A-Z][A-Z_]+):?-", line)
        yield from re.findall(r"\b([A-Z][A-Z_]+)=\S+ (?:exec|\\|apt-get)", line)


def test_the_page_of_environment_variables_has_those_of_the_code_and_no_other() -> None:
    page = (DOCS / "environment.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"`([A-Z][A-Z0-9_]*)`", page))
    code = {*named_in_code(), *named_in_script()}
    assert len(code) > 25
    assert code - shown == set()
    assert shown - code == {"TMPDIR"}  # read by Python itself


def test_the_glossary_is_in_order_and_every_term_leads_to_a_page() -> None:
    page = (DOCS / "glossary.md").read_text(encoding="utf-8")
    entries = [entry.partition("\n") for entry in page.split("\n## ")[1:]]
    terms = [term for term, _, _ in entries]
    assert len(terms) > 30
    assert terms == sorted(terms, key=str.casefold)
    assert not [term for term, _, text in entries if "](" not in text]
