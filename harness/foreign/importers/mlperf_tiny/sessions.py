"""The files of a session -> its traces and the windows in them, as they were published.

Knows which files belong together, and which samples a window has. Knows no run folder.

Rules, held by every figure that is published beside a trace (tests/importers/test_mlperf_tiny.py):
- EnergyRunner: window N is from stamp N to stamp N + 1 of the timestamps, both counted from 1. It sums the samples
  whose time is at or after the first stamp and before the second. The time of a sample is what its period added up, one
  sample after the other, comes to in double precision, so that a sample at the very stamp may fall on either side of
  it. The windows that count are those that results.txt names, else every second one from the second on.
- MLCommons' runner: samples are joules, a mark is a number of samples, and a window is from the last mark but one to
  the last, for there may be more activity on the pin before. Its files state no frequency: the program takes 1 kHz, and
  the elapsed times of results.txt are compared with that.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from harness.foreign.importers.mlperf_tiny.results import Published, read_results
from harness.foreign.importers.mlperf_tiny.session_log import SessionLog, read_session_log
from harness.foreign.importers.mlperf_tiny.trace import Trace, read_trace
from harness.foreign.importers.source import SourceFile, read_source
from harness.record.errors import ImportFileError

ENERGY, STAMPS, SESSION = "-energy.bin", "-timestamps.json", "results.json"
RUNNER_HZ = 1000.0
ELAPSED_S = 1e-6
ASKED = 5
"""Windows of an energy session, by MLPerf Tiny's rules."""
CUT, NO_CLOCK = "truncated-source", "no-clock"


@dataclass(frozen=True, slots=True)
class Window:
    """A window: its trace, the samples [first, last) that count, both stamps as written, what is published of it, and
    where its trace begins (ns)."""

    trace: Trace
    trace_begin_ns: int
    number: int
    first: int
    last: int
    texts: tuple[str, str]
    published: Published | None


@dataclass(frozen=True, slots=True)
class Session:
    """A session: its folder's windows, its sources, what its log tells, what a reader must know (code, words)."""

    windows: tuple[Window, ...]
    files: tuple[SourceFile, ...]
    log: SessionLog
    notes: tuple[tuple[str, str], ...] = field(default=())


def units_in(path: Path) -> list[Path]:
    """The traces and results.json of sessions of a folder, or one by itself, in order of their paths.

    Raises:
        ImportFileError: none.
    """
    if path.is_file():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else []
    bare = {file: file.name.removesuffix(".gz") for file in files}
    traces = [file for file, name in bare.items() if name.endswith(ENERGY)]
    with_trace = {file.parent for file in traces}
    others = [file for file, name in bare.items() if name == SESSION and file.parent not in with_trace]
    units = sorted([*traces, *(file for file in others if b'"power"' in read_source(file).content)])
    if not units:
        raise ImportFileError(
            f"{path}: no *{ENERGY} and no {SESSION} with power in it or below; name the folder of an energy session"
        )
    return units


def read_session(unit: Path) -> Session:
    """The session of a trace, or of a results.json.

    Raises:
        ImportFileError: a file that is not what its name says, stamps that do not rise or lie outside the trace.
    """
    source = read_source(unit, partial=True)
    folder, bare = unit.parent, unit.name.removesuffix(".gz")
    texts = [_beside(folder, (name, f"energy_{name}")) for name in ("results.txt", "log.txt")]
    results, log_file = texts
    published = read_results(results) if results else {}
    log = read_session_log(log_file) if log_file else SessionLog()
    files = [source, *(text for text in texts if text)]
    if bare.endswith(ENERGY):
        stamps = _beside(folder, (bare.removesuffix(ENERGY) + STAMPS,))
        if stamps is None:
            raise ImportFileError(
                f"{unit}: no {bare.removesuffix(ENERGY)}{STAMPS} beside it; its windows are not known"
            )
        trace = read_trace(source)
        windows = _of_trace(trace, stamps, published, log)
        files.insert(1, stamps)
        notes = [(CUT, f"{unit.name}: the last sample is cut off; left out")] if trace.cut_bytes else []
    else:
        windows, notes = _of_trials(source, published, log), []
    if len(windows) != ASKED:
        notes.append(("publisher-windows", f"{len(windows)} windows; MLPerf Tiny asks for {ASKED}"))
    if not log.begins_ns:
        notes.append((NO_CLOCK, "no log says when it was; its stamps count from the beginning of 1970"))
    return Session(tuple(windows), tuple(files), log, tuple(notes))


def _beside(folder: Path, names: Sequence[str]) -> SourceFile | None:
    places = [folder / (name + packed) for name in names for packed in ("", ".gz")]
    return next((read_source(file) for file in places if file.is_file() and file.stat().st_size), None)


def _of_trace(trace: Trace, stamps: SourceFile, published: Mapping[int, Published], log: SessionLog) -> list[Window]:
    """The windows of EnergyRunner's trace."""
    edges_s = _edges(stamps)
    times_s = np.cumsum(np.full(trace.power_w.size, 1 / trace.rate_hz))
    times_s = np.concatenate([[0.0], times_s[:-1]])
    places = np.searchsorted(times_s, edges_s).tolist()
    numbers = sorted(published) or range(2, len(edges_s), 2)
    begin_ns = log.begins_ns[0] if log.begins_ns else 0
    windows = []
    for number in numbers:
        if not 1 <= number < len(edges_s):
            raise ImportFileError(
                f"{stamps.path}: {len(edges_s)} stamps, and results.txt names a window {number}; files of two sessions?"
            )
        if edges_s[number] > trace.power_w.size / trace.rate_hz:
            raise ImportFileError(
                f"{stamps.path}: stamp {number + 1} is {edges_s[number]} s, and the trace ends at "
                f"{trace.power_w.size / trace.rate_hz:g} s; copy the trace again"
            )
        texts = repr(edges_s[number - 1]), repr(edges_s[number])
        first, last = places[number - 1], places[number]
        windows.append(Window(trace, begin_ns, number, first, last, texts, published.get(number)))
    return windows


def _edges(source: SourceFile) -> list[float]:
    """The stamps (s), rising."""
    told = _json(source)
    if not isinstance(told, list) or not all(type(one) in (int, float) for one in told):
        raise ImportFileError(f"{source.path}: expected a list of seconds")
    edges_s = [float(one) for one in told]
    if len(edges_s) < 2 or any(later <= sooner for sooner, later in pairwise(edges_s)):
        raise ImportFileError(f"{source.path}: found {edges_s[:6]}, expected at least two stamps that rise")
    return edges_s


def _json(source: SourceFile) -> object:
    try:
        told: object = json.loads(source.content)
    except ValueError as error:
        raise ImportFileError(f"{source.path}: no JSON ({error}); copy the file again") from None
    return told


def _of_trials(source: SourceFile, published: Mapping[int, Published], log: SessionLog) -> list[Window]:
    """The windows of a results.json."""
    trials, begin_ns = list(_trials(source)), 0
    windows = []
    for number, (trace, marks, inferences) in enumerate(trials):
        begin_ns = (
            log.begins_ns[number] if len(log.begins_ns) == len(trials) else begin_ns or next(iter(log.begins_ns), 0)
        )
        first, last = marks[-2:]
        own = published.get(number)
        if own and own.elapsed_s is not None and abs(own.elapsed_s - (last - first) / RUNNER_HZ) > ELAPSED_S:
            raise ImportFileError(
                f"{source.path}: trial {number} has {last - first} samples between its marks and results.txt says "
                f"{own.elapsed_s} s: they are not {RUNNER_HZ:g} a second, or the files are of two sessions"
            )
        told = own or Published(0, inferences=inferences)
        windows.append(Window(trace, begin_ns, number, first, last, (str(first), str(last)), told))
        begin_ns += trace.power_w.size * trace.period_ns
    return windows


def _trials(source: SourceFile) -> Iterator[tuple[Trace, list[int], int | None]]:
    """Trace, marks and inferences of every trial with power."""
    told = _json(source)
    for number, trial in enumerate(told if isinstance(told, list) else [told]):
        power = trial.get("power") if isinstance(trial, dict) else None
        if not isinstance(power, dict):
            raise ImportFileError(
                f"{source.path}: trial {number} has no power; give the results.json of an energy session"
            )
        try:
            energy_j = np.array(power["samples"], dtype=np.float64)
            places = [int(mark[1]) for mark in power["timestamps"]]
        except (KeyError, TypeError, ValueError, IndexError):
            raise ImportFileError(
                f"{source.path}: trial {number}: expected samples (J) and timestamps [[counter, samples], ...]"
            ) from None
        if len(places) < 2 or energy_j.ndim != 1 or not 0 <= places[-2] < places[-1] <= energy_j.size:
            raise ImportFileError(
                f"{source.path}: trial {number}: found the marks {places[-2:]} in {energy_j.size} samples, expected "
                "two that rise and lie among them"
            )
        infer = trial.get("infer")
        count = infer.get("iterations") if isinstance(infer, dict) else None
        yield Trace(source, RUNNER_HZ, energy_j * RUNNER_HZ), places, count if type(count) is int else None
