"""Which files of a folder are PTDaemon's, and which belong to one session.

Knows names of files and folders of MLPerf power submissions. Reads none of them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.foreign.importers.ptd.samples import ISO_MARK
from harness.record.errors import ImportFileError

CONSOLE, SERVER, CLIENT = "ptd_logs.txt", "server.json", "client.json"
FIRST_CONSOLE = "ptd_logs_analyzer_1.txt"
_NUMBERED = re.compile(r"spl[-_]?(?:analyzer[-_]?)?(\d+)\.(?:txt|csv)(?:\.gz)?")
"""The log of one analyser of several: `spl_analyzer_2.csv` as MLPerf's power server names it, `spl2.txt`."""
LEAVES = frozenset({"ranging", "testing", "run_1", "performance", "power"})
"""Folders of a submission that name no workload."""


@dataclass(frozen=True, slots=True)
class SessionFiles:
    """The files of one session before they are read: its root folder, its row files, the unit that it is for a
    grouping, and the parts of its path that may name a workload."""

    root: Path
    rows: list[Path]
    unit: Path
    parts: tuple[str, ...] = ()


def files_in(path: Path) -> list[SessionFiles]:
    """What to import: a file by itself, or every spl.txt of a folder with the logs of its session beside it."""
    if path.is_file():
        return [SessionFiles(path.parent, [path], path)]
    if not path.is_dir():
        raise ImportFileError(f"{path}: no such file or folder; name a PTDaemon log, or a folder with spl.txt in it")
    files = _once_each(file for file in path.rglob("*") if re.fullmatch(r"spl\.txt(\.gz)?", file.name))
    if not files:
        files = _once_each(file for file in path.rglob("*") if re.fullmatch(r"ptd.*\.(txt|log|csv)(\.gz)?", file.name))
    if not files:
        raise ImportFileError(f"{path}: no spl.txt and no ptd*.txt or ptd*.log in it or below; name the log itself")
    of_root: dict[Path, list[Path]] = {}
    for file in files:
        of_root.setdefault(_root_of(file, path), []).append(file)
    return [SessionFiles(root, rows, root, _parts(root, path)) for root, rows in of_root.items()]


def _parts(root: Path, top: Path) -> tuple[str, ...]:
    parts = [ISO_MARK.sub("", part) for part in root.relative_to(top).parts if part not in LEAVES]
    return tuple(re.sub(r"[^\w.]+|_", "-", part).strip("-") for part in parts if part)


def _once_each(files: Iterable[Path]) -> list[Path]:
    """Files in order; of one that lies packed and unpacked in one folder the unpacked."""
    ordered = sorted(files)
    plain = {file for file in ordered if file.suffix != ".gz"}
    return [file for file in ordered if file in plain or file.with_suffix("") not in plain]


def _root_of(file: Path, top: Path) -> Path:
    """The folder of a session: the nearest one upwards (not above `top`) that holds its console log, server.json or
    client.json."""
    for folder in file.parents:
        if any(context(folder, name) for name in (CONSOLE, FIRST_CONSOLE, SERVER, CLIENT)):
            return folder
        if folder == top:
            break
    return file.parent


def analysers_of(file: Path) -> dict[int, Path]:
    """The logs of samples that lie in the folder of an spl.txt, by analyser: it, and numbered ones beside it; the
    numbered ones alone where they begin with 1, for then it is a copy or a merger of them."""
    named = ((_NUMBERED.fullmatch(path.name), path) for path in _once_each(file.parent.iterdir()))
    found = {int(match[1]): path for match, path in named if match is not None}
    return dict(sorted((found if 1 in found else {1: file} | found).items()))


def console_of(root: Path, analyser: int) -> Path | None:
    """The console log of one analyser of a session."""
    names = [FIRST_CONSOLE, CONSOLE] if analyser == 1 else []
    names += [f"ptd_logs_analyzer_{analyser}.txt", f"ptd_logs_{analyser}.txt", f"ptd_logs{analyser}.txt"]
    return next((path for name in names if (path := context(root, name))), None)


def context(root: Path, name: str) -> Path | None:
    """A file of a session's folder, in power/ or beside it."""
    return beside(root / "power", name) or beside(root, name)


def beside(folder: Path, name: str) -> Path | None:
    """A file of a folder, packed or not, that holds anything."""
    places = (folder / name, folder / f"{name}.gz")
    return next((file for file in places if file.is_file() and file.stat().st_size), None)
