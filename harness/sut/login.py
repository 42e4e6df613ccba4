"""Logging in to the SUT by SSH: which host key, which key of the user, and what hinders it, in one sentence each.

Knows paramiko's client and the errors of a connection that is made. Knows no command and no file of the SUT.
"""

import logging
import shlex
import socket

import paramiko

from harness.attest.signer import public_not_private
from harness.record.errors import HostKeyError, SutUnreachable
from harness.station.station import SutSection

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # its errors reach us as exceptions

TCP_USER_TIMEOUT_MS = 3000
"""Keepalives do not notice a silent partition; unacknowledged data does after this (tcp(7))."""


class _Unknown(paramiko.MissingHostKeyPolicy):
    """Refuses an unknown host key and says how to add it."""

    def __init__(self, config: SutSection) -> None:
        self._config = config

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        raise HostKeyError(
            f"the host key of {hostname} is not in {self._config.known_hosts_path}; "
            f"it shows {key.get_name()} {key.fingerprint}. "
            "Compare that at the SUT (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub), "
            f"then add it: {_keyscan(self._config)}"
        )


def _keyscan(config: SutSection) -> str:
    folder, file = (shlex.quote(str(path)) for path in (config.known_hosts_path.parent, config.known_hosts_path))
    folder_first = "" if config.known_hosts_path.parent.is_dir() else f"mkdir -p -m 700 {folder} && "
    return f"`{folder_first}{shlex.join(['ssh-keyscan', '-p', str(config.port), config.host])} >> {file}`"


def open_client(config: SutSection, timeout_s: float) -> paramiko.SSHClient:
    """A logged-in connection; the errors of `Link.connect`."""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(_Unknown(config))
    try:
        if not config.host:
            raise SutUnreachable(
                f"{config.table}.host is empty; write the name or address of the machine to be measured there"
            )
        if config.known_hosts_path.exists():
            client.load_host_keys(str(config.known_hosts_path))
        _require_key(config)
        client.connect(
            config.host,
            config.port,
            config.login,
            key_filename=None if config.key_path is None else str(config.key_path),
            look_for_keys=False,
            sock=_open_socket(config, timeout_s),
            timeout=timeout_s,
            banner_timeout=timeout_s,
            auth_timeout=timeout_s,
            channel_timeout=timeout_s,
        )
    except BaseException as error:
        client.close()
        raise _connect_error(config, error) from error
    return client


def _require_key(config: SutSection) -> None:
    """Raise where there is no key to log in with."""
    name, key_file = config.address, config.key_path
    if key_file is not None:
        if not key_file.exists():
            raise SutUnreachable(
                f"{name}: {config.table}.key_file {key_file} does not exist; make one with ssh-keygen, or set it to "
                '"" for the keys of your ssh-agent'
            )
        if advice := public_not_private(key_file):
            raise SutUnreachable(f"{name}: {config.table}.key_file {key_file}: {advice}")
        return
    agent = paramiko.Agent()
    try:
        if not agent.get_keys():
            raise SutUnreachable(
                f"{name}: {config.table}.key_file is empty and no ssh-agent answers with a key; give `ssh-add`, or "
                "name a key file"
            )
    finally:
        agent.close()


def _connect_error(config: SutSection, error: BaseException) -> BaseException:
    """A failed connection in the words of the lab."""
    name, key_file, known_hosts = config.address, config.key_path, config.known_hosts_path
    if isinstance(error, paramiko.BadHostKeyException):
        return HostKeyError(
            f"{name}: the host key changed: {known_hosts} has {error.expected_key.fingerprint}, the SUT shows "
            f"{error.key.get_name()} {error.key.fingerprint}. If the machine was installed anew, remove the old one "
            f"(ssh-keygen -R {shlex.quote(_known_name(config))} -f {shlex.quote(str(known_hosts))}) "
            f"and add: {_keyscan(config)}"
        )
    if isinstance(error, paramiko.hostkeys.InvalidHostKey):
        return HostKeyError(f"{name}: {known_hosts} has a line that is no host key ({error.args[0]!s:.60}); remove it")
    if isinstance(error, paramiko.PasswordRequiredException):
        return SutUnreachable(
            f"{name}: {config.table}.key_file {key_file} needs a passphrase; load it into an ssh-agent"
        )
    if isinstance(error, paramiko.AuthenticationException):
        key = "a key of your ssh-agent" if key_file is None else f"{key_file}.pub"
        return SutUnreachable(f"{name}: the login was refused; is {key} in ~{config.login}/.ssh/authorized_keys there?")
    if isinstance(error, socket.gaierror):
        return SutUnreachable(
            f"{name}: the name {config.host} is not known ({error.strerror}); correct {config.table}.host"
        )
    if isinstance(error, UnicodeError):
        return SutUnreachable(f"{name}: {config.host!r} is no name of a machine; correct {config.table}.host")
    if isinstance(error, OSError | EOFError | paramiko.SSHException):
        return SutUnreachable(f"{name}: no connection ({error or type(error).__name__}); is sshd running there?")
    return error


def _known_name(config: SutSection) -> str:
    return config.host if config.port == paramiko.config.SSH_PORT else f"[{config.host}]:{config.port}"


def _open_socket(config: SutSection, timeout_s: float) -> socket.socket:
    sock = socket.create_connection((config.host, config.port), timeout_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)
    return sock
