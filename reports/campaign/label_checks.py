"""Whether a measurement is complete as DE-UZ 215 asks: lengths, repetitions, waits, data once a second, documentation.

Knows runs by their part (baseline, idle, a usage) and every run's stamps. Does not know a row of the label and no
sentence: checks are codes with evidence. A check that cannot be shown is not passed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.record.documents import Thresholds
from reports.readings.series import RunSeries
from reports.results.label import LabelCheck

BASELINE, IDLE = "baseline", "idle"
WAIT_S = 60.0
LENGTH_TOLERANCE = 0.01
"""Lengths count as equal within 1 %."""
PERIOD_S = 1.1
"""Data count as once a second when the median distance of two rows is not above this."""
CLOCK_BOUND_S = 0.5
"""Clocks count as synchronised when no stamp is wrong by more than half a second: a row falls into its own second."""
NS = 1e-9


@dataclass(frozen=True, slots=True)
class LabelRun:
    """One run that enters the means: its streams and the mean of each indicator over its interval."""

    series: RunSeries
    means: Mapping[str, float]

    @property
    def interval_ns(self) -> tuple[int, int]:
        """The rating interval."""
        assert self.series.begin_ns is not None
        assert self.series.end_ns is not None
        return self.series.begin_ns, self.series.end_ns

    @property
    def duration_s(self) -> float:
        """Its length."""
        return (self.interval_ns[1] - self.interval_ns[0]) * NS


def checks_of(
    runs: Mapping[str, Sequence[LabelRun]], usages: Sequence[str], limits: Thresholds, everyone: Sequence[RunSeries],
    photos: int,
) -> tuple[LabelCheck, ...]:  # fmt: skip
    """Every check of the list. `runs`: part -> its runs that enter the means; `usages`: which of them are usages;
    `everyone`: every run, excluded ones too; `photos`: how many are attached."""
    return *_measurement_checks(runs, usages, limits, everyone), *_record_checks(runs, photos)


def _measurement_checks(
    runs: Mapping[str, Sequence[LabelRun]],
    usages: Sequence[str],
    limits: Thresholds,
    everyone: Sequence[RunSeries],
) -> list[LabelCheck]:
    """Lengths, repetitions, waits: of baseline, idle and each usage."""
    parts = {name: list(runs.get(name, ())) for name in (BASELINE, IDLE, *usages)}
    lengths_s = {name: float(np.mean([run.duration_s for run in part])) for name, part in parts.items() if part}
    absent = [name for name, part in parts.items() if not part] + ([] if usages else ["usage"])
    longest_s, shortest_s = max(lengths_s.values(), default=0.0), min(lengths_s.values(), default=0.0)
    spread = (longest_s - shortest_s) / longest_s if longest_s else 0.0
    needed = {name: int(limits.min_scenario_runs if name in usages else limits.min_baseline_runs) for name in parts}
    counts = {name: len(part) for name, part in parts.items()}
    waits_s = _waits_s(runs, everyone)
    least = {name: min(waits_s[name]) for name in parts if waits_s.get(name)}
    return [
        LabelCheck("parts-measured", not absent, {"absent": absent}),
        LabelCheck("equal-lengths", not absent and spread <= LENGTH_TOLERANCE,
               {"lengths_s": lengths_s, "spread": spread, "limit": LENGTH_TOLERANCE}),
        LabelCheck("five-minutes", bool(lengths_s) and shortest_s >= limits.min_interval_s,
               {"shortest_s": shortest_s, "limit_s": limits.min_interval_s}),
        LabelCheck("repetitions", bool(usages) and all(counts[name] >= needed[name] for name in parts),
               {"runs": counts, "needed": needed}),
        LabelCheck("wait", not absent and set(least) == set(parts) and all(least[name] >= WAIT_S for name in parts),
               {"shortest_wait_s": least, "limit_s": WAIT_S}),
    ]  # fmt: skip


def _waits_s(runs: Mapping[str, Sequence[LabelRun]], everyone: Sequence[RunSeries]) -> dict[str, list[float]]:
    """Part -> time between the end of the run before (whatever it was, on the same clock) and the beginning; of a first
    run, what it recorded before it began."""
    part_of = {run.series.run.path: name for name, part in runs.items() for run in part}
    waits: dict[str, list[float]] = {}
    ends: dict[tuple[str, object], int] = {}
    for series in sorted(everyone, key=lambda one: one.run.start.utc):
        start = series.run.start
        if series.begin_ns is None or series.end_ns is None:
            continue
        measured = start.time_base == "host-monotonic"
        clock = (start.time_base, start.host.get("boot_id") if measured else "")
        since = ends.get(clock, start.time_ns if measured else None)
        if since is not None and (name := part_of.get(series.run.path)):
            waits.setdefault(name, []).append((series.begin_ns - since) * NS)
        ends[clock] = series.end_ns
    return waits


def _record_checks(runs: Mapping[str, Sequence[LabelRun]], photos: int) -> list[LabelCheck]:
    """Data once a second, clocks synchronised, the measurement system documented."""
    everyone = [run.series for part in runs.values() for run in part]
    periods = [period_s for series in everyone for period_s in series.periods_s]
    samples = [series.sample_period_s for series in everyone if series.sample_period_s is not None]
    bounds = [series.clock.bound_ns * NS for series in everyone if series.clock is not None]
    known = bool(everyone) and len(bounds) == len(everyone)
    # One reading alone has no period: the largest is then unknown, which is no data once a second.
    slowest = {
        name: max(lengths_s) if lengths_s and np.isfinite(lengths_s).all() else None
        for name, lengths_s in (("readings_s", periods), ("indicators_s", samples))
    }
    whole = len(samples) == len(everyone) and bool(periods)
    missing = _undocumented(everyone, photos)
    return [
        LabelCheck("one-second-data", whole and all(one is not None and one <= PERIOD_S for one in slowest.values()),
               slowest | {"runs_without_indicators": len(everyone) - len(samples), "limit_s": PERIOD_S}),
        LabelCheck("clocks-synchronised", known and max(bounds) <= CLOCK_BOUND_S,
               {"largest_bound_s": max(bounds, default=None), "runs_without_exchanges": len(everyone) - len(bounds),
                "limit_s": CLOCK_BOUND_S}),
        LabelCheck("documentation", bool(everyone) and not missing, {"missing": missing}),
    ]  # fmt: skip


def _undocumented(everyone: Sequence[RunSeries], photos: int) -> list[str]:
    """What of the measurement system is not in the record, by name."""
    if not everyone:
        return []
    run = everyone[0].run
    columns = [column for descriptor in run.indicators for column in descriptor.columns]
    there = {
        "host": run.start.time_base == "host-monotonic" and bool(run.start.host.get("hostname")),
        "sut": bool(run.start.sut.get("cpu")),
        "meter": bool(run.power) and all(one.identity.get("model") for one in run.power),
        "meter-serial": bool(run.power) and all(one.identity.get("serial") for one in run.power),
        "link": any(one.evidence.get(key) for one in run.power for key in ("port", "device", "url")),
        "where-stamps-are-made": bool(run.power) and all(one.stamp != "unknown" for one in run.power),
        "averaging": bool(run.power),
        "source-of-counters": bool(columns) and all(column.get("method") for column in columns),
        "photo": photos > 0,
    }
    return [name for name, known in there.items() if not known]
