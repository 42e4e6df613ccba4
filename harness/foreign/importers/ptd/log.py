"""PTDaemon's files: the rows of `spl.txt` and of its own log, its console log, its side of `server.json`.

Knows what PTDaemon prints, line by line: samples, identity, ranges, averages, warnings. Knows no run (ptd.py).

Forms (real lines: mlcommons/inference_results_v1.0 to v4.1, mlcommons/power-dev logs_example and tests/unit/
test_server.py): `Time,MM-DD-YYYY hh:mm:ss.mmm,Watts,..,Volts,..,Amps,..,PF,..,Mark,..[,ChN,Watts,..]`; the console
prints the same without `Time,`, and the rows of its replies to `RL` without `Mark` and without `ChN`. Into such a row
PTDaemon may print the head of a message (`<date>: Response to client sent: `), and two messages onto one line.

Decisions
- Dates are month first: PTDaemon prints 12-23-2020, and MLCommons' checker reads `%m-%d-%Y`. Where a mark carries the
  session's ISO date, both must agree within `SESSION_DAYS`; a log that disagrees is refused. (The hours may differ:
  PTDaemon was seen an hour off its own host in summer, power-dev issue 253.)
- A file that begins with `Time,` holds rows and messages only: any other line is refused, but for the text that goes on
  behind a message. Its rows have a mark, all of them or none. A console log may hold other text, but nothing that looks
  like a marked sample and is none.
- The rows of a reply to `RL` are the samples of the measurement before it, told a second time: `Go.reply`. They are
  compared with the rows (ptd.py), and are the rows where there are no others. A damaged one costs itself.
- A value outside its range is printed as -(value + 3) and is no value (`meters.ptdaemon.codec.outside_range`).
- A last line without its end was cut off while it was written: left out and noted, unless it is a whole row of the mark
  before it.
- Rows merged from several analysers are refused: that sum adds absolute values and leaves out an analyser that failed
  (power-dev `merge_power_logs`, issue 329).
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal, TypeAlias

from harness.foreign.importers.source import SourceFile, decoded, foreign_form
from harness.foreign.importers.stamps import SECOND_NS, wall_ns
from harness.record.documents import Json
from harness.record.errors import ImportFileError
from meters.ptdaemon.codec import ERROR, MARK_OFFSET, MISSED, outside_range
from meters.reading import EMULATOR_MARK

OUTSIDE = "outside the analyser's range"
Values: TypeAlias = tuple[float, float, float, float]
"""Power (W), volts, amperes, power factor, as printed."""
NOTHING: Values = (ERROR, ERROR, ERROR, ERROR)
FIRST_YEAR = 2006
"""PTDaemon's copyright begins here."""
SESSION_DAYS = 7
"""A row lies at most so many days after, and one day before, the date in its mark."""
ISO_MARK = re.compile(r"(\d{4})-(\d\d)-(\d\d)_\d\d-\d\d-\d\d(?:_|$)")
"""A mark that begins with the date and time of its session."""

_DATE = r"(\d\d)-(\d\d)-(\d{4}) (\d\d):(\d\d):(\d\d)\.(\d{3})"
_NUMBER = r"(-?\d{1,9}(?:\.\d{1,9})?)"
_COUNT = r"(\d{1,9})"
_SCIENTIFIC = r"(\d{1,9}(?:\.\d{1,9})?E[+-]\d{1,2})"
_VALUES = f"Watts,{_NUMBER},Volts,{_NUMBER},Amps,{_NUMBER},PF,{_NUMBER}"
_VALUE = re.compile(r"(?:Watts|Volts|Amps|PF),([^,]+)")
_CHANNELS = re.compile(f",(?:Ch{_COUNT},)?{_VALUES}")
_ROW = re.compile(f"(?:Time,)?{_DATE},{_VALUES}(?:,Mark,([^,]+))?((?:{_CHANNELS.pattern})*)")
_SENT = "Response to client sent: "
_MESSAGE = re.compile(f"(?:Time,{_DATE},(?=NOTICE,|WARNING,|ERROR,)|{_DATE}: )(.*)")
_STAMPED = re.compile(f"{_DATE}: ")
_GO = re.compile(r"Go with mark '(.*)'")
_STARTING = re.compile(f"Starting (?:un)?timed measurement.* at {_COUNT}ms with {_COUNT} rampup samples")
_AVERAGES = re.compile(
    f"Avg watts {_NUMBER}, min watts {_NUMBER}, max watts {_NUMBER}, samples {_COUNT}, errors {_COUNT}, valid {_COUNT}"
)
_WATTS = re.compile(f"Watts,{_NUMBER},{_NUMBER},{_NUMBER},{_COUNT},{_COUNT},{_COUNT}")
_UNCERTAINTY = re.compile(f"Uncertainty,{_NUMBER},{_NUMBER},{_NUMBER},{_COUNT},{_COUNT},{_COUNT},{_COUNT}")
_ABOVE = re.compile(
    r"Uncertainty (\d{1,9}\.\d{1,9})%,? (?:which is )?above (\d+\.\d+)% limit for the last (?:measurement )?sample"
)
_CHANNEL = re.compile(r"channel (\d+)")
_CHECKED = re.compile(r"Uncertainty checking for \S+ is activated")
_SET = re.compile(r"(Volt|Amp|Ampere) range set to (?:Auto|(\d{1,9}\.\d{1,9})[VA])")
_RANGES = re.compile(f"Ranges,(-?\\d),{_NUMBER},(-?\\d),{_NUMBER}")
_ASKED = re.compile(f"\\.\\.\\.response of \\d+ bytes: (?:\\d+;)?{_SCIENTIFIC};([01]);{_SCIENTIFIC};([01])")

Quantity: TypeAlias = Literal["voltage_v", "current_a"]
Range: TypeAlias = tuple[bool | None, float | None]
"""Whether a range is left to the analyser, and its full scale (V or A); None where unknown."""


@dataclass(frozen=True, slots=True)
class Row:
    """One sample: line of the file, source-wall ns, power (W), volts, amperes, power factor, the same per channel."""

    line: int
    time_ns: int
    values: Values
    mark: str
    channels: tuple[tuple[int, Values], ...]

    @property
    def cause(self) -> str | None:
        """Why it has no power; None where it has."""
        told = [self.values, *(values for _, values in self.channels if self.values[0] == ERROR)]
        if any(any(outside_range(*values)) for values in told):
            return OUTSIDE
        return {ERROR: "analyser error (-1)", MISSED: "missed sample (-2)"}.get(self.values[0])

    @property
    def counted(self) -> bool:
        """Whether PTDaemon counts it as valid and averages it."""
        return self.values[0] not in (ERROR, MISSED) and not outside_range(*self.values)[0]


def numbers_of(values: Values) -> list[float | None]:
    """The values that are values: no code of an error, no mark of a value outside its range."""
    marked = (*outside_range(*values), False)
    told = zip(values, marked, strict=True)
    return [None if value in (ERROR, MISSED) or outside else value for value, outside in told]


def within_range(value: float) -> float:
    """What a marked value stands for."""
    return -value - MARK_OFFSET


@dataclass(frozen=True, slots=True)
class Averages:
    """What PTDaemon itself says of the samples it counted (W), and where it says so."""

    where: str
    average_w: float
    low_w: float
    high_w: float
    total: int
    valid: int


@dataclass(frozen=True, slots=True)
class Stated:
    """What PTDaemon states of the uncertainty of a measurement, as fractions: `limit` bounds the samples it could
    judge; `samples` of them are valid, `unknown` ones it could not judge; `text` is its reply."""

    mean: float
    largest: float
    valid: int
    unknown: int
    text: str


@dataclass(slots=True)
class Go:
    """One measurement as the console log or server.json tells it: mark, interval (ms), ramp-up, averages, what was said
    before it, the rows of replies to `RL`, and whether every sample's uncertainty was checked (against which limit)."""

    mark: str
    interval_ms: int | None = None
    rampup: int = 0
    averages: list[Averages] = field(default_factory=list)
    uncertainty: list[Stated] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    reply: list[Row] = field(default_factory=list)
    checked: bool = False
    completed: bool = False


@dataclass(slots=True, eq=False)
class Log:
    """One text file: its samples, and what else PTDaemon wrote into it, by line."""

    source: SourceFile
    rows: list[Row] = field(default_factory=list)
    goes: list[Go] = field(default_factory=list)
    identify: str | None = None
    ranges: list[tuple[int, Quantity, Range, str]] = field(default_factory=list)
    uncertain: list[tuple[int, int, float | None]] = field(default_factory=list)
    problems: list[tuple[int, int, str]] = field(default_factory=list)
    cut_line: int | None = None
    checked: bool = False
    damaged: list[int] = field(default_factory=list)
    """Lines of a reply to `RL` that are no whole row."""


@dataclass(slots=True)
class Conversation:
    """PTDaemon's side of server.json: identity, measurements, SHA-1 of the results by path, whether power is DC, what
    the server's clock lacks to UTC (s)."""

    source: SourceFile
    identify: str | None = None
    goes: list[Go] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    direct_current: bool = False
    zone_s: int | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """client.json: SHA-1 of the results by path, the zone of the client's clock (s to UTC), how far it and the server's
    clock were apart at most (s); None where it does not say."""

    source: SourceFile
    hashes: dict[str, str] = field(default_factory=dict)
    zone_s: int | None = None
    clocks_s: float | None = None


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the Identify line says: PTDaemon's version and system, the analyser, its calibration date, whether SPEC
    accepts it."""

    identity: Json
    evidence: Json
    calibration: Json | None
    emulated: bool
    dummy: bool
    accepted: bool = False

    @property
    def simulated(self) -> bool:
        """Whether no analyser stood behind PTDaemon."""
        return self.emulated or self.dummy


def read_log(source: SourceFile) -> Log:
    """A file of PTDaemon's: rows, and what stands between them.

    Raises:
        ImportFileError: a line that should be a row and is none, a clock that went back or jumped an hour; with the
            line.
    """
    log = Log(source)
    text = decoded(source.content)
    if form := foreign_form(text):
        raise ImportFileError(f"{source.path}:1: found {form}")
    lines = text.split("\n")
    if next((line for line in lines if line.strip()), "").startswith("Time,"):
        _read_rows(log, lines)
    else:
        _read_console(log, lines)
    _require_clock(log)
    return log


def _read_rows(log: Log, lines: Sequence[str]) -> None:
    """A log of samples: rows, messages and the text that goes on behind a message."""
    explained = False  # the line before was a message, whose text may go on
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r").rstrip()
        last = number == len(lines)  # what follows the last newline: empty, or a line cut off
        if match := _match_row(text):
            _take(log, _row(log.source, number, match), last=last)
            explained = False
        elif last and text:
            log.cut_line = number
        elif match := _MESSAGE.match(text):
            _message(log, number, _stamp_ns(log.source, number, [g for g in match.groups()[:14] if g]), match[15])
            explained = True
        elif text and (not explained or re.search(r"(?:^Time,|,Watts,|,Temp,)", text)):
            raise ImportFileError(f"{log.source.path}:{number}: {_why_not(text)}")
    _require_alike(log)


def _read_console(log: Log, lines: Sequence[str]) -> None:
    """A console log: messages, other text, rows of a log, and rows of replies to `RL`."""
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r").rstrip()
        last = number == len(lines)
        if (match := _match_row(text)) and match[12]:
            _take(log, _row(log.source, number, match), last=last)
        elif last and text:
            log.cut_line = number
        elif (match := _match_row(_without_head(text))) and not match[12]:
            _reply(log, _row(log.source, number, match))
        elif match := re.match(f"Time,{_DATE},(?=NOTICE,|WARNING,|ERROR,)", text):
            _message(log, number, _stamp_ns(log.source, number, match.groups()), text[match.end() :])
        elif re.search(r"(?:^Time,|,Watts,|,Temp,)", text):
            if re.search(r",Mark,|,Temp,|,Analyzer\d+,", text) or not log.goes:
                raise ImportFileError(f"{log.source.path}:{number}: {_why_not(text)}")
            log.damaged.append(number)
        else:
            _messages(log, number, text)


def _match_row(text: str) -> re.Match[str] | None:
    """A row; None where its last number was cut off, for PTDaemon prints as many decimals of every number."""
    match = _ROW.fullmatch(text)
    even = match is not None and len({len(value.partition(".")[2]) for value in _VALUE.findall(text)}) == 1
    return match if even else None


def _without_head(text: str) -> str:
    """A row of a reply without the head of the message that was printed before it, or into it."""
    before, sent, after = text.partition(_SENT)
    stamp = re.search(f"{_DATE}: $", before) if sent else None
    return text if stamp is None else before[: stamp.start()] + after


def _messages(log: Log, number: int, text: str) -> None:
    """The messages of one line of the console: each begins with its time."""
    stamps = list(_STAMPED.finditer(text))
    ends = [match.start() for match in stamps[1:]] + [len(text)] * bool(stamps)
    for match, end in zip(stamps, ends, strict=True):
        _message(log, number, _stamp_ns(log.source, number, match.groups()), text[match.end() : end])


def _take(log: Log, row: Row, *, last: bool) -> None:
    """A row of the log; what has no line end and is not like the row before it is cut off."""
    before = log.rows[-1] if log.rows else None
    alike = before is not None and (before.mark, len(before.channels)) == (row.mark, len(row.channels))
    if last and not (row.mark and alike):
        log.cut_line = row.line
    else:
        log.rows.append(row)


def _reply(log: Log, row: Row) -> None:
    """A row of a reply to `RL`: a sample of the measurement before it."""
    if not log.goes:
        raise ImportFileError(
            f"{log.source.path}:{row.line}: a row without Mark, and no 'Go with mark' before it says of which "
            "measurement; name the log that PTDaemon wrote (-l), whose rows have marks"
        )
    log.goes[-1].reply.append(replace(row, mark=log.goes[-1].mark))


def _require_alike(log: Log) -> None:
    """Rows of one file have a mark, all of them or none, and as many channels as the row before; one that has not is
    cut off there."""
    marked = [row for row in log.rows if row.mark]
    if marked and len(marked) < len(log.rows):
        odd = next(row for row in log.rows if not row.mark)
        raise ImportFileError(
            f"{log.source.path}:{odd.line}: a row without Mark among rows that have one; the line is damaged: copy the "
            "file again, or take the samples after it as a file of its own"
        )
    for before, row in pairwise(log.rows):
        if row.mark == before.mark and len(row.channels) != len(before.channels):
            raise ImportFileError(
                f"{log.source.path}:{row.line}: {len(row.channels)} channels here, {len(before.channels)} in the row "
                "before; the line is damaged: copy the file again"
            )


def _why_not(text: str) -> str:
    if re.search(r",Analyzer\d+,", text):
        return (
            "rows merged from several analysers: the sum adds absolute values and leaves out an analyser that failed; "
            "import the log of each analyser by itself"
        )
    if ",Temp," in text:
        return "a log of a temperature sensor; name the log of the power analyser"
    return (
        f"found {text!r:.90}, expected 'Time,MM-DD-YYYY hh:mm:ss.mmm,Watts,..,Volts,..,Amps,..,PF,..,Mark,..'; the "
        "line is damaged: copy the file again, or take the samples after it as a file of its own"
    )


def _row(source: SourceFile, number: int, match: re.Match[str]) -> Row:
    stamp, values, mark, channels = match.groups()[:7], match.groups()[7:11], match[12] or "", match[13]
    time_ns = _stamp_ns(source, number, stamp)
    _require_date(source, number, time_ns, mark, stamp)
    # A reply names no channel: they come in order, from 1 where all are asked for.
    per_channel = tuple(
        (int(one[1] or place), _quadruple(one.groups()[1:]))
        for place, one in enumerate(_CHANNELS.finditer(channels), 1)
    )
    return Row(number, time_ns, _quadruple(values), mark, per_channel)


def _quadruple(values: Sequence[str]) -> Values:
    power_w, voltage_v, current_a, power_factor = map(float, values)
    return power_w, voltage_v, current_a, power_factor


def _stamp_ns(source: SourceFile, number: int, stamp: Sequence[str]) -> int:
    month, day, year, hour, minute, second, milli = map(int, stamp)
    time_ns = wall_ns(year, month, day, hour, minute, second, fraction_ns=milli * 1_000_000)
    if time_ns is None or year < FIRST_YEAR:
        raise ImportFileError(
            f"{source.path}:{number}: found the time {'-'.join(stamp[:3])} {':'.join(stamp[3:6])}, expected month-day-"
            "year and a time of day, as PTDaemon prints them; was the log rewritten?"
        )
    return time_ns


def _require_date(source: SourceFile, number: int, time_ns: int, mark: str, stamp: Sequence[str]) -> None:
    """The date of a row against the ISO date of the session in its mark."""
    match = ISO_MARK.match(mark)
    if match is None:
        return
    try:
        begun = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return
    day = datetime.fromtimestamp(time_ns // SECOND_NS, UTC).date()
    if not begun - timedelta(days=1) <= day <= begun + timedelta(days=SESSION_DAYS):
        raise ImportFileError(
            f"{source.path}:{number}: the date {'-'.join(stamp[:3])} means {day} (month first), the mark {mark!r} says "
            f"{begun}; day and month seem swapped, or the mark is of another session"
        )


def _require_clock(log: Log) -> None:
    for before, row in pairwise(log.rows):
        step_ns = row.time_ns - before.time_ns
        where = f"{log.source.path}:{row.line}"
        if step_ns < 0:
            raise ImportFileError(
                f"{where}: time goes back by {-step_ns / SECOND_NS:.3f} s here; a clock was put back (end of summer "
                "time?) or files were joined in the wrong order: cut the file here"
            )
        if row.mark == before.mark and abs(step_ns - 3600 * SECOND_NS) <= 60 * SECOND_NS:
            raise ImportFileError(
                f"{where}: time jumps by {step_ns / SECOND_NS:.3f} s inside one measurement; a clock was put forward "
                "(summer time?): cut the file here"
            )


def _message(log: Log, number: int, time_ns: int, text: str) -> None:
    """One line of PTDaemon's own."""
    where = f"{log.source.path}:{number}"
    reply = text.removeprefix(_SENT).strip()
    if match := _GO.match(text):
        log.goes.append(Go(match[1], checked=log.checked))
    elif _CHECKED.match(text):
        log.checked = True
    elif ",version=" in reply and ",mode=" in reply:
        if log.identify is not None and log.identify != reply:
            raise ImportFileError(f"{where}: another analyser than before; cut the file where it was changed")
        log.identify = reply
    elif _STARTING.match(reply) and log.goes:
        _starting(log.goes[-1], reply)
    elif _is_of_uncertainty(log, number, time_ns, text):
        pass
    elif match := re.match(r"(WARNING|ERROR)[:,] ?(.*)", text):
        log.problems.append((number, time_ns, f"{match[1].lower()}: {match[2]}"))
    elif changes := list(_range_changes(reply)):
        log.ranges += [(time_ns, quantity, value, text) for quantity, value in changes]
    elif log.goes:
        log.goes[-1].completed |= text == "Completed test"
        _told(log.goes[-1], reply, where)


def _is_of_uncertainty(log: Log, number: int, time_ns: int, text: str) -> bool:
    """Whether a message is about the uncertainty of the last sample; what it says of the sum is kept."""
    above = _ABOVE.search(text)
    if above is None and "Uncertainty unknown for the last" not in text:
        return False
    channel = _CHANNEL.search(text)
    if channel is None or channel[1] == "0":
        log.uncertain.append((number, time_ns, None if above is None else float(above[1]) / 100))
    return True


def _range_changes(text: str) -> Iterator[tuple[Quantity, Range]]:
    """The ranges a line tells: as set, as PTDaemon or as the analyser answers."""
    if match := _SET.match(text):
        yield (
            "voltage_v" if match[1] == "Volt" else "current_a",
            (match[2] is None, float(match[2]) if match[2] else None),
        )
    elif match := _RANGES.fullmatch(text):
        for quantity, auto, full in (("current_a", match[1], match[2]), ("voltage_v", match[3], match[4])):
            known = float(full) if float(full) > 0 else None
            yield _quantity(quantity), ({"0": False, "1": True}.get(auto), known)
    elif match := _ASKED.match(text):
        yield "current_a", (match[2] == "1", float(match[1]))
        yield "voltage_v", (match[4] == "1", float(match[3]))


def _quantity(name: str) -> Quantity:
    return "voltage_v" if name == "voltage_v" else "current_a"


def _starting(go: Go, reply: str) -> None:
    if match := _STARTING.match(reply):
        go.interval_ms, go.rampup = int(match[1]), int(match[2])


def _told(go: Go, reply: str, where: str) -> None:
    """Averages and uncertainty that PTDaemon states of a measurement."""
    match = _AVERAGES.fullmatch(reply) or _WATTS.fullmatch(reply)
    if match:
        average_w, low_w, high_w = float(match[1]), float(match[2]), float(match[3])
        go.averages.append(Averages(where, average_w, low_w, high_w, int(match[4]), int(match[6])))
    elif match := _UNCERTAINTY.fullmatch(reply):
        stated = Stated(float(match[1]), float(match[3]), int(match[6]), int(match[7]), reply)
        go.uncertainty.append(stated)


def read_server(source: SourceFile) -> Conversation:
    """server.json of a submission.

    Raises:
        ImportFileError: no JSON, or another form; with the line.
    """
    try:
        raw = json.loads(source.content)
    except (ValueError, RecursionError) as error:
        raise ImportFileError(
            f"{source.path}:{getattr(error, 'lineno', 1)}: not JSON ({error}); copy it again"
        ) from None
    messages = raw.get("ptd_messages", []) if isinstance(raw, dict) else None
    if not isinstance(messages, list) or not all(
        isinstance(m, dict) and isinstance(m.get("cmd"), str) and isinstance(m.get("reply"), str) for m in messages
    ):
        raise ImportFileError(f"{source.path}:1: expected an object with ptd_messages, a list of {{cmd, reply}}")
    found = Conversation(source)
    results = raw.get("results")
    if isinstance(results, dict):
        found.hashes = {str(name): str(digest) for name, digest in results.items()}
    config = raw.get("ptd_config")
    analysers = config if isinstance(config, list) else [config]  # a list since power-dev serves several
    kinds = [one.get("device_type") for one in analysers if isinstance(one, dict)]
    found.direct_current = any(isinstance(kind, int) and 500 <= kind < 1000 for kind in kinds)
    found.zone_s = _whole_number(raw.get("timezone"))
    asked: list[str] = []
    for message in messages:
        command, reply = str(message["cmd"]), str(message["reply"]).strip()
        if command == "Identify":
            found.identify = reply
        elif command.startswith("Go,"):
            fields = command.split(",", 3)
            found.goes.append(Go(fields[3] if len(fields) > 3 else "notset", commands=asked))
            _starting(found.goes[-1], reply)
            asked = []
        elif command.startswith(("SR,", "RR")):
            asked.append(f"{command}: {reply}")
        elif found.goes:
            _told(found.goes[-1], reply, f"{source.path}: reply to {command}")
    return found


def read_client(source: SourceFile) -> Client:
    """client.json of a submission; what is none of it says nothing."""
    try:
        raw = json.loads(source.content)
    except (ValueError, RecursionError):
        return Client(source)
    if not isinstance(raw, dict):
        return Client(source)
    results, messages = raw.get("results"), raw.get("messages")
    hashes = {str(name): str(digest) for name, digest in results.items()} if isinstance(results, dict) else {}
    apart = [_apart_s(one) for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
    known = [apart_s for apart_s in apart if apart_s is not None]
    return Client(source, hashes, _whole_number(raw.get("timezone")), max(known, default=None))


def _apart_s(message: Json) -> float | None:
    """How far the server's clock was from the client's at most: it answered `time` between two stamps of the
    client."""
    if message.get("cmd") != "time":
        return None
    try:
        asked_s, told_s, heard_s = (float(message[key]) for key in ("cmd_time", "reply", "reply_time"))
    except (KeyError, TypeError, ValueError):
        return None
    apart_s = max(abs(told_s - asked_s), abs(told_s - heard_s))
    return apart_s if math.isfinite(apart_s) else None


def parse_identify(line: str, where: str) -> Instrument:
    """The Identify line: `model,ms,...,version=..,OS=..,mode=power,...,calibration date,maker;model;serial;firmware`.

    Raises:
        ImportFileError: a temperature sensor's line, or one without version, mode and analyser.
    """
    head, _, tail = line.partition(",mode=")
    fields = tail.split(",")
    version = re.search(r",version=([^,]+)", head)
    if version is None or len(fields) < 3:
        raise ImportFileError(f"{where}: found the Identify line {line!r:.120}, expected version=, OS=, mode= in it")
    if fields[0] != "power":
        raise ImportFileError(f"{where}: PTDaemon ran in mode {fields[0]!r}, expected 'power'; name the analyser's log")
    calibrated, analyser = fields[-2], fields[-1].split(";")
    maker, model, serial, firmware = (analyser + [""] * 4)[:4] if len(analyser) >= 4 else ("", fields[-1], "", "")
    system = re.search(r",OS=(.*)$", head)
    evidence: Json = {"identify": line, "ptdaemon_version": version[1], "ptdaemon_device": head.split(",")[0]}
    return Instrument(
        {
            "maker": maker, "model": model, "serial": serial, "firmware": firmware,
            "driver": f"ptdaemon {version[1]}",
        },
        evidence | ({"ptdaemon_os": system[1]} if system else {}),
        None if calibrated == "no_cal_date" else {"date": calibrated, "source": "PTDaemon Identify"},
        EMULATOR_MARK in line,
        "dummy" in line.lower(),
        head.split(",")[8:9] == ["1"],
    )  # fmt: skip


def _whole_number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
