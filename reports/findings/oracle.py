"""Whether a run's workload did the work it was to do: the `[verification]` table of its scenario.toml against what it
left in summary.json (`computational-incorrect`, method.md section 7).

Knows the four forms of an expectation. Knows no power and no file: the summaries of a scenario's runs come decoded.

Forms, by a dotted path into summary.json
    restored = true                                             that value, exactly
    "quality.f1" = { min = 0.2, max = 1.0 }                     a number within a band (either end may be left out)
    "dataset.used_digest" = { same = true }                     the same in every run of the scenario that says it
    images_seen_train = { product = ["dataset.images_train", "epochs"] }    the product of other values
"""

import math
from collections.abc import Sequence
from typing import Any

from harness.record.documents import Json
from reports.readings.bounded import number
from reports.results.finding import Finding

ABSENT = object()


def of_summary(run: str, expected: Json, summary: Json, others: Sequence[Json]) -> list[Finding]:
    """`computational-incorrect` with everything that is not as it should be; `others`: every summary of the scenario,
    in the order of the runs."""
    if not expected:
        return []
    if not summary:
        return [Finding("computational-incorrect", "invalid", run, {"summary.json": "missing or unreadable"})]
    wrong: Json = {}
    for path, wanted in expected.items():
        found = at(summary, path)
        if not _holds(wanted, found, summary, path, others):
            wrong[path] = {"found": None if found is ABSENT else found, "expected": wanted}
    return [Finding("computational-incorrect", "invalid", run, wrong)] if wrong else []


def at(summary: Json, path: str) -> Any:  # noqa: ANN401  a workload writes what it likes
    """The value at a dotted path; `ABSENT` where there is none."""
    value: Any = summary
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            return ABSENT
        value = value[key]
    return value


def _holds(wanted: Any, found: Any, summary: Json, path: str, others: Sequence[Json]) -> bool:  # noqa: ANN401
    if found is ABSENT:
        return False
    if not isinstance(wanted, dict):
        alike = type(found) is type(wanted) or (_is_number(found) and _is_number(wanted))
        return alike and bool(found == wanted)
    if "same" in wanted:
        said = [value for value in (at(other, path) for other in others) if value is not ABSENT]
        return bool(found == _most_frequent(said))
    if "product" in wanted:
        factors = [at(summary, str(name)) for name in wanted["product"]]
        return all(map(_is_number, [found, *factors])) and bool(found == math.prod(factors))
    return _is_number(found) and wanted.get("min", -math.inf) <= found <= wanted.get("max", math.inf)


def _most_frequent(values: Sequence[Any]) -> Any:  # noqa: ANN401
    """What most runs say; of equally frequent ones the first."""
    return max(values, key=values.count)


def _is_number(value: Any) -> bool:  # noqa: ANN401
    return math.isfinite(number(value))
