"""What a workload, a SUT or a tracker wrote -> values that arithmetic and JSON can hold; nonsense costs itself.

Knows how large a number or a stamp can be that anybody means, and what JSON and UTF-8 do not have. Knows no run, no
file and what no value is about.
"""

import json
import math
from typing import Any

from harness.record.documents import LAST_STAMP_NS
from reports.results.codec import SURROGATES

LARGEST = 1e100
"""Larger numbers have squares that are hardly doubles; nothing that is measured is as large."""
LONGEST_INTEGER = 18
"""Digits: longer ones do not fit 64 bits, and nothing can count with them (Python refuses to read 4301)."""
DEEPEST = 32
"""Tables in tables, beyond which nobody reads."""


def number(value: object) -> float:
    """A float; NaN for what is no number, is not finite, or is larger than `LARGEST`."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < LARGEST:
        return math.nan
    return float(value)


def is_stamp(value: object) -> bool:
    """Whether it is a whole number of nanoseconds that a clock of 64 bits can show."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LAST_STAMP_NS


def loads(content: bytes | str) -> Any:  # noqa: ANN401  JSON is anything
    """Decoded JSON, `cleaned`; an integer of too many digits is null.

    Raises:
        ValueError: it is no JSON, or a name stands twice in it: nothing says which one was meant.
        RecursionError: its tables stand too deep in each other.
    """
    return cleaned(json.loads(content, parse_int=_integer, object_pairs_hook=_object))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError("a name stands twice")
    return names


def _integer(text: str) -> int | None:
    return int(text) if len(text) <= LONGEST_INTEGER else None


def cleaned(value: Any, depth: int = 0) -> Any:  # noqa: ANN401  JSON is anything
    """The value without what JSON or UTF-8 do not have: null for NaN, for infinities and for what stands too deep, a
    replacement character for half a character."""
    if isinstance(value, str):
        return SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict | list) and depth >= DEEPEST:
        return None
    if isinstance(value, dict):
        return {cleaned(key): cleaned(item, depth + 1) for key, item in value.items()}
    return [cleaned(item, depth + 1) for item in value] if isinstance(value, list) else value
