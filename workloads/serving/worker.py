"""The thread that loads a model and works through a queue, beside the event loop that talks to those who ask.

Knows both sides' hand-over. Knows no model and no HTTP. A model that cannot be loaded, or fails, ends the service.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from batching import BatchLog, BatchQueue

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Asked(Generic[Question, Answer]):
    """A question, and where its answer is waited for."""

    question: Question
    answer: asyncio.Future[Answer]


class Worker:
    """A thread that does the service's work. `work`: loads, calls what it is given as soon as it is ready, and works
    for as long as the process lives; `failed`: called from the thread when that is over."""

    def __init__(self, work: Callable[[Callable[[], None]], None], failed: Callable[[], None]) -> None:
        self._work, self._failed = work, failed
        self.is_ready = False
        self.is_broken = False

    def start(self) -> None:
        """Begin to load; the thread ends with the process."""
        threading.Thread(target=self._run, name="worker", daemon=True).start()

    def _run(self) -> None:
        try:
            self._work(self._on_ready)
        except Exception as error:
            print(f"{sys.argv[0]}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            self.is_broken = True
            self._failed()

    def _on_ready(self) -> None:
        self.is_ready = True


async def answered(queue: BatchQueue[Asked[Question, Answer]], question: Question) -> Answer:
    """Wait for the answer to a question."""
    answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    queue.put(Asked(question, answer))
    return await answer


def answer_batches(
    queue: BatchQueue[Asked[Question, Answer]],
    log: BatchLog,
    process: Callable[[Sequence[Question]], Sequence[Answer]],
) -> None:
    """Answer batch after batch until the queue is closed."""
    while (batch := queue.take()) is not None:
        begin_ns = time.monotonic_ns()
        answers = process([asked.question for asked in batch.requests])
        log.write(begin_ns, time.monotonic_ns(), len(answers), batch.hold_ns, batch.waited)
        loop = batch.requests[0].answer.get_loop()
        loop.call_soon_threadsafe(_hand_over, batch.requests, answers)


def _hand_over(requests: Sequence[Asked[Question, Answer]], answers: Sequence[Answer]) -> None:
    for asked, answer in zip(requests, answers, strict=True):
        if not asked.answer.done():  # who asked may be gone
            asked.answer.set_result(answer)
