"""The rows of a run's streams, as CSV: columns of texts in, bytes out.

Knows how a run folder writes numbers and missing ones (docs/run-folder.md). Knows no stream's columns.
"""

from collections.abc import Iterable, Sequence
from itertools import chain


def stamps_text(times_ns: Sequence[int]) -> list[str]:
    """Times as they are written."""
    return list(map(str, times_ns))


def number_text(value: float) -> str:
    """The shortest decimal that reads back as the same number; empty where there is none (NaN)."""
    return "" if value != value else repr(value)


def csv_of(names: Sequence[str], columns: Sequence[Iterable[str]]) -> bytes:
    """A header of names, and a line a row; the columns are of one length, or without an end (`repeat`)."""
    rows = map(",".join, zip(*columns, strict=False))
    return ("\n".join(chain([",".join(names)], rows)) + "\n").encode()
