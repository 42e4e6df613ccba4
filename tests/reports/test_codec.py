"""Records of derived documents <-> JSON: there and back, and what a forged file is told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.record.documents import dump
from harness.record.errors import DocumentError
from harness.record.levels import Level
from reports.results.codec import decoded, document_text, encoded, keyed, numbers_in, widened
from reports.results.uncertainty import Estimate, Number, t_quantile


@dataclass(frozen=True)
class Part:
    """One part of a document."""

    name: str
    energy_wh: Number | None
    expanded_wh: float | None = field(metadata=keyed("U_wh"))


@dataclass(frozen=True)
class Whole:
    """A document."""

    kind: Literal["a", "b"]
    parts: tuple[Part, ...]
    limits: Mapping[str, float]
    sizes: Mapping[Literal["least", "most"], int]
    interval: tuple[float, float] | None
    facts: dict[str, Any]
    level: str | float
    labels: tuple[str, ...] = field(default=(), metadata=keyed(left_out=True))
    cell: Mapping[str, Level] | None = field(default=None, metadata=keyed(left_out=True))


NUMBER = {"value": 1.5, "unit": "Wh", "sd": 0.5, "n": 3, "u": 0.25, "U": 0.25 * t_quantile(2.0), "dof": 2.0}
WRITTEN: dict[str, Any] = {
    "kind": "a",
    "parts": [{"name": "x", "energy_wh": NUMBER, "U_wh": None}],
    "limits": {"gap": 2},
    "sizes": {"least": 1},
    "interval": [1.0, 2.0],
    "facts": {"anything": [{"at": None}]},
    "level": 0.5,
}


def test_what_is_read_is_written_again_in_the_order_of_the_fields() -> None:
    whole = decoded(Whole, WRITTEN, "whole.json")
    assert whole.parts[0].energy_wh == Number(Estimate(1.5, 0.25, 2.0), "Wh", 0.5, 3)
    assert encoded(whole) == WRITTEN
    assert list(encoded(whole)) == list(WRITTEN)
    assert encoded(decoded(Whole, WRITTEN | {"labels": ["one"]}, ""))["labels"] == ["one"]
    cell = {"net": "cnn", "size": 1, "rate": 1.0, "deep": True}
    assert dump(encoded(decoded(Whole, WRITTEN | {"cell": cell}, ""))["cell"]) == dump(cell)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_a_file_is_the_text_that_json_gives_of_it(facts: object) -> None:
    for parts, labels in (([], []), (WRITTEN["parts"] * 2, ["one", "two"])):
        change = {"parts": parts, "labels": labels, "facts": {"of": facts}, "limits": {}}
        whole = decoded(Whole, WRITTEN | change, "whole.json")
        assert document_text(whole) == json.dumps(encoded(whole), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [{"deep": float("-inf")}]])
def test_what_is_no_json_is_not_written(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        document_text(decoded(Whole, WRITTEN | {"facts": {"of": value}}, "whole.json"))


@dataclass(frozen=True)
class LabelledPart(Part):
    """One part and how it is called."""

    label: str = ""


def test_a_record_is_widened_by_what_its_kind_adds() -> None:
    part = Part("x", None, 0.5)
    assert widened(LabelledPart, part, label="X") == LabelledPart("x", None, 0.5, "X")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kind": "c"}, "whole.json.kind: found 'c', expected 'a' | 'b'"),
        ({"parts": [{"name": "x", "energy_wh": None}]}, "whole.json.parts[0]: lacks U_wh"),
        ({"parts": [{"name": 1, "energy_wh": None, "U_wh": None}]}, "whole.json.parts[0].name: found 1, expected str"),
        ({"parts": [{"name": "x", "energy_wh": {"value": 1.0}, "U_wh": None}]}, "parts[0].energy_wh: found"),
        ({"parts": [{"name": "x", "energy_wh": NUMBER | {"u": "0.1"}, "U_wh": None}]}, "expected a Number"),
        ({"parts": {}}, "whole.json.parts: found {}, expected a list"),
        ({"interval": [1.0]}, "whole.json.interval: found [1.0], expected a list of 2"),
        ({"sizes": {"large": 1}}, "whole.json.sizes: found 'large', expected a key 'least' | 'most'"),
        ({"limits": {"gap": True}}, "whole.json.limits.gap: found True, expected float"),
        ({"level": None}, "whole.json.level: found None"),
        ({"more": 1}, "whole.json: has 'more', which no Whole has"),
    ],
)
def test_what_is_no_such_document_is_refused_with_its_place(change: dict[str, Any], text: str) -> None:
    with pytest.raises(DocumentError) as refused:
        decoded(Whole, WRITTEN | change, "whole.json")
    assert text in str(refused.value)


@given(
    st.floats(-1e9, 1e9),
    st.none() | st.tuples(st.floats(0, 1e6), st.one_of(st.floats(1, 1e6), st.just(float("inf")))),
    st.none() | st.floats(0, 1e6),
)
def test_every_number_comes_back_as_it_was(
    value: float, spread: tuple[float, float] | None, deviation: float | None
) -> None:
    number = Number(Estimate(value, *(spread or (None, None))), "Wh", deviation, 3)
    part = decoded(Part, encoded(Part("x", number, None)), "part")
    assert part.energy_wh == number
    assert list(numbers_in(part)) == [number]
