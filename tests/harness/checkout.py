"""A copy of this checkout for tests that call `./lab`, which may make its environment anew; this one is in use."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from harness.station.station import APPLICATION

PARTS = (
    *("harness", "meters", "reports", "templates", "workloads"),
    *("lab", "lab.toml", "requirements.lock", "pyproject.toml"),
)
DEBIANS_PYTHON = Path("/usr/bin/python3")
PROGRAM = """\
#!/bin/sh
PYTHONPATH={folder} exec {python} -m harness.cli "$@"
"""


def copied(folder: Path) -> Path:
    """The copy, in `folder`; its environment is this one's Python with the copy's code, and counts as up to date."""
    folder = folder.resolve()
    folder.mkdir()
    for part in PARTS:
        source, target = APPLICATION / part, folder / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "wattlab").write_text(PROGRAM.format(folder=folder, python=sys.executable))
    (programs / "wattlab").chmod(0o755)
    python = str(DEBIANS_PYTHON) if DEBIANS_PYTHON.exists() else "python3"
    version = subprocess.run([python, "-V"], check=True, capture_output=True, text=True).stdout
    made_of = [(folder / name).read_bytes() for name in ("requirements.lock", "pyproject.toml")]
    key = hashlib.sha256(b"".join([f"{folder}\n{version}".encode(), *made_of])).hexdigest()
    (folder / ".venv" / ".lab-host").write_text(f"{key}\n")  # as `key_of` of the script
    return folder
