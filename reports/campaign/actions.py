"""Actions and epochs: a row of each action of a run, a record of each action over the runs that have it.

Knows analysed runs and the terms of their energies. Knows no scenario and no finding.
"""

from collections.abc import Sequence

import numpy as np

from harness.record.documents import Json
from reports.campaign.means import mean_duration, mean_energy, mean_power
from reports.campaign.run import AnalysedRun
from reports.energy import budget, hardware
from reports.energy.budget import Single
from reports.energy.contributions import RunTerms
from reports.energy.energy import WH
from reports.readings.bounded import number
from reports.results.nulls import finite_or_none, finite_values, json_of
from reports.results.uncertainty import mean_of


def action_rows(run: AnalysedRun, own: RunTerms | None) -> list[Json]:
    """One plain row per action of a run; energies of all of them in one go."""
    actions = run.series.actions
    if not actions or run.interval_ns is None:
        return []
    begins_ns = np.array([action.begin_ns for action in actions], dtype=np.int64)
    ends_ns = np.array([action.end_ns for action in actions], dtype=np.int64)
    warmth_c = hardware.gpu_temperatures_c(run.series.indicators, begins_ns, ends_ns)
    gross = None if own is None else budget.of_one(own, "gross")
    over = None if own is None else budget.of_one(own, "induced")
    at = [run.at_action(position) for position in range(len(actions))]
    until = [run.until_action(position) for position in range(len(actions))]
    columns = (
        _columns_wh("energy", gross, at)
        | _columns_wh("induced_energy", over, at)
        | _columns_wh("cumulative_energy", gross, until)
    )
    return [
        {
            "name": action.name, "index": action.index, "begin_s": (action.begin_ns - run.interval_ns[0]) * 1e-9,
            "duration_s": (action.end_ns - action.begin_ns) * 1e-9,
            **{name: None if column is None else column[i] for name, column in columns.items()},
            "gpu_temperature_c": finite_or_none(warmth_c[i]), "metrics": action.metrics, "exit_code": action.exit_code,
        }
        for i, action in enumerate(actions)
    ]  # fmt: skip


def _columns_wh(name: str, one: Single | None, at: Sequence[int]) -> dict[str, list[float | None] | None]:
    """`NAME_wh` with `NAME_u_wh`, `NAME_U_wh` and `NAME_dof` at some intervals."""
    keys = (f"{name}_wh", f"{name}_u_wh", f"{name}_U_wh", f"{name}_dof")
    if one is None:
        return dict.fromkeys(keys)
    columns = (one.energy_j / WH, one.u_j / WH, one.expanded_j / WH, one.dof)
    return {key: finite_values(column[list(at)].tolist()) for key, column in zip(keys, columns, strict=True)}


def record(name: str, index: int, members: Sequence[tuple[Json, RunTerms, int, int]]) -> Json:
    """One action over the runs that have it: its plain row, the run's terms, its place there and that of everything
    up to its end."""
    rows, terms, at, until = (list(column) for column in zip(*members, strict=True))

    def over(key: str, unit: str) -> Json | None:
        return json_of(mean_of([number(row[key]) for row in rows], unit))

    lasting = [place for place, row in enumerate(rows) if row["duration_s"] > 0]
    metrics = sorted({key for row in rows for key, value in row["metrics"].items() if np.isfinite(number(value))})
    return {
        "name": name,
        "index": index,
        "n": len(rows),
        "begin_s": over("begin_s", "s"),
        "duration_s": json_of(mean_duration([row["duration_s"] for row in rows], [own.clock_bound_s for own in terms])),
        "energy_wh": mean_energy(terms, at, "gross"),
        "induced_energy_wh": mean_energy(terms, at, "induced"),
        "mean_power_w": mean_power([terms[i] for i in lasting], [at[i] for i in lasting]),
        "gpu_temperature_c": over("gpu_temperature_c", "°C"),
        "cumulative_energy_wh": mean_energy(terms, until, "gross"),
        "metrics": {key: json_of(mean_of([number(row["metrics"].get(key)) for row in rows], "1")) for key in metrics},
    }
