"""Witnesses for tests: a second real account behind a real sshd, a local authority made by `openssl ts`."""

import http.server
import os
import pwd
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.attest import receiver
from harness.attest.witness import SshWitness
from harness.loopback_sshd import LoopbackSshd

AUTHORITY = """\
[tsa]
default_tsa = local
[local]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
clock_precision_digits = 3
ordering = no
tsa_name = no
ess_cert_id_chain = no
"""


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


@pytest.fixture(scope="session")
def account_of_a_witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    if os.getuid() != 0 or shutil.which("useradd") is None:
        pytest.skip("a second account needs root and useradd; CI is root")
    name, folder = f"wl-witness-{os.getpid()}", tmp_path_factory.mktemp("witness")
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


@pytest.fixture
def account(account_of_a_witness: Account) -> Account:
    """The same with a log of its own."""
    account_of_a_witness.forget()
    return account_of_a_witness


@dataclass(frozen=True)
class LocalAuthority:
    """A time-stamping authority: its address, the certificate that its stamps are verified with."""

    url: str
    certificate: Path


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAuthority]:
    folder = tmp_path_factory.mktemp("authority")
    made = make_authority(folder, "authority of the tests")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            is_query = self.headers["Content-Type"] == "application/timestamp-query"
            token = made(query) if is_query else b"expected a timestamp-query"
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(token)

        def log_message(self, *_: object) -> None:
            """Not on the terminal."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield LocalAuthority(f"http://127.0.0.1:{server.server_port}/", folder / "ca.pem")
    server.shutdown()
    server.server_close()
    thread.join()


class make_authority:  # noqa: N801  used as a function that remembers its folder
    """Answers queries with stamps of an authority of its own, whose certificate lies in the folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        (folder / "tsa.cnf").write_text(AUTHORITY.format(folder=folder))
        (folder / "extension").write_text("extendedKeyUsage=critical,timeStamping\n")
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        request = ("openssl", "req", *curve)
        run(*request, "-x509", "-days", "2", "-subj", f"/CN={name}", "-keyout", "ca.key", "-out", "ca.pem", cwd=folder)
        run(*request, "-subj", f"/CN={name} stamps", "-keyout", "tsa.key", "-out", "tsa.csr", cwd=folder)
        sign = ("openssl", "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
        run(*sign, "-days", "2", "-extfile", "extension", "-out", "tsa.pem", cwd=folder)

    def __call__(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        words = ("-config", "tsa.cnf", "-queryfile", "query", "-inkey", "tsa.key", "-signer", "tsa.pem")
        return bytes(run("openssl", "ts", "-reply", *words, cwd=self.folder).stdout)
