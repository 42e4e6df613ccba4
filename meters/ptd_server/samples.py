"""Readings on a grid: the samples that the daemon tells, and a measurement of them.

Knows: which readings make a sample, missed ones, errors, the limits of error of the meter at a reading. Does not know:
words, sockets (`meters.ptd_server.server`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from meters.reading import Column, Reading

ERROR, MISSED = -1.0, -2.0


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
    uncertainty = _mean([reading.relative_uncertainty for reading in readings])
    if uncertainty is None and watts is not None:
        uncertainty = relative_limit(watts, power)
    return Sample(
        at, _number(watts), _number(volts), _number(amps), _number(factor), None if watts is None else uncertainty
    )


def _number(value: float | None) -> float:
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
