"""One training as estimators see it: energy and time of each epoch, of what stands around the epochs, and of all of it.

Knows analysed runs. Knows no estimator.

Epoch k lasts from its beginning to the beginning of the next one: what stands between two epochs belongs to the earlier
one. Where a run has no epochs of its own, its record is shared out evenly over as many as a table says it had.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reports.campaign.run import AnalysedRun
from reports.energy.contributions import unseen
from reports.energy.hardware import gpu_energy

Source: TypeAlias = Literal["meter", "gpu"]
"""Whose energy: the SUT's by its power meters, or that of its GPUs by NVML."""
FEWEST_EPOCHS = 2


@dataclass(frozen=True, slots=True)
class Training:
    """A training that has ended. `epoch_j` and `epoch_s`: energy (J) and length (s) of its epochs, shape (N,); `before`
    and `after`: of what stands before the first and behind the last one; `is_uniform`: its borders are no marks."""

    run: str
    configuration: str
    epoch_j: NDArray[np.float64]
    epoch_s: NDArray[np.float64]
    before_j: float
    before_s: float
    after_j: float
    after_s: float
    is_uniform: bool

    @property
    def epochs(self) -> int:
        """How many it had."""
        return self.epoch_j.size

    @property
    def energy_j(self) -> float:
        """All that it took."""
        return self.before_j + float(self.epoch_j.sum()) + self.after_j

    @property
    def duration_s(self) -> float:
        """Its length."""
        return self.before_s + float(self.epoch_s.sum()) + self.after_s


def training_of(run: AnalysedRun, source: Source, epochs: int | None = None) -> Training | str:
    """A run as a training, or the sentence that says why it is none.

    `epochs` is how many a table says that it had; it counts only where the run marks none itself.
    """
    if run.interval_ns is None or run.exclusion is not None or run.broken or run.run.exit_status != "success":
        return "it does not enter the means"
    begin_ns, end_ns = run.interval_ns
    marked = [action.begin_ns for action in run.repeated]
    if marked:
        borders_ns = np.array([*marked, run.repeated[-1].end_ns], dtype=np.int64)
    elif epochs is None:
        return "it marks no epochs, and no table (--facts) says in a column `epochs` how many it had"
    else:
        borders_ns = np.linspace(begin_ns, end_ns, epochs + 1).astype(np.int64)
    if borders_ns.size <= FEWEST_EPOCHS:
        return f"it has {borders_ns.size - 1} epoch; an estimate needs at least {FEWEST_EPOCHS}"
    if np.any(np.diff(borders_ns) <= 0):
        return "two of its epochs begin at one time"
    edges_ns = np.concatenate([[begin_ns], borders_ns, [end_ns]])
    parts_j = energies_of(run, source, edges_ns)
    if parts_j is None or not np.all(np.isfinite(parts_j)):
        return {"meter": "no meter reads all of it", "gpu": "nothing says what its GPUs took"}[source]
    if source == "meter" and marked and np.any(unseen(run.parts, borders_ns[:-1], borders_ns[1:])):
        shortest_s = float(np.diff(borders_ns).min()) * 1e-9
        return f"an epoch of {shortest_s:.2g} s is shorter than two distances of the meter's readings and has no energy"
    parts_s = np.diff(edges_ns) * 1e-9
    return Training(
        run.run.path.name, run.run.start.scenario, parts_j[1:-1], parts_s[1:-1], float(parts_j[0]), float(parts_s[0]),
        float(parts_j[-1]), float(parts_s[-1]), is_uniform=not marked,
    )  # fmt: skip


def energies_of(run: AnalysedRun, source: Source, edges_ns: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Energy (J) between neighbouring edges, shape (n - 1,); None where nothing says it."""
    begins_ns, ends_ns = edges_ns[:-1], edges_ns[1:]
    if source == "meter":
        return None if run.function is None else run.function.energy_j(begins_ns, ends_ns)
    gpu = gpu_energy(run.series.indicators, begins_ns, ends_ns)
    return None if gpu is None else gpu.energy_j
