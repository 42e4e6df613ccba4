"""The budget against GUM Supplement 1 (JCGM 101): the same model, propagated by Monte Carlo.

Run: nice -n 19 .venv/bin/python -m tests.benchmarks.bench_gum_s1 [TRIALS]

Every trial draws what the budget declares (gain and offset rectangular, spread of the runs and of the baseline as
scaled t, the other lines by their distribution) and puts it through the measurement model itself, not through the
budget's sensitivities. Its section 8 is the tolerance: the ends of the 95 % interval must agree to half a unit of the
second significant digit of u. Prints one JSON line a case.
"""

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from reports.energy.budget import Budget
from reports.energy.meter_error import ROOT_3, Floats
from tests.benchmarks.bench_coverage import Bench, Setting

TRIALS = 1_000_000
CASES: Mapping[str, Setting] = {
    # Many runs and many blocks and no single rectangular line that rules: where the GUM's own approximation holds.
    "one range, same session": Setting("mc", 60, 40, run_sd_w=5.0, gain_percent=3.0, clock_bound_s=0.05),
    "another session": Setting("mc", 60, 40, run_sd_w=4.0, gain_percent=1.0, offset_w=0.8, same_session=False),
    "automatic range": Setting("mc", 60, 40, run_sd_w=4.0, gain_percent=1.0, fixed_range=False),
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Ends of the 95 % interval relative to the value (Wh), by budget (U) and by Monte Carlo, and the tolerance."""

    budget_u: float
    budget_expanded: float
    monte_carlo_u: float
    monte_carlo_low: float
    monte_carlo_high: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """JCGM 101, 8.1: both ends within the tolerance."""
        ends = (self.budget_expanded - self.monte_carlo_high, -self.budget_expanded - self.monte_carlo_low)
        return all(abs(difference) <= self.tolerance for difference in ends)


def compare(setting: Setting, trials: int, seed: int = 7) -> Agreement:
    """One campaign of the setting, its induced energy by both ways."""
    random = np.random.default_rng(seed)
    group, _truth = Bench(setting).campaign(random)
    budget = group.induced_budget
    assert budget is not None
    estimate = budget.number.estimate
    assert estimate.u is not None
    assert estimate.expanded is not None
    drawn = _draw(budget, setting, group.energies_wh, group.induced_wh, random, trials)
    low, high = np.quantile(drawn, [0.025, 0.975]) - estimate.value
    exponent = math.floor(math.log10(estimate.u)) - 1
    return Agreement(estimate.u, estimate.expanded, float(drawn.std()), float(low), float(high), 0.5 * 10.0**exponent)


def _draw(
    budget: Budget, setting: Setting, energies_wh: Floats, induced_wh: Floats, random: np.random.Generator, trials: int
) -> Floats:
    """Values of the measurand: E (1 + g) - B (1 + g') + T (o - o') and what else the budget names."""

    def rectangular(half: float) -> Floats:
        return random.uniform(-half, half, trials)

    total, base = float(energies_wh.mean()), float((energies_wh - induced_wh).mean())
    gain, offset = setting.gain_percent / 100, setting.offset_w
    gain_run = rectangular(gain)
    gain_base = gain_run if setting.fixed_range else rectangular(gain)
    offset_run = rectangular(offset)
    cancels = setting.same_session and setting.fixed_range
    offset_base = offset_run if cancels else rectangular(offset)
    hours = setting.duration_s / 3600
    values = total * (1 + gain_run) - base * (1 + gain_base) + hours * (offset_run - offset_base)
    for line in budget.lines:
        if line.source in ("runs", "autocorrelation"):
            continue
        if line.source == "baseline":
            values += line.u * random.standard_t(line.dof, trials)
        elif line.source not in ("gain", "offset"):
            values += rectangular(line.u * ROOT_3)
    runs = [line for line in budget.lines if line.source in ("runs", "autocorrelation")]
    spread = math.hypot(*(line.u for line in runs))
    return np.asarray(values + spread * random.standard_t(runs[0].dof, trials))


def main(trials: int) -> None:
    """One JSON line a case."""
    for name, setting in CASES.items():
        found = compare(setting, trials)
        print(json.dumps({"case": name, "trials": trials, **asdict(found), "agrees": found.agrees}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS)
