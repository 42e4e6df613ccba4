"""A run of an import with what can be said of the lags between its power streams.

Knows which runs have something to say; what it is, says `lag_notes`, whose mathematics cost time that an import of one
stream need not pay.
"""

from dataclasses import replace

from harness.foreign.importers.imported import ImportedRun
from harness.record.documents import PowerDescriptor


def with_lags(run: ImportedRun) -> ImportedRun:
    """The run with a note for each of its power streams but the first; as it is with fewer than two."""
    if sum(isinstance(descriptor, PowerDescriptor) for descriptor, _ in run.streams) < 2:
        return run
    from harness.foreign.importers.lag_notes import lag_notes

    return replace(run, events=(*run.events, *lag_notes(run)))
