"""Any open meter behind the protocol of SPEC's PTDaemon: lines of text over TCP, one client at a time.

Knows: the daemon's words, replies, log lines; how readings become samples on a grid; the limits of error of the meter
at a reading. Does not know: any concrete meter, lab.toml, argument vectors.

The identity is the meter's and ours: the name begins with `wattlab-`, the flag "accepted by SPEC" is 0 and the version
is wattlab's, so a compliance checker refuses it, as it must. `no_cal_date` stands where a date of calibration would.
Replies that published conversations hold are word for word those (server.json, spl.txt, ptd_logs.txt of MLPerf power
submissions), and so is what stands in the daemon's window: the rows of a reply to `RL` too. Made up here, because no
conversation at hand has them: the acknowledgement of `Mark`, the replies to `Timed`, to a second `Go`, to a range that
cannot be set, the meaning of the fields 13 to 17 of the identity.

`SR` opens the meter anew with another option, where its description names one for that range (`RangeChoice`); the
smallest range that holds the value asked for is taken, as the daemon does. Limits of error are then those of that
range. A client that is silent while no measurement runs gives way to one that waits (`IDLE_S`); one whose measurement
runs may be silent as long as it likes, as MLPerf's server is.

A sample is the mean of the readings that ended within half an interval of its place on a grid through the first
reading. A place without any reading is a missed sample (-2), readings without a number are an error (-1); both are
logged and counted, neither is averaged. What the meter does not report (volts, say) is -1.
"""

from __future__ import annotations

import math
import os
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from meters.meter import Meter, MeterError, MeterGarbage, MeterMismatch, MeterTimeout
from meters.reading import EMULATOR_MARK, Column, Description, RangeChoice, Reading

DEFAULT_PORT = 8888
MOST_SAMPLES = 500_000
DEFAULT_INTERVAL_MS = 1000
SHORTEST_MS, LONGEST_MS = 50, 3_600_000
COMMAND_LIMIT = 1024
READ_S = 0.2
LATE_S = 0.05
REOPEN_S = 1.0
SEND_S = 5.0
IDLE_S = 60.0
KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}
"""A client whose machine is gone is noticed after 90 s, measurement or not."""
AXES = {"A": "current_a", "V": "voltage_v"}
UNCERTAINTY_LIMIT = 0.01  # what the daemon warns of, and what SPEC accepts
ERROR, MISSED = -1.0, -2.0


# --- samples ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample as it is told: W, V, A, power factor, each -1 (error) or -2 (missed) where there is no number.

    `uncertainty` is the limit of error as a fraction of the power, `None` where nobody knows it.
    """

    at: datetime
    watts: float
    volts: float
    amps: float
    factor: float
    uncertainty: float | None

    @property
    def sound(self) -> bool:
        """Whether it has a power."""
        return self.watts not in (ERROR, MISSED)

    def row(self) -> str:
        """Return the row that `RL` sends; the log adds the mark."""
        return (
            f"Time,{stamp(self.at)},Watts,{self.watts:.6f},Volts,{self.volts:.6f},Amps,{self.amps:.6f},"
            f"PF,{self.factor:.6f}"
        )


def stamp(at: datetime) -> str:
    """Return a time as the daemon writes it: `MM-DD-YYYY HH:MM:SS.mmm`, local."""
    return at.strftime("%m-%d-%Y %H:%M:%S.") + f"{at.microsecond // 1000:03d}"


def relative_limit(power_w: float, power: Column | None) -> float | None:
    """Return the limits of error at `power_w` as a fraction of it; `None` where they or the power are not known."""
    limit_w = None if power is None or power_w == 0 else power.limit(power_w)
    return None if limit_w is None else limit_w / abs(power_w)


def combine(readings: Sequence[Reading], at: datetime, power: Column | None) -> Sample:
    """Return the sample that several readings make; without any it is missed, without any power an error."""
    if not readings:
        return Sample(at, MISSED, MISSED, MISSED, MISSED, None)
    watts = _mean([reading.power_w for reading in readings])
    volts = _mean([reading.voltage_v for reading in readings])
    amps = _mean([reading.current_a for reading in readings])
    factor = _mean([reading.power_factor for reading in readings])
    if factor is None and watts is not None and volts and amps:
        factor = max(-1.0, min(1.0, watts / (volts * amps)))
    told = _mean([reading.relative_uncertainty for reading in readings])
    if told is None and watts is not None:
        told = relative_limit(watts, power)
    return Sample(at, _told(watts), _told(volts), _told(amps), _told(factor), None if watts is None else told)


def _told(value: float | None) -> float:
    return ERROR if value is None else value


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


class Measurement:
    """Samples on a grid, made of readings; times are the host's monotonic nanoseconds, given by the caller."""

    def __init__(
        self,
        *,
        interval_ms: int,
        most: int,
        rampup: int,
        power: Column | None,
        began_ns: int,
        wall: Callable[[int], datetime],
    ) -> None:
        """`most` samples are kept after `rampup` were dropped; `wall` gives the time of day of a moment."""
        self._interval_ns = interval_ms * 1_000_000
        self._most, self._rampup = most, rampup
        self._power, self._began_ns, self._wall = power, began_ns, wall
        self._anchor_ns: int | None = None
        self._place = 0
        self._readings: list[Reading] = []
        self._troubled = False
        self._read = 0
        self.samples: list[Sample] = []

    @property
    def complete(self) -> bool:
        """Whether as many samples are there as were asked for."""
        return len(self.samples) >= self._most

    def take(self, reading: Reading) -> list[Sample]:
        """Add a reading; return the samples that are complete by it. Readings of before the start are left out."""
        if reading.time_ns < self._began_ns:
            return []
        done = self._close_before(reading.time_ns)
        self._readings.append(reading)
        return done

    def trouble(self, time_ns: int) -> list[Sample]:
        """Note that something came that is no reading: its sample is an error, not missed."""
        done = self._close_before(time_ns)
        self._troubled = True
        return done

    def advance(self, now_ns: int) -> list[Sample]:
        """Return the samples whose time is over."""
        if self._anchor_ns is None and now_ns < self._began_ns + self._interval_ns * 3 // 2:
            return []
        return self._close_before(now_ns)

    def finish(self) -> list[Sample]:
        """Return the sample that had begun, if there was anything of it."""
        return self._close() if self._readings or self._troubled else []

    def unread(self, count: int | None) -> list[Sample] | None:
        """Return the next `count` samples nobody has read (all: `None`); `None` if there are not as many."""
        waiting = len(self.samples) - self._read
        if count is not None and count > waiting:
            return None
        first, self._read = self._read, self._read + (waiting if count is None else count)
        return self.samples[first : self._read]

    def _close_before(self, time_ns: int) -> list[Sample]:
        if self._anchor_ns is None:
            self._anchor_ns = min(time_ns, self._began_ns + self._interval_ns * 3 // 2)
        place = (time_ns - self._anchor_ns + self._interval_ns // 2) // self._interval_ns
        done: list[Sample] = []
        while self._place < place and not self.complete:
            done += self._close()
        return done

    def _close(self) -> list[Sample]:
        """End the current place on the grid; a sample of the ramp-up is dropped."""
        assert self._anchor_ns is not None
        moment_ns = self._readings[-1].time_ns if self._readings else self._anchor_ns + self._place * self._interval_ns
        sample = combine(self._readings, self._wall(moment_ns), self._power)
        if not self._readings and self._troubled:
            sample = Sample(sample.at, ERROR, ERROR, ERROR, ERROR, None)
        self._place, self._readings, self._troubled = self._place + 1, [], False
        if self._rampup:
            self._rampup -= 1
            return []
        if self.complete:
            return []
        self.samples.append(sample)
        return [sample]


# --- replies ------------------------------------------------------------------------------------------------------


def identify_line(meter: Meter, version: str) -> str:
    """Return the reply to `Identify`: fields in the places the daemon gives them, content the meter's and ours."""
    identity, description = meter.identify(), meter.describe()
    names = {column.name for column in description.columns}
    can = ",".join("1" if name in names else "0" for name in ("power_w", "voltage_v", "current_a", "power_factor"))
    system = os.uname()
    host = f"{system.sysname} {system.release} {system.machine}"
    # A protocol without a place for the mark of an emulator must not lose it here.
    unmarked = meter.origin().kind == "emulated" and not identity.emulated
    firmware = f"{identity.firmware} {EMULATOR_MARK}" if unmarked else identity.firmware
    parts = [
        _field(text).replace(";", " ").strip() for text in (identity.maker, identity.model, identity.serial, firmware)
    ]
    return (
        f"{serving_name(description)},{DEFAULT_INTERVAL_MS},{can},0,0,0,version={_field(version)},OS={_field(host)},"
        f"mode=power,0,0,1,0,0,no_cal_date,{';'.join(parts)}"
    )


def serving_name(description: Description) -> str:
    """Return the name we give ourselves in the place of the analyser's."""
    return f"wattlab-{_field(description.driver)}"


def ranges_line(description: Description, options: Mapping[str, object] = MappingProxyType({})) -> str:
    """Return the reply to `RR`: the end of each range where it does not change, -1 where it may. `options` are those
    the meter was opened with; they tell the ranges apart where one is fixed and the other is not."""
    tops = {column.name: column.range[1] for column in description.columns}
    words = []
    for name in AXES.values():
        choice = choice_for(description, name)
        is_auto = description.ranging == "auto"
        if choice is not None and choice.option in options:
            is_auto = is_automatic(choice, options[choice.option])
        fixed = not is_auto and name in tops
        automatic = "0" if fixed else "1" if is_auto else "-1"
        words += [automatic, f"{tops[name] if fixed else -1.0:.6f}"]
    return ",".join(["Ranges", *words])


def choice_for(description: Description, quantity: str) -> RangeChoice | None:
    """Return how the range of a quantity can be chosen; `None` where it cannot."""
    return next((choice for choice in description.range_choices if choice.quantity == quantity), None)


def is_automatic(choice: RangeChoice, value: object) -> bool:
    """Whether an option's value leaves the range to the instrument; so does 0, where its numbers begin there."""
    return value == choice.automatic or value == 0


def wanted_range(choice: RangeChoice, value: str) -> float | str | None:
    """Return the option's value for what `SR` asks for; `None` where no range is as large."""
    if value == "Auto":
        return choice.automatic
    return min((step for step in choice.steps or (float(value),) if step >= float(value) * (1 - 1e-9)), default=None)


def statistic_line(name: str, samples: Sequence[Sample]) -> str:
    """Return the reply to `Watts`, `Volts`, `Amps` or `PF`: mean, lowest, highest, total, errors, valid."""
    places = {"Watts": "watts", "Volts": "volts", "Amps": "amps", "PF": "factor"}
    values: list[float] = [getattr(sample, places[name]) for sample in samples]
    valid = [value for value in values if value not in (ERROR, MISSED)]
    return f"{name},{_figures(valid)},{len(values)},{len(values) - len(valid)},{len(valid)}"


def uncertainty_line(samples: Sequence[Sample]) -> str:
    """Return the reply to `Uncertainty`: mean, lowest, highest, total, invalid, valid, unknown."""
    known = [sample.uncertainty for sample in samples if sample.uncertainty is not None]
    invalid = sum(not sample.sound for sample in samples)
    unknown = len(samples) - invalid - len(known)
    return f"Uncertainty,{_figures(known)},{len(samples)},{invalid},{len(known)},{unknown}"


def _figures(values: Sequence[float]) -> str:
    if not values:
        return "-1.000000,-1.000000,-1.000000"
    return f"{math.fsum(values) / len(values):.6f},{min(values):.6f},{max(values):.6f}"


def _field(text: str) -> str:
    """Return text that cannot end a field or a line."""
    return re.sub(r"[^\x21-\x2b\x2d-\x7e]+", " ", text)


# --- the server ---------------------------------------------------------------------------------------------------


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
        self._meter = meter
        self._identity_line = identify_line(meter, version)
        self._say_line, self._log_row, self._show_row = say, log_row, show_row
        self._open_anew, self._options, self._idle_s = open_anew, dict(options), idle_s
        self._description = meter.describe()
        self._reading = threading.Lock()  # held while the meter is read, and while it is opened anew
        self._measurement: Measurement | None = None
        self._running = False
        self._timed = False
        self._mark = "notset"
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._lost = False
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=4)
        self.host: str = host
        self.port: int = self._listener.getsockname()[1]

    def serve(self) -> None:
        """Serve one client after the other until `stop`; the meter stays open."""
        sampler = threading.Thread(target=self._sample_or_fail, name="ptd-sampler")
        sampler.start()
        try:
            name = serving_name(self._description)
            if (power := self._power) is not None and power.accuracy is not None:
                self._say(f"Uncertainty checking for {name} is activated")
            self._say(f"Connected to {name} successfully")
            self._say(f"Establishing the listener on port {self.port}...")
            while not self._stopping.is_set():
                self._say("Waiting for a connection...")
                client = self._accept()
                if client is not None:
                    with client:
                        self._converse(client)
        finally:
            self._stopping.set()
            sampler.join()
            self._listener.close()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End `serve` within a fraction of a second; safe in a signal handler and from another thread."""
        self._stopping.set()

    @property
    def meter(self) -> Meter:
        """The meter as it is open now; whoever ends the server closes it."""
        return self._meter

    @property
    def _power(self) -> Column | None:
        return next((column for column in self._description.columns if column.name == "power_w"), None)

    def _say(self, text: str) -> None:
        self._say_line(f"{stamp(datetime.now())}: {text}")

    def _accept(self) -> socket.socket | None:
        while not self._stopping.is_set():
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
            while not self._stopping.is_set():
                if self._running:
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
        with self._lock:
            self._complete()
        self._say("Connection is down.")

    def _is_wanted(self) -> bool:
        """Whether another client waits."""
        return bool(select.select([self._listener], [], [], 0)[0])

    def answer(self, command: str) -> list[str]:
        """Return the lines that answer one command."""
        words = command.split(",")
        with self._lock:
            samples = [] if self._measurement is None else self._measurement.samples
            match words:
                case ["Hello"]:
                    return ["Hello, PTDaemon here!"]
                case ["Identify"]:
                    return [self._identity_line]
                case ["RR"] | ["RR", "*"]:
                    return [ranges_line(self._description, self._options)]
                case ["SR", axis, value]:
                    return [self._range(axis, value)]
                case ["Go", interval, *rest] if len(rest) <= 2:
                    return [self._go(interval, rest)]
                case ["Timed", count, interval, rampup]:
                    return [self._go_timed(count, interval, rampup)]
                case ["Mark", mark] if mark:
                    self._mark = mark
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
        if self._running:
            return f"Error: range {axis} not changed: a measurement is running"
        name, choice = serving_name(self._description), choice_for(self._description, AXES[axis])
        if choice is None:
            self._say(f"WARNING: range {axis} stays as it is, {value} was asked for")
            return f"Range {axis} not changed: {name} has no such range to set"
        wanted = wanted_range(choice, value)
        if wanted is None:
            return f"Error: range {axis} not changed: {value} is above the largest of {name}, {max(choice.steps):g}"
        if self._options.get(choice.option) != wanted:
            try:
                self._open_with(choice.option, wanted)
            except MeterError as error:
                self._say(f"ERROR: range {axis} not changed: {error}")
                return _field(f"Error: range {axis} not changed: {error}")
        automatic, fixed = {"A": ("Ampere", "Amp"), "V": ("Volt", "Volt")}[axis]
        self._say(f"{automatic} range set to Auto" if value == "Auto" else f"{fixed} range set to {wanted:.6f}{axis}")
        return f"Range {axis} changed"

    def _open_with(self, option: str, value: float | str) -> None:
        """Open the meter with another option; where it does not open so, as it was.

        Raises `MeterError`, `MeterMismatch` where another instrument answers.
        """
        with self._reading:
            identity = self._meter.identify()
            self._meter.close()
            try:
                meter = self._open_anew(self._options | {option: value})
            except MeterError:
                self._lost = True  # the sampler opens it as it was, and goes on trying
                raise
            if meter.identify() != identity:
                meter.close()
                self._lost = True
                raise MeterMismatch(f"found {meter.identify()}, expected {identity}, which was there before")
            self._meter, self._description, self._lost = meter, meter.describe(), False
            self._options[option] = value

    def _go(self, interval: str, rest: list[str]) -> str:
        milliseconds, rampup = _interval(interval), _count(rest[0] if rest else "0")
        if milliseconds is None or rampup is None:
            return f"Error: expected Go,<{SHORTEST_MS} to {LONGEST_MS} ms, or 0>,<rampup samples>[,<mark>]"
        if self._running:
            return "Error: a measurement is running"
        self._mark = rest[1] if len(rest) == 2 and rest[1] else "notset"
        self._say(f"Go with mark {self._mark!r}")
        self._begin(milliseconds, MOST_SAMPLES, rampup, timed=False)
        return (
            f"Starting untimed measurement, maximum {MOST_SAMPLES} samples at {milliseconds}ms "
            f"with {rampup} rampup samples"
        )

    def _go_timed(self, count: str, interval: str, rampup: str) -> str:
        samples, milliseconds, drop = _count(count), _interval(interval), _count(rampup)
        if not samples or milliseconds is None or drop is None:
            return f"Error: expected Timed,<samples>,<{SHORTEST_MS} to {LONGEST_MS} ms, or 0>,<rampup samples>"
        if self._running:
            return "Error: a measurement is running"
        self._begin(milliseconds, samples, drop, timed=True)
        return f"Starting timed measurement, {samples} samples at {milliseconds}ms with {drop} rampup samples"

    def _begin(self, interval_ms: int, most: int, rampup: int, *, timed: bool) -> None:
        self._measurement = Measurement(
            interval_ms=interval_ms,
            most=most,
            rampup=rampup,
            power=self._power,
            began_ns=time.monotonic_ns(),
            wall=_time_of_day,
        )
        self._running, self._timed = True, timed

    def _stop(self) -> str:
        if not self._running:
            return "Error: no measurement to stop"
        self._complete()
        return f"Stopping {'timed' if self._timed else 'untimed'} measurement"

    def _complete(self) -> None:
        """End the measurement that runs; its samples can still be read."""
        if not self._running or self._measurement is None:
            return
        self._tell(self._measurement.finish())
        self._running = False
        _name, mean, low, high, total, errors, valid = statistic_line("Watts", self._measurement.samples).split(",")
        self._say("Completed test")
        self._say(
            f"Avg watts {mean}, min watts {low}, max watts {high}, samples {total}, errors {errors}, valid {valid}"
        )

    def _unread(self, count: int | None) -> list[str]:
        found = [] if self._measurement is None else self._measurement.unread(count)
        if found is None:
            return ["Insufficient unread samples"]
        return [f"Last {len(found)} samples", *(sample.row() for sample in found)]

    def _sample_or_fail(self) -> None:
        """Let a bug end the server: one that goes on without samples would look alive."""
        try:
            self._sample()
        except BaseException as error:
            self._failure = error
        finally:
            self._stopping.set()

    def _sample(self) -> None:
        """Read the meter until `stop`; one that went away is opened again as soon as it is back."""
        while not self._stopping.is_set():
            try:
                self._keep(self._read())
            except MeterTimeout:
                self._keep(None)
            except MeterGarbage as error:
                self._keep(None, str(error))
            except MeterError as error:
                if not self._lost:
                    self._say(f"ERROR: {error}")
                self._lost = True
                self._keep(None)
                self._stopping.wait(REOPEN_S)

    def _read(self) -> Reading:
        """Return the next reading, of a meter that went away after it was opened again; raises `MeterError`."""
        with self._reading:
            if self._lost:
                self._meter.reopen()
                self._lost = False
                self._say("The meter is back")
            return self._meter.read(READ_S)

    def _keep(self, reading: Reading | None, trouble: str = "") -> None:
        """Put a reading, garbage, or the passing of time into the measurement that runs."""
        with self._lock:
            measurement = self._measurement
            if not self._running or measurement is None:
                return
            now_ns = time.monotonic_ns()
            if trouble:
                self._say(f"ERROR: {trouble}")
                self._tell(measurement.trouble(now_ns))
            elif reading is not None:
                self._tell(measurement.take(reading))
            else:
                self._tell(measurement.advance(now_ns - int(LATE_S * 1e9)))
            if measurement.complete:
                self._complete()

    def _tell(self, samples: Sequence[Sample]) -> None:
        """Log complete samples and say what is not as it should be."""
        for sample in samples:
            self._log_row(f"{sample.row()},Mark,{self._mark}")
            if sample.watts == MISSED:
                self._say("WARNING: Missed 1 samples")
            elif sample.uncertainty is None:
                self._say("ERROR: Can't evaluate uncertainty of this sample!")
                self._say("WARNING: Uncertainty unknown for the last measurement sample! channel 0")
            elif sample.uncertainty > UNCERTAINTY_LIMIT:
                percent = f"{100 * sample.uncertainty:.2f}%"
                self._say(f"WARNING: Uncertainty {percent} above 1.00% limit for the last measurement sample!")


def _time_of_day(time_ns: int) -> datetime:
    """Return the local time of a moment of the monotonic clock, by what the two clocks say now."""
    return datetime.now() - timedelta(microseconds=(time.monotonic_ns() - time_ns) / 1000)


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
