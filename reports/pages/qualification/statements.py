"""What a qualification says in sentences: of the whole, and of each software meter.

Knows the record of a qualification. Knows no table and no figure.
"""

from collections.abc import Iterator

from reports.pages.numbers import quantity
from reports.pages.qualification.words import SECONDS, limit_of, percent_of, shares_of
from reports.results.applicability import against, lag_of
from reports.results.qualification import Qualification
from reports.results.software_meter import OlympicTest, Refusal, SoftwareMeter


def answer(document: Qualification) -> str:
    """What the page is read for, in two or three sentences; where nothing is qualified, that comes first."""
    return " ".join(_answer(document))


def _answer(document: Qualification) -> Iterator[str]:
    if not document.qualifies:
        yield f"This certificate qualifies nothing. {' '.join(document.not_because)}"
    if not document.meters:
        yield "No software meter was recorded beside the wall meter."
        return
    of, agreeing = len(document.meters), sum(agrees(meter) for meter in document.meters)
    named = "The software meter" if of == 1 else f"Of {of} software meters {agreeing or 'none'}"
    reads = "reads" if of > 1 or agreeing else "does not read"
    yield f"{named} {reads} within {limit_of(document)} of the wall on every load."
    if document.qualifies:
        usable = sum(against(document, meter) is None for meter in document.meters)
        whose = f"{usable or 'none'} of them can" if of > 1 else "it can" if usable else "it cannot"
        yield f"Later records of {whose} be corrected to the wall."


def agrees(meter: SoftwareMeter) -> bool:
    """Whether a meter passed the test with uncertainty on every load, of which there is one at least."""
    return bool(meter.loads) and all(
        isinstance(on_load.olympic, OlympicTest) and on_load.olympic.decision == "passes" for on_load in meter.loads
    )


def statement(document: Qualification, meter: SoftwareMeter) -> str:
    """One line for a meter: what it sees, its lag, whether it can be corrected."""
    return f"{meter.name}: {'; '.join([seen_line(meter), lag_line(meter), use_line(document, meter)])}."


def seen_line(meter: SoftwareMeter) -> str:
    """'sees (62.1 ± 3.0) % of the wall on gpu-100 and (20.3 ± 1.0) % on idle': the most, and the least."""
    shares = list(shares_of(meter).items())
    if not shares:
        return "its share of the wall is not known"
    (least, low), (most, high) = shares[0], shares[-1]
    also = f" and {percent_of(low)} on {least}" if least != most else ""
    return f"sees {percent_of(high)} of the wall on {most}{also}"


def lag_line(meter: SoftwareMeter) -> str:
    """'lag (0.80 ± 0.20) s'; else that the record does not tell it."""
    if meter.kind == "tracker":
        return "no lag: it gives one energy a run"
    lag = lag_of(meter)
    return "lag not known" if lag is None else f"lag {quantity(lag.lag_s, SECONDS)}"


def use_line(document: Qualification, meter: SoftwareMeter) -> str:
    """Whether later records can be corrected; else why not, where that is not said of the whole certificate."""
    if not document.qualifies:
        return "not usable for correction: this certificate qualifies nothing"
    reason = against(document, meter)
    return "usable for correction" if reason is None else f"not usable for correction: {reason.rstrip('.')}"


def test_line(document: Qualification, meter: SoftwareMeter) -> str:
    """On how many loads it reads within the limit."""
    tests = [on_load.olympic for on_load in meter.loads if not isinstance(on_load.olympic, Refusal)]
    if not tests:
        return "five-minute test: not made"
    passed = sum(test.decision == "passes" for test in tests)
    open_ones = sum(test.decision == "cannot-be-decided" for test in tests)
    undecided = f", {open_ones} cannot be decided" if open_ones else ""
    return f"within {limit_of(document)} of the wall on {passed or 'none'} of {len(tests)} loads{undecided}"
