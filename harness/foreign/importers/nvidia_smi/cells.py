"""The cells of many lines by where they stand in one text, and columns of them: each text once.

Knows text, separators and blanks. Knows no field. Most cells of a log repeat, so whoever reads a column reads each
text once; which of them a row has is found eight characters at a time, without an object for every cell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Words = NDArray[np.uint64]
WORD = 8
"""Bytes of a word."""
KEPT = np.array([(1 << 8 * count) - 1 for count in range(WORD + 1)], dtype=np.uint64)
"""What keeps so many of the first bytes of a word."""
LONGEST = 256
"""A column with a longer cell is read cell by cell."""
FEW = 100
BLANK, NEWLINE = ord(" "), ord("\n")


@dataclass(frozen=True, slots=True)
class Cells:
    """A column: `kinds`, its different texts, in the order in which they come; `codes`, the place in it of every
    row's."""

    kinds: list[str]
    codes: Places

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Cells":
        """The column of some texts."""
        place_of = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        return cls(list(place_of), np.array([place_of[text] for text in texts], dtype=np.intp))

    def __getitem__(self, row: int) -> str:
        """The text of a row."""
        return self.kinds[int(self.codes[row])]

    def texts(self) -> list[str]:
        """The text of every row."""
        return [self.kinds[code] for code in self.codes.tolist()]

    def first(self, is_sought: Callable[[str], bool]) -> int | None:
        """The first row with a text that is sought; None without one."""
        kind = next((place for place, text in enumerate(self.kinds) if is_sought(text)), None)
        return None if kind is None else int(np.argmax(self.codes == kind))


@dataclass(frozen=True)
class CellTable:
    """Cells of rows: where in `content` (UTF-8) they begin and end, shapes (columns, rows)."""

    content: bytes
    begins: Places
    ends: Places

    @classmethod
    def of_lines(
        cls, lines: Sequence[str], separator: str, width: int, split: Callable[[str], Sequence[str]]
    ) -> "CellTable":
        """The cells of lines that have `width` of them, without the blanks around them. `split` parts a line that has
        more in it than plain characters."""
        content = ("\n".join(lines) + "\n").encode()
        characters = np.frombuffer(content, dtype=np.uint8)
        controls = (characters < BLANK) & (characters != NEWLINE) & (characters != ord(separator))
        if not lines or not content.isascii() or b'"' in content or controls.any():
            return cls.of_rows([split(line) for line in lines], width)
        ends = np.flatnonzero((characters == ord(separator)) | (characters == NEWLINE))
        begins = np.concatenate([[0], ends[:-1] + 1])
        while (blank := (characters[begins] == BLANK) & (begins < ends)).any():
            begins = begins + blank
        while (blank := (characters[ends - 1] == BLANK) & (begins < ends)).any():
            ends = ends - blank
        return cls(content, begins.reshape(-1, width).T.copy(), ends.reshape(-1, width).T.copy())

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[str]], width: int) -> "CellTable":
        """The cells of rows, each row by itself."""
        cells = [cell.encode() for row in rows for cell in row]
        ends = np.cumsum([len(cell) for cell in cells], dtype=np.intp).reshape(-1, width)
        begins = np.concatenate([[0], ends.ravel()[:-1]]).astype(np.intp)[: ends.size].reshape(-1, width)
        return cls(b"".join(cells), begins.T.copy(), ends.T.copy())

    def taken(self, rows: Sequence[int]) -> "CellTable":
        """The table of some of the rows."""
        return CellTable(self.content, self.begins[:, rows], self.ends[:, rows])

    def texts(self, column: int) -> list[str]:
        """The text of every row in a column."""
        places = zip(self.begins[column].tolist(), self.ends[column].tolist(), strict=True)
        return [self.content[begin:end].decode() for begin, end in places]

    def cells(self, column: int) -> Cells:
        """A column."""
        begins, lengths = self.begins[column], self.ends[column] - self.begins[column]
        longest = int(lengths.max(initial=0))
        if longest > LONGEST or b"\0" in self.content:
            return Cells.of(self.texts(column))
        codes: Places = np.zeros(begins.size, dtype=np.intp)
        for offset in range(0, longest, WORD):
            words = self._words[np.minimum(begins + offset, self._words.size - 1)]
            codes = _told_apart(codes, words & KEPT[np.clip(lengths - offset, 0, WORD)])
        return self._in_order(column, codes)

    @cached_property
    def _words(self) -> Words:
        """The word that begins at every byte of the content."""
        padded = self.content + bytes(WORD)
        return np.ndarray(shape=(len(padded) - WORD + 1,), dtype="<u8", buffer=padded, strides=(1,))

    def _in_order(self, column: int, codes: Places) -> Cells:
        """The column whose rows have equal codes where their texts are equal."""
        first = np.zeros(int(codes.max(initial=-1)) + 1, dtype=np.intp)
        first[codes[::-1]] = np.arange(codes.size)[::-1]  # the last that is written stays: the first row
        order = np.argsort(first)
        place_of = np.empty_like(order)
        place_of[order] = np.arange(order.size)
        begins, ends = self.begins[column][first[order]].tolist(), self.ends[column][first[order]].tolist()
        kinds = [self.content[begin:end].decode() for begin, end in zip(begins, ends, strict=True)]
        return Cells(kinds, place_of[codes])


def _told_apart(codes: Places, words: Words) -> Places:
    """Codes (0, 1, ...) of rows that are equal in their codes so far and in their words."""
    if not words.size or (words == words[0]).all():
        return codes
    by_word = _ranks(words)
    return _ranks(codes * (int(by_word.max()) + 1) + by_word) if codes.any() else by_word


def _ranks(values: Words | Places) -> Places:
    """The place of each value among the different ones in order; few are found faster than many are sorted."""
    kinds = np.unique(values)
    if kinds.size <= FEW:
        return np.searchsorted(kinds, values)
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of numbers, NaN where there is none: `kinds`, the value of each kind of cell, and `codes` as of its
    cells."""

    kinds: Floats
    codes: Places

    @property
    def values(self) -> Floats:
        """The number of every row."""
        return self.kinds[self.codes]

    def texts(self, form: Callable[[float], str]) -> list[str]:
        """The number of every row as text; each kind is written once."""
        texts = np.array([form(value) for value in self.kinds.tolist()], dtype=object)
        return list(texts[self.codes])


def numbers_of(cells: Cells, value_of: Callable[[str], float | None]) -> tuple[Numbers, list[int]]:
    """The values of a column, and the rows whose cell is no value (`value_of` gives None)."""
    values = [value_of(kind) for kind in cells.kinds]
    strange = [place for place, value in enumerate(values) if value is None]
    odd = np.flatnonzero(np.isin(cells.codes, strange)).tolist() if strange else []
    return Numbers(np.array(values, dtype=np.float64), cells.codes), odd
