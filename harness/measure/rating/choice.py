"""Which rating part a planned run has."""

from harness.measure.plan import PlannedRun
from harness.measure.rating.command import Command, WarmUp
from harness.measure.rating.part import RatingPart
from harness.measure.rating.pause import Pause
from harness.measure.rating.state import InState
from harness.measure.rating.users import Users
from harness.measure.rating.without_agent import HostMarked
from harness.measure.scenario import Scenario


def rating_of(planned: PlannedRun, scenario: Scenario) -> RatingPart:
    """How the interval of a planned run is made."""
    if planned.kind == "observer":
        return HostMarked(has_agent=bool(scenario.parameters["agent"]))
    if planned.kind == "warm-up":
        return WarmUp()
    if scenario.usage is not None:
        return InState(scenario.usage) if scenario.kind == "baseline" else Users(scenario.usage)
    return Pause() if scenario.kind == "baseline" else Command()
