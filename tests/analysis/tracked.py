"""Synthetic campaigns whose runs have trackers: known power, known figures, a clock of the SUT that is days off.

`python -m tests.analysis.tracked FOLDER` writes one to look at: idle, cnn, transfer, each without and with trackers.
Knows the run folder and a tracker's artefact (docs/trackers.md). Knows no analysis.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from harness.record.documents import ActionEvent, ClockEvent, Event, PhaseEvent, PowerDescriptor
from tests.reports.make_campaign import SECOND_NS, Load, Shape, SyntheticRun, make_campaign

OFFSET_NS = 5 * 86_400 * SECOND_NS + 123
"""The SUT's monotonic clock against the host's."""
Account = dict[str, Any]


def constant(load: Load) -> float:
    """Power (W) of a run whose readings do not move."""
    return 41.0 + load.power_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked(Shape):
    """A shape whose scenarios have trackers. `trackers`: scenario -> their names; `folders`: scenario -> the folder of
    its workload; `account` makes the artefact of one tracker in one run (None: it left nothing); `power_w`: of every
    reading of a run (None: as of any synthetic run); `psu`: efficiency and its limit, %."""

    loads: dict[str, Load] = field(default_factory=lambda: {"cnn": Load(49.0, 34.0, 61.0, epochs=2)})
    trackers: dict[str, list[str]] = field(default_factory=lambda: {"cnn": ["codecarbon"]})
    folders: dict[str, str] = field(default_factory=dict)
    account: "Callable[[TrackedRun, str], Account | None]" = lambda run, name: run.account(name)
    power_w: "Callable[[TrackedRun], float] | None" = lambda run: constant(run.load) if run.load else 41.0
    psu: tuple[float, float] | None = None
    parameters: dict[str, Any] = field(default_factory=lambda: {"fixed_epochs": 2})
    events: Callable[[list[Event]], list[Event]] = lambda events: events
    averaging: Literal["window", "instantaneous"] = "window"


def tracked_campaign(path: Path, shape: Tracked) -> Path:
    """Write it."""
    return make_campaign(path, shape, TrackedRun)


class TrackedRun(SyntheticRun):
    """One run with its trackers' artefacts."""

    shape: Tracked

    @property
    def begin_ns(self) -> int:
        """When the trackers start, on the SUT's clock: 2 s into the rating interval."""
        return self._start_ns + 2 * SECOND_NS + OFFSET_NS

    @property
    def end_ns(self) -> int:
        """When they stop: 2 s before its end."""
        return self._stop_ns - 2 * SECOND_NS + OFFSET_NS

    @property
    def random(self) -> np.random.Generator:
        """Noise of its own, another one for every run."""
        return np.random.default_rng([self.shape.seed, int(self.plain["ordinal"]), 2])

    def meter_wh(self, begin_ns: int, end_ns: int) -> float:
        """What a meter of constant readings measures in an interval."""
        assert self.shape.power_w is not None
        return self.shape.power_w(self) * (end_ns - begin_ns) / SECOND_NS / 3600

    def account(self, name: str, share: float = 0.78, factor: float = 1.0, **changed: Any) -> Account:  # noqa: ANN401
        """An artefact whose figure is a share of the meter's, times the tracker's factor."""
        whole_wh = share * factor * self.meter_wh(self.begin_ns, self.end_ns)
        return {
            "schema": 1, "name": name, "version": "1.0", "begin_ns": self.begin_ns, "end_ns": self.end_ns,
            "clock": "sut-monotonic", "reported_wh": whole_wh, "factor": factor, "factor_reason": None,
            "parts_wh": {"cpu": 0.25 * whole_wh / factor, "gpu": 0.75 * whole_wh / factor, "ram": None},
            "methods": {"cpu": "constant 4 W a thread: no RAPL", "gpu": "NVML", "ram": "none"},
            "intervals": [], "polls": 3, "raw": f"tracker-{name}.csv", "problems": [],
        } | changed  # fmt: skip

    def epochs(self, share: float) -> list[Account]:
        """Two epochs of equal length within the tracker's interval."""
        middle_ns = (self.begin_ns + self.end_ns) // 2
        edges = [(self.begin_ns, middle_ns), (middle_ns, self.end_ns)]
        return [
            {"name": "epoch", "index": index, "begin_ns": begin, "end_ns": end,
             "reported_wh": share * self.meter_wh(begin, end)}
            for index, (begin, end) in enumerate(edges)
        ]  # fmt: skip

    def _artifacts(self) -> dict[str, dict[str, Any]]:
        names = self.shape.trackers.get(str(self.plain["scenario"]), [])
        accounts = {f"tracker-{name}.json": self.shape.account(self, name) for name in names}
        return super()._artifacts() | {name: account for name, account in accounts.items() if account is not None}

    def _scenario_config(self) -> dict[str, Any]:
        told = super()._scenario_config()
        if self.load is None:
            return told
        return told | {"trackers": self.shape.trackers.get(told["name"], []), "parameters": self.shape.parameters}

    def _start_document(self, *arguments: Any) -> Any:  # noqa: ANN401
        start = super()._start_document(*arguments)
        sections = {name: {"folder": self.shape.folders.get(name, f"workloads/{name}")} for name in self.shape.loads}
        sut = start.config["sut"] | dict(
            zip(("psu_efficiency_percent", "psu_efficiency_limit_percent"), self.shape.psu or (), strict=False)
        )
        return replace(start, config=start.config | {"scenarios": sections, "sut": sut})

    def _meter(self) -> PowerDescriptor:
        return replace(super()._meter(), averaging=self.shape.averaging)

    def _readings(self) -> bytes:
        if self.shape.power_w is None:
            return super()._readings()
        power_w, first = self.shape.power_w(self), self._base_ns
        times = [first + second * SECOND_NS for second in range(1, self._count + 1)]
        return "\n".join(["time_ns,power_w,window_s,flags", *(f"{t},{power_w!r},1.0," for t in times), ""]).encode()

    def _samples(self) -> bytes:
        header, *rows = super()._samples().decode().splitlines()
        moved = [row.split(",", 1) for row in rows]
        return "\n".join([header, *(f"{int(at) + OFFSET_NS},{rest}" for at, rest in moved), ""]).encode()

    def _events(self) -> Iterator[Event]:
        yield from self.shape.events([moved(event) for event in super()._events()])


def moved(event: Event) -> Event:
    """The same moment on a SUT whose clock is days off."""
    if isinstance(event, ClockEvent):
        return replace(event, t_sut_ns=event.t_sut_ns + OFFSET_NS)
    if isinstance(event, PhaseEvent | ActionEvent) and event.sut_ns is not None:
        return replace(event, sut_ns=event.sut_ns + OFFSET_NS)
    return event


SHOWN = {"codecarbon": 0.78, "eit": 0.55}


def shown(run: TrackedRun, name: str) -> Account | None:
    """Figures as the published ones: CodeCarbon near the board, EIT nothing in idle."""
    mean_w = 41.0 + 0.93 * (run.load.power_w if run.load else 0.0)
    meter_wh = mean_w * (run.end_ns - run.begin_ns) / SECOND_NS / 3600
    share = (0.0 if run.load and not run.load.epochs else SHOWN[name]) if name == "eit" else SHOWN[name]
    whole_wh = share * meter_wh * float(run.random.normal(1, 0.015)) * (1.58 if name == "eit" else 1.0)
    gpu_wh = 0.6 * whole_wh if name == "codecarbon" else whole_wh / 1.58
    cpu_wh = whole_wh - gpu_wh
    account = {
        "schema": 1, "name": name, "version": "3.3.2" if name == "codecarbon" else "1", "begin_ns": run.begin_ns,
        "end_ns": run.end_ns, "clock": "sut-monotonic", "reported_wh": whole_wh,
        "factor": 1.58 if name == "eit" else 1.0,
        "factor_reason": "the PUE of data centres that the package multiplies by" if name == "eit" else None,
        "parts_wh": {"cpu": cpu_wh, "gpu": gpu_wh, "ram": None} if name == "codecarbon" else {"gpu": gpu_wh},
        "methods": {"cpu": "constant 4 W a thread: no RAPL", "gpu": "NVML energy counter", "ram": "none"}
        if name == "codecarbon" else {"gpu": "one power reading a poll, times the process's share of the SM load"},
        "intervals": [], "polls": 3, "raw": f"tracker-{name}.csv",
        "problems": [] if whole_wh else ["no process of this run was on a GPU: 0 by the published method"],
    }  # fmt: skip
    if run.load and run.load.epochs and name == "codecarbon":
        edges = np.linspace(run.begin_ns, run.end_ns, run.load.epochs + 1).astype(np.int64).tolist()
        account["intervals"] = [
            {"name": "epoch", "index": i, "begin_ns": edges[i], "end_ns": edges[i + 1],
             "reported_wh": whole_wh / run.load.epochs}
            for i in range(run.load.epochs)
        ]  # fmt: skip
    return account


def show_case(repetitions: int = 5) -> Tracked:
    """Idle, cnn, transfer, each without trackers, with each of two alone, and with both."""
    loads = {
        "idle": Load(1.2, 3.0),
        "cnn": Load(52.0, 34.0, 61.0, epochs=6),
        "transfer": Load(38.0, 22.0, 44.0, epochs=4),
    }
    every: dict[str, Load] = {}
    trackers: dict[str, list[str]] = {}
    folders: dict[str, str] = {}
    for name, load in loads.items():
        for suffix, names, more_w in (
            ("", [], 0.0),
            ("-cc", ["codecarbon"], 0.6),
            ("-both", ["codecarbon", "eit"], 2.0),
        ):
            every[name + suffix] = replace(load, power_w=load.power_w + more_w)
            trackers[name + suffix], folders[name + suffix] = names, f"workloads/{name}"
    return Tracked(
        name="tracked", loads=every, trackers=trackers, folders=folders, account=shown, power_w=None,
        repetitions=repetitions, baseline_blocks=6, psu=(88.0, 2.0), parameters={"fixed_epochs": 4},
    )  # fmt: skip


if __name__ == "__main__":
    print(tracked_campaign(Path(sys.argv[1]), show_case()))
