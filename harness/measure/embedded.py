"""The embedded lab: what lab.toml leaves to wattlab (`host = "embedded"`, `port = "embedded"`), as real processes.

Starts an OpenSSH sshd on loopback with throw-away keys and one emulator per embedded meter, and takes them down again.
Knows how to start them. Knows no campaign; whoever is given the wires cannot tell them from a real lab's, except by
the evidence that every descriptor carries.
"""

import ctypes
import fcntl
import json
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO

from harness.measure.lab_file import LabConfig, StationConfig
from harness.record.errors import LabError
from harness.station.access import access_of
from harness.station.loopback_sshd import LoopbackSshd
from harness.station.register import Register, load_register
from harness.station.station import APPLICATION, EMBEDDED, SutSection
from meters import registry
from meters.meter import Meter
from meters.options import did_you_mean

FOLDER = ".embedded"
"""In the runs folder: keys and ports of the embedded lab; below it a folder for each of several SUTs."""
EMULATOR_START_S = 20.0
EMULATOR_END_S = 3.0
PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""


@dataclass(frozen=True, slots=True)
class Wires:
    """Where everything is reached: the SUT, and each meter's port."""

    sut: SutSection
    ports: Mapping[str, str]
    openers: Mapping[str, Callable[[BinaryIO], Meter]]
    embedded: tuple[str, ...]
    """What is embedded, in words; empty in a real lab."""


@contextmanager
def open_wires(config: LabConfig) -> Iterator[Wires]:
    """The lab's wires; what is embedded runs until the context is left. The instrument register and a password are
    looked for when their meter is opened."""
    with ExitStack() as stack:
        folder = config.runs_folder / FOLDER / config.sut_name
        if EMBEDDED in (config.file.sut.host, *(section.port for section in config.file.meters.values())):
            stack.enter_context(_alone(folder))
        ports = {
            name: stack.enter_context(_emulator(section.driver, folder / f"meter-{name}"))
            if section.port == EMBEDDED
            else section.port
            for name, section in config.file.meters.items()
        }
        register = cache(partial(load_register, config.station))
        openers = {name: partial(_open_meter, config, register, name, port) for name, port in ports.items()}
        embedded = [f"meter {name}" for name, section in config.file.meters.items() if section.port == EMBEDDED]
        sut = config.sut
        if sut.host == EMBEDDED:
            sshd = stack.enter_context(LoopbackSshd(folder / "sshd"))
            sut = replace(
                sut,
                host=sshd.host,
                port=sshd.port,
                user=sshd.user,
                key_file=str(sshd.key_file),
                known_hosts=str(sshd.known_hosts),
                ssh_config="",
                python=str(APPLICATION / sut.interpreter),
                folder=str((folder / "sut").resolve()),
            )
            embedded.append("system under test (this machine, over sshd on loopback)")
        yield Wires(sut, ports, openers, tuple(embedded))


@contextmanager
def open_port(config: LabConfig | StationConfig, name: str) -> Iterator[str]:
    """The port of one of the lab's meters; an embedded one runs until the context is left.

    Raises:
        LabError: the lab has no such meter, or another wattlab uses its embedded one.
    """
    section = config.file.meters.get(name)
    if section is None:
        raise LabError(f"{config.path}: no meter {name!r} here; {did_you_mean(name, config.file.meters)}")
    if section.port != EMBEDDED:
        yield section.port
        return
    folder = config.runs_folder / FOLDER
    with _alone(folder), _emulator(section.driver, folder / f"meter-{name}") as port:
        yield port


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Make the embedded lab's folder and keep other processes out of it: its keys and ports are made anew each time.

    Raises:
        LabError: another wattlab uses it, or the disk refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("wb")
    except OSError as error:
        raise LabError(
            f"{folder}: the embedded lab's folder cannot be made ({error.strerror}); correct campaign.runs_folder, or "
            "free the disk"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(f"{folder}: another wattlab uses this embedded lab; wait for its end") from None
        yield


def _open_meter(
    config: LabConfig, register: Callable[[], Register | None], name: str, port: str, wire_log: BinaryIO
) -> Meter:
    section, access = config.file.meters[name], access_of(config.station, register(), name)
    return registry.open_meter(section.driver, port, capture=wire_log, options=section.options, access=access)


@contextmanager
def _emulator(driver: str, link: Path) -> Iterator[str]:
    """An emulator fed by this machine's real load; yields its port."""
    on_line = driver not in registry.DRIVERS or "serial" in registry.DRIVERS[driver].links
    with emulator([driver, *emulator_wire(link, on_line=on_line)]) as running:
        yield running.port


def emulator_wire(link: Path, *, on_line: bool) -> list[str]:
    """The arguments that put an emulator behind `link`, a line, or on a free TCP port of this machine."""
    if on_line:
        return ["--link", str(link)]
    return ["--listen", "127.0.0.1:0", "--control", str(link.with_name(link.name + ".control"))]


@dataclass(frozen=True, slots=True)
class RunningEmulator:
    """An emulator that is there: its port, its process."""

    port: str
    process: "subprocess.Popen[bytes]"

    def complaint(self) -> str:
        """What it said when it ended by itself; empty while it runs."""
        try:
            self.process.wait(EMULATOR_END_S)
        except subprocess.TimeoutExpired:
            return ""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode(errors="replace").strip()


@contextmanager
def emulator(words: Sequence[str]) -> Iterator[RunningEmulator]:
    """`wattlab meter emulate` with these words as its own process, until the context is left.

    Raises:
        LabError: it does not start, with its own words.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "meters.emulators", *words],  # lighter than the whole command line
        cwd=APPLICATION,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_die_with_parent,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(EMULATOR_START_S) else b""
        if not line:
            process.kill()
            said = process.stderr.read().decode(errors="replace").strip()
            raise LabError(f"the emulator of {words[0]} did not start: {said}")
        yield RunningEmulator(str(json.loads(line)["port"]), process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _die_with_parent() -> None:
    """In the child: end when wattlab is killed, so that no emulator is left behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
