"""A campaign as one file: a zipped BagIt bag (RFC 8493), written, and unpacked whoever made it.

Knows zip files and bags, and that the one to unpack may be hostile: nothing is written outside the given folder, no
link is made, nothing grows beyond its limits, no two names can mean one file. Knows nothing of what a campaign proves.
"""

import re
import shutil
import stat
import tempfile
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from itertools import pairwise
from pathlib import Path, PurePosixPath

import bagit

from harness.evidence.statement import parts_of
from harness.record.campaign_folder import CAMPAIGN, CampaignFolder
from harness.record.entries import header_of
from harness.record.errors import RunFolderError, SigningError, why
from harness.record.plain_files import open_plain, read_plain

PAYLOAD = "data"
DECLARATION = "bagit.txt"
STAMP = (1980, 1, 1, 0, 0, 0)
"""Of every entry: two bags of one campaign differ in the bagging date only."""
CHUNK = 1 << 20
LINK_FIELDS = frozenset({0x000D, 0x756E})
"""Extra fields that carry the target of a link (PKWARE UNIX, ASi UNIX)."""
TAG_FILES = re.compile(r"bagit\.txt|bag-info\.txt|(?:tag)?manifest-[a-z0-9]+\.txt")
"""What stands in a bag beside its payload. `fetch.txt` would name files that are not in it; anything else is in no
manifest that a bag must have (RFC 8493, 2.2)."""
END_RECORD, END_MARK = 22, b"PK\x05\x06"
"""Bytes of the record that a zip file without a comment ends with, and its first (APPNOTE 4.3.16)."""
LOCAL_HEADER = 30
"""Bytes of a local file header without its name (APPNOTE 4.3.7)."""
ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Limits:
    """What a package may ask for: entries, bytes of one file and of all, how far it may swell, bytes of its directory.

    A file below `small` may swell as it likes: 100 KiB of one letter are no bomb.
    """

    entries: int = 100_000
    file_bytes: int = 4 << 30
    total_bytes: int = 16 << 30
    ratio: int = 200
    small: int = 1 << 20
    directory_bytes: int = 32 << 20
    name_bytes: int = 1024


LIMITS = Limits()
"""Of a package that anybody may have made."""
OWN = Limits(entries=1 << 22, file_bytes=1 << 42, total_bytes=1 << 44, directory_bytes=1 << 31, ratio=1 << 40)
"""Of one whose digest is known: only a full disk ends it."""


def write_bag(campaign: Path, target: Path, limits: Limits = LIMITS) -> list[str]:
    """Write a campaign as a zipped bag to a new file; return the names in its folder that do not belong into it.

    Raises:
        RunFolderError: no campaign, a link or device in it, the file exists, the disk refuses, or it is larger than
            whoever gets it would unpack.
    """
    folder = CampaignFolder(campaign)
    name = campaign.resolve().name
    entries = folder.entries()
    header = header_of(entries)
    config = (header and header.config) or {}
    belongs = parts_of(entries)
    about = {
        "Source-Organization": str(config.get("lab", {}).get("name", "")) or "unknown",
        "External-Identifier": "" if header is None else f"{header.name} {header.uid or None}",
        "External-Description": "wattlab campaign; `wattlab verify` checks it with the lab's public key",
        "Bag-Software-Agent": "wattlab",
    }
    if not target.resolve().parent.is_dir():
        raise RunFolderError(f"{target}: there is no folder {target.resolve().parent}; make it, or name another file")
    if target.exists():
        raise RunFolderError(f"{target}: exists already; choose another name for --into")
    try:
        with tempfile.TemporaryDirectory(prefix=".wattlab-", dir=target.resolve().parent) as scratch:
            staged = Path(scratch) / name
            _require_unpackable(campaign, belongs, target, limits)
            for item in sorted(belongs):
                _copy(campaign / item, staged / item)
            bagit.make_bag(str(staged), _plain_text(about), checksums=["sha256"])
            _zip(staged, Path(scratch) / "bag.zip")
            _require_no_bomb(Path(scratch) / "bag.zip", target, limits)
            target.open("xb").close()  # never over another file, and whole or not at all
            (Path(scratch) / "bag.zip").replace(target)
    except OSError as error:
        raise RunFolderError(f"{target}: cannot write the bag ({error.strerror or error})") from error
    except bagit.BagError as error:
        raise RunFolderError(f"{target}: cannot write the bag ({why(error)})") from error
    return sorted(path.name for path in campaign.iterdir() if path.name not in belongs)


def _plain_text(about: dict[str, str]) -> dict[str, str]:
    return {key: " ".join(value.split()) for key, value in about.items()}


def _require_unpackable(campaign: Path, belongs: Collection[str], target: Path, limits: Limits) -> None:
    files = [path for name in belongs for path in ((campaign / name), *(campaign / name).rglob("*")) if path.is_file()]
    sizes = {path: path.stat().st_size for path in files}
    largest = max(sizes, key=lambda path: sizes[path])
    for what, found, most in (
        ("files", len(files), limits.entries),
        ("bytes", sum(sizes.values()), limits.total_bytes),
        (f"bytes in {largest}", sizes[largest], limits.file_bytes),
    ):
        if found > most:
            raise RunFolderError(
                f"{target}: the campaign has {found} {what}, and of a package at most {most} are unpacked; hand over "
                "its folder, or `wattlab archive add --raw` it"
            )


def _require_no_bomb(package: Path, target: Path, limits: Limits) -> None:
    with zipfile.ZipFile(package) as written:
        problem = next(_bombs(written.infolist(), limits, package.stat().st_size), None)
    if problem is not None:
        raise RunFolderError(
            f"{target}: {problem}, whoever gets it would say, and refuse it; hand over the campaign's folder, or "
            "`wattlab archive add --raw` it"
        )


def _copy(source: Path, target: Path) -> None:
    """Copy plain files and folders; whatever else stands there is an error, nothing is followed."""
    try:
        mode = source.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        target.mkdir(parents=True)
        for item in sorted(source.iterdir()):
            _copy(item, target / item.name)
        return
    if not stat.S_ISREG(mode):
        raise RunFolderError(f"{source}: a link, pipe or device; only plain files go into a bag")
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_plain(source) as read, target.open("xb") as write:
        shutil.copyfileobj(read, write)


def _zip(bag: Path, target: Path) -> None:
    with target.open("xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for path in sorted(bag.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(f"{bag.name}/{path.relative_to(bag).as_posix()}", STAMP)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = (stat.S_IFREG | 0o644) << 16
                entry.file_size = path.stat().st_size
                with path.open("rb") as read, package.open(entry, "w") as write:
                    shutil.copyfileobj(read, write, CHUNK)


def unpack_bag(package: Path, into: Path, limits: Limits = LIMITS) -> Path:
    """Unpack a zipped bag of any origin below `into`, check it as a bag, return the campaign's folder in it.

    Raises:
        SigningError: it is no zip file, an entry is refused (with its name and why), or the bag is not valid.
    """
    try:
        with open_plain(package) as file, zipfile.ZipFile(_Bounded(file, package, limits)) as archive:
            entries = archive.infolist()
            _refuse(package, entries, limits, package.stat().st_size)
            _require_nothing_around(package, file, entries)
            if sum(entry.file_size for entry in entries) > shutil.disk_usage(into).free:
                raise SigningError(f"{package}: there is no space to unpack it in {into}")
            for entry in entries:
                _extract(archive, entry, into / "bag")
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, zlib.error) as error:
        raise SigningError(f"{package}: a damaged zip file ({error})") from None
    except OSError as error:
        raise SigningError(f"{package}: cannot unpack ({why(error)})") from error
    return _payload(package, into)


class _Bounded:
    """A file that reads no more at once than a directory of entries may have, so that none fills the memory."""

    def __init__(self, file: BufferedReader, package: Path, limits: Limits) -> None:
        self._file, self._package, self._limits = file, package, limits

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        if size > self._limits.directory_bytes:
            raise SigningError(f"{self._package}: its directory has {size} bytes; this is no package of a campaign")
        return self._file.read(size if size >= 0 else self._limits.directory_bytes)

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of a file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As of a file."""
        return self._file.tell()

    def seekable(self) -> bool:
        """It is."""
        return True


def _refuse(package: Path, entries: Sequence[zipfile.ZipInfo], limits: Limits, size: int) -> None:
    """Raise at the first entry that no bag of ours has."""
    if len(entries) > limits.entries:
        raise SigningError(f"{package}: {len(entries)} entries, at most {limits.entries} are unpacked")
    for problem in (*_bad_names(entries, limits), *_bad_kinds(entries), *_bombs(entries, limits, size)):
        raise SigningError(f"{package}: refused, {problem}")


def _require_nothing_around(package: Path, file: BufferedReader, entries: Sequence[zipfile.ZipInfo]) -> None:
    """Raise where bytes stand before the first entry or behind the directory: a reader of zip files skips them, and
    somebody else takes them for something."""
    first = min((entry.header_offset for entry in entries), default=0)
    if first != 0:
        raise SigningError(f"{package}: refused, {first} bytes stand before its first entry")
    place = file.tell()
    file.seek(-END_RECORD, 2)
    record = file.read(END_RECORD)
    file.seek(place)
    if not record.startswith(END_MARK) or record[-2:] != b"\0\0":
        raise SigningError(f"{package}: refused, bytes stand behind its directory, or a comment")


def _bad_names(entries: Sequence[zipfile.ZipInfo], limits: Limits) -> Iterator[str]:
    """Names that leave the folder, that two systems read differently, or that two entries share."""
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for entry in entries:
        name, shown = entry.orig_filename, repr(entry.orig_filename)[:120]
        parts, is_folder = name.removesuffix("/").split("/"), name.endswith("/")
        if name.startswith("/") or ":" in parts[0] or "\\" in name:
            yield f"{shown} is an absolute path or one of another system"
        elif any(part in ("", ".", "..") for part in parts):
            yield f"{shown} climbs out of its folder or has empty parts"
        elif not name.isprintable() or len(name.encode(errors="replace")) > limits.name_bytes:
            yield f"{shown} is no plain name"
        key = unicodedata.normalize("NFC", name.removesuffix("/")).casefold()
        if not is_folder and key in files:
            yield f"{shown} and {files[key]} are one file on some systems" if files[key] != shown else f"{shown} twice"
        (folders if is_folder else files)[key] = shown
        for end in range(1, len(parts)):
            above = "/".join(parts[:end])
            lower = unicodedata.normalize("NFC", above).casefold()
            if folders.setdefault(lower, repr(above)[:120]) not in (repr(above)[:120], repr(above + "/")[:120]):
                yield f"{shown} and {folders[lower]} are in one folder on some systems"
    for key in sorted(files.keys() & folders.keys()):
        yield f"{files[key]} is a file and a folder"


def _bad_kinds(entries: Sequence[zipfile.ZipInfo]) -> Iterator[str]:
    """Links of any sort, devices, encrypted entries, methods that nothing needs."""
    for entry in entries:
        shown, kind = repr(entry.orig_filename)[:120], stat.S_IFMT(entry.external_attr >> 16)
        if kind == stat.S_IFLNK or LINK_FIELDS & _extra_fields(entry.extra):
            yield f"{shown} is a link"
        elif kind not in (0, stat.S_IFDIR if entry.orig_filename.endswith("/") else stat.S_IFREG):
            yield f"{shown} is no plain file"
        elif entry.flag_bits & ENCRYPTED:
            yield f"{shown} is encrypted"
        elif entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            yield f"{shown} is packed with method {entry.compress_type}"


def _extra_fields(extra: bytes) -> set[int]:
    """Header ids of an entry's extra field (APPNOTE 4.5.1)."""
    found, at = set(), 0
    while at + 4 <= len(extra):
        found.add(int.from_bytes(extra[at : at + 2], "little"))
        at += 4 + int.from_bytes(extra[at + 2 : at + 4], "little")
    return found


def _bombs(entries: Sequence[zipfile.ZipInfo], limits: Limits, size: int) -> Iterator[str]:
    """Entries that are too large, swell too far, or share the same packed bytes."""
    for entry in entries:
        shown = repr(entry.orig_filename)[:120]
        if entry.file_size > limits.file_bytes:
            yield f"{shown} has {entry.file_size} bytes, at most {limits.file_bytes} are unpacked"
        if entry.file_size > max(limits.small, limits.ratio * entry.compress_size):
            yield f"{shown} swells from {entry.compress_size} to {entry.file_size} bytes: a compression bomb"
    if (total := sum(entry.file_size for entry in entries)) > limits.total_bytes:
        yield f"its files have {total} bytes, at most {limits.total_bytes} are unpacked"
    if total > max(limits.small, limits.ratio * size):
        yield f"it swells from {size} to {total} bytes: a compression bomb"
    for one, other in pairwise(sorted(entries, key=lambda entry: entry.header_offset)):
        if other.header_offset < one.header_offset + LOCAL_HEADER + one.compress_size:
            yield f"{other.orig_filename!r:.120} and {one.orig_filename!r:.120} share bytes: a compression bomb"


def _require_utf8(package: Path, declaration: Path) -> None:
    """Raise unless bagit.txt says that the bag's other tag files are UTF-8: whatever else Python knows by such a name
    is no encoding of a text, or one that nobody here reads."""
    try:
        encodings = re.findall(rb"(?im)^Tag-File-Character-Encoding[ \t]*:[ \t]*(.*?)[ \t]*$", read_plain(declaration))
    except OSError as error:
        raise SigningError(f"{package}: it has no {DECLARATION} ({error.strerror or error})") from None
    if [each.upper() for each in encodings] != [b"UTF-8"]:
        said = ", ".join(repr(each.decode(errors="replace"))[:40] for each in encodings) or "none"
        raise SigningError(f"{package}: refused, {DECLARATION} names the encoding {said}; expected UTF-8")


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, into: Path) -> None:
    """Write one checked entry as a new file, never more bytes than it declared."""
    target = into / PurePosixPath(entry.orig_filename)
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as read, target.open("xb") as write:
        while chunk := read.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise SigningError(f"{archive.filename}: {entry.orig_filename!r:.120} is longer than it says")
            write.write(chunk)
    if left:
        raise SigningError(f"{archive.filename}: {entry.orig_filename!r:.120} is shorter than it says")


def _payload(package: Path, into: Path) -> Path:
    """The campaign in an unpacked bag, moved to a folder of the bag's name; the bag's own manifest holds."""
    tops = list((into / "bag").iterdir()) if (into / "bag").is_dir() else []
    if len(tops) != 1 or not (tops[0] / PAYLOAD / CAMPAIGN).is_file():
        raise SigningError(f"{package}: found no bag with a campaign in it; `wattlab export bag` writes one")
    odd = sorted(item.name for item in tops[0].iterdir() if item.name != PAYLOAD and not TAG_FILES.fullmatch(item.name))
    if odd:
        raise SigningError(f"{package}: refused, {odd[0]!r:.120} is no part of a bag of a campaign")
    _require_utf8(package, tops[0] / DECLARATION)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            bagit.Bag(str(tops[0])).validate()
    except (bagit.BagError, OSError, ValueError, LookupError) as error:
        raise SigningError(f"{package}: the bag's own manifest does not hold ({error})") from None
    home = into / "campaign"
    home.mkdir()
    return (tops[0] / PAYLOAD).rename(home / tops[0].name)
