"""What an HTTP service here is made of: a request's JSON, an answer, a stream of events, a server that ends itself.

Knows ASGI and the server uvicorn (docs/decisions/0046), and the thread that does the work. Knows no model.
"""

from __future__ import annotations

import json
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import uvicorn
from worker import Worker

Json: TypeAlias = dict[str, Any]
Send: TypeAlias = Callable[[Json], Awaitable[None]]
Receive: TypeAlias = Callable[[], Awaitable[Json]]
Application: TypeAlias = Callable[[Json, Receive, Send], Awaitable[None]]
LONGEST_BYTES = 16 << 20
"""Of a request."""


class Refused(Exception):
    """A request that is not answered; `status` says why, the message in one sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def json_of(receive: Receive) -> Json:
    """The JSON object of a request.

    Raises:
        Refused: it is none, or longer than `LONGEST_BYTES`.
    """
    body, goes_on = b"", True
    while goes_on:
        event = await receive()
        body += event.get("body", b"")
        goes_on = event.get("more_body", False)
        if len(body) > LONGEST_BYTES:
            raise Refused(413, f"longer than {LONGEST_BYTES} bytes")
    try:
        found = json.loads(body)
    except ValueError as error:
        raise Refused(400, f"expected JSON and nothing behind it, such as binary tensors ({error})") from error
    if not isinstance(found, dict):
        raise Refused(400, "expected a JSON object")
    return found


async def answer(send: Send, content: Json, status: int = 200) -> None:
    """Answer with a JSON object."""
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def stream(send: Send, events: AsyncIterator[Json]) -> None:
    """Answer with events as they come, and the word that ends OpenAI's streams."""
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async for event in events:
        await send(
            {"type": "http.response.body", "body": b"data: %s\n\n" % json.dumps(event).encode(), "more_body": True}
        )
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


def plain_refusal(message: str) -> Json:
    """A refusal as the Open Inference Protocol has it."""
    return {"error": message}


def guarded(application: Application, refusal: Callable[[str], Json]) -> Application:
    """The same, with an error as an answer in the form of `refusal`."""

    async def call(scope: Json, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            await application(scope, receive, send)
        except Refused as refused:
            await answer(send, refusal(str(refused)), refused.status)

    return call


def _server(application: Application, host: str, port: int) -> uvicorn.Server:
    """A server of one process that logs no request, with as many connections as the system lets it have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return uvicorn.Server(
        uvicorn.Config(
            application, host=host, port=port, http="httptools", loop="asyncio", lifespan="off",
            log_level="error", access_log=False, backlog=4096, timeout_keep_alive=600, timeout_graceful_shutdown=1,
        )
    )  # fmt: skip


def served(
    application: Callable[[Worker], Application],
    work: Callable[[Callable[[], None]], None],
    host: str,
    port: int,
    refusal: Callable[[str], Json] = plain_refusal,
) -> int:
    """Serve until the process is ended; 1 where its work failed. `work` is the thread's, as `Worker` has it."""

    def stop() -> None:
        running.should_exit = True

    worker = Worker(work, stop)
    running = _server(guarded(application(worker), refusal), host, port)
    worker.start()
    running.run()
    return 1 if worker.is_broken else 0
