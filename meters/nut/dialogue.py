"""The dialogue with upsd: who is there, then one `LIST VAR` a reading; options and openers of both drivers.

Knows: what is asked when, how long the same answer is no new one. Does not know: lines (`meters.nut.codec`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from meters.access import ANYBODY, REPLAYED, WITHHELD, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, Repetitions, interval_option
from meters.line_dialogue import LineDialogue, Terms
from meters.meter import MeterGarbage, MeterMismatch, MeterOptionError, MeterUnavailable, MeterUnplugged
from meters.nut.codec import (
    BESIDE,
    LINE_LIMIT,
    LOAD,
    MOST_VARIABLES,
    NOMINAL,
    PLAIN,
    POWER,
    UnknownUps,
    UpsSilent,
    decode_identity,
    decode_line,
    decode_names,
    decode_number,
    decode_power,
    decode_variables,
    encode,
    refresh_of,
    to_reading,
    withhold,
)
from meters.options import Option, number, read_options, word
from meters.reading import Column, Description, Identity, Reading
from meters.serial_wire import Line, SerialWire
from meters.splitters import LineSplitter
from meters.wire_log import Sink

DRIVER, LOAD_DRIVER = "nut", "nut-load"
OPTIONS: Mapping[str, Option] = {
    "interval_s": interval_option(2.0),
    "ups": Option("", "which of several UPSs of that upsd, as `upsc -l` lists them; needed where there are several"),
    "max_age_s": Option(15.0, "MAXAGE of upsd, s: how long it passes values on that are not new", low=0.01, high=600.0),
    "reply_s": Option(3.0, "seconds an answer may take", low=0.1, high=60.0),
    "range_w": Option(3680.0, "W, above which a reading is overrange (16 A at 230 V)", low=1.0, high=1e6),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the lab chose: whether load times nominal power is taken, the UPS, s of each, and the range in W."""

    estimated: bool
    ups: str
    interval_s: float
    max_age_s: float
    reply_s: float
    range_w: float


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to `LIST VAR`: when it came, the variables in it, or why upsd has none (`silence`)."""

    time_ns: int
    variables: Mapping[str, str]
    silence: str = ""


class UpsdWire(SerialWire):
    """A connection to upsd whose log holds no password."""

    def _presentable(self, data: bytes) -> bytes:
        return withhold(data)


class Nut(LineDialogue[SerialWire]):
    """The dialogue with upsd: one `LIST VAR`, one reading (`meters.dialogue.Dialogue`)."""

    terms = Terms("line", "check that upsd runs and that no firewall stands between")

    def __init__(self, port: str, settings: Settings, sink: Sink | None, access: Access) -> None:
        """Connect to `port`; raises `MeterOptionError`, `MeterUnavailable`, `MeterMismatch`."""
        wire = UpsdWire(port, Line(115200), sink, access)  # TCP; the speed means nothing there
        super().__init__(wire, partial(LineSplitter, b"\n", LINE_LIMIT))
        self._settings, self._login = settings, access.credentials
        self._ups = settings.ups
        self.reply_s = settings.reply_s
        self._variables: Mapping[str, str] = {}
        self._repetitions = Repetitions(settings.max_age_s)

    def greet(self) -> Identity:
        """Log in, find the UPS, ask what it tells."""
        deadline = Deadline(2 * self.reply_s)
        with self._at_port("check that `port` is that of upsd"):
            self._log_in(deadline)
            self._ups = self._settings.ups or self._only_one(deadline)
            answer = self._ask(deadline)
            if answer.silence:
                raise MeterUnavailable(
                    f"{self.port}: upsd has no values of {self._ups} ({answer.silence}); look after the UPS's cable "
                    "and its driver (upsdrvctl) there"
                )
            if decode_power(answer.variables, estimated=self._settings.estimated) is None:
                raise MeterMismatch(self._lacking(answer.variables))
        self._variables = answer.variables
        refresh_s = refresh_of(self._variables, self._settings.max_age_s)
        self._repetitions = Repetitions(refresh_s, self._settings.interval_s)
        return decode_identity(self._variables, estimated=self._settings.estimated)

    def describe(self) -> Description:
        """Return what is fixed; no UPS says over which time its power is averaged, or when."""
        power = decode_power(self._variables, estimated=self._settings.estimated)
        range_w, estimated = self._settings.range_w, self._settings.estimated
        columns = [Column("power_w", "W", 1.0 if power is None else power.step, (-range_w, range_w), None)]
        for field in BESIDE:
            value = decode_number(self._variables, field)
            if value is not None:
                columns.append(Column(field.quantity, field.unit, value.step, (field.low, field.high), None))
        return Description(
            driver=LOAD_DRIVER if estimated else DRIVER,
            averaging="instantaneous",
            window_s=0.0,
            stamp="unknown",
            latency_s=0.0,
            columns=tuple(columns),
            tier="uncalibrated" if estimated else "indicative",
            refresh_s=self._repetitions.refresh_s,
            remarks=tuple(self._remarks()),
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the values of now; a UPS of which upsd hears nothing has none, and none that is new."""
        with self._at_port("the next question begins anew"):
            answer = self._ask(deadline)
            if answer.silence:
                return Reading(answer.time_ns, None, flags=frozenset({"nan", "stale"}))
            stale = self._repetitions.is_repeated(answer.variables, answer.time_ns)
            estimated, range_w = self._settings.estimated, self._settings.range_w
            return to_reading(answer.variables, answer.time_ns, range_w, stale=stale, estimated=estimated)

    def regain(self, deadline: Deadline) -> Identity:
        """Connect anew: an answer has no number, and one that is late must not be taken for that to a later line."""
        try:
            self.reopen()
        except MeterUnavailable as error:
            raise MeterUnplugged(str(error)) from error
        with self._at_port("the next question begins anew"):
            self._log_in(deadline)
            answer = self._ask(deadline)
            if answer.silence:
                raise MeterGarbage(f"upsd has no values of {self._ups} ({answer.silence})")
            return decode_identity(answer.variables, estimated=self._settings.estimated)

    def reopen(self) -> None:
        """Connect anew."""
        self._wire.reopen()
        self._forget()

    def _log_in(self, deadline: Deadline) -> None:
        if self._login is None:
            return
        if not self._login.user and self._login != REPLAYED:
            raise MeterOptionError(f"{self.port}: upsd takes a password with a user only; give user beside it")
        for words in (("USERNAME", self._login.user or WITHHELD), ("PASSWORD", self._login.password)):
            self._wire.write(encode(*words))
            _time_ns, reply = self._line(deadline)
            if not reply.startswith("OK"):
                raise MeterGarbage(f"found {reply[:80]!r} after {words[0]}, expected OK")

    def _only_one(self, deadline: Deadline) -> str:
        names = decode_names(self._list(deadline, "UPS")[1])
        if len(names) != 1:
            raise self._no_such(names)
        return names[0]

    def _no_such(self, names: Sequence[str]) -> MeterOptionError:
        known = ", ".join(names) or "none there"
        return MeterOptionError(f"{self.port}: option ups is {self._settings.ups!r}, expected one of: {known}")

    def _ask(self, deadline: Deadline) -> Answer:
        """Ask for all variables of the UPS."""
        try:
            time_ns, lines = self._list(deadline, "VAR", self._ups)
            return Answer(time_ns, decode_variables(lines, self._ups))
        except UpsSilent as silent:
            return Answer(silent.time_ns, {}, silent.word)
        except UnknownUps as error:
            raise self._no_such(decode_names(self._list(deadline, "UPS")[1])) from error

    def _list(self, deadline: Deadline, *words: str) -> tuple[int, list[str]]:
        """Return when the last line of a list came, and the lines in it; raises `MeterGarbage` when lines nobody asked
        for were there before."""
        if self._frames or self._splitter.held_bytes:
            raise MeterGarbage(f"found bytes before LIST {words[0]} was asked, expected nothing")
        self._wire.write(encode("LIST", *words))
        subject = " ".join(("LIST", *words))
        first = self._line(deadline)[1]
        if first != f"BEGIN {subject}":
            raise MeterGarbage(f"found {first[:80]!r}, expected 'BEGIN {subject}'")
        lines: list[str] = []
        while len(lines) <= MOST_VARIABLES:
            time_ns, line = self._line(deadline)
            if line == f"END {subject}":
                return time_ns, lines
            lines.append(line)
        raise MeterGarbage(f"found more than {MOST_VARIABLES} lines, expected 'END {subject}'")

    def _line(self, deadline: Deadline) -> tuple[int, str]:
        frame = self._next_frame(deadline)
        return frame.time_ns, decode_line(frame.body, frame.time_ns)

    def _lacking(self, variables: Mapping[str, str]) -> str:
        """Return what a lab can do with a UPS that tells no power."""
        wanted = f"{LOAD.variable} and {NOMINAL.variable}" if self._settings.estimated else POWER.variable
        if not self._settings.estimated and decode_power(variables, estimated=True) is not None:
            way = f"the driver {LOAD_DRIVER!r} estimates it from {LOAD.variable} and {NOMINAL.variable}"
        else:
            way = "put a power meter before or behind it"
        return f"the UPS {self._ups} tells no {wanted}; {way}"

    def _remarks(self) -> list[str]:
        """Return what an operator should know of what stands behind these values."""
        remarks = ["the power is that of the UPS's outlets: what the UPS itself draws has no part in it"]
        if self._settings.estimated:
            remarks.append(f"it is {LOAD.variable} times {NOMINAL.variable}: an estimate, which nobody measured")
        status = self._variables.get("ups.status", "")
        if status.split() != ["OL"]:
            remarks.append(f"the UPS says {status!r} of itself, where on line power it would say 'OL'")
        if self._login is not None and self.peer is not None and not self.peer.pinned:
            remarks.append(
                "the password goes over the network so that whoever listens there can read it: put a TLS terminator "
                "with a pinned key before upsd, or keep it on a network of its own"
            )
        return remarks


def open_nut(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the UPS that upsd at `port`, `socket://HOST:3493`, has, by the power that it measures.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    return _opened(DRIVER, port, capture, options, access)


def open_nut_load(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the same by its load times its nominal power; raises as `open_nut`."""
    return _opened(LOAD_DRIVER, port, capture, options, access)


def _opened(
    driver: str, port: str, capture: Sink | None, options: Mapping[str, object], access: Access
) -> DialogueMeter:
    values = read_options(driver, OPTIONS, options)
    ups = word(values, "ups")
    if ups and not PLAIN.fullmatch(ups):
        raise MeterOptionError(f"{driver}: option ups is {ups[:80]!r}, expected a name as `upsc -l` lists them")
    settings = Settings(
        driver == LOAD_DRIVER,
        ups,
        number(values, "interval_s"),
        number(values, "max_age_s"),
        number(values, "reply_s"),
        number(values, "range_w"),
    )
    return DialogueMeter(Nut(port, settings, capture, access), settings.interval_s, access)
