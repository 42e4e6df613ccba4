#!/bin/sh
# pyjls 0.17.0: a recording of a Joulescope (JLS 2) that was copied while the recording went on, as a backup does, is a
# file that was not closed. Reader, which has no option to write, opens it, gives every sample that was on disk, and
# repairs it in its place: the file is longer afterwards, and its digest is another. Whoever keeps the SHA-256 of a
# recording as evidence, and then looks at the recording, has no longer what the digest was of. A note on standard error
# says "not closed gracefully", and nothing says that the file was written to. A file that was closed stays as it is.
#
# Seen on Debian 12, Python 3.11, of 200,000 samples (1 kHz):
#   closed              200000 samples read, digest the same
#   copied meanwhile    196608 samples read, digest another, 5792 bytes longer
# Exit 0: as above. 1: pyjls behaves otherwise. 2: it could not be run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install --quiet pyjls==0.17.0 numpy==2.4.6 || exit 2
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import hashlib
import shutil
import sys
from pathlib import Path

import numpy as np
from pyjls import Reader, Writer

closed, copied = Path("closed.jls"), Path("copied-meanwhile.jls")
writer = Writer(str(closed))
writer.source_def(source_id=1, name="meter", vendor="lab", model="any", version="1", serial_number="1")
writer.signal_def(signal_id=1, source_id=1, sample_rate=1000, name="current", units="A")
writer.fsr_f32(1, 0, np.linspace(0, 1, 200_000, dtype=np.float32))
writer.flush()
shutil.copy(closed, copied)
writer.close()


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


seen = []
for path in (closed, copied):
    before, size = digest(path), path.stat().st_size
    with Reader(str(path)) as reader:
        samples = reader.signals[1].length
    seen.append((samples > 190_000, digest(path) == before))
    longer = path.stat().st_size - size
    print(f"{path.stem:18} {samples} samples read, digest {'the same' if seen[-1][1] else 'another'}, {longer} bytes longer")
sys.exit(0 if seen == [(True, True), (True, False)] else 1)
PYTHON
