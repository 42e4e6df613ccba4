"""Marker lines of the program under test: what one has to be.

Knows the fields of a marker and their bounds (docs/markers.md). Does not know the pipe that they come through.
"""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 8
"""Lists and objects in each other in a marker's metrics."""
MAX_UNITS = 20
"""Units of work in one line."""
UNIT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
"""What a unit of work is called."""


def parse_marker(line: bytes) -> dict[str, Any]:
    """A marker line -> its fields, nothing added.

    Raises:
        ValueError: what is wrong with it.
    """
    try:
        marker = json.loads(line, object_pairs_hook=once)
    except TwiceError:
        raise
    except (ValueError, RecursionError):
        raise ValueError("not a JSON line") from None
    if not isinstance(marker, dict):
        raise ValueError("not a JSON object")
    work = work_of(marker)
    if not all(is_whole(marker.get(key), 0, 1 << 62) for key in ("sut_ns", "sut_wall_ns")):
        raise ValueError("sut_ns and sut_wall_ns are missing, or no whole numbers of nanoseconds")
    stamped = {**work, "sut_ns": marker["sut_ns"], "sut_wall_ns": marker["sut_wall_ns"]}
    name, edge, index = marker.get("action"), marker.get("edge"), marker.get("index", 0)
    if work and name is None and edge is None:
        return stamped
    if not isinstance(name, str) or not name or edge not in ("begin", "end"):
        raise ValueError("action and edge (begin, end) are missing")
    if not is_whole(index, 0, 1 << 31):
        raise ValueError("index is no whole number from 0 to 2^31")
    metrics, code = marker.get("metrics") or {}, marker.get("exit_code")
    if not isinstance(metrics, dict) or not (code is None or is_whole(code, -(1 << 31), 1 << 31)):
        raise ValueError("metrics is no object, or exit_code no number")
    if not is_flat(metrics, MAX_DEPTH):
        raise ValueError(f"metrics hold lists or objects more than {MAX_DEPTH} deep in each other")
    return {"action": name, "index": index, "edge": edge, "metrics": metrics, "exit_code": code, **stamped}


def work_of(marker: dict[str, Any]) -> dict[str, Any]:
    """The useful work that a line declares, under `work`; nothing where it declares none.

    Raises:
        ValueError: what is wrong with it.
    """
    work = marker.get("work") or {}
    if not isinstance(work, dict) or len(work) > MAX_UNITS:
        raise ValueError(f"work is no object of at most {MAX_UNITS} units")
    for unit, amount in work.items():
        if not UNIT.fullmatch(unit):
            raise ValueError(f"work: a unit is a letter and up to 39 letters, digits and _, not {unit[:60]!a}")
        if type(amount) not in (int, float) or not 0 <= amount < 1 << 63:
            raise ValueError(f"work: of {unit}, the amount is no number from 0 on")
    return {"work": work} if work else {}


class TwiceError(ValueError):
    """A name stands twice in one object: of two, readers take either (RFC 8259, 4)."""


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose every name stands once.

    Raises:
        TwiceError: one stands twice.
    """
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        raise TwiceError(f"the name {next(name for name in names if names.count(name) > 1)[:60]!a} stands twice")
    return value


def is_whole(value: object, least: int, beyond: int) -> bool:
    """Whether a decoded JSON value is a whole number, `least` or more and below `beyond`."""
    return type(value) is int and least <= value < beyond


def is_flat(value: object, depth: int) -> bool:
    """Whether a decoded JSON value has at most `depth` lists or objects in each other."""
    if not isinstance(value, (dict, list)):
        return True
    return depth > 0 and all(
        is_flat(part, depth - 1) for part in (value.values() if isinstance(value, dict) else value)
    )
