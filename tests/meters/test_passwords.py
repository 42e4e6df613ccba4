"""Plugs with a password: other people's clients on the emulators, our drivers on them, and what is kept of it.

curl, requests, ShellyPy and tasmota-http log in to the emulators; that the drivers log in to servers of others was
tried by hand (docs/meters.md).
"""

from __future__ import annotations

import io
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
import ShellyPy
from requests.auth import HTTPBasicAuth, HTTPDigestAuth
from tasmota_http import TasmotaClient
from tasmota_http.exceptions import TasmotaTransportError

from meters.access import Access, Credentials
from meters.deadline import Deadline
from meters.http_wire import HttpWire
from meters.meter import MeterError, MeterMismatch, MeterRefused
from meters.registry import open_meter
from meters.wire_log import read_capture
from tests.meters.conftest import EmulatorProcess, StartEmulator
from tests.meters.http_servers import answer, ok, raw_server
from tests.meters.kept import forms_of, said

SECRET = 'p:ä&s="w \\0'
RIGHT, WRONG = Access(Credentials("", SECRET)), Access(Credentials("", "another"))
LOAD = ("--profile", "watts=50", "--interval", "0.05", "--password", SECRET)
PLUGS = [
    ("gude", ()),
    ("tasmota", ()),
    ("tasmota", ("--generation", "1")),
    ("shelly", ()),
    ("shelly", ("--generation", "1")),
]
READABLE = "the password goes over the network so that w"
SWITCH = "/rpc/Switch.GetStatus?id=0"


# --- other people's clients -----------------------------------------------------------------------------------------


def curl(*arguments: str) -> str:
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_curl_and_requests_log_in_to_a_shelly_by_digest(start_emulator: StartEmulator) -> None:
    url = start_emulator(*LOAD, name="shelly").address
    assert curl(url + "/shelly") == "200"
    assert curl(url + SWITCH) == "401"
    assert curl("--digest", "-u", f"admin:{SECRET}", url + SWITCH) == "200"
    assert curl("--digest", "-u", "admin:another", url + SWITCH) == "401"
    assert curl("--basic", "-u", f"admin:{SECRET}", url + SWITCH) == "401"
    with requests.Session() as session:
        session.auth = HTTPDigestAuth("admin", SECRET)
        powers = [session.get(url + SWITCH, timeout=30).json()["apower"] for _question in range(3)]
        history = session.get(url + SWITCH, timeout=30).history
    assert powers == [50.0] * 3
    assert history == []  # one login, then the nonce is counted on


@pytest.mark.parametrize("generation", ["1", "2"])
def test_shellypy_logs_in_to_both_generations(start_emulator: StartEmulator, generation: str) -> None:
    emulator = start_emulator(*LOAD[:-1], "plain", "--generation", generation, name="shelly")
    port = emulator.address.rpartition(":")[2]

    def power(password: str) -> float:
        device = ShellyPy.Shelly("127.0.0.1", port=port, login={"username": "admin", "password": password})
        return float(device.meter(0)["power"] if generation == "1" else device.relay(0)["apower"])

    assert power("plain") == 50.0
    with pytest.raises(ShellyPy.error.BadLogin):
        power("another")


def test_clients_log_in_to_a_gude_and_a_tasmota(start_emulator: StartEmulator) -> None:
    gude = start_emulator(*LOAD, name="gude").address + "/status.json?components=16384"
    assert requests.get(gude, auth=HTTPBasicAuth(b"admin", SECRET.encode()), timeout=30).status_code == 200
    assert curl(gude) == curl("-u", "admin:another", gude) == "401"
    for generation in ("1", "2"):
        url = start_emulator(*LOAD, "--generation", generation, name="tasmota").address
        energy: Any = TasmotaClient(url, username="admin", password=SECRET).status(8)
        assert energy["StatusSNS"]["ENERGY"]["Power"] == 50
        if generation == "1":
            assert "WARNING" in str(TasmotaClient(url, username="admin", password="another").status(8))
        else:
            with pytest.raises(TasmotaTransportError, match=r"401.*WARNING"):
                TasmotaClient(url, username="admin", password="another").status(8)
            assert curl("-u", f"admin:{SECRET}", url + "/cm?cmnd=Status%208") == "200"


# --- our drivers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "more"), PLUGS)
def test_a_plug_with_a_password_is_read_and_the_log_does_not_hold_it(
    start_emulator: StartEmulator, name: str, more: tuple[str, ...]
) -> None:
    emulator = start_emulator(*LOAD, *more, name=name)
    sink = io.BytesIO()
    meter = open_meter(name, emulator.address, capture=sink, options={"interval_s": 0.02}, access=RIGHT)
    try:
        assert [meter.read(3.0).power_w for _ in range(3)] == [50.0] * 3
        meter.reopen()
        assert meter.read(3.0).power_w == 50.0
        assert meter.origin().kind == "emulated"
        is_readable = (name, more) != ("shelly", ())
        assert [remark[:44] for remark in meter.describe().remarks] == [READABLE] * is_readable
    finally:
        meter.close()
    log = said(sink.getvalue())
    assert b"(withheld)" in log
    assert not [form for form in forms_of(SECRET) if form in log]
    assert not [form for form in (b"response=", b"cnonce=", b"Basic Y") if form in log]


@pytest.mark.parametrize(("name", "more"), PLUGS)
def test_a_wrong_password_and_none_at_all_are_named_with_a_remedy(
    start_emulator: StartEmulator, name: str, more: tuple[str, ...]
) -> None:
    emulator = start_emulator(*LOAD, *more, name=name)
    with pytest.raises(MeterRefused, match=r"the meter wants a password: give it with user and password_file"):
        open_meter(name, emulator.address, capture=None, options={})
    with pytest.raises(MeterRefused, match=r"not take the password of user 'admin'.*correct user or pass") as caught:
        open_meter(name, emulator.address, capture=None, options={}, access=WRONG)
    assert "another" not in str(caught.value)


def test_a_nonce_that_went_stale_costs_no_reading(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(*LOAD, name="shelly")
    sink = io.BytesIO()
    meter = open_meter("shelly", emulator.address, capture=sink, options={"interval_s": 0.02}, access=RIGHT)
    try:
        for _time in range(3):
            emulator.fault("stale-nonce")
            assert [meter.read(3.0).flags - {"stale"} for _ in range(12)] == [frozenset()] * 12
    finally:
        meter.close()
    assert said(sink.getvalue()).count(b"stale=true") == 3


def test_a_password_that_changed_while_reading_is_given_once_and_not_again_until_reopened() -> None:
    digest = 'Digest realm="r", nonce="n{}", qop="auth", algorithm=SHA-256'

    def script(_path: bytes, connection: socket.socket) -> None:
        challenge = digest.format(len(server.requests))
        connection.sendall(f"HTTP/1.1 401 No\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n".encode())

    with raw_server(script) as server:
        wire = HttpWire(server.url, None, RIGHT)
        for _question in range(5):
            with pytest.raises(MeterRefused, match="401 No, expected 200 OK; the meter does not take the password"):
                wire.get("/", Deadline(3.0))
        assert len(server.requests) == 2
        wire.reopen()
        with pytest.raises(MeterRefused):
            wire.get("/", Deadline(3.0))
        assert len(server.requests) > 2
        wire.close()


@pytest.mark.parametrize(
    ("challenge", "named"),
    [
        ("Negotiate", "it asks for Negotiate, expected Basic, or Digest by SHA-256"),
        ('Digest realm="r", nonce="n", algorithm=SHA-3-512', r"it asks for Digest \(SHA-3-512\), expected Basic"),
        ('Digest realm="r", nonce="n", qop="auth-int"', r"it asks for Digest \(MD5, auth-int\), expected Basic"),
        ("", "it asks for nothing that it names"),
    ],
)
def test_a_login_that_is_not_known_is_named(challenge: str, named: str) -> None:
    reply = f"HTTP/1.1 401 No\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n"
    with raw_server(answer(reply.encode())) as server:
        wire = HttpWire(server.url, None, RIGHT)
        with pytest.raises(MeterRefused, match=named):
            wire.get("/", Deadline(3.0))
        wire.close()


def test_a_plug_that_repeats_the_question_gives_nothing_away() -> None:
    """As Tasmota's page for what it does not know; torn into pieces, as a network may."""

    def script(path: bytes, connection: socket.socket) -> None:
        if b"password=" not in path:
            connection.sendall(ok(b'{"WARNING":"Need user=<username>&password=<password>"}'))
            return
        page = b"Arguments: 3\n user: admin\n password: %b\n" % SECRET.encode()
        whole = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n%b" % (len(page), page)
        for at in range(0, len(whole), 7):
            connection.sendall(whole[at : at + 7])

    sink = io.BytesIO()
    with raw_server(script) as server, pytest.raises(MeterMismatch, match="404 Not Found") as caught:
        open_meter("tasmota", server.url, capture=sink, options={}, access=RIGHT)
    for text in (said(sink.getvalue()), str(caught.value).encode()):
        assert not [form for form in forms_of(SECRET) if form in text]


@pytest.mark.parametrize(
    "reply",
    [
        "HTTP/1.1 401 Wrong: {0}\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 {0}\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /login?password={0}\r\nContent-Length: 0\r\n\r\n",
        'HTTP/1.1 401 No\r\nWWW-Authenticate: {0} realm="r"\r\nContent-Length: 0\r\n\r\n',
        "{0}\r\n\r\n",
    ],
)
def test_no_error_repeats_the_password_after_a_meter_that_does(reply: str) -> None:
    secret, sink = "geheim-4711-wört", io.BytesIO()
    with raw_server(answer(reply.format(secret).encode())) as server:
        wire = HttpWire(server.url, sink, Access(Credentials("", secret)), user="admin", eager="basic")
        with pytest.raises(MeterError) as caught:
            wire.get("/", Deadline(3.0))
        wire.close()
    assert "geheim" not in str(caught.value)
    assert b"geheim" not in said(sink.getvalue())


def test_the_log_keeps_the_times_and_lengths_of_what_came() -> None:
    page = ok(b"{}" * 40, "Authentication-Info: rspauth=0123456789")
    sink = io.BytesIO()
    with raw_server(answer(page)) as server:
        wire = HttpWire(server.url, sink, RIGHT)
        chunk = wire.get("/", Deadline(3.0))
        wire.close()
    parts = [part for part in read_capture(io.BytesIO(sink.getvalue()), "log") if part.direction == "<"]
    assert b"".join(part.data for part in parts) == page.replace(b" rspauth=0123456789", b"*" * 19)
    assert parts[-1].time_ns == chunk.time_ns


def test_recorded_with_a_password_a_session_replays_without_it(
    start_emulator: StartEmulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from harness import cli

    for number, (name, more) in enumerate([PLUGS[0], PLUGS[2], PLUGS[3]]):  # a header, parameters, a digest
        emulator: EmulatorProcess = start_emulator(*LOAD, *more, name=name)
        secret = tmp_path / f"secret-{number}"
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
        folder = tmp_path / f"session-{number}"
        words = ["--count", "3", "--option", "interval_s=0.06", "--password-file", str(secret)]
        assert cli.main(["meter", "record", name, emulator.address, "--into", str(folder), *words]) == 0
        assert "replayed: 3 readings, identical" in capsys.readouterr().out
        content = b"".join(path.read_bytes() for path in folder.iterdir()) + said((folder / "wire.log").read_bytes())
        assert not [form for form in forms_of(SECRET) if form in content]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nut", ("--user", "lab", "--option", "max_age_s=0.01")),
        ("fritz", ("--user", "lab", "--option", "refresh_s=0.01")),
        ("mystrom", ()),
        ("tapo", ("--user", "admin")),
        ("netio", ()),
        ("homeassistant", ("--option", "entity=sensor.plug_power")),
    ],
)
def test_what_logs_in_in_its_own_way_is_recorded_and_replays_without_that_too(
    start_emulator: StartEmulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, words: tuple[str, ...]
) -> None:
    from harness import cli

    password = "token-0123456789"
    emulator = start_emulator(*LOAD[:-1], password, name=name)
    secret = tmp_path / "secret"
    secret.write_text(password + "\n")
    secret.chmod(0o600)
    folder = tmp_path / "session"
    length = ["--count", "3", "--option", "interval_s=0.06", "--password-file", str(secret)]
    assert cli.main(["meter", "record", name, emulator.address, "--into", str(folder), *length, *words]) == 0
    assert "replayed: 3 readings, identical" in capsys.readouterr().out
    content = b"".join(path.read_bytes() for path in folder.iterdir()) + said((folder / "wire.log").read_bytes())
    assert not [
        form
        for form in (*forms_of(password), *forms_of(password, "lab"), *forms_of(password, "netio"))
        if form in content
    ]
