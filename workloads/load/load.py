"""A full load on every CPU: switched on and off (`pulse`), held for a time (`constant`), held with nobody there
(`detached SECONDS`).

Knows processes and signals. Does not know how it is measured. One process a CPU spins; SIGCONT and SIGSTOP switch all
of them within a millisecond, each switching is marked as the action `full_load`. Standard library only, in the syntax
of Python 3.8, for it is the SUT's.

pulse       WATTLAB_PARAMETERS edges, shortest_s, longest_s, interval_s: idle, then the load on and off until it was
            switched `edges` times, then idle. Lengths are drawn from WATTLAB_SEED, so that they fall anywhere in the
            meter's window, and stretched where the meter's interval is longer than 1 s.
constant    WATTLAB_PARAMETERS load_s.
detached    in a session of its own, away from the login that started it; ends by itself. Prints "ready" first.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import signal
import sys
import time
from typing import Any

from wattlab_markers import mark

PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""
IDLE_S = 3.0
LIBC = ctypes.CDLL(None)


class Burners:
    """One spinning process for every CPU this process may use, stopped until `on`."""

    def __init__(self) -> None:
        self._pids = [self._start() for _ in os.sched_getaffinity(0)]
        for pid in self._pids:
            os.waitpid(pid, os.WUNTRACED)  # until it has stopped itself

    @staticmethod
    def _start() -> int:
        pid = os.fork()
        if pid == 0:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGSTOP)
            while True:
                pass
        return pid

    def _signal(self, number: int) -> None:
        for pid in self._pids:
            os.kill(pid, number)

    def on(self, index: int) -> None:
        """All spin."""
        mark("full_load", index, "begin")
        self._signal(signal.SIGCONT)

    def off(self, index: int) -> None:
        """All stand still."""
        self._signal(signal.SIGSTOP)
        mark("full_load", index, "end")

    def end(self) -> None:
        """Take them down."""
        self._signal(signal.SIGKILL)
        for pid in self._pids:
            os.waitpid(pid, 0)


def lengths_s(edges: int, shortest_s: float, longest_s: float, interval_s: float, seed: int) -> list[float]:
    """Between one switching and the next; an even number of edges, so that the load is off at the end."""
    dice = random.Random(seed)
    stretch = max(1.0, interval_s)
    return [stretch * dice.uniform(shortest_s, longest_s) for _ in range(edges + edges % 2 - 1)]


def pulse(parameters: dict[str, Any], seed: int) -> None:
    """Idle, switched, idle."""
    idle_s = IDLE_S * max(1.0, float(parameters["interval_s"]))
    shortest_s, longest_s, interval_s = (float(parameters[f"{name}_s"]) for name in ("shortest", "longest", "interval"))
    steps_s = lengths_s(int(parameters["edges"]), shortest_s, longest_s, interval_s, seed)
    burners = Burners()
    try:
        time.sleep(idle_s)
        for number, step_s in enumerate(steps_s):
            (burners.off if number % 2 else burners.on)(number // 2)
            time.sleep(step_s)
        burners.off(len(steps_s) // 2)
        time.sleep(idle_s)
    finally:
        burners.end()


def hold(seconds: float) -> None:
    """The load for some seconds."""
    burners = Burners()
    try:
        burners.on(0)
        time.sleep(seconds)
        burners.off(0)
    finally:
        burners.end()


def detached(seconds: float) -> None:
    """The same in a process of its own that nobody waits for."""
    if os.fork():
        print("ready")
        return
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    hold(seconds)
    os._exit(0)


def main(words: list[str]) -> int:
    """Do what the words say; 1 with a sentence where they say nothing known."""
    parameters = json.loads(os.environ.get("WATTLAB_PARAMETERS", "{}"))
    if words == ["pulse"]:
        pulse(parameters, int(os.environ["WATTLAB_SEED"]))
    elif words == ["constant"]:
        hold(float(parameters["load_s"]))
    elif len(words) == 2 and words[0] == "detached":
        detached(float(words[1]))
    else:
        print("load.py: expected pulse, constant, or detached SECONDS", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
