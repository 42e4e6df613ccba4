"""Every kind of finding: its code, and what follows from it beside its words.

Knows what a finding of a code does to its run, the verdict and the pages. Knows no rule that finds one
(`reports.findings`) and no sentence (`reports.pages.sentences`, which has words for every code here).
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FindingKind:
    """What follows from a finding of one code."""

    takes_run_out: str = ""
    """Why a run with an `invalid` one enters no mean; empty where it does. The campaign's result stays what it is."""
    since: str = "0.1.0"
    """First version that could find it."""
    is_uncertifiable: bool = False
    """Whether no certificate can rest on results with it."""
    is_of_campaign: bool = False
    """Whether one about a run counts for the whole campaign: nothing says what else was changed."""
    is_deviation: bool = False
    """Whether it says that the measurement departed from the method or from what was planned."""
    is_of_page: bool = False
    """Whether the whole page says it, so that a run's row need not."""
    is_noted: bool = False
    """Whether a note of its code in a run's journal is this finding, and no `note`."""


KINDS: Mapping[str, FindingKind] = {
    "aborted-after-rating": FindingKind(since="0.2.0", is_deviation=True),
    "action-outside-record": FindingKind(since="0.2.0"),
    "agent-late": FindingKind(takes_run_out="the agent that stamped its end was late", since="0.2.0"),
    "agent-missing": FindingKind(is_deviation=True),
    "ambient": FindingKind(),
    "annotation": FindingKind(),
    "arrival-contradicted": FindingKind(
        takes_run_out="the stamps of its rating interval contradict when they reached the host", since="0.2.0"
    ),
    "artifact-missing": FindingKind(since="0.2.0", is_noted=True),
    "auto-range": FindingKind(is_deviation=True),
    "autocorrelated": FindingKind(),
    "baseline-drift": FindingKind(),
    "baseline-missing": FindingKind(is_deviation=True),
    "baseline-other-session": FindingKind(is_deviation=True),
    "baseline-outside": FindingKind(),
    "baseline-short": FindingKind(),
    "baseline-unsteady": FindingKind(since="0.2.0"),
    "broken-seal": FindingKind(is_of_campaign=True),
    "calibration-expired": FindingKind(is_uncertifiable=True, is_deviation=True),
    "check-load-due": FindingKind(is_deviation=True),
    "clock-bound": FindingKind(),
    "clock-step": FindingKind(),
    "computational-incorrect": FindingKind(takes_run_out="its workload did not do the work it was to do"),
    "cross-check": FindingKind(),
    "cross-check-open": FindingKind(),
    "declared": FindingKind(is_uncertifiable=True),
    "declared-certified": FindingKind(),
    "duplicate": FindingKind(),
    "emulated": FindingKind(is_uncertifiable=True, is_of_page=True),
    "excluded-by-operator": FindingKind(is_deviation=True),
    "few-baseline-blocks": FindingKind(is_deviation=True),
    "few-baseline-runs": FindingKind(is_deviation=True),
    "few-runs": FindingKind(is_deviation=True),
    "fixed-epochs": FindingKind(is_deviation=True),
    "foreign-load": FindingKind(takes_run_out="other processes took too much of its CPUs"),
    "frozen": FindingKind(takes_run_out="it was frozen, or a machine stood still, while it ran", since="0.2.0"),
    "gap": FindingKind(takes_run_out="gaps in its power readings exceed the limits"),
    "generated-data": FindingKind(is_deviation=True),
    "generated-weights": FindingKind(is_deviation=True),
    "host-clock-step": FindingKind(since="0.2.0"),
    "host-slept": FindingKind(since="0.2.0"),
    "imported": FindingKind(is_uncertifiable=True, is_of_page=True),
    "induced-indistinguishable-from-zero": FindingKind(),
    "induced-negative": FindingKind(),
    "limits-loosened": FindingKind(is_deviation=True),
    "limits-unknown": FindingKind(),
    "meter-uncertainty": FindingKind(),
    "moving-average": FindingKind(since="0.2.0"),
    "nan": FindingKind(takes_run_out="too many of its power readings are no numbers"),
    "negative": FindingKind(takes_run_out="too many of its power readings are negative"),
    "no-power": FindingKind(takes_run_out="no power reading lies in its rating interval"),
    "no-rating": FindingKind(takes_run_out="its rating interval was never marked"),
    "no-result": FindingKind(is_uncertifiable=True),
    "not-monitored": FindingKind(),
    "not-settled": FindingKind(),
    "note": FindingKind(),
    "oom": FindingKind(takes_run_out="processes were killed for want of memory while it ran"),
    "order-confounded": FindingKind(),
    "outlier": FindingKind(),
    "overrange": FindingKind(),
    "pooled-incomparable": FindingKind(),
    "publisher-window": FindingKind(since="0.2.0", is_noted=True),
    "quantisation": FindingKind(),
    "rate-drift": FindingKind(),
    "receipt-late": FindingKind(since="0.2.0"),
    "receipt-missing": FindingKind(since="0.2.0"),
    "run-aborted": FindingKind(is_deviation=True),
    "run-failed": FindingKind(is_deviation=True),
    "run-lost": FindingKind(since="0.2.0", is_deviation=True),
    "seal-unsigned": FindingKind(since="0.2.0"),
    "shortened-interval": FindingKind(is_deviation=True),
    "stale": FindingKind(since="0.2.0"),
    "stamp-contradicted": FindingKind(),
    "stuck": FindingKind(),
    "success-fraction": FindingKind(is_deviation=True),
    "supply": FindingKind(),
    "sync-failed": FindingKind(),
    "target-not-reached": FindingKind(),
    "throttled": FindingKind(),
    "thrown-out": FindingKind(since="0.2.0", is_deviation=True),
    "too-short-to-resolve": FindingKind(
        takes_run_out="its interval is shorter than two distances of its meter's instantaneous values"
    ),
    "tracker-clock-bound": FindingKind(),
    "tracker-no-number": FindingKind(),
    "tracker-outside-record": FindingKind(),
    "tracker-unplaced": FindingKind(),
    "tracker-unresolved": FindingKind(since="0.2.0"),
    "truncated-source": FindingKind(is_noted=True),
    "unattested": FindingKind(is_uncertifiable=True, is_of_page=True),
    "underpowered": FindingKind(),
    "unpaired-action": FindingKind(since="0.2.0"),
    "unreadable": FindingKind(takes_run_out="it cannot be read"),
    "unreadable-values": FindingKind(since="0.2.0"),
    "witness-clock": FindingKind(since="0.2.0"),
    "work-contradicted": FindingKind(since="0.2.0"),
    "work-missing": FindingKind(since="0.2.0"),
    "zero": FindingKind(takes_run_out="too many of its power readings are zero"),
}
"""Code -> kind, in the order of the alphabet."""
_UNKNOWN = FindingKind()


def kind_of(code: str) -> FindingKind:
    """The kind of a code; of one that no version of wattlab has, a kind from which nothing follows."""
    return KINDS.get(code, _UNKNOWN)
