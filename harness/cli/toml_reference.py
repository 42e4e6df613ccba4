"""Pages of docs/ about the files that people write: lab.toml with the campaign file, scenario.toml, population.toml,
what becomes of summary.json, and the columns of tasks; from the records that read and write them.

`python -m harness.cli.toml_reference` writes what stands between the two marks of each page; a test holds the pages
against the records. Knows types, bounds, defaults and docstrings of records, and how TOML writes them. Knows no other
word of the pages.
"""

import inspect
import json
import math
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from harness.measure.joined import CAMPAIGN_TABLES, OF_LAB
from harness.measure.lab_tables import LabFile, Suts
from harness.measure.scenario_file import ScenarioFile
from harness.record.documents import Thresholds
from harness.record.population import Population
from harness.record.tasks import GENERATOR_COLUMNS, REASON_WORDS, TASK_COLUMNS
from reports.pages.sentences import LIMITS
from reports.results.reference import DOCS, meaning, type_in_words
from reports.results.undeclared import UNDECLARED

BEGIN = "<!-- reference: written by `python -m harness.cli.toml_reference`, from the records; change it there -->"
END = "<!-- end of the reference -->"
UNITS: Mapping[str, str] = {
    "_s": "s", "_w": "W", "_wh": "Wh", "_percent": "%", "_c": "°C", "_v": "V", "_hz": "Hz", "_days": "d",
}  # fmt: skip
"""End of a key's name -> the unit of its value."""
TABLES = {dict[str, Any]: "table", dict[str, str]: "table of texts", dict[str, float]: "table of numbers"}


@dataclass(frozen=True, slots=True)
class KeyTable:
    """A table of a TOML file: its heading (empty: the file itself), the record that reads it, and another table whose
    keys it has too (empty: none)."""

    heading: str
    record: type
    beside: str = ""

    @property
    def keys(self) -> list["Field[Any]"]:
        """The fields that it does not share with the table beside it."""
        shared = {spec.name for spec in fields(self.record.__mro__[1])} if self.beside else set()
        return [spec for spec in fields(self.record) if spec.name not in shared]


def tables_of(*records: type) -> dict[type, KeyTable]:
    """The tables of a file that several records read: each once, before those in it."""
    tables: dict[type, KeyTable] = {}

    def visit(record: type, path: str) -> None:
        for spec in fields(record):
            inner, heading = _table_in(get_type_hints(record)[spec.name], f"{path}{spec.name}")
            if inner is not None and inner not in tables:
                above = tables.get(inner.__mro__[1])
                tables[inner] = KeyTable(heading, inner, above.heading if above else "")
                visit(inner, f"{heading.strip('[]')}.")

    for record in records:
        visit(record, "")
    return tables


def _table_in(hint: Any, path: str) -> tuple[type | None, str]:  # noqa: ANN401  a type hint is anything
    """The record that a key holds, and how its table is headed; None for a plain value."""
    if get_origin(hint) is types.UnionType:
        hint = next((part for part in get_args(hint) if is_dataclass(part)), hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return hint, f"[{path}]"
    item = get_args(hint)[-1] if get_args(hint) else None
    if isinstance(item, type) and is_dataclass(item):
        return item, f"[[{path}]]" if get_origin(hint) is list else f"[{path}.NAME]"
    return None, ""


def files_reference(*records: type) -> str:
    """The keys above the tables, `schema` first, then every table."""
    tables = tables_of(*records)
    top = [_row(record, spec, tables) for record in records for spec in fields(record) if not _is_table(record, spec)]
    top.sort(key=lambda row: not row.startswith("| `schema`"))
    return "\n\n".join([_as_rows(top), *(_section(table, tables) for table in tables.values())])


def _is_table(record: type, spec: "Field[Any]") -> bool:
    return _table_in(get_type_hints(record)[spec.name], "")[0] is not None


def lab_reference() -> str:
    """lab.toml and the campaign file."""
    return files_reference(LabFile, Suts)


def scenario_reference() -> str:
    """scenario.toml."""
    return files_reference(ScenarioFile)


def population_reference() -> str:
    """population.toml."""
    return files_reference(Population)


def task_streams() -> str:
    """The columns of what the remote terminal emulator writes, and the words for what failed."""
    tables = (
        ("`tasks-<population>.csv`", TASK_COLUMNS), ("`generator-<population>.csv`", GENERATOR_COLUMNS),
    )  # fmt: skip
    parts = []
    for name, columns in tables:
        rows = (f"| `{one['name']}` | {one['unit']} | {one['text']} |" for one in columns)
        parts.append("\n".join((f"| {name} | unit | what |", "|---|---|---|", *rows)))
    words = (f"| `{word}` | {text} |" for word, text in REASON_WORDS.items())
    return "\n\n".join([*parts, "\n".join(("| `reason` | what |", "|---|---|", *words))])


def factors() -> str:
    """What of summary.json becomes an efficiency factor where nothing is declared."""
    rows = (
        f"| `{work.key}`{f', or the number of `{work.action}` actions' if work.action else ''} | `{work.name}` | "
        f"{work.title} per {work.unit.removeprefix('1/')} |"
        for work in UNDECLARED.work
    )
    return "\n".join(("| key | factor | in words |", "|---|---|---|", *rows))


def _section(table: KeyTable, tables: Mapping[type, KeyTable]) -> str:
    beside = f" It has every key of `{table.beside}`, and these:" if table.beside else ""
    rows = [_row(table.record, spec, tables) for spec in table.keys]
    return f"## `{table.heading}`\n{_words(inspect.getdoc(table.record))}{_place(table)}{beside}\n\n{_as_rows(rows)}"


def _place(table: KeyTable) -> str:
    """In which of two files it stands."""
    name = table.heading.strip("[]").partition(".")[0]
    if name not in {spec.name for record in (LabFile, Suts) for spec in fields(record)}:
        return ""
    keys = f"; {' and '.join(f'`{key}`' for key in OF_LAB)} may stand in the campaign file" if name == "lab" else ""
    return f" *Stands in {'lab.toml or the campaign file' if name in CAMPAIGN_TABLES else f'lab.toml{keys}'}.*"


def _as_rows(rows: list[str]) -> str:
    return "\n".join(("| key | what | is | default |", "|---|---|---|---|", *rows))


def _row(record: type, spec: "Field[Any]", tables: Mapping[type, KeyTable]) -> str:
    """A key as a line of a table."""
    hint = get_type_hints(record)[spec.name]
    inner, _ = _table_in(hint, "")
    what, unit = _words(meaning(record, spec.name)), _unit(spec.name)
    if record is Thresholds:
        about, of = LIMITS[spec.name]
        unit = f" ({of})"
        what = f"{about}. {what}".strip()
    kind = f"{_kind(hint)}{unit}{_bounds(spec.metadata)}" if inner is None else _linked(tables[inner].heading)
    cells = (f"`{spec.name}`", what, kind, _default(spec) if inner is None else "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _linked(heading: str) -> str:
    anchor = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in "_-")
    return f"table [`{heading}`](#{anchor})"


def _words(text: str | None) -> str:
    """A docstring for readers of a page: on one line, without names of modules, other pages as links."""
    plain = _MODULE.sub("", " ".join((text or "").split()))
    return _PAGE.sub(r"[\1](\1.md)", plain)


_MODULE = re.compile(r" \(`harness\.[\w.]+`\)")
_PAGE = re.compile(r"docs/([\w-]+)\.md")


def _kind(hint: Any) -> str:  # noqa: ANN401  a type hint is anything
    """The type of a value in words; of one that may be left out, its type where it is there."""
    parts = [part for part in get_args(hint) if part is not types.NoneType]
    if get_origin(hint) is types.UnionType and len(parts) == 1:
        return _kind(parts[0])
    if get_origin(hint) is Literal:
        return " or ".join(f"`{json.dumps(value)}`" for value in parts)
    return TABLES.get(hint) or type_in_words(hint)


def _bounds(limits: Mapping[str, float]) -> str:
    low, high = limits.get("minimum", -math.inf), limits.get("maximum", math.inf)
    return (f", from {low:g}" if math.isfinite(low) else "") + (f" to {high:g}" if math.isfinite(high) else "")


def _unit(name: str) -> str:
    return next((f" ({unit})" for end, unit in UNITS.items() if name.endswith(end)), "")


def _default(spec: "Field[Any]") -> str:
    """A default as TOML writes it."""
    if spec.default is MISSING and spec.default_factory is MISSING:
        return "**needed**"
    value = spec.default_factory() if spec.default_factory is not MISSING else spec.default
    return "none" if value is None or value in ("", [], {}) else f"`{json.dumps(value)}`"


PAGES: Mapping[str, Callable[[], str]] = {
    "lab-toml.md": lab_reference,
    "scenario-toml.md": scenario_reference,
    "population.md": population_reference,
    "run-folder.md": task_streams,
    "summary-json.md": factors,
}
"""Page of docs/ -> what of the records it shows."""


def with_reference(page: str, shown: str) -> str:
    """A page with the reference between its marks.

    Raises:
        ValueError: it has no such marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no place for the reference: expected a line {BEGIN!r} and one {END!r}")
    return f"{before}{BEGIN}\n{shown}\n{END}{after}"


if __name__ == "__main__":
    for name, shown in PAGES.items():
        path = DOCS / name
        path.write_text(with_reference(path.read_text(encoding="utf-8"), shown()), encoding="utf-8")
        print(path)
