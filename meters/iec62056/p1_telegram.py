"""The telegrams of a P1 port (DSMR and what follows it): where one begins and ends, its check sum, its clock.

Knows: the frame with CRC-16 (DSMR 4 and later) and without (before), what of the registers only such meters say.
Does not know: data lines (`meters.iec62056.data_lines`), which code is which quantity (`meters.obis`), when one comes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from meters import checksums
from meters.iec62056.data_lines import NOTHING, DataSet
from meters.iec62056.messages import Identification
from meters.iec62056.registers import DataSetRegisters, identify
from meters.meter import MeterGarbage
from meters.obis import Quantity, Unit
from meters.reading import Accuracy, Description, Identity
from meters.splitters import Frame, Splitter
from meters.wire import Chunk

TELEGRAM_LIMIT = 8192  # a text message alone may have 2048 characters

END = re.compile(rb"\n!([0-9A-Fa-f]{0,4}) *\r?\n")
TELEGRAM = re.compile(rb"/([A-Za-z]{3})([\x21-\x7e])([\x20-\x7e]*)\r?\n(.*\n)?!([0-9A-Fa-f]{0,4}) *\r?\n", re.DOTALL)
TEXT = re.compile(rb"[\r\n\x20-\x7e]*")
CLOCK = "0-1.0.0"
STAMP = re.compile(r"([0-9]{12})([SW])")
SUMMER_S = 3600.0
WHOLE_AMPERES = "currents come in whole amperes, which say nothing of one machine: they are left out"


class P1Splitter(Splitter):
    """Cuts telegrams out, from `/` to the line of `!`, every byte as it came; holds at most `TELEGRAM_LIMIT` bytes.

    A `/` inside a telegram begins a new one. What belongs to no telegram is dropped and, unless it is NUL or the end of
    a line, makes the next one `resynced`; `dropped_bytes` counts it.
    """

    __slots__ = ()

    def feed(self, chunk: Chunk) -> list[Frame]:
        """Return the telegrams that `chunk` completes, all with its arrival time."""
        self._held += chunk.data
        frames = []
        while (end := END.search(self._from_start())) is not None:
            begin = self._held.rindex(b"/", 0, end.start())
            self._take(begin)
            size = end.end() - begin
            frames.append(self._frame(chunk.time_ns, self._held[:size]))
            self._held = self._held[size:]
        if len(self._held) > TELEGRAM_LIMIT:
            self._take(len(self._held))
        return frames

    def _from_start(self) -> bytes:
        """Return what is held, from where a telegram begins."""
        begin = self._held.find(b"/")
        self._take(len(self._held) if begin < 0 else begin)
        return self._held

    def _take(self, count: int) -> None:
        """Drop the first bytes."""
        self._torn = self._torn or bool(self._held[:count].strip(b"\0\r\n"))
        self._held = self._held[count:]
        self.dropped_bytes += count


def crc16(data: bytes) -> int:
    """Return CRC-16 with x^16 + x^15 + x^2 + 1, bits reflected, from 0 (DSMR P1 companion standard 5.0.2, 6.2)."""
    return checksums.crc16(data, checksums.ANSI, 0)


def decode_telegram(telegram: bytes, checksum: str) -> tuple[Identification, bytes]:
    """Return identification and data block; `checksum` is `crc16`, or `none` for a meter that sends none.

    A check sum that came has to be right in either case; some meters leave its zeros in front out. Raises
    `MeterGarbage`.
    """
    match = TELEGRAM.fullmatch(telegram)
    if match is None or not TEXT.fullmatch(telegram):
        raise MeterGarbage(f"found {telegram[:40]!r}, expected `/`, an identification, lines of text, `!`")
    maker, baud, name, block, sent = match.groups(b"")
    if not sent and checksum != "none":
        raise MeterGarbage(
            "found the end `!` of a telegram without a check sum, expected one; meters before DSMR 4 send none: for "
            'one of these set checksum = "none"'
        )
    expected = crc16(telegram[: telegram.rindex(b"!") + 1])
    if sent and int(sent, 16) != expected:
        raise MeterGarbage(f"found the check sum {sent.decode('ascii')}, expected {expected:04X}")
    lines = block.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return Identification(maker.decode("ascii"), baud.decode("ascii"), name.decode("ascii")), lines


def clock_s(sets: Mapping[str, DataSet]) -> float | None:
    """Return the meter's own clock in seconds of its winter time, `None` where it sends none.

    It is local time, with a letter for summer or winter (S, W) and no word of the zone: good to tell one telegram from
    another, also in the hour that autumn has twice, and no time of anything else.
    """
    stamp = STAMP.fullmatch(sets.get(CLOCK, NOTHING).value)
    if stamp is None:
        return None
    try:
        naive = datetime.strptime(stamp.group(1), "%y%m%d%H%M%S")
    except ValueError:
        return None
    since = naive - datetime(2000, 1, 1)
    return since.total_seconds() - (SUMMER_S if stamp.group(2) == "S" else 0.0)


def identify_p1(identification: Identification, sets: Mapping[str, DataSet]) -> Identity:
    """Return who sends; the serial number is hexadecimal on the wire and a text on the plate."""
    identity = identify(identification, sets)
    try:
        text = bytes.fromhex(identity.serial).decode("ascii")
    except ValueError:
        return identity
    return replace(identity, serial=text) if text.isprintable() and text.strip() else identity


class P1Registers(DataSetRegisters):
    """The registers of one telegram: power in kW with three decimals, import and export apart, currents perhaps in
    whole amperes, which are left out."""

    def find(self, code: str, unit: Unit) -> Quantity | None:
        """Return a register in `unit`, `None` where the meter has no such one or none that can be used."""
        return None if unit == "A" and self._is_whole(code) else super().find(code, unit)

    def _is_whole(self, code: str) -> bool:
        quantity = super().find(code, "A")
        return quantity is not None and quantity.value is not None and quantity.step >= 1.0

    def describe(
        self, driver: str, latency_s: float, range_w: float, accuracy: Accuracy | None, troubles: Sequence[str] = ()
    ) -> Description:
        """Return the columns of what the meter has sent, and what of it was left out or taken by convention."""
        more = [WHOLE_AMPERES] if any(self._is_whole(code) for code in ("31.7.0", "51.7.0", "71.7.0")) else []
        return super().describe(driver, latency_s, range_w, accuracy, [*troubles, *more])
