"""Attributes that are too large to keep for every run of a campaign: computed when they are asked for, kept in memory
while there is room, then in a temporary file, and computed again where that has no room either.

Knows how much memory arrays take. Knows no run and no stream. A value that was let go and is asked for again is equal
to the first one (its computation must depend on nothing but its owner), not the same object.
"""

import io
import pickle
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from typing import IO, Any, Generic, TypeVar, overload

import numpy as np

from reports.readings.long import is_on_disk
from reports.results.codec import PLAIN, names_of

ROOM_BYTES = 24 << 20
"""In memory: a campaign of Guldner's size just fits."""
LEAST_KEPT = 4
"""Values that stay in memory whatever they take: the streams of the run that is being computed."""
FILE_BYTES = 1 << 30
"""In the temporary file; thirty runs of a day at 100 readings a second would take 10 GB."""
DISK_BYTES = 8 << 30
"""Of values that lie on disk by themselves (`long.py`)."""
WITHOUT_ARRAYS = PLAIN | {bytes}
Value = TypeVar("Value")


class Store:
    """Values by owner and attribute, the one that was used longest ago first."""

    def __init__(self) -> None:
        self._values: OrderedDict[tuple[int, str], tuple[Any, int, int]] = OrderedDict()
        self._watched: set[tuple[int, str]] = set()
        self._laid_down = LaidDown()
        self.taken_bytes = self.disk_bytes = 0

    def value(self, owner: object, name: str, compute: Callable[[Any], Value]) -> Value:
        """What `compute` makes of the owner, now or before."""
        key = id(owner), name
        if key in self._values:
            self._values.move_to_end(key)
            known: Value = self._values[key][0]
            return known
        value: Value = self._laid_down.read(key) if key in self._laid_down else compute(owner)
        if key not in self._watched:
            self._watched.add(key)
            weakref.finalize(owner, self._forget, key)
        taken_bytes, disk_bytes = size_bytes(value), size_bytes(value, on_disk=True)
        self._values[key] = value, taken_bytes, disk_bytes
        self.taken_bytes += taken_bytes
        self.disk_bytes += disk_bytes
        while self.taken_bytes > ROOM_BYTES and len(oldest := self._oldest(on_disk=False)) > LEAST_KEPT:
            self._laid_down.write(oldest[0], self._values[oldest[0]][0])
            self._drop(oldest[0])
        while self.disk_bytes > DISK_BYTES and len(oldest := self._oldest(on_disk=True)) > LEAST_KEPT:
            self._drop(oldest[0])
        return value

    def _oldest(self, *, on_disk: bool) -> list[tuple[int, str]]:
        return [key for key, (_, _, disk_bytes) in self._values.items() if (disk_bytes > 0) == on_disk]

    def _forget(self, key: tuple[int, str]) -> None:
        self._watched.discard(key)
        self._drop(key)
        self._laid_down.forget(key)

    def _drop(self, key: tuple[int, str]) -> None:
        _, taken_bytes, disk_bytes = self._values.pop(key, (None, 0, 0))
        self.taken_bytes -= taken_bytes
        self.disk_bytes -= disk_bytes


class LaidDown:
    """Values in a temporary file that no name leads to: it goes with the process. What does not fit is not kept."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._places: dict[tuple[int, str], tuple[int, int]] = {}
        self._end = 0

    def __contains__(self, key: tuple[int, str]) -> bool:
        return key in self._places

    def write(self, key: tuple[int, str], value: object) -> None:
        """Keep a value, where it is not there and there is room for it."""
        if key in self._places or size_bytes(value) > FILE_BYTES - self._end:
            return
        content = io.BytesIO()
        _Pickler(content, pickle.HIGHEST_PROTOCOL).dump(value)
        try:
            self._file = self._file or tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the process
            self._file.seek(self._end)
            self._file.write(content.getbuffer())
            self._file.flush()
        except OSError:
            return  # no room on the disk: it is computed again
        self._places[key] = self._end, content.tell()
        self._end += content.tell()

    def read(self, key: tuple[int, str]) -> Any:  # noqa: ANN401  whatever was laid down
        """A value that is there."""
        assert self._file is not None
        begin, length = self._places[key]
        self._file.seek(begin)
        return pickle.loads(self._file.read(length))

    def forget(self, key: tuple[int, str]) -> None:
        """Let a value go, and the file with the last one."""
        self._places.pop(key, None)
        if not self._places and self._file is not None:
            self._file.close()
            self._file, self._end = None, 0


class _Pickler(pickle.Pickler):
    """One value for all of an array that is `compact`."""

    def reducer_override(self, value: Any) -> Any:  # noqa: ANN401  whatever is laid down
        """How an object is written."""
        if isinstance(value, np.ndarray) and value.size > 1 and not any(value.strides):
            return np.broadcast_to, (value[(0,) * value.ndim].copy(), value.shape)
        return NotImplemented


STORE = Store()


class held(Generic[Value]):  # noqa: N801  used as property is
    """Like functools.cached_property, for values of many arrays; the owner is not changed."""

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute = compute
        self._name = ""
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, owner: None, kind: type) -> "held[Value]": ...
    @overload
    def __get__(self, owner: object, kind: type) -> Value: ...
    def __get__(self, owner: object | None, kind: type) -> "held[Value] | Value":
        return self if owner is None else STORE.value(owner, self._name, self._compute)


def size_bytes(value: Any, *, on_disk: bool = False) -> int:  # noqa: ANN401  whatever an attribute may be
    """What the arrays in a value take (bytes), in memory or on disk."""
    if isinstance(value, np.ndarray):
        if is_on_disk(value) != on_disk:
            return 0
        return int(value.itemsize if 0 in value.strides else value.nbytes)
    if type(value) in WITHOUT_ARRAYS:
        return 0
    if isinstance(value, Mapping):
        return sum(size_bytes(one, on_disk=on_disk) for one in value.values())
    if isinstance(value, Sequence):
        return sum(size_bytes(one, on_disk=on_disk) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return sum([size_bytes(getattr(value, name), on_disk=on_disk) for name in names_of(type(value))])
    return 0
