"""A study: study file and table of runs -> study.json (docs/studies.md).

Knows which parts a study has, and what of its file stands in them. Knows no test: `questions`, `correlations`,
`medians` and `descriptive` compute, `published` holds against what is printed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from harness.record.steps import steps
from reports.inference import intervals
from reports.results.descriptive import Bootstrap
from reports.results.publication import ErratumResult, Tally
from reports.results.study import (
    SCHEMA,
    ColumnResult,
    CompanionResult,
    FactorLevel,
    FactorResult,
    Measured,
    ResponseDefinition,
    RowCounts,
    SourceFacts,
    StudyHeader,
    StudyResult,
)
from reports.study.choices import choose
from reports.study.correlations import correlate
from reports.study.descriptive import descriptive_table
from reports.study.file import StudyFile
from reports.study.interactions import interact
from reports.study.medians import front, reduce
from reports.study.predictions import predict
from reports.study.progress import progress
from reports.study.published import beside, with_published
from reports.study.questions import answer
from reports.study.rows import Runs, sort_rows
from reports.study.table import Table
from reports.study.trials import clusters, increases, scatter, spread
from reports.study.unmeasured import unmeasured_cells


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a study is computed from: the study file `path` (for messages) as declared, its table, what else is known of
    where the table comes from."""

    path: str
    declared: StudyFile
    table: Table
    facts: SourceFacts


def compute(inputs: Inputs, companion: Inputs | None) -> StudyResult:
    """study.json of a study; of its companion, only what stands beside it.

    Raises:
        AnalysisError: R is not there, or the table holds nothing a number could be made from; with the place.
        ConfigError: study file and table do not fit together.
    """
    study = _alone(inputs)
    if companion is None:
        return study
    other = _alone(companion)
    rows = beside(study, other)
    shown = CompanionResult(other.study, other.measurement, other.responses, other.questions, other.errata, rows)
    return replace(study, companion=shown)


def _alone(inputs: Inputs) -> StudyResult:
    path, declared, facts = inputs.path, inputs.declared, inputs.facts
    runs = sort_rows(path, declared, inputs.table, facts.units)
    study = StudyResult(
        schema=SCHEMA,
        study=_header(declared),
        software=facts.software,
        base=facts.base,
        measurement=Measured(facts.origin, len(facts.sources)),
        sources=facts.sources,
        columns=_columns(declared, facts.units),
        factors=_factors(declared, runs),
        responses=_responses(declared, runs),
        rows=_counts(runs),
        left_out=tuple(runs.left_out),
        exclusions=tuple(runs.exclusions),
        bootstrap=Bootstrap(
            intervals.BOOTSTRAP_SAMPLES, intervals.BOOTSTRAP_SEED, intervals.LEAST_FOR_BCA, intervals.MOST_FOR_BCA
        ),
        descriptive=tuple(
            descriptive_table(declared, runs, name) for name in steps("describing the responses", declared.responses)
        ),
        questions=tuple(
            answer(path, declared, runs, name) for name in steps("answering the questions", declared.questions)
        ),
        correlations=tuple(correlate(declared, runs, name) for name in declared.correlations),
        reductions=tuple(reduce(declared, runs, name) for name in declared.reductions),
        pareto=tuple(front(declared, runs, name) for name in declared.pareto),
        interactions=tuple(interact(declared, runs, name, part) for name, part in declared.interactions.items()),
        predictions=tuple(
            predict(path, declared, runs, name) for name in steps("fitting the models", declared.predictions)
        ),
        unmeasured=unmeasured_cells(path, declared, runs),
        progress=tuple(progress(declared, runs, name) for name in declared.progress),
        scatters=tuple(scatter(declared, runs, name) for name in declared.scatters),
        spreads=tuple(spread(declared, runs, name) for name in declared.spreads),
        clusters=tuple(clusters(declared, runs, name) for name in declared.clusters),
        increases=tuple(increases(declared, runs, name) for name in declared.increases),
        choices=tuple(choose(declared, runs, name) for name in declared.choices),
        published=Tally(0, 0, 0, 0),
        errata=_errata(declared),
        companion=None,
        environments=facts.environments,
    )
    return with_published(study, declared)


def _header(declared: StudyFile) -> StudyHeader:
    about = declared.study
    return StudyHeader(about.name, about.title, about.description, about.citation, about.design, about.alpha)


def _columns(declared: StudyFile, units: Mapping[str, str]) -> tuple[ColumnResult, ...]:
    """The columns that a response uses."""
    named = {name: (column.header, column.unit) for name, column in declared.columns.items()}
    known = {name: (name, unit) for name, unit in units.items()} | named
    parts = [part for response in declared.responses.values() for part in response.formula.replace("*", "/").split("/")]
    return tuple(ColumnResult(name, *known[name]) for name in dict.fromkeys(part.strip() for part in parts))


def _factors(declared: StudyFile, runs: Runs) -> tuple[FactorResult, ...]:
    return tuple(
        FactorResult(
            name,
            factor.title,
            factor.column,
            tuple(
                FactorLevel(level, factor.label(level), int(np.sum(runs.used & (runs.factors[name] == level))))
                for level in factor.levels
            ),
        )
        for name, factor in declared.factors.items()
    )


def _responses(declared: StudyFile, runs: Runs) -> tuple[ResponseDefinition, ...]:
    return tuple(
        ResponseDefinition(
            name,
            response.title,
            response.formula,
            response.unit,
            reduced=runs.formulas[name].reduced,
            unit_as_published=response.unit_as_published or None,
            better=response.better or None,
            n=int(np.sum(runs.used & np.isfinite(runs.values[name]))),
        )
        for name, response in declared.responses.items()
    )


def _counts(runs: Runs) -> RowCounts:
    return RowCounts(
        read=len(runs.table.rows),
        left_out=sum(row.reason != "missing" for row in runs.left_out),
        excluded=sum(rule.n for rule in runs.exclusions),
        used=int(runs.used.sum()),
    )


def _errata(declared: StudyFile) -> tuple[ErratumResult, ...]:
    return tuple(
        ErratumResult(erratum.title, erratum.text, tuple(erratum.affects), erratum.printed, erratum.corrected)
        for erratum in declared.errata
    )
