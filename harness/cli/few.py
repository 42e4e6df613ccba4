"""What one run, or one baseline block, allows to say: U from what is known, and what is not.

Knows results.json. Computes no mean: with two runs and two blocks the report's own U holds, and nothing is said.
"""

import math
from collections.abc import Iterator

from reports.pages.numbers import quantity, scale_for
from reports.results.document import Results
from reports.results.run import RunResult
from reports.results.uncertainty import Estimate, Number, t_quantile


def few_lines(results: Results) -> Iterator[str]:
    """A sentence for each scenario that has one run, or one baseline block beside its runs."""
    blocks = [run for run in results.runs if run.included and run.kind == "baseline"]
    for name in results.scenarios:
        runs = [run for run in results.runs if run.included and run.scenario == name]
        if runs and (len(runs) == 1 or len(blocks) == 1):
            yield _sentence(name, runs[0], blocks, n_runs=len(runs))


def _sentence(name: str, run: RunResult, blocks: list[RunResult], *, n_runs: int) -> str:
    scale = scale_for([run.energy_wh, run.induced_energy_wh])
    unseen = ["how far runs differ"] * (n_runs == 1) + ["how far the baseline wanders"] * (len(blocks) == 1)
    first = "its one run" if n_runs == 1 else "its first run"
    gross, induced = quantity(run.energy_wh, scale), quantity(_induced(run, blocks), scale)
    what = f"{gross} gross" + (f", {induced} induced" if blocks else "; without a baseline block nothing is induced")
    again = " and ".join(["--runs 5"] * (n_runs == 1) + ["--blocks 5"] * (len(blocks) < 2))
    return f"{name}, {first}: {what}. U is that of meter and edges alone; {' and '.join(unseen)} is not in it: {again}."


def _induced(run: RunResult, blocks: list[RunResult]) -> Number | None:
    """The induced energy of a run; where its U is not known, for there is one block, that of both powers together."""
    own, gross = run.induced_energy_wh, run.energy_wh
    if own is None or own.expanded is not None or len(blocks) != 1 or gross is None or gross.expanded is None:
        return own
    power, length = blocks[0].mean_power_w, run.duration_s
    if power is None or power.expanded is None or length is None:
        return own
    expanded_wh = math.hypot(gross.expanded, power.expanded * length.value / 3600)
    return Number(Estimate(own.value, expanded_wh / t_quantile(math.inf), math.inf), "Wh", n=1)
