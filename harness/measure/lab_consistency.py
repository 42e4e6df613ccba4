"""What contradicts itself in lab.toml and a campaign file: each a sentence that begins with file and TOML path.

Knows which tables have to be right for each contradiction to be looked for. What the rules are stands in
`harness.station.consistency`, `harness.station.suts` and `harness.measure.campaign_file`.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from harness.measure import without_meter
from harness.measure.campaign_file import (
    BASELINE,
    SYNC,
    WARM_UP,
    of_decided,
    of_first_stage,
    of_gate,
    of_limit,
    of_loads,
    of_settle,
    of_stages,
)
from harness.measure.cells import cells_of, of_count, of_factors, of_rows
from harness.measure.lab_tables import LabFile, StationFile, station_of
from harness.record.qualification import of_qualification
from harness.station import consistency, suts
from harness.station.station import SutSection
from harness.sut.environments import APART
from meters.options import did_you_mean

Contradictions: TypeAlias = Iterator[tuple[Sequence[str], Iterator[str]]]
"""Places that have to be right, and the sentences."""


def of_station(path: Path, lab: StationFile, runs: Path) -> Contradictions:
    """In what stands in the room, but for its SUTs. `runs`: where the runs of the campaign are kept."""
    station = station_of(path, lab)
    yield [], (line for name in lab.meters for line in consistency.of_name(f"{path}: meters.{name}", name))
    yield [], _of_paths(path, _paths_of_station(lab))
    yield from consistency.of_register(station)
    yield ["witness.ssh", "witness.rfc3161"], consistency.of_witness(path, lab.witness)
    for name, section in lab.meters.items():
        place = f"meters.{name}"
        yield [f"{place}.driver", f"{place}.options"], consistency.of_driver(f"{path}: {place}", section)
        yield [f"{place}.port", f"{place}.driver"], consistency.of_port(f"{path}: {place}.port", section)
        yield (
            [f"{place}.limits_percent"],
            consistency.of_limits(f"{path}: {place}.limits_percent", section.limits_percent),
        )
        secrets = ("password_file", "password_env", "privacy_password_file", "privacy_password_env")
        own = [f"{place}.{key}" for key in ("port", "options", "user", *secrets)]
        yield ["campaign.runs_folder", *own], consistency.of_passwords(f"{path}: {place}", station, section, runs)


def of_suts(path: Path, views: Mapping[str, StationFile], meters: StationFile) -> Contradictions:
    """In the SUTs, and in which meters feed them. `views`: table of a SUT -> lab.toml as it holds for it; `meters`: the
    tables with every meter."""
    circuits = {table.removeprefix(f"{suts.TABLE}."): view.sut.circuits for table, view in views.items()}
    several = list(views) != [suts.ALONE]
    feeding = [f"meters.{name}.{key}" for name in meters.meters for key in ("circuit", "sut")]
    named = [f"{table}.circuits" for table in views]
    unknown = [
        line
        for name, section in meters.meters.items()
        for line in suts.of_feeding(f"{path}: meters.{name}", section, circuits, several=several)
    ]
    yield [*feeding, *named], iter(unknown)
    for (table, view), name in zip(views.items(), circuits, strict=True):
        where = f"{path}: {table}"
        if several:
            yield [], consistency.of_name(where, name)
        if several and not unknown:
            yield [*feeding, *named, "meters"], _of_meters(where, name, view, meters)
        yield [], _of_paths(path, _paths_of_sut(table, view.sut))
        yield [f"{table}.host", f"{table}.port"], consistency.of_host(where, view.sut)
        yield [f"{table}.pythons"], _of_pythons(f"{where}.pythons", view.sut)
        if not unknown:
            yield [f"{table}.circuits", *feeding], consistency.of_circuits(where, view.sut, view.meters)
        for meter, section in view.meters.items():
            counters = consistency.of_counters(f"{path}: meters.{meter}", section, view.sut)
            yield [f"meters.{meter}.driver", f"{table}.host"], counters
        yield [*feeding, f"{table}.circuits"], without_meter.of_station(where, view)
        yield [f"{table}.circuits"], consistency.of_doubles(f"{where}.circuits", view.sut.circuits)
        efficiency = [f"{table}.psu_efficiency_percent", f"{table}.psu_efficiency_limit_percent"]
        yield efficiency, consistency.of_supply(where, view.sut)
        yield [f"meters.{name}.port" for name in view.meters], consistency.of_shared_lines(path, view.meters)


def _of_pythons(where: str, sut: SutSection) -> Iterator[str]:
    """Interpreters are named for Python environments that there are beside the main one."""
    for name in sut.pythons:
        if name not in APART:
            yield f"{where}.{name}: no Python environment {name!r} beside the main one; {did_you_mean(name, APART)}"


def of_campaign(path: Path, lab: LabFile, names: Sequence[str], views: Mapping[str, StationFile]) -> Contradictions:
    """In what is asked of the room. `names`: the SUTs that it has; `views` as in `of_suts`."""
    called = _called(lab)
    yield ["campaign.name"], consistency.of_name(f"{path}: campaign.name", lab.campaign.name)
    yield ["campaign.sut"], suts.of_choice(f"{path}: campaign.sut", names, lab.campaign.sut)
    yield [], _of_names(path, lab)
    yield [], _of_cells(path, called)
    yield [], _of_paths(path, {"campaign.runs_folder": lab.campaign.runs_folder})
    yield ["decision.scenario"], of_decided(path, lab.decision, called)
    yield ["decision.scenario", "decision.limit_wh"], of_limit(path, lab.decision)
    if lab.qualification is not None:
        yield ["qualification"], of_loads(path, lab.qualification.loads, called)
        yield ["qualification"], of_qualification(str(path), lab.qualification)
    yield ["campaign.gate.limit_s", "campaign.pause_s"], of_gate(path, lab.campaign)
    yield ["campaign.settle"], of_settle(path, lab.campaign.settle)
    yield ["campaign", "scenarios", *views], without_meter.of_campaign(path, lab, views)
    yield ["campaign.design", "campaign.two_stage"], of_stages(path, lab.campaign)
    repeated = [f"scenarios.{name}.repetitions" for name in lab.scenarios]
    yield (
        ["campaign.design", "baseline.blocks", *repeated],
        of_first_stage(path, lab.campaign, lab.baseline, lab.scenarios),
    )


def _of_meters(where: str, name: str, view: StationFile, meters: StationFile) -> Iterator[str]:
    """A SUT is fed through a meter, or has a qualified one of its own."""
    if meters.meters and not view.meters and not view.sut.qualification:
        yield f'{where}: no meter feeds it; name it in one: [meters.NAME] sut = "{name}"'


def _of_names(path: Path, lab: LabFile) -> Iterator[str]:
    """Names that become folders, and that are not taken."""
    for name in lab.scenarios:
        yield from consistency.of_name(f"{path}: scenarios.{name}", name)
    if BASELINE in lab.scenarios:
        yield f"{path}: scenarios.{BASELINE}: the baseline is set in the table [baseline]; remove this one"
    if SYNC in lab.scenarios:
        yield f"{path}: scenarios.{SYNC}: the sync pulse is set by campaign.sync_pulse; give it another name"
    if WARM_UP in lab.scenarios:
        yield f"{path}: scenarios.{WARM_UP}: the warm-up is set in the table [warm_up]; give it another name"


def _called(lab: LabFile) -> dict[str, list[str]]:
    """Table of a scenario -> the names of its cells, or its own; none where its factors have a mistake."""
    called = {}
    for name, section in lab.scenarios.items():
        own = section.factors or {}
        is_right = not any((*of_factors("", own), *of_rows("", own, section.rows), *of_count("", own, section.rows)))
        called[name] = [cell.name for cell in cells_of(name, own, {}, section.rows)] if is_right else []
    return called


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


def _paths_of_station(lab: StationFile) -> dict[str, str]:
    return {
        "lab.instruments": lab.lab.instruments,
        **{f"lab.photos[{index}]": name for index, name in enumerate(lab.lab.photos)},
        "seal.key": lab.seal.key,
        "witness.key_file": lab.witness.key_file,
        "witness.known_hosts": lab.witness.known_hosts,
        **{
            f"meters.{name}.{key}": file
            for name, section in lab.meters.items()
            for key, file in consistency.password_files(section).items()
        },
    }


def _paths_of_sut(table: str, sut: SutSection) -> dict[str, str]:
    named = {"key_file": sut.key_file, "known_hosts": sut.known_hosts, "ssh_config": sut.ssh_config}
    return {f"{table}.{key}": text for key, text in named.items() if text}


def _of_paths(path: Path, named: Mapping[str, str]) -> Iterator[str]:
    """Paths on this host: no NUL in them, and a home folder that there is behind `~`."""
    for key, text in named.items():
        try:
            Path(text).expanduser()
        except RuntimeError:
            yield f"{path}: {key}: found {text!r}, and there is no such user; write the whole path"
        if "\0" in text:
            yield f"{path}: {key}: found a NUL in it, expected a path"
