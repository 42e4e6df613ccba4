"""Numbers for readers: rounding by the GUM rule, SI prefixes, units.

Knows one number of results.json: {value, unit, sd, n, u, U, dof}, absent parts null (docs/results.md). Knows no
campaign.

Rounding: U to two significant digits, the value to the same decimal (JCGM 100:2008, 7.2.6). Without U the standard
deviation takes its place, named as such; without either four significant digits are printed and no claim is made.
Seconds are printed to a thousandth at the most: no edge of an interval is known better.

Units: one unit for each kind of quantity on a page (`in_page_units`), chosen by the largest of its results; what lists
hold (actions, epochs, lines of a budget: U of an action of a few milliseconds is larger than every result) chooses only
where there is nothing else of its kind. What is not on such a page gets one for each column.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Number: TypeAlias = Mapping[str, Any]
NOTHING = "–"
THIN = "\u202f"
PREFIXES = ((1e-6, "µ"), (1e-3, "m"), (1.0, ""), (1e3, "k"), (1e6, "M"))
PREFIXED = ("W", "Wh", "J", "Ws")
BYTES = {
    "kB": ((1.0, "kB"), (1e3, "MB"), (1e6, "GB"), (1e9, "TB")),
    "KiB": ((1.0, "KiB"), (2.0**10, "MiB"), (2.0**20, "GiB"), (2.0**30, "TiB")),
}
"""Unit of an amount of data -> its larger ones: of 1000 each, or of 1024."""
PRINTED = "printed"
"""Key of a Number on a page: the unit that all of its kind are printed in."""
DECIMALS_OF_SECONDS = 3
NOISE = 1e-9
"""Relative to the value, or in the printed unit: a spread below this is floating point dust."""
LARGEST = 1e300
"""What is larger (an integer of any length may stand in JSON) is no number that can be printed."""
ONE = "1"
"""The unit of a plain count or ratio, never printed."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The unit a column or axis is printed in: printed value = value * `factor`."""

    unit: str
    factor: float = 1.0

    @property
    def suffix(self) -> str:
        """The unit behind a number, with its space; empty for a ratio."""
        return f"{THIN}{self.unit}" if self.unit else ""

    def axis(self, quantity: str) -> str:
        """Quantity and unit for an axis or a column: 'Energy / mWh'."""
        return f"{quantity}\u00a0/\u00a0{self.unit}" if self.unit else quantity


def in_page_units(results: Mapping[str, Any], *heads: str) -> dict[str, Any]:
    """A document whose Numbers all know the unit that their kind (watts, watt hours, ...) is printed in on its page:
    the one that fits the largest value or U among the parts `heads` of the document."""
    parts = [results.get(head) for head in heads]
    in_lists, largest = _largest(_numbers_in(parts)), {}
    for part in parts:
        largest |= {unit: max(size, largest.get(unit, 0.0)) for unit, size in _largest(_numbers_outside(part)).items()}
    largest = in_lists | largest
    known = {unit: size for unit, size in largest.items() if unit.partition("/")[0] in PREFIXED and size > 0}
    units = {unit: _fitting(unit, size).unit for unit, size in known.items()}
    document: dict[str, Any] = _with_units(dict(results), units)
    return document


def _largest(numbers: Iterable[Number]) -> dict[str, float]:
    """Unit -> the largest size of its Numbers."""
    largest: dict[str, float] = {}
    for number in numbers:
        unit = unit_of(number)
        largest[unit] = max(largest.get(unit, 0.0), _size(number))
    return largest


def energy_like(document: Mapping[str, Any], value: object) -> Number:
    """An energy in Wh that is no Number of the document, to be printed in the page's unit."""
    return {"value": value, "unit": "Wh", PRINTED: _printed(document, "Wh")}


def page_scale(document: Mapping[str, Any], unit: str) -> Scale:
    """The unit that all of a kind ("W", "Wh") are printed in on the document's page."""
    return _prefixed(_printed(document, unit) or unit, unit)


def _printed(document: Mapping[str, Any], unit: str) -> str | None:
    same = (number for number in _numbers_in(dict(document)) if unit_of(number) == unit and number.get(PRINTED))
    return next(same, {}).get(PRINTED)


def alike(number: Number | None, like: Number | None, scale: Scale) -> str:
    """A value without U of its own, printed to the decimals of one that has it."""
    value, expanded = value_of(number, scale), half_width_of(like, scale)
    if value is None or expanded is None:
        return bare(number, scale)
    places = decimals_for(expanded)
    return fixed(value, _at_most(places, DECIMALS_OF_SECONDS if scale.unit == "s" else None))


def _numbers_in(part: object) -> Iterator[Number]:
    """Every Number of a document."""
    if isinstance(part, dict):
        if is_finite(part.get("value")) and "unit" in part:
            yield part
        part = list(part.values())
    if isinstance(part, list):
        for item in part:
            yield from _numbers_in(item)


def _numbers_outside(part: object) -> Iterator[Number]:
    """Every Number of a document that stands in no list."""
    if isinstance(part, dict):
        if is_finite(part.get("value")) and "unit" in part:
            yield part
        for item in part.values():
            yield from _numbers_outside(item)


def _with_units(part: Any, units: Mapping[str, str]) -> Any:  # noqa: ANN401  decoded JSON
    if isinstance(part, list):
        return [_with_units(item, units) for item in part]
    if not isinstance(part, dict):
        return part
    found = {key: _with_units(item, units) for key, item in part.items()}
    printed = units.get(str(part.get("unit"))) if "value" in part else None
    return found if printed is None else found | {PRINTED: printed}


def scale_for(numbers: Iterable[Number | None]) -> Scale:
    """One unit for all numbers of a column: the page's, else the prefix that fits the largest of them."""
    present = [number for number in numbers if number is not None]
    units = {unit_of(number) for number in present}
    if len(units) != 1:
        return Scale("")
    unit = units.pop().replace("/s·s", "")  # a rate times its seconds is the amount
    printed = {str(number[PRINTED]) for number in present if number.get(PRINTED)}
    if len(printed) == 1:
        return _prefixed(printed.pop(), unit)
    return _fitting(unit, max((_size(number) for number in present), default=0.0))


def _size(number: Number) -> float:
    """How large a number is: its value, or its U where that is larger."""
    parts = (number.get(key) for key in ("value", "U"))
    return max((abs(float(part)) for part in parts if part is not None and is_finite(part)), default=0.0)


def _prefixed(printed: str, unit: str) -> Scale:
    size = next(size for size, prefix in PREFIXES if prefix + unit == printed)
    return Scale(printed, 1 / size)


def _fitting(unit: str, largest: float) -> Scale:
    amount, dot, rest = unit.partition("·")
    if amount in BYTES:
        return _largest_below(largest, BYTES[amount], dot + rest)
    stem, slash, rest = unit.partition("/")
    if stem not in PREFIXED:
        return Scale("" if unit == ONE else unit)
    return _largest_below(largest, PREFIXES, stem + slash + rest)


def unit_of(number: Number) -> str:
    """The unit a number is given in; a number without one is a ratio."""
    return str(number.get("unit") or ONE)


def _largest_below(largest: float, steps: tuple[tuple[float, str], ...], unit: str) -> Scale:
    """The largest step that still prints `largest` as at least 0.5; without a size, no prefix."""
    neutral = next(name for size, name in steps if size == 1.0)
    fitting = [(size, name) for size, name in steps if largest >= 0.5 * size]
    size, name = fitting[-1] if fitting else ((1.0, neutral) if largest == 0 else steps[0])
    return Scale(name + unit, 1 / size)


def is_finite(value: object) -> bool:
    """Whether a decoded JSON value is a number that can be printed."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def decimals_for(uncertainty: float) -> int:
    """Decimal places at which `uncertainty` (> 0) has two significant digits; negative: tens, hundreds."""
    places = 1 - math.floor(math.log10(uncertainty))
    rounded = round(uncertainty, places)
    return places if rounded < 10 ** (2 - places) else places - 1


def fixed(value: float, places: int) -> str:
    """A value with a number of decimals (negative: rounded to tens, hundreds), a true minus, groups of three."""
    rounded = round(value, places)
    text = f"{0.0 if rounded == 0 else rounded:,.{max(places, 0)}f}"
    return text.replace(",", THIN).replace("-", "−")


def significant(value: float, digits: int = 4) -> str:
    """A value to so many significant digits; whole numbers stay whole."""
    if value == 0:
        return "0"
    if float(value).is_integer() and abs(value) < 10 ** (digits + 3):
        return fixed(value, 0)
    return fixed(value, digits - 1 - math.floor(math.log10(abs(value))))


def value_of(number: Number | None, scale: Scale) -> float | None:
    """The value in the scale's unit, for an axis; None where there is none."""
    if number is None or not is_finite(number.get("value")):
        return None
    return float(number["value"]) * scale.factor


def half_width_of(number: Number | None, scale: Scale) -> float | None:
    """U in the scale's unit; None where there is none, or nothing but floating point noise."""
    return _above_noise(number, "U", scale)


def _above_noise(number: Number | None, part: str, scale: Scale) -> float | None:
    size, value = (number or {}).get(part), value_of(number, scale)
    if size is None or value is None or not is_finite(size):
        return None
    printed = float(size) * scale.factor
    return printed if printed > NOISE * max(abs(value), 1.0) else None


def bare(number: Number | None, scale: Scale) -> str:
    """'75.2 ± 5.6', the unit stands in the column's head; the value alone where U is absent, or less than what is
    printed of its unit."""
    value, expanded = value_of(number, scale), half_width_of(number, scale)
    if value is None:
        return NOTHING
    most = DECIMALS_OF_SECONDS if scale.unit == "s" else None
    if expanded is None:
        return fixed(value, _at_most(_places_by_spread(number, scale, value), most))
    places = _at_most(decimals_for(expanded), most)
    if round(expanded, places) == 0:
        return fixed(value, places)
    return f"{fixed(value, places)} ± {fixed(expanded, places)}"


def _at_most(places: int, most: int | None) -> int:
    return places if most is None else min(places, most)


def spread(number: Number | None, scale: Scale) -> str:
    """The standard deviation over the runs, two significant digits."""
    if number is None or not is_finite(number.get("sd")):
        return NOTHING
    deviation = _above_noise(number, "sd", scale)
    return "0" if deviation is None else fixed(deviation, decimals_for(deviation))


def quantity(number: Number | None, scale: Scale | None = None) -> str:
    """'(75.2 ± 5.6) mWh': value, U where there is one, unit."""
    scale = scale or scale_for([number])
    text = bare(number, scale)
    if text == NOTHING or not scale.unit:
        return text
    return f"({text}){scale.suffix}" if "±" in text else f"{text}{scale.suffix}"


def claim(number: Number | None, scale: Scale | None = None) -> str:
    """What the number rests on: '95 %, n = 30'; without U 'SD 0.42, n = 3'; empty where nothing is known."""
    if number is None or not is_finite(number.get("value")):
        return ""
    scale = scale or scale_for([number])
    deviation = spread(number, scale)
    words = ["95 %" if "±" in bare(number, scale) else ""]
    words += ["" if words[0] or deviation in (NOTHING, "0") else f"SD {deviation}"]
    words += [f"n\u00a0=\u00a0{number['n']}" if is_finite(number.get("n")) else ""]
    return ", ".join(word for word in words if word)


def full(number: Number | None, scale: Scale | None = None) -> str:
    """'(75.2 ± 5.6) mWh (95 %, n = 30)': the quantity and what it rests on."""
    words = claim(number, scale)
    return f"{quantity(number, scale)} ({words})" if words else quantity(number, scale)


def _places_by_spread(number: Number | None, scale: Scale, value: float) -> int:
    deviation = _above_noise(number, "sd", scale)
    if deviation is not None:
        return decimals_for(deviation)
    if abs(value) < NOISE or (value.is_integer() and abs(value) < 1e7):
        return 0
    return 3 - math.floor(math.log10(abs(value)))
