"""The tables of two sides beside each other: results, tests, equivalence, efficiency values, what U is made of.

Knows the record of a comparison in the units of its page. Knows no sentence on the whole and computes nothing.
"""

from collections.abc import Iterator, Sequence
from itertools import starmap

from reports.pages.blocks import Block, Head, Paragraph, Row, Table
from reports.pages.comparison.words import (
    DESIGNS,
    FEW_NOTE,
    NO_MARGIN,
    SOURCES,
    TESTS,
    U_NOTE,
    UNBOUNDED,
    label_of,
    outcome_in_words,
    reason_in_words,
)
from reports.pages.lookup import words
from reports.pages.numbers import NOTHING, Scale, bare, fixed, quantity, scale_for, significant
from reports.pages.statistics_tables import p_text
from reports.results.compared_pair import (
    ComparedPair,
    EffectSize,
    EfficiencyValue,
    EfficiencyValues,
    Interval,
    PairEquivalence,
    PairLine,
    PairQuantity,
    PairTest,
)
from reports.results.comparison import PLAIN, ComparedSet
from reports.results.uncertainty import Number

RATIO = Scale("")
FEW_RUNS = 10
ALPHA = 0.05
ISO = (
    "Above 1 the second side is the better one. A run is one task of one user who waits for it: with a stop at a "
    "target the number of actions is random, so all of them are rated as one task. Structured after ISO/IEC 14756."
)


def label_of_pair(of_set: ComparedSet, pair: ComparedPair) -> str:
    """What a pair is called: the second side against the first."""
    first, second = of_set.sides_of(pair)
    return f"{second.label} against {first.label}"


def difference_of(of_set: ComparedSet, pair: ComparedPair, name: str) -> str:
    """In % of the reference where that is known, else in the unit of the table below."""
    part = pair.quantities[name]
    if part.relative:
        return quantity(part.relative)
    return quantity(part.difference, scale_for(_numbers(of_set, pair, name)))


def short_table(of_set: ComparedSet, pair: ComparedPair) -> tuple[str, list[str], list[list[str]]]:
    """Caption, heads and rows of the terminal's table of one pair: the plain quantities."""
    first, second = of_set.sides_of(pair)
    heads = ["", f"first\nn = {first.n_runs}", f"second\nn = {second.n_runs}", "difference", "ratio"]
    rows: list[list[str]] = []
    for name in PLAIN:
        part = pair.quantities[name]
        if part.difference:
            numbers = _numbers(of_set, pair, name)
            scale = scale_for(numbers)
            cells = [bare(number, scale) for number in numbers]
            rows.append([scale.axis(words(name)), *cells, bare(part.ratio, RATIO)])
    name = f"{of_set.name}: " if of_set.name else ""
    return f"{name}{second.label} (second) against {first.label} (first), value ± U (95 %)", heads, rows


def _numbers(of_set: ComparedSet, pair: ComparedPair, name: str) -> list[Number | None]:
    """A quantity of both sides, and their difference."""
    sides = [side.quantities[name].number for side in of_set.sides_of(pair)]
    return [*sides, pair.quantities[name].difference]


def result_tables(of_set: ComparedSet, anchor: str) -> list[Block]:
    """Every quantity of each pair."""
    return [_result_table(of_set, pair, f"{anchor}-p{place}") for place, pair in enumerate(of_set.pairs)]


def _result_table(of_set: ComparedSet, pair: ComparedPair, anchor: str) -> Table:
    first, second = of_set.sides_of(pair)
    heads = ("Quantity", f"First: {first.label}", f"Second: {second.label}", "Difference", "U, type A alone",
             "Ratio", "95 % interval of the ratio", "Shown")  # fmt: skip
    rows = tuple(_result_row(name, part, _numbers(of_set, pair, name)) for name, part in pair.quantities.items())
    runs = f"Runs: {first.n_runs} and {second.n_runs}; excluded: {first.n_excluded} and {second.n_excluded}."
    few = f" {FEW_NOTE}" if min(first.n_runs, second.n_runs) < FEW_RUNS else ""
    note = f"{U_NOTE} {runs} Design: {DESIGNS[pair.design]}. The ratio's interval is Fieller's.{few}"
    columns = tuple(Head(text, numeric=place not in (0, 7)) for place, text in enumerate(heads))
    return Table(f"{anchor}-result-table", label_of_pair(of_set, pair), columns, rows, note)


def _result_row(name: str, part: PairQuantity, numbers: Sequence[Number | None]) -> Row:
    scale = scale_for(numbers)
    label = label_of(name) if "." in name else scale.axis(label_of(name))
    return Row((
        label, *(bare(number, scale) for number in numbers), _half_width(part.difference_type_a, scale),
        bare(part.ratio, RATIO), interval_text(part.ratio_interval), outcome_in_words(part.verdict, part.reason),
    ))  # fmt: skip


def _half_width(number: Number | None, scale: Scale) -> str:
    if number is None or number.expanded is None:
        return NOTHING
    return f"± {significant(number.expanded * scale.factor, 2)}"


def interval_text(ends: Interval | None, digits: int = 4) -> str:
    """Both ends of an interval."""
    return NOTHING if ends is None else " to ".join(significant(end, digits) for end in ends)


def test_tables(of_set: ComparedSet, anchor: str) -> list[Block]:
    """Tests and effect sizes of each pair."""
    return [_test_table(of_set, pair, f"{anchor}-p{place}") for place, pair in enumerate(of_set.pairs)]


def _test_table(of_set: ComparedSet, pair: ComparedPair, anchor: str) -> Table:
    adjusted = ("p, Holm",) if len(of_set.pairs) > 1 else ()
    texts = ("Quantity", "Statistic", "Degrees of freedom", "Welch's", "p", *adjusted, "p, complete",
             "Cliff's delta", "Hedges' g")  # fmt: skip
    tested = {name: (part, part.test) for name, part in pair.quantities.items() if part.test}
    names = dict.fromkeys(f"{TESTS[test.name]}, n = {' and '.join(map(str, test.n))}" for _, test in tested.values())
    rows = tuple(
        Row((label_of(name), *_test_cells(test, adjusted=bool(adjusted)), *_effect_cells(part, test)))
        for name, (part, test) in tested.items()
    )
    notes = {
        f"{label_of(name)}: {reason_in_words(code)}"
        for name, (part, test) in tested.items()
        for code in (test.reason, part.effects and part.effects.reason)
        if code
    }
    heads = tuple(Head(text, numeric=place > 0) for place, text in enumerate(texts))
    caption = f"{label_of_pair(of_set, pair)}: {'; '.join(names)}"
    return Table(f"{anchor}-test-table", caption, heads, rows, "; ".join(sorted(notes)))


def _test_cells(test: PairTest, *, adjusted: bool) -> Iterator[str]:
    yield NOTHING if test.statistic is None else f"{test.symbol} = {significant(test.statistic)}"
    yield _plain(test.df)
    yield _plain(test.plain_df)
    yield p_text(test.p)
    if adjusted:
        yield p_text(test.p_adjusted)
    yield p_text(test.p_complete)


def _plain(value: float | None) -> str:
    return NOTHING if value is None else significant(value, 3)


def _effect_cells(part: PairQuantity, test: PairTest) -> tuple[str, str]:
    if part.effects is None:
        return NOTHING, NOTHING
    return _effect(part.effects.cliffs_delta), _effect(part.effects.hedges_g)


def _effect(effect: EffectSize | None) -> str:
    """A size with its interval; without one, with the word for it where it has one."""
    if effect is None:
        return NOTHING
    size = significant(effect.value, 2)
    if effect.interval:
        return f"{size} [{interval_text(effect.interval, 2)}]"
    return f"{size} ({effect.word})" if effect.word else size


def equivalence_tables(of_set: ComparedSet, anchor: str) -> list[Block]:
    """Equivalence of each pair, or why nothing is said of it."""
    tables: list[Block] = []
    texts = ("Quantity", "95 % interval", "Margin", "p", "Verdict")
    heads = tuple(Head(text, numeric=place in (1, 2, 3)) for place, text in enumerate(texts))
    note = "Equivalent where the 95 % interval of ratio or difference (Wh) lies within the margin: p below .05."
    for place, pair in enumerate(of_set.pairs):
        tests = {name: part.equivalence for name, part in pair.quantities.items()}
        rows = tuple(_equivalence_row(label_of(name), test) for name, test in tests.items() if test)
        if rows:
            first, second = of_set.sides_of(pair)
            caption = f"Equivalence of {second.label} and {first.label}"
            tables.append(Table(f"{anchor}-p{place}-equivalence-table", caption, heads, rows, note))
    return tables or [Paragraph(NO_MARGIN)]


def _equivalence_row(label: str, test: PairEquivalence) -> Row:
    if test.equivalent is None or test.low is None or test.high is None:
        return Row((label, NOTHING, NOTHING, NOTHING, reason_in_words(test.reason)))
    word = "equivalent" if test.equivalent else "not shown to be equivalent"
    return Row((label, interval_text((test.low, test.high)), interval_text(test.limits), p_text(test.p), word))


def efficiency_tables(of_set: ComparedSet, anchor: str) -> list[Block]:
    """Efficiency values of every pair, after what they mean."""
    rows: list[Row] = []
    notes: list[str] = []
    for pair in of_set.pairs:
        label, values = label_of_pair(of_set, pair), pair.iso14756
        if values.reason:
            notes.append(f"{label}: {reason_in_words(values.reason)}.")
        else:
            rows += [Row((label, *cells)) for cells in _efficiency_cells(values)]
            notes += [UNBOUNDED] if _is_unbounded(values) else []
    if not rows:
        return [Paragraph(ISO), Paragraph(" ".join(notes), "note")]
    texts = ("Pair", "Value", "Second against first", "95 % interval")
    heads = tuple(Head(text, numeric=place > 1) for place, text in enumerate(texts))
    note = " ".join(dict.fromkeys(notes))
    return [Paragraph(ISO), Table(f"{anchor}-iso-table", "Efficiency values", heads, tuple(rows), note)]


def _efficiency_cells(values: EfficiencyValues) -> Iterator[tuple[str, str, str]]:
    """Name, value and interval of each."""
    for name, own in (values.task_types or {}).items():
        timely = own.timely_throughput
        yield f"I_TH of {name}", *_efficiency(own.throughput)
        yield f"I_ME of {name}", *_efficiency(own.mean_execution_time)
        shown = bare(timely, RATIO) if timely else reason_in_words(own.timely_throughput_reason)
        yield f"I_TI of {name}", shown, NOTHING
    yield "I_TH, throughput", *_efficiency(values.throughput)
    yield "I_ME, mean execution time", *_efficiency(values.mean_execution_time)
    timely = values.timely_throughput
    shown = bare(timely, RATIO) if timely else reason_in_words(values.timely_throughput_reason)
    yield "I_TI, timely throughput", shown, NOTHING
    yield "I_EN, energy per task", *_efficiency(values.energy)


def _efficiency(value: EfficiencyValue | None) -> tuple[str, str]:
    return (NOTHING, NOTHING) if value is None else (bare(value.number, RATIO), interval_text(value.interval))


def _is_unbounded(values: EfficiencyValues) -> bool:
    """Whether a value has no interval."""
    each = (values.throughput, values.mean_execution_time, values.energy)
    return any(value is not None and value.interval is None for value in each)


def budget_tables(of_set: ComparedSet, anchor: str) -> list[Block]:
    """What the uncertainty of each pair's headline is made of."""
    tables = (_budget_table(of_set, pair, f"{anchor}-p{place}") for place, pair in enumerate(of_set.pairs))
    return [table for table in tables if table is not None]


def _budget_table(of_set: ComparedSet, pair: ComparedPair, anchor: str) -> Table | None:
    part = pair.quantities[pair.headline]
    if not part.lines:
        return None
    first, second = of_set.sides_of(pair)
    scale = scale_for([part.difference])
    texts = ("Source", "Type", f"in {first.label} / {scale.unit}", f"in {second.label} / {scale.unit}", "Correlation",
             f"in the difference / {scale.unit}")  # fmt: skip
    heads = tuple(Head(text, numeric=place > 1) for place, text in enumerate(texts))
    what = f"Standard uncertainty of the difference in {words(pair.headline).lower()}"
    note = "Signed contributions; with correlation 1 only their difference is left, with 0 their root sum of squares."
    rows = tuple(starmap(_budget_row, ((line, scale) for line in part.lines)))
    return Table(f"{anchor}-budget-table", f"{what}: {label_of_pair(of_set, pair)}", heads, rows, note)


def _budget_row(line: PairLine, scale: Scale) -> Row:
    first, second, left = (significant(part * scale.factor, 3) for part in (line.first, line.second, line.u))
    rho = NOTHING if line.rho is None else fixed(line.rho, 2)
    return Row((SOURCES.get(line.source, line.source), line.type, first, second, rho, left))
