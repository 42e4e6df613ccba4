"""What the logs of several software meters have in common as text: a CSV table with a header, stamps in two forms.

Knows columns by their names. Knows no program.
"""

import re
from collections.abc import Mapping, Sequence

from harness.foreign.importers.source import SourceFile, lines_of
from harness.foreign.importers.stamps import CLOCK
from harness.foreign.importers.text_table import StampForm, TextTable, read_table
from harness.record.errors import ImportFileError

WALL = StampForm(
    re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d)[ T]{CLOCK}(?:\.(?P<part>\d{{1,9}}))?"),
    "2022-04-01 23:25:08.184",
)
"""A wall clock without a zone."""


def csv_table(
    source: SourceFile, wanted: Sequence[str], what: str, separator: str = ","
) -> tuple[TextTable, Mapping[str, int], list[str]]:
    """The table of a CSV file with a header, which column of it is which of the `wanted` that are there, and every
    name of the header.

    Raises:
        ImportFileError: the file is empty, or the first of `wanted` is missing; with file and line.
    """
    lines = lines_of(source)
    header = [name.strip(' "') for name in lines[0].split(separator)]
    if wanted[0] not in header:
        raise ImportFileError(
            f"{source.path}:1: found {lines[0]!r:.90}, expected {what}; give the file as the program wrote it"
        )
    known = [name for name in wanted if name in header]
    places = [header.index(name) for name in known]
    table = read_table(source, lines, 1, places, separator, len(header))
    return table, {name: place for place, name in enumerate(known)}, header


def require(source: SourceFile, known: Mapping[str, int], needed: Sequence[str], what: str) -> None:
    """Raises ImportFileError where a needed column is not in the header."""
    if missing := [name for name in needed if name not in known]:
        raise ImportFileError(f"{source.path}:1: no column {missing[0]!r}, expected {what}")


def word(text: str) -> str:
    """A text as part of a column's name."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
