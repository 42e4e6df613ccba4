"""Logging in: the RFC's own examples, curl as another client, challenges as servers send them, what a log keeps."""

from __future__ import annotations

import base64
import re
import socket
import subprocess
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.access import WITHHELD, Credentials
from meters.http_auth import Challenge, Login, _digest, masked, read_challenges, strongest, withhold
from tests.meters.http_servers import ok, raw_server

MUFASA = Credentials("Mufasa", "Circle of Life")
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
SHELLY_1 = 'Digest qop="auth", realm="shellypro3em-ec62609773d8", nonce="1694692867", algorithm=SHA-256'
SHELLY_2 = 'Digest qop="auth", realm="shellyplugsg3-0001", nonce="bm9uY2UgMS4A==", algorithm=SHA-256, stale=true'


def words_of(header: str) -> dict[str, str]:
    return {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', header)}


# --- digests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616_come_out_as_printed(algorithm: str, response: str) -> None:
    (challenge,) = read_challenges([RFC_7616.format(algorithm)])
    client_nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    said = words_of(_digest(challenge, MUFASA, "GET", "/dir/index.html", 1, client_nonce))
    assert (said["response"], said["nc"], said["qop"], said["uri"]) == (response, "00000001", "auth", "/dir/index.html")
    assert said["opaque"] == "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
    assert said["algorithm"] == algorithm


@pytest.mark.parametrize(
    "challenge",
    [
        'Digest realm="r", nonce="n==", qop="auth", algorithm=MD5',
        'Digest realm="r", nonce="n==", qop="auth,auth-int"',
        'Digest realm="r", nonce="n=="',
        'Digest realm="r", nonce="n==", qop="auth", algorithm=MD5-sess, opaque="o"',
        'Digest realm="a \\"quoted\\" realm", nonce="n", qop="auth", algorithm=SHA-256',
        'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256-sess',
    ],
)
def test_curl_answers_a_challenge_with_the_same_digest(challenge: str) -> None:
    answers: list[bytes] = []

    def script(_path: bytes, connection: socket.socket) -> None:
        answers.append(server.requests[-1])
        head = f"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head.encode() if len(answers) == 1 else ok(b"{}"))

    login = Credentials("admin", 'päss:word "with" \\ all')
    with raw_server(script) as server:
        arguments = ["--digest", "-u", f"{login.user}:{login.password}", f"{server.url}/rpc/Switch.GetStatus?id=0"]
        subprocess.run(["curl", "-sS", *arguments], capture_output=True, timeout=60, check=True)
    (header,) = re.findall(rb"\r\nAuthorization: ([^\r]*)", answers[-1])
    theirs = words_of(header.decode())
    (ours,) = read_challenges([challenge])
    mine = _digest(ours, login, "GET", "/rpc/Switch.GetStatus?id=0", 1, theirs.get("cnonce", ""))
    assert words_of(mine)["response"] == theirs["response"]


# --- challenges -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "schemes"),
    [
        ([SHELLY_1], ["digest"]),
        (['Digest realm="a", nonce="b", algorithm=SHA-256', 'Digest realm="a", nonce="b"', 'Basic realm="c"'],
         ["digest", "digest", "basic"]),
        (['Negotiate, NTLM, Basic realm="a, b=c", Digest realm="d",nonce="e" , qop = "auth"'], ["basic", "digest"]),
        (["Negotiate abc==, Basic"], ["negotiate", "basic"]),
        (["Basic realm=plain"], ["basic"]),
        ([""], []),
    ],
)  # fmt: skip
def test_challenges_are_told_apart_in_one_header_or_in_several(headers: list[str], schemes: list[str]) -> None:
    assert [challenge.scheme for challenge in read_challenges(headers)] == schemes


def test_the_padding_of_a_nonce_is_part_of_it() -> None:
    (challenge,) = read_challenges([SHELLY_2])
    assert challenge.parameters["nonce"] == "bm9uY2UgMS4A=="
    assert challenge.is_stale
    (bare,) = read_challenges(["Digest realm=r, nonce=bm9uY2UgMS4A==, qop=auth"])
    assert bare.parameters["nonce"] == "bm9uY2UgMS4A=="


@pytest.mark.parametrize(
    ("header", "best"),
    [
        ('Basic realm="a", Digest realm="a", nonce="n", algorithm=MD5', "MD5"),
        ('Digest realm="a", nonce="n", Digest realm="a", nonce="n", algorithm=SHA-256, qop="auth"', "SHA-256"),
        ('Digest realm="a", nonce="n", algorithm=SHA-256, qop="auth-int", Basic realm="a"', None),
        ('Digest realm="a", algorithm=MD5, Basic realm="a"', None),
        ('Digest realm="a", nonce="n", algorithm=SHA-3, Basic realm="a"', None),
    ],
)
def test_the_strongest_that_can_be_answered_is_chosen(header: str, best: str | None) -> None:
    chosen = strongest(read_challenges([header]))
    assert chosen is not None
    assert (chosen.scheme, chosen.algorithm if chosen.scheme == "digest" else None) == (
        "digest" if best else "basic",
        best,
    )


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=300), max_size=4))
def test_whatever_a_meter_asks_for_is_answered_or_not(headers: list[str]) -> None:
    login = Login(Credentials("admin", "secret"))
    if login.take(read_challenges(headers)):
        said = login.header("GET", "/")
        assert said is not None
        assert "\r" not in said
        assert "\n" not in said


# --- one login ------------------------------------------------------------------------------------------------------


def nonce_and_count(login: Login) -> tuple[str, str]:
    words = words_of(login.header("GET", "/") or "")
    return words["nonce"], words["nc"]


def test_a_nonce_is_used_until_there_is_another_and_each_is_counted_from_one() -> None:
    login = Login(Credentials("admin", "secret"))
    assert login.header("GET", "/") is None
    assert login.take(read_challenges([SHELLY_1]))
    assert [nonce_and_count(login) for _ in range(3)] == [("1694692867", f"0000000{count}") for count in (1, 2, 3)]
    assert login.take(read_challenges([SHELLY_2]))
    assert nonce_and_count(login) == ("bm9uY2UgMS4A==", "00000001")


def test_a_password_that_is_refused_is_not_given_again() -> None:
    for header in (SHELLY_1, 'Basic realm="a"'):
        login = Login(Credentials("admin", "wrong"))
        assert login.take(read_challenges([header]))
        login.header("GET", "/")
        assert not login.take(read_challenges([header]))


def test_a_meter_that_forgot_a_nonce_it_had_taken_is_logged_in_to_again() -> None:
    login = Login(Credentials("admin", "secret"))
    login.take(read_challenges([SHELLY_1]))
    for _question in range(2):
        login.header("GET", "/")
    assert login.take(read_challenges([SHELLY_1.replace("1694692867", "1694699999")]))


def test_who_asked_for_a_digest_gets_no_readable_password_later() -> None:
    login = Login(Credentials("admin", "secret"))
    login.take(read_challenges([SHELLY_1]))
    login.header("GET", "/")
    assert not login.take(read_challenges(['Basic realm="a"']))
    assert not login.is_readable


def test_a_login_does_not_show_its_password() -> None:
    login = Login(Credentials("admin", "secret"), eager="basic")
    assert "secret" not in repr(login)
    assert login.is_readable


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_a_request_is_kept_without_what_the_password_could_be_guessed_from() -> None:
    request = (
        b"GET /cm?user=admin&password=p%26q&cmnd=Status%208 HTTP/1.1\r\nHost: h\r\n"
        b"authorization: Digest a=b,\r\n c=d\r\nAccept: x\r\n\r\nauthorization: body"
    )
    mark = WITHHELD.encode()
    assert withhold(request) == (
        b"GET /cm?user=%b&password=%b&cmnd=Status%%208 HTTP/1.1\r\nHost: h\r\nauthorization: %b\r\nAccept: x\r\n\r\n"
        b"authorization: body" % (mark, mark, mark)
    )
    assert withhold(withhold(request)) == withhold(request)
    plain = b"GET /status?a=1 HTTP/1.1\r\nHost: h\r\n\r\n"
    assert withhold(plain) == plain


def test_what_a_meter_gives_away_is_masked_byte_for_byte() -> None:
    login = Credentials("admin", "se cret")
    proof = b"HTTP/1.1 200 OK\r\nAuthentication-Info: rspauth=aa, nc=1\r\nContent-Length: 2\r\n\r\nse cret"
    kept = masked(proof, login)
    assert len(kept) == len(proof)
    assert b"rspauth" not in kept
    assert kept.endswith(b"\r\n\r\nse cret")  # the body of a reading is kept as it is
    pair = base64.b64encode(b"admin:se cret")
    echo = b"HTTP/1.1 404 Not Found\r\n\r\nArguments: password: se cret, se%20cret, " + pair
    kept = masked(echo, login)
    assert len(kept) == len(echo)
    assert not any(form in kept for form in (b"se cret", b"se%20cret", pair))


@pytest.mark.parametrize("status", [b"200 OK", b"404 Not Found"])
def test_a_login_that_is_repeated_is_masked_whatever_the_status(status: bytes) -> None:
    """As a server does that shows a client its own question."""
    login = Credentials("admin", 'sé"cret+')
    pair, digest = base64.b64encode('admin:sé"cret+'.encode()).decode(), "0a" * 32
    lines = [
        f'{{"Authorization": "Basic {pair}"}}', f'Digest nc=1, response="{digest}"', f"response=&quot;{digest}&quot;",
        '/cm?user=admin&password=sé"cret+', "password=s%C3%A9%22cret%2B", "password=s\\u00e9\\\"cret+",
        "password=sé&quot;cret+",
    ]  # fmt: skip
    echo = b"HTTP/1.1 " + status + b"\r\n\r\n" + "\n".join(lines).encode()
    kept = masked(echo, login)
    assert len(kept) == len(echo)
    assert not [form for form in (pair, digest, "cret") if form.encode() in kept]
    reading = b'HTTP/1.1 200 OK\r\n\r\n{"apower":50.0,"response":"50"}'
    assert masked(reading, Credentials("admin", "50")) == reading


@pytest.mark.parametrize("field", ["realm", "nonce", "opaque"])
def test_a_challenge_with_a_line_break_in_it_breaks_no_header(field: str) -> None:
    words = {"realm": "r", "nonce": "n", "qop": "auth"} | {field: "a\r\n b"}
    text = "Digest " + ", ".join(f'{name}="{value}"' for name, value in words.items())
    (challenge,) = read_challenges([text])
    assert field not in challenge.parameters
    assert Challenge("digest", {}).rank is None


@pytest.mark.parametrize(
    ("eager", "headers"),
    [
        ("bearer", {"Authorization": "Bearer t.0-k"}),
        ("token", {"Token": "t.0-k"}),
        ("own", {}),
    ],
)
def test_a_token_goes_unasked_and_no_challenge_gets_it_in_another_form(
    eager: Literal["bearer", "token", "own"], headers: dict[str, str]
) -> None:
    login = Login(Credentials("", "t.0-k"), eager)
    assert login.headers("GET", "/") == headers
    for challenge in ('Basic realm="a"', SHELLY_1, "Bearer"):
        assert not login.take(read_challenges([challenge]))
        assert login.headers("GET", "/") == headers
    assert login.answers([])
    assert login.is_readable == (eager != "own")


def test_a_token_and_a_session_stand_in_no_log() -> None:
    mark = WITHHELD.encode()
    assert withhold(b"GET /report HTTP/1.1\r\nToken: t.0-k\r\n\r\n") == (
        b"GET /report HTTP/1.1\r\nToken: %b\r\n\r\n" % mark
    )
    assert withhold(b"GET /a.lua?switchcmd=x&ain=1&sid=0123 HTTP/1.1\r\n\r\n") == (
        b"GET /a.lua?switchcmd=x&ain=1&sid=%b HTTP/1.1\r\n\r\n" % mark
    )
    page = b"HTTP/1.1 200 OK\r\n\r\n<SID>%b</SID>"
    someone = Credentials("lab", "secret")
    assert masked(page % b"9c977765016899f8", someone) == page % (b"*" * 16)
    assert masked(page % (b"0" * 16), someone) == page % (b"0" * 16)
