"""What can go wrong on a wire, switched on at the start or while an emulator runs.

Knows: the names of the faults and what each does to outgoing frames. Does not know: protocols.

| fault | effect |
|---|---|
| `unplug`, `replug` | the port goes away; a new one appears under the same link |
| `silence`, `speak` | nothing is sent any more; sending goes on |
| `garbage[=N]` | the next N frames are replaced by random bytes |
| `nul[=N]` | NUL bytes stand inside the next N frames |
| `half[=N]` | only the first half of the next N frames is sent |
| `tail[=N]` | only the second half of the next N frames is sent |
| `extra[=N]` | the next N frames carry two fields too many |
| `digits[=N]` | every digit in the next N frames is a 9 |
| `duplicate[=N]` | the next N frames are sent twice |
| `stray[=N]` | 00 bytes stand before and after the next N frames |
| `split[=N]` | the next N frames are written byte by byte |
| `flip[=N]` | one bit of the next N frames is the other way round |
| `late=SECONDS` | the next frame is held back |
| `clear` | all frame faults end |

N is 1 where it is left out, or `always`. At the start of an emulator `@SECONDS` may follow: `unplug@10`.
Faults that are words of one protocol (a NAK, a checksum that does not match) are the device's own (`OwnFaults`).
"""

from __future__ import annotations

import math
import os
import random
from dataclasses import dataclass
from pathlib import Path

LINE_FAULTS = frozenset({"unplug", "replug", "silence", "speak", "clear"})
FRAME_FAULTS = ("garbage", "nul", "half", "tail", "extra", "digits", "duplicate", "stray", "split", "flip")
LATE = "late"
LATE_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: how many frames it lasts (or seconds, for `late`), and when it begins."""

    name: str
    amount: float = 1
    at_s: float = 0.0


def parse_fault(text: str, own: frozenset[str] = frozenset()) -> Fault:
    """Return the fault a text of the module's table, or of the device's `own`, names.

    Raises `ValueError` saying what was expected.
    """
    head, mark, moment = text.strip().partition("@")
    name, given, amount = head.partition("=")
    known = [*sorted(LINE_FAULTS), *FRAME_FAULTS, LATE, *sorted(own)]
    if name not in known:
        raise ValueError(f"fault {text!r}: expected one of {', '.join(known)}")
    if name in LINE_FAULTS and given:
        raise ValueError(f"fault {text!r}: expected {name} alone, it takes no amount")
    if name == LATE and not given:
        raise ValueError(f"fault {text!r}: expected late=SECONDS")
    try:
        count = math.inf if amount == "always" and name != LATE else float(amount) if given else 1.0
        at_s = float(moment) if mark else 0.0
    except ValueError:
        raise ValueError(f"fault {text!r}: expected NAME, NAME=N or NAME=always, then perhaps @SECONDS") from None
    if not count > 0 or not 0 <= at_s < math.inf or (name == LATE and count > LATE_LIMIT_S):
        raise ValueError(f"fault {text!r}: expected an amount above 0 (late: at most {LATE_LIMIT_S:g} s)")
    return Fault(name, count, at_s)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be written for one frame: wait, then these pieces, each a write of its own."""

    wait_s: float
    pieces: tuple[bytes, ...]


class OwnFaults:
    """The faults of one device's protocol: how often each is still to happen."""

    def __init__(self, names: frozenset[str] = frozenset()) -> None:
        """Take the names there are; none is in force."""
        self.names = names
        self._left: dict[str, float] = {}

    def switch(self, fault: Fault) -> None:
        """Put one of `names` in force for `amount` times; `clear` ends all, others are ignored."""
        if fault.name == "clear":
            self._left.clear()
        elif fault.name in self.names:
            self._left[fault.name] = fault.amount

    def use(self, name: str) -> bool:
        """Whether the fault happens now; uses up one of its times. Raises `KeyError` for one that is not named."""
        if name not in self.names:
            raise KeyError(name)
        left = self._left.pop(name, 0.0)
        if left > 1:
            self._left[name] = left - 1
        return left > 0


class Faults:
    """The faults in force, applied to one outgoing frame after the other."""

    def __init__(self, seed: int) -> None:
        """Start without any; `seed` fixes the random bytes."""
        self._random = random.Random(seed)
        self._frame_faults = OwnFaults(frozenset(FRAME_FAULTS))
        self._late_s = 0.0
        self.silent = False

    def switch(self, fault: Fault) -> None:
        """Put a fault in force now; plugging is the wire's business and is ignored here."""
        if fault.name in ("silence", "speak"):
            self.silent = fault.name == "silence"
        elif fault.name == LATE:
            self._late_s = fault.amount
        elif fault.name == "clear":
            self._late_s = 0.0
        self._frame_faults.switch(fault)

    def apply(self, frame: bytes) -> Outgoing:
        """Return what becomes of `frame`, using up one of each fault in force."""
        if self.silent:
            return Outgoing(0.0, ())
        wait_s, self._late_s = self._late_s, 0.0
        active = [name for name in FRAME_FAULTS if self._frame_faults.use(name)]
        for name in active:
            frame = self._change(name, frame)
        pieces = [frame[at : at + 1] for at in range(len(frame))] if "split" in active else [frame]
        return Outgoing(wait_s, tuple(pieces))

    def _change(self, name: str, frame: bytes) -> bytes:
        middle = len(frame) // 2
        match name:
            case "garbage":
                return self._random.randbytes(len(frame))
            case "nul":
                return frame[:3] + b"\0" + frame[3:middle] + b"\0\0" + frame[middle:]
            case "half":
                return frame[:middle]
            case "tail":
                return frame[middle:]
            case "extra":
                return frame.replace(b";", b",0,0;")
            case "digits":
                return bytes(ord("9") if 0x30 <= byte <= 0x39 else byte for byte in frame)
            case "duplicate":
                return frame + frame
            case "stray":
                return b"\0\0" + frame + b"\0"
            case "flip":
                at = self._random.randrange(8 * len(frame))
                return frame[: at // 8] + bytes([frame[at // 8] ^ 1 << at % 8]) + frame[at // 8 + 1 :]
            case _:
                return frame


def send_fault(control: Path, text: str) -> None:
    """Tell a running emulator a fault through its control pipe; raises `OSError` when none is running."""
    pipe = os.open(control, os.O_WRONLY | os.O_NONBLOCK)
    try:
        os.write(pipe, (text + "\n").encode("utf-8"))
    finally:
        os.close(pipe)
