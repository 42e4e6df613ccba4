"""What a lab may set of a driver: each option with its meaning, its default and its limits.

Knows: names, numbers, words; which known name a mistyped one is nearest to. Does not know: lab.toml, any meter.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from meters.meter import MeterOptionError

Value = float | str
NEARLY = 0.6  # difflib's own measure and default


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its default, what it is (with its unit), and what it may be.

    A number lies between `low` and `high`; `choices`, where there are any, are the words it may be (for a number:
    beside the numbers, such as `auto`); `form` is the regular expression of further words. A `whole` number has no
    fraction.
    """

    default: Value
    what: str
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    whole: bool = False
    form: str = ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `did you mean wattsup?` for a name that is nearly one of the known ones, else `expected one of ...`."""
    names = {each.casefold(): each for each in known}
    nearest = get_close_matches(name.casefold(), names, n=1, cutoff=NEARLY)
    if nearest:
        return f"did you mean {names[nearest[0]]}?"
    return f"expected one of {', '.join(sorted(names.values()))}" if names else "expected none at all"


def read_options(driver: str, declared: Mapping[str, Option], given: Mapping[str, object]) -> dict[str, Value]:
    """Return every declared option, as given or as its default; numbers as float.

    Raises `MeterOptionError` naming driver and option for one that is not declared and for a value out of place.
    """
    for name in given:
        if name not in declared:
            raise MeterOptionError(f"{driver}: unknown option {name!r}; {did_you_mean(name, declared)}")
    return {name: _value(driver, name, option, given.get(name, option.default)) for name, option in declared.items()}


def number(values: Mapping[str, Value], name: str) -> float:
    """Return an option that is always a number."""
    value = values[name]
    assert isinstance(value, float)
    return value


def whole(values: Mapping[str, Value], name: str) -> int:
    """Return an option that is always a whole number."""
    return int(number(values, name))


def chosen(values: Mapping[str, Value], name: str) -> float | None:
    """Return an option that is a number, `None` where it is a word such as `auto`."""
    value = values[name]
    return value if isinstance(value, float) else None


def word(values: Mapping[str, Value], name: str) -> str:
    """Return an option that is always a word."""
    value = values[name]
    assert isinstance(value, str)
    return value


def _value(driver: str, name: str, option: Option, value: object) -> Value:
    if isinstance(value, str) and (value in option.choices or (isinstance(option.default, str) and not option.choices)):
        return value
    if isinstance(value, str) and option.form and re.fullmatch(option.form, value):
        return value
    numeric = not isinstance(option.default, str) or math.isfinite(option.low)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    has_place = numeric and is_number and option.low <= float(str(value)) <= option.high
    if has_place and (not option.whole or float(str(value)).is_integer()):
        return float(str(value))
    raise MeterOptionError(f"{driver}: option {name} is {value!r}, expected {_expected(option, numeric)}")


def _expected(option: Option, numeric: bool) -> str:
    ways = []
    if numeric:
        bounds = [f"from {option.low:g}" if math.isfinite(option.low) else "", f"to {option.high:g}"]
        ways.append(
            " ".join(
                [
                    "a whole number" if option.whole else "a number",
                    bounds[0],
                    bounds[1] if math.isfinite(option.high) else "",
                ]
            ).strip()
        )
    if option.choices:
        ways.append("one of " + ", ".join(option.choices))
    return f"{' or '.join(ways) or 'a word'} ({option.what})"
