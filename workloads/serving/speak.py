"""The program of the scenario tokens: a small language model, asked as OpenAI's interface has it, streamed or not.

Knows parameters, the interface's paths and the order of the steps. `speak.py`, in a work folder, with
WATTLAB_PARAMETERS, WATTLAB_SEED, WATTLAB_DATA, WATTLAB_ARTIFACTS and WATTLAB_PORT.

Texts are continued together: a step gives each text under way one token, and a text that comes meanwhile joins at the
next step, `most` at a time. A step is a batch of batches.csv, its size the tokens that it gave. A text is finished even
where nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import web
from batching import BatchLog, BatchQueue, policy_of
from given import Given, ParameterProblem, read_given
from worker import Worker

if TYPE_CHECKING:
    from language_model import Speaker

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
Json = dict[str, Any]
Piece = tuple[str, bool]
"""Text, and whether it is the last."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What scenario.toml and lab.toml decide."""

    model: str
    window: int
    width: int
    depth: int
    heads: int
    most: int
    longest_tokens: int
    warm_up_steps: int
    threads: int
    listen: str


LIMITS = {
    "window": (8, 8192), "width": (8, 8192), "depth": (1, 128), "heads": (1, 128), "most": (1, 4096),
    "longest_tokens": (1, 10**6), "warm_up_steps": (0, 10**6), "threads": (0, 1024),
}  # fmt: skip


@dataclass(slots=True)
class Text:
    """A text under way: its tokens, how many are still to come, and where its pieces go."""

    tokens: list[int]
    left: int
    temperature: float
    seed: int
    pieces: asyncio.Queue[Piece]
    loop: asyncio.AbstractEventLoop
    said: list[int] = field(default_factory=list)
    number: int = field(default_factory=itertools.count(1).__next__)
    begun_unix_s: int = field(default_factory=lambda: int(time.time()))


def loaded(task: Given[Parameters]) -> Speaker:
    """The model, loaded and warm.

    Raises:
        ParameterProblem: there is no model of these sizes.
    """
    given = task.parameters
    if given.width % given.heads:
        raise ParameterProblem(f"width: found {given.width}, expected a multiple of heads ({given.heads})")
    import keras  # TensorFlow takes seconds, in which the service listens already
    import numpy as np
    import tensorflow as tf
    from counts import count_parameters
    from language_model import Speaker, language_model

    if given.threads:
        tf.config.threading.set_intra_op_parallelism_threads(given.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(task.seed)
    model = language_model(given.window, given.width, given.depth, given.heads)
    speaker = Speaker(model, given.window)
    for step in range(given.warm_up_steps):
        many = 1 + step % given.most
        speaker.next_tokens([[step % 256]] * many, [0.0] * many, [np.random.default_rng(0)] * many)
    task.write_summary({
        **count_parameters(model), "weights": "random", "accuracy": None,
        "software": {
            "engine": "tensorflow", "tensorflow": tf.__version__, "keras": keras.__version__,
            "gpus": [device.name for device in tf.config.list_physical_devices("GPU")],
        },
    })  # fmt: skip
    return speaker


def continue_texts(speaker: Speaker, queue: BatchQueue[Text], log: BatchLog, most: int) -> None:
    """Give every text under way a token, step after step, until the queue is closed."""
    import numpy as np
    from language_model import SYLLABLES

    underway: list[tuple[Text, np.random.Generator]] = []
    while True:
        batch = queue.poll(most - len(underway)) if underway else queue.take()
        if batch is None and not underway:
            return
        hold_ns, waited = (0, 0) if batch is None else (batch.hold_ns, batch.waited)
        underway += [(text, np.random.default_rng(text.seed)) for text in (batch.requests if batch else ())]
        begin_ns = time.monotonic_ns()
        texts, dice = [text for text, _ in underway], [die for _, die in underway]
        given = speaker.next_tokens([text.tokens for text in texts], [text.temperature for text in texts], dice)
        log.write(begin_ns, time.monotonic_ns(), len(underway), hold_ns, waited)
        for text, token in zip(texts, given, strict=True):
            text.tokens.append(token)
            text.left -= 1
            piece = (" " * bool(text.said) + SYLLABLES[token], text.left == 0)
            text.said.append(token)
            text.loop.call_soon_threadsafe(text.pieces.put_nowait, piece)
        underway = [(text, die) for text, die in underway if text.left]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A request as it was understood, and the text that answers it."""

    text: Text
    prompt_tokens: int
    is_chat: bool
    is_streamed: bool
    has_usage: bool
    model: str

    @property
    def usage(self) -> Json:
        """Tokens, as the interface counts them."""
        said = len(self.text.said)
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": said,
                "total_tokens": self.prompt_tokens + said}  # fmt: skip

    def event(self, piece: str | None, *, is_whole: bool = False) -> Json:
        """What is said of a piece of the answer (None: its end), or of all of it."""
        ended = "length" if piece is None or is_whole else None
        choice: Json = {"index": 0, "finish_reason": ended}
        if not self.is_chat:
            choice["text"] = piece or ""
        elif is_whole:
            choice["message"] = {"role": "assistant", "content": piece}
        else:
            choice["delta"] = {} if piece is None else {"content": piece}
        chat = "chat.completion" if is_whole else "chat.completion.chunk"
        kind = chat if self.is_chat else "text_completion"
        named = {"id": f"said-{self.text.number}", "created": self.text.begun_unix_s}
        return {**named, "object": kind, "model": self.model, "choices": [choice]}

    async def events(self) -> AsyncIterator[Json]:
        """The events of a streamed answer."""
        is_last = False
        while not is_last:
            piece, is_last = await self.text.pieces.get()
            yield self.event(piece)
        yield self.event(None)
        if self.has_usage:
            yield {**self.event(None), "choices": [], "usage": self.usage}

    async def whole(self) -> Json:
        """The answer in one."""
        said, is_last = "", False
        while not is_last:
            piece, is_last = await self.text.pieces.get()
            said += piece
        return {**self.event(said, is_whole=True), "usage": self.usage}


def conversation_of(asked: Json, given: Parameters, seed: int, *, is_chat: bool) -> Conversation:
    """What a request asks.

    Raises:
        Refused: it asks what is not understood here.
    """
    if asked.get("model") != given.model:
        raise web.Refused(404, f"model: found {asked.get('model')!r}, expected {given.model!r}")
    prompt = _messages(asked.get("messages")) if is_chat else asked.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise web.Refused(400, "expected messages with text" if is_chat else "prompt: expected text")
    longest = asked.get("max_tokens", given.longest_tokens)
    if type(longest) is not int or not 1 <= longest <= given.longest_tokens:
        raise web.Refused(400, f"max_tokens: found {longest!r}, expected 1 to {given.longest_tokens}")
    temperature = asked.get("temperature", 1.0)
    if isinstance(temperature, bool) or not isinstance(temperature, (int, float)) or not 0 <= temperature <= 2:
        raise web.Refused(400, f"temperature: found {temperature!r}, expected 0 to 2")
    own_seed = asked.get("seed", seed)
    if type(own_seed) is not int or own_seed < 0:
        raise web.Refused(400, f"seed: found {own_seed!r}, expected a whole number")
    tokens = list(prompt.encode())
    options = asked.get("stream_options")
    return Conversation(
        text=Text(tokens, longest, float(temperature), own_seed, asyncio.Queue(), asyncio.get_running_loop()),
        prompt_tokens=len(tokens), is_chat=is_chat, is_streamed=asked.get("stream") is True,
        has_usage=isinstance(options, dict) and options.get("include_usage") is True, model=given.model,
    )  # fmt: skip


def _messages(messages: object) -> str | None:
    """The messages as one text; None where they are none."""
    if not isinstance(messages, list) or not messages:
        return None
    lines = [(one.get("role"), one.get("content")) if isinstance(one, dict) else (None, None) for one in messages]
    if not all(isinstance(role, str) and isinstance(content, str) for role, content in lines):
        return None
    return "\n".join(f"{role}: {content}" for role, content in lines)


PATHS = {"/v1/completions": False, "/v1/chat/completions": True}
"""Path -> whether it is a chat."""


def application(task: Given[Parameters], worker: Worker, queue: BatchQueue[Text]) -> web.Application:
    """The paths of OpenAI's interface, and those that say whether it is there."""
    given = task.parameters

    async def call(scope: Json, receive: web.Receive, send: web.Send) -> None:
        path = scope["path"]
        if path == "/health/live":
            await web.answer(send, {"live": True})
        elif path == "/health/ready":
            await web.answer(send, {"ready": worker.is_ready}, 200 if worker.is_ready else 503)
        elif path == "/v1/models":
            await web.answer(send, {"object": "list", "data": [{"id": given.model, "object": "model"}]})
        elif path in PATHS and scope["method"] == "POST":
            asked = conversation_of(await web.json_of(receive), given, task.seed, is_chat=PATHS[path])
            if not worker.is_ready:
                raise web.Refused(503, "the model is not loaded yet")
            queue.put(asked.text)
            if asked.is_streamed:
                await web.stream(send, asked.events())
            else:
                await web.answer(send, await asked.whole())
        else:
            raise web.Refused(404, f"{scope['method']} {path} is not served here; ask {', '.join(PATHS)}")

    return call


def main() -> int:
    """0 where the service was ended, 1 with one sentence on stderr where it cannot be."""
    try:
        task = read_given(Parameters, LIMITS)
    except ParameterProblem as error:
        print(f"speak.py: {error}", file=sys.stderr)
        return 1
    given = task.parameters
    queue: BatchQueue[Text] = BatchQueue(policy_of("greedy", given.most, 0.0))
    log = BatchLog(task.artifacts)

    def work(is_ready: Callable[[], None]) -> None:
        speaker = loaded(task)
        is_ready()
        continue_texts(speaker, queue, log, given.most)

    code: int = web.served(lambda worker: application(task, worker, queue), work, given.listen, task.port, refusal)
    return code


def refusal(message: str) -> Json:
    """A refusal as OpenAI's interface has it."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}


if __name__ == "__main__":
    sys.exit(main())
