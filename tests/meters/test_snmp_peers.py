"""The PDU drivers against an agent nobody here wrote (net-snmp's snmpd, with values of published walks), and the
emulated PDUs against clients nobody here wrote (net-snmp's snmpget, snmpbulkwalk)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pytest

from meters.access import ANYBODY, Access, Credentials
from meters.meter import MeterMismatch, MeterTimeout, MeterUnavailable
from meters.registry import open_meter
from meters.snmp.pdus import MIBS
from tests.meters.conftest import StartEmulator
from tests.meters.snmp_agent import agent, client

SECRET = Access(Credentials("", "not-public"))


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The driver's port of an snmpd that lets in who knows its community."""
    lines, asked = ["rocommunity not-public 127.0.0.1"], ["-v2c", "-c", "not-public"]
    with agent(tmp_path_factory.mktemp("snmpd"), lines, asked) as number:
        yield f"snmp://127.0.0.1:{number}"


@pytest.mark.parametrize("version", ["v1", "v2c"])
def test_the_drivers_read_snmpd(version: str, port: str) -> None:
    log = io.BytesIO()
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


def test_what_snmpd_has_not_is_named_and_a_wrong_community_is_silence(port: str) -> None:
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


@pytest.mark.parametrize("kind", MIBS)
def test_clients_of_net_snmp_read_the_emulated_pdus(kind: str, start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=0:51", "--password", "not-public", name=kind)
    number = int(emulator.address.rpartition(":")[2])

    def asked(program: str, version: str, oid: str, community: str = "not-public") -> tuple[int, list[str]]:
        run = client(program, number, f"-v{version}", "-c", community, oid)
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
