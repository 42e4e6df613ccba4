"""The emulated plugs against HTTP clients nobody here wrote, and against the drivers.

curl and Python's urllib speak HTTP; ShellyPy and tasmota-http speak the plugs' own protocols. For GUDE there is no
client at hand that could be run: its pages are read with curl and compared with what the wiki says they hold.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import ShellyPy
from tasmota_http import TasmotaClient

from meters.emulators.gude import GudeDevice
from meters.emulators.http_device import HttpDevice
from meters.emulators.shelly import ShellyDevice
from meters.emulators.tasmota import TasmotaDevice
from meters.emulators.virtual_sut import parse_profile
from meters.meter import MeterGarbage, MeterRefused
from meters.reading import EMULATOR_MARK
from meters.registry import open_meter
from meters.wire_log import read_capture
from tests.meters.conftest import StartEmulator

LOAD = ("--profile", "watts=50", "--interval", "0.05")


def get(*arguments: str) -> str:
    return subprocess.run(["curl", "-sS", *arguments], capture_output=True, text=True, timeout=60, check=True).stdout


def parse(response: bytes) -> Any:  # noqa: ANN401 - JSON
    head, _mark, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert f"Content-Length: {len(body)}".encode() in head
    return json.loads(body)


def ask(device: HttpDevice, path: str, now_s: float) -> Any:  # noqa: ANN401 - JSON
    (response,) = device.receive(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), now_s)
    return parse(response)


# --- against clients of others --------------------------------------------------------------------------------------


def test_curl_reads_the_pages_of_a_gude(start_emulator: StartEmulator) -> None:
    url = start_emulator(*LOAD, name="gude").address
    both = json.loads(get(f"{url}/status.json?components=81920"))
    fields = [field["name"] for field in both["sensor_descr"][0]["fields"]]
    row = both["sensor_values"][0]["values"][0]
    assert row[fields.index("ActivePower")]["v"] == 50
    assert (len(fields), len(row), fields[4], fields[14]) == (27, 27, "ActivePower", "AbsActEnergyNonRes")
    assert "sensor_descr" not in json.loads(get(f"{url}/status.json?components=16384"))
    who = json.loads(get(f"{url}/status.json?components=1073741823"))
    assert EMULATOR_MARK in who["misc"]["product_name"]
    assert get("-o", "/dev/null", "-w", "%{http_code}", f"{url}/ov.html?cmd=1&p=1&s=1") == "404"
    assert get("-o", "/dev/null", "-w", "%{http_code}", "-X", "PUT", f"{url}/status.json") == "405"


def test_curl_asks_twice_on_one_connection(start_emulator: StartEmulator) -> None:
    url = start_emulator(*LOAD, name="gude").address
    page = f"{url}/status.json?components=16384"
    said = get("-w", "%{num_connects}\n", "-o", "/dev/null", page, "-o", "/dev/null", page)
    assert said.split() == ["1", "0"]


def test_urllib_reads_a_tasmota_plug_and_gets_its_errors(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*LOAD, "--fault", "http-500", name="tasmota")
    page = f"{emulator.address}/cm?cmnd=Status%208"
    with pytest.raises(urllib.error.HTTPError, match="500"):
        urllib.request.urlopen(page, timeout=30)
    emulator.fault("unauthorised")
    time.sleep(0.2)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(page, timeout=30)
    with urllib.request.urlopen(page, timeout=30) as response:
        assert json.load(response)["StatusSNS"]["ENERGY"]["Power"] == 50


def test_tasmota_http_reads_the_plug(start_emulator: StartEmulator) -> None:
    client = TasmotaClient(start_emulator(*LOAD, name="tasmota").address)
    energy: Any = client.status(8)
    assert energy["StatusSNS"]["ENERGY"]["Power"] == 50
    firmware: Any = client.status(2)
    assert EMULATOR_MARK in firmware["StatusFWR"]["Version"]
    assert client.power_set(on=False) == {"Command": "Unknown"}


def test_shellypy_reads_both_generations(start_emulator: StartEmulator) -> None:
    for generation in ("1", "2"):
        url = start_emulator(*LOAD, "--generation", generation, name="shelly").address
        device = ShellyPy.Shelly("127.0.0.1", port=url.rpartition(":")[2])
        if generation == "1":
            assert device.status()["meters"][0]["power"] == device.meter(0)["power"] == 50.0
        else:
            assert device.relay(0)["apower"] == 50.0


# --- the devices in virtual time --------------------------------------------------------------------------------------


def test_a_request_may_come_in_pieces_and_two_may_come_at_once() -> None:
    device = ShellyDevice(parse_profile("watts=50", 1))
    request = b"GET /shelly HTTP/1.1\r\nHost: x\r\n\r\n"
    assert [device.receive(request[at : at + 1], 1.0) for at in range(len(request) - 1)] == [[]] * (len(request) - 1)
    assert [parse(response)["gen"] for response in device.receive(request[-1:] + request, 1.0)] == [2, 2]


def test_a_value_stands_for_a_whole_refresh_and_the_register_counts_all_of_it() -> None:
    device = ShellyDevice(parse_profile("watts=0:0,10:3600", 1))
    powers = [ask(device, "/rpc/Switch.GetStatus?id=0", now_s)["apower"] for now_s in (1.0, 10.4, 11.0, 11.9, 12.0)]
    assert powers == [0.0, 0.0, 3600.0, 3600.0, 3600.0]
    assert ask(device, "/rpc/Switch.GetStatus?id=0", 20.0)["aenergy"]["total"] == 10.0


def test_each_register_counts_in_its_own_unit() -> None:
    load = "watts=3600"
    assert ask(ShellyDevice(parse_profile(load, 1), generation=1), "/status", 60.0)["meters"][0]["total"] == 3600
    tasmota = ask(TasmotaDevice(parse_profile(load, 1)), "/cm?cmnd=Status%208", 60.0)
    assert tasmota["StatusSNS"]["ENERGY"]["Total"] == 0.06
    gude = ask(GudeDevice(parse_profile(load, 1)), "/status.json?components=16384", 60.0)
    assert gude["sensor_values"][0]["values"][0][14]["v"] == 0.06


def test_a_shelly_takes_its_parameters_in_the_path_or_as_json() -> None:
    device = ShellyDevice(parse_profile("watts=50", 1))
    for body, power in ((b'{"id":0}', 50.0), (b'{"id":1}', None), (b"[", None)):
        head = f"POST /rpc/Switch.GetStatus HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        (response,) = device.receive(head + body, 1.0)
        assert (parse(response)["apower"] if power else response.split(b" ")[1]) == (power or b"404")


def test_a_tasmota_plug_sends_decimals_only_when_it_is_set_to() -> None:
    for decimals, text in ((0, b'"Power":12,'), (2, b'"Power":12.35,')):
        device = TasmotaDevice(parse_profile("watts=12.345678", 1), decimals=decimals)
        (response,) = device.receive(b"GET /cm?cmnd=Status%208 HTTP/1.1\r\n\r\n", 1.0)
        assert text in response


# --- against the drivers ----------------------------------------------------------------------------------------------

PLUGS = [("gude", ()), ("tasmota", ()), ("shelly", ("--generation", "1")), ("shelly", ("--generation", "2"))]


@pytest.mark.parametrize(("name", "more"), PLUGS)
def test_every_fault_of_its_own_is_what_it_should_be(
    start_emulator: StartEmulator, name: str, more: tuple[str, ...]
) -> None:
    emulator = start_emulator(*LOAD, *more, name=name)
    meter = open_meter(name, emulator.address, capture=None, options={"interval_s": 0.02})
    try:
        for fault in ("http-500", "unauthorised", "redirect", "wrong-json", "nan-literal", "wrong-type"):
            emulator.fault(fault)
            time.sleep(0.1)
            with pytest.raises(MeterGarbage):
                meter.read(3.0)
            assert (meter.read(3.0).power_w, meter.read(3.0).power_w) == (50.0, 50.0)
        for fault, flag in (("missing-value", "nan"), ("overrange", "overrange")):
            emulator.fault(fault)
            time.sleep(0.1)
            reading = meter.read(3.0)
            assert reading.power_w is None
            assert flag in reading.flags
            assert meter.read(3.0).power_w == 50.0
    finally:
        meter.close()


@pytest.mark.parametrize(("name", "more"), PLUGS)
def test_a_plug_that_wants_a_password_is_refused_and_says_so(
    start_emulator: StartEmulator, name: str, more: tuple[str, ...]
) -> None:
    emulator = start_emulator(*LOAD, *more, "--fault", "unauthorised", name=name)
    with pytest.raises(MeterRefused, match=r"401 Unauthorized.*give it with user and password_file"):
        open_meter(name, emulator.address, capture=None, options={})


def test_both_logs_of_the_wire_hold_the_same_bytes(start_emulator: StartEmulator, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs.log", tmp_path / "ours.log"
    emulator = start_emulator(*LOAD, "--capture", str(theirs), name="shelly")
    with ours.open("wb") as sink:
        meter = open_meter("shelly", emulator.address, capture=sink, options={"interval_s": 0.02})
        powers = [meter.read(3.0).power_w for _ in range(5)]
        meter.close()
    assert powers == [50.0] * 5
    assert emulator.stop() == (0, "")
    logs = []
    for path in (theirs, ours):
        with path.open("rb") as file:
            parts = list(read_capture(file, path.name))
        logs.append({way: b"".join(part.data for part in parts if part.direction == way) for way in "<>"})
    assert logs[0] == logs[1]
    assert logs[0]["<"].count(b"apower") == 6  # the greeting asks once
