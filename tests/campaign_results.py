"""The numbers of a campaign for tests: as decoded JSON where they look at single figures, and an example as records."""

import types
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from harness.record.documents import Json
from reports.campaign.document import Analysis
from reports.results.codec import decoded, encoded, key_of
from reports.results.document import Results, results_of
from reports.results.uncertainty import Number


def complete(analysis: Analysis) -> Json:
    """results.json, decoded."""
    return dict(encoded(analysis.results))


def plain(analysis: Analysis) -> Json:
    """results.json without its statistics, which take R."""
    document: Json = encoded(analysis.numbers)
    return document


@cache
def example() -> Results:
    """tests/data/results-example.json, a synthetic campaign."""
    return results_of((Path(__file__).parent / "data" / "results-example.json").read_bytes())


def read(tree: Json) -> Results:
    """A tree in the shape of results.json, read as one. What a test does not state is filled in: null, empty, zero,
    and the U of a Number is what its u gives."""
    return decoded(Results, filled(Results, tree), "results.json")


def filled(hint: Any, raw: Any) -> Any:  # noqa: ANN401  a type hint, and decoded JSON
    """Decoded JSON with every key that records of this type have."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        record = next((part for part in arguments if part is not types.NoneType), None)
        return raw if raw is None else filled(record, raw)
    if hint is Number and isinstance(raw, dict):
        return _with_expanded(_empty(Number) | raw)
    if isinstance(raw, dict) and is_dataclass(hint):
        hints = get_type_hints(hint)
        own = {key_of(spec): hints[spec.name] for spec in fields(hint) if spec.default is MISSING}
        known = {key: filled(own[key], part) if key in own else part for key, part in raw.items()}
        return {key: _empty(kind) for key, kind in own.items()} | known
    if isinstance(raw, dict) and origin is not None and len(arguments) == 2:
        return {key: filled(arguments[1], part) for key, part in raw.items()}
    if isinstance(raw, list) and origin is tuple:
        return [filled(arguments[0], part) for part in raw]
    return raw


def _with_expanded(number: Json) -> Json:
    """A Number with the U that its u and degrees of freedom give: a made-up one is refused."""
    return number if number["u"] is None else number | {"U": Number.of_json(number).expanded}


def _empty(hint: Any) -> Any:  # noqa: ANN401
    origin, arguments = get_origin(hint), get_args(hint)
    if type(None) in arguments:
        return None
    if origin in (Union, types.UnionType):
        return _empty(arguments[-1])
    if origin is Literal:
        return arguments[0]
    if hint is Number:
        return {"value": 0.0, "unit": "1", "sd": None, "n": None, "u": None, "U": None, "dof": None}
    if is_dataclass(hint):
        return filled(hint, {})
    plain_values: dict[Any, Any] = {str: "", int: 0, float: 0.0, bool: False, tuple: [], list: []}
    return plain_values.get(origin or hint, {})
