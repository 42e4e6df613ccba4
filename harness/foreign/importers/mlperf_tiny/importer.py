"""Folders of MLPerf Tiny's energy sessions -> run folders; a window of a session is one run.

Knows which files are a session, what each is in a study, and what is said of many. Knows no byte, no stream, no run
folder (imported.py) and no energy.

Decisions
- A session is a scenario and its windows are the repetitions. It is called by the folders that tell it from the others
  (`energy`, in which all sessions lie, tells nothing apart), and one alone by the model that its log names.
- The same trace twice is imported once: submitters hand in sessions of earlier rounds again. One session at a time lies
  in memory.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.foreign.importers.grouping import Grouping, Place, distinct_names, left_out, numbered, parts_of
from harness.foreign.importers.imported import METHODS_OWN, ZONE_NOTE, ImportedRun, OnProgress, Summary, write_campaign
from harness.foreign.importers.mlperf_tiny.runs import run_of
from harness.foreign.importers.mlperf_tiny.sessions import NO_CLOCK, Session, read_session, units_in
from harness.foreign.importers.remarks import listed
from harness.foreign.importers.spool import Spool
from harness.record.documents import Thresholds

SHOWN = 3


def import_mlperf_tiny(
    path: Path,
    campaign: Path,
    *,
    grouping: Grouping | None = None,
    on_progress: OnProgress | None = None,
    thresholds: Thresholds = METHODS_OWN,
) -> Summary:
    """Import every energy session of a folder into a new campaign. A unit of the grouping is the trace, or the
    results.json.

    Raises:
        ImportFileError: no session, a file that is not what its name says; a grouping that does not fit.
        RunFolderError: the campaign exists already.
    """
    units, asked = units_in(path), grouping or Grouping()
    places = _places(units, asked)
    runs, remarks, seen = list[ImportedRun](), list[str](), dict[str, Path]()
    with Spool() as spool:
        for unit, place in zip(units, places, strict=True):
            if place is None:
                continue
            session = read_session(unit)
            first = seen.setdefault(session.files[0].sha256, unit)
            if first is not unit:
                remarks.append(f"{unit}: the same file as {first}; imported once")
                continue
            remarks += [f"{unit}: {words}" for code, words in session.notes if code != NO_CLOCK]
            alone = asked.how is None and len(units) == 1 and session.log.model
            runs += _runs(session, replace(place, scenario=session.log.model) if alone else place, spool)
        said = [ZONE_NOTE, *remarks[:SHOWN], *left_out(units, places)]
        said += [f"and {len(remarks) - SHOWN} more: {listed(remarks[SHOWN:], 1)}"] if len(remarks) > SHOWN else []
        return write_campaign(campaign, "mlperf-tiny", numbered(runs), said, on_progress, thresholds)


def _places(units: Sequence[Path], grouping: Grouping) -> list[Place | None]:
    """What every session is among the scenarios: by its folder, unless a grouping says otherwise."""
    if grouping.how is not None:
        return grouping.places(units)
    folders = [parts_of(unit)[:-1] for unit in units]
    is_alone = {folder: sum(other == folder for other in folders) == 1 for folder in folders}
    named = [folder if is_alone[folder] else parts_of(unit) for folder, unit in zip(folders, units, strict=True)]
    return grouping.with_baseline([Place(name) for name in distinct_names(named)])


def _runs(session: Session, place: Place, spool: Spool) -> list[ImportedRun]:
    files = tuple(file.released(spool) for file in session.files)
    return [run_of(replace(place, repetition=None), session, window, files, spool) for window in session.windows]
