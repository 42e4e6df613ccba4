"""A meter named on the command line: by lab.toml, or by driver and port; what its driver remarks. Knows no readings."""

import argparse
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console

from harness import config
from harness.cli.types import add_lab_argument
from harness.demo import open_port
from harness.errors import ConfigError
from meters import registry
from meters.meter import Meter

SPARKS = "▁▂▃▄▅▆▇█"


def driver_name(text: str) -> str:
    """The type of an argument that names a driver."""
    if text not in registry.DRIVERS:
        raise argparse.ArgumentTypeError(registry.no_driver(text))
    return text


def add_meter_arguments(verb: argparse.ArgumentParser) -> None:
    """How a meter is named: by lab.toml, or by driver and port."""
    verb.add_argument("meter", help="a meter of lab.toml, or a driver (`wattlab meter drivers`) followed by PORT")
    verb.add_argument("port", nargs="?", help="/dev/serial/by-id/..., /dev/usbtmc0, socket://host:port, http://host")
    verb.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="driver option")
    add_lab_argument(verb)


@dataclass(frozen=True, slots=True)
class NamedMeter:
    """A meter that is not open yet: driver, port, options as they were given."""

    driver: str
    port: str
    options: Mapping[str, object]


@contextmanager
def named(arguments: argparse.Namespace) -> Iterator[NamedMeter]:
    """The meter that the arguments name; an embedded one runs until the context is left.

    Raises:
        ConfigError: it is neither in lab.toml nor a driver with a port.
    """
    options = _options(arguments.option)
    if arguments.port is not None:
        if arguments.meter not in registry.DRIVERS:
            raise ConfigError(registry.no_driver(arguments.meter))
        yield NamedMeter(arguments.meter, arguments.port, options)
        return
    lab = config.load(arguments.lab) if arguments.lab.is_file() else None
    if arguments.meter in registry.DRIVERS and (lab is None or arguments.meter not in lab.file.meters):
        raise ConfigError(f"{arguments.meter}: name its port after it; `wattlab meter list` shows what is plugged in")
    lab = lab or config.load(arguments.lab)
    with open_port(lab, arguments.meter) as port:
        section = lab.file.meters[arguments.meter]
        yield NamedMeter(section.driver, port, section.options | options)


@contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[tuple[str, Meter]]:
    """The meter that the arguments name, with its driver's name.

    Raises:
        ConfigError: it is neither in lab.toml nor a driver with a port. MeterError: it does not open.
    """
    with named(arguments) as place:
        meter = registry.open_meter(place.driver, place.port, capture=io.BytesIO(), options=place.options)
        try:
            yield place.driver, meter
        finally:
            meter.close()


def say_remarks(meter: Meter, console: Console) -> None:
    """Say what of this meter's words is taken how, or not at all."""
    for remark in meter.describe().remarks:
        console.print(f"remark: {remark}", markup=False, highlight=False, soft_wrap=True)


def _options(words: Sequence[str]) -> dict[str, object]:
    options: dict[str, object] = {}
    for word in words:
        name, mark, value = word.partition("=")
        if not mark:
            raise ConfigError(f"--option {word}: expected NAME=VALUE, such as baud=115200")
        try:
            options[name] = float(value)
        except ValueError:
            options[name] = value
    return options


def sparkline(values: Sequence[float]) -> str:
    """A line of block characters between the lowest and the highest value."""
    low, high = min(values), max(values)
    return "".join(SPARKS[int((value - low) / ((high - low) or 1.0) * (len(SPARKS) - 1))] for value in values)
