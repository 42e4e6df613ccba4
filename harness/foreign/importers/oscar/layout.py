"""Which files of a folder belong to which scenario of an OSCAR measurement: by their names, or by its oscar.toml.

Knows names of files, and the tables and keys of oscar.toml (docs/importing.md). Reads none of the files it names.
"""

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from pathlib import Path
from typing import Any

from harness.foreign.importers.oscar.collectl import COLLECTL
from harness.foreign.importers.remarks import listed
from harness.foreign.importers.said import KEPT
from harness.record.documents import Json
from harness.record.errors import ImportFileError, why

OSCAR_TOML = "oscar.toml"
ROLES = ("power", "actions", "hardware")
SCENARIO_KEYS = (*ROLES, "utc_offset_h")
METER_KEYS = ("maker", "model", "serial", "firmware", "stamp", "window_s", "origin")
FARTHEST_H = 14.0
"""No clock on earth is farther from UTC."""
_NAME = re.compile(r"(.+)-(?:(power|actions|hardware)\.csv(?:\.gz)?|hardware(?:\.csv)?(?:-.+)?\.tab(?:\.gz)?)")
"""`sus-power.csv`; collectl adds host and day to the name it is given: `sus-hardware.csv-pc7-20240603.tab.gz`."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one scenario; `utc_offset_h` shifts stamps that are UTC to the actions' local time, None: not
    stated."""

    power: Path
    actions: Path
    hardware: tuple[Path, ...]
    utc_offset_h: float | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """What is imported of a folder: scenario name -> files, and what oscar.toml says of meter, SUT and columns."""

    folder: Path
    scenarios: dict[str, Files]
    meter: Json = field(default_factory=dict)
    sut: Json = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)


def find_layout(folder: Path) -> Layout:
    """Which files belong to which scenario: oscar.toml where there is one, else the file names.

    Raises:
        ImportFileError: nothing to import, a scenario without its files, an oscar.toml that cannot be read.
    """
    if not folder.is_dir():
        raise ImportFileError(f"{folder}: no such folder; name the one with <scenario>-{{power,actions,hardware}}.csv")
    if (folder / OSCAR_TOML).is_file():
        return _layout_from_toml(folder / OSCAR_TOML)
    named: dict[str, dict[str, list[Path]]] = {}
    for path in sorted(folder.iterdir()):
        if match := _NAME.fullmatch(path.name):
            named.setdefault(match[1], {}).setdefault(match[2] or "hardware", []).append(path)
    if not named:
        below = [path.name for path in sorted(folder.iterdir()) if path.is_dir() and has_files(path)]
        remedy = "name the files so, or write an oscar.toml, docs/importing.md"
        if below:
            remedy = f"but in {listed(below)}: name one of them, or say with --group which belong together"
        raise ImportFileError(f"{folder}: no <scenario>-power.csv[.gz] and no oscar.toml in it; {remedy}")
    return Layout(folder, {name: _complete(folder, name, roles) for name, roles in named.items()})


def has_files(folder: Path) -> bool:
    """Whether files of a measurement lie in a folder itself."""
    return any(path.name == OSCAR_TOML or _NAME.fullmatch(path.name) for path in folder.iterdir())


def _complete(where: Path, name: str, roles: Mapping[str, Sequence[Path]], utc_offset_h: float | None = None) -> Files:
    for role, paths in roles.items():
        if len(paths) > 1 and not (role == "hardware" and all(".tab" in path.suffixes for path in paths)):
            raise ImportFileError(f"{paths[1]}: {paths[0].name} is there too; keep one of them")
    for role in ("power", "actions"):
        if not roles.get(role):
            raise ImportFileError(f"{where}: scenario {name!r} has no {role} file ({name}-{role}.csv or .csv.gz)")
    return Files(roles["power"][0], roles["actions"][0], tuple(roles.get("hardware", ())), utc_offset_h)


def _layout_from_toml(path: Path) -> Layout:
    try:
        raw = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ImportFileError(f"{path}: cannot be read: {why(error)}") from None
    tables = {key: raw.pop(key, {}) for key in ("scenarios", "meter", "sut", "columns")}
    if raw or not all(isinstance(table, dict) for table in tables.values()) or not tables["scenarios"]:
        raise ImportFileError(
            f"{path}: expected tables [scenarios.NAME] ({', '.join(SCENARIO_KEYS)}), [meter], [sut] and [columns]; "
            f"found also {sorted(raw) or 'no scenarios'}"
        )
    scenarios = {name: _files_of(path, name, entry) for name, entry in tables["scenarios"].items()}
    return Layout(
        path.parent, scenarios, _meter_of(path, tables["meter"]), _plain(path, "sut", tables["sut"]),
        _columns_of(path, tables["columns"]),
    )  # fmt: skip


def _files_of(path: Path, name: str, entry: object) -> Files:
    """One table [scenarios.NAME]."""
    if not isinstance(entry, dict) or not set(entry) <= set(SCENARIO_KEYS):
        odd = sorted(set(entry) - set(SCENARIO_KEYS)) if isinstance(entry, dict) else entry
        raise ImportFileError(
            f"{path}: scenarios.{name}: expected the keys {', '.join(SCENARIO_KEYS)}; found {odd!r:.60}"
        )
    roles: dict[str, list[Path]] = {}
    for role in ROLES:
        value = entry.get(role, [])
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(file, str) and file for file in names):
            raise ImportFileError(f"{path}: scenarios.{name}.{role}: found {value!r:.60}, expected a file's name")
        if len(names) > 1 and role != "hardware":
            raise ImportFileError(f"{path}: scenarios.{name}.{role}: several files; only hardware may be a list")
        roles[role] = [path.parent / file for file in names]
    offset_h = entry.get("utc_offset_h")
    if offset_h is not None and not (_is_number(offset_h) and abs(offset_h) <= FARTHEST_H):
        raise ImportFileError(
            f"{path}: scenarios.{name}.utc_offset_h: found {offset_h!r:.40}, expected hours that the actions' clock is "
            f"ahead of UTC, from -{FARTHEST_H:g} to {FARTHEST_H:g}"
        )
    files = _complete(path, name, {role: paths[:1] if role != "hardware" else [] for role, paths in roles.items()})
    return replace(files, hardware=tuple(roles["hardware"]), utc_offset_h=None if offset_h is None else float(offset_h))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _meter_of(path: Path, meter: Mapping[str, Any]) -> Json:
    """The table [meter]."""
    for key, value in meter.items():
        if key not in METER_KEYS:
            raise ImportFileError(f"{path}: meter.{key}: unknown key; expected one of {', '.join(sorted(METER_KEYS))}")
        if key == "stamp" and value not in ("end", "start", "unknown"):
            raise ImportFileError(f"{path}: meter.stamp: found {value!r:.40}, expected 'end', 'start' or 'unknown'")
        if key == "origin" and value not in KEPT:
            raise ImportFileError(f"{path}: meter.origin: found {value!r:.40}, expected {' or '.join(map(repr, KEPT))}")
        if key == "window_s" and not (_is_number(value) and 0 < value <= 3600):
            raise ImportFileError(f"{path}: meter.window_s: found {value!r:.40}, expected seconds above 0")
        if key != "window_s" and not isinstance(value, str):
            raise ImportFileError(f"{path}: meter.{key}: found {value!r:.40}, expected a text in quotes")
    return dict(meter)


def _plain(path: Path, where: str, value: Any) -> Any:  # noqa: ANN401  decoded TOML
    """The value, where JSON knows its like: TOML has dates and infinite numbers too."""
    if isinstance(value, date | time) or (isinstance(value, float) and not math.isfinite(value)):
        raise ImportFileError(f"{path}: {where}: found {value}, expected a text in quotes")
    if isinstance(value, dict):
        return {key: _plain(path, f"{where}.{key}", item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(path, where, item) for item in value]
    return value


def _columns_of(path: Path, columns: Mapping[str, Any]) -> dict[str, str]:
    """The table [columns]: collectl's column -> what the hardware files call it."""
    for key, value in columns.items():
        if key not in COLLECTL or not isinstance(value, str) or not value:
            raise ImportFileError(
                f"{path}: columns.{key}: found {value!r:.40}; expected one of {', '.join(COLLECTL)} = the name that it "
                "has in the hardware files"
            )
    return dict(columns)
