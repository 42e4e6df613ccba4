"""An SNMP agent nobody here wrote (net-snmp's snmpd) on loopback, with the objects and users that a test gives it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.meters.conftest import wait_until

RARITAN, EATON = "1.3.6.1.4.1.13742.6", "1.3.6.1.4.1.534.6.6.7"
WALK: Mapping[str, tuple[str, str]] = {
    "1.3.6.1.2.1.1.1.0": ("octet_str", '"PX2 030004"'),
    f"{RARITAN}.3.2.1.1.3.1": ("octet_str", '"PX2-5190R"'),
    f"{RARITAN}.3.5.4.1.7.1.3.1": ("uinteger", "3"),
    f"{RARITAN}.3.5.4.1.7.1.3.5": ("uinteger", "0"),
    f"{RARITAN}.5.4.3.1.4.1.3.1": ("uinteger", "311"),
    f"{RARITAN}.5.4.3.1.4.1.3.5": ("uinteger", "68"),
    f"{EATON}.1.2.1.2.0": ("octet_str", '"ePDU MA 1P"'),
    f"{EATON}.6.5.1.3.0.1": ("integer", "177"),
    f"{EATON}.6.5.1.6.0.1": ("integer", "-892"),
    f"{EATON}.6.5.1.4.0.1": ("integer", "-1"),
}
"""The third outlet of a PX2 and the first of an ePDU, as published walks have them."""


def free_port() -> int:
    """A UDP port that nobody listens at."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def client(program: str, number: int, *words: str) -> subprocess.CompletedProcess[str]:
    """What a client of net-snmp says of an agent at a port; the last words are objects."""
    command = [program, "-On", "-t", "1", "-r", "3", *words[:-1], f"127.0.0.1:{number}", words[-1]]
    environment = {"MIBS": "", "PATH": os.environ["PATH"]}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@contextmanager
def agent(folder: Path, users: Sequence[str], asked: Sequence[str], number: int = 0) -> Iterator[int]:
    """Run snmpd with the objects of WALK; its port. `users` are lines of its configuration, `asked` words for snmpget
    that get an answer. What snmpd remembers of former lives stands in `folder`."""
    number = number or free_port()
    lines = [f"agentaddress udp:127.0.0.1:{number}", *users]
    lines += [f"override {oid} {kind} {value}" for oid, (kind, value) in WALK.items()]
    (folder / "snmpd.conf").write_text("\n".join(lines) + "\n", encoding="ascii")
    (folder / "kept").mkdir(exist_ok=True)
    command = ["snmpd", "-f", "-Lf", str(folder / "log"), "-C", "-c", str(folder / "snmpd.conf")]
    command.append(f"--persistentDir={folder / 'kept'}")
    process = subprocess.Popen(command, env={"MIBS": "", "PATH": os.environ["PATH"]})
    try:
        wait_until(
            lambda: client("snmpget", number, *asked, "1.3.6.1.2.1.1.1.0").returncode == 0,
            "snmpd answers",
        )
        yield number
    finally:
        process.terminate()
        process.wait()
