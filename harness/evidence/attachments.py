"""What the log says that a tracker's file says of a run, against the attached file itself.

Knows the entries of attachments and the importer that made them. Knows no keys. The bytes of the file are checked with
all other bytes of the campaign (`record.verify.examine`).
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from harness.foreign.importers.source import read_source
from harness.foreign.importers.tracker.account import account_of, first_account
from harness.foreign.importers.tracker.importer import READER
from harness.foreign.importers.tracker.row import Row
from harness.foreign.importers.tracker.source import Choice, Source, source_of
from harness.foreign.importers.tracker.windows import Window, fits, windows_of
from harness.record.campaign_folder import TRACKER
from harness.record.documents import Json
from harness.record.entries import Attachment, of
from harness.record.errors import LabError
from harness.record.run_folder import RunFolder
from harness.record.verify import Check, Examination


def check_trackers(campaign: Path, seen: Examination) -> list[Check]:
    """One check for each row that was attached: a run of this campaign, and its account as the file gives it now. A
    file that is not as it was attached, or no file of the campaign, has failed already and is not opened."""
    attached = [attachment for attachment in of(Attachment, seen.entries) if attachment.note == TRACKER]
    changed = {check.subject for check in seen.checks if check.name == "attachment" and not check.passed}
    sound = {attachment.path for attachment in of(Attachment, seen.entries)} - changed
    return [_check(campaign, attachment, seen.runs, sound) for attachment in attached if attachment.path in sound]


def _check(campaign: Path, attachment: Attachment, runs: Mapping[str, RunFolder], sound: AbstractSet[str]) -> Check:
    name, entry = attachment.run, attachment.raw
    subject = f"{attachment.path}:{','.join(map(str, _lines(entry)))}"
    if name not in runs:
        return Check(
            subject, "tracker", False, f"it is said to belong to {name!r:.60}, which is no run of this campaign"
        )
    if entry.get("totals") is not None and str(entry["totals"]) not in sound:
        return Check(subject, "tracker", False, f"{entry['totals']!r:.60}, beside it, is not as it was attached")
    windows = list(windows_of([runs[name]]))
    if not windows:
        return Check(subject, "tracker", False, "the run has no rating interval")
    try:
        account, note = _read_again(campaign, entry, windows[0])
    except (LabError, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        return Check(subject, "tracker", False, f"cannot be read again ({error})")
    same = account is not None and account == entry.get("tracker")
    if account is None:
        return Check(subject, "tracker", False, f"its row does not lie within the run {name}")
    return Check(
        subject, "tracker", same, f"as in its file, for {name}{note}" if same else "its file says something else"
    )


def _lines(entry: Json) -> list[int]:
    lines = entry.get("lines")
    return lines if isinstance(lines, list) and lines else [entry.get("line", 0)]


def _read_again(campaign: Path, entry: Json, window: Window) -> tuple[Json | None, str]:
    """What the file says of the run now, read as the entry was (None: it lies elsewhere), and how that differs from how
    files are read today."""
    totals = entry.get("totals")
    choice = Choice(zone=entry.get("zone"), over_run=bool(entry.get("over_run")), pue=entry.get("pue"))
    source = source_of(
        read_source(campaign / str(entry.get("path"))),
        choice,
        read_source(campaign / str(totals)) if isinstance(totals, str) else None,
    )
    if entry.get("reader") == READER:
        rows = [source.table.row(line) if choice.over_run else source.rows[line] for line in _lines(entry)]
        account = _account(source, rows, window)
        return account, ""
    row = source.table.row(int(entry["line"]))
    if not (choice.over_run or (row.lasting and fits(row, window, choice.zone))):
        return None, ""
    return first_account(row, window, choice), _today(source, row, window)


def _account(source: Source, rows: Sequence[Row | str], window: Window) -> Json | None:
    """The account of rows, None where one has a fault or lies elsewhere."""
    choice, sound = source.choice, [row for row in rows if isinstance(row, Row)]
    faults = [source.problem_of(row, over_run=choice.over_run) for row in rows]
    if any(faults) or not (choice.over_run or all(fits(row, window, choice.zone) for row in sound)):
        return None
    return account_of(sound, window, choice, source.pue(sound[0]))


def _today(source: Source, row: Row, window: Window) -> str:
    """What today's way of reading makes of a row that an older wattlab attached; empty where it is the same figure."""
    own = row if source.choice.over_run else source.rows[row.line]
    if problem := source.problem_of(own, over_run=source.choice.over_run):
        return f"; attached by an older wattlab, today it would be refused: {problem}"
    assert isinstance(own, Row)
    if own.energy_wh == row.energy_wh:
        return ""
    return (
        f"; attached by an older wattlab as {row.energy_wh:.6g} Wh, today it is {own.energy_wh:.6g} Wh, without what "
        "its object had counted before (Changes to results)"
    )
