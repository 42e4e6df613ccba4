"""A campaign as the tables of an archive.

Knows its results, its run folders and the schemas. Knows no archive and writes no file.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice, zip_longest
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from harness.record.documents import encode
from harness.record.plain_files import open_plain
from harness.record.run_folder import RunFolder
from reports.archive.errors import ArchiveError
from reports.archive.schemas import SCHEMAS, frame_column
from reports.frames import derived, raw
from reports.frames.columns import TIME
from reports.readings.series import RunSeries, read_run
from reports.readings.table import WholeLines
from reports.results.document import CampaignNumbers

MAPS = {"factors": "factor.", "work": "work.", "indicators": "indicator.", "final": "final.", "metrics": "metric."}
"""Column of a map -> beginning of the columns of a DataFrame that are its keys."""
METER = b"wattlab.meter"
"""Metadata of a part with readings: the descriptor of its stream."""
PIECE_ROWS = 1 << 16
"""That are held at a time."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one part: of which table, of which run (None: of the campaign), and of which of its streams."""

    table: str
    run: str | None
    stream: str
    schema: pa.Schema
    """Of its table, with what is said of the stream."""
    pieces: Iterable[pa.Table]
    """The rows, so many at a time; those of a run can be asked for once."""

    @property
    def where(self) -> str:
        """Their name beside other parts of the same table."""
        return "--".join(filter(None, (self.run, self.stream))) or self.table


def regrouped(pieces: Iterable[pa.Table], size: int = PIECE_ROWS) -> Iterator[pa.Table]:
    """The same rows in groups of so many, the last one as many as are left."""
    held: list[pa.Table] = []
    count = 0
    for piece in pieces:
        first = 0
        while first < piece.num_rows:
            own = piece.slice(first, size - count)
            first, count = first + own.num_rows, count + own.num_rows
            held.append(own)
            if count == size:
                yield pa.concat_tables(held)
                held, count = [], 0
    if held:
        yield pa.concat_tables(held)


def are_alike(some: Iterable[pa.Table], others: Iterable[pa.Table]) -> bool:
    """Whether both have the same rows in the same order, however they are cut."""
    pairs = zip_longest(regrouped(some), regrouped(others))
    return all(one is not None and other is not None and one.equals(other) for one, other in pairs)


def of_results(uid: str, results: CampaignNumbers, provenance: Mapping[str, str]) -> Iterator[Rows]:
    """The tables that a campaign has once."""
    frames = {
        "runs": derived.runs(results, provenance), "actions": derived.actions(results, provenance),
        "scenarios": derived.scenarios(results, provenance), "findings": derived.findings(results),
        "instruments": derived.instruments(results),
    }  # fmt: skip
    for table, frame in frames.items():
        yield Rows(table, None, "", SCHEMAS[table], [_table(table, uid, frame)])


def of_run(uid: str, campaign: str, run: RunFolder) -> Iterator[Rows]:
    """The streams of one run.

    Raises:
        AnalysisError: a stream is not the table that its descriptor promises.
    """
    series = read_run(run)
    for descriptor in run.power:
        frames = raw.reading_pieces(campaign, series, descriptor, PIECE_ROWS)
        pieces = (_table("readings", uid, frame) for frame in frames)
        schema = SCHEMAS["readings"].with_metadata({METER: encode(descriptor)})
        yield from _unless_empty(Rows("readings", run.path.name, descriptor.meter, schema, pieces))
    yield from _unless_empty(
        Rows("samples", run.path.name, "agent", SCHEMAS["samples"], _sample_pieces(uid, campaign, series))
    )
    for described in run.tasks:
        tasks = _task_pieces(uid, campaign, run, described.stream, described.population)
        yield Rows("tasks", run.path.name, described.population, SCHEMAS["tasks"], tasks)


def _unless_empty(rows: Rows) -> Iterator[Rows]:
    """The same rows; none where they have no piece."""
    pieces = iter(rows.pieces)
    for first in islice(pieces, 1):
        yield replace(rows, pieces=chain([first], pieces))


def _sample_pieces(uid: str, campaign: str, series: RunSeries) -> Iterator[pa.Table]:
    """A row a sample of an indicator, indicator by indicator; what was not sampled has none."""
    if (own := series.indicators) is None:
        return
    for name, values in own.columns.items():
        for first in range(0, values.size, PIECE_ROWS):
            piece = slice(first, first + PIECE_ROWS)
            known = ~np.isnan(values[piece])
            if known.any():
                frame = raw.sample_places(campaign, series, own.times_ns[piece][known])
                yield _table("samples", uid, frame.assign(indicator=name, value=values[piece][known]))


def _table(table: str, uid: str, frame: pd.DataFrame) -> pa.Table:
    """A DataFrame in the form of its table."""
    columns = []
    for field in SCHEMAS[table]:
        if field.name == "campaign_uid":
            column = pa.array([uid] * len(frame), field.type)
        elif field.name in MAPS:
            column = _maps(frame, MAPS[field.name], field.type)
        else:
            column = _column(frame, field)
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=SCHEMAS[table])


def _column(frame: pd.DataFrame, field: pa.Field) -> pa.Array:
    stem = field.name.removesuffix("_ns")
    if stem != field.name and stem in frame and str(frame[stem].dtype) == TIME:
        return pa.array(frame[stem].dt.as_unit("ns").astype("int64"), pa.int64(), from_pandas=True)
    name = frame_column(field.name)
    if name not in frame:
        return pa.nulls(len(frame), field.type)
    return pa.array(frame[name], field.type, from_pandas=True)


def _maps(frame: pd.DataFrame, prefix: str, kind: pa.MapType) -> pa.Array:
    """A map a row: what of the columns of a prefix it has."""
    named = {name: name.removeprefix(prefix) for name in map(str, frame) if name.startswith(prefix)}
    is_number = pa.types.is_floating(kind.item_type)
    rows = []
    for values in zip(*(frame[name] for name in named), strict=True) if named else ([] for _ in range(len(frame))):
        found = zip(named.values(), values, strict=True)
        rows.append([(key, _cell(value, is_number)) for key, value in found if _is_there(value, is_number)])
    return pa.array(rows, kind)


def _is_there(value: Any, is_number: bool) -> bool:  # noqa: ANN401  a cell of a DataFrame
    if value is None or value is pd.NA or value != value:
        return False
    return not is_number or isinstance(value, int | float)


def _cell(value: Any, is_number: bool) -> float | str:  # noqa: ANN401
    return float(value) if is_number else str(value)


def _task_pieces(uid: str, campaign: str, run: RunFolder, stream: str, population: str) -> Iterator[pa.Table]:
    """Tasks as they stand in their file, to its last whole line."""
    schema = SCHEMAS["tasks"]
    head = {"campaign_uid": uid, "campaign": campaign, "run": run.path.name, "population": population}
    path = run.path / stream
    kinds = {field.name: field.type for field in schema if field.name not in head}
    options = csv.ConvertOptions(column_types=kinds, null_values=[""], strings_can_be_null=True,
                                 include_columns=list(kinds))  # fmt: skip
    try:
        with open_plain(path) as text, csv.open_csv(WholeLines(text), convert_options=options) as batches:
            for batch in batches:
                columns = [pa.repeat(pa.scalar(value, pa.string()), batch.num_rows) for value in head.values()]
                columns += [batch[name] for name in kinds]
                yield pa.Table.from_arrays(columns, schema=schema)
    except (pa.ArrowInvalid, KeyError) as error:
        raise ArchiveError(f"{path}: not a table of tasks ({error})") from None
