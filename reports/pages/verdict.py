"""The verdict in words: its sentence, its reasons, the decision about a stated limit.

Knows the verdict of results.json and the sentences. Judges nothing.
"""

from collections.abc import Iterable

from reports.pages.blocks import Reason, finding_anchor
from reports.pages.lookup import run_names, words
from reports.pages.numbers import energy_like, quantity
from reports.pages.remarks import named_subjects, remarks, severity_in_words
from reports.pages.sentences import VERDICTS
from reports.results.document import Results
from reports.results.finding_kinds import kind_of
from reports.results.verdict import Decision

REASONS_SAID = 3
"""On the terminal; the page lists all of them."""


def verdict_in_words(word: str) -> str:
    """A verdict of results.json as it is printed."""
    return VERDICTS[word].meaning if word in VERDICTS else word


def verdict_head(results: Results) -> str:
    """The verdict in one short sentence."""
    return f"Verdict: {verdict_in_words(results.verdict.word)}."


def verdict_says(results: Results) -> str:
    """What the verdict means, scenarios that are invalid alone and, where a limit was stated, the decision."""
    decision = results.verdict.decision
    decisions = [] if decision is None else [decided(results, decision)]
    return " ".join([VERDICTS[results.verdict.word].remedy, *invalid_alone(results), *decisions])


def reasons_of(results: Results) -> Iterable[Reason]:
    """The findings that made the verdict, each as its sentence with what it is about."""
    names = run_names(results)
    anchors = {remark.anchor for remark in remarks(results)}
    for reason in results.verdict.reasons:
        if reason.weighs == results.verdict.word:
            subjects = [subject for subject in reason.subjects if subject != "campaign"]
            about = f" ({named_subjects(subjects, names)})" if subjects else ""
            text = kind_of(reason.code).meaning.partition(". ")[0].rstrip(".")
            anchor = finding_anchor(severity_in_words(results, reason.severity, reason.code), reason.code)
            yield Reason(f"{reason.code}{about}: {text}.", anchor if anchor in anchors else "")


def invalid_alone(results: Results) -> Iterable[str]:
    """Scenarios that are invalid while another one stands."""
    parts = results.scenarios
    invalid = {name: part.invalid_because for name, part in parts.items() if part.invalid_because}
    stands = [name for name, part in parts.items() if name not in invalid and part.n_runs.value]
    if invalid and stands:
        named = "; ".join(f"{name} ({', '.join(codes)})" for name, codes in invalid.items())
        yield f"Invalid, its values may not be used: {named}. The verdict is on what stands: {', '.join(stands)}."


def verdict_line(results: Results) -> str:
    """The verdict with its reasons."""
    head, reasons = verdict_head(results), list(reasons_of(results))
    more = f" And {len(reasons) - REASONS_SAID} more reasons." if len(reasons) > REASONS_SAID else ""
    said = " ".join(reason.text for reason in reasons[:REASONS_SAID])
    because = f"{'Reasons' if len(reasons) > 1 else 'Reason'}: {said}{more}" if reasons else ""
    return " ".join(filter(None, (head, verdict_says(results), because)))


def decided(results: Results, decision: Decision) -> str:
    """The decision about the stated limit in one sentence."""
    limit = quantity(energy_like(results, decision.limit_wh))
    what = f"{words(decision.quantity)} of {decision.scenario} against the limit of {limit}"
    if decision.risk is None or decision.guard_band_wh is None:
        is_invalid = decision.because == "scenario-invalid"
        why = "this scenario is invalid" if is_invalid else "its uncertainty is not known"
        return f"{what}: not accepted, for {why}."
    word = "accepted" if decision.accepted else "not accepted"
    band = quantity(energy_like(results, decision.guard_band_wh))
    return f"{what}: {word} with a guard band of {band}; risk of {decision.risk_of} {decision.risk:.2g}."
