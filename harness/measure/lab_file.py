"""lab.toml, and a campaign file beside it: what stands in the room and what is asked of it -> frozen records. Every
unknown key, wrong type and impossible value is a mistake that begins with file and TOML path, and all of them are said
at once.

Knows the files as a whole, in which order their mistakes are said, and that a campaign is of one SUT. Knows no
hardware.

lab.toml schema history
  1  2026-11-21  first version
  1  2026-11-29  [suts.NAME] in place of [sut], meters.NAME.sut, campaign.sut, the campaign in a file of its own: what
                 was written before is read as before
"""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from shlex import quote

from harness.measure.baseline import in_state
from harness.measure.campaign_file import BASELINE, SYNC, WARM_UP, Campaign
from harness.measure.environments import TABLE, Asked
from harness.measure.joined import CAMPAIGN_TABLES, Joined, campaign_files
from harness.measure.lab_consistency import Contradictions, of_campaign, of_station, of_suts
from harness.measure.lab_tables import LabFile, StationFile, Suts, station_of
from harness.measure.scenario import Scenario, ScenarioSection, from_folder, scenarios_of
from harness.measure.without_meter import CERTIFICATE, certificate_of
from harness.record.codec import Mistakes, of_schema, read_toml, record
from harness.record.documents import Json
from harness.record.errors import ConfigError
from harness.station import consistency, suts
from harness.station.station import APPLICATION, NamedSut, Station, SutSection, absolute
from meters.options import did_you_mean

INIT = "write one with `wattlab init`"
BUNDLED = APPLICATION / "workloads" / "campaigns"
"""Campaign files that come with wattlab."""
NO_SUT: Json = {"host": "", "python": ""}
"""Stands for [sut] where several are declared."""


@dataclass(frozen=True, slots=True)
class LabConfig:
    """Everything a campaign needs to know: lab.toml as it holds for its SUT, with all defaults, its scenarios resolved,
    the verbatim bytes of the files."""

    path: Path
    file: LabFile
    scenarios: tuple[Scenario, ...]
    baseline: Scenario
    sync: Scenario
    warm_up: Scenario | None
    """None: the campaign has none."""
    source: bytes
    runs_home: Path
    """What runs_folder is relative to: the folder of the file in which it stands."""
    campaign_source: bytes | None = None
    """The campaign file's, where there is one."""
    campaign_path: Path | None = None
    """Where that lies."""
    certificate_source: bytes | None = None
    """The certificate's of its SUT's software meters, where it has no meter."""
    certificate_path: Path | None = None
    """Where that lies."""

    @property
    def station(self) -> Station:
        """What stands in the room."""
        return station_of(self.path, self.file)

    @property
    def started(self) -> tuple[Scenario, ...]:
        """The scenarios whose commands are started on the SUT, of those that lab.toml chooses: what they need has to be
        there."""
        return self.scenarios if self.warm_up is None else (*self.scenarios, self.warm_up)

    @property
    def sut_name(self) -> str:
        """The SUT's name, where lab.toml declares several; else empty."""
        return self.file.campaign.sut

    @property
    def sut(self) -> SutSection:
        """The SUT; one of several knows its name."""
        plain = {f.name: getattr(self.file.sut, f.name) for f in fields(SutSection)}
        return NamedSut(**plain, name=self.sut_name) if self.sut_name else self.file.sut

    @property
    def runs_folder(self) -> Path:
        """Where the campaigns are kept."""
        return Path(os.path.normpath(self.runs_home / Path(self.file.campaign.runs_folder).expanduser()))

    @property
    def campaign_folder(self) -> Path:
        """Where the campaign is kept: runs_folder / name, and @SUT where lab.toml declares several."""
        name = self.file.campaign.name
        return self.runs_folder / (f"{name}@{self.sut_name}" if self.sut_name else name)

    @property
    def inputs(self) -> dict[str, bytes]:
        """The files that every run keeps."""
        own = {} if self.campaign_source is None else {"campaign.toml": self.campaign_source}
        if self.certificate_source is not None:
            own |= {CERTIFICATE: self.certificate_source}
        return {"lab.toml": self.source} | own

    def to_json(self) -> Json:
        """The resolved configuration for the documents."""
        return self.file.to_json()


@dataclass(frozen=True, slots=True)
class StationConfig:
    """lab.toml without what is asked of the room: for whoever works with its meters only, of all its SUTs."""

    path: Path
    file: StationFile
    runs_folder: Path

    @property
    def station(self) -> Station:
        """What stands in the room."""
        return station_of(self.path, self.file)


def load(path: Path, campaign: Path | Asked | None = None, sut: str | None = None) -> LabConfig:
    """Read lab.toml, the campaign file, if there is one, and every scenario.toml they name. `sut`: of several the one
    that is measured; None: the only one, or the one that `campaign.sut` names.

    Raises:
        ConfigError: every mistake with file, TOML path, what was found, what is expected; several SUTs, and none named.
    """
    found = load_each(path, campaign, sut)
    if len(found) > 1:
        names = [config.sut_name for config in found]
        raise ConfigError(
            f"{path}: it declares the SUTs {', '.join(names)}, and a campaign measures one: name it, such as "
            f"--sut {names[0]}, or in the campaign (campaign.sut)"
        )
    return found[0]


def load_each(path: Path, campaign: Path | Asked | None = None, sut: str | None = None) -> list[LabConfig]:
    """The same for every SUT that can be meant: of several, where none is named, each.

    Raises:
        ConfigError: every mistake with file, TOML path, what was found, what is expected.
    """
    source, lab_raw = read_toml(path, INIT)
    asked = campaign if isinstance(campaign, Asked) else _read_campaign(path, lab_raw, campaign)
    mistakes = Mistakes()
    lab_raw = of_schema(path, lab_raw, mistakes)
    campaign_raw = {} if asked is None else of_schema(asked.path, asked.raw, mistakes)
    files = Joined(path, lab_raw, None if asked is None else asked.path, campaign_raw)
    raw = files.raw
    raw = raw | {"baseline": _untracked(path, raw.get("baseline", {}), mistakes)}
    names, whole = suts.names_of(raw), _whole(path, raw, mistakes)
    lab = record(LabFile, whole, str(path), "", mistakes)
    views = _views(path, raw, mistakes)
    unmetered = bool(views) and all(view.sut.qualification for view in views.values())
    for table, entries in (("meters", lab.meters or unmetered), ("scenarios", lab.scenarios)):
        if not entries and not mistakes.touch(path, table):
            absent = "" if table in raw else "missing; "
            mistakes.at(str(path), table, f"{absent}at least one is needed; see the commented file of `wattlab init`")
    runs_home = files.base_of("campaign.runs_folder").resolve().parent
    _contradict(path, of_campaign(path, lab, names, views), mistakes)
    _contradict(path, of_suts(path, views, lab), mistakes)
    _contradict(path, of_station(path, lab, absolute(runs_home, lab.campaign.runs_folder)), mistakes)
    # The names of runs that are no scenario's were refused above.
    scenarios = [
        cell
        for name, section in lab.scenarios.items() if name not in (BASELINE, SYNC, WARM_UP)
        for cell in scenarios_of(path, files.base_of(f"scenarios.{name}").parent, name, section, mistakes)
    ]  # fmt: skip
    section = ScenarioSection(repetitions=lab.baseline.blocks, folder="workloads/baseline")
    baseline = from_folder(path, path.parent, BASELINE, section, lab.baseline.duration_s, mistakes)
    if baseline is not None and not mistakes.touch(path, "baseline"):
        baseline = in_state(f"{path}: baseline", baseline, lab.baseline, scenarios, mistakes)
    sync = from_folder(path, path.parent, SYNC, ScenarioSection(repetitions=1, folder="workloads/sync"), None, mistakes)
    warm_up = None
    if (warming := lab.warm_up) is not None and not mistakes.touch(path, "warm_up"):
        section = ScenarioSection(
            repetitions=1, folder=warming.folder, parameters=warming.parameters, max_duration_s=warming.max_duration_s
        )
        warm_up = from_folder(path, files.base_of("warm_up").parent, WARM_UP, section, None, mistakes, "warm_up")
    staged = {file.resolve() for scenario in (*scenarios, *([warm_up] if warm_up else [])) for file in scenario.files}
    mistakes.extend(consistency.of_staged_passwords(station_of(path, lab), staged))
    mistakes.move(str(path), files.file_of)
    mistakes.extend(files.mistakes())
    mistakes.raise_all(path)
    assert baseline is not None
    assert sync is not None
    chosen = suts.choose(path, names, sut, lab.campaign.sut)
    found = []
    for name in names if chosen is None else [chosen]:
        file = record(LabFile, suts.tables_of(raw, name), str(path), "", Mistakes())
        table = suts.ALONE if suts.TABLE not in raw else f"{suts.TABLE}.{name}"
        named = file.sut.qualification
        certificate = certificate_of(path, table, named) if named else None
        found.append(LabConfig(
            path=path.resolve(),
            file=file,
            scenarios=tuple(scenarios),
            baseline=baseline,
            sync=sync,
            warm_up=warm_up,
            source=source,
            runs_home=runs_home,
            campaign_source=None if asked is None else asked.source,
            campaign_path=None if asked is None else asked.path.resolve(),
            certificate_source=None if certificate is None else certificate[1],
            certificate_path=None if certificate is None else certificate[0],
        ))  # fmt: skip
    return found


def load_station(path: Path) -> StationConfig:
    """Read what stands in the room; what lab.toml asks of it is not looked at.

    Raises:
        ConfigError: every mistake with file, TOML path, what was found, what is expected.
    """
    _, raw = read_toml(path, INIT)
    mistakes, asked = Mistakes(), raw.get("campaign")
    raw = {key: value for key, value in of_schema(path, raw, mistakes).items() if key not in CAMPAIGN_TABLES}
    lab = record(StationFile, _whole(path, raw, mistakes), str(path), "", mistakes)
    if not lab.meters and not mistakes.touch(path, "meters"):
        mistakes.at(str(path), "meters", "at least one is needed; see the commented file of `wattlab init`")
    named = asked.get("runs_folder") if isinstance(asked, dict) else None
    runs = absolute(path.parent, named if isinstance(named, str) else _DEFAULT_RUNS)
    _contradict(path, of_suts(path, _views(path, raw, mistakes), lab), mistakes)
    _contradict(path, of_station(path, lab, runs), mistakes)
    mistakes.raise_all(path)
    return StationConfig(path.resolve(), lab, runs)


_DEFAULT_RUNS = str(next(f.default for f in fields(Campaign) if f.name == "runs_folder"))


def with_defaults(written: Json) -> Json:
    """A resolved configuration as this version resolves it: what is younger than it has its default.

    Raises:
        ConfigError: it holds what this version does not know.
    """
    mistakes = Mistakes()
    resolved = record(LabFile, written, "the campaign's log", "config.", mistakes)
    mistakes.raise_all("the campaign's log")
    return resolved.to_json()


def changed_since(config: LabConfig, begun: Json, *, is_done: bool = False) -> str | None:
    """Why a campaign that was begun with another configuration cannot be continued with this one; None: it can. Of one
    that `is_done` only what was asked counts, whatever stands in the room by now.

    Raises:
        ConfigError: it was begun with what this version does not know.
    """
    before, now = with_defaults(begun), config.to_json()
    before["lab"]["photos"] = now["lab"]["photos"]  # more of them may be attached at any time
    changed = sorted(_differences(before, now))
    if is_done:
        changed = [place for place in changed if place.partition(".")[0] in CAMPAIGN_TABLES or place == "lab.customer"]
    if not changed:
        return None
    return (
        f"{_named_by_file(config, changed[:5])} differ from when the campaign "
        f"{config.campaign_folder} was begun; restore them, or give {name_key(config)} a new value"
    )


def name_key(config: LabConfig) -> str:
    """The TOML path of what the campaign is called by: of a study, which names its campaigns, its own."""
    return "study.name" if TABLE in tomllib.loads((config.campaign_source or b"").decode()) else "campaign.name"


def _named_by_file(config: LabConfig, places: Sequence[str]) -> str:
    """TOML paths behind the file in which each stands, or has to stand."""
    lab, campaign = (tomllib.loads((source or b"").decode()) for source in (config.source, config.campaign_source))
    files = Joined(config.path, lab, config.campaign_path, campaign)
    named: dict[Path, list[str]] = {}
    for place in places:
        named.setdefault(files.file_of(place), []).append(place)
    return "; ".join(f"{file}: {', '.join(inside)}" for file, inside in named.items())


def _differences(begun: Json, now: Json, path: str = "") -> Iterator[str]:
    """TOML paths whose values differ."""
    for key in begun.keys() | now.keys():
        old, new = begun.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, f"{path}{key}.")
        elif old != new:
            yield path + key


def _campaign_file(named: Path) -> Path:
    """The file that is meant: this one, or one of wattlab's own, by its path there or by its name."""
    own = BUNDLED / named if named == Path(named.name) else APPLICATION / named
    return own if own.is_file() and not named.exists() else named


def _read_campaign(path: Path, lab: Json, named: Path | None) -> Asked | None:
    """The campaign file; None where none is named.

    Raises:
        ConfigError: it cannot be read, is lab.toml or a study, or is needed and not named.
    """
    if named is not None:
        campaign = _campaign_file(named)
        if campaign.exists() and path.exists() and campaign.samefile(path):
            raise ConfigError(f"--campaign {campaign}: that is lab.toml itself; leave it out, both are read from there")
        bundled = ", ".join(file.name for file in sorted(BUNDLED.glob("*.toml")))
        source, raw = read_toml(
            campaign,
            "a campaign file has what is asked of the station: [campaign], [baseline], ...; wattlab's own are found by "
            f"their names: {bundled}",
        )
        if TABLE in raw:
            raise ConfigError(
                f"--campaign {campaign}: that is a study with {TABLE}; `wattlab study run {quote(str(campaign))}` "
                "measures them"
            )
        return Asked(campaign, source, raw)
    asked = ("campaign", "baseline", "scenarios")
    is_asked = lab.keys() & {*asked} or any(did_you_mean(key, asked).startswith("did you") for key in lab)
    if not is_asked and lab.keys() & {"meters", suts.ALONE, suts.TABLE}:
        listed = ", ".join(str(file) for file in campaign_files(path))
        raise ConfigError(
            f"{path}: it has no campaign ([campaign], [baseline], [scenarios.NAME]); name the file that has one with "
            f"--campaign FILE{f': {listed}' if listed else ''}"
        )
    return None


def _whole(path: Path, raw: Json, mistakes: Mistakes) -> Json:
    """The tables with every meter and one table [sut]: its own, or what stands for several."""
    if suts.TABLE not in raw:
        return raw
    mistakes.extend(suts.of_both(path, raw))
    return {key: value for key, value in raw.items() if key != suts.TABLE} | {suts.ALONE: NO_SUT}


def _views(path: Path, raw: Json, mistakes: Mistakes) -> Mapping[str, StationFile]:
    """TOML path of each SUT's table -> the tables as they hold for it."""
    if suts.TABLE not in raw:
        return {suts.ALONE: record(StationFile, _of_room(raw), str(path), "", Mistakes())}
    named = record(Suts, {suts.TABLE: raw[suts.TABLE]}, str(path), "", mistakes).suts
    return {
        f"{suts.TABLE}.{name}": record(StationFile, _of_room(suts.tables_of(raw, name)), str(path), "", Mistakes())
        for name in named
    }


def _of_room(raw: Json) -> Json:
    return {key: value for key, value in raw.items() if key not in CAMPAIGN_TABLES}


def _contradict(path: Path, contradictions: Contradictions, mistakes: Mistakes) -> None:
    """Say what contradicts itself where everything that it is about is right."""
    for places, lines in contradictions:
        if not mistakes.touch(path, *places):
            mistakes.extend(lines)


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
