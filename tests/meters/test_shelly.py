"""The Shelly codec and driver against replies that users of real devices published."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from meters import shelly
from meters.meter import MeterError, MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused
from meters.reading import Identity, Reading
from meters.registry import open_meter
from tests.meters.http_servers import page_server

# A configuration published with a Shelly 1PM Mini Gen3: a sample value of its topic /status/switch:0.
SWITCH = (
    b'{"id":0, "source":"HTTP_in", "output":true, "apower":25.7, "voltage":239.7, "freq":50.2, "current":0.188, '
    b'"aenergy":{"total":913.252,"by_minute":[404.631,404.631,404.631],"minute_ts":1782936360}, '
    b'"ret_aenergy":{"total":0.000,"by_minute":[0.000,0.000,0.000],"minute_ts":1782936360},'
    b'"temperature":{"tC":68.1, "tF":154.6}}'
)
# A comment at the end of ZeroExport.h, a plugin for AhoyDTU: `switch:0` of a Shelly Plus 2PM, with a power factor.
SWITCH_OFF = (
    b'{"id":0, "source":"MQTT", "output":false, "apower":0.0, "voltage":237.0, "freq":50.0, "current":0.000, '
    b'"pf":0.00, "aenergy":{"total":62758.285,"by_minute":[0.000,0.000,0.000],"minute_ts":1709223337},'
    b'"temperature":{"tC":35.5, "tF":96.0}}'
)
# ShellyPy issue 20: the first members of an EM reply; the rest is cut there, the brace is ours.
EM = b'{"act_power":501.8,"voltage":234.9,"current":2.598}'
# evcc-io/evcc discussion 12385: `em1:1` in the status of a Shelly Pro EM-50, without its blanks.
EM1 = (
    b'{"id":1,"current":22.780,"voltage":224.6,"act_power":5080.3,"aprt_power":5142.4,"pf":0.99,"freq":50.0,'
    b'"calibration":"factory"}'
)
# pastebin.com/bBzauZ1s: `curl 192.168.x.x/status` of a Gen1 plug, from `time` to `overtemperature`, without its blanks.
GEN1 = (
    b'{"time":"11:08","serial":1,"has_update":false,'
    b'"mac":"E868E7xxxxxx","relays":[{"ison":true,"has_timer":false,"overpower":false}],"meters":[{"power":2.21,'
    b'"is_valid":true,"timestamp":1680779310,"counters":[2.115,2.114,2.142],"total":439237}],"temperature":34.48,'
    b'"overtemperature":false}'
)
# The same comment: `/status` of a Shelly 3EM, from `unixtime` to `total_power`.
GEN1_3EM = (
    b'{"unixtime":1709223219,"serial":27384,"has_update":false,"mac":"3494547B94EE","cfg_changed_cnt":1,'
    b'"actions_stats":{"skipped":0},"relays":[{"ison":false,"has_timer":false,"timer_started":0,"timer_duration":0,'
    b'"timer_remaining":0,"overpower":false,"is_valid":true,"source":"input"}],"emeters":[{"power":51.08,"pf":0.27,'
    b'"current":0.78,"voltage":234.90,"is_valid":true,"total":1686297.2,"total_returned":428958.4},{"power":155.02,'
    b'"pf":0.98,"current":0.66,"voltage":235.57,"is_valid":true,"total":878905.6,"total_returned":4.1},{"power":6.75,'
    b'"pf":0.26,"current":0.11,"voltage":234.70,"is_valid":true,"total":206151.1,"total_returned":0.0}],'
    b'"total_power":212.85}'
)
# Made from the maker's description of `/shelly`; no published reply was at hand.
INFO2 = b'{"name":null,"id":"shellyplusplugs-a1","mac":"B0B21C10A478","model":"SNPL-00112EU","gen":2,"ver":"1.2.2",'
INFO2 += b'"app":"PlusPlugS","auth_en":false}'
INFO1 = b'{"type":"SHPLG-S","mac":"3494547B94EE","auth":false,"fw":"20230913-114244/v1.14.0-gcb84623","num_meters":1}'


def component(data: bytes, range_w: float = 3680.0) -> Reading:
    return shelly.to_reading(shelly.decode_component(data), 1, range_w, stale=False)


def gen1(data: bytes, channel: int = 0, range_w: float = 3680.0) -> Reading:
    return shelly.to_reading(shelly.decode_gen1(data, channel), 1, range_w, stale=False)


def test_a_published_switch_decodes_to_the_values_in_it() -> None:
    reading = component(SWITCH)
    assert (reading.power_w, reading.voltage_v, reading.current_a, reading.frequency_hz) == (25.7, 239.7, 0.188, 50.2)
    assert (reading.energy_wh, reading.power_factor, reading.flags) == (913.252, None, frozenset())
    off = component(SWITCH_OFF)
    assert (off.power_w, off.power_factor, off.energy_wh) == (0.0, 0.0, 62758.285)
    assert shelly.decode_component(SWITCH).values["power_w"].step == pytest.approx(0.1)


def test_a_published_energy_meter_decodes_to_the_values_in_it() -> None:
    reading = component(EM)
    assert (reading.power_w, reading.voltage_v, reading.current_a, reading.energy_wh) == (501.8, 234.9, 2.598, None)
    real = component(EM1, range_w=12_000.0)
    assert (real.power_w, real.apparent_power_va, real.current_a) == (5080.3, 5142.4, 22.78)
    assert (real.power_factor, real.frequency_hz) == (0.99, 50.0)


def test_the_total_of_a_gen1_plug_is_in_watt_minutes() -> None:
    reading = gen1(GEN1)
    assert (reading.power_w, reading.voltage_v) == (2.21, None)
    assert reading.energy_wh == pytest.approx(439237 / 60)


@pytest.mark.parametrize(
    ("channel", "power_w", "factor", "energy_wh"),
    [(0, 51.08, 0.27, 1686297.2), (1, 155.02, 0.98, 878905.6), (2, 6.75, 0.26, 206151.1)],
)
def test_the_total_of_a_gen1_energy_meter_is_in_watt_hours(
    channel: int, power_w: float, factor: float, energy_wh: float
) -> None:
    reading = gen1(GEN1_3EM, channel)
    assert (reading.power_w, reading.power_factor, reading.energy_wh) == (power_w, factor, energy_wh)
    assert shelly.decode_gen1(GEN1_3EM, channel).unix_s == 1709223219


def test_who_is_there_is_told_by_both_generations() -> None:
    plug = Identity("Shelly", "SNPL-00112EU", "B0B21C10A478", "1.2.2")
    assert shelly.decode_info(INFO2) == shelly.Device(plug, 2, "PlusPlugS")
    firmware = "20230913-114244/v1.14.0-gcb84623"
    assert shelly.decode_info(INFO1) == shelly.Device(Identity("Shelly", "SHPLG-S", "3494547B94EE", firmware), 1)
    for locked in (INFO2.replace(b'"auth_en":false', b'"auth_en":true'), INFO1.replace(b"false", b"true")):
        assert shelly.decode_info(locked).locked
    with pytest.raises(MeterGarbage, match=r"\$: found no 'type' in an object with nothing in it"):
        shelly.decode_info(b"{}")


@pytest.mark.parametrize(
    ("errors", "flag"),
    [
        (["overpower"], "overrange"),
        (["overtemp", "overcurrent"], "overrange"),
        (["out_of_range:act_power"], "overrange"),
        (["out_of_range:current"], "overrange"),
        (["power_meter_failure"], "nan"),
        (["ct_type_not_set"], "nan"),
    ],
)
def test_power_the_device_itself_calls_wrong_is_no_number(errors: list[str], flag: str) -> None:
    reading = component(SWITCH[:-1] + b',"errors":' + json.dumps(errors).encode() + b"}")
    assert (reading.power_w, reading.flags, reading.voltage_v) == (None, frozenset({flag}), 239.7)


def test_errors_that_do_not_touch_power_leave_it() -> None:
    assert component(SWITCH[:-1] + b',"errors":["overtemp"]}').power_w == 25.7
    assert component(SWITCH[:-1] + b',"errors":null}').power_w == 25.7


def test_a_gen1_plug_that_says_invalid_or_overpower_gives_no_number() -> None:
    invalid = gen1(GEN1.replace(b'"is_valid":true', b'"is_valid":false'))
    assert (invalid.power_w, invalid.flags) == (None, frozenset({"nan"}))
    assert gen1(GEN1.replace(b'"overpower":false', b'"overpower":true')).flags == {"overrange"}


def test_a_null_is_nan_and_power_beyond_the_range_is_overrange() -> None:
    assert component(SWITCH.replace(b'"apower":25.7', b'"apower":null')).flags == {"nan"}
    assert component(SWITCH, range_w=25.0).flags == {"overrange"}
    assert gen1(GEN1, range_w=2.0).flags == {"overrange"}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (SWITCH.replace(b'"apower":25.7, ', b""), r"\$: found no 'apower'"),
        (SWITCH.replace(b"25.7", b'"25.7"'), r"\$.apower: found '25.7'"),
        (SWITCH.replace(b"913.252", b"NaN"), "NaN is no number"),
        (b'{"code":-105,"message":"Argument \'id\', value 5 not found!"}', "found no 'apower' in an object with code"),
    ],
)
def test_what_is_no_reading_is_refused_with_its_json_path(data: bytes, text: str) -> None:
    with pytest.raises(MeterGarbage, match=text):
        component(data)


@pytest.mark.parametrize(
    ("data", "channel", "error", "text"),
    [
        (GEN1.replace(b'"meters"', b'"lights"'), 0, MeterGarbage, "does not meter"),
        (GEN1, 1, MeterOptionError, r"channel is 1, expected 0 to 0, as \$.meters has"),
        (GEN1.replace(b'"power":2.21,', b""), 0, MeterGarbage, r"\$.meters\[0\]: found no 'power'"),
        (GEN1.replace(b'"overpower":false', b'"overpower":0'), 0, MeterGarbage, r"\$.relays\[0\].overpower: found 0"),
    ],
)
def test_what_is_no_gen1_reading_is_refused_with_its_json_path(
    data: bytes, channel: int, error: type[MeterError], text: str
) -> None:
    with pytest.raises(error, match=text):
        gen1(data, channel)


@pytest.mark.parametrize(
    ("old", "new", "quantity"),
    [
        (b"239.7", b"2397", "voltage_v"),
        (b'"total":913.252,', b"", "energy_wh"),
        (b"913.252", b"null", "energy_wh"),
    ],
)
def test_a_bad_value_beside_a_sound_power_costs_that_quantity_alone(old: bytes, new: bytes, quantity: str) -> None:
    assert asdict(component(SWITCH.replace(old, new))) == asdict(component(SWITCH)) | {quantity: None}


def test_a_time_that_is_none_costs_nothing() -> None:
    assert gen1(GEN1_3EM.replace(b"1709223219", b"null")) == gen1(GEN1_3EM)


# --- devices that meter by another component ----------------------------------------------------------------------

# The members of `/shelly` as the API's documentation gives them, with neutral numbers.
PRO3EM = (
    b'{"name":null,"id":"shellypro3em-a1","mac":"A8032AB1C2D3","model":"SPEM-003CEBEU","gen":2,"ver":"1.4.4",'
    b'"app":"Pro3EM","auth_en":false,"profile":"triphase"}'
)


def refusal(pages: dict[str, bytes], **options: float | str) -> str:
    with page_server(pages) as url, pytest.raises(MeterMismatch) as caught:
        open_meter("shelly", url, capture=None, options={"interval_s": 0.01, **options})
    return str(caught.value).removeprefix(url)


def test_a_pro_3em_that_answers_nothing_else_is_named_with_its_profile_and_the_way_out() -> None:
    assert refusal({"/shelly": PRO3EM}) == (
        ": found status 404 Not Found, expected 200 OK; this is a Shelly Pro3EM (SPEM-003CEBEU) in its profile "
        "'triphase', which tells no power at Switch:0: its power is that of three phases together (EM.GetStatus), "
        "which is not read here; give it the profile 'monophase', then set component = 'EM1' with the phase as "
        "channel, 0 to 2"
    )
    monophase = PRO3EM.replace(b"triphase", b"monophase")
    assert refusal({"/shelly": monophase}).endswith(": set component = 'EM1' with the phase as channel, 0 to 2")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (b'{"em:0":{"id":0,"total_act_power":400.0},"sys":{}}', "EM.GetStatus), which is not read here"),
        (b'{"em1:0":{"act_power":1},"em1:2":{"act_power":2}}', "component = 'EM1' with channel = 0 or component ="),
        (b'{"pm1:0":{"apower":0.0},"switch:0":{"output":true}}', "set component = 'PM1' with channel = 0"),
        (b'{"switch:1":{"apower":0.0}}', "set component = 'Switch' with channel = 1"),
        (b'{"cover:0":{"apower":0.0},"sys":{"apower":1}}', "it has it at cover:0, which is not read here"),
        (b'{"input:0":{"state":true}}', "check that it meters at all"),
        (b'["em:0"]', "check that it meters at all"),
    ],
)
def test_another_kind_of_device_is_named_with_what_meters_in_it(status: bytes, words: str) -> None:
    said = refusal({"/shelly": INFO2, "/rpc/Shelly.GetStatus": status})
    assert "this is a Shelly PlusPlugS (SNPL-00112EU), which tells no power at Switch:0" in said
    assert words in said


def test_a_component_that_is_there_but_answers_nonsense_is_not_called_missing() -> None:
    pages = {
        "/shelly": INFO2,
        "/rpc/Switch.GetStatus?id=0": b"{",
        "/rpc/Shelly.GetStatus": b'{"switch:0":{"apower":1}}',
    }
    assert refusal(pages).endswith("try again, restart the meter if it goes on")


@pytest.mark.parametrize("name", ["Shelly.Reboot", "Switch.Set", "Switch.ResetCounters?id=0&x"])
def test_nothing_that_switches_or_resets_can_be_asked(name: str) -> None:
    with pytest.raises(MeterRefused, match="does not ask"):
        shelly.encode_request(name, 0)
    assert shelly.encode_request("Switch", 3) == "/rpc/Switch.GetStatus?id=3"


def test_a_served_gen2_conversation_gives_readings_and_a_description() -> None:
    pages = {"/shelly": INFO2, "/rpc/Switch.GetStatus?id=0": SWITCH, "/rpc/EM1.GetStatus?id=1": EM}
    with page_server(pages) as url:
        meter = open_meter("shelly", url, capture=None, options={"interval_s": 0.01})
        described = meter.describe()
        assert (described.tier, described.averaging, described.stamp) == ("uncalibrated", "instantaneous", "unknown")
        assert [column.name for column in described.columns] == [
            *("power_w", "voltage_v", "current_a", "frequency_hz", "energy_wh")
        ]
        assert [meter.read(3.0).flags for _ in range(3)] == [frozenset(), {"stale"}, {"stale"}]
        del pages["/rpc/Switch.GetStatus?id=0"]
        with pytest.raises(MeterGarbage, match="404 Not Found"):
            meter.read(3.0)
        pages["/rpc/Switch.GetStatus?id=0"] = SWITCH
        assert meter.read(3.0).flags - {"stale"} == {"resynced"}
        meter.close()
        options = {"interval_s": 0.01, "component": "EM1", "channel": 1}
        other = open_meter("shelly", url, capture=None, options=options)
        assert other.read(3.0).power_w == 501.8
        other.close()


def test_the_same_second_with_the_same_values_is_stale_and_a_new_second_is_not() -> None:
    pages = {"/shelly": INFO1, "/status": GEN1_3EM}
    with page_server(pages) as url:
        meter = open_meter("shelly", url, capture=None, options={"interval_s": 0.01})
        assert [sorted(meter.read(3.0).flags) for _ in range(2)] == [[], ["stale"]]
        pages["/status"] = GEN1_3EM.replace(b"1709223219", b"1709223220")
        assert [sorted(meter.read(3.0).flags) for _ in range(2)] == [[], ["stale"]]
        pages["/status"] = GEN1  # tells no time
        assert [sorted(meter.read(3.0).flags) for _ in range(2)] == [[], ["stale"]]
        meter.close()


@pytest.mark.parametrize(
    ("info", "status", "error", "text"),
    [
        (INFO1, b"{}", MeterMismatch, r"neither 'meters' nor 'emeters'.*check that this is a Shelly"),
        (INFO1.replace(b"false", b"true"), GEN1, MeterRefused, r"^http://[0-9.:]+: the meter wants a password"),
        (b"<html>", GEN1, MeterMismatch, "expected JSON"),
    ],
)
def test_what_does_not_meter_or_wants_a_password_is_not_opened(
    info: bytes, status: bytes, error: type[MeterError], text: str
) -> None:
    with page_server({"/shelly": info, "/status": status}) as url, pytest.raises(error, match=text):
        open_meter("shelly", url, capture=None, options={})


def test_half_a_channel_is_refused() -> None:
    with pytest.raises(MeterOptionError, match=r"channel is 0\.5, expected a whole number"):
        open_meter("shelly", "http://127.0.0.1:9", capture=None, options={"channel": 0.5})
