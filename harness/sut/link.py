"""The SSH connection to the SUT: opened, reopened when it was lost, commands run and files reached over it.

Knows paramiko's channels and what their errors mean in the words of the lab. Knows no agent and no folder of wattlab's.
Every remote command is an argument list, quoted word by word; nothing of lab.toml reaches a shell unquoted.
"""

import contextlib
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath

import paramiko

from harness.record.errors import SutError, SutUnreachable, printable, printable_lines
from harness.station.station import SutSection
from harness.sut.channel import MAX_LINE
from harness.sut.files import MAX_ANSWER
from harness.sut.forward import Forward
from harness.sut.login import Client, open_client
from harness.sut.route import Route, route_of

CONNECT_S = 10.0
COMMAND_S = 60.0
COLLECT_S = 0.25
"""A remote command's standard error is looked at so often while its standard output is silent."""
LINK_ERRORS = (OSError, EOFError, paramiko.SSHException)


class Link:
    """One SSH connection."""

    def __init__(self, config: SutSection) -> None:
        self.config = config
        self._lock = threading.RLock()
        self._client: Client | None = None
        self._route: Route | None = None
        self._home = ""

    def connect(self) -> None:
        """Open it for the first time.

        Raises:
            HostKeyError: the host key is unknown (the message has the command that adds it) or changed.
            SutUnreachable: no connection, or the login was refused.
        """
        self.reopen(CONNECT_S)
        with self.guarded("asking for the home folder"), self.sftp() as sftp:
            self._home = sftp.normalize(".")

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def reopen(self, timeout_s: float) -> None:
        """Replace the connection by a new one. Raises what `connect` raises."""
        self.close()
        if not self.config.host:
            raise SutUnreachable(
                f"{self.config.table}.host is empty; write the name or address of the machine to be measured there"
            )
        self._route = self._route or route_of(self.config)
        client = open_client(self.config, self._route, timeout_s)
        with self._lock:
            self._client = client

    @property
    def name(self) -> str:
        """user@host:port, as errors call it."""
        return self.config.address

    @property
    def reached(self) -> dict[str, str]:
        """Of a connection that was made: by which way, and the host key that was found."""
        with self._lock:
            transport = None if self._client is None else self._client.get_transport()
        if transport is None:
            return {}
        key = transport.get_remote_server_key()
        return {"reached": str(self._route), "host_key": f"{key.get_name()} {key.fingerprint}"}

    def absolute(self, path: str) -> str:
        """A path of the SUT; a relative one begins at the login's home."""
        return str(PurePosixPath(self._home, path.removeprefix("~/")))

    def open_channel(self, argv: Sequence[str]) -> paramiko.Channel:
        """A channel on which a remote command runs. Raises what the link raises (LINK_ERRORS)."""
        with self._lock:
            client = self._client
        transport = None if client is None else client.get_transport()
        if transport is None or not transport.is_active():
            raise EOFError("the connection is closed")
        channel = transport.open_session(timeout=CONNECT_S)
        channel.settimeout(CONNECT_S)
        channel.exec_command(shlex.join(argv))
        return channel

    def open_port(self, port: int) -> paramiko.Channel:
        """A channel to a port of the SUT's loopback. Raises what the link raises (LINK_ERRORS)."""
        with self._lock:
            client = self._client
        transport = None if client is None else client.get_transport()
        if transport is None or not transport.is_active():
            raise EOFError("the connection is closed")
        return transport.open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 0), timeout=CONNECT_S)

    def forward(self, port: int) -> Forward | None:
        """A way to a port of the SUT's loopback, open until it is closed."""
        return Forward(lambda: self.open_port(port))

    def run(self, argv: Sequence[str], limit_s: float = COMMAND_S) -> tuple[int, str, str]:
        """(exit code, standard output, standard error) of a remote command; the texts are printable.

        Raises:
            SutError: it did not end within `limit_s`, or said more than 8 MiB.
        """
        with self.guarded(f"running {argv[0]}"):
            self._ensure_open()
            channel = self.open_channel(argv)
            with contextlib.closing(channel):
                code, output, errors = _collect(channel, argv[0], limit_s)
        texts = (printable_lines(content.decode(errors="replace")) for content in (output, errors))
        return code, next(texts), next(texts)

    def stream(self, argv: Sequence[str], progress: Callable[[str], None]) -> None:
        """Run a remote command that may take long, its output line by line, printable, to `progress`."""
        with self.guarded(f"running {argv[0]}"):
            self._ensure_open()
            channel = self.open_channel(argv)
            channel.set_combine_stderr(True)
            channel.settimeout(None)
            last = ""
            with contextlib.closing(channel), channel.makefile("rb") as lines:
                while line := lines.readline(MAX_LINE):
                    text = printable(line.decode(errors="replace").rstrip())
                    last = text or last
                    progress(text)
                code = channel.recv_exit_status()
        if code != 0:
            raise SutError(f"{self.name}: {shlex.join(argv)} ended with exit code {code}: {last:.300}")

    @contextlib.contextmanager
    def sftp(self) -> Iterator[paramiko.SFTPClient]:
        """The SUT's files, over the open connection."""
        self._ensure_open()
        with self._lock:
            client = self._client
        if client is None:
            raise EOFError("the connection is closed")
        with self._sftp_of(client) as sftp:
            channel = sftp.get_channel()
            if channel is not None:
                channel.settimeout(COMMAND_S)
            yield sftp

    def _sftp_of(self, client: Client) -> paramiko.SFTPClient:
        try:
            return client.open_sftp()
        except paramiko.SSHException as error:
            transport = client.get_transport()
            if transport is None or not transport.is_active() or isinstance(error, paramiko.ChannelException):
                raise
            raise SutError(
                f"{self.name}: its sshd offers no SFTP, by which files come there and back ({error}); add the line "
                "`Subsystem sftp internal-sftp` to its sshd_config"
            ) from None

    def _ensure_open(self) -> None:
        with self._lock:
            client = self._client
        transport = None if client is None else client.get_transport()
        if transport is None or not transport.is_active():
            self.reopen(CONNECT_S)

    def guarded(self, doing: str) -> contextlib.AbstractContextManager[None]:
        """Errors of the wire and of the SUT's disk, in the words of the lab."""
        return in_words(self.name, doing)


@contextlib.contextmanager
def in_words(name: str, doing: str) -> Iterator[None]:
    """Errors of the wire and of the disk of the SUT `name`, in the words of the lab."""
    try:
        yield
    except (FileNotFoundError, PermissionError, FileExistsError) as error:
        raise SutError(f"{name}: {doing}: {error}") from error
    except (TimeoutError, EOFError, ConnectionError, paramiko.ssh_exception.NoValidConnectionsError) as error:
        raise SutUnreachable(f"{name}: {doing}: the link was lost ({error or type(error).__name__})") from error
    except (OSError, paramiko.SSHException) as error:
        # SFTP says "Failure" and nothing more when a disk is full.
        raise SutError(f"{name}: {doing}: {error}; is its disk full?") from error


def _collect(channel: paramiko.Channel, name: str, limit_s: float) -> tuple[int, bytes, bytes]:
    """Exit code, standard output and standard error of the command that runs on a channel.

    Raises:
        SutError: it did not end within `limit_s`, or said more than 8 MiB.
    """
    output, errors = bytearray(), bytearray()
    end_s, is_open = time.monotonic() + limit_s, True
    while is_open or channel.recv_stderr_ready():
        if time.monotonic() > end_s:
            raise SutError(f"{name} on the SUT did not end within {limit_s:g} s")
        channel.settimeout(COLLECT_S)
        with contextlib.suppress(TimeoutError):
            block = channel.recv(1 << 16)
            output += block
            is_open = bool(block)
        if channel.recv_stderr_ready():
            errors += channel.recv_stderr(1 << 16)
        if len(output) + len(errors) > MAX_ANSWER:
            raise SutError(f"{name} on the SUT said more than {MAX_ANSWER} bytes")
    if not channel.status_event.wait(max(0.0, end_s - time.monotonic())):
        raise SutError(f"{name} on the SUT did not end within {limit_s:g} s")
    while block := channel.recv_stderr(1 << 16) if channel.recv_stderr_ready() else b"":
        errors += block[: MAX_ANSWER - len(errors)]
    return channel.recv_exit_status(), bytes(output), bytes(errors)
