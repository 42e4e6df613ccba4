"""The verdict and the decision about a stated limit, as results.json has them (`reports.findings.verdict`)."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from reports.results.codec import keyed
from reports.results.finding import Severity

Word: TypeAlias = Literal["valid", "valid-with-remarks", "invalid", "not-certifiable"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Findings of one code and severity that weigh in the verdict."""

    code: str
    """Code of the finding."""
    severity: Severity
    """Its severity."""
    weighs: Word
    """What it makes of the campaign."""
    subjects: tuple[str, ...]
    """What it is about: run folders, scenarios, meters, `campaign`."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a result is below the limit that lab.toml states, with a guard band (JCGM 106)."""

    scenario: str
    """Name of the scenario."""
    quantity: str
    """Which of its Numbers."""
    limit_wh: float
    """The limit, Wh."""
    guard_band_factor: float
    """Guard band in units of U."""
    value_wh: float | None
    """The result, Wh; null without an uncertainty, as what follows."""
    expanded_wh: float | None = field(metadata=keyed("U_wh"))
    """U of it, Wh."""
    guard_band_wh: float | None
    """Width of the guard band, Wh."""
    acceptance_limit_wh: float | None
    """Limit less guard band, Wh."""
    accepted: bool
    """Whether the result lies below it."""
    risk: float | None
    """Probability that the decision is wrong."""
    risk_of: Literal["false acceptance", "false rejection"] | None
    """What it is the probability of."""
    because: Literal["no-uncertainty", "scenario-invalid"] | None
    """Why nothing is accepted although nothing was compared; null where it was."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the findings make of the campaign."""

    word: Word
    """The worst that applies."""
    reasons: tuple[Reason, ...]
    """The findings behind it, worst first."""
    decision: Decision | None
    """About the limit in lab.toml; null where none is stated."""
