"""How often the stated 95 % intervals of lag, share and offset hold the truth of a virtual SUT; what a lag costs.

Run: nice -n 10 .venv/bin/python -m tests.benchmarks.bench_qualification [DRAWS] [CELL...]

A cell is a setting of `virtual_sut` and an estimator; its draws have a seed of their own. Asked is that at least 93 %
are covered, less two standard errors at the level of Bonferroni's over all cells, and at most 97 % (plus as much) where
noise dominates; and that at least 99 % of constant traces are refused. Printed is a row of a Markdown table a cell.
`speed` prints the lag of two day-long 1 Hz traces beside numpy's FFT correlation of the same arrays.
"""

import math
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtri

from reports.qualification.lag import Record, lag_of
from reports.qualification.share import RunMeans, WallError, run_means, seen_share
from reports.qualification.trace import of_windows
from reports.qualification.transfer import LevelRun, predicted_w, transfer_of
from reports.results.software_meter import Lag, LagMethod, LoadKind, Refusal, SeenShare, Transfer
from reports.results.uncertainty import Number
from tests.benchmarks.virtual_sut import Setting, record

DRAWS = 2000
LEAST, MOST, REFUSED = 0.93, 0.97, 0.99
TWO_STANDARD_ERRORS = 0.0228
"""How rarely a figure lies two standard errors below: the level that Bonferroni divides by the number of cells."""
Draw = Callable[[np.random.Generator], "tuple[Number, float] | None"]
"""An estimate with its truth; None: refused."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting under one estimator. `noise_dominates`: U may not be wider than needed. `is_constant`: nothing can be
    told, and has to be refused."""

    name: str
    draw: Draw
    noise_dominates: bool = False
    is_constant: bool = False


def cells() -> Iterator[Cell]:
    """Every cell."""
    yield from _lag_cells("cross-correlation", Setting("switched"))
    yield from _lag_cells("likelihood", Setting("natural", load="natural", duration_s=600.0))
    yield from _constant_cells()
    yield from _share_cells()
    yield from _transfer_cells()


# --- lag ------------------------------------------------------------------------------------------------------------


def _lag_cells(method: LagMethod, plain: Setting) -> Iterator[Cell]:
    changes: dict[str, dict[str, Any]] = {
        "lag 0 s": {"lag_s": 0.0},
        "lag 0.5 s": {},
        "lag 1.7 s": {"lag_s": 1.7},
        "lag 3 s": {"lag_s": 3.0},
        "lag -2 s": {"lag_s": -2.0},
        "quiet": {"noise_w": 0.1, "wall_noise_w": 0.05},
        "window 3 s": {"window_s": 3.0},
        "window 0.1 s": {"window_s": 0.1},
        "update 1 s": {"update_s": 1.0},
        "update 5 s": {"update_s": 5.0},
        "quantum 1 W": {"quantum_w": 1.0},
        "quantum 36 W": {"quantum_w": 36.0},
        "quantum 36 W, update 5 s": {"quantum_w": 36.0, "update_s": 5.0},
        "drops 20 %": {"drops": 0.2},
        "small share": {"share": 0.05, "noise_w": 0.3},
    }
    if method == "cross-correlation":
        changes["read at 10 Hz"] = {"asked_s": 0.1}
    noisy: dict[str, dict[str, Any]] = {
        "noise 10 W": {"noise_w": 10.0},
        "noise 10 W, lag 3 s": {"noise_w": 10.0, "lag_s": 3.0},
        "noise 10 W, memory .8": {"noise_w": 10.0, "memory": 0.8},
    }
    for name, change in (changes | noisy).items():
        setting = replace(plain, **change)
        yield Cell(f"lag, {method}, {plain.name}, {name}", _lag_draw(setting, method), noise_dominates=name in noisy)


def _constant_cells() -> Iterator[Cell]:
    changes: dict[str, dict[str, Any]] = {
        "": {},
        ", noise 10 W": {"noise_w": 10.0},
        ", memory .9": {"noise_w": 5.0, "wall_noise_w": 5.0, "memory": 0.9},
        ", memory .99": {"noise_w": 5.0, "wall_noise_w": 5.0, "memory": 0.99},
        ", quantum 1 W": {"quantum_w": 1.0},
        ", quantum 36 W, update 5 s": {"quantum_w": 36.0, "noise_w": 20.0, "update_s": 5.0},
    }
    for name, change in changes.items():
        setting = replace(Setting("constant", load="constant"), **change)
        yield Cell(f"lag, constant{name}", _lag_draw(setting, "cross-correlation"), is_constant=True)


def _lag_draw(setting: Setting, method: LagMethod) -> Draw:
    def draw(rng: np.random.Generator) -> tuple[Number, float] | None:
        made = record(setting, rng)
        lag = lag_of([Record("run", made.wall, made.times_s, made.power_w)], method)
        return (lag.lag_s, made.lag_s) if isinstance(lag, Lag) else None

    return draw


# --- share ----------------------------------------------------------------------------------------------------------

UNKNOWN_LAG = Refusal("constant", "")


def _share_cells() -> Iterator[Cell]:
    plain = Setting("share", load="constant", duration_s=120.0, offset_w=0.0, lag_s=1.0)
    for n in (3, 5, 25):
        yield Cell(f"share, {n} runs", _share_draw(plain, n, 0.01, 0.0), noise_dominates=True)
        yield Cell(f"share, {n} runs, wall limits 1 %", _share_draw(plain, n, 0.002, 0.01))
    yield Cell("share, 3 runs, drops 20 %", _share_draw(replace(plain, drops=0.2), 3, 0.01, 0.0), noise_dominates=True)
    quantised = replace(plain, quantum_w=36.0, update_s=5.0)
    yield Cell("share, 3 runs, quantum 36 W, update 5 s", _share_draw(quantised, 3, 0.002, 0.005))
    yield Cell("share, 1 run, wall limits 1 %", _share_draw(plain, 1, 0.0, 0.01))


def _share_draw(setting: Setting, n: int, scatter: float, limit: float) -> Draw:
    """`scatter`: relative standard deviation of the share from run to run; `limit`: of the wall's error, a part of the
    reading, which all runs have in common. The level is another in each draw."""

    def draw(rng: np.random.Generator) -> tuple[Number, float] | None:
        gain, level_w = 1 + rng.uniform(-limit, limit), rng.uniform(70.0, 160.0)
        runs = [_run(replace(setting, share=0.6 * (1 + scatter * rng.normal()), level_w=level_w + rng.normal()), gain,
                     rng) for _ in range(n)]  # fmt: skip
        quantum_u_w = setting.quantum_w / (2 * math.sqrt(3))
        seen = seen_share([run for run in runs if isinstance(run, RunMeans)], WallError(limit / math.sqrt(3), 0.0),
                          quantum_u_w)  # fmt: skip
        return (seen.share, 0.6) if isinstance(seen, SeenShare) else None

    return draw


def _run(setting: Setting, gain: float, rng: np.random.Generator) -> RunMeans | Refusal:
    made = record(setting, rng)
    wall = replace(made.wall, energy_j=made.wall.energy_j * gain)
    software = of_windows(made.times_s, made.power_w, setting.asked_s)
    inside = (made.times_s > 20) & (made.times_s < 100)
    return run_means("run", wall, software, (20.0, 100.0), UNKNOWN_LAG, made.power_w[inside])


# --- transfer -------------------------------------------------------------------------------------------------------

KINDS: tuple[LoadKind, ...] = ("cpu", "gpu")
OFFSET_W, GAIN = 30.0, 1.25


def _transfer_cells() -> Iterator[Cell]:
    for kinds in (KINDS[:1], KINDS):
        for name, noise_w in (
            ("both sides alike", (0.5, 0.5)),
            ("software noisy", (2.0, 0.2)),
            ("wall noisy", (0.1, 2.0)),
        ):
            named = f"{len(kinds)} kind{'s' * (len(kinds) > 1)}, {name}"
            yield Cell(f"offset, {named}", _offset_draw(kinds, noise_w, 0.0), noise_dominates=True)
            yield Cell(f"prediction, {named}", _prediction_draw(kinds, noise_w))
    yield Cell("offset, 1 kind, quantum 36 W", _offset_draw(KINDS[:1], (0.5, 0.5), 36.0))


def _level_runs(
    kinds: Sequence[LoadKind], noise_w: tuple[float, float], quantum_w: float, rng: np.random.Generator
) -> list[LevelRun]:
    """Five levels a kind, three times, in random order: wall = 30 + 1.25 software, levels that differ by draw."""
    cells = [(kind, level, 20.0 + 30 * level + rng.uniform(-10, 10)) for kind in kinds for level in range(5)]
    runs: list[LevelRun] = []
    for _ in range(3):
        for place in rng.permutation(len(cells)):
            kind, level, true_w = cells[place]
            software_w = true_w + noise_w[0] * rng.normal()
            if quantum_w:
                software_w = round(software_w / quantum_w) * quantum_w
            wall_w = OFFSET_W + GAIN * true_w + noise_w[1] * rng.normal()
            runs.append(LevelRun(len(runs), "run", f"{kind}{level}", kind, 25.0 * level, software_w, noise_w[0],
                                 quantum_w / math.sqrt(12), wall_w, noise_w[1]))  # fmt: skip
    return runs


def _offset_draw(kinds: Sequence[LoadKind], noise_w: tuple[float, float], quantum_w: float) -> Draw:
    def draw(rng: np.random.Generator) -> tuple[Number, float] | None:
        transfer = transfer_of(_level_runs(kinds, noise_w, quantum_w, rng), WallError(0.0, 0.0))
        return (transfer.offset_w, OFFSET_W) if isinstance(transfer, Transfer) else None

    return draw


def _prediction_draw(kinds: Sequence[LoadKind], noise_w: tuple[float, float]) -> Draw:
    """The wall at a load that was not measured, its software meter as noisy as before."""

    def draw(rng: np.random.Generator) -> tuple[Number, float] | None:
        transfer = transfer_of(_level_runs(kinds, noise_w, 0.0, rng), WallError(0.0, 0.0))
        true_w = rng.uniform(50.0, 110.0)
        if isinstance(transfer, Refusal):
            return None
        predicted = predicted_w(transfer, "cpu", true_w + noise_w[0] * rng.normal(), noise_w[0])
        return None if isinstance(predicted, Refusal) else (predicted, OFFSET_W + GAIN * true_w)

    return draw


# --- what comes of it -----------------------------------------------------------------------------------------------


def row_of(cell: Cell, draws: int, n_cells: int) -> str:
    """The row of one cell: draws, refused, mean error and its spread, mean u, covered, and whether that is enough."""
    rng = np.random.default_rng(zlib.crc32(cell.name.encode()))
    found = [cell.draw(rng) for _ in range(draws)]
    told = [one for one in found if one is not None]
    refused = 1 - len(told) / draws
    if cell.is_constant:
        verdict = "holds" if refused >= REFUSED else "**missed**"
        return f"| {cell.name} | {draws} | {refused:.2%} | | | | | {verdict} |"
    errors = np.array([number.value - truth for number, truth in told])
    covered = float(np.mean([abs(number.value - truth) <= (number.expanded or 0.0) for number, truth in told]))
    u = float(np.mean([number.estimate.u or 0.0 for number, _ in told]))
    margin = float(-ndtri(TWO_STANDARD_ERRORS / n_cells)) * math.sqrt(LEAST * (1 - LEAST) / len(told))
    is_enough = covered >= LEAST - margin and not (cell.noise_dominates and covered > MOST + margin)
    noise = " (noise)" if cell.noise_dominates else ""
    figures = f"{refused:.2%} | {errors.mean():+.2g} | {errors.std():.2g} | {u:.2g} | {covered:.2%}{noise}"
    return f"| {cell.name} | {draws} | {figures} | {'holds' if is_enough else '**missed**'} |"


def speed() -> str:
    """CPU of the lag of two day-long 1 Hz traces, and of numpy's FFT correlation of the same arrays."""
    rng = np.random.default_rng(1)
    n = 86_400
    power_w = np.repeat(rng.uniform(60, 160, n // 20), 20)
    wall_w, software_w = power_w + rng.normal(0, 0.5, n), 0.6 * np.roll(power_w, 2) + rng.normal(0, 1, n)
    times_s = np.arange(1.0, n + 1)
    given = Record("day", of_windows(times_s, wall_w, 1.0), times_s + 0.3, software_w)

    def by_numpy() -> object:
        return np.fft.irfft(np.fft.rfft(software_w, 2 * n) * np.conj(np.fft.rfft(wall_w, 2 * n)), 2 * n)

    numpy_ms, ours_ms, likelihood_ms = (
        min(_cpu_ms(work) for _ in range(repeats))
        for work, repeats in (
            (by_numpy, 15),
            (lambda: lag_of([given], "cross-correlation"), 15),
            (lambda: lag_of([given], "likelihood"), 3),
        )
    )
    return (
        f"day-long lag: cross-correlation {ours_ms:.1f} ms CPU, numpy's FFT correlation {numpy_ms:.1f} ms, ratio "
        f"{ours_ms / numpy_ms:.2f}; likelihood {likelihood_ms:.0f} ms"
    )


def _cpu_ms(work: Callable[[], object]) -> float:
    begin_s = time.process_time()
    work()
    return 1000 * (time.process_time() - begin_s)


def main(draws: int, names: Sequence[str]) -> None:
    """The row of every cell whose name has one of `names` in it."""
    every = list(cells())
    if not names or "speed" in names:
        print(speed(), flush=True)
    for cell in every:
        if not names or any(name in cell.name for name in names):
            print(row_of(cell, draws, len(every)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS, sys.argv[2:])
