"""What a study rests on, on its page: descriptive tables, rows and rules of exclusion, sources, definitions, software.

Knows these records and the words for them. Computes no result.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from reports.pages.blocks import Block, Facts, Head, Paragraph, Row, Table
from reports.pages.numbers import NOTHING, Scale, bare, spread
from reports.pages.statistics_tables import INTERVALS, interval_text
from reports.pages.study.questions import FOLDED_ROWS
from reports.pages.study.words import filter_text, named, response_of, unit_text, value_text
from reports.results.cell import UnmeasuredCell
from reports.results.descriptive import CellSummary, DescriptiveTable
from reports.results.study import IMPORTED, ExclusionResult, LeftOutRow, ResponseDefinition, Source, StudyResult

MOST_ROWS = 200
"""Of rows that cannot be used so many are listed."""
LEFT_OUT: Mapping[Literal["excluded-run", "missing", "level-not-declared"], str] = {
    "excluded-run": "the run enters no mean in its campaign",
    "missing": "there is no number for this response, so the row is not used for it",
    "level-not-declared": "the study file does not name this level of the factor",
}
"""Code of why a row cannot be used -> the reason in words."""


def unused(study: StudyResult) -> Iterable[str]:
    """What most often is a slip of the pen: levels that the file does not name, and levels that no run has."""
    if study.unmeasured:
        yield f"Not measured: {'; '.join(f'{cell.label} ({cell.reason})' for cell in study.unmeasured[:6])}" + (
            f", and {len(study.unmeasured) - 6} more." if len(study.unmeasured) > 6 else "."
        )
    for factor in study.factors:
        undeclared = [row for row in study.left_out if row.reason == "level-not-declared" and row.column == factor.name]
        if undeclared:
            of = f"{factor.name} ({', '.join(dict.fromkeys(str(row.found) for row in undeclared))})"
            yield f"{len(undeclared)} rows are left out: the study file does not name their level of {of}."
        if empty := [level.level for level in factor.levels if not level.n]:
            yield f"No run that is used has the declared level of {factor.name}: {', '.join(empty)}."


def descriptive_table(study: StudyResult, table: DescriptiveTable) -> Table:
    """One response over all combinations of levels."""
    scale = Scale(unit_text(table.unit))
    heads = (
        Head("Runs of", False), Head("n"), Head("Median"), Head("Mean, 95 % interval"), Head("by", False), Head("SD"),
        Head("CV, 95 % interval"), Head("Least"), Head("Greatest"),
    )  # fmt: skip
    drawn = study.bootstrap
    note = "The interval of the mean holds the spread over the runs only, nothing of a meter. It is Student's t; of "
    note += f"{drawn.least} to {drawn.most} runs BCa, a bootstrap of {drawn.samples} samples (seed {drawn.seed}). "
    note += "CV: SD over mean."
    caption = scale.axis(response_of(study, table.response).title)
    rows = (*map(_summary, table.cells), *map(_unmeasured, study.unmeasured))
    return Table(f"descriptive-{table.response}", caption, heads, rows, note, folded=True)


def _summary(cell: CellSummary) -> Row:
    interval, sd = cell.mean_interval, spread(cell.mean, Scale(""))
    return Row((
        cell.label or "all runs", str(cell.n), value_text(cell.median.value),
        interval_text(cell.mean.value, [interval.low, interval.high]) if interval else bare(cell.mean, Scale("")),
        INTERVALS[interval.method] if interval else NOTHING, sd,
        NOTHING if cell.cv is None or sd == "0" else interval_text(cell.cv.value, cell.cv.interval),
        value_text(cell.least.value), value_text(cell.greatest.value),
    ))  # fmt: skip


def _unmeasured(cell: UnmeasuredCell) -> Row:
    return Row((cell.label, "0", NOTHING, f"not measured: {cell.reason}", *[NOTHING] * 5))


def row_blocks(study: StudyResult) -> Iterable[Block]:
    """How many rows enter, which rules took some out, which cannot be used."""
    counts = study.rows
    yield Paragraph(
        f"{counts.read} rows were read, {counts.left_out} could not be used, {counts.excluded} were excluded by rules, "
        f"{counts.used} enter the analysis."
    )
    if study.unmeasured:
        missing = (Head("Combination", False), Head("Why", False), Head("Runs that enter nothing"), Head("Says", False))
        cells = tuple(
            Row((cell.label, cell.reason, str(cell.attempts), "the study file" if cell.declared else "the runs"))
            for cell in study.unmeasured
        )
        yield Table("unmeasured", "Combinations that could not be measured", missing, cells)
    if study.exclusions:
        heads = (Head("Reason", False), Head("Among", False), Head("Rule", False), Head("Rows"), Head("Lines", False))
        rules = tuple(_rule(study, rule) for rule in study.exclusions)
        yield Table("exclusions", "Rules of exclusion, in their order", heads, rules)
    if rows := tuple(_left_out(study, row) for row in study.left_out[:MOST_ROWS]):
        not_used = (Head("Line"), Head("Of", False), Head("Why", False), Head("Found", False))
        caption = f"Rows that cannot be used ({len(study.left_out)})"
        note = f"The first {MOST_ROWS}; all of them stand in study.json." if len(study.left_out) > MOST_ROWS else ""
        yield Table("left-out", caption, not_used, rows, note, folded=len(rows) > FOLDED_ROWS)


def _left_out(study: StudyResult, row: LeftOutRow) -> Row:
    titles = {response.name: response.title or response.name for response in study.responses}
    titles |= {factor.name: factor.title or factor.name for factor in study.factors}
    of = "" if row.column is None else f" ({titles[row.column]})"
    return Row((str(row.line), row.source, f"{LEFT_OUT[row.reason]}{of}", row.found or NOTHING))


def _rule(study: StudyResult, rule: ExclusionResult) -> Row:
    drop = rule.drop
    which = "all"
    if drop is not None:
        count = "one" if drop.n == 1 else str(drop.n)
        which = f"the {count} with the {drop.which} {response_of(study, drop.by).title}"
    lines = ", ".join(str(row.line) for row in rule.rows)
    return Row((rule.reason, filter_text(study, rule.filter) or "all rows", which, str(rule.n), lines))


def data_blocks(study: StudyResult) -> Iterable[Block]:
    """Design, sources, definitions of responses and factors, the software."""
    if study.study.design:
        yield Paragraph(f"Design: {study.study.design}")
    yield Facts("Sources", tuple((source.name, _source(source)) for source in study.sources))
    response_heads = (
        Head("Response", False), Head("Formula", False), Head("Unit", False), Head("Better", False), Head("Runs"),
    )  # fmt: skip
    yield Table("responses", "Responses: what was compared", response_heads, tuple(map(_response, study.responses)))
    rows = tuple(
        Row((factor.title or factor.name, level.label, level.level, str(level.n)))
        for factor in study.factors
        for level in factor.levels
    )
    factor_heads = (Head("Factor", False), Head("Level", False), Head("As in the table", False), Head("Runs used"))
    yield Table("factors", "Factors and their levels", factor_heads, rows, folded=len(rows) > FOLDED_ROWS)
    yield _software(study)


def _source(source: Source) -> str:
    """Where the runs come from, in one line."""
    origin = "none, an imported table" if source.origin == IMPORTED else source.origin
    parts = [f"{source.kind}, {source.n_rows} rows, origin of the readings: {origin}"]
    parts += [source.note] if source.note else []
    parts += [f"invalid findings: {named(source.findings)}"] if source.findings else []
    digest = "head of the campaign's log" if source.kind == "campaign" else "SHA-256"
    return "; ".join([*parts, f"{digest} {source.sha256}"])


def _response(response: ResponseDefinition) -> Row:
    unit = unit_text(response.unit) or "1"
    if response.unit_as_published:
        unit += f" (published as {unit_text(response.unit_as_published)})"
    title, better = response.title or response.name, response.better or NOTHING
    return Row((title, response.formula, unit, better, str(response.n)))


def _software(study: StudyResult) -> Facts:
    software = study.software
    dirty = ", with uncommitted changes" if software.dirty else ""
    return Facts("Software", (
        ("Computed with", f"wattlab {software.version}, commit {software.commit or NOTHING}{dirty}"),
        ("R", software.r), ("Made by", "wattlab study report FILE --into FOLDER"),
        ("Check the seal, recompute every number", "wattlab verify FOLDER"),
        ("Schema of study.json", str(study.schema)),
    ))  # fmt: skip
