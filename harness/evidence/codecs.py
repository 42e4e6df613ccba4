"""What drivers of older wattlabs made of the same bytes, so that an archive is held to the rules of its own day.

Knows: each change of a codec, the drivers that it concerns, and which cell it may move from what to what. Knows no wire
log. A change that could move any cell to anything would be a way to forge: there is none here.
"""

from collections.abc import Callable
from dataclasses import dataclass

STALE = "stale"
CellRule = Callable[[str, str, str], bool]
"""Column, cell as sealed, cell as decoded now -> whether the change predicts it."""
FieldRule = Callable[[str, object, object], bool]
"""Path in a descriptor, value as sealed, value as the driver says it now -> whether the change predicts it."""


def _as_now(path: str, sealed: object, said: object) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class CodecChange:
    """`codec`: the first that has it. `allows`: the cells it may move; `adds_rows`: readings that older drivers refused
    whole, each with an empty cell where the odd value stood; `describes`: what of a meter's descriptor it may move."""

    name: str
    codec: int
    drivers: frozenset[str]
    allows: CellRule
    adds_rows: bool = False
    describes: FieldRule = _as_now


def _stale(column: str, sealed: str, decoded: str) -> bool:
    flags = [set(cell.split("|")) - {STALE, ""} for cell in (sealed, decoded)]
    return column == "flags" and flags[0] == flags[1]


def _odd_value(column: str, sealed: str, decoded: str) -> bool:
    return False


def _marked(column: str, sealed: str, decoded: str) -> bool:
    """PTDaemon prints a value outside its range as -(value + 3)."""
    if column == "flags":
        return set(decoded.split("|")) - set(sealed.split("|")) == {"overrange"}
    return column in ("power_w", "voltage_v", "current_a") and decoded == "" and (_number(sealed) or 0.0) <= -3.0


def _of_phases(column: str, sealed: str, decoded: str) -> bool:
    """IEC 62056-21 and SML: power by phase is summed, delivered power is subtracted, energies may lack their unit."""
    if column == "power_w":
        return sealed == "" or (_number(sealed) == 0.0 and (_number(decoded) or 0.0) < 0.0)
    if column == "flags":
        return set(sealed.split("|")) - set(decoded.split("|")) <= {"nan", ""}
    return column == "energy_wh" and sealed == ""


def _steps(path: str, sealed: object, said: object) -> bool:
    """The same meters: a step was that of registers which had not come (1), or the least of several."""
    if path not in ("columns.power_w.resolution", "columns.energy_wh.resolution"):
        return False
    return sealed == 1.0 or (isinstance(sealed, float) and isinstance(said, float) and 0.0 < sealed < said)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


CHANGES = (
    CodecChange(
        "codec-2-stale",
        2,
        frozenset({"pzem", "sdm120", "sdm230", "umg604", "mcp39f511n", "powerspy2", "gude", "tasmota", "shelly"}),
        _stale,
    ),
    CodecChange(
        "codec-2-odd-value",
        2,
        frozenset(
            {"pzem", "sdm120", "sdm230", "umg604", "gude", "tasmota", "shelly", "wt310", "wt210", "iec62056", "sml"}
        ),
        _odd_value,
        adds_rows=True,
    ),
    CodecChange("codec-2-marks", 2, frozenset({"ptdaemon"}), _marked),
    CodecChange("codec-2-phases", 2, frozenset({"iec62056", "sml"}), _of_phases, describes=_steps),
)
"""Every change so far; each name stands in CHANGELOG.md, "Changes to results"."""


def changes_since(codec: int, driver: str) -> list[CodecChange]:
    """What is decoded otherwise now than a run of that codec had it."""
    return [change for change in CHANGES if codec < change.codec and driver in change.drivers]
