"""The driver of myStrom switches against published answers, and python-mystrom on the emulator."""

from __future__ import annotations

import asyncio

import pytest
from pymystrom.switch import MyStromSwitch
from yarl import URL

from meters import mystrom
from meters.meter import MeterGarbage, MeterMismatch
from meters.reading import Identity
from meters.registry import open_meter
from tests.meters.conftest import StartEmulator
from tests.meters.http_servers import page_server

REPORT = (
    b'{"power":12.53,"Ws":11.97,"relay":true,"temperature":21.63,"boot_id":"C7E2","energy_since_boot":7200.5,'
    b'"time_since_boot":600}'
)
"""In the form of api.mystrom.ch; the numbers are made up."""
OLD_REPORT = b'{"power":12.53,"relay":true}'
INFO = b'{"version":"3.82.60","mac":"64002D000001","type":106,"ssid":"lab","connected":true}'


def test_power_is_that_of_now_and_the_energy_comes_in_watt_seconds() -> None:
    values = mystrom.decode_report(REPORT)
    reading = mystrom.to_reading(values, 1, 3680.0, stale=False)
    assert reading.power_w == 12.53
    assert reading.energy_wh == pytest.approx(7200.5 / 3600.0)
    assert values["power_w"].step == pytest.approx(0.01)
    assert mystrom.to_reading(mystrom.decode_report(OLD_REPORT), 1, 3680.0, stale=False).energy_wh is None
    assert mystrom.to_reading(mystrom.decode_report(b'{"power":null}'), 1, 3680.0, stale=False).flags == {"nan"}
    with pytest.raises(MeterGarbage, match="found no 'power'"):
        mystrom.decode_report(b'{"Ws":1}')


def test_a_switch_is_who_it_says_in_new_firmware_and_old() -> None:
    assert mystrom.decode_info(INFO) == Identity("myStrom", "Switch 106", "64002D000001", "3.82.60")
    assert mystrom.decode_info(INFO.replace(b"106", b'"WS2"')).model == "Switch WS2"
    assert mystrom.decode_info(b'{"version":"2.56","mac":"64"}').model == "Switch"


def test_old_firmware_is_found_and_stays_the_same_switch() -> None:
    pages = {"/report": OLD_REPORT, "/info.json": INFO}
    with page_server(pages) as url:
        meter = open_meter("mystrom", url, capture=None, options={"interval_s": 0.01})
        assert meter.read(5.0).power_w == 12.53
        pages["/api/v1/info"] = b"{}"
        meter.reopen()
        assert (meter.read(5.0).power_w, meter.describe().tier) == (12.53, "uncalibrated")
        meter.close()
        del pages["/info.json"]
        with pytest.raises(MeterMismatch, match="check that this is a myStrom switch that meters"):
            open_meter("mystrom", url, capture=None, options={})


def test_python_mystrom_reads_the_emulator(start_emulator: StartEmulator) -> None:
    words = ("--profile", "watts=50", "--interval", "0.05", "--password", "secret")
    address = start_emulator(*words, name="mystrom").address

    async def told() -> tuple[float | None, float | None, str | None, float | None]:
        async with MyStromSwitch("127.0.0.1", token="secret") as switch:
            switch.uri = URL(address)  # it takes no port
            await switch.get_state()
            return switch.consumption, switch.consumedWs, switch.firmware, switch.energy_since_boot

    power, _mean, firmware, energy = asyncio.run(told())
    assert (power, firmware) == (50.0, "3.82.60-EMULATED")
    assert energy is not None
