"""Units of a study: `GJ s`, `kJ/image`, `%` -> a factor and dimensions, so that a formula that does not give the unit
it is said to give is refused (a sum of watts taken for joules, say).

Knows products and quotients of named units. Knows no temperature scale with an offset but by name (°C is a dimension of
its own), and no column.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

from harness.record.errors import ConfigError

PREFIXES = {"m": Fraction(1, 1000), "": Fraction(1), "k": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9)}
BASE: Mapping[str, tuple[Fraction, Mapping[str, int]]] = MappingProxyType(
    {
        "W": (Fraction(1), {"W": 1}),
        "J": (Fraction(1), {"W": 1, "s": 1}),
        "Wh": (Fraction(3600), {"W": 1, "s": 1}),
        "s": (Fraction(1), {"s": 1}),
        "min": (Fraction(60), {"s": 1}),
        "h": (Fraction(3600), {"s": 1}),
        "B": (Fraction(1), {"B": 1}),
        "KiB": (Fraction(1024), {"B": 1}),
        "MiB": (Fraction(1024**2), {"B": 1}),
        "GiB": (Fraction(1024**3), {"B": 1}),
        "bit": (Fraction(1, 8), {"B": 1}),
        "Hz": (Fraction(1), {"s": -1}),
        "FLOP": (Fraction(1), {"FLOP": 1}),
        "g": (Fraction(1), {"g": 1}),
        "V": (Fraction(1), {"V": 1}),
        "A": (Fraction(1), {"W": 1, "V": -1}),
        "°C": (Fraction(1), {"°C": 1}),
        "1": (Fraction(1), {}),
        "%": (Fraction(1, 100), {}),
    }
)
COUNTED = ("image", "epoch", "run", "sample", "token", "request")
"""What is counted: each a dimension of its own."""
PREFIXED = frozenset({"W", "J", "Wh", "s", "B", "bit", "Hz", "FLOP", "g", "V", "A"})
_SUPERSCRIPTS = str.maketrans("²³⁴", "234")
_TOKEN = re.compile(r"\s*([/*·]?)\s*([^\s/*·^²³⁴]+)(?:\^?(-?\d+|[²³⁴]))?")


@dataclass(frozen=True, slots=True)
class Unit:
    """A factor to the base units and their powers."""

    factor: Fraction = Fraction(1)
    dimensions: Mapping[str, int] = field(default_factory=dict)

    def times(self, other: "Unit", power: int = 1) -> "Unit":
        """This unit times a power of another."""
        powers = dict(self.dimensions)
        for name, exponent in other.dimensions.items():
            powers[name] = powers.get(name, 0) + power * exponent
        kept = {name: exponent for name, exponent in powers.items() if exponent}
        return Unit(self.factor * other.factor**power, kept)

    def per(self, other: "Unit") -> float | None:
        """How many of the other unit one of this is; None where they are of different dimensions."""
        if dict(self.dimensions) != dict(other.dimensions):
            return None
        return float(self.factor / other.factor)

    @property
    def base(self) -> str:
        """Its base units as text, without the factor: `W s²/image`, `1`."""
        above = [_power(name, exponent) for name, exponent in self.dimensions.items() if exponent > 0]
        below = [_power(name, -exponent) for name, exponent in self.dimensions.items() if exponent < 0]
        return "/".join([" ".join(above) or "1", *below])


def unit_of(text: str, where: str, own: Collection[str] = ()) -> Unit:
    """The unit that a text names: names joined by spaces, `*`, `·` or `/` (which divides by the one name behind it),
    each with a power (`s^2`, `s²`). `own`: further counted things.

    Raises:
        ConfigError: a name is unknown, or the text is none; it begins with `where`.
    """
    unit, position = Unit(), 0
    while position < len(text.rstrip()):
        found = _TOKEN.match(text, position)
        if found is None:
            break
        sign, name, power = found.groups()
        exponent = int((power or "1").translate(_SUPERSCRIPTS))
        unit = unit.times(_named(name, where, own), -exponent if sign == "/" else exponent)
        position = found.end()
    if not text.strip() or position < len(text.rstrip()):
        raise ConfigError(f'{where}: found {text!r}, expected a unit such as "Wh", "kJ/image", "GJ s", "%" or "1"')
    return unit


def _named(name: str, where: str, own: Collection[str]) -> Unit:
    if name in BASE:
        factor, dimensions = BASE[name]
        return Unit(factor, dimensions)
    if name in COUNTED or name in own:
        return Unit(Fraction(1), {name: 1})
    for prefix, factor in PREFIXES.items():
        rest = name.removeprefix(prefix)
        if prefix and name.startswith(prefix) and rest in PREFIXED:
            return Unit(factor * BASE[rest][0], BASE[rest][1])
    known = ", ".join([*BASE, *COUNTED, *own])
    raise ConfigError(
        f"{where}: {name!r} is no unit that is known; there are {known} (with the prefixes m, k, M, G), "
        "and what study.units lists"
    )


def _power(name: str, exponent: int) -> str:
    return name if exponent == 1 else f"{name}^{exponent}"
