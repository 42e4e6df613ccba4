"""Meters on a network in lab.toml and the register: passwords, keys, declarations, what `check` says of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from harness import cli
from harness.measure.embedded import emulator, open_wires
from harness.measure.lab_file import LabConfig, load
from harness.measure.preflight import check_lab
from harness.measure.reason import Reason
from harness.record.errors import ConfigError
from harness.station.access import access_of
from harness.station.register import Register, load_register
from harness.station.station import SutSection
from harness.sut.agent import survey
from meters import origin
from meters.access import Access, Credentials, Declaration, Pin
from tests.harness.test_config import MINIMAL
from tests.meters.certificates import keeper
from tests.meters.http_servers import raw_server
from tests.meters.test_tls import PLUG, SERIAL, plug

KEY = ":".join(PLUG.key_sha256[at : at + 2].upper() for at in range(0, 64, 2))
PLUG_7 = f"""\
schema = 1
[instruments.plug-7]
maker = "Shelly"
model = "SNPL-00112EU"
serial = "{SERIAL}"
"""
PINNED = f'{PLUG_7}tls_public_key_sha256 = "{KEY}"\n'
DECLARED = f"""{PLUG_7}[instruments.plug-7.declared]
by = "A. Muster"
on = 2026-11-28
address = "127.0.0.1"
link = "switch port 7, nothing else in its VLAN"
"""
AT = "https://127.0.0.1:8443"
LAB = (
    MINIMAL.replace('name = "L"', 'name = "L"\ninstruments = "instruments.toml"')
    .replace('driver = "wattsup"', 'driver = "shelly"\ninstrument = "plug-7"')
    .replace("/dev/ttyUSB0", AT)
)
OPEN = LAB.replace('instrument = "plug-7"\n', "").replace('instruments = "instruments.toml"', "")


MINE = """\
schema = 1
name = "mine"
title = "mine"
description = "a folder that brings a file from beside it"
kind = "scenario"
command = ["x"]
files = ["../bench.py"]
"""


def lab_at(port: str) -> str:
    """The lab with its meter at a port, of a driver that is read there."""
    lab = LAB.replace(AT, port)
    return lab if port.startswith("http") else lab.replace('driver = "shelly"', 'driver = "wattsup"')


def with_meter(text: str, *lines: str) -> str:
    return text.replace('driver = "shelly"', "\n".join(['driver = "shelly"', *lines]))


def read(folder: Path, text: str, register: str = PINNED) -> LabConfig:
    (folder / "instruments.toml").write_text(register)
    (folder / "lab.toml").write_text(text)
    return load(folder / "lab.toml")


def secret_in(folder: Path, content: bytes = b"s3cret\n", mode: int = 0o600) -> Path:
    file = folder / "secret"
    file.write_bytes(content)
    file.chmod(mode)
    return file


def access_in(folder: Path, text: str, register: str = PINNED) -> Access:
    lab = read(folder, text, register)
    return access_of(lab.station, load_register(lab.station), "wall")


# --- passwords ------------------------------------------------------------------------------------------------------


def pdu(*lines: str, protocol: str = "v3") -> str:
    """The lab with a PDU over SNMP."""
    options = f'options = {{ protocol = "{protocol}" }}'
    text = OPEN.replace(AT, "snmp://192.0.2.7")
    return text.replace('driver = "shelly"', "\n".join(['driver = "apc-rpdu2"', options, *lines]))


def test_snmp_v3_has_a_user_who_may_have_no_password_one_or_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_in(tmp_path)
    assert access_in(tmp_path, pdu('user = "lab"')) == Access(Credentials("lab", ""))
    signed = pdu('user = "lab"', 'password_file = "secret"')
    assert access_in(tmp_path, signed) == Access(Credentials("lab", "s3cret"))
    (tmp_path / "other").write_text("pr1vate")
    (tmp_path / "other").chmod(0o600)
    both = pdu('user = "lab"', 'password_file = "secret"', 'privacy_password_file = "other"')
    access = access_in(tmp_path, both)
    assert access == Access(Credentials("lab", "s3cret", "pr1vate"))
    assert "pr1vate" not in repr(access)
    by_name = both.replace('file = "other"', 'env = "PRIVACY"')
    with pytest.raises(ConfigError, match=r"privacy_password_env: found no .* PRIVACY; set it, or name a privacy_pas"):
        access_in(tmp_path, by_name)
    monkeypatch.setenv("PRIVACY", "pr1vate")
    assert access_in(tmp_path, by_name) == access


@pytest.mark.parametrize("content", [b"s3cret\n", b"s3cret", b"s3cret\r\n"])
def test_a_password_is_the_only_line_of_a_file(tmp_path: Path, content: bytes) -> None:
    secret_in(tmp_path, content)
    access = access_in(tmp_path, with_meter(OPEN, 'password_file = "secret"', 'user = "meter"'))
    assert access == Access(Credentials("meter", "s3cret"))
    assert "s3cret" not in repr(access)


def test_a_password_may_stand_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = with_meter(OPEN, 'password_env = "PLUG_7"')
    with pytest.raises(ConfigError, match=r"wall\.password_env: found no environment variable PLUG_7; set it"):
        access_in(tmp_path, text)
    monkeypatch.setenv("PLUG_7", "s3cret")
    assert access_in(tmp_path, text) == Access(Credentials("", "s3cret"))
    monkeypatch.setenv("PLUG_7", "")
    with pytest.raises(ConfigError, match=r"PLUG_7: found nothing, expected the password"):
        access_in(tmp_path, text)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (b"s3cret\n", 0o644, "everybody on this machine can read it; chmod 600"),
        (b"", 0o600, "found nothing, expected the password"),
        (b"\n", 0o600, "found nothing, expected the password"),
        (b"s3cret\nmore\n", 0o600, "found more than one line"),
        (b"s3cret\0", 0o600, "found more than one line"),
        (b"x" * 5000, 0o600, "found more than one line"),
        (b"\xff\xfe", 0o600, "found no UTF-8"),
    ],
)
def test_what_is_no_password_is_named_without_repeating_it(
    tmp_path: Path, content: bytes, mode: int, said: str
) -> None:
    file = secret_in(tmp_path, content, mode)
    with pytest.raises(ConfigError, match=said) as caught:
        access_in(tmp_path, with_meter(OPEN, 'password_file = "secret"'))
    assert str(caught.value).startswith(f"{tmp_path / 'lab.toml'}: meters.wall.password_file: {file}: ")
    assert "s3cret" not in str(caught.value)


def test_a_password_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere: cannot read \(No such file or directory\); write the password"):
        access_in(tmp_path, with_meter(OPEN, 'password_file = "nowhere"'))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (with_meter(OPEN, 'password_file = "a"', 'password_env = "B"'), "found password_file and password_env"),
        (with_meter(OPEN, 'user = "admin"'), r"wall\.user: needs a password"),
        (pdu('user = "lab"', protocol="v2c"), r"wall\.user: needs a password"),
        (pdu('password_file = "a"'), r"wall\.user: found none, SNMP v3 asks in a user's name"),
        (pdu('user = "lab"', 'privacy_password_file = "a"'), "only a meter by SNMP v3 .* has a password for privacy"),
        (with_meter(OPEN, 'password_file = "a"', 'privacy_password_file = "b"'), "only a meter by SNMP v3"),
        (
            pdu('user = "u"', 'password_file = "a"', 'privacy_password_file = "b"', 'privacy_password_env = "C"'),
            "found privacy_password_file and privacy_password_env, expected one of them",
        ),
        (
            pdu('user = "u"', 'password_file = "a"', 'privacy_password_file = "runs/b"'),
            "privacy_password_file: .* lies wh",
        ),
        (
            pdu('user = "u"', 'password_file = "a"', 'privacy_password_file = "bench.py"').replace(
                '"workloads/idle"', '"mine"'
            ),
            r"wall\.privacy_password_file: .* is copied to the SUT",
        ),
        (with_meter(OPEN, 'user = "a:b"', 'password_file = "a"'), r"wall\.user: found 'a:b'"),
        (with_meter(OPEN, 'password_file = "a"').replace(AT, "socket://192.0.2.7:5025"), "only a meter at http://"),
        (with_meter(OPEN, 'password_file = "a"').replace(AT, "/dev/ttyUSB0"), "only a meter at http://"),
        (
            OPEN.replace(AT, "http://admin:s3cret@192.0.2.7"),
            "found a login in it, which every log would show; write http://192.0.2.7",
        ),
        (with_meter(OPEN, 'password_file = "runs/secret"'), "lies where the runs are kept"),
        (with_meter(OPEN, 'password_file = "runs/../runs/c/secret"'), "lies where the runs are kept"),
        (
            with_meter(OPEN, 'password_file = "bench.py"').replace(
                'folder = "workloads/idle"', 'command = ["x"]\nfiles = ["bench.py"]'
            ),
            "is copied to the SUT and kept with every run",
        ),
        (
            with_meter(OPEN, 'password_file = "bench.py"').replace('"workloads/idle"', '"mine"'),
            "is copied to the SUT and kept with every run",
        ),
    ],
)
def test_a_password_that_would_be_kept_or_is_no_use_is_refused_when_lab_toml_is_read(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "bench.py").write_text("")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "scenario.toml").write_text(MINE)
    with pytest.raises(ConfigError, match=said) as caught:
        read(tmp_path, text)
    assert "s3cret" not in str(caught.value)


# --- keys and declarations ------------------------------------------------------------------------------------------


def test_a_meter_gets_the_pin_and_the_declaration_of_its_instrument(tmp_path: Path) -> None:
    secret_in(tmp_path)
    text = with_meter(LAB, 'password_file = "secret"')
    assert access_in(tmp_path, text) == Access(
        Credentials("", "s3cret"), Pin("plug-7", public_key_sha256=PLUG.key_sha256)
    )
    said = Declaration(
        "plug-7", SERIAL, "127.0.0.1", "switch port 7, nothing else in its VLAN", "A. Muster", "2026-11-28"
    )
    assert access_in(tmp_path, LAB, DECLARED) == Access(declaration=said)
    (tmp_path / "ca.pem").write_text(PLUG.pem)
    register = f'{PLUG_7}tls_ca_file = "ca.pem"\ntls_sha256 = "{PLUG.sha256}"\n'
    assert access_in(tmp_path, LAB, register) == Access(pin=Pin("plug-7", PLUG.sha256, "", PLUG.pem))
    kept = load_register(load(tmp_path / "lab.toml").station)
    assert isinstance(kept, Register)
    assert kept.inputs() == {"instruments.toml": register.encode(), "tls-ca-plug-7.pem": PLUG.pem.encode()}


def test_a_meter_that_names_no_instrument_gets_neither(tmp_path: Path) -> None:
    assert access_in(tmp_path, LAB.replace('instrument = "plug-7"\n', "")) == Access()


@pytest.mark.parametrize(
    ("register", "said"),
    [
        (PLUG_7 + 'tls_sha256 = "ab"\n', r"plug-7\.tls_sha256: found 'ab', expected the SHA-256"),
        (PLUG_7 + 'tls_ca_file = "none.pem"\n', r"tls_ca_file: .*none\.pem: cannot read"),
        (PLUG_7 + 'tls_ca_file = "instruments.toml"\n', "found no certificate, expected one or more in PEM"),
        (DECLARED.replace(f'serial = "{SERIAL}"\n', ""), "declared: needs a serial number"),
        (DECLARED.replace('"A. Muster"', '" "'), r"declared\.by: found nothing"),
        (DECLARED.replace('"127.0.0.1"', '"plug.lab"'), r"declared\.address: found 'plug\.lab', expected a fixed"),
        (DECLARED.replace('"127.0.0.1"', '"2001:DB8:0::7"'), r"found '2001:DB8:0::7', expected 2001:db8::7"),
        (DECLARED.replace("on = 2026-11-28\n", ""), r"declared\.on: missing"),
        (DECLARED.replace('"127.0.0.1"', '"127.0.0.2"'), r"was declared to be at 127\.0\.0\.2; correct the port"),
    ],
)
def test_what_the_register_says_of_a_network_is_held_to_its_form(tmp_path: Path, register: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_register(read(tmp_path, LAB, register).station)


@pytest.mark.parametrize("port", ["http://192.0.2.7", "socket://192.0.2.7:5025", "rfc2217://192.0.2.7:5025"])
def test_an_instrument_whose_key_is_known_is_not_reached_without_tls(tmp_path: Path, port: str) -> None:
    with pytest.raises(ConfigError, match=r"whose key the register has; reach it by TLS"):
        load_register(read(tmp_path, lab_at(port)).station)
    register = load_register(read(tmp_path, lab_at("/dev/ttyUSB0")).station)
    assert register is not None


def test_certifying_on_declarations_needs_a_register(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"lab\.certify_declared: needs the instrument register"):
        read(tmp_path, OPEN.replace('name = "L"', 'name = "L"\ncertify_declared = true'))


# --- wattlab check --------------------------------------------------------------------------------------------------


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origin, "is_this_machine", lambda _address: False)
    monkeypatch.setattr(survey, "SURVEY_S", 0.0)


def first_line(folder: Path, text: str, register: str) -> Reason:
    """What preflight says first of the meter; the SUT of this lab cannot be reached."""
    nobody = SutSection(
        host="127.0.0.1", port=1, user="x", key_file="/no/key", known_hosts="/no/hosts", python="python3"
    )
    configured = read(folder, text, register)
    with open_wires(configured) as wires:
        reasons = check_lab(configured, nobody, wires.openers)
    return next(reason for reason in reasons if reason.subject == "meter wall")


@pytest.mark.usefixtures("far_away")
def test_check_says_the_state_of_a_network_meter_and_why(tmp_path: Path) -> None:
    with raw_server(plug) as plain, raw_server(plug, PLUG.context(tmp_path)) as secured:
        attested = first_line(tmp_path, LAB.replace(AT, secured.url), PINNED)
        assert attested.severity == "ok"
        assert f"attested by TLS: the key of plug-7, SHA-256 {PLUG.key_sha256}" in attested.text
        declared = first_line(tmp_path, LAB.replace(AT, plain.url), DECLARED)
        assert declared.severity == "warn"
        assert "declared to be plug-7 by A. Muster on 2026-11-28 (switch port 7" in declared.text
        assert "certifies nothing: give the device a certificate" in declared.text
        policy = LAB.replace(AT, plain.url).replace('name = "L"', 'name = "L"\ncertify_declared = true')
        assert "the lab certifies on it" in first_line(tmp_path, policy, DECLARED).text
        unattested = first_line(tmp_path, LAB.replace(AT, plain.url), PLUG_7)
        assert unattested.severity == "warn"
        assert "unattested, for it was reached over a network without TLS, where anybody can answer:" in unattested.text
        assert "its numbers are no evidence about a real machine; give the device" in unattested.text
        assert "port of this host" not in unattested.text
        unpinned = first_line(tmp_path, LAB.replace(AT, secured.url), PLUG_7)
        assert "unattested, for its key is not in the instrument register" in unpinned.text
        assert f"its key has the SHA-256 {PLUG.key_sha256}: compare that at the device" in unpinned.text


@pytest.mark.usefixtures("far_away")
def test_check_refuses_another_key_and_a_password_it_cannot_read(tmp_path: Path) -> None:
    with raw_server(plug, keeper().context(tmp_path)) as server:
        text = LAB.replace(AT, server.url)
        refused = first_line(tmp_path, text, PINNED)
        assert refused.severity == "refuse"
        assert f"expected {PLUG.key_sha256} as registered for plug-7" in refused.text
        refused = first_line(tmp_path, with_meter(text, 'password_file = "secret"'), PLUG_7)
        assert (refused.severity, "cannot read" in refused.text) == ("refuse", True)


# --- wattlab meter --------------------------------------------------------------------------------------------------


@contextmanager
def locked_plug(*words: str) -> Iterator[str]:
    command = ["shelly", "--listen", "127.0.0.1:0", "--profile", "watts=50", "--password", "s3cret", *words]
    with emulator(command) as running:
        yield running.port


def test_the_meter_verbs_take_a_password_and_say_what_is_lacking(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    login = ["--password-file", str(secret_in(tmp_path)), "--user", "admin"]
    with locked_plug() as port:
        call: Callable[..., int] = partial(_call, tmp_path)
        assert call("meter", "read", "shelly", port, "--count", "1", *login) == 0
        assert " 50.000\n" in capsys.readouterr().out
        assert call("meter", "read", "shelly", port, "--count", "1") == 1
        assert "give it with user and password_file" in capsys.readouterr().err
        assert call("meter", "list", "--probe", "--driver", "shelly", "--port", port, *login, "--json") == 0
        assert '"driver": "shelly"' in capsys.readouterr().out
        assert call("meter", "list", "--probe", "--driver", "shelly", "--port", port, "--json") == 0
        assert "shelly: " in (said := capsys.readouterr().out)
        assert "the meter wants a password" in said
        assert call("meter", "read", "shelly", port, "--user", "admin") == 1
        assert "--user: needs a password" in capsys.readouterr().err
        read(tmp_path, with_meter(OPEN, 'password_file = "secret"').replace(AT, port))
        assert call("meter", "read", "wall", "--count", "1") == 0
        assert call("meter", "read", "wall", *login) == 1
        assert "names the password of wall; leave it out" in capsys.readouterr().err


def _call(folder: Path, *words: str) -> int:
    lab = ["--lab", str(folder / "lab.toml")] if words[1] == "read" else []
    return cli.main([*words, *lab])


@pytest.mark.usefixtures("far_away")
def test_meter_read_shows_the_key_that_is_to_be_pinned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with raw_server(plug, PLUG.context(tmp_path)) as server:
        assert cli.main(["meter", "read", "shelly", server.url, "--count", "1"]) == 0
    said = capsys.readouterr().out
    assert f"certificate SHA-256 {PLUG.sha256}, public key SHA-256 {PLUG.key_sha256}; not pinned" in said
    assert "as tls_public_key_sha256, and name the instrument in lab.toml" in said
