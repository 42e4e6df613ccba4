"""What every test shares: how hypothesis searches, and a memory for what costs most and depends on nothing but its
arguments: a figure that was drawn, a test that R has made. Knows nothing else of the lab.
"""

import functools
import os
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from harness.station import occupancy
from reports.figures import campaign as figures
from reports.figures import forest, grouped_bars, scatter
from reports.inference import coefficients, effects, intervals, planning, power_analysis, r_session, statistics
from reports.results import rules

# The machine is small and shared: an example that takes long says nothing about the code. CI tries the same examples
# every time, a person's machine looks for new ones.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("house")

REMEMBERED = [
    *((figures, name) for name in ("_trace", "_bar_chart", "_strip_chart", "_curve_chart")),
    (scatter, "scatters"),
    (forest, "intervals"),
    (grouped_bars, "grouped"),
    (planning, "sizes"),
    *((module, "call") for module in (coefficients, effects, intervals, power_analysis, statistics)),
]
"""Functions, where they are looked up."""


def remembering(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which answers from memory when it is asked the same again by the same rules."""
    memory: dict[bytes, Any] = {}

    @functools.wraps(function)
    def answer(*arguments: Any) -> Any:  # noqa: ANN401  whatever the function takes and gives
        if function is r_session.call and r_session.available() is not None:
            return function(*arguments)  # without R there is no answer, whatever was asked before
        key = pickle.dumps((arguments, [rules.was(rule) for rule in rules.Rule]))
        if key not in memory:
            memory[key] = function(*arguments)
        known = memory[key]
        return known.copy() if isinstance(known, np.ndarray) else known

    return answer


@pytest.fixture(scope="session", autouse=True)
def _own_locks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests that run at the same time name the same ports, which are not there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(occupancy, "FOLDER", tmp_path_factory.mktemp("locks"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _memory() -> Iterator[pytest.MonkeyPatch]:
    """Many tests render and verify the same campaign; its figures are the same each time."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in REMEMBERED:
            patch.setattr(module, name, remembering(getattr(module, name)))
        yield patch


@pytest.fixture
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is drawn and computed again: for a test that compares two times."""
    for module, name in REMEMBERED:
        monkeypatch.setattr(module, name, getattr(module, name).__wrapped__)
