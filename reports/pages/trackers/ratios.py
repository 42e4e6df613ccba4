"""Ratios of a tracker to the meter as they are printed: in percent, with their 95 % interval, bias and limits.

Knows Numbers and agreements. Does not know which tracker or scenario they are of.
"""

from reports.pages.numbers import NOTHING, Scale, decimals_for, fixed, half_width_of, quantity
from reports.pages.trackers.words import REFUSED
from reports.results.agreement import Agreement, AgreementLimit
from reports.results.trackers import Interval
from reports.results.uncertainty import Number

PERCENT = Scale("%", 100.0)


def share(ratio: Number, interval: Interval | None) -> str:
    """'78.0 % [76.7, 79.4]'; '(78.0 ± 1.4) %' where Fieller's interval is unbounded."""
    if interval is None:
        return quantity(ratio, PERCENT)
    places = places_of(ratio)
    return f"{percent(ratio.value, places)} % {bracket(interval, places)}"


def places_of(ratio: Number | None) -> int:
    """Decimals at which U of a ratio in percent has two significant digits; one where it has none."""
    expanded = half_width_of(ratio, PERCENT)
    return decimals_for(expanded) if expanded else 1


def percent(ratio: float, places: int) -> str:
    """A ratio in percent."""
    return fixed(ratio * PERCENT.factor, places)


def bracket(interval: Interval | None, places: int) -> str:
    """'[76.7, 79.4]'."""
    return f"[{', '.join(percent(end, places) for end in interval)}]" if interval else NOTHING


def agreed(agreement: Agreement) -> str:
    """Bias and limits of agreement in one clause."""
    if agreement.refused is not None or agreement.bias is None:
        return f"not given, {refusal_of(agreement)}"
    places = places_of(agreement.bias)
    text = f"bias {percent(agreement.bias.value, places)} % {bracket(agreement.interval, places)}"
    if agreement.low is None or agreement.high is None:
        return f"{text}; limits of agreement not given, fewer than three runs"
    ends = (
        f"{percent(limit.value, places)} % {bracket(limit.interval, places)}"
        for limit in (agreement.low, agreement.high)
    )
    return f"{text}; limits of agreement {' to '.join(ends)}"


def refusal_of(agreement: Agreement) -> str:
    """Why there is no agreement; empty where there is one."""
    return "" if agreement.refused is None else REFUSED[agreement.refused]


def limit_of(limit: AgreementLimit | None, places: int) -> str:
    """'75.1 [70.2, 76.6]'."""
    return NOTHING if limit is None else f"{percent(limit.value, places)} {bracket(limit.interval, places)}"
