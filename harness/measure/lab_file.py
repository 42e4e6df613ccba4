"""lab.toml: what stands in the room and what is asked of it, in one file -> frozen records. Every unknown key, wrong
type and impossible value is a mistake that begins with file and TOML path, and all of them are said at once.

Knows the file as a whole, and in which order its mistakes are said. Knows no hardware.

lab.toml schema history
  1  2026-11-21  first version
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness.measure.campaign_file import (
    BASELINE,
    SYNC,
    Analysis,
    Baseline,
    Campaign,
    Decision,
    of_decided,
    of_first_stage,
    of_gate,
    of_limit,
    of_settle,
    of_stages,
)
from harness.measure.cells import cells_of, of_factors
from harness.measure.scenario import Scenario, ScenarioSection, from_folder, scenarios_of
from harness.record.codec import Mistakes, of_schema, read_toml, record
from harness.record.documents import Json, Thresholds
from harness.station import consistency
from harness.station.station import Ambient, Lab, MeterSection, Seal, Station, Supply, SutSection, Witness


@dataclass(frozen=True, slots=True, kw_only=True)
class LabFile:
    """lab.toml as written."""

    schema: int
    lab: Lab
    campaign: Campaign
    baseline: Baseline
    sut: SutSection
    meters: dict[str, MeterSection]
    scenarios: dict[str, ScenarioSection]
    thresholds: Thresholds = field(default_factory=Thresholds)
    supply: Supply = field(default_factory=Supply)
    ambient: Ambient = field(default_factory=Ambient)
    decision: Decision = field(default_factory=Decision)
    analysis: Analysis = field(default_factory=Analysis)
    seal: Seal = field(default_factory=Seal)
    witness: Witness = field(default_factory=Witness)

    def to_json(self) -> Json:
        """With all defaults, for the documents."""
        return asdict(self) | {"scenarios": {name: section.to_json() for name, section in self.scenarios.items()}}


@dataclass(frozen=True, slots=True)
class LabConfig:
    """Everything a campaign needs to know: lab.toml with all defaults, its scenarios resolved, its verbatim bytes."""

    path: Path
    file: LabFile
    scenarios: tuple[Scenario, ...]
    baseline: Scenario
    sync: Scenario
    source: bytes

    @property
    def station(self) -> Station:
        """What stands in the room."""
        return station_of(self.path, self.file)

    @property
    def campaign_folder(self) -> Path:
        """Where the campaign is kept: runs_folder (relative to lab.toml) / name."""
        return self.path.parent / Path(self.file.campaign.runs_folder).expanduser() / self.file.campaign.name

    def to_json(self) -> Json:
        """The resolved configuration for the documents."""
        return self.file.to_json()


def station_of(path: Path, lab: LabFile) -> Station:
    """The station's part of lab.toml."""
    return Station(path, lab.lab, lab.sut, lab.meters, lab.supply, lab.ambient, lab.seal, lab.witness)


def load(path: Path) -> LabConfig:
    """Read lab.toml and every scenario.toml it names.

    Raises:
        ConfigError: every mistake with file, TOML path, what was found, what is expected.
    """
    source, raw = read_toml(path, "write one with `wattlab init`")
    mistakes = Mistakes()
    raw = of_schema(path, raw, mistakes)
    raw = raw | {"baseline": _untracked(path, raw.get("baseline", {}), mistakes)}
    lab = record(LabFile, raw, str(path), "", mistakes)
    for table, names in (("meters", lab.meters), ("scenarios", lab.scenarios)):
        if not names and not mistakes.touch(path, table):
            mistakes.at(str(path), table, "at least one is needed; see the commented file of `wattlab init`")
    for places, lines in _contradictions(path, lab):
        if not mistakes.touch(path, *places):
            mistakes.extend(lines)
    # The names of runs that are no scenario's were refused above.
    sections = {name: section for name, section in lab.scenarios.items() if name not in (BASELINE, SYNC)}
    scenarios = [cell for name, section in sections.items() for cell in scenarios_of(path, name, section, mistakes)]
    section = ScenarioSection(repetitions=lab.baseline.blocks, folder="workloads/baseline")
    baseline = from_folder(path, BASELINE, section, lab.baseline.duration_s, mistakes)
    sync = from_folder(path, SYNC, ScenarioSection(repetitions=1, folder="workloads/sync"), None, mistakes)
    staged = {file.resolve() for scenario in scenarios for file in scenario.files}
    mistakes.extend(consistency.of_staged_passwords(station_of(path, lab), staged))
    mistakes.raise_all(path)
    assert baseline is not None
    assert sync is not None
    return LabConfig(
        path=path.resolve(), file=lab, scenarios=tuple(scenarios), baseline=baseline, sync=sync, source=source
    )


def with_defaults(written: Json) -> Json:
    """A resolved configuration as this version resolves it: what is younger than it has its default.

    Raises:
        ConfigError: it holds what this version does not know.
    """
    mistakes = Mistakes()
    resolved = record(LabFile, written, "the campaign's log", "config.", mistakes)
    mistakes.raise_all("the campaign's log")
    return resolved.to_json()


def changed_since(config: LabConfig, begun: Json) -> str | None:
    """Why a campaign that was begun with another configuration cannot be continued with this one; None: it can.

    Raises:
        ConfigError: it was begun with what this version does not know.
    """
    before, now = with_defaults(begun), config.to_json()
    before["lab"]["photos"] = now["lab"]["photos"]  # more of them may be attached at any time
    changed = sorted(_differences(before, now))
    if not changed:
        return None
    return (
        f"{', '.join(changed[:5])} differ from when the campaign {config.campaign_folder} was begun; restore them, or "
        "give campaign.name a new value"
    )


def _differences(begun: Json, now: Json, path: str = "") -> Iterator[str]:
    """TOML paths whose values differ."""
    for key in begun.keys() | now.keys():
        old, new = begun.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, f"{path}{key}.")
        elif old != new:
            yield path + key


# --- what contradicts itself: each a sentence that begins with file and TOML path ---


def _contradictions(path: Path, lab: LabFile) -> Iterator[tuple[Sequence[str], Iterator[str]]]:
    """Every one that can be looked for, and the places that have to be right for it."""
    station = station_of(path, lab)
    yield ["campaign.name"], consistency.of_name(f"{path}: campaign.name", lab.campaign.name)
    yield [], _of_names(path, lab)
    yield [], _of_cells(path, _called(lab))
    yield [], _of_paths(path, lab)
    yield ["sut.circuits", *(f"meters.{name}.circuit" for name in lab.meters)], consistency.of_circuits(station)
    yield ["sut.circuits"], consistency.of_doubles(f"{path}: sut.circuits", lab.sut.circuits)
    yield ["sut.psu_efficiency_percent", "sut.psu_efficiency_limit_percent"], consistency.of_supply(path, lab.sut)
    yield from consistency.of_register(station)
    yield ["decision.scenario"], of_decided(path, lab.decision, _called(lab))
    yield ["decision.scenario", "decision.limit_wh"], of_limit(path, lab.decision)
    yield ["witness.ssh", "witness.rfc3161"], consistency.of_witness(path, lab.witness)
    for name, section in lab.meters.items():
        place = f"meters.{name}"
        yield [f"{place}.driver", f"{place}.options"], consistency.of_driver(f"{path}: {place}", section)
        yield [f"{place}.port"], consistency.of_port(f"{path}: {place}.port", section.port)
        yield (
            [f"{place}.limits_percent"],
            consistency.of_limits(f"{path}: {place}.limits_percent", section.limits_percent),
        )
        own = [f"{place}.{key}" for key in ("port", "user", "password_file", "password_env")]
        yield (
            ["campaign.runs_folder", *own],
            consistency.of_passwords(f"{path}: {place}", station, section, station.file_of(lab.campaign.runs_folder)),
        )
    yield [f"meters.{name}.port" for name in lab.meters], consistency.of_shared_lines(path, lab.meters)
    yield ["campaign.gate", "campaign.pause_s"], of_gate(path, lab.campaign)
    yield ["campaign.settle"], of_settle(path, lab.campaign.settle)
    yield ["campaign.design", "campaign.two_stage"], of_stages(path, lab.campaign)
    repeated = [f"scenarios.{name}.repetitions" for name in lab.scenarios]
    yield (
        ["campaign.design", "baseline.blocks", *repeated],
        of_first_stage(path, lab.campaign, lab.baseline, lab.scenarios),
    )


def _of_names(path: Path, lab: LabFile) -> Iterator[str]:
    """Names that become folders, and that are not taken."""
    for table, names in (("meters", lab.meters), ("scenarios", lab.scenarios)):
        for name in names:
            yield from consistency.of_name(f"{path}: {table}.{name}", name)
    if BASELINE in lab.scenarios:
        yield f"{path}: scenarios.{BASELINE}: the baseline is set in the table [baseline]; remove this one"
    if SYNC in lab.scenarios:
        yield f"{path}: scenarios.{SYNC}: the sync pulse is set by campaign.sync_pulse; give it another name"


def _called(lab: LabFile) -> dict[str, list[str]]:
    """Table of a scenario -> the names of its cells, or its own; none where its factors have a mistake."""
    factors = {name: section.factors or {} for name, section in lab.scenarios.items()}
    return {
        name: [] if any(of_factors("", own)) else [cell.name for cell in cells_of(name, own, {})]
        for name, own in factors.items()
    }


def _of_cells(path: Path, cells: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """A cell has a name that no other scenario has."""
    owners: dict[str, str] = {}
    for table, names in cells.items():
        for name in names:
            if (owner := owners.setdefault(name, table)) != table:
                yield (
                    f"{path}: scenarios.{table}: it and scenarios.{owner} both have runs called {name!r}, the name of "
                    "a cell; rename one of these scenarios"
                )


def _of_paths(path: Path, lab: LabFile) -> Iterator[str]:
    """Paths on this host: no NUL in them, and a home folder that there is behind `~`."""
    named = {
        "campaign.runs_folder": lab.campaign.runs_folder, "lab.instruments": lab.lab.instruments,
        **{f"lab.photos[{index}]": name for index, name in enumerate(lab.lab.photos)},
        "sut.key_file": lab.sut.key_file, "sut.known_hosts": lab.sut.known_hosts, "seal.key": lab.seal.key,
        "witness.key_file": lab.witness.key_file, "witness.known_hosts": lab.witness.known_hosts,
        **{f"meters.{name}.password_file": section.password_file for name, section in lab.meters.items()},
    }  # fmt: skip
    for key, text in named.items():
        try:
            Path(text).expanduser()
        except RuntimeError:
            yield f"{path}: {key}: found {text!r}, and there is no such user; write the whole path"
        if "\0" in text:
            yield f"{path}: {key}: found a NUL in it, expected a path"


def _untracked(path: Path, baseline: object, mistakes: Mistakes) -> object:
    """The table [baseline] without trackers: there is no process in it that one could be wrapped around (method.md
    section 9)."""
    if not isinstance(baseline, dict):
        return baseline
    for key in sorted(baseline.keys() & {"trackers", "tracker_periods_s"}):
        mistakes.at(
            str(path), f"baseline.{key}", "a baseline cannot be tracked: nothing runs in it that a tracker could be "
            "wrapped around; remove the line, and name the trackers in a table [scenarios.NAME]",
        )  # fmt: skip
    return {key: value for key, value in baseline.items() if key not in ("trackers", "tracker_periods_s")}
