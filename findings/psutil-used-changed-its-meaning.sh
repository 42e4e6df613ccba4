#!/bin/sh
# psutil.virtual_memory().used is another quantity since psutil 7.1.
#
# Software   psutil 7.0.0 and 7.1.0 from the package index, Python 3, Linux.
# Behaviour  Until 7.0 `used` is total - free - buffers - cached; since 7.1 it is total - available. The name, the unit and
#            the call are the same, nothing warns. Shared memory and what the kernel cannot give back count only since 7.1.
# Seen       On one machine, within a second (2026-11-28, Debian 12): 7.0.0 says 1 735 667 712 byte are used, 7.1.0 says
#            2 067 775 488: 19 % more, and nothing else had changed. (collectl's [MEM]Used, a third quantity of that name,
#            is total - free: 6 752 763 904 byte at the same time.)
# Means      A memory figure of psutil is not comparable without its version, and two machines of one study can differ by the
#            version alone. Recording total - available and total - free oneself has no such seam.
# Exit       0 while both versions do what stands above, 1 when one of them does not, 2 when they could not be had.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
for version in 7.0.0 7.1.0; do
    python3 -m venv "$folder/$version" || exit 2
    "$folder/$version/bin/python" -m pip install --quiet --disable-pip-version-check "psutil==$version" || exit 2
done
cat > "$folder/ask.py" <<'END'
import sys

import psutil

m = psutil.virtual_memory()
kinds = {"total - free - buffers - cached": m.total - m.free - m.buffers - m.cached, "total - available": m.total - m.available}
is_one = [kind for kind, value in kinds.items() if value == m.used]
print(f"psutil {psutil.__version__}: used {m.used} = {' = '.join(is_one) or 'none of both'}; {kinds}")
sys.exit(0 if sys.argv[1] in is_one else 1)
END
"$folder/7.0.0/bin/python" "$folder/ask.py" "total - free - buffers - cached"
"$folder/7.1.0/bin/python" "$folder/ask.py" "total - available"
