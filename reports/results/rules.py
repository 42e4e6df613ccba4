"""Rules that results were computed by before, and that a later version changed: which of them hold while one computes.

Knows their names, which are the ids of entries of "Changes to results" (CHANGELOG.md), and nothing that they change:
each stands where the number is computed. `verify` computes an archive under the rules of the version that wrote it, so
that a number which moved since can be told from one that was forged. Nothing else asks for an older rule.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum


class Rule(StrEnum):
    """A change of what the same readings give; the comment says what held before."""

    ASSUMED_LIMITS = "assumed-limits"  # a meter without stated limits of error had none in U
    FEW_BLOCKS = "few-baseline-blocks"  # the spread of two blocks counted as that of many, and their shape not at all
    SHORT_INTERVALS = "short-intervals"  # below two windows too the share by time was the energy, and no limit of error
    MOVING_AVERAGES = "moving-averages"  # overlapping windows were taken as they came
    REPETITIONS = "repetitions"  # a repeated reading never stood for anything
    LATE_ROWS = "late-rows"  # a step of instantaneous values above 1.5 usual ones was a gap in full
    EDGES_WITH_SIGN = "edges-with-sign"  # edge losses of two circuits were independent
    CLOCKS_IN_DURATIONS = "clocks-in-durations"  # U of a mean duration was the spread alone
    FOREIGN_LOAD = "foreign-load-by-size"  # above 2 % of all CPUs a warning, whatever the baseline had
    LATE_STAMPS = "late-stamps"  # an agent that was late, frozen, or contradicted by arrivals was believed
    ABORTED_LATE = "aborted-after-rating"  # aborted runs with an energy stood nowhere
    SHOWN_STATISTICS = "shown-statistics"  # adjectives, normality and CV also where nothing is shown
    UNITS = "binary-units"  # KiB were called kB and converted as 1000 byte
    VERDICT_BY_SCENARIO = "verdict-by-scenario"  # one invalid scenario made the campaign invalid
    INDICATED_READINGS = "indicated-readings"  # the OSCAR rule and findings took readings less the certificate's error
    ODD_READINGS = "odd-readings"  # readings at the very end, and what a meter's latency shifts, were left out
    IMPORTED_RATES = "imported-rates"  # momentary values of an import were asked for a rate too
    MARKERS = "markers"  # a marker counted wherever it was stamped, and a name and index as often as it came
    DAMAGED_CELLS = "damaged-cells"  # a cell of an indicator stream that is no number made the run unreadable
    LABEL_HALVES = "label-halves"  # a sum of which one half was not recorded was the other half
    COMPARED_PROGRAM = "compared-program"  # comparisons took the inputs of a run for its program
    COMPARED_EDGES = "compared-edges"  # comparisons took edge losses of several circuits as independent
    COMPARED_WORDS = "compared-words"  # comparisons gave the size of every effect a word, shown or not
    COMPARED_DECLARATIONS = "compared-declarations"  # comparisons did not see what the sides declare of their work
    OBSERVER_OF_RUNS = "observer-of-runs"  # U of a single run took the observer effect's own uncertainty as known
    EACH_ORIGIN = "each-origin"  # one finding said the worst origin, and named all meters
    OPEN_ENDS = "open-ends"  # what no reading covers at an end was as sure as the last readings were alike, and no gap
    POOLED_CALIBRATIONS = "pooled-calibrations"  # runs of one mean could rest on different certificates
    NEW_FINDINGS = "new-findings"  # some findings did not exist, and baseline blocks had no `success-fraction`
    ETA_INTERVAL = "eta-interval"  # the interval of partial eta^2 was symmetric about f^2, so it held 0 of few values
    G_INTERVAL = "g-interval"  # the interval of Hedges' g was symmetric also of groups of about one size: too wide
    COUNTER_FALLS = "counter-falls"  # every fall of a software counter that states a range was a wrap
    UNMEASURED_CELLS = "unmeasured-cells"  # a combination of which all runs failed was one that nobody had measured


_before: ContextVar[frozenset[Rule]] = ContextVar("rules of before", default=frozenset())


def was(rule: Rule) -> bool:
    """Whether what is computed now follows the rule as it was before."""
    return rule in _before.get()


@contextmanager
def as_before(rules: Collection[Rule]) -> Iterator[None]:
    """Compute under the rules of before."""
    token = _before.set(frozenset(rules))
    try:
        yield
    finally:
        _before.reset(token)
