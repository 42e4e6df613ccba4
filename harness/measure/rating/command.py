"""The rating interval of a scenario: its command, started and timed by the agent.

Knows what a program finds in its environment (docs/markers.md). Knows no phase and no baseline.
"""

import json
import os

from harness.measure.rating.part import RatingPart, Underway, wait_rated
from harness.measure.scenario import Scenario
from harness.record.documents import Json
from harness.sut.answers import RatingResult


class Command(RatingPart):
    """A command, from its start to its end."""

    def rate(self, run: Underway, scenario: Scenario) -> RatingResult:
        """Run it. Raises what `wait_rated` raises."""
        run.session.rate(started(run, scenario), environment_of(run, scenario), run.work, None)
        return wait_rated(run, scenario, scenario.duration_s or scenario.max_duration_s)


class WarmUp(Command):
    """A command before the session: nothing of it is rated, and it finds the machine as it is."""

    is_conditioned = False


def started(run: Underway, scenario: Scenario) -> list[str]:
    """The argument list; where it is to start in a folder of its own, env(1) goes there and becomes the command."""
    place = [] if not scenario.directory else ["env", f"--chdir={scenario.directory}"]
    return [*place, *run.bench.command_of(scenario)]


def environment_of(run: Underway, scenario: Scenario) -> dict[str, str]:
    """What the program finds in its environment."""
    environment = {
        "WATTLAB_PARAMETERS": json.dumps(_parameters(run, scenario)),
        "WATTLAB_SEED": str(run.planned.seed),
        "WATTLAB_DATA": run.bench.data_folder,
    }
    if scenario.usage is not None:
        environment["WATTLAB_PORT"] = str(scenario.usage.service.listening_port)
    if scenario.directory:  # the module of marks lies in the work folder
        inherited = os.environ.get("PYTHONPATH") if run.bench.sut.config.is_local else None
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (run.work, inherited)))
    return environment | ({"WATTLAB_TRACKERS": scenario.tracker_words} if scenario.trackers else {})


def _parameters(run: Underway, scenario: Scenario) -> Json:
    """Those of the scenario; a sync pulse has to know how often the slowest meter speaks."""
    if run.planned.kind != "sync":
        return scenario.parameters
    return scenario.parameters | {"interval_s": max(meter.interval_s for meter in run.meters)}
