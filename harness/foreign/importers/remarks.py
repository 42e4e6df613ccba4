"""What a reader has to know of a source: remarks on files and lines, and how messages list names.

Knows files and lines. Knows no format.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.foreign.importers.source import SourceFile

SHOWN = 5
"""So many names stand in a message; the rest are counted."""
CUT = "cut off in mid-line; the line is left out"
TRUNCATED = "truncated-source"
"""Code of a note: the end of a source is missing."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What a reader has to know of a source: `code` of a note, the line (0: the file as a whole), the words."""

    code: str
    source: SourceFile
    line: int
    words: str

    def __str__(self) -> str:
        """For the terminal: where, and what."""
        return f"{self.source.path}:{self.line}: {self.words}" if self.line else f"{self.source.path}: {self.words}"

    @property
    def note(self) -> str:
        """For the run's journal, which names files and not where they lay."""
        where = f"line {self.line} of {self.source.path.name}" if self.line else self.source.path.name
        return f"{where}: {self.words}"


def cut_line(source: SourceFile, line: int) -> Remark:
    """The remark on a last line that was cut off while it was written, and is left out."""
    return Remark(TRUNCATED, source, line, CUT)


def cut_stream(source: SourceFile) -> list[Remark]:
    """The remark on a gzip stream without an end; none of a whole file."""
    words = "the gzip stream has no end; what is there was read"
    return [Remark(TRUNCATED, source, 0, words)] if source.cut else []


def doubled_lines(source: SourceFile, numbers: Sequence[int]) -> list[Remark]:
    """The remark on lines that repeat the one before; none without such lines."""
    many = f", {len(numbers)} lines in all" if len(numbers) > 1 else ""
    words = f"the same as the line before{many}; left out"
    return [Remark("doubled-lines", source, numbers[0], words)] if numbers else []


def listed(names: Sequence[object], shown: int = SHOWN) -> str:
    """Names for a message: the first few, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(map(str, names[:shown])) + more


def counted(count: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def times(count: int) -> str:
    """`once`, `2 times`."""
    return "once" if count == 1 else f"{count} times"
