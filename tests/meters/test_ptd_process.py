"""Our meters behind the protocol of PTDaemon as a process, and sessions as other people's clients run them.

The clients are ours. They send what published clients send, in their order, and take replies apart the way those do:
MLPerf's power server (mlcommons/power-dev, ptd_client_server/lib/server.py), and our own driver.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.cli import main
from harness.cli.meter_serve import parse_ptd
from harness.foreign.importers.ptd.reader import read_log
from harness.foreign.importers.source import read_source
from harness.record.errors import ConfigError
from meters.ptdaemon.codec import decode_statistic
from meters.registry import open_meter
from tests.meters.conftest import StartEmulator, wait_until
from tests.meters.ptd_bench import STARTED, Client

# --- the process ----------------------------------------------------------------------------------------------------


class Process:
    """`wattlab meter serve-ptd` with its window in a file."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.window = folder / "window.txt"
        with self.window.open("wb") as out:
            command = [sys.executable, "-m", "harness.cli", "meter", "serve-ptd", *arguments]
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        wait_until(lambda: self.process.poll() is not None or "Waiting" in self.text(), "the server", 90.0)
        listening = re.search(r"Establishing the listener on port (\d+)\.\.\.", self.text())
        assert listening is not None, self.text()
        self.port = int(listening.group(1))

    def text(self) -> str:
        return self.window.read_text(encoding="utf-8")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)


StartProcess = Callable[..., Process]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[StartProcess]:
    started: list[Process] = []

    def start(*arguments: str) -> Process:
        started.append(Process(tmp_path, *arguments))
        return started[-1]

    yield start
    for process in started:
        if process.process.poll() is None:
            process.stop()


# As MLPerf's server finds its rows in the log of ptd (server.py, RE_PTD_LOG): this many fields, Mark after PF.
LOGGED = re.compile(r"Time,[^,]*,Watts,[^,]*,Volts,(?P<v>[^,]*),Amps,(?P<a>[^,]*),PF,[^,]*,Mark,(?P<mark>[^,]*)")


class MlperfSession:
    """Ranging, then testing with the ranges found, word for word as Session.start, Session.stop and Ptd.terminate send
    it (mlcommons/power-dev c4b3ad8); its pauses of ten seconds are left out. Keeps what was answered."""

    def __init__(self, client: Client, log: Path) -> None:
        self._client, self._log = client, log
        self.ranges: list[str] = []
        self.uncertainties: dict[str, float] = {}
        self.rows: list[str] = []

    def play(self) -> None:
        client = self._client
        assert client.ask("Hello") == "Hello, PTDaemon here!"
        client.ask("Identify")
        initial = client.ask("RR").split(",")
        for command in ("SR,V,Auto", "SR,A,Auto", "SR,A,Auto"):
            self._set(command)
        volts, amps = self._measure("ranging")
        self._set(f"SR,V,{volts:.6f}")
        self._set(f"SR,A,{1.1 * amps}")
        self._measure("testing")
        for axis, place in (("V", 3), ("A", 1)):  # what the ranges were, or automatic
            is_fixed = initial[place] == "0" and float(initial[place + 1]) > 0
            self._set(f"SR,{axis},{initial[place + 1] if is_fixed else 'Auto'}")

    def _set(self, command: str) -> None:
        self.ranges.append(self._client.ask(command))
        assert "Error" not in self.ranges[-1]  # MLPerf's server breaks off at this word

    def _measure(self, mode: str) -> tuple[float, float]:
        """Greatest voltage and current of a measurement, as the log of ptd has them."""
        client, mark = self._client, f"2026-01-01_00-00-00_{mode}"
        assert client.ask(f"Go,1000,0,{mark}") == STARTED.format(1000, 0)
        time.sleep(1.6)
        if mode == "testing":
            assert client.ask("Watts").startswith("Watts,50.0")
            assert client.ask("Uncertainty").startswith("Uncertainty,")
        assert client.ask("Stop") == "Stopping untimed measurement"
        assert client.ask("RL,*,*") == "Invalid number of parameters"  # one channel: it asks again without
        rows = client.rows()
        self.uncertainties[mode] = decode_statistic(client.ask("Uncertainty"), "Uncertainty").mean
        assert decode_statistic(client.ask("Watts"), "Watts").mean == 50.0
        found = [match for line in self._log.read_text().splitlines() if (match := LOGGED.fullmatch(line))]
        logged = [match for match in found if match["mark"] == mark]
        assert len(logged) == len(rows) >= 2
        self.rows += rows
        return max(float(match["v"]) for match in logged), max(float(match["a"]) for match in logged)


def messages(window: str) -> list[str]:
    return [line[25:] for line in window.splitlines() if re.match(r"\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d{3}: ", line)]


def test_a_session_as_mlperf_runs_it_finds_its_rows_ranges_and_events(
    start_emulator: StartEmulator, serve: StartProcess, tmp_path: Path
) -> None:
    emulator = start_emulator("--interval", "0.05", "--no-throttle", "--profile", "watts=50")
    log = tmp_path / "ptd_logfile.txt"
    server = serve("wattsup", "--ptd", "-l", str(log), "-p", "0", "-y", "49", emulator.address)
    with Client(server.port) as client:
        session = MlperfSession(client, log)
        session.play()
    assert {reply.partition(": ")[2] for reply in session.ranges} == {"wattlab-wattsup has no such range to set"}
    assert session.uncertainties == {"ranging": 0.021, "testing": 0.021}
    assert server.stop() == 0
    window = server.text()
    assert "Device type 49 was asked for; what is served is wattlab-wattsup" in window
    lines = messages(window)
    assert lines.count("Completed test") == 2
    assert lines.index("Uncertainty checking for wattlab-wattsup is activated") < lines.index(
        "Go with mark '2026-01-01_00-00-00_ranging'"
    )
    assert not any("Yokogawa" in line for line in lines)
    assert all(LOGGED.fullmatch(line) for line in log.read_text().splitlines())


def test_a_session_on_an_analyser_sets_its_ranges_and_leaves_a_console_log_that_is_read_as_a_whole(
    start_emulator: StartEmulator, serve: StartProcess, tmp_path: Path
) -> None:
    emulator = start_emulator("--no-throttle", "--profile", "watts=50", name="wt310")
    log = tmp_path / "ptd_logfile.txt"
    server = serve("wt310", "--option", "rate_s=0.25", "--ptd", "-l", str(log), "-p", "0", "49", emulator.address)
    with Client(server.port) as client:
        session = MlperfSession(client, log)
        session.play()
    assert session.ranges == [f"Range {axis} changed" for axis in "VAAVAVA"]
    # .1 % of reading and .05 % of range: 600 V x 20 A, then 300 V x .5 A
    assert session.uncertainties == pytest.approx({"ranging": 0.001 + 6.0 / 50, "testing": 0.001 + 0.075 / 50})
    assert server.stop() == 0
    window = server.text()
    assert [line for line in window.splitlines() if line.startswith("Time,")] == session.rows
    assert [line for line in messages(window) if "range set to" in line] == [
        "Volt range set to Auto", "Ampere range set to Auto", "Ampere range set to Auto",
        "Volt range set to 300.000000V", "Amp range set to 0.500000A", "Volt range set to Auto",
        "Ampere range set to Auto",
    ]  # fmt: skip
    read = read_log(read_source(server.window))
    assert [(go.mark[20:], len(go.reply), go.completed, go.checked) for go in read.goes] == [
        (mode, sum(f"_{mode}" in line for line in log.read_text().splitlines()), True, True)
        for mode in ("ranging", "testing")
    ]
    assert read.damaged == []


def test_our_own_driver_reads_our_server(start_emulator: StartEmulator, serve: StartProcess) -> None:
    emulator = start_emulator("--interval", "0.05", "--no-throttle", "--profile", "watts=50")
    server = serve("wattsup", emulator.address, "--listen", "127.0.0.1:0", "--option", "range_w=1000")
    meter = open_meter("ptdaemon", f"socket://127.0.0.1:{server.port}", capture=None, options={"interval_ms": 100.0})
    try:
        assert meter.identify().maker == "Electronic Educational Devices"
        assert meter.identify().emulated
        assert (meter.describe().tier, meter.describe().ranging) == ("uncalibrated", "fixed")
        found = [meter.read(2.0) for _ in range(5)]
        assert [one.power_w for one in found] == [50.0] * 5
        assert [one.relative_uncertainty for one in found] == [0.021] * 5
    finally:
        meter.close()


def test_ptd_arguments_are_taken_as_ptd_takes_them() -> None:
    place = parse_ptd(["-l", "ptd.log", "-e", "-y", "-p", "8889", "-b", "0", "49", "C2PH13047V"])
    assert (place.log, place.extended, place.tcp_port) == (Path("ptd.log"), True, 8889)
    assert (place.device_type, place.device_port) == (49, "C2PH13047V")
    assert parse_ptd(["0", "/dev/ttyUSB0"]).tcp_port == 8888


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("wattsup",), "expected the port of the meter"),
        (("wattsup", "/nowhere/wall"), "/nowhere/wall: cannot be opened: there is no such port"),
        (("wattsup", "PORT", "--listen", "8888"), "--listen 8888: expected HOST:PORT"),
        (("wattsup", "/dev/wall", "--option", "baud"), "--option baud: expected NAME=VALUE"),
        (("wattsup", "/dev/wall", "--option", "colour=red"), "unknown option 'colour'"),
        (("wattsup", "PORT", "--ptd", "0", "x"), "found PORT, --listen or --log beside --ptd"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_exit_code_1(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], text: str
) -> None:
    assert main(["meter", "serve-ptd", *arguments]) == 1
    said = capsys.readouterr().err
    assert text in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "expected .-l FILE. .-e. .-p PORT. TYPE DEVICE"),
        (["-c", "1,2", "77", "x"], "expected one channel of alternating current"),
        (["-D", "549", "x"], "expected one channel of alternating current"),
        (["-p", "http", "0", "x"], "invalid int value: 'http'"),
        (["-z", "0", "x"], "unrecognized arguments: -z"),
        (["WT310", "x"], "invalid int value: 'WT310'"),
    ],
)
def test_arguments_ptd_would_not_take_are_one_sentence(words: list[str], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        parse_ptd(words)
