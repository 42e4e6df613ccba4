"""How a meter on a network is let in and known again: its password, its key, what a lab declares of it.

Knows: the records that a lab hands to a driver beside the port, and who was at the other end of a connection.
Does not know: wires, how any of it is checked (`meters.tls`, `meters.http_auth`, `meters.origin`), lab.toml.
A password stands in `Credentials` only, which do not show it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login of a meter; an empty `user` is the one that this kind of meter always has.

    An empty `password` is that of a user who has none (SNMP v3), an empty `privacy_password` the same as `password`.
    """

    user: str
    password: str = field(repr=False)
    privacy_password: str = field(default="", repr=False)


WITHHELD = "(withheld)"
"""What stands in a wire log in place of what would give a password away."""
READABLE = (
    "the password goes over the network so that whoever listens there can read it: reach the meter by TLS with a "
    "pinned key, or on a network of its own"
)
"""What an operator should know of a login whose password can be read off the wire."""
REPLAYED = Credentials("", WITHHELD)
"""For a recorded session of a meter with a password: the driver logs in as it did, and the recording takes anything."""


@dataclass(frozen=True, slots=True)
class Pin:
    """By which key the instrument register knows the instrument `name`; each that is not empty must fit. Without a name
    it is a fingerprint that the lab gave for this connection, which says nothing of an instrument.

    `certificate_sha256` and `public_key_sha256` are 64 hexadecimal digits, `authority` the certificates (PEM) of whom
    the instrument's certificate must be issued by.
    """

    name: str
    certificate_sha256: str = ""
    public_key_sha256: str = ""
    authority: str = ""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a person answers for: that the instrument with this serial number is at this address, by this link."""

    name: str
    serial: str
    address: str
    link: str
    by: str
    on: str


@dataclass(frozen=True, slots=True)
class Access:
    """All of this for one meter; `None` is what the lab has not."""

    credentials: Credentials | None = None
    pin: Pin | None = None
    declaration: Declaration | None = None


ANYBODY = Access()
"""Whoever answers, without a password."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who was at the other end of a network connection.

    `certificate` is the certificate (DER) that came with TLS, empty without; `pinned` says which pins of the instrument
    `name` it fitted, empty where none was asked for.
    """

    address: str
    certificate: bytes = b""
    tls_version: str = ""
    name: str = ""
    pinned: tuple[str, ...] = ()
