"""What is kept of others under templates/vendor: that it is what its README says it is."""

import hashlib
import re
from pathlib import Path

import pytest

VENDOR = Path(__file__).resolve().parents[2] / "templates" / "vendor"
PACKAGES = sorted(path for path in VENDOR.iterdir() if path.is_dir())


def digests(folder: Path) -> dict[str, str]:
    """File -> sha256, as the README of a vendored package has them."""
    return dict(re.findall(r"sha256 of `([^`]+)`.*: `([0-9a-f]{64})`", (folder / "README.md").read_text()))


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: folder.name)
def test_every_vendored_file_has_the_digest_that_its_readme_names_and_a_licence_beside_it(folder: Path) -> None:
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "README.md"}
    assert "LICENSE" in files
    assert {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} == digests(folder)
    assert re.search(r"`sha512-[A-Za-z0-9+/]{86}==`", (folder / "README.md").read_text())
