"""Findings on every sample against the measuring range: volts, amperes and watts (method.md section 7).

Knows the ranges of a stream's columns, as its descriptor and its range changes state them. Knows no energy.

One analyser read one PC at 16.2 W and at 8.2 W in two of its ranges: in one that is far too large the amperes lie
below what its maker specifies. Makers specify amperes from 1 % of the range on (Yokogawa, ZES), and indicate up to
130 % of it. What the instrument itself marked as outside its range has no value any more: the finding `overrange`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import PowerDescriptor, RangeChangeEvent
from harness.record.run_folder import RunFolder
from reports.readings.bounded import number
from reports.readings.series import PowerSeries, RunSeries, read_quantities
from reports.results.finding import Finding

Floats = NDArray[np.float64]
SAME_PERCENT = 5.0
"""Means of runs in two ranges that differ by less are not looked at."""
QUANTITIES = {"power_w": "W", "voltage_v": "V", "current_a": "A"}
"""Columns that have ranges, and their units."""
ABOVE = 1.3
"""So many times its full scale an analyser indicates."""
BELOW = 0.01
"""Below this part of the full scale no maker specifies amperes."""
APPARENT = 1.05
"""Watts are at most volts times amperes, each with its error."""


def of_ranges(series: RunSeries, begin_ns: int, end_ns: int) -> Iterator[Finding]:
    """`range-implausible`: samples of the rating interval that do not fit the range they were read in; one finding a
    meter, column and kind of doubt."""
    for part in series.parts:
        told = [
            event
            for event in series.run.events
            if isinstance(event, RangeChangeEvent)
            and event.stream == part.descriptor.stream
            and event.full_scale is not None
        ]
        yield from _of_part(series, part, told, begin_ns, end_ns)


def of_different_ranges(runs: Sequence[tuple[RunFolder, float]]) -> Iterator[Finding]:
    """`range-disagreement`: runs of one scenario, each with its mean power (W), that were read in different ranges of
    one meter and whose means differ by more than `SAME_PERCENT` and by more than the runs of either range do."""
    for name in sorted({run.start.scenario for run, _ in runs}):
        groups: dict[tuple[tuple[str, float], ...], list[float]] = {}
        for run, power_w in runs:
            if run.start.scenario == name:
                groups.setdefault(_ranges_of(run), []).append(power_w)
        groups.pop((), None)
        means_w = [float(np.mean(own)) for own in groups.values()]
        if len(groups) < 2:
            continue
        apart_w, spread_w = max(means_w) - min(means_w), max(max(own) - min(own) for own in groups.values())
        if apart_w > max(SAME_PERCENT / 100 * max(map(abs, means_w)), spread_w):
            ranges = [dict(key) for key in groups]
            yield Finding("range-disagreement", "warn", name, {"ranges": ranges, "mean_power_w": means_w})


def _ranges_of(run: RunFolder) -> tuple[tuple[str, float], ...]:
    """Meter and column -> full scale, where a run has one from its begin to its end."""
    found: dict[str, float] = {}
    changed = {(event.stream, event.column) for event in run.events if isinstance(event, RangeChangeEvent)}
    for descriptor in run.power:
        for column, full in _full_scales(descriptor).items():
            if descriptor.ranging != "none" and (descriptor.stream, column) not in changed:
                found[f"{descriptor.meter}/{column}"] = full
    return tuple(sorted(found.items()))


def _of_part(
    series: RunSeries, part: PowerSeries, told: Sequence[RangeChangeEvent], begin_ns: int, end_ns: int
) -> Iterator[Finding]:
    stated = _full_scales(part.descriptor)
    known = {str(column.get("name")) for column in part.descriptor.columns} & set(QUANTITIES)
    if not known & (stated.keys() | {event.column for event in told}) and len(known) < len(QUANTITIES):
        return
    table = read_quantities(series.run.path, part.descriptor, frozenset(known))
    if table is None:
        return
    times_ns = table.stamps("time_ns")
    inside = (times_ns >= begin_ns) & (times_ns <= end_ns)
    values = {name: np.abs(table.numbers(name)[inside]) for name in QUANTITIES if name in table}
    changes = {name: [event for event in told if event.column == name] for name in values}
    for name, samples in values.items():
        full = _full_scale(stated.get(name), changes[name], times_ns[inside])
        what = {"meter": part.descriptor.meter, "column": name, "unit": QUANTITIES[name]}
        subject = series.run.path.name
        above = samples > ABOVE * full
        if above.any():
            yield Finding("range-implausible", "warn", subject, what | _evidence("above", samples, full, above))
        is_chosen = part.descriptor.ranging == "fixed" or bool(changes[name])
        below = samples < BELOW * full if name == "current_a" and is_chosen else np.zeros(samples.size, dtype=bool)
        if below.any():
            yield Finding("range-implausible", "warn", subject, what | _evidence("below", samples, full, below))
    if values.keys() == QUANTITIES.keys():
        yield from _of_apparent(series, part, values)


def _full_scales(descriptor: PowerDescriptor) -> dict[str, float]:
    """Column -> the largest value of its range, where the descriptor states one."""
    spans = {str(column.get("name")): column.get("range") for column in descriptor.columns}
    found = {
        name: max((abs(number(edge)) for edge in span if np.isfinite(number(edge))), default=0.0)
        for name, span in spans.items()
        if name in QUANTITIES and isinstance(span, list)
    }
    return {name: full for name, full in found.items() if full > 0}


def _full_scale(stated: float | None, changes: Sequence[RangeChangeEvent], times_ns: NDArray[np.int64]) -> Floats:
    """The full scale at every sample; NaN where it is not known."""
    full = np.full(times_ns.size, np.nan if stated is None else stated)
    for event in sorted(changes, key=lambda event: event.time_ns):
        full[np.searchsorted(times_ns, event.time_ns) :] = event.full_scale
    return full


def _evidence(kind: str, samples: Floats, full: Floats, odd: NDArray[np.bool_]) -> dict[str, object]:
    worst = samples[odd].max() if kind == "above" else samples[odd].min()
    at = int(np.flatnonzero(odd & (samples == worst))[0])
    return {
        "kind": kind, "readings": int(odd.sum()), "of": int(np.isfinite(samples).sum()), "extreme": float(worst),
        "full_scale": float(full[at]),
    }  # fmt: skip


def _of_apparent(series: RunSeries, part: PowerSeries, values: dict[str, Floats]) -> Iterator[Finding]:
    """Watts above volts times amperes, their steps of display allowed for."""
    columns = part.descriptor.columns
    step = {str(column.get("name")): np.nan_to_num(number(column.get("resolution"))) for column in columns}
    volts, amperes = values["voltage_v"] + step["voltage_v"], values["current_a"] + step["current_a"]
    most_w = APPARENT * volts * amperes + step["power_w"]
    odd = values["power_w"] > most_w
    if odd.any():
        at = int(np.flatnonzero(odd)[0])
        evidence = {
            "meter": part.descriptor.meter, "column": "power_w", "unit": "W", "kind": "above-apparent",
            "readings": int(odd.sum()), "of": int(np.isfinite(values["power_w"]).sum()),
            "extreme": float(values["power_w"][at]),
            "full_scale": float(values["voltage_v"][at] * values["current_a"][at]),
        }  # fmt: skip
        yield Finding("range-implausible", "warn", series.run.path.name, evidence)
