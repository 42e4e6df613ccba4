"""PTDaemon logs (MLPerf power submissions, SPEC benchmarks) -> run folders; every section of one mark is one run.

Knows sessions of a study, and what stands in two of them. Knows no file (reader.py, conversation.py), no section as a
run (runs.py), no run folder (imported.py) and no energy.

Decisions
- Samples that stand in two sessions (MLPerf takes one run for two accuracy targets) are imported once, and said.

No test here proves how PTDaemon behaves with an analyser attached; the tests hold what its published logs contain.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.foreign.importers.grouping import Grouping, Place, distinct_names, left_out, numbered
from harness.foreign.importers.imported import METHODS_OWN, ZONE_NOTE, ImportedRun, OnProgress, Summary, write_campaign
from harness.foreign.importers.lags import with_lags
from harness.foreign.importers.ptd.checks import NOT_COMPARED
from harness.foreign.importers.ptd.files import SessionFiles, files_in
from harness.foreign.importers.ptd.runs import run_of
from harness.foreign.importers.ptd.section import Section
from harness.foreign.importers.ptd.session import Session, goes_of, instrument_of, read_sessions, sections_of
from harness.foreign.importers.source import Source, SourceFile
from harness.foreign.importers.spool import Spool
from harness.record.documents import Thresholds
from harness.record.errors import ImportFileError

MOST_ALIKE = 3
"""Sessions of which the terminal says the same one by one."""


def import_ptd(
    path: Path,
    campaign: Path,
    *,
    grouping: Grouping | None = None,
    on_progress: OnProgress | None = None,
    thresholds: Thresholds = METHODS_OWN,
) -> Summary:
    """Import every section of a log, or of all logs in a folder, into a new campaign. A unit of the grouping is a
    session's folder, or the log itself.

    Raises:
        ImportFileError: no log, a damaged line, a date that contradicts its mark, a clock that was put back or forward,
            averages that contradict the samples; with file and line. A grouping that does not fit.
        RunFolderError: the campaign exists already.
    """
    remarks = [ZONE_NOTE, "dates are read as PTDaemon prints them, month first"]
    sessions = files_in(path)
    places = _places(sessions, grouping or Grouping())
    with Spool() as spool:
        runs: list[ImportedRun] = []
        for files, place in zip(sessions, places, strict=True):  # the files of one session at a time lie in memory
            runs += [] if place is None else list(_runs(read_sessions(files, place), spool, remarks))
        runs = [with_lags(run) for run in _once(runs, remarks)]
        rated = numbered([run for run in runs if run.kind != "ranging"])
        beside = numbered([run for run in runs if run.kind == "ranging"])
        remarks += [f"ranging runs: {len(beside)}; they are listed and enter no mean"] if beside else []
        remarks += left_out([files.unit for files in sessions], places)
        return write_campaign(campaign, "ptd", [*rated, *beside], _condensed(remarks), on_progress, thresholds)


def _condensed(remarks: Sequence[str]) -> list[str]:
    """Remarks for the terminal; what is said of nearly every session stands once, with the number and an example."""
    alike = [remark for remark in remarks if NOT_COMPARED in remark]
    if len(alike) <= MOST_ALIKE:
        return list(remarks)
    sentence = f"{len(alike)} measurements: {NOT_COMPARED}; the first: {alike[0]}"
    return [*(remark for remark in remarks if NOT_COMPARED not in remark), sentence]


def _once(runs: Sequence[ImportedRun], remarks: list[str]) -> list[ImportedRun]:
    """Every run once: the same samples in two files would count twice."""
    seen: dict[object, ImportedRun] = {}
    doubled: dict[tuple[Path, Path], list[str]] = {}
    for run in runs:
        first = seen.setdefault(run.streams[0][1], run)
        if first is not run:
            one, other = run.files[0].path, first.files[0].path
            is_alike = (one.parent.name, one.name) == (other.parent.name, other.name)
            folders = (one.parent.parent, other.parent.parent) if is_alike else (one, other)
            doubled.setdefault(folders, []).append(one.parent.name if is_alike else "")
    for (one, other), leaves in doubled.items():
        which = f" ({', '.join(leaves)})" if any(leaves) else ""
        remarks.append(f"{one}: the same samples as {other}{which}; imported once")
    return list(seen.values())


def _places(sessions: Sequence[SessionFiles], grouping: Grouping) -> list[Place | None]:
    """What every session is among the scenarios. Without a grouping its name is the shortest that no other has; one
    alone is called by its mark."""
    if grouping.how is not None:
        return grouping.places([files.unit for files in sessions])
    names = distinct_names([files.parts or ("",) for files in sessions])
    return grouping.with_baseline([Place(name) for name in names])


def _runs(sessions: Sequence[Session], spool: Spool, remarks: list[str]) -> Iterator[ImportedRun]:
    """The measurements of a session as runs, each of all its analysers; remarks go to the terminal.

    Raises:
        ImportFileError: no sample; an analyser has no measurement of a mark that the first one has.
    """
    first, *others = [list(_sections(session, remarks)) for session in sessions]
    changed = dict.fromkeys(text for session in sessions for text in session.changed())
    remarks += [f"{sessions[0].root}: {text}" for text in changed]
    beside = [{(section.mark, section.nth): section for section in sections} for sections in others]
    released = dict[Path, Source]()
    for section in first:
        together = [section]
        for session, sections in zip(sessions[1:], beside, strict=True):
            if (section.mark, section.nth) not in sections:
                raise ImportFileError(
                    f"{session.rows[0].source.path}: no rows of the mark {section.mark!r} for analyser "
                    f"{session.analyser}, where {section.where} has them; without it there is no sum: import the log "
                    "of one analyser by itself, or add what is missing"
                )
            together.append(sections[section.mark, section.nth])
        run = run_of(together, remarks)
        yield replace(run, files=tuple(_released(file, spool, released) for file in run.files))


def _sections(session: Session, remarks: list[str]) -> Iterator[Section]:
    """The measurements of one analyser, in order of time."""
    instrument = instrument_of(session)
    sections = sections_of(session)
    if not sections:
        reason = (
            "PTDaemon's console log with averages and no sample; give the log of samples (spl.txt) or the folder of "
            "the session"
            if session.console is not None and session.console.goes
            else "no sample in it; expected rows 'Time,..,Watts,..,Mark,..'"
        )
        raise ImportFileError(f"{session.logs[0].source.path}:1: {reason}")
    for log in session.logs:
        if log.cut_line and any(rows[-1] is log.rows[-1] for _, rows in sections if log.rows):
            remarks.append(f"{log.source.path}:{log.cut_line}: cut off in mid-line; the line is left out")
    since_ns, seen = 0, Counter[str]()
    total = Counter(rows[0].mark for _, rows in sections)
    for log, rows in sections:
        mark = rows[0].mark
        goes = goes_of(session, mark, seen[mark], total[mark])
        yield Section(session, log, rows, instrument, goes, since_ns, seen[mark])
        seen[mark] += 1
        since_ns = rows[-1].time_ns


def _released(file: Source, spool: Spool, released: dict[Path, Source]) -> Source:
    """A file of a session put aside, once for all its sections."""
    if file.path not in released:
        released[file.path] = file.released(spool) if isinstance(file, SourceFile) else file
    return released[file.path]
