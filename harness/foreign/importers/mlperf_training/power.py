"""The power log of a node or a switch: its readings, what they are said to be, or the estimate in their place.

Knows the keys of a power log. Knows no run and no rule.

Decisions
- Readings are taken by their stamp, as MLPerf's summarizer sorts them; those that stood in another order are a remark.
- `conversion_eff` is kept beside the readings and applied to none of them.
- A value that is no number, or two different factors, is refused: the log was edited.
"""

import re
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from harness.foreign.importers.mlperf_training.log import Entry, MlLog, read_log
from harness.foreign.importers.remarks import Remark, cut_line, cut_stream
from harness.foreign.importers.source import SourceFile
from harness.record.errors import ImportFileError

NAME = re.compile(r"(node|sw)_(\w+)\.txt(\.gz)?")
READING, FACTOR, ESTIMATE = "power_reading", "conversion_eff", "interconnect_power_est"


@dataclass(frozen=True, slots=True)
class PowerLog:
    """What one log says: Unix time (ms, shape (n,), rising) and power (W, shape (n,)) of every reading; the factor and
    the current that it names; the estimate (W) where there is one; what it says that its readings are (`emulated`)."""

    source: SourceFile
    is_switch: bool
    meter: str
    times_ms: NDArray[np.int64]
    power_w: NDArray[np.float64]
    factor: float | None
    current: str | None
    estimate_w: float | None
    remarks: tuple[Remark, ...]
    labels: frozenset[str] = frozenset()

    @property
    def circuit(self) -> str:
        """What it reads: the component, and at which side of its power supply, where the log says it."""
        return self.meter if self.current is None else f"{self.meter}-{self.current.lower()}"

    @property
    def resolution_s(self) -> float:
        """Of its stamps: a second, or a millisecond."""
        return 1.0 if self.times_ms.size and not np.any(self.times_ms % 1000) else 0.001

    def overlaps(self, from_ms: int, to_ms: int) -> bool:
        """Whether a reading lies in an interval."""
        return bool(np.any((self.times_ms >= from_ms) & (self.times_ms <= to_ms)))


def read_power(source: SourceFile) -> PowerLog:
    """A power log.

    Raises:
        ImportFileError: with file and line: damage before the end, a value that is no power, two factors; neither a
            reading nor an estimate in it.
    """
    log = read_log(source)
    match = NAME.fullmatch(source.path.name)
    if match is None:
        raise ImportFileError(f"{source.path}: found this name, expected node_N.txt or sw_N.txt")
    _require_whole(source, log)
    readings = [(entry.time_ms, _power(source, entry)) for entry in log.entries if entry.key == READING]
    estimates = [_power(source, entry) for entry in log.entries if entry.key == ESTIMATE]
    if not readings and not estimates:
        raise ImportFileError(f"{source.path}:1: neither {READING} nor {ESTIMATE} in it; was the log cut?")
    factor, current = _conversion(source, log)
    times_ms = np.array([time_ms for time_ms, _ in readings], dtype=np.int64)
    power_w = np.array([watts for _, watts in readings], dtype=np.float64)
    remarks = [cut_line(source, log.damaged[-1])] if log.is_cut else []
    remarks += cut_stream(source)
    if behind := int(np.sum(np.diff(times_ms) < 0)):
        order = np.argsort(times_ms, kind="stable")
        times_ms, power_w = times_ms[order], power_w[order]
        words = f"{behind} readings stand behind a later one; they are taken in the order of their stamps"
        remarks.append(Remark("unsorted-readings", source, 0, words))
    estimate_w = estimates[0] if estimates and not readings else None
    return PowerLog(
        source, match[1] == "sw", f"{match[1]}{match[2]}", times_ms, power_w, factor, current, estimate_w,
        tuple(remarks), frozenset(str(entry.metadata["label"]) for entry in log.entries if "label" in entry.metadata),
    )  # fmt: skip


def _require_whole(source: SourceFile, log: MlLog) -> None:
    damaged = log.damaged[:-1] if log.is_cut else log.damaged
    if damaged:
        raise ImportFileError(
            f"{source.path}:{damaged[0]}: found no whole ':::MLLOG' object with time_ms and key; copy the log again"
        )


def _power(source: SourceFile, entry: Entry) -> float:
    value = entry.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ImportFileError(f"{source.path}:{entry.line}: found the power {value!r:.40}, expected a number of watts")
    return float(value)


def _conversion(source: SourceFile, log: MlLog) -> tuple[float | None, str | None]:
    """The factor and the current that a log names."""
    told = [entry for entry in log.entries if entry.key == FACTOR]
    factors = {_power(source, entry) for entry in told}
    currents = {str(entry.metadata.get("measurement_type") or "").upper() for entry in told} - {""}
    if len(factors) > 1 or len(currents) > 1 or not currents <= {"AC", "DC"}:
        raise ImportFileError(
            f"{source.path}:{told[-1].line}: found {FACTOR} {sorted(factors)} of {sorted(currents)}, expected one of "
            "AC or DC; the log is of several measurements"
        )
    return next(iter(factors), None), next(iter(currents), None)
