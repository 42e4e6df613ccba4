"""One side of a comparison, as comparison.json has it.

Knows what stands in the document. Knows no campaign, no other side and no page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reports.results.budget import Missing
from reports.results.meters import CampaignOrigin
from reports.results.uncertainty import Number
from reports.results.verdict import Word

Outcome: TypeAlias = Literal["less", "more", "not-shown", "too-few"]


@dataclass(frozen=True, slots=True)
class SidePart:
    """One scenario of one campaign, whose runs are runs of the side."""

    folder: str
    """The campaign, as in `inputs`."""
    chain_head: str
    """Digest of the last entry of its log."""
    scenario: str
    """Name of the scenario."""
    title: str
    """Title of the scenario."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How many runs reached their target."""

    reached: int
    """Runs that did."""
    n: int
    """Runs that say whether they did."""


@dataclass(frozen=True, slots=True)
class JoinedPair:
    """Two of the campaigns that were joined, beside each other: pooled runs count as runs of one population, so a
    difference that is told from zero makes the side's U too small."""

    first: str
    """One campaign and its scenario."""
    second: str
    """The other."""
    quantity: Literal["induced_energy_wh", "energy_wh"]
    """What is compared: the induced energy where both have one."""
    difference: Number
    """Second less first, Wh."""
    verdict: Outcome
    """As of a pair."""


@dataclass(frozen=True, slots=True)
class SideQuantity:
    """One quantity of one side."""

    number: Number | None
    """Mean over the runs, as in the report of its campaign; null where there is none."""
    reason: str | None
    """Code of why there is none; null where there is one."""
    missing: tuple[Missing, ...]
    """What its uncertainty lacks."""
    skewness: float | None
    """Skewness of the runs; null of fewer than 20."""
    skewed: bool
    """Whether it is above 2, the skewness of an exponential distribution: beyond that intervals were not shown to hold
    what they promise."""
    values: tuple[float | None, ...]
    """The value of every run, in the unit of the quantity; null where a run has none."""


@dataclass(frozen=True, slots=True)
class ComparedSide:
    """One scenario of a campaign, or that of several campaigns pooled."""

    label: str
    """What it is called."""
    parts: tuple[SidePart, ...]
    """What it is made of."""
    origin: CampaignOrigin
    """Where its readings come from: the worst of its campaigns."""
    verdicts: tuple[Word, ...]
    """The verdicts on its campaigns, each once; `invalid` also where the scenario alone is."""
    n_runs: int
    """Runs in its means."""
    n_excluded: int
    """Runs that were begun and are in no mean."""
    reached: Reached | None
    """How many runs reached their target; null where none was to, or none says so."""
    pooled: tuple[JoinedPair, ...]
    """Every two of the campaigns that were joined."""
    quantities: Mapping[str, SideQuantity]
    """`energy_wh`, `induced_energy_wh`, `duration_s`, and every efficiency factor by total and by induced energy, such
    as `epochs_per_wh.total`."""
