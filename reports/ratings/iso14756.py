"""Ratings of ISO/IEC 14756 (method.md section 8): what tasks achieved, what their users were to be given, and values of
one software against another's.

Knows tasks, their execution times and the time in which they were submitted; users, their chains and preparation times.
Knows no run, no file and no uncertainty. Structured after the standard; conformity is not claimed.

    b(j)     tasks of type j that were submitted in the rating interval of length T_R
    B(j)     = b(j) / T_R                         throughput
    T_ME(j)  mean execution time of those that were completed
    e(j)     = min_c floor(N_j(<= g_c) / r_c)     timely tasks, at most b(j);  E(j) = e(j) / T_R
    T_Ref(j) = sum_c g_c (r_c - r_(c-1))          mean execution time that the timeliness function admits (`Population`)
    C(i)     = sum_l q(i,l) sum_k [h + WAIT T_Ref]            mean length of a chain of user type i
    a(i,j)   = sum_l q(i,l) #{k: tau(l,k) = j}                mean number of tasks of type j in it
    B_Ref(j) = sum_i N_user(i) a(i,j) / C(i)
    R_TH = B / B_Ref   R_ME = T_Ref / T_ME   R_TI = E / B     pass where each is 1 or more

Of a run without users, such as a training, the whole of it is one task of one WAIT user: a run that stops at a target
does a random number of its repeated actions, so all of them are rated as one. Its execution time is that of the action
that the scenario declares as its task (`training` where it declares none) where every run marks one, else of the rating
interval. Over the n runs of a side, T_R is the sum of their rating intervals.

    I_TH = B2 / B1     throughput                           I_ME = T_ME,1 / T_ME,2     mean execution time
    I_TI = E2 / E1     timely throughput                    I_EN = (E_1 / b_1) / (E_2 / b_2)     energy per task

Above 1 the second side is the better one. They say something of software only on the same SUT.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import AnalysisError
from harness.record.population import Population

Timeliness = tuple[tuple[float, float], ...]
"""(g_c, r_c): at least the share r_c of the tasks is complete within g_c seconds; the last share is 1."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """Tasks that were submitted in some rated time (s): execution time of every one (s), infinite where it was not
    completed, or not correctly."""

    execution_s: NDArray[np.float64]
    rated_s: float

    @property
    def count(self) -> int:
        """b."""
        return int(self.execution_s.size)

    def timely(self, function: Timeliness) -> int:
        """e: how many tasks count as timely."""
        return timely_of(self.count, [int(np.sum(self.execution_s <= within_s)) for within_s, _ in function], function)


def timely_of(count: int, within: Sequence[int], function: Timeliness) -> int:
    """e of `count` tasks of which so many were complete within each of the function's limits."""
    counts = [math.floor(round(number / share, 9)) for number, (_, share) in zip(within, function, strict=True)]
    return min(count, *counts)


def chain_s(population: Population, user_type: str) -> float:
    """C: mean length of a chain of a user type (s)."""
    return math.fsum(
        share * (population.preparation[step.think].mean_s + _waited_s(population, step.task))
        for chain, share in population.user_types[user_type].chains.items()
        for step in population.chains[chain].tasks
    )


def tasks_in_chain(population: Population, user_type: str, task_type: str) -> float:
    """a: mean number of tasks of a type in a chain of a user type."""
    shares = population.user_types[user_type].chains
    return math.fsum(
        share for chain, share in shares.items() for step in population.chains[chain].tasks if step.task == task_type
    )


def reference_throughput(population: Population) -> dict[str, float]:
    """B_Ref of every task type that has one (1/s): of users by their chains, where every task that they wait for has a
    timeliness function; of an open load by its rate."""
    if population.load is not None:
        return {name: population.load.rate_per_s * share for name, share in population.load.shares.items()
                if population.load.rate_per_s}  # fmt: skip
    if any(task_type.wait and not task_type.timeliness for task_type in population.task_types.values()):
        return {}
    found = {
        name: math.fsum(
            own.users * tasks_in_chain(population, user_type, name) / chain_s(population, user_type)
            for user_type, own in population.user_types.items()
        )
        for name in population.task_types
    }
    return {name: rate for name, rate in found.items() if rate}


def _waited_s(population: Population, task_type: str) -> float:
    return population.reference_s(task_type) if population.task_types[task_type].wait else 0.0


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
