"""The dialogue with one meter of a register map: who is there, all blocks, the rest a line needs.

Knows: what is asked when, silence and nonsense. Does not know: frames (`meters.modbus.frames`), what registers mean
(`meters.register_maps`).
"""

from __future__ import annotations

from contextlib import suppress

from meters import host
from meters.deadline import Deadline
from meters.dialogue import OverWire, Repetitions
from meters.meter import MeterGarbage, MeterMismatch, MeterTimeout
from meters.modbus.frames import ExceptionReply, Framing, Question, shown
from meters.reading import Description, Identity, Reading
from meters.register_maps import (
    Ask,
    RegisterMap,
    columns,
    decode_block,
    to_reading,
)
from meters.serial_wire import SerialWire
from meters.wire import drain

GREET_ATTEMPTS = 3
TURNAROUND_S = 0.4
TCP_REPLY_S = 1.0
QUIET_S = 0.02
GAP_S = 0.15  # no pause inside a reply is longer
NETWORK_GAP_S = 0.5  # Linux sends again what a network lost after 0.2 s at the earliest
REST_CHARACTERS = 3.5  # Modbus over Serial Line, 2.5.1.1
NOT_THERE = frozenset({1, 2, 3})  # exceptions that say the meter has no such register


class ModbusDialogue(OverWire[SerialWire]):
    """The dialogue with one meter of a register map (`meters.dialogue.Dialogue`)."""

    def __init__(
        self,
        wire: SerialWire,
        framing: Framing,
        register_map: RegisterMap,
        *,
        address: int,
        range_w: float,
        character_s: float,
        repetitions: Repetitions,
    ) -> None:
        """`character_s` is how long one byte takes on the line, 0 on a network."""
        self._wire, self._framing, self._map = wire, framing, register_map
        self._address, self._range_w, self._character_s = address, range_w, character_s
        self._next_counts = [0] * len(register_map.blocks)
        self._gap_s = NETWORK_GAP_S if "://" in wire.port else GAP_S
        self._rest_until_s = 0.0
        self._serial = ""
        self._repetitions = repetitions
        self.reply_s = sum(self._exchange_s(max(block.counts)) for block in register_map.blocks)

    def greet(self) -> Identity:
        """Ask who is there, each question up to three times; a meter may have no serial number and no code."""
        drain(self._wire, QUIET_S, Deadline(1.0))
        first, *further = self._map.asks
        self._insist(first)
        answers: dict[str, tuple[int, ...] | None] = {}
        for ask in further:
            with suppress(MeterTimeout):  # it has answered before: silence says the same as an exception
                answers[ask.about] = self._insist(ask)
        self._serial = _serial(answers.get("serial"))
        return self._identity(self._model(answers.get("code")))

    def describe(self) -> Description:
        """Return window, ranges and columns; which edge of its window a value marks is not documented."""
        return Description(
            driver=self._map.driver,
            averaging="window",
            window_s=self._map.window_s,
            stamp="unknown",
            latency_s=0.0,
            columns=columns(self._map, self._range_w),
            tier=self._map.tier,
            refresh_s=self._repetitions.refresh_s,
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Read all blocks; the reading bears the time of the one with the power in it."""
        values: dict[str, float | None] = {}
        registers: tuple[int, ...] = ()
        time_ns = 0
        for index, block in enumerate(self._map.blocks):
            count = block.counts[self._next_counts[index]]
            self._next_counts[index] = (self._next_counts[index] + 1) % len(block.counts)
            arrived_ns, words = self._ask(self._map.function, block.start, count, deadline)
            with self._at_port(f"check that it is a {self._map.model}"):
                quantities = decode_block(self._map, block.start, words)
            time_ns = arrived_ns if "power_w" in quantities else time_ns
            values |= quantities
            registers += words[: min(block.counts)]
        stale = self._repetitions.is_repeated(registers, time_ns)
        return to_reading(self._map, values, time_ns, self._range_w, stale=stale)

    def regain(self, deadline: Deadline) -> Identity:
        """Ask for the serial number, or else the first question: no reply to a reading looks like the answer."""
        drain(self._wire, QUIET_S, deadline)
        ask = next(ask for ask in self._map.asks if ask.about == "serial" or not self._serial)
        answer = self._answer(ask, deadline)
        if answer is None:
            raise MeterGarbage(f"{self.port}: the meter says it has no longer what it gave before ({ask.about})")
        self._serial = _serial(answer) if ask.about == "serial" else ""
        return self._identity(self._map.model)

    def _exchange_s(self, count: int) -> float:
        if not self._character_s:
            return TCP_REPLY_S
        return TURNAROUND_S + 1.5 * (8 + 5 + 2 * count) * self._character_s

    def _insist(self, ask: Ask) -> tuple[int, ...] | None:
        """Ask up to `GREET_ATTEMPTS` times; one lost frame is no absent meter."""
        for _attempt in range(1, GREET_ATTEMPTS):
            with suppress(MeterTimeout, MeterGarbage):
                return self._answer(ask, Deadline(self._exchange_s(ask.count)))
        return self._answer(ask, Deadline(self._exchange_s(ask.count)))

    def _answer(self, ask: Ask, deadline: Deadline) -> tuple[int, ...] | None:
        """Return the answer about the meter itself, `None` where it says that it has no such register."""
        try:
            words = self._ask(3, ask.start, ask.count, deadline)[1]
        except ExceptionReply as error:
            if error.code in NOT_THERE and ask is not self._map.asks[0]:
                return None
            raise
        if ask.about == "address" and self._address <= 247 and words[1] != self._address:
            raise MeterGarbage(f"{self.port}: the meter says its address is {words[1]}, expected {self._address}")
        return words

    def _ask(self, function: int, start: int, count: int, deadline: Deadline) -> tuple[int, tuple[int, ...]]:
        """Return when the last byte of the reply was here, and its registers."""
        question = Question(self._address, function, start, count)
        request = self._framing.request(question)
        host.sleep(max(0.0, self._rest_until_s - host.monotonic()))
        self._wire.write(request)
        splitter = self._framing.splitter(question)
        end = Deadline(min(deadline.left_s, self._exchange_s(count)))
        frame = None
        while frame is None:
            # Zero bytes of a turning line, and the echo of an adapter, do not yet begin a reply.
            waiting = request.startswith(splitter.heard.strip(b"\0"))
            try:
                chunk = self._wire.read_chunk(end if waiting else Deadline(min(end.left_s, self._gap_s)))
            except MeterTimeout as error:
                raise (
                    self._silence(splitter.heard) if waiting else self._nonsense(splitter.heard, question)
                ) from error
            frame = splitter.feed(chunk.data)
            if frame is None and end.expired:
                raise self._nonsense(splitter.heard, question)
        self._rest_until_s = host.monotonic() + REST_CHARACTERS * self._character_s
        try:
            return chunk.time_ns, self._framing.words(frame, question)
        except ExceptionReply as error:
            raise ExceptionReply(error.code, f"{self.port}: {error}; check that it is a {self._map.model}") from error

    def _silence(self, data: bytes) -> MeterTimeout:
        on_network = self.port.startswith(("socket://", "socket+tls://"))
        what = "`transport` (port 502 wants tcp)" if on_network else "the lines A and B, `baud`, `parity`"
        return MeterTimeout(
            f"{self.port}: no answer of a {self._map.model} at address {self._address} in time"
            f"{', only our own question came back' if data.strip(bytes(1)) else ''}; "
            f"check that it has mains, {what} and `address`"
        )

    def _nonsense(self, data: bytes, question: Question) -> MeterGarbage:
        """Return the error for bytes that hold no reply, with what the first of them lack."""
        try:
            self._framing.words(data, question)
        except MeterGarbage as error:
            trouble = str(error)
        else:
            trouble = f"found {shown(data)}, of which only a part came in time"
        return MeterGarbage(
            f"{self.port}: {trouble}; check `address`, `baud`, `parity`, and the termination of the line"
        )

    def _identity(self, model: str) -> Identity:
        """Only a serial number is the meter's own word; maker and model are what the lab chose."""
        return Identity(self._map.maker, model, self._serial, "", asked=bool(self._serial))

    def _model(self, code: tuple[int, ...] | None) -> str:
        """Return our model; raises `MeterMismatch` when the meter code is that of another one we know."""
        named = self._map.codes.get(code[0], self._map.model) if code else self._map.model
        if named != self._map.model:
            raise MeterMismatch(
                f"{self.port}: the meter's code says {named}, expected {self._map.model}; correct the driver"
            )
        return named


def _serial(words: tuple[int, ...] | None) -> str:
    return str(words[0] << 16 | words[1]) if words else ""
