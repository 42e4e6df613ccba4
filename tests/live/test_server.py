"""The server, attacked over real sockets: nothing is written, nobody is served who may not be, few are at a time."""

import contextlib
import http.client
import io
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from harness.live import asking
from harness.live import server as live_server
from harness.live.guard import FILES, HEADERS
from harness.live.server import MOST_CONNECTIONS, MOST_HEAD_BYTES, MOST_STREAMS, MOST_STREAMS_OF_ONE, LiveServer
from harness.live.watch import Watcher
from harness.record.errors import LabError
from tests.live.growing import Growing, served


@pytest.fixture
def server(whole: Path) -> Iterator[LiveServer]:
    with served(whole) as server:
        yield server


def asked(server: LiveServer, path: str = "/", method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection.getresponse()


def opened(server: LiveServer, request: bytes = b"") -> socket.socket:
    one = socket.create_connection(("127.0.0.1", server.server_port), timeout=10)
    one.sendall(request)
    return one


def whole_request(server: LiveServer, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode()


def everything(one: socket.socket) -> bytes:
    parts = []
    try:
        while part := one.recv(1 << 16):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


@pytest.mark.parametrize("name", FILES)
def test_each_file_comes_with_the_rules_for_browsers(server: LiveServer, name: str) -> None:
    answer = asked(server, f"/{name}")
    assert answer.status == 200
    assert {key: answer.headers[key] for key in HEADERS} == HEADERS
    assert answer.read() == (live_server.TEMPLATES / FILES[name][0]).read_bytes()
    assert answer.headers["Set-Cookie"] is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"])
def test_whoever_does_not_only_read_is_refused(server: LiveServer, method: str) -> None:
    assert asked(server, "/", method).status == 405


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {"Host": "evil.example"}, 403),
        ("/", {"Origin": "http://evil.example"}, 403),
        ("/../../../../etc/passwd", {}, 404),
        ("/%2e%2e/campaign.jsonl", {}, 404),
        ("/events?columns=1000000", {}, 400),
        ("/events?columns=nan", {}, 400),
        ("/events?now_s=1e300", {}, 400),
        ("/" + "a" * 70_000, {}, 414),
        ("/<script>alert(1)</script>", {}, 404),
    ],
)
def test_a_request_that_is_not_ours_is_refused_and_not_repeated(
    server: LiveServer, path: str, headers: dict[str, str], status: int
) -> None:
    answer = asked(server, path, **headers)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    content = answer.read()
    assert b"<" not in content
    assert b"root:" not in content


@pytest.mark.parametrize("request_", [b"\r\n", b"\x00\xff\xfe\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                                      b"GET / HTTP/1.1\r\n\r\n", b"GET /\r\n\r\n"])  # fmt: skip
def test_what_is_no_request_is_no_trouble(server: LiveServer, request_: bytes) -> None:
    with opened(server, request_) as one:
        one.shutdown(socket.SHUT_WR)
        assert b"200" not in everything(one)[:20]
    assert asked(server).status == 200


def test_two_hosts_in_a_request_are_none(server: LiveServer) -> None:
    own = f"Host: 127.0.0.1:{server.server_port}\r\n"
    with opened(server, f"GET / HTTP/1.1\r\n{own}{own}\r\n".encode()) as one:
        assert everything(one).startswith(b"HTTP/1.0 400")


def test_a_thousand_connections_get_few_threads_and_the_page_comes_again(server: LiveServer) -> None:
    before = threading.active_count()
    with ExitStack() as stack:
        for _ in range(1000):
            one = socket.create_connection(("127.0.0.1", server.server_port), timeout=10)
            stack.callback(one.close)
        time.sleep(0.2)
        assert threading.active_count() - before <= MOST_CONNECTIONS
    end_s = time.monotonic() + 20
    while asked(server).status != 200:
        assert time.monotonic() < end_s
        time.sleep(0.1)


def test_requests_that_are_never_finished_keep_nobody_out(server: LiveServer) -> None:
    with ExitStack() as stack:
        for _ in range(5):
            half = [stack.enter_context(opened(server, b"GET / HTTP/1.1\r\nHost:")) for _ in range(MOST_CONNECTIONS)]
            begin_s = time.monotonic()
            assert asked(server).status == 200
            assert time.monotonic() - begin_s < 2 * live_server.ROOM_S
        assert threading.active_count() < 2 * MOST_CONNECTIONS
        assert everything(half[0]) == b""  # the oldest made room


def test_those_of_one_address_make_room_for_each_other_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_ASKING_OF_ONE", 3)
    monkeypatch.setattr(asking, "MOST_ASKING", 5)
    waiting, ended = asking.Asking(), list[str]()

    def enter(name: str, client: str) -> None:
        waiting.make_room(client)
        request = create_autospec(socket.socket, instance=True)
        request.shutdown.side_effect = lambda _: ended.append(name)
        waiting.enter(request, client)

    for name in ("calm", "flood 1", "flood 2", "flood 3", "flood 4", "flood 5"):
        enter(name, name.split()[0])
    assert ended == ["flood 1", "flood 2"]
    for name in ("other 1", "other 2", "third 1"):
        enter(name, name.split()[0])
    assert ended == ["flood 1", "flood 2", "flood 3", "flood 4"]


def test_where_all_look_on_the_next_is_refused_at_once(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_free", threading.Semaphore(0))
    with opened(server) as late:
        assert everything(late).startswith(b"HTTP/1.0 503")


@pytest.mark.parametrize("limit", ["MOST_STREAMS", "MOST_STREAMS_OF_ONE"])
def test_who_follows_the_events_leaves_room_for_the_page(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    assert MOST_STREAMS_OF_ONE < MOST_STREAMS < MOST_CONNECTIONS
    monkeypatch.setattr(live_server, limit, 2)
    with ExitStack() as stack:
        for _ in range(2):
            one = stack.enter_context(opened(server, whole_request(server, "/events")))
            assert one.recv(100).startswith(b"HTTP/1.0 200")
        assert asked(server, "/events").status == 503
        assert asked(server).status == 200
    end_s = time.monotonic() + 20
    while asked(server, "/events").status != 200:  # they have gone, and their places are free again
        assert time.monotonic() < end_s
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("names", "length", "status"), [(1, 7000, 200), (1, 65_000, 431), (98, 100, 431), (98, 65_000, 431), (150, 20, 431)]
)
def test_a_head_is_read_to_its_limit_and_no_further(server: LiveServer, names: int, length: int, status: int) -> None:
    filled = "".join(f"X-{name}: {'a' * length}\r\n" for name in range(names))
    request = whole_request(server, "/")[:-2] + filled.encode() + b"\r\n"
    with opened(server) as one:
        with contextlib.suppress(ConnectionError):
            one.sendall(request)
        answer = everything(one)
    assert answer.startswith(f"HTTP/1.0 {status}".encode()) or (not answer and len(request) > live_server.LEFT_BYTES)
    assert asked(server).status == 200


@pytest.mark.parametrize("line", [b"a" * 70_000, b"X: " + b"a" * 1000 + b"\r\n"])
def test_no_more_of_a_head_is_held_than_its_limit(line: bytes) -> None:
    file = io.BytesIO(line * 100)
    head = live_server._Head(file)
    with pytest.raises(http.client.LineTooLong):
        list(iter(head.readline, b""))
    assert file.tell() <= MOST_HEAD_BYTES + 1


def test_whoever_does_not_finish_a_request_is_left(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "REQUEST_S", 0.3)
    with opened(server, b"GET / HT") as one:
        begin_s = time.monotonic()
        for _ in range(40):  # a letter now and then keeps no connection
            try:
                one.sendall(b"T")
            except OSError:
                break
            time.sleep(0.1)
        assert everything(one).startswith((b"", b"HTTP/1.0 4"))
        assert time.monotonic() - begin_s < 3.5
    assert asked(server).status == 200


def test_a_slow_reader_misses_frames_and_is_left_and_holds_nobody_up(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_server._Handler, "timeout", 0.5)
    monkeypatch.setattr("harness.live.watch.FRAME_S", 0.01)
    growing = Growing(whole, tmp_path / "g")
    folder = growing.folders[1]
    growing.log_until(folder, '"run-start"')
    growing.run(folder, 1.0)
    at_ns = int((growing.path / folder / "readings-wall.csv").read_bytes().splitlines()[-1].split(b",")[0])
    with (
        served(growing.path) as server,
        (growing.path / folder / "readings-wall.csv").open("ab", buffering=0) as stream,
        socket.socket() as slow,
    ):
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        slow.connect(("127.0.0.1", server.server_port))
        slow.sendall(whole_request(server, "/events?columns=4000&now_s=600"))
        begin_s = time.monotonic()
        while server.watcher._onlookers or time.monotonic() < begin_s + 1:
            assert time.monotonic() < begin_s + 20, "the slow reader was never left"
            at_ns += 10_000_000
            stream.write(f"{at_ns},50.0,,,,,,,1.0,\n".encode())
            time.sleep(0.005)
        assert asked(server).status == 200


def test_beyond_loopback_the_secret_of_the_terminal_is_needed(whole: Path) -> None:
    with served(whole, "0.0.0.0") as server:
        token = server.guard.token
        assert len(token) >= 43
        assert asked(server, "/").status == 403
        assert asked(server, f"/{token}x/").status == 403
        assert asked(server, f"/{token}/").status == 200
        assert asked(server, f"/{token}/events", Host=f"evil.example:{server.server_port}").status == 403
        assert token in server.guard.url


def test_events_say_the_state_and_the_power_and_that_it_is_over(whole: Path) -> None:
    with served(whole) as server:
        one = opened(server, whole_request(server, "/events?columns=100"))
        time.sleep(1.0)
    events = everything(one).partition(b"\r\n\r\n")[2].decode().split("\n\n")
    kinds = [event.splitlines()[0] for event in events if event.startswith("event")]
    assert kinds[0] == "event: state"
    assert {"event: state", "event: now", "event: whole"} <= set(kinds)
    assert kinds[-1] == "event: over"
    for event in events:
        if event.startswith("event"):
            assert json.loads(event.splitlines()[1].removeprefix("data: ")) is not None
    one.close()


def test_a_bug_of_the_view_is_said_and_does_not_end_it(
    whole: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("harness.live.watch.assess", broken)
    with served(whole) as server, opened(server, whole_request(server, "/events")) as one:
        one.settimeout(5)
        seen = b""
        while b"met a bug" not in seen:
            seen += one.recv(1 << 16)
    assert capsys.readouterr().err.count("Traceback") == 1


def test_a_port_that_is_taken_is_said(whole: Path, server: LiveServer) -> None:
    with pytest.raises(LabError, match=r"another program listens there, name a free port"):
        LiveServer(Watcher(whole), "127.0.0.1", server.server_port)


def test_it_yields_to_everybody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[object] = []
    monkeypatch.setattr(os, "nice", seen.append)
    monkeypatch.setattr(os, "sched_setscheduler", lambda *words: seen.append(words[1]))
    monkeypatch.setattr(live_server, "AUTOGROUP", tmp_path / "autogroup")
    live_server.yield_to_others()
    assert seen == [19, os.SCHED_IDLE]
    assert not (tmp_path / "autogroup").exists()  # others are in this session
    monkeypatch.setattr(os, "getsid", lambda _: os.getpid())
    live_server.yield_to_others()
    assert (tmp_path / "autogroup").read_text() == "19"
