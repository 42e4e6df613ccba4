"""Every software meter of a campaign: its loads, its transfer function, its lag, its steps.

Knows the runs of the loads and what of each meter was recorded in them, and in which order what is computed of it: the
lag first, for a run's mean begins and ends later by it. Computes no number itself.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from harness.record.steps import steps
from reports.qualification.lag import Record, lag_of
from reports.qualification.olympic import minutes, olympic_test
from reports.qualification.recorded import RecordedMeter, RecordedRun, liveliest
from reports.qualification.sampling import quantum_of, quantum_u_w, sampling_of
from reports.qualification.share import RunMeans, WallError, mean_power, run_means, seen_share
from reports.qualification.trace import Floats, unwrapped
from reports.qualification.trackers import NOT_A_TRACE, tracker_means
from reports.qualification.transfer import LevelRun, transfer_of
from reports.qualification.wall import worst
from reports.qualification.window import boxcar_fit, first_order_fit, response_record
from reports.results.qualification import QualifiedLoad
from reports.results.software_meter import (
    Lag,
    MeterOnLoad,
    OlympicTest,
    Refusal,
    Response,
    Sampling,
    SoftwareMeter,
    Transfer,
)
from reports.results.uncertainty import Term
from reports.trackers.pair import Pair

INFINITE = float("inf")
MOST_RUNS = 6
"""So many runs of constant loads are asked for their natural steps: those in which the wall moves most."""
NOT_SWITCHED = "No load was switched on and off in this campaign."
NO_LEVELS = "The campaign declared no levels of load, and a line needs to know which runs are of one level."


@dataclass(frozen=True)
class Bench:
    """What all software meters of a campaign are held against: its runs (those of no load too, which switch it or
    show natural steps), its loads, x in %."""

    runs: Sequence[RecordedRun]
    loads: Sequence[QualifiedLoad]
    limit_percent: float

    @cached_property
    def of_load(self) -> Mapping[str, Sequence[RecordedRun]]:
        """Load -> its runs, in the order of measuring."""
        return {load.scenario: [run for run in self.runs if run.name in load.runs] for load in self.loads}

    @cached_property
    def error(self) -> WallError:
        """The largest error of the wall that all runs have in common."""
        return worst([run.error for runs in self.of_load.values() for run in runs])


def software_meters(bench: Bench, pairs: Sequence[Pair]) -> tuple[SoftwareMeter, ...]:
    """Every software meter with a trace, in the order of the streams, then every tracker."""
    names = dict.fromkeys(name for run in bench.runs for name in run.meters)
    traced = [_Traced(bench, name).record() for name in steps("holding software meters against the wall", list(names))]
    means = tracker_means(pairs, bench.runs)
    return (*traced, *(_tracker(bench, key, says, own) for key, (says, own) in means.items()))


@dataclass(frozen=True)
class _Traced:
    """One software meter that has a trace, in the runs that recorded it."""

    bench: Bench
    name: str

    @cached_property
    def recorded(self) -> Mapping[str, RecordedMeter]:
        """Run folder -> what was recorded of it there."""
        return {run.name: run.meters[self.name] for run in self.bench.runs if self.name in run.meters}

    @cached_property
    def runs(self) -> Sequence[RecordedRun]:
        """The runs in which its trace can be held against the wall's."""
        return [run for run in self.bench.runs if run.name in self.recorded and self.recorded[run.name].energy]

    def record(self) -> SoftwareMeter:
        """All that is said of it."""
        first = next(iter(self.recorded.values())).trace
        return SoftwareMeter(
            name=self.name,
            says=first.source,
            kind=first.kind,
            unit=first.unit,
            range_j=first.range_j,
            loads=tuple(self._on_load(load) for load in self.bench.loads),
            transfer=self._transfer(),
            lag_switched=self.lag_switched,
            lag_natural=self.lag_natural,
            boxcar=self.boxcar,
            first_order=self.first_order,
            sampling=self.sampling,
            n_resets=sum(own.n_resets for own in self.recorded.values()),
        )

    # --- loads

    @cached_property
    def lag(self) -> Lag | Refusal:
        """By the switched load, else by the natural steps."""
        return self.lag_natural if isinstance(self.lag_switched, Refusal) else self.lag_switched

    @cached_property
    def means(self) -> Mapping[str, RunMeans | Refusal]:
        """Run folder -> its means over the rating interval."""
        return {run.name: self._means(run) for run in self.runs}

    def _means(self, run: RecordedRun) -> RunMeans | Refusal:
        own = self.recorded[run.name]
        span_s = own.span_s(run.duration_s)
        assert own.energy is not None
        return run_means(run.name, run.wall, own.energy, span_s, self.lag, own.readings_w(*span_s))

    def _on_load(self, load: QualifiedLoad) -> MeterOnLoad:
        runs = [run for run in self.bench.of_load[load.scenario] if run.name in self.means]
        each = [self.means[run.name] for run in runs]
        means = [one for one in each if not isinstance(one, Refusal)]
        refusal = next((one for one in each if isinstance(one, Refusal)), None) or self._unread(load)
        error = worst([run.error for run in runs])
        if not means and refusal is not None:
            return MeterOnLoad(load.scenario, refusal, refusal, refusal)
        software, seen = mean_power(means), seen_share(means, error, self.quantum_u_w(runs))
        return MeterOnLoad(load.scenario, software, self._olympic(runs, error), seen)

    def _unread(self, load: QualifiedLoad) -> Refusal | None:
        """Why no run of a load has a trace that can be used."""
        why = [self.recorded[name].why_not for name in load.runs if name in self.recorded]
        return next((Refusal("no-record", f"{text[:1].upper()}{text[1:]}.") for text in why if text), None)

    def _olympic(self, runs: Sequence[RecordedRun], error: WallError) -> OlympicTest | Refusal:
        spans = [
            span for run in runs if (energy := self.recorded[run.name].energy) is not None
            for span in minutes(run.name, run.wall, energy, *self.recorded[run.name].span_s(run.duration_s))
        ]  # fmt: skip
        wall_w = float(np.mean([run.wall_w for run in runs])) if runs else 0.0
        common = [Term(error.of(wall_w), INFINITE), Term(self._relative_quantum(runs), INFINITE)] if wall_w else []
        return olympic_test(spans, self.bench.limit_percent, common)

    def _relative_quantum(self, runs: Sequence[RecordedRun]) -> float:
        powers_w = [mean.software_w for run in runs if isinstance(mean := self.means[run.name], RunMeans)]
        software_w = float(np.mean(powers_w)) if powers_w else 0.0
        return self.quantum_u_w(runs) / software_w if software_w > 0 else 0.0

    def quantum_u_w(self, runs: Sequence[RecordedRun]) -> float:
        """Standard uncertainty (W) of a mean over the runs of one load by the meter's steps."""
        parts = [self.recorded[run.name].readings_w(0.0, run.duration_s) for run in runs]
        return quantum_u_w(self.quantum, np.concatenate(parts)) if parts else 0.0

    @cached_property
    def quantum(self) -> float | None:
        """The step whose multiples all values of all runs are."""
        return quantum_of(np.concatenate([own.trace.values for own in self.recorded.values()]))

    def _transfer(self) -> Transfer | Refusal:
        return transfer_function(self.bench, self.means, self.quantum_u_w)

    # --- lag, response, sampling

    @cached_property
    def lag_switched(self) -> Lag | Refusal:
        """By the runs in which the load was switched."""
        records = [self._trace_of(run) for run in liveliest(self.runs) if run.is_switched]
        return lag_of(records, "cross-correlation") if records else Refusal("no-record", NOT_SWITCHED)

    @cached_property
    def lag_natural(self) -> Lag | Refusal:
        """By the steps of all other runs: where their load begins and ends, and what moves in them."""
        records = [self._trace_of(run) for run in liveliest(self.runs) if not run.is_switched]
        return lag_of(records[:MOST_RUNS], "likelihood")

    @cached_property
    def boxcar(self) -> Response | Refusal:
        """The averaging window."""
        return self._response("boxcar")

    @cached_property
    def first_order(self) -> Response | Refusal:
        """The time constant."""
        return self._response("first-order")

    def _response(self, form: Literal["boxcar", "first-order"]) -> Response | Refusal:
        """Of the run that tells the lag and moves most."""
        if isinstance(self.lag, Refusal):
            return Refusal(self.lag.code, f"Without a lag no response can be fitted. {self.lag.text}")
        told = next(run for run in liveliest(self.runs) if run.name in self.lag.runs)
        record, lag = self._trace_of(told), self.lag.lag_s
        fit = boxcar_fit if form == "boxcar" else first_order_fit
        found = fit(record.wall, record.times_s, record.power_w, lag.value, lag.estimate.dof or math.inf)
        return response_record(form, found)

    def _trace_of(self, run: RecordedRun) -> Record:
        """The wall, and what the meter says as power; of a counter in the middle between two readings."""
        own = self.recorded[run.name]
        if own.trace.kind == "gauge" or own.energy is None:
            return Record(run.name, run.wall, own.times_s, own.trace.values)
        times_s = own.energy.times_s
        return Record(
            run.name, run.wall, (times_s[1:] + times_s[:-1]) / 2, np.diff(own.energy.energy_j) / np.diff(times_s)
        )

    @cached_property
    def sampling(self) -> Sampling | Refusal:
        """How often it says something new: of a gauge in all runs, one after the other, of a counter in the run in
        which the wall moves most; quantum and wraps of all runs."""
        runs = liveliest(self.runs)
        if not runs:
            return Refusal("no-record", next(iter(self.recorded.values())).why_not)
        first = self.recorded[runs[0].name]
        found = sampling_of(
            *(joined([self.recorded[run.name] for run in runs]) if first.trace.kind == "gauge" else
              (first.times_s, first.trace.values)),
            first.trace.kind, first.trace.range_j, self._share(runs[0]), self.boxcar,
        )  # fmt: skip
        if isinstance(found, Refusal):
            return found
        counters = [self.recorded[run.name] for run in self.runs] if first.trace.kind == "counter" else []
        n_wraps = sum(unwrapped(own.times_s, own.trace.values, own.trace.range_j).n_wraps for own in counters)
        return replace(found, quantum=self.quantum, n_wraps=n_wraps)

    def _share(self, run: RecordedRun) -> float:
        """Software / wall of a run; 0 where it is not known."""
        mean = self.means[run.name]
        return mean.software_w / mean.wall_w if isinstance(mean, RunMeans) and mean.wall_w > 0 else 0.0


def joined(parts: Sequence[RecordedMeter]) -> tuple[Floats, Floats]:
    """The readings of several runs as one record, as if each began one step after the one before had ended."""
    step_s = float(np.median(np.concatenate([np.diff(part.times_s) for part in parts])))
    times_s, end_s = [], 0.0
    for part in parts:
        times_s.append(part.times_s - part.times_s[0] + end_s)
        end_s = float(times_s[-1][-1]) + step_s
    return np.concatenate(times_s), np.concatenate([part.trace.values for part in parts])


def transfer_function(
    bench: Bench, means: Mapping[str, RunMeans | Refusal], quantum_u_w: Callable[[Sequence[RecordedRun]], float]
) -> Transfer | Refusal:
    """From the means of all runs of loads whose level was declared. `quantum_u_w`: standard uncertainty (W) of a mean
    by the meter's steps."""
    runs = {run.name: run for run in bench.runs}
    levels = [
        LevelRun(
            run.place, run.name, load.scenario, load.kind, load.level_percent, mean.software_w,
            math.hypot(mean.sampling_u_w, mean.edges_u_w), quantum_u_w([run]), mean.wall_w, run.wall_u_w,
        )
        for load in bench.loads for name in load.runs if load.level_percent is not None
        for run, mean in [(runs[name], means.get(name))] if isinstance(mean, RunMeans)
    ]  # fmt: skip
    if not levels:
        return Refusal("too-few-levels", NO_LEVELS)
    return transfer_of(levels, bench.error)


def _tracker(bench: Bench, name: str, says: str, means: Mapping[str, RunMeans]) -> SoftwareMeter:
    """A tracker, by its energies of runs."""
    return SoftwareMeter(
        name=name, says=says, kind="tracker", unit="J", range_j=None,
        loads=tuple(_tracker_on_load(bench, load, means) for load in bench.loads),
        transfer=transfer_function(bench, means, lambda _: 0.0),
        lag_switched=NOT_A_TRACE, lag_natural=NOT_A_TRACE, boxcar=NOT_A_TRACE, first_order=NOT_A_TRACE,
        sampling=NOT_A_TRACE,
    )  # fmt: skip


def _tracker_on_load(bench: Bench, load: QualifiedLoad, means: Mapping[str, RunMeans]) -> MeterOnLoad:
    runs = bench.of_load[load.scenario]
    own = [means[run.name] for run in runs if run.name in means]
    return MeterOnLoad(
        load.scenario, mean_power(own), NOT_A_TRACE, seen_share(own, worst([r.error for r in runs]), 0.0)
    )
