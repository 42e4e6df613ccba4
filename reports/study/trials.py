"""Single runs of a study and groups of them: scatters, spreads within combinations, clusters, increases.

Knows which rows belong to each. Intervals come from `reports.inference`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from reports.inference import intervals
from reports.inference.increase import increase, mean_of_strata
from reports.results.relation import GroupPoints
from reports.results.trials import (
    CellSpread,
    ClusterResult,
    ClustersResult,
    ClusterSummary,
    IncreaseBars,
    IncreaseBeside,
    IncreaseResult,
    LevelIncrease,
    ScatterResult,
    SpreadResult,
)
from reports.results.uncertainty import Number, sample_mean
from reports.study.cells import Mask, Values, cells, values_in
from reports.study.file import StudyFile
from reports.study.rows import Runs, cell_of, filter_of, matching
from reports.study.trial_parts import Increase

CLASSES = 24
"""A histogram has about as many classes as Sturges says, and never more than these."""


def scatter(declared: StudyFile, runs: Runs, name: str) -> ScatterResult:
    """The points of `[scatters.NAME]`."""
    part = declared.scatters[name]
    mask = matching(runs, part) & np.isfinite(runs.values[part.x]) & np.isfinite(runs.values[part.y])
    x, y = runs.values[part.x], runs.values[part.y]
    points = tuple(
        GroupPoints(cell.levels, cell.label, tuple(x[rows].tolist()), tuple(y[rows].tolist()))
        for cell, rows in cells(declared, runs, part.groups, mask)
    )
    turned = tuple(dict.fromkeys(part.reversed))
    return ScatterResult(name, part.title, part.x, part.y, turned, filter_of(part), int(mask.sum()), points)


def spread(declared: StudyFile, runs: Runs, name: str) -> SpreadResult:
    """The coefficients of variation of `[spreads.NAME]`, and their histogram."""
    part = declared.spreads[name]
    found = []
    for cell, rows in cells(declared, runs, part.over, matching(runs, part)):
        values = values_in(runs, part.response, rows)
        variation = intervals.coefficient_of_variation(values)
        cv, interval = (None, None) if variation is None else variation
        ends = None if interval is None else (interval.low, interval.high)
        if values.size:
            found.append(CellSpread(cell.levels, cell.label, int(values.size), cv, ends))
    cvs = np.array([cell.cv for cell in found if cell.cv is not None])
    edges = _edges(cvs, part.limit)
    return SpreadResult(
        name=name, title=part.title, response=part.response, over=tuple(part.over), filter=filter_of(part),
        limit=part.limit, cells=tuple(found),
        mean=float(cvs.mean()) if cvs.size else None, greatest=float(cvs.max()) if cvs.size else None,
        n_above=int((cvs > part.limit).sum()),
        n_told_above=sum(cell.interval is not None and cell.interval[0] > part.limit for cell in found),
        edges=tuple(edges.tolist()), counts=tuple(np.histogram(cvs, edges)[0].tolist()) if cvs.size else (),
    )  # fmt: skip


def _edges(cvs: Values, limit: float) -> Values:
    """Edges of classes from 0 on, the limit among them."""
    if not cvs.size:
        return np.empty(0)
    reach = max(float(cvs.max()), limit)
    wanted = min(CLASSES, math.ceil(math.log2(cvs.size) + 1) + 2)
    pieces = max(1, round(wanted * limit / reach)) if limit else 0
    width = limit / pieces if pieces else (reach or 1.0) / wanted
    count = min(max(1, math.ceil(reach / width * (1 - 1e-12))), 40 * CLASSES)
    return np.asarray(np.append(width * np.arange(count), max(width * count, reach)))


def clusters(declared: StudyFile, runs: Runs, name: str) -> ClustersResult:
    """The clusters of `[clusters.NAME]`; nothing printed stands beside them yet."""
    part = declared.clusters[name]
    whole = matching(runs, part)
    masks = {key: whole & matching(runs, cluster) for key, cluster in part.parts.items()}
    times = np.sum(list(masks.values()), axis=0) if masks else np.zeros(whole.size)
    return ClustersResult(
        name, part.title, tuple(part.responses), filter_of(part),
        tuple(
            ClusterResult(key, cluster.label or key, filter_of(cluster), int(masks[key].sum()),
                          _summaries(declared, runs, part.responses, masks[key]))
            for key, cluster in part.parts.items()
        ),
        n_none=int((whole & (times == 0)).sum()), n_several=int((times > 1).sum()), published=(),
    )  # fmt: skip


def _summaries(declared: StudyFile, runs: Runs, responses: Sequence[str], rows: Mask) -> tuple[ClusterSummary, ...]:
    found = ((name, values_in(runs, name, rows)) for name in responses)
    return tuple(
        ClusterSummary(name, int(values.size), sample_mean(values, declared.responses[name].unit),
                       float(values.min()), float(values.max()))
        for name, values in found if values.size
    )  # fmt: skip


def increases(declared: StudyFile, runs: Runs, name: str) -> IncreaseResult:
    """The increases of `[increases.NAME]`; nothing printed stands beside them yet."""
    part = declared.increases[name]
    factor, unit = declared.factors[part.factor], declared.responses[part.response].unit
    levels, of_level, shared, left = _strata(declared, runs, part, part.response)
    shown = []
    for level, own in of_level.items():
        n = sum(values.size for values in own)
        found = None if level == levels[0] else increase(of_level[levels[0]], own)
        mean = Number(mean_of_strata(own), unit, n=n)
        percent, interval = (None, None) if found is None else (found.percent, found.interval)
        shown.append(LevelIncrease(level, factor.label(level), n, mean, percent, interval))
    return IncreaseResult(
        name, part.title, part.response, part.factor, tuple(part.over), filter_of(part), tuple(shown),
        tuple(cell_of(declared, dict(zip(part.over, other, strict=True))).label for other in left), (),
        _bars(declared, part, of_level, shared) if part.bars else (),
        tuple(_beside(declared, runs, part, response, list(of_level)) for response in part.beside),
    )  # fmt: skip


Combination: TypeAlias = tuple[str, ...]
"""A level of each factor of `over`."""


def _strata(
    declared: StudyFile, runs: Runs, part: Increase, response: str
) -> tuple[list[str], dict[str, list[Values]], list[Combination], list[Combination]]:
    """Levels that have a value; of each its values, combination by combination; the combinations that were measured at
    all of these levels, and the others."""
    strata = {
        (cell.levels[part.factor], tuple(cell.levels[other] for other in part.over)): values
        for cell, rows in cells(declared, runs, [part.factor, *part.over], matching(runs, part))
        if (values := values_in(runs, response, rows)).size
    }
    levels = [level for level in declared.factors[part.factor].levels if any(own == level for own, _ in strata)]
    every = list(dict.fromkeys(other for _, other in strata))
    shared = [other for other in every if all((level, other) in strata for level in levels)]
    of_level = {level: [strata[level, other] for other in shared] for level in levels if shared}
    return levels, of_level, shared, [other for other in every if other not in shared]


def _bars(
    declared: StudyFile, part: Increase, of_level: Mapping[str, Sequence[Values]], shared: Sequence[Combination]
) -> tuple[IncreaseBars, ...]:
    factor, place = declared.factors[part.bars], part.over.index(part.bars)
    return tuple(
        IncreaseBars(factor.label(level), tuple(
            mean_of_strata(own).value if (own := _at(strata, shared, place, level)) else None
            for strata in of_level.values()
        ))
        for level in factor.levels if any(other[place] == level for other in shared)
    )  # fmt: skip


def _at(strata: Sequence[Values], shared: Sequence[Combination], place: int, level: str) -> list[Values]:
    return [values for values, other in zip(strata, shared, strict=True) if other[place] == level]


def _beside(declared: StudyFile, runs: Runs, part: Increase, response: str, levels: Sequence[str]) -> IncreaseBeside:
    _, of_level, _, _ = _strata(declared, runs, part, response)
    found = [
        increase(of_level[levels[0]], of_level[level]) if levels[0] in of_level and level in of_level else None
        for level in levels[1:]
    ]
    percents = (None, *(None if one is None else one.percent for one in found))
    return IncreaseBeside(response, percents, (None, *(None if one is None else one.interval for one in found)))
