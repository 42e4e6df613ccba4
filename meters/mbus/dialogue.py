"""The dialogue with one meter at an M-Bus: the link, the selection, a readout of one or more telegrams.

Knows: when the link begins anew, the frame count bit, primary and secondary addresses, readouts in several telegrams.
Does not know: frames (`meters.mbus.frames`), what a telegram says (`meters.mbus.records`).

A meter that has not seen the frame count bit change sends its last telegram again, as it should: a question is asked
with the other bit each time, and after any trouble the link begins anew, so that no old telegram is taken for a new
one. Where a readout has several telegrams the link begins anew before each, for only then is the first one sent.
How often a meter has new values is written nowhere, many take seconds: `meter check` measures it. The same values
within `refresh_s` are `stale`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from meters.access import ANYBODY, Access
from meters.deadline import Deadline
from meters.dialogue import DialogueMeter, Repetitions, interval_option, refresh_option
from meters.line_dialogue import LineDialogue, Terms, insist
from meters.mbus import frames, quantities
from meters.mbus.records import Answer, Header, Record, check_electricity, decode_answer
from meters.meter import MeterGarbage, MeterMismatch, MeterOptionError, MeterRefused, MeterTimeout
from meters.obis import ACCURACY, ACCURACY_CLASS, RANGE_W
from meters.options import Option, Value, number, read_options, whole, word
from meters.reading import Description, Identity, Reading
from meters.serial_wire import Line, SerialWire
from meters.splitters import Frame
from meters.wire_log import Sink

DRIVER = "mbus"
OPTIONS: Mapping[str, Option] = {
    "baud": Option(2400.0, "bits per second of the bus", low=300.0, high=38400.0, whole=True),
    "address": Option(
        254.0, "primary address of the meter, 0 to 250; 254: the only meter there is", low=0.0, high=254.0, whole=True
    ),
    "secondary": Option("", "in place of it: the meter's number of 8 digits, or all 16 of its secondary address"),
    "record": Option(
        "only", "place of the record with the power, from 0, where the meter has several alike", low=0.0, high=500.0,
        choices=("only",), whole=True,
    ),
    "interval_s": interval_option(2.0),
    "refresh_s": refresh_option(1.0),
    "reply_s": Option(4.0, "seconds a whole readout may take", low=0.1, high=120.0),
    "range_w": RANGE_W,
    "accuracy_class": ACCURACY_CLASS,
}  # fmt: skip
BITS_PER_BYTE = 11
QUIET_S = 0.1
"""Within a telegram no pause is so long, at 300 baud (EN 13757-2, 5.5: 33 bit times)."""
MOST_TELEGRAMS = 16
ATTEMPTS = 3


class MbusDialogue(LineDialogue[SerialWire]):
    """The dialogue with one meter (`meters.dialogue.Dialogue`); it asks, selects and resets the link, nothing else."""

    terms = Terms(
        "answer",
        "check that the level converter has mains, the two wires, `baud`, and `address` or `secondary`",
        "check `baud`, and that no two meters have this address",
    )

    def __init__(self, port: str, values: Mapping[str, Value], sink: Sink | None, access: Access) -> None:
        """Open `port`; raises `MeterOptionError`, `MeterUnavailable`."""
        self._secondary = word(values, "secondary")
        self._selection = frames.encode_selection(self._secondary) if self._secondary else b""
        self._address = frames.SELECTED if self._secondary else _primary(whole(values, "address"))
        chosen = values["record"]
        self._place = int(chosen) if isinstance(chosen, float) else None
        self.reply_s = number(values, "reply_s")
        self._range_w, self._baud = number(values, "range_w"), whole(values, "baud")
        self._accuracy = ACCURACY.get(word(values, "accuracy_class"))
        self._repetitions = Repetitions(number(values, "refresh_s"), number(values, "interval_s"))
        self._count_bit = True
        self._telegrams = self._bytes = 0
        self._choices: dict[str, quantities.Choice] = {}
        self._remarks: tuple[str, ...] = ()
        wire = SerialWire(port, Line(self._baud, parity="E"), sink, access)
        super().__init__(wire, frames.MbusSplitter)

    def greet(self) -> Identity:
        """Begin the link, read the meter out once."""
        return insist(ATTEMPTS, lambda _attempt: self._begin_and_identify(Deadline(self.reply_s)))

    def regain(self, deadline: Deadline) -> Identity:
        """Begin the link anew, and read the meter out; raises what `sample` raises."""
        with self._once_understood():
            return self._begin_and_identify(deadline)

    def describe(self) -> Description:
        """Return the columns of the first readout; its telegrams took `latency_s` on the line."""
        columns = quantities.columns_of(self._choices, self._range_w, self._accuracy)
        remarks = (*(choice.remark for choice in self._choices.values() if choice.remark), *self._remarks)
        return Description(
            driver=DRIVER,
            averaging="instantaneous",
            window_s=0.0,
            stamp="unknown",
            latency_s=self._bytes * BITS_PER_BYTE / self._baud,
            columns=columns,
            tier="indicative",
            refresh_s=self._repetitions.refresh_s,
            remarks=remarks,
        )

    def sample(self, deadline: Deadline) -> Reading:
        """Read the meter out."""
        self._clear(0.0, deadline)
        with self._once_understood():
            if self._telegrams > 1:
                self._begin(deadline)
            time_ns, header, records = self._read_out(deadline)
            choices = self._chosen(header, records)
        shown = {quantity: choice.value for quantity, choice in choices.items()}
        stale = self._repetitions.is_repeated(shown, time_ns)
        return quantities.to_reading(choices, time_ns, self._range_w, stale=stale, flags=self._tear())

    def _begin_and_identify(self, deadline: Deadline) -> Identity:
        self._clear(QUIET_S, deadline)
        self._begin(deadline)
        _time_ns, header, records = self._read_out(deadline)
        try:
            self._choices = self._chosen(header, records)
        except (MeterMismatch, MeterOptionError, MeterGarbage) as error:
            raise type(error)(self._named(error)) from error
        self._torn = False
        return quantities.identify(header, records)

    @contextmanager
    def _once_understood(self) -> Iterator[None]:
        """Let a telegram that is another one than at the start be no reading, and no end of the run."""
        try:
            yield
        except (MeterMismatch, MeterRefused, MeterOptionError) as error:
            raise MeterGarbage(self._named(error)) from error

    def _named(self, error: Exception) -> str:
        return f"{self.port}: {str(error).removeprefix(f'{self.port}: ')}"

    def _chosen(self, header: Header, records: tuple[Record, ...]) -> dict[str, quantities.Choice]:
        """Return what is read of a readout; raises `MeterMismatch` for a meter of something else."""
        check_electricity(header)
        self._remarks = (f"the meter reports a fault (status {header.status:02x})",) if header.status & 0x1C else ()
        return quantities.choices_of(records, self._place)

    def _begin(self, deadline: Deadline) -> None:
        """Begin the link anew, and select the meter where it is known by its number."""
        self._count_bit = True
        self._wire.write(frames.encode_reset(self._address))
        if not self._selection:
            self._acknowledged(deadline, f"answers at the address {self._address}; correct `address`")
            return
        with suppress(MeterTimeout, MeterGarbage):  # nobody is selected any more; who was may say so
            self._acknowledged(Deadline(min(QUIET_S + self._silence_s, deadline.left_s)), "")
        self._wire.write(self._selection)
        self._acknowledged(deadline, f"has the number {self._secondary!r}; correct `secondary`")

    @property
    def _silence_s(self) -> float:
        """How long a meter may wait before it answers (EN 13757-2, 5.5: 330 bit times and 50 ms)."""
        return 330 / self._baud + 0.05

    def _acknowledged(self, deadline: Deadline, silent: str) -> None:
        """Wait for E5; `silent` says which meter does not give it."""
        try:
            self._next_sound(deadline, _acknowledgement)
        except MeterTimeout as error:
            raise MeterTimeout(
                f"{self.port}: no meter at this bus {silent}, and check `baud`, the two wires, and that the level "
                "converter has mains"
            ) from error

    def _read_out(self, deadline: Deadline) -> tuple[int, Header, tuple[Record, ...]]:
        """Return when the telegram with the power came, the header of the first, and the records of all."""
        records: tuple[Record, ...] = ()
        header: Header | None = None
        self._telegrams = self._bytes = time_ns = 0
        goes_on = True
        while goes_on:
            if self._telegrams == MOST_TELEGRAMS:
                raise MeterGarbage(f"{self.port}: found {MOST_TELEGRAMS} telegrams and no end; restart the meter")
            self._wire.write(frames.encode_request(self._address, count_bit=self._count_bit))
            self._count_bit = not self._count_bit
            frame = self._next_sound(deadline, self._own_telegram)
            with self._at_port():
                answer = self._answer(frame, len(records))
            self._telegrams, self._bytes = self._telegrams + 1, self._bytes + len(frame.body)
            if not time_ns or any(record.unit == "W" for record in answer.records):
                time_ns = frame.time_ns
            header, records, goes_on = header or answer.header, records + answer.records, answer.goes_on
        assert header is not None
        return time_ns, header, records

    def _own_telegram(self, frame: Frame) -> Frame:
        """Return a telegram of the meter that was asked; raises `MeterGarbage` for everything else."""
        telegram = frames.decode_telegram(frame.body)
        if self._address <= frames.HIGHEST_ADDRESS and telegram.address != self._address:
            raise MeterGarbage(f"found an answer of address {telegram.address}, expected {self._address}")
        return frame

    def _answer(self, frame: Frame, first_place: int) -> Answer:
        answer = decode_answer(frames.decode_telegram(frame.body), first_place)
        if self._secondary and answer.header.number != self._secondary[:8]:
            raise MeterMismatch(f"found the meter {answer.header.number}, expected {self._secondary[:8]}")
        return answer


def _primary(address: int) -> int:
    """Return a primary address; raises `MeterOptionError` for one that no meter has."""
    if frames.HIGHEST_ADDRESS < address < frames.ANYBODY:
        raise MeterOptionError(
            f"option address is {address}, expected 0 to {frames.HIGHEST_ADDRESS}, or {frames.ANYBODY}"
        )
    return address


def _acknowledgement(frame: Frame) -> None:
    """Pass E5; raises `MeterGarbage` for everything else."""
    if frame.body != frames.ACKNOWLEDGED:
        raise MeterGarbage(f"found {frame.body[:12].hex(' ')}, expected e5")


def open_mbus(
    port: str, *, capture: Sink | None, options: Mapping[str, object], access: Access = ANYBODY
) -> DialogueMeter:
    """Open the meter behind the level converter at `port`, a serial device or `socket://HOST:PORT`.

    Raises `MeterOptionError`, `MeterUnavailable`, `MeterTimeout`, `MeterUnplugged`, `MeterMismatch`, `MeterRefused`.
    """
    values = read_options(DRIVER, OPTIONS, options)
    return DialogueMeter(MbusDialogue(port, values, capture, access), number(values, "interval_s"), access)
