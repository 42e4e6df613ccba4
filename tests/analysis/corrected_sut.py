"""A virtual SUT of known truth that is qualified, and later recorded without a meter: for `bench_correct`, and tests.

Knows what wall and software meter are in truth, and draws what both say. Knows no estimator but those of the product.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reports.qualification.correction import CorrectedRun, corrected_log
from reports.qualification.share import WallError
from reports.qualification.transfer import LevelRun, transfer_of
from reports.readings.software import SoftwareTrace
from reports.results.qualification import Qualification
from reports.results.software_meter import Lag, LoadKind, Transfer
from reports.results.uncertainty import Estimate, Number
from tests.analysis.unmetered import GAIN, IDLE_W, LAG_S, METER, OFFSET_W, certificate

Floats = NDArray[np.float64]
LEVELS, REPETITIONS = (20.0, 40.0, 60.0, 80.0, 100.0), 3
FULL_W = 120.0
"""What a full load adds, as the software meter says."""
ROOT_3 = 3**0.5


@dataclass(frozen=True, slots=True)
class VirtualSut:
    """The truth, and how well it is known. `scatter_w`: of a run's mean about the truth, of either meter; `bend_w`: how
    far the middle of the range lies from the line; `kind_w`: by how much the kinds differ at full load; `wall_percent`,
    `wall_w`: limits of error of the wall, common to all runs; `lag_u_s`: how well the lag is known."""

    kinds: Sequence[LoadKind] = ("gpu",)
    scatter_w: float = 0.3
    bend_w: float = 0.0
    kind_w: float = 0.0
    wall_percent: float = 0.5
    wall_w: float = 0.2
    lag_u_s: float = 0.02
    noise_w: float = 1.0

    def wall(self, software_w: Floats | float, kind: LoadKind) -> Floats:
        """The wall in truth (W)."""
        x = (np.asarray(software_w) - IDLE_W) / FULL_W
        apart = 0.0 if kind == "idle" else self.kind_w * (self.kinds.index(kind) - (len(self.kinds) - 1) / 2)
        return np.asarray(OFFSET_W + GAIN * np.asarray(software_w) + 4 * self.bend_w * x * (1 - x) + apart * x)

    def certificate(self, random: np.random.Generator) -> Qualification:
        """Of one qualification, which errs as it may."""
        limits = self.wall_percent / 100, self.wall_w
        gain, offset_w = (float(random.uniform(-limit, limit)) for limit in limits)
        loads: list[tuple[LoadKind, float]] = [
            ("idle", 0.0),
            *((kind, level) for kind in self.kinds for level in LEVELS),
        ]
        order = [loads[place] for _ in range(REPETITIONS) for place in random.permutation(len(loads))]
        runs = []
        for place, (kind, level) in enumerate(order):
            software_w = IDLE_W + FULL_W * level / 100
            wall_w = float(self.wall(software_w, kind)) * (1 + gain) + offset_w
            said_w, seen_w = (value + random.normal(0.0, self.scatter_w) for value in (software_w, wall_w))
            stated = self.scatter_w / 2
            runs.append(
                LevelRun(place, f"{place}", f"{kind}-{level}", kind, level, said_w, stated, 0.0, seen_w, stated)
            )
        line = transfer_of(runs, WallError(*(limit / ROOT_3 for limit in limits)))
        assert isinstance(line, Transfer)
        document = certificate(line)
        late_s = LAG_S + random.normal(0.0, self.lag_u_s)
        bound = 1.96 * self.lag_u_s
        lag = Lag(
            "likelihood", Number(Estimate(late_s, self.lag_u_s, 30.0), "s"), (late_s - bound, late_s + bound), 0.99, ()
        )
        return replace(document, meters=(replace(document.meters[0], lag_switched=lag),))

    def later(
        self, document: Qualification, kind: LoadKind, level: float, random: np.random.Generator
    ) -> tuple[CorrectedRun, float]:
        """A log of two minutes at a level, corrected, and the energy at the wall in truth (Wh)."""
        times_s = np.arange(0.0, 121.0) + random.uniform(0.0, 1.0)
        software_w = IDLE_W + FULL_W * level / 100
        own_w = software_w + random.normal(0.0, self.scatter_w)
        power_w = own_w + random.normal(0.0, self.noise_w, times_s.size)
        stamps = (times_s * 1e9).astype(np.int64)
        trace = SoftwareTrace(METER, "gauge", "", "", 1.0, stamps, power_w)
        truth_w = float(self.wall(software_w, kind)) + random.normal(0.0, self.scatter_w)
        return corrected_log(trace, document, "c" * 64, kind), truth_w * 120.0 / 3600
