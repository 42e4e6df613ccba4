"""Values that may be absent, as results.json has them: null. Knows Numbers and floats; computes nothing."""

from collections.abc import Sequence

import numpy as np

from reports.results.uncertainty import Number, single


def single_of(value: float, unit: str) -> Number | None:
    """One value without an uncertainty; null where it is not finite."""
    return single(value, unit) if np.isfinite(value) else None


def finite_or_none(value: float) -> float | None:
    """The value, null where it is not finite."""
    return float(value) if np.isfinite(value) else None


def finite_values(values: Sequence[float]) -> tuple[float | None, ...]:
    """The values, null where they are not finite."""
    return tuple(finite_or_none(value) for value in values)
