"""A meter named on the command line: by lab.toml, or by driver and port; what its driver remarks. Knows no readings."""

import argparse
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.screen import say
from harness.cli.types import add_station_argument
from harness.record.errors import ConfigError
from meters import port_forms, registry
from meters.access import Access, Credentials
from meters.meter import Meter
from meters.wire_log import Sink

if TYPE_CHECKING:
    from rich.console import Console

NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?")
"""An exponent has its sign: 7E1 is a format of characters."""
SPARKS = "▁▂▃▄▅▆▇█"


def driver_name(text: str) -> str:
    """The type of an argument that names a driver."""
    if text not in registry.KNOWN:
        raise argparse.ArgumentTypeError(registry.no_driver(text))
    return text


def require_port(driver: str, port: str) -> None:
    """Refuse a port at which the driver cannot be opened.

    Raises:
        ConfigError: what is wrong with it, and what to write.
    """
    if wrong := registry.wrong_port(driver, port):
        raise ConfigError(f"port of {driver}: {wrong}")


def require_some_port(port: str, drivers: Sequence[str] | None) -> None:
    """Refuse a port at which none of the drivers can be opened (of all where none is named).

    Raises:
        ConfigError: what is wrong with it, and what to write.
    """
    kind = port_forms.link_of(port)
    names = sorted(drivers or registry.DRIVERS, key=lambda name: kind not in registry.KNOWN[name].links)
    wrong = [registry.wrong_port(name, port) for name in names]
    if all(wrong):
        forms = "http://HOST, socket://HOST:PORT, snmp://HOST, ipmi://HOST, mqtt://HOST"
        is_named = drivers or port_forms.has_login(port)
        _, mark, meant = port_forms.wrong_form(port, ("http://HOST",), ("http",), "").partition("; write ")
        such = f", such as {meant}" if mark else ""
        other = f"found {port!r}, expected {forms} or a device{such}; `wattlab meter drivers NAME` shows that of one"
        raise ConfigError(f"--port: {wrong[0] if is_named else other}")


def add_meter_arguments(verb: argparse.ArgumentParser) -> None:
    """How a meter is named: by lab.toml, or by driver and port."""
    verb.add_argument("meter", help="a meter of lab.toml, or a driver (`wattlab meter drivers`) followed by PORT")
    verb.add_argument(
        "port",
        nargs="?",
        help="as the driver has it (`wattlab meter drivers NAME`): /dev/serial/by-id/..., /dev/usbtmc0, "
        "socket://HOST:PORT, http://HOST, snmp://HOST, ipmi://HOST, mqtt://HOST; with TLS socket+tls://, https://, "
        "mqtts://",
    )
    verb.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="driver option")
    add_login_arguments(verb)
    add_station_argument(verb)


def add_login_arguments(verb: argparse.ArgumentParser) -> None:
    """The password of a meter that is named by its port; one of lab.toml has it there."""
    verb.add_argument("--password-file", type=Path, metavar="FILE", help="file whose only line is the meter's password")
    verb.add_argument("--user", metavar="NAME", help="login of the meter (default: the one its kind always has)")
    verb.add_argument(
        "--privacy-password-file",
        type=Path,
        metavar="FILE",
        help="SNMP v3: file with the password that messages are sealed by (default: the same one)",
    )


def access_by(arguments: argparse.Namespace) -> Access:
    """What the command line says of a login.

    Raises:
        ConfigError: a user without a password where there is no such thing, a file that is none.
    """
    has_user_alone = str(getattr(arguments, "port", "")).startswith("snmp://")
    if arguments.user is not None and arguments.password_file is None and not has_user_alone:
        raise ConfigError("--user: needs a password; give --password-file too")
    if arguments.privacy_password_file is not None and arguments.password_file is None:
        raise ConfigError("--privacy-password-file: stands beside another password; give --password-file too")
    if arguments.user is None and arguments.password_file is None:
        return Access()
    from harness.station.access import read_password

    passwords = {
        "--password-file": arguments.password_file,
        "--privacy-password-file": arguments.privacy_password_file,
    }
    read = [read_password(name, file) if file is not None else "" for name, file in passwords.items()]
    return Access(Credentials(arguments.user or "", *read))


@dataclass(frozen=True, slots=True)
class NamedMeter:
    """A meter that is not open yet: driver, port, options as they were given, how it lets us in."""

    driver: str
    port: str
    options: Mapping[str, object]
    access: Access

    def open(self, capture: Sink | None) -> Meter:
        """Open it; raises `MeterError`."""
        return registry.open_meter(self.driver, self.port, capture=capture, options=self.options, access=self.access)


@contextmanager
def named(arguments: argparse.Namespace) -> Iterator[NamedMeter]:
    """The meter that the arguments name; an embedded one runs until the context is left.

    Raises:
        ConfigError: it is neither in lab.toml nor a driver with a port.
    """
    options = options_of(arguments.option)
    if arguments.port is not None:  # what stands in lab.toml is not asked for, nor what reads it
        if arguments.meter not in registry.KNOWN:
            raise ConfigError(registry.no_driver(arguments.meter))
        require_port(arguments.meter, arguments.port)
        yield NamedMeter(arguments.meter, arguments.port, options, access_by(arguments))
        return
    from harness.measure.embedded import open_port
    from harness.measure.lab_file import load_station
    from harness.station.access import access_of
    from harness.station.register import load_register

    lab = load_station(arguments.lab) if arguments.lab.is_file() else None
    if arguments.meter in registry.KNOWN and (lab is None or arguments.meter not in lab.file.meters):
        forms = " or ".join(registry.KNOWN[arguments.meter].ports)
        plugged = "; `wattlab meter list` shows what is plugged in"
        raise ConfigError(f"{arguments.meter}: name its port after it{forms and ', '}{forms}{plugged}")
    lab = lab or load_station(arguments.lab)
    if any(given is not None for given in (arguments.password_file, arguments.user, arguments.privacy_password_file)):
        raise ConfigError(f"--password-file: {lab.path} names the password of {arguments.meter}; leave it out here")
    with open_port(lab, arguments.meter) as port:
        section = lab.file.meters[arguments.meter]
        access = access_of(lab.station, load_register(lab.station), arguments.meter)
        yield NamedMeter(section.driver, port, section.options | options, access)


@contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[tuple[str, Meter]]:
    """The meter that the arguments name, with its driver's name.

    Raises:
        ConfigError: it is neither in lab.toml nor a driver with a port. MeterError: it does not open.
    """
    with named(arguments) as place:
        meter = place.open(io.BytesIO())
        try:
            yield place.driver, meter
        finally:
            meter.close()


def say_remarks(meter: Meter, console: "Console") -> None:
    """Say by which key the meter is known, and what of its words is taken how, or not at all."""
    evidence = meter.origin().evidence
    if "tls_sha256" in evidence:
        held = "pinned" if evidence["tls_pinned"] else "not pinned, so that nothing is shown by it"
        keys = f"certificate SHA-256 {evidence['tls_sha256']}, public key SHA-256 {evidence['tls_public_key_sha256']}"
        text = f"{evidence['tls_version']}: {keys}; {held}"
        say(console, text)
    if advice := registry.remedy(meter.describe().driver, meter.origin()):
        reason = registry.why(meter.origin())
        say(console, f"{meter.origin().kind}{reason and f', for {reason}'}: {advice}")
    for remark in meter.describe().remarks:
        say(console, f"remark: {remark}")


def options_of(words: Sequence[str]) -> dict[str, object]:
    """Options of a driver as they are given: `NAME=VALUE`. Digits are a number, but where the option is a word to every
    driver that has it: a meter's number may begin with a 0.

    Raises:
        ConfigError: one is not.
    """
    options: dict[str, object] = {}
    for word in words:
        name, mark, value = word.partition("=")
        if not mark or not name:
            raise ConfigError(f"--option {word}: expected NAME=VALUE, such as baud=115200")
        if name in options:
            raise ConfigError(f"--option {word}: {name} is given twice; give it once")
        options[name] = float(value) if NUMBER.fullmatch(value) and not _is_word(name) else value
    return options


def _is_word(name: str) -> bool:
    declared = [driver.options[name] for driver in registry.KNOWN.values() if name in driver.options]
    return bool(declared) and all(isinstance(option.default, str) and not option.choices for option in declared)


def time_to_read_s(given_s: float | None, pace_s: float, fewest: int, usual_s: float) -> float:
    """How long a meter is read that gives a reading each `pace_s`, so that at least `fewest` come; `usual_s` where
    nothing was given and that is long enough.

    Raises:
        ConfigError: they do not come in the time that was given.
    """
    least_s = math.ceil((fewest + 1) * pace_s)
    if given_s is None:
        return max(usual_s, least_s)
    if given_s < fewest * pace_s:
        raise ConfigError(
            f"--seconds {given_s:g}: this meter gives a reading each {pace_s:.3g} s, and {fewest} are needed; give "
            f"--seconds {least_s} or more"
        )
    return given_s


def sparkline(values: Sequence[float]) -> str:
    """A line of block characters between the lowest and the highest value."""
    low, high = min(values), max(values)
    return "".join(SPARKS[int((value - low) / ((high - low) or 1.0) * (len(SPARKS) - 1))] for value in values)
