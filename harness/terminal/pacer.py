"""Time: what is due when, on the absolute monotonic clock, to some ten microseconds.

Knows due times and whoever waits for them. Knows no task. asyncio's own timers wait whole milliseconds (epoll_wait), so
due times wake the loop by a timerfd: Linux ends its wait by the high resolution clock, and no second thread has to wait
for Python's lock (decision 0040).
"""

import asyncio
import contextlib
import ctypes
import heapq
import os
import time
from collections.abc import Callable

CLOCK_MONOTONIC, TFD_TIMER_ABSTIME, TFD_FLAGS = 1, 1, os.O_NONBLOCK | os.O_CLOEXEC
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Times(ctypes.Structure):
    """`struct itimerspec` of timerfd_settime(2): interval, then the first expiry, each as seconds and ns."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("s", ctypes.c_long),
        ("ns", ctypes.c_long),
    )


class Pacer:
    """A queue of what is due; each is called with its due time as soon as that has come. `late` hears how late each
    was (ns)."""

    def __init__(self, loop: asyncio.AbstractEventLoop, late: Callable[[int], None]) -> None:
        self._loop, self._late = loop, late
        self._queue: list[tuple[int, int, Callable[[int], None]]] = []
        self._number = 0
        self._armed_ns = 0
        self._is_waking = False
        self._timer = _LIBC.timerfd_create(CLOCK_MONOTONIC, TFD_FLAGS)
        if self._timer < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        self._times = _Times(0, 0, 0, 0)
        self._pointer = ctypes.byref(self._times)
        loop.add_reader(self._timer, self._wake)

    def at(self, due_ns: int, call: Callable[[int], None]) -> None:
        """Call at a time of the monotonic clock; what is due already is called next."""
        self._number += 1
        heapq.heappush(self._queue, (due_ns, self._number, call))
        if not self._is_waking and self._queue[0][0] != self._armed_ns:
            self._arm()

    def clear(self) -> None:
        """Forget all that is still to come."""
        self._queue.clear()

    def close(self) -> None:
        """Let go of the timer."""
        self.clear()
        self._loop.remove_reader(self._timer)
        os.close(self._timer)

    def _arm(self) -> None:
        self._armed_ns = self._queue[0][0]
        # 0 would disarm it.
        self._times.s, self._times.ns = divmod(max(self._armed_ns, 1), 1_000_000_000)
        _LIBC.timerfd_settime(self._timer, TFD_TIMER_ABSTIME, self._pointer, None)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._timer, 8)
        queue, late = self._queue, self._late
        self._armed_ns, self._is_waking = 0, True
        try:
            while queue and queue[0][0] <= (now_ns := time.monotonic_ns()):
                due_ns, _, call = heapq.heappop(queue)
                late(now_ns - due_ns)
                call(due_ns)
        finally:
            self._is_waking = False
        if queue:
            self._arm()
