import asyncio
import ssl
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import pytest

from harness.fleet import certificates, cluster
from harness.fleet.cluster import link_of
from harness.fleet.service import _problem, scheduler_service
from harness.fleet.station import Station
from harness.record.errors import FleetError
from tests.fleet.benches import free_port


def test_each_machine_gets_what_it_needs_and_nobody_gets_the_authoritys_key(tmp_path: Path) -> None:
    office, bench = certificates.make(tmp_path / "keys", ["office", "bench-a"], days=30)
    assert sorted(path.name for path in office.iterdir()) == ["authority.pem", "certificate.pem", "key.pem"]
    assert {path.stat().st_mode & 0o077 for path in tmp_path.rglob("*") if path != tmp_path} == {0}
    certificates.require_usable(bench)
    (later,) = certificates.make(tmp_path / "keys", ["bench-b"], days=30)
    assert (later / "authority.pem").read_bytes() == (bench / "authority.pem").read_bytes()


def test_openssl_accepts_what_the_authority_issued_and_refuses_another_authoritys(tmp_path: Path) -> None:
    (ours,) = certificates.make(tmp_path / "keys", ["office"], days=30)
    (theirs,) = certificates.make(tmp_path / "others", ["office"], days=30)
    assert shake(ours, ours)
    with pytest.raises(ssl.SSLError):
        shake(ours, theirs)


def shake(server: Path, client: Path) -> bool:
    """A handshake in memory, as Dask makes it: both ends want a certificate, and compare no names."""
    accepting = link_of("127.0.0.1", server, is_open=False).security().get_listen_args("scheduler")["ssl_context"]
    asking = link_of("127.0.0.1", client, is_open=False).security().get_connection_args("client")["ssl_context"]
    forth, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [accepting.wrap_bio(forth, back, server_side=True), asking.wrap_bio(back, forth)]
    for _ in range(5):
        for side in list(sides):
            try:
                side.do_handshake()
                sides.remove(side)
            except ssl.SSLWantReadError:
                pass
    return not sides


@pytest.mark.parametrize("name", certificates.MEMBER)
def test_a_folder_that_lacks_something_says_how_it_is_made(tmp_path: Path, name: str) -> None:
    (office,) = certificates.make(tmp_path / "keys", ["office"], days=30)
    (office / name).unlink()
    with pytest.raises(FleetError, match=rf"{name} missing; `wattlab fleet certificates"):
        link_of("bench", office, is_open=False)


class Later(datetime):
    """A clock that is two months ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + timedelta(days=60)


def test_a_certificate_of_another_authority_or_another_year_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (office,) = certificates.make(tmp_path / "keys", ["office"], days=30)
    (other,) = certificates.make(tmp_path / "others", ["office"], days=30)
    monkeypatch.setattr(certificates, "datetime", Later)
    with pytest.raises(FleetError, match=r"is valid from .*; make a new one"):
        certificates.require_usable(office)
    (office / "certificate.pem").write_bytes((other / "certificate.pem").read_bytes())
    with pytest.raises(FleetError, match=r"is no certificate of authority\.pem"):
        certificates.require_usable(office)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    certificates.make(tmp_path / "keys", ["office"], days=30)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.pem")}
    with pytest.raises(FleetError, match="is there already"):
        certificates.make(tmp_path / "keys", ["bench", "office"], days=30)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.pem")} == before
    (tmp_path / "keys" / "authority.pem").unlink()
    with pytest.raises(FleetError, match="authority cannot be read"):
        certificates.make(tmp_path / "keys", ["bench"], days=30)


@pytest.mark.parametrize(
    ("address", "is_open", "said"),
    [
        ("tcp://10.0.0.1:8786", False, "begins with tcp://, expected tls://"),
        ("tls://127.0.0.1:8786", True, "begins with tls://"),
        ("10.0.0.1", False, "no certificate is named"),
        ("10.0.0.1", True, "allowed on loopback only"),
        ("lab.example", True, "allowed on loopback only"),
        ("", True, "no address of a scheduler"),
        ("127.0.0.1:x", True, "no address of a scheduler"),
        ("127.0.0.1:0", True, "no address of a scheduler"),
        ("127.0.0.1:1/x", True, "no address of a scheduler"),
    ],
)
def test_what_is_no_address_or_would_be_open_to_others_is_refused(address: str, is_open: bool, said: str) -> None:
    with pytest.raises(FleetError, match=said):
        link_of(address, None, is_open=is_open)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1", "tcp://127.0.0.1:8786"),
        ("tcp://localhost:9", "tcp://localhost:9"),
        ("[::1]:7", "tcp://[::1]:7"),
    ],
)
def test_on_loopback_an_open_scheduler_may_be_asked_for(address: str, url: str) -> None:
    assert link_of(address, None, is_open=True).address == url


def test_without_dask_one_sentence_says_how_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda _name: None)
    with pytest.raises(FleetError, match=r"Dask is not installed.*harness/fleet/requirements\.lock"):
        link_of("127.0.0.1", None, is_open=True)


def test_a_scheduler_of_another_authority_is_told_from_one_that_is_not_there(tmp_path: Path) -> None:
    (office,) = certificates.make(tmp_path / "keys", ["office"], days=30)
    (other,) = certificates.make(tmp_path / "others", ["bench"], days=30)
    address = f"127.0.0.1:{free_port('127.0.0.1')}"
    with pytest.raises(FleetError, match=r"Connection refused|nobody answers there"):
        asyncio.run(cluster.require_reached(link_of(address, office, is_open=False), 1.0))
    with scheduler_service(link_of(address, office, is_open=False)) as service:
        service.address()
        asyncio.run(cluster.require_reached(link_of(address, office, is_open=False)))
        with pytest.raises(cluster.CertificateRefused, match="certificates of both ends do not fit, or one is"):
            asyncio.run(cluster.require_reached(link_of(address, other, is_open=False)))


def test_a_name_that_is_taken_is_said_in_words(tmp_path: Path) -> None:
    station = Station("bench-a", tmp_path / "lab.toml", None, lambda _sentence: None)
    refusal = RuntimeError("Worker failed to start.")
    refusal.__cause__ = ValueError("Unexpected response from register: {'message': 'name taken, bench-a'}")
    assert _problem(station, refusal) == "a station bench-a is connected already, or is not yet known to be gone"
