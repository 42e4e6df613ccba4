"""How often U covers the truth: whole campaigns at reading level, in virtual time, through the analysis itself.

Run: nice -n 19 .venv/bin/python -m tests.benchmarks.bench_coverage [CAMPAIGNS] [SETTING...]

A campaign is a machine of known power: baseline blocks and runs in turn, each run `load_w` above a baseline that
drifts, with noise that is correlated from reading to reading and a load that differs a little from run to run. Its
meter errs by a gain and an offset drawn within the declared limits, one for the whole campaign; its stamps lie anywhere
between the edges; the edges themselves come with a clock error drawn within its bound. The readings go into RunSeries,
AnalysedRun and Group as read from a folder would; asked is whether value +- U holds the energy put in. Printed is one
JSON line a setting; 2000 campaigns take some minutes each.
"""

import itertools
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import PowerDescriptor, Start, Stop
from harness.record.run_folder import RunFolder
from reports.campaign.baseline import Baseline
from reports.campaign.group import Group
from reports.campaign.run import AnalysedRun
from reports.energy.budget import of_one
from reports.readings.clock import ClockModel
from reports.readings.series import Action, PowerSeries, RunSeries

CAMPAIGNS = 2000
ORIGIN_NS = 3_600 * 10**9
PAUSE_S, MARGIN_S = 20.0, 3.0
RANGE_W = 500.0
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Setting:
    """A machine, a plan and a meter. `noise_w`: SD of the readings, `memory` their correlation from one to the next;
    `run_sd_w`: SD of the load between runs; `drift_w`: of the baseline over the campaign. `gain_percent`, `offset_w`:
    limits of error; `type_a`: whether the spread of runs and blocks dominates. `block_s`: length of a block where it is
    not a run's; `window_s`: what an averaging meter looks back over, with a reading a second; `beside_w`: another load
    that follows at once; `curve_w`: how much higher the baseline is in the middle of the campaign (half a sine)."""

    name: str
    runs: int
    blocks: int = 6
    averaging: Literal["window", "instantaneous"] = "window"
    duration_s: float = 60.0
    load_w: float = 20.0
    noise_w: float = 0.5
    memory: float = 0.0
    run_sd_w: float = 0.3
    drift_w: float = 0.0
    gain_percent: float = 0.1
    offset_w: float = 0.05
    clock_bound_s: float = 0.0
    resolution_w: float = 0.01
    same_session: bool = True
    type_a: bool = True
    base_w: float = 40.0
    fixed_range: bool = True
    epochs: int = 0
    block_s: float = 0.0
    window_s: float = 1.0
    beside_w: float = 0.0
    curve_w: float = 0.0


def settings() -> Iterator[Setting]:
    """Every setting; n = 3, 10 and 30 runs of each."""
    for runs in (3, 10, 30):
        blocks = {3: 4, 10: 6, 30: 8}[runs]
        spread = Setting(f"short-{runs}", runs, blocks, type_a=False)
        wide = replace(spread, name=f"spread-{runs}", duration_s=120.0, run_sd_w=1.5, type_a=True)
        yield wide
        yield replace(wide, name=f"correlated-{runs}", memory=0.9, noise_w=2.0)
        yield replace(wide, name=f"instantaneous-{runs}", averaging="instantaneous")
        # As much drift as the finding `baseline-drift` lets pass.
        yield replace(wide, name=f"drift-{runs}", drift_w=0.1, memory=0.5)
        # Drift counts as scatter of the blocks, and is taken out of the runs: the more, the more conservative is U.
        yield replace(wide, name=f"strong-drift-{runs}", drift_w=2.0, memory=0.5, type_a=False)
        yield replace(spread, name=f"gain-{runs}", gain_percent=3.0)
        yield replace(spread, name=f"other-session-{runs}", offset_w=1.0, same_session=False)
        yield replace(spread, name=f"clock-{runs}", clock_bound_s=1.0, duration_s=20.0, run_sd_w=0.05)
        yield replace(spread, name=f"steps-{runs}", duration_s=10.0, noise_w=0.05, run_sd_w=0.02)
        yield replace(spread, name=f"all-{runs}", averaging="instantaneous", memory=0.8, drift_w=0.5, gain_percent=1.5,
                      clock_bound_s=0.2, resolution_w=0.1)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Truth:
    """What was put in (Wh per run): induced, and in total; `runs_wh` is what each single run really induced."""

    induced_wh: float
    gross_wh: float
    runs_wh: Floats


class Bench:
    """One setting's meter and machine."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        accuracy = {"reading_percent": setting.gain_percent, "range_percent": 100 * setting.offset_w / RANGE_W,
                    "counts": 0.0, "source": "drawn"}  # fmt: skip
        column = {"name": "power_w", "unit": "W", "resolution": setting.resolution_w, "range": [0.0, RANGE_W],
                  "accuracy": accuracy}  # fmt: skip
        self.descriptor = PowerDescriptor(
            stream="readings-wall.csv", meter="wall", circuit="sut-ac-inlet", identity={}, origin="emulated",
            evidence={}, averaging=setting.averaging,
            window_s=setting.window_s if setting.averaging == "window" else 0.0,
            stamp="end", latency_s=0.0, columns=[column], ranging="fixed" if setting.fixed_range else "auto",
        )  # fmt: skip
        self.run = _folder(self.descriptor, "scenario", "a")
        self.block = _folder(self.descriptor, "baseline", "a" if setting.same_session else "b")
        bound_ns = round(setting.clock_bound_s * 1e9)
        self.clock = ClockModel(0, 0, 0.0, bound_ns, 9, 9, 0, 10**15, ()) if bound_ns else None
        self.is_block = _order(setting.runs, setting.blocks)

    def campaign(self, random: np.random.Generator) -> tuple[Group, Truth]:
        """One campaign and what was put into it."""
        how = self.setting
        gain = 1 + random.uniform(-1, 1) * how.gain_percent / 100
        lengths_s = np.where(self.is_block, how.block_s or how.duration_s, how.duration_s)
        begins_s = np.concatenate([[0.0], np.cumsum(lengths_s + PAUSE_S + 2 * MARGIN_S)[:-1]])
        # The load's step where the drift is steepest would favour nobody: a straight line and a slow wave.
        through = begins_s / begins_s[-1]
        wave = how.drift_w * (through + 0.25 * np.sin(2 * np.pi * (through + random.uniform())))
        wave = wave + how.curve_w * np.sin(np.pi * through)
        loads_w = self._loads_w(random)
        bases_w = how.base_w + wave
        offsets_w = random.uniform(-1, 1, 2) * how.offset_w
        if how.same_session:
            offsets_w[1] = offsets_w[0]
        late_s = random.uniform(-1, 1) * how.clock_bound_s
        analysed, own_j = [], []
        for i, block in enumerate(self.is_block.tolist()):
            stamps_s, power_w, noise_j = self._readings(random, loads_w[i], bases_w[i], lengths_s[i], block=block)
            read_w = power_w * gain + offsets_w[int(block)]
            read_w = np.round(read_w / how.resolution_w) * how.resolution_w
            edges_s = begins_s[i] + late_s, begins_s[i] + lengths_s[i] + late_s
            analysed.append(self._analysed(block, begins_s[i] + stamps_s, read_w, edges_s))
            own_j.append(loads_w[i] * lengths_s[i] + noise_j)
        runs = [one for one, block in zip(analysed, self.is_block, strict=True) if not block]
        blocks = [one for one, block in zip(analysed, self.is_block, strict=True) if block]
        hours = how.duration_s / 3600
        base_w = float(bases_w[~self.is_block].mean())
        own_wh = np.array(own_j)[~self.is_block] / 3600
        truth = Truth(how.load_w * hours, (how.load_w + base_w) * hours, own_wh)
        return Group(runs, Baseline(blocks)), truth

    def _loads_w(self, random: np.random.Generator) -> Floats:
        """What each run adds to the machine's power; blocks add nothing."""
        how, count = self.setting, self.is_block.size
        return np.where(self.is_block, 0.0, how.load_w + how.run_sd_w * random.standard_normal(count))

    def _readings(
        self, random: np.random.Generator, load_w: float, base_w: float, length_s: float, *, block: bool
    ) -> tuple[Floats, Floats, float]:
        """Stamps (s since the run's beginning) and powers (W) of one run before the meter; the noise's own energy in
        the run (J): the windows' noise is real, that between instantaneous values averages out."""
        how = self.setting
        looks_back = round(how.window_s) if how.averaging == "window" else 1
        ticks = np.arange(int(length_s + 2 * MARGIN_S) + looks_back)
        stamps_s = ticks - MARGIN_S - looks_back + 1 + random.uniform()
        noise_w = how.noise_w * random.standard_normal(ticks.size)
        for k in range(1, ticks.size if how.memory else 0):
            noise_w[k] = how.memory * noise_w[k - 1] + math.sqrt(1 - how.memory**2) * noise_w[k]
        windowed = how.averaging == "window"
        if windowed:
            share = np.clip(stamps_s, 0, length_s) - np.clip(stamps_s - 1, 0, length_s)
            after = np.clip(stamps_s - length_s, 0, 1)
        else:
            share = ((stamps_s > 0) & (stamps_s <= length_s)).astype(np.float64)
            after = (stamps_s > length_s).astype(np.float64)
        noise_j = float((noise_w * share).sum()) if windowed else 0.0
        power_w = base_w + load_w * share + noise_w + (0.0 if block else how.beside_w) * after
        if looks_back > 1:
            power_w = np.convolve(power_w, np.full(looks_back, 1 / looks_back), mode="valid")
        return np.asarray(stamps_s[looks_back - 1 :]), np.asarray(power_w, dtype=np.float64), noise_j

    def _analysed(self, block: bool, stamps_s: Floats, power_w: Floats, edges_s: tuple[float, float]) -> AnalysedRun:
        times_ns = ORIGIN_NS + np.rint(stamps_s * 1e9).astype(np.int64)
        window_s = np.full(times_ns.size, self.descriptor.window_s)
        series = PowerSeries(self.descriptor, times_ns, power_w, window_s, None, np.zeros(0, dtype=np.int64))
        folder = self.block if block else self.run
        begin_ns, end_ns = (ORIGIN_NS + round(edge * 1e9) for edge in edges_s)
        read = RunSeries(folder, self.clock, begin_ns, end_ns, () if block else self._epochs(begin_ns, end_ns))
        vars(read)["power"] = {"wall": series}  # what RunSeries would read from the run folder
        return AnalysedRun(folder, read)

    def _epochs(self, begin_ns: int, end_ns: int) -> tuple[Action, ...]:
        """Equal parts of the run."""
        edges = np.linspace(begin_ns, end_ns, self.setting.epochs + 1).astype(np.int64).tolist()
        pairs = enumerate(itertools.pairwise(edges)) if self.setting.epochs else ()
        return tuple(Action("epoch", index, begin, end, {}, None) for index, (begin, end) in pairs)


def _folder(descriptor: PowerDescriptor, kind: Literal["scenario", "baseline"], boot: str) -> RunFolder:
    start = Start(
        uid="0", campaign="coverage", ordinal=1, attempt=1, kind=kind, scenario=kind, repetition=1, seed=1, block=None,
        time_base="host-monotonic", time_ns=0, utc="2026-11-21T08:00:00Z", previous_manifest=None,
        sut={"boot_id": boot}, host={"boot_id": boot}, inputs={}, software={}, operator="", config={},
        scenario_config={},
    )  # fmt: skip
    stop = Stop(time_ns=1, utc=start.utc, exit_status="success", reason=None, streams={})
    return RunFolder(Path("virtual"), start, (descriptor,), (), (), stop)


def _order(runs: int, blocks: int) -> NDArray[np.bool_]:
    """Blocks before, between and after the runs."""
    before = np.linspace(0, runs, blocks).round().astype(int)
    order: list[bool] = []
    for position in range(runs + 1):
        order += [True] * int(np.sum(before == position)) + [False] * (position < runs)
    return np.array(order)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which part of the intervals held the truth: of the campaigns' means, and (`single`) of single runs."""

    campaigns: int
    induced: float
    gross: float
    single: float
    type_a_share: float
    wall_s: float


def coverage(setting: Setting, campaigns: int, seed: int = 1) -> Coverage:
    """Simulate a setting. The type A share is that of the variance of the induced energy, in the mean."""
    bench, random = Bench(setting), np.random.default_rng([seed, sum(map(ord, setting.name))])
    begin = time.monotonic()
    hits = np.zeros(3)
    type_a = 0.0
    for _ in range(campaigns):
        group, truth = bench.campaign(random)
        budgets = group.induced_budget, group.gross_budget
        for place, (budget, true_wh) in enumerate(zip(budgets, (truth.induced_wh, truth.gross_wh), strict=True)):
            assert budget is not None
            estimate = budget.number.estimate
            assert estimate.expanded is not None
            hits[place] += abs(estimate.value - true_wh) <= estimate.expanded
        singles = [of_one(terms, "induced") for terms in group.terms]
        away_j = np.array([one.energy_j[0] for one in singles]) - truth.runs_wh * 3600
        hits[2] += np.mean(np.abs(away_j) <= [one.expanded_j[0] for one in singles])
        assert budgets[0] is not None
        type_a += sum(line.share or 0.0 for line in budgets[0].lines if line.type == "A")
    induced, gross, single = (float(part) for part in hits / campaigns)
    wall_s = time.monotonic() - begin
    return Coverage(campaigns, induced, gross, single, type_a / campaigns, round(wall_s, 1))


def main(campaigns: int, names: Sequence[str]) -> None:
    """One JSON line a setting."""
    for setting in settings():
        if not names or setting.name in names:
            found = coverage(setting, campaigns)
            print(json.dumps({"setting": setting.name, **asdict(found), "type_a": setting.type_a}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CAMPAIGNS, sys.argv[2:])
