"""How far long work is: whoever does it says so here, and who waits for it may listen.

Knows no screen and no clock: one call for each run or file, none between. Without a listener it costs a look.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias, TypeVar

Item = TypeVar("Item")
Listener: TypeAlias = Callable[[str, int, int], None]
"""Takes what is done now, how many of its parts are done, and of how many (0: it cannot be counted)."""
_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def told_to(listener: Listener) -> Iterator[None]:
    """Every step until the context is left is told to the listener."""
    before = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(before)


def step(what: str, done: int = 0, total: int = 0) -> None:
    """Say what is done now."""
    if (listener := _LISTENER.get()) is not None:
        listener(what, done, total)


def steps(what: str, items: Collection[Item]) -> Iterator[Item]:
    """The items one after the other; how many are done is said after each."""
    step(what, 0, len(items))
    for done, item in enumerate(items, 1):
        yield item
        step(what, done, len(items))
