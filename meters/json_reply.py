"""A meter's JSON, taken apart with its path in hand, so that what is wrong has a place.

Knows: JSON within bounds (RFC 8259: no NaN, no Infinity; names are unique), numbers with the decimals they were sent
with. Does not know: any meter, any wire. The size of a reply is bounded by who read it (`meters.http_wire`).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

from meters.meter import MeterGarbage

TEXT_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a reply and its JSON path (`$` is the whole reply)."""

    value: object
    path: str

    def member(self, name: str) -> Node:
        """Return the member `name` of an object; raises `MeterGarbage` unless there is one."""
        node = self.get(name)
        if node is None:
            raise MeterGarbage(f"{self.path}: found no {name!r} in {_shown(self.value)}, expected it")
        return node

    def get(self, name: str) -> Node | None:
        """Return the member `name` or `None`; raises `MeterGarbage` when this is no object."""
        if not isinstance(self.value, dict):
            raise MeterGarbage(f"{self.path}: found {_shown(self.value)}, expected an object with {name!r}")
        return Node(self.value[name], f"{self.path}.{name}") if name in self.value else None

    def items(self) -> list[Node]:
        """Return the elements of an array; raises `MeterGarbage` when this is none."""
        if not isinstance(self.value, list):
            raise MeterGarbage(f"{self.path}: found {_shown(self.value)}, expected an array")
        return [Node(value, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    @property
    def is_array(self) -> bool:
        """Whether this is an array."""
        return isinstance(self.value, list)

    @property
    def is_null(self) -> bool:
        """Whether this is `null`."""
        return self.value is None

    def number(self, low: float, high: float) -> float:
        """Return a number from `low` to `high`; raises `MeterGarbage` otherwise."""
        if isinstance(self.value, (int, Decimal)) and not isinstance(self.value, bool) and low <= self.value <= high:
            number = float(self.value)
            if math.isfinite(number):
                return number
        raise MeterGarbage(f"{self.path}: found {_shown(self.value)}, expected a number from {low:g} to {high:g}")

    def plausible(self, low: float, high: float) -> float | None:
        """Return a number from `low` to `high`, `None` where this is none: for what may be missing from a reading."""
        try:
            return self.number(low, high)
        except MeterGarbage:
            return None

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`; raises `MeterGarbage` otherwise."""
        if isinstance(self.value, int) and not isinstance(self.value, bool) and low <= self.value <= high:
            return self.value
        raise MeterGarbage(f"{self.path}: found {_shown(self.value)}, expected a whole number from {low} to {high}")

    def step(self) -> float:
        """Return the last decimal a number was sent with, 1 for a whole one; 0 where this is no number."""
        if isinstance(self.value, Decimal):
            exponent = self.value.as_tuple().exponent
            return 10.0 ** min(0, exponent) if isinstance(exponent, int) and exponent >= -12 else 0.0
        return 1.0 if isinstance(self.value, int) and not isinstance(self.value, bool) else 0.0

    def flag(self) -> bool:
        """Return a boolean; raises `MeterGarbage` otherwise."""
        if isinstance(self.value, bool):
            return self.value
        raise MeterGarbage(f"{self.path}: found {_shown(self.value)}, expected true or false")

    def text(self) -> str:
        """Return a string of printable characters; raises `MeterGarbage` otherwise."""
        if isinstance(self.value, str) and len(self.value) <= TEXT_LIMIT and self.value.isprintable():
            return self.value
        raise MeterGarbage(
            f"{self.path}: found {_shown(self.value)}, expected a text of at most {TEXT_LIMIT} characters"
        )


def parse_json(data: bytes) -> Node:
    """Return the reply in `data`; raises `MeterGarbage` for everything that is not one JSON value in UTF-8."""
    try:
        text = data.decode("utf-8")
        value = json.loads(
            text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_object_of_unique_names
        )
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise MeterGarbage(f"found {data[:60]!r} of {len(data)} bytes, expected JSON ({str(error)[:80]})") from error
    return Node(value, "$")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _object_of_unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return members


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "an object with " + (", ".join(str(name)[:20] for name in list(value)[:8]) or "nothing in it")
    if isinstance(value, list):
        return f"an array of {len(value)}"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return repr(value[:40]) if isinstance(value, str) else str(value)[:40]
