"""An nvidia-smi log as a trace: its boards together, the interval of all of them, what a reader must know of it.

Knows how boards become one run's interval. Knows no text (log.py), no board's columns (board.py) and no run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.foreign.importers.nvidia_smi.board import Board, board_of
from harness.foreign.importers.nvidia_smi.boards import ADD_A_KEY, MOST_BOARDS, differ_in_turn, rows_by_board
from harness.foreign.importers.nvidia_smi.fields import KEYS, POWERS
from harness.foreign.importers.nvidia_smi.log import read_log
from harness.foreign.importers.remarks import TRUNCATED, counted, listed
from harness.foreign.importers.source import SourceFile
from harness.foreign.importers.stamps import SECOND_NS
from harness.record.errors import ImportFileError


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
    edges = [
        f"{one_s:.3g} s at the {edge} ({'left out' if one_s <= poll_s else 'a gap of the others'})"
        for one_s, edge in zip(apart_s, ("begin", "end"), strict=True)
        if one_s > 0
    ]
    return f"; not all of them have {' and '.join(edges)}" if edges else ""


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
    notes = [(TRUNCATED, f"line {line} of {source.path.name} is cut off; it was left out") for line in log.cut_lines]
    notes += log.notes
    boards, silent = list[Board](), list[str]()
    for number, rows in rows_by_board(source, log).items():
        board = board_of(source, log, number, rows, notes)
        if np.isnan(board.power_w).all():
            silent.append(f"{board.meter} says {listed(board.causes.kinds)}")
        else:
            boards.append(board)
    if not boards:
        figures = " and ".join(name for name in POWERS if log.place(name) is not None)
        raise ImportFileError(
            f"{source.path}:{log.rows.lines[0]}: no row has a power: {listed(silent)} as {figures} in all "
            f"{len(log.rows)} rows; this board does not report it"
        )
    if silent:
        notes.append(("power-missing", f"no power in any row, and so not in the sum: {listed(silent)}"))
    if len(boards) > 1:
        notes.append(("boards", f"{len(boards)} boards; the power is their sum{_unshared(boards)}"))
    for board in boards:
        notes += _notes_of(board, named=any(key in board.identity for key in KEYS[:-1]))
    return Trace(source, tuple(boards), tuple(notes), log.offset)


def _notes_of(board: Board, *, named: bool) -> Iterator[tuple[str, str]]:
    """What a reader must know of a board; `named`: a column says which it is."""
    count, longest_s = board.late()
    if count:
        yield (
            "late-rows",
            f"{board.meter}: {counted(count, 'row')} came up to {longest_s:.3g} s after the one before, "
            f"{board.usual_s:.3g} s are usual; late, or one reading was missed",
        )
    if gaps := list(board.gaps()):
        lost_s = sum(to_ns - from_ns for from_ns, to_ns, _ in gaps) / SECOND_NS
        yield "gaps-in-source", f"{board.meter}: {counted(len(gaps), 'gap')} of {lost_s:.3g} s together"
    turns = next((n for n in range(2, MOST_BOARDS + 1) if not named and differ_in_turn(board.power_w, n)), None)
    if turns is not None:
        yield (
            "powers-in-turn",
            f"{board.meter}: the powers repeat every {turns} rows, as those of {turns} boards would, and no column "
            f"tells boards apart; if they are several, {ADD_A_KEY}",
        )
