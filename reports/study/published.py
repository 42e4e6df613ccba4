"""What a publication prints, beside ours: does our number, written with as many digits, give theirs?

Knows study.json's shape and the study file's `published` tables. Computes no statistic.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext

from harness.record.documents import Json
from reports.study.file import (
    Erratum,
    PublishedCorrelation,
    PublishedReduction,
    PublishedTest,
    StudyFile,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One statistic of a study: of which part, what it is, of which levels, its value (None: refused) and unit."""

    of: str
    what: str
    labels: tuple[str, ...]
    value: float | str | None
    unit: str


def figures(study: Json) -> Iterator[Figure]:
    """Every statistic that can be compared: with a publication, or with another study."""
    for question in study["questions"]:
        yield from _of_question(question)
    for one in study["correlations"]:
        for level, test in (("", one["run_level"]), ("medians.", one["medians"]["test"])):
            effect = test["effect"] or {"value": test["statistic"]}
            yield Figure(one["name"], f"{level}coefficient", (), effect["value"], "1")
            yield Figure(one["name"], f"{level}p", (), test["p"], "1")
    for one in study["reductions"]:
        for what in ("smallest", "largest"):
            if one[what] is not None:
                labels = (one[what]["from"]["label"], one[what]["to"]["label"])
                yield Figure(one["name"], what, labels, one[what]["percent"], "%")
        if one["overall"] is not None:
            yield Figure(one["name"], "factor", (), one["overall"]["factor"], "1")
            for way in one["overall"]["beside"]:
                yield Figure(one["name"], f"beside.{way['response']}", (), way["change"], way["unit"])


def _of_question(question: Json) -> Iterator[Figure]:
    of, found = question["name"], question["assumptions"]
    for one in found["shapiro"]:
        for what in ("statistic", "p"):
            yield Figure(of, f"shapiro.{one['level']}.{what}", (one["label"],), one["test"][what], "1")
    for what in ("statistic", "p") if found["levene"] else ():
        yield Figure(of, f"levene.{what}", (), found["levene"][what], "1")
    omnibus = question["omnibus"]
    for what in ("statistic", "p"):
        yield Figure(of, f"omnibus.{what}", (), omnibus[what], "1")
    yield Figure(of, "effect", (), omnibus["effect"]["value"] if omnibus["effect"] else None, "1")
    for level in question["levels"]:
        median = level["median"]
        yield Figure(of, f"median.{level['level']}", (level["label"],), median["value"], median["unit"])
    for pair in question["posthoc"]:
        verdict = None if pair["differ"] is None else "different" if pair["differ"] else "equal"
        labels = (pair["first_label"], pair["second_label"])
        yield Figure(of, pair_key(pair["first"], pair["second"]), labels, verdict, "")


def pair_key(first: str, second: str) -> str:
    """How the verdict on a pair of levels is called, whichever stands first."""
    return "pair." + " | ".join(sorted((first, second)))


def compare_published(study: Json, declared: StudyFile) -> None:
    """Fill the `published` lists of a study's parts."""
    ours = {(figure.of, figure.what): figure for figure in figures(study)}
    for table in ("questions", "correlations", "reductions"):
        for part in study[table]:
            printed = getattr(declared, table)[part["name"]].published
            if printed is not None:
                claims = _claims(printed, part)
                part["published"] = [
                    _comparison(
                        ours.get((part["name"], what)), part["name"], what, text, printed.place, declared.errata
                    )
                    for what, text in claims.items()
                ]


def _claims(printed: PublishedTest | PublishedCorrelation | PublishedReduction, part: Json) -> dict[str, str]:
    """What is printed, by the names of `figures`."""
    if isinstance(printed, PublishedCorrelation):
        claims = {"coefficient": printed.coefficient, "p": printed.p}
    elif isinstance(printed, PublishedReduction):
        claims = {"smallest": printed.smallest, "largest": printed.largest, "factor": printed.factor}
        claims |= {f"beside.{response}": text for response, text in printed.beside.items()}
    else:
        claims = {}
        for level, texts in printed.shapiro.items():
            claims |= _both(f"shapiro.{level}", texts)
        claims |= _both("levene", printed.levene) | _both("omnibus", printed.omnibus) | {"effect": printed.effect}
        claims |= {f"median.{level}": text for level, text in printed.medians.items()}
        if printed.equal is not None:
            equal = {pair_key(*pair) for pair in printed.equal}
            for pair in part["posthoc"]:
                key = pair_key(pair["first"], pair["second"])
                claims[key] = "equal" if key in equal else "different"
    return {what: text for what, text in claims.items() if text}


def _both(name: str, texts: Sequence[str]) -> dict[str, str]:
    return dict(zip((f"{name}.statistic", f"{name}.p"), texts, strict=False))


def _comparison(figure: Figure | None, of: str, what: str, printed: str, place: str, errata: Sequence[Erratum]) -> Json:
    value = None if figure is None else figure.value
    how = None if value is None else agreement(value, printed)
    explained = [i for i, e in enumerate(errata) if of in e.affects or f"{of}.{what}" in e.affects]
    return {
        "of": of, "what": what, "labels": list(figure.labels) if figure else [], "place": place, "printed": printed,
        "value": value, "unit": figure.unit if figure else "", "agrees": how is not None, "how": how,
        "erratum": explained[0] if explained and how is None else None,
    }  # fmt: skip


def agreement(value: float | str, printed: str) -> str | None:
    """`rounded` or `cut-off` where our value, written with as many digits, gives the printed text; `verdict` where
    both say the same of a pair; else None."""
    if isinstance(value, str):
        return "verdict" if value == printed else None
    theirs = Decimal(printed)
    quantum = Decimal((0, (1,), int(theirs.as_tuple().exponent)))
    with localcontext() as context:
        context.prec = 400
        ours = Decimal(repr(value))
        for how, rounding in (("rounded", ROUND_HALF_UP), ("cut-off", ROUND_DOWN)):
            if ours.quantize(quantum, rounding=rounding) == theirs:
                return how
    return None


def tally(study: Json) -> Json:
    """How many printed values there are, how many ours give, how many an erratum explains, how many differ."""
    everyone = [
        one
        for table in ("questions", "correlations", "reductions")
        for part in study[table]
        for one in part["published"]
    ]
    agree = sum(one["agrees"] for one in everyone)
    explained = sum(one["erratum"] is not None for one in everyone)
    return {"n": len(everyone), "agree": agree, "explained": explained, "differ": len(everyone) - agree - explained}


def beside(study: Json, other: Json) -> list[Json]:
    """Every statistic that two studies have under the same name, with what is printed of each."""
    titles = {
        part["name"]: part["title"] for part in (*study["questions"], *study["correlations"], *study["reductions"])
    }
    here, there = _by_name(study), _by_name(other)
    return [
        {"of": of, "what": what, "title": titles[of], "labels": row["labels"], "here": row, "there": there[of, what]}
        for (of, what), row in here.items()
        if (of, what) in there
    ]


def _by_name(study: Json) -> Mapping[tuple[str, str], Json]:
    printed = {
        (one["of"], one["what"]): one
        for table in ("questions", "correlations", "reductions")
        for part in study[table]
        for one in part["published"]
    }
    found = {}
    for figure in figures(study):
        claim = printed.get((figure.of, figure.what), {"printed": None, "agrees": None})
        found[figure.of, figure.what] = {
            "labels": list(figure.labels), "value": figure.value, "unit": figure.unit, "printed": claim["printed"],
            "agrees": claim["agrees"],
        }  # fmt: skip
    return found
