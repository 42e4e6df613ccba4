"""JSON within bounds: what is refused, and where the error points."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.json_reply import Node, parse_json
from meters.meter import MeterGarbage


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{} {}",
        b"\xff",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1,"a":2}',
        b"[" * 100_000,
        b"9" * 5000,
        b"1e99999999999999999999",
        b"{'a':1}",
    ],
)
def test_what_is_not_one_json_value_is_refused(data: bytes) -> None:
    with pytest.raises(MeterGarbage, match="expected JSON"):
        parse_json(data).number(0, 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b'"1"', r"\$.a: found '1', expected a number from 0 to 5"),
        (b"true", r"\$.a: found true"),
        (b"null", r"\$.a: found null"),
        (b"{}", "found an object with nothing in it"),
        (b"6", "found 6"),
        (b"1e400", r"found 1E\+400"),
        (b"-0.1", "found -0.1"),
    ],
)
def test_what_is_no_number_in_place_is_refused_with_its_path(value: bytes, text: str) -> None:
    with pytest.raises(MeterGarbage, match=text):
        parse_json(b'{"a":' + value + b"}").member("a").number(0, 5)


@pytest.mark.parametrize(
    ("text", "step"), [(b"26", 1.0), (b"26.0", 0.1), (b"26.30", 0.01), (b"1e3", 1.0), (b'"x"', 0.0), (b"true", 0.0)]
)
def test_a_number_keeps_the_step_of_its_last_decimal(text: bytes, step: float) -> None:
    assert parse_json(text).step() == pytest.approx(step)


def test_each_kind_is_taken_only_for_what_it_is() -> None:
    reply = parse_json(b'{"a":[{"b":"x"}],"c":1,"d":false,"e":"\\u0007"}')
    assert reply.member("a").items()[0].member("b").text() == "x"
    assert (reply.member("c").whole(0, 9), reply.member("d").flag(), reply.get("z")) == (1, False, None)
    for read in (
        lambda: reply.member("z"),
        lambda: reply.member("c").member("x"),
        lambda: reply.member("c").items(),
        lambda: reply.member("c").flag(),
        lambda: reply.member("d").whole(0, 9),
        lambda: reply.member("e").text(),
        lambda: reply.member("a").items()[0].member("b").number(0, 1),
    ):
        with pytest.raises(MeterGarbage, match=r"^\$"):
            read()


@given(st.one_of(st.binary(max_size=60), st.text(alphabet='{}[]",:.0123456789eE+-truefalsn \\u', max_size=60)))
def test_any_bytes_are_a_value_or_garbage(data: bytes | str) -> None:
    raw = data if isinstance(data, bytes) else data.encode()
    with suppress(MeterGarbage):
        node = parse_json(raw)
        assert isinstance(node, Node)
        assert -1e9 <= node.number(-1e9, 1e9) <= 1e9
