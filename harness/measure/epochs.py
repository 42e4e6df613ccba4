"""What the epochs of the run that goes on have taken so far: the readings of its meters, between marks of the SUT.

Knows readings as they arrive and marks on the host's clock. Knows no run folder and no estimator.

As `reports.energy.energy` has it: a reading of an averaging meter is the power of its window, between windows and
between instantaneous readings power is a straight line. What only the report does is left out: a certificate's
correction, overlapping windows taken apart, the fit of all clock exchanges.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import isfinite

from harness.measure.recorder import MeterRecorder
from meters.reading import Description, Reading

OVERLAP = 1.5
"""How many windows before its end the window of a reading may begin."""


@dataclass(frozen=True, slots=True)
class EpochsSoFar:
    """The epochs that have ended: energy (J) and length (s) of each, and of what stands before the first of them."""

    epoch_j: tuple[float, ...]
    epoch_s: tuple[float, ...]
    before_j: float
    before_s: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """Power (W) that is a straight line from `begin_s` to `end_s`."""

    begin_s: float
    end_s: float
    begin_w: float
    end_w: float

    def energy_j(self, from_s: float, to_s: float) -> float:
        """The energy of the part of it that lies between two instants."""
        low_s, high_s = max(self.begin_s, from_s), min(self.end_s, to_s)
        if high_s <= low_s:
            return 0.0
        slope = (self.end_w - self.begin_w) / (self.end_s - self.begin_s)
        return (high_s - low_s) * (self.begin_w + slope * ((low_s + high_s) / 2 - self.begin_s))


class MeterEnergy:
    """The energy of one meter's readings up to each of some instants, which are asked for in order."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._last: tuple[float, float] | None = None
        self._stretches: deque[Stretch] = deque()
        self._asked_s: float | None = None
        self._energy_j = 0.0

    def take(self, reading: Reading) -> None:
        """The next reading; one without a value is none."""
        if reading.power_w is None or not isfinite(reading.power_w):
            return
        told, end_s = self._description, reading.time_ns * 1e-9 - self._description.latency_s
        if told.averaging == "instantaneous":
            begin_s = end_s
        else:
            end_s += reading.window_s if told.stamp == "start" else 0.0
            begin_s = end_s - OVERLAP * reading.window_s
        if self._last is not None:
            last_s, last_w = self._last
            begin_s = max(begin_s, last_s)
            self._add(Stretch(last_s, begin_s, last_w, reading.power_w))
        self._add(Stretch(begin_s, end_s, reading.power_w, reading.power_w))
        self._last = max(end_s, begin_s), reading.power_w

    def _add(self, stretch: Stretch) -> None:
        if stretch.end_s > stretch.begin_s:
            self._stretches.append(stretch)

    def up_to(self, at_s: float) -> float | None:
        """The energy (J) from the first instant that was asked for to this one; None while no reading reaches it."""
        if self._last is None or self._last[0] < at_s:
            return None
        if self._asked_s is None:
            self._asked_s = at_s
        from_s = self._asked_s
        while self._stretches:
            self._energy_j += self._stretches[0].energy_j(from_s, at_s)
            if self._stretches[0].end_s > at_s:
                break
            self._stretches.popleft()
        self._asked_s = at_s
        return self._energy_j


class EpochMeter:
    """Follows the meters of one run; told its marks by and by, it says what the epochs took."""

    def __init__(self, recorders: Sequence[MeterRecorder]) -> None:
        self._recorders = {recorder.circuit: recorder for recorder in reversed(recorders)}
        self._meters = {name: MeterEnergy(recorder.description) for name, recorder in self._recorders.items()}
        self._taken_ns = dict.fromkeys(self._recorders, -1)
        self._edges: list[tuple[float, float]] = []

    def follow(self, begins_ns: Sequence[int]) -> EpochsSoFar | None:
        """`begins_ns`: when the command began, and each of its epochs by now, on the host's clock; None before a second
        epoch has begun and every meter has spoken of the first."""
        for name, recorder in self._recorders.items():
            for reading in _newer(recorder.recent.copy(), self._taken_ns[name]):
                self._meters[name].take(reading)
                self._taken_ns[name] = reading.time_ns
        for begin_ns in begins_ns[len(self._edges) :]:
            at_s = max(begin_ns * 1e-9, self._edges[-1][0] if self._edges else 0.0)
            energies = [meter.up_to(at_s) for meter in self._meters.values()]
            known = [energy for energy in energies if energy is not None]
            if not known or len(known) < len(energies):
                break
            self._edges.append((at_s, sum(known)))
        if len(self._edges) <= 2:
            return None
        begin, first = self._edges[:2]
        pairs = list(zip(self._edges[1:], self._edges[2:], strict=False))
        return EpochsSoFar(
            tuple(after[1] - before[1] for before, after in pairs),
            tuple(after[0] - before[0] for before, after in pairs),
            first[1] - begin[1],
            first[0] - begin[0],
        )


def _newer(readings: deque[Reading], than_ns: int) -> list[Reading]:
    """The readings at the end that came after an instant, in order."""
    return list(takewhile(lambda reading: reading.time_ns > than_ns, reversed(readings)))[::-1]
