"""Which rows of an nvidia-smi log are of which board.

Knows what tells boards apart, and how the rows of boards that are asked in turn look. Knows no text (log.py), no
indicator and no run.

Decisions
- Boards are told apart by uuid, serial number, bus id or index, the first of these that the log has, else by name.
  Where nothing tells them apart and the stamps show several, the log is refused.
"""

from collections import Counter
from collections.abc import Callable

import numpy as np

from harness.foreign.importers.nvidia_smi.cells import Cells, Floats, numbers_of
from harness.foreign.importers.nvidia_smi.fields import KEYS, POWERS, is_stated, reader_in
from harness.foreign.importers.nvidia_smi.log import TIMESTAMP, LogText, Rows
from harness.foreign.importers.remarks import listed
from harness.foreign.importers.source import SourceFile
from harness.foreign.importers.stamps import Stamps
from harness.record.errors import ImportFileError

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


def rows_by_board(source: SourceFile, log: LogText) -> dict[str, Rows]:
    """Number -> rows of each board, in order of the log; the number is empty where there is only one.

    Raises:
        ImportFileError: columns that contradict each other, rows that cannot be of one board.
    """
    key = next((name for name in KEYS if (at := log.place(name)) is not None and _stated(log.rows.cells(at))), None)
    rows_of = {"": log.rows} if key is None else _by_key(source, log, key)
    for rows in rows_of.values():
        _refuse_contradiction(source, log, key, rows)
        if key is None or key == "name":
            _refuse_several(source, log, rows)
    if len(rows_of) == 1:
        return {"": next(iter(rows_of.values()))}
    index = log.place("index")
    numbers = [rows.cells(index)[0] if index is not None else "" for rows in rows_of.values()]
    if len(set(numbers)) < len(numbers) or not all(number.isdecimal() for number in numbers):
        numbers = [str(nth) for nth in range(len(rows_of))]
    return dict(zip(numbers, rows_of.values(), strict=True))


def _by_key(source: SourceFile, log: LogText, key: str) -> dict[str, Rows]:
    """The rows of each board by the column that tells them apart; a row in which the query for it failed is of the
    board with its index, or of the only one.

    Raises:
        ImportFileError: nothing says of which board a row is.
    """
    cells, index = log.rows.cells(log.place(key) or 0), log.place("index")
    known = _stated(cells)
    if len(known) == 1:
        return {known[0]: log.rows}
    by_index: dict[str, str] = {}
    if index is not None:
        pairs = zip(log.rows.cells(index).texts(), cells.texts(), strict=True)
        by_index = {number: cell for number, cell in pairs if is_stated(cell)}
    places: dict[str, list[int]] = {name: [] for name in known}
    for place, cell in enumerate(cells.texts()):
        name = cell if is_stated(cell) else by_index.get("" if index is None else log.rows.cells(index)[place])
        if name is None:
            raise ImportFileError(
                f"{source.path}:{log.rows.lines[place]}: found {cell!r:.40} as {key}: which board is it?"
            )
        places[name].append(place)
    return {name: log.rows.taken(of_board) for name, of_board in places.items()}


def _stated(cells: Cells) -> list[str]:
    """What the cells of a column hold, each once, in order."""
    return [kind for kind in cells.kinds if is_stated(kind)]


def _refuse_contradiction(source: SourceFile, log: LogText, key: str | None, rows: Rows) -> None:
    """Rows of one board have one name and come one after the other.

    Raises:
        ImportFileError: they do not.
    """
    board = "" if key is None else f" of {key} {rows.cells(log.place(key) or 0)[0]}"
    if len(rows) < 2:
        raise ImportFileError(
            f"{source.path}:{rows.lines[0]}: the only row{board}; take it out, or log that board longer"
        )
    other, back = _other_name(log, rows), int(np.argmax(np.diff(rows.times_ns) <= 0)) + 1
    steps_back = rows.times_ns[back] <= rows.times_ns[back - 1]
    if other is not None and not (steps_back and back < other):
        names = rows.cells(log.place("name") or 0)
        raise ImportFileError(
            f"{source.path}:{rows.lines[other]}: another GPU{board}: {names[other]!r:.40}, before {names[0]!r:.40}; "
            f"{ADD_A_KEY}"
        )
    if steps_back and rows.times_ns[back] == rows.times_ns[back - 1]:
        raise ImportFileError(
            f"{source.path}:{rows.lines[back]}: a second row{board} with the time of line {rows.lines[back - 1]}; if "
            f"several boards stand in this file, {_telling_apart(log, key)}; if not, log fractions of a second"
        )
    if steps_back:
        raise ImportFileError(
            f"{source.path}:{rows.lines[back]}: time does not go on here{board}: it is before that of line "
            f"{rows.lines[back - 1]} (summer time, a clock that was set, or files joined); split the file at this line"
        )


def _other_name(log: LogText, rows: Rows) -> int | None:
    """The first row with another name than the first; None without one."""
    at = log.place("name")
    if at is None:
        return None
    first = rows.cells(at)[0]
    return rows.cells(at).first(lambda name: name != first and is_stated(name))


def _telling_apart(log: LogText, key: str | None) -> str:
    """What to do about boards that the column used does not tell apart: name a column that does, where there is one."""
    times_ns = log.rows.times_ns.tolist()
    together = max(Counter(times_ns).values())
    telling = []
    for at, column in enumerate(log.columns):
        cells = log.rows.cells(at)
        once = len(set(zip(times_ns, cells.codes.tolist(), strict=True))) == len(log.rows)
        if column.name != TIMESTAMP and once and len(cells.kinds) == together:
            telling.append(f"{column.name!r} ({listed(cells.kinds, 4)})")
    if not telling:
        return ADD_A_KEY
    used = "" if key is None else f"{key!r}, by which boards are told apart, does not; "
    taken = "" if log.place("index") is None else ", and what is called index now otherwise, such as other"
    return f"{used}column {' or '.join(telling)} does: call it index in the header{taken}, or {ADD_A_KEY}"


def _refuse_several(source: SourceFile, log: LogText, rows: Rows) -> None:
    """Rows that no index tells apart are of one board only where they look like those of one.

    Raises:
        ImportFileError: they come in turns, as those of several boards do.
    """
    place = next(at for name in POWERS if (at := log.place(name)) is not None)
    turns = boards_in_turn(rows.times_ns, lambda: numbers_of(rows.cells(place), reader_in("W"))[0].values)
    if turns is None and log.repeated <= max(MOST_REPEATED, MOST_REPEATED_PART * len(log.rows)):
        return
    how = "every row stands there more than once" if turns is None else f"the stamps are those of {turns} boards"
    raise ImportFileError(
        f"{source.path}:{rows.lines[0]}: {how}, as where several boards are asked in turn, and no column tells them "
        f"apart; {ADD_A_KEY}"
    )


def boards_in_turn(times_ns: Stamps, power_w: Callable[[], Floats]) -> int | None:
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
    return boards if burst * BURST < pause or differ_in_turn(power_w()[long[0] + 1 :], boards) else None


def differ_in_turn(power_w: Floats, boards: int) -> bool:
    """Whether values differ more from place to place in a round than from round to round at one place."""
    rounds = power_w[: power_w.size // boards * boards].reshape(-1, boards)
    if len(rounds) < FEWEST_POLLS or np.isnan(rounds).any():
        return False
    apart_w = float(np.ptp(np.median(rounds.T.copy(), axis=1)))
    return apart_w > DIFFERENT * float(np.mean(np.abs(np.diff(rounds, axis=0)))) and apart_w > 0
