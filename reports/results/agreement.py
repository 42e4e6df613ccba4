"""How far two methods of measuring one quantity agree, as it stands in results.json.

Knows the shape of an agreement. Does not know how one is computed (`reports/inference/agreement.py`) or of what.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from reports.results.uncertainty import Number

NoAgreement: TypeAlias = Literal["too-few-runs", "not-positive", "too-few-scenarios"]


@dataclass(frozen=True, slots=True)
class AgreementLimit:
    """One limit of agreement."""

    value: float
    """As a ratio."""
    interval: tuple[float, float]
    """95 %, the exact interval of a normal distribution's quantile."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Bias and limits of agreement (Bland and Altman on the logarithm), as ratios; all null where it was refused."""

    n: int
    """How many single values; of an agreement over scenarios, how many of those."""
    refused: NoAgreement | None
    """Code of why there is none: fewer than two pairs, a value without a logarithm, fewer than five scenarios (of an
    agreement over scenarios); null where there is one."""
    bias: Number | None
    """exp of the mean logarithm; u by the delta method, with what all values share."""
    interval: tuple[float, float] | None
    """95 % of the bias: exp of Student's interval of the logarithm."""
    low: AgreementLimit | None
    """95 of 100 single values lie between this and `high`; null below three values."""
    high: AgreementLimit | None
    """See `low`."""
