#!/bin/sh
# carbontracker 2.4.7: a component with several devices is given the MEAN of their powers, not the sum. It appends the
# readings of all devices of a poll to one flat list (Component.collect_power_usage: `power_usages[-1] += power_usage()`)
# and takes np.mean over it. So a machine with two packages of 50 W is 50 W, and a package's memory LOWERS the figure of
# the CPU; eight boards of 300 W are 300 W. Its log names all devices ("CPU with device(s) cpu:0, cpu:1.") and not this.
#
# Seen on Debian 12, Python 3.11, with RAPL counters of a folder of files that grow by 50 W and 10 W:
#   package 50 W:                 50 W
#   two packages of 50 W:         50 W
#   package 50 W and dram 10 W:   30 W
# Exit 0: as above. 1: carbontracker behaves otherwise. 2: it could not be run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install --quiet carbontracker==2.4.7 || exit 2
cd "$folder"
HOME=$folder "$folder/venv/bin/python" - <<'PYTHON'
import pathlib
import sys
import threading
import time

from carbontracker.components.component import Component
from carbontracker.components.cpu import intel
from carbontracker.loggerutil import Logger

PACKAGE = {"intel-rapl:0": ("package-0", 50.0)}
MACHINES = {
    "package 50 W:": PACKAGE,
    "two packages of 50 W:": PACKAGE | {"intel-rapl:1": ("package-1", 50.0)},
    "package 50 W and dram 10 W:": PACKAGE | {"intel-rapl:0:0": ("dram", 10.0)},
}


def grow(folder: pathlib.Path, zones: dict, over: threading.Event) -> None:
    """Counters that grow with time, as RAPL's do."""
    for zone, (name, _) in zones.items():
        (folder / zone).mkdir(parents=True)
        (folder / zone / "name").write_text(name + "\n")
    begin_s = time.monotonic()
    while True:
        for zone, (_, power_w) in zones.items():
            part = folder / zone / "part"
            part.write_text(str(round(1e6 * power_w * (time.monotonic() - begin_s))))
            part.replace(folder / zone / "energy_uj")
        if over.wait(0.002):
            return


seen = []
for number, (label, zones) in enumerate(MACHINES.items()):
    folder, over = pathlib.Path(f"machine-{number}"), threading.Event()
    writer = threading.Thread(target=grow, args=(folder, zones, over))
    writer.start()
    time.sleep(0.2)
    intel.RAPL_DIR = f"{folder}/"
    component = Component("cpu", [], False, Logger())
    component.init()
    for _ in range(2):
        component.collect_power_usage(1)
    over.set()
    writer.join()
    (energy_kwh,) = component.energy_usage([3600.0])
    seen.append(round(1000 * energy_kwh, -1))
    print(f"{label:29} {1000 * energy_kwh:.0f} W")
sys.exit(0 if seen == [50.0, 50.0, 30.0] else 1)
PYTHON
