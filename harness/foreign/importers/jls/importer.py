"""Joulescope's recordings -> run folders; a file is one run.

Knows what a recording is in a study, and what is said of many. Knows no sample (recording.py), no run folder
(imported.py) and no energy.

Decisions
- What a Joulescope measures is direct current: the stream is of the circuit `sut-dc-inlet`, what powers the device and
  nothing else. The losses of its supply are in no such figure, and none is added to one of an alternating current.
- A file is a run of its whole length.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import repeat
from pathlib import Path

import numpy as np

from harness.foreign.importers.csv_rows import csv_of, number_text, stamps_text
from harness.foreign.importers.grouping import Grouping, Place, left_out, numbered
from harness.foreign.importers.imported import METHODS_OWN, ImportedRun, OnProgress, Summary, write_campaign
from harness.foreign.importers.jls.process import read_apart
from harness.foreign.importers.jls.recording import Choice, Recording, read_recording, require_pyjls
from harness.foreign.importers.remarks import counted, listed
from harness.foreign.importers.spool import Spool
from harness.record.documents import Event, NoteEvent, PhaseEvent, PowerDescriptor, Thresholds
from harness.record.errors import ImportFileError

STREAM, METER, CIRCUIT = "readings-joulescope.csv", "joulescope", "sut-dc-inlet"
ENDING = ".jls"
NO_CLOCK, MISSING, DRIFT = "no-clock", "missing-samples", "clock-drift"
UNITS = {"power_w": "W", "current_a": "A", "voltage_v": "V"}
STEPS = 1000
"""Of the bar, for each file."""
SHOWN = 3
TOLERATED_DRIFT_S = 0.001
DC_NOTE = "direct current, behind the supply: its losses are not in it, and it is added to no alternating current"


def import_jls(
    paths: Sequence[Path], campaign: Path, choice: Choice, *, grouping: Grouping | None = None,
    on_progress: OnProgress | None = None,
    thresholds: Thresholds = METHODS_OWN,
) -> Summary:  # fmt: skip
    """Import every recording into a new campaign.

    Raises:
        ImportFileError: pyjls is not installed; no recording; a file that cannot be read; a grouping that does not fit.
        RunFolderError: the campaign exists already.
    """
    require_pyjls()
    files = _files(paths)
    places = (grouping or Grouping()).places(files)
    told = on_progress or _untold
    total = (len(files) + 1) * STEPS
    runs, remarks = list[ImportedRun](), list[str]()
    with Spool() as spool:
        for nth, (file, place) in enumerate(zip(files, places, strict=True)):
            if place is not None:
                step = partial(_step, told, nth * STEPS, total)
                recording = read_apart(partial(read_recording, choice), file, step)
                notes = tuple(_notes(recording))
                remarks += [f"{file}: {text}" for _code, text in notes]
                runs.append(_run(place, recording, notes, spool))
            told((nth + 1) * STEPS, total)
        said = [DC_NOTE, *remarks[:SHOWN], *left_out(files, places)]
        said += [f"and {len(remarks) - SHOWN} more: {listed(remarks[SHOWN:], 1)}"] if len(remarks) > SHOWN else []
        last = partial(_step, told, len(files) * STEPS, total)
        return write_campaign(campaign, "jls", numbered(runs), said, last, thresholds)


def _untold(_done: int, _total: int) -> None:
    """Nobody looks."""


def _step(told: OnProgress, before: int, total: int, done: int, of: int) -> None:
    told(before + STEPS * done // max(of, 1), total)


def _files(paths: Sequence[Path]) -> list[Path]:
    """The files that are named, and the recordings in the folders that are."""
    files = [
        file
        for path in paths
        for file in (sorted(path.rglob(f"*{ENDING}")) if path.is_dir() else [path])
        if file.is_file() or not path.is_dir()
    ]
    if not files:
        raise ImportFileError(f"{listed(paths, 1)}: no *{ENDING} in it or below; name a recording of a Joulescope")
    if len({file.resolve() for file in files}) < len(files):
        raise ImportFileError(f"{listed(files, 2)}: a file is named twice; name each once")
    return files


def _run(place: Place, recording: Recording, notes: Sequence[tuple[str, str]], spool: Spool) -> ImportedRun:
    begin_ns, end_ns = recording.begin_ns, recording.end_ns
    return ImportedRun(
        kind=place.kind, scenario=place.scenario, repetition=place.repetition or 0, begin_ns=begin_ns, end_ns=end_ns,
        streams=((_descriptor(recording), spool.put(_rows(recording))),),
        events=tuple(_events(begin_ns, end_ns, notes)), files=(recording.file,),
        note=f"{DC_NOTE}; means over {recording.window_s:g} s of {recording.rate_hz} samples a second",
        clock="utc" if recording.has_clock else "local", circuits=(CIRCUIT,),
    )  # fmt: skip


def _descriptor(recording: Recording) -> PowerDescriptor:
    file = recording.file
    return PowerDescriptor(
        stream=STREAM, meter=METER, circuit=CIRCUIT, identity={**recording.identity, "driver": "jls"},
        origin="imported", evidence={"file": file.path.name, "sha256": file.sha256},
        averaging="window", window_s=recording.window_s, stamp="end", latency_s=0.0,
        columns=[
            {"name": name, "unit": UNITS[name], "resolution": None, "range": None, "accuracy": None}
            for name in recording.columns
        ],
    )  # fmt: skip


def _rows(recording: Recording) -> bytes:
    ends = np.arange(1, recording.windows + 1) * (recording.window_s * 1e9)
    stamps = recording.begin_ns + np.round(ends).astype(np.int64)
    texts = [map(number_text, values.tolist()) for values in recording.columns.values()]
    flags = np.where(np.isnan(recording.columns["power_w"]), "nan", "").tolist()
    columns = [stamps_text(stamps.tolist()), *texts, repeat(number_text(recording.window_s)), flags]
    return csv_of(["time_ns", *recording.columns, "window_s", "flags"], columns)


def _events(begin_ns: int, end_ns: int, notes: Sequence[tuple[str, str]]) -> Iterator[Event]:
    yield PhaseEvent(time_ns=begin_ns, name="rating", edge="begin")
    yield PhaseEvent(time_ns=end_ns, name="rating", edge="end")
    yield from (NoteEvent(time_ns=end_ns, code=code, text=text) for code, text in notes)


def _notes(recording: Recording) -> Iterator[tuple[str, str]]:
    if not recording.has_clock:
        yield NO_CLOCK, "it does not say when it was; its stamps count from the beginning of 1970"
    if recording.missing:
        gaps = int(np.isnan(recording.columns["power_w"]).sum())
        words = f"{counted(recording.missing, 'sample')} of power were lost on their way"
        yield MISSING, f"{words}; {counted(gaps, 'window')} had fewer than half of theirs and are gaps"
    if abs(recording.drift_s) > TOLERATED_DRIFT_S:
        yield (
            DRIFT,
            (
                f"at its end the computer's clock had moved {recording.drift_s:+.3f} s from the instrument's, by which "
                "readings are stamped"
            ),
        )
