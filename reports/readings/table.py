"""The text of a stream -> columns: flags as text, stamps as integers, the rest as numbers.

Knows CSV. Knows no stream and no quantity.

A plain table (the same number of cells in each line, digits in them and nothing that CSV has to explain) is read here;
everything else is read by pandas, which says what is wrong with it. Both go piece by piece, so that memory holds arrays
and not their text, and long arrays lie on disk (`long.py`). pandas takes .2 s to import and 1 ms a table to begin. Both
give the same numbers: up to LONGEST letters a cell's digits are a whole number below 2^53 over a power of ten below
10^22, which one division rounds correctly.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from io import BufferedReader
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import AnalysisError
from reports.readings.long import Column, compact
from reports.results.rules import Rule, was

if TYPE_CHECKING:
    import pandas as pd

FLAGS = "flags"
"""The one column of text."""
PIECE_BYTES = 1 << 20
FRAME_ROWS = 1 << 18
"""That pandas reads at a time."""
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


def read_table(path: Path, text: IO[bytes], wanted: frozenset[str], flags: tuple[str, ...] = ()) -> Table:
    """The wanted columns that are there, of the lines of a file that are whole. `flags`: what the column of that name
    is searched for; `path` is for messages.

    Raises:
        AnalysisError: it is not the table that it should be.
    """
    plain = _plain_table(text, wanted, flags)
    return read_by_pandas(path, text, wanted, flags) if plain is None else plain


def has_header(text: BufferedReader) -> bool:
    """Whether a file that is read from its begin has a whole line, and not only blanks."""
    return not (begin := text.peek()).isspace() and b"\n" in begin + text.readline()


def read_by_pandas(path: Path, text: IO[bytes], wanted: frozenset[str], flags: tuple[str, ...] = ()) -> Table:
    """The same in a third of the time, where pandas is imported and the table is long."""
    rows = _rows_of(text)
    columns: dict[str, Column] = {}
    marks = {flag: Column(rows, np.bool_) for flag in flags}
    size = 0
    for frame in read_frames(path, text, wanted, FRAME_ROWS if rows > FRAME_ROWS else None):
        size += len(frame)
        for name in map(str, frame):
            if name != FLAGS:
                values = frame[name].to_numpy()
                columns.setdefault(name, Column(rows, values.dtype.type)).add(values)
        texts = frame[FLAGS].str if FLAGS in frame else None
        none = np.broadcast_to(np.False_, len(frame))
        for flag, mark in marks.items():
            mark.add(none if texts is None else compact(texts.contains(flag, regex=False).to_numpy(bool)))
    wholes = {name: column.whole()[:size] for name, column in columns.items()}
    return Table(size, wholes, {flag: mark.whole()[:size] for flag, mark in marks.items()})


# --- plain tables


class _NotPlain(ValueError):
    """Something that pandas has to judge."""


def _rows_of(text: IO[bytes]) -> int:
    """How many lines a file has below its header."""
    text.seek(0)
    return max(sum(piece.count(b"\n") for piece in iter(partial(text.read, PIECE_BYTES), b"")) - 1, 0)


def _plain_table(text: IO[bytes], wanted: frozenset[str], flags: tuple[str, ...]) -> Table | None:
    """None where it is not plain."""
    rows = _rows_of(text)
    text.seek(0)
    head = text.readline(PIECE_BYTES).removesuffix(b"\n")
    if not _is_plain(head):
        return None
    names = head.decode().split(",")
    if len(set(names)) < len(names) or head != head.strip():
        return None
    kept = {name: place for place, name in enumerate(names) if name in wanted}
    columns = {name: Column(rows, np.int64 if name.endswith("_ns") else np.float64) for name in kept if name != FLAGS}
    marks = {flag: Column(rows, np.bool_) for flag in flags}
    size = 0
    try:
        for lines in _pieces(text):
            piece = _Piece(lines, len(names))
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


def _is_plain(text: bytes) -> bool:
    return text.isascii() and not any(sign in text for sign in (b'"', b"\r", b"\0"))


def _pieces(text: IO[bytes]) -> Iterator[bytes]:
    """Whole lines, as many as fit into a piece; what stands behind the last of them is left out."""
    rest = b""
    while more := text.read(PIECE_BYTES - len(rest)):
        lines = rest + more
        end = lines.rfind(b"\n") + 1
        if not end and len(lines) == PIECE_BYTES:
            raise _NotPlain("a line longer than a piece")
        rest = lines[end:]
        if end:
            if not _is_plain(lines[:end]):
                raise _NotPlain("something that CSV has to explain")
            yield lines[:end]


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


class WholeLines(io.RawIOBase):
    """A file up to its last whole line."""

    def __init__(self, text: IO[bytes]) -> None:
        self._text, self._left = text, _end_of_lines(text)
        text.seek(0)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  what io hands over
        """The next bytes."""
        more = self._text.read(min(len(buffer), self._left))
        self._left -= len(more)
        buffer[: len(more)] = more
        return len(more)


def _end_of_lines(text: IO[bytes]) -> int:
    """Where the last whole line of a file ends."""
    end = text.seek(0, io.SEEK_END)
    while end > 0:
        begin = max(end - PIECE_BYTES, 0)
        text.seek(begin)
        if (place := text.read(end - begin).rfind(b"\n")) >= 0:
            return begin + place + 1
        end = begin
    return 0


def read_frame(path: Path, content: bytes, wanted: frozenset[str], *, as_text: bool = False) -> "pd.DataFrame":
    """The wanted columns that are there, as pandas reads them; or all as text. `content` ends with a whole line.

    Raises:
        AnalysisError: it is not the table that it should be.
    """
    return next(read_frames(path, io.BytesIO(content), wanted, None, as_text=as_text))


def read_frames(
    path: Path, text: IO[bytes], wanted: frozenset[str], rows: int | None, *, as_text: bool = False
) -> "Iterator[pd.DataFrame]":
    """The same of the whole lines of a file, so many rows at a time (None: all at once).

    Raises:
        AnalysisError: it is not the table that it should be.
    """
    import pandas as pd

    text.seek(0)
    header, first = (text.readline().removesuffix(b"\n") for _ in range(2))
    names = header.decode("utf-8", "replace").strip().split(",")
    kinds: dict[str, Any] = {
        name: "category" if name == FLAGS else np.int64 if name.endswith("_ns") else np.float64
        for name in names
        if name in wanted
    }
    if as_text:
        kinds = dict.fromkeys(kinds, str)
    missing = {name: [""] for name, kind in kinds.items() if kind not in (str, "category")}
    if first.count(b",") >= len(names) and not was(Rule.DAMAGED_CELLS):
        # pandas would take the first cells for row names and shift the rest.
        raise AnalysisError(
            f"{path}:2: found {first.count(b',') + 1} cells, expected {len(names)} as in the header; the file was "
            "edited or damaged"
        )
    try:
        read = pd.read_csv(
            io.BufferedReader(WholeLines(text), PIECE_BYTES), dtype=kinds, usecols=list(kinds), na_values=missing,
            keep_default_na=False, chunksize=rows,
        )  # fmt: skip
        if isinstance(read, pd.DataFrame):
            yield read
        else:
            yield from read
    except (ValueError, pd.errors.ParserError, OverflowError) as error:
        raise AnalysisError(f"{path}: not the table it should be ({error}); the file was edited or damaged") from None
