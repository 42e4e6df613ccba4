"""A study: study file and table of runs -> study.json (docs/studies.md).

Knows the shape of study.json and which rows belong to which question. Every test comes from `statistics`, every row
from `study_table`, what is published from `study_published`. Test, transform and post-hoc test are the declared ones:
assumption tests are computed on the same values and decide nothing (method.md section 10).
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json
from reports.inference import statistics
from reports.results.codec import encoded
from reports.results.inference import Interval, Pair, Symbol, Test
from reports.results.uncertainty import Estimate, Number, mean_of
from reports.study.file import Correlation, Filtered, Pareto, Question, Reduction, StudyFile, relevant_of
from reports.study.published import beside, compare_published, tally
from reports.study.relevance import judge
from reports.study.table import LEFT_OUT, Runs, Table, cell_json, filter_json, matching, sort_rows

SCHEMA = 1
"""Schema history of study.json: 1, 2026-11-21, first version."""
STUDY, SOURCES, RUNS, COMPANION = "study.json", "sources.json", "runs.csv", "companion"
MOST_QQ = 501
"""Points of a Q-Q plot that are kept, evenly by rank."""
POSTHOC = {"welch": "games-howell", "kruskal": "dunn-holm"}
ALTERNATIVES: Mapping[str, statistics.Alternative] = {"two-sided": "two.sided", "greater": "greater", "less": "less"}
TRANSFORMS: Mapping[str, Callable[["Values"], "Values"]] = {"none": np.array, "sqrt": np.sqrt, "log": np.log}
IMPORTED = "imported-table"
"""Origin of a study of a table: it has no readings."""
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a study is computed from: the study file `path` (for messages) as declared, its table, where the table comes
    from (`sources.json`: `{software, base, origin, sources, units}`)."""

    path: str
    declared: StudyFile
    table: Table
    facts: Json


def study_text(study: Json) -> str:
    """study.json as it is written."""
    return json.dumps(study, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def compute(inputs: Inputs, companion: Inputs | None) -> Json:
    """study.json of a study; of its companion, only what stands beside it.

    Raises:
        AnalysisError: R is not there, or the table holds nothing a number could be made from; with the place.
        ConfigError: study file and table do not fit together.
    """
    study = _alone(inputs)
    if companion is not None:
        other = _alone(companion)
        study["companion"] = {
            **{key: other[key] for key in ("study", "measurement", "responses", "questions", "errata")},
            "rows": beside(study, other),
        }
    return study


def _alone(inputs: Inputs) -> Json:
    declared, facts = inputs.declared, inputs.facts
    runs = sort_rows(inputs.path, declared, inputs.table, facts["units"])
    one = declared.study
    study: Json = {
        "schema": SCHEMA,
        "study": {key: getattr(one, key) for key in ("name", "title", "description", "citation", "design", "alpha")},
        "software": facts["software"],
        "base": facts["base"],
        "measurement": {"origin": facts["origin"], "sources": len(facts["sources"])},
        "sources": facts["sources"],
        "columns": _columns(declared, facts["units"]),
        "factors": _factors(declared, runs),
        "responses": _responses(declared, runs),
        "rows": {
            "read": len(runs.table.rows),
            "left_out": sum(row["reason"] != "missing" for row in runs.left_out),
            "excluded": sum(rule["n"] for rule in runs.exclusions),
            "used": int(runs.used.sum()),
        },
        "left_out": runs.left_out,
        "exclusions": runs.exclusions,
        "bootstrap": {
            "samples": statistics.BOOTSTRAP_SAMPLES,
            "seed": statistics.BOOTSTRAP_SEED,
            "least": statistics.LEAST_FOR_BCA,
            "most": statistics.MOST_FOR_BCA,
        },
        "descriptive": [_descriptive(declared, runs, name) for name in declared.responses],
        "questions": [_question(inputs, runs, name, part) for name, part in declared.questions.items()],
        "correlations": [_correlation(declared, runs, name, part) for name, part in declared.correlations.items()],
        "reductions": [_reduction(declared, runs, name, part) for name, part in declared.reductions.items()],
        "pareto": [_pareto(declared, runs, name, part) for name, part in declared.pareto.items()],
    }
    compare_published(study, declared)
    study["published"] = tally(study)
    keys = ("title", "text", "affects", "printed", "corrected")
    study["errata"] = [{key: getattr(erratum, key) for key in keys} for erratum in declared.errata]
    study["companion"] = None
    return study


def _columns(declared: StudyFile, units: Mapping[str, str]) -> list[Json]:
    """The columns that a response uses."""
    named = {name: (column.header, column.unit) for name, column in declared.columns.items()}
    known = {name: (name, unit) for name, unit in units.items()} | named
    wanted = [part for one in declared.responses.values() for part in one.formula.replace("*", "/").split("/")]
    used = dict.fromkeys(part.strip() for part in wanted)
    return [{"name": name, "header": known[name][0], "unit": known[name][1]} for name in used]


def _factors(declared: StudyFile, runs: Runs) -> list[Json]:
    return [
        {
            "name": name, "title": factor.title, "column": factor.column,
            "levels": [
                {"level": level, "label": factor.label(level),
                 "n": int(np.sum(runs.used & (runs.factors[name] == level)))}
                for level in factor.levels
            ],
        }
        for name, factor in declared.factors.items()
    ]  # fmt: skip


def _responses(declared: StudyFile, runs: Runs) -> list[Json]:
    return [
        {
            "name": name, "title": response.title, "formula": response.formula, "unit": response.unit,
            "reduced": runs.formulas[name].reduced, "unit_as_published": response.unit_as_published or None,
            "better": response.better or None, "n": int(np.sum(runs.used & np.isfinite(runs.values[name]))),
        }
        for name, response in declared.responses.items()
    ]  # fmt: skip


def _cells(
    declared: StudyFile, runs: Runs, over: Sequence[str], mask: NDArray[np.bool_]
) -> Iterator[tuple[Json, NDArray[np.bool_]]]:
    """Every combination of levels of some factors that has a row in `mask`, in declared order, and its rows."""
    for levels in product(*(declared.factors[name].levels for name in over)):
        rows = mask.copy()
        for name, level in zip(over, levels, strict=True):
            rows &= runs.factors[name] == level
        if rows.any():
            yield cell_json(declared, dict(zip(over, levels, strict=True))), rows


def _of(runs: Runs, response: str, rows: NDArray[np.bool_]) -> Values:
    """The values of a response in some rows, missing ones left out."""
    values = runs.values[response][rows]
    return np.asarray(values[np.isfinite(values)])


def _descriptive(declared: StudyFile, runs: Runs, response: str) -> Json:
    """n, mean with interval, sd, median, least, greatest, CV of every combination of levels."""
    unit, factors = declared.responses[response].unit, list(declared.factors)
    cells = []
    for cell, rows in _cells(declared, runs, factors, runs.used):
        values = _of(runs, response, rows)
        if not values.size:
            continue
        variation, interval = statistics.coefficient_of_variation(values), statistics.mean_interval(values)
        cells.append(
            cell
            | {"n": int(values.size), "mean": _mean(values, unit), "median": _order(np.median(values), values, unit)}
            | {"mean_interval": None if interval is None else encoded(interval)}
            | {"least": _order(values.min(), values, unit), "greatest": _order(values.max(), values, unit)}
            | {"cv": None if variation is None else _cv(*variation)}
        )
    return {"response": response, "unit": unit, "factors": factors, "cells": cells}


def _cv(variation: float, interval: Interval | None) -> Json:
    return {"value": variation, "interval": None if interval is None else [interval.low, interval.high]}


def _mean(values: Values, unit: str) -> Json | None:
    mean = mean_of(values, unit)
    return None if mean is None else mean.to_json()


def _order(value: float, values: Values, unit: str) -> Json:
    """An order statistic of some values."""
    return Number(Estimate(float(value), None, None), unit, n=int(values.size)).to_json()


def _question(inputs: Inputs, runs: Runs, name: str, question: Question) -> Json:
    """One question: assumption tests, the declared test and its post-hoc test, all on the same values."""
    declared, relevant = inputs.declared, relevant_of(inputs.path, name, inputs.declared)
    factor, unit = declared.factors[question.factor], declared.responses[question.response].unit
    mask = matching(runs, question)
    original = {
        cell["levels"][question.factor]: values
        for cell, rows in _cells(declared, runs, [question.factor], mask)
        if (values := _of(runs, question.response, rows)).size
    }
    groups = _transformed(original, question.transform)
    scale = unit if question.transform == "none" else f"{question.transform}({unit})"
    return {
        "name": name, "title": question.title, "response": question.response, "factor": question.factor,
        "filter": filter_json(question),
        "declared": {"test": question.test, "transform": question.transform, "reason": question.reason},
        "posthoc_method": POSTHOC[question.test], "scale": scale,
        "cautions": [*_other_campaigns(runs, question, mask), *_absent_combinations(declared, runs, question, mask)],
        "levels": [
            cell_json(declared, {question.factor: level}) | {"level": level, "n": int(values.size)}
            | {"median": _order(np.median(values), values, unit), "mean": _mean(values, unit)}
            for level, values in original.items()
        ],
        "assumptions": _assumptions(groups, factor.label),
        "values": [
            {"level": level, "label": factor.label(level), "values": values.tolist()}
            for level, values in original.items()
        ],
        "omnibus": _omnibus(question, original, groups),
        "posthoc": [
            encoded(pair)
            | {"first_label": factor.label(pair.first), "second_label": factor.label(pair.second)}
            | {"differ": None if pair.refused is not None or pair.p is None else bool(pair.p < declared.study.alpha)}
            for pair in _posthoc(question.test, groups)
        ],
        "relevant": None if relevant is None else judge(relevant, original, unit, factor.label),
        "published": [],
    }  # fmt: skip


def _other_campaigns(runs: Runs, question: Question, mask: NDArray[np.bool_]) -> list[Json]:
    """What no test sees: levels that were measured in different campaigns differ by meter and baseline too."""
    if LEFT_OUT not in runs.table.headers:
        return []
    campaigns = np.array(runs.table.column("campaign"))[mask]
    levels = runs.factors[question.factor][mask]
    measured = {str(level): set(campaigns[levels == level].tolist()) for level in np.unique(levels)}
    apart = [level for level in measured if not any(measured[level] & measured[o] for o in measured if o != level)]
    if len(measured) < 2 or not apart:
        return []
    return [{"code": "other-campaigns", "levels": {level: sorted(measured[level]) for level in sorted(apart)}}]


def _absent_combinations(declared: StudyFile, runs: Runs, question: Question, mask: NDArray[np.bool_]) -> list[Json]:
    """Levels that were not measured with every level of another factor with which the rest was."""
    levels, absent = runs.factors[question.factor][mask], dict[str, list[str]]()
    for name, factor in declared.factors.items():
        others = runs.factors[name][mask]
        for level in np.unique(levels) if name != question.factor else ():
            there = set(others[levels == level].tolist())
            missing = [factor.label(one) for one in factor.levels if one in set(others.tolist()) - there]
            absent.setdefault(str(level), []).extend(missing)
    found = {level: labels for level, labels in absent.items() if labels}
    return [{"code": "absent-combinations", "levels": found}] if found else []


def _transformed(groups: Mapping[str, Values], transform: str) -> dict[str, Values] | None:
    """The groups transformed as declared; None where the transform is not defined for a value."""
    least = min((float(values.min()) for values in groups.values()), default=1.0)
    if (transform == "sqrt" and least < 0) or (transform == "log" and least <= 0):
        return None
    return {level: np.asarray(TRANSFORMS[transform](values)) for level, values in groups.items()}


def _assumptions(groups: Mapping[str, Values] | None, label: Callable[[str], str]) -> Json:
    """Shapiro-Wilk and Q-Q data per level, Levene's test on the median: shown, they choose nothing."""
    if groups is None:
        return {"shapiro": [], "qq": [], "levene": None}
    named = {level: {"level": level, "label": label(level)} for level in groups}
    plots = {level: statistics.normal_plot(values) for level, values in groups.items()}
    return {
        "shapiro": [named[level] | {"test": encoded(statistics.normality(values))} for level, values in groups.items()],
        "qq": [named[level] | _thinned(encoded(plot)) for level, plot in plots.items() if plot is not None],
        "levene": encoded(statistics.levene(groups)),
    }


def _thinned(plot: Json) -> Json:
    """A Q-Q plot of at most MOST_QQ points, both ends among them."""
    size = len(plot["ordered"])
    kept = np.unique(np.linspace(0, size - 1, min(size, MOST_QQ)).round().astype(int))
    return plot | {key: [plot[key][i] for i in kept] for key in ("theoretical", "ordered")}


def _omnibus(question: Question, original: Mapping[str, Values], groups: Mapping[str, Values] | None) -> Json:
    if groups is None:
        sizes = tuple(int(values.size) for values in original.values())
        symbol: Symbol = "F" if question.test == "welch" else "H"
        refused: Json = encoded(Test(question.test, None, symbol, (), None, sizes, None, "transform-domain"))
        return refused
    test = {"welch": statistics.welch_anova, "kruskal": statistics.kruskal}[question.test]
    made: Json = encoded(test(groups))
    return made


def _posthoc(test: str, groups: Mapping[str, Values] | None) -> tuple[Pair, ...]:
    if groups is None or len(groups) < 2:
        return ()
    return statistics.games_howell(groups) if test == "welch" else statistics.dunn(groups)


def _correlation(declared: StudyFile, runs: Runs, name: str, part: Correlation) -> Json:
    """One correlation on the runs, and on the medians of its groups."""
    names = [part.x, part.y, *part.controls]
    mask = matching(runs, part)
    for one in names:
        mask &= np.isfinite(runs.values[one])
    columns = [runs.values[one][mask] for one in names]
    groups = [
        cell
        | {"n": int(rows.sum()), "x": float(np.median(runs.values[part.x][rows]))}
        | {"y": float(np.median(runs.values[part.y][rows]))}
        | {"controls": [float(np.median(runs.values[control][rows])) for control in part.controls]}
        for cell, rows in _cells(declared, runs, part.groups, mask)
    ]
    medians = [np.array([group[key] for group in groups]) for key in ("x", "y")]
    medians += [np.array([group["controls"][i] for group in groups]) for i in range(len(part.controls))]
    return {
        "name": name, "title": part.title, "x": part.x, "y": part.y, "filter": filter_json(part),
        "method": part.method, "alternative": part.alternative, "controls": list(part.controls),
        "run_level": encoded(_correlated(part, columns)),
        "medians": {"by": list(part.groups), "test": encoded(_correlated(part, medians)), "groups": groups},
        "points": [
            cell | {"x": runs.values[part.x][rows].tolist(), "y": runs.values[part.y][rows].tolist()}
            for cell, rows in _cells(declared, runs, part.groups, mask)
        ],
        "fit": _fit(columns[0], columns[1]),
        "published": [],
    }  # fmt: skip


def _correlated(part: Correlation, columns: Sequence[Values]) -> Test:
    x, y, *controls = columns
    side = ALTERNATIVES[part.alternative]
    if part.method == "partial":
        return statistics.partial(x, y, controls, alternative=side)
    return {"spearman": statistics.spearman, "pearson": statistics.pearson}[part.method](x, y, alternative=side)


def _fit(x: Values, y: Values) -> Json | None:
    """The least-squares line of y on x; None where x does not vary."""
    if x.size < 2 or np.ptp(x) == 0:
        return None
    over = x - x.mean()
    slope = float(over @ (y - y.mean()) / (over @ over))
    return {"slope": slope, "intercept": float(y.mean()) - slope * float(x.mean())}


def _medians(
    declared: StudyFile, runs: Runs, part: Filtered, over: Sequence[str], names: Sequence[str]
) -> list[tuple[Json, list[Values]]]:
    """Cells in which every one of some responses has a value, with these values."""
    found = []
    for cell, rows in _cells(declared, runs, over, matching(runs, part)):
        values = [_of(runs, name, rows) for name in names]
        if all(one.size for one in values):
            found.append((cell, values))
    return found


def _reduction(declared: StudyFile, runs: Runs, name: str, part: Reduction) -> Json:
    """Decreases from the combination with the largest median to every other."""
    unit = declared.responses[part.response].unit
    cells = _medians(declared, runs, part, part.over, [part.response])
    medians = [float(np.median(values)) for _, (values,) in cells]
    shown = [
        cell | {"n": int(values.size), "median": _order(median, values, unit)}
        for (cell, (values,)), median in zip(cells, medians, strict=True)
    ]
    result: Json = {
        "name": name, "title": part.title, "response": part.response, "over": list(part.over),
        "filter": filter_json(part), "medians": shown, "greatest": None, "decreases": [], "smallest": None,
        "largest": None, "overall": None, "refused": None, "published": [],
    }  # fmt: skip
    if len(cells) < 2 or min(medians) <= 0:
        return result | {"refused": "one-level" if len(cells) < 2 else "not-positive"}
    top = int(np.argmax(medians))
    greatest, most = cells[top][0], medians[top]
    decreases: list[Json] = [
        {"from": greatest, "to": cell, "percent": 100 * (1 - median / most), "factor": most / median}
        for (cell, _), median in zip(cells, medians, strict=True)
        if cell is not greatest
    ]
    ordered = sorted(decreases, key=lambda one: one["percent"])
    ways = [_way(declared, runs, part, one, ordered[-1]) for one in part.beside]
    return result | {
        "greatest": greatest, "decreases": decreases, "smallest": ordered[0], "largest": ordered[-1],
        "overall": ordered[-1] | {"beside": [way for way in ways if way is not None]},
    }  # fmt: skip


def _way(declared: StudyFile, runs: Runs, part: Reduction, response: str, largest: Json) -> Json | None:
    """What the median of another response does on the way of the largest decrease; None where it has none."""
    medians = {
        cell["label"]: float(np.median(values))
        for cell, (values,) in _medians(declared, runs, part, part.over, [response])
    }
    ends = [medians.get(largest[end]["label"]) for end in ("from", "to")]
    if ends[0] is None or ends[1] is None:
        return None
    change = ends[1] - ends[0]
    return {
        "response": response, "unit": declared.responses[response].unit, "from": ends[0], "to": ends[1],
        "change": change, "percent": 100 * change / ends[0] if ends[0] else None,
    }  # fmt: skip


def _pareto(declared: StudyFile, runs: Runs, name: str, part: Pareto) -> Json:
    """Which combinations no other beats: at least as good in both medians, better in one."""
    better = {"x": declared.responses[part.x].better, "y": declared.responses[part.y].better}
    signs = [1.0 if better[axis] == "lower" else -1.0 for axis in ("x", "y")]
    cells = _medians(declared, runs, part, part.over, [part.x, part.y])
    points = [cell | {"n": int(x.size), "x": float(np.median(x)), "y": float(np.median(y))} for cell, (x, y) in cells]
    costs = np.array([[signs[0] * point["x"], signs[1] * point["y"]] for point in points]).reshape(-1, 2)
    for point, cost in zip(points, costs, strict=True):
        beating = np.flatnonzero((costs <= cost).all(axis=1) & (costs < cost).any(axis=1))
        point |= {"on_front": not beating.size}
        point |= {"dominated_by": points[beating[0]]["label"] if beating.size else None}
    return {
        "name": name, "title": part.title, "x": part.x, "y": part.y, "better": better, "over": list(part.over),
        "filter": filter_json(part), "points": points,
    }  # fmt: skip
