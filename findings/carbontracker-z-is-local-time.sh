#!/bin/sh
# carbontracker names its log files with a Z (UTC in ISO 8601), and writes local time before it.
#
# Software   carbontracker 2.4.7 from the package index (the same in 1.1.6), Python 3, Linux.
# Behaviour  `Logger` names its files by `datetime.datetime.now().strftime("%Y-%m-%dT%H%M%SZ")`: the local wall clock, called
#            Zulu. The stamps inside are the same local clock, without a zone. Its comment calls it a "modified ISO8601 format".
# Seen       With TZ=Asia/Kolkata the name is 5 h 30 min ahead of UTC, and still ends in Z (2026-11-29, Debian 12).
# Means      Nothing in the file or its name says the zone, and the name says a wrong one: epochs lined up with a power meter
#            by it lie hours off. On a machine that is set to UTC it is right, so tests there do not show it.
# Exit       0 while it does what stands above, 1 when the name is UTC, 2 when it could not be had.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
python3 -m venv "$folder/venv" || exit 2
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check carbontracker==2.4.7 || exit 2
cat > "$folder/ask.py" <<'END'
import datetime
import pathlib
import re
import sys

from carbontracker.loggerutil import Logger

logs = pathlib.Path(sys.argv[1])
utc = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
Logger(log_dir=str(logs)).info("hello")
[log] = logs.glob("*_carbontracker.log")
stamp = re.search(r"\d{4}-\d\d-\d\dT\d{6}Z", log.name)[0]
ahead_min = (datetime.datetime.strptime(stamp, "%Y-%m-%dT%H%M%SZ") - utc).total_seconds() / 60
print(f"{log.name}: {ahead_min:.1f} minutes ahead of UTC; inside: {log.read_text().strip()}")
sys.exit(0 if abs(ahead_min - 330) < 2 else 1)
END
cd "$folder"
HOME=$folder TZ=Asia/Kolkata "$folder/venv/bin/python" "$folder/ask.py" "$folder/logs"
