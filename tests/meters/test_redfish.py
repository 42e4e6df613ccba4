"""Redfish: what each place of a power says, on pages written after DMTF's schemas and published answers of servers.

The forms are those of the schemas Power 1.7 (PowerControl, PowerSupplies), EnvironmentMetrics 1.3 and
PowerSupplyMetrics 1.1; that a supply says its output only, a power of null, names for numbers and several entries occur
in published dumps.
"""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
import redfish

from meters.access import Access, Credentials, Pin
from meters.json_reply import parse_json
from meters.meter import MeterError, MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused
from meters.polled_http import Value, reading_of
from meters.reading import Reading
from meters.redfish.codec import (
    SOURCES,
    choose_chassis,
    decode_control,
    decode_environment,
    decode_identity,
    decode_supplies,
    link_of,
    sum_of,
)
from meters.registry import open_meter
from meters.wire_log import read_capture
from tests.meters.certificates import keeper
from tests.meters.conftest import StartEmulator, wait_until
from tests.meters.http_servers import answer, ok, page_server, raw_server


def body(**members: object) -> bytes:
    return json.dumps(members).encode()


def read(values: Mapping[str, Value]) -> Reading:
    return reading_of(values, 1, 20_000.0, stale=False)


# --- PowerControl -----------------------------------------------------------------------------------------------------

NODES = body(
    PowerControl=[
        {"MemberId": "0", "Name": "Enclosure", "PowerConsumedWatts": 1203.5},
        {"MemberId": 1, "Name": "Node 1", "PowerConsumedWatts": None, "PowerMetrics": {"AverageConsumedWatts": 301}},
    ]
)


def test_a_power_is_a_number_with_its_decimals() -> None:
    values = decode_control(body(PowerControl=[{"PowerConsumedWatts": 344, "PowerCapacityWatts": 800}]), "")
    assert (read(values).power_w, values["power_w"].step) == (344.0, 1.0)
    values = decode_control(NODES, "Enclosure")
    assert read(values).power_w == 1203.5
    assert values["power_w"].step == pytest.approx(0.1)


def test_null_is_a_reading_without_a_power_and_no_mean_takes_its_place() -> None:
    for name in ("1", "Node 1"):
        reading = read(decode_control(NODES, name))
        assert (reading.power_w, reading.flags) == (None, frozenset({"nan"}))


def test_of_several_entries_one_has_to_be_named() -> None:
    with pytest.raises(
        MeterOptionError, match=r"option control is '', expected .* one of: 0 \(Enclosure\), 1 \(Node 1\)"
    ):
        decode_control(NODES, "")
    with pytest.raises(MeterOptionError, match="option control is 'Node 7'"):
        decode_control(NODES, "Node 7")
    with pytest.raises(MeterGarbage, match="found no entry, expected one"):
        decode_control(body(PowerControl=[]), "")


@pytest.mark.parametrize("wrong", ["344", True, -5, 2e6, [344]])
def test_what_is_no_power_is_refused_with_its_place(wrong: object) -> None:
    with pytest.raises(MeterGarbage, match=r"\$\.PowerControl\[0\]\.PowerConsumedWatts: found .* expected a number"):
        decode_control(body(PowerControl=[{"PowerConsumedWatts": wrong}]), "")


# --- supplies ---------------------------------------------------------------------------------------------------------


def supply(state: str | None, **members: object) -> dict[str, object]:
    return {"Status": None if state is None else {"State": state}, **members}


def test_the_inputs_of_all_supplies_that_are_there_are_added() -> None:
    supplies = [
        supply("Enabled", PowerInputWatts=180.5),
        supply(None, PowerInputWatts=164),
        supply("Absent", PowerInputWatts=None),
    ]
    values = decode_supplies(body(PowerSupplies=supplies))
    assert (read(values).power_w, values["power_w"].step) == (344.5, 1.0)


def test_a_sum_without_one_of_its_parts_is_none() -> None:
    supplies = [supply("Enabled", PowerInputWatts=180.5), supply("Enabled", PowerInputWatts=None)]
    assert read(decode_supplies(body(PowerSupplies=supplies))).flags == {"nan"}
    with pytest.raises(MeterGarbage, match="found no supply that is there"):
        sum_of([])


def test_the_output_of_a_supply_is_not_taken_for_its_input() -> None:
    dump = body(PowerSupplies=[supply("Enabled", LastPowerOutputWatts=165, PowerOutputWatts=165.2)])
    with pytest.raises(MeterGarbage, match=r"PowerSupplies\[0\]: found no 'PowerInputWatts' in an object with Status"):
        decode_supplies(dump)


# --- EnvironmentMetrics -----------------------------------------------------------------------------------------------


def test_environment_metrics_have_an_energy_in_kilowatt_hours() -> None:
    reading = read(decode_environment(body(PowerWatts={"Reading": 374}, EnergykWh={"Reading": 326.55})))
    assert (reading.power_w, reading.energy_wh) == (374.0, 326_550.0)
    reading = read(decode_environment(body(PowerWatts={"Reading": None}, EnergykWh=None)))
    assert (reading.power_w, reading.energy_wh, reading.flags) == (None, None, frozenset({"nan"}))


# --- links and names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    ["https://example.org/redfish/v1/x", "//example.org/", "/login", "/redfish/v1/a b", "/redfish/v1/x\r\nHost: y", 7],
)
def test_a_link_that_leads_elsewhere_is_not_followed(place: object) -> None:
    with pytest.raises(MeterGarbage, match=r"\$\.Chassis\.@odata\.id: found"):
        link_of(parse_json(body(Chassis={"@odata.id": place})), "Chassis")


def test_of_several_chassis_one_has_to_be_named() -> None:
    paths = ["/redfish/v1/Chassis/1U/", "/redfish/v1/Chassis/HGX_0"]
    assert choose_chassis(paths, "1U") == paths[0]
    assert choose_chassis(paths[1:], "") == paths[1]
    with pytest.raises(MeterOptionError, match="option chassis is '', expected one of: 1U, HGX_0"):
        choose_chassis(paths, "")
    with pytest.raises(MeterOptionError, match="option chassis is '2U', expected one of: HGX_0"):
        choose_chassis(paths[1:], "2U")


def test_a_chassis_may_leave_open_who_it_is() -> None:
    who = decode_identity(body(Id="1", Manufacturer="DELL ", Model=None), "Redfish 1.17.0")
    assert (who.maker, who.model, who.serial, who.firmware) == ("DELL", "", "", "Redfish 1.17.0")


# --- the dialogue -----------------------------------------------------------------------------------------------------

SECRET = "not-known"
LOGIN = Access(Credentials("", SECRET))


@pytest.mark.parametrize("source", SOURCES)
def test_every_place_of_a_power_is_read(source: str, start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=0:51", "--password", SECRET, name="redfish")
    log, options = io.BytesIO(), {"source": source, "control": "0", "interval_s": 0.05}
    meter = open_meter("redfish", emulator.address, capture=log, options=options, access=LOGIN)
    try:
        reading = meter.read(5.0)
        assert reading.power_w == pytest.approx(51.0, abs=0.01)
        assert (reading.energy_wh is not None) == (source == "EnvironmentMetrics")
        (column,) = [each for each in meter.describe().columns if each.name == "power_w"]
        assert column.resolution == pytest.approx(0.1)
        assert meter.describe().tier == "uncalibrated"
        assert "whoever listens there can read it" in meter.describe().remarks[0]
        assert meter.identify().serial == "EMULATED0001"
    finally:
        meter.close()
    for form in (SECRET.encode(), b"YWRtaW46bm90LWtub3du"):
        assert form.hex().encode() not in log.getvalue()


def test_a_wrong_password_and_a_place_that_is_not_there_are_sentences(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=0:51", "--password", SECRET, name="redfish")
    wrong = Access(Credentials("", "another"))
    with pytest.raises(MeterRefused, match=r"does not take the password of user 'admin'.* set login = 'session'"):
        open_meter("redfish", emulator.address, capture=None, options={}, access=wrong)
    with pytest.raises(MeterOptionError, match=r"option control is '', expected .* 0 \(Chassis\), 1 \(Node 1\)"):
        open_meter("redfish", emulator.address, capture=None, options={}, access=LOGIN)


def test_a_chassis_without_the_place_says_what_it_has() -> None:
    link = {"@odata.id": "/redfish/v1/Chassis/1/EnvironmentMetrics"}
    pages = {
        "/redfish/v1/": body(Chassis={"@odata.id": "/redfish/v1/Chassis"}),
        "/redfish/v1/Chassis": body(Members=[{"@odata.id": "/redfish/v1/Chassis/1"}]),
        "/redfish/v1/Chassis/1": body(Id="1", EnvironmentMetrics=link),
    }
    with page_server(pages) as url, pytest.raises(MeterOptionError, match="this chassis has EnvironmentMetrics: set s"):
        open_meter("redfish", url, capture=None, options={})


def test_a_redirect_is_not_followed() -> None:
    away = b"HTTP/1.1 302 Found\r\nLocation: https://example.org/redfish/v1/\r\nContent-Length: 0\r\n\r\n"
    with raw_server(answer(away)) as server:
        with pytest.raises(MeterError, match="which is not followed: correct `port`"):
            open_meter("redfish", server.url, capture=None, options={}, access=LOGIN)
        assert [b"authorization" in request.lower() for request in server.requests] == [False]


def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, lab = keeper(addresses=("127.0.0.1",)), keeper("lab", authority=True)
    issued = keeper(addresses=("127.0.0.1",), issuer=lab)
    root = ok(body(Chassis={"@odata.id": "/elsewhere"}))
    with raw_server(answer(root), own.context(tmp_path)) as server:
        with pytest.raises(MeterMismatch, match=rf"SHA-256 {own.sha256}\) that nobody vouches for .* tls_sha256"):
            open_meter("redfish", server.url, capture=None, options={}, access=LOGIN)
        assert server.requests == []
        pinned = Access(LOGIN.credentials, Pin("bmc-1", certificate_sha256=own.sha256))
        for options, access in (({"certificate": "any"}, LOGIN), ({}, pinned)):
            with pytest.raises(MeterMismatch, match="expected a path below"):
                open_meter("redfish", server.url, capture=None, options=options, access=access)
        assert [b"authorization: basic " in request.lower() for request in server.requests] == [True, True]
        server.context = issued.context(tmp_path)
        (tmp_path / "lab.pem").write_text(lab.pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "lab.pem"))
        with pytest.raises(MeterMismatch, match="expected a path below"):
            open_meter("redfish", server.url, capture=None, options={}, access=LOGIN)


# --- sessions ---------------------------------------------------------------------------------------------------------

SESSIONS = "/redfish/v1/SessionService/Sessions"
BY_SESSION: dict[str, float | str] = {"login": "session", "control": "0", "interval_s": 0.02}


def said_in(log: io.BytesIO) -> bytes:
    return b"\n".join(exchange.data for exchange in read_capture(io.BytesIO(log.getvalue()), "log"))


def test_a_session_is_begun_once_ended_with_the_meter_and_leaves_no_secret(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=0:51", "--password", SECRET, name="redfish")
    log = io.BytesIO()
    meter = open_meter("redfish", emulator.address, capture=log, options=BY_SESSION, access=LOGIN)
    assert [meter.read(5.0).power_w for _ in range(3)] == [51.0] * 3
    assert "whoever listens there can read it" in meter.describe().remarks[0]
    meter.close()
    said = said_in(log)
    assert (said.count(f"POST {SESSIONS} ".encode()), said.count(f"DELETE {SESSIONS}/1 ".encode())) == (1, 1)
    assert b"204 No Content" in said
    assert b'{"UserName": "(withheld)", "Password": "(withheld)"}' in said
    assert b"x-auth-token: (withheld)" in said
    for secret in (SECRET.encode(), b"emulated-token", b"Basic "):
        assert secret not in said


def test_a_session_that_the_service_forgot_is_begun_anew(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=0:51", "--password", SECRET, name="redfish")
    log = io.BytesIO()
    meter = open_meter("redfish", emulator.address, capture=log, options=BY_SESSION, access=LOGIN)
    emulator.fault("forgets")
    wait_until(lambda: meter.read(5.0).power_w == 51.0 and f"POST {SESSIONS}".encode() in said_in(log)[2000:], "anew")
    meter.close()


def test_a_password_that_is_refused_for_a_session_is_given_once(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=0:51", "--password", SECRET, name="redfish")
    log, wrong = io.BytesIO(), Access(Credentials("", "another"))
    with pytest.raises(MeterRefused, match="does not take the password of user 'admin': correct user or password_file"):
        open_meter("redfish", emulator.address, capture=log, options=BY_SESSION, access=wrong)
    assert said_in(log).count(b"POST ") == 1


def test_a_service_without_sessions_is_named() -> None:
    with (
        page_server({"/redfish/v1/": body(RedfishVersion="1.6.0")}) as url,
        pytest.raises(MeterError, match="status 501"),
    ):
        open_meter("redfish", url, capture=None, options=BY_SESSION, access=LOGIN)


@pytest.mark.parametrize("token", [b"", b"X-Auth-Token: \r\n"])
def test_an_answer_to_a_login_without_a_token_is_named(token: bytes) -> None:
    def script(path: bytes, connection: socket.socket) -> None:
        made = b"HTTP/1.1 201 Created\r\n%bContent-Length: 2\r\n\r\n{}" % token
        connection.sendall(made if path.endswith(b"Sessions") else ok(body(RedfishVersion="1.6.0")))

    with raw_server(script) as server, pytest.raises(MeterError, match="without a token; set login = 'basic'"):
        open_meter("redfish", server.url, capture=None, options=BY_SESSION, access=LOGIN)


# --- DMTF's mockup, and its client ------------------------------------------------------------------------------------

MOCKUP = Path(__file__).resolve().parents[1] / "data" / "redfish" / "public-rackmount1"


@pytest.mark.parametrize(
    ("source", "power_w"), [("PowerControl", 344.0), ("EnvironmentMetrics", 374.0), ("PowerSubsystem", 937.4)]
)
def test_the_published_mockup_of_a_rack_server_is_read(source: str, power_w: float) -> None:
    found = {path.parent.relative_to(MOCKUP): path.read_bytes() for path in MOCKUP.rglob("index.json")}
    pages = {f"/redfish/v1/{place}".rstrip("."): text for place, text in found.items()}
    with page_server(pages) as url:
        meter = open_meter("redfish", url, capture=None, options={"source": source})
        assert meter.read(5.0).power_w == pytest.approx(power_w)
        assert (meter.identify().maker, meter.identify().serial) == ("Contoso", "437XR1138R2")
        meter.close()
        with pytest.raises(MeterMismatch, match=r"found no 'PowerInputWatts'"):
            open_meter("redfish", url, capture=None, options={"source": "PowerSupplies"})


def test_dmtfs_client_logs_in_by_a_session_and_reads_the_emulator(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=0:51", "--password", SECRET, name="redfish")
    client = redfish.redfish_client(emulator.address, "admin", SECRET, max_retry=1)
    client.login(auth="session")
    power = client.get("/redfish/v1/Chassis/1U/Power")
    assert power.dict["PowerControl"][0]["PowerConsumedWatts"] == 51.0
    client.logout()
    with pytest.raises(redfish.rest.v1.InvalidCredentialsError):
        redfish.redfish_client(emulator.address, "admin", "another", max_retry=1).login(auth="session")
