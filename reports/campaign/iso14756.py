"""Efficiency values of software after ISO/IEC 14756 (method.md section 8), of the second side against the first.

Knows tasks, their execution times and the time in which they were submitted. Knows no campaign and no uncertainty but
that of a ratio of means (`contrast.py`).

Mapping. A run that stops at a target does a random number of its repeated actions, so all of them are rated as one
task: one WAIT user submits it, one task a run. Over the n runs of a side, T_R is the sum of their rating intervals, b =
n, the execution time is that of the action that the scenario declares as its task (`training` where it declares none)
where every run marks one, else of the rating interval.

    I_TH = B2 / B1 = mean T_R,1 / mean T_R,2      throughput, B = b / T_R
    I_ME = T_ME,1 / T_ME,2                        mean execution time
    I_TI = E2 / E1, E = e / T_R                   timely throughput, e = min_c floor(N(<= g_c) / r_c)
    I_EN = (E_1 / b_1) / (E_2 / b_2)              electrical energy per task

Above 1 the second side is the better one. They say something of software only on the same SUT. Structured after the
standard; conformity is not claimed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import AnalysisError

Timeliness = tuple[tuple[float, float], ...]
"""(g_c, r_c): at least the share r_c of the tasks is complete within g_c seconds; the last share is 1."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """What one side submitted: execution time of every task (s), and the rated time in all (s)."""

    execution_s: NDArray[np.float64]
    rated_s: float

    def timely(self, function: Timeliness) -> int:
        """e: how many tasks count as timely."""
        counts = [math.floor(round(np.sum(self.execution_s <= g_s) / share, 9)) for g_s, share in function]
        return min(int(self.execution_s.size), *counts)


def parse_timeliness(text: str) -> Timeliness:
    """`60s:90%,120s:100%` as ((60, .9), (120, 1)).

    Raises:
        AnalysisError: with what was found.
    """
    form = "expected SECONDSs:SHARE%, times and shares rising, the last share 100%, such as 60s:90%,120s:100%"
    found = []
    for part in text.split(","):
        time, colon, share = part.strip().partition(":")
        try:
            found.append((float(time.removesuffix("s")), float(share.removesuffix("%")) / 100))
        except ValueError:
            colon = ""
        if not part.isascii() or "_" in part or not colon or not time.endswith("s") or not share.endswith("%"):
            raise AnalysisError(f"--timeliness {text}: found {part.strip()!r}; {form}")
    rising = all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(found))
    finite = all(math.isfinite(g_s) and g_s > 0 and share > 0 for g_s, share in found)
    if not rising or not finite or found[-1][1] != 1.0:
        raise AnalysisError(f"--timeliness {text}: {form}")
    return tuple(found)


def timely_throughput(first: Tasks, second: Tasks, function: Timeliness) -> float | None:
    """I_TI; None where the first side has no timely task."""
    one, two = first.timely(function), second.timely(function)
    return None if one == 0 else (two / second.rated_s) / (one / first.rated_s)


def tasks_of(marked_s: Sequence[float | None], durations_s: NDArray[np.float64]) -> Tasks:
    """The tasks of some runs: their training where every one marks it, else the whole rating interval."""
    marked = [one for one in marked_s if one is not None]
    execution_s = np.array(marked) if len(marked) == durations_s.size else durations_s
    return Tasks(execution_s, float(durations_s.sum()))
