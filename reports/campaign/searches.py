"""The searches of a campaign: what each tried, what it found, and the energy of everything that was run for it.

Knows the log's trials, analysed runs and the baseline. Knows no strategy: what was suggested is what the log says.

Every attempt is charged to its search: the one that counts, one whose program failed, one that was thrown out and
repeated, and one that was cut off, as far as it was recorded. An attempt whose program had not begun took nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from harness.record.campaign_folder import LOST
from harness.record.documents import Json
from harness.record.entries import Entry, RunEnd, of
from harness.record.searches import Trial, declared_for, trials_of
from reports.campaign.baseline import Baseline
from reports.campaign.run import AT_RUN, AnalysedRun
from reports.energy import budget
from reports.energy.sample import Kind
from reports.results.nulls import single_of
from reports.results.search import CutAttempt, HostSearch, SearchResult, TrialResult
from reports.results.uncertainty import Number, single


def evaluate(entries: Sequence[Entry], runs: Sequence[AnalysedRun], baseline: Baseline) -> tuple[SearchResult, ...]:
    """`searches` of results.json, in the order of the plan; those that have begun."""
    attempts: dict[int, list[AnalysedRun]] = {}
    for run in runs:
        if run.run.start.kind == "scenario" and not run.run.is_unended:
            attempts.setdefault(run.run.start.ordinal, []).append(as_far_as_recorded(run))
    gone = {end.folder: end.ordinal for end in of(RunEnd, entries) if end.lost == LOST}
    members: dict[tuple[str, int], list[Trial]] = {}
    for one in trials_of(entries):
        if one.suggestion is not None:
            members.setdefault((one.scenario, one.search), []).append(one)
    return tuple(
        _Search(trials, attempts, gone, baseline).result()
        for trials in members.values()
        if any(one.ordinal in attempts for one in trials)
    )


def as_far_as_recorded(run: AnalysedRun) -> AnalysedRun:
    """A run whose rating interval was cut off, with an interval up to the last reading; any other as it is."""
    series = run.series
    if run.unreadable is not None or series.begin_ns is None or series.end_ns is not None or not series.parts:
        return run
    last_ns = min(int(part.times_ns[-1]) for part in series.parts)
    return replace(run, series=replace(series, end_ns=last_ns)) if last_ns > series.begin_ns else run


@dataclass(frozen=True)
class _Search:
    """One search: its suggested trials, every attempt at any run of the campaign by its ordinal, what was removed."""

    trials: Sequence[Trial]
    attempts: Mapping[int, Sequence[AnalysedRun]]
    gone: Mapping[str, int]
    baseline: Baseline

    @cached_property
    def own(self) -> list[tuple[Trial, AnalysedRun]]:
        """Every attempt at its trials."""
        return [(one, run) for one in self.trials for run in self.attempts.get(one.ordinal, ())]

    @cached_property
    def cut(self) -> list[tuple[Trial, AnalysedRun]]:
        """Those that do not count."""
        return [(one, run) for one, run in self.own if not _counts(one, run)]

    @cached_property
    def declared(self) -> Json:
        """The search as lab.toml declares it."""
        return declared_for(self.own[0][1].run.start)

    def result(self) -> SearchResult:
        """The search as results.json has it."""
        first, declared, best = self.trials[0], self.declared, self._best()
        ended = [one.registered for one in self.trials if one.registered is not None]
        runs, cut = [run for _, run in self.own], [run for _, run in self.cut]
        until = [run for one, run in self.own if best is not None and one.trial <= best.trial]
        return SearchResult(
            scenario=first.scenario,
            search=first.search,
            strategy=str(declared.get("strategy")),
            objective=str(declared.get("objective")),
            direction=str(declared.get("direction")),
            rounds=int(declared.get("rounds", 0)),
            ended=len(ended),
            without_value=sum(one.value is None for one in ended),
            best_trial=None if best is None else best.trial,
            best_objective=None if best is None or best.registered is None else best.registered.value,
            energy_wh=self._sum(runs, "gross"),
            induced_energy_wh=self._sum(runs, "induced"),
            until_best_wh=self._sum(until, "induced"),
            cut_energy_wh=self._sum(cut, "gross"),
            cut_induced_energy_wh=self._sum(cut, "induced"),
            unknown=tuple(self._unknown()),
            host=self._host(),
            trials=tuple(map(self._trial, self.trials)),
            cut=tuple(self._cut(one, run) for one, run in self.cut),
        )

    def _best(self) -> Trial | None:
        """The first trial with the best value."""
        sign = -1.0 if self.declared.get("direction") == "minimise" else 1.0
        valued = [(sign * said.value, one) for one in self.trials
                  if (said := one.registered) is not None and said.value is not None]  # fmt: skip
        highest = max((value for value, _ in valued), default=None)
        return next((one for value, one in valued if value == highest), None)

    def _sum(self, runs: Sequence[AnalysedRun], kind: Kind) -> Number | None:
        known = [self.baseline.terms(run) for run in runs if _has_energy(run)]
        return budget.of_sum(known, [AT_RUN] * len(known), kind)

    def _unknown(self) -> Iterator[str]:
        """Attempts whose program had begun, as far as anybody can tell, and whose energy is not known."""
        for _, run in self.own:
            if not _has_energy(run) and (run.series.begin_ns is not None or run.unreadable is not None or run.broken):
                yield run.run.path.name
        ordinals = {one.ordinal for one in self.trials}
        yield from (folder for folder, ordinal in self.gone.items() if ordinal in ordinals)

    def _host(self) -> HostSearch:
        made = [one.suggestion for one in self.trials if one.suggestion is not None]
        cpu_s, duration_s = sum(one.cpu_s for one in made), sum(one.duration_s for one in made)
        return HostSearch(
            suggestions=len(made), cpu_s=single(cpu_s, "s"), duration_s=single(duration_s, "s"), energy_wh=None
        )

    def _trial(self, one: Trial) -> TrialResult:
        run = next((run for run in self.attempts.get(one.ordinal, ()) if _counts(one, run)), None)
        said = one.registered
        gross, induced = self._energies(run)
        return TrialResult(
            trial=one.trial,
            ordinal=one.ordinal,
            values={} if one.suggestion is None else one.suggestion.values,
            folder=None if said is None else said.folder,
            objective=None if said is None else said.value,
            reason=None if said is None else said.reason,
            energy_wh=gross,
            induced_energy_wh=induced,
            duration_s=None if run is None else single_of(run.duration_s, "s"),
        )

    def _cut(self, one: Trial, run: AnalysedRun) -> CutAttempt:
        gross, induced = self._energies(run)
        return CutAttempt(
            trial=one.trial,
            folder=run.run.path.name,
            reason=run.excluded_because,
            duration_s=single_of(run.duration_s, "s"),
            energy_wh=gross,
            induced_energy_wh=induced,
        )

    def _energies(self, run: AnalysedRun | None) -> tuple[Number | None, Number | None]:
        """Total and induced energy of one attempt."""
        if run is None or not _has_energy(run):
            return None, None
        terms = self.baseline.terms(run)
        return budget.of_one(terms, "gross").number(AT_RUN), budget.of_one(terms, "induced").number(AT_RUN)


def _counts(one: Trial, run: AnalysedRun) -> bool:
    return one.registered is not None and one.registered.folder == run.run.path.name


def _has_energy(run: AnalysedRun) -> bool:
    return run.interval_ns is not None and not run.broken and run.unreadable is None and bool(run.feeding)
