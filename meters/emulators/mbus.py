"""The meter's side of an M-Bus: one electricity meter, written without the driver's tables.

Knows: the link layer of a meter (SND_NKE, SND_UD that selects, REQ_UD2 with its frame count bit), a telegram with
power, energy, voltage, current, frequency, and values that are not the present power. Does not know: ptys, real time.
It answers at its primary address, at 254, and at 253 while it is selected. The model says EMULATED.

`kind` is what it sends: `plug` a power that nothing qualifies, `strip` three phases and a total that the maker
qualifies (as Saia-Burgess), in two telegrams.

Own faults: `bad-sum` a wrong check sum, `busy` and `other-medium` a report and a heat meter, `no-value` the mark of an
invalid number for power, `overrange`, `no-power`, `error-status`, `encrypted`, `echo` what the host said comes back,
`deaf` one question is not heard, and the last telegram is sent again for a frame count bit that did not change.
"""

from __future__ import annotations

import math

from meters.emulators.faults import OwnFaults
from meters.emulators.refreshed import RefreshedLoad
from meters.emulators.virtual_sut import PowerSource

FAULTS = frozenset(
    {
        "bad-sum",
        "busy",
        "other-medium",
        "no-value",
        "overrange",
        "no-power",
        "error-status",
        "encrypted",
        "echo",
        "deaf",
    }
)
NUMBER = "12345678"
MAKER = "EMU"
VERSION = 16
PRIMARY = 5
SELECTED, EVERYBODY = 253, 254
MAINS_V = 230.0
MAINS_HZ = 50.0
POWER_FACTOR = 0.95
MOST_PENDING = 1024
MORE_FOLLOWS, NO_MORE = b"\x1f", b"\x0f\x00"


class MbusDevice:
    """One meter in front of one power source, advanced by the caller's clock in seconds since its start."""

    def __init__(self, source: PowerSource, *, refresh_s: float = 1.0, kind: str = "plug") -> None:
        """`refresh_s` is how often it has new values."""
        self._load, self._kind = RefreshedLoad(source, refresh_s), kind
        self._pending = b""
        self._is_selected = False
        self._count_bit: bool | None = None
        self._last: bytes = b""
        self._part = self._access = 0
        self.next_push_s: float | None = None
        self.faults = OwnFaults(FAULTS)

    def receive(self, data: bytes, now_s: float) -> list[bytes]:
        """Return the answers to the frames that `data` completes."""
        self._pending = (self._pending + data)[-MOST_PENDING:]
        answers = []
        while (frame := self._next()) is not None:
            self._load.advance(now_s)
            if self.faults.use("deaf"):
                continue
            if self.faults.use("echo"):
                answers.append(frame)
            answer = self._answer(frame)
            if answer:
                answers.append(answer)
        return answers

    def push(self, now_s: float) -> list[bytes]:
        """Return nothing: a meter speaks when it is asked."""
        return []

    def _next(self) -> bytes | None:
        """Return the next whole frame of the host."""
        while self._pending:
            if self._pending[0] == 0x10:
                length = 5
            elif self._pending[0] == 0x68:
                length = 6 + self._pending[1] if len(self._pending) > 1 else 6
            else:
                self._pending = self._pending[1:]
                continue
            if len(self._pending) < length:
                return None
            frame, self._pending = self._pending[:length], self._pending[length:]
            start = 1 if length == 5 else 4
            if frame[-1] == 0x16 and sum(frame[start:-2]) % 256 == frame[-2]:
                return frame
        return None

    def _answer(self, frame: bytes) -> bytes:
        if frame[0] == 0x68:
            return self._select(frame)
        control, address = frame[1], frame[2]
        if control == 0x40:
            was_selected, is_own = self._is_selected, address in (PRIMARY, EVERYBODY)
            self._is_selected = self._is_selected and address != SELECTED
            if is_own or (address == SELECTED and was_selected):
                self._count_bit, self._part = None, 0
                return b"\xe5"
            return b""
        is_asked = address in (PRIMARY, EVERYBODY) or (address == SELECTED and self._is_selected)
        if control & ~0x20 != 0x5B or not is_asked:
            return b""
        count_bit = bool(control & 0x20)
        if count_bit != self._count_bit or not self._last:
            self._count_bit, self._last = count_bit, self._telegram()
        return self._last

    def _select(self, frame: bytes) -> bytes:
        if frame[4] & ~0x20 != 0x53 or frame[5] != SELECTED or frame[6] != 0x52 or len(frame) != 17:
            return b""
        own = bytes.fromhex(NUMBER)[::-1] + _maker() + bytes((VERSION, 2))
        self._is_selected = all(mask in (byte, 0xFF) for mask, byte in zip(frame[7:15], own, strict=True))
        self._count_bit = None
        self._part = 0
        return b"\xe5" if self._is_selected else b""

    def _telegram(self) -> bytes:
        if self.faults.use("busy"):
            return self._framed(b"\x70\x08")
        self._access = (self._access + 1) % 256
        medium, status = 4 if self.faults.use("other-medium") else 2, 8 if self.faults.use("error-status") else 0
        mode = b"\x00\x05" if self.faults.use("encrypted") else b"\0\0"
        head = bytes.fromhex(NUMBER)[::-1] + _maker() + bytes((VERSION, medium, self._access, status)) + mode
        return self._framed(b"\x72" + head + self._records())

    def _framed(self, body: bytes) -> bytes:
        body = bytes((0x08, PRIMARY)) + body
        check = (sum(body) + self.faults.use("bad-sum")) % 256
        return bytes((0x68, len(body), len(body), 0x68)) + body + bytes((check, 0x16))

    def _records(self) -> bytes:
        watts = 1e6 if self.faults.use("overrange") else self._load.power_w
        if self._kind != "strip":
            return self._model() + self._energy() + self._power(watts) + self._rest(watts) + NO_MORE
        self._part = 1 - self._part
        if self._part:
            phases = [b"\x04\xa9\xff" + bytes((phase,)) + _whole(watts / 3, 1e-2) for phase in (1, 2, 3)]
            return self._model() + self._energy() + b"".join(phases) + MORE_FOLLOWS
        return b"\x04\xa9\xff\x00" + _whole(watts, 1e-2) + self._rest(watts) + NO_MORE

    def _model(self) -> bytes:
        text = b"EMULATED"
        return b"\x0d\xfd\x0c" + bytes((len(text),)) + text[::-1]

    def _energy(self) -> bytes:
        """The register in Wh as BCD, one of a tariff, one of the last day."""
        digits = f"{math.floor(self._load.energy_wh + 1e-9):08d}"
        register = bytes.fromhex(digits)[::-1]
        return b"\x0c\x03" + register + b"\x8c\x10\x03" + register + b"\x4c\x03" + bytes(4)

    def _power(self, watts: float) -> bytes:
        """The power of now in 0.1 W, the greatest so far, that of the last day, a reactive one of a part."""
        others = (
            b"\x14\x2a" + _whole(4000.0, 0.1) + b"\x44\x2a" + _whole(77.7, 0.1) + b"\x84\x40\x2a" + _whole(5.0, 0.1)
        )
        if self.faults.use("no-power"):
            return others
        value = b"\0\0\0\x80" if self.faults.use("no-value") else _whole(watts, 0.1)
        return b"\x04\x2a" + value + others

    def _rest(self, watts: float) -> bytes:
        amperes = _whole(watts / (MAINS_V * POWER_FACTOR), 1e-3)
        volts, hertz = _whole(MAINS_V, 0.1)[:2], _whole(MAINS_HZ, 0.01)[:2]
        return b"\x02\xfd\x48" + volts + b"\x04\xfd\x59" + amperes + b"\x02\xfb\x2d" + hertz


def _maker() -> bytes:
    first, second, third = (ord(letter) - 64 for letter in MAKER)
    return (first << 10 | second << 5 | third).to_bytes(2, "little")


def _whole(value: float, step: float) -> bytes:
    return round(value / step).to_bytes(4, "little", signed=True)
