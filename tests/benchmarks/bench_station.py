"""A station with 40 outlets of a PDU over SNMP and 10 plugs, all recorded at once at their refresh rate of 1 s.

Run: .venv/bin/python -m tests.benchmarks.bench_station [SECONDS] [OUTLETS]

Goals: at most 10 % of one core, no reading later than one refresh. The agent is net-snmp's snmpd with the objects of a
Raritan PX, the plugs are our emulators, each a process of its own; the recorders are those of a campaign and write a
run folder. A reading is late by how long after the one before it came, less the interval. Beside it, in the same run,
the processor time of as many threads that only sleep as often: what Python itself takes. Prints one line of JSON.
"""

import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from harness.measure.journal import Journal, seal_run
from harness.measure.recorder import MeterRecorder
from harness.record.documents import Start, Stop
from harness.record.run_writer import RunWriter
from meters.access import Access, Credentials
from meters.registry import open_meter
from tests.benchmarks.bench_meters import emulator
from tests.harness.start import START

RARITAN = "1.3.6.1.4.1.13742.6"
SENSORS = {1: (2, 3, 311), 4: (1, 0, 230), 5: (3, 0, 68), 6: (4, 0, 71), 7: (-1, 2, 95), 8: (5, 0, 5000)}
"""Of each type of sensor: its unit, decimal digits, value."""
PLUGS = ("shelly", "tasmota", "mystrom", "netio", "homewizard", "kasa", "shelly", "tasmota", "mystrom", "kasa")
LOGIN = Access(Credentials("", "not-public"))
INTERVAL_S = 1.0


@contextmanager
def agent(folder: Path, outlets: int) -> Iterator[str]:
    """net-snmp's snmpd with so many outlets; yields the drivers' port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    lines = [f"rocommunity not-public 127.0.0.1\nagentaddress udp:127.0.0.1:{number}"]
    lines.append(f'override {RARITAN}.3.2.1.1.3.1 octet_str "PX2-5190R"')
    for outlet in range(1, outlets + 1):
        for kind, (unit, digits, value) in SENSORS.items():
            lines.append(f"override {RARITAN}.3.5.4.1.6.1.{outlet}.{kind} integer {unit}")
            lines.append(f"override {RARITAN}.3.5.4.1.7.1.{outlet}.{kind} uinteger {digits}")
            lines.append(f"override {RARITAN}.5.4.3.1.4.1.{outlet}.{kind} uinteger {value}")
    (folder / "snmpd.conf").write_text("\n".join(lines) + "\n", encoding="ascii")
    words = [
        "snmpd",
        "-f",
        "-Lf",
        str(folder / "log"),
        "-C",
        "-c",
        str(folder / "snmpd.conf"),
        f"--persistentDir={folder}",
    ]
    with subprocess.Popen(words, env={"MIBS": "", "PATH": os.environ["PATH"]}) as process:
        try:
            asked = ["snmpget", "-v2c", "-c", "not-public", f"127.0.0.1:{number}", f"{RARITAN}.3.2.1.1.3.1"]
            while subprocess.run(asked, capture_output=True, check=False).returncode:
                time.sleep(0.1)
            yield f"snmp://127.0.0.1:{number}"
        finally:
            process.kill()


def cpu_s() -> float:
    """Processor time of this process so far, s."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def sleeping(count: int, seconds: float) -> float:
    """Share of a core that threads take which only sleep for the interval."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            time.sleep(INTERVAL_S)

    threads = [threading.Thread(target=work) for _ in range(count)]
    begin_s, begin = cpu_s(), time.monotonic()
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    used_s, gone_s = cpu_s() - begin_s, time.monotonic() - begin
    over.set()
    for thread in threads:
        thread.join()
    return used_s / gone_s


def main(seconds: float, outlets: int) -> None:
    """Record a station and print one line."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        pdu = stack.enter_context(agent(folder, outlets))
        places = [("raritan-px", pdu, {"outlet": number}, LOGIN) for number in range(1, outlets + 1)]
        places += [(plug, stack.enter_context(emulator(plug, ())), {}, Access()) for plug in PLUGS]
        writer = stack.enter_context(RunWriter(folder / "run"))
        writer.append(Start(**START))
        journal = Journal(writer)
        recorders = []
        for index, (driver, port, options, access) in enumerate(places):
            wire = writer.open_stream(f"wire-m{index}.log")
            asked = options | {"interval_s": INTERVAL_S}
            meter = open_meter(driver, port, capture=wire, options=asked, access=access)
            recorders.append(MeterRecorder(f"m{index}", "wall", meter, wire, writer, journal))
            recorders[-1].announce()
        time.sleep(2.0)
        begin_s, begin_ns = cpu_s(), time.monotonic_ns()
        time.sleep(seconds)
        used_s, end_ns = cpu_s() - begin_s, time.monotonic_ns()
        for recorder in recorders:
            recorder.stop()
        stop = Stop(time_ns=0, utc="", exit_status="success", reason=None, streams=writer.stream_summary())
        seal_run(writer, journal, stop)
        late_s, rows = [], 0
        for index in range(len(places)):
            times_ns = np.loadtxt(folder / "run" / f"readings-m{index}.csv", delimiter=",", skiprows=1, usecols=0)
            inside = times_ns[(times_ns >= begin_ns) & (times_ns <= end_ns)]
            rows += inside.size
            late_s += [float(np.diff(inside).max()) / 1e9 - INTERVAL_S]
        gone_s = (end_ns - begin_ns) / 1e9
    print(
        json.dumps(
            {
                "meters": len(places),
                "readings": rows,
                "expected": round(len(places) * gone_s / INTERVAL_S),
                "core_percent": round(100 * used_s / gone_s, 2),
                "cpu_ms_per_reading": round(1e3 * used_s / rows, 3),
                "latest_s": round(max(late_s), 3),
                "core_percent_of_threads_that_sleep": round(100 * sleeping(len(places), 10.0), 2),
                "load": os.getloadavg()[0],
            }
        )
    )


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 30.0, int(sys.argv[2]) if sys.argv[2:] else 40)
