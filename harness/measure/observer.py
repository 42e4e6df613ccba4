"""The observer effect: blocks with and without the agent, in idle and under a constant load, by the meters alone.

Knows the scenarios of the blocks; `harness.measure.rating.without_agent` makes one. Knows no number:
`reports.energy.observer` computes.
"""

from harness.measure.plan import OBSERVER_AGENT, OBSERVER_LOADS, observer_scenario
from harness.measure.scenario import Scenario
from harness.record.documents import Json
from harness.station.station import APPLICATION

LOAD = APPLICATION / "workloads" / "load" / "load.py"


def observer_scenarios(duration_s: float) -> list[Scenario]:
    """The four conditions, each block `duration_s` long."""
    return [_scenario(load, agent, duration_s) for load in OBSERVER_LOADS for agent in OBSERVER_AGENT]


def _scenario(load: str, agent: str, duration_s: float) -> Scenario:
    parameters: Json = {"load": load, "agent": agent == "with"}
    return Scenario(
        name=observer_scenario(load, agent),
        title=f"Observer effect: {load}, {agent} agent",
        description="A block of the observer effect; it enters no mean.",
        kind="scenario",
        command=(),
        files=(LOAD,),
        actions=(),
        artifacts=(),
        parameters=parameters,
        verification={},
        repetitions=1,
        duration_s=duration_s,
        max_duration_s=duration_s,
        source=b"",
    )
