"""One board of an nvidia-smi log: its power and indicators as numbers, for how long a reading stands, what is a gap.

Knows what the columns mean. Knows no text (log.py), not which rows are of which board (boards.py), and no run.

Decisions
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

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.foreign.importers.csv_rows import stamps_text
from harness.foreign.importers.nvidia_smi.cells import Cells, Floats, Numbers, numbers_of
from harness.foreign.importers.nvidia_smi.fields import (
    CELL_UNITS,
    FACTS,
    INDICATORS,
    POWERS,
    SPECIAL,
    is_stated,
    reader_in,
)
from harness.foreign.importers.nvidia_smi.log import LogText, Rows
from harness.foreign.importers.remarks import counted, listed
from harness.foreign.importers.source import SourceFile
from harness.foreign.importers.stamps import SECOND_NS, Stamps
from harness.record.errors import ImportFileError

AVERAGE_S = 1.0
"""What `power.draw.average` averages over."""
REFRESH_S = 0.1
LATE = 1.5
"""A step of more than so many usual ones is noted."""


@dataclass(frozen=True)
class Board:
    """The rows of one board: stamps (source-wall ns), power (W, NaN where it reported none, with its cells, `causes`),
    indicators by nvidia-smi's name. `number`: its index, else its place in the log; empty of the only one in it."""

    number: str
    identity: Mapping[str, str]
    figure: str
    times_ns: Stamps
    power: Numbers
    causes: Cells
    indicators: Mapping[str, Numbers]

    @cached_property
    def power_w(self) -> Floats:
        """Its power per row."""
        return self.power.values

    @cached_property
    def stamps(self) -> list[str]:
        """Its stamps as they are written."""
        return stamps_text(self.times_ns.tolist())

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
            words = listed(list(dict.fromkeys(self.causes[at] or "nothing" for at in places)))
            yield int(from_ns), int(to_ns), f"no power in {counted(len(places), 'row')}: {words}"

    def late(self) -> tuple[int, float]:
        """How many rows came late without leaving a gap, and the longest such step in s."""
        steps_s = np.diff(self.times_ns) / SECOND_NS
        steps_s = steps_s[(steps_s > LATE * self.usual_s) & (steps_s <= 2 * self.usual_s)]
        return int(steps_s.size), float(steps_s.max(initial=0.0))


def board_of(source: SourceFile, log: LogText, number: str, rows: Rows, notes: list[tuple[str, str]]) -> Board:
    """One board; what its indicators lack is added to the notes.

    Raises:
        ImportFileError: a cell that is neither a power nor one of nvidia-smi's words.
    """
    powers = {name: _powers(source, log, name, rows) for name in POWERS if log.place(name) is not None}
    figure = next((name for name, column in powers.items() if np.isfinite(column.kinds).any()), next(iter(powers)))
    indicators = dict(powers)
    for name in INDICATORS:
        if name not in powers and log.place(name) is not None:
            indicators[name], odd = _indicator(log, name, rows)
            if odd:
                notes.append(("cells-left-empty", f"{name}: {odd}"))
    return Board(
        number=number,
        identity=dict(_facts(log, rows)),
        figure=figure,
        times_ns=rows.times_ns,
        power=powers[figure],
        causes=rows.cells(log.place(figure) or 0),
        indicators=indicators,
    )


def _facts(log: LogText, rows: Rows) -> Iterator[tuple[str, str]]:
    """What the log says of a board: the first value of each of `FACTS`."""
    for name in FACTS:
        if (at := log.place(name)) is not None and is_stated(rows.cells(at)[0]):
            yield name, rows.cells(at)[0]


def _powers(source: SourceFile, log: LogText, name: str, rows: Rows) -> Numbers:
    """A column of power.

    Raises:
        ImportFileError: a cell that is neither a power nor one of nvidia-smi's words, or lacks the unit of the others.
    """
    cells = rows.cells(log.place(name) or 0)
    column, odd = numbers_of(cells, reader_in("W"))
    with_unit = any(kind.endswith("W") for kind in cells.kinds)
    bare = cells.first(lambda kind: kind[-1:].isdigit()) if with_unit else None
    odd = sorted([*odd, *([] if bare is None else [bare])])
    if odd:
        raise ImportFileError(
            f"{source.path}:{rows.lines[odd[0]]}: found {cells[odd[0]]!r:.40} as {name}, expected a number "
            f"{'with its unit, as in the other rows' if with_unit else 'in W'}"
        )
    return column


def _indicator(log: LogText, name: str, rows: Rows) -> tuple[Numbers, str]:
    """A column of an indicator, and what of it was no value (empty: nothing)."""
    at, unit = log.place(name) or 0, INDICATORS[name][1]
    unit = CELL_UNITS.get(unit, unit)
    stated = log.columns[at].unit
    if stated not in ("", unit):
        return Numbers(
            np.full(1, np.nan), np.zeros(len(rows), dtype=np.intp)
        ), f"in {stated!r:.20}, expected {unit}; left out"
    column, odd = numbers_of(rows.cells(at), SPECIAL.get(name, reader_in(unit)))
    lines = rows.lines[odd].tolist()
    return column, f"no value at line{'s' if len(lines) > 1 else ''} {listed(lines)}" if lines else ""
