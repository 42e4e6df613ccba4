"""Ports, deadlines, splitters, wire logs, and what a port proves."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.deadline import Deadline
from meters.meter import CaptureError, MeterOptionError, MeterTimeout, MeterUnavailable, MeterUnplugged
from meters.origin import attest
from meters.reading import Identity
from meters.serial_wire import Line, SerialWire
from meters.splitters import FrameSplitter
from meters.wire import Chunk
from meters.wire_log import Capture, Exchange, read_capture
from tests.meters.far_ends import BarePty

REAL = Identity("Maker", "Watts up? PRO", "", "4.12 (20050814)")
MARKED = Identity("Maker", "Watts up? PRO", "", "4.12 (EMULATED)")
NULL_DEVICE = "1:3"  # any character device with a known number stands for a tty in a made-up sysfs


@given(st.lists(st.tuples(st.integers(0, 2**63), st.sampled_from("<>"), st.binary(max_size=40))))
def test_a_wire_log_replays_to_the_same_chunks(parts: list[tuple[int, str, bytes]]) -> None:
    sink = io.BytesIO()
    exchanges = [Exchange(time_ns, "<" if way == "<" else ">", data) for time_ns, way, data in parts]
    for exchange in exchanges:
        Capture(sink).record(exchange)
    assert list(read_capture(io.BytesIO(sink.getvalue()), "log")) == exchanges


def test_a_wire_log_cut_off_in_its_last_line_replays_up_to_there() -> None:
    assert [part.data for part in read_capture([b"1 < 23\n", b"2 > 2"], "log")] == [b"#"]


@pytest.mark.parametrize("line", [b"1 < 2\n", b"1 = 23\n", b"x < 23\n", b"1 <\n", b"\xff\n", b"1 < 23 24\n", b"\n"])
def test_a_changed_wire_log_is_refused_with_file_and_line(line: bytes) -> None:
    with pytest.raises(CaptureError, match=r"wire-wall\.log:2: found"):
        list(read_capture([b"1 < 23\n", line], "wire-wall.log"))


@given(st.binary(max_size=400), st.integers(1, 7))
def test_frames_do_not_depend_on_how_the_bytes_were_chopped(data: bytes, step: int) -> None:
    stream = data.replace(b"\xaa", b"#").replace(b"\xbb", b";") + b"#x;"
    whole, chopped = FrameSplitter(b"#", b";", 600), FrameSplitter(b"#", b";", 600)
    pieces = [stream[at : at + step] for at in range(0, len(stream), step)]
    frames = [frame for piece in pieces for frame in chopped.feed(Chunk(1, piece))]
    assert frames == whole.feed(Chunk(1, stream))
    assert frames[-1].body == b"x"


def test_a_frame_longer_than_the_limit_is_dropped_and_the_next_is_resynced() -> None:
    splitter = FrameSplitter(b"#", b";", 10)
    assert splitter.feed(Chunk(1, b"#" + b"a" * 11 + b";")) == []
    assert splitter.held_bytes == 0
    assert [(frame.body, frame.resynced) for frame in splitter.feed(Chunk(1, b"#b;#c;"))] == [
        (b"b", True),
        (b"c", False),
    ]


def test_a_port_delivers_what_arrived_stamped_after_it_was_sent(bare_pty: BarePty) -> None:
    sink = io.BytesIO()
    wire = SerialWire(bare_pty.path, Line(115200), sink)
    before_ns = time.monotonic_ns()
    bare_pty.send(b"#abc;")
    chunk = wire.read_chunk(Deadline(1.0))
    assert chunk.data == b"#abc;"
    assert before_ns < chunk.time_ns <= time.monotonic_ns()
    wire.write(b"#V,R,0;")
    wire.close()
    assert [(part.direction, part.data) for part in read_capture(io.BytesIO(sink.getvalue()), "log")] == [
        ("<", b"#abc;"),
        (">", b"#V,R,0;"),
    ]


def test_bytes_from_before_the_port_was_opened_are_not_delivered(bare_pty: BarePty) -> None:
    bare_pty.send(b"#old;")
    wire = SerialWire(bare_pty.path, Line(115200), None)
    with pytest.raises(MeterTimeout):
        wire.read_chunk(Deadline(0.1))
    wire.close()


def test_a_port_that_goes_away_is_unplugged_and_a_second_opener_is_told_it_is_in_use() -> None:
    master, slave = os.openpty()
    path = os.ttyname(slave)
    wire = SerialWire(path, Line(115200), None)
    with pytest.raises(MeterUnavailable, match="another program uses it"):
        SerialWire(path, Line(115200), None)
    os.close(slave)
    os.close(master)
    for _again in range(2):
        with pytest.raises(MeterUnplugged, match="went away"):
            wire.read_chunk(Deadline(0.5))
    with pytest.raises(MeterUnplugged):
        wire.write(b"x")
    with pytest.raises(MeterUnavailable, match="no such port"):
        wire.reopen()
    wire.close()
    wire.close()


@pytest.mark.parametrize(
    ("port", "text"),
    [
        ("", "expected a device path"),
        ("socket://", "expected a device path"),
        ("socket://host", "expected a device path"),
        ("socket://host:port", "expected a device path"),
        ("loop://", "expected a device path"),
        ("spy:///dev/ttyUSB0", "expected a device path"),
        ("/dev/a\0b", "expected a device path"),
    ],
)
def test_a_port_that_is_none_is_refused_by_name(port: str, text: str) -> None:
    with pytest.raises(MeterOptionError, match=text):
        SerialWire(port, Line(115200), None)
    with pytest.raises(MeterOptionError, match=text):
        attest(port, REAL)


def test_a_port_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    for port, text in [
        ("/dev/ttyUSB99", "no such port"),
        (str(tmp_path), "no serial port"),
        (str(file), "no serial port"),
        ("/dev/null", "no serial port"),
        ("socket://127.0.0.1:1", "refused"),
    ]:
        with pytest.raises(MeterUnavailable, match=text):
            SerialWire(port, Line(115200), None)


def test_a_socket_carries_the_same_bytes_and_its_end_is_an_unplugging() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = SerialWire(f"socket://127.0.0.1:{server.getsockname()[1]}", Line(115200), None)
        far, _address = server.accept()
        wire.write(b"#V,R,0;")
        assert far.recv(100) == b"#V,R,0;"
        far.sendall(b"#abc;" * 100)
        heard = b""
        while len(heard) < 500:
            heard += wire.read_chunk(Deadline(1.0)).data
        assert heard == b"#abc;" * 100
        far.close()
        with pytest.raises(MeterUnplugged):
            wire.read_chunk(Deadline(1.0))
        wire.close()


def test_a_pty_is_emulated_whatever_its_path_looks_like(bare_pty: BarePty, tmp_path: Path) -> None:
    link = tmp_path / "ttyUSB0"
    link.symlink_to(bare_pty.path)
    again = tmp_path / "by-id"
    again.symlink_to(link)
    for port in (bare_pty.path, str(link), str(again)):
        origin = attest(port, REAL)
        assert origin.kind == "emulated"
        assert origin.evidence["device"] == bare_pty.path
        assert origin.evidence["device_major"] in range(136, 144)


def test_a_loopback_socket_is_emulated_and_any_other_is_unattested() -> None:
    for port in ("socket://127.0.0.1:5025", "socket://localhost:5025", "rfc2217://[::1]:5025", "socket://127.9.9.9:1"):
        assert attest(port, REAL).kind == "emulated"
    assert attest("socket://192.0.2.7:5025", REAL).kind == "unattested"
    assert attest("rfc2217://192.0.2.7:5025", MARKED).kind == "emulated"
    with pytest.raises(MeterUnavailable, match="has no address"):
        attest("socket://meter.invalid:5025", REAL)


def sysfs_with(folder: Path, files: dict[str, str]) -> Path:
    usb = folder / "devices" / "usb1" / "1-1"
    port = usb / "1-1:1.0" / "ttyUSB0"
    port.mkdir(parents=True)
    for name, text in files.items():
        (usb / name).write_text(text + "\n", encoding="utf-8")
    (folder / "dev" / "char").mkdir(parents=True)
    (folder / "dev" / "char" / NULL_DEVICE).symlink_to(port)
    return folder


def test_only_a_real_port_with_a_serial_number_and_an_identity_is_an_instrument(tmp_path: Path) -> None:
    full = sysfs_with(tmp_path / "a", {"idVendor": "0403", "idProduct": "6001", "serial": "A1000wT3"})
    bare = sysfs_with(tmp_path / "b", {"idVendor": "0403", "idProduct": "6001"})
    origin = attest("/dev/null", REAL, sysfs=full)
    assert origin.kind == "instrument"
    assert origin.evidence["sysfs_serial"] == "A1000wT3"
    assert origin.evidence["usb_vendor"] == "0403"
    assert (origin.evidence["device_major"], origin.evidence["device_minor"]) == (1, 3)
    assert attest("/dev/null", REAL, sysfs=bare).kind == "unattested"
    assert attest("/dev/null", REAL, sysfs=tmp_path / "none").kind == "unattested"
    assert attest("/dev/null", Identity("", "", "", ""), sysfs=full).kind == "unattested"
    assert attest("/dev/null", MARKED, sysfs=full).kind == "emulated"


def test_a_port_that_is_not_there_or_no_device_has_no_origin(tmp_path: Path) -> None:
    with pytest.raises(MeterUnavailable, match="no such port"):
        attest(str(tmp_path / "gone"), REAL)
    with pytest.raises(MeterUnavailable, match="no character device"):
        attest(str(tmp_path), REAL)


def test_a_wire_made_by_socat_carries_bytes_both_ways(tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "far"
    with subprocess.Popen(["socat", f"PTY,link={near},raw,echo=0", f"PTY,link={far},raw,echo=0"]) as socat:
        end = Deadline(5.0)
        while not (near.exists() and far.exists()):
            assert not end.expired
            time.sleep(0.01)
        one, two = SerialWire(str(near), Line(115200), None), SerialWire(str(far), Line(115200), None)
        one.write(b"#V,R,0;")
        assert two.read_chunk(Deadline(2.0)).data.startswith(b"#V")
        assert attest(str(near), REAL).kind == "emulated"
        one.close()
        two.close()
        socat.terminate()
