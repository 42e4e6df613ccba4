"""What a publication prints beside ours, its errata, and a companion study beside this one.

Knows the records of what is printed and of the companion, and the words for what is compared. Computes nothing: whether
a number agrees was decided by reports/study/published.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from reports.pages.blocks import Block, Facts, Head, Paragraph, Row, Table
from reports.pages.numbers import NOTHING, fixed, is_finite
from reports.pages.statistics_tables import p_text, statistic_text
from reports.pages.study.words import unit_text, value_text
from reports.results.publication import Agreement, BesideRow, Comparison, ErratumResult, Statistic
from reports.results.question import QuestionResult
from reports.results.relation import CorrelationResult, ReductionResult
from reports.results.study import StudyResult
from reports.results.trials import ClustersResult, IncreaseResult

HEADS = (
    Head("What", False), Head("Printed"), Head("Computed here"), Head("Judgement", False), Head("Printed where", False),
)  # fmt: skip
AGREES: Mapping[Agreement, str] = {"rounded": "agrees", "cut-off": "agrees (cut off, not rounded)", "verdict": "agrees"}
Part: TypeAlias = QuestionResult | CorrelationResult | ReductionResult | ClustersResult | IncreaseResult
CLUSTER_WORDS = {"mean": "mean", "sd": "SD", "least": "least", "greatest": "greatest"}
ASSUMPTIONS = ("shapiro", "levene")


def published_table(study: StudyResult, part: Part) -> Table | None:
    """What is printed of one question, correlation or reduction, folded; those that differ stand together elsewhere."""
    if not part.published:
        return None
    rows = tuple(_row(study, comparison) for comparison in part.published)
    differing = sum(not comparison.agrees for comparison in part.published)
    counted = f"{len(rows) - differing} of {len(rows)} agree to the printed digits"
    counted += f", {differing} differ (see Published values and errata)" if differing else ""
    return Table(f"published-{part.name}", f"Published values beside ours: {counted}", HEADS, rows, folded=True)


def published_blocks(study: StudyResult) -> list[Block]:
    """How many printed values agree, every one that does not, and the errata."""
    counts = study.published
    blocks: list[Block] = []
    if counts.n:
        text = f"{counts.n} published values were compared: {counts.agree} agree to the printed digits, "
        text += f"{counts.explained} differ and an erratum explains them, {counts.differ} differ unexplained."
        blocks.append(Paragraph(text))
    parts: tuple[Part, ...] = (
        *study.questions, *study.correlations, *study.reductions, *study.clusters, *study.increases,
    )  # fmt: skip
    rows = tuple(
        _row(study, comparison, f"{part.title} · ")
        for part in parts
        for comparison in part.published
        if not comparison.agrees
    )
    if rows:
        blocks.append(Table("differing", "Published values that differ from ours", HEADS, rows))
    if study.errata:
        items = tuple((f"{index}. {erratum.title}", _erratum(erratum)) for index, erratum in enumerate(study.errata, 1))
        blocks.append(Facts("Errata of the publication", items))
    return blocks


def _erratum(erratum: ErratumResult) -> str:
    printed, corrected = erratum.printed, erratum.corrected
    return erratum.text.strip() + (f" Printed: {printed}; right: {corrected}." if printed and corrected else "")


def _row(study: StudyResult, row: Comparison, title: str = "") -> Row:
    what = f"{title}{_what(study, row.what, row.labels)}"
    return Row((what, _printed(row.printed), _value(row.what, row.value, row.unit), _judgement(row), row.place))


def _printed(text: str) -> str:
    return {"equal": "do not differ", "different": "differ"}.get(text, text)


def _judgement(row: Comparison) -> str:
    if row.how is not None:
        return AGREES[row.how]
    if row.erratum is not None:
        return f"differs, see erratum {row.erratum + 1}"
    return "differs" if row.value is not None else "not computed here"


def _what(study: StudyResult, what: str, labels: Sequence[str]) -> str:
    """A key such as `shapiro.vgg16.p` in words."""
    head, _, rest = what.partition(".")
    kind = "p" if what == "p" or what.endswith(".p") else "statistic"
    of = f" of {labels[0]}" if labels else ""
    titles = {response.name: response.title for response in study.responses}
    words = {
        "shapiro": f"Shapiro-Wilk{of}, {'W' if kind == 'statistic' else 'p'}",
        "levene": f"Levene, {'F' if kind == 'statistic' else 'p'}",
        "omnibus": f"test, {kind}",
        "effect": "effect size",
        "effect-with-k": f"effect size with {labels[0] if labels else ''} groups, as published",
        "cluster": f"{CLUSTER_WORDS.get(what.rpartition('.')[2], what)}{_in_cluster(titles, labels)}",
        "increase": f"mean increase{f', {labels[0]} to {labels[1]}' if len(labels) > 1 else ''}",
        "median": f"median{of}",
        "pair": " and ".join(labels),
        "coefficient": "correlation coefficient",
        "p": "correlation, p",
        "medians": f"of the groups' medians: {'p' if kind == 'p' else 'correlation coefficient'}",
        "smallest": "smallest decrease",
        "largest": "largest decrease",
        "factor": "times less",
        "beside": f"change of {titles.get(rest, rest)} on that way",
    }
    return words.get(head, what)


def _in_cluster(titles: Mapping[str, str], labels: Sequence[str]) -> str:
    return f" of {titles.get(labels[1], labels[1])} in {labels[0]}" if len(labels) > 1 else ""


def _value(what: str, value: float | str | None, unit: str) -> str:
    if isinstance(value, str):
        return _printed(value)
    if value is None or not is_finite(value):
        return NOTHING
    if what == "p" or what.endswith(".p"):
        return p_text(value)
    if unit == "%":
        return f"{fixed(value, 2)}\u202f%"
    return value_text(value, unit) if unit_text(unit) else statistic_text(value)


def companion_blocks(study: StudyResult) -> list[Block]:
    """Another study with the same questions beside this one: what differs, and all of it folded."""
    companion = study.companion
    if companion is None:
        return []
    here, there = (about.title or about.name for about in (study.study, companion.study))
    heads = tuple(
        Head(text, numeric=False) for text in ("Question", "What", "Here", "There", "Printed here", "Printed there")
    )
    rows, decisive = companion.rows, [row for row in companion.rows if _is_decisive(row)]
    intro = f"Here: {here}. There: {there}. {companion.study.citation}"
    note = "Left out: tests of assumptions, and what is the same in both."
    everything = f"Every statistic of both studies ({len(rows)})"
    return [
        Paragraph(intro),
        Table("companion-table", "What differs between both studies", heads, tuple(_beside(study, decisive)), note),
        Table("companion-all", everything, heads, tuple(_beside(study, rows)), folded=True),
    ]


def _is_decisive(row: BesideRow) -> bool:
    """Whether a row says something of the answer: no test of assumptions, nothing that is the same in both."""
    return row.what.partition(".")[0] not in ASSUMPTIONS and row.here.value != row.there.value


def _beside(study: StudyResult, rows: Sequence[BesideRow]) -> Iterable[Row]:
    last = ""
    for row in rows:
        title, last = ("" if row.title == last else row.title), row.title
        both = (row.here, row.there)
        shown = (_shown(row.what, statistic) for statistic in both)
        printed = (_printed(statistic.printed or NOTHING) for statistic in both)
        yield Row((title, _what(study, row.what, row.labels), *shown, *printed))


def _shown(what: str, statistic: Statistic) -> str:
    way = f" ({' → '.join(statistic.labels)})" if what in ("smallest", "largest") and statistic.labels else ""
    return _value(what, statistic.value, statistic.unit) + way
