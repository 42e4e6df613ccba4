"""What a service under load came to, as results.json has it: the load that was made, ratings after ISO/IEC 14756,
latencies, energy of each task, request, image and token.

Knows what stands in the document. Knows no run, no formula and no page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.record.documents import Json
from reports.results.action import EnergyPerWork
from reports.results.codec import keyed
from reports.results.uncertainty import Number

Sections = Literal["runs", "parts-of-run"]
Shape = Literal["users", "constant", "poisson", "closed", "trace"]


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile of latencies."""

    percent: float
    """Which one, %."""
    value_s: Number | None
    """s, at the upper border of its bucket (at most .1 % above it); null where it lies above an hour."""


@dataclass(frozen=True, slots=True)
class LatencyResult:
    """Latencies of all runs together. Percentiles by HDR histogram; mean, least and largest value of the latencies
    themselves, which a histogram knows only to its buckets' borders."""

    n: int
    """How many."""
    mean_s: Number
    """Mean, s."""
    least_s: float
    """The least, s."""
    largest_s: float
    """The largest, s."""
    dropped: int
    """How many lie above the histogram's range (an hour); they count as larger than all others."""
    sections: Sections | None
    """What U rests on: `runs`, or where these are fewer than three equal `parts-of-run`, which say nothing of another
    run; null: there is no U."""
    percentiles: tuple[Percentile, ...]
    """Rising."""
    shares: tuple[tuple[float, float], ...]
    """The cumulative distribution as some points (s, share), for a picture."""


@dataclass(frozen=True, slots=True)
class Significance:
    """ISO/IEC 14756's rule of statistical significance of the mean execution time, over the campaign."""

    half_width_percent: float | None
    """Half the width of the 95 % interval of the mean execution time by the runs, % of it; null of fewer than three
    runs."""
    half_width_of_tasks_percent: float | None
    """The same as if every task were an observation of its own; null of fewer than two."""
    limit_percent: float
    """The largest that is allowed (`half_width_percent` of [thresholds])."""
    least: int
    """So many tasks are needed over the campaign."""
    met: bool | None
    """Whether both are small enough and there are tasks enough; null: not judged."""
    reason: str | None
    """`campaign-not-finished`: runs that were planned are missing, and who looks after each run and stops when it suits
    has no 95 %; null otherwise."""


@dataclass(frozen=True, slots=True)
class TaskTypeRating:
    """One task type over all runs that enter the means. Structured after ISO/IEC 14756."""

    waits: bool
    """Whether its users wait for it (WAIT)."""
    timeliness: tuple[tuple[float, float], ...] | None
    """(within so many seconds, at least this share) of its timeliness function; null without."""
    submitted: Number = field(metadata=keyed("b"))
    """Tasks of the rating intervals (unit `1`)."""
    done: Number
    """Of these, completed and correct (unit `1`)."""
    reasons: Mapping[str, int]
    """Why others were not: word -> how many."""
    throughput: Number = field(metadata=keyed("B"))
    """b / T_R, 1/s."""
    mean_execution_s: Number | None = field(metadata=keyed("T_ME"))
    """Mean execution time of those that are done, s."""
    timely: Number | None = field(metadata=keyed("e"))
    """Timely tasks (unit `1`); null without a timeliness function."""
    timely_throughput: Number | None = field(metadata=keyed("E"))
    """e / T_R, 1/s."""
    reference_s: float | None = field(metadata=keyed("T_Ref"))
    """Mean execution time that the timeliness function admits, s."""
    reference_throughput: float | None = field(metadata=keyed("B_Ref"))
    """Throughput that the users, or the rate of the load (of a Poisson load as it was drawn), ask for, 1/s; null of a
    closed load and of a trace."""
    throughput_rating: Number | None = field(metadata=keyed("R_TH"))
    """B / B_Ref."""
    execution_rating: Number | None = field(metadata=keyed("R_ME"))
    """T_Ref / T_ME."""
    timeliness_rating: Number | None = field(metadata=keyed("R_TI"))
    """E / B."""
    passed: bool | None
    """Whether each of the three is 1 or more; null where one of them is."""
    significance: Significance
    """Whether the mean execution time is known well enough."""
    goodput: Number
    """Tasks per second that are done within the last limit of the timeliness function (without one: done), 1/s."""
    latency: LatencyResult | None
    """Execution times; null where no task was done."""
    first_token: LatencyResult | None = field(default=None, metadata=keyed(left_out=True))
    """Time to the first token of streamed answers; only where there are any."""
    per_token: LatencyResult | None = field(default=None, metadata=keyed(left_out=True))
    """Mean time between two tokens of an answer; only where there are any."""
    longest_gap_s: float | None = field(default=None, metadata=keyed(left_out=True))
    """The longest time between two pieces of a streamed answer, s."""


@dataclass(frozen=True, slots=True)
class SteadyStateResult:
    """The same energy by the window that public LLM energy benchmarks take: from when the declared number of requests
    is in flight for the first time to when the last full batch ends. What was completed in it counts."""

    rule: str
    """In words."""
    n: int
    """Runs that have such a window."""
    duration_s: Number | None
    """Its mean length, s."""
    energy_wh: Number | None
    """Mean energy in it, Wh."""
    induced_energy_wh: Number | None
    """Less the baseline, Wh."""
    energy_per: tuple[EnergyPerWork, ...]
    """Energy of one of what was done in it."""


@dataclass(frozen=True, slots=True)
class BatchSize:
    """An energy that the regression gives."""

    name: str
    """A size; `batch` and `item` where sizes are too many: what a batch takes and each of its items; `none`: power
    above the baseline while no batch is processed."""
    value: Number
    """J; of `none` W."""
    per_item: Number | None
    """J over the size; null of all that is no size."""


@dataclass(frozen=True, slots=True)
class BatchParts:
    """Energy of all rating intervals above the baseline, in two parts that are computed of different readings."""

    attributed_j: Number
    """What batches took, J."""
    idle_j: Number
    """What the service took with nothing to do, J."""
    queue_j: Number
    """What it took while requests were held and no batch was processed, J."""
    induced_j: Number
    """The energy above the baseline, J; no sum of the parts."""
    difference_j: Number
    """Their sum less that, J."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Energy of a batch by regression over the windows of the meter (docs/ratings.md)."""

    refused: str | None
    """Code of why there is none: `no-batches`, `too-few-windows`, `rank`, `collinear`, `too-few-changes`,
    `clocks-apart`; null where there is."""
    model: str | None
    """`by-size`, or `linear-in-size` where there are too many sizes for that; null where none was tried."""
    n_batches: int
    """Batches."""
    n_windows: int
    """Windows with a batch."""
    condition: float | None
    """Condition number of the columns; above 100 nothing is told apart."""
    lag_s: float | None
    """How much later than the meter's windows batches were stamped, s."""
    mean_size: float | None
    """Mean number of items in a batch."""
    sizes: tuple[BatchSize, ...]
    """The energies."""
    parts: BatchParts | None
    """What batches took and what they did not."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Tasks per second over the rating interval, means over the runs; each a tenth of its length or less."""

    step_s: float
    """Mean length of a step, s."""
    intended: tuple[float, ...]
    """Were to be submitted, 1/s."""
    submitted: tuple[float, ...]
    """Were submitted, 1/s."""
    completed: tuple[float, ...]
    """Were completed, 1/s."""


@dataclass(frozen=True, slots=True)
class RatingsResult:
    """A scenario whose service was driven by the remote terminal emulator: all runs that enter the means."""

    population: str
    """Name of the workload parameter set."""
    digest: str
    """SHA-256 of its file."""
    shape: Shape
    """`users`, or the shape of the load."""
    declared: Json
    """The parameter set as it was read, defaults filled in."""
    n_runs: int
    """Runs."""
    rated_s: Number
    """T_R: rating intervals of all runs together, s."""
    task_types: Mapping[str, TaskTypeRating]
    """Task type -> its rating."""
    passed: bool | None
    """Whether every task type passed; null where that of one is."""
    energy_per: tuple[EnergyPerWork, ...]
    """Energy of one of the `tasks`, `successful tasks`, `timely tasks` (successful and within their timeliness),
    `images` and whatever other units, `input tokens`, `output tokens`. Each holds all of the energy: they do not add
    up."""
    rates: Rates
    """Over time."""
    steady_state: SteadyStateResult | None
    """By the window of others; null of any but a closed load."""
    batches: BatchResult | None
    """By batch; null where no run has a batches.csv."""


@dataclass(frozen=True, slots=True)
class ObservedFrequency:
    """How often a user type did one of its chains in a run."""

    user_type: str
    """User type; empty of a load shape."""
    chain: str
    """Chain; of a load shape the task type."""
    expected: float
    """q of the parameter set."""
    observed: float
    """q as it was."""
    n: int
    """How often."""


@dataclass(frozen=True, slots=True)
class ObservedPreparation:
    """Preparation times of a run that share one declaration."""

    user_type: str
    """User type."""
    task_type: str
    """Task type before which they stand."""
    preparation: str
    """Name of the declaration."""
    n: int
    """How many were seen."""
    expected_mean_s: float
    """h of the parameter set, s."""
    mean_s: float
    """h as it was, s."""
    expected_sd_s: float
    """s of the parameter set, s."""
    sd_s: float
    """s as it was, s."""


@dataclass(frozen=True, slots=True)
class StimulusResult:
    """The load that was made in a run, beside what it was to be."""

    intended: int
    """Tasks that were to be submitted in the rating interval."""
    submitted: int
    """Tasks that were submitted in it."""
    done: int
    """Of those that were to be: completed and correct."""
    declared: float | None
    """Rate of the load, 1/s, of a closed one the number in flight; null of users and of a trace."""
    made: float | None
    """What it was."""
    lag_p99_s: float
    """How late 99 % of the tasks were submitted at the most, s."""
    lag_largest_s: float
    """The latest, s."""
    cpu_percent: float | None
    """What the emulator took of one CPU, %; null where it was not recorded."""
    queued: int
    """Most tasks that waited for a connection at a time."""
    errors: int
    """Connections that failed."""
    disorder: int
    """Tasks that are not what follows the user's task before."""
    frequencies: tuple[ObservedFrequency, ...]
    """Chains, or task types."""
    preparation: tuple[ObservedPreparation, ...]
    """Preparation times."""
