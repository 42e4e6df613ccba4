"""What speaks against a run: the rules of `reports.findings` applied to one, and to it beside the others.

Knows analysed runs, thresholds and what other runs show of foreign load. Knows no sentence and no shape of the file.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from harness.record.documents import Thresholds
from reports.campaign import label
from reports.campaign.baseline import Baseline, induced_j
from reports.campaign.run import AT_RUN, NOT_RATED, AnalysedRun
from reports.energy import budget, efficiency, publisher, sync
from reports.energy.contributions import RunTerms
from reports.energy.energy import WH, BaselineLevel
from reports.energy.observer import ObserverEffect
from reports.findings import (
    estimate_rules,
    foreign_load,
    lab_rules,
    mark_rules,
    meter_rules,
    oracle,
    publisher_rules,
    range_rules,
    reading_rules,
    stamps,
    stimulus_rules,
    surroundings,
    work_rules,
)
from reports.results.finding import Finding
from reports.results.nulls import finite_or_none
from reports.results.rules import Rule, was


def run_findings(run: AnalysedRun, typical_s: Mapping[str, float], limits: Thresholds) -> list[Finding]:
    """What one run says of itself; `typical_s`: meter -> usual step between readings, over all runs."""
    found, name = lab_rules.of_ending(run.run), run.run.path.name
    found += publisher.findings(run.run, run.parts)
    found += publisher_rules.of_run(run.series)
    if run.is_aborted_late:
        evidence = {
            "reason": run.run.reason,
            "duration_s": run.duration_s,
            "energy_wh": finite_or_none(run.energy_j / WH),
        }
        found.append(Finding("aborted-after-rating", "warn", name, evidence))
    if run.run.exit_status != "success" or run.run.start.kind in NOT_RATED or run.unreadable is not None:
        return found
    found += lab_rules.of_artifacts(run.run)
    told = efficiency.told_of(run.summary)
    found += work_rules.of_contradiction(name, run.series.work.totals, told, run.useful_work.work)
    if run.interval_ns is None:
        return [*found, Finding("no-rating", "invalid", name)]
    if run.served is not None:
        found += stimulus_rules.of_served(name, run.served, limits)
    if (applied := run.series.applied) is not None and applied.against:
        return [*found, estimate_rules.refused(name, applied)]
    if not run.parts or run.own_terms is None:
        return [*found, *reading_rules.of_odd_values(run.series, *run.interval_ns, limits),
                Finding("no-power", "invalid", name)]  # fmt: skip
    found += _measured_findings(run, run.interval_ns, run.own_terms, typical_s, limits)
    if not run.indicator_means:
        found.append(Finding("agent-missing", "info", name))
    return found


def _measured_findings(
    run: AnalysedRun,
    interval_ns: tuple[int, int],
    own: RunTerms,
    typical_s: Mapping[str, float],
    limits: Thresholds,
) -> list[Finding]:
    """What the streams of a run with a rating interval and power say."""
    found: list[Finding] = []
    for stream, terms in zip(run.streams, own.parts, strict=True):
        missing = reading_rules.missing_of(stream, *interval_ns, float(terms.gap_j[AT_RUN]))
        found += reading_rules.of_readings(run.series, stream.series, *interval_ns, missing, limits)
    found += estimate_rules.of_range(run.run.path.name, run.series.applied)
    found += reading_rules.of_odd_values(run.series, *interval_ns, limits)
    found += meter_rules.of_rate(run.series, *interval_ns, typical_s, limits)
    found += meter_rules.of_overrange(run.series, *interval_ns)
    found += meter_rules.of_ranging(run.series)
    found += range_rules.of_ranges(run.series, *interval_ns)
    found += meter_rules.of_doubles(run.series, *interval_ns, run.doubles_j)
    found += reading_rules.of_repetitions(run.series, *interval_ns)
    found += mark_rules.of_markers(run.series)
    found += mark_rules.of_odd_cells(run.series)
    found += meter_rules.of_resolution(run.series, own.parts, AT_RUN, limits)
    if was(Rule.SHORT_INTERVALS) or not meter_rules.is_seen(own.parts, AT_RUN):
        found += meter_rules.of_length(run.series, own.parts, AT_RUN, run.duration_s, limits)
    found += meter_rules.of_accuracy(run.series, run.streams, *interval_ns, limits)
    found += surroundings.of_machine(run.series, *interval_ns)
    for rule in (surroundings.of_settling, surroundings.of_supply, surroundings.of_room):
        found += rule(run.series, *interval_ns, limits)
    if not was(Rule.LATE_STAMPS):
        found += stamps.of_frozen(run.series, *interval_ns, limits)
        found += stamps.of_agent(run.series, *interval_ns, limits)
        found += stamps.of_arrival(run.series, *interval_ns)
    return found


def is_sound(run: AnalysedRun, typical_s: Mapping[str, float], limits: Thresholds) -> bool:
    """Whether nothing but its ending keeps an aborted run out of the means."""
    if run.broken or run.unreadable or run.exclusion or not run.parts or not run.interval_ns or not run.own_terms:
        return False
    found = _measured_findings(run, run.interval_ns, run.own_terms, typical_s, limits)
    return not any(lab_rules.takes_run_out(finding) for finding in found)


def judge_foreign_load(
    runs: Sequence[AnalysedRun], pulses: sync.SyncPulses, observer: ObserverEffect | None, limits: Thresholds
) -> Baseline:
    """Append `foreign-load` to the findings of runs that enter the means so far: of blocks by the median of all blocks,
    of the others by the blocks that are left and by their U. Return what those blocks are: the baseline."""
    entering = [run for run in runs if run.excluded_because is None and run.interval_ns]
    shares = {id(run): run.foreign_percent for run in entering}
    blocks = [run for run in entering if run.run.start.kind == "baseline"]
    known = [share for run in blocks if (share := shares[id(run)]) is not None]
    usual = float(np.median(known)) if known else 0.0
    for run in blocks:
        run.findings.extend(_foreign_findings(run, shares[id(run)], usual, None, None, limits))
    baseline = Baseline([run for run in blocks if run.excluded_because is None], observer)
    left = [run for run in entering if run.run.start.kind != "baseline"]
    full = [run for run in left if run.run.start.scenario == label.FULL_LOAD]
    above_w = [float(baseline.terms(run).induced_j[AT_RUN]) / run.duration_s for run in full]
    cpu = foreign_load.busy_cpu([run.series for run in runs], pulses, observer, above_w)
    for run in left:
        beside = [share for block in baseline.runs if (share := shares[id(block)]) is not None]
        usual = float(np.mean(beside)) if beside else 0.0
        terms = baseline.terms(run) if cpu is not None and shares[id(run)] is not None else None
        run.findings.extend(_foreign_findings(run, shares[id(run)], usual, terms, cpu, limits))
    return baseline


def _foreign_findings(
    run: AnalysedRun, share: float | None, usual: float, terms: RunTerms | None, cpu: foreign_load.BusyCpu | None,
    limits: Thresholds,
) -> list[Finding]:  # fmt: skip
    cpus = foreign_load.cpus_of(run.series)
    if share is None or cpus is None:
        return []
    expanded_j = float("nan") if terms is None else float(budget.of_one(terms, "induced").expanded_j[AT_RUN])
    known = expanded_j if np.isfinite(expanded_j) else None
    judged = foreign_load.Judged(run.run.path.name, share, usual, cpus, run.duration_s, known)
    return list(foreign_load.findings_of(judged, cpu, limits))


def oracle_findings(run: AnalysedRun, runs: Sequence[AnalysedRun]) -> list[Finding]:
    """Whether the workload did its work, beside the other runs of its scenario."""
    expected = run.run.start.scenario_config.get("verification")
    if run.run.exit_status != "success" or run.run.start.kind in NOT_RATED or not isinstance(expected, dict):
        return []
    same = [one.summary for one in runs if one.run.start.scenario == run.run.start.scenario]
    return oracle.of_summary(run.run.path.name, expected, run.summary, same)


def not_monitored(run: AnalysedRun, limits: Thresholds) -> frozenset[str]:
    """What nobody watched while it ran."""
    interval_ns = run.interval_ns
    return surroundings.not_monitored(run.series, *interval_ns, limits) if interval_ns else frozenset()


def clock_findings(run: AnalysedRun, level: BaselineLevel | None, limits: Thresholds) -> list[Finding]:
    """A clock's error counts by the step of power at the edges: against the baseline where there is one."""
    over_j = float("nan") if level is None else induced_j(run, level)
    step_w = over_j / run.duration_s if np.isfinite(over_j) else 0.0
    return list(mark_rules.of_clock(run.series, run.energy_j, step_w, limits))


def outlier_finding(run: AnalysedRun, score: float) -> Finding:
    """`outlier` of a block by its power, of a run by its energy."""
    quantity = "mean_power_w" if run.run.start.kind == "baseline" else "energy_wh"
    value = run.mean_power_w if quantity == "mean_power_w" else run.energy_j / WH
    evidence = {"quantity": quantity, "value": value, "modified_z": score}
    return Finding("outlier", "warn", run.run.path.name, evidence)
