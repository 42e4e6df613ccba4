"""A second real account on this machine, behind a real sshd, with the receiver forced on the operator's key."""

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.attest import receiver
from harness.attest.witness import SshWitness
from harness.station.loopback_sshd import LoopbackSshd


def run(*words: str, **options: object) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(words, capture_output=True, check=True, **options)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class Account:
    """Somebody else on this machine, whose sshd forces the receiver on the operator's key."""

    name: str
    home: Path
    sshd: LoopbackSshd
    log: Path
    public_key: Path
    """Of the key that signs the receipts."""

    @property
    def address(self) -> str:
        return f"{self.name}@{self.sshd.host}:{self.sshd.port}"

    def witness(self) -> SshWitness:
        return SshWitness(self.address, self.sshd.key_file, self.sshd.known_hosts)

    def forget(self) -> None:
        """Begin a new log."""
        self.log.unlink(missing_ok=True)


@contextmanager
def witness_account(folder: Path) -> Iterator[Account]:
    """A real account of somebody else with the receiver, as long as the context is open; its sshd lives in `folder`."""
    if os.getuid() != 0 or shutil.which("useradd") is None:
        pytest.skip("a second account needs root and useradd; CI is root")
    name = f"wl-witness-{secrets.token_hex(4)}"
    run("useradd", "--create-home", "--password", "*", "--shell", "/bin/sh", name)
    try:
        home = Path(pwd.getpwnam(name).pw_dir)
        program, log, key = home / "wattlab-witness.py", home / "heads.jsonl", home / "receipt_key"
        shutil.copyfile(Path(receiver.__file__), program)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        settings = (f"AllowUsers {name}", "AuthorizedKeysFile .ssh/authorized_keys")
        sshd = LoopbackSshd(folder / "sshd", settings=settings)
        sshd.user = name
        with sshd:
            command = f"python3 -I {program} --log {log} --key {key} --from lab"
            (home / ".ssh").mkdir(mode=0o700)
            line = f'restrict,command="{command}" {sshd.key_file.with_suffix(".pub").read_text()}'
            (home / ".ssh" / "authorized_keys").write_text(line)
            run("chown", "-R", f"{name}:", str(home))
            public = folder / "receipt_key.pub"
            shutil.copyfile(f"{key}.pub", public)
            yield Account(name, home, sshd, log, public)
    finally:
        run("userdel", "--remove", "--force", name)
