"""What the page's script needs to show a run alone: its actions with their energies, its baseline, its folder.

Knows results.json. Knows no figure: power over time is read off the drawn figure.
"""

import math
from collections.abc import Sequence

from harness.record.documents import Json
from reports.pages.lookup import run_names
from reports.pages.numbers import page_scale, quantity
from reports.results.action import RunAction
from reports.results.document import Results
from reports.results.run import RunResult
from reports.results.uncertainty import Estimate, Number

MOST_ACTIONS = 200
"""Of one run; a run of more is shown without them."""
SECONDS_OF_HOUR = 3600


def single_runs(results: Results, stamp: str) -> Json:
    """`unit` of the power; `stamp`: the mark of its readings; `runs`: number -> `folder`, `baseline` (the power by
    which the induced energy was computed; null without one), `actions` as [name, begin in s, end in s, energy with U,
    level of nesting]."""
    watts, names = page_scale(results, "W"), run_names(results)
    runs = {
        names[run.folder].removeprefix("run "): {
            "folder": run.folder,
            "baseline": None if (power_w := _baseline_w(run)) is None else round(power_w * watts.factor, 4),
            "actions": _actions(results, run.actions),
        }
        for run in results.runs
        if run.included
    }
    return {"unit": watts.unit, "stamp": stamp, "runs": runs}


def _baseline_w(run: RunResult) -> float | None:
    """Mean power of the baseline under a run: what its energy has more than its induced energy, over its duration."""
    energy, induced, duration = run.energy_wh, run.induced_energy_wh, run.duration_s
    if energy is None or induced is None or duration is None or not duration.value:
        return None
    return (energy.value - induced.value) * SECONDS_OF_HOUR / duration.value


def _actions(results: Results, actions: Sequence[RunAction]) -> list[list[object]]:
    if len(actions) > MOST_ACTIONS:
        return []
    repeated = {action.name for action in actions if action.index}
    ordered = sorted(actions, key=lambda action: (action.begin_s, -action.duration_s))
    rows: list[list[object]] = []
    open_until: list[float] = []
    for action in ordered:
        end_s = action.begin_s + action.duration_s
        open_until = [until for until in open_until if until > action.begin_s + 1e-3]
        name = f"{action.name} {action.index}" if action.name in repeated else action.name
        rows.append([name, round(action.begin_s, 3), round(end_s, 3), _energy(results, action), len(open_until)])
        open_until.append(end_s)
    return rows


def _energy(results: Results, action: RunAction) -> str:
    """The energy of an action with its U, in the page's unit; empty where there is none."""
    if action.energy_wh is None:
        return ""
    dof = math.inf if action.energy_dof is None and action.energy_u_wh is not None else action.energy_dof
    number = Number(Estimate(action.energy_wh, action.energy_u_wh, dof), "Wh")
    return quantity(number, page_scale(results, "Wh"))
