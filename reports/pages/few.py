"""What one run, or one baseline block, allows to say: U from what is known, and what is not. Pages and terminal say it.

Knows results.json. Computes no mean: with two runs and two blocks the report's own U holds, and nothing is said.
"""

import math
from collections.abc import Iterator, Sequence

from reports.pages.numbers import quantity, scale_for
from reports.results.baseline import BaselineBlock
from reports.results.document import Results
from reports.results.run import RunResult
from reports.results.uncertainty import Estimate, Number, t_quantile

FEW_WINDOWS = 5
"""Of the meter in a run: below, a longer run shows more than further runs."""
OF_ONE = "U is that of meter and edges alone"


def few_lines(results: Results, *, advised: bool = False) -> Iterator[str]:
    """A sentence for each scenario that has one run, or one baseline block beside its runs; `advised`: with the options
    of `wattlab measure` that show more."""
    blocks = _blocks(results)
    for name in results.scenarios:
        runs = _runs(results, name)
        if runs and (len(runs) == 1 or len(blocks) == 1):
            advice = _advice(len(runs), len(blocks), is_short=_is_short(results, name)) if advised else ""
            yield _sentence(name, runs[0], blocks, n_runs=len(runs), advice=advice)


def induced_of_one(results: Results, name: str) -> Number | None:
    """The induced energy of a scenario's one run, its U that of meter and edges alone; None: it has several runs, or no
    such U is known."""
    runs, blocks = _runs(results, name), _blocks(results)
    number = _induced(runs[0], blocks) if len(runs) == 1 else None
    return None if number is None or number.expanded is None else number


def without_u(results: Results) -> list[str]:
    """Scenarios whose means have no U, for there is one run of each."""
    return [name for name in results.scenarios if len(_runs(results, name)) == 1]


def _runs(results: Results, name: str) -> list[RunResult]:
    return [run for run in results.runs if run.included and run.scenario == name]


def _blocks(results: Results) -> list[RunResult]:
    return [run for run in results.runs if run.included and run.kind == "baseline"]


def _is_short(results: Results, name: str) -> bool:
    """Whether a run of a scenario, also one that enters no mean, is too short for its meter."""
    folders = {run.folder for run in results.runs if run.scenario == name}
    found = [one for one in results.findings if one.code == "too-short-to-resolve" and one.subject in folders]
    return any(one.severity == "invalid" or one.evidence.get("windows", math.inf) < FEW_WINDOWS for one in found)


def _advice(n_runs: int, n_blocks: int, *, is_short: bool) -> str:
    """What shows more, as the end of a sentence."""
    if is_short:
        return ": the command is too short for this meter, let it do its work several times in one run"
    return f": {' and '.join(['--runs 5'] * (n_runs == 1) + ['--blocks 5'] * (n_blocks < 2))}"


def _sentence(name: str, run: RunResult, blocks: list[RunResult], *, n_runs: int, advice: str) -> str:
    scale = scale_for([run.energy_wh, run.induced_energy_wh])
    unseen = ["how far runs differ"] * (n_runs == 1) + ["how far the baseline wanders"] * (len(blocks) == 1)
    first = "its one run" if n_runs == 1 else "its first run"
    gross, induced = quantity(run.energy_wh, scale), quantity(_induced(run, blocks), scale)
    what = f"{gross} gross" + (f", {induced} induced" if blocks else "; without a baseline block nothing is induced")
    return f"{name}, {first}: {what}. {OF_ONE}; {' and '.join(unseen)} is not in it{advice}."


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


def outside_blocks(results: Results, blocks: Sequence[BaselineBlock]) -> bool:
    """Whether a run that enters the means does not lie between two of the blocks, which are in order of time: its
    baseline is the pooled one."""
    known = len(results.baseline.blocks) if results.baseline is not None else 0
    between = range(blocks[0].ordinal + 1, blocks[-1].ordinal)
    runs = [run for run in results.runs if run.included and run.kind != "baseline"]
    return len(blocks) < known or not all(run.ordinal in between for run in runs)
