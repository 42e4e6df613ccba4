"""What stands in a room and whom it belongs to: the tables [lab], [sut] or [suts.NAME], [meters], [supply], [ambient],
[seal] and [witness] of lab.toml.

Knows these tables and their defaults. Knows nothing of what is asked of the room, and no hardware: whether a port
exists is preflight's business.
"""

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

APPLICATION = Path(__file__).resolve().parents[2]
"""The folder that holds harness/, workloads/ and templates/."""
TEMPLATE = APPLICATION / "templates" / "lab.toml"
"""What `wattlab init` writes: a lab of one's own, with every key explained."""
EMBEDDED = "embedded"
"""As `sut.host` or a meter's `port`: wattlab starts its own sshd on loopback, its own emulator on a pty."""
LOCAL = "local"
"""As `sut.host`: this machine is the SUT, and its agent is started without SSH."""
PREPARED_PYTHON = "wattlab-sut/venv/bin/python"
"""What `wattlab sut prepare` makes on a SUT, below the login's home."""
SUT_CIRCUIT = "sut-ac-inlet"
"""The circuit of a meter of which nothing else is said: what stands before the SUT's plug."""
SSH_ADDRESS = re.compile(
    r"([A-Za-z0-9_][A-Za-z0-9_.-]*)@([A-Za-z0-9][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?"
)
"""user, host (an IPv6 address in brackets), port."""
BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?)\](?::([0-9]{1,5}))?")
"""An IPv6 address, with its zone if it has one, and a port."""


def at_least(minimum: float, maximum: float = math.inf) -> dict[str, float]:
    """Limits of a field, for `harness.record.codec`."""
    return {"minimum": minimum, "maximum": maximum}


def absolute(folder: Path, text: str) -> Path:
    """A path that is named relative to a folder; as it is written where it can be none, which is a mistake of its own
    (the home of nobody, NUL)."""
    try:
        return (folder / Path(text).expanduser()).resolve()
    except (RuntimeError, ValueError):
        return folder / text


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """Who measures, where, for whom: printed in the report."""

    name: str = ""
    """What the report calls the laboratory."""
    place: str = ""
    """Where it is; an audit report states it."""
    operator: str = ""
    """Who measures; an audit report states it."""
    customer: str = ""
    """For whom; an audit report states it."""
    instruments: str = ""
    """The instrument register, relative to lab.toml (`harness.station.register`); empty: the lab keeps none."""
    expired_instrument: Literal["refuse", "label"] = "label"
    """A meter without a valid certificate: no start, or a finding in the report."""
    check_load_days: int = field(default=0, metadata=at_least(0))
    """How old (days) the last passed check load of a meter may be; 0: none is demanded."""
    certify_declared: bool = False
    """The lab certifies results of meters that are known by a person's declaration in the register alone."""
    photos: list[str] = field(default_factory=list)
    """Photographs of the set-up (PNG, JPEG), relative to lab.toml: attached to the campaign, shown to the auditor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SutSection:
    """How to reach the system under test and how it samples itself. `python` and `folder` are paths there; a relative
    one begins at the login's home. Of several machines each has a table `[suts.NAME]` instead."""

    host: str
    """Its name, its address, or a `Host` of ~/.ssh/config; `[::1]:2222` is an IPv6 address with its port; `local`: this
    machine, without SSH; `embedded`: an sshd that wattlab starts on this machine."""
    port: int | None = field(default=None, metadata=at_least(1, 65535))
    """None: that of ~/.ssh/config, else 22."""
    user: str = ""
    """Empty: that of ~/.ssh/config, else the one who runs wattlab."""
    key_file: str | None = None
    """None: those of ~/.ssh/config, of the ssh-agent and the usual files; empty: those of the ssh-agent alone."""
    known_hosts: str | None = None
    """None: those of ~/.ssh/config, else ~/.ssh/known_hosts."""
    ssh_config: str = "~/.ssh/config"
    """Read as ssh(1) reads it, with the system's behind it; empty: neither is read."""
    python: str = ""
    """Empty: the one that `wattlab sut prepare` makes; of a `local` SUT wattlab's own."""
    pythons: dict[str, str] = field(default_factory=dict)
    """Python environment (`jax`, `torch`, `sklearn`) -> an interpreter of yours in place of the one that `wattlab sut
    prepare` makes, such as one whose JAX has CUDA."""
    folder: str = "wattlab-sut"
    """wattlab's folder there."""
    sample_period_s: float = field(default=1.0, metadata=at_least(0.01, 60))
    """Between two samples of the hardware indicators."""
    reconnect_s: float = field(default=60.0, metadata=at_least(1))
    """A broken link shorter than this costs no data; a longer one ends the run."""
    circuits: list[str] = field(default_factory=lambda: [SUT_CIRCUIT])
    """What feeds it: its power is the sum over these of the first meter on each. A second meter on one is a
    cross-check."""
    psu_efficiency_percent: float = field(default=0.0, metadata=at_least(0))
    """Efficiency of its power supply (DC out / AC in) as its certificate or data sheet states it; 0: not known."""
    psu_efficiency_limit_percent: float = field(default=0.0, metadata=at_least(0))
    """Limit of error of that efficiency, in percentage points."""
    qualification: str = ""
    """Instead of a meter: the folder of the campaign that qualified this machine's software meters, or of a copy of its
    certificate, relative to lab.toml. Every energy is then estimated, with U, and never certifiable."""
    software_meter: str = ""
    """Which software meter of that certificate estimates; needed where it has several that can."""
    qualification_key: str = ""
    """The public key of whoever signed that campaign, relative to lab.toml: the certificate has to be signed with it.
    Needed for a certificate that lies without its campaign."""
    description: dict[str, str] = field(default_factory=dict)
    """What the machine cannot say of itself, such as `psu`: printed in the report."""

    @property
    def table(self) -> str:
        """Its table in lab.toml, as messages name it."""
        return "sut"

    @property
    def endpoint(self) -> tuple[str, int | None]:
        """Host and port as they are written, an IPv6 address without brackets."""
        if (found := BRACKETED.fullmatch(self.host)) is None:
            return self.host, self.port
        return found[1], self.port or (int(found[2]) if found[2] else None)

    @property
    def is_local(self) -> bool:
        """Whether this machine is the SUT, without SSH."""
        return self.host == LOCAL

    @property
    def address(self) -> str:
        """user@host:port, of these what lab.toml says; as errors call it."""
        if self.is_local:
            return "this machine"
        host, port = self.endpoint
        shown = f"[{host}]" if ":" in host and port else host
        return (f"{self.user}@" if self.user else "") + shown + (f":{port}" if port else "")

    @property
    def interpreter(self) -> str:
        """The Python of agent and programs: the one that is named, or the default."""
        return self.python or (sys.executable if self.is_local else PREPARED_PYTHON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """The nominal mains the SUT is fed from: the `supply` findings are about the distance from it."""

    voltage_v: float = field(default=230.0, metadata=at_least(1))
    """Nominal voltage."""
    frequency_hz: float = field(default=50.0, metadata=at_least(1))
    """Nominal frequency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambient:
    """A thermometer of the room that the host reads from a file (1-wire, hwmon, IIO of Linux); no file: none.

    The temperature is the number in the file times `scale` plus `offset_c`.
    """

    file: str = ""
    """Of which the first word is a number."""
    scale: float = 0.001
    """The number times this, plus `offset_c`, is the temperature."""
    offset_c: float = 0.0
    """Added to the scaled number."""
    period_s: float = field(default=5.0, metadata=at_least(0.1))
    """Between two readings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SutTable(SutSection):
    """One of several SUTs: with what it is fed from and where it stands, in place of the lab's."""

    supply: Supply | None = None
    """Its own mains, in place of the lab's."""
    ambient: Ambient | None = None
    """Its own thermometer, in place of the lab's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSut(SutSection):
    """One of several SUTs, as a campaign measures it: it knows its name."""

    name: str

    @property
    def table(self) -> str:
        """[suts.NAME]."""
        return f"suts.{self.name}"


OPEN_PASSWORDS: Mapping[str, str] = {
    "community": "the community is the meter's password: write it into a file, and name that as password_file",
    "password": "a run keeps lab.toml: write the password into a file, and name that as password_file",
    "token": "the token is the meter's password: write it into a file, and name that as password_file",
}
"""What stands for a key that would show a password."""
IN_OPTIONS = "what is an option of the driver stands in `options = { NAME = VALUE }`"
"""For every key that the table of a meter has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSection:
    """One meter: driver, port, the circuit it sits in, the driver's own options, and how it lets the lab in.

    The password itself stands in no file that a run keeps.
    """

    driver: str
    """Its kind; `wattlab meter drivers` lists them."""
    port: str
    """`/dev/serial/by-id/...`, `http://ADDRESS`, `snmp://ADDRESS`, `ipmi://ADDRESS`, `mqtt://ADDRESS`,
    `socket://ADDRESS:PORT`; `embedded`: an emulator that wattlab starts."""
    circuit: str = SUT_CIRCUIT
    """What it measures, by any name; those of the SUT stand in `sut.circuits`. A meter on another circuit is
    recorded and reported beside: with its own energy, and no part of the SUT's."""
    sut: str = ""
    """Which of several SUTs it feeds; needed where its circuit does not say it (`harness.station.suts`)."""
    options: dict[str, Any] = field(default_factory=dict, metadata={"others": IN_OPTIONS})
    """Options of the driver; `wattlab meter drivers NAME` lists them."""
    instrument: str = ""
    """Its name in the instrument register; needed where the meter cannot say its serial number, and for a key or a
    declaration that stands there."""
    limits_percent: float = field(default=0.0, metadata=at_least(0))
    """Limits of error of its power, in % of the reading, as the lab states them: in place of the driver's; 0: none."""
    user: str = ""
    """Its login, where it is not the one its kind always has; SNMP v3 needs one."""
    password_file: str = field(default="", metadata={"in_place_of": OPEN_PASSWORDS})
    """File whose only line is its password, relative to lab.toml; no run keeps it."""
    password_env: str = ""
    """Or the environment variable that holds the password."""
    privacy_password_file: str = ""
    """SNMP v3: file with the password that messages are sealed by, where it is not the same one."""
    privacy_password_env: str = ""
    """Or the environment variable that holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """With which OpenSSH key every run's seal is signed when it is made (its `.pub` for an agent or a token); empty:
    none. A key that the operator can use proves the key, not the time."""

    key: str = ""
    """The private key's file, or its `.pub` where an agent or a token has the private half; relative to lab.toml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """Who is told at once what was begun and sealed, and says when (docs/evidence.md): an account of somebody else by
    SSH (`user@host` or `user@host:port`), an RFC 3161 authority by its URL. Empty: nobody."""

    ssh: str = ""
    """The witness's account: `user@host` or `user@host:port`."""
    key_file: str = "~/.ssh/id_ed25519"
    """Private key of that login."""
    known_hosts: str = "~/.ssh/known_hosts"
    """File with the witness's host key."""
    rfc3161: str = ""
    """URL of a time-stamping authority."""


@dataclass(frozen=True, slots=True)
class Station:
    """Lab, meters and who else knows, and the file that says so."""

    path: Path
    lab: Lab
    meters: Mapping[str, MeterSection]
    seal: Seal
    witness: Witness

    def file_of(self, text: str) -> Path:
        """A file that lab.toml names, absolute."""
        return absolute(self.path.parent, text)

    @property
    def register_path(self) -> Path | None:
        """The instrument register; None where the lab keeps none."""
        named = self.lab.instruments
        return self.path.parent / Path(named).expanduser() if named else None

    @property
    def seal_key(self) -> Path | None:
        """The key that signs every seal; None where none is named."""
        named = self.seal.key
        return self.path.parent / Path(named).expanduser() if named else None
