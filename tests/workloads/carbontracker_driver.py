"""carbontracker on a stand-in powercap folder: `carbontracker_driver.py SPECIFICATION`.

The specification (JSON): `zones` (folder -> name and power in W), `folder`, `seconds`, `closed` (nobody may read them).
Prints the adapter's report. The counters are written 200 times a second.
"""

import errno
import importlib
import json
import os
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from carbontracker.components.cpu import intel


def closed(path: str, mode: str) -> IO[str]:
    """`open` of somebody who may not read the counters; root, who may run this, reads everything."""
    if path.endswith("energy_uj"):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return Path(path).open(mode)


def main(given: dict[str, Any]) -> None:
    folder = Path(given["folder"])
    powercap = folder / "powercap"
    begin_s = time.monotonic()

    def write() -> None:
        for zone, (_, power_w) in given["zones"].items():
            counter = powercap / zone / "energy_uj"
            counter.with_suffix(".part").write_text(str(round(power_w * (time.monotonic() - begin_s) * 1e6)))
            counter.with_suffix(".part").replace(counter)

    def write_on() -> None:
        while True:
            write()
            time.sleep(0.005)

    for zone, (name, _) in given["zones"].items():
        (powercap / zone).mkdir(parents=True)
        (powercap / zone / "name").write_text(f"{name}\n")
    write()
    threading.Thread(target=write_on, daemon=True).start()
    intel.RAPL_DIR = f"{powercap}/"
    if given["closed"]:
        intel.open = closed
    tracker = importlib.import_module("tracker_carbontracker").adapter(folder, 0.2, epochs=False)
    tracker.start()
    time.sleep(given["seconds"])
    print(json.dumps(asdict(tracker.stop())))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
