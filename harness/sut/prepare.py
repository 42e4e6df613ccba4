"""`wattlab sut prepare`: an environment for agent and programs, data and weights on the SUT; only what is missing.

Knows the locks and the programs of workloads/ that are copied there. Knows no lab.toml: which scenario needs what is
said by `Needs`.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.record.errors import SutError, SutRefused
from harness.sut.channel import json_or_none
from harness.sut.files import make_folders, write
from harness.sut.machine import Sut

WORKLOADS = Path(__file__).resolve().parents[2] / "workloads"
AGENT_NEEDS = ("psutil",)
AGENT_PACKAGES = (*AGENT_NEEDS, "nvidia-ml-py")
"""What is installed for the agent; without the second it records no GPU."""
TENSORFLOW = "tensorflow-cpu"


@dataclass(frozen=True, slots=True)
class Needs:
    """What programs need there beside the agent: distributions of workloads/requirements.txt, and what of WATTLAB_DATA
    (`dataset`, `weights`)."""

    packages: tuple[str, ...]
    prepared: tuple[str, ...]


def prepare(sut: Sut, needs: Needs, progress: Callable[[str], None]) -> str:
    """Everything that is needed there: an environment for agent and programs, data, weights. Does what is missing.

    Returns the interpreter to measure with; where that is not the configured one, `progress` said so.

    Raises:
        SutRefused: no usable interpreter. SutError: an installation or a download failed; its output went to
        `progress`.
    """
    python = _prepare_python(sut, (*AGENT_NEEDS, *needs.packages), progress)
    if needs.prepared:
        _prepare_data(sut, python, needs.prepared, progress)
    return python


def _prepare_data(sut: Sut, python: str, parts: Sequence[str], progress: Callable[[str], None]) -> None:
    programs = _programs()
    folder = f"{sut.root}/prepare"
    with sut.link.guarded(f"copying to {folder}"), sut.link.sftp() as sftp:
        for name, content in programs.items():
            make_folders(sftp, str(PurePosixPath(folder, name).parent))
            write(sftp, f"{folder}/{name}", content)
        make_folders(sftp, sut.data_folder)
    only = [word for part in parts for word in ("--only", part)]
    command = ["env", f"WATTLAB_DATA={sut.data_folder}", python, "-u", f"{folder}/prepare.py", *only]
    sut.link.stream(command, lambda line: progress(_summary(line)))


def _prepare_python(sut: Sut, packages: Sequence[str], progress: Callable[[str], None]) -> str:
    """An interpreter that has every package: the configured one, or that of a venv made in wattlab's folder."""
    own = sut.own_python
    base = "python3" if sut.python == own and not sut.exists(own) else sut.python
    sut.require_python(base)
    for python in dict.fromkeys((sut.python, own)):
        lacking = sut.lacking(packages, python) if sut.exists(python) else [python]
        if not lacking:
            progress(f"{python} has everything that is needed")
            _advise(sut, python, progress)
            return python
        if python != own:
            progress(f"{python} has no {', '.join(lacking)}; `{python} -m pip install {' '.join(lacking)}` adds it")
    if not sut.exists(own):
        progress(f"making {sut.root}/venv with {base}")
        with sut.link.guarded("making the folder"), sut.link.sftp() as sftp:
            make_folders(sftp, sut.root)
        sut.link.stream([base, "-m", "venv", f"{sut.root}/venv"], progress)
    _install(sut, own, packages, progress)
    if lacking := sut.lacking(packages, own):
        raise SutError(f"{sut.name}: after the installation {own} still lacks {', '.join(lacking)}")
    _advise(sut, own, progress)
    return own


def _install(sut: Sut, python: str, packages: Sequence[str], progress: Callable[[str], None]) -> None:
    """First what the agent needs to say what machine this is, then what fits the machine."""
    _install_part(sut, python, "requirements.lock", AGENT_PACKAGES, progress)
    if not sut.lacking(packages, python):
        return
    facts = sut.facts(python)
    if facts["machine"] != "x86_64" and not facts["gpus"] and TENSORFLOW in packages:
        raise SutRefused(
            f"{sut.name}: it is {facts['machine']}, and {TENSORFLOW} is there for x86_64 only; take the scenarios "
            f"that need it out, or name an interpreter of yours that has TensorFlow in {sut.config.table}.python"
        )
    lock = "requirements-gpu.lock" if facts["gpus"] else "requirements.lock"
    _install_part(sut, python, lock, packages, progress)


def _install_part(sut: Sut, python: str, lock: str, packages: Sequence[str], progress: Callable[[str], None]) -> None:
    part = part_of_lock((WORKLOADS / lock).read_text(), packages)
    remote = f"{sut.root}/{lock}"
    with sut.link.guarded(f"copying {lock}"), sut.link.sftp() as sftp:
        write(sftp, remote, part.encode())
    size = " (2 GB, some minutes the first time)" if TENSORFLOW in packages else ""
    progress(f"installing {', '.join(dict.fromkeys(packages))} into {sut.root}/venv{size}")
    sut.link.stream([python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", remote], progress)


def _advise(sut: Sut, python: str, progress: Callable[[str], None]) -> None:
    if python != sut.python:
        progress(
            f"write this into the table [{sut.config.table}] of lab.toml: python = {json.dumps(python)} "
            f"(now {json.dumps(sut.config.python)})"
        )


def _summary(line: str) -> str:
    """The record that `prepare.py` prints last, in words; any other line as it is."""
    record = json_or_none(line.encode()) if line.startswith("{") else None
    if not isinstance(record, dict):
        return line
    return ", ".join(
        f"{name}: {part.get('kind')} (sha256 {str(part.get('digest') or part.get('sha256'))[:64]})"
        for name, part in record.items()
        if isinstance(part, dict)
    )


def _programs() -> dict[str, bytes]:
    """What is copied for `prepare.py`: the programs beside it and the weights, by their path below workloads/."""
    folders = (WORKLOADS, WORKLOADS / "weights")
    files = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
    wanted = {".py", ".npz", ".json", ".sha256", ".toml", ".txt"}
    return {str(path.relative_to(WORKLOADS)): path.read_bytes() for path in files if path.suffix in wanted}


def part_of_lock(lock: str, wanted: Sequence[str]) -> str:
    """The entries of a lock file that some distributions need, by the `# via` that uv writes below each; where the lock
    has NAME in place of NAME-cpu, that."""
    entries = [(text.split("==", 1)[0], text) for text in re.split(r"\n(?=[a-z0-9])", lock.rstrip("\n"))[1:]]
    names = {name for name, _ in entries}
    needed = {name if name in names else name.removesuffix("-cpu") for name in wanted}
    if missing := needed - names:
        raise SutError(
            f"the lock of the SUT's packages has no {', '.join(sorted(missing))}; name it in requirements.txt"
        )
    while more := {name for name, text in entries if _parents(text) & needed} - needed:
        needed |= more
    return "".join(f"{text}\n" for name, text in entries if name in needed)


def _parents(entry: str) -> set[str]:
    """The distributions because of which an entry stands in a lock."""
    return set(re.findall(r"^ +# +(?:via )?([a-z0-9][a-z0-9.-]*)", entry, re.MULTILINE)) - {"via"}
