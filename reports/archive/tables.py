"""A campaign as the tables of an archive.

Knows its results, its run folders and the schemas. Knows no archive and writes no file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import csv

from harness.record.documents import encode
from harness.record.plain_files import read_plain
from harness.record.run_folder import RunFolder
from reports.archive.errors import ArchiveError
from reports.archive.schemas import SCHEMAS, frame_column
from reports.frames import derived, raw
from reports.frames.columns import TIME
from reports.results.document import CampaignNumbers

MAPS = {"factors": "factor.", "work": "work.", "indicators": "indicator.", "final": "final.", "metrics": "metric."}
"""Column of a map -> beginning of the columns of a DataFrame that are its keys."""
METER = b"wattlab.meter"
"""Metadata of a part with readings: the descriptor of its stream."""
TIMES = ("utc_ns", "start_utc_ns")
"""Columns whose least and largest value stand in the index."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one part: of which table, of which run (None: of the campaign), and of which of its streams."""

    table: str
    run: str | None
    stream: str
    rows: pa.Table

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """First and last stamp; None where rows have none."""
        for name in TIMES:
            if name in self.rows.schema.names and self.rows.num_rows:
                found = pa.compute.min_max(self.rows[name]).as_py()
                return None if found["min"] is None else (found["min"], found["max"])
        return None


def of_results(uid: str, results: CampaignNumbers, provenance: Mapping[str, str]) -> Iterator[Rows]:
    """The tables that a campaign has once."""
    frames = {
        "runs": derived.runs(results, provenance), "actions": derived.actions(results, provenance),
        "scenarios": derived.scenarios(results, provenance), "findings": derived.findings(results),
        "instruments": derived.instruments(results),
    }  # fmt: skip
    for table, frame in frames.items():
        yield Rows(table, None, "", _table(table, uid, frame))


def of_run(uid: str, campaign: str, run: RunFolder) -> Iterator[Rows]:
    """The streams of one run.

    Raises:
        AnalysisError: a stream is not the table that its descriptor promises.
    """
    readings = raw.readings(campaign, [run])
    descriptors = {descriptor.meter: descriptor for descriptor in run.power}
    for meter in readings["meter"].unique():
        rows = readings[readings["meter"] == meter].reset_index(drop=True)
        about = {METER: encode(descriptors[meter])}
        yield Rows("readings", run.path.name, str(meter), _table("readings", uid, rows).replace_schema_metadata(about))
    samples = raw.samples(campaign, [run])
    if len(samples):
        yield Rows("samples", run.path.name, "agent", _table("samples", uid, _long(samples)))
    for described in run.tasks:
        rows = _tasks(uid, campaign, run, described.stream, described.population)
        yield Rows("tasks", run.path.name, described.population, rows)


def _long(samples: pd.DataFrame) -> pd.DataFrame:
    """A row a sample of an indicator, indicator by indicator; what was not sampled has none."""
    place = [name for name in samples if name in raw.SAMPLES]
    whole = samples.melt(id_vars=place, var_name="indicator", value_name="value")
    return whole.dropna(subset=["value"]).reset_index(drop=True)


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


def _tasks(uid: str, campaign: str, run: RunFolder, stream: str, population: str) -> pa.Table:
    schema = SCHEMAS["tasks"]
    head = {"campaign_uid": uid, "campaign": campaign, "run": run.path.name, "population": population}
    path = run.path / stream
    content = read_plain(path)
    content = content[: content.rfind(b"\n") + 1]
    kinds = {field.name: field.type for field in schema if field.name not in head}
    options = csv.ConvertOptions(column_types=kinds, null_values=[""], strings_can_be_null=True,
                                 include_columns=list(kinds))  # fmt: skip
    try:
        rows = csv.read_csv(pa.BufferReader(content), convert_options=options)
    except (pa.ArrowInvalid, KeyError) as error:
        raise ArchiveError(f"{path}: not a table of tasks ({error})") from None
    columns = [pa.array([value] * rows.num_rows, pa.string()) for value in head.values()]
    return pa.Table.from_arrays([*columns, *(rows[name].combine_chunks() for name in kinds)], schema=schema)
