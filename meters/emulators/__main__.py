"""Starts an emulated meter as a process of its own: `python -m meters.emulators wattsup --link PATH`.

Knows: arguments and signals. Does not know: protocols.
Prints one line of JSON when the port is there, `{"meter", "port", "control", "device", "pid"}`; ends cleanly on
SIGTERM and SIGINT with exit code 0, on a wrong argument with one sentence and exit code 1.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from meters.emulators.bench import Bench, ControlPipe, Device
from meters.emulators.faults import FRAME_FAULTS, LATE, LINE_FAULTS, Faults, parse_fault
from meters.emulators.pty_wire import PtyWire
from meters.emulators.virtual_sut import PowerSource, parse_profile
from meters.emulators.wattsup import WattsUpDevice


def _wattsup(arguments: argparse.Namespace, source: PowerSource) -> Device:
    reserved = ("0", "-", "1") if arguments.reserved is None else (arguments.reserved,)
    return WattsUpDevice(
        source,
        seed=arguments.seed,
        fields=arguments.fields,
        interval_s=arguments.interval,
        reserved=reserved,
    )


EMULATORS: dict[str, Callable[[argparse.Namespace, PowerSource], Device]] = {"wattsup": _wattsup}
BAUD = {"wattsup": 115200}


def main(argv: Sequence[str]) -> int:
    """Run the emulator that `argv` names until a signal ends it; returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        with ExitStack() as stack:
            bench = _set_up(arguments, stack)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda _number, _frame: bench.stop())
            print(json.dumps(_ready(arguments)), flush=True)
            bench.run()
    except (OSError, ValueError) as error:
        print(f"wattlab meter emulate: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wattlab meter emulate",
        description="Emulate a power meter on a pty until SIGTERM or Ctrl-C; one line of JSON says where it is.",
        epilog="Faults: " + ", ".join([*sorted(LINE_FAULTS), *FRAME_FAULTS, LATE]) + "; while it runs: "
        "`echo unplug > LINK.control`.",
    )
    parser.add_argument("name", choices=sorted(EMULATORS), help="the meter to emulate")
    parser.add_argument("--link", type=Path, required=True, help="path of the port, a symbolic link to a pty")
    parser.add_argument("--control", type=Path, help="named pipe that takes faults (default: LINK.control)")
    parser.add_argument("--fault", action="append", default=[], help="NAME[=N][@SECONDS], may be repeated")
    parser.add_argument("--interval", type=float, help="seconds between lines, whatever the host asks for")
    parser.add_argument("--profile", default="cpu", help="cpu (this machine), load=T:L,..., watts=T:P,...")
    parser.add_argument("--seed", type=int, default=1, help="seed of the noise (default: 1)")
    parser.add_argument("--baud", type=int, help="speed of the line (default: the meter's)")
    parser.add_argument("--no-throttle", action="store_true", help="send faster than the line could")
    parser.add_argument("--capture", type=Path, help="file that takes a log of the emulator's end of the wire")
    parser.add_argument("--fields", type=int, choices=(16, 18), default=18, help="wattsup: fields in a line")
    parser.add_argument("--reserved", choices=("0", "-", "1"), help="wattsup: the only argument of #L accepted")
    return parser


def _control(arguments: argparse.Namespace) -> Path:
    given: Path | None = arguments.control
    link: Path = arguments.link
    return link.with_name(link.name + ".control") if given is None else given


def _ready(arguments: argparse.Namespace) -> dict[str, str | int]:
    return {
        "meter": arguments.name,
        "port": str(arguments.link.absolute()),
        "control": str(_control(arguments).absolute()),
        "device": os.path.realpath(arguments.link),
        "pid": os.getpid(),
    }


def _set_up(arguments: argparse.Namespace, stack: ExitStack) -> Bench:
    for name in ("interval", "baud"):
        value = getattr(arguments, name)
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"--{name} {value}: expected a number above 0")
    plan = [parse_fault(text) for text in arguments.fault]
    source = parse_profile(arguments.profile, arguments.seed)
    device = EMULATORS[arguments.name](arguments, source)
    sink = None if arguments.capture is None else stack.enter_context(arguments.capture.open("xb"))
    baud = arguments.baud or BAUD[arguments.name]
    control = ControlPipe(_control(arguments))
    stack.callback(control.close)
    wire = PtyWire(arguments.link, baud, throttle=not arguments.no_throttle, sink=sink)
    stack.callback(wire.unplug)
    return Bench(device, wire, Faults(arguments.seed), control, plan)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
