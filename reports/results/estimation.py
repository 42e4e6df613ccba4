"""How well estimators tell what a training takes: what `wattlab estimate score` prints, and estimation.json.

Knows the shape. Computes nothing. Energies stand in joules.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.record.documents import Json
from reports.results.codec import document_in
from reports.results.software import Software

SCHEMA: Literal[1] = 1
"""Schema history of estimation.json: 1, 2026-11-30, first version."""
ESTIMATION, FACTS = "estimation.json", "facts.csv"

Estimator: TypeAlias = Literal[
    "step-power", "step-epoch", "step-power-settled", "step-epoch-settled", "mean-epoch", "green-algorithms", "mlco2"
]
"""STEP by power, STEP by energy of epochs, both from the epoch on in which the power has settled, carbontracker's mean
epoch, two calculators."""
Proxy: TypeAlias = Literal["flops", "tdp", "gpu-use", "time", "tdp-time", "use-time", "tdp-use-time"]
"""What energy is taken to be proportional to."""
Without: TypeAlias = Literal["training", "configuration", "machine"]
"""What the factor of a proxy was fitted without: the training alone, its scenario, its machine."""
Known: TypeAlias = Literal["known", "predicted"]
"""How long the training was: as it turned out (no estimate can know that), or predicted from the other trainings."""


@dataclass(frozen=True, slots=True)
class Score:
    """How far n estimates lie from what was measured."""

    n: int
    """Trainings."""
    rmse_j: float
    """Root of the mean squared error, J."""
    mae_j: float
    """Mean of the absolute error, J."""
    mape_percent: float
    """Mean of the absolute error over the measured energy, %."""
    bias_j: float
    """Mean error, J; positive: too much was estimated."""
    r2: float | None
    """1 less the error's sum of squares over that of the measured energies; null where they do not differ."""
    intervals: int
    """How many of the estimates have a 95 % interval."""
    intervals_held: int
    """In how many of these the measured energy lies."""


@dataclass(frozen=True, slots=True)
class ScoredEstimator:
    """An estimator with its score."""

    estimator: Estimator
    """Which one."""
    extent: Known
    """Whether it was told how long the training was."""
    score: Score | None
    """Null where no training carries it."""
    left_out: int
    """Trainings that do not carry it."""


@dataclass(frozen=True, slots=True)
class ScoredProxy:
    """Energy as a multiple of one amount, with its score; the length known."""

    proxy: Proxy
    """Which amount."""
    without: Without
    """What the factor was fitted without."""
    score: Score | None
    """Null where no training carries it, or nothing is left to fit the factor to."""
    left_out: int
    """Trainings that do not carry it."""


@dataclass(frozen=True, slots=True)
class Settling:
    """When the power of a training settles, by FLUSS."""

    epoch: int
    """The epoch in which the regime changes, from 0."""
    at_s: float
    """When, s after the begin of the run."""
    arcs: float
    """Arcs that pass over the change, as a share of how many would where nothing changes: 0 is a clear change, 1
    none."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A score for another window, or another first epoch, with the length known."""

    estimator: Estimator
    """Which one."""
    start: int
    """The first epoch that counts."""
    window: int
    """How many count."""
    n: int
    """Trainings that are long enough."""
    rmse_j: float
    """Root of the mean squared error, J."""


@dataclass(frozen=True, slots=True)
class EstimatedEnergy:
    """One estimate of one training."""

    estimator: Estimator
    """Which one."""
    extent: Known
    """Whether it was told how long the training was."""
    energy_j: float
    """Estimated, J."""
    half_width_j: float | None
    """Half the width of its 95 % interval, J; null where it has none."""


@dataclass(frozen=True, slots=True)
class ScoredTraining:
    """A training with what was estimated of it."""

    campaign: str
    """The campaign's folder."""
    run: str
    """The run's folder."""
    configuration: str
    """Its scenario."""
    epochs: int
    """How many it had."""
    is_uniform: bool
    """Whether its epochs are no marks: its record was shared out evenly over the number that a table states."""
    duration_s: float
    """Length, s."""
    energy_j: float
    """Measured, J."""
    machine: str
    """The SUT, with its GPUs; empty where nothing says it."""
    settling: Settling | None
    """When its power settles; null where the trace is too short or shows no change."""
    estimates: tuple[EstimatedEnergy, ...]
    """What was estimated."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """Estimators beside what was measured."""

    source: Literal["meter", "gpu"]
    """Whose energy: that of the power meters, or that of the GPUs by NVML."""
    circuits: tuple[str, ...]
    """What the power meters stood before, and the origin of their readings: `sut-ac-inlet (instrument)`."""
    origins: tuple[str, ...]
    """The origins of the readings that the energies rest on; of GPUs by NVML `estimated`."""
    start: int
    """The first epoch that STEP counts, from 0."""
    window: int
    """How many epochs it counts."""
    scores: tuple[ScoredEstimator, ...]
    """Every estimator."""
    proxies: tuple[ScoredProxy, ...]
    """Every proxy."""
    settled: int | None
    """The epoch before which the power of 90 % of the trainings has settled; null where none does."""
    curves: tuple[CurvePoint, ...]
    """STEP with other windows and other first epochs."""
    trainings: tuple[ScoredTraining, ...]
    """What was scored."""
    left_out: Mapping[str, str]
    """Run -> why it was not."""


@dataclass(frozen=True, slots=True)
class EstimatedCampaign:
    """A campaign whose trainings were estimated."""

    place: str
    """Its folder, seen from the folder of this document."""
    chain_head: str
    """Digest of the last entry of its log."""


@dataclass(frozen=True, slots=True)
class Estimation:
    """Estimators beside what was measured, as a document of its own."""

    schema: Literal[1]
    """Version of this form."""
    software: Software
    """Which wattlab computed it."""
    campaigns: tuple[EstimatedCampaign, ...]
    """What it was computed from."""
    facts_sha256: str | None
    """SHA-256 of the table of facts, which is sealed beside it as `facts.csv`; null: none was given."""
    assessment: Assessment
    """Scores, curves, trainings."""


def estimation_of(written: Json) -> Estimation:
    """estimation.json, read.

    Raises:
        NewerSchema: a newer wattlab wrote it.
        DocumentError: it is none; with the place.
    """
    return document_in(Estimation, written, ESTIMATION, SCHEMA)
