"""The UPS drivers against upsd nobody here wrote (Debian's nut-server with dummy-ups), and the emulated upsd against
its client upsc."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from harness.cli import probing
from meters.access import ANYBODY
from meters.meter import MeterMismatch, MeterOptionError, MeterUnavailable
from meters.registry import open_meter
from tests.meters.conftest import StartEmulator, wait_until

UPS = """ups.mfr: APC
ups.model: Smart-UPS 1500
ups.serial: AS0123456789
ups.status: OL
ups.realpower.nominal: 980
ups.load: 13
output.voltage: 230.1
"""


@dataclass
class Upsd:
    """upsd on a port of this machine with two UPSs, `full` and `coarse`; each driver a process of its own."""

    folder: Path
    number: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def port(self) -> str:
        """The driver's port."""
        return f"socket://127.0.0.1:{self.number}"

    def start(self, name: str, *words: str) -> None:
        """Start one program of NUT in the foreground."""
        places = dict.fromkeys(("NUT_CONFPATH", "NUT_STATEPATH", "NUT_ALTPIDPATH"), str(self.folder))
        command = [f"/lib/nut/{words[0]}", "-F", "-u", "root", *words[1:]]
        log = (self.folder / f"{name}.log").open("wb")
        with log:
            self.processes[name] = subprocess.Popen(command, env=os.environ | places, stdout=log, stderr=log)

    def stop(self) -> None:
        """End them all."""
        for process in self.processes.values():
            process.kill()
            process.wait()


def is_told(words: Sequence[str]) -> bool:
    """Whether upsd answers a client."""
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.fixture
def upsd() -> Iterator[Upsd]:
    folder = Path(tempfile.mkdtemp(prefix="nut"))  # a Unix socket's path is short
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = Upsd(folder, probe.getsockname()[1])
    (folder / "upsd.conf").write_text(f"LISTEN 127.0.0.1 {server.number}\nMAXAGE 2\n", encoding="ascii")
    (folder / "upsd.users").write_text("", encoding="ascii")
    names = {"full": "ups.realpower: 123\n" + UPS, "coarse": UPS}
    sections = [f"[{name}]\n driver = dummy-ups\n port = {folder}/{name}.seq\n pollinterval = 1\n" for name in names]
    (folder / "ups.conf").write_text("".join(sections), encoding="ascii")
    for name, text in names.items():
        (folder / f"{name}.seq").write_text(text + "TIMER 300\n", encoding="ascii")
        server.start(name, "dummy-ups", "-a", name)
    wait_until(lambda: all((folder / f"dummy-ups-{name}").exists() for name in names), "dummy-ups has its socket")
    server.start("upsd", "upsd")
    for name in names:
        asked = ["upsc", f"{name}@127.0.0.1:{server.number}", "output.voltage"]  # the last of a file
        wait_until(partial(is_told, asked), "upsd answers")
    yield server
    server.stop()
    shutil.rmtree(folder)


def test_the_driver_reads_upsd_and_names_what_it_has(upsd: Upsd) -> None:
    with pytest.raises(MeterOptionError, match=r"option ups is '', expected one of: (full, coarse|coarse, full)"):
        open_meter("nut", upsd.port, capture=None, options={})
    with pytest.raises(MeterOptionError, match=r"option ups is 'other', expected one of: (full, coarse|coarse, full)"):
        open_meter("nut", upsd.port, capture=None, options={"ups": "other"})
    with pytest.raises(MeterMismatch, match=r"the UPS coarse tells no ups\.realpower; the driver 'nut-load' estimates"):
        open_meter("nut", upsd.port, capture=None, options={"ups": "coarse"})
    for driver, ups, power_w in (("nut", "full", 123.0), ("nut-load", "coarse", 127.4)):
        meter = open_meter(driver, upsd.port, capture=None, options={"ups": ups})
        reading, who = meter.read(5.0), meter.identify()
        assert (reading.power_w, reading.voltage_v, reading.flags) == (power_w, 230.1, frozenset())
        assert (who.maker, who.serial, who.estimated) == ("APC", "AS0123456789", driver == "nut-load")
        meter.reopen()
        assert meter.read(5.0).power_w == power_w
        meter.close()


def test_a_probe_says_which_ups_is_to_be_named_and_asks_nobody_else(
    upsd: Upsd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "LISTEN_S", 0.5)
    found = {"port": upsd.port, "kind": "tcp"}
    probing.probe([found], ["nut", "nut-load", "umg604", "p1"], ANYBODY, named=False)
    assert found["answers"].startswith("nut: option ups is ''")
    assert "full" in found["answers"]


def test_a_driver_that_stops_repeats_itself_until_upsd_says_that_it_is_stale(upsd: Upsd) -> None:
    meter = open_meter("nut", upsd.port, capture=None, options={"ups": "full", "interval_s": 0.1})
    assert meter.read(5.0).flags == frozenset()
    upsd.processes["full"].send_signal(signal.SIGSTOP)
    found = [meter.read(5.0)]
    wait_until(lambda: found.append(meter.read(5.0)) or found[-1].power_w is None, "upsd calls the value stale")  # type: ignore[func-returns-value]
    assert all((reading.power_w, reading.flags) == (123.0, frozenset({"stale"})) for reading in found[:-1])
    assert "nan" in found[-1].flags
    upsd.processes["full"].send_signal(signal.SIGCONT)
    upsd.processes["full"].kill()
    upsd.processes["full"].wait()
    assert "nan" in meter.read(5.0).flags
    meter.close()
    with pytest.raises(MeterUnavailable, match=r"no values of full \((DRIVER-NOT-CONNECTED|DATA-STALE)\)"):
        open_meter("nut", upsd.port, capture=None, options={"ups": "full"})


def test_upsc_reads_the_emulated_upsd(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--interval", "0.05", name="nut")
    place = emulator.address.removeprefix("socket://")

    def upsc(*words: str) -> tuple[int, str]:
        run = subprocess.run(["upsc", *words], capture_output=True, text=True, timeout=60, check=False)
        return run.returncode, run.stdout

    assert upsc("-L", place) == (0, "ups: EMULATED\n")
    assert upsc(f"ups@{place}", "ups.realpower") == (0, "50.0\n")
    code, told = upsc(f"ups@{place}")
    assert (code, "ups.model: EMULATED" in told, "ups.load: 5" in told) == (0, True, True)
    assert upsc(f"ups@{place}", "ups.nothing")[0] == upsc(f"other@{place}")[0] == 1
    emulator.fault("driver-gone=always")
    wait_until(lambda: upsc(f"ups@{place}")[0] == 1, "upsc says that the driver is gone")
