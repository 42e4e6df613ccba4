"""Actions and epochs as results.json has them: of one run, and as means over the runs that have them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reports.results.codec import keyed
from reports.results.uncertainty import Number


@dataclass(frozen=True, slots=True)
class RunAction:
    """One action of one run: plain numbers, single observations. Beside each energy stand its standard uncertainty, its
    U at 95 % and its degrees of freedom (null: infinite)."""

    name: str
    """What the marker says."""
    index: int
    """Counts actions of one name, from 0."""
    begin_s: float
    """From the run's beginning, s."""
    duration_s: float
    """Length, s."""
    energy_wh: float | None
    """Energy, Wh; null where there is none."""
    energy_u_wh: float | None
    """u of it, Wh."""
    energy_expanded_wh: float | None = field(metadata=keyed("energy_U_wh"))
    """U of it, Wh."""
    energy_dof: float | None
    """Degrees of freedom; null: infinite, or no u."""
    induced_energy_wh: float | None
    """Energy less the baseline, Wh."""
    induced_energy_u_wh: float | None
    """u of it, Wh."""
    induced_energy_expanded_wh: float | None = field(metadata=keyed("induced_energy_U_wh"))
    """U of it, Wh."""
    induced_energy_dof: float | None
    """Degrees of freedom; null: infinite, or no u."""
    cumulative_energy_wh: float | None
    """Energy from the run's beginning to the action's end, Wh."""
    cumulative_energy_u_wh: float | None
    """u of it, Wh."""
    cumulative_energy_expanded_wh: float | None = field(metadata=keyed("cumulative_energy_U_wh"))
    """U of it, Wh."""
    cumulative_energy_dof: float | None
    """Degrees of freedom; null: infinite, or no u."""
    gpu_temperature_c: float | None
    """Mean over the boards, °C; null where nothing was sampled in it."""
    metrics: Mapping[str, Any]
    """What the program said of it at its end, verbatim."""
    exit_code: int | None
    """Of the command, where the action is one; else null."""
    work: Mapping[str, float] | None = field(default=None, metadata=keyed(left_out=True))
    """Unit -> useful work that the program marked in it; only where it marked some."""


@dataclass(frozen=True, slots=True)
class EnergyPerWork:
    """Energy of one unit of the work that programs mark (`work(tokens=512)`, docs/markers.md): ratio of the means over
    the runs that mark it, u by the delta method."""

    work: str
    """The unit, as it was marked: `tokens`."""
    amount: Number
    """How many a run did (unit `1`)."""
    energy_wh: Number | None
    """Energy of one, Wh/tokens."""
    induced_energy_wh: Number | None
    """Energy of one less the baseline, Wh/tokens; null where there is no baseline."""


@dataclass(frozen=True, slots=True)
class ActionResult:
    """One action over the runs that have it; Numbers are means over these runs."""

    name: str
    """What the marker says."""
    index: int
    """Counts actions of one name, from 0."""
    n: int
    """How many runs have it."""
    begin_s: Number | None
    """From the run's beginning, s."""
    duration_s: Number | None
    """Length, s."""
    energy_wh: Number | None
    """Energy, Wh."""
    induced_energy_wh: Number | None
    """Energy less the baseline, Wh."""
    mean_power_w: Number | None
    """Energy over length, W."""
    gpu_temperature_c: Number | None
    """Mean over the boards, °C."""
    cumulative_energy_wh: Number | None
    """From the run's beginning to the action's end, Wh: over the epochs the energy up to epoch k."""
    metrics: Mapping[str, Number | None]
    """Metric -> its mean."""
    energy_per_work: tuple[EnergyPerWork, ...] = field(default=(), metadata=keyed(left_out=True))
    """Energy per unit of the work that was marked in it; only where some was."""
