"""The state of the machine that the baseline was measured in, in words: above it stands every induced energy.

Knows `baseline.state` of results.json. Knows no number.
"""

from collections.abc import Mapping

from reports.results.document import Results

STATES: Mapping[str, str] = {
    "os": "operating system only",
    "service-started": "service started",
    "model-loaded": "model loaded",
    "gpu-context": "GPU context made",
}


def state_of(results: Results) -> str | None:
    """The state in words; None where the baseline is that of the operating system, or there is none."""
    if results.baseline is None or results.baseline.state is None:
        return None
    return " / ".join(STATES.get(state, state) for state in results.baseline.state.split(" / "))


def machine_of(results: Results) -> str:
    """The machine beyond which induced energy counts."""
    state = state_of(results)
    return "the idle machine" if state is None else f"the waiting machine ({state})"
