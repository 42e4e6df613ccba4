"""How many runs and baseline blocks a wanted relative half-width needs: from a pilot, in two stages (method.md
section 8).

Knows the spread of a pilot and the arithmetic of Stein (Ann. Math. Stat. 16 (1945) 243). Knows no file and no plan.

The induced energy of a scenario is the mean over n runs less the baseline over their mean duration T, read between m
blocks that are spread evenly. With s the spread of the per-run values and s_B that of the block means, both from the
pilot of n1 runs and m1 blocks,

    U(n, m) = t(.975, nu) sqrt(s^2 / n + (T s_B)^2 w(m)),      w(m) = (m - 1.5) / (m - 1)^2
    nu      = u^4 / ((s^2/n)^2 / (n1 - 1) + ((T s_B)^2 w(m))^2 / (m1 - 1))                       (Welch-Satterthwaite)

w(m) is the sum of the squared weights of m blocks in the mean of a straight line through neighbouring ones: the first
and the last count half; it is a little more than 1/m. The final interval keeps s, s_B and nu of the pilot, whatever the
later runs show: then looking once costs no coverage, and its half-width is known beforehand. Wanted is

    U(n, m) <= d (|E| - t(share, nu1) u(n1, m1)) ,

d the relative half-width, E the pilot's mean: the mean of the whole campaign stays above the bracket in `share` of the
campaigns, and there U <= d |E|. Among the n and m that fulfil it those of the shortest campaign are taken.

A *new* campaign that is planned from another one cannot keep that one's s: its interval has its own. For it nu counts
n - 1 and m - 1, and s and s_B are taken at their upper limit for the share, s sqrt(nu1 / chi2(1 - share, nu1)).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import AnalysisError
from reports.results.baseline import BaselineResult
from reports.results.distributions import chdtri, stdtrit
from reports.results.scenario import ScenarioResult
from reports.results.statistics import Unreachable
from reports.results.uncertainty import Estimate, Number, Term, combine

LEAST_PILOT_RUNS = 10
"""Method.md section 8; fewer give a spread that is hardly known."""
LEAST_QUANTILE = 1.9599
"""No .975 quantile of Student's t is below that of the normal distribution, 1.95996."""
Measured: TypeAlias = tuple[Number | None, Number | None]
"""A quantity and the duration that belongs to it."""
FEW = 16
"""Numbers of runs that are tried at once."""


@dataclass(frozen=True, slots=True)
class Pilot:
    """One scenario in the pilot: mean and spread of the induced energy (Wh), runs, mean duration (h)."""

    energy_wh: float
    sd_wh: float
    runs: int
    duration_h: float


@dataclass(frozen=True, slots=True)
class PilotBaseline:
    """The baseline in the pilot: spread of the block means (W), blocks, duration of one (h)."""

    sd_w: float
    blocks: int
    duration_h: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """The relative half-width, in what share of campaigns, and no more than so many runs a scenario and blocks."""

    half_width: float
    share: float
    most_runs: int
    most_blocks: int
    keeps_pilot: bool
    """Whether the runs join the pilot in one campaign, whose interval then keeps the pilot's spread."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is needed: blocks, runs by scenario (those that can reach the half-width), why the others cannot."""

    blocks: int
    runs: dict[str, int]
    unreachable: dict[str, Unreachable]
    hours: float
    """Rating intervals of all of it, what the pilot has included."""


def pilots_of(
    baseline: BaselineResult | None, scenarios: Mapping[str, ScenarioResult]
) -> tuple[dict[str, Pilot], PilotBaseline]:
    """The pilots of every scenario with two runs, and the baseline.

    Raises:
        AnalysisError: none of them is there.
    """
    power = (None, None) if baseline is None else (baseline.mean_power_w, baseline.duration_s)
    return pilots_from(power, {name: (part.induced_energy_wh, part.duration_s) for name, part in scenarios.items()})


def pilots_from(baseline: Measured, scenarios: Mapping[str, Measured]) -> tuple[dict[str, Pilot], PilotBaseline]:
    """The same from the baseline's power and every scenario's induced energy, each with its duration.

    Raises:
        AnalysisError: none of them is there.
    """
    measured = {name: pilot_of(induced, _hours(duration)) for name, (induced, duration) in scenarios.items()}
    pilots = {name: pilot for name, pilot in measured.items() if pilot is not None}
    base = baseline_of(baseline[0], _hours(baseline[1]))
    if base is None or not pilots:
        raise AnalysisError("there is nothing to plan from: it takes two runs of a scenario and two baseline blocks")
    return pilots, base


def _hours(duration: Number | None) -> float:
    return math.nan if duration is None else duration.value / 3600


def pilot_of(induced: Number | None, duration_h: float) -> Pilot | None:
    """A scenario's pilot from its induced energy (Wh); None with fewer than two runs."""
    if induced is None or induced.sd is None or induced.n is None:
        return None
    return Pilot(induced.estimate.value, induced.sd, induced.n, duration_h)


def baseline_of(power: Number | None, duration_h: float) -> PilotBaseline | None:
    """The pilot's baseline from the mean of its blocks (W); None with fewer than two blocks."""
    return (
        None if power is None or power.sd is None or power.n is None else PilotBaseline(power.sd, power.n, duration_h)
    )


def block_weight(blocks: int) -> float:
    """w(m); one block has the weight 1."""
    return 1.0 if blocks == 1 else (blocks - 1.5) / (blocks - 1) ** 2


def final_interval(value_wh: float, pilot: Pilot, baseline: PilotBaseline, runs: int, blocks: int) -> Estimate:
    """The induced energy of a two-stage campaign of `runs` and `blocks`, its mean `value_wh`, with the pilot's
    spread."""
    u_runs, u_base = _parts(pilot, baseline, runs, blocks)
    return combine(value_wh, [Term(u_runs, pilot.runs - 1.0), Term(u_base, baseline.blocks - 1.0)])


def _parts(pilot: Pilot, baseline: PilotBaseline, runs: int, blocks: int) -> tuple[float, float]:
    u_base = pilot.duration_h * baseline.sd_w * math.sqrt(block_weight(blocks))
    return pilot.sd_wh / math.sqrt(runs), u_base


def sizes(pilots: Mapping[str, Pilot], baseline: PilotBaseline, wanted: Wanted) -> Sizes:
    """The runs and blocks of the shortest campaign that keeps the promise (module docstring)."""
    targets = {name: _target_wh(pilot, baseline, wanted) for name, pilot in pilots.items()}
    unreachable: dict[str, Unreachable] = {n: "not-above-zero" for n, target_wh in targets.items() if target_wh <= 0}
    spread = {name: _spread(pilot, wanted) for name, pilot in pilots.items() if name not in unreachable}
    base = _base_spread(baseline, wanted)
    for name, pilot in list(spread.items()):
        if _least_runs(pilot, base, targets[name], wanted, wanted.most_blocks) is None:
            unreachable[name] = "too-many"
            del spread[name]
    best: Sizes | None = None
    least = baseline.blocks if wanted.keeps_pilot else 2
    for blocks in range(least, max(wanted.most_blocks, least) + 1):
        hours = blocks * baseline.duration_h
        if best is not None and hours >= best.hours:
            break
        found = {name: _least_runs(pilot, base, targets[name], wanted, blocks) for name, pilot in spread.items()}
        runs = {name: number for name, number in found.items() if number is not None}
        if len(runs) < len(spread):
            continue
        hours += sum(number * pilots[name].duration_h for name, number in runs.items())
        if best is None or hours < best.hours:
            best = Sizes(blocks, runs, unreachable, hours)
    return best or Sizes(baseline.blocks, {}, unreachable, baseline.blocks * baseline.duration_h)


def _target_wh(pilot: Pilot, baseline: PilotBaseline, wanted: Wanted) -> float:
    """The half-width that keeps the promise; not above 0 where the pilot does not tell the energy from zero."""
    known = final_interval(pilot.energy_wh, pilot, baseline, pilot.runs, baseline.blocks)
    low_wh = abs(pilot.energy_wh) - float(stdtrit(known.dof or 1.0, wanted.share)) * (known.u or 0.0)
    return wanted.half_width * low_wh


def _spread(pilot: Pilot, wanted: Wanted) -> Pilot:
    if wanted.keeps_pilot:
        return pilot
    return replace(pilot, sd_wh=pilot.sd_wh * _upper(pilot.runs - 1, wanted.share))


def _base_spread(baseline: PilotBaseline, wanted: Wanted) -> PilotBaseline:
    if wanted.keeps_pilot:
        return baseline
    return replace(baseline, sd_w=baseline.sd_w * _upper(baseline.blocks - 1, wanted.share))


def _upper(dof: int, share: float) -> float:
    """The spread is below so many times the one found in `share` of all pilots."""
    return math.sqrt(dof / float(chdtri(dof, share)))


def _least_runs(pilot: Pilot, baseline: PilotBaseline, target_wh: float, wanted: Wanted, blocks: int) -> int | None:
    """The fewest runs with which these blocks are enough; None where none are, within the limit."""
    least = pilot.runs if wanted.keeps_pilot else 2
    numbers = np.arange(least, max(wanted.most_runs, least) + 1, dtype=np.float64)
    of_runs, of_base = _variances(pilot, baseline, numbers, blocks)
    possible = numbers[LEAST_QUANTILE * np.sqrt(of_runs + of_base) <= target_wh]
    while possible.size:  # quantiles cost much, and the first of these numbers are nearly always enough
        half_widths_wh = _half_widths_wh(pilot, baseline, possible[:FEW], blocks, wanted)
        enough = np.flatnonzero(half_widths_wh <= target_wh)
        if enough.size:
            return int(possible[enough[0]])
        possible = possible[FEW:]
    return None


def _half_widths_wh(
    pilot: Pilot, baseline: PilotBaseline, runs: NDArray[np.float64], blocks: int, wanted: Wanted
) -> NDArray[np.float64]:
    """U(n, m) for many n, shape (k,)."""
    of_runs, of_base = _variances(pilot, baseline, runs, blocks)
    dof_runs = np.full_like(runs, pilot.runs - 1.0) if wanted.keeps_pilot else runs - 1
    dof_base = (baseline.blocks if wanted.keeps_pilot else blocks) - 1.0
    total = of_runs + of_base
    with np.errstate(divide="ignore", invalid="ignore"):
        dof = total**2 / (of_runs**2 / dof_runs + of_base**2 / dof_base)
    return np.asarray(stdtrit(np.where(total > 0, dof, 1.0), 0.975) * np.sqrt(total))


def _variances(
    pilot: Pilot, baseline: PilotBaseline, runs: NDArray[np.float64], blocks: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """u^2 of the mean of many n runs and of the baseline's energy, each of shape (k,)."""
    of_base = (pilot.duration_h * baseline.sd_w) ** 2 * block_weight(blocks)
    return pilot.sd_wh**2 / runs, np.full_like(runs, of_base)
