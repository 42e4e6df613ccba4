"""A log of MLPerf's logging library: its lines `:::MLLOG {...}`.

Knows the form of a line, and what other programs print between them. Knows no key's meaning.

A line may have the number of a rank before it (`0: :::MLLOG`), and text behind it where two processes wrote at once.
`time_ms` is Unix time. `metadata` that is no object (some loggers write an empty text) is an empty one.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.foreign.importers.source import SourceFile, lines_of
from harness.record.documents import Json
from harness.record.errors import ImportFileError

MARK = ":::MLLOG"
_RANK = re.compile(r"\s*(\d+):\s*$")
_DECODER = json.JSONDecoder()
LAST_MS = 9_223_372_036_854
"""The last Unix time whose nanoseconds 64 bits hold."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: its number, Unix time (ms), key, value, metadata, and the rank that wrote it (empty: none says)."""

    line: int
    time_ms: int
    key: str
    value: object
    metadata: Json
    rank: str


@dataclass(frozen=True, slots=True)
class MlLog:
    """The lines of a log that could be read, the numbers of those that could not, and whether the last of these is the
    end of a file that was cut off in mid-line."""

    entries: list[Entry]
    damaged: list[int]
    is_cut: bool


def read_log(source: SourceFile) -> MlLog:
    """Every line of a log.

    Raises:
        ImportFileError: it has none.
    """
    lines = lines_of(source)
    entries, damaged = [], list[int]()
    for number, line in _marked(lines):
        entry = _entry(number, *line)
        if entry is None:
            damaged.append(number)
        else:
            entries.append(entry)
    if not entries:
        raise ImportFileError(
            f"{source.path}:1: no line '{MARK} {{...}}' in it; give a log of MLPerf's logging library"
        )
    return MlLog(entries, damaged, is_cut=bool(damaged) and damaged[-1] == len(lines))


def _marked(lines: list[str]) -> Iterator[tuple[int, tuple[str, str]]]:
    for number, line in enumerate(lines, 1):
        before, mark, after = line.partition(MARK)
        if mark:
            yield number, (before, after)


def _entry(number: int, before: str, after: str) -> Entry | None:
    try:
        told, _ = _DECODER.raw_decode(after.lstrip())
    except ValueError:
        return None
    if not isinstance(told, dict) or not isinstance(told.get("key"), str):
        return None
    time_ms, metadata = told.get("time_ms"), told.get("metadata")
    if type(time_ms) is not int or not 0 <= time_ms <= LAST_MS:
        return None
    rank = _RANK.match(before)
    told_of = metadata if isinstance(metadata, dict) else {}
    return Entry(number, time_ms, told["key"], told.get("value"), told_of, rank[1] if rank else "")
