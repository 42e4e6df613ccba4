"""The prepared pictures of the SUT as files: the record of prepare.py, which of them are used, their digests.

Knows `dataset.json`. Does not know how pictures are decoded, split or trained on, and imports no framework.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


class DataProblem(Exception):
    """The prepared data are missing, damaged or too few; one sentence with the remedy."""


def read_record(path: Path) -> dict[str, Any]:
    """A record that prepare.py wrote (`dataset.json`, `weights.json`)."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataProblem(f"{path}: no such file; run `wattlab sut prepare`") from error
    except ValueError as error:
        raise DataProblem(f"{path}: not readable as JSON ({error}); run `wattlab sut prepare` again") from error
    return record


def choose(files: dict[str, str], images_per_class: int) -> dict[str, list[str]]:
    """Class -> its files in order of name; the first `images_per_class` of them, all for 0."""
    chosen: dict[str, list[str]] = {}
    for relative in sorted(files):
        chosen.setdefault(relative.split("/")[0], []).append(relative)
    for name, members in chosen.items():
        if len(members) < images_per_class:
            remedy = f"prepare.py --images-per-class {images_per_class}"
            raise DataProblem(f"class {name}: {len(members)} pictures, {images_per_class} wanted; {remedy}")
    return {name: members[:images_per_class] if images_per_class else members for name, members in chosen.items()}


def digest_of(files: dict[str, str]) -> str:
    """One digest of name -> sha256, as prepare.py makes that of the whole set."""
    lines = "".join(f"{files[relative]}  {relative}\n" for relative in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def checked(source: Path, sha256: str) -> bytes:
    """A picture as prepare.py found it.

    Raises:
        DataProblem: it is gone, or another one.
    """
    try:
        content = source.read_bytes()
    except FileNotFoundError as error:
        raise DataProblem(f"{source}: no such file, but it was prepared; run `wattlab sut prepare`") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataProblem(f"{source}: sha256 {found[:12]}..., prepared was {sha256[:12]}...; prepare it anew")
    return content
