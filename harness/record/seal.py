"""A folder's manifest: written last over every file as found, then write permission is dropped.

Knows digests, the manifest's lines, and that a signature of it may stand beside it. Knows no documents and no keys.
"""

import os
import shutil
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeAlias

from harness.record.errors import RunFolderError, refused
from harness.record.plain_files import inside, read_plain, regular_files, sha256_of, write_whole

MANIFEST = "MANIFEST.sha256"
SEAL_SIGNATURE = "MANIFEST.sha256.sig"
"""The OpenSSH signature of a manifest, made when the run was sealed; beside the manifest, and not in it."""
Sign: TypeAlias = Callable[[bytes], bytes]
"""Makes the signature of a seal; empty where none can be made: no run is lost for want of one."""
DRAFT = ".wattlab-draft-"
"""So begins the name of a folder that is being written; one that stays was cut off, and may be removed."""
READ_ONLY_FILE = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
READ_ONLY_FOLDER = READ_ONLY_FILE | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


def unsigned(_content: bytes) -> bytes:
    """Nobody signs the seals."""
    return b""


def seal_folder(folder: Path, sign: Sign = unsigned) -> str:
    """Write MANIFEST.sha256 over every file as found, drop write permission, return the manifest's sha256.

    The manifest appears whole or not at all, so a seal that was cut off is taken up again. What `sign` makes of its
    bytes is written beside it.

    Raises:
        RunFolderError: a link or device stands where a file should, or the disk refuses.
    """
    draft = folder / (MANIFEST + ".draft")
    try:
        draft.unlink(missing_ok=True)
        if not (folder / MANIFEST).exists():
            lines = [f"{sha256_of(folder / name)}  {name}\n" for name in regular_files(folder)]
            write_whole(draft, "".join(lines).encode(), folder / MANIFEST)
        if not (folder / SEAL_SIGNATURE).exists() and (signature := sign(read_plain(folder / MANIFEST))):
            folder.chmod(stat.S_IRWXU)  # dropped already where a kill came between the seal and the log
            write_whole(draft, signature, folder / SEAL_SIGNATURE)
        for path in sorted(folder.rglob("*"), reverse=True):
            path.chmod(READ_ONLY_FOLDER if path.is_dir() else READ_ONLY_FILE)
        folder.chmod(READ_ONLY_FOLDER)
    except OSError as error:
        raise refused(folder, "seal", error) from error
    return sha256_of(folder / MANIFEST)


def signature_of(folder: Path) -> str | None:
    """Digest of the signature of a folder's seal; None where the seal is not signed."""
    signature = folder / SEAL_SIGNATURE
    return sha256_of(signature) if signature.exists() else None


def write_sealed(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A new folder that holds `files` (relative name -> content, text as UTF-8) and is sealed; returns it. It appears
    whole or not at all: it is written and sealed beside its place, then moved there.

    Raises:
        RunFolderError: the folder exists, a name leaves it, or the disk refuses.
    """
    contents = {inside(name): content for name, content in files.items()}
    require_absent(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(mkdtemp(prefix=DRAFT, dir=folder.parent))
        try:
            _fill(draft, contents)
            seal_folder(draft)
            draft.rename(folder)
        except BaseException:
            _remove(draft)
            raise
    except OSError as error:
        require_absent(folder)  # made meanwhile
        raise RunFolderError(
            f"{folder}: cannot write ({error.strerror}); free space or give write permission"
        ) from error
    return folder


def require_absent(folder: Path) -> None:
    """What is sealed is never overwritten.

    Raises:
        RunFolderError: the folder exists.
    """
    if os.path.lexists(folder):  # a name that no disk takes is not there
        raise RunFolderError(
            f"{folder}: is there already, and what is sealed is never overwritten; name another with --into"
        )


def _fill(folder: Path, contents: Mapping[Path, str | bytes]) -> None:
    for name, content in contents.items():
        target = folder / name
        target.parent.mkdir(exist_ok=True, parents=True)
        with target.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)


def _remove(draft: Path) -> None:
    """Remove a folder that may be sealed already."""
    for path in [draft, *draft.rglob("*")]:
        if path.is_dir():
            path.chmod(stat.S_IRWXU)
    shutil.rmtree(draft)


def read_manifest(manifest: Path) -> dict[str, str]:
    """Relative name -> digest, as the manifest lists them.

    Raises:
        RunFolderError: a line is none of a manifest, or names a file twice or outside the folder.
    """
    listed: dict[str, str] = {}
    for number, line in enumerate(read_plain(manifest).decode(errors="replace").splitlines(), 1):
        digest, separator, name = line.partition("  ")
        if not separator or len(digest) != 64 or name in listed:
            raise RunFolderError(f"{manifest}:{number}: expected '<sha256>  <path>', found {line!r:.80}")
        listed[str(inside(name))] = digest
    return listed
