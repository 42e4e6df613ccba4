"""How a run failed, in words.

Knows errors, exit codes and the files of a command's output. Knows no run.
"""

from pathlib import Path

from harness.record.errors import LabError, printable
from meters.meter import MeterError

MEANINGS = {120: " (Python could not write all of its output: is the disk of the SUT full?)"}
"""What some exit codes mean that say nothing by themselves."""
OUT_OF_MEMORY = " (out of memory: meanwhile the SUT's kernel ended a process for want of it)"
OUTPUTS = ("stderr.txt", "stdout.txt")
"""Artifacts of every command. What went wrong stands in the first more often."""


def last_words(folder: Path) -> str:
    """The last line that the command of a run wrote, and where all of it is, as the end of a sentence."""
    paths = [path for name in OUTPUTS if (path := folder / "artifacts" / name).exists()]
    written = {path.name: text for path in paths if (text := path.read_text(errors="replace").strip())}
    if not written:
        return "; it wrote nothing" if paths else ""
    last = next(iter(written.values())).rsplit("\n", 1)[-1].strip()
    return f" after {last[:300]!r}; all that it wrote is in {folder.name}/artifacts: {' and '.join(written)}"


def reason_of(error: BaseException) -> str:
    """What ended a run or a step, in one sentence."""
    if isinstance(error, LabError | MeterError):
        return printable(str(error))
    if isinstance(error, KeyboardInterrupt):
        return "interrupted by the operator (Ctrl-C)"
    return printable(f"{type(error).__name__}: {error}")
