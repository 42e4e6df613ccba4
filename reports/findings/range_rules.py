"""Findings on every sample against the measuring range: volts, amperes and watts (method.md section 7).

Knows the ranges of a stream's columns, as its descriptor and its range changes state them. Knows no energy.

One analyser read one PC at 16.2 W and at 8.2 W in two of its ranges: in one that is far too large the amperes lie
below what its maker specifies. Makers specify amperes from 1 % of the range on (Yokogawa, ZES), and indicate up to
130 % of it. What the instrument itself marked as outside its range has no value any more: the finding `overrange`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.record.documents import Json, PowerDescriptor, RangeChangeEvent
from harness.record.run_folder import RunFolder
from reports.readings.bounded import number
from reports.readings.long import blocks, count_of, places_of
from reports.readings.series import PowerSeries, RunSeries, read_quantities
from reports.results.finding import Finding

Floats = NDArray[np.float64]
Kind: TypeAlias = Literal["above", "below"]
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
    inside = slice(*np.searchsorted(times_ns, [begin_ns, end_ns + 1]).tolist())
    samples = {name: table.numbers(name)[inside] for name in QUANTITIES if name in table}
    for name, values in samples.items():
        changes = [event for event in told if event.column == name]
        column = _Column(values, times_ns[inside], stated.get(name), changes)
        what = {"meter": part.descriptor.meter, "column": name, "unit": QUANTITIES[name]}
        is_chosen = part.descriptor.ranging == "fixed" or bool(changes)
        kinds: list[Kind] = ["above", "below"] if name == "current_a" and is_chosen else ["above"]
        for kind in kinds:
            if evidence := column.doubt(kind):
                yield Finding("range-implausible", "warn", series.run.path.name, what | evidence)
    if samples.keys() == QUANTITIES.keys():
        yield from _of_apparent(series, part, samples)


@dataclass(frozen=True, slots=True)
class _Column:
    """Samples of one quantity, and the full scale of their range: as stated, and as it was changed since."""

    values: Floats
    times_ns: NDArray[np.int64]
    stated: float | None
    changes: Sequence[RangeChangeEvent]

    def full(self, rows: slice) -> Floats:
        """The full scale of some samples; NaN where it is not known."""
        full = np.full(rows.stop - rows.start, np.nan if self.stated is None else self.stated)
        for event in sorted(self.changes, key=lambda event: event.time_ns):
            full[max(int(np.searchsorted(self.times_ns, event.time_ns)) - rows.start, 0) :] = event.full_scale
        return full

    def doubt(self, kind: Kind) -> Json:
        """What does not fit the range it was read in; empty where all does."""
        count, worst, full_scale = 0, 0.0, 0.0
        for rows in blocks(self.values.size, self.values):
            samples, full = np.abs(self.values[rows]), self.full(rows)
            odd = samples > ABOVE * full if kind == "above" else samples < BELOW * full
            if not odd.any():
                continue
            own = float(samples[odd].max() if kind == "above" else samples[odd].min())
            if not count or (own > worst if kind == "above" else own < worst):
                worst, full_scale = own, float(full[np.flatnonzero(odd & (samples == own))[0]])
            count += int(odd.sum())
        return {} if not count else {
            "kind": kind, "readings": count, "of": _known(self.values), "extreme": worst, "full_scale": full_scale,
        }  # fmt: skip


def _known(values: Floats) -> int:
    return count_of(lambda part: np.isfinite(values[part]), values.size, values)


def _full_scales(descriptor: PowerDescriptor) -> dict[str, float]:
    """Column -> the largest value of its range, where the descriptor states one."""
    spans = {str(column.get("name")): column.get("range") for column in descriptor.columns}
    found = {
        name: max((abs(number(edge)) for edge in span if np.isfinite(number(edge))), default=0.0)
        for name, span in spans.items()
        if name in QUANTITIES and isinstance(span, list)
    }
    return {name: full for name, full in found.items() if full > 0}


def _of_apparent(series: RunSeries, part: PowerSeries, values: dict[str, Floats]) -> Iterator[Finding]:
    """Watts above volts times amperes, their steps of display allowed for."""
    columns = part.descriptor.columns
    step = {str(column.get("name")): np.nan_to_num(number(column.get("resolution"))) for column in columns}
    power_w, voltage_v, current_a = (values[name] for name in ("power_w", "voltage_v", "current_a"))

    def is_odd(rows: slice) -> NDArray[np.bool_]:
        volts = np.abs(voltage_v[rows]) + step["voltage_v"]
        amperes = np.abs(current_a[rows]) + step["current_a"]
        return np.asarray(np.abs(power_w[rows]) > APPARENT * volts * amperes + step["power_w"])

    odd = places_of(is_odd, power_w.size, power_w, voltage_v, current_a)
    if odd.size:
        at = int(odd[0])
        evidence = {
            "meter": part.descriptor.meter, "column": "power_w", "unit": "W", "kind": "above-apparent",
            "readings": int(odd.size), "of": _known(power_w), "extreme": abs(float(power_w[at])),
            "full_scale": abs(float(voltage_v[at])) * abs(float(current_a[at])),
        }  # fmt: skip
        yield Finding("range-implausible", "warn", series.run.path.name, evidence)
