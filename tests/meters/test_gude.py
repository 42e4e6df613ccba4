"""The GUDE codec and driver.

Values and names: what `check_gude.py` printed for a real device (gudesystems/check_gude.py README.txt); the JSON round
them is of the form GUDE's wiki describes ("HTTP JSON Sensor Data"), so these bytes themselves were on no wire.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from meters import gude
from meters.http_wire import BODY_LIMIT
from meters.meter import MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused
from meters.reading import Identity
from meters.registry import open_meter
from tests.meters.http_servers import page_server

# The lines of the README, verbatim: index, value, unit, name.
CHECK_GUDE = """\
        9.0.0 232.47 V Voltage
        9.0.1 0.0 A Current
        9.0.2 50.01 Hz Frequency
        9.0.3 -31.6 deg PhaseIU
        9.0.4 0.0 W ActivePower
        9.0.5 1.0 VAR ReactivePower
        9.0.6 0.0 VA ApparentPower
        9.0.7 1.0  PowerFactor
        9.0.8 0.0 A Residual Current
        9.0.9 -106.8 deg PhaseIU N
        9.0.10 -1.0 W ActivePower N
        9.0.11 -1.0 VAR ReactivePower N
        9.0.12 0.0 VA ApparentPower N
        9.0.13 -0.093  PowerFactor N
        9.0.14 0.717 kWh AbsActEnergyNonRes
        9.0.15 2.122 kVARh AbsReactEnergyNonRes
        9.0.16 0.717 kWh AbsActEnergyRes
"""
IDENTITY = {
    "misc": {"product_name": "Expert Power Control 1202", "firm_v": "1.11.0"},
    "ethernet": {"mac": "00:19:32:1"},
}


def fields() -> list[tuple[str, float, str]]:
    lines = [line.strip().split(" ", 2) for line in CHECK_GUDE.splitlines()]
    return [(rest.split(" ", 1)[1], float(value), rest.split(" ", 1)[0]) for _index, value, rest in lines]


def status(rows: Sequence[tuple[str, object, str]] = ()) -> dict[str, Any]:
    """A reply in the form of the wiki, with the meter behind a sensor that has no power."""
    rows = rows or fields()
    described = [{"name": name, "unit": unit, "decPrecision": 2} for name, _value, unit in rows]
    warm = {"name": "Temperature", "unit": "deg C", "decPrecision": 1}
    return {
        "sensor_descr": [
            {"type": 52, "num": 1, "fields": [warm], "properties": [{"id": "7105", "name": "7105"}]},
            {"type": 9, "num": 1, "fields": described, "properties": [{"id": "L1", "name": "Meter1"}]},
        ],
        "sensor_values": [
            {"type": 52, "num": 1, "values": [[{"v": 27.1}]]},
            {"type": 9, "num": 1, "values": [[{"v": value, "s": 0, "st": []} for _name, value, _unit in rows]]},
        ],
        "eof": 1,
    }


def encoded(reply: object) -> bytes:
    return json.dumps(reply).encode()


def test_the_values_a_real_device_showed_are_found_by_name_and_unit() -> None:
    (sensor,) = gude.decode_sensors(encoded(status()))
    assert (sensor.id, sensor.name) == ("L1", "Meter1")
    reading = gude.to_reading(sensor, 7, 3680.0, stale=False)
    assert (reading.power_w, reading.voltage_v, reading.current_a, reading.frequency_hz) == (0.0, 232.47, 0.0, 50.01)
    assert (reading.power_factor, reading.apparent_power_va, reading.energy_wh) == (1.0, 0.0, 717.0)
    assert (reading.time_ns, reading.window_s, reading.flags) == (7, 0.0, frozenset())


def test_the_order_of_the_fields_does_not_matter() -> None:
    (there,), (back,) = (gude.decode_sensors(encoded(status(rows))) for rows in (fields(), fields()[::-1]))
    assert gude.to_reading(there, 1, 3680.0, stale=False) == gude.to_reading(back, 1, 3680.0, stale=False)


def test_a_power_with_decimals_is_kept_as_it_came() -> None:
    rows = [("ActivePower", 23.760564, "W")]  # a value of the KDE measurement log
    (sensor,) = gude.decode_sensors(encoded(status(rows)))
    assert gude.to_reading(sensor, 1, 3680.0, stale=False).power_w == 23.760564


@pytest.mark.parametrize(
    ("name", "value", "unit", "text"),
    [
        ("ActivePower", 1.0, "kW", r"fields\[0\].unit: found 'kW' for activepower, expected 'W'"),
        ("ActivePower", "50", "W", r"values\[0\]\[0\].v: found '50', expected a number"),
        ("ActivePower", True, "W", r"values\[0\]\[0\].v: found true"),
        ("ActivePower", [1], "W", "found an array of 1"),
        ("ActivePower", 1e7, "W", "expected a number from -1e"),
        ("Voltage", 230.0, "V", "no sensor with an ActivePower"),
    ],
)
def test_what_is_no_power_in_watts_is_refused_with_its_json_path(
    name: str, value: object, unit: str, text: str
) -> None:
    with pytest.raises(MeterGarbage, match=text):
        gude.choose_sensor(gude.decode_sensors(encoded(status([(name, value, unit)]))), "")


@pytest.mark.parametrize("value", [None, "absent"])
def test_a_value_that_is_not_there_now_is_nan_and_no_number(value: object) -> None:
    reply = status([("ActivePower", None, "W"), ("Voltage", 230.0, "V")])
    if value == "absent":
        del reply["sensor_values"][1]["values"][0][0]["v"]
    (sensor,) = gude.decode_sensors(encoded(reply))
    reading = gude.to_reading(sensor, 1, 3680.0, stale=False)
    assert (reading.power_w, reading.voltage_v, reading.flags) == (None, 230.0, frozenset({"nan"}))


def test_power_beyond_the_range_is_overrange_and_no_number() -> None:
    (sensor,) = gude.decode_sensors(encoded(status([("ActivePower", 3681.0, "W")])))
    assert gude.to_reading(sensor, 1, 3680.0, stale=False).flags == {"overrange"}


def test_values_that_do_not_fit_their_description_are_refused() -> None:
    reply = status()
    reply["sensor_values"][1]["values"][0].pop()
    assert gude.decode_sensors(encoded(reply))[0].values["power_w"].value == 0.0  # the last field is none of ours
    del reply["sensor_values"][1]["values"][0][10:]
    with pytest.raises(MeterGarbage, match=r"values\[0\]: found 10 values"):
        gude.decode_sensors(encoded(reply))
    reply["sensor_values"][1]["type"] = 8
    with pytest.raises(MeterGarbage, match="found another type than"):
        gude.decode_sensors(encoded(reply))
    reply["sensor_values"].pop()
    with pytest.raises(MeterGarbage, match="found 1 groups, expected 2"):
        gude.decode_sensors(encoded(reply))
    twice = status([("ActivePower", 1.0, "W"), ("ActivePower", 2.0, "W")])
    with pytest.raises(MeterGarbage, match="a second time"):
        gude.decode_sensors(encoded(twice))


def several() -> dict[str, Any]:
    """Two lines and their sum in one strip, in the form of `GudeMock`, somebody's mock server for the zaf framework."""
    reply = status([("ActivePower", 10.0, "W")])
    reply["sensor_descr"][1]["properties"] = [
        {"id": "A", "name": "Meter-A"},
        {"id": "B", "name": "Meter-B"},
        {"id": "sum", "name": None},
    ]
    reply["sensor_values"][1]["values"] = [[{"v": 10.0}], [{"v": 20.0}], [{"v": 30.0}]]
    return reply


@pytest.mark.parametrize(("wanted", "power_w"), [("A", 10.0), ("Meter-B", 20.0), ("sum", 30.0)])
def test_one_of_several_meters_is_chosen_by_id_or_name(wanted: str, power_w: float) -> None:
    sensor = gude.choose_sensor(gude.decode_sensors(encoded(several())), wanted)
    assert gude.to_reading(sensor, 1, 3680.0, stale=False).power_w == power_w


@pytest.mark.parametrize("wanted", ["", "C"])
def test_without_a_choice_among_several_the_names_there_are_stand_in_the_error(wanted: str) -> None:
    with pytest.raises(MeterOptionError, match=r"A \(Meter-A\), B \(Meter-B\)"):
        gude.choose_sensor(gude.decode_sensors(encoded(several())), wanted)


def test_an_identity_has_what_the_strip_says_and_nothing_else() -> None:
    whole = gude.decode_identity(encoded(IDENTITY))
    assert whole == Identity("GUDE", "Expert Power Control 1202", "00:19:32:1", "1.11.0")
    assert gude.decode_identity(b'{"eof":1}') == Identity("GUDE", "", "", "")


@pytest.mark.parametrize(
    "path", ["/status.json?components=1&cmd=1&p=1&s=0", "/ov.html?cmd=1&p=1&s=1", "/status.json?components=1"]
)
def test_nothing_that_switches_or_resets_can_be_asked(path: str) -> None:
    with pytest.raises(MeterRefused, match="does not ask"):
        gude.encode_request(path)


def test_a_served_conversation_gives_readings_and_a_description() -> None:
    pages = {gude.IDENTITY_PATH: encoded(IDENTITY), gude.VALUES_PATH: encoded(status())}
    with page_server(pages) as url:
        meter = open_meter("gude", url, capture=None, options={"interval_s": 0.01})
        assert meter.identify().serial == "00:19:32:1"
        described = meter.describe()
        assert (described.averaging, described.window_s, described.stamp) == ("instantaneous", 0.0, "unknown")
        columns = {column.name: column for column in described.columns}
        assert (columns["power_w"].resolution, columns["energy_wh"].resolution) == (0.01, 10.0)
        assert columns["energy_wh"].unit == "Wh"
        assert [meter.read(3.0).energy_wh for _ in range(2)] == [717.0, 717.0]
        pages[gude.VALUES_PATH] = encoded(status(fields()[::-1]))  # as after an update of the firmware
        assert meter.read(3.0).voltage_v == 232.47
        pages[gude.VALUES_PATH] = b" " * BODY_LIMIT + b"{}"
        with pytest.raises(MeterGarbage, match=f"expected at most {BODY_LIMIT}"):
            meter.read(3.0)
        pages[gude.VALUES_PATH] = encoded(status())
        assert meter.read(3.0).flags - {"stale"} == {"resynced"}
        meter.close()


def test_another_web_server_is_no_gude() -> None:
    with page_server({}) as url, pytest.raises(MeterMismatch, match=r"404 Not Found.*another kind of meter"):
        open_meter("gude", url, capture=None, options={})
    page = b"<html>Hello</html>"
    pages = {gude.IDENTITY_PATH: page, gude.VALUES_PATH: page}
    with page_server(pages) as url, pytest.raises(MeterMismatch, match="expected JSON"):
        open_meter("gude", url, capture=None, options={})


def test_a_strip_without_a_page_for_its_identity_is_read_without_a_name() -> None:
    pages = {gude.VALUES_PATH: encoded(status())}
    with page_server(pages) as url:
        meter = open_meter("gude", url, capture=None, options={"interval_s": 0.01})
        assert meter.identify() == Identity("GUDE", "", "", "")
        pages[gude.VALUES_PATH] = b"{"
        with pytest.raises(MeterGarbage, match="expected JSON"):
            meter.read(3.0)
        pages[gude.VALUES_PATH] = encoded(status())
        assert meter.read(3.0).flags - {"stale"} == {"resynced"}
        meter.reopen()
        assert meter.read(3.0).power_w == 0.0
        meter.close()


def test_a_meter_that_is_not_chosen_is_named_with_the_port() -> None:
    pages = {gude.IDENTITY_PATH: encoded(IDENTITY), gude.VALUES_PATH: encoded(several())}
    with page_server(pages) as url:
        with pytest.raises(MeterOptionError, match=rf"^{url}: option sensor is '', expected the id or name"):
            open_meter("gude", url, capture=None, options={})
        meter = open_meter("gude", url, capture=None, options={"sensor": "B"})
        assert meter.read(3.0).power_w == 20.0
        meter.close()
