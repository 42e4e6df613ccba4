"""The correlations of a study: on the runs, and on the medians of groups.

Knows which rows belong to a correlation. Every test comes from `statistics`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from reports.inference import coefficients
from reports.results.cell import Cell
from reports.results.inference import Test
from reports.results.relation import CorrelatedMedians, CorrelationResult, Fit, GroupMedians, GroupPoints
from reports.study.cells import Mask, Values, cells, median
from reports.study.file import Correlation, StudyFile
from reports.study.rows import Runs, filter_of, matching

ALTERNATIVES: Mapping[str, coefficients.Alternative] = {"two-sided": "two.sided", "greater": "greater", "less": "less"}


def correlate(declared: StudyFile, runs: Runs, name: str) -> CorrelationResult:
    """The correlation `name`; nothing printed stands beside it yet."""
    part = declared.correlations[name]
    names = [part.x, part.y, *part.controls]
    mask = matching(runs, part)
    for response in names:
        mask &= np.isfinite(runs.values[response])
    columns = [runs.values[response][mask] for response in names]
    groups = list(cells(declared, runs, part.groups, mask))
    return CorrelationResult(
        name,
        part.title,
        part.x,
        part.y,
        filter=filter_of(part),
        method=part.method,
        alternative=part.alternative,
        controls=tuple(part.controls),
        run_level=_test(part, columns),
        medians=_medians(part, runs, groups),
        points=tuple(
            GroupPoints(
                cell.levels, cell.label, *(tuple(runs.values[axis][rows].tolist()) for axis in (part.x, part.y))
            )
            for cell, rows in groups
        ),
        fit=_fit(columns[0], columns[1]),
        published=(),
    )


def _medians(part: Correlation, runs: Runs, groups: Sequence[tuple[Cell, Mask]]) -> CorrelatedMedians:
    points = tuple(
        GroupMedians(
            cell.levels,
            cell.label,
            n=int(rows.sum()),
            x=median(runs.values[part.x][rows]),
            y=median(runs.values[part.y][rows]),
            controls=tuple(median(runs.values[control][rows]) for control in part.controls),
        )
        for cell, rows in groups
    )
    columns = [np.array([point.x for point in points]), np.array([point.y for point in points])]
    columns += [np.array([point.controls[i] for point in points]) for i in range(len(part.controls))]
    return CorrelatedMedians(tuple(part.groups), _test(part, columns), points)


def _test(part: Correlation, columns: Sequence[Values]) -> Test:
    x, y, *controls = columns
    side = ALTERNATIVES[part.alternative]
    if part.method == "partial":
        return coefficients.partial(x, y, controls, alternative=side)
    return {"spearman": coefficients.spearman, "pearson": coefficients.pearson}[part.method](x, y, alternative=side)


def _fit(x: Values, y: Values) -> Fit | None:
    """The least-squares line of y on x; None where x does not vary."""
    if x.size < 2 or np.ptp(x) == 0:
        return None
    over = x - x.mean()
    slope = float(over @ (y - y.mean()) / (over @ over))
    return Fit(slope, float(y.mean()) - slope * float(x.mean()))
