"""Findings on useful work: what a program marks, what its summary says and what its scenario declares must not
contradict each other (docs/markers.md, "Useful work").

Knows amounts by unit and declared kinds. Knows no energy, no file and no sentence.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from harness.record.documents import Json
from harness.record.work import Work
from reports.readings.bounded import number
from reports.results.finding import Finding

ALIKE = 1e-9
"""Relative: sums of floats differ so much at most."""


def of_contradiction(
    run: str, worked: Mapping[str, float], told: Mapping[str, Any], declared: Iterable[Work]
) -> list[Finding]:
    """`work-contradicted`: what the program marked of a unit is not what its summary says (`told`), under the unit's
    name or under the key by which a kind of this name is declared."""
    keys: dict[str, set[str]] = {unit: {unit} for unit in worked}
    for work in declared:
        unit = work.name.rpartition("_per_")[0]
        if unit in keys:
            keys[unit].add(work.key)
    wrong: Json = {}
    for unit, amount in worked.items():
        for key in sorted(keys[unit]):
            said = number(told.get(key))
            if math.isfinite(said) and not math.isclose(said, amount, rel_tol=ALIKE):
                wrong[unit] = {"marked": amount, "summary": said, "key": key}
    return [Finding("work-contradicted", "warn", run, wrong)] if wrong else []


def of_missing(scenario: str, worked: Mapping[str, Mapping[str, float]]) -> list[Finding]:
    """`work-missing`: a unit that some runs of a scenario mark and others do not. `worked`: run -> amounts by unit."""
    units = dict.fromkeys(unit for own in worked.values() for unit in own)
    missing: Json = {
        unit: lacking for unit in units if (lacking := [run for run, own in worked.items() if unit not in own])
    }
    return [Finding("work-missing", "warn", scenario, missing)] if missing else []
