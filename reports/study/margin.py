"""The difference that a question calls relevant, as its study file states it: `5 %`, `0.2 Wh`.

Knows the text, its unit and the response's. Knows no value: `relevance` judges.
"""

import math
import re
from dataclasses import dataclass

from harness.record.errors import ConfigError
from reports.study.file import StudyFile
from reports.study.units import unit_of

AMOUNT = re.compile(r"((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*)")
"""A number above or equal to 0, and what stands behind it."""


@dataclass(frozen=True, slots=True)
class Relevant:
    """A difference that matters: an amount in the response's unit, or a share of the reference level's mean."""

    text: str
    amount: float
    is_share: bool


def relevant_of(path: str, name: str, declared: StudyFile) -> Relevant | None:
    """What a question states as `relevant`; None where it states nothing.

    Raises:
        ConfigError: it is no share below 100 % and no amount above 0 in a unit of the response.
    """
    text, place = declared.questions[name].relevant, f"{path}: questions.{name}.relevant"
    response = declared.responses[declared.questions[name].response]
    if not text.strip():
        return None
    amount = AMOUNT.fullmatch(text.strip())
    value, unit = (float(amount[1]), amount[2]) if amount else (0.0, "")
    is_share = unit == "%"
    if not 0 < value < (100 if is_share else math.inf):
        raise ConfigError(
            f'{place}: found {text!r}, expected a share of the mean of the first level, such as "5 %", or an amount '
            f'above 0, such as "0.2 {response.unit}": how large a difference would still not matter'
        )
    if is_share:
        return Relevant(text, value / 100, is_share)
    stated = unit_of(response.unit, f"{place}: the response's unit", declared.study.units)
    scale = unit_of(unit, place, declared.study.units).per(stated) if unit else 1.0
    if scale is None:
        raise ConfigError(f"{place}: found {text!r}, but the response is in {response.unit}; state it in that unit")
    return Relevant(text, value * scale, is_share)
