"""The lines of a file of any length as a sequence: a few of them are held, the others read again when they are asked.

Knows files and lines. Knows nothing of what stands in them.
"""

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

from harness.record.plain_files import open_plain

BLOCK = 1 << 10
"""Lines that are read together."""
KEPT = 4
"""Blocks that are held."""
Item = TypeVar("Item")


class Lines(Generic[Item]):
    """What a plain file's lines say, by place; each was read once when this was made, so that whatever is wrong with
    one was raised then.

    Raises:
        OSError: it cannot be read.
    """

    def __init__(self, path: Path, read: Callable[[Iterable[bytes], int], Iterator[Item]]) -> None:
        """`read` makes items of lines (with their newlines), one of each; it is told the number of the first, from 1.
        It may leave out the last line of the file."""
        self._path, self._read = path, read
        self._starts = array("q")
        self._blocks: OrderedDict[int, tuple[Item, ...]] = OrderedDict()
        self._first, self._block = 0, tuple[Item, ...]()
        """The block that was asked last, and the place of its first item."""
        self._size = 0
        with open_plain(path) as file:
            while block := list(islice(file, BLOCK)):
                self._starts.append(file.tell() - sum(map(len, block)))
                self._size += sum(1 for _ in read(block, self._size + 1))

    def __len__(self) -> int:
        """How many there are."""
        return self._size

    def __getitem__(self, place: int) -> Item:
        """One of them, from 0."""
        within = place - self._first
        if not 0 <= within < len(self._block):
            if not 0 <= place < self._size:
                raise IndexError(place)
            self._turn_to(place // BLOCK)
            within = place - self._first
        return self._block[within]

    def __iter__(self) -> Iterator[Item]:
        """All of them, in order."""
        return (self[place] for place in range(self._size))

    def _turn_to(self, number: int) -> None:
        self._first, self._block = number * BLOCK, self._blocks.get(number, ())
        if not self._block:
            with open_plain(self._path) as file:
                file.seek(self._starts[number])
                self._block = tuple(self._read(islice(file, BLOCK), self._first + 1))
            self._blocks[number] = self._block
            if len(self._blocks) > KEPT:
                self._blocks.popitem(last=False)
