"""What every import shares: what it loads, and where what was read waits until it is written."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness.foreign.importers.spool import Spool
from harness.record.errors import ImportFileError

IMPORTERS = ("oscar", "nvidia_smi", "ptd", "tracker")


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
