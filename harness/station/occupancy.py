"""Which meters and machines of a lab are being measured with now: two campaigns at once share none.

Knows what makes two meters, or two SUTs, one thing on this host (`uses_of`), and the locks (flock(2)) that say which
are taken: files in a folder that every lab.toml of this host has in common, so that two labs at one meter are told of
each other too. What is embedded has a lock of its own. A lock ends with the process; its file stays. Knows no campaign.
"""

import fcntl
import hashlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from harness.record.errors import LabError, printable, why
from harness.station.station import EMBEDDED, MeterSection, SutSection

FOLDER = Path(tempfile.gettempdir()) / "wattlab-in-use"
EVERYBODY = 0o1777
"""As /tmp: whoever measures on this host makes locks there, and removes nobody else's."""
LONGEST = 4096
TRIES, PAUSE_S = 5, 0.1


def uses_of(sut: SutSection, meters: Mapping[str, MeterSection]) -> dict[str, str]:
    """Key -> what it is, in words. A line or a USB device is one meter whatever it is called, by whichever link it is
    named; what is on a network may have several channels, and is one meter where its options are the same too; a SUT is
    a machine and a port."""
    found = {}
    for name, section in meters.items():
        if section.port != EMBEDDED:
            found[_key(section)] = f"meter {name} ({section.port})"
    if sut.host != EMBEDDED:
        host, port = sut.endpoint
        found[f"sut {host.casefold()}:{port or 22}"] = f"SUT {sut.address}"
    return found


def _key(section: MeterSection) -> str:
    parts = urlsplit(section.port)
    if not parts.netloc:
        return f"meter {Path(section.port).resolve()}"
    options = json.dumps(section.options, sort_keys=True, default=str)
    return f"meter {parts.netloc.rpartition('@')[2].casefold()}{parts.path.rstrip('/')} {options}"


@contextmanager
def taken(uses: Mapping[str, str], whose: str, folder: Path | None = None) -> Iterator[None]:
    """Take all of them for the campaign `whose` until the context is left. `folder`: of the locks (None: `FOLDER`).

    Raises:
        LabError: another process measures with one of them, or nothing can be locked; none is taken then.
    """
    with ExitStack() as stack:
        for key, what in uses.items():
            stack.enter_context(_taken(key, what, whose, folder or FOLDER))
        yield


def others(uses: Mapping[str, str], folder: Path | None = None) -> Iterator[str]:
    """A sentence for each that another process measures with."""
    for key, what in uses.items():
        try:
            with _taken(key, what, "", folder or FOLDER):
                pass
        except LabError as error:
            yield str(error)


@contextmanager
def _taken(key: str, what: str, whose: str, folder: Path) -> Iterator[None]:
    path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.lock"
    try:
        file = _opened(path)
    except OSError as error:
        raise LabError(
            f"{path}: cannot be opened ({why(error)}), and without it two campaigns could measure with one meter; "
            f"{_remedy(path)}, or name another folder for temporary files (TMPDIR)"
        ) from None
    try:
        if not _locked(file) or (os.fstat(file).st_nlink and _is_held_unlinked(path)):
            holder = printable(os.pread(file, LONGEST, 0).decode(errors="replace").strip())
            raise LabError(
                f"{what}: another wattlab measures with it{f' ({holder})' if holder else ''}, and two campaigns at "
                "once share no meter and no SUT; wait for its end"
            )
        if not os.fstat(file).st_nlink:
            raise LabError(f"{path}: it was removed just now; give the command again")
        _say(file, whose)
        try:
            yield
        finally:
            _say(file, "")
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    """Whether it is ours now; `wattlab check` of somebody else holds it for an instant."""
    for tried in range(TRIES):
        time.sleep(PAUSE_S if tried else 0)
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


def _is_held_unlinked(path: Path) -> bool:
    """Whether another process has the lock of this name open after its file was removed: it measures all the same."""
    removed = f"{path.parent.resolve() / path.name} (deleted)"
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # another user's process, or one that has ended
            if str(link.readlink()) == removed and link.parts[2] != str(os.getpid()):
                return True
    return False


def _opened(path: Path) -> int:
    """The lock's file, made where it is missing: for writing where it is ours, else for reading, which locks as well.

    Raises:
        OSError: neither can be done, or it is no lock that wattlab made.
    """
    with suppress(FileExistsError):
        path.parent.mkdir()
        path.parent.chmod(EVERYBODY)
    folder = path.parent.lstat()
    if not stat.S_ISDIR(folder.st_mode):
        raise NotADirectoryError(f"{path.parent} is {_kind(folder.st_mode)}, expected a folder")
    if folder.st_uid not in (0, os.geteuid()) and stat.S_IMODE(folder.st_mode) != EVERYBODY:
        raise PermissionError(f"{path.parent} is another user's, and not open to all as wattlab makes it")
    file = _descriptor(path)
    status = os.fstat(file)
    if stat.S_ISREG(status.st_mode) and status.st_nlink <= 1:
        return file
    os.close(file)
    raise OSError("it has another name too" if stat.S_ISREG(status.st_mode) else f"it is {_kind(status.st_mode)}")


def _descriptor(path: Path) -> int:
    flags = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(path, flags | os.O_RDWR)
    except PermissionError:
        return os.open(path, flags | os.O_RDONLY)
    except FileNotFoundError:
        with suppress(FileExistsError):
            return os.open(path, flags | os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        return os.open(path, flags | os.O_RDONLY)


def _kind(mode: int) -> str:
    return "a link" if stat.S_ISLNK(mode) else "a file" if stat.S_ISREG(mode) else "no plain file"


def _remedy(path: Path) -> str:
    """Who can make the place usable, and how."""
    for item in (path, path.parent):
        with suppress(OSError):
            if (owner := item.lstat().st_uid) != os.geteuid():
                return f"while nobody measures, its owner (uid {owner}) or root has to remove {item}"
    return "while nobody measures, remove it, or the folder"


def _say(file: int, whose: str) -> None:
    """Write into a lock's file who holds it, for who is refused; another user's file keeps what it says."""
    status = os.fstat(file)
    if status.st_uid != os.geteuid() or status.st_nlink > 1:
        return
    with suppress(OSError):
        os.ftruncate(file, 0)
        os.pwrite(file, whose.encode(), 0)
