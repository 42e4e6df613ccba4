"""What a request of a population is: how it is put, what the answer has to be, what work it did.

Knows the tables `[activities.NAME]` of a population file (docs/population.md) and what in one of them cannot
be right. Knows no user, no time and no connection.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Protocol: TypeAlias = Literal["http", "infer", "completions", "chat"]
"""`infer`: Open Inference Protocol v2; `completions` and `chat`: as OpenAI's interface has them."""
POINTER = re.compile(r"(/([^~/]|~[01])*)*")
"""A JSON Pointer (RFC 6901)."""
PLACEHOLDER = re.compile(r"\$(?:(\$)|\{([^{}]*)\})")
"""`${task}` in a template; `$$` is a dollar."""
PLACEHOLDERS = ("task", "user", "seed", "random")
"""Number of the task, of its user (0 without users), seed of the run, a whole number below 2^31 that the seed and the
task give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Oracle:
    """When an answer is correct; what is left out is not asked. A transfer that failed is never correct."""

    status: int = field(default=200, metadata={"minimum": 100, "maximum": 599})
    """HTTP status that is expected."""
    pointer: str = ""
    """JSON Pointer (RFC 6901) of the value that `equals`, `contains` and `regex` are asked of; empty: the text, which
    is the body, or what the language model said."""
    equals: Any = None
    """The value; without a pointer the whole text."""
    contains: str = ""
    """Part of the text."""
    regex: str = ""
    """A regular expression that is found in the text."""
    sha256: str = ""
    """Digest of that text, 64 hex digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One input of an inference request (Open Inference Protocol v2)."""

    name: str
    """Of the input, as the model names it."""
    datatype: Literal["BOOL", "UINT8", "INT8", "INT16", "INT32", "INT64", "FP32", "FP64", "BYTES"]
    """Of its elements."""
    shape: list[int]
    """With the batch in front, where the model has one."""
    data: list[Any] = field(default_factory=list)
    """Its elements, flat; empty: drawn once for each run of the seed, between 0 and 1 (whole numbers: 0 to 99)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A request: protocol, path, body, limits, oracle and work."""

    protocol: Protocol = "http"
    """How request and answer are put."""
    method: Literal["GET", "POST"] = "POST"
    """Of `http`; the other protocols post."""
    path: str = ""
    """Behind the service's address; the other protocols have theirs (`/v2/models/MODEL/infer`, `/v1/completions`,
    `/v1/chat/completions`)."""
    headers: dict[str, str] = field(default_factory=dict)
    """Beside those of the protocol; no key: that is what `key_file` and `key_environment` are for."""
    body: str = ""
    """Template of the body, or of the prompt for `completions` and `chat`: `${task}`, `${user}`, `${seed}` and
    `${random}` are replaced, `$$` is a dollar."""
    body_file: str = ""
    """With `http`: a file, relative to the population file, whose bytes are the body."""
    content_type: str = "application/json"
    """Of the body."""
    model: str = ""
    """Its name, for all protocols but `http`."""
    inputs: list[Tensor] = field(default_factory=list)
    """With `infer`: what the model is given."""
    max_tokens: int = field(default=0, metadata={"minimum": 0})
    """With `completions` and `chat`: so many at most; 0: not asked."""
    stream: bool = True
    """With `completions` and `chat`: the answer comes token by token, so that the first is seen."""
    temperature: float = field(default=0.0, metadata={"minimum": 0, "maximum": 2})
    """With `completions` and `chat`: 0 is the likeliest token always."""
    key_environment: str = ""
    """Environment variable of the workload generator that has the key (`Authorization: Bearer`). Keys stand in no
    file of wattlab and in no run folder."""
    key_file: str = ""
    """A file of the workload generator that has the key, readable by its owner alone."""
    unit: str = "request"
    """What one unit of its work is called: image, token, request."""
    work: str = ""
    """JSON Pointer of the number of work units in the answer; empty: one for each answer that did not fail, and with
    `completions` and `chat` the output tokens where `unit` is token."""
    timeout_s: float = field(default=30.0, metadata={"minimum": 0.001, "maximum": 86400})
    """After so long from its intended time on an answer is given up."""
    longest_bytes: int = field(default=16 << 20, metadata={"minimum": 1, "maximum": 1 << 30})
    """A longer answer is given up."""
    redirects: int = field(default=0, metadata={"minimum": 0, "maximum": 10})
    """So many are followed, on the same service only."""
    keep: Literal["digest", "text"] = "digest"
    """Of prompt and answer the run folder has digests, or with `text` both as they were."""
    oracle: Oracle | None = None
    """When an answer is correct; without, a complete answer with a status from 200 to 299 did not fail, and nobody
    judged it."""

    @property
    def is_language(self) -> bool:
        """Whether it asks a language model."""
        return self.protocol in ("completions", "chat")


def of_activity(where: str, activity: Activity) -> Iterator[str]:
    """What contradicts itself in an activity; each a sentence that begins with `where`, file and TOML path."""
    if activity.protocol == "http" and not activity.path.startswith("/"):
        yield f"{where}.path: found {activity.path!r}, expected a path that begins with /"
    if activity.protocol != "http":
        yield from _of_protocol(where, activity)
    if "\r" in activity.path or "\n" in activity.path or " " in activity.path:
        yield f"{where}.path: found a blank or the end of a line in it; write %20 for a blank"
    for key in ("model", "inputs", "max_tokens") if activity.protocol == "http" else ():
        if getattr(activity, key):
            yield f"{where}.{key}: only with protocol infer, completions or chat; remove it"
    if activity.body and activity.body_file:
        yield f"{where}.body_file: `body` stands there too; leave one of the two"
    if activity.method == "GET" and (activity.body or activity.body_file):
        yield f'{where}.body: a GET has no body; write method = "POST" or remove it'
    if activity.key_environment and activity.key_file:
        yield f"{where}.key_file: `key_environment` stands there too; leave one of the two"
    yield from _of_headers(where, activity)
    yield from _of_template(f"{where}.body", activity.body)
    yield from _of_template(f"{where}.path", activity.path)
    yield from _of_pointer(f"{where}.work", activity.work)
    if activity.oracle is not None and activity.oracle.pointer and activity.is_language and activity.stream:
        yield f"{where}.oracle.pointer: a streamed answer is no JSON; leave it out, and what was said is asked"
    if activity.work and activity.is_language:
        yield f'{where}.work: {activity.protocol} counts tokens (unit = "token") or answers; remove it'
    if activity.oracle is not None:
        yield from _of_oracle(f"{where}.oracle", activity.oracle)


def _of_protocol(where: str, activity: Activity) -> Iterator[str]:
    """What the protocols need that are not plain HTTP."""
    if not activity.model:
        yield f"{where}.model: missing; protocol {activity.protocol} asks a model by its name"
    elif not set(activity.model) <= _IN_A_MODEL:
        yield f"{where}.model: found {activity.model!r}, expected letters, digits and . _ - / :"
    for key in ("body_file", "path"):
        if getattr(activity, key):
            yield f"{where}.{key}: only with protocol http; {activity.protocol} has its own"
    if activity.protocol == "infer":
        if not activity.inputs:
            yield f"{where}.inputs: missing; name the model's inputs, such as [[{where.rpartition(': ')[2]}.inputs]]"
        for index, tensor in enumerate(activity.inputs):
            yield from _of_tensor(f"{where}.inputs[{index}]", tensor)
        if activity.body:
            yield f"{where}.body: protocol infer makes its body of `inputs`; remove it"
    elif not activity.body:
        yield f"{where}.body: missing; it is the prompt"
    elif activity.inputs:
        yield f"{where}.inputs: only with protocol infer; remove it"


_IN_A_MODEL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:")
MOST_ELEMENTS = 1 << 24
"""Of a tensor: its text has some hundred megabytes by then."""


def _of_tensor(where: str, tensor: Tensor) -> Iterator[str]:
    count = 1
    for size in tensor.shape:
        count *= size
    if not tensor.shape or min(tensor.shape) < 1:
        yield f"{where}.shape: found {tensor.shape}, expected whole numbers of at least 1"
    elif count > MOST_ELEMENTS:
        yield f"{where}.shape: {count} elements, expected at most {MOST_ELEMENTS}"
    elif tensor.data and len(tensor.data) != count:
        yield f"{where}.data: {len(tensor.data)} elements, expected {count} of shape {tensor.shape}"
    if tensor.datatype == "BYTES" and not tensor.data:
        yield f"{where}.data: missing; BYTES are not drawn"


def _of_headers(where: str, activity: Activity) -> Iterator[str]:
    for name, value in activity.headers.items():
        place = f"{where}.headers.{name}"
        if not name or not set(name) <= _IN_A_HEADER or not value.isprintable() or not value.isascii():
            yield f"{place}: found {name!r} = {value!r}, expected a header of printable ASCII characters"
        elif name.lower() in ("authorization", "cookie", "proxy-authorization", "x-api-key", "api-key"):
            yield f"{place}: a key stands in no file of wattlab; name it by key_file or key_environment"
        elif name.lower() in ("host", "content-length", "content-type", "connection", "transfer-encoding"):
            yield f"{place}: wattlab writes this one itself; remove it"


_IN_A_HEADER = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def _of_template(where: str, text: str) -> Iterator[str]:
    for found in PLACEHOLDER.finditer(text):
        if found[1] is None and found[2] not in PLACEHOLDERS:
            yield f"{where}: found {found[0]!r}, expected one of {', '.join(PLACEHOLDERS)} in the braces"
    if "$" in PLACEHOLDER.sub("", text):
        yield f"{where}: found a single $; write $$ for one"


def _of_pointer(where: str, pointer: str) -> Iterator[str]:
    if not POINTER.fullmatch(pointer):
        yield f"{where}: found {pointer!r}, expected a JSON Pointer (RFC 6901), such as /outputs/0/data/0"


def _of_oracle(where: str, oracle: Oracle) -> Iterator[str]:
    yield from _of_pointer(f"{where}.pointer", oracle.pointer)
    if oracle.pointer and oracle.equals is None and not oracle.contains and not oracle.regex:
        yield f"{where}.pointer: nothing is asked of the value there; add equals, contains or regex"
    if oracle.equals is not None and not oracle.pointer and not isinstance(oracle.equals, str):
        yield f"{where}.equals: found {oracle.equals!r}, expected a text; a value of JSON needs its `pointer`"
    if oracle.sha256 and not re.fullmatch("[0-9a-f]{64}", oracle.sha256):
        yield f"{where}.sha256: found {oracle.sha256!r}, expected 64 hex digits"
    try:
        re.compile(oracle.regex)
    except re.error as error:
        yield f"{where}.regex: found {oracle.regex!r}, which is no regular expression ({error})"
