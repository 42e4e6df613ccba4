"""The way to the SUT: lab.toml and the user's ssh configuration together, as a list of logins, the SUT's last.

OpenSSH itself reads its configuration (`ssh -G`, ssh(1)): Host, Match, Include and the system's file mean here what
they mean there. Where lab.toml says something it wins. Knows no connection and no key.

Left out by decision (docs/decisions/0027): StrictHostKeyChecking (host keys are always checked), passwords, forwarded
agents, ControlMaster.
"""

import getpass
import os
import pwd
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.record.errors import SutUnreachable, printable
from harness.station.station import SutSection

SSH_PORT = 22
MOST_JUMPS = 8
ASK_S = 20.0
"""`Match exec` of the configuration may run programs."""
USUAL_KEYS = tuple(f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ed25519"))
USUAL_HOSTS = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
JUMP = re.compile(r"(?:ssh://)?(?:([^@,]+)@)?(\[[^\]]+\]|[^:@,/\[\]]+)(?::([0-9]{1,5}))?/?")
"""user, host, port of a ProxyJump (ssh_config(5))."""
Settings = Mapping[str, Sequence[str]]
"""Keyword in small letters -> its values, as `ssh -G` writes them."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One login on the way; `host` as it is connected to."""

    named: str
    """As lab.toml or ProxyJump names the machine."""
    host: str
    port: int
    user: str
    key_files: tuple[Path, ...]
    others_of_agent: bool
    """Whether keys of the ssh-agent are tried that none of the files names."""
    known_hosts: tuple[Path, ...]
    host_key_name: str
    """Under which its key stands there."""
    proxy_command: str = ""
    """What carries the connection in place of TCP; empty: nothing."""

    @property
    def address(self) -> str:
        """user@host:port."""
        return f"{self.user}@{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Route:
    """Every login, the SUT's last."""

    hops: tuple[Hop, ...]

    @property
    def sut(self) -> Hop:
        """The last of them."""
        return self.hops[-1]

    def __str__(self) -> str:
        """What a run says of how its SUT was reached; a ProxyCommand may have secrets in it and is not repeated."""
        jumps = " and ".join(hop.address for hop in self.hops[:-1])
        carried = " by a ProxyCommand" if self.hops[0].proxy_command else ""
        return self.sut.address + (f" through {jumps}" if jumps else "") + carried


def route_of(config: SutSection) -> Route:
    """The way to a SUT.

    Raises:
        SutUnreachable: ssh does not understand its configuration, or its jumps go in a circle.
    """
    host, port = config.endpoint
    *jumps, last = _way(config, (config.user, host, port), None, ())
    if config.key_file is not None:
        last = replace(last, key_files=(Path(config.key_file).expanduser(),) if config.key_file else ())
        last = replace(last, others_of_agent=True)
    if config.known_hosts is not None:
        last = replace(last, known_hosts=(Path(config.known_hosts).expanduser(),))
    return Route((*jumps, last))


def _way(
    config: SutSection, target: tuple[str, str, int | None], jumps: str | None, passed: tuple[str, ...]
) -> list[Hop]:
    """The logins up to a target; `jumps` in place of its own ProxyJump."""
    user, named, port = target
    settings = _settings(config, user, named, port)
    hop = _hop(named, settings)
    through = _one(settings, "proxyjump") if jumps is None else jumps
    *before, nearest = [part.strip() for part in through.split(",")]
    if nearest in ("", "none"):
        return [replace(hop, proxy_command=_command(hop, settings))]
    if len(passed) >= MOST_JUMPS:
        raise SutUnreachable(
            f"{config.address}: ProxyJump of {config.ssh_config} leads from {' to '.join(passed[-3:])} and goes on; "
            f"at most {MOST_JUMPS} jumps are made"
        )
    return [*_way(config, _jump(config, nearest), ",".join(before) or None, (*passed, nearest)), hop]


def _jump(config: SutSection, text: str) -> tuple[str, str, int | None]:
    found = JUMP.fullmatch(text)
    if found is None:
        raise SutUnreachable(
            f"{config.address}: {config.ssh_config} has ProxyJump {printable(text)!r:.80}, expected user@host:port"
        )
    user, host, port = found.groups()
    return user or "", host.strip("[]"), int(port) if port else None


def _hop(named: str, settings: Settings) -> Hop:
    host, user = _one(settings, "hostname") or named, _one(settings, "user")
    port = int(_one(settings, "port") or SSH_PORT)
    tokens = _tokens(named, host, port, user)
    alias = _one(settings, "hostkeyalias")
    return Hop(
        named=named,
        host=host,
        port=port,
        user=user,
        key_files=tuple(_path(text, tokens) for text in settings.get("identityfile", ()) if text != "none"),
        others_of_agent=_one(settings, "identitiesonly") != "yes",
        known_hosts=tuple(
            _path(text, tokens)
            for key in ("userknownhostsfile", "globalknownhostsfile")
            for text in _paths(_one(settings, key))
            if text != "none"
        ),
        host_key_name=alias or (host if port == SSH_PORT else f"[{host}]:{port}"),
    )


def _command(hop: Hop, settings: Settings) -> str:
    command = _one(settings, "proxycommand")
    return "" if command in ("", "none") else _filled(command, _tokens(hop.named, hop.host, hop.port, hop.user))


def _tokens(named: str, host: str, port: int, user: str) -> dict[str, str]:
    """ssh_config(5), TOKENS."""
    name = socket.gethostname()
    own = {"d": str(Path.home()), "i": str(os.getuid()), "l": name, "L": name.partition(".")[0], "u": getpass.getuser()}
    return own | {"%": "%", "h": host, "n": named, "p": str(port), "r": user}


def _filled(text: str, tokens: Mapping[str, str]) -> str:
    return re.sub(r"%(.)", lambda found: tokens.get(found[1], found[0]), text)


def _path(text: str, tokens: Mapping[str, str]) -> Path:
    return Path(os.path.expandvars(_filled(text.strip('"'), tokens))).expanduser()


def _paths(text: str) -> list[str]:
    """The files of a list; `ssh -G` writes one with a blank in its name without quotes."""
    return [text] if text and Path(text).expanduser().is_file() else text.split()


def _one(settings: Settings, key: str) -> str:
    return next(iter(settings.get(key, ())), "")


def _settings(config: SutSection, user: str, host: str, port: int | None) -> Settings:
    """What holds for a login: what lab.toml or a jump says of user and port, then the configuration, then ssh's own."""
    plain = {
        "hostname": [host], "user": [user or getpass.getuser()], "port": [str(port or SSH_PORT)],
        "identityfile": list(USUAL_KEYS), "userknownhostsfile": [USUAL_HOSTS],
    }  # fmt: skip
    file = Path(config.ssh_config).expanduser()
    if not config.ssh_config:
        return plain
    if (ssh := shutil.which("ssh")) is None:
        if not file.exists():
            return plain
        raise SutUnreachable(
            f"{config.address}: {file} says how machines are reached, and ssh, which reads it, is not on this host; "
            f'apt-get install openssh-client, or set {config.table}.ssh_config to ""'
        )
    words = [ssh, "-G", *_from(config, file), *(["-l", user] if user else []), *(["-p", str(port)] if port else [])]
    try:
        asked = subprocess.run(
            [*words, "--", host], capture_output=True, text=True, errors="replace", timeout=ASK_S, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SutUnreachable(
            f"{config.address}: ssh did not read {file} within {ASK_S:g} s; has it a Match exec?"
        ) from None
    if asked.returncode != 0:
        said = printable(" ".join(asked.stderr.split()) or f"exit code {asked.returncode}")
        raise SutUnreachable(
            f"{config.address}: ssh does not take {host!r} or its configuration ({said:.300}); correct it"
        )
    settings: dict[str, list[str]] = {}
    for line in asked.stdout.splitlines():
        key, _, value = line.partition(" ")
        settings.setdefault(key, []).append(USUAL_HOSTS if value == _own_default(USUAL_HOSTS) else value)
    return settings


def _own_default(text: str) -> str:
    """As `ssh -G` writes a default of its own: below the home folder of the user database. wattlab means HOME."""
    return text.replace("~", pwd.getpwuid(os.getuid()).pw_dir)


def _from(config: SutSection, file: Path) -> list[str]:
    """The options that name the configuration. ssh looks into the home folder of the user database, wattlab, as
    everywhere, into that of HOME."""
    if file == Path(pwd.getpwuid(os.getuid()).pw_dir) / ".ssh" / "config":
        return []
    if file.exists():
        return ["-F", str(file)]
    if config.ssh_config == type(config).__dataclass_fields__["ssh_config"].default:
        return ["-F", "none"]
    raise SutUnreachable(f"{config.address}: {config.table}.ssh_config {file} does not exist; correct it")
