"""A SUT for tests: a real sshd on loopback or in its own network namespace, the real agent, this interpreter."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.record.documents import Json
from harness.station.loopback_sshd import LoopbackSshd
from harness.station.station import SutSection
from harness.sut.answers import RatingResult
from harness.sut.clock import ClockExchange
from harness.sut.machine import Sut
from harness.sut.session import AgentSession
from tests.sut.netns import SutHost

HERE = Path(__file__).parent


def config_of(sshd: LoopbackSshd, folder: Path) -> SutSection:
    return SutSection(
        host=sshd.host, port=sshd.port, user=sshd.user, key_file=str(sshd.key_file), known_hosts=str(sshd.known_hosts),
        python=sys.executable, folder=str(folder / "sut folder"), ssh_config="",
    )  # fmt: skip


class Recorded:
    """What a session handed over."""

    def __init__(self) -> None:
        self.records: list[Json] = []
        self.exchanges: list[ClockExchange] = []
        self.threads: set[int] = set()

    def on_record(self, record: Json) -> None:
        self.records.append(record)
        self.threads.add(threading.get_ident())

    def of(self, rec: str) -> list[Json]:
        return [record for record in self.records if record["rec"] == rec]

    def notes(self, code: str) -> list[str]:
        return [record["text"] for record in self.of("note") if record["code"] == code]


def start(sut: Sut, uid: str, recorded: Recorded, period_s: float = 0.2, reconnect_s: float = 10.0) -> AgentSession:
    return sut.start_agent(
        uid,
        period_s=period_s,
        reconnect_s=reconnect_s,
        on_record=recorded.on_record,
        on_exchange=recorded.exchanges.append,
    )


def rated(session: AgentSession, limit_s: float = 180.0) -> RatingResult:
    result = session.wait_rated(limit_s)
    assert result is not None, f"the rating interval did not end within {limit_s} s"
    return result


def until(condition: Callable[[], object], limit_s: float, what: str) -> float:
    """Wait for a condition, four times as long as it may take where nothing runs beside; the seconds it took."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < 4 * limit_s, f"{what}: not within {limit_s} s"
        time.sleep(0.02)
    return time.monotonic() - begin


@pytest.fixture
def config(tmp_path: Path) -> Iterator[SutSection]:
    with LoopbackSshd(tmp_path / "sshd") as sshd:
        yield config_of(sshd, tmp_path)


@pytest.fixture
def sut(config: SutSection) -> Iterator[Sut]:
    with Sut.connect(config) as connected:
        yield connected


@pytest.fixture
def host() -> Iterator[SutHost]:
    with SutHost() as namespace:
        yield namespace


@pytest.fixture
def far_config(host: SutHost, tmp_path: Path) -> Iterator[SutSection]:
    """The SUT on a machine of its own."""
    with LoopbackSshd(tmp_path / "sshd", host.address, prefix=host.prefix) as sshd:
        yield config_of(sshd, tmp_path)


def through(config: SutSection, port: int) -> SutSection:
    """The same SUT behind a relay on loopback; its host key is known under that name too."""
    hosts = Path(str(config.known_hosts))
    key = hosts.read_text().split(" ", 1)[1]
    with hosts.open("a") as file:
        file.write(f"[127.0.0.1]:{port} {key}")
    return replace(config, host="127.0.0.1", port=port)


def compiled(source: str, target: Path, *options: str) -> Path:
    command = ["gcc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", *options, "-o", str(target), str(HERE / source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target
