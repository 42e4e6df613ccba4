"""Which formats of software meters' logs are read, by name.

Knows names and readers. What was never seen has no name here (docs/importing.md lists what was).
"""

from collections.abc import Callable, Mapping

from harness.foreign.importers.software.carbontracker import read_carbontracker
from harness.foreign.importers.software.codecarbon import read_codecarbon
from harness.foreign.importers.software.energibridge import read_energibridge
from harness.foreign.importers.software.impact_tracker import read_impact_tracker
from harness.foreign.importers.software.perf_stat import read_perf_stat
from harness.foreign.importers.software.powerapi import read_powerapi
from harness.foreign.importers.software.scaphandre import read_scaphandre
from harness.foreign.importers.software.text import WALL
from harness.foreign.importers.software.trace import SoftwareTrace
from harness.foreign.importers.source import SourceFile
from harness.foreign.importers.stamps import time_of
from harness.record.errors import ImportFileError

STAMPED: Mapping[str, Callable[[SourceFile], SoftwareTrace]] = {
    "powerapi": read_powerapi,
    "scaphandre": read_scaphandre,
    "experiment-impact-tracker": read_impact_tracker,
    "carbontracker": read_carbontracker,
    "energibridge": read_energibridge,
}
WITHOUT_DATE: Mapping[str, Callable[[SourceFile, int | None], SoftwareTrace]] = {
    "codecarbon": read_codecarbon,
    "perf-stat": read_perf_stat,
}
"""Whose stamps need the begin of the log."""
FORMATS = (*STAMPED, *WITHOUT_DATE)


def begin_of(text: str, asked: str) -> int:
    """The begin of a log as its machine's wall clock had it, ns since 1970; `asked` is the option or key that says it.

    Raises:
        ImportFileError: it is no time.
    """
    match = WALL.pattern.fullmatch(text)
    time_ns = None if match is None else time_of(match)
    if time_ns is None:
        raise ImportFileError(f"{asked} {text!r:.40}: expected a time like 2026-11-29T21:50:00")
    return time_ns


def read_software(form: str, source: SourceFile, begin_ns: int | None = None) -> SoftwareTrace:
    """A log of one of `FORMATS`; `begin_ns`: the begin on its machine's wall clock (ns since 1970), for those without
    dates.

    Raises:
        ImportFileError: no such format; as its reader says, with file and line.
    """
    if form in STAMPED:
        if begin_ns is not None:
            raise ImportFileError(f"{source.path}: a {form} log has dates of its own; leave its begin out")
        return STAMPED[form](source)
    if form in WITHOUT_DATE:
        return WITHOUT_DATE[form](source, begin_ns)
    raise ImportFileError(f"{source.path}: no format {form!r}; known are {', '.join(FORMATS)}")
