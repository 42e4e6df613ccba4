"""The emulator: a population's load on a service, from the begin of stabilization to the end of the supplementary run.

Knows the phases' order, and when the last task is complete. Knows no run and no scenario: `Order` says all.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.record.activity import Activity
from harness.record.population import Population
from harness.terminal.answer import Answer, Judge
from harness.terminal.client import Asked, Client
from harness.terminal.endpoint import Endpoint
from harness.terminal.interval import Interval
from harness.terminal.keys import key_of
from harness.terminal.ledger import Ledger
from harness.terminal.pacer import Pacer
from harness.terminal.request import Request
from harness.terminal.task import Task
from harness.terminal.users import begin_load

BEAT_NS = 10_000_000
"""Limits of time are looked at so often, and the lateness of this beat is that of the emulator where no task is due."""
SECOND_NS = 1_000_000_000

Tell = Callable[[dict[str, Any]], None]
"""Told the edges of the rating interval as they come, and the end."""


@dataclass(frozen=True, slots=True)
class Order:
    """What an emulator does: which population (its file), with which draws, on which service; recorded arrivals."""

    population: Population
    file: Path
    seed: int
    endpoint: Endpoint
    trace_ns: Sequence[int]

    def activity_of(self, task_type: str) -> Activity:
        """What a task type asks."""
        return self.population.activities[self.population.task_types[task_type].activity]

    def keys(self) -> dict[str, str | None]:
        """Activity -> its key. Raises ConfigError."""
        return {
            name: key_of(activity, f"{self.file}: activities.{name}")
            for name, activity in self.population.activities.items()
        }

    def asked(self, keys: dict[str, str | None]) -> dict[str, Asked]:
        """Task type -> how it is asked. Raises ConfigError."""
        found = {}
        for name, task_type in self.population.task_types.items():
            activity, where = self.activity_of(name), f"{self.file}: activities.{task_type.activity}"
            key = keys[task_type.activity]
            request = Request(activity, self.file.parent, self.endpoint.authority, self.seed, key, where)
            found[name] = Asked(request, Judge(activity), round(activity.timeout_s * 1e9))
        return found


class Emulator:
    """One load; `run` makes it, once."""

    def __init__(self, order: Order, asked: dict[str, Asked], ledger: Ledger, tell: Tell) -> None:
        self.population = order.population
        self._order, self._asked, self._ledger, self._tell = order, asked, ledger, tell
        self._keeps = {name for name in asked if order.activity_of(name).keep == "text"}
        self._most = 0 if order.population.load is None else order.population.load.requests
        self._number = self._rated = self._rating_open = self._failed = self._cut = 0
        self._has_ended = False

    async def run(self, begin_ns: int) -> None:
        """The whole load; stabilization begins at `begin_ns`.

        Raises:
            LabError: the disk refuses. Whatever else is raised while it runs is a bug, and ends it.
        """
        loop = asyncio.get_running_loop()
        self._over: asyncio.Future[str] = loop.create_future()
        loop.set_exception_handler(self._on_exception)
        self.interval = Interval(self.population, begin_ns)
        self.clock = Pacer(loop, self._ledger.late)
        self._client = Client(self._order.endpoint, self._asked, self.population.connections, self._on_over)
        try:
            for time_ns, call in (
                (begin_ns, self._begin),
                (self.interval.rating_begin_ns, partial(self._edge, "begin")),
                (self.interval.rating_end_ns, self._end_rating),
            ):
                self.clock.at(time_ns, call)
            ended = await self._over
        finally:
            self.clock.clear()
            self._client.close()
            await asyncio.sleep(0)  # connections that were closed tell so
            self._ledger.flush(time.monotonic_ns())
            self.clock.close()
        self._ledger.second(time.monotonic_ns(), self._client)
        counts = {"tasks": self._number, "rated": self._rated, "failed": self._failed, "cut": self._cut}
        self._tell({"ended": ended, **counts, "errors": self._client.errors})

    def put(self, task: Task) -> None:
        """A task is submitted; none any more once the load has ended."""
        if self._over.done():
            return
        task.number, self._number = self._number, self._number + 1
        task.phase = self.interval.phase_of(task.intended_ns)
        if task.phase == "rating":
            self._rated += 1
            self._rating_open += 1
            if self._rated == self._most:
                self.interval.end_after(task.intended_ns)
                self._end_rating(self.interval.rating_end_ns)
        self._client.put(task)

    def _begin(self, due_ns: int) -> None:
        begin_load(self, self._order.seed, self._order.trace_ns)
        self.clock.at(due_ns + BEAT_NS, self._beat)
        self.clock.at(due_ns + SECOND_NS, self._second)

    def _beat(self, due_ns: int) -> None:
        now_ns = time.monotonic_ns()
        self._client.give_up_late(now_ns)
        self._ledger.beat(now_ns)
        # Beats that a stall covered are not made up for.
        self.clock.at(max(due_ns, now_ns - BEAT_NS) + BEAT_NS, self._beat)

    def _second(self, due_ns: int) -> None:
        self._ledger.second(due_ns, self._client)
        self.clock.at(due_ns + SECOND_NS, self._second)

    def _edge(self, edge: str, due_ns: int) -> None:
        self._tell({"rating": edge, "time_ns": due_ns})

    def _end_rating(self, due_ns: int) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        self._edge("end", due_ns)
        self.clock.at(self.interval.last_ns, lambda _: self._finish("limit"))
        self._end_when_complete()

    def _end_when_complete(self) -> None:
        if self._has_ended and not self._rating_open:
            self._finish("complete")

    def _finish(self, how: str) -> None:
        if not self._over.done():
            self.clock.clear()
            self._over.set_result(how)

    def _on_over(self, task: Task, answer: Answer | None) -> None:
        is_rated = task.phase == "rating"
        self._failed += is_rated and task.reason is not None
        self._cut += is_rated and task.reason == "cut"
        self._ledger.add(task, answer, keep=task.task_type in self._keeps)
        if is_rated:
            self._rating_open -= 1
            self._end_when_complete()

    def _on_exception(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not self._over.done():
            error = context.get("exception")
            self._over.set_exception(error or RuntimeError(str(context.get("message"))))
