"""Numbers for readers: rounding by the GUM rule, SI prefixes, units.

Knows a `Number` and that records hold such. Knows no document.

Rounding: U to two significant digits, the value to the same decimal (JCGM 100:2008, 7.2.6). Without U the standard
deviation takes its place, named as such; without either four significant digits are printed and no claim is made, of a
power or an energy of one observation three, and as many decimals as the same observation has where it stands with its
U (the mean of one run, and that run): U of meter and edges is known, how far the next run lies from it is not.
Seconds are printed to a thousandth at the most: no edge of an interval is known better.

Units: one unit for each kind of quantity on a page (`in_page_units`), chosen by the largest of its results; what lists
hold (actions, epochs, lines of a budget: U of an action of a few milliseconds is larger than every result) chooses only
where there is nothing else of its kind. What is not on such a page gets one for each column.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from operator import is_
from typing import Any, TypeVar

from reports.results.codec import PLAIN, names_of, numbers_in, parts_of
from reports.results.uncertainty import Estimate, Number

Document = TypeVar("Document")

NOTHING = "–"
THIN = "\u202f"
PREFIXES = ((1e-6, "µ"), (1e-3, "m"), (1.0, ""), (1e3, "k"), (1e6, "M"))
PREFIXED = ("W", "Wh", "J", "Ws")
BYTES = {
    "kB": ((1.0, "kB"), (1e3, "MB"), (1e6, "GB"), (1e9, "TB")),
    "KiB": ((1.0, "KiB"), (2.0**10, "MiB"), (2.0**20, "GiB"), (2.0**30, "TiB")),
}
"""Unit of an amount of data -> its larger ones: of 1000 each, or of 1024."""
DECIMALS_OF_SECONDS = 3
DIGITS_OF_ONE = 3
"""Significant digits, at least, of a power or an energy that was observed once and has no U."""
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


@dataclass(frozen=True, slots=True)
class PrintedNumber(Number):
    """A Number on a page: all of its kind are printed in the unit `printed` there. `elsewhere`: the U that the same
    observation has in another place of the document, in `unit`; 0 where it has none."""

    printed: str = ""
    elsewhere: float = 0.0


def in_page_units(document: Document, *heads: str) -> Document:
    """A document whose Numbers all know the unit that their kind (watts, watt hours, ...) is printed in on its page:
    the one that fits the largest value or U among the parts `heads` of the document."""
    parts = {head: getattr(document, head) for head in heads}
    in_tuples, largest = _largest(numbers_in(parts)), _largest(_numbers_outside(parts))
    known = {unit: size for unit, size in (in_tuples | largest).items() if size > 0}
    units = {unit: _fitting(unit, size).unit for unit, size in known.items() if unit.partition("/")[0] in PREFIXED}
    global _last
    # the next to be asked of; looking for its units takes a while
    _last = _with_units(document, units, _single_u(document)), units
    return _last[0]  # type: ignore[return-value]


def _single_u(document: object) -> dict[tuple[str, str], float]:
    """Unit and value of every single observation that has a U -> that U."""
    found = (number for number in numbers_in(document) if number.n == 1 and number.value)
    return {_observation(number): size for number in found if (size := number.expanded) and is_finite(size)}


def _observation(number: Number) -> tuple[str, str]:
    return number.unit, f"{number.value:.12g}"


def _largest(numbers: Iterable[Number]) -> dict[str, float]:
    """Unit -> the largest size of its Numbers."""
    largest: dict[str, float] = {}
    for number in numbers:
        largest[number.unit] = max(largest.get(number.unit, 0.0), _size(number))
    return largest


def energy_like(document: object, value: float) -> Number:
    """An energy in Wh that is no Number of the document, to be printed in the page's unit."""
    return PrintedNumber(Estimate(value, None, None), "Wh", printed=_printed(document, "Wh"))


def page_scale(document: object, unit: str) -> Scale:
    """The unit that all of a kind ("W", "Wh") are printed in on the document's page."""
    return _prefixed(_printed(document, unit) or unit, unit)


def _printed(document: object, unit: str) -> str:
    global _last
    if document is not _last[0]:
        printed = {number.unit: text for number in numbers_in(document) if (text := _printed_of(number))}
        _last = document, printed
    return _last[1].get(unit, "")


_last: tuple[object, Mapping[str, str]] = (None, {})
"""The document that was asked last, and what units are printed as in it: a page asks hundreds of times of one."""


def _printed_of(number: Number) -> str:
    return number.printed if isinstance(number, PrintedNumber) else ""


def alike(number: Number | None, like: Number | None, scale: Scale) -> str:
    """A value without U of its own, printed to the decimals of one that has it."""
    value, expanded = value_of(number, scale), half_width_of(like, scale)
    if value is None or expanded is None:
        return bare(number, scale)
    places = decimals_for(expanded)
    return fixed(value, _at_most(places, DECIMALS_OF_SECONDS if scale.unit == "s" else None))


def _numbers_outside(value: Any) -> Iterator[Number]:  # noqa: ANN401  a record or a part of one
    """Every Number of a record that stands in no tuple."""
    if isinstance(value, Number):
        yield value
    elif not isinstance(value, tuple):
        for part in parts_of(value):
            yield from _numbers_outside(part)


def _with_units(value: Any, units: Mapping[str, str], single_u: Mapping[tuple[str, str], float]) -> Any:  # noqa: ANN401  a record or a part of one
    if isinstance(value, Number):
        printed = units.get(value.unit)
        if printed is None:
            return value
        elsewhere = single_u.get(_observation(value), 0.0) if value.n == 1 and value.expanded is None else 0.0
        return PrintedNumber(value.estimate, value.unit, value.sd, value.n, printed, elsewhere)
    if type(value) in PLAIN:
        return value
    if isinstance(value, tuple):
        parts = tuple([_with_units(part, units, single_u) for part in value])
        return value if all(map(is_, parts, value)) else parts
    if type(value) is dict or isinstance(value, Mapping):
        return {name: _with_units(part, units, single_u) for name, part in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        before = {name: getattr(value, name) for name in names_of(type(value))}
        changed = {
            name: new for name, part in before.items() if (new := _with_units(part, units, single_u)) is not part
        }
        return type(value)(**(before | changed)) if changed else value
    return value


def scale_for(numbers: Iterable[Number | None]) -> Scale:
    """One unit for all numbers of a column: the page's, else the prefix that fits the largest of them."""
    present = [number for number in numbers if number is not None]
    units = {number.unit or ONE for number in present}
    if len(units) != 1:
        return Scale("")
    unit = units.pop().replace("/s·s", "")  # a rate times its seconds is the amount
    printed = set(filter(None, map(_printed_of, present)))
    if len(printed) == 1:
        return _prefixed(printed.pop(), unit)
    return _fitting(unit, max((_size(number) for number in present), default=0.0))


def _size(number: Number) -> float:
    """How large a number is: its value, or its U where that is larger."""
    parts = (number.value, number.expanded)
    return max((abs(part) for part in parts if part is not None and is_finite(part)), default=0.0)


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


def _largest_below(largest: float, steps: tuple[tuple[float, str], ...], unit: str) -> Scale:
    """The largest step that still prints `largest` as at least 0.5; without a size, no prefix."""
    neutral = next(name for size, name in steps if size == 1.0)
    fitting = [(size, name) for size, name in steps if largest >= 0.5 * size]
    size, name = fitting[-1] if fitting else ((1.0, neutral) if largest == 0 else steps[0])
    return Scale(name + unit, 1 / size)


def is_finite(value: object) -> bool:
    """Whether a value is a number that can be printed."""
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
    if number is None or not is_finite(number.value):
        return None
    return number.value * scale.factor


def half_width_of(number: Number | None, scale: Scale) -> float | None:
    """U in the scale's unit; None where there is none, or nothing but floating point noise."""
    value = value_of(number, scale)
    return None if number is None or value is None else _above_noise(number.expanded, value, scale)


def _above_noise(size: float | None, value: float, scale: Scale) -> float | None:
    """A width in the scale's unit; None where there is none or it is floating point dust beside the printed value."""
    if size is None or not is_finite(size):
        return None
    printed = size * scale.factor
    return printed if printed > NOISE * max(abs(value), 1.0) else None


def bare(number: Number | None, scale: Scale) -> str:
    """'75.2 ± 5.6', the unit stands in the column's head; the value alone where U is absent, or less than what is
    printed of its unit."""
    value, expanded = value_of(number, scale), half_width_of(number, scale)
    if number is None or value is None:
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
    value = value_of(number, scale)
    if number is None or value is None or not is_finite(number.sd):
        return NOTHING
    deviation = _above_noise(number.sd, value, scale)
    return "0" if deviation is None else fixed(deviation, decimals_for(deviation))


def quantity(number: Number | None, scale: Scale | None = None) -> str:
    """'(75.2 ± 5.6) mWh': value, U where there is one, unit."""
    scale = scale or scale_for([number])
    text = bare(number, scale)
    if text == NOTHING or not scale.unit:
        return text
    return f"({text}){scale.suffix}" if "±" in text else f"{text}{scale.suffix}"


def claim(number: Number | None, scale: Scale | None = None) -> str:
    """What the number rests on: '95 %, n = 30'; without U 'SD 0.42, n = 3' or 'no U, n = 1'; empty where nothing is
    known."""
    if number is None or value_of(number, Scale("")) is None:
        return ""
    scale = scale or scale_for([number])
    deviation = spread(number, scale)
    words = ["95 %" if "±" in bare(number, scale) else ""]
    words += ["" if words[0] or deviation in (NOTHING, "0") else f"SD {deviation}"]
    words += ["no U" if number.n == 1 and not any(words) else ""]
    words += ["" if number.n is None else f"n\u00a0=\u00a0{number.n}"]
    return ", ".join(word for word in words if word)


def full(number: Number | None, scale: Scale | None = None) -> str:
    """'(75.2 ± 5.6) mWh (95 %, n = 30)': the quantity and what it rests on."""
    words = claim(number, scale)
    return f"{quantity(number, scale)} ({words})" if words else quantity(number, scale)


def _places_by_spread(number: Number, scale: Scale, value: float) -> int:
    deviation = _above_noise(number.sd, value, scale)
    if deviation is not None:
        return decimals_for(deviation)
    if abs(value) < NOISE or (value.is_integer() and abs(value) < 1e7):
        return 0
    places = -1 - math.floor(math.log10(abs(value)))
    if number.n != 1 or set(PREFIXED).isdisjoint(number.unit.split("/")):
        return places + 4
    elsewhere = number.elsewhere if isinstance(number, PrintedNumber) else 0.0
    return max(places + DIGITS_OF_ONE, decimals_for(elsewhere * scale.factor) if elsewhere else places)
