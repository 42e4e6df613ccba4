"""lab.toml and scenario.toml -> frozen records. Every unknown key, wrong type and impossible value is an error that
begins with file and TOML path.

Knows the files' schema and the defaults. Knows no hardware: whether a port exists is preflight's business.

lab.toml schema history
  1  2026-11-21  first version
"""

import re
import tomllib
import types
from collections.abc import Mapping, Sequence, Set
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from harness.documents import Json, Thresholds, describe, dump, matches
from harness.errors import ConfigError
from workloads.trackers.tracking import TRACKERS

SCHEMA = 1
APPLICATION = Path(__file__).resolve().parent.parent
"""The folder that holds harness/, workloads/ and lab.toml."""
EMBEDDED = "embedded"
"""As `sut.host` or a meter's `port`: wattlab starts its own sshd on loopback, its own emulator on a pty."""

LARGEST_LIMIT_PERCENT = 50.0
TWO_STAGE = "two-stage"
"""How `campaign.design` begins where the campaign may be extended after its first stage."""
SYNC = "sync"
"""The scenario of the sync pulse."""

Record = TypeVar("Record")
_TRACKER_FILES = APPLICATION / "workloads" / "trackers"
MARKERS = APPLICATION / "workloads" / "markers.py"
"""Copied beside every program."""
SSH_ADDRESS = re.compile(
    r"([A-Za-z0-9_][A-Za-z0-9_.-]*)@([A-Za-z0-9][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?"
)
"""user, host (an IPv6 address in brackets), port."""
NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def _at_least(minimum: float) -> dict[str, float]:
    return {"minimum": minimum}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """Who measures, where, for whom: printed in the report."""

    name: str
    place: str = ""
    operator: str = ""
    customer: str = ""
    instruments: str = ""
    """The instrument register, relative to lab.toml (`harness.instruments`); empty: the lab keeps none."""
    expired_instrument: Literal["refuse", "label"] = "label"
    """A meter without a valid certificate: no start, or a finding in the report."""
    check_load_days: int = field(default=0, metadata=_at_least(0))
    """How old (days) the last passed check load of a meter may be; 0: none is demanded."""
    certify_declared: bool = False
    """The lab certifies results of meters that are known by a person's declaration in the register alone."""
    photos: list[str] = field(default_factory=list)
    """Photographs of the set-up (PNG, JPEG), relative to lab.toml: attached to the campaign, shown to the auditor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The thermal gate before a run: power and temperatures back within a band of the session's first idle readings.

    `limit_s` 0: no gate. `power_percent` is the band of the mean power over `mean_s`, `cpu_c` and `gpu_c` those of the
    temperatures.
    """

    limit_s: float = field(default=0.0, metadata=_at_least(0))
    power_percent: float = field(default=2.0, metadata=_at_least(0))
    cpu_c: float = field(default=3.0, metadata=_at_least(0))
    gpu_c: float = field(default=3.0, metadata=_at_least(0))
    mean_s: float = field(default=10.0, metadata=_at_least(0.1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Stabilization until settled: two consecutive means over `mean_s` differ by less than `percent` or 2 standard
    errors. `limit_s` 0: stabilization lasts exactly stabilization_s; else that at least, and `limit_s` at most."""

    limit_s: float = field(default=0.0, metadata=_at_least(0))
    mean_s: float = field(default=30.0, metadata=_at_least(0.1))
    percent: float = field(default=1.0, metadata=_at_least(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoStage:
    """The first stage is the pilot; the second is sized from it, once, by the rule declared here (`half_width_percent`
    0: one stage). `share_percent`: in how many of 100 campaigns the half-width is to be reached."""

    half_width_percent: float = field(default=0.0, metadata=_at_least(0))
    share_percent: float = field(default=90.0, metadata=_at_least(50))
    most_repetitions: int = field(default=200, metadata=_at_least(2))
    most_blocks: int = field(default=200, metadata=_at_least(2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What is measured in which order. Durations in seconds."""

    name: str
    runs_folder: str = "runs"
    seed: int = field(metadata=_at_least(0))
    design: str = ""
    order: Literal["shuffled", "as-listed"]
    stabilization_s: float = field(metadata=_at_least(0))
    supplementary_s: float = field(metadata=_at_least(0))
    pause_s: float = field(default=0.0, metadata=_at_least(0))
    max_failed_attempts: int = field(default=2, metadata=_at_least(1))
    sync_pulse: bool = False
    """At the start of each session the load is switched on and off, which shows the meter's latency and window."""
    gate: Gate = field(default_factory=Gate)
    settle: Settle = field(default_factory=Settle)
    two_stage: TwoStage = field(default_factory=TwoStage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Baseline blocks: how many, how long (s). The first stands before, the last after the scenario runs."""

    blocks: int = field(metadata=_at_least(1))
    duration_s: float = field(metadata=_at_least(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class SutSection:
    """How to reach the system under test and how it samples itself."""

    host: str
    port: int = field(default=22, metadata=_at_least(1))
    user: str = ""
    key_file: str = "~/.ssh/id_ed25519"
    known_hosts: str = "~/.ssh/known_hosts"
    python: str
    folder: str = "wattlab-sut"
    sample_period_s: float = field(default=1.0, metadata=_at_least(0.01))
    reconnect_s: float = field(default=60.0, metadata=_at_least(1))
    circuits: list[str] = field(default_factory=lambda: ["sut-ac-inlet"])
    psu_efficiency_percent: float = field(default=0.0, metadata=_at_least(0))
    """Efficiency of its power supply (DC out / AC in) as its certificate or data sheet states it; 0: not known."""
    psu_efficiency_limit_percent: float = field(default=0.0, metadata=_at_least(0))
    """Limit of error of that efficiency, in percentage points."""
    description: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSection:
    """One meter: driver, port, the circuit it sits in, the driver's own options, and how it lets the lab in.

    The password itself stands in no file that a run keeps: it is the only line of `password_file` (relative to
    lab.toml), or the environment variable `password_env`. `user` is needed where the meter has another than its kind
    always has.
    """

    driver: str
    port: str
    circuit: str
    options: dict[str, Any] = field(default_factory=dict)
    instrument: str = ""
    """Its name in the instrument register; needed where the meter cannot say its serial number, and for a key or a
    declaration that stands there."""
    limits_percent: float = field(default=0.0, metadata=_at_least(0))
    """Limits of error of its power, in % of the reading, as the lab states them: in place of the driver's; 0: none."""
    user: str = ""
    password_file: str = ""
    password_env: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioSection:
    """A scenario as lab.toml names it: a folder with a scenario.toml, or a command of the user's own."""

    repetitions: int = field(metadata=_at_least(1))
    folder: str = ""
    command: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: list[str] = field(default_factory=list)
    max_duration_s: float = field(default=86400.0, metadata=_at_least(1))
    trackers: list[str] = field(default_factory=list)
    """Energy trackers that run around it, by name (docs/trackers.md)."""
    tracker_periods_s: dict[str, float] = field(default_factory=dict)
    """Seconds between two polls of a tracker; without, the tracker's own default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """The nominal mains the SUT is fed from: the `supply` findings are about the distance from it."""

    voltage_v: float = field(default=230.0, metadata=_at_least(1))
    frequency_hz: float = field(default=50.0, metadata=_at_least(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambient:
    """A thermometer of the room that the host reads from a file (1-wire, hwmon, IIO of Linux); no file: none.

    The temperature is the number in the file times `scale` plus `offset_c`.
    """

    file: str = ""
    scale: float = 0.001
    offset_c: float = 0.0
    period_s: float = field(default=5.0, metadata=_at_least(0.1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The limit a result is held against (a label's, a customer's), and how (JCGM 106): accepted up to
    limit - guard_band * U. Without a scenario nothing is decided."""

    scenario: str = ""
    quantity: Literal["induced_energy_wh", "energy_wh"] = "induced_energy_wh"
    limit_wh: float = field(default=0.0, metadata=_at_least(0))
    guard_band: float = field(default=1.0, metadata=_at_least(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """With which OpenSSH key every run's seal is signed when it is made (its `.pub` for an agent or a token); empty:
    none. A key that the operator can use proves the key, not the time."""

    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """Who is told at once what was begun and sealed, and says when (docs/evidence.md): an account of somebody else by
    SSH (`user@host` or `user@host:port`), an RFC 3161 authority by its URL. Empty: nobody."""

    ssh: str = ""
    key_file: str = "~/.ssh/id_ed25519"
    known_hosts: str = "~/.ssh/known_hosts"
    rfc3161: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """How scenarios are tested beside each other, declared before the first run: `welch`, Welch's analysis of variance
    on the values as they are with Games-Howell, or `rank`, Kruskal-Wallis with Dunn's test (Holm)."""

    test: Literal["welch", "rank"] = "welch"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioFile:
    """scenario.toml as written."""

    schema: int
    name: str
    title: str
    description: str = ""
    kind: Literal["scenario", "baseline"]
    command: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    artifacts: list[str] = field(default_factory=list)
    trackers_inside: bool = False
    """The program runs the trackers of WATTLAB_TRACKERS itself and tells them its actions; else they run around it."""
    parameters: dict[str, Any] = field(default_factory=dict)
    verification: dict[str, Any] = field(default_factory=dict)


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

    @property
    def tracker_words(self) -> str:
        """WATTLAB_TRACKERS of its runs; empty without trackers."""
        return " ".join(f"{name}={self.tracker_periods_s[name]:g}" for name in self.trackers)

    def to_json(self) -> Json:
        """For the start document."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "source"}
        return (
            plain
            | {key: list(plain[key]) for key in ("command", "actions", "artifacts", "trackers")}
            | {"files": [path.name for path in self.files], "tracker_periods_s": dict(self.tracker_periods_s)}
        )


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
    def register_path(self) -> Path | None:
        """The instrument register; None where the lab keeps none."""
        named = self.file.lab.instruments
        return self.path.parent / Path(named).expanduser() if named else None

    @property
    def seal_key(self) -> Path | None:
        """The key that signs every seal; None where none is named."""
        named = self.file.seal.key
        return self.path.parent / Path(named).expanduser() if named else None

    @property
    def campaign_folder(self) -> Path:
        """Where the campaign is kept: runs_folder (relative to lab.toml) / name."""
        return self.path.parent / Path(self.file.campaign.runs_folder).expanduser() / self.file.campaign.name

    def to_json(self) -> Json:
        """The resolved configuration for the documents."""
        return asdict(self.file)


def read_records(cls: type[Record], path: Path, remedy: str) -> tuple[Record, bytes]:
    """Another TOML file of the lab as a record of dataclasses, and its verbatim bytes; `remedy` is for a missing file.

    Raises:
        ConfigError: with file, TOML path, what was found, what is expected.
    """
    source, raw = _read_toml(path, remedy)
    _check_schema(path, raw)
    return _record(cls, raw, str(path), ""), source


def load(path: Path) -> LabConfig:
    """Read lab.toml and every scenario.toml it names.

    Raises:
        ConfigError: with file, TOML path, what was found, what is expected.
    """
    source, raw = _read_toml(path, "write one with `wattlab init`")
    _check_schema(path, raw)
    _check_untracked(f"{path}: baseline", raw.get("baseline"))
    lab = _record(LabFile, raw, str(path), "")
    _check_name(f"{path}: campaign.name", lab.campaign.name)
    for table, names in (("meters", lab.meters), ("scenarios", lab.scenarios)):
        if not names:
            raise ConfigError(f"{path}: {table}: at least one is needed; see the commented file of `wattlab init`")
        for name in names:
            _check_name(f"{path}: {table}.{name}", name)
    measured = {section.circuit for section in lab.meters.values()}
    for circuit in lab.sut.circuits or [""]:
        if circuit not in measured:
            raise ConfigError(
                f"{path}: sut.circuits: no meter is on {circuit!r}, they are on {', '.join(sorted(measured))}; "
                "name the circuits whose sum is the SUT's power"
            )
    _check_supply(path, lab.sut)
    _check_register(path, lab)
    _check_decision(path, lab)
    _check_witness(path, lab.witness)
    _check_limits(path, lab)
    _check_campaign(path, lab.campaign, lab)
    if "baseline" in lab.scenarios:
        raise ConfigError(f"{path}: scenarios.baseline: the baseline is set in the table [baseline]; remove this one")
    if SYNC in lab.scenarios:
        raise ConfigError(
            f"{path}: scenarios.{SYNC}: the sync pulse is set by campaign.sync_pulse; give it another name"
        )
    scenarios = tuple(_scenario(path, name, section) for name, section in lab.scenarios.items())
    section = ScenarioSection(repetitions=lab.baseline.blocks, folder="workloads/baseline")
    baseline = _from_folder(path, "baseline", section, lab.baseline.duration_s)
    sync = _from_folder(path, SYNC, ScenarioSection(repetitions=1, folder="workloads/sync"), None)
    _check_passwords(path, lab, {file.resolve() for scenario in scenarios for file in scenario.files})
    return LabConfig(path=path.resolve(), file=lab, scenarios=scenarios, baseline=baseline, sync=sync, source=source)


def with_defaults(written: Json) -> Json:
    """A resolved configuration as this version resolves it: what is younger than it has its default.

    Raises:
        ConfigError: it holds what this version does not know.
    """
    return asdict(_record(LabFile, written, "the campaign's log", "config."))


def _check_campaign(path: Path, campaign: Campaign, lab: LabFile) -> None:
    """What contradicts itself in the table [campaign]."""
    if campaign.gate.limit_s and campaign.pause_s:
        raise ConfigError(f"{path}: campaign.pause_s: the gate replaces the pause; set pause_s = 0 or gate.limit_s = 0")
    if campaign.settle.limit_s and campaign.settle.limit_s < 2 * campaign.settle.mean_s:
        least_s = 2 * campaign.settle.mean_s
        raise ConfigError(f"{path}: campaign.settle.limit_s: two means of settle.mean_s need at least {least_s:g} s")
    declared = campaign.design.startswith(TWO_STAGE)
    if declared != bool(campaign.two_stage.half_width_percent):
        raise ConfigError(
            f'{path}: campaign.design: a design that begins with "{TWO_STAGE}" needs two_stage.half_width_percent, '
            "and that needs such a design: what decides about more runs is declared before the first one"
        )
    if campaign.two_stage.share_percent >= 100:
        raise ConfigError(f"{path}: campaign.two_stage.share_percent: no plan keeps a promise always; below 100")
    few = [f"scenarios.{name}.repetitions" for name, section in lab.scenarios.items() if section.repetitions < 2]
    few += ["baseline.blocks"] if lab.baseline.blocks < 2 else []
    if declared and few:
        raise ConfigError(f"{path}: {', '.join(few)}: the first stage shows no spread with one; at least 2")


def _check_supply(path: Path, sut: SutSection) -> None:
    """An efficiency is stated with its limit of error, and gives no more than it takes."""
    percent, limit = sut.psu_efficiency_percent, sut.psu_efficiency_limit_percent
    if bool(percent) != bool(limit):
        raise ConfigError(
            f"{path}: sut.psu_efficiency_percent: found {percent:g} with psu_efficiency_limit_percent {limit:g}; the "
            "efficiency and its limit of error go together, such as 88.0 and 2.0; remove both where it is not known"
        )
    if percent > 100:
        raise ConfigError(f"{path}: sut.psu_efficiency_percent: found {percent:g}, expected at most 100")


def _check_decision(path: Path, lab: LabFile) -> None:
    """A limit is one for a scenario that is measured."""
    decision = lab.decision
    if decision.scenario and decision.scenario not in lab.scenarios:
        known = ", ".join(lab.scenarios)
        raise ConfigError(f"{path}: decision.scenario: no scenario {decision.scenario!r} here, there are {known}")
    if decision.scenario and not decision.limit_wh:
        raise ConfigError(f"{path}: decision.limit_wh: found {decision.limit_wh!r}, expected a limit above 0")


def _check_witness(path: Path, witness: Witness) -> None:
    """Addresses that ssh and an HTTP client take for addresses, not for options."""
    if witness.ssh and SSH_ADDRESS.fullmatch(witness.ssh) is None:
        raise ConfigError(f"{path}: witness.ssh: found {witness.ssh!r}, expected user@host or user@host:port")
    if witness.rfc3161 and not witness.rfc3161.startswith(("http://", "https://")):
        raise ConfigError(f"{path}: witness.rfc3161: found {witness.rfc3161!r}, expected an http or https address")


def _check_limits(path: Path, lab: LabFile) -> None:
    """Limits of error are a part of the reading, in percent."""
    for name, section in lab.meters.items():
        if section.limits_percent > LARGEST_LIMIT_PERCENT:
            raise ConfigError(
                f"{path}: meters.{name}.limits_percent: found {section.limits_percent:g}, expected at most "
                f"{LARGEST_LIMIT_PERCENT:g} (percent of the reading; 2.0 means that 100 W may be 98 to 102 W)"
            )


def _check_register(path: Path, lab: LabFile) -> None:
    """What needs an instrument register is no use without one."""
    if lab.lab.instruments:
        return
    asked = {
        "lab.expired_instrument": lab.lab.expired_instrument == "refuse",
        "lab.check_load_days": lab.lab.check_load_days > 0,
        "lab.certify_declared": lab.lab.certify_declared,
        **{f"meters.{name}.instrument": bool(section.instrument) for name, section in lab.meters.items()},
    }
    for key, is_set in asked.items():
        if is_set:
            raise ConfigError(f"{path}: {key}: needs the instrument register; name its file in lab.instruments")


def _check_passwords(path: Path, lab: LabFile, staged: Set[Path]) -> None:
    """A password is named where a meter asks for one, and stands in no file that is kept with a run."""
    runs = (path.parent / Path(lab.campaign.runs_folder).expanduser()).resolve()
    for name, section in lab.meters.items():
        where, named = f"{path}: meters.{name}", section.password_file or section.password_env
        if "@" in section.port.partition("://")[2]:
            raise ConfigError(
                f"{where}.port: found a login in it, and this file is kept with every run; take it out, and name a "
                "password_file"
            )
        if section.password_file and section.password_env:
            raise ConfigError(f"{where}: found password_file and password_env, expected one of them")
        if section.user and not named:
            raise ConfigError(f"{where}.user: needs a password; name a password_file or password_env")
        if not (section.user.isascii() and section.user.isprintable()) or ":" in section.user:
            raise ConfigError(f"{where}.user: found {section.user!r}, expected plain characters and no colon")
        if named and not section.port.startswith(("http://", "https://")):
            raise ConfigError(
                f"{where}: only a meter at http:// or https:// asks for a password; found {section.port!r}"
            )
        file = (path.parent / Path(section.password_file).expanduser()).resolve()
        if section.password_file and file.is_relative_to(runs):
            raise ConfigError(f"{where}.password_file: {file} lies where the runs are kept; put it elsewhere")
        if section.password_file and file in staged:
            raise ConfigError(f"{where}.password_file: {file} is copied to the SUT and kept with every run; move it")


def _scenario(path: Path, name: str, section: ScenarioSection) -> Scenario:
    where = f"{path}: scenarios.{name}"
    if bool(section.folder) == bool(section.command):
        raise ConfigError(f"{where}: needs either `folder` (with a scenario.toml) or `command` (a list), not both")
    if section.folder:
        return _from_folder(path, name, section, None)
    for index, file in enumerate(section.files):
        _existing(where, f"files[{index}]", path.parent / file)
    made = Scenario(
        name=name,
        title=name,
        description="a command of the operator's own",
        kind="scenario",
        command=tuple(section.command),
        files=tuple(path.parent / file for file in section.files),
        actions=(),
        artifacts=tuple(section.artifacts),
        parameters=section.parameters,
        verification={},
        repetitions=section.repetitions,
        duration_s=None,
        max_duration_s=section.max_duration_s,
        source=dump(asdict(section)).encode(),
    )
    return _tracked(where, made, section, inside=False)


def _from_folder(path: Path, name: str, section: ScenarioSection, duration_s: float | None) -> Scenario:
    where = f"{path}: scenarios.{name}"
    candidates = [root / section.folder for root in (path.parent, APPLICATION)]
    folder = next((folder for folder in candidates if (folder / "scenario.toml").is_file()), None)
    if folder is None:
        raise ConfigError(f"{where}.folder: no scenario.toml in {' or '.join(map(str, candidates))}")
    toml = folder / "scenario.toml"
    source, raw = _read_toml(toml, "a scenario is a folder with a scenario.toml and its program")
    _check_schema(toml, raw)
    written = _record(ScenarioFile, raw, str(toml), "")
    if (written.kind == "baseline") != (not written.command):
        raise ConfigError(f"{toml}: command: a scenario needs one, a baseline has none (kind is {written.kind!r})")
    if (written.kind == "baseline") != (duration_s is not None):
        raise ConfigError(f"{where}: {toml} is of kind {written.kind!r}; a baseline is set in the table [baseline]")
    for key, expectation in written.verification.items():
        _check_expectation(f"{toml}: verification.{key}", expectation)
    for extra in ("files", "artifacts"):
        if getattr(section, extra):
            raise ConfigError(f"{where}.{extra}: only beside `command`; with `folder` they stand in {toml}")
    made = Scenario(
        name=name,
        title=written.title,
        description=written.description,
        kind=written.kind,
        command=tuple(written.command),
        files=tuple(_existing(str(toml), f"files[{i}]", folder / file) for i, file in enumerate(written.files)),
        actions=tuple(written.actions),
        artifacts=tuple(written.artifacts),
        parameters=_override(f"{where}.parameters", written.parameters, section.parameters, toml),
        verification=written.verification,
        repetitions=section.repetitions,
        duration_s=duration_s,
        max_duration_s=section.max_duration_s,
        source=source,
    )
    return _tracked(where, made, section, inside=written.trackers_inside)


def _check_untracked(where: str, baseline: object) -> None:
    """A baseline has no process that a tracker could be wrapped around (method.md section 9)."""
    for key in ("trackers", "tracker_periods_s"):
        if isinstance(baseline, dict) and key in baseline:
            raise ConfigError(
                f"{where}.{key}: a baseline cannot be tracked: nothing runs in it that a tracker could be wrapped "
                "around; remove the line, and name the trackers in a table [scenarios.NAME]"
            )


def _tracked(where: str, made: Scenario, section: ScenarioSection, *, inside: bool) -> Scenario:
    """The scenario with its trackers: their files beside the program, what they leave behind among the artifacts, and
    around.py before a command that does not run them itself."""
    names, periods_s = section.trackers, section.tracker_periods_s
    for name in (*names, *periods_s):
        if name not in TRACKERS:
            raise ConfigError(f"{where}.trackers: found {name!r}, expected a tracker: {', '.join(TRACKERS)}")
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{where}.trackers: {name!r} stands there twice; once is enough")
    for name, period_s in periods_s.items():
        if name not in names:
            raise ConfigError(f"{where}.tracker_periods_s.{name}: not among the trackers; add it there or remove this")
        if period_s <= 0:
            raise ConfigError(f"{where}.tracker_periods_s.{name}: found {period_s!r}, expected seconds above 0")
    _check_staged(where, made.files)
    if not names:
        return made
    modules = ["tracking", *([] if inside else ["around"])]
    modules += [module for name in names for module in (TRACKERS[name].module, *TRACKERS[name].helpers)]
    shipped = {path.resolve().name: path.resolve() for path in (_TRACKER_FILES / f"{name}.py" for name in modules)}
    for path in made.files:
        if shipped.setdefault(path.name, path.resolve()) != path.resolve():
            raise ConfigError(f"{where}.files: {path.name} is the name of a file of the trackers; give it another name")
    return replace(
        made,
        command=made.command if inside else ("{python}", "around.py", "--", *made.command),
        files=(*made.files, *(path for path in shipped.values() if path not in map(Path.resolve, made.files))),
        artifacts=(*made.artifacts, *(file for name in names for file in (f"tracker-{name}.json", TRACKERS[name].raw))),
        trackers=tuple(names),
        tracker_periods_s={name: float(periods_s.get(name, TRACKERS[name].period_s)) for name in names},
    )


def _check_expectation(where: str, expectation: object) -> None:
    """One line of [verification]: a value, a band, `same`, or a product (docs/run-folder.md)."""
    if not isinstance(expectation, dict):
        return
    forms = ({"min", "max"}, {"same"}, {"product"})
    band = [expectation[key] for key in ("min", "max") if key in expectation]
    product = expectation.get("product", ["x"])
    known = bool(expectation) and any(set(expectation) <= form for form in forms)
    if not known or not all(matches(value, float) for value in band) or not matches(product, list[str]) or not product:
        raise ConfigError(
            f"{where}: found {expectation!r}, expected a value, {{ min = 0.2, max = 1.0 }}, {{ same = true }} or "
            '{ product = ["one", "other"] }'
        )
    if "same" in expectation and expectation["same"] is not True:
        raise ConfigError(f"{where}.same: found {expectation['same']!r}, expected true; remove the line otherwise")


def _override(where: str, defaults: Json, given: Json, toml: Path) -> Json:
    for key, value in given.items():
        if key not in defaults:
            raise ConfigError(f"{where}.{key}: unknown parameter; {toml} knows {', '.join(sorted(defaults)) or 'none'}")
        expected: type = float if isinstance(defaults[key], float) else type(defaults[key])
        if not matches(value, expected):
            raise ConfigError(f"{where}.{key}: found {value!r}, expected {expected.__name__} like {defaults[key]!r}")
    return defaults | given


def _read_toml(path: Path, remedy: str) -> tuple[bytes, Json]:
    try:
        source = path.read_bytes()
        return source, tomllib.loads(source.decode())
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; {remedy}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: found a folder, expected a TOML file; {remedy}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except RecursionError:
        raise ConfigError(f"{path}: not TOML that can be read: its tables lie too deep in one another") from None
    except ValueError as error:  # TOMLDecodeError too; a name with NUL; a number of more than 4300 digits
        raise ConfigError(f"{path}: not TOML: {error}") from None


def _check_schema(path: Path, raw: Json) -> None:
    version = raw.get("schema")
    if type(version) is not int or version < 1:
        raise ConfigError(f"{path}: schema: found {version!r}, expected the integer {SCHEMA} on the first line")
    if version > SCHEMA:
        raise ConfigError(f"{path}: schema {version} is newer than this wattlab knows ({SCHEMA}); update wattlab")


def _check_staged(where: str, files: Sequence[Path]) -> None:
    """Files of one name would lie in one place of the work folder, and `markers.py` is put there by wattlab."""
    names: dict[str, Path] = {}
    for path in files:
        if path.name == MARKERS.name and path.read_bytes() != MARKERS.read_bytes():
            raise ConfigError(f"{where}.files: {path.name} is copied by wattlab itself; leave it out, or rename yours")
        if names.setdefault(path.name, path).resolve() != path.resolve():
            raise ConfigError(
                f"{where}.files: {names[path.name]} and {path} have one name, and the SUT gets them into one folder; "
                "rename one"
            )


def _check_name(where: str, name: str) -> None:
    if not name or set(name) - NAME_CHARACTERS or name.startswith("."):
        raise ConfigError(f"{where}: {name!r} becomes a folder's name: use letters, digits, '-', '_' and '.'")


def _existing(where: str, key: str, file: Path) -> Path:
    if not file.is_file():
        raise ConfigError(f"{where}: {key}: {file} is no file")
    return file


def _record(cls: type[Record], raw: Mapping[str, Any], file: str, path: str) -> Record:
    """A dataclass from a TOML table; nested dataclasses and tables of dataclasses are followed."""
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cast(Any, cls))}
    for key in raw:
        if key not in known:
            raise ConfigError(f"{file}: {path}{key}: unknown key; expected one of {', '.join(known)}")
    values: dict[str, Any] = {}
    for name, spec in known.items():
        if name in raw:
            values[name] = _value(hints[name], raw[name], file, path + name, spec.metadata.get("minimum"))
        elif spec.default is MISSING and spec.default_factory is MISSING:
            raise ConfigError(f"{file}: {path}{name}: missing; it has no default because it decides what is measured")
    return cls(**values)


def _value(hint: Any, value: Any, file: str, path: str, minimum: float | None) -> Any:  # noqa: ANN401
    if get_origin(hint) is types.UnionType and any(is_dataclass(part) for part in get_args(hint)):
        hint = next(part for part in get_args(hint) if is_dataclass(part))  # TOML has no null: a record or nothing
    if is_dataclass(hint):
        if not isinstance(value, dict):
            raise ConfigError(f"{file}: {path}: found {value!r}, expected a table [{path}]")
        return _record(cast(type[Any], hint), value, file, path + ".")
    if get_origin(hint) is dict and is_dataclass(item := get_args(hint)[1]):
        if not isinstance(value, dict):
            raise ConfigError(f"{file}: {path}: found {value!r}, expected tables [{path}.NAME]")
        return {key: _value(item, table, file, f"{path}.{key}", None) for key, table in value.items()}
    if get_origin(hint) is list and is_dataclass(item := get_args(hint)[0]):
        if not isinstance(value, list):
            raise ConfigError(f"{file}: {path}: found {value!r}, expected tables [[{path}]]")
        return [_value(item, table, file, f"{path}[{index}]", None) for index, table in enumerate(value)]
    if not matches(value, hint):
        raise ConfigError(f"{file}: {path}: found {value!r}, expected {_words(hint)}")
    # TOML knows nan and inf; neither is a decision.
    if not _is_finite(value):
        raise ConfigError(f"{file}: {path}: found {value!r}, expected a finite number")
    if minimum is not None and value < minimum:
        raise ConfigError(f"{file}: {path}: found {value!r}, expected at least {minimum:g}")
    return value


def _is_finite(value: object) -> bool:
    """No nan and no infinity, nor anywhere in a table or list."""
    if isinstance(value, dict | list):
        return all(map(_is_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or abs(value) < float("inf")


def _words(hint: Any) -> str:  # noqa: ANN401
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(describe(part) for part in get_args(hint))
    words = {str: "text in quotes", int: "a whole number", float: "a number", date: "a date without quotes: 2026-11-21"}
    return words.get(hint, describe(hint))
