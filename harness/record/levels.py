"""The levels of factors: their type, how one is written as text, when two combinations are the same.

Knows no file that declares them (`harness.measure.cells`) and no run.
"""

import json
from collections.abc import Mapping
from typing import TypeAlias

Level: TypeAlias = str | int | float | bool
"""What a factor was set to: text, a number, or true and false; of what type it is belongs to it."""
Levels: TypeAlias = Mapping[str, Level]
"""Factor -> its level: a cell."""


def level_text(level: Level) -> str:
    """A level as text: `tensorflow`, `32`, `0.5`, `true`."""
    return level if isinstance(level, str) else repr(level) if type(level) is int else json.dumps(level)


def levels_text(levels: Levels | None) -> str:
    """A cell as text, for a message: `framework = torch, batch_size = 32`; `none` where there are no factors."""
    return ", ".join(f"{factor} = {level_text(level)}" for factor, level in (levels or {}).items()) or "none"


def are_same(one: object, other: object) -> bool:
    """Whether two cells (None: no cell) have the same factors at the same levels, of the same type: 1, 1.0, true and
    "1" are four. The order in which the factors stand says nothing."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
