"""`wattlab view [CAMPAIGN]`: what a campaign measures now, in a browser; and the same beside `wattlab run`."""

import argparse
import contextlib
import ipaddress
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from harness.cli.screen import say
from harness.cli.types import add_lab_argument
from harness.record.errors import LabError

LOOPBACK = "127.0.0.1"
START_S, END_S = 20.0, 6.0


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    verb.description = (
        "Show in a browser what a campaign measures now: power, phases, actions with their energy, findings, what is "
        "left to do. It only reads the campaign's files; `wattlab run --view` starts it beside a measurement."
    )
    verb.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="CAMPAIGN",
        help="campaign folder, such as runs/core-study (default: that of lab.toml)",
    )
    add_lab_argument(verb)
    add_address_arguments(verb)
    verb.add_argument("--beside", action="store_true", help=argparse.SUPPRESS)  # `run --view`: ends with its input
    verb.set_defaults(call=call, interrupted="the measurement is not affected")


def add_address_arguments(verb: argparse.ArgumentParser) -> None:
    """Where the page is to be reached."""
    verb.add_argument(
        "--host",
        type=_address,
        default=LOOPBACK,
        metavar="ADDRESS",
        help="address of this machine to listen on, 0.0.0.0 for all (default: 127.0.0.1, which only this machine "
        "reaches). Elsewhere the page's address has a secret in it, and nothing is encrypted",
    )
    verb.add_argument("--port", type=_port, default=0, help="TCP port (default: a free one)")


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(LOOPBACK if text == "localhost" else text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected an IP address of this machine") from None


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) < 65536:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a port, 1 to 65535, or 0 for a free one")
    return int(text)


def call(arguments: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, or until the input ends (`--beside`).

    Raises:
        LabError: it cannot listen there, or the folder is something else than a campaign.
    """
    from harness.live.assessment import prepare
    from harness.live.server import LiveServer, answering, yield_to_others
    from harness.live.watch import Watcher

    folder = _folder_of(arguments)
    server = LiveServer(Watcher(folder), arguments.host, arguments.port)
    prepare()
    yield_to_others()
    if arguments.beside:
        with answering(server):
            print(json.dumps({"url": server.guard.url}), flush=True)
            sys.stdin.buffer.read()  # until whoever started it closes it, or is gone
            return 0
    with contextlib.suppress(KeyboardInterrupt), answering(server):  # as soon as it says that Ctrl-C ends it, it does
        say(Console(), f"Live view of {folder}: {server.guard.url}")
        say(Console(), hint(server.guard.token))
        threading.Event().wait()
    print("The live view has ended; a measurement is not affected.")
    return 0


def hint(token: str) -> str:
    """How it is ended, and who can see it."""
    if token:
        return (
            "Whoever has this address can read the campaign, and nothing is encrypted: a network that you trust. "
            "Ctrl-C ends it."
        )
    return "Only this machine reaches it, and it can only be read. Ctrl-C ends it."


def _folder_of(arguments: argparse.Namespace) -> Path:
    """The campaign's folder, which need not be there yet.

    Raises:
        LabError: a file stands there, or a folder of something else.
    """
    if arguments.folder is None:
        from harness.measure.lab_file import load

        return load(arguments.lab, arguments.campaign, arguments.sut).campaign_folder
    folder: Path = arguments.folder
    if arguments.beside:
        return folder
    from harness.record.campaign_folder import CAMPAIGN, CampaignFolder

    if folder.exists() and not (folder / CAMPAIGN).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        CampaignFolder(folder)
    if not folder.exists() and not folder.parent.is_dir():
        raise LabError(f"{folder}: neither it nor the folder that it would lie in is there; correct the path")
    return folder


@contextmanager
def beside(folder: Path, words: Sequence[str]) -> Iterator[None]:
    """The live view of a campaign as its own process until the context is left. What becomes of it does not matter to
    the measurement: one that does not start is said, one that was killed is not missed."""
    command = [sys.executable, "-m", "harness.cli", "view", str(folder.absolute()), "--beside", *words]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        url = _url_of(process)
        if url is None:
            say(Console(), "The live view did not start; the measurement goes on. `wattlab view` says why.", "yellow")
        else:
            say(Console(), f"Live view: {url} (it ends with the measurement; close the page whenever you like)")
        yield
    finally:
        _end(process)


def _url_of(process: "subprocess.Popen[bytes]") -> str | None:
    """The address that it prints; None where it prints none in time."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline() if selector.select(START_S) else b""
    try:
        return str(json.loads(line)["url"])
    except (ValueError, KeyError, TypeError):
        return None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Close its input, which ends it; one that does not end is killed."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
