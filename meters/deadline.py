"""A point in monotonic time that the steps of one exchange share.

Knows: the clock of the host. Does not know: what is waited for.
"""

from __future__ import annotations

from meters import host


class Deadline:
    """A point in monotonic time that several steps share."""

    __slots__ = ("_end_s",)

    def __init__(self, timeout_s: float) -> None:
        self._end_s = host.monotonic() + timeout_s

    @property
    def left_s(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self._end_s - host.monotonic())

    @property
    def expired(self) -> bool:
        """Whether the time is over."""
        return self.left_s <= 0.0
