"""Folders of runs on the SUT: whether an agent lives in one, its end, their removal.

Knows the agent's lock and its answer to `status`. Does not know what the agent does.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import stat
import time
from typing import Any

from harness.sut.agent.connection import MAX_LINE
from harness.sut.agent.rating import TERM_S

ORPHAN_S = 10.0
"""An agent that has not heard of its host for so long is nobody's; the host speaks every second."""


def agent_of(folder: str) -> int | None:
    """The pid of the agent that lives in `folder`; null when none does."""
    try:
        lock = os.open(os.path.join(folder, "agent.lock"), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(lock, 20) or b"0") or None
    finally:
        os.close(lock)
    return None


def status_of(folder: str) -> dict[str, Any] | None:
    """What the agent in `folder` says of itself; null when it does not answer within 3 s."""
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(3.0)
        try:
            sock.connect("agent.sock")
            sock.sendall(b'{"id":0,"op":"status"}\n')
            answer: dict[str, Any] = json.loads(sock.makefile("rb").readline(MAX_LINE))
        except (OSError, ValueError):
            return None
    return answer


def end_agent(folder: str) -> None:
    """End the agent in `folder` and its load: TERM, and KILL when that took longer than the load may take."""
    for number, patience_s in ((signal.SIGTERM, 2 * TERM_S), (signal.SIGKILL, TERM_S)):
        pid = agent_of(folder)
        if pid is None:
            return
        for signal_number in (number, signal.SIGCONT):  # a stopped agent hears of nothing until it goes on
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal_number)
        end = time.monotonic() + patience_s
        while agent_of(folder) is not None and time.monotonic() < end:
            time.sleep(0.02)


def remove(folder: str) -> dict[str, bool]:
    """End the agent of a run's folder and remove the folder; {"removed": whether it is gone}."""
    end_agent(os.path.join(folder, "agent"))
    shutil.rmtree(folder, ignore_errors=True)
    return {"removed": not os.path.lexists(folder)}


def sweep(root: str, look: bool) -> dict[str, list[dict[str, Any]]]:
    """Folders of earlier runs below `root`: {"busy": those with a host, "left": the others}; without `look`, the others
    are ended and removed."""
    found: dict[str, list[dict[str, Any]]] = {"busy": [], "left": []}
    root = os.path.abspath(root)
    for name in sorted(os.listdir(root)) if os.path.isdir(root) else []:
        folder = os.path.join(root, name)
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            continue
        alive = agent_of(os.path.join(folder, "agent")) is not None
        status = status_of(os.path.join(folder, "agent")) if alive else None
        busy = status is not None and status["connected"] and status["heard_s"] < ORPHAN_S
        found["busy" if busy else "left"].append({"name": name, "alive": alive})
        if not busy and not look:
            remove(folder)
    return found
