"""One `wattlab run` at a time in a campaign folder, and nothing left of a campaign that began no run.

Knows the folder and its lock. Knows no plan.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.measure.lab_file import LabConfig
from harness.measure.photos import FOLDER as PHOTOS
from harness.measure.reason import Reason
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.entries import RunBegin, of
from harness.record.errors import LabError, RunFolderError
from harness.station.occupancy import others, uses_of


@contextmanager
def locked(campaign: CampaignFolder) -> Iterator[None]:
    """Keep other processes from measuring the same campaign.

    Raises:
        RunFolderError: another one does, or one that was refused has just removed it.
    """
    with (campaign.path / CAMPAIGN).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunFolderError(f"{campaign.path}: another `wattlab run` is measuring this campaign") from None
        if not os.fstat(file.fileno()).st_nlink:
            raise RunFolderError(f"{campaign.path}: another `wattlab run` was refused just now; give the command again")
        yield


def is_measured(path: Path) -> bool:
    """Whether a process measures the campaign of a folder now."""
    if not (path / CAMPAIGN).is_file():
        return False
    try:
        with locked(CampaignFolder(path)):
            return False
    except RunFolderError:
        return True


@contextmanager
def nothing_left_unbegun(path: Path) -> Iterator[None]:
    """A campaign that is new here and ends before its first run is begun, for whatever reason, leaves nothing: its log
    would hold no measurement, and bind lab.toml."""
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    parts = [path / name for name in (CAMPAIGN, PHOTOS) if not (path / name).exists()]
    try:
        yield
    except BaseException:
        if path / CAMPAIGN in parts:
            _remove_unbegun(path, parts, made)
        raise


def _remove_unbegun(path: Path, parts: Sequence[Path], made: Sequence[Path]) -> None:
    """Remove what was written of a campaign, unless a run was begun or another process measures it."""
    with contextlib.suppress(LabError, OSError):
        campaign = CampaignFolder(path)
        with locked(campaign):
            if of(RunBegin, campaign.entries()):
                return
            for part in parts:
                shutil.rmtree(part) if part.is_dir() else part.unlink(missing_ok=True)
    for folder in made:
        with contextlib.suppress(OSError):  # others' files lie in it
            folder.rmdir()


def in_use(config: LabConfig) -> Iterator[Reason]:
    """A reason not to start where another process measures this campaign, or with one of its meters, or its SUT."""
    path = config.campaign_folder
    try:
        with locked(CampaignFolder(path)) if (path / CAMPAIGN).is_file() else contextlib.nullcontext():
            yield from (
                Reason("refuse", "in use", text) for text in others(uses_of(config.file.sut, config.file.meters))
            )
    except LabError as error:
        yield Reason("refuse", "campaign", str(error))
