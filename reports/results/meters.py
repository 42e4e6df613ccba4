"""`measurement`, `meters` and `cross_checks` of results.json: where the readings come from.

Knows the shape of the sections. Does not know how an origin is told (`meters`, `harness/evidence`) or what it weighs
(`reports/findings`).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.record.documents import Json
from reports.results.uncertainty import Number

Origin: TypeAlias = Literal["emulated", "estimated", "unattested", "imported", "declared", "attested", "instrument"]
"""What shows that a real instrument made the readings, worst first."""
CampaignOrigin: TypeAlias = Literal[Origin, "none"]
"""That of the worst meter; `none` where no power was recorded."""
Tier: TypeAlias = Literal["reference", "working", "indicative", "uncalibrated"]
"""Kind of instrument, best first."""
QUALIFIED = "qualification"
"""In the evidence of a meter: the certificate of a qualified software meter, which estimates and measures nothing."""
Role: TypeAlias = Literal["headline", "cross-check", "other"]
"""What a meter is in a campaign."""


@dataclass(frozen=True, slots=True)
class MeterSource:
    """Where the readings of one meter come from, and on whose word."""

    meter: str
    """Its name in lab.toml."""
    origin: Origin
    """Its worst of all runs."""
    evidence: Json
    """Port, device and serial number as the first run recorded them, or who declares or attests them."""
    sentence: str
    """The same in words."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Where the readings of a campaign come from."""

    origin: CampaignOrigin
    """That of the worst meter used, the worst being named first: emulated, estimated, unattested, imported, declared,
    attested, instrument; `none` where no power was recorded."""
    sentence: str
    """The same in words."""
    circuits: tuple[str, ...]
    """Those whose sum is the SUT's power."""
    meters: tuple[MeterSource, ...]
    """Every meter once."""

    @property
    def certificate(self) -> Json | None:
        """The certificate by which a qualified software meter estimates the power; None where a meter measured it."""
        found = (source.evidence.get(QUALIFIED) for source in self.meters)
        return next((one for one in found if isinstance(one, dict)), None)


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter as the descriptor of its first run has it."""

    meter: str
    """Its name in lab.toml."""
    circuit: str
    """What it measures."""
    identity: Json
    """What the instrument says of itself: maker, model, serial, firmware; of an import what the source says."""
    evidence: Json
    """As in `measurement.meters`."""
    averaging: Literal["window", "instantaneous"]
    """Whether a reading is a mean over its window or a momentary value."""
    window_s: float
    """Length of the window, or distance of momentary values."""
    stamp: Literal["end", "start", "unknown"]
    """Which end of the window a stamp marks."""
    latency_s: float
    """How late a stamp is besides."""
    ranging: Literal["none", "auto", "fixed"]
    """Who chose the range."""
    tier: Tier | None
    """Kind of instrument; null where nobody says it."""
    columns: tuple[Json, ...]
    """Of its stream: name, unit, resolution, range, limits of error (`accuracy`) and where those are stated."""
    role: Role
    """`headline`: the energies are summed from it; `cross-check`: a second meter on the same circuit; `other`:
    neither."""
    origin: Origin
    """Its worst of all runs."""
    calibration: Json | None
    """Its certificate and last check load as the register had them, or what an imported log says; null without."""
    n_runs: int
    """How many runs it measured."""
    assumed_percent: float | None
    """The limit of error in % of the reading that U assumes; null where limits are stated."""


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """Two meters on one circuit over the runs that both measured."""

    circuit: str
    """The circuit."""
    meters: tuple[str, str]
    """The one that the energy is from, and the one that checks it."""
    difference: Number | None
    """Energy of the second against the first, in %, mean over the runs; null where there is none."""
    limit: Number | None
    """Both limits of error together, in %; null where one is not known."""
    n_runs: Number
    """How many runs."""
