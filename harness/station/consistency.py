"""What contradicts itself in the station's part of lab.toml: each a sentence that begins with file and TOML path.

Knows the tables of `harness.station.station`, which drivers there are and what may be set of each. Knows no table of
the campaign.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path

from harness.station.station import BRACKETED, EMBEDDED, LOCAL, SSH_ADDRESS, MeterSection, Station, SutSection, Witness
from meters.meter import MeterOptionError
from meters.options import did_you_mean, read_options
from meters.registry import COUNTERS, KNOWN, no_driver, wrong_port

LARGEST_LIMIT_PERCENT = 50.0
LONGEST_NAME = 100
"""Characters of a name; file systems take 255 bytes, and names of runs and files are made of it."""
NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def of_name(where: str, name: str) -> Iterator[str]:
    """A name that can be that of a folder."""
    if not name or set(name) - NAME_CHARACTERS or name.startswith(".") or len(name) > LONGEST_NAME:
        allowed = f"letters, digits, '-', '_' and '.', at most {LONGEST_NAME}"
        yield f"{where}: {name!r} becomes a folder's name: use {allowed}"


def of_circuits(where: str, sut: SutSection, meters: Mapping[str, MeterSection]) -> Iterator[str]:
    """A SUT's power is a sum over circuits that are measured."""
    measured = {section.circuit for section in meters.values()}
    for circuit in dict.fromkeys(sut.circuits or [""]):
        if measured and circuit not in measured:
            yield (
                f"{where}.circuits: no meter is on {circuit!r}, they are on {', '.join(sorted(measured))}; "
                f"{_meant(circuit, measured)}name the circuits whose sum is the SUT's power"
            )


def _meant(circuit: str, measured: Set[str]) -> str:
    meant = did_you_mean(circuit, measured)
    return f"{meant} Or " if meant.startswith("did you") else ""


def of_doubles(where: str, names: Sequence[str]) -> Iterator[str]:
    """Names of which each is needed once."""
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"{where}: {name!r} stands there twice; once is enough"


def of_host(where: str, sut: SutSection) -> Iterator[str]:
    """A host is a name or an address; what belongs beside it stands there."""
    (host, port), table = sut.endpoint, where.rpartition(": ")[2]
    written = BRACKETED.fullmatch(sut.host)
    if written and written[2] and sut.port not in (None, int(written[2])):
        yield f"{where}.port: found {sut.port}, and {table}.host says {written[2]}; write one of them"
    if port is not None and not 0 < port < 1 << 16:
        yield f"{where}.host: found port {port}, expected one from 1 to 65535"
    if written is None and "@" in host:
        user, _, rest = host.rpartition("@")
        yield f'{where}.host: found {host!r}; write user = "{user}" and host = "{rest}"'
    elif written is None and (host.count(":") == 1 or host.startswith("[")):
        yield f"{where}.host: found {host!r}, expected a name or an address; a port stands in {table}.port"


def of_supply(where: str, sut: SutSection) -> Iterator[str]:
    """An efficiency is stated with its limit of error, and gives no more than it takes."""
    percent, limit = sut.psu_efficiency_percent, sut.psu_efficiency_limit_percent
    if bool(percent) != bool(limit):
        yield (
            f"{where}.psu_efficiency_percent: found {percent:g} with psu_efficiency_limit_percent {limit:g}; the "
            "efficiency and its limit of error go together, such as 88.0 and 2.0; remove both where it is not known"
        )
    if percent > 100:
        yield f"{where}.psu_efficiency_percent: found {percent:g}, expected at most 100"


def of_register(station: Station) -> Iterator[tuple[Sequence[str], Iterator[str]]]:
    """What needs an instrument register is no use without one."""
    asked = {
        "lab.expired_instrument": station.lab.expired_instrument == "refuse",
        "lab.check_load_days": station.lab.check_load_days > 0,
        "lab.certify_declared": station.lab.certify_declared,
        **{f"meters.{name}.instrument": bool(section.instrument) for name, section in station.meters.items()},
    }
    for key, is_set in asked.items():
        if is_set and not station.lab.instruments:
            sentence = f"{station.path}: {key}: needs the instrument register; name its file in lab.instruments"
            yield ["lab.instruments", key], iter([sentence])


def of_passwords(where: str, station: Station, section: MeterSection, runs: Path) -> Iterator[str]:
    """A password is named where a meter asks for one, and stands in no file that is kept with a run."""
    named = section.password_file or section.password_env
    privacy = section.privacy_password_file or section.privacy_password_env
    is_v3 = section.port.startswith("snmp://") and section.options.get("protocol") == "v3"
    if section.password_file and section.password_env:
        yield f"{where}: found password_file and password_env, expected one of them"
    if section.privacy_password_file and section.privacy_password_env:
        yield f"{where}: found privacy_password_file and privacy_password_env, expected one of them"
    if privacy and not (is_v3 and named):
        yield f'{where}: only a meter by SNMP v3 (options.protocol = "v3") has a password for privacy beside its own'
    if is_v3 and not section.user:
        yield f"{where}.user: found none, SNMP v3 asks in a user's name; give it"
    if section.user and not named and not is_v3:
        yield f"{where}.user: needs a password; name a password_file or password_env"
    if not (section.user.isascii() and section.user.isprintable()) or ":" in section.user:
        yield f"{where}.user: found {section.user!r}, expected plain characters and no colon"
    if named and not section.port.startswith(("http://", "https://", "snmp://", "ipmi://", "mqtt://", "mqtts://")):
        yield (
            f"{where}: only a meter at http://, https://, ipmi://, mqtt://, mqtts:// or snmp:// (its community) asks "
            f"for a password; found {section.port!r}"
        )
    for key, name in password_files(section).items():
        if (file := station.file_of(name)).is_relative_to(runs):
            yield f"{where}.{key}: {file} lies where the runs are kept; put it elsewhere"


def password_files(section: MeterSection) -> dict[str, str]:
    """The files with secrets that a meter's table names, by key."""
    files = {
        "password_file": section.password_file,
        "privacy_password_file": section.privacy_password_file,
    }
    return {key: name for key, name in files.items() if name}


def of_staged_passwords(station: Station, staged: Set[Path]) -> Iterator[str]:
    """What is copied to the SUT is kept with every run."""
    for name, section in station.meters.items():
        for key, file_name in password_files(section).items():
            if (file := station.file_of(file_name)) in staged:
                yield (
                    f"{station.path}: meters.{name}.{key}: {file} is copied to the SUT and kept with every run; move it"
                )


def of_witness(path: Path, witness: Witness) -> Iterator[str]:
    """Addresses that ssh and an HTTP client take for addresses, not for options."""
    if witness.ssh and SSH_ADDRESS.fullmatch(witness.ssh) is None:
        yield f"{path}: witness.ssh: found {witness.ssh!r}, expected user@host or user@host:port"
    if witness.rfc3161 and not witness.rfc3161.startswith(("http://", "https://")):
        yield f"{path}: witness.rfc3161: found {witness.rfc3161!r}, expected an http or https address"


def of_driver(where: str, section: MeterSection) -> Iterator[str]:
    """A driver that there is, and what it says of each of its options."""
    driver = KNOWN.get(section.driver)
    if driver is None:
        wrong = no_driver(section.driver) if section.driver else "empty; `wattlab meter drivers` lists them"
        yield f"{where}.driver: {wrong}"
        return
    for key, value in section.options.items():
        try:
            read_options(section.driver, driver.options, {key: value})
        except MeterOptionError as error:
            yield f"{where}.options: {error}"


def of_counters(where: str, section: MeterSection, sut: SutSection) -> Iterator[str]:
    """Software reads the counters of the machine that it runs on."""
    if section.driver in COUNTERS and sut.host not in (LOCAL, EMBEDDED):
        yield (
            f"{where}.driver: {section.driver} reads counters of this machine, and the SUT is another one; measure it "
            "with a power meter"
        )


def of_port(where: str, section: MeterSection) -> Iterator[str]:
    """A port that is named, and of a kind at which its driver can be opened."""
    port = section.port
    if not port:
        yield f"{where}: empty; `wattlab meter list --probe` says which meter answers at which port"
        return
    if port == EMBEDDED:
        return
    if section.driver in KNOWN and (wrong := wrong_port(section.driver, port)):
        yield f"{where}: {wrong}"


def of_shared_lines(path: Path, meters: Mapping[str, MeterSection]) -> Iterator[str]:
    """A serial line or a USB device is held by one driver; what is on a network may answer several."""
    first: dict[str, str] = {}
    for name, section in meters.items():
        holder = first.setdefault(section.port, name)
        if holder != name and section.port.startswith("/"):
            yield f"{path}: meters.{name}.port: meters.{holder} holds {section.port} already; one of them is wrong"


def of_limits(where: str, limits_percent: float) -> Iterator[str]:
    """Limits of error are a part of the reading, in percent."""
    if limits_percent > LARGEST_LIMIT_PERCENT:
        yield (
            f"{where}: found {limits_percent:g}, expected at most {LARGEST_LIMIT_PERCENT:g} (percent of the reading; "
            "2.0 means that 100 W may be 98 to 102 W)"
        )
