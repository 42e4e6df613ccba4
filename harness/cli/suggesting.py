"""Suggestions for the trials of a search: the strategies, and what they take on this host.

Knows the clocks of this process and the names of the packages. The libraries are loaded before the first clock is read:
they belong to the program, not to a trial.
"""

import time
from collections.abc import Sequence
from importlib.metadata import version

from harness.measure.lab_file import LabConfig
from harness.measure.searches import Suggest, Suggested
from workloads.search.space import Search, Told

PACKAGES = ("bayesian-optimization", "scikit-learn", "numpy")
"""What a suggestion is computed with."""


def suggester(config: LabConfig) -> Suggest | None:
    """Who suggests for the searches of a lab; None where there is none, and nothing is loaded."""
    if all(scenario.search is None for scenario in config.scenarios):
        return None
    from workloads.search.strategy import suggestion

    software = {name: version(name) for name in PACKAGES}

    def suggest(search: Search, told: Sequence[Told], seed: int, trial: int) -> Suggested:
        begin_s, begin_cpu_s = time.monotonic(), time.process_time()
        values = suggestion(search, told, seed, trial)
        cpu_s, duration_s = time.process_time() - begin_cpu_s, time.monotonic() - begin_s
        return Suggested(values, round(cpu_s, 6), round(duration_s, 6), software)

    return suggest
