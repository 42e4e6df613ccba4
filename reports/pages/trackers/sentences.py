"""What a user asks of each tracker, in sentences: how far off is it, what stands behind its figure, what does it miss.

Knows `trackers` of results.json. Does not know tables and figures; computes no result.
"""

from collections.abc import Iterator, Mapping

from reports.pages.blocks import Paragraph
from reports.pages.numbers import NOTHING, quantity
from reports.pages.plain_words import as_text
from reports.pages.trackers.ratios import PERCENT, percent, share
from reports.pages.trackers.words import REFUSED, Refusal, enumerated, name_of, names_of, part_of
from reports.results.document import Results
from reports.results.trackers import OwnEnergy, TrackerComparison, Trackers

ABOUT = (
    "Each tracker ran in the same runs as the meter. Its figure is compared with the energy (the idle machine's share "
    "included) that the meter measured over the tracker's own interval; a data centre's factor (PUE) was divided out. "
    "Brackets hold the 95 % interval; n counts runs."
)
CONTEXT = (
    "For context only, from other machines: CodeCarbon showed about 78 % of a meter (Guldner 2021; GPU read, CPU not), "
    "experiment-impact-tracker 0 in idle while it added about 0.49 Wh itself."
)
UNSPLIT = (
    "That is lost in the power supply or taken by components that it does not cover; to tell the two apart, "
    "state psu_efficiency_percent in [sut] of lab.toml"
)
MODELLED = ("constant", "estimation", "cpu_load", "tdp", "model")
"""Words in a tracker's method that say that nothing was read."""
Comparisons = Mapping[str, TrackerComparison]
"""Scenario -> one tracker's comparison."""


def answers(results: Results) -> list[str]:
    """For the terminal: what each tracker reported against the meter, and what it cost itself; a sentence each."""
    trackers = results.trackers
    if trackers is None:
        return []
    sentences = [_share_sentence(results, trackers, key) for key in keys_of(trackers)]
    sentences += [f"{name_of(key)} cannot be compared: {REFUSED[reason]}." for key, reason in _silent(trackers)]
    return sentences + [_cost_sentence(cost) for cost in trackers.own_induced if cost.refused is None]


def _cost_sentence(cost: OwnEnergy) -> str:
    pairs = f"n\u00a0=\u00a0{as_text(cost.n.value)}"
    added = quantity(cost.induced_energy_wh)
    scenarios = f"{cost.with_trackers}, against {cost.without}"
    return f"{names_of(cost.trackers)} itself added {added} to a run of {scenarios} ({pairs})."


def keys_of(trackers: Trackers) -> list[str]:
    """Trackers that are compared, in the order of their names."""
    return sorted({key for by_tracker in trackers.scenarios.values() for key in by_tracker})


def comparisons_of(trackers: Trackers, key: str) -> Comparisons:
    """Scenario -> that tracker's comparison."""
    return {name: by_tracker[key] for name, by_tracker in trackers.scenarios.items() if key in by_tracker}


def opening(results: Results, trackers: Trackers) -> Iterator[Paragraph]:
    """Of each tracker how far off it is; then what stands behind its figure, and what it misses."""
    for key in keys_of(trackers):
        comparisons = comparisons_of(trackers, key)
        yield Paragraph(_share_sentence(results, trackers, key))
        first = next(iter(comparisons.values()))
        sentences = [*_behind(first), *_unseen(comparisons), *_factors(first)]
        if not _is_complete(comparisons):
            sentences.append(
                "The meter's limits of error are not all known: the intervals below hold what is assumed of it."
            )
        problems = dict.fromkeys(text.rstrip(".") for each in comparisons.values() for text in each.problems)
        sentences += [f"It noted: {'; '.join(problems)}."] if problems else []
        yield Paragraph(" ".join(sentences), "note")
    for (key, reason), texts in _silent(trackers).items():
        noted = f" It noted: {'; '.join(texts)}." if texts else ""
        yield Paragraph(f"{name_of(key)} cannot be compared: {REFUSED[reason]}.{noted}")


def _is_complete(comparisons: Comparisons) -> bool:
    """Whether the limits of error of every meter are known."""
    return all(comparison.complete for comparison in comparisons.values())


def _share_sentence(results: Results, trackers: Trackers, key: str) -> str:
    """How far one tracker is off."""
    comparisons = comparisons_of(trackers, key)
    shares = [
        f"{_share_of(trackers, key, scenario, comparison)} in {scenario}"
        for scenario, comparison in comparisons.items()
    ]
    doubt = "" if _is_complete(comparisons) else f"; {_whose(results)} own error is unknown"
    return f"{name_of(key)} reported {enumerated(shares)} of what the meter measured{doubt}."


def _whose(results: Results) -> str:
    """What kind of meter it is whose error is not known."""
    tiers = {meter.tier for meter in results.meters if meter.role == "headline"}
    return "the plug's" if tiers == {"uncalibrated"} else "the meter's"


def _share_of(trackers: Trackers, key: str, scenario: str, comparison: TrackerComparison) -> str:
    """A share with the number of runs; of a single run with what is known of the meter's error; of a meter whose error
    is not known in whole percent, without an interval."""
    runs = as_text(comparison.n.value)
    if not comparison.complete:
        return f"{percent(comparison.ratio.value, 0)} % (n\u00a0=\u00a0{runs})"
    if comparison.n.value != 1:
        return f"{share(comparison.ratio, comparison.interval)} (n\u00a0=\u00a0{runs})"
    included = (run for run in trackers.runs if run.included)
    run = next(run for run in included if (run.scenario, run.tracker) == (scenario, key))
    return f"{quantity(run.ratio, PERCENT)} (one run, U by the meter alone)"


def _silent(trackers: Trackers) -> dict[tuple[str, Refusal], list[str]]:
    """Trackers without any comparison and why, with what they noted."""
    compared = keys_of(trackers)
    silent: dict[tuple[str, Refusal], list[str]] = {
        (account.tracker, account.reason): [] for account in trackers.missing if account.tracker not in compared
    }
    for run in trackers.runs:
        if run.excluded_because is not None and run.tracker not in compared:
            noted = [text.rstrip(".") for text in run.problems]
            silent.setdefault((run.tracker, run.excluded_because), noted)
    return silent


def _behind(comparison: TrackerComparison) -> Iterator[str]:
    """How the tracker has its figure, part by part; what is modelled is said to be no measurement."""
    for part, methods in comparison.methods.items():
        text, name = "; ".join(methods), part_of(part)
        if any(word in text.lower() for word in MODELLED):
            yield f"Its {name} figure is a model, not a measurement: {text}."
        elif text.startswith("not stated"):
            yield f"How it has its {name} figure is {text}."
        elif text and text != "none":
            yield f"Its {name} figure: {text}."
    unseen = [part_of(part) for part, methods in comparison.methods.items() if methods == ("none",)]
    if unseen:
        yield f"No figure of {enumerated(unseen)}."


def _factors(comparison: TrackerComparison) -> Iterator[str]:
    for factor in comparison.factors:
        if factor.factor != 1:
            why = f" ({factor.reason})" if factor.reason else ""
            yield f"It multiplies by {as_text(factor.factor)}{why}; that was divided out here."


def _unseen(comparisons: Comparisons) -> Iterator[str]:
    """What is left of the meter's energy."""
    over = [name for name, comparison in comparisons.items() if comparison.rest.share.value < 0]
    if over:
        yield f"In {enumerated(over)} it says more than the machine took from the mains: what it models is too high."
    rests = [
        f"{quantity(comparison.rest.share, PERCENT)} in {name}"
        for name, comparison in comparisons.items()
        if name not in over
    ]
    if not rests:
        return
    losses = (each.supply.loss.share for each in comparisons.values() if each.supply is not None)
    known = [text for loss in losses if (text := quantity(loss, PERCENT)) != NOTHING]
    split = UNSPLIT
    if known:
        split = f"Of that the power supply loses {known[0]}; components that it does not cover take the rest"
    yield f"It leaves out {enumerated(rests)} of what the meter measured. {split}."
