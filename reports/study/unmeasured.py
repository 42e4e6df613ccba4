"""What could not be measured: combinations of levels without a number, and why.

Knows what the study file declares of them, and runs that were tried and enter nothing. A combination without a run and
without a reason is forgotten, not unmeasured: what needs it is refused.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np

from harness.record.errors import ConfigError
from reports.results.cell import UnmeasuredCell
from reports.results.rules import Rule, was
from reports.study.cells import Mask
from reports.study.file import StudyFile
from reports.study.filtered import Filtered
from reports.study.rows import Runs, cell_of, matching

EXCLUDED = "excluded-run"
NO_VALUE = "no run of it has a number"


def unmeasured_cells(path: str, declared: StudyFile, runs: Runs) -> tuple[UnmeasuredCell, ...]:
    """Every combination of all factors that has no run, and a reason for it.

    Raises:
        ConfigError: a combination is declared as not measured, and has a run that is used.
    """
    if was(Rule.UNMEASURED_CELLS):
        return ()
    factors = list(declared.factors)
    tried = {
        tuple(str(runs.factors[name][row]) for name in factors)
        for row in np.flatnonzero(attempts_of(declared, runs, Filtered()) & ~runs.used)
    }
    found = []
    for levels in _combinations(declared, tried):
        cell = dict(zip(factors, levels, strict=True))
        rule = _rule_of(declared, cell)
        n_used = int(_rows_of(runs, cell, runs.used).sum())
        if rule is not None and n_used:
            raise ConfigError(
                f"{path}: unmeasured[{rule}]: {cell_of(declared, cell).label} is declared as not measured, but "
                f"{n_used} runs of it are used; take it out of `where`, or exclude these runs"
            )
        if not n_used and (reason := why_not(declared, runs, Filtered(), cell)) is not None:
            found.append(reason)
    return tuple(found)


def _combinations(declared: StudyFile, tried: set[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Those that were tried or are declared, in declared order."""
    wanted = set(tried)
    for rule in declared.unmeasured:
        wanted |= set(product(*(rule.where.get(name) or of.levels for name, of in declared.factors.items())))
    place = {name: {level: at for at, level in enumerate(of.levels)} for name, of in declared.factors.items()}
    yield from sorted(wanted, key=lambda levels: [place[n][x] for n, x in zip(declared.factors, levels, strict=True)])


def why_not(declared: StudyFile, runs: Runs, part: Filtered, levels: Mapping[str, str]) -> UnmeasuredCell | None:
    """Why some levels together have no number in a part: as the file declares, as the runs that were tried say, or that
    the runs which it uses lack its response; None where there is neither a run nor a reason."""
    if was(Rule.UNMEASURED_CELLS):
        return None
    cell = cell_of(declared, levels)
    tried = _rows_of(runs, levels, attempts_of(declared, runs, Filtered()) & ~runs.used)
    rule = _rule_of(declared, levels)
    if rule is not None:
        return UnmeasuredCell(cell.levels, cell.label, declared.unmeasured[rule].reason, True, int(tried.sum()))
    if tried.any():
        lines = {runs.table.lines[row] for row in np.flatnonzero(tried)}
        reasons = Counter(str(one.found) for one in runs.left_out if one.reason == EXCLUDED and one.line in lines)
        return UnmeasuredCell(cell.levels, cell.label, reasons.most_common(1)[0][0], False, int(tried.sum()))
    if (without := int(_rows_of(runs, levels, matching(runs, part)).sum())) > 0:
        return UnmeasuredCell(cell.levels, cell.label, NO_VALUE, False, without)
    return None


def attempts_of(declared: StudyFile, runs: Runs, part: Filtered) -> Mask:
    """The rows of a filter, those too that were tried and enter nothing (runs that failed): of these only `where` is
    asked, for they have no number."""
    failed = {row.line for row in runs.left_out if row.reason == EXCLUDED}
    mask = np.isin(np.array(runs.table.lines), list(failed))
    for name, of in declared.factors.items():
        mask &= np.isin(runs.factors[name], part.where.get(name, of.levels))
    return np.asarray(matching(runs, part) | mask)


def split(
    declared: StudyFile, runs: Runs, part: Filtered, factors: Sequence[str], cells: Sequence[Sequence[str]]
) -> tuple[list[UnmeasuredCell], list[str]]:
    """Of combinations without a value in a part those that have a reason, and the labels of the forgotten ones."""
    reasons: list[UnmeasuredCell] = []
    forgotten: list[str] = []
    for levels in cells:
        named = dict(zip(factors, levels, strict=True))
        reason = why_not(declared, runs, part, named)
        if reason is None:
            forgotten.append(cell_of(declared, named).label)
        else:
            reasons.append(reason)
    return reasons, forgotten


def _rule_of(declared: StudyFile, levels: Mapping[str, str]) -> int | None:
    """Which rule declares some levels together as not measured."""
    for index, rule in enumerate(declared.unmeasured):
        if rule.where.keys() <= levels.keys() and all(levels[name] in of for name, of in rule.where.items()):
            return index
    return None


def _rows_of(runs: Runs, levels: Mapping[str, str], mask: Mask) -> Mask:
    rows = mask.copy()
    for name, level in levels.items():
        rows &= runs.factors[name] == level
    return rows
