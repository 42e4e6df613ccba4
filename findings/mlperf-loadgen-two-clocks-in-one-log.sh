#!/bin/sh
# One log of MLPerf's LoadGen stands in two clocks, and the one that says it is UTC is not.
#
# Package: mlcommons-loadgen 6.0.17 (PyPI), CPython 3.11, Linux x86_64. Seen 2026-11-28. wattlab is not used here.
#
# A test of two seconds is run with TZ=Asia/Tokyo (UTC+9). In its mlperf_log_detail.txt
#   - `test_datetime` ends with Z, which means UTC (ISO 8601), and is local time: nine hours ahead;
#   - `power_begin` and `power_end`, which name no zone, are UTC;
#   - both have one and the same `time_ms`, though they lie two seconds apart: it is the moment at which both lines were
#     written, not that of the edge.
# So who places a power measurement by `test_datetime` plus `time_ms`, the only stamps with a zone and a resolution, is
# off by the zone and gets a window of no length. The window is the values of power_begin and power_end, read as UTC.
#
# Output seen:
#   test_datetime is 9.00 h ahead of UTC though it ends with Z
#   power_begin is 0.00 h ahead of UTC and names no zone
#   power_end - power_begin = 2.0 s, their time_ms differ by 0.0 ms
#
# Exit status: 0 as above, 1 where the package behaves otherwise now, 2 where it could not be installed or run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" || exit 2
"$folder/venv/bin/pip" install -q --no-cache-dir --only-binary :all: mlcommons-loadgen==6.0.17 >/dev/null 2>&1 || exit 2
cat > "$folder/test.py" <<'PY'
import sys
import time

import mlperf_loadgen as loadgen


def issue(samples):
    time.sleep(2)
    loadgen.QuerySamplesComplete([loadgen.QuerySampleResponse(sample.id, 0, 0) for sample in samples])


settings = loadgen.TestSettings()
settings.scenario, settings.mode = loadgen.TestScenario.Offline, loadgen.TestMode.PerformanceOnly
settings.min_duration_ms, settings.offline_expected_qps, settings.min_query_count = 1000, 10, 1
output = loadgen.LogOutputSettings()
output.outdir, output.copy_summary_to_stdout = sys.argv[1], False
log = loadgen.LogSettings()
log.log_output = output
system = loadgen.ConstructSUT(issue, lambda: None)
library = loadgen.ConstructQSL(100, 10, lambda _: None, lambda _: None)
loadgen.StartTestWithLogSettings(system, library, settings, log)
PY
TZ=Asia/Tokyo "$folder/venv/bin/python" "$folder/test.py" "$folder" >/dev/null || exit 2
cat > "$folder/look.py" <<'PY'
import json
import sys
import time
from datetime import datetime, timezone

lines = [line[len(":::MLLOG "):] for line in open(sys.argv[1]) if line.startswith(":::MLLOG ")]
told = {entry["key"]: entry for entry in map(json.loads, lines)}
now = datetime.fromtimestamp(time.time(), timezone.utc).replace(tzinfo=None)
text = told["test_datetime"]["value"]
tested = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
begin, end = (datetime.strptime(told[key]["value"], "%m-%d-%Y %H:%M:%S.%f") for key in ("power_begin", "power_end"))
ahead_h, begin_h = ((time_ - now).total_seconds() / 3600 for time_ in (tested, begin))
apart_s, apart_ms = (end - begin).total_seconds(), told["power_end"]["time_ms"] - told["power_begin"]["time_ms"]
print(f"test_datetime is {round(ahead_h * 100) / 100 + 0.0:.2f} h ahead of UTC though it ends with Z")
print(f"power_begin is {abs(round(begin_h * 100) / 100):.2f} h ahead of UTC and names no zone")
print(f"power_end - power_begin = {apart_s:.1f} s, their time_ms differ by {apart_ms:.1f} ms")
as_seen = abs(ahead_h - 9) < 0.02 and abs(begin_h) < 0.02 and apart_s > 1.5 and apart_ms == 0
sys.exit(0 if as_seen else 1)
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder/mlperf_log_detail.txt"
