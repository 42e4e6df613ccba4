"""The USB-TMC wire, with the kernel's side played by usbtmc_stub.c in a process of its own."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meters import usbtmc_wire
from meters.meter import MeterUnavailable
from meters.serial_wire import Line, SerialWire
from meters.usbtmc_wire import UsbtmcWire, open_wire
from tests.meters.conftest import EmulatorProcess, StartEmulator
from tests.meters.far_ends import BarePty

HERE = Path(__file__).parent

# What every client begins with; `say` is how it tells its test what it found.
PRELUDE = """
import io, json, os, sys, time
from meters.emulators.faults import send_fault
from meters.meter import MeterError
from meters.registry import open_meter
from meters.deadline import Deadline
from meters.usbtmc_wire import UsbtmcWire
from meters.wire_log import read_capture
from pathlib import Path

PORT = "/dev/usbtmc9"
OPTIONS = {"rate_s": 0.1}

def say(**found):
    print(json.dumps(found), flush=True)

def fault(text):
    send_fault(Path(os.environ["CONTROL"]), text)

def reading(meter):
    begin = time.monotonic()
    try:
        one = meter.read(0.5)
        say(power_w=one.power_w, flags=sorted(one.flags), s=time.monotonic() - begin)
    except MeterError as error:
        say(error=type(error).__name__, text=str(error), s=time.monotonic() - begin)
"""


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("stub") / "usbtmc.so"
    command = ["gcc", "-O1", "-Wall", "-Werror", "-Wno-nonnull-compare", "-shared", "-fPIC", "-D_LARGEFILE64_SOURCE"]
    done = subprocess.run(
        [*command, "-o", str(target), str(HERE / "usbtmc_stub.c"), "-ldl"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target


RunClient = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def emulator(start_emulator: StartEmulator) -> EmulatorProcess:
    return start_emulator("--profile", "watts=50", "--no-throttle", "--listen", "127.0.0.1:0", name="wt310")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def run_client(stub: Path, emulator: EmulatorProcess, log: Path) -> RunClient:
    """Run a client before the emulator, as if it were plugged in at /dev/usbtmc9."""

    def run(code: str) -> list[dict[str, Any]]:
        environment = {**os.environ, "LD_PRELOAD": str(stub), "USBTMC_LOG": str(log)}
        environment |= {"USBTMC_PORT": emulator.address.rpartition(":")[2], "CONTROL": emulator.ready["control"]}
        done = subprocess.run(
            [sys.executable, "-c", PRELUDE + code],
            env=environment,
            cwd=HERE.parent.parent,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def calls(log: Path) -> list[list[str]]:
    return [line.split() for line in log.read_text(encoding="ascii").splitlines()]


def test_the_numbers_of_the_kernel_calls_are_those_of_its_header(tmp_path: Path) -> None:
    source = tmp_path / "numbers.c"
    source.write_text(
        "#include <linux/usb/tmc.h>\n#include <stdio.h>\n#include <sys/ioctl.h>\nint main(void)\n"
        '{ printf("%lu %lu", (unsigned long)USBTMC_IOCTL_CLEAR, (unsigned long)USBTMC_IOCTL_SET_TIMEOUT); }\n',
        encoding="ascii",
    )
    subprocess.run(["gcc", "-o", str(tmp_path / "numbers"), str(source)], check=True)
    printed = subprocess.run([str(tmp_path / "numbers")], capture_output=True, text=True, check=True).stdout
    assert printed == f"{usbtmc_wire.USBTMC_IOCTL_CLEAR} {usbtmc_wire.USBTMC_IOCTL_SET_TIMEOUT}"


def test_the_driver_reads_through_the_device_and_every_read_has_a_timeout(run_client: RunClient, log: Path) -> None:
    identity, *readings, captured = run_client(
        """
sink = io.BytesIO()
meter = open_meter("wt310", PORT, capture=sink, options=OPTIONS)
say(model=meter.identify().model, origin=meter.origin().kind, evidence=dict(meter.origin().evidence),
    latency_s=meter.describe().latency_s)
for _ in range(3):
    reading(meter)
meter.close()
meter.close()
parts = list(read_capture(io.BytesIO(sink.getvalue()), "log"))
say(sent=[len(part.data) for part in parts if part.direction == ">"],
    got=[len(part.data) for part in parts if part.direction == "<"])
"""
    )
    assert (identity["model"], identity["origin"], identity["latency_s"]) == ("WT310E", "emulated", 0.0)
    assert (identity["evidence"]["device"], identity["evidence"]["device_major"]) == ("/dev/usbtmc9", 180)
    assert [(one["power_w"], one["flags"]) for one in readings] == [(50.0, [])] * 3
    made = calls(log)
    assert [int(number) for what, number in made if what == "write"] == captured["sent"]
    assert [int(number) for what, number in made if what == "read"] == captured["got"]
    for before, (what, _number) in itertools.pairwise(made):
        assert what not in ("read", "write") or before[0] == "timeout"
    assert [what for what, _number in made].count("close") == 1


def test_silence_ends_in_time_and_clears_the_device_and_the_next_reading_is_marked(
    run_client: RunClient, log: Path
) -> None:
    said = run_client(
        """
meter = open_meter("wt310", PORT, capture=None, options=OPTIONS)
reading(meter)
open(os.environ["USBTMC_LOG"], "w").close()
fault("silence")
reading(meter)
fault("speak")
reading(meter)
reading(meter)
meter.close()
"""
    )
    before, silent, after, later = said
    assert before["power_w"] == 50.0
    assert silent["error"] == "MeterTimeout"
    assert (after["power_w"], after["flags"]) == (50.0, ["resynced"])
    assert (later["power_w"], later["flags"]) == (50.0, [])
    assert ["clear", "0"] in calls(log)


def test_a_reply_without_its_end_is_no_reply_and_spoils_none(run_client: RunClient, log: Path) -> None:
    cut, whole = run_client(
        """
wire = UsbtmcWire(PORT, None)
fault("half")
time.sleep(0.5)  # the emulator takes it when it comes to it
wire.write(b"*IDN?\\n")
begin = time.monotonic()
try:
    wire.read_chunk(Deadline(0.0))  # even that ends: the kernel refuses less than 0.1 s
except MeterError as error:
    say(error=type(error).__name__, s=time.monotonic() - begin)
wire.write(b"*OPC?\\n")
say(reply=wire.read_chunk(Deadline(1.0)).data.decode())
wire.close()
"""
    )
    assert cut["error"] == "MeterTimeout"
    assert cut["s"] > 0.09
    assert whole == {"reply": "1\n"}
    assert ["timeout", "100"] in calls(log)
    assert ["clear", "0"] in calls(log)


def test_unplugging_is_an_error_of_its_own_and_the_same_meter_is_taken_back(run_client: RunClient) -> None:
    said = run_client(
        """
meter = open_meter("wt310", PORT, capture=None, options=OPTIONS)
fault("unplug")
for _ in range(3):
    reading(meter)
try:
    meter.reopen()
except MeterError as error:
    say(error=type(error).__name__, text=str(error))
reading(meter)
fault("replug")
time.sleep(0.3)
meter.reopen()
reading(meter)
meter.close()
"""
    )
    *during, refused, still, back = said
    assert during[-1]["error"] == "MeterUnplugged"
    assert "connect the meter again" in during[-1]["text"]
    assert refused["error"] == "MeterUnavailable"
    assert "there is no such port" in refused["text"]
    assert still["error"] == "MeterUnplugged"
    assert (back["power_w"], back["flags"]) == (50.0, ["resynced"])


def test_a_device_another_program_has_locked_is_refused(run_client: RunClient, log: Path) -> None:
    log.with_name(log.name + ".busy").touch()
    (said,) = run_client(
        """
try:
    UsbtmcWire(PORT, None)
except MeterError as error:
    say(error=type(error).__name__, text=str(error))
"""
    )
    assert said["error"] == "MeterUnavailable"
    assert "another program uses it" in said["text"]
    assert calls(log)[-1][0] == "close"


@pytest.mark.parametrize(
    ("port", "text"),
    [
        ("/dev/usbtmc99", "there is no such port"),
        ("/dev/null", "no USB-TMC device, or Linux is older than 4.20"),
        ("FILE", "no character device"),
        ("/dev", "cannot be opened"),
    ],
)
def test_what_is_no_usbtmc_device_is_refused_with_the_reason(tmp_path: Path, port: str, text: str) -> None:
    plain = tmp_path / "file"
    plain.touch()
    before = open_files()
    with pytest.raises(MeterUnavailable, match=text):
        UsbtmcWire(port.replace("FILE", str(plain)), None)
    assert open_files() == before


def open_files() -> list[str]:
    return sorted(entry.name for entry in Path("/proc/self/fd").iterdir())


def test_a_port_is_opened_as_what_its_name_says(bare_pty: BarePty) -> None:
    with pytest.raises(MeterUnavailable, match="/dev/usbtmc99: cannot be opened"):
        open_wire("/dev/usbtmc99", Line(9600), None)
    wire = open_wire(bare_pty.path, Line(9600), None)
    assert isinstance(wire, SerialWire)
    wire.close()
