"""Logging in to the SUT by SSH, over the jumps on the way to it: which host key, which key of the user, and what
hinders it, in one sentence each.

Knows paramiko's client and the errors of a connection that is made. Knows no command and no file of the SUT, and not
where its `harness.sut.route.Route` is written.
"""

import contextlib
import logging
import shlex
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
from paramiko.auth_strategy import AuthResult, AuthSource, AuthStrategy

from harness.attest.signer import public_not_private
from harness.record.errors import HostKeyError, SutError, SutUnreachable, printable
from harness.station.station import SutSection
from harness.sut.identities import Identities
from harness.sut.route import SSH_PORT, Hop, Route

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # its errors reach us as exceptions

TCP_USER_TIMEOUT_MS = 3000
"""Keepalives do not notice a silent partition; unacknowledged data does after this (tcp(7))."""
END_S = 2.0
"""A ProxyCommand that was hung up on ends within this, or is ended."""
PROHIBITED = 1
"""RFC 4254, 5.1: the jump does not forward."""


class Client(paramiko.SSHClient):
    """A logged-in connection with all that it runs over: closing it closes them."""

    def __init__(self) -> None:
        super().__init__()
        self._below: list[Callable[[], object]] = []

    def rests_on(self, close: Callable[[], object]) -> None:
        """Call this when it is closed."""
        self._below.append(close)

    def close(self) -> None:
        """End it, then what carried it."""
        super().close()
        while self._below:
            self._below.pop()()


class _Unknown(paramiko.MissingHostKeyPolicy):
    """Refuses an unknown host key and says how to add it."""

    def __init__(self, route: Route, hop: Hop) -> None:
        self._route, self._hop = route, hop

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        files = " or ".join(str(file) for file in self._hop.known_hosts[:2])
        raise HostKeyError(
            f"the host key of {hostname} is not in {files}; "
            f"it shows {key.get_name()} {key.fingerprint}. "
            "Compare that at that machine (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub), "
            f"then add it: {_adding(self._route, self._hop)}"
        )


def _adding(route: Route, hop: Hop) -> str:
    """The command that adds a host key. ssh-keyscan(1) takes no jump and no alias: where there is one, a login asks."""
    file = hop.known_hosts[0]
    if hop is not route.hops[0] or hop.proxy_command or hop.host_key_name not in _plain_names(hop):
        words = ["ssh", "-p", str(hop.port), "-l", hop.user, "-o", f"UserKnownHostsFile={file}"]
        return f"`{shlex.join([*words, '-o', 'StrictHostKeyChecking=ask', hop.named, 'true'])}` asks"
    quoted = shlex.quote(str(file))
    folder_first = "" if file.parent.is_dir() else f"mkdir -p -m 700 {shlex.quote(str(file.parent))} && "
    return f"`{folder_first}{shlex.join(['ssh-keyscan', '-p', str(hop.port), hop.host])} >> {quoted}`"


def _plain_names(hop: Hop) -> tuple[str, str]:
    return (hop.host if hop.port == SSH_PORT else "", f"[{hop.host}]:{hop.port}")


def open_client(config: SutSection, route: Route, timeout_s: float) -> Client:
    """A logged-in connection to the SUT; the errors of `Link.connect`."""
    client: Client | None = None
    try:
        for hop in route.hops:
            client = _opened(config, route, hop, client, timeout_s)
    except BaseException:
        if client is not None:
            client.close()
        raise
    assert client is not None, "a route has a last hop"
    return client


def _opened(config: SutSection, route: Route, hop: Hop, before: Client | None, timeout_s: float) -> Client:
    """A login, over the one before it where there is one. What it rests on is closed with it."""
    client = Client()
    if before is not None:
        client.rests_on(before.close)
    client.set_missing_host_key_policy(_Unknown(route, hop))
    identities = Identities(hop.key_files, others_of_agent=hop.others_of_agent)
    try:
        for file in hop.known_hosts:
            if file.exists():
                client.load_host_keys(str(file))
        if hop is route.sut:
            _require_key(config, identities)
        # The port stands in the name of the host key, or an alias stands for both.
        client.connect(
            hop.host_key_name,
            SSH_PORT,
            hop.user,
            sock=_carrier(client, hop, before, timeout_s),
            auth_strategy=_Strategy(identities, hop.user),
            timeout=timeout_s,
            banner_timeout=timeout_s,
            auth_timeout=timeout_s,
            channel_timeout=timeout_s,
        )
    except BaseException as error:
        found = _connect_error(config, route, hop, identities, error)
        client.close()
        raise found from error
    finally:
        identities.close()
    return client


class _Strategy(AuthStrategy):
    """What paramiko's client calls to log in."""

    def __init__(self, identities: Identities, user: str) -> None:
        self._identities, self._user = identities, user

    def get_sources(self) -> Iterator[AuthSource]:
        """None: `Identities` tries them itself, to say of each what became of it."""
        return iter(())

    def authenticate(self, transport: paramiko.Transport) -> AuthResult:
        """Log in, or raise paramiko's errors."""
        self._identities.authenticate(transport, self._user)
        return AuthResult(self)


def _require_key(config: SutSection, identities: Identities) -> None:
    """Raise where the key that lab.toml names is none, or the agent that it names has none."""
    name, table = config.address, config.table
    if config.key_file:
        key_file = Path(config.key_file).expanduser()
        if not key_file.exists():
            raise SutUnreachable(
                f"{name}: {table}.key_file {key_file} does not exist; make one with ssh-keygen, or set it to "
                '"" for the keys of your ssh-agent'
            )
        if advice := public_not_private(key_file):
            raise SutUnreachable(f"{name}: {table}.key_file {key_file}: {advice}")
    elif config.key_file is not None and not identities.of_agent:
        raise SutUnreachable(
            f"{name}: {table}.key_file is empty and no ssh-agent answers with a key; give `ssh-add`, or name a key file"
        )


def _connect_error(
    config: SutSection, route: Route, hop: Hop, identities: Identities, error: BaseException
) -> BaseException:
    """A failed connection in the words of the lab; which machine it was, where that is a jump."""
    name = config.address if hop is route.sut else f"{config.address}: the jump {hop.address}"
    if isinstance(error, paramiko.AuthenticationException):
        return SutUnreachable(f"{name}: {_refused(hop, identities, error)}")
    if isinstance(error, HostKeyError):
        return HostKeyError(f"{name}: {error}")
    if isinstance(error, SutError):
        return error
    if isinstance(error, paramiko.BadHostKeyException):
        file = _file_with(hop)
        return HostKeyError(
            f"{name}: the host key changed: {file} has {error.expected_key.fingerprint}, the machine shows "
            f"{error.key.get_name()} {error.key.fingerprint}. If it was installed anew, remove the old one "
            f"(ssh-keygen -R {shlex.quote(hop.host_key_name)} -f {shlex.quote(str(file))}) "
            f"and add: {_adding(route, hop)}"
        )
    if isinstance(error, paramiko.hostkeys.InvalidHostKey):
        files = " or ".join(str(file) for file in hop.known_hosts)
        return HostKeyError(f"{name}: {files} has a line that is no host key ({error.args[0]!s:.60}); remove it")
    if isinstance(error, paramiko.ChannelException):
        jump = route.hops[route.hops.index(hop) - 1].address
        if error.code == PROHIBITED:
            return SutUnreachable(
                f"{name}: the jump {jump} was reached and does not forward connections (AllowTcpForwarding, "
                "PermitOpen in its sshd_config); have it allowed there"
            )
        return SutUnreachable(
            f"{name}: the jump {jump} does not get to {hop.host}:{hop.port} ({error.text or error.code}); is that "
            "address right as seen from there, and is sshd running?"
        )
    if isinstance(error, socket.gaierror):
        where = f"{config.table}.host" if hop is route.sut else "ProxyJump"
        return SutUnreachable(
            f"{name}: the name {hop.host} is not known ({error.strerror}); correct {where}, or write a Host "
            f"{hop.named} with its HostName into {config.ssh_config or '~/.ssh/config'}"
        )
    if isinstance(error, UnicodeError):
        return SutUnreachable(f"{name}: {hop.host!r} is no name of a machine; correct {config.table}.host")
    if isinstance(error, OSError | EOFError | paramiko.SSHException):
        carried = " by its ProxyCommand" if hop.proxy_command else ""
        return SutUnreachable(
            f"{name}: no connection{carried} ({printable(str(error)) or type(error).__name__}); is sshd running there?"
        )
    return error


def _refused(hop: Hop, identities: Identities, error: paramiko.AuthenticationException) -> str:
    """Why a login did not come about, by what was tried."""
    if str(error).startswith("the ssh-agent"):
        return (
            f"{error}: it is locked, or the key wants to be confirmed there; look at `ssh-add -l`, then ssh {hop.named}"
        )
    if not identities.tried and identities.locked:
        return f"the key {identities.locked[0]} needs a passphrase; load it into an ssh-agent (ssh-add)"
    if not identities.tried:
        return "there is no key to log in with; make one (ssh-keygen), name it, or load it into an ssh-agent (ssh-add)"
    locked = f"; not tried for want of a passphrase: {identities.locked[0]}" if identities.locked else ""
    return (
        f"the login of {hop.user} was refused; tried was {', '.join(identities.tried)}{locked}. Is the public half of "
        f"one in ~{hop.user}/.ssh/authorized_keys there?"
    )


def _file_with(hop: Hop) -> Path:
    """The file in which a host key stands."""
    for file in hop.known_hosts:
        if file.exists() and paramiko.HostKeys(str(file)).lookup(hop.host_key_name):
            return file
    return hop.known_hosts[0]


def _carrier(client: Client, hop: Hop, before: Client | None, timeout_s: float) -> socket.socket | paramiko.Channel:
    """What the login's bytes go over."""
    transport = None if before is None else before.get_transport()
    if transport is not None:
        return transport.open_channel("direct-tcpip", (hop.host, hop.port), ("127.0.0.1", 0), timeout=timeout_s)
    if hop.proxy_command:
        return _carried_by_command(client, hop.proxy_command)
    sock = socket.create_connection((hop.host, hop.port), timeout_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)
    return sock


def _carried_by_command(client: Client, command: str) -> socket.socket:
    """One end of a pair of sockets; at the other a ProxyCommand, started as ssh(1) starts it."""
    own, other = socket.socketpair()
    with other:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"], stdin=other.fileno(), stdout=other.fileno(), start_new_session=True
        )

    def end() -> None:
        own.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
            return
        process.kill()
        process.wait()

    client.rests_on(end)
    return own
