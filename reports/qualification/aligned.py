"""Wall and a software meter around changes of load, as a picture shows them.

Knows the traces of runs, and in which of them the lag was found. Knows no picture, and computes no result.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reports.qualification.recorded import RecordedMeter, RecordedRun, liveliest
from reports.qualification.trace import EnergyTrace, Floats
from reports.results.software_meter import Lag, SoftwareMeter

SHOWN_S = 60.0
"""How much of a run is drawn."""
STEP_S = 5.0
"""Between the stretches of which the one with the greatest changes is drawn."""
MOST_POINTS = 400
"""Of one trace."""


@dataclass(frozen=True, slots=True)
class AlignedTraces:
    """A stretch of one run: seconds after its rating interval began, and power (W), of the wall and of a software
    meter, both as stamped."""

    meter: str
    run: str
    wall: tuple[Sequence[float], Sequence[float]]
    software: tuple[Sequence[float], Sequence[float]]


def aligned_traces(runs: Sequence[RecordedRun], meters: Sequence[SoftwareMeter]) -> Iterator[AlignedTraces]:
    """Of every meter with a trace: the run in which its lag was found, else that in which the wall moved most."""
    for meter in meters:
        own = [run for run in runs if meter.name in run.meters and run.meters[meter.name].energy is not None]
        lags = [lag.runs for lag in (meter.lag_switched, meter.lag_natural) if isinstance(lag, Lag)]
        found = [run for run in own if lags and run.name in lags[0]] or own
        if found:
            yield _aligned(meter.name, liveliest(found)[0])


def _aligned(name: str, run: RecordedRun) -> AlignedTraces:
    wall = _powers(run.wall)
    begin_s = _liveliest(*wall)
    recorded = run.meters[name]
    return AlignedTraces(name, run.name, _part(*wall, begin_s), _part(*_of_meter(recorded), begin_s))


def _of_meter(recorded: RecordedMeter) -> tuple[Floats, Floats]:
    """A gauge as it was read, a counter as power between two readings."""
    if recorded.trace.kind == "gauge" or recorded.energy is None:
        return recorded.times_s, recorded.trace.values
    return _powers(recorded.energy)


def _powers(trace: EnergyTrace) -> tuple[Floats, Floats]:
    """Power between two instants, at the second of them."""
    return trace.times_s[1:], np.asarray(np.diff(trace.energy_j) / np.diff(trace.times_s))


def _liveliest(times_s: Floats, power_w: Floats) -> float:
    """Where the stretch begins in which the power moves most."""
    last_s = max(float(times_s[-1]) - SHOWN_S, float(times_s[0]))
    begins_s = np.arange(float(times_s[0]), last_s + STEP_S / 2, STEP_S)
    moved = [float(np.std(power_w[(times_s >= at_s) & (times_s <= at_s + SHOWN_S)])) for at_s in begins_s]
    return float(begins_s[int(np.argmax(moved))])


def _part(times_s: Floats, power_w: Floats, begin_s: float) -> tuple[list[float], list[float]]:
    """The stretch, of a fast trace every so many-th value."""
    inside = np.flatnonzero((times_s >= begin_s) & (times_s <= begin_s + SHOWN_S))
    inside = inside[:: -(-inside.size // MOST_POINTS) or 1]
    return times_s[inside].tolist(), power_w[inside].tolist()
