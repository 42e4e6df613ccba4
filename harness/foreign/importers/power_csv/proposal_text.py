"""A proposed mapping as TOML with what is open beside it, and its first rows as they would be read.

Knows how TOML is written. Knows no CSV.
"""

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np

from harness.foreign.importers.power_csv.clock import times_of
from harness.foreign.importers.power_csv.mapping import OPEN, PowerColumn
from harness.foreign.importers.power_csv.proposal import Proposal

SHOWN = 3
"""So many rows are shown as they are read."""
ALWAYS = frozenset({"delimiter", "decimal", "header", "role"})
"""Keys that stand in the proposal though they have their defaults."""


def toml_of(proposal: Proposal) -> str:
    """power-csv.toml, its open keys with a question beside."""
    mapping, questions = proposal.mapping, {one.key: one for one in proposal.questions}

    def table(head: str, record: object, path: str) -> Iterator[str]:
        yield ""
        yield head
        for spec in fields(record):  # type: ignore[arg-type]
            value = getattr(record, spec.name)
            has_default = spec.default is not MISSING or spec.default_factory is not MISSING
            if (
                spec.name not in ALWAYS
                and has_default
                and (value is None or value in ("", {}, 0.0) or value == spec.default)
            ):
                continue
            question = questions.get(f"{path}.{spec.name}")
            if question is not None:
                yield f"# {question.text}{question.answers}"
            yield f"{spec.name} = {_value(value)}"

    lines = ["schema = 1", *(f"# {text}" for text in proposal.seen), *table("[file]", mapping.file, "file")]
    lines += table("[time]", mapping.time, "time")
    for at, column in enumerate(mapping.power):
        lines += table("[[power]]", column, f"power[{at}]")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:  # noqa: ANN401  a value of TOML
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(part)}" for key, part in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def rows_as_read(proposal: Proposal) -> list[str]:
    """The first rows of each column as they would be read, of a counter what it counts; of what is open only the
    question.

    Raises:
        ImportFileError: rows that this mapping cannot read.
    """
    lines = []
    rows, time = proposal.rows, proposal.mapping.time
    for column in proposal.mapping.power:
        if OPEN in (column.column, proposal.mapping.file.decimal):
            continue
        places, values = proposal.values_of(column)
        if not places.size:
            continue
        times_ns = times_of(rows, time, places) if OPEN not in (time.format, time.zone, time.start) else None
        if times_ns is not None and times_ns.size > 1:
            lines.append(f"{column.meter}: a row every {np.median(np.diff(times_ns)) * 1e-9:.6g} s")
        is_count = column.unit != OPEN and column.is_energy and column.reads != "per-row"
        for place, value in enumerate(values[:SHOWN].tolist()):
            moment = "when is open" if times_ns is None else _moment(int(times_ns[place]), time.zone)
            amount = f"{value:.12g} {column.unit}" + ("" if is_count else _in_si(value, column))
            lines.append(f"line {rows.numbers[int(places[place])]}: {moment}: {column.meter} = {amount}")
        if is_count and places.size > 1:
            first, last = (rows.numbers[int(places[place])] for place in (0, -1))
            used = float(values[-1] - values[0])
            span_s = 0.0 if times_ns is None else float(times_ns[-1] - times_ns[0]) * 1e-9
            mean = f" in {span_s:.6g} s, {used * column.si / span_s:.4g} W in the mean" if span_s > 0 else ""
            amount = f"{used:.6g} {column.unit}{_in_si(used, column)}{mean}"
            lines.append(f"lines {first} to {last}: as a counter, {column.meter} counts {amount}")
    return lines


def _in_si(value: float, column: PowerColumn) -> str:
    if column.unit in (OPEN, "W", "J"):
        return ""
    return f" = {value * column.si:.6g} {'J' if column.is_energy else 'W'}"


def _moment(time_ns: int, zone: str) -> str:
    seconds, part = divmod(time_ns, 1_000_000_000)
    text = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}" + (f".{part:09d}".rstrip("0") if part else "")
    return f"{text} (its own clock)" if zone == "unknown" else f"{text} UTC"
