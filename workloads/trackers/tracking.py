"""Runs the trackers named in WATTLAB_TRACKERS around a program and writes what each of them says.

Knows the protocol of an adapter, when to ask it, the artefact tracker-NAME.json (docs/trackers.md) and that a tracker
must never spoil the measured run: whatever one of them raises becomes a sentence in its artefact. Does not know any
tracker: an adapter is imported when its name is asked for, so that a run without trackers imports none. Standard
library only.

WATTLAB_TRACKERS holds words: `codecarbon=15 eit` (a name, and the seconds between two of its polls; the tracker's own
default without).
"""

from __future__ import annotations

import importlib
import json
import math
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCHEMA = 1
SAME_MOMENT_NS = 50_000_000
"""Two questions closer than this are one."""
NEXT_EPOCH_NS = 1_000_000_000
"""So are the end of an epoch and the begin of the next, closer than this: on a busy machine, or beside another tracker
that is asked there too, they are hundreds of ms apart, and a tracker that is cut at both would have an epoch too many.
"""


class TrackerProblem(Exception):
    """A tracker cannot do what it is asked; one sentence for the artefact."""


@dataclass(frozen=True)
class Kind:
    """A tracker that can be asked for: its adapter's module, its default poll period (s), its raw file, and what it
    needs of workloads/requirements.txt."""

    module: str
    period_s: float
    raw: str
    packages: tuple[str, ...]
    helpers: tuple[str, ...] = ()
    """Further modules that the adapter imports."""
    trace: str = ""
    """The file with what it had counted at each of its polls (docs/trackers.md); empty: it keeps none."""


TRACKERS = {
    "codecarbon": Kind(
        "tracker_codecarbon", 15.0, "tracker-codecarbon.csv", ("codecarbon",), trace="tracker-codecarbon-trace.csv"
    ),
    "carbontracker": Kind("tracker_carbontracker", 1.0, "tracker-carbontracker.log", ("carbontracker",)),
    "eit": Kind("tracker_eit", 1.0, "tracker-eit.csv", ("psutil", "nvidia-ml-py"), ("tracker_counters",)),
    "nvml-rapl": Kind("tracker_nvml_rapl", 1.0, "tracker-nvml-rapl.csv", ("nvidia-ml-py",), ("tracker_counters",)),
}
"""Every tracker by name; the periods are the packages' own defaults (the study of nvml-rapl names none: 1 s)."""


@dataclass
class Report:
    """What a tracker says at its end. Energies in Wh.

    `begin_ns`: where it counts from, if not from its start. `reported_wh` is verbatim, `factor` what the tracker
    multiplied by; `parts_wh` are without it. None: not measured.
    """

    version: str
    end_ns: int
    reported_wh: float | None
    parts_wh: dict[str, float | None]
    methods: dict[str, str]
    polls: int
    factor: float = 1.0
    factor_reason: str | None = None
    problems: list[str] = field(default_factory=list)
    begin_ns: int | None = None


class Tracker(Protocol):
    """One tracker around one run: made (imports, looks for hardware), then started, asked, stopped."""

    def start(self) -> int:
        """Begin to count; the moment it begins (CLOCK_MONOTONIC, ns)."""
        ...

    def so_far(self, action: str) -> tuple[int, float] | None:
        """The moment (ns) and what it has reported up to it (Wh, verbatim); None: it cannot say so at this action."""
        ...

    def stop(self) -> Report:
        """End; everything it says."""
        ...


def parse(words: Sequence[str]) -> dict[str, float]:
    """Names and poll periods (s) of `NAME` or `NAME=SECONDS`, in order.

    Raises:
        TrackerProblem: naming the word and what is known.
    """
    asked: dict[str, float] = {}
    for word in words:
        name, _, period = word.partition("=")
        if name not in TRACKERS:
            raise TrackerProblem(f"found {name!r}, expected a tracker: {', '.join(TRACKERS)}")
        try:
            asked[name] = float(period) if period else TRACKERS[name].period_s
        except ValueError:
            asked[name] = 0.0
        if not 0.0 < asked[name] < math.inf:
            raise TrackerProblem(f"{word}: found {period!r}, expected the seconds between two polls, above 0")
    return asked


class Supervised:
    """One tracker, with whatever it raises kept away from the program."""

    def __init__(self, name: str, folder: Path, period_s: float, *, epochs: bool) -> None:
        self.name, self._folder, self._period_s, self._epochs = name, folder, period_s, epochs
        self._tracker: Tracker | None = None
        self._problems: list[str] = []
        self._begin_ns: int | None = None
        self._last: tuple[int, float] | None = None
        self._ended: str | None = None
        self._open: dict[tuple[str, int], tuple[int, float]] = {}
        self._intervals: list[dict[str, Any]] = []

    def prepare(self) -> None:
        """Import the adapter and let it look for its hardware."""
        with self._kept("it could not be prepared"):
            module = importlib.import_module(TRACKERS[self.name].module)
            self._tracker = module.adapter(self._folder, self._period_s, epochs=self._epochs)

    def start(self) -> None:
        """Begin."""
        if self._tracker is None:
            return
        with self._kept("it could not be started"):
            self._begin_ns = self._tracker.start()

    def interval_begin(self, action: str, index: int) -> None:
        """Note what it has reported when an action begins."""
        now = self._so_far(action, NEXT_EPOCH_NS if self._ended == action else SAME_MOMENT_NS)
        self._ended = None
        if now is not None:
            self._open[action, index] = now

    def interval_end(self, action: str, index: int) -> None:
        """What it reported during the action."""
        begun, now = self._open.pop((action, index), None), self._so_far(action, SAME_MOMENT_NS)
        self._ended = action
        if begun is not None and now is not None and now[0] > begun[0]:
            edges = {"begin_ns": begun[0], "end_ns": now[0]}
            self._intervals.append({"name": action, "index": index, **edges, "reported_wh": now[1] - begun[1]})

    def stop(self) -> None:
        """End it and write its artefact, also of a tracker that died."""
        report = None
        if self._tracker is not None and self._begin_ns is not None:
            with self._kept("it could not be stopped"):
                report = self._tracker.stop()
        self._write(report or Report("", time.monotonic_ns(), None, {}, {}, 0))

    def _so_far(self, action: str, same_ns: int) -> tuple[int, float] | None:
        if self._tracker is None:
            return None
        if self._last is not None and time.monotonic_ns() - self._last[0] < same_ns:
            return self._last
        with self._kept(f"it died at the action {action}"):
            now = self._tracker.so_far(action)
            self._last = now or self._last
            return now
        return None

    @contextmanager
    def _kept(self, what: str) -> Iterator[None]:
        """Whatever a tracker raises ends the tracker, never the program; one of them calls sys.exit."""
        try:
            yield
        except (Exception, SystemExit) as error:
            self._tracker = None
            self._problems.append(f"{what}: {type(error).__name__}: {error}")

    def _write(self, report: Report) -> None:
        raw = TRACKERS[self.name].raw
        document = {
            "schema": SCHEMA,
            "name": self.name,
            "version": report.version,
            "begin_ns": next(ns for ns in (report.begin_ns, self._begin_ns, report.end_ns) if ns is not None),
            "end_ns": report.end_ns,
            "clock": "sut-monotonic",
            "period_s": self._period_s,
            "reported_wh": report.reported_wh,
            "factor": report.factor,
            "factor_reason": report.factor_reason,
            "parts_wh": report.parts_wh,
            "methods": report.methods,
            "intervals": self._intervals,
            "polls": report.polls,
            "raw": raw if (self._folder / raw).exists() else None,
            "problems": [*self._problems, *report.problems],
        }
        text = json.dumps(document, indent=1, allow_nan=False) + "\n"
        (self._folder / f"tracker-{self.name}.json").write_text(text, encoding="utf-8")


class Trackers:
    """Every tracker of a run together: `with Trackers(names, folder, ...) as trackers`, and its actions inside.

    `epochs`: whether the program will tell epochs; a tracker that is used around epochs counts only them then.
    """

    def __init__(self, asked: dict[str, float], folder: Path, *, epochs: bool) -> None:
        self._folder = folder
        self._all = [Supervised(name, folder, period_s, epochs=epochs) for name, period_s in asked.items()]

    def __enter__(self) -> Trackers:
        """All are prepared before the first is started: none counts the making of another."""
        if self._all:
            self._folder.mkdir(parents=True, exist_ok=True)
        for tracker in self._all:
            tracker.prepare()
        for tracker in self._all:
            tracker.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        for tracker in reversed(self._all):
            try:
                tracker.stop()
            except (OSError, ValueError) as error:  # the artefact's own disk, or a number that JSON does not have
                print(f"tracking.py: tracker-{tracker.name}.json: {error}", file=sys.stderr)

    def interval_begin(self, action: str, index: int = 0) -> None:
        """An action begins."""
        for tracker in self._all:
            tracker.interval_begin(action, index)

    def interval_end(self, action: str, index: int = 0) -> None:
        """An action ends."""
        for tracker in self._all:
            tracker.interval_end(action, index)

    @contextmanager
    def interval(self, action: str, index: int = 0) -> Iterator[None]:
        """The block is one action."""
        self.interval_begin(action, index)
        try:
            yield
        finally:
            self.interval_end(action, index)


def of_environment(folder: Path, *, epochs: bool) -> Trackers:
    """The trackers named in WATTLAB_TRACKERS, none without it; `folder` gets their artefacts. `epochs`: see Trackers.

    Raises:
        TrackerProblem: a word there names no tracker.
    """
    return Trackers(parse(os.environ.get("WATTLAB_TRACKERS", "").split()), folder, epochs=epochs)
