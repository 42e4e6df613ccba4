"""ZES Zimmer LMG95, LMG450, LMG670: rows of values, pushed once a cycle after `cont on`.

Knows: the SHORT command language of the three as dialects, the start-up dialogue, what a row is.
Does not know: who reads, where readings go, other meters.

The start-up is the published one (cuveland/lmgtools, `powerlog95.py`, `powerlog670.py`; for the LMG450 the same in
robkh/lmgtools): language SHORT, `cont off`, `*rst`, `*cls`, cycle and ranges each acknowledged by `*opc?`, `actn;...`
defines the row, `cont on`; good-bye is `cont off`, `gtl`. `*rst` is part of it on purpose: filters, averaging,
coupling and scaling that somebody left at the front panel change every reading and stand in no row, so each run
begins in the same state. A lab whose scaling is meant (an external transformer) sets `reset` to `no`; then the
panel's settings hold and it answers for them. `*rst` concerns settings; nothing that calibrates or stores can be sent
(`ALLOWED`).

A reading lasts what the row says (`cycr`, `durnorm`: whole mains periods), never the nominal cycle. A row without
check sum is believed if its number of fields is exact, its counter a counter, its cycle near the one that was set,
and S = U I, |P| = |PF| S hold in it. A counter (LMG670: time stamp) that stands still makes a reading `stale`, one
that has jumped makes it `resynced`: rows were lost. 9.91e37 is `nan`, 9.9e37 of either sign is `overrange`.

Not reported: energy. The instruments have an integrator, but the commands that start and read it stand in no source
at hand. Limits of error are not confirmed by any document at hand either: columns carry none.
From somebody's source, never seen on a wire: the form of `*idn?` (four fields), the reply `0,"No error"`
(tud-zih-energy/lmgd), the channel as a suffix (LMG450 `p2`: PMLib; LMG670: lmgtools). Unconfirmed: that rows mark the
end of their cycle, their latency (taken as 0), that an overloaded range shows as 9.9e37, how a setting out of range is
refused, what `*rst` does to scaling, that `irng` and `urng` of an LMG450 hold for all its channels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
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
from meters.wire_log import Sink

LINE_LIMIT = 512
REPLY_WAIT_S = 2.0
REPLY_ATTEMPTS = 3
QUIET_S = 0.2
DRAIN_WAIT_S = 3.0
FIRST_ROW_WAIT_S = 3.0  # beyond two cycles

NAN = 9.91e37  # IEEE 488.2 / SCPI 1999.0, 7.2.1.5: not a number
INFINITY = 9.9e37
COUNTS = 1 << 16  # `count` goes back to 0 after 65535, `sctc` after 2^31 - 1 (lmgtools, powerlog95.py)
SAMPLES = 1 << 31
CYCLE_SLACK_S = 0.07  # a true cycle is a whole number of periods, longest at 16.7 Hz
CYCLE_SLACK = 0.01
PRODUCT_SLACK = 0.002  # S = U I and |P| = |PF| S within what six digits, and four of PF, can show
FACTOR_SLACK = 0.0005

HIGHEST_V, HIGHEST_A = 1500.0, 1000.0  # plausible, not ranges of an instrument
RANGE_CHOICES = (  # which ranges there are depends on the instrument; it takes the next one above what is asked for
    RangeChoice("voltage_range_v", "voltage_v", "auto"),
    RangeChoice("current_range_a", "current_a", "auto"),
)


# --- dialects ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one instrument says differently."""

    driver: str
    model: re.Pattern[str]
    end: bytes
    short: str
    scpi: str
    identity_items: tuple[str, ...]
    channel_items: tuple[str, ...]
    channels: int
    first_suffix: str
    rtscts: bool
    by_channel: bool  # ranges are set for each channel; a second TCP port takes the break

    def items(self, channel: int) -> tuple[str, ...]:
        """Return what a row holds, in order; the names of a row's values without their channel are `names`."""
        suffix = self.first_suffix if channel == 1 else str(channel)
        return (*self.identity_items, *(item + suffix for item in self.channel_items))

    @property
    def names(self) -> tuple[str, ...]:
        """What a row holds, in order, whatever the channel."""
        return self.identity_items + self.channel_items


_CHANNEL_ITEMS = ("utrms", "itrms", "p", "s", "pf")

LMG95 = Dialect(
    driver="lmg95",
    model=re.compile(r"LMG\s?95", re.IGNORECASE),
    end=b"\r\n",
    short="syst:lang short",
    scpi="lang scpi",
    identity_items=("count", "sctc", "cycr", "freq"),
    channel_items=_CHANNEL_ITEMS,
    channels=1,
    first_suffix="",
    rtscts=True,
    by_channel=False,
)
LMG450 = replace(LMG95, driver="lmg450", model=re.compile(r"LMG\s?(450|500)", re.IGNORECASE), channels=4)
LMG670 = Dialect(
    driver="lmg670",
    model=re.compile(r"LMG\s?6\d\d", re.IGNORECASE),
    end=b"\n",
    short="*zlang short",
    scpi="*zlang scpi",
    identity_items=(),
    channel_items=("tsnorm", "durnorm", "fcyc", *_CHANNEL_ITEMS),
    channels=7,
    first_suffix="1",
    rtscts=False,
    by_channel=True,
)
DIALECTS = (LMG95, LMG450, LMG670)

_BAUD = Option(115200.0, "bits per second, as set at the instrument", low=1200.0, high=230400.0, whole=True)
_COMMON = {
    "cycle_s": Option(
        0.5, "seconds a row averages over; the true cycle is the nearest whole mains periods", 0.05, 60.0
    ),
    "voltage_range_v": Option(
        "auto", "voltage range in V; auto lets the instrument choose", low=0.001, high=HIGHEST_V, choices=("auto",)
    ),
    "current_range_a": Option(
        "auto", "current range in A; auto lets the instrument choose", low=1e-6, high=HIGHEST_A, choices=("auto",)
    ),
    "reset": Option("yes", "whether *rst comes first; no keeps the settings of the front panel", choices=("yes", "no")),
}
LMG95_OPTIONS: Mapping[str, Option] = {"baud": _BAUD, **_COMMON}
LMG450_OPTIONS: Mapping[str, Option] = {
    "baud": _BAUD,
    **_COMMON,
    "channel": Option(1.0, "measuring channel", low=1.0, high=4.0, whole=True),
}
LMG670_OPTIONS: Mapping[str, Option] = {
    **_COMMON,
    "channel": Option(1.0, "measuring channel", low=1.0, high=7.0, whole=True),
}

# Everything the driver may send: each command's first word, the channel's digit left out.
ALLOWED = frozenset(
    {"*idn?", "*rst", "*cls", "*opc?", "syst:lang", "lang", "*zlang", "syst:err:all?", "cycl", "cont", "actn", "gtl"}
    | {"iam", "irng", "uam", "urng", "iauto", "uauto"}
    | {name + "?" for dialect in DIALECTS for name in dialect.names}
)


# --- codec: bytes <-> values ------------------------------------------------------------------------------------


def encode(command: str, end: bytes) -> bytes:
    """Return the bytes of a command line; raises `MeterRefused` for anything that is not in `ALLOWED`."""
    for part in command.split(";"):
        head = re.sub(r"\d+(\??)$", r"\1", part.split(" ")[0].lower())
        if head not in ALLOWED:
            raise MeterRefused(f"zes: the driver does not send {part!r}; it can change what the instrument keeps")
    return command.encode("ascii") + end


def decode_identity(body: bytes) -> Identity:
    """Return the identity in an `*idn?` reply; raises `MeterGarbage` unless it has its four fields."""
    text = _text(body)
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4 or ";" in text or not parts[1] or not text.isprintable():
        raise MeterGarbage(f"found {_shown(body)}, expected `<maker>,<model>,<serial>,<firmware>`")
    maker, model, serial, firmware = parts
    return Identity(maker, model, serial, firmware)


def decode_row(body: bytes, names: tuple[str, ...]) -> dict[str, float]:
    """Return a row's values by name, as sent; a time stamp (`tsnorm`) as seconds since 1970.

    Raises `MeterGarbage` on another number of fields and on a field that is no number.
    """
    fields = _text(body).split(";")
    if len(fields) != len(names):
        raise MeterGarbage(f"found {len(fields)} fields in {_shown(body)}, expected {len(names)}: {' '.join(names)}")
    return {name: _decode_field(name, field.strip()) for name, field in zip(names, fields, strict=True)}


def _decode_field(name: str, text: str) -> float:
    if name.startswith("tsnorm"):
        return _decode_stamp(name, text)
    if not re.fullmatch(r"[+-]?\d{1,12}(\.\d{0,12})?([eE][+-]?\d{1,2})?", text):
        raise MeterGarbage(f"field {name}: found {text[:30]!r}, expected a number")
    value = float(text)
    if INFINITY * 0.999 > abs(value) >= 1e12 or abs(value) > NAN * 1.0001:
        raise MeterGarbage(f"field {name}: found {text[:30]!r}, expected a number below 1e12, 9.9e37 or 9.91e37")
    return value


def _decode_stamp(name: str, text: str) -> float:
    """Return e.g. `2015:01:21D17:20:55.437817000+0000` as seconds; nanoseconds beyond a microsecond are dropped."""
    match = re.fullmatch(r"(\d{4}:\d\d:\d\dD\d\d:\d\d:\d\d\.\d{6})\d{3}([+-]\d{4})", text)
    try:
        return datetime.strptime("".join(match.groups()) if match else "", "%Y:%m:%dD%H:%M:%S.%f%z").timestamp()
    except (ValueError, OverflowError):
        pass
    raise MeterGarbage(f"field {name}: found {text[:40]!r}, expected `2015:01:21D17:20:55.437817000+0000`")


def check_row(row: Mapping[str, float], cycle_s: float) -> None:
    """Raise `MeterGarbage` if the row contradicts itself or the cycle that was set."""
    for name, end in (("count", COUNTS), ("sctc", SAMPLES)):
        counter = row.get(name, 0.0)
        if not 0 <= counter < end or counter != int(counter):
            raise MeterGarbage(f"field {name}: found {counter:g}, expected a whole number from 0 to {end - 1}")
    true_s = true_cycle_s(row)
    if true_s <= 0 or abs(true_s - cycle_s) > CYCLE_SLACK_S + CYCLE_SLACK * cycle_s:
        raise MeterGarbage(f"true cycle: found {true_s:g} s, expected nearly {cycle_s:g} s as it was set")
    volts, amperes, watts, apparent, factor = (_finite(row.get(name, NAN)) for name in _CHANNEL_ITEMS)
    for name, value, high in (("utrms", volts, HIGHEST_V), ("itrms", amperes, HIGHEST_A), ("pf", factor, 1.0)):
        if value is not None and abs(value) > high * (1 + PRODUCT_SLACK):
            raise MeterGarbage(f"field {name}: found {value:g}, expected at most {high:g}")
    if apparent is not None and volts is not None and amperes is not None:
        _check_product("s", apparent, "utrms itrms", volts * amperes, 0.0)
    if apparent is not None and watts is not None:
        if factor is not None:
            _check_product("p", abs(watts), "pf s", abs(factor) * apparent, FACTOR_SLACK * apparent)
        elif abs(watts) > apparent * (1 + PRODUCT_SLACK):
            raise MeterGarbage(f"field p: found {watts:g}, expected at most the apparent power {apparent:g}")


def _check_product(name: str, value: float, factors: str, product: float, slack: float) -> None:
    if abs(value - product) > PRODUCT_SLACK * max(abs(value), abs(product)) + slack:
        raise MeterGarbage(f"field {name}: found {value:g}, expected {product:g} as {factors} of the same row say")


def true_cycle_s(row: Mapping[str, float]) -> float:
    """Return how long the row was averaged over, in seconds, as the instrument says."""
    return row["cycr"] if "cycr" in row else row["durnorm"]


def to_reading(row: Mapping[str, float], time_ns: int, flags: frozenset[str]) -> Reading:
    """Return the row as SI values; power that is NaN is `nan`, an infinite P, U or I is `overrange`."""
    power_w = _finite(row["p"])
    if any(_infinite(row[name]) for name in ("p", "utrms", "itrms")):
        power_w, flags = None, flags | {"overrange"}
    elif power_w is None:
        flags = flags | {"nan"}
    return Reading(
        time_ns=time_ns,
        power_w=power_w,
        voltage_v=_finite(row["utrms"]),
        current_a=_finite(row["itrms"]),
        power_factor=_finite(row["pf"]),
        frequency_hz=_finite(row["freq"] if "freq" in row else row["fcyc"]),
        apparent_power_va=_finite(row["s"]) if "s" in row else None,
        window_s=true_cycle_s(row),
        flags=flags,
    )


def order_flags(before: Mapping[str, float] | None, row: Mapping[str, float]) -> frozenset[str]:
    """Return `stale` if the instrument repeated the row before, `resynced` if rows between them are missing."""
    if before is None:
        return frozenset()
    if "count" in row:
        step = (row["count"] - before["count"]) % COUNTS
        if step == 0 or row["sctc"] == before["sctc"]:
            return frozenset({"stale"})
        return frozenset() if step == 1 else frozenset({"resynced"})
    passed_s = row["tsnorm"] - before["tsnorm"]
    if passed_s == 0:
        return frozenset({"stale"})
    return frozenset() if 0 < passed_s < 1.5 * true_cycle_s(row) else frozenset({"resynced"})


def _finite(value: float) -> float | None:
    return None if abs(value) >= 1e37 else value


def _infinite(value: float) -> bool:
    return 1e37 <= abs(value) < (NAN + INFINITY) / 2


def _text(body: bytes) -> str:
    return body.strip().decode("ascii", errors="replace")


def _shown(body: bytes) -> str:
    return repr(body[:80])


# --- the dialogue -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settings:
    """What the lab chose; ranges in V and A, `None` for the instrument's own choice."""

    cycle_s: float
    voltage_range_v: float | None
    current_range_a: float | None
    reset: bool
    channel: int


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
            return insist(REPLY_ATTEMPTS, self._ask_who)
        except MeterGarbage as error:
            raise MeterGarbage(
                f"{self.port}: what answers is no LMG: {error}; correct driver, baud rate or port"
            ) from error
        except MeterTimeout as error:
            raise MeterTimeout(
                f"{self.port}: no answer to *idn? within {REPLY_ATTEMPTS} x {REPLY_WAIT_S:g} s; check that it is on, "
                "its interface (RTS/CTS, end of line Terminal, echo off), its baud rate, and `port`"
            ) from error

    def _ask_who(self, attempt: int) -> Identity:
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
            raise MeterGarbage(f"{self.port}: {command};*opc?: found {_shown(reply)}, expected '1'")

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
        reply = _text(self._next_frame(Deadline(REPLY_WAIT_S)).body)
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


# --- opening ----------------------------------------------------------------------------------------------------


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
