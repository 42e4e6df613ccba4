"""Rows of records -> a DataFrame whose columns have fixed names and types, also where there is no row.

Knows `Number` and pandas. Knows no campaign.

A quantity `energy_wh` gives four columns: the value, `energy_u_wh` (standard uncertainty), `energy_U_wh` (expanded,
95 %) and `energy_dof` (degrees of freedom, infinite where u is of type B alone). What is not known is NaN, never 0.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from reports.results.uncertainty import Number

Row = dict[str, Any]
FLOAT, WHOLE, TEXT, TRUTH, TIME = "float64", "Int64", "str", "bool", "datetime64[ns, UTC]"


def quantity(name: str) -> dict[str, str]:
    """The columns of a quantity whose unit is the last part of its name, and their types."""
    stem, _, unit = name.rpartition("_")
    return dict.fromkeys((name, f"{stem}_u_{unit}", f"{stem}_U_{unit}", f"{stem}_dof"), FLOAT)


def cells_of(name: str, number: Number | None) -> Row:
    """The cells of one quantity."""
    if number is None:
        return dict.fromkeys(quantity(name), math.nan)
    one = number.estimate
    return dict(zip(quantity(name), map(_float, (one.value, one.u, one.expanded, one.dof)), strict=True))


def plain_cells(name: str, value: float | None, u: float | None, expanded: float | None, dof: float | None) -> Row:
    """The same of an action's plain numbers; no degrees of freedom beside a u are infinitely many."""
    if u is not None and dof is None:
        dof = math.inf
    return dict(zip(quantity(name), map(_float, (value, u, expanded, dof)), strict=True))


def prefixed(prefix: str, values: Mapping[str, Any] | None) -> Row:
    """Cells of names that a campaign has and another has not: `work.tokens`; what is no plain value is left out."""
    found = (values or {}).items()
    return {f"{prefix}.{name}": value for name, value in found if isinstance(value, str | int | float | None)}


def frame(rows: Iterable[Row], fixed: Mapping[str, str]) -> pd.DataFrame:
    """The rows with the `fixed` columns, of their types and in their order, then all others."""
    found = list(rows)
    others = dict.fromkeys(name for row in found for name in row if name not in fixed)
    table = pd.DataFrame(found, columns=[*fixed, *others])
    for name, kind in fixed.items():
        column = pd.to_datetime(table[name], utc=True) if kind == TIME else table[name]
        table[name] = column.astype(pd.api.types.pandas_dtype(kind))
    return table


def _float(value: float | None) -> float:
    return math.nan if value is None else float(value)
