"""Numbers as one series of grouped bars: values, their U as whiskers, their texts. Knows the rounding rule."""

from collections.abc import Sequence

from reports.figures.grouped_bars import Series
from reports.pages.numbers import Scale, bare, half_width_of, value_of
from reports.results.uncertainty import Number


def bar_series(
    label: str, style: int, numbers: Sequence[Number | None], scale: Scale, reasons: Sequence[str] = ()
) -> Series:
    """A bar of each number; `reasons`: why there is none, number by number."""
    values = [value_of(number, scale) for number in numbers]
    halves = [half_width_of(number, scale) for number in numbers]
    ends = [
        (None, None) if value is None or half is None else (value - half, value + half)
        for value, half in zip(values, halves, strict=True)
    ]
    texts = [bare(number, scale).split(" ±")[0] for number in numbers]
    return Series(label, style, values, texts, [low for low, _ in ends], [high for _, high in ends], reasons)
