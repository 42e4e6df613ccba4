"""A tracker's own file (CodeCarbon's emissions.csv) -> a chained attachment of the campaign in whose runs it ran.

Knows the campaign and its log. Knows no row (row.py), not how rows are lined up with runs (line_up.py), and no energy
of a meter: the comparison is reports/trackers.

Decisions
- Nothing in a run folder changes: the file is copied beside the runs, and its entry in the log holds what the rows say.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.foreign.importers.remarks import counted
from harness.foreign.importers.source import SourceFile, read_source
from harness.foreign.importers.tracker.account import NAME, account_of
from harness.foreign.importers.tracker.line_up import lined_up
from harness.foreign.importers.tracker.source import Choice, source_of, totals_beside
from harness.foreign.importers.tracker.table import table_of
from harness.foreign.importers.tracker.windows import Window, chosen_windows, windows_of
from harness.record.campaign_folder import TRACKER, CampaignFolder
from harness.record.entries import Attachment, Entry, of
from harness.record.errors import ImportFileError, RunFolderError, why
from harness.record.plain_files import sha256_of

FOLDER = "trackers"
TOTALS_NOTE = "totals of a tracker's task file"
"""The note of the attachment of a file beside."""
READER = 2
"""How rows are read; an entry of the log without it is of the first way: each row as it stands."""
LEFT_OUT_SHOWN = 10
"""Rows that the terminal names as left out, and why."""


@dataclass(frozen=True, slots=True)
class Attached:
    """What was attached: the copy, (line, run folder) pairs, lines left out and why."""

    path: Path
    pairs: tuple[tuple[int, str], ...]
    left_out: tuple[str, ...]

    def __str__(self) -> str:
        """For the terminal."""
        lines = [f"Attached {self.path}: {counted(len(self.pairs), 'row')}."]
        lines += [f"  line {line} -> {folder}" for line, folder in self.pairs]
        lines += [f"  left out: {text}" for text in self.left_out[:LEFT_OUT_SHOWN]]
        more = len(self.left_out) - LEFT_OUT_SHOWN
        return "\n".join([*lines, *([f"  {len(self.left_out)} are left out in all, {more} more"] if more > 0 else [])])


def import_tracker(path: Path, campaign: Path, choice: Choice) -> Attached:
    """Line the rows up with the campaign's runs, attach the file, chain what it says of each run.

    Raises:
        ImportFileError: no such file, no line that can be read, no run or several fit; with line, column, candidates.
        RunFolderError: no campaign, no such run, a broken chain.
    """
    content = read_source(path)
    totals = totals_beside(path, table_of(content), choice)
    source = source_of(content, choice, totals)
    folder = CampaignFolder(campaign)
    entries = folder.entries()
    windows = chosen_windows(list(windows_of(folder.runs())), choice, campaign)
    taken, left_out = lined_up(source, windows)
    _refuse_taken(entries, [window for _, window in taken], choice)
    target = copied(content, campaign)
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    known = {"zone": choice.zone, "over_run": choice.over_run, "pue": choice.pue, "reader": READER}
    if totals is not None:
        known["totals"] = _attached_totals(folder, totals, now)
    for rows, window in taken:
        record = {"path": target.relative_to(campaign).as_posix(), "sha256": content.sha256, "note": TRACKER}
        lines = [row.line for row in rows]
        how = {"run": window.folder, "line": lines[0], "lines": lines, **known}
        folder.append(
            "attachment", now, record | how | {"tracker": account_of(rows, window, choice, source.pue(rows[0]))}
        )
    pairs = tuple((row.line, window.folder) for rows, window in taken for row in rows)
    return Attached(target, pairs, tuple(left_out))


def _attached_totals(folder: CampaignFolder, totals: SourceFile, now: str) -> str:
    """Attach the file beside; its path in the campaign."""
    target = copied(totals, folder.path).relative_to(folder.path).as_posix()
    folder.append("attachment", now, {"path": target, "sha256": totals.sha256, "note": TOTALS_NOTE})
    return target


def _refuse_taken(entries: Sequence[Entry], windows: Sequence[Window], choice: Choice) -> None:
    taken = {attachment.run: attachment for attachment in of(Attachment, entries) if attachment.note == TRACKER}
    for window in windows:
        if window.folder in taken and not choice.replace:
            path = taken[window.folder].path
            raise ImportFileError(
                f"{window.folder} has an attached figure of {NAME} already ({path}); --replace puts this one in its "
                "place (the old one stays in the log)"
            )


def copied(source: SourceFile, campaign: Path, folder: str = FOLDER) -> Path:
    """The file beside the runs, under its digest's first digits and its name; once."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", source.path.name)
    target = campaign / folder / f"{source.sha256[:8]}-{plain}"
    try:
        target.parent.mkdir(exist_ok=True)
        if target.is_file() and sha256_of(target) == source.sha256:
            return target
        with target.open("xb") as file:
            file.write(source.verbatim)
        target.chmod(0o444)
    except OSError as error:
        raise RunFolderError(f"{target}: cannot attach the file ({why(error)})") from error
    return target
