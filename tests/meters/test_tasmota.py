"""The Tasmota codec and driver against replies that users of real plugs published."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from meters import tasmota
from meters.meter import MeterError, MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused
from meters.reading import Identity, Reading
from meters.registry import open_meter
from tests.meters.http_servers import page_server

# camueller/SmartApplianceEnabler, its page on Tasmota: `curl http://192.168.1.1/cm?cmnd=Status%208`.
SENSORS = (
    b'{"StatusSNS":{"Time":"2019-09-06T20:06:19","ENERGY":{"TotalStartTime":"2019-08-18T11:07:55","Total":0.003,'
    b'"Yesterday":0.000,"Today":0.003,"Power":26,"ApparentPower":25,"ReactivePower":25,"Factor":0.06,"Voltage":239,'
    b'"Current":0.106}}}'
)
# openshwprojects/OpenBK7231T_App, the reply of a plug its source imitates: blanks before whole numbers.
BLANKS = (
    b'{"StatusSNS":{"Time":"2022-07-30T10:11:26","ENERGY":{"TotalStartTime":"2022-05-12T10:56:31","Total":0.003,'
    b'"Yesterday":0.003,"Today":0.000,"Power": 0,"ApparentPower": 0,"ReactivePower": 0,"Factor":0.00,"Voltage":236,'
    b'"Current":0.000}}}'
)
# A comment at the end of ZeroExport.h, a plugin for AhoyDTU: parts of a `Status0` of an ESP8266 with Tasmota 11.1.0.
FIRMWARE = (
    b'{"StatusFWR":{"Version":"11.1.0(tasmota)","BuildDateTime":"2022-05-05T03:23:22","Boot":31,"Core":"2_7_4_9",'
    b'"SDK":"2.2.2-dev(38a443e)","CpuFrequency":80,"Hardware":"ESP8266EX","CR":"378/699"}}'
)
NETWORK = (
    b'{"StatusNET":{"Hostname":"Tasmota","IPAddress":"192.168.100.81","Gateway":"192.168.100.1",'
    b'"Subnetmask":"255.255.255.0","DNSServer1":"192.168.100.1","DNSServer2":"0.0.0.0","Mac":"4C:11:AE:11:F8:50",'
    b'"Webserver":2,"HTTP_API":1,"WifiConfig":4,"WifiPower":17.0}}'
)
NO_METER = b'{"StatusSNS":{"Time":"2024-03-02T17:46:04","PV":{"Bezug":0.364,"Einspeisung":3559.439,"Leistung":-14}}}'
# A log somebody published of a Sonoff POW with 5.14.0, from when `Hardware` was not told; cut after `Core`.
OLD_FIRMWARE = b'{"StatusFWR":{"Version":"5.14.0","BuildDateTime":"2018-05-15T15:29:54","Boot":31,"Core":"2_3_0"}}'


def read(data: bytes, channel: int = 0, range_w: float = 3680.0) -> Reading:
    return tasmota.to_reading(tasmota.decode_energy(data, channel), 1, range_w, stale=False)


def test_a_published_reply_decodes_to_the_values_in_it() -> None:
    reading = read(SENSORS)
    assert (reading.power_w, reading.voltage_v, reading.current_a, reading.power_factor) == (26.0, 239.0, 0.106, 0.06)
    assert (reading.apparent_power_va, reading.energy_wh, reading.frequency_hz) == (25.0, 3.0, None)
    assert (reading.window_s, reading.flags) == (0.0, frozenset())
    assert read(BLANKS).power_w == 0.0


def test_power_is_resolved_to_a_watt_unless_it_comes_with_decimals() -> None:
    assert tasmota.decode_energy(SENSORS, 0)["power_w"].step == 1.0
    finer = tasmota.decode_energy(SENSORS.replace(b'"Power":26', b'"Power":26.31'), 0)["power_w"]
    assert finer.value == 26.31
    assert finer.step == pytest.approx(0.01)
    assert tasmota.decode_energy(SENSORS, 0)["energy_wh"].step == pytest.approx(1.0)


def test_an_identity_is_made_of_firmware_chip_and_mac() -> None:
    who = tasmota.decode_identity(FIRMWARE, NETWORK)
    assert who == Identity("Tasmota", "Tasmota plug (ESP8266EX)", "4C:11:AE:11:F8:50", "11.1.0(tasmota)")
    assert tasmota.decode_identity(OLD_FIRMWARE, NETWORK).model == "Tasmota plug"


@pytest.mark.parametrize(
    ("old", "new", "error", "text"),
    [
        (b'"Power":26,', b"", MeterGarbage, r"\$.StatusSNS.ENERGY: found no 'Power'"),
        (b'"Power":26', b'"Power":"26"', MeterGarbage, r"\$.StatusSNS.ENERGY.Power: found '26'"),
        (b'"Power":26', b'"Power":nan', MeterGarbage, "expected JSON"),
        (b'"Power":26', b'"Power":NaN', MeterGarbage, "NaN is no number"),
        (b'"Power":26', b'"Power":[26,4]', MeterOptionError, "option channel is 0, expected 1 to 2"),
        (b'{"StatusSNS"', b'{"WARNING":"Need user=<username>&password=<password>","x"', MeterRefused, "Need user="),
        (b"ENERGY", b"AM2301", MeterGarbage, "found no 'ENERGY'"),
    ],
)
def test_what_is_no_reading_is_refused_with_its_json_path(
    old: bytes, new: bytes, error: type[MeterError], text: str
) -> None:
    with pytest.raises(error, match=text):
        read(SENSORS.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "quantity"),
    [
        (b'"Factor":0.06', b'"Factor":1.01', "power_factor"),
        (b'"Voltage":239', b'"Voltage":"239"', "voltage_v"),
        (b'"Current":0.106', b'"Current":-1', "current_a"),
        (b'"ApparentPower":25', b'"ApparentPower":' + b"9" * 400, "apparent_power_va"),
        (b'"Total":0.003', b'"Total":{}', "energy_wh"),
    ],
)
def test_a_bad_value_beside_a_sound_power_costs_that_quantity_alone(old: bytes, new: bytes, quantity: str) -> None:
    whole, reading = read(SENSORS), read(SENSORS.replace(old, new))
    assert asdict(reading) == asdict(whole) | {quantity: None}
    assert reading.power_w == 26.0


def test_a_null_is_nan_and_power_beyond_the_range_is_overrange() -> None:
    assert read(SENSORS.replace(b'"Power":26', b'"Power":null')).flags == {"nan"}
    beyond = read(SENSORS, range_w=25.0)
    assert (beyond.power_w, beyond.flags, beyond.voltage_v) == (None, frozenset({"overrange"}), 239.0)


def test_one_of_several_channels_is_read_where_it_is_chosen() -> None:
    two = SENSORS.replace(b'"Power":26', b'"Power":[26,4]').replace(b'"Current":0.106', b'"Current":[0.106,0.02]')
    assert (read(two, 2).power_w, read(two, 2).current_a, read(two, 2).voltage_v) == (4.0, 0.02, 239.0)
    with pytest.raises(MeterOptionError, match="expected 1 to 2"):
        read(two, 3)
    with pytest.raises(MeterOptionError, match="the plug has one"):
        read(SENSORS, 2)
    assert read(SENSORS.replace(b'"Power":26', b'"Power":[26]')).power_w == 26.0


@pytest.mark.parametrize("command", ["Power Off", "PowerCal 1", "Reset 1", "EnergyTotal 0", "Upgrade 1", "Status 0"])
def test_nothing_that_switches_calibrates_or_resets_can_be_sent(command: str) -> None:
    with pytest.raises(MeterRefused, match="does not send"):
        tasmota.encode_request(command)
    assert tasmota.encode_request("Status 8") == "/cm?cmnd=Status%208"


def test_a_served_conversation_gives_readings_and_a_description() -> None:
    pages = {"/cm?cmnd=Status%202": FIRMWARE, "/cm?cmnd=Status%205": NETWORK, "/cm?cmnd=Status%208": SENSORS}
    with page_server(pages) as url:
        meter = open_meter("tasmota", url, capture=None, options={"interval_s": 0.01})
        described = meter.describe()
        assert (described.tier, described.averaging, described.stamp) == ("uncalibrated", "instantaneous", "unknown")
        assert {column.name for column in described.columns} == {
            *("power_w", "voltage_v", "current_a", "power_factor", "apparent_power_va", "energy_wh")
        }
        assert all(column.accuracy is None for column in described.columns)
        assert [meter.read(3.0).power_w for _ in range(2)] == [26.0, 26.0]
        pages["/cm?cmnd=Status%208"] = b'{"Command":"Unknown"}'
        with pytest.raises(MeterGarbage, match="found no 'StatusSNS'"):
            meter.read(3.0)
        pages["/cm?cmnd=Status%208"] = SENSORS
        assert meter.read(3.0).flags - {"stale"} == {"resynced"}
        pages["/cm?cmnd=Status%208"] = b'{"WARNING":"Need user=<username>&password=<password>"}'
        with pytest.raises(MeterGarbage, match="the meter wants a password: give it with user"):
            meter.read(3.0)
        meter.close()


@pytest.mark.parametrize(
    ("sensors", "error", "text"),
    [
        (NO_METER, MeterMismatch, "found no 'ENERGY'.*check that this is a Tasmota plug that meters"),
        (b'{"WARNING":"Need user=<username>"}', MeterRefused, "^http://[0-9.:]+: the plug answers"),
    ],
)
def test_a_plug_that_does_not_meter_or_wants_a_password_is_not_opened(
    sensors: bytes, error: type[MeterError], text: str
) -> None:
    pages = {"/cm?cmnd=Status%202": FIRMWARE, "/cm?cmnd=Status%205": NETWORK, "/cm?cmnd=Status%208": sensors}
    with page_server(pages) as url, pytest.raises(error, match=text):
        open_meter("tasmota", url, capture=None, options={})


def test_half_a_channel_is_refused() -> None:
    with pytest.raises(MeterOptionError, match=r"channel is 1\.5, expected a whole number"):
        open_meter("tasmota", "http://127.0.0.1:9", capture=None, options={"channel": 1.5})
