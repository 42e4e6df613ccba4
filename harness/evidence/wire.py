"""Every row of a power stream, and what its descriptor says of the meter, made again from the bytes of its wire log.

Knows: how a session is played back to its driver (`meters.playback`), what the recorder makes of readings, and what
older codecs made of the same bytes (`harness.evidence.codecs`). Knows no protocol and no key. Whoever forges wire log
and rows alike passes: that is what a seal's signature and a witness are for.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from harness.evidence.changes import newer_of
from harness.evidence.codecs import changes_since
from harness.evidence.descriptors import Described, check_descriptor
from harness.measure.recorder import listen
from harness.record.documents import VERSION, Json, NoteEvent, PowerDescriptor
from harness.record.lines import Lines
from harness.record.run_folder import RunFolder
from harness.record.steps import steps
from harness.record.verify import Check, Examination
from meters import host, registry
from meters.access import ANYBODY, REPLAYED, Access
from meters.meter import CaptureError, Meter, MeterError
from meters.playback import Guesses, Log, Playback, PlaybackOver, Strayed
from meters.reading import CODEC, Description, Identity, Origin, Reading, cells_of, columns_of, header_of
from meters.wire_log import read_capture

WIRE = "wire"
"""The name of the check."""
Rows: TypeAlias = Lines[list[str]]
"""Header and rows of a stream, cell by cell."""
SLACKS_S = (0.02, 0.2, 1.0)
"""How late a busy host may have been; what the first does not explain is tried with the next."""
ODD = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What bytes that no meter sends may do to a driver."""
LEAST_ATTEMPTS, MOST_EXCHANGES = 20, 60_000
"""How often a log is played with other guesses: so often, or until so many exchanges were played."""
UNPLUGGED = "meter-unplugged"


def check_wires(path: Path, seen: Examination) -> list[Check]:
    """The checks of each stream that was measured here: its rows, and where its log can be played, its descriptor."""
    measured = [(name, run) for name, run in seen.runs.items() if run.start.time_base == "host-monotonic"]
    streams = [(name, run, power) for name, run in measured for power in run.power]
    decoded = steps("decoding the bytes of the meters again", streams)
    return [check for name, run, power in decoded for check in _checks(path / name, run, power)]


def _checks(folder: Path, run: RunFolder, descriptor: PowerDescriptor) -> Iterator[Check]:
    if run.start.source is not None:
        detail = f"{descriptor.stream}: imported, it says, and stamped by this host's clock"
        yield Check(folder.name, WIRE, False, detail)
        return
    rows, meter = _check(folder, run, descriptor)
    yield rows
    if meter is not None:
        yield check_descriptor(run, descriptor, meter)


def _check(folder: Path, run: RunFolder, descriptor: PowerDescriptor) -> tuple[Check, Described | None]:
    """Whether the rows are what the log says, and what the driver says of the meter, as far as it was asked."""
    subject, name = folder.name, f"wire-{descriptor.meter}.log"
    driver = str(descriptor.identity.get("driver"))
    section = _section(run, descriptor.meter)
    if section.get("driver") != driver:
        detail = f"{descriptor.stream} says driver {driver!r:.40}, lab.toml {section.get('driver')!r:.40}"
        return Check(subject, WIRE, False, detail), None
    if driver not in registry.KNOWN or descriptor.codec > CODEC:
        return Check(subject, WIRE, False, _undecoded(run, descriptor, driver)), None
    try:
        log = Lines(folder / name, lambda lines, first: read_capture(lines, name, first))
        rows = Lines(folder / descriptor.stream, partial(_rows, is_whole=run.stop is not None))
    except (OSError, CaptureError, UnicodeDecodeError, ValueError) as error:
        return Check(subject, WIRE, False, f"{descriptor.stream} cannot be held against {name} ({error})"), None
    return _compared(subject, descriptor, log, rows, section, _unplugged_ns(run, descriptor.meter))


def _undecoded(run: RunFolder, descriptor: PowerDescriptor, driver: str) -> str:
    version, codec = str(run.start.software.get("version")), f"codec {descriptor.codec} of {driver!r:.40}"
    if newer := newer_of(version):
        return f"{descriptor.stream} was not decoded: {codec} is not one of wattlab {VERSION}; {newer}"
    return f"{descriptor.stream} says {codec}, which no wattlab up to its version, {version!r:.40}, has"


def _section(run: RunFolder, meter: str) -> Json:
    meters = run.start.config.get("meters")
    section = meters.get(meter) if isinstance(meters, dict) else None
    return section if isinstance(section, dict) else {}


def _rows(lines: Iterable[bytes], _first: int, *, is_whole: bool) -> Iterator[list[str]]:
    """Cells of header and rows; the last line of a run that was cut off may be half.

    Raises:
        ValueError: text after the last line of one that ended.
    """
    for line in lines:
        text = line.decode()
        if text.endswith("\n"):
            yield text[:-1].split(",")
        elif is_whole:
            raise ValueError(f"its last line is half: {text!r:.60}")


def _unplugged_ns(run: RunFolder, meter: str) -> list[int]:
    text = f"meter {meter}: "
    notes = (event for event in run.events if isinstance(event, NoteEvent) and event.code == UNPLUGGED)
    return [note.time_ns for note in notes if note.text.startswith(text)]


def _compared(
    subject: str,
    descriptor: PowerDescriptor,
    log: Log,
    rows: Rows,
    section: Json,
    unplugged_ns: Sequence[int],
) -> tuple[Check, Described | None]:
    options = section.get("options")
    logs_in = any(section.get(key) for key in ("user", "password_file", "password_env"))
    access = Access(credentials=replace(REPLAYED, user=str(section.get("user", "")))) if logs_in else ANYBODY
    session = Session(str(section["driver"]), options if isinstance(options, dict) else {}, access, descriptor)
    problem, furthest, meter = "", -1, None
    for played in _playbacks(log, unplugged_ns):
        comparison = Comparison(descriptor, rows)
        attempt = decode(session, played, comparison)
        if not attempt:
            return Check(subject, WIRE, True, _held(descriptor, len(rows) - 1, comparison.moved)), comparison.meter
        meter = meter or comparison.meter
        if played.position > furthest:
            problem, furthest = attempt, played.position
    return Check(subject, WIRE, False, f"wire-{descriptor.meter}.log and {descriptor.stream}: {problem}"), meter


def _playbacks(log: Log, unplugged_ns: Sequence[int]) -> Iterator[Playback]:
    """One playback after the other of what the log leaves open; the next supposes otherwise than those that failed."""
    most = max(LEAST_ATTEMPTS, MOST_EXCHANGES // max(len(log), 1))
    for slack_s in SLACKS_S:
        still: Mapping[int, float] | None = {}
        attempts = 0
        while still is not None and attempts < most:
            guesses: Guesses | None = Guesses()
            further: Mapping[int, float] | None = None
            while guesses is not None and attempts < most:
                yield (played := Playback(log, unplugged_ns, guesses, slack_s, still))
                attempts += 1
                further = further or played.also_still()
                guesses = guesses.others()
            still = further


def _held(descriptor: PowerDescriptor, count: int, moved: Mapping[str, int]) -> str:
    detail = f"{count} rows of {descriptor.stream} are what its wire log says"
    if not moved:
        return detail
    named = ", ".join(f"{name} ({times} times)" for name, times in moved.items())
    return f"{detail}, by codec {descriptor.codec}; codec {CODEC} reads otherwise: {named}"


# --- decoding ---


@dataclass(frozen=True, slots=True)
class Session:
    """What a driver was opened with."""

    driver: str
    options: Mapping[str, object]
    access: Access
    descriptor: PowerDescriptor

    @property
    def port(self) -> str:
        """The port, whose kind some drivers look at."""
        return str(self.descriptor.evidence.get("port") or "/dev/played")


def decode(session: Session, played: Playback, rows: "Comparison") -> str:
    """Play a wire log to its driver, through the loop that recorded it, and hold each reading against the rows; the
    first difference in words, "" where there is none."""
    trouble = ""
    try:
        with host.playing(played):
            meter = registry.open_meter(
                session.driver, session.port, capture=None, options=session.options, access=session.access
            )
            identity, description = meter.identify(), meter.describe()
            rows.meter = Described(identity, description)
            if problem := rows.problem_of_identity(identity):
                return problem
            interval_s = description.interval_s or description.window_s or 1.0
            for heard in listen(_Followed(meter, played), interval_s, lambda: False, host.sleep):
                if isinstance(heard, Reading) and (problem := rows.take(heard, played.position)):
                    return problem
    except PlaybackOver:
        pass
    except Strayed as error:
        trouble = f"line {error.position + 1} of the log cannot be followed: {error}"
    except (MeterError, *ODD) as error:
        trouble = f"what the log holds is no session with it ({error})"
    return rows.end(played.end, trouble)


class _Followed:
    """A meter (`meters.meter.Meter`) that is reopened where the log says that the host did, without a trace of why."""

    def __init__(self, meter: Meter, session: Playback) -> None:
        self._meter, self._session = meter, session

    def read(self, timeout_s: float) -> Reading:
        """Return the next reading."""
        try:
            return self._meter.read(timeout_s)
        except Strayed as error:
            if error.position != self._session.position:
                raise
            self._take_leave(error.position)
        self._meter.reopen()
        return self._meter.read(timeout_s)

    def _take_leave(self, position: int) -> None:
        """End where all that follows is the driver's good-bye."""
        with suppress(Strayed, PlaybackOver):
            self._meter.close()
        if self._session.position >= self._session.end:
            raise PlaybackOver
        self._session.back_to(position)

    def reopen(self) -> None:
        """Connect anew."""
        self._meter.reopen()

    def identify(self) -> Identity:
        """Return who the instrument says it is."""
        return self._meter.identify()

    def origin(self) -> Origin:
        """Return what a log proves of it: nothing."""
        return self._meter.origin()

    def describe(self) -> Description:
        """Return window and columns."""
        return self._meter.describe()

    def close(self) -> None:
        """Give the port back."""
        self._meter.close()


# --- comparing ---


class Comparison:
    """Rows of a stream against the readings of its wire log, one by one."""

    def __init__(self, descriptor: PowerDescriptor, rows: Rows) -> None:
        driver = str(descriptor.identity.get("driver"))
        self._identity = descriptor.identity
        self._columns = columns_of(str(column.get("name")) for column in descriptor.columns)
        self._header = header_of(self._columns)
        self._changes = changes_since(descriptor.codec, driver)
        self._rows = rows
        self._next = 1
        self._position = 0
        self._late: list[tuple[Reading, int]] = []
        self.moved: Counter[str] = Counter()
        """What changes of the codec explain, and how often."""
        self.meter: Described | None = None
        """What the driver says of the meter."""

    def problem_of_identity(self, said: Identity) -> str:
        """Where the descriptor names another instrument than the log, or other columns than the stream."""
        if not len(self._rows) or list(self._rows[0]) != self._header:
            return f"the stream's header is not {','.join(self._header)}"
        for name in ("maker", "model", "serial", "firmware"):
            here, there = str(self._identity.get(name)), getattr(said, name)
            if here != there and not (self._changes and there.startswith(here)):
                return f"{name} of the meter is {here!r:.40}, in the log it says {there!r:.40}"
        return ""

    def take(self, reading: Reading, position: int) -> str:
        """Hold a reading that was read up to `position` against the next row."""
        cells = cells_of(reading, self._columns)
        if self._next == len(self._rows):
            self._late.append((reading, position))
            return ""
        row = self._rows[self._next]
        if self._is_added(row, cells):
            return ""
        self._position = position
        self._next += 1
        difference = self._difference(row, cells)
        return f"line {self._next}: {difference}" if difference else ""

    def end(self, end: int, trouble: str) -> str:
        """What is left over where the log ends, at `end`, or cannot be followed any more."""
        because = f"; {trouble}" if trouble else ""
        if self._next < len(self._rows):
            return f"line {self._next + 1} is in no wire log{because}"
        # Readings that came in one piece with the last row, or with the last of all, were not waited for.
        late = [reading for reading, position in self._late if position not in (self._position, end)]
        if late:
            return f"{len(late)} readings of the log are no rows, the first of {late[0].time_ns}{because}"
        return trouble

    def _is_added(self, row: Sequence[str], cells: Sequence[str]) -> bool:
        """Whether a reading is one that older drivers refused whole: an odd value left a cell empty."""
        change = next((change for change in self._changes if change.adds_rows), None)
        if change is None or row[0] == cells[0] or "" not in cells[1:-2]:
            return False
        self.moved[change.name] += 1
        return True

    def _difference(self, row: Sequence[str], cells: Sequence[str]) -> str:
        if len(row) != len(cells):
            return f"it has {len(row)} cells, the log gives {len(cells)}"
        for column, sealed, said in zip(self._header, row, cells, strict=True):
            change = next((change for change in self._changes if change.allows(column, sealed, said)), None)
            if sealed == said:
                continue
            if change is None:
                return f"{column} is {sealed or 'empty'!r:.40}, the wire log says {said or 'nothing'!r:.40}"
            self.moved[change.name] += 1
        return ""
