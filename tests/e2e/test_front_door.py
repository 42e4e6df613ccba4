"""The README's way to a lab of one's own, played in its order: nothing is there but the checkout, a meter at a port of
the host and a machine that answers to SSH. The machine is this one with an empty home; its Python packages come from
the package index, as a user's do."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from getpass import getuser
from pathlib import Path

import pytest

from harness import cli
from harness.measure.embedded import emulator
from harness.station.loopback_sshd import LoopbackSshd
from harness.station.station import APPLICATION

README = APPLICATION / "README.md"
OWN_HOME = ["unshare", "--mount", "sh", "-c", f'mount --bind "$0" ~{getuser()} && exec "$@"']
"""Put before sshd: whoever logs in finds an empty home."""
SETTINGS = re.compile(r"PIP_.*|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|https?_proxy|no_proxy", re.IGNORECASE)
SMALL = {
    "duration_s = 30.0": "duration_s = 2.0", "load_s = 30.0": "load_s = 2.0", "repetitions = 3": "repetitions = 1",
    "blocks = 3": "blocks = 2", "stabilization_s = 10.0": "stabilization_s = 0.5",
    "supplementary_s = 5.0": "supplementary_s = 1.5",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _keep_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[LoopbackSshd]:
    """The SUT: its package index is reached with this machine's settings."""
    home = tmp_path / "home of the SUT"
    home.mkdir()
    words = " ".join(f'"{name}={value}"' for name, value in os.environ.items() if SETTINGS.fullmatch(name))
    settings = [f"SetEnv {words}"] if words else []
    with LoopbackSshd(tmp_path / "sshd", prefix=[*OWN_HOME, str(home)], settings=settings) as sshd:
        yield sshd


@pytest.fixture
def meter(tmp_path: Path) -> Iterator[str]:
    with emulator(["wattsup", "--link", str(tmp_path / "meter")]) as running:
        yield running.port


class Operator:
    """Sits in an empty folder, gives one command after the other and fills in lab.toml in between."""

    def __init__(self, folder: Path, said: pytest.CaptureFixture[str]) -> None:
        self.folder, self._said = folder, said
        self.given: list[str] = []

    def gives(self, *words: str, code: int = 0) -> str:
        self.given.append(" ".join(words[:2] if words[0] in ("meter", "sut") else words[:1]))
        found = cli.main(list(words))
        out, err = self._said.readouterr()
        assert found == code, out + err
        return " ".join((out + err).split())

    def fills_in(self, **values: str | int) -> None:
        """The first line of lab.toml with each of these keys."""
        text = (self.folder / "lab.toml").read_text()
        for key, value in values.items():
            written = f'"{value}"' if isinstance(value, str) else str(value)
            text, count = re.subn(rf"^(# )?{key} = \S+", f"{key} = {written}", text, count=1, flags=re.MULTILINE)
            assert count == 1, key
        (self.folder / "lab.toml").write_text(text)


@pytest.mark.timeout(900)  # it waits for three runs and a package index
def test_the_readmes_way_leads_to_a_signed_campaign_in_its_order(
    tmp_path: Path,
    machine: LoopbackSshd,
    meter: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "my-lab"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    operator = Operator(folder, capsys)
    assert "(1) the meter and (2) the machine" in operator.gives("init", "my-lab")
    monkeypatch.chdir(folder)
    assert (folder / "lab").resolve() == APPLICATION / "lab"
    assert ".venv-sut" not in (folder / "lab.toml").read_text()

    assert "Watts up? PRO" in operator.gives("meter", "list", "--probe", "--port", meter)
    operator.fills_in(driver="wattsup", port=meter)
    assert "n 2 mean" in operator.gives("meter", "read", "wall", "--count", "2")
    assert "keep the load constant" in operator.gives("meter", "check", "wall", "--seconds", "12")

    assert "sut.host is empty" in operator.gives("sut", "prepare", code=1)
    known = tmp_path / "home" / ".ssh" / "known_hosts"  # nobody made an SSH connection here yet
    operator.fills_in(host=machine.host, key_file=str(machine.key_file), known_hosts=str(known))
    lab = (folder / "lab.toml").read_text()
    (folder / "lab.toml").write_text(lab.replace("# port = 22", f"port = {machine.port}"))
    refused = operator.gives("sut", "prepare", code=1)
    remedy = re.search(r"then add it: `(.+?)`", refused)
    assert remedy is not None
    subprocess.run(remedy[1], shell=True, check=True, capture_output=True)
    prepared = operator.gives("sut", "prepare")
    assert "installing psutil into" in prepared
    assert "flowers" not in prepared
    home = tmp_path / "home of the SUT"
    assert sorted(path.name for path in (home / "wattlab-sut").iterdir()) == ["requirements.lock", "venv"]

    for written, small in SMALL.items():
        text = (folder / "lab.toml").read_text()
        assert written in text
        (folder / "lab.toml").write_text(text.replace(written, small, 1))
    with (folder / "lab.toml").open("a") as file:
        file.write("\n[thresholds]\nforeign_load_invalid_percent = 1000.0  # other tests run beside\n")
    checked = operator.gives("check")
    assert "Nothing stands in the way" in checked
    assert "REFUSED" not in checked
    assert "3 runs into" in operator.gives("plan")
    assert "Measured: " in operator.gives("run")
    assert "report.html" in operator.gives("report", "runs/first")
    operator.gives("verify", "runs/first")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], check=True)
    assert "signed 3 runs" in operator.gives("sign", "runs/first", "--key", "key")
    operator.gives("verify", "runs/first", "--public-key", "key.pub")

    played = list(dict.fromkeys(operator.given))
    assert played == [command for command in commands_of_the_readme() if command in played]


def commands_of_the_readme() -> list[str]:
    """The commands of the section that leads to a lab of one's own, each where it stands first."""
    section = README.read_text().split("\n## A lab of your own\n")[1].split("\n## ")[0]
    return list(dict.fromkeys(re.findall(r"\./lab ((?:meter |sut )?[a-z]+)", section)))
