"""Power over time for figure 5: run folders, through the analysis's series -> one panel per scenario.

Knows which runs are shown, how their readings fall into equal steps of time, and where the actions lie. Computes no
result: the mean drawn here is a line, its integral is nobody's energy.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from harness.record.run_folder import RunFolder
from reports.figures.campaign import MAX_COLUMNS, Span, TracePanel
from reports.figures.palette import BASELINE
from reports.figures.scale import Floats
from reports.readings.series import read_run
from reports.results.action import ActionResult
from reports.results.document import Results

Trace = tuple[Floats, Floats]
NOTE = (
    "Time counts from the beginning of the rating interval. Readings are drawn as they were measured; of a run with "
    f"more than {2 * MAX_COLUMNS} readings the least and the greatest of each of {MAX_COLUMNS} equal parts. "
    "The mean is formed per second and ends where the shortest run ends."
)
MAX_LEVEL = 2


def trace_panels(campaign: Path, results: Results) -> list[TracePanel]:
    """One panel for the baseline and one for every scenario that has a run with readings."""
    traces: dict[str, list[Trace]] = {}
    for run in results.runs:
        if run.included and (trace := _trace(campaign / run.folder)) is not None:
            traces.setdefault(run.scenario, []).append(trace)
    parts = results.scenarios
    styles = {"baseline": BASELINE} | {name: style for style, name in enumerate(parts)}
    panels = []
    for name, style in styles.items():
        if name in traces:
            part = parts.get(name)
            actions = [] if part is None else _spans([*part.actions, *part.epochs])
            title = f"{name}, {len(traces[name])} run{'s' if len(traces[name]) != 1 else ''}"
            panels.append(TracePanel(title, style, traces[name], mean_trace(traces[name]), actions))
    return panels


def _trace(folder: Path) -> Trace | None:
    """Seconds since the rating interval began and watts, within it; None where the run has no reading there."""
    run = read_run(RunFolder.open(folder))
    if not run.parts or run.begin_ns is None or run.end_ns is None:
        return None
    first, *others = run.parts
    inside = (first.times_ns >= run.begin_ns) & (first.times_ns <= run.end_ns)
    times_ns = first.times_ns[inside]
    watts = np.asarray(first.power_w[inside], dtype=float)
    for other in others:  # at the same moments, by time
        watts = watts + np.interp(times_ns, other.times_ns, other.power_w)
    return ((times_ns - run.begin_ns) / 1e9, watts) if times_ns.size else None


def mean_trace(traces: Sequence[Trace]) -> Trace:
    """Mean over all runs, per second of the run (of a run under 10 s: per tenth of its length), as far as the shortest
    run goes: a mean over fewer runs would jump where one ends."""
    shortest = min(float(seconds[-1]) for seconds, _ in traces)
    step = 1.0 if shortest >= 10 else max(shortest, 1e-3) / 10
    bins = int(shortest / step) + 1
    middles: Floats = (np.arange(bins, dtype=np.float64) + 0.5) * step
    return middles, np.mean([_per_step(trace, step, middles) for trace in traces], axis=0)


def _per_step(trace: Trace, step: float, middles: Floats) -> Floats:
    """One run's mean of every step; of a step without a reading what lies on the line between its neighbours."""
    seconds, watts = trace
    index = (seconds / step).astype(int)
    inside = index < middles.size
    count = np.bincount(index[inside], minlength=middles.size)
    total = np.bincount(index[inside], weights=watts[inside], minlength=middles.size)
    between = np.interp(middles, seconds, watts)
    return np.where(count > 0, total / np.maximum(count, 1), between)


def _spans(records: Iterable[ActionResult]) -> list[Span]:
    """Actions as spans of mean begin and end; an action inside another lies one level deeper."""
    raw = []
    for record in records:
        if record.begin_s is not None and record.duration_s is not None:
            begin_s = record.begin_s.value
            raw.append((begin_s, begin_s + record.duration_s.value, record.name))
    raw.sort(key=lambda span: (span[0], -span[1]))
    return [Span(name, begin, end, min(_depth(raw, i), MAX_LEVEL)) for i, (begin, end, name) in enumerate(raw)]


def _depth(spans: Sequence[tuple[float, float, str]], index: int) -> int:
    """How many other spans hold the middle of this one and are longer."""
    begin, end, _ = spans[index]
    middle, length = (begin + end) / 2, end - begin
    return sum(b <= middle <= e and e - b > 1.001 * length for i, (b, e, _) in enumerate(spans) if i != index)
