"""The search in a network namespace: responders nobody here wrote (python-zeroconf, OpenIPMI's ipmi_sim), clients
nobody here wrote on our emulators (python-kasa, python-mystrom, FreeIPMI's rmcpping), networks that do not carry it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.meters.ipmi_samples import LAN
from tests.sut.netns import SutHost, run

PYTHON = sys.executable
SERVICES: tuple[tuple[str, str, int, dict[str, str]], ...] = (
    ("_shelly._tcp", "shellyplusplugs-AABB", 8081, {"gen": "2", "app": "PlusPlugS"}),
    ("_http._tcp", "shellyplusplugs-AABB", 8081, {"gen": "2"}),
    ("_http._tcp", "Printer of mine", 80, {}),
    ("_hwenergy._tcp", "energysocket-27FF1E", 8082, {"api_enabled": "0", "product_type": "HWE-SKT"}),
    ("_homewizard._tcp", "p1dongle-1", 443, {}),
    ("_home-assistant._tcp", "Home", 8123, {}),
)


class Place:
    """A network namespace and the programs in it, which end with it."""

    def __init__(self, host: SutHost, folder: Path) -> None:
        self.host, self.folder = host, folder
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *command: str, said: str = "") -> str:
        """Start a program, tell it something, return its first line."""
        pipe = subprocess.PIPE
        process = subprocess.Popen([*self.host.prefix, *command], stdin=pipe, stdout=pipe, text=True)
        self._started.append(process)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(said)
        process.stdin.close()
        return process.stdout.readline()

    def emulate(self, name: str, port: int, *arguments: str) -> None:
        """Start an emulated meter of 50 W at a port of every address."""
        control = str(self.folder / f"{name}.control")
        words = ("--listen", f"0.0.0.0:{port}", "--control", control, "--profile", "watts=50", *arguments)
        assert "port" in json.loads(self.start(PYTHON, "-m", "meters.emulators", name, *words))

    def announce(self, services: Sequence[tuple[str, str, int, dict[str, str]]]) -> None:
        """Let python-zeroconf announce services."""
        said = "".join(json.dumps(service) + "\n" for service in services)
        assert self.start(PYTHON, "-m", "tests.meters.zeroconf_responder", self.host.address, said=said) == "up\n"

    def search(self, count: int, *drivers: str, seconds: float = 1.5) -> dict[str, Any]:
        """Search until so many are found."""
        words = (PYTHON, "-m", "tests.meters.searching", str(seconds), str(count), *drivers)
        done = subprocess.run([*self.host.prefix, *words], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    def output(self, *command: str) -> str:
        """Run a program to its end."""
        return subprocess.run([*self.host.prefix, *command], capture_output=True, text=True, check=False).stdout

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with SutHost() as host:
        place = Place(host, tmp_path)
        try:
            yield place
        finally:
            place.close()


def test_meters_of_every_way_are_found_asked_and_written_down(place: Place) -> None:
    place.announce(SERVICES)
    place.emulate("shelly", 8081)
    place.emulate("kasa", 9999, "--beacon")
    place.emulate("netio", 80, "--beacon")
    place.emulate("mystrom", 8080, "--beacon")
    command = (PYTHON, "-m", "harness.cli", "meter", "list", "--probe", "--network", "--port", "/dev/null")
    found = json.loads(place.output(*command, "--json"))
    at = place.host.address
    meters = {(meter["driver"], meter["port"]): meter for meter in found["network"]}
    assert set(meters) == {
        ("shelly", f"http://{at}:8081"), ("homewizard", f"http://{at}:8082"), ("homewizard", f"https://{at}"),
        ("homeassistant", f"http://{at}:8123"), ("kasa", f"socket://{at}:9999"), ("netio", f"http://{at}"),
        ("mystrom", f"http://{at}"),
    }  # fmt: skip
    shelly = meters["shelly", f"http://{at}:8081"]
    assert (shelly["origin"], shelly["needs"], shelly["found_by"]) == ("emulated", [], "mDNS")
    assert shelly["lab_toml"] == f'[meters.shelly]\ndriver = "shelly"\nport = "http://{at}:8081"\n'
    token = meters["homewizard", f"https://{at}"]
    assert token["answers"] is None
    assert "a token: press the device's button" in token["needs"][0]
    assert token["lab_toml"].endswith('options = { api = "v2" }\n')
    assert (meters["mystrom", f"http://{at}"]["origin"], found["remarks"]) == (None, [])


def test_each_interface_is_searched_and_only_for_the_drivers_named(place: Place) -> None:
    run(*place.host.prefix, "ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth2")
    for command in (("link", "set", "eth1", "up"), ("link", "set", "eth2", "up")):
        run(*place.host.prefix, "ip", *command)
    run(*place.host.prefix, "ip", "addr", "add", "198.19.0.1/24", "dev", "eth1")
    place.emulate("kasa", 9999, "--beacon", "--kind", "strip")
    place.announce(SERVICES[:2])
    found = place.search(2, "kasa")["found"]
    assert {one["port"] for one in found} == {f"socket://{place.host.address}:9999", "socket://198.19.0.1:9999"}
    assert {need for one in found for need in one["needs"]} == {"which outlet: outlet is one of 1 to 2"}


def test_a_network_that_carries_nothing_and_none_at_all_are_sentences(place: Place) -> None:
    place.host.partition()
    findings = place.search(0, "kasa", "shelly", seconds=0.3)
    assert findings["found"] == []
    for what in ("Kasa devices (UDP 9999)", "(mDNS)"):
        assert any("does not carry the search for" in one and what in one for one in findings["remarks"])
    run(*place.host.prefix, "ip", "link", "set", "eth0", "down")
    said = place.output(PYTHON, "-m", "harness.cli", "meter", "list", "--probe", "--network", "--port", "/dev/null")
    assert "No interface of this host is up" in said
    assert "No meter on a network answered" not in said


def test_a_port_that_somebody_else_has_is_a_remark(place: Place) -> None:
    place.start(
        PYTHON,
        "-c",
        "import socket,time; s=socket.socket(type=2); s.bind(('',7979)); print(1, flush=True); time.sleep(60)",
    )
    (remark,) = place.search(0, "mystrom", seconds=0.2)["remarks"]
    assert remark.startswith("Port 7979 cannot be listened at (Address already in use): myStrom switches")


BMC = """mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
mc_enable 0x20
"""
TAKEN = """
import socket, time
taken = socket.socket(type=socket.SOCK_DGRAM)
taken.bind(("", 7979))
print("taken", flush=True)
time.sleep(600)
"""

# --- programs of others ---------------------------------------------------------------------------------------------


KASA = """
import asyncio, sys
from kasa import Discover
async def main():
    found = await Discover.discover(target=sys.argv[1], discovery_timeout=2, discovery_packets=2)
    print({address: device.model for address, device in found.items()})
    for device in found.values():
        await device.disconnect()
asyncio.run(main())
"""
MYSTROM = """
import asyncio
from pymystrom.discovery import discover_devices
print([(device.host, device.mac, device.type) for device in asyncio.run(discover_devices(timeout=6))])
"""


@pytest.mark.parametrize(("name", "port", "model"), [("kasa", 9999, "KP115"), ("tapo", 80, "P115")])
def test_python_kasa_finds_the_emulator(place: Place, name: str, port: int, model: str) -> None:
    place.emulate(name, port, "--beacon")
    broadcast = place.host.address.rpartition(".")[0] + f".{int(place.host.address.rpartition('.')[2]) + 1}"
    assert place.output(PYTHON, "-c", KASA, broadcast) == f"{{'{place.host.address}': '{model}'}}\n"


def test_python_mystrom_finds_the_emulator(place: Place) -> None:
    place.emulate("mystrom", 8080, "--beacon")
    assert f"('{place.host.address}', '30:ae:a4:00:00:01', 107)" in place.output(PYTHON, "-c", MYSTROM)


def test_rmcpping_finds_the_emulated_bmc(place: Place) -> None:
    place.emulate("ipmi", 623)
    assert "pong received from" in place.output("rmcpping", "-c", "1", place.host.address)
    (found,) = place.search(1, "ipmi")["found"]
    assert found["port"] == f"ipmi://{place.host.address}"


def test_ipmi_sim_is_found(place: Place) -> None:
    (place.folder / "lan.conf").write_text(LAN.format(address="0.0.0.0", port=623, secret="-"), encoding="ascii")
    (place.folder / "hardware.emu").write_text(BMC, encoding="ascii")
    (place.folder / "state").mkdir()
    words = ("ipmi_sim", "-c", "lan.conf", "-f", "hardware.emu", "-s", "state", "-n")
    place.start("sh", "-c", f"cd {place.folder} && echo begun && exec {' '.join(words)}")
    (found,) = place.search(1, "ipmi", seconds=0.5)["found"]
    assert (found["port"], found["says"]) == (f"ipmi://{place.host.address}", "a BMC that speaks IPMI")
