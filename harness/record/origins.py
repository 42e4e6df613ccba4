"""What a run has to hold so that a meter on a network is who it says: the register's word, the peer's certificate.

Knows the evidence of a descriptor (`meters.origin.attest`) and the instrument register among a run's inputs. Knows
no folder: what it reads is handed to it. It finds whether a run contradicts itself. Whether the host recorded what it
saw, nothing here can find: docs/evidence.md.
"""

import base64
import binascii
import ipaddress
import tomllib
from collections.abc import Callable, Iterator
from typing import TypeAlias
from urllib.parse import urlsplit

from harness.record.documents import Json, PowerDescriptor
from meters.reading import PTY_MAJORS

REGISTER = "instruments.toml"
LOCAL_HOSTS = frozenset({b"\nHost: 127.", b"\nHost: localhost", b"\nHost: [::1]"})
"""What the host says to a web server on its own machine, whatever the descriptor names."""
NETWORK = frozenset({"attested", "declared"})
"""Origins that rest on the register."""
Read: TypeAlias = Callable[[str], bytes | None]
"""The content of an input of the run by its name; None where it has none."""


def problems_of(descriptor: PowerDescriptor, read: Read) -> list[str]:
    """What contradicts the claim that the register's instrument answered; nothing where all agrees."""
    evidence = descriptor.evidence
    entry = _entry(read(REGISTER), evidence.get("instrument"))
    if entry is None:
        return [f"the register kept with the run does not have {evidence.get('instrument')!r}"]
    check = _of_key if descriptor.origin == "attested" else _of_declaration
    return list(check(descriptor, entry, read))


def local_of(evidence: Json) -> list[str]:
    """What of the evidence is of this machine itself: then the meter is an emulated one."""
    problems = ["it was reached on this machine"] if _is_local(evidence) else []
    return problems + (["its port is a pseudo terminal"] if evidence.get("device_major") in PTY_MAJORS else [])


def words_of(descriptor: PowerDescriptor) -> str:
    """What the origin rests on, as the end of a sentence."""
    evidence = descriptor.evidence
    if descriptor.origin == "attested":
        key = evidence.get("tls_public_key_sha256") or evidence.get("tls_sha256")
        return f" by TLS: key {key}, registered as that of {evidence.get('instrument')}"
    who = f"{evidence.get('declared_by')} on {evidence.get('declared_on')}"
    return f" to be {evidence.get('instrument')} by {who} ({evidence.get('declared_link')})"


def _is_local(evidence: Json) -> bool:
    addresses = evidence.get("addresses")
    try:
        named = urlsplit(str(evidence.get("port") or "")).hostname
    except ValueError:
        named = None
    reached = [*(addresses if isinstance(addresses, list) else []), evidence.get("host"), named]
    return "localhost" in reached or any(map(_is_loopback, reached))


def _is_loopback(address: object) -> bool:
    try:
        return ipaddress.ip_address(str(address).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _entry(register: bytes | None, name: object) -> Json | None:
    """The table of an instrument in the bytes of a register."""
    try:
        tables = tomllib.loads((register or b"").decode()).get("instruments")
    except (ValueError, RecursionError):
        return None
    entry = tables.get(str(name)) if isinstance(tables, dict) else None
    return entry if isinstance(entry, dict) else None


def _of_key(descriptor: PowerDescriptor, entry: Json, read: Read) -> Iterator[str]:
    """Fingerprints against the certificate that was seen, and that against every pin of the register."""
    from meters.certificates import certificate_sha256, is_issued_by, public_key_sha256, read_fingerprint

    evidence, name = descriptor.evidence, descriptor.evidence.get("instrument")
    try:
        certificate = base64.b64decode(str(evidence.get("tls_certificate")), validate=True)
    except (binascii.Error, ValueError):
        certificate = b""
    seen = {"tls_sha256": certificate_sha256(certificate), "tls_public_key_sha256": public_key_sha256(certificate)}
    if any(evidence.get(key) != digest for key, digest in seen.items()):
        yield "its fingerprints are not those of its certificate"
    pins = {key: entry[key] for key in seen if entry.get(key)}
    if any(read_fingerprint(str(pin)) != seen[key] for key, pin in pins.items()):
        yield f"the register kept with the run has another key for {name}"
    authority = read(f"tls-ca-{name}.pem") if entry.get("tls_ca_file") else None
    if authority is not None and not is_issued_by(certificate, authority.decode("ascii", errors="replace")):
        yield f"its certificate was not issued by the authority that the run kept for {name}"
    if not pins and authority is None:
        yield f"the register kept with the run has no key for {name}"


def _of_declaration(descriptor: PowerDescriptor, entry: Json, _read: Read) -> Iterator[str]:
    """What the descriptor repeats of a declaration against the register."""
    evidence, said = descriptor.evidence, entry.get("declared")
    told = {key: str(value) for key, value in said.items()} if isinstance(said, dict) else {}
    if told != {key: evidence.get(f"declared_{key}") for key in ("by", "on", "address", "link")}:
        yield f"the register kept with the run declares something else of {evidence.get('instrument')}"
    if not entry.get("serial") or entry["serial"] != descriptor.identity.get("serial"):
        yield "its serial number is not the one in the register"
    if evidence.get("host") != told.get("address"):
        yield "it was reached at another address than declared"
