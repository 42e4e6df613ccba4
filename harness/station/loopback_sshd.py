"""A real OpenSSH sshd of our own: one process, throw-away keys, for the embedded lab and for the tests.

Knows how sshd is configured so that exactly this user, with exactly this key, may log in. Knows nothing of what runs
over it. Works for root (sshd then wants its privilege separation folder) and for an ordinary user (who may log in as
himself only)."""

import ctypes
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.record.errors import LabError

START_S = 10.0
STOP_S = 5.0
PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""
PRIVILEGE_SEPARATION = Path("/run/sshd")
SFTP_SERVER = "internal-sftp"


class LoopbackSshd:
    """An sshd on `address` (a free port) while the context is open, its keys and log in `folder`.

    Attributes: host, port, user, key_file, known_hosts: what a client needs. `prefix` is put before sshd's command
    (tests start it in another network namespace); `settings` are further lines of sshd_config(5).

    Raises:
        LabError: no sshd or ssh-keygen on this machine, or it did not start; the message has its words.
    """

    def __init__(
        self, folder: Path, address: str = "127.0.0.1", *, prefix: Sequence[str] = (), settings: Sequence[str] = ()
    ) -> None:
        self.folder = folder.resolve()
        self.host = address
        self.port = 0
        self.user = getpass.getuser()
        self.key_file = self.folder / "user_key"
        self.known_hosts = self.folder / "known_hosts"
        self._prefix, self._settings = list(prefix), list(settings)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        sshd = _program("sshd")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.getuid() == 0:
            PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        for name in ("host_key", "user_key"):
            self._make_key(name)
        shutil.copyfile(self.folder / "user_key.pub", self.folder / "authorized_keys")
        self.port = _free_port()
        host_key = " ".join((self.folder / "host_key.pub").read_text().split()[:2])
        self.known_hosts.write_text(f"[{self.host}]:{self.port} {host_key}\n")
        config = self.folder / "sshd_config"
        config.write_text("\n".join(self._config_lines()) + "\n")
        with (self.folder / "sshd.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*self._prefix, sshd, "-D", "-e", "-f", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _config_lines(self) -> list[str]:
        return [
            # sshd_config(5): of a setting given twice the first counts.
            *self._settings,
            f"ListenAddress {self.host}",
            f"Port {self.port}",
            f'HostKey "{self.folder / "host_key"}"',
            f'AuthorizedKeysFile "{self.folder / "authorized_keys"}"',
            f"AllowUsers {self.user}",
            "PidFile none",
            "PubkeyAuthentication yes",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            f"UsePAM {'yes' if _is_locked(self.user) else 'no'}",
            "PermitRootLogin prohibit-password",
            # The folder may lie below one that others can write to, as /tmp; the key is in ours.
            "StrictModes no",
            # Services of the SUT listen on its loopback.
            "AllowTcpForwarding local",
            "PermitOpen 127.0.0.1:*",
            "AllowAgentForwarding no",
            "X11Forwarding no",
            "PrintMotd no",
            # A session whose client was cut off ends after 15 s.
            "ClientAliveInterval 5",
            "ClientAliveCountMax 3",
            f"Subsystem sftp {SFTP_SERVER}",
        ]

    def _make_key(self, name: str) -> None:
        path = self.folder / name
        for old in (path, path.with_suffix(".pub")):
            old.unlink(missing_ok=True)
        command = [_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", f"wattlab {name}", "-f", str(path)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise LabError(f"ssh-keygen could not make {path}: {made.stderr.strip()}")

    def _wait_until_ready(self) -> None:
        """Until sshd says in its log that it listens (a connection to try it would stand in the log as a failed
        login)."""
        assert self._process is not None
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if "Server listening on" in self._log():
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.01)
        raise LabError(f"sshd did not start on {self.host}:{self.port}: {self._log().strip() or 'it said nothing'}")

    def _log(self) -> str:
        return (self.folder / "sshd.log").read_text(errors="replace")

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _program(name: str) -> str:
    """sshd insists on being started by its absolute path."""
    path = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/bin")))
    if path is None:
        package = "openssh-server" if name == "sshd" else "openssh-client"
        raise LabError(f"{name} is not on this machine; the embedded lab needs it: apt-get install {package}")
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_locked(user: str) -> bool:
    """Whether the account's password is locked: without PAM sshd then refuses even a key (sshd(8), LOGIN PROCESS)."""
    try:
        lines = Path("/etc/shadow").read_text(errors="replace").splitlines()
    except OSError:
        return False
    return any(line.startswith(f"{user}:!") for line in lines)


def _die_with_parent() -> None:
    """In the child: end when wattlab is killed, so that no sshd is left behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
