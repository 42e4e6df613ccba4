"""Recordings of a Joulescope for tests, written by pyjls: instruments, each with its signals as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyjls
from numpy.typing import NDArray

BEGIN_S = 1_790_000_000.0
AT_ONCE = 1 << 20
"""Samples that the writer takes in one piece."""
UNITS = {"power": "W", "current": "A", "voltage": "V", "charge": "C"}


@dataclass(frozen=True, slots=True)
class Instrument:
    """What one recorded, sample by sample."""

    signals: Mapping[str, NDArray[np.float32]]
    name: str = "JS220-000123"
    serial: str = "000123"
    rate_hz: int = 100_000
    units: Mapping[str, str] = field(default_factory=lambda: UNITS)


def write_jls(
    path: Path, instruments: Sequence[Instrument], *, begin_s: float | None = BEGIN_S, drift_s: float = 0.0
) -> Path:
    """Write a file; `begin_s` is the UTC of its first samples, None: it does not say; `drift_s`: how much longer the
    recording took by the computer's clock."""
    with pyjls.Writer(str(path)) as writer:
        number = 0
        for source, one in enumerate(instruments, 1):
            writer.source_def(
                source_id=source, name=one.name, vendor="Jetperch", model="JS220", version="1.3.0",
                serial_number=one.serial,
            )  # fmt: skip
            for name, samples in one.signals.items():
                number += 1
                writer.signal_def(
                    number, source, signal_type=pyjls.SignalType.FSR, data_type=pyjls.DataType.F32,
                    sample_rate=one.rate_hz, name=name, units=one.units[name],
                )  # fmt: skip
                for begin in range(0, len(samples), AT_ONCE):
                    writer.fsr_f32(number, begin, samples[begin : begin + AT_ONCE])
                if begin_s is not None:
                    end_s = begin_s + len(samples) / one.rate_hz + drift_s
                    writer.utc(number, 0, pyjls.utc_to_jls(begin_s))
                    writer.utc(number, len(samples), pyjls.utc_to_jls(end_s))
    return path


def wave(seconds: float, rate_hz: int = 100_000, mean: float = 2.5) -> NDArray[np.float32]:
    """A mean with a ripple of 50 Hz and noise, reproducible."""
    count = round(seconds * rate_hz)
    noise = np.random.default_rng(1).normal(0, 0.1, count)
    return (mean + 0.4 * np.sin(2 * np.pi * 50 * np.arange(count) / rate_hz) + noise).astype(np.float32)
