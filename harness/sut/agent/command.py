"""The command of a rating interval: started in a session and a control group of its own.

Knows how it is started. Does not know who waits for it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess

from harness.sut.agent.processes import die_with_parent


def start_command(
    argv: list[str], env: dict[str, str], cwd: str, outputs: list[str], cgroup: str | None
) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own; its output is appended to the two files."""
    os.makedirs(os.path.dirname(outputs[0]), exist_ok=True)
    files = [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600) for path in outputs]
    return subprocess.Popen(
        argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=files[0],
        stderr=files[1],
        start_new_session=True,
        preexec_fn=functools.partial(become_command, cgroup, os.getpid()),
    )


def become_command(cgroup: str | None, waiter: int) -> None:
    """In the child: into the control group; and a waiter that is killed takes the command with it."""
    die_with_parent(waiter)
    if cgroup is not None:
        with contextlib.suppress(OSError), open(cgroup + "/cgroup.procs", "w") as file:
            file.write("0")
