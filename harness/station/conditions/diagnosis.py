"""One remark about a machine, and how its texts are read and told.

Knows small files of procfs and sysfs. Knows no part of a machine.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

HIDDEN = "processes of others are hidden from this login"
SHOWN = 4
"""So many of a kind are named, the others are counted."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Something about a machine worth knowing before a start; `refuse` forbids it, `unknown`: the machine does not
    say."""

    code: str
    severity: Literal["refuse", "warn", "unknown", "info"]
    text: str


def unknown(code: str, what: str, why: str) -> Diagnosis:
    """What the machine does not say, and why."""
    return Diagnosis(code, "unknown", f"{what}: not known ({why})")


def every(texts: Mapping[str, str], pattern: str) -> list[str]:
    """The texts of all files whose path is one."""
    return [text.strip() for path, text in texts.items() if re.fullmatch(pattern, path)]


def number(text: str) -> float:
    """The number in a small file; 0 where it holds none."""
    try:
        return float(text.strip())
    except ValueError:
        return 0.0


def some(items: list[str]) -> str:
    """The first of a list, the others counted."""
    more = len(items) - SHOWN
    return ", ".join(items[:SHOWN]) + (f" and {more} more" if more > 0 else "")
