"""A PTDaemon with an analyser behind it, as a client sees it: commands and replies in lines over TCP.

Knows: the daemon's replies, written without the driver's tables. Does not know: sockets, real time.
As published (server.json, spl.txt and ptd_logs.txt of MLPerf submissions): Hello, Identify, RR, SR, Go, Stop, Watts,
Uncertainty, the form of a row, -2 in all columns for a missed sample. Made up here: the acknowledgement of `Mark`,
the reply to `RL` when nothing is unread, and how long an analyser takes to change a range (here: no time).
The identity says EMULATED where a daemon names analyser and maker, and is not accepted by SPEC.

Own faults: `no-value` a sample whose values are -1, `missed` one whose values are -2, `outside-range` one whose watts
and amperes are printed as -(value + 3), `no-uncertainty` a sample whose uncertainty is unknown, `wrong-count` a header
of `RL` that announces a row more than it sends.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from meters.emulators.faults import OwnFaults
from meters.emulators.virtual_sut import PowerSource

IDENTITY = (
    "EMULATED,1000,1,1,1,1,0,0,0,version=0.0.0-emulated-20260101,OS=none,mode=power,"
    "1,1,1,0,0,no_cal_date,wattlab;EMULATED analyser;0;0"
)
MOST_SAMPLES = 500_000
MOST_PENDING = 1024
MAINS_V = 230.0
READING_SHARE = 0.001  # limits of error of the analyser: 0.1 % of reading + 0.1 % of range
RANGE_SHARE = 0.001
VOLT_RANGES = (15.0, 30.0, 60.0, 150.0, 300.0, 600.0)
AMP_RANGES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


@dataclass(frozen=True, slots=True)
class Taken:
    """One sample as it will be told."""

    row: str
    watts: float
    uncertainty: float | None


class PtDaemonDevice:
    """One daemon in front of one power source, advanced by the caller's clock in seconds since its start."""

    def __init__(self, source: PowerSource, *, seed: int, interval_s: float | None = None) -> None:
        """`interval_s` overrides the interval the client asks for."""
        self._source = source
        self._random = random.Random(seed)
        self._forced_interval_s = interval_s
        self._began = datetime.now()
        self._pending = b""
        self._ranges = {"A": ("0", 0.5), "V": ("0", 300.0)}
        self._interval_s = 1.0
        self._rampup = 0
        self._taken: list[Taken] = []
        self._read = 0
        self.next_push_s: float | None = None
        self.faults = OwnFaults(frozenset({"no-value", "missed", "outside-range", "no-uncertainty", "wrong-count"}))

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the lines that answer the commands completed by `data`."""
        *commands, rest = (self._pending + data).split(b"\r\n")
        self._pending = rest[-MOST_PENDING:]
        lines: list[str] = []
        for command in commands:
            lines += self._answer(command.decode("ascii", errors="replace").split(","), now_s)
        return [line.encode("ascii", errors="replace") + b"\r\n" for line in lines]

    def push(self, now_s: float) -> list[bytes]:
        """Take the sample that is due; those a late bench has left out are missed. Nothing is sent eager."""
        if self.next_push_s is None:
            return []
        while self.next_push_s + self._interval_s <= now_s:
            self._take(self.next_push_s, missed=True)
            self.next_push_s += self._interval_s
        self._take(now_s, missed=self.faults.use("missed"))
        self.next_push_s += self._interval_s
        return []

    def _answer(self, words: list[str], now_s: float) -> list[str]:
        match words:
            case ["Hello"]:
                return ["Hello, PTDaemon here!"]
            case ["Identify"]:
                return [IDENTITY]
            case ["RR"] | ["RR", "*"]:
                (amps_auto, amps), (volts_auto, volts) = self._ranges["A"], self._ranges["V"]
                return [f"Ranges,{amps_auto},{amps:.6f},{volts_auto},{volts:.6f}"]
            case ["SR", ("A" | "V") as axis, value]:
                return [self._set_range(axis, value)]
            case ["Go", interval, *rest]:
                return [self._go(interval, rest, now_s)]
            case ["Mark", _mark]:
                return ["Mark set"]
            case ["RL"]:
                return self._unread(len(self._taken) - self._read)
            case ["RL", count] if count.isdigit():
                return self._unread(int(count))
            case ["RL", *_]:
                return ["Invalid number of parameters"]
            case ["Watts"]:
                return [self._watts()]
            case ["Uncertainty"]:
                return [self._uncertainty()]
            case ["Stop"]:
                running, self.next_push_s = self.next_push_s is not None, None
                return ["Stopping untimed measurement" if running else "Error: no measurement to stop"]
            case _:
                return ["Unknown command"]

    def _set_range(self, axis: str, value: str) -> str:
        if value == "Auto":
            self._ranges[axis] = ("1", self._ranges[axis][1])
            return f"Range {axis} changed"
        try:
            wanted = float(value)
        except ValueError:
            return "Error: invalid range"
        fitting = [top for top in (AMP_RANGES if axis == "A" else VOLT_RANGES) if top >= wanted]
        if not wanted > 0 or not fitting:
            return "Error: invalid range"
        self._ranges[axis] = ("0", fitting[0])
        return f"Range {axis} changed"

    def _go(self, interval: str, rest: list[str], now_s: float) -> str:
        rampup = rest[0] if rest else "0"
        if not interval.isdigit() or not rampup.isdigit() or len(rest) > 2:
            return "Invalid number of parameters"
        if self.next_push_s is not None:
            return "Error: measurement already in progress"
        milliseconds = int(interval) or 1000
        self._interval_s = self._forced_interval_s or milliseconds / 1000.0
        self._rampup, self._taken, self._read = int(rampup), [], 0
        self._source.advance(now_s)
        self.next_push_s = now_s + self._interval_s
        return (
            f"Starting untimed measurement, maximum {MOST_SAMPLES} samples at {milliseconds}ms "
            f"with {self._rampup} rampup samples"
        )

    def _take(self, now_s: float, missed: bool) -> None:
        power_w = self._source.advance(now_s).mean_w
        if self._rampup:
            self._rampup -= 1
            return
        volts = MAINS_V + self._random.gauss(0.0, 0.2)
        factor = 0.95 - 0.4 * math.exp(-power_w / 60.0)
        values = [power_w, volts, power_w / (volts * factor), factor]
        uncertainty: float | None = None
        if missed or self.faults.use("no-value"):
            values = [-2.0 if missed else -1.0] * 4
        elif self.faults.use("outside-range"):
            values = [-values[0] - 3.0, values[1], -values[2] - 3.0, values[3]]
        elif power_w > 0 and not self.faults.use("no-uncertainty"):
            span_w = self._ranges["A"][1] * self._ranges["V"][1]
            uncertainty = (READING_SHARE * power_w + RANGE_SHARE * span_w) / power_w
        at = self._began + timedelta(seconds=now_s)
        stamp = at.strftime("%m-%d-%Y %H:%M:%S.") + f"{at.microsecond // 1000:03d}"
        columns = zip(("Watts", "Volts", "Amps", "PF"), values, strict=True)
        row = f"Time,{stamp}," + ",".join(f"{name},{value:.6f}" for name, value in columns)
        self._taken.append(Taken(row, values[0], uncertainty))

    def _unread(self, count: int) -> list[str]:
        unread = self._taken[self._read :]
        if count > len(unread):
            return [f"Insufficient unread samples, {len(unread)} available"]
        self._read += count
        announced = count + 1 if self.faults.use("wrong-count") else count
        return [f"Last {announced} samples", *(taken.row for taken in unread[:count])]

    def _watts(self) -> str:
        sound = [taken.watts for taken in self._taken if taken.watts >= 0]
        total = len(self._taken)
        return f"Watts,{_figures(sound)},{total},{total - len(sound)},{len(sound)}"

    def _uncertainty(self) -> str:
        known = [taken.uncertainty for taken in self._taken if taken.uncertainty is not None]
        invalid = sum(taken.watts < 0 for taken in self._taken)
        total = len(self._taken)
        return f"Uncertainty,{_figures(known)},{total},{invalid},{len(known)},{total - invalid - len(known)}"


def _figures(values: list[float]) -> str:
    """Return mean, lowest and highest; -1 where there is none."""
    if not values:
        return "-1.000000,-1.000000,-1.000000"
    return f"{math.fsum(values) / len(values):.6f},{min(values):.6f},{max(values):.6f}"
