"""What came back: its bytes as they come, its tokens, and whether it is correct.

Knows protocols and oracles. Knows no connection. What goes wrong is one of `harness.record.tasks.REASONS`.
"""

import hashlib
import json
import re
from math import isfinite
from typing import Any

from harness.record.activity import Activity
from harness.record.tasks import Reason
from harness.terminal.event_stream import EventStream
from harness.terminal.pointer import ABSENT, parts_of, value_at
from harness.terminal.task import Task

DONE = b"[DONE]"
MOST_TOKENS = 1 << 40


class Judge:
    """How answers of one activity are read; made once for all of them."""

    def __init__(self, activity: Activity) -> None:
        self.activity, oracle = activity, activity.oracle
        self.streams = activity.is_language and activity.stream
        self._oracle = oracle
        self._pointer = parts_of(oracle.pointer) if oracle is not None and oracle.pointer else None
        self._regex = None if oracle is None or not oracle.regex else re.compile(oracle.regex)
        self._work = parts_of(activity.work) if activity.work else None
        self.needs_json = activity.protocol != "http" or self._work is not None or self._pointer is not None

    def judge(self, task: Task, answer: "Answer") -> None:
        """Fill in what the complete answer says: work, tokens, correct, reason."""
        task.reason = self._reason(task, answer)
        if self._oracle is not None:
            task.correct = task.reason is None
        if task.reason is not None:
            task.work_units = 0

    def _reason(self, task: Task, answer: "Answer") -> Reason | None:
        oracle = self._oracle
        if task.status != oracle.status if oracle is not None else not 200 <= task.status < 300:
            return "status"
        if answer.problem is not None:
            return answer.problem
        body = answer.body
        document: Any = None
        if self.needs_json and not self.streams:
            try:
                document = json.loads(body)
            except (ValueError, RecursionError):
                return "wrong-json"
            if not isinstance(document, dict | list):
                return "wrong-json"
        text = answer.said if self.streams else body
        if self.activity.is_language:
            problem = self._language(task, answer.usage if self.streams else value_at(document, ("usage",)))
            if not self.streams:
                text = _said(document).encode()
            if problem is not None:
                return problem
        elif self.activity.protocol == "infer" and not isinstance(value_at(document, ("outputs",)), list):
            return "wrong-json"
        elif (problem := self._count(task, document)) is not None:
            return problem
        return None if oracle is None or self._fits(document, text) else "oracle"

    def _count(self, task: Task, document: Any) -> Reason | None:  # noqa: ANN401  JSON
        task.work_units = 1
        if self._work is not None:
            value = value_at(document, self._work)
            if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
                return "no-work"
            task.work_units = value
        return None

    def _language(self, task: Task, usage: Any) -> Reason | None:  # noqa: ANN401  JSON
        counts = [value_at(usage, (key,)) for key in ("prompt_tokens", "completion_tokens")]
        if not all(type(count) is int and 0 <= count < MOST_TOKENS for count in counts):
            return "no-work"
        task.input_tokens, task.output_tokens = counts
        task.work_units = counts[1] if self.activity.unit == "token" else 1
        return None

    def _fits(self, document: Any, text: bytes) -> bool:  # noqa: ANN401  JSON
        oracle = self._oracle
        assert oracle is not None
        value: Any = text.decode("utf-8", "replace")
        if self._pointer is not None:
            value = value_at(document, self._pointer)
            if value is ABSENT:
                return False
        if oracle.equals is not None and not _is_same(oracle.equals, value):
            return False
        plain = value if isinstance(value, str) else json.dumps(value)
        if oracle.contains and oracle.contains not in plain:
            return False
        if self._regex is not None and self._regex.search(plain) is None:
            return False
        return not oracle.sha256 or hashlib.sha256(text).hexdigest() == oracle.sha256


def _is_same(expected: object, found: object) -> bool:
    """True is not 1 here, as in JSON; 1.0 is 1."""
    return isinstance(expected, bool) == isinstance(found, bool) and expected == found


def _said(document: Any) -> str:  # noqa: ANN401  JSON
    """The text of an answer that came whole."""
    for parts in (("choices", "0", "text"), ("choices", "0", "message", "content")):
        if isinstance(text := value_at(document, parts), str):
            return text
    return ""


class Answer:
    """The body of one answer as it comes."""

    __slots__ = ("_blocks", "_digest", "_events", "_texts", "problem", "usage")

    def __init__(self, judge: Judge) -> None:
        self._blocks: list[bytes] = []
        self._events = EventStream() if judge.streams else None
        self._texts: list[str] = []
        self.usage: Any = None
        self.problem: Reason | None = None

    @property
    def body(self) -> bytes:
        """All of it so far."""
        if len(self._blocks) > 1:
            self._blocks = [b"".join(self._blocks)]
        return self._blocks[0] if self._blocks else b""

    @property
    def said(self) -> bytes:
        """The text of a streamed answer so far."""
        return "".join(self._texts).encode("utf-8", "replace")

    def feed(self, task: Task, block: bytes, now_ns: int) -> None:
        """Take a block of the body that arrived now."""
        self._blocks.append(block)
        if self._events is None or task.status != 200 or self.problem is not None:
            return
        try:
            for data in self._events.feed(block):
                if data != DONE:
                    self._on_event(task, json.loads(data), now_ns)
        except (ValueError, RecursionError):
            self.problem = "garbled"

    def _on_event(self, task: Task, event: Any, now_ns: int) -> None:  # noqa: ANN401  JSON
        usage = value_at(event, ("usage",))
        if isinstance(usage, dict):
            self.usage = usage
        text = _piece(event)
        if not text:
            return
        self._texts.append(text)
        if task.chunks is None:
            task.chunks, task.first_token_ns = 0, now_ns
        else:
            task.longest_gap_ns = max(task.longest_gap_ns or 0, now_ns - task.last_chunk_ns)
        task.chunks += 1
        task.last_chunk_ns = now_ns


def _piece(event: Any) -> str:  # noqa: ANN401  JSON
    """The text that an event of a stream adds; a model that thinks aloud says its thoughts in a field of their own."""
    choice = value_at(event, ("choices", "0"))
    delta = value_at(choice, ("delta",))
    for text in (value_at(choice, ("text",)), value_at(delta, ("content",)), value_at(delta, ("reasoning_content",))):
        if isinstance(text, str) and text:
            return text
    return ""
