"""experiment-impact-tracker's data.json -> a trace: watts of RAPL and of the GPUs.

Knows one JSON object a line with `timestamp` (seconds since 1970, UTC). Seen: 92 files of 799 lines (vladostp/an-
experimental-comparison-of-software-based-power-meters, CC BY-SA 4.0). The "absolute" figures are of the machine; the
"attributable" ones are its share for one process tree, and are left out, as is `per_gpu_power_draw`, which in these
files holds the last board only. A last line that was cut off is left out and
said; any other line that is no such object is refused.
"""

import json
from collections.abc import Iterator

import numpy as np

from harness.foreign.importers.remarks import CUT
from harness.foreign.importers.software.trace import SoftwareTrace, gauge, pivoted
from harness.foreign.importers.source import SourceFile, lines_of
from harness.foreign.importers.stamps import SECOND_NS
from harness.record.documents import Json
from harness.record.errors import ImportFileError

NAME = "experiment-impact-tracker"
FIGURES = {"rapl_power_draw_absolute": "rapl_power_w", "nvidia_draw_absolute": "gpu_power_w"}
QUANTITIES = {"rapl_power_w": "power of all RAPL zones", "gpu_power_w": "power of all GPUs"}


def read_impact_tracker(source: SourceFile) -> SoftwareTrace:
    """The figures of the machine in a file.

    Raises:
        ImportFileError: a line that is no object with a time; with file and line.
    """
    notes: list[str] = []
    found = [(time_ns, name, value) for time_ns, figures in _lines(source, notes) for name, value in figures.items()]
    times = np.array([time_ns for time_ns, _, _ in found], dtype=np.int64)
    names, time_ns, values, more = pivoted(
        source, times, [name for _, name, _ in found], np.array([value for _, _, value in found])
    )
    method = "experiment-impact-tracker: mean over its own sampling interval"
    columns = [gauge(name, QUANTITIES[name], method) for name in names]
    return SoftwareTrace(NAME, columns, time_ns, values, tuple(notes + more))


def _lines(source: SourceFile, notes: list[str]) -> Iterator[tuple[int, dict[str, float]]]:
    lines = lines_of(source)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
            time_ns = round(float(raw["timestamp"]) * SECOND_NS)
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            if number == len(lines):
                notes.append(f"{source.path}:{number}: {CUT}")
                return
            raise ImportFileError(
                f"{source.path}:{number}: found {line!r:.60}, expected a JSON object with timestamp, as "
                "experiment-impact-tracker writes into data.json"
            ) from None
        yield time_ns, dict(_figures(raw))


def _figures(raw: Json) -> Iterator[tuple[str, float]]:
    for key, name in FIGURES.items():
        value = raw.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield name, float(value)
