"""Hardware indicators of runs: what they are (table 2), their means by run, a scenario's against the baseline.

Knows descriptors and the means of analysed runs. Knows no energy but the GPU's beside the wall's.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reports.campaign.group import Group
from reports.campaign.run import AnalysedRun
from reports.energy import budget, hardware
from reports.energy.energy import WH, Block, baseline_for
from reports.results.budget import Missing
from reports.results.document import Indicator
from reports.results.scenario import GpuResult, HardwareUse
from reports.results.uncertainty import Term, mean_of, mean_with_shared, standard_error


def indicators_of(runs: Sequence[AnalysedRun]) -> list[Indicator]:
    """Table 2: every indicator once."""
    found: dict[str, Indicator] = {}
    for run in runs:
        for descriptor in run.run.indicators:
            for column in descriptor.columns:
                name, quantity, method, kind = (column.get(key) for key in ("name", "quantity", "method", "kind"))
                indicator = Indicator(name, quantity, hardware.recorded_unit(column), method, kind)
                found.setdefault(str(name), indicator)
    return list(found.values())


def means_by_run(runs: Sequence[AnalysedRun]) -> dict[str, tuple[str, NDArray[np.float64]]]:
    """Indicator -> unit, mean per run (NaN where a run has none)."""
    units = units_of(runs)
    names = [name for name in units if any(name in run.indicator_means for run in runs)]
    return {
        name: (hardware.unit_of(name, units[name]), np.array([run.indicator_means.get(name, np.nan) for run in runs]))
        for name in names
    }


def units_of(runs: Sequence[AnalysedRun]) -> dict[str, str]:
    """Indicator -> its unit as it was recorded."""
    return {
        str(column["name"]): hardware.recorded_unit(column)
        for run in runs
        for descriptor in run.run.indicators
        for column in descriptor.columns
    }


def hardware_section(
    group: Group, baseline_runs: Sequence[AnalysedRun], everyone: Sequence[AnalysedRun]
) -> dict[str, HardwareUse]:
    """`scenarios.NAME.hardware`; `everyone`: its runs, excluded ones too."""
    base = means_by_run(baseline_runs)
    durations_s = group.durations_s
    quantities = {str(indicator.name): indicator.quantity for indicator in indicators_of(everyone)}
    result = {}
    for name, (unit, values) in means_by_run(group.runs).items():
        level = mean_of(base[name][1], unit) if name in base else None
        over = values - level.estimate.value if level else None
        shared = standard_error(base[name][1]) if name in base else None
        longer = None if shared is None else Term(shared.u * float(durations_s.mean()), shared.dof)
        result[name] = HardwareUse(
            quantity=str(quantities.get(name, name)),
            unit=unit,
            mean=mean_of(values, unit),
            baseline=level,
            induced=None if over is None else mean_with_shared(over, unit, shared),
            work=None if over is None else mean_with_shared(over * durations_s, f"{unit}·s", longer),
        )
    return result


def gpu_section(group: Group, baseline_runs: Sequence[AnalysedRun], *, suppressed: bool) -> GpuResult | None:
    """`scenarios.NAME.gpu`: None where no run has it, or the whole energy is that of boards."""
    runs = [run for run in group.runs if run.gpu is not None]
    if not runs or any(not run.series.whole for run in runs):
        return None
    gpu_j = np.array([run.gpu_energy_j for run in runs])
    durations_s = np.array([run.duration_s for run in runs])
    blocks = [
        Block(*run.interval_ns, run.gpu_energy_j / run.duration_s, run.session)
        for run in baseline_runs
        if run.interval_ns and run.gpu is not None
    ]
    levels = [baseline_for(blocks, run.session, *run.interval_ns) for run in runs if run.interval_ns]
    over_j = np.array(
        [
            energy_j - float(level.energy_j(*run.interval_ns)) if level and run.interval_ns else np.nan
            for run, energy_j, level in zip(runs, gpu_j, levels, strict=True)
        ]
    )
    wall_j = np.array([run.energy_j for run in runs])
    own = {id(run): value for run, value in zip(group.runs, group.induced_wh, strict=True)}
    wall_over_wh = np.array([own[id(run)] for run in runs])
    shares = np.divide(over_j / WH, wall_over_wh, out=np.full(len(runs), np.nan), where=wall_over_wh > 0)
    return GpuResult(
        label="DC board / AC wall",
        method=", ".join(sorted({run.gpu.method for run in runs if run.gpu})),
        complete=False,
        missing=(Missing("limits-of-error", "gpu"),),
        energy_wh=mean_of(gpu_j / WH, "Wh"),
        induced_energy_wh=budget.induced(over_j / WH, durations_s, levels),
        mean_power_w=mean_of(gpu_j / durations_s, "W"),
        share=mean_of(gpu_j / wall_j, "1"),
        induced_share=None if suppressed else mean_of(shares, "1"),
    )
