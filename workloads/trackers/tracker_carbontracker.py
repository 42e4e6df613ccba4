"""carbontracker around a run: around the epochs of a training, as its users have it, else around all of the run.

It counts nothing between two of its epochs, and gives one that is too short for a measurement the energy of another;
so it is cut at epochs only, and its own interval is from the first epoch's begin to the last one's end. A run without
epochs is one of them. It joins the readings of a component's devices (boards; packages and memories) into one list, so
its figure of several is their mean; where none may be read it counts 0.

Knows carbontracker's interface (2.x: epoch_start, epoch_end, the energies it will print) and its power usage
effectiveness. Does not know the harness. Its constructor asks an address service where the machine is; that service is
away while it is made. Its predictions are off: they say nothing of a measurement.
"""

from __future__ import annotations

import contextlib
import io
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import geocoder
from tracking import TRACKERS, Report, TrackerProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EPOCHS = 10**9
"""Never all monitored: how many there will be is not known, and after the last one it would stop by itself."""
METHODS = {"IntelCPU": "RAPL counters", "NvidiaGPU": "NVML power"}
UNREADABLE = {"IntelCPU": "lack of read-permissions", "NvidiaGPU": "does not support retrieval of power usages"}
"""What it says where a component is there and cannot be read; it then counts zeros."""


@contextlib.contextmanager
def _no_geocoder() -> Iterator[None]:
    def away(*_words: object, **_options: object) -> None:
        raise OSError("no address is looked up in a measured run")

    real, geocoder.ip = geocoder.ip, away
    try:
        yield
    finally:
        geocoder.ip = real


class CarbonTracker:
    """See `tracking.Tracker`."""

    def __init__(self, folder: Path, period_s: float, *, epochs: bool) -> None:
        self._folder, self._said, self._epochs = folder, io.StringIO(), epochs
        self._edges_ns: list[int] = []
        self._logs = folder / "carbontracker-logs"
        with _no_geocoder(), contextlib.redirect_stdout(self._said):  # its handlers keep the stream they find
            from carbontracker import constants
            from carbontracker.tracker import CarbonTracker as Package

            self._pue = float(constants.PUE_2023)
            self._package = Package(
                epochs=EPOCHS,
                epochs_before_pred=0,
                update_interval=period_s,
                ignore_errors=True,  # otherwise it ends the program
                log_dir=str(self._logs),
                verbose=0,
            )

    def start(self) -> int:
        """Begin; with epochs to come nothing is counted yet."""
        begin_ns = time.monotonic_ns()
        if not self._epochs:
            self._cut()
        return begin_ns

    def so_far(self, action: str) -> tuple[int, float] | None:
        """Cut at epochs; not at other actions."""
        if action != "epoch":
            return None
        self._cut()
        return self._edges_ns[-1], self._total_wh()

    def stop(self) -> Report:
        """End; the total as it prints it, the parts before its factor. What came after the last epoch is not in it."""
        package = self._alive()
        if not self._epochs:
            self._cut()
        if len(self._edges_ns) < 2:
            raise TrackerProblem("it counts epochs, and none of this run ended")
        thread = package.tracker
        total_wh, components = self._total_wh(), list(thread.components)
        read = [part for part in components if not self._unreadable(part)]
        parts = {part.name: float(sum(part.energy_usage(thread.epoch_times))) * 1000.0 for part in read}
        polls = max(map(_polls, read), default=0)
        methods = {part.name: _method(part) for part in read}
        problems = [text for part in read for text in _remarks(part)]
        problems += [_closed(part) for part in components if part not in read]
        with contextlib.redirect_stdout(self._said):
            package.stop()
        self._keep_logs()
        return Report(
            version=version("carbontracker"),
            begin_ns=self._edges_ns[0],
            end_ns=self._edges_ns[-1],
            reported_wh=total_wh if components else None,
            parts_wh={"cpu": None, "gpu": None, **parts},
            methods={"cpu": "none", "gpu": "none", **methods},
            polls=polls,
            factor=self._pue,
            factor_reason=f"the power usage effectiveness of data centres in 2023, {self._pue:g}: its energies hold it",
            problems=[*problems, *_unmeasured(read, len(thread.epoch_times)), *self._warnings()],
        )

    def _cut(self) -> None:
        """The end of one of its epochs and the begin of the next."""
        package = self._alive()
        self._edges_ns.append(time.monotonic_ns())
        if len(self._edges_ns) > 1:
            package.epoch_end()
        package.epoch_start()

    def _total_wh(self) -> float:
        return float(self._alive().tracker.total_energy_per_epoch().sum()) * 1000.0

    def _alive(self) -> Any:  # noqa: ANN401  carbontracker has no types
        if self._package.deleted:
            raise TrackerProblem("; ".join(self._warnings()) or "carbontracker ended itself")
        return self._package

    def _warnings(self) -> list[str]:
        """What it warned of, without what concerns grams."""
        lines = [line for line in self._said.getvalue().splitlines() if "WARNING" in line or "CRITICAL" in line]
        return [line for line in dict.fromkeys(lines) if "intensity" not in line]

    def _unreadable(self, part: Any) -> bool:  # noqa: ANN401
        """Whether it said that a component cannot be read."""
        said = UNREADABLE.get(type(part.handler).__name__)
        return said is not None and said in self._said.getvalue()

    def _keep_logs(self) -> None:
        """Its log files as one, in the order of their names."""
        files = sorted(self._logs.glob("*.log"))
        text = "".join(file.read_text(encoding="utf-8") for file in files)
        (self._folder / TRACKERS["carbontracker"].raw).write_text(text, encoding="utf-8")
        for file in files:
            file.unlink()
        self._logs.rmdir()


def _method(part: Any) -> str:  # noqa: ANN401
    kind = type(part.handler).__name__
    devices = sorted(part.devices())
    if kind == "GenericCPU":
        return f"constant {part.handler.power_usage()[0]:g} W, half of a rated power ({', '.join(devices)})"
    of = f" of its {len(devices)} devices" if len(devices) > 1 else ""
    return f"{METHODS.get(kind, kind)}, mean power{of} times time ({', '.join(devices)})"


def _polls(part: Any) -> int:  # noqa: ANN401
    """How often it was read: one reading a device; an epoch without any has the list of another."""
    lists = {id(readings): readings for readings in part.power_usages}.values()
    return sum(map(len, lists)) // max(len(part.devices()), 1)


def _remarks(part: Any) -> list[str]:  # noqa: ANN401
    """What a reader has to know of a component's figure."""
    devices, said = sorted(part.devices()), []
    if type(part.handler).__name__ == "GenericCPU":
        said.append(_constant(part))
    if len(devices) > 1:
        of = f"its {part.name.upper()} figure is the mean of its {len(devices)} devices ({', '.join(devices)})"
        said.append(f"{of}, not their sum")
    return said


def _closed(part: Any) -> str:  # noqa: ANN401
    devices = ", ".join(sorted(part.devices()))
    return f"its {part.name.upper()} cannot be read ({devices}); it counts 0 for it, which is no measurement"


def _unmeasured(components: list[Any], epochs: int) -> list[str]:
    """It puts another epoch's readings (the same list) where an epoch has none of its own."""
    own = [{id(readings) for readings in part.power_usages[:epochs] if readings} for part in components]
    short = epochs - min(map(len, own), default=epochs)
    given = f"{short} of its {epochs} epochs were too short for a measurement; it gives them the energy of another one"
    return [given] if short else []


def _constant(part: Any) -> str:  # noqa: ANN401
    power_w = part.handler.power_usage()[0]
    return f"no RAPL here: the CPU is taken as a constant {power_w:g} W, whatever the machine does"


def adapter(folder: Path, period_s: float, *, epochs: bool) -> CarbonTracker:
    """The tracker, not yet started."""
    return CarbonTracker(folder, period_s, epochs=epochs)
