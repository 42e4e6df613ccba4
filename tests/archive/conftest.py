"""An S3 server that others wrote (moto), and a campaign to archive.

The server has an environment of its own, `.venv-s3`, which `./lab test` makes: botocore and pandas want different
versions of python-dateutil.
"""

import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.archive.cut import Cut

PYTHON = Path(__file__).parents[2] / ".venv-s3" / "bin" / "python"


@dataclass(frozen=True)
class Server:
    """A server on loopback with a bucket `lab`."""

    port: int

    def bucket(self, name: str) -> None:
        """Make one; without a log-in, which moto asks nobody for."""
        wanted = urllib.request.Request(f"http://127.0.0.1:{self.port}/{name}", method="PUT")
        urllib.request.urlopen(wanted, timeout=60).close()


@contextmanager
def serving() -> Iterator[Server]:
    """moto's server as a process of its own."""
    assert PYTHON.exists(), "no .venv-s3: `./lab test` makes it, of tests/requirements-s3.lock"
    command = [str(PYTHON), "-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            found = next(
                filter(None, (re.search(r"Running on http://127.0.0.1:(\d+)", line) for line in process.stderr))
            )
            # Nobody reads further: what it logs of each request has to go somewhere.
            with subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL) as reading:
                yield Server(int(found[1]))
                process.kill()
                reading.wait()
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One for the tests of a module; each has a bucket of its own."""
    with serving() as found:
        yield found


@pytest.fixture
def cut(server: Server) -> Iterator[Cut]:
    """The way to it, which can be cut."""
    with Cut(("127.0.0.1", server.port)) as found:
        yield found


@pytest.fixture
def s3(server: Server, cut: Cut, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty place there, reached by `cut`."""
    bucket = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[-60:].strip("-")
    server.bucket(bucket)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{cut.port}")
    for name, value in (("ACCESS_KEY_ID", "nobody"), ("SECRET_ACCESS_KEY", "nothing"), ("REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    return f"s3://{bucket}/archive"
