"""Figures of the campaign's report: parts of results.json -> drawn SVG blocks with captions and spoken descriptions.

Knows results.json and reports/figures/campaign.py. Knows no run folder: power over time comes from pages/traces.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from reports.figures import campaign as figures
from reports.figures.campaign import Bar, BarPanel, Curve, CurvePanel, Strip, StripPanel
from reports.figures.palette import BASELINE
from reports.figures.sheet import Labelled
from reports.pages.blocks import Figure
from reports.pages.declared import capitalized, vocabulary
from reports.pages.few import outside_blocks, without_u
from reports.pages.lookup import run_names, words
from reports.pages.numbers import (
    Scale,
    bare,
    full,
    half_width_of,
    is_finite,
    page_scale,
    quantity,
    scale_for,
    value_of,
)
from reports.pages.result_tables import no_u
from reports.results.action import ActionResult
from reports.results.document import Results
from reports.results.uncertainty import Number

USED_HARDWARE = (
    "cpu_percent", "gpu0_load_percent", "ram_used_kib", "ram_used_kb", "ram_not_free_kib", "gpu0_memory_used_mib",
    "net_received_kb", "net_received_kib_per_s", "net_sent_kb", "net_sent_kib_per_s",
    "disk_read_kb", "disk_read_kib_per_s", "disk_write_kb", "disk_write_kib_per_s",
)  # fmt: skip
"""Figure 7 of the core study, in its order; what a campaign did not record has no panel."""
HISTORIES_SHOWN = 6
"""Metrics of which the history is drawn, those that are declared first."""
TIME_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))
ACTIONS_SHOWN = 5
"""Actions of each scenario, the longest first, that have a strip of their own in the figure of durations."""
SHARED = "A line ends with the {epoch} that all runs have; the tables have the later ones too."


def energy_figure(results: Results, stamp: str) -> Figure | None:
    """Figure 6: mean power, energy, induced energy per scenario, with the GPU's part."""
    parts = results.scenarios
    gpus = {name: part.gpu for name, part in parts.items() if part.gpu is not None}
    panels = [
        *_bar_panel(
            "Mean power",
            {name: part.mean_power_w for name, part in parts.items()},
            gpu={name: gpu.mean_power_w for name, gpu in gpus.items()},
            baseline=None if results.baseline is None else results.baseline.mean_power_w,
        ),
        *_bar_panel(
            "Energy",
            {name: part.energy_wh for name, part in parts.items()},
            gpu={name: gpu.energy_wh for name, gpu in gpus.items()},
        ),
        *_bar_panel(
            "Induced energy",
            {name: part.induced_energy_wh for name, part in parts.items()},
            gpu={name: gpu.induced_energy_wh for name, gpu in gpus.items()},
        ),
    ]
    has_gpu = any(bar.part is not None for panel in panels for bar in panel.bars)
    caption = f"Mean power, energy and induced energy per run. {_whiskers(results, panels)}"
    caption += " The narrow light bar is the GPU's part (DC board, by its own reading)." if has_gpu else ""
    return _bars("fig-energy", caption, panels, stamp)


def headline_figure(results: Results, stamp: str) -> Figure | None:
    """Induced energy and energy alone: the bars of the summary."""
    parts = results.scenarios
    panels = [
        *_bar_panel("Induced energy", {name: part.induced_energy_wh for name, part in parts.items()}),
        *_bar_panel("Energy", {name: part.energy_wh for name, part in parts.items()}),
    ]
    return _bars("fig-headline", f"Induced energy and energy of one run. {_whiskers(results, panels)}", panels, stamp)


def hardware_figure(results: Results, stamp: str) -> Figure | None:
    """Figure 7: CPU, GPU, RAM, network, disk per scenario, with the baseline."""
    panels = []
    base = {} if results.baseline is None else results.baseline.hardware
    for key in USED_HARDWARE:
        uses = {name: part.hardware.get(key) for name, part in results.scenarios.items()}
        numbers = {name: None if use is None else use.mean for name, use in uses.items()}
        panels += _bar_panel(words(key), numbers, baseline=base.get(key))
    caption = "Hardware use: means over the runs of each scenario. Disk and network: moved per second."
    return _bars("fig-hardware", caption, panels, stamp)


def efficiency_figure(results: Results, stamp: str) -> Figure | None:
    """Right half of figure 8: efficiency factors by induced energy."""
    parts, declared = results.scenarios, vocabulary(results)
    kinds = dict.fromkeys(kind for part in parts.values() for kind in part.efficiency.per_induced)
    panels: list[BarPanel] = []
    for kind in [kind for kind in declared.drawn() if kind in kinds]:
        numbers = {name: part.efficiency.per_induced.get(kind) for name, part in parts.items()}
        for panel in _bar_panel(declared.kind(kind), numbers):
            panels.append(replace(panel, axis=panel.title))  # the title names the unit
    caption = f"Efficiency factors by induced energy. {_whiskers(results, panels)}"
    return _bars("fig-efficiency", caption, panels, stamp)


def _whiskers(results: Results, panels: Sequence[BarPanel | CurvePanel]) -> str:
    """What the whiskers of a figure are; that no U is known where none is drawn."""
    halves: list[float | None] = []
    for panel in panels:
        if isinstance(panel, BarPanel):
            halves += [bar.half_width for bar in panel.bars]
        else:
            halves += [half for line in panel.curves for half in line.half_width]
    if not any(halves):
        return no_u(results)
    return "Whiskers: U at 95 %" + ("; none where there is one run." if without_u(results) else ".")


def _bar_panel(
    title: str,
    numbers: Mapping[str, Number | None],
    *,
    gpu: Mapping[str, Number | None] | None = None,
    baseline: Number | None = None,
) -> list[BarPanel]:
    """One panel, or none where no scenario has the number. Scenarios keep their colour whatever is missing."""
    if not any(value_of(number, Scale("")) is not None for number in numbers.values()):
        return []
    scale = scale_for([*numbers.values(), baseline])
    bars = []
    entries: list[tuple[str, int, Number | None]] = [("baseline", BASELINE, baseline)] if baseline else []
    entries += [(name, style, number) for style, (name, number) in enumerate(numbers.items())]
    for name, style, number in entries:
        value = value_of(number, scale)
        if value is not None:
            part = value_of((gpu or {}).get(name), scale)
            bars.append(Bar(name, style, value, bare(number, scale), half_width_of(number, scale), part))
    return [BarPanel(title, scale.axis(title), bars)]


def _bars(name: str, caption: str, panels: Sequence[BarPanel], stamp: str) -> Figure | None:
    if not panels:
        return None
    spoken = " ".join(
        f"{panel.axis}: " + "; ".join(f"{bar.label} {bar.text}" for bar in panel.bars) + "." for panel in panels
    )
    return Figure(name, caption, Markup(figures.bars(Labelled(name, caption, spoken, stamp), panels)))


def epoch_figure(results: Results, stamp: str) -> Figure | None:
    """Left half of figure 8: energy per epoch, one panel per scenario, with the GPU's temperature."""
    panels, spoken = [], []
    for style, (name, part) in enumerate(results.scenarios.items()):
        epochs = _of_every_run(record for record in part.epochs if record.energy_wh is not None)
        if not epochs:
            continue
        epoch = vocabulary(results, name).repeated()
        numbers = [record.energy_wh for record in epochs]
        scale = scale_for(numbers)
        temperatures = [record.gpu_temperature_c for record in epochs]
        x = [float(record.index) for record in epochs]
        right = [
            replace(line, half_width=())
            for line in _curve("GPU temperature", style, x, temperatures, Scale("°C"), epoch)
        ]
        energy = _curve("energy", style, x, numbers, scale, epoch)
        panels.append(
            CurvePanel(
                f"{name}: energy per {epoch}",
                epoch,
                scale.axis("energy"),
                energy,
                right,
                "GPU temperature / °C" if right else "",
            )
        )
        spoken.append(f"{name}: first {epoch} {full(numbers[0], scale)}, last {full(numbers[-1], scale)}.")
    if not panels:
        return None
    epoch = vocabulary(results).repeated()
    caption = f"Energy per {epoch}, mean over the runs (total, with the baseline). {_whiskers(results, panels)} "
    caption += SHARED.format(epoch=epoch)
    svg = figures.curves(Labelled("fig-epochs", caption, " ".join(spoken), stamp), panels)
    return Figure("fig-epochs", caption, Markup(svg))


def _of_every_run(epochs: Iterable[ActionResult]) -> list[ActionResult]:
    """The epochs that as many runs have as the first: a mean over fewer would jump where a run ends."""
    present = list(epochs)
    return [record for record in present if record.n == present[0].n]


def cumulative_figure(results: Results, stamp: str) -> Figure | None:
    """Energy up to the end of epoch k, one panel per scenario, with the quality reached there."""
    panels, spoken = [], []
    for style, (name, part) in enumerate(results.scenarios.items()):
        epochs = _of_every_run(record for record in part.epochs if record.cumulative_energy_wh is not None)
        if len(epochs) < 2:
            continue
        declared = vocabulary(results, name)
        epoch, quality = declared.repeated(), declared.quality()
        numbers = [record.cumulative_energy_wh for record in epochs]
        reached = [record.metrics.get(quality) for record in epochs]
        scale, x = scale_for(numbers), [float(record.index) for record in epochs]
        right = [
            replace(line, half_width=()) for line in _curve(declared.qualities(), style, x, reached, Scale(""), epoch)
        ]
        energy = _curve("energy", style, x, numbers, scale, epoch)
        axis = declared.qualities() if right else ""
        title = f"{name}: energy up to {declared.time()}"
        panels.append(CurvePanel(title, epoch, scale.axis("energy"), energy, right, axis))
        first, last = full(numbers[0], scale), full(numbers[-1], scale)
        spoken.append(f"{name}: {first} up to the first {epoch}, {last} up to the last.")
    if not panels:
        return None
    everything = vocabulary(results)
    with_quality = f", with the {everything.qualities()} reached" if any(panel.right for panel in panels) else ""
    caption = (
        f"Energy from the beginning of a run to the end of {everything.time()} (total), mean over the runs"
        f"{with_quality}. {_whiskers(results, panels)} {SHARED.format(epoch=everything.repeated())}"
    )
    svg = figures.curves(Labelled("fig-cumulative", caption, " ".join(spoken), stamp), panels)
    return Figure("fig-cumulative", caption, Markup(svg))


def _curve(
    label: str, style: int, x: Sequence[float], numbers: Sequence[Number | None], scale: Scale, place: str = ""
) -> list[Curve]:
    """A line through the numbers that exist; none where there is no number. `place`: what x counts."""
    points = []
    for at, number in zip(x, numbers, strict=True):
        if (value := value_of(number, scale)) is not None:
            where = f"{label}, {place} {at:g}" if place else label
            points.append((at, value, half_width_of(number, scale), f"{where}: {quantity(number, scale)}"))
    if not points:
        return []
    xs, ys, halves, texts = zip(*points, strict=True)
    return [Curve(label, style, xs, ys, half_width=halves, texts=texts)]


def history_figure(results: Results, stamp: str) -> Figure | None:
    """Metrics at the end of each epoch, every run thin, the mean over the runs that have the epoch."""
    styles = {name: style for style, name in enumerate(results.scenarios)}
    panels, spoken = [], []
    declared = vocabulary(results)
    epoch = declared.repeated()
    recorded = (metric for run in results.runs if run.included for metric in run.history)
    for metric in list(dict.fromkeys([*declared.metrics(), *recorded]))[:HISTORIES_SHOWN]:
        title, lines = capitalized(declared.metric(metric)), list[Curve]()
        for name, style in styles.items():
            histories = _histories(results, name, metric)
            epochs = results.scenarios[name].epochs
            begin = epochs[0].index if epochs else 0
            lines += [Curve("", style, range(begin, begin + len(h)), h, faint=True) for h in histories]
            mean = [sum(values) / len(values) for values in zip(*histories, strict=False)]
            if mean:
                texts = [f"{name}, {epoch} {place}: {value:.3g}" for place, value in enumerate(mean, begin)]
                lines.append(Curve(name, style, range(begin, begin + len(mean)), mean, texts=texts))
                spoken.append(f"{title}, {name}: {mean[0]:.3g} after the first {epoch}, {mean[-1]:.3g} after the last.")
        if lines:
            panels.append(CurvePanel(title, epoch, declared.metric(metric), lines))
    if not panels:
        return None
    caption = f"History: every run (grey) and the mean over the runs. {SHARED.format(epoch=epoch)}"
    svg = figures.curves(Labelled("fig-history", caption, " ".join(spoken), stamp), panels)
    return Figure("fig-history", caption, Markup(svg))


def _histories(results: Results, scenario: str, metric: str) -> list[list[float]]:
    runs = (run for run in results.runs if run.included and run.scenario == scenario)
    histories = (run.history.get(metric) for run in runs)
    return [[float(value) for value in history if is_finite(value)] for history in histories if history]


def duration_figure(results: Results, stamp: str) -> Figure | None:
    """Durations of runs and actions, every one a point."""
    styles = {name: style for style, name in enumerate(results.scenarios)} | {"baseline": BASELINE}
    groups: dict[str, list[float]] = {}
    texts: dict[str, list[str]] = {}
    actions: dict[tuple[str, str], list[float]] = {}
    called = run_names(results)
    for run in results.runs:
        if run.included and run.duration_s is not None:
            groups.setdefault(run.scenario, []).append(run.duration_s.value)
            texts.setdefault(run.scenario, []).append(f"{called[run.folder]}: {quantity(run.duration_s)}")
            for action in run.actions:
                actions.setdefault((run.scenario, action.name), []).append(action.duration_s)
    if not groups:
        return None
    strips = [Strip(name, styles.get(name, BASELINE), values, texts[name]) for name, values in groups.items()]
    panels = [StripPanel("Runs", "duration / s", strips)]
    rows = []
    for scenario, style in styles.items():
        names = sorted((n for s, n in actions if s == scenario), key=lambda n: -max(actions[scenario, n]))
        rows += [Strip(f"{scenario}: {n}", style, actions[scenario, n]) for n in names[:ACTIONS_SHOWN]]
    if rows:
        panels.append(StripPanel("Actions", "duration / s", rows))
    spoken = " ".join(f"{name}: {len(v)} runs, {min(v):.4g} to {max(v):.4g} s." for name, v in groups.items())
    caption = "Durations of runs and actions: one point each; box plots from five on."
    svg = figures.strips(Labelled("fig-durations", caption, spoken, stamp), panels)
    return Figure("fig-durations", caption, Markup(svg))


def induced_figure(results: Results, stamp: str) -> Figure | None:
    """Induced energy of every run, one strip per scenario."""
    found: dict[str, list[Number]] = {}
    names: dict[str, list[str]] = {}
    called = run_names(results)
    for run in results.runs:
        if run.included and run.kind == "scenario" and run.induced_energy_wh is not None:
            found.setdefault(run.scenario, []).append(run.induced_energy_wh)
            names.setdefault(run.scenario, []).append(called[run.folder])
    if not found:
        return None
    scale = scale_for(number for numbers in found.values() for number in numbers)
    texts = {
        name: [f"{run}: {quantity(number, scale)}" for run, number in zip(names[name], numbers, strict=True)]
        for name, numbers in found.items()
    }
    rows = [Strip(name, style, [number.value * scale.factor for number in found[name]], texts[name])
            for style, name in enumerate(results.scenarios) if name in found]  # fmt: skip
    spoken = " ".join(
        f"{s.label}: {len(s.values)} runs, {min(s.values):.4g} to {max(s.values):.4g} {scale.unit}." for s in rows
    )
    caption = "Induced energy of every run: one point each; box plots from five on."
    panels = [StripPanel("Induced energy per run", scale.axis("induced energy"), rows)]
    svg = figures.strips(Labelled("fig-induced", caption, spoken, stamp), panels)
    return Figure("fig-induced", caption, Markup(svg))


def baseline_figure(results: Results, stamp: str) -> Figure | None:
    """Mean power of every baseline block over the campaign's time, and the pooled mean where a run has it."""
    if results.baseline is None:
        return None
    placed = [(block.midpoint_s, block) for block in results.baseline.blocks if block.midpoint_s is not None]
    if not placed:
        return None
    placed.sort(key=lambda entry: entry[0])
    numbers = [block.mean_power_w for _, block in placed]
    scale = scale_for(numbers)
    seconds = [midpoint_s for midpoint_s, _ in placed]
    size_s, unit = next((size, unit) for size, unit in TIME_UNITS if seconds[-1] >= 3 * size or unit == "s")
    x = [second / size_s for second in seconds]
    lines = _curve("blocks", BASELINE, x, numbers, scale)
    pooled = results.baseline.mean_power_w if outside_blocks(results, [block for _, block in placed]) else None
    if pooled and len(x) > 1 and (value := value_of(pooled, scale)) is not None:
        lines.append(Curve("pooled", 0, [x[0], x[-1]], [value, value]))
    panel = CurvePanel(
        "Baseline blocks", f"time since the first run / {unit}", scale.axis("mean power"), lines, whole_x=False
    )
    spoken = (
        "Mean power of the blocks in order of time: "
        + ", ".join(bare(number, scale) for number in numbers)
        + f" {scale.unit}."
    )
    caption = "Mean power of the baseline blocks over the campaign. "
    if pooled is None:
        caption += "Every run lies between two blocks: its baseline is the straight line between them."
    else:
        caption += "A run between two blocks of its session has as its baseline the straight line between them; the "
        caption += "pooled mean serves runs that do not lie between two."
    svg = figures.curves(Labelled("fig-baseline", caption, spoken, stamp), [panel])
    return Figure("fig-baseline", caption, Markup(svg))


def trace_figure(results: Results, panels: Sequence[figures.TracePanel], stamp: str, note: str) -> Figure | None:
    """Figure 5: power of every run over time, and the mean."""
    if not panels:
        return None
    scale = page_scale(results, "W")
    drawn = [_in_unit(panel, scale.factor) for panel in panels]
    spoken = " ".join(_spoken(panel) for panel in panels)
    caption = f"Power of every run (grey) and the mean over the runs (coloured), the actions below. {note}"
    svg = figures.traces(Labelled("fig-power", caption, spoken, stamp), drawn, "time / s", scale.axis("power"))
    return Figure("fig-power", caption, Markup(svg))


def _in_unit(panel: figures.TracePanel, factor: float) -> figures.TracePanel:
    if factor == 1:
        return panel
    runs = [(seconds, factor * watts) for seconds, watts in panel.runs]
    return replace(panel, runs=runs, mean=(panel.mean[0], factor * panel.mean[1]))


def _spoken(panel: figures.TracePanel) -> str:
    values: Any = panel.mean[1][~(panel.mean[1] != panel.mean[1])]
    if not len(values):
        return f"{panel.title}: no readings."
    return f"{panel.title}: {len(panel.runs)} runs, mean between {values.min():.4g} and {values.max():.4g} W."
