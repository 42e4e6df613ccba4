"""Meters of a rack until each has given a reading: all at the same time, and one after the other, in turn in one run.

Run: .venv/bin/python -m tests.benchmarks.bench_opening [ROUNDS] [SECONDS]

Six emulators in processes of their own; the MQTT topic and the P1 port say something every SECONDS s (5 unless told).
Opened as `require_speaking` opens them before each run: open, one reading, close. Peer: the same with a port for all,
which makes them follow one another, as they did before they were opened together. Prints one line of JSON.
"""

import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import BinaryIO

from harness.measure.speaking import require_speaking
from harness.station.station import MeterSection
from meters.meter import Meter
from meters.registry import open_meter
from tests.benchmarks.bench_meters import emulator
from tests.meters.fleet import FLEET

NAMES = ("kasa", "homewizard", "ipmi", "redfish", "p1", "mqtt")


def main(rounds: int, seconds: float) -> None:
    """Both ways in turn."""
    with ExitStack() as stack:
        ports: dict[str, str] = {}
        for name in NAMES:
            arguments = list(FLEET[name].said)
            if name in ("mqtt", "p1"):
                arguments[arguments.index("--interval") + 1] = str(seconds)
            ports[name] = stack.enter_context(emulator(FLEET[name].driver or name, tuple(arguments)))
        openers: dict[str, Callable[[BinaryIO], Meter]] = {name: partial(_opened, name, ports[name]) for name in NAMES}
        together = {name: MeterSection(driver=name, port=port) for name, port in ports.items()}
        in_turn = {name: MeterSection(driver=name, port="one for all") for name in ports}
        taken: dict[str, list[float]] = {"together": [], "in_turn": []}
        for _ in range(rounds):
            for way, sections in (("together", together), ("in_turn", in_turn)):
                time.sleep(random.uniform(0.0, seconds))
                begin_s = time.monotonic()
                require_speaking(openers, sections, lambda _: None)
                taken[way].append(time.monotonic() - begin_s)
    medians = {f"{way}_s": round(statistics.median(own), 2) for way, own in taken.items()}
    ratio = round(statistics.median(taken["together"]) / statistics.median(taken["in_turn"]), 2)
    print(json.dumps({"meters": len(NAMES), "topic_s": seconds, "rounds": rounds, **medians, "ratio": ratio}))


def _opened(name: str, port: str, wire: BinaryIO) -> Meter:
    entry = FLEET[name]
    return open_meter(entry.driver or name, port, capture=wire, options=entry.options, access=entry.access)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, float(sys.argv[2]) if len(sys.argv) > 2 else 5.0)
