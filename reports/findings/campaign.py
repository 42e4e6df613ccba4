"""Findings on a whole campaign: the baseline, induced energy, order, spread, certificates, what was pooled (method.md
sections 3 and 7).

Knows what the campaign's runs came to, and the thresholds. Knows no stream and no sentence.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json, PowerDescriptor, Thresholds, WindowEvent, facts_of_sut
from harness.record.run_folder import RunFolder
from harness.record.searches import stated_parameters
from reports.energy.energy import Block
from reports.energy.meter_error import MeterError
from reports.results.finding import Finding, Severity
from reports.results.kinds.code import FindingCode
from reports.results.rules import Rule, was
from reports.results.scenario import ScenarioResult
from reports.results.uncertainty import Number, t_quantile
from reports.results.undeclared import Goal

OTHER_MATERIAL: Mapping[FindingCode, str] = {"generated-data": "dataset", "generated-weights": "weights"}
"""Code where another kind was used than in the published study -> part of the summary; `random` weights are a network
from scratch."""
FEWEST_IN_SERIES = 20
"""Of so many values on an autocorrelation means something (method.md section 6)."""
ABSENT = "none"
"""Of a run that recorded what it is made of, and has no such part."""
HARDWARE = ("hostname", "machine", "cpu", "cpu_count", "memory_kib", "board")
SOFTWARE = ("os", "kernel", "cpu_governor", "firmware", "python")
"""Facts of the SUT that runs of one mean must share."""
CERTIFICATE = ("instrument", "number", "date", "expires", "k", "stability_percent_per_year", "points")
"""What of a descriptor's `calibration` a reading is corrected by, and by which certificate."""


def of_induced(scenario: str, value: Number | None) -> list[Finding]:
    """Whether an induced energy can be told from zero, and from below it."""
    expanded = None if value is None else value.estimate.expanded
    if value is None or expanded is None:
        return []
    evidence: Json = {"induced_energy_wh": value.estimate.value, "U_wh": expanded}
    if value.estimate.value + expanded < 0:
        return [Finding("induced-negative", "invalid", scenario, evidence)]
    if abs(value.estimate.value) <= expanded:
        return [Finding("induced-indistinguishable-from-zero", "warn", scenario, evidence)]
    return []


def of_drift(
    scenario: str, means_w: NDArray[np.float64], times_s: NDArray[np.float64], duration_s: float, sd_wh: float | None,
    runs: int, limits: Thresholds,
) -> list[Finding]:  # fmt: skip
    """`baseline-drift`: |last - first block| * T above a share of U(E_ind) without the drift.

    U without the drift term takes the baseline's spread about the straight line through its block means, so it needs
    three blocks. The difference of two noisy blocks is no drift: the line's slope must be more than its noise, too.
    """
    if means_w.size < 3 or runs < 2 or sd_wh is None or np.ptp(times_s) == 0:
        return []
    residual = means_w - np.polyval(np.polyfit(times_s - times_s.mean(), means_w, 1), times_s - times_s.mean())
    u_base_wh = float(np.sqrt(np.sum(residual**2) / (means_w.size - 2) / means_w.size)) * duration_s / 3600
    expanded = t_quantile(runs - 1) * float(np.hypot(sd_wh / np.sqrt(runs), u_base_wh))
    drift_w = float(means_w[-1] - means_w[0])
    share = abs(drift_w) * duration_s / 3600
    if share <= limits.baseline_drift_percent / 100 * expanded or not _has_slope(times_s, means_w):
        return []
    return [
        Finding(
            "baseline-drift", "warn", scenario, {"drift_w": drift_w, "drift_wh": share, "U_without_drift": expanded}
        )
    ]


def of_unsteady(
    scenario: str, means_w: NDArray[np.float64], duration_s: float, induced: Number | None, limits: Thresholds
) -> list[Finding]:
    """`baseline-unsteady`: what the baseline blocks differ by, over the length of a run, is more than the induced
    energy may be wrong by, or more than that energy itself: nothing says which of them is the baseline."""
    expanded = None if induced is None else induced.estimate.expanded
    if means_w.size < 2 or induced is None or expanded is None:
        return []
    spread_wh = float(np.ptp(means_w)) * duration_s / 3600
    if spread_wh <= limits.baseline_unsteady_percent / 100 * min(expanded, abs(induced.estimate.value)):
        return []
    evidence = {"least_w": float(means_w.min()), "greatest_w": float(means_w.max()), "spread_wh": spread_wh}
    evidence |= {"induced_energy_wh": induced.estimate.value, "U_wh": expanded}
    return [Finding("baseline-unsteady", "warn", scenario, evidence)]


def _has_slope(times_s: NDArray[np.float64], values: NDArray[np.float64]) -> bool:
    """Whether the slope of a straight line through three or more values is more than their noise about it (95 %)."""
    away_s = times_s - times_s.mean()
    slope, level = np.polyfit(away_s, values, 1)
    variance = float(np.sum((values - level - slope * away_s) ** 2)) / (values.size - 2)
    return abs(float(slope)) > t_quantile(values.size - 2) * float(np.sqrt(variance / np.sum(away_s**2)))


def modified_z(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """0.6745 (x - median) / MAD (Iglewicz and Hoaglin); None for fewer than 10 values or without spread."""
    if values.size < 10:
        return None
    away = values - np.median(values)
    spread = float(np.median(np.abs(away)))
    return np.asarray(0.6745 * away / spread) if spread > 0 else None


def shortened(
    scenario: str, kind: str, runs: int, duration_s: float, parameters: Json, summaries: Sequence[Json],
    goal: Goal, limits: Thresholds,
) -> Iterator[Finding]:  # fmt: skip
    """Remarks on what this campaign shortens against the published study and DE-UZ 215."""
    if duration_s < limits.min_interval_s:
        evidence = {"duration_s": duration_s, "expected_s": limits.min_interval_s}
        yield Finding("shortened-interval", "info", scenario, evidence)
    wanted = limits.min_baseline_runs if kind == "baseline" else limits.min_scenario_runs
    if runs < wanted:
        code: FindingCode = "few-baseline-runs" if kind == "baseline" else "few-runs"
        yield Finding(code, "info", scenario, {"runs": runs, "expected": wanted})
    if kind == "baseline" and runs < limits.min_baseline_blocks:
        evidence = {"blocks": runs, "expected": limits.min_baseline_blocks}
        yield Finding("few-baseline-blocks", "info", scenario, evidence)
    fixed = goal.fixed_work(parameters)
    if goal.target is not None and isinstance(fixed, int) and fixed > 0:
        yield Finding("fixed-epochs", "info", scenario, {goal.target.unless: fixed})
    for code, part in OTHER_MATERIAL.items():
        kinds = {str(s[part].get("kind")) for s in summaries if isinstance(s.get(part), dict) and s[part].get("kind")}
        if part in goal.published and kinds - {goal.published[part], "random"}:
            yield Finding(code, "info", scenario, {"kinds": sorted(kinds)})
    missed = sum(goal.reached(summary) is False for summary in summaries)
    if missed and not fixed:
        yield Finding("target-not-reached", "info", scenario, {"runs": missed, "of": len(summaries)})


def of_limits(errors: Sequence[MeterError]) -> list[Finding]:
    """Meters whose energies stand without any limits of error; each once."""
    unknown = sorted({error.meter for error in errors if not error.known})
    return [Finding("limits-unknown", "warn", meter, {"meter": meter}) for meter in unknown]


SHOWN = ("instrument", "attested", "declared")
"""Origins that claim to be those of an instrument."""


def of_calibration(runs: Sequence[RunFolder]) -> list[Finding]:
    """Meters that measured with an expired certificate or without one, or whose check load was due; one finding for
    each meter and state.

    A missing certificate counts where the lab keeps a register, or the meter is a real instrument; an importer's source
    says of it what it says.
    """
    found: dict[tuple[FindingCode, str, str], Json] = {}
    for run in runs:
        lab = run.start.config.get("lab", {})
        for power in run.power:
            states: Mapping[FindingCode, str | None] = {
                "calibration-expired": _calibration_state(power, lab, run.start.utc),
                "check-load-due": _check_load_state(power, lab, run.start.utc),
            }
            for code, state in states.items():
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
        return "missing" if lab.get("instruments") or power.origin in SHOWN else None
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


def of_order(positions: Mapping[str, Sequence[int]], limits: Thresholds) -> list[Finding]:
    """`order-confounded`: scenarios that were not interleaved, so that whatever changed with time looks like a
    difference between them. `positions`: the ordinals of each scenario's runs; Cliff's delta of two scenarios' ordinals
    is 0 where they alternate, 1 where one comes wholly before the other."""
    apart = []
    for one, other in combinations(sorted(name for name, ordinals in positions.items() if len(ordinals) > 1), 2):
        before = np.sign(np.subtract.outer(np.array(positions[one]), np.array(positions[other])))
        delta = abs(float(before.mean()))
        if delta > limits.order_delta:
            apart.append({"scenarios": [one, other], "delta": delta})
    return [Finding("order-confounded", "warn", "campaign", {"pairs": apart})] if apart else []


def of_correlation(subject: str, values: NDArray[np.float64], limits: Thresholds) -> list[Finding]:
    """`autocorrelated`: a value resembles the one before it, so n values say less than n. Only the positive side makes
    u too small."""
    values = values[np.isfinite(values)]
    if values.size < FEWEST_IN_SERIES or not np.ptp(values):
        return []
    away = values - values.mean()
    lag_1 = float(np.sum(away[1:] * away[:-1]) / np.sum(away**2))
    limit = limits.autocorrelation_standard_errors / float(np.sqrt(values.size)) - 1 / values.size
    if lag_1 <= limit:
        return []
    return [Finding("autocorrelated", "warn", subject, {"lag_1": lag_1, "limit": limit, "n": int(values.size)})]


def outliers(values: NDArray[np.float64], limits: Thresholds) -> list[tuple[int, float]]:
    """Places of the outliers and their modified z scores."""
    scores = modified_z(values)
    if scores is None:
        return []
    return [(at, float(z)) for at, z in enumerate(scores) if abs(z) > limits.outlier_modified_z]


def of_success(
    scenario: str, entered: int, begun: int, reached: Sequence[object], *, has_target: bool, limits: Thresholds
) -> list[Finding]:
    """`success-fraction`: too many of a scenario's runs were lost or missed their target for the rest to stand for
    all. `reached`: of the runs that entered the means."""
    missed = sum(value is False for value in reached) if has_target else 0
    percent = 100 * (entered - missed) / begun if begun else 100.0
    if percent >= limits.min_success_percent:
        return []
    evidence = {"runs": begun, "in_the_means": entered, "missed_target": missed, "percent": percent}
    return [Finding("success-fraction", "warn", scenario, evidence | {"expected": limits.min_success_percent})]


def of_half_width(scenario: str, entry: ScenarioResult, limits: Thresholds) -> list[Finding]:
    """`underpowered`: U is too large a part of the result (of the energy where there is no induced energy), or unknown.
    An induced energy that cannot be told from zero has a finding of its own."""
    induced = entry.induced_energy_wh
    quantity, number = ("energy_wh", entry.energy_wh) if induced is None else ("induced_energy_wh", induced)
    if number is None or (number.expanded is not None and abs(number.value) <= number.expanded):
        return []
    wanted = limits.half_width_percent
    half_width = None if number.expanded is None else 100 * number.expanded / abs(number.value)
    if half_width is not None and half_width <= wanted:
        return []
    evidence = {"quantity": quantity, "half_width_percent": half_width, "wanted_percent": wanted, "runs": number.n}
    return [Finding("underpowered", "warn", scenario, evidence)]


def of_pooling(runs: Sequence[RunFolder]) -> Iterator[Finding]:
    """`pooled-incomparable`: runs of one mean, or of it and the baseline, that were not made alike. Another program,
    other parameters, packages, another machine, meter or certificate make the mean one of different things (invalid);
    other software around it may (warn)."""
    names = sorted({run.start.scenario for run in runs})
    by_name = {name: [run for run in runs if run.start.scenario == name] for name in names}
    for name, own in by_name.items():
        parameters: list[object] = [stated_parameters(run.start) for run in own]
        intervals: list[object] = [_interval(run) for run in own]
        yield from _unlike(name, "invalid", {"parameters": parameters, "interval": intervals} | _material(own))
        yield from _unlike(name, "warn", {"scenario.toml": [run.start.inputs.get("scenario.toml") for run in own]})
    # A baseline ties all scenarios together; without one, nothing is subtracted from anything.
    together = {"campaign": list(runs)} if any(run.start.kind == "baseline" for run in runs) else by_name
    for subject, own in together.items():
        yield from _unlike(subject, "invalid", _machine(own))
        yield from _unlike(subject, "warn", _software(own))


def _interval(run: RunFolder) -> str:
    """What marked the run's rating interval."""
    windows = (event for event in run.events if isinstance(event, WindowEvent))
    return next((f"window of {window.publisher}, {window.rule}" for window in windows), "as recorded")


def _material(runs: Sequence[RunFolder]) -> dict[str, list[object]]:
    """Digests of what was staged, of what the command names on the SUT besides, and the packages of its Python; of the
    runs that recorded them."""
    starts = [run.start for run in runs if run.start.staged is not None]
    found: dict[str, list[object]] = {}
    for name in sorted({name for start in starts for name in start.staged or {}}):
        found[f"staged.{name}"] = [(start.staged or {}).get(name, {}).get("sha256", ABSENT) for start in starts]
    named = [{str(one.get("path")): digest_of(one) for one in start.on_sut or []} for start in starts]
    for path in sorted({path for one in named for path in one}):
        found[f"on_sut.{path}"] = [one.get(path, ABSENT) for one in named]
    environments = [start.environment or {} for start in starts]
    for key in ("python", "binary_sha256", "sha256"):
        found[f"environment.{key}"] = [environment.get(key) for environment in environments]
    if len(_distinct(found["environment.sha256"])) > 1:
        versions = [dict(str(one).partition("==")[::2] for one in e.get("packages", [])) for e in environments]
        for name in sorted({name for one in versions for name in one}):
            found[f"environment.{name}"] = [one.get(name, ABSENT) for one in versions]
    return found


def digest_of(named: Json) -> str:
    """What tells a file on the SUT from another: its digest, or why there is none."""
    return str(named.get("sha256") or f"{named.get('kind')}, {named.get('bytes')} bytes, {named.get('why')}")


def _machine(runs: Sequence[RunFolder]) -> dict[str, list[object]]:
    """What was measured, with which instrument; the files of an import are instruments of their own."""
    facts = [facts_of_sut(run.start.sut) for run in runs]
    found: dict[str, list[object]] = {f"sut.{key}": [fact.get(key) for fact in facts] for key in HARDWARE}
    found["sut.gpus"] = [_gpus(fact, "name", "uuid") for fact in facts]
    if all(run.start.source is None for run in runs):
        meters = sorted({descriptor.meter for run in runs for descriptor in run.power})
        found |= {f"meter.{meter}": [_identities(run, meter) for run in runs] for meter in meters}
        if not was(Rule.POOLED_CALIBRATIONS):
            found |= {f"calibration.{meter}": [_certificates(run, meter) for run in runs] for meter in meters}
    return found


def _software(runs: Sequence[RunFolder]) -> dict[str, list[object]]:
    """What ran on the machine and on the host."""
    facts = [run.start.sut for run in runs]
    found: dict[str, list[object]] = {f"sut.{key}": [fact.get(key) for fact in facts] for key in SOFTWARE}
    found["sut.gpu_driver"] = [_gpus(fact, "driver", "vbios", "power_limit_w") for fact in facts]
    found["agent.py"] = [run.start.inputs.get("agent.py") for run in runs]
    found["wattlab"] = [[run.start.software.get(key) for key in ("version", "commit")] for run in runs]
    return found


def _identities(run: RunFolder, meter: str) -> list[list[str]]:
    found = [descriptor.identity for descriptor in run.power if descriptor.meter == meter]
    return [[str(identity.get(key, "")) for key in ("maker", "model", "serial")] for identity in found]


def _certificates(run: RunFolder, meter: str) -> list[Json | None]:
    """By which certificate the readings of a meter are corrected, and how."""
    return [certificate_of(descriptor) for descriptor in run.power if descriptor.meter == meter]


def certificate_of(descriptor: PowerDescriptor) -> Json | None:
    """What of its calibration moves a number; None where the meter has no certificate."""
    said = descriptor.calibration or {}
    return {key: said.get(key) for key in CERTIFICATE} if said.get("number") is not None else None


def _unlike(subject: str, severity: Severity, told: Mapping[str, Sequence[object]]) -> Iterator[Finding]:
    """One finding of everything that is not the same in all runs."""
    differ = {key: _distinct(values) for key, values in told.items()}
    differ = {key: values for key, values in differ.items() if len(values) > 1}
    if differ:
        yield Finding("pooled-incomparable", severity, subject, differ)


def _distinct(values: Sequence[object]) -> list[object]:
    found: list[object] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _gpus(facts: Json, *keys: str) -> list[list[object]]:
    return [[gpu.get(key) for key in keys] for gpu in facts.get("gpus") or [] if isinstance(gpu, dict)]


def of_blocks(scenario: str, intervals: Sequence[tuple[int, int, str]], blocks: Sequence[Block]) -> Iterator[Finding]:
    """`baseline-short`, `baseline-outside`: blocks shorter than the runs they are subtracted from; runs before the
    first or after the last block of their session. `intervals`: begin and end (ns) and session of each run."""
    if not blocks or not intervals:
        return
    longest_s = max(end - begin for begin, end, _ in intervals) * 1e-9
    shortest_s = min(block.end_ns - block.begin_ns for block in blocks) * 1e-9
    # A tenth: how long a run takes is not known before.
    if shortest_s < 0.9 * longest_s:
        evidence = {"shortest_block_s": shortest_s, "longest_run_s": longest_s}
        yield Finding("baseline-short", "info", scenario, evidence)
    outside = 0
    for begin_ns, end_ns, session in intervals:
        own = [block for block in blocks if block.session == session]
        outside += bool(own) and not (own[0].end_ns <= begin_ns and end_ns <= own[-1].begin_ns)
    if outside:
        yield Finding("baseline-outside", "warn", scenario, {"runs": outside, "of": len(intervals)})


def of_monitoring(missing: Mapping[str, frozenset[str]]) -> list[Finding]:
    """`not-monitored`: what could not be judged, and in how many runs. `missing`: by run folder."""
    counts: dict[str, int] = {}
    for names in missing.values():
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    return [Finding("not-monitored", "info", "campaign", {"runs": dict(sorted(counts.items()))})] if counts else []
