"""Synthetic campaigns, written as the lab writes them: valid, sealed, chained, and labelled emulated.

`python -m tests.reports.make_campaign FOLDER [--guldner | --example]` writes one to look at. Knows the run folder.
Knows no report.
"""

import argparse
import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from harness.record.campaign_folder import CampaignFolder
from harness.record.documents import (
    SCHEMA,
    VERSION,
    ActionEvent,
    ClockEvent,
    Document,
    Edge,
    Event,
    ExitStatus,
    IndicatorDescriptor,
    PhaseEvent,
    PowerDescriptor,
    Start,
    Stop,
    Thresholds,
    WorkEvent,
    dump,
)
from harness.record.run_folder import WORK, RunFolder
from harness.record.run_writer import RunWriter
from meters import wattsup
from meters.reading import CODEC, columns_of, header_of

PACKAGES = ["numpy==2.4.0", "psutil==7.0.0"]
EPOCH = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
SECOND_NS = 1_000_000_000
LAB_TOML = Path(__file__).parents[2] / "lab.toml"
Floats = npt.NDArray[np.float64]
COLUMNS: list[dict[str, Any]] = [
    {"name": name, "unit": unit, "resolution": step, "range": [0.0, top],
     "accuracy": dataclasses.asdict(wattsup.ACCURACY) if name == "power_w" else None}
    for name, unit, step, top in (
        ("power_w", "W", 0.1, 1800.0), ("voltage_v", "V", 0.1, 300.0), ("current_a", "A", 0.001, 20.0),
        ("power_factor", "1", 0.01, 1.0), ("frequency_hz", "Hz", 0.1, 70.0), ("apparent_power_va", "VA", 0.1, 6000.0),
        ("energy_wh", "Wh", 0.1, 1e8),
    )
]  # fmt: skip
"""Of a Watts Up?, as its driver describes it; all but the power is never sent."""


@dataclass(frozen=True, slots=True)
class Load:
    """How a scenario loads the synthetic SUT: extra power (W), CPU and GPU load (%), its actions."""

    power_w: float
    cpu_percent: float
    gpu_percent: float = 0.0
    epochs: int = 0
    marked: bool = True
    configured: bool = True
    tokens: int = 0
    """Work that the program marks in each epoch."""


LOADS = {
    "idle": Load(1.2, 3.0),
    "cnn": Load(52.0, 34.0, 61.0, epochs=6),
    "transfer": Load(38.0, 22.0, 44.0, epochs=4),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a synthetic campaign looks like. `broken`: ordinal of a run -> how it ends instead of `success`."""

    name: str = "synthetic"
    loads: dict[str, Load] = field(default_factory=lambda: dict(LOADS))
    repetitions: int = 3
    baseline_blocks: int = 5
    duration_s: int = 60
    gpu: bool = True
    origin: Literal["instrument", "emulated", "estimated", "unattested", "imported"] = "emulated"
    broken: dict[int, ExitStatus] = field(default_factory=dict)
    reason: str = "SIGTERM: the operator stopped the lab"
    hostname: str = "sut-01"
    lab: str = "Synthetic lab"
    operator: str = "A. Operator"
    seed: int = 7
    margin_s: int = 4
    """Seconds recorded before and after the rating interval."""
    is_shuffled: bool = False
    """Whether each repetition has its scenarios in drawn order."""
    release: str = ""
    """`[campaign] release` of its lab.toml."""
    tables: str = ""
    """More tables of its lab.toml, as text."""
    seal_key: str = ""
    witness: str = ""
    """`[seal] key` and `[witness] ssh` of its lab.toml; whoever wants signatures and receipts makes them."""


EXAMPLE = Shape(
    loads={"cnn": Load(52.0, 34.0, 61.0, epochs=3), "idle": LOADS["idle"]}, duration_s=30, broken={4: "abort"}
)
"""Its results.json is tests/data/results-example.json."""
GULDNER = Shape(name="guldner-size", repetitions=30, baseline_blocks=30, duration_s=1000)


def make_campaign(path: Path, shape: Shape, kind: "type[SyntheticRun] | None" = None) -> Path:
    """Write a whole campaign of such runs below `path` / name and return its folder."""
    folder = path / shape.name
    campaign = CampaignFolder.create(folder)
    config = resolved_config(shape)
    software = {"version": VERSION, "commit": "0" * 40, "dirty": False}
    header = {
        "schema": SCHEMA, "name": shape.name, "uid": "5e7c0de5", "seed": shape.seed,
        "design": config["campaign"]["design"], "customer": config["lab"]["customer"], "software": software,
        "config": config,
    }  # fmt: skip
    campaign.append("campaign", stamp(EPOCH), header)
    order = list(planned(shape))
    campaign.append("plan", stamp(EPOCH), {"runs": [plain for plain, _ in order]})
    previous: str | None = None
    begin = EPOCH
    for plain, load in order:
        ordinal = int(plain["ordinal"])
        name = f"{begin:%Y%m%dT%H%M%SZ}-r{ordinal:02d}-{ordinal:08x}"
        campaign.append("run-begin", stamp(begin), {"ordinal": ordinal, "folder": name, "attempt": 1})
        run = (kind or SyntheticRun)(shape, plain, load, begin)
        previous = run.write(folder / name, previous, config, software)
        started = {"ordinal": ordinal, "folder": name, "start": RunFolder.open(folder / name).start_sha256}
        campaign.append("run-start", stamp(begin), started)
        begin += timedelta(seconds=run.duration_s + 2 * shape.margin_s + 20)
        end = {"ordinal": ordinal, "folder": name, "exit_status": run.exit_status, "reason": run.reason}
        campaign.append("run-end", stamp(begin), end | {"manifest": previous})
    return folder


def planned(shape: Shape) -> Iterator[tuple[dict[str, Any], Load | None]]:
    """Baseline blocks spread evenly between repetitions of all scenarios."""
    runs: list[tuple[str, int, int | None]] = []
    drawn, names = np.random.default_rng(shape.seed), list(shape.loads)
    scenario_runs = [
        (name, repetition)
        for repetition in range(shape.repetitions)
        for name in (drawn.permutation(names).tolist() if shape.is_shuffled else names)
    ]
    spread = np.linspace(0, len(scenario_runs), shape.baseline_blocks).round().astype(int)
    for position in range(len(scenario_runs) + 1):
        runs += [("baseline", int(block), int(block)) for block in np.flatnonzero(spread == position)]
        if position < len(scenario_runs):
            runs.append((*scenario_runs[position], None))
    for ordinal, (scenario, repetition, block) in enumerate(runs, 1):
        kind = "baseline" if block is not None else "scenario"
        plain = {"ordinal": ordinal, "kind": kind, "scenario": scenario, "repetition": repetition}
        yield plain | {"seed": 1000 + repetition, "block": block}, shape.loads.get(scenario)


def lab_toml(shape: Shape) -> bytes:
    """The lab.toml that resolves to `resolved_config`."""
    text = LAB_TOML.read_text().partition("[thresholds]")[0]  # the method's own, as `resolved_config` has them
    release = f"\nrelease = {json.dumps(shape.release)}" if shape.release else ""
    changes = {
        'name = "core-study"': f"name = {json.dumps(shape.name)}{release}", "seed = 20261121": f"seed = {shape.seed}",
        'name = "Embedded lab"': f"name = {json.dumps(shape.lab)}",
        'operator = ""': f"operator = {json.dumps(shape.operator)}",
        "blocks = 5": f"blocks = {shape.baseline_blocks}",
        "duration_s = 25.0": f"duration_s = {float(shape.duration_s)}",
    }  # fmt: skip
    for written, changed in changes.items():
        text = text.replace(written, changed, 1)
    text += f"\n[seal]\nkey = {json.dumps(shape.seal_key)}\n[witness]\nssh = {json.dumps(shape.witness)}\n"
    return (text + shape.tables).encode()


def resolved_config(shape: Shape) -> dict[str, Any]:
    """lab.toml as the lab resolves it, with this shape's names."""
    config = tomllib.loads(LAB_TOML.read_text())
    config["campaign"] |= {"name": shape.name, "seed": shape.seed}
    if shape.release:
        config["campaign"]["release"] = shape.release
    config["lab"] |= {"name": shape.lab, "operator": shape.operator}
    config["baseline"] |= {"blocks": shape.baseline_blocks, "duration_s": float(shape.duration_s)}
    config |= {"seal": {"key": shape.seal_key}, "witness": {"ssh": shape.witness}}
    config["thresholds"] = dataclasses.asdict(Thresholds())
    return config | tomllib.loads(shape.tables)


class SyntheticRun:
    """One run: draws its series from the campaign's seed and its ordinal, then writes and seals them."""

    def __init__(self, shape: Shape, plain: dict[str, Any], load: Load | None, begin: datetime) -> None:
        self.shape, self.plain, self.load, self.begin = shape, plain, load, begin
        self.exit_status: ExitStatus = shape.broken.get(int(plain["ordinal"]), "success")
        self.reason = None if self.exit_status == "success" else shape.reason
        self._random = np.random.default_rng([shape.seed, int(plain["ordinal"])])
        stretch = 1.0 if load is None else float(self._random.uniform(0.97, 1.03))
        self.duration_s = shape.duration_s * stretch
        self._base_ns = int((begin - EPOCH).total_seconds()) * SECOND_NS + 3_600 * SECOND_NS
        self._start_ns = self._base_ns + shape.margin_s * SECOND_NS
        self._stop_ns = self._start_ns + int(self.duration_s * SECOND_NS)
        self._count = int(self.duration_s) + 2 * shape.margin_s
        self._seconds = np.arange(1, self._count + 1, dtype=float)

    def write(self, folder: Path, previous: str | None, config: dict[str, Any], software: dict[str, Any]) -> str:
        """Write the run folder; return its manifest's digest."""
        with RunWriter(folder) as writer:
            inputs = self._write_inputs(writer)
            writer.append(self._start_document(previous, config, software, inputs))
            for descriptor in self._descriptors():
                writer.append(descriptor)
            readings = self._readings()
            with writer.open_stream("readings-wall.csv") as stream:
                stream.write(readings)
            with writer.open_stream("wire-wall.log") as stream:
                stream.write(self._wire_log(readings))
            for name, content in ({"samples-agent.csv": self._samples()} | self._streams()).items():
                with writer.open_stream(name) as stream:
                    stream.write(content)
            for event in sorted(self._events(), key=lambda event: event.time_ns):
                writer.append(event)
            for name, artifact in self._artifacts().items():
                content = artifact if isinstance(artifact, bytes) else dump(artifact).encode()
                writer.write_file(f"artifacts/{name}", content)
            status, streams = self.exit_status, writer.stream_summary()
            end = self._stop_ns + self.shape.margin_s * SECOND_NS
            utc = stamp(self.begin + timedelta(seconds=self.duration_s))
            return writer.seal(Stop(time_ns=end, utc=utc, exit_status=status, reason=self.reason, streams=streams))

    def _start_document(
        self, previous: str | None, config: dict[str, Any], software: dict[str, Any], inputs: dict[str, str]
    ) -> Start:
        gpus = [{"name": "Synthetic GPU 3 GB", "driver": "550.1", "memory_mib": 3072}] if self.shape.gpu else []
        sut = {
            "hostname": self.shape.hostname, "os": "Ubuntu 24.04.1 LTS", "kernel": "6.8.0-48-generic",
            "cpu": "AMD Ryzen 7 1700 Eight-Core Processor", "cpu_count": 16, "memory_kib": 16_341_872,
            "board": "MSI B350 PC MATE", "gpus": gpus, "boot_id": "5c1d7f4e", "python": "3.12.3",
        }  # fmt: skip
        return Start(
            **self.plain, uid=f"{self.plain['ordinal']:08x}", campaign=self.shape.name, attempt=1,
            time_base="host-monotonic", time_ns=self._base_ns, utc=stamp(self.begin), previous_manifest=previous,
            sut=sut, host={"hostname": "wg-01"}, inputs=inputs, software=software, operator=self.shape.operator,
            config=config, scenario_config=self._scenario_config(), **self._material(),
        )  # fmt: skip

    def _write_inputs(self, writer: RunWriter) -> dict[str, str]:
        """lab.toml and what was staged; the digest of the first."""
        for name, content in self._staged().items():
            writer.write_file(f"{WORK}/{name}", content)
        return {"lab.toml": writer.write_file("inputs/lab.toml", lab_toml(self.shape))}

    def _staged(self) -> dict[str, bytes]:
        """What was copied to the SUT."""
        program = {} if self.load is None else {"train.py": b"# the synthetic program\n"}
        return program | {"markers.py": b"# the synthetic markers\n"}

    def _material(self) -> dict[str, Any]:
        """The start document's account of it, and of the Python that ran it."""
        staged = {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "kept": True,
                   "of": "markers" if name == "markers.py" else "program"}
            for name, content in self._staged().items()
        }  # fmt: skip
        environment = {
            "interpreter": "/srv/venv/bin/python", "executable": "/srv/venv/bin/python", "binary_sha256": "b" * 64,
            "python": "3.12.3", "packages": PACKAGES, "editable": [],
            "sha256": hashlib.sha256("".join(f"{one}\n" for one in PACKAGES).encode()).hexdigest(),
            "extra_paths": [], "problem": None,
        }  # fmt: skip
        return {"staged": staged, "on_sut": [], "environment": None if self.load is None else environment}

    def _scenario_config(self) -> dict[str, Any]:
        name = str(self.plain["scenario"])
        if self.load is None:
            return {"name": name, "title": "Baseline", "kind": "baseline", "duration_s": float(self.shape.duration_s)}
        if not self.load.configured:
            return {}
        parameters = {"fixed_epochs": self.load.epochs, "image_size": 224} if self.load.epochs else {}
        return {"name": name, "title": name, "kind": "scenario", "description": "synthetic", "parameters": parameters}

    def _meter(self) -> PowerDescriptor:
        return PowerDescriptor(
            stream="readings-wall.csv", meter="wall", circuit="sut-ac-inlet",
            identity={"maker": "Electronic Educational Devices", "model": "Watts up? PRO", "serial": "",
                      "firmware": "4.12 (EMULATED), hardware 1.3", "driver": "wattsup"},
            origin=self.shape.origin, evidence={"device": "/dev/pts/7", "major": 136}, averaging="window",
            window_s=1.0, stamp="end", latency_s=0.0,
            tier="indicative", columns=COLUMNS, codec=CODEC,
        )  # fmt: skip

    def _descriptors(self) -> list[Document]:
        """Of all its streams."""
        return [self._meter(), self._agent()]

    def _streams(self) -> dict[str, bytes]:
        """Streams beside those of the meter and the agent."""
        return {}

    def _agent(self) -> IndicatorDescriptor:
        named = [
            ("cpu_percent", "%", "SUT total CPU load", "psutil.cpu_times"),
            ("ram_used_kib", "KiB", "SUT memory in use: total - available", "psutil.virtual_memory"),
            ("ram_not_free_kib", "KiB", "SUT memory that is not free: total - free", "psutil.virtual_memory"),
            ("disk_read_kb", "kB", "read from disk", "psutil.disk_io_counters"),
            ("disk_write_kb", "kB", "written to disk", "psutil.disk_io_counters"),
            ("net_received_kb", "kB", "received from the network", "psutil.net_io_counters"),
            ("net_sent_kb", "kB", "sent to the network", "psutil.net_io_counters"),
        ]
        if self.shape.gpu:
            named += [
                ("gpu0_pstate", "1", "GPU performance state", "nvmlDeviceGetPerformanceState"),
                ("gpu0_temperature_c", "°C", "GPU core temperature", "nvmlDeviceGetTemperature"),
                ("gpu0_load_percent", "%", "GPU load", "nvmlDeviceGetUtilizationRates"),
                ("gpu0_memory_load_percent", "%", "GPU memory load", "nvmlDeviceGetUtilizationRates"),
                ("gpu0_memory_used_mib", "MiB", "GPU memory allocated", "nvmlDeviceGetMemoryInfo"),
                ("gpu0_power_w", "W", "GPU power", "nvmlDeviceGetPowerUsage"),
                ("gpu0_sm_clock_mhz", "MHz", "GPU SM clock", "nvmlDeviceGetClockInfo"),
                ("gpu0_memory_clock_mhz", "MHz", "GPU memory clock", "nvmlDeviceGetClockInfo"),
            ]
        columns = [{"name": n, "unit": u, "quantity": q, "method": m, "kind": "gauge"} for n, u, q, m in named]
        return IndicatorDescriptor(stream="samples-agent.csv", period_s=1.0, clock="sut", columns=columns)

    def _envelope(self, level: float, lag_s: float) -> Floats:
        """A first-order rise to `level` inside the rating interval, with the dips between epochs."""
        t = self._seconds - self.shape.margin_s
        rise = np.where(t > 0, 1 - np.exp(-np.maximum(t, 0) / lag_s), 0.0)
        fall = np.where(t > self.duration_s, np.exp(-np.maximum(t - self.duration_s, 0) / lag_s), 1.0)
        return np.asarray(level * rise * fall, dtype=float)

    def _gpu_power(self) -> Floats:
        level = 0.0 if self.load is None else 0.8 * self.load.gpu_percent
        return 9.0 + self._envelope(level, 2.0) * self._random.normal(1, 0.04, self._count)

    def _readings(self) -> bytes:
        level = 0.0 if self.load is None else self.load.power_w
        if self.load and self.load.epochs:
            level *= 0.9 + 0.1 * float(self._random.uniform())
        power = 41.0 + self._envelope(level, 3.0) + self._random.normal(0, 0.4 + 0.03 * level, self._count)
        times = self._base_ns + (self._seconds * SECOND_NS).astype(np.int64)
        unsent = "," * (len(COLUMNS) - 1)
        rows = [f"{t},{p:.1f}{unsent},1.0," for t, p in zip(times.tolist(), power.tolist(), strict=True)]
        header = header_of(columns_of(column["name"] for column in COLUMNS))
        return "\n".join([",".join(header), *rows, ""]).encode()

    def _wire_log(self, readings: bytes) -> bytes:
        return wire_log(readings, self._base_ns)

    def _samples(self) -> bytes:
        load = self.load or Load(0.0, 0.4)
        noise = self._random.normal(1, 0.05, (self._count, 6))
        used_kib = 1.9e6 + self._envelope(6e4 * load.cpu_percent, 5.0) * noise[:, 1]
        series = [
            0.6 + self._envelope(load.cpu_percent, 1.0) * noise[:, 0],
            used_kib,
            used_kib + 3.2e6,
            self._envelope(40.0 * load.epochs, 1.0) * np.abs(noise[:, 2]),
            30 + self._envelope(12.0 * load.epochs, 1.0) * np.abs(noise[:, 3]),
            0.8 * np.abs(noise[:, 4]),
            0.5 * np.abs(noise[:, 5]),
        ]
        if self.shape.gpu:
            heat = 34 + self._envelope(0.5 * load.gpu_percent, 40.0)
            gpu = self._envelope(load.gpu_percent, 1.0)
            zeros = np.zeros(self._count)
            series += [zeros + 2, heat, gpu, gpu * 0.4, 200 + 40 * gpu, self._gpu_power(), 1500 + zeros, 4000 + zeros]
        times = (self._base_ns + self._seconds * SECOND_NS).astype(np.int64)
        header = ["sut_ns", "sut_wall_ns", *(str(column["name"]) for column in self._agent().columns)]
        table = np.column_stack(series)
        rows = [
            f"{t},{t}," + ",".join([f"{value:.2f}" for value in row])
            for t, row in zip(times.tolist(), table.tolist(), strict=True)
        ]
        return "\n".join([",".join(header), *rows, ""]).encode()

    def _events(self) -> Iterator[Event]:
        for at in (self._base_ns, self._start_ns, self._stop_ns + 2 * SECOND_NS):
            for step in range(4):
                t0 = at + step * 1_000_000
                yield ClockEvent(
                    time_ns=t0 + 200_000, t0_ns=t0, t_sut_ns=t0 + 100_000, t1_ns=t0 + 200_000, sut_wall_ns=t0,
                    host_wall_ns=int(self.begin.timestamp()) * SECOND_NS + t0 + 200_000 - self._base_ns,
                )  # fmt: skip
        yield self._phase("begin", self._start_ns)
        yield self._phase("end", self._stop_ns)
        if self.load and self.load.marked and self.exit_status == "success":
            yield from self._actions(self.load)

    def _phase(self, edge: Edge, at: int) -> PhaseEvent:
        return PhaseEvent(time_ns=at, sut_ns=at, sut_wall_ns=at, name="rating", edge=edge)

    def _actions(self, load: Load) -> Iterator[ActionEvent | WorkEvent]:
        total = self.duration_s
        training = (0.15 * total, 0.92 * total)
        yield from self._action("image_preparation", 0, 0.01 * total, 0.10 * total)
        yield from self._action("net_creation", 0, 0.10 * total, 0.15 * total)
        yield from self._action("training", 0, *training)
        edges = np.linspace(*training, load.epochs + 1).tolist() if load.epochs else []
        history = self._history()
        for index in range(load.epochs):
            metrics = {key: values[index] for key, values in history.items()}
            if load.tokens:
                at = self._start_ns + int(edges[index + 1] * SECOND_NS)
                yield WorkEvent(time_ns=at, sut_ns=at, sut_wall_ns=at, amounts={"tokens": load.tokens})
            yield from self._action("epoch", index, edges[index], edges[index + 1], metrics)
        yield from self._action("export", 0, 0.93 * total, 0.96 * total)
        yield from self._action("reset", 0, 0.97 * total, 0.99 * total)

    def _action(
        self, name: str, index: int, begin_s: float, end_s: float, metrics: dict[str, Any] | None = None
    ) -> Iterator[ActionEvent]:
        edges: tuple[tuple[Edge, float], ...] = (("begin", begin_s), ("end", end_s))
        for edge, at_s in edges:
            at = self._start_ns + int(at_s * SECOND_NS)
            extra: dict[str, Any] = {"metrics": metrics or {}, "exit_code": 0} if edge == "end" else {}
            yield ActionEvent(time_ns=at, sut_ns=at, sut_wall_ns=at, name=name, index=index, edge=edge, **extra)

    def _artifacts(self) -> dict[str, Any]:
        """What the workload left: name -> JSON, or bytes."""
        trained = self.load is not None and self.load.epochs > 0
        return {"history.json": self._history(), "summary.json": self._summary()} if trained else {}

    def _history(self) -> dict[str, list[float]]:
        epochs = np.arange(1, (self.load.epochs if self.load else 0) + 1)
        jitter = np.random.default_rng([self.shape.seed, int(self.plain["ordinal"]), 1]).normal(0, 0.015, epochs.size)
        accuracy = 0.85 - 0.55 * np.exp(-epochs / 2.5) + jitter
        series = {
            "loss": 1.6 * np.exp(-epochs / 3) - jitter + 0.3,
            "accuracy": accuracy + 0.02,
            "val_loss": 1.6 * np.exp(-epochs / 3) - jitter + 0.42,
            "val_accuracy": accuracy,
        }
        return {key: [round(float(v), 4) for v in values] for key, values in series.items()}

    def _summary(self) -> dict[str, Any]:
        accuracy, epochs = self._history()["val_accuracy"][-1], self.load.epochs if self.load else 0
        return {
            "val_accuracy": accuracy, "reached": accuracy >= 0.8, "precision": accuracy, "recall": accuracy,
            "f1": accuracy, "correct": int(734 * accuracy), "images_seen": 2936 * epochs,
            "parameters": 25_716_773, "data": {"kind": "generated", "sha256": "d" * 64},
            "weights": {"kind": "wattlab-pretrained", "sha256": "e" * 64},
        }  # fmt: skip


def wire_log(readings: bytes, begin_ns: int) -> bytes:
    """What a Watts Up? and its driver say until these readings were made; its other quantities are not sent."""
    names = [field.name for field in wattsup.FIELDS]
    talk: list[tuple[str, bytes]] = [
        (">", b"#V,R,0;"), ("<", b"#v,-,8,1,0,1,3,4,12,EMULATED,0;\r\n"),
        (">", b"#H,R,0;"), ("<", f"#h,-,18,{','.join(names)};\r\n".encode()),
        (">", f"#C,W,18,{','.join(['1'] * 18)};".encode()), (">", b"#L,W,3,E,0,1;"),
    ]  # fmt: skip
    lines = [f"{begin_ns + step} {way} {said.hex()}\n" for step, (way, said) in enumerate(talk, 1)]
    for row in readings.decode().splitlines()[1:]:
        time_ns, power_w, *_ = row.split(",")
        count = "_" if power_w == "" else str(round(float(power_w) * 10))
        said = f"#d,-,18,{','.join([count] + ['_'] * 17)};\r\n".encode()
        lines.append(f"{time_ns} < {said.hex()}\n")
    return "".join(lines).encode()


def stamp(when: datetime) -> str:
    """UTC as the documents write it."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def main() -> None:
    """Write one synthetic campaign and print where it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--guldner", action="store_true", help="120 runs of 1000 s")
    parser.add_argument("--example", action="store_true", help="that of tests/data/results-example.json")
    arguments = parser.parse_args()
    shape = GULDNER if arguments.guldner else EXAMPLE if arguments.example else Shape(broken={7: "abort"})
    print(make_campaign(arguments.folder, shape))


if __name__ == "__main__":
    main()
