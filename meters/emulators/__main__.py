"""Starts an emulated meter as a process of its own: `python -m meters.emulators wattsup --link PATH`.

The wire of a meter on a serial line is a pty behind PATH; with `--listen HOST:PORT` it is a TCP port of this machine,
which is the only wire of a meter on a network.

Knows: arguments and signals. Does not know: protocols.
Prints one line of JSON when the port is there, `{"meter", "port", "control", "device", "pid", "faults"}`; ends cleanly
on SIGTERM and SIGINT with exit code 0, on a wrong argument with one sentence and exit code 1.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import textwrap
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import gettempdir
from typing import Literal, NoReturn

from meters.emulators import beacon as beacons
from meters.emulators.bench import Bench, ControlPipe, Device, MetersEnd
from meters.emulators.bmcs import BMCS
from meters.emulators.emulator import Emulator
from meters.emulators.faults import FRAME_FAULTS, LATE, LINE_FAULTS, Faults, parse_fault
from meters.emulators.hm8115 import Hm8115Device
from meters.emulators.homewizard import PRODUCTS
from meters.emulators.iec62056 import Iec62056Device
from meters.emulators.mbus import MbusDevice
from meters.emulators.mcp39f511n import Mcp39f511nDevice
from meters.emulators.modbus import ModbusDevice
from meters.emulators.p1 import P1Device
from meters.emulators.pdus import KINDS
from meters.emulators.plugs import PLUGS
from meters.emulators.powerspy2 import PowerSpy2Device
from meters.emulators.ptdaemon import PtDaemonDevice
from meters.emulators.pty_wire import BITS_PER_BYTE, PtyWire
from meters.emulators.replay import PatientPtyWire, ReplayDevice
from meters.emulators.sml import SmlDevice
from meters.emulators.snmp import SnmpDevice
from meters.emulators.tcp_wire import BreakableTcpWire, TcpWire
from meters.emulators.udp_wire import UdpWire
from meters.emulators.virtual_sut import PowerSource, parse_profile
from meters.emulators.wattsup import WattsUpDevice
from meters.emulators.yokogawa.device import YokogawaDevice
from meters.emulators.zes import LmgDevice
from meters.meter import CaptureError
from meters.options import did_you_mean
from meters.session import WIRE_LOG, read_session


def _wattsup(arguments: argparse.Namespace, source: PowerSource) -> Device:
    reserved = ("", "0", "-", "1") if arguments.reserved is None else (arguments.reserved,)
    return WattsUpDevice(
        source,
        seed=arguments.seed,
        fields=arguments.fields,
        interval_s=arguments.interval,
        reserved=reserved,
    )


def _hm8115(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return Hm8115Device(source, seed=arguments.seed, interval_s=arguments.interval)


def _lmg(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return LmgDevice(source, seed=arguments.seed, kind=arguments.name, interval_s=arguments.interval)


def _mcp39f511n(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return Mcp39f511nDevice(source, seed=arguments.seed)


def _powerspy2(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return PowerSpy2Device(source, seed=arguments.seed, interval_s=arguments.interval)


def _sml(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return SmlDevice(source, seed=arguments.seed, interval_s=arguments.interval or 1.0)


def _ptdaemon(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return PtDaemonDevice(source, seed=arguments.seed, interval_s=arguments.interval)


def _yokogawa(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return YokogawaDevice(source, seed=arguments.seed, dialect=arguments.name, interval_s=arguments.interval)


def _modbus(arguments: argparse.Namespace, source: PowerSource) -> Device:
    """A UMG 604 on TCP speaks Modbus TCP, any other meter there RTU, as behind a serial device server."""
    on_network = arguments.name == "umg604" and arguments.listen is not None
    return ModbusDevice(source, arguments.name, seed=arguments.seed, tcp=on_network, refresh_s=arguments.interval)


def _snmp(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return SnmpDevice(source, arguments.name, refresh_s=arguments.interval or 1.0, community=arguments.password)


def _iec62056(arguments: argparse.Namespace, source: PowerSource) -> Device:
    interval_s = (arguments.interval or 1.0) if arguments.push else None
    return Iec62056Device(source, seed=arguments.seed, push_interval_s=interval_s, parity=not arguments.plain)


def _mbus(arguments: argparse.Namespace, source: PowerSource) -> Device:
    return MbusDevice(source, refresh_s=arguments.interval or 1.0, kind=arguments.kind)


def _p1(arguments: argparse.Namespace, source: PowerSource) -> Device:
    interval_s = arguments.interval or (10.0 if arguments.generation == 1 else 1.0)
    return P1Device(source, seed=arguments.seed, interval_s=interval_s, generation=arguments.generation or 2)


Ready = str | int | list[str]

EMULATORS: dict[str, Emulator] = {
    "pzem": Emulator(_modbus, 9600),
    "sdm120": Emulator(_modbus, 2400),
    "sdm230": Emulator(_modbus, 9600),
    "umg604": Emulator(_modbus, 38400),
    "mcp39f511n": Emulator(_mcp39f511n, 115200),
    "powerspy2": Emulator(_powerspy2, 115200),
    "wattsup": Emulator(_wattsup, 115200),
    "wt210": Emulator(_yokogawa, 9600),
    "wt310": Emulator(_yokogawa, 9600),
    "ptdaemon": Emulator(_ptdaemon, 10_000_000, "tcp"),
    "hm8115": Emulator(_hm8115, 9600),
    "lmg95": Emulator(_lmg, 115200),
    "lmg450": Emulator(_lmg, 115200),
    "lmg670": Emulator(_lmg, 10_000_000, "tcp"),
    **PLUGS,
    "sml": Emulator(_sml, 9600),
    "iec62056": Emulator(_iec62056, 9600),
    "p1": Emulator(_p1, 115200),
    "mbus": Emulator(_mbus, 2400),
    **dict.fromkeys(KINDS, Emulator(_snmp, 100_000_000, "snmp")),
    **BMCS,
}
PROGRAM = "wattlab"
REPLAY = "replay"
"""Beside the emulators: plays a recorded session of any of them, or of an instrument."""


def main(argv: Sequence[str], program: str = PROGRAM) -> int:
    """Run the emulator that `argv` names until a signal ends it; returns the exit code. `program`: what is to be typed
    for wattlab."""
    arguments = _parser(program).parse_args(argv)
    try:
        with ExitStack() as stack:
            bench, ready = _set_up(arguments, stack)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda _number, _frame: bench.stop())
            print(json.dumps(ready), flush=True)
            bench.run()
    except (OSError, ValueError, CaptureError) as error:
        words = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
        print(f"wattlab meter emulate: {words}", file=sys.stderr)
        return 1
    return 0


EXAMPLES = """examples:
  a serial meter, then in another terminal `wattlab meter read wattsup /tmp/meter`
    wattlab meter emulate wattsup --link /tmp/meter
  a meter on a network, then `wattlab meter read shelly http://127.0.0.1:8080`
    wattlab meter emulate shelly --listen 127.0.0.1:8080
  60 W and after 30 s 150 W; a machine at a tenth of its load and after 30 s at nine tenths
    wattlab meter emulate pzem --link /tmp/meter --profile watts=0:60,30:150
    wattlab meter emulate pzem --link /tmp/meter --profile load=0:0.1,30:0.9
  three replies with a wrong check sum after 10 s
    wattlab meter emulate pzem --link /tmp/meter --fault bad-crc=3@10
  a plug with a password: Digest for a shelly, Basic for a gude, a tasmota, or a shelly with --generation 1
    wattlab meter emulate shelly --listen 127.0.0.1:8080 --password secret
  what `wattlab meter record` wrote into FOLDER
    wattlab meter emulate replay --session FOLDER --link /tmp/meter

faults: """


class _Parser(argparse.ArgumentParser):
    """Wrong usage is one sentence and exit code 1, as with every verb of wattlab; texts name the command as typed."""

    program = PROGRAM

    def format_help(self) -> str:
        """Help, with the examples."""
        return self._as_typed(super().format_help())

    def _as_typed(self, text: str) -> str:
        return text.replace(f"{PROGRAM} meter", f"{self.program} meter")

    def error(self, message: str) -> NoReturn:
        self.exit(1, self._as_typed(f"wattlab meter emulate: {message}; `wattlab meter emulate --help` lists all\n"))


def _emulator_name(text: str) -> str:
    known = [*EMULATORS, REPLAY]
    if text not in known:
        raise argparse.ArgumentTypeError(f"no emulator {text!r}; {did_you_mean(text, known)}")
    return text


def _parser(program: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="wattlab meter emulate",
        usage="wattlab meter emulate [-h] NAME (--link PATH | --listen HOST:PORT) [options]",
        description="Emulate a power meter on a pty, a TCP or a UDP port until SIGTERM or Ctrl-C. A line of JSON says "
        "where.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLES
        + textwrap.fill(", ".join([*sorted(LINE_FAULTS), *FRAME_FAULTS, LATE]), 100, subsequent_indent="  ")
        + "\n  while it runs: echo unplug > LINK.control; a meter's own faults: a wrong name lists them\n\nmeters:\n"
        + textwrap.fill(", ".join([*sorted(EMULATORS), REPLAY]), 100, initial_indent="  ", subsequent_indent="  "),
    )
    parser.program = program
    parser.add_argument("name", type=_emulator_name, metavar="NAME", help="the meter to emulate (below), or replay")
    parser.add_argument("--link", type=Path, metavar="PATH", help="path of the port, a symbolic link to a pty")
    parser.add_argument("--listen", metavar="HOST:PORT", help="port of a meter on a network; port 0: a free one")
    parser.add_argument(
        "--control",
        type=Path,
        metavar="PATH",
        help="named pipe that takes faults (default: LINK.control, with --listen a file for temporary files; the line "
        "of JSON names it)",
    )
    parser.add_argument("--fault", action="append", default=[], help="NAME[=N][@SECONDS], may be repeated")
    parser.add_argument(
        "--interval", type=float, metavar="SECONDS", help="seconds between lines, whatever the host asks for"
    )
    parser.add_argument(
        "--profile",
        default="cpu",
        help="power over time: cpu (this machine's load, the default), load=SECONDS:SHARE,... or "
        "watts=SECONDS:WATTS,...",
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the noise (default: 1)")
    parser.add_argument("--baud", type=int, help="speed of the line (default: the meter's)")
    parser.add_argument("--no-throttle", action="store_true", help="send faster than the line could")
    parser.add_argument(
        "--capture", type=Path, metavar="FILE", help="file that takes a log of the emulator's end of the wire"
    )
    parser.add_argument("--fields", type=int, choices=(16, 18), default=18, help="wattsup: fields in a line")
    parser.add_argument(
        "--generation",
        type=int,
        choices=(1, 2),
        help="of its protocol: shelly, kasa, tapo (1: a newer Kasa plug), mystrom, fritz, homeassistant (else 2), "
        "homewizard (else 1); tasmota: 1 takes a password among the parameters only; p1: 1 is DSMR 2.2",
    )
    parser.add_argument(
        "--password",
        default="",
        metavar="TEXT",
        help="what the user admin (netio: netio) has to give; of mystrom, homeassistant and homewizard the token; of a "
        "PDU over SNMP its community, and the password of its users in v3: admin (SHA-1, AES-128), HASH-PRIVACY",
    )
    parser.add_argument(
        "--product", choices=sorted(PRODUCTS), default="HWE-SKT", help="homewizard: plug, kWh meter or P1 meter"
    )
    parser.add_argument(
        "--kind",
        choices=("plug", "strip", "bulb"),
        default="plug",
        help="kasa, tapo: what it is; mbus: strip sends phases, in two telegrams",
    )
    parser.add_argument(
        "--beacon",
        action="store_true",
        help="kasa, tapo, netio, mystrom: be found by `wattlab meter list --probe --network`",
    )
    parser.add_argument("--reserved", choices=("0", "-", "1"), help="wattsup: the only argument of #L accepted")
    parser.add_argument("--push", action="store_true", help="iec62056: push (mode D) instead of answering (mode C)")
    parser.add_argument("--plain", action="store_true", help="iec62056: characters without parity")
    parser.add_argument("--session", type=Path, metavar="FOLDER", help="replay: what `meter record` wrote")
    parser.add_argument("--speed", type=float, help="replay: 1 as recorded, 2 twice as fast (default: no waiting)")
    return parser


def _set_up(arguments: argparse.Namespace, stack: ExitStack) -> tuple[Bench, dict[str, Ready]]:
    """Return the bench and the line that says where it is."""
    for name in ("interval", "baud", "speed"):
        value = getattr(arguments, name)
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"--{name} {value}: expected a number above 0")
    emulator = _replay(arguments) if arguments.name == REPLAY else EMULATORS[arguments.name]
    _check_wire(arguments, emulator)
    device = emulator.make(arguments, parse_profile(arguments.profile, arguments.seed))
    plan = [parse_fault(text, device.faults.names) for text in arguments.fault]
    sink = None if arguments.capture is None else stack.enter_context(arguments.capture.open("xb"))
    control_path = _control(arguments)
    control = ControlPipe(control_path)
    stack.callback(control.close)
    baud = arguments.baud or emulator.baud
    ready: dict[str, Ready] = {"meter": arguments.name, "control": str(control_path.absolute()), "pid": os.getpid()}
    ready["faults"] = sorted(device.faults.names)
    wire: MetersEnd
    if arguments.listen is not None and emulator.wire in ("snmp", "ipmi"):
        wire = udp = UdpWire(*_address(arguments.listen), sink=sink)
        ready["port"] = f"{emulator.wire}://{udp.address}"
    elif arguments.listen is not None:
        bytes_per_s = None if arguments.no_throttle else baud / BITS_PER_BYTE
        listen = BreakableTcpWire if arguments.name == "lmg670" else TcpWire
        wire = tcp = listen(*_address(arguments.listen), bytes_per_s=bytes_per_s, sink=sink)
        ready["port"] = f"{emulator.wire if emulator.wire in ('http', 'mqtt') else 'socket'}://{tcp.address}"
    else:
        plug = PatientPtyWire if arguments.name == REPLAY else PtyWire
        wire = plug(arguments.link, baud, throttle=not arguments.no_throttle, sink=sink)
        ready |= {"port": str(arguments.link.absolute()), "device": os.path.realpath(arguments.link)}
    stack.callback(wire.unplug)
    if isinstance(device, ReplayDevice):
        device.wait_for(wire)
    beacon = _beacon(arguments, device, stack)
    return Bench(device, wire, Faults(arguments.seed), control, plan, beacon), ready


def _beacon(arguments: argparse.Namespace, device: Device, stack: ExitStack) -> beacons.Beacon | None:
    if not arguments.beacon:
        return None
    kind = beacons.KINDS.get(arguments.name)
    if kind is None:
        raise ValueError(f"--beacon: {arguments.name} has none; those that have one: {', '.join(beacons.KINDS)}")
    beacon = beacons.Beacon(device, kind)
    stack.callback(beacon.close)
    return beacon


def _replay(arguments: argparse.Namespace) -> Emulator:
    """Return what plays the session; its own speed, not the line's, says when something is sent."""
    if arguments.session is None:
        raise ValueError("replay: expected --session FOLDER, as `wattlab meter record` writes it")
    session, log = read_session(arguments.session)
    http = session.port_kind == "http"
    wires: dict[str, Literal["http", "snmp", "ipmi", "mqtt"]] = {
        **{"http": "http", "snmp": "snmp", "ipmi": "ipmi", "mqtt": "mqtt"},
    }
    arguments.no_throttle = True
    return Emulator(
        lambda _arguments, _source: ReplayDevice(
            log, str(arguments.session / WIRE_LOG), http=http, speed=arguments.speed
        ),
        1_000_000,
        wires.get(session.port_kind, "serial"),
    )


def _check_wire(arguments: argparse.Namespace, emulator: Emulator) -> None:
    """Raise `ValueError` unless the arguments name the one wire that this meter has."""
    name, on_line = arguments.name, emulator.wire == "serial"
    if arguments.listen is not None and arguments.link is not None:
        raise ValueError(f"{name}: found --link and --listen, expected one of them")
    if arguments.listen is None and not (on_line and arguments.link is not None):
        need = "--link PATH, such as /tmp/meter, or --listen HOST:PORT" if on_line else "--listen HOST:PORT"
        link = "" if arguments.link is None else f"found --link {arguments.link} for a meter on a network, "
        raise ValueError(f"{name}: {link}expected {need}; port 0 takes a free one")


def _control(arguments: argparse.Namespace) -> Path:
    """Return the path of the control pipe: as given, else beside the link, else among the temporary files."""
    given: Path | None = arguments.control
    link: Path | None = arguments.link
    if given is None and link is None:
        return Path(gettempdir()) / f"wattlab-{arguments.name}-{os.getpid()}.control"
    return given or link.with_name(link.name + ".control")  # type: ignore[union-attr]


def _address(text: str) -> tuple[str, int]:
    host, _mark, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"--listen {text}: expected HOST:PORT, such as 127.0.0.1:0")
    return host.strip("[]"), int(port)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
