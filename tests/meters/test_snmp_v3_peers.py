"""SNMP v3 against programs nobody here wrote: the drivers on net-snmp's snmpd, its clients on the emulated agents.

Each hash with each cipher that Debian's build has: MD5, SHA-1 and SHA-2; DES and AES, AES-192 and AES-256 by both ways.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from meters import host
from meters.access import REPLAYED, Access, Credentials
from meters.meter import Meter, MeterError, MeterGarbage, MeterRefused, MeterTimeout, MeterUnplugged
from meters.playback import Playback
from meters.reading import Reading
from meters.registry import open_meter
from meters.wire_log import read_capture
from tests.meters.conftest import StartEmulator
from tests.meters.kept import forms_of, said
from tests.meters.snmp_agent import agent, client, free_port

SIGN, SEAL = "signs-4711", "seals-0815"
HASHES = {
    "md5": "MD5", "sha1": "SHA", "sha224": "SHA-224", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512",
}  # fmt: skip
CIPHERS = {
    "des": "DES", "aes128": "AES", "aes192-blumenthal": "AES192", "aes256-blumenthal": "AES256",
    "aes192-reeder": "AES192C", "aes256-reeder": "AES256C",
}  # fmt: skip
WAYS = [(name, privacy) for name in HASHES for privacy in ("none", *CIPHERS)]
FAST: dict[str, float | str] = {"protocol": "v3", "outlet": 3, "interval_s": 0.02, "refresh_s": 0.02, "reply_s": 1.0}
CONTACT = "1.3.6.1.2.1.1.1.0"


def created(name: str, privacy: str) -> list[str]:
    """Lines of snmpd's configuration for a user of one way."""
    seal = f"{CIPHERS[privacy]} {SEAL}" if privacy != "none" else ""
    level = "auth" if privacy == "none" else "priv"
    return [f"createUser {name}-{privacy} {HASHES[name]} {SIGN} {seal}", f"rouser {name}-{privacy} {level}"]


USERS = [line for way in WAYS for line in created(*way)] + ["createUser open", "rouser open noauth"]
ASKED = ["-v3", "-l", "noAuthNoPriv", "-u", "open"]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The driver's port of an snmpd with all these users."""
    with agent(tmp_path_factory.mktemp("snmpd"), USERS, ASKED) as number:
        yield f"snmp://127.0.0.1:{number}"


Options = Mapping[str, float | str]


def opened(port: str, user: str, passwords: tuple[str, ...], options: Options, log: io.BytesIO | None = None) -> Meter:
    access = Access(Credentials(user, *(passwords or ("",))))
    return open_meter("raritan-px", port, capture=log, options={**FAST, **options}, access=access)


# --- the drivers on snmpd -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HASHES)
def test_the_driver_reads_snmpd_and_its_log_is_decoded_again_without_a_password(name: str, port: str) -> None:
    for privacy in ("none", *CIPHERS):
        log, options = io.BytesIO(), {**FAST, "hash": name, "privacy": privacy}
        meter = opened(port, f"{name}-{privacy}", (SIGN, SEAL), options, log)
        read = [meter.read(5.0) for _ in range(3)]
        assert {(reading.power_w, reading.current_a) for reading in read} == {(68.0, 0.311)}
        assert meter.describe().remarks == ()
        meter.close()
        kept = list(read_capture(io.BytesIO(log.getvalue()), "log"))
        content = said(log.getvalue())
        for secret in (SIGN, SEAL, f"{name}-{privacy}"):
            assert not [form for form in forms_of(secret) if form in content]
        with host.playing(Playback(kept)):
            again = open_meter("raritan-px", "snmp://192.0.2.7", capture=None, options=options, access=Access(REPLAYED))
            assert [again.read(5.0) for _ in read] == read


def test_a_user_without_a_password_reads_and_is_warned_of(port: str) -> None:
    meter = opened(port, "open", (), {})
    assert meter.read(5.0).power_w == 68.0
    assert "anybody on the network can answer" in meter.describe().remarks[0]
    meter.close()


@pytest.mark.parametrize(
    ("user", "passwords", "more", "words"),
    [
        ("nobody", (SIGN,), {}, "knows no user 'nobody'"),
        ("sha1-aes128", ("another-one", SEAL), {}, "finds a wrong code .* correct password_file, or the option hash"),
        ("sha1-aes128", (SIGN, SEAL), {"hash": "sha512"}, "finds a wrong code"),
        ("sha1-none", (SIGN, SEAL), {}, "at the level authPriv .usmStatsUnsupportedSecLevels"),
        ("sha1-aes128", (SIGN, SEAL), {"privacy": "none"}, "the agent answers authorizationError"),
    ],
)
def test_what_snmpd_reports_is_a_sentence(
    user: str, passwords: tuple[str, ...], more: Options, words: str, port: str
) -> None:
    with pytest.raises(MeterRefused, match=words) as caught:
        opened(port, user, passwords, more)
    assert not [secret for secret in passwords if secret in str(caught.value)]


@pytest.mark.parametrize(
    ("passwords", "more"),
    [((SIGN, "another-one"), {}), ((SIGN, SEAL), {"privacy": "aes256-reeder"}), ((SIGN, SEAL), {"context": "none"})],
)
def test_what_snmpd_says_nothing_of_is_named(passwords: tuple[str, ...], more: Options, port: str) -> None:
    with pytest.raises(
        MeterTimeout, match="the agent says who it is, but answers no question: correct privacy_password_file"
    ):
        opened(port, "sha1-aes128", passwords, {"reply_s": 0.2, **more})


def test_an_agent_that_restarts_is_read_on(tmp_path: Path) -> None:
    number, users = free_port(), [*created("md5", "none"), *created("md5", "des")]
    asked = ["-v3", "-l", "authNoPriv", "-u", "md5-none", "-a", "MD5", "-A", SIGN]
    with agent(tmp_path, users, asked, number):
        meter = opened(f"snmp://127.0.0.1:{number}", "md5-des", (SIGN, SEAL), {"hash": "md5", "privacy": "des"})
        assert meter.read(5.0).power_w == 68.0
    with pytest.raises(MeterError):
        meter.read(5.0)
    with agent(tmp_path, users, asked, number):
        reading: Reading | None = None
        while reading is None:
            try:
                reading = meter.read(5.0)
            except (MeterTimeout, MeterGarbage):
                continue
            except MeterUnplugged:
                meter.reopen()
    assert (reading.power_w, "resynced" in reading.flags) == (68.0, True)
    meter.close()


# --- clients on the emulated agents -----------------------------------------------------------------------------------


def test_clients_of_net_snmp_read_an_emulated_pdu_by_every_way(start_emulator: StartEmulator) -> None:
    emulator = start_emulator("--profile", "watts=0:51", "--password", SIGN, name="apc-rpdu2")
    number = int(emulator.address.rpartition(":")[2])
    for name, privacy in WAYS:
        level = "authNoPriv" if privacy == "none" else "authPriv"
        words = ["-v3", "-l", level, "-u", f"{name}-{privacy}", "-a", HASHES[name], "-A", SIGN]
        words += [] if privacy == "none" else ["-x", CIPHERS[privacy], "-X", SIGN]
        run = client("snmpget", number, *words, CONTACT)
        assert (run.returncode, "EMULATED" in run.stdout) == (0, True), (name, privacy, run.stderr)
    sealed = ["-v3", "-l", "authPriv", "-u", "admin", "-a", "SHA", "-A", SIGN, "-x", "AES", "-X", SIGN]
    walk = client("snmpbulkwalk", number, *sealed, "1.3.6.1")
    assert walk.returncode == 0
    assert len(walk.stdout.splitlines()) > 30

    def refused(*words: str) -> str:
        return client("snmpget", number, "-v3", *words, CONTACT).stderr

    assert "Unknown user name" in refused("-l", "authNoPriv", "-u", "nobody", "-a", "SHA", "-A", SIGN)
    wrong = refused("-l", "authNoPriv", "-u", "sha1-none", "-a", "SHA", "-A", "another-one")
    assert "Authentication failure" in wrong
    assert "Unsupported security level" in refused(*sealed[1:3], "-u", "sha1-none", *sealed[5:])
    assert "Decryption error" in refused(*sealed[1:-1], "another-one")


@pytest.mark.parametrize(
    ("user", "secrets"),
    [
        ("sha1-aes128", {"--password-file": SIGN, "--privacy-password-file": SEAL}),
        ("open", {}),
    ],
)
def test_what_was_recorded_replays_without_passwords(
    user: str, secrets: Mapping[str, str], port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from harness import cli

    words = []
    for option, secret in secrets.items():
        file = tmp_path / option.strip("-")
        file.write_text(secret + "\n")
        file.chmod(0o600)
        words += [option, str(file)]
    folder = tmp_path / "session"
    options = [f"--option={name}={value}" for name, value in FAST.items()]
    command = ["meter", "record", "raritan-px", port, "--into", str(folder), "--count", "3", "--user", user]
    assert cli.main([*command, *words, *options]) == 0
    assert "replayed: 3 readings, identical" in capsys.readouterr().out
    content = b"".join(path.read_bytes() for path in folder.iterdir()) + said((folder / "wire.log").read_bytes())
    for secret in secrets.values():
        assert not [form for form in forms_of(secret, user) if form in content]
