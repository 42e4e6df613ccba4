"""The figures of a qualification: the share of every load, software against wall with the transfer line, both traces
around changes of load.

Knows the record of a qualification and traces that are to be drawn. Knows no table and computes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup

from reports.figures import campaign as campaign_figures
from reports.figures import grouped_bars, scatter
from reports.figures.campaign import Curve, CurvePanel
from reports.figures.grouped_bars import GroupedPanel, Series
from reports.figures.scatter import Line, Points, ScatterPanel
from reports.figures.sheet import Labelled
from reports.pages.blocks import Figure
from reports.pages.numbers import bare, half_width_of, quantity, value_of
from reports.pages.qualification.tables import WATTS
from reports.pages.qualification.words import KINDS, PERCENT, SECONDS, mark_of, percent_of, shares_of
from reports.qualification.aligned import AlignedTraces
from reports.results.applicability import lag_of
from reports.results.qualification import Qualification
from reports.results.software_meter import LoadKind, Refusal, SoftwareMeter, Transfer
from reports.results.uncertainty import Number

STYLES: Mapping[LoadKind, int] = {"cpu": 0, "gpu": 1, "memory": 2, "other": 3, "idle": 4}
WALL, AS_STAMPED, MOVED = 0, 1, 2
"""Styles of the traces."""


def shares(document: Qualification) -> Figure | None:
    """The share that each meter sees of each load."""
    loads = [load.scenario for load in document.loads]
    series, spoken = [], []
    for style, meter in enumerate(document.meters):
        numbers = shares_of(meter)
        if numbers:
            series.append(_series(meter.name, style, [numbers.get(name) for name in loads]))
            spoken += [f"{meter.name}, {name}: {percent_of(number)}." for name, number in numbers.items()]
    if not series:
        return None
    caption = "Share of the wall that each software meter sees, by load. Whiskers: U at 95 %."
    panel = GroupedPanel("Share of the wall", PERCENT.axis("software / wall"), loads, series)
    svg = grouped_bars.grouped(Labelled("fig-shares", caption, " ".join(spoken), mark_of(document)), [panel])
    return Figure("fig-shares", caption, Markup(svg))


def _series(name: str, style: int, numbers: Sequence[Number | None]) -> Series:
    values = [value_of(number, PERCENT) for number in numbers]
    ends = [(value, half_width_of(number, PERCENT)) for value, number in zip(values, numbers, strict=True)]
    low, high = ([None if value is None or half is None else value + sign * half for value, half in ends]
                 for sign in (-1, 1))  # fmt: skip
    return Series(name, style, values, ["" if v is None else f"{v:.0f}" for v in values], low, high)


def transfers(document: Qualification) -> Figure | None:
    """Every load of every meter, wall against software, with the transfer line where there is one."""
    panels, spoken = [], []
    for meter in document.meters:
        points = list(_points(document, meter))
        if not points:
            continue
        lines = [] if isinstance(meter.transfer, Refusal) else [_line(meter.transfer)]
        panels.append(ScatterPanel(meter.name, WATTS.axis("software"), WATTS.axis("wall"), points, lines))
        spoken.append(_in_words(meter))
    if not panels:
        return None
    caption = (
        "Mean power of every load: wall against software, with U at 95 % of both. Line: the transfer function, as far "
        "as it holds; a panel without one has none."
    )
    label = Labelled("fig-transfers", caption, " ".join(spoken), mark_of(document))
    return Figure("fig-transfers", caption, Markup(scatter.scatters(label, panels)))


def _in_words(meter: SoftwareMeter) -> str:
    transfer = meter.transfer
    if isinstance(transfer, Refusal):
        return f"{meter.name}: no transfer function."
    return f"{meter.name}: wall = {quantity(transfer.offset_w)} + {bare(transfer.gain, PERCENT)} % of software."


def _points(document: Qualification, meter: SoftwareMeter) -> Iterator[Points]:
    """The loads of each kind."""
    loads = {load.scenario: load for load in document.loads}
    of_kind: dict[LoadKind, list[tuple[Number, Number]]] = {}
    for on_load in meter.loads:
        if isinstance(software := on_load.software_w, Number):
            load = loads[on_load.scenario]
            of_kind.setdefault(load.kind, []).append((software, load.wall_w))
    for kind, pairs in of_kind.items():
        columns = [[pair[side] for pair in pairs] for side in (0, 1)]
        x, y = ([number.value for number in column] for column in columns)
        x_half, y_half = ([half_width_of(number, WATTS) for number in column] for column in columns)
        yield Points(KINDS[kind], STYLES[kind], x, y, x_half, y_half)


def _line(transfer: Transfer) -> Line:
    ends = [end for reach in transfer.ranges.values() for end in reach.software_w]
    x = (min(ends), max(ends))
    return Line("transfer function", x, [transfer.offset_w.value + transfer.gain.value * at for at in x])


def traces(document: Qualification, aligned: Sequence[AlignedTraces]) -> Figure | None:
    """Wall and software around changes of load: as stamped, and moved by the lag where that is known."""
    meters = {meter.name: meter for meter in document.meters}
    panels, spoken = [], []
    for pair in aligned:
        lag = lag_of(meters[pair.meter])
        curves = [Curve("wall", WALL, *pair.wall), Curve("software", AS_STAMPED, *pair.software)]
        if lag is not None:
            seconds, power_w = pair.software
            curves.append(Curve("moved by its lag", MOVED, [at_s - lag.lag_s.value for at_s in seconds], power_w))
            spoken.append(f"{pair.meter}: lag {quantity(lag.lag_s, SECONDS)}.")
        panels.append(CurvePanel(
            pair.meter, SECONDS.axis("time"), WATTS.axis("power"), curves, whole_x=False, markers=False
        ))  # fmt: skip
    if not panels:
        return None
    caption = "Wall and software around changes of load, on one time base."
    label = Labelled("fig-traces", caption, " ".join(spoken), mark_of(document))
    return Figure("fig-traces", caption, Markup(campaign_figures.curves(label, panels)))
