"""The tables of an archive: names, columns and types of each, by version.

Knows Arrow's types. Knows no campaign and no file. Times are whole nanoseconds, quantities of double precision, units
stand in names; what is not known is null. Names that one campaign has and another has not (indicators, factors) are
the keys of maps, so that every part of a table has one and the same schema.

A change of a table is a new number in `VERSIONS`: parts keep the number that they were written with, and `migrated`
brings an older one to today's.
"""

from collections.abc import Mapping

import pyarrow as pa

from harness.record.tasks import TASK_COLUMNS
from reports.archive.errors import ArchiveError
from reports.frames import derived
from reports.frames.columns import FLOAT, TEXT, TIME, TRUTH, WHOLE

NUMBERS, TEXTS = pa.map_(pa.string(), pa.float64()), pa.map_(pa.string(), pa.string())
ARROW = {FLOAT: pa.float64(), WHOLE: pa.int64(), TEXT: pa.string(), TRUTH: pa.bool_(), TIME: pa.int64()}
HEAD = {"campaign_uid": pa.string(), "campaign": pa.string()}
"""Of every table: which campaign, by the digest of its log's first line and by its name."""


def column_of(name: str, kind: str) -> str:
    """Name of a column of a DataFrame in the archive: times are whole nanoseconds since 1970 there, and no two names
    differ by the case of a letter alone, which SQL does not see (`energy_U_wh` is `energy_expanded_wh`)."""
    return f"{name}_ns" if kind == TIME else name.replace("_U_", "_expanded_")


def frame_column(name: str) -> str:
    """Name of a column of the archive, which is no time, in the DataFrame that it is of."""
    return name.replace("_expanded_", "_U_")


def _of_frame(fixed: Mapping[str, str], **more: pa.DataType) -> pa.Schema:
    own = {column_of(name, kind): ARROW[kind] for name, kind in fixed.items() if name != "campaign"}
    return pa.schema({**HEAD, **own, **more})


_PLACE = {"run": pa.string(), "provenance": pa.string(), "time_ns": pa.int64(), "utc_ns": pa.int64(),
          "in_rating": pa.bool_()}  # fmt: skip
OTHER_QUANTITIES = (
    "voltage_v", "current_a", "power_factor", "frequency_hz", "apparent_power_va", "energy_wh", "relative_uncertainty",
)  # fmt: skip
TASK_TEXTS = ("user_type", "chain", "task_type", "phase", "reason", "request_digest", "answer_digest")
TASK_FRACTIONS = ("work_units",)


def _tasks() -> pa.Schema:
    kinds = dict.fromkeys(TASK_TEXTS, pa.string()) | dict.fromkeys(TASK_FRACTIONS, pa.float64())
    columns = {name: kinds.get(name, pa.int64()) for name in (str(column["name"]) for column in TASK_COLUMNS)}
    return pa.schema({**HEAD, "run": pa.string(), "population": pa.string(), **columns})


SCHEMAS: dict[str, pa.Schema] = {
    "runs": _of_frame(derived.RUNS, factors=TEXTS, work=NUMBERS, indicators=NUMBERS, final=TEXTS),
    "actions": _of_frame(derived.ACTIONS, work=NUMBERS, metrics=NUMBERS),
    "scenarios": _of_frame(derived.SCENARIOS, factors=TEXTS),
    "findings": _of_frame(derived.FINDINGS),
    "instruments": _of_frame(derived.INSTRUMENTS),
    "readings": pa.schema({
        **HEAD, **_PLACE, "meter": pa.string(), "circuit": pa.string(), "power_w": pa.float64(),
        "window_s": pa.float64(), "flags": pa.string(), **dict.fromkeys(OTHER_QUANTITIES, pa.float64()),
    }),
    "samples": pa.schema({**HEAD, **_PLACE, "indicator": pa.string(), "value": pa.float64()}),
    "tasks": _tasks(),
}  # fmt: skip
"""Table -> its schema today."""
CAMPAIGNS = pa.schema({
    **HEAD, "customer": pa.string(), "sut": pa.string(), "host": pa.string(), "release": pa.string(),
    "begun_utc_ns": pa.int64(),
    "verdict": pa.string(), "origin": pa.string(), "runs": pa.int64(), "is_raw": pa.bool_(),
    "added_utc_ns": pa.int64(), "added_by": pa.string(),
})  # fmt: skip
"""Of `campaigns`, which is made of the index."""
OF_CAMPAIGN = ("runs", "actions", "scenarios", "findings", "instruments")
"""Tables with one part a campaign; of the others every run has its own."""
VERSIONS = dict.fromkeys(SCHEMAS, 1)
"""Table -> version of its schema."""


def require_known(table: str, version: int, where: str) -> None:
    """Raise ArchiveError where a part was written with a schema that is younger than this program."""
    if table not in VERSIONS:
        raise ArchiveError(
            f"{where}: of a table {table!r:.40}, which this wattlab does not know; read it with a newer one"
        )
    if version > VERSIONS[table]:
        raise ArchiveError(
            f"{where}: written with schema {version} of {table}, and this wattlab knows {VERSIONS[table]}; read it "
            "with a newer one"
        )


def migrated(table: str, version: int, part: pa.Table, where: str) -> pa.Table:
    """A part that was written with an older schema, in today's form.

    Raises:
        ArchiveError: the schema is younger than this program, or the part has not the columns of its schema.
    """
    require_known(table, version, where)
    if part.schema.remove_metadata() != SCHEMAS[table]:
        raise ArchiveError(f"{where}: its columns are not those of schema {version} of {table}; take it from a copy")
    return part
