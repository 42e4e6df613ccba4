"""The certificates of a fleet: one authority of its own, and for each machine a folder with what it needs.

Knows X.509 through `cryptography`, and the names of the files. Dask asks both ends of a connection for a certificate of
this authority, and compares no names: whoever has one may do everything that Dask can, on every machine of the fleet.
"""

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from harness.record.errors import FleetError, why

AUTHORITY, AUTHORITY_KEY = "authority.pem", "authority-key.pem"
CERTIFICATE, KEY = "certificate.pem", "key.pem"
MEMBER = (AUTHORITY, CERTIFICATE, KEY)
"""What lies in the folder of a machine."""
AUTHORITY_YEARS = 10
BACK = timedelta(hours=1)
"""A certificate is valid from so long ago: clocks of machines differ."""


@dataclass(frozen=True, slots=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make(folder: Path, names: list[str], days: int) -> list[Path]:
    """Make the authority of a fleet in `folder` where it has none, and a folder below it for each name; return these.

    Raises:
        FleetError: a folder of that name is there, or a file cannot be read or written.
    """
    taken = [name for name in names if (folder / name).exists()]
    if taken:
        raise FleetError(f"{folder / taken[0]}: is there already; remove it, or choose another name")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority = _authority(folder)
        return [_member(folder, authority, name, days) for name in names]
    except OSError as error:
        raise FleetError(f"{error.filename or folder}: {why(error)}") from None


def _authority(folder: Path) -> _Pair:
    if (folder / AUTHORITY).exists() or (folder / AUTHORITY_KEY).exists():
        return _read_authority(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a wattlab fleet")])
    made = _Pair(_signed(name, key, name, key, AUTHORITY_YEARS * 366, is_authority=True), key)
    _write(folder / AUTHORITY_KEY, _secret(key))
    _write(folder / AUTHORITY, made.certificate.public_bytes(Encoding.PEM))
    return made


def _read_authority(folder: Path) -> _Pair:
    try:
        certificate = x509.load_pem_x509_certificate((folder / AUTHORITY).read_bytes())
        key = load_pem_private_key((folder / AUTHORITY_KEY).read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise FleetError(
            f"{folder}: the fleet's authority cannot be read ({why(error)}); name the folder that has "
            f"{AUTHORITY} and {AUTHORITY_KEY}, or a new one"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise FleetError(f"{folder / AUTHORITY_KEY}: is not the key of {AUTHORITY}; restore it, or name a new folder")
    return _Pair(certificate, key)


def _member(folder: Path, authority: _Pair, name: str, days: int) -> Path:
    """A machine's folder, whole or not at all."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = _signed(subject, key, authority.certificate.subject, authority.key, days, is_authority=False)
    made, making = folder / name, folder / f".{name}"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    _write(making / KEY, _secret(key))
    _write(making / CERTIFICATE, certificate.public_bytes(Encoding.PEM))
    _write(making / AUTHORITY, authority.certificate.public_bytes(Encoding.PEM))
    return making.rename(made)


def _signed(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, by: ec.EllipticCurvePrivateKey,
    days: int, *, is_authority: bool,
) -> x509.Certificate:  # fmt: skip
    now = datetime.now(UTC)
    own, others = x509.SubjectKeyIdentifier.from_public_key(key.public_key()), x509.AuthorityKeyIdentifier
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACK)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None), critical=True)
        .add_extension(own, critical=False)
        .add_extension(others.from_issuer_public_key(by.public_key()), critical=False)
        .sign(by, hashes.SHA256())
    )


def _secret(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def require_usable(folder: Path) -> datetime:
    """Until when the certificate in a machine's folder is valid.

    Raises:
        FleetError: something is missing, another authority issued it, or it is not valid now.
    """
    missing = [name for name in MEMBER if not (folder / name).is_file()]
    if missing:
        raise FleetError(
            f"{folder}: {', '.join(missing)} missing; `wattlab fleet certificates FOLDER NAME` makes a folder for "
            "each machine: name the one of this machine"
        )
    try:
        certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate((folder / AUTHORITY).read_bytes()))
    except Exception as error:  # cryptography's errors have no common class
        raise FleetError(
            f"{folder / CERTIFICATE}: is no certificate of {AUTHORITY} beside it ({why(error)}); copy the folder anew"
        ) from None
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begin <= (now := datetime.now(UTC)) <= end:
        raise FleetError(
            f"{folder / CERTIFICATE}: is valid from {begin:%Y-%m-%d} to {end:%Y-%m-%d}, and this machine has "
            f"{now:%Y-%m-%d}; make a new one by `wattlab fleet certificates`, or set the clock"
        )
    return end
