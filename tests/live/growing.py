"""A campaign that is written bit by bit, from one that is whole: what a live view meets. Knows bytes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.live.server import LiveServer, answering
from harness.live.watch import Watcher
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.entries import RunBegin, of


class Growing:
    """A copy of `whole` in `path` that has nothing at first."""

    def __init__(self, whole: Path, path: Path) -> None:
        self.whole, self.path = whole, path
        self.folders = [begin.folder for begin in of(RunBegin, CampaignFolder(whole).entries())]
        self._lines = (whole / CAMPAIGN).read_bytes().splitlines(keepends=True)

    def log(self, lines: int, extra: int = 0) -> None:
        """Its log has so many whole lines, and `extra` bytes of the next."""
        self.path.mkdir(exist_ok=True)
        content = b"".join(self._lines[:lines]) + b"".join(self._lines[lines : lines + 1])[:extra]
        self._append(self.path / CAMPAIGN, content)

    def log_until(self, folder: str, kind: str) -> None:
        """Its log goes until that entry of a run."""
        at = next(n for n, line in enumerate(self._lines, 1) if folder.encode() in line and kind.encode() in line)
        self.log(at)

    def run(self, folder: str, share: float) -> None:
        """That share of the bytes of each file of a run is there."""
        source, target = self.whole / folder, self.path / folder
        for name in ("run.jsonl", *(path.name for path in source.glob("*.csv"))):
            content = (source / name).read_bytes()
            target.mkdir(exist_ok=True)
            self._append(target / name, content[: round(share * len(content))])

    def _append(self, path: Path, content: bytes) -> None:
        before = path.stat().st_size if path.exists() else 0
        with path.open("ab") as file:
            file.write(content[before:])

    def remove(self, folder: str) -> None:
        """A run is gone."""
        shutil.rmtree(self.path / folder)


@contextmanager
def served(path: Path, address: str = "127.0.0.1") -> Iterator[LiveServer]:
    """The live view of a campaign, in this process."""
    server = LiveServer(Watcher(path), address, 0)
    with answering(server):
        yield server
