"""HomeWizard's API v1 and v2: published answers, the emulated devices against the maker's client library, the driver.

[F] answers of python-homewizard-energy's tests (HWE-P1 data_all_data and measurement_3_phase, HWE-SKT data, HWE-KWH3
data, HWE-KWH1 measurement; Apache-2.0), shortened. The library that installs here speaks v1 only; v2 was tried with its
10.2.0 by hand (docs/meters.md).
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from homewizard_energy import HomeWizardEnergy
from homewizard_energy.errors import NotFoundError, RequestError
from homewizard_energy.models import Data, Device

from meters.access import ANYBODY, Access, Credentials, Pin
from meters.emulators.homewizard import HomeWizardDevice
from meters.emulators.virtual_sut import PowerSpan
from meters.homewizard import Answer, decode_data, decode_device, refresh_s_of
from meters.meter import Meter, MeterGarbage, MeterMismatch, MeterRefused
from meters.polled_http import reading_of
from meters.reading import Identity, Reading
from meters.registry import open_meter
from tests.meters.certificates import keeper
from tests.meters.conftest import StartEmulator
from tests.meters.http_servers import page_server
from tests.meters.test_emulated_http import ask
from tests.meters.test_tls import terminator

P1 = (  # [F]
    b'{"wifi_ssid":"My Wi-Fi","wifi_strength":100,"smr_version":50,"meter_model":"ISKRA  2M550T-101","unique_id":'
    b'"4E47475955","active_tariff":2,"total_power_import_kwh":13779.338,"total_power_import_t1_kwh":10830.511,'
    b'"total_power_import_t2_kwh":2948.827,"total_power_export_kwh":0,"total_power_export_t1_kwh":0,'
    b'"active_power_w":-543,"active_power_l1_w":-676,"active_power_l2_w":133,"active_power_l3_w":0,'
    b'"active_current_l1_a":-4,"active_current_l2_a":2,"active_current_l3_a":0,"active_frequency_hz":50,'
    b'"gas_timestamp":210606140010,"external":[{"unique_id":"4E474C5944","type":"gas_meter","timestamp":210606140010,'
    b'"value":111.111,"unit":"m3"}]}'
)
P1_V2 = (  # [F]
    b'{"protocol_version":50,"meter_model":"ISKRA  2M550T-101","timestamp":"2024-06-28T14:12:34","tariff":2,'
    b'"energy_import_kwh":13779.338,"energy_import_t1_kwh":10830.511,"energy_import_t2_kwh":2948.827,'
    b'"energy_export_kwh":0,"power_w":-543,"power_l1_w":-676,"power_l2_w":133,"power_l3_w":0,"current_a":6,'
    b'"current_l1_a":-4,"current_l2_a":2,"current_l3_a":0,"average_power_15m_w":123.000}'
)
PLUG = (  # [F]
    b'{"wifi_ssid":"My Wi-Fi","wifi_strength":100,"total_power_import_t1_kwh":10830.511,'
    b'"total_power_export_t1_kwh":2948.827,"active_power_w":123,"active_power_l1_w":123}'
)
KWH3 = (  # [F]
    b'{"wifi_ssid":"HW WiFi","wifi_strength":84,"total_power_import_kwh":2940.101,"total_power_import_t1_kwh":2940.101,'
    b'"total_power_export_kwh":0,"active_power_w":7100.278,"active_power_l1_w":0,"active_power_l2_w":3547.015,'
    b'"active_voltage_l1_v":230.751,"active_current_a":30.999,"active_current_l1_a":0,"active_current_l2_a":15.521,'
    b'"active_apparent_power_va":7112.293,"active_power_factor_l1":1,"active_frequency_hz":49.926}'
)
KWH1_V2 = (  # [F]
    b'{"energy_import_kwh":123.456,"energy_export_kwh":78.910,"power_w":123,"voltage_v":230,"current_a":1.5,'
    b'"apparent_power_va":345,"reactive_power_var":67,"power_factor":0.95,"frequency_hz":50}'
)
WHO = (
    b'{"product_name":"P1 Meter","product_type":"%s","serial":"5c2fafaabbcc","firmware_version":"6.00",'
    b'"api_version":"%s"}'
)
TOKEN = "0123456789ABCDEF0123456789ABCDEF"


def read(answer: Answer) -> Reading:
    return reading_of(answer.values, 1, 41_400.0, stale=False)


# --- codec ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "api", "model", "power_w", "energy_wh", "voltage_v", "current_a"),
    [
        (P1, "v1", "HWE-P1", -543.0, 13_779_338.0, None, None),
        (P1_V2, "v2", "HWE-P1", -543.0, 13_779_338.0, None, None),
        (PLUG, "v1", "HWE-SKT", 123.0, 10_830_511.0, None, None),
        (KWH3, "v1", "HWE-KWH3", 7100.278, 2_940_101.0, 230.751, None),
        (KWH1_V2, "v2", "HWE-KWH1", 123.0, 123_456.0, 230.0, 1.5),
    ],
)
def test_published_answers(
    data: bytes,
    api: str,
    model: str,
    power_w: float,
    energy_wh: float,
    voltage_v: float | None,
    current_a: float | None,
) -> None:
    found = read(decode_data(data, api, model))
    assert (found.power_w, found.energy_wh) == (power_w, energy_wh)
    assert (found.voltage_v, found.current_a) == (voltage_v, current_a)


def test_the_library_reads_the_same_power_and_of_a_sum_only_the_first_tariff() -> None:
    for data, model in ((P1, "HWE-P1"), (PLUG, "HWE-SKT"), (KWH3, "HWE-KWH3")):
        theirs, ours = Data.from_dict(as_json(data)), read(decode_data(data, "v1", model))
        assert (theirs.active_power_w, theirs.total_energy_import_kwh) == (ours.power_w, (ours.energy_wh or 0) / 1000)
    without = P1.replace(b'"total_power_import_kwh":13779.338,', b"")
    assert Data.from_dict(as_json(without)).total_energy_import_kwh == 10830.511
    assert read(decode_data(without, "v1", "HWE-P1")).energy_wh == 13_779_338.0
    assert read(decode_data(without.replace(b"2948.827", b"null"), "v1", "HWE-P1")).energy_wh is None


def as_json(data: bytes) -> dict[str, object]:
    found: dict[str, object] = json.loads(data)
    return found


def test_an_answer_without_power_and_one_with_none_are_no_number() -> None:
    with pytest.raises(MeterGarbage, match="found no 'active_power_w'"):
        decode_data(b'{"wifi_strength":1,"total_liter_m3":3}', "v1", "HWE-WTR")
    assert read(decode_data(PLUG.replace(b'_w":123,', b'_w":null,'), "v1", "HWE-SKT")).flags == {"nan"}


def test_the_wlan_is_no_value_and_local_times_make_no_other_time() -> None:
    before, after = decode_data(P1, "v1", "HWE-P1"), decode_data(P1.replace(b":100", b":63"), "v1", "HWE-P1")
    assert before == after
    assert (before.stamp, decode_data(P1_V2, "v2", "HWE-P1").stamp) == ("", "2024-06-28T14:12:34")


@pytest.mark.parametrize(
    ("model", "protocol", "refresh_s"),
    [("HWE-P1", 50, 1.0), ("HWE-P1", 42, 10.0), ("HWE-P1", 0, 1.0), ("HWE-SKT", 0, 1.0)],
)
def test_a_smart_meter_before_dsmr_5_has_new_values_each_ten_seconds(
    model: str, protocol: int, refresh_s: float
) -> None:
    assert refresh_s_of(model, protocol) == refresh_s


def test_who_answers_and_what_it_speaks() -> None:
    assert decode_device(WHO % (b"HWE-P1", b"2.0.0"), "v2") == Identity("HomeWizard", "HWE-P1", "5c2fafaabbcc", "6.00")
    assert Device.from_dict(as_json(WHO % (b"HWE-SKT", b"v1"))).serial == "5c2fafaabbcc"  # type: ignore[arg-type]
    for speaks, api in ((b"v1", "v2"), (b"2.0.0", "v1")):
        with pytest.raises(MeterGarbage, match=f"expected that of {api}; set api and port"):
            decode_device(WHO % (b"HWE-P1", speaks), api)


# --- the driver -------------------------------------------------------------------------------------------------------


@contextmanager
def opened(port: str, access: Access = ANYBODY, **options: float | str) -> Iterator[Meter]:
    meter = open_meter("homewizard", port, capture=None, options={"interval_s": 0.01, **options}, access=access)
    try:
        yield meter
    finally:
        meter.close()


def test_a_telegram_that_is_seen_again_is_stale_whenever_it_is_asked_for() -> None:
    pages = {"/api": WHO % (b"HWE-P1", b"2.0.0"), "/api/measurement": P1_V2}
    with page_server(pages) as url, opened(url, api="v2", interval_s=1.0) as meter:
        described = meter.describe()
        assert (described.tier, described.columns[0].range) == ("indicative", (-41_400.0, 41_400.0))
        found = [meter.read(2.0)]
        pages["/api/measurement"] = P1_V2.replace(b"-543", b"-544")
        found.append(meter.read(2.0))
        pages["/api/measurement"] = P1_V2.replace(b":34", b":35")
        found.append(meter.read(2.0))
    assert [set(reading.flags) for reading in found] == [set(), {"stale"}, set()]


def test_an_old_smart_meter_is_said_and_asked_in_between_repeats_itself() -> None:
    pages = {"/api": WHO % (b"HWE-P1", b"v1"), "/api/v1/data": P1.replace(b'_version":50', b'_version":42')}
    with page_server(pages) as url, opened(url) as meter:
        assert "one of DSMR 42, which has new values each 10 s" in meter.describe().remarks[0]
        assert [meter.read(1.0).flags for _ in range(2)] == [frozenset(), frozenset({"stale"})]


def test_a_plug_is_uncalibrated_and_its_range_that_of_a_plug_unless_the_lab_says_otherwise() -> None:
    pages = {"/api": WHO % (b"HWE-SKT", b"v1"), "/api/v1/data": PLUG}
    with page_server(pages) as url:
        with opened(url) as meter:
            described = meter.describe()
            assert (described.tier, described.columns[0].range) == ("uncalibrated", (-3680.0, 3680.0))
        with opened(url, range_w=100.0) as meter:
            assert meter.read(1.0).flags == {"overrange"}


# --- the emulated devices ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("product", ["HWE-SKT", "HWE-KWH1", "HWE-P1"])
def test_the_makers_library_reads_the_emulated_devices(start_emulator: StartEmulator, product: str) -> None:
    url = start_emulator("--profile", "watts=50", "--generation", "1", "--product", product, name="homewizard").address

    async def asked() -> tuple[Device, Data]:
        async with HomeWizardEnergy(url.removeprefix("http://")) as client:
            with pytest.raises((NotFoundError, RequestError)):
                await client.request("api/v1/telegram")
            return await client.device(), await client.data()

    device, data = asyncio.run(asked())
    assert (device.product_type, device.serial, device.api_version) == (product, "5c2fEMULATED", "v1")
    assert data.active_power_w == 50
    with opened(url) as meter:
        reading = meter.read(1.0)
        assert (reading.power_w, meter.origin().kind) == (50.0, "emulated")
    if product == "HWE-P1":
        assert (data.smr_version, str(data.gas_timestamp)) == (50, "2026-07-01 12:00:00")
        assert reading.energy_wh == pytest.approx(13_779_338.0, abs=2.0)
    if product == "HWE-KWH1":
        assert data.active_voltage_v == reading.voltage_v == 230.0


class Delivering:
    """A machine that gives power."""

    def advance(self, to_s: float) -> PowerSpan:
        return PowerSpan(-120.0, -120.0, -120.0)


@pytest.mark.parametrize("generation", [1, 2])
def test_delivered_power_is_negative_on_the_wire_too(generation: int) -> None:
    device = HomeWizardDevice(Delivering(), "HWE-P1", generation=generation)
    path, name = (("/api/v1/data", "active_power_w"), ("/api/measurement", "power_w"))[generation - 1]
    assert ask(device, path, 1.0)[name] == -120


def test_v2_is_read_by_a_pinned_key_with_a_token_that_stands_in_no_log(
    start_emulator: StartEmulator, tmp_path: Path
) -> None:
    load = ("--profile", "watts=50", "--interval", "0.05")
    emulator = start_emulator(*load, "--generation", "2", "--product", "HWE-P1", "--password", TOKEN, name="homewizard")
    owner, sink = keeper(name="appliance/p1dongle/5c2fEMULATED"), io.BytesIO()
    pin = Pin("p1-meter", certificate_sha256=owner.sha256)
    with terminator(tmp_path, owner, emulator.address.removeprefix("http://")) as port:
        url, options = f"https://127.0.0.1:{port}", {"api": "v2", "interval_s": 0.02}
        meter = open_meter("homewizard", url, capture=sink, options=options, access=Access(Credentials("", TOKEN), pin))
        assert [meter.read(3.0).power_w for _ in range(3)] == [50.0] * 3
        assert meter.describe().remarks == ()
        assert meter.origin().evidence["tls_pinned"] == ["certificate"]
        meter.close()
        with pytest.raises(MeterRefused, match="the meter does not take the token: ask it for a new one") as caught:
            open_meter("homewizard", url, capture=None, options=options, access=Access(Credentials("", "wrong"), pin))
        assert "wrong" not in str(caught.value)
        with pytest.raises(MeterRefused, match="that of v2 is a token: press the button of the device"):
            open_meter("homewizard", url, capture=None, options=options, access=Access(pin=pin))
        other = Access(Credentials("", TOKEN), Pin("p1-meter", certificate_sha256=keeper().sha256))
        with pytest.raises(MeterMismatch, match=owner.sha256):
            open_meter("homewizard", url, capture=None, options=options, access=other)
    log = sink.getvalue()
    assert b"(withheld)".hex().encode() in log
    assert TOKEN.encode().hex().encode() not in log


def test_a_token_that_others_could_read_is_said(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=50", "--generation", "2", "--password", TOKEN, name="homewizard")
    with opened(emulator.address, Access(Credentials("", TOKEN)), api="v2") as meter:
        assert "whoever listens there can read it" in meter.describe().remarks[0]
