"""The tables of lab.toml as records: those of the room alone, and all of them.

Knows their names, and which of them have no default. Knows no file and no mistake.
"""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from harness.measure.campaign_file import Analysis, Baseline, Campaign, Decision, WarmUp
from harness.measure.scenario import ScenarioSection
from harness.record.documents import Json, Thresholds
from harness.record.qualification import KEY, Qualification
from harness.station.station import Ambient, Lab, MeterSection, Seal, Station, Supply, SutSection, SutTable, Witness


@dataclass(frozen=True, slots=True, kw_only=True)
class StationFile:
    """What stands in the room, with one SUT."""

    schema: int
    """1: the form of this file."""
    lab: Lab = field(default_factory=Lab)
    sut: SutSection
    meters: dict[str, MeterSection] = field(default_factory=dict)
    supply: Supply = field(default_factory=Supply)
    ambient: Ambient = field(default_factory=Ambient)
    seal: Seal = field(default_factory=Seal)
    witness: Witness = field(default_factory=Witness)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabFile(StationFile):
    """lab.toml, and a campaign file joined to it, as it holds for one SUT."""

    campaign: Campaign = field(default_factory=Campaign)
    baseline: Baseline = field(default_factory=Baseline)
    scenarios: dict[str, ScenarioSection]
    thresholds: Thresholds = field(default_factory=Thresholds)
    decision: Decision = field(default_factory=Decision)
    analysis: Analysis = field(default_factory=Analysis)
    qualification: Qualification | None = None
    """A campaign that qualifies software meters."""
    warm_up: WarmUp | None = None
    """Before the runs; without the table there is none."""

    def to_json(self) -> Json:
        """With all defaults, for the documents; a campaign that is no qualification, or has no warm-up, says nothing of
        one."""
        plain = asdict(self) | {"scenarios": {name: section.to_json() for name, section in self.scenarios.items()}}
        if self.baseline == replace(self.baseline, state="os", scenario=""):  # as it was before there were states
            del plain["baseline"]["state"], plain["baseline"]["scenario"]
        return {key: value for key, value in plain.items() if key not in (KEY, "warm_up") or value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suts:
    """Several SUTs, as they are written."""

    suts: dict[str, SutTable]


def station_of(path: Path, lab: StationFile) -> Station:
    """What the SUTs of a lab.toml share."""
    return Station(path, lab.lab, lab.meters, lab.seal, lab.witness)
