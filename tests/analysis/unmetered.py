"""Synthetic campaigns without a meter, of known truth: a GPU's power is recorded, and a certificate says what the wall
is. `certificate()` is one for their machine; a test changes what it is about with `dataclasses.replace`.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from harness.record.documents import IndicatorDescriptor, Start, Stop
from harness.record.run_writer import RunWriter
from reports.results.codec import document_text
from reports.results.qualification import Qualification, QualifiedLoad
from reports.results.software_meter import Lag, LoadKind, Refusal, Transfer, TransferRange
from reports.results.uncertainty import Estimate, Number
from tests.reports import qualifications
from tests.reports.make_campaign import SECOND_NS, Load, Shape, SyntheticRun, make_campaign, stamp

METER = "agent/gpu0_power_w"
IDLE_W, OFFSET_W, GAIN, LAG_S = 10.0, 50.0, 1.2, 0.4
"""What the GPU says of the idle machine, the line to the wall, how late it says it."""
QUALIFICATION = "qualification.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmetered(Shape):
    """A campaign whose scenarios load the GPU by `power_w`, as the GPU says it; `certificate`: of its inputs."""

    name: str = "unmetered"
    certificate: bytes = b""
    loads: dict[str, Load] = field(default_factory=lambda: {"train": Load(80.0, 10.0, 60.0, marked=False)})
    kinds: dict[str, str] = field(default_factory=lambda: {"train": "gpu"})
    tables: str = ""
    period_s: float = 1.0


def transfer(**changes: Any) -> Transfer:  # noqa: ANN401
    """The true line, with what a good qualification leaves open."""
    u_offset_w, u_gain = 0.4, 0.004
    line = replace(
        qualifications.transfer(),
        offset_w=Number(Estimate(OFFSET_W, u_offset_w, 9.0), "W"),
        gain=Number(Estimate(GAIN, u_gain, 9.0), "1"),
        covariance_w=-0.8 * u_offset_w * u_gain,
        wall_u_relative=0.002, wall_u_w=0.05, residual_sd_w=0.3, level_spread_w=0.4, kind_spread_w=None, dof=9.0,
        ranges={"idle": TransferRange((10.0, 10.2), (62.0, 62.3)), "gpu": TransferRange((30.0, 130.0), (86.0, 206.0))},
    )  # fmt: skip
    return replace(line, **changes)


def certificate(line: Transfer | Refusal | None = None, **validity: Any) -> Qualification:  # noqa: ANN401
    """Of the machine of these campaigns; `validity`: what is to differ."""
    example = qualifications.example()
    late = Number(Estimate(LAG_S, 0.02, 20.0), "s")
    lag = Lag("cross-correlation", late, (LAG_S - 0.04, LAG_S + 0.04), 0.998, ("switched-01",))
    meter = replace(
        qualifications.meter(METER),
        kind="gauge", unit="W", range_j=None, says="GPU 0 board power, nvml", loads=(), transfer=line or transfer(),
        lag_switched=lag,
        sampling=Refusal("too-short", "Nobody looked."),
    )  # fmt: skip
    holds = {
        "machine": "Synthetic 1000", "cpu": "AMD Ryzen 7 1700 Eight-Core Processor", "boards": ("Synthetic GPU 3 GB",),
        "board_firmware": (), "firmware": "1.0", "driver": "550.1", "kernel": "6.8.0-48-generic",
        "kinds": ("idle", "gpu"), "wall_range_w": (62.0, 206.0), "software_range_w": {METER: (10.0, 130.0)},
        "sample_period_s": 1.0, "date": date(2026, 11, 20).isoformat(),
    }  # fmt: skip
    return replace(
        example,
        campaign=replace(example.campaign, name="qualified"),
        reference=replace(example.reference, origin="instrument"),
        validity=replace(example.validity, **{**holds, **validity}), qualifies=True, not_because=(),
        loads=tuple(_load(kind) for kind in ("idle", "gpu")), meters=(meter,),
    )  # fmt: skip


def _load(kind: LoadKind) -> QualifiedLoad:
    return replace(qualifications.example().loads[0], scenario=kind, kind=kind)


def text_of(document: Qualification) -> bytes:
    """As the file has it."""
    return document_text(document).encode()


def unmetered_campaign(path: Path, shape: Unmetered | None = None) -> Path:
    """Write it; without a shape, with the good certificate."""
    return make_campaign(path, shape or Unmetered(certificate=text_of(certificate())), UnmeteredRun)


class UnmeteredRun(SyntheticRun):
    """One run: the GPU says a power, late, and no meter is there."""

    shape: Unmetered

    def write(self, folder: Path, previous: str | None, config: dict[str, Any], software: dict[str, Any]) -> str:
        with RunWriter(folder) as writer:
            inputs = self._write_inputs(writer)
            inputs[QUALIFICATION] = writer.write_file(f"inputs/{QUALIFICATION}", self.shape.certificate)
            writer.append(self._start_document(previous, config, software, inputs))
            writer.append(self._agent())
            with writer.open_stream("samples-agent.csv") as stream:
                stream.write(self._samples())
            for event in sorted(self._events(), key=lambda event: event.time_ns):
                writer.append(event)
            status, streams = self.exit_status, writer.stream_summary()
            end = self._stop_ns + self.shape.margin_s * SECOND_NS
            return writer.seal(
                Stop(time_ns=end, utc=stamp(self.begin), exit_status=status, reason=self.reason, streams=streams)
            )

    def _start_document(self, *arguments: Any) -> Start:  # noqa: ANN401
        start = super()._start_document(*arguments)
        return replace(start, sut=start.sut | {"system": "Synthetic 1000", "firmware": "1.0"})

    def _scenario_config(self) -> dict[str, Any]:
        kind = self.shape.kinds.get(str(self.plain["scenario"]))
        return super()._scenario_config() | ({"load_kind": kind} if kind else {})

    def _agent(self) -> IndicatorDescriptor:
        column = {
            "name": "gpu0_power_w",
            "unit": "W",
            "quantity": "GPU 0 board power",
            "method": "nvml",
            "kind": "gauge",
        }
        return IndicatorDescriptor(
            stream="samples-agent.csv", period_s=self.shape.period_s, clock="sut", columns=[column]
        )

    def _samples(self) -> bytes:
        at_s = np.arange(0.2, self._count, self.shape.period_s)
        level_w = 0.0 if self.load is None else self.load.power_w
        seen_s = at_s - LAG_S - self.shape.margin_s
        inside = (seen_s > 0) & (seen_s <= self.duration_s)
        power_w = IDLE_W + np.where(inside, level_w, 0.0) + self._random.normal(0.0, 0.2, at_s.size)
        stamps = (self._base_ns + at_s * SECOND_NS).astype(np.int64)
        rows = [f"{at},{at},{watts:.4f}" for at, watts in zip(stamps.tolist(), power_w.tolist(), strict=True)]
        return "\n".join(["sut_ns,sut_wall_ns,gpu0_power_w", *rows, ""]).encode()
