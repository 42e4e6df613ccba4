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
from meters.meter import MeterGarbage, MeterMismatch, MeterUnavailable, MeterUnplugged
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


def counted_uj(before: Mapping[str, Counter], now: Mapping[str, Counter]) -> int:
    """Return the energy (uJ) between two readings less than one turn of any counter apart; raises `MeterGarbage`."""
    if before.keys() != now.keys():
        raise MeterGarbage("found other counters than in the reading before, expected the same ones")
    total_uj = 0
    for name, counter in now.items():
        grown_uj = counter.energy_uj - before[name].energy_uj
        if grown_uj < 0 and not counter.range_uj:
            raise MeterGarbage(f"found a counter {name} that went back by {-grown_uj} uJ, expected one that only grows")
        total_uj += grown_uj + (counter.range_uj if grown_uj < 0 else 0)
    return total_uj


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
        self._before: tuple[int, dict[str, Counter]] | None = None
        self._wire = CounterWire(port, opener, sink)

    @abstractmethod
    def _model(self, counters: Mapping[str, Counter]) -> str:
        """What is counted, in words."""

    def greet(self) -> Identity:
        """Read once: what there is, and where the first interval begins."""
        identity, self._before = self._looked()
        return identity

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
        assert self._before is not None
        before_ns, before = self._before
        elapsed_s = (host.monotonic_ns() - before_ns) / 1e9
        if elapsed_s < self._interval_s / 2:  # the first one: its interval has only begun
            host.sleep(self._interval_s - elapsed_s)
        chunk = self._wire.ask()
        with self._at_port("read it again; a counter that another program sets back is no counter"):
            now = decode_counters(chunk.data)
            energy_uj = counted_uj(before, now)
        self._before = chunk.time_ns, now
        window_s = (chunk.time_ns - before_ns) / 1e9
        return Reading(chunk.time_ns, energy_uj * 1e-6 / window_s, window_s=window_s)

    def regain(self, deadline: Deadline) -> Identity:
        """Begin anew."""
        return self.greet()

    def _looked(self) -> tuple[Identity, tuple[int, dict[str, Counter]]]:
        chunk = self._wire.ask()
        with self._at_port():
            counters = decode_counters(chunk.data)
        if not counters:
            raise MeterMismatch(f"{self.port}: found no counter")
        model = f"{self._model(counters)}, {ESTIMATE_MARK}"
        return Identity(self.maker, model, "", ""), (chunk.time_ns, counters)
