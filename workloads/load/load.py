"""A load on CPUs or on memory: switched on and off (`pulse`), held for a time (`constant`), held with nobody there
(`detached SECONDS`).

Knows processes and signals. Does not know how it is measured. One process a CPU works; SIGCONT and SIGSTOP switch all
of them within a millisecond, each switching is marked: as the action `full_load` where every CPU spins, else as `load`.
Standard library only, in the syntax of Python 3.8, for it is the SUT's.

pulse       WATTLAB_PARAMETERS edges, shortest_s, longest_s, interval_s: idle, then the load on and off until it was
            switched `edges` times, then idle. Lengths are drawn from WATTLAB_SEED, so that they fall anywhere in the
            meter's window, and stretched where the meter's interval is longer than 1 s.
constant    WATTLAB_PARAMETERS load_s; part: `cpu` (spin) or `memory` (copy from one buffer that no cache holds into
            another); cpus: on so many, 0: on all; level_percent: at work for so much of each period_s, the CPUs one
            after the other, so that what all of them take together hardly changes within a period.
detached    in a session of its own, away from the login that started it; ends by itself. Prints "ready" first.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from wattlab_markers import mark

PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""
IDLE_S = 3.0
LIBC = ctypes.CDLL(None)
BUFFER_BYTES = 32 << 20
"""Of each of two buffers of a process: no core's share of a cache holds them."""
CHUNK_BYTES = 1 << 20
"""Copied at once: some .1 ms, short against a period."""


class Burners:
    """One working process for every CPU this process may use, or for the first `cpus` of them, stopped until `on`.
    `work` is called in it with which of them it is, as a fraction of all, and does not return."""

    def __init__(self, work: Callable[[float], None], cpus: int = 0, action: str = "full_load") -> None:
        count = cpus or len(os.sched_getaffinity(0))
        self._action = action
        self._pids = [self._start(work, number / count) for number in range(count)]
        stopped = [os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]) for pid in self._pids]  # each by itself
        if not all(stopped):
            sys.exit("load.py: a process of the load ended before it began; its own words stand above")

    @staticmethod
    def _start(work: Callable[[float], None], place: float) -> int:
        pid = os.fork()
        if pid == 0:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            try:
                work(place)
            except BaseException as error:
                print(f"load.py: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        return pid

    def _signal(self, number: int) -> None:
        for pid in self._pids:
            os.kill(pid, number)

    def on(self, index: int) -> None:
        """All work."""
        mark(self._action, index, "begin")
        self._signal(signal.SIGCONT)

    def off(self, index: int) -> None:
        """All stand still."""
        self._signal(signal.SIGSTOP)
        mark(self._action, index, "end")

    def end(self) -> None:
        """Take them down."""
        self._signal(signal.SIGKILL)
        for pid in self._pids:
            os.waitpid(pid, 0)


def spin(_: float) -> None:
    """Count, without end."""
    os.kill(os.getpid(), signal.SIGSTOP)
    while True:
        pass


def part_of_time(part: str, level_percent: float, period_s: float, place: float) -> None:
    """Spin or copy for a part of each period, without end; `place` says when in the period that begins."""
    step = {"cpu": counter, "memory": copier}[part]()
    busy_s, shift_s = period_s * level_percent / 100.0, period_s * place
    os.kill(os.getpid(), signal.SIGSTOP)
    while True:
        since_s = (time.monotonic() + shift_s) % period_s
        if since_s < busy_s:
            step()
        else:
            time.sleep(period_s - since_s)


def counter() -> Callable[[], None]:
    """Some 10 us of counting."""

    def count() -> None:
        for _ in range(500):
            pass

    return count


def copier() -> Callable[[], None]:
    """The next chunk of one buffer into another."""
    # Written once, for pages that were never written are one page of zeros, which a cache holds.
    source, target = (memoryview(bytearray(os.urandom(CHUNK_BYTES)) * (BUFFER_BYTES // CHUNK_BYTES)) for _ in range(2))
    begins = itertools.cycle(range(0, BUFFER_BYTES, CHUNK_BYTES))

    def copy() -> None:
        begin = next(begins)
        target[begin : begin + CHUNK_BYTES] = source[begin : begin + CHUNK_BYTES]

    return copy


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
    burners = Burners(spin)
    try:
        time.sleep(idle_s)
        for number, step_s in enumerate(steps_s):
            (burners.off if number % 2 else burners.on)(number // 2)
            time.sleep(step_s)
        burners.off(len(steps_s) // 2)
        time.sleep(idle_s)
    finally:
        burners.end()


def constant(parameters: dict[str, Any]) -> str:
    """The load that the parameters say; what is wrong with them, empty where nothing is."""
    part, level_percent = str(parameters.get("part", "cpu")), float(parameters.get("level_percent", 100.0))
    cpus, most = int(parameters.get("cpus", 0)), len(os.sched_getaffinity(0))
    if part not in ("cpu", "memory"):
        return f"part: found {part!r}, expected cpu or memory"
    if not 0.0 < level_percent <= 100.0:
        return f"level_percent: found {level_percent:g}, expected above 0 and at most 100"
    if not 0 <= cpus <= most:
        return f"cpus: found {cpus}, expected at most the {most} that there are, or 0 for all"
    if part == "cpu" and level_percent == 100.0:
        burners = Burners(spin, cpus, "load" if cpus else "full_load")
    else:
        period_s = float(parameters["period_s"])
        burners = Burners(functools.partial(part_of_time, part, level_percent, period_s), cpus, "load")
    hold(burners, float(parameters["load_s"]))
    return ""


def hold(burners: Burners, seconds: float) -> None:
    """A load for some seconds."""
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
    hold(Burners(spin), seconds)
    os._exit(0)


def main(words: list[str]) -> int:
    """Do what the words say; 1 with a sentence where they say nothing known."""
    parameters = json.loads(os.environ.get("WATTLAB_PARAMETERS", "{}"))
    if words == ["pulse"]:
        pulse(parameters, int(os.environ["WATTLAB_SEED"]))
    elif words == ["constant"]:
        if problem := constant(parameters):
            print(f"load.py: {problem}", file=sys.stderr)
            return 1
    elif len(words) == 2 and words[0] == "detached":
        detached(float(words[1]))
    else:
        print("load.py: expected pulse, constant, or detached SECONDS", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
