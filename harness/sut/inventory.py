"""What a command is made of on the SUT: the files that its words name there, and the packages of its Python.

Sent along (`Sut.ask_program`), so nothing of it stays on the SUT. Knows nothing of ours: no import, no run folder.
Standard library only, Python >= 3.7 (a command may have an older one than the agent's). Prints one JSON object.

    files WORK KNOWN WORD...    digest of every plain file that the words name; WORK is the command's folder
    packages STATE              distributions of this very interpreter; null where STATE still holds

KNOWN is the `files` of the answer before (JSON): a file whose status did not change since is not read again. Whatever
changes its bytes changes its ctime, which no program sets (stat(2)).
"""

# Plain os calls: it is short, and starts on old interpreters.
# ruff: noqa: PTH109, PTH110, PTH111, PTH112, PTH116, PTH118, PTH119, PTH120, PTH123

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from typing import Any

LARGEST = 4 << 30
"""A file above this is listed by its size: reading it would take longer than a run should wait."""
CHUNK = 1 << 20
PYTHON = re.compile(r"(python|pypy)[0-9.]*")
"""Names of interpreters."""
LIBRARIES = ("site-packages", "dist-packages")


def files(work: str, known: list[dict[str, Any]], words: list[str]) -> dict[str, Any]:
    """Every file that the words name outside `work`; of the interpreter among them the file stands apart."""
    before = {one["path"]: one for one in known}
    interpreter = interpreter_of(words, work)
    found = [described(path, before) for path in dict.fromkeys(places(words, work)) if path != interpreter]
    binary = None if interpreter is None else described(os.path.realpath(interpreter), before)
    return {"files": [one for one in found if one is not None], "interpreter": interpreter, "binary": binary}


def places(words: list[str], work: str) -> Iterator[str]:
    """Paths that the words of a command may mean: its program, every path, the path behind `--option=`. What lies in
    `work` was staged, or is made by the command itself."""
    for number, word in enumerate(words):
        if number == 0 and os.sep not in word:
            yield shutil.which(word) or ""
        for text in (word, word.partition("=")[2]):
            path = os.path.normpath(os.path.join(work, os.path.expanduser(text)))
            if os.sep in text and "\0" not in text and not path.startswith(work + os.sep):
                yield path


def interpreter_of(words: list[str], work: str) -> str | None:
    """The Python that runs the command: the first word that is one, or the one that its program's first line names."""
    for word in words:
        if PYTHON.fullmatch(os.path.basename(word)):
            return os.path.normpath(os.path.join(work, word)) if os.sep in word else shutil.which(word)
    program = shutil.which(os.path.join(work, words[0]) if os.sep in words[0] else words[0]) if words else None
    if program is None:
        return None
    with open(program, "rb") as file:
        line = file.readline(4096)
    return interpreter_of(line[2:].decode("utf-8", "replace").split(), work) if line.startswith(b"#!") else None


def described(path: str, known: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """One file as it is now; null where nothing is there. What is not digested says why."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    plain: dict[str, Any] = {"path": path, "kind": "other", "bytes": None, "sha256": None, "status": None}
    plain["why"] = "no plain file"
    if stat.S_ISDIR(status.st_mode):
        return {**plain, "kind": "folder", "why": "a folder"}
    if not stat.S_ISREG(status.st_mode):
        return plain
    mark = [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    if known.get(path, {}).get("status") == mark:
        return known[path]
    plain.update(kind="file", bytes=status.st_size, why=None, status=mark)
    if status.st_size > LARGEST:
        return {**plain, "kind": "large", "why": f"larger than {LARGEST} bytes"}
    try:
        return {**plain, "sha256": sha256_of(path)}
    except OSError as error:
        return {**plain, "kind": "other", "why": f"cannot be read ({error.strerror})", "status": None}


def sha256_of(path: str) -> str:
    """Hex SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(CHUNK), b""):
            digest.update(block)
    return digest.hexdigest()


def packages(state: str) -> dict[str, Any]:
    """The distributions of this interpreter, each once: the first on the path is the one that is imported."""
    paths = [path for path in sys.path if path and os.path.realpath(path) != os.getcwd()]
    plain: dict[str, Any] = {"executable": sys.executable, "python": sys.version.split()[0], "state": state_of(paths)}
    plain.update(packages=None, editable=[], extra_paths=extra_of(paths), problem=None)
    if plain["state"] == state:
        return plain
    try:
        from importlib.metadata import distributions
    except ImportError:
        return {**plain, "packages": [], "problem": "Python before 3.8 cannot list its own packages"}
    versions: dict[str, str] = {}
    for one in distributions(path=paths):
        name = re.sub(r"[-_.]+", "-", one.metadata["Name"] or "").lower()
        if name and name not in versions:
            versions[name] = one.version
            origin = editable_from(one.read_text("direct_url.json"))
            plain["editable"] += [{"name": name, "url": origin}] if origin else []
    return {**plain, "packages": sorted(f"{name}=={version}" for name, version in versions.items())}


def state_of(paths: list[str]) -> str:
    """Digest of when each of these was last changed: installing and removing a package changes its folder."""
    stamps = [(path, os.stat(path).st_mtime_ns if os.path.exists(path) else None) for path in paths]
    return hashlib.sha256(json.dumps([sys.version, sys.executable, stamps]).encode()).hexdigest()


def extra_of(paths: list[str]) -> list[str]:
    """Folders in which modules are found that belong to no distribution (PYTHONPATH, .pth files)."""
    own = os.path.dirname(os.path.realpath(os.__file__))
    others = [path for path in paths if os.path.isdir(path) and os.path.basename(path) not in LIBRARIES]
    return [path for path in others if not os.path.realpath(path).startswith(own)]


def editable_from(direct_url: str | None) -> str | None:
    """Where an editable installation has its files (PEP 610); null for any other, whose version names its content."""
    try:
        told = json.loads(direct_url or "{}")
        return str(told["url"]) if told["dir_info"]["editable"] else None
    except (ValueError, KeyError, TypeError):
        return None


def main(arguments: list[str]) -> dict[str, Any]:
    """What was asked for."""
    if arguments[0] == "files":
        return files(arguments[1], json.loads(arguments[2]), arguments[3:])
    return packages(arguments[1])


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
