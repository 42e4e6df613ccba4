"""Witnesses for tests: a second real account behind a real sshd, a local authority made by `openssl ts`."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.attest.accounts import Account, run, witness_account

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


@pytest.fixture(scope="session")
def account_of_a_witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with witness_account(tmp_path_factory.mktemp("witness")) as account:
        yield account


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
