"""Campaigns of known truth for the two-stage plan, drawn without readings."""

import numpy as np

from reports.inference.planning import Pilot, PilotBaseline

TRUE_WH, BASE_W, HOURS = 1.0, 11.0, 0.1


class Simulated:
    """Campaigns of known truth: normal runs, normal block means, P_B a straight line through neighbouring blocks."""

    def __init__(self, sd_wh: float, sd_w: float) -> None:
        self.dice = np.random.default_rng(20261121)
        self.sd_wh, self.sd_w = sd_wh, sd_w

    def runs(self, number: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        return self.dice.normal(TRUE_WH + HOURS * BASE_W, self.sd_wh, number)

    def blocks(self, number: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        return self.dice.normal(BASE_W, self.sd_w, number)


def estimated(
    runs: "np.ndarray[tuple[int], np.dtype[np.float64]]", blocks: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> tuple[Pilot, PilotBaseline]:
    weights = np.full(blocks.size, 1 / (blocks.size - 1))
    weights[[0, -1]] /= 2
    energy_wh = float(runs.mean() - HOURS * blocks @ weights)
    pilot = Pilot(energy_wh, float(runs.std(ddof=1)), runs.size, HOURS)
    return pilot, PilotBaseline(float(blocks.std(ddof=1)), blocks.size, HOURS)
