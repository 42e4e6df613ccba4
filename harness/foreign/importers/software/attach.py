"""A software meter's log -> chained attachments of a campaign in whose runs it was written.

Knows the campaign and its log. Knows no format (formats.py) and not how rows get onto a run's clock (placed.py).

Decisions
- Nothing in a run folder changes: the log is copied beside the runs as it is, and its part in each run beside that, as
  the stream that the run would have held. `wattlab verify` makes each part again of the copy.
- A log that overlaps no run is refused, with the hours by which its clock seems to be off.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from harness.foreign.importers.apart import seems_off
from harness.foreign.importers.remarks import counted, times
from harness.foreign.importers.software.formats import read_software
from harness.foreign.importers.software.placed import Part, part_of, wall_ns
from harness.foreign.importers.software.trace import SoftwareTrace
from harness.foreign.importers.source import SourceFile, read_source
from harness.foreign.importers.stamps import SECOND_NS, Stamps
from harness.foreign.importers.tracker.importer import copied
from harness.foreign.importers.tracker.source import Choice
from harness.foreign.importers.tracker.windows import Window, chosen_windows, listing, shown, windows_of
from harness.record import counter
from harness.record.campaign_folder import SOFTWARE_LOG, CampaignFolder
from harness.record.documents import Json
from harness.record.entries import Attachment, of
from harness.record.errors import ImportFileError, RunFolderError, why
from harness.record.run_folder import RunFolder

FOLDER = "software"
SOURCE_NOTE = "log of a software meter"
"""The note of the attachment of the log itself."""


@dataclass(frozen=True, slots=True)
class AttachedLog:
    """What was attached: the copy, run folder -> rows of the log in it, notes of its reader."""

    path: Path
    rows: dict[str, int]
    columns: tuple[str, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        """For the terminal."""
        lines = [f"Attached {self.path}: {', '.join(self.columns)}."]
        lines += [f"  {counted(count, 'row')} -> {folder}" for folder, count in self.rows.items()]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def attach_log(form: str, path: Path, campaign: Path, choice: Choice, begin_ns: int | None = None) -> AttachedLog:
    """Attach a log of one of the formats to the runs that it overlaps; `begin_ns` as `read_software`.

    Raises:
        ImportFileError: as its reader; no zone, no run that it overlaps, a run that has one of this format already.
        RunFolderError: no campaign, no such run, a broken chain, the disk refuses.
    """
    source = read_source(path)
    trace = read_software(form, source, begin_ns)
    folder = CampaignFolder(campaign)
    entries, runs = folder.entries(), {run.path.name: run for run in folder.runs()}
    windows = chosen_windows(list(windows_of(list(runs.values()))), choice, campaign)
    parts = parts_of(trace, runs, windows, choice.zone, path)
    taken = {entry.run for entry in of(Attachment, entries) if entry.note == SOFTWARE_LOG
             and entry.path.endswith(f"samples-{trace.name}.csv")}  # fmt: skip
    if (again := [name for name in parts if name in taken]) and not choice.replace:
        raise ImportFileError(
            f"{again[0]} has a log of {trace.name} already; --replace puts this one in its place (the old one stays in "
            "the log)"
        )
    copy, now = copied(source, campaign, FOLDER), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    relative = copy.relative_to(campaign).as_posix()
    folder.append("attachment", now, {"path": relative, "sha256": source.sha256, "note": SOURCE_NOTE})
    how: Json = {"format": form, "zone": choice.zone, "begin_ns": begin_ns, "source": relative}
    for name, part in parts.items():
        file = _written(campaign, name, source, part)
        record = {"path": file.path.relative_to(campaign).as_posix(), "sha256": file.sha256, "note": SOFTWARE_LOG}
        described = {"descriptor": asdict(part.descriptor), "bound_s": part.bound_s}
        folder.append("attachment", now, record | {"run": name} | described | how)
    columns = tuple(f"{trace.name}/{column['name']}" for column in trace.columns)
    notes = (*trace.notes, *resets_of(trace, path))
    return AttachedLog(copy, {name: part.rows for name, part in parts.items()}, columns, notes)


def resets_of(trace: SoftwareTrace, path: Path) -> Iterator[str]:
    """What to know of counters that fall where they cannot have begun anew."""
    times_s = (trace.time_ns - trace.time_ns[0]) / SECOND_NS
    for column, values in zip(trace.columns, trace.values.T, strict=True):
        known = np.isfinite(values)
        if column["kind"] != "counter" or not known.any():
            continue
        steps = counter.counted(times_s[known], values[known], column.get("range_j"))
        if not steps.is_of_one_thing:
            yield f"{path}: {column['name']} {steps.mixed}; `wattlab qualify` refuses it: qualify another column"
        elif steps.n_resets:
            yield (
                f"{path}: {column['name']} falls {times(steps.n_resets)} where it cannot have begun anew (it was "
                "reset); what it counted there is unknown"
            )


def parts_of(
    trace: SoftwareTrace, runs: dict[str, RunFolder], windows: Sequence[Window], zone: str | None, path: Path
) -> dict[str, Part]:
    """Run folder -> what of the log belongs to it.

    Raises:
        ImportFileError: it overlaps none; with how far it lies from the nearest.
    """
    parts: dict[str, Part] = {}
    times_ns: dict[bool, Stamps] = {}  # an import has runs of one kind, but a campaign may hold any
    for window in windows:
        kind = window.has_zone
        times_ns[kind] = times_ns[kind] if kind in times_ns else wall_ns(trace, window, zone, str(path))
        part = part_of(trace, times_ns[kind], runs[window.folder], window)
        if part is not None:
            parts[window.folder] = part
    if not parts:
        known = f"\nThe runs:\n  {listing(windows)}" if windows else "; the campaign has no run with a rating interval"
        apart = _apart(next(iter(times_ns.values()), None), windows)
        raise ImportFileError(f"{path}: the log overlaps no run{apart}{known}")
    return parts


def _apart(times_ns: Stamps | None, windows: Sequence[Window]) -> str:
    """Where a log lies that overlaps no run, and by how many hours its clock would have to be off."""
    if times_ns is None:
        return ""
    begin_ns, end_ns = int(times_ns[0]), int(times_ns[-1])
    off = seems_off(begin_ns, end_ns, [(window.begin_ns, window.end_ns) for window in windows])
    return f": it reaches from {shown(begin_ns)} to {shown(end_ns)}{off and off + ' (--timezone says whose it is)'}"


def _written(campaign: Path, run: str, source: SourceFile, part: Part) -> SourceFile:
    """The part of a log in a run as a file of the campaign; one folder for each log, so that a log that is replaced
    keeps its own."""
    target = campaign / FOLDER / source.sha256[:8] / run / part.descriptor.stream
    file = SourceFile(target, part.content, part.content)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (target.is_file() and target.read_bytes() == part.content):
            with target.open("xb") as stream:
                stream.write(part.content)
            target.chmod(0o444)
    except OSError as error:
        raise RunFolderError(f"{target}: cannot attach the log ({why(error)})") from error
    return file
