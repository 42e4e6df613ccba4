"""A JLS file through pyjls, its makers' own reader: who measured, the power in windows, when it began.

Knows JLS by its signals and samples. Knows no run and no run folder.

Decisions
- A window is a whole number of samples, and its power their mean in double precision: pyjls' own means over several
  windows are approximate inside. At most `CHUNK` samples of each signal lie in memory.
- The power is the signal `power` in W; where a file has none, current times voltage, sample by sample.
- A sample that is NaN was lost on its way. A window keeps the mean of the samples it has, as long as that is half of
  them; else it is a gap.
- Time runs by the instrument's sampling clock from the first sample on, whose UTC the file tells. By how much the
  file's own clock has moved away at the end is said.
- A file that was not closed is refused: pyjls would repair it in its place, and a source is never changed.
- JLS version 1 is not read: it is another format, which pyjls does not know, and the makers' program exports it anew.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.record.errors import ImportFileError, why

if TYPE_CHECKING:  # not on every machine
    from pyjls import Reader, SignalDef, SourceDef

Floats = NDArray[np.float64]
MAGIC_1, MAGIC_2 = b"\xd3tagfmt \r\n \n  \x1a\x1c", b"jlsfmt\r\n \n \x1a  \xb2\x1c"
LOCK = "harness/foreign/importers/jls/requirements.lock"
CHUNK = 1 << 20
"""Samples of a signal that are read at once."""
FIXED_RATE = 0
QUANTITIES: Mapping[str, tuple[str, str]] = {
    "power_w": ("power", "W"), "current_a": ("current", "A"), "voltage_v": ("voltage", "V"),
}  # fmt: skip
"""Column -> name and unit of its signal."""
JLS_EPOCH_S = 1_514_764_800
"""2018-01-01, from which JLS counts in 2^-30 s."""
LEAST_SHARE = 0.5
LONGEST_WINDOW_S = 1.0
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class LargeFile:
    """A source file that is never whole in memory."""

    path: Path
    sha256: str

    def write_to(self, file: IO[bytes]) -> None:
        """Copy it; raises ImportFileError where it was changed since it was read."""
        with self.path.open("rb") as source:
            shutil.copyfileobj(source, file, BLOCK_BYTES)
        if digest_of(self.path) != self.sha256:
            raise ImportFileError(f"{self.path}: it was changed while it was imported; import it again")


@dataclass(frozen=True, slots=True)
class Recording:
    """What one instrument of a file recorded: its identity, windows of `window_s` from `begin_ns` on with a column for
    each quantity (NaN: a gap), samples a second, how many samples are missing, the file's own clock at the end minus
    the sampling clock's (s), whether the file tells a time at all."""

    file: LargeFile
    identity: Mapping[str, str]
    begin_ns: int
    window_s: float
    columns: Mapping[str, Floats]
    rate_hz: int
    missing: int
    drift_s: float
    has_clock: bool

    @property
    def windows(self) -> int:
        """How many there are."""
        return self.columns["power_w"].size

    @property
    def end_ns(self) -> int:
        """When the last one ends."""
        return self.begin_ns + round(self.windows * self.window_s * 1e9)


def require_pyjls() -> None:
    """Raise ImportFileError, with the remedy, where pyjls is not installed."""
    if find_spec("pyjls") is None:
        raise ImportFileError(
            f"pyjls, which reads JLS files, is not installed; `./lab import jls ...` installs it from {LOCK}"
        )


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Choice:
    """What is read of each file: means over so many seconds, of which instrument (its name or serial number)."""

    window_s: float = 0.01
    instrument: str | None = None


def read_recording(choice: Choice, path: Path, on_progress: Callable[[int, int], None]) -> Recording:
    """The recording of one instrument in a file; `on_progress` is told how many windows of how many are done.

    Raises:
        ImportFileError: no JLS file of version 2, or a damaged one; no power in it; several instruments and none named.
    """
    window_s = choice.window_s
    if not 0 < window_s <= LONGEST_WINDOW_S:
        raise ImportFileError(f"--window {window_s:g}: expected seconds above 0, at most {LONGEST_WINDOW_S:g}")
    _check_header(path)
    sha256 = digest_of(path)
    with _reader(path) as reader:
        source, signals = _chosen(path, reader, choice.instrument)
        first = next(iter(signals.values()))
        rate = _common(path, signals)
        per_window = max(1, round(window_s * rate))
        columns, missing = _windows(reader, signals, per_window, on_progress)
        if not columns["power_w"].size:
            raise ImportFileError(
                f"{path}: found {first.length} samples, fewer than one window of {window_s:g} s; shorten --window"
            )
        begin_ns, drift_s, has_clock = _clock(reader, first, columns["power_w"].size * per_window, rate)
    identity = {
        "maker": source.vendor or "", "model": source.model or "", "serial": source.serial_number or "",
        "firmware": source.version or "",
    }  # fmt: skip
    return Recording(
        LargeFile(path, sha256), identity, begin_ns, per_window / rate, columns, rate, missing, drift_s, has_clock
    )


def _check_header(path: Path) -> None:
    """Raise ImportFileError unless this is a whole file of version 2 (jls/format.h: magic, then its length)."""
    try:
        with path.open("rb") as file:
            head, length = file.read(len(MAGIC_2)), int.from_bytes(file.read(8), "little")
            size = file.seek(0, 2)
    except OSError as error:
        raise ImportFileError(f"{path}: cannot read ({why(error)}); name a file that is there") from None
    if head.startswith(MAGIC_1[: len(head)]) and head:
        raise ImportFileError(
            f"{path}: JLS version 1, as older programs write it; open it in the Joulescope UI (1.0 or later) and "
            "export it as JLS"
        )
    if head == MAGIC_2 and length != size:
        raise ImportFileError(
            f"{path}: found {size} bytes, and it says {length or 'that it was never closed'}; copy it again, or open "
            "it in the Joulescope UI, which repairs it"
        )
    if head != MAGIC_2:
        raise ImportFileError(f"{path}: found the first bytes {head[:8].hex(' ')!r}, expected those of a JLS file")


@contextmanager
def _reader(path: Path) -> "Iterator[Reader]":
    from pyjls import Reader

    try:
        with Reader(str(path)) as reader:
            yield reader
    except (RuntimeError, ValueError, OSError, MemoryError) as error:
        raise ImportFileError(f"{path}: pyjls cannot read it ({error}); copy the file again") from error


def _chosen(path: Path, reader: "Reader", instrument: str | None) -> "tuple[SourceDef, dict[str, SignalDef]]":
    """One instrument, and its signals by column."""
    found: dict[int, dict[str, SignalDef]] = {}
    for signal in reader.signals.values():
        for column, (name, unit) in QUANTITIES.items():
            if signal.signal_type == FIXED_RATE and signal.sample_rate and (signal.name, signal.units) == (name, unit):
                found.setdefault(signal.source_id, {})[column] = signal
    usable = {key: one for key, one in found.items() if "power_w" in one or {"current_a", "voltage_v"} <= one.keys()}
    sources = {key: reader.sources[key] for key in usable}
    named = {key: one for key, one in sources.items() if instrument in (None, one.name, one.serial_number)}
    if len(named) == 1:
        ((key, source),) = named.items()
        return source, usable[key]
    known = ", ".join(sorted(one.name or "without a name" for one in sources.values())) or "none"
    if not sources:
        told = ", ".join(f"{one.name} in {one.units or 'nothing'}" for one in reader.signals.values() if one.signal_id)
        raise ImportFileError(
            f"{path}: found the signals {told or 'none'}, expected power in W, or current in A and voltage in V"
        )
    if instrument is None:
        raise ImportFileError(f"{path}: several instruments recorded into it ({known}); name one by --instrument")
    raise ImportFileError(
        f"{path}: --instrument {instrument}: found {known}, expected one of these, or a serial number"
    )


def _common(path: Path, signals: "Mapping[str, SignalDef]") -> int:
    """The sampling rate that all signals have."""
    forms = {(one.sample_rate, one.length, one.sample_id_offset) for one in signals.values()}
    if len(forms) > 1:
        told = ", ".join(f"{one.name} {one.length} at {one.sample_rate} Hz" for one in signals.values())
        raise ImportFileError(f"{path}: its signals are not of one length and rate ({told}); record them together")
    ((rate, _length, _offset),) = forms
    return int(rate)


def _windows(
    reader: "Reader", signals: "Mapping[str, SignalDef]", per_window: int, on_progress: Callable[[int, int], None]
) -> tuple[dict[str, Floats], int]:
    """The mean of every quantity in every whole window, and how many samples of power are missing."""
    count = next(iter(signals.values())).length // per_window
    columns = {column: np.empty(count) for column in dict.fromkeys(["power_w", *signals])}
    at_once, missing = max(1, CHUNK // per_window), 0
    for begin in range(0, count, at_once):
        end = min(begin + at_once, count)
        samples = {
            column: _samples(reader, signal, begin * per_window, (end - begin) * per_window)
            for column, signal in signals.items()
        }
        power_w = samples.get("power_w")
        samples["power_w"] = samples["current_a"] * samples["voltage_v"] if power_w is None else power_w
        missing += int(np.isnan(samples["power_w"]).sum())
        for column, values in samples.items():
            columns[column][begin:end] = _means(values.reshape(-1, per_window))
        on_progress(end, count)
    return columns, missing


def _samples(reader: "Reader", signal: "SignalDef", begin: int, length: int) -> Floats:
    """Samples as doubles; a long window is read in parts that are not kept."""
    return np.asarray(reader.fsr(signal.signal_id, begin, length), dtype=np.float64)


def _means(samples: Floats) -> Floats:
    """The mean of each row over the samples it has; NaN where fewer than half are there."""
    is_there = np.isfinite(samples)
    counts = is_there.sum(axis=1)
    sums = np.where(is_there, samples, 0.0).sum(axis=1)
    means = np.full(len(samples), np.nan)
    enough = counts >= LEAST_SHARE * samples.shape[1]
    means[enough] = sums[enough] / counts[enough]
    return means


def _clock(reader: "Reader", signal: "SignalDef", samples: int, rate: int) -> tuple[int, float, bool]:
    """When the first sample was (ns UTC), how far the file's clock is off at the end (s), whether there is one."""
    told: list[object] = []

    def tell(entries: object) -> bool:
        told.append(entries)
        return True

    reader.utc(signal.signal_id, 0, tell)
    if not told:  # without any, pyjls counts from 2018
        return 0, 0.0, False
    begin, end = (_ns(reader.sample_id_to_timestamp(signal.signal_id, place)) for place in (0, samples))
    return begin, (end - begin) / 1e9 - samples / rate, True


def _ns(jls: int) -> int:
    """A time of JLS as nanoseconds since 1970."""
    return JLS_EPOCH_S * 10**9 + (int(jls) * 10**9 >> 30)
