"""The server: one client at a time, and what is answered to its commands.

Knows: the daemon's commands and the messages of its window, sockets. Does not know: any concrete meter, lab.toml,
argument vectors, when the meter is read (`meters.ptd_server.sampler`).
"""

from __future__ import annotations

import math
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from meters.meter import Meter, MeterError
from meters.ptd_server.replies import (
    AXES,
    DEFAULT_INTERVAL_MS,
    choice_for,
    field_of,
    identify_line,
    ranges_line,
    serving_name,
    statistic_line,
    uncertainty_line,
    wanted_range,
)
from meters.ptd_server.sampler import READ_S, Sampler

DEFAULT_PORT = 8888
MOST_SAMPLES = 500_000
SHORTEST_MS, LONGEST_MS = 50, 3_600_000
COMMAND_LIMIT = 1024
SEND_S = 5.0
IDLE_S = 60.0
KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}
"""A client whose machine is gone is noticed after 90 s, measurement or not."""


class PtdServer:
    """Serves one open meter. `serve` works until `stop`; the meter is read by a thread of its own from then on."""

    def __init__(
        self,
        meter: Meter,
        *,
        version: str,
        host: str,
        port: int,
        say: Callable[[str], None],
        log_row: Callable[[str], None],
        show_row: Callable[[str], None],
        open_anew: Callable[[Mapping[str, object]], Meter],
        options: Mapping[str, object],
        idle_s: float = IDLE_S,
    ) -> None:
        """Listen at once. `say` takes the messages of the daemon's window, `show_row` the rows of replies to `RL` that
        stand between them, `log_row` those of its log of samples. `open_anew` opens the same meter with other options
        than `options`, which are those it is open with, defaults included.

        Port 0 takes a free one. Raises `OSError` when the address is taken or is not of this machine.
        """
        self._identity_line = identify_line(meter, version)
        self._show_row, self._idle_s = show_row, idle_s
        self._sampler = Sampler(meter, say=say, log_row=log_row, open_anew=open_anew, options=options)
        self._say = self._sampler.say
        self._timed = False
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=4)
        self.host: str = host
        self.port: int = self._listener.getsockname()[1]

    def serve(self) -> None:
        """Serve one client after the other until `stop`; the meter stays open."""
        sampler = threading.Thread(target=self._sampler.run, name="ptd-sampler")
        sampler.start()
        try:
            name = serving_name(self._sampler.description)
            if (power := self._sampler.description.column("power_w")) is not None and power.accuracy is not None:
                self._say(f"Uncertainty checking for {name} is activated")
            self._say(f"Connected to {name} successfully")
            self._say(f"Establishing the listener on port {self.port}...")
            while not self._sampler.stopping.is_set():
                self._say("Waiting for a connection...")
                client = self._accept()
                if client is not None:
                    with client:
                        self._converse(client)
        finally:
            self._sampler.stopping.set()
            sampler.join()
            self._listener.close()
        if self._sampler.failure is not None:
            raise self._sampler.failure

    def stop(self) -> None:
        """End `serve` within a fraction of a second; safe in a signal handler and from another thread."""
        self._sampler.stopping.set()

    @property
    def meter(self) -> Meter:
        """The meter as it is open now; whoever ends the server closes it."""
        return self._sampler.meter

    def _accept(self) -> socket.socket | None:
        while not self._sampler.stopping.is_set():
            if select.select([self._listener], [], [], READ_S)[0]:
                client, address = self._listener.accept()
                self._say(f"Accepted connection from {address[0]}:{address[1]}")
                return client
        return None

    def _converse(self, client: socket.socket) -> None:
        client.settimeout(SEND_S)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, number in KEEPALIVE.items():
            client.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), number)
        pending = b""
        heard_s = time.monotonic()
        with suppress(OSError):
            while not self._sampler.stopping.is_set():
                if self._sampler.is_running:
                    heard_s = time.monotonic()
                elif time.monotonic() - heard_s > self._idle_s and self._is_wanted():
                    self._say(f"WARNING: no command for {self._idle_s:g} s while another client waits")
                    break
                if not select.select([client], [], [], READ_S)[0]:
                    continue
                data = client.recv(4096)
                if not data:
                    self._say("No data returned by socket read.")
                    break
                # Real clients end lines with CRLF (MLPerf) or LF (Java's println).
                *commands, pending = (pending + data).split(b"\n")
                if len(pending) > COMMAND_LIMIT:
                    self._say(f"ERROR: a command of more than {COMMAND_LIMIT} bytes")
                    break
                for command in commands:
                    heard_s = time.monotonic()
                    lines = self.answer(command.rstrip(b"\r").decode("ascii", errors="replace"))
                    self._say(f"Response to client sent: {lines[0]}")
                    for row in lines[1:]:
                        self._show_row(row)
                    client.sendall("".join(f"{line}\r\n" for line in lines).encode("ascii", errors="replace"))
        self._say("Shutting connection down...")
        with self._sampler.lock:
            self._sampler.complete()
        self._say("Connection is down.")

    def _is_wanted(self) -> bool:
        """Whether another client waits."""
        return bool(select.select([self._listener], [], [], 0)[0])

    def answer(self, command: str) -> list[str]:
        """Return the lines that answer one command."""
        words = command.split(",")
        with self._sampler.lock:
            samples = self._sampler.samples
            match words:
                case ["Hello"]:
                    return ["Hello, PTDaemon here!"]
                case ["Identify"]:
                    return [self._identity_line]
                case ["RR"] | ["RR", "*"]:
                    return [ranges_line(self._sampler.description, self._sampler.options)]
                case ["SR", axis, value]:
                    return [self._range(axis, value)]
                case ["Go", interval, *rest] if len(rest) <= 2:
                    return [self._go(interval, rest)]
                case ["Timed", count, interval, rampup]:
                    return [self._go_timed(count, interval, rampup)]
                case ["Mark", mark] if mark:
                    self._sampler.mark = mark
                    return [f"Mark set to {mark}"]
                case ["RL"] | ["RL", "*"]:
                    return self._unread(None)
                case ["RL", count] if re.fullmatch(r"[0-9]{1,6}", count):
                    return self._unread(int(count))
                case ["Watts" | "Volts" | "Amps" | "PF" as name]:
                    return [statistic_line(name, samples) if samples else "No data"]
                case ["Uncertainty"]:
                    return [uncertainty_line(samples) if samples else "No data"]
                case ["Stop"]:
                    return [self._stop()]
                case ["RR" | "SR" | "Go" | "Timed" | "Mark" | "RL", *_]:
                    return ["Invalid number of parameters"]
                case _:
                    return ["Unknown command"]

    def _range(self, axis: str, value: str) -> str:
        """Set a range: the meter is opened anew with it. A meter without such a choice says so, without the word that
        ends a client's session: it may measure all the same."""
        if axis not in AXES or not (value == "Auto" or _positive(value)):
            return "Error: expected SR,A or SR,V and a range above 0 or Auto"
        if self._sampler.is_running:
            return f"Error: range {axis} not changed: a measurement is running"
        name, choice = serving_name(self._sampler.description), choice_for(self._sampler.description, AXES[axis])
        if choice is None:
            self._say(f"WARNING: range {axis} stays as it is, {value} was asked for")
            return f"Range {axis} not changed: {name} has no such range to set"
        wanted = wanted_range(choice, value)
        if wanted is None:
            return f"Error: range {axis} not changed: {value} is above the largest of {name}, {max(choice.steps):g}"
        if self._sampler.options.get(choice.option) != wanted:
            try:
                self._sampler.open_with(choice.option, wanted)
            except MeterError as error:
                self._say(f"ERROR: range {axis} not changed: {error}")
                return field_of(f"Error: range {axis} not changed: {error}")
        automatic, fixed = {"A": ("Ampere", "Amp"), "V": ("Volt", "Volt")}[axis]
        self._say(f"{automatic} range set to Auto" if value == "Auto" else f"{fixed} range set to {wanted:.6f}{axis}")
        return f"Range {axis} changed"

    def _go(self, interval: str, rest: list[str]) -> str:
        milliseconds, rampup = _interval(interval), _count(rest[0] if rest else "0")
        if milliseconds is None or rampup is None:
            return f"Error: expected Go,<{SHORTEST_MS} to {LONGEST_MS} ms, or 0>,<rampup samples>[,<mark>]"
        if self._sampler.is_running:
            return "Error: a measurement is running"
        self._sampler.mark = rest[1] if len(rest) == 2 and rest[1] else "notset"
        self._say(f"Go with mark {self._sampler.mark!r}")
        self._timed = False
        self._sampler.begin(milliseconds, MOST_SAMPLES, rampup)
        return (
            f"Starting untimed measurement, maximum {MOST_SAMPLES} samples at {milliseconds}ms "
            f"with {rampup} rampup samples"
        )

    def _go_timed(self, count: str, interval: str, rampup: str) -> str:
        samples, milliseconds, drop = _count(count), _interval(interval), _count(rampup)
        if not samples or milliseconds is None or drop is None:
            return f"Error: expected Timed,<samples>,<{SHORTEST_MS} to {LONGEST_MS} ms, or 0>,<rampup samples>"
        if self._sampler.is_running:
            return "Error: a measurement is running"
        self._timed = True
        self._sampler.begin(milliseconds, samples, drop)
        return f"Starting timed measurement, {samples} samples at {milliseconds}ms with {drop} rampup samples"

    def _stop(self) -> str:
        if not self._sampler.is_running:
            return "Error: no measurement to stop"
        self._sampler.complete()
        return f"Stopping {'timed' if self._timed else 'untimed'} measurement"

    def _unread(self, count: int | None) -> list[str]:
        measurement = self._sampler.measurement
        samples = [] if measurement is None else measurement.unread(count)
        if samples is None:
            return ["Insufficient unread samples"]
        return [f"Last {len(samples)} samples", *(sample.row() for sample in samples)]


def _interval(text: str) -> int | None:
    """Return the milliseconds asked for, 0 being the daemon's own choice; `None` where it is no such number."""
    milliseconds = _count(text)
    if milliseconds == 0:
        return DEFAULT_INTERVAL_MS
    return milliseconds if milliseconds is not None and SHORTEST_MS <= milliseconds <= LONGEST_MS else None


def _count(text: str) -> int | None:
    """Return a whole number up to the most samples there can be, or milliseconds; `None` where it is none."""
    return int(text) if re.fullmatch(r"[0-9]{1,7}", text) and int(text) <= LONGEST_MS else None


def _positive(text: str) -> bool:
    try:
        return 0.0 < float(text) < math.inf
    except ValueError:
        return False
