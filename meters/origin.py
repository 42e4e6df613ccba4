"""What a port itself proves about where its bytes come from.

Knows: device numbers and serial numbers of ports, addresses of this machine, pinned keys, declarations.
Does not know: how the bytes came (`meters.serial_wire`, `meters.http_wire`), any meter.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import socket
import stat
from pathlib import Path
from urllib.parse import urlsplit

from meters import host
from meters.access import Declaration, Peer
from meters.certificates import certificate_sha256, public_key_sha256
from meters.meter import MeterUnavailable
from meters.port import TLS_SCHEMES, open_trouble, scheme_of
from meters.reading import PTY_MAJORS, Identity, Origin

Evidence = dict[str, str | int | list[str] | None]


def attest(
    port: str,
    identity: Identity,
    *,
    peer: Peer | None = None,
    declaration: Declaration | None = None,
    sysfs: Path = Path("/sys"),
) -> Origin:
    """Return where the bytes of `port` come from, with the evidence.

    `instrument` needs all of: a character device that is no pty, a serial number of it in sysfs, and an identity
    the instrument gave. `attested` needs a peer whose key was pinned, and such an identity; `declared` that the lab's
    declaration fits address and serial number. A pty (through any symbolic link), a socket to this machine, and an
    identity that carries the emulator's mark are `emulated`, whatever else is true; everything else is `unattested`,
    and `lacks` in its evidence says for want of what. What is no power that an instrument measured is `estimated`,
    wherever it comes from but an emulator.
    Raises `MeterUnavailable` when the port is not there, `MeterOptionError` when it is no port.
    """
    if host.recording() is not None:
        return Origin("unattested", {})  # whose bytes a log holds, its run's descriptor says
    if identity.estimated and "://" not in port:  # counters of this machine
        return Origin("estimated", {"port": port, "identity_model": identity.model})
    if scheme_of(port):
        origin = _attest_socket(port, identity, peer, declaration)
        if identity.estimated and origin.kind != "emulated":
            return Origin("estimated", {key: value for key, value in origin.evidence.items() if key != "lacks"})
        return origin
    return _attest_device(port, identity, sysfs)


def _attest_socket(port: str, identity: Identity, peer: Peer | None, declaration: Declaration | None) -> Origin:
    parts = urlsplit(port)
    name = parts.hostname or ""
    try:
        infos = socket.getaddrinfo(name, parts.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise MeterUnavailable(
            f"{port}: the host {name!r} has no address ({error.strerror}); correct `port`"
        ) from error
    addresses = sorted({str(info[4][0]) for info in infos} | ({peer.address} if peer else set()))
    evidence: Evidence = {"port": port, "host": name, "addresses": list(addresses)}
    evidence["identity_model"] = identity.model
    if peer is not None and peer.certificate:
        evidence |= _of_certificate(peer)
    if any(map(is_this_machine, addresses)) or identity.emulated:
        return Origin("emulated", evidence)
    is_registered = peer is not None and bool(peer.pinned and peer.name)
    if is_registered and _says_who(identity):
        return Origin("attested", evidence)
    if declaration is not None and _fits(declaration, name, identity):
        return Origin("declared", evidence | _of_declaration(declaration))
    lacks = [] if _says_who(identity) else ["identity"]
    lacks += [] if is_registered else ["pin" if parts.scheme in TLS_SCHEMES else "tls"]
    return Origin("unattested", evidence | {"lacks": list(lacks)})


def _says_who(identity: Identity) -> bool:
    return identity.asked and bool(identity.model or identity.serial)


def _fits(declaration: Declaration, host: str, identity: Identity) -> bool:
    """Whether the meter of a declaration answers where it was declared to be."""
    return identity.asked and identity.serial == declaration.serial != "" and host == declaration.address


def _of_certificate(peer: Peer) -> Evidence:
    return {
        "instrument": peer.name or None,
        "tls_version": peer.tls_version,
        "tls_sha256": certificate_sha256(peer.certificate),
        "tls_public_key_sha256": public_key_sha256(peer.certificate),
        "tls_pinned": list(peer.pinned),
        "tls_certificate": base64.b64encode(peer.certificate).decode("ascii"),
    }


def _of_declaration(declaration: Declaration) -> Evidence:
    return {
        "instrument": declaration.name,
        "declared_by": declaration.by,
        "declared_on": declaration.on,
        "declared_address": declaration.address,
        "declared_link": declaration.link,
    }


def is_this_machine(address: str) -> bool:
    """Whether an address is this machine itself: its loopback, none at all, or one of its own (nothing is sent)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    plain = ip.ipv4_mapped or ip if isinstance(ip, ipaddress.IPv6Address) else ip
    if plain.is_loopback or plain.is_unspecified:
        return True
    with socket.socket(socket.AF_INET if plain.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(plain), 9))
            return ipaddress.ip_address(probe.getsockname()[0].partition("%")[0]) == plain
        except OSError:
            return False


def _attest_device(port: str, identity: Identity, sysfs: Path) -> Origin:
    device = os.path.realpath(port)
    try:
        status = os.stat(device)  # noqa: PTH116 - st_rdev of exactly this path
    except OSError as error:
        raise MeterUnavailable(f"{port}: {open_trouble(port, error)}") from error
    if not stat.S_ISCHR(status.st_mode):
        raise MeterUnavailable(f"{port}: {device} is no character device; correct `port`")
    major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
    usb = _sysfs_usb(sysfs / "dev" / "char" / f"{major}:{minor}")
    evidence: Evidence = {
        "port": port,
        "device": device,
        "device_major": major,
        "device_minor": minor,
        "sysfs_serial": usb.get("serial"),
        "usb_vendor": usb.get("idVendor"),
        "usb_product": usb.get("idProduct"),
        "identity_model": identity.model,
    }
    if major in PTY_MAJORS or identity.emulated:
        return Origin("emulated", evidence)
    lacks = [*([] if _says_who(identity) else ["identity"]), *([] if usb.get("serial") else ["port-serial"])]
    return Origin("unattested", evidence | {"lacks": list(lacks)}) if lacks else Origin("instrument", evidence)


def _sysfs_usb(entry: Path) -> dict[str, str]:
    """Return `serial`, `idVendor`, `idProduct` of the nearest USB device above a character device."""
    here = entry.resolve()
    for folder in (here, *here.parents):
        if (folder / "idVendor").is_file():
            names = ("serial", "idVendor", "idProduct")
            return {
                name: (folder / name).read_text(encoding="utf-8", errors="replace").strip()
                for name in names
                if (folder / name).is_file()
            }
    return {}
