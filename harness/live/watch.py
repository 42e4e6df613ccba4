"""The one thread that reads the campaign's files, and what it has for those who look on.

Knows when to read and when to assess: nothing is read often that nobody looks at, and assessing takes at most a
twentieth of the time; once more when a run has ended, and when it was sealed. Knows no HTTP.
"""

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.live.assessment import Assessment, assess, baseline_w, sealed
from harness.live.campaign import LiveCampaign
from harness.live.drawing import Drawing, chart_of, last_of, now_of, whole_of
from harness.live.lookback import Lookback, Past
from harness.live.run import LiveRun
from harness.live.samples import Chart
from harness.live.state import Baseline, encoded, run_of, state_of
from harness.record.documents import Json, is_plain_name
from harness.record.entries import RunEnd, of

if TYPE_CHECKING:
    from reports.energy.energy import Block

FRAME_S = 0.2
"""Between two looks at the files, and so between two frames: five a second."""
UNWATCHED_S = 2.0
"""The same while nobody looks on."""
STATE_S = 1.0
SHARE = 20
"""Of the time that passes between two assessments they take one part of so many at most."""
BUG = "The view met a bug of wattlab; `wattlab view` shows it in its terminal. The measurement is not affected."
LONGEST_WHOLE_S = 10.0
"""The picture of the whole run is renewed whenever it is a pixel longer, and at least as often."""


@dataclass(slots=True)
class Onlooker:
    """What a page was sent so far. `columns`: pixels of its drawing; `length_s`: what it calls now; `chart`: which
    quantity of the indicators it draws, from 0 on; `back`: which run it looks back at, from 1 on, 0 for none."""

    columns: int
    length_s: float
    chart: int = 0
    back: int = 0
    version: int = -1
    state: bytes = b""
    whole_s: float = field(default=-1e9)
    drawn: LiveRun | Past | None = None


class Watcher:
    """Follows a campaign until `end`; `news` is what an onlooker has not seen yet."""

    def __init__(self, path: Path) -> None:
        self.is_over = False
        self._campaign = LiveCampaign(path)
        self._assessed, self._assessed_run = Assessment(), self._campaign.run
        self._blocks: dict[str, Block | None] = {}
        self._origins: dict[str, frozenset[str]] = {}
        self._due_s = self._rested_s = self._fresh_s = 0.0
        self._is_stale = self._is_told = True
        self._steps = 0
        self._version = self._onlookers = 0
        self._has_failed = False
        self._lookback = Lookback(self._campaign)
        self._state: Json = {}
        self._state_s, self._failure = -1e9, b""
        self._told: dict[int, bytes] = {}
        self._drawn: dict[tuple[object, ...], bytes] = {}
        self._changed, self._wake = threading.Condition(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="watcher", daemon=True)

    def begin(self) -> None:
        """Start to follow."""
        self._thread.start()

    def end(self) -> None:
        """Read everything once more, tell it, and follow no longer."""
        self._wake.set()
        with self._changed:
            self._look(is_last=True)
            self.is_over = True
            self._changed.notify_all()

    @contextmanager
    def followed_by(self, onlooker: Onlooker) -> Iterator[None]:
        """It looks on while the context is held."""
        with ExitStack() as stack:
            with self._changed:
                self._onlookers += 1
                if onlooker.back:
                    stack.enter_context(self._lookback.looked_at(onlooker.back))
            self._wake.set()
            try:
                yield
            finally:
                with self._changed:
                    stack.close()
                    self._onlookers -= 1
                    self._changed.notify_all()

    def wait_alone(self, timeout_s: float) -> None:
        """Wait until everybody who looked on has gone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._onlookers, timeout_s)

    def news(self, onlooker: Onlooker, timeout_s: float) -> bytes:
        """The events that it has not seen, waited for; empty where there are none in that time."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != onlooker.version or self.is_over, timeout_s)
            if self._version == onlooker.version:
                return b""
            onlooker.version = self._version
            state = self._state_for(onlooker.back)
            parts = [state] if state != onlooker.state else []
            onlooker.state = state
            return b"".join([*parts, *self._pictures(onlooker)])

    def _state_for(self, back: int) -> bytes:
        """The state as it is told to whoever looks back at that run, or at none (0)."""
        if self._failure:
            return self._failure
        if back not in self._told and self._state:
            is_past = self._lookback.is_past(back)
            of_past = {"run": self._lookback.past(back).state} if is_past else {}
            self._told[back] = encoded("state", self._state | of_past | {"back": back if is_past else 0})
        return self._told.get(back, b"")

    # --- drawing

    def _pictures(self, onlooker: Onlooker) -> list[bytes]:
        if self._lookback.is_past(onlooker.back):
            return self._of_past(self._lookback.past(onlooker.back), onlooker)
        run, columns, length_s, place = self._campaign.run, onlooker.columns, onlooker.length_s, onlooker.chart
        if run is None or run.start is None:
            return []
        last = {"last": last_of(run)}
        events = [self._kept(("now", columns, length_s), lambda: now_of(run, length_s).to_json(columns) | last)]
        age_s = time.monotonic() - onlooker.whole_s
        is_due = age_s >= min(max(STATE_S, run.last_s / columns), LONGEST_WHOLE_S)
        if onlooker.drawn is not run or self.is_over or is_due:
            onlooker.drawn, onlooker.whole_s = run, time.monotonic()
            events.append(self._kept(("whole", columns), lambda: whole_of(run).to_json(columns) | last))
            events.append(self._kept(("chart", columns, place), lambda: charted(chart_of(run, place), columns)))
        return events

    def _of_past(self, past: Past, onlooker: Onlooker) -> list[bytes]:
        """Once: nothing of it changes."""
        if past.whole is None or onlooker.drawn is past:
            return []
        onlooker.drawn = past
        chart = charted(past.chart(onlooker.chart), onlooker.columns)
        return [encoded("whole", past.whole.to_json(onlooker.columns) | {"last": []}), encoded("chart", chart)]

    def _kept(self, key: tuple[object, ...], made: Callable[[], Json]) -> bytes:
        """One event of a picture, made once for all who look on alike."""
        if key not in self._drawn:
            self._drawn[key] = encoded(str(key[0]), made())
        return self._drawn[key]

    # --- following

    def _work(self) -> None:
        while not self.is_over:
            with self._changed:
                if not self.is_over:
                    self._look()
                pause_s = FRAME_S if self._onlookers else UNWATCHED_S
            self._wake.clear()
            if pause_s > FRAME_S:
                self._wake.wait(pause_s)
            else:
                time.sleep(pause_s)

    def _look(self, *, is_last: bool = False) -> None:
        try:
            self._read(is_last=is_last)
        except Exception:  # a bug of the view costs the view: it says so, and looks again
            if not self._has_failed:
                traceback.print_exc(file=sys.stderr)
                self._has_failed, self._failure = True, encoded("failure", {"text": BUG})
                self._tell()

    def _read(self, *, is_last: bool) -> None:
        told, fresh = self._campaign.poll()
        now_s, run = time.monotonic(), self._campaign.run
        if run is not None:
            self._origins[run.folder.name] = frozenset(one.descriptor.origin for one in run.streams.values())
        self._is_stale |= told or bool(fresh) or run is not self._assessed_run
        self._is_told |= told
        self._fresh_s = now_s if fresh or told or not self._fresh_s else self._fresh_s
        if run is not self._assessed_run:  # first it is shown, then assessed
            self._assessed, self._assessed_run, self._rested_s = Assessment(), run, now_s + FRAME_S / 2
            self._steps = self._steps_of(run)
        is_due = now_s >= (self._rested_s if self._is_told else max(self._rested_s, self._due_s))
        is_last |= self._steps_of(run) > self._steps
        assesses = run is not None and self._is_stale and (is_due or is_last)
        if run is not None and assesses:
            self._assess(run)
        elif not fresh:
            self._read_block()
        is_new = self._read_past() or bool(fresh) or told
        if now_s - self._state_s >= STATE_S or told or assesses:
            state, self._state_s = self._told_now(now_s), now_s
            is_new |= state != self._state or bool(self._failure)
            self._state, self._failure = state, b""
        if is_new:
            self._tell()

    def _tell(self) -> None:
        """There is news."""
        self._version += 1
        self._drawn.clear()
        self._told.clear()
        self._changed.notify_all()

    def _assess(self, run: LiveRun) -> None:
        begin_s, self._steps = time.monotonic(), self._steps_of(run)
        self._assessed, self._is_stale, self._is_told = assess(run), False, False
        end_s = time.monotonic()
        self._rested_s, self._due_s = end_s + SHARE * (end_s - begin_s), end_s + STATE_S
        if run.stop is not None:
            self._blocks[run.folder.name] = self._assessed.block

    def _steps_of(self, run: LiveRun | None) -> int:
        """How far the end of a run has come: it has stopped, and the log has its end."""
        return 0 if run is None else (run.stop is not None) + (self._campaign.end_of(run.folder.name) is not None)

    def _read_past(self) -> bool:
        """Read one run that somebody looks back at; whether there was one."""
        past = self._lookback.read_next()
        if past is not None and past.state is not None:
            origins = frozenset(str(meter["origin"]) for meter in past.state["meters"])
            self._origins[past.state["folder"]] = self._origins.get(past.state["folder"], frozenset()) | origins
        return past is not None

    def _told_now(self, now_s: float) -> Json:
        rejected = {end.folder for end in of(RunEnd, self._campaign.entries) if end.thrown_out is not None}
        names = [name for name, block in self._blocks.items() if block is not None and name not in rejected]
        level_w = baseline_w([block for block in map(self._blocks.get, names) if block is not None])
        baseline = None if level_w is None else Baseline(level_w, len(names), self._origins_of(names))
        origins = self._origins_of(self._origins)
        run = run_of(self._campaign, self._campaign.run, self._assessed)
        state = state_of(self._campaign, run, baseline, origins, datetime.now(UTC))
        return state | {"age_s": round(now_s - self._fresh_s)}

    def _origins_of(self, runs: Iterable[str]) -> frozenset[str]:
        return frozenset().union(*(self._origins.get(name, frozenset()) for name in runs))

    def _read_block(self) -> None:
        """Read one more baseline block that was measured before anybody looked on."""
        for end in of(RunEnd, self._campaign.entries):
            if end.folder in self._blocks or not is_plain_name(end.folder):
                continue
            counts = end.exit_status == "success" and end.thrown_out is None
            folder = self._campaign.path / end.folder
            block, origins = sealed(folder) if counts and not folder.is_symlink() else (None, frozenset[str]())
            self._blocks[end.folder] = block
            self._origins[end.folder] = self._origins.get(end.folder, frozenset()) | origins
            if counts:
                return


def charted(chart: tuple[Chart, Drawing] | None, columns: int) -> Json:
    """The picture of one quantity; no trace where there is none."""
    if chart is None:
        return {"title": None, "unit": "", "begin_s": 0.0, "end_s": 1.0, "traces": []}
    return {"title": chart[0].title, "unit": chart[0].unit} | chart[1].to_json(columns)
