"""The rating interval of a baseline block in a declared state: a pause while a service runs that nobody uses.

Knows the states (`harness.measure.usage.BaselineState`) and how each is reached. Knows no load that is rated.
"""

import os
import time
from pathlib import Path

from harness.measure.rating.part import RatingPart, RunFailed, Underway
from harness.measure.rating.service import RunningService
from harness.measure.scenario import Scenario
from harness.measure.usage import Usage
from harness.record.documents import Json
from harness.sut.answers import RatingResult
from harness.terminal.process import EmulatorProcess, Load


class InState(RatingPart):
    """A block above which induced energy is induced: the service started, its model loaded, its GPU context made."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        self._service: RunningService | None = None

    def stabilize(self, run: Underway, scenario: Scenario) -> None:
        """Bring the SUT into the state, and let it stand as long as a run's stabilization takes."""
        section = self._usage.service
        self._service = service = RunningService(run, scenario, section)
        service.wait_ready(section.live)
        if scenario.baseline_state != "service-started":
            service.wait_ready(section.ready or section.live)
        if scenario.baseline_state == "gpu-context":
            self._use_once(run, service)
        run.pause(run.bench.config.file.campaign.stabilization_s)

    def rate(self, run: Underway, scenario: Scenario) -> RatingResult:
        """Let it pass; the host marks it. Raises RunFailed where the service did not last."""
        assert self._service is not None
        begin_ns, end_s = time.monotonic_ns(), time.monotonic() + float(scenario.duration_s or 0.0)
        run.mark("begin", begin_ns)
        while (left_s := end_s - time.monotonic()) > 0:
            run.pause(min(1.0, left_s))
            self._service.check()
            run.watch()
        end_ns = time.monotonic_ns()
        run.mark("end", end_ns)
        return RatingResult(None, begin_ns, end_ns, None)

    def supplement(self, run: Underway, scenario: Scenario) -> None:
        """The state outlasts the block, so that no window of the meter sees its end; then the service is ended."""
        run.outlast()
        self.release()

    def release(self) -> None:
        """End the service."""
        service, self._service = self._service, None
        if service is not None:
            service.end()

    def _use_once(self, run: Underway, service: RunningService) -> None:
        """Each task type, done: the first inference makes a GPU's context."""
        with Path(os.devnull).open("wb", buffering=0) as nowhere:
            process = EmulatorProcess(
                Load(run.inputs / "population.toml", run.planned.seed, service.endpoint, is_once=True), nowhere, nowhere
            )
            try:
                process.begin(time.monotonic_ns())
                said: Json = {}
                while "ended" not in said:
                    said = process.hear(0.2) or {}
                    run.pause(0.001)
                    service.check()
            finally:
                process.end()
        if said["failed"]:
            raise RunFailed(
                f"{said['failed']} of {said['rated']} tasks failed that were to make the context of a GPU; look at what"
                " the service wrote"
            )
        run.note(
            "service-used", f"{said['rated']} tasks of {len(self._usage.population.task_types)} types, none failed"
        )
