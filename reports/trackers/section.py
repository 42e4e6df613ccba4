"""`trackers` of a campaign's results: every tracker beside the meter, by scenario and over scenarios (method.md
section 9).

Knows pairs of all runs, and which scenarios are the same work. Does not know how a pair is placed (pair.py) or compared
(comparison.py); what trackers themselves cost comes from cost.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reports.inference.agreement import pooled
from reports.results.agreement import Agreement
from reports.results.trackers import MissingAccount, OwnEnergy, Trackers
from reports.results.uncertainty import Estimate, Number
from reports.trackers.comparison import Comparison
from reports.trackers.pair import Pair
from reports.trackers.run import work_of


@dataclass(frozen=True)
class TrackedCampaign:
    """Every tracker's figure of every run, and the accounts that are missing."""

    pairs: Sequence[Pair]
    missing: Sequence[MissingAccount]

    @cached_property
    def included(self) -> dict[str, dict[str, list[Pair]]]:
        """Scenario -> tracker -> the pairs that enter a comparison, in order of time; both in order of their names."""
        included: dict[str, dict[str, list[Pair]]] = {}
        for pair in sorted(self.pairs, key=lambda pair: (pair.scenario, pair.account.key)):
            if pair.because is None and pair.meter_wh > 0:
                included.setdefault(pair.scenario, {}).setdefault(pair.account.key, []).append(pair)
        return included

    def record(self, cost: Sequence[OwnEnergy], supply: Estimate | None) -> Trackers | None:
        """The section; None where no run had a tracker. `cost`: cost.py's records; `supply`: the efficiency of the
        power supply."""
        if not self.pairs and not self.missing:
            return None
        return Trackers(
            psu_efficiency=None if supply is None else Number(supply, "1"),
            scenarios={
                scenario: {key: Comparison(pairs, supply).record() for key, pairs in by_tracker.items()}
                for scenario, by_tracker in self.included.items()
            },
            agreement={key: _pooled(groups) for key, groups in sorted(self._works().items())},
            own_induced=tuple(cost),
            runs=tuple(pair.record() for pair in self.pairs),
            missing=tuple(self.missing),
        )

    def _works(self) -> dict[str, dict[str, list[Pair]]]:
        """Tracker -> work -> its pairs in all scenarios of that work."""
        works: dict[str, dict[str, list[Pair]]] = {}
        for by_tracker in self.included.values():
            for key, pairs in by_tracker.items():
                work = " ".join(work_of(pairs[0].run.run.start))
                works.setdefault(key, {}).setdefault(work, []).extend(pairs)
        return works


def _pooled(groups: Mapping[str, Sequence[Pair]]) -> Agreement:
    """Agreement of one tracker over works, each one cluster."""
    pairs = {
        name: (np.array([pair.energy_wh for pair in own]), np.array([pair.meter_wh for pair in own]))
        for name, own in groups.items()
    }
    shared = [Comparison(own, None).relative for own in groups.values()]
    return pooled(pairs, max(shared, key=lambda term: term.u))
