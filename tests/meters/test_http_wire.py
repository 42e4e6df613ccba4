"""The HTTP wire against servers of literal bytes: what is captured, what ends in time, what is which error."""

from __future__ import annotations

import io
import socket
import threading
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters import http_wire
from meters.deadline import Deadline
from meters.http_auth import LoginVeil
from meters.http_tap import Tap
from meters.http_wire import BODY_LIMIT, HttpWire, Request
from meters.meter import (
    MeterError,
    MeterGarbage,
    MeterOptionError,
    MeterRefused,
    MeterTimeout,
    MeterUnavailable,
    MeterUnplugged,
)
from meters.origin import attest
from meters.reading import Identity
from meters.wire_log import read_capture
from tests.meters.conftest import wait_until
from tests.meters.http_servers import Script, answer, ok, raw_server

IDENTITY = Identity("Maker", "Model", "", "1.0")
SOON_S = 12.0


def test_a_body_comes_with_its_time_and_every_byte_of_both_directions_is_captured() -> None:
    response = ok(b'{"power": 50}', "Server: plug")
    sink = io.BytesIO()
    with raw_server(answer(response)) as server:
        wire = HttpWire(server.url, sink)
        before_ns = time.monotonic_ns()
        chunk = wire.get("/status?a=1", Deadline(SOON_S))
        assert before_ns < chunk.time_ns <= time.monotonic_ns()
        assert chunk.data == b'{"power": 50}'
        wire.close()
        parts = list(read_capture(io.BytesIO(sink.getvalue()), "wire"))
        assert b"".join(part.data for part in parts if part.direction == ">") == server.requests[0]
        assert b"".join(part.data for part in parts if part.direction == "<") == response
        assert server.requests[0].startswith(b"GET /status?a=1 HTTP/1.1\r\nHost: 127.0.0.1:")


def test_one_connection_serves_many_questions() -> None:
    with raw_server(lambda path, connection: connection.sendall(ok(path))) as server:
        wire = HttpWire(server.url, None)
        bodies = [wire.get(f"/{number}", Deadline(SOON_S)).data for number in range(5)]
        wire.close()
        assert bodies == [b"/0", b"/1", b"/2", b"/3", b"/4"]
        assert server.connections == 1


@pytest.mark.parametrize("header", ["Connection: close", "Connection: keep-alive"])
def test_a_server_that_closes_after_each_answer_is_asked_on_new_connections(header: str) -> None:
    def script(path: bytes, connection: socket.socket) -> None:
        connection.sendall(ok(path, header))
        connection.shutdown(socket.SHUT_RDWR)

    with raw_server(script) as server:
        wire = HttpWire(server.url, None)
        assert [wire.get(f"/{number}", Deadline(SOON_S)).data for number in range(3)] == [b"/0", b"/1", b"/2"]
        wire.close()
        assert server.connections == 3


def test_a_body_in_chunks_and_a_body_that_ends_with_the_connection_are_read() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n2\r\n  \r\n0\r\n\r\n"

    def script(path: bytes, connection: socket.socket) -> None:
        if path == b"/chunked":
            connection.sendall(chunked)
        else:
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n{}")
            connection.shutdown(socket.SHUT_RDWR)

    with raw_server(script) as server:
        wire = HttpWire(server.url, None)
        assert wire.get("/chunked", Deadline(SOON_S)).data == b"{}\n  "
        assert wire.get("/closed", Deadline(SOON_S)).data == b"{}"
        wire.close()


def test_a_meter_that_went_away_is_not_taken_back_without_reopen_and_bytes_nobody_asked_for_are_in_the_log() -> None:
    hang_up = [False]

    def script(path: bytes, connection: socket.socket) -> None:
        if hang_up[0]:
            connection.shutdown(socket.SHUT_RDWR)
        else:
            connection.sendall(ok(path) + b"late")

    sink = io.BytesIO()
    with raw_server(script) as server:
        wire = HttpWire(server.url, sink)
        assert wire.get("/1", Deadline(SOON_S)).data == b"/1"
        hang_up[0] = True
        with pytest.raises(MeterUnplugged):
            wire.get("/2", Deadline(SOON_S))
        hang_up[0] = False
        with pytest.raises(MeterUnplugged):
            wire.get("/3", Deadline(SOON_S))
        wire.reopen()
        assert wire.get("/4", Deadline(SOON_S)).data == b"/4"
        wire.close()
        with pytest.raises(MeterUnplugged, match="it is closed"):
            wire.get("/5", Deadline(SOON_S))
    parts = read_capture(io.BytesIO(sink.getvalue()), "wire")
    heard = b"".join(part.data for part in parts if part.direction == "<")
    assert heard == ok(b"/1") + b"late" + ok(b"/4") + b"late"


# --- time -----------------------------------------------------------------------------------------------------------


def dribble(_path: bytes, connection: socket.socket) -> None:
    for byte in ok(b"{}" * 20):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def headers_without_end(_path: bytes, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    with suppress(OSError):
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 200)


@pytest.mark.parametrize("script", [dribble, lambda _path, _connection: None])
def test_bytes_that_dribble_and_bytes_that_never_come_end_at_the_deadline(script: Script) -> None:
    with raw_server(script) as server:
        wire = HttpWire(server.url, None)
        begin = time.monotonic()
        with pytest.raises(MeterTimeout, match=r"GET /x: the deadline passed (after \d+ bytes|and no byte)"):
            wire.get("/x", Deadline(0.3))
        assert 0.3 <= time.monotonic() - begin < SOON_S
        wire.close()


def test_a_reply_without_end_is_cut_off() -> None:
    with raw_server(headers_without_end) as server:
        wire = HttpWire(server.url, None)
        with pytest.raises(MeterGarbage, match="a reply without end"):
            wire.get("/x", Deadline(30.0))
        wire.close()


def test_an_answer_that_is_too_late_does_not_answer_the_next_question() -> None:
    def script(path: bytes, connection: socket.socket) -> None:
        if path == b"/first":
            time.sleep(0.4)
        connection.sendall(ok(path))

    with raw_server(script) as server:
        wire = HttpWire(server.url, None)
        with pytest.raises(MeterTimeout):
            wire.get("/first", Deadline(0.1))
        assert wire.get("/second", Deadline(SOON_S)).data == b"/second"
        wire.close()


def test_an_answer_sent_twice_does_not_answer_the_next_question() -> None:
    twice = threading.Event()

    def script(path: bytes, connection: socket.socket) -> None:
        connection.sendall(ok(path))
        twice.wait(SOON_S)
        connection.sendall(ok(path))

    with raw_server(script) as server:
        wire = HttpWire(server.url, None)
        for number in range(3):
            twice.clear()
            assert wire.get(f"/{number}", Deadline(SOON_S)).data == f"/{number}".encode()
            twice.set()
            wait_until(lambda: wire._tap is not None and wire._tap.is_restless(), "the second answer")
        wire.close()
        assert server.connections == 3


# --- what is which error --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "error", "text"),
    [
        (
            b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
            MeterRefused,
            "401 Unauthorized.*user and password",
        ),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", MeterRefused, "403 Forbidden.*lets nobody read this"),
        (b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", MeterGarbage, "429 Slow.*leave it alone for minutes"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", MeterGarbage, "another kind of meter"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\n\r\n", MeterGarbage, "'http://x/', which is not followed"),
        (b"HTTP/1.1 500 Oh\r\n\r\n", MeterGarbage, "500 Oh, expected 200 OK; try again"),
        (b"HTTP/1.1 500 \x1b]0;title\x07 \x9b2J\r\n\r\n", MeterGarbage, "500 \\?]0;title\\? \\?2J, expected 200 OK"),
        (b"HTTP/1.1 401 \x1b[31m\r\n\r\n", MeterRefused, "401 \\?\\[31m, expected 200 OK; the meter wants"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\x1b[2J\r\n\r\n", MeterGarbage, r"points to '/\?\[2J'"),
        (b"HTTP/1.1 503 Busy\r\n\r\n", MeterGarbage, "503 Busy"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", MeterGarbage, "found no HTTP .*SSH-2.0"),
        (b"\x00\x00HTTP/1.1 200 OK\r\n\r\n", MeterGarbage, "found no HTTP"),
        (b"HTTP/9.9 200 OK\r\n\r\n", MeterGarbage, "found no HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200, MeterGarbage, "found no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", MeterGarbage, "body of 99999999 or more bytes"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 70_000, MeterGarbage, f"expected at most {BODY_LIMIT}"),
    ],
)
def test_what_is_no_answer_is_a_typed_error_with_a_remedy(response: bytes, error: type[MeterError], text: str) -> None:
    with raw_server(answer(response)) as server:
        wire = HttpWire(server.url, None)
        with pytest.raises(error, match=text) as caught:
            wire.get("/x", Deadline(SOON_S))
        assert str(caught.value).startswith(server.url + ":")
        wire.close()


@pytest.mark.parametrize(
    "response",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"power": 5',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Le",
    ],
)
def test_a_body_that_is_cut_short_is_no_body(response: bytes) -> None:
    def script(_path: bytes, connection: socket.socket) -> None:
        connection.sendall(response)
        connection.shutdown(socket.SHUT_RDWR)

    with raw_server(script) as server:
        wire = HttpWire(server.url, None)
        with pytest.raises(MeterGarbage, match=r"found (a body that ends after|a reply without a body)"):
            wire.get("/x", Deadline(SOON_S))
        wire.close()


def test_a_server_that_is_gone_is_unplugged_and_taken_back_by_reopen() -> None:
    with raw_server(answer(ok(b"{}"))) as server:
        wire = HttpWire(server.url, None)
        wire.get("/x", Deadline(SOON_S))
        server.vanish()
        for _again in range(2):
            with pytest.raises(MeterUnplugged, match="went away while it was open"):
                wire.get("/x", Deadline(SOON_S))
        with pytest.raises(MeterUnavailable, match=r"nothing answers there .*refused"):
            wire.reopen()
        wire.close()
        wire.close()


def test_a_server_that_takes_the_question_and_hangs_up_is_unplugged() -> None:
    with raw_server(lambda _path, connection: connection.shutdown(socket.SHUT_RDWR)) as server:
        wire = HttpWire(server.url, None)
        with pytest.raises(MeterUnplugged, match="ended without an answer"):
            wire.get("/x", Deadline(SOON_S))
        wire.close()


def test_no_server_and_no_such_host_are_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MeterUnavailable, match="nothing answers there"):
        HttpWire("http://127.0.0.1:9", None)

    def no_address(*_arguments: object, **_options: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_address)
    with pytest.raises(MeterUnavailable, match=r"'plug\.example' has no address"):
        HttpWire("http://plug.example", None)


@pytest.mark.parametrize(
    "url",
    ["ftp://h", "http://", "http://h/status", "http://h?x", "http://h:0", "http://h:99999", "http://u:secret@h", "h"],
)
def test_a_port_that_is_more_or_less_than_a_host_is_refused_without_repeating_a_password(url: str) -> None:
    with pytest.raises(MeterOptionError, match="expected http://HOST") as caught:
        HttpWire(url, None)
    assert "secret" not in str(caught.value)


def test_loopback_is_attested_as_emulated_and_any_other_host_not_at_all() -> None:
    assert attest("http://127.0.0.1:8080", IDENTITY).kind == "emulated"
    assert attest("http://127.0.0.1", IDENTITY).kind == "emulated"
    other = attest("http://192.0.2.1", IDENTITY)
    assert (other.kind, other.evidence["addresses"]) == ("unattested", ["192.0.2.1"])


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.just(b""), st.sampled_from([b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: "])),
    st.binary(max_size=80),
    st.booleans(),
)
def test_whatever_a_server_sends_is_a_body_or_a_typed_error(head: bytes, noise: bytes, end: bool) -> None:
    near, far = socket.socketpair()
    with near, far:
        far.sendall(head + noise + (b"\r\n\r\n{}" if end else b""))
        far.shutdown(socket.SHUT_WR)
        wire = object.__new__(HttpWire)  # without its constructor, which connects
        wire.port, wire._host, wire._tcp_port = "http://h", "h", 80
        wire._capture, wire._places, wire._gone, wire._login, wire._headers = None, [], "", None, {}
        wire._tap = Tap(near, None, LoginVeil(None))
        with suppress(MeterError, http_wire._Dropped, http_wire._Challenged):
            assert len(wire._exchange(Request("/x"), Deadline(SOON_S)).chunk.data) <= BODY_LIMIT
