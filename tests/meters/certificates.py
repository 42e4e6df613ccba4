"""Certificates for tests, made when they are asked for: of a device that signs itself, and of an authority."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Keeper:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.der).hexdigest()

    @property
    def key_sha256(self) -> str:
        public = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(public).hexdigest()

    def write(self, path: Path) -> Path:
        """Write certificate and private key into one file."""
        secret = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(secret + self.pem.encode())
        return path

    def context(self, folder: Path, *between: Keeper) -> ssl.SSLContext:
        """What a server needs to be this device; `between` it and its authority stand others."""
        path = self.write(folder / f"{self.sha256[:16]}.pem")
        path.write_text(path.read_text() + "".join(keeper.pem for keeper in between))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def keeper(
    name: str = "plug",
    *,
    issuer: Keeper | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
    addresses: Sequence[str] = (),
    authority: bool = False,
    age_days: int = 1,
) -> Keeper:
    """A new certificate, by itself or by `issuer`; valid for 10 years from `age_days` ago."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.datetime.now(datetime.UTC) - age_days * DAY
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + 3650 * DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if addresses:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address)) for address in addresses])
        builder = builder.add_extension(names, critical=False)
    return Keeper(builder.sign(own if issuer is None else issuer.key, hashes.SHA256()), own)
