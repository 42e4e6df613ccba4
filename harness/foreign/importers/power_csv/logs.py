"""Logs of programs beside a CSV of power, by their own readers -> indicator streams.

Knows which logs a mapping names. Knows no format of a log (`harness/foreign/importers/software`) and no run folder.
"""

from collections.abc import Sequence
from pathlib import Path

from harness.foreign.importers.power_csv.mapping import SoftwareLog
from harness.foreign.importers.power_csv.samples import Samples
from harness.foreign.importers.software.formats import begin_of, read_software
from harness.foreign.importers.source import SourceFile, read_source
from harness.foreign.importers.zones import zone_of
from harness.record.errors import ImportFileError


def read_logs(
    logs: Sequence[SoftwareLog], folder: Path
) -> tuple[list[Samples], list[tuple[str, str]], list[SourceFile]]:
    """The streams, notes and files of the logs that a mapping names.

    Raises:
        ImportFileError: as their readers, a stamp without a zone that nothing names.
    """
    found, notes, sources = list[Samples](), list[tuple[str, str]](), list[SourceFile]()
    for log in logs:
        source = read_source(folder / log.file)
        trace = read_software(log.format, source, begin_of(log.begin, "[[software]] begin") if log.begin else None)
        if log.zone == "unknown" and trace.clock == "utc":
            raise ImportFileError(
                f"{source.path}: its stamps are UTC, while the other clocks of this import are unknown; name their "
                "zones"
            )
        zone = zone_of(log.zone, "[[software]] zone") if log.zone not in ("", "unknown") else None
        times_ns = trace.time_ns if log.zone == "unknown" else trace.utc_ns(zone, str(source.path))
        name = log.name or trace.name
        found.append(Samples(name, tuple(trace.columns), times_ns, trace.values, source.path))
        notes += [("software-log", f"{source.path.name}: {text}") for text in trace.notes]
        sources.append(source)
    return found, notes, sources
