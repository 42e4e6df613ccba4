"""What a service did in one run, as `runs[]` of results.json and the table of a study have it.

Knows what stands in the document. Knows no run and no formula.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.record.documents import Json

UNITS = {
    "tasks": "1", "done": "1", "mean_latency_s": "s", "largest_latency_s": "s", "batches": "1", "mean_batch": "1",
    "longest_hold_s": "s", "largest_power_w": "W",
}  # fmt: skip
"""Numbers of a run -> unit, as columns of a study (`served.NAME`). Every kind of work is a column too, of unit 1."""


@dataclass(frozen=True, slots=True)
class ServedResult:
    """What a service did with the tasks of one run's rating interval."""

    tasks: int
    """Tasks that were to be submitted in it."""
    done: int
    """Of these, completed and correct."""
    work: Mapping[str, float]
    """Kind -> how much of it those did: `images`, `output_tokens` and whatever else the population names."""
    mean_latency_s: float | None
    """Mean execution time of those that are done, s; null where none is."""
    largest_latency_s: float | None
    """The longest, s."""
    batches: int | None
    """Batches that the service logged in the interval; null where it logs none."""
    mean_batch: float | None
    """Their mean size."""
    longest_hold_s: float | None
    """Longest time that the oldest request of a batch was held before it, s."""
    largest_power_w: float | None
    """Largest mean power of one window of the meter that lies in the interval, W: what such a meter calls the peak."""

    def columns(self) -> Json:
        """Name -> number, for the table of a study."""
        return {name: getattr(self, name) for name in UNITS} | dict(self.work)
