"""What an audit report names or shows of a campaign's files: digest of every raw file, photographs as attached.

Knows the manifests, the two logs and the attachments. Computes no digest but of what it embeds, and no result.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.record.campaign_folder import ANNOTATIONS, CAMPAIGN, IMAGE_TYPES, MAX_PHOTO_BYTES, PHOTO, RECEIPTS
from harness.record.plain_files import read_plain, sha256_of
from harness.record.seal import MANIFEST, SEAL_SIGNATURE
from reports.results.document import Results
from reports.results.header import AttachedFile


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file of the campaign, relative to its folder, and the digest it was sealed, chained or attached with."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class EmbeddedPhoto:
    """A photograph: its name, its bytes as a data URI; empty, with the reason, where it cannot be shown."""

    name: str
    data_uri: str
    reason: str


def raw_files(campaign: Path, results: Results) -> list[RawFile]:
    """The logs as they are, every file of every sealed run, every attachment."""
    logs = [
        RawFile(name, sha256_of(campaign / name))
        for name in (CAMPAIGN, ANNOTATIONS, RECEIPTS)
        if (campaign / name).is_file()
    ]
    attached = [RawFile(str(file.path), str(file.sha256)) for file in results.campaign.attachments]
    runs = [file for name in results.inputs for file in _of_run(campaign, name)]
    return [*logs, *attached, *runs]


def _of_run(campaign: Path, name: str) -> Iterator[RawFile]:
    try:
        lines = read_plain(campaign / name / MANIFEST).decode("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        digest, _, path = line.partition("  ")
        yield RawFile(f"{name}/{path}", digest)
    if (signature := campaign / name / SEAL_SIGNATURE).is_file():
        yield RawFile(f"{name}/{SEAL_SIGNATURE}", sha256_of(signature))


def photos(campaign: Path, results: Results) -> list[EmbeddedPhoto]:
    """The photographs attached to the campaign, each as attached or with the reason why it is not shown."""
    return [_photo(campaign, file) for file in results.campaign.attachments if file.note == PHOTO]


def _photo(campaign: Path, attachment: AttachedFile) -> EmbeddedPhoto:
    path = PurePosixPath(str(attachment.path))
    if path.is_absolute() or ".." in path.parts:
        return EmbeddedPhoto(path.name, "", "its path leaves the campaign")
    try:
        content = read_plain(campaign / path)
    except OSError:
        return EmbeddedPhoto(path.name, "", "the file cannot be read")
    if hashlib.sha256(content).hexdigest() != attachment.sha256:
        return EmbeddedPhoto(path.name, "", "the file is not the one that was attached")
    kind = next((kind for first, kind in IMAGE_TYPES.items() if content.startswith(first)), None)
    if kind is None or len(content) > MAX_PHOTO_BYTES:
        return EmbeddedPhoto(path.name, "", "neither PNG nor JPEG, or larger than 4 MiB")
    return EmbeddedPhoto(path.name, f"data:{kind};base64,{base64.b64encode(content).decode()}", "")
