"""Executes a plan: creates or continues a campaign folder, skips what is done, repeats what failed, stops by rule.

Knows the campaign's chained log and who comes next. Knows no phases (run.py), no wires, no numbers.
"""

import fcntl
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

from harness.config import LabConfig
from harness.documents import SCHEMA, Json
from harness.errors import ConfigError, Interrupted, LabError, RunFolderError, SutError
from harness.plan import PlannedRun, make_plan
from harness.recorder import MeterRecorder
from harness.run import Bench, Ended, execute, utc_now
from harness.run_folder import CAMPAIGN, JOURNAL, CampaignFolder, RunFolder, seal_folder
from meters.meter import MeterError


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where the campaign is. `left_s` is an estimate, `power_w` the last reading."""

    done: int
    total: int
    current: PlannedRun
    attempt: int
    phase: str
    power_w: float | None
    left_s: float


class Campaign:
    """A campaign on disk and its plan. Hold it open (`with`) while it is measured: one process at a time.

    Raises:
        ConfigError: lab.toml differs from the one the campaign was begun with.
        RunFolderError: another process measures this campaign.
    """

    def __init__(self, config: LabConfig, software: Json) -> None:
        self._config = config
        self.plan = make_plan(config)
        path = config.campaign_folder
        if (path / CAMPAIGN).is_file():
            self.folder = CampaignFolder(path)
            self._require_same_config()
        else:
            self.folder = CampaignFolder.create(path)
        if not self.folder.entries():
            self._write_header(software)

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
        self.folder.append("plan", utc_now(), {"runs": [asdict(run) for run in self.plan]})

    def _require_same_config(self) -> None:
        entries = self.folder.entries()
        if not entries:
            return
        begun = entries[0].get("config")
        if not isinstance(begun, dict):
            raise RunFolderError(f"{self.folder.path}: an imported campaign cannot be continued; choose another name")
        now = self._config.to_json()
        changed = sorted(_differences(begun, now))
        if changed:
            raise ConfigError(
                f"{self._config.path}: {', '.join(changed[:5])} differ from when the campaign "
                f"{self.folder.path} was begun; restore them, or give campaign.name a new value"
            )
        if not any(entry["type"] == "plan" for entry in entries):
            self.folder.append("plan", utc_now(), {"runs": [asdict(run) for run in self.plan]})

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from measuring the same campaign."""
        with (self.folder.path / CAMPAIGN).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunFolderError(f"{self.folder.path}: another `wattlab run` is measuring this campaign") from None
            yield

    def remaining(self) -> list[PlannedRun]:
        """Planned runs without a successful attempt, in order."""
        entries = self.folder.entries()
        done = {e["ordinal"] for e in entries if e["type"] == "run-end" and e["exit_status"] == "success"}
        return [run for run in self.plan if run.ordinal not in done]

    def seal_cut_off(self) -> list[str]:
        """Seal, as found, the runs that a killed process left behind; return a sentence for each."""
        entries = self.folder.entries()
        ended = {entry["folder"] for entry in entries if entry["type"] == "run-end"}
        sentences = []
        for entry in entries:
            if entry["type"] == "run-begin" and entry["folder"] not in ended:
                status, reason, manifest = self._seal_as_found(self.folder.path / str(entry["folder"]))
                self._log_end(int(entry["ordinal"]), str(entry["folder"]), status, reason, manifest)
                sentences.append(f"run {entry['ordinal']} ({entry['folder']}): {status}, {reason}")
        return sentences

    @staticmethod
    def _seal_as_found(path: Path) -> tuple[str, str | None, str | None]:
        journal = path / JOURNAL
        if not journal.is_file() or b"\n" not in journal.read_bytes():
            shutil.rmtree(path, ignore_errors=True)
            return "abort", "cut off before anything was recorded", None
        manifest = seal_folder(path)
        run = RunFolder.open(path)
        return run.exit_status, run.reason, manifest

    def measure(self, bench: Bench, on_progress: Callable[[Progress], None]) -> None:
        """Make every remaining run; returns when the plan is complete.

        Raises:
            LabError, MeterError: a run failed max_failed_attempts times, or the lab's side ended the campaign.
        """
        campaign, baseline = self._config.file.campaign, self._config.file.baseline
        # Before anything was measured only a baseline block's length is known; each scenario's follows with its runs.
        known_s = campaign.stabilization_s + baseline.duration_s + campaign.supplementary_s
        durations_s: dict[str, list[float]] = {self._config.baseline.name: [known_s]}
        for planned in self.remaining():
            for failures in range(1, self._config.file.campaign.max_failed_attempts + 1):
                begin = time.monotonic()
                ended = self._attempt(bench, planned, durations_s, on_progress)
                if ended.exit_status == "success":
                    durations_s.setdefault(planned.scenario, []).append(time.monotonic() - begin)
                    break
                self._give_up_or_retry(planned, ended, failures)
            time.sleep(self._config.file.campaign.pause_s)

    def _attempt(
        self,
        bench: Bench,
        planned: PlannedRun,
        durations_s: dict[str, list[float]],
        on_progress: Callable[[Progress], None],
    ) -> Ended:
        entries = self.folder.entries()
        attempt = 1 + sum(e["type"] == "run-begin" and e["ordinal"] == planned.ordinal for e in entries)
        manifests = [e["manifest"] for e in entries if e["type"] == "run-end" and e["manifest"]]
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-r{planned.ordinal:02d}-{secrets.token_hex(4)}"
        begin_s = time.monotonic()
        left = self.remaining()

        def on_phase(phase: str, recorder: MeterRecorder | None) -> None:
            estimate_s = _estimate_s(left, durations_s)
            on_progress(
                Progress(
                    done=len(self.plan) - len(left),
                    total=len(self.plan),
                    current=planned,
                    attempt=attempt,
                    phase=phase,
                    power_w=recorder.last.power_w if recorder and recorder.last else None,
                    left_s=max(0.0, estimate_s - (time.monotonic() - begin_s)),
                )
            )

        self.folder.append("run-begin", utc_now(), {"ordinal": planned.ordinal, "folder": name, "attempt": attempt})
        scenarios = {scenario.name: scenario for scenario in (*bench.config.scenarios, bench.config.baseline)}
        ended = execute(
            bench,
            planned,
            scenarios[planned.scenario],
            self.folder.path / name,
            attempt=attempt,
            previous_manifest=manifests[-1] if manifests else None,
            on_phase=on_phase,
        )
        self._log_end(planned.ordinal, name, ended.exit_status, ended.reason, ended.manifest)
        return ended

    def _log_end(self, ordinal: int, name: str, status: str, reason: str | None, manifest: str | None) -> None:
        body = {"ordinal": ordinal, "folder": name, "exit_status": status, "reason": reason, "manifest": manifest}
        self.folder.append("run-end", utc_now(), body)

    def _give_up_or_retry(self, planned: PlannedRun, ended: Ended, failures: int) -> None:
        """Return to repeat the run; raise what ends the campaign: the operator, a bug, a dead link, too many tries."""
        cause = ended.cause
        if cause is not None and not isinstance(cause, LabError | MeterError):
            raise cause
        if isinstance(cause, Interrupted | SutError | RunFolderError):
            raise cause
        limit = self._config.file.campaign.max_failed_attempts
        if failures >= limit:
            raise LabError(
                f"run {planned.ordinal} ({planned.scenario}, repetition {planned.repetition}) failed {failures} times; "
                f"the last time: {ended.reason}. All attempts are kept; `wattlab run` tries again when it is mended"
            )


def _estimate_s(left: list[PlannedRun], durations_s: dict[str, list[float]]) -> float:
    """Time for the runs left, from the mean duration of each scenario so far (the mean of all where there is none)."""
    means = {name: mean(values) for name, values in durations_s.items()}
    fallback = mean(means.values())
    return sum(means.get(run.scenario, fallback) for run in left)


def _differences(begun: Json, now: Json, path: str = "") -> Iterator[str]:
    """TOML paths whose values differ."""
    for key in begun.keys() | now.keys():
        old, new = begun.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, f"{path}{key}.")
        elif old != new:
            yield path + key
