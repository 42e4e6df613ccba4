"""Executes a plan: creates or continues a campaign folder, skips what is done, repeats what failed or was thrown out,
stops by rule.

Knows the campaign's chained log and who comes next. Knows no phases (run.py), no wires, no numbers. The plan is that of
the log: its first stage, and what was appended to it, a second stage by the rule that the first entry declares, or the
blocks of the observer effect. What is left of it: agenda.py; who may run it: campaign_lock.py.

Above 400 lines: one class is the one writer of the campaign's log, and the order of its entries is its whole sense.
"""

import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeAlias

from harness.attest.signer import SealSigner
from harness.measure.agenda import (
    OBSERVER,
    RATED,
    begun_otherwise,
    ending_of,
    estimate_s,
    planned_runs,
    remaining_runs,
)
from harness.measure.attempt import Ended, execute
from harness.measure.bench import Bench
from harness.measure.gate import Condition
from harness.measure.journal import utc_now
from harness.measure.lab_file import LabConfig
from harness.measure.material import Material, read_staged
from harness.measure.observer import observer_scenarios
from harness.measure.photos import attach_photos
from harness.measure.plan import (
    PlannedRun,
    make_observer_plan,
    make_plan,
    make_second_stage,
    sync_pulse,
    warm_up,
)
from harness.measure.recorder import MeterRecorder
from harness.measure.run import OnPhase, Run
from harness.measure.scenario import Scenario
from harness.measure.searches import Suggest, register, suggest_for, with_suggestion
from harness.measure.speaking import MeterAway, require_speaking
from harness.record import standing
from harness.record.campaign_folder import CAMPAIGN, EMPTY, LOST, CampaignFolder
from harness.record.documents import SCHEMA, Json, RunKind, WaitEvent
from harness.record.entries import Plan, RunBegin, RunEnd, RunStart, header_of, of
from harness.record.errors import ConfigError, Interrupted, LabError, RunFolderError, SutError
from harness.record.run_folder import JOURNAL, RunFolder
from harness.record.seal import Sign, seal_folder, signature_of, unsigned
from meters.meter import MeterError

Judge: TypeAlias = Callable[[Path], str | None]
"""Says of a sealed run of the plan why it enters no mean, None where it does: the offline half's business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where the campaign is. `left_s` is an estimate, `power_w` the last reading; `underway`: the run that goes on."""

    done: int
    total: int
    current: PlannedRun
    attempt: int
    phase: str
    power_w: float | None
    left_s: float
    underway: Run | None = None


class Campaign:
    """A campaign on disk and its plan. Hold it open (`with`) while it is measured: one process at a time.

    `signer` signs every seal (None: lab.toml names no key).

    Raises:
        ConfigError: lab.toml differs from the one the campaign was begun with, or it was imported.
        RunFolderError: another process measures this campaign.
    """

    def __init__(self, config: LabConfig, software: Json, signer: SealSigner | None = None) -> None:
        self._config = config
        self._signer = signer
        self._reference: Condition | None = None
        path = config.campaign_folder
        if (path / CAMPAIGN).is_file():
            self.folder = CampaignFolder(path)
            self._require_same_config()
        else:
            self.folder = CampaignFolder.create(path)
        if not self.folder.entries():
            self._write_header(software)
        attach_photos(config, self.folder, utc_now())

    @property
    def sign(self) -> Sign:
        """Makes the signature of a seal."""
        return unsigned if self._signer is None else self._signer.sign

    @property
    def plan(self) -> list[PlannedRun]:
        """Every planned run of every stage, in order."""
        return planned_runs(self.folder.entries())

    def _write_header(self, software: Json) -> None:
        campaign, lab = self._config.file.campaign, self._config.file.lab
        header = {
            "schema": SCHEMA,
            "name": campaign.name,
            "uid": secrets.token_hex(4),
            "seed": campaign.seed,
            "design": campaign.design,
            "customer": lab.customer,
            "software": software,
            "config": self._config.to_json(),
        }
        self.folder.append("campaign", utc_now(), header)
        self._write_first_stage()

    def _write_first_stage(self) -> None:
        """The plan of lab.toml and, in the same line, the rule that alone may add a second stage."""
        rule = asdict(self._config.file.campaign.two_stage) if self.is_two_stage else None
        runs = [run.to_json() for run in make_plan(self._config)]
        self.folder.append("plan", utc_now(), {"stage": "first", "rule": rule, "runs": runs})

    @property
    def is_two_stage(self) -> bool:
        """Whether lab.toml declared that a second stage follows."""
        return bool(self._config.file.campaign.two_stage.half_width_percent)

    @property
    def second_stage_due(self) -> bool:
        """Whether the first stage is done and the second was not sized yet. It is sized once: there is one look."""
        sized = any(plan.stage == "second" for plan in of(Plan, self.folder.entries()))
        return self.is_two_stage and not sized and not self.remaining()

    def add_second_stage(self, repetitions: Mapping[str, int], blocks: int, evidence: Json) -> list[PlannedRun]:
        """Append the second stage, sized from the first as `evidence` says (also where it adds no run).

        Raises:
            RunFolderError: lab.toml declared none, the first stage is not done, or it was sized before.
        """
        if not self.second_stage_due:
            raise RunFolderError(
                f"{self.folder.path}: no second stage may be added; it is declared before the first run (design = "
                '"two-stage"), and sized once, when the first stage is done'
            )
        added = make_second_stage(self._config, self.plan, repetitions, blocks)
        body = {"stage": "second", "sizes": {"repetitions": dict(repetitions), "blocks": blocks}, "evidence": evidence}
        self.folder.append("plan", utc_now(), body | {"runs": [run.to_json() for run in added]})
        return added

    def add_observer_blocks(self, blocks: int, duration_s: float) -> None:
        """Plan the blocks of the observer effect, where none are left to be made."""
        if self.remaining(OBSERVER):
            return
        first = 1 + max(run.ordinal for run in self.plan)
        added = make_observer_plan(self._config.file.campaign.seed, blocks, first)
        body = {"stage": "observer", "duration_s": duration_s, "runs": [run.to_json() for run in added]}
        self.folder.append("plan", utc_now(), body)

    def _require_same_config(self) -> None:
        entries = self.folder.entries()
        if header_of(entries) is None:
            return
        if (problem := begun_otherwise(self._config, entries)) is not None:
            remedy = (
                ""
                if of(RunBegin, entries)
                else "; no run of it was begun yet: nothing is lost where its folder is removed"
            )
            raise ConfigError(f"{problem}{remedy}")
        if not of(Plan, entries):
            self._write_first_stage()

    def remaining(self, kinds: tuple[RunKind, ...] = RATED) -> list[PlannedRun]:
        """Planned runs of some kinds without a successful attempt, in order. One that was thrown out is no success
        until it was tried `max_failed_attempts` times: then it is left as it is."""
        return remaining_runs(self.folder.entries(), self._most_attempts, kinds)

    @property
    def _most_attempts(self) -> int:
        return self._config.file.campaign.max_failed_attempts

    def _thrown_out(self) -> dict[int, list[str]]:
        """Ordinal -> why its attempts were thrown out, of the runs of which no other attempt counts."""
        return standing.thrown_out(self.folder.entries())

    def given_up(self) -> dict[int, str]:
        """Ordinal -> why, of the runs that are left out because their workload failed (`campaign.when_failed`)."""
        return standing.given_up(self.folder.entries())

    def in_no_mean(self) -> list[str]:
        """A sentence for each planned run that was thrown out or has failed, and is not tried again."""
        left = {run.ordinal for run in self.remaining()}
        planned = {run.ordinal: run for run in self.plan}
        failed = [
            f"run {ordinal} ({planned[ordinal].scenario}, repetition {planned[ordinal].repetition}), left out: {reason}"
            for ordinal, reason in self.given_up().items()
        ]
        return failed + [
            f"run {ordinal} ({planned[ordinal].scenario}, repetition {planned[ordinal].repetition}), "
            f"{len(reasons)} times: {reasons[-1]}"
            for ordinal, reasons in self._thrown_out().items()
            if ordinal in planned and ordinal not in left
        ]

    def seal_cut_off(self, judge: Judge) -> list[str]:
        """Seal, as found, the runs that a killed process left behind, and register the trials among them that are
        complete; return a sentence for each."""
        entries = self.folder.entries()
        started = {start.folder for start in of(RunStart, entries)}
        ended = {end.folder for end in of(RunEnd, entries)}
        sentences = []
        for begin in of(RunBegin, entries):
            if (name := begin.folder) not in ended:
                status, reason = self._seal_as_found(begin.ordinal, name, judge, was_started=name in started)
                sentences.append(f"run {begin.ordinal} ({name}): {status}, {reason}")
        register(self.folder, self._config, utc_now)
        return sentences

    def _seal_as_found(self, ordinal: int, name: str, judge: Judge, *, was_started: bool) -> tuple[str, str | None]:
        """Seal a run that has no end, and log how it ended. That its folder is gone, and that nothing had been recorded
        in it, are two things: the log saw its start document on disk, or its folder was made right after it was
        begun."""
        path = self.folder.path / name
        journal = path / JOURNAL
        if journal.is_file() and b"\n" in journal.read_bytes():
            manifest = seal_folder(path, self.sign)
            status, reason = ending_of(path)
            thrown_out = judge(path) if status == "success" else None
            self._log_end(ordinal, path, status, reason, manifest, thrown_out=thrown_out)
            return status, reason
        gone, lost = "its journal" if path.is_dir() else "its folder", LOST
        if was_started:
            reason = f"it had begun to be recorded, and {gone} is gone: somebody removed it"
        elif not path.is_dir():
            reason = f"{gone} is not there: removed, or the kill came in the instant before it was made"
        else:
            shutil.rmtree(path, ignore_errors=True)
            reason, lost = "cut off before anything was recorded", EMPTY
        self._log_end(ordinal, path, "abort", reason, None, lost=lost)
        return "abort", reason

    def measure(
        self,
        bench: Bench,
        on_progress: Callable[[Progress], None],
        judge: Judge,
        kinds: tuple[RunKind, ...] = RATED,
        *,
        suggest: Suggest | None = None,
    ) -> None:
        """Make every remaining run of some kinds; returns when none is left. It begins with a warm-up, a session with
        its sync pulse, where lab.toml wants one. A run that `judge` throws out is tried again like one that failed;
        when it was thrown out max_failed_attempts times, the campaign goes on without it (`in_no_mean`). `suggest`
        says what the trials of a search are run with; a trial whose program fails is not tried again: that is its
        result.

        Raises:
            LabError, MeterError: a run failed max_failed_attempts times, or the lab's side ended the campaign.
        """
        self._reference = self._session_began(bench)
        campaign, baseline = self._config.file.campaign, self._config.file.baseline
        # Before anything was measured only a baseline block's length is known; each scenario's follows with its runs.
        known_s = campaign.stabilization_s + baseline.duration_s + campaign.supplementary_s + standing.BEGIN_S
        durations_s: dict[str, list[float]] = {}
        left_s = partial(estimate_s, durations_s=durations_s, known_s=known_s, pause_s=campaign.pause_s)
        for planned in [*self._warm_ups(kinds), *self._sync_pulses(bench, kinds), *self.remaining(kinds)]:
            if planned.ordinal in self.given_up():
                continue
            if planned.trial is not None:
                assert suggest is not None
                suggest_for(self.folder, self._config, planned, suggest, utc_now)
            tried = len(self._thrown_out().get(planned.ordinal, []))
            for failures in range(tried + 1, self._most_attempts + 1):
                begin = time.monotonic()
                ended, thrown_out = self._attempt(bench, planned, left_s, on_progress, judge)
                if ended.exit_status == "success":
                    durations_s.setdefault(planned.scenario, []).append(time.monotonic() - begin)
                    if thrown_out is None:
                        break
                elif planned.trial is not None and ended.exit_status == "fail":
                    break
                else:
                    self._give_up_or_retry(planned, ended, failures)
                    if planned.ordinal in self.given_up():
                        break
            register(self.folder, self._config, utc_now)
            own = self._config.file.warm_up if planned.kind == "warm-up" else None
            time.sleep(campaign.pause_s if own is None else own.pause_s)

    def _of_this_session(self, bench: Bench) -> Iterator[RunFolder]:
        """The runs that were made in this session, one boot of host and SUT, in order."""
        boots = (bench.host_facts.get("boot_id"), bench.sut_facts.get("boot_id"))
        for run in self.folder.runs():
            if (run.start.host.get("boot_id"), run.start.sut.get("boot_id")) == boots:
                yield run

    def _session_began(self, bench: Bench) -> Condition | None:
        """Where this session began, as its first run noted it."""
        noted = (
            event.evidence
            for run in self._of_this_session(bench)
            for event in run.events
            if isinstance(event, WaitEvent) and event.outcome == "reference"
        )
        written = next(noted, None)
        return None if written is None else Condition.from_json(written)

    def _warm_ups(self, kinds: tuple[RunKind, ...]) -> list[PlannedRun]:
        """The warm-up, where one is wanted and runs are left that it is for."""
        if self._config.warm_up is None or kinds != RATED or not self.remaining(kinds):
            return []
        made = sum(run.start.kind == "warm-up" for run in self.folder.runs())
        return [warm_up(self._config.file.campaign.seed, made + 1)]

    def _sync_pulses(self, bench: Bench, kinds: tuple[RunKind, ...]) -> list[PlannedRun]:
        """The sync pulse of this session, where one is wanted and none was made in it."""
        runs = [run for run in self.folder.runs() if run.start.kind == "sync" and run.exit_status == "success"]
        here = {run.path for run in self._of_this_session(bench)}
        wanted = self._config.file.campaign.sync_pulse and kinds == RATED and self.remaining(kinds)
        if not wanted or any(run.path in here for run in runs):
            return []
        return [sync_pulse(self._config.file.campaign.seed, len(runs) + 1)]

    def _scenarios(self) -> dict[str, Scenario]:
        """Every scenario that a run may be of, by name."""
        config = self._config
        lengths_s = [plan.duration_s for plan in of(Plan, self.folder.entries()) if plan.duration_s is not None]
        observed = observer_scenarios(lengths_s[-1]) if lengths_s else []
        return {scenario.name: scenario for scenario in (*config.started, config.baseline, config.sync, *observed)}

    def _attempt(
        self,
        bench: Bench,
        planned: PlannedRun,
        left_s: Callable[[Sequence[PlannedRun]], float],
        on_progress: Callable[[Progress], None],
        judge: Judge,
    ) -> tuple[Ended, str | None]:
        """One attempt: how it ended, and why it is thrown out.

        Raises:
            MeterAway: a meter does not speak; no attempt was begun.
        """
        scenario = with_suggestion(self._scenarios()[planned.scenario], planned, self.folder.entries())
        uid = secrets.token_hex(4)
        # Before the log names the run: what cannot be read or asked now costs none.
        staged = read_staged(scenario, bench.marker_source)
        begun_in = scenario.directory or bench.sut.work_folder(uid)
        material = Material(staged, *bench.inventory.of(bench.command_of(scenario), begun_in))
        entries = self.folder.entries()
        attempt = 1 + sum(begin.ordinal == planned.ordinal for begin in of(RunBegin, entries))
        manifests = [end.manifest for end in of(RunEnd, entries) if end.manifest]
        begin_s = time.monotonic()
        left = self.remaining((planned.kind,) if planned.kind == "observer" else RATED)
        total = len(self.plan)

        def on_phase(phase: str, recorder: MeterRecorder | None, underway: Run | None) -> None:
            estimate_s = left_s(left)
            on_progress(
                Progress(
                    done=total - len(left),
                    total=total,
                    current=planned,
                    attempt=attempt,
                    phase=phase,
                    power_w=recorder.last.power_w if recorder and recorder.last else None,
                    left_s=max(0.0, estimate_s - (time.monotonic() - begin_s)),
                    underway=underway,
                )
            )

        self._require_meters(bench, planned, attempt, on_phase)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-r{planned.ordinal:02d}-{uid}"

        def on_start(digest: str) -> None:
            body = {"ordinal": planned.ordinal, "folder": name, "start": digest}
            self.folder.append("run-start", utc_now(), body)

        self.folder.append("run-begin", utc_now(), {"ordinal": planned.ordinal, "folder": name, "attempt": attempt})
        ended = execute(
            bench,
            planned,
            scenario,
            self.folder.path / name,
            material,
            attempt=attempt,
            previous_manifest=manifests[-1] if manifests else None,
            on_start=on_start,
            on_phase=on_phase,
            reference=self._reference,
        )
        self._reference = ended.reference
        thrown_out: str | None = None
        try:
            if ended.exit_status == "success" and planned.kind in RATED:
                thrown_out = judge(self.folder.path / name)
        finally:
            path = self.folder.path / name
            self._log_end(planned.ordinal, path, ended.exit_status, ended.reason, ended.manifest, thrown_out=thrown_out)
        return ended, thrown_out

    def _require_meters(self, bench: Bench, planned: PlannedRun, attempt: int, on_phase: OnPhase) -> None:
        """Ask every meter for a reading before the log names the attempt.

        Raises:
            MeterAway: one gives none; says what was not begun, and how the campaign goes on.
        """
        try:
            require_speaking(
                bench.open_meters,
                bench.config.file.meters,
                lambda meter: on_phase(f"waiting for meter {meter}", None, None),
            )
        except MeterAway as away:
            raise MeterAway(
                f"{away}. Attempt {attempt} at run {planned.ordinal} ({planned.scenario}, repetition "
                f"{planned.repetition}) was not begun and is not counted: see to the meter's cable, power and port; "
                "`wattlab run` goes on with it"
            ) from away

    def _log_end(
        self,
        ordinal: int,
        path: Path,
        status: str,
        reason: str | None,
        manifest: str | None,
        *,
        lost: str | None = None,
        thrown_out: str | None = None,
    ) -> None:
        signature = None if manifest is None else signature_of(path)
        body = {"ordinal": ordinal, "folder": path.name, "exit_status": status, "reason": reason, "manifest": manifest}
        body |= {"lost": lost, "signature": signature, "unsigned": self._unsigned(manifest, signature)}
        self.folder.append("run-end", utc_now(), body | {"thrown_out": thrown_out})

    def _unsigned(self, manifest: str | None, signature: str | None) -> str | None:
        """Why a seal that is to be signed is not."""
        return None if manifest is None or signature is not None or self._signer is None else self._signer.problem

    def _give_up_or_retry(self, planned: PlannedRun, ended: Ended, failures: int) -> None:
        """Return to repeat the run; raise what ends the campaign: the operator, a bug, a dead link, too many tries."""
        cause = ended.cause
        if cause is not None and not isinstance(cause, LabError | MeterError):
            raise cause
        if isinstance(cause, Interrupted | SutError | RunFolderError):
            raise cause
        if failures >= self._most_attempts and planned.ordinal not in self.given_up():
            raise LabError(
                f"run {planned.ordinal} ({planned.scenario}, repetition {planned.repetition}) failed "
                f"{_times(failures)}: {ended.reason}. All attempts are kept in {self.folder.path}; mend what made it "
                "fail, then `wattlab run` tries again"
            )


def _times(failures: int) -> str:
    return "once" if failures == 1 else f"{failures} times; the last time"
