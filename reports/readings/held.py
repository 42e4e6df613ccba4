"""Attributes that are too large to keep for every run of a campaign: computed when they are asked for, kept while there
is room, computed again afterwards.

Knows how much memory arrays take. Knows no run and no stream. A value that was let go and is asked for again is equal
to the first one (its computation must depend on nothing but its owner), not the same object.
"""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, Generic, TypeVar, overload

import numpy as np

from reports.results.codec import PLAIN, names_of

ROOM_BYTES = 1 << 30
"""A campaign of Guldner's size just fits; thirty runs of a day at 100 readings a second would take 10 GB."""
WITHOUT_ARRAYS = PLAIN | {bytes}
Value = TypeVar("Value")


class Store:
    """Values by owner and attribute, the one that was used longest ago first."""

    def __init__(self) -> None:
        self._values: OrderedDict[tuple[int, str], tuple[Any, int]] = OrderedDict()
        self._watched: set[tuple[int, str]] = set()
        self.taken_bytes = 0

    def value(self, owner: object, name: str, compute: Callable[[Any], Value]) -> Value:
        """What `compute` makes of the owner, now or before."""
        key = id(owner), name
        if key in self._values:
            self._values.move_to_end(key)
            known: Value = self._values[key][0]
            return known
        value = compute(owner)
        if key not in self._watched:
            self._watched.add(key)
            weakref.finalize(owner, self._forget, key)
        self._values[key] = value, size_bytes(value)
        self.taken_bytes += self._values[key][1]
        while self.taken_bytes > ROOM_BYTES and len(self._values) > 1:
            self._drop(next(iter(self._values)))
        return value

    def _forget(self, key: tuple[int, str]) -> None:
        self._watched.discard(key)
        self._drop(key)

    def _drop(self, key: tuple[int, str]) -> None:
        _, taken_bytes = self._values.pop(key, (None, 0))
        self.taken_bytes -= taken_bytes


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


def compact(values: "np.ndarray[Any, np.dtype[Any]]") -> "np.ndarray[Any, np.dtype[Any]]":
    """The same array; one whose values are all alike takes the memory of one of them, and cannot be written to."""
    alike = values.size > 1 and bool((values == values[0]).all())
    return np.broadcast_to(values[:1].copy()[0], values.shape) if alike else values


def size_bytes(value: Any) -> int:  # noqa: ANN401  whatever an attribute may be
    """What the arrays in a value take (bytes)."""
    if isinstance(value, np.ndarray):
        return int(value.itemsize if 0 in value.strides else value.nbytes)
    if type(value) in WITHOUT_ARRAYS:
        return 0
    if isinstance(value, Mapping):
        return sum(map(size_bytes, value.values()))
    if isinstance(value, Sequence):
        return sum(map(size_bytes, value))
    if is_dataclass(value) and not isinstance(value, type):
        return sum([size_bytes(getattr(value, name)) for name in names_of(type(value))])
    return 0
