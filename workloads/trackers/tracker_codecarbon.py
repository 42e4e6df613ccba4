"""CodeCarbon around a run, as its users have it: OfflineEmissionsTracker, its own default period, its own CSV.

Knows CodeCarbon's public interface (3.x: an output handler gets the totals, `flush` makes it say them) and the log
lines in which it names its methods. Does not know the harness. It may reach no network and write nothing but its CSV:
whatever a .codecarbon.config on the machine says of services is set aside here, the rest of it holds.
"""

from __future__ import annotations

import logging
import re
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from codecarbon import OfflineEmissionsTracker
from codecarbon.output import BaseOutput, OutputMethod
from tracking import TRACKERS, Report, TrackerProblem

if TYPE_CHECKING:
    from pathlib import Path

PROCESS = "tracking_mode is process: it counts its process and the children it sees once a second, not the machine"
MEMORY_OF_PROCESS = "tracking_mode is process: its memory figure is of its process and children, not of the machine"
"""Where RAPL is read the mode moves the memory's figure alone."""
PSYS = "its CPU figure is RAPL's psys, which holds the memory and more than the CPU: the memory is counted twice"
J_PER_KWH = 3.6e6
COUNTRY = "DEU"
"""Only the grams in the CSV follow from it; wattlab reads no grams."""


class Totals(BaseOutput):  # type: ignore[misc]  # CodeCarbon has no types
    """Receives what CodeCarbon would write somewhere, and keeps in a file what it had counted at each measurement."""

    def __init__(self, trace: Path) -> None:
        self.polls = 0
        self.last: Any = None
        self._trace = trace

    def begin(self, begin_ns: int) -> None:
        """Nothing is counted yet."""
        self._trace.write_text(f"sut_ns,energy_j\n{begin_ns},0\n", encoding="utf-8")

    def out(self, total: Any, delta: Any) -> None:  # noqa: ANN401  CodeCarbon's record
        """The totals, at every flush and at the end."""
        self.last = total

    def live_out(self, total: Any, delta: Any) -> None:  # noqa: ANN401
        """Every measurement."""
        self.polls += 1
        energy_j = total.energy_consumed * J_PER_KWH / total.pue
        with self._trace.open("a", encoding="utf-8") as file:
            file.write(f"{time.monotonic_ns()},{energy_j:.6f}\n")


class Messages(logging.Handler):
    """What CodeCarbon logs, kept instead of printed."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.texts.append((record.levelno, record.getMessage()))

    def methods(self) -> dict[str, str]:
        """How it measures cpu, gpu and ram, in its own words; "none" where it does not."""
        found = dict(re.findall(r"(RAM|CPU|GPU) Tracking Method: (.+)", "\n".join(text for _, text in self.texts)))
        said = {part: found.get(part.upper(), "unknown").strip() for part in ("cpu", "gpu", "ram")}
        return {part: "none" if method == "Unspecified" else method for part, method in said.items()}

    def uses_psys(self) -> bool:
        """Whether it takes the platform's counter for the CPU's: asked to, or for want of another."""
        said = "\n".join(text for _, text in self.texts)
        return "Using psys (platform/system) domain" in said or "falling back to psys" in said

    def warnings(self) -> list[str]:
        """Its warnings and errors, each once, without the one about several instances, which are meant."""
        loud = [" ".join(text.split()) for level, text in self.texts if level >= logging.WARNING]
        return [f"CodeCarbon: {text}" for text in dict.fromkeys(loud) if not text.startswith("Multiple instances")]


class CodeCarbon:
    """See `tracking.Tracker`."""

    def __init__(self, folder: Path, period_s: float) -> None:
        self._messages, self._totals = Messages(), Totals(folder / TRACKERS["codecarbon"].trace)
        self._quiet()
        self._tracker = OfflineEmissionsTracker(
            country_iso_code=COUNTRY,
            measure_power_secs=period_s,
            api_call_interval=1,  # the handler below is told of every measurement; no API is among the outputs
            output_dir=str(folder),
            output_file=TRACKERS["codecarbon"].raw,
            output_methods=[OutputMethod.CSV],
            output_handlers=[self._totals],
            on_csv_write="update",
            allow_multiple_runs=True,
            emissions_endpoint="",
            electricitymaps_api_token="",
            log_level="error",
        )
        self._quiet()  # its constructor adds a handler of its own, and sets the level
        self._tracker.get_detected_hardware()

    def _quiet(self) -> None:
        logger = logging.getLogger("codecarbon")
        logger.handlers = [self._messages]
        logger.setLevel(logging.INFO)

    def start(self) -> int:
        """Begin."""
        begin_ns = time.monotonic_ns()
        self._totals.begin(begin_ns)
        self._tracker.start()
        return begin_ns

    def so_far(self, action: str) -> tuple[int, float]:
        """It measures and says its totals."""
        now_ns = time.monotonic_ns()
        self._tracker.flush()
        return now_ns, self._of_last().energy_consumed * 1000.0

    def stop(self) -> Report:
        """End; its last totals."""
        end_ns = time.monotonic_ns()
        self._totals.last = None
        self._tracker.stop()
        last, methods = self._of_last(), self._messages.methods()
        parts = {"cpu": last.cpu_energy, "gpu": last.gpu_energy, "ram": last.ram_energy}
        pue = float(last.pue)
        return Report(
            version=version("codecarbon"),
            end_ns=end_ns,
            reported_wh=last.energy_consumed * 1000.0,
            parts_wh={
                part: None if methods[part] == "none" else energy * 1000.0 / pue for part, energy in parts.items()
            },
            methods=methods,
            polls=self._totals.polls,
            factor=pue,
            factor_reason=None if pue == 1.0 else f"the power usage effectiveness that CodeCarbon is set to, {pue:g}",
            problems=[*self._remarks(last.tracking_mode, methods["cpu"]), *self._messages.warnings()],
        )

    def _remarks(self, mode: str, cpu_method: str) -> list[str]:
        """What its settings on this machine make of its figure."""
        said = [PSYS] if self._messages.uses_psys() else []
        if mode == "process":
            said.append(MEMORY_OF_PROCESS if "rapl" in cpu_method.lower() else PROCESS)
        return said

    def _of_last(self) -> Any:  # noqa: ANN401
        if self._totals.last is None:  # flush() and stop() swallow what goes wrong in them
            raise TrackerProblem("; ".join(self._messages.warnings()) or "CodeCarbon gave no totals")
        return self._totals.last


def adapter(folder: Path, period_s: float, *, epochs: bool) -> CodeCarbon:
    """The tracker, not yet started; it counts the whole run, with epochs or without."""
    return CodeCarbon(folder, period_s)
