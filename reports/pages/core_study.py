"""What the published core study says beside a campaign that repeats it.

Knows the names of its scenarios and what it printed, as nothing else of the pages does. Knows no result of ours.
"""

from collections.abc import Iterable

SCENARIOS = frozenset({"cnn", "transfer"})
OF_EPOCHS = (
    "For context: the core study prints r = .98 between the energy of an epoch and the GPU's temperature, without "
    "taking out the time. Its epochs of .448 Wh in 29.95 s (transfer) and .423 Wh in 28.304 s (from scratch) are "
    "totals, both 53.8 W: they differ in duration only."
)
OF_RUNS = "The core study found neither loss nor accuracy correlated with energy."


def of_epochs(scenarios: Iterable[str]) -> str:
    """Beside the energy of an epoch and the temperature; empty where none of its scenarios was measured."""
    return OF_EPOCHS if SCENARIOS & set(scenarios) else ""


def of_runs(scenarios: Iterable[str]) -> str:
    """Beside the energy of a run and where it ended; empty where none of its scenarios was measured."""
    return OF_RUNS if SCENARIOS & set(scenarios) else ""
