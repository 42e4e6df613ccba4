"""The runs of a campaign: read in the log's order, placed by the sync pulses, told what they show of each other.

Knows run folders and their series. Knows no mean and no scenario.

- The order of runs on disk is irrelevant: the log's order is used, and the folders' names where the log is broken.
- With a broken chain the runs are taken as they lie on disk.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.record.entries import RunBegin, of
from harness.record.errors import AnalysisError
from harness.record.run_folder import UNENDED
from harness.record.steps import steps
from harness.record.verify import Examination
from reports.campaign.log import reasons_excluded, reasons_thrown_out
from reports.campaign.run import AnalysedRun
from reports.energy import sync
from reports.energy.observer import ObserverBlock, ObserverEffect, difference
from reports.energy.power_function import NS, power_function
from reports.ratings.served import served_of
from reports.readings.batches import read_batches
from reports.readings.outline import outline_of
from reports.readings.rated import read_rated
from reports.readings.series import read_run
from reports.readings.tasks import read_population_run
from reports.results.clock import Clock
from reports.results.finding import Finding
from reports.results.rules import Rule, was
from reports.results.uncertainty import single


def read_runs(path: Path, seen: Examination, found: list[Finding]) -> Iterator[AnalysedRun]:
    """Every run on disk, in the log's order. What cannot be read is a finding, which does not say where the campaign
    lies; the run is then excluded."""
    order = {begin.folder: place for place, begin in enumerate(of(RunBegin, seen.entries))}
    exclusions = reasons_thrown_out(seen.entries) | reasons_excluded(seen.annotations)
    broken = {check.subject for check in seen.broken}
    ordered = sorted(seen.runs.keys() | seen.unreadable.keys(), key=lambda name: (order.get(name, len(order)), name))
    for name in steps("reading the runs", ordered):
        if name in seen.unreadable and name == seen.unended and name not in broken:
            found.append(Finding("run-aborted", "info", name, {"reason": UNENDED}))
            continue
        if name in seen.unreadable:
            detail = seen.unreadable[name].replace(f"{path}/", "")
            found.append(Finding("unreadable", "invalid", name, {"detail": detail}))
            continue
        run, unreadable = seen.runs[name], None
        served, batches = None, None
        if name == seen.unended:
            run = replace(run, stop=None, is_unended=True)  # whatever its journal says, no log holds it yet
        try:
            series = read_rated(run)
            _ = series.power, series.indicators  # read now, so that damage is found here
            run = series.run
            if (asked := read_population_run(run)) is not None and series.begin_ns is not None:
                served = served_of(asked, (series.begin_ns, series.end_ns or series.begin_ns))
            batches = read_batches(series)
        except AnalysisError as error:
            unreadable = str(error).replace(f"{path}/", "")
            if name != seen.unended or name in broken:
                found.append(Finding("unreadable", "invalid", name, {"detail": unreadable}))
            unreadable = None if was(Rule.DAMAGED_CELLS) else unreadable
            series = read_run(replace(run, power=(), indicators=(), events=()))
        exclusion = exclusions.get(name)
        analysed = AnalysedRun(
            run,
            series,
            exclusion=exclusion,
            broken=name in broken,
            unreadable=unreadable,
            outline=outline_of(series),
            batches=batches,
            served=served,
        )
        _ = analysed.span_ns, analysed.feeding, series.steps  # while its readings are at hand
        yield analysed


def by_one_certificate(runs: Sequence[AnalysedRun]) -> Iterator[AnalysedRun]:
    """The runs, those without an energy that another certificate than the first one's estimates: errors of two
    certificates are two, and nobody qualified their difference."""
    first = next((applied.sha256 for run in runs if (applied := run.series.applied) is not None), None)
    for run in runs:
        applied = run.series.applied
        if applied is None or applied.sha256 == first:
            yield run
            continue
        reason = f"certificate: found {applied.sha256}, the first run has {first}; a campaign rests on one"
        without = replace(run.series, run=replace(run.run, power=()), estimate=None,
                          applied=replace(applied, against=(reason,)))  # fmt: skip
        yield replace(run, run=without.run, series=without)


def pulses_of(runs: Sequence[AnalysedRun]) -> sync.SyncPulses:
    """What the sync runs that succeeded show."""
    made = [run for run in runs if run.run.start.kind == "sync" and run.run.exit_status == "success" and not run.broken]
    return sync.SyncPulses(tuple(pulse for run in made for pulse in sync.pulses_of(run.series, run.session)))


def placed(run: AnalysedRun, pulses: sync.SyncPulses) -> AnalysedRun:
    """The run with the stamps that its meters leave open placed where the pulses found them."""
    series = pulses.placed(run.series, run.session)
    if series is run.series:
        return run
    changed = {after.meter for before, after in zip(run.run.power, series.run.power, strict=True) if before != after}
    offsets = [pulses.offset(descriptor, run.session) for descriptor in run.run.power if descriptor.meter in changed]
    return replace(run, series=series, latency_u_s=max((o.u or 0.0 for o in offsets if o is not None), default=0.0))


def tell_idle_power(runs: Sequence[AnalysedRun]) -> None:
    """Say the mean powers of the blocks of its session (of all, where there is none) to every run whose readings do not
    reach over its interval: they bound the power that was not read."""
    open_ended = [run for run in runs if _may_be_open(run)]
    blocks = [
        run for run in runs
        if open_ended and run.run.start.kind == "baseline" and run.run.exit_status == "success" and not run.broken
    ]  # fmt: skip
    means_w: dict[str, list[tuple[str, float]]] = {}
    for block in blocks:
        for part in block.parts if block.interval_ns else ():
            energy_j = float(power_function(part, block.convention).energy_j(*(block.interval_ns or (0, 0))))
            means_w.setdefault(part.descriptor.circuit, []).append((block.session, energy_j / block.duration_s))
    for run in open_ended:
        for circuit, means in means_w.items():
            own = tuple(mean_w for session, mean_w in means if session == run.session)
            run.block_w[circuit] = own or tuple(mean_w for _, mean_w in means)


def _may_be_open(run: AnalysedRun) -> bool:
    """Whether a stream begins late or ends early, as far as its stamps alone tell."""
    begin_ns, end_ns = run.interval_ns or (0, 0)
    lags_ns = [round(descriptor.latency_s / NS) for descriptor in run.feeding]
    return any(
        first_ns - lag_ns > begin_ns or last_ns - lag_ns < end_ns
        for (first_ns, last_ns), lag_ns in zip(run.span_ns, lags_ns, strict=True)
    )


def clock_section(runs: Sequence[AnalysedRun], pulses: sync.SyncPulses) -> Clock:
    """`clock` of results.json."""
    bounds_s = [run.series.clock.bound_ns * 1e-9 for run in runs if run.series.clock is not None]
    primary = sorted({meter for run in runs for meter in run.series.primary_meters})
    bound = single(max(bounds_s), "s") if bounds_s else None
    return Clock(bound, tuple(pulse.record() for pulse in pulses.pulses), pulses.used(primary))


def observer_of(runs: Sequence[AnalysedRun]) -> ObserverEffect | None:
    """The observer effect from its blocks; None without any."""
    made = [
        run for run in runs
        if run.run.start.kind == "observer" and run.run.exit_status == "success" and run.feeding and not run.broken
    ]  # fmt: skip
    found = {
        load: difference([
            ObserverBlock(sum(run.interval_ns or (0, 0)) * 0.5e-9, run.mean_power_w, bool(parameters["agent"]))
            for run in made
            if (parameters := run.run.start.scenario_config["parameters"])["load"] == load
        ])
        for load in ("idle", "load")
    }  # fmt: skip
    return ObserverEffect(found["idle"], found["load"]) if made else None
