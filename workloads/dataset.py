"""The flower photographs of tf_flowers: found, unpacked or fetched, and the digest of any picture set in class folders.

Knows the published archive (address, digest, layout `flower_photos/<class>/<name>.jpg`). Does not know how pictures
are generated, split or trained on. Standard library only.

The archive: 3670 photographs, 228813984 bytes; its sha256 is the one in the checksum list of TensorFlow Datasets.
"""

from __future__ import annotations

import hashlib
import socket
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

CLASSES = ("daisy", "dandelion", "roses", "sunflowers", "tulips")
ARCHIVE_URL = "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz"
ARCHIVE_SHA256 = "4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c"
REACH_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 30.0
PICTURES = (".jpg", ".jpeg", ".png", ".bmp")
"""What TensorFlow's `decode_image` reads and prepare.py takes, in small or capital letters."""
_BLOCK = 1 << 20

Say = Callable[[str], None]


class DataError(Exception):
    """Data or weights are missing, damaged or not what they should be; one sentence with the remedy."""


def sha256_of(path: Path) -> str:
    """Digest of one file, read in blocks."""
    state = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            state.update(block)
    return state.hexdigest()


def index_of(folder: Path, classes: Sequence[str] = CLASSES) -> dict[str, str]:
    """`<class>/<name>` -> sha256 of every picture below `folder`, in sorted order.

    Raises:
        DataError: a class has no picture.
    """
    files = {
        f"{name}/{path.name}": path
        for name in classes
        for path in (folder / name).glob("*")
        if path.suffix.lower() in PICTURES
    }
    for name in classes:
        if not any(relative.startswith(f"{name}/") for relative in files):
            raise DataError(f"{folder / name}: no .jpg file; expected one folder per class: {', '.join(classes)}")
    return {relative: sha256_of(files[relative]) for relative in sorted(files)}


def classes_of(folder: Path) -> list[str]:
    """The names of the folders in a folder, in order: the classes of a set."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def digest_of(files: dict[str, str]) -> str:
    """One digest over a whole set: sha256 of the lines `<sha256>  <class>/<name>`, sorted by name."""
    lines = "".join(f"{files[relative]}  {relative}\n" for relative in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def is_reachable(url: str, timeout_s: float = REACH_TIMEOUT_S) -> bool:
    """True when the host of `url` accepts a connection in time. Asked first: without a network, loaders retry long."""
    parts = urllib.parse.urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout_s).close()
    except OSError:
        return False
    return True


def download(url: str, target: Path, say: Say) -> str:
    """Fetch `url` into `target` (complete or not at all) and return its sha256.

    Raises:
        DataError: the transfer failed or ended early.
    """
    part = target.with_name(target.name + ".part")
    state, received, told = hashlib.sha256(), 0, 0
    try:
        with urllib.request.urlopen(url, timeout=READ_TIMEOUT_S) as answer, part.open("wb") as file:
            expected = int(answer.headers.get("Content-Length") or -1)
            while block := answer.read(_BLOCK):
                file.write(block)
                state.update(block)
                received += len(block)
                if received - told >= 20 * _BLOCK:
                    told = received
                    say(f"{target.name}: {received >> 20} MiB")
    except (OSError, urllib.error.URLError) as error:
        part.unlink(missing_ok=True)
        raise DataError(f"{url}: {error}; give the file itself instead") from error
    if expected >= 0 and received != expected:
        part.unlink(missing_ok=True)
        raise DataError(f"{url}: {received} bytes came, {expected} were announced; try again")
    part.replace(target)
    return state.hexdigest()


def unpack(archive: Path, folder: Path, inside: str = "flower_photos", classes: Sequence[str] = CLASSES) -> int:
    """Write every `<inside>/<class>/<name>` that is a picture to `folder/<class>/<name>` and count them; `classes`
    empty: of whatever classes there are.

    Only such members are taken, by content, so an archive cannot write anywhere else.

    Raises:
        DataError: not a readable archive, or a class is missing in it.
    """
    part = folder.with_name(folder.name + ".part")
    count = 0
    try:
        with tarfile.open(archive, "r:*") as tar:
            for member in tar:
                parts = PurePosixPath(member.name).parts
                taken = len(parts) == 3 and parts[0] == inside and (parts[1] in classes or not classes)
                content = tar.extractfile(member) if taken and member.isfile() and ".." not in parts else None
                if content is None or PurePosixPath(parts[2]).suffix.lower() not in PICTURES:
                    continue
                target = part / parts[1] / parts[2]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
                count += 1
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{archive}: cannot be read as an archive ({error}); fetch it again") from error
    missing = [name for name in classes if not (part / name).is_dir()]
    if missing or not count:
        wanted = ", ".join(missing) or "any class"
        raise DataError(f"{archive}: no {inside}/<class>/*.jpg for {wanted}; is it the published one?")
    part.replace(folder)
    return count


def fetch_tf_flowers(data: Path, archive: Path | None, url: str, say: Say) -> dict[str, object] | None:
    """Bring tf_flowers to `data/flower_photos`: as it lies there, from an archive, or from `url` where it answers.

    Returns where it came from (`folder`, `archive_sha256`, `published`), or None where it cannot be had.

    Raises:
        DataError: what is there is damaged, or what was given is not the data set.
    """
    folder = data / "flower_photos"
    lying = data / "flower_photos.tgz"
    if folder.is_dir():
        sha256 = None
    else:
        source = archive or (lying if lying.is_file() else None)
        if source is None:
            if not is_reachable(url):
                say(f"tf_flowers: {urllib.parse.urlsplit(url).hostname} does not answer and no archive was given")
                return None
            say(f"tf_flowers: fetching {url}")
            download(url, lying, say)
            source = lying
        if not source.is_file():
            raise DataError(f"{source}: no such file; expected flower_photos.tgz")
        sha256 = sha256_of(source)
        say(f"tf_flowers: {unpack(source, folder)} photographs from {source}")
    published = None if sha256 is None else sha256 == ARCHIVE_SHA256
    return {"folder": folder.name, "archive_sha256": sha256, "published": published}
