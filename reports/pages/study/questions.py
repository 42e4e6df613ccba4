"""The questions on a study's page: the answers in one table, then each with its tests, folded where only few will look.

Knows the record of a question and the words for it. Computes no result.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from reports.pages.blocks import Block, Head, Paragraph, Row, Table
from reports.pages.numbers import NOTHING, Scale, decimals_for, fixed, significant
from reports.pages.statistics_tables import (
    POST_HOC,
    RANKS,
    TESTS,
    counts_text,
    p_text,
    pair_heads,
    pair_row,
    refusal,
    table_of_tests,
    why,
)
from reports.pages.study.figures import drawn, pairs_figure, quantiles_figure, values_figure
from reports.pages.study.published import published_table
from reports.pages.study.words import filter_text, named, response_of, unit_text, value_text
from reports.results.question import Caution, LevelPair, LevelSummary, QuestionResult, RelevantPair, RelevantResult
from reports.results.study import StudyResult

FOLDED_ROWS = 12
"""A table of more rows is folded."""
OF_RELEVANCE = (
    "Two one-sided Welch tests at 5\u00a0%, each pair on its own: equivalent where the 90\u00a0% interval lies within "
    "the margin. Power: how likely a two-sided t test at 5\u00a0% of this pair alone finds a difference as large as "
    "the margin, with the spread of these runs; n per level: what it takes; found: the smallest difference that these "
    "runs would show. All pairs at once take more."
)
OVER_MOST_N = "over ten million"
CAUTIONS: Mapping[Literal["other-campaigns", "absent-combinations"], str] = {
    "other-campaigns": "Caution: these levels share no campaign with any other level, so errors of meter and baseline "
    "stand in the differences and no test sees them; `wattlab compare` counts them:",
    "absent-combinations": "Caution: these levels were not measured together with every level of the other factors, so "
    "a difference may be theirs. Absent:",
}
"""Code of what no test sees -> the sentence before the levels."""


def answers_table(study: StudyResult) -> Table | None:
    """One row for every question: which level is lowest and highest, which pairs differ, the test."""
    rows = tuple(_answer_row(study, question) for question in study.questions)
    heads = (
        Head("Question", False), Head("Lowest median", False), Head("Highest median", False),
        Head("Pairs that differ", False), Head("Not shown to differ", False), Head("Test", False),
    )  # fmt: skip
    note = "Not shown to differ is not the same as equal: it says that these runs cannot tell the two apart."
    return Table("answers", "Answers", heads, rows, note) if rows else None


def _answer_row(study: StudyResult, question: QuestionResult) -> Row:
    better = response_of(study, question.response).better
    ordered = sorted(question.levels, key=lambda level: level.median.value)
    differ, alike, _ = _verdicts(question)
    ends = [NOTHING, NOTHING]
    if ordered:
        ends = [_end(ordered[0], bool(differ) and better == "lower"),
                _end(ordered[-1], bool(differ) and better == "higher")]  # fmt: skip
    omnibus = question.omnibus
    tested = refusal(omnibus.refused) if omnibus.refused else f"{TESTS[omnibus.name]}, p = {p_text(omnibus.p)}"
    counted = f"{len(differ)} of {len(question.posthoc)}" if question.posthoc else NOTHING
    return Row((question.title, *ends, counted, "; ".join(alike) or NOTHING, tested))


def _end(level: LevelSummary, is_best: bool) -> str:
    return f"{level.label}: {value_text(level.median.value, level.median.unit)}{' (best)' if is_best else ''}"


def _verdicts(question: QuestionResult) -> tuple[list[str], list[str], list[str]]:
    """Names of the pairs that differ, that are not shown to, and that could not be judged."""
    names: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for pair in question.posthoc:
        names[pair.differ].append(_both(pair))
    return names[True], names[False], names[None]


def _both(pair: LevelPair | RelevantPair) -> str:
    return f"{pair.first_label} and {pair.second_label}"


def question_blocks(study: StudyResult, question: QuestionResult, stamp: str) -> Iterable[Block]:
    """One question: the verdict, what limits it, the test, its pairs, the assumptions, what is printed of it."""
    yield from _verdict(study, question)
    yield Paragraph(why(question.declared.test, question.declared.transform, question.declared.reason), "note")
    yield from drawn(values_figure(study, question, stamp))
    yield table_of_tests(f"omnibus-{question.name}", "The declared test", [("all levels together", question.omnibus)])
    if question.posthoc:
        yield from drawn(pairs_figure(question, stamp))
        yield _pairs(question, study.study.alpha)
    if question.relevant is not None:
        yield from _relevant(question, question.relevant)
    yield from _assumptions(question, stamp)
    if table := published_table(study, question):
        yield table


def _verdict(study: StudyResult, question: QuestionResult) -> Iterable[Block]:
    differ, alike, unjudged = _verdicts(question)
    if question.posthoc:
        text = f"{len(differ)} of {len(question.posthoc)} pairs differ (p < {study.study.alpha:g})."
        text += f" Not shown to differ: {'; '.join(alike)}." if alike else ""
        text += f" Not judged: {'; '.join(unjudged)}." if unjudged else ""
        yield Paragraph(text)
    if where := filter_text(study, question.filter):
        yield Paragraph(f"Only runs with {where}.")
    for caution in question.cautions:
        yield Paragraph(_caution(question, caution))


def _caution(question: QuestionResult, caution: Caution) -> str:
    """What no test of this question sees."""
    labels = {level.level: level.label for level in question.levels}
    levels = (f"{labels.get(level, level)} ({named(names)})" for level, names in caution.levels.items())
    return f"{CAUTIONS[caution.code]} {'; '.join(levels)}."


def _pairs(question: QuestionResult, alpha: float) -> Table:
    """All pairs by the post-hoc test, in the unit in which they are compared."""
    is_ranks = question.declared.test == "kruskal"
    heads = pair_heads(RANKS if is_ranks else unit_text(question.scale), "z" if is_ranks else "t")
    rows = tuple(pair_row(pair, alpha, labels=(pair.first_label, pair.second_label)) for pair in question.posthoc)
    caption = f"All pairs, {POST_HOC[question.posthoc_method]}: first less second"
    note = "p is adjusted for all pairs; n: runs of the first and of the second."
    return Table(f"pairs-{question.name}", caption, heads, rows, note, folded=len(rows) > FOLDED_ROWS)


def _relevant(question: QuestionResult, relevant: RelevantResult) -> Iterable[Block]:
    """The pairs against the difference that the study calls relevant."""
    if relevant.refused:
        yield Paragraph(f"Differences below {relevant.stated} are declared irrelevant; {refusal(relevant.refused)}.")
        return
    margin = value_text(relevant.margin.value if relevant.margin else None, question.scale)
    first = relevant.reference_label
    of = f" ({relevant.stated} of the mean of {first}, the first level)" if first else ""
    alike = [_both(pair) for pair in relevant.pairs if pair.equivalent]
    text = f"Differences below {margin}{of} are declared irrelevant. {len(alike)} of {len(relevant.pairs)} pairs are "
    yield Paragraph(f"{text}shown to be equivalent within it{': ' if alike else ''}{'; '.join(alike)}.")
    rows = tuple(equivalence_row(pair) for pair in relevant.pairs)
    caption = f"Equivalence within ±{margin}, and what these runs can show"
    heads, folded = equivalence_heads(unit_text(question.scale), relevant.power), len(rows) > FOLDED_ROWS
    yield Table(f"relevant-{question.name}", caption, heads, rows, OF_RELEVANCE, folded)


def equivalence_heads(unit: str, power: float) -> tuple[Head, ...]:
    """Heads of a table of pairs judged against a margin in `unit`, and of what was or would be needed to tell."""
    scale = Scale(unit)
    return (
        Head("Pair", False), Head("n"), Head(scale.axis("Difference, 90 % interval")), Head("p"),
        Head("Within the margin", False), Head("Power now"), Head(f"n per level for power {power:g}"),
        Head(scale.axis(f"Found with power {power:g}")),
    )  # fmt: skip


def equivalence_row(pair: RelevantPair) -> Row:
    """One pair under `equivalence_heads`."""
    head = (f"{pair.first_label} − {pair.second_label}", counts_text(pair.n))
    if pair.refused:
        return Row((*head, NOTHING, NOTHING, refusal(pair.refused), NOTHING, NOTHING, NOTHING))
    needed = OVER_MOST_N if pair.required_n is None else fixed(float(pair.required_n), 0)
    return Row((
        *head, _ends(pair), p_text(pair.p), "equivalent" if pair.equivalent else "not shown to be equivalent",
        NOTHING if pair.power_now is None else fixed(pair.power_now, 2), needed,
        NOTHING if pair.detectable is None else significant(pair.detectable, 3),
    ))  # fmt: skip


def _ends(pair: RelevantPair) -> str:
    """'-0.010 to 0.030': the ends of the interval to two digits of half its width."""
    if pair.low is None or pair.high is None:
        return NOTHING
    places = decimals_for((pair.high - pair.low) / 2) if pair.high > pair.low else 3
    return f"{fixed(pair.low, places)} to {fixed(pair.high, places)}"


def _assumptions(question: QuestionResult, stamp: str) -> Iterable[Block]:
    tests = [(f"normally distributed? {row.label}", row.test) for row in question.assumptions.shapiro]
    tests += [("spread alike?", question.assumptions.levene)] if question.assumptions.levene else []
    if tests:
        caption = "Tests of assumptions: shown, they choose nothing"
        yield table_of_tests(f"assumptions-{question.name}", caption, tests, folded=True)
    yield from drawn(quantiles_figure(question, stamp))
