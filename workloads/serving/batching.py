"""A queue of requests, the policy by which batches are taken from it, and the log of the batches.

Knows waiting, sizes and stamps; knows no request's content, no network and no HTTP. Standard library only.

Yarally (chapter 4) has two policies: a fixed size (the batch waits until it is full) and greedy (whatever waits is
taken as soon as the network is free, up to a limit). A hold limit mends what the thesis names as the danger of the
first: no request is held longer than so.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

Request = TypeVar("Request")
GREEDY = "greedy"


@dataclass(frozen=True, slots=True)
class Policy:
    """A batch is taken when `least` requests wait, or the oldest has waited for `hold_limit_s`; `most` at a time."""

    least: int
    most: int
    hold_limit_s: float = math.inf


def policy_of(batching: str, most: int, hold_limit_s: float) -> Policy:
    """The policy of the parameters: `batching` is `greedy` or a size, `hold_limit_s` 0 is no limit. A greedy service
    with a hold limit waits for `most`.

    Raises:
        ValueError: a sentence that names the parameter.
    """
    limit_s = hold_limit_s or math.inf
    if not (hold_limit_s >= 0 and math.isfinite(hold_limit_s)):
        raise ValueError(f"hold_limit_s: found {hold_limit_s!r}, expected seconds, or 0 for no limit")
    if batching == GREEDY:
        if most < 1:
            raise ValueError(f"greedy_most: found {most!r}, expected 1 or more")
        return Policy(1 if math.isinf(limit_s) else most, most, limit_s)
    if not batching.isdecimal() or not 1 <= int(batching) <= 1 << 16:
        raise ValueError(f'batching: found {batching!r}, expected "{GREEDY}" or a size such as "32"')
    return Policy(int(batching), int(batching), limit_s)


@dataclass(frozen=True, slots=True)
class Batch(Generic[Request]):
    """Requests that are processed together. `hold_ns`: how long the oldest had waited; `waited`: how many waited when
    it was taken, those of the batch among them."""

    requests: tuple[Request, ...]
    hold_ns: int
    waited: int


class BatchQueue(Generic[Request]):
    """Requests in the order of their arrival; one thread puts, one takes."""

    def __init__(self, policy: Policy, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._policy, self._clock_ns = policy, clock_ns
        self._waiting: deque[tuple[int, Request]] = deque()
        self._changed = threading.Condition()
        self._is_closed = False

    def put(self, request: Request) -> None:
        """Append a request."""
        with self._changed:
            self._waiting.append((self._clock_ns(), request))
            self._changed.notify()

    def close(self) -> None:
        """No batch is taken any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def take(self) -> Batch[Request] | None:
        """The next batch, as soon as the policy gives one; None where the queue was closed."""
        with self._changed:
            while not self._is_closed:
                left_s = self._left_s()
                if left_s <= 0:
                    return self._batch(self._policy.most)
                self._changed.wait(None if math.isinf(left_s) else left_s)
        return None

    def poll(self, most: int) -> Batch[Request] | None:
        """What waits, up to `most`, whatever the policy says; None where nothing does."""
        with self._changed:
            return self._batch(most) if self._waiting and most > 0 else None

    def _left_s(self) -> float:
        """How long until a batch is due: 0 or less, it is; infinite: not before more requests come."""
        if len(self._waiting) >= self._policy.least:
            return 0.0
        if not self._waiting or math.isinf(self._policy.hold_limit_s):
            return math.inf
        return self._policy.hold_limit_s - (self._clock_ns() - self._waiting[0][0]) * 1e-9

    def _batch(self, most: int) -> Batch[Request]:
        waited, oldest_ns = len(self._waiting), self._waiting[0][0]
        requests = tuple(self._waiting.popleft()[1] for _ in range(min(waited, most)))
        return Batch(requests, self._clock_ns() - oldest_ns, waited)


class BatchLog:
    """batches.csv: a row a batch, written as soon as it is processed (docs/ratings.md)."""

    NAME = "batches.csv"
    COLUMNS = ("begin_ns", "end_ns", "size", "hold_ns", "queue")

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / self.NAME).open("w", encoding="ascii", buffering=1)
        self._file.write(",".join(self.COLUMNS) + "\n")

    def write(self, begin_ns: int, end_ns: int, size: int, hold_ns: int, waited: int) -> None:
        """A batch was processed from `begin_ns` to `end_ns` (the monotonic clock)."""
        self._file.write(f"{begin_ns},{end_ns},{size},{hold_ns},{waited}\n")
