"""SPEC PTDaemon as a meter: lines of text over TCP, every analyser the daemon knows behind it.

Knows: the daemon's words and replies, how it says "error" and "missed", its unread samples as a stream, its reported
uncertainty. Does not know: which analyser stands behind it, how that was wired, what its calibration certificate says.

Sources: the conversations that MLPerf power submissions publish (mlcommons/inference_results_v1.0, closed/Krai, and
v4.1, closed/UntetherAI and closed/NVIDIA: `server.json`, `spl.txt`, `ptd_logs.txt`), the client code of
mlcommons/power-dev, and that of SPECjvm2008. SPEC's programmer's guide is not public. Proved by those lines: Hello,
Identify, RR, SR, Go, RL with its header and its rows without mark, Stop, Watts, Uncertainty, a row. Assumed: what
the daemon answers when nothing is unread (all three forms found are taken), and that it serves one client at a time,
so that a measurement found running when we connect is our own from before.

A watts value of exactly -1 is the daemon's word for an error and is no number (flag `nan`); -2 is a sample it missed:
no reading at all, a gap. A value outside its range is printed as -(value + 3), watts and amperes alike, and is no
number either (flag `overrange`): the daemon itself counts such samples as errors (`outside_range`). The daemon states
an uncertainty only for the measurement as a whole: each reading carries the mean it had reported up to then. Lines
have no checksum; TCP's is the only one. No test here shows a real daemon.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from meters import host
from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import SHORTEST_INTERVAL_S, DialogueMeter
from meters.line_dialogue import LineDialogue, Terms
from meters.meter import MeterError, MeterGarbage, MeterOptionError, MeterRefused, MeterTimeout
from meters.options import Option, Value, number, read_options, word
from meters.reading import Column, Description, Identity, RangeChoice, Ranging, Reading, Tier
from meters.serial_wire import Line, SerialWire
from meters.splitters import LineSplitter
from meters.wire_log import Sink

DRIVER = "ptdaemon"
LIMITS = "that of the analyser, reported"
_RANGE = "keep: as the daemon has it; auto: left to the analyser"
OPTIONS: Mapping[str, Option] = {
    "interval_ms": Option(1000.0, "ms between samples, as `Go` asks for them", low=50.0, high=3_600_000.0),
    "mark": Option("wattlab", "the name the daemon's own log gives these samples"),
    "current_range_a": Option(
        "keep", f"A, current range to set; {_RANGE}", low=1e-6, high=1e4, choices=("keep", "auto")
    ),
    "voltage_range_v": Option(
        "keep", f"V, voltage range to set; {_RANGE}", low=1e-3, high=1e5, choices=("keep", "auto")
    ),
}
LINE_END = b"\r\n"
LINE_LIMIT = 2048
ROWS_LIMIT = 500_000  # as many as a measurement holds ("maximum 500000 samples")
ANSWER_S = 3.0  # a change of range took 1.5 s (ptd_logs.txt)
FETCH_S = 1.5  # samples and statistics lie ready in the daemon
POLL_S = 0.1
QUIET_S = 0.2
GREETINGS = 3
STARTS = 4
START_WAIT_S = 1.0  # a stopped measurement was completed within 0.9 s (ptd_logs.txt)

ERROR, MISSED = -1.0, -2.0
MARK_OFFSET = 3.0  # a value outside its range is printed as -(value + 3), which keeps clear of both codes
ALLOWED = frozenset({"Hello", "Identify", "RR", "SR", "Go", "RL", "Watts", "Uncertainty", "Stop"})
GREETING = "Hello, PTDaemon here!"
STOPPED = ("Stopping ", "Error: no measurement to stop")
NOTHING_UNREAD = ("No data", "Insufficient unread")
IDENTITY_FIELDS = (19, 12)  # 1.9; 1.4 and before (SPECjvm2008)
_NUMBER = r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?"
_CHANNEL = rf"Watts,{_NUMBER},Volts,{_NUMBER},Amps,{_NUMBER},PF,{_NUMBER}"
_ROW = re.compile(
    rf"Time,(\d\d-\d\d-\d{{4}} \d\d:\d\d:\d\d\.\d{{3}}),Watts,({_NUMBER}),Volts,({_NUMBER}),Amps,({_NUMBER}),"
    rf"PF,({_NUMBER})(?:,Mark,([^,]*))?(?:,(?:Ch\d,)?{_CHANNEL})*"
)
_STAMP = "%m-%d-%Y %H:%M:%S.%f"
_MARK = re.compile(r"[A-Za-z0-9_-]{1,64}")


# --- codec: lines <-> values --------------------------------------------------------------------------------------


def encode(command: str, *words: str) -> bytes:
    """Return the bytes of a command; raises `MeterRefused` for one the driver has no use for, or with stray marks."""
    if command not in ALLOWED:
        raise MeterRefused(f"{DRIVER}: the driver does not send {command!r}; it sends {', '.join(sorted(ALLOWED))}")
    if not all(re.fullmatch(r"[A-Za-z0-9_.-]+", text) for text in words):
        raise MeterRefused(f"{DRIVER}: {words} has characters that would end or split the command {command!r}")
    return ",".join([command, *words]).encode("ascii") + LINE_END


def decode_text(body: bytes) -> str:
    """Return a line as text; raises `MeterGarbage` on bytes that are no printable ASCII."""
    if not re.fullmatch(rb"[\x20-\x7e]*", body):
        raise MeterGarbage(f"found {body[:60]!r}, expected a line of printable characters")
    return body.decode("ascii")


@dataclass(frozen=True, slots=True)
class Daemon:
    """Who answers: the analyser, and whether the daemon counts it as accepted by SPEC."""

    identity: Identity
    accepted: bool


def decode_identity(line: str) -> Daemon:
    """Return the analyser in a reply to `Identify`; raises `MeterGarbage` unless the fields are those known.

    `name,interval,flags...,accepted,version=...,OS=...,mode=...` and, since 1.9, seven fields more whose last is
    `maker;model;serial;firmware`. An older or silent analyser has the name alone.
    """
    fields = line.split(",")
    if len(fields) not in IDENTITY_FIELDS or not all(
        field.startswith(start) for field, start in zip(fields[9:12], ("version=", "OS=", "mode="), strict=True)
    ):
        raise MeterGarbage(f"found {line[:80]!r}, expected the 19 fields of an identity, `name,...,version=...`")
    if fields[11] != "mode=power":
        raise MeterGarbage(f"found a daemon with {fields[11]!r}, expected mode=power; correct the port")
    version = f"PTDaemon {fields[9].removeprefix('version=')}"
    parts = fields[-1].split(";") if len(fields) == 19 else []
    if len(parts) == 4:
        maker, model, serial, firmware = parts
        return Daemon(Identity(maker, model, serial, f"{firmware}, {version}"), fields[8] == "1")
    return Daemon(Identity("", fields[0], "", version), fields[8] == "1")


@dataclass(frozen=True, slots=True)
class Range:
    """One measuring range: `auto` is `None` and `top` is `None` where the daemon does not know."""

    auto: bool | None
    top: float | None


def decode_ranges(line: str) -> tuple[Range, Range]:
    """Return the current range (A) and the voltage range (V); raises `MeterGarbage`."""
    match = re.fullmatch(rf"Ranges,(-1|0|1),({_NUMBER}),(-1|0|1),({_NUMBER})", line)
    if match is None:
        raise MeterGarbage(f"found {line[:60]!r}, expected `Ranges,<A auto>,<A>,<V auto>,<V>`")
    flags = {"-1": None, "0": False, "1": True}
    tops = [top if top > 0 else None for top in (float(match[2]), float(match[4]))]
    return Range(flags[match[1]], tops[0]), Range(flags[match[3]], tops[1])


def decode_unread(line: str) -> int:
    """Return how many rows follow; raises `MeterGarbage` if this is no header of rows."""
    if line.startswith(NOTHING_UNREAD):
        return 0
    match = re.fullmatch(r"Last ([0-9]{1,6}) samples?(?: from sum channel and channels \d+ - \d+)?", line)
    if match is None or int(match[1]) > ROWS_LIMIT:
        raise MeterGarbage(f"found {line[:60]!r}, expected `Last <n> samples`")
    return int(match[1])


def outside_range(watts: float, volts: float, amps: float, factor: float) -> tuple[bool, bool, bool]:
    """Return whether watts, volts and amperes of a sample carry the mark of a value outside its range.

    No voltage and no current (both RMS) is negative, so at -3 and below they are marked. Watts may be: power that
    flows back. They are marked where another value of the sample is, or where volts, amperes and power factor do not
    say clearly that the watts are those printed and not those marked.
    """
    marked_volts, marked_amps = volts <= -MARK_OFFSET, amps <= -MARK_OFFSET
    if watts > -MARK_OFFSET:
        return False, marked_volts, marked_amps
    expected = volts * amps * abs(factor) if min(volts, amps) > 0 and abs(factor) <= 1 else 0.0
    as_printed, as_marked = abs(-watts - expected), abs(-watts - MARK_OFFSET - expected)
    is_value = expected > 0 and as_printed < as_marked and not marked_volts and not marked_amps
    return not is_value, marked_volts, marked_amps


@dataclass(frozen=True, slots=True)
class Row:
    """One sample; `None` is an error (-1) of that quantity or a value outside its range, `missed` that there was no
    sample (-2), `outside` that a range was exceeded."""

    at: datetime
    watts: float | None
    volts: float | None
    amps: float | None
    factor: float | None
    missed: bool
    mark: str
    outside: bool = False


def decode_row(line: str) -> Row:
    """Return a sample of `RL` or of the daemon's log, of several channels their sum; raises `MeterGarbage`."""
    match = _ROW.fullmatch(line)
    if match is None:
        raise MeterGarbage(f"found {line[:100]!r}, expected `Time,...,Watts,...,Volts,...,Amps,...,PF,...`")
    try:
        at = datetime.strptime(match[1], _STAMP)
    except ValueError as error:
        raise MeterGarbage(f"found the time {match[1]!r}, expected MM-DD-YYYY HH:MM:SS.mmm") from error
    values = [float(match[index]) for index in (2, 3, 4, 5)]
    marked = outside_range(*values)
    sent = zip(values, (*marked, False), strict=True)
    watts, volts, amps, factor = (None if value in (ERROR, MISSED) or beyond else value for value, beyond in sent)
    outside = any(marked)
    return Row(at, None if outside else watts, volts, amps, factor, values[0] == MISSED, match[6] or "", outside)


@dataclass(frozen=True, slots=True)
class Statistic:
    """Mean, lowest and highest of a measurement and the numbers of samples behind them.

    Without a valid sample the three figures are none (seen: -1.0, 10000000.0, 0.0).
    """

    mean: float
    low: float
    high: float
    total: int
    errors: int
    valid: int
    unknown: int


def decode_statistic(line: str, name: Literal["Watts", "Uncertainty"]) -> Statistic:
    """Return the reply to `Watts` or `Uncertainty`; raises `MeterGarbage`, also where its counts do not add up."""
    counts = 4 if name == "Uncertainty" else 3
    match = re.fullmatch(rf"{name},({_NUMBER}),({_NUMBER}),({_NUMBER}){',([0-9]{1,9})' * counts}", line)
    if match is None:
        raise MeterGarbage(f"found {line[:80]!r}, expected `{name},<mean>,<min>,<max>,<counts>`")
    mean, low, high = (float(match[index]) for index in (1, 2, 3))
    total, *parts = (int(text) for text in match.groups()[3:])
    valid = parts[1]
    if sum(parts) != total or (valid and not low <= mean <= high):
        raise MeterGarbage(f"found {line[:80]!r}, expected counts that add up and a mean between its limits")
    return Statistic(mean, low, high, total, parts[0], valid, parts[2] if counts == 4 else 0)


def to_reading(row: Row, time_ns: int, window_s: float, uncertainty: float | None, resynced: bool) -> Reading:
    """Return a sample that was not missed as SI values; one without power is `overrange` or `nan`."""
    flags = {"resynced"} if resynced else set()
    if row.watts is None:
        flags.add("overrange" if row.outside else "nan")
    return Reading(
        time_ns=time_ns,
        power_w=row.watts,
        voltage_v=row.volts,
        current_a=row.amps,
        power_factor=row.factor,
        relative_uncertainty=uncertainty,
        window_s=window_s,
        flags=frozenset(flags),
    )


# --- the dialogue -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settings:
    """What the lab chose: ms between samples, mark, and what to send for each range (`None`: nothing)."""

    interval_ms: int
    mark: str
    amps: str | None
    volts: str | None


class PtDaemon(LineDialogue[SerialWire]):
    """The dialogue with a PTDaemon: one untimed measurement, its unread rows in order (`meters.dialogue.Dialogue`)."""

    terms = Terms("line", "check that the daemon runs")

    def __init__(self, port: str, settings: Settings, sink: Sink | None, access: Access) -> None:
        """Connect to `port`; raises `MeterOptionError`, `MeterUnavailable`."""
        wire = SerialWire(port, Line(115200), sink, access)  # TCP; the speed means nothing there
        super().__init__(wire, partial(LineSplitter, LINE_END, LINE_LIMIT))
        self._settings = settings
        self._window_s = settings.interval_ms / 1000.0
        self._poll_s = min(POLL_S, self._window_s / 4.0)
        self.reply_s = FETCH_S + 2.0 * self._window_s
        self._readings: deque[Reading] = deque()
        self._ranges = (Range(None, None), Range(None, None))
        self._accepted = False
        self._tells_uncertainty = True
        self._measuring = False
        self._missed = 0

    def greet(self) -> Identity:
        """Ask who is there, set the ranges, start an untimed measurement."""
        self._readings.clear()
        self._measuring, self._tells_uncertainty, self._missed = False, True, 0
        with self._at_port("check that `port` is that of a PTDaemon and that no other client holds it"):
            return self._begin()

    def _begin(self) -> Identity:
        daemon = self._introduce()
        self._accepted = daemon.accepted
        reply = self._ask(Deadline(ANSWER_S), "Stop")
        if not reply.startswith(STOPPED):
            raise MeterGarbage(f"found {reply[:60]!r} after Stop, expected {' or '.join(map(repr, STOPPED))}")
        for axis, value in (("V", self._settings.volts), ("A", self._settings.amps)):
            if value is not None:
                self._set_range(axis, value)
        self._ranges = decode_ranges(self._ask(Deadline(ANSWER_S), "RR"))
        self._start()
        return daemon.identity

    def describe(self) -> Description:
        """Return window and columns; limits of error are the analyser's, reported with each reading."""
        amps, volts = self._ranges
        top_w = amps.top * volts.top if amps.top and volts.top else 1e6
        columns = (
            Column("power_w", "W", 1e-6, (-top_w, top_w), None),
            Column("voltage_v", "V", 1e-6, (0.0, volts.top or 1e4), None),
            Column("current_a", "A", 1e-6, (0.0, amps.top or 1e4), None),
            Column("power_factor", "1", 1e-6, (-1.0, 1.0), None),
            Column("relative_uncertainty", "1", 1e-6, (0.0, 1.0), None),
        )
        # What the daemon does not know (-1) may be automatic; only a range it names as set is fixed.
        ranging: Ranging = "fixed" if amps.auto is False and volts.auto is False else "auto"
        tier: Tier = "reference" if self._accepted else "uncalibrated"
        choices = (  # which ranges there are only the daemon knows; it takes the next one above what is asked for
            RangeChoice("voltage_range_v", "voltage_v", "auto"),
            RangeChoice("current_range_a", "current_a", "auto"),
        )
        return Description(
            DRIVER, "window", self._window_s, "end", self._poll_s / 2, columns, tier, ranging, range_choices=choices
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the next unread sample; samples the daemon missed are left out."""
        while not self._readings:
            with self._at_port("the next question begins anew"):
                self._fetch()
            if self._readings:
                break
            if deadline.left_s <= self._poll_s:
                missed = f", {self._missed} missed by the daemon" if self._missed else ""
                self._missed = 0
                raise MeterTimeout(
                    f"{self.port}: no new sample within {self.reply_s:g} s{missed}; look at the daemon's own window: "
                    "its analyser may be off or busy"
                )
            host.sleep(self._poll_s)
        self._missed = 0
        return self._readings.popleft()

    def regain(self, deadline: Deadline) -> Identity:
        """Drop what is under way, greet, ask the identity."""
        with self._at_port("the next question begins anew"):
            self._clear(QUIET_S, deadline)
            return self._hello(deadline).identity

    def reopen(self) -> None:
        """Connect anew."""
        self._measuring = False
        self._wire.reopen()
        self._forget()

    def close(self) -> None:
        """Stop the measurement we started, and hang up."""
        try:
            if self._measuring:
                self._ask(Deadline(ANSWER_S), "Stop")
        except MeterError:
            pass  # hung up already, or out of step: the daemon ends a measurement when its client goes
        finally:
            self._measuring = False
            self._wire.close()

    def _introduce(self) -> Daemon:
        """Return who is there; what an earlier client left on the wire is dropped and the question repeated."""
        for _attempt in range(GREETINGS - 1):
            try:
                return self._hello(Deadline(ANSWER_S))
            except MeterGarbage:
                self._clear(QUIET_S, Deadline(ANSWER_S))
        return self._hello(Deadline(ANSWER_S))

    def _hello(self, deadline: Deadline) -> Daemon:
        reply = self._ask(deadline, "Hello")
        if reply != GREETING:
            raise MeterGarbage(f"found {reply[:60]!r}, expected {GREETING!r}")
        return decode_identity(self._ask(deadline, "Identify"))

    def _set_range(self, axis: str, value: str) -> None:
        reply = self._ask(Deadline(ANSWER_S), "SR", axis, value)
        if reply != f"Range {axis} changed":
            raise MeterOptionError(
                f"{self.port}: the daemon does not set range {axis} to {value}: {reply[:80]!r}; "
                f"name a range of the analyser in `range_{axis.lower()}`, or `keep`"
            )

    def _start(self) -> None:
        """Start an untimed measurement; one just stopped may take the daemon a second to complete."""
        reply = ""
        for attempt in range(STARTS):
            if attempt:
                host.sleep(START_WAIT_S)
            reply = self._ask(Deadline(ANSWER_S), "Go", str(self._settings.interval_ms), "0", self._settings.mark)
            if reply.startswith("Starting untimed measurement"):
                self._measuring = True
                return
        raise MeterRefused(f"{self.port}: the daemon starts no measurement: {reply[:80]!r}; look at its own window")

    def _fetch(self) -> None:
        """Ask for the unread samples and queue those that were not missed."""
        deadline = Deadline(FETCH_S)
        count = decode_unread(self._ask(deadline, "RL"))
        rows: list[Row] = []
        time_ns, resynced = 0, False
        for _index in range(count):
            frame = self._next_frame(deadline)
            rows.append(decode_row(decode_text(frame.body)))
            time_ns, resynced = frame.time_ns, resynced or frame.resynced
        if not rows:
            return
        uncertainty = self._uncertainty(deadline)
        for row in rows:
            if row.missed:
                self._missed += 1
                continue
            # Rows that waited together arrive together: the daemon's clock says how far they lie apart.
            earlier_s = min(max(0.0, (rows[-1].at - row.at).total_seconds()), count * self._window_s)
            arrived_ns = time_ns - round(earlier_s * 1e9)
            self._readings.append(to_reading(row, arrived_ns, self._window_s, uncertainty, resynced))

    def _uncertainty(self, deadline: Deadline) -> float | None:
        """Return the mean the daemon reports so far, `None` where it knows none."""
        if not self._tells_uncertainty:
            return None
        reply = self._ask(deadline, "Uncertainty")
        if reply.startswith(("Unknown command", "Error", "No data")):
            self._tells_uncertainty = False
            return None
        statistic = decode_statistic(reply, "Uncertainty")
        return statistic.mean if statistic.valid and statistic.mean > 0 else None

    def _ask(self, deadline: Deadline, command: str, *words: str) -> str:
        """Return the first line of the reply; raises `MeterGarbage` when lines nobody asked for were there before."""
        if self._frames:
            stray = self._frames[0].body
            raise MeterGarbage(f"found {stray[:60]!r} before {command} was asked, expected nothing")
        self._wire.write(encode(command, *words))
        try:
            return decode_text(self._next_frame(deadline).body)
        except MeterTimeout as error:
            raise MeterTimeout(
                f"{self.port}: no answer to {command} in time; check that the daemon runs and that no other "
                "client holds it"
            ) from error


def open_ptdaemon(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the PTDaemon at `port` (`socket://HOST:8888`); `options` are those of `OPTIONS`.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    mark = word(values, "mark")
    if not _MARK.fullmatch(mark):
        raise MeterOptionError(f"{DRIVER}: option mark is {mark[:80]!r}, expected letters, digits, _ and -, at most 64")
    settings = Settings(
        round(number(values, "interval_ms")), mark, _range(values["current_range_a"]), _range(values["voltage_range_v"])
    )
    # The daemon keeps the pace: `sample` waits for its next sample, and rows that wait are handed out at once.
    return DialogueMeter(PtDaemon(port, settings, capture, access), SHORTEST_INTERVAL_S, access)


def _range(value: Value) -> str | None:
    """Return what `SR` takes; MLPerf sends `Auto` and six decimals."""
    if isinstance(value, str):
        return "Auto" if value == "auto" else None
    return f"{value:.6f}"
