"""The rating interval of a service that is used: a population's load on it, made by the remote terminal emulator.

Knows the phases of ISO/IEC 14756 as they lie in those of a run: the service is started and the load set going in
stabilization; the emulator says when the rating interval begins and ends; in the supplementary run the load goes on
until every task of the interval is complete, or the limit. Knows no task and no draw.
"""

import time
from contextlib import ExitStack

from harness.measure.rating.part import POLL_S, RatingPart, RunFailed, Underway
from harness.measure.rating.service import RunningService
from harness.measure.scenario import Scenario
from harness.measure.usage import Usage
from harness.record.documents import Json, TasksDescriptor
from harness.record.errors import LabError
from harness.record.tasks import GENERATOR_COLUMNS, POPULATION, TASK_COLUMNS, generator_stream, tasks_stream
from harness.sut.answers import RatingResult
from harness.terminal.process import EmulatorProcess, Load

LEAD_S = 1.0
"""Between the order to begin and the begin."""
EDGE_S = 1.0
"""Before the rating interval begins the run has so much time for clock exchanges and for waiting at its edge."""
GRACE_S = 30.0


class Users(RatingPart):
    """A population that uses a service."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        self._open = ExitStack()
        self._service: RunningService | None = None
        self._emulator: EmulatorProcess | None = None
        self._limit_s = 0.0

    def stabilize(self, run: Underway, scenario: Scenario) -> None:
        """Start the service, wait until it is ready, set the load going, and wait for the end of its stabilization."""
        section, phases = self._usage.service, self._usage.population.phases
        self._service = service = RunningService(run, scenario, section)
        self._open.callback(service.end)
        service.wait_ready(section.ready or section.live)
        self._emulator = emulator = self._ready_emulator(run, service)
        begin_s = time.monotonic() + LEAD_S
        emulator.begin(round(begin_s * 1e9))
        self._limit_s = begin_s + phases.stabilization_s + phases.rating_s + phases.supplementary_limit_s + GRACE_S
        while time.monotonic() < begin_s + phases.stabilization_s - EDGE_S:
            run.pause(min(POLL_S, max(0.0, begin_s + phases.stabilization_s - EDGE_S - time.monotonic())))
            service.check()

    def rate(self, run: Underway, scenario: Scenario) -> RatingResult:
        """The interval that the emulator tells."""
        edges = dict[str, int]()
        while "end" not in edges:
            said = self._heard(run)
            if "rating" in said:
                edges[said["rating"]] = said["time_ns"]
                run.mark(said["rating"], said["time_ns"])
            run.watch()
        return RatingResult(None, edges["begin"], edges["end"], None)

    def supplement(self, run: Underway, scenario: Scenario) -> None:
        """Wait until all that was rated is complete; then nobody uses the service any more, and it is ended.

        Raises:
            RunFailed: every task failed, or the service ended meanwhile.
        """
        while "ended" not in (said := self._heard(run)):
            pass
        run.note(
            "load-ended", f"{said['ended']}: {said['tasks']} tasks, {said['rated']} rated, {said['failed']} failed"
        )
        self.release()
        if said["rated"] and said["failed"] == said["rated"]:
            raise RunFailed(
                f"all {said['rated']} tasks of the rating interval failed; column reason of "
                f"{tasks_stream(self._usage.name)} says why"
            )

    def release(self) -> None:
        """End emulator, streams and service."""
        self._open.close()

    def _ready_emulator(self, run: Underway, service: RunningService) -> EmulatorProcess:
        usage, seed, endpoint = self._usage, run.planned.seed, service.endpoint
        names = [tasks_stream(usage.name), generator_stream(usage.name)]
        if any(activity.keep == "text" for activity in usage.population.activities.values()):
            names.append(f"answers-{usage.name}.log")
        streams = [self._open.enter_context(run.open_stream(name)) for name in names]
        run.put(
            TasksDescriptor(
                stream=names[0], generator=names[1], population=usage.name, shape=usage.population.shape, seed=seed,
                address=usage.service.address or f"127.0.0.1:{usage.service.port}", connection=service.connection,
                columns=list(TASK_COLUMNS), generator_columns=list(GENERATOR_COLUMNS),
            )
        )  # fmt: skip
        emulator = EmulatorProcess(Load(run.inputs / POPULATION, seed, endpoint), *streams)
        self._open.callback(emulator.end)
        how = "in real time" if emulator.is_real_time else "as any other process: the system allows no more"
        run.note("emulator-ready", f"it is scheduled {how}")
        return emulator

    def _heard(self, run: Underway) -> Json:
        """What the emulator says next, or nothing after a moment. A service that ends by itself ends no load: its tasks
        fail, and that is what is measured."""
        assert self._emulator is not None
        if time.monotonic() > self._limit_s:
            raise LabError("the emulator did not end its load in time; this is a fault of wattlab's")
        said = self._emulator.hear(POLL_S)
        run.pause(0.001)
        return said or {}
