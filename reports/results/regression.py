"""Whether a release uses more than the one before it: the answer of `wattlab archive regression --json`.

Knows the record. Computes nothing (`reports/comparison/regression.py`).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from reports.results.comparison import Margin
from reports.results.meters import CampaignOrigin
from reports.results.verdict import Word

RegressionWord: TypeAlias = Literal["regression", "not-worse", "undecided"]
"""Shown to be more than the margin above; shown not to be; neither was shown."""


@dataclass(frozen=True, slots=True)
class ReleaseSide:
    """One of the two releases."""

    release: str
    """Its name."""
    campaigns: tuple[str, ...]
    """Which campaigns measured it."""
    n_runs: int
    """Runs in its mean."""
    energy_wh: float | None
    """Mean of a run; null: there is none."""
    U_energy_wh: float | None
    """Its expanded uncertainty (95 %), type B included."""
    verdicts: tuple[Word, ...]
    """Of each campaign."""


@dataclass(frozen=True, slots=True)
class Regression:
    """A release beside the one that it is held against. p are doubled, as of an interval of 95 %, and multiplied by
    `looks`."""

    scenario: str
    """What was run."""
    sut: str
    """On which machine."""
    quantity: Literal["energy_wh", "induced_energy_wh"]
    """Which energy."""
    margin: Margin
    """How much more still counts as no more."""
    looks: int
    """How often the question is asked for one false alarm in twenty."""
    reference: ReleaseSide
    """What it is held against."""
    newest: ReleaseSide
    """What is held against it."""
    verdict: RegressionWord
    """What was shown."""
    reason: str | None
    """Code that says why there is no interval; null: there is one."""
    ratio: float | None
    """Newest over reference."""
    ratio_interval: tuple[float, float] | None
    """Its 95 % interval, type B included."""
    difference_wh: float | None
    """Newest less reference; null: one of them has no such energy."""
    difference_interval_wh: tuple[float, float] | None
    """Its 95 % interval, type B included."""
    level: float
    """Level of the interval that decides: 1 - 0.05 / `looks`."""
    deciding_interval: tuple[float, float] | None
    """The interval of this level, type B included: of the ratio where the margin is a share, of the difference (Wh)
    where it is an energy. The margin lies on one side of it wherever something was shown; null: it has no end."""
    p_more: float | None
    """That it is above the margin by chance."""
    p_not_more: float | None
    """That it is below the margin by chance."""
    origin: CampaignOrigin
    """Where the readings come from: the worst of both sides."""
    differing: tuple[str, ...]
    """What both sides did not have in common, by key."""
