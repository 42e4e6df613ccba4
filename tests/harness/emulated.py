"""A Watts Up? that is emulated in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

POWER_W = 100.0


@contextmanager
def emulator(
    link: Path, *, interval_s: float = 0.1, profile: str = f"watts=0:{POWER_W}", options: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """An emulated Watts Up? in its own process; yields what it says when it is ready."""
    command = [sys.executable, "-m", "meters.emulators", "wattsup", "--link", str(link)]
    command += ["--interval", str(interval_s), "--profile", profile, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
