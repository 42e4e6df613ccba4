"""qualification.json: which share of the wall each software meter of a SUT sees (docs/qualification.md).

Knows what stands in the document and in which order. Knows no campaign, no page and no arithmetic
(`reports/qualification` has that). Of each software meter it holds `MeterOnLoad`, `Transfer`, `Lag`, `Response` and
`Sampling` (`software_meter.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.record.documents import Json
from harness.record.errors import DocumentError
from reports.results.codec import document_in, keyed
from reports.results.meters import CampaignOrigin, Origin, Tier
from reports.results.software import Software
from reports.results.software_meter import LoadKind, Refusal, SoftwareMeter
from reports.results.uncertainty import Number

SCHEMA: Literal[1] = 1
"""Schema history of qualification.json: 1, 2026-11-29, first version."""
QUALIFICATION = "qualification.json"


@dataclass(frozen=True, slots=True)
class QualifiedCampaign:
    """The campaign that was measured for it."""

    name: str
    """What it calls itself."""
    uid: str | None
    """Its uid; null where it has none."""
    chain_head: str
    """Digest of the last entry of its log."""
    runs: Mapping[str, str | None]
    """Run folder -> SHA-256 of the run's manifest; null: the run was not sealed."""
    lab: str = field(default="", metadata=keyed(left_out=True))
    """Name of the laboratory that measured it; left out where it has none."""
    operator: str = field(default="", metadata=keyed(left_out=True))
    """Who ran it; left out where nobody is named."""


@dataclass(frozen=True, slots=True)
class ReferenceMeter:
    """An external meter that software meters were held against."""

    meter: str
    """Its name in lab.toml."""
    circuit: str
    """What it measures; the wall is the sum of all circuits."""
    identity: Json
    """What the instrument says of itself: maker, model, serial, firmware."""
    origin: Origin
    """Its worst of all runs."""
    sentence: str
    """Where its readings come from, in words."""
    tier: Tier | None
    """Kind of instrument; null where nobody says it."""
    window_s: float
    """Length of its window, or distance of momentary values."""
    columns: tuple[Json, ...]
    """Of its stream: name, unit, resolution, range, limits of error (`accuracy`) and where those are stated."""
    calibration: Json | None
    """Its certificate as the register had it; null without."""
    assumed_percent: float | None
    """The limit of error in % of the reading that U assumes; null where limits are stated."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The wall: what all software meters were held against."""

    origin: CampaignOrigin
    """That of the worst meter, as in results.json. A certificate against an emulated wall says nothing of hardware."""
    meters: tuple[ReferenceMeter, ...]
    """Every meter whose sum is the wall."""
    worst_limit_percent: float | None
    """Largest limit of error of the wall on any load, in % of the reading; null where no limits are stated."""
    is_better_than_limit: bool | None
    """Whether that is below `limit_percent`, as MLPerf's test asks of the reference; null where it is not known."""


@dataclass(frozen=True, slots=True)
class Validity:
    """What the certificate holds for: on another machine, or after a change of these, it says nothing."""

    machine: str | None
    """Model of the machine, or its name; null where it did not say."""
    cpu: str | None
    """Model of its processor."""
    boards: tuple[str, ...]
    """Its GPUs, each by model, in their order."""
    board_firmware: tuple[str, ...]
    """Version of each of their firmwares (VBIOS), in the same order; empty where it is not recorded."""
    firmware: str | None
    """Version of its firmware (BIOS)."""
    driver: str | None
    """Version of the GPU's driver."""
    kernel: str | None
    """Version of its kernel."""
    kinds: tuple[LoadKind, ...]
    """Kinds of load that were measured."""
    wall_range_w: tuple[float, float]
    """Lowest and highest mean power of a load at the wall."""
    software_range_w: Mapping[str, tuple[float, float]]
    """Software meter -> lowest and highest mean power of a load as it says."""
    sample_period_s: float | None
    """How often the software meters were asked; null where it is not recorded."""
    date: str
    """Day of the last run, `YYYY-MM-DD` in UTC."""


@dataclass(frozen=True, slots=True)
class QualifiedLoad:
    """A load under which software and wall were recorded."""

    scenario: str
    """Its name in the campaign file."""
    kind: LoadKind
    """As the campaign file says."""
    level_percent: float | None
    """As the campaign file says: 0 to 100; null where none declares it (an import)."""
    wall_w: Number
    """Mean power at the wall; sd and n are of its repetitions."""
    runs: tuple[str, ...]
    """Its run folders, in the order in which they were measured."""


@dataclass(frozen=True, slots=True)
class Qualification:
    """qualification.json."""

    schema: Literal[1]
    """Version of the document's form: 1."""
    kind: Literal["qualification"]
    """What the document is."""
    campaign: QualifiedCampaign
    """Of which campaign."""
    computed_by: Software
    """The wattlab that computed it."""
    limit_percent: float
    """x: how far software and wall may lie apart in the Olympic-mean test, in % of the wall."""
    limit_is_declared: bool
    """Whether the campaign declared that limit before its first run; otherwise it was chosen afterwards."""
    qualifies: bool
    """Whether anything may be corrected by this certificate."""
    not_because: tuple[str, ...]
    """Why not, each a sentence; empty where it does."""
    reference: Reference
    """What the software meters were held against."""
    validity: Validity
    """What it holds for."""
    loads: tuple[QualifiedLoad, ...]
    """Every load, in the order of the campaign file."""
    meters: tuple[SoftwareMeter, ...]
    """Every software meter and tracker."""
    remarks: tuple[str, ...] = field(default=(), metadata=keyed(left_out=True))
    """What else a reader has to know, each a sentence; left out where there is none."""

    def obstacles(self, meter: SoftwareMeter) -> tuple[str, ...]:
        """Why a record of this software meter cannot be corrected by the certificate, each a sentence; empty: it
        can."""
        refused = meter.transfer if isinstance(meter.transfer, Refusal) else None
        return self.not_because if refused is None else (*self.not_because, refused.text)


def qualification_of(written: Json) -> Qualification:
    """qualification.json, read.

    Raises:
        NewerSchema: a newer wattlab wrote it.
        DocumentError: it is no qualification, or names a load that is not there; with the place.
    """
    document = document_in(Qualification, written, QUALIFICATION, SCHEMA)
    if (problem := next(_loose_ends(document), None)) is not None:
        raise DocumentError(f"{QUALIFICATION}.{problem}")
    return document


def _loose_ends(document: Qualification) -> Iterator[str]:
    """Where a part names another one that is not there."""
    if document.qualifies != (not document.not_because):
        yield f"qualifies: found {document.qualifies}, with {len(document.not_because)} reasons against it"
    loads = {load.scenario for load in document.loads}
    names = [meter.name for meter in document.meters]
    for place, meter in enumerate(document.meters):
        if names.index(meter.name) != place:
            yield f"meters[{place}].name: {meter.name!r:.80} stands there twice"
        for row, on_load in enumerate(meter.loads):
            if on_load.scenario not in loads:
                yield f"meters[{place}].loads[{row}].scenario: {on_load.scenario!r:.80} is no load of this certificate"
