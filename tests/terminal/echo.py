"""A service of known behaviour in a process of its own: known delay, and each thing that can go wrong with an answer.

`python -m tests.terminal.echo PORT [stall] [record=FILE]` serves; `Echo` starts it.
Paths: `/` (40 bytes of JSON), `/delay/MS`,
`/status/N`, `/reset`, `/hang`, `/slow` (a byte each 50 ms), `/long/BYTES`, `/text` (no JSON), `/redirect/N`, `/away`,
`/close` (no length, closed at its end), `/garbled`, `/stream` and the three protocols of models.
"""

import asyncio
import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLAIN = b'{"label": "class-7", "images": 3, "ok": 1}'
TOKENS, TOKEN_S, FIRST_S = 5, 0.02, 0.05


class EchoProtocol(asyncio.Protocol):
    """One connection: requests in order, one at a time."""

    def __init__(self, stalled_until: Callable[[], float], record: int | None) -> None:
        self._stalled_until, self._record = stalled_until, record
        self._buffer = b""
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _next(self) -> None:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if self._busy or not found:
            return
        fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", 0))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        path = head.split(b" ", 2)[1].decode()
        if self._record is not None:
            os.write(self._record, b"%d %d\n" % (id(self), time.monotonic_ns()))
        stall_s = self._stalled_until() - time.monotonic()
        if path == "/" and stall_s <= 0:
            self._answer(200, PLAIN)
        else:
            self._busy = True
            self._doing = asyncio.ensure_future(self._later(path, rest[:length], head, stall_s))

    async def _later(self, path: str, body: bytes, head: bytes, stall_s: float) -> None:
        if stall_s > 0:
            await asyncio.sleep(stall_s)
        with contextlib.suppress(ConnectionError):
            await self._special(path, body, head)
        self._busy = False
        self._next()

    async def _special(self, path: str, body: bytes, head: bytes) -> None:
        _, name, *rest = path.split("/")
        match name:
            case "delay":
                await asyncio.sleep(float(rest[0]) / 1000)
                self._answer(200, PLAIN)
            case "status":
                self._answer(int(rest[0]), PLAIN)
            case "reset":
                self._transport.abort()
            case "hang":
                await asyncio.sleep(3600)
            case "slow":
                self._write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not self._transport.is_closing():
                    self._write(b"x")
                    await asyncio.sleep(0.05)
            case "long":
                self._answer(200, b"x" * int(rest[0]))
            case "text":
                self._answer(200, b"this is no JSON")
            case "redirect":
                count = int(rest[0])
                self._answer(302, b"", f"Location: {f'/redirect/{count - 1}' if count else '/'}\r\n")
            case "away":
                self._answer(302, b"", "Location: http://192.0.2.1/\r\n")
            case "close":
                self._write(b"HTTP/1.1 200 OK\r\n\r\n" + PLAIN)
                self._transport.close()
            case "garbled":
                self._write(b"this is no HTTP\r\n\r\n")
            case "body":
                self._answer(200, body)
            case "authorized":
                key = next((line for line in head.split(b"\r\n") if line.startswith(b"Authorization: ")), b"")
                self._answer(200 if key == b"Authorization: Bearer sesame-42" else 401, key)
            case "v2":
                self._answer(200, json.dumps({"outputs": [{"name": "y", "data": [0.25, 0.75]}]}).encode())
            case "v1":
                await self._model(json.loads(body), is_chat=rest[0] == "chat")
            case _:
                self._answer(200, PLAIN)

    async def _model(self, asked: dict[str, object], *, is_chat: bool) -> None:
        usage = {"prompt_tokens": len(json.dumps(asked)), "completion_tokens": TOKENS}
        await asyncio.sleep(FIRST_S)
        if not asked.get("stream"):
            choice = {"message": {"content": "w" * TOKENS}} if is_chat else {"text": "w" * TOKENS}
            self._answer(200, json.dumps({"choices": [choice], "usage": usage}).encode())
            return
        self._write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(TOKENS):
            if number:
                await asyncio.sleep(TOKEN_S)
            piece = {"delta": {"content": f"w{number} "}} if is_chat else {"text": f"w{number} "}
            self._event({"choices": [piece]})
        self._event({"choices": [], "usage": usage})
        self._chunk(b"data: [DONE]\n\n")
        self._write(b"0\r\n\r\n")

    def _event(self, event: dict[str, object]) -> None:
        self._chunk(b"data: " + json.dumps(event).encode() + b"\n\n")

    def _write(self, content: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(content)

    def _chunk(self, block: bytes) -> None:
        self._write(f"{len(block):x}\r\n".encode() + block + b"\r\n")

    def _answer(self, status: int, body: bytes, more: str = "") -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{more}Content-Length: {len(body)}\r\n\r\n"
        self._write(head.encode() + body)


async def serve(port: int, *, stall: bool, record: str | None) -> None:
    """Until it is killed; `stall`: for 200 ms of every second no request is answered; `record`: a file for the
    connection (a number) and the time (ns) of each request."""
    file = None if record is None else os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    begin_s = time.monotonic()

    def stalled_until() -> float:
        now_s = time.monotonic() - begin_s
        return begin_s + (now_s // 1 + 0.2 if stall and now_s % 1 < 0.2 else 0.0)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: EchoProtocol(stalled_until, file), "127.0.0.1", port, backlog=4096)
    print("ready", flush=True)
    await server.serve_forever()


class Echo:
    """The service, started; `end` kills it."""

    def __init__(self, *arguments: str, port: int = 0) -> None:
        self.port = port or free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.terminal.echo", str(self.port), *arguments], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def __enter__(self) -> "Echo":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    named = next((word.removeprefix("record=") for word in sys.argv if word.startswith("record=")), None)
    asyncio.run(serve(int(sys.argv[1]), stall="stall" in sys.argv, record=named))
