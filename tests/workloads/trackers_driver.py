"""A run in virtual time for the adapters that read NVML and RAPL: `trackers_driver.py SPECIFICATION`.

The specification (JSON): `tracker`, `end_s`, `step_s` (the direct method's polls), `power_w` and `energy_uj` (points
[s, value], the last one at or before a moment holds; for power_w "line": true draws straight lines between them),
`ours_sm`, `others_sm` (percent, absent: no such process), `alone` (no other process takes CPU time), `powercap`,
`folder`, `as_nobody`. Prints the report. The
board is the stub library's; its trace is written anew at every step.
"""

import json
import os
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tracker_eit
import tracker_nvml_rapl

BEGIN_NS = 5_000_000_000


class World:
    """The clock, the board and the counters."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given, self.now_ns, self.over = given, 0, threading.Event()
        self.show()

    def clock(self) -> int:
        return BEGIN_NS + self.now_ns

    def wait(self, seconds: float) -> bool:
        """Time passes; true at the end of the run."""
        end_ns = int(self.given["end_s"] * 1e9)
        self.now_ns = min(self.now_ns + int(seconds * 1e9), end_ns)
        self.show()
        if self.now_ns == end_ns:
            self.over.set()
        return self.now_ns == end_ns

    def show(self) -> None:
        lines = ["count 0"]
        if self.given.get("power_w"):
            lines = ["count 1", f"gpu0.power_mw {round(self.value('power_w') * 1000)}"]
            found = [(os.getpid(), self.given.get("ours_sm")), (1, self.given.get("others_sm"))]
            for k, (pid, sm) in enumerate((pid, sm) for pid, sm in found if sm is not None):
                lines += [f"gpu0.process{k}.pid {pid}", f"gpu0.process{k}.sm {sm}"]
        if self.given.get("lost_s") and self.given["lost_s"][0] <= self.now_ns / 1e9 < self.given["lost_s"][1]:
            lines.append("error gpu0.power_mw 15")
        Path(os.environ["NVML_TRACE"]).write_text("\n".join(lines) + "\n")
        for zone in self.given.get("energy_uj", {}):
            (Path(self.given["powercap"]) / zone / "energy_uj").write_text(f"{self.counter(zone)}\n")

    def value(self, name: str) -> float:
        now_s, points = self.now_ns / 1e9, self.given[name]
        before = [point for point in points if point[0] <= now_s][-1]
        after = [point for point in points if point[0] > now_s][:1]
        if not self.given.get("line") or not after:
            return float(before[1])
        return float(before[1] + (after[0][1] - before[1]) * (now_s - before[0]) / (after[0][0] - before[0]))

    def counter(self, zone: str) -> int:
        return int([point for point in self.given["energy_uj"][zone] if point[0] <= self.now_ns / 1e9][-1][1])


def main(given: dict[str, Any]) -> None:
    world = World(given)
    if given.get("as_nobody") and os.geteuid() == 0:
        os.setuid(65534)
    folder, powercap = Path(given["folder"]), Path(given["powercap"])
    if given.get("alone"):
        tracker_eit.machine_s = lambda: world.now_ns / 1e9
        tracker_eit.cpu_s = lambda _process: world.now_ns / 1e9
    if given["tracker"] == "eit":
        impact = tracker_eit.ImpactTracker(folder, 1.0, powercap, world.clock, world.wait)
        impact.start()
        assert world.over.wait(60.0)
        report = impact.stop()
    else:
        direct = tracker_nvml_rapl.Direct(folder, 1.0, powercap, world.clock)
        direct.poll()
        while not world.wait(given["step_s"]):
            direct.poll()
        report = direct.stop()
    print(json.dumps(asdict(report)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
