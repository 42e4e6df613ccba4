"""One run while it is written: its documents, its power streams, the samples of its indicators.

Knows the names and forms of a run folder (docs/run-folder.md). Knows no campaign and no energy. A line that no reader
takes costs itself: it is counted.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.live.columns import Envelope, Floats
from harness.live.samples import Samples
from harness.live.stream import Stream
from harness.live.tail import Tail
from harness.record.documents import (
    ClockEvent,
    Event,
    IndicatorDescriptor,
    PowerDescriptor,
    Start,
    Stop,
    TasksDescriptor,
    decode,
    is_plain_name,
)
from harness.record.errors import DocumentError
from harness.record.run_folder import JOURNAL, RunFolder


class LiveRun:
    """A run folder that may still grow. `poll` reads what is new."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start: Start | None = None
        self.stop: Stop | None = None
        self.indicators: list[IndicatorDescriptor] = []
        self.tasks: list[TasksDescriptor] = []
        self.events: list[Event] = []
        self.streams: dict[str, Stream] = {}
        """Meter -> its stream, in the order of the journal."""
        self.samples: dict[str, Samples] = {}
        """Stream -> its rows, in the order of the journal."""
        self.unreadable = 0
        """Lines of the journal that no reader takes."""
        self.sum = Envelope()
        self._summed_s = 0.0
        self._counted: tuple[int, list[Stream]] = 0, []
        self._journal = Tail(folder / JOURNAL)

    def poll(self) -> tuple[bool, int]:
        """Whether the journal went on, and how many new readings there are.

        Raises:
            Replaced: a file is another one now.
        """
        before = len(self.events), len(self.streams), self.stop is None
        while lines := self._journal.lines():
            for line in lines.splitlines():
                self._take(line)
        fresh = sum(stream.poll() for stream in self.streams.values())
        for samples in self.samples.values():
            samples.poll()
        if fresh and len(self.counted) > 1:
            self._sum_up()
        return before != (len(self.events), len(self.streams), self.stop is None), fresh

    def _take(self, line: bytes) -> None:
        try:
            document = decode(line, JOURNAL)
        except DocumentError:
            self.unreadable += 1
            return
        match document:
            case Start():
                self.start = self.start or document
            case Stop():
                self.stop = document
            case PowerDescriptor():
                if self.start is not None and is_plain_name(document.stream):
                    self.streams[document.meter] = Stream(self.folder, document, self.start.time_ns)
            case IndicatorDescriptor():
                self.indicators.append(document)
                if is_plain_name(document.stream):
                    self.samples[document.stream] = Samples(self.folder, document)
            case TasksDescriptor():
                self.tasks.append(document)
            case _:
                self.events.append(document)

    @property
    def snapshot(self) -> RunFolder | None:
        """The run as its journal has it now; None before its start document."""
        if self.start is None:
            return None
        power = tuple(stream.descriptor for stream in self.streams.values())
        indicators, events, tasks = tuple(self.indicators), tuple(self.events), tuple(self.tasks)
        return RunFolder(self.folder, self.start, power, indicators, events, self.stop, tasks)

    @property
    def counted(self) -> list[Stream]:
        """The streams whose sum is the SUT's power, as the report has it; none where one of its circuits has no
        meter."""
        if len(self.streams) != self._counted[0] and (run := self.snapshot) is not None:
            from reports.readings.series import RunSeries

            meters = RunSeries(run, None, None, None, ()).primary_meters
            self._counted = len(self.streams), [self.streams[meter] for meter in meters]
        return self._counted[1]

    def origin_of(self, descriptor: IndicatorDescriptor) -> int | None:
        """The run's start on the clock that stamps a stream of indicators, by the last exchange; None before the first.
        For pictures: the report fits all exchanges."""
        from reports.readings.bounded import is_stamp

        if self.start is None:
            return None
        origin_ns = self.start.time_ns
        if descriptor.clock == "sut":
            last = next((event for event in reversed(self.events) if isinstance(event, ClockEvent)), None)
            if last is None:
                return None
            origin_ns += last.t_sut_ns - (last.t0_ns + last.t1_ns) // 2
        return origin_ns if is_stamp(origin_ns) else None

    @property
    def last_s(self) -> float:
        """When the last reading came, since the run's start; 0 without any."""
        return max((stream.last[0] for stream in self.streams.values() if stream.last), default=0.0)

    def _sum_up(self) -> None:
        """Take up into `sum` what every counted meter has spoken about by now."""
        counted = self.counted
        if not all(stream.count for stream in counted):
            return
        until_s = min(stream.last[0] for stream in counted if stream.last)
        # From the reading before the last sum on, so that each value that still holds is known.
        traces = [stream.since(self._summed_s) for stream in counted]
        times_s, sum_w = summed_up(traces)
        new = (times_s > self._summed_s) & (times_s <= until_s)
        self.sum.extend(times_s[new], sum_w[new])
        self._summed_s = max(until_s, self._summed_s)


def summed_up(traces: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """The sum of traces at every moment at which one of them has a value: each holds its last one until the next. NaN
    before each has spoken, and where one has no value. For pictures: energies are the report's business."""
    times_s = np.unique(np.concatenate([own_s for own_s, _ in traces]))
    sum_w = np.zeros(times_s.size)
    for own_s, own_w in traces:
        at = np.searchsorted(own_s, times_s, side="right") - 1
        sum_w += np.where(at >= 0, own_w[np.maximum(at, 0)] if own_w.size else np.nan, np.nan)
    return times_s, sum_w
