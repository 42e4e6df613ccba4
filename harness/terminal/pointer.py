"""JSON Pointer (RFC 6901): a value in a decoded JSON document, by its path.

Knows documents. Knows no answer.
"""

from typing import Any

ABSENT = object()
"""There is no such value."""


def parts_of(pointer: str) -> tuple[str, ...]:
    """The reference tokens of a pointer."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def value_at(document: Any, parts: tuple[str, ...]) -> Any:  # noqa: ANN401  JSON
    """The value there, or ABSENT."""
    for part in parts:
        if isinstance(document, dict) and part in document:
            document = document[part]
        elif isinstance(document, list) and part.isascii() and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        else:
            return ABSENT
    return document
