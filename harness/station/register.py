"""The instrument register: which of the lab's instruments answers at a port, by which key or by whose declaration one
on a network is known, which check loads it was tried with.

Knows how the instrument that answers is found in the register, and what of it stands in a run's descriptor
(`calibration`, docs/instruments.md). Knows no wire and no run folder.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from harness.record.codec import read_records
from harness.record.documents import Json, dump
from harness.record.errors import ConfigError, LabError, why
from harness.record.plain_files import read_named
from harness.station.check_loads import CheckLoadRecord, last_check_load, record_of
from harness.station.instruments import (
    Instrument,
    RegisterFile,
    certificate_on,
    check_instrument,
    check_serials,
    document_of,
)
from harness.station.station import MeterSection, Station
from meters.access import Declaration, Pin
from meters.certificates import count_in, read_fingerprint
from meters.port import TLS_SCHEMES
from meters.reading import Identity, Origin

HISTORY = "check-loads.jsonl"


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
        return {"instrument": match.name, "matched_by": match.by, **document_of(certificate), "check_load": last}

    def check_loads(self) -> list[CheckLoadRecord]:
        """Every check load so far, oldest first.

        Raises:
            DocumentError: a line that cannot be read, with its number.
        """
        lines = self._history().splitlines()
        return [record_of(line, f"{self.history_path}:{number}") for number, line in enumerate(lines, 1)]

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


def load_register(station: Station) -> Register | None:
    """The register that lab.toml names; None where it names none.

    Raises:
        ConfigError: with file, TOML path, what was found, what is expected.
    """
    path = station.register_path
    if path is None:
        return None
    file, source = read_records(RegisterFile, path, "lab.instruments names it; its form is in docs/instruments.md")
    for name, instrument in file.instruments.items():
        check_instrument(f"{path}: instruments.{name}", name, instrument)
    check_serials(path, file.instruments)
    for name, check_load in file.check_loads.items():
        if check_load.expected_w <= 0:
            raise ConfigError(
                f"{path}: check_loads.{name}.expected_w: found {check_load.expected_w!r}, expected watts above 0"
            )
    authorities = {
        name: _authority(path, name, one.tls_ca_file) for name, one in file.instruments.items() if one.tls_ca_file
    }
    register = Register(path, file, source, authorities)
    for meter, section in station.meters.items():
        if section.instrument and section.instrument not in file.instruments:
            raise ConfigError(
                f"{station.path}: meters.{meter}.instrument: {section.instrument!r} is not in {path}, "
                f"it has {', '.join(file.instruments) or 'none'}"
            )
        if section.instrument:
            _check_reached(f"{station.path}: meters.{meter}", section, file.instruments[section.instrument])
    return register


def authority_file(instrument: str) -> str:
    """The name, among the inputs of a run, of who issued an instrument's certificate."""
    return f"tls-ca-{instrument}.pem"


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


def _check_reached(where: str, section: MeterSection, one: Instrument) -> None:
    """What the register says of an instrument on a network holds only where it is reached that way."""
    parts = urlsplit(section.port)
    if not parts.netloc:
        return
    if one.is_pinned and parts.scheme not in TLS_SCHEMES:
        ways = {"http": "https://", "socket": "socket+tls://", "mqtt": "mqtts://"}
        secure = ways.get(parts.scheme, "socket+tls:// or https://")
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
        content = read_named(file)
    except OSError as error:
        raise ConfigError(
            f"{where}: {file}: cannot read ({error.strerror or error}); name a file of certificates (PEM)"
        ) from None
    if not content.isascii() or not count_in(content.decode("ascii")):
        raise ConfigError(
            f"{where}: {file}: found no certificate, expected one or more in PEM (-----BEGIN CERTIFICATE)"
        )
    return content
