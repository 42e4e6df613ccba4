"""One attempt at a planned run: from an empty folder to a sealed one.

Knows the start and the stop document, and that every ending writes one. Knows no phase (`harness.measure.run`), no plan
and no other run.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.measure.bench import Bench
from harness.measure.gate import Condition
from harness.measure.journal import Journal, seal_run, utc_now
from harness.measure.material import Material
from harness.measure.plan import PlannedRun
from harness.measure.rating.part import RunFailed
from harness.measure.rating.words import reason_of
from harness.measure.run import OnPhase, Run, uid_of
from harness.measure.scenario import Scenario
from harness.record.documents import ExitStatus, Start, Stop
from harness.record.run_folder import WORK
from harness.record.run_writer import RunWriter
from harness.sut.clock import boot_ns


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended; `manifest` is the digest of its seal, `cause` the error that aborted it, `reference` where its
    session began (None: no gate)."""

    exit_status: ExitStatus
    reason: str | None
    manifest: str
    cause: BaseException | None
    reference: Condition | None


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
) -> Ended:
    """Make one run in `folder` (exclusively created). Whatever happens, the folder ends sealed, with a stop document.
    What happens while a run that ended is cleaned up does not change how it ended: it becomes a note.

    `on_start` is told the digest of the start document when it is on disk, before anything is measured; `reference` is
    where the session began, None where this is its first run.

    Raises:
        RunFolderError: the disk refuses; the folder is left for the next start to seal as found.
    """
    with RunWriter(folder) as writer:
        inputs = bench.config.inputs | {"scenario.toml": scenario.source, "agent.py": bench.agent_source}
        if scenario.usage is not None:
            inputs |= scenario.usage.inputs
        if bench.register is not None:
            inputs |= bench.register.inputs()
        digests = {name: writer.write_file(f"inputs/{name}", content) for name, content in inputs.items()}
        for name, staged in material.staged.items():
            if staged.kept:
                writer.write_file(f"{WORK}/{name}", staged.content)
        start = _start(bench, planned, scenario, folder, attempt, previous_manifest, digests, material)
        on_start(writer.begin(start))
        journal = Journal(writer)
        run = Run(bench, planned, scenario, material, writer, journal, on_phase, reference)
        status: ExitStatus = "success"
        cause: BaseException | None = None
        try:
            run.measure()
        except BaseException as error:
            status, cause = ("fail" if isinstance(error, RunFailed) else "abort"), error
        interruption = run.release()
        if cause is None and interruption is not None:
            status, cause = "abort", interruption
        reason = None if cause is None else reason_of(cause)
        stop = Stop(
            time_ns=time.monotonic_ns(),
            utc=utc_now(),
            exit_status=status,
            reason=reason,
            streams=writer.stream_summary(),
        )
        return Ended(status, reason, seal_run(writer, journal, stop, bench.sign), cause, run.reference)


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
        cell=None if scenario.cell is None else dict(scenario.cell),
    )
