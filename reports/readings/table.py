"""The text of a stream -> columns: flags as text, stamps as integers, the rest as numbers.

Knows CSV. Knows no stream and no quantity.

A plain table (the same number of cells in each line, digits in them and nothing that CSV has to explain) is read here,
piece by piece, so that memory holds its arrays and not its text; everything else is read by pandas, which says what is
wrong with it. pandas takes .2 s to import and 1 ms a table to begin. Both give the same numbers: up to LONGEST letters
a cell's digits are a whole number below 2^53 over a power of ten below 10^22, which one division rounds correctly.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import AnalysisError
from reports.readings.held import compact
from reports.results.rules import Rule, was

if TYPE_CHECKING:
    import pandas as pd

FLAGS = "flags"
"""The one column of text."""
PIECE_BYTES = 1 << 20
LONGEST = 15
DIGITS_OF_STAMP = 19
"""Whole numbers of so many digits are below 2^63 where the first is no 9."""
DIGITS, NUMERALS = b"0123456789-", b"0123456789-."
IN_NUMBERS = np.isin(np.arange(256), np.frombuffer(NUMERALS + b",\n", dtype=np.uint8))
LETTERS = b"abcdefghijklmnopqrstuvwxyz|"
ENDS = np.array([ord(","), ord("\n")], dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of `size` rows by name, and which rows have each of the asked flags."""

    size: int
    columns: Mapping[str, NDArray[Any]]
    flagged: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column of numbers, NaN where a cell is empty."""
        return np.asarray(self.columns[name], dtype=np.float64)

    def stamps(self, name: str) -> NDArray[np.int64]:
        """A column of stamps."""
        return np.asarray(self.columns[name], dtype=np.int64)

    def __contains__(self, name: object) -> bool:
        return name in self.columns


def read_table(path: Path, content: bytes, wanted: frozenset[str], flags: tuple[str, ...] = ()) -> Table:
    """The wanted columns that are there. `flags`: what the column of that name is searched for. `content` ends with a
    whole line; `path` is for messages.

    Raises:
        AnalysisError: it is not the table that it should be.
    """
    plain = _plain_table(content, wanted, flags)
    return read_by_pandas(path, content, wanted, flags) if plain is None else plain


def read_by_pandas(path: Path, content: bytes, wanted: frozenset[str], flags: tuple[str, ...] = ()) -> Table:
    """The same in a third of the time, where pandas is imported and the table is long; its text is held beside it."""
    frame = read_frame(path, content, wanted)
    columns = {str(name): frame[name].to_numpy() for name in frame if name != FLAGS}
    texts = frame[FLAGS].str if FLAGS in frame else None
    none = np.zeros(len(frame), dtype=bool)
    found = {flag: none if texts is None else texts.contains(flag, regex=False).to_numpy(bool) for flag in flags}
    return Table(len(frame), columns, found)


# --- plain tables


class _NotPlain(ValueError):
    """Something that pandas has to judge."""


def _plain_table(content: bytes, wanted: frozenset[str], flags: tuple[str, ...]) -> Table | None:
    """None where it is not plain."""
    head, _, _ = content.partition(b"\n")
    if not content.isascii() or b'"' in content or b"\r" in content or b"\0" in content:
        return None
    names = head.decode().split(",")
    if len(set(names)) < len(names) or head != head.strip():
        return None
    kept = {name: place for place, name in enumerate(names) if name in wanted}
    rows = content.count(b"\n", len(head) + 1)
    columns = {name: _Column(rows, np.int64 if name.endswith("_ns") else np.float64) for name in kept if name != FLAGS}
    marks = {flag: _Column(rows, np.bool_) for flag in flags}
    size = 0
    try:
        for text in _pieces(content, len(head) + 1):
            piece = _Piece(text, len(names))
            size += piece.rows
            numbers = piece.numbers([kept[name] for name in columns if not name.endswith("_ns")])
            for name, column in columns.items():
                place = kept[name]
                column.add(piece.stamps(place) if name.endswith("_ns") else compact(numbers[place]))
            texts = piece.cells(kept[FLAGS]) if FLAGS in kept and piece.longest[kept[FLAGS]] else []
            for flag, mark in marks.items():
                mark.add(compact(_flagged(texts, flag, piece.rows)))
    except (ValueError, OverflowError):
        return None
    wholes = {name: column.whole() for name, column in columns.items()}
    return Table(size, wholes, {flag: mark.whole() for flag, mark in marks.items()})


class _Column:
    """A column of so many rows, each piece copied to its place as it comes; what is all alike takes no room."""

    def __init__(self, rows: int, kind: type[np.generic]) -> None:
        self._rows, self._kind, self._filled = rows, kind, 0
        self._whole: NDArray[Any] | None = None
        self._alike: NDArray[Any] | None = None
        """A piece whose values are all alike, as long as there are no others."""

    def add(self, piece: NDArray[Any]) -> None:
        """The next rows."""
        is_alike = 0 in piece.strides and (self._alike is None or piece[0] == self._alike[0])
        if self._whole is None and is_alike:
            self._alike = piece
        elif piece.size == self._rows:
            self._whole = piece
        else:
            if self._whole is None:
                self._whole = np.empty(self._rows, dtype=self._kind)
                self._whole[: self._filled] = 0 if self._alike is None else self._alike[0]
            self._whole[self._filled : self._filled + piece.size] = piece
        self._filled += piece.size

    def whole(self) -> NDArray[Any]:
        """All rows."""
        if self._whole is not None:
            return self._whole
        return np.empty(0, self._kind) if self._alike is None else np.broadcast_to(self._alike[0], (self._filled,))


def _pieces(content: bytes, begin: int) -> Iterator[bytes]:
    """Whole lines, as many as fit into a piece."""
    while begin < len(content):
        is_last = len(content) - begin <= PIECE_BYTES
        end = len(content) if is_last else content.rfind(b"\n", begin, begin + PIECE_BYTES) + 1
        if end <= begin:
            raise _NotPlain("a line longer than a piece")
        yield content[begin:end]
        begin = end


class _Piece:
    """Whole lines of so many cells each, by column."""

    def __init__(self, text: bytes, width: int) -> None:
        self.text, self.width = text, width
        self.letters = np.frombuffer(text, dtype=np.uint8)
        ends = np.flatnonzero((self.letters == ENDS[0]) | (self.letters == ENDS[1]))
        at_end = self.letters[ends]
        if ends.size % width or not (at_end.reshape(-1, width) == ENDS[[*[0] * (width - 1), 1]]).all():
            raise _NotPlain("a line of fewer or more cells than the header")
        self.rows = ends.size // width
        self.ends = ends
        lengths = np.diff(ends, prepend=-1).reshape(-1, width) - 1
        self.shortest, self.longest = lengths.min(axis=0), lengths.max(axis=0)

    def cells(self, place: int) -> list[bytes]:
        """The cells of a column."""
        return self._all_cells[place :: self.width]

    @cached_property
    def _all_cells(self) -> list[bytes]:
        return self.text[:-1].replace(b"\n", b",").split(b",")

    @cached_property
    def _strange(self) -> frozenset[int]:
        """The columns with anything but numerals."""
        if not self.text.translate(None, NUMERALS + b",\n"):
            return frozenset()
        places = np.searchsorted(self.ends, np.flatnonzero(~IN_NUMBERS[self.letters])) % self.width
        return frozenset(np.unique(places).tolist())

    def stamps(self, place: int) -> NDArray[np.int64]:
        """A column of whole numbers."""
        length = int(self.longest[place])
        if not self.shortest[place] == length <= DIGITS_OF_STAMP:
            return _stamps(self.cells(place))
        digits = self.letters[self.ends[place :: self.width, None] + np.arange(-length, 0)] - ord("0")
        if not length or (digits > 9).any() or (length == DIGITS_OF_STAMP and (digits[:, 0] > 8).any()):
            return _stamps(self.cells(place))
        return np.asarray(digits @ 10 ** np.arange(length - 1, -1, -1, dtype=np.int64), dtype=np.int64)

    def numbers(self, places: list[int]) -> dict[int, NDArray[np.float64]]:
        """Columns of numbers, NaN where a cell is empty."""
        if not self._strange.isdisjoint(places) or any(self.longest[place] > LONGEST for place in places):
            raise _NotPlain("a number that is not plain")
        full = [place for place in places if self.shortest[place]]
        columns = {place: _sparse(self, place) for place in places if not self.shortest[place]}
        if full:
            lines = self.text.decode().split("\n")
            found = np.loadtxt(lines, delimiter=",", comments=None, usecols=full, ndmin=2)
            columns |= {place: np.ascontiguousarray(found[:, at]) for at, place in enumerate(full)}
        return columns


def _sparse(piece: _Piece, place: int) -> NDArray[np.float64]:
    """A column with empty cells."""
    if not piece.longest[place]:
        return np.full(piece.rows, np.nan)
    return np.fromiter((float(cell) if cell else np.nan for cell in piece.cells(place)), np.float64, piece.rows)


def _stamps(cells: list[bytes]) -> NDArray[np.int64]:
    if b"".join(cells).translate(None, DIGITS):
        raise _NotPlain("a letter in a stamp")
    return np.fromiter(map(int, cells), np.int64, len(cells))


def _flagged(texts: list[bytes], flag: str, size: int) -> NDArray[np.bool_]:
    letters = b"".join(texts)
    if letters.translate(None, LETTERS):
        raise _NotPlain("a flag that is not plain")
    word = flag.encode()
    if word not in letters:
        return np.zeros(size, dtype=bool)
    return np.fromiter((word in text for text in texts), np.bool_, size)


# --- all others


def read_frame(path: Path, content: bytes, wanted: frozenset[str], *, as_text: bool = False) -> "pd.DataFrame":
    """The wanted columns that are there, as pandas reads them; or all as text.

    Raises:
        AnalysisError: it is not the table that it should be.
    """
    import pandas as pd

    header = content[: content.find(b"\n")].decode("utf-8", "replace").strip().split(",")
    kinds: dict[str, Any] = {
        name: "category" if name == FLAGS else np.int64 if name.endswith("_ns") else np.float64
        for name in header
        if name in wanted
    }
    if as_text:
        kinds = dict.fromkeys(kinds, str)
    missing = {name: [""] for name, kind in kinds.items() if kind not in (str, "category")}
    begin = content.find(b"\n") + 1
    first = content[begin : content.find(b"\n", begin)]
    if first.count(b",") >= len(header) and not was(Rule.DAMAGED_CELLS):
        # pandas would take the first cells for row names and shift the rest.
        raise AnalysisError(
            f"{path}:2: found {first.count(b',') + 1} cells, expected {len(header)} as in the header; the file was "
            "edited or damaged"
        )
    try:
        return pd.read_csv(
            io.BytesIO(content), dtype=kinds, usecols=list(kinds), na_values=missing, keep_default_na=False
        )
    except (ValueError, pd.errors.ParserError, OverflowError) as error:
        raise AnalysisError(f"{path}: not the table it should be ({error}); the file was edited or damaged") from None
