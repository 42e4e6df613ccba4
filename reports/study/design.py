"""The design of a study before its first run: can its runs answer what is asked?

Knows the study file and the levels of every planned cell. Effects are columns of a model's matrix; two are confounded
where the rank of both together is less than the sum of their own, so that no analysis could tell them apart.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from reports.study.columns import OWN, RUN_UNITS
from reports.study.file import Interaction, Question, StudyFile

Planned = Mapping[str, str]
"""The levels of one planned cell by the columns of the table of runs."""
Matrix = NDArray[np.float64]


def design_problems(
    declared: StudyFile, cells: Sequence[Planned], runs: Sequence[int] | None = None
) -> Iterator[tuple[str, str]]:
    """TOML path, and what is wrong, of a study (as resolved) with these cells. `runs`: how many of each."""
    for name, response in declared.responses.items():
        for column in (part.strip() for part in response.formula.replace("*", "/").split("/")):
            own = column in declared.columns or any(column in one.levels for one in declared.environments.values())
            if column not in RUN_UNITS and not own and not column.startswith(OWN):
                there = ", ".join([*RUN_UNITS, *declared.columns])
                own_kinds = ", ".join(f"{kind}NAME" for kind in OWN)
                yield f"responses.{name}.formula", f"no run has {column!r}; there are {there}, {own_kinds}"
    absent = list(_absent(declared, cells))
    yield from absent
    if not absent:
        yield from _confounded(declared, cells)
        yield from _alone(declared, cells, runs or ())


def _absent(declared: StudyFile, cells: Sequence[Planned]) -> Iterator[tuple[str, str]]:
    """Cells without a level of a factor, and levels without a cell."""
    for name, factor in declared.factors.items():
        found = [cell.get(factor.column, "") for cell in cells]
        without = dict.fromkeys(cell["scenario"] for cell, level in zip(cells, found, strict=True) if not level)
        if without:
            yield (
                f"factors.{name}",
                f"the runs of {_listed(without)} have no level of it, and no analysis would use them; state one in "
                f'the scenario\'s factors, such as {name} = "none"',
            )
        elif unused := [level for level in factor.levels if level not in found]:
            yield f"factors.{name}.levels", f"no run will have the level {unused[0]!r}; take it out"


def _confounded(declared: StudyFile, cells: Sequence[Planned]) -> Iterator[tuple[str, str]]:
    """What is asked of effects that the planned runs do not tell apart; nothing asked: of all factors by pairs."""
    rows = [{name: cell[factor.column] for name, factor in declared.factors.items()} for cell in cells]
    rows = [row for row in rows if all(row[name] in factor.levels for name, factor in declared.factors.items())]
    asked = 0
    for table, parts in (("questions", declared.questions), ("interactions", declared.interactions)):
        for name, part in parts.items():
            asked += 1
            chosen = [row for row in rows if all(row[factor] in levels for factor, levels in part.where.items())]
            yield from ((f"{table}.{name}", problem) for problem in _of_part(declared, part, chosen))
    for one, other in combinations(declared.factors, 2) if not asked else ():
        if problem := _of_pair((one,), (other,), rows):
            yield f"factors.{other}", problem


def _alone(declared: StudyFile, cells: Sequence[Planned], runs: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Questions and interactions that would look at one run of a level, or of a combination: it has no spread."""
    for table, parts in (("questions", declared.questions), ("interactions", declared.interactions)):
        for name, part in parts.items():
            own = (part.factor,) if isinstance(part, Question) else tuple(part.factors)
            found = Counter[tuple[str, ...]]()
            for cell, count in zip(cells, runs, strict=bool(runs)):
                levels = {factor: cell[declared.factors[factor].column] for factor in declared.factors}
                is_used = all(levels[factor] in declared.factors[factor].levels for factor in levels)
                if is_used and all(levels[factor] in wanted for factor, wanted in part.where.items()):
                    found[tuple(levels[factor] for factor in own)] += count
            if alone := [key for key, count in found.items() if count == 1]:
                which = ", ".join(f"{factor} = {level}" for factor, level in zip(own, alone[0], strict=True))
                yield (
                    f"{table}.{name}",
                    f"one run is planned of {which}, and one run has no spread: nothing can be tested; plan three or "
                    "more (`repetitions`)",
                )


def _of_part(declared: StudyFile, part: Question | Interaction, rows: Sequence[Planned]) -> Iterator[str]:
    """What keeps the runs of a question or an interaction from answering it."""
    varied = [name for name in declared.factors if len({row[name] for row in rows}) > 1]
    own = (part.factor,) if isinstance(part, Question) else tuple(part.factors)
    if constant := [name for name in own if name not in varied]:
        yield f"the runs that it looks at have one level of {constant[0]!r}; nothing can be compared"
        return
    if len(own) == 2 and (lacking := next(_lacking(rows, *own), None)) is not None:
        yield (
            f"{own[0]!r} and {own[1]!r} are confounded: no run has {own[0]} = {lacking[0]} and {own[1]} = {lacking[1]}"
            "; plan this combination, or ask of fewer levels with `where`"
        )
        return
    for other in varied:
        if other not in own and (problem := _of_pair(own, (other,), rows)):
            yield problem
    others = [tuple(one.factors) for one in declared.interactions.values()] if isinstance(part, Interaction) else []
    for pair in others:
        if pair != own and {*pair} <= {*varied} and (problem := _of_pair(own, pair, rows)):
            yield problem


def _of_pair(own: Sequence[str], other: Sequence[str], rows: Sequence[Planned]) -> str:
    """What is wrong where two effects are confounded: main effects, or interactions with what they are made of."""
    distinct = [
        dict(levels)
        for levels in dict.fromkeys(tuple((k, row[k]) for k in dict.fromkeys((*own, *other))) for row in rows)
    ]
    one, two = _columns(own, distinct), _columns(other, distinct)
    shared = len({*own} & {*other})
    both = np.linalg.matrix_rank(np.hstack([one, two]))
    apart = np.linalg.matrix_rank(one) + np.linalg.matrix_rank(two) - 1
    if shared:  # the main effect that both contain counts once
        common = _columns(sorted({*own} & {*other}), distinct)
        apart -= np.linalg.matrix_rank(common) - 1
    if both >= apart:
        return ""
    names = [" x ".join(effect) for effect in (own, other)]
    return (
        f"{names[0]!r} and {names[1]!r} are confounded: the planned runs cannot tell which of both made a difference; "
        "plan more combinations of their levels, or look at one level of the other with `where`"
    )


def _lacking(rows: Sequence[Planned], one: str, other: str) -> Iterator[tuple[str, str]]:
    """Combinations of two factors that no row has."""
    there = {(row[one], row[other]) for row in rows}
    for first in dict.fromkeys(row[one] for row in rows):
        yield from (
            (first, second) for second in dict.fromkeys(row[other] for row in rows) if (first, second) not in there
        )


def _columns(effect: Sequence[str], rows: Sequence[Planned]) -> Matrix:
    """Indicator columns of every combination of an effect's factors: they span its main effects, interaction, mean."""
    keys = [tuple(row[name] for name in effect) for row in rows]
    return np.array([[float(key == level) for level in dict.fromkeys(keys)] for key in keys])


def _listed(names: Mapping[str, None]) -> str:
    return ", ".join(list(names)[:4]) + (", ..." if len(names) > 4 else "")
