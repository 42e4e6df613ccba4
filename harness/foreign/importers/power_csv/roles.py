"""Several columns of power and energy -> which of them seems to be the one that counts, and what each seems to feed.

Knows how loggers call sums, inlets and parts of a machine, and sums of numbers. Decides nothing: what is said here is
suggested beside a question.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.foreign.importers.power_csv.headings import ENERGY_WORDS, POWER_WORDS
from harness.foreign.importers.power_csv.mapping import CIRCUIT, OPEN, POWERS, PowerColumn
from harness.foreign.importers.power_csv.names import slug
from harness.foreign.importers.power_csv.table import Floats, Rows
from harness.foreign.importers.remarks import listed
from harness.record.errors import ImportFileError

DC_INLET = "sut-dc-inlet"
SOFTWARE = re.compile(
    r"bmc|ipmi|rapl|nvml|gpu|package|dram|cpu|processor|redfish|idrac|ilo(?:\W|_|$)|estimat|predict|simulat|"
    r"(?:^|[\W_])(?:(?:un)?cores?\d*|pkg|ram|pred)(?:[\W_]|$)|(?:^|[\W_])(?:pkg|cor|gfx|ram)watt|"
    r"(?:^|\s)(?:ia|gt)\s(?:power|energy)_\d",
    re.IGNORECASE,
)
RAIL = re.compile(r"vdd|pom_|(?:^|[\W_])(?:dc|soc|ddr)(?:[\W_]|$)", re.IGNORECASE)
DC_IN = re.compile(r"vdd_in|pom_5v_in|(?:^|[\W_])dc_in", re.IGNORECASE)
CORE = re.compile(r"(?:^|[\W_])cores?\d*(?:[\W_]|$)", re.IGNORECASE)
WHOLES = tuple(
    re.compile(rf"(?:^|[\W_\d])(?:{words})(?:[\W_\d]|$)", re.IGNORECASE)
    for words in (
        r"totals?|sum|summe|gesamt\w*", r"input|inlet|wall|mains|vdd_in|pom_5v_in|psys|system", r"package|pkg",
    )
)  # fmt: skip
"""Words of what holds the other columns, the surest first."""
PARTS = tuple(
    re.compile(words, re.IGNORECASE)
    for words in (
        r"dram|memory|(?:^|[\W_])(?:ram|mem)(?:watt|[\W_]|$)", r"gpu|gfx|(?:^|\s)gt\s(?:power|energy)_\d",
        r"cpu|processor|package|pkg|(?:^|[\W_])(?:un)?cores?\d*(?:[\W_]|$)|corwatt|(?:^|\s)ia\s(?:power|energy)_\d",
    )
)  # fmt: skip
"""Words of the parts of a machine: none of them holds another one."""
QUANTITIES = frozenset({
    "power", "energy", "cumulative", "total", "watt", "watts", "joule", "joules", "w", "kw", "mw", "j", "kj", "wh",
    "kwh", "mwh",
})  # fmt: skip
AVERAGE = re.compile(r"average|avg|mean", re.IGNORECASE)
RELATIVE = 1e-6
"""Sums of numbers in double precision agree so well."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A role and why (empty: nothing shows it), and a circuit that is to be agreed to (empty: the inlet, unasked)."""

    role: str = ""
    reason: str = ""
    circuit: str = ""


def suggestions(rows: Rows, columns: Sequence[PowerColumn], devices: str) -> list[Suggestion]:
    """What each column seems to be; `devices`: the column that names the devices, each a meter."""
    if devices:
        reason = f"The devices of {devices!r} are meters, whose powers are summed."
        return [Suggestion("added", reason, slug(f"{devices} {column.where[devices]}")) for column in columns]
    if len(columns) == 1:
        return [Suggestion("added", "", _circuit(columns[0]))]
    said = [bool(SOFTWARE.search(column.column + column.meter)) for column in columns]
    pool = [at for at, is_said in enumerate(said) if not is_said] or list(range(len(columns)))
    whole, parts, reason = _whole(rows, columns, pool)
    found = []
    for at, column in enumerate(columns):
        if at == whole:
            found.append(Suggestion("added", reason, _circuit(column)))
        elif said[at] and not all(said) and at not in parts:
            found.append(Suggestion("software", "Its heading is that of a part, which software knows."))
        elif whole is None:
            found.append(_energy_beside(columns, at))
        else:
            is_part = "is a part of" if at in parts else "seems to stand beside"
            found.append(Suggestion("check", f"It {is_part} {columns[whole].column!r}.", _circuit(column)))
    return found


def _energy_beside(columns: Sequence[PowerColumn], at: int) -> Suggestion:
    """Of an energy beside the power of the same thing that it is held against it; of other columns nothing."""
    column = columns[at]
    power = next((one for one in columns if one.unit in POWERS and _thing(one) == _thing(column)), None)
    if power is None or column.unit in POWERS:
        return Suggestion("", "", _circuit(column))
    return Suggestion("check", f"It seems to be the energy of {power.column!r}.", _circuit(power))


def _thing(column: PowerColumn) -> list[str]:
    """The words and numbers of a heading without those of power, energy and units."""
    name = next(iter(column.where.values()), column.column)
    return [word for word in re.findall(r"[a-z]+|\d+", name.lower()) if word not in QUANTITIES]


def _circuit(column: PowerColumn) -> str:
    """A circuit of its own for what is no inlet of mains by its heading; else empty."""
    text = column.column + column.meter
    if DC_IN.search(text):
        return DC_INLET
    return slug(column.column) if SOFTWARE.search(text) or RAIL.search(text) else ""


def _whole(rows: Rows, columns: Sequence[PowerColumn], pool: Sequence[int]) -> tuple[int | None, frozenset[int], str]:
    """Of the columns in `pool` the one that holds the others, its parts, and what shows it."""
    ranks = {at: _rank(columns[at], at) for at in pool}
    sums = {at: parts for at in pool if (parts := _parts(rows, columns, at))}
    best = min(sums, key=lambda at: ranks[at], default=None)
    if best is not None and (len(sums) == 1 or ranks[best][0] < len(WHOLES)):
        names = listed([columns[at].column for at in sorted(sums[best])])
        return best, sums[best], f"It is the sum of {names}."
    others = [columns[at] for at in pool]
    kinds = Counter(map(_kind, others))
    wholes = [
        at for at in pool
        if ranks[at][0] < len(WHOLES) and _may_hold(columns[at], others) and kinds[_kind(columns[at])] > 1
    ]  # fmt: skip
    if wholes:
        return min(wholes, key=lambda at: ranks[at]), frozenset(), "Its heading says that it holds the others."
    beside_cores = [at for at in pool if not CORE.search(columns[at].column)]
    if len(beside_cores) == 1 and len(pool) > 1:
        return beside_cores[0], frozenset(set(pool) - set(beside_cores)), "The others are cores."
    powers = [at for at in pool if _kind(columns[at]) == "power"]
    if len(powers) == 1 or len(pool) == 1:
        return (powers or list(pool))[0], frozenset(), "No other column is a power that a meter read."
    return None, frozenset(), ""


def _may_hold(whole: PowerColumn, columns: Sequence[PowerColumn]) -> bool:
    """Whether what a heading calls a whole may hold the columns: the total of a part holds no other part."""
    own = _parts_named(whole)
    return not own or all(_parts_named(column) <= own for column in columns)


def _kind(column: PowerColumn) -> str:
    """Power, energy, or (by neither unit nor heading) nothing."""
    if column.unit != OPEN:
        return "power" if column.unit in POWERS else "energy"
    name = next(iter(column.where.values()), column.column)
    return "energy" if ENERGY_WORDS.search(name) else "power" if POWER_WORDS.search(name) else ""


def _parts_named(column: PowerColumn) -> set[int]:
    name = next(iter(column.where.values()), column.column)
    return {nth for nth, words in enumerate(PARTS) if words.search(name)}


def _rank(column: PowerColumn, at: int) -> tuple[int, bool, bool, int]:
    name = re.sub(r"([a-z])([A-Z])", r"\1_\2", next(iter(column.where.values()), column.column))
    level = next((level for level, words in enumerate(WHOLES) if words.search(name)), len(WHOLES))
    return level, bool(AVERAGE.search(name)), column.unit not in POWERS, at


def _parts(rows: Rows, columns: Sequence[PowerColumn], at: int) -> frozenset[int]:
    """The columns of the same unit whose sum a column is, within rounding; none where it is no sum."""
    others = [nth for nth, one in enumerate(columns) if nth != at and one.unit == columns[at].unit and not one.where]
    if len(others) < 2 or columns[at].where:
        return frozenset()
    places = np.arange(len(rows.numbers))
    try:
        values = [rows.values(columns[nth].column, places) for nth in (at, *others)]
        steps = [rows.step(columns[nth].column, places) for nth in (at, *others)]
    except ImportFileError:
        return frozenset()
    whole, total = values[0], np.sum(values[1:], axis=0)
    both = np.isfinite(whole) & np.isfinite(total)
    return frozenset(others) if _agree(whole[both], total[both], sum(steps) / 2) else frozenset()


def _agree(whole: Floats, total: Floats, rounding: float) -> bool:
    return bool(whole.size and whole.any() and np.all(np.abs(whole - total) <= rounding + RELATIVE * np.abs(whole)))


def with_open(column: PowerColumn, suggestion: Suggestion, *, is_alone: bool) -> PowerColumn:
    """The column, `?` for its role where there are others, and for its circuit where its heading is that of a part and
    it may count; what stands beside is of a circuit of its own then."""
    beside = {"software": CIRCUIT, "check": suggestion.circuit or CIRCUIT}
    circuit = beside.get(suggestion.role, OPEN if suggestion.circuit else CIRCUIT)
    return replace(column, role="added" if is_alone else OPEN, circuit=circuit)
