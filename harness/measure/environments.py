"""A study file as the campaign file of one of its environments: the same tables, at the levels that are run there.

Knows what a study file adds to a campaign's tables, as it is written (decoded TOML). What a campaign loads and what
`wattlab verify` makes of the file that a run kept is made here, by one function. Knows no analysis, and no library that
makes fractions: it is handed in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

from harness.measure.joined import CAMPAIGN_TABLES
from harness.record.documents import Json, table_of
from harness.record.environments import RUNS_FOLDER, campaign_name
from harness.record.levels import Level, are_same
from harness.record.standing import LEAVES_OUT

TABLE, FRACTIONS = "environments", "fractions"
"""Of a study file: where its runs are made, and which scenario is run at a fraction of its combinations."""
RowsOf: TypeAlias = Callable[[str, Sequence[Sequence[Level]]], list[list[Level]]]
"""Generators of a fraction, levels of every factor -> its rows."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A campaign's tables, and the file in which they stand."""

    path: Path
    source: bytes
    raw: Json


def environment_of(raw: Mapping[str, Any], campaign: str) -> str:
    """The environment whose campaign is called so; empty where there is none."""
    study = table_of(raw.get("study")).get("name", "")
    return next((name for name in table_of(raw.get(TABLE)) if campaign_name(str(study), name) == campaign), "")


def tables_of(raw: Mapping[str, Any], environment: str, rows_of: RowsOf) -> Json:
    """The tables of a campaign file, of a study file and one of its environments."""
    own = table_of(table_of(raw.get(TABLE)).get(environment))
    name = campaign_name(str(table_of(raw.get("study")).get("name", "")), environment)
    campaign = {"runs_folder": RUNS_FOLDER, "when_failed": LEAVES_OUT} | table_of(raw.get("campaign")) | {"name": name}
    if own.get("sut"):
        campaign["sut"] = own["sut"]
    fractions = table_of(raw.get(FRACTIONS))
    scenarios = {
        name: there
        for name, section in table_of(raw.get("scenarios")).items()
        if (there := _there(table_of(section), own, fractions.get(name), rows_of)) is not None
    }
    tables = {key: raw[key] for key in ("schema", "lab", *CAMPAIGN_TABLES) if key in raw}
    return tables | {"campaign": campaign, "scenarios": scenarios}


def _there(section: Json, environment: Json, generators: object, rows_of: RowsOf) -> Json | None:
    """A scenario's table at the levels that are run in an environment; None where it is run at none."""
    factors = table_of(section.get("factors"))
    crossed = {factor: levels for factor, levels in factors.items() if isinstance(levels, list)}
    rows = section.get("rows")
    if isinstance(generators, str):
        rows = rows_of(generators, list(crossed.values()))
    only, prefix = table_of(environment.get("only")), environment.get("prefix")
    stated = {factor: level for factor, level in factors.items() if factor not in crossed}
    if not all(_is_in(level, only.get(factor, [level])) for factor, level in stated.items()):
        return None
    left = {
        factor: [level for level in levels if _is_in(level, only.get(factor, levels))]
        for factor, levels in crossed.items()
    }
    if left != crossed and _are_rows(rows, len(crossed)):
        gone = [[level for level in crossed[factor] if not _is_in(level, left[factor])] for factor in crossed]
        rows = [row for row in rows if not any(map(_is_in, row, gone))]
        left = {
            factor: [level for level in levels if _is_in(level, [row[at] for row in rows])]
            for at, (factor, levels) in enumerate(left.items())
        }
    if any(crossed[factor] and not levels for factor, levels in left.items()):
        return None
    there = section | ({"factors": factors | left} if left else {}) | ({} if rows is None else {"rows": rows})
    if isinstance(prefix, list) and prefix:
        own = section.get("prefix")
        there["prefix"] = [*prefix, *(own if isinstance(own, list) else [])]
    return there


def _are_rows(rows: object, factors: int) -> TypeGuard[list[list[Any]]]:
    return isinstance(rows, list) and all(isinstance(row, list) and len(row) == factors for row in rows)


def _is_in(level: object, levels: object) -> bool:
    return isinstance(levels, list) and any(are_same(level, one) for one in levels)
