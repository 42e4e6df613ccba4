"""A campaign with a plug on a network, by the command line: its password is in no file of it, and an emulator stays one
behind the right key."""

import gzip
import json
from pathlib import Path

from harness.demo import emulator
from meters.transport import read_capture
from tests.e2e.test_campaign import LAB, LabUnderTest
from tests.meters.test_passwords import SECRET, forms_of
from tests.meters.test_tls import PLUG, terminator

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


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its name, wire logs also as what was said."""
    contents = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in [name for name in contents if "/wire-" in name]:
        lines = contents[name].splitlines(keepends=True)
        contents[f"{name}, as said"] = b"".join(part.data for part in read_capture(lines, name))
    return contents | {f"{name}, unpacked": gzip.decompress(c) for name, c in contents.items() if c[:2] == b"\x1f\x8b"}


def test_the_password_of_a_plug_is_in_no_file_of_its_campaign(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    lab = LabUnderTest(tmp_path / "lab")
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    (lab.folder / "instruments.toml").write_text(REGISTER)
    words = ["shelly", "--listen", "127.0.0.1:0", "--password", SECRET]
    with (
        emulator(words) as plug,
        terminator(tmp_path, PLUG, plug.port.removeprefix("http://")) as port,
    ):
        lab.write(
            LAB.replace('port = "embedded"', f'port = "https://127.0.0.1:{port}"')
            .replace('driver = "wattsup"', f'driver = "shelly"\ninstrument = "plug"\npassword_file = "{secret}"')
            .replace(
                'name = "test lab"', 'name = "test lab"\ninstruments = "instruments.toml"\ncertify_declared = true'
            )
            .replace("repetitions = 2", "repetitions = 1")
            .replace("blocks = 2", "blocks = 1")
        )
        done = lab.call("run")
    assert done.returncode in (0, 3), done.stderr
    results = json.loads((lab.campaign / "derived" / "results.json").read_text())
    (meter,) = results["measurement"]["meters"]
    assert (meter["origin"], results["verdict"]["word"]) == ("emulated", "not-certifiable")
    assert meter["evidence"]["tls_pinned"] == ["certificate"]
    assert meter["evidence"]["tls_sha256"] == PLUG.sha256
    files = everything(lab.folder) | {"stdout": done.stdout.encode(), "stderr": done.stderr.encode()}
    logs = [content for name, content in files.items() if name.endswith("as said")]
    assert len(logs) == 2
    assert all(b"apower" in log and b"(withheld)" in log for log in logs)
    assert [name for name, content in files.items() for form in forms_of(SECRET) if form in content] == []
    assert [name for name, content in files.items() if b"cnonce=" in content or b'response="' in content] == []
