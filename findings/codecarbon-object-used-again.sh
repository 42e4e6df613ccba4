#!/bin/sh
# CodeCarbon 3.3.2: one OfflineEmissionsTracker, started and stopped three times (1.5 s each, 0.5 s between), appends a row
# a pass under one run_id. The energies of a row are counted since the object was MADE, its duration since the last START:
# the third row claims three passes' energy in one pass's time, three times the power.
# One would guess that a row is one pass (its duration is), or that both go on (as they do until 3.3.0).
#
# Seen on Debian 12, Python 3.11:
#   row 1: duration 1.0, energy 1.0 of the first pass
#   row 2: duration 1.0, energy 2.0 of the first pass
#   row 3: duration 1.0, energy 3.0 of the first pass
# (the memory's energy, whose power is constant, so that the machine's load does not matter)
# Exit 0: as above. 1: CodeCarbon behaves otherwise. 2: it could not be run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install --quiet codecarbon==3.3.2 || exit 2
cd "$folder"
HOME=$folder "$folder/venv/bin/python" - <<'PYTHON' || exit 2
import time

from codecarbon import OfflineEmissionsTracker

tracker = OfflineEmissionsTracker(country_iso_code="DEU", output_dir=".", log_level="error")
for _ in range(3):
    tracker.start()
    time.sleep(1.5)
    tracker.stop()
    time.sleep(0.5)
PYTHON
"$folder/venv/bin/python" - <<'PYTHON'
import csv
import sys

with open("emissions.csv", newline="") as file:
    rows = list(csv.DictReader(file))
first = rows[0]
seen = []
for number, row in enumerate(rows, 1):
    duration = float(row["duration"]) / float(first["duration"])
    energy = float(row["ram_energy"]) / float(first["ram_energy"])
    seen.append((round(duration, 1), round(energy, 1)))
    print(f"row {number}: duration {duration:.1f}, energy {energy:.1f} of the first pass")
one_object = len({row["run_id"] for row in rows}) == 1
sys.exit(0 if one_object and seen == [(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)] else 1)
PYTHON
