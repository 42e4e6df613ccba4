"""The baseline of a campaign: its blocks, P_B for a run, what makes energies uncertain against it.

Knows included baseline runs. Knows no scenario.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import PhaseEvent
from reports.campaign.run import AnalysedRun
from reports.energy.contributions import PartBaseline, RunTerms, Stream, run_terms
from reports.energy.energy import BaselineLevel, Block, baseline_for
from reports.energy.observer import ObserverEffect
from reports.energy.tail import Tail, tail_of


@dataclass(frozen=True)
class Baseline:
    """The included baseline runs of a campaign, and what the agent adds to all power (None: not measured)."""

    runs: list[AnalysedRun]
    observer: ObserverEffect | None = None

    @cached_property
    def blocks(self) -> list[Block]:
        """Their mean powers."""
        return blocks_of(self.runs)

    @cached_property
    def started(self) -> "Baseline":
        """The same runs, their stamps marking the start of their window."""
        return Baseline([run.with_convention("start") for run in self.runs], self.observer)

    @cached_property
    def by_circuit(self) -> dict[str, list[tuple[AnalysedRun, int]]]:
        """Circuit -> the runs that measured it, and where it stands among their streams."""
        found: dict[str, list[tuple[AnalysedRun, int]]] = {}
        for run in self.runs:
            for place, descriptor in enumerate(run.feeding):
                found.setdefault(descriptor.circuit, []).append((run, place))
        return found

    def level(self, run: AnalysedRun) -> BaselineLevel | None:
        """P_B for a run."""
        return baseline_for(self.blocks, run.session, *run.interval_ns, run.idle_w) if run.interval_ns else None

    def terms(self, run: AnalysedRun) -> RunTerms:
        """What makes the energies of a run's `edges_ns` uncertain against this baseline."""
        return self._measured(run).terms

    def tail(self, run: AnalysedRun) -> Tail | None:
        """The run's thermal tail above this baseline; None where it was not recorded."""
        return self._measured(run).tail

    def _measured(self, run: AnalysedRun) -> "Measured":
        """Both at once, while the readings of the run are at hand."""
        if id(run) not in self._known:
            terms = self._terms(run)
            self._known[id(run)] = Measured(run, terms, None if terms.level is None else tail_above(run, terms.level))
        return self._known[id(run)]

    @cached_property
    def _known(self) -> "dict[int, Measured]":
        """By the identity of a run."""
        return {}

    def _terms(self, run: AnalysedRun) -> RunTerms:
        level, (begins_ns, ends_ns) = self.level(run), run.edges_ns
        beside = () if level is None else tuple(self._beside(run, level, stream) for stream in run.streams)
        convention_j = self._convention_j(run, level) if run.stamps_unknown else None
        return run_terms(
            run.streams, begins_ns, ends_ns, level, beside, run.clock_bound_s, convention_j, self.observer,
            run.interval_ns,
        )  # fmt: skip

    def _beside(self, run: AnalysedRun, level: BaselineLevel, stream: Stream) -> PartBaseline:
        """The baseline of the circuit of one of the run's streams."""
        begins_ns, ends_ns = run.edges_ns
        everyone = self.by_circuit.get(stream.series.descriptor.circuit, [])
        own = [(one, place) for one, place in everyone if one.session == run.session]
        errors = [one.errors[place] for one, place in own or everyone]
        same = bool(errors) and all(error.key == stream.error.key and error.one_range for error in errors)
        same = same and stream.error.one_range
        alone: BaselineLevel | None = level
        if len(run.streams) > 1:
            blocks = [replace(one.block, mean_w=one.parts_j[place] / one.duration_s)
                      for one, place in everyone if one.interval_ns]  # fmt: skip
            alone = baseline_for(blocks, run.session, *run.interval_ns) if run.interval_ns else None
        energy_j = np.zeros(begins_ns.size) if alone is None else alone.energy_j(begins_ns, ends_ns)
        limits_w = [part.reported_j[0] / one.duration_s for one, place in own or everyone if one.own_terms
                    if (part := one.own_terms.parts[place]).reported_j is not None]  # fmt: skip
        reported_j = np.mean(limits_w) * (ends_ns - begins_ns) * 1e-9 if limits_w else None
        noises_w = [one.noises_w[place] for one, place in own or everyone] or [0.0]
        noise_w = float(np.sqrt(np.mean(np.square(noises_w))))
        return PartBaseline(energy_j, reported_j, same, same and bool(own), noise_w)

    def _convention_j(
        self, run: AnalysedRun, level: BaselineLevel | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """How much more energy there would be if the stamps marked the start of their windows: total and induced."""
        start, (begins_ns, ends_ns) = run.with_convention("start"), run.edges_ns
        if run.function is None or start.function is None:
            return None
        more_j = start.function.energy_j(begins_ns, ends_ns) - run.function.energy_j(begins_ns, ends_ns)
        other = self.started.level(start)
        if level is None or other is None:
            return more_j, np.full(more_j.size, np.nan)
        return more_j, more_j - (other.energy_j(begins_ns, ends_ns) - level.energy_j(begins_ns, ends_ns))


@dataclass(frozen=True, slots=True)
class Measured:
    """A run against a baseline."""

    run: AnalysedRun
    terms: RunTerms
    tail: Tail | None


def tail_above(run: AnalysedRun, level: BaselineLevel) -> Tail | None:
    """The thermal tail of a run: from its end to that of the supplementary phase."""
    until_ns = _recorded_until_ns(run)
    if until_ns is None or run.function is None or run.interval_ns is None:
        return None
    return tail_of(run.function, run.parts, level, run.interval_ns[1], until_ns)


def induced_j(run: AnalysedRun, level: BaselineLevel | None) -> float:
    """Induced energy of a run (J); NaN where unknown."""
    if level is None or run.interval_ns is None:
        return float("nan")
    return run.energy_j - float(level.energy_j(*run.interval_ns))


def blocks_of(baseline_runs: Sequence[AnalysedRun]) -> list[Block]:
    """The mean powers of blocks."""
    return [run.block for run in baseline_runs if run.interval_ns]


def _recorded_until_ns(run: AnalysedRun) -> int | None:
    """The end of the supplementary phase; None where there was none."""
    ends = [
        e.time_ns for e in run.run.events if isinstance(e, PhaseEvent) and (e.name, e.edge) == ("supplementary", "end")
    ]
    return ends[-1] if ends else None
