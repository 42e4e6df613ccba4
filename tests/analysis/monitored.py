"""Synthetic campaigns in which everything is recorded and nothing is wrong, and one fault at a time put into them.

Knows the streams of a run folder. Knows no rule.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.record.documents import Event, IndicatorDescriptor, PowerDescriptor, Start, Stop, dump
from harness.record.run_writer import RunWriter
from tests.reports.make_campaign import SECOND_NS, Floats, Load, Shape, SyntheticRun, make_campaign, stamp

Table = dict[str, Any]
"""Column -> array; `t` is seconds from the beginning of the interval, in place of the stamps."""
LOAD = Load(52.0, 34.0, 61.0, epochs=6)
SERIAL = "WM-3310"
CPUS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is changed in the runs whose ordinal is in `only` (None: in all), each on what is about to be written.

    `start` gets the fields of the start document, `meter` the descriptor of the meter. `second` makes a second meter on
    the circuit, from the first one's descriptor and power.
    """

    only: frozenset[int] | None = None
    readings: Callable[[Table], None] = lambda _: None
    samples: Callable[[Table], None] = lambda _: None
    room: Callable[[Table], None] = lambda _: None
    start: Callable[[dict[str, Any]], None] = lambda _: None
    meter: Callable[[PowerDescriptor], PowerDescriptor] = lambda descriptor: descriptor
    summary: Callable[[dict[str, Any]], None] = lambda _: None
    events: Callable[[list[Event]], list[Event]] = lambda events: events
    second: Callable[[PowerDescriptor, Floats], tuple[PowerDescriptor, Floats]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitored(Shape):
    """A shape whose runs record everything; `block_s` is the length of a baseline block where it is not a run's."""

    loads: dict[str, Load] = field(default_factory=lambda: {"cnn": LOAD})
    duration_s: int = 70
    margin_s: int = 64
    origin: Any = "instrument"
    fault: Fault = Fault()
    block_s: int | None = None


def campaign_of(path: Path, shape: Monitored) -> Path:
    """Write it."""
    return make_campaign(path, shape, MonitoredRun)


class MonitoredRun(SyntheticRun):
    """One run that records the mains, the room, the machine's state; then its fault."""

    shape: Monitored

    def __init__(self, shape: Monitored, *arguments: Any) -> None:  # noqa: ANN401
        load = arguments[1]
        super().__init__(
            replace(shape, duration_s=shape.block_s) if load is None and shape.block_s else shape, *arguments
        )
        hit = shape.fault.only is None or int(self.plain["ordinal"]) in shape.fault.only
        self.fault = shape.fault if hit else Fault()

    def write(self, folder: Path, previous: str | None, config: dict[str, Any], software: dict[str, Any]) -> str:
        """Write the run folder; return its manifest's digest."""
        with RunWriter(folder) as writer:
            inputs = self._write_inputs(writer)
            writer.append(self._faulty_start(self._start_document(previous, deepcopy(config), software, inputs)))
            meter = self.fault.meter(self._meter())
            readings = self._readings_table()
            self.fault.readings(readings)
            self._stream(writer, meter, meter.stream, readings)
            if self.fault.second is not None:
                other, power_w = self.fault.second(meter, readings["power_w"])
                self._stream(writer, other, other.stream, readings | {"power_w": power_w})
            self._wire(writer, meter)
            samples = self._samples_table()
            self.fault.samples(samples)
            self._stream(writer, self._agent_with_state(), "samples-agent.csv", samples)
            room = {"t": readings["t"][::5].copy(), "room_temperature_c": np.full(readings["t"][::5].size, 22.5)}
            self.fault.room(room)
            self._stream(writer, ROOM, ROOM.stream, room)
            for event in self.fault.events(sorted(self._events(), key=lambda event: event.time_ns)):
                writer.append(event)
            if self.load is not None:
                summary = self._whole_summary()
                self.fault.summary(summary)
                writer.write_file("artifacts/summary.json", dump(summary).encode())
            stop = Stop(
                time_ns=self._stop_ns + self.shape.margin_s * SECOND_NS, utc=stamp(self.begin),
                exit_status=self.exit_status, reason=self.reason, streams=writer.stream_summary(),
            )  # fmt: skip
            return writer.seal(stop)

    def _faulty_start(self, start: Start) -> Start:
        start.config["supply"] = {"voltage_v": 230.0, "frequency_hz": 50.0}
        start.host["boot_id"] = "h1"
        if self.load is not None:
            start.scenario_config["parameters"] = {"image_size": 224, "fixed_epochs": 0}
            start.scenario_config["verification"] = {"restored": True}
        fields = {name: getattr(start, name) for name in Start.__slots__}
        self.fault.start(fields)
        return Start(**fields)

    def _meter(self) -> PowerDescriptor:
        accuracy = {"reading_percent": 0.1, "range_percent": 0.1, "counts": 0.0, "source": "data sheet"}
        columns = [
            {"name": "power_w", "unit": "W", "resolution": 0.01, "range": [0.0, 120.0], "accuracy": accuracy},
            {"name": "voltage_v", "unit": "V", "resolution": 0.01, "range": [0.0, 300.0], "accuracy": None},
        ]
        certificate = {
            "instrument": "wall", "matched_by": "serial", "number": "D-K-1", "laboratory": "calibrators",
            "date": "2026-06-01", "expires": "2027-06-01", "k": 2.0, "conditions": "", "check_load": None,
            "stability_percent_per_year": 0.05, "points": [{"load_w": 50.0, "error_w": 0.0, "U_w": 0.02}],
        }  # fmt: skip
        identity = {"maker": "maker", "model": "meter", "serial": SERIAL, "firmware": "1.0", "driver": "wt310"}
        evidence = {"device_major": 188, "sysfs_serial": "FT1"} if self.shape.origin == "instrument" else {}
        return replace(
            super()._meter(), identity=identity, evidence=evidence, columns=columns, calibration=certificate,
            ranging="fixed",
        )  # fmt: skip

    def _wire(self, writer: RunWriter, meter: PowerDescriptor) -> None:
        with writer.open_stream(f"wire-{meter.meter}.log") as wire:
            wire.write(f"{self._base_ns} < {SERIAL.encode().hex()}\n".encode())

    def _readings_table(self) -> Table:
        level = 0.0 if self.load is None else self.load.power_w
        power_w = 41.0 + self._envelope(level, 3.0) + self._random.normal(0, 0.4 + 0.03 * abs(level), self._count)
        known = {"voltage_v": 230.0, "frequency_hz": 50.0, "voltage_thd_percent": 1.0, "window_s": 1.0}
        columns = {name: np.full(self._count, value) for name, value in known.items()}
        window_s = columns.pop("window_s")
        flags = np.full(self._count, "", dtype=object)
        return {"t": self._offsets_s(), "power_w": power_w, **columns, "window_s": window_s, "flags": flags}

    def _offsets_s(self) -> Floats:
        return np.asarray(self._seconds - self.shape.margin_s)

    def _samples_table(self) -> Table:
        names = [str(column["name"]) for column in self._agent().columns]
        rows = [line.split(",")[2:] for line in self._samples().decode().splitlines()[1:]]
        table: Table = {"t": self._offsets_s()} | dict(zip(names, np.array(rows, dtype=float).T, strict=True))
        load_s = np.cumsum(self._envelope(0.0 if self.load is None else self.load.cpu_percent, 1.0)) / 100 * CPUS
        idle_s = 0.005 * CPUS * np.arange(self._count)
        state = {"agent_cpu_s": 0.001 * np.arange(self._count), "busy_cpu_s": load_s + idle_s, "load_cpu_s": load_s}
        still = {name: np.zeros(self._count) for name in ("oom_kills", "cpu_throttle_count", "gpu0_throttled")}
        return table | state | still

    def _agent_with_state(self) -> IndicatorDescriptor:
        counters = ("agent_cpu_s", "busy_cpu_s", "load_cpu_s", "oom_kills", "cpu_throttle_count")
        named = [(name, "counter") for name in counters] + [("gpu0_throttled", "gauge")]
        more = [{"name": name, "unit": "1", "quantity": name, "method": "agent", "kind": kind} for name, kind in named]
        own = self._agent()
        return replace(own, columns=own.columns + more)

    def _whole_summary(self) -> dict[str, Any]:
        return self._summary() | {
            "reached": True, "restored": True, "epochs": 6,
            "dataset": {"kind": "tf_flowers", "used_digest": "d", "images_train": 2936}, "images_seen_train": 17616,
            "weights": {"kind": "random", "sha256": None},
        }  # fmt: skip

    def _stream(
        self, writer: RunWriter, descriptor: PowerDescriptor | IndicatorDescriptor, name: str, table: Table
    ) -> None:
        writer.append(descriptor)
        stamps = (self._start_ns + np.rint(table["t"] * SECOND_NS)).astype(np.int64).tolist()
        of_sut = isinstance(descriptor, IndicatorDescriptor) and descriptor.clock == "sut"
        columns = [column for column in table if column != "t"]
        cells = zip(*(map(_cell, table[column].tolist()) for column in columns), strict=True)
        rows = [",".join([f"{at},{at}" if of_sut else f"{at}", *row]) for at, row in zip(stamps, cells, strict=True)]
        header = ",".join(["sut_ns,sut_wall_ns" if of_sut else "time_ns", *columns])
        with writer.open_stream(name) as stream:
            stream.write("\n".join([header, *rows, ""]).encode())


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.4f}"
    return str(value)


ROOM = IndicatorDescriptor(
    stream="samples-ambient.csv", period_s=5.0, clock="host",
    columns=[{"name": "room_temperature_c", "unit": "degC", "quantity": "room", "method": "file", "kind": "gauge"}],
)  # fmt: skip
