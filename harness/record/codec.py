"""TOML files -> frozen dataclasses, and everything that is wrong with them, all at once.

Knows types, limits and defaults of a record's fields, and how a mistake is said: file, TOML path, what was found, what
is expected. Knows no key of any file.
"""

import re
import tomllib
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, time
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from harness.record.documents import Json, describe, matches
from harness.record.errors import ConfigError, why
from harness.record.plain_files import read_named
from meters.options import did_you_mean

SCHEMA = 1
Record = TypeVar("Record")
_PLACE_ENDS = re.compile(r"[:,] ")
"""Behind a TOML path, or the first of several."""


class Mistakes:
    """Everything that is wrong with one file and those that it names, in the order in which it was found."""

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}
        self._places: list[tuple[str, str]] = []

    def at(self, file: str, place: str, text: str) -> None:
        """What is wrong at one TOML path of a file."""
        self._lines[f"{file}: {place}: {text}"] = None
        self._places.append((file, place))

    def hide(self, file: str, place: str) -> None:
        """A place that is wrong because of a mistake that is said elsewhere."""
        self._places.append((file, place))

    def extend(self, lines: Iterable[str]) -> None:
        """What is wrong and makes no place unreadable: each a sentence that begins with file and TOML path."""
        self._lines |= dict.fromkeys(lines)

    def move(self, file: str, file_of: Callable[[str], Path]) -> None:
        """Say of each mistake of a file that was joined of several in which of them its TOML path stands."""
        lines = (line.removeprefix(f"{file}: ") if line.startswith(f"{file}: ") else None for line in self._lines)
        self._lines = {
            line if rest is None else f"{file_of(_PLACE_ENDS.split(rest, maxsplit=1)[0])}: {rest}": None
            for line, rest in zip(self._lines, lines, strict=True)
        }

    def touch(self, file: Path, *places: str) -> bool:
        """Whether any of these tables and keys, or what is in them or around them, is wrong."""
        wrong = [place for of, place in self._places if of == str(file)]
        return any(f"{a}.".startswith(f"{b}.") for a in places for b in wrong) or any(
            re.match(rf"{re.escape(a)}[.\[]", b) for a in places for b in wrong
        )

    @property
    def lines(self) -> list[str]:
        """Every one of them."""
        return list(self._lines)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._lines)

    def raise_all(self, file: Path | str) -> None:
        """Raise ConfigError with every one of them, if there is any. `file` is the one that names the
        others: it stands first where they are of several."""
        if len(self._lines) > 1:
            named = {line.partition(": ")[0] for line in self._lines}
            head = named.pop() if len(named) == 1 else str(file)
            lines = [line.removeprefix(f"{head}: ") for line in self._lines]
            raise ConfigError(f"{head}: {len(lines)} mistakes:\n  - " + "\n  - ".join(lines))
        if self._lines:
            raise ConfigError(*self._lines)


def read_records(
    cls: type[Record], path: Path, remedy: str, check: Callable[[Record, Mistakes], None] | None = None
) -> tuple[Record, bytes]:
    """Another TOML file of the lab as a record of dataclasses, and its verbatim bytes; `remedy` is for a missing file,
    `check` adds what contradicts itself in it.

    Raises:
        ConfigError: every mistake with file, TOML path, what was found, what is expected.
    """
    source, raw = read_toml(path, remedy)
    mistakes = Mistakes()
    written = record(cls, of_schema(path, raw, mistakes), str(path), "", mistakes)
    if check is not None:
        check(written, mistakes)
    mistakes.raise_all(path)
    return written, source


def read_toml(path: Path, remedy: str) -> tuple[bytes, Json]:
    """A TOML file's verbatim bytes and its tables; `remedy` is for a missing one.

    Raises:
        ConfigError: it cannot be read, or is no TOML.
    """
    source = b""
    try:
        source = read_named(path)
        return source, tomllib.loads(source.decode())
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; {remedy}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: found a folder, expected a TOML file; {remedy}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot read ({why(error)})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except RecursionError:
        raise ConfigError(f"{path}: not TOML that can be read: its tables lie too deep in one another") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_no_toml(path, source.decode(), str(error))) from None
    except ValueError as error:  # a name with NUL; a number of more than 4300 digits
        raise ConfigError(f"{path}: not TOML: {error}") from None


def _no_toml(path: Path, text: str, problem: str) -> str:
    """What keeps a text from being TOML: file and line, the key where one stands there, the line itself, advice."""
    place = _TOML_PLACE.search(problem)
    what = problem.removesuffix(place[0]) if place else problem
    lines = text.split("\n")
    if place is None or place[1] is None:
        advice = "; a bracket or a quote is not closed" if place else ""
        return f"{path}: not TOML: {what} at the end of the file{advice}"
    number = int(place[1])
    line = lines[number - 1].rstrip("\r")
    tables = [found[1] for one in lines[: number - 1] if (found := _TOML_TABLE.match(one))]
    named = _TOML_KEY.match(line)
    key = "" if named is None else " in " + ".".join([*tables[-1:], named[1]])
    advice = next((text for words, text in _TOML_ADVICE if words in what), "a line is KEY = VALUE, [TABLE] or # ...")
    return f"{path}:{number}: not TOML: {what} at column {place[2]}{key}: found {line.strip():.80}; {advice}"


_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_TOML_TABLE = re.compile(r"\s*\[+([^\[\]]+)\]+\s*(?:#.*)?$")
_TOML_KEY = re.compile(r"\s*([\w.\"'-]+)\s*=")
_TOML_ADVICE = (
    ("Invalid value", 'a text stands in quotes ("..."), a number or true and false without'),
    ("Illegal character '\\n'", "the quote is not closed on its line"),
    ("Unescaped '\\'", "in double quotes write two backslashes for one, or take single quotes"),
    ("Cannot overwrite", "the key stands there twice; leave one of them"),
    ("Cannot declare", "the table stands there twice; put its keys below one of them"),
    ("Cannot mutate", "the table stands there already; put its keys below one of them"),
    ("Invalid initial character", "a key is missing there, or a table in { } goes over more than one line"),
    ("Unclosed inline table", "the } is missing; a table in { } stands on one line"),
)
"""Words of tomllib, and what whoever wrote the line probably has to do."""


def of_schema(path: Path, raw: Json, mistakes: Mistakes) -> Json:
    """The tables with a schema that is known; without one they are read as the present one.

    Raises:
        ConfigError: the schema is newer: what else is wrong by this one says nothing.
    """
    version = raw.get("schema")
    if type(version) is int and version > SCHEMA:
        raise ConfigError(f"{path}: schema {version} is newer than this wattlab knows ({SCHEMA}); update wattlab")
    if type(version) is not int or version < 1:
        mistakes.at(str(path), "schema", f"found {version!r}, expected the integer {SCHEMA} on the first line")
    return raw | {"schema": SCHEMA}


def record(cls: type[Record], raw: Mapping[str, Any], file: str, path: str, mistakes: Mistakes) -> Record:
    """A dataclass from a TOML table; nested dataclasses and tables of dataclasses are followed. What is missing or
    wrong is a mistake, and something of its type stands in for it."""
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cast(Any, cls))}
    instead = {key: words for f in known.values() for key, words in f.metadata.get("in_place_of", {}).items()}
    aside = "".join(f"; {f.metadata['others']}" for f in known.values() if "others" in f.metadata)
    meant = [instead.get(key) or did_you_mean(key, known) for key in raw if key not in known]
    meant = [f"{words}{aside}" if words.startswith("expected") else words for words in meant]
    unknown = [key for key in raw if key not in known]
    mistakes.extend(f"{file}: {path}{key}: unknown key; {name}" for key, name in zip(unknown, meant, strict=True))
    for key, name in zip(unknown, meant, strict=True):
        word = name.removeprefix("did you mean ").removesuffix("?")
        if word in known and word not in raw:  # what stands there is read as what it was meant for
            _value(hints[word], raw[key], file, path + key, known[word].metadata, mistakes)
    values: dict[str, Any] = {}
    for name, spec in known.items():
        if name in raw:
            values[name] = _value(hints[name], raw[name], file, path + name, spec.metadata, mistakes)
        elif spec.default is MISSING and spec.default_factory is MISSING:
            values[name] = _missing(hints[name], file, path + name, mistakes, f"did you mean {name}?" in meant)
        elif f"did you mean {name}?" in meant:
            mistakes.hide(file, path + name)
    return cls(**values)


def _missing(hint: Any, file: str, path: str, mistakes: Mistakes, is_misspelt: bool) -> Any:  # noqa: ANN401
    """What stands in for a value without a default; of a table every key that it needs is named."""
    if is_misspelt:
        mistakes.hide(file, path)
    elif is_dataclass(hint):
        return record(cast(type[Any], hint), {}, file, path + ".", mistakes)
    else:
        mistakes.at(file, path, f"missing; it has no default, expected {_words_of(hint, path)}")
    return _stand_in(hint)


def _stand_in(hint: Any) -> Any:  # noqa: ANN401
    """A value of the type: the rest of the file is read all the same."""
    if is_dataclass(hint):
        return record(cast(type[Any], hint), {}, "", "", Mistakes())
    if get_origin(hint) is Literal:
        return get_args(hint)[0]
    plain = get_origin(hint) or hint
    return plain() if plain in (str, int, float, bool, list, dict) else None


def _value(hint: Any, value: Any, file: str, path: str, limits: Mapping[str, float], mistakes: Mistakes) -> Any:  # noqa: ANN401
    if get_origin(hint) is types.UnionType and any(is_dataclass(part) for part in get_args(hint)):
        hint = next(part for part in get_args(hint) if is_dataclass(part))  # TOML has no null: a record or nothing
    item = next(iter(get_args(hint)[-1:]), None)
    if is_dataclass(hint) and isinstance(value, dict):
        return record(cast(type[Any], hint), value, file, path + ".", mistakes)
    if get_origin(hint) is dict and is_dataclass(item) and isinstance(value, dict):
        return {key: _value(item, table, file, f"{path}.{key}", {}, mistakes) for key, table in value.items()}
    if get_origin(hint) is list and is_dataclass(item) and isinstance(value, list):
        return [_value(item, table, file, f"{path}[{index}]", {}, mistakes) for index, table in enumerate(value)]
    expected = _expected(hint, value, path, limits)
    # Dates and times are TOML's, not JSON's, and every document keeps the value as JSON.
    moments = [] if date in (hint, *get_args(hint)) else list(_moments(value, path))
    if expected is None and not moments:
        return value
    if expected is None:
        for place, moment in moments:
            mistakes.at(file, place, f"found {moment!r}, expected dates and times as text, in quotes")
        return _stand_in(hint)
    mistakes.at(file, path, f"found {value!r}, expected {expected}{_meant(hint, value)}")
    return _stand_in(hint)


def _meant(hint: Any, value: Any) -> str:  # noqa: ANN401
    """Which of several words was meant, where that can be told."""
    words = [word for word in get_args(hint) if isinstance(word, str)] if get_origin(hint) is Literal else []
    meant = did_you_mean(value, words) if words and isinstance(value, str) else ""
    return f"; {meant}" if meant.startswith("did you") else ""


def _expected(hint: Any, value: Any, path: str, limits: Mapping[str, float]) -> str | None:  # noqa: ANN401
    """What a value should have been; None where it is right."""
    if is_dataclass(hint) or not matches(value, hint):
        return _words_of(hint, path)
    if value is None:
        return None
    # TOML knows nan and inf; neither is a decision.
    if not _is_finite(value):
        return "a finite number"
    low, high = limits.get("minimum"), limits.get("maximum")
    if low is not None and value < low:
        return f"at least {low:g}"
    return f"at most {high:g}" if high is not None and value > high else None


def _words_of(hint: Any, path: str) -> str:  # noqa: ANN401
    """What stands at a TOML path, in words."""
    if is_dataclass(hint):
        return f"a table [{path}]"
    if get_origin(hint) in (dict, list) and is_dataclass(get_args(hint)[-1]):
        return f"tables [{path}.NAME]" if get_origin(hint) is dict else f"tables [[{path}]]"
    return _words(hint)


def _is_finite(value: object) -> bool:
    """No nan and no infinity, nor anywhere in a table or list."""
    if isinstance(value, dict | list):
        return all(map(_is_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or abs(value) < float("inf")


def _moments(value: object, path: str) -> Iterator[tuple[str, date | time]]:
    """Every date and time in a value, with its TOML path."""
    if isinstance(value, date | time):
        yield path, value
    places = [(f"{path}.{key}", part) for key, part in value.items()] if isinstance(value, dict) else []
    places += [(f"{path}[{at}]", part) for at, part in enumerate(value)] if isinstance(value, list) else []
    for place, part in places:
        yield from _moments(part, place)


def _words(hint: Any) -> str:  # noqa: ANN401
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(_words(part) for part in get_args(hint) if part is not types.NoneType)  # TOML has no null
    if kind := {list: "a list", dict: "a table"}.get(get_origin(hint) or hint):
        return f"{kind}, such as {_form(hint)}" if get_args(hint) else kind
    words = {str: "text in quotes", int: "a whole number", float: "a number", date: "a date without quotes: 2026-11-21"}
    return words.get(hint, describe(hint))


def _form(hint: Any) -> str:  # noqa: ANN401
    """A value as it is written, for one who wrote another kind."""
    item = _form(get_args(hint)[-1]) if get_origin(hint) in (list, dict) else ""
    if item:
        return f"[{item}]" if get_origin(hint) is list else f"{{ NAME = {item} }}"
    return {str: '"text"', int: "3", float: "0.5", bool: "true", Any: "..."}.get(hint, describe(hint))
