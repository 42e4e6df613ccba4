"""The driver of Home Assistant against the answer that its documentation shows, and clients on the emulator."""

from __future__ import annotations

import io

import pytest
import requests

from meters import homeassistant
from meters.access import ANYBODY, Access, Credentials
from meters.meter import MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused
from meters.reading import Reading
from meters.registry import open_meter
from tests.meters.conftest import StartEmulator, wait_until
from tests.meters.kept import said

ENTITY = "sensor.plug_power"
STATE = (
    b'{"attributes":{"friendly_name":"Plug","unit_of_measurement":"W","device_class":"power"},'
    b'"entity_id":"sensor.plug_power","last_changed":"2016-05-30T21:43:29.204838+00:00",'
    b'"last_updated":"2016-05-30T21:47:30.533530+00:00","state":"45.3"}'
)
"""In the form of developers.home-assistant.io, REST API."""
LOAD = ("--profile", "watts=50", "--interval", "0.05")
TOKEN = "eyJhbGciOiJIUzI1NiJ9.lab.0123456789"
OPTIONS = {"interval_s": 0.02, "entity": ENTITY}


def read(data: bytes) -> Reading:
    return homeassistant.to_reading(homeassistant.decode_state(data, ENTITY), 1, 3680.0, stale=False)


def test_a_state_is_a_power_in_its_own_unit() -> None:
    assert read(STATE).power_w == 45.3
    for unit, state, power_w, step in ((b"kW", b"1.25", 1250.0, 10.0), (b"mW", b"1500", 1.5, 1e-3)):
        data = STATE.replace(b'"W"', b'"%b"' % unit).replace(b"45.3", state)
        assert read(data).power_w == power_w
        assert homeassistant.decode_state(data, ENTITY).power.step == pytest.approx(step)
    for word in (b"unavailable", b"unknown"):
        assert read(STATE.replace(b"45.3", word)).flags == {"nan"}
    assert read(STATE.replace(b"45.3", b"5000")).flags == {"overrange"}


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (b'"W"', b'"kWh"', "found 'kWh', expected one of mW, W, kW; it is no power"),
        (b'"unit_of_measurement":"W",', b"", "found no 'unit_of_measurement'"),
        (b'"45.3"', b'"on"', "found 'on', expected a number"),
        (b'"45.3"', b'"NaN"', "found 'NaN', expected a number"),
        (b'"45.3"', b"45.3", "expected a text"),
        (b'"sensor.plug_power"', b'"sensor.other"', "found 'sensor.other', expected 'sensor.plug_power'"),
    ],
)
def test_what_is_no_power_is_refused(old: bytes, new: bytes, text: str) -> None:
    with pytest.raises(MeterGarbage, match=text):
        read(STATE.replace(old, new))


def test_a_token_is_given_and_stands_in_no_log(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*LOAD, "--password", TOKEN, name="homeassistant")
    sink = io.BytesIO()
    access = Access(Credentials("", TOKEN))
    meter = open_meter("homeassistant", emulator.address, capture=sink, options=OPTIONS, access=access)
    assert (meter.read(5.0).power_w, meter.describe().tier) == (50.0, "uncalibrated")
    remarks = meter.describe().remarks
    assert "which instrument measured it, and how old it was, nothing here shows" in remarks[0]
    assert "the password goes over the network so that whoever listens there can read it" in remarks[1]
    meter.close()
    log = said(sink.getvalue())
    assert (b"Authorization: (withheld)" in log, TOKEN.encode() in log) == (True, False)
    with pytest.raises(MeterRefused, match=r"401.*the meter does not take the token: ask it for a new one") as caught:
        open_meter(
            "homeassistant", emulator.address, capture=None, options=OPTIONS, access=Access(Credentials("", "other"))
        )
    assert "other" not in str(caught.value)
    with pytest.raises(MeterRefused, match="the meter wants a password"):
        open_meter("homeassistant", emulator.address, capture=None, options=OPTIONS, access=ANYBODY)


def test_an_entity_is_needed_and_one_that_is_not_there_is_named(start_emulator: StartEmulator) -> None:
    url = start_emulator(*LOAD, name="homeassistant").address
    with pytest.raises(MeterOptionError, match=r"option entity is '', expected one such as sensor\.plug_power"):
        open_meter("homeassistant", url, capture=None, options={})
    with pytest.raises(MeterMismatch, match=r"404.*check that this is Home Assistant, and the option entity"):
        open_meter("homeassistant", url, capture=None, options={"entity": "sensor.other"})


def test_a_report_that_was_told_already_is_stale_however_long(start_emulator: StartEmulator) -> None:
    slow = ("--profile", "watts=50", "--interval", "1000")
    for generation, options in (("2", {"refresh_s": 0.01}), ("1", {"refresh_s": 30.0})):
        url = start_emulator(*slow, "--generation", generation, name="homeassistant").address
        meter = open_meter("homeassistant", url, capture=None, options={**OPTIONS, **options})
        assert [meter.read(5.0).flags for _ in range(3)] == [frozenset(), {"stale"}, {"stale"}]
        meter.close()


def test_an_entity_without_a_value_is_no_power(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*LOAD, name="homeassistant")
    meter = open_meter("homeassistant", emulator.address, capture=None, options=OPTIONS)
    for fault in ("unavailable", "missing-value"):
        emulator.fault(fault)
        wait_until(lambda: "nan" in meter.read(5.0).flags, "no power")
        assert meter.read(5.0).power_w == 50.0
    meter.close()


def test_requests_reads_the_emulator(start_emulator: StartEmulator) -> None:
    url = start_emulator(*LOAD, "--password", TOKEN, name="homeassistant").address
    headers = {"Authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    state = requests.get(f"{url}/api/states/{ENTITY}", headers=headers, timeout=30).json()
    assert (state["state"], state["attributes"]["unit_of_measurement"]) == ("50", "W")
    assert requests.get(f"{url}/api/", timeout=30).status_code == 401
