from http import HTTPStatus

import pytest

from harness.live.guard import FILES, Asked, Guard, Refusal

LOCAL = Guard("127.0.0.1", 8000, "")
OPEN = Guard("0.0.0.0", 8000, "secret-token")
OWN = {"host": "127.0.0.1:8000"}


def status_of(answer: Asked | Refusal) -> int:
    return answer.status if isinstance(answer, Refusal) else 200


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST:8000", "[::1]:8000"])
def test_the_page_is_given_to_whoever_asks_for_this_machine(host: str) -> None:
    assert LOCAL.judge("GET", "/", {"host": host}) == Asked("", {})


@pytest.mark.parametrize(
    "host",
    ["", "evil.example:8000", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8001", "192.168.1.5:8000", "127.0.0.1.evil:8000",
     "evil@127.0.0.1:8000", "127.0.0.1:8000/x", "127.0.0.1:port", "[::1:8000", "localhost.:8000"],
)  # fmt: skip
def test_another_host_is_refused(host: str) -> None:
    assert status_of(LOCAL.judge("GET", "/", {"host": host})) == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:8000", "http://localhost:8000", ""]
)
def test_a_page_of_another_origin_is_refused(origin: str) -> None:
    assert status_of(LOCAL.judge("GET", "/events", OWN | {"origin": origin})) == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "Cross-Site"])
@pytest.mark.parametrize("path", ["/", "/events", "/live.js"])
def test_what_another_site_asks_for_is_refused_without_an_origin_too(site: str, path: str) -> None:
    assert status_of(LOCAL.judge("GET", path, OWN | {"sec-fetch-site": site})) == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_what_the_page_or_its_user_asks_for_is_not(site: str) -> None:
    assert LOCAL.judge("GET", "/", OWN | {"sec-fetch-site": site}) == Asked("", {})


def test_its_own_origin_is_not() -> None:
    assert LOCAL.judge("GET", "/events", OWN | {"origin": "http://127.0.0.1:8000"}) == Asked("events", {})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "BREW"])
def test_it_can_only_be_read(method: str) -> None:
    assert status_of(LOCAL.judge(method, "/", OWN)) == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize(
    "path",
    ["/..", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/live.js/..", "/./live.js", "live.js",
     "/live.js%00", "/campaign.jsonl", "/run.jsonl", "http://127.0.0.1:8000/live.js/../x", "/LIVE.JS", "/\\"],
)  # fmt: skip
def test_nothing_but_the_seven_files_and_the_events_is_there(path: str) -> None:
    assert status_of(LOCAL.judge("GET", path, OWN)) == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("path", ["/events?columns=wide", "/events?columns=1e", "/[", "/?x=%ff"])
def test_what_is_no_number_is_refused(path: str) -> None:
    assert status_of(LOCAL.judge("GET", path, OWN)) in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)


def test_a_path_without_end_is_refused() -> None:
    assert status_of(LOCAL.judge("GET", "/" + "a" * 5000, OWN)) == HTTPStatus.REQUEST_URI_TOO_LONG


@pytest.mark.parametrize(
    "path", ["/", "/events", "/live.js", "/wrong/", "/secret-token", "/secret-tokeN/", "/%73ecret-token/"]
)
def test_beyond_loopback_nothing_is_given_without_the_secret(path: str) -> None:
    assert status_of(OPEN.judge("GET", path, {"host": "192.168.1.5:8000"})) == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("name", FILES)
def test_with_it_everything_is(name: str) -> None:
    assert OPEN.judge("GET", f"/secret-token/{name}", {"host": "192.168.1.5:8000"}) == Asked(name, {})


def test_a_name_that_somebody_else_lets_point_here_is_refused_with_the_secret_too() -> None:
    assert status_of(OPEN.judge("GET", "/secret-token/", {"host": "rebound.example:8000"})) == HTTPStatus.FORBIDDEN


def test_only_loopback_goes_without_a_secret_and_no_two_are_alike() -> None:
    assert Guard.of("127.0.0.1", 1).token == Guard.of("::1", 1).token == ""
    tokens = {Guard.of(address, 1).token for address in ("0.0.0.0", "::", "192.168.1.5") for _ in range(10)}
    assert len(tokens) == 30
    assert min(map(len, tokens)) >= 43
    assert Guard.of("::1", 8000).url == "http://[::1]:8000/"
