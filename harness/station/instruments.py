"""The instruments of a lab as instruments.toml has them: certificates, keys, declarations, check loads; which of it
cannot be right, and which certificate holds on a day.

Knows the form of the file. Knows no meter that answers (`harness.station.register`), and makes no correction: what a
certificate means for an energy is the analysis's business.

instruments.toml schema history
  1  2026-11-21  first version
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from harness.record.documents import Json
from harness.record.errors import ConfigError
from harness.station.consistency import NAME_CHARACTERS
from meters.certificates import read_fingerprint

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


def certificate_on(instrument: Instrument, on: date) -> Certificate | None:
    """The certificate in force on a day: the latest that was issued by then, expired or not."""
    issued = [certificate for certificate in instrument.certificates if certificate.date <= on]
    return max(issued, key=lambda certificate: certificate.date, default=None)


def validity_on(certificate: Certificate | None, on: date) -> Validity:
    """Whether a certificate holds on a day; it does on the day it expires."""
    if certificate is None:
        return "missing"
    return "valid" if on <= certificate.expires else "expired"


def document_of(certificate: Certificate | None) -> Json:
    """What a run's descriptor says of a certificate; of none, that every field is null."""
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


def check_instrument(where: str, name: str, instrument: Instrument) -> None:
    """Raise ConfigError where what is said of an instrument cannot be right."""
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


def _check_point(where: str, point: CertificatePoint) -> None:
    for quantity in ("error", "U"):
        given = [value for unit in ("w", "percent") if (value := getattr(point, f"{quantity}_{unit}")) is not None]
        if len(given) != 1:
            raise ConfigError(f"{where}: needs either {quantity}_w or {quantity}_percent, found {len(given)} of them")
        if quantity == "U" and given[0] <= 0:
            raise ConfigError(f"{where}: U is {given[0]!r}, expected an expanded uncertainty above 0")


def check_serials(path: Path, instruments: Mapping[str, Instrument]) -> None:
    """Raise ConfigError where two instruments have one serial number."""
    seen: dict[tuple[str, str], str] = {}
    for name, instrument in instruments.items():
        key = (instrument.model, instrument.serial)
        if instrument.serial and key in seen:
            raise ConfigError(
                f"{path}: instruments.{name}.serial: {instrument.serial!r} is also that of instruments.{seen[key]}"
            )
        seen[key] = name
