"""How late the power streams of one imported run follow each other, as a note of the run.

Knows streams of an import. The lag, its bound and why it is refused are those of `reports.qualification.lag`.

Decisions
- Every stream is held against the first one, by cross-correlation of what both show: circuits of one machine need not
  draw the same, but they step together.
- Half of the window of a stream's readings is taken off: a mean over a window is as old as its middle, and no clock is
  off for that. What remains is what a clock, or an instrument's own delay, makes.
"""

import io
from pathlib import Path

import numpy as np

from harness.foreign.importers.imported import ImportedRun
from harness.record.documents import NoteEvent, PowerDescriptor
from harness.record.errors import AnalysisError
from reports.qualification.lag import Record, lag_of
from reports.qualification.trace import EnergyTrace, of_gauge, of_windows
from reports.readings.series import FLAGGED, POWER_COLUMNS, PowerSeries, power_series
from reports.readings.table import read_table
from reports.results.software_meter import Refusal

CODE = "trace-lag"


def lag_notes(run: ImportedRun) -> list[NoteEvent]:
    """A note for each of its power streams but the first."""
    read = [
        power_series(path, descriptor, read_table(path, io.BytesIO(content), POWER_COLUMNS, FLAGGED))
        for descriptor, made in run.streams
        if isinstance(descriptor, PowerDescriptor)
        for path, content in [(Path(descriptor.stream), made if isinstance(made, bytes) else made())]
    ]
    return [NoteEvent(time_ns=run.end_ns, code=CODE, text=_sentence(read[0], other)) for other in read[1:]]


def _sentence(first: PowerSeries, other: PowerSeries) -> str:
    names = f"{other.descriptor.meter} against {first.descriptor.meter}"
    if not first.times_ns.size:
        return f"{names}: no lag: {first.descriptor.meter} has no reading"
    start_ns = int(first.times_ns[0])
    try:
        wall = _trace(first, start_ns)
    except AnalysisError as error:
        return f"{names}: no lag: {error}"
    times_s = np.asarray((other.times_ns - start_ns) * 1e-9, dtype=np.float64)
    found = lag_of([Record("", wall, times_s, other.power_w)], "cross-correlation")
    if isinstance(found, Refusal):
        text = found.text.replace("The software meter", other.descriptor.meter)
        return f"{names}: no lag: {text.replace('the software meter', other.descriptor.meter)}"
    half_s = float(np.median(other.window_s)) / 2 if other.averages else 0.0
    low_s, high_s = (bound_s - half_s for bound_s in found.bound_s)
    value_s = (found.lag_s.value or 0.0) - half_s
    way = "behind" if value_s >= 0 else "ahead"
    return (
        f"{names}: {abs(value_s):.3g} s {way} (95 %: {low_s:.3g} to {high_s:.3g} s behind), by cross-correlation"
        f"{'; half of its window is taken off' if half_s else ''}"
    )


def _trace(series: PowerSeries, start_ns: int) -> EnergyTrace:
    times_s = np.asarray((series.times_ns - start_ns) * 1e-9, dtype=np.float64)
    if series.averages:
        return of_windows(times_s, series.power_w, float(np.median(series.window_s)))
    return of_gauge(times_s, series.power_w)
