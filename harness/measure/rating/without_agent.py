"""The rating interval of an observer block: a time that the host marks, with the agent or without it.

Knows what runs on the SUT meanwhile. Knows no number: `reports.energy.observer` computes.

Without the agent there is no link either: files are staged, the load is started (it ends by itself), then the
connection is closed, and until the end of the block nothing of wattlab runs on the SUT. With the agent it samples and
its heartbeat goes over the link, as in every run. Both are marked alike, by the host.
"""

import time

from harness.measure.rating.part import RatingPart, Underway
from harness.measure.scenario import Scenario
from harness.sut.answers import RatingResult

MARGIN_S = 5.0
"""The load goes on so much longer than the block, for what takes time before it."""


class HostMarked(RatingPart):
    """A block of the observer effect; it enters no mean."""

    is_conditioned = False

    def __init__(self, *, has_agent: bool) -> None:
        self.has_agent = has_agent

    def start(self, run: Underway, scenario: Scenario) -> None:
        """The load, where the block has one; and the link is cut, where there is no agent."""
        if scenario.parameters["load"] == "load":
            before_s = run.bench.config.file.campaign.stabilization_s
            run.bench.sut.start_load(run.work, before_s + float(scenario.duration_s or 0.0) + MARGIN_S)
        if not self.has_agent:
            run.bench.sut.close()

    def rate(self, run: Underway, scenario: Scenario) -> RatingResult:
        """Let it pass, and the meters' last window after it; stamps are the host's."""
        begin_ns = time.monotonic_ns()
        run.mark("begin")
        run.pause(float(scenario.duration_s or 0.0))
        run.mark("end")
        end_ns = time.monotonic_ns()
        run.pause(max(2 * meter.interval_s for meter in run.meters))
        return RatingResult(None, begin_ns, end_ns, None)
