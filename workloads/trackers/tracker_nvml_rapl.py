"""Direct integration of what the machine tells (Strubell et al. 2019): NVML's power by trapezoid, RAPL's counters.

Knows how to integrate; a board whose power cannot be read for a while is bridged by a straight line. Does not know the
harness, and nothing of processes: the whole board and the whole package count.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracker_counters import POWERCAP, Boards, Counters, Zone, zones
from tracking import TRACKERS, Report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PARTS = {"package": "cpu", "dram": "ram"}
"""RAPL's domains that are counted: a package holds its cores; psys holds everything and would count twice."""


@dataclass
class Sums:
    """What has been integrated of the boards: their last readings and their energy (J)."""

    gpu_j: float = 0.0
    boards: dict[int, tuple[int, float]] = field(default_factory=dict)

    def board(self, board: int, time_ns: int, power_w: float) -> None:
        """A reading of a board's power: the trapezoid since the one before."""
        if board in self.boards:
            earlier_ns, earlier_w = self.boards[board]
            self.gpu_j += (earlier_w + power_w) / 2.0 * (time_ns - earlier_ns) / 1e9
        self.boards[board] = time_ns, power_w


class Direct:
    """See `tracking.Tracker`. `clock` is for tests on a constructed trace."""

    def __init__(
        self,
        folder: Path,
        period_s: float,
        powercap: Path = POWERCAP,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._folder, self._period_s, self._clock = folder, period_s, clock
        self._boards = Boards()
        readable, self._problems = zones(powercap)
        self._zones = [(zone, part) for zone in readable if (part := _part(zone)) is not None]
        self._sums, self._counters = Sums(), Counters([zone for zone, _ in self._zones])
        self._lock, self._end = threading.Lock(), threading.Event()
        self._lines = [",".join(["time_ns", *self._columns()])]
        self._thread = threading.Thread(target=self._follow, name="nvml-rapl", daemon=True)

    def start(self) -> int:
        """Begin with a poll, then go on in a thread."""
        begin_ns = self.poll()
        if self._measured():
            self._thread.start()
        return begin_ns

    def so_far(self, action: str) -> tuple[int, float] | None:
        """A poll of its own, so that the sum is up to now."""
        if not self._measured():
            return None
        time_ns = self.poll()
        return time_ns, self._total_wh()

    def stop(self) -> Report:
        """End with a poll."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        end_ns, measured = self.poll(), self._measured()
        (self._folder / TRACKERS["nvml-rapl"].raw).write_text("\n".join(self._lines) + "\n", encoding="utf-8")
        methods = {"gpu": "NVML power by trapezoid", "cpu": "RAPL package counters", "ram": "RAPL dram counters"}
        return Report(
            version="1",
            end_ns=end_ns,
            reported_wh=self._total_wh() if measured else None,
            parts_wh={part: energy / 3600.0 if part in measured else None for part, energy in self._energy_j().items()},
            methods={part: method if part in measured else "none" for part, method in methods.items()},
            polls=len(self._lines) - 1,
            problems=self._sentences(),
        )

    def poll(self) -> int:
        """One reading of everything; its stamp (ns)."""
        with self._lock:
            time_ns = self._clock()
            row: list[str] = [str(time_ns)]
            for board in range(len(self._boards)):
                try:
                    power_w = self._boards.power_w(board)
                except OSError as error:
                    self._once(f"{error}; bridged by a straight line where it came back")
                    row.append("")
                else:
                    self._sums.board(board, time_ns, power_w)
                    row.append(repr(power_w))
            for zone, _ in self._zones:
                try:
                    now_uj = self._counters.read_uj(zone)
                except OSError as error:
                    self._once(f"{zone.folder}: {error}")
                    row.append("")
                else:
                    row.append(str(now_uj))
            self._lines.append(",".join(row))
            return time_ns

    def _follow(self) -> None:
        begin_s = time.monotonic()
        turn = 1
        while not self._end.wait(max(begin_s + turn * self._period_s - time.monotonic(), 0.0)):
            self.poll()
            turn = 1 + int((time.monotonic() - begin_s) / self._period_s)

    def _measured(self) -> set[str]:
        """The parts that something is read of."""
        return ({"gpu"} if len(self._boards) else set()) | {part for _, part in self._zones}

    def _total_wh(self) -> float:
        return sum(self._energy_j().values()) / 3600.0

    def _energy_j(self) -> dict[str, float]:
        """What cpu, gpu and ram have counted."""
        found = {"cpu": 0.0, "gpu": self._sums.gpu_j, "ram": 0.0}
        for zone, part in self._zones:
            found[part] += self._counters.counted_uj(zone) / 1e6
        return found

    def _columns(self) -> list[str]:
        boards = [f"gpu{board}_power_w" for board in range(len(self._boards))]
        return [*boards, *(f"{zone.folder.name}_{zone.name}_energy_uj" for zone, _ in self._zones)]

    def _once(self, problem: str) -> None:
        if problem not in self._problems:
            self._problems.append(problem)

    def _sentences(self) -> list[str]:
        said = [*self._problems, *([self._boards.problem] if self._boards.problem else [])]
        said += self._counters.sentences([zone for zone, _ in self._zones])
        return said if self._measured() else [*said, "neither a GPU nor RAPL can be read: it measured nothing"]


def _part(zone: Zone) -> str | None:
    return next((part for kind, part in PARTS.items() if zone.name.startswith(kind)), None)


def adapter(folder: Path, period_s: float, *, epochs: bool) -> Direct:
    """The tracker, not yet started; it counts the whole run, with epochs or without."""
    return Direct(folder, period_s)
