"""What the service of one run did, for `runs[]` of results.json.

Knows an analysed run. Judges nothing; what several runs come to together is in `reports.campaign.ratings`.
"""

import numpy as np

from reports.campaign.run import AnalysedRun
from reports.ratings.latency import joined
from reports.results.served import ServedResult

PLAIN = ("tasks", "successful tasks", "timely tasks")
"""Kinds of work that are numbers of their own."""


def served_entry(run: AnalysedRun) -> ServedResult | None:
    """`runs[].served`; None where no emulator used a service."""
    if run.served is None:
        return None
    types = run.served.types.values()
    latency = joined([one.execution for one in types])
    batches = run.batches
    count = None if batches is None else batches.sizes.size
    return ServedResult(
        tasks=sum(one.count for one in types),
        done=sum(one.done for one in types),
        work={kind.replace(" ", "_"): amount for kind, amount in run.served.amounts.items() if kind not in PLAIN},
        mean_latency_s=latency.mean_s if latency.n else None,
        largest_latency_s=latency.largest_s if latency.n else None,
        batches=count,
        mean_batch=float(batches.sizes.mean()) if batches is not None and count else None,
        longest_hold_s=float(batches.holds_s.max()) if batches is not None and count else None,
        largest_power_w=_largest_w(run),
    )


def _largest_w(run: AnalysedRun) -> float | None:
    """The largest mean power of a window in the rating interval (W); None where none lies in it."""
    function, interval_ns = run.function, run.interval_ns
    if function is None or interval_ns is None:
        return None
    edges_ns = function.origin_ns + np.rint(function.edges_s * 1e9).astype(np.int64)
    begins_ns, ends_ns = edges_ns[:-1], edges_ns[1:]
    inside = (begins_ns >= interval_ns[0]) & (ends_ns <= interval_ns[1]) & (ends_ns > begins_ns) & ~function.gap
    if not inside.any():
        return None
    energies_j = function.energy_j(begins_ns[inside], ends_ns[inside])
    return float((energies_j / ((ends_ns - begins_ns)[inside] * 1e-9)).max())
