"""What deserves a remark, a warning, or makes a campaign invalid: `Finding(code, severity, subject, evidence)`.

Knows the rules of method.md sections 3 and 7 and takes every threshold from the start document's configuration. Knows
no sentence: what a code means and what to do is the page's business. Codes and severities: docs/results.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.documents import GapEvent, Json, NoteEvent, PowerDescriptor, RangeChangeEvent
from harness.errors import AnalysisError
from harness.run_folder import RunFolder
from reports.analysis.limits import MeterError
from reports.analysis.series import PowerSeries, RunSeries
from reports.analysis.uncertainty import Number, t_quantile

Severity: TypeAlias = Literal["info", "warn", "invalid"]
RANK = {"invalid": 0, "warn": 1, "info": 2}
STUCK_READINGS, STUCK_LOAD_PERCENT = 60, 20.0
"""As many equal readings while the CPU load spans as many percent points are `stuck`."""
PUBLISHED = (("dataset", "tf_flowers", "generated-data"), ("weights", "imagenet", "generated-weights"))
"""Key of the summary, kind in the core study, code where another was used; `random` weights are a network from
scratch."""
ORIGINS: dict[str, Severity] = {"emulated": "warn", "unattested": "warn", "imported": "info"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `subject` names a run folder, a scenario, a meter or the campaign; `evidence` holds the numbers."""

    code: str
    severity: Severity
    subject: str
    evidence: Json = field(default_factory=dict)


def thresholds_of(run: RunFolder) -> Mapping[str, float]:
    """The limits the campaign was measured under.

    Raises:
        AnalysisError: the start document does not hold them.
    """
    limits = run.start.config.get("thresholds")
    if not isinstance(limits, dict):
        raise AnalysisError(
            f"{run.path}: the start document's config has no thresholds; was it written by another tool?"
        )
    return limits


def of_origin(origin: str, meters: Sequence[str]) -> list[Finding]:
    """Whose readings these are."""
    if origin not in ORIGINS:
        return []
    return [Finding(origin, ORIGINS[origin], "campaign", {"meters": sorted(meters)})]


def of_ending(run: RunFolder) -> list[Finding]:
    """A run that did not succeed, or whose source was cut off."""
    found = []
    if run.exit_status != "success":
        code = "run-failed" if run.exit_status == "fail" else "run-aborted"
        found.append(Finding(code, "info", run.path.name, {"reason": run.reason}))
    found += [
        Finding("truncated-source", "warn", run.path.name, {"text": event.text})
        for event in run.events
        if isinstance(event, NoteEvent) and event.code == "truncated-source"
    ]
    return found


def of_annotations(annotations: Sequence[Json]) -> list[Finding]:
    """What the operator noted beside the runs: a run taken out of the means is a warning, with who, when and why."""
    return [
        Finding(
            "excluded-by-operator" if note.get("exclude") else "annotation",
            "warn" if note.get("exclude") else "info",
            str(note.get("run") or "campaign"),
            {"operator": note.get("operator"), "utc": note.get("utc"), "text": note.get("text")}
            | ({"reason": note["exclude"]} if note.get("exclude") else {}),
        )
        for note in annotations
    ]


def of_notes(runs: Sequence[RunFolder]) -> list[Finding]:
    """What was noted while the runs were made; a note that several runs share is one finding of the campaign."""
    noted: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        for event in run.events:
            if isinstance(event, NoteEvent) and event.code != "truncated-source":
                noted.setdefault((event.code, event.text), []).append(run.path.name)
    return [
        Finding(
            "note",
            "info",
            names[0] if len(names) == 1 else "campaign",
            {"code": code, "text": text, "times": len(names)},
        )
        for (code, text), names in noted.items()
    ]


def of_readings(
    series: RunSeries, power: PowerSeries, begin_ns: int, end_ns: int, gap_s: float, limits: Mapping[str, float]
) -> Iterator[Finding]:
    """Gaps, duplicates and stuck values within the rating interval."""
    yield from _gaps(series, power, begin_ns, end_ns, gap_s, limits)
    first, last = np.searchsorted(power.times_ns, [begin_ns, end_ns])
    times_ns, values = power.times_ns[first:last], power.power_w[first:last]
    duplicates = int(np.sum(np.diff(times_ns) == 0))
    if duplicates:
        yield Finding("duplicate", "info", series.run.path.name, {"readings": duplicates})
    length, at = _longest_equal(values)
    cpu = None if series.indicators is None else series.indicators.columns.get("cpu_percent")
    if length >= STUCK_READINGS and cpu is not None and series.indicators is not None:
        edges = np.searchsorted(series.indicators.times_ns, [times_ns[at], times_ns[at + length - 1]])
        load = cpu[edges[0] : edges[1]]
        load = load[np.isfinite(load)]
        if load.size and float(np.ptp(load)) >= STUCK_LOAD_PERCENT:
            evidence = {"readings": length, "power_w": float(values[at]), "cpu_span_percent": float(np.ptp(load))}
            yield Finding("stuck", "warn", series.run.path.name, evidence)


def _gaps(
    series: RunSeries, power: PowerSeries, begin_ns: int, end_ns: int, gap_s: float, limits: Mapping[str, float]
) -> Iterator[Finding]:
    """Steps between readings of more than `gap_windows` windows, and gaps the lab noted, that touch the interval."""
    first = max(int(np.searchsorted(power.times_ns, begin_ns)) - 1, 0)
    last = int(np.searchsorted(power.times_ns, end_ns)) + 1
    steps_s = np.diff(power.times_ns[first:last]) * 1e-9
    window_s = float(np.median(power.window_s)) or (float(np.median(steps_s)) if steps_s.size else 0.0)
    longest_s = float(steps_s.max()) if steps_s.size else 0.0
    count = int(np.sum(steps_s > limits["gap_windows"] * window_s))
    causes = sorted(
        {
            event.cause
            for event in series.run.events
            if isinstance(event, GapEvent)
            and event.stream == power.descriptor.stream
            and event.from_ns < end_ns
            and event.to_ns > begin_ns
        }
    )
    if count or causes:
        failed = gaps_fail(gap_s, longest_s - window_s, (end_ns - begin_ns) * 1e-9, limits)
        evidence = {"gaps": count, "gap_s": gap_s, "longest_step_s": longest_s, "causes": causes}
        yield Finding("gap", "invalid" if failed else "warn", series.run.path.name, evidence)


def of_doubles(
    series: RunSeries, begin_ns: int, end_ns: int, energies_j: Sequence[tuple[float, float]]
) -> Iterator[Finding]:
    """Two meters on one circuit that disagree by more than their limits of error together (an `invalid`), or whose
    limits are not known (an `info`); `energies_j` are those of `series.doubles` in the interval."""
    for (one, other), (one_j, other_j) in zip(series.doubles, energies_j, strict=True):
        mean_w = (one_j + other_j) / 2 / ((end_ns - begin_ns) * 1e-9)
        limit_w = joint_limit_w(one, other, mean_w)
        evidence = {
            "meters": [one.descriptor.meter, other.descriptor.meter],
            "circuit": one.descriptor.circuit,
            "energy_j": [one_j, other_j],
            "difference_percent": (other_j - one_j) / one_j * 100 if one_j else None,
        }
        if limit_w is None:
            yield Finding("cross-check-open", "info", series.run.path.name, evidence)
            continue
        evidence["limit_percent"] = limit_w / mean_w * 100 if mean_w else None
        if abs(other_j - one_j) > limit_w * (end_ns - begin_ns) * 1e-9:
            yield Finding("cross-check", "invalid", series.run.path.name, evidence)


def joint_limit_w(one: PowerSeries, other: PowerSeries, power_w: float) -> float | None:
    """How far two meters on one circuit may differ at some power: both limits of error; None where one has none."""
    limits_w = [limits_of_error_w(series, power_w) for series in (one, other)]
    return None if None in limits_w else sum(limit for limit in limits_w if limit is not None)


def limits_of_error_w(series: PowerSeries, power_w: float) -> float | None:
    """The limits of error of a meter at some power, as its descriptor has them; None where it has none."""
    column = next((c for c in series.descriptor.columns if c.get("name") == "power_w"), {})
    accuracy = column.get("accuracy")
    if not isinstance(accuracy, dict):
        return None
    span = column.get("range") or [0.0, 0.0]
    reading = float(accuracy["reading_percent"]) / 100 * abs(power_w)
    return (
        reading
        + float(accuracy["range_percent"]) / 100 * float(span[1])
        + float(accuracy["counts"]) * float(column["resolution"])
    )


def of_limits(errors: Sequence[MeterError]) -> list[Finding]:
    """Meters whose energies stand without any limits of error; each once."""
    unknown = sorted({error.meter for error in errors if not error.known})
    return [Finding("limits-unknown", "warn", meter, {"meter": meter}) for meter in unknown]


def of_ranging(series: RunSeries) -> Iterator[Finding]:
    """A meter that may choose its range during a rated run, or that changed it."""
    for part in series.parts:
        stream = part.descriptor.stream
        told = [e for e in series.run.events if isinstance(e, RangeChangeEvent) and e.stream == stream]
        scales = [[e.full_scale for e in told if e.column == column] for column in {e.column for e in told}]
        changes = sum(before != after for one in scales for before, after in pairwise(one))
        if part.descriptor.ranging == "auto" or any(event.auto for event in told) or changes:
            evidence = {"meter": part.descriptor.meter, "changes": changes}
            yield Finding("auto-range", "warn", series.run.path.name, evidence)


def of_calibration(runs: Sequence[RunFolder]) -> list[Finding]:
    """Meters that measured with an expired certificate or without one, or whose check load was due; one finding for
    each meter and state.

    A missing certificate counts where the lab keeps a register, or the meter is a real instrument; an importer's source
    says of it what it says.
    """
    found: dict[tuple[str, str, str], Json] = {}
    for run in runs:
        lab = run.start.config.get("lab", {})
        for power in run.power:
            states = (_calibration_state(power, lab, run.start.utc), _check_load_state(power, lab, run.start.utc))
            for code, state in zip(("calibration-expired", "check-load-due"), states, strict=True):
                if state is not None:
                    calibration = power.calibration or {}
                    last = calibration.get("check_load") or {}
                    known = {key: calibration.get(key) for key in ("instrument", "number", "expires")}
                    if code == "check-load-due":
                        known = {"days": lab["check_load_days"], "utc": last.get("utc"), "ratio": last.get("ratio")}
                    evidence = {"state": state, **known, "first_run_utc": run.start.utc, "runs": 0}
                    found.setdefault((code, power.meter, state), evidence)["runs"] += 1
    return [Finding(code, "warn", meter, evidence) for (code, meter, _), evidence in found.items()]


def _calibration_state(power: PowerDescriptor, lab: Json, utc: str) -> str | None:
    """`expired`, `missing`, or None where nothing is wrong or nothing is claimed."""
    calibration = power.calibration
    if calibration is None:
        return "missing" if lab.get("instruments") or power.origin == "instrument" else None
    if "expires" not in calibration:
        return None
    if calibration["expires"] is None:
        return "missing"
    return "expired" if date.fromisoformat(utc[:10]) > date.fromisoformat(str(calibration["expires"])) else None


def _check_load_state(power: PowerDescriptor, lab: Json, utc: str) -> str | None:
    """`missing`, `failed`, `old`, or None where the lab demands none."""
    days = lab.get("check_load_days", 0)
    if not days:
        return None
    last = (power.calibration or {}).get("check_load")
    if last is None:
        return "missing"
    if not last["passed"]:
        return "failed"
    age = datetime.fromisoformat(utc) - datetime.fromisoformat(str(last["utc"]))
    return "old" if age > timedelta(days=days) else None


def of_overrange(series: RunSeries, begin_ns: int, end_ns: int) -> Iterator[Finding]:
    """Readings of the rating interval that were above the range; each is missing from the energy."""
    for part in series.parts:
        count = int(np.sum((part.overrange_ns >= begin_ns) & (part.overrange_ns < end_ns)))
        if count:
            evidence = {"meter": part.descriptor.meter, "readings": count}
            yield Finding("overrange", "invalid", series.run.path.name, evidence)


def gaps_fail(gap_s: float, longest_s: float, duration_s: float, limits: Mapping[str, float]) -> bool:
    """Whether gaps fail a run: more than `gap_total_percent` of its interval, or one longer than `gap_single_s`."""
    return gap_s > limits["gap_total_percent"] / 100 * duration_s or longest_s > limits["gap_single_s"]


def _longest_equal(values: NDArray[np.float64]) -> tuple[int, int]:
    """Length and place of the longest stretch of equal values."""
    if not values.size:
        return 0, 0
    starts = np.flatnonzero(np.concatenate([[True], np.diff(values) != 0]))
    lengths = np.diff(np.concatenate([starts, [values.size]]))
    best = int(np.argmax(lengths))
    return int(lengths[best]), int(starts[best])


def of_clock(series: RunSeries, energy_j: float, step_w: float, limits: Mapping[str, float]) -> Iterator[Finding]:
    """The SUT's clock: a bound that matters for this energy (step of power at the edges `step_w`), jumps of a wall
    clock."""
    if series.clock is None:
        return
    error_j = series.clock.bound_ns * 1e-9 * abs(step_w)
    if error_j > limits["clock_bound_percent"] / 100 * abs(energy_j):
        evidence = {"bound_s": series.clock.bound_ns * 1e-9, "step_w": step_w, "energy_j": energy_j}
        yield Finding("clock-bound", "warn", series.run.path.name, evidence)
    for step in series.clock.steps:
        if abs(step.jump_ns) > limits["clock_step_ms"] * 1e6:
            jump: Json = {"side": step.side, "jump_s": step.jump_ns * 1e-9}
            yield Finding("clock-step", "info", series.run.path.name, jump)


def of_induced(scenario: str, value: Number | None) -> list[Finding]:
    """Whether an induced energy can be told from zero, and from below it."""
    expanded = None if value is None else value.estimate.expanded
    if value is None or expanded is None:
        return []
    evidence: Json = {"induced_energy_wh": value.estimate.value, "U": expanded}
    if value.estimate.value + expanded < 0:
        return [Finding("induced-negative", "invalid", scenario, evidence)]
    if abs(value.estimate.value) <= expanded:
        return [Finding("induced-indistinguishable-from-zero", "warn", scenario, evidence)]
    return []


def of_drift(
    scenario: str, means_w: NDArray[np.float64], times_s: NDArray[np.float64], duration_s: float, sd_wh: float | None,
    runs: int, limits: Mapping[str, float],
) -> list[Finding]:  # fmt: skip
    """`baseline-drift`: |last - first block| * T above a share of U(E_ind) without the drift.

    U without the drift term takes the baseline's spread about the straight line through its block means, so it needs
    three blocks.
    """
    if means_w.size < 3 or runs < 2 or sd_wh is None or np.ptp(times_s) == 0:
        return []
    residual = means_w - np.polyval(np.polyfit(times_s - times_s.mean(), means_w, 1), times_s - times_s.mean())
    u_base_wh = float(np.sqrt(np.sum(residual**2) / (means_w.size - 2) / means_w.size)) * duration_s / 3600
    expanded = t_quantile(runs - 1) * float(np.hypot(sd_wh / np.sqrt(runs), u_base_wh))
    drift_w = float(means_w[-1] - means_w[0])
    share = abs(drift_w) * duration_s / 3600
    if share <= limits["baseline_drift_percent"] / 100 * expanded:
        return []
    return [
        Finding(
            "baseline-drift", "warn", scenario, {"drift_w": drift_w, "drift_wh": share, "U_without_drift": expanded}
        )
    ]


def modified_z(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """0.6745 (x - median) / MAD (Iglewicz and Hoaglin); None for fewer than 10 values or without spread."""
    if values.size < 10:
        return None
    away = values - np.median(values)
    spread = float(np.median(np.abs(away)))
    return np.asarray(0.6745 * away / spread) if spread > 0 else None


def shortened(
    scenario: str, kind: str, runs: int, duration_s: float, parameters: Json, summaries: Sequence[Json],
    limits: Mapping[str, float],
) -> Iterator[Finding]:  # fmt: skip
    """Remarks on what this campaign shortens against the core study and DE-UZ 215."""
    if duration_s < limits["min_interval_s"]:
        evidence = {"duration_s": duration_s, "expected_s": limits["min_interval_s"]}
        yield Finding("shortened-interval", "info", scenario, evidence)
    wanted = limits["min_baseline_runs"] if kind == "baseline" else limits["min_scenario_runs"]
    if runs < wanted:
        code = "few-baseline-runs" if kind == "baseline" else "few-runs"
        yield Finding(code, "info", scenario, {"runs": runs, "expected": wanted})
    if kind == "baseline" and runs < limits["min_baseline_blocks"]:
        evidence = {"blocks": runs, "expected": limits["min_baseline_blocks"]}
        yield Finding("few-baseline-blocks", "info", scenario, evidence)
    fixed = parameters.get("fixed_epochs")
    if isinstance(fixed, int) and fixed > 0:
        yield Finding("fixed-epochs", "info", scenario, {"fixed_epochs": fixed})
    for key, published, code in PUBLISHED:
        kinds = {str(s[key].get("kind")) for s in summaries if isinstance(s.get(key), dict) and s[key].get("kind")}
        if kinds - {published, "random"}:
            yield Finding(code, "info", scenario, {"kinds": sorted(kinds)})
    missed = sum(summary.get("reached") is False for summary in summaries)
    if missed and not fixed:
        yield Finding("target-not-reached", "info", scenario, {"runs": missed, "of": len(summaries)})


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """Worst first; within a severity in the order they were found."""
    return sorted(findings, key=lambda finding: RANK[finding.severity])
