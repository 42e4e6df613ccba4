"""The driver of FRITZ!DECT plugs against the examples of AVM's own documents and answers that pyfritzhome ships."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from pyfritzhome import Fritzhome, LoginError

from meters import fritz
from meters.access import ANYBODY, Access, Credentials
from meters.meter import MeterError, MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused
from meters.polled_http import Value
from meters.reading import Identity
from meters.registry import open_meter
from tests.meters.conftest import StartEmulator, wait_until
from tests.meters.http_servers import answer, page_server, raw_server
from tests.meters.kept import forms_of, said

# tests/responses of hthiery/python-fritzhome (commit c5b2f825).
DEVICES = b"""<?xml version="1.0" ?>
<devicelist version="1">
    <device identifier="08761 0000434" id="17" functionbitmask="896" fwversion="03.33" manufacturer="AVM" productname="FRITZ!DECT 200">
        <present>1</present>
        <name>Steckdose</name>
        <powermeter><power>1000</power><energy>707</energy><voltage>230000</voltage></powermeter>
    </device>
</devicelist>"""  # noqa: E501
CHALLENGE = "2$10000$a64b986b521fcbc44d7a9f0adad34b14$1000$b9c232dea345233f5a893b2284931ac8"
SESSION = (
    '<?xml version="1.0" encoding="utf-8"?><SessionInfo><SID>{}</SID><Challenge>' + CHALLENGE + "</Challenge>"
    "<BlockTime>{}</BlockTime><Rights></Rights></SessionInfo>"
)
SECRET = 'p:ä&s="w \\0'
AIN = "087610000434"
LOAD = ("--profile", "watts=50", "--interval", "0.05")
OPTIONS = {"interval_s": 0.02, "refresh_s": 0.01}


def access(password: str, user: str = "lab") -> Access:
    return Access(Credentials(user, password))


# --- the examples of AVM's "Session ID and login" -------------------------------------------------------------------


def test_both_challenges_are_answered_as_in_avms_document() -> None:
    newer = fritz.decode_challenge("2$10000$5A1711$2000$5A1722")
    assert fritz.answer_of(newer, "1example!") == (
        "5A1722$1798a1672bca7c6463d6b245f82b53703b0f50813401b03e4045a5861e689adb"
    )
    older = fritz.decode_challenge("1234567z")
    assert fritz.answer_of(older, "äbc") == "1234567z-9e224a41eeefa284df7bb0f26c2913e2"
    assert fritz.answer_of(older, "€bc") == fritz.answer_of(older, ".bc")


@pytest.mark.parametrize(
    "challenge",
    ["", "3$1$aa$1$aa", "2$0$aa$1$aa", "2$9999999$aa$1$aa", "2$1$a$1$aa", "2$1$aa$1", "a b", "x" * 100],
)
def test_what_is_no_challenge_is_refused(challenge: str) -> None:
    with pytest.raises(MeterGarbage, match="found the challenge"):
        fritz.decode_challenge(challenge)


def test_a_session_is_read_and_what_is_none_is_refused() -> None:
    session = fritz.decode_session(SESSION.format("0" * 16, 7).encode())
    assert session == fritz.Session(fritz.NO_SESSION, CHALLENGE, 7)
    for page in (b"", b"<a>", b"<a/>", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b'<?xml encoding="x"?><a/>'):
        with pytest.raises(MeterGarbage):
            fritz.decode_session(page)


# --- values ---------------------------------------------------------------------------------------------------------


def test_power_is_in_milliwatts_energy_in_watt_hours_and_inval_is_no_power() -> None:
    power, energy = fritz.FIELDS
    assert fritz.decode_value(b"61230\n", power) == Value(61.23, 1e-3)
    assert fritz.decode_value(b"707\n", energy) == Value(707.0, 1.0)
    values = {"power_w": fritz.decode_value(b"inval\n", power), "energy_wh": fritz.decode_value(b"inval", energy)}
    assert fritz.to_reading(values, 1, 3680.0, stale=True).flags == {"nan", "stale"}
    assert fritz.decode_value(b"12,5", energy).value is None
    for text in (b"12,5", b"", b"\xff", b"9" * 20):
        with pytest.raises(MeterGarbage):
            fritz.decode_value(text, power)


def test_a_plug_is_found_among_the_devices_by_its_number() -> None:
    assert fritz.decode_identity(DEVICES, AIN) == Identity("AVM", "FRITZ!DECT 200", AIN, "03.33")
    with pytest.raises(MeterGarbage, match="found no device '1'"):
        fritz.decode_identity(DEVICES, "1")


@pytest.mark.parametrize("command", ["setswitchon", "setswitchtoggle", "setname", "startulesubscription"])
def test_nothing_that_switches_or_renames_can_be_sent(command: str) -> None:
    with pytest.raises(MeterRefused, match="does not send"):
        fritz.encode_request(command, "0" * 16)


# --- the dialogue ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("generation", ["1", "2"])
def test_a_plug_is_read_within_a_session_and_neither_password_nor_key_is_logged(
    start_emulator: StartEmulator, generation: str
) -> None:
    words = ("--password", SECRET, "--generation", generation)
    emulator = start_emulator(*LOAD, *words, name="fritz")
    sink = io.BytesIO()
    meter = open_meter("fritz", emulator.address, capture=sink, options=OPTIONS, access=access(SECRET))
    assert (meter.read(5.0).power_w, meter.identify().serial) == (50.0, AIN)
    assert [remark[:42] for remark in meter.describe().remarks] == [
        "the box asks the plug about every 120 s, s", "the key of the session goes over the netwo",
    ]  # fmt: skip
    for _session in range(2):
        emulator.fault("session-over")
        assert [meter.read(5.0).power_w for _ in range(8)] == [50.0] * 8
    meter.reopen()
    assert meter.read(5.0).power_w == 50.0
    meter.close()
    log = said(sink.getvalue())
    assert log.count(b"<SID>****************</SID>") >= 4
    assert b"sid=(withheld)" in log
    assert b"response=(withheld)" in log
    assert not [form for form in forms_of(SECRET) if form in log]


def test_a_wrong_password_is_given_once_until_the_meter_is_opened_anew(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*LOAD, "--password", "right", name="fritz")
    sink = io.BytesIO()
    with pytest.raises(MeterRefused, match=r"not take the password of user 'lab', or gives.*correct user or pass"):
        open_meter("fritz", emulator.address, capture=sink, options=OPTIONS, access=access("wrong"))
    assert said(sink.getvalue()).count(b"response=") == 1
    with pytest.raises(MeterRefused, match="the meter wants a password: give it with user and password_file"):
        open_meter("fritz", emulator.address, capture=None, options=OPTIONS, access=ANYBODY)


def test_a_box_that_makes_wait_is_left_alone() -> None:
    pages = {"/login_sid.lua?version=2": SESSION.format("0" * 16, 32).encode()}
    with page_server(pages) as url, pytest.raises(MeterRefused, match="takes no login for"):
        open_meter("fritz", url, capture=None, options=OPTIONS, access=access("secret"))


def test_a_server_that_challenges_gets_no_password() -> None:
    reply = b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="a"\r\nContent-Length: 0\r\n\r\n'
    with raw_server(answer(reply)) as server:
        with pytest.raises(MeterRefused, match="401 No"):
            open_meter("fritz", server.url, capture=None, options=OPTIONS, access=access("secret"))
        assert len(server.requests) == 1
        assert b"uthorization" not in server.requests[0]


def test_one_of_several_plugs_is_named() -> None:
    commands = "/webservices/homeautoswitch.lua?switchcmd="
    pages = {
        "/login_sid.lua?version=2": SESSION.format("1" * 16, 0).encode(),
        commands + "getswitchlist&sid=" + "1" * 16: b"087610000434,116300058001\n",
        commands + "getdevicelistinfos&sid=" + "1" * 16: DEVICES,
        commands + f"getswitchpower&ain={AIN}&sid=" + "1" * 16: b"1000\n",
        commands + f"getswitchenergy&ain={AIN}&sid=" + "1" * 16: b"707\n",
    }
    with page_server(pages) as url:
        with pytest.raises(MeterOptionError, match="option ain is '', expected one of: 087610000434, 116300058001"):
            open_meter("fritz", url, capture=None, options={})
        meter = open_meter("fritz", url, capture=None, options={**OPTIONS, "ain": "08761 0000434"})
        assert (meter.read(5.0).power_w, meter.read(5.0).energy_wh) == (1.0, 707.0)
        meter.close()
        with pytest.raises(MeterMismatch, match="found no device '1'"):
            open_meter("fritz", url, capture=None, options={"ain": "1"})


def test_the_faults_of_a_box_are_errors_or_no_power(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*LOAD, name="fritz")
    meter = open_meter("fritz", emulator.address, capture=None, options=OPTIONS)

    def found() -> object:
        try:
            return meter.read(5.0).flags - {"stale", "resynced"}
        except MeterError as error:
            return type(error)

    for fault, what in (
        ("http-500", MeterGarbage), ("redirect", MeterGarbage), ("wrong-number", MeterGarbage),
        ("inval", {"nan"}), ("overrange", {"overrange"}),
    ):  # fmt: skip
        emulator.fault(fault)
        wait_until(lambda what=what: found() == what, f"{fault} is seen")  # type: ignore[misc]
        assert meter.read(5.0).power_w == 50.0
    for fault in ("session-over", "unauthorised"):
        emulator.fault(fault)
        assert [found() for _question in range(8)] == [frozenset()] * 8
    meter.close()


def test_the_same_answer_is_stale_until_the_box_may_have_asked_again(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*LOAD, name="fritz")
    meter = open_meter("fritz", emulator.address, capture=None, options={"interval_s": 0.02})
    assert [meter.read(5.0).flags for _ in range(3)] == [frozenset(), {"stale"}, {"stale"}]
    described = replace(meter.describe(), columns=())
    assert (described.tier, described.stamp, described.averaging) == ("uncalibrated", "unknown", "instantaneous")
    meter.close()


@pytest.mark.parametrize("generation", ["1", "2"])
def test_pyfritzhome_reads_the_emulated_box(start_emulator: StartEmulator, generation: str) -> None:
    emulator = start_emulator(*LOAD, "--password", "secret", "--generation", generation, name="fritz")
    box = Fritzhome(emulator.address, "lab", "secret", timeout=60)
    box.login()
    (plug,) = box.get_devices()
    assert (plug.ain, plug.productname, plug.power, plug.has_powermeter) == (
        "08761 0000434", "FRITZ!DECT 200 EMULATED", 50_000, True,
    )  # fmt: skip
    assert (box.get_switch_power(AIN), box.get_device_present(AIN)) == (50_000, True)
    with pytest.raises(LoginError):
        Fritzhome(emulator.address, "lab", "wrong", timeout=60).login()
