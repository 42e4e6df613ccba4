"""One run: stage, gate, stabilization, rating interval, supplementary, unstage.

Knows the order of the phases (ISO/IEC 14756, method.md 8) and what they hold open. Knows no folder but to write into it
(`harness.measure.attempt` begins and seals it), no plan, no other run, no number.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from harness.measure.agent_recorder import AgentRecorder
from harness.measure.ambient import AmbientRecorder
from harness.measure.bench import Bench
from harness.measure.gate import Condition, Step, Trace, last_step, outside, recent_mean
from harness.measure.journal import Journal
from harness.measure.material import Material
from harness.measure.plan import PlannedRun
from harness.measure.rating.choice import rating_of
from harness.measure.rating.part import POLL_S, RunFailed
from harness.measure.rating.words import MEANINGS, OUT_OF_MEMORY, OUTPUTS, last_words, reason_of
from harness.measure.recorder import MeterRecorder
from harness.measure.recorders import begin_all
from harness.measure.scenario import Scenario
from harness.measure.speaking import FIRST_READING_S
from harness.record.documents import (
    ClockEvent,
    Document,
    Edge,
    Json,
    Phase,
    PhaseEvent,
    WaitEvent,
)
from harness.record.errors import Interrupted, LabError
from harness.record.run_writer import RunWriter
from harness.sut.answers import RatingResult
from harness.sut.clock import ClockExchange
from harness.sut.session import ANSWER_S, AgentSession

CLOCK_EXCHANGES_AT_EDGES = 8

OnPhase: TypeAlias = Callable[[str, MeterRecorder | None, "Run | None"], None]
"""Told the phase, the first meter's recorder and the run that goes on, a few times a second: for the progress
display."""


class Run:
    """The phases of one run and what they hold open; the rating interval is a part that is plugged in."""

    def __init__(
        self,
        bench: Bench,
        planned: PlannedRun,
        scenario: Scenario,
        material: Material,
        writer: RunWriter,
        journal: Journal,
        on_phase: OnPhase,
        reference: Condition | None,
    ) -> None:
        self.reference = reference
        self.bench, self.planned, self.meters = bench, planned, list[MeterRecorder]()
        self._scenario, self._rating = scenario, rating_of(planned, scenario)
        self._material = material
        self._writer, self._journal, self._on_phase = writer, journal, on_phase
        self._uid = uid_of(writer.folder)
        self._agent: AgentRecorder | None = None
        self._room: AmbientRecorder | None = None
        self._session: AgentSession | None = None
        self._killed_before = 0.0
        self._work: str | None = None
        self._exchange: ClockExchange | None = None

    def begins_of(self, action: str) -> tuple[int, ...]:
        """When the command began, and each time that an action did by now: the host's monotonic clock (ns), by the last
        exchange of clocks. The report fits all of them."""
        last = self._exchange
        if self._agent is None or last is None:
            return ()
        ahead_ns = last.t_sut_ns - (last.t0_ns + last.t1_ns) // 2
        return tuple(at_ns - ahead_ns for at_ns in self._agent.begins_of(action))

    @property
    def session(self) -> AgentSession:
        """The session with the agent, in a run that has one."""
        assert self._session is not None
        return self._session

    @property
    def _first(self) -> MeterRecorder | None:
        """The meter that the progress shows; None before it is open, and where software meters alone are recorded."""
        return self.meters[0] if self.meters else None

    @property
    def work(self) -> str:
        """The work folder on the SUT, from staging to unstaging."""
        assert self._work is not None
        return self._work

    def measure(self) -> None:
        """All phases in order.

        Raises:
            RunFailed: the workload failed. LabError, MeterError: the lab's side did.
        """
        try:
            result = self._phases()
        except RunFailed as error:
            if not self._scenario.command or self._scenario.usage is None:
                raise
            self._rating.release()
            self._unstage()  # what the service wrote says why
            raise RunFailed(f"{error}{last_words(self._writer.folder)}") from error
        with self._phase("unstage"):
            self._unstage()
        if result.exit_code not in (0, None) or result.reason:
            is_short = self._killed_for_memory() > self._killed_before
            raise RunFailed(
                f"the command of {self._scenario.name} ended with exit code {result.exit_code}"
                f"{OUT_OF_MEMORY if is_short else MEANINGS.get(result.exit_code or 0, '')}"
                f"{': ' + result.reason if result.reason else ''}{last_words(self._writer.folder)}"
            )

    def _phases(self) -> RatingResult:
        """All phases but the last."""
        campaign, is_conditioned = self.bench.config.file.campaign, self._rating.is_conditioned
        with self._phase("stage"):
            self._stage()
        if is_conditioned and campaign.gate.limit_s and self.reference is not None:
            with self._phase("gate"):
                self._wait_at_gate(self.reference)
        with self._phase("stabilization"):
            begin_s = time.monotonic()
            self.pause(campaign.stabilization_s)
            if is_conditioned:
                self._settle(begin_s)
            self._rating.stabilize(self, self._scenario)
        self._killed_before = self._killed_for_memory()
        result = self._rate()
        if is_conditioned:
            with self._phase("supplementary"):
                self._rating.supplement(self, self._scenario)
                self.outlast()
        return result

    def release(self) -> BaseException | None:
        """End agent and recorders, remove the work folder; what cannot be done any more becomes a note. Returns what
        came from outside meanwhile (Ctrl-C, a signal): it ends one step, not the others."""
        interruption: BaseException | None = None
        steps = [self._rating.release, self._end_session, *(meter.stop for meter in self.meters), self._leave_sut]
        steps += [part.close for part in (self._agent,) if part is not None]
        steps += [part.stop for part in (self._room,) if part is not None]
        for step in steps:
            try:
                step()
            # A run that was measured is sealed whatever its end meets, bugs of ours included.
            except BaseException as error:
                self._journal.note("release", f"the run was being cleaned up when this came: {reason_of(error)}")
                if not isinstance(error, Exception) or isinstance(error, Interrupted):
                    interruption = error
        return interruption

    def _stage(self) -> None:
        self._stage_files()
        if self._rating.has_agent:
            self._start_agent()
        self._open_meters()
        self._rating.start(self, self._scenario)

    def _stage_files(self) -> None:
        files = {name: staged.content for name, staged in self._material.staged.items()}
        self._work = self.bench.sut.stage(self._uid, files)

    def _start_agent(self) -> None:
        sut = self.bench.config.file.sut
        self._agent = AgentRecorder(self._writer, self._journal, sut.sample_period_s)
        self._session = self.bench.sut.start_agent(
            self._uid,
            period_s=sut.sample_period_s,
            reconnect_s=sut.reconnect_s,
            on_record=self._agent.on_record,
            on_exchange=self._record_exchange,
        )

    def _open_meters(self) -> None:
        bench, ambient = self.bench, self.bench.config.file.ambient
        if ambient.file:
            self._room = AmbientRecorder(ambient, self._writer, self._journal)
        begin_all(self.meters, bench, self._writer, self._journal)
        for recorder in self.meters:
            patience_s = max(FIRST_READING_S, recorder.description.patience_s)
            if not recorder.wait_spoken(patience_s):
                raise LabError(
                    f"meter {recorder.name}: no reading within {patience_s:g} s of its start; "
                    "look at `wattlab meter read` and at the wire log of this run"
                )

    # --- waiting ---

    def _wait_at_gate(self, reference: Condition) -> None:
        """Until power and temperatures are back where the session began, or the limit."""
        gate, begin_s = self.bench.config.file.campaign.gate, time.monotonic()
        while (away := outside(self._condition(), reference, gate)) and time.monotonic() - begin_s < gate.limit_s:
            self.pause(POLL_S)
            self._on_phase("gate", self._first, self)
        evidence = {"now": self._condition().to_json(), "reference": reference.to_json(), "outside": away}
        self._waited("gate", "limit" if away else "reached", begin_s, gate.limit_s, evidence)

    def _settle(self, begin_s: float) -> None:
        """Until settled where lab.toml says so, since the phase began; the first run of a session is its reference."""
        campaign = self.bench.config.file.campaign
        settle = campaign.settle
        if settle.limit_s:
            while not self._settled() and time.monotonic() - begin_s < settle.limit_s:
                self.pause(POLL_S)
                self._on_phase("stabilization", self._first, self)
            outcome: Literal["reached", "limit"] = "reached" if self._settled() else "limit"
            steps = {name: None if step is None else asdict(step) for name, step in self._last_steps().items()}
            self._waited("settle", outcome, begin_s, settle.limit_s, {"steps": steps})
        if campaign.gate.limit_s and self.reference is None:
            self.reference = self._condition()
            self._waited("gate", "reference", time.monotonic(), campaign.gate.limit_s, self.reference.to_json())

    def _settled(self) -> bool:
        settle = self.bench.config.file.campaign.settle
        return all(step is not None and step.settled(settle) for step in self._last_steps().values())

    def _last_steps(self) -> dict[str, Step | None]:
        mean_s, now_s = self.bench.config.file.campaign.settle.mean_s, time.monotonic()
        return {meter.name: last_step(_trace(meter), now_s, mean_s) for meter in self.of_the_sut()}

    def _condition(self) -> Condition:
        """Power and temperatures now."""
        mean_s, now_s = self.bench.config.file.campaign.gate.mean_s, time.monotonic()
        means = {meter.name: recent_mean(_trace(meter), now_s, mean_s) for meter in self.of_the_sut()}
        samples = {} if self._agent is None else self._agent.last
        return Condition(
            {name: mean for name, mean in means.items() if mean is not None},
            {name: float(v) for name, v in samples.items() if name.endswith("_temperature_c") and v is not None},
        )

    def of_the_sut(self) -> list[MeterRecorder]:
        """The meters before the SUT's circuits; all of them where none is."""
        circuits = self.bench.config.file.sut.circuits
        return [meter for meter in self.meters if meter.circuit in circuits] or self.meters

    def _waited(
        self,
        name: Literal["gate", "settle"],
        outcome: Literal["reached", "limit", "reference"],
        begin_s: float,
        limit_s: float,
        evidence: Json,
    ) -> None:
        now_ns, waited_s = time.monotonic_ns(), round(time.monotonic() - begin_s, 3)
        self._journal.put(
            WaitEvent(time_ns=now_ns, name=name, outcome=outcome, waited_s=waited_s, limit_s=limit_s, evidence=evidence)
        )

    def _rate(self) -> RatingResult:
        """The interval, between clock exchanges where the agent rates it."""
        edges = CLOCK_EXCHANGES_AT_EDGES if self._rating.is_conditioned else 0
        self._exchange_clocks(edges)
        self._on_phase("rating", self._first, self)
        result = self._rating.rate(self, self._scenario)
        self._exchange_clocks(edges)
        return result

    def watch(self) -> None:
        """Raise what ended a stream for good, and tell that the interval goes on."""
        self._check_streams()
        self._on_phase("rating", self._first, self)

    def mark(self, edge: Edge, time_ns: int | None = None) -> None:
        """Journal that the rating interval begins or ends now, or at a time of the host's clock."""
        self._put_phase("rating", edge, time_ns)

    @property
    def inputs(self) -> Path:
        """The folder of the run's inputs."""
        return self._writer.folder / "inputs"

    def put(self, document: Document) -> None:
        """Journal a document."""
        self._journal.put(document)

    def note(self, code: str, text: str) -> None:
        """Journal a note."""
        self._journal.note(code, text)

    def open_stream(self, name: str) -> BinaryIO:
        """A new append-only file of the run."""
        return self._writer.open_stream(name)

    def _killed_for_memory(self) -> float:
        """Processes that the SUT's kernel has ended for want of memory, by the last sample; 0 where it says none."""
        return 0.0 if self._agent is None else self._agent.last.get("oom_kills") or 0.0

    def _unstage(self) -> None:
        if self._session is not None:
            self._session.finish()
            self._session = None
        fetched = self.bench.sut.fetch(self.work, [*self._scenario.artifacts, *OUTPUTS])
        for name, content in fetched.files.items():
            self._writer.write_file(f"artifacts/{name}", content)
        for name, problem in fetched.problems.items():
            if name in self._scenario.artifacts:
                self._journal.note("artifact-missing", f"{name}: {problem}")
            elif self._scenario.command:
                self._journal.note("output-missing", f"{name} {problem}: what the program wrote is lost")
        self._leave_sut()

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.kill(ANSWER_S)
            session.finish(ANSWER_S)

    def _leave_sut(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            self.bench.sut.unstage(work)

    def _exchange_clocks(self, count: int) -> None:
        for _ in range(count):
            self._record_exchange(self.session.exchange())

    def _record_exchange(self, exchange: ClockExchange) -> None:
        self._exchange = exchange
        self._journal.put(ClockEvent(time_ns=exchange.t1_ns, **asdict(exchange)))

    def pause(self, duration_s: float) -> None:
        """Wait, and raise what ended a stream for good."""
        end_ns = time.monotonic_ns() + int(duration_s * 1e9)
        while (left_ns := end_ns - time.monotonic_ns()) > 0:
            time.sleep(min(POLL_S, left_ns / 1e9))
            self._check_streams()

    def outlast(self) -> None:
        """Record behind the interval as long as lab.toml says, and until the meters before the SUT have told what was
        taken up to its end: a slow one tells it at its next value. One that is silent is not waited for."""
        ended_ns = time.monotonic_ns()
        self.pause(self.bench.config.file.campaign.supplementary_s)
        while any(meter.owes(ended_ns) for meter in self.of_the_sut()):
            self.pause(POLL_S)
            self._on_phase("supplementary", self._first, self)

    def _check_streams(self) -> None:
        """Raise what ended a stream for good: another instrument, a full disk, a lost SUT."""
        for recorder in self.meters:
            if recorder.failure is not None:
                raise recorder.failure
        if self._journal.failure is not None:
            raise self._journal.failure
        if self._session is not None:
            self._session.check()

    @contextmanager
    def _phase(self, name: Phase) -> Iterator[None]:
        """Journal a phase; one that an error ends has no end."""
        self._put_phase(name, "begin")
        self._on_phase(name, self._first, self)
        yield
        self._put_phase(name, "end")

    def _put_phase(self, name: Phase, edge: Edge, time_ns: int | None = None) -> None:
        time_ns = time.monotonic_ns() if time_ns is None else time_ns
        self._journal.put(PhaseEvent(time_ns=time_ns, name=name, edge=edge))


def _trace(meter: MeterRecorder) -> Trace:
    """The recent readings of a meter that have a value."""
    return [(r.time_ns * 1e-9, r.power_w) for r in tuple(meter.recent) if r.power_w is not None]


def uid_of(folder: Path) -> str:
    """The uid a run folder carries in its name."""
    return folder.name.rsplit("-", 1)[-1]
