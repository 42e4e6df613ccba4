"""EnergyRunner's trace: a header of five bytes, then a sample each four bytes.

Knows bytes. Knows no window.

The header is `f1` and the sampling frequency in Hz as a little-endian float32 (`00 00 7a 44` is 1000.0); every sample
is a little-endian float32 of milliwatts. No document states this: the traces of 104 published sessions of six rounds
have this header, and read so, every energy that was published beside them comes out to its last digit.
"""

from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from harness.foreign.importers.source import SourceFile
from harness.record.errors import ImportFileError

MAGIC = 0xF1
HEADER, SAMPLE = 5, 4
LARGEST_HZ = 1e6


@dataclass(frozen=True, slots=True)
class Trace:
    """Samples of power (W, shape (n,)), one each `1 / rate_hz` seconds, and how many bytes of a cut one lie behind."""

    source: SourceFile
    rate_hz: float
    power_w: NDArray[np.float64]
    cut_bytes: int = 0

    @property
    def period_ns(self) -> int:
        """The time from one sample to the next."""
        return round(1e9 / self.rate_hz)


def read_trace(source: SourceFile) -> Trace:
    """A trace.

    Raises:
        ImportFileError: another header, or no sample.
    """
    content = source.content
    head = content[:HEADER]
    rate_hz = float(np.frombuffer(head[1:], "<f4")[0]) if len(head) == HEADER else float("nan")
    if len(head) < HEADER or head[0] != MAGIC or not isfinite(rate_hz) or not 0 < rate_hz <= LARGEST_HZ:
        raise ImportFileError(
            f"{source.path}: found the first bytes {head.hex(' ')!r}, expected f1 and a sampling frequency as float32; "
            "give EnergyRunner's trace as it wrote it"
        )
    cut = (len(content) - HEADER) % SAMPLE
    samples_mw = np.frombuffer(content, "<f4", count=(len(content) - HEADER) // SAMPLE, offset=HEADER)
    if not samples_mw.size:
        raise ImportFileError(f"{source.path}: no sample behind the header; copy the file again")
    return Trace(source, rate_hz, samples_mw.astype(np.float64) / 1000, cut)
