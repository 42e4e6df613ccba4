"""`other_circuits` of results.json: what meters on circuits of their own say of the same runs.

Knows the shape of the section. Does not know how it is computed (`reports/campaign/other_circuits`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reports.results.meters import Origin, Tier
from reports.results.uncertainty import Number


@dataclass(frozen=True, slots=True)
class OtherRun:
    """One run or baseline block. Numbers are single observations; u holds what is known of this meter and of clocks."""

    folder: str
    """Name of the run folder."""
    included: bool
    """Whether it enters this meter's means: it enters those of the results, and gaps in this meter's readings do not
    exceed the limits that hold for the SUT's meter."""
    mean_power_w: Number
    """Mean power over the rating interval, W."""
    energy_wh: Number
    """Energy of the rating interval, Wh."""
    gap_s: Number
    """Time of it that no reading covers, s."""
    ratio_percent: Number | None
    """Its energy in % of that of the SUT; null where the SUT has none."""


@dataclass(frozen=True, slots=True)
class OtherMean:
    """Means over the runs of one scenario, or over the baseline blocks, that enter this meter's means."""

    n_runs: Number
    """How many."""
    mean_power_w: Number
    """Mean power, W, with U; of the baseline the pooled one."""
    energy_wh: Number
    """Mean energy of a run or block, Wh, with U."""
    ratio_percent: Number | None
    """Energy in % of that of the SUT over the same runs, mean of their ratios; U takes the errors of both meters as
    independent. Null where the SUT has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCircuit:
    """A meter on a circuit that does not feed the SUT, as `sut.circuits` names them. Nothing of it is in the SUT's
    energy."""

    meter: str
    """Its name in lab.toml."""
    circuit: str
    """What it measures."""
    origin: Origin
    """As in `meters[]`: what shows that an instrument made the readings, the worst of all runs."""
    tier: Tier | None
    """Kind of instrument; null where nobody says it."""
    complete: bool
    """Whether its limits of error are known; otherwise U assumes those of its tier."""
    baseline: OtherMean | None
    """Over the baseline blocks; null where it read nothing in any."""
    scenarios: Mapping[str, OtherMean]
    """Scenario -> its means; only of scenarios in whose runs it read something."""
    runs: tuple[OtherRun, ...]
    """Every run in which it read something, in the order they were begun."""
