"""Meters behind TLS: whose key is accepted, what is refused with which words, what a state is given for.

The other ends are Python's ssl and socat, which stands as a terminator before emulators that know no TLS. All of them
are of this machine; where a test is about another one, it says so to `is_this_machine`.
"""

from __future__ import annotations

import base64
import io
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters import origin
from meters.access import Access, Declaration, Peer, Pin
from meters.certificates import certificate_sha256, public_key_sha256, read_fingerprint
from meters.deadline import Deadline
from meters.http_wire import HttpWire
from meters.meter import Meter, MeterGarbage, MeterMismatch, MeterUnavailable, MeterUnplugged
from meters.origin import attest, is_this_machine
from meters.reading import Identity, Origin
from meters.registry import DRIVERS, open_meter, remedy, why
from meters.serial_wire import Line, SerialWire
from meters.session import read_session
from meters.wire_log import read_capture
from tests.meters.certificates import Keeper, keeper
from tests.meters.conftest import StartEmulator, wait_until
from tests.meters.http_servers import answer, ok, raw_server
from tests.meters.test_shelly import INFO2, SWITCH

HERE = ("127.0.0.1",)
PLUG = keeper(addresses=HERE)
ADDRESS = "192.0.2.7"
SERIAL = "B0B21C10A478"
SAID = Declaration("plug-7", SERIAL, "127.0.0.1", "switch port 7, nothing else in its VLAN", "A. Muster", "2026-11-28")


def pin(**keys: str) -> Access:
    return Access(pin=Pin("plug-7", **keys))


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address is that of another machine."""
    monkeypatch.setattr(origin, "is_this_machine", lambda _address: False)


@contextmanager
def terminator(folder: Path, who: Keeper, target: str) -> Iterator[int]:
    """Socat, with the key of `who`, before `target` (HOST:PORT); yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pem = who.write(folder / f"{who.sha256[:16]}.pem")
    listen = f"OPENSSL-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,cert={pem},verify=0"
    with subprocess.Popen(["socat", listen, f"TCP:{target}"], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _answers(port), "socat")
            yield port
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def opened(driver: str, port: str, access: Access, **options: float | str) -> Iterator[Meter]:
    meter = open_meter(driver, port, capture=None, options=options, access=access)
    try:
        yield meter
    finally:
        meter.close()


def plug(path: bytes, connection: socket.socket) -> None:
    """A Shelly that is none of ours, with a published sample; its serial number is `SERIAL`."""
    connection.sendall(ok(INFO2 if path == b"/shelly" else SWITCH))


# --- HTTPS ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "access",
    [
        Access(),
        pin(certificate_sha256=PLUG.sha256),
        pin(public_key_sha256=PLUG.key_sha256),
        pin(certificate_sha256=PLUG.sha256, public_key_sha256=PLUG.key_sha256),
    ],
)
def test_https_carries_the_same_bytes_on_one_connection(tmp_path: Path, access: Access) -> None:
    sink = io.BytesIO()
    page = ok(b'{"power": 50}')
    with raw_server(answer(page), PLUG.context(tmp_path)) as server:
        wire = HttpWire(server.url, sink, access)
        for number in range(5):
            assert wire.get(f"/{number}", Deadline(5.0)).data == b'{"power": 50}'
            time.sleep(0.02)  # tickets of TLS 1.3 arrive eager
        wire.close()
        assert server.connections == 1
        assert wire.peer is not None
        assert wire.peer.certificate == PLUG.der
        assert bool(wire.peer.pinned) == (access.pin is not None)
    parts = list(read_capture(io.BytesIO(sink.getvalue()), "log"))
    assert b"".join(part.data for part in parts if part.direction == "<") == page * 5


def test_tls_1_2_is_spoken_with_devices_that_know_no_later_one(tmp_path: Path) -> None:
    context = PLUG.context(tmp_path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with raw_server(plug, context) as server:
        wire = HttpWire(server.url, None, pin(certificate_sha256=PLUG.sha256))
        assert all(wire.get("/shelly", Deadline(5.0)).data == INFO2 for _question in range(3))
        assert wire.peer is not None
        assert wire.peer.tls_version == "TLSv1.2"
        wire.close()


@pytest.mark.parametrize("by", ["certificate", "public key"])
def test_another_key_is_refused_with_both_fingerprints_before_a_word_is_said(tmp_path: Path, by: str) -> None:
    other = keeper()
    found, expected = (other.sha256, PLUG.sha256) if by == "certificate" else (other.key_sha256, PLUG.key_sha256)
    access = pin(**{f"{by.replace(' ', '_')}_sha256": expected})
    with raw_server(plug, other.context(tmp_path)) as server:
        with pytest.raises(MeterMismatch) as caught:
            open_meter("shelly", server.url, capture=None, options={}, access=access)
        assert server.requests == []
    text = str(caught.value)
    assert text.startswith(f"{server.url}: found the {by} with SHA-256 {found}, expected {expected} as registered for")
    assert "correct the register" in text


def test_a_certificate_renewed_for_the_same_key_fits_the_key_and_not_the_old_certificate(tmp_path: Path) -> None:
    renewed = keeper(key=PLUG.key)
    with raw_server(answer(ok(b"{}")), renewed.context(tmp_path)) as server:
        HttpWire(server.url, None, pin(public_key_sha256=PLUG.key_sha256)).close()
        with pytest.raises(MeterMismatch, match="the certificate with SHA-256"):
            HttpWire(server.url, None, pin(certificate_sha256=PLUG.sha256))
        with pytest.raises(MeterMismatch, match="the certificate with SHA-256"):
            HttpWire(server.url, None, pin(certificate_sha256=PLUG.sha256, public_key_sha256=PLUG.key_sha256))


@pytest.mark.parametrize("access", [Access(), pin(certificate_sha256=PLUG.sha256)])
def test_a_key_that_changes_while_reading_ends_it(tmp_path: Path, access: Access) -> None:
    def script(path: bytes, connection: socket.socket) -> None:
        connection.sendall(ok(path, "Connection: close"))

    with raw_server(script, PLUG.context(tmp_path)) as server:
        wire = HttpWire(server.url, None, access)
        assert wire.get("/1", Deadline(5.0)).data == b"/1"
        server.context = keeper().context(tmp_path)
        with pytest.raises(MeterMismatch, match=r"found the certificate with SHA-256 \w{64}, expected \w{64}"):
            wire.get("/2", Deadline(5.0))
        wire.close()


def test_a_handshake_that_fails_while_reading_is_a_meter_that_went_away(tmp_path: Path) -> None:
    with raw_server(lambda path, connection: connection.sendall(ok(path)), PLUG.context(tmp_path)) as server:
        wire = HttpWire(server.url, None)
        wire.get("/1", Deadline(5.0))
        assert wire._tap is not None
        wire._tap.hang_up()
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # without any certificate
        with pytest.raises(MeterUnplugged, match="no TLS connection comes about"):
            wire.get("/2", Deadline(5.0))
        wire.close()


# --- an authority ---------------------------------------------------------------------------------------------------

AUTHORITY = keeper("lab", authority=True)
BETWEEN = keeper("between", issuer=AUTHORITY, authority=True)


@pytest.mark.parametrize(
    ("who", "between", "problem"),
    [
        (keeper(issuer=AUTHORITY, addresses=HERE), (), None),
        (keeper(issuer=AUTHORITY, addresses=["192.0.2.9"]), (), "does not vouch for .*IP address mismatch"),
        (keeper(issuer=AUTHORITY, addresses=HERE, age_days=4000), (), "does not vouch for .*expired"),
        (keeper(issuer=keeper("lab", authority=True), addresses=HERE), (), "does not vouch for"),
        (PLUG, (), "does not vouch for .*self-signed"),
        (keeper(issuer=BETWEEN, addresses=HERE), (BETWEEN,), "others stand between .*register who did as tls_ca_file"),
    ],
)  # fmt: skip
def test_an_authority_vouches_for_what_it_issued_itself_for_this_address_and_today(
    tmp_path: Path, who: Keeper, between: tuple[Keeper, ...], problem: str | None
) -> None:
    with raw_server(answer(ok(b"{}")), who.context(tmp_path, *between)) as server:
        if problem is None:
            wire = HttpWire(server.url, None, pin(authority=AUTHORITY.pem))
            assert wire.peer == Peer("127.0.0.1", who.der, "TLSv1.3", "plug-7", ("authority",))
            wire.close()
            return
        with pytest.raises(MeterMismatch, match=problem):
            HttpWire(server.url, None, pin(authority=AUTHORITY.pem))


def test_who_issued_it_may_itself_stand_below_another_authority(tmp_path: Path) -> None:
    who = keeper(issuer=BETWEEN, addresses=HERE)
    with raw_server(answer(ok(b"{}")), who.context(tmp_path)) as server:
        HttpWire(server.url, None, pin(authority=AUTHORITY.pem + BETWEEN.pem)).close()


# --- what is no TLS -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "named"),
    [(b"HTTP/1.1 400 Bad\r\n\r\n", "speaks without TLS; name it without"), (b"", "nothing answers there|hung up")],
)
def test_a_port_without_tls_is_named(reply: bytes, named: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _address = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(MeterUnavailable, match=named):
            HttpWire(f"https://127.0.0.1:{server.getsockname()[1]}", None)
        thread.join()


def test_plain_http_at_a_port_with_tls_is_no_http(tmp_path: Path) -> None:
    with raw_server(answer(ok(b"{}")), PLUG.context(tmp_path)) as server:
        wire = HttpWire(server.url.replace("https", "http"), None)
        with pytest.raises((MeterGarbage, MeterUnplugged), match=r"found no HTTP|ended without|broke"):
            wire.get("/", Deadline(3.0))
        wire.close()


# --- a terminator ---------------------------------------------------------------------------------------------------


def test_a_serial_meter_behind_a_terminator_is_read_and_another_key_is_not(
    start_emulator: StartEmulator, tmp_path: Path
) -> None:
    emulator = start_emulator("--listen", "127.0.0.1:0", "--profile", "watts=50", "--interval", "0.05")
    target = emulator.address.removeprefix("socket://")
    with terminator(tmp_path, PLUG, target) as port:
        with opened("wattsup", f"socket+tls://127.0.0.1:{port}", pin(public_key_sha256=PLUG.key_sha256)) as meter:
            assert [meter.read(3.0).power_w for _ in range(3)] == [50.0] * 3
            meter.reopen()
            assert meter.read(3.0).power_w == 50.0
            evidence = meter.origin().evidence
            assert meter.origin().kind == "emulated"
            assert (evidence["tls_pinned"], evidence["instrument"]) == (["public key"], "plug-7")
        wrong = pin(public_key_sha256=keeper().key_sha256)
        with pytest.raises(MeterMismatch, match=PLUG.key_sha256):
            open_meter("wattsup", f"socket+tls://127.0.0.1:{port}", capture=None, options={}, access=wrong)
    with pytest.raises(MeterUnavailable, match=r"speaks without TLS|no TLS connection comes about"):
        SerialWire(f"socket+tls://{target}", Line(115200), None)


def test_modbus_tcp_behind_a_terminator_is_read(start_emulator: StartEmulator, tmp_path: Path) -> None:
    emulator = start_emulator("--listen", "127.0.0.1:0", "--profile", "watts=50", name="umg604")
    with (
        terminator(tmp_path, PLUG, emulator.address.removeprefix("socket://")) as port,
        opened("umg604", f"socket+tls://127.0.0.1:{port}", Access(), interval_s=0.1, transport="tcp") as meter,
    ):
        assert meter.read(3.0).power_w == pytest.approx(50.0, abs=0.1)


# --- what a state is given for --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("far_away")
def test_only_who_holds_the_pinned_key_is_attested_whatever_serial_number_answers(tmp_path: Path) -> None:
    """A device that is none of ours and answers with the right serial number, reached in every way there is."""
    with raw_server(plug) as plain, raw_server(plug, PLUG.context(tmp_path)) as secured:
        ways = [
            (plain.url, Access(), "unattested", ["tls"]),
            (plain.url, pin(public_key_sha256=PLUG.key_sha256), "unattested", ["tls"]),
            (plain.url, Access(declaration=SAID), "declared", None),
            (secured.url, Access(), "unattested", ["pin"]),
            (secured.url, Access(declaration=SAID), "declared", None),
            (secured.url, pin(public_key_sha256=PLUG.key_sha256), "attested", None),
        ]
        for port, access, state, lacks in ways:
            with opened("shelly", port, access) as meter:
                assert (meter.identify().serial, meter.origin().kind) == (SERIAL, state)
                assert meter.origin().evidence.get("lacks") == lacks
                assert meter.read(5.0).power_w is not None


@pytest.mark.usefixtures("far_away")
def test_our_own_emulator_is_never_attested_or_declared(start_emulator: StartEmulator, tmp_path: Path) -> None:
    target = start_emulator("--profile", "watts=50", name="shelly").address.removeprefix("http://")
    access = Access(pin=Pin("plug-7", PLUG.sha256), declaration=Declaration("p", "EMULATED0001", *["127.0.0.1"] * 4))
    with terminator(tmp_path, PLUG, target) as port:
        for url in (f"https://127.0.0.1:{port}", f"http://{target}"):
            with opened("shelly", url, access) as meter:
                assert meter.origin().kind == "emulated"


SESSIONS = Path(__file__).resolve().parents[1] / "data" / "sessions"
NO_ROOM = {"powerspy2", "sdm120", "sdm230"}
"""Emulators whose identity is a number of few digits: no room for the mark (docs/instruments.md)."""


@pytest.mark.parametrize("folder", sorted(SESSIONS.glob("emulated-*")), ids=lambda folder: str(folder.name))
def test_no_emulator_of_ours_is_attested_without_the_pinned_key_nor_declared_where_it_bears_the_mark(
    folder: Path,
) -> None:
    session, _exchanges = read_session(folder)
    identity, name = session.identity, folder.name.removeprefix("emulated-")
    said = Declaration("plug-7", identity.serial, ADDRESS, "switch port 7", "A. Muster", "2026-11-28")
    unpinned = Peer(ADDRESS, PLUG.der, "TLSv1.3")
    states = {
        attest(f"https://{ADDRESS}", identity, peer=unpinned).kind,
        attest(f"https://{ADDRESS}", identity, peer=unpinned, declaration=said).kind,
        attest(f"http://{ADDRESS}", identity, declaration=said).kind,
    }
    assert "attested" not in states
    assert ("declared" in states) == (name in NO_ROOM)
    assert (attest(f"https://{ADDRESS}", identity, peer=HELD, declaration=said).kind == "attested") == (name in NO_ROOM)


REAL = Identity("Shelly", "SNPL-00112EU", SERIAL, "1.4.4")
HELD = Peer(ADDRESS, PLUG.der, "TLSv1.3", "plug-7", ("certificate",))
SAID_THERE = Declaration("plug-7", SERIAL, ADDRESS, "switch port 7", "A. Muster", "2026-11-28")


@pytest.mark.parametrize(
    ("identity", "peer", "declaration", "state"),
    [
        (REAL, HELD, None, "attested"),
        (REAL, HELD, SAID_THERE, "attested"),
        (Identity("Peacefair", "PZEM-004T", "", "", asked=False), HELD, None, "unattested"),
        (Identity("", "", "", ""), HELD, None, "unattested"),
        (REAL, Peer(ADDRESS, PLUG.der, "TLSv1.3"), None, "unattested"),
        (REAL, Peer("127.0.0.1", PLUG.der, "TLSv1.3", "plug-7", ("certificate",)), None, "emulated"),
        (Identity("EMULATED", "m", "s", "f"), HELD, SAID_THERE, "emulated"),
        (REAL, None, SAID_THERE, "declared"),
        (Identity("Shelly", "m", "another", "f"), None, SAID_THERE, "unattested"),
        (Identity("Shelly", "m", "", "f"), None, Declaration("p", "", ADDRESS, "l", "b", "d"), "unattested"),
        (REAL, None, Declaration("plug-7", SERIAL, "192.0.2.8", "l", "b", "d"), "unattested"),
    ],
)
def test_each_state_needs_all_of_its_evidence(
    identity: Identity, peer: Peer | None, declaration: Declaration | None, state: str
) -> None:
    origin = attest(f"https://{ADDRESS}", identity, peer=peer, declaration=declaration)
    assert origin.kind == state
    if state == "attested":
        assert origin.evidence["tls_certificate"] == base64.b64encode(PLUG.der).decode()
        assert origin.evidence["tls_public_key_sha256"] == PLUG.key_sha256
    if state == "declared":
        assert origin.evidence["declared_by"] == "A. Muster"


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.1.2.3", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0"]
)
def test_every_way_to_write_this_machine_is_this_machine(address: str) -> None:
    assert is_this_machine(address)
    host = f"[{address}]" if ":" in address else address
    assert (
        attest(f"http://{host}", REAL, declaration=Declaration("p", SERIAL, address, "l", "b", "d")).kind == "emulated"
    )


def test_an_address_of_this_machine_on_its_network_is_this_machine_and_a_foreign_one_is_not() -> None:
    own = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    assert all(is_this_machine(str(address)) for address in own)
    assert not is_this_machine("192.0.2.7")
    assert not is_this_machine("2001:db8::7")


# --- what can be done about it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_remedy_is_one_that_exists_for_the_meter(driver: str) -> None:
    said = remedy(driver, Origin("unattested", {"lacks": ["tls"]}))
    has_port = {"serial", "usbtmc"} & set(DRIVERS[driver].links)
    assert ("serial or USB port" in said) == bool(has_port)
    assert ("TLS terminator" in said) == (DRIVERS[driver].links not in (("snmp",), ("ipmi",)))
    assert "declare" in said
    assert "declare it" not in remedy(driver, Origin("declared", {}))
    assert remedy(driver, Origin("attested", {})) == remedy(driver, Origin("instrument", {})) == ""


def test_the_remedy_names_what_is_lacking() -> None:
    assert "firmware 2.0.0" in remedy("shelly", Origin("unattested", {"lacks": ["tls"]}))
    assert "cannot say who it is" in remedy("pzem", Origin("unattested", {"lacks": ["identity", "tls"]}))
    assert "serial number of its own" in remedy("wattsup", Origin("unattested", {"lacks": ["port-serial"]}))
    seen: dict[str, str | int | list[str] | None] = {"tls_sha256": "cd" * 32, "tls_public_key_sha256": "ab" * 32}
    assert "ab" * 32 in remedy("gude", Origin("unattested", {"lacks": ["pin"], **seen}))
    assert "ab" * 32 in remedy("gude", Origin("declared", seen))
    assert remedy("no-driver", Origin("unattested", {"lacks": ["tls"]})) == ""


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (Origin("emulated", {}), "answers from this machine, or says that it is an emulator"),
        (
            Origin("unattested", {"lacks": ["identity", "tls"]}),
            "does not say who it is and it was reached over a network",
        ),
        (Origin("unattested", {"lacks": ["pin"]}), "its key is not in the instrument register"),
        (Origin("unattested", {"lacks": ["port-serial"]}), "its port has no serial number"),
        (Origin("declared", {}), ""),
        (Origin("attested", {}), ""),
    ],
)
def test_why_a_meter_is_not_shown_to_be_an_instrument_is_said(origin: Origin, words: str) -> None:
    assert words in why(origin)
    assert bool(words) == bool(why(origin))


# --- fingerprints ---------------------------------------------------------------------------------------------------


def test_fingerprints_are_those_of_openssl(tmp_path: Path) -> None:
    pem = PLUG.write(tmp_path / "plug.pem")

    def openssl(*arguments: str, data: bytes = b"") -> bytes:
        return subprocess.run(["openssl", *arguments], input=data, capture_output=True, timeout=60, check=True).stdout

    shown = openssl("x509", "-in", str(pem), "-noout", "-fingerprint", "-sha256").decode()
    assert read_fingerprint(shown.partition("=")[2]) == certificate_sha256(PLUG.der) == PLUG.sha256
    key = openssl("x509", "-in", str(pem), "-noout", "-pubkey")
    digest = openssl("dgst", "-sha256", data=openssl("pkey", "-pubin", "-outform", "DER", data=key)).decode()
    assert read_fingerprint(digest.split()[-1]) == public_key_sha256(PLUG.der) == PLUG.key_sha256


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("AB" * 32, "ab" * 32),
        (":".join(["AB"] * 32), "ab" * 32),
        ("SHA256:" + "ab" * 32, "ab" * 32),
        ("sha256 " + "ab" * 32, "ab" * 32),
        ("ab" * 31, None),
        ("ab" * 33, None),
        ("zz" * 32, None),
        ("", None),
    ],
)
def test_a_fingerprint_is_read_as_people_write_it(text: str, digits: str | None) -> None:
    assert read_fingerprint(text) == digits


@given(st.binary(max_size=300))
def test_a_certificate_that_is_none_has_no_public_key(data: bytes) -> None:
    assert public_key_sha256(data) == ""
