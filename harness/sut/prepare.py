"""`wattlab sut prepare`: an environment for agent and programs, one for each framework that needs its own, data and
weights on the SUT: what the scenarios need, what is missing of it, and a word about what is there besides.

Knows the locks and the programs of workloads/ that are copied there, and for which machines they are. Knows no
lab.toml: which scenario needs what is said by `Needs`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from harness.record.documents import Json
from harness.record.errors import SutError, SutRefused
from harness.sut.channel import json_or_none
from harness.sut.environments import ENVIRONMENTS, MAIN_LOCK, Environment
from harness.sut.files import make_folders, write
from harness.sut.interpreters import builds_of
from harness.sut.machine import Sut

WORKLOADS = Path(__file__).resolve().parents[2] / "workloads"
AGENT_NEEDS = ("psutil",)
"""What is installed for the agent."""
GPU_NEEDS = ("nvidia-ml-py",)
"""What it needs besides where there is an NVIDIA driver; without it it records no GPU."""
TENSORFLOW = "tensorflow"
COMPILED = {TENSORFLOW: "TensorFlow", "jax": "JAX", "torch": "PyTorch", "scikit-learn": "scikit-learn"}
"""Frameworks, and what they are called."""
BUILT_FOR = ("x86_64", "aarch64")
"""Machines (`uname -m`) for which they are built."""
SIZES = {TENSORFLOW: "2 GB", "jax": ".7 GB", "torch": "6 GB"}
"""Of an installation: those that take some minutes."""
WITHOUT_CUDA = ("jax",)
"""Frameworks whose locked build has no CUDA."""
LOCKED_FOR = (3, 11)
"""The oldest Python of what the lock holds beside the agent's own."""
MACHINE = """
import json, platform, sys
# A Raspberry Pi with a 32-bit system may have a 64-bit kernel.
bits = "" if sys.maxsize > 1 << 32 else " with a 32-bit system"
print(json.dumps({"machine": platform.machine() + bits, "python": sys.version_info[:2]}))
"""
MOST_NAMED = 8
OF_VENV = frozenset({"pip", "setuptools", "wheel"})
"""What an environment may have before anything is installed."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What programs need there beside the agent: distributions of workloads/requirements.txt, what of WATTLAB_DATA
    (`dataset`, `weights`), and of each environment beside the main one the distributions of its lock; `of` says for
    whom, in words, package, part or environment -> who."""

    packages: tuple[str, ...]
    prepared: tuple[str, ...]
    of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    environments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def plan(self) -> Iterator[str]:
        """What is going to be there, and for whom, a line each."""
        yield f"the agent needs {', '.join(AGENT_NEEDS)}, and {', '.join(GPU_NEEDS)} where there is an NVIDIA GPU"
        for name in (*self.packages, *self.prepared):
            if readers := self.of.get(name):
                what = f"{name} (data)" if name in self.prepared else name
                yield f"{what}: needed by {', '.join(readers)}"
        for name, packages in self.environments.items():
            yield f"Python environment {name} ({', '.join(packages)}): needed by {', '.join(self.of.get(name, ()))}"
        if not self.packages and not self.prepared and not self.environments:
            yield "the scenarios need nothing more"


def prepare(sut: Sut, needs: Needs, progress: Callable[[str], None], *, exact: bool = False) -> str:
    """Everything that is needed there: an environment for agent and programs, those beside it, data, weights. Does what
    is missing; says what is there besides, or with `exact` removes it, from the environments that it made itself.

    Returns the interpreter to measure with; where that is not the configured one, `progress` said so.

    Raises:
        SutRefused: no Linux, no usable interpreter. SutError: an installation or a download failed; its output went to
        `progress`.
    """
    for line in needs.plan():
        progress(line)
    python = _prepare_python(sut, needs.packages, progress, exact=exact)
    for name, packages in needs.environments.items():
        _prepare_environment(sut, ENVIRONMENTS[name], packages, python, progress, exact=exact)
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


def _prepare_python(sut: Sut, packages: Sequence[str], progress: Callable[[str], None], *, exact: bool) -> str:
    """An interpreter that has every package: the configured one, or that of a venv made in wattlab's folder."""
    own = sut.own_python
    base = "python3" if sut.python == own and not sut.exists(own) else sut.python
    sut.require_python(base)
    wanted = (*AGENT_NEEDS, *(GPU_NEEDS if _has_driver(sut, base) else ()), *packages)
    if sut.python != own:
        if not (lacking := sut.lacking((*AGENT_NEEDS, *packages))):
            progress(f"{sut.python} has everything that is needed")
            return sut.python
        adding = f"`{sut.python} -m pip install {' '.join(lacking)}` adds it"
        progress(f"{sut.python} has no {', '.join(lacking)}; {adding}")
    _make(sut, own, base, progress)
    facts = _machine(sut, own, wanted, f"{sut.config.table}.python")
    has_gpu = any(name in wanted for name in GPU_NEEDS)
    lock = "requirements-gpu.lock" if has_gpu and facts["machine"] != "aarch64" else MAIN_LOCK
    _bring(sut, own, lock, wanted, progress, exact=exact)
    _require(sut, own, wanted)
    _advise(sut, own, progress)
    return own


def _prepare_environment(
    sut: Sut,
    environment: Environment,
    packages: Sequence[str],
    base: str,
    progress: Callable[[str], None],
    *,
    exact: bool,
) -> None:
    """An environment beside the main one: the interpreter that lab.toml names for it, which is asked and never changed,
    or a venv of wattlab's, made with `base`."""
    python, place = sut.python_of(environment.name), f"{sut.config.table}.pythons.{environment.name}"
    if environment.name in sut.config.pythons:
        sut.require_python(python)
        if lacking := sut.lacking(packages, python):
            raise SutRefused(
                f"{sut.name}: {python} has no {', '.join(lacking)}; `{python} -m pip install {' '.join(lacking)}` adds "
                f"it, or take {place} out: then `wattlab sut prepare` makes that environment itself"
            )
        progress(f"{python} has everything that is needed")
        return
    _make(sut, python, base, progress)
    _machine(sut, python, packages, place)
    if any(name in packages for name in WITHOUT_CUDA) and _has_driver(sut, base):
        progress(
            f"Python environment {environment.name}: its lock has no CUDA, so its programs compute on the CPU; an "
            f"interpreter of yours that has CUDA can be named in {place}"
        )
    _bring(sut, python, environment.lock, packages, progress, exact=exact)
    _require(sut, python, packages)


def _make(sut: Sut, python: str, base: str, progress: Callable[[str], None]) -> None:
    """The venv of an interpreter of wattlab's own, unless it is there."""
    folder = str(PurePosixPath(python).parents[1])
    if sut.exists(python):
        return
    progress(f"making {folder} with {base}")
    with sut.link.guarded("making the folder"), sut.link.sftp() as sftp:
        make_folders(sftp, sut.root)
    sut.link.stream([base, "-m", "venv", folder], progress)


def _has_driver(sut: Sut, python: str) -> bool:
    """Whether the library of NVIDIA's driver is there."""
    return sut.link.run([python, "-c", "import ctypes; ctypes.CDLL('libnvidia-ml.so.1')"])[0] == 0


def _bring(
    sut: Sut, python: str, lock: str, wanted: Sequence[str], progress: Callable[[str], None], *, exact: bool
) -> None:
    """Make an environment of wattlab's own hold what is wanted, in the versions of the lock."""
    part = part_of_lock((WORKLOADS / lock).read_text(), wanted, lock)
    versions, there = versions_of(part), sut.installed(python)
    known = there.keys() & versions.keys() - OF_VENV
    others = [f"{name} {there[name]}" for name in known if there[name] not in versions[name]]
    if others:
        progress(f"of other versions than those of {lock}, which are taken: {', '.join(sorted(others))}")
    if others or any(there.keys().isdisjoint(versions.keys() & set(builds_of(name))) for name in wanted):
        _install(sut, python, lock, part, wanted, progress)
    else:
        progress(f"{python} has everything that is needed")
    _clear(sut, python, sorted(there.keys() - versions.keys() - OF_VENV), progress, exact=exact)


def _require(sut: Sut, python: str, wanted: Sequence[str]) -> None:
    """What was to be installed is there. Raises SutError."""
    if lacking := sut.lacking(wanted, python):
        raise SutError(f"{sut.name}: after the installation {python} still lacks {', '.join(lacking)}")


def _machine(sut: Sut, python: str, wanted: Sequence[str], place: str) -> Json:
    """What machine it is; refused where what is wanted is not built for it, before anything is fetched. `place`: where
    lab.toml names an interpreter of one's own.

    Raises:
        SutRefused: with what can be done.
    """
    answer = sut.ask_program(python, MACHINE)
    machine, version = str(answer.get("machine")), answer.get("python")
    further = [name for name in wanted if name not in (*AGENT_NEEDS, *GPU_NEEDS)]
    remedy = f"name an interpreter of yours that has {', '.join(further)} in {place}"
    framework = next((title for name, title in COMPILED.items() if name in further), None)
    if further and isinstance(version, list) and tuple(version) < LOCKED_FOR:
        raise SutRefused(
            f"{sut.name}: its Python is {'.'.join(map(str, version))}, and {', '.join(further)} of the lock need 3.11 "
            f"or newer; install one there and name it in {sut.config.table}.python, or {remedy}"
        )
    if framework and machine not in BUILT_FOR:
        raise SutRefused(
            f"{sut.name}: it is {machine}, and {framework} is built for {' and '.join(BUILT_FOR)} only (a Raspberry Pi "
            f"needs a 64-bit system); take the scenarios that need it out, or {remedy}"
        )
    if TENSORFLOW in further and machine == "aarch64" and any(name in wanted for name in GPU_NEEDS):
        raise SutRefused(
            f"{sut.name}: it is {machine} with an NVIDIA GPU, and the TensorFlow that can be installed for {machine} "
            f"is built without CUDA: it would train on the CPU. Install NVIDIA's build there, and {remedy}"
        )
    return answer


def _install(
    sut: Sut, python: str, lock: str, part: str, wanted: Sequence[str], progress: Callable[[str], None]
) -> None:
    remote = f"{sut.root}/{lock}"
    with sut.link.guarded(f"copying {lock}"), sut.link.sftp() as sftp:
        write(sftp, remote, part.encode())
    large = next((size for name, size in SIZES.items() if name in wanted), "")
    size = f" ({large}, some minutes the first time)" if large else ""
    progress(f"installing {', '.join(dict.fromkeys(wanted))} into {PurePosixPath(python).parents[1]}{size}")
    sut.link.stream([python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", remote], progress)


def _clear(sut: Sut, python: str, left: Sequence[str], progress: Callable[[str], None], *, exact: bool) -> None:
    """Say what is in wattlab's environment that these scenarios do not need, or remove it."""
    if not left:
        return
    named = ", ".join(left[:MOST_NAMED]) + (f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else "")
    if not exact:
        progress(
            f"left over from before, needed by none of these scenarios: {named}; every run lists it with the packages "
            "of its Python. `wattlab sut prepare --exact` removes it"
        )
        return
    progress(f"removing {named}")
    sut.link.stream([python, "-m", "pip", "uninstall", "--quiet", "--yes", *left], progress)


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


def part_of_lock(lock: str, wanted: Sequence[str], file: str = MAIN_LOCK) -> str:
    """The entries of a lock (the text of a file of workloads/) that some distributions need, by the `# via` that uv
    writes below each; of NAME every build (`builds_of`), of which the marker of its entry takes one."""
    entries = [(text.split("==", 1)[0], text) for text in re.split(r"\n(?=[a-z0-9])", lock.rstrip("\n"))[1:]]
    names = {name for name, _ in entries}
    if missing := [name for name in wanted if names.isdisjoint(builds_of(name))]:
        raise SutError(
            f"workloads/{file}, which holds what can be installed on a SUT, has no {', '.join(sorted(missing))}; name "
            f"it in {file.replace('.lock', '.txt')} beside that and make the lock anew, or install it into an "
            "interpreter of yours and name that one in lab.toml, python of the SUT"
        )
    needed = names & {build for name in wanted for build in builds_of(name)}
    while more := {name for name, text in entries if _parents(text) & needed} - needed:
        needed |= more
    return "".join(f"{text}\n" for name, text in entries if name in needed)


def versions_of(lock: str) -> dict[str, set[str]]:
    """Distribution -> the versions that a lock has of it; several where its markers divide machines or Pythons."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", lock, re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def _parents(entry: str) -> set[str]:
    """The distributions because of which an entry stands in a lock."""
    return set(re.findall(r"^ +# +(?:via )?([a-z0-9][a-z0-9.-]*)", entry, re.MULTILINE)) - {"via"}
