"""The instrument register: which meters the lab has, their certificates, the check loads they were tried with, by which
key or by whose declaration one on a network is known.

Knows the form of `instruments.toml` and of `check-loads.jsonl` beside it, how the instrument that answers is found in
the register, and what of it stands in a run's descriptor (`calibration`, docs/instruments.md). Knows no wire, no run
folder, and makes no correction: what a certificate means for an energy is the analysis's business.

instruments.toml schema history
  1  2026-11-21  first version
"""

import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from math import isfinite, sqrt
from pathlib import Path
from typing import Literal, TypeAlias, get_type_hints
from urllib.parse import urlsplit

from harness.record.codec import read_records
from harness.record.documents import Json, describe, dump, load_object, matches
from harness.record.errors import ConfigError, DocumentError, LabError, why
from harness.station.config import NAME_CHARACTERS, LabConfig, MeterSection
from meters.access import Declaration, Pin
from meters.certificates import count_in, read_fingerprint
from meters.reading import Accuracy, Description, Identity, Origin
from meters.transport import TLS_SCHEMES

HISTORY = "check-loads.jsonl"
WRONG_RATIOS: Mapping[str, float] = {
    "20": 20.0, "10": 10.0, "2": 2.0, "1/2": 1 / 2, "1/10": 1 / 10, "1/20": 1 / 20,
    "3": 3.0, "1/3": 1 / 3, "-1": -1.0,
}  # fmt: skip
"""Measured over expected, where a transformer ratio is set wrong, three phases are counted as one, or a current sensor
is the wrong way round."""
STATED = "stated by the lab in lab.toml"
"""Where the limits of error of `[meters.NAME] limits_percent` come from."""
FIRMWARE_OPEN = ""
"""In the register: any firmware."""

Day: TypeAlias = date
Validity: TypeAlias = Literal["valid", "expired", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatePoint:
    """The error (indication minus true value) at one load and its expanded uncertainty U, each in W or in % of the
    load."""

    load_w: float = field(metadata={"minimum": 0.0})
    error_w: float | None = None
    error_percent: float | None = None
    U_w: float | None = None
    U_percent: float | None = None

    def to_json(self) -> Json:
        """The point in W."""
        return {
            "load_w": self.load_w,
            "error_w": self._in_w(self.error_w, self.error_percent),
            "U_w": self._in_w(self.U_w, self.U_percent),
        }

    def _in_w(self, watts: float | None, percent: float | None) -> float | None:
        return watts if percent is None else percent / 100 * self.load_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One calibration certificate; `k` is the coverage factor of every U in it."""

    number: str
    laboratory: str
    date: Day
    expires: Day
    k: float
    points: list[CertificatePoint]
    conditions: str = ""
    stability_percent_per_year: float | None = None
    """How far the meter may have drifted since, in % of the reading per year, as its maker or its history says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a person answers for: this instrument is at this address of the lab's network, reached by this link."""

    by: str
    on: Day
    address: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A meter of the lab. An empty `serial` is that of a meter that has none; an empty `firmware` means any.

    `tls_*`: by which key it is known on a network; `tls_ca_file` (PEM, relative to the register) holds who issued its
    certificate.
    """

    maker: str
    model: str
    serial: str = ""
    firmware: str = FIRMWARE_OPEN
    ranges: list[str] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    tls_sha256: str = ""
    tls_public_key_sha256: str = ""
    tls_ca_file: str = ""
    declared: Declared | None = None

    @property
    def is_pinned(self) -> bool:
        """Whether it is known by a key."""
        return bool(self.tls_sha256 or self.tls_public_key_sha256 or self.tls_ca_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLoad:
    """A known constant load: what it draws (W), the expanded uncertainty of that (W), and who says so."""

    expected_w: float
    U_w: float = field(metadata={"minimum": 0.0})
    description: str = ""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterFile:
    """instruments.toml as written."""

    schema: int
    instruments: dict[str, Instrument]
    check_loads: dict[str, CheckLoad] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLoadRecord:
    """One line of check-loads.jsonl. `limit_w` is what load and meter allow together; `fits` names the wrong ratio that
    the reading fits, if it fits one; `meter_limit_w` is null where the meter states no limits of error."""

    utc: str
    check_load: str
    instrument: str | None
    meter: str
    identity: dict[str, str]
    origin: str
    operator: str
    expected_w: float
    U_expected_w: float
    measured_w: float
    U_measured_w: float
    meter_limit_w: float | None
    limit_w: float
    ratio: float | None
    passed: bool
    fits: str | None
    readings: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class Match:
    """The instrument of the register that answers at a port, how it was recognised, and what does not agree."""

    name: str
    instrument: Instrument
    by: Literal["serial", "name"]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Register:
    """The register of a lab, its verbatim bytes, the history beside it.

    `authorities`: instrument -> the content of its `tls_ca_file`.
    """

    path: Path
    file: RegisterFile
    source: bytes
    authorities: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def history_path(self) -> Path:
        """Where the check loads are written, line by line."""
        return self.path.with_name(HISTORY)

    def find(self, identity: Identity, named: str) -> Match | None:
        """The instrument that gives this identity: by its serial number, or, where it says none, the one `named` in
        lab.toml; None where the register has none.

        Raises:
            ConfigError: lab.toml names an instrument that the register does not have, or another one answers.
        """
        instruments = self.file.instruments
        if named and named not in instruments:
            raise ConfigError(f"{self.path}: no instrument {named!r}, it has {', '.join(instruments) or 'none'}")
        if not identity.serial:
            return _match(named, instruments[named], "name", identity, self.path) if named else None
        found = [name for name, one in instruments.items() if one.serial == identity.serial]
        if len(found) > 1:  # two makers may number alike
            found = [name for name in found if instruments[name].model == identity.model]
        if named and named not in found:
            raise ConfigError(
                f"{self.path}: instruments.{named} has serial {instruments[named].serial!r}, but the meter says "
                f"{identity.serial!r} ({identity.maker} {identity.model}); connect the right one, or correct lab.toml"
            )
        return _match(found[0], instruments[found[0]], "serial", identity, self.path) if found else None

    def inputs(self) -> dict[str, bytes]:
        """What a run keeps of the register: itself, its check loads so far, who issued the certificates of its
        instruments.

        Raises:
            LabError: the history cannot be read.
        """
        kept = {authority_file(name): content for name, content in self.authorities.items()}
        history = self._history()
        return {"instruments.toml": self.source, **({HISTORY: history} if history else {}), **kept}

    def pin(self, name: str) -> Pin | None:
        """By which key an instrument is known; None where it is by none."""
        one = self.file.instruments.get(name)
        if one is None or not one.is_pinned:
            return None
        authority = self.authorities.get(name, b"").decode()
        certificate, key = (read_fingerprint(text) or "" for text in (one.tls_sha256, one.tls_public_key_sha256))
        return Pin(name, certificate, key, authority)

    def declaration(self, name: str) -> Declaration | None:
        """What a person declares of an instrument; None where nobody does."""
        one = self.file.instruments.get(name)
        if one is None or one.declared is None:
            return None
        said = one.declared
        return Declaration(name, one.serial, said.address, said.link, said.by, said.on.isoformat())

    def calibration(self, identity: Identity, origin: Origin, named: str, utc: str) -> Json | None:
        """What a run's descriptor says of the meter's certificate at a moment; None for a meter that is not registered.

        The error and U at every point are in W; without a certificate its fields are null.
        """
        match = self.find(identity, named)
        if match is None:
            return None
        certificate = certificate_on(match.instrument, datetime.fromisoformat(utc).date())
        last = last_check_load(self.check_loads(), match.name, origin)
        return {"instrument": match.name, "matched_by": match.by, **_document(certificate), "check_load": last}

    def check_loads(self) -> list[CheckLoadRecord]:
        """Every check load so far, oldest first.

        Raises:
            DocumentError: a line that cannot be read, with its number.
        """
        lines = self._history().splitlines()
        return [_record(line, f"{self.history_path}:{number}") for number, line in enumerate(lines, 1)]

    def _history(self) -> bytes:
        try:
            return self.history_path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise LabError(f"{self.history_path}: cannot read ({why(error)})") from None

    def append(self, record: CheckLoadRecord) -> None:
        """Add a line to the history; nothing before it is touched.

        Raises:
            LabError: the disk refuses.
        """
        line = dump({name: getattr(record, name) for name in CheckLoadRecord.__slots__}) + "\n"
        try:
            file = os.open(self.history_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                if os.write(file, line.encode()) != len(line.encode()):
                    raise OSError(0, "the line was cut off")
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise LabError(f"{self.history_path}: cannot write ({error.strerror}); free the disk") from None


def load_register(config: LabConfig) -> Register | None:
    """The register that lab.toml names; None where it names none.

    Raises:
        ConfigError: with file, TOML path, what was found, what is expected.
    """
    path = config.register_path
    if path is None:
        return None
    file, source = read_records(RegisterFile, path, "lab.instruments names it; its form is in docs/instruments.md")
    for name, instrument in file.instruments.items():
        _check_instrument(f"{path}: instruments.{name}", name, instrument)
    _check_serials(path, file.instruments)
    for name, check_load in file.check_loads.items():
        if check_load.expected_w <= 0:
            raise ConfigError(
                f"{path}: check_loads.{name}.expected_w: found {check_load.expected_w!r}, expected watts above 0"
            )
    authorities = {
        name: _authority(path, name, one.tls_ca_file) for name, one in file.instruments.items() if one.tls_ca_file
    }
    register = Register(path, file, source, authorities)
    for meter, section in config.file.meters.items():
        if section.instrument and section.instrument not in file.instruments:
            raise ConfigError(
                f"{config.path}: meters.{meter}.instrument: {section.instrument!r} is not in {path}, "
                f"it has {', '.join(file.instruments) or 'none'}"
            )
        if section.instrument:
            _check_reached(f"{config.path}: meters.{meter}", section, file.instruments[section.instrument])
    return register


def authority_file(instrument: str) -> str:
    """The name, among the inputs of a run, of who issued an instrument's certificate."""
    return f"tls-ca-{instrument}.pem"


def certificate_on(instrument: Instrument, on: date) -> Certificate | None:
    """The certificate in force on a day: the latest that was issued by then, expired or not."""
    issued = [certificate for certificate in instrument.certificates if certificate.date <= on]
    return max(issued, key=lambda certificate: certificate.date, default=None)


def validity_on(certificate: Certificate | None, on: date) -> Validity:
    """Whether a certificate holds on a day; it does on the day it expires."""
    if certificate is None:
        return "missing"
    return "valid" if on <= certificate.expires else "expired"


def last_check_load(history: Sequence[CheckLoadRecord], instrument: str, origin: Origin) -> Json | None:
    """The newest check load of an instrument, short; None where there is none. One that was read from an emulator says
    nothing about an instrument."""
    mine = [record for record in history if record.instrument == instrument and record.origin == origin.kind]
    if not mine:
        return None
    names = ("utc", "check_load", "expected_w", "U_expected_w", "measured_w", "U_measured_w", "ratio", "passed")
    return {name: getattr(mine[-1], name) for name in names}


def is_fresh(check_load: Json | None, days: int, now: datetime) -> bool:
    """Whether the newest check load passed and is at most so many days old."""
    if check_load is None or not check_load["passed"]:
        return False
    return now - datetime.fromisoformat(str(check_load["utc"])) <= timedelta(days=days)


# --- check loads ---


def judge_check_load(
    *,
    name: str,
    load: CheckLoad,
    meter: str,
    match: Match | None,
    identity: Identity,
    origin: str,
    description: Description,
    powers_w: Sequence[float],
    duration_s: float,
    operator: str,
) -> CheckLoadRecord:
    """Compare the mean of readings of a check load with what it should draw.

    The mean may be away from the expected watts by U of the load + limits of error of the meter at that power + U of
    the mean itself (k = 2), added linearly: limits are no standard deviations.
    """
    measured_w = sum(powers_w) / len(powers_w)
    spread = sum((power - measured_w) ** 2 for power in powers_w) / max(len(powers_w) - 1, 1)
    own_w = 2.0 * sqrt(spread / len(powers_w))
    power = description.column("power_w")
    meter_w = None if power is None else power.limit(measured_w)
    beside_w = own_w + (meter_w or 0.0)
    passed = abs(measured_w - load.expected_w) <= load.U_w + beside_w
    ratio = measured_w / load.expected_w
    fits = [
        text
        for text, factor in WRONG_RATIOS.items()
        if abs(measured_w - factor * load.expected_w) <= abs(factor) * load.U_w + beside_w
    ]
    nearest = min(fits, key=lambda text: abs(WRONG_RATIOS[text] - ratio), default=None)
    who = {key: getattr(identity, key) for key in ("maker", "model", "serial", "firmware")}
    return CheckLoadRecord(
        utc=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        check_load=name,
        instrument=None if match is None else match.name,
        meter=meter,
        identity=who | {"driver": description.driver},
        origin=origin,
        operator=operator,
        expected_w=load.expected_w,
        U_expected_w=load.U_w,
        measured_w=measured_w,
        U_measured_w=own_w,
        meter_limit_w=meter_w,
        limit_w=load.U_w + beside_w,
        ratio=ratio if isfinite(ratio) else None,
        passed=passed,
        fits=None if passed else nearest,
        readings=len(powers_w),
        duration_s=duration_s,
    )


def stated(description: Description, limits_percent: float) -> Description:
    """A meter with the limits of error that the lab states of its power in lab.toml; 0: as its driver has them."""
    if not limits_percent:
        return description
    accuracy = Accuracy(limits_percent, 0.0, 0.0, STATED)
    columns = tuple(replace(c, accuracy=accuracy) if c.name == "power_w" else c for c in description.columns)
    return replace(description, columns=columns)


# --- reading the files ---


def _match(name: str, one: Instrument, by: Literal["serial", "name"], identity: Identity, path: Path) -> Match:
    if identity.asked and identity.model and one.model != identity.model:
        text = f"{path}: instruments.{name}.model is {one.model!r}, but the meter says {identity.model!r}"
        if by == "name":
            raise ConfigError(f"{text}; connect the right one, or correct the register")
        return Match(name, one, by, (f"{text}; correct the register", *_of_firmware(name, one, identity, path)))
    return Match(name, one, by, _of_firmware(name, one, identity, path))


def _of_firmware(name: str, one: Instrument, identity: Identity, path: Path) -> tuple[str, ...]:
    if not one.firmware or not identity.firmware or one.firmware == identity.firmware:
        return ()
    return (
        f"{path}: instruments.{name}.firmware is {one.firmware!r}, but the meter says {identity.firmware!r}; "
        "was it serviced since its calibration?",
    )


def _document(certificate: Certificate | None) -> Json:
    if certificate is None:
        names = ("number", "laboratory", "date", "expires", "k", "conditions", "stability_percent_per_year")
        return dict.fromkeys(names) | {"points": []}
    return {
        "number": certificate.number,
        "laboratory": certificate.laboratory,
        "date": certificate.date.isoformat(),
        "expires": certificate.expires.isoformat(),
        "k": certificate.k,
        "conditions": certificate.conditions,
        "stability_percent_per_year": certificate.stability_percent_per_year,
        "points": [point.to_json() for point in sorted(certificate.points, key=lambda point: point.load_w)],
    }


def _check_instrument(where: str, name: str, instrument: Instrument) -> None:
    _check_network(where, name, instrument)
    for index, certificate in enumerate(instrument.certificates):
        place = f"{where}.certificates[{index}]"
        for key in ("date", "expires"):
            if isinstance(value := getattr(certificate, key), datetime):
                raise ConfigError(f"{place}.{key}: found {value}, expected a date without a time: 2026-11-21")
        if certificate.expires < certificate.date:
            raise ConfigError(f"{place}.expires: {certificate.expires} is before its date {certificate.date}")
        if certificate.k <= 0:
            raise ConfigError(f"{place}.k: found {certificate.k!r}, expected a coverage factor above 0, mostly 2")
        if not certificate.points:
            raise ConfigError(f"{place}.points: none; copy load, error and U of each point of the certificate")
        for number, point in enumerate(certificate.points):
            _check_point(f"{place}.points[{number}]", point)


def _check_network(where: str, name: str, one: Instrument) -> None:
    """What is said of an instrument on a network."""
    for key in ("tls_sha256", "tls_public_key_sha256"):
        if (text := getattr(one, key)) and read_fingerprint(text) is None:
            raise ConfigError(
                f"{where}.{key}: found {text!r}, expected the SHA-256 as `wattlab meter read` shows it: 64 hexadecimal "
                "digits, with colons or without"
            )
    if one.tls_ca_file and set(name) - NAME_CHARACTERS:
        raise ConfigError(f"{where}: the name becomes that of a file: use letters, digits, '-', '_' and '.'")
    if one.declared is None:
        return
    empty = [key for key in ("by", "address", "link") if not getattr(one.declared, key).strip()]
    if empty:
        raise ConfigError(
            f"{where}.declared.{empty[0]}: found nothing, expected who declares it, where it is, by which link"
        )
    if not one.serial:
        raise ConfigError(f"{where}.declared: needs a serial number that the instrument says itself; add serial")
    try:
        plain = str(ipaddress.ip_address(one.declared.address))
    except ValueError:
        plain = "a fixed address, such as 192.168.1.50"
    if plain != one.declared.address:
        raise ConfigError(f"{where}.declared.address: found {one.declared.address!r}, expected {plain}")


def _check_reached(where: str, section: MeterSection, one: Instrument) -> None:
    """What the register says of an instrument on a network holds only where it is reached that way."""
    parts = urlsplit(section.port)
    if not parts.netloc:
        return
    if one.is_pinned and parts.scheme not in TLS_SCHEMES:
        secure = {"http": "https://", "socket": "socket+tls://"}.get(parts.scheme, "socket+tls:// or https://")
        raise ConfigError(
            f"{where}.port: found {section.port!r} for the instrument {section.instrument}, whose key the register "
            f"has; reach it by TLS ({secure}), or take the key out of the register"
        )
    if one.declared is not None and parts.hostname != one.declared.address:
        raise ConfigError(
            f"{where}.port: found {section.port!r}, but the instrument {section.instrument} was declared to be at "
            f"{one.declared.address}; correct the port, or have it declared anew"
        )


def _authority(path: Path, name: str, named: str) -> bytes:
    """The certificates of whom an instrument's own must be issued by."""
    where, file = f"{path}: instruments.{name}.tls_ca_file", path.parent / Path(named).expanduser()
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{where}: {file}: cannot read ({error.strerror}); name a file of certificates (PEM)"
        ) from None
    if not content.isascii() or not count_in(content.decode("ascii")):
        raise ConfigError(
            f"{where}: {file}: found no certificate, expected one or more in PEM (-----BEGIN CERTIFICATE)"
        )
    return content


def _check_point(where: str, point: CertificatePoint) -> None:
    for quantity in ("error", "U"):
        given = [value for unit in ("w", "percent") if (value := getattr(point, f"{quantity}_{unit}")) is not None]
        if len(given) != 1:
            raise ConfigError(f"{where}: needs either {quantity}_w or {quantity}_percent, found {len(given)} of them")
        if quantity == "U" and given[0] <= 0:
            raise ConfigError(f"{where}: U is {given[0]!r}, expected an expanded uncertainty above 0")


def _check_serials(path: Path, instruments: Mapping[str, Instrument]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for name, instrument in instruments.items():
        key = (instrument.model, instrument.serial)
        if instrument.serial and key in seen:
            raise ConfigError(
                f"{path}: instruments.{name}.serial: {instrument.serial!r} is also that of instruments.{seen[key]}"
            )
        seen[key] = name


def _record(line: bytes, where: str) -> CheckLoadRecord:
    raw = load_object(line, where)
    if raw.keys() != set(CheckLoadRecord.__slots__):
        wrong = sorted(raw.keys() ^ set(CheckLoadRecord.__slots__))
        raise DocumentError(f"{where}: no record of a check load ({', '.join(wrong)}); the file was edited")
    for key, hint in get_type_hints(CheckLoadRecord).items():
        if not matches(raw[key], hint):
            raise DocumentError(f"{where}: {key} is {raw[key]!r:.80}, expected {describe(hint)}; the file was edited")
    record = CheckLoadRecord(**raw)
    try:
        when = datetime.fromisoformat(record.utc)
    except ValueError:
        when = datetime.min
    if when.tzinfo is None:
        raise DocumentError(f"{where}: utc is {record.utc!r}, expected a moment with its zone; the file was edited")
    return record
