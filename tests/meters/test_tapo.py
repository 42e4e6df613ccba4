"""The driver of Tapo plugs against python-kasa's and tapo's own code, and answers of real plugs.

The answers are those of fixtures that python-kasa ships (commit a29d0610): P115(US), KP125M, P110M(AU), P304M, P316M.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kasa import (
    AuthenticationError,
    DeviceConfig,
    DeviceConnectionParameters,
    DeviceEncryptionType,
    DeviceFamily,
    Module,
)
from kasa import Credentials as KasaCredentials
from kasa import Device as KasaDevice
from kasa.transports.klaptransport import KlapEncryptionSession, KlapTransport, KlapTransportV2
from tapo import ApiClient

from meters import host
from meters.access import ANYBODY, REPLAYED, Access, Credentials
from meters.meter import MeterError, MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused
from meters.playback import Playback
from meters.registry import open_meter
from meters.tapo import klap, messages
from meters.tapo.veil import Veil, without_home
from meters.wire_log import read_capture
from tests.meters.conftest import StartEmulator, wait_until
from tests.meters.http_servers import answer, ok, page_server, raw_server
from tests.meters.kept import forms_of, said

SECRET = 'p:ä&s="w \\0'
LOAD = ("--profile", "watts=50", "--interval", "0.05", "--password", SECRET)
OPTIONS = {"interval_s": 0.02, "refresh_s": 0.01}
RIGHT, WRONG = Access(Credentials("", SECRET)), Access(Credentials("lab@example.org", "another"))
OWN, OTHER = bytes(range(16)), bytes(range(100, 116))
EMETER, USAGE, WATTS = messages.SOURCES


# --- the seal and the log-in, against python-kasa's ------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "theirs"), [("v1", KlapTransport), ("v2", KlapTransportV2)])
def test_account_and_proofs_are_those_of_python_kasa(kind: klap.Kind, theirs: type[KlapTransport]) -> None:
    account = klap.account_hash(kind, "lab@example.org", SECRET)
    assert account == theirs.generate_auth_hash(KasaCredentials("lab@example.org", SECRET))
    assert klap.proof(kind, OWN, OTHER, account) == theirs.handshake1_seed_auth_hash(OWN, OTHER, account)
    assert klap.proof(kind, OTHER, OWN, account) == theirs.handshake2_seed_auth_hash(OWN, OTHER, account)
    log_in = klap.LogIn(OWN, "lab@example.org", SECRET)
    reply = OTHER + theirs.handshake1_seed_auth_hash(OWN, OTHER, account)
    assert (log_in.kind_of(reply), log_in.whom(reply)) == (kind, "")
    assert replace(log_in, password="other").kind_of(reply) is None
    blank = OTHER + theirs.handshake1_seed_auth_hash(OWN, OTHER, theirs.generate_auth_hash(KasaCredentials()))
    assert (log_in.kind_of(blank), log_in.whom(blank)) == (None, "no account")


@given(st.binary(max_size=100), st.binary(min_size=16, max_size=16), st.integers(1, 5))
def test_a_question_is_sealed_as_python_kasa_seals_it_and_its_answer_opens(
    text: bytes, other: bytes, times: int
) -> None:
    account = klap.account_hash("v2", "a", "b")
    theirs, session = KlapEncryptionSession(OWN, other, account), klap.LogIn(OWN, "a", "b").begin(other, "v2")[0]
    for _time in range(times):
        sealed, number = theirs.encrypt(text)
        assert session.encode_question(text) == sealed
        assert session.number == number
    assert session.decode_answer(sealed) == text


def test_numbers_begin_again_at_the_lowest() -> None:
    seal = replace(klap.seal_of(OWN, OTHER, b""), first=2**31 - 1)
    session = klap.Session("v2", seal)
    assert session.number == 2**31 - 1
    session.encode_question(b"{}")
    assert session.number == -(2**31)


def test_an_answer_that_was_changed_is_found_out_where_the_plug_signs() -> None:
    session = klap.Session("v2", klap.seal_of(OWN, OTHER, b""))
    session.encode_question(b"{}")
    assert session.seal is not None
    answer_, unsigned = session.seal.close(b"{}", session.number), bytes(32)
    assert session.decode_answer(unsigned + answer_[32:]) == b"{}"
    assert session.decode_answer(answer_) == b"{}"
    with pytest.raises(MeterGarbage, match="a wrong signature"):
        session.decode_answer(unsigned + answer_[32:])
    for body in (b"", bytes(32), bytes(47), answer_[:-1], bytes(48)):
        with pytest.raises(MeterGarbage, match=r"sealed answer|does not open"):
            session.decode_answer(body)


# --- what plugs say ---------------------------------------------------------------------------------------------------


def values(text: str, source: messages.Source) -> Mapping[str, float | None]:
    data = b'{"result":%b,"error_code":0}' % text.encode()
    return {name: value.value for name, value in messages.decode_values(data, source).items()}


def test_one_word_has_two_units() -> None:
    kp125m = '{"current_power":1003,"local_time":"2024-11-19 19:32:14","month_energy":971,"today_energy":20}'
    assert values(kp125m, USAGE) == {"power_w": 1.003}
    assert values('{"current_power":1}', WATTS) == {"power_w": 1.0}
    assert values('{"current_ma":33,"energy_wh":971,"power_mw":1003,"voltage_mv":121215}', EMETER) == {
        "power_w": 1.003, "voltage_v": 121.215, "current_a": 0.033,
    }  # fmt: skip
    p115 = '{"current_ma":30,"energy_wh":1465,"power_mw":0,"voltage_mv":122133}'
    assert values(p115, EMETER) == {"power_w": 0.0, "voltage_v": 122.133, "current_a": 0.03}


def test_a_socket_of_a_strip_answers_inside_its_strips_answer() -> None:
    inner = b'{"responses":[{"method":"get_emeter_data","result":{"current_ma":335,"power_mw":38617},"error_code":0}]}'
    whole = b'{"result":{"responseData":{"result":%b,"error_code":0}},"error_code":0}' % inner
    found = messages.decode_values(whole, EMETER, "80")
    assert found["power_w"].value == 38.617
    p304m = b'{"responses":[{"result":{"month_energy":14,"today_energy":0},"error_code":0}]}'
    with pytest.raises(MeterGarbage, match="found no 'current_power', expected the power"):
        messages.decode_values(whole.replace(inner, p304m), USAGE, "80")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'{"error_code":-1002}', r"\$: found the error -1002 \(it does not know the method\)"),
        (b'{"error_code":-77}', "found the error -77, expected none"),
        (b'{"error_code":0}', "found no 'result'"),
        (b'{"result":{"power_mw":"1"},"error_code":0}', "power_mw: found '1'"),
        (b"[]", "expected an object"),
        (b"", "expected JSON"),
    ],
)
def test_what_is_no_answer_is_refused(data: bytes, text: str) -> None:
    with pytest.raises(MeterGarbage, match=text):
        messages.decode_values(data, EMETER)


# --- the dialogue -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "outlet", "power_w", "columns"),
    [
        ((), 0, 50.0, {"power_w", "voltage_v", "current_a"}),
        (("--fault", "no-method"), 0, 50.0, {"power_w"}),
        (("--generation", "1"), 0, 50.0, {"power_w", "voltage_v", "current_a", "energy_wh"}),
        (("--kind", "strip"), 1, 50.0, {"power_w"}),
        (("--kind", "strip"), 2, 0.0, {"power_w"}),
    ],
)
def test_each_kind_of_plug_is_read_and_its_log_holds_no_secret(
    start_emulator: StartEmulator, words: tuple[str, ...], outlet: int, power_w: float, columns: set[str]
) -> None:
    emulator, sink = start_emulator(*LOAD, *words, name="tapo"), io.BytesIO()
    options = {**OPTIONS, "outlet": outlet}
    meter = open_meter("tapo", emulator.address, capture=sink, options=options, access=RIGHT)
    assert [meter.read(5.0).power_w for _ in range(3)] == [power_w] * 3
    assert {column.name for column in meter.describe().columns} == columns
    assert (meter.identify().emulated, meter.origin().kind) == (True, "emulated")
    meter.close()
    log = said(sink.getvalue())
    assert not [form for form in forms_of(SECRET) if form in log]
    for kind in klap.KINDS:
        assert klap.account_hash(kind, "admin", SECRET) not in log
    assert b"523456" not in log
    assert b"SE9NRQ" not in log
    assert b"TP_SESSIONID=*" in log
    assert b"Cookie: (withheld)" in log
    seeds = [part.data for part in read_capture(io.BytesIO(sink.getvalue()), "log") if b"/handshake1 " in part.data]
    assert all(part.endswith(b"\r\n\r\n" + bytes(16)) for part in seeds)
    assert seeds


def test_a_log_is_played_back_without_the_account(start_emulator: StartEmulator) -> None:
    emulator, sink = start_emulator(*LOAD, name="tapo"), io.BytesIO()
    meter = open_meter("tapo", emulator.address, capture=sink, options=OPTIONS, access=RIGHT)
    first = [meter.read(5.0) for _ in range(3)]
    emulator.fault("session-over")
    first += [meter.read(5.0) for _ in range(3)]
    meter.close()
    log = list(read_capture(io.BytesIO(sink.getvalue()), "log"))
    with host.playing(Playback(log)):
        again = open_meter("tapo", emulator.address, capture=None, options=OPTIONS, access=Access(REPLAYED))
        assert [again.read(5.0) for _ in range(6)] == first
        again.close()


def test_a_wrong_account_none_and_a_closed_plug_are_named_with_a_remedy(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*LOAD, name="tapo")
    with pytest.raises(MeterRefused, match="the meter wants a password: give it with user and password_file"):
        open_meter("tapo", emulator.address, capture=None, options=OPTIONS, access=ANYBODY)
    with pytest.raises(MeterRefused, match=r"account 'lab@example.org' with this password.*e-mail.*small and capital"):
        open_meter("tapo", emulator.address, capture=None, options=OPTIONS, access=WRONG)
    emulator.fault("closed")
    with pytest.raises(MeterRefused, match=r"Third-Party Services > Third-Party Compatibility on"):
        open_meter("tapo", emulator.address, capture=None, options=OPTIONS, access=RIGHT)


def test_a_wrong_account_is_not_tried_again_until_the_meter_is_opened_anew(start_emulator: StartEmulator) -> None:
    from meters.deadline import Deadline
    from meters.tapo.link import TapoLink

    sink = io.BytesIO()
    link = TapoLink(start_emulator(*LOAD, name="tapo").address, sink, WRONG)
    for _time in range(3):
        with pytest.raises(MeterRefused, match="does not know the account"):
            link.ask(b"{}", Deadline(5.0))
    assert said(sink.getvalue()).count(b"POST ") == 1
    link.forget()
    with pytest.raises(MeterRefused):
        link.ask(b"{}", Deadline(5.0))
    assert said(sink.getvalue()).count(b"POST ") == 2
    link.wire.close()


def test_a_plug_of_nobody_is_told_from_a_wrong_password() -> None:
    def first(seed: bytes) -> bytes:
        account = klap.account_hash("v2", "", "")
        return OTHER + klap.proof("v2", seed, OTHER, account)

    log_in = klap.LogIn(OWN, "a", "b")
    assert log_in.whom(first(OWN)) == "no account"


def test_what_speaks_no_klap_is_named() -> None:
    with page_server({}) as url, pytest.raises(MeterMismatch, match=r"status 501.*take the driver 'kasa'"):
        open_meter("tapo", url, capture=None, options={}, access=RIGHT)
    with raw_server(answer(ok(b"hello"))) as server, pytest.raises(MeterMismatch, match="found 5 bytes in answer to a"):
        open_meter("tapo", server.url, capture=None, options={}, access=RIGHT)


def test_an_outlet_that_is_not_there_is_named(start_emulator: StartEmulator) -> None:
    strip = start_emulator(*LOAD, "--kind", "strip", name="tapo").address
    with pytest.raises(MeterOptionError, match="option outlet is 3, expected 1 to 2"):
        open_meter("tapo", strip, capture=None, options={"outlet": 3}, access=RIGHT)
    with pytest.raises(MeterMismatch, match="this device tells no power; check that this is a Tapo or Kasa plug"):
        open_meter("tapo", strip, capture=None, options={}, access=RIGHT)


def test_the_faults_of_a_plug_are_errors_or_no_power(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*LOAD, name="tapo")
    meter = open_meter("tapo", emulator.address, capture=None, options=OPTIONS, access=RIGHT)

    def found() -> object:
        try:
            return meter.read(5.0).flags - {"stale", "resynced"}
        except MeterError as error:
            return type(error)

    for fault, what in (
        ("http-500", MeterGarbage), ("redirect", MeterGarbage), ("unsealed", MeterGarbage),
        ("wrong-signature", MeterGarbage), ("no-method", MeterGarbage), ("wrong-json", MeterGarbage),
        ("missing-value", MeterGarbage), ("null-value", {"nan"}), ("overrange", {"overrange"}),
    ):  # fmt: skip
        emulator.fault(fault)
        wait_until(lambda what=what: found() == what, f"{fault} is seen")  # type: ignore[misc]
        assert (found(), found()) == (frozenset(), frozenset())
    emulator.fault("session-over")
    assert [found() for _question in range(8)] == [frozenset()] * 8
    meter.close()


# --- what a log keeps -------------------------------------------------------------------------------------------------


def test_what_is_kept_is_whole_http_and_says_where_nobody_lives() -> None:
    veil = Veil()
    veil.said, veil.number = b'{"method":"get_device_info"}', 7
    kept = veil.request(b"POST /app/request?seq=-12345 HTTP/1.1\r\nContent-Length: 64\r\nCookie: a\r\n\r\n" + bytes(64))
    assert kept == (b"POST /app/request?seq=7 HTTP/1.1\r\nCookie: (withheld)\r\nContent-Length: 28\r\n\r\n" + veil.said)
    veil.heard = lambda _body: b'{"latitude" : -1.5e,"ssid":"a\\"b","nickname":"","power_mw":1}'
    for body in (b"5\r\nabcde\r\n0\r\n\r\n", b"abcde"):
        framing = b"Transfer-Encoding: chunked" if body[-1:] == b"\n" else b"Content-Length: 5"
        reply = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\nSet-Cookie: TP_SESSIONID=AB;TIMEOUT=1\r\n\r\n" + body
        plain = without_home(veil.heard(b""))
        assert veil.reply(reply + b"later") == (
            b"HTTP/1.1 200 OK\r\nSet-Cookie: TP_SESSIONID=**;TIMEOUT=1\r\nContent-Length: %d\r\n\r\n" % len(plain)
            + plain
            + b"later"
        )
    assert plain == b'{"latitude" : 0e,"ssid":"","nickname":"","power_mw":1}'
    assert veil.reply(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n").startswith(b"HTTP/1.1 403 No")
    assert veil.reply(b"\x00 no HTTP") == b"\x00 no HTTP"


# --- clients of others on the emulator --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "family", "version"),
    [((), DeviceFamily.SmartTapoPlug, 2), (("--generation", "1"), DeviceFamily.IotSmartPlugSwitch, None)],
)
def test_python_kasa_reads_the_emulator(
    start_emulator: StartEmulator, words: tuple[str, ...], family: DeviceFamily, version: int | None
) -> None:
    port = int(start_emulator(*LOAD, *words, name="tapo").address.rpartition(":")[2])

    async def told(password: str) -> float | None:
        kind = DeviceConnectionParameters(family, DeviceEncryptionType.Klap, login_version=version)
        login = KasaCredentials("admin", password)
        config = DeviceConfig("127.0.0.1", port_override=port, credentials=login, connection_type=kind)
        device = await KasaDevice.connect(config=config)
        try:
            await device.update()
            return device.modules[Module.Energy].current_consumption
        finally:
            await device.disconnect()

    assert asyncio.run(told(SECRET)) == 50.0
    with pytest.raises(AuthenticationError):
        asyncio.run(told("another"))


def test_the_crate_tapo_reads_the_emulated_plug_and_a_socket_of_the_strip(start_emulator: StartEmulator) -> None:
    plug = start_emulator(*LOAD, name="tapo").address.removeprefix("http://")
    strip = start_emulator(*LOAD, "--kind", "strip", name="tapo").address.removeprefix("http://")

    async def told() -> list[object]:
        client = ApiClient("admin", SECRET)
        device, sockets = await client.p110(plug), await client.p304(strip)
        usage, socket = await device.get_energy_usage(), await sockets.plug(position=1)
        watts = [(await one.get_current_power()).current_power for one in (device, socket)]
        return [*watts, usage.current_power]

    assert asyncio.run(told()) == [50, 50, 50_000]
    with pytest.raises(Exception, match="HASH_MISMATCH"):
        asyncio.run(_let_in(plug))


async def _let_in(plug: str) -> None:
    await ApiClient("admin", "another").p110(plug)
