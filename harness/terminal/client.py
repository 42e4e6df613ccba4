"""The connections to a service: as many as there are tasks under way, kept alive, bounded; and the end of every task.

Knows requests, answers, limits of time, redirects. Knows no user and no schedule: each task says whom to tell.
"""

import asyncio
import contextlib
import errno
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from harness.record.tasks import Reason
from harness.terminal.answer import Answer, Judge
from harness.terminal.connection import REDIRECTS, Connection
from harness.terminal.endpoint import Endpoint
from harness.terminal.request import Request
from harness.terminal.task import Task


@dataclass(frozen=True, slots=True)
class Asked:
    """One activity, ready: its requests, how its answers are read, after how long they are given up (ns)."""

    request: Request
    judge: Judge
    timeout_ns: int


class Client:
    """Puts tasks on a service. Every task that is handed over is over at some time, and `over` hears of it, with the
    answer as far as it came."""

    def __init__(
        self,
        endpoint: Endpoint,
        asked: Mapping[str, Asked],
        most_connections: int,
        over: Callable[[Task, Answer | None], None],
    ) -> None:
        self._endpoint, self._asked, self._most, self._over = endpoint, asked, most_connections, over
        self._loop = asyncio.get_running_loop()
        self._tls = ssl.create_default_context() if endpoint.is_tls else None
        self._idle: list[Connection] = []
        self._busy: dict[Task, Connection] = {}
        self._waiting: deque[Task] = deque()
        self._queued = 0
        self._again: dict[Task, tuple[str | None, int]] = {}
        """Of tasks that are put again: the path of a redirect, and how often they were redirected."""
        self._due: dict[str, deque[Task]] = {name: deque() for name in asked}
        self._opening: set[asyncio.Task[None]] = set()
        self.open = 0
        """Connections that are open."""
        self.errors = 0
        """Connections that failed."""
        self.submitted = 0
        """Tasks of which the first byte was sent."""
        self._is_closing = False

    @property
    def queued(self) -> int:
        """Tasks that wait for a connection."""
        return self._queued

    def put(self, task: Task) -> None:
        """Send a task as soon as there is a connection."""
        self._due[task.task_type].append(task)
        self._queued += 1
        self._waiting.append(task)
        self._serve()

    def give_up_late(self, now_ns: int) -> None:
        """End the tasks whose time is over."""
        for name, tasks in self._due.items():
            limit_ns = now_ns - self._asked[name].timeout_ns
            while tasks and (tasks[0].is_over or tasks[0].intended_ns < limit_ns):
                self._give_up(tasks.popleft(), "timeout")

    def close(self) -> None:
        """End what is under way as `cut`, and every connection."""
        self._is_closing = True
        for tasks in self._due.values():
            while tasks:
                self._give_up(tasks.popleft(), "cut")
        for connection in self._idle:
            connection.close()
        for opening in self._opening:
            opening.cancel()

    # --- what connections tell ---

    def on_open(self, connection: Connection) -> None:
        """One more."""
        self.open += 1
        self._idle.append(connection)
        self._serve()

    def on_closed(self, connection: Connection) -> None:
        """One less."""
        self.open -= 1
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)
        if not self._is_closing:
            self._serve()

    def on_answer(self, connection: Connection, task: Task, answer: Answer) -> None:
        """A task is complete, or redirected."""
        del self._busy[task]
        if connection.is_free:
            self._idle.append(connection)
        asked = self._asked[task.task_type]
        if task.status in REDIRECTS and asked.judge.activity.redirects and connection.location is not None:
            self._redirect(task, answer, connection.location)
        else:
            asked.judge.judge(task, answer)
            self._end(task, answer)
        self._serve()

    def on_failed(self, connection: Connection, task: Task, answer: Answer, reason: Reason) -> None:
        """A task was cut off. One over a connection that was kept alive and closed before the first byte is put once
        more: the service closed it before it saw the request (RFC 9112, 9.3.1)."""
        del self._busy[task]
        self.errors += reason in ("reset", "garbled")
        if reason == "reset" and connection.served and task.first_byte_ns is None and task not in self._again:
            self._again[task] = (None, 0)
            self._queued += 1
            self._waiting.appendleft(task)
            self._serve()
            return
        self._fail(task, reason, answer)

    # --- inside ---

    def _serve(self) -> None:
        """Give waiting tasks connections; open what is missing."""
        while self._waiting:
            task = self._waiting[0]
            if task.is_over:
                self._waiting.popleft()
                continue
            connection = self._free()
            if connection is None:
                break
            self._waiting.popleft()
            self._queued -= 1
            self._submit(connection, task)
        room = self._most - self.open - len(self._opening)
        for _ in range(min(self._queued - len(self._opening), room)):
            opening = self._loop.create_task(self._open())
            self._opening.add(opening)

    def _free(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_free:
                return connection
        return None

    def _submit(self, connection: Connection, task: Task) -> None:
        asked = self._asked[task.task_type]
        path, _ = self._again.get(task, (None, 0))
        request = asked.request.of(task, path)
        if task.submitted_ns is None:
            self.submitted += 1
            task.submitted_ns = time.monotonic_ns()
        self._busy[task] = connection
        connection.submit(task, asked.judge, request)

    async def _open(self) -> None:
        this = asyncio.current_task()
        try:
            await self._loop.create_connection(
                lambda: Connection(self), self._endpoint.host, self._endpoint.port, ssl=self._tls,
                server_hostname=self._endpoint.host if self._tls else None,
            )  # fmt: skip
        except (OSError, ssl.SSLError) as error:
            self.errors += 1
            self._opening.discard(this)
            refused = getattr(error, "errno", None) == errno.ECONNREFUSED
            self._fail_one("refused" if refused else "unreachable")
        finally:
            self._opening.discard(this)

    def _fail_one(self, reason: Reason) -> None:
        """A connection that failed costs the task that has waited longest."""
        while self._waiting:
            task = self._waiting.popleft()
            if not task.is_over:
                self._queued -= 1
                self._fail(task, reason, None)
                return

    def _redirect(self, task: Task, answer: Answer, location: str) -> None:
        path, count = self._again.get(task, (None, 0))
        scheme = "https" if self._tls else "http"
        here = f"{scheme}://{self._endpoint.authority}"
        there = urlsplit(urljoin(here + (path or "/"), location))
        same = (there.scheme, there.netloc) == (scheme, self._endpoint.authority)
        if not same or count >= self._asked[task.task_type].judge.activity.redirects or not there.path.isascii():
            self._fail(task, "redirects", answer)
            return
        self._again[task] = (there.path + (f"?{there.query}" if there.query else ""), count + 1)
        task.completed_ns, task.first_byte_ns, task.bytes_received = None, None, 0
        self._queued += 1
        self._waiting.appendleft(task)

    def _give_up(self, task: Task, reason: Reason) -> None:
        if task.is_over:
            return
        if (connection := self._busy.get(task)) is not None:
            connection.give_up(reason)
        else:
            self._queued -= 1  # it stays among those that wait until it is its turn, and is passed over
            self._fail(task, reason, None)

    def _fail(self, task: Task, reason: Reason, answer: Answer | None) -> None:
        task.reason, task.completed_ns = reason, None
        if self._asked[task.task_type].judge.activity.oracle is not None:
            task.correct = False
        self._end(task, answer)

    def _end(self, task: Task, answer: Answer | None) -> None:
        task.is_over, task.over_ns = True, task.completed_ns or time.monotonic_ns()
        self._again.pop(task, None)
        self._over(task, answer)
        task.on_over(task)
