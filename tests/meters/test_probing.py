"""`wattlab meter list --probe` at a port on a network: who is recognised, what is missing, what is never sent."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import main, probing
from harness.cli.probing import probe
from meters.access import ANYBODY, Access, Credentials
from meters.port_forms import link_of
from meters.registry import DRIVERS
from tests.meters.certificates import keeper
from tests.meters.conftest import StartEmulator
from tests.meters.fleet import FLEET
from tests.meters.http_servers import RawServer, answer, ok, raw_server

SECRET = "not-known"
LOGIN = Access(Credentials("root", SECRET))
WEB = ["shelly", "shelly-gen1", "homewizard", "fritz", "mystrom", "netio", "gude", "tasmota", "tapo", "redfish"]


def asked(port: str, access: Access = ANYBODY, *drivers: str) -> dict[str, str]:
    """What a probe says of a port."""
    found = {"port": port, "kind": link_of(port)}
    probe([found], drivers or list(DRIVERS), access, named=bool(drivers))
    return found


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "LISTEN_S", 2.0)


@pytest.mark.parametrize("name", WEB)
def test_a_web_server_is_known_by_what_it_tells_everybody(name: str, start_emulator: StartEmulator) -> None:
    entry = FLEET[name]
    driver = entry.driver or name
    found = asked(start_emulator(*entry.said, name=driver).address)
    assert found["answers"].startswith(f"{driver}: ")
    assert (found.get("driver") == driver) == (name not in ("tapo", "redfish")), "an account, and which of two powers"


@pytest.mark.parametrize("name", ["fritz", "tasmota", "shelly", "tapo"])
def test_a_device_with_a_password_is_named_and_so_is_what_is_missing(name: str, start_emulator: StartEmulator) -> None:
    found = asked(start_emulator("--password", SECRET, name=name).address)
    assert found["answers"].startswith(f"{name}: ")
    assert "password" in found["answers"]
    assert "driver" not in found


@pytest.mark.parametrize("name", ["netio", "gude"])
def test_a_device_that_says_nothing_without_a_login_is_asked_by_its_driver_only(
    name: str, start_emulator: StartEmulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = start_emulator("--password", SECRET, name=name).address
    found = asked(address)
    assert "wants a login before it says anything" in found["answers"]
    assert "--driver NAME asks as that one" in found["answers"]
    assert asked(address, Access(Credentials("", SECRET)), name).get("driver") == name


NO_PAGE = b"HTTP/1.1 404 Not Found\r\nServer: iron\r\nContent-Length: 0\r\n\r\n"
REFUSED = b"HTTP/1.1 401 Unauthorized\r\n%sContent-Length: %d\r\n\r\n%s"


def bmc(path: bytes, connection: socket.socket) -> None:
    """A BMC whose root is public, as Redfish has it; all else wants Basic."""
    if path == b"/redfish/v1/":
        root = {"RedfishVersion": "1.9.0", "Vendor": "EMULATED", "Chassis": {"@odata.id": "/redfish/v1/Chassis"}}
        connection.sendall(ok(json.dumps(root).encode()))
    elif path.startswith(b"/redfish"):
        connection.sendall(REFUSED % (b'WWW-Authenticate: Basic realm="RedfishService"\r\n', 0, b""))
    else:
        connection.sendall(NO_PAGE)


@pytest.fixture
def iron(tmp_path: Path) -> Iterator[tuple[RawServer, str]]:
    """Such a BMC behind TLS, and the fingerprint of its certificate."""
    own = keeper("bmc")
    with raw_server(bmc, own.context(tmp_path)) as server:
        yield server, own.sha256


@pytest.mark.parametrize("access", [ANYBODY, LOGIN])
def test_a_bmc_is_named_without_a_login_and_what_to_type_for_its_certificate(
    access: Access, iron: tuple[RawServer, str]
) -> None:
    server, sha256 = iron
    said = asked(server.url, access)["answers"]
    assert said.startswith("redfish: EMULATED Redfish 1.9.0; found a certificate (SHA-256 ")
    assert f"give --option certificate=SHA256:{sha256} (in lab.toml " in said
    assert not any(b"uthorization" in request for request in server.requests), "nobody vouches for who would hear it"


def test_with_the_fingerprint_the_login_is_what_is_missing_and_another_one_is_refused(
    iron: tuple[RawServer, str], capsys: pytest.CaptureFixture[str]
) -> None:
    server, sha256 = iron
    read = ["meter", "read", "redfish", server.url, "--count", "1", "--option"]
    assert main([*read, f"certificate=SHA256:{sha256}"]) == 1
    assert "the meter wants a password" in capsys.readouterr().err
    assert main([*read, f"certificate=SHA256:{'0' * 64}"]) == 1
    assert f"found the certificate with SHA-256 {sha256}, expected {'0' * 64} as the option" in capsys.readouterr().err
    assert main([*read, "certificate=SHA256:12"]) == 1
    assert "option certificate is 'SHA256:12', expected one of verified, any" in capsys.readouterr().err


def test_whom_nobody_knows_is_sent_no_password() -> None:
    with raw_server(answer(REFUSED % (b'Server: box\r\nWWW-Authenticate: Basic realm="box"\r\n', 0, b""))) as server:
        said = asked(server.url, LOGIN)["answers"]
    assert "a web server that calls itself 'box'" in said
    assert "which no driver knows; the password was not sent to it: --driver NAME" in said
    assert server.requests
    assert not any(b"uthorization" in request or SECRET.encode() in request for request in server.requests)


def test_a_service_with_tokens_is_told_from_a_bmc() -> None:
    with raw_server(answer(REFUSED % (b"", 17, b"401: Unauthorized"))) as server:
        said = asked(server.url)["answers"]
    assert said.startswith("homeassistant: ")
    assert "option entity" in said


def test_tls_where_none_was_asked_for_is_told(iron: tuple[RawServer, str]) -> None:
    server, _sha256 = iron
    plain = server.url.replace("https", "http")
    assert asked(plain)["answers"] == f"what answers there speaks TLS; write {server.url}"


@pytest.mark.parametrize("name", ["p1", "sml"])
def test_what_sends_unasked_at_a_network_port_is_heard_first(name: str, start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--listen", "127.0.0.1:0", "--interval", "0.2", name=name)
    found = asked(emulator.address)
    assert found["driver"] == name


def test_a_meter_with_a_port_of_its_own_is_found_at_another_too(start_emulator: StartEmulator) -> None:
    assert asked(start_emulator(*FLEET["kasa"].said, name="kasa").address)["driver"] == "kasa"


def test_whose_usual_port_it_is_is_asked_first(start_emulator: StartEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    address = start_emulator(*FLEET["nut"].said, name="nut").address
    usual = replace(DRIVERS["nut"], tcp_port=int(address.rpartition(":")[2]))
    monkeypatch.setattr("meters.registry.KNOWN", {**DRIVERS, "nut": usual})
    monkeypatch.setattr(probing, "heard", None)
    assert asked(address)["driver"] == "nut"


def test_an_agent_that_is_silent_is_asked_once_and_the_community_named(start_emulator: StartEmulator) -> None:
    found = asked(start_emulator("--password", SECRET, name="apc-rpdu2").address)
    assert "community" in found["answers"]
    assert "--password-file" in found["answers"] or "password_file" in found["answers"]


def test_a_broker_needs_a_topic_and_says_so(start_emulator: StartEmulator) -> None:
    assert "option topic" in asked(start_emulator(name="mqtt").address)["answers"]


def test_a_port_that_takes_all_and_says_nothing_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "LONGEST_S", 1.0)
    monkeypatch.setattr(probing, "LISTEN_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = asked(f"socket://127.0.0.1:{server.getsockname()[1]}")
    assert "not asked after 1 s: " in found["answers"]
    assert "--driver NAME" in found["answers"]


def test_a_login_or_a_bare_host_is_refused_before_anything_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    for port in (f"http://me:{SECRET}@192.0.2.1", f"mqtt://me:{SECRET}@192.0.2.1", "192.0.2.1"):
        assert main(["meter", "list", "--probe", "--port", port]) == 1
        said = capsys.readouterr().err
        assert SECRET not in said
        assert "found a login in it" in said or "expected" in said
        assert "write http://192.0.2.1, " in said or not port.startswith("http")
