"""Processes below the agent: signals to them and from them, and their ends.

Knows Linux's parents, descendants and subreapers. Does not know what a process works on.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
from typing import Any

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
"""linux/prctl.h"""
LIBC = ctypes.CDLL(None)


def become_subreaper() -> None:
    """From now on this process inherits those of its descendants whose parents died."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """In a child of that process: whoever kills the parent kills it too, also before it could say so."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def signal_descendants(psutil: Any, number: int, spared: int | None) -> int:
    """Send a signal to every process below the agent but the waiter (its pid: `spared`); how many. (As subreaper it
    inherits those whose parents died.)"""
    descendants = [process for process in psutil.Process().children(recursive=True) if process.pid != spared]
    for process in descendants:
        try:
            process.send_signal(number)
        except psutil.Error:
            continue
    return len(descendants)


def reap() -> None:
    """Take leave of children that ended: waiters, and those adopted."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def wake_on_signals() -> tuple[socket.socket, socket.socket]:
    """A socket that is readable when a child ended or SIGTERM came (its bytes: signal numbers), and its other end."""
    readable, writable = socket.socketpair()
    for end in (readable, writable):
        end.setblocking(False)
    signal.set_wakeup_fd(writable.fileno(), warn_on_full_buffer=False)
    # Handlers, not SIG_IGN: the command would inherit that.
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return readable, writable
