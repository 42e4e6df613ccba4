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
DIGITS, NUMERALS = b"0123456789-", b"0123456789-."
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
    pieces: dict[str, list[NDArray[Any]]] = {name: [] for name in kept if name != FLAGS}
    marks: dict[str, list[NDArray[np.bool_]]] = {flag: [] for flag in flags}
    size = 0
    try:
        for piece in _pieces(content, len(head) + 1):
            cells = _cells(piece, len(names))
            size += len(cells) // len(names)
            for name, parts in pieces.items():
                own = cells[kept[name] :: len(names)]
                parts.append(_stamps(own) if name.endswith("_ns") else compact(_numbers(own)))
            texts = cells[kept[FLAGS] :: len(names)] if FLAGS in kept else []
            for flag, found in marks.items():
                found.append(compact(_flagged(texts, flag, len(cells) // len(names))))
    except (ValueError, OverflowError):
        return None
    columns = {name: _joined(parts, np.int64 if name.endswith("_ns") else np.float64) for name, parts in pieces.items()}
    return Table(size, columns, {flag: _joined(found, np.bool_) for flag, found in marks.items()})


def _pieces(content: bytes, begin: int) -> Iterator[bytes]:
    """Whole lines, as many as fit into a piece."""
    while begin < len(content):
        is_last = len(content) - begin <= PIECE_BYTES
        end = len(content) if is_last else content.rfind(b"\n", begin, begin + PIECE_BYTES) + 1
        if end <= begin:
            raise _NotPlain("a line longer than a piece")
        yield content[begin:end]
        begin = end


def _cells(piece: bytes, width: int) -> list[bytes]:
    """All cells of the lines, one line after the other."""
    letters = np.frombuffer(piece, dtype=np.uint8)
    ends = letters[np.flatnonzero((letters == ENDS[0]) | (letters == ENDS[1]))]
    if ends.size % width or not (ends.reshape(-1, width) == ENDS[[*[0] * (width - 1), 1]]).all():
        raise _NotPlain("a line of fewer or more cells than the header")
    return piece[:-1].replace(b"\n", b",").split(b",")


def _stamps(cells: list[bytes]) -> NDArray[np.int64]:
    if b"".join(cells).translate(None, DIGITS):
        raise _NotPlain("a letter in a stamp")
    return np.fromiter(map(int, cells), np.int64, len(cells))


def _numbers(cells: list[bytes]) -> NDArray[np.float64]:
    letters = b"".join(cells)
    if not letters:
        return np.full(len(cells), np.nan)
    if letters.translate(None, NUMERALS) or max(map(len, cells)) > LONGEST:
        raise _NotPlain("a number that is not plain")
    if b"" in cells:
        return np.fromiter((float(cell) if cell else np.nan for cell in cells), np.float64, len(cells))
    return np.fromiter(map(float, cells), np.float64, len(cells))


def _flagged(texts: list[bytes], flag: str, size: int) -> NDArray[np.bool_]:
    letters = b"".join(texts)
    if letters.translate(None, LETTERS):
        raise _NotPlain("a flag that is not plain")
    word = flag.encode()
    if word not in letters:
        return np.zeros(size, dtype=bool)
    return np.fromiter((word in text for text in texts), np.bool_, size)


def _joined(parts: list[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    if len(parts) == 1:
        return parts[0]
    if parts and all(0 in part.strides and part[0] == parts[0][0] for part in parts):
        return np.broadcast_to(parts[0][0], (sum(part.size for part in parts),))
    whole = np.empty(sum(part.size for part in parts), dtype=kind)
    at = 0
    parts.reverse()
    while parts:  # each is let go once it is copied
        part = parts.pop()
        whole[at : at + part.size] = part
        at += part.size
    return whole


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
