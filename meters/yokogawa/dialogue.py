"""The dialogue with one instrument: identity, set-up, integrator, numbered questions.

Knows: what is said when, how a reply is known to answer its question, and how a meter is opened. Does not know: how
anything is spelled (`meters.yokogawa.dialects`, `meters.yokogawa.codec`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from meters import host
from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import SHORTEST_INTERVAL_S, DialogueMeter
from meters.line_dialogue import LineDialogue, Terms
from meters.meter import Meter, MeterError, MeterGarbage, MeterRefused, MeterTimeout
from meters.options import read_options
from meters.reading import Column, Description, Identity, RangeChoice, Reading
from meters.serial_wire import Line
from meters.splitters import LineSplitter
from meters.usbtmc_wire import USBTMC_PREFIX, open_wire
from meters.wire import Chunk, Wire, shown
from meters.wire_log import Sink
from meters.yokogawa.codec import (
    FIRST_TAG,
    INTEGRATING,
    LINE_LIMIT,
    OFF,
    ON,
    TAGS,
    UPDATED,
    decode_identity,
    decode_register,
    decode_reply,
    decode_tag,
    decode_values,
    encode,
    overrange_bits,
    same_setting,
    to_reading,
)
from meters.yokogawa.dialects import (
    QUANTITIES,
    WT210,
    WT210_DIALECT,
    WT210_OTHER_ITEMS,
    WT310,
    WT310_DIALECT,
    Dialect,
    find_model,
)
from meters.yokogawa.models import Model
from meters.yokogawa.setup import AUTO, WT210_OPTIONS, WT310_OPTIONS, Setup, make_setup

QUIET_S = 0.1
STALL_S = 0.3
ANSWER_S = 1.0
ATTEMPTS = 3
INTEGRATOR_START_S = 0.2  # until the integrator says that it runs


class YokogawaDialogue(LineDialogue[Wire]):
    """What is said on the wire of one instrument (`meters.dialogue.Dialogue`)."""

    terms = Terms("line", "check meter and baud rate")

    def __init__(self, port: str, dialect: Dialect, setup: Setup, sink: Sink | None, access: Access) -> None:
        """Open `port`; raises `MeterOptionError`, `MeterUnavailable`."""
        super().__init__(open_wire(port, Line(setup.baud), sink, access), partial(LineSplitter, b"\n", LINE_LIMIT))
        self._dialect, self._setup = dialect, setup
        self._quantities = QUANTITIES if setup.integration else QUANTITIES[:-1]
        self._tag = FIRST_TAG
        self._model: Model | None = None
        self._greeted = False
        self._started_integrator = False
        self.latency_s = self._reply_bytes * 10 / setup.baud if _is_serial(port) else 0.0
        # Range changes of the instrument leave updates out; two and a margin.
        self.reply_s = 3 * setup.rate_s + ANSWER_S + 2 * self.latency_s

    @property
    def _reply_bytes(self) -> int:
        return 2 * 11 * len(self._quantities) + 20

    def greet(self) -> Identity:
        """Ask who is there and set up what differs from what is wanted; an integrator that runs is left running."""
        with self._at_port():
            return self._set_up()

    def _set_up(self) -> Identity:
        self._greeted = False
        # A question of before a reconnection may still hold the instrument until its next update.
        identity = self._await_identity(Deadline(ATTEMPTS * ANSWER_S + self._setup.rate_s))
        model = find_model(self._dialect, identity)
        self._setup.check(self._dialect, identity.model, model)
        self._command(":COMM:REM ON")
        self._command(":COMM:HEAD OFF")
        for header, argument in (*self._setup.commands(self._dialect), *self._formats(), (":STAT:FILT1", "FALL")):
            self._settle(header, argument)
        if self._ask_again(f"{self._dialect.headers['current_range']}?").upper().startswith("EXT"):
            raise MeterRefused(f"{self.port}: current comes from the external sensor input; choose a range in A")
        if self._setup.integration:
            self._start_integrator()
        self._ask_again(":STAT:EESR?")
        self._model, self._greeted = model, True
        return identity

    def describe(self) -> Description:
        """Return window, ranges and columns; ranges the instrument chooses are described by its greatest."""
        assert self._model is not None
        setup, model = self._setup, self._model
        voltage_ranges = model.voltage_ranges(setup.crest_factor)
        current_ranges = model.current_ranges(setup.crest_factor)
        volts, amperes = setup.voltage_range_v or voltage_ranges[-1], setup.current_range_a or current_ranges[-1]
        fixed = setup.voltage_range_v is not None and setup.current_range_a is not None
        accuracy = model.accuracy(setup.crest_factor, setup.line_filter)
        columns = [
            Column("power_w", "W", _resolution(volts * amperes, model.digits), (0.0, volts * amperes), accuracy),
            Column("voltage_v", "V", _resolution(volts, model.digits), (0.0, volts), None),
            Column("current_a", "A", _resolution(amperes, model.digits), (0.0, amperes), None),
            Column("power_factor", "1", 0.0001, (-1.0, 1.0), None),
            Column("frequency_hz", "Hz", 0.01, (0.1, 1e5), None),
            Column("apparent_power_va", "VA", _resolution(volts * amperes, model.digits), (0.0, volts * amperes), None),
        ]
        if setup.integration:
            columns.append(Column("energy_wh", "Wh", _resolution(volts * amperes, 6), (-1e6, 1e6), None))
        return Description(
            driver=self._dialect.driver,
            averaging="window",
            window_s=setup.window_s,
            stamp="end",
            latency_s=self.latency_s,
            columns=tuple(columns),
            tier="reference",
            ranging="fixed" if fixed else "auto",
            range_choices=(
                RangeChoice("voltage_range_v", "voltage_v", AUTO, voltage_ranges),
                RangeChoice("current_range_a", "current_a", AUTO, current_ranges),
            ),
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Return the values of the next update."""
        with self._at_port():
            return self._values(deadline)

    def _values(self, deadline: Deadline) -> Reading:
        dialect, setup = self._dialect, self._setup
        questions = [dialect.values, dialect.values, ":STAT:EESR?", ":STAT:COND?"]
        if setup.integration and dialect.integrator_state:
            questions.append(dialect.integrator_state)
        (first, second, events, conditions, *state), time_ns = self._ask(deadline, ":COMM:WAIT 1", *questions)
        if first != second:
            raise MeterGarbage(f"found {first[:60]!r} and {second[:60]!r} for the same update")
        values = decode_values(first, self._quantities)
        condition = decode_register(conditions)
        running = same_setting(state[0], "STAR") if state else bool(condition & INTEGRATING)
        return to_reading(
            values,
            time_ns,
            setup.window_s,
            over=bool(condition & overrange_bits(setup.element)),
            stale=not decode_register(events) & UPDATED,
            counted=setup.integration and running,
        )

    def regain(self, deadline: Deadline) -> Identity:
        """Drop what is left, in the instrument and on the wire, and ask the identity."""
        with self._at_port():
            return self._await_identity(deadline)

    def reopen(self) -> None:
        """Open the port anew; raises `MeterUnavailable`."""
        self._greeted = False
        self._wire.reopen()

    def close(self) -> None:
        """Stop the integrator if this dialogue started it, give the panel back, then the port."""
        if self._greeted:
            with suppress(MeterError):
                leave = [":INTEG:STOP"] if self._started_integrator else []
                self._wire.write(encode([*leave, ":COMM:REM OFF"]))
        self._greeted = False
        self._wire.close()

    # --- setting up

    def _formats(self) -> Iterator[tuple[str, str]]:
        """Yield what makes the instrument send the wanted values in the wanted order."""
        names = self._dialect.items[: len(self._quantities)]
        if self._dialect.driver == WT310:
            yield ":NUM:FORM", "ASCII"
            yield ":NUM:NORM:NUM", f"{len(names)}"
            for place, name in enumerate(names, start=1):
                yield f":NUM:NORM:ITEM{place}", f"{name},{self._setup.element}"
            return
        for name in (*self._dialect.items, *WT210_OTHER_ITEMS):
            yield f":MEAS:ITEM:{name}", ON if name in names else OFF

    def _settle(self, header: str, argument: str) -> None:
        """Set what is not yet so, and check that it is; what is so is left alone, as an integrator that runs needs."""
        if same_setting(self._ask_again(f"{header}?"), argument):
            return
        self._command(f"{header} {argument}")
        answer = self._ask_again(f"{header}?")
        if not same_setting(answer, argument):
            raise MeterRefused(f"{self.port}: {header} stays {answer!r}, expected {argument}; set it on the panel")

    def _command(self, unit: str) -> None:
        """Send a command and check that it was taken; raises `MeterRefused` with the instrument's own words."""
        self._wire.write(encode([unit]))
        self._check_error(unit)

    def _check_error(self, unit: str) -> None:
        for _entry in range(ERROR_QUEUE):
            code, _comma, text = self._ask_again(":STAT:ERR?").partition(",")
            if code.strip() == "0":
                return
            if not _QUERY_ERROR.fullmatch(code.strip()):
                raise MeterRefused(
                    f"{self.port}: the meter refuses {unit!r}: error {code} {text.strip()}; "
                    + _advice(code, self._dialect)
                )

    def _start_integrator(self) -> None:
        """Start from zero, unless it runs already (after a reconnection); raises `MeterRefused`."""
        if self._integrator_runs():
            return
        with suppress(MeterRefused):  # there may be nothing to reset; whether it runs in the end decides
            self._command(":INTEG:RES")
        self._settle(":INTEG:MODE", "NORM")
        self._settle(":INTEG:TIM", "0,0,0")
        self._command(":INTEG:STAR")
        host.sleep(INTEGRATOR_START_S)
        if not self._integrator_runs():
            raise MeterRefused(f"{self.port}: the integrator does not run after :INTEG:STAR; look at the panel")
        self._started_integrator = True

    def _integrator_runs(self) -> bool:
        if self._dialect.integrator_state:
            return same_setting(self._ask_again(self._dialect.integrator_state), "STAR")
        return bool(decode_register(self._ask_again(":STAT:COND?")) & INTEGRATING)

    # --- asking

    def _ask_again(self, question: str) -> str:
        """Return the answer to a question that may be repeated; raises `MeterRefused` if the meter says why not."""
        for attempt in range(ATTEMPTS):
            try:
                (answer,), _time_ns = self._ask(Deadline(ANSWER_S), question)
                return answer
            except (MeterTimeout, MeterGarbage):
                if attempt == ATTEMPTS - 1:
                    raise
                self._clear(QUIET_S, Deadline(ANSWER_S))
                if question != ":STAT:ERR?":
                    self._check_error(question)
        raise AssertionError("unreachable")

    def _ask(self, deadline: Deadline, *units: str) -> tuple[tuple[str, ...], int]:
        """Return the answers to `units` and when they were here.

        Replies to earlier questions, known by their number, are dropped.
        """
        self._tag = FIRST_TAG + (self._tag - FIRST_TAG + 1) % TAGS
        self._forget()
        self._wire.write(encode([f"*ESE {self._tag}", *units, "*ESE?"]))
        count = sum(unit.endswith("?") for unit in units) + 1
        earlier = ""
        while True:
            try:
                frame = self._next_frame(deadline)
            except MeterTimeout as error:
                if not earlier:
                    raise
                raise MeterGarbage(f"only replies to earlier questions came, last {earlier}") from error
            if not self._answers_earlier(frame.body):
                answers = decode_reply(frame.body, count)
                if decode_tag(answers[-1]) == self._tag:
                    return answers[:-1], frame.time_ns
            earlier = shown(frame.body)
            deadline = Deadline(min(self._setup.rate_s + STALL_S, deadline.left_s))

    def _answers_earlier(self, body: bytes) -> bool:
        """Whether a line is an identity, or the reply to another numbered question."""
        with suppress(MeterGarbage):
            decode_identity(body)
            return True
        with suppress(MeterGarbage):
            return decode_tag(body.decode("ascii", errors="replace").rpartition(";")[2].strip("\r")) != self._tag
        return False

    def _await_identity(self, deadline: Deadline) -> Identity:
        """Return the identity; every line that came before it answers an earlier question and is dropped."""
        self._wire.write(b"\n" + encode(["*CLS"]))  # the empty line ends what a cut message left in the instrument
        self._clear(QUIET_S, deadline)
        self._wire.write(encode(["*CLS"]))  # on USB draining an empty queue is an error of its own
        identity = self._ask_identity(deadline)
        again = self._ask_identity(deadline)  # it has no number and no checksum
        if identity != again:
            raise MeterGarbage(f"found {identity} and then {again}; check the line")
        return identity

    def _ask_identity(self, deadline: Deadline) -> Identity:
        self._wire.write(encode(["*IDN?"]))
        trouble: MeterGarbage | None = None
        while True:
            try:
                identity = decode_identity(self._next_frame(deadline).body)
                find_model(self._dialect, identity)
                return identity
            except MeterGarbage as error:
                trouble = error
                deadline = Deadline(min(STALL_S, deadline.left_s))  # the identity follows what stood before it
            except MeterTimeout as error:
                if trouble is None:
                    raise MeterTimeout(
                        f"{self.port}: no answer to *IDN?; check that the meter is on, its baud rate and `port`, and "
                        + self._dialect.hint
                    ) from error
                raise MeterGarbage(str(trouble)) from error

    def _read(self, deadline: Deadline) -> Chunk:
        """Return what has arrived; raises `MeterGarbage` when a line has begun and does not go on for `STALL_S`."""
        held_bytes = self._splitter.held_bytes
        if not held_bytes:
            return super()._read(deadline)
        try:
            return super()._read(Deadline(min(STALL_S, deadline.left_s)))
        except MeterTimeout as error:
            raise MeterGarbage(f"found {held_bytes} bytes of a line that has no end; check the line") from error


# 410 interrupted, 420 unterminated, ...: a read without an answer, as draining and clearing the wire make them.
_QUERY_ERROR = re.compile(r"-?4[0-9]{2}")
ERROR_QUEUE = 8


def _advice(code: str, dialect: Dialect) -> str:
    match code.strip():
        case "813":
            return "its integrator runs with other settings: stop and reset it on the panel"
        case "113":
            return dialect.hint
        case _:
            return "look the number up in the list of errors of its manual"


def _resolution(range_: float, digits: int) -> float:
    """Return the step of a value shown with so many digits in a range."""
    return float(10.0 ** (math.floor(math.log10(range_)) + 1 - digits))


def _is_serial(port: str) -> bool:
    return "://" not in port and not port.startswith(USBTMC_PREFIX)


class YokogawaMeter(DialogueMeter):
    """A meter that paces itself: asked again as soon as it has answered, it answers at its next update."""

    def __init__(self, dialogue: YokogawaDialogue, rate_s: float, access: Access = ANYBODY) -> None:
        """Greet the instrument; raises what `DialogueMeter` raises."""
        super().__init__(dialogue, SHORTEST_INTERVAL_S, access)
        self._rate_s = rate_s

    def describe(self) -> Description:
        """Return the description with the update interval as that of the readings."""
        return replace(super().describe(), interval_s=self._rate_s)


def open_wt310(port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY) -> Meter:
    """Open the WT310, WT332 or WT333 (E or not) at `port`; `options` are those of `WT310_OPTIONS`.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    return _open(port, WT310_DIALECT, make_setup(WT310, read_options(WT310, WT310_OPTIONS, options)), capture, access)


def open_wt210(port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY) -> Meter:
    """Open the WT210 at `port`, whose panel must say 488.2; `options` are those of `WT210_OPTIONS`.

    Raises as `open_wt310` does.
    """
    return _open(port, WT210_DIALECT, make_setup(WT210, read_options(WT210, WT210_OPTIONS, options)), capture, access)


def _open(port: str, dialect: Dialect, setup: Setup, capture: Sink | None, access: Access) -> Meter:
    return YokogawaMeter(YokogawaDialogue(port, dialect, setup, capture, access), setup.rate_s, access)
