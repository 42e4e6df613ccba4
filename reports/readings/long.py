"""Arrays of a run of any length: on disk where they are large, and passed over in blocks.

Knows numpy and temporary files. Knows no stream and no quantity. Every function gives what numpy gives of the whole
array, to the bit, and holds a block of it at a time: `np.cumsum` adds one after the other, so a sum carried from block
to block is the same; `np.add.reduce` halves until 128 values are left, so larger halves can be added by themselves.

An array on disk lies in a file that no name leads to, in the folder of temporary files (TMPDIR), and is mapped into
memory; its pages are let go after each block.
"""

import mmap
import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import AnalysisError, why

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Part: TypeAlias = Callable[[slice], Array]
"""Gives the values of some rows."""
BLOCK = 1 << 16
"""Rows that are looked at together."""
IN_MEMORY_BYTES = 16 << 20
"""A larger array lies on disk."""
BINS = 1 << 12
_ON_DISK: "weakref.WeakSet[mmap.mmap]" = weakref.WeakSet()


def empty(rows: int, kind: "type[np.generic] | np.dtype[Any]") -> Array:
    """An array without values yet, on disk where it is large.

    Raises:
        AnalysisError: the disk has no room for it.
    """
    size = rows * np.dtype(kind).itemsize
    if size <= IN_MEMORY_BYTES:
        return np.empty(rows, dtype=kind)
    try:
        with tempfile.TemporaryFile() as file:
            os.posix_fallocate(file.fileno(), 0, size)
            mapped = mmap.mmap(file.fileno(), size)
    except OSError as error:
        raise AnalysisError(
            f"a long run needs {size / 1e9:.1f} GB in {tempfile.gettempdir()} to be computed ({why(error)}); make room "
            "there, or name another folder by the environment variable TMPDIR"
        ) from None
    _ON_DISK.add(mapped)
    return np.frombuffer(mapped, dtype=kind)


def is_on_disk(array: Array) -> bool:
    """Whether its values take no memory."""
    return _mapped(array) is not None


def _mapped(array: Array) -> mmap.mmap | None:
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    return base if isinstance(base, mmap.mmap) and base in _ON_DISK else None


def let_go(*arrays: Array | None) -> None:
    """Let go of the pages of those on disk: they are read again when they are asked for."""
    for array in arrays:
        if array is not None and (mapped := _mapped(array)) is not None:
            mapped.madvise(mmap.MADV_DONTNEED)


def blocks(size: int, *arrays: Array | None) -> Iterator[slice]:
    """All rows, block by block; `arrays` are let go behind each."""
    for first in range(0, size, BLOCK):
        yield slice(first, min(first + BLOCK, size))
        let_go(*arrays)


class Column:
    """A column of so many rows, each piece copied to its place as it comes; what is all alike takes no room."""

    def __init__(self, rows: int, kind: type[np.generic]) -> None:
        self._rows, self._kind, self._filled = rows, kind, 0
        self._whole: Array | None = None
        self._alike: Array | None = None
        """A piece whose values are all alike, as long as there are no others."""

    def add(self, piece: Array) -> None:
        """The next rows."""
        is_alike = 0 in piece.strides and (self._alike is None or piece[0] == self._alike[0])
        if self._whole is None and is_alike:
            self._alike = piece
        elif piece.size == self._rows:
            self._whole = piece
        else:
            if self._whole is None:
                self._whole = empty(self._rows, self._kind)
                for part in blocks(self._filled, self._whole):
                    self._whole[part] = 0 if self._alike is None else self._alike[0]
            self._whole[self._filled : self._filled + piece.size] = piece
            let_go(self._whole)
        self._filled += piece.size

    def whole(self) -> Array:
        """All rows."""
        if self._whole is not None:
            return self._whole
        return np.empty(0, self._kind) if self._alike is None else np.broadcast_to(self._alike[0], (self._filled,))


def compact(values: Array) -> Array:
    """The same array; one whose values are all alike takes the memory of one of them, and cannot be written to."""
    alike = values.size > 1 and bool((values == values[0]).all())
    return np.broadcast_to(values[:1].copy()[0], values.shape) if alike else values


def each(part_of: Part, size: int, kind: type[np.generic], *arrays: Array | None) -> Array:
    """An array of such values, `compact`."""
    column = Column(size, kind)
    for part in blocks(size, *arrays):
        column.add(compact(part_of(part)))
    return column.whole()


def chosen(values: Array, is_kept: Part) -> Array:
    """The rows that are kept, as `values[mask]` gives them."""
    count = count_of(is_kept, values.size, values)
    if count == values.size:
        return values
    column = Column(count, values.dtype.type)
    for part in blocks(values.size, values):
        if (own := values[part][is_kept(part)]).size:
            column.add(compact(own) if 0 in values.strides else own)
    return column.whole()


def count_of(is_counted: Part, size: int, *arrays: Array | None) -> int:
    """How many rows are counted."""
    return sum(int(np.count_nonzero(is_counted(part))) for part in blocks(size, *arrays))


def places_of(is_meant: Part, size: int, *arrays: Array | None) -> NDArray[np.intp]:
    """The rows that are meant, as `np.flatnonzero` names them."""
    found = [np.flatnonzero(is_meant(part)) + part.start for part in blocks(size, *arrays)]
    return np.concatenate([np.zeros(0, dtype=np.intp), *found])


def total(part_of: Part, size: int, *arrays: Array | None) -> float:
    """The sum of all values, as `np.sum` forms it."""

    def of(first: int, last: int) -> float:
        count = last - first
        if count <= BLOCK:
            found = float(np.add.reduce(part_of(slice(first, last))))
            let_go(*arrays)
            return found
        half = count // 2
        half -= half % 8
        return of(first, first + half) + of(first + half, last)

    return of(0, size)


def mean(values: Floats) -> float:
    """The mean of values, as `np.mean` forms it."""
    return total(lambda part: values[part], values.size, values) / values.size


def deviation(values: Floats) -> float:
    """The standard deviation of at least two values, as `np.std` with `ddof=1` forms it."""
    middle = mean(values)
    squares = total(lambda part: np.square(values[part] - middle), values.size, values)
    return float(np.sqrt(squares / (values.size - 1)))


def cumulated_at(part_of: Part, size: int, places: NDArray[np.intp], *arrays: Array | None) -> Array:
    """The sums of the first k values, as `np.cumsum` forms them, for every k of `places` (of any shape)."""
    wanted = np.unique(places)
    found, carried = np.zeros(wanted.size), np.zeros(1)
    for part in blocks(size if wanted.size else 0, *arrays):
        first, last = np.searchsorted(wanted, [part.start, part.stop], side="right")
        until = np.cumsum(np.concatenate([carried, part_of(part)]))
        found[first:last] = until[wanted[first:last] - part.start]
        carried = until[-1:]
        if last == wanted.size:
            break
    return found[np.searchsorted(wanted, places)]


def extremes(part_of: Part, size: int, *arrays: Array | None) -> tuple[float, float]:
    """Least and greatest value of at least one."""
    found = [(float(own.min()), float(own.max())) for part in blocks(size, *arrays) for own in [part_of(part)]]
    return min(least for least, _ in found), max(greatest for _, greatest in found)


def tally(part_of: Part, size: int, *arrays: Array | None) -> tuple[Floats, NDArray[np.int64]]:
    """Every value that comes, in order, and how often, as `np.unique` tells it."""
    values, counts = np.zeros(0), np.zeros(0, dtype=np.int64)
    waiting: list[tuple[Array, Array]] = []
    held = 0
    for part in blocks(size, *arrays):
        waiting.append(np.unique(part_of(part), return_counts=True))
        held += waiting[-1][0].size
        if held > max(8 * BLOCK, values.size) or part.stop == size:
            values, counts = _merged([(values, counts), *waiting])
            waiting, held = [], 0
    return values, counts


def _merged(tallies: list[tuple[Array, Array]]) -> tuple[Floats, NDArray[np.int64]]:
    values, where = np.unique(np.concatenate([values for values, _ in tallies]), return_inverse=True)
    weights = np.concatenate([counts for _, counts in tallies])
    return values, np.bincount(where, weights=weights, minlength=values.size).astype(np.int64)


def middle_of(values: Floats, counts: NDArray[np.int64], before: int = 0, size: int | None = None) -> float:
    """The median of values that come so often (`tally`); of `size` values where the tally leaves out some, of which
    `before` are less."""
    count = int(counts.sum()) if size is None else size
    until = before + np.cumsum(counts)
    return float(values[np.searchsorted(until, [(count - 1) // 2, count // 2], side="right")].mean())


def median(part_of: Part, size: int, *arrays: Array | None) -> float:
    """The median of finite values, as `np.median` forms it."""
    if size <= BLOCK:
        return float(np.median(part_of(slice(0, size))))
    low, high = extremes(part_of, size, *arrays)
    below, inside, middle = 0, size, [(size - 1) // 2, size // 2]
    while inside > 16 * BLOCK and high > low:
        edges = np.linspace(low, high, BINS + 1)
        counts = np.zeros(BINS, dtype=np.int64)
        for part in blocks(size, *arrays):
            counts += np.histogram(part_of(part), edges)[0]
        first, last = np.searchsorted(below + np.cumsum(counts), middle, side="right").tolist()
        below, inside = below + int(np.sum(counts[:first])), int(np.sum(counts[first : last + 1]))
        if (low, high) == (edges[first], edges[last + 1]):
            break
        low, high = float(edges[first]), float(edges[last + 1])

    def near(part: slice) -> Floats:
        own = part_of(part)
        return np.asarray(own[(own >= low) & (own <= high)])

    return middle_of(*tally(near, size, *arrays), below, size)
