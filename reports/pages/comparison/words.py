"""The words of a comparison's page: its codes, quantities and margin for readers.

Knows the codes of comparison.json. Knows no table and computes nothing.
"""

from collections.abc import Mapping

from reports.pages.declared import DEFAULT
from reports.pages.lookup import words
from reports.pages.numbers import energy_like, quantity
from reports.results.compared_pair import Design
from reports.results.compared_side import Outcome
from reports.results.comparison import Comparison, Margin

VERDICTS: Mapping[Outcome, str] = {
    "less": "less",
    "more": "more",
    "not-shown": "no difference shown",
    "too-few": "too few runs",
}
DESIGNS: Mapping[Design, str] = {
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
    "of-each-task-type": "each task type has its own",
    "other-timeliness-function": "both sides have another timeliness function for it",
    "no-timely-task": "the reference has no task in time",
    "equal-values": "all values are equal",
}
TESTS = {"welch": "Welch's t", "paired-t": "paired t", "kruskal-wallis": "Kruskal-Wallis", "rank": "Kruskal-Wallis"}
SOURCES = {
    "runs": "spread of the runs", "baseline": "spread of the baseline blocks", "gain": "meter: part of the reading",
    "assumed": "meter: assumed, nobody states its limits",
    "transfer": "software meter: from software to wall",
    "scatter": "software meter: runs at the wall", "kind": "software meter: kind of load",
    "wall": "software meter: the wall it was qualified with",
    "offset": "meter: part of the range", "certificate": "meter: certificate",
    "stability": "meter: drift since certificate",
    "reported": "meter: as it states", "resolution": "meter: resolution", "edges": "load steps at the edges",
    "clock": "clocks", "gaps": "gaps", "stamp-convention": "convention of the stamps",
    "observer": "agent on the machine",
}  # fmt: skip
U_NOTE = (
    "U at 95 % holds the spread of runs and baselines (type A) and what is known of meters and clocks (type B). What "
    "both sides share cancels: one meter's errors within one session and range, its gain and certificate between "
    "sessions too; different meters err independently, but what is only assumed of them adds up."
)
SAFE_NOTE = (
    "Degrees of freedom: about a third of Welch's, and never more than runs of equal spread would have. Welch's own "
    "would raise 7 to 15 % false alarms where few runs are skewed and of unequal spread or number, and a few runs "
    "cannot show that they are not. Counted in this way every interval covers at least 93 %, up to the skewness of an "
    "exponential distribution."
)
FEW_NOTE = (
    "Of fewer than ten runs a side a difference has few degrees of freedom, so its U is far wider than those of the "
    "sides: more runs narrow it (degrees of freedom: below, with the tests)."
)
P_NOTE = (
    "p is of type A: it says whether the runs differ and nothing about the meters. The complete p belongs to the "
    "complete U. A p above .05 is no evidence of equality; only the equivalence test with a stated margin is. "
    "Replicates are runs, never seconds."
)
INVALID = "{} is of a campaign with the verdict invalid: nothing on this page holds more than that campaign."
ONE_AFTER_THE_OTHER = (
    "Sides were measured one after the other, in different {}: whatever else changed between them (room, updates, "
    "state of the machine) is part of the difference, and no interval on this page holds it. Scenarios of one campaign "
    "in drawn order are free of that."
)
SKEWED = (
    "The runs of {} are more skewed than an exponential distribution. Up to that skewness the intervals were shown to "
    "cover what they promise; here they may cover less."
)
IMPORTED = "A side was measured by another lab and imported; its instrument is what that lab says it is."
NO_MARGIN = (
    "No margin was stated, so there is no verdict on equality: --margin 5% or --margin 0.1Wh states how large a "
    "difference still counts as none."
)
UNBOUNDED = (
    "No interval: the runs are too few or too scattered to bound the quotient, so the value alone shows nothing."
)


def label_of(name: str) -> str:
    """A quantity of comparison.json in words."""
    kind, dot, basis = name.partition(".")
    text = f"{DEFAULT.kind(kind)} ({basis} energy)" if dot else words(name)
    return text[:1].upper() + text[1:]


def reason_in_words(code: str | None) -> str:
    """A code in words; what is no code (why R is not there) as it is."""
    return REASONS.get(str(code), str(code))


def outcome_in_words(verdict: Outcome | None, reason: str | None) -> str:
    """What is shown, else why nothing is."""
    return reason_in_words(reason) if verdict is None else VERDICTS[verdict]


def margin_in_words(document: Comparison, margin: Margin) -> str:
    """The stated margin, an energy in the page's unit."""
    if margin.relative:
        return percent(margin.value).replace("%", "\u202f%")
    return quantity(energy_like(document, margin.value))


def percent(share: float) -> str:
    """A share as the command takes it: 5%."""
    return f"{share:.6%}".rstrip("%").rstrip("0").rstrip(".") + "%"
