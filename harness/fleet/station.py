"""A station: what it measures now, and how a planned run is made there once.

Knows lab.toml, campaign folders and sessions. The truth is the campaign's log at the station: a run that is sealed
there and counts is never made again, whoever asks how often. Knows no Dask.
"""

import fcntl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

from harness.fleet.readiness import meters_of, refusal
from harness.fleet.session import Session, begin
from harness.measure.agenda import begun_otherwise, is_done, planned_runs, remaining_runs
from harness.measure.campaign_lock import is_measured
from harness.measure.lab_file import LabConfig, load
from harness.measure.plan import make_plan
from harness.record import standing
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.documents import Json, RunKind
from harness.record.entries import Entry, Plan, of
from harness.record.errors import FleetError, why

RATED: tuple[RunKind, ...] = ("baseline", "scenario")
POLL_S = 0.2
ENDING_S = 120.0
"""A session that is told to end has so long to seal what it measures and to end the load on the SUT."""
NEXT = 0
"""In place of an ordinal: whichever run a second stage begins with, once it is sized."""


@dataclass(frozen=True, slots=True)
class Underway:
    """The campaign that a station measures now."""

    file: str
    config: LabConfig
    session: Session


class Station:
    """One bench and its lab.toml; one session at a time.

    `serve` belongs into the main thread; everything else may be called by any.
    """

    def __init__(self, name: str, lab: Path, sut: str | None, tell: Callable[[str], None]) -> None:
        self.name = name
        self.lab = lab.absolute()
        self.sut = sut
        self.asked = threading.Event()
        """Of the scheduler that asks now; set when it is gone: whoever waits for a run need not any more."""
        self._lock: IO[bytes] | None = None
        self._tell = tell
        self._wanted: SimpleQueue[tuple[Sequence[str], Future[Session]]] = SimpleQueue()
        self._one = threading.Lock()
        self._folders: dict[Path, CampaignFolder] = {}
        self.underway: Underway | None = None
        self.handing_in: str | None = None
        """The folder of the campaign that is added to the archive now."""

    # --- the main thread ---------------------------------------------------------------------------------------------

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only process that serves this station, until the context is left and its session has ended. One that
        was killed leaves a session that seals what it measured: that is waited for.

        Raises:
            FleetError: another process serves it, or no lock can be made.
        """
        path = self.lab.with_name(f".station-{self.name}.lock")
        try:
            with path.open("ab") as self._lock:
                self._await(path, self._lock)
                yield
        except OSError as error:
            raise FleetError(f"{path}: the station cannot be locked ({why(error)})") from None

    def _await(self, path: Path, lock: IO[bytes]) -> None:
        end = time.monotonic() + ENDING_S
        is_told = False
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise FleetError(f"{path}: another `wattlab station serve` is this station; end it first") from None
            if not is_told:
                self._tell("Another process is this station, or a run of it that was cut is being sealed; waiting.")
                is_told = True
            time.sleep(POLL_S)

    def serve(self, is_over: Callable[[], bool]) -> None:
        """Start what is wanted until `is_over`; what is measured then is cut, and sealed."""
        try:
            while not is_over():
                try:
                    words, answer = self._wanted.get(timeout=POLL_S)
                except Empty:
                    continue
                try:
                    answer.set_result(begin(words, self._lock))
                except OSError as error:
                    answer.set_exception(FleetError(f"{self.name}: no process can be started ({error})"))
        finally:
            self.end_session()

    def end_session(self) -> None:
        """Cut what is measured now, and wait until it is sealed."""
        if (underway := self.underway) is not None and not underway.session.is_over:
            underway.session.interrupt()
            underway.session.process.wait(ENDING_S)

    def _begin(self, *words: str) -> Session:
        answer: Future[Session] = Future()
        self._wanted.put((words, answer))
        return answer.result()

    # --- what may be asked -------------------------------------------------------------------------------------------

    def agenda(self, file: str) -> Json:
        """A campaign of this station: `name`, its `folder`, every planned run in `runs`, the ordinals of those that are
        `left`, whether it `is_done`, why nothing can be measured now (`refused`, or null), and why the campaign in that
        folder is another one than the files ask for (`otherwise`, or null).

        Raises:
            ConfigError: the files are wrong.
        """
        config = self._config(file)
        entries = self._entries(config)
        is_begun = bool(of(Plan, entries))
        runs = planned_runs(entries) if is_begun else make_plan(config)
        most = config.file.campaign.max_failed_attempts
        left = [run.ordinal for run in (remaining_runs(entries, most, RATED) if is_begun else runs)]
        is_complete = is_begun and is_done(config)
        return {
            "name": config.campaign_folder.name,
            "folder": str(config.campaign_folder),
            "runs": [run.to_json() for run in runs if run.kind in RATED],
            "left": left,
            "is_done": is_complete,
            "refused": self._refusal(config),
            "otherwise": begun_otherwise(config, entries, is_done=is_complete),
        }

    def measure(self, file: str, ordinal: int) -> str:
        """The folder of the sealed run of a line of the plan; empty where the line was given up. Is it not made yet, it
        is waited for: by the session that measures the campaign, which is begun where none does.

        Raises:
            FleetError: it cannot be measured, or the scheduler that asked is gone.
        """
        config, asked = self._config(file), self.asked
        with self._one:
            if (made := self._made(config, ordinal)) is not None:
                return made
            self._wait_for_others(config, asked)
            if (made := self._made(config, ordinal)) is not None:
                return made
            session = self._session_for(file, config)
        while not session.is_over:
            if (made := self._made(config, ordinal)) is not None:
                return made
            self._pause(asked)
        if (made := self._made(config, ordinal)) is not None:
            return made
        problem = session.problem or f"{config.campaign_folder}: run {ordinal} is not in its plan any more"
        self._tell(f"Not measured: {problem}")
        raise FleetError(problem)

    def hand_in(self, file: str, archive: str) -> str:
        """Bring an archive up to date with a campaign, sealed files included; the campaign's folder, which stays.

        Raises:
            FleetError: it cannot be added.
        """
        config, asked = self._config(file), self.asked
        folder = str(config.campaign_folder)
        with self._one:
            self._wait_for_others(config, asked)
            self.handing_in = folder
            try:
                session = self._begin("archive", "add", folder, "--into", archive, "--raw")
                while not session.is_over:
                    self._pause(asked)
            finally:
                self.handing_in = None
        if (problem := session.problem) is not None:
            raise FleetError(problem)
        return folder

    def stop(self) -> str:
        """Cut what is measured now; the folder of its campaign, empty where nothing was."""
        underway = self.underway
        if underway is None or underway.session.is_over:
            return ""
        self._tell(f"A client of the fleet has ended the measurement of {underway.config.campaign_folder}.")
        underway.session.interrupt()
        return str(underway.config.campaign_folder)

    # --- how ---------------------------------------------------------------------------------------------------------

    def _config(self, file: str) -> LabConfig:
        path = self.lab.parent / Path(file).expanduser()
        named = path if path.exists() or path.parent != self.lab.parent else Path(file)  # else one of wattlab's own
        return load(self.lab, None if path == self.lab else named, self.sut)

    def _entries(self, config: LabConfig) -> list[Entry]:
        path = config.campaign_folder
        if not (path / CAMPAIGN).is_file():
            self._folders.pop(path, None)
            return []
        return self._folders.setdefault(path, CampaignFolder(path)).entries()

    def _made(self, config: LabConfig, ordinal: int) -> str | None:
        """The folder of the run of a line, empty where there will be none; None: it is to be made."""
        entries = self._entries(config)
        most = config.file.campaign.max_failed_attempts
        if ordinal == NEXT:
            return "" if remaining_runs(entries, most, RATED) or (entries and is_done(config)) else None
        if ordinal not in standing.done(entries, most):
            return None
        folder = config.campaign_folder
        return "" if ordinal in standing.given_up(entries) else str(folder / standing.counting(entries, ordinal).folder)

    def _refusal(self, config: LabConfig) -> str | None:
        return refusal(meters_of(config.station, config.file.meters))

    def _wait_for_others(self, config: LabConfig, asked: threading.Event) -> None:
        """Until no session of another campaign goes on here, and nobody else measures this one: a session that was cut
        is sealing, or an operator has begun one."""
        while self._is_busy(config):
            self._pause(asked)

    def _is_busy(self, config: LabConfig) -> bool:
        if (underway := self.underway) is not None and not underway.session.is_over:
            return underway.config.campaign_folder != config.campaign_folder
        return is_measured(config.campaign_folder)

    def _session_for(self, file: str, config: LabConfig) -> Session:
        if (underway := self.underway) is not None and not underway.session.is_over:
            return underway.session
        if (refused := self._refusal(config)) is not None:
            raise FleetError(f"{self.name}: {refused}")
        words = ["run", "--lab", str(self.lab)]
        if config.campaign_path is not None:
            words += ["--campaign", str(config.campaign_path)]
        if self.sut is not None:
            words += ["--sut", self.sut]
        self._tell(f"Measuring {config.campaign_folder}.")
        self.underway = Underway(file, config, self._begin(*words))
        return self.underway.session

    def _pause(self, asked: threading.Event) -> None:
        if asked.wait(POLL_S):
            raise FleetError(f"{self.name}: the scheduler that asked is gone")


def words_of(run: Json) -> str:
    """A planned run in words."""
    return f"run {run['ordinal']} ({run['scenario']}, repetition {run['repetition']})"
