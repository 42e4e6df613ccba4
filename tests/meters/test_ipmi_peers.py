"""The driver of BMCs against BMCs nobody here wrote (pyghmi, OpenIPMI's ipmi_sim), and the emulated BMC against clients
nobody here wrote (ipmitool, FreeIPMI's ipmi-dcmi)."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meters.access import Access, Credentials
from meters.meter import MeterMismatch, MeterRefused, MeterTimeout
from meters.registry import open_meter
from meters.wire_log import read_capture
from tests.meters.conftest import StartEmulator, wait_until
from tests.meters.ipmi_samples import LAN, POWER_SENSOR

SECRET = "not-known"
LOGIN = Access(Credentials("", SECRET))
PYGHMI = Path(__file__).with_name("pyghmi_bmc.py")
MEASURING = "dc8d0003000e01830000f15365e803000040"
IDLE = "dc8d0003000e018300ffffffffe803000000"
FAST: dict[str, float | str] = {"interval_s": 0.02, "refresh_s": 0.01, "hash": "sha1"}

StartBmc = Callable[..., str]


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def start_bmc() -> Iterator[StartBmc]:
    """Start a BMC of pyghmi with DCMI power readings that it gives in turn; return the driver's port."""
    started: list[subprocess.Popen[str]] = []

    def start(*readings: str) -> str:
        port = free_port()
        command = [sys.executable, str(PYGHMI), str(port), SECRET, *readings]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout is not None
        assert started[-1].stdout.readline() == "ready\n"
        return f"ipmi://127.0.0.1:{port}"

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_driver_reads_a_bmc_of_pyghmi(start_bmc: StartBmc) -> None:
    port, log = start_bmc(MEASURING, MEASURING, IDLE), io.BytesIO()
    meter = open_meter("ipmi", port, capture=log, options=FAST, access=LOGIN)
    who = meter.identify()
    assert (who.maker, who.serial) == ("enterprise 0", "000102030405060708090a0b0c0d0e0f")
    measured, idle = meter.read(5.0), meter.read(5.0)
    assert (measured.power_w, measured.flags) == (141.0, frozenset())
    assert (idle.power_w, idle.flags) == (None, frozenset({"nan"}))  # it sends 141 W, and says that it does not measure
    meter.close()
    kept = b"".join(part.data for part in read_capture(io.BytesIO(log.getvalue()), "log"))
    assert SECRET.encode() not in kept
    assert bytes.fromhex(MEASURING) in kept  # in the clear
    mean = open_meter("ipmi", start_bmc(MEASURING), capture=None, options=FAST | {"value": "mean"}, access=LOGIN)
    reading = mean.read(5.0)
    assert (reading.power_w, reading.window_s) == (131.0, 1.0)
    mean.close()


def test_a_wrong_password_is_known_by_the_proof_of_pyghmi_and_a_wrong_name_is_silence(start_bmc: StartBmc) -> None:
    port, options = start_bmc(MEASURING), FAST | {"reply_s": 0.1}
    with pytest.raises(MeterRefused, match="the BMC's proof does not fit the password"):
        open_meter("ipmi", port, capture=None, options=options, access=Access(Credentials("", "another")))
    with pytest.raises(MeterTimeout, match="no answer of a BMC in time"):
        open_meter("ipmi", port, capture=None, options=options, access=Access(Credentials("nobody", SECRET)))


# --- OpenIPMI's simulator -------------------------------------------------------------------------------------------

HARDWARE = """mc_setbmc 0x20
mc_add 0x20 0 has-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
main_sdr_add 0x20 {record}
sensor_add 0x20 0 0x77 0x0b 0x01
sensor_set_value 0x20 0 0x77 31 0
mc_enable 0x20
"""


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[str]:
    """OpenIPMI's ipmi_sim; the driver's port."""
    port = free_port()
    (tmp_path / "lan.conf").write_text(LAN.format(address="127.0.0.1", port=port, secret=SECRET), encoding="ascii")
    (tmp_path / "hardware.emu").write_text(HARDWARE.format(record=" ".join(map(hex, POWER_SENSOR))), encoding="ascii")
    (tmp_path / "state").mkdir()
    words = ["ipmi_sim", "-c", "lan.conf", "-f", "hardware.emu", "-s", "state", "-n"]
    with subprocess.Popen(words, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: "System GUID" in ask_ipmitool(port, "3", "mc", "guid")[1], "ipmi_sim")
            yield f"ipmi://127.0.0.1:{port}"
        finally:
            process.kill()


def ask_ipmitool(port: int | str, suite: str, *words: str, password: str = SECRET) -> tuple[int, str]:
    place = ["-H", "127.0.0.1", "-p", str(port), "-U", "admin", "-P", password, "-L", "USER"]
    run = subprocess.run(
        ["ipmitool", "-I", "lanplus", *place, "-C", suite, "-N", "1", "-R", "2", *words],
        capture_output=True, text=True, check=False, env=os.environ | {"TZ": "Asia/Tokyo"},
    )  # fmt: skip
    return run.returncode, run.stdout + run.stderr


def test_ipmi_sim_has_no_dcmi_and_says_so_to_an_administrator_only(simulator: str) -> None:
    with pytest.raises(MeterMismatch, match=r"not know this command \(completion code 0xc1\); its sensors of watts"):
        open_meter("ipmi", simulator, capture=None, options=FAST | {"privilege": "administrator"}, access=LOGIN)
    with pytest.raises(MeterRefused, match=r"this user may not ask that \(completion code 0xd4\)"):
        open_meter("ipmi", simulator, capture=None, options=FAST, access=LOGIN)
    with pytest.raises(MeterRefused, match=r"cipher suite 17 \(status 0x04\): set hash = 'sha1'"):
        open_meter("ipmi", simulator, capture=None, options=FAST | {"hash": "sha256"}, access=LOGIN)


def test_a_sensor_of_ipmi_sim_is_read_in_its_steps(simulator: str, tmp_path: Path) -> None:
    meter = open_meter("ipmi", simulator, capture=None, options=FAST | {"sensor": "Pwr Consumption"}, access=LOGIN)
    assert meter.read(5.0).power_w == 248.0  # 250 W are not to be had: one step is 8 W
    column = meter.describe().column("power_w")
    assert column is not None
    assert column.resolution == 8.0
    meter.close()
    place = simulator.removeprefix("ipmi://")
    assert "Pwr Consumption  | 248.000    | Watts" in ask_ipmitool(place.rpartition(":")[2], "3", "sensor")[1]
    words = ["ipmi-sensors", "-D", "LAN", "-h", place, "-u", "admin", "-p", SECRET, "-l", "admin"]
    cache = f"--sdr-cache-directory={tmp_path}"
    run = subprocess.run([*words, cache, "--quiet-cache"], capture_output=True, text=True, check=False)
    assert "| 248.00     | W " in run.stdout


# --- clients of others ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", ["3", "17"])
def test_ipmitool_and_freeipmi_read_the_emulated_bmc(suite: str, start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=0:51", "--password", SECRET, name="ipmi")
    place = emulator.address.removeprefix("ipmi://")
    port = place.rpartition(":")[2]
    code, said = ask_ipmitool(port, suite, "dcmi", "power", "reading")
    assert code == 0
    assert "Instantaneous power reading:                    51 Watts" in said
    assert "IPMI timestamp:                           11/15/23" in said  # local time: the stamp is of 11/14, UTC
    assert "Sampling period:                          00000060 Seconds." in said  # cut: the wire has milliseconds
    assert "Product Serial        : EMULATED0001" in ask_ipmitool(port, suite, "fru", "print", "0")[1]
    assert "Pwr Consumption  | 52\n" in ask_ipmitool(port, suite, "sensor", "reading", "Pwr Consumption")[1]
    assert ask_ipmitool(port, suite, "mc", "info", password="another")[0] == 1
    words = ["ipmi-dcmi", "-D", "LAN_2_0", "-I", suite, "-h", place, "-u", "admin", "-p", SECRET, "-l", "USER"]
    run = subprocess.run([*words, "--get-system-power-statistics"], capture_output=True, text=True, check=False)
    assert run.returncode == 0
    assert "Current Power                        : 51 Watts" in run.stdout
    assert "Average Power over sampling duration : 51 watts" in run.stdout
    assert "Statistics reporting time period     : 60000 milliseconds" in run.stdout
    assert "Time Stamp                           : 11/14/2023" in run.stdout  # UTC, and no zone with it


def test_a_client_of_pyghmi_takes_the_watts_of_a_bmc_that_does_not_measure(start_emulator: StartEmulator) -> None:
    faults = ("--fault", "inactive=always")
    emulator = start_emulator("--profile", "watts=0:51", "--password", SECRET, *faults, name="ipmi")
    port = int(emulator.address.rpartition(":")[2])
    program = (
        "from pyghmi.ipmi.command import Command; "
        f"print(Command('127.0.0.1', 'admin', {SECRET!r}, port={port}, privlevel=2).get_system_power_watts())"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "51\n"
    meter = open_meter("ipmi", emulator.address, capture=None, options=FAST, access=LOGIN)
    assert (meter.read(5.0).power_w, meter.describe().remarks[0][:38]) == (
        None,
        "the BMC says that it does not measure ",
    )
    meter.close()
