"""The way to the SUT over real sshds: ssh's configuration, jumps, keys, IPv6; every host key on it is checked."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from harness.record.errors import HostKeyError, SutRefused, SutUnreachable
from harness.station.loopback_sshd import LoopbackSshd
from harness.station.station import SutSection
from harness.sut.machine import Sut
from harness.sut.route import route_of
from tests.sut.conftest import Recorded, config_of, rated, start, until

FORWARDING = ["AllowTcpForwarding yes"]


@dataclass
class Way:
    """Two sshds, and an ssh configuration by which `box` is the second, reached through the first."""

    folder: Path
    jump: LoopbackSshd
    target: LoopbackSshd

    @property
    def config(self) -> SutSection:
        """A lab.toml that says where, and leaves how to ssh's configuration."""
        return SutSection(
            host="box", python=sys.executable, folder=str(self.folder / "sut"), ssh_config=str(self.folder / "config")
        )

    def write(self, *, box: str = "", over: str = "through", jump: str = "") -> SutSection:
        """The configuration, with further lines in front of a Host's own; returns `config`."""
        hosts = {"box": (self.target, f"{box}\nProxyJump {over}"), "through": (self.jump, jump)}
        (self.folder / "part").write_text("\n".join(_host(name, *of) for name, of in hosts.items()))
        (self.folder / "config").write_text(f"Include {self.folder / 'part'}\nHost *\nStrictHostKeyChecking no\n")
        return self.config

    @property
    def reached(self) -> str:
        """What a run says."""
        return f"{self.target.user}@127.0.0.1:{self.target.port} through {self.jump.user}@127.0.0.1:{self.jump.port}"


def _host(name: str, sshd: LoopbackSshd, further: str) -> str:
    return (
        f"Host {name}\n{further}\nHostName 127.0.0.1\nPort {sshd.port}\nIdentityFile {sshd.key_file}\n"
        f"UserKnownHostsFile {sshd.known_hosts}\nGlobalKnownHostsFile none\n"
    )


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    with (
        LoopbackSshd(tmp_path / "jump", settings=FORWARDING) as jump,
        LoopbackSshd(tmp_path / "target") as target,
    ):
        yield Way(tmp_path, jump, target)


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An ssh-agent of this test's own, empty; its socket."""
    sock = tmp_path / "agent"
    started = subprocess.run(["ssh-agent", "-s", "-a", str(sock)], capture_output=True, text=True, check=True)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
    try:
        yield sock
    finally:
        os.kill(int(re.findall(r"SSH_AGENT_PID=(\d+)", started.stdout)[0]), signal.SIGTERM)


# --- jumps ---


def test_a_run_is_measured_through_a_jump_and_says_so(way: Way) -> None:
    recorded = Recorded()
    with Sut.connect(way.write()) as sut:
        facts = sut.facts()
        work = sut.stage("abcdef01", {"in.txt": b"hello"})
        session = start(sut, "abcdef01", recorded)
        session.rate(["cat", "in.txt"], {}, work, None)
        assert rated(session).exit_code == 0
        session.finish()
        assert sut.fetch(work, ["stdout.txt"]).files == {"stdout.txt": b"hello"}
        sut.unstage(work)
    key = (way.target.folder / "host_key.pub").read_text().split()[0]
    assert facts["reached"] == way.reached
    assert facts["host_key"].startswith(f"{key} SHA256:")
    assert "Accepted publickey" in (way.jump.folder / "sshd.log").read_text()
    assert str(way.target.key_file) not in str(facts)


def test_several_jumps_are_made_in_their_order(way: Way) -> None:
    with Sut.connect(way.write(over=f"through,{way.jump.user}@through:{way.jump.port}")) as sut:
        jump = f"{way.jump.user}@127.0.0.1:{way.jump.port}"
        assert sut.facts()["reached"] == f"{way.reached} and {jump}"
    accepted = (way.jump.folder / "sshd.log").read_text().count("Accepted publickey")
    assert accepted == 2


def test_a_session_survives_that_the_jump_lost_its_connections(way: Way) -> None:
    recorded = Recorded()
    with Sut.connect(way.write()) as sut:
        work = sut.stage("abcdef01", {})
        session = start(sut, "abcdef01", recorded)
        pid = psutil.Process(way.jump._process.pid if way.jump._process else 0)
        for child in pid.children(recursive=True):
            child.kill()
        until(lambda: recorded.notes("link-restored"), 10.0, "the link")
        assert session.exchange().t_sut_ns > 0
        session.finish()
        sut.unstage(work)


def test_what_lab_toml_says_wins_over_sshs_configuration(way: Way) -> None:
    own = config_of(way.target, way.folder)
    (way.folder / "config").write_text(
        "Host *\nPort 1\nUser nobody\nIdentityFile /no/key\nUserKnownHostsFile /no/file\n"
    )
    with Sut.connect(replace(own, ssh_config=str(way.folder / "config"))) as sut:
        assert sut.facts()["reached"] == f"{own.user}@127.0.0.1:{own.port}"
    said = route_of(replace(way.write(), user="me", port=77, key_file="~/k", known_hosts="~/h")).sut
    assert (said.user, said.port, said.host) == ("me", 77, "127.0.0.1")
    assert (said.key_files, said.known_hosts) == ((Path("~/k").expanduser(),), (Path("~/h").expanduser(),))


def test_the_host_key_of_each_machine_on_the_way_is_checked(way: Way) -> None:
    """StrictHostKeyChecking no, which stands in the configuration, changes nothing of that."""
    config = way.write()
    known = way.jump.known_hosts.read_text()
    way.jump.known_hosts.write_text("")
    with pytest.raises(
        HostKeyError, match=rf"box: the jump \w+@127.0.0.1:{way.jump.port}: the host key of .*ssh-keyscan"
    ):
        Sut.connect(config)
    stranger = way.target.known_hosts.read_text().split(" ", 1)[1]
    way.jump.known_hosts.write_text(f"[127.0.0.1]:{way.jump.port} {stranger}")
    with pytest.raises(HostKeyError, match=r"the jump .* the host key changed"):
        Sut.connect(config)
    way.jump.known_hosts.write_text(known)
    way.target.known_hosts.write_text("")
    with pytest.raises(HostKeyError, match=r"box: the host key of .*Checking=ask box true` asks") as caught:
        Sut.connect(config)
    assert "SHA256:" in str(caught.value)


def test_a_host_key_stands_under_its_alias(way: Way) -> None:
    key = way.target.known_hosts.read_text().split(" ", 1)[1]
    way.target.known_hosts.write_text(f"the-box {key}")
    with Sut.connect(way.write(box="HostKeyAlias the-box")) as sut:
        assert sut.facts()["reached"] == way.reached
    with pytest.raises(HostKeyError, match="the host key of other-box is not in"):
        Sut.connect(way.write(box="HostKeyAlias other-box"))


def test_a_jump_that_does_not_let_through_says_where_it_ended(way: Way) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(SutUnreachable, match=r"does not get to 127\.0\.0\.1:.* as seen from there"):
            Sut.connect(replace(way.write(), port=closed.getsockname()[1]))
    with pytest.raises(SutUnreachable, match=r"the jump \S+@no-such-host.invalid:\d+: the name .* correct ProxyJump"):
        Sut.connect(way.write(over="no-such-host.invalid"))
    (way.jump.folder / "authorized_keys").write_text("")
    with pytest.raises(SutUnreachable, match=r"box: the jump \S+: the login of \S+ was refused; tried was .*user_key"):
        Sut.connect(way.write())
    is_closed = r"was reached and does not forward connections \(AllowTcpForwarding"
    closed_settings = ["AllowTcpForwarding no"]
    with (
        LoopbackSshd(way.folder / "closed", settings=closed_settings) as closing,
        pytest.raises(SutUnreachable, match=is_closed),
    ):
        Sut.connect(Way(way.folder, closing, way.target).write())


def test_a_proxy_command_carries_the_connection_and_ends_with_it(way: Way) -> None:
    (way.folder / "config").write_text(_host("box", way.target, "ProxyCommand socat - TCP:%h:%p"))
    command = f"TCP:127.0.0.1:{way.target.port}"

    def carriers() -> list[psutil.Process]:
        return [one for one in psutil.Process().children() if command in " ".join(one.cmdline())]

    with Sut.connect(way.config) as sut:
        assert sut.facts()["reached"] == f"{way.target.user}@127.0.0.1:{way.target.port} by a ProxyCommand"
        assert len(carriers()) == 1
    assert not carriers()
    (way.folder / "config").write_text(_host("box", way.target, "ProxyCommand false"))
    with pytest.raises(SutUnreachable, match="box: no connection by its ProxyCommand"):
        Sut.connect(way.config)


# --- what ssh's configuration says ---


def test_what_cannot_be_understood_of_the_configuration_is_said(tmp_path: Path) -> None:
    file = tmp_path / "config"
    section = SutSection(host="box", ssh_config=str(file))
    with pytest.raises(SutUnreachable, match=r"box: sut\.ssh_config .*/config does not exist"):
        route_of(section)
    file.write_text("NoSuchOption 1\n")
    with pytest.raises(SutUnreachable, match=r"ssh does not take 'box' or its configuration \(.*line 1: Bad config"):
        route_of(section)
    file.write_text("Host a\nProxyJump b\nHost b\nProxyJump a\nHost box\nProxyJump a\n")
    with pytest.raises(SutUnreachable, match="at most 8 jumps are made"):
        route_of(section)
    with pytest.raises(SutUnreachable, match="ssh does not take"):
        route_of(replace(section, host="a b"))


def test_a_jump_for_every_host_leaves_the_jump_itself_out(tmp_path: Path) -> None:
    section = SutSection(host="box", user="you", ssh_config=str(tmp_path / "config"))
    (tmp_path / "config").write_text("Host * !gate\nProxyJump me@gate:2200\n")
    assert str(route_of(section)) == "you@box:22 through me@gate:2200"
    (tmp_path / "config").write_text("Host *\nProxyJump me@gate:2200\n")
    with pytest.raises(SutUnreachable, match=r"does not take 'gate' or its configuration \(.*loop via gate"):
        route_of(section)


def test_tokens_and_paths_are_those_of_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text(
        "Host box\nHostName %h.lab\nUser me\nIdentityFile %d/keys/%n-%r\nIdentitiesOnly yes\nProxyCommand go %h %p %%\n"
        'UserKnownHostsFile ~/hosts "${FOLDER}/hosts"\n'
    )
    monkeypatch.setenv("FOLDER", "/elsewhere")
    hop = route_of(SutSection(host="box", ssh_config=str(tmp_path / "config"))).sut
    assert (hop.host, hop.user, hop.port) == ("box.lab", "me", 22)
    assert hop.key_files == (Path.home() / "keys/box-me",)
    assert hop.proxy_command == "go box.lab 22 %"
    assert not hop.others_of_agent
    assert hop.known_hosts[:2] == (Path.home() / "hosts", Path("/elsewhere/hosts"))


def test_the_usual_files_lie_in_the_home_folder_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for section in (SutSection(host="box"), SutSection(host="box", ssh_config="")):
        hop = route_of(section).sut
        assert hop.known_hosts[:2] == (tmp_path / ".ssh/known_hosts", tmp_path / ".ssh/known_hosts2")
        assert tmp_path / ".ssh/id_ed25519" in hop.key_files
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text("Host box\nUser somebody\n")
    assert route_of(SutSection(host="box")).sut.user == "somebody"


def test_without_ssh_its_configuration_is_missed_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert str(route_of(SutSection(host="box", user="me"))) == "me@box:22"
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text("")
    with pytest.raises(SutUnreachable, match=r"apt-get install openssh-client, or set sut\.ssh_config to \"\""):
        route_of(SutSection(host="box"))
    assert str(route_of(SutSection(host="box", user="me", ssh_config=""))) == "me@box:22"


# --- IPv6 ---


@pytest.mark.parametrize("form", ["::1", "[::1]", "[::1]:{port}"])
def test_an_ipv6_address_is_a_host_with_brackets_and_without(form: str, tmp_path: Path) -> None:
    with LoopbackSshd(tmp_path / "sshd", "::1") as sshd:
        port = None if "{" in form else sshd.port
        section = replace(config_of(sshd, tmp_path), host=form.format(port=sshd.port), port=port)
        with Sut.connect(section) as sut:
            assert sut.facts()["reached"] == f"{sshd.user}@[::1]:{sshd.port}"
        sshd.known_hosts.write_text("")
        with pytest.raises(HostKeyError, match=rf"ssh-keyscan -p {sshd.port} ::1"):
            Sut.connect(section)


# --- keys ---


def test_keys_of_the_ssh_agent_log_in_at_every_machine_on_the_way(way: Way, agent: Path) -> None:
    config = way.write()
    for sshd in (way.jump, way.target):
        subprocess.run(["ssh-add", "-q", str(sshd.key_file)], check=True)
        sshd.key_file.unlink()  # its .pub stays: the agent has the key
    (way.folder / "part").write_text(
        (way.folder / "part").read_text().replace("HostName", "IdentitiesOnly yes\nHostName")
    )
    with Sut.connect(config) as sut:
        assert sut.facts()["reached"] == way.reached
    subprocess.run(["ssh-add", "-q", "-d", f"{way.target.key_file}.pub"], check=True)
    with pytest.raises(SutUnreachable, match="box: there is no key to log in with"):
        Sut.connect(config)


def test_a_key_that_the_ssh_agent_does_not_sign_with_is_named(way: Way, agent: Path) -> None:
    section = replace(config_of(way.target, way.folder), key_file="")
    subprocess.run(["ssh-add", "-q", "-c", str(way.target.key_file)], check=True)  # nobody is there to confirm
    with pytest.raises(SutUnreachable, match=r"did not sign with the ssh-agent's .*SHA256:.*; look at `ssh-add -l`"):
        Sut.connect(section)
    subprocess.run(["ssh-add", "-q", "-D"], check=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", way.folder / "stranger"], check=True)
    subprocess.run(["ssh-add", "-q", str(way.folder / "stranger")], check=True)
    with pytest.raises(SutUnreachable, match=r"was refused; tried was the ssh-agent's .*SHA256:.*authorized_keys"):
        Sut.connect(section)


# --- what a SUT can be ---


@pytest.mark.parametrize(
    ("uname", "said"),
    [
        ("echo Darwin", "that machine runs macOS; a SUT has to run Linux"),
        ("echo FreeBSD", "that machine runs FreeBSD; a SUT has to run Linux"),
        (
            "echo 'no such command' >&2; exit 1",
            r"that machine has no uname \(no such command\); a SUT has to run Linux",
        ),
    ],
)
def test_a_machine_that_is_no_linux_is_refused_in_words(uname: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/uname").write_text(f"#!/bin/sh\n{uname}\n")
    (tmp_path / "bin/uname").chmod(0o755)
    settings = [f"SetEnv PATH={tmp_path}/bin:/usr/bin:/bin"]
    with LoopbackSshd(tmp_path / "sshd", settings=settings) as sshd, Sut.connect(config_of(sshd, tmp_path)) as sut:
        for step in (sut.facts, lambda: sut.require_python(sys.executable), lambda: sut.stage("aaaaaaaa", {})):
            with pytest.raises(SutRefused, match=said):
                step()
