"""MLPerf Training's energy rule by itself, without wattlab: `python tests/importers/training_rule.py RESULT LOG...`."""

import gzip
import json
import sys
from itertools import pairwise
from typing import Any


def entries(path: Any) -> list[Any]:  # noqa: ANN401
    with gzip.open(path, "rt") as lines:
        return [json.loads(line.split(":::MLLOG", 1)[1]) for line in lines]


def energies_j(result: Any, logs: Any) -> list[float]:  # noqa: ANN401
    edge = {entry["key"]: entry["time_ms"] for entry in entries(result) if entry["key"] in ("run_start", "run_stop")}
    begin, end, found = edge["run_start"], edge["run_stop"], []
    for log in logs:
        readings = [(entry["time_ms"], entry["value"]) for entry in entries(log) if entry["key"] == "power_reading"]
        counted = [(ms - before) * watts for (before, _), (ms, watts) in pairwise(readings) if begin <= ms <= end]
        found.append(sum(counted) / 1000)
    return found


if __name__ == "__main__":
    print(energies_j(sys.argv[1], sys.argv[2:]))
