"""The result log of a training: its timed part, and the blocks, epochs and evaluations in it.

Knows the keys of a result log. Knows no power and no run folder.

Decisions
- The timed part is from the first `run_start` to the last `run_stop` behind it, whichever rank wrote that. Without one
  the training did not end, and is no run.
- Of several ranks' blocks, epochs and evaluations those of the rank that wrote `run_start` count.
- `block_start` to `block_stop` is an action `block`, likewise `epoch` and `eval`. Begins that have no end in the timed
  part are no action, and are a remark. Numbers of an evaluation (`eval_accuracy`, `eval_loss`) and the samples stand
  with the end of the action that they follow or lie in.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.foreign.importers.mlperf_training.log import Entry, read_log
from harness.foreign.importers.remarks import Remark
from harness.foreign.importers.source import SourceFile
from harness.record.documents import Json
from harness.record.errors import ImportFileError

START, STOP = "run_start", "run_stop"
KINDS = ("block", "epoch", "eval")
SCORES = ("eval_accuracy", "eval_loss", "eval_error")
COUNTS = ("samples_count", "epoch_num")


@dataclass(frozen=True, slots=True)
class Part:
    """A block, an epoch or an evaluation: begin and end (ms), and its numbers."""

    name: str
    begin_ms: int
    end_ms: int
    metrics: Json


@dataclass(frozen=True, slots=True)
class Result:
    """A result log: both edges of its timed part, its parts in order of their begin, status, benchmark and platform
    (empty: not stated)."""

    source: SourceFile
    begin: Entry
    end: Entry
    parts: tuple[Part, ...]
    status: str
    benchmark: str
    platform: str
    remarks: tuple[Remark, ...]


def read_result(source: SourceFile) -> Result | None:
    """A result log; None of a training that did not end.

    Raises:
        ImportFileError: it is no result log of a training.
    """
    log = read_log(source)
    starts = [entry for entry in log.entries if entry.key == START]
    if not starts:
        raise ImportFileError(f"{source.path}: no {START} in it; give the result log of a training")
    stops = [entry for entry in log.entries if entry.key == STOP and entry.time_ms > starts[0].time_ms]
    if not stops:
        return None
    begin, end = starts[0], max(stops, key=lambda entry: entry.time_ms)
    own = [entry for entry in log.entries if entry.rank == begin.rank]
    timed = [entry for entry in own if begin.time_ms <= entry.time_ms <= end.time_ms]
    parts, lost = _parts(timed)
    remarks = [Remark("unpaired-parts", source, 0, f"{lost} begins without an end; they are no action")] if lost else []
    if log.damaged:
        words = f"{len(log.damaged)} lines are no whole object, as where two processes write at once; left out"
        remarks.append(Remark("damaged-lines", source, log.damaged[0], words))
    texts = {entry.key: str(entry.value) for entry in reversed(log.entries)}
    return Result(
        source, begin, end, tuple(parts), str(end.metadata.get("status") or ""),
        texts.get("submission_benchmark", ""), texts.get("submission_platform", ""), tuple(remarks),
    )  # fmt: skip


def _parts(timed: list[Entry]) -> tuple[list[Part], int]:
    """The parts in order of their begin, and how many begins have no end."""
    found, lost = list[Part](), 0
    for kind in KINDS:
        begin: Entry | None = None
        metrics: Json = {}
        for entry in timed:
            if entry.key == f"{kind}_start":
                lost += begin is not None
                begin, metrics = entry, {}
            elif entry.key == f"{kind}_stop" and begin is not None:
                numbers = metrics | dict(_counts(entry))
                found.append(Part(kind, begin.time_ms, entry.time_ms, numbers))
                begin = None
            elif begin is not None and kind == "eval" and entry.key in SCORES and isinstance(entry.value, int | float):
                metrics[entry.key] = float(entry.value)
        lost += begin is not None
    return sorted(found, key=lambda part: (part.begin_ms, -part.end_ms)), lost


def _counts(entry: Entry) -> Iterator[tuple[str, float]]:
    for key in COUNTS:
        if isinstance(value := entry.metadata.get(key), int | float):
            yield key, float(value)
