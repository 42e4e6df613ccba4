"""A network namespace that stands for the SUT's machine: own address, own cable. Needs root, iproute2 and nftables;
where one of them is missing, the test fails."""

import itertools
import os
import subprocess
from types import TracebackType
from typing import Self

_numbers = itertools.count(1)


def run(*command: str) -> None:
    """Run a command; its words are the error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


class SutHost:
    """The SUT's machine; `address` is its own, `host` that of this machine for it, `prefix` starts a program on it."""

    def __init__(self) -> None:
        number = next(_numbers)
        self.name = f"wl{os.getpid()}n{number}"
        self._cable = f"wl{os.getpid() % 100000}h{number}"
        # RFC 2544 keeps 198.18.0.0/15 for tests of this kind.
        self._net = f"198.18.{os.getpid() % 250}.{4 * (number % 60)}"
        self.address, self.host = self._at(2), self._at(1)
        self.prefix = ["ip", "netns", "exec", self.name]

    def _at(self, host: int) -> str:
        front, last = self._net.rsplit(".", 1)
        return f"{front}.{int(last) + host}"

    def __enter__(self) -> Self:
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "addr", "add", f"{self._at(1)}/30", "dev", self._cable)
        run("ip", "link", "set", self._cable, "up")
        for command in (("addr", "add", f"{self.address}/30", "dev", "eth0"), ("link", "set", "eth0", "up")):
            run("ip", "-n", self.name, *command)
        run("ip", "-n", self.name, "link", "set", "lo", "up")
        run(*self.prefix, "nft", "add table inet cut")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        run("ip", "netns", "del", self.name)

    def pull_plug(self) -> None:
        """The cable is out: the host sees it."""
        run("ip", "link", "set", self._cable, "down")

    def put_plug(self) -> None:
        run("ip", "link", "set", self._cable, "up")

    def partition(self) -> None:
        """Packets vanish in silence, both ways."""
        for hook in ("input", "output"):
            run(
                *self.prefix,
                "nft",
                f"add chain inet cut {hook} {{ type filter hook {hook} priority 0 ; policy drop ; }}",
            )

    def heal(self) -> None:
        run(*self.prefix, "nft", "delete table inet cut")
        run(*self.prefix, "nft", "add table inet cut")
