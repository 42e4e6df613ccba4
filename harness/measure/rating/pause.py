"""The rating interval of a baseline block: a pause, timed by the agent.

Knows no command and no phase.
"""

from harness.measure.rating.part import RatingPart, Underway, wait_rated
from harness.measure.scenario import Scenario
from harness.sut.answers import RatingResult


class Pause(RatingPart):
    """Nothing but the operating system and the agent, for the block's duration."""

    def rate(self, run: Underway, scenario: Scenario) -> RatingResult:
        """Let it pass. Raises what `wait_rated` raises."""
        run.session.rate(None, {}, None, scenario.duration_s)
        return wait_rated(run, scenario, scenario.duration_s or scenario.max_duration_s)
