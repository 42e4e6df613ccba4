"""Searches of a study: the best so far after each round, when it has converged, what was spent until then.

Knows which rows belong to which search. The mean of searches and its interval come from `reports.inference.intervals`.

Decisions
- The runs of a round are repetitions of one trial: the round's value is their mean, and the best round's value is the
  search's. Of several searches of one strategy the curves are averaged, each carried on from round to round.
- A run without a value (it failed, or gave no number) is in no round's mean; what it spent counts all the same.
- Own uncertainties of what was spent add as squares, shared ones (of a baseline) as they are.
"""

import math
from collections.abc import Iterator

import numpy as np

from reports.inference import intervals
from reports.results.progress import ProgressCurve, ProgressResult, SearchProgress
from reports.results.uncertainty import Estimate, Number
from reports.study.cells import Mask, Values, cells
from reports.study.file import StudyFile
from reports.study.medians import better_of
from reports.study.rows import Runs, filter_of, matching
from reports.study.trial_parts import Progress
from reports.study.unmeasured import attempts_of

FEWEST = 3
"""Searches of which a mean has an interval."""


def progress(declared: StudyFile, runs: Runs, name: str) -> ProgressResult:
    """The searches of `[progress.NAME]`."""
    part = declared.progress[name]
    tried, valued = attempts_of(declared, runs, part), matching(runs, part)
    over = [*part.panels, part.strategy]
    curves = []
    for cell, rows in cells(declared, runs, over, tried):
        searches = list(_searches(runs, part, rows))
        found = [_search(declared, runs, part, level, mask, valued) for level, mask in searches]
        rounds, best, low, high = _mean([curve for _, curve in found])
        shown = tuple(one for one, _ in found)
        curves.append(ProgressCurve(cell.levels, cell.label, rounds, best, low, high, shown))
    return ProgressResult(
        name=name, title=part.title, response=part.response, better=better_of(declared, part.response),
        round=part.round, strategy=part.strategy, panels=tuple(part.panels), repetitions=part.repetitions or None,
        tolerance=part.tolerance, spent=part.spent or None, filter=filter_of(part), curves=tuple(curves),
    )  # fmt: skip


def _searches(runs: Runs, part: Progress, rows: Mask) -> Iterator[tuple[str | None, Mask]]:
    """Every search, by what its column says, in the order of the table."""
    if not part.repetitions:
        yield None, rows
        return
    column = np.array(runs.table.column(part.repetitions))
    for name in dict.fromkeys(column[rows].tolist()):
        yield name, rows & (column == name)


def _search(
    declared: StudyFile, runs: Runs, part: Progress, repetition: str | None, rows: Mask, valued: Mask
) -> tuple[SearchProgress, tuple[Values, Values]]:
    """A search, and its curve: rounds with a best so far, and that."""
    number, values = runs.values[part.round], runs.values[part.response]
    sign = 1.0 if better_of(declared, part.response) == "higher" else -1.0
    has_value = rows & valued & np.isfinite(values) & np.isfinite(number)
    rounds, place = np.unique(number[has_value], return_inverse=True)
    means = np.bincount(place, values[has_value], rounds.size) / np.maximum(
        np.bincount(place, minlength=rounds.size), 1
    )
    best = sign * np.maximum.accumulate(sign * means)
    counted = np.unique(number[rows & np.isfinite(number)])
    spent, n_unknown = _spent(declared, runs, part, rows)
    converged = None
    if rounds.size:
        converged = float(rounds[int(np.argmax(sign * best >= sign * best[-1] - part.tolerance))])
    until = rows & (number <= converged) if converged is not None else np.zeros_like(rows)
    return SearchProgress(
        repetition=repetition, n_rounds=int(counted.size), n_runs=int(rows.sum()),
        n_without=int((rows & ~has_value).sum()),
        best=float(best[-1]) if rounds.size else None,
        best_round=float(rounds[int(np.argmax(best == best[-1]))]) if rounds.size else None,
        converged_round=converged, runs_until=int(until.sum()),
        spent_until=_spent(declared, runs, part, until)[0] if until.any() else None,
        spent=spent, n_unknown=n_unknown,
    ), (rounds, best)  # fmt: skip


def _spent(declared: StudyFile, runs: Runs, part: Progress, rows: Mask) -> tuple[Number | None, int]:
    """What some runs spent together, and how many of them do not say it or are of no round."""
    if not part.spent:
        return None, 0
    values = runs.values[part.spent][rows]
    unknown = int((~np.isfinite(values) | ~np.isfinite(runs.values[part.round][rows])).sum())
    if unknown or not values.size:
        return None, unknown
    u = _u([runs.values[name][rows] if name else None for name in (part.spent_u, part.spent_u_shared)])
    dof = None if u is None else math.inf
    estimate = Estimate(math.fsum(values.tolist()), u, dof)
    return Number(estimate, declared.responses[part.spent].unit, n=int(values.size)), 0


def _u(parts: list[Values | None]) -> float | None:
    """Standard uncertainty of a sum of the runs' own parts and shared ones; None where none is named, or one is missing
    or below 0."""
    own, shared = parts
    if (own is None and shared is None) or any(part is not None and (part < 0).any() for part in parts):
        return None
    squares = 0.0 if own is None else math.fsum((own**2).tolist())
    squares += 0.0 if shared is None else math.fsum(shared.tolist()) ** 2
    return math.sqrt(squares) if math.isfinite(squares) else None


def _mean(
    curves: list[tuple[Values, Values]],
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Rounds that all curves reach, the mean of them there, and both ends of its interval."""
    if not curves or any(rounds.size == 0 for rounds, _ in curves):
        return (), (), (), ()
    first, last = max(rounds[0] for rounds, _ in curves), min(rounds[-1] for rounds, _ in curves)
    every = np.unique(np.concatenate([rounds for rounds, _ in curves]))
    shared = every[(every >= first) & (every <= last)]
    held = np.array([best[np.searchsorted(rounds, shared, side="right") - 1] for rounds, best in curves])
    low, high = [], []
    if len(curves) >= FEWEST:
        for column in held.T:
            found = intervals.t_interval(column)
            middle = float(column.mean())
            low.append(middle if found is None else found.low)
            high.append(middle if found is None else found.high)
    means = held.mean(axis=0) if shared.size else shared
    return tuple(shared.tolist()), tuple(means.tolist()), tuple(low), tuple(high)
