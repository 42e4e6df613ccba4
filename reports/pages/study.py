"""The page of a study: its answers first, then figures, then every test, folded where only few will look.

Knows study.json (docs/studies.md). Knows no table of runs, no HTML, and computes no result.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields

from reports.pages.blocks import Block, Facts, Figure, Head, Paragraph, Row, Section, Table
from reports.pages.document import STAMPS, DocumentPage, document_page, section_of
from reports.pages.numbers import NOTHING, Scale, bare, fixed, is_finite, significant, spread
from reports.pages.statistics_tables import (
    INTERVALS,
    NEVER_CHOSEN,
    POST_HOC,
    RANKS,
    TESTS,
    equivalence_heads,
    equivalence_row,
    interval_text,
    p_text,
    pair_heads,
    pair_row,
    refusal,
    statistic_text,
    table_of_tests,
    why,
)
from reports.pages.study_figures import (
    IMPORTED,
    Study,
    correlations_figure,
    medians_figure,
    named,
    pairs_figure,
    pareto_figure,
    quantiles_figure,
    response_of,
    unit_text,
    value_text,
    values_figure,
)
from reports.pages.study_published import companion_blocks, published_blocks, published_table
from reports.results.codec import decoded
from reports.results.inference import Pair, Test

BESIDE = "Beside the companion study"
FOLDED_ROWS, MOST_ROWS = 12, 200
"""A table of more rows is folded; of rows that cannot be used so many are listed."""
SAME_RUNS = (
    "Runs and medians say different things. The runs of a group are repetitions of one case: they say how well that "
    "case is known, and are no further evidence about the relation of the two quantities. A p over all runs counts "
    "the same few cases many times; where runs and medians disagree, believe the medians."
)
OF_RELEVANCE = (
    "Two one-sided Welch tests at 5\u00a0%, each pair on its own: equivalent where the 90\u00a0% interval lies within "
    "the margin. Power: how likely a two-sided t test at 5\u00a0% of this pair alone finds a difference as large as "
    "the margin, with the spread of these runs; n per level: what it takes; found: the smallest difference that these "
    "runs would show. All pairs at once take more."
)
ORIGINS = {IMPORTED: "none, an imported table"}
CAUTIONS = {
    "other-campaigns": "Caution: these levels share no campaign with any other level, so errors of meter and baseline "
    "stand in the differences and no test sees them; `wattlab compare` counts them:",
    "absent-combinations": "Caution: these levels were not measured together with every level of the other factors, so "
    "a difference may be theirs. Absent:",
}
"""Code of what no test sees -> the sentence before the levels."""
LEFT_OUT = {
    "excluded-run": "the run enters no mean in its campaign",
    "missing": "there is no number for this response, so the row is not used for it",
    "level-not-declared": "the study file does not name this level of the factor",
}
"""Code of why a row cannot be used -> the reason in words."""


def study_page(study: Study) -> DocumentPage:
    """The page of one study."""
    about, origin = study["study"], str(study["measurement"]["origin"])
    stamp = "" if origin == IMPORTED else STAMPS.get(origin, ("", ""))[0]
    title = str(about["title"] or about["name"])
    return document_page(
        f"Study: {title}",
        origin,
        (str(line) for line in (about["citation"], about["description"]) if line),
        " ".join(_answer(study)),
        _sections(study, stamp),
        _colophon(study),
        opening=_opening(study, stamp),
    )


def _answer(study: Study) -> Iterable[str]:
    """What was found, in two or three sentences."""
    shown = [q for q in study["questions"] if any(pair["differ"] for pair in q["posthoc"])]
    if study["questions"]:
        level = _level(study)
        yield f"{len(shown)} of {len(study['questions'])} questions show a difference (p < {level} for a pair)."
    widest = max((r for r in study["reductions"] if r["overall"]), key=lambda r: len(r["medians"]), default=None)
    if widest:
        yield f"{_largest(study, widest)} That is read off the medians, not tested."


def _largest(study: Study, reduction: Study) -> str:
    """The largest decrease in one sentence, with what else changes on that way."""
    best, title = reduction["overall"], response_of(study, reduction["response"]).get("title")
    text = f"{title}: the largest decrease of the median is {fixed(float(best['percent']), 2)}\u00a0% "
    text += (
        f"({significant(float(best['factor']), 3)} times less), from {best['from']['label']} to {best['to']['label']}"
    )
    for way in best["beside"]:
        share = f" ({_signed(way['percent'])}\u00a0%)" if is_finite(way["percent"]) else ""
        text += f"; on this way {response_of(study, way['response']).get('title')} changes by "
        unit = unit_text(way["unit"])
        text += f"{_signed(way['change'])}{' percentage points' if unit == '%' else Scale(unit).suffix}{share}"
    return f"{text}."


def _level(study: Study) -> str:
    return f"{float(study['study']['alpha']):g}"


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{significant(float(value), 3)}"


def _opening(study: Study, stamp: str) -> Iterable[Block]:
    for erratum in study["errata"]:
        if not erratum["affects"]:
            yield Paragraph(f"Erratum of the publication: {erratum['title']}. {str(erratum['text']).strip()}")
    if text := _companion(study):
        yield Paragraph(text)
    if text := " ".join(unused(study)):
        yield Paragraph(text, "note")
    if table := _answers(study):
        yield table
        yield Paragraph(NEVER_CHOSEN, "note")
    if drawn := medians_figure(study, stamp):
        yield drawn


def unused(study: Study) -> Iterable[str]:
    """What most often is a slip of the pen: levels that the file does not name, and levels that no run has."""
    for factor in study["factors"]:
        found = [str(row["found"]) for row in study["left_out"]
                 if row["reason"] == "level-not-declared" and row["column"] == factor["name"]]  # fmt: skip
        if found:
            of = f"{factor['name']} ({', '.join(dict.fromkeys(found))})"
            yield f"{len(found)} rows are left out: the study file does not name their level of {of}."
        if empty := [str(level["level"]) for level in factor["levels"] if not level["n"]]:
            yield f"No run that is used has the declared level of {factor['name']}: {', '.join(empty)}."


def _companion(study: Study) -> str:
    """Where the companion's numbers stand, and its largest decrease."""
    if study["companion"] is None:
        return ""
    about = study["companion"]["study"]
    text = f"Beside this study stands its companion, {about['title'] or about['name']} (section {BESIDE})."
    found = [row["there"] for row in study["companion"]["rows"] if row["what"] == "largest" and row["there"]["labels"]]
    widest = max(found, key=lambda there: float(there["value"]), default=None)
    if widest is None:
        return text
    way = " to ".join(widest["labels"])
    return f"{text} Its largest decrease of a median is {fixed(float(widest['value']), 2)}\u00a0%, from {way}."


def _answers(study: Study) -> Table | None:
    """One row for every question: which level is lowest and highest, which pairs differ, the test."""
    rows = tuple(_answer_row(study, question) for question in study["questions"])
    heads = (
        Head("Question", False), Head("Lowest median", False), Head("Highest median", False),
        Head("Pairs that differ", False), Head("Not shown to differ", False), Head("Test", False),
    )  # fmt: skip
    note = "Not shown to differ is not the same as equal: it says that these runs cannot tell the two apart."
    return Table("answers", "Answers", heads, rows, note) if rows else None


def _answer_row(study: Study, question: Study) -> Row:
    better = response_of(study, question["response"]).get("better")
    ordered = sorted(question["levels"], key=lambda level: float(level["median"]["value"]))
    differ, alike, _ = _verdicts(question)
    ends = []
    for level, is_best in ((ordered[0], better == "lower"), (ordered[-1], better == "higher")) if ordered else ():
        value = value_text(level["median"]["value"], level["median"]["unit"])
        ends.append(f"{level['label']}: {value}{' (best)' if is_best and differ else ''}")
    omnibus = question["omnibus"]
    made = refusal(omnibus["refused"]) if omnibus["refused"] else (
        f"{TESTS[omnibus['name']]}, p = {p_text(omnibus['p'])}"
    )  # fmt: skip
    counted = f"{len(differ)} of {len(question['posthoc'])}" if question["posthoc"] else NOTHING
    return Row((str(question["title"]), *(ends or (NOTHING, NOTHING)), counted, "; ".join(alike) or NOTHING, made))


def _verdicts(question: Study) -> tuple[list[str], list[str], list[str]]:
    """Names of the pairs that differ, that are not shown to, and that could not be judged."""
    found: dict[object, list[str]] = {True: [], False: [], None: []}
    for pair in question["posthoc"]:
        found[pair["differ"]].append(f"{pair['first_label']} and {pair['second_label']}")
    return found[True], found[False], found[None]


def _sections(study: Study, stamp: str) -> Iterable[Section | None]:
    for question in study["questions"]:
        yield Section(f"q-{question['name']}", str(question["title"]), tuple(_question(study, question, stamp)))
    yield section_of("correlations", "Correlations", list(_correlations(study, stamp)))
    yield section_of("reductions", "Decreases of medians", list(_reductions(study)))
    yield section_of("pareto", "Pareto front: what no other beats", list(_paretos(study, stamp)))
    yield section_of("published", "Published values and errata", published_blocks(study))
    yield section_of("companion", BESIDE, companion_blocks(study))
    yield section_of(
        "descriptive", "Descriptive tables", [_descriptive(study, table) for table in study["descriptive"]]
    )
    yield section_of("rows", "Rows and exclusions", list(_rows(study)))
    yield section_of("data", "Data, definitions and software", list(_data(study)))


# --- questions


def _question(study: Study, question: Study, stamp: str) -> Iterable[Block]:
    alpha, level = float(study["study"]["alpha"]), _level(study)
    name, where = question["name"], filter_text(study, question["filter"])
    differ, alike, unjudged = _verdicts(question)
    if question["posthoc"]:
        text = f"{len(differ)} of {len(question['posthoc'])} pairs differ (p < {level})."
        text += f" Not shown to differ: {'; '.join(alike)}." if alike else ""
        text += f" Not judged: {'; '.join(unjudged)}." if unjudged else ""
        yield Paragraph(text)
    if where:
        yield Paragraph(f"Only runs with {where}.")
    for caution in question["cautions"]:
        yield Paragraph(_caution(question, caution))
    yield Paragraph(why(**question["declared"]), "note")
    yield from _drawn(values_figure(study, question, stamp))
    yield table_of_tests(f"omnibus-{name}", "The declared test", [("all levels together", _test(question["omnibus"]))])
    if question["posthoc"]:
        yield from _drawn(pairs_figure(question, stamp))
        yield _pairs(question, alpha)
    yield from _relevant(question)
    yield from _assumptions(question, stamp)
    if table := published_table(study, question):
        yield table


def _caution(question: Study, caution: Study) -> str:
    """What no test of this question sees."""
    labels = {level["level"]: str(level["label"]) for level in question["levels"]}
    found = (f"{labels.get(level, level)} ({named(campaigns)})" for level, campaigns in caution["levels"].items())
    return f"{CAUTIONS.get(str(caution['code']), str(caution['code']))} {'; '.join(found)}."


def _pairs(question: Study, alpha: float) -> Table:
    """All pairs by the post-hoc test, in the unit in which they are compared."""
    is_ranks = question["declared"]["test"] == "kruskal"
    heads = pair_heads(RANKS if is_ranks else unit_text(question["scale"]), "z" if is_ranks else "t")
    pairs = question["posthoc"]
    rows = tuple(pair_row(_pair(pair), alpha, labels=(pair["first_label"], pair["second_label"])) for pair in pairs)
    caption = f"All pairs, {POST_HOC[question['posthoc_method']]}: first less second"
    note = "p is adjusted for all pairs; n: runs of the first and of the second."
    return Table(f"pairs-{question['name']}", caption, heads, rows, note, folded=len(rows) > FOLDED_ROWS)


def _relevant(question: Study) -> Iterable[Block]:
    """The pairs against the difference that the study calls relevant."""
    found = question["relevant"]
    if found is None:
        return
    if found["refused"]:
        yield Paragraph(f"Differences below {found['stated']} are declared irrelevant; {refusal(found['refused'])}.")
        return
    unit, margin = unit_text(question["scale"]), value_text(found["margin"]["value"], question["scale"])
    first, pairs = found["reference_label"], found["pairs"]
    of = f" ({found['stated']} of the mean of {first}, the first level)" if first else ""
    alike = [f"{pair['first_label']} and {pair['second_label']}" for pair in pairs if pair["equivalent"]]
    text = f"Differences below {margin}{of} are declared irrelevant. {len(alike)} of {len(pairs)} pairs are shown to "
    yield Paragraph(f"{text}be equivalent within it{': ' if alike else ''}{'; '.join(alike)}.")
    rows = tuple(equivalence_row(pair, (pair["first_label"], pair["second_label"])) for pair in pairs)
    caption = f"Equivalence within ±{margin}, and what these runs can show"
    heads, folded = equivalence_heads(unit, found["power"]), len(rows) > FOLDED_ROWS
    yield Table(f"relevant-{question['name']}", caption, heads, rows, OF_RELEVANCE, folded)


def _assumptions(question: Study, stamp: str) -> Iterable[Block]:
    found = question["assumptions"]
    tests = [(f"normally distributed? {one['label']}", _test(one["test"])) for one in found["shapiro"]]
    tests += [("spread alike?", _test(found["levene"]))] if found["levene"] else []
    if tests:
        caption = "Tests of assumptions: shown, they choose nothing"
        yield table_of_tests(f"assumptions-{question['name']}", caption, tests, folded=True)
    yield from _drawn(quantiles_figure(question, stamp))


def _test(raw: Study) -> Test:
    return decoded(Test, raw, "study.json")


def _pair(raw: Study) -> Pair:
    return decoded(Pair, {spec.name: raw[spec.name] for spec in fields(Pair)}, "study.json")


def _drawn(figure: Figure | None) -> Iterable[Figure]:
    return (figure,) if figure else ()


# --- correlations, reductions, Pareto fronts


def _correlations(study: Study, stamp: str) -> Iterable[Block]:
    if not study["correlations"]:
        return
    yield from _drawn(correlations_figure(study, stamp))
    tests = []
    for one in study["correlations"]:
        sided = {"greater": ", one-sided (> 0)", "less": ", one-sided (< 0)"}.get(str(one["alternative"]), "")
        held = f", {named(one['controls'])} held constant" if one["controls"] else ""
        medians = one["medians"]
        tests += [(f"{_plain(one)}: all runs{held}{sided}", _test(one["run_level"])),
                  (f"medians of {len(medians['groups'])} groups{held}{sided}", _test(medians["test"]))]  # fmt: skip
    yield table_of_tests("correlations-table", "Correlations over all runs, and over the medians of groups", tests)
    yield Paragraph(SAME_RUNS)
    for one in study["correlations"]:
        yield Paragraph(_both_levels(one))
        if table := published_table(study, one):
            yield table


def _plain(one: Study) -> str:
    """Its title before a colon."""
    return str(one["title"]).rstrip("?")


def _both_levels(one: Study) -> str:
    """What runs and medians say of one correlation."""
    run_level, medians = one["run_level"], one["medians"]
    said = f"{_plain(one)}: {_coefficient(run_level)} over {sum(run_level['n'])} runs, "
    return f"{said}{_coefficient(medians['test'])} over the medians of {len(medians['groups'])} groups."


def _coefficient(test: Study) -> str:
    if test["refused"]:
        return refusal(test["refused"])
    effect = test["effect"]
    symbol = "ρ" if test["name"] == "spearman" else "r"
    return f"{symbol} = {statistic_text(effect['value'] if effect else None)} (p = {p_text(test['p'])})"


def _reductions(study: Study) -> Iterable[Block]:
    for one in study["reductions"]:
        if one["refused"]:
            yield Paragraph(f"{one['title']}: {refusal(one['refused'])}.")
            continue
        rows = tuple(
            Row((str(way["from"]["label"]), str(way["to"]["label"]), fixed(float(way["percent"]), 2),
                 significant(float(way["factor"]), 4)))
            for way in one["decreases"]
        )  # fmt: skip
        heads = (Head("From", False), Head("To", False), Head("Decrease / %"), Head("Times less"))
        where, note = filter_text(study, one["filter"]), _largest(study, one)
        if len(rows) > 1:
            note += f" The smallest is {fixed(float(one['smallest']['percent']), 2)}\u00a0%, to "
            note += f"{one['smallest']['to']['label']}."
        note += f" Only runs with {where}." if where else ""
        yield Table(f"decreases-{one['name']}", str(one["title"]), heads, rows, note)
        if table := published_table(study, one):
            yield table


def _paretos(study: Study, stamp: str) -> Iterable[Block]:
    for part in study["pareto"]:
        yield from _drawn(pareto_figure(study, part, stamp))
        titles = [response_of(study, part[axis]) for axis in ("x", "y")]
        heads = (
            Head("Combination", False), Head("Runs"),
            *(Head(Scale(unit_text(one.get("unit"))).axis(str(one.get("title")))) for one in titles),
            Head("Judgement", False),
        )  # fmt: skip
        rows = tuple(
            Row((str(point["label"]), str(point["n"]), value_text(point["x"]), value_text(point["y"]),
                 "on the front" if point["on_front"] else f"beaten by {point['dominated_by']}"))
            for point in part["points"]
        )  # fmt: skip
        caption = f"{part['title']}: medians, {named(_aims(part, titles))}"
        yield Table(f"pareto-{part['name']}", caption, heads, rows)


def _aims(part: Study, titles: Sequence[Study]) -> list[str]:
    pairs = zip(titles, (part["better"]["x"], part["better"]["y"]), strict=True)
    return [f"{better} {one.get('title')} is better" for one, better in pairs]


# --- data


def filter_text(study: Study, rules: Sequence[Study]) -> str:
    """Which rows a part uses, in words; empty where it uses all."""
    factors = {factor["name"]: factor for factor in study["factors"]}
    parts = []
    for rule in rules:
        column = str(rule["column"])
        if "levels" in rule:
            factor = factors.get(column)
            labels = {level["level"]: str(level["label"]) for level in factor["levels"]} if factor else {}
            name = str(factor["title"] or column) if factor else column
            parts.append(f"{name}: {named(labels.get(level, str(level)) for level in rule['levels'])}")
            continue
        response = response_of(study, column)
        name, unit = str(response.get("title") or column), response.get("unit")
        parts += [f"{name} {word} {value_text(rule[word], unit)}" for word in ("above", "below") if word in rule]
    return "; ".join(parts)


def _descriptive(study: Study, table: Study) -> Table:
    response = response_of(study, table["response"])
    scale = Scale(unit_text(table["unit"]))
    heads = (
        Head("Runs of", False), Head("n"), Head("Median"), Head("Mean, 95 % interval"), Head("by", False), Head("SD"),
        Head("CV, 95 % interval"), Head("Least"), Head("Greatest"),
    )  # fmt: skip
    rows = []
    for cell in table["cells"]:
        variation = cell["cv"]
        is_constant = spread(cell["mean"], Scale("")) == "0"
        cv = NOTHING if variation is None or is_constant else interval_text(variation["value"], variation["interval"])
        extremes = (value_text(cell[key]["value"]) for key in ("least", "greatest"))
        interval = cell["mean_interval"]
        ends = [interval["low"], interval["high"]] if interval else None
        mean = interval_text(cell["mean"]["value"], ends) if ends else bare(cell["mean"], Scale(""))
        rows.append(Row((str(cell["label"] or "all runs"), str(cell["n"]), value_text(cell["median"]["value"]), mean,
                         INTERVALS[interval["method"]] if interval else NOTHING, spread(cell["mean"], Scale("")), cv,
                         *extremes)))  # fmt: skip
    made = study["bootstrap"]
    note = "The interval of the mean holds the spread over the runs only, nothing of a meter. It is Student's t; of "
    note += f"{made['least']} to {made['most']} runs BCa, a bootstrap of {made['samples']} samples (seed "
    note += f"{made['seed']}). CV: SD over mean."
    return Table(f"descriptive-{table['response']}", scale.axis(str(response.get("title"))), heads, tuple(rows), note,
                 folded=True)  # fmt: skip


def _rows(study: Study) -> Iterable[Block]:
    counts = study["rows"]
    yield Paragraph(
        f"{counts['read']} rows were read, {counts['left_out']} could not be used, {counts['excluded']} were excluded "
        f"by rules, {counts['used']} enter the analysis."
    )
    rules = tuple(_rule(study, rule) for rule in study["exclusions"])
    if rules:
        heads = (Head("Reason", False), Head("Among", False), Head("Rule", False), Head("Rows"), Head("Lines", False))
        yield Table("exclusions", "Rules of exclusion, in their order", heads, rules)
    rows = tuple(_left_out(study, row) for row in study["left_out"][:MOST_ROWS])
    if rows:
        not_used = (Head("Line"), Head("Of", False), Head("Why", False), Head("Found", False))
        caption = f"Rows that cannot be used ({len(study['left_out'])})"
        note = f"The first {MOST_ROWS}; all of them stand in study.json." if len(study["left_out"]) > MOST_ROWS else ""
        yield Table("left-out", caption, not_used, rows, note, folded=len(rows) > FOLDED_ROWS)


def _left_out(study: Study, row: Study) -> Row:
    titles = {one["name"]: str(one["title"] or one["name"]) for key in ("responses", "factors") for one in study[key]}
    title = titles.get(row["column"], row["column"])
    why_not = LEFT_OUT.get(str(row["reason"]), str(row["reason"])) + (f" ({title})" if title else "")
    return Row((str(row["line"]), str(row["source"]), why_not, str(row["found"] or NOTHING)))


def _rule(study: Study, rule: Study) -> Row:
    drop = rule["drop"]
    by = response_of(study, drop["by"]).get("title", drop["by"]) if drop else ""
    made = f"the {'one' if drop['n'] == 1 else drop['n']} with the {drop['which']} {by}" if drop else "all"
    lines = ", ".join(str(row["line"]) for row in rule["rows"])
    return Row((str(rule["reason"]), filter_text(study, rule["filter"]) or "all rows", made, str(rule["n"]), lines))


def _data(study: Study) -> Iterable[Block]:
    about, software = study["study"], study["software"]
    if about["design"]:
        yield Paragraph(f"Design: {about['design']}")
    yield Facts("Sources", tuple((str(one["name"]), _source(one)) for one in study["sources"]))
    yield Table("responses", "Responses: what was compared", (
        Head("Response", False), Head("Formula", False), Head("Unit", False), Head("Better", False), Head("Runs"),
    ), tuple(_response(one) for one in study["responses"]))  # fmt: skip
    levels = ((factor, level) for factor in study["factors"] for level in factor["levels"])
    rows = tuple(
        Row((str(factor["title"] or factor["name"]), str(level["label"]), str(level["level"]), str(level["n"])))
        for factor, level in levels
    )
    factor_heads = (Head("Factor", False), Head("Level", False), Head("As in the table", False), Head("Runs used"))
    yield Table("factors", "Factors and their levels", factor_heads, rows, folded=len(rows) > FOLDED_ROWS)
    dirty = ", with uncommitted changes" if software.get("dirty") else ""
    version, commit = (str(software.get(key) or NOTHING) for key in ("version", "commit"))
    yield Facts("Software", (
        ("Computed with", f"wattlab {version}, commit {commit}{dirty}"),
        ("R", str(software.get("r") or NOTHING)), ("Made by", "wattlab study FILE --into FOLDER"),
        ("Check the seal, recompute every number", "wattlab verify FOLDER"),
        ("Schema of study.json", str(study["schema"])),
    ))  # fmt: skip


def _source(one: Study) -> str:
    """Where the runs come from, in one line."""
    what = "head of the campaign's log" if one["kind"] == "campaign" else "SHA-256"
    parts = [
        f"{one['kind']}, {one['n_rows']} rows, origin of the readings: {ORIGINS.get(one['origin'], one['origin'])}"
    ]
    parts += [str(one["note"])] if one["note"] else []
    parts += [f"invalid findings: {named(one['findings'])}"] if one["findings"] else []
    return "; ".join([*parts, f"{what} {one['sha256']}"])


def _response(one: Study) -> Row:
    unit = unit_text(one["unit"]) or "1"
    if one["unit_as_published"]:
        unit += f" (published as {unit_text(one['unit_as_published'])})"
    words = {"lower": "lower", "higher": "higher"}
    return Row((str(one["title"] or one["name"]), str(one["formula"]), unit, words.get(one["better"], NOTHING),
                str(one["n"])))  # fmt: skip


def _colophon(study: Study) -> Iterable[str]:
    yield f"Every number of this page stands in study.json (schema {study['schema']}) beside it."
    yield "Computed by wattlab from the study file and the table in this folder; the folder's seal names every file."
