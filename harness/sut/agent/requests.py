"""The host's requests: what each operation of the protocol does, and its answer.

Knows the operations (drawn in `harness.sut.agent`) and what was answered before. Does not know how a line arrives.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from harness.sut.agent.clients import Clients
from harness.sut.agent.connection import Connection
from harness.sut.agent.journal import Journal
from harness.sut.agent.lines import json_value, value_of
from harness.sut.agent.own_time import OwnTime
from harness.sut.agent.rating import Rating
from harness.sut.agent.sampling import Sampling

PONG = b'{"id":%s,"sut_ns":%d,"sut_wall_ns":%d,"sut_boot_ns":%d}\n'


class Requests:
    """One request a line; `heard_ns` is when the host last said one. `end` ends the agent, for a reason."""

    def __init__(
        self,
        journal: Journal,
        clients: Clients,
        sampling: Sampling,
        rating: Rating,
        own: OwnTime,
        end: Callable[[str], None],
    ) -> None:
        self._journal, self._clients, self._sampling = journal, clients, sampling
        self._rating, self._own, self._end = rating, own, end
        self._answers: dict[Any, dict[str, Any]] = {}
        self.heard_ns = time.monotonic_ns()
        self._is_awaited = True

    def take(self, connection: Connection, line: bytes) -> None:
        """Do what a line asks and queue the answer."""
        sut_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        try:
            request = value_of(line)
            identity, operation = request["id"], request["op"]
        except (ValueError, KeyError, TypeError):
            connection.send({"error": f"expected a JSON object with id and op, found {ascii(line)[:80]}"})
            return
        if operation == "status":
            connection.send({"id": identity, **self._status(sut_ns)})
            return
        if operation == "hello":
            self._is_awaited = False
            self._clients.adopt(connection)
            self._own.follow_relay(connection.pid)
        elif connection is not self._clients.host:
            connection.send({"id": identity, "error": "say hello first"})
            return
        self.heard_ns, self._journal.urgent = sut_ns, True
        if operation == "ping":
            boot_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            connection.send_line(PONG % (json_value(identity), sut_ns, wall_ns, boot_ns))
        else:
            self._answer_once(connection, identity, operation, request)

    def _answer_once(self, connection: Connection, identity: Any, operation: str, request: dict[str, Any]) -> None:
        if identity not in self._answers:
            self._answers[identity] = self._answer(operation, request)
        connection.send({"id": identity, **self._answers[identity]})
        if operation == "hello" and "error" not in self._answers[identity]:
            # Behind its answer, so that the host knows the stream from here on.
            connection.offset = request["offset"]

    def _status(self, now_ns: int) -> dict[str, Any]:
        heard_s = (now_ns - self.heard_ns) / 1e9
        is_connected = self._clients.host is not None or self._is_awaited  # who started it is on the way
        return {"pid": os.getpid(), "connected": is_connected, "heard_s": heard_s, "rating": self._rating.is_running}

    def _answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            if operation == "hello":
                return self._hello(request["offset"])
            if operation == "rate":
                argv, env, cwd, duration_s = (request[key] for key in ("argv", "env", "cwd", "duration_s"))
                return self._rating.begin(argv, env, cwd, duration_s, request.get("service", False))
            if operation == "kill":
                self._rating.kill("killed by the host")
                return {}
            if operation == "finish":
                return self._finish()
            if operation == "bye":
                self._end("the host said bye")
                return {}
        except (KeyError, TypeError, AttributeError) as error:
            return {"error": f"request {operation}: {type(error).__name__}: {error}"}
        return {"error": f"unknown operation {ascii(operation)[:40]}"}

    def _hello(self, offset: object) -> dict[str, Any]:
        if not isinstance(offset, int) or not 0 <= offset <= self._journal.size:
            return {"error": f"offset {ascii(offset)[:40]} is outside the journal (0 to {self._journal.size})"}
        return {"size": self._journal.size, "fault": self._journal.fault}

    def _finish(self) -> dict[str, Any]:
        if self._rating.is_running:
            return {"error": "the rating interval still runs; kill it or wait for its end"}
        if self._sampling.is_on:
            self._sampling.finish()
            self._journal.flush()
        return {"size": self._journal.size}
