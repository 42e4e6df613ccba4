#!/bin/sh
# MLPerf Training's summarizer counts what was read of a switch as nothing, and a node by the mean of its whole log.
#
# Package: mlperf-logging 4.1.68 (PyPI), CPython 3.11, Linux x86_64. Seen 2026-11-29. wattlab is not used here.
#
# The rules (mlcommons/training_policies, power_measurement.adoc) ask that the interconnect is measured or estimated, and
# that energy is `sum(a power reading * duration between the previous reading and the current reading)` for all readings
# covering the timed portion of a run. A submission of one node (1000 W in the run of 100 s, 100 W for 20 s before and 20 s
# after it) and one switch (500 W all the time) is written as the package's own power_measurement.py writes logs: one
# `power_reading` a second, in node_0.txt and in sw_0.txt. The package's _compute_total_power, by which its result_summarizer
# makes the score, is asked for the energy. By the rule it is 100 s * (1000 W + 500 W) = 150000 J.
#   - The switch adds nothing: _compute_power_sw looks for `interconnect_power_est` alone, and 0 W is its answer where there
#     is none. No warning is printed. (The published submission with a measured switch is of this kind: training_results_v4.1,
#     Dell, 8xXE9680x8H100-SXM-80GB-POWER.)
#   - The node is 74286 J instead of 100000 J: the mean over its whole log, idle seconds included, times the run's length.
# So a submission that measures its switch has a better score than one that estimates it, and one whose log begins early a
# better score than one that is started late.
#
# Output seen:
#   by the rule: node 100000 J, switch 50000 J, total 150000 J
#   mlperf-logging: node 74286 J, switch 0 J, total 74286 J
#
# Exit status: 0 as above, 1 where the package behaves otherwise now, 2 where it could not be installed or run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" || exit 2
"$folder/venv/bin/pip" install -q --no-cache-dir --only-binary :all: mlperf-logging==4.1.68 >/dev/null 2>&1 || exit 2
cat > "$folder/look.py" <<'PY'
import json
import sys
from pathlib import Path

from mlperf_logging.result_summarizer import result_summarizer

BEGIN_MS, RUN_S, IDLE_S = 1_700_000_000_000, 100, 20
benchmark = Path(sys.argv[1]) / "bert"
power = benchmark / "power" / "result_0"
power.mkdir(parents=True)


def line(second, key, value, **metadata):
    told = {"namespace": "", "time_ms": BEGIN_MS + second * 1000, "event_type": "POINT_IN_TIME", "key": key}
    return ":::MLLOG " + json.dumps(told | {"value": value, "metadata": {"file": "x.py", "lineno": 1} | metadata}) + "\n"


def log(watts):
    seconds = range(-IDLE_S + 1, RUN_S + IDLE_S + 1)
    yield line(-IDLE_S, "power_measurement_start", None)
    yield line(-IDLE_S, "conversion_eff", 1.0, measurement_type="AC")
    yield from (line(second, "power_reading", watts(second), host="node_0") for second in seconds)
    yield line(RUN_S + IDLE_S, "power_measurement_stop", None)


(power / "node_0.txt").write_text("".join(log(lambda second: 1000.0 if 0 < second <= RUN_S else 100.0)))
asked = str(benchmark), str(benchmark / "result_0.txt"), RUN_S * 1000, "4.1.0"
node = result_summarizer._compute_total_power(*asked)
(power / "sw_0.txt").write_text("".join(log(lambda second: 500.0)))
total = result_summarizer._compute_total_power(*asked)
print("by the rule: node 100000 J, switch 50000 J, total 150000 J")
print(f"mlperf-logging: node {node:.0f} J, switch {total - node:.0f} J, total {total:.0f} J")
sys.exit(0 if round(node) == 74286 and total == node else 1)
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder" || exit $?
