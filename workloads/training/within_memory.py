"""Runs a program within a limit of memory: `within_memory.py PROGRAM ARGUMENT...`, the limit by WATTLAB_PARAMETERS.

Knows `ram_limit_gb` (GB of 10^9 bytes; 0: no limit, the program simply takes this one's place) and `ram_limit_by`:

- `cgroup`: a control group (version 2) whose `memory.max` it is, without swap. It bounds what is *resident*, the pages
  of files that the program read among it: under pressure the kernel first drops those, then ends the program. By
  systemd-run where systemd runs, else, as root, by a group beside this process's own.
- `ulimit`: RLIMIT_DATA. It bounds what the program may *ask for* of private writable memory, resident or not; files
  that it maps and their cached pages are outside. An allocation beyond it fails.

(RLIMIT_AS would count every library and every stack that is mapped, many times what is resident; RLIMIT_RSS does
nothing on Linux since 2.4.30.) A program that ends for want of memory is told from one that fails: the last line is
`out of memory in this cell` with the limit, the exit status OUT_OF_MEMORY. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

OUT_OF_MEMORY = 137
"""As shells say of what SIGKILL ended."""
WAYS = ("cgroup", "ulimit")
ROOT = Path("/sys/fs/cgroup")
INSIDE = "--inside"
"""First argument of the second of these programs, which systemd-run starts within the group."""


class LimitProblem(Exception):
    """The limit cannot be set here; one sentence with the remedy."""


def asked() -> tuple[int, str]:
    """Bytes (0: no limit) and way, as the scenario's parameters have them.

    Raises:
        LimitProblem: they are none.
    """
    try:
        parameters = json.loads(os.environ.get("WATTLAB_PARAMETERS") or "{}")
        limit_gb, way = parameters.get("ram_limit_gb", 0.0), parameters.get("ram_limit_by", WAYS[0])
        limit = int(limit_gb * 1e9)
    except (TypeError, ValueError, AttributeError) as error:
        raise LimitProblem(f"WATTLAB_PARAMETERS: {error}") from error
    if limit < 0 or way not in WAYS:
        raise LimitProblem(f"ram_limit_gb = {limit_gb!r}, ram_limit_by = {way!r}: expected GB from 0 on, {WAYS}")
    return limit, way


def in_force() -> dict[str, Any]:
    """What bounds the memory of this process now, as the kernel says: bytes and way; None and None: nothing does."""
    data, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if data != resource.RLIM_INFINITY:
        return {"bytes": data, "by": "ulimit"}
    group = own_group()
    written = "max" if group is None else _text(group / "memory.max", "max")
    return {"bytes": None, "by": None} if written == "max" else {"bytes": int(written), "by": "cgroup"}


def own_group() -> Path | None:
    """This process's control group of version 2; None where there is none."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    path = next((line[3:] for line in lines if line.startswith("0::")), None)
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines() if " - cgroup2 " in line]
    return None if path is None or not mounts else Path(mounts[0][4] + path)


def _text(path: Path, absent: str = "") -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return absent


def kills_in(group: Path) -> int:
    """Processes of a group that the kernel ended for want of memory."""
    words = _text(group / "memory.events").split()
    return int(words[words.index("oom_kill") + 1]) if "oom_kill" in words else 0


# --- the ways ---


def by_ulimit(command: list[str], limit: int) -> int:
    """Run the command with RLIMIT_DATA; its exit status."""
    status = subprocess.run(
        command, check=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    ).returncode
    if status in (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGKILL):
        return _told(limit, f"the program died of {signal.Signals(-status).name} below its limit of", "RLIMIT_DATA")
    return _as_exit(status)


def by_systemd(command: list[str], limit: int) -> int:
    """Run the command in a scope of systemd, this program once more around it; never returns."""
    whose = [] if os.geteuid() == 0 else ["--user"]
    bounds = [f"--property=MemoryMax={limit}", "--property=MemorySwapMax=0", "--property=Delegate=yes"]
    again = [sys.executable, str(Path(__file__).resolve()), INSIDE, *command]
    os.execvp("systemd-run", ["systemd-run", "--scope", "--quiet", "--collect", *whose, *bounds, "--", *again])


def by_group(command: list[str], limit: int) -> int:
    """Run the command in a group beside this process's own; its exit status.

    Raises:
        LimitProblem: no such group can be made.
    """
    own = own_group()
    if own is None:
        raise _refused("this machine has no control groups of version 2")
    parent = own if not (own / "cgroup.type").exists() else own.parent  # the root group alone has no type
    if "memory" not in _text(parent / "cgroup.controllers").split():
        raise _refused(f"{parent} has no memory controller")
    group = parent / f"wattlab-memory-{os.getpid()}"
    try:
        if "memory" not in _text(parent / "cgroup.subtree_control").split():
            (parent / "cgroup.subtree_control").write_text("+memory")
        group.mkdir()
        (group / "memory.max").write_text(str(limit))
        with contextlib.suppress(FileNotFoundError):  # a kernel without swap
            (group / "memory.swap.max").write_text("0")
    except OSError as error:
        raise _refused(f"{error.filename or group}: {error.strerror}") from error
    try:
        return _run_in(group, command, limit, lambda: (group / "cgroup.procs").write_text(str(os.getpid())))
    finally:
        group.rmdir()


def inside(command: list[str], limit: int) -> int:
    """Run the command in the group in which this process is already; its exit status.

    Raises:
        LimitProblem: it is in none that has the limit.
    """
    group, found = own_group(), in_force()
    # The kernel rounds the limit down to whole pages.
    if group is None or found["by"] != "cgroup" or not 0 <= limit - found["bytes"] < resource.getpagesize():
        raise _refused(f"systemd-run set another limit ({found['bytes']})")
    return _run_in(group, command, limit, lambda: Path("/proc/self/oom_score_adj").write_text("1000"))


def _run_in(group: Path, command: list[str], limit: int, enter: Any) -> int:  # noqa: ANN401  any callable
    before = kills_in(group)
    status = subprocess.run(command, check=False, preexec_fn=enter).returncode
    if status != 0 and kills_in(group) > before:
        return _told(limit, "the kernel ended it at its limit of", "memory.max")
    return _as_exit(status)


def _told(limit: int, what: str, named: str) -> int:
    print(f"within_memory.py: out of memory in this cell: {what} {limit / 1e9:g} GB ({named})", file=sys.stderr)
    return OUT_OF_MEMORY


def _as_exit(status: int) -> int:
    return status if status >= 0 else 128 - status


def _refused(why: str) -> LimitProblem:
    return LimitProblem(
        f'ram_limit_by = "cgroup": no limit of memory can be set here ({why}); use a login for which systemd-run does, '
        'or root; or ram_limit_by = "ulimit", which bounds what a program may ask for, not what is resident'
    )


def main(arguments: list[str]) -> int:
    """The exit status of the program, or 1 with one sentence on stderr."""
    is_inside = arguments[:1] == [INSIDE]
    command = arguments[is_inside:]
    try:
        limit, way = asked()
        if not command:
            raise LimitProblem("expected the program to run and its arguments")
        if not limit:
            os.execvp(command[0], command)
        if is_inside:
            return inside(command, limit)
        if way == "ulimit":
            return by_ulimit(command, limit)
        runs_systemd = Path("/run/systemd/system").is_dir() and shutil.which("systemd-run") is not None
        return by_systemd(command, limit) if runs_systemd else by_group(command, limit)
    except (LimitProblem, OSError) as error:
        print(f"within_memory.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
