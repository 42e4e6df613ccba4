"""A campaign with plugs on a network, by the command line: their passwords are in no file of it, and an emulator stays
one behind the right key."""

import gzip
import json
from pathlib import Path

import pytest

from harness.measure.embedded import emulator
from meters.wire_log import read_capture
from tests.e2e.test_campaign import LAB, LabUnderTest
from tests.meters.kept import forms_of
from tests.meters.test_passwords import SECRET
from tests.meters.test_tls import PLUG, terminator

pytestmark = pytest.mark.timeout(900)
REGISTER = f"""\
schema = 1
[instruments.plug]
maker = "Shelly"
model = "SNPL-00112EU"
serial = "EMULATED0001"
tls_sha256 = "{PLUG.sha256}"
[instruments.plug.declared]
by = "A. Muster"
on = 2026-11-28
address = "127.0.0.1"
link = "loopback"
"""


BESIDE = """\
[meters.by-parameters]
driver = "tasmota"
port = "{}"
circuit = "beside"
password_file = "{}"
[meters.by-header]
driver = "gude"
port = "{}"
circuit = "beside"
password_env = "GUDE_PASSWORD"
[meters.by-codes]
driver = "apc-rpdu2"
port = "{}"
circuit = "beside"
user = "admin"
password_file = "{}"
privacy_password_env = "GUDE_PASSWORD"
options = {{ protocol = "v3", outlet = 1 }}
[scenarios.steps]
"""


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its name, wire logs also as what was said."""
    contents = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in [name for name in contents if "/wire-" in name]:
        lines = contents[name].splitlines(keepends=True)
        contents[f"{name}, as said"] = b"".join(part.data for part in read_capture(lines, name))
    return contents | {f"{name}, unpacked": gzip.decompress(c) for name, c in contents.items() if c[:2] == b"\x1f\x8b"}


def test_the_passwords_of_plugs_are_in_no_file_of_their_campaign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digest behind TLS, Basic, a password among the parameters, and one that signs and seals what is said."""
    (tmp_path / "lab").mkdir()
    lab = LabUnderTest(tmp_path / "lab")
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    monkeypatch.setenv("GUDE_PASSWORD", SECRET)
    (lab.folder / "instruments.toml").write_text(REGISTER)
    words = ["--listen", "127.0.0.1:0", "--password", SECRET]
    with (
        emulator(["shelly", *words]) as plug,
        emulator(["tasmota", *words, "--generation", "1"]) as old,
        emulator(["gude", *words]) as strip,
        emulator(["apc-rpdu2", *words]) as pdu,
        terminator(tmp_path, PLUG, plug.port.removeprefix("http://")) as port,
    ):
        lab.write(
            LAB.replace('port = "embedded"', f'port = "https://127.0.0.1:{port}"')
            .replace('driver = "wattsup"', f'driver = "shelly"\ninstrument = "plug"\npassword_file = "{secret}"')
            .replace("[sut]", '[sut]\ncircuits = ["sut-ac-inlet"]')
            .replace("[scenarios.steps]\n", BESIDE.format(old.port, secret, strip.port, pdu.port, secret))
            .replace(
                'name = "test lab"', 'name = "test lab"\ninstruments = "instruments.toml"\ncertify_declared = true'
            )
            .replace("repetitions = 2", "repetitions = 1")
            .replace("blocks = 2", "blocks = 1")
        )
        done = lab.call("run")
    assert done.returncode in (0, 3), done.stderr
    results = json.loads((lab.campaign / "derived" / "results.json").read_text())
    meters = {meter["meter"]: meter for meter in results["measurement"]["meters"]}
    assert {meter["origin"] for meter in meters.values()} == {"emulated"}
    assert results["verdict"]["word"] == "not-certifiable"
    assert meters["wall"]["evidence"]["tls_pinned"] == ["certificate"]
    assert meters["wall"]["evidence"]["tls_sha256"] == PLUG.sha256
    files = everything(lab.folder) | {"stdout": done.stdout.encode(), "stderr": done.stderr.encode()}
    logs = {name: content for name, content in files.items() if name.endswith("as said")}
    assert len(meters) == 4
    runs = len(list(lab.campaign.rglob("MANIFEST.sha256")))  # one that was late is repeated
    assert len(logs) == runs * len(meters) >= 6
    assert all(b"(withheld)" in log for log in logs.values())
    power = {"wall": b"apower", "by-parameters": b'"Power"', "by-header": b"ActivePower", "by-codes": b"AP8959EU3"}
    assert all(power[meter] in log for meter in power for name, log in logs.items() if f"wire-{meter}." in name)
    assert [name for name, content in files.items() for form in forms_of(SECRET) if form in content] == []
    verified = json.loads(lab.call("verify", str(lab.campaign), "--json").stdout)
    decoded = [check for check in verified["checks"] if check["name"] == "wire"]
    assert len(decoded) == runs * len(meters)
    assert [check for check in decoded if not check["passed"]] == []
    assert [name for name, content in files.items() if b"cnonce=" in content or b'response="' in content] == []
