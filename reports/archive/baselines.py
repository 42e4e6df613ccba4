"""Baselines of campaigns, by machine: what their drift is made of.

Knows the answer to the question `baselines`. Computes the line by `drift.py`.
"""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from reports.archive.drift import Drift, drift
from reports.inference.samples import Floats

DAY_NS = 86_400_000_000_000
COLUMNS = pa.schema({
    "sut": pa.string(), "campaigns": pa.int64(), "blocks": pa.int64(), "first": pa.string(), "last": pa.string(),
    "mean_w": pa.float64(), "sd_w": pa.float64(), "slope_w_in_30_days": pa.float64(),
    "slope_expanded_w_in_30_days": pa.float64(), "is_drift_shown": pa.bool_(),
})  # fmt: skip


def by_machine(rows: pa.Table) -> dict[str, list[dict[str, Any]]]:
    """Machine -> its campaigns in order of time."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows.to_pylist():
        found.setdefault(row["sut"], []).append(row)
    return found


def line_of(rows: list[dict[str, Any]]) -> tuple[Floats, Floats, Drift | None]:
    """Days after the first campaign, mean powers (W), and the line through them."""
    days = np.array([(row["begun_utc_ns"] - rows[0]["begun_utc_ns"]) / DAY_NS for row in rows])
    powers_w = np.array([row["mean_w"] for row in rows], dtype=float)
    return days, powers_w, drift(days, powers_w)


def drifts(rows: pa.Table) -> pa.Table:
    """A row a machine."""
    return pa.Table.from_pylist([_row(sut, of) for sut, of in by_machine(rows).items()], schema=COLUMNS)


def _row(sut: str, rows: list[dict[str, Any]]) -> dict[str, object]:
    _, powers_w, line = line_of(rows)
    return {
        "sut": sut, "campaigns": len(rows), "blocks": sum(row["blocks"] for row in rows),
        "first": day_of(rows[0]["begun_utc_ns"]), "last": day_of(rows[-1]["begun_utc_ns"]),
        "mean_w": float(powers_w.mean()), "sd_w": float(powers_w.std(ddof=1)) if len(rows) > 1 else None,
        "slope_w_in_30_days": None if line is None else line.slope.value,
        "slope_expanded_w_in_30_days": None if line is None else line.slope.expanded,
        "is_drift_shown": None if line is None else line.is_shown,
    }  # fmt: skip


def day_of(utc_ns: int) -> str:
    """The day of a moment."""
    return datetime.fromtimestamp(utc_ns / 1e9, UTC).date().isoformat()
