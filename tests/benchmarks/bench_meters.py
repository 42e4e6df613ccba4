"""Every driver against its emulator: readings per second and CPU per reading, without throttling and at wire speed.

Run: .venv/bin/python -m tests.benchmarks.bench_meters [SECONDS] [DRIVER ...]

Targets: without throttling at least 20 times what the wire itself could carry; at most .5 ms CPU per reading; at most
5 % of one core at 100 readings/s (follows from the CPU per reading). The wire's own limit is 1 / (bits of one exchange
/ speed of the line), bytes both ways counted from the capture. A meter that gives a value only once an update cannot be
asked faster than that; `paced` names those. The driver runs here, the emulator in a process of its own.
Prints one line of JSON a driver.
"""

import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from meters.emulators.__main__ import EMULATORS
from meters.meter import MeterGarbage, MeterTimeout
from meters.registry import DRIVERS, open_meter
from meters.wire_log import read_capture
from tests.meters.fleet import FLEET, Emulated

BITS_PER_BYTE = 10
FASTEST_S = "0.0001"
PACED = {"wt310": "rate_s", "wt210": "rate_s", "ptdaemon": "interval_ms", "iec62056": "opening", "mcp39f511n": "2^N"}


@contextmanager
def emulator(driver: str, arguments: tuple[str, ...]) -> Iterator[str]:
    """An emulator as its own process, always 50 W; yields its port."""
    with tempfile.TemporaryDirectory() as folder:
        where = ["--link", f"{folder}/wall"]
        if EMULATORS[driver].wire != "serial":
            where = ["--listen", "127.0.0.1:0", "--control", f"{folder}/control"]
        command = [sys.executable, "-m", "meters.emulators", driver, *where, "--profile", "watts=50", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                yield str(json.loads(process.stdout.readline())["port"])
            finally:
                process.terminate()


def measured(driver: str, entry: Emulated, seconds: float, *, throttled: bool) -> dict[str, float]:
    """Readings/s, CPU per reading (ms) and bytes per reading of one driver."""
    options = dict(entry.options)
    arguments = entry.said
    if not throttled:
        arguments = (*_faster(arguments), "--no-throttle")
        # A faster line than the meter's: a Modbus line rests for 3.5 of its characters, throttled or not.
        declared = DRIVERS[driver].options
        options |= {"interval_s": declared["interval_s"].low} if "interval_s" in declared else {}
        options |= {"baud": declared["baud"].high} if "baud" in declared else {}
    capture = io.BytesIO()
    with emulator(driver, arguments) as port:
        meter = open_meter(driver, port, capture=capture, options=options, access=entry.access)
        try:
            meter.read(5.0)
            start = capture.tell()
            begin, begin_s = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
            count = errors = 0
            while (gone_s := time.monotonic() - begin_s) < seconds:
                try:
                    meter.read(1.0)
                    count += 1
                except (MeterTimeout, MeterGarbage):
                    errors += 1
            end = resource.getrusage(resource.RUSAGE_SELF)
        finally:
            meter.close()
    cpu_s = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    moved = sum(len(e.data) for e in read_capture(io.BytesIO(capture.getvalue()[start:]), "capture"))
    return {
        "per_s": count / gone_s,
        "cpu_ms": cpu_s / max(count, 1) * 1e3,
        "bytes": moved / max(count, 1),
        "errors": errors,
    }


def _faster(arguments: tuple[str, ...]) -> tuple[str, ...]:
    words = list(arguments)
    if "--interval" in words:
        words[words.index("--interval") + 1] = FASTEST_S
    return tuple(words)


def main(seconds: float, names: list[str]) -> None:
    """Print one line for each entry of the fleet."""
    for name in names or sorted(FLEET):
        entry = FLEET[name]
        driver = entry.driver or name
        free, wire = (measured(driver, entry, seconds, throttled=throttled) for throttled in (False, True))
        limit_per_s = EMULATORS[driver].baud / BITS_PER_BYTE / max(free["bytes"], 1.0)
        line = {
            "meter": name,
            "unthrottled_per_s": round(free["per_s"], 1),
            "cpu_ms_per_reading": round(free["cpu_ms"], 3),
            "core_percent_at_100_per_s": round(free["cpu_ms"] * 10, 1),
            "bytes_per_reading": round(free["bytes"], 1),
            "wire_limit_per_s": round(limit_per_s, 1),
            "times_wire_limit": round(free["per_s"] / limit_per_s, 1),
            "at_wire_speed_per_s": round(wire["per_s"], 2),
            "at_wire_speed_cpu_ms": round(wire["cpu_ms"], 3),
            "errors": free["errors"] + wire["errors"],
            "paced": PACED.get(driver, ""),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 5.0, sys.argv[2:])
