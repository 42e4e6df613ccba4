"""The reference of a derived document for docs/: a table of the keys of every record, from the records themselves.

Knows dataclasses, their type hints and the docstrings below their fields (of the module's source, for Python keeps
none of a field). Knows which page is about which document, and no other word of the page.

`python -m reports.results.reference` writes the part of each page between its two marks, and the findings'
(`finding_reference`); a test holds every page against its records.
"""

import ast
import inspect
import types
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from reports.results import finding_reference
from reports.results.codec import LEFT_OUT, key_of
from reports.results.comparison import Comparison
from reports.results.document import Results
from reports.results.estimation import Estimation
from reports.results.kinds.code import FindingCode
from reports.results.qualification import Qualification
from reports.results.study import StudyResult
from reports.results.uncertainty import Number

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES: Mapping[str, type] = {
    "comparing.md": Comparison,
    "estimating.md": Estimation,
    "qualification.md": Qualification,
    "results.md": Results,
    "studies.md": StudyResult,
}
"""Page of docs/ -> the document whose keys it lists."""
BEGIN = "<!-- reference: written by `python -m reports.results.reference`, from the records; change it there -->"
END = "<!-- end of the reference -->"
WORDS: Mapping[object, str] = {
    str: "text",
    float: "number",
    int: "whole number",
    bool: "true or false",
    Any: "anything",
    types.NoneType: "null",
    Number: "Number",
    FindingCode: "text",
}
PLURAL = (str, float, int, Number)
"""Whose words take an s."""


def reference(*documents: type) -> str:
    """The tables of a document, record by record, each below the one that holds it; of several documents each below
    its name.

    Raises:
        ValueError: two of their records have one name.
    """
    places = _places(documents)
    names = [record.__name__ for record in places]
    if twice := {name for name in names if names.count(name) > 1}:
        whose = ", ".join(document.__name__ for document in documents)
        raise ValueError(f"{whose}: two records have the name {', '.join(sorted(twice))}")
    return "\n\n".join(_section(record, paths) for record, paths in places.items())


def with_reference(page: str, document: type) -> str:
    """A page with the reference of its document between the marks.

    Raises:
        ValueError: it has no such marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no place for the reference: expected a line {BEGIN!r} and one {END!r}")
    return f"{before}{BEGIN}\n{reference(document)}\n{END}{after}"


def _places(documents: tuple[type, ...]) -> dict[type, list[str]]:
    """Every record of the documents, in the order in which they are met, and where it stands: a document itself
    nowhere, or by its name where there are several."""
    places: dict[type, list[str]] = {}

    def visit(record: type, path: str) -> None:
        is_new = record not in places
        places.setdefault(record, []).append(path)
        if is_new:
            for spec, hint in _specs(record):
                for inner, step in _records_in(hint):
                    visit(inner, f"{path}.{key_of(spec)}{step}".lstrip("."))

    for document in documents:
        visit(document, document.__name__ if len(documents) > 1 else "")
    return places


def _specs(record: type) -> Iterator[tuple["Field[Any]", Any]]:
    """The fields of a record with their types."""
    hints = get_type_hints(record)
    return ((spec, hints[spec.name]) for spec in fields(record))


def _records_in(hint: Any, step: str = "") -> Iterator[tuple[type, str]]:  # noqa: ANN401  a type hint is anything
    """The records that a field may hold, and how one gets to them from its key: `[]` into a list, `.*` into a map."""
    if _is_record(hint):
        yield hint, step
    else:
        inner = "[]" if get_origin(hint) is tuple else ".*" if _is_map(hint) else ""
        for argument in get_args(hint):
            yield from _records_in(argument, step + inner)


def _is_record(hint: object) -> bool:
    return isinstance(hint, type) and is_dataclass(hint) and hint is not Number


def _is_map(hint: object) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _section(record: type, paths: list[str]) -> str:
    where = ", ".join(f"`{path}`" for path in paths if path and path != record.__name__)
    heading = f"### {record.__name__}\n" if any(paths) else ""
    heading += f"At {where}. " if where else ""
    rows = (f"| `{key_of(spec)}` | {_type_cell(spec, hint)} | {_what(record, spec)} |" for spec, hint in _specs(record))
    opening = f"{heading}{_on_one_line(inspect.getdoc(record))}"
    return "\n".join((opening, "", "| key | is | what |", "|---|---|---|", *rows))


def _type_cell(spec: "Field[Any]", hint: object) -> str:
    absent = "; or left out" if spec.metadata.get(LEFT_OUT) else ""
    return type_in_words(hint) + absent


def type_in_words(hint: Any) -> str:  # noqa: ANN401  a type hint is anything
    """What a value is, for those who read JSON: 'list of texts, or null'."""
    if _is_record(hint):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    if hint in WORDS:
        return WORDS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (tuple, list):
        return _list_in_words(arguments)
    if _is_map(hint):
        return "any object" if arguments[1] is Any else f"names, each with {_within(arguments[1])}"
    if origin is Literal:
        return _either([f"`{value}`" for value in arguments])
    if origin in (Union, types.UnionType):
        return ", or ".join(_alternatives(arguments))
    return str(hint)


def _alternatives(arguments: tuple[Any, ...]) -> Iterator[str]:
    """The types that a value may have: codes first and together, null last."""
    if codes := [code for argument in arguments if get_origin(argument) is Literal for code in get_args(argument)]:
        yield type_in_words(Literal[tuple(codes)])
    others = (argument for argument in arguments if get_origin(argument) is not Literal)
    yield from map(type_in_words, sorted(others, key=lambda argument: argument is types.NoneType))


def _list_in_words(arguments: tuple[Any, ...]) -> str:
    """A list of one type, or of as many parts as there are types."""
    kinds = [argument for argument in arguments if argument is not Ellipsis]
    number = "" if len(arguments) == 1 or Ellipsis in arguments else f"{len(kinds)} "
    if len(set(kinds)) > 1:
        return f"list of {number}({', '.join(map(type_in_words, kinds))})"
    return f"list of {number}{WORDS[kinds[0]]}s" if kinds[0] in PLURAL else f"list of {number}{_within(kinds[0])}"


def _within(hint: object) -> str:
    """A type within another one."""
    words = type_in_words(hint)
    return f"({words})" if ", " in words else words


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _what(record: type, spec: "Field[Any]") -> str:
    """A field's meaning, for a cell of a table."""
    return meaning(record, spec.name).replace("|", "\\|")


def meaning(record: type, field: str) -> str:
    """The docstring of a field, of the class that declares it last, on one line; empty where it has none."""
    docs = (_docs_of(kind).get(field) for kind in record.__mro__ if field in inspect.get_annotations(kind))
    return _on_one_line(next(docs, None))


@cache
def _docs_of(record: type) -> Mapping[str, str]:
    """Field -> the text below it."""
    module = ast.parse(inspect.getsource(inspect.getmodule(record) or record))
    (declared,) = (part for part in module.body if isinstance(part, ast.ClassDef) and part.name == record.__name__)
    docs = {}
    for field, text in zip(declared.body, declared.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match text:
                case ast.Expr(value=ast.Constant(value=str() as doc)):
                    docs[field.target.id] = doc
    return docs


def _on_one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def main() -> None:
    """Write the reference into every page that has one."""
    for name, document in PAGES.items():
        path = DOCS / name
        path.write_text(with_reference(path.read_text(encoding="utf-8"), document), encoding="utf-8")
        print(path)
    for name, shown in finding_reference.PAGES.items():
        path = DOCS / name
        path.write_text(finding_reference.with_findings(path.read_text(encoding="utf-8"), shown), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
