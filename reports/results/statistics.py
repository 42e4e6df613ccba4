"""Section `statistics` of results.json: the scenarios of a campaign beside each other.

Knows its keys. Computes nothing: `reports.campaign.statistics` does, by R (`reports.inference.statistics`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reports.results.inference import Effect, Interval, Pair, QuantilePlot, Test
from reports.results.uncertainty import Number

Declared: TypeAlias = Literal["welch", "rank"]
Absence: TypeAlias = Literal["nothing-to-test", "r-missing", "r-failed"]
Unreachable: TypeAlias = Literal["not-above-zero", "too-many"]


@dataclass(frozen=True, slots=True)
class Planning:
    """Runs and baseline blocks with which a new campaign has the half-width of `[thresholds]` in that share of
    campaigns (`reports/inference/planning.py`)."""

    half_width_percent: float
    """The half-width, in % of the induced energy."""
    share_percent: float
    """In how many of all campaigns it is kept."""
    blocks: int | None
    """Baseline blocks; null where no scenario can reach it."""
    runs: Mapping[str, int | None]
    """Scenario -> runs; null where none are known."""
    unreachable: Mapping[str, Unreachable]
    """Scenario -> why none are known: its induced energy cannot be told from zero yet, or it would take more than 500
    runs."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Repetitions, each one run of every scenario."""

    complete: int
    """Those that all scenarios have."""
    begun: int
    """All of them."""


@dataclass(frozen=True, slots=True)
class Variation:
    """Coefficient of variation."""

    value: float | None
    """SD over mean; null where the mean is not told from zero."""
    interval: Interval | None
    """95 % interval; null below eight values."""


@dataclass(frozen=True, slots=True)
class LevelResult:
    """The values of one scenario."""

    mean: Number
    """Mean over the runs, u of type A."""
    median: Number
    """Median over the runs, without u."""
    cv: Variation
    """Spread relative to the mean."""
    shapiro: Test
    """Shapiro-Wilk, refused below eight values; it chooses nothing."""
    qq: QuantilePlot | None
    """Q-Q plot; null below eight values."""


@dataclass(frozen=True, slots=True)
class ScenarioPair(Pair):
    """Two scenarios by Games-Howell, or by Dunn with Holm's p."""

    cliffs_delta: Effect | None
    """How much more often a value of the first is above one of the second than below."""


@dataclass(frozen=True, slots=True)
class Detectable:
    """What a two-sided Welch test of two scenarios at 5 % could have shown."""

    first: str
    """One scenario."""
    second: str
    """The other."""
    n: float
    """Harmonic mean of both sizes."""
    sd: float
    """SD of two such groups whose means differ with the same standard error, in `unit`."""
    unit: str
    """The response's unit."""
    power: float
    """Probability with which it finds it."""
    difference: float | None
    """The smallest difference of means that it finds with this power, in `unit`; null where nothing varies."""


@dataclass(frozen=True, slots=True)
class ResponseResult:
    """One quantity compared. The replicate is the run; only runs that enter the means; the baseline is no level."""

    unit: str
    """Unit of all its values."""
    levels: Mapping[str, LevelResult]
    """Scenario -> its values, of scenarios with two values or more."""
    left_out: tuple[str, ...]
    """Scenarios with one value."""
    levene: Test | None
    """Levene's test about medians; null for one level."""
    omnibus: Test | None
    """The declared test: `welch-anova` with partial eta^2, or `kruskal-wallis` with eta^2_H; null for one level."""
    post_hoc: tuple[ScenarioPair, ...]
    """Every pair of levels."""
    detectable: tuple[Detectable, ...]
    """The same pairs."""


@dataclass(frozen=True, slots=True)
class AllEpochs:
    """Coefficients over the epochs of all runs, without p, since epochs of one run are not independent."""

    pearson: float | None
    """Pearson's r; null where it was refused."""
    spearman: float | None
    """Spearman's rho; null where it was refused."""
    partial: float | None
    """Pearson's r of what the time in the run (middle of the epoch), as a straight line, leaves of both."""


@dataclass(frozen=True, slots=True)
class OverRuns:
    """The runs' own coefficients, taken together on Fisher's scale, freed of its bias."""

    n: int
    """Runs that have a coefficient."""
    left_out: int
    """Runs that have none."""
    mean: float | None
    """Their mean; null without a run."""
    interval: tuple[float, float] | None
    """Student's 95 % interval over the runs; null for fewer than three runs, or where a run has fewer than ten epochs,
    eleven for `partial`."""
    least: float | None
    """The least coefficient."""
    greatest: float | None
    """The greatest."""


@dataclass(frozen=True, slots=True)
class WithinRuns:
    """Coefficients of each run by itself."""

    raw: OverRuns
    """As they are."""
    partial: OverRuns
    """With the time in the run taken out as a straight line."""


@dataclass(frozen=True, slots=True)
class SameEpoch:
    """The coefficient of what run and epoch number leave of both."""

    value: float
    """Pearson's r."""
    n_runs: int
    """Runs."""
    n_epochs: int
    """Epochs that all of them have."""


@dataclass(frozen=True, slots=True)
class EpochCorrelation:
    """The energy of an epoch with something else, in one scenario."""

    scenario: str
    """The scenario."""
    x: str
    """What it is correlated with: `gpu_temperature_c`, or a metric that the scenario declares (`[[correlated]]`)."""
    y: Literal["energy_wh"]
    """The energy of an epoch."""
    n_runs: int
    """Runs that have two epochs or more with both."""
    n_epochs: int
    """Epochs of all of them."""
    all_epochs: AllEpochs
    """Over the epochs of all runs."""
    within_runs: WithinRuns
    """Over the runs' own coefficients."""
    same_epoch: SameEpoch | None
    """Epoch k of a run against epoch k of the others; null for fewer than three runs or two epochs that all have, or
    where nothing is left."""
    run_means: Test
    """Pearson over the runs' means: a run is one point."""


@dataclass(frozen=True, slots=True)
class Correlations:
    """Both tests of the same pairs of values."""

    pearson: Test
    """Pearson's r."""
    spearman: Test
    """Spearman's rho."""


@dataclass(frozen=True, slots=True)
class RunCorrelation:
    """The energy of a run with where its training ended."""

    x: str
    """A declared metric where it ended: as the run's summary says, else its last epoch."""
    y: Literal["energy_wh"]
    """The energy of a run."""
    scenarios: Mapping[str, Correlations]
    """Scenario -> over its runs."""
    all_runs: Correlations
    """Over all runs."""
    medians: Correlations
    """Over the medians of the scenarios."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """The scenarios beside each other, computed of all the rest; the tests are R's (`reports/inference/statistics.R`).
    `wattlab verify` compares the whole section; where R is on one side only it compares everything else and says so."""

    available: bool
    """Whether a test was made."""
    reason: Absence | None
    """Why none was: `r-missing` (R was not installed where the file was written), `r-failed` (it was, and did not
    start) or `nothing-to-test` (no two scenarios with two runs each, no scenario with three); null where one was."""
    test: Declared
    """What lab.toml declared (`[analysis] test`): `welch` (the default) or `rank`."""
    planning: Planning | None
    """What a new campaign takes; null where nothing is known."""
    blocks: Blocks | None
    """How many repetitions are complete; null where no test was made."""
    responses: Mapping[str, ResponseResult]
    """Quantity -> the scenarios compared in it: `energy_wh`, `induced_energy_wh`, `duration_s`, and of every scenario
    the kind of work that it declares first by its induced energy (`val_accuracy_per_induced_wh`); empty where no test
    was made."""
    epochs: tuple[EpochCorrelation, ...]
    """Energy of an epoch (the action that repeats) with temperature and the declared metrics."""
    runs: tuple[RunCorrelation, ...]
    """Energy of a run with the declared metrics at its end."""
