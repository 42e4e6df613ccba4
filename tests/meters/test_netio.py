"""The driver of NETIO devices against a published answer, and the maker's own client on the emulator."""

from __future__ import annotations

import pytest
from Netio import Netio
from Netio.exceptions import AuthError

from meters import netio
from meters.meter import MeterGarbage, MeterMismatch, MeterOptionError
from meters.reading import Identity, Reading
from meters.registry import open_meter
from tests.meters.conftest import StartEmulator
from tests.meters.http_servers import page_server

# imolein/lua-netio, its manual's status table of a NETIO 4All with firmware 3.1.0, written as JSON again; one output of
# four. What the second draws is made up.
PAGE = (
    b'{"Agent":{"DeviceName":"NETIO 4ALL Demo","JSONVer":"2.1","Model":"NETIO 4All","NumOutputs":4,"OemID":0,'
    b'"SerialNumber":"24:A4:2C:39:11:5A","Time":"2018-08-15T18:44:28+01:00","Uptime":490866,"VendorID":0,"Version":"3.1.0"},'
    b'"GlobalMeasure":{"EnergyStart":"2018-01-19T13:30:26+00:00","Frequency":50.1,"OverallPowerFactor":0,'
    b'"TotalCurrent":0,"TotalEnergy":2253,"TotalLoad":0,"Voltage":239.1},"Outputs":[{"Action":6,"Current":0,"Delay":5000,'
    b'"Energy":2081,"ID":3,"Load":0,"Name":"output_3","PowerFactor":0,"State":0},{"Action":6,"Current":88,"Delay":5000,'
    b'"Energy":172,"ID":4,"Load":12,"Name":"output_4","PowerFactor":0.57,"State":1}]}'
)


def read(data: bytes, output: int) -> Reading:
    return netio.to_reading(netio.decode(data, output), 1, 3680.0, stale=False)


def test_an_output_is_read_in_our_units_with_the_mains_of_the_unit() -> None:
    reading = read(PAGE, 4)
    assert (reading.power_w, reading.current_a, reading.power_factor, reading.energy_wh) == (12.0, 0.088, 0.57, 172.0)
    assert (reading.voltage_v, reading.frequency_hz) == (239.1, 50.1)
    whole = read(PAGE, 0)
    assert (whole.power_w, whole.energy_wh) == (0.0, 2253.0)
    assert netio.decode(PAGE, 0).identity == Identity("NETIO", "NETIO 4All", "24:A4:2C:39:11:5A", "3.1.0")
    assert netio.decode(PAGE, 4).values["current_a"].step == pytest.approx(1e-3)


def test_an_output_that_is_not_there_or_does_not_meter_is_named() -> None:
    with pytest.raises(MeterOptionError, match="option output is 1, expected 0 or one of those there are: 3, 4"):
        netio.decode(PAGE, 1)
    with pytest.raises(MeterGarbage, match="found no 'Load', expected it; this one does not meter"):
        netio.decode(PAGE.replace(b'"Load":12,', b""), 4)
    assert read(PAGE.replace(b'"Load":12', b'"Load":null'), 4).flags == {"nan"}
    with page_server({"/netio.json": PAGE}) as url:
        with pytest.raises(MeterOptionError, match=r"^http://[0-9.:]+: option output is 9"):
            open_meter("netio", url, capture=None, options={"output": 9})
        meter = open_meter("netio", url, capture=None, options={"output": 4, "interval_s": 0.01})
        assert (meter.read(5.0).power_w, meter.describe().tier) == (12.0, "indicative")
        meter.close()
    with page_server({}) as url, pytest.raises(MeterMismatch, match=r"404.*its JSON API is enabled"):
        open_meter("netio", url, capture=None, options={})


def test_the_makers_client_reads_the_emulator(start_emulator: StartEmulator) -> None:
    words = ("--profile", "watts=50", "--interval", "0.05", "--password", "secret")
    url = start_emulator(*words, name="netio").address + "/netio.json"
    device = Netio(url, auth_r=("netio", "secret"))
    first, second = device.get_outputs()
    assert (first.Load, second.Load, device.NumOutputs) == (50, 0, 2)
    with pytest.raises(AuthError):
        Netio(url, auth_r=("netio", "wrong"))
