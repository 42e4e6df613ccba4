"""One test run, from an empty folder to a sealed one: stage, stabilization, rating interval, supplementary, unstage.

Knows the order of the phases (ISO/IEC 14756, method.md 8) and that every ending writes a stop document. Knows no plan,
no other run, no number.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from harness.measure.ambient import AmbientRecorder
from harness.measure.gate import Condition, Step, Trace, last_step, outside, recent_mean
from harness.measure.material import Inventory, Material
from harness.measure.plan import PlannedRun
from harness.measure.recorder import AgentRecorder, Journal, MeterRecorder, seal_run
from harness.measure.speaking import FIRST_READING_S
from harness.record.documents import (
    ClockEvent,
    Edge,
    ExitStatus,
    Json,
    Phase,
    PhaseEvent,
    Start,
    Stop,
    WaitEvent,
)
from harness.record.errors import Interrupted, LabError, printable
from harness.record.run_folder import WORK, RunWriter, Sign
from harness.station.config import LabConfig, Scenario
from harness.station.register import Register
from harness.sut.answers import RatingResult
from harness.sut.clock import ClockExchange, boot_ns
from harness.sut.machine import Sut
from harness.sut.session import ANSWER_S, AgentSession
from meters.meter import Meter, MeterError
from meters.reading import Identity, Origin

CLOCK_EXCHANGES_AT_EDGES = 8
POLL_S = 0.2


OnPhase: TypeAlias = Callable[[str, MeterRecorder | None], None]
"""Told the phase that runs and the first meter's recorder, a few times a second: for the progress display."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What stands in the lab while a campaign runs: the SUT, how to open each meter, and who they are."""

    config: LabConfig
    sut: Sut
    sut_facts: Json
    host_facts: Json
    software: Json
    open_meters: Mapping[str, Callable[[BinaryIO], Meter]]
    register: Register | None
    agent_source: bytes
    marker_source: bytes
    python: str
    data_folder: str
    inventory: Inventory
    sign: Sign
    """Makes the signature of a seal."""

    def command_of(self, scenario: Scenario) -> list[str]:
        """The argument list that a run of the scenario starts; empty where it only pauses."""
        return [self.python if word == "{python}" else word for word in scenario.command]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended; `manifest` is the digest of its seal, `cause` the error that aborted it, `reference` where its
    session began (None: no gate)."""

    exit_status: ExitStatus
    reason: str | None
    manifest: str
    cause: BaseException | None
    reference: Condition | None


class RunFailed(LabError):
    """The workload failed: its exit code, or it never ended."""


def execute(
    bench: Bench,
    planned: PlannedRun,
    scenario: Scenario,
    folder: Path,
    material: Material,
    *,
    attempt: int,
    previous_manifest: str | None,
    on_start: Callable[[str], None],
    on_phase: OnPhase,
    reference: Condition | None,
    kind_of_run: "type[TestRun] | None" = None,
) -> Ended:
    """Make one run in `folder` (exclusively created). Whatever happens, the folder ends sealed, with a stop document.
    What happens while a run that ended is cleaned up does not change how it ended: it becomes a note.

    `on_start` is told the digest of the start document when it is on disk, before anything is measured; `reference` is
    where the session began, None where this is its first run; `kind_of_run` another order of phases.

    Raises:
        RunFolderError: the disk refuses; the folder is left for the next start to seal as found.
    """
    with RunWriter(folder) as writer:
        inputs = {"lab.toml": bench.config.source, "scenario.toml": scenario.source, "agent.py": bench.agent_source}
        if bench.register is not None:
            inputs |= bench.register.inputs()
        digests = {name: writer.write_file(f"inputs/{name}", content) for name, content in inputs.items()}
        for name, staged in material.staged.items():
            if staged.kept:
                writer.write_file(f"{WORK}/{name}", staged.content)
        start = _start(bench, planned, scenario, folder, attempt, previous_manifest, digests, material)
        on_start(writer.begin(start))
        journal = Journal(writer)
        run = (kind_of_run or TestRun)(bench, planned, scenario, material, writer, journal, on_phase, reference)
        status: ExitStatus = "success"
        cause: BaseException | None = None
        try:
            run.measure()
        except BaseException as error:
            status, cause = ("fail" if isinstance(error, RunFailed) else "abort"), error
        interruption = run.release()
        if cause is None and interruption is not None:
            status, cause = "abort", interruption
        reason = None if cause is None else _reason(cause)
        stop = Stop(
            time_ns=time.monotonic_ns(),
            utc=utc_now(),
            exit_status=status,
            reason=reason,
            streams=writer.stream_summary(),
        )
        return Ended(status, reason, seal_run(writer, journal, stop, bench.sign), cause, run.reference)


class TestRun:
    """The phases of one run and what they hold open."""

    __test__ = False  # not pytest's

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
        self._bench, self._planned, self._scenario = bench, planned, scenario
        self._material = material
        self._writer, self._journal, self._on_phase = writer, journal, on_phase
        self._uid = uid_of(writer.folder)
        self._meters: list[MeterRecorder] = []
        self._agent: AgentRecorder | None = None
        self._room: AmbientRecorder | None = None
        self._session: AgentSession | None = None
        self._work: str | None = None

    def measure(self) -> None:
        """All phases in order.

        Raises:
            RunFailed: the workload failed. LabError, MeterError: the lab's side did.
        """
        campaign = self._bench.config.file.campaign
        self._phase("stage", "begin")
        session = self._stage()
        self._phase("stage", "end")
        if campaign.gate.limit_s and self.reference is not None:
            self._phase("gate", "begin")
            self._wait_at_gate(self.reference)
            self._phase("gate", "end")
        self._phase("stabilization", "begin")
        self._stabilize()
        self._phase("stabilization", "end")
        self._exchange_clocks(session)
        self._on_phase("rating", self._meters[0])
        result = self._rate(session)
        self._exchange_clocks(session)
        self._phase("supplementary", "begin")
        self._pause(campaign.supplementary_s)
        self._phase("supplementary", "end")
        self._phase("unstage", "begin")
        self._unstage(session)
        self._phase("unstage", "end")
        if result.exit_code not in (0, None) or result.reason:
            raise RunFailed(
                f"the command of {self._scenario.name} ended with exit code {result.exit_code}"
                f"{': ' + result.reason if result.reason else ''}{self._last_words()}; "
                f"all that it wrote is in {self._writer.folder.name}/artifacts/stderr.txt"
            )

    def _last_words(self) -> str:
        """The last line that the command wrote to stderr, as the end of a sentence; empty where there is none."""
        path = self._writer.folder / "artifacts" / "stderr.txt"
        lines = path.read_text(errors="replace").split("\n") if path.exists() else []
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f" after {last[:300]!r}" if last else ""

    def release(self) -> BaseException | None:
        """End agent and recorders, remove the work folder; what cannot be done any more becomes a note. Returns what
        came from outside meanwhile (Ctrl-C, a signal): it ends one step, not the others."""
        interruption: BaseException | None = None
        steps = [self._end_session, *(meter.stop for meter in self._meters), self._leave_sut]
        steps += [part.close for part in (self._agent,) if part is not None]
        steps += [part.stop for part in (self._room,) if part is not None]
        for step in steps:
            try:
                step()
            # A run that was measured is sealed whatever its end meets, bugs of ours included.
            except BaseException as error:
                self._journal.note("release", f"the run was being cleaned up when this came: {_reason(error)}")
                if not isinstance(error, Exception) or isinstance(error, Interrupted):
                    interruption = error
        return interruption

    def _stage(self) -> AgentSession:
        self._stage_files()
        session = self._start_agent()
        self._open_meters()
        return session

    def _stage_files(self) -> None:
        files = {name: staged.content for name, staged in self._material.staged.items()}
        self._work = self._bench.sut.stage(self._uid, files)

    def _start_agent(self) -> AgentSession:
        sut = self._bench.config.file.sut
        self._agent = AgentRecorder(self._writer, self._journal, sut.sample_period_s)
        self._session = self._bench.sut.start_agent(
            self._uid,
            period_s=sut.sample_period_s,
            reconnect_s=sut.reconnect_s,
            on_record=self._agent.on_record,
            on_exchange=self._record_exchange,
        )
        return self._session

    def _open_meters(self) -> None:
        bench, ambient = self._bench, self._bench.config.file.ambient
        if ambient.file:
            self._room = AmbientRecorder(ambient, self._writer, self._journal)
        for name, section in bench.config.file.meters.items():
            opener, calibration_of = bench.open_meters[name], partial(_calibration, bench.register, section.instrument)
            recorder = MeterRecorder(
                name, section.circuit, opener, self._writer, self._journal, calibration_of, section.limits_percent
            )
            self._meters.append(recorder)
        for recorder in self._meters:
            if not recorder.wait_spoken(FIRST_READING_S):
                raise LabError(
                    f"meter {recorder.name}: no reading within {FIRST_READING_S:g} s of its start; "
                    "look at `wattlab meter read` and at the wire log of this run"
                )

    # --- waiting ---

    def _wait_at_gate(self, reference: Condition) -> None:
        """Until power and temperatures are back where the session began, or the limit."""
        gate, begin_s = self._bench.config.file.campaign.gate, time.monotonic()
        while (away := outside(self._condition(), reference, gate)) and time.monotonic() - begin_s < gate.limit_s:
            self._pause(POLL_S)
            self._on_phase("gate", self._meters[0])
        evidence = {"now": self._condition().to_json(), "reference": reference.to_json(), "outside": away}
        self._waited("gate", "limit" if away else "reached", begin_s, gate.limit_s, evidence)

    def _stabilize(self) -> None:
        """The fixed time, then until settled where lab.toml says so; the first run of a session is its reference."""
        campaign, begin_s = self._bench.config.file.campaign, time.monotonic()
        self._pause(campaign.stabilization_s)
        settle = campaign.settle
        if settle.limit_s:
            while not self._settled() and time.monotonic() - begin_s < settle.limit_s:
                self._pause(POLL_S)
                self._on_phase("stabilization", self._meters[0])
            outcome: Literal["reached", "limit"] = "reached" if self._settled() else "limit"
            steps = {name: None if step is None else asdict(step) for name, step in self._last_steps().items()}
            self._waited("settle", outcome, begin_s, settle.limit_s, {"steps": steps})
        if campaign.gate.limit_s and self.reference is None:
            self.reference = self._condition()
            self._waited("gate", "reference", time.monotonic(), campaign.gate.limit_s, self.reference.to_json())

    def _settled(self) -> bool:
        settle = self._bench.config.file.campaign.settle
        return all(step is not None and step.settled(settle) for step in self._last_steps().values())

    def _last_steps(self) -> dict[str, Step | None]:
        mean_s, now_s = self._bench.config.file.campaign.settle.mean_s, time.monotonic()
        return {meter.name: last_step(_trace(meter), now_s, mean_s) for meter in self._of_the_sut()}

    def _condition(self) -> Condition:
        """Power and temperatures now."""
        mean_s, now_s = self._bench.config.file.campaign.gate.mean_s, time.monotonic()
        means = {meter.name: recent_mean(_trace(meter), now_s, mean_s) for meter in self._of_the_sut()}
        samples = {} if self._agent is None else self._agent.last
        return Condition(
            {name: mean for name, mean in means.items() if mean is not None},
            {name: float(v) for name, v in samples.items() if name.endswith("_temperature_c") and v is not None},
        )

    def _of_the_sut(self) -> list[MeterRecorder]:
        circuits = self._bench.config.file.sut.circuits
        return [meter for meter in self._meters if meter.circuit in circuits] or self._meters

    def _waited(
        self,
        name: Literal["gate", "settle"],
        outcome: Literal["reached", "limit", "reference"],
        begin_s: float,
        limit_s: float,
        evidence: Json,
    ) -> None:
        now_ns, waited_s = time.monotonic_ns(), round(time.monotonic() - begin_s, 3)
        found: Json = {"outcome": outcome, "waited_s": waited_s, "limit_s": limit_s, "evidence": evidence}
        self._journal.put(WaitEvent(time_ns=now_ns, name=name, **found))

    def _rate(self, session: AgentSession) -> RatingResult:
        scenario = self._scenario
        if scenario.kind == "baseline":
            session.rate(None, {}, None, scenario.duration_s)
        else:
            argv = self._bench.command_of(scenario)
            parameters = scenario.parameters
            if self._planned.kind == "sync":
                parameters = parameters | {"interval_s": max(meter.interval_s for meter in self._meters)}
            environment = {
                "WATTLAB_PARAMETERS": json.dumps(parameters),
                "WATTLAB_SEED": str(self._planned.seed),
                "WATTLAB_DATA": self._bench.data_folder,
            }
            if scenario.trackers:
                environment["WATTLAB_TRACKERS"] = scenario.tracker_words
            session.rate(argv, environment, self._work, None)
        limit_s = scenario.duration_s or scenario.max_duration_s
        deadline_ns = time.monotonic_ns() + int((limit_s + 60.0) * 1e9)
        while (result := session.wait_rated(POLL_S)) is None:
            self._check_streams()
            self._on_phase("rating", self._meters[0])
            if time.monotonic_ns() > deadline_ns:
                session.kill()
                raise RunFailed(
                    f"{scenario.name} was still running after {limit_s:g} s; "
                    f"raise scenarios.{scenario.name}.max_duration_s if that is right"
                )
        return result

    def _unstage(self, session: AgentSession) -> None:
        session.finish()
        self._session = None
        if self._work is None:
            return
        names = [*self._scenario.artifacts, "stdout.txt", "stderr.txt"]
        fetched = self._bench.sut.fetch(self._work, names)
        for name, content in fetched.files.items():
            self._writer.write_file(f"artifacts/{name}", content)
        for name, problem in fetched.problems.items():
            if name in self._scenario.artifacts:
                self._journal.note("artifact-missing", f"{name}: {problem}")
        self._leave_sut()

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.kill(ANSWER_S)
            session.finish(ANSWER_S)

    def _leave_sut(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            self._bench.sut.unstage(work)

    def _exchange_clocks(self, session: AgentSession) -> None:
        for _ in range(CLOCK_EXCHANGES_AT_EDGES):
            self._record_exchange(session.exchange())

    def _record_exchange(self, exchange: ClockExchange) -> None:
        self._journal.put(ClockEvent(time_ns=exchange.t1_ns, **asdict(exchange)))

    def _pause(self, duration_s: float) -> None:
        end_ns = time.monotonic_ns() + int(duration_s * 1e9)
        while (left_ns := end_ns - time.monotonic_ns()) > 0:
            time.sleep(min(POLL_S, left_ns / 1e9))
            self._check_streams()

    def _check_streams(self) -> None:
        """Raise what ended a stream for good: another instrument, a full disk, a lost SUT."""
        for recorder in self._meters:
            if recorder.failure is not None:
                raise recorder.failure
        if self._journal.failure is not None:
            raise self._journal.failure
        if self._session is not None:
            self._session.check()

    def _phase(self, name: Phase, edge: Edge) -> None:
        self._journal.put(PhaseEvent(time_ns=time.monotonic_ns(), name=name, edge=edge))
        if edge == "begin":
            self._on_phase(name, self._meters[0] if self._meters else None)


def _trace(meter: MeterRecorder) -> Trace:
    """The recent readings of a meter that have a value."""
    return [(r.time_ns * 1e-9, r.power_w) for r in tuple(meter.recent) if r.power_w is not None]


def utc_now() -> str:
    """The host's wall clock in UTC, ISO 8601, milliseconds: for people and for the audit trail, never for durations."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def uid_of(folder: Path) -> str:
    """The uid a run folder carries in its name."""
    return folder.name.rsplit("-", 1)[-1]


def _calibration(register: Register | None, named: str, identity: Identity, origin: Origin) -> Json | None:
    """What the register has, today, of the instrument that answers."""
    return None if register is None else register.calibration(identity, origin, named, utc_now())


def _reason(error: BaseException) -> str:
    if isinstance(error, LabError | MeterError):
        return printable(str(error))
    if isinstance(error, KeyboardInterrupt):
        return "interrupted by the operator (Ctrl-C)"
    return printable(f"{type(error).__name__}: {error}")


def _start(
    bench: Bench,
    planned: PlannedRun,
    scenario: Scenario,
    folder: Path,
    attempt: int,
    previous_manifest: str | None,
    digests: dict[str, str],
    material: Material,
) -> Start:
    return Start(
        uid=uid_of(folder),
        campaign=bench.config.file.campaign.name,
        ordinal=planned.ordinal,
        attempt=attempt,
        kind=planned.kind,
        scenario=planned.scenario,
        repetition=planned.repetition,
        seed=planned.seed,
        block=planned.block,
        time_base="host-monotonic",
        time_ns=time.monotonic_ns(),
        utc=utc_now(),
        boot_ns=boot_ns(),
        previous_manifest=previous_manifest,
        sut=bench.sut_facts,
        host=bench.host_facts,
        inputs=digests,
        software=bench.software,
        operator=bench.config.file.lab.operator,
        config=bench.config.to_json(),
        scenario_config=scenario.to_json(),
        staged={name: staged.to_json() for name, staged in material.staged.items()},
        on_sut=list(material.on_sut),
        environment=material.environment,
    )
