"""Lines are JSON, whichever way they are written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sut.agent.lines import json_value, line_of, numbers, value_of
from harness.sut.agent.requests import PONG
from harness.sut.agent.sampling import SAMPLE

finite = st.floats(allow_nan=False, allow_infinity=False)
cells = st.lists(st.none() | st.integers() | finite)
stamps = st.integers(0, 1 << 62)
values = st.recursive(st.none() | st.booleans() | st.integers() | finite | st.text(), st.lists, max_leaves=5)


@given(stamps, stamps, cells)
def test_a_sample_is_the_line_that_the_encoder_would_write(sut_ns: int, wall_ns: int, row: list[float | None]) -> None:
    record = {"rec": "sample", "sut_ns": sut_ns, "sut_wall_ns": wall_ns, "values": row}
    assert SAMPLE % (sut_ns, wall_ns, numbers(row)) == line_of(record)


@given(values, stamps, stamps)
def test_the_answer_to_a_ping_is_the_line_that_the_encoder_would_write(number: Any, one: int, other: int) -> None:  # noqa: ANN401  any JSON
    answer = {"id": number, "sut_ns": one, "sut_wall_ns": other, "sut_boot_ns": one}
    assert PONG % (json_value(number), one, other, one) == line_of(answer)


@given(values)
def test_a_line_is_read_as_it_was_written(value: Any) -> None:  # noqa: ANN401  any JSON
    line = line_of({"value": value})
    assert value_of(line) == value_of(b" " + line) == json.loads(line) == {"value": value}


@pytest.mark.parametrize("line", [b"", b"{", b"{} {}", b"{}x", b"\xff", b"nonsense"])
def test_what_is_not_one_value_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  which fault it is, nobody asks
        value_of(line)
