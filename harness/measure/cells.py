"""Cells: a scenario once for each combination of the levels of its factors, each planned as a scenario of its own.

Knows how factors are written (`[scenarios.NAME.factors]` of lab.toml, `[factors]` of scenario.toml), which cells they
give, what these are called, and how a level reaches a program. Knows no scenario, no plan and no run.

Decisions
- A plain value is stated: it says what the scenario is, and names nothing. A list is crossed: one cell for each of its
  levels, in each combination with those of the others, and the cell's name says which. Where the scenario lists `rows`,
  these combinations are its cells, and no other.
- A level reaches the program as the parameter of its factor's name, as the word `{FACTOR}` of the command, and in the
  name of the Python environment that runs it. A factor that is crossed and reaches the program in none of these ways is
  refused: its cells would be one and the same program, and what they measure would look like one without an effect. The
  factor `trackers` reaches it by wattlab: its levels name the trackers that run around the program.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from harness.record.documents import Json, matches
from harness.record.levels import Level, Levels, are_same, level_text, levels_text
from harness.station.consistency import LONGEST_NAME, NAME_CHARACTERS

MOST_CELLS = 20_000
"""Of one scenario: more are a slip of the pen, and no lab lives long enough for their runs."""
LONGEST_LEVEL = 100
FACTOR = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
PLACEHOLDER = re.compile(r"\{(" + FACTOR.pattern + r")\}")
TRACKER_FACTOR, UNTRACKED = "trackers", "none"
"""The factor whose levels are trackers (`codecarbon`, of several `codecarbon+carbontracker`), and the one without."""
TAKEN = ("python",)
"""`{python}` is the SUT's interpreter."""
ONE_LEVEL = "text of one line without outer blanks, a finite number, true or false"


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination: what the scenario of these levels is called, and every factor's level."""

    name: str
    levels: Levels


def cells_of(
    name: str, factors: Mapping[str, Any], stated: Levels, rows: Sequence[Sequence[Level]] | None = None
) -> list[Cell]:
    """The cells of a scenario, the last factor running fastest, or as `rows` lists them; of a scenario that crosses
    nothing the one that it is.

    `factors` are lab.toml's (a level, or a list of them), `stated` those of scenario.toml.
    """
    crossed = crossed_in(factors)
    plain = {factor: level for factor, level in factors.items() if factor not in crossed}
    order = [*stated, *factors]
    called, cells = cache(_called), []
    for levels in product(*crossed.values()) if rows is None else rows:
        varied = dict(zip(crossed, levels, strict=True))
        every = {**stated, **plain, **varied}
        parts = [called(factor, level_text(level)) for factor, level in varied.items()]
        cells.append(Cell(".".join([name, *parts]), {factor: every[factor] for factor in order}))
    return cells


def crossed_in(factors: Mapping[str, Any]) -> dict[str, list[Level]]:
    """The factors that are crossed, and their levels."""
    return {factor: levels for factor, levels in factors.items() if isinstance(levels, list)}


def _called(factor: str, level: str) -> str:
    """A part of the name `train.framework-torch.batch_size-32`; what no name of a scenario can hold becomes `_`."""
    return "".join(sign if sign in NAME_CHARACTERS else "_" for sign in f"{factor}-{level}")


def with_levels(command: Sequence[str], levels: Levels) -> tuple[str, ...]:
    """The command with the level of a factor where `{FACTOR}` stands; other braces are the program's own."""

    def level_of(place: re.Match[str]) -> str:
        return level_text(levels[place[1]]) if place[1] in levels else place[0]

    return tuple(PLACEHOLDER.sub(level_of, word) if "{" in word else word for word in command)


def tracked_by(factors: Mapping[str, Any]) -> dict[Level, list[str]]:
    """Level of the factor `trackers` -> the trackers that it names; nothing where there is no such factor."""
    levels = factors.get(TRACKER_FACTOR, [])
    each = levels if isinstance(levels, list) else [levels]
    return {level: [] if level == UNTRACKED else str(level).split("+") for level in each}


def parameters_at(parameters: Json, levels: Levels) -> Json:
    """The parameters with the level of each factor that is called like one of them."""
    return parameters | {factor: level for factor, level in levels.items() if factor in parameters}


def python_at(python: str, parameters: Json, levels: Levels) -> str:
    """A Python environment by its name, in which the value of a parameter or the level of a factor is `{NAME}`."""
    values = {name: value for name, value in parameters.items() if is_level(value)}
    return with_levels([python], {**values, **levels})[0]


def parameter_levels(cells: Sequence[Cell], given: Json) -> list[Json]:
    """Every level that is a parameter, once."""
    levels = {repr((factor, level)): {factor: level} for cell in cells for factor, level in cell.levels.items()}
    return [one for one in levels.values() if one.keys() & given.keys()]


# --- what is wrong with them: each a sentence that begins with file and TOML path ---


def of_factors(where: str, factors: Mapping[str, Any]) -> Iterator[str]:
    """Factors of lab.toml whose names or levels cannot be; `where` is the table."""
    for factor, levels in factors.items():
        place = f"{where}.{factor}"
        yield from _of_factor_name(place, factor)
        if isinstance(levels, list):
            yield from _of_crossed(place, levels)
        elif not is_level(levels):
            yield f"{place}: found {levels!r}, expected a level ({ONE_LEVEL}) or a list of levels to be crossed"


def of_count(where: str, factors: Mapping[str, Any], rows: Sequence[Sequence[Level]] | None) -> Iterator[str]:
    """As many cells as a lab can measure; `where` is the scenario's table."""
    cells = prod(len(levels) for levels in crossed_in(factors).values()) if rows is None else len(rows)
    if cells > MOST_CELLS:
        place = f"{where}.factors" if rows is None else f"{where}.rows"
        yield f"{place}: {cells} cells, expected at most {MOST_CELLS}; cross fewer levels, or in several scenarios"


def of_rows(where: str, factors: Mapping[str, Any], rows: Sequence[Sequence[object]] | None) -> Iterator[str]:
    """Rows of a crossing whose factors are right: each has a level of every factor that is crossed, once."""
    crossed = crossed_in(factors)
    if rows is None:
        return
    if not crossed or not rows:
        yield f"{where}: a row is one level of each factor that is crossed (a list in `factors`); expected at least one"
        return
    seen: dict[str, int] = {}
    for index, row in enumerate(rows):
        if len(row) != len(crossed):
            yield f"{where}[{index}]: found {row!r}, expected a level of each of {', '.join(crossed)}, in this order"
            continue
        for (factor, levels), level in zip(crossed.items(), row, strict=True):
            if not any(are_same(level, one) for one in levels):
                listed = ", ".join(map(repr, levels))
                yield f"{where}[{index}]: {level!r} is no level of {factor}; there are {listed}"
        if (first := seen.setdefault(repr(list(row)), index)) != index:
            yield f"{where}[{index}]: the same as {where}[{first}]; name each row once"
    for place, (factor, levels) in enumerate(crossed.items()):
        used = [row[place] for row in rows if len(row) == len(crossed)]
        for level in levels:
            if not any(are_same(level, one) for one in used):
                yield f"{where}: no row has {factor} = {level!r}; add one, or take the level out of `factors`"


def of_stated(where: str, factors: Mapping[str, Any]) -> Iterator[str]:
    """Factors of scenario.toml: what the program is, one level each."""
    for factor, level in factors.items():
        place = f"{where}.{factor}"
        yield from _of_factor_name(place, factor)
        if isinstance(level, list):
            yield f"{place}: found a list, expected the one level of this program; levels are crossed in lab.toml"
        elif not is_level(level):
            yield f"{place}: found {level!r}, expected a level: {ONE_LEVEL}"


def of_twice(where: str, factors: Mapping[str, Any], stated: Levels, toml: Path) -> Iterator[str]:
    """A factor has its level in one place."""
    for factor in factors:
        if factor in stated:
            yield f"{where}.{factor}: {toml} states it as {stated[factor]!r}; remove it in one of the two files"


def of_reach(where: str, factors: Mapping[str, Any], parameters: Json, command: Sequence[str]) -> Iterator[str]:
    """What is crossed has to reach the program: the module says why. `command`: its words and its Python."""
    words = {name for word in command for name in PLACEHOLDER.findall(word)}
    for factor in crossed_in(factors):
        if factor not in parameters and factor not in words and factor != TRACKER_FACTOR:
            yield (
                f"{where}.{factor}: no parameter is called so and no word of the command has {{{factor}}}: every cell "
                f"would run the same; write {{{factor}}} into the command or {factor} into the parameters"
            )


def of_names(where: str, cells: Sequence[Cell]) -> Iterator[str]:
    """Cells are told apart by names that a scenario may have."""
    named: dict[str, Cell] = {}
    for cell in cells:
        if len(cell.name) > LONGEST_NAME:
            yield f"{where}: the name {cell.name!r} has more than {LONGEST_NAME} characters; shorten factors or levels"
        other = named.setdefault(cell.name, cell)
        if other is not cell:
            yield (
                f"{where}: {levels_text(other.levels)} and {levels_text(cell.levels)} would both be called "
                f"{cell.name!r}; write one of the levels otherwise"
            )


def _of_factor_name(place: str, factor: str) -> Iterator[str]:
    if not FACTOR.fullmatch(factor):
        yield f"{place}: found the name {factor!r}, expected a letter and up to 39 letters, digits, '_' and '-'"
    if factor in TAKEN:
        yield f"{place}: {{{factor}}} is the SUT's interpreter; give the factor another name"


def _of_crossed(place: str, levels: Sequence[object]) -> Iterator[str]:
    """A list of levels: there are some, of one type, each once."""
    if not levels:
        yield f"{place}: found an empty list, expected the levels to be crossed"
    for index, level in enumerate(levels):
        if not is_level(level):
            yield f"{place}[{index}]: found {level!r}, expected a level: {ONE_LEVEL}"
            return
    if len({_kind(level) for level in levels}) > 1:
        yield f"{place}: found {list(levels)!r}, expected levels of one type: all text, all numbers, or true and false"
        return
    for index, level in enumerate(levels):
        if level in levels[:index]:
            yield f"{place}[{index}]: the level {level!r} stands there twice; name each once"


def _kind(level: object) -> type:
    """Text, a number, or true and false."""
    return next(kind for kind in (str, bool, float) if matches(level, kind))


def is_level(value: object) -> bool:
    """Whether a value of a TOML file can be a level."""
    if isinstance(value, str):
        return 0 < len(value) <= LONGEST_LEVEL and value.isprintable() and value == " ".join(value.split())
    return matches(value, bool) or matches(value, float)
