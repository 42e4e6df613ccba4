"""The rows of an nvidia-smi log -> its boards: which rows are of which, their powers and indicators, what is a gap.

Knows what the columns mean and how boards that are asked in turn look. Knows no text (nvidia_smi_log.py) and no run.

Decisions
- Boards are told apart by uuid, serial number, bus id or index, the first of these that the log has, else by name.
  Where nothing tells them apart and the stamps show several, the log is refused.
- Of `POWERS` the first one that a board reports is its power, the others become indicators. `power.draw.instant` is a
  momentary value; so is `power.draw` taken (on boards from Ampere on, GA100 excepted, it is the mean of the last
  second). `power.draw.average` is that mean: a value in the middle of its second, half a second before its stamp.
  Rows come at any distance, so their seconds overlap or leave time between them: windows that follow each other they
  are not.
- Boards refresh their reading every 20 to 100 ms (arXiv 2312.02741; public logs of V100, RTX 3090, A100 and H100 show
  it): a reading stands for `REFRESH_S` at least, a mean for its second, so rows that come closer together than that
  miss nothing.
- What is further than one usual step (the median) from every row is a gap; so is a row without a power. A row that is
  up to twice as late as usual misses one reading at most: noted, and no gap.
- One bad cell of an indicator costs that cell; one of the power is a damaged file.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.foreign.importers.imported import SECOND_NS, SourceFile, listed
from harness.foreign.importers.nvidia_smi_log import POWERS, LogRow, LogText, number_of, read_log
from harness.record.errors import ImportFileError

KEYS = ("uuid", "serial", "pci.bus_id", "index", "name")
"""What tells boards apart, the surest first."""
FACTS = (*KEYS, "driver_version", "enforced.power.limit", "power.limit")
"""What is said once of a board."""
INDICATORS = {
    "temperature.gpu": ("temperature_c", "°C", "GPU core temperature"),
    "utilization.gpu": ("load_percent", "%", "GPU load"),
    "utilization.memory": ("memory_load_percent", "%", "GPU memory load"),
    "memory.used": ("memory_used_mib", "MiB", "GPU memory allocated"),
    "power.draw": ("power_w", "W", "GPU power"),
    "power.draw.instant": ("power_instant_w", "W", "GPU power, momentary"),
    "power.draw.average": ("power_average_w", "W", "GPU power, mean of the last second"),
    "clocks.current.sm": ("sm_clock_mhz", "MHz", "GPU SM clock"),
    "clocks.current.memory": ("memory_clock_mhz", "MHz", "GPU memory clock"),
    "clocks.current.graphics": ("graphics_clock_mhz", "MHz", "GPU graphics clock"),
    "temperature.memory": ("memory_temperature_c", "°C", "GPU memory temperature"),
    "fan.speed": ("fan_percent", "%", "GPU fan speed, as intended"),
    "pstate": ("pstate", "1", "GPU performance state"),
    "pcie.link.gen.gpucurrent": ("pcie_generation", "1", "GPU PCIe link generation"),
    "clocks_event_reasons.active": ("throttled", "1", "GPU slowed by heat or supply: 1, else 0"),
}
"""Long name of nvidia-smi -> what the column is called behind `gpu<n>_`, its unit, what it is."""
SLOWED = 0x8 | 0x20 | 0x40 | 0x80
"""Bits of the event reasons that mean heat, the power brake or the hardware itself (nvml.h), as in
harness/sut/agent/gpu_sampler.py."""
CELL_UNITS = {"°C": "C", "1": ""}
MEANINGS = {
    "power.draw.instant": "a momentary value",
    "power.draw": "a momentary value before Ampere and of GA100, the mean of the last second of other boards",
    "power.draw.average": "the mean of the last second",
}
"""What NVIDIA says of each figure (`nvidia-smi --help-query-gpu`)."""
AVERAGE_S = 1.0
"""What `power.draw.average` averages over."""
REFRESH_S = 0.1
LATE = 1.5
"""A step of more than so many usual ones is noted."""
MOST_BOARDS = 16
FEWEST_POLLS = 5
LEAST_TURNS = 0.9
"""So many of the polls of a log, at least, have the same number of rows where several boards are asked in turn."""
BURST = 4.0
"""The step to the next poll is so many times longer than any step within one."""
DIFFERENT = 3.0
MOST_REPEATED, MOST_REPEATED_PART = 2, 0.05
"""So many rows may follow themselves: a logger that is restarted repeats one."""
ADD_A_KEY = "add index or uuid to the query (nvidia-smi --query-gpu=timestamp,index,uuid,...)"
Floats = NDArray[np.float64]
Times = NDArray[np.int64]


@dataclass(frozen=True)
class Board:
    """The rows of one board: stamps (source-wall ns), power (W, NaN where it reported none, with `causes`), indicators
    by nvidia-smi's name. `number`: its index, else its place in the log; empty of the only one in it."""

    number: str
    identity: Mapping[str, str]
    figure: str
    times_ns: Times
    power_w: Floats
    causes: Sequence[str]
    indicators: Mapping[str, Floats]

    @cached_property
    def usual_s(self) -> float:
        """The step between rows that is usual, or `stands_s` where that is more."""
        return max(float(np.median(np.diff(self.times_ns))) / SECOND_NS, self.stands_s)

    @property
    def stream(self) -> str:
        """Its stream's file."""
        return f"readings-{self.meter}.csv"

    @property
    def meter(self) -> str:
        """What it is called as a meter."""
        return f"gpu{self.number}"

    @property
    def stands_s(self) -> float:
        """For how long a reading stands."""
        return AVERAGE_S if self.figure == "power.draw.average" else REFRESH_S

    @property
    def lag_s(self) -> float:
        """How far the middle of what a reading stands for lies before its stamp."""
        return AVERAGE_S / 2 if self.figure == "power.draw.average" else 0.0

    def gaps(self) -> Iterator[tuple[int, int, str]]:
        """(from, to, cause) in ns: rows missing, and rows without a power."""
        times_ns, reach_ns = self.times_ns, round(self.usual_s * SECOND_NS)
        for at in np.flatnonzero(np.diff(times_ns) > 2 * reach_ns):
            yield int(times_ns[at]) + reach_ns, int(times_ns[at + 1]) - reach_ns, "rows missing"
        lost = np.flatnonzero(np.isnan(self.power_w))
        for places in np.split(lost, np.flatnonzero(np.diff(lost) > 1) + 1) if lost.size else ():
            from_ns, to_ns = times_ns[max(places[0] - 1, 0)], times_ns[min(places[-1] + 1, times_ns.size - 1)]
            said = listed(list(dict.fromkeys(self.causes[at] or "nothing" for at in places)))
            yield int(from_ns), int(to_ns), f"no power in {_number(len(places), 'row')}: {said}"

    def late(self) -> tuple[int, float]:
        """How many rows came late without leaving a gap, and the longest such step in s."""
        steps_s = np.diff(self.times_ns) / SECOND_NS
        steps_s = steps_s[(steps_s > LATE * self.usual_s) & (steps_s <= 2 * self.usual_s)]
        return int(steps_s.size), float(steps_s.max(initial=0.0))


@dataclass(frozen=True)
class Trace:
    """One log: its boards, and what a reader must know of it as (code, sentence)."""

    source: SourceFile
    boards: tuple[Board, ...]
    notes: tuple[tuple[str, str], ...]
    offset: str

    @property
    def interval_ns(self) -> tuple[int, int]:
        """First and last moment at which every board was read, less the lag of what they report."""
        firsts, lasts = ([int(board.times_ns[at]) for board in self.boards] for at in (0, -1))
        poll_ns = round(max(board.usual_s for board in self.boards) * SECOND_NS)
        begin_ns = max(firsts) if max(firsts) - min(firsts) <= poll_ns else min(firsts)
        end_ns = min(lasts) if max(lasts) - min(lasts) <= poll_ns else max(lasts)
        lag_ns = round(min(board.lag_s for board in self.boards) * SECOND_NS)
        return begin_ns - lag_ns, end_ns - lag_ns


def _unshared(boards: Sequence[Board]) -> str:
    """What some boards have at both ends and others have not, and what becomes of it (`Trace.interval_ns`)."""
    ends = [[int(board.times_ns[at]) for board in boards] for at in (0, -1)]
    apart_s = [(max(times) - min(times)) / SECOND_NS for times in ends]
    poll_s = max(board.usual_s for board in boards)
    told = [
        f"{one_s:.3g} s at the {edge} ({'left out' if one_s <= poll_s else 'a gap of the others'})"
        for one_s, edge in zip(apart_s, ("begin", "end"), strict=True)
        if one_s > 0
    ]
    return f"; not all of them have {' and '.join(told)}" if told else ""


def read_trace(source: SourceFile) -> Trace:
    """The boards of a log.

    Raises:
        ImportFileError: it is no such log, is damaged, or does not tell its boards apart; with file and line.
    """
    log = read_log(source)
    if len(log.rows) < 2:
        raise ImportFileError(
            f"{source.path}:{log.header_line + 1}: fewer than two complete rows: there is no energy between them"
        )
    notes = [
        ("truncated-source", f"line {line} of {source.path.name} is cut off; it was left out") for line in log.cut_lines
    ]
    notes += log.notes
    boards, silent = list[Board](), list[str]()
    for number, rows in _boards(source, log).items():
        board = _board(source, log, number, rows, notes)
        if np.isnan(board.power_w).all():
            silent.append(f"{board.meter} says {listed(list(dict.fromkeys(board.causes)))}")
        else:
            boards.append(board)
    if not boards:
        figures = " and ".join(name for name in POWERS if log.place(name) is not None)
        raise ImportFileError(
            f"{source.path}:{log.rows[0].line}: no row has a power: {listed(silent)} as {figures} in all "
            f"{len(log.rows)} rows; this board does not report it"
        )
    if silent:
        notes.append(("power-missing", f"no power in any row, and so not in the sum: {listed(silent)}"))
    if len(boards) > 1:
        notes.append(("boards", f"{len(boards)} boards; the power is their sum{_unshared(boards)}"))
    for board in boards:
        notes += _notes_of(board, named=any(key in board.identity for key in KEYS[:-1]))
    return Trace(source, tuple(boards), tuple(notes), log.offset)


def _boards(source: SourceFile, log: LogText) -> dict[str, list[LogRow]]:
    """Number -> rows of each board, in order of the log; the number is empty where there is only one.

    Raises:
        ImportFileError: columns that contradict each other, rows that cannot be of one board.
    """
    key = next((name for name in KEYS if (at := log.place(name)) is not None and _said(log.rows, at)), None)
    rows_of = {"": list(log.rows)} if key is None else _by_key(source, log, key)
    for rows in rows_of.values():
        _refuse_contradiction(source, log, key, rows)
        if key is None or key == "name":
            _refuse_several(source, log, rows)
    if len(rows_of) == 1:
        return {"": next(iter(rows_of.values()))}
    index = log.place("index")
    numbers = [rows[0].cells[index] if index is not None else "" for rows in rows_of.values()]
    if len(set(numbers)) < len(numbers) or not all(number.isdecimal() for number in numbers):
        numbers = [str(nth) for nth in range(len(rows_of))]
    return dict(zip(numbers, rows_of.values(), strict=True))


def _by_key(source: SourceFile, log: LogText, key: str) -> dict[str, list[LogRow]]:
    """The rows of each board by the column that tells them apart; a row in which the query for it failed is of the
    board with its index, or of the only one.

    Raises:
        ImportFileError: nothing says of which board a row is.
    """
    at, index = log.place(key) or 0, log.place("index")
    known = dict.fromkeys(row.cells[at] for row in log.rows if _is_said(row.cells[at]))
    by_index = {row.cells[index]: row.cells[at] for row in log.rows if index is not None and _is_said(row.cells[at])}
    rows_of: dict[str, list[LogRow]] = {name: [] for name in known}
    for row in log.rows:
        name = row.cells[at] if _is_said(row.cells[at]) else by_index.get("" if index is None else row.cells[index])
        name = next(iter(known)) if name is None and len(known) == 1 else name
        if name is None:
            raise ImportFileError(f"{source.path}:{row.line}: found {row.cells[at]!r:.40} as {key}: which board is it?")
        rows_of[name].append(row)
    return rows_of


@lru_cache(maxsize=64)
def _is_said(text: str) -> bool:
    """Whether a cell holds anything."""
    value = number_of(text, "")
    return value is None or not np.isnan(value)


def _said(rows: Sequence[LogRow], at: int) -> bool:
    return any(_is_said(row.cells[at]) for row in rows)


def _refuse_contradiction(source: SourceFile, log: LogText, key: str | None, rows: Sequence[LogRow]) -> None:
    """Rows of one board have one name and come one after the other.

    Raises:
        ImportFileError: they do not.
    """
    name, first = log.place("name"), rows[0]
    board = "" if key is None else f" of {key} {first.cells[log.place(key) or 0]}"
    if len(rows) < 2:
        raise ImportFileError(f"{source.path}:{first.line}: the only row{board}; take it out, or log that board longer")
    for before, row in pairwise(rows):
        if name is not None and row.cells[name] != first.cells[name] and _is_said(row.cells[name]):
            raise ImportFileError(
                f"{source.path}:{row.line}: another GPU{board}: {row.cells[name]!r:.40}, before "
                f"{first.cells[name]!r:.40}; {ADD_A_KEY}"
            )
        if row.time_ns == before.time_ns:
            raise ImportFileError(
                f"{source.path}:{row.line}: a second row{board} with the time of line {before.line}; if several boards "
                f"stand in this file, {_telling_apart(log, key)}; if not, log fractions of a second"
            )
        if row.time_ns < before.time_ns:
            raise ImportFileError(
                f"{source.path}:{row.line}: time does not go on here{board}: it is before that of line {before.line} "
                "(summer time, a clock that was set, or files joined); split the file at this line"
            )


def _telling_apart(log: LogText, key: str | None) -> str:
    """What to do about boards that the column used does not tell apart: name a column that does, where there is one."""
    together = max(Counter(row.time_ns for row in log.rows).values())
    telling = []
    for at, column in enumerate(log.columns):
        cells = list(dict.fromkeys(row.cells[at] for row in log.rows))
        once = len({(row.time_ns, row.cells[at]) for row in log.rows}) == len(log.rows)
        if column.name != "timestamp" and once and len(cells) == together:
            telling.append(f"{column.name!r} ({listed(cells, 4)})")
    if not telling:
        return ADD_A_KEY
    used = "" if key is None else f"{key!r}, by which boards are told apart, does not; "
    return f"{used}column {' or '.join(telling)} does: call it index in the header, or {ADD_A_KEY}"


def _refuse_several(source: SourceFile, log: LogText, rows: Sequence[LogRow]) -> None:
    """Rows that no index tells apart are of one board only where they look like those of one.

    Raises:
        ImportFileError: they come in turns, as those of several boards do.
    """
    place = next(at for name in POWERS if (at := log.place(name)) is not None)
    values = [number_of(row.cells[place], "W") for row in rows]
    power_w = np.array([np.nan if value is None else value for value in values])
    turns = boards_in_turn(np.array([row.time_ns for row in rows]), power_w)
    if turns is None and log.repeated <= max(MOST_REPEATED, MOST_REPEATED_PART * len(log.rows)):
        return
    how = "every row stands there more than once" if turns is None else f"the stamps are those of {turns} boards"
    raise ImportFileError(
        f"{source.path}:{rows[0].line}: {how}, as where several boards are asked in turn, and no column tells them "
        f"apart; {ADD_A_KEY}"
    )


def boards_in_turn(times_ns: Times, power_w: Floats) -> int | None:
    """How many boards stamps show that come in bursts: short steps within a poll, a long one to the next, and always as
    many of them; None where they do not. Where a burst takes as long as the pause behind it, which a tool that stalls
    can do too, the powers must differ from place to place in it."""
    steps = np.maximum(np.diff(times_ns), 1)
    if steps.size < 2 * FEWEST_POLLS:
        return None
    ordered = np.sort(steps)
    ratios = ordered[1:] / ordered[:-1]
    long = np.flatnonzero(steps > ordered[int(np.argmax(ratios))])
    if ratios.max() < BURST or long.size < FEWEST_POLLS:
        return None
    boards, times = Counter(np.diff(long).tolist()).most_common(1)[0]
    if not 1 < boards <= MOST_BOARDS or times < LEAST_TURNS * (long.size - 1):
        return None
    burst, pause = float(np.median(ordered[: -long.size])) * (boards - 1), float(np.median(steps[long]))
    return boards if burst * BURST < pause or _differ_in_turn(power_w[long[0] + 1 :], boards) else None


def _differ_in_turn(power_w: Floats, boards: int) -> bool:
    """Whether values differ more from place to place in a round than from round to round at one place."""
    rounds = power_w[: power_w.size // boards * boards].reshape(-1, boards)
    if len(rounds) < FEWEST_POLLS or np.isnan(rounds).any():
        return False
    apart = float(np.ptp(np.median(rounds, axis=0)))
    return apart > DIFFERENT * float(np.mean(np.abs(np.diff(rounds, axis=0)))) and apart > 0


def _board(
    source: SourceFile, log: LogText, number: str, rows: Sequence[LogRow], notes: list[tuple[str, str]]
) -> Board:
    """One board; what its indicators lack is added to the notes."""
    powers = {name: _powers(source, log, name, rows) for name in POWERS if log.place(name) is not None}
    figure = next((name for name, values in powers.items() if np.isfinite(values).any()), next(iter(powers)))
    indicators = dict(powers)
    for name in INDICATORS:
        if name not in powers and log.place(name) is not None:
            indicators[name], odd = _indicator(log, name, rows)
            if odd:
                notes.append(("cells-left-empty", f"{name}: {odd}"))
    said = log.place(figure) or 0
    return Board(
        number=number,
        identity=dict(_facts(log, rows)),
        figure=figure,
        times_ns=np.array([row.time_ns for row in rows], dtype=np.int64),
        power_w=powers[figure],
        causes=[row.cells[said] for row in rows],
        indicators=indicators,
    )


def _facts(log: LogText, rows: Sequence[LogRow]) -> Iterator[tuple[str, str]]:
    """What the log says of a board: the first value of each of `FACTS`."""
    for name in FACTS:
        if (at := log.place(name)) is not None:
            yield from ((name, row.cells[at]) for row in rows[:1] if _is_said(row.cells[at]))


def _powers(source: SourceFile, log: LogText, name: str, rows: Sequence[LogRow]) -> Floats:
    """A column of power.

    Raises:
        ImportFileError: a cell that is neither a power nor one of nvidia-smi's words, or lacks the unit of the others.
    """
    at = log.place(name) or 0
    values = np.full(len(rows), np.nan)
    bare = [nth for nth, row in enumerate(rows) if row.cells[at][-1:].isdigit()]
    with_unit = sum(row.cells[at].endswith("W") for row in rows)
    odd = bare[0] if bare and with_unit else None
    for nth, row in enumerate(rows):
        value = number_of(row.cells[at], "W")
        if value is None or nth == odd:
            raise ImportFileError(
                f"{source.path}:{row.line}: found {row.cells[at]!r:.40} as {name}, expected a number "
                f"{'with its unit, as in the other rows' if with_unit else 'in W'}"
            )
        values[nth] = value
    return values


def _indicator(log: LogText, name: str, rows: Sequence[LogRow]) -> tuple[Floats, str]:
    """A column of an indicator, and what of it was no value (empty: nothing)."""
    at, unit = log.place(name) or 0, INDICATORS[name][1]
    unit = CELL_UNITS.get(unit, unit)
    told = log.columns[at].unit
    if told not in ("", unit):
        return np.full(len(rows), np.nan), f"in {told!r:.20}, expected {unit}; left out"
    values, odd = np.full(len(rows), np.nan), list[int]()
    value_of = SPECIAL.get(name, partial(number_of, unit=unit))
    for nth, row in enumerate(rows):
        value = value_of(row.cells[at])
        if value is None:
            odd.append(row.line)
        else:
            values[nth] = value
    return values, f"no value at line{'s' if len(odd) > 1 else ''} {listed(odd)}" if odd else ""


def _state(text: str) -> float | None:
    """`P8` -> 8."""
    return number_of(text.removeprefix("P"), "")


def _slowed(text: str) -> float | None:
    """Whether a mask of event reasons says that heat or supply slows the board."""
    try:
        return float(bool(int(text, 16) & SLOWED)) if text.startswith("0x") else number_of(text, "")
    except ValueError:
        return None


SPECIAL: Mapping[str, Callable[[str], float | None]] = {"pstate": _state, "clocks_event_reasons.active": _slowed}
"""Columns whose cells are no plain numbers."""


def _notes_of(board: Board, *, named: bool) -> Iterator[tuple[str, str]]:
    """What a reader must know of a board; `named`: a column says which it is."""
    count, longest_s = board.late()
    if count:
        yield (
            "late-rows",
            f"{board.meter}: {_number(count, 'row')} came up to {longest_s:.3g} s after the one before, "
            f"{board.usual_s:.3g} s are usual; late, or one reading was missed",
        )
    if gaps := list(board.gaps()):
        lost_s = sum(to_ns - from_ns for from_ns, to_ns, _ in gaps) / SECOND_NS
        yield "gaps-in-source", f"{board.meter}: {_number(len(gaps), 'gap')} of {lost_s:.3g} s together"
    turns = next((n for n in range(2, MOST_BOARDS + 1) if not named and _differ_in_turn(board.power_w, n)), None)
    if turns is not None:
        yield (
            "powers-in-turn",
            f"{board.meter}: the powers repeat every {turns} rows, as those of {turns} boards would, and no column "
            f"tells boards apart; if they are several, {ADD_A_KEY}",
        )


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count > 1 else ''}"
