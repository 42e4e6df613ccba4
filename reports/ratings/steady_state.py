"""The steady state of a service by the rule of public LLM energy benchmarks: from when the declared concurrency is
filled for the first time to when the last full batch ends.

Knows when requests were in flight. Knows no task type and no energy. A batch is full while as many requests are in
flight as were declared; the last one ends when they are that many for the last time.
"""

import numpy as np
from numpy.typing import NDArray

Stamps = NDArray[np.int64]


def in_flight(begins_ns: Stamps, ends_ns: Stamps) -> tuple[Stamps, Stamps]:
    """When the number of requests in flight changes, and the number from then on. A request that ends when another
    begins makes room for it."""
    times_ns = np.concatenate([ends_ns, begins_ns])
    steps = np.concatenate([np.full(ends_ns.size, -1), np.full(begins_ns.size, 1)])
    order = np.argsort(times_ns, kind="stable")
    return times_ns[order], np.cumsum(steps[order])


def steady_state(begins_ns: Stamps, ends_ns: Stamps, concurrency: int) -> tuple[int, int] | None:
    """Begin and end (ns) of the window; None where so many requests never were in flight."""
    times_ns, count = in_flight(begins_ns, ends_ns)
    full = np.flatnonzero(count >= concurrency)
    if not full.size or full[-1] + 1 >= times_ns.size:
        return None
    begin_ns, end_ns = int(times_ns[full[0]]), int(times_ns[full[-1] + 1])
    return (begin_ns, end_ns) if end_ns > begin_ns else None


def mean_in_flight(begins_ns: Stamps, ends_ns: Stamps, from_ns: int, to_ns: int) -> float:
    """Mean number of requests in flight between two times."""
    inside = np.clip(ends_ns, from_ns, to_ns) - np.clip(begins_ns, from_ns, to_ns)
    return float(np.sum(np.maximum(inside, 0))) / (to_ns - from_ns)
