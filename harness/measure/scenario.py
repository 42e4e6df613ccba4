"""A scenario: what lab.toml and its scenario.toml say of it -> one record, resolved.

Knows both files' tables of it, its trackers, and where folders are looked for. Mistakes begin with file and TOML path.

Above 400 lines: a third of it are the fields of two records with what each key means, which docs/ is made of.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from harness.measure.cells import (
    TRACKER_FACTOR,
    Cell,
    cells_of,
    crossed_in,
    is_level,
    of_count,
    of_factors,
    of_names,
    of_reach,
    of_rows,
    of_twice,
    parameter_levels,
    parameters_at,
    python_at,
    tracked_by,
    with_levels,
)
from harness.measure.scenario_file import (
    ScenarioFile,
    is_file,
    of_artifacts,
    of_choices,
    of_directory,
    of_files,
    of_parameters,
    of_program,
    of_pythons,
    of_scenario_file,
    of_staged,
    of_trackers,
    of_words,
)
from harness.measure.search_section import SearchSection, of_search
from harness.measure.tracker_needs import tracker_artifacts, tracker_files, tracker_packages, tracker_periods
from harness.measure.usage import BaselineState, ServiceSection, Usage, usage_of, used_in_folder
from harness.record.codec import Mistakes, of_schema, read_toml, record
from harness.record.documents import Json, dump
from harness.record.errors import ConfigError
from harness.record.levels import Level, Levels
from harness.record.work import declared_in, of_declaration
from harness.station.station import APPLICATION, at_least
from harness.sut.environments import ENVIRONMENTS

WHERE_SAID = ("cell_of", "directory", "load_kind", "python", "baseline_state")
"""What of a scenario is in its runs' start documents where it says something."""
NOT_OF_A_RUN = ("source", "packages", "prepared", "choices", "cell", "declared", "usage", "search", *WHERE_SAID)
"""What is not there under its name always: their own lists say what was there, `cell` stands by itself, and what is
declared and how it is used key by key, its search in the configuration."""
YOUNGER = (
    "factors", "rows", "prefix", "directory", "packages", "python", "load_kind", "population", "service", "search",
)  # fmt: skip
"""Keys of a scenario's table that are not in its documents where they are not written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioSection:
    """A scenario as lab.toml names it: a folder with a scenario.toml, or a command of the user's own."""

    repetitions: int = field(default=5, metadata=at_least(1))
    """How many runs."""
    folder: str = ""
    """A folder with a scenario.toml, relative to this file or one of wattlab's own, such as `workloads/cnn`; either
    this or `command`."""
    command: list[str] = field(default_factory=list)
    """Program and arguments, without a shell; `{python}` is the interpreter of its Python environment, `{FACTOR}` the
    level of a factor."""
    directory: str = ""
    """Where on the SUT `command` is started, absolute; empty: in the run's own work folder, where `files` are."""
    files: list[str] = field(default_factory=list)
    """With `command`: files, relative to this file, that are copied beside it for each run."""
    packages: list[str] = field(default_factory=list)
    """Python distributions that `command` needs on the SUT, of those that the lock of its Python environment holds
    (workloads/requirements.lock)."""
    python: str = ""
    """With `command`: which Python environment of the SUT `{python}` is, `tensorflow`, `jax`, `torch` or `sklearn`
    (docs/which-framework.md); `{FACTOR}` is the level of a factor; empty: the main one."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Handed to the program as `WATTLAB_PARAMETERS`; with `folder` they override those of the same name there, and
    no other."""
    artifacts: list[str] = field(default_factory=list)
    """With `command`: names of files that are fetched from `WATTLAB_ARTIFACTS`."""
    max_duration_s: float = field(default=86400.0, metadata=at_least(1))
    """After so long the command is killed, and the run has failed."""
    trackers: list[str] = field(default_factory=list)
    """Energy trackers that run around it, by name (docs/trackers.md)."""
    tracker_periods_s: dict[str, float] = field(default_factory=dict)
    """Seconds between two polls of a tracker; without, the tracker's own default."""
    factors: dict[str, Any] | None = None
    """Factor -> its level, or the list of levels that are crossed (`harness.measure.cells`)."""
    rows: list[list[Any]] | None = None
    """The cells, where not all combinations are measured: each the levels of the crossed factors, in their order."""
    prefix: list[str] = field(default_factory=list)
    """Words before the command, such as `["taskset", "--cpu-list", "0"]`."""
    load_kind: Literal["", "cpu", "memory", "gpu", "other"] = ""
    """What it keeps busy; needed where no meter measures (`sut.qualification`): a software meter is qualified for
    kinds of load."""
    search: SearchSection | None = None
    """Its parameters are searched: each repetition is a search."""
    population: str = ""
    """Who uses the service (docs/terminal.md): a population file, relative to this file or one of wattlab's own."""
    service: ServiceSection | None = None
    """Where the service is reached, and when it is ready; with `folder` in place of what stands there."""

    def to_json(self) -> Json:
        """As written, with all defaults; without the younger keys as it was before there were any."""
        plain = asdict(self)
        return {key: value for key, value in plain.items() if key not in YOUNGER or value not in ("", [], None)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario resolved: what is shipped, what is started, how often. `command` empty: a pause of `duration_s`."""

    name: str
    title: str
    description: str
    kind: Literal["scenario", "baseline"]
    command: tuple[str, ...]
    files: tuple[Path, ...]
    actions: tuple[str, ...]
    artifacts: tuple[str, ...]
    parameters: Json
    verification: Json
    repetitions: int
    duration_s: float | None
    max_duration_s: float
    source: bytes
    """The verbatim scenario.toml (for a user command: what lab.toml says of it), kept in the run's inputs."""
    trackers: tuple[str, ...] = ()
    tracker_periods_s: Mapping[str, float] = field(default_factory=dict)
    """Of every tracker, the defaults filled in."""
    packages: tuple[str, ...] = ()
    prepared: tuple[str, ...] = ()
    cell: Levels | None = None
    """Factor -> level; None: it has no factors."""
    cell_of: str = ""
    """The scenario of lab.toml that it is one of several cells of; empty: it is a scenario by itself."""
    declared: Json = field(default_factory=dict)
    """Its useful work, as its scenario.toml declares it (`harness.record.work`)."""
    directory: str = ""
    """Where on the SUT its command is started; empty: in the run's work folder."""
    load_kind: str = ""
    """What it keeps busy, where lab.toml says it."""
    python: str = ""
    """The name of the Python environment that runs its command; empty: the SUT's main one."""
    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Parameter -> the values that it may have."""
    search: SearchSection | None = None
    """How its parameters are searched; None: they stand."""
    usage: Usage | None = None
    """Who uses it, where it is a service; `command` starts that."""
    baseline_state: BaselineState | Literal[""] = ""
    """Of a baseline: what runs on the SUT; empty: the operating system."""

    @property
    def section(self) -> str:
        """The name of its table in lab.toml."""
        return self.cell_of or self.name

    @property
    def tracker_words(self) -> str:
        """WATTLAB_TRACKERS of its runs; empty without trackers."""
        return " ".join(f"{name}={self.tracker_periods_s[name]:g}" for name in self.trackers)

    def to_json(self) -> Json:
        """For the start document."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in NOT_OF_A_RUN}
        return (
            plain
            | {key: list(plain[key]) for key in ("command", "actions", "artifacts", "trackers")}
            | {"files": [path.name for path in self.files], "tracker_periods_s": dict(self.tracker_periods_s)}
            | {key: value for key in WHERE_SAID if (value := getattr(self, key))}
            | ({} if self.usage is None else self.usage.to_json())
            | self.declared
        )


def scenarios_of(path: Path, base: Path, name: str, section: ScenarioSection, mistakes: Mistakes) -> list[Scenario]:
    """The scenarios that a table of lab.toml describes: one for each cell where it crosses factors; none where
    something is wrong with it. `base`: the folder that its paths are relative to."""
    where, factors = f"{path}: scenarios.{name}", section.factors or {}
    wrong = list(of_factors(f"{where}.factors", factors))
    if wrong := wrong or [*of_rows(f"{where}.rows", factors, section.rows), *of_count(where, factors, section.rows)]:
        mistakes.extend(wrong)
        _scenario_of(path, base, name, replace(section, factors=None), mistakes)
        return []
    wholes = _wholes(path, base, name, section, mistakes)
    if section.command and not section.folder:
        names = [Path(file).name for file in section.files]
        cells = cells_of(name, factors, {}, section.rows)
        for words in dict.fromkeys(with_levels(section.command[:2], cell.levels) for cell in cells):
            mistakes.extend(of_program(f"{where}.command", words, names))
    found = {level: whole for level, whole in wholes.items() if whole is not None}
    return _crossed(path, found, section, mistakes) if len(found) == len(wholes) else []


def _wholes(
    path: Path, base: Path, name: str, section: ScenarioSection, mistakes: Mistakes
) -> dict[Level | None, Scenario | None]:
    """The scenario whatever it crosses, by the level of the factor `trackers`; under None where that is no factor."""
    tracked, where = tracked_by(section.factors or {}), f"{path}: scenarios.{name}"
    if not tracked:
        return {None: _scenario_of(path, base, name, section, mistakes)}
    if section.trackers:
        mistakes.extend([f"{where}.trackers: they are a factor of it; take this line out"])
    every, found = [one for names in tracked.values() for one in names], dict[Level | None, Scenario | None]()
    for level, names in tracked.items():
        periods_s = {one: s for one, s in section.tracker_periods_s.items() if one in names or one not in every}
        whole = _scenario_of(path, base, name, replace(section, trackers=names, tracker_periods_s=periods_s), mistakes)
        # What is kept as its source is the table as it is written.
        source = dump(section.to_json()).encode() if section.command and whole is not None else None
        found[level] = replace(whole, source=source) if whole is not None and source is not None else whole
    return found


def _crossed(
    path: Path, wholes: Mapping[Level | None, Scenario], section: ScenarioSection, mistakes: Mistakes
) -> list[Scenario]:
    """A scenario once for each of its cells."""
    factors, whole = section.factors or {}, next(iter(wholes.values()))
    table, where, given = (of := f"{path}: scenarios.{whole.name}"), f"{of}.factors", whole.parameters
    cells = cells_of(whole.name, factors, whole.cell or {}, section.rows)
    mistakes.extend(of_reach(where, factors, given, (*whole.command, whole.python)))
    mistakes.extend(of_names(where, cells))
    if whole.search is not None and not mistakes.touch(path, f"scenarios.{whole.name}.search"):
        names, is_served = list(cells[0].levels), whole.usage is not None
        mistakes.extend(of_search(f"{table}.search", whole.search, given, names, whole.artifacts, is_served=is_served))
    mistakes.extend(of_words(f"{table}.prefix", section.prefix) if section.prefix else ())
    for levels in parameter_levels(cells, given):
        mistakes.extend(of_parameters(where, given, levels, path))
        mistakes.extend(of_choices(where, levels, whole.choices))
    is_tracked = None not in wholes
    made = [
        _at(wholes[cell.levels[TRACKER_FACTOR] if is_tracked else None], cell, section.prefix,
            cell_of=whole.name if crossed_in(factors) else "")
        for cell in cells
    ]  # fmt: skip
    tracked = {one.python: one.name for one in made if one.trackers}
    mistakes.extend(of_pythons(table, {one.python: tracked.get(one.python, "") for one in made if one.python}))
    return made


def _at(whole: Scenario, cell: Cell, prefix: Sequence[str], cell_of: str) -> Scenario:
    """A scenario at the levels of one cell; among its packages those that its Python environment brings."""
    python = python_at(whole.python, whole.parameters, cell.levels)
    brought = ENVIRONMENTS[python].brings if python in ENVIRONMENTS else ()
    return replace(
        whole,
        name=cell.name,
        command=with_levels((*prefix, *whole.command), cell.levels),
        parameters=parameters_at(whole.parameters, cell.levels),
        cell=cell.levels or None,
        cell_of=cell_of,
        python=python,
        packages=tuple(dict.fromkeys((*brought, *whole.packages))),
    )


def _scenario_of(path: Path, base: Path, name: str, section: ScenarioSection, mistakes: Mistakes) -> Scenario | None:
    """The scenario that a table of lab.toml describes, whatever it crosses; None where something is wrong with it."""
    where, place = f"{path}: scenarios.{name}", f"scenarios.{name}"
    if mistakes.touch(path, f"{place}.folder", f"{place}.command"):
        return None
    runs_already = bool(section.population) and section.service is not None and bool(section.service.address)
    if bool(section.folder) == bool(section.command or runs_already):
        mistakes.at(str(path), place, "needs either `folder` (with a scenario.toml) or `command` (a list), not both")
        return None
    if section.folder:
        return from_folder(path, base, name, section, None, mistakes)
    mistakes.extend(of_words(f"{where}.command", section.command))
    mistakes.extend(of_directory(f"{where}.directory", section.directory))
    mistakes.extend(of_artifacts(f"{where}.artifacts", section.artifacts))
    files = [base / file for file in section.files]
    mistakes.extend(of_files(f"{where}: files", files))
    usage = usage_of(f"{where}.", base, section.population, section.service, section.command, mistakes)
    scenario = Scenario(
        name=name,
        title=name,
        description="a command of the operator's own" if usage is None else f"a service, used by {usage.name}",
        kind="scenario",
        command=tuple(section.command),
        files=tuple(files),
        actions=(),
        artifacts=tuple(section.artifacts),
        parameters=section.parameters,
        verification={},
        repetitions=section.repetitions,
        duration_s=None,
        max_duration_s=section.max_duration_s,
        source=dump(section.to_json()).encode(),
        directory=section.directory,
        packages=tuple(dict.fromkeys(section.packages)),
        load_kind=section.load_kind,
        python=section.python,
        search=section.search,
        usage=usage,
    )
    return _tracked(where, scenario, section, mistakes, inside=False)


def from_folder(
    path: Path,
    base: Path,
    name: str,
    section: ScenarioSection,
    duration_s: float | None,
    mistakes: Mistakes,
    table: str = "",
) -> Scenario | None:
    """The scenario of a folder; None where something is wrong with it. `duration_s` is that of a baseline block,
    `table` its TOML path where that is not scenarios.NAME."""
    where = f"{path}: {table or f'scenarios.{name}'}"
    candidates = dict.fromkeys(Path(os.path.normpath(root / section.folder)) for root in (base, APPLICATION))
    folder = next((folder for folder in candidates if is_file(folder / "scenario.toml")), None)
    if folder is None:
        mistakes.extend([f"{where}.folder: no scenario.toml in {' or '.join(map(str, candidates))}"])
        return None
    toml = folder / "scenario.toml"
    try:
        source, raw = read_toml(toml, "a scenario is a folder with a scenario.toml and its program")
        raw = of_schema(toml, raw, mistakes)
    except ConfigError as error:
        mistakes.extend([str(error)])
        return None
    written = record(ScenarioFile, raw, str(toml), "", mistakes)
    if mistakes.touch(toml, "kind", "command", "parameters", "files", "artifacts", "verification"):
        return None
    mistakes.extend(of_scenario_file(toml, written, folder))
    mistakes.extend(of_declaration(str(toml), written, lambda place: mistakes.touch(toml, place)))
    if (written.kind == "baseline") != (duration_s is not None):
        mistakes.extend([f"{where}: {toml} is of kind {written.kind!r}; a baseline is set in the table [baseline]"])
    for extra in ("files", "artifacts", "directory", "packages", "python"):
        if getattr(section, extra):
            mistakes.extend([f"{where}.{extra}: only beside `command`; with `folder` they stand in {toml}"])
    mistakes.extend(of_parameters(f"{where}.parameters", written.parameters, section.parameters, toml))
    mistakes.extend(of_choices(f"{where}.parameters", section.parameters, written.choices))
    mistakes.extend(of_twice(f"{where}.factors", section.factors or {}, written.factors, toml))
    usage = used_in_folder((f"{where}.", base, section), (f"{toml}: ", folder, written), mistakes)
    scenario = Scenario(
        name=name,
        title=written.title,
        description=written.description,
        kind=written.kind,
        command=tuple(written.command),
        files=tuple(folder / file for file in written.files),
        actions=tuple(written.actions),
        artifacts=tuple(written.artifacts),
        parameters=written.parameters | section.parameters,
        verification=written.verification,
        repetitions=section.repetitions,
        duration_s=duration_s,
        max_duration_s=section.max_duration_s,
        source=source,
        packages=tuple(written.packages),
        prepared=tuple(written.prepared),
        cell={factor: level for factor, level in written.factors.items() if is_level(level)} or None,
        declared=declared_in(raw),
        load_kind=section.load_kind,
        python=written.python,
        choices=written.choices,
        search=section.search,
        usage=usage,
    )
    return _tracked(where, scenario, section, mistakes, inside=written.trackers_inside)


def _tracked(
    where: str, scenario: Scenario, section: ScenarioSection, mistakes: Mistakes, *, inside: bool
) -> Scenario | None:
    """The scenario with its trackers: their files beside the program, what they leave behind among the artifacts, and
    around.py before a command that does not run them itself."""
    names, periods_s = section.trackers, section.tracker_periods_s
    mistakes.extend(wrong := [*of_trackers(where, names, periods_s), *of_staged(where, scenario.files)])
    if wrong or not names:
        return None if wrong else scenario
    shipped, clashes = tracker_files(names, scenario.files, inside=inside)
    mistakes.extend(f"{where}.files: {clash}" for clash in clashes)
    return replace(
        scenario,
        command=scenario.command if inside else ("{python}", "around.py", "--", *scenario.command),
        files=(*scenario.files, *shipped),
        artifacts=(*scenario.artifacts, *tracker_artifacts(names)),
        trackers=tuple(names),
        tracker_periods_s=tracker_periods(names, periods_s),
        packages=(*scenario.packages, *tracker_packages(names)),
    )
