"""The phases of a population on the monotonic clock, and in which of them a moment lies.

Knows ISO/IEC 14756's three phases: stabilization (the whole load, not rated), rating interval, supplementary run (the
load goes on until every task that was intended in the rating interval is complete). Knows no task.
"""

from harness.record.population import Population
from harness.record.tasks import TaskPhase


class Interval:
    """Edges in ns; the rating interval is [rating_begin_ns, rating_end_ns)."""

    def __init__(self, population: Population, begin_ns: int) -> None:
        phases = population.phases
        self.begin_ns = begin_ns
        self.rating_begin_ns = begin_ns + round(phases.stabilization_s * 1e9)
        self.rating_end_ns = self.rating_begin_ns + round(phases.rating_s * 1e9)
        self._limit_ns = round(phases.supplementary_limit_s * 1e9)

    @property
    def last_ns(self) -> int:
        """The supplementary run is over by then, complete or not."""
        return self.rating_end_ns + self._limit_ns

    def end_after(self, intended_ns: int) -> None:
        """The rating interval ends behind a task: as many as were asked for are intended in it."""
        self.rating_end_ns = intended_ns + 1

    def phase_of(self, time_ns: int) -> TaskPhase:
        """In which phase a moment lies."""
        if time_ns < self.rating_begin_ns:
            return "stabilization"
        return "rating" if time_ns < self.rating_end_ns else "supplementary"
