"""What the log says that a software meter's log holds of a run, made again of the attached log itself.

Knows the entries of attachments and the importer that made them. Knows no keys. The bytes of the files are checked with
all other bytes of the campaign (`record.verify.examine`).
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from pathlib import Path

from harness.foreign.importers.software.formats import read_software
from harness.foreign.importers.software.placed import part_of, wall_ns
from harness.foreign.importers.source import read_source
from harness.foreign.importers.tracker.windows import windows_of
from harness.record.campaign_folder import SOFTWARE_LOG
from harness.record.entries import Attachment, of
from harness.record.errors import LabError
from harness.record.plain_files import inside
from harness.record.run_folder import RunFolder
from harness.record.verify import Check, Examination


def check_software_logs(campaign: Path, seen: Examination) -> list[Check]:
    """One check for each part of a log that was attached to a run: a run of this campaign, and the stream that the log
    gives now. A file that is not as it was attached has failed already and is not opened."""
    every = list(of(Attachment, seen.entries))
    changed = {check.subject for check in seen.checks if check.name == "attachment" and not check.passed}
    sound = {attachment.path for attachment in every} - changed
    parts = [attachment for attachment in every if attachment.note == SOFTWARE_LOG and attachment.path in sound]
    return [_check(campaign, part, seen.runs, sound) for part in parts]


def _check(campaign: Path, part: Attachment, runs: Mapping[str, RunFolder], sound: AbstractSet[str]) -> Check:
    source, name = part.raw.get("source"), part.run
    if name not in runs:
        return Check(part.path, "software-log", False, f"said to belong to {name!r:.60}, no run of this campaign")
    if source not in sound:
        return Check(part.path, "software-log", False, f"{source!r:.60}, its log, is not as it was attached")
    try:
        text = _difference(campaign, part, runs[name])
    except (LabError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return Check(part.path, "software-log", False, f"cannot be made again ({error})")
    return Check(part.path, "software-log", not text, text or f"as its log gives it, for {name}")


def _difference(campaign: Path, part: Attachment, run: RunFolder) -> str:
    """What the log gives otherwise today; empty where it is the same stream."""
    entry = part.raw
    log = read_source(campaign / inside(str(entry.get("source"))))
    trace = read_software(str(entry.get("format")), log, entry.get("begin_ns"))
    windows = list(windows_of([run]))
    if not windows:
        return "the run has no rating interval"
    times_ns = wall_ns(trace, windows[0], entry.get("zone"), part.path)
    made = part_of(trace, times_ns, run, windows[0])
    if made is None:
        return "its log overlaps the run nowhere"
    if asdict(made.descriptor) != entry.get("descriptor") or made.bound_s != entry.get("bound_s"):
        return "its log describes the columns otherwise"
    return "" if made.content == (campaign / inside(part.path)).read_bytes() else "its log holds other values"
