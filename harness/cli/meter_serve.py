"""`wattlab meter serve-ptd`: a meter behind the protocol of SPEC's PTDaemon, for MLPerf's power server and others.

Knows: arguments, also those of `ptd` itself, and where its two logs go. Does not know: the protocol.

MLPerf's server starts one executable with the arguments of `ptd` (ptd_client_server/lib/server.py of
mlcommons/power-dev). A script of two lines stands between, named as `ptd:` in its configuration:

    #!/bin/sh
    exec wattlab meter serve-ptd wattsup --ptd "$@"

and `devicePort:` is the port of the meter. The number of the device type names an analyser of SPEC's list; it is
said and otherwise not looked at: the driver stands in the script.
"""

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NoReturn, TextIO

from harness.cli.meter_port import access_by, add_login_arguments, options_of, require_port
from harness.record.errors import ConfigError, why
from meters import registry
from meters.meter import Meter
from meters.ptd_server.replies import serving_name
from meters.ptd_server.server import DEFAULT_PORT, IDLE_S, PtdServer

DEFAULT_LISTEN = f"127.0.0.1:{DEFAULT_PORT}"


def add_arguments(serve: argparse.ArgumentParser) -> None:
    """What the action takes."""
    serve.description = "Serve a meter over TCP as SPEC's PTDaemon would, under its own name, until SIGTERM or Ctrl-C."
    serve.epilog = 'For MLPerf\'s power server: a script `exec wattlab meter serve-ptd DRIVER --ptd "$@"`.'
    serve.add_argument("driver", choices=sorted(registry.DRIVERS), help="driver")
    serve.add_argument("port", nargs="?", help="/dev/serial/by-id/..., socket://host:port, http://host")
    serve.add_argument("--listen", metavar="HOST:PORT", help=f"where clients come (default: {DEFAULT_LISTEN})")
    serve.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="driver option")
    add_login_arguments(serve)
    serve.add_argument(
        "--idle", type=float, default=IDLE_S, metavar="SECONDS",
        help=f"silence after which a client that measures nothing gives way to one that waits (default: {IDLE_S:g})",
    )  # fmt: skip
    serve.add_argument("--log", type=Path, metavar="FILE", help="file that takes one row a sample")
    serve.add_argument("--ptd", nargs=argparse.REMAINDER, metavar="ARGUMENT", help="arguments of ptd, to the end")
    serve.set_defaults(call=call_serve_ptd)


@dataclass(frozen=True, slots=True)
class Place:
    """What `ptd`'s own arguments say: log of samples, whether events go there too, TCP port, device."""

    log: Path | None
    extended: bool
    tcp_port: int
    device_type: int | None
    device_port: str


def call_serve_ptd(arguments: argparse.Namespace) -> int:
    """Serve the meter; 0 when a signal ended it."""
    place = _place(arguments)
    host, tcp_port = _address(arguments.listen or f"127.0.0.1:{place.tcp_port}")
    require_port(arguments.driver, place.device_port)
    options, access = options_of(arguments.option), access_by(arguments)

    def open_with(options: Mapping[str, object]) -> Meter:
        return registry.open_meter(arguments.driver, place.device_port, capture=None, options=options, access=access)

    with contextlib.ExitStack() as stack:
        meter = open_with(options)
        closing = stack.enter_context(contextlib.ExitStack())
        closing.callback(meter.close)
        log = None if place.log is None else stack.enter_context(_open_log(place.log))
        _announce(meter_name=serving_name(meter.describe()), place=place)
        defaults = {name: option.default for name, option in registry.DRIVERS[arguments.driver].options.items()}
        try:
            server = PtdServer(
                meter,
                version=f"wattlab-{_version()}",
                host=host,
                port=tcp_port,
                say=_teller(log if place.extended else None),
                log_row=_logger(log),
                show_row=_logger(None),
                open_anew=open_with,
                options=defaults | options,
                idle_s=arguments.idle,
            )
        except OSError as error:
            raise ConfigError(f"{host}:{tcp_port}: cannot be listened on: {why(error)}; name a free port") from error
        closing.pop_all()
        closing.callback(lambda: server.meter.close())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: server.stop())
        server.serve()
    return 0


def parse_ptd(words: Sequence[str]) -> Place:
    """Return what the arguments of `ptd` say: `[-l FILE] [-e] [-p PORT] [-b BOARD] [-n|-g|-y|-U] TYPE DEVICE`.

    Raises `ConfigError` for channels, direct current, and anything else that would not be done.
    """
    parser = _PtdParser(prog="ptd", add_help=False, allow_abbrev=False)
    parser.add_argument("-l", dest="log", type=Path)
    parser.add_argument("-e", dest="extended", action="store_true")
    parser.add_argument("-p", dest="tcp_port", type=int, default=DEFAULT_PORT)
    parser.add_argument("-b", dest="board")
    parser.add_argument("-c", dest="channel")
    parser.add_argument("-D", dest="direct", action="store_true")
    for interface in ("-n", "-g", "-y", "-U"):  # the driver knows its wire
        parser.add_argument(interface, action="store_true")
    parser.add_argument("device_type", type=int)
    parser.add_argument("device_port")
    found = parser.parse_args(list(words))
    if found.channel is not None or found.direct:
        raise ConfigError("serve-ptd --ptd: found -c or -D, expected one channel of alternating current; leave it out")
    return Place(found.log, found.extended, found.tcp_port, found.device_type, found.device_port)


class _PtdParser(argparse.ArgumentParser):
    """Wrong arguments are a problem of the configuration that holds them."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"serve-ptd --ptd: {message}; expected [-l FILE] [-e] [-p PORT] TYPE DEVICE")


def _place(arguments: argparse.Namespace) -> Place:
    if arguments.ptd is not None:
        if arguments.port is not None or arguments.log is not None or arguments.listen is not None:
            raise ConfigError("serve-ptd: found PORT, --listen or --log beside --ptd, expected them in ptd's arguments")
        return parse_ptd(arguments.ptd)
    if arguments.port is None:
        raise ConfigError("serve-ptd: expected the port of the meter, such as /dev/ttyUSB0 or socket://host:port")
    return Place(arguments.log, False, DEFAULT_PORT, None, arguments.port)


def _address(text: str) -> tuple[str, int]:
    host, _mark, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"--listen {text}: expected HOST:PORT, such as {DEFAULT_LISTEN}")
    return host.strip("[]"), int(port)


def _open_log(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="ascii", errors="replace", newline="\n", buffering=1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}; name another log") from error


def _announce(*, meter_name: str, place: Place) -> None:
    if place.device_type is not None:
        print(f"Device type {place.device_type} was asked for; what is served is {meter_name}", flush=True)
    if place.log is not None:
        print(f"Redirecting data output to file {place.log}", flush=True)


def _teller(log: TextIO | None) -> Callable[[str], None]:
    """Return what takes the lines of the daemon's window; with -e they stand in its log too."""

    def tell(line: str) -> None:
        print(line, flush=True)
        if log is not None:
            log.write(line + "\n")

    return tell


def _logger(log: TextIO | None) -> Callable[[str], None]:
    """Return what takes the rows: the log, or where there is none the window."""

    def write(row: str) -> None:
        if log is None:
            sys.stdout.write(row + "\n")
            sys.stdout.flush()
        else:
            log.write(row + "\n")

    return write


def _version() -> str:
    try:
        return version("wattlab")
    except PackageNotFoundError:
        return "unknown"
