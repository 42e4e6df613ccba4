"""Runs that somebody looks back at: read once, as they stand in their folders; what is shown of them is kept.

Knows the campaign and how a run is read. Knows no page and no baseline.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.live.assessment import assess
from harness.live.campaign import LiveCampaign
from harness.live.drawing import Drawing, chart_of, charts_of, whole_of
from harness.live.run import LiveRun
from harness.live.samples import Chart
from harness.live.state import run_of
from harness.live.tail import Replaced
from harness.record.documents import Json
from harness.record.entries import RunBegin, of

MOST_KEPT = 16
"""So many stay in memory; one takes about 3 MB."""
FINEST = 4000
"""Columns of its pictures."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is shown of a run: its state, its power, and its indicators by their number. Nothing where it is gone."""

    state: Json | None = None
    whole: Drawing | None = None
    charts: tuple[tuple[Chart, Drawing] | None, ...] = ()

    def chart(self, number: int) -> tuple[Chart, Drawing] | None:
        """One quantity of its indicators; None where there is none of that number."""
        return self.charts[number] if number < len(self.charts) else None


class Lookback:
    """The runs of one campaign by their number: which of those that were begun, from 1 on."""

    def __init__(self, campaign: LiveCampaign) -> None:
        self._campaign = campaign
        self._wanted: Counter[int] = Counter()
        self._kept: dict[int, Past] = {}

    @contextmanager
    def looked_at(self, number: int) -> Iterator[None]:
        """Somebody looks at it while the context is held."""
        self._wanted[number] += 1
        try:
            yield
        finally:
            self._wanted[number] -= 1
            self._wanted = +self._wanted

    def is_past(self, number: int) -> bool:
        """Whether it is no run that is followed anyway."""
        return bool(number) and of(RunBegin, self._campaign.entries)[number - 1 : number] != [self._campaign.begin]

    def past(self, number: int) -> Past:
        """It, as it was read; nothing where it was not read yet."""
        return self._kept.get(number, Past())

    def read_next(self) -> Past | None:
        """Read one that is looked at and was not read yet; None where there is none."""
        number = next((one for one in self._wanted if one not in self._kept and self.is_past(one)), None)
        if number is None:
            return None
        unseen = [one for one in self._kept if one not in self._wanted]
        for other in unseen[: max(0, len(self._kept) + 1 - MOST_KEPT)]:
            del self._kept[other]
        self._kept[number] = self._read(number)
        return self._kept[number]

    def _read(self, number: int) -> Past:
        begun = of(RunBegin, self._campaign.entries)
        folder = self._campaign.folder_of(begun[number - 1]) if number <= len(begun) else None
        if folder is None:
            return Past()
        run = LiveRun(folder)
        try:
            run.poll()
        except Replaced:
            return Past()
        charts = [chart_of(run, place) for place in range(len(charts_of(run)))]
        thin = tuple(None if one is None else (one[0], one[1].thinned(FINEST)) for one in charts)
        return Past(run_of(self._campaign, run, assess(run)), whole_of(run), thin)
