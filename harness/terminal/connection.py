"""One HTTP/1.1 connection to the service: a task at a time, its answer as it comes, and how it ends.

Knows sockets by asyncio and HTTP by llhttp (httptools). Knows no other connection and no judgement: the client has
both. Nothing that the service sends costs more than the task that it answers.
"""

import asyncio
import time
from typing import Protocol

import httptools

from harness.record.tasks import Reason
from harness.terminal.answer import Answer, Judge
from harness.terminal.task import Task

MOST_HEADERS = 1 << 16
"""Bytes of the head of an answer."""
REDIRECTS = (301, 302, 303, 307, 308)


class Owner(Protocol):
    """Who is told what becomes of a connection."""

    def on_open(self, connection: "Connection") -> None:
        """It is there and takes a task."""

    def on_answer(self, connection: "Connection", task: Task, answer: Answer) -> None:
        """The answer is complete; `connection.is_free` says whether another may follow."""

    def on_failed(self, connection: "Connection", task: Task, answer: Answer, reason: Reason) -> None:
        """No complete answer came; the connection is closed."""

    def on_closed(self, connection: "Connection") -> None:
        """It is closed; once for each that was open."""


class Connection(asyncio.Protocol):
    """Keep-alive; `submit` only while `is_free`."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._task: Task | None = None
        self._answer: Answer | None = None
        self._longest = self._head_bytes = 0
        self._has_length = self._in_body = self._is_whole = self._is_closing = self._is_odd = False
        self._blocks: list[bytes] = []
        self._now_ns = 0
        self.location: str | None = None
        """Where the answer redirects to."""
        self.served = 0
        """Answers that came over it."""

    # --- for the client ---

    @property
    def is_free(self) -> bool:
        """Whether it is open and takes a task."""
        return self._task is None and not self._is_closing and self._transport is not None

    def submit(self, task: Task, judge: Judge, request: bytes) -> None:
        """Send a task's request."""
        assert self._transport is not None
        self._task, self._answer = task, Answer(judge)
        self._longest, self._head_bytes = judge.activity.longest_bytes, 0
        self._has_length = self._in_body = self._is_whole = False
        self.location = None
        self._transport.write(request)

    def give_up(self, reason: Reason) -> None:
        """Close it, whatever is under way."""
        self._fail(reason)

    def close(self) -> None:
        """Close it; nothing is under way."""
        self._is_closing = True
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._owner.on_open(self)

    def data_received(self, data: bytes) -> None:
        """A block of the answer."""
        task, answer = self._task, self._answer
        if task is None or answer is None:
            self.close()  # nobody asked for it
            return
        self._now_ns = now_ns = time.monotonic_ns()
        if task.first_byte_ns is None:
            task.first_byte_ns = now_ns
        if not self._in_body:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("garbled")
            return
        blocks, self._blocks = self._blocks, []
        for block in blocks:
            task.bytes_received += len(block)
            if task.bytes_received > self._longest:
                self._fail("body-too-long")
                return
            answer.feed(task, block, now_ns)
        if self._is_whole:
            self._complete(now_ns)
        elif not self._in_body and self._head_bytes > MOST_HEADERS:
            self._fail("garbled")

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by either side."""
        self._is_closing, self._transport = True, None
        if self._task is not None:
            # Without a length the end of the connection is the end of the body (RFC 9112, 6.3).
            if exc is None and self._in_body and not self._has_length:
                self._complete(time.monotonic_ns())
            else:
                self._fail("reset")
        self._owner.on_closed(self)

    # --- httptools; what is raised here would come out as an error of the service ---

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header of the answer."""
        name = name.lower()
        if name == b"location":
            self.location = value.decode("latin-1")
        elif name in (b"content-length", b"transfer-encoding"):
            self._has_length = True

    def on_headers_complete(self) -> None:
        """The status is known; one of 1xx is no answer yet."""
        self._is_odd = self._is_odd or self._is_whole
        if self._task is not None and not self._is_whole:
            self._task.status = self._parser.get_status_code()
            self._in_body = self._task.status >= 200

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self._is_whole:
            self._blocks.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self._is_odd = self._is_odd or not self._parser.should_keep_alive()  # llhttp knows it here, and no later
        self._is_whole = self._in_body
        self._has_length = self._has_length and self._in_body

    # --- the end of a task ---

    def _complete(self, now_ns: int) -> None:
        task, answer = self._task, self._answer
        assert task is not None
        assert answer is not None
        self._task = self._answer = None
        task.completed_ns = now_ns
        self.served += 1
        if self._is_odd:
            self.close()
        self._owner.on_answer(self, task, answer)

    def _fail(self, reason: Reason) -> None:
        task, answer = self._task, self._answer
        self._task = self._answer = None
        self.close()
        if task is not None and answer is not None:
            self._owner.on_failed(self, task, answer, reason)
