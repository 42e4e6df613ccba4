"""Recorded sessions: what a meter said then is still read as it was.

Until somebody records an instrument, every session is that of an emulator of ours: it proves that driver and recording
agree, and that a change of a codec is noticed. It proves nothing about any instrument.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.access import ANYBODY, REPLAYED, Access
from meters.deadline import Deadline
from meters.emulators.bench import Bench, ControlPipe
from meters.emulators.faults import Faults
from meters.emulators.replay import PatientPtyWire, ReplayDevice
from meters.emulators.tcp_wire import TcpWire
from meters.emulators.udp_wire import UdpWire
from meters.http_wire import HttpWire
from meters.meter import CaptureError, Meter, MeterGarbage, MeterTimeout, MeterUnplugged
from meters.reading import FLAGS, QUANTITIES, WITHOUT_POWER, Reading
from meters.registry import DRIVERS, open_meter
from meters.session import DOCUMENT, WIRE_LOG, Session, first_difference, read_session, write_session
from meters.wire_log import Exchange
from tests.meters.conftest import FIRST_LINE, HEADER_REPLY, VERSION_REPLY

SESSIONS = Path(__file__).resolve().parents[1] / "data" / "sessions"
FOLDERS = sorted(folder for folder in SESSIONS.iterdir() if folder.is_dir())
LATE_FOR_S = 10.0


class Player:
    """A replay in a thread; what ended it stands in `trouble`."""

    def __init__(self, folder: Path, log: tuple[Exchange, ...], port_kind: str, speed: float | None) -> None:
        device = ReplayDevice(log, WIRE_LOG, http=port_kind == "http", speed=speed)
        wire: PatientPtyWire | TcpWire | UdpWire
        if port_kind in ("serial", "usbtmc"):
            wire = PatientPtyWire(folder / "wall", 9600, throttle=False, sink=None)
            self.port = str(folder / "wall")
        elif port_kind in ("snmp", "ipmi"):
            wire = UdpWire("127.0.0.1", 0, sink=None)
            self.port = f"{port_kind}://{wire.address}"
        else:
            wire = TcpWire("127.0.0.1", 0, bytes_per_s=None, sink=None)
            self.port = f"{port_kind if port_kind in ('http', 'mqtt') else 'socket'}://{wire.address}"
        device.wait_for(wire)
        self.trouble = ""
        self._wire, self._control = wire, ControlPipe(folder / "wall.control")
        self._bench = Bench(device, wire, Faults(1), self._control, [])
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def _play(self) -> None:
        try:
            self._bench.run()
        except ValueError as error:
            self.trouble = str(error)
        finally:
            self._wire.unplug()

    def stop(self) -> None:
        self._bench.stop()
        self._thread.join()
        self._control.close()


@contextmanager
def playing(folder: Path, log: tuple[Exchange, ...], port_kind: str, speed: float | None = None) -> Iterator[Player]:
    player = Player(folder, log, port_kind, speed)
    try:
        yield player
    finally:
        player.stop()


def read_all(meter: Meter, session: Session) -> list[Reading]:
    found: list[Reading] = []
    end = time.monotonic() + LATE_FOR_S
    while len(found) < len(session.readings) and time.monotonic() < end:
        try:
            found.append(meter.read(0.5))
        except (MeterTimeout, MeterGarbage):
            continue
        end = time.monotonic() + LATE_FOR_S
    return found


def played_again(folder: Path, session: Session, log: tuple[Exchange, ...], speed: float | None) -> str | None:
    """The first difference between the session and what its driver reads from its bytes; checks what it must claim."""
    with playing(folder, log, session.port_kind, speed) as player:
        access = Access(REPLAYED) if session.login else ANYBODY
        meter = open_meter(session.driver, player.port, capture=None, options=session.options, access=access)
        try:
            assert meter.identify() == session.identity
            assert meter.origin().kind == "emulated"
            return first_difference(session.readings, read_all(meter, session))
        finally:
            meter.close()


@pytest.mark.parametrize("name", [folder.name for folder in FOLDERS])
def test_a_recorded_session_is_read_as_it_was(name: str, tmp_path: Path) -> None:
    session, log = read_session(SESSIONS / name)
    difference = played_again(tmp_path, session, log, None)
    if difference is not None:  # late replies and repeats are known by their time
        difference = played_again(tmp_path, session, log, 1.0)
    assert difference is None


def test_there_is_a_session_of_every_driver() -> None:
    assert {read_session(folder)[0].driver for folder in FOLDERS} == set(DRIVERS)


def test_a_session_that_is_called_emulated_is_and_the_others_are_not() -> None:
    origins = {folder.name: read_session(folder)[0].origin.kind for folder in FOLDERS}
    assert {name for name, kind in origins.items() if kind == "emulated"} == {
        name for name in origins if name.startswith("emulated-")
    }


def test_a_session_holds_several_readings_and_is_small() -> None:
    for folder in FOLDERS:
        session, log = read_session(folder)
        assert len(session.readings) >= 5
        assert any(reading.power_w is not None for reading in session.readings)
        assert sum(len(exchange.data) for exchange in log) < 1 << 20


def test_the_power_of_an_emulated_session_is_not_always_the_same() -> None:
    sessions = {folder.name: read_session(folder)[0] for folder in FOLDERS if folder.name.startswith("emulated-")}
    assert [name for name, session in sessions.items() if len({row.power_w for row in session.readings}) == 1] == []


# --- what a replay shows ------------------------------------------------------------------------------------------

DIALOGUE = (
    Exchange(1_000_000_000, ">", b"#V,R,0;"),
    Exchange(1_100_000_000, "<", VERSION_REPLY),
    Exchange(1_200_000_000, ">", b"#H,R,0;"),
    Exchange(1_300_000_000, "<", HEADER_REPLY),
    Exchange(1_400_000_000, ">", b"#C,W,18" + b",1" * 18 + b";"),
    Exchange(1_400_100_000, ">", b"#L,W,3,E,0,1;"),
    Exchange(1_500_000_000, "<", FIRST_LINE[:30]),
    Exchange(1_600_000_000, "<", FIRST_LINE[30:]),
    Exchange(2_500_000_000, "<", FIRST_LINE.replace(b",972,2277,", b",973,2277,")),
)
"""Literal bytes of an instrument that says nowhere that it is emulated."""


def read_dialogue(folder: Path, log: tuple[Exchange, ...], speed: float | None = None) -> tuple[list[Reading], float]:
    """The two readings, and how many seconds lie between them."""
    with playing(folder, log, "serial", speed) as player:
        meter = open_meter("wattsup", player.port, capture=None, options={})
        try:
            assert not meter.identify().emulated
            assert meter.origin().kind == "emulated"
            one, two = meter.read(5.0), meter.read(5.0)
            return [one, two], (two.time_ns - one.time_ns) / 1e9
        finally:
            meter.close()


def test_the_bytes_of_an_instrument_are_emulated_when_they_are_replayed(tmp_path: Path) -> None:
    readings, apart_s = read_dialogue(tmp_path, DIALOGUE)
    assert [reading.power_w for reading in readings] == [97.2, 97.3]
    assert apart_s < 0.5


def test_at_a_given_speed_the_recorded_pauses_are_kept(tmp_path: Path) -> None:
    _readings, apart_s = read_dialogue(tmp_path, DIALOGUE, speed=3.0)
    assert apart_s > 0.25


def test_a_changed_byte_of_the_meter_changes_a_reading(tmp_path: Path) -> None:
    (tmp_path / "as-it-was").mkdir()
    (tmp_path / "changed").mkdir()
    recorded, _apart_s = read_dialogue(tmp_path / "as-it-was", DIALOGUE)
    changed = (*DIALOGUE[:-1], replace(DIALOGUE[-1], data=FIRST_LINE))
    found, _apart_s = read_dialogue(tmp_path / "changed", changed)
    assert first_difference(recorded, recorded) is None
    assert first_difference(recorded, found) == "reading 2 of 2: found power_w 97.2, recorded is 97.3"
    assert first_difference(recorded, recorded[:1]) == "found 1 readings, recorded are 2"
    flagged = [recorded[0], replace(recorded[1], flags=frozenset({"stale", "resynced"}))]
    assert first_difference(recorded, flagged) == ("reading 2 of 2: found flags resynced|stale, recorded is none")


def test_another_question_than_recorded_is_named_with_its_line(tmp_path: Path) -> None:
    log = (*DIALOGUE[:2], Exchange(1_200_000_000, ">", b"#H,W,0;"), *DIALOGUE[3:])
    with playing(tmp_path, log, "serial") as player:
        with pytest.raises((MeterTimeout, MeterUnplugged)):
            open_meter("wattsup", player.port, capture=None, options={})
        assert "wire.log:3: the host says something else" in player.trouble
        assert "found b'#H,R,0;', expected b'#H,W,0;'" in player.trouble


def test_a_question_after_the_end_is_named() -> None:
    device = ReplayDevice(DIALOGUE[:2], WIRE_LOG, http=False, speed=None)
    device.receive(b"#V,R", 0.0)
    assert device.next_push_s is None
    device.receive(b",0;", 1.0)
    assert device.next_push_s == 1.0
    assert device.push(1.0) == [VERSION_REPLY]
    assert device.next_push_s is None
    with pytest.raises(ValueError, match=r"wire.log: the session is over after 2 lines; found b'#V', expected nothing"):
        device.receive(b"#V", 2.0)


def test_a_host_ahead_of_the_recording_gets_at_once_what_came_before() -> None:
    device = ReplayDevice(DIALOGUE, WIRE_LOG, http=False, speed=1.0)
    assert device.receive(DIALOGUE[0].data, 0.0) == []
    assert device.next_push_s == pytest.approx(0.1)
    assert device.receive(DIALOGUE[2].data, 0.01) == [VERSION_REPLY]
    assert device.next_push_s == pytest.approx(0.11)


def test_what_came_before_the_first_question_waits_for_a_host_and_not_longer() -> None:
    class Port:
        connected = False

        def hang_up(self) -> None:
            raise AssertionError("nothing is to be ended")

    port, log = Port(), (Exchange(0, "<", b"left"), *DIALOGUE)
    device = ReplayDevice(log, WIRE_LOG, http=False, speed=None)
    device.wait_for(port)
    assert device.receive(b"", 5.0) == []
    assert device.next_push_s is None
    port.connected = True
    assert device.receive(b"", 6.0) == []
    assert device.next_push_s == pytest.approx(6.3)
    assert device.receive(DIALOGUE[0].data, 6.1) == []
    assert device.push(6.1) == [VERSION_REPLY]


def test_over_http_only_the_request_line_is_compared() -> None:
    log = (
        Exchange(1, ">", b"GET /a HTTP/1.1\r\nHost: 192.0.2.7\r\n\r\n"),
        Exchange(2, "<", b"HTTP/1.1 200 OK\r\n\r\n"),
    )
    device = ReplayDevice(log, WIRE_LOG, http=True, speed=None)
    assert device.receive(b"GET /a HTTP/1.1\r\nHost: 127.0.0.1:8", 0.0) == []
    assert device.next_push_s is None
    assert device.receive(b"1\r\n\r\n", 0.0) == []
    assert device.push(0.0) == [log[1].data]
    device = ReplayDevice(log, WIRE_LOG, http=True, speed=None)
    with pytest.raises(ValueError, match=r"found b'GET /b HTTP/1.1', expected b'GET /a HTTP/1.1'"):
        device.receive(b"GET /b HTTP/1.1\r\n\r\n", 0.0)


def test_an_answer_that_only_hanging_up_ends_is_ended(tmp_path: Path) -> None:
    answers = (b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{", b'"a": 1}')
    asked = Exchange(1, ">", b"GET /a HTTP/1.1\r\n\r\n")
    log = (asked, Exchange(2, "<", answers[0]), Exchange(3, "<", answers[1])) * 2
    with playing(tmp_path, log, "http") as player:
        wire = HttpWire(player.port, None)
        try:
            assert [wire.get("/a", Deadline(5.0)).data for _time in range(2)] == [b'{"a": 1}'] * 2
        finally:
            wire.close()


# --- folders that are none ----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "session"
    shutil.copytree(SESSIONS / "emulated-wattsup", copy)
    return copy


def change(folder: Path, **fields: object) -> None:
    document: dict[str, Any] = json.loads((folder / DOCUMENT).read_text())
    (folder / DOCUMENT).write_text(json.dumps(document | fields))


@pytest.mark.parametrize("name", [WIRE_LOG, DOCUMENT])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CaptureError, match=rf"{name}: No such file .*; expected a folder with wire.log and session"):
        read_session(folder)


def test_a_changed_byte_of_the_log_is_found(folder: Path) -> None:
    log = bytearray((folder / WIRE_LOG).read_bytes())
    log[-3] ^= 1
    (folder / WIRE_LOG).write_bytes(log)
    with pytest.raises(CaptureError, match=r"wire.log: found the digest .*; the log was changed after it was recorded"):
        read_session(folder)


def test_a_log_that_is_none_is_found_by_its_line(folder: Path) -> None:
    (folder / WIRE_LOG).write_bytes(b"1 < 23\nhello\n")
    change(folder, wire_log_sha256=hashlib.sha256(b"1 < 23\nhello\n").hexdigest())
    with pytest.raises(CaptureError, match=r"wire.log:2: found b'hello"):
        read_session(folder)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "found no JSON"),
        ("\udcff", "found no JSON"),
        ("[]", "found no `format`"),
        ('{"driver": "wattsup"}', "found no `format`"),
        ('{"format": 2}', "found format 2, expected at most 1; update wattlab"),
        ('{"format": 1}', "found wire_log_sha256 None, expected a str"),
    ],
)
def test_what_is_no_session_document_is_said(folder: Path, text: str, words: str) -> None:
    (folder / DOCUMENT).write_bytes(text.encode("utf-8", errors="surrogateescape"))
    with pytest.raises(CaptureError, match=words):
        read_session(folder)


SOUND: dict[str, object] = {"time_ns": 1, "power_w": 1.0, "window_s": 1.0, "flags": []}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"driver": 7}, "found driver 7, expected a str"),
        ({"port_kind": "smoke"}, "found port_kind 'smoke', expected one of serial, tcp"),
        ({"origin": "real"}, "found origin 'real', expected one of instrument"),
        ({"identity": {"maker": "M"}}, "found model None, expected a str"),
        ({"readings": [[]]}, "reading 1: found \\[\\], expected an object"),
        ({"readings": [SOUND | {"power_w": "5"}]}, "reading 1: found power_w '5', expected numbers"),
        ({"readings": [SOUND | {"power_w": 1e999}]}, "reading 1: reading has power_w=inf"),
        ({"readings": [SOUND | {"power_w": 10**400}]}, "reading 1: int too large"),
        ({"readings": [SOUND | {"flags": ["odd"]}]}, "reading 1: reading has unknown flags"),
        ({"readings": [SOUND | {"flags": [["stale"]]}]}, "reading 1: found flags"),
        ({"readings": [SOUND | {"flags": None}]}, "reading 1: found flags None, expected a list of words"),
        ({"readings": [SOUND | {"w": 2}]}, "reading 1: found w 2, expected numbers, of time_ns, power_w"),
        ({"readings": [SOUND | {"time_ns": 1.5}]}, "reading 1: found time_ns 1.5"),
        ({"readings": [SOUND | {"window_s": None}]}, "reading 1: found window_s None"),
        ({"readings": [{"flags": []}]}, "reading 1: found no time_ns"),
        (
            {"readings": [{"time_ns": 1, "window_s": 1.0, "flags": []}]},
            "reading 1: reading has power_w=None with flags",
        ),
    ],
)
def test_a_wrong_field_is_named_and_nobody_is_accused(folder: Path, fields: dict[str, object], words: str) -> None:
    change(folder, **fields)
    with pytest.raises(CaptureError, match=words) as caught:
        read_session(folder)
    assert "changed" not in str(caught.value)


# --- readings without a power ---------------------------------------------------------------------------------------

FINITE = st.floats(-1e9, 1e9)


@st.composite
def odd_readings(draw: st.DrawFn) -> Reading:
    """Whatever a driver may give: with any flags, without any of its quantities, without power where a flag says so."""
    flags = draw(st.frozensets(st.sampled_from(sorted(FLAGS))))
    power_w = None if flags & WITHOUT_POWER else draw(FINITE)
    others = {name: draw(st.none() | FINITE) for name in QUANTITIES if name != "power_w"}
    return Reading(draw(st.integers(0, 2**62)), power_w, **others, window_s=draw(st.floats(0.0, 100.0)), flags=flags)


@given(st.lists(odd_readings(), max_size=8))
@settings(max_examples=30, deadline=None)
def test_every_reading_a_driver_can_give_is_written_and_read_back(readings: list[Reading]) -> None:
    with TemporaryDirectory() as place:
        folder = Path(place)
        session, _log = read_session(SESSIONS / "emulated-wattsup")
        shutil.copy(SESSIONS / "emulated-wattsup" / WIRE_LOG, folder / WIRE_LOG)
        write_session(folder, replace(session, readings=tuple(readings)))
        assert read_session(folder)[0].readings == tuple(readings)


@pytest.mark.parametrize("claim", ["instrument", "unattested"])
def test_a_session_of_an_emulator_never_passes_for_one_of_an_instrument(folder: Path, claim: str) -> None:
    change(folder, origin=claim)
    with pytest.raises(CaptureError, match=f"found the origin '{claim}', but its evidence says otherwise"):
        read_session(folder)


def test_a_session_without_a_serial_number_of_its_port_is_none_of_an_instrument(folder: Path) -> None:
    real = {"maker": "M", "model": "PRO", "serial": "", "firmware": "4.12", "asked": True}
    port = {"device_major": 188, "device_minor": 0, "sysfs_serial": None}
    change(folder, origin="instrument", identity=real, evidence=port)
    with pytest.raises(CaptureError, match=r"found the origin 'instrument', .*serial number of the port None"):
        read_session(folder)
    change(folder, evidence=port | {"sysfs_serial": "A1"})
    assert read_session(folder)[0].origin.kind == "instrument"
    change(folder, identity=real | {"asked": False})
    with pytest.raises(CaptureError, match="found the origin 'instrument', but its evidence says otherwise"):
        read_session(folder)
