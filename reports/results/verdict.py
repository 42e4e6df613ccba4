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
    """The word that they alone would give."""
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
    """Width of the guard band, Wh: `guard_band_factor` U."""
    acceptance_limit_wh: float | None
    """Limit less guard band, Wh (JCGM 106)."""
    accepted: bool
    """Whether the value is not above the acceptance limit."""
    risk: float | None
    """Probability that the decision is wrong."""
    risk_of: Literal["false acceptance", "false rejection"] | None
    """What it is the probability of."""
    because: Literal["no-uncertainty", "scenario-invalid"] | None
    """Why nothing is accepted, whatever the value is: the result has no uncertainty, or its scenario is invalid; null
    where the value was compared with the limit."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the findings make of the campaign."""

    word: Word
    """The worst that applies. `invalid`: a finding of severity invalid, other than one that only says why its run is
    not in the means; `broken-seal` always counts; one about a single scenario, or a run of it, makes that scenario
    invalid (`scenarios.NAME.invalid_because`), and the campaign only where no other scenario with runs in the means
    stands. `not-certifiable`: `emulated`, `estimated`, `unattested`, `imported`, `declared`, `calibration-expired`,
    `no-result`. `valid-with-remarks`: any other finding. `valid`: none."""
    reasons: tuple[Reason, ...]
    """The findings behind it, worst first."""
    decision: Decision | None
    """About the limit that `[decision]` of lab.toml states; null where it states none."""
