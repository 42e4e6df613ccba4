"""The dialogue with a PTDaemon: one untimed measurement, its unread rows as a stream.

Knows: options, what is said when, and how a meter is opened. Does not know: how a line is spelled
(`meters.ptdaemon.codec`).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from meters import host
from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import SHORTEST_INTERVAL_S, DialogueMeter
from meters.line_dialogue import LineDialogue, Terms
from meters.meter import MeterError, MeterGarbage, MeterOptionError, MeterRefused, MeterTimeout
from meters.options import Option, Value, number, read_options, word
from meters.ptdaemon.codec import (
    DRIVER,
    LINE_END,
    LINE_LIMIT,
    Daemon,
    Range,
    Row,
    decode_identity,
    decode_ranges,
    decode_row,
    decode_statistic,
    decode_text,
    decode_unread,
    encode,
    to_reading,
)
from meters.reading import Column, Description, Identity, RangeChoice, Ranging, Reading, Tier
from meters.serial_wire import Line, SerialWire
from meters.splitters import LineSplitter
from meters.wire_log import Sink

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
ANSWER_S = 3.0  # a change of range took 1.5 s (ptd_logs.txt)
FETCH_S = 1.5  # samples and statistics lie ready in the daemon
POLL_S = 0.1
QUIET_S = 0.2
GREETINGS = 3
STARTS = 4
START_WAIT_S = 1.0  # a stopped measurement was completed within 0.9 s (ptd_logs.txt)
GREETING = "Hello, PTDaemon here!"
STOPPED = ("Stopping ", "Error: no measurement to stop")
_MARK = re.compile(r"[A-Za-z0-9_-]{1,64}")


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
