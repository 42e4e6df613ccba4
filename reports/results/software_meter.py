"""What qualification.json says of one software meter (method.md section 13; `reports/qualification` computes it).

Knows the shape of the section. Knows no trace, no campaign and no page. What could not be said is a `Refusal` in the
place of the result.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from reports.results.codec import keyed
from reports.results.uncertainty import Number

LoadKind: TypeAlias = Literal["idle", "cpu", "memory", "gpu", "other"]
"""What of the SUT a load works."""
MeterKind: TypeAlias = Literal["gauge", "counter", "tracker"]
"""`gauge`: a column of power; `counter`: a column of energy; `tracker`: one energy a run."""
Decision: TypeAlias = Literal["passes", "fails", "cannot-be-decided"]
"""With guard band: `passes` and `fails` only where the whole interval lies on one side of the limit."""
RefusalCode: TypeAlias = Literal[
    "too-short", "too-few-levels", "too-few-repetitions", "order-not-random", "no-overlap", "constant", "undetermined",
    "one-run", "no-record", "not-above-zero", "no-spread", "not-a-trace",
]  # fmt: skip
"""Why there is no result."""
LagMethod: TypeAlias = Literal["cross-correlation", "likelihood"]
"""By the switched load, or by the natural steps of any record."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be said."""

    code: RefusalCode
    """The reason, for programs."""
    text: str
    """The reason with its numbers, for people: one sentence, or two."""


@dataclass(frozen=True, slots=True)
class OlympicSpan:
    """One minute of a load."""

    run: str
    """Its run folder."""
    start_s: float
    """Where it begins, on the run's time base."""
    wall_w: float
    """Mean power at the wall."""
    software_w: float
    """Mean power as the software meter says."""


@dataclass(frozen=True, slots=True)
class OlympicTest:
    """MLPerf Training's test of a power meter on one load (training_policies, power_measurement.adoc, d7620c0): of five
    disjoint minutes the highest and the lowest are dropped on each side. The mean of the other three is compared."""

    spans: tuple[OlympicSpan, ...]
    """The five minutes."""
    wall_w: float
    """Olympic mean of the wall."""
    software_w: float
    """Olympic mean of the software meter."""
    passed: bool
    """Whether |software / wall - 1| is at most the limit: without any uncertainty, as in the rules."""
    ratio: Number
    """Software / wall of the Olympic means, with the uncertainty of both sides."""
    decision: Decision
    """Whether the whole interval of `ratio` lies within the limit, outside of it, or neither."""


@dataclass(frozen=True, slots=True)
class ShareLine:
    """One contribution to the uncertainty of a share."""

    source: Literal["scatter", "wall-limits", "software-sampling", "software-quantum", "edges"]
    """`scatter`: of the repetitions, type A; `wall-limits`: limits of error of the wall, common to all repetitions;
    `software-sampling`: what lies between the readings of a gauge; `software-quantum`: its steps; `edges`: where a
    run begins and ends on both clocks."""
    type: Literal["A", "B"]
    """Type of evaluation (JCGM 100)."""
    u: float
    """Contribution to the standard uncertainty of the share."""
    dof: float | None
    """Degrees of freedom; null: infinite."""


@dataclass(frozen=True, slots=True)
class SeenShare:
    """Which share of the wall a software meter sees on one load."""

    share: Number
    """Software / wall: mean over the repetitions, unit 1; sd and n are of the repetitions."""
    lines: tuple[ShareLine, ...]
    """What its U is made of."""


@dataclass(frozen=True, slots=True)
class MeterOnLoad:
    """A software meter on one load."""

    scenario: str
    """The load, as in `loads` of the certificate."""
    software_w: Refusal | Number
    """Its mean power; sd and n are of the repetitions."""
    olympic: Refusal | OlympicTest
    """The Olympic-mean test."""
    seen: Refusal | SeenShare
    """The share that it sees."""


@dataclass(frozen=True, slots=True)
class TransferPoint:
    """One run that a transfer function was fitted to."""

    scenario: str
    """Its load."""
    run: str
    """Its run folder."""
    software_w: float
    """Mean power as the software meter says."""
    software_u_w: float
    """Standard uncertainty of it."""
    wall_w: float
    """Mean power at the wall."""
    wall_u_w: float
    """Standard uncertainty of it, without what all runs have in common."""
    residual_w: float
    """wall_w - (offset + gain * software_w)."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The transfer function without some of its runs, asked what these had been."""

    what: Literal["level", "kind"]
    """Whether one level or one kind of load was left out."""
    name: str
    """The load's scenario, or the kind."""
    offset_w: float
    """Offset without it."""
    gain: float
    """Gain without it."""
    error_w: float
    """Wall as predicted without it less wall as measured: mean over what was left out."""


@dataclass(frozen=True, slots=True)
class TransferRange:
    """Where a transfer function holds."""

    software_w: tuple[float, float]
    """Lowest and highest mean of a run, as the software meter says."""
    wall_w: tuple[float, float]
    """The same at the wall."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """wall = offset + gain * software, by errors in variables (method.md section 13)."""

    offset_w: Number
    """Wall where the software meter says 0."""
    gain: Number
    """Watts at the wall per watt of the software meter; unit 1."""
    covariance_w: float
    """Covariance of both standard uncertainties, in W."""
    wall_u_relative: float
    """Standard uncertainty of the wall's gain error, common to all runs, relative: it is no part of `offset_w` and
    `gain`, and stands in every prediction."""
    wall_u_w: float
    """The same of the wall's offset error, in W."""
    residual_sd_w: float
    """Standard deviation of the residuals about the line."""
    level_spread_w: float
    """Root mean square of `error_w` of the levels left out: part of the U of a prediction."""
    kind_spread_w: float | None
    """The same of the kinds; null where one kind was measured, for which alone the function then holds."""
    dof: float
    """Degrees of freedom of the fit: levels less 2, for repetitions of a level share what the line does not follow."""
    ranges: Mapping[LoadKind, TransferRange]
    """Kind of load -> where it holds."""
    points: tuple[TransferPoint, ...]
    """What it was fitted to."""
    left_out: tuple[LeftOut, ...]
    """How it fares without a level, without a kind."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How late a software meter follows the wall; negative: it is ahead."""

    method: LagMethod
    """How it was found."""
    lag_s: Number
    """Mean age of what it says, counted from the power at the wall to its own stamp: its delay, half of its averaging
    window and the time that a value stands are in it; the wall's window is not."""
    bound_s: tuple[float, float]
    """95 % interval of it."""
    correlation: float
    """Of both traces at that lag; -1 to 1."""
    runs: tuple[str, ...]
    """The run folders that it was found in."""


@dataclass(frozen=True, slots=True)
class Response:
    """How a software meter averages: the wall's trace, put through this, is closest to what it says."""

    form: Literal["boxcar", "first-order"]
    """A mean over a window, or an exponential approach."""
    duration_s: Number
    """Length of the window, or time constant."""
    residual_sd_w: float
    """What the fit leaves over, in W of the software meter."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How often a software meter says something new, and in which steps."""

    update_interval_s: Refusal | Number
    """Time between two new values: median; sd is its spread."""
    update_is_resolved: bool
    """Whether it was asked at least twice as often as it updates; otherwise the interval is an upper bound."""
    sampled_share: Refusal | Number
    """Share of the time that its values speak of: averaging window / update interval, at most 1."""
    resolution: float | None
    """Smallest difference of two values that follow each other, in the column's unit; null of a constant column."""
    quantum: float | None
    """The step whose multiples all values are, in the column's unit; null where there is none above the resolution of
    their decimals."""
    dead_band_w: float | None
    """Change of the wall that it leaves unanswered, in W of the wall: the smallest change that it shows, where that is
    more than a quantum and no small part of the usual one; null where there is none."""
    n_wraps: int
    """How often the counter began anew."""
    missing_share: float
    """Share of the expected values that are not there."""


@dataclass(frozen=True, slots=True)
class SoftwareMeter:
    """A column of a run that says a power or an energy without an instrument, or a tracker."""

    name: str
    """`stream/column`, or the tracker's name."""
    says: str
    """What it says it is: its source in its own words."""
    kind: MeterKind
    """What it gives."""
    unit: Literal["W", "J"]
    """What its column is in."""
    range_j: float | None
    """Where the counter begins anew; null where it does not, or is none."""
    loads: tuple[MeterOnLoad, ...]
    """Every load on which it was recorded."""
    transfer: Refusal | Transfer
    """From software to wall."""
    lag_switched: Refusal | Lag
    """Lag by cross-correlation on the switched load."""
    lag_natural: Refusal | Lag
    """Lag by likelihood on the natural steps."""
    boxcar: Refusal | Response
    """Averaging window by the boxcar fit."""
    first_order: Refusal | Response
    """Time constant by the first-order fit."""
    sampling: Refusal | Sampling
    """Update interval, steps, wraps."""
    n_resets: int = field(default=0, metadata=keyed(left_out=True))
    """How often the counter fell where it cannot have begun anew; left out where it never did."""
