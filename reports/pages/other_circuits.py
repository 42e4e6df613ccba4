"""The section on meters on other circuits: each beside the SUT's meter, over the same runs, with its origin.

Knows `other_circuits` of results.json and the rounding rule. Sums nothing.
"""

from collections.abc import Iterator

from markupsafe import Markup

from reports.figures import grouped_bars
from reports.figures.grouped_bars import GroupedPanel
from reports.figures.palette import BASELINE
from reports.figures.sheet import Labelled
from reports.pages.bar_series import bar_series
from reports.pages.blocks import Block, Figure, Head, Paragraph, Row, Table
from reports.pages.lookup import run_names
from reports.pages.numbers import NOTHING, Scale, bare, scale_for
from reports.pages.result_tables import U_NOTE
from reports.results.document import Results
from reports.results.meters import Origin
from reports.results.other_circuits import OtherCircuit, OtherMean, OtherRun
from reports.results.uncertainty import Number

ABOUT = (
    "These meters measure circuits that are no part of the power of the system under test. Nothing of what they read "
    "is in the results. Each stands beside the SUT's meter for the same intervals."
)
RATIO_NOTE = "Of the SUT: energy in % of the SUT's over the same runs; its U takes the errors of both as independent."
LOUD: frozenset[Origin] = frozenset({"emulated", "estimated"})
"""Origins of what no instrument measured: written large."""
BLOCKS = "baseline"
PERCENT = Scale("%")


def other_circuit_blocks(results: Results, stamp: str) -> list[Block]:
    """The whole section; empty where no meter is on another circuit."""
    if not results.other_circuits:
        return []
    is_drawn = any(number is not None for group in _groups(results) for number in _powers(results, group))
    figures = [_figure(results, stamp)] if is_drawn else []
    return [Paragraph(ABOUT), *figures, _means(results), _runs(results)]


def _mark(origin: Origin) -> str:
    """An origin as it stands beside a number."""
    return origin.upper() if origin in LOUD else origin


def _main_name(results: Results) -> str:
    """The SUT's meters."""
    names = [meter.meter for meter in results.meters if meter.role == "headline"]
    return f"SUT ({' + '.join(names)})" if names else "SUT"


def _groups(results: Results) -> list[str]:
    """Baseline and scenarios."""
    return [*([BLOCKS] if _has_blocks(results) else []), *results.scenarios]


def _has_blocks(results: Results) -> bool:
    return results.baseline is not None or any(one.baseline for one in results.other_circuits)


def _main_power(results: Results, group: str) -> Number | None:
    if group != BLOCKS:
        return results.scenarios[group].mean_power_w
    return None if results.baseline is None else results.baseline.mean_power_w


def _of_group(one: OtherCircuit, group: str) -> OtherMean | None:
    return one.baseline if group == BLOCKS else one.scenarios.get(group)


def _figure(results: Results, stamp: str) -> Figure:
    others, groups = results.other_circuits, _groups(results)
    columns = {group: _powers(results, group) for group in groups}
    scale = scale_for(number for numbers in columns.values() for number in numbers)
    style_of = {name: style for style, name in enumerate(results.scenarios)} | {BLOCKS: BASELINE}
    reasons = ["no mean"] * (len(others) + 1)
    series = [bar_series(name, style_of[name], numbers, scale, reasons) for name, numbers in columns.items()]
    names = [_main_name(results), *(f"{one.meter}, {_mark(one.origin)}" for one in others)]
    panel = GroupedPanel("Mean power by the SUT's meter and by meters on other circuits", scale.axis("mean power"),
                         names, series)  # fmt: skip
    caption = "Mean power of the same runs by the SUT's meter and by every meter on another circuit."
    caption += (
        " Whiskers: U at 95 %." if any(end is not None for one in series for end in one.low) else " No U is known."
    )
    spoken = " ".join(
        f"{names[place]}: {one.label} {text}{scale.suffix}."
        for place in range(len(names)) for one in series if (text := one.texts[place]) != NOTHING
    )  # fmt: skip
    label = Labelled("fig-other-circuits", caption, spoken, stamp)
    return Figure("fig-other-circuits", caption, Markup(grouped_bars.grouped(label, [panel])))


def _powers(results: Results, group: str) -> list[Number | None]:
    """By the SUT's meter, then by each other one."""
    others = [None if mean is None else mean.mean_power_w for mean in _means_of(results, group)]
    return [_main_power(results, group), *others]


def _means_of(results: Results, group: str) -> list[OtherMean | None]:
    return [_of_group(one, group) for one in results.other_circuits]


def _means(results: Results) -> Table:
    """Every meter in every scenario, the SUT's first."""
    groups = _groups(results)
    means = [mean for group in groups for mean in _means_of(results, group) if mean is not None]
    power = scale_for([*(_main_power(results, group) for group in groups), *(mean.mean_power_w for mean in means)])
    energies = [part.energy_wh for part in results.scenarios.values()]
    energy = scale_for([*energies, *(mean.energy_wh for mean in means)])
    rows = [row for group in groups for row in _rows(results, group, power, energy)]
    heads = (
        Head("Runs of", False), Head("Meter", False), Head("Circuit", False), Head("Origin, tier", False), Head("Runs"),
        Head(power.axis("Mean power")), Head(energy.axis("Energy")), Head("Of the SUT / %"),
    )  # fmt: skip
    note = f"{U_NOTE} {RATIO_NOTE} {_assumed(results)}".strip()
    return Table("other-circuits-table", "Meters on other circuits", heads, tuple(rows), note)


def _rows(results: Results, group: str, power: Scale, energy: Scale) -> Iterator[Row]:
    part = results.scenarios.get(group)
    count = part.n_runs if part is not None else results.baseline.n_blocks if results.baseline is not None else None
    origin, circuits = _mark_of_sut(results), " + ".join(results.measurement.circuits)
    yield Row((
        group, _main_name(results), circuits, origin, bare(count, Scale("")),
        bare(_main_power(results, group), power), bare(None if part is None else part.energy_wh, energy), NOTHING,
    ))  # fmt: skip
    for one, mean in zip(results.other_circuits, _means_of(results, group), strict=True):
        cells = [NOTHING] * 4
        if mean is not None:
            numbers = ((mean.n_runs, Scale("")), (mean.mean_power_w, power), (mean.energy_wh, energy))
            cells = [*(bare(number, scale) for number, scale in numbers), bare(mean.ratio_percent, PERCENT)]
        said = f"{_mark(one.origin)}, {one.tier or 'tier not stated'}"
        yield Row((group, one.meter, one.circuit, said, *cells))


def _mark_of_sut(results: Results) -> str:
    """Origins and tiers of the SUT's meters, each once."""
    said = [f"{_mark(meter.origin)}, {meter.tier or 'tier not stated'}"
            for meter in results.meters if meter.role == "headline"]  # fmt: skip
    return "; ".join(dict.fromkeys(said)) or NOTHING


def _assumed(results: Results) -> str:
    """Which meters state no limits of error."""
    names = [one.meter for one in results.other_circuits if not one.complete]
    return f"Limits of error are not known of {', '.join(names)}: U assumes those of the tier." if names else ""


def _runs(results: Results) -> Table:
    """The mean power of every run by every meter."""
    others = results.other_circuits
    known: list[dict[str, OtherRun]] = [{run.folder: run for run in one.runs} for one in others]
    runs = [run for run in results.runs if any(run.folder in own for own in known)]
    columns = [[run.mean_power_w for run in runs], *([_power_of(own, run.folder) for run in runs] for own in known)]
    scale, names = scale_for(number for numbers in columns for number in numbers), run_names(results)
    rows = []
    for place, run in enumerate(runs):
        cells = [bare(numbers[place], scale) for numbers in columns]
        counted = [run.included, *(run.folder not in own or own[run.folder].included for own in known)]
        shown = [text if is_in or text == NOTHING else f"({text})" for text, is_in in zip(cells, counted, strict=True)]
        rows.append(Row((names[run.folder].removeprefix("run "), run.scenario, *shown)))
    heads = [Head("Run"), Head("Runs of", False), Head(scale.axis(_main_name(results)))]
    heads += [Head(scale.axis(one.meter)) for one in others]
    note = (
        "Mean power of every run. Values in brackets enter no mean: the run enters none, or gaps in this meter's "
        "readings exceed the limits. Energies and ratios of every run stand in results.json."
    )
    caption = "Every run by the meters on other circuits"
    return Table("other-circuit-runs", caption, tuple(heads), tuple(rows), note, folded=True)


def _power_of(own: dict[str, OtherRun], folder: str) -> Number | None:
    return own[folder].mean_power_w if folder in own else None
