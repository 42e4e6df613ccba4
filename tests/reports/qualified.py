"""Synthetic qualification campaigns of known truth: a wall meter, and software meters that see a known part of it late.

`python -m tests.reports.qualified FOLDER` writes one to look at. Knows the run folder and the table [qualification].
Knows no analysis.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.record.documents import Event, IndicatorDescriptor, PowerDescriptor
from harness.record.qualification import Load as DeclaredLoad
from harness.record.qualification import Qualification
from meters.reading import columns_of, header_of
from tests.analysis.monitored import SERIAL
from tests.analysis.tracked import OFFSET_NS, moved
from tests.reports.make_campaign import COLUMNS, SECOND_NS, Floats, Load, Shape, SyntheticRun, make_campaign

STEP_S = 0.05
"""Of the time in which the truth is drawn."""
IDLE_W = 40.0
PER_WATT = {"cpu": 1.25, "gpu": 1.12}
"""What a watt of a part takes from the wall."""
RANGE_J = 4000.0
"""Where the CPU's counter begins anew."""
LEVELS = (20.0, 40.0, 60.0, 80.0, 100.0)
FULL_W = {"cpu": 60.0, "gpu": 150.0}
SWITCHED = "switched"
DECLARED = Qualification(
    limit_percent=5.0,
    loads={"idle": DeclaredLoad(kind="idle", level=0.0)}
    | {
        f"{kind}-{level:.0f}": DeclaredLoad(kind=kind, level=level)  # type: ignore[arg-type]
        for kind in FULL_W
        for level in LEVELS
    },
)
SHORT = Qualification(
    limit_percent=5.0,
    loads={name: DECLARED.loads[name] for name in ("idle", "cpu-100", "gpu-100")},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualified(Shape):
    """A campaign of the loads that `declared` names, and of a load that is switched; `lag_s`, `window_s`, `quantum_w`
    are those of the GPU's own power. `declares`: whether its configuration has the table."""

    name: str = "qualified"
    declared: Qualification = DECLARED
    declares: bool = True
    loads: dict[str, Load] = field(default_factory=dict)
    duration_s: int = 125
    switched_s: int = 400
    baseline_blocks: int = 2
    is_shuffled: bool = True
    lag_s: float = 0.6
    window_s: float = 1.0
    quantum_w: float = 0.5
    with_tracker: bool = True


def qualified_campaign(path: Path, shape: Qualified) -> Path:
    """Write it."""
    return make_campaign(path, shaped(shape), QualifiedRun)


def shaped(shape: Qualified) -> Qualified:
    """With the loads and the table that it declares."""
    names = [*shape.declared.loads, SWITCHED]
    tables = _table_of(shape.declared) if shape.declares else ""
    loads = {name: Load(0.0, 50.0) for name in names}
    return replace(shape, loads=loads, tables=tables)


def _table_of(declared: Qualification) -> str:
    """The table in lab.toml."""
    loads = [f'"{name}" = {{ kind = "{load.kind}", level = {load.level} }}' for name, load in declared.loads.items()]
    return "\n".join(
        ["[qualification]", f"limit_percent = {declared.limit_percent}", "[qualification.loads]", *loads, ""]
    )


class QualifiedRun(SyntheticRun):
    """One run: what its CPU and its GPU take is drawn, the wall and all software meters are made of that."""

    shape: Qualified

    def __init__(self, shape: Qualified, plain: dict[str, Any], *others: Any) -> None:  # noqa: ANN401
        is_switched = plain["scenario"] == SWITCHED
        super().__init__(replace(shape, duration_s=shape.switched_s) if is_switched else shape, plain, *others)
        self.shape = shape

    def _parts_w(self) -> tuple[Floats, dict[str, Floats]]:
        """Seconds after the run's base, in steps of STEP_S, and the power of CPU and GPU in each."""
        name = str(self.plain["scenario"])
        times_s = np.arange(0.0, self._count + 2.0, STEP_S)
        inside = (times_s > self.shape.margin_s) & (times_s <= self.shape.margin_s + self.duration_s)
        random = np.random.default_rng([self.shape.seed, int(self.plain["ordinal"]), 3])
        turns_s = self.shape.margin_s + np.cumsum(random.uniform(4.0, 9.0, 200))
        parts = {}
        for kind, full_w in FULL_W.items():
            load = self.shape.declared.loads.get(name)
            level_w = full_w * load.level / 100 if load is not None and load.kind == kind else 0.0
            wave = np.where(inside, level_w, 0.0)
            if name == SWITCHED:
                wave = np.where(inside & (np.searchsorted(turns_s, times_s) % 2 == 1), full_w, 0.0)
            ripple = np.repeat(random.normal(0.0, 0.01, times_s.size // 20 + 1), 20)[: times_s.size]
            parts[kind] = np.asarray(wave * (1 + ripple), dtype=np.float64)
        return times_s, parts

    def _readings(self) -> bytes:
        times_s, parts = self._parts_w()
        wall_w = IDLE_W + sum((PER_WATT[kind] * power_w for kind, power_w in parts.items()), np.zeros(times_s.size))
        ends_s = self._seconds
        power_w = _window_means(times_s, wall_w, ends_s, 1.0) + self._random.normal(0.0, 0.1, ends_s.size)
        stamps = (self._base_ns + ends_s * SECOND_NS).astype(np.int64).tolist()
        unsent = "," * (len(COLUMNS) - 1)
        rows = [f"{at},{watts:.1f}{unsent},1.0," for at, watts in zip(stamps, power_w.tolist(), strict=True)]
        header = header_of(columns_of(column["name"] for column in COLUMNS))
        return "\n".join([",".join(header), *rows, ""]).encode()

    def _meter(self) -> PowerDescriptor:
        meter = super()._meter()
        if self.shape.origin != "instrument":
            return meter
        evidence = {"device_major": 188, "sysfs_serial": "FT1"}
        return replace(meter, identity=meter.identity | {"serial": SERIAL, "firmware": "4.12"}, evidence=evidence)

    def _wire_log(self, readings: bytes) -> bytes:
        real = f"{self._base_ns} < {SERIAL.encode().hex()}\n".encode()
        return real if self.shape.origin == "instrument" else super()._wire_log(readings)

    def _agent(self) -> IndicatorDescriptor:
        columns: list[dict[str, Any]] = [
            {"name": "cpu_percent", "unit": "%", "quantity": "SUT total CPU load", "method": "psutil", "kind": "gauge"},
            {"name": "gpu0_power_w", "unit": "W", "quantity": "GPU 0 board power", "method": "nvmlDeviceGetPowerUsage",
             "kind": "gauge"},
            {"name": "rapl_package_0_energy_j", "unit": "J", "quantity": "CPU package 0 energy counter",
             "method": "powercap intel-rapl:0", "kind": "counter", "range_j": RANGE_J},
            {"name": "gpu0_power_instant_w", "unit": "W", "quantity": "GPU 0 power now",
             "method": "nvmlDeviceGetFieldValues: not supported by this board", "kind": "gauge"},
        ]  # fmt: skip
        return IndicatorDescriptor(stream="samples-agent.csv", period_s=1.0, clock="sut", columns=columns)

    def _samples(self) -> bytes:
        times_s, parts = self._parts_w()
        asked_s = self._seconds + 0.37
        gpu_w = 9.0 + _window_means(times_s, parts["gpu"], asked_s - self.shape.lag_s, self.shape.window_s)
        gpu_w += self._random.normal(0.0, 0.05, asked_s.size)
        gpu_w = np.round(gpu_w / self.shape.quantum_w) * self.shape.quantum_w
        cpu_j = np.interp(asked_s, times_s, _energy_j(times_s, 4.0 + parts["cpu"])) + 37.0 * int(self.plain["ordinal"])
        stamps = (self._base_ns + asked_s * SECOND_NS).astype(np.int64) + OFFSET_NS
        rows = [
            f"{at},{at},50.0,{watts:.3f},{joules % RANGE_J:.6f},"
            for at, watts, joules in zip(stamps.tolist(), gpu_w.tolist(), cpu_j.tolist(), strict=True)
        ]
        header = ["sut_ns", "sut_wall_ns", *(str(column["name"]) for column in self._agent().columns)]
        return "\n".join([",".join(header), *rows, ""]).encode()

    def _events(self) -> Iterator[Event]:
        yield from map(moved, super()._events())

    def _artifacts(self) -> dict[str, dict[str, Any]]:
        if self.load is None or not self.shape.with_tracker:
            return {}
        times_s, parts = self._parts_w()
        inside = (times_s > self.shape.margin_s) & (times_s <= self.shape.margin_s + self.duration_s)
        energy_wh = float(np.sum(12.0 + parts["gpu"][inside] + parts["cpu"][inside])) * STEP_S / 3600
        account = {
            "schema": 1, "name": "codecarbon", "version": "3.0", "begin_ns": self._start_ns + OFFSET_NS,
            "end_ns": self._stop_ns + OFFSET_NS, "clock": "sut-monotonic", "reported_wh": energy_wh, "factor": 1.0,
            "factor_reason": None, "parts_wh": {}, "methods": {"cpu": "RAPL", "gpu": "NVML"}, "intervals": [],
            "polls": 3, "problems": [],
        }  # fmt: skip
        return {"tracker-codecarbon.json": account}

    def _start_document(self, *arguments: Any) -> Any:  # noqa: ANN401
        start = super()._start_document(*arguments)
        return replace(start, sut=start.sut | {"firmware": "American Megatrends 2.40", "system": "Supermicro X11"})


class ResetRun(QualifiedRun):
    """Its counter of energy is set to zero once in the third run, as by a driver that is loaded again."""

    def _samples(self) -> bytes:
        head, *rows = super()._samples().decode().splitlines()
        cells = [row.split(",") for row in rows]
        if int(self.plain["ordinal"]) == 3:
            before_j = float(cells[40][4])
            for row in cells[40:]:
                row[4] = f"{(float(row[4]) - before_j) % RANGE_J:.6f}"
        return "\n".join([head, *map(",".join, cells), ""]).encode()


def _window_means(times_s: Floats, power_w: Floats, ends_s: Floats, window_s: float) -> Floats:
    """Means over `window_s` before each of `ends_s`; of 0 s the power then."""
    total_j = _energy_j(times_s, power_w)
    length_s = max(window_s, STEP_S)
    begin_j, end_j = (np.interp(at_s, times_s, total_j) for at_s in (ends_s - length_s, ends_s))
    return np.asarray((end_j - begin_j) / length_s)


def _energy_j(times_s: Floats, power_w: Floats) -> Floats:
    """Energy until each instant, of a power that stands until the next."""
    return np.concatenate([[0.0], np.cumsum(power_w[:-1] * np.diff(times_s))])


if __name__ == "__main__":
    print(qualified_campaign(Path(sys.argv[1]), Qualified()))
