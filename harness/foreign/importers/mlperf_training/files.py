"""Which result logs of a folder have power logs, and which are theirs.

Knows names of files and folders of MLPerf Training's submissions. Reads none of them.

A submission has `result_N.txt` and beside it `power/result_N/` with `node_*.txt` and `sw_*.txt`. Logs that lie in one
folder with the only result log are its own too.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from harness.foreign.importers.grouping import bare_name
from harness.foreign.importers.mlperf_training.power import NAME
from harness.record.errors import ImportFileError

RESULT = re.compile(r"result_.*\.txt(\.gz)?")


@dataclass(frozen=True, slots=True)
class RunFiles:
    """A result log and the power logs of its run, nodes before switches."""

    result: Path
    logs: tuple[Path, ...]


def files_in(path: Path) -> tuple[list[RunFiles], list[Path]]:
    """The runs of a folder, or of one result log, in order of their paths, and the result logs without power.

    Raises:
        ImportFileError: no such path, no result log, none with power logs.
    """
    if path.is_file():
        results = [path]
    elif path.is_dir():
        results = sorted(file for file in path.rglob("*") if RESULT.fullmatch(file.name) and file.is_file())
    else:
        raise ImportFileError(f"{path}: no such file or folder; name a submission's folder, or a result_N.txt")
    found = [RunFiles(result, _logs_of(result)) for result in results]
    runs = [files for files in found if files.logs]
    if not runs:
        raise ImportFileError(
            f"{path}: {len(results)} result logs (result_*.txt) and no power log of theirs; expected "
            "power/result_N/node_*.txt beside result_N.txt, or both in one folder"
        )
    return runs, [files.result for files in found if not files.logs]


def _logs_of(result: Path) -> tuple[Path, ...]:
    folder = result.parent / "power" / bare_name(result.name)
    if not folder.is_dir():
        folder = result.parent
        if sum(1 for file in folder.iterdir() if RESULT.fullmatch(file.name)) > 1:
            return ()
    logs = [file for file in folder.iterdir() if NAME.fullmatch(file.name) and file.is_file()]
    return tuple(sorted(logs, key=_order))


def _order(log: Path) -> tuple[str, int, str]:
    match = NAME.fullmatch(log.name)
    kind, number = (match[1], match[2]) if match else ("", "")
    return kind, int(number) if number.isdecimal() else 0, number
