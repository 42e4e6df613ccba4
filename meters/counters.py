"""Energy counters that software reads of the machine itself, as a meter: what is estimated, not measured.

Knows: lines of counters (`NAME PART RANGE_UJ ENERGY_UJ`), how a counter that begins anew is read, power between two
readings; that each reading is captured, so that it can be decoded again. Does not know: where counters come from
(`meters.rapl`, `meters.nvml`). Its identity carries a mark by which every reading of it is `estimated`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from meters import host
from meters.access import Peer
from meters.deadline import Deadline
from meters.dialogue import OverWire, interval_option
from meters.meter import MeterGarbage, MeterUnavailable, MeterUnplugged
from meters.options import Option
from meters.reading import ESTIMATE_MARK, Column, Description, Identity, Reading
from meters.wire import Chunk
from meters.wire_log import Capture, Exchange, Sink

INTERVAL_S = 1.0
OPTIONS: Mapping[str, Option] = {"interval_s": interval_option(INTERVAL_S)}
REPLY_S = 3.0
QUESTION = b"read\n"
"""What stands in the log for each reading that was asked for."""
MOST_LINES = 256
WIDEST_W = 100_000.0
HALF, BURST = 0.5, 3.0
"""A turn of a counter is a step of at most so much of its range, and at most so many times as fast as any other."""


class Source(Protocol):
    """Where counters come from."""

    def read(self) -> bytes:
        """Return a line for each counter, now; raises `OSError`."""
        ...

    def close(self) -> None:
        """Give it back; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter: what it is of, where it begins anew (uJ; 0: nowhere), its energy (uJ)."""

    part: str
    range_uj: int
    energy_uj: int


def decode_counters(data: bytes) -> dict[str, Counter]:
    """Return the counters of one reading by name; raises `MeterGarbage`."""
    found: dict[str, Counter] = {}
    try:
        lines = data.decode("ascii").splitlines()
        for line in lines[:MOST_LINES]:
            name, part, range_uj, energy_uj = line.split(" ")
            counter = Counter(part, int(range_uj), int(energy_uj))
            if counter.range_uj < 0 or counter.energy_uj < 0 or name in found:
                raise ValueError(line)
            found[name] = counter
    except ValueError:
        found = {}
    if not found:
        raise MeterGarbage(f"found {data[:60]!r}, expected lines `NAME PART RANGE_UJ ENERGY_UJ`")
    return found


class Counts:
    """What counters count from reading to reading.

    A fall is a wrap where the step that it would mean is at most half of the range and, once other steps are known, at
    most `BURST` times as fast as the fastest of them. Any other fall is a reset: what was used across it nobody knows.
    """

    def __init__(self, time_ns: int, counters: Mapping[str, Counter]) -> None:
        """Begin with a first reading, ns on the host's monotonic clock."""
        self.time_ns = time_ns
        self._counters = counters
        self._fastest_w: dict[str, float] = {}

    def advance(self, time_ns: int, counters: Mapping[str, Counter]) -> tuple[int, float]:
        """Return the energy since the reading before, uJ, and the time between them, s.

        Raises:
            MeterGarbage: these are other counters, or no later ones; or one was reset, and what is counted then begins
                with this reading.
        """
        if self._counters.keys() != counters.keys():
            raise MeterGarbage("found other counters than in the reading before, expected the same ones")
        before, elapsed_s = self._counters, (time_ns - self.time_ns) / 1e9
        if elapsed_s <= 0:
            raise MeterGarbage("found a reading that is no later than the one before, expected a later one")
        self.time_ns, self._counters = time_ns, counters
        steps_uj = {name: self._step_uj(name, before[name], now, elapsed_s) for name, now in counters.items()}
        for name, step_uj in steps_uj.items():
            self._fastest_w[name] = max(self._fastest_w.get(name, 0.0), step_uj * 1e-6 / elapsed_s)
        return sum(steps_uj.values()), elapsed_s

    def _step_uj(self, name: str, before: Counter, now: Counter, elapsed_s: float) -> int:
        grown_uj = now.energy_uj - before.energy_uj
        if grown_uj >= 0:
            return grown_uj
        most_uj = now.range_uj * HALF
        if fastest_w := self._fastest_w.get(name):
            most_uj = min(most_uj, BURST * fastest_w * elapsed_s * 1e6)
        if not 0 <= grown_uj + now.range_uj <= most_uj:
            raise MeterGarbage(
                f"found a counter {name} that went back by {-grown_uj} uJ, which is no turn of it, expected one that "
                "only grows: it was reset, and nobody knows what was used meanwhile"
            )
        return grown_uj + now.range_uj


class CounterWire:
    """A source of counters with every reading captured (`meters.dialogue.Link`)."""

    def __init__(self, port: str, opener: Callable[[str], Source], sink: Sink | None) -> None:
        """Open it; raises `MeterUnavailable`. `opener` is called with the port."""
        self.port = port
        self._opener = opener
        self._capture = None if sink is None else Capture(sink)
        self._connect()

    @property
    def peer(self) -> Peer | None:
        """There is no network."""
        return None

    def ask(self) -> Chunk:
        """Return one reading; raises `MeterUnplugged`."""
        self._record(">", host.monotonic_ns(), QUESTION)
        try:
            data = self._read()
        except OSError as error:
            raise MeterUnplugged(f"{self.port}: the counters cannot be read any more ({error})") from error
        chunk = Chunk(host.monotonic_ns(), data)
        self._record("<", chunk.time_ns, data)
        return chunk

    def reopen(self) -> None:
        """Open the source anew; raises `MeterUnavailable`."""
        self.close()
        self._connect()

    def close(self) -> None:
        """Give the source back."""
        if self._source is not None:
            with suppress(OSError):
                self._source.close()

    def _connect(self) -> None:
        session = host.recording()
        self._line = None if session is None else session.line()
        self._source: Source | None = None
        if session is None:
            try:
                self._source = self._opener(self.port)
            except OSError as error:
                raise MeterUnavailable(f"{self.port}: {error}") from error

    def _read(self) -> bytes:
        if self._line is not None:
            self._line.write(QUESTION)
            return self._line.read()
        assert self._source is not None
        return self._source.read()

    def _record(self, direction: Literal["<", ">"], time_ns: int, data: bytes) -> None:
        if self._capture is not None:
            self._capture.record(Exchange(time_ns, direction, data))


class CounterDialogue(OverWire[CounterWire], ABC):
    """What is the same of every kind of counter (`meters.dialogue.Dialogue`): a reading is the mean power since the
    one before, which is what was counted over the time between them."""

    driver: ClassVar[str]
    maker: ClassVar[str]
    reply_s = REPLY_S

    def __init__(self, port: str, interval_s: float, sink: Sink | None, opener: Callable[[str], Source]) -> None:
        """Open the source; raises `MeterUnavailable`."""
        self._interval_s = interval_s
        self._counts: Counts | None = None
        self._wire = CounterWire(port, opener, sink)

    @abstractmethod
    def _model(self, counters: Mapping[str, Counter]) -> str:
        """What is counted, in words."""

    def greet(self) -> Identity:
        """Read once: what there is, and where the first interval begins."""
        chunk = self._wire.ask()
        with self._at_port():
            counters = decode_counters(chunk.data)
        self._counts = Counts(chunk.time_ns, counters)
        return Identity(self.maker, f"{self._model(counters)}, {ESTIMATE_MARK}", "", "")

    def describe(self) -> Description:
        """Return what is fixed: a mean over the time between two readings; nobody states limits of error."""
        power = Column("power_w", "W", 1e-3, (0.0, WIDEST_W), None)
        return Description(
            driver=self.driver, averaging="window", window_s=self._interval_s, stamp="end", latency_s=0.0,
            columns=(power,), tier="uncalibrated",
            remarks=("these are counters of the machine itself: an estimate, in which the rest of it has no part",),
        )  # fmt: skip

    def sample(self, deadline: Deadline) -> Reading:
        """Return the mean power since the reading before; raises `MeterGarbage`, `MeterUnplugged`."""
        assert self._counts is not None
        elapsed_s = (host.monotonic_ns() - self._counts.time_ns) / 1e9
        if elapsed_s < self._interval_s / 2:  # the first one: its interval has only begun
            host.sleep(self._interval_s - elapsed_s)
        chunk = self._wire.ask()
        with self._at_port("read it again; a counter that another program sets back is no counter"):
            energy_uj, window_s = self._counts.advance(chunk.time_ns, decode_counters(chunk.data))
        return Reading(chunk.time_ns, energy_uj * 1e-6 / window_s, window_s=window_s)

    def regain(self, deadline: Deadline) -> Identity:
        """Begin anew."""
        return self.greet()
