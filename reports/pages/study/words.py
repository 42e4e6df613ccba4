"""Names, units and conditions of a study as people read them.

Knows the records of study.json that all parts of its page name: responses, factors, filters. Draws nothing and computes
no result.
"""

from collections.abc import Iterable

from reports.pages.numbers import NOTHING, Scale, is_finite, significant
from reports.results.cell import Above, Below, Filter, OfLevels
from reports.results.study import ResponseDefinition, StudyResult


def unit_text(unit: str | None) -> str:
    """A unit as it is printed: products with a dot; nothing for a plain number."""
    return "" if unit in (None, "", "1") else str(unit).replace(" ", "·")


def axis_of(study: StudyResult, response: str) -> str:
    """Title and unit of a response, for an axis."""
    definition = response_of(study, response)
    return Scale(unit_text(definition.unit)).axis(definition.title or response)


def response_of(study: StudyResult, name: str) -> ResponseDefinition:
    """A response by its name."""
    return {response.name: response for response in study.responses}[name]


def value_text(value: float | None, unit: str = "1") -> str:
    """A plain value with its unit, four significant digits."""
    if value is None or not is_finite(value):
        return NOTHING
    return significant(float(value), 4) + Scale(unit_text(unit)).suffix


def plain(title: str) -> str:
    """A title before a colon."""
    return title.rstrip("?. ")


def named(labels: Iterable[str]) -> str:
    """'a, b and c'."""
    *most, last = list(labels)
    return f"{', '.join(most)} and {last}" if most else last


def filter_text(study: StudyResult, conditions: Filter) -> str:
    """Which rows a part uses, in words; empty where it uses all."""
    return "; ".join(_condition(study, condition) for condition in conditions)


def _condition(study: StudyResult, condition: OfLevels | Above | Below) -> str:
    if isinstance(condition, OfLevels):
        factor = {factor.name: factor for factor in study.factors}[condition.column]
        labels = {level.level: level.label for level in factor.levels}
        return f"{factor.title or factor.name}: {named(labels[level] for level in condition.levels)}"
    response = response_of(study, condition.column)
    word, bound = ("above", condition.above) if isinstance(condition, Above) else ("below", condition.below)
    return f"{response.title or response.name} {word} {value_text(bound, response.unit)}"
