"""A fleet in processes of their own on this machine: scheduler, stations with labs of their own, client; each may be
killed and started anew. Emulated meters, an sshd on loopback for each station."""

import logging
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

from harness.fleet import certificates
from harness.record.campaign_folder import CampaignFolder
from harness.record.entries import RunEnd, of
from harness.record.verify import verify_campaign

HANGS_S = 400.0
logger = logging.getLogger(__name__)
LAB = """\
schema = 1
[lab]
name = "bench {name}"
operator = "tester"
[campaign]
name = "core-{name}"
seed = 5
stabilization_s = 0.2
supplementary_s = 0.5
pause_s = 0.0
max_failed_attempts = 5
[thresholds]
foreign_load_invalid_percent = 1000.0  # other tests run beside
[baseline]
blocks = 2
duration_s = 1
[sut]
host = "embedded"
python = "{python}"
reconnect_s = 5
[meters.wall]
driver = "wattsup"
port = "embedded"
circuit = "sut-ac-inlet"
[scenarios.load]
command = ["{{python}}", "-c", "import time; time.sleep(1)"]
repetitions = {repetitions}
"""
SOONER = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s", "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "4s"}
"""What Dask waits for a connection that is silent, by itself 30 s; it allows no less than 11 s."""


class FleetOnThisMachine:
    """Stations `names`, a scheduler and one client at a time, below a folder. `host`: where the scheduler listens;
    `repetitions`: of the one scenario of each station, beside two baseline blocks."""

    def __init__(
        self, folder: Path, names: tuple[str, ...] = ("a", "b"), *, host: str = "127.0.0.1", repetitions: int = 2
    ) -> None:
        self.folder = folder
        self.names = names
        self.planned = 2 + repetitions
        self.archive = folder / "archive"
        self.scheduler = f"{host}:{free_port(host)}"
        self.killed: Counter[str] = Counter()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(exist_ok=True)
        certificates.make(folder / "keys", ["office", *names], days=2)
        for name in names:
            (folder / name).mkdir()
            text = LAB.format(name=name, python=sys.executable, repetitions=repetitions)
            (folder / name / "lab.toml").write_text(text)
        self.file = folder / "FLEET.toml"
        stations = "".join(f'[stations.{name}]\ncampaigns = ["lab.toml"]\n' for name in names)
        self.file.write_text(
            f'schema = 1\nscheduler = "{self.scheduler}"\ntls = "keys/office"\narchive = "{self.archive}"\n{stations}'
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            process.wait(HANGS_S)

    def start_scheduler(self) -> None:
        """Start the scheduler."""
        self._start("scheduler", "fleet", "scheduler", "--listen", self.scheduler, "--tls", self._keys("office"))

    def start_station(self, name: str, prefix: tuple[str, ...] = ()) -> None:
        """Start a station; `prefix` starts a program where its machine is."""
        lab = str(self.folder / name / "lab.toml")
        words = ("--scheduler", self.scheduler, "--tls", self._keys(name), "--lab", lab)
        self._start(name, "station", "serve", "--station", name, *words, prefix=prefix)

    def start_client(self) -> None:
        """Start `wattlab fleet run`."""
        self._start("client", "fleet", "run", str(self.file), "--wait", "300")

    def start(self, who: str) -> None:
        """Start one of them."""
        {"scheduler": self.start_scheduler, "client": self.start_client}.get(who, lambda: self.start_station(who))()

    def start_all(self) -> None:
        """Start the scheduler and every station, then the client."""
        self.start_scheduler()
        for name in self.names:
            self.start_station(name)
        wait_for(lambda: "Scheduler of a fleet" in self.said("scheduler"))
        self.start_client()

    def call(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """A command to its end."""
        command = [sys.executable, "-m", "harness.cli", *words]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=HANGS_S, check=False)

    def kill(self, who: str) -> None:
        """SIGKILL."""
        process = self._running.pop(who)
        self.killed[who] += 1
        process.kill()
        process.wait(HANGS_S)

    def is_running(self, who: str) -> bool:
        """Whether it has not ended."""
        return who in self._running and self._running[who].poll() is None

    def await_client(self) -> int:
        """The exit code of the client."""
        return self._running.pop("client").wait(HANGS_S)

    def said(self, who: str) -> str:
        """Everything that it has printed, over all of its starts."""
        log = self.folder / f"{who}.log"
        return log.read_text() if log.exists() else ""

    def campaign(self, name: str) -> Path:
        """The campaign of a station."""
        return self.folder / name / "runs" / f"core-{name}"

    def begun(self, name: str) -> int:
        """How many attempts a station has begun."""
        log = self.campaign(name) / "campaign.jsonl"
        return log.read_text().count('"type":"run-begin"') if log.is_file() else 0

    def await_a_run(self) -> None:
        """Until some station has begun another run, or the client has ended."""
        before = sum(map(self.begun, self.names))
        wait_for(lambda: sum(map(self.begun, self.names)) > before or not self.is_running("client"))

    def require_each_run_once(self, name: str) -> None:
        """Every line of the plan was measured once, whole; what was measured beside it was cut when this station was
        killed, or thrown out by the rule that holds for every campaign, and stands in a chain that holds."""
        ends = of(RunEnd, CampaignFolder(self.campaign(name)).entries())
        ends = [end for end in ends if end.ordinal]
        whole = [end for end in ends if end.exit_status == "success" and end.thrown_out is None]
        assert Counter(end.ordinal for end in whole) == Counter(range(1, 1 + self.planned)), self.said("client")
        cut = [end for end in ends if end.exit_status != "success"]
        assert all(end.exit_status == "abort" for end in cut), cut
        assert len(cut) <= self.killed[name], cut
        assert [check for check in verify_campaign(self.campaign(name)) if not check.passed] == []

    def _keys(self, name: str) -> str:
        return str(self.folder / "keys" / name)

    def _start(self, who: str, *words: str, prefix: tuple[str, ...] = ()) -> None:
        with (self.folder / f"{who}.log").open("ab") as log:
            self._running[who] = _started([*prefix, sys.executable, "-m", "harness.cli", *words], self.folder, log)


def _started(command: list[str], folder: Path, log: IO[bytes]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | SOONER,
        preexec_fn=lambda: [signal.signal(one, signal.SIG_DFL) for one in (signal.SIGINT, signal.SIGHUP)],
    )  # fmt: skip


def free_port(host: str) -> int:
    """A port that nobody listens at now."""
    with socket.create_server((host, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_for(condition: Callable[[], bool], timeout_s: float = HANGS_S) -> None:
    """Until it holds."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "the condition was never met"
        time.sleep(0.1)


@contextmanager
def killed_at_random(folder: Path, kills: int, seed: int) -> Iterator[FleetOnThisMachine]:
    """A fleet that has completed its plan though somebody was killed `kills` times, whoever it was, some seconds after
    some station began a run: before, during and after runs of the others, and of its own."""
    dice = random.Random(seed)
    with FleetOnThisMachine(folder, repetitions=max(2, kills // 2 - 1)) as fleet:
        fleet.start_all()
        for kill in range(kills):
            fleet.await_a_run()
            who = dice.choice(("scheduler", "client", *fleet.names, *fleet.names))
            time.sleep(dice.uniform(0.0, 7.0))
            logger.info("kill %d: %s, after %s", kill, who, {name: fleet.begun(name) for name in fleet.names})
            if fleet.is_running(who):
                fleet.kill(who)
                time.sleep(dice.uniform(0.0, 2.0))
            fleet.start(who)
        if not fleet.is_running("client"):
            fleet.start_client()
        assert fleet.await_client() == 0, fleet.said("client")
        yield fleet
