"""A scenario as results.json has it: means over its runs, and what they are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from harness.record.documents import Json
from harness.record.levels import Level
from reports.results.action import ActionResult, EnergyPerWork
from reports.results.budget import BudgetTable, Missing
from reports.results.codec import keyed
from reports.results.ratings import RatingsResult
from reports.results.uncertainty import Number
from reports.results.useful_work import UsefulWork

Interval: TypeAlias = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Budgets:
    """The budgets of `energy_wh` and `induced_energy_wh`; null where there is no such Number."""

    gross: BudgetTable | None
    """Of `energy_wh`."""
    induced: BudgetTable | None
    """Of `induced_energy_wh`."""


@dataclass(frozen=True, slots=True)
class TailResult:
    """The thermal tail: energy above the baseline from the end of the rating interval to the end of the record; never
    part of `induced_energy_wh`."""

    energy_wh: Number | None
    """Wh."""
    duration_s: Number | None
    """How long it was recorded, s."""
    settled: int
    """In how many runs the power is back at the baseline."""
    n: int
    """Runs that have one."""


@dataclass(frozen=True, slots=True)
class TwoStage:
    """The interval of a two-stage campaign; its u and dof are those of the first stage
    (`reports.inference.planning`)."""

    half_width_percent: float
    """What was promised, % of the result."""
    share_percent: float
    """In which share of campaigns, %."""
    pilot_runs: int
    """Runs of the first stage."""
    pilot_blocks: int
    """Blocks of the first stage."""
    planned_runs: int | None
    """Runs that the second stage planned."""
    induced_energy_wh: Number
    """Over all runs, with the pilot's spread, Wh."""
    reached: bool
    """Whether its U is as small as was promised."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """What the induced energy would be otherwise."""

    name: Literal["stamps-mark-window-start", "without-baseline-outliers", "without-outliers", "with-aborted"]
    """`stamps-mark-window-start`: stamps of unknown convention taken as marks of the window's begin;
    `without-baseline-outliers`, `without-outliers`: without outlying baseline blocks, without outlying runs;
    `with-aborted`: with runs and blocks that were aborted when their rating interval was over."""
    sentence: str
    """In words."""
    induced_energy_wh: Number | None
    """Wh."""


@dataclass(frozen=True, slots=True)
class RatioIntervals:
    """Fieller's 95 % intervals; null where they are not bounded."""

    total: Mapping[str, Interval]
    """Kind -> interval, by total energy."""
    induced: Mapping[str, Interval]
    """Kind -> interval, by induced energy."""


@dataclass(frozen=True, slots=True)
class RatioValues:
    """The factor of every run; null where it has none."""

    total: tuple[float | None, ...]
    """By total energy."""
    induced: tuple[float | None, ...]
    """By induced energy; empty where that is suppressed."""


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Efficiency factors, useful work over energy (ratio of the means, u by the delta method). Kinds: what the scenario
    declares (`[[work]]`), else those of `reports/results/undeclared.py`."""

    suppressed: str | None
    """Why `per_induced` is empty; null where it is not."""
    per_total: Mapping[str, Number]
    """Kind -> factor by total energy."""
    per_induced: Mapping[str, Number]
    """Kind -> factor by induced energy."""
    intervals: RatioIntervals
    """Fieller's intervals of both."""
    values: Mapping[str, RatioValues]
    """Kind -> the factor of every run."""


@dataclass(frozen=True, slots=True)
class Success:
    """How many runs reached their target."""

    reached: int
    """Runs that did."""
    n: int
    """Runs that say whether."""
    fraction: Number
    """Their share."""
    energy_per_success_wh: Number | None
    """Energy of all of them over the successes, Wh."""


@dataclass(frozen=True, slots=True)
class EnergyToAccuracy:
    """Energy up to the end of the first of the repeated actions (an epoch) whose metric is at a level or above it."""

    metric: str
    """The metric that the scenario declares (`[quality]`); `val_accuracy` where it declares nothing."""
    level: float
    """The level."""
    n_reached: int
    """Runs that came so far."""
    n: int
    """Runs that trained."""
    energy_wh: Number | None
    """Mean over those that came so far, Wh."""


@dataclass(frozen=True, slots=True)
class MarginalEnergy:
    """Energy (total) between the ends of the two epochs that first reached two neighbouring levels, by the percentage
    points that the metric differs between these epochs (`reports/energy/climbs.py`); `low` was reached by a run."""

    metric: str
    """The metric that the scenario declares (`[quality]`); `val_accuracy` where it declares nothing."""
    low: float
    """The lower level."""
    high: float
    """The next one."""
    n: int
    """Runs that the mean is over."""
    n_not_reached: int
    """Runs that reached only the lower one."""
    n_at_once: int
    """Runs of which one epoch reached both."""
    energy_per_point: Number | None
    """Wh/pp; null where no run has it."""


@dataclass(frozen=True, slots=True)
class HardwareUse:
    """A hardware indicator over the runs."""

    quantity: str
    """What it is."""
    unit: str
    """Unit of its means; amounts are per second."""
    mean: Number | None
    """Mean over the runs."""
    baseline: Number | None
    """Mean over the baseline blocks; null where it is missing there, as what follows."""
    induced: Number | None
    """Mean less baseline."""
    work: Number | None
    """Induced part summed over the run, unit·s."""


@dataclass(frozen=True, slots=True)
class GpuResult:
    """The boards' energy by their own reading. Their limits of error are not known: U is type A, of a single run what
    lies between the samples (nothing for a counter)."""

    label: str
    """`DC board / AC wall`."""
    method: str
    """`energy counter`, `integrated power`."""
    complete: bool
    """Always false."""
    missing: tuple[Missing, ...]
    """As in a budget."""
    energy_wh: Number | None
    """Wh."""
    induced_energy_wh: Number | None
    """Less the boards' own baseline, Wh."""
    mean_power_w: Number | None
    """W."""
    share: Number | None
    """Of the wall's energy."""
    induced_share: Number | None
    """Of the wall's induced energy; null where that cannot be told from zero."""


@dataclass(frozen=True, slots=True)
class OscarResult:
    """The same runs by OSCAR's rule (`reports/energy/oscar.py`)."""

    rule: str
    """The rule in words."""
    seconds: int
    """Seconds that it counts of each run."""
    reason: str | None
    """Which rows are missing, or why the Numbers are null."""
    mean_power_w: Number | None
    """W."""
    sd_over_runs_w: Number | None
    """Standard deviation over the runs, W."""
    energy_wh: Number | None
    """Wh."""
    induced_energy_wh: Number | None
    """Wh."""
    baseline_mean_power_w: Number | None
    """W."""
    hardware: Mapping[str, Number | None]
    """Indicator -> mean."""


@dataclass(frozen=True, slots=True)
class PublishedRecord:
    """Means over the runs of all that was recorded."""

    duration_s: Number | None
    """s."""
    mean_power_w: Number | None
    """W."""
    energy_wh: Number | None
    """Wh."""


@dataclass(frozen=True, slots=True)
class Published:
    """Means over the runs of what their publisher counts (`runs[].publisher`); `energy_wh` beside it is by exact
    overlap with the window."""

    publisher: str
    """Who published them."""
    rule: str
    """The rule's name."""
    sentence: str
    """The rule in words."""
    n: int
    """Runs."""
    rows: Number | None
    """Samples that count."""
    mean_power_w: Number | None
    """W."""
    energy_wh: Number | None
    """Wh."""
    spanned_energy_wh: Number | None
    """Wh."""
    record: PublishedRecord
    """All that was recorded."""


@dataclass(frozen=True, slots=True)
class Registers:
    """The meters' own energy registers beside the sum of readings."""

    energy_wh: Number | None
    """By the registers, Wh."""
    difference_wh: Number | None
    """Registers less sum, Wh."""
    resolution_wh: Number | None
    """One digit of the register, Wh."""


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """One scenario: means over the runs that enter them, each against the baseline."""

    title: str
    """Title of scenario.toml, or the name."""
    n_runs: Number
    """Runs that enter the means (unit `1`)."""
    n_excluded: Number
    """Runs that do not, lost ones counted (unit `1`)."""
    parameters: Json
    """Parameters of scenario.toml."""
    mean_power_w: Number | None
    """W."""
    energy_wh: Number | None
    """Wh."""
    induced_energy_wh: Number | None
    """Energy less the baseline, Wh: what the software induced."""
    induced_power_w: Number | None
    """Induced energy over the duration, W."""
    budget: Budgets
    """What U of the energies is made of."""
    duration_s: Number | None
    """s."""
    gap_energy_wh: Number | None
    """Energy that was interpolated where nothing was read, Wh."""
    tail: TailResult | None
    """The thermal tail; null where it was not recorded."""
    two_stage: TwoStage | None
    """The interval of a two-stage campaign; null otherwise."""
    alternatives: tuple[Alternative, ...]
    """What the induced energy would be otherwise, where that applies."""
    efficiency: Efficiency
    """Useful work over energy."""
    success: Success | None
    """How many runs reached their target; null where none says."""
    energy_to_accuracy: tuple[EnergyToAccuracy, ...]
    """Energy by level of quality."""
    marginal_energy: tuple[MarginalEnergy, ...]
    """Energy of each step of quality."""
    epochs: tuple[ActionResult, ...]
    """The action that repeats (declared; `epoch` where nothing is), by index."""
    actions: tuple[ActionResult, ...]
    """All other actions, in the order in which they begin."""
    hardware: Mapping[str, HardwareUse]
    """Indicator -> its use."""
    gpu: GpuResult | None
    """The boards' energy; null where no run has it."""
    oscar: OscarResult | None
    """The same by OSCAR's rule; null where it does not apply."""
    publisher: Published | None
    """What the publisher counts; null unless every included run has a window of its publisher's own."""
    registers: Registers | None
    """The meters' own registers; null where no run has them all."""
    invalid_because: tuple[str, ...]
    """Codes of the findings about this scenario alone that make it invalid; empty where it stands."""
    cell: Mapping[str, Level] | None = field(default=None, metadata=keyed(left_out=True))
    """Factor -> level (text, number, true or false), as in the start documents of its runs (docs/markers.md, "Factors
    and cells"); only of a scenario with factors."""
    declared: UsefulWork | None = field(default=None, metadata=keyed(left_out=True))
    """The useful work that its scenario.toml declares, and its program by marks (docs/markers.md, "Useful work"); only
    of a scenario of which either declares some."""
    energy_per_work: tuple[EnergyPerWork, ...] = field(default=(), metadata=keyed(left_out=True))
    """Energy per unit of the work that its program marks; only where it marks some."""
    ratings: RatingsResult | None = field(default=None, metadata=keyed(left_out=True))
    """What its service came to under load; only of a scenario that an emulator drives (docs/ratings.md)."""
