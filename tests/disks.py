"""Disks of their own for tests, so small that they fill up. Needs root."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sut.netns import run


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own."""
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        run("umount", str(folder))
