"""How a machine reaches the scheduler of a fleet, by TLS with certificates of the fleet or, on loopback, open.

Knows Dask's connections, and how Dask comes to be missing. Knows no campaign.
"""

import ipaddress
import logging
import ssl
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.fleet.certificates import AUTHORITY, CERTIFICATE, KEY, require_usable
from harness.record.errors import FleetError, why

if TYPE_CHECKING:  # Dask takes a second to import, and is not on every machine
    from distributed import Client, Security

PORT = 8786
"""Dask's own."""
LOCK = "harness/fleet/requirements.lock"
CONNECT_S = 10.0


class CertificateRefused(FleetError):
    """A scheduler with a certificate of another authority, or with one that is not valid now."""


@dataclass(frozen=True, slots=True)
class Link:
    """A scheduler: `address` is its URL, tls://HOST:PORT or tcp://HOST:PORT; `keys` the folder with this machine's
    certificate, None where the connection is open."""

    address: str
    keys: Path | None

    @property
    def host(self) -> str:
        """The host of its address, an IPv6 address without brackets."""
        return urlsplit(self.address).hostname or ""

    @property
    def port(self) -> int:
        """The port of its address."""
        return urlsplit(self.address).port or PORT

    def security(self) -> "Security":
        """As Dask takes it: every connection encrypted, both ends with a certificate of the fleet; or open."""
        from distributed import Security

        if self.keys is None:
            return Security(require_encryption=False)
        certificate, key = str(self.keys / CERTIFICATE), str(self.keys / KEY)
        return Security(
            require_encryption=True,
            tls_ca_file=str(self.keys / AUTHORITY),
            **{f"tls_{role}_cert": certificate for role in ("client", "scheduler", "worker")},
            **{f"tls_{role}_key": key for role in ("client", "scheduler", "worker")},
        )


def require_dask() -> None:
    """Raise FleetError, with the remedy, where Dask is not installed."""
    if find_spec("distributed") is None:
        raise FleetError(
            "Dask is not installed, and several machines need it: `./lab` installs it where it is called with "
            f"`fleet`, `station` or `--scheduler`; elsewhere `pip install --require-hashes -r {LOCK}` does"
        )


def link_of(address: str, keys: Path | None, *, is_open: bool) -> Link:
    """The scheduler at HOST, HOST:PORT, tls://HOST:PORT, or tcp://HOST:PORT where `is_open`.

    Raises:
        FleetError: Dask is missing, the address is none, the certificate cannot be used, or the connection would be
            open and go beyond this machine.
    """
    require_dask()
    scheme, _, rest = address.rpartition("://")
    wanted = "tcp" if is_open else "tls"
    if scheme not in ("", wanted):
        raise FleetError(
            f"{address}: begins with {scheme}://, expected tls://HOST:PORT; an open connection, tcp://, is one of this "
            "machine to itself and has to be asked for (--open)"
        )
    host, port = _host_and_port(rest, address)
    if is_open:
        if keys is not None:
            raise FleetError(
                "TLS and an open connection are both asked for; leave out one of --tls and --open (in a fleet file: "
                "tls and open)"
            )
        if not _is_loopback(host):
            raise FleetError(
                f"{address}: an open scheduler lets everybody who reaches it run commands on every station, so it is "
                "allowed on loopback only; `wattlab fleet certificates FOLDER NAME` makes certificates for --tls"
            )
    elif keys is None:
        raise FleetError(
            f"{address}: no certificate is named; `wattlab fleet certificates FOLDER NAME` makes a folder for each "
            "machine, and --tls FOLDER names this machine's. On loopback --open does without"
        )
    else:
        require_usable(keys)
    shown = f"[{host}]" if ":" in host else host
    return Link(f"{wanted}://{shown}:{port}", None if keys is None else keys.absolute())


def _host_and_port(text: str, address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, PORT if parts.port is None else parts.port
    except ValueError:
        host, port = None, 0
    if not host or not port or parts.path or parts.query or parts.username:
        raise FleetError(f"{address!r} is no address of a scheduler, expected HOST or HOST:PORT")
    return host, port


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def quiet() -> None:
    """Dask says who was refused by TLS. What it does, and that a connection ended, wattlab says itself."""
    for name in ("distributed", *(f"distributed.{part}" for part in ("scheduler", "worker", "core", "client"))):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger("distributed.comm.tcp").setLevel(logging.WARNING)


async def require_reached(link: Link, timeout_s: float = CONNECT_S) -> None:
    """Connect to the scheduler once, and leave it. Of a worker that does not start nobody knows why.

    Raises:
        FleetError: it is not reached.
    """
    from distributed.comm.core import FatalCommClosedError, connect

    try:
        comm = await connect(link.address, timeout=timeout_s, **link.security().get_connection_args("worker"))
        await comm.close()
    except FatalCommClosedError as error:
        raise CertificateRefused(cause_of(error)) from None
    except (OSError, TimeoutError) as error:
        raise FleetError(cause_of(error)) from None


def cause_of(error: BaseException) -> str:
    """Dask says that it failed; what made it fail stands behind."""
    while error.__cause__ is not None and not isinstance(error, TimeoutError):
        error = error.__cause__
    if isinstance(error, ssl.SSLError):
        words = getattr(error, "verify_message", "") or str(error.reason or error)
        return f"the certificates of both ends do not fit, or one is not valid by the clock of the other: {words}"
    if isinstance(error, TimeoutError):
        return "nobody answers there"
    return why(error) if isinstance(error, Exception) else str(error)


def client_of(link: Link, timeout_s: float = CONNECT_S) -> "Client":
    """A connection to the scheduler; close it.

    Raises:
        FleetError: nobody answers there in `timeout_s`, or not with a certificate of this fleet.
    """
    from distributed import Client

    quiet()
    try:
        return Client(link.address, security=link.security(), timeout=timeout_s, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise FleetError(
            f"{link.address}: no scheduler of this fleet answers ({cause_of(error)}); `wattlab fleet scheduler` starts "
            "one there, with a certificate of the same authority"
        ) from None
