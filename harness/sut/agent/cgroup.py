"""The control group (version 2) of the command alone.

Knows where it is made, when it must not be, and what agents that were killed left. Does not know who enters it.
"""

from __future__ import annotations

import contextlib
import os

from harness.sut.agent.small_files import read_text


def make_cgroup() -> str | None:
    """A control group (version 2) for the command alone below this process's own, so that who waits for the command
    stands outside it; null where the SUT does not let us, or where limits are set here: a program that looks for them
    in its own group would not find them.
    """
    import glob

    own = next((line[3:] for line in (read_text("/proc/self/cgroup") or "").splitlines() if line[:3] == "0::"), None)
    mounts = [
        line.split(" ") for line in (read_text("/proc/self/mountinfo") or "").splitlines() if " - cgroup2 " in line
    ]
    if own is None or not mounts:
        return None
    parent = (mounts[0][4] + own).rstrip("/")
    limits = [(read_text(parent + "/" + name) or "max").split()[0] for name in ("cpu.max", "memory.max", "memory.high")]
    if any(limit != "max" for limit in limits) or read_text(parent + "/cgroup.subtree_control"):
        return None
    for left in glob.glob(glob.escape(parent) + "/wattlab-[0-9]*"):
        if not os.path.exists("/proc/" + left.rpartition("-")[2]):
            with contextlib.suppress(OSError):
                os.rmdir(left)
    folder = f"{parent}/wattlab-{os.getpid()}"
    try:
        os.mkdir(folder)
    except OSError:
        return None
    return folder
