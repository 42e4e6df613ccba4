"""What a publication prints beside ours, its errata, and a companion study beside this one.

Knows the Comparisons of study.json and the words for what is compared. Computes nothing: whether a number agrees was
decided by reports/study/published.py.
"""

from collections.abc import Iterable, Sequence

from reports.pages.blocks import Block, Facts, Head, Paragraph, Row, Table
from reports.pages.numbers import NOTHING, fixed, is_finite
from reports.pages.statistics_tables import p_text, statistic_text
from reports.pages.study_figures import Study, unit_text, value_text

HEADS = (
    Head("What", False), Head("Printed"), Head("Computed here"), Head("Judgement", False), Head("Printed where", False),
)  # fmt: skip
AGREES = {"rounded": "agrees", "cut-off": "agrees (cut off, not rounded)", "verdict": "agrees"}
ASSUMPTIONS = ("shapiro", "levene")


def published_table(study: Study, part: Study) -> Table | None:
    """What is printed of one question, correlation or reduction, folded; those that differ stand together elsewhere."""
    rows = tuple(_row(study, one) for one in part["published"])
    if not rows:
        return None
    differing = sum(not one["agrees"] for one in part["published"])
    found = f"{len(rows) - differing} of {len(rows)} agree to the printed digits"
    found += f", {differing} differ (see Published values and errata)" if differing else ""
    return Table(f"published-{part['name']}", f"Published values beside ours: {found}", HEADS, rows, folded=True)


def published_blocks(study: Study) -> list[Block]:
    """How many printed values agree, every one that does not, and the errata."""
    counts, errata = study["published"], study["errata"]
    blocks: list[Block] = []
    if counts["n"]:
        text = f"{counts['n']} published values were compared: {counts['agree']} agree to the printed digits, "
        text += f"{counts['explained']} differ and an erratum explains them, {counts['differ']} differ unexplained."
        blocks.append(Paragraph(text))
    parts = {one["name"]: one for key in ("questions", "correlations", "reductions") for one in study[key]}
    differing = [one for part in parts.values() for one in part["published"] if not one["agrees"]]
    if differing:
        rows = tuple(_row(study, one, f"{parts[one['of']]['title']} · ") for one in differing)
        blocks.append(Table("differing", "Published values that differ from ours", HEADS, rows))
    if errata:
        items = tuple((f"{index}. {one['title']}", _erratum(one)) for index, one in enumerate(errata, 1))
        blocks.append(Facts("Errata of the publication", items))
    return blocks


def _erratum(one: Study) -> str:
    both = f" Printed: {one['printed']}; right: {one['corrected']}." if one["printed"] and one["corrected"] else ""
    return f"{str(one['text']).strip()}{both}"


def _row(study: Study, one: Study, title: str = "") -> Row:
    what = f"{title}{_what(study, str(one['what']), one['labels'])}"
    shown = _value(str(one["what"]), one["value"], one["unit"])
    return Row((what, _printed(one["printed"]), shown, _judgement(one), str(one["place"])))


def _printed(text: object) -> str:
    return {"equal": "do not differ", "different": "differ"}.get(str(text), str(text))


def _judgement(one: Study) -> str:
    if one["agrees"]:
        return AGREES.get(str(one["how"]), "agrees")
    if one["erratum"] is not None:
        return f"differs, see erratum {int(one['erratum']) + 1}"
    return "differs" if one["value"] is not None else "not computed here"


def _what(study: Study, what: str, labels: Sequence[str]) -> str:
    """A key such as `shapiro.vgg16.p` in words."""
    head, _, rest = what.partition(".")
    kind = "p" if what == "p" or what.endswith(".p") else "statistic"
    of = f" of {labels[0]}" if labels else ""
    titles = {response["name"]: response["title"] for response in study["responses"]}
    words = {
        "shapiro": f"Shapiro-Wilk{of}, {'W' if kind == 'statistic' else 'p'}",
        "levene": f"Levene, {'F' if kind == 'statistic' else 'p'}",
        "omnibus": f"test, {kind}",
        "effect": "effect size",
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


def _value(what: str, value: object, unit: object) -> str:
    if isinstance(value, str):
        return _printed(value)
    if not isinstance(value, int | float) or not is_finite(value):
        return NOTHING
    if what == "p" or what.endswith(".p"):
        return p_text(value)
    if unit == "%":
        return f"{fixed(float(value), 2)}\u202f%"
    return value_text(value, unit) if unit_text(unit) else statistic_text(value)


def companion_blocks(study: Study) -> list[Block]:
    """Another study with the same questions beside this one: what differs, and all of it folded."""
    companion = study["companion"]
    if companion is None:
        return []
    here, there = (one["study"]["title"] or one["study"]["name"] for one in (study, companion))
    heads = tuple(
        Head(text, numeric=False) for text in ("Question", "What", "Here", "There", "Printed here", "Printed there")
    )
    rows, decisive = companion["rows"], [row for row in companion["rows"] if _is_decisive(row)]
    intro = f"Here: {here}. There: {there}. {companion['study']['citation']}"
    note = "Left out: tests of assumptions, and what is the same in both."
    first = Table("companion-table", "What differs between both studies", heads, tuple(_beside(study, decisive)), note)
    everything = f"Every statistic of both studies ({len(rows)})"
    return [
        Paragraph(intro),
        first,
        Table("companion-all", everything, heads, tuple(_beside(study, rows)), folded=True),
    ]


def _is_decisive(row: Study) -> bool:
    """Whether a row says something of the answer: no test of assumptions, nothing that is the same in both."""
    head = str(row["what"]).partition(".")[0]
    return head not in ASSUMPTIONS and row["here"]["value"] != row["there"]["value"]


def _beside(study: Study, rows: Sequence[Study]) -> Iterable[Row]:
    last = ""
    for row in rows:
        title, last = ("" if row["title"] == last else str(row["title"])), str(row["title"])
        shown = (_side(str(row["what"]), row[side]) for side in ("here", "there"))
        printed = (_printed(row[side]["printed"] or NOTHING) for side in ("here", "there"))
        yield Row((title, _what(study, str(row["what"]), row["labels"]), *shown, *printed))


def _side(what: str, side: Study) -> str:
    way = f" ({' → '.join(side['labels'])})" if what in ("smallest", "largest") and side["labels"] else ""
    return _value(what, side["value"], side["unit"]) + way
