"""What a comparison says in sentences: one for every pair of sides.

Knows the record of a comparison in the units of its page. Knows no table and no figure.
"""

from dataclasses import replace

from reports.pages.comparison.words import IMPORTED, margin_in_words, reason_in_words
from reports.pages.document import STAMPS
from reports.pages.lookup import words
from reports.pages.numbers import NOTHING, page_scale, quantity, significant
from reports.results.compared_pair import ComparedPair, PairQuantity
from reports.results.comparison import ComparedSet, Comparison
from reports.results.uncertainty import Number

FEW_STATEMENTS = 2
"""So many answer the page's question; of more there is a summary, and each stands below."""


def statements(document: Comparison) -> list[str]:
    """One statement for every pair of every set, and what the whole lacks."""
    sentences = [_statement(document, of_set, pair) for of_set in document.sets for pair in of_set.pairs]
    if document.options.margin is None:
        sentences.append("No margin was stated, so nothing is said about equality (--margin).")
    return sentences


def answer(document: Comparison) -> str:
    """The statements where they are few, else what they come to."""
    sentences = statements(document)
    if len(sentences) <= FEW_STATEMENTS:
        return " ".join(sentences)
    verdicts = [pair.quantities[pair.headline].verdict for of_set in document.sets for pair in of_set.pairs]
    shown = [verdict for verdict in verdicts if verdict in ("less", "more")]
    return f"Of {len(verdicts)} comparisons {len(shown) or 'none'} showed a difference."


def mark(document: Comparison) -> str:
    """The sentence on readings that are no measurement of this lab; empty where they are one."""
    return IMPORTED if document.origin == "imported" else STAMPS.get(document.origin, ("", ""))[1]


def _statement(document: Comparison, of_set: ComparedSet, pair: ComparedPair) -> str:
    part, what = pair.quantities[pair.headline], words(pair.headline).lower()
    first, second = of_set.sides_of(pair)
    where = f"{of_set.name}: " if of_set.name else ""
    if part.difference is None:
        return f"{where}{second.label} and {first.label} cannot be compared: {reason_in_words(part.reason)}."
    if part.verdict == "too-few":
        runs = f"the samples are too few ({first.n_runs} and {second.n_runs} runs)"
        why = runs if part.reason == "too-few-runs" else reason_in_words(part.reason)
        nothing = f"{where}{'nothing' if where else 'Nothing'} can be said of the {what} of"
        return f"{nothing} {second.label} against {first.label}: {why}."
    if part.verdict in ("less", "more"):
        used = "would have used" if document.origin == "emulated" else "used"
        by = _by(part.relative or part.difference, -1 if part.verdict == "less" else 1)
        sentence = f"{where}{second.label} {used} {by} {part.verdict} {what} per run than {first.label}"
        return f"{sentence} (95 %, type B included).{_equality(document, part)}"
    none = f"{where}{'no' if where else 'No'} difference in {what} was shown between {second.label} and {first.label}"
    return f"{none}; {_excluded(document, part, first.label)}.{_equality(document, part)}"


def _excluded(document: Comparison, part: PairQuantity, reference: str) -> str:
    scale, size, share = page_scale(document, part.unit), part.not_excluded, part.not_excluded_percent
    limit = NOTHING if size is None else significant(size * scale.factor, 3) + scale.suffix
    of = "" if share is None else f" ({significant(share, 2)} % of {reference})"
    return f"differences above {limit}{of} are excluded"


def _by(difference: Number, sign: int) -> str:
    """A difference without its sign."""
    return quantity(replace(difference, estimate=replace(difference.estimate, value=sign * difference.value)))


def _equality(document: Comparison, part: PairQuantity) -> str:
    margin, test = document.options.margin, part.equivalence
    if margin is None or test is None:
        return ""
    if test.equivalent is None:
        return f" No verdict on equality: {reason_in_words(test.reason)}."
    within = f"within the stated margin of {margin_in_words(document, margin)}"
    return f" They are equivalent {within}." if test.equivalent else f" They were not shown to be equivalent {within}."
