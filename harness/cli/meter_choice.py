"""Which meter `wattlab measure` reads: the one that is named, or the one that answers when it may ask.

Knows ports, drivers and the person at the terminal. Knows no campaign.
"""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from harness.cli.called import command
from harness.cli.meter_port import access_by, require_port
from harness.cli.ports import plugged_in, ports_sheet
from harness.cli.probing import probe
from harness.cli.screen import say
from harness.record.errors import ConfigError
from meters import registry
from meters.meter import MeterError
from meters.port_forms import link_of

NETWORK = "--meter http://ADDRESS"
SOFTWARE = "software"
ESTIMATE = f"Without any meter --meter {SOFTWARE} estimates from counters of this machine (RAPL, NVML): no measurement."
WITHOUT = "Nothing was measured."


def meters_of(arguments: argparse.Namespace, console: Console) -> list[tuple[str, str]]:
    """Driver and port of the meter, or of each counter of this machine that can be read (`software`); nothing where
    none is known: then the terminal has what to do.

    Raises:
        ConfigError: what is named is no meter.
    """
    if arguments.meter is None:
        return _found(plugged_in(), arguments, console)
    if arguments.meter == SOFTWARE:
        return _counters(console)
    if "/" in arguments.meter.partition("@")[0]:
        return _found([{"port": arguments.meter, "kind": link_of(arguments.meter)}], arguments, console)
    return [named_meter(arguments.meter)]


def named_meter(text: str) -> tuple[str, str]:
    """Driver and port of `DRIVER@PORT`; of a counter of this machine the port may be left out.

    Raises:
        ConfigError: it is none.
    """
    driver, mark, port = text.partition("@")
    port = port or registry.COUNTER_PORTS.get(driver, "")
    if driver not in registry.KNOWN:
        ports = "" if mark else ", or the port of a meter, such as http://192.168.1.20, /dev/ttyUSB0"
        raise ConfigError(f"{text}: expected DRIVER@PORT{ports}; {registry.no_driver(driver)}")
    if not port:
        forms = " or ".join(f"{driver}@{form}" for form in registry.KNOWN[driver].ports)
        raise ConfigError(f"{text}: name its port behind it: {forms}")
    require_port(driver, port)
    return driver, port


def _counters(console: Console) -> list[tuple[str, str]]:
    """The counters of this machine that can be read; why the others cannot is said where there is none."""
    found, problems = [], []
    for name, port in registry.COUNTER_PORTS.items():
        try:
            registry.open_meter(name, port, capture=None, options={}).close()
        except MeterError as error:
            problems.append(f"{name}: {error}")
        else:
            found.append((name, port))
    if not found:
        say(console, f"No counter of this machine can be read ({'; '.join(problems)}). {WITHOUT}")
    return found


def _found(ports: list[dict[str, str]], arguments: argparse.Namespace, console: Console) -> list[tuple[str, str]]:
    """The one meter that answers at these ports."""
    if not ports:
        say(
            console,
            "No serial port and no USB-TMC device is plugged in. A meter on a network is named by its address: "
            f"{NETWORK}; `wattlab meter list --probe --network` searches for one. {ESTIMATE} {WITHOUT}",
        )
        return []
    if not (arguments.probe or _allowed(ports, arguments.meter, console)):
        return []
    probe(ports, list(registry.DRIVERS), access_by(arguments), named=False)
    console.print(ports_sheet(ports, probed=True))
    answering = [port for port in ports if "driver" in port]
    if len(answering) == 1:
        meter = answering[0]
        say(console, f"It is measured with {meter['driver']}@{meter['port']}.")
        return [(meter["driver"], meter["port"])]
    say(console, f"{_which(answering)} {WITHOUT}")
    return []


def _which(answering: Sequence[dict[str, str]]) -> str:
    if not answering:
        return (
            "No meter answers that a driver understands at its default options: `wattlab meter drivers` lists what can "
            f"be read. A meter on a network is named by its address: {NETWORK}. {ESTIMATE}"
        )
    names = ", ".join(f"--meter {port['driver']}@{port['port']}" for port in answering)
    return f"{len(answering)} meters answer; say which one: {names}."


def _otherwise(named: str | None) -> str:
    """What to do where nobody can be asked; `named`: the port that was named."""
    if named is None:
        return f"{command('measure', '--probe')} asks who is there, or name the meter: --meter DRIVER@PORT, {NETWORK}."
    kind = link_of(named)
    drivers = [name for name, driver in registry.DRIVERS.items() if kind in driver.links]
    example = "shelly" if "shelly" in drivers else drivers[0]
    return f"Add --probe, which asks there who it is, or name its driver too, such as --meter {example}@{named}."


def _allowed(ports: Sequence[dict[str, str]], named: str | None, console: Console) -> bool:
    """Whether the ports may be written to: the person says so."""
    console.print(ports_sheet(ports, probed=False))
    question = "Ask at these ports who is there? Whatever is connected there is written to"
    if not (sys.stdin.isatty() and console.is_terminal):
        say(console, f"Nothing was written to any port. {_otherwise(named)} {ESTIMATE} {WITHOUT}")
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
