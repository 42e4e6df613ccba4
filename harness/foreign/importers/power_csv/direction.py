"""Which way round a meter was connected: what tells it, and what is said of it.

Knows powers below zero and counters that go down. Knows no file and no run.
"""

import numpy as np

from harness.foreign.importers.power_csv.mapping import PowerColumn
from harness.foreign.importers.power_csv.table import Floats

REMEDY = "where the meter (a clamp, polarity) was connected the wrong way round, say reversed = true"


def is_down(values: Floats) -> bool:
    """Whether a counter goes down from row to row more often than up."""
    steps = np.diff(values)
    return bool((steps < 0).sum() > (steps > 0).sum())


def direction_notes(column: PowerColumn, power_w: Floats) -> list[tuple[str, str]]:
    """Remarks on a meter that the mapping turns, and on one that seems to need it."""
    if column.reversed:
        return [("reversed", f"{column.column}: values are taken times -1, as the mapping says (reversed)")]
    below = int((power_w < 0).sum())
    if 2 * below <= int(np.isfinite(power_w).sum()):
        return []
    text = f"{column.column}: {below} of {power_w.size} powers are below 0, which no machine draws; {REMEDY}"
    return [("negative-power", text)]
