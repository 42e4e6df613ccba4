"""The same runs by other rules: OSCAR's, the window and rule of a publisher, the meters' own registers.

Knows analysed runs. Knows no finding.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np

from reports.campaign.group import Group
from reports.campaign.indicators import units_of
from reports.campaign.means import power_over
from reports.campaign.run import AnalysedRun
from reports.energy import budget, oscar, publisher
from reports.energy.energy import WH
from reports.results.run import PublishedCircuit, PublishedRun, PublisherRecord
from reports.results.scenario import OscarResult, Published, PublishedRecord, Registers
from reports.results.uncertainty import Number, count, mean_of, mean_with_shared, single, standard_error


def published(run: AnalysedRun) -> PublishedRun | None:
    """The run by its publisher's window and rule, and the whole record beside it (`runs[].publisher`)."""
    window = publisher.window_of(run.run)
    if window is None or not run.parts or (counted := publisher.counts_of(window, run.parts)) is None:
        return None
    begin_ns, end_ns = publisher.record_ns(run.parts)
    edges_ns = np.array([begin_ns], dtype=np.int64), np.array([end_ns], dtype=np.int64)
    whole = budget.of_one(run.terms_on_meter(*edges_ns, 0.0), "gross").number(0)
    duration_s = (end_ns - begin_ns) * 1e-9
    recorded = sum(part.times_ns.size for part in run.parts)
    return PublishedRun(
        publisher=window.publisher, rule=window.rule, sentence=publisher.RULES[window.rule].sentence,
        begin_utc=wall_utc(window.from_ns), end_utc=wall_utc(window.to_ns),
        duration_s=single((window.to_ns - window.from_ns) * 1e-9, "s"),
        offset_s=window.offset_s, bound_s=window.bound_s, source=window.source,
        rows=count(sum(own.rows for own in counted)),
        mean_power_w=single(sum(own.mean_w for own in counted), "W"),
        energy_wh=single(sum(own.energy_j for own in counted) / WH, "Wh"),
        spanned_energy_wh=single(sum(own.spanned_j for own in counted) / WH, "Wh"),
        record=PublisherRecord(
            begin_utc=wall_utc(begin_ns), end_utc=wall_utc(end_ns), rows=count(recorded),
            duration_s=single(duration_s, "s"), mean_power_w=power_over(whole, duration_s), energy_wh=whole,
        ),
        stated_energy_wh=None if window.stated_wh is None else single(window.stated_wh, "Wh"),
        circuits=_of_circuits(run, counted) if len(counted) > 1 else None,
    )  # fmt: skip


def _of_circuits(run: AnalysedRun, counted: Sequence[publisher.Counted]) -> dict[str, PublishedCircuit]:
    """Circuit -> what the rule counts of it, and its energy by exact overlap."""
    return {
        part.descriptor.circuit: PublishedCircuit(
            count(own.rows), single(own.energy_j / WH, "Wh"), single(energy_j / WH, "Wh")
        )
        for part, own, energy_j in zip(run.parts, counted, run.parts_j, strict=True)
    }


def wall_utc(time_ns: int) -> str:
    """A moment of a source's wall clock, printed as if it were UTC."""
    moment = datetime.fromtimestamp(time_ns // 1_000_000 / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def oscar_section(group: Group, baseline_runs: Sequence[AnalysedRun]) -> OscarResult | None:
    """`scenarios.NAME.oscar`."""
    if not group.runs or any(len(run.feeding) > 1 for run in group.runs):
        return None  # the rule counts the lines of one log
    inputs = _oscar_inputs(group.runs), _oscar_inputs(baseline_runs)
    values = oscar.evaluate(group.durations_s, *inputs)
    base = mean_of(values.baseline_energy_wh, "Wh")
    shared = standard_error(values.baseline_energy_wh)
    over = None if base is None else mean_with_shared(values.energy_wh - base.estimate.value, "Wh", shared)
    spread = values.sd_over_runs_w
    units = units_of(group.runs)
    return OscarResult(
        rule=oscar.RULE,
        seconds=values.seconds,
        reason=values.reason,
        mean_power_w=mean_of(values.mean_power_w, "W"),
        sd_over_runs_w=None if spread is None else single(spread, "W"),
        energy_wh=mean_of(values.energy_wh, "Wh"),
        induced_energy_wh=over,
        baseline_mean_power_w=mean_of(values.baseline_power_w, "W"),
        hardware={name: mean_of(column, units[name]) for name, column in values.hardware.items()},
    )


def publisher_section(group: Group) -> Published | None:
    """The means by the publisher's rule and over the whole record; None unless every run has a window."""
    windows = [window for run in group.runs if (window := published(run)) is not None]
    if not windows or len(windows) < len(group.runs):
        return None
    first, records = windows[0], [window.record for window in windows]
    return Published(
        first.publisher, first.rule, first.sentence, len(windows),
        rows=_mean([window.rows for window in windows]),
        mean_power_w=_mean([window.mean_power_w for window in windows]),
        energy_wh=_mean([window.energy_wh for window in windows]),
        spanned_energy_wh=_mean([window.spanned_energy_wh for window in windows]),
        record=PublishedRecord(
            duration_s=_mean([record.duration_s for record in records]),
            mean_power_w=_mean([record.mean_power_w for record in records]),
            energy_wh=_mean([record.energy_wh for record in records]),
        ),
    )  # fmt: skip


def _mean(numbers: Sequence[Number | None]) -> Number | None:
    """The mean of single observations of one unit."""
    known = [number for number in numbers if number is not None]
    return mean_of([number.value for number in known], known[0].unit) if known else None


def registers_section(group: Group) -> Registers | None:
    """`scenarios.NAME.registers`: the meters' own registers beside the sums; None where no run has them all."""
    pairs = [
        (run.register_wh, run.energy_j / WH)
        for run in group.runs
        if run.feeding and run.interval_ns and run.register_wh is not None
    ]
    if not pairs:
        return None
    register_wh, sums_wh = np.array(pairs).T
    columns = [column for descriptor in group.runs[0].feeding for column in descriptor.columns]
    resolution = max((c["resolution"] for c in columns if c.get("name") == "energy_wh"), default=None)
    return Registers(
        energy_wh=mean_of(register_wh, "Wh"),
        difference_wh=mean_of(register_wh - sums_wh, "Wh"),
        resolution_wh=None if resolution is None else single(float(resolution), "Wh"),
    )


def _oscar_inputs(runs: Sequence[AnalysedRun]) -> Iterator[oscar.OscarInput]:
    """One run at a time: its streams are let go when the next one is asked for."""
    for run in runs:
        if run.feeding and run.interval_ns is not None:
            yield oscar.OscarInput(run.parts[0], run.series.indicators, run.interval_ns[0])
