"""The PDU drivers against an agent nobody here wrote (net-snmp's snmpd, with values of published walks), and the
emulated PDUs against clients nobody here wrote (net-snmp's snmpget, snmpbulkwalk)."""

from __future__ import annotations

import io
import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from meters.access import ANYBODY, Access, Credentials
from meters.meter import MeterMismatch, MeterTimeout, MeterUnavailable
from meters.registry import open_meter
from tests.meters.conftest import StartEmulator, wait_until

RARITAN, EATON = "1.3.6.1.4.1.13742.6", "1.3.6.1.4.1.534.6.6.7"
WALK: Mapping[str, tuple[str, str]] = {
    "1.3.6.1.2.1.1.1.0": ("octet_str", '"PX2 030004"'),
    f"{RARITAN}.3.2.1.1.3.1": ("octet_str", '"PX2-5190R"'),
    f"{RARITAN}.3.5.4.1.7.1.3.1": ("uinteger", "3"),
    f"{RARITAN}.3.5.4.1.7.1.3.5": ("uinteger", "0"),
    f"{RARITAN}.5.4.3.1.4.1.3.1": ("uinteger", "311"),
    f"{RARITAN}.5.4.3.1.4.1.3.5": ("uinteger", "68"),
    f"{EATON}.1.2.1.2.0": ("octet_str", '"ePDU MA 1P"'),
    f"{EATON}.6.5.1.3.0.1": ("integer", "177"),
    f"{EATON}.6.5.1.6.0.1": ("integer", "-892"),
    f"{EATON}.6.5.1.4.0.1": ("integer", "-1"),
}
"""The third outlet of a PX2 and the first of an ePDU."""
SECRET = Access(Credentials("", "not-public"))

StartAgent = Callable[[], str]


@pytest.fixture
def start_agent(tmp_path: Path) -> Iterator[StartAgent]:
    """Start snmpd with the objects of WALK; return the driver's port."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> str:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            number = probe.getsockname()[1]
        lines = [f"rocommunity not-public 127.0.0.1\nagentaddress udp:127.0.0.1:{number}"]
        lines += [f"override {oid} {kind} {value}" for oid, (kind, value) in WALK.items()]
        (tmp_path / "snmpd.conf").write_text("\n".join(lines) + "\n", encoding="ascii")
        command = ["snmpd", "-f", "-Lf", str(tmp_path / "log"), "-C", "-c", str(tmp_path / "snmpd.conf")]
        command.append(f"--persistentDir={tmp_path}")
        started.append(subprocess.Popen(command, env={"MIBS": "", "PATH": os.environ["PATH"]}))
        asked = ["snmpget", "-v2c", "-c", "not-public", f"127.0.0.1:{number}", "1.3.6.1.2.1.1.1.0"]
        wait_until(lambda: subprocess.run(asked, capture_output=True, check=False).returncode == 0, "snmpd answers")
        return f"snmp://127.0.0.1:{number}"

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("version", ["v1", "v2c"])
def test_the_drivers_read_snmpd(version: str, start_agent: StartAgent) -> None:
    port, log = start_agent(), io.BytesIO()
    options = {"outlet": 3, "protocol": version}
    meter = open_meter("raritan-px", port, capture=log, options=options, access=SECRET)
    reading = meter.read(5.0)
    assert (reading.power_w, reading.current_a, reading.energy_wh) == (68.0, 0.311, None)
    assert (meter.identify().model, meter.identify().serial) == ("PX2-5190R", "")
    assert {column.name: column.resolution for column in meter.describe().columns} == {
        "power_w": 1.0, "current_a": pytest.approx(0.001),
    }  # fmt: skip
    assert b"not-public".hex().encode() not in log.getvalue()
    meter.close()
    meter = open_meter("eaton-epdu", port, capture=None, options={"outlet": 1, "protocol": version}, access=SECRET)
    reading = meter.read(5.0)
    assert (reading.power_w, reading.power_factor, reading.energy_wh) == (177.0, 0.892, None)
    meter.close()


def test_what_snmpd_has_not_is_named_and_a_wrong_community_is_silence(start_agent: StartAgent) -> None:
    port = start_agent()
    with pytest.raises(MeterMismatch, match="has nothing of this MIB; check that this is a APC"):
        open_meter("apc-rpdu2", port, capture=None, options={}, access=SECRET)
    with pytest.raises(MeterMismatch, match="expected 0 to 9 and 3"):
        open_meter("raritan-px", port, capture=None, options={"outlet": 4}, access=SECRET)
    with pytest.raises(MeterTimeout, match=r"the community \(password_file\): a wrong one gets none"):
        open_meter("eaton-epdu", port, capture=None, options={"outlet": 1, "reply_s": 0.2}, access=ANYBODY)
    with pytest.raises(MeterUnavailable, match="nothing listens there"):
        open_meter("eaton-epdu", "snmp://127.0.0.1:9", capture=None, options={}, access=SECRET)


def names(lines: Sequence[str]) -> list[str]:
    """The objects in what a client printed."""
    return [line.partition(" = ")[0] for line in lines]


@pytest.mark.parametrize("kind", ["apc-rpdu2", "raritan-px", "eaton-epdu", "sentry4"])
def test_clients_of_net_snmp_read_the_emulated_pdus(kind: str, start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=0:51", "--password", "not-public", name=kind)
    place = emulator.address.removeprefix("snmp://")

    def asked(program: str, version: str, *oids: str, community: str = "not-public") -> tuple[int, list[str]]:
        words = [program, f"-v{version}", "-c", community, "-On", "-t", "1", "-r", "3", place, *oids]
        run = subprocess.run(words, capture_output=True, text=True, check=False, env={"MIBS": "", "PATH": "/usr/bin"})
        return run.returncode, run.stdout.splitlines()

    walked = asked("snmpbulkwalk", "2c", "1.3.6.1")
    assert walked[0] == 0
    assert len(walked[1]) > 30
    assert "EMULATED" in walked[1][0]
    firstly = asked("snmpwalk", "1", "1.3.6.1.4.1")
    assert names(firstly[1][:-1]) == names(walked[1][3:-1])
    assert (firstly[1][-1], "past the end of the MIB tree" in walked[1][-1]) == ("End of MIB", True)
    missing = "1.3.6.1.4.1.9.9.9"
    assert asked("snmpget", "2c", missing) == (0, [f".{missing} = No Such Instance currently exists at this OID"])
    assert asked("snmpget", "1", missing)[0] == 2
    assert asked("snmpget", "2c", "1.3.6.1.2.1.1.1.0", community="public")[0] == 1


@pytest.mark.parametrize("version", ["v1", "v2c"])
def test_a_power_that_goes_away_is_a_reading_without_one_that_has_its_time(
    version: str, start_emulator: StartEmulator
) -> None:
    emulator = start_emulator("--profile", "watts=0:51", "--interval", "0.05", name="apc-rpdu2")
    options = {"outlet": 1, "protocol": version, "interval_s": 0.05, "refresh_s": 0.05}
    meter = open_meter("apc-rpdu2", emulator.address, capture=None, options=options, access=ANYBODY)
    before = meter.read(5.0)
    emulator.fault("missing-value=always")
    found = [meter.read(5.0) for _ in range(20)]
    gone = [reading for reading in found if reading.power_w is None]
    assert gone
    assert all("nan" in reading.flags and reading.time_ns > before.time_ns for reading in gone)
    emulator.fault("clear")
    assert [meter.read(5.0) for _ in range(5)][-1].power_w == 51.0
    meter.close()
