"""What is drawn of a run: its power now and since it began, and one quantity of its indicators.

Knows a live run and pixels. Knows no HTML, no server and no energy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.live.columns import Floats, thinned, with_breaks
from harness.live.run import LiveRun, summed_up
from harness.live.samples import Chart, Samples
from harness.record.documents import Json

LATE_STEPS = 3.0
"""A line is not drawn over more than so many usual steps (and a second): there was no reading."""
SUM = "sum"


@dataclass(frozen=True, slots=True)
class Drawing:
    """Traces over a stretch of the run's time (s): of each meter, and of the sum where several count."""

    begin_s: float
    end_s: float
    traces: tuple[tuple[str, Floats, Floats, float], ...]
    """Name, times (s), values, the longest step over which a line is drawn (s)."""

    def thinned(self, columns: int) -> "Drawing":
        """At most two points a trace and column, or all that there are where they are fewer."""
        width_s = (self.end_s - self.begin_s) / columns
        traces = [
            (name, *thinned(times_s, values, self.begin_s, self.end_s, columns), max(longest_s, 2 * width_s))
            for name, times_s, values, longest_s in self.traces
        ]
        return Drawing(self.begin_s, self.end_s, tuple(traces))

    def to_json(self, columns: int) -> Json:
        """At most two points a trace and column, and an empty one where no line is drawn."""
        drawn = []
        for name, times_s, values, longest_s in self.thinned(columns).traces:
            at_s, shown = with_breaks(times_s, values, longest_s)
            drawn.append({"name": name, "t": at_s, "v": shown})
        return {"begin_s": self.begin_s, "end_s": self.end_s, "traces": drawn}


def now_of(run: LiveRun, length_s: float) -> Drawing:
    """The last `length_s` before the last reading."""
    end_s = max(run.last_s, 1.0)
    begin_s = max(0.0, end_s - length_s)
    parts = {meter: _known(*stream.since(begin_s)) for meter, stream in run.streams.items()}
    traces = [(meter, *parts[meter], _longest_s(stream.step_s)) for meter, stream in run.streams.items()]
    counted = run.counted
    if len(counted) > 1:
        times_s, sum_w = summed_up([parts[stream.descriptor.meter] for stream in counted])
        until_s = min(stream.last[0] if stream.last else 0.0 for stream in counted)
        known = (times_s <= until_s) & (sum_w == sum_w)
        traces.append((SUM, times_s[known], sum_w[known], _longest_s(max(stream.step_s for stream in counted))))
    return Drawing(begin_s, end_s, tuple(traces))


def whole_of(run: LiveRun) -> Drawing:
    """Everything since the run's start, by least and greatest value."""
    end_s = max(run.last_s, 1.0)
    traces = [
        (meter, *stream.envelope.trace, max(_longest_s(stream.step_s), 2 * stream.envelope.width_s))
        for meter, stream in run.streams.items()
    ]
    if len(run.counted) > 1:
        slowest_s = max(stream.step_s for stream in run.counted)
        traces.append((SUM, *run.sum.trace, max(_longest_s(slowest_s), 2 * run.sum.width_s)))
    return Drawing(0.0, end_s, tuple(traces))


def charts_of(run: LiveRun) -> list[tuple[Samples, Chart]]:
    """What can be drawn of the indicators, in the order in which the page offers it."""
    return [(samples, chart) for samples in run.samples.values() for chart in samples.charts]


def chart_of(run: LiveRun, number: int) -> tuple[Chart, Drawing] | None:
    """The drawing of one quantity since the run's start; None where there is none of that number (from 0), or nothing
    maps its clock yet."""
    charts = charts_of(run)
    if not 0 <= number < len(charts):
        return None
    samples, chart = charts[number]
    origin_ns = run.origin_of(samples.descriptor)
    if origin_ns is None:
        return None
    end_s = max(run.last_s, 1.0)
    traces = [(name, *_within(*samples.trace(name, origin_ns), end_s)) for name in chart.names]
    longest_s = _longest_s(samples.descriptor.period_s)
    return chart, Drawing(0.0, end_s, tuple((*trace, longest_s) for trace in traces))


def _within(times_s: Floats, values: Floats, end_s: float) -> tuple[Floats, Floats]:
    inside = (times_s >= 0) & (times_s <= end_s)
    return times_s[inside], values[inside]


def _known(times_s: Floats, power_w: Floats) -> tuple[Floats, Floats]:
    """Without the readings that have no value."""
    known = power_w == power_w
    return times_s[known], power_w[known]


def _longest_s(step_s: float) -> float:
    return max(1.0, LATE_STEPS * step_s)


def last_of(run: LiveRun) -> Sequence[Json]:
    """The last reading of each meter: what changes with every frame."""
    return [
        {
            "meter": meter,
            "w": None if stream.last is None else stream.last[1],
            "s": None if stream.last is None else stream.last[0],
            "readings": stream.count,
        }
        for meter, stream in run.streams.items()
    ]
