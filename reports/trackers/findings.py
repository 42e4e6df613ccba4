"""Findings about trackers: no energy, no place on the time base, no reading beside it, a doubtful clock.

Knows pairs and missing accounts; the subject of each finding is a run. Does not know a number of results.json.
"""

from collections.abc import Iterator, Sequence

from harness.record.documents import Json, Thresholds
from reports.energy.energy import WH
from reports.results.finding import Finding
from reports.results.trackers import MissingAccount
from reports.trackers.pair import WHOLE, Pair

FAR_ABOVE = 10.0
"""Times the meter's energy: no tracker errs so far by its model."""


def findings_of(pairs: Sequence[Pair], missing: Sequence[MissingAccount], limits: Thresholds) -> Iterator[Finding]:
    """`tracker-no-number`, `-unplaced`, `-outside-record`, `-unresolved`, `-clock-bound`, `-far-above`."""
    for account in missing:
        evidence: Json = {"tracker": account.tracker, "reason": account.reason, "said": []}
        yield Finding("tracker-no-number", "warn", account.folder, evidence)
    for pair in pairs:
        found = (_excluded(pair),) if pair.because is not None else (_clock(pair, limits), _far_above(pair))
        yield from (finding for finding in found if finding is not None)


def _excluded(pair: Pair) -> Finding | None:
    """Why a pair enters no comparison; of a run that enters no mean its own findings say it."""
    account, placement, folder = pair.account, pair.placement, pair.folder
    evidence: Json = {"tracker": account.key}
    if pair.because in ("no-number", "negative"):
        evidence |= {"reason": pair.because, "said": list(account.problems)}
        return Finding("tracker-no-number", "warn", folder, evidence)
    if pair.because == "unplaced":
        evidence |= {"clock": account.clock, "begin_ns": account.begin_ns, "end_ns": account.end_ns}
        return Finding("tracker-unplaced", "warn", folder, evidence)
    if placement is None:
        return None
    if pair.because == "outside-record":
        evidence |= {"outside_s": placement.outside_s, "duration_s": placement.counted_s}
        return Finding("tracker-outside-record", "warn", folder, evidence)
    if pair.because in ("too-short", "no-energy"):
        evidence |= {"reason": pair.because, "duration_s": placement.shortest_s, "least_s": pair.least_s}
        return Finding("tracker-unresolved", "warn", folder, evidence)
    return None


def _clock(pair: Pair, limits: Thresholds) -> Finding | None:
    """The clock's bound times the power at both edges, against the energy of the interval."""
    if pair.terms is None:
        return None
    bound_s = pair.terms.clock_bound_s
    error_wh = bound_s * float(pair.terms.clock_w(induced=False)[WHOLE]) / WH
    if not error_wh > limits.clock_bound_percent / 100 * pair.meter_wh:
        return None
    numbers = {"bound_s": bound_s, "error_wh": error_wh, "energy_wh": pair.meter_wh}
    return Finding("tracker-clock-bound", "warn", pair.folder, {"tracker": pair.account.key, **numbers})


def _far_above(pair: Pair) -> Finding | None:
    """A figure that cannot be one of what the meter feeds."""
    if not pair.energy_wh > FAR_ABOVE * pair.meter_wh:
        return None
    numbers = {"tracker_wh": pair.energy_wh, "energy_wh": pair.meter_wh, "ratio": pair.energy_wh / pair.meter_wh}
    return Finding("tracker-far-above", "warn", pair.folder, {"tracker": pair.account.key, **numbers})
