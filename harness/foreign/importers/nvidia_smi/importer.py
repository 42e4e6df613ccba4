"""`nvidia-smi --query-gpu=... --format=csv` logs -> run folders; one file is one run of all the boards in it.

Knows which files are logs, what each is in a study, and what is said of many. Knows no text (log.py), no board
(board.py), no stream (streams.py), no run folder (imported.py) and no energy.

Decisions
- The run is from the first to the last row, of several boards from the last one's first row to the first one's last; of
  readings that are means of a second it lies half of one earlier.
- The same file twice is no repetition. Repetitions that overlap in time are noted.
- One log lies in memory at a time: what it holds is put aside on disk until all are read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

from harness.foreign.importers.grouping import ENDINGS, Grouping, left_out, numbered
from harness.foreign.importers.imported import (
    METHODS_OWN,
    ZONE_NOTE,
    ImportedRun,
    OnProgress,
    Summary,
    write_campaign,
)
from harness.foreign.importers.nvidia_smi.log import is_log
from harness.foreign.importers.nvidia_smi.streams import run_of
from harness.foreign.importers.nvidia_smi.trace import read_trace
from harness.foreign.importers.remarks import SHOWN, listed
from harness.foreign.importers.source import read_source
from harness.foreign.importers.spool import Spool
from harness.record.documents import NoteEvent, Thresholds
from harness.record.errors import ImportFileError

MANY = 5
"""So many logs that are a scenario each are worth a remark."""
REMARKS_SHOWN = 3


def import_nvidia_smi(
    paths: Sequence[Path],
    campaign: Path,
    *,
    grouping: Grouping | None = None,
    on_progress: OnProgress | None = None,
    thresholds: Thresholds = METHODS_OWN,
) -> Summary:
    """Import every log, and the logs in every folder, into a new campaign.

    Raises:
        ImportFileError: no nvidia-smi log, a damaged line; with file and line. Every file that cannot be read is named.
        RunFolderError: the campaign exists already.
    """
    files, others = _files(paths)
    grouping = grouping or Grouping()
    places = grouping.places(files)
    chosen = [(file, place) for file, place in zip(files, places, strict=True) if place is not None]
    runs, remarks, refused = list[ImportedRun](), _Remarks(), list[str]()
    with Spool() as spool:
        for done, (file, place) in enumerate(chosen, 1):
            try:
                trace = read_trace(read_source(file))
            except ImportFileError as error:
                refused.append(str(error))
            else:
                runs.append(run_of(place, trace, spool))
                remarks.add(file, trace.notes)
            if on_progress:
                on_progress(done, 2 * len(chosen))
        if refused:
            raise ImportFileError(_refusal(refused))
        _require_once(runs)
        runs = _with_overlaps(numbered(runs), remarks)
        notes = [ZONE_NOTE, *left_out(files, places), *others, *remarks.lines(), *_about_grouping(grouping, runs)]
        written = None if on_progress is None else partial(_second_half, on_progress)
        return write_campaign(campaign, "nvidia-smi", runs, notes, written, thresholds)


def _second_half(on_progress: OnProgress, done: int, total: int) -> None:
    on_progress(total + done, 2 * total)


def _files(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The files that are named, and the logs in the folders that are; a remark on what else lies there.

    Raises:
        ImportFileError: a folder without a log.
    """
    chosen, others = list[Path](), list[Path]()
    for path in paths:
        if not path.is_dir():
            chosen.append(path)
            continue
        below = sorted(file for file in path.rglob("*") if file.name.endswith(ENDINGS) and file.is_file())
        logs = [file for file in below if is_log(file)]
        if not logs:
            raise ImportFileError(
                f"{path}: no nvidia-smi log in it or below ({', '.join(ENDINGS)} with a header that has timestamp and "
                "power.draw); name the files"
            )
        chosen += logs
        others += [file for file in below if file not in set(logs)]
    remark = (
        f"{len(others)} other files are left out, they have no header of such a log: {listed(others, REMARKS_SHOWN)}"
    )
    return chosen, [remark] if others else []


def _refusal(refused: Sequence[str]) -> str:
    """One message for every file that cannot be read."""
    if len(refused) == 1:
        return refused[0]
    more = [f"and {len(refused) - SHOWN} more"] if len(refused) > SHOWN else []
    return "\n  ".join([f"{len(refused)} files cannot be read, nothing was imported:", *refused[:SHOWN], *more])


def _require_once(runs: Sequence[ImportedRun]) -> None:
    """The same file twice is no second repetition.

    Raises:
        ImportFileError: with both.
    """
    seen: dict[str, Path] = {}
    twice = []
    for file in (file for run in runs for file in run.files):
        if file.sha256 in seen:
            twice.append(f"{file.path} is {seen[file.sha256]} again")
        seen[file.sha256] = file.path
    if twice:
        raise ImportFileError(f"{listed(twice)}; a copy of a log is no repetition: name each once")


def _with_overlaps(runs: Sequence[ImportedRun], remarks: "_Remarks") -> list[ImportedRun]:
    """The runs, noted where a repetition of the same scenario was made at the same time: two boards of one run in two
    files look like that."""
    ordered = sorted(runs, key=lambda run: (run.scenario, run.begin_ns))
    notes: dict[tuple[str, int], tuple[str, str]] = {}
    for before, run in pairwise(ordered):
        if before.scenario == run.scenario and run.begin_ns < before.end_ns:
            text = f"overlaps in time with {before.files[0].path.name}, as two boards of one run in two files would"
            notes[run.scenario, run.repetition] = ("overlapping-runs", text)
            remarks.add(run.files[0].path, [("overlapping-runs", text)])
    return [
        replace(run, events=(*run.events, NoteEvent(time_ns=run.end_ns, code=note[0], text=note[1])))
        if (note := notes.get((run.scenario, run.repetition)))
        else run
        for run in runs
    ]


def _about_grouping(grouping: Grouping, runs: Sequence[ImportedRun]) -> list[str]:
    """A remark where many files became as many scenarios."""
    if grouping.how is not None or len(runs) < MANY:
        return []
    return [f"{len(runs)} logs are {len(runs)} scenarios of one run each; --group makes repetitions of them"]


class _Remarks:
    """The notes of many files, for the terminal: those of one kind stand together."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}

    def add(self, file: Path, notes: Sequence[tuple[str, str]]) -> None:
        """What a reader must know of a file."""
        for code, text in notes:
            self._texts.setdefault(code, []).append(f"{file}: {text}")

    def lines(self) -> Iterator[str]:
        """The first of each kind, and how many more there are."""
        for code, texts in self._texts.items():
            yield from texts[:REMARKS_SHOWN]
            if len(texts) > REMARKS_SHOWN:
                yield f"and {len(texts) - REMARKS_SHOWN} more of that kind ({code}); each run has its own"
