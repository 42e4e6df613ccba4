"""How often the stated 95 % interval of an estimate by a qualified software meter holds the truth at the wall.

Run: nice -n 10 .venv/bin/python -m tests.benchmarks.bench_correct [DRAWS] [CELL...]

Every draw qualifies the virtual SUT of `tests.analysis.corrected_sut` anew (five levels of each kind and idle, three
times in drawn order, a wall with limits of error), by the product's own transfer function, and corrects a later record:
a log of two minutes, three of them in total, or a campaign without a meter and its induced energy. Seeds are fixed.
Asked is that at least 93 % are covered, less two standard errors at the level of Bonferroni's over the cells.
"""

import math
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from reports.campaign.analyse import analyse
from reports.qualification.correction import total_of
from reports.results.uncertainty import Number
from tests.analysis.corrected_sut import FULL_W, VirtualSut
from tests.analysis.unmetered import IDLE_W, Unmetered, text_of, unmetered_campaign
from tests.reports.make_campaign import Load

DRAWS = 500
LEAST = 0.93
TWO_STANDARD_ERRORS = 0.0228
Draw = Callable[[VirtualSut, np.random.Generator], "tuple[Number, float]"]
"""An estimate (Wh) with its truth."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One SUT under one use of its certificate."""

    name: str
    sut: VirtualSut
    draw: Draw


def cells() -> Iterator[Cell]:
    """Every cell."""
    suts = {
        "a straight line": VirtualSut(),
        "scatter 2 W": VirtualSut(scatter_w=2.0),
        "wall limits 2 %": VirtualSut(wall_percent=2.0, wall_w=1.0),
        "bent by 3 W": VirtualSut(bend_w=3.0),
        "two kinds, 4 W apart": VirtualSut(kinds=("gpu", "cpu"), kind_w=4.0),
        "lag known to 0.3 s": VirtualSut(lag_u_s=0.3),
    }
    for name, sut in suts.items():
        yield Cell(f"a log, {name}", sut, one_log)
        yield Cell(f"three logs in total, {name}", sut, three_logs)
        yield Cell(f"induced energy of a campaign, {name}", sut, induced)


def one_log(sut: VirtualSut, random: np.random.Generator) -> tuple[Number, float]:
    """A log of two minutes at any level."""
    run, truth_wh = sut.later(sut.certificate(random), "gpu", float(random.uniform(20.0, 100.0)), random)
    assert run.energy_wh is not None
    return run.energy_wh, truth_wh


def three_logs(sut: VirtualSut, random: np.random.Generator) -> tuple[Number, float]:
    """The sum of three of them."""
    document = sut.certificate(random)
    found = [sut.later(document, "gpu", float(random.uniform(20.0, 100.0)), random) for _ in range(3)]
    total = total_of([run for run, _ in found])
    assert total is not None
    return total, sum(truth_wh for _, truth_wh in found)


def induced(sut: VirtualSut, random: np.random.Generator) -> tuple[Number, float]:
    """The mean induced energy of four runs of a campaign without a meter, beside five baseline blocks."""
    level_w = FULL_W * float(random.uniform(0.2, 1.0))
    shape = Unmetered(
        certificate=text_of(sut.certificate(random)), duration_s=30, repetitions=4, baseline_blocks=5,
        loads={"train": Load(level_w, 1.0, marked=False)}, seed=int(random.integers(1 << 30)),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        found = analyse(unmetered_campaign(Path(folder), shape)).numbers
    energy_wh = found.scenarios["train"].induced_energy_wh
    lengths_s = [run.duration_s.value for run in found.runs if run.kind == "scenario" and run.duration_s is not None]
    assert energy_wh is not None
    above_w = float(sut.wall(IDLE_W + level_w, "gpu") - sut.wall(IDLE_W, "idle"))
    return energy_wh, above_w * float(np.mean(lengths_s)) / 3600


def main(words: list[str]) -> None:
    """Print a row of a Markdown table a cell."""
    draws = int(words[0]) if words else DRAWS
    chosen = [cell for cell in cells() if not words[1:] or any(word in cell.name for word in words[1:])]
    slack = float(-ndtri(TWO_STANDARD_ERRORS / len(chosen))) * math.sqrt(LEAST * (1 - LEAST) / draws)
    print(f"| cell | covered of {draws} | mean U | asked |\n|---|---|---|---|")
    begin_s = time.process_time()
    for cell in chosen:
        random = np.random.default_rng(zlib.crc32(cell.name.encode()))
        held, widths = 0, []
        for _ in range(draws):
            number, truth_wh = cell.draw(cell.sut, random)
            assert number.expanded is not None
            held += abs(number.value - truth_wh) <= number.expanded
            widths.append(number.expanded / truth_wh)
        mark = "" if held / draws >= LEAST - slack else " **too few**"
        asked = f"at least {100 * (LEAST - slack):.1f} %"
        print(
            f"| {cell.name} | {100 * held / draws:.1f} %{mark} | {100 * np.mean(widths):.2f} % | {asked} |", flush=True
        )
    print(f"{time.process_time() - begin_s:.0f} s of CPU", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
