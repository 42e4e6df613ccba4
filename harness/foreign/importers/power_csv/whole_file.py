"""What a whole CSV says beyond its first lines: what an import would say of it, and its devices.

Knows what an import refuses and remarks. Asks nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.foreign.importers.power_csv.clock import times_of
from harness.foreign.importers.power_csv.devices import devices_among, devices_text
from harness.foreign.importers.power_csv.headings import MOST_NAMES
from harness.foreign.importers.power_csv.mapping import OPEN, PowerColumn, TimeColumn
from harness.foreign.importers.power_csv.names import slug
from harness.foreign.importers.power_csv.stamp_forms import formats_of
from harness.foreign.importers.power_csv.table import Rows, read_rows
from harness.foreign.importers.remarks import listed
from harness.foreign.importers.source import SourceFile
from harness.foreign.importers.stamps import Stamps
from harness.record.errors import ImportFileError


def by_device(
    source: SourceFile, first: Rows, time: TimeColumn, columns: Sequence[PowerColumn]
) -> tuple[list[PowerColumn], str, list[str]]:
    """The columns, for each device one where rows of several lie between each other; the column that tells them apart
    (empty: none); and what an import says of the whole file. `first`: the first rows, which count alone where an import
    would refuse the file.

    Raises:
        ImportFileError: more devices than are proposed.
    """
    try:
        rows = read_rows(source, first.form, [column.column for column in columns])
        said = [remark.note for remark in rows.remarks]
    except ImportFileError as error:
        rows, said = first, [str(error)]
    times = [time.column] if isinstance(time.column, str) else time.column
    used = {*times}.union(*({column.column, *column.where} for column in columns))
    order = _order_of(rows, time)
    for column in columns:
        if column.column == OPEN:
            continue
        wanted = [text != "" for text in rows.texts(column.column)]
        for name, value in column.where.items():
            wanted = [is_one and text == value for is_one, text in zip(wanted, rows.texts(name), strict=True)]
        places = np.flatnonzero(np.array(wanted, dtype=bool))
        found = devices_among(rows, places, order[places], used)
        if found is None:
            continue
        name, devices = found
        if len(devices) * len(columns) > MOST_NAMES:
            raise ImportFileError(f"{rows.where(0)}: {devices_text(name, devices, column.column)}")
        each = [_of_device(one, name, device) for device in devices for one in columns]
        return each, name, [*said, f"{name!r} names {len(devices)} devices ({listed(devices)}), each a [[power]] here"]
    return list(columns), "", said


def _of_device(column: PowerColumn, name: str, device: str) -> PowerColumn:
    return replace(column, meter=slug(f"{column.meter} {name} {device}"), where=column.where | {name: device})


def _order_of(rows: Rows, time: TimeColumn) -> Stamps:
    """What rows are sorted by: their times, of what is open some; where they stand, where times cannot be read."""
    form = time.format
    if form == OPEN:
        form = "elapsed-s" if time.start else next(iter(formats_of(rows.joined(time.column)[:1])), OPEN)
    start = "2000-01-01T00:00:00" if time.start else ""
    try:
        return times_of(rows, replace(time, format=form, zone="UTC", start=start))
    except ImportFileError:
        return np.arange(len(rows.numbers), dtype=np.int64)
