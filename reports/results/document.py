"""results.json: every number of a campaign, as records.

Knows the shape of the file and its history. Computes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.record.documents import Json, load_object
from reports.results.baseline import BaselineResult
from reports.results.clock import Clock
from reports.results.codec import document_in, keyed
from reports.results.finding import Finding
from reports.results.header import CampaignHeader
from reports.results.label import Label
from reports.results.meters import CrossCheck, Measurement, Meter
from reports.results.observer import Observer
from reports.results.other_circuits import OtherCircuit
from reports.results.recorded import Recorded
from reports.results.run import RunResult
from reports.results.scenario import ScenarioResult
from reports.results.search import SearchResult
from reports.results.statistics import Statistics
from reports.results.trackers import Trackers
from reports.results.verdict import Verdict
from reports.results.witness import WitnessedEvidence

RESULTS = "results.json"
SCHEMA = 2
"""Schema history of results.json: 1, 2026-11-21, first version; 2, 2026-11-28, `computed_by`, more keys, and the rules
of wattlab 0.2.0 (`rules.Rule`; CHANGELOG.md, "Changes to results")."""


@dataclass(frozen=True, slots=True)
class Writer:
    """The wattlab that computed it. Results without it are of 0.1.0. `verify` computes them by the rules of that
    version (docs/evidence.md)."""

    name: str
    """`wattlab`."""
    version: str
    """Its version."""
    commit: str | None = field(default=None, metadata=keyed(left_out=True))
    """Where `wattlab report` wrote it: the commit."""
    dirty: bool | None = field(default=None, metadata=keyed(left_out=True))
    """Where `wattlab report` wrote it: whether it was changed since that commit."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """A hardware indicator (table 2)."""

    name: str | None
    """Key of it everywhere."""
    quantity: str | None
    """What it is."""
    unit: str | None
    """What the numbers are in, also where an older descriptor says kB of KiB."""
    method: str | None
    """How it is had."""
    kind: str | None
    """`gauge`, `amount`, `counter`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignNumbers:
    """All but what R computes."""

    schema: int
    """Version of the document's form: 2 (its history: `reports/results/document.py`)."""
    computed_by: Writer
    """Which wattlab computed it."""
    campaign: CampaignHeader
    """What was measured, by whom, when."""
    measurement: Measurement
    """Where the readings come from."""
    meters: tuple[Meter, ...]
    """Every meter once."""
    cross_checks: tuple[CrossCheck, ...]
    """Each pair of meters on one circuit."""
    sut: Json
    """From the first run's start document."""
    host: Json
    """From the first run's start document."""
    indicators: tuple[Indicator, ...]
    """Every hardware indicator once."""
    baseline: BaselineResult | None
    """The baseline; null where there is none."""
    scenarios: Mapping[str, ScenarioResult]
    """Scenario -> its numbers, in the order of the names."""
    label: Label
    """What DE-UZ 215 asks for."""
    clock: Clock
    """How well clocks and stamps are known."""
    observer: Observer | None
    """What the agent adds to the power; null where it was not measured."""
    records: Recorded
    """What was recorded beside the energies."""
    trackers: Trackers | None
    """Software trackers beside the meter; null where no run had one."""
    runs: tuple[RunResult, ...]
    """Every run, in the order they were begun."""
    findings: tuple[Finding, ...]
    """Worst first."""
    thresholds: Mapping[str, float | int]
    """Name -> limit that was applied: `[thresholds]` of lab.toml, the method's where it says nothing."""
    verdict: Verdict
    """What the findings make of it."""
    inputs: Mapping[str, str | None]
    """Run folder -> digest of its manifest (null: not sealed)."""
    evidence: WitnessedEvidence
    """Whose word stands behind it beside the operator's."""
    searches: tuple[SearchResult, ...] = field(default=(), metadata=keyed(left_out=True))
    """Every search; absent where no scenario searches."""
    other_circuits: tuple[OtherCircuit, ...] = field(default=(), metadata=keyed(left_out=True))
    """Every meter on a circuit that does not feed the SUT; absent where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results(CampaignNumbers):
    """results.json."""

    statistics: Statistics
    """The scenarios beside each other, computed of all the rest."""


def results_of(text: str | bytes) -> Results:
    """results.json, read.

    Raises:
        DocumentError: it is none of this version; with the place.
    """
    return results_in(load_object(text, RESULTS))


def results_in(raw: Json) -> Results:
    """The same of decoded JSON."""
    return document_in(Results, raw, RESULTS, SCHEMA)
