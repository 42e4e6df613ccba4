"""What the log says that a tracker's file says of a run, against the attached file itself.

Knows the entries of attachments and the importer that made them. Knows no keys. The bytes of the file are checked with
all other bytes of the campaign (`run_folder.examine`).
"""

from collections.abc import Mapping
from pathlib import Path

from harness.documents import Json
from harness.errors import LabError
from harness.importers.imported import read_source
from harness.importers.tracker import Choice, account_of, fits, problem_of, rows_of, windows_of
from harness.run_folder import TRACKER, Check, Examination, RunFolder


def check_trackers(campaign: Path, seen: Examination) -> list[Check]:
    """One check for each row that was attached: a run of this campaign, and its account as the file gives it now. A
    file that is not as it was attached, or no file of the campaign, has failed already and is not opened."""
    attached = [entry for entry in seen.entries if entry.get("type") == "attachment" and entry.get("note") == TRACKER]
    changed = {check.subject for check in seen.checks if check.name == "attachment" and not check.passed}
    return [_check(campaign, entry, seen.runs) for entry in attached if str(entry.get("path")) not in changed]


def _check(campaign: Path, entry: Json, runs: Mapping[str, RunFolder]) -> Check:
    name, line = str(entry.get("run")), entry.get("line")
    subject = f"{entry.get('path')}:{line}"
    if name not in runs:
        return Check(
            subject, "tracker", False, f"it is said to belong to {name!r:.60}, which is no run of this campaign"
        )
    windows = list(windows_of([runs[name]]))
    try:
        rows = [row for row in rows_of(read_source(campaign / str(entry.get("path")))) if row.line == line]
        if not windows or not rows:
            return Check(subject, "tracker", False, "there is no such row, or the run has no rating interval")
        choice = Choice(zone=entry.get("zone"), over_run=bool(entry.get("over_run")))
        problem = problem_of(campaign, rows[0], over_run=choice.over_run)
        if problem or not (choice.over_run or fits(rows[0], windows[0], choice.zone)):
            return Check(subject, "tracker", False, f"its row does not lie within the run {name}")
        account = account_of(rows[0], windows[0], choice)
    except (LabError, ArithmeticError, AssertionError, TypeError, ValueError) as error:
        return Check(subject, "tracker", False, f"cannot be read again ({error})")
    same = account == entry.get("tracker")
    return Check(subject, "tracker", same, f"as in its file, for {name}" if same else "its file says something else")
