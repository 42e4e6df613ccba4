"""Whether a population's rating interval is long enough for what it declares: the draws of planned runs, foreseen.

Knows scenarios and their seeds. Knows no SUT: no service is asked.
"""

from collections.abc import Iterator

from harness.measure.lab_file import LabConfig
from harness.measure.plan import repetition_seed
from harness.measure.reason import Reason
from harness.measure.scenario import Scenario
from harness.terminal.foresight import Foreseen, foresee, needed_s

MOST_NAMED = 3
MOST_TASKS = 30_000
"""Runs are foreseen until they have so many tasks together, which takes seconds."""


def of_populations(config: LabConfig) -> Iterator[Reason]:
    """One reason for each scenario that users use; of a load shape nothing is drawn that could be too little."""
    for scenario in config.scenarios:
        if scenario.usage is not None and scenario.usage.population.load is None:
            yield _of(scenario, config.file.campaign.seed)


def _of(scenario: Scenario, seed: int) -> Reason:
    assert scenario.usage is not None
    population, subject = scenario.usage.population, f"population {scenario.name}"
    seeds, foreseen = list[int](), list[Foreseen]()
    for repetition in range(1, scenario.repetitions + 1):
        seeds.append(repetition_seed(seed, repetition))
        foreseen.append(foresee(population, seeds[-1]))
        if sum(one.tasks for one in foreseen) > MOST_TASKS:
            break
    failing = [one for one in foreseen if one.outside]
    least = min(one.tasks for one in foreseen)
    declared_s = population.phases.rating_s
    if not failing:
        runs = "every run" if len(seeds) == scenario.repetitions else f"the first {len(seeds)} runs"
        text = f"its stratified draws meet q, h and s in {runs}: {least} tasks or more in {declared_s:g} s"
        return Reason("ok", subject, text)
    length_s = needed_s(population, seeds)
    remedy = (
        f"phases.rating_s = {length_s:g} is long enough"
        if length_s is not None
        else "no interval up to 64 times as long is: take fewer chains, or more users"
    )
    return Reason(
        "warn",
        subject,
        f"in {len(failing)} of {len(seeds)} runs {least} tasks in {declared_s:g} s are too few for the accuracy that "
        f"ISO/IEC 14756 asks of the users ({_worst(failing)}); {remedy}",
    )


def _worst(failing: list[Foreseen]) -> str:
    """The deviations farthest beyond their limits, each once."""
    worst: dict[tuple[str, str], tuple[float, str]] = {}
    for one in failing:
        for off in one.outside:
            text = f"{off.kind} of {off.subject} {off.percent:.1f} % off, {off.limit_percent:g} % are allowed"
            ratio = off.percent / off.limit_percent
            worst[off.kind, off.subject] = max(worst.get((off.kind, off.subject), (0.0, "")), (ratio, text))
    return "; ".join(text for _, text in sorted(worst.values(), reverse=True)[:MOST_NAMED])
