"""An activity as bytes: the request of each task, made of its template.

Knows protocols, templates and the head of a request. Knows no connection and no answer.
"""

import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.record.activity import PLACEHOLDER, Activity, Tensor
from harness.record.errors import ConfigError, why
from harness.record.plain_files import read_named
from harness.terminal.draws import stream_seed
from harness.terminal.task import Task

WHOLE = ("BOOL", "UINT8", "INT8", "INT16", "INT32", "INT64")
GOLDEN = 0x9E3779B97F4A7C15
"""Of splitmix64 (Steele, Lea, Flood 2014)."""


def drawn_number(seed: int, task: int) -> int:
    """`${random}` of a task: splitmix64 of seed and number, 31 bits."""
    state = (seed * GOLDEN + (task + 1) * GOLDEN) & (1 << 64) - 1
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & (1 << 64) - 1
    state = (state ^ state >> 27) * 0x94D049BB133111EB & (1 << 64) - 1
    return (state ^ state >> 31) >> 33


class Template:
    """A text with `${task}` and the like in it."""

    def __init__(self, text: str) -> None:
        pieces = PLACEHOLDER.split(text)
        # split gives text, dollar, name, text, dollar, name, ..., text
        self._texts = [piece or "" for piece in pieces[0::3]]
        self._names = [
            name if dollar is None else None for dollar, name in zip(pieces[1::3], pieces[2::3], strict=True)
        ]
        self.is_constant = all(name is None for name in self._names)

    def filled(self, seed: int, task: Task) -> str:
        """The text for a task."""
        parts = [self._texts[0]]
        for name, text in zip(self._names, self._texts[1:], strict=True):
            parts += [_value(name, seed, task), text]
        return "".join(parts)


def _value(name: str | None, seed: int, task: Task) -> str:
    match name:
        case "task":
            return str(task.number)
        case "user":
            return str(task.user or 0)
        case "seed":
            return str(seed)
        case "random":
            return str(drawn_number(seed, task.number))
    return "$"


class Request:
    """What a task of one activity sends to a service at `host` (as the Host header has it)."""

    def __init__(self, activity: Activity, folder: Path, host: str, seed: int, key: str | None, where: str) -> None:
        self._activity, self._seed = activity, seed
        self._path = Template(_path_of(activity))
        self._text = Template(activity.body)
        self._fixed = _fixed_body(activity, folder, seed, where)
        lines = [f"Host: {host}", "User-Agent: wattlab", f"Accept: {_accepted(activity)}"]
        lines += [f"{name}: {value}" for name, value in activity.headers.items()]
        lines += [] if key is None else [f"Authorization: Bearer {key}"]
        lines += [f"Content-Type: {activity.content_type}"] if activity.method == "POST" else []
        self._lines = "\r\n".join(lines)
        is_constant = self._path.is_constant and (self._fixed is not None or self._text.is_constant)
        self._whole = self._made(Task("", 0, lambda task: None)) if is_constant else None

    def of(self, task: Task, path: str | None = None) -> bytes:
        """Head and body for a task; digest and size are noted in it. `path` is that of a redirect."""
        whole, task.body, task.request_digest = self._whole if self._whole and path is None else self._made(task, path)
        task.bytes_sent += len(whole)
        return whole

    def _made(self, task: Task, path: str | None = None) -> tuple[bytes, bytes, str]:
        body = self._body(task)
        path = path or self._path.filled(self._seed, task)
        method = self._activity.method
        length = f"\r\nContent-Length: {len(body)}" if method == "POST" else ""
        head = f"{method} {path} HTTP/1.1\r\n{self._lines}{length}\r\n\r\n"
        return head.encode() + body, body, hashlib.sha256(body).hexdigest()[:16]

    def _body(self, task: Task) -> bytes:
        if self._fixed is not None:
            return self._fixed
        text = self._text.filled(self._seed, task)
        if not self._activity.is_language:
            return text.encode()
        return json.dumps(_language_body(self._activity, text), ensure_ascii=False).encode()


def _path_of(activity: Activity) -> str:
    match activity.protocol:
        case "infer":
            return f"/v2/models/{activity.model}/infer"
        case "completions":
            return "/v1/completions"
        case "chat":
            return "/v1/chat/completions"
    return activity.path


def _accepted(activity: Activity) -> str:
    return "text/event-stream" if activity.is_language and activity.stream else "*/*"


def _fixed_body(activity: Activity, folder: Path, seed: int, where: str) -> bytes | None:
    """The body that is the same for every task; None where a template makes it.

    Raises:
        ConfigError: its file cannot be read.
    """
    if activity.body_file:
        try:
            return read_named(folder / activity.body_file)
        except OSError as error:
            raise ConfigError(
                f"{where}.body_file: {folder / activity.body_file} cannot be read ({why(error)})"
            ) from None
    if activity.protocol != "infer":
        return None
    inputs = [
        {"name": tensor.name, "shape": tensor.shape, "datatype": tensor.datatype, "data": _elements(tensor, seed)}
        for tensor in activity.inputs
    ]
    return json.dumps({"inputs": inputs}, separators=(",", ":")).encode()


def _elements(tensor: Tensor, seed: int) -> Sequence[Any]:
    """The elements of a tensor, as written or drawn."""
    if tensor.data:
        return tensor.data
    dice, count = random.Random(stream_seed(seed, "tensor", tensor.name)), 1
    for size in tensor.shape:
        count *= size
    if tensor.datatype == "BOOL":
        return [bool(dice.getrandbits(1)) for _ in range(count)]
    if tensor.datatype in WHOLE:
        return [dice.randrange(100) for _ in range(count)]
    return [round(dice.random(), 6) for _ in range(count)]


def _language_body(activity: Activity, prompt: str) -> dict[str, Any]:
    asked: dict[str, Any] = {"model": activity.model, "temperature": activity.temperature}
    if activity.protocol == "chat":
        asked["messages"] = [{"role": "user", "content": prompt}]
    else:
        asked["prompt"] = prompt
    if activity.max_tokens:
        asked["max_tokens"] = activity.max_tokens
    if activity.stream:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    return asked
