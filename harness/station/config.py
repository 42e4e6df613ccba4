"""lab.toml and scenario.toml -> frozen records. Every unknown key, wrong type and impossible value is a mistake that
begins with file and TOML path, and all of them are said at once.

Knows the files' schema and the defaults, which drivers there are and what may be set of each. Knows no hardware:
whether a port exists is preflight's business.

lab.toml schema history
  1  2026-11-21  first version
"""

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from harness.record.codec import Mistakes, of_schema, read_toml, record
from harness.record.documents import Json, Thresholds, dump, is_plain_name, matches
from harness.record.errors import ConfigError
from meters.meter import MeterOptionError
from meters.options import did_you_mean, read_options
from meters.registry import DRIVERS, no_driver
from workloads.trackers.tracking import TRACKERS

APPLICATION = Path(__file__).resolve().parents[2]
"""The folder that holds harness/, workloads/ and templates/."""
TEMPLATE = APPLICATION / "templates" / "lab.toml"
"""What `wattlab init` writes: a lab of one's own, with every key explained."""
EMBEDDED = "embedded"
"""As `sut.host` or a meter's `port`: wattlab starts its own sshd on loopback, its own emulator on a pty."""

LARGEST_LIMIT_PERCENT = 50.0
TWO_STAGE = "two-stage"
"""How `campaign.design` begins where the campaign may be extended after its first stage."""
BASELINE, SYNC = "baseline", "sync"
"""The scenarios of baseline blocks and of the sync pulse."""

_TRACKER_FILES = APPLICATION / "workloads" / "trackers"
MARKERS = APPLICATION / "workloads" / "markers.py"
"""Copied beside every program."""
SSH_ADDRESS = re.compile(
    r"([A-Za-z0-9_][A-Za-z0-9_.-]*)@([A-Za-z0-9][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?"
)
"""user, host (an IPv6 address in brackets), port."""
LONGEST_NAME = 100
"""Characters of a name; file systems take 255 bytes, and names of runs and files are made of it."""
NOT_OF_A_RUN = ("source", "packages", "prepared")
"""What of a scenario is not in its runs' start documents: their own lists say what was there."""
NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def _at_least(minimum: float, maximum: float = math.inf) -> dict[str, float]:
    return {"minimum": minimum, "maximum": maximum}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """Who measures, where, for whom: printed in the report."""

    name: str
    place: str = ""
    operator: str = ""
    customer: str = ""
    instruments: str = ""
    """The instrument register, relative to lab.toml (`harness.station.register`); empty: the lab keeps none."""
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
    """How to reach the system under test and how it samples itself. `python` and `folder` are paths there; a relative
    one begins at the login's home."""

    host: str
    port: int = field(default=22, metadata=_at_least(1, 65535))
    user: str = ""
    key_file: str = "~/.ssh/id_ed25519"
    """Empty: one of the keys that the ssh-agent holds."""
    known_hosts: str = "~/.ssh/known_hosts"
    python: str
    folder: str = "wattlab-sut"
    sample_period_s: float = field(default=1.0, metadata=_at_least(0.01, 60))
    reconnect_s: float = field(default=60.0, metadata=_at_least(1))
    circuits: list[str] = field(default_factory=lambda: ["sut-ac-inlet"])
    psu_efficiency_percent: float = field(default=0.0, metadata=_at_least(0))
    """Efficiency of its power supply (DC out / AC in) as its certificate or data sheet states it; 0: not known."""
    psu_efficiency_limit_percent: float = field(default=0.0, metadata=_at_least(0))
    """Limit of error of that efficiency, in percentage points."""
    description: dict[str, str] = field(default_factory=dict)

    @property
    def login(self) -> str:
        """The user there; where none is named, the one who runs wattlab."""
        return self.user or os.environ.get("USER", "root")

    @property
    def address(self) -> str:
        """user@host:port, as errors call it."""
        return f"{self.login}@{self.host}:{self.port}"

    @property
    def key_path(self) -> Path | None:
        """The key file; None: one of the keys that the ssh-agent holds."""
        return Path(self.key_file).expanduser() if self.key_file else None

    @property
    def known_hosts_path(self) -> Path:
        """The file of known host keys."""
        return Path(self.known_hosts).expanduser()


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
    packages: list[str] = field(default_factory=list)
    """Distributions of workloads/requirements.txt that the program imports: `wattlab sut prepare` installs them."""
    prepared: list[Literal["dataset", "weights"]] = field(default_factory=list)
    """What of WATTLAB_DATA the program reads: `wattlab sut prepare` brings it."""
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
    packages: tuple[str, ...] = ()
    prepared: tuple[str, ...] = ()

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
    scenarios = [_scenario(path, name, section, mistakes) for name, section in sections.items()]
    section = ScenarioSection(repetitions=lab.baseline.blocks, folder="workloads/baseline")
    baseline = _from_folder(path, BASELINE, section, lab.baseline.duration_s, mistakes)
    sync = _from_folder(path, SYNC, ScenarioSection(repetitions=1, folder="workloads/sync"), None, mistakes)
    staged = {file.resolve() for scenario in scenarios if scenario is not None for file in scenario.files}
    mistakes.extend(_of_staged_passwords(path, lab, staged))
    mistakes.raise_all(path)
    assert baseline is not None
    assert sync is not None
    return LabConfig(
        path=path.resolve(), file=lab, scenarios=tuple(made for made in scenarios if made is not None),
        baseline=baseline, sync=sync, source=source,
    )  # fmt: skip


def with_defaults(written: Json) -> Json:
    """A resolved configuration as this version resolves it: what is younger than it has its default.

    Raises:
        ConfigError: it holds what this version does not know.
    """
    mistakes = Mistakes()
    resolved = record(LabFile, written, "the campaign's log", "config.", mistakes)
    mistakes.raise_all("the campaign's log")
    return asdict(resolved)


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
    yield ["campaign.name"], _of_name(f"{path}: campaign.name", lab.campaign.name)
    yield [], _of_names(path, lab)
    yield [], _of_paths(path, lab)
    yield ["sut.circuits", *(f"meters.{name}.circuit" for name in lab.meters)], _of_circuits(path, lab)
    yield ["sut.circuits"], _of_doubles(f"{path}: sut.circuits", lab.sut.circuits)
    yield ["sut.psu_efficiency_percent", "sut.psu_efficiency_limit_percent"], _of_supply(path, lab.sut)
    yield from _of_register(path, lab)
    yield ["decision.scenario"], _of_decided(path, lab)
    yield ["decision.scenario", "decision.limit_wh"], _of_limit(path, lab.decision)
    yield ["witness.ssh", "witness.rfc3161"], _of_witness(path, lab.witness)
    for name, section in lab.meters.items():
        place = f"meters.{name}"
        yield [f"{place}.driver", f"{place}.options"], _of_driver(f"{path}: {place}", section)
        yield [f"{place}.port"], _of_port(f"{path}: {place}.port", section.port)
        yield [f"{place}.limits_percent"], _of_limits(f"{path}: {place}.limits_percent", section.limits_percent)
        own = [f"{place}.{key}" for key in ("port", "user", "password_file", "password_env")]
        yield (
            ["campaign.runs_folder", *own],
            _of_passwords(f"{path}: {place}", path, section, _file_of(path, lab.campaign.runs_folder)),
        )
    yield [f"meters.{name}.port" for name in lab.meters], _of_shared_lines(path, lab.meters)
    yield ["campaign.gate", "campaign.pause_s"], _of_gate(path, lab.campaign)
    yield ["campaign.settle"], _of_settle(path, lab.campaign.settle)
    yield ["campaign.design", "campaign.two_stage"], _of_stages(path, lab.campaign)
    repeated = [f"scenarios.{name}.repetitions" for name in lab.scenarios]
    yield ["campaign.design", "baseline.blocks", *repeated], _of_first_stage(path, lab)


def _of_names(path: Path, lab: LabFile) -> Iterator[str]:
    """Names that become folders, and that are not taken."""
    for table, names in (("meters", lab.meters), ("scenarios", lab.scenarios)):
        for name in names:
            yield from _of_name(f"{path}: {table}.{name}", name)
    if BASELINE in lab.scenarios:
        yield f"{path}: scenarios.{BASELINE}: the baseline is set in the table [baseline]; remove this one"
    if SYNC in lab.scenarios:
        yield f"{path}: scenarios.{SYNC}: the sync pulse is set by campaign.sync_pulse; give it another name"


def _of_name(where: str, name: str) -> Iterator[str]:
    if not name or set(name) - NAME_CHARACTERS or name.startswith(".") or len(name) > LONGEST_NAME:
        allowed = f"letters, digits, '-', '_' and '.', at most {LONGEST_NAME}"
        yield f"{where}: {name!r} becomes a folder's name: use {allowed}"


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


def _of_circuits(path: Path, lab: LabFile) -> Iterator[str]:
    """The SUT's power is a sum over circuits that are measured."""
    measured = {section.circuit for section in lab.meters.values()}
    for circuit in dict.fromkeys(lab.sut.circuits or [""]):
        if measured and circuit not in measured:
            yield (
                f"{path}: sut.circuits: no meter is on {circuit!r}, they are on {', '.join(sorted(measured))}; "
                "name the circuits whose sum is the SUT's power"
            )


def _of_doubles(where: str, names: Sequence[str]) -> Iterator[str]:
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"{where}: {name!r} stands there twice; once is enough"


def _of_supply(path: Path, sut: SutSection) -> Iterator[str]:
    """An efficiency is stated with its limit of error, and gives no more than it takes."""
    percent, limit = sut.psu_efficiency_percent, sut.psu_efficiency_limit_percent
    if bool(percent) != bool(limit):
        yield (
            f"{path}: sut.psu_efficiency_percent: found {percent:g} with psu_efficiency_limit_percent {limit:g}; the "
            "efficiency and its limit of error go together, such as 88.0 and 2.0; remove both where it is not known"
        )
    if percent > 100:
        yield f"{path}: sut.psu_efficiency_percent: found {percent:g}, expected at most 100"


def _of_register(path: Path, lab: LabFile) -> Iterator[tuple[Sequence[str], Iterator[str]]]:
    """What needs an instrument register is no use without one."""
    asked = {
        "lab.expired_instrument": lab.lab.expired_instrument == "refuse",
        "lab.check_load_days": lab.lab.check_load_days > 0,
        "lab.certify_declared": lab.lab.certify_declared,
        **{f"meters.{name}.instrument": bool(section.instrument) for name, section in lab.meters.items()},
    }
    for key, is_set in asked.items():
        if is_set and not lab.lab.instruments:
            said = f"{path}: {key}: needs the instrument register; name its file in lab.instruments"
            yield ["lab.instruments", key], iter([said])


def _of_passwords(where: str, path: Path, section: MeterSection, runs: Path) -> Iterator[str]:
    """A password is named where a meter asks for one, and stands in no file that is kept with a run."""
    named = section.password_file or section.password_env
    if "@" in section.port.partition("://")[2]:
        yield (
            f"{where}.port: found a login in it, and this file is kept with every run; take it out, and name a "
            "password_file"
        )
    if section.password_file and section.password_env:
        yield f"{where}: found password_file and password_env, expected one of them"
    if section.user and not named:
        yield f"{where}.user: needs a password; name a password_file or password_env"
    if not (section.user.isascii() and section.user.isprintable()) or ":" in section.user:
        yield f"{where}.user: found {section.user!r}, expected plain characters and no colon"
    if named and not section.port.startswith(("http://", "https://")):
        yield f"{where}: only a meter at http:// or https:// asks for a password; found {section.port!r}"
    if section.password_file and (file := _file_of(path, section.password_file)).is_relative_to(runs):
        yield f"{where}.password_file: {file} lies where the runs are kept; put it elsewhere"


def _of_staged_passwords(path: Path, lab: LabFile, staged: Set[Path]) -> Iterator[str]:
    """What is copied to the SUT is kept with every run."""
    for name, section in lab.meters.items():
        if section.password_file and (file := _file_of(path, section.password_file)) in staged:
            yield (f"{path}: meters.{name}.password_file: {file} is copied to the SUT and kept with every run; move it")


def _file_of(path: Path, text: str) -> Path:
    """A file that lab.toml names, absolute."""
    return (path.parent / Path(text).expanduser()).resolve()


def _of_decided(path: Path, lab: LabFile) -> Iterator[str]:
    """A limit is one for a scenario that is measured."""
    name = lab.decision.scenario
    if name and name not in lab.scenarios:
        yield f"{path}: decision.scenario: no scenario {name!r} here; {did_you_mean(name, lab.scenarios)}"


def _of_limit(path: Path, decision: Decision) -> Iterator[str]:
    if decision.scenario and not decision.limit_wh:
        yield f"{path}: decision.limit_wh: found {decision.limit_wh!r}, expected a limit above 0"


def _of_witness(path: Path, witness: Witness) -> Iterator[str]:
    """Addresses that ssh and an HTTP client take for addresses, not for options."""
    if witness.ssh and SSH_ADDRESS.fullmatch(witness.ssh) is None:
        yield f"{path}: witness.ssh: found {witness.ssh!r}, expected user@host or user@host:port"
    if witness.rfc3161 and not witness.rfc3161.startswith(("http://", "https://")):
        yield f"{path}: witness.rfc3161: found {witness.rfc3161!r}, expected an http or https address"


def _of_driver(where: str, section: MeterSection) -> Iterator[str]:
    """A driver that there is, and what it says of each of its options."""
    driver = DRIVERS.get(section.driver)
    if driver is None:
        wrong = no_driver(section.driver) if section.driver else "empty; `wattlab meter drivers` lists them"
        yield f"{where}.driver: {wrong}"
        return
    for key, value in section.options.items():
        try:
            read_options(section.driver, driver.options, {key: value})
        except MeterOptionError as error:
            yield f"{where}.options: {error}"


def _of_port(where: str, port: str) -> Iterator[str]:
    if not port:
        yield f"{where}: empty; `wattlab meter list --probe` says which meter answers at which port"


def _of_shared_lines(path: Path, meters: Mapping[str, MeterSection]) -> Iterator[str]:
    """A serial line or a USB device is held by one driver; what is on a network may answer several."""
    first: dict[str, str] = {}
    for name, section in meters.items():
        holder = first.setdefault(section.port, name)
        if holder != name and section.port.startswith("/"):
            yield f"{path}: meters.{name}.port: meters.{holder} holds {section.port} already; one of them is wrong"


def _of_limits(where: str, limits_percent: float) -> Iterator[str]:
    """Limits of error are a part of the reading, in percent."""
    if limits_percent > LARGEST_LIMIT_PERCENT:
        yield (
            f"{where}: found {limits_percent:g}, expected at most {LARGEST_LIMIT_PERCENT:g} (percent of the reading; "
            "2.0 means that 100 W may be 98 to 102 W)"
        )


def _of_gate(path: Path, campaign: Campaign) -> Iterator[str]:
    if campaign.gate.limit_s and campaign.pause_s:
        yield f"{path}: campaign.pause_s: the gate replaces the pause; set pause_s = 0 or gate.limit_s = 0"


def _of_settle(path: Path, settle: Settle) -> Iterator[str]:
    if settle.limit_s and settle.limit_s < 2 * settle.mean_s:
        least_s = 2 * settle.mean_s
        yield f"{path}: campaign.settle.limit_s: two means of settle.mean_s need at least {least_s:g} s"


def _of_stages(path: Path, campaign: Campaign) -> Iterator[str]:
    """A second stage is declared in the design, with its rule."""
    if campaign.design.startswith(TWO_STAGE) != bool(campaign.two_stage.half_width_percent):
        yield (
            f'{path}: campaign.design: a design that begins with "{TWO_STAGE}" needs two_stage.half_width_percent, '
            "and that needs such a design: what decides about more runs is declared before the first one"
        )
    if campaign.two_stage.share_percent >= 100:
        yield f"{path}: campaign.two_stage.share_percent: no plan keeps a promise always; below 100"


def _of_first_stage(path: Path, lab: LabFile) -> Iterator[str]:
    few = [f"scenarios.{name}.repetitions" for name, section in lab.scenarios.items() if section.repetitions < 2]
    few += ["baseline.blocks"] if lab.baseline.blocks < 2 else []
    if lab.campaign.design.startswith(TWO_STAGE) and few:
        yield f"{path}: {', '.join(few)}: the first stage shows no spread with one; at least 2"


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


# --- scenarios ---


def _scenario(path: Path, name: str, section: ScenarioSection, mistakes: Mistakes) -> Scenario | None:
    """The scenario that a table of lab.toml describes; None where something is wrong with it."""
    where, place = f"{path}: scenarios.{name}", f"scenarios.{name}"
    if mistakes.touch(path, f"{place}.folder", f"{place}.command"):
        return None
    if bool(section.folder) == bool(section.command):
        text = "needs either `folder` (with a scenario.toml) or `command` (a list), not both"
        mistakes.at(str(path), place, text)
        return None
    if section.folder:
        return _from_folder(path, name, section, None, mistakes)
    mistakes.extend(_of_words(f"{where}.command", section.command))
    mistakes.extend(_of_artifacts(f"{where}.artifacts", section.artifacts))
    files = [path.parent / file for file in section.files]
    mistakes.extend(_of_files(f"{where}: files", files))
    mistakes.extend(_of_program(f"{where}.command", section.command, [file.name for file in files]))
    made = Scenario(
        name=name,
        title=name,
        description="a command of the operator's own",
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
        source=dump(asdict(section)).encode(),
    )
    return _tracked(where, made, section, mistakes, inside=False)


def _from_folder(
    path: Path, name: str, section: ScenarioSection, duration_s: float | None, mistakes: Mistakes
) -> Scenario | None:
    where = f"{path}: scenarios.{name}"
    candidates = dict.fromkeys(Path(os.path.normpath(root / section.folder)) for root in (path.parent, APPLICATION))
    folder = next((folder for folder in candidates if _is_file(folder / "scenario.toml")), None)
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
    mistakes.extend(_of_scenario_file(toml, written, folder))
    if (written.kind == "baseline") != (duration_s is not None):
        text = f"{toml} is of kind {written.kind!r}; a baseline is set in the table [baseline]"
        mistakes.extend([f"{where}: {text}"])
    for extra in ("files", "artifacts"):
        if getattr(section, extra):
            mistakes.extend([f"{where}.{extra}: only beside `command`; with `folder` they stand in {toml}"])
    mistakes.extend(_of_parameters(f"{where}.parameters", written.parameters, section.parameters, toml))
    made = Scenario(
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
    )
    return _tracked(where, made, section, mistakes, inside=written.trackers_inside)


def _of_scenario_file(toml: Path, written: ScenarioFile, folder: Path) -> Iterator[str]:
    """What is wrong in a scenario.toml whatever lab.toml makes of it."""
    if (written.kind == "baseline") != (not written.command):
        yield f"{toml}: command: a scenario needs one, a baseline has none (kind is {written.kind!r})"
    yield from _of_words(f"{toml}: command", written.command)
    yield from _of_artifacts(f"{toml}: artifacts", written.artifacts)
    yield from _of_files(f"{toml}: files", [folder / file for file in written.files])
    for key, expectation in written.verification.items():
        yield from _of_expectation(f"{toml}: verification.{key}", expectation)


def _of_words(where: str, command: Sequence[str]) -> Iterator[str]:
    """A command that an operating system can start (execve(2) ends a word at NUL)."""
    if command and not command[0]:
        yield f"{where}: found an empty word for the program, expected its name or path"
    if any("\0" in word for word in command):
        yield f"{where}: found a NUL in a word, which no program can be given"


def _of_program(where: str, command: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """Python runs a program that is in the work folder, where nothing is but what `files` names."""
    program = command[1] if len(command) > 1 and command[0] == "{python}" else ""
    if program.endswith(".py") and "/" not in program and program not in names:
        yield f"{where}: {program} is not copied to the SUT; name it in `files`"


def _of_artifacts(where: str, names: Sequence[str]) -> Iterator[str]:
    """Artifacts are fetched from one folder, and nothing that leaves it."""
    for index, name in enumerate(names):
        if not is_plain_name(name):
            yield f"{where}[{index}]: found {name!r}, expected the name of a file in WATTLAB_ARTIFACTS, without folders"


def _of_files(where: str, files: Sequence[Path]) -> Iterator[str]:
    for index, file in enumerate(files):
        if not _is_file(file):
            yield f"{where}[{index}]: {file} is no file"


def _is_file(path: Path) -> bool:
    """Whether a name is that of a file; one that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _tracked(
    where: str, made: Scenario, section: ScenarioSection, mistakes: Mistakes, *, inside: bool
) -> Scenario | None:
    """The scenario with its trackers: their files beside the program, what they leave behind among the artifacts, and
    around.py before a command that does not run them itself."""
    names, periods_s = section.trackers, section.tracker_periods_s
    wrong = [*_of_trackers(where, names, periods_s), *_of_staged(where, made.files)]
    mistakes.extend(wrong)
    if wrong or not names:
        return None if wrong else made
    modules = ["tracking", *([] if inside else ["around"])]
    modules += [module for name in names for module in (TRACKERS[name].module, *TRACKERS[name].helpers)]
    shipped = {path.resolve().name: path.resolve() for path in (_TRACKER_FILES / f"{name}.py" for name in modules)}
    for path in made.files:
        if shipped.setdefault(path.name, path.resolve()) != path.resolve():
            text = f"{path.name} is the name of a file of the trackers; give it another name"
            mistakes.extend([f"{where}.files: {text}"])
    return replace(
        made,
        command=made.command if inside else ("{python}", "around.py", "--", *made.command),
        files=(*made.files, *(path for path in shipped.values() if path not in map(Path.resolve, made.files))),
        artifacts=(*made.artifacts, *(file for name in names for file in (f"tracker-{name}.json", TRACKERS[name].raw))),
        trackers=tuple(names),
        tracker_periods_s={name: float(periods_s.get(name, TRACKERS[name].period_s)) for name in names},
        packages=(*made.packages, *(package for name in names for package in TRACKERS[name].packages)),
    )


def _of_trackers(where: str, names: Sequence[str], periods_s: Mapping[str, float]) -> Iterator[str]:
    for name in dict.fromkeys((*names, *periods_s)):
        if name not in TRACKERS:
            yield f"{where}.trackers: no tracker {name!r}; {did_you_mean(name, TRACKERS)}"
    yield from _of_doubles(f"{where}.trackers", names)
    for name, period_s in periods_s.items():
        if name not in names:
            yield f"{where}.tracker_periods_s.{name}: not among the trackers; add it there or remove this"
        if period_s <= 0:
            yield f"{where}.tracker_periods_s.{name}: found {period_s!r}, expected seconds above 0"


def _of_staged(where: str, files: Sequence[Path]) -> Iterator[str]:
    """Files of one name would lie in one place of the work folder, and `markers.py` is put there by wattlab."""
    names: dict[str, Path] = {}
    for path in files:
        if path.name == MARKERS.name and _is_file(path) and path.read_bytes() != MARKERS.read_bytes():
            yield f"{where}.files: {path.name} is copied by wattlab itself; leave it out, or rename yours"
        if names.setdefault(path.name, path).resolve() != path.resolve():
            yield (
                f"{where}.files: {names[path.name]} and {path} have one name, and the SUT gets them into one folder; "
                "rename one"
            )


def _of_expectation(where: str, expectation: object) -> Iterator[str]:
    """One line of [verification]: a value, a band, `same`, or a product (docs/run-folder.md)."""
    if not isinstance(expectation, dict):
        return
    forms = ({"min", "max"}, {"same"}, {"product"})
    band = [expectation[key] for key in ("min", "max") if key in expectation]
    product = expectation.get("product", ["x"])
    known = bool(expectation) and any(set(expectation) <= form for form in forms)
    if not known or not all(matches(value, float) for value in band) or not matches(product, list[str]) or not product:
        yield (
            f"{where}: found {expectation!r}, expected a value, {{ min = 0.2, max = 1.0 }}, {{ same = true }} or "
            '{ product = ["one", "other"] }'
        )
    elif "same" in expectation and expectation["same"] is not True:
        yield f"{where}.same: found {expectation['same']!r}, expected true; remove the line otherwise"


def _of_parameters(where: str, defaults: Json, given: Json, toml: Path) -> Iterator[str]:
    for key, value in given.items():
        if key not in defaults:
            yield f"{where}.{key}: unknown parameter of {toml}; {did_you_mean(key, defaults)}"
            continue
        expected: type = float if isinstance(defaults[key], float) else type(defaults[key])
        if not matches(value, expected):
            yield f"{where}.{key}: found {value!r}, expected {expected.__name__} like {defaults[key]!r}"
