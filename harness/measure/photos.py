"""Photographs of the set-up: the files that lab.toml names become attachments of the campaign, copied and chained.

Knows which files may be shown (PNG, JPEG, not too large). Knows no page. A file that has not changed is attached once.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from harness.measure.lab_file import LabConfig
from harness.record.campaign_folder import IMAGE_TYPES, MAX_PHOTO_BYTES, PHOTO, CampaignFolder
from harness.record.entries import Attachment, of
from harness.record.errors import ConfigError, RunFolderError, why
from harness.record.plain_files import read_named

FOLDER = "photos"


def attach_photos(config: LabConfig, campaign: CampaignFolder, utc: str) -> None:
    """Copy every photograph that is not yet attached into the campaign, and chain its digest.

    Raises:
        ConfigError: a file is missing, too large, or neither PNG nor JPEG. RunFolderError: the disk refuses.
    """
    attached = {attachment.sha256 for attachment in of(Attachment, campaign.entries())}
    for path, content in (_photo(config, index) for index in range(len(config.file.lab.photos))):
        digest = hashlib.sha256(content).hexdigest()
        if digest in attached:
            continue
        target = campaign.path / FOLDER / f"{digest[:8]}-{path.name}"
        try:
            target.parent.mkdir(exist_ok=True)
            with target.open("xb") as file:
                file.write(content)
            target.chmod(0o444)
        except OSError as error:
            raise RunFolderError(f"{target}: cannot attach the photograph ({why(error)})") from error
        entry = {"path": target.relative_to(campaign.path).as_posix(), "sha256": digest, "note": PHOTO}
        campaign.append("attachment", utc, entry)


def problems_of(config: LabConfig) -> Iterator[str]:
    """A sentence for every photograph of lab.toml that cannot be attached."""
    for index in range(len(config.file.lab.photos)):
        try:
            _photo(config, index)
        except ConfigError as error:
            yield str(error)


def _photo(config: LabConfig, index: int) -> tuple[Path, bytes]:
    """A photograph that lab.toml names, and its bytes."""
    where, path = (
        f"{config.path}: lab.photos[{index}]",
        config.path.parent / Path(config.file.lab.photos[index]).expanduser(),
    )
    try:
        content = read_named(path)
    except OSError as error:
        raise ConfigError(f"{where}: cannot read {path} ({why(error)})") from None
    if not content.startswith(tuple(IMAGE_TYPES)):
        raise ConfigError(f"{where}: {path} is neither a PNG nor a JPEG file; save the photograph as one of them")
    if len(content) > MAX_PHOTO_BYTES:
        size, limit = len(content) // 1024, MAX_PHOTO_BYTES // 1024
        raise ConfigError(f"{where}: {path} has {size} KiB, at most {limit} are embedded; make it smaller")
    return path, content
