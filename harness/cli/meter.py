"""`wattlab meter list|drivers|read|emulate`: the instruments, without a campaign."""

import argparse
import io
import time
from collections.abc import Sequence
from statistics import fmean, stdev

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from serial.tools import list_ports

from harness.cli.types import Verbs
from harness.errors import ConfigError
from meters import registry
from meters.meter import MeterGarbage, MeterTimeout
from meters.reading import Reading

SPARKS = "▁▂▃▄▅▆▇█"
READ_TIMEOUT_S = 5.0


def add_parser(verbs: Verbs) -> None:
    """Register the verb."""
    verb = verbs.add_parser("meter", help="list, read, emulate power meters", description="The lab's power meters.")
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="what is plugged in; writes to no port").set_defaults(call=call_list)
    actions.add_parser("drivers", help="every driver with tier and limits of error").set_defaults(call=call_drivers)
    read = actions.add_parser("read", help="show a meter's readings as they come")
    read.add_argument("driver", choices=sorted(registry.DRIVERS), help="driver")
    read.add_argument("port", help="/dev/serial/by-id/..., socket://host:port")
    read.add_argument("--count", type=int, default=0, metavar="N", help="stop after N readings (default: Ctrl-C)")
    read.add_argument("--option", action="append", default=[], metavar="NAME=NUMBER", help="driver option")
    read.set_defaults(call=call_read)
    emulate = actions.add_parser("emulate", help="the other side of a protocol on a pty", add_help=False)
    emulate.add_argument("arguments", nargs=argparse.REMAINDER)
    emulate.set_defaults(call=call_emulate)


def call_list(_arguments: argparse.Namespace) -> int:
    """Serial ports by id; nothing is written to any of them."""
    table = Table()
    for heading in ("port", "what", "maker", "serial number", "USB id"):
        table.add_column(heading)
    ports = sorted(list_ports.comports(include_links=True))
    for port in ports:
        usb = "" if port.vid is None else f"{port.vid:04x}:{port.pid:04x}"
        table.add_row(port.device, port.description or "", port.manufacturer or "", port.serial_number or "", usb)
    console = Console()
    if ports:
        console.print(table)
    else:
        console.print("No serial port. Plug the meter in; `dmesg | tail` shows whether the kernel saw it.")
    return 0


def call_drivers(_arguments: argparse.Namespace) -> int:
    """Every driver there is."""
    table = Table()
    for heading in ("driver", "instrument", "tier", "limits of error", "options"):
        table.add_column(heading)
    for name, driver in registry.DRIVERS.items():
        options = ", ".join(f"{option}={declared.default}" for option, declared in driver.options.items())
        table.add_row(name, escape(driver.summary), driver.tier, driver.limits, options)
    Console().print(table)
    return 0


def call_read(arguments: argparse.Namespace) -> int:
    """A live line with a sparkline and the statistics so far; one line a reading where there is no terminal."""
    console = Console()
    meter = registry.open_meter(
        arguments.driver, arguments.port, capture=io.BytesIO(), options=_options(arguments.option)
    )
    try:
        identity, origin = meter.identify(), meter.origin()
        console.print(f"{identity.maker} {identity.model} {identity.serial} {identity.firmware}: {origin.kind}")
        readings: list[Reading] = []
        with Live(console=console, auto_refresh=False) as live:
            while not arguments.count or len(readings) < arguments.count:
                try:
                    reading = meter.read(READ_TIMEOUT_S)
                except (MeterTimeout, MeterGarbage) as error:
                    console.print(f"{time.strftime('%H:%M:%S')} {escape(str(error))}")
                    continue
                readings.append(reading)
                if console.is_terminal:
                    live.update(_line(readings), refresh=True)
                else:
                    power = "-" if reading.power_w is None else f"{reading.power_w:.3f}"
                    print(f"{reading.time_ns} {power} W {'|'.join(sorted(reading.flags))}".rstrip())
        console.print(_line(readings))
    except KeyboardInterrupt:
        console.print("stopped")
    finally:
        meter.close()
    return 0


def call_emulate(arguments: argparse.Namespace) -> int:
    """Become the emulator; its own command line is `wattlab meter emulate --help`."""
    from meters.emulators.__main__ import main as emulate  # only ever in a process of its own

    return emulate(arguments.arguments)


def _options(words: Sequence[str]) -> dict[str, object]:
    options: dict[str, object] = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            options[name] = float(value)
        except ValueError:
            raise ConfigError(f"--option {word}: expected NAME=NUMBER, such as baud=115200") from None
    return options


def _line(readings: Sequence[Reading]) -> str:
    powers = [reading.power_w for reading in readings if reading.power_w is not None]
    if not powers:
        return f"{len(readings)} readings, none with a power"
    recent = powers[-60:]
    low, high = min(recent), max(recent)
    steps = [int((power - low) / ((high - low) or 1.0) * (len(SPARKS) - 1)) for power in recent]
    spread = f" sd {stdev(powers):.2f} W" if len(powers) > 1 else ""
    span = f"min {min(powers):.1f} max {max(powers):.1f}"
    spark = "".join(SPARKS[step] for step in steps)
    return f"{powers[-1]:8.1f} W  {spark}  n {len(powers)} mean {fmean(powers):.2f} W{spread} {span}"
