"""The Modbus drivers against a server nobody here wrote (pymodbus), and the emulator against clients nobody here wrote
(mbpoll, which is libmodbus; pymodbus). What only hardware can show stands in `meters.modbus`."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU

from meters.meter import MeterMismatch
from meters.modbus.frames import Question, rtu_request, rtu_words
from meters.reading import Reading
from meters.register_maps import PZEM, decode_block
from meters.registry import open_meter
from tests.meters.conftest import StartEmulator, wait_until
from tests.meters.modbus_frames import REAL_FRAMES
from tests.meters.modbus_samples import ASK_PZEM

StartServer = Callable[[str, str], str]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Start a pymodbus server of one kind on `rtu` (a pair of ptys by socat) or `tcp`; return the driver's port."""
    started: list[subprocess.Popen[str]] = []

    def start(kind: str, wire: str) -> str:
        if wire == "tcp":
            with socket.create_server(("127.0.0.1", 0)) as probe:
                number = probe.getsockname()[1]
            port, ours = str(number), f"socket://127.0.0.1:{number}"
        else:
            port, ours = str(tmp_path / "server"), str(tmp_path / "driver")
            command = ["socat", f"pty,raw,echo=0,link={port}", f"pty,raw,echo=0,link={ours}"]
            started.append(subprocess.Popen(command, text=True))
            wait_until(lambda: Path(port).exists() and Path(ours).exists(), "the pair of ptys")
        command = [sys.executable, "-W", "error", "-m", "tests.meters.pymodbus_server", port, kind]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(server)
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        return ours

    yield start
    for process in reversed(started):
        process.terminate()
        process.communicate(timeout=40)


# --- the codec beside pymodbus' own -------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", REAL_FRAMES, ids=lambda frame: frame[-2:].hex())
def test_pymodbus_decodes_every_real_frame_to_the_same_values(frame: bytes) -> None:
    used, device, _number, pdu = FramerRTU(DecodePDU(is_server=False)).decode(frame)
    assert (used, device) == (len(frame), 1)
    decoded = DecodePDU(is_server=False).decode(pdu)
    assert decoded is not None
    words = list(decoded.registers)
    assert rtu_words(frame, ASK_PZEM) == tuple(words)

    def number(at: int, size: int) -> int:
        kind = ModbusClientMixin.DATATYPE.UINT32 if size == 2 else ModbusClientMixin.DATATYPE.UINT16
        value = ModbusClientMixin.convert_from_registers(words[at : at + size], kind, word_order="little")
        assert isinstance(value, int)
        return value

    assert decode_block(PZEM, 0, words) == {
        "voltage_v": number(0, 1) / 10,
        "current_a": number(1, 2) / 1000,
        "power_w": number(3, 2) / 10,
        "energy_wh": number(5, 2),
        "frequency_hz": number(7, 1) / 10,
        "power_factor": number(8, 1) / 100,
    }


@pytest.mark.parametrize("question", [Question(1, 4, 0, 10), Question(247, 3, 0xFC00, 2), Question(248, 4, 30, 125)])
def test_pymodbus_understands_every_question_as_it_is_meant(question: Question) -> None:
    frame = rtu_request(question)
    used, device, _number, pdu = FramerRTU(DecodePDU(is_server=True)).decode(frame)
    decoded = DecodePDU(is_server=True).decode(pdu)
    assert decoded is not None
    assert (used, device, decoded.function_code) == (8, question.address, question.function)
    assert (decoded.address, decoded.count) == (question.start, question.count)


# --- driver <- pymodbus server ------------------------------------------------------------------------------------


def read_thrice(driver: str, port: str, **options: float | str) -> tuple[list[Reading], tuple[str, str]]:
    meter = open_meter(driver, port, capture=None, options={"interval_s": 0.02, **options})
    try:
        return [meter.read(1.0) for _ in range(3)], (meter.identify().model, meter.identify().serial)
    finally:
        meter.close()


def test_the_pzem_driver_reads_a_pymodbus_server(start_server: StartServer) -> None:
    readings, who = read_thrice("pzem", start_server("pzem", "rtu"))
    assert who == ("PZEM-004T v3 or PZEM-016", "")
    for reading in readings:
        assert (reading.voltage_v, reading.current_a, reading.power_w) == (242.9, 13.581, 3087.3)
        assert (reading.energy_wh, reading.frequency_hz, reading.power_factor) == (8025, 50.0, 0.94)


@pytest.mark.parametrize("driver", ["sdm120", "sdm230"])
def test_an_sdm_driver_reads_a_pymodbus_server(start_server: StartServer, driver: str) -> None:
    readings, who = read_thrice(driver, start_server(driver, "rtu"), baud=9600)
    assert who == (driver.upper(), "19000042")
    for reading in readings:
        assert reading.voltage_v == pytest.approx(235.1, abs=1e-4)
        assert reading.current_a == pytest.approx(1.617, abs=1e-6)
        assert reading.power_w == 170.5
        assert reading.apparent_power_va == pytest.approx(380.1, abs=1e-4)
        assert reading.power_factor == pytest.approx(0.4485, abs=1e-6)
        assert reading.frequency_hz == pytest.approx(49.98, abs=1e-5)
        assert reading.energy_wh == pytest.approx(1138664.0, abs=0.1)


def test_the_umg604_driver_reads_a_pymodbus_tcp_server(start_server: StartServer) -> None:
    port = start_server("umg604", "tcp")
    for reading in read_thrice("umg604", port, transport="tcp")[0]:
        assert (reading.power_w, reading.apparent_power_va, reading.energy_wh) == (101.5, 120.5, 123456.0)
        assert reading.frequency_hz == pytest.approx(50.02, abs=1e-5)
        assert (reading.voltage_v, reading.current_a, reading.power_factor) == (None, None, None)
    for reading in read_thrice("umg604", port, transport="tcp", phase="L1")[0]:
        assert (reading.voltage_v, reading.power_w, reading.apparent_power_va) == (231.5, 83.25, 97.25)
        assert reading.current_a == pytest.approx(0.42, abs=1e-6)


def test_the_umg604_driver_reads_a_pymodbus_server_on_a_serial_line(start_server: StartServer) -> None:
    readings, _who = read_thrice("umg604", start_server("umg604", "rtu"))
    assert [reading.power_w for reading in readings] == [101.5] * 3


def test_a_server_without_our_meter_says_so(start_server: StartServer) -> None:
    with pytest.raises(MeterMismatch, match=r"exception 2 \(illegal data address\)"):
        open_meter("umg604", start_server("pzem", "tcp"), capture=None, options={"transport": "tcp"})


# --- emulator <- mbpoll, pymodbus client --------------------------------------------------------------------------


def mbpoll(*arguments: str) -> dict[int, str]:
    """What mbpoll prints for each register it is asked for."""
    done = subprocess.run(["mbpoll", "-0", "-1", "-o", "2", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {int(at): value for at, value in re.findall(r"^\[(\d+)\]:\s+(\S+)", done.stdout, flags=re.MULTILINE)}


def rtu(port: Path, baud: int) -> tuple[str, ...]:
    return ("-m", "rtu", "-b", str(baud), "-P", "none", "-a", "1", str(port))


def test_mbpoll_reads_the_emulated_pzem(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=3087.3", name="pzem")
    time.sleep(0.2)
    words = mbpoll(*rtu(emulator.port, 9600), "-t", "3:hex", "-r", "0", "-c", "10")
    registers = [int(words[at], 16) for at in range(10)]
    assert registers[3] | registers[4] << 16 == 30873
    assert registers[0] == pytest.approx(2300, abs=15)
    assert registers[5] | registers[6] << 16 == 5000
    assert (registers[7], registers[9]) == (500, 0)
    energy = mbpoll(*rtu(emulator.port, 9600), "-t", "3:int", "-r", "3", "-c", "2")  # mbpoll: low word first by default
    assert list(energy.values()) == ["30873", "5000"]
    assert mbpoll(*rtu(emulator.port, 9600), "-t", "4", "-r", "1", "-c", "2") == {1: "23000", 2: "1"}


@pytest.mark.parametrize(("driver", "baud", "code"), [("sdm120", 2400, "32"), ("sdm230", 9600, "43")])
def test_mbpoll_reads_the_emulated_sdm(start_emulator: StartEmulator, driver: str, baud: int, code: str) -> None:
    emulator = start_emulator("--profile", "watts=170.5", name=driver)
    line = rtu(emulator.port, baud)
    assert mbpoll(*line, "-t", "3:float", "-B", "-r", "12", "-c", "1") == {12: "170.5"}
    values = mbpoll(*line, "-t", "3:float", "-B", "-r", str(0x46), "-c", "2")
    assert float(values[0x46]) == 50.0
    assert float(values[0x48]) == pytest.approx(5.0, abs=0.01)
    assert mbpoll(*line, "-t", "4:int", "-B", "-r", str(0xFC00), "-c", "1") == {0xFC00: "19000001"}
    assert mbpoll(*line, "-t", "4", "-r", str(0xFC02), "-c", "1") == {0xFC02: code}


def test_mbpoll_and_pymodbus_read_the_emulated_umg604_on_tcp(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=83.25", "--listen", "127.0.0.1:0", name="umg604")
    number = int(emulator.address.rpartition(":")[2])
    line = ("-m", "tcp", "-p", str(number), "-a", "1", "127.0.0.1")
    values = mbpoll(*line, "-t", "4:float", "-B", "-r", "19020", "-c", "4")
    assert values == {19020: "83.25", 19022: "0", 19024: "0", 19026: "83.25"}
    with ModbusTcpClient("127.0.0.1", port=number) as client:
        reply = client.read_holding_registers(19050, count=2, device_id=1)
        kind = ModbusClientMixin.DATATYPE.FLOAT32
        assert client.convert_from_registers(reply.registers, kind) == 50.0
        assert client.read_holding_registers(4000, count=2, device_id=1).exception_code == 2


def test_mbpoll_is_told_what_is_not_there(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", name="sdm230")
    for arguments, text in (
        (("-t", "3", "-r", "500", "-c", "2"), "Illegal data address"),
        (("-t", "0", "-r", "0", "-c", "1"), "Illegal function"),
    ):
        command = ["mbpoll", "-0", "-1", *rtu(emulator.port, 9600), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert text in done.stdout + done.stderr
