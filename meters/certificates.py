"""The certificate of a meter that speaks TLS: its fingerprints, who issued it.

Knows: X.509 through `cryptography`. Does not know: connections; which fingerprint a lab expects.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `cryptography` costs who only names a driver as much as everything else together
    from cryptography import x509

FINGERPRINT = re.compile(r"(?:sha-?256[:= ])?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})", re.IGNORECASE)


def read_fingerprint(text: str) -> str | None:
    """Return the 64 digits of a SHA-256 as openssl, browsers and sha256sum write it; None where it is none."""
    match = FINGERPRINT.fullmatch(text.strip())
    return match.group(1).replace(":", "").lower() if match else None


def certificate_sha256(certificate: bytes) -> str:
    """Return the fingerprint of a certificate (DER)."""
    return hashlib.sha256(certificate).hexdigest()


def public_key_sha256(certificate: bytes) -> str:
    """Return the fingerprint of the public key in a certificate (its SubjectPublicKeyInfo), empty where none is read.

    It stays the same when a certificate is renewed for the same key.
    """
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
        content = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return ""
    return hashlib.sha256(content).hexdigest()


def is_issued_by(certificate: bytes, authority: str) -> bool:
    """Whether one of the certificates in `authority` (PEM) issued a certificate (DER), without others between."""
    from cryptography import x509

    try:
        issued = x509.load_der_x509_certificate(certificate)
        issuers = x509.load_pem_x509_certificates(authority.encode())
    except ValueError:
        return False
    return any(_issued(issued, issuer) for issuer in issuers)


def count_in(authority: str) -> int:
    """Return how many certificates stand in a PEM file; 0 where it is none."""
    from cryptography import x509

    try:
        return len(x509.load_pem_x509_certificates(authority.encode()))
    except ValueError:
        return 0


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
