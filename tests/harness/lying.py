"""A SUT that lies: the agent's protocol spoken by this process, with one lie in it. No SSH, a meter of 60 W.

Knows the protocol of `harness.sut.agent` as the host sees it. What is told and recorded of it is the product's own: the
link, the session, the recorder, the run.
"""

import json
import math
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from harness.measure.bench import Bench
from harness.measure.lab_file import LabConfig, load
from harness.measure.material import Inventory, Material
from harness.record.documents import Json
from harness.record.errors import SutUnreachable
from harness.record.seal import unsigned
from harness.station.station import SutSection
from harness.sut.machine import Fetched, Sut
from harness.sut.session import AgentSession, OnExchange, OnRecord
from meters.meter import Meter, MeterTimeout, MeterUnavailable
from meters.reading import Column, Description, Identity, Origin, Reading

POWER_W = 60.0
WINDOW_S = 0.05
PERIOD_S = 0.05
RATING_S = 0.4
FACTS: Json = {
    "hostname": "sut", "os": "o", "kernel": "k", "machine": "m", "cpu": "c", "cpu_count": 2, "memory_kb": 1000,
    "gpus": [], "boot_id": "b", "python": "3.11",
}  # fmt: skip
LAB = """\
schema = 1
[lab]
name = "L"
operator = "o"
[campaign]
name = "c"
seed = 1
order = "shuffled"
stabilization_s = 0.05
supplementary_s = 0.1
[baseline]
blocks = 2
duration_s = 1
[sut]
host = "h"
python = "python3"
reconnect_s = 1
sample_period_s = 0.05
[meters.wall]
driver = "wattsup"
port = "/dev/ttyUSB0"
circuit = "sut-ac-inlet"
[thresholds]
gap_windows = 20.0 # a busy machine may hold this process up
[scenarios.work]
command = ["work"]
artifacts = ["summary.json"]
repetitions = 1
"""


@dataclass(frozen=True, slots=True)
class Lie:
    """`outgoing`: what goes over the wire in place of a message; `during`: lines (or messages) said in the rating
    interval besides; `files`: what lies in the artifacts folder; `rating_s`: how long the command takes;
    `lost`: what of the program's output is gone."""

    outgoing: Callable[[Json], Iterable[bytes]] = lambda message: [encoded(message)]
    during: Sequence[Json | bytes] = ()
    files: dict[str, bytes] = field(default_factory=lambda: {"summary.json": b"{}"})
    rating_s: float = RATING_S
    lost: Sequence[str] = ()


def encoded(message: Json) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class Wire:
    """Both ends of a channel: the host's has what the product uses of paramiko's."""

    def __init__(self) -> None:
        self.host, self.sut = socket.socketpair()
        self.status_event = threading.Event()

    def settimeout(self, timeout_s: float | None) -> None:
        self.host.settimeout(timeout_s)

    def recv(self, most: int) -> bytes:
        return self.host.recv(most)

    def sendall(self, line: bytes) -> None:
        self.host.sendall(line)

    def recv_stderr(self, most: int) -> bytes:
        return b""

    def close(self) -> None:
        self.host.close()


class LyingAgent(threading.Thread):
    """One agent: samples, answers, rates a command that takes RATING_S; every word passes the lie."""

    def __init__(self, wire: Wire, lie: Lie) -> None:
        super().__init__(name="lying agent", daemon=True)
        self._sock, self.lie = wire.sut, lie
        self._at = 0
        self._rating_end_ns: int | None = None
        self._begin_ns = 0
        self._sampling = False

    def run(self) -> None:
        rest, next_ns = b"", time.monotonic_ns()
        try:
            while True:
                if select.select([self._sock], [], [], PERIOD_S / 2)[0]:
                    block = self._sock.recv(1 << 16)
                    if not block:
                        return
                    *lines, rest = (rest + block).split(b"\n")
                    for line in lines:
                        self._on_request(json.loads(line))
                now_ns = time.monotonic_ns()
                if self._sampling and now_ns >= next_ns:
                    next_ns = now_ns + int(PERIOD_S * 1e9)
                    self.record({"rec": "sample", **stamps(), "values": [50.0, 0.001]})
                if self._rating_end_ns is not None and now_ns >= self._rating_end_ns:
                    self._end(0, None)
        except OSError:
            return
        finally:
            self._sock.close()

    def record(self, record: Json | bytes) -> None:
        """One line of the journal, or bytes as they are."""
        if isinstance(record, bytes):
            self._sock.sendall(record)
            return
        self._at += len(encoded(record))
        self.say({"at": self._at, "journal": record})

    def say(self, message: Json) -> None:
        for line in self.lie.outgoing(message):
            self._sock.sendall(line)

    def _on_request(self, request: Json) -> None:
        number, operation = request["id"], request["op"]
        match operation:
            case "hello":
                self.say({"id": number, "size": self._at, "fault": None})
                columns = [
                    {"name": n, "unit": "%", "quantity": n, "method": n, "kind": "gauge"} for n in ("cpu_percent", "b")
                ]
                self.record({"rec": "descriptor", **stamps(), "period_s": PERIOD_S, "columns": columns})
                self._sampling = True
            case "ping":
                self.say({"id": number, **stamps(), "sut_boot_ns": time.monotonic_ns()})
            case "rate":
                now = stamps()
                length_s = self.lie.rating_s if request["duration_s"] is None else request["duration_s"]
                self._begin_ns, self._rating_end_ns = now["sut_ns"], now["sut_ns"] + int(length_s * 1e9)
                self.record({"rec": "phase", "name": "rating", "edge": "begin", **now})
                self.say({"id": number})
                for said in self.lie.during:
                    self.record(said if isinstance(said, bytes) else stamps() | said)
            case "kill":
                if self._rating_end_ns is not None:
                    self._end(None, "killed by the host")
                self.say({"id": number})
            case "finish":
                self._sampling = False
                self.say({"id": number, "size": self._at})
            case "bye":
                self.say({"id": number})
                self._sock.shutdown(socket.SHUT_WR)

    def _end(self, code: int | None, reason: str | None) -> None:
        self._rating_end_ns = None
        more: Json = {"exit_code": code, "reason": reason, "begin_ns": self._begin_ns, "frozen": []}
        self.record({"rec": "phase", "name": "rating", "edge": "end", **stamps(), **more})


def stamps() -> dict[str, int]:
    return {"sut_ns": time.monotonic_ns(), "sut_wall_ns": time.time_ns()}


class LyingSut(Sut):
    """A SUT at the other end of such wires; lies in the runs of the scenario only."""

    def __init__(self, lie: Lie) -> None:
        super().__init__(SutSection(host="sut", user="u", python="python3"))
        self.lie = lie
        self.removed: list[str] = []

    def stage(self, run_uid: str, files: Any) -> str:  # noqa: ANN401
        return f"/runs/{run_uid}/work"

    def start_agent(
        self, run_uid: str, *, period_s: float, reconnect_s: float, on_record: OnRecord, on_exchange: OnExchange
    ) -> AgentSession:
        session = AgentSession(self, f"/runs/{run_uid}/agent", reconnect_s, on_record, on_exchange)
        self._sessions[f"/runs/{run_uid}"] = session
        return session

    def attach(self, folder: str) -> Any:  # noqa: ANN401
        wire = Wire()
        self._agent_there = LyingAgent(wire, self.lie)
        self._agent_there.start()
        return wire

    def ask_program(self, python: str, source: str, *arguments: str) -> Json:
        """No command here names a file or runs a Python."""
        return {"files": [], "binary": None, "interpreter": None}

    def fall_silent(self) -> None:
        """From now on the agent says nothing, and stays on the line."""
        self._agent_there.lie = Lie(outgoing=lambda message: [])

    def reopen(self, timeout_s: float) -> None:
        raise SutUnreachable("nobody there")

    def fetch(self, work: str, names: Sequence[str]) -> Fetched:
        there = {"stdout.txt": b"", "stderr.txt": b""} | self.lie.files
        files = {name: content for name, content in there.items() if name in names and name not in self.lie.lost}
        return Fetched(files, {name: "is not there" for name in names if name not in files})

    def unstage(self, work: str) -> None:
        if (session := self._sessions.pop(work.removesuffix("/work"), None)) is not None:
            session.abandon()
        self.removed.append(work)


class SteadyMeter:
    """60 W, every 50 ms or more slowly; silent from when its `end_ns` has come."""

    def __init__(self, window_s: float = WINDOW_S, end_ns: float = math.inf) -> None:
        self._next_ns, self._window_s, self._end_ns = time.monotonic_ns(), window_s, end_ns

    def identify(self) -> Identity:
        return Identity("maker", "EMULATED", "1", "fw")

    def origin(self) -> Origin:
        return Origin("emulated", {})

    def describe(self) -> Description:
        column = Column("power_w", "W", 0.1, (0.0, 1000.0), None)
        return Description("steady", "window", self._window_s, "end", 0.0, (column,), "uncalibrated")

    def read(self, timeout_s: float) -> Reading:
        wait_s = (self._next_ns - time.monotonic_ns()) * 1e-9
        if wait_s > timeout_s or time.monotonic_ns() > self._end_ns:
            time.sleep(timeout_s)
            raise MeterTimeout("nothing yet")
        time.sleep(max(0.0, wait_s))
        self._next_ns += int(self._window_s * 1e9)
        return Reading(time.monotonic_ns(), POWER_W, window_s=self._window_s)

    def reopen(self) -> None:
        raise MeterUnavailable("it stays silent")

    def close(self) -> None:
        pass


def config_in(folder: Path, text: str = LAB) -> LabConfig:
    (folder / "lab.toml").write_text(text)
    return load(folder / "lab.toml")


def bench_of(config: LabConfig, sut: Sut, meter: Callable[[], Meter] = SteadyMeter) -> Bench:
    def open_meter(_wire: BinaryIO) -> Meter:
        return meter()

    return Bench(
        config=config, sut=sut, sut_facts=dict(FACTS), host_facts={"boot_id": "host"},
        software={"version": "0", "commit": None, "dirty": None}, open_meters={"wall": open_meter}, register=None,
        agent_source=b"", marker_source=b"", data_folder="/data", inventory=Inventory(sut),
        sign=unsigned,
    )  # fmt: skip


MATERIAL = Material({}, [], None)
"""Of runs that stage nothing."""


def only(is_meant: Callable[[Json], bool], change: Callable[[Json], Iterable[bytes]]) -> Lie:
    """A lie about some messages."""
    return Lie(outgoing=lambda message: change(message) if is_meant(message) else [encoded(message)])


def in_record(is_meant: Callable[[Json], bool], **fields: object) -> Lie:
    """Another value in some of the journal's records."""

    def change(message: Json) -> Iterable[bytes]:
        return [encoded(message | {"journal": message["journal"] | fields})]

    return only(lambda message: "journal" in message and is_meant(message["journal"]), change)


def saying(*lines: Json | bytes, lie: Lie | None = None) -> Lie:
    """A lie that says more than it should, in the rating interval."""
    return replace(lie or Lie(), during=lines)
