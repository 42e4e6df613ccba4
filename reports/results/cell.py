"""Combinations of levels, and conditions on rows, as study.json has them.

Knows their fields. Knows no question that is asked of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Cell:
    """A combination of levels."""

    levels: Mapping[str, str]
    """Factor -> level."""
    label: str
    """How it is called: `Cloud, VGG16`; empty where no factor is named."""


@dataclass(frozen=True, slots=True)
class UnmeasuredCell(Cell):
    """A combination of levels that has no number, and why."""

    reason: str
    """Why: as the study file says, or as the runs that failed say."""
    declared: bool
    """Whether the study file says so."""
    attempts: int
    """Runs of it that enter nothing."""


@dataclass(frozen=True, slots=True)
class OfLevels:
    """Rows that have one of some levels."""

    column: str
    """Name of the factor."""
    levels: tuple[str, ...]
    """The levels."""


@dataclass(frozen=True, slots=True)
class Above:
    """Rows whose value lies above a bound."""

    column: str
    """Name of the response."""
    above: float
    """The bound, in the response's unit."""


@dataclass(frozen=True, slots=True)
class Below:
    """Rows whose value lies below a bound."""

    column: str
    """Name of the response."""
    below: float
    """The bound, in the response's unit."""


Filter: TypeAlias = tuple[OfLevels | Above | Below, ...]
"""All conditions together; empty: every row that is used."""
