"""Two sides beside each other, quantity by quantity: difference, ratio, their intervals, what is shown.

Knows sides and `contrast.py`. Knows no other pair (p of several are adjusted in `comparison.py`) and no sentence. The
first side is the reference: difference = second - first, ratio = second / first.
"""

import math
from collections.abc import Sequence

from reports.comparison.design import Pairs, is_one_campaign, pairing, sessions
from reports.comparison.efficiency_values import efficiency_values
from reports.comparison.side import Quantity, Side
from reports.comparison.significance import effects, equivalence, reason_of, significance_test
from reports.inference.contrast import Contrast, Line
from reports.results.compared_pair import ComparedPair, Headline, PairLine, PairQuantity
from reports.results.compared_side import Outcome
from reports.results.comparison import Key, Options
from reports.results.uncertainty import Estimate, Number

HEADLINES: tuple[Headline, ...] = ("induced_energy_wh", "energy_wh")
"""The first of them that both sides have is what the statement is about."""


def compared_pair(
    sides: Sequence[Side], places: tuple[int, int], keys: Sequence[Key], options: Options
) -> ComparedPair:
    """Two of the sides; `keys` are those of all."""
    first, second = (sides[place] for place in places)
    pairs, design = pairing(first, second)
    quantities = {
        name: pair_quantity(name, quantity, second.quantities[name], pairs, options)
        for name, quantity in first.quantities.items()
        if name in second.quantities
    }
    return ComparedPair(
        *places,
        design=design,
        n_pairs=None if pairs is None else len(pairs),
        one_campaign=is_one_campaign(first, second),
        sessions=sessions(first, second),
        differing=tuple(key.name for key in keys if _differs(key, places)),
        headline=headline(first, second),
        quantities=quantities,
        iso14756=efficiency_values(first, second, pairs, keys, options.timeliness),
    )


def headline(first: Side, second: Side) -> Headline:
    """The quantity that a statement on both sides is about."""
    both = (name for name in HEADLINES if first.quantities[name].mean and second.quantities[name].mean)
    return next(both, HEADLINES[-1])


def _differs(key: Key, places: tuple[int, int]) -> bool:
    first, second = (key.values[place] for place in places)
    return first is not None and second is not None and first != second


def pair_quantity(name: str, first: Quantity, second: Quantity, pairs: Pairs | None, options: Options) -> PairQuantity:
    """One quantity of both sides."""
    if first.mean is None or second.mean is None:
        return _nothing(first.unit, first.reason or second.reason)
    contrast = Contrast(first.mean, second.mean, pairs)
    interval = contrast.interval(complete=True)
    test = significance_test(name, contrast, (first.values, second.values), options.test)
    return PairQuantity(
        unit=first.unit,
        reason=reason_of(contrast),
        difference=Number(contrast.difference(complete=True), first.unit),
        difference_type_a=Number(contrast.difference(complete=False), first.unit),
        interval=interval,
        interval_type_a=contrast.interval(complete=False),
        ratio=ratio_number(contrast.ratio(complete=True)),
        ratio_type_a=ratio_number(contrast.ratio(complete=False)),
        ratio_interval=contrast.interval_of_ratio(complete=True),
        ratio_interval_type_a=contrast.interval_of_ratio(complete=False),
        relative=_relative(contrast),
        verdict=outcome(interval),
        not_excluded=None if interval is None else max(map(abs, interval)),
        not_excluded_percent=_farthest_percent(contrast),
        test=test,
        effects=effects(first.values, second.values, interval, test),
        equivalence=equivalence(name, contrast, options.margin),
        lines=tuple(map(_line, contrast.lines())),
    )


def outcome(interval: tuple[float, float] | None) -> Outcome:
    """What the interval of a difference shows."""
    if interval is None:
        return "too-few"
    return "more" if interval[0] > 0 else "less" if interval[1] < 0 else "not-shown"


def ratio_number(ratio: Estimate | None) -> Number | None:
    """A ratio as a Number."""
    return None if ratio is None else Number(ratio, "1")


def _nothing(unit: str, reason: str | None) -> PairQuantity:
    return PairQuantity(
        unit=unit, reason=reason, difference=None, difference_type_a=None, interval=None, interval_type_a=None,
        ratio=None, ratio_type_a=None, ratio_interval=None, ratio_interval_type_a=None, relative=None, verdict=None,
        not_excluded=None, not_excluded_percent=None, test=None, effects=None, equivalence=None, lines=None,
    )  # fmt: skip


def _relative(contrast: Contrast) -> Number | None:
    """By how many percent of the first the second differs; None where the ratio may be below zero."""
    ratio, interval = contrast.ratio(complete=True), contrast.interval_of_ratio(complete=True)
    if ratio is None or ratio.u is None or interval is None or interval[0] <= 0:
        return None
    return Number(Estimate(100 * (ratio.value - 1), 100 * ratio.u, ratio.dof), "%")


def _farthest_percent(contrast: Contrast) -> float | None:
    """The largest relative difference that is not excluded."""
    interval = contrast.interval_of_ratio(complete=True)
    return None if interval is None or interval[0] <= 0 else 100 * max(abs(end - 1) for end in interval)


def _line(line: Line) -> PairLine:
    dof = line.dof if math.isfinite(line.dof) else None
    return PairLine(line.name, line.type, line.first, line.second, line.u, line.rho, dof)
