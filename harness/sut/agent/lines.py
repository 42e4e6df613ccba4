"""JSON lines: how a record is written, in the journal and on the wire.

Knows the form of a line. Does not know any record.
"""

from __future__ import annotations

import json
from typing import Any

ENCODER = json.JSONEncoder(separators=(",", ":"))
DECODER = json.JSONDecoder()


def line_of(record: dict[str, Any]) -> bytes:
    """A record as one line."""
    return ENCODER.encode(record).encode() + b"\n"


def value_of(line: bytes) -> Any:
    """The one JSON value of a line.

    Raises:
        ValueError: it holds none, or more.
    """
    text = line.decode().strip()
    value, end = DECODER.raw_decode(text)
    if end < len(text):
        raise ValueError("more than one value")
    return value


def json_value(value: Any) -> bytes:
    """A JSON value as it stands in a line; a whole number, which it nearly always is, without the encoder's cost."""
    return b"%d" % value if type(value) is int else ENCODER.encode(value).encode()


def numbers(values: list[Any]) -> bytes:
    """A list of finite numbers and nulls as it stands in a line, without the encoder's cost."""
    return repr(values).replace(" ", "").replace("None", "null").encode()
