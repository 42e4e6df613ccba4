"""A campaign's folder: its chained logs, its runs, and the names of what lies in it.

Knows which types of entries each log has (docs/run-folder.md). Knows no plan and no numbers.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.record.chain import GENESIS, ChainedLog
from harness.record.entries import IN_ANNOTATIONS, IN_LOG, IN_RECEIPTS, WITNESSED, Entry, Forms, RunBegin, of
from harness.record.errors import RunFolderError, why
from harness.record.plain_files import inside, put_on_disk
from harness.record.run_folder import JOURNAL, RunFolder

CAMPAIGN = "campaign.jsonl"
ANNOTATIONS = "annotations.jsonl"
RECEIPTS = "receipts.jsonl"
"""What a witness answered to the heads of campaign.jsonl."""
STATEMENT = "campaign.statement.json"
"""What is signed (harness.evidence.statement)."""
DERIVED = "derived"
STUDY_FILE = "study.toml"
"""The study file in the folder of a study: what makes a folder one."""
PHOTO = "photo"
"""The note of an attachment that is a photograph of the set-up."""
TRACKER = "tracker"
"""The note of an attachment that is a tracker's file; its entry has `run` too, and `tracker`: what it said of it."""
SOFTWARE_LOG = "software-log"
"""The note of an attachment that is the part of a software meter's log in one run; its entry has `run`, `descriptor`
(of the stream, as in a run's journal), `source` (the attached log) and how that was read."""
MAX_PHOTO_BYTES = 4 * 1024 * 1024
IMAGE_TYPES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
"""First bytes of a file -> its type: nothing else is attached or shown as a photograph, whatever its name says."""
LOST, EMPTY = "gone", "empty"
"""`lost` of a run-end without a manifest: the run was removed, or nothing had been recorded of it."""


def _unwitnessed() -> None:
    """Nobody is told the heads."""


class CampaignFolder:
    """A campaign: its chained log, its annotations and its runs.

    Raises:
        RunFolderError: the folder exists already (create) or is no campaign (open).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not (path / CAMPAIGN).is_file():
            raise RunFolderError(f"{path}: {_no_campaign(path)}")
        self.log = ChainedLog(path / CAMPAIGN, IN_LOG)
        self.on_head: Callable[[], None] = _unwitnessed
        """Called when the log has a new head that a witness is told; returns at once."""
        self._beside: dict[str, ChainedLog] = {}

    @classmethod
    def create(cls, path: Path) -> "CampaignFolder":
        """A new, empty campaign folder (its first entry must be of type `campaign`)."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / CAMPAIGN).open("x").close()
            put_on_disk(path)
        except OSError as error:
            raise RunFolderError(f"{path}: cannot create the campaign ({why(error)})") from error
        return cls(path)

    @property
    def identity(self) -> str:
        """sha256 of the log's first line, which holds name, uid and configuration: what tells it from any other."""
        first = self.log.first_line()
        return GENESIS if first is None else hashlib.sha256(first).hexdigest()

    def _log_beside(self, name: str, forms: Forms) -> ChainedLog:
        """A log whose chain begins at the campaign's first line, so that it fits no other campaign."""
        log, identity = self._beside.get(name), self.identity
        if log is None or log.genesis != identity:
            self._beside[name] = log = ChainedLog(self.path / name, forms, identity)
        return log

    @property
    def annotations(self) -> ChainedLog:
        """The operator's notes."""
        return self._log_beside(ANNOTATIONS, IN_ANNOTATIONS)

    @property
    def receipts(self) -> ChainedLog:
        """What a witness answered."""
        return self._log_beside(RECEIPTS, IN_RECEIPTS)

    def entries(self) -> list[Entry]:
        """Every line of campaign.jsonl, the chain checked (`ChainedLog.entries`)."""
        return self.log.entries()

    def append(self, kind: str, utc: str, body: Mapping[str, Any]) -> None:
        """Append one chained entry to campaign.jsonl; a head that a witness is told is told on."""
        self.log.append(kind, utc, body)
        if kind in {told.TYPE for told in WITNESSED}:
            self.on_head()

    def head(self) -> str:
        """sha256 of the last line of campaign.jsonl."""
        return self.log.head()

    def run_paths(self) -> list[Path]:
        """Run folders on disk, in the order of their names (UTC start, ordinal)."""
        return sorted(path.parent for path in self.path.glob(f"*/{JOURNAL}") if not path.parent.is_symlink())

    def runs(self) -> list[RunFolder]:
        """Every run that the campaign's log names, in the order they were begun."""
        return [
            RunFolder.open(self.path / inside(begin.folder))
            for begin in of(RunBegin, self.entries())
            if (self.path / inside(begin.folder) / JOURNAL).is_file()
        ]


MOST_NAMED = 5
"""Of the campaigns below a folder."""


def _no_campaign(path: Path) -> str:
    """Why a path is no campaign, and which campaigns lie below it: that of a lab, or where its campaigns lie."""
    remedy = "name the folder of a campaign, such as runs/core-study"
    if not path.exists():
        return f"no such folder; {remedy}"
    if not path.is_dir():
        return f"no {CAMPAIGN} in it, it is a file; {remedy}"
    found = sorted(log.parent for depth in ("*", "*/*") for log in path.glob(f"{depth}/{CAMPAIGN}"))
    named = ", ".join(map(str, found[:MOST_NAMED])) + (", ..." if len(found) > MOST_NAMED else "")
    return f"no {CAMPAIGN} in it; {f'below it lies {named}' if found else remedy}"


def write_derived(campaign: Path, name: str, content: str | bytes) -> Path:
    """Write `derived/NAME` of a campaign, whole or not at all; a link that stands there is replaced, never followed.

    Raises:
        RunFolderError: the disk refuses, or `derived` is no folder of this campaign.
    """
    folder, target = campaign / DERIVED, campaign / DERIVED / name
    draft = folder / f".{name}.draft"
    try:
        folder.mkdir(exist_ok=True)
        if folder.is_symlink():
            raise RunFolderError(f"{folder}: a link; derived files belong into the campaign, remove the link")
        draft.unlink(missing_ok=True)
        with draft.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        draft.replace(target)
    except OSError as error:
        raise RunFolderError(
            f"{target}: cannot write ({error.strerror}); free space or give write permission"
        ) from error
    return target
