"""What every import shares: the bytes of run folders, what it loads, where what was read waits until it is written."""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.foreign.importers.imported import Summary
from harness.foreign.importers.nvidia_smi.importer import import_nvidia_smi
from harness.foreign.importers.oscar.importer import import_oscar
from harness.foreign.importers.ptd.importer import import_ptd
from harness.foreign.importers.spool import Spool
from harness.record.errors import ImportFileError

IMPORTERS = ("oscar", "nvidia_smi", "ptd", "tracker")
DATA = Path(__file__).parents[1] / "data"
GOLDEN: dict[str, tuple[Callable[[Path], Summary], str]] = {
    "okular": (
        lambda into: import_oscar(DATA / "okular", into),
        "e39086d690f255ff6d379d526a8f790550b2ba2fb8b76cf201d39f3be3ff84df",
    ),
    "delrey": (
        lambda into: import_nvidia_smi([DATA / "delrey"], into),
        "1ae550baf4abb1371b1c3de9c17b346dd2296e67e37be942efa0f7a51dc9320e",
    ),
    "nvidia-smi": (
        lambda into: import_nvidia_smi([DATA / "nvidia-smi"], into),
        "c9b74c8833f4a17ef879afaeffab28c77a7cd3762072b853064e64549fb3d919",
    ),
    "krai": (
        lambda into: import_ptd(DATA / "ptd" / "krai", into),
        "e530ec6475ec4d2739caf5bac8f89e080b7c08212ddb00ccd3d3aa43d26ec596",
    ),
    "untether": (
        lambda into: import_ptd(DATA / "ptd" / "untether", into),
        "fc2f2e5f5b93349c3e38785968e6de659e8a2e922b5fa8d6e864375b081438b4",
    ),
}
"""What is imported, and the digest of its run folders as commit e5b9766 wrote them (`digest_of`)."""


def digest_of(campaign: Path) -> str:
    """Of names and contents of all files in the runs; of a start without machine, checkout and thresholds."""
    digest = hashlib.sha256()
    for path in sorted(campaign.glob("*/*.*")):
        content = path.read_bytes()
        if path.name == "MANIFEST.sha256":
            continue  # it holds the digest of the start
        if path.name == "run.jsonl":
            start, *others = content.splitlines()
            known = json.loads(start)
            for other in ("software", "host", "previous_manifest", "config"):
                del known[other]
            content = b"\n".join([json.dumps(known).encode(), *others])
        digest.update(f"{path.relative_to(campaign)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@pytest.mark.parametrize("name", GOLDEN)
def test_run_folders_of_published_files_are_what_they_were_to_the_byte(name: str, tmp_path: Path) -> None:
    load, expected = GOLDEN[name]
    load(tmp_path / "c")
    assert digest_of(tmp_path / "c") == expected


@pytest.mark.parametrize("form", IMPORTERS)
def test_an_import_loads_no_table_library_and_nothing_that_draws(form: str) -> None:
    program = f"import sys, harness.foreign.importers.{form}.importer; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {"pandas", "scipy", "matplotlib", "reports", "serial", "paramiko"}.isdisjoint(loaded)


def test_what_is_put_aside_comes_back_in_any_order() -> None:
    with Spool() as spool:
        first, empty, last = spool.put(b"one"), spool.put(b""), spool.put(b"three")
        assert (last(), first(), empty(), last()) == (b"three", b"one", b"", b"three")


def test_a_folder_that_takes_nothing_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(ImportFileError, match=r"gone: what is imported cannot be put aside .*TMPDIR"):
        Spool()
