"""`trackers` of results.json: what software trackers said, beside what the meter measured at the same time.

Knows the shape of the section. Does not know how it is computed (`reports/trackers`, method.md section 9).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from reports.results.agreement import Agreement
from reports.results.codec import keyed
from reports.results.uncertainty import Number

Interval: TypeAlias = tuple[float, float]
Exclusion: TypeAlias = Literal[
    "run-excluded", "no-number", "negative", "unplaced", "outside-record", "too-short", "no-energy"
]
NoAccountReason: TypeAlias = Literal["no-artefact", "unreadable"]
NoCost: TypeAlias = Literal["no-partner", "epochs-not-fixed", "no-pairs", "seeds-differ", "no-baseline"]


@dataclass(frozen=True, slots=True)
class Factor:
    """What a tracker multiplied its energy by; undone here."""

    factor: float
    """1 where by nothing."""
    reason: str | None
    """In its own words; null where it gives none."""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of what the meter measured."""

    energy_wh: Number
    """Mean over the runs."""
    share: Number
    """Of the meter's energy, ratio of the means."""


@dataclass(frozen=True, slots=True)
class ComparedStretch:
    """A phase or an epoch that the tracker reports by itself, over the runs that have it."""

    name: str
    """As the program under test called it."""
    index: int | None
    """From 0; null: all of that name together, each run one pair of sums."""
    n: int
    """How many runs have it."""
    tracker_wh: Number
    """Mean of the tracker's energies; U is the spread of the runs alone."""
    meter_wh: Number | None
    """Mean of the meter's energies; null where it resolves none of them."""
    ratio: Number | None
    """Tracker / meter, ratio of the means; null where the meter's mean is not above 0."""
    interval: Interval | None
    """Fieller's 95 % interval of the ratio; null where there is none, or it is unbounded."""


@dataclass(frozen=True, slots=True)
class ComparedGpu:
    """GPU energy by the agent's own record of the same intervals."""

    method: str
    """What the agent read."""
    energy_wh: Number
    """Mean over the runs (DC board)."""
    ratio: Number | None
    """The tracker's GPU figure over it; null where the tracker gives none of some run."""
    interval: Interval | None
    """Fieller's 95 % interval of the ratio; null where there is none, or it is unbounded."""


@dataclass(frozen=True, slots=True)
class Supply:
    """What the tracker does not report, split by the efficiency of the power supply that lab.toml states."""

    loss: Share
    """Lost in the power supply."""
    out_of_scope: Share
    """Taken by components that the tracker does not cover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerComparison:
    """One tracker beside the meter in the runs of one scenario."""

    n: Number
    """How many runs."""
    versions: tuple[str, ...]
    """Of the tracker, each once."""
    factors: tuple[Factor, ...]
    """What it multiplied by, each once."""
    tracker_wh: Number
    """Mean of its energies; U is the spread of the runs alone."""
    meter_wh: Number
    """Mean of the meter's energies over the same intervals, with the whole uncertainty of a run's."""
    complete: bool
    """Whether the limits of error of every meter are known; otherwise U assumes those of its tier."""
    duration_s: Number
    """Mean length of what the tracker counted."""
    ratio: Number
    """Tracker / meter, ratio of the means; u by the delta method with what all energies of the meter share."""
    interval: Interval | None
    """Fieller's 95 % interval of the ratio; null where it is unbounded, or of one run."""
    agreement: Agreement
    """Of the single runs."""
    intervals: tuple[ComparedStretch, ...]
    """Each phase and epoch that the tracker gives, then all of a name together."""
    parts: Mapping[str, Share]
    """`cpu`, `gpu`, `ram` as the tracker splits its figure (those that it gives of every run), and `unassigned`, what
    it assigns to none of them."""
    gpu: ComparedGpu | None
    """Null where the agent recorded no GPU in some run."""
    rest: Share
    """What the tracker does not report: meter minus tracker."""
    supply: Supply | None
    """The rest, split; null without `psu_efficiency`."""
    methods: Mapping[str, tuple[str, ...]]
    """Part -> how the tracker had it, in its own words, each once."""
    problems: tuple[str, ...]
    """What it complained about, each once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEnergy:
    """What trackers themselves add to a run: the mean paired difference of two scenarios of the same work, with minus
    without them, by repetition."""

    with_trackers: str = field(metadata=keyed("with"))
    """The scenario with them."""
    without: str | None
    """The scenario of the same folder (or command) and parameters without any; null where there is none."""
    trackers: tuple[str, ...]
    """Their names, sorted."""
    refused: NoCost | None
    """Code of why there is no difference: there is no scenario of the same work without trackers; training could end at
    its target; no repetition is in the means of both; their seeds differ; there is no induced energy. Null
    where there is one."""
    n: Number
    """How many pairs; 0 where it was refused."""
    order_confounded: bool | None
    """Whether the two were not interleaved, so that time may have made the difference; null without a partner."""
    induced_energy_wh: Number | None
    """Difference of the induced energies; what meter and baseline err in common cancels. Null where it was refused."""
    duration_s: Number | None
    """Difference of the durations; null where it was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRun:
    """One tracker's figure of one run beside the meter's. Energies of the tracker are single observations."""

    folder: str
    """The run."""
    scenario: str
    """Of the run."""
    tracker: str
    """Its name, as the keys of `scenarios`."""
    version: str | None
    """Of its package; null where it does not say."""
    imported: bool
    """Whether its figure was attached to the campaign."""
    clock: str
    """Of its stamps: `sut-monotonic`, `sut-wall`, `host-utc`, `source-wall`, or `run`, where the operator said that the
    figure is of the run's own interval."""
    begin_s: float | None
    """Begin of its interval after that of the run; null where it cannot be placed."""
    duration_s: float | None
    """How long it counted: of several stretches their sum; null where it cannot be placed."""
    outside_s: float
    """How much of it lies before the first or after the last reading."""
    included: bool
    """Whether it enters the comparison."""
    excluded_because: Exclusion | None
    """Code of why it does not: its run enters no mean; it is absent or below 0; nothing maps its clock to the run's;
    its interval reaches beyond the readings, is shorter than the meter resolves, or has no energy by the meter. Null
    where it enters."""
    reported_wh: float | None
    """What the tracker said, with its factor; null: it had no figure."""
    factor: float
    """What it multiplied by."""
    energy_wh: float | None
    """`reported_wh` / `factor`."""
    meter_wh: Number | None
    """The meter's energy of the same interval, U of this single run; null where it resolves none."""
    ratio: Number | None
    """Tracker / meter, uncertain by the meter's energy alone."""
    pair_mean_wh: float | None
    """Geometric mean of both energies; null where one of them is not above 0."""
    parts_wh: Mapping[str, float | None]
    """Part -> its energy without the factor; null: it does not measure that part."""
    polls: int | None
    """How often it measured; null where it does not say."""
    problems: tuple[str, ...]
    """What it complained about."""
    spans: int = field(default=1, metadata=keyed(left_out=True))
    """How many stretches its figure counts; stands in the file only where they are several."""


@dataclass(frozen=True, slots=True)
class MissingAccount:
    """A tracker that was to be there in a run and left nothing that can be read."""

    folder: str
    """The run."""
    tracker: str
    """Its name."""
    reason: NoAccountReason
    """Code of why: it left no file, or one that cannot be read."""


@dataclass(frozen=True, slots=True)
class Trackers:
    """Every tracker of a campaign; the whole section is null where no run had one. A tracker's energy stands everywhere
    without its factor (a data centre's PUE); the meter's is the gross energy of the tracker's own interval. A tracker's
    name ends in `-imported` where its figure was attached to the campaign."""

    psu_efficiency: Number | None
    """`[sut] psu_efficiency_percent` of lab.toml as a ratio, its limits of error taken as rectangular; null without."""
    scenarios: Mapping[str, Mapping[str, TrackerComparison]]
    """Scenario -> tracker -> its comparison, both in the order of their names."""
    agreement: Mapping[str, Agreement]
    """Tracker -> agreement over the means of scenarios; those of the same work (folder, command and parameters)
    are one, and below five it is refused."""
    own_induced: tuple[OwnEnergy, ...]
    """Each scenario with trackers that has runs."""
    runs: tuple[ComparedRun, ...]
    """Each tracker's figure of each run."""
    missing: tuple[MissingAccount, ...]
    """Of runs that enter the means."""
