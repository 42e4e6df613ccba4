"""The uncertainty budget of one Number as results.json has it (method.md section 6; `reports.energy.budget`)."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from reports.results.uncertainty import Number

Shortage: TypeAlias = Literal["limits-of-error", "spread-of-runs", "spread-of-baseline"]


@dataclass(frozen=True, slots=True)
class Missing:
    """What is not known, so that a budget is not complete."""

    what: Shortage
    """`limits-of-error` of a meter: U then holds what is assumed of its tier. Without one of the spreads U is null."""
    meter: str | None
    """The meter; null where it is of none."""


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One contribution: `u = |sensitivity| input_u`."""

    source: str
    """Name of the error source (docs/results.md, "Sources of a budget")."""
    meter: str | None
    """The meter; null where it is of none, or of several together."""
    type: Literal["A", "B"]
    """Type of evaluation (JCGM 100)."""
    distribution: str
    """Assumed distribution of the input: `t`, `normal`, `rectangular`."""
    sensitivity: float
    """Result's unit per `input_unit`."""
    input_u: float
    """Standard uncertainty of the input, in `input_unit`."""
    input_unit: str
    """Unit of the input; empty: the result's own."""
    u: float
    """Contribution to the standard uncertainty, in the result's unit."""
    dof: float | None
    """Degrees of freedom; null: infinite."""
    share: float | None
    """Its part of the variance; null without U."""
    note: str
    """The numbers behind it."""


@dataclass(frozen=True, slots=True)
class BudgetTable:
    """Every contribution to one Number, and what they give together (`reports/energy/budget.py` has the model)."""

    complete: bool
    """Whether `missing` is empty."""
    missing: tuple[Missing, ...]
    """What is not known."""
    result: Number
    """The Number itself."""
    type_a: Number
    """By type A alone, runs and blocks taken as independent replicates."""
    type_b: Number
    """By all lines of type B alone."""
    dominant: str | None
    """Source of the largest line; null where there is none."""
    lines: tuple[BudgetLine, ...]
    """The contributions."""
