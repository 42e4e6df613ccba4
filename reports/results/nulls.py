"""Values that may be absent, as results.json has them: null. Knows Numbers and floats; computes nothing."""

from collections.abc import Sequence

import numpy as np

from harness.record.documents import Json
from reports.results.uncertainty import Number, single


def json_of(number: Number | None) -> Json | None:
    """A Number for the file."""
    return None if number is None else number.to_json()


def single_of(value: float, unit: str) -> Json | None:
    """One value without an uncertainty; null where it is not finite."""
    return single(value, unit).to_json() if np.isfinite(value) else None


def finite_or_none(value: float) -> float | None:
    """The value, null where it is not finite."""
    return float(value) if np.isfinite(value) else None


def finite_values(values: Sequence[float]) -> list[float | None]:
    """The values, null where they are not finite."""
    return [finite_or_none(value) for value in values]


def pair_of(interval: tuple[float, float] | None) -> list[float] | None:
    """Both ends of an interval."""
    return None if interval is None else list(interval)
