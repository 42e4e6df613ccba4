"""`wattlab meter record` with emulated meters: the folder it makes, its own proof, what it refuses."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir

import pytest

from harness import cli
from harness.station.station import APPLICATION
from meters.emulators.__main__ import main as emulate
from meters.session import DOCUMENT, WIRE_LOG, Session, read_session, write_session
from tests.meters.conftest import FIRST_LINE, EmulatorProcess, StartEmulator
from tests.meters.far_ends import BarePty

TELEGRAMS = Path(__file__).parents[1] / "data" / "telegrams"


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "sessions" / "kettle"


def record(into: Path, driver: str, port: str, *words: str) -> int:
    return cli.main(["meter", "record", driver, port, "--into", str(into), *words])


def test_a_pushing_meter_is_recorded_and_replays(
    into: Path, start_emulator: StartEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator = start_emulator("--interval", "0.05", "--profile", "watts=0:50,0.3:55,0.6:60,0.9:65,1.2:70")
    assert record(into, "wattsup", emulator.address, "--count", "5", "--note", "a kettle") == 0
    out = capsys.readouterr().out
    assert "replayed: 5 readings, identical" in out
    assert "This meter is emulated, and the session says so: it tells nothing about an instrument." in out
    session, log = read_session(into)
    assert (session.driver, session.port_kind, session.note, session.origin.kind) == (
        "wattsup",
        "serial",
        "a kettle",
        "emulated",
    )
    assert len(session.readings) == 5
    assert {"<", ">"} == {exchange.direction for exchange in log}
    assert json.loads((into / DOCUMENT).read_text())["description"]["window_s"] == 1.0
    assert sorted(path.name for path in into.iterdir()) == [DOCUMENT, WIRE_LOG]


def test_a_polled_meter_is_recorded_for_a_time_with_its_options(
    into: Path, start_emulator: StartEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator = start_emulator("--interval", "0.05", name="pzem")
    words = ("--seconds", "0.5", "--option", "interval_s=0.1", "--option", "parity=N")
    assert record(into, "pzem", emulator.address, *words) == 0
    assert "readings, identical" in capsys.readouterr().out
    session, _log = read_session(into)
    assert session.options == {"interval_s": 0.1, "parity": "N"}
    assert 1 <= len(session.readings) <= 7


def test_a_meter_on_the_network_is_recorded_and_replays(
    into: Path, start_emulator: StartEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator = start_emulator("--interval", "0.05", name="shelly")
    assert record(into, "shelly", emulator.address, "--count", "3", "--option", "interval_s=0.05") == 0
    assert "replayed: 3 readings, identical" in capsys.readouterr().out
    session, _log = read_session(into)
    assert session.port_kind == "http"
    assert session.identity.emulated


def test_garbage_in_a_session_is_recorded_and_replays_too(
    into: Path, talking_pty: BarePty, capsys: pytest.CaptureFixture[str]
) -> None:
    talking_pty.answers[-1] = (rb"#L,W,3,E,0,1;", FIRST_LINE + b"\x00\xff#d,-,18,9" + FIRST_LINE)
    assert record(into, "wattsup", talking_pty.path, "--count", "2") == 0
    assert "replayed: 2 readings, identical" in capsys.readouterr().out
    session, _log = read_session(into)
    assert [reading.flags for reading in session.readings] == [frozenset(), {"resynced"}]


def written_otherwise(old: str, new: str) -> Callable[[Path, Session], None]:
    """What writes a session in which one thing is another, as a driver that changed since would see it."""

    def write(folder: Path, session: Session) -> None:
        write_session(folder, session)
        text = (folder / DOCUMENT).read_text()
        assert old in text
        (folder / DOCUMENT).write_text(text.replace(old, new))

    return write


def test_a_meter_that_was_over_its_range_once_is_recorded_and_replays(
    into: Path, start_emulator: StartEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--interval", "0.03", "--profile", "watts=0:50", "--no-throttle")
    emulator = start_emulator(*arguments, "--fault", "overrange=2@0", name="wt310")
    assert record(into, "wt310", emulator.address, "--count", "12", "--option", "rate_s=0.1") == 0
    assert "replayed: 12 readings, identical" in capsys.readouterr().out
    readings = read_session(into)[0].readings
    assert [reading.power_w for reading in readings if "overrange" in reading.flags] == [None]


@pytest.mark.parametrize("name", ["sml_phase_power_only.hex", "iec_register_star00.txt"])
def test_a_utility_meter_is_recorded_with_a_power_or_none_and_replays(
    into: Path, name: str, bare_pty: BarePty, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (TELEGRAMS / name).read_bytes()
    driver = "sml" if name.endswith(".hex") else "iec62056"
    telegram = bytes.fromhex(content.decode()) if driver == "sml" else content
    over = threading.Event()

    def push() -> None:
        while not over.wait(0.1):
            bare_pty.send(telegram)

    options = [] if driver == "sml" else ["--option=mode=push", "--option=characters=plain"]
    pushing = threading.Thread(target=push)
    pushing.start()
    try:
        assert record(into, driver, bare_pty.path, "--count", "3", *options) == 0
    finally:
        over.set()
        pushing.join()
    out = capsys.readouterr().out
    assert "replayed: 3 readings, identical" in out
    power_w, remark = {
        "sml": (507.0, "remark: power is taken from the phases: 1-0:36.7.0*255"),
        "iec62056": (None, "remark: the meter sends no active power"),
    }[driver]
    assert remark in out
    assert {reading.power_w for reading in read_session(into)[0].readings} == {power_w}


def test_a_driver_that_reads_other_numbers_from_the_same_bytes_is_exit_code_3(
    into: Path, talking_pty: BarePty, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = written_otherwise('"power_w": 97.2', '"power_w": 97.3')
    monkeypatch.setattr("harness.cli.meter_record.write_session", other)
    assert record(into, "wattsup", talking_pty.path, "--count", "1") == 3
    assert "replayed: reading 1 of 1: found power_w 97.2, recorded is 97.3" in capsys.readouterr().out


def test_a_driver_that_asks_something_else_is_told_by_the_replay(
    into: Path, start_emulator: StartEmulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = start_emulator("--interval", "0.05", name="pzem")
    other = written_otherwise('"interval_s": 0.05', '"interval_s": 0.05, "address": 7.0')
    monkeypatch.setattr("harness.cli.meter_record.write_session", other)
    assert record(into, "pzem", emulator.address, "--count", "1", "--option", "interval_s=0.05") == 3
    out = capsys.readouterr().out
    assert "replayed: after 0 of 1 readings:" in out
    assert "wire.log:1: the host says something else than when this was recorded: found b'\\x07" in out


def test_what_differs_without_waiting_is_played_at_the_recorded_pace(
    into: Path, talking_pty: BarePty, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    speeds: list[float | None] = []

    def replayed(_folder: Path, speed: float | None, _console: object) -> str | None:
        speeds.append(speed)
        return "reading 1 of 1: ..." if speed is None else None

    monkeypatch.setattr("harness.cli.meter_record._replayed", replayed)
    assert record(into, "wattsup", talking_pty.path, "--count", "1") == 0
    assert speeds == [None, 1.0]
    assert "replayed: 1 readings, identical, at the recorded pace only" in capsys.readouterr().out


# --- what it refuses ----------------------------------------------------------------------------------------------


def test_no_session_is_written_over_another(into: Path, capsys: pytest.CaptureFixture[str]) -> None:
    into.mkdir(parents=True)
    assert record(into, "wattsup", "/dev/ttyUSB99") == 1
    assert "exists; a session is never recorded over another, name a new folder" in capsys.readouterr().err
    assert list(into.iterdir()) == []


def test_a_port_that_is_not_there_leaves_no_folder(into: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert record(into, "wattsup", "/dev/ttyUSB99") == 1
    assert "/dev/ttyUSB99: cannot be opened" in capsys.readouterr().err
    assert not into.exists()


def test_what_a_meter_said_that_could_not_be_read_stays(
    into: Path, bare_pty: BarePty, capsys: pytest.CaptureFixture[str]
) -> None:
    bare_pty.answers = [(rb"#V,R,0;", b"#v,-,8,9,0,1,3,4,12,20050814,0;\r\n")]
    assert record(into, "wattsup", bare_pty.path) == 1
    err = capsys.readouterr().err
    assert "found model number '9'" in err
    assert f"(what was said until then stands in {into / WIRE_LOG}; it is no session)" in err
    assert b" < 2376" in (into / WIRE_LOG).read_bytes()
    assert not (into / DOCUMENT).exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--count", "0"], "--count: found '0', expected a whole number, 1 or more"),
        (["--seconds", "0"], "--seconds: found '0', expected seconds above 0"),
        (["--seconds", "inf"], "--seconds: found 'inf', expected seconds above 0"),
    ],
)
def test_a_length_that_is_none_is_refused(
    into: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="1"):
        record(into, "wattsup", "/dev/ttyUSB99", *words)
    assert message in capsys.readouterr().err
    assert not into.exists()


# --- the replay on its own ------------------------------------------------------------------------------------------


def test_an_emulator_on_the_network_needs_no_control_pipe_of_the_users() -> None:
    words = [sys.executable, "-m", "meters.emulators", "shelly", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(words, cwd=APPLICATION, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        control = Path(ready["control"])
        assert control.is_fifo()
        assert control.parent == Path(gettempdir())
        process.terminate()
    assert process.returncode == 0
    assert not control.exists()


def test_a_replay_is_started_like_an_emulator_and_reads_as_its_meter(
    into: Path, start_emulator: StartEmulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator = start_emulator("--interval", "0.05")
    assert record(into, "wattsup", emulator.address, "--count", "2") == 0
    emulator.stop()
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    replay = EmulatorProcess(tmp_path, "replay", "--session", str(into), "--listen", address, "--speed", "10")
    try:
        assert replay.address == f"socket://{address}"
        assert cli.main(["meter", "read", "wattsup", replay.address, "--count", "2"]) == 0
        assert "emulated" in capsys.readouterr().out
        assert cli.main(["meter", "read", "wattsup", replay.address, "--count", "1"]) == 1
        assert replay.process.wait(10) == 1
    finally:
        _code, err = replay.stop()
    assert "wire.log: the session is over after" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "replay: expected --session FOLDER"),
        (["--session", "nowhere"], "nowhere/session.json: No such file or directory; expected a folder with"),
        (["--session", "nowhere", "--speed", "0"], "--speed 0.0: expected a number above 0"),
    ],
)
def test_a_replay_without_a_session_says_what_it_needs(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert emulate(["replay", "--link", "unused", *words]) == 1
    assert message in capsys.readouterr().err
