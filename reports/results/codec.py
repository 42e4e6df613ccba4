"""Frozen records of derived documents <-> decoded JSON.

Knows dataclasses and their type hints: a field's name is its key, and the order of the fields that of the file. Knows
no document. What is read may be forged: whatever is not of its field's type is refused, and said where it stands. So is
a U that is not what its u and degrees of freedom give: pages compute U of these, and would show another one.

A field is a plain value (text, number, truth, None), a `Number`, another record, a tuple, a mapping from names, one of
several of these, or decoded JSON as it came (`Json`, `Any`). `keyed` gives a field a key of its own, or leaves it out
of the file where it has its default.
"""

import io
import json
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from functools import cache
from json.encoder import encode_basestring
from math import isfinite
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from harness.record.documents import Json, describe, matches, shown
from harness.record.errors import DocumentError, NewerSchema
from reports.results.uncertainty import Number

Record = TypeVar("Record")
Reader = Callable[[Any, str], Any]
RELATIVE = 1e-9
"""Numbers of another machine's libraries may differ by as much (docs/run-folder.md); everything else is exact."""
KEY, LEFT_OUT, OPEN = "key", "left out", "open"
SURROGATES = re.compile("[\ud800-\udfff]")
"""Halves of a character: JSON can name them, no encoding of Unicode can write them."""
PLAIN = frozenset({str, int, float, bool, types.NoneType})
"""Types of values without parts."""
NUMBER_KEYS = frozenset({"value", "unit", "sd", "n", "u", "U", "dof"})
MAY_BE_ABSENT = ("sd", "n", "u", "U", "dof")
_WORDS = {True: "true", False: "false", None: "null"}


def keyed(key: str = "", *, left_out: bool = False, is_open: bool = False) -> dict[str, Any]:
    """Metadata of a field (`field(metadata=keyed("U_wh"))`) with another key in the file; with `left_out` it stands
    there only where it does not have its default; with `is_open` a text of a closed list is read whatever it is, for
    other versions have other lists."""
    return {KEY: key, LEFT_OUT: left_out, OPEN: is_open}


def encoded(value: Any) -> Any:  # noqa: ANN401  a record or a part of one
    """The JSON of a record: objects, lists, plain values."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, Number):
        return value.to_json()
    if type(value) is dict or isinstance(value, Mapping):
        return {name: encoded(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [encoded(part) for part in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {key: encoded(part) for key, part in _written_parts(value)}
    return value


def document_text(document: Any) -> str:  # noqa: ANN401  a record
    """A derived document as it is written: JSON, one column of indentation a level; half a character (of a name that a
    SUT said) is replaced.

    Raises:
        ValueError: a number in it is not finite.
    """
    text = io.StringIO()
    _write(document, "\n", text.write)
    text.write("\n")
    return SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text.getvalue())


def _write(value: Any, margin: str, add: Callable[[str], object]) -> None:  # noqa: ANN401  a record or a part of one
    """The text of a value whose lines begin with `margin`; as json.dumps writes what `encoded` gives, in one pass."""
    kind = type(value)
    if kind is float:
        if not isfinite(value):
            raise ValueError(f"{value} is no JSON")
        add(repr(value))
    elif kind is str:
        add(encode_basestring(value))
    elif kind in PLAIN:
        add(_WORDS[value] if kind is not int else repr(value))
    elif isinstance(value, Number):
        _write_object(value.to_json().items(), margin, add)
    elif kind is dict or isinstance(value, Mapping):
        _write_object(value.items(), margin, add)
    elif isinstance(value, tuple | list):
        inner = margin + " "
        begin = "[" + inner
        for part in value:
            add(begin)
            _write(part, inner, add)
            begin = "," + inner
        add(margin + "]" if value else "[]")
    elif is_dataclass(value) and not isinstance(value, type):
        _write_object(_written_parts(value), margin, add)
    else:
        add(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _write_object(parts: Iterable[tuple[Any, Any]], margin: str, add: Callable[[str], object]) -> None:
    inner = margin + " "
    begin, is_empty = "{" + inner, True
    for name, part in parts:
        key = encode_basestring(name) if isinstance(name, str) else f'"{json.dumps(name)}"'
        add(f"{begin}{key}: ")
        _write(part, inner, add)
        begin, is_empty = "," + inner, False
    add("{}" if is_empty else margin + "}")


def decoded(kind: type[Record], raw: object, where: str) -> Record:
    """A record from decoded JSON; `where` begins every error.

    Raises:
        DocumentError: a key is missing or unknown, a value is of another type; with its place.
    """
    record: Record = _reader(cast("Any", kind))(raw, where)
    return record


def document_in(kind: type[Record], raw: Json, name: str, schema: int) -> Record:
    """A derived document from its decoded JSON.

    Raises:
        NewerSchema: a newer wattlab wrote it.
        DocumentError: it is none of this version; with the place.
    """
    version = raw.get("schema")
    if isinstance(version, int) and version > schema:
        raise NewerSchema(f"{name}: schema {version} is newer than this wattlab knows ({schema}); update wattlab")
    return decoded(kind, raw, name)


def widened(kind: type[Record], record: Any, **more: Any) -> Record:  # noqa: ANN401  a record of which `kind` is one
    """A record with the fields of another and `more`."""
    return kind(**{spec.name: getattr(record, spec.name) for spec in fields(record)}, **more)


def key_of(spec: "Field[Any]") -> str:
    """What a record's field is called in the file."""
    return str(spec.metadata.get(KEY) or spec.name)


def numbers_in(value: Any) -> Iterator[Number]:  # noqa: ANN401  a record or a part of one
    """Every Number of a record."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Number):
            yield part
        else:
            waiting += [inner for inner in parts_of(part) if type(inner) not in PLAIN][::-1]


def parts_of(value: Any) -> Sequence[Any]:  # noqa: ANN401  a record or a part of one
    """What a record, a mapping or a tuple is made of."""
    if isinstance(value, tuple):
        return value
    if type(value) is dict or isinstance(value, Mapping):
        return list(value.values())
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, name) for name in names_of(type(value))]
    return ()


@cache
def names_of(kind: type) -> tuple[str, ...]:
    """The fields of a record."""
    return tuple(spec.name for spec in fields(kind))


@cache
def _fields_of(kind: type) -> tuple[tuple[str, str, bool, Any], ...]:
    """Key in the file, name, whether it is left out where it has its default, and that default, of each field."""
    return tuple(
        (key_of(spec), spec.name, bool(spec.metadata.get(LEFT_OUT)), spec.default) for spec in fields(kind)
    )  # fmt: skip


def _written_parts(record: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  a record
    for key, name, may_be_left_out, default in _fields_of(record.__class__):
        part = getattr(record, name)
        if not (may_be_left_out and part == default):
            yield key, part


@cache
def _reader(hint: Any) -> Reader:  # noqa: ANN401  a type hint is anything
    """What reads a value of a type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Number:
        return _read_number
    if is_dataclass(hint):
        return _reader_of_record(cast("type", hint))
    if origin in (Union, types.UnionType):
        return _reader_of_union(arguments)
    if origin is tuple:
        return _reader_of_tuple(arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _reader_of_mapping(*arguments)
    return lambda value, where: value if matches(value, hint) else _refuse(value, where, describe(hint))


def _refuse(value: object, where: str, expected: str) -> Any:  # noqa: ANN401  it never returns
    raise DocumentError(f"{where}: found {shown(value):.80}, expected {expected}")


def _read_number(value: Any, where: str) -> Number:  # noqa: ANN401
    is_one = isinstance(value, dict) and value.keys() == NUMBER_KEYS and isinstance(value["unit"], str)
    if not is_one or not _is_real(value["value"]) or not all(
        value[key] is None or _is_real(value[key]) for key in MAY_BE_ABSENT
    ):  # fmt: skip
        _refuse(value, where, "a Number: {value, unit, sd, n, u, U, dof}")
    number = Number.of_json(value)
    if not _is_expanded(value["U"], number.expanded):
        parts = f"u {shown(value['u'])} and dof {shown(value['dof'])}"
        _refuse(value["U"], f"{where}.U", f"{shown(number.expanded)}, which {parts} give")
    return number


def _is_expanded(stored: float | None, expanded: float | None) -> bool:
    """Whether a stored U is the one that u and the degrees of freedom give, by which pages go."""
    if stored is None or expanded is None:
        return stored is expanded
    return abs(stored - expanded) <= RELATIVE * abs(expanded)


def _is_real(value: object) -> bool:
    return type(value) is float or matches(value, float)


def _reader_of_record(kind: type) -> Reader:
    keys = {key: name for key, name, _, _ in _fields_of(kind)}
    required = {key for key, _, may_be_left_out, _ in _fields_of(kind) if not may_be_left_out}
    hints = get_type_hints(kind) | {spec.name: str for spec in fields(kind) if spec.metadata.get(OPEN)}
    readers: dict[str, Reader] = {}

    def read(value: Any, where: str) -> Any:  # noqa: ANN401
        if not isinstance(value, dict):
            _refuse(value, where, f"an object ({kind.__name__})")
        if not readers:  # a record may hold others of its kind
            readers.update({key: _reader(hints[name]) for key, name in keys.items()})
        if absent := sorted(required - value.keys()):
            raise DocumentError(f"{where}: lacks {', '.join(absent)}")
        if unknown := sorted(value.keys() - keys.keys()):
            raise DocumentError(f"{where}: has {', '.join(map(repr, unknown)):.80}, which no {kind.__name__} has")
        parts = {keys[key]: readers[key](part, f"{where}.{key}") for key, part in value.items()}
        return kind(**parts)

    return read


def _reader_of_union(arguments: tuple[Any, ...]) -> Reader:
    """None or the only type beside it, whose errors say more; else the first type that the value has."""
    others = [hint for hint in arguments if hint is not types.NoneType]
    has_none = len(others) < len(arguments)

    def read(value: Any, where: str) -> Any:  # noqa: ANN401
        if value is None and has_none:
            return None
        for hint in others[:-1]:
            try:
                return _reader(hint)(value, where)
            except DocumentError:
                continue
        return _reader(others[-1])(value, where)

    return read


def _reader_of_tuple(arguments: tuple[Any, ...]) -> Reader:
    """A list of one type, or of as many parts as there are types."""
    is_open = len(arguments) == 2 and arguments[1] is Ellipsis

    def read(value: Any, where: str) -> Any:  # noqa: ANN401
        if not isinstance(value, list) or not (is_open or len(value) == len(arguments)):
            _refuse(value, where, "a list" if is_open else f"a list of {len(arguments)}")
        hints = arguments[:1] * len(value) if is_open else arguments
        places = enumerate(zip(value, hints, strict=True))
        return tuple(_reader(hint)(part, f"{where}[{place}]") for place, (part, hint) in places)

    return read


def _reader_of_mapping(name_hint: Any, hint: Any) -> Reader:  # noqa: ANN401
    def read(value: Any, where: str) -> Any:  # noqa: ANN401
        if not isinstance(value, dict):
            _refuse(value, where, "an object")
        for name in value:
            if not matches(name, name_hint):
                _refuse(name, where, f"a key {describe(name_hint)}")
        return {name: _reader(hint)(part, f"{where}.{name}") for name, part in value.items()}

    return read
