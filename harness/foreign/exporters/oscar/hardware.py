"""Indicators of runs as collectl counts them, a row a second.

Knows collectl's columns, quantities and units: KB is 1024 byte, disk and network are per second, [MEM]Used is
total - free. What was not recorded as such is no column, and named: psutil's `used`, say, is another quantity.
"""

from collections.abc import Sequence

import numpy as np

from harness.foreign.exporters.oscar.omissions import Omissions
from harness.foreign.exporters.oscar.seconds import SECOND_NS, Floats, Rows, Times, is_steady, near
from reports.energy.hardware import AMOUNTS, OLD_MEMORY, recorded_unit
from reports.readings.series import Indicators, RunSeries

COLUMNS = {
    "[CPU]Totl%": ("cpu_percent",), "[MEM]Used": ("ram_not_free_kib", OLD_MEMORY),
    "[NET]RxKBTot": ("net_received_kib_per_s", "net_received_kb"),
    "[NET]TxKBTot": ("net_sent_kib_per_s", "net_sent_kb"),
    "[DSK]ReadKBTot": ("disk_read_kib_per_s", "disk_read_kb"),
    "[DSK]WriteKBTot": ("disk_write_kib_per_s", "disk_write_kb"),
}  # fmt: skip
"""collectl's column -> our indicators that are the same quantity."""
KB_PER_KIB = 1.024


def columns_of(scenario: str, members: Sequence[RunSeries], omissions: Omissions) -> tuple[str, ...]:
    """Which of collectl's columns every run of a scenario has; the others are named."""
    recorded = [_as_collectl(series.indicators) if series.indicators else {} for series in members]
    columns = tuple(name for name in COLUMNS if all(name in series for series in recorded))
    absent = [name for name in COLUMNS if name not in columns]
    if absent:
        what = "no hardware file" if not columns else "a hardware file without a part"
        omissions.note(f"{what} of {scenario}: not recorded as collectl counts it: {', '.join(absent)}")
    return columns


def _as_collectl(indicators: Indicators) -> dict[str, Floats]:
    """Indicators in collectl's quantities and units, by its columns."""
    described = {str(column.get("name")): column for column in indicators.descriptor.columns}
    found: dict[str, Floats] = {}
    for column, names in COLUMNS.items():
        name = next((one for one in names if one in indicators.names), None)
        if name is None or (name == OLD_MEMORY and not str(described[name].get("method", "")).startswith("collectl ")):
            continue
        values = indicators.columns[name]
        if name in AMOUNTS:
            values = values / indicators.descriptor.period_s
        found[column] = values / KB_PER_KIB if recorded_unit(described[name]) == "kB" else values
    return found


def hardware_of(
    series: RunSeries, columns: Sequence[str], ahead_ns: int, begin_ns: int, begin: int, omissions: Omissions
) -> Rows | None:
    """These of collectl's columns; None, with a remark, where the run has no row."""
    found = series.indicators
    assert found is not None
    recorded = _as_collectl(found)
    table = np.column_stack([recorded[name] for name in columns])
    known = np.isfinite(table).all(axis=1)
    times_ns, table = found.times_ns[known] + ahead_ns, table[known]
    kept = near(times_ns, begin_ns, begin_ns + (series.end_ns or 0) - (series.begin_ns or 0))
    times_ns, table = times_ns[kept] + (begin - begin_ns), table[kept]
    if not times_ns.size:
        omissions.note(f"no hardware rows of run {series.run.start.ordinal}")
        return None
    if not is_steady(times_ns):
        return _per_second(times_ns, table)
    return Rows(_on_seconds(times_ns, begin), table)


def _on_seconds(times_ns: Times, begin: int) -> Times:
    """Whole seconds, strictly rising, so that a row comes at or after `begin` where it did before: the next second for
    all, or the one before for all."""
    for towards in (np.ceil, np.floor):
        seconds = towards(times_ns / SECOND_NS).astype(np.int64)
        seconds = np.maximum.accumulate(seconds - np.arange(seconds.size)) + np.arange(seconds.size)
        if np.array_equal(seconds * SECOND_NS >= begin, times_ns >= begin):
            break
    return np.asarray(seconds * SECOND_NS)


def _per_second(times_ns: Times, table: Floats) -> Rows:
    """Means over each second."""
    second = -(-times_ns // SECOND_NS)
    stamps, place = np.unique(second, return_inverse=True)
    totals = np.zeros((stamps.size, table.shape[1]))
    np.add.at(totals, place, table)
    return Rows(stamps * SECOND_NS, totals / np.bincount(place)[:, None])
