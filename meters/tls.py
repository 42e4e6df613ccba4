"""TLS over a connected socket, and whether the other end is the one that a lab has pinned.

Knows: Python's ssl, what makes a handshake fail for somebody in front of a meter. Does not know: what is said inside.

A pin is held against the certificate on every connection, before a byte is said. Meters sign their certificates
themselves, give them odd names and dates, or none: with a fingerprint neither counts, with an authority OpenSSL checks
both, and the authority must have issued the certificate itself, so that whoever reads the run later can check that too.
Without a pin any certificate is taken, and nothing is proved by it; while a meter stays open it must stay the same.
For a meter whose password opens more than readings (`verified`) the authorities that this machine trusts must vouch for
it instead.
TLS authenticates the connection, not the bytes afterwards: nothing of it can be shown to anybody who was not there.
"""

from __future__ import annotations

import socket
import ssl

from meters.access import Peer, Pin
from meters.certificates import certificate_sha256, is_issued_by, public_key_sha256
from meters.meter import MeterMismatch, MeterUnavailable

HUNG_UP = "the other end hung up; check that this port is the one with TLS"
SPOKEN_PLAINLY = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"})
"""OpenSSL's words for an answer that is no TLS at all."""


def address_of(sock: socket.socket) -> str:
    """Return the address at the other end."""
    return str(sock.getpeername()[0])


def secure(
    sock: socket.socket, port: str, host: str, pin: Pin | None, known: Peer | None, *, verified: bool = False
) -> tuple[ssl.SSLSocket, Peer]:
    """Return `sock` within TLS, and who is there; it must be the same as `known`, the end of an earlier connection.

    `verified`: without a pin the authorities that this machine trusts must vouch for name and certificate.

    Raises `MeterMismatch` where another end answers than pinned or known, `MeterUnavailable` where no TLS comes about,
    `TimeoutError` after the timeout of `sock`, `OSError`.
    """
    address, timeout_s = address_of(sock), sock.gettimeout()
    place = (address, sock.getpeername()[1])
    try:
        secured = _context(pin, verified=verified).wrap_socket(sock, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        if pin is None:
            raise MeterMismatch(_unknown(port, error.verify_message, _digest_at(place, timeout_s))) from error
        raise MeterMismatch(
            f"{port}: found a certificate that the authority registered for {pin.name if pin else host} does not "
            f"vouch for ({error.verify_message}); {_OTHER}"
        ) from error
    except TimeoutError:
        raise
    except ssl.SSLError as error:
        raise MeterUnavailable(f"{port}: no TLS connection comes about: {_trouble(error)}") from error
    except ConnectionError as error:  # a meter that speaks first may cut what it did not understand by a reset
        raise MeterUnavailable(f"{port}: no TLS connection comes about: {HUNG_UP}") from error
    certificate = secured.getpeercert(binary_form=True) or b""
    try:
        pinned = () if pin is None else _held(pin, certificate, port)
        peer = Peer(address, certificate, secured.version() or "", "" if pin is None else pin.name, pinned)
        if pin is None and known is not None and known.certificate != certificate:
            expected = certificate_sha256(known.certificate)
            raise MeterMismatch(_differs(port, "certificate", certificate_sha256(certificate), expected, "before"))
    except MeterMismatch:
        secured.close()
        raise
    return secured, peer


def _context(pin: Pin | None, *, verified: bool = False) -> ssl.SSLContext:
    if pin is None and verified:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if pin is not None and pin.authority:
        context.load_verify_locations(cadata=pin.authority)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _held(pin: Pin, certificate: bytes, port: str) -> tuple[str, ...]:
    """Return which pins the certificate fits; raises `MeterMismatch` with both sides where one does not."""
    registered = f"as registered for {pin.name}" if pin.name else "as the option certificate says"
    keys = {
        "certificate": (certificate_sha256(certificate), pin.certificate_sha256),
        "public key": (public_key_sha256(certificate) or "unreadable", pin.public_key_sha256),
    }
    for what, (is_, expected) in keys.items():
        if expected and is_ != expected:
            raise MeterMismatch(_differs(port, what, is_, expected, registered))
    if pin.authority and not is_issued_by(certificate, pin.authority):
        raise MeterMismatch(
            f"{port}: found a certificate (SHA-256 {certificate_sha256(certificate)}) that others stand between and "
            f"the authority {registered}, expected one that it issued itself; register who did as tls_ca_file"
        )
    fitted = [what for what, (_is, expected) in keys.items() if expected]
    return (*fitted, *(["authority"] if pin.authority else []))


def _digest_at(place: tuple[str, int], timeout_s: float | None) -> str:
    """Return the fingerprint of the certificate at an address, for somebody who wants to pin it; empty without one."""
    try:
        with (
            socket.create_connection(place, timeout_s) as again,
            _context(None).wrap_socket(again, server_hostname=place[0]) as secured,
        ):
            return certificate_sha256(secured.getpeercert(binary_form=True) or b"")
    except OSError:
        return ""


def _unknown(port: str, why: str, digest: str) -> str:
    shown = f" (SHA-256 {digest})" if digest else ""
    return (
        f"{port}: found a certificate{shown} that nobody vouches for whom this machine trusts ({why}): compare the "
        f"fingerprint at the device, then give --option certificate=SHA256:{digest or 'FINGERPRINT'} (in lab.toml "
        f'options = {{ certificate = "SHA256:..." }}; certificate=any takes whoever answers). What is to be certified '
        "needs it in the instrument register, as tls_sha256 (docs/instruments.md)"
    )


_OTHER = (
    "another device answers, or its certificate was changed: look at the device, then correct the register "
    "(docs/instruments.md)"
)


def _differs(port: str, what: str, digest: str, expected: str, registered: str) -> str:
    return f"{port}: found the {what} with SHA-256 {digest}, expected {expected} {registered}; {_OTHER}"


def _trouble(error: ssl.SSLError) -> str:
    if error.reason in SPOKEN_PLAINLY:
        return "what answers there speaks without TLS; name it without (http://, socket://), or switch TLS on at it"
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return HUNG_UP
    reason = (error.reason or str(error).partition(" (_ssl.c")[0]).replace("_", " ").lower()
    return (
        f"{reason}; renew the meter's certificate or firmware, or put a TLS terminator before it (docs/instruments.md)"
    )
