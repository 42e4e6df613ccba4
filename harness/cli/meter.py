"""`wattlab meter ...`: the instruments, without a campaign: what there is, what is plugged in, what it says."""

import argparse
import time
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from rich.console import Console

from harness.cli.called import program
from harness.cli.meter_documents import Drivers, Ports, Readings, driver_entry, port_of, readings_of
from harness.cli.meter_port import (
    access_by,
    add_login_arguments,
    add_meter_arguments,
    driver_name,
    opened,
    require_some_port,
    say_remarks,
    sparkline,
)
from harness.cli.network import network_meters, say_network
from harness.cli.ports import plugged_in, ports_sheet, who
from harness.cli.probing import probe
from harness.cli.screen import Sheet, columns, say
from harness.cli.types import Parser, add_json_argument, add_verb, at_least
from harness.record.errors import ConfigError, printable
from meters import registry
from meters.meter import MeterGarbage, MeterTimeout
from meters.options import Option
from meters.port_forms import link_of
from meters.reading import Reading, Tier

NO_PREFIX = "\0"
LONGEST_CURVE = 60
HEAD_ROWS = "time_ns power_w flags"
"""Above the rows where there is no terminal; the time is that of this host's monotonic clock."""
HEAD_LIVE = (
    "Power now, the last readings as a curve; then of all readings: number n, mean, standard deviation sd, lowest, "
    "highest. Ctrl-C ends it."
)
NO_PORT = "No serial port and no USB-TMC device. Plug the meter in; `dmesg | tail` shows whether the kernel saw it."
ON_A_NETWORK = (
    "A meter on a network: `wattlab meter list --probe --port http://ADDRESS`; where its address is not known, "
    "`wattlab meter list --probe --network` searches."
)
TIERS: tuple[Tier, ...] = ("reference", "working", "indicative", "uncalibrated")


def add_arguments(verb: Parser) -> None:
    """What the verb takes."""
    verb.description = "The power meters."
    actions = verb.add_subparsers(dest="action", metavar="ACTION", required=True)
    found = actions.add_parser("list", help="what is plugged in; writes to a port only with --probe")
    found.add_argument(
        "--probe", action="store_true", help="ask every driver's question at every port, say who answers"
    )
    found.add_argument(
        "--network",
        action="store_true",
        help="with --probe: search this host's networks too, by multicast and broadcast; nothing is sent without it",
    )
    found.add_argument("--driver", action="append", type=driver_name, metavar="DRIVER", help="probe with this one only")
    found.add_argument(
        "--port",
        action="append",
        metavar="PORT",
        help="probe here only: a device, http://HOST, socket://HOST:PORT, snmp://HOST, ipmi://HOST, mqtt://HOST",
    )
    add_login_arguments(found)
    add_json_argument(found, "the ports", Ports)
    found.set_defaults(call=call_list)
    drivers = actions.add_parser("drivers", help="every driver with wire, tier, limits of error; one with its options")
    drivers.add_argument("driver", nargs="?", type=driver_name, help="show the options of this one")
    add_json_argument(drivers, "the drivers with their options", Drivers)
    drivers.set_defaults(call=call_drivers)
    read = actions.add_parser("read", help="show a meter's readings as they come")
    add_meter_arguments(read)
    read.add_argument("--count", type=at_least(1), metavar="N", help="stop after N readings (default: Ctrl-C)")
    add_json_argument(read, "as many readings as --count says", Readings)
    read.set_defaults(call=call_read, interrupted="no reading was kept; `wattlab meter record` keeps a session")
    add_verb(
        actions, "check", "meter_check",
        "constant-load self-test: noise, resolution, rate, stuck values, register; window by a switched load",
    )  # fmt: skip
    add_verb(
        actions, "record", "meter_record",
        "a session with a meter, bytes and readings, as a folder that becomes a test; replays it at once",
    )  # fmt: skip
    add_verb(actions, "serve-ptd", "meter_serve", "serve a meter to clients of SPEC's PTDaemon")
    emulate = actions.add_parser(
        "emulate",
        help="the other side of a protocol on a pty or a TCP port",
        add_help=False,
        prefix_chars=NO_PREFIX,  # its words, --help too, are the emulator's own
    )
    emulate.add_argument("arguments", nargs=argparse.REMAINDER)
    emulate.set_defaults(call=call_emulate)


# --- what there is ----------------------------------------------------------------------------------------------


def call_drivers(arguments: argparse.Namespace) -> int:
    """Every driver there is, or one with its options."""
    by_tier = sorted(registry.KNOWN, key=lambda name: (TIERS.index(registry.KNOWN[name].tier), name))
    chosen = [arguments.driver] if arguments.driver else by_tier
    arguments.answer = Drivers(drivers=tuple(map(driver_entry, chosen)))
    console = Console()
    if arguments.driver:
        driver = registry.KNOWN[arguments.driver]
        say(console, f"{arguments.driver}: {driver.summary}; {driver.wire}; {driver.tier}; {driver.limits}")
        if driver.ports:
            say(console, f"port: {' or '.join(driver.ports)}")
        console.print(options_sheet(driver.options))
    else:
        console.print(drivers_sheet(chosen))
    return 0


def options_sheet(options: Mapping[str, Option]) -> Sheet:
    """A line for each option of a driver."""
    rows = [(name, _shown(option.default), _meaning(option)) for name, option in options.items()]
    return Sheet(columns("option", "default", "what it is"), rows)


def drivers_sheet(names: Sequence[str]) -> Sheet:
    """A line for each driver."""
    drivers = [(name, registry.KNOWN[name]) for name in names]
    rows = [(name, driver.summary, driver.wire, driver.tier, driver.limits) for name, driver in drivers]
    return Sheet(columns("driver", "instrument", "wire", "tier", "limits of error"), rows)


def _shown(default: float | str) -> str:
    return default or '""' if isinstance(default, str) else f"{default:g}"


def _meaning(option: Option) -> str:
    return option.what + (f": {', '.join(option.choices)}" if option.choices else "")


# --- what is plugged in -----------------------------------------------------------------------------------------


def call_list(arguments: argparse.Namespace) -> int:
    """Ports by id; with --probe, what answers at them; with --network, what is found on the networks of this host.

    Raises:
        ConfigError: --network without --probe.
    """
    if arguments.network and not arguments.probe:
        raise ConfigError("--network: sends to everybody on the networks of this host; give --probe too, which says so")
    for port in arguments.port or []:
        require_some_port(port, arguments.driver)
    console, drivers = Console(), arguments.driver or list(registry.DRIVERS)
    meters, remarks = network_meters(drivers) if arguments.network else ([], [])
    if arguments.network:  # ports may take minutes
        say_network(meters, remarks, console)
    ports = plugged_in() if not arguments.port else [{"port": port, "kind": link_of(port)} for port in arguments.port]
    if arguments.probe:
        probe(ports, drivers, access_by(arguments), named=bool(arguments.driver))
    arguments.answer = Ports(ports=tuple(map(port_of, ports)), network=tuple(meters), remarks=tuple(remarks))
    if not ports:
        say(console, f"{NO_PORT} {'' if arguments.network else ON_A_NETWORK}".rstrip())
        return 0
    console.print(ports_sheet(ports, probed=arguments.probe))
    if not arguments.probe:
        say(console, f"Nothing was written to any port. `wattlab meter list --probe` asks who answers. {ON_A_NETWORK}")
    return 0


# --- what it says -----------------------------------------------------------------------------------------------


def call_read(arguments: argparse.Namespace) -> int:
    """A live line with a sparkline and the statistics so far; one line a reading where there is no terminal.

    Raises:
        ConfigError: a document of readings without an end.
    """
    if arguments.json and arguments.count is None:
        raise ConfigError("--json: how many readings the document is to hold has to be said; give --count N too")
    from rich.live import Live

    console = Console()
    with opened(arguments) as (driver, meter):
        say(console, who(meter.identify(), meter.origin()))
        say_remarks(meter, console)
        readings: list[Reading] = []
        lost: list[str] = []
        patience_s = meter.describe().patience_s
        say(console, HEAD_LIVE if console.is_terminal else HEAD_ROWS)
        try:
            with Live(console=console, auto_refresh=False) as live:
                while arguments.count is None or len(readings) < arguments.count:
                    try:
                        readings.append(meter.read(patience_s))
                    except (MeterTimeout, MeterGarbage) as error:
                        say(console, f"{time.strftime('%H:%M:%S')} {error}")
                        lost.append(printable(str(error)))
                        continue
                    if console.is_terminal:
                        live.update(_line(readings, console.width), refresh=True)
                    else:
                        print(_row(readings[-1]))
        finally:
            console.print(_line(readings, console.width if console.is_terminal else None), soft_wrap=True)
        arguments.answer = readings_of(driver, meter, readings, lost)
    return 0


def call_emulate(arguments: argparse.Namespace) -> int:
    """Become the emulator; its own command line is `wattlab meter emulate --help`."""
    from meters.emulators.__main__ import main as emulate  # only ever in a process of its own

    return emulate(arguments.arguments, program())


def _row(reading: Reading) -> str:
    power = "-" if reading.power_w is None else f"{reading.power_w:.3f}"
    return f"{reading.time_ns} {power} {'|'.join(sorted(reading.flags))}".rstrip()


def _line(readings: Sequence[Reading], width: int | None) -> str:
    """Power, curve and statistics; on two lines where one is too narrow."""
    powers = [reading.power_w for reading in readings if reading.power_w is not None]
    if not powers:
        return f"{len(readings)} readings, none with a power"
    spread = f" sd {stdev(powers):.2f} W" if len(powers) > 1 else ""
    span = f"min {min(powers):.1f} max {max(powers):.1f}"
    statistics = f"n {len(powers)} mean {fmean(powers):.2f} W{spread} {span}"
    begin = f"{powers[-1]:8.1f} W  "
    shown = LONGEST_CURVE if width is None else max(1, min(LONGEST_CURVE, width - len(begin)))
    curve = sparkline(powers[-shown:])
    is_narrow = width is not None and len(begin) + len(curve) + 2 + len(statistics) > width
    return f"{begin}{curve}{chr(10) if is_narrow else '  '}{statistics}"
