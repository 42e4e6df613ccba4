"""The dialogue with one LMG: stopping a stream that is left, set-up, rows.

Knows: what is said when, and how a meter is opened. Does not know: what a row says (`meters.zes.codec`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter
from meters.line_dialogue import LineDialogue, Terms, insist
from meters.meter import MeterError, MeterGarbage, MeterMismatch, MeterRefused, MeterTimeout
from meters.options import Option, chosen, number, read_options, whole, word
from meters.reading import Column, Description, Identity, RangeChoice, Reading
from meters.serial_wire import Line, SerialWire
from meters.splitters import Frame, LineSplitter
from meters.wire import shown
from meters.wire_log import Sink
from meters.zes.codec import (
    LINE_LIMIT,
    check_row,
    decode_identity,
    decode_row,
    encode,
    order_flags,
    text_of,
    to_reading,
)
from meters.zes.dialects import LMG95, LMG450, LMG670, Dialect
from meters.zes.settings import HIGHEST_A, HIGHEST_V, LMG95_OPTIONS, LMG450_OPTIONS, LMG670_OPTIONS, Settings

REPLY_WAIT_S = 2.0
REPLY_ATTEMPTS = 3
QUIET_S = 0.2
DRAIN_WAIT_S = 3.0
FIRST_ROW_WAIT_S = 3.0  # beyond two cycles
RANGE_CHOICES = (  # which ranges there are depends on the instrument; it takes the next one above what is asked for
    RangeChoice("voltage_range_v", "voltage_v", "auto"),
    RangeChoice("current_range_a", "current_a", "auto"),
)


class Lmg(LineDialogue[SerialWire]):
    """The dialogue with one LMG (`meters.dialogue.Dialogue`)."""

    reply_s = REPLY_ATTEMPTS * REPLY_WAIT_S
    terms = Terms("row", "check instrument, cable and baud rate", "check cable, flow control and baud rate")
    skips_blank = True

    def __init__(
        self, dialect: Dialect, port: str, baud: int, settings: Settings, sink: Sink | None, access: Access
    ) -> None:
        """Open `port`; raises `MeterOptionError`, `MeterUnavailable`."""
        self._dialect, self._settings, self._sink, self._access = dialect, settings, sink, access
        self._line = Line(baud, rtscts=dialect.rtscts)
        super().__init__(SerialWire(port, self._line, sink, access), partial(LineSplitter, b"\n", LINE_LIMIT))

    def _forget(self) -> None:
        super()._forget()
        self._before: Mapping[str, float] | None = None

    def greet(self) -> Identity:
        """Stop a stream that is left, ask who is there, set cycle, ranges and row, start the stream."""
        self._forget()
        identity = self._attend()
        if not self._dialect.model.search(identity.model):
            raise MeterMismatch(
                f"{self.port}: found {identity.maker} {identity.model}, expected a model {self._dialect.driver}; "
                "correct `driver` or `port`"
            )
        self._set_up()
        self._start_rows()
        return identity

    def describe(self) -> Description:
        """Return window, stamp and columns of this meter; without limits of error, which no source confirms."""
        volts = self._settings.voltage_range_v or HIGHEST_V
        amperes = self._settings.current_range_a or HIGHEST_A
        # The steps are those of six digits at 230 V and 1 A; the instrument has as many at any value.
        columns = (
            Column("power_w", "W", 0.001, (-volts * amperes, volts * amperes), None),
            Column("voltage_v", "V", 0.001, (0.0, volts), None),
            Column("current_a", "A", 1e-6, (0.0, amperes), None),
            Column("power_factor", "1", 1e-5, (-1.0, 1.0), None),
            Column("frequency_hz", "Hz", 1e-4, (0.0, 1e6), None),
            Column("apparent_power_va", "VA", 0.001, (0.0, volts * amperes), None),
        )
        fixed = self._settings.voltage_range_v is not None and self._settings.current_range_a is not None
        return Description(
            driver=self._dialect.driver,
            averaging="window",
            window_s=self._settings.cycle_s,
            stamp="end",
            latency_s=0.0,
            columns=columns,
            tier="reference",
            ranging="fixed" if fixed else "auto",
            range_choices=RANGE_CHOICES,
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the next row; lines that are none are dropped and make it `resynced`."""
        return self._next_sound(deadline, self._decode)

    def _decode(self, frame: Frame) -> Reading:
        row = decode_row(frame.body, self._dialect.names)
        check_row(row, self._settings.cycle_s)
        flags = order_flags(self._before, row) | self._tear()
        self._before = row
        return to_reading(row, frame.time_ns, flags)

    def regain(self, deadline: Deadline) -> Identity:
        """Begin anew; a stream has no questions that could be out of step with their answers."""
        return self.greet()

    def close(self) -> None:
        """Stop the stream, give the front panel back (`cont off`, `gtl`), and close the port."""
        with suppress(MeterError):
            self._send("cont off")
            self._send("gtl")
        self._wire.close()

    def _send(self, command: str) -> None:
        self._wire.write(encode(command, self._dialect.end))

    def _attend(self) -> Identity:
        """Stop the stream and ask who is there; where nothing sensible answers, break and ask again."""
        try:
            return insist(REPLY_ATTEMPTS, self._ask_identity)
        except MeterGarbage as error:
            raise MeterGarbage(
                f"{self.port}: what answers is no LMG: {error}; correct driver, baud rate or port"
            ) from error
        except MeterTimeout as error:
            raise MeterTimeout(
                f"{self.port}: no answer to *idn? within {REPLY_ATTEMPTS} x {REPLY_WAIT_S:g} s; check that it is on, "
                "its interface (RTS/CTS, end of line Terminal, echo off), its baud rate, and `port`"
            ) from error

    def _ask_identity(self, attempt: int) -> Identity:
        if attempt:
            self._break()
        self._send(self._dialect.short)
        self._send("cont off")
        self._clear(QUIET_S, Deadline(DRAIN_WAIT_S))
        self._send("*idn?")
        return decode_identity(self._next_frame(Deadline(REPLY_WAIT_S)).body)

    def _break(self) -> None:
        """Clear the interface: a second connection (LMG670), telnet's break through a converter, a break on a line."""
        parts = urlsplit(self.port)
        on_network = parts.scheme in ("socket", "socket+tls")
        if on_network and self._dialect.by_channel:
            beside = f"{parts.scheme}://{_bracketed(parts.hostname or '')}:{(parts.port or 0) + 1}"
            _break_beside(beside, self._sink, self._access)
        elif on_network:
            self._wire.write(b"\xff\xf3")  # lmgtools, lmg95.py
        else:
            # A zero byte at a speed far below that of the line is a break: low for longer than any character.
            self._wire.set_line(replace(self._line, baud=300))
            self._wire.write(b"\0")
            self._wire.set_line(self._line)

    def _confirm(self, command: str) -> None:
        """Send a setting and wait until it is done (`*opc?` -> `1`)."""
        self._send(f"{command};*opc?")
        reply = self._next_frame(Deadline(REPLY_WAIT_S)).body
        if reply.strip() != b"1":
            raise MeterGarbage(f"{self.port}: {command};*opc?: found {shown(reply, 80)}, expected '1'")

    def _set_up(self) -> None:
        if self._settings.reset:
            self._confirm("*rst")
        self._send(self._dialect.short)  # where it was chosen before, the instrument notes an error: cleared next
        self._confirm("*cls")
        self._confirm(f"cycl {self._settings.cycle_s:g}")
        for command in self._range_commands():
            self._confirm(command)
        self._send(self._dialect.scpi)
        self._send("syst:err:all?")
        reply = text_of(self._next_frame(Deadline(REPLY_WAIT_S)).body)
        if not re.match(r"[+-]?0,", reply):
            raise MeterRefused(
                f"{self.port}: the instrument refused a setting: found {reply[:80]!r}, expected '0,\"No error\"'; "
                "correct cycle_s, voltage_range_v, current_range_a or channel"
            )
        self._send(self._dialect.short)

    def _range_commands(self) -> list[str]:
        volts, amperes, channel = self._settings.voltage_range_v, self._settings.current_range_a, self._settings.channel
        commands = []
        for letter, value in (("i", amperes), ("u", volts)):
            if self._dialect.by_channel:
                commands.append(f"{letter}auto{channel} {0 if value else 1}")
                commands += [f"{letter}rng{channel} {value:g}"] if value else []
            else:
                commands.append(f"{letter}am {'manual' if value else 'auto'}")
                commands += [f"{letter}rng {value:g}"] if value else []
        return commands

    def _start_rows(self) -> None:
        """Define the row, start the stream, wait for the first row; it stays queued."""
        items = self._dialect.items(self._settings.channel)
        self._send("actn;" + ";".join(item + "?" for item in items))
        self._send("cont on")
        end = Deadline(2 * self._settings.cycle_s + FIRST_ROW_WAIT_S)
        try:
            line = self._next_frame(end)
        except MeterTimeout as error:
            raise MeterTimeout(
                f"{self.port}: the instrument answers but pushes no row after `cont on`; switch it off and on"
            ) from error
        try:
            decode_row(line.body, self._dialect.names)
        except MeterGarbage as error:
            raise MeterGarbage(f"{self.port}: {error}; it may not know all of {' '.join(items)}") from error
        self._frames.appendleft(line)


def _break_beside(port: str, sink: Sink | None, access: Access) -> None:
    """Ask the LMG670's second port for a break; without it (a tunnel) the first one has to do."""
    with suppress(MeterError):
        wire = SerialWire(port, Line(115200), sink, access)
        try:
            wire.write(b"break\n")
            wire.read_chunk(Deadline(REPLY_WAIT_S))  # `0 ok`
        finally:
            wire.close()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _open(
    dialect: Dialect,
    declared: Mapping[str, Option],
    port: str,
    *,
    capture: Sink | None,
    options: Mapping[str, object],
    access: Access = ANYBODY,
) -> DialogueMeter:
    values = read_options(dialect.driver, declared, options)
    settings = Settings(
        cycle_s=number(values, "cycle_s"),
        voltage_range_v=chosen(values, "voltage_range_v"),
        current_range_a=chosen(values, "current_range_a"),
        reset=word(values, "reset") == "yes",
        channel=whole(values, "channel") if "channel" in declared else 1,
    )
    baud = whole(values, "baud") if "baud" in declared else 115200
    return DialogueMeter(Lmg(dialect, port, baud, settings, capture, access), None, access)


open_lmg95 = partial(_open, LMG95, LMG95_OPTIONS)
open_lmg450 = partial(_open, LMG450, LMG450_OPTIONS)
open_lmg670 = partial(_open, LMG670, LMG670_OPTIONS)
