"""Frames of what was computed: runs, actions, scenarios, efficiency, work, findings, instruments, other circuits.

Knows the records of results.json, and of each run whose readings it rests on (`provenance`). Computes no number.
"""

import json
from collections.abc import Iterator, Mapping

import pandas as pd

from harness.record.documents import Json
from reports.frames.columns import (
    FLOAT,
    TEXT,
    TIME,
    TRUTH,
    WHOLE,
    Row,
    cells_of,
    frame,
    plain_cells,
    prefixed,
    quantity,
)
from reports.results.action import ActionResult, EnergyPerWork
from reports.results.document import CampaignNumbers
from reports.results.run import RunResult
from reports.results.uncertainty import Number
from reports.results.undeclared import UNDECLARED

Provenance = Mapping[str, str]
"""Run folder, or scenario -> origin of the worst meter behind its energies."""
BY_BOARD = "estimated (NVML)"
"""Provenance of what a GPU board says of its own energy, whatever the meter is."""
RUN = {"campaign": TEXT, "run": TEXT, "scenario": TEXT, "repetition": WHOLE, "included": TRUTH, "provenance": TEXT}
RUNS = {
    **RUN, "excluded_because": TEXT, "ordinal": WHOLE, "attempt": WHOLE, "kind": TEXT, "seed": WHOLE, "block": WHOLE,
    "status": TEXT, "start_utc": TIME, "duration_s": FLOAT, **quantity("mean_power_w"), **quantity("energy_wh"),
    **quantity("induced_energy_wh"), "gap_s": FLOAT, **quantity("gap_energy_wh"), **quantity("gpu_board_energy_wh"),
    "gpu_provenance": TEXT,
}  # fmt: skip
ACTIONS = {
    **RUN, "action": TEXT, "index": WHOLE, "is_epoch": TRUTH, "begin_s": FLOAT, "duration_s": FLOAT,
    **quantity("energy_wh"), **quantity("induced_energy_wh"), **quantity("cumulative_energy_wh"),
    "gpu_temperature_c": FLOAT, "exit_code": WHOLE,
}  # fmt: skip
SCENARIO = {"campaign": TEXT, "scenario": TEXT, "provenance": TEXT}
SCENARIOS = {
    **SCENARIO, "title": TEXT, "n_runs": WHOLE, "n_excluded": WHOLE, **quantity("duration_s"),
    **quantity("mean_power_w"), **quantity("energy_wh"), **quantity("induced_energy_wh"),
    **quantity("induced_power_w"), "valid": TRUTH,
}  # fmt: skip
ACTION_MEANS = {
    **SCENARIO, "action": TEXT, "index": WHOLE, "is_epoch": TRUTH, "n_runs": WHOLE, **quantity("begin_s"),
    **quantity("duration_s"), **quantity("energy_wh"), **quantity("induced_energy_wh"),
    **quantity("cumulative_energy_wh"), **quantity("mean_power_w"),
}  # fmt: skip
EFFICIENCY = {
    **SCENARIO, "factor": TEXT, "energy": TEXT, "unit": TEXT, "n_runs": WHOLE, "value": FLOAT, "u": FLOAT, "U": FLOAT,
    "dof": FLOAT, "interval_low": FLOAT, "interval_high": FLOAT,
}  # fmt: skip
WORK = {
    **SCENARIO, "action": TEXT, "index": WHOLE, "work": TEXT, "n_runs": WHOLE, "amount": FLOAT,
    **quantity("energy_per_unit_wh"), **quantity("induced_energy_per_unit_wh"),
}  # fmt: skip
FINDINGS = {"campaign": TEXT, "severity": TEXT, "code": TEXT, "subject": TEXT, "evidence": TEXT}
INSTRUMENTS = {
    "campaign": TEXT, "meter": TEXT, "provenance": TEXT, "role": TEXT, "circuit": TEXT, "maker": TEXT, "model": TEXT,
    "serial": TEXT, "firmware": TEXT, "driver": TEXT, "tier": TEXT, "averaging": TEXT, "window_s": FLOAT, "stamp": TEXT,
    "latency_s": FLOAT, "ranging": TEXT, "certificate": TEXT, "certified": TEXT,
    "certificate_expires": TEXT, "check_load": TEXT, "check_load_utc": TEXT, "check_load_ratio": FLOAT,
    "check_load_result": TEXT, "n_runs": WHOLE, "assumed_limit_percent": FLOAT,
}  # fmt: skip

OTHER_CIRCUITS = {
    **RUN, "meter": TEXT, "circuit": TEXT, "tier": TEXT, **quantity("mean_power_w"), **quantity("energy_wh"),
    "gap_s": FLOAT, **quantity("ratio_percent"),
}  # fmt: skip


def runs(results: CampaignNumbers, provenance: Provenance) -> pd.DataFrame:
    """A row a run and baseline block."""
    return frame((_run_row(results, run, provenance) for run in results.runs), RUNS)


def _run_row(results: CampaignNumbers, run: RunResult, provenance: Provenance) -> Row:
    part = results.scenarios.get(run.scenario)
    return {
        **_run_head(results, run, provenance), "excluded_because": run.excluded_because, "ordinal": run.ordinal,
        "attempt": run.attempt, "kind": run.kind, "seed": run.seed, "block": run.block, "status": run.status,
        "start_utc": run.start_utc, "duration_s": _value(run.duration_s), **cells_of("mean_power_w", run.mean_power_w),
        **cells_of("energy_wh", run.energy_wh), **cells_of("induced_energy_wh", run.induced_energy_wh),
        "gap_s": _value(run.gap_s), **cells_of("gap_energy_wh", run.gap_energy_wh),
        **cells_of("gpu_board_energy_wh", run.gpu_energy_wh),
        "gpu_provenance": "none" if run.gpu_energy_wh is None else BY_BOARD,
        **prefixed("factor", part.cell if part else None),
        **prefixed("work", run.work), **prefixed("indicator", run.indicators), **prefixed("final", run.final_metrics),
    }  # fmt: skip


def _run_head(results: CampaignNumbers, run: RunResult, provenance: Provenance) -> Row:
    return {
        "campaign": results.campaign.name, "run": run.folder, "scenario": run.scenario, "repetition": run.repetition,
        "included": run.included, "provenance": provenance.get(run.folder, "none"),
    }  # fmt: skip


def _value(number: Number | None) -> float:
    return float("nan") if number is None else number.value


def actions(results: CampaignNumbers, provenance: Provenance) -> pd.DataFrame:
    """A row an action of a run; epochs among them."""
    return frame(_action_rows(results, provenance), ACTIONS)


def _action_rows(results: CampaignNumbers, provenance: Provenance) -> Iterator[Row]:
    for run in results.runs:
        repeated = _repeated(results, run.scenario)
        for one in run.actions:
            energy = one.energy_wh, one.energy_u_wh, one.energy_expanded_wh, one.energy_dof
            induced = (
                one.induced_energy_wh, one.induced_energy_u_wh, one.induced_energy_expanded_wh, one.induced_energy_dof,
            )  # fmt: skip
            until = (
                one.cumulative_energy_wh, one.cumulative_energy_u_wh, one.cumulative_energy_expanded_wh,
                one.cumulative_energy_dof,
            )  # fmt: skip
            yield {
                **_run_head(results, run, provenance), "action": one.name, "index": one.index,
                "is_epoch": one.name == repeated, "begin_s": one.begin_s, "duration_s": one.duration_s,
                **plain_cells("energy_wh", *energy), **plain_cells("induced_energy_wh", *induced),
                **plain_cells("cumulative_energy_wh", *until), "gpu_temperature_c": one.gpu_temperature_c,
                "exit_code": one.exit_code, **prefixed("work", one.work), **prefixed("metric", one.metrics),
            }  # fmt: skip


def _repeated(results: CampaignNumbers, scenario: str) -> str:
    """The action that repeats."""
    part = results.scenarios.get(scenario)
    return ((part.declared if part else None) or UNDECLARED).repeats


def scenarios(results: CampaignNumbers, provenance: Provenance) -> pd.DataFrame:
    """A row a scenario: means over the runs that enter them."""
    rows = (
        {
            **_scenario_head(results, name, provenance), "title": part.title, "n_runs": int(part.n_runs.value),
            "n_excluded": int(part.n_excluded.value), **cells_of("duration_s", part.duration_s),
            **cells_of("mean_power_w", part.mean_power_w), **cells_of("energy_wh", part.energy_wh),
            **cells_of("induced_energy_wh", part.induced_energy_wh),
            **cells_of("induced_power_w", part.induced_power_w),
            "valid": results.verdict.word != "invalid" and not part.invalid_because, **prefixed("factor", part.cell),
        }
        for name, part in results.scenarios.items()
    )  # fmt: skip
    return frame(rows, SCENARIOS)


def _scenario_head(results: CampaignNumbers, name: str, provenance: Provenance) -> Row:
    return {"campaign": results.campaign.name, "scenario": name, "provenance": provenance.get(name, "none")}


def action_means(results: CampaignNumbers, provenance: Provenance) -> pd.DataFrame:
    """A row an action of a scenario: means over the runs that have it."""
    rows = (
        {
            **_scenario_head(results, name, provenance), "action": one.name, "index": one.index,
            "is_epoch": one.name == _repeated(results, name), "n_runs": one.n, **cells_of("begin_s", one.begin_s),
            **cells_of("duration_s", one.duration_s), **cells_of("energy_wh", one.energy_wh),
            **cells_of("induced_energy_wh", one.induced_energy_wh),
            **cells_of("cumulative_energy_wh", one.cumulative_energy_wh), **cells_of("mean_power_w", one.mean_power_w),
        }
        for name, one in _means(results)
    )  # fmt: skip
    return frame(rows, ACTION_MEANS)


def _means(results: CampaignNumbers) -> Iterator[tuple[str, ActionResult]]:
    for name, part in results.scenarios.items():
        for one in (*part.actions, *part.epochs):
            yield name, one


def efficiency(results: CampaignNumbers, provenance: Provenance) -> pd.DataFrame:
    """A row an efficiency factor of a scenario, by total and by induced energy."""
    return frame(_factor_rows(results, provenance), EFFICIENCY)


def _factor_rows(results: CampaignNumbers, provenance: Provenance) -> Iterator[Row]:
    for name, part in results.scenarios.items():
        own = part.efficiency
        for energy, factors, intervals in (
            ("total", own.per_total, own.intervals.total), ("induced", own.per_induced, own.intervals.induced),
        ):  # fmt: skip
            for kind, number in factors.items():
                cells = cells_of("x_1", number)
                low, high = intervals.get(kind) or (float("nan"), float("nan"))
                yield {
                    **_scenario_head(results, name, provenance), "factor": kind, "energy": energy, "unit": number.unit,
                    "n_runs": number.n, **dict(zip(("value", "u", "U", "dof"), cells.values(), strict=True)),
                    "interval_low": low, "interval_high": high,
                }  # fmt: skip


def work(results: CampaignNumbers, provenance: Provenance) -> pd.DataFrame:
    """A row a unit of work that a scenario's program marks: of whole runs (`action` empty), and of each action."""
    return frame(_work_rows(results, provenance), WORK)


def _work_rows(results: CampaignNumbers, provenance: Provenance) -> Iterator[Row]:
    told: list[tuple[str, str, int | None, tuple[EnergyPerWork, ...]]]
    told = [(name, "", None, part.energy_per_work) for name, part in results.scenarios.items()]
    told += [(name, one.name, one.index, one.energy_per_work) for name, one in _means(results)]
    for name, action, index, parts in told:
        for one in parts:
            yield {
                **_scenario_head(results, name, provenance), "action": action, "index": index, "work": one.work,
                "n_runs": one.amount.n, "amount": one.amount.value, **cells_of("energy_per_unit_wh", one.energy_wh),
                **cells_of("induced_energy_per_unit_wh", one.induced_energy_wh),
            }  # fmt: skip


def findings(results: CampaignNumbers) -> pd.DataFrame:
    """A row a finding, worst first."""
    rows = (
        {
            "campaign": results.campaign.name, "severity": one.severity, "code": one.code, "subject": one.subject,
            "evidence": json.dumps(one.evidence, ensure_ascii=False),
        }
        for one in results.findings
    )  # fmt: skip
    return frame(rows, FINDINGS)


def instruments(results: CampaignNumbers) -> pd.DataFrame:
    """A row a meter."""
    rows = (
        {
            "campaign": results.campaign.name, "meter": one.meter, "provenance": one.origin, "role": one.role,
            "circuit": one.circuit, **{key: _text(one.identity.get(key)) for key in IDENTITY}, "tier": one.tier,
            "averaging": one.averaging, "window_s": one.window_s, "stamp": one.stamp, "latency_s": one.latency_s,
            "ranging": one.ranging, **_calibration(one.calibration or {}), "n_runs": one.n_runs,
            "assumed_limit_percent": one.assumed_percent,
        }
        for one in results.meters
    )  # fmt: skip
    return frame(rows, INSTRUMENTS)


def _calibration(said: Json) -> Row:
    """What a meter's descriptor says of its certificate, and of the last check load before."""
    last = said.get("check_load")
    last = last if isinstance(last, dict) else {}
    passed = last.get("passed")
    return {
        "certificate": _text(said.get("number")), "certified": _text(said.get("date")),
        "certificate_expires": _text(said.get("expires")), "check_load": _text(last.get("check_load")),
        "check_load_utc": _text(last.get("utc")), "check_load_ratio": last.get("ratio"),
        "check_load_result": None if passed is None else "passed" if passed else "failed",
    }  # fmt: skip


def other_circuits(results: CampaignNumbers) -> pd.DataFrame:
    """A row a run by a meter on another circuit; `provenance` and `included` are that meter's."""
    runs = {run.folder: run for run in results.runs}
    rows = (
        {
            **_run_head(results, runs[own.folder], {own.folder: one.origin}), "included": own.included,
            "meter": one.meter, "circuit": one.circuit, "tier": one.tier,
            **cells_of("mean_power_w", own.mean_power_w), **cells_of("energy_wh", own.energy_wh),
            "gap_s": own.gap_s.value, **cells_of("ratio_percent", own.ratio_percent),
        }
        for one in results.other_circuits
        for own in one.runs
    )  # fmt: skip
    return frame(rows, OTHER_CIRCUITS)


IDENTITY = ("maker", "model", "serial", "firmware", "driver")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
