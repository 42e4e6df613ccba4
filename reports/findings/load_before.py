"""`load-before-run`: the power just before a run, which waits there for its load, is that of the load (method.md,
section 3).

Knows three powers of a run and what tells them apart. Knows no stream and no sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.results.finding import Finding


@dataclass(frozen=True, slots=True)
class Before:
    """Power just before a run, the baseline's at its beginning, the run's mean power (W). `noise_w`: what tells the
    first two apart."""

    before_w: float
    baseline_w: float
    run_w: float
    noise_w: float

    @property
    def is_of_load(self) -> bool:
        """Whether the power just before is the run's rather than the baseline's."""
        climb_w, away_w = self.run_w - self.baseline_w, self.before_w - self.baseline_w
        return abs(away_w) > self.noise_w and away_w * climb_w > 0 and abs(away_w) > abs(climb_w) / 2


def of_load_before(scenario: str, before: Sequence[Before]) -> list[Finding]:
    """`load-before-run`: what U takes for an error of the baseline is the load itself, which began before the run."""
    early = [one for one in before if one.is_of_load]
    if not early:
        return []
    names = ("before_w", "baseline_w", "run_w")
    means = {name: float(np.mean([getattr(one, name) for one in early])) for name in names}
    return [Finding("load-before-run", "warn", scenario, {"runs": len(early), "of": len(before), **means})]
