"""A response's formula: its columns, the unit they give, and what converts it to the stated one; what converts a
product of two responses to a third one's.

Knows products and quotients of columns, and their units. Knows no value.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.record.errors import ConfigError
from reports.study.file import StudyFile
from reports.study.units import Unit, unit_of

FORMULA = re.compile(r"[^\s*/]+(?:\s*[*/]\s*[^\s*/]+)*")
"""Columns joined by `*` and `/`."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A response's columns with their powers (1 or -1), the unit they give, and what converts it to the stated one."""

    columns: tuple[tuple[str, int], ...]
    reduced: str
    scale: float


def formula_of(path: str, name: str, declared: StudyFile, units: Mapping[str, str]) -> Formula:
    """The formula of a response, its units checked. `units`: column -> unit.

    Raises:
        ConfigError: a column is not declared, a unit is unknown, or the formula does not give the stated unit.
    """
    response, place = declared.responses[name], f"{path}: responses.{name}"
    parts = [part.strip() for part in re.split(r"([*/])", response.formula)]
    columns = tuple((part, -1 if i and parts[i - 1] == "/" else 1) for i, part in enumerate(parts) if i % 2 == 0)
    for column, _ in columns:
        if column not in units:
            known = ", ".join(units) or "none"
            raise ConfigError(f"{place}.formula: no column {column!r}; there are {known} (declare [columns.NAME])")
    own, reduced = declared.study.units, Unit()
    for column, power in columns:
        reduced = reduced.times(unit_of(units[column], f"{path}: columns.{column}.unit", own), power)
    stated = unit_of(response.unit, f"{place}.unit", own)
    scale = reduced.per(stated)
    if scale is None:
        raise ConfigError(
            f"{place}.unit: {response.formula} is of the dimension {reduced.base}, the stated unit {response.unit} is "
            f"{stated.base}; state the true unit (what a publication prints goes into unit_as_published)"
        )
    above, below = ([units[c] for c, power in columns if power == sign] for sign in (1, -1))
    return Formula(columns, "/".join([" ".join(above), *(f"({u})" if " " in u else u for u in below)]), scale)


def times_scale(path: str, name: str, declared: StudyFile) -> float:
    """What turns target times `times` of a prediction into the unit of its `total`; 1 where it has none.

    Raises:
        ConfigError: they do not make a quantity of that kind.
    """
    part, place = declared.predictions[name], f"{path}: predictions.{name}"
    if not part.times:
        return 1.0
    target, times, total = (
        unit_of(declared.responses[response].unit, f"{path}: responses.{response}.unit", declared.study.units)
        for response in (part.target, part.times, part.total)
    )
    if (scale := target.times(times).per(total)) is None:
        raise ConfigError(
            f"{place}.total: {part.target} times {part.times} is of the dimension {target.times(times).base}, "
            f"{part.total} is {total.base}; name the response that it makes"
        )
    return scale
