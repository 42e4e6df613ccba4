"""View model of a comparison: comparison.json -> statements, tables, figures, and what each of them rests on.

Knows comparison.json (docs/comparing.md) and the blocks of a page. Knows no campaign, no run folder, computes nothing.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from reports.figures import campaign as figures
from reports.figures import statistics as statistics_figures
from reports.figures.campaign import Strip, StripPanel
from reports.figures.sheet import Labelled
from reports.figures.statistics import IntervalPanel, Stretch
from reports.pages.blocks import Block, Card, Facts, Figure, Head, Paragraph, Row, Section, Table
from reports.pages.document import STAMPS, DocumentPage, document_page, section_of
from reports.pages.lookup import Results, words
from reports.pages.numbers import (
    NOTHING,
    Number,
    Scale,
    bare,
    fixed,
    in_page_units,
    page_scale,
    quantity,
    scale_for,
    significant,
)
from reports.pages.statistics_tables import p_text
from reports.pages.tables import as_text, kind_in_words

Part = Mapping[str, Any]
PLAIN = ("energy_wh", "induced_energy_wh", "duration_s")
VERDICTS = {"less": "less", "more": "more", "not-shown": "no difference shown", "too-few": "too few runs"}
DESIGNS = {
    "paired-by-repetition": "paired by repetition: the order of the scenarios was drawn in randomised complete blocks, "
    "and both runs of a block have the same seed, so what a block shares (drift of the machine, seed) falls out",
    "independent-campaigns": "independent runs: the sides are of different campaigns",
    "independent-not-blocked": "independent runs: the campaign's design (lab.toml) declares no randomised complete "
    "blocks",
    "independent-few-blocks": "independent runs: fewer than ten blocks, of which pairs would have too few degrees of "
    "freedom; what a block shares makes the interval wider than it need be, never too narrow",
    "independent-incomplete-blocks": "independent runs: not every repetition has a run of both sides in the means",
    "independent-other-seeds": "independent runs: the runs of a repetition have different seeds",
}
REASONS = {
    "too-few-runs": "fewer than three runs on a side: no interval holds what it promises",
    "no-spread": "the runs of both sides do not differ at all, so they say nothing of their spread",
    "baseline-spread-unknown": "fewer than two baseline blocks: the baseline's uncertainty is not known",
    "no-baseline": "a side has no baseline, so it has no induced energy",
    "induced-not-told-from-zero": "the induced energy of a side cannot be told from zero",
    "work-not-in-every-run": "not every run says how much work it did",
    "reference-not-told-from-zero": "the reference cannot be told from zero, so no share of it is a margin; "
    "state the margin as an energy (--margin 0.1Wh)",
    "ranks-cannot-hold-the-baseline": "all runs of a side share their baseline's error, which ranks cannot hold",
    "not-every-run-has-a-value": "not every run has a value",
    "other-sut": "the sides were measured on different machines; these values say something of software only on one",
    "no-timeliness-function": "needs a timeliness function: --timeliness 60s:90%,120s:100%",
    "no-timely-task": "the reference has no task in time",
    "equal-values": "all values are equal",
}
TESTS = {"welch": "Welch's t", "paired-t": "paired t", "kruskal-wallis": "Kruskal-Wallis", "rank": "Kruskal-Wallis"}
SOURCES = {
    "runs": "spread of the runs", "baseline": "spread of the baseline blocks", "gain": "meter: part of the reading",
    "assumed": "meter: assumed, nobody states its limits",
    "offset": "meter: part of the range", "certificate": "meter: certificate",
    "stability": "meter: drift since certificate",
    "reported": "meter: as it states", "resolution": "meter: resolution", "edges": "load steps at the edges",
    "clock": "clocks", "gaps": "gaps", "stamp-convention": "convention of the stamps",
    "observer": "agent on the machine",
}  # fmt: skip
KINDS = {
    "work": "work", "seeds": "seeds", "machine": "machine", "software": "software", "instrument": "instrument",
}  # fmt: skip
EFFICIENCY = {
    "I_TH": "I_TH, throughput", "I_ME": "I_ME, mean execution time", "I_TI": "I_TI, timely throughput",
    "I_EN": "I_EN, energy per task",
}  # fmt: skip
U_NOTE = (
    "U at 95 % holds the spread of runs and baselines (type A) and what is known of meters and clocks (type B). What "
    "both sides share cancels: one meter's errors within one session and range, its gain and certificate between "
    "sessions too; different meters err independently, but what is only assumed of them adds up."
)
SAFE_NOTE = (
    "Degrees of freedom: about a third of Welch's, and never more than runs of equal spread would have. Welch's own "
    "would raise 7 to 15 % false alarms where few runs are skewed and of unequal spread or number, and a few runs "
    "cannot show that they are not; so counted every interval covers at least 93 % up to the skewness of an "
    "exponential distribution."
)
FEW_RUNS = 10
FEW_NOTE = (
    "Of fewer than ten runs a side a difference has few degrees of freedom, so its U is far wider than those of the "
    "sides: more runs narrow it (degrees of freedom: below, with the tests)."
)
P_NOTE = (
    "p is of type A: it says whether the runs differ, nothing of the meters; the complete p belongs to the complete U. "
    "A p above .05 is no evidence of equality; only the equivalence test with a stated margin is. Replicates are runs, "
    "never seconds."
)
INVALID = "{} is of a campaign with the verdict invalid: nothing on this page holds more than that campaign."
ONE_AFTER_THE_OTHER = (
    "Sides were measured one after the other, in different {}: whatever else changed between them (room, updates, "
    "state of the machine) is part of the difference, and no interval on this page holds it. Scenarios of one campaign "
    "in drawn order are free of that."
)
SKEWED = (
    "More skewed than an exponential distribution are the runs of {}. Up to there the intervals were shown to hold "
    "what they promise; here they may hold less."
)
IMPORTED = "A side was measured by another lab and imported; its instrument is what that lab says it is."
NO_MARGIN = (
    "No margin was stated, so there is no verdict on equality: --margin 5% or --margin 0.1Wh states how large a "
    "difference still counts as none."
)
UNBOUNDED = (
    "No interval: the runs are too few or too scattered to bound the quotient, so the value alone shows nothing."
)
LONG_KEYS, FEW_STATEMENTS = 12, 2
ALPHA = 0.05
MOST_JOINED = 3
"""The names of so many campaigns are joined to that of a side."""


def legible(document: Results) -> Results:
    """The document in the units of its page, with sides that many campaigns were joined to called after the first,
    unless they have a name."""
    sets = [{**one, "sides": [{**side, "label": _short(side)} for side in one["sides"]]} for one in document["sets"]]
    return in_page_units({**document, "sets": sets}, "sets")


def _short(side: Part) -> str:
    names = [part["folder"] for part in side["parts"]]
    scenarios = [f"{part['folder']}:{part['scenario']}" for part in side["parts"]]
    joined = next((each for each in (names, scenarios) if "+".join(each) == side["label"]), [])
    return f"{joined[0]} and {len(joined) - 1} more" if len(joined) > MOST_JOINED else str(side["label"])


def comparison_page(document: Results) -> DocumentPage:
    """The page of one comparison."""
    document = legible(document)
    title = "Comparison: " + " and ".join(dict.fromkeys(s["label"] for one in document["sets"] for s in one["sides"]))
    software = document["software"]
    command = command_of(document)
    inputs = document["inputs"]
    return document_page(
        title=title,
        origin=str(document["origin"]),
        identity=_identity(document),
        answer=_answer(document),
        cards=_cards(document),
        opening=_opening(document),
        sections=_sections(document, STAMPS.get(str(document["origin"]), ("", ""))[0]),
        colophon=(
            f"Computed by wattlab {as_text(software.get('version'))} from {len(inputs)} campaigns; again: {command}",
            f"comparison.json, schema {document['schema']}",
        ),
    )


def command_of(document: Results) -> str:
    """What computes the comparison again, where the campaigns lie."""
    options = document["options"]
    labels = options.get("labels") or [""] * len(document["sides"])
    sides = [
        (f"{label}=" if label else "")
        + ",".join(p["folder"] + (f":{p['scenario']}" if p["scenario"] else "") for p in side)
        for side, label in zip(document["sides"], labels, strict=True)
    ]
    extra = [f"--test {options['test']}"] if options["test"] != "welch" else []
    if margin := options["margin"]:
        extra.append(f"--margin {_percent(margin['value']) if margin['unit'] == '1' else str(margin['value']) + 'Wh'}")
    if options["differs"]:
        extra.append(f"--differs {','.join(options['differs'])}")
    if options["timeliness"]:
        steps = ",".join(f"{g:g}s:{_percent(r)}" for g, r in options["timeliness"])
        extra.append(f"--timeliness {steps}")
    return " ".join(["wattlab compare", *map(shlex.quote, sides), *extra])


def mark(document: Results) -> str:
    """The sentence on readings that are no measurement of this lab; empty where they are one."""
    return IMPORTED if document["origin"] == "imported" else STAMPS.get(str(document["origin"]), ("", ""))[1]


def statements(document: Results) -> list[str]:
    """One statement for every pair of every set, and what the whole lacks."""
    found = [_statement(document, one, pair) for one in document["sets"] for pair in one["pairs"]]
    if document["options"]["margin"] is None:
        found.append("No margin was stated, so nothing is said about equality (--margin).")
    return found


def _answer(document: Results) -> str:
    """The statements where they are few, else what they come to; each of them then stands below."""
    said = statements(document)
    if len(said) <= FEW_STATEMENTS:
        return " ".join(said)
    verdicts = [pair["quantities"][pair["headline"]]["verdict"] for one in document["sets"] for pair in one["pairs"]]
    shown = [verdict for verdict in verdicts if verdict in ("less", "more")]
    return f"Of {len(verdicts)} comparisons {len(shown) or 'none'} showed a difference."


def _statement(document: Results, one: Part, pair: Part) -> str:
    name = pair["headline"]
    part, what = pair["quantities"][name], words(name).lower()
    first, second = (one["sides"][pair[key]]["label"] for key in ("first", "second"))
    where = f"{one['name']}: " if one["name"] else ""
    used = "would have used" if document["origin"] == "emulated" else "used"
    if part["difference"] is None:
        return f"{where}{second} and {first} cannot be compared: {_reason(part['reason'])}."
    if part["verdict"] == "too-few":
        runs = " and ".join(str(one["sides"][pair[key]]["n_runs"]) for key in ("first", "second"))
        why = f"the samples are too few ({runs} runs)" if part["reason"] == "too-few-runs" else _reason(part["reason"])
        return (
            f"{where}{'nothing' if where else 'Nothing'} can be said of the {what} of {second} against {first}: {why}."
        )
    sentence = _shown(page_scale(document, part["unit"]), where, part, what, first, second, used)
    return sentence + _equality(part, document["options"]["margin"])


def _shown(scale: Scale, where: str, part: Part, what: str, first: str, second: str, used: str) -> str:
    if part["verdict"] in ("less", "more"):
        sign = -1 if part["verdict"] == "less" else 1
        by = _size(part["relative"], sign) if part["relative"] else _size(part["difference"], sign)
        return f"{where}{second} {used} {by} {part['verdict']} {what} per run than {first} (95 %, type B included)."
    limit = significant(part["not_excluded"] * scale.factor, 3) + scale.suffix
    share = part["not_excluded_percent"]
    of = "" if share is None else f" ({significant(share, 2)} % of {first})"
    none = f"{where}{'no' if where else 'No'} difference in {what} was shown between {second} and {first}"
    return f"{none}; differences above {limit}{of} are excluded."


def _size(number: Number, sign: int) -> str:
    """A difference without its sign."""
    return quantity({**number, "value": sign * number["value"]})


def _equality(part: Part, margin: Part | None) -> str:
    test = part["equivalence"]
    if margin is None or test is None:
        return ""
    if test["equivalent"] is None:
        return f" No verdict on equality: {_reason(test['reason'])}."
    within = f"within the stated margin of {_margin(margin)}"
    return (
        f" They are equivalent {within}." if test["equivalent"] else f" They were not shown to be equivalent {within}."
    )


def _margin(margin: Part) -> str:
    return _percent(margin["value"]).replace("%", "\u202f%") if margin["unit"] == "1" else quantity(margin)


def _percent(share: float) -> str:
    return f"{share:.6%}".rstrip("%").rstrip("0").rstrip(".") + "%"


def _reason(code: object) -> str:
    return REASONS.get(str(code), str(code))


def _identity(document: Results) -> Iterator[str]:
    for entry in document["inputs"]:
        yield f"Campaign {as_text(entry['name'])}, uid {as_text(entry['uid']) or 'none'}, {len(entry['runs'])} runs"
    yield "The first side is the reference: difference = second - first, ratio = second / first."


def _opening(document: Results) -> Iterator[Block]:
    said = statements(document)
    if len(said) > FEW_STATEMENTS:
        yield from (Paragraph(sentence) for sentence in said)
    for one in document["sets"]:
        for side in one["sides"]:
            if "invalid" in side["verdicts"]:
                yield Paragraph(INVALID.format(side["label"]), "note")
    pairs = [pair for one in document["sets"] for pair in one["pairs"]]
    if any(pair["sessions"] == "different" for pair in pairs):
        yield Paragraph(ONE_AFTER_THE_OTHER.format("sessions"), "note")
    elif not all(pair["one_campaign"] for pair in pairs):
        yield Paragraph(ONE_AFTER_THE_OTHER.format("campaigns"), "note")
    if document["origin"] == "imported":
        yield Paragraph(IMPORTED, "note")
    everyone = [side for one in document["sets"] for side in one["sides"]]
    skewed = [f"{s['label']} ({words(n).lower()})" for s in everyone for n in PLAIN if s["quantities"][n]["skewed"]]
    if skewed:
        yield Paragraph(SKEWED.format(", ".join(dict.fromkeys(skewed))), "note")
    lacking = sorted({_lack(side["label"], item) for side in everyone for q in side["quantities"].values()
                      for item in q["missing"]})  # fmt: skip
    if lacking:
        yield Paragraph(f"U is not complete, for this is not known: {'; '.join(lacking)}.", "note")


def _lack(label: str, item: Part) -> str:
    of = f" of {item['meter']}" if item["meter"] else ""
    return f"{label}: {item['what'].replace('-', ' ')}{of}"


def _cards(document: Results) -> Iterator[Card]:
    for one in document["sets"]:
        for style, pair in enumerate(one["pairs"]):
            part = pair["quantities"][pair["headline"]]
            first, second = (one["sides"][pair[key]]["label"] for key in ("first", "second"))
            title = f"{one['name']}: {second} against {first}" if one["name"] else f"{second} against {first}"
            value = _difference(one, pair, pair["headline"]) if part["verdict"] != "too-few" else NOTHING
            claim = f"{words(pair['headline']).lower()}, {VERDICTS.get(str(part['verdict']), _reason(part['reason']))}"
            others = [(n, pair["quantities"][n]) for n in PLAIN if n != pair["headline"]]
            lines = tuple(f"{words(n).lower()}: {_difference(one, pair, n)}" for n, q in others if q["difference"])
            yield Card(title, value, claim, lines, style % 6)


def _difference(one: Part, pair: Part, name: str) -> str:
    """In % of the reference where that is known, else in the unit of the table below."""
    part = pair["quantities"][name]
    both = [one["sides"][pair[key]]["quantities"][name]["number"] for key in ("first", "second")]
    if part["relative"]:
        return quantity(part["relative"])
    return quantity(part["difference"], scale_for([*both, part["difference"]]))


def _sections(document: Results, stamp: str) -> Iterator[Section | None]:
    for number, one in enumerate(document["sets"]):
        anchor = f"s{number}"
        figures_of = (_ratios(document, one, anchor, stamp), _boxes(one, anchor, stamp))
        yield section_of(f"{anchor}-result", _headed(one, "Result"), _result_tables(one, anchor), *figures_of)
        tests = (_test_tables(one, anchor), _equivalence_tables(one, anchor))
        notes = (Paragraph(P_NOTE, "note"), Paragraph(SAFE_NOTE, "note"))
        yield section_of(f"{anchor}-tests", _headed(one, "Tests, effect sizes, equivalence"), *tests, *notes)
        yield section_of(f"{anchor}-iso", _headed(one, "Efficiency values after ISO/IEC 14756"), _iso(one, anchor))
        yield section_of(f"{anchor}-budget", _headed(one, "What the uncertainty is made of"), _budgets(one, anchor))
        yield section_of(
            f"{anchor}-keys", _headed(one, "Are they comparable?"), _pools(one, anchor), _keys(one, anchor)
        )
    yield section_of("evidence", "Evidence", _evidence(document))


def _headed(one: Part, title: str) -> str:
    return f"{title.rstrip('?')}: {one['name']}" if one["name"] else title


def label_of(name: str) -> str:
    """A quantity of comparison.json in words."""
    kind, dot, basis = name.partition(".")
    text = f"{kind_in_words(kind)} ({basis} energy)" if dot else words(name)
    return text[:1].upper() + text[1:]


def short_table(one: Part, pair: Part) -> tuple[str, list[str], list[list[str]]]:
    """Caption, heads and rows of the terminal's table of one pair: the plain quantities."""
    first, second = (one["sides"][pair[key]] for key in ("first", "second"))
    heads = ["", f"first\nn = {first['n_runs']}", f"second\nn = {second['n_runs']}", "difference", "ratio"]
    rows: list[list[str]] = []
    for name in PLAIN:
        part = pair["quantities"][name]
        if part["difference"]:
            numbers = [first["quantities"][name]["number"], second["quantities"][name]["number"], part["difference"]]
            scale = scale_for(numbers)
            cells = [bare(number, scale) for number in numbers]
            rows.append([scale.axis(words(name)), *cells, bare(part["ratio"], Scale(""))])
    name = f"{one['name']}: " if one["name"] else ""
    return f"{name}{second['label']} (second) against {first['label']} (first), value ± U (95 %)", heads, rows


def _result_tables(one: Part, anchor: str) -> list[Block]:
    return [_result_table(one, pair, f"{anchor}-p{place}") for place, pair in enumerate(one["pairs"])]


def _result_table(one: Part, pair: Part, anchor: str) -> Table:
    first, second = (one["sides"][pair[key]] for key in ("first", "second"))
    heads = ("Quantity", f"First: {first['label']}", f"Second: {second['label']}", "Difference", "U, type A alone",
             "Ratio", "95 % interval of the ratio", "Shown")  # fmt: skip
    rows = []
    for name, part in pair["quantities"].items():
        numbers = [first["quantities"][name]["number"], second["quantities"][name]["number"], part["difference"]]
        scale = scale_for(numbers)
        shown = VERDICTS.get(str(part["verdict"]), "") if part["difference"] else _reason(part["reason"])
        named = label_of(name) if "." in name else scale.axis(label_of(name))
        cells = [named, *(bare(number, scale) for number in numbers)]
        rows.append(Row((*cells, _half_width(part["difference_type_a"], scale), bare(part["ratio"], Scale("")),
                         _interval(part["ratio_interval"], 1.0), shown)))  # fmt: skip
    runs = (
        f"Runs: {first['n_runs']} and {second['n_runs']}; excluded: {first['n_excluded']} and {second['n_excluded']}."
    )
    few = f" {FEW_NOTE}" if min(first["n_runs"], second["n_runs"]) < FEW_RUNS else ""
    note = f"{U_NOTE} {runs} Design: {DESIGNS[pair['design']]}. The ratio's interval is Fieller's.{few}"
    columns = tuple(Head(text, numeric=place not in (0, 7)) for place, text in enumerate(heads))
    return Table(f"{anchor}-result-table", f"{second['label']} against {first['label']}", columns, tuple(rows), note)


def _half_width(number: Number | None, scale: Scale) -> str:
    if not number or number["U"] is None:
        return NOTHING
    return f"± {significant(number['U'] * scale.factor, 2)}"


def _interval(ends: Sequence[float] | None, factor: float, digits: int = 4) -> str:
    if not ends:
        return NOTHING
    return " to ".join(significant(end * factor, digits) for end in ends)


def _ratios(document: Results, one: Part, anchor: str, stamp: str) -> Figure | None:
    """Forest plot: the ratio of every quantity of every pair, with the margin."""
    margin = document["options"]["margin"]
    limits = next((test["limits"] for pair in one["pairs"] for q in pair["quantities"].values()
                   if (test := q["equivalence"]) and test["limits"]), None)  # fmt: skip
    band = (limits[0], limits[1]) if limits and margin and margin["unit"] == "1" else None
    panels, spoken = [], []
    for pair in one["pairs"]:
        first, second = (one["sides"][pair[key]]["label"] for key in ("first", "second"))
        stretches = []
        for name, part in pair["quantities"].items():
            if part["ratio"] and part["ratio_interval"]:
                low, high = part["ratio_interval"]
                text = bare(part["ratio"], Scale(""))
                style, hollow = int(name in PLAIN), part["verdict"] == "not-shown"
                stretches.append(Stretch(label_of(name), style, part["ratio"]["value"], low, high, text, hollow))
                spoken.append(f"{label_of(name)} {text}")
        if stretches:
            panels.append(IntervalPanel(f"{second} against {first}", "ratio", stretches, 1.0, band))
    if not panels:
        return None
    caption = "Ratios, second to first, with their 95 % intervals (type B included). Hollow: no difference shown."
    caption += f" Band: the stated margin of {_margin(margin)}." if band and margin else ""
    svg = statistics_figures.intervals(Labelled(f"{anchor}-ratios", caption, "; ".join(spoken), stamp), panels)
    return Figure(f"{anchor}-ratios", caption, Markup(svg))


def _boxes(one: Part, anchor: str, stamp: str) -> Figure | None:
    """Every run of every side: energy, induced energy, duration."""
    panels, spoken = [], []
    for name in PLAIN:
        sides = [(s["label"], s["quantities"][name]) for s in one["sides"] if s["quantities"][name]["number"]]
        if not sides:
            continue
        scale = scale_for([quantity_["number"] for _, quantity_ in sides])
        strips = [
            Strip(label, style, [value * scale.factor for value in part["values"]])
            for style, (label, part) in enumerate(sides)
        ]
        panels.append(StripPanel(words(name), scale.axis(words(name).lower()), strips))
        spoken.append(f"{words(name)}: " + "; ".join(f"{label} {quantity(part['number'])}" for label, part in sides))
    if not panels:
        return None
    caption = "Every run. From five runs on with a box plot: median, quartiles, whiskers to 1.5 interquartile ranges."
    svg = figures.strips(Labelled(f"{anchor}-boxes", caption, ". ".join(spoken), stamp), panels)
    return Figure(f"{anchor}-boxes", caption, Markup(svg))


def _test_tables(one: Part, anchor: str) -> list[Block]:
    return [_test_table(one, pair, f"{anchor}-p{place}") for place, pair in enumerate(one["pairs"])]


def _test_table(one: Part, pair: Part, anchor: str) -> Table:
    first, second = (one["sides"][pair[key]]["label"] for key in ("first", "second"))
    several = len(one["pairs"]) > 1
    tests_of = ("Statistic", "Degrees of freedom", "Welch's", "p", *(("p, Holm",) if several else ()), "p, complete")
    texts = ("Quantity", *tests_of, "Cliff's delta", "Hedges' g")
    rows: list[Row] = []
    notes: set[str] = set()
    names: dict[str, None] = {}
    for name, part in pair["quantities"].items():
        test, effects = part["test"], part["effects"]
        if test is None:
            continue
        names[f"{TESTS[test['name']]}, n = {' and '.join(map(str, test['n']))}"] = None
        statistic = NOTHING if test["statistic"] is None else f"{test['symbol']} = {significant(test['statistic'])}"
        adjusted = (p_text(test["p_adjusted"]),) if several else ()
        numbers = (
            _plain(test["df"]),
            _plain(test["plain_df"]),
            p_text(test["p"]),
            *adjusted,
            p_text(test["p_complete"]),
        )
        shown = test["p"] is not None and test["p"] < ALPHA
        sizes = (_effect(effects["cliffs_delta"], shown=shown), _effect(effects["hedges_g"], shown=shown))
        rows.append(Row((label_of(name), statistic, *numbers, *sizes)))
        notes |= {f"{label_of(name)}: {_reason(code)}" for code in (test["reason"], effects["reason"]) if code}
    heads = tuple(Head(text, numeric=place > 0) for place, text in enumerate(texts))
    caption = f"{second} against {first}: {'; '.join(names)}"
    return Table(f"{anchor}-test-table", caption, heads, tuple(rows), "; ".join(sorted(notes)))


def _plain(value: float | None) -> str:
    return NOTHING if value is None else significant(value, 3)


def _effect(effect: Part | None, *, shown: bool) -> str:
    """A size with its interval; without one, with the word for it where the test shows that it is not nothing."""
    if not effect:
        return NOTHING
    size = significant(effect["value"], 2)
    if effect["interval"]:
        return f"{size} [{_interval(effect['interval'], 1.0, 2)}]"
    return f"{size} ({effect['word']})" if effect["word"] and shown else size


def _equivalence_tables(one: Part, anchor: str) -> list[Block]:
    tables: list[Block] = []
    texts = ("Quantity", "95 % interval", "Margin", "p", "Verdict")
    heads = tuple(Head(text, numeric=place in (1, 2, 3)) for place, text in enumerate(texts))
    note = "Equivalent where the 95 % interval of ratio or difference (Wh) lies within the margin: p below .05."
    for place, pair in enumerate(one["pairs"]):
        first, second = (one["sides"][pair[key]]["label"] for key in ("first", "second"))
        rows = [
            _equivalence_row(label_of(n), q["equivalence"]) for n, q in pair["quantities"].items() if q["equivalence"]
        ]
        if rows:
            caption = f"Equivalence of {second} and {first}"
            tables.append(Table(f"{anchor}-p{place}-equivalence-table", caption, heads, tuple(rows), note))
    return tables or [Paragraph(NO_MARGIN)]


def _equivalence_row(label: str, test: Part) -> Row:
    if test["equivalent"] is None:
        return Row((label, NOTHING, NOTHING, NOTHING, _reason(test["reason"])))
    ends, limits = (_interval(pair, 1.0) for pair in ((test["low"], test["high"]), test["limits"]))
    word = "equivalent" if test["equivalent"] else "not shown to be equivalent"
    return Row((label, ends, limits, p_text(test["p"]), word))


def _iso(one: Part, anchor: str) -> list[Block]:
    rows, notes = [], []
    for pair in one["pairs"]:
        values = pair["iso14756"]
        label = f"{one['sides'][pair['second']]['label']} against {one['sides'][pair['first']]['label']}"
        if values["reason"]:
            notes.append(f"{label}: {_reason(values['reason'])}.")
            continue
        for key, text in EFFICIENCY.items():
            entry = values[key]
            if key == "I_TI":
                shown, ends = (bare(entry, Scale("")), NOTHING) if entry else (_reason(values["I_TI_reason"]), NOTHING)
            else:
                shown, ends = (
                    (bare(entry["number"], Scale("")), _interval(entry["interval"], 1.0))
                    if entry
                    else (NOTHING, NOTHING)
                )
            rows.append(Row((label, text, shown, ends)))
        if any(values[key] and values[key]["interval"] is None for key in ("I_TH", "I_ME", "I_EN")):
            notes.append(UNBOUNDED)
    mapping = Paragraph(
        "Above 1 the second side is the better one. A run is one task of one user who waits for it: with a stop at a "
        "target accuracy the number of epochs is random, so the whole training is rated as one task. Structured after "
        "ISO/IEC 14756."
    )
    heads = tuple(
        Head(text, numeric=place > 1)
        for place, text in enumerate(("Pair", "Value", "Second against first", "95 % interval"))
    )
    table = (
        [Table(f"{anchor}-iso-table", "Efficiency values", heads, tuple(rows), " ".join(dict.fromkeys(notes)))]
        if rows
        else []
    )
    return [mapping, *table] if table else [mapping, Paragraph(" ".join(notes), "note")]


def _budgets(one: Part, anchor: str) -> list[Block]:
    found: list[Block] = []
    for place, pair in enumerate(one["pairs"]):
        name = pair["headline"]
        part = pair["quantities"][name]
        if not part["lines"]:
            continue
        first, second = (one["sides"][pair[key]]["label"] for key in ("first", "second"))
        scale = scale_for([part["difference"]])
        rows = [
            Row((SOURCES.get(line["source"], line["source"]), line["type"], *(significant(line[key] * scale.factor, 3)
                 for key in ("first", "second")), NOTHING if line["rho"] is None else fixed(line["rho"], 2),
                 significant(line["u"] * scale.factor, 3)))
            for line in part["lines"]
        ]  # fmt: skip
        texts = ("Source", "Type", f"in {first} / {scale.unit}", f"in {second} / {scale.unit}", "Correlation",
                 f"in the difference / {scale.unit}")  # fmt: skip
        heads = tuple(Head(text, numeric=at > 1) for at, text in enumerate(texts))
        caption = f"Standard uncertainty of the difference in {words(name).lower()}: {second} against {first}"
        note = (
            "Signed contributions; with correlation 1 only their difference is left, with 0 their root sum of squares."
        )
        found.append(Table(f"{anchor}-p{place}-budget-table", caption, heads, tuple(rows), note))
    return found


def _pools(one: Part, anchor: str) -> Table | None:
    """The campaigns that were joined, beside each other."""
    rows = [
        Row((f"{pair['second']} against {pair['first']}", words(pair["quantity"]), quantity(pair["difference"]),
             VERDICTS[pair["verdict"]]))
        for side in one["sides"] for pair in side["pooled"]
    ]  # fmt: skip
    if not rows:
        return None
    texts = ("Joined campaigns", "Quantity", "Difference", "Shown")
    heads = tuple(Head(text, numeric=place == 2) for place, text in enumerate(texts))
    note = "Pooled runs count as runs of one population: where their campaigns differ, the pooled U is too small."
    return Table(f"{anchor}-pools", "What was pooled", heads, tuple(rows), note)


def _keys(one: Part, anchor: str) -> list[Block]:
    heads = (Head("Key", numeric=False, keep=True), Head("Kind", numeric=False),
             *(Head(side["label"], numeric=False) for side in one["sides"]), Head("", numeric=False))  # fmt: skip
    differing: list[Row] = []
    same: list[Row] = []
    for key in one["keys"]:
        values = [value if value is not None else "not recorded" for value in key["values"]]
        word = "what is compared" if key["declared"] and key["differs"] else "differs" if key["differs"] else ""
        row = Row((key["key"], KINDS[key["kind"]], *values, word))
        (differing if key["differs"] else same).append(row)
    found: list[Block] = []
    if differing:
        note = "What differs beside the thing that is compared may be the cause of a difference."
        found.append(Table(f"{anchor}-differing", "What differs between the sides", heads, tuple(differing), note))
    else:
        found.append(
            Paragraph("Everything that both sides recorded of work, machine, software and instrument is the same.")
        )
    if same:
        folded = len(same) > LONG_KEYS
        found.append(
            Table(f"{anchor}-same", "What is the same, or recorded by one side only", heads, tuple(same), folded=folded)
        )
    return found


def _evidence(document: Results) -> list[Block]:
    items = []
    for entry in document["inputs"]:
        value = f"uid {as_text(entry['uid']) or 'none'}, head of its log {entry['chain_head']}"
        items.append((f"Campaign {as_text(entry['name'])} (folder {entry['folder']})", value))
    rows = [
        Row((entry["folder"], run, digest or "not sealed"))
        for entry in document["inputs"]
        for run, digest in entry["runs"].items()
    ]
    heads = tuple(Head(text, numeric=False) for text in ("Campaign", "Run", "SHA-256 of its manifest"))
    software = document["software"]
    state = ", with uncommitted changes" if software.get("dirty") else ""
    items.append(
        (
            "Compared with",
            f"wattlab {as_text(software.get('version'))}, commit {as_text(software.get('commit'))}{state}",
        )
    )
    items.append(("Again", command_of(document)))
    return [
        Facts("Inputs", tuple(items)),
        Table("manifests", "Every run of the campaigns", heads, tuple(rows), folded=True),
    ]
