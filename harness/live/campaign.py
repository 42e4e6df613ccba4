"""A campaign while it is measured: its log as it grows, which run is shown, what is done and how long the rest takes.

Knows campaign.jsonl and whose turn it is. Knows no reading. The chain is not checked here: `wattlab verify` does that.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

from harness.live.run import LiveRun
from harness.live.tail import Replaced, Tail
from harness.record import standing
from harness.record.campaign_folder import CAMPAIGN
from harness.record.documents import Json, is_plain_name, load_object, upgrade
from harness.record.entries import IN_LOG, Entry, Header, RunBegin, RunEnd, entry_of, header_of, of
from harness.record.errors import DocumentError
from harness.record.run_folder import JOURNAL

State: TypeAlias = Literal["to do", "running", "done", "failed", "thrown out"]
RATED = ("baseline", "scenario")
MOST_ATTEMPTS = 2
"""`campaign.max_failed_attempts` where a header does not say it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is done of a plan: the runs with their states, how many are done, and about how long (s) the rest takes,
    None where nothing tells."""

    runs: tuple[Json, ...]
    done: int
    left_s: float | None


class LiveCampaign:
    """A campaign folder that may still grow, or may not be there yet. `run` is the one that was begun last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.entries: list[Entry] = []
        self._ends: dict[str, RunEnd] = {}
        self.unreadable = 0
        self.run: LiveRun | None = None
        self.begin: RunBegin | None = None
        self._log = Tail(self.path / CAMPAIGN)

    def poll(self) -> tuple[bool, int]:
        """Whether anything but readings is new, and how many new readings there are."""
        try:
            is_new = self._read_log()
            if self.run is None:
                return is_new, 0
            told, fresh = self.run.poll()
        except Replaced:
            self._begin_anew()
            return True, 0
        return is_new or told, fresh

    def _read_log(self) -> bool:
        before = len(self.entries), self.run
        while lines := self._log.lines():
            for line in lines.splitlines():
                try:
                    self._take(entry_of(upgrade(load_object(line, CAMPAIGN), CAMPAIGN), IN_LOG))
                except DocumentError:
                    self.unreadable += 1
        self._follow()
        return before != (len(self.entries), self.run)

    def _take(self, entry: Entry) -> None:
        self.entries.append(entry)
        if isinstance(entry, RunEnd):
            self._ends[entry.folder] = entry

    def _follow(self) -> None:
        """Show the run that was begun last, as soon as it has a journal; one that is gone or was never made is none."""
        for begin in reversed(of(RunBegin, self.entries)):
            if begin is self.begin:
                return
            if (folder := self.folder_of(begin)) is not None:
                self.begin, self.run = begin, LiveRun(folder)
                return

    @property
    def header(self) -> Header | None:
        """What campaign it is."""
        return header_of(self.entries)

    @property
    def end(self) -> RunEnd | None:
        """How the run that was begun last ended."""
        return None if self.begin is None else self.end_of(self.begin.folder)

    def end_of(self, folder: str) -> RunEnd | None:
        """How a run ended, as the log says; None where it says nothing."""
        return self._ends.get(folder)

    def folder_of(self, begin: RunBegin) -> Path | None:
        """The folder of a run that has a journal; None where it is gone, was never made, or leads elsewhere."""
        folder = self.path / begin.folder
        is_there = is_plain_name(begin.folder) and (folder / JOURNAL).is_file() and not folder.is_symlink()
        return folder if is_there else None

    def of_config(self, table: str, key: str, default: float) -> float:
        """A number of the campaign's lab.toml."""
        config = (self.header.config if self.header is not None else None) or {}
        value = (config.get(table) or {}).get(key, default) if isinstance(config.get(table), dict) else default
        return float(value) if isinstance(value, int | float) else default

    def standing(self, now: datetime) -> Standing:
        """What is done and what is left; `now`: the wall clock, for a run that goes on."""
        runs = [run for run in standing.planned(self.entries) if isinstance(run.get("ordinal"), int)]
        made = standing.done(self.entries, int(self.of_config("campaign", "max_failed_attempts", MOST_ATTEMPTS)))
        rejected = standing.thrown_out(self.entries)
        failed = {end.ordinal for end in of(RunEnd, self.entries) if end.exit_status != "success"}
        running = self.begin.ordinal if self.begin is not None and self.end is None else None

        def state(ordinal: object) -> State:
            if ordinal == running:
                return "running"
            if ordinal in rejected:
                return "thrown out"
            return "done" if ordinal in made else "failed" if ordinal in failed else "to do"

        shown = tuple({key: run.get(key) for key in SHOWN} | {"state": state(run.get("ordinal"))} for run in runs)
        left = [str(run["scenario"]) for run in shown if run["ordinal"] not in made and run["kind"] in RATED]
        done = sum(run["ordinal"] in made for run in shown)
        return Standing(shown, done, self._left_s(left, now) if runs else None)

    def _left_s(self, left: list[str], now: datetime) -> float:
        """As `wattlab run` estimates it, by the log's stamps."""
        known_s = sum(
            self.of_config(*key)
            for key in (
                ("campaign", "stabilization_s", 0.0),
                ("baseline", "duration_s", 0.0),
                ("campaign", "supplementary_s", 0.0),
            )
        )
        whole_s = standing.estimate_s(
            left,
            durations_s=standing.durations_s(self.entries),
            known_s=known_s + standing.BEGIN_S,
            pause_s=self.of_config("campaign", "pause_s", 0.0),
        )
        begun = standing.moment(self.begin.utc) if self.begin is not None and self.end is None else None
        return max(0.0, whole_s - (0.0 if begun is None else max(0.0, (now - begun).total_seconds())))


SHOWN = ("ordinal", "kind", "scenario", "repetition")
