"""Trackers in a qualification: one energy a run, beside the wall's over the same stretch.

Knows pairs of trackers and meter (`reports/trackers`) and the loads. Knows no trace: what needs one is refused.
"""

from collections.abc import Sequence

from reports.qualification.recorded import RecordedRun
from reports.qualification.share import RunMeans
from reports.results.software_meter import Refusal
from reports.trackers.pair import Pair

NOT_A_TRACE = Refusal(
    "not-a-trace", "A tracker gives one energy a run, and no trace that could be held against the wall's."
)
JOULES = 3600.0


def tracker_means(pairs: Sequence[Pair], runs: Sequence[RecordedRun]) -> dict[str, tuple[str, dict[str, RunMeans]]]:
    """Tracker -> what it says it is, and run folder -> its mean powers over the stretch that it counts."""
    known = {run.name for run in runs}
    found: dict[str, tuple[str, dict[str, RunMeans]]] = {}
    for pair in pairs:
        if pair.because is not None or pair.folder not in known or pair.placement is None:
            continue
        seconds = pair.placement.counted_s
        wall_w, software_w = (energy_wh * JOULES / seconds for energy_wh in (pair.meter_wh, pair.energy_wh))
        _, means = found.setdefault(pair.account.key, (_says(pair), {}))
        means[pair.folder] = RunMeans(pair.folder, wall_w, software_w, 0.0, 0.0)
    return found


def _says(pair: Pair) -> str:
    """Its version and how it had its figures."""
    account = pair.account
    methods = "; ".join(f"{part}: {method}" for part, method in account.methods.items())
    version = f" {account.version}" if account.version else ""
    return f"{account.name}{version}" + (f" ({methods})" if methods else "")
