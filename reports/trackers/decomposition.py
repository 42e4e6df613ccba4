"""What the meter's energy is made of by a tracker: its parts, what it assigns to none of them, and what it leaves out.

Knows pairs of one scenario and one tracker, and the efficiency of the power supply. Does not know phases and epochs.

    E_M = parts + unassigned + rest       parts: cpu, gpu, ram as the tracker splits its figure
    rest = (1 - eta) E_M + out of scope   only where lab.toml states the supply's efficiency eta
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.energy.efficiency import ratio_of_means
from reports.energy.energy import WH
from reports.energy.meter_error import ROOT_3
from reports.results.trackers import ComparedGpu, Share, Supply
from reports.results.uncertainty import Estimate, Number, Term, combine, mean_of, mean_with_shared
from reports.trackers.pair import Pair

UNASSIGNED = "unassigned"
LEAST_UNASSIGNED = 1e-6
"""Less of a figure than this share, assigned to no part, is rounding."""
EXACT = Estimate(0.0, 0.0, math.inf)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The pairs of a comparison, both their energies (Wh, shape (runs,)), what the meter's share, and the ratio of the
    means."""

    pairs: Sequence[Pair]
    tracker_wh: Floats
    meter_wh: Floats
    shared: Term
    ratio: Number

    def parts(self) -> dict[str, Share]:
        """What the tracker splits its figure into, and what it does not assign: energy and share of the meter's."""
        energies_wh = {name: own for name in self._names() if (own := self._part(name)) is not None}
        left_wh = self.tracker_wh - np.sum(list(energies_wh.values()), axis=0) if energies_wh else self.tracker_wh
        if float(np.abs(left_wh).max()) > LEAST_UNASSIGNED * float(np.abs(self.tracker_wh).max()):
            energies_wh[UNASSIGNED] = left_wh
        return {
            name: Share(certain(mean_of(own_wh, "Wh")), ratio_of_means(own_wh, self.meter_wh, self.shared, "1").number)
            for name, own_wh in energies_wh.items()
        }

    def _names(self) -> list[str]:
        return sorted({name for pair in self.pairs for name in pair.account.parts_wh})

    def _part(self, name: str) -> Floats | None:
        """The tracker's energy of a part in every run (Wh); None where some run has none."""
        values = [pair.account.parts_wh.get(name) for pair in self.pairs]
        known = [value for value in values if value is not None]
        return np.array(known, dtype=np.float64) if len(known) == len(values) else None

    def gpu(self) -> ComparedGpu | None:
        """The GPU's energy by the agent's own record of the same intervals, and the tracker's figure of it."""
        records = [pair.gpu for pair in self.pairs]
        known = [record for record in records if record is not None and math.isfinite(record.energy_j[0])]
        if len(known) < len(records):
            return None
        energy_wh = np.array([float(record.energy_j[0]) for record in known]) / WH
        tracker_wh, ratio = self._part("gpu"), None
        if tracker_wh is not None and energy_wh.mean() > 0:
            ratio = ratio_of_means(tracker_wh, energy_wh, Term(0.0, math.inf), "1")
        return ComparedGpu(
            known[0].method, certain(mean_of(energy_wh, "Wh")),
            None if ratio is None else ratio.number, None if ratio is None else ratio.interval,
        )  # fmt: skip

    def rest(self) -> Share:
        """What the meter measured and the tracker did not report."""
        ratio = self.ratio.estimate
        share = Number(Estimate(1.0 - ratio.value, ratio.u, ratio.dof), "1", n=len(self.pairs))
        return Share(certain(mean_with_shared(self.meter_wh - self.tracker_wh, "Wh", self.shared)), share)

    def supply(self, efficiency: Estimate | None) -> Supply | None:
        """The rest, split by the power supply's efficiency: its loss, and components out of the tracker's scope; None
        where the efficiency is not stated."""
        if efficiency is None or efficiency.u is None:
            return None
        eta, ratio, of_eta = efficiency.value, self.ratio.estimate, Term(efficiency.u, math.inf)
        loss_wh, scope_wh = (1 - eta) * self.meter_wh, eta * self.meter_wh - self.tracker_wh
        loss = self._share(1 - eta, EXACT, of_eta)
        scope = self._share(eta - ratio.value, ratio, of_eta)
        return Supply(
            loss=Share(self._split(loss_wh, 1 - eta, of_eta), loss),
            out_of_scope=Share(self._split(scope_wh, eta, of_eta), scope),
        )

    def _split(self, values_wh: Floats, factor: float, of_eta: Term) -> Number:
        """Mean of a part that holds `factor` of the meter's energies, uncertain by what they share and by eta."""
        mean_wh = float(self.meter_wh.mean())
        common = combine(0.0, [Term(factor * self.shared.u, self.shared.dof), Term(mean_wh * of_eta.u, math.inf)])
        shared = Term(common.u or 0.0, math.inf if common.dof is None else common.dof)
        return certain(mean_with_shared(values_wh, "Wh", shared))

    def _share(self, value: float, ratio: Estimate, of_eta: Term) -> Number:
        """A share of the meter's energy that eta and a ratio make uncertain."""
        known = ratio.u is not None and ratio.dof is not None
        both = [of_eta, Term(ratio.u or 0.0, ratio.dof or math.inf)]
        return Number(combine(value, both) if known else Estimate(value, None, None), "1", n=len(self.pairs))


def supply_of(config: Mapping[str, Any]) -> Estimate | None:
    """Efficiency of the SUT's power supply as lab.toml states it: limits of error are rectangular; None without."""
    section = config.get("sut")
    sut = section if isinstance(section, dict) else {}
    percent, limit = sut.get("psu_efficiency_percent"), sut.get("psu_efficiency_limit_percent")
    if not isinstance(percent, int | float) or not isinstance(limit, int | float) or not percent:
        return None
    return Estimate(percent / 100, limit / 100 / ROOT_3, math.inf)


def certain(number: Number | None) -> Number:
    """A mean of pairs: it exists, for each of them has both energies."""
    assert number is not None
    return number
