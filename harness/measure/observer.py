"""The observer effect: blocks with and without the agent, in idle and under a constant load, by the meters alone.

Knows how one block is made, and the scenarios of the blocks. Knows no number: `reports.energy.observer` computes.

Without the agent there is no link either: files are staged, the load is started (it ends by itself), then the
connection is closed, and until the end of the block nothing of wattlab runs on the SUT. With the agent it samples and
its heartbeat goes over the link, as in every run. The interval is marked by the host in both.
"""

import time

from harness.measure.plan import OBSERVER_AGENT, OBSERVER_LOADS, observer_scenario
from harness.measure.run import TestRun
from harness.record.documents import Json, PhaseEvent
from harness.station.config import APPLICATION, Scenario

LOAD = APPLICATION / "workloads" / "load" / "load.py"
MARGIN_S = 5.0
"""The load goes on so much longer than the block, for what takes time before it."""


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


class ObserverRun(TestRun):
    """One block."""

    def measure(self) -> None:
        """Stage, load, with or without the agent, the interval, unstage.

        Raises:
            LabError, MeterError: the lab's side failed.
        """
        campaign, duration_s = self._bench.config.file.campaign, float(self._scenario.duration_s or 0.0)
        self._phase("stage", "begin")
        self._stage_files()
        self._open_meters()
        session = self._start_agent() if self._scenario.parameters["agent"] else None
        if self._scenario.parameters["load"] == "load" and self._work is not None:
            self._bench.sut.start_load(self._work, campaign.stabilization_s + duration_s + MARGIN_S)
        if session is None:
            self._bench.sut.close()
        self._phase("stage", "end")
        self._phase("stabilization", "begin")
        self._pause(campaign.stabilization_s)
        self._phase("stabilization", "end")
        self._interval(duration_s)
        self._phase("unstage", "begin")
        if session is not None:
            session.finish()
            self._session = None
        self._leave_sut()
        self._phase("unstage", "end")

    def _interval(self, duration_s: float) -> None:
        self._journal.put(PhaseEvent(time_ns=time.monotonic_ns(), name="rating", edge="begin"))
        self._on_phase("rating", self._meters[0])
        self._pause(duration_s)
        self._journal.put(PhaseEvent(time_ns=time.monotonic_ns(), name="rating", edge="end"))
        self._pause(max(2 * meter.interval_s for meter in self._meters))  # the last window is read to its end
