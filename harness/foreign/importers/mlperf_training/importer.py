"""Folders of MLPerf Training power submissions -> run folders; a result log with power logs is one run.

Knows which files are a run, what each is in a study, and what is said of many. Knows no text, no stream, no run folder
(imported.py) and no energy.

Decisions
- The runs of one folder (a benchmark on a system) are repetitions of a scenario, called by the folders that tell it
  from the others; those of a single folder by the benchmark that the log names.
- The same result log twice is one run. The files of one run at a time lie in memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.foreign.importers.grouping import FOLDER, Grouping, Place, left_out, numbered
from harness.foreign.importers.imported import METHODS_OWN, ImportedRun, OnProgress, Summary, write_campaign
from harness.foreign.importers.lags import with_lags
from harness.foreign.importers.mlperf_training.files import RunFiles, files_in
from harness.foreign.importers.mlperf_training.power import read_power
from harness.foreign.importers.mlperf_training.result import read_result
from harness.foreign.importers.mlperf_training.runs import NOTE, remarks_of, run_of
from harness.foreign.importers.remarks import listed
from harness.foreign.importers.source import read_source
from harness.foreign.importers.spool import Spool
from harness.record.documents import Thresholds
from harness.record.errors import ImportFileError

SHOWN = 6
MOST_LAGS = 16
"""Of so many logs a run says how late each follows the first; of a larger cluster nobody would read it."""


def import_mlperf_training(
    path: Path,
    campaign: Path,
    *,
    grouping: Grouping | None = None,
    on_progress: OnProgress | None = None,
    thresholds: Thresholds = METHODS_OWN,
) -> Summary:
    """Import every training of a folder that has power logs into a new campaign. A unit of the grouping is the result
    log.

    Raises:
        ImportFileError: no training with power logs, a damaged line, nodes of different currents; with file and line. A
            grouping that does not fit.
        RunFolderError: the campaign exists already.
    """
    files, without = files_in(path)
    asked = grouping or Grouping()
    units = [one.result for one in files]
    places = (replace(asked, how=FOLDER) if asked.how is None else asked).places(units)
    is_one = asked.how is None and len({unit.parent for unit in units}) == 1
    remarks, runs = list[str](), list[ImportedRun]()
    with Spool() as spool:
        for one, place in zip(files, places, strict=True):
            if place is not None:
                runs += _runs(one, place, spool, remarks, by_benchmark=is_one)
        if not runs:
            raise ImportFileError(
                f"{path}: none of {len(files)} trainings ended (run_start, run_stop); nothing to import"
            )
        runs = _once(runs, remarks)
        said = [NOTE, *remarks[:SHOWN]]
        said += [f"and {len(remarks) - SHOWN} more remarks; each run has its own"] if len(remarks) > SHOWN else []
        said += left_out(units, places)
        said += [f"{len(without)} result logs have no power logs: {listed(without, 3)}"] if without else []
        return write_campaign(campaign, "mlperf-training", numbered(runs), said, on_progress, thresholds)


def _runs(
    files: RunFiles, place: Place, spool: Spool, remarks: list[str], *, by_benchmark: bool
) -> Iterator[ImportedRun]:
    """The run of a training; none of one that did not end."""
    result = read_result(read_source(files.result, partial=True))
    if result is None:
        remarks.append(f"{files.result}: a training that did not end (no run_stop); left out")
        return
    logs = [read_power(read_source(log, partial=True)) for log in files.logs]
    remarks += map(str, remarks_of(result, logs))
    if by_benchmark and place.kind == "scenario" and result.benchmark:
        place = replace(place, scenario=result.benchmark)
    run = run_of(place, result, logs, spool)
    yield with_lags(run) if len(logs) <= MOST_LAGS else run


def _once(runs: Sequence[ImportedRun], remarks: list[str]) -> list[ImportedRun]:
    """Every run once: a submission to two divisions may share them."""
    seen: dict[tuple[str, ...], ImportedRun] = {}
    for run in runs:
        first = seen.setdefault(tuple(sorted(file.sha256 for file in run.files)), run)
        if first is not run:
            remarks.append(f"{run.files[0].path}: the same files as {first.files[0].path}; imported once")
    return list(seen.values())
