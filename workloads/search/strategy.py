"""The suggestion of a trial: a pure function of what was declared, what the trials before it gave, and seeds.

Knows which strategy is which rule. The same arguments give the same suggestion in the same environment; another
library, BLAS or machine may round otherwise, so what was suggested is recorded and never computed again.
"""

from collections.abc import Sequence

from workloads.search import bayes_pi, grid, random
from workloads.search.space import Search, Told, Value


def suggestion(search: Search, history: Sequence[Told], seed: int, trial: int) -> dict[str, Value]:
    """Parameter -> its value in trial `trial`, counted from 1; `history` are the trials before it in their order,
    `seed` is the search's."""
    match search.strategy:
        case "random":
            return random.drawn(search.space, seed, trial)
        case "partial-grid":
            return grid.partial(search.space, seed, trial, search.points)
        case "grid":
            return grid.whole(search.space, trial, search.points)
        case "bayes-pi" | "bayes-pi-fitted":
            return bayes_pi.suggested(
                search.space, history, seed, trial, maximise=search.maximise, candidates=search.candidates,
                xi=search.xi, fitted=search.strategy == "bayes-pi-fitted",
            )  # fmt: skip
